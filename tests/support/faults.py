"""The harness for fault tests: a kit and a service over a real socket, with clocks that a test can advance."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from embedkit import Embed, EmbedKit, EmbedKitError, Settings, create_app
from embedkit.freshness import DAY
from embedkit.transport.client import HttpTransport
from tests.support.faulty_upstream import Script, ok
from tests.support.oembed import load
from tests.support.tools import Clock

ID = "600100200"
TITLE = "Lighthouse keeper winds the lamp"
TIMEOUT_S = 0.6  # for one upstream call
ROUTES = (f"/oembed?url=https://gty.im/{ID}", f"/v1/embeds/{ID}", f"/embed/{ID}")
OK_HEAD = ("HTTP/1.1 200 OK", "Connection: close")


def oembed_body(**changes: Any) -> bytes:
    """Return an oEmbed response of Getty's with some values changed; None leaves a key out."""
    whole = load("modern-single") | changes
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def oembed_ok(**changes: Any) -> Script:
    """Respond correctly, then close the connection, so that the next request opens a new one."""
    body = oembed_body(**changes)

    def script(sock: Any, over: Any) -> bool:
        ok(body, headers=["Content-Type: application/json", "Connection: close"])(sock, over)
        return False

    return script


@dataclass
class Results:
    """The results of one library call and three requests to the service, made concurrently."""

    resolved: Embed | EmbedKitError
    statuses: list[int]
    codes: list[str]
    page: str
    headers: list[dict[str, str]] = field(repr=False)
    seconds: float = 0.0


class Harness:
    """A kit whose upstream is at a URL, and the service in front of it."""

    def __init__(self, url: str, *, verify: str | None = None, cache: str = "memory:", **rows: Any) -> None:
        self.clock, self.monotonic = Clock(time.time), Clock(time.monotonic)
        plain = {"oembed_endpoint": url, "cache": cache, "timeout": TIMEOUT_S, "rate_limit": "10000/second"}
        self.settings = Settings(**{**plain, **rows})
        transport = HttpTransport(
            timeout=self.settings.timeout,
            concurrency=self.settings.concurrency,
            verify=verify or True,
            clock=self.monotonic,
        )
        self.kit = EmbedKit(self.settings, clock=self.clock, transport=transport)
        self.app: Flask = create_app(kit=self.kit)

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, *_: object) -> None:
        self.kit.settle(2)
        self.kit.close()

    def advance(self, days: float) -> None:
        """Advance all clocks."""
        self.clock.ahead += days * DAY
        self.monotonic.ahead += days * DAY

    def resolve(self, ref: str = ID, **options: Any) -> Embed | EmbedKitError:
        try:
            return self.kit.resolve(ref, **options)
        except EmbedKitError as error:
            return error

    def get(self, path: str, **options: Any) -> Any:
        return self.app.test_client().get(path, **options)

    def request_all(self) -> Results:
        """Request the picture in every way at once."""
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            resolving = pool.submit(self.resolve)
            responses = list(pool.map(self.get, ROUTES))
            resolved = resolving.result()
        return Results(
            resolved,
            [response.status_code for response in responses],
            [response.get_json().get("code", "") for response in responses[:2]],
            responses[2].get_data(as_text=True),
            [dict(response.headers) for response in responses],
            time.monotonic() - began,
        )


def all_bytes(folder: Path) -> bytes:
    """Return the contents of all files in a folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
