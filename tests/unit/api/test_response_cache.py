"""Responses of the last five minutes: where they are cached, for whom, for how long, and how many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cachelib import NullCache

from embedkit import ConfigurationError, EmbedKit
from embedkit.api import response_cache
from embedkit.api.response_cache import LIFETIME_S, MAX_BYTES, MAX_ENTRIES, MAX_ENTRY_CHARS
from embedkit.cache.envelope import Envelope
from embedkit.cache.stores.base import MemoryCache
from embedkit.errors import InvalidResponse, NotFound, QuotaExhausted, Unavailable
from tests.support import stores
from tests.support.cache import ROOT
from tests.support.client import (
    Harness,
    answer_and_close,
    in_process_kit,
    search_body,
)
from tests.support.faulty_upstream import Upstream, ok
from tests.support.tools import need
from tests.unit.transport.test_client import until

pytestmark = pytest.mark.server

SECRET = "s" * 32
DAY_LIMIT = ("X-Error-Detail: Account Over Rate Limit",)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ok(search_body())) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def redis_server() -> Iterator[stores.Server]:
    with stores.redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis", *stores.FILES])
def harness(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Iterator[Harness]:
    url = stores.FILES.get(request.param, "memory:").format(tmp_path)
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        redis_client(server).flushall()
        url = server.url
    with Harness(upstream.origin, cache=url, secret=SECRET) as harness:
        yield harness


def redis_client(server: stores.Server) -> Any:
    import redis

    return redis.Redis(unix_socket_path=str(server._socket))


# -- how long, and for whom ----------------------------------------------------------------------------


def test_an_answer_lives_for_five_minutes(harness: Harness, upstream: Upstream) -> None:
    first = harness.kit.search("harbour")
    harness.advance(LIFETIME_S - 1)
    assert harness.kit.search("harbour") == first
    assert upstream.hits == 1
    harness.advance(1)
    harness.kit.search("harbour")
    assert upstream.hits == 2


def test_and_not_longer_if_the_clock_is_set_back(harness: Harness, upstream: Upstream) -> None:
    harness.kit.search("harbour")
    harness.wall.ahead -= 3600
    harness.kit.search("harbour")
    assert upstream.hits == 2


DIFFERENT: list[dict[str, Any]] = [
    {},
    {"page": 2},
    {"page_size": 10},
    {"language": "de"},
    {"country": "DEU"},
    {"orientations": "square"},
    {"exclude_nudity": False},
    {"embed_content_only": False},
    {"family": "creative"},
    {"fields": "id"},
]


def test_other_questions_have_other_answers(harness: Harness, upstream: Upstream) -> None:
    for _ in range(2):
        for said in DIFFERENT:
            harness.kit.search("harbour", **said)
    assert upstream.hits == len(DIFFERENT)


def test_the_same_question_in_other_words_is_one(harness: Harness, upstream: Upstream) -> None:
    harness.kit.search("harbour", orientations=["square", "vertical"], color="#ff0000")
    harness.kit.search("harbour", color="ff0000", orientations="square,vertical", language="en-US", page=1)
    assert upstream.hits == 1


def test_all_reading_but_no_boards_and_no_licences() -> None:
    kit, app = in_process_kit()
    id = kit.api.boards.create("A")
    app.forget()
    for _ in range(2):
        kit.search("harbour")
        kit.api.image("74917285")
        kit.api.images(["74917285", "600000002"])
        kit.api.similar("74917285")
        kit.api.same_series("74917285")
        kit.api.countries()
        kit.api.collections()
    assert app.count("v3") == 7
    app.forget()
    for _ in range(2):
        kit.api.boards.list()
        kit.api.boards.get(id)
        kit.api.downloads.sizes("74917285")
        kit.api.downloads.largest("74917285")
    assert app.count("v3") == 8


APPLICATION = {"api_secret": "s"}
CUSTOMER = {**APPLICATION, "username": "bob", "password": "pw"}


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({}, {"api_key": "key-2"}),
        ({}, APPLICATION),
        ({}, CUSTOMER),
        (APPLICATION, CUSTOMER),
        (CUSTOMER, {**CUSTOMER, "password": ""}),
        (CUSTOMER, {**CUSTOMER, "username": "ada"}),
    ],
)
def test_callers_do_not_share_responses(
    redis_server: stores.Server, upstream: Upstream, first: dict[str, str], other: dict[str, str]
) -> None:
    redis_client(redis_server).flushall()
    rows = {"cache": redis_server.url, "secret": SECRET, "api_key": "key-1"}
    with (
        Upstream(ok(b'{"access_token": "t"}')) as tokens,
        Harness(upstream.origin, tokens.origin, **rows, **first) as one,
        Harness(upstream.origin, tokens.origin, **rows, **first) as same,
        Harness(upstream.origin, tokens.origin, **{**rows, **other}) as two,
    ):
        one.kit.search("harbour")
        same.kit.search("harbour")
        assert upstream.hits == 1
        two.kit.search("harbour")
        assert upstream.hits == 2


# -- parsed values -------------------------------------------------------------------------------------


def test_an_answer_is_read_once_as_long_as_it_is_kept(harness: Harness, upstream: Upstream) -> None:
    first = harness.kit.search("harbour")
    assert harness.kit.search("harbour") is harness.kit.search("harbour")
    harness.advance(LIFETIME_S)
    upstream.scripts = (ok(search_body(total=7)),)
    again = harness.kit.search("harbour")
    assert (first.total, again.total, upstream.hits) == (1, 7, 2)


def test_entries_deleted_from_the_store_are_not_returned_from_memory(harness: Harness, upstream: Upstream) -> None:
    harness.kit.search("harbour")
    harness.api._cache._backend().store.clear()
    harness.kit.search("harbour")
    assert upstream.hits == 2


def test_entries_stored_by_another_process_are_used_immediately(
    redis_server: stores.Server, upstream: Upstream
) -> None:
    redis_client(redis_server).flushall()
    rows = {"cache": redis_server.url, "secret": SECRET, "api_key": "key-1"}
    with Harness(upstream.origin, **rows) as one, Harness(upstream.origin, **rows) as other:
        assert one.kit.search("harbour").total == other.kit.search("harbour").total == 1
        other.api._cache._backend().store.clear()
        upstream.scripts = (ok(search_body(total=7)),)
        assert other.kit.search("harbour").total == 7
        assert one.kit.search("harbour").total == 7
    assert upstream.hits == 2


def test_the_size_of_responses_is_limited(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    with Harness(upstream.origin, cache="memory:") as harness:
        for number in range(MAX_ENTRIES + 1):
            harness.kit.search(f"harbour {number}")
        assert 0 < len(harness.api._cache._parsed) <= MAX_ENTRIES
        monkeypatch.setattr(response_cache, "MAX_PARSED_CHARS", 10)
        harness.kit.search("one more")
        assert harness.api._cache._parsed == {}


# -- what is cached ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer_and_close(b"", "500 X"), Unavailable),
        (answer_and_close(b"<html>"), InvalidResponse),
        (answer_and_close(b"{}"), InvalidResponse),
        (answer_and_close(b"", "404 X"), InvalidResponse),
    ],
)
def test_errors_are_not_kept(upstream: Upstream, script: Any, kind: type[Exception]) -> None:
    upstream.scripts = (script, ok(search_body()))
    with Harness(upstream.origin) as harness:
        with pytest.raises(kind):
            harness.kit.search("harbour")
        assert harness.kit.search("harbour").total == 1


def test_missing_pictures_are_requested_again(upstream: Upstream) -> None:
    upstream.scripts = (ok(b"", "404 X"),)
    with Harness(upstream.origin) as harness:
        for hits in (1, 2):
            assert harness.api.images(["600100200"]).missing == ("600100200",)
            assert upstream.hits == hits
        with pytest.raises(NotFound):
            harness.api.image("600100200")


def test_results_survive_unchanged(harness: Harness, upstream: Upstream) -> None:
    body = json.loads(search_body())
    body["images"][0] |= {"title": "Zürich 東京 \U0001f30d “quoted”", "new_field": {"a": [1, None, True]}}
    upstream.scripts = (ok(b"\xef\xbb\xbf" + json.dumps(body, ensure_ascii=False).encode()),)
    first, second = harness.kit.search("harbour"), harness.kit.search("harbour")
    assert upstream.hits == 1
    assert second == first
    assert second.images[0].title == "Zürich 東京 \U0001f30d “quoted”"
    assert second.images[0].other == first.images[0].other == {"new_field": {"a": [1, None, True]}}


def test_nothing_of_a_search_lies_in_a_file(upstream: Upstream, tmp_path: Path) -> None:
    for name, cache in stores.FILES.items():
        with Harness(upstream.origin, cache=cache.format(tmp_path / name), secret=SECRET) as harness:
            harness.kit.search("harbour")
            harness.kit.cache.info()
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Picture 600100200" not in held
    assert b"harbour" not in held


def test_null_caches_nothing(upstream: Upstream) -> None:
    with Harness(upstream.origin, cache="null:") as harness:
        harness.kit.search("harbour")
        harness.kit.search("harbour")
        assert upstream.hits == 2
        assert isinstance(harness.api._cache._backend().store.backend, NullCache)


def test_no_folder_is_needed_to_search(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, cached embeds are in a folder of the user's, and so is the secret that signs them."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: "/proc/nowhere")
    with Harness(upstream.origin, cache="") as harness:
        assert harness.kit.search("harbour").total == 1
        assert harness.kit.search("harbour").total == 1
        assert upstream.hits == 1


# -- memory --------------------------------------------------------------------------------------------


def store(harness: Harness) -> MemoryCache:
    backend = harness.api._cache._backend().store.backend
    assert isinstance(backend, MemoryCache)
    return backend


def test_no_more_pages_than_these_are_held_in_memory(upstream: Upstream) -> None:
    with Harness(upstream.origin) as harness:
        for number in range(MAX_ENTRIES + 1):
            harness.kit.search(f"harbour {number}")
        assert store(harness).count() == MAX_ENTRIES == 256
        hits = upstream.hits
        harness.kit.search(f"harbour {MAX_ENTRIES}")
        harness.kit.search("harbour 1")
        assert upstream.hits == hits
        harness.kit.search("harbour 0")
        assert upstream.hits == hits + 1


def test_nor_more_bytes(upstream: Upstream) -> None:
    padding = "x" * 1_900_000
    upstream.scripts = (ok(search_body(padding=padding)),)
    with Harness(upstream.origin) as harness:
        for number in range(20):
            harness.kit.search(f"harbour {number}")
        held = store(harness)
        assert 10 < held.count() < 20
        assert sum(len(data) for _, data in held._entries.values()) == held._size <= MAX_BYTES
        hits = upstream.hits
        harness.kit.search("harbour 19")
        assert upstream.hits == hits


def test_an_answer_that_grows_too_long_when_it_is_sealed_is_not_kept(upstream: Upstream) -> None:
    upstream.scripts = (
        ok(search_body(padding="\U0001f30d" * 200_000).replace(b"\\ud83c\\udf0d", "\U0001f30d".encode())),
    )
    with Harness(upstream.origin) as harness:
        harness.kit.search("short")
        assert store(harness).count() == 1
        upstream.scripts = (
            ok(search_body(padding="\U0001f30d" * 490_000).replace(b"\\ud83c\\udf0d", "\U0001f30d".encode())),
        )
        harness.kit.search("long")
        assert store(harness).count() == 1


def test_room_in_memory() -> None:
    memory = MemoryCache(limit=10, max_bytes=100)
    assert memory.set("a", "x" * 59)
    assert memory.set("b", "y" * 39)
    assert memory.set("b", "z" * 39)
    assert (memory.count(), memory._size) == (2, 100)
    assert memory.set("c", "w")
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (None, "z" * 39, "w")
    assert not memory.set("c", "x" * 200)
    assert memory.get("c") is None
    memory.delete("b")
    memory.delete("b")
    assert (memory.count(), memory._size) == (0, 0)
    memory.set("d", "x", 1)
    memory.clear()
    assert memory._size == 0
    clock = [0.0]
    memory = MemoryCache(max_bytes=100, clock=lambda: clock[0])
    memory.set("a", "x", 1)
    clock[0] = 2.0
    assert (memory.prune(), memory._size) == (1, 0)


# -- Redis ---------------------------------------------------------------------------------------------


@pytest.fixture
def shared(redis_server: stores.Server, upstream: Upstream) -> Iterator[Harness]:
    redis_client(redis_server).flushall()
    with Harness(upstream.origin, cache=redis_server.url, secret=SECRET, username="grace") as harness:
        yield harness


def test_cache_keys_reveal_nothing(shared: Harness, redis_server: stores.Server) -> None:
    shared.kit.search("harbour", language="de")
    client = redis_client(redis_server)
    (key,) = client.keys("*")
    assert key.startswith(b"embedkit:search:")
    assert len(key) == len(b"embedkit:search:") + 64
    assert 0 < client.ttl(key) <= LIFETIME_S
    entry = client.get(key)
    assert b"Picture 600100200" in entry
    assert not [word for word in (b"key-1", b"grace", b"harbour", SECRET.encode()) if word in key + entry]


def test_processes_share_a_page(shared: Harness, upstream: Upstream) -> None:
    shared.kit.search("harbour")
    with Harness(upstream.origin, cache=shared.settings.cache, secret=SECRET, username="grace") as other:
        other.kit.search("harbour")
    assert upstream.hits == 1


def test_an_emptied_cache_is_empty_of_searches_too(shared: Harness, upstream: Upstream) -> None:
    shared.kit.search("harbour")
    shared.kit.cache.clear()
    shared.kit.search("harbour")
    assert upstream.hits == 2


@pytest.mark.parametrize(
    "planted",
    [
        b"",
        b"s",
        b"snonsense",
        b"s" + b"0" * 64 + b'.{"v":1,"key":"k","at":0,"body":"{}"}',
        b"j[[[[",
        b"b\xff\xfe",
        b"s" + b"a" * (MAX_ENTRY_CHARS + 10),
    ],
)
def test_a_planted_page_is_a_miss(
    shared: Harness, upstream: Upstream, redis_server: stores.Server, planted: bytes
) -> None:
    shared.kit.search("harbour")
    client = redis_client(redis_server)
    (key,) = client.keys("*")
    client.set(key, planted)
    assert shared.kit.search("harbour").total == 1
    assert upstream.hits == 2
    assert shared.kit.search("harbour").total == 1
    assert upstream.hits == 2


def test_a_page_of_another_key_and_a_wrong_page_of_ours_are_misses(
    shared: Harness, upstream: Upstream, redis_server: stores.Server
) -> None:
    shared.kit.search("harbour")
    client = redis_client(redis_server)
    (first,) = client.keys("*")
    shared.kit.search("night")
    (second,) = set(client.keys("*")) - {first}
    client.set(first, client.get(second))
    shared.kit.search("harbour")
    assert upstream.hits == 3
    name = first.removeprefix(b"embedkit:").decode()
    now = shared.wall()
    for entry in (
        {"at": now},
        {"at": "x", "body": "{}"},
        {"at": now, "body": 1},
        {"at": now, "body": "{}"},
        {"body": ""},
    ):
        hits = upstream.hits
        client.set(first, "s" + Envelope([SECRET], max_chars=MAX_ENTRY_CHARS).seal(name, entry))
        assert shared.kit.search("harbour").total == 1
        assert upstream.hits == hits + 1


def test_a_secret_can_be_changed(shared: Harness, upstream: Upstream) -> None:
    shared.kit.search("harbour")
    rows = {"cache": shared.settings.cache, "username": "ada"}
    with Harness(upstream.origin, secret=("n" * 32, SECRET), **rows) as harness:
        harness.kit.search("harbour")
        harness.kit.search("harbour")
    assert upstream.hits == 2


def test_redis_that_is_down_costs_the_copies_only(upstream: Upstream) -> None:
    with stores.redis() as server, Harness(upstream.origin, cache=server.url, secret=SECRET) as harness:
        harness.kit.search("harbour")
        server.stop()
        for hits in (2, 3):
            assert harness.kit.search("harbour").total == 1
            assert upstream.hits == hits


def test_a_shared_cache_wants_a_secret(upstream: Upstream) -> None:
    need("redis-server")
    with Harness(upstream.origin, cache="redis://127.0.0.1:9/0") as harness:
        with pytest.raises(ConfigurationError, match="SECRET"):
            harness.kit.search("harbour")
        assert upstream.hits == 0


def test_closing_lets_go_of_redis(shared: Harness, redis_server: stores.Server) -> None:
    client = redis_client(redis_server)
    before = client.info("clients")["connected_clients"]
    shared.kit.search("harbour")
    assert client.info("clients")["connected_clients"] > before
    shared.kit.close()
    assert client.info("clients")["connected_clients"] == before


# -- while Getty does not answer -----------------------------------------------------------------------


def test_while_the_door_is_shut_pages_are_shown(harness: Harness, upstream: Upstream) -> None:
    kept = harness.kit.search("harbour")
    upstream.scripts = (answer_and_close(b"", "403 X", DAY_LIMIT),)
    with pytest.raises(QuotaExhausted):
        harness.kit.search("night")
    hits = upstream.hits
    assert harness.kit.search("harbour") == kept
    assert harness.kit.status()["upstream"]["api"]["throttled"] == "quota-exhausted"
    with pytest.raises(QuotaExhausted) as caught:
        harness.kit.search("night")
    assert 800 < (caught.value.retry_after or 0) <= 900
    assert upstream.hits == hits


def test_the_service_reports_an_open_circuit_breaker(upstream: Upstream) -> None:
    from embedkit import create_app

    upstream.scripts = (ok(search_body()), answer_and_close(b"", "429 X", DAY_LIMIT))
    with Harness(upstream.origin, search_access="open") as harness:
        client = create_app(kit=harness.kit).test_client()
        assert client.get("/v1/search?q=harbour").status_code == 200
        refused = client.get("/v1/search?q=night")
        assert (refused.status_code, refused.get_json()["code"]) == (429, "quota-exhausted")
        assert client.get("/v1/search?q=harbour").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.get_json()["upstream"]["api"]["throttled"] == "quota-exhausted"


# -- many at once, and forks ---------------------------------------------------------------------------


def test_a_walk_shares_its_questions_with_other_walks_only(upstream: Upstream) -> None:
    """A batch may wait for its turn for a long time; a single request for the same page may not."""
    upstream.scripts = (ok(search_body(total=100)),)
    with Harness(upstream.origin, timeout=5) as harness:
        asked: list[tuple[bool, float]] = []
        flight = harness.api._cache._flight.run

        def noted(key: Any, work: Any, wait: float) -> Any:
            asked.append((key[1], wait))
            return flight(key, work, wait)

        harness.api._cache._flight.run = noted  # type: ignore[method-assign]
        walk = harness.kit.search_pages("harbour", page_size=1)
        assert [next(walk).page, next(walk).page] == [1, 2]
        harness.kit.search("harbour", page=2, page_size=1)
        assert asked == [(False, 5.0), (True, response_cache.BATCH_TIMEOUT_S), (False, 5.0)]
        assert upstream.hits == 2


def test_waiting_too_long_for_a_shared_request_is_an_error(upstream: Upstream) -> None:
    free = threading.Event()
    upstream.scripts = (lambda sock, over: free.wait(10) and ok(search_body())(sock, over),)
    with Harness(upstream.origin, timeout=3) as harness:
        leader = threading.Thread(target=harness.kit.search, args=("harbour",))
        leader.start()
        assert until(lambda: upstream.hits == 1)
        harness.api._cache.timeout = 0.05
        with pytest.raises(Unavailable) as caught:
            harness.kit.search("harbour")
        assert caught.value.retry_after == 1.0
        free.set()
        leader.join(5)


FORKED = """
import os, sys, threading
from embedkit import EmbedKit, Settings

kit = EmbedKit(Settings(cache="memory:", api_base=sys.argv[1], api_key="k"))
kit.search("kept")
stuck = threading.Thread(target=kit.search, args=("stuck",), daemon=True)
stuck.start()
sys.stdin.readline()
if not (child := os.fork()):
    kit.search("kept")
    kit.search("stuck")
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
stuck.join()
kit.close()
print("fine" if code == 0 else code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_in_the_midst_of_a_search(upstream: Upstream) -> None:
    answered = threading.Event()

    def second(sock: Any, over: Any) -> bool:
        answered.wait(10)
        return ok(search_body())(sock, over)

    def third(sock: Any, over: Any) -> bool:
        answered.set()
        return ok(search_body())(sock, over)

    upstream.scripts = (ok(search_body()), second, third)
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKED, upstream.origin],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert until(lambda: upstream.hits == 2, 10)
    told = running.communicate("go\n", timeout=20)
    assert told == ("fine\n", "")
    assert upstream.hits == 3


def test_a_kit_that_never_searched_has_nothing_to_close() -> None:
    kit, _ = in_process_kit()
    kit.close()
    assert kit.engine.api.value_if_made is None
    assert isinstance(kit, EmbedKit)
