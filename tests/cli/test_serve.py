"""``embedkit serve``: it stops gracefully, and idle or slow clients do not block others."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from embedkit.cli.server import MAX_PIPELINED, Server
from embedkit.web.response import ALWAYS
from embedkit.web.response_cache import READY_ONLY, NotReady
from tests.support.serve import (
    TIMEOUT_S,
    GatedUpstream,
    ServerProcess,
    gated_upstream,
    requesting,
    serve,
)

IDS = [f"6007008{number:02}" for number in range(8)]
PATHS = [f"/v1/embeds/{ref}" for ref in IDS]


def answer(_: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """The address of a server in a thread of this process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(answer, listening, threads=2, grace=1)
        thread = threading.Thread(target=server.run)
        thread.start()
        yield listening.getsockname()
        server.stop()
        thread.join(TIMEOUT_S)


@pytest.fixture(name="upstream")
def fixture_upstream() -> Iterator[GatedUpstream]:
    with gated_upstream() as made:
        yield made


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_is_in_flight_is_finished(upstream: GatedUpstream, number: int, code: int) -> None:
    with serve(upstream.url) as child:
        with requesting(child, PATHS) as answers:
            upstream.wait_for(8)
            child.send_signal(number)
            child.wait_until_closed()
            assert child.process.poll() is None
            upstream.open.set()
        assert [status for status, _ in answers] == [200] * 8
        assert all(ref.encode() in body for ref, (_, body) in zip(IDS, answers, strict=True))
        assert child.wait() == code
        assert "Traceback" not in child.stderr


def test_it_does_not_wait_longer_than_timeout(upstream: GatedUpstream) -> None:
    """Getty never answers: the calls end after TIMEOUT, and so does the service, having answered every client."""
    with serve(upstream.url, TIMEOUT="2") as child:
        with requesting(child, PATHS) as answers:
            upstream.wait_for(8)
            child.send_signal()
        assert [status for status, _ in answers] == [503] * 8
        assert child.wait() == 0


def test_a_second_signal_cuts_off(upstream: GatedUpstream) -> None:
    with serve(upstream.url) as child:
        client = socket.create_connection((child.host, child.port), timeout=TIMEOUT_S)
        client.sendall(f"GET {PATHS[0]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        upstream.wait_for(1)
        child.send_signal()
        child.wait_until_closed()
        child.send_signal()
        assert child.wait() == 0
        assert client.recv(100) == b""
        client.close()


def test_idle_connections_do_not_hold_up_the_end(upstream: GatedUpstream) -> None:
    with serve(upstream.url) as child, ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((child.host, child.port))) for _ in range(20)]
        for client in clients[:10]:  # these have been answered and are kept alive
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(20)
        child.send_signal()
        assert child.wait() == 0
        assert upstream.arrived.acquire(blocking=False) is False


def test_130_idle_connections_and_slow_ones_keep_nobody_out(upstream: GatedUpstream) -> None:
    upstream.open.set()
    with serve(upstream.url) as child, ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(socket.create_connection((child.host, child.port), timeout=TIMEOUT_S))
            beginning = (
                b"",
                b"GET /healthz HT",
                b"POST /v1/render HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
            )
            client.sendall(beginning[number % 3])
        assert child.get("/healthz")[0] == 200
        assert child.get(PATHS[0])[0] == 200


def test_a_header_that_is_too_long_is_refused(upstream: GatedUpstream) -> None:
    with serve(upstream.url) as child:
        assert child.get("/healthz", Cookie="c" * 20_000)[0] == 200
        assert child.get("/healthz", Cookie="c" * 60_000)[0] == 431


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % (b"x" * 60_000),
    ],
)
def test_rejections_by_waitress_have_our_headers(upstream: GatedUpstream, request_: bytes) -> None:
    with (
        serve(upstream.url) as child,
        socket.create_connection((child.host, child.port), timeout=TIMEOUT_S) as client,
    ):
        client.sendall(request_)
        answer = client.recv(65536).decode()
    assert answer.startswith(("HTTP/1.0 400", "HTTP/1.1 400", "HTTP/1.0 431", "HTTP/1.1 431"))
    for name, value in {**ALWAYS, "Cache-Control": "no-store"}.items():
        assert f"\r\n{name}: {value}\r\n" in answer


