"""The health check and cached embeds work, however many requests are waiting for Getty."""

from __future__ import annotations

import threading

import pytest

from embedkit.cli.server import MAX_WAITING
from embedkit.web.bulkhead import PLACES, Places, three_in_four, with_places
from tests.support.serve import (
    TIMEOUT_S,
    ServerProcess,
    gated_upstream,
    requesting,
    serve,
)
from tests.support.web import (
    ANY,
    EXAMPLE,
    KEYS,
    SEARCH,
    TOKEN,
    bearer,
    world,
)

COLD = [f"/v1/embeds/{600_001_000 + number}" for number in range(40)]  # 8 calls at once, and 32 that wait for one
WARM = f"/v1/embeds/{EXAMPLE}"


def always_answered(child: ServerProcess) -> None:
    for path in ("/healthz", WARM, f"/embed/{EXAMPLE}", f"/oembed?url=https://gty.im/{EXAMPLE}", "/docs"):
        assert child.get(path)[0] == 200


@pytest.mark.parametrize(
    "paths", [COLD, [COLD[0]] * MAX_WAITING, [path.replace("v1/embeds", "embed") for path in COLD]]
)
def test_waitress_responds_while_other_requests_wait(paths: list[str]) -> None:
    """There are more requests than threads, for different pictures or all for the same one."""
    with gated_upstream() as upstream, serve(upstream.url) as child:
        upstream.open.set()
        assert child.get(WARM)[0] == 200
        upstream.wait_for(1)
        upstream.open.clear()
        with requesting(child, paths) as answers:
            upstream.wait_for(min(8, len(set(paths))))
            always_answered(child)
            upstream.open.set()
        assert [status for status, _ in answers] == [200] * len(paths)


# -- the places -----------------------------------------------------------------------------------------


@pytest.fixture(name="full")
def fixture_full() -> Places:
    places = Places(1)
    assert places.enter()
    return places


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/embeds/{ANY}"),
        ("GET", f"/oembed?url=https://gty.im/{ANY}"),
        ("GET", f"/embed/{ANY}"),
        ("GET", SEARCH),
        ("GET", "/v1/countries"),
        ("GET", f"/v1/images/{EXAMPLE}"),
        ("GET", "/picker?q=dawn"),
    ],
)
def test_without_a_place_a_request_fails_immediately(full: Places, method: str, path: str) -> None:
    web = world(tokens=TOKEN, search_access="open", **KEYS)
    answer = web.client.open(path, method=method, headers=bearer(TOKEN), environ_base={PLACES: full})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert web.sandbox.count() == 0
    assert full.taken == 1
    full.leave()
    for _ in range(3):
        again = web.client.open(path, method=method, headers=bearer(TOKEN), environ_base={PLACES: full})
        assert again.status_code == 200
    assert full.taken == 0


def test_cached_embeds_need_no_place(full: Places) -> None:
    web = world()
    assert web.client.get(WARM).status_code == 200
    assert web.client.get(WARM, environ_base={PLACES: full}).status_code == 200
    answer = web.client.post("/v1/embeds", json={"refs": [EXAMPLE, ANY, "x"]}, environ_base={PLACES: full}).json
    assert answer is not None
    assert [one.get("error", {}).get("code") for one in answer["embeds"]] == [None, "unavailable", "unsupported"]
    assert answer["embeds"][1]["error"]["retry_after"] == 1
    text = {"content": f"[getty {EXAMPLE}] [getty {ANY}]"}
    shown = web.client.post("/v1/render", json=text, environ_base={PLACES: full}).json
    assert shown is not None
    assert [one["code"] for one in shown["problems"]] == ["unavailable"]


def test_a_request_without_a_place_does_not_count_as_cold(full: Places) -> None:
    web = world(cold_limit="1/hour")
    for _ in range(3):
        assert web.client.get(WARM, environ_base={PLACES: full}).status_code == 503
    assert web.client.get(WARM).status_code == 200


def test_every_place_is_released() -> None:
    places = Places(2)
    web = world(cold_limit="3/hour")
    paths = (WARM, "/v1/embeds/500000404", "/v1/embeds/x", "/embed/500000403", f"/oembed?url={ANY}", "/nothing")
    for _ in range(3):
        for path in paths:
            web.client.get(path, environ_base={PLACES: places})
    assert places.taken == 0


def test_places_lend_threads_until_shutdown() -> None:
    lent: list[int] = []
    places = Places(2, lent.append)
    assert [places.enter() for _ in range(3)] == [True, True, False]
    places.leave()
    assert lent == [1, 2, 1]
    places.close()
    places.leave()
    assert (lent, places.taken) == ([1, 2, 1], 0)


def test_places_are_thread_safe() -> None:
    places = Places(10)
    granted: list[bool] = []
    threads = [threading.Thread(target=lambda: granted.append(places.enter())) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert granted.count(True) == places.taken == 10


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (4, 3), (32, 24)])
def test_a_quarter_of_the_threads_never_waits(threads: int, most: int) -> None:
    told: list[Places] = []
    app = three_in_four(lambda environ, _: told.append(environ[PLACES]) or [], threads)  # type: ignore[func-returns-value]
    app({}, lambda *_: bytes)  # type: ignore[arg-type]
    assert sum(told[0].enter() for _ in range(40)) == most
    assert with_places(app, told[0]) is not app
