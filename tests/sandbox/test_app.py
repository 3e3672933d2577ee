"""The sandbox as a whole: in process and over a socket, its controls, its pages, and the fixtures for users."""

from __future__ import annotations

import doctest
import gzip
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, IncompleteRead
from importlib import import_module
from threading import Thread
from urllib.parse import quote, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit import EmbedKit
from embedkit.messages import Request
from embedkit.models import AssetRef
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxServer, SandboxTransport
from embedkit.sandbox.services.urls import sign
from tests.support.oembed import oembed_request, read
from tests.support.sandbox import (
    Get,
    in_process,
    oembed_path,
    over_http,
)

ANY = Sandbox()
STEADY = SandboxConfig(deterministic=True)
FRAME = f"/embed/74917285?et=x&sig={sign('sandbox', '74917285', 'et=x')}&caption=true"


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(STEADY) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        oembed_path(),
        oembed_path("https://gty.im/74917285,600000001", caption="true", tld="de", maxwidth="300"),
        oembed_path("https://gty.im/1"),
        oembed_path(format="xml"),
        "/oembed/?url=gty.im%2F74917285",
        "/oembed",
        FRAME,
        FRAME.replace("et=x", "et=y"),
        "/embed?assets=74917285,600000001&" + f"et=x&sig={sign('sandbox', '74917285,600000001', 'et=x')}",
        "/id/74917285/photo/a.jpg?s=170x170",
        "/id/74917285/photo/%C3%A9.jpg?s=170x170",
        "/widgets.js",
        "/embed-cms.js",
        "/static/frame.css",
        "/static/frame.js",
        "/static/../app.py",
        "/static/none.css",
        "/",
        "/?page=2",
        "/detail/74917285",
        "/detail/1",
        "/nowhere",
        "//",
    ],
)
def test_in_process_and_over_a_socket_are_the_same(server: SandboxServer, path: str) -> None:
    one, other = in_process(Sandbox(STEADY), server.url)(path), over_http(server.url)(path)
    headers = {name: text for name, text in other.headers.items() if name not in ("server", "date", "connection")}
    assert (one.status, one.headers, one.body) == (other.status, headers, other.body)


@pytest.mark.parametrize("generation", ["modern", "div"])
@pytest.mark.parametrize("items", [("74917285",), ("600000001", "sb10049172a-001", "74917285")])
@pytest.mark.parametrize("tld", ["com", "co.uk"])
def test_the_client_parses_the_sandboxs_responses(generation: str, items: tuple[str, ...], tld: str) -> None:
    with SandboxServer(SandboxConfig(generation=generation)) as running:
        here, ref = running.settings(), AssetRef(items)
        transport = SandboxTransport(running.app)
        response = transport.send(oembed_request(ref, here, tld=tld))
        embed = read(response, ref, here, tld=tld).embed
        assert embed.frame.items == items
        assert embed.thumbnail_url
        for address in (f"{here.frame_origin}{embed.frame.path(caption=True)}", embed.thumbnail_url):
            assert transport.send(Request(address, "oembed")).status == 200


@given(path=st.text(max_size=40), query=st.text(max_size=80))
@settings(deadline=None, max_examples=150)
def test_no_request_causes_a_server_error(path: str, query: str) -> None:
    for start in (
        "/oembed?",
        f"/oembed?url={quote(path)}&",
        f"/embed/{quote(path)}?",
        "/id/74917285/photo/a?",
        "/_sandbox/faults?",
    ):
        response = in_process(ANY)(start + quote(query, safe="&=%,"))
        assert response.status in (200, 400, 404, 501)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_methods(server: SandboxServer, method: str) -> None:
    for get in (in_process(Sandbox(STEADY)), over_http(server.url)):
        response = get(oembed_path(), method)
        assert response.status == (200 if method == "HEAD" else 405)
        if method == "HEAD":
            assert response.body == b""
            assert int(response.headers["content-length"]) > 1000
        else:
            assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br, GZIP;q=0.5", "gzip"),
        ("gzip;q=0, br", None),
        ("x-gzip", None),
        ("", None),
    ],
)
def test_gzip_for_clients_that_accept_it(server: SandboxServer, accepted: str, coding: str | None) -> None:
    plain, headers = over_http(server.url)(oembed_path()).body, {"Accept-Encoding": accepted}
    given = over_http(server.url)(oembed_path(), headers=headers)
    assert given.headers.get("content-encoding") == coding
    assert (gzip.decompress(given.body) if coding else given.body) == plain
    assert in_process(Sandbox(STEADY), server.url)(oembed_path(), headers=headers).body == plain
    assert "content-encoding" not in over_http(server.url)("/oembed", headers=headers).headers  # too short


