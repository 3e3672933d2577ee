"""The client of the API v3 for tests: over scripts that misbehave, and over the sandbox with clocks that can be moved."""

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

PRODUCT: Any = {"product_type": "premiumaccess"}  # a picture of the sandbox has several agreements
CREDENTIALS = {"api_key": KEY, "api_secret": SECRET, "username": USER, "password": PASSWORD}
UNLIMITED_RATE = 10_000.0  # calls a second: the bucket is not what is tested
ID = "600100200"


def search_body(*ids: str, total: int | None = None, **more: Any) -> bytes:
    """A search answer with so many pictures."""
    images = [{"id": one, "title": f"Picture {one}"} for one in ids or (ID,)]
    return json.dumps({"result_count": total or len(images), "images": images, **more}).encode()


def token_body(access: str = "access-1", **more: Any) -> bytes:
    """What the token endpoint answers."""
    said = {"access_token": access, "token_type": "Bearer", "expires_in": "1800", **more}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def answer_and_close(body: bytes = b"", status: str = "200 OK", headers: tuple[str, ...] = ()) -> Script:
    """A proper answer on a connection that is then closed, so that no later request meets an end of it."""

    def script(sock: Any, over: Any) -> bool:
        ok(body, status, (*headers, "Connection: close"))(sock, over)
        return False

    return script


def downloads_api(upstream: Upstream, order: Script, id: str, history: bytes = b'{"downloads": []}') -> Script:
    """An API that offers one picture under one agreement: answers what is asked before an order, and then orders."""
    offer = {"product_type": "premiumaccess", "uri": f"{upstream.origin}/v3/downloads/images/{id}"}
    image = json.dumps({"images": [{"id": id, "largest_downloads": [offer]}]}).encode()

    def script(sock: Any, over: Any) -> bool:
        method, path, _ = upstream.requests[-1].split(" ", 2)
        if method == "POST":
            return order(sock, over)
        return answer_and_close(history if path.endswith("/downloadhistory") else image)(sock, over)

    return script


class Harness:
    """A kit whose API and token endpoint are at addresses of the test's, over real sockets."""

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
        """Time passes, by every clock that the kit can be given."""
        self.wall.ahead += seconds
        self.monotonic.ahead += seconds

    def endpoint(self, name: str = "api") -> dict[str, Any]:
        return self.kit.status()["upstream"].get(name, {})

    def error(self, act: Callable[[], object]) -> EmbedKitError:
        """The error of one call, which has to come within the time."""
        began = time.monotonic()
        try:
            answer = act()
        except EmbedKitError as error:
            assert time.monotonic() - began < self.settings.timeout + 1
            return error
        raise AssertionError(f"no error, but {answer!r}")


def in_process_kit(config: SandboxConfig | None = None, **rows: Any) -> tuple[EmbedKit, Sandbox]:
    """A kit over a sandbox without a socket, asked as Getty's own hosts."""
    app = Sandbox(config)
    kit = EmbedKit(
        Settings(**{"cache": "memory:", **CREDENTIALS, **rows}), transport=SandboxTransport(app), background=False
    )
    return kit, app


@contextmanager
def kit_over_http(
    config: SandboxConfig | None = None, *, api_rate: float = UNLIMITED_RATE, **rows: Any
) -> Iterator[tuple[EmbedKit, SandboxServer]]:
    """A kit over a sandbox on a port, which has its index already: under load that takes longer than a client waits."""
    index()
    with SandboxServer(config) as server:
        settings = server.settings(**{"cache": "memory:", **rows})
        transport = HttpTransport(timeout=settings.timeout, concurrency=settings.concurrency, api_rate=api_rate)
        with EmbedKit(settings, transport=transport) as kit:
            yield kit, server
