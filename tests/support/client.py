"""Kits for tests of the API v3 client: over scripted upstreams, with clocks to advance, and over the sandbox."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from embedkit import EmbedKit, EmbedKitError, Settings
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxServer, SandboxTransport
from embedkit.sandbox.services.auth import KEY, PASSWORD, SECRET, USER
from embedkit.sandbox.services.ranking import index
from embedkit.transport.client import HttpTransport
from tests.support.faulty_upstream import Script, Upstream, ok
from tests.support.tools import Clock

PRODUCT: Any = {"product_type": "premiumaccess"}  # pictures in the sandbox have several agreements
CREDENTIALS = {"api_key": KEY, "api_secret": SECRET, "username": USER, "password": PASSWORD}
UNLIMITED_RATE = 10_000.0  # calls per second, so that client-side throttling does not interfere
ID = "600100200"


def search_body(*ids: str, total: int | None = None, **more: Any) -> bytes:
    """Return a search response with these pictures."""
    images = [{"id": id, "title": f"Picture {id}"} for id in ids or (ID,)]
    return json.dumps({"result_count": total or len(images), "images": images, **more}).encode()


def token_body(access: str = "access-1", **more: Any) -> bytes:
    """Return a response of the token endpoint; None leaves a field out."""
    fields = {"access_token": access, "token_type": "Bearer", "expires_in": "1800", **more}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def answer_and_close(body: bytes = b"", status: str = "200 OK", headers: tuple[str, ...] = ()) -> Script:
    """Respond correctly, then close the connection, so that no later request is sent on a closed one."""

    def script(sock: Any, over: Any) -> bool:
        ok(body, status, (*headers, "Connection: close"))(sock, over)
        return False

    return script


def downloads_api(upstream: Upstream, order: Script, id: str, history: bytes = b'{"downloads": []}') -> Script:
    """Respond like an API with one picture under one agreement; ``order`` responds to the download request."""
    offer = {"product_type": "premiumaccess", "uri": f"{upstream.origin}/v3/downloads/images/{id}"}
    image = json.dumps({"images": [{"id": id, "largest_downloads": [offer]}]}).encode()

    def script(sock: Any, over: Any) -> bool:
        method, path, _ = upstream.requests[-1].split(" ", 2)
        if method == "POST":
            return order(sock, over)
        return answer_and_close(history if path.endswith("/downloadhistory") else image)(sock, over)

    return script


class Harness:
    """A kit with given API and token URLs, over real sockets, with clocks that a test can advance."""

    def __init__(
        self,
        api: str,
        token_url: str = "http://127.0.0.1:9/oauth2/token",
        *,
        sleep: Callable[[float], None] | None = None,
        verify: str | None = None,
        api_rate: float = UNLIMITED_RATE,
        monotonic: Clock | None = None,
        **rows: Any,
    ) -> None:
        self.wall, self.monotonic = Clock(time.time), monotonic or Clock(time.monotonic)
        self.pauses: list[float] = []
        plain = {
            "api_base": api,
            "token_url": token_url,
            "image_origins": (api,),
            "api_key": "key-1",
            "cache": "memory:",
        }
        self.settings = Settings(**{**plain, **rows})
        self.transport = HttpTransport(
            timeout=self.settings.timeout,
            concurrency=self.settings.concurrency,
            verify=verify or True,
            api_rate=api_rate,
            clock=self.monotonic,
            sleep=sleep or self.pauses.append,
            random=lambda: 0.0,
        )
        self.kit = EmbedKit(self.settings, transport=self.transport, clock=self.wall)
        self.api = self.kit.api

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, *_: object) -> None:
        self.kit.close()

    def advance(self, seconds: float) -> None:
        """Advance all clocks."""
        self.wall.ahead += seconds
        self.monotonic.ahead += seconds

    def endpoint(self, name: str = "api") -> dict[str, Any]:
        """Return the state of an upstream endpoint, such as its circuit breaker."""
        return self.kit.status()["upstream"].get(name, {})

    def error(self, act: Callable[[], object]) -> EmbedKitError:
        """Return the error that a call raises, which must be within the timeout."""
        began = time.monotonic()
        try:
            result = act()
        except EmbedKitError as error:
            assert time.monotonic() - began < self.settings.timeout + 1
            return error
        raise AssertionError(f"no error, but {result!r}")


def in_process_kit(config: SandboxConfig | None = None, **rows: Any) -> tuple[EmbedKit, Sandbox]:
    """Return a kit and its sandbox, in process, under the names of Getty's own hosts."""
    app = Sandbox(config)
    kit = EmbedKit(
        Settings(**{"cache": "memory:", **CREDENTIALS, **rows}), transport=SandboxTransport(app), background=False
    )
    return kit, app


@contextmanager
def kit_over_http(
    config: SandboxConfig | None = None, *, api_rate: float = UNLIMITED_RATE, **rows: Any
) -> Iterator[tuple[EmbedKit, SandboxServer]]:
    """Yield a kit and its sandbox server."""
    index()  # under load, building it takes longer than a client's timeout
    with SandboxServer(config) as server:
        settings = server.settings(**{"cache": "memory:", **rows})
        transport = HttpTransport(timeout=settings.timeout, concurrency=settings.concurrency, api_rate=api_rate)
        with EmbedKit(settings, transport=transport) as kit:
            yield kit, server
