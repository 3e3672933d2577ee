"""Calls to an upstream that fails in every way a socket can: every fault ends soon, with one of our errors."""

from __future__ import annotations

import contextlib
import datetime
import errno
import gzip
import itertools
import logging
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from embedkit import __version__
from embedkit.errors import ConfigurationError, InvalidResponse, ProviderError, RateLimited, Unavailable
from embedkit.messages import Request, Response
from embedkit.transport import deadline
from embedkit.transport.client import HttpTransport
from embedkit.transport.deadline import Deadline, connect
from tests.support.faulty_upstream import (
    Script,
    Upstream,
    drip,
    flood,
    hang,
    ok,
    ok_after,
    reset,
    send,
)

pytestmark = pytest.mark.server

SHORT = 0.3  # seconds; for faults that last until the timeout
TIMEOUT = 5.0  # for all others: a busy machine is not a fault
MARGIN = 15.0  # seconds, half of the time that the upstream hangs: a busy machine is not a fault
OK = b'{"ok": true}'
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = HEAD + b"Content-Length: 100000\r\n\r\n"
CLOSE = HEAD + b"Connection: close\r\n\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"


class Net:
    """A transport that does not really sleep between attempts, and records how long it would have."""

    def __init__(self, timeout: float = TIMEOUT, **settings: object) -> None:
        self.pauses: list[float] = []
        self.timeout = timeout
        self.transport = HttpTransport(timeout=timeout, **settings, sleep=self.pauses.append, random=lambda: 0.0)

    def get(self, url: str, **fields: object) -> Response:
        return self.transport.send(Request(url, "oembed", **fields))


@pytest.fixture
def net() -> Iterator[Net]:
    net = Net()
    yield net
    net.transport.close()


@pytest.fixture
def impatient() -> Iterator[Net]:
    net = Net(SHORT)
    yield net
    net.transport.close()


def refusal(net: Net, upstream: Upstream, **fields: object) -> ProviderError:
    """Return the error of one call, which must be raised in time and contain nothing of the request."""
    began = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        net.get(upstream.url, **fields)
    assert time.monotonic() - began < net.timeout + MARGIN
    assert caught.value.__context__ is None
    cause = caught.value.__cause__  # the system's own error, with nothing of ours
    assert cause is None or type(cause).__module__ in ("builtins", "socket", "ssl")
    assert cause is None or (cause.__traceback__, cause.__context__, cause.__cause__) == (None, None, None)
    return caught.value


# -- requests and responses ----------------------------------------------------------------------------


def test_one_call(net):
    with Upstream(ok(OK, headers=["Content-Type: application/json", "X-Two: a", "x-two: b"])) as upstream:
        response = net.get(upstream.url, params=(("url", "https://gty.im/1"), ("caller", "a b")))
    assert (response.status, response.body) == (200, OK)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-two"] == "a, b"
    line, *lines = upstream.requests[0].split("\r\n")
    assert line == "GET /oembed?url=https%3A%2F%2Fgty.im%2F1&caller=a+b HTTP/1.1"
    assert sorted(lines) == sorted(
        [
            f"Host: 127.0.0.1:{upstream.port}",
            f"User-Agent: embedkit/{__version__}",
            "Accept: application/json",
            "Accept-Encoding: gzip",
            "",
            "",
        ]
    )


def test_a_form_is_sent_unchanged(net):
    with Upstream(ok()) as upstream:
        net.get(upstream.url, method="POST", headers={"accept": "*/*"}, body=b"grant_type=x")
    assert upstream.requests[0].startswith("POST /oembed HTTP/1.1\r\n")
    assert "accept: */*" in upstream.requests[0]
    assert "application/json" not in upstream.requests[0]
    assert "Content-Length: 12" in upstream.requests[0]


def test_gzip_and_chunks_are_decoded(net):
    packed = gzip.compress(OK)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    with Upstream(
        send(HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", chunked)
    ) as upstream:
        assert net.get(upstream.url).body == OK


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 410, 500, 501])
def test_these_statuses_are_returned_without_a_retry(net, status):
    with Upstream(ok(b"" if status == 204 else b"<p>", f"{status} X")) as upstream:
        assert net.get(upstream.url).status == status
    assert upstream.hits == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_these_statuses_are_retried_and_then_returned(net, status):
    with Upstream(ok(b"<p>busy", f"{status} X", ["Retry-After: 0"])) as upstream:
        response = net.get(upstream.url)
    assert (response.status, response.headers["retry-after"], upstream.hits) == (status, "0", 3)
    assert net.pauses == [pytest.approx(1.0 if status == 429 else 0.2, abs=0.1)] * 2  # 429 starts a cooldown


def test_a_service_that_recovers_during_retries(net):
    with Upstream(ok(status="503 X"), ok(status="503 X"), ok()) as upstream:
        assert net.get(upstream.url).status == 200
    assert upstream.hits == 3
    assert upstream.connections == 1


@pytest.mark.parametrize(
    ("said", "pauses"), [("2", [2.0, 2.0]), ("30", []), ("-1", [1.0, 1.0]), ("junk", [1.0, 1.0])]
)
def test_retry_after_is_respected_if_there_is_time(net, said, pauses):
    with Upstream(ok(status="429 X", headers=[f"Retry-After: {said}"])) as upstream:
        assert net.get(upstream.url).status == 429
    assert net.pauses == pytest.approx(pauses, abs=0.1)


