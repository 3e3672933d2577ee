"""CHANGE_FEED over HTTP: the lifetime of responses, the reported status, and the background thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedkit import EmbedKit, create_app
from embedkit.errors import ConfigurationError
from embedkit.sandbox import SandboxTransport
from embedkit.web import watch_changes
from tests.support.web import ANY, EXAMPLE, KEYS, World, settings, world

PATHS = (f"/v1/embeds/{EXAMPLE}", f"/oembed?url=https://gty.im/{EXAMPLE}", f"/embed/{EXAMPLE}")
FRONT = "https://front.example.org"


@pytest.fixture(name="make")
def fixture_make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Create services whose cache is a file. Their threads are stopped after the test."""
    made: list[World] = []

    def make(**rows: Any) -> World:
        rows = {**KEYS, "cache": f"sqlite:{tmp_path}/cache", "change_feed": "0.2", **rows}
        made.append(world(**rows))
        return made[-1]

    yield make
    for one in made:
        if worker := one.app.extensions["embedkit.changes"]:
            worker.stop(10)
        one.kit.close()


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def times(answer: Any) -> tuple[int, int]:
    """Return the lifetime of a response in browsers, and in shared caches."""
    control = answer.cache_control
    assert "stale" not in answer.headers["Cache-Control"]
    return int(control.max_age), int(control.s_maxage)


@pytest.mark.parametrize("path", PATHS)
def test_browsers_revalidate_after_a_minute(make: Callable[..., World], path: str) -> None:
    client = make(purge_urls=FRONT).client
    for _ in range(2):  # from Flask, then from the response cache
        answer = client.get(path)
        browsers, fronts = times(answer)
        assert browsers == 60
        assert 70_000 < fronts <= 86_400
        assert answer.headers["Surrogate-Key"] == f"getty-{EXAMPLE}"
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", PATHS)
def test_a_cache_in_front_that_is_not_notified_revalidates_sooner(make: Callable[..., World], path: str) -> None:
    assert times(make().client.get(path)) == (60, 15)


def test_a_list_has_a_surrogate_key_per_picture(make: Callable[..., World]) -> None:
    answer = make().client.get(f"/v1/embeds/{EXAMPLE},{ANY}")
    assert answer.headers["Surrogate-Key"] == f"getty-{EXAMPLE} getty-{ANY}"


def test_without_change_feed_headers_are_unchanged() -> None:
    answer = world().client.get(PATHS[0])
    assert "stale-while-revalidate" in answer.headers["Cache-Control"]
    assert "Surrogate-Key" not in answer.headers
    assert world().client.get("/readyz").json["changes"] == {}
    assert watch_changes(world().app) is None


def test_the_first_request_starts_the_worker_which_drops_a_withdrawn_picture(make: Callable[..., World]) -> None:
    web = make()
    assert "embedkit-changes" not in {one.name for one in threading.enumerate()}
    assert web.client.get(PATHS[0]).status_code == 200
    assert web.client.get(PATHS[0]).status_code == 200, "given again"
    web.sandbox.withdraw(EXAMPLE)
    wait_for(lambda: {web.client.get(path).status_code for path in PATHS} == {404})
    wait_for(lambda: web.kit.status()["changes"]["state"] == "ok")
    worker = watch_changes(web.app)
    assert worker is not None
    worker.stop(10)
    assert "embedkit-changes" not in {one.name for one in threading.enumerate()}


def test_cached_searches_omit_a_withdrawn_picture(make: Callable[..., World]) -> None:
    client = make(search_access="open").client
    search = "/v1/search?q=harbour&page_size=5"
    before = [image["id"] for image in client.get(search).json["images"]]
    web = make(search_access="open")
    web.sandbox.withdraw(before[1])
    web.kit.engine.changes().run()
    assert [image["id"] for image in client.get(search).json["images"]] == [before[0], *before[2:]]
    assert client.get(f"/v1/images/{before[1]}").status_code == 404
    assert client.get(f"/v1/images/{before[0]}").status_code == 200


STATES = {
    "pending": "Some changes are waiting for Getty Images to respond",
    "permission-denied": "The API key has no access to the feed of asset changes",
}


@pytest.mark.parametrize("state", STATES)
def test_feed_errors_are_reported_without_making_the_service_unavailable(
    make: Callable[..., World], state: str
) -> None:
    from embedkit.sandbox.services import auth

    keys = {"api_key": auth.SEARCH_KEY, "api_secret": auth.SEARCH_SECRET} if state == "permission-denied" else {}
    web = make(**keys)
    web.sandbox.faults.add("status", status=503, count=None, route="oembed")
    web.sandbox.withdraw(EXAMPLE)
    watch_changes(web.app)
    wait_for(lambda: web.kit.status()["changes"]["state"] == state)
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    page = web.client.get("/readyz", headers={"Accept": "text/html"}).text
    assert STATES[state] in page.replace("&#39;", "'")


def test_a_cache_that_is_not_shared_fails_at_startup() -> None:
    kit = EmbedKit(settings(change_feed="on"), transport=SandboxTransport())
    with pytest.raises(ConfigurationError, match="EMBEDKIT_CACHE"):
        create_app(kit=kit)
