"""Rate limits: requests, pictures that have to be fetched, and unknown URLs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from embedkit import Settings
from embedkit.freshness import DAY
from embedkit.web.context import BriefCache
from embedkit.web.rate_limit import MAX_WINDOWS, SITE_FACTOR, MemoryCounts, RateLimiter, networks
from tests.support import stores
from tests.support.tools import Clock, terminates
from tests.support.web import (
    ANY,
    EXAMPLE,
    FORBIDDEN,
    HOSTILE,
    TOKEN,
    TOKEN_2,
    WITHDRAWN,
    World,
    bearer,
    settings,
    world,
)

OTHER = {"REMOTE_ADDR": "192.0.2.2"}


def ids(count: int, start: int = 0) -> list[str]:
    return [str(600_500_000 + start + number) for number in range(count)]


def batch(web: World, refs: list[Any], **said: Any) -> list[Any]:
    answer = web.client.post("/v1/embeds", json={"refs": refs, "target": "feed"}, **said)
    assert answer.status_code == 200
    found: list[Any] = answer.json["embeds"]
    return found


def codes(items: list[Any]) -> list[str | None]:
    return [item.get("error", {}).get("code") for item in items]


# -- pictures that have to be fetched ------------------------------------------------------------------


def test_pictures_over_the_limit_are_throttled_and_others_served() -> None:
    web = world(cold_limit="5/hour")
    found = batch(web, ids(8))
    assert codes(found) == [None] * 5 + ["throttled"] * 3
    assert web.sandbox.count("oembed") == 5
    error = found[-1]["error"]
    assert 0 < error["retry_after"] <= 3600
    assert "Wait" in error["detail"]
    assert "5 pictures" in error["detail"]


def test_cached_pictures_cached_errors_and_invalid_references_are_free() -> None:
    web = world(cold_limit="5/hour")
    free = [EXAMPLE, WITHDRAWN, FORBIDDEN, HOSTILE]
    batch(web, free)
    again = batch(web, [*free, "nonsense", "https://evil.example/1", {}, 7.5, "x" * 5000] * 8)
    assert "throttled" not in codes(again)
    assert codes(batch(web, [ANY, *ids(2), EXAMPLE])) == [None, "throttled", "throttled", None]


def test_a_repeated_picture_counts_once() -> None:
    web = world(cold_limit="2/hour")
    assert codes(batch(web, [ANY, f"https://gty.im/{ANY}", {"ref": ANY}, EXAMPLE] * 5)) == [None] * 20


def test_each_client_has_its_own_limit() -> None:
    web = world(cold_limit="1/hour")
    assert codes(batch(web, ids(2))) == [None, "throttled"]
    assert codes(batch(web, ids(2)[1:], environ_base=OTHER)) == [None]
    assert codes(batch(web, ids(2))) == [None, None]  # now in the cache


@pytest.mark.parametrize("path", ["/v1/embeds/{}", "/oembed?url=https://gty.im/{}", "/embed/{}"])
def test_single_routes_are_throttled_too(path: str) -> None:
    web = world(cold_limit="1/hour")
    assert web.client.get(path.format(EXAMPLE)).status_code == 200
    answer = web.client.get(path.format(ANY))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert answer.headers["Cache-Control"] == "no-store"
    if path.startswith("/embed"):
        assert f"/detail/{ANY}" in answer.text  # never an empty space
    else:
        assert answer.json["code"] == "throttled"
    assert web.client.get(path.format(EXAMPLE)).status_code == 200
    assert web.client.get(path.format("nonsense")).status_code == 404


def test_a_text_over_the_limit_degrades() -> None:
    web = world(cold_limit="2/hour")
    text = "\n\n".join(f"[getty {ref}]" for ref in ids(4))
    answer = web.client.post("/v1/render", json={"content": text, "target": "web"}).json
    assert [embed["ref"] for embed in answer["embeds"]] == ids(2)
    assert [(one["line"], one["code"]) for one in answer["problems"]] == [(5, "throttled"), (7, "throttled")]
    assert answer["content"].count("<iframe") == 2
    assert answer["content"].count("/detail/") >= 2
    assert "[getty" not in answer["content"]
    assert all(0 < one["retry_after"] <= 3600 for one in answer["problems"])


def test_temporary_problems_have_retry_after() -> None:
    web = world(cold_limit="2/hour")

    def problems(*refs: str) -> list[Any]:
        texts = [{"content": f"[getty {ref}] [getty nonsense]"} for ref in refs]
        found = web.client.post("/v1/render", json={"texts": texts}).json["texts"]
        return [[(problem["code"], "retry_after" in problem) for problem in one["problems"]] for one in found]

    wrong = ("unsupported", False)
    assert problems(WITHDRAWN, EXAMPLE, ANY) == [
        [("not-found", False), wrong],
        [wrong],
        [("throttled", True), wrong],
    ]
    web = world()
    web.sandbox.faults.add("status", status=503, count=None)
    assert problems(ANY) == [[("unavailable", True), wrong]]


def test_each_token_has_its_own_limit_for_all_addresses() -> None:
    web = world(cold_limit="1/hour", token_cold_limit="3/hour", tokens=f"{TOKEN},{TOKEN_2}")
    asked = iter(range(100))

    def cold(count: int, token: str, **more: Any) -> list[str | None]:
        wanted = ids(count, 10 * next(asked))
        return codes(batch(web, wanted, headers=bearer(token) if token else {}, **more))

    assert cold(2, TOKEN) == [None] * 2
    assert cold(2, TOKEN, environ_base=OTHER) == [None, "throttled"]
    assert cold(3, TOKEN_2) == [None] * 3
    assert cold(2, "") == [None, "throttled"]
    assert cold(1, "an-invented-token-that-nobody-has-given-001") == ["throttled"]
    said = web.client.post("/v1/render", json={"content": "[getty 600123456]"}, headers=bearer(TOKEN)).json
    assert "3 pictures had to be fetched from Getty Images for this token" in said["problems"][0]["detail"]
    assert TOKEN not in str(said)


def test_a_larger_size_counts_and_falls_back_to_the_copy() -> None:
    web = world(cold_limit="1/hour")
    width = web.client.get(f"/v1/embeds/{ANY}?maxwidth=594").json["width"]
    larger = web.client.get(f"/v1/embeds/{ANY}?maxwidth=1024")
    assert (larger.status_code, larger.json["width"]) == (200, width)
    assert web.sandbox.count("oembed") == 1


def test_stale_copies_are_served_and_background_refreshes_are_free() -> None:
    from embedkit import EmbedKit, create_app
    from embedkit.sandbox import SandboxTransport

    clock, transport = Clock(), SandboxTransport()
    kit = EmbedKit(settings(cold_limit="1/hour"), transport=transport, clock=clock)
    web = World(app := create_app(kit=kit), app.test_client(), kit, transport.app)
    assert codes(batch(web, [ANY])) == [None]
    clock.ahead = 1.5 * DAY
    assert batch(web, [ANY])[0]["stale"]
    assert kit.settle(5) == 0
    assert web.sandbox.count("oembed") == 2
    clock.ahead = 4.5 * DAY
    found = batch(web, [ANY, EXAMPLE])
    assert found[0]["stale"]
    assert codes(found) == [None, "throttled"]


def test_throttling_one_client_does_not_affect_others() -> None:
    """Throttling is not cached with the picture."""
    web = world(cold_limit="1/hour")
    batch(web, [EXAMPLE])
    assert codes(batch(web, [ANY])) == ["throttled"]
    assert codes(batch(web, [ANY], environ_base=OTHER)) == [None]


def test_the_default_cold_limit() -> None:
    assert Settings().cold_limit == "300/minute"
    rate_limit = RateLimiter(Settings(cache="memory:")).hit_cold("192.0.2.1", 1000)
    assert (rate_limit.granted, rate_limit.allowed, rate_limit.limit) == (300, False, 300)


# -- unknown URLs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/docs/", 404),
        ("PUT", "/v1/embeds", 405),
        ("POST", "/healthz", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/nothing", 404),
        ("HEAD", "/nothing", 404),
        ("POST", "/static/embedkit.css", 405),
    ],
)
def test_unknown_urls_and_methods_are_counted(method: str, path: str, status: int) -> None:
    web = world(rate_limit="2/hour")
    answers = [web.client.open(path, method=method, buffered=True) for _ in range(3)]
    assert [one.status_code for one in answers] == [status, status, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert answers[2].headers["Retry-After"]
    assert answers[2].headers["X-Content-Type-Options"] == "nosniff"
    assert web.client.get("/oembed").status_code == 429
    assert web.client.get("/healthz").status_code == 200


def test_a_missing_picture_counts_once() -> None:
    web = world(rate_limit="2/hour")
    answers = [web.client.get(f"/v1/embeds/{WITHDRAWN}") for _ in range(3)]
    assert [one.status_code for one in answers] == [404, 404, 429]


def test_options_requests_are_cheap() -> None:
    web = world(rate_limit="1/hour", cors_origins="https://cms.example.org")
    preflight = {"Origin": "https://cms.example.org", "Access-Control-Request-Method": "GET"}
    for path in ("/oembed?url=x", f"/v1/embeds/{ANY}", "/v1/render", "/v1/search", "/readyz", "/picker", "/"):
        for _ in range(3):
            assert web.client.options(path, headers=preflight).status_code == 200
    assert web.sandbox.count() == 0
    assert web.kit.engine.transport.value_if_made is None
    assert web.client.get("/oembed").status_code == 400


# -- clients ------------------------------------------------------------------------------------


def test_an_ipv6_site_has_a_limit() -> None:
    assert networks("2001:db8:1:2:3::4") == (("2001:db8:1:2::/64", 1), ("2001:db8:1::/48", SITE_FACTOR))
    assert networks("::ffff:192.0.2.7") == networks("192.0.2.7") == (("192.0.2.7", 1),)
    limiter = RateLimiter(settings(rate_limit="3/hour"))
    taken = [limiter.hit(f"2001:db8:1:{net:x}::{host}").allowed for net in range(40) for host in range(4)]
    assert taken[:4] == [True, True, True, False]
    assert sum(taken) == 3 * SITE_FACTOR
    assert limiter.hit("2001:db8:2::1").allowed


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("192.0.2.7:61234", "192.0.2.7"),
        ("[2001:db8:1:2::3]:61234", "2001:db8:1:2::3"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::3"),
        ("[::ffff:192.0.2.7]:1", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("::ffff:0:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("_hidden", "unknown"),
        ("x" * 5000, ""),
        ("192.0.2.7/32", "unknown"),
        ("[", "unknown"),
    ],
)
def test_spellings_of_an_address_are_one_client(forwarded: str, client: str) -> None:
    assert networks(forwarded) == networks(client)


@pytest.mark.parametrize("form", ["192.0.2.9:{}", "[2001:db8::{}]:{}", "[2001:db8::{}]", "_{}", "made-up-{}"])
def test_ports_and_made_up_names_do_not_evade_the_limit(form: str) -> None:
    web = world(rate_limit="2/hour", trusted_hops=1)
    ask = [{"X-Forwarded-For": form.format(1000 + number, number)} for number in range(4)]
    assert [web.client.get("/oembed", headers=one).status_code for one in ask] == [400, 400, 429, 429]


def test_a_network_cannot_use_up_its_sites_limit() -> None:
    limiter = RateLimiter(settings(rate_limit="3/hour", cold_limit="30/hour"))
    for host in range(200):
        limiter.hit(f"2001:db8:1:1::{host:x}")
    assert limiter.hit("2001:db8:1:2::1").allowed
    assert [limiter.hit_cold("2001:db8:1:1::1", 100).granted for _ in range(9)] == [30, *[0] * 8]
    assert limiter.hit_cold("2001:db8:1:2::1", 100).granted == 30


def test_the_tightest_limit_is_reported() -> None:
    limiter = RateLimiter(settings(rate_limit="3/hour"))
    for net in range(SITE_FACTOR):
        for _ in range(3):
            rate_limit = limiter.hit(f"2001:db8:1:{net:x}::1")
    assert (rate_limit.allowed, rate_limit.remaining) == (True, 0)
    refused = limiter.hit("2001:db8:1:ff::1")
    assert (refused.allowed, refused.limit) == (False, 3 * SITE_FACTOR)


def test_processes_and_machines_share_their_counts_in_redis() -> None:
    with stores.redis() as server:
        rows = settings(cache=server.url, rate_limit="5/hour", cold_limit="10/hour")
        one, two = RateLimiter(rows), RateLimiter(rows)
        assert [one.hit_cold("192.0.2.1", 4).granted, two.hit_cold("192.0.2.1", 4).granted] == [4, 4]
        last = one.hit_cold("192.0.2.1", 4)
        assert (last.granted, last.allowed, last.remaining) == (2, False, 0)
        assert 3500 < last.reset <= 3600
        assert [(one, two)[n % 2].hit("2001:db8::1").allowed for n in range(6)] == [True] * 5 + [False]
        assert two.hit_cold("192.0.2.1", 1).granted == 0


def test_a_hanging_redis_does_not_block_requests() -> None:
    with stores.dripping_redis() as port:
        assert terminates(
            RateLimiter(settings(cache=f"redis://127.0.0.1:{port}", rate_limit="5/hour")).hit, "192.0.2.1"
        )


# -- counting ----------------------------------------------------------------------------------------


def test_counting_starts_no_thread() -> None:
    started: list[str] = []
    original = threading.Thread.start
    limiter = RateLimiter(settings(rate_limit="100/second"))
    before = {thread.ident for thread in threading.enumerate()}
    for number in range(2000):
        limiter.hit(f"192.0.2.{number % 250}")
        started += [thread.name for thread in threading.enumerate() if thread.ident not in before]
    assert started == []
    assert threading.Thread.start is original


def test_windows_expire_and_the_oldest_are_evicted() -> None:
    clock = Clock(1000.0)
    counts = MemoryCounts(clock)
    assert [counts.hit("a", 60) for _ in range(3)] == [(1, 1060), (2, 1060), (3, 1060)]
    clock.ahead = 60
    assert counts.hit("a", 60, 5)[0] == 5
    for number in range(MAX_WINDOWS * 2):
        counts.hit(f"client {number}", 3600)
    assert len(counts._windows) <= MAX_WINDOWS
    assert counts.hit(f"client {MAX_WINDOWS * 2 - 1}", 3600)[0] == 2
    assert counts.hit("client 0", 3600)[0] == 1
    clock.ahead = 7200
    counts.hit("b", 60)
    for number in range(MAX_WINDOWS):
        counts.hit(f"client {number}", 3600)
    assert len(counts._windows) <= MAX_WINDOWS


@pytest.mark.parametrize("jump", [-DAY, -3600, -61, 61, 3600, DAY])
def test_a_window_is_not_extended_by_a_clock_jump(jump: float) -> None:
    clock = Clock(1_800_000_000.0)
    counts = MemoryCounts(clock)
    counts.hit("a", 60, 1000)
    clock.ahead = jump
    assert counts.hit("a", 60) == (1, clock() + 60)


def test_counting_is_thread_safe() -> None:
    counts = MemoryCounts()
    threads = [threading.Thread(target=lambda: [counts.hit("a", 60) for _ in range(2000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.hit("a", 60)[0] == 16_001


# -- /readyz ------------------------------------------------------------------------------------------


def test_readiness_is_cached_for_a_second() -> None:
    clock = Clock(lambda: 0.0)
    made: list[int] = []
    brief = BriefCache(clock)
    for _ in range(5):
        brief(lambda: made.append(1) or len(made))
    clock.ahead = 0.99
    assert brief(lambda: 9) == 1
    clock.ahead = 1.0
    assert brief(lambda: 9) == 9


def test_callers_do_not_wait_for_a_running_check() -> None:
    brief, clock = BriefCache(clock := Clock(lambda: 0.0)), clock
    assert brief(lambda: 1) == 1
    clock.ahead = 2
    looking, over = threading.Event(), threading.Event()

    def slow() -> int:
        looking.set()
        assert over.wait(30)
        return 2

    thread = threading.Thread(target=brief, args=(slow,))
    thread.start()
    assert looking.wait(30)
    assert brief(lambda: 3) == 1
    over.set()
    thread.join(30)
    assert brief(lambda: 3) == 2


def test_a_failed_check_is_not_cached() -> None:
    brief = BriefCache()
    with pytest.raises(ZeroDivisionError):
        brief(lambda: 1 // 0)
    assert brief(lambda: 1) == 1


def test_readyz_reads_the_store_once_a_second_and_is_not_counted() -> None:
    web = world(rate_limit="1/hour")
    looks: list[int] = []
    service_status = web.kit.status
    web.kit.status = lambda: looks.append(1) or service_status()  # type: ignore[method-assign]
    assert [web.client.get("/readyz").status_code for _ in range(50)] == [200] * 50
    assert 1 <= len(looks) <= 50 / 2  # however slow this machine is