class Slept:
    """A transport in which time only passes while it sleeps; ``meanwhile`` is called then."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.now, self.pauses, self.meanwhile = 0.0, [], meanwhile
        self.transport = HttpTransport(clock=lambda: self.now, sleep=self.sleep, random=lambda: 0.0)

    def sleep(self, seconds: float) -> None:
        self.meanwhile()
        self.pauses.append(seconds)
        self.now += seconds


def test_a_429_is_retried_after_its_cooldown():
    slept = Slept()
    with Upstream(ok(status="429 X")) as upstream:
        response = slept.transport.send(Request(upstream.url, "api"))
    assert (response.status, upstream.hits, slept.pauses) == (429, 3, [1.0, 2.0])
    assert response.cooldown == 4.0
    slept.transport.close()


def test_while_one_call_waits_for_a_retry_no_other_is_made():
    def others() -> None:
        with pytest.raises(RateLimited):
            slept.transport.send(Request(upstream.url, "api"))
        assert upstream.hits == 1

    slept = Slept(others)
    with Upstream(ok(status="429 X"), ok()) as upstream:
        response = slept.transport.send(Request(upstream.url, "api"))
    assert (response.status, response.cooldown, upstream.hits, slept.pauses) == (200, 0.0, 2, [1.0])
    slept.transport.close()


def test_of_several_calls_refused_at_once_one_is_retried(net):
    gate = threading.Barrier(4)

    def refused(sock: socket.socket, over: threading.Event) -> bool:
        gate.wait(5)
        return ok(status="429 X")(sock, over)

    answers: list[Response] = []
    with Upstream(*[refused] * 4, ok()) as upstream:
        running = [threading.Thread(target=lambda: answers.append(net.get(upstream.url))) for _ in range(4)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(10)
        assert sorted(answer.status for answer in answers) == [200, 429, 429, 429]
        assert upstream.hits == 5
    assert all(answer.cooldown > 0 for answer in answers if answer.status == 429)


def test_other_retries_respect_the_cooldown_too():
    slept = Slept()

    def busy(sock: socket.socket, over: threading.Event) -> bool:  # meanwhile another call is refused
        slept.transport.send(Request(throttled.url, "api", method="POST"))
        return ok(status="503 X")(sock, over)

    with Upstream(ok(status="429 X")) as throttled, Upstream(busy, ok()) as upstream:
        assert slept.transport.send(Request(upstream.url, "api")).status == 200
    assert slept.pauses == [1.0]
    slept.transport.close()


def test_no_pause_exceeds_the_timeout():
    now, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    transport = HttpTransport(timeout=1.5, clock=lambda: now[0], sleep=sleep, random=lambda: 0.75)
    with Upstream(ok(status="503 X")) as upstream:
        assert transport.send(Request(upstream.url, "oembed")).status == 503
    assert pauses == [0.8]
    assert upstream.hits == 2
    transport.close()


def test_only_get_is_retried(net):
    with Upstream(ok(status="503 X")) as upstream:
        assert net.get(upstream.url, method="POST", body=b"").status == 503
    assert upstream.hits == 1


def test_a_request_that_was_never_sent_may_be_retried(net):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable):
        net.get(f"http://127.0.0.1:{port}/oauth2/token", method="POST", body=b"")
    assert net.pauses == [0.2]


def test_a_daily_limit_is_not_retried(net):
    with Upstream(ok(status="429 X", headers=["X-Error-Detail: Account Over Rate Limit"])) as upstream:
        assert net.get(upstream.url).status == 429
    assert upstream.hits == 1


def test_retries_run_out(net):
    calls = 60
    with Upstream(ok(status="429 X")) as upstream:
        for _ in range(calls):
            net.get(upstream.url, batch=True)  # a batch waits for the end of the cooldown, here without sleeping
    assert calls + 10 <= upstream.hits <= calls + 10 + calls / 10


# -- faults -----------------------------------------------------------------------------------------------

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"

SLOW: list[tuple[str, Script]] = [
    ("hang before the head", hang()),
    ("hang in the head", hang(HEAD)),
    ("hang in the body", hang(LONG, b"{")),
    ("hang in a chunk", hang(CHUNKED, b"5\r\n{")),
    ("slow head", drip(HEAD + b"X: ", b"a")),
    ("slow headers", drip(HEAD, b"X: a\r\n", 0.05)),
    ("slow body", drip(LONG, b"a")),
    ("endless small chunks", drip(CHUNKED, b"1\r\na\r\n")),
    ("slow chunk size", drip(CHUNKED, b"0")),
    ("slow trailer", drip(CHUNKED + b"0\r\n", b"X: a\r\n")),
    ("slow 100", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
]

CUT: list[tuple[str, Script]] = [
    ("closed at accept", send()),
    ("reset at accept", reset()),
    ("reset in the body", reset(LONG, b"{")),
    ("reset in the head", reset(b"HTTP/1.1 200")),
    ("cut in a chunk", send(CHUNKED, b"5\r\n{")),
    ("cut between chunks", send(CHUNKED, b"1\r\n{\r\n")),
    ("Content-Length too long", send(LONG, b"{}")),
    ("junk for a chunk size", send(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n")),
]

INVALID: list[tuple[str, Script]] = [
    ("no HTTP at all", send(b"SSH-2.0-X\r\n")),
    ("status 42", send(b"HTTP/1.1 42 X\r\n\r\n")),
    ("status 999", ok(status="999 X")),
    ("status 101", send(b"HTTP/1.1 101 X\r\n\r\n")),
    ("status 304", send(b"HTTP/1.1 304 X\r\n\r\n")),
    ("status 300", ok(status="300 X")),
    ("100 without end", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 5000)),
    ("2,000 headers", flood(HEAD, b"X: a\r\n", 2000)),
    ("a header of 200 KB", flood(HEAD + b"X: ", b"a" * 1000, 200)),
    ("folded headers of 200 KB", flood(HEAD + b"X: a\r\n", b" " + b"a" * 1000 + b"\r\n", 200)),
    ("NUL in a header", send(WHOLE + b"X: a\0b\r\n\r\n{}")),
    ("negative Content-Length", send(HEAD + b"Content-Length: -2\r\n\r\n{}")),
    ("junk Content-Length", send(HEAD + b"Content-Length: two\r\n\r\n{}")),
    ("two Content-Lengths", send(WHOLE + b"Content-Length: 3\r\n\r\n{}")),
    ("one Content-Length twice", send(WHOLE + b"Content-Length: 2\r\n\r\n{}")),
    ("negative chunk size", flood(CHUNKED + b"-1\r\n", b"a" * 10_000, 1000)),
    ("more negative chunk size", flood(CHUNKED + b"-5\r\n", b"a" * 10_000, 10)),
    ("endless trailer", flood(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n" * 1000, 1000)),
    ("endless chunks", flood(CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n", 1000)),
    ("truncated gzip", send(GZIP, gzip.compress(OK)[:-4])),
    ("broken gzip", send(GZIP, gzip.compress(OK)[:12] + b"\xff" * 20)),
    ("no gzip", send(GZIP, OK)),
    ("deflate", send(CLOSE.replace(b"Conn", b"Content-Encoding: deflate\r\nConn"), zlib.compress(OK)[2:])),
]


@pytest.mark.parametrize(("name", "script"), SLOW, ids=[row[0] for row in SLOW])
def test_an_answer_that_is_too_late_is_an_error(impatient, name, script):
    with Upstream(script) as upstream:
        assert type(refusal(impatient, upstream)) is Unavailable
    assert upstream.hits == 1


@pytest.mark.parametrize(("name", "script"), CUT, ids=[row[0] for row in CUT])
def test_a_call_without_any_answer_is_retried_once(net, name, script):
    with Upstream(script) as upstream:
        assert type(refusal(net, upstream)) is Unavailable
    assert upstream.hits == 2


@pytest.mark.parametrize(("name", "script"), INVALID, ids=[row[0] for row in INVALID])
def test_an_invalid_answer_is_an_error(net, name, script):
    with Upstream(script) as upstream:
        error = refusal(net, upstream)
    assert type(error) is InvalidResponse
    assert upstream.hits == 1


def test_many_slow_calls_leave_no_thread_behind(impatient):
    before = threading.active_count()
    with Upstream(drip(HEAD, b"X: a\r\n")) as upstream:
        threads = [threading.Thread(target=refusal, args=(impatient, upstream)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert threading.active_count() == before


def test_a_content_length_that_is_too_short_does_not_affect_the_next_answer(net):
    with Upstream(send(WHOLE + b"\r\n{}HTTP/1.1 200 OK\r\n\r\nsmuggled", keep=True), ok()) as upstream:
        assert net.get(upstream.url).body == b"{}"
        assert net.get(upstream.url).body == OK


def interim(status: str) -> Script:
    """Return a response that identifies its request, a moment after an interim one (RFC 9110, section 15.2)."""
    questions = itertools.count(1)

    def script(sock, over):
        number = next(questions)
        sock.sendall(f"HTTP/1.1 {status}\r\nLink: </style.css>; rel=preload\r\n\r\n".encode())
        over.wait(0.1)
        return ok(b'{"question": %d}' % number)(sock, over)

    return script


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "199 Who knows"])
def test_an_interim_response_is_skipped(net, status):
    with Upstream(interim(status)) as upstream:
        assert [net.get(upstream.url).body for _ in range(3)] == [b'{"question": %d}' % one for one in (1, 2, 3)]
    assert upstream.connections == 1


def test_switching_protocols_is_refused(net):
    with Upstream(interim("101 Switching Protocols")) as upstream:
        assert [type(refusal(net, upstream)) for _ in range(2)] == [InvalidResponse] * 2
    assert upstream.connections == 2


def test_a_truncated_answer_is_retried(net):
    with Upstream(send(LONG, b"{"), ok()) as upstream:
        assert net.get(upstream.url).body == OK


def zeros(megabytes: int) -> bytes:
    squeeze = zlib.compressobj(1, wbits=31)
    parts = [squeeze.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join([*parts, squeeze.flush()])


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("declared", flood(HEAD + b"Content-Length: 500000000\r\n\r\n", bytes(1 << 16), 7600)),
        ("not declared", flood(CLOSE, bytes(1 << 16), 7600)),
        ("chunked", flood(CHUNKED, b"10000\r\n" + bytes(1 << 16) + b"\r\n", 7600)),
        ("chunk size -1", flood(CHUNKED + b"-1\r\n", bytes(1 << 16), 7600)),
        ("gzip bomb", send(GZIP, zeros(100))),
        ("gzip bomb in a redirect", send(b"HTTP/1.1 302 X\r\n" + GZIP[len(HEAD) :], zeros(100))),
    ],
)
def test_half_a_gigabyte_is_not_held_in_memory(net, name, script):
    with Upstream(script) as upstream:
        tracemalloc.start()
        try:
            error = refusal(net, upstream)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
    assert type(error) is InvalidResponse


def test_the_size_limit_is_that_of_the_request(net):
    with Upstream(ok(b"a" * 1000)) as upstream:
        assert len(net.get(upstream.url, max_bytes=1000).body) == 1000
        assert isinstance(refusal(net, upstream, max_bytes=999), InvalidResponse)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, 80), st.binary(max_size=6)).map(
            lambda cut: (WHOLE + b"Content-Type: a/b\r\n\r\n{}")[: cut[0]] + cut[1] + WHOLE[cut[0] :]
        ),
    )
)
@hypothesis_settings(deadline=None, max_examples=80)
def test_noise_gives_a_response_or_one_of_our_errors(noise):
    net = Net()
    with Upstream(send(noise)) as upstream, contextlib.suppress(ProviderError):
        assert net.get(upstream.url).status in range(200, 600)
    net.transport.close()


# -- connecting ---------------------------------------------------------------------------------------------


def test_a_host_name_that_does_not_exist(impatient):
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        impatient.get("https://embedkit-test.invalid/oembed")
    assert time.monotonic() - began < SHORT + MARGIN
    assert isinstance(caught.value.__cause__, socket.gaierror | TimeoutError | None)


def test_a_resolver_that_does_not_answer(impatient, monkeypatch):
    over = threading.Event()

    def stuck(*_: object, **__: object) -> None:
        over.wait(60)
        raise socket.gaierror("over")

    monkeypatch.setattr(socket, "getaddrinfo", stuck)  # a resolver can't be made to hang for one process
    began = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            impatient.get("http://localhost:1/oembed")
        assert time.monotonic() - began < SHORT + MARGIN
    finally:
        over.set()


def test_a_port_that_refuses_connections(net):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        net.get(f"http://127.0.0.1:{port}/oembed")
    assert net.pauses == [0.2]
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert caught.value.__cause__.errno == errno.ECONNREFUSED


def test_a_full_backlog_swallows_connections(impatient):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(address)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            impatient.get(f"http://127.0.0.1:{address[1]}/oembed")
        assert time.monotonic() - began < SHORT + MARGIN
        for sock in crowd:
            sock.close()


def test_a_timeout_never_exceeds_the_deadline():
    now = [100.0]
    deadline = Deadline(105.0, lambda: now[0])
    assert deadline.timeout(3.0) == 3.0
    now[0] = 104.5
    assert deadline.timeout(3.0) == 0.5
    now[0] = 106.0
    assert deadline.left() == 0.0
    with pytest.raises(TimeoutError):
        deadline.timeout(3.0)


def test_a_dead_address_leaves_time_for_the_others(monkeypatch):
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as dead,
        socket.create_server(("127.0.0.1", 0)) as alive,
    ):
        crowd = [socket.socket() for _ in range(4)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(dead.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", one.getsockname()) for one in (dead, alive)
        ]  # like a name whose IPv6 address is dead
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with connect("two.example", 443, Deadline(time.monotonic() + 0.6, time.monotonic)) as sock:
            assert sock.getpeername() == alive.getsockname()
        for sock in crowd:
            sock.close()


class Far:
    """Hosts that answer on demand: a socket that is never read from accepts no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, places: int, answers: dict[int, int]) -> None:
        self.ours: list[socket.socket] = []
        self._theirs: list[socket.socket] = []
        self._answers = answers  # after how many attempts which of them answers
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", number)) for number in range(places)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(deadline, "_begin", self._begin)

    def _begin(self, *_: object) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.ours.append(ours)
        self._theirs.append(theirs)
        with suppress(BlockingIOError):
            while True:
                ours.send(bytes(1 << 16))
        if (answered := self._answers.get(len(self.ours))) is not None:
            theirs = self._theirs[answered]
            theirs.setblocking(False)
            with suppress(BlockingIOError):
                while theirs.recv(1 << 16):
                    pass
        return ours

    def close(self) -> None:
        for sock in (*self.ours, *self._theirs):
            sock.close()


