"""A store that is down, full, locked or truncated costs little, crashes nothing, and brings no picture back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cachelib import BaseCache, SimpleCache

from embedkit.cache import takedowns
from embedkit.cache.embed_cache import Entry
from embedkit.cache.guard import BYPASS_S
from embedkit.cache.stores.base import MemoryCache
from embedkit.cache.stores.factory import open_store
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.cache.takedowns import SIZE_BYTES, Takedowns
from embedkit.errors import NotFound, Unavailable
from embedkit.freshness import DAY, Policy, Verdict
from embedkit.kit import EmbedKit
from embedkit.settings import Settings
from tests.support import stores
from tests.support.cache import (
    ITEMS,
    ROOT,
    cache,
    embed,
    run_once,
    store_embed,
)
from tests.support.faults import oembed_body
from tests.support.sick import Sibling, kill_loop
from tests.support.tools import Clock, need

LIST = [(f"{number}",) for number in range(300)]


class Sick(BaseCache):
    """A store that fails in a given way, and records its calls."""

    def __init__(self, ill: str = "") -> None:
        super().__init__()
        self.inner = SimpleCache(threshold=10_000)
        self.ill = ill
        self.asked: list[tuple[str, str]] = []

    def get(self, key: str) -> Any:
        return self._do("get", key, lambda: self.inner.get(key))

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        return self._do("set", key, lambda: self.inner.set(key, value, timeout))

    def add(self, key: str, value: Any, timeout: Any = None) -> Any:
        return self._do("add", key, lambda: self.inner.add(key, value, timeout))

    def delete(self, key: str) -> Any:
        return self._do("delete", key, lambda: self.inner.delete(key))

    def _do(self, what: str, key: str, act: Any) -> Any:
        self.asked.append((what, key))
        if self.ill == "down" or (self.ill == "full" and what in ("set", "add")):
            raise ConnectionError("ill")
        if self.ill == "read-only" and what != "get":
            return False
        return act()

    def writes(self) -> list[str]:
        return [key for what, key in self.asked if what == "set"]


ILLS = ["down", "full", "read-only"]


# -- copies in memory ------------------------------------------------------------------------


@pytest.mark.parametrize("ill", ILLS)
def test_three_hundred_pictures_make_few_calls_to_a_failing_store(ill: str) -> None:
    store, calls = Sick(ill), []
    kept = cache(store, monotonic=Clock())

    def show(items: tuple[str, ...]) -> str:
        def work() -> Any:
            held = kept.get(items, "com")
            if held.embed:
                return held.embed
            calls.append(items)
            return store_embed(kept, embed(items), tld="com")

        return (kept.get(items, "com").embed or run_once(kept, items, "com", work, wait=5)).title

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(show, LIST * 4)) == {embed().title}
    assert sorted(calls) == sorted(LIST)
    assert len(store.writes()) < 30
    assert kept.state() == ("down" if ill == "down" else "degraded")
    assert kept.status()["unwritten"] == 300
    kept.close()


@pytest.mark.parametrize("ill", ILLS)
def test_takedowns_are_written_before_copies_after_recovery(ill: str) -> None:
    store, monotonic = Sick(), Clock()
    kept = cache(store, monotonic=monotonic)
    for items in LIST[:20]:
        kept.store(embed(items), tld="com")
    store.ill = ill
    for items in LIST[20:40]:
        kept.store(embed(items), tld="com")
    kept.store_error(LIST[3], "com", NotFound())
    with pytest.raises(Unavailable):  # other processes could still show it
        kept.delete(LIST[4])
    for items in (LIST[3], LIST[4]):
        assert kept.get(items, "com").embed is None
    store.ill, store.asked = "", []
    assert not kept.heal()  # not tried yet
    monotonic.now += BYPASS_S + 1
    assert kept.heal()
    assert store.writes()[:2] == [kept._name(LIST[3]), kept._name(LIST[4])]
    assert len(store.writes()) == 22
    other = cache(store)
    shown = [items for items in LIST[:40] if other.get(items, "com").embed]
    assert shown == [items for items in LIST[:40] if items not in (LIST[3], LIST[4])]
    assert kept.status()["unwritten"] == kept.status()["takedowns"] == 0
    kept.close()


def test_a_takedown_reaches_the_memory_of_another_process(tmp_path: Path) -> None:
    """The store has no copy to delete, but the other process has one in memory."""
    store, clock = Sick("full"), Clock()
    one, other = (cache(store, clock=clock, takedowns_path=str(tmp_path / "takedowns")) for _ in range(2))
    other.store(embed(), tld="com")
    assert other.get(ITEMS, "com").embed
    one.store_error(ITEMS, "com", NotFound())
    one.close()  # ends the process
    clock.now += 2
    found = [*other.get_many([(ITEMS, "com")]), other.get(ITEMS, "com")]
    assert [entry.embed for entry in found] == [None, None]
    other.close()


def test_a_late_takedown_does_not_delete_a_newer_copy() -> None:
    store, clock = Sick(), Clock()
    kept = cache(store, clock=clock)
    asked_at = kept.now()
    clock.now += 1
    kept.store(embed(), tld="com")
    store.ill = "full"
    kept.store_error(ITEMS, "com", NotFound(), asked_at=asked_at)
    assert kept.get(ITEMS, "com").embed
    kept.close()


def test_no_copy_is_written_while_a_takedown_is_pending() -> None:
    store, monotonic = Sick(), Clock()
    kept = cache(store, monotonic=monotonic)
    kept.store(embed(), tld="com")
    store.ill = "full"
    kept.store_error(ITEMS, "com", NotFound())
    kept.store_error(ITEMS, "com", NotFound())
    store.ill, store.asked = "", []
    monotonic.now += BYPASS_S + 1
    kept.store(embed(LIST[0]), tld="com")
    assert kept._name(LIST[0]) not in store.writes()[:1]
    assert kept.get(LIST[0], "com").embed
    assert kept.heal()
    assert cache(store).get(LIST[0], "com").embed
    kept.close()


def test_writes_by_other_processes_are_not_undone() -> None:
    clock, store, monotonic = Clock(), Sick(), Clock()
    ours, theirs = cache(store, clock=clock, monotonic=monotonic), cache(store, clock=clock)
    for items in LIST[:3]:
        store.ill = "down"
        ours.store(embed(items, title="ours"), tld="com")
    clock.now += 5
    store.ill = ""
    theirs.delete(LIST[0])
    theirs.store(embed(LIST[1], title="theirs"), tld="com")
    theirs.store(embed(LIST[2], title="theirs"), tld="de")
    monotonic.now += BYPASS_S + 1
    clock.now += 5
    assert ours.heal()
    third = cache(store, clock=clock)
    assert third.get(LIST[0], "com") == Entry()
    assert third.get(LIST[1], "com").embed.title == "theirs"
    assert [third.get(LIST[2], tld).embed.title for tld in ("com", "de")] == ["ours", "theirs"]
    ours.close()


def test_a_copy_in_memory_is_served_while_the_store_is_unreadable() -> None:
    """This lasts while Getty is down too, and doesn't apply to pictures taken down or copies that are too old."""
    store, clock = Sick(), Clock()
    kept = cache(store, clock=clock)
    shown = (*LIST[:3], ITEMS)
    for items in shown:
        kept.store(embed(items), tld="com")
        assert kept.get(items, "com").embed
    store.ill = "down"
    clock.now += 60
    kept.store_error(LIST[0], "com", NotFound())
    with pytest.raises(Unavailable):
        kept.delete(LIST[1])
    found = [kept.get(items, "com") for items in shown]
    assert [bool(entry.embed) for entry in found] == [False, False, True, True]
    assert found[2].verdict is found[3].verdict is Verdict.STALE_IF_ERROR  # Getty is called first

    def outage() -> Any:
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        run_once(kept, LIST[2], "com", outage, wait=1)
    assert kept.get(LIST[2], "com").embed
    clock.now += 400 * DAY
    assert kept.get(LIST[2], "com").embed is None
    kept.close()


