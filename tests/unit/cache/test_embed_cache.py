"""What is cached, for how long, what drops it, and what happens when the backend fails."""

from __future__ import annotations

import gc
import json
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cachelib import BaseCache, FileSystemCache, NullCache, RedisCache, SimpleCache
from cachelib.serializers import JSONSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.cache import memory
from embedkit.cache.embed_cache import EmbedCache, Entry
from embedkit.cache.envelope import VERSION, Envelope, mac
from embedkit.cache.stores.base import MemoryCache
from embedkit.cache.stores.factory import open_store
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.errors import (
    ConfigurationError,
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from embedkit.freshness import DAY, Policy, Verdict
from tests.support import stores
from tests.support.cache import (
    ITEMS,
    SECRET,
    cache,
    embed,
    run_once,
    store_embed,
)
from tests.support.tools import Clock

HOUR = 3600
OLD = "old-secret-old-secret-old-secret-old"
LIST = ("1000001", "1000002")


@pytest.fixture(params=[*stores.FILES, "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseCache]:
    with stores.store_url(request.param, tmp_path) as url:
        store = open_store(url, limit=1000, timeout=1)
    yield store
    if hasattr(store, "close"):
        store.close()


@pytest.fixture
def kept(backend: BaseCache, clock: Clock) -> EmbedCache:
    return cache(backend, clock=clock)


# -- keeping -------------------------------------------------------------------------------------------


def test_an_empty_cache_holds_nothing(kept: EmbedCache) -> None:
    assert kept.get(ITEMS, "com") == Entry()


def test_a_copy_is_returned_as_it_was_stored(kept: EmbedCache, clock: Clock) -> None:
    stored = store_embed(kept, embed(), tld="com")
    assert stored == embed(fetched_at=clock.now, fresh_until=clock.now + DAY)
    for _ in range(3):  # from the backend, then from memory
        assert kept.get(ITEMS, "com") == Entry(stored, Verdict.FRESH)


def test_several_entries_are_looked_up_at_once(kept: EmbedCache, backend: BaseCache, clock: Clock) -> None:
    numbers = range(250)  # more than are read at once
    for number in numbers[::2]:
        kept.store(embed((f"{number}",)), tld="com")
    other = cache(backend, clock=clock)
    other.get(("0",), "com")
    keys = [((f"{number}",), "com") for number in numbers]
    found = other.get_many([*keys, keys[0]])
    assert [entry.key for entry in found] == [*keys, keys[0]]
    assert [bool(entry.embed) for entry in found[:-1]] == [number % 2 == 0 for number in numbers]
    assert found[-1] is found[0] is other.get(("0",), "com")
    assert other.info()["hits"] == 1 + 125 + 1
    assert other.get_many([]) == []


def test_entries_are_current_until_they_are_written(kept: EmbedCache, backend: BaseCache, clock: Clock) -> None:
    ids = [("0",), ("1",), ("0", "1"), ("2",)]
    for items in ids:
        kept.store(embed(items), tld="com")
    found = cache(backend, clock=clock).get_many([(items, "com") for items in ids])
    assert all(entry.is_current() for entry in found)
    kept.store(embed(("1",)), tld="com")
    assert [entry.is_current() for entry in found] == [True, False, False, True]


def test_pictures_lists_and_endpoints_are_kept_apart(kept: EmbedCache, backend: BaseCache, clock: Clock) -> None:
    one, both = store_embed(kept, embed(LIST[:1]), tld="com"), store_embed(kept, embed(LIST), tld="com")
    assert kept.get(LIST[:1], "com").embed == one
    assert kept.get(LIST, "com").embed == both
    assert kept.get(LIST[::-1], "com").embed is None
    assert kept.get((",".join(LIST),), "com").embed is None
    elsewhere = cache(backend, clock=clock, endpoint="https://other.example/oembed")
    assert elsewhere.get(LIST, "com").embed is None


@pytest.mark.parametrize(
    ("age", "verdict", "stale"),
    [
        (DAY - 1, Verdict.FRESH, False),
        (DAY + 1, Verdict.STALE_WHILE_REVALIDATE, True),
        (2 * DAY - 1, Verdict.STALE_WHILE_REVALIDATE, True),
        (2 * DAY + 1, Verdict.STALE_IF_ERROR, True),
        (31 * DAY - 1, Verdict.STALE_IF_ERROR, True),
        (31 * DAY + 1, Verdict.EXPIRED, None),
        (-30, Verdict.FRESH, False),
        (-HOUR, Verdict.STALE_IF_ERROR, True),  # the clock was set back
    ],
)
def test_copies_age(kept: EmbedCache, clock: Clock, age: int, verdict: Verdict, stale: bool | None) -> None:
    kept.store(embed(), tld="com")
    kept.get(ITEMS, "com")  # now in memory
    clock.now += age
    entry = kept.get(ITEMS, "com")
    assert entry.verdict is verdict
    assert (entry.embed.stale if entry.embed else None) is stale


def test_a_copy_in_memory_ages_too(kept: EmbedCache, clock: Clock) -> None:
    kept.store(embed(), tld="com")
    seen = []
    for _ in range(32 * 24):
        clock.now += HOUR
        verdict = kept.get(ITEMS, "com").verdict
        if not seen or seen[-1] is not verdict:
            seen.append(verdict)
    assert seen == list(Verdict)


def test_cache_age_and_jitter_determine_the_lifetime(backend: BaseCache, clock: Clock) -> None:
    for roll, cache_age, seconds in ((0, None, 0.9 * DAY), (1, None, 1.1 * DAY), (0.5, HOUR, HOUR), (0.5, 1, 300)):
        kept = cache(backend, clock=clock, random=lambda roll=roll: roll)
        stored = store_embed(kept, embed(), tld="com", cache_age=cache_age)
        assert stored.fresh_until - clock.now == pytest.approx(seconds)


def test_copies_of_several_tlds_are_kept(kept: EmbedCache, clock: Clock) -> None:
    kept.store(embed(title="com"), tld="com")
    clock.now += 10
    kept.store(embed(title="de"), tld="de")
    assert [kept.get(ITEMS, tld).embed.title for tld in ("com", "de")] == ["com", "de"]
    assert kept.get(ITEMS, "fr").embed is None


def test_tlds_stored_concurrently_are_all_kept(backend: BaseCache) -> None:
    caches = [cache(backend), cache(backend)]
    tlds = [f"t{number}" for number in range(24)]
    running = [
        threading.Thread(target=lambda n=n, tld=tld: caches[n % 2].store(embed(title=tld), tld=tld))
        for n, tld in enumerate(tlds)
    ]
    if isinstance(backend, MemoryCache):  # two caches with one store in memory have no common lock
        caches[1] = caches[0]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    found = [caches[0].get(ITEMS, tld).embed for tld in tlds]
    assert [one.title if one else None for one in found] == tlds


def test_expired_tlds_are_removed(kept: EmbedCache, backend: BaseCache, clock: Clock) -> None:
    kept.store(embed(), tld="com")
    clock.now += 40 * DAY
    kept.store(embed(), tld="de")
    assert '"com":{' not in _raw(kept, backend)
    assert '"de":{' in _raw(kept, backend)


def test_the_backend_drops_an_entry_when_it_is_useless(clock: Clock) -> None:
    store = MemoryCache(clock=clock)
    kept = cache(store, clock=clock)
    kept.store(embed(), tld="com")
    clock.now += 31 * DAY - 1
    assert kept.get(ITEMS, "com").embed
    clock.now += 2
    assert store.prune() == 1


# -- refusals and outages ------------------------------------------------------------------------------


def test_a_takedown_drops_every_copy_and_is_remembered(kept: EmbedCache, clock: Clock) -> None:
    for tld in ("com", "de"):
        kept.store(embed(), tld=tld)
        kept.get(ITEMS, tld)
    kept.store_error(ITEMS, "com", NotFound("no such picture", hint="another", ref="123456789"))
    for tld in ("com", "de", "fr"):
        entry = kept.get(ITEMS, tld)
        assert entry.embed is None
        assert type(entry.error) is NotFound
        assert (entry.error.message, entry.error.hint, entry.error.ref) == (
            "no such picture",
            "another",
            "123456789",
        )
    clock.now += 601
    assert kept.get(ITEMS, "com") == Entry()


def test_a_missing_picture_is_requested_less_and_less_often(kept: EmbedCache, clock: Clock) -> None:
    for seconds in (600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400):
        kept.store_error(ITEMS, "com", NotFound())
        clock.now += seconds - 1
        assert kept.get(ITEMS, "com").error
        clock.now += 2
        assert kept.get(ITEMS, "com").error is None
    kept.store(embed(), tld="com")
    kept.store_error(ITEMS, "com", NotFound())
    clock.now += 601
    assert kept.get(ITEMS, "com").error is None


def test_a_410_is_remembered_for_a_day(kept: EmbedCache, clock: Clock) -> None:
    error = NotFound()
    error.gone = True
    kept.store_error(ITEMS, "com", error)
    clock.now += DAY - 1
    found = kept.get(ITEMS, "com").error
    assert isinstance(found, NotFound)
    assert found.gone
    clock.now += 2
    assert kept.get(ITEMS, "com").error is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(NotEmbeddable("not this one"), 600), (InvalidResponse("odd", texts={"title": "t"}), 60)],
)
def test_other_refusals_are_remembered_and_keep_the_copies(
    kept: EmbedCache, clock: Clock, error: ProviderError, seconds: int
) -> None:
    stored = store_embed(kept, embed(), tld="com")
    kept.get(ITEMS, "com")
    clock.now += 1.5 * DAY
    kept.store_error(ITEMS, "com", error)
    clock.now += seconds - 1
    entry = kept.get(ITEMS, "com")
    assert entry.embed == replace(stored, stale=True)
    assert type(entry.error) is type(error)
    assert entry.error.message == error.message
    assert getattr(entry.error, "texts", None) == getattr(error, "texts", None)
    clock.now += 2
    assert kept.get(ITEMS, "com").error is None
    assert kept.get(ITEMS, "com").embed


@pytest.mark.parametrize(
    "error",
    [Unavailable("down"), RateLimited(retry_after=3), QuotaExhausted(), Unauthorized(), ProviderError("?")],
)
def test_an_outage_changes_nothing(kept: EmbedCache, error: ProviderError) -> None:
    stored = store_embed(kept, embed(), tld="com")
    kept.store_error(ITEMS, "com", error)
    assert kept.get(ITEMS, "com") == Entry(stored, Verdict.FRESH)
    kept.store_error(LIST, "com", error)
    assert kept.get(LIST, "com") == Entry()


def test_a_new_copy_clears_a_refusal(kept: EmbedCache) -> None:
    for error in (NotFound(), NotEmbeddable(), InvalidResponse()):
        kept.store_error(ITEMS, "com", error)
        stored = store_embed(kept, embed(), tld="com")
        assert kept.get(ITEMS, "com") == Entry(stored, Verdict.FRESH)


def test_a_clock_set_back_does_not_prolong_a_refusal(kept: EmbedCache, clock: Clock) -> None:
    kept.store_error(ITEMS, "com", NotFound())
    clock.now -= HOUR
    assert kept.get(ITEMS, "com").error is None


# -- purging -------------------------------------------------------------------------------------------


def test_one_purge_removes_all_copies_of_a_picture(kept: EmbedCache) -> None:
    kept.store(embed(), tld="com")
    kept.store(embed(), tld="de")
    kept.get(ITEMS, "com")
    assert kept.delete(ITEMS) is True
    assert kept.get(ITEMS, "com") == kept.get(ITEMS, "de") == Entry()
    assert kept.delete(ITEMS) is False


def test_purging_only_a_refusal_reports_no_copy(kept: EmbedCache) -> None:
    kept.store_error(ITEMS, "com", NotFound())
    assert kept.delete(ITEMS) is False
    assert kept.get(ITEMS, "com") == Entry()


@pytest.mark.parametrize("url", stores.FILES.values(), ids=stores.FILES)
def test_a_purge_a_takedown_and_a_new_copy_are_seen_by_other_processes_at_once(url: str, tmp_path: Path) -> None:
    clock = Clock()
    ours, theirs = (cache(open_store(url.format(tmp_path), limit=100, timeout=1), clock=clock) for _ in range(2))
    ours.store(embed(), tld="com")
    assert theirs.get(ITEMS, "com").embed
    assert theirs.get(ITEMS, "com") is theirs.get(ITEMS, "com")  # from memory
    ours.store(embed(title="newer"), tld="com")
    assert theirs.get(ITEMS, "com").embed.title == "newer"
    ours.store_error(ITEMS, "com", NotFound())
    assert theirs.get(ITEMS, "com").embed is None
    ours.store(embed(), tld="com")
    assert theirs.get(ITEMS, "com").embed
    ours.delete(ITEMS)
    assert theirs.get(ITEMS, "com") == Entry()
    ours.store(embed(), tld="com")
    assert theirs.get(ITEMS, "com").embed
    ours.clear()
    assert theirs.get(ITEMS, "com") == Entry()
    ours.close()
    theirs.close()


def test_without_versions_a_purge_is_seen_within_a_second(clock: Clock) -> None:
    store = SimpleCache()
    ours, theirs = cache(store, clock=clock), cache(store, clock=clock)
    ours.store(embed(), tld="com")
    assert theirs.get(ITEMS, "com").embed
    ours.delete(ITEMS)
    assert ours.get(ITEMS, "com") == Entry()
    clock.now += 1.01
    assert theirs.get(ITEMS, "com") == Entry()


def test_clear_empties_the_cache(kept: EmbedCache) -> None:
    kept.store(embed(), tld="com")
    kept.get(ITEMS, "com")
    kept.clear()
    assert kept.get(ITEMS, "com") == Entry()


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_ENTRIES", 10)
    kept = cache(MemoryCache(), clock=clock)
    for number in range(30):
        kept.store(embed((f"{number}",)), tld="com")
        kept.get((f"{number}",), "com")
    assert len(kept._front._entries) == 10
    assert all(kept.get((f"{number}",), "com").embed for number in range(30))


# -- damage --------------------------------------------------------------------------------------------


def _raw(kept: EmbedCache, backend: BaseCache, items: tuple[str, ...] = ITEMS) -> str:
    return backend.get(kept._name(items))


def _sealed(kept: EmbedCache, body: Any, secret: str = SECRET) -> str:
    return Envelope((secret,)).seal(kept._name(ITEMS), body)


RECORD = {"fetched_at": 1_750_000_000.0, "fresh_until": 1_750_080_000.0}


@pytest.mark.parametrize(
    "planted",
    [
        pickle.dumps({"title": "pickled"}),
        "",
        "x" * 64,
        "{}",
        b"\xff\xfe" * 100,
        "\u20ac" * 100,
        12,
        ["a list"],
        {"variants": {}},
        "0" * 64 + "." + '{"v":1}',
        "0" * 64 + "." + "[" * 50_000,
        "a" * 300_000,
    ],
)
def test_an_entry_that_is_not_ours_is_a_miss(kept: EmbedCache, backend: BaseCache, planted: Any) -> None:
    backend.set(kept._name(ITEMS), planted)
    assert kept.get(ITEMS, "com") == Entry()
    assert backend.get(kept._name(ITEMS)) is None
    assert kept.info()["corrupt"] == 1
    stored = store_embed(kept, embed(), tld="com")
    assert kept.get(ITEMS, "com").embed == stored


@pytest.mark.parametrize(
    "body",
    [
        {"v": VERSION - 1},
        {"key": "embedkit:another"},
        {"variants": []},
        {"variants": {"com": "text"}},
        {"variants": {"com": {}}},
        {"variants": {"com": RECORD}},
        {"error": {"code": "not-found"}},
        {"error": "text"},
    ],
    ids=json.dumps,
)
def test_an_entry_of_another_version_is_a_miss(kept: EmbedCache, backend: BaseCache, body: Any) -> None:
    backend.set(kept._name(ITEMS), _sealed(kept, body))
    assert kept.get(ITEMS, "com") == Entry()
    assert kept.info()["corrupt"] == 1
    backend.set(kept._name(ITEMS), _sealed(kept, body))
    stored = store_embed(kept, embed(), tld="com")
    assert kept.get(ITEMS, "com").embed == stored


def test_a_signed_entry_that_is_nested_too_deeply_is_a_miss(kept: EmbedCache, backend: BaseCache) -> None:
    key, envelope = kept._name(ITEMS), Envelope((SECRET,))
    body = json.dumps({"v": VERSION, "key": key, "x": 0}).replace("0", "[" * 50_000 + "]" * 50_000)
    backend.set(key, f"{mac(envelope._keys[0], body.encode()).hex()}.{body}")
    assert kept.get(ITEMS, "com") == Entry()


@settings(deadline=None, max_examples=200)
@given(position=st.integers(0, 2**31), bit=st.integers(0, 7), cut=st.booleans())
def test_a_changed_or_truncated_entry_is_a_miss(position: int, bit: int, cut: bool) -> None:
    store = MemoryCache()
    kept = cache(store)
    kept.store(embed(), tld="com")
    data = bytearray(_raw(kept, store).encode())
    position %= len(data)
    if cut:
        del data[position:]
    else:
        data[position] ^= 1 << bit
    store.set(kept._name(ITEMS), bytes(data))
    assert kept.get(ITEMS, "com") == Entry()


def test_an_entry_cannot_be_passed_off_as_another(kept: EmbedCache, backend: BaseCache) -> None:
    kept.store(embed(LIST), tld="com")
    backend.set(kept._name(ITEMS), _raw(kept, backend, LIST))
    assert kept.get(ITEMS, "com") == Entry()
    assert kept.get(LIST, "com").embed


def test_an_entry_signed_with_another_secret_is_a_miss(kept: EmbedCache, backend: BaseCache, clock: Clock) -> None:
    kept.store(embed(), tld="com")
    assert cache(backend, clock=clock, secrets=(OLD,)).get(ITEMS, "com") == Entry()


def test_secrets_can_be_rotated(backend: BaseCache, clock: Clock) -> None:
    stored = store_embed(cache(backend, clock=clock, secrets=(OLD,)), embed(), tld="com")
    both = cache(backend, clock=clock, secrets=(SECRET, OLD))
    assert both.get(ITEMS, "com").embed == stored
    both.store(embed(), tld="com")
    assert cache(backend, clock=clock, secrets=(SECRET,)).get(ITEMS, "com").embed == stored


def test_the_signature_of_a_grant_is_not_valid_for_an_entry(kept: EmbedCache, backend: BaseCache) -> None:
    import hmac

    key = kept._name(ITEMS)
    body = json.dumps({"v": VERSION, "key": key, "variants": {}, "error": None})
    backend.set(key, hmac.digest(SECRET.encode(), f"{key}\n{body}".encode(), "sha256").hex() + "." + body)
    kept.get(ITEMS, "com")
    assert kept.info()["corrupt"] == 1


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_a_cache_needs_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError):
        cache(MemoryCache(), secrets=secrets)