def test_a_distant_host_with_many_addresses_has_time_to_answer(monkeypatch):
    far = Far(monkeypatch, places=12, answers={3: 0})
    monkeypatch.setattr(deadline, "STAGGER_S", 0.01)
    with connect("twelve.example", 443, Deadline(time.monotonic() + 20, time.monotonic)) as sock:
        assert sock is far.ours[0]
        assert all(other.fileno() == -1 for other in far.ours[1:])
    far.close()


def test_hosts_that_never_answer_end_with_the_timeout(monkeypatch):
    far = Far(monkeypatch, places=3, answers={})
    monkeypatch.setattr(deadline, "CONNECT_TIMEOUT_S", 0.1)
    monkeypatch.setattr(deadline, "STAGGER_S", 0.01)
    with pytest.raises(TimeoutError):
        connect("three.example", 443, Deadline(time.monotonic() + 20, time.monotonic))
    assert [sock.fileno() for sock in far.ours] == [-1] * 3
    far.close()


@pytest.mark.parametrize(
    ("families", "tried"), [("", ""), ("4", "4"), ("6664", "6466"), ("4466", "4646"), ("64444", "64444")]
)
def test_address_families_alternate(families, tried):
    found = [(family, (number,)) for number, family in enumerate(families)]
    assert "".join(family for family, _ in deadline._alternating(found)) == tried


