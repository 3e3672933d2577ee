"""Stores changed by others: foreign tables, types and owners, and a replaced file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from embedkit.cache.stores.factory import open_store
from embedkit.cache.stores.file import FileCache
from embedkit.cache.stores.remote import RedisStore
from embedkit.cache.stores.sqlite import SQLiteCache
from tests.support import stores
from tests.support.cache import (
    ITEMS,
    ROOT,
    cache,
    embed,
)
from tests.support.sick import Sibling
from tests.support.tools import Clock

OTHERS = ("1",), ("2",), ("3",)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE entries (title, body); INSERT INTO entries VALUES ('mine', 'a post');",
        "CREATE TABLE entries (title, body); INSERT INTO entries VALUES ('mine', 'a post'); PRAGMA user_version = 1;",
        "CREATE TABLE posts (title, body); INSERT INTO posts VALUES ('mine', 'a post');",
        "CREATE TABLE posts (title, body); INSERT INTO posts VALUES ('mine', 'a post'); PRAGMA user_version = 1;",
        "CREATE TABLE entries (key TEXT, value BLOB, expires REAL); INSERT INTO entries VALUES ('mine', 'a post', 0);"
        " PRAGMA user_version = 1;",
    ],
)
def test_foreign_tables_are_moved_aside_and_kept(tmp_path: Path, script: str) -> None:
    db = sqlite3.connect(tmp_path / "c")
    db.executescript(script)
    db.close()
    store = SQLiteCache(tmp_path / "c")
    assert store.set("key", "value")
    assert store.get("key") == "value"
    assert store.working
    store.close()
    [kept] = tmp_path.glob("c.foreign-*")
    db = sqlite3.connect(kept)
    [(table,)] = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert db.execute(f"SELECT * FROM {table}").fetchone()[0] == "mine"
    db.close()


def test_tables_dropped_while_running_are_recreated(tmp_path: Path) -> None:
    store = SQLiteCache(tmp_path / "c")
    store.set("key", "value")
    db = sqlite3.connect(tmp_path / "c")
    db.executescript("DROP TABLE entries; CREATE TABLE others (name);")
    db.close()
    assert store.get("key") is None
    assert store.set("key", "again")
    assert store.get("key") == "again"
    store.close()


def test_a_reader_notices_a_replaced_file(tmp_path: Path) -> None:
    """Otherwise, a process that only reads would keep using the old file, and show pictures taken down by others."""
    url = f"sqlite:{tmp_path}/c"
    kept = cache(open_store(url, limit=1000, timeout=5))
    kept.store(embed(), tld="com")
    assert kept.get(ITEMS, "com").embed
    (tmp_path / "c").unlink()
    with Sibling(url) as other:
        other.call("store")
        other.call("takedown")
        assert kept.get(ITEMS, "com").embed is None
    kept.close()


CUT = """
import os, sqlite3, sys
from embedkit.cache.stores.sqlite import SQLiteCache
path = sys.argv[1]
store = SQLiteCache(path, timeout=0.01)
store.set("key", "value")
other = sqlite3.connect(path, isolation_level=None)
other.execute("PRAGMA journal_mode = WAL")
other.execute("CREATE TABLE IF NOT EXISTS more (name)")
for again in range(3):
    store.get("key"), store.set("key", "value")
    for end in ("-shm", "-wal"):
        if os.path.exists(path + end):
            os.truncate(path + end, 0)
with open("/proc/self/maps") as maps:
    assert maps.read().count("-shm") <= 1  # the other process's own
os._exit(0)
"""


def test_no_memory_is_mapped_in_wal_mode(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CUT, str(tmp_path / "c")]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == 0


def test_a_key_of_another_type_is_a_miss_and_overwritten() -> None:
    with stores.redis() as server:
        backend = RedisStore(server.url)
        kept = cache(backend, monotonic=Clock())
        name = f"embedkit:{kept._name(ITEMS)}"
        backend._write_client.lpush(name, "not ours")
        for _ in range(9):
            assert kept.get(ITEMS, "com").embed is None
        assert kept.state() == "ok"
        kept.store(embed(), tld="com")
        assert kept.status()["unwritten"] == 0
        assert cache(backend).get(ITEMS, "com").embed
        kept.close()


def test_an_unwritable_entry_does_not_block_others(tmp_path: Path) -> None:
    store = FileCache(tmp_path)
    monotonic = Clock()
    kept = cache(store, monotonic=monotonic)
    os.mkdir(store._file(kept._name(ITEMS)))
    kept.store(embed(), tld="com")
    for items in OTHERS:
        kept.store(embed(items), tld="com")
    for _ in range(9):
        monotonic.now += 60
        kept.heal()
    assert kept.status()["unwritten"] == 1
    other = cache(FileCache(tmp_path))
    assert all(other.get(items, "com").embed for items in OTHERS)
    kept.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_entries_written_by_another_user_are_overwritten() -> None:
    """For example, after root ran a command on a service's cache."""
    with tempfile.TemporaryDirectory() as folder:
        FileCache(folder).set("key", "of root")
        for parent, _, names in os.walk(folder):
            os.chmod(parent, 0o777)
            for name in names:
                os.chmod(os.path.join(parent, name), 0o600)
        script = (
            "import encodings.idna, os, sys, tempfile; from embedkit.cache.stores.file import FileCache\n"
            "tempfile.gettempdir(); os.setuid(65534); store = FileCache(sys.argv[1])\n"
            "assert store.get('key') is None and store.failures.error is None\n"
            "assert store.set('key', 'new') and store.get('key') == 'new'\n"
        )
        command = [sys.executable, "-c", script, folder]
        done = subprocess.run(command, cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
