"""Every store behaves like cachelib's own; and the embedded ones when they are full, damaged or shared."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from cachelib import BaseCache, NullCache
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.cache import stores as room
from embedkit.cache.envelope import signing_secrets
from embedkit.cache.guard import Guarded
from embedkit.cache.stores.base import LocalStore, MemoryCache, dump, load
from embedkit.cache.stores.coordination import TABLE_BYTES, SharedFile
from embedkit.cache.stores.factory import SCHEMES, open_store
from embedkit.cache.stores.file import FileCache
from embedkit.cache.stores.remote import MemcachedStore, RedisStore
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.errors import ConfigurationError
from embedkit.settings import rows
from tests.support.stores import FILES, SERVERS, STORES, Server, dripping_redis, memcached, redis
from tests.support.tools import Clock, terminates

VALUES = {
    "text": "spam",
    "empty": "",
    "digits": "1024",
    "accents": "Zürich – 東京 \U0001f30d",
    "nul": "a\0b",
    "half a pair": "\ud83c",
    "bytes": b"\x00\xff{}",
    "digits as bytes": b"12",
    "whole": 2048,
    "zero": 0,
    "below": -3,
    "huge": 2**70,
    "float": 0.25,
    "true": True,
    "false": False,
    "list": [],
    "object": {},
    "nested": {"sauce": [None, {"256": "truffle"}, "x" * 5000]},
}

# Not in the extra named unit, which tests the wheel with any Python: it has no wheels of its own.
needs_pylibmc = pytest.mark.skipif(find_spec("pylibmc") is None, reason="the package pylibmc is not installed")


# -- the contract --------------------------------------------------------------------------------------


class StoreContract:
    """What every store must do, as cachelib's backends do it."""

    kind: type[BaseCache]

    @pytest.fixture
    def store(self) -> Iterator[BaseCache]:
        raise NotImplementedError

    second = 1.1  # the time until something that lasts one second has expired

    def let_pass(self, seconds: float) -> None:
        time.sleep(seconds)

    @pytest.mark.parametrize("name", VALUES)
    def test_returns_the_value_that_was_stored(self, store: BaseCache, name: str) -> None:
        assert store.set("key", VALUES[name])
        found = store.get("key")
        assert found == VALUES[name]
        assert type(found) is type(VALUES[name])

    def test_a_missing_value_is_none(self, store: BaseCache) -> None:
        assert store.get("nothing") is None
        assert not store.has("nothing")

    def test_overwrites(self, store: BaseCache) -> None:
        store.set("key", "first")
        store.set("key", "second")
        assert store.get("key") == "second"

    def test_has_does_not_change_the_value(self, store: BaseCache) -> None:
        store.set("key", "value")
        assert store.has("key")
        assert store.get("key") == "value"

    def test_delete_returns_whether_there_was_a_value(self, store: BaseCache) -> None:
        store.set("key", "value")
        assert store.delete("key") is True
        assert store.get("key") is None
        assert store.delete("key") is False

    def test_add_does_not_overwrite(self, store: BaseCache) -> None:
        assert store.add("key", "first") is True
        assert store.add("key", "second") is False
        assert store.get("key") == "first"

    def test_several_at_once(self, store: BaseCache) -> None:
        pairs = {f"key{number}": {"n": number} for number in range(20)}
        assert store.set_many(pairs) == list(pairs)
        assert store.get_many(*pairs) == list(pairs.values())
        assert store.get_dict("key1", "none") == {"key1": {"n": 1}, "none": None}
        assert store.delete_many("key1", "key2") == ["key1", "key2"]
        assert store.get_many("key1", "key3") == [None, {"n": 3}]

    def test_counts(self, store: BaseCache) -> None:
        assert store.inc("up", 5) == 5
        assert store.inc("up") == 6
        assert store.dec("down", 2) == -2
        store.set("set", 10)
        assert store.dec("set", 3) == 7
        assert store.get("set") == 7

    def test_entries_expire_unless_they_are_stored_forever(self, store: BaseCache) -> None:
        store.set("short", "value", timeout=1)
        store.set("long", "value", timeout=600)
        store.set("ever", "value", timeout=0)
        assert store.add("lease", "mine", timeout=1)
        self.let_pass(self.second)
        assert store.get("short") is None
        assert not store.has("short")
        assert store.get_many("long", "ever") == ["value", "value"]
        assert store.add("lease", "theirs", timeout=60)
        assert store.get("lease") == "theirs"

    def test_threads(self, store: BaseCache) -> None:
        def fill(thread: int) -> None:
            for number in (*range(12), *range(12)):  # 96 keys, which every bounded store can hold
                assert store.set(f"{thread}-{number}", f"value {thread} {number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fill, range(8)))
        lost = [
            (thread, number)
            for thread in range(8)
            for number in range(12)
            if store.get(f"{thread}-{number}") != f"value {thread} {number}"
        ]
        assert lost == []

    def test_only_one_of_many_adds(self, store: BaseCache) -> None:
        with ThreadPoolExecutor(8) as pool:
            added = list(pool.map(lambda owner: store.add("lease", str(owner), timeout=60), range(16)))
        assert sum(bool(one) for one in added) == 1
        assert store.get("lease") == str(added.index(True))

    def test_values_must_be_strings_bytes_or_json(self, store: BaseCache) -> None:
        with pytest.raises(TypeError):
            store.set("key", object())


class ClearContract:
    """For stores that can be cleared."""

    def test_clear(self, store: BaseCache) -> None:
        store.set_many({f"key{number}": "value" for number in range(30)})
        assert store.clear()
        assert store.get_many("key0", "key29") == [None, None]
        assert store.set("key0", "again")
        assert store.get("key0") == "again"


class BoundContract:
    """For stores with a limit of their own."""

    limit = 100
    drops_on_write = False  # the oldest entry, whether or not others have expired

    def test_respects_the_limit(self, store: Any) -> None:
        for number in range(3 * self.limit):
            store.set(str(number), "value", timeout=0)
        store.prune()
        assert store.count() == self.limit
        assert store.get(str(3 * self.limit - 1)) == "value"
        assert store.get("0") is None

    def test_keeps_everything_up_to_the_limit(self, store: Any) -> None:
        for number in range(self.limit):
            store.set(str(number), "value")
        store.prune()
        assert all(store.get_many(*map(str, range(self.limit))))

    def test_a_rewritten_entry_is_the_newest(self, store: Any) -> None:
        for number in range(self.limit):
            store.set(str(number), "value")
        self.let_pass(0.02)  # files have modification times in milliseconds
        store.set("0", "again")
        store.set("new", "value")
        store.prune()
        assert store.get("0") == "again"
        assert store.get("new") == "value"

    def test_expired_entries_are_dropped_first(self, store: Any) -> None:
        store.set("old", "value", timeout=600)
        store.set_many({f"short{number}": "value" for number in range(self.limit - 1)}, timeout=1)
        self.let_pass(1.1)
        store.set_many({"new1": "value", "new2": "value"}, timeout=600)
        assert store.prune() >= 0  # memory drops entries earlier
        if self.drops_on_write:
            assert store.count() <= self.limit
        else:
            assert store.get("old") == "value"
            assert store.count() <= 3


class MachineContract:
    """For stores shared by the processes of a machine: they meet the cache's requirements, and never raise."""

    def test_the_store_declares_what_the_cache_requires(self, store: LocalStore, tmp_path: Path) -> None:
        for name in ("path", "lock_path", "takedowns_path"):
            place = getattr(store, name, None)
            assert place, f"set self.{name}: see LocalStore in embedkit/cache/stores/base.py"
            assert Path(place).is_relative_to(tmp_path), f"{name} belongs next to the entries"
        assert store.versions is not None, "set self.versions = shared_versions(PATH): others must notice a write"
        assert (store.count(), store.prune(), store.working) == (0, 0, True)
        store.close()
        assert store.set("key", "value"), "after close() the next call opens the store again"

    def test_versions_read_together_equal_those_read_one_by_one(self, store: LocalStore, tmp_path: Path) -> None:
        store.set("key", "value")
        keys, (file,) = ("key", "other", ""), tmp_path.rglob("*changes")
        for damage in (b"", bytes(100), bytes(TABLE_BYTES)):
            file.write_bytes(damage)
            together = store.versions.read_many(keys)
            assert [one[1:] for one in together] == [store.versions.read(key)[1:] for key in keys]
            assert all(read(place) == version for read, place, version in together)

    def test_a_deleted_folder_is_an_error_in_failures(self, store: LocalStore, tmp_path: Path) -> None:
        store.set("key", "value")
        shutil.rmtree(tmp_path)
        tmp_path.write_text("a file where the folder was")
        for name, call in CALLS.items():
            store.failures.error = None
            assert not call(store), name
            assert store.failures.error is not None, f"{name} leaves its error in self.failures.error"
        assert store.count() == 0
        tmp_path.unlink()
        tmp_path.mkdir()
        assert any(store.set("key", "value") for _ in range(3)), "it works again once the folder exists again"
        assert store.get("key") == "value"

    def test_damaged_files_are_a_miss_and_recreated(self, store: LocalStore, tmp_path: Path) -> None:
        for damage in (b"", b"not a store at all " * 500):
            store.set("key", "value")
            for path in (path for path in tmp_path.rglob("*") if path.is_file()):
                path.write_bytes(damage)
            for call in CALLS.values():
                call(store)
            assert store.set("key", "again")
            assert store.get("key") == "again"

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
    def test_a_pipe_in_place_of_a_file_does_not_block(self, store: LocalStore, tmp_path: Path) -> None:
        store._prune_every = sys.maxsize  # a pruning in progress would keep its connection open
        store.set("key", "value")
        for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
            path.unlink()
            os.mkfifo(path)
            store.close()
            assert terminates(self._ask, store, path), path
            path.unlink(missing_ok=True)
            assert any(store.set("key", "value") for _ in range(3)), path
            assert store.get("key") == "value"

    def _ask(self, store: LocalStore, path: Path) -> None:
        SharedFile(str(path), os.O_RDONLY).handle()  # as a process that can't write it
        for call in CALLS.values():
            call(store)


CALLS: dict[str, Callable[[BaseCache], Any]] = {
    "get": lambda store: store.get("key"),
    "has": lambda store: store.has("key"),
    "set": lambda store: store.set("key", "value"),
    "add": lambda store: store.add("other", "value"),
    "delete": lambda store: store.delete("key"),
}


class Aging:
    """Time for stores that take a clock."""

    clock: Clock

    def let_pass(self, seconds: float) -> None:
        self.clock.now += seconds
        time.sleep(min(seconds, 0.02))


class TestMemory(Aging, StoreContract, ClearContract, BoundContract):
    kind = MemoryCache
    drops_on_write = True

    @pytest.fixture
    def store(self) -> Iterator[BaseCache]:
        self.clock = Clock()
        return MemoryCache(limit=self.limit, clock=self.clock)

    def test_a_value_that_is_returned_is_a_copy(self, store: BaseCache) -> None:
        store.set("key", {"list": []})
        store.get("key")["list"].append("changed")
        assert store.get("key") == {"list": []}


class TestSQLite(Aging, StoreContract, ClearContract, BoundContract, MachineContract):
    kind = SQLiteCache

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[BaseCache]:
        self.clock = Clock()
        made = SQLiteCache(tmp_path / "deep" / "cache.sqlite", limit=self.limit, clock=self.clock)
        yield made
        made.close()

    def test_pruning_is_automatic(self, store: SQLiteCache) -> None:
        for number in range(10 * self.limit):
            store.set(str(number), "value")
        deadline = time.monotonic() + 30
        while store.count() > 1.5 * self.limit and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.count() <= 1.5 * self.limit


class TestFiles(Aging, StoreContract, ClearContract, BoundContract, MachineContract):
    kind = FileCache

    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseCache:
        self.clock = Clock()
        return FileCache(tmp_path, limit=self.limit, clock=self.clock)

    def test_slow_pruning_still_drops_the_oldest(self, tmp_path: Path) -> None:
        class Slow(FileCache):
            def _read(self, path: str, size: int = -1) -> bytes:
                time.sleep(0.003)
                return super()._read(path, size)

        store = Slow(tmp_path, limit=20)
        for number in range(40):
            store.set(str(number), "value", timeout=0)
            os.utime(store._file(str(number)), (number * 0.001, number * 0.001))
        store.prune()
        assert [number for number in range(40) if store.has(str(number))] == list(range(20, 40))


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Server]:
    with redis() as server:
        yield server


