"""E1, E3, E4: many uncached pictures at once, and many requests for one picture; the upstream takes 50 ms."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedkit import Embed, EmbedKit, Settings
from tests.bench.table import Row, exactly, quartiles
from tests.bench.upstream import LATENCY

MANY = 500
ASK = """
import sys, threading
from embedkit import EmbedKit
kit = EmbedKit()
first, ids, threads, each = map(int, sys.argv[1:])
gate, found = threading.Barrier(threads), []
def ask(number):
    gate.wait()
    for turn in range(each):
        found.append(kit.resolve(str(first + (number * each + turn) % ids)).ref)
running = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
for thread in running: thread.start()
for thread in running: thread.join()
assert len(found) == threads * each, len(found)
"""


@contextmanager
def upstream() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.upstream"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def counts(url: str) -> tuple[int, int]:
    """Return the number of requests and connections since the last call."""
    with urllib.request.urlopen(f"{url}/counts") as answer:
        questions, connections = json.load(answer)
    return questions, connections


def e1(url: str, workers: int) -> Iterator[Row]:
    bound = math.ceil(MANY / workers) * LATENCY
    settings = Settings(cache="memory:", secret="s" * 40, oembed_endpoint=f"{url}/oembed", concurrency=workers)
    took, connections = [], 0
    for turn in range(5):
        counts(url)
        with EmbedKit(settings) as kit:
            kit.resolve(str(10_000_000 + turn))  # imports, and the first connection
            began = time.perf_counter()
            found = kit.resolve_many([str(20_000_000 + turn * MANY + number) for number in range(MANY)])
            took.append((time.perf_counter() - began) / bound)
        assert all(isinstance(one, Embed) for one in found)
        questions, connections = counts(url)
        assert questions == MANY + 1
    gate = 1.10 if workers <= 16 else 1.15
    yield Row("E1", f"500 cold ids, {workers} workers / bound", quartiles(took), gate, 1.05)
    yield Row("E1", f"connections opened by {workers} workers", exactly(connections), workers, workers, unit="")


def shared(url: str, ids: int, first: int) -> int:
    """Return the number of upstream calls for 1,000 requests by 4 processes with 50 threads each."""
    with tempfile.TemporaryDirectory() as made:
        environment = {
            "EMBEDKIT_CACHE": f"sqlite:{Path(made) / 'cache.sqlite'}",
            "EMBEDKIT_SECRET": "s" * 40,
            "EMBEDKIT_OEMBED_ENDPOINT": f"{url}/oembed",
        }
        counts(url)
        command = [sys.executable, "-c", ASK, str(first), str(ids), "50", "5"]
        running = [subprocess.Popen(command, env=environment) for _ in range(4)]
        assert [one.wait(60) for one in running] == [0, 0, 0, 0], "not every request was answered"
        return counts(url)[0]


def rows() -> Iterator[Row]:
    """E1, E3 and E4."""
    with upstream() as url:
        for workers in (16, 32):
            yield from e1(url, workers)
        calls = shared(url, 1, 70_000_000)
        yield Row("E3", "upstream calls for 1,000 identical requests, 4 processes", exactly(calls), 1, 1, unit="")
        calls = shared(url, 50, 80_000_000)
        yield Row("E4", "upstream calls for 1,000 requests over 50 ids", exactly(calls), 50, 50, unit="")
