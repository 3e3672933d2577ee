"""Control Firefox over WebDriver BiDi (w3.org/TR/webdriver-bidi), which it supports without a separate driver."""

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
KEYS = {  # www.w3.org/TR/webdriver2, table of normalised key values
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Control": "\ue009",
    "Escape": "\ue00c",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
# No access to other machines, and no animations while axe checks a page.
PREFERENCES = 'user_pref("network.dns.disabled", true); user_pref("ui.prefersReducedMotion", 1);'


CENTER = """async (find) => {
  for (let last = ""; ; ) {
    const { x, y, width, height } = find().getBoundingClientRect();
    const center = [x + width / 2, y + height / 2];
    if (String(center) === last) return center;
    last = String(center);
    await new Promise(requestAnimationFrame);
  }
}"""


class Firefox:
    """A window of Firefox."""

    def __init__(self, socket: ClientConnection, width: int, height: int) -> None:
        self._socket = socket
        self._sent = 0
        self.send("session.new", capabilities={})
        self._window = self.send("browsingContext.getTree")["contexts"][0]["context"]
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
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
        """Open a page and wait until an expression is true; Firefox itself may wait forever if a frame fails."""
        self.send("browsingContext.navigate", context=self._window, url=url, wait="interactive")
        wait_until(lambda: bool(self.evaluate(ready)))

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression, awaiting promises; the value must be JSON-serializable."""
        value = f"(async () => JSON.stringify(await ({expression}) ?? null))()"
        answer = self.send("script.evaluate", expression=value, **self._here | {"awaitPromise": True})
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def run(self, script: str) -> None:
        """Run a script and ignore its value."""
        answer = self.send("script.evaluate", expression=f"{script}\n; null", **self._here)
        assert answer["type"] == "success", answer

    def expect(self, expression: str) -> None:
        """Wait until an expression is true."""
        wait_until(lambda: bool(self.evaluate(expression)), expression)

    def press(self, *keys: str) -> None:
        """Press keys in order, and release them in reverse."""
        values = [KEYS.get(key, key) for key in keys]
        down = [{"type": "keyDown", "value": value} for value in values]
        up = [{"type": "keyUp", "value": value} for value in reversed(values)]
        self._act({"type": "key", "id": "keys", "actions": down + up})

    def write(self, text: str) -> None:
        for letter in text:
            self.press(letter)

    def click(self, element: str, times: int = 1) -> None:
        """Click the center of an element once it is visible and no longer moves, scrolling to it if necessary."""
        self.expect(f"{element}?.checkVisibility()")
        self.run(f"{element}.scrollIntoView({{block: 'nearest'}})")
        x, y = map(int, self.evaluate(f"({CENTER})(() => {element})"))
        clicks = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")] * times
        self._act(
            {"type": "pointer", "id": "mouse", "actions": [{"type": "pointerMove", "x": x, "y": y}, *clicks]}
        )

    def _act(self, source: dict[str, Any]) -> None:
        self.send("input.performActions", context=self._window, actions=[source])

    @property
    def _here(self) -> dict[str, Any]:
        return {"target": {"context": self._window}, "awaitPromise": False}


@contextmanager
def firefox(profile: Path, width: int, height: int) -> Iterator[Firefox]:
    """Run Firefox with a profile folder; all its processes are killed at the end."""
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
    """Return the port, which Firefox writes to its profile when it starts listening."""
    path = profile / "WebDriverBiDiServer.json"
    wait_until(lambda: path.exists() and path.read_text("utf-8").endswith("}"))
    return int(json.loads(path.read_text("utf-8"))["ws_port"])


def wait_until(condition: Callable[[], bool], what: str = "ready") -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"Firefox timed out: {what}"
        time.sleep(0.05)