@pytest.fixture(scope="module")
def memcached_server() -> Iterator[Server]:
    with memcached() as server:
        yield server


class TestRedis(StoreContract, ClearContract):
    kind = RedisStore

    @pytest.fixture
    def store(self, redis_server: Server) -> Iterator[BaseCache]:
        made = open_store(redis_server.url, limit=1, timeout=5)
        assert isinstance(made, RedisStore)
        made.clear()
        yield made
        made.close()

    def test_a_response_in_many_pieces(self, store: RedisStore) -> None:
        store.set("key", "x" * 5_000_000)
        assert len(store.get("key")) == 5_000_000

    def test_clearing_deletes_nothing_of_others(self, store: RedisStore) -> None:
        client = store._write_client
        client.set("theirs", "value")
        store.set("ours", "value")
        store.clear()
        assert client.keys() == [b"theirs"]

    def test_describe_causes_no_failure(self, store: RedisStore) -> None:
        events: list[tuple[str, ...]] = []
        guarded = Guarded(store, time.monotonic, lambda *event, **_: events.append(event))
        assert guarded.describe() == {"kind": "redis"}
        assert not events

    def test_a_planted_pickle_is_not_executed(self, store: RedisStore, tmp_path: Path) -> None:
        client = store._write_client
        client.set("embedkit:planted", b"!" + pickle.dumps(Bomb(tmp_path / "ran")))
        assert store.get("planted") is None
        assert not (tmp_path / "ran").exists()

    def test_a_lease_is_created_with_its_expiry(self, store: RedisStore) -> None:
        store.add("lease", "mine", timeout=60)
        assert 0 < store._write_client.ttl("embedkit:lease") <= 60


