"""The response cache responds byte for byte like Flask, or forwards the request to Flask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import pytest
import time_machine
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app

from embedkit import AssetRef, EmbedKit
from embedkit.sandbox import SandboxTransport
from embedkit.web.metrics import RequestObserver
from embedkit.web.rate_limit import RateLimiter
from embedkit.web.response_cache import (
    HEADERS_BYTES,
    MAX_ANSWER_BYTES,
    READY_ONLY,
    CachedResponse,
    CachedResponses,
    NotReady,
    ResponseCacheMiddleware,
)
from tests.support.web import (
    ADMIN,
    ANY,
    EXAMPLE,
    WITHDRAWN,
    World,
    settings,
    world,
)

EMBED = f"/v1/embeds/{EXAMPLE}?target=web&maxwidth=300"
OEMBED = f"/oembed?url=https://gty.im/{EXAMPLE}"


@dataclass
class Road:
    """A service, and the number of requests that reached Flask."""

    world: World
    asked: int = 0

    def __post_init__(self) -> None:
        observed = self.world.app.wsgi_app
        assert isinstance(observed, RequestObserver)
        self.cache = observed._next
        assert isinstance(self.cache, ResponseCacheMiddleware)
        self.flask, self.cache._next = self.cache._next, self._count
        self.client = Client(self.world.app)

    def _count(self, environ: Any, start_response: Any) -> Any:
        self.asked += 1
        return self.flask(environ, start_response)

    def get(self, path: str, **headers: str) -> TestResponse:
        said = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.get(path, headers={"X-Request-ID": "the-same", **said})

    def twice(self, path: str, **headers: str) -> int:
        """Return how many of two equal requests reach Flask."""
        before = self.asked
        self.get(path, **headers), self.get(path, **headers)
        return self.asked - before


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_700_000_000.25, tick=False) as moved:
        yield moved


@pytest.fixture
def road() -> Road:
    return Road(world(admin_token=(ADMIN,), cors_origins=("https://cms.example.org",)))


REQUESTS: list[tuple[str, dict[str, str]]] = [
    (OEMBED, {}),
    (f"{OEMBED}&maxwidth=300&maxheight=200&format=json", {}),
    (f"{OEMBED}&caption=true", {"Accept-Encoding": "gzip"}),
    (EMBED, {}),
    (f"/v1/embeds/{EXAMPLE},{ANY}", {}),
    (f"/v1/embeds/{EXAMPLE}?target=text&unknown=1", {}),
    (EMBED, {"Origin": "https://cms.example.org"}),
    (EMBED, {"Origin": "https://other.example.org"}),
    (EMBED, {"If-None-Match": '"nothing"'}),
    (EMBED, {"If-None-Match": "*"}),
    (EMBED, {"If-Modified-Since": "Wed, 01 Nov 2023 00:00:00 GMT"}),
    (EMBED, {"Range": "bytes=0-9"}),
    (EMBED, {"Host": "other.example.org"}),
    (EMBED, {"Cookie": "session=x", "Authorization": "Bearer x", "X-Forwarded-For": "1.2.3.4"}),
]


@pytest.mark.parametrize(("path", "headers"), REQUESTS)
def test_a_cached_response_equals_flasks(road: Road, path: str, headers: dict[str, str]) -> None:
    road.get(path, **headers)  # cold
    first, again = road.get(path, **headers), road.get(path, **headers)
    assert road.asked <= 2
    assert (again.status, again.data) == (first.status, first.data)
    assert [name for name, _ in again.headers] == [name for name, _ in first.headers]
    assert {*again.headers} ^ {*first.headers} == {
        ("RateLimit-Remaining", again.headers["RateLimit-Remaining"]),
        ("RateLimit-Remaining", first.headers["RateLimit-Remaining"]),
    }
    assert int(again.headers["RateLimit-Remaining"]) == int(first.headers["RateLimit-Remaining"]) - 1


def test_a_conditional_request_gets_304(road: Road) -> None:
    tag = road.get(EMBED).headers["ETag"]
    for _ in range(3):
        answer = road.get(EMBED, If_None_Match=tag)
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert road.asked == 2


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/oembed", {}),
        ("/oembed?url=https://example.org/", {}),
        (f"{OEMBED}&format=xml", {}),
        (f"/oembed?url=https://gty.im/{WITHDRAWN}", {}),
        ("/oembed/providers.json", {}),
        (f"/embed/{EXAMPLE}", {}),
        ("/healthz", {}),
    ],
)
def test_other_requests_are_forwarded_to_flask(road: Road, path: str, headers: dict[str, str]) -> None:
    assert road.twice(path, **headers) == 2


def test_path_info_can_be_missing(road: Road) -> None:
    """PEP 3333, "environ Variables"."""
    environ = EnvironBuilder(path="/").get_environ()
    del environ["PATH_INFO"]
    body, status, _ = run_wsgi_app(road.world.app.wsgi_app, environ)
    assert status == "200 OK"
    assert b"".join(body)


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "DELETE"])
def test_other_methods_are_forwarded_to_flask(road: Road, method: str) -> None:
    road.twice(EMBED)
    before = road.asked
    assert road.client.open(EMBED, method=method).status_code != 0
    assert road.asked == before + 1


def test_different_requests_get_different_responses(road: Road) -> None:
    for path, headers in REQUESTS:
        road.get(path, **headers), road.get(path, **headers)
    plain = Client(road.flask)
    for path, headers in REQUESTS:
        expected, answer = plain.get(path, headers=headers), road.get(path, **headers)
        assert (answer.status, answer.data) == (expected.status, expected.data)
        del answer.headers["X-Request-ID"]
        assert {*answer.headers} ^ {*expected.headers} == {
            ("RateLimit-Remaining", one.headers["RateLimit-Remaining"]) for one in (answer, expected)
        }


def test_cached_responses_count_against_the_rate_limit(clock: time_machine.Traveller) -> None:
    road = Road(world(rate_limit="3/minute"))
    assert [road.get(EMBED).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert road.get(OEMBED).status_code == 429
    clock.shift(61)
    assert road.get(EMBED).status_code == 200


def test_clients_behind_a_proxy_are_counted_separately() -> None:
    made = world(rate_limit="2/minute", trusted_hops=1)
    client = Client(made.app)
    for address in ("198.51.100.1", "198.51.100.2"):
        answers = [client.get(EMBED, headers={"X-Forwarded-For": address}).status_code for _ in range(3)]
        assert answers == [200, 200, 429]


def test_a_purge_takes_effect_immediately(road: Road) -> None:
    road.twice(EMBED)
    first = road.get(EMBED).json
    done = road.client.delete(f"/v1/embeds/{EXAMPLE}", headers={"Authorization": f"Bearer {ADMIN}"})
    assert done.status_code == 204
    assert road.get(EMBED).json != first


def test_a_takedown_takes_effect_immediately(road: Road) -> None:
    road.twice(EMBED)
    road.world.sandbox.withdraw(EXAMPLE)
    road.world.kit.records([AssetRef((EXAMPLE,))], refresh=True)
    assert road.get(EMBED).status_code == 404


def test_time_dependent_parts_are_filled_in(road: Road, clock: time_machine.Traveller) -> None:
    road.twice(OEMBED)
    first = road.get(OEMBED)
    assert road.asked == 1
    clock.shift(1)
    again = road.get(OEMBED)
    assert again.json["cache_age"] == first.json["cache_age"] - 1
    assert again.headers["Date"] != first.headers["Date"]
    assert road.asked == 1


def test_stale_copies_are_left_to_flask(road: Road, clock: time_machine.Traveller) -> None:
    road.twice(EMBED)
    clock.shift(1.5 * 86_400)
    road.world.sandbox.faults.add("status", status=503, count=None)
    assert road.twice(EMBED) == 2
    assert road.get(EMBED).json["stale"]


def test_an_untrusted_host_is_rejected() -> None:
    road = Road(world(trusted_hosts=("embeds.example.org",)))
    assert [road.get(EMBED, Host="embeds.example.org").status_code for _ in range(2)] == [200, 200]
    assert road.asked == 1
    assert road.get(EMBED, Host="evil.example").status_code == 400


def test_the_hosts_hooks_are_always_called() -> None:
    made = world()
    made.app.before_request(lambda: ("not today", 403) if flask.request.headers.get("X-No") else None)
    road = Road(made)
    assert road.twice(EMBED) == 2
    assert road.get(EMBED, X_No="1").status_code == 403


def test_the_hosts_listeners_are_always_called(road: Road) -> None:
    heard = []

    def listen(sender: object, **_: object) -> None:
        heard.append(sender)

    with flask.request_finished.connected_to(listen, road.world.app):
        assert road.twice(EMBED) == 2
    assert len(heard) == 2


def test_the_hosts_views_replace_ours(road: Road) -> None:
    views = road.world.app.view_functions
    ours = views["embedkit.embed"]
    views["embedkit.embed"] = lambda ref: ours(ref=ref)
    assert road.twice(EMBED) == 2


def test_the_hosts_templates_are_always_rendered(tmp_path: Any) -> None:
    assert Road(world(templates=str(tmp_path))).twice(EMBED) == 2


def test_a_hosts_test_can_inspect_flasks_request(road: Road) -> None:
    road.twice(EMBED)
    with road.world.app.test_client() as client:
        client.get(EMBED)
        assert flask.request.path == f"/v1/embeds/{EXAMPLE}"


# -- in the event loop of a server, which must not wait ----------------------------------------------------------


def ready(road: Road, path: str, **headers: str) -> tuple[str, bytes]:
    """Send a request with READY_ONLY."""
    environ = EnvironBuilder(path=path, headers=headers).get_environ()
    body, status, _ = run_wsgi_app(road.world.app.wsgi_app, environ | {READY_ONLY: True})
    return status, b"".join(body)


def test_cached_responses_are_ready(road: Road) -> None:
    road.twice(EMBED)
    answer, before = road.get(EMBED), road.asked
    assert ready(road, EMBED) == (answer.status, answer.data)
    assert road.asked == before


@pytest.mark.parametrize("path", [EMBED, OEMBED, "/healthz", "/", f"/oembed?url=https://gty.im/{WITHDRAWN}"])
def test_requests_for_flask_are_not_ready(road: Road, path: str) -> None:
    with pytest.raises(NotReady):
        ready(road, path)
    assert road.asked == 0


def test_entries_that_the_store_must_confirm_are_not_ready(road: Road, clock: time_machine.Traveller) -> None:
    road.twice(EMBED)
    clock.shift(60)  # longer than an entry in memory is trusted
    with pytest.raises(NotReady):
        ready(road, EMBED)
    assert road.get(EMBED).status_code == 200
    assert ready(road, EMBED)[0] == "200 OK"
    assert road.asked == 1
    assert road.world.kit.purge(EXAMPLE)
    with pytest.raises(NotReady):
        ready(road, EMBED)


def test_nothing_is_ready_if_redis_counts_requests(road: Road) -> None:
    road.twice(EMBED)
    road.cache._limiter = RateLimiter(settings(cache="redis://127.0.0.1:1", secret=(ADMIN,)))
    with pytest.raises(NotReady):
        ready(road, EMBED)


def test_a_throttled_request_is_rejected_immediately() -> None:
    road = Road(world(rate_limit="2/minute"))
    road.twice(EMBED)
    assert ready(road, EMBED)[0].startswith("429")
    assert max(used for used, _ in road.cache._limiter._own._windows.values()) == 3


# -- what is cached -------------------------------------------------------------------------------------


def test_a_copy_that_is_too_small_is_fetched_again(road: Road) -> None:
    """The response to a smaller copy, served during an outage, is not cached: Getty could recover any time."""
    path = f"/v1/embeds/{EXAMPLE}?maxwidth=1500"
    assert road.get(EMBED).status_code == 200
    road.world.sandbox.faults.add("status", status=503, count=None)
    small = road.get(path).json["width"]
    road.world.sandbox.faults.clear()
    assert road.get(path).json["width"] > small


def test_a_throttled_request_is_counted_once() -> None:
    """Otherwise, a /64 over the limit of its /48 would be counted twice."""
    road = Road(world(rate_limit="2/minute"))
    counted = road.cache._limiter._own._windows
    for number in range(1, 6):
        road.get(EMBED)
        assert max(used for used, _ in counted.values()) == number


def answer(body: int = 100) -> CachedResponse:
    nothing: Any = None
    return CachedResponse("200 OK", "", "", [], {}, b"x" * body, b"", nothing, 0.0)


def test_responses_are_bounded_in_number() -> None:
    answers = CachedResponses(max_answers=3)
    for name in "abcd":
        answers.put((name,), answer())
    assert [answers.get((name,)) is not None for name in "abcd"] == [False, True, True, True]
    assert len(answers) == 3


def test_responses_are_bounded_in_bytes() -> None:
    answers = CachedResponses(max_bytes=10 * HEADERS_BYTES)
    for number in range(1_000):
        answers.put((str(number),), answer(number))
        assert answers.size <= 10 * HEADERS_BYTES
    assert len(answers) > 5
    answers.put(("large",), answer(MAX_ANSWER_BYTES))
    assert answers.get(("large",)) is None
    for key in list(answers._answers):
        answers.drop(key)
    assert (len(answers), answers.size) == (0, 0)


def test_one_off_requests_do_not_displace_frequent_ones() -> None:
    answers = CachedResponses(max_answers=100)
    for number in range(50):
        answers.put((f"often {number}",), answer())
    for number in range(10_000):
        answers.put((f"once {number}",), answer())
        answers.get((f"often {number % 50}",))
    assert all(answers.get((f"often {number}",)) for number in range(50))


def test_a_flood_of_hosts_and_queries_stays_within_bounds(road: Road) -> None:
    road.cache._answers = answers = CachedResponses(max_answers=50)
    for number in range(300):
        road.get(f"{EMBED}&x={number}", Host=f"host{number}.example", Origin=f"https://{number}.example")
    assert len(answers) == 50


def test_all_unlisted_origins_share_a_response(road: Road) -> None:
    for number in range(20):
        road.get(EMBED, Origin=f"https://{number}.example")
    assert (road.asked, len(road.cache._answers)) == (1, 1)


def test_hooks_added_later_take_effect_within_a_second(road: Road, clock: time_machine.Traveller) -> None:
    road.twice(EMBED)
    road.world.app.after_request_funcs.setdefault(None, []).append(lambda response: ("hooked", 418))
    clock.shift(1)
    assert road.twice(EMBED) == 2


def test_a_listener_added_later_takes_effect_immediately(road: Road) -> None:
    road.twice(EMBED)
    with flask.appcontext_popped.connected_to(lambda *_, **__: None, road.world.app):
        assert road.twice(EMBED) == 2
    assert road.twice(EMBED) == 0


@pytest.mark.parametrize("change", ["purge", "take down", "refresh"])
def test_changes_by_another_kit_take_effect_immediately(change: str, tmp_path: Path) -> None:
    rows = {"cache": f"sqlite:{tmp_path}/cache.db"}
    road = Road(world(**rows))
    sandbox = road.world.sandbox
    with EmbedKit(settings(**rows), transport=SandboxTransport(sandbox)) as other:
        road.twice(EMBED)
        assert road.twice(EMBED) == 0
        if change == "take down":
            sandbox.withdraw(EXAMPLE)
        if change == "purge":
            other.purge(EXAMPLE)
        else:
            other.engine.entries([AssetRef((EXAMPLE,))], refresh=True)
        before = road.asked
        assert road.get(EMBED).status_code == (404 if change == "take down" else 200)
        assert road.asked == before + 1
