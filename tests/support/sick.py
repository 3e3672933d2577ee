"""Other processes on the same store: one that runs commands, and one that is killed while it writes.

``python -m tests.support.sick 100`` runs the kill loop 100 times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.stores.factory import open_store
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.errors import NotFound
from tests.support.cache import (
    ITEMS,
    ROOT,
    cache,
    embed,
    run_once,
    store_embed,
)

STORE_FILES = {"c", "c-journal", "c.lock", "c.changes", "c.takedowns", "c.takedowns.lock"}


# -- another process ---------------------------------------------------------------------------------------


class Sibling:
    """Another process on the same store, which runs commands on request."""

    def __init__(self, url: str, takedowns: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.sick", "sibling", url, str(takedowns or "")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Sibling:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.communicate()

    def call(self, what: str) -> Any:
        self.send(what)
        return self.read()

    def send(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


def sibling(url: str, takedowns: str) -> None:
    kept = cache(open_store(url, limit=1000, timeout=5), takedowns_path=takedowns or None)
    for line in sys.stdin:
        print(json.dumps(_run(kept, line.strip())), flush=True)


def _run(kept: EmbedCache, what: str) -> Any:
    if what == "shown":
        found = kept.get(ITEMS, "com").embed
        return found and found.title
    if what == "store":
        return store_embed(kept, embed(), tld="com").title
    if what == "takedown":
        kept.store_error(ITEMS, "com", NotFound())
        return True
    if what == "lead":  # stops the process in the middle of an upstream call
        asked_at = kept.now()

        def work() -> str:
            os.kill(os.getpid(), signal.SIGSTOP)
            return store_embed(kept, embed(title="old"), tld="com", asked_at=asked_at).title

        return run_once(kept, ITEMS, "com", work, wait=0.2)
    raise ValueError(what)


# -- a process that is killed ---------------------------------------------------------------------------------


def write_until_killed(path: str, seed: int) -> None:
    """Write and delete entries, and print each operation once it is done."""
    store, roll = SQLiteCache(path), random.Random(seed)
    for number in range(1_000_000):
        key = f"{roll.randrange(200)}"
        if roll.random() < 0.2:
            store.delete(key)
            print(key, -1, flush=True)
        elif store.set(key, value(number, seed), timeout=0):
            print(key, number, flush=True)


def value(number: int, seed: int) -> str:
    return f"{seed}:{number}:" + "x" * (number % 5_000) + f":{number}"


def kill_loop(rounds: int, seed: int = 1) -> Iterator[str]:
    """Kill a writing process repeatedly, and yield the problems found after each kill."""
    folder = tempfile.mkdtemp()
    path, roll = f"{folder}/c", random.Random(seed)
    held: dict[str, str] = {}
    for number in range(rounds):
        done = _killed(path, number, roll.random() * 0.3)
        # the last reported operation may have been followed by one that was not reported
        sure, last = done[:-1], done[-1:]
        for key, what in sure:
            held[key] = value(int(what), number) if what != "-1" else ""
        for key, _ in last:
            held.pop(key, None)
        yield from _problems(path, held)
    yield from (f"an orphan: {name}" for name in set(os.listdir(folder)) - STORE_FILES)


def _killed(path: str, number: int, seconds: float) -> list[list[str]]:
    command = [sys.executable, "-m", "tests.support.sick", "writes", path, str(number)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    lines = (first + process.communicate()[0]).splitlines(keepends=True)
    return [line.split() for line in lines if line.endswith("\n")]


def _problems(path: str, held: dict[str, str]) -> Iterator[str]:
    store = SQLiteCache(path)
    unknown = 0
    for key, expected in list(held.items()):
        found = store.get(key) or ""
        number = found.rpartition(":")[2]
        if found and found != value(int(number), int(found.partition(":")[0])):
            yield f"half-written: {key}"
        unknown += found != expected
        held[key] = found
    if unknown > 1:  # the very last write may have been done without being reported
        yield f"lost: {unknown} of {len(held)}"
    store.set("probe", "value")
    store.close()
    db = sqlite3.connect(path)
    if (check := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        yield f"damaged: {check}"
    db.close()
    if os.path.getsize(f"{path}-journal"):
        yield "the rollback journal was not applied"


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    if name == "sibling":
        sibling(*arguments)
    elif name == "writes":
        write_until_killed(arguments[0], int(arguments[1]))
    else:
        failed = list(kill_loop(int(arguments[0])))
        print(f"SQLite kill loop: tried {arguments[0]}, failed {len(failed)}", *failed, sep="\n")