def test_a_redis_response_that_does_not_end_is_aborted() -> None:
    with dripping_redis() as port:
        assert terminates(RedisStore(f"redis://127.0.0.1:{port}").get, "key")


class TestMemcached(StoreContract):
    kind = MemcachedStore

    second = 2.1  # its clock ticks once a second

    @pytest.fixture
    def store(self, memcached_server: Server) -> BaseCache:
        made = open_store(memcached_server.url, limit=1, timeout=5)
        assert isinstance(made, MemcachedStore)
        with made._client_context() as client:
            client.flush_all()
        return made

    def test_clearing_deletes_nothing_of_others(self, store: MemcachedStore) -> None:
        store.set("key", "value")
        assert not store.clear()
        assert store.get("key") == "value"

    def test_a_planted_pickle_is_not_executed(
        self, store: MemcachedStore, memcached_server: Server, tmp_path: Path
    ) -> None:
        import pylibmc

        planter = pylibmc.Client([memcached_server.url.removeprefix("memcached://")])
        planter.set("embedkit:planted", Bomb(tmp_path / "ran"))
        assert store.get("planted") is None
        assert not (tmp_path / "ran").exists()


def test_every_store_is_tested_by_the_contract() -> None:
    modules = [import_module(f"{room.__name__}.{one.name}") for one in iter_modules(room.__path__)]
    kinds = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
    ours = [one for one in kinds if one.__module__.startswith(room.__name__)]
    stores = {one for one in ours if issubclass(one, (BaseCache, LocalStore))}
    bases = {base for one in stores for base in one.__bases__}
    tested = {one.kind: one for one in StoreContract.__subclasses__()}
    assert set(tested) == stores - bases, "write a class with this kind that inherits StoreContract"
    shared = {kind for kind in tested if issubclass(kind, LocalStore) and not kind.is_process_local}
    kept = {one for one in shared if issubclass(tested[one], MachineContract)}
    assert kept == shared, "a store shared by the processes of a machine inherits MachineContract, too"