POST = b"POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
FRAMING = {
    "CL.TE": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "TE.CL": POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "two Hosts": POST + b"Host: y\r\n\r\n",
    "no Host": POST.replace(b"Host", b"X") + b"\r\n",
    "two in one": POST.replace(b"x", b"x, y") + b"\r\n",
    "user info": POST.replace(b"x", b"x@y") + b"\r\n",
    "a path": POST.replace(b"x", b"x/y") + b"\r\n",
    "a tag": POST.replace(b"x", b"<s>") + b"\r\n",
    "a chunk's size without end": POST + CHUNKED + b"\r\n" + b"0" * 20_000,
    "an extension without end": POST + CHUNKED + b"\r\n1;a=" + b"b" * 20_000,
    "trailers without end": POST + CHUNKED + b"\r\n0\r\nX: " + b"y" * 20_000,
}


@pytest.mark.parametrize("name", FRAMING)
def test_request_smuggling_is_refused_and_closes_the_connection(name: str) -> None:
    """Request smuggling: the rest of the connection is ignored."""
    with served() as place, socket.create_connection(place, timeout=TIMEOUT_S) as client:
        client.sendall(FRAMING[name] + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        with suppress(ConnectionResetError):  # the server did not read everything
            while data := client.recv(65536):
                got += data
    assert got[:12].endswith(b" 400")
    assert got.count(b"HTTP/1.") == 1


@pytest.mark.parametrize("host", [b"x", b"[::1]:80", b"xn--bcher-kva.example:8443", b""])
def test_hosts_that_are_one(host: bytes) -> None:
    with served() as place, socket.create_connection(place, timeout=TIMEOUT_S) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert b" 200 " in client.recv(20)


@pytest.mark.parametrize(("hops", "statuses"), [("1", [400, 400, 429]), ("0", [400, 429, 429])])
def test_a_trusted_proxy_names_the_client(upstream: GatedUpstream, hops: str, statuses: list[int]) -> None:
    """By default, waitress drops X-Forwarded-For; then all clients of the proxy would count as one."""
    with serve(upstream.url, TRUSTED_HOPS=hops, RATE_LIMIT="1/hour") as child:
        clients = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        assert [child.get("/oembed", **{"X-Forwarded-For": client})[0] for client in clients] == statuses


def test_the_demo_ends_in_order_too(upstream: GatedUpstream) -> None:
    import sys

    from tests.support.serve import environment

    command = [sys.executable, "-m", "embedkit", "demo", "--port", "0"]
    child = ServerProcess(command, environment(upstream.url), r"http://127\.0\.0\.1:([0-9]+)")
    try:
        child.send_signal(signal.SIGINT)
        assert child.wait() == 130
        assert "Interrupted." in child.stderr
        assert "Traceback" not in child.stderr
    finally:
        child.end()


# -- inside a thread -----------------------------------------------------------------------------------


def test_a_request_that_drips_is_cut_off_in_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(answer, listening, threads=2, grace=1, arrival=0.2)
        thread = threading.Thread(target=server.run)
        thread.start()
        with socket.create_connection(listening.getsockname(), timeout=TIMEOUT_S) as client:
            over = threading.Event()

            def drip() -> None:
                try:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
                    while not over.wait(0.05):
                        client.sendall(b"x")
                except OSError:
                    pass

            dripping = threading.Thread(target=drip)
            dripping.start()
            try:
                assert client.recv(10) == b""
            except ConnectionResetError:
                pass
            over.set()
            dripping.join(TIMEOUT_S)
        with socket.create_connection(listening.getsockname(), timeout=TIMEOUT_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in client.recv(1000)
        server.stop()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_connections_waiting_at_shutdown_are_served() -> None:
    """Connections that the kernel accepted before the signal, but the server has not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(answer, listening, threads=2, grace=TIMEOUT_S)
        clients = [socket.create_connection(listening.getsockname(), timeout=TIMEOUT_S) for _ in range(20)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.stop()
        thread = threading.Thread(target=server.run)
        thread.start()
        for client in clients:
            assert b"200 OK" in client.recv(1000)
            client.close()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_a_cached_response_needs_no_thread() -> None:
    """The only thread is busy, and yet responses arrive in the order of the requests."""
    begun, go = threading.Event(), threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"].encode()
        if path == b"/slow":
            if READY_ONLY in environ:
                raise NotReady
            begun.set()
            assert go.wait(TIMEOUT_S)
        start_response("200 OK", [("Content-Length", str(len(path)))])
        return [path]

    def ask(*paths: str) -> socket.socket:
        client = stack.enter_context(socket.create_connection(listening.getsockname(), timeout=TIMEOUT_S))
        client.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths).encode())
        return client

    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as stack:
        server = Server(app, listening, threads=1, grace=TIMEOUT_S, knows_ready_only=True)
        thread = threading.Thread(target=server.run)
        thread.start()
        mixed = ask("/ready", "/slow", "/after", "/slow", "/last")
        assert begun.wait(TIMEOUT_S)
        for _ in range(2):
            client = ask("/ready")
            assert client.recv(1000).endswith(b"/ready")
        go.set()
        got = b""
        while b"/last" not in got:
            got += mixed.recv(1000)
        bodies = [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"/ready", b"/slow", b"/after", b"/slow", b"/last"]
        server.stop()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


BAD_URLS = (
    b"http://[::1",
    b"http://[",
    b"http://]/docs",
    b"http://[x]/",
    b"http://a[b]c/",
    b"https://[::1]]:80/x",
)


@pytest.mark.parametrize("form", ["none", "text", "json"])
def test_a_malformed_url_is_refused(upstream: GatedUpstream, form: str) -> None:
    """Some crash waitress; its messages about others have the same format as all log lines."""
    with serve(upstream.url, "--log-format", form) as child:
        for url in BAD_URLS:
            for method in (b"GET", b"POST", b"OPTIONS"):
                with socket.create_connection((child.host, child.port), timeout=TIMEOUT_S) as client:
                    client.sendall(method + b" " + url + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert client.recv(1000)[9:12] in (b"400", b"404", b"200", b"405"), url
        assert child.get("/healthz")[0] == 200
        child.send_signal()
        assert child.wait() == 0
        lines = child.stderr.partition("embedkit-picker.js")[2].splitlines()[1:]  # after the greeting
    assert "uncaptured" not in child.stderr
    if form == "json":
        assert all(json.loads(line)["level"] for line in lines)
    if form == "none":
        assert lines == []


def test_a_full_queue_does_not_log_every_request(upstream: GatedUpstream) -> None:
    with serve(upstream.url, "--threads", "1", "--log-format", "json") as child:
        with ExitStack() as stack:
            for _ in range(30):
                client = stack.enter_context(socket.create_connection((child.host, child.port), timeout=TIMEOUT_S))
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            assert child.get("/healthz")[0] == 200
        child.send_signal()
        assert child.wait() == 0
    lines = [line for line in child.stderr.splitlines() if line.startswith("{")]
    assert {json.loads(line)["logger"] for line in lines} <= {"embedkit.access", "waitress"}
    assert "queue" not in child.stderr


STATIC = b"GET /static/embedkit-picker.js HTTP/1.1\r\nHost: x\r\n\r\n"


def test_unread_responses_keep_no_files_open(upstream: GatedUpstream) -> None:
    """20 clients request 160 files each in advance and read none; the process may open 256 files."""
    with serve(upstream.url) as child, ExitStack() as stack:
        resource.prlimit(child.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        for _ in range(20):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect((child.host, child.port))
            client.sendall(STATIC * 160)
        for _ in range(10):
            assert child.get("/healthz")[0] == 200
            assert child.get("/static/embedkit-picker.js")[0] == 200
        assert len(os.listdir(f"/proc/{child.process.pid}/fd")) < 128


def ahead(child: ServerProcess, count: int) -> int:
    """Return how many of several pipelined requests are answered; the last response closes the connection."""
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((child.host, child.port), timeout=TIMEOUT_S) as client:
        client.sendall(ask * (count - 1) + ask.replace(b"Host", b"Connection: close\r\nHost"))
        answered = b""
        with suppress(ConnectionResetError):  # the server did not read everything
            while got := client.recv(65536):
                answered += got
    return answered.count(b"HTTP/1.1 200")


def test_so_many_requests_may_be_sent_ahead(upstream: GatedUpstream) -> None:
    with serve(upstream.url) as child:
        assert [ahead(child, count) for count in (1, 2, MAX_PIPELINED)] == [1, 2, MAX_PIPELINED]
        assert ahead(child, 160) < 80  # plus those answered before the others are parsed
        assert child.get("/healthz")[0] == 200
