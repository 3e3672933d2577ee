"""A sample embed, a cache to store it in, and concurrent lookups in threads and in other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cachelib import BaseCache

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.stores.factory import open_store
from embedkit.errors import ProviderError, Unavailable
from embedkit.freshness import Policy, Verdict
from embedkit.models import AssetRef, Embed, Frame
from tests.support.tools import ROOT

SECRET = "new-secret-new-secret-new-secret-new"
ENDPOINT = "https://embed.example/oembed"
ITEMS = ("123456789",)


def embed(items: tuple[str, ...] = ITEMS, **changes: Any) -> Embed:
    """Return an embed of a fictitious picture."""
    query = (("et", "Xy-_0123456789abcdefgh"), ("tld", "com"), ("sig", "c2lnbmVkLWJ5LW5vYm9keQ=="))
    made = Embed(
        ref=AssetRef(items),
        type="rich",
        version="1.0",
        title="Harbour at dawn – “quoted” & <b>raw</b>",
        caption="A made-up caption with Zürich, 東京 and \U0001f30d in it. " * 6,
        photographer="Ada Example",
        collection="Invented",
        width=594,
        height=396,
        thumbnail_url="https://media.example/thumb.jpg",
        thumbnail_width=170,
        thumbnail_height=113,
        terms_of_use_url="https://www.example/terms",
        page_url="https://gty.im/" + items[0],
        frame=Frame(items, query),
    )
    return replace(made, **changes)


def cache(backend: BaseCache, **changes: Any) -> EmbedCache:
    """Return a cache with fixed secrets and no randomness."""
    given: dict[str, Any] = {"secrets": (SECRET,), "policy": Policy(), "endpoint": ENDPOINT, "random": lambda: 0.5}
    return EmbedCache(backend, **{**given, **changes})


def store_embed(kept: EmbedCache, picture: Embed, **rest: Any) -> Embed:
    """Store an embed and return the stored copy."""
    entry = kept.store(picture, **rest)
    assert entry.embed is not None
    return entry.embed


def run_once(kept: EmbedCache, items: tuple[str, ...], tld: str, work: Callable[[], Any], *, wait: float) -> Any:
    """Do some work for a picture in a single flight, or wait for the result of the process that is doing it."""
    with kept.single_flight(items, tld, wait=wait) as call:
        if not call.is_done:
            call.result = work()
    return call.result


def lookup(
    kept: EmbedCache, calls: Path, *, outcome: ProviderError | None = None, takes: float = 0.2
) -> Callable[[], Embed]:
    """Return a function that looks up an embed as the kit does: in the cache first, then upstream.

    Each upstream call appends a line to the file ``calls``.
    """

    def work() -> Embed:
        entry = kept.get(ITEMS, "com")
        if entry.error:
            raise entry.error
        if entry.embed and entry.verdict is Verdict.FRESH:
            return entry.embed
        with open(calls, "a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(takes)
        if outcome:
            kept.store_error(ITEMS, "com", outcome)
            raise outcome
        return store_embed(kept, embed(), tld="com")

    return work


def run_in_threads(kept: EmbedCache, work: Callable[[], Embed], threads: int, wait: float) -> dict[str, int]:
    """Do the work in many threads at once, and return the number of times each outcome occurred."""
    outcomes: list[str] = []
    together = threading.Barrier(threads)

    def one() -> None:
        together.wait(20)
        try:
            outcomes.append(run_once(kept, ITEMS, "com", work, wait=wait).title)
        except ProviderError as error:
            outcomes.append(f"{error.code}: {error.message}")

    running = [threading.Thread(target=one) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    return {outcome: outcomes.count(outcome) for outcome in set(outcomes)}


class LookupProcess:
    """Another process (this module as a program) that looks up the embed when :meth:`go` is called."""

    def __init__(
        self, url: str, calls: Path, *, threads: int = 1, fails: bool = False, takes: float = 0.2
    ) -> None:
        task = {"url": url, "calls": str(calls), "threads": threads, "fails": fails, "takes": takes}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cache", json.dumps(task)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> LookupProcess:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        return self

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def outcomes(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.process.communicate(timeout=60)[0])
        return found


def count_lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def main() -> None:
    task = json.loads(sys.argv[1])
    kept = cache(open_store(task["url"], limit=1000, timeout=5))
    outcome = Unavailable("down", retry_after=7) if task["fails"] else None
    print("ready", flush=True)
    sys.stdin.readline()
    work = lookup(kept, Path(task["calls"]), outcome=outcome, takes=task["takes"])
    print(json.dumps(run_in_threads(kept, work, task["threads"], wait=5)))
    kept.close()


if __name__ == "__main__":
    main()