@needs_pylibmc
def test_every_store_is_in_the_tables(tmp_path: Path) -> None:
    kinds = {NullCache, *(tested.kind for tested in StoreContract.__subclasses__())}
    urls = [FILES.get(name, f"{name}://127.0.0.1:1" if name in SERVERS else f"{name}:") for name in STORES]
    opened = {type(open_store(url.format(tmp_path), limit=10, timeout=1)) for url in urls}
    assert opened == kinds, "the faults are tested with STORES of tests/support/stores.py: add the new store"


@needs_pylibmc
def test_every_scheme_is_documented_and_matches_its_store(tmp_path: Path) -> None:
    [sentence] = [help for name, _, help in rows() if name == "CACHE"]
    kinds = set()
    for name, row in SCHEMES.items():
        assert row.form.startswith(f"{name}:")
        assert row.form in sentence, "the description of the CACHE setting names every scheme"
        url = (
            row.form.replace("PATH", f"{tmp_path}/{name}").replace("SOCKET", "/none").replace("HOST", "127.0.0.1")
        )
        store = open_store(url.replace("PORT", "1"), limit=10, timeout=1)
        kinds.add(type(store))
        is_private = isinstance(store, NullCache) or getattr(store, "is_process_local", False)
        assert row.private == is_private, f"{name}: private in SCHEMES must match the store's is_process_local"
        assert row.shared != isinstance(store, LocalStore | NullCache), name
        assert row.redis == isinstance(store, RedisStore), name
        if row.shared:
            with pytest.raises(ConfigurationError, match="EMBEDKIT_SECRET"):
                signing_secrets((), url)
    assert kinds == {NullCache, *(tested.kind for tested in StoreContract.__subclasses__())}, (
        "a new store is a row of SCHEMES and a case in _open, both in embedkit/cache/stores/factory.py"
    )


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


