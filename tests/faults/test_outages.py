"""Lasting outages: no pointless waiting, no pointless calls, and recovery. Also clock jumps."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from embedkit import Embed, NotFound, QuotaExhausted, RateLimited, Unavailable, create_app
from embedkit.freshness import DAY
from tests.support.faults import (
    ID,
    ROUTES,
    TITLE,
    Harness,
    oembed_ok,
)
from tests.support.faulty_upstream import (
    Upstream,
    hang,
    ok,
    reset,
)

HOUR = 3600
DOWN = ok(b"<h1>Oops</h1>", "500 X")


def ids(number: int) -> list[str]:
    return [f"6001003{digit:02}" for digit in range(number)]


# -- stale while revalidate -------------------------------------------------------------------------------


def test_a_hanging_upstream_does_not_delay_stale_copies() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, timeout=5) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=1.5)
        upstream.scripts = (hang(),)
        seen = [harness.kit.resolve(ID) for _ in range(20)]
        pages = [harness.get(route) for route in ROUTES]
        assert harness.kit.settle(0) == 1  # the background refresh is still running: no caller waited for it
        assert all(embed.stale and embed.title == TITLE for embed in seen)
        assert [page.status_code for page in pages] == [200] * 3
        assert upstream.hits <= 2  # the first, and one background refresh
        began = time.monotonic()
        assert harness.kit.settle() == 0 or upstream.hits == 2
        assert time.monotonic() - began < 5 + 15
        upstream.scripts = (oembed_ok(),)
        assert harness.kit.resolve(ID).stale  # and starts another refresh
        assert harness.kit.settle(2) == 0
        assert not harness.kit.resolve(ID).stale


def test_a_refresh_does_not_shrink_a_copy() -> None:
    with Upstream(oembed_ok(width=1024, height=683)) as upstream, Harness(upstream.url) as harness:
        assert harness.kit.resolve(ID, max_width=1024).width == 1024
        harness.advance(days=1.5)
        assert harness.kit.resolve(ID, max_width=300).width == 300
        assert harness.kit.settle(2) == 0
        assert "maxwidth=1024" in upstream.requests[-1]
        harness.advance(days=5)
        assert harness.kit.resolve(ID, max_width=300).width == 300
        assert "maxwidth=1024" in upstream.requests[-1]
        hits = upstream.hits
        assert harness.kit.resolve(ID, max_width=1024).width == 1024
        assert upstream.hits == hits


# -- the breaker ------------------------------------------------------------------------------------------


def oembed_state(harness: Harness) -> dict[str, object]:
    ready = create_app(kit=harness.kit).test_client().get("/readyz")  # a new one, whose status is not cached
    assert ready.status_code == 200
    state: dict[str, object] = ready.json["upstream"]["oembed"]
    return {"status": ready.json["status"], **state}


def test_five_failures_open_the_breaker_and_one_call_closes_it() -> None:
    with Upstream(DOWN) as upstream, Harness(upstream.url) as harness:
        for ref in ids(5):
            assert isinstance(harness.resolve(ref), Unavailable)
        assert oembed_state(harness)["breaker"] == "open"
        assert oembed_state(harness)["status"] == "degraded"
        for ref in ids(20):
            error = harness.resolve(ref)
            assert isinstance(error, Unavailable)
            assert 20 < (error.retry_after or 0) <= 36
        assert harness.get(f"/v1/embeds/{ID}").headers["Retry-After"].isdigit()
        assert upstream.hits == 5
        harness.monotonic.ahead += 37
        assert isinstance(harness.resolve(ids(1)[0]), Unavailable)
        assert isinstance(harness.resolve(ids(2)[1]), Unavailable)
        assert upstream.hits == 6  # one trial call, and none shortly after it
        upstream.scripts = (oembed_ok(),)
        harness.monotonic.ahead += 37
        assert isinstance(harness.resolve(ID), Embed)
        assert oembed_state(harness) == {"status": "ok", "breaker": "closed", "waiting": 0}


def test_a_batch_in_an_outage_makes_few_calls() -> None:
    with Upstream(reset()) as upstream, Harness(upstream.url, concurrency=2) as harness:
        answers = harness.kit.resolve_many(ids(60))
    assert {type(answer) for answer in answers} == {Unavailable}
    assert upstream.connections <= 5 + 2 + 7  # the failures, the calls in progress, and one retry each


# -- too many calls -----------------------------------------------------------------------------------------

FAST = ok(b'{"message": "Account Over Queries Per Second Limit"}', "403 X")
DAILY = ok(b'{"message": "Account Over Rate Limit"}', "403 X")


def test_throttling_pauses_grow() -> None:
    with Upstream(FAST) as upstream, Harness(upstream.url) as harness:
        waits = []
        for hits in range(1, 8):
            assert isinstance(harness.resolve(), RateLimited)
            error = harness.resolve(ids(1)[0])
            assert isinstance(error, RateLimited)
            waits.append(round(error.retry_after or 0))
            assert upstream.hits == hits
            harness.monotonic.ahead += 31
        assert waits == [1, 2, 4, 8, 16, 30, 30]
        upstream.scripts = (oembed_ok(),)
        assert isinstance(harness.resolve(), Embed)


def test_an_exhausted_quota_stops_calls_and_copies_are_served() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=3)
        upstream.scripts = (DAILY,)
        for _ in range(5):
            assert harness.kit.resolve(ID).stale
        assert isinstance(harness.resolve(ids(1)[0]), QuotaExhausted)
        assert upstream.hits == 2
        state = oembed_state(harness)
        assert (state["status"], state["throttled"]) == ("degraded", "quota-exhausted")
        answer = harness.get(f"/v1/embeds/{ids(1)[0]}")
        assert answer.status_code == 429
        assert 890 <= int(answer.headers["Retry-After"]) <= 900
        upstream.scripts = (oembed_ok(),)
        harness.monotonic.ahead += 901
        assert not harness.kit.resolve(ID).stale
        assert oembed_state(harness)["status"] == "ok"


def test_a_batch_waits_for_a_short_pause() -> None:
    with Upstream(ok(b"", "429 X", ["Retry-After: 1"])) as upstream, Harness(upstream.url, timeout=1) as harness:
        assert isinstance(harness.resolve(), RateLimited)
        upstream.scripts = (ok(b"", "404 X"),)
        assert [type(answer) for answer in harness.kit.resolve_many(ids(2))] == [NotFound] * 2
        assert upstream.hits == 3


def test_a_batch_ends_in_time_even_if_pictures_are_slow() -> None:
    """Each is in time, but all together are not: late pictures have an error, and are cached for the next time."""

    def slow(sock: socket.socket, over: threading.Event) -> bool:
        over.wait(0.3)
        return ok(b"", "404 X")(sock, over)

    asked = {"refs": ids(20)}
    with Upstream(slow) as upstream, Harness(upstream.url, concurrency=1) as harness:
        client = harness.app.test_client()
        answers = client.post("/v1/embeds", json=asked).get_json()["embeds"]
        assert upstream.hits < 20
        assert [one["ref"] for one in answers] == asked["refs"]
        late = [one["error"] for one in answers if one["error"]["code"] == "unavailable"]
        assert late
        assert all(error["retry_after"] >= 1 for error in late)
        text = " ".join(f"[getty {one}]" for one in asked["refs"])
        problems = client.post("/v1/render", json={"content": text}).get_json()["problems"]
        assert len(problems) == 20
        assert upstream.hits < 40


# -- clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 30, -30])
def test_a_clock_jump_costs_at_most_one_call(jump: float) -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        for _ in range(3):
            harness.kit.resolve(ID)
        harness.clock.ahead += jump
        for _ in range(3):
            assert not harness.kit.resolve(ID).stale
        assert upstream.hits == 1 + (jump == -HOUR)
        harness.clock.ahead -= jump
        for _ in range(3):
            assert not harness.kit.resolve(ID).stale
        assert upstream.hits <= 2


@pytest.mark.parametrize("jump", [-HOUR, -400 * DAY])
def test_a_copy_from_the_future_is_served_in_an_outage(jump: float) -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        upstream.scripts = (DOWN,)
        harness.clock.ahead += jump
        assert harness.kit.resolve(ID).stale
        upstream.scripts = (oembed_ok(),)
        assert not harness.kit.resolve(ID).stale
        assert harness.kit.resolve(ID).fetched_at < time.time()


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_jump_does_not_extend_a_cached_error(jump: float) -> None:
    with Upstream(ok(b"", "404 X")) as upstream, Harness(upstream.url) as harness:
        harness.resolve()
        upstream.scripts = (oembed_ok(),)
        harness.clock.ahead += jump
        assert isinstance(harness.resolve(), Embed)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_purge_does_not_block_writes_after_a_clock_jump(jump: float) -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        assert harness.kit.purge(ID)
        harness.clock.ahead += jump
        for _ in range(3):
            harness.kit.resolve(ID)
        assert upstream.hits == 2


def test_a_response_is_not_valid_forever() -> None:
    with Upstream(oembed_ok(cache_age=10**9)) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        assert json.loads(harness.get(ROUTES[1]).data)["cache_age"] <= 7 * DAY * 1.1
        harness.advance(days=7.8)
        harness.kit.resolve(ID)
        harness.kit.settle(2)
        assert upstream.hits == 2


# -- pictures that are no longer embeddable ---------------------------------------------------


def test_an_outage_does_not_bring_back_a_picture_that_is_not_embeddable() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=1.5)
        upstream.scripts = (ok(b'{"message": "Not embeddable"}', "403 X"),)
        harness.kit.resolve(ID)  # served for another day; its background refresh gets the error
        harness.kit.settle(2)
        assert harness.kit.resolve(ID).stale
        upstream.scripts = (DOWN,)
        harness.advance(days=1)
        assert isinstance(harness.resolve(), Unavailable)
        upstream.scripts = (oembed_ok(),)
        harness.advance(days=1)
        assert not harness.kit.resolve(ID).stale
        upstream.scripts = (DOWN,)
        harness.advance(days=5)
        assert harness.kit.resolve(ID).stale  # embeddable again, so the copy is valid again