def test_an_unsupported_address_family_is_skipped(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as alive:
        found = [(99, socket.SOCK_STREAM, 6, "", ("x",)), (socket.AF_INET, 1, 6, "", alive.getsockname())]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with connect("two.example", 443, Deadline(time.monotonic() + 5, time.monotonic)) as sock:
            assert sock.getpeername() == alive.getsockname()


# -- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def secure(verify: str | bool = True, proxy: str = "") -> Net:
    net = Net()
    net.transport = HttpTransport(timeout=TIMEOUT, verify=verify, proxy=proxy, sleep=net.pauses.append)
    return net


def test_a_valid_certificate(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    net = secure(str(tmp_path / "ca.pem"))
    with Upstream(ok(), tls=tls(authority.issue_cert("127.0.0.1"))) as upstream:
        assert net.get(upstream.url).body == OK
        assert net.get(upstream.url).body == OK
    assert upstream.connections == 1
    net.transport.close()


YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.mark.parametrize("fault", ["expired", "wrong host", "another authority"])
def test_a_bad_certificate_is_not_retried(authority, tmp_path, fault, caplog):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = {
        "expired": lambda: authority.issue_cert("127.0.0.1", not_after=YESTERDAY),
        "wrong host": lambda: authority.issue_cert("elsewhere.example"),
        "another authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
    }[fault]()
    net = secure(str(tmp_path / "ca.pem"))
    with Upstream(ok(), tls=tls(certificate)) as upstream:
        assert type(refusal(net, upstream)) is Unavailable
    assert (upstream.hits, upstream.connections, net.pauses) == (0, 1, [])
    assert "certificate" in caplog.text
    net.transport.close()


def test_the_environment_adds_no_authority(authority, tmp_path, monkeypatch):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    net = secure()
    with Upstream(ok(), tls=tls(authority.issue_cert("127.0.0.1"))) as upstream:
        assert type(refusal(net, upstream)) is Unavailable
    assert upstream.hits == 0


class Proxy:
    """A proxy that passes every CONNECT to one address, or refuses it, and records it."""

    def __init__(self, port: int, refusal: bytes = b"") -> None:
        self.asked: list[str] = []
        self._port, self._refusal = port, refusal
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._through, args=(client,), daemon=True).start()

    def _through(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.decode())
        if self._refusal:
            client.sendall(self._refusal)
            client.close()
            return
        with client, socket.create_connection(("127.0.0.1", self._port)) as upstream:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pump, args=(upstream, client))
            back.start()
            self._pump(client, upstream)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        for one in (source, sink):  # which also wakes up the other direction
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture(name="behind")
def fixture_behind(authority, tmp_path):
    """An upstream that can only be reached through a proxy, and a transport that uses one."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    @contextmanager
    def behind(refusal: bytes = b"", user: str = "") -> Iterator[tuple[Net, Upstream, Proxy]]:
        with (
            Upstream(ok(), tls=tls(authority.issue_cert("getty.invalid"))) as upstream,
            Proxy(int(upstream.origin.rsplit(":", 1)[1]), refusal) as proxy,
        ):
            net = secure(str(tmp_path / "ca.pem"), proxy=f"http://{user}{proxy.address}")
            yield net, upstream, proxy
            net.transport.close()

    return behind


def test_getty_is_called_through_the_proxy(behind):
    with behind() as (net, upstream, proxy):
        for _ in range(2):
            assert net.get("https://getty.invalid/oembed", headers={"Api-Key": "key-1"}).body == OK
        assert (len(proxy.asked), upstream.connections, upstream.hits) == (1, 1, 2)
        assert proxy.asked[0].startswith("CONNECT getty.invalid:443 HTTP/1.")
        assert "key-1" not in proxy.asked[0]


def test_only_the_proxy_gets_its_credentials(behind):
    with behind(user="ada:pass%20word@") as (net, upstream, proxy):
        assert net.get("https://getty.invalid/oembed").body == OK
        assert "Proxy-Authorization: Basic YWRhOnBhc3Mgd29yZA==" in proxy.asked[0]
        assert "Proxy-Authorization" not in str(upstream.requests)


def test_the_error_of_a_proxy_names_its_setting(behind):
    for answer in (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 No\r\n\r\n"):
        with behind(answer, user="ada:canary@") as (net, upstream, _):
            with pytest.raises(Unavailable) as caught:
                net.get("https://getty.invalid/oembed")
            assert "EMBEDKIT_PROXY" in str(caught.value)
            assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
            assert upstream.hits == 0


def test_loopback_is_called_directly(behind):
    with behind() as (net, _, proxy), Upstream(ok()) as near:
        assert net.get(near.url).body == OK
        assert proxy.asked == []


def test_the_proxies_of_the_environment_are_not_used(authority, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    net = secure(str(tmp_path / "ca.pem"))
    with Upstream(ok(), tls=tls(authority.issue_cert("127.0.0.1"))) as upstream:
        assert net.get(upstream.url).body == OK
    net.transport.close()


@pytest.mark.parametrize("verify", [False, None, "", "no/such/bundle.pem"])
def test_certificate_checks_cannot_be_turned_off(verify):
    with pytest.raises(ConfigurationError):
        HttpTransport(verify=verify)


def test_a_handshake_that_never_ends(impatient):
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            impatient.get(f"https://127.0.0.1:{server.getsockname()[1]}/oembed")
        assert time.monotonic() - began < SHORT + MARGIN


# -- redirects ----------------------------------------------------------------------------------------------


def moved(location: str, status: int = 302) -> Script:
    return ok(b"", f"{status} X", [f"Location: {location}"])


LOCAL = {"hosts": frozenset({"127.0.0.1", "localhost"})}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_oembed_does_not_follow_redirects(net, status):
    with Upstream(moved("/oembed2", status), ok()) as upstream:
        assert type(refusal(net, upstream, **LOCAL)) is InvalidResponse
    assert upstream.hits == 1


def test_a_redirect_loop_ends_at_the_limit(net):
    with Upstream(moved("/oembed")) as upstream:
        assert type(refusal(net, upstream, redirects=2, **LOCAL)) is InvalidResponse
    assert upstream.hits == 3


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.1:{own}@127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "//127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@127.0.0.1:{own}/",
        "file:///etc/hostname",
    ],
)
def test_no_redirect_leads_to_another_service(net, location):
    with Upstream(ok()) as sentinel, Upstream() as upstream:
        upstream.scripts = (moved(location.format(port=sentinel.port, own=upstream.port)),)
        assert type(refusal(net, upstream, redirects=2, **LOCAL)) is InvalidResponse
    assert sentinel.connections == 0


@pytest.mark.parametrize(
    "head", [b"", b"Location: \r\n", b"Location: /a\r\nLocation: /b\r\n", b"Location: /a\0\r\n"]
)
def test_a_redirect_to_nowhere(net, head):
    with Upstream(send(b"HTTP/1.1 302 X\r\n", head, b"\r\n")) as upstream:
        assert type(refusal(net, upstream, redirects=2, **LOCAL)) is InvalidResponse
    assert upstream.hits == 1


def test_keys_are_only_sent_to_their_host(net):
    secret = {"Api-Key": "key-1", "authorization": "Bearer token-1", "Accept-Language": "de"}
    with Upstream() as upstream:
        upstream.scripts = (moved("/other"), moved(f"http://localhost:{upstream.port}/third"), ok())
        assert net.get(upstream.url, redirects=2, headers=secret, **LOCAL).body == OK
    first, second, third = upstream.requests
    assert "key-1" in first
    assert "token-1" in first
    assert "key-1" in second
    assert "key-1" not in third
    assert "token-1" not in third
    assert "Accept-Language: de" in third


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_only_get_is_redirected(net, status):
    with Upstream(moved("/other", status), ok()) as upstream:
        assert type(refusal(net, upstream, method="POST", redirects=2, **LOCAL)) is InvalidResponse
    assert upstream.hits == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_returned_to_a_caller_that_wants_it(net, method, status):
    with Upstream(moved("https://evil.example/a\\b", status)) as upstream:
        response = net.get(upstream.url, method=method, follow_redirects=False, redirects=2, **LOCAL)
        assert (response.status, response.headers["location"]) == (status, "https://evil.example/a\\b")
    assert upstream.hits == 1


def test_other_statuses_are_not_returned_as_redirects(net):
    with Upstream(ok(status="304 X")) as upstream:
        assert type(refusal(net, upstream, follow_redirects=False)) is InvalidResponse


# -- into a sink --------------------------------------------------------------------------------------------


class Sink:
    """Counts what it receives; can be told to fail."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.total: int | None = -1
        self.pieces: list[bytes] = []
        self.error = error

    def begin(self, total: int | None) -> None:
        self.total, self.pieces = total, []

    def write(self, piece: bytes) -> None:
        if self.error:
            raise self.error
        self.pieces.append(piece)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


