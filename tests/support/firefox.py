"""Firefox over WebDriver BiDi (w3.org/TR/webdriver-bidi), which it speaks without a driver: a page, and what is in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.tools import need

WAIT_S = 60
PREFERENCES = 'user_pref("network.dns.disabled", true);'  # it reaches this machine and nothing else


class Firefox:
    """A window of Firefox."""

    def __init__(self, socket: ClientConnection, width: int, height: int) -> None:
        self._socket = socket
        self._sent = 0
        self.send("session.new", capabilities={})
        self._window = self.send("browsingContext.getTree")["contexts"][0]["context"]
        self.send("browsingContext.setViewport", context=self._window, viewport={"width": width, "height": height})

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv(WAIT_S))).get("id") != self._sent:
            pass  # an event
        assert answer["type"] == "success", answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str, ready: str) -> None:
        """A page, once an expression is true in it. Firefox itself may wait for ever where frames fail."""
        self.send("browsingContext.navigate", context=self._window, url=url, wait="interactive")
        wait_until(lambda: bool(self.evaluate(ready)))

    def evaluate(self, expression: str) -> Any:
        """A value that JSON can hold."""
        target = {"context": self._window}
        asked = {"expression": f"JSON.stringify({expression})", "target": target, "awaitPromise": False}
        answer = self.send("script.evaluate", **asked)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])


@contextmanager
def firefox(profile: Path, width: int, height: int) -> Iterator[Firefox]:
    """Firefox with this folder for its profile, ended with all its processes."""
    profile.joinpath("user.js").write_text(PREFERENCES, "utf-8")
    command = [
        need("firefox-esr"),
        "--headless",
        "--no-remote",
        "--profile",
        profile,
        "--remote-debugging-port",
        "0",
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            with connect(f"ws://127.0.0.1:{_port(profile)}/session", max_size=None) as socket:
                yield Firefox(socket, width, height)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _port(profile: Path) -> int:
    """Firefox writes it into its profile when it listens."""
    path = profile / "WebDriverBiDiServer.json"
    wait_until(lambda: path.exists() and path.read_text("utf-8").endswith("}"))
    return int(json.loads(path.read_text("utf-8"))["ws_port"])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "Firefox is not ready"
        time.sleep(0.05)