def test_an_unreadable_store_is_not_overwritten() -> None:
    class Blind(Sick):
        def get(self, key: str) -> Any:
            if self.ill == "blind":
                raise TimeoutError
            return super().get(key)

    clock, store, monotonic = Clock(), Blind(), Clock()
    ours, theirs = cache(store, clock=clock, monotonic=monotonic), cache(store, clock=clock)
    store.ill = "blind"
    asked_at = clock.now
    clock.now += 1
    theirs._store.set(theirs._name(ITEMS), "", 1)
    store.ill = ""
    theirs.delete(ITEMS)
    store.ill = "blind"
    clock.now += 1
    ours.store(embed(), tld="com", asked_at=asked_at)  # it can't be notified of the purge
    store.ill = ""
    assert theirs.get(ITEMS, "com") == Entry()
    monotonic.now += BYPASS_S + 1
    ours.heal()
    assert theirs.get(ITEMS, "com").embed  # apparently fetched after the purge
    ours.close()


def test_a_copy_only_in_memory_is_fresh_for_at_most_max_age() -> None:
    clock = Clock()
    kept = cache(Sick("down"), clock=clock, policy=Policy(max_age=60), random=lambda: 1.0)
    kept.store(embed(), tld="com", cache_age=7 * DAY)
    clock.now += 59
    assert not kept.get(ITEMS, "com").embed.stale
    clock.now += 2
    assert kept.get(ITEMS, "com").embed.stale
    kept.close()