CHUNKS = b"5;a=b\r\ngrant\r\n5\r\n_type\r\n0\r\nTrailer: x\r\n\r\n"


def test_chunked_request_bodies(server: SandboxServer) -> None:
    head = f"POST /oauth2/token HTTP/1.1\r\nHost: {server.url[7:]}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for body, known in ((CHUNKS, b"grant_type"), (b"-1\r\n", None), (b"ffffffff\r\nx", None), (b"x", None)):
        before = len(server.calls)
        address = "127.0.0.1", int(server.url.rpartition(":")[2])
        with (
            socket.create_connection(address, timeout=10) as client,
            suppress(OSError),
        ):  # an invalid body resets the connection
            client.sendall(head + body)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 ") if known else not answer
        assert [call.body for call in [*server.calls][before:]] == ([known] if known else [])


def test_connections_stay_open(server: SandboxServer) -> None:
    parts = urlsplit(server.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        seen = set()
        for _ in range(3):
            connection.request("GET", oembed_path())
            assert connection.getresponse().read()
            seen.add(id(connection.sock))
        assert len(seen) == 1
        assert connection.sock is not None
    finally:
        connection.close()


def test_concurrent_calls_are_counted() -> None:
    with SandboxServer() as running:
        get = over_http(running.url)
        threads = [Thread(target=lambda: [get(oembed_path()) for _ in range(10)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        get("/widgets.js")
        assert running.app.count() == 60
        assert running.app.counts() == {"oembed": 60, "widgets.js": 1}
        assert len(running.calls) == 61
        assert running.calls[0].params["caller"] == "example.org"
        running.app.forget()
        assert running.app.count() == 0


def test_takedowns() -> None:
    app = Sandbox()
    get = in_process(app)
    app.withdraw("74917285", "600000001", status=410)
    assert [get(oembed_path(f"gty.im/{one}")).status for one in ("74917285", "600000001", "600000002")] == [
        410,
        410,
        200,
    ]
    assert get("/id/74917285/photo/a.jpg").status == 404
    app.restore("74917285")
    assert [get(oembed_path(f"gty.im/{one}")).status for one in ("74917285", "600000001")] == [200, 410]


def test_controls_over_http(server: SandboxServer) -> None:
    get = over_http(server.url)
    server.app.forget()
    added = get("/_sandbox/faults?kind=status&status=502&count=2&route=oembed", "POST")
    assert json.loads(added.body)["faults"][0]["status"] == 502
    assert get(oembed_path()).status == 502
    assert json.loads(get("/_sandbox/calls").body)["calls"] == {"oembed": 1}
    assert get("/_sandbox/faults", "DELETE").status == 200
    assert get(oembed_path()).status == 200
    assert get("/_sandbox/assets/74917285?status=410", "DELETE").status == 200
    assert get(oembed_path()).status == 410
    assert get("/_sandbox/assets/74917285", "PUT").status == 200
    assert get(oembed_path()).status == 200
    get("/_sandbox/calls", "DELETE")
    assert json.loads(get("/_sandbox/faults").body) == {"faults": [], "calls": {}}


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/_sandbox/faults?kind=nonsense", "POST", 400),
        ("/_sandbox/faults?kind=status&status=x", "POST", 400),
        ("/_sandbox/faults?kind=status&odd=1", "POST", 400),
        ("/_sandbox/faults", "POST", 400),
        ("/_sandbox/faults?kind=drop&count=all", "POST", 200),
        ("/_sandbox/nothing", "GET", 404),
        ("/_sandbox", "GET", 404),
    ],
)
def test_invalid_controls(path: str, method: str, status: int) -> None:
    assert in_process(Sandbox())(path, method).status == status


def test_web_pages_can_not_use_the_controls() -> None:
    app = Sandbox()
    response = in_process(app)("/_sandbox/faults?kind=drop", "POST", {"Origin": "https://evil.example"})
    assert response.status == 403
    assert list(app.faults) == []


def test_the_catalogue_page() -> None:
    get: Get = in_process(Sandbox())
    first = get("/").body.decode()
    html5lib.HTMLParser(strict=True).parse(first)
    assert first.count("<li>") == 60
    assert "/detail/74917285" in first
    assert "not embeddable" in first
    assert get("/?page=2").body != first.encode()
    assert get("/?page=junk").body == first.encode()
    detail = get("/detail/500000666").body.decode()
    html5lib.HTMLParser(strict=True).parse(detail)
    assert "<script" not in detail
    assert "[getty 500000666]" in detail


def test_settings_point_to_the_sandbox(server: SandboxServer) -> None:
    settings = server.settings(timeout=2)
    assert settings.oembed_endpoint == f"{server.url}/oembed"
    assert settings.frame_origin == settings.api_base == server.url
    assert settings.widget_script == f"{server.url}/widgets.js"
    assert settings.token_url == f"{server.url}/oauth2/token"
    assert settings.image_origins == (server.url,)
    assert settings.timeout == 2


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("a machine without IPv6")
    with SandboxServer(host="::1") as running:
        assert running.url.startswith("http://[::1]:")
        with EmbedKit(running.settings(cache="memory:", secret="s" * 32)) as kit:
            assert kit.resolve("74917285").frame
            assert kit.api.image("74917285").id == "74917285"


def test_a_taken_port_is_an_error(server: SandboxServer) -> None:
    with pytest.raises(OSError, match="in use"):
        SandboxServer(port=urlsplit(server.url).port or 0)


def test_it_runs_under_any_wsgi_server() -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    app = Sandbox()
    app.faults.add("drop", count=1, item="600000009")
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as other:
        thread = Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            get = over_http(f"http://127.0.0.1:{other.server_port}")
            assert get(oembed_path()).status == 200
            with pytest.raises(IncompleteRead):
                get(oembed_path("gty.im/600000009"))
        finally:
            other.shutdown()
            thread.join()


def test_the_fixtures(embedkit_sandbox: SandboxServer) -> None:
    assert over_http(embedkit_sandbox.url)(oembed_path()).status == 200
    assert embedkit_sandbox.app.count() == 1


class TestAnotherEra:
    @pytest.fixture
    def embedkit_sandbox_config(self) -> SandboxConfig:
        return SandboxConfig(era="2014")

    def test_its_markup(self, embedkit_sandbox: SandboxServer) -> None:
        assert b"padding:150.379747% 0 49px 0" in over_http(embedkit_sandbox.url)(oembed_path()).body


def test_the_kit_uses_the_sandbox(embedkit_kit: EmbedKit, embedkit_sandbox: SandboxServer) -> None:
    assert embedkit_kit.resolve("74917285").width == 395
    assert embedkit_kit.resolve("74917285").photographer == "Ivo Lindqvist"
    assert embedkit_sandbox.app.count() == 1
    assert f"{embedkit_sandbox.url}/embed/74917285?et=" in embedkit_kit.html("74917285")


@pytest.mark.parametrize("module", ["against", "app", "faults", "server", "services.config"])
def test_the_examples_in_docstrings_run(module: str) -> None:
    failed, tried = doctest.testmod(import_module(f"embedkit.sandbox.{module}"))
    assert tried > 0
    assert failed == 0


def test_the_plugin_imports_nothing_at_start() -> None:
    script = (
        "import sys, embedkit.pytest_plugin; print(sorted(n for n in sys.modules if n.startswith('embedkit')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['embedkit', 'embedkit.pytest_plugin']"
