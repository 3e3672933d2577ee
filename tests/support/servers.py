"""Real WSGI servers: waitress in a thread, others as processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.message import Message
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import waitress
from waitress import wasyncore

from tests.support.cli import without_settings
from tests.support.tools import ROOT

START_TIMEOUT_S = 60.0  # generous, for loaded machines


class Server:
    """A running server; ``lines`` are the lines it has written to stderr so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._process = process
        self._listening = threading.Event()
        self.url = ""
        threading.Thread(target=self._read, daemon=True).start()
        if not self._listening.wait(START_TIMEOUT_S):
            raise AssertionError("".join(self.lines))

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self.lines.append(line)
            if found := re.search(r"(?:Listening at|serves on):? (http://127\.0\.0\.1:[0-9]+)", line):
                self.url = found[1]
                self._listening.set()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (with names in lower case) and body of a response."""
        request = urllib.request.Request(
            self.url + path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, _lower(error.headers), error.read()

    def wait_for(self, text: str) -> list[str]:
        """Wait for a line that contains this text, and return all such lines."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if found := [line for line in self.lines if text in line]:
                return found
            time.sleep(0.02)
        raise AssertionError("".join(self.lines))


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def serving(app: Any, *, threads: int = 8, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve an application with waitress and yield its URL.

    The server's own loop closes its sockets; if another thread did, the loop would read from a closed socket.
    """
    listening = listening or socket.create_server(("127.0.0.1", 0))
    server: Any = waitress.create_server(app, sockets=[listening], threads=threads, ident=None)
    loop = threading.Thread(target=server.run, daemon=True)
    loop.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.task_dispatcher.shutdown()  # before the loop, which the threads notify when they finish
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        loop.join(timeout=START_TIMEOUT_S)


@contextmanager
def serving_tls(app: Callable[[str], Any], context: ssl.SSLContext) -> Iterator[str]:
    """Serve an application over TLS, which waitress doesn't support, and yield its URL.

    :param app: returns the application for a URL.
    """
    with make_server("127.0.0.1", 0, None) as server:  # type: ignore[arg-type]
        url = f"https://127.0.0.1:{server.server_port}"
        server.set_app(app(url))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        loop = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        loop.start()
        try:
            yield url
        finally:
            server.shutdown()
            loop.join(timeout=START_TIMEOUT_S)


@contextmanager
def running(command: list[str], environ: Mapping[str, str]) -> Iterator[Server]:
    """Run a server command in the project's root folder."""
    env = {**without_settings(os.environ), **environ}
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def gunicorn(folder: Path, environ: Mapping[str, str], *more: str) -> AbstractContextManager[Server]:
    """Run gunicorn with the example's configuration, which has two workers."""
    command = [sys.executable, "-m", "gunicorn", "-c", "examples/deploy/gunicorn.conf.py", "--bind", "127.0.0.1:0"]
    command += ["--worker-tmp-dir", str(folder), *more, "wsgi:app"]
    return running(command, environ)
