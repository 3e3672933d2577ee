"""``python -m tests.bench.soak [SECONDS]``: a service at 70 % of its capacity, while its upstream is unstable.

``embedkit serve`` runs over a sandbox that is alternately healthy, down, slow and sending garbage. For ten
seconds, clients send as many requests as the service can handle, then 70 % of that rate. Nine of ten are for one
of 500 pictures, the others for new ones. It uses loopback only, and stops automatically.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from embedkit.sandbox.server import SandboxServer

CLIENTS = 8
LOAD = 0.7
PHASE_S = 15.0
KNOWN = [str(600_000_000 + number) for number in range(500)]
PHASES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"kind": "status", "status": 503},
    None,
    {"kind": "delay", "seconds": 1.0},
    None,
    {"kind": "not-json"},
    None,
    {"kind": "drop"},
)


@contextmanager
def service(upstream: str, folder: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``embedkit serve``, and yield its process and port."""
    settings = {"CACHE": f"sqlite:{folder}/cache", "RATE_LIMIT": "9999999/minute", "COLD_LIMIT": "9999999/minute"}
    env = os.environ | {f"EMBEDKIT_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "embedkit", "serve", "--port", "0", "--upstream", upstream]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr or ():
            if found := re.search(r"http://127\.0\.0\.1:([0-9]+)", line):
                threading.Thread(target=list, args=(process.stderr,), daemon=True).start()
                yield process, int(found[1])
                break
    finally:
        process.terminate()
        print("ended with", process.wait(30))


def flap(sandbox: SandboxServer, over: threading.Event) -> None:
    """Switch from one phase to the next."""
    for fault in cycle(PHASES):
        sandbox.app.faults.clear()
        if fault:
            sandbox.app.faults.add(count=None, **fault)
        if over.wait(PHASE_S):
            return


class Load:
    """Clients that request pictures, at a total ``rate`` per second, or as fast as the service responds."""

    def __init__(self, port: int, seconds: float, rate: float = 0.0) -> None:
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []
        self._port, self._pause = port, CLIENTS / rate if rate else 0.0
        self._end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, number: int) -> None:
        chance, due = random.Random(number), time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while time.monotonic() < self._end:
            picture = chance.choice(KNOWN) if chance.random() < 0.9 else str(600_001_000 + chance.randrange(10**7))
            began = time.monotonic()
            connection.request("GET", f"/v1/embeds/{picture}")
            answer = connection.getresponse()
            answer.read()
            self.times.append(time.monotonic() - began)
            self.statuses[answer.status] += 1
            due = max(due + self._pause, began)
            time.sleep(max(0.0, due - time.monotonic()))


def usage(pid: int) -> str:
    """Return the memory and file descriptors used by a process (Linux)."""
    memory = re.search(r"VmRSS:\s*([0-9]+)", Path(f"/proc/{pid}/status").read_text("ascii"))
    return f"{int(memory[1]) // 1024 if memory else 0} MiB, {len(os.listdir(f'/proc/{pid}/fd'))} descriptors"


def main(seconds: float) -> None:
    over = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxServer() as sandbox,
        service(sandbox.url, folder) as (process, port),
    ):
        most = Load(port, 10.0)
        rate = len(most.times) / 10.0
        print(f"at most {rate:.0f} requests a second; {usage(process.pid)}", flush=True)
        flapping = threading.Thread(target=flap, args=(sandbox, over))
        flapping.start()
        load = Load(port, seconds, rate * LOAD)
        times = sorted(load.times)
        shown = ", ".join(f"{name} {times[int(len(times) * part)] * 1000:.1f} ms" for name, part in PARTS)
        print(f"{len(times)} requests in {seconds:.0f} s: {dict(load.statuses)}; {shown}; {usage(process.pid)}")
        over.set()
        flapping.join()


PARTS = (("p50", 0.5), ("p99", 0.99), ("longest", 0.999999))

if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0)