BIG = bytes(range(256)) * 1000


def test_a_body_is_passed_on_in_pieces(net):
    sink = Sink()
    with Upstream(ok(BIG, headers=["Content-Type: image/jpeg"])) as upstream:
        response = net.get(upstream.url, sink=sink, max_bytes=len(BIG))
        assert (response.status, response.body, response.headers["content-type"]) == (200, b"", "image/jpeg")
        assert net.get(upstream.url, sink=Sink(), max_bytes=len(BIG)).status == 200
    assert (sink.body, sink.total) == (BIG, len(BIG))
    assert max(map(len, sink.pieces)) <= 16 * 1024
    assert upstream.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        send(CLOSE, BIG),
        send(CHUNKED, b"%x\r\n%s\r\n0\r\n\r\n" % (len(BIG), BIG)),
        send(GZIP, gzip.compress(BIG)),
        ok(gzip.compress(BIG), headers=["Content-Encoding: gzip"]),
    ],
)
def test_an_unknown_length_is_none(net, script):
    sink = Sink()
    with Upstream(script) as upstream:
        net.get(upstream.url, sink=sink, max_bytes=len(BIG))
    assert (sink.body, sink.total) == (BIG, None)


def test_an_error_text_instead_of_a_file_is_a_response(net):
    sink = Sink()
    with Upstream(ok(b"gone", "404 X")) as upstream:
        assert net.get(upstream.url, sink=sink, max_bytes=10**9).body == b"gone"
    assert (sink.total, sink.pieces) == (-1, [])