# -- URLs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:{}/a.db", SQLiteCache),
        ("sqlite://{}/b.db", SQLiteCache),
        ("file:{}/files", FileCache),
        ("memory:", MemoryCache),
        ("null:", NullCache),
        ("redis://127.0.0.1:1/0", RedisStore),
        ("rediss://user:password@redis.example:6380/1", RedisStore),
        ("unix:///run/redis.sock?db=2", RedisStore),
        pytest.param("memcached://127.0.0.1:1,127.0.0.1:2", MemcachedStore, marks=needs_pylibmc),
    ],
)
def test_a_url_names_a_store(url: str, kind: type[BaseCache], tmp_path: Path) -> None:
    assert type(open_store(url.format(tmp_path), limit=10, timeout=1)) is kind


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:cache/embeds.db", limit=10, timeout=1)
    store.set("key", "value")
    assert (tmp_path / "cache" / "embeds.db").exists()
    store.close()


def test_the_default_is_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    store = open_store("", limit=10, timeout=1)
    assert store.path == str(tmp_path / "embedkit" / "cache.sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "/var/cache",
        "sqlite",
        "sqlite:",
        "file:",
        "mysql://host",
        "memory:x",
        "null:0",
        "redis:host",
        "redis://h:port",
        "memcached:",
        "memcached://",
        "memcached://host:port",
        "valkey",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store(url, limit=10, timeout=1)
    assert caught.value.hint


def test_an_error_does_not_show_the_password() -> None:
    for url in ("redsi://:hunter2hunter2@host/0", "redis://:hunter2hunter2@host:port/0"):
        with pytest.raises(ConfigurationError) as caught:
            open_store(url, limit=10, timeout=1)
        assert "hunter2" not in str(caught.value)


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, url in (("redis", "redis://127.0.0.1"), ("pylibmc", "memcached://127.0.0.1:11211")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigurationError, match=r"pip install '\.\[(redis|memcached)\]'"):
            open_store(url, limit=10, timeout=1)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    for url in (f"sqlite:{tmp_path}/file/cache.db", f"sqlite:{tmp_path}", f"file:{tmp_path}/file"):
        with pytest.raises(ConfigurationError, match="Set EMBEDKIT_CACHE to"):
            open_store(url, limit=10, timeout=1)


# -- encoding ------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
    | st.binary()
    | st.text(st.characters(), max_size=20)
)
def test_encoding_loses_nothing(value: Any) -> None:
    assert load(dump(value)) == value


