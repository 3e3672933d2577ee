"""``embedkit serve`` as a process, an upstream that responds on demand, and concurrent clients.

The process starts with default signal handlers, even if the tests' parent process ignores signals (as nohup does).
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from embedkit.cli.server import Server
from embedkit.sandbox import Sandbox
from tests.support.tools import ROOT, WITH_SIGNALS

TIMEOUT_S = 60  # for anything that a test waits for; not a measurement


class GatedUpstream:
    """A sandbox over HTTP whose responses wait until ``open`` is set; ``arrived`` counts the requests."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._server = Server(self._app, self._listening, threads=32, grace=1)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def _app(self, environ: Any, start_response: Any) -> Iterator[bytes]:
        self.arrived.release()
        start_response("200 OK", [("Content-Type", "application/json")])
        end = time.monotonic() + TIMEOUT_S
        while not self.open.wait(0.3) and time.monotonic() < end:
            yield b" "  # keeps the client from timing out; leading whitespace is valid in JSON
        yield from self.sandbox(environ, lambda *_: lambda data: None)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=TIMEOUT_S), "a request is missing"

    def close(self) -> None:
        self.open.set()
        self._server.stop()
        self._thread.join(TIMEOUT_S)
        self._listening.close()


@contextmanager
def gated_upstream() -> Iterator[GatedUpstream]:
    made = GatedUpstream()
    try:
        yield made
    finally:
        made.close()


class ServerProcess:
    """A server process and its URL."""

    def __init__(self, command: list[str], environ: dict[str, str], says: str) -> None:
        self.process = subprocess.Popen(
            [*WITH_SIGNALS, *command],
            cwd=ROOT,
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(says, line):
                break
        else:
            raise AssertionError("".join(self.lines))
        self.host, self.port = "127.0.0.1", int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def wait_for_line(self, words: str) -> None:
        end = time.monotonic() + TIMEOUT_S
        while words not in self.stderr:
            assert time.monotonic() < end, self.stderr
            time.sleep(0.02)

    @property
    def stderr(self) -> str:
        return "".join(self.lines)

    def send_signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return code

    def wait_until_closed(self) -> None:
        """Wait until the server accepts no new connections."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            try:
                socket.create_connection((self.host, self.port), timeout=5).close()
            except OSError:
                return
            time.sleep(0.02)
        raise AssertionError("the server still accepts connections")

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        assert self.process.stderr is not None
        self.process.stderr.close()


def environment(upstream: str, **rows: str) -> dict[str, str]:
    """Return the environment of a service with a given upstream, without the developer's own settings."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDKIT_")}
    ours = {
        "OEMBED_ENDPOINT": f"{upstream}/oembed",
        "FRAME_ORIGIN": upstream,
        "CACHE": "memory:",
        "SECRET": "s" * 40,
        "RATE_LIMIT": "100000/minute",
        "TIMEOUT": "40",
    }
    python_path = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return plain | python_path | {f"EMBEDKIT_{name}": value for name, value in (ours | rows).items()}


@contextmanager
def serve(upstream: str, *arguments: str, **rows: str) -> Iterator[ServerProcess]:
    """Run ``embedkit serve`` on a free port."""
    command = [sys.executable, "-m", "embedkit", "serve", "--port", "0", *arguments]
    child = ServerProcess(command, environment(upstream, **rows), r"http://127\.0\.0\.1:([0-9]+)")
    try:
        yield child
    finally:
        child.end()


@contextmanager
def requesting(child: ServerProcess, paths: list[str]) -> Iterator[list[Any]]:
    """Request paths concurrently; the yielded list has the responses after the block."""
    answers: list[Any] = []
    with ThreadPoolExecutor(len(paths)) as pool:
        pending = [pool.submit(child.get, path) for path in paths]
        yield answers
        answers += [future.result(TIMEOUT_S) for future in pending]