def test_the_secret_does_not_show(kept: EmbedCache, backend: BaseCache) -> None:
    kept.store(embed(), tld="com")
    assert SECRET not in repr(vars(kept)) + repr(vars(kept._envelope)) + _raw(kept, backend) + str(kept.info())


# -- other backends, failing backends ------------------------------------------------------------------


class PlainFiles(FileSystemCache):
    serializer = JSONSerializer()


@pytest.mark.parametrize("kind", ["simple", "files", "redis"])
def test_any_cachelib_backend_works(kind: str, tmp_path: Path, clock: Clock) -> None:
    with stores.redis() as server:
        import redis

        client = redis.Redis.from_url(server.url)
        made = {
            "simple": lambda: SimpleCache(),
            "files": lambda: PlainFiles(str(tmp_path), threshold=0),
            "redis": lambda: RedisCache(client),
        }
        kept = cache(made[kind](), clock=clock)
        stored = run_once(kept, ITEMS, "com", lambda: store_embed(kept, embed(), tld="com"), wait=1)
        assert kept.get(ITEMS, "com").embed == stored
        assert kept.check()
        kept.store_error(ITEMS, "com", NotFound())
        assert isinstance(kept.get(ITEMS, "com").error, NotFound)
        assert kept.delete(ITEMS) is False
        client.close()