@settings(deadline=None, max_examples=200)
@given(
    st.binary() | st.sampled_from([b"j" + b"[" * 100_000, b"j{", b"s\xff", b"i", b"", b"!\x80\x04.", b"9" * 5_000])
)
def test_decoding_any_bytes_gives_none_or_a_plain_value(data: bytes) -> None:
    assert isinstance(load(data), str | bytes | int | float | list | dict | None)


# -- SQLite: shared, damaged, full ---------------------------------------------------------------------

FILLER = """
import sys
from embedkit.cache.stores.sqlite import SQLiteCache
store = SQLiteCache(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(sum(store.set(f"{sys.argv[2]}-{number}", "value") for number in range(50)))
"""


@pytest.mark.server
def test_sixteen_processes_start_without_a_file_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", FILLER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(16)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    assert not path.exists()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=30)[0] for worker in workers] == ["50\n"] * 16
    store = SQLiteCache(path)
    assert [key for n in range(16) for key in (f"{n}-{i}" for i in range(50)) if store.get(key) != "value"] == []
    store.close()


def test_an_entry_read_before_the_versions_were_deleted_is_still_recognized_as_old(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "db")
    store.set("key", "value")
    read, place, version = store.versions.read("key")
    (tmp_path / "db.changes").unlink()
    store.versions.read("another")  # from here on there is a new file
    store.delete("key")
    assert read(place) != version
    store.close()


def test_another_process_sees_a_write(tmp_path: Path) -> None:
    one, other = SQLiteCache(tmp_path / "db"), SQLiteCache(tmp_path / "db")
    one.set("key", "value")
    assert other.get("key") == "value"
    before = other.versions.read("key")
    one.delete("key")
    assert other.versions.read("key")[2] != before[2]
    assert other.get("key") is None
    one.close()
    other.close()