@pytest.mark.parametrize(
    "script",
    [
        ok(b"a" * 65_537, "404 X"),
        send(b"HTTP/1.1 404 X\r\n\r\n", b"a" * 1_000_000),
        ok(gzip.compress(b"a" * 50_000_000), "404 X", ["Content-Encoding: gzip"]),
    ],
)
def test_only_the_beginning_of_a_long_error_text_is_read(net, script):
    with Upstream(script) as upstream:
        for _ in range(2):  # on another connection: the rest of the response is not the next one
            response = net.get(upstream.url, sink=Sink(), max_bytes=10**9)
            assert (response.status, response.body) == (404, b"a" * 65_536)
        assert upstream.hits == 2


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (ok(b"a" * 1001), InvalidResponse),
        (send(CLOSE, b"a" * 1001), InvalidResponse),
        (send(GZIP, zeros(1)), InvalidResponse),
        (ok(status="503 X"), None),
        (ok(status="429 X"), None),
    ],
)
def test_a_sink_is_begun_once(net, script, kind):
    with Upstream(script) as upstream:
        if kind is None:
            assert net.get(upstream.url, sink=Sink(), max_bytes=1000).status in (429, 503)
        else:
            assert type(refusal(net, upstream, sink=Sink(), max_bytes=1000)) is kind
    assert upstream.hits == 1