def test_the_null_backend_stores_nothing(clock: Clock) -> None:
    kept = cache(NullCache(), clock=clock)
    kept.store(embed(), tld="com")
    kept.store_error(ITEMS, "com", NotFound())
    assert kept.get(ITEMS, "com") == Entry()
    assert kept.check()
    assert kept.state() == "ok"
    assert kept.prune() == 0
    kept.clear()


class Broken(BaseCache):
    """A backend that fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.broken = True
        self.inner = SimpleCache()

    def __getattribute__(self, name: str) -> Any:
        if name in ("get", "set", "add", "delete", "clear"):
            self.calls += 1
            if self.broken:
                raise ConnectionError("redis://:password@host is down")
            return getattr(self.inner, name)
        return super().__getattribute__(name)


def test_a_broken_backend_is_a_miss_and_then_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    backend, time_ = Broken(), Clock()
    kept = cache(backend, monotonic=time_)
    for number in range(50):
        items = (f"{number}",)
        assert kept.get(items, "com") == Entry()
        assert store_embed(kept, embed(items), tld="com").title == embed().title
        assert kept.get(items, "com").embed
        kept.store_error(items, "com", NotFound())
        assert kept.get(items, "com").embed is None
        assert run_once(kept, items, "com", lambda: "work", wait=1) == "work"
    assert backend.calls == 5
    assert kept.state() == "down"
    assert [record.getMessage() for record in caplog.records] == [
        "the cache failed (ConnectionError), 5 times in a row"
    ]
    time_.now += 10
    kept.get(ITEMS, "com")
    kept.get(ITEMS, "com")
    assert backend.calls == 6
    backend.broken = False
    time_.now += 9.9
    assert kept.get(ITEMS, "com") == Entry()
    assert backend.calls == 6
    time_.now += 0.2
    assert kept.heal()
    kept.store(embed(), tld="com")
    assert kept.get(ITEMS, "com").embed
    assert kept.state() == "ok"
    kept.close()


def test_isolated_failures_do_not_add_up() -> None:
    backend = Broken()
    kept = cache(backend)
    for _ in range(10):
        backend.broken = True
        assert kept.get(ITEMS, "com") == Entry()
        backend.broken = False
        kept.get(ITEMS, "com")
    assert backend.calls == 20


def test_deleting_and_clearing_raise_if_the_backend_fails() -> None:
    kept = cache(Broken())
    with pytest.raises(Unavailable):
        kept.delete(ITEMS)
    with pytest.raises(Unavailable):
        kept.clear()
    assert not kept.check()


def test_a_purge_takes_effect_while_the_database_is_locked(tmp_path: Path) -> None:
    import sqlite3

    store = SQLiteCache(tmp_path / "db", timeout=0.05)
    kept, other = cache(store), cache(SQLiteCache(tmp_path / "db", timeout=0.05))
    kept.store(embed(), tld="com")
    assert other.get(ITEMS, "com").embed
    lock = sqlite3.connect(tmp_path / "db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert kept.delete(ITEMS)
    for one in (kept, other, cache(SQLiteCache(tmp_path / "db", timeout=0.05))):
        assert one.get(ITEMS, "com") == Entry()
    with pytest.raises(Unavailable):
        kept.clear()
    lock.execute("ROLLBACK")
    lock.close()
    assert not other.delete(ITEMS)
    kept.close()
    other.close()


@pytest.mark.server
def test_a_redis_server_is_used_again_after_an_outage(tmp_path: Path) -> None:
    monotonic = Clock()
    with stores.redis() as server:
        server.stop()
        kept = cache(open_store(server.url, limit=1, timeout=5), monotonic=monotonic)
        began = time.monotonic()
        for _ in range(20):
            assert kept.get(ITEMS, "com") == Entry()
            assert run_once(kept, ITEMS, "com", embed, wait=1)
        assert time.monotonic() - began < 20  # redis-py would take four seconds each
        server.start()
        monotonic.now += 11
        kept.store(embed(), tld="com")
        assert kept.get(ITEMS, "com").embed
        server.stop()
        time.sleep(1.05)  # entries in memory are trusted for a second
        assert kept.get(ITEMS, "com").verdict is Verdict.STALE_IF_ERROR  # only shown after asking Getty
        kept.close()


@pytest.mark.server
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_a_frozen_server_costs_a_second_in_total(kind: str) -> None:
    with getattr(stores, kind)() as server:
        kept = cache(open_store(server.url, limit=1, timeout=5), monotonic=Clock())
        kept.store(embed(), tld="com")
        server.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            for number in range(300):
                assert kept.get((f"{number}",), "com") == Entry()
            assert time.monotonic() - began < 20  # not 300 times 0.2 s
            assert kept.state() == "down"
        finally:
            server.process.send_signal(signal.SIGCONT)
        kept.close()


def test_a_server_shared_with_others_is_not_emptied() -> None:
    with stores.redis() as server:
        import redis

        client = redis.Redis.from_url(server.url)
        client.set("theirs", "value")
        with pytest.raises(ConfigurationError):
            cache(RedisCache(client)).clear()
        kept = cache(open_store(server.url, limit=1, timeout=5))
        kept.store(embed(), tld="com")
        kept.clear()
        assert client.keys() == [b"theirs"]
        kept.close()
        client.close()
    with stores.memcached() as server, pytest.raises(ConfigurationError):
        cache(open_store(server.url, limit=1, timeout=5)).clear()


# -- operation -----------------------------------------------------------------------------------------


def test_info_counts(kept: EmbedCache, backend: BaseCache) -> None:
    kept.get(ITEMS, "com")
    kept.store(embed(), tld="com")
    kept.get(ITEMS, "com")
    kept.get(ITEMS, "com")
    info = kept.info()
    assert info["kind"] == backend.kind
    assert (info["state"], info["entries"], info["hits"], info["misses"], info["corrupt"]) == ("ok", 1, 2, 1, 0)


def test_check_and_prune(kept: EmbedCache, clock: Clock) -> None:
    assert kept.check()
    assert kept.prune() == 0


def test_a_takedown_on_a_full_cache_drops_the_copy(clock: Clock) -> None:
    class Full(MemoryCache):
        full = False

        def set(self, key: str, value: Any, timeout: Any = None) -> bool:
            return not self.full and super().set(key, value, timeout)

    store = Full()
    kept = cache(store, clock=clock)
    kept.store(embed(), tld="com")
    store.full = True
    kept.store_error(ITEMS, "com", NotFound())
    entry = kept.get(ITEMS, "com")
    assert entry.embed is None
    assert isinstance(entry.error, NotFound)


def test_a_copy_that_cannot_be_stored_is_still_served(tmp_path: Path) -> None:
    kept = cache(SQLiteCache(tmp_path / "db", timeout=0.05))
    (tmp_path / "db").mkdir()
    assert store_embed(kept, embed(), tld="com").fresh_until
    assert kept.get(ITEMS, "com").embed
    assert kept.state() == "down"
    assert not kept.check()


def test_close_leaves_nothing_open(tmp_path: Path) -> None:
    kept = cache(SQLiteCache(tmp_path / "db"))
    kept.store(embed(), tld="com")
    kept.close()
    kept.close()
    del kept
    gc.collect()  # an unclosed database would warn, and a warning fails the test


def test_policies_may_be_short(clock: Clock) -> None:
    kept = cache(MemoryCache(clock=clock), clock=clock, policy=Policy(60, 0, 0, 1))
    kept.store(embed(), tld="com")
    clock.now += 61
    assert kept.get(ITEMS, "com").embed is None
    kept.store_error(ITEMS, "com", InvalidResponse())  # remembered for zero seconds
    assert kept.get(ITEMS, "com") == Entry()