def test_copies_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedkit.cache.backlog.MAX_ENTRIES", 10)
    kept = cache(Sick("down"))
    for items in LIST[:30]:
        kept.store(embed(items), tld="com")
    assert kept.status()["unwritten"] == 10
    kept.close()


def test_the_store_recovers_automatically() -> None:
    store, monotonic = Sick("down"), Clock()
    kept = cache(store, monotonic=monotonic)
    for items in LIST[:5]:
        kept.store(embed(items), tld="com")
    store.ill = ""
    monotonic.now += BYPASS_S + 1
    deadline = time.monotonic() + 30
    while kept.status()["unwritten"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(cache(store).get(items, "com").embed for items in LIST[:5])
    kept.close()


# -- siblings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "same"), [("redis", True), ("redis", False), ("memcached", True)])
def test_siblings_while_the_server_is_down(kind: str, same: bool, tmp_path: Path) -> None:
    """A process that shares the takedown file shows nothing; another shows it until the server is back."""
    with getattr(stores, kind)() as server:
        ours = cache(open_store(server.url, limit=1, timeout=5), takedowns_path=str(tmp_path / "ours"))
        with Sibling(server.url, tmp_path / ("ours" if same else "theirs")) as theirs:
            server.stop()
            assert theirs.call("store") == theirs.call("shown") == embed().title
            ours.store(embed(), tld="com")
            ours.store_error(ITEMS, "com", NotFound())
            assert ours.get(ITEMS, "com").embed is None
            time.sleep(1.1)  # longer than a sibling trusts its memory
            assert theirs.call("shown") == (None if same else embed().title)
            server.start()
            deadline = time.monotonic() + 60
            while theirs.call("shown") is not None or ours.status()["takedowns"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        again = cache(open_store(server.url, limit=1, timeout=5))
        assert again.get(ITEMS, "com").embed is None
        ours.close()
        again.close()


@pytest.mark.parametrize("scheme", stores.FILES)
def test_a_takedown_survives_its_process(scheme: str, tmp_path: Path) -> None:
    url = stores.FILES[scheme].format(tmp_path)
    kept = cache(open_store(url, limit=100, timeout=1))
    kept.store(embed(), tld="com")
    kept.store(embed(LIST[0]), tld="com")
    kept.close()
    with Sibling(url) as theirs:
        assert theirs.call("shown") == embed().title
        with _locked(scheme, tmp_path):
            assert theirs.call("takedown")
            theirs.process.kill()
            theirs.process.wait()
            for _ in range(2):
                again = cache(open_store(url, limit=100, timeout=1))
                assert again.get(ITEMS, "com").embed is None
                assert again.get(LIST[0], "com").embed  # and no other entry is lost
        assert again.heal()
        assert again.status()["takedowns"] == 0
        assert again.get(ITEMS, "com").embed is None
        again.close()


class _locked:
    """Makes the store read-only during the block."""

    def __init__(self, scheme: str, folder: Path) -> None:
        self._scheme, self._folder = scheme, folder

    def __enter__(self) -> None:
        assert self._scheme in ("sqlite", "file"), f"write here how {self._scheme} is kept from writing"
        if self._scheme == "sqlite":
            self._db = sqlite3.connect(self._folder / "c", isolation_level=None)
            self._db.execute("BEGIN IMMEDIATE")
        else:  # root can write anywhere, so the folder is swapped: entries can be read but not replaced
            self._entries = self._folder / "c" / "embedkit-cache" / "entries"
            _immutable(self._entries, "+i")

    def __exit__(self, *_: object) -> None:
        if self._scheme == "sqlite":
            self._db.close()
        else:
            _immutable(self._entries, "-i")


def _immutable(folder: Path, how: str) -> None:
    chattr = shutil.which("chattr")
    files = [str(path) for path in (folder, *folder.iterdir())]
    if chattr is None or subprocess.run([chattr, how, *files], capture_output=True).returncode:
        pytest.skip("this file system has no immutable files, or we may not make them")


# -- a writer that was stopped ---------------------------------------------------------------------------

HOLDER = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.execute("DELETE FROM entries WHERE 0")
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


class Counted(SQLiteCache):
    """Counts the writes that reach the store."""

    sets = 0

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        self.sets += 1
        return super().set(key, value, timeout)


class Getty:
    """A transport that returns any picture, and counts the calls."""

    calls = 0

    def send(self, request: Any) -> Any:
        from embedkit.messages import Response

        self.calls += 1
        ref = dict(request.params)["url"].rpartition("/")[2]
        return Response(200, body=oembed_body().replace(b"600100200", ref.encode()))


def test_a_write_lock_of_a_stopped_process_costs_one_attempt(tmp_path: Path) -> None:
    store = Counted(tmp_path / "c", timeout=0.2)
    getty = Getty()
    kit = EmbedKit(Settings(secret="s" * 40), transport=getty, cache=store)
    refs = [f"6001003{number:02}" for number in range(24)]
    kit.html(refs[0])
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "c")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            before = store.sets
            began = time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                shown = list(pool.map(lambda ref: str(kit.html(ref)), refs))
            assert all("<iframe" in one for one in shown)
            assert time.monotonic() - began < 30
            assert store.sets - before <= 8 + 8  # only those that were in progress
            assert getty.calls == len(refs)
            assert [str(kit.html(ref)) for ref in refs] == shown
            assert getty.calls == len(refs)
            status = kit.status()
            assert (status["cache"], status["store"]["read"], status["store"]["write"]) == (
                "degraded",
                "ok",
                "failing",
            )
            assert kit.purge(refs[0])
            assert cache(SQLiteCache(tmp_path / "c", timeout=0.1)).get((refs[0],), "com").embed is None
        finally:
            holder.kill()
    kit.close()


@pytest.mark.parametrize("scheme", [*stores.FILES, "redis"])
def test_a_stopped_leader_does_not_block_others_or_undo_a_takedown(scheme: str, tmp_path: Path) -> None:
    with stores.redis() as server:
        url = server.url if scheme == "redis" else stores.FILES[scheme].format(tmp_path)
        with Sibling(url) as leader:
            leader.send("lead")
            _wait_for(lambda: _stopped(leader.process.pid))
            kept = cache(open_store(url, limit=100, timeout=5))
            with pytest.raises(Unavailable):
                run_once(kept, ITEMS, "com", lambda: "asked", wait=0.2)
            assert (
                run_once(kept, ITEMS, "com", lambda: store_embed(kept, embed(), tld="com").title, wait=20)
                == embed().title
            )
            leader.process.send_signal(signal.SIGCONT)
            assert leader.read() == embed().title  # it also shows the newer copy
            assert kept.get(ITEMS, "com").embed.title == embed().title
            kept.close()


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _wait_for(what: Any) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("ending", ["purge", "takedown", "copy", "long ago"])
def test_a_response_to_an_old_request_undoes_nothing(ending: str) -> None:
    clock = Clock()
    kept = cache(MemoryCache(clock=clock), clock=clock)
    asked_at = kept.now()
    clock.now += 10
    if ending == "copy":
        kept.store(embed(title="newer"), tld="com")
    elif ending == "takedown":
        kept.store_error(ITEMS, "com", NotFound())
    else:
        kept.delete(ITEMS)
    clock.now += 10 if ending != "long ago" else 2 * DAY
    if ending == "copy":
        assert store_embed(kept, embed(title="old"), tld="com", asked_at=asked_at).title == "newer"
        kept.store_error(ITEMS, "com", NotFound(), asked_at=asked_at)
        assert kept.get(ITEMS, "com").embed.title == "newer"
        return
    with pytest.raises(NotFound if ending == "takedown" else Unavailable):
        kept.store(embed(title="old"), tld="com", asked_at=asked_at)
    assert kept.get(ITEMS, "com").embed is None


# -- truncated files and a full disk ------------------------------------------------------------


@pytest.mark.parametrize("scheme", stores.FILES)
def test_nothing_of_a_store_is_mapped_into_memory(scheme: str, tmp_path: Path) -> None:
    store = open_store(stores.FILES[scheme].format(tmp_path), limit=10, timeout=1)
    kept = cache(store)
    kept.store(embed(), tld="com")
    assert kept.get(ITEMS, "com").embed
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
    kept.close()


@pytest.mark.parametrize("scheme", stores.FILES)
def test_a_purge_takes_effect_immediately_if_version_marks_are_truncated(scheme: str, tmp_path: Path) -> None:
    ours, theirs = (
        cache(open_store(stores.FILES[scheme].format(tmp_path), limit=100, timeout=1)) for _ in range(2)
    )
    ours.store(embed(), tld="com")
    [marks] = tmp_path.rglob("*changes")  # the file of LocalStore.versions
    for size in (0, 100, 8_000):
        ours.store(embed(), tld="com")
        assert theirs.get(ITEMS, "com").embed
        os.truncate(marks, size)
        assert theirs.get(ITEMS, "com").embed
        assert theirs.get(ITEMS, "com").embed
        os.truncate(marks, size)
        ours.delete(ITEMS)
        os.truncate(marks, size)
        assert theirs.get(ITEMS, "com") == Entry()
        ours.store(embed(), tld="com")
        ours.delete(ITEMS)
        assert theirs.get(ITEMS, "com") == Entry()
    assert marks.stat().st_size == 8_192
    ours.close()
    theirs.close()


def test_deleted_version_marks_are_recreated(tmp_path: Path) -> None:
    ours = cache(SQLiteCache(tmp_path / "c"))
    ours.store(embed(), tld="com")
    (tmp_path / "c.changes").unlink()
    ours.get(ITEMS, "de")
    theirs = cache(SQLiteCache(tmp_path / "c"))
    assert theirs.get(ITEMS, "com").embed
    ours.delete(ITEMS)
    assert theirs.get(ITEMS, "com") == Entry()
    ours.close()
    theirs.close()


FULL = """
import os, sys
from cachelib import NullCache
from embedkit.errors import NotFound, Unavailable
from embedkit.cache.stores.factory import open_store
from tests.support.cache import cache, embed

folder, url, new = sys.argv[1], sys.argv[2], sys.argv[3] == "new"

def fill():
    for size in (4096, 1):
        try:
            with open(f"{folder}/filler", "ab", buffering=0) as file:
                while True:
                    file.write(b"x" * size)
        except OSError:
            pass

def held(kept, number):
    return kept.get((f"{number}",), "com").embed is not None

if new:
    fill()
kept = cache(open_store(url, limit=1000, timeout=1))
for number in range(20):
    kept.store(embed((f"{number}",)), tld="com")
assert all(held(kept, number) for number in range(20))
if new:
    assert kept.status()["reserve"] == "memory", kept.status()
    os.unlink(f"{folder}/filler")
    assert kept.status()["reserve"] == "file", kept.status()
    kept._store.reading.after_fork()
    kept._store.writing.after_fork()
    assert kept.heal()
fill()
for name in sorted(os.listdir(folder)):
    if name != "filler" and os.path.isfile(f"{folder}/{name}") and "takedowns" not in name and name != "c":
        os.truncate(f"{folder}/{name}", 0)
fill()
assert all(held(kept, number) for number in range(20))
kept.store_error(("3",), "com", NotFound())
assert kept.delete(("4",))
for number in range(20, 40):
    kept.store(embed((f"{number}",)), tld="com")
again = cache(open_store(url, limit=1000, timeout=1))
assert [number for number in range(40) if not held(kept, number)] == [3, 4]
assert [number for number in range(20) if not held(again, number)] == [3, 4]
os.unlink(f"{folder}/filler")
print("fine", again.status()["reserve"])
"""


# With a full disk, a new file: store raises ConfigurationError, because its folder can't be created.
@pytest.mark.parametrize(("scheme", "when"), [("sqlite", "new"), ("sqlite", "later"), ("file", "later")])
def test_a_full_disk_crashes_nothing_and_undoes_no_takedown(scheme: str, when: str, tmp_path: Path) -> None:
    need("unshare")
    command = 'mount -t tmpfs -o size=600k tmpfs "$1" && exec "$2" -c "$3" "$1" "$4" "$5"'
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    arguments = [str(tmp_path), sys.executable, FULL, stores.FILES[scheme].format(tmp_path), when]
    if subprocess.run([*unshare, "mount", "-t", "tmpfs", "x", "/mnt"]).returncode:
        pytest.skip("we may not mount a file system of our own here")
    ran = subprocess.run(
        [*unshare, "sh", "-c", command, "sh", *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "fine file\n"), ran.stderr


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_a_truncated_database_is_recreated(size: int, tmp_path: Path) -> None:
    kept = cache(SQLiteCache(tmp_path / "c"))
    for items in LIST[:50]:
        kept.store(embed(items), tld="com")
    os.truncate(tmp_path / "c", size)
    other = cache(SQLiteCache(tmp_path / "c"))
    for items in LIST[:50]:
        other.get(items, "com")
    other.store(embed(), tld="com")
    kept.store(embed(LIST[0]), tld="com")
    assert other.get(ITEMS, "com").embed
    assert kept.heal()
    assert cache(SQLiteCache(tmp_path / "c")).get(LIST[0], "com").embed
    kept.close()
    other.close()


def test_a_database_of_an_older_version_leaves_wal_mode(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "c")
    store.set("key", "value")
    store.close()
    old = sqlite3.connect(tmp_path / "c", isolation_level=None)
    assert old.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    old.execute("SELECT count(*) FROM entries").fetchone()
    assert store.get("key") is None  # while the older version is running
    assert isinstance(store.failures.error, sqlite3.OperationalError)
    old.close()
    assert store.get("key") == "value"
    assert not (tmp_path / "c-shm").exists()
    store.close()


# -- the file of takedowns --------------------------------------------------------------------------------

PREFIX = "embedkit:"
KEYS = [f"{PREFIX}{number:064x}" for number in range(1, 2_000)]


def made(path: Path | None) -> Takedowns:
    return Takedowns(str(path) if path else None, prefix=PREFIX, life=40 * DAY)


def test_takedowns_are_shared_and_persistent(tmp_path: Path) -> None:
    ours, theirs = made(tmp_path / "t"), made(tmp_path / "t")
    assert ours.time(KEYS[0]) == 0.0
    assert (tmp_path / "t").stat().st_blocks * 512 >= SIZE_BYTES
    assert ours.add(KEYS[0], 100.0)
    assert ours.add(KEYS[1], 50.0)
    for one in (ours, theirs, made(tmp_path / "t")):
        assert [one.time(key) for key in KEYS[:3]] == one.times(KEYS[:3]) == [100.0, 50.0, 0.0]
        assert one.keys() == [KEYS[1], KEYS[0]]
    theirs.remove(KEYS[0])
    assert made(tmp_path / "t").keys() == [KEYS[1]]
    ours.remove(KEYS[0])
    ours.remove(KEYS[1])
    assert not ours.keys()


def test_the_first_takedown_survives_a_writer_that_dies_before_announcing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = takedowns._put

    def put_and_end(*args: Any) -> None:
        put(*args)
        raise OSError

    ours = made(tmp_path / "t")
    assert ours.time(KEYS[0]) == 0.0
    monkeypatch.setattr(takedowns, "_put", put_and_end)
    assert not ours.add(KEYS[0], 100.0)
    assert made(tmp_path / "t").time(KEYS[0]) == 100.0


def test_without_a_file_takedowns_are_in_memory(tmp_path: Path) -> None:
    for path in (None, tmp_path / "no folder" / "t"):
        one = made(path)
        assert not one.add(KEYS[0], 100.0)
        assert not one.reserved
        assert one.time(KEYS[0]) == 100.0


def test_if_all_slots_are_used_the_oldest_is_replaced_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takedowns, "SLOTS", 10)
    monkeypatch.setattr(takedowns, "SIZE_BYTES", 11 * 64)
    one = made(tmp_path / "t")
    for number, key in enumerate(KEYS[:15]):
        assert one.add(key, 1_000.0 + number)
    for again in (one, made(tmp_path / "t")):
        assert len(again.keys()) == 10
        assert again.time(KEYS[14]) == 1_014.0
        assert again.time(KEYS[0]) == again.time(KEYS[99]) == 1_004.0  # the horizon: nothing older is shown


@pytest.mark.parametrize("size", [0, 64, 100])
def test_a_truncated_takedown_file_is_rewritten(size: int, tmp_path: Path) -> None:
    one = made(tmp_path / "t")
    one.add(KEYS[0], 100.0)
    os.truncate(tmp_path / "t", size)
    assert one.time(KEYS[0]) == 100.0
    assert one.add(KEYS[1], 200.0)
    assert made(tmp_path / "t").keys() == [KEYS[0], KEYS[1]]


def test_a_damaged_slot_is_ignored(tmp_path: Path) -> None:
    one = made(tmp_path / "t")
    one.add(KEYS[0], 100.0)
    one.add(KEYS[1], 100.0)
    data = bytearray((tmp_path / "t").read_bytes())
    data[data.index(bytes.fromhex(KEYS[0].removeprefix(PREFIX))) + 33] ^= 0xFF
    (tmp_path / "t").write_bytes(data)
    assert len(made(tmp_path / "t").keys()) == 1
    assert made(tmp_path / "t").add(KEYS[2], 100.0)


def test_concurrent_writers_lose_no_takedown(tmp_path: Path) -> None:
    every = [made(tmp_path / "t") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda n=n: [every[n].add(key, 100.0) for key in KEYS[n * 25 : n * 25 + 25]])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(made(tmp_path / "t").keys()) == KEYS[:100]


# -- killed ----------------------------------------------------------------------------------------------------


def test_a_process_killed_while_writing_loses_nothing() -> None:
    assert list(kill_loop(3)) == []