@pytest.mark.parametrize(
    "script",
    [
        send(HEAD + b"Content-Length: 900\r\n\r\n", b"{"),
        reset(HEAD + b"Content-Length: 900\r\n\r\n", b"{"),
        send(CHUNKED, b"5\r\n{"),
        send(),
        hang(HEAD + b"Content-Length: 900\r\n\r\n", b"{"),
        hang(),
    ],
)
def test_a_sink_is_begun_again_if_the_connection_breaks(net, script, monkeypatch):
    monkeypatch.setattr("embedkit.transport.client.FILE_READ_TIMEOUT_S", 0.2)
    with Upstream(script, ok(BIG)) as upstream:
        sink = Sink()
        net.get(upstream.url, sink=sink, max_bytes=len(BIG))
        assert (sink.body, sink.total, upstream.hits) == (BIG, len(BIG), 2)
    with Upstream(script) as upstream:
        assert type(refusal(net, upstream, sink=Sink(), max_bytes=len(BIG))) is Unavailable
        assert upstream.hits == 2
        refusal(net, upstream, sink=Sink(), method="POST", body=b"")
        assert upstream.hits == 3


def test_a_body_with_too_large_a_content_length_is_not_begun(net):
    sink = Sink()
    with Upstream(ok(b"a" * 1001)) as upstream:
        refusal(net, upstream, sink=sink, max_bytes=1000)
    assert sink.total == -1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("x"), TimeoutError("mine")])
def test_an_error_of_the_sink_is_raised_unchanged(net, error):
    with Upstream(ok(BIG)) as upstream:
        for _ in range(6):
            with pytest.raises(type(error)) as caught:
                net.get(upstream.url, sink=Sink(error), max_bytes=len(BIG))
            assert caught.value is error
        assert upstream.hits == 6
    assert net.transport.state()["oembed"]["breaker"] == "closed"


def test_half_a_gigabyte_passes_through_a_sink(net):
    class Count(Sink):
        def write(self, piece: bytes) -> None:
            self.taken = getattr(self, "taken", 0) + len(piece)

    sink, head = Count(), HEAD + b"Content-Length: %d\r\n\r\n" % (1 << 29)
    with Upstream(flood(head, bytes(1 << 16), 1 << 13)) as upstream:
        tracemalloc.start()
        try:
            net.get(upstream.url, sink=sink, max_bytes=1 << 30, timeout=60.0)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
    assert sink.taken == 1 << 29


@pytest.mark.parametrize("seconds", [0.2, None])
def test_a_request_can_have_its_own_timeout(impatient, seconds):
    head = HEAD + b"Content-Length: 40\r\n\r\n"
    with Upstream(drip(head, b"ab", 0.03)) as upstream:
        assert len(impatient.get(upstream.url, timeout=10.0).body) == 40
        began = time.monotonic()
        with pytest.raises(Unavailable):
            impatient.get(upstream.url, timeout=seconds)
        assert time.monotonic() - began < SHORT + MARGIN


# -- nothing is remembered, nothing is taken from the environment ----------------------------------------------


def test_cookies_are_not_kept(net):
    with Upstream(ok(headers=["Set-Cookie: a=b; Path=/"])) as upstream:
        net.get(upstream.url)
        net.get(upstream.url)
    assert not any("cookie" in request.lower() for request in upstream.requests)


def test_proxies_and_netrc_are_not_used(tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login reader password letmein\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Upstream(ok()) as proxy, Upstream(ok()) as upstream:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        net = Net()
        assert net.get(upstream.url).body == OK
        net.transport.close()
    assert proxy.connections == 0
    assert "authorization" not in upstream.requests[0].lower()


@pytest.mark.parametrize("key", ["key\r\nX: 1", "key\n", " key", "kéy€"])
def test_a_key_that_cannot_be_sent_is_not_repeated(net, key):
    with Upstream(ok()) as upstream, pytest.raises(ConfigurationError) as caught:
        net.get(upstream.url, headers={"Api-Key": key})
    assert upstream.connections == 0
    seen = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in seen.stack if "/tests/" not in frame.filename]
    assert key not in f"{caught.value}{caught.value.__context__!r}"
    assert not [frame for frame in ours if repr(key) in str(frame.locals) or key.strip() in str(frame.locals)]


def test_the_log_is_one_line_without_secrets(net, caplog):
    caplog.set_level(logging.DEBUG, logger="embedkit")
    with Upstream(ok(status="404 X"), send(b"HTTP/1.1 200 O\x1b[31m\r\nX: \0\r\n\r\n")) as upstream:
        fields = {"headers": {"Api-Key": "key-1"}, "params": (("q", "line\r\nbreak"),)}
        net.get(upstream.url, **fields)
        refusal(net, upstream, **fields)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("oembed 127.0.0.1: 404 in ")
    assert first.endswith("ms, tries: 1")
    for line in (first, second):
        assert line.isprintable()
        assert "key-1" not in line
        assert len(line) < 1024


def test_a_request_does_not_show_its_secrets():
    request = Request("https://api.example", "api", headers={"Api-Key": "key-1"}, body=b"password=pw-1")
    assert "key-1" not in repr(request)
    assert "pw-1" not in repr(request)


# -- many callers -----------------------------------------------------------------------------------------------


