"""The number of large texts per client is limited, so that the health check and small requests still work."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from embedkit import EmbedKit, create_app
from embedkit.messages import Request, Response
from embedkit.sandbox import SandboxTransport
from embedkit.web.bulkhead import LARGE_BYTES, MAX_LARGE_TEXTS, LargeTextLimiter
from embedkit.web.errors import Refused
from tests.support.servers import serving
from tests.support.web import settings

LARGE = "a <" * LARGE_BYTES
ANY = 600_000_100
THREADS = MAX_LARGE_TEXTS + 2


class Gate:
    """A transport that responds once ``open`` is set."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        self.open = threading.Event()
        self._sandbox = SandboxTransport()

    def send(self, request: Request) -> Response:
        self.waiting.release()
        assert self.open.wait(timeout=60)
        return self._sandbox.send(request)


@pytest.fixture(name="gate")
def fixture_gate() -> Gate:
    return Gate()


@pytest.fixture(name="service")
def fixture_service(gate: Gate) -> Iterator[str]:
    with (
        EmbedKit(settings(timeout=60), transport=gate) as kit,
        serving(create_app(kit=kit), threads=THREADS) as url,
    ):
        yield url
        gate.open.set()


def post(service: str, content: str) -> tuple[int, dict[str, object], str | None]:
    body = json.dumps({"content": content}).encode()
    asked = urllib.request.Request(f"{service}/v1/render", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.load(answer), None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers["Retry-After"]


def test_large_texts_leave_threads_for_other_requests(service: str, gate: Gate) -> None:
    with ThreadPoolExecutor(20) as pool:
        held = [pool.submit(post, service, f"[getty {ANY + number}]{LARGE}") for number in range(MAX_LARGE_TEXTS)]
        for _ in held:
            assert gate.waiting.acquire(timeout=60)  # each fetches a different picture
        refused = [one.result(timeout=60) for one in [pool.submit(post, service, LARGE) for _ in range(17)]]
        with urllib.request.urlopen(f"{service}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert post(service, "small")[0] == 200
        assert not any(one.done() for one in held)
        assert {(status, body["code"], after) for status, body, after in refused} == {(429, "throttled", "1")}
        gate.open.set()
        assert [one.result(timeout=60)[0] for one in held] == [200] * MAX_LARGE_TEXTS
    assert post(service, LARGE)[0] == 200


def test_large_texts_are_counted_per_client_and_released() -> None:
    limiter = LargeTextLimiter(most=1)
    with (
        limiter.admit("a", None),
        limiter.admit("b", LARGE_BYTES + 1),
        limiter.admit("a", LARGE_BYTES),
        pytest.raises(Refused, match="Try again soon"),
        limiter.admit("a", LARGE_BYTES + 1),
    ):
        raise AssertionError("admitted")
    with suppress(ZeroDivisionError), limiter.admit("a", None):
        raise ZeroDivisionError
    with limiter.admit("a", None):
        assert limiter.in_progress.total() == 1
    assert limiter.in_progress.total() == 0