@pytest.mark.parametrize("damage", [b"", b"not a database at all " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_not_a_database_is_replaced(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(damage)
    store = SQLiteCache(path)
    with caplog.at_level(logging.WARNING):
        store.get("key")
    assert store.set("key", "value")
    assert store.get("key") == "value"
    assert store.working
    assert (tmp_path / "cache.sqlite.damaged").exists() == bool(damage)
    assert len(caplog.records) == bool(damage)
    store.close()


def test_damage_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    store = SQLiteCache(path)
    for number in range(200):
        store.set(str(number), "x" * 1000)
    store.prune()
    store.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    for number in range(200):
        store.get(str(number))
    assert store.set("key", "value")
    assert store.get("key") == "value"
    store.close()


def test_another_version_is_emptied(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db")
    db.executescript("CREATE TABLE entries (something TEXT); PRAGMA user_version = 999;")
    db.close()
    store = SQLiteCache(tmp_path / "db")
    assert store.set("key", "value")
    assert store.get("key") == "value"
    store.close()


def test_a_deleted_file_is_recreated(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "db")
    store.set("key", "value")
    (tmp_path / "db").unlink()
    store.prune()
    assert store.get("key") is None
    assert store.set("key", "value")
    other = SQLiteCache(tmp_path / "db")
    assert other.get("key") == "value"
    store.close()
    other.close()


def test_a_writer_that_does_not_end_costs_at_most_the_timeout(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "db", timeout=0.05)
    store.set("key", "value")
    other = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert store.set("key", "changed") is False
    assert store.add("new", "value") is False
    assert store.inc("number") is None
    assert store.delete("key") is False
    assert not store.working
    assert store.get("key") == "value"
    other.execute("ROLLBACK")
    other.close()
    assert store.set("key", "changed")
    assert store.working
    store.close()


FULL = """
import resource, signal, sys
from embedkit.cache.stores.factory import open_store
store = open_store(sys.argv[1], limit=1000, timeout=1)
assert store.set("first", "value")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
kept = [store.set(str(number), "x" * 2_000) for number in range(100)]
big = store.set("big", "x" * 70_000)
print(store.get("first"), kept.count(False) > 0 or store.count(), big, store.get("big"))
"""


@pytest.mark.server
@pytest.mark.parametrize("scheme", FILES)
def test_a_full_disk(scheme: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, f"{scheme}:{tmp_path}/cache"], capture_output=True, text=True, timeout=30
    )
    assert ran.stderr == ""
    first, _, big, held = ran.stdout.split()
    assert (first, big, held) == ("value", "False", "None")
    assert not list(tmp_path.rglob("*.draft"))


def test_a_read_only_database_is_a_miss(tmp_path: Path) -> None:
    """Tested with the database's mode: root can write in any folder."""
    store = SQLiteCache(tmp_path / "db")
    store._pool._open = lambda: sqlite3.connect(f"file:{tmp_path}/none/db?mode=ro", uri=True)  # type: ignore[method-assign]
    assert store.get("key") is None
    assert store.set("key", "value") is False
    assert store.count() == 0


@pytest.mark.server
def test_a_fork_does_not_share_connections(tmp_path: Path) -> None:
    script = f"""
import os, sys
from embedkit.cache.stores.sqlite import SQLiteCache
store = SQLiteCache({str(tmp_path / "db")!r})
store.set("key", "value")
child = os.fork()
if not child:
    fine = store.get("key") == "value" and store.set("child", "value")
    os._exit(0 if fine else 1)
assert os.waitpid(child, 0)[1] == 0
assert store.get("child") == "value"
assert store.set("after", "value")
print("fine")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (ran.stdout, ran.stderr) == ("fine\n", "")


# -- files ---------------------------------------------------------------------------------------------


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs.txt").write_text("theirs")
    store = FileCache(tmp_path)
    store.set("key", "value")
    store.clear()
    assert (tmp_path / "theirs.txt").read_text() == "theirs"
    assert FileCache(tmp_path).set("key", "value")


def test_a_folder_with_our_name_and_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "embedkit-cache").mkdir()
    (tmp_path / "embedkit-cache" / "theirs.txt").write_text("theirs")
    with pytest.raises(ConfigurationError, match="not ours"):
        open_store(f"file:{tmp_path}", limit=10, timeout=1)


def test_a_pickle_or_a_truncated_file_is_a_miss(tmp_path: Path) -> None:
    store = FileCache(tmp_path)
    store.set("key", "value", timeout=0)
    (path,) = Path(store.path, "entries").iterdir()
    for data in (b"", b"\0\0", b"\0" * 8, b"\0" * 8 + pickle.dumps(Bomb(tmp_path / "ran")), b"\0" * 8 + b"j{"):
        path.write_bytes(data)
        assert store.get("key") is None
    assert not (tmp_path / "ran").exists()


def test_old_drafts_are_deleted(tmp_path: Path) -> None:
    store = FileCache(tmp_path)
    store.set("key", "value")
    folder = Path(store.path, "entries")
    (folder / "old.draft").write_text("half")
    (folder / "new.draft").write_text("half")
    os.utime(folder / "old.draft", (time.time() - 7200,) * 2)
    assert store.prune() == 0
    assert sorted(file.name for file in folder.glob("*.draft")) == ["new.draft"]
    assert store.get("key") == "value"


def test_the_limit_is_enforced_while_it_runs(tmp_path: Path) -> None:
    store = FileCache(tmp_path, limit=100)
    for number in range(1100):
        store.set(str(number), "value")
    deadline = time.monotonic() + 30
    while store.count() > 700 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.count() <= 700
