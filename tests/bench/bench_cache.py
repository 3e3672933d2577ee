"""C1 to C4: the cache, as ratios within one run."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from embedkit import EmbedKit, Settings
from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.stores.base import MemoryCache, dump
from embedkit.cache.stores.sqlite import SQLiteCache
from tests.bench.table import Row, exactly, quartiles, ratios, seconds, surroundings
from tests.support.cache import ROOT, cache, embed

ROUNDS = 7
TURNS = 5  # processes of each kind per round, of which the fastest counts
FIRST_TOUCH = """
import gc, hashlib, hmac, json, sqlite3, sys, time, cachelib
from tests.support.cache import cache
from embedkit.cache.stores.base import dump
from embedkit.cache.stores.sqlite import SQLiteCache
which, path, key = sys.argv[1:]
gc.freeze()  # else a collection may go through all that the tests import
began = time.process_time()
if which == "raw":
    held = sqlite3.connect(path)
    assert held.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
else:
    held = cache(SQLiteCache(path))
    assert held.get(("0",), "com").embed
print(time.process_time() - began)
"""


def name(number: int) -> tuple[str, ...]:
    return (str(number),)


def c1(folder: Path) -> Iterator[Row]:
    """A warm get, from the cache and from the kit, compared with a dict with expiry times."""
    held = {f"key{number}": (time.time() + 3600, embed()) for number in range(1000)}

    def reference() -> object:
        until, value = held["key7"]
        return value if until > time.time() else None

    for store in (SQLiteCache(folder / "c1"), MemoryCache()):
        kept = cache(store)
        kept.store(embed(name(7)), tld="com")
        get = partial(kept.get, name(7), "com")
        assert get().embed
        found = ratios(get, reference, times=50_000)
        yield Row("C1", f"warm get of the cache, {store.kind} / dict + expiry", found, 5, 2)
        past = quartiles([seconds(partial(kept._look, (name(7), "com")), 2_000) * 1e6 for _ in range(ROUNDS)])
        yield Row("", f"the same past the memory in front, {store.kind}", past, None, None, unit="us")
    with EmbedKit(Settings(cache=f"sqlite:{folder / 'kit'}", secret="s" * 40)) as kit:
        kit.cache.store(embed(name(7)), tld="com")
        for what, ask in (("html", kit.html), ("resolve", kit.resolve)):
            found = ratios(partial(ask, "7"), reference, times=20_000)
            yield Row("C1", f"EmbedKit.{what} of an id, warm / dict + expiry", found, 5, 2)


def c2(folder: Path) -> Iterator[Row]:
    """The first cache hit in a new process, compared with reading one row from SQLite."""
    kept = cache(SQLiteCache(folder / "c2"))
    for number in range(1000):
        kept.store(embed(name(number)), tld="com")
    kept.close()
    key, environment = kept._name(name(0)), surroundings() | {"PYTHONPYCACHEPREFIX": str(folder / "pyc")}

    def once(which: str) -> float:
        command = [sys.executable, "-c", FIRST_TOUCH, which, str(folder / "c2"), key]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
        return float(ran.stdout)

    once("ours")  # writes the bytecode
    turns = [[(once("ours"), once("raw")) for _ in range(TURNS)] for _ in range(ROUNDS)]
    least = [[min(times) for times in zip(*pairs, strict=True)] for pairs in turns]
    found = quartiles([ours / raw for ours, raw in least])
    yield Row("C2", "first touch in a new process / one raw row", found, 2, 1.2)


def sets(kept: EmbedCache, first: int, count: int) -> list[float]:
    """Return the time of each of many stores, at about a thousand per second, more than any upstream returns."""
    times = []
    for number in range(first, first + count):
        began = time.perf_counter()
        kept.store(embed(name(number)), tld="com")
        times.append(time.perf_counter() - began)
        time.sleep(0.0005)
    return times


def fill(store: SQLiteCache, held: int) -> None:
    """Insert entries in one transaction; 50,000 separate ones would take a minute."""
    store.set("first", "x")
    with sqlite3.connect(store.path) as file:
        rows = ((f"filled{number}", dump("x" * 1800)) for number in range(held))
        file.executemany("INSERT INTO entries (key, value, expires) VALUES (?, ?, 0)", rows)
    file.close()


def c3(folder: Path) -> Iterator[Row]:
    """Storing among 50,000 entries compared with 1,000, and the slowest store while the limit is exceeded."""
    caches = {}
    for held, limit in ((1_000, 10**6), (50_000, 10**6), (50_000, 50_000)):
        store = SQLiteCache(folder / f"c3-{held}-{limit}", limit=limit)
        fill(store, held)
        store.prune()
        caches[held, limit] = cache(store)
    samples: dict[tuple[int, int], list[float]] = {which: [] for which in caches}
    medians: dict[tuple[int, int], list[float]] = {which: [] for which in caches}
    for turn in range(10):
        for which, kept in caches.items():
            took = sets(kept, turn * 200, 200)
            samples[which] += took
            medians[which].append(statistics.median(took))
    small, large, full = caches
    grown = quartiles([a / b for a, b in zip(medians[large], medians[small], strict=True)])
    yield Row("C3", "store among 50,000 entries / among 1,000", grown, 1.2, 1.05)
    yield Row("C3", "longest store while pruning", exactly(max(samples[full]) * 1e3), 5, 1, unit="ms")
    yield Row("", "longest store without", exactly(max(samples[large]) * 1e3), None, None, unit="ms")
    yield Row("", "what the machine adds to a sleep of 0.5 ms", exactly(longest_sleep()), None, None, unit="ms")


def longest_sleep() -> float:
    """Return the machine's own scheduling delay, in milliseconds."""
    times = []
    for _ in range(2_000):
        began = time.perf_counter()
        time.sleep(0.0005)
        times.append(time.perf_counter() - began - 0.0005)
    return max(times) * 1e3


def c4(folder: Path) -> Iterator[Row]:
    """The share of a working set that is still in the cache, with default settings."""
    store = SQLiteCache(folder / "c4")
    kept = cache(store)
    for number in range(50_000):
        kept.store(embed(name(number)), tld="com")
    for count in (5_000, 50_000):
        held = sum(kept.get(name(number), "com").embed is not None for number in range(50_000 - count, 50_000))
        gate, goal = (100, None) if count == 5_000 else (None, 100)
        yield Row("C4", f"of {count:,} stored, still cached", exactly(100 * held / count), gate, goal, False, "%")


def rows() -> Iterator[Row]:
    """C1 to C4."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        for bench in (c1, c2, c3, c4):
            yield from bench(Path(made))