def test_connections_are_reused_by_all_threads():
    net = Net(concurrency=4)
    with Upstream(ok()) as upstream:
        threads = [threading.Thread(target=lambda: [net.get(upstream.url) for _ in range(10)]) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert upstream.hits == 120
    assert upstream.connections <= 4
    net.transport.close()


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


def waiting(net: Net, number: int) -> bool:
    return until(lambda: net.transport.state().get("oembed", {}).get("waiting") == number)


def test_too_many_callers_are_refused_but_a_batch_may_wait():
    net = Net(timeout=10, concurrency=1)
    free = threading.Event()
    answers: list[Response] = []
    with Upstream(ok_after(free)) as upstream:

        def ask(batch: bool) -> None:
            answers.append(net.get(upstream.url, batch=batch))

        threads = [threading.Thread(target=ask, args=(number > 32,)) for number in range(40)]
        for thread in threads[:33]:
            thread.start()
        assert waiting(net, 32)
        with pytest.raises(Unavailable) as caught:
            net.get(upstream.url)
        assert caught.value.retry_after == 1.0
        for thread in threads[33:]:
            thread.start()
        assert waiting(net, 39)
        with pytest.raises(Unavailable):
            net.get(upstream.url, batch=True, patience=0.01)
        assert waiting(net, 39)
        free.set()
        for thread in threads:
            thread.join(10)
    assert len(answers) == upstream.hits == 40
    net.transport.close()


def test_waiting_in_our_queue_is_not_the_services_fault():
    now = [0.0]
    net = Net()
    net.transport = HttpTransport(timeout=5, concurrency=1, clock=lambda: now[0], sleep=lambda _: None)
    free = threading.Event()
    with Upstream(ok_after(free), reset()) as upstream:
        first = threading.Thread(target=net.get, args=(upstream.url,))
        late = [
            threading.Thread(target=pytest.raises, args=(Unavailable, net.get, upstream.url)) for _ in range(6)
        ]
        first.start()
        assert until(lambda: upstream.hits == 1)
        for thread in late:
            thread.start()
        assert waiting(net, 6)
        now[0] += 4
        free.set()
        for thread in [first, *late]:
            thread.join(5)
        assert upstream.hits > 6
    assert net.transport.state()["oembed"]["breaker"] == "closed"
    net.transport.close()


def test_a_dead_endpoint_does_not_affect_the_others():
    now = [0.0]
    transport = HttpTransport(clock=lambda: now[0], sleep=lambda _: None, random=lambda: 0.5)
    with Upstream(*[ok(status="500 X")] * 5, ok()) as upstream:
        for _ in range(5):
            assert transport.send(Request(upstream.url, "oembed")).status == 500
        assert transport.state()["oembed"]["breaker"] == "open"
        with pytest.raises(Unavailable) as caught:
            transport.send(Request(upstream.url, "oembed"))
        assert caught.value.retry_after == 30.0
        assert upstream.hits == 5
        assert transport.send(Request(upstream.url, "api")).status == 200
        now[0] += 30
        assert transport.send(Request(upstream.url, "oembed")).status == 200
    assert {name: one["breaker"] for name, one in transport.state().items()} == {
        "oembed": "closed",
        "api": "closed",
    }
    transport.close()


@pytest.mark.parametrize("script", [ok(status="404 X"), ok(status="403 X"), send(b"nonsense\r\n\r\n")])
def test_refusals_do_not_open_the_breaker(net, script):
    with Upstream(script) as upstream:
        for _ in range(12):
            with contextlib.suppress(InvalidResponse):
                net.get(upstream.url)
    assert upstream.hits == 12
    assert net.transport.state()["oembed"]["breaker"] == "closed"


def test_network_failures_open_the_breaker(net):
    with Upstream(reset()) as upstream:
        for _ in range(5):
            refusal(net, upstream)
        hits = upstream.hits
        assert refusal(net, upstream).retry_after == pytest.approx(24.0, abs=1)
        assert upstream.hits == hits


@pytest.mark.parametrize("batch", [False, True])
def test_api_calls_are_paced(batch):
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    transport = HttpTransport(timeout=2.0, clock=lambda: now[0], sleep=sleep)
    with Upstream(ok()) as upstream:
        api, oembed = Request(upstream.url, "api", batch=batch), Request(upstream.url, "oembed")
        transport.send(Request(upstream.url, "token", batch=batch))  # to Getty, a call like any other
        for _ in range(3):
            transport.send(api)
        assert slept == []
        for _ in range(8):
            transport.send(oembed)
        for _ in range(3):
            transport.send(api)
        assert slept == [0.25] * 3
    transport.close()


def test_a_caller_without_a_turn_in_time_gets_a_retry_time():
    now = [0.0]
    transport = HttpTransport(timeout=2.0, clock=lambda: now[0], sleep=lambda _: None)
    with Upstream(ok()) as upstream:
        for _ in range(8):  # without sleeping: the turns of the first second are taken
            transport.send(Request(upstream.url, "api"))
        with pytest.raises(RateLimited) as caught:
            transport.send(Request(upstream.url, "api"))
        assert caught.value.retry_after == 1.25
        assert upstream.hits == 8
        assert transport.state()["api"] == {"breaker": "closed", "waiting": 0}
        for _ in range(20):
            assert transport.send(Request(upstream.url, "api", batch=True)).status == 200
        now[0] += 7
        assert transport.send(Request(upstream.url, "api")).status == 200
    transport.close()


FORK = """
    import os, sys
    from embedkit.messages import Request
    from embedkit.transport.client import HttpTransport

    request = Request(sys.argv[1], "oembed")
    with_parent = HttpTransport(timeout=5)
    assert with_parent.send(request).status == 200
    if not (child := os.fork()):
        os._exit(0 if with_parent.send(request).status == 200 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert with_parent.send(request).status == 200
    with_parent.close()
"""


def test_a_fork_gets_its_own_connections():
    with Upstream(ok()) as upstream:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(FORK), upstream.url],
            timeout=20,
            capture_output=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
    assert done.returncode == 0, done.stderr.decode()
    assert (upstream.hits, upstream.connections) == (3, 2)
