"""Every way in which the oEmbed endpoint can fail, for the library and the service, over real sockets.

Each fault is tried with an empty cache, with an old copy, and with recovery.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import socket
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from embedkit import Embed, InvalidResponse, NotEmbeddable, NotFound, ProviderError, Unavailable
from embedkit.errors import QuotaExhausted, RateLimited, Unauthorized
from tests.support.faults import (
    ID,
    TIMEOUT_S,
    TITLE,
    Harness,
    Results,
    oembed_body,
    oembed_ok,
)
from tests.support.faulty_upstream import (
    Script,
    Upstream,
    drip,
    flood,
    hang,
    ok,
    reset,
    send,
)
from tests.support.oembed import load

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = HEAD + b"Content-Length: 100000\r\n\r\n"
CLOSE = HEAD + b"Connection: close\r\n\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
BODY = oembed_body()
MARGIN = 15.0  # seconds, half as long as the upstream hangs, since a busy machine is not a fault


@dataclass(frozen=True)
class Fault:
    """A fault, the resulting error, and the fate of a copy that is three days old."""

    name: str
    script: Script
    error: type[ProviderError]
    keeps: bool = True


def refused(status: str, body: bytes = b"", *headers: str) -> Script:
    return ok(body, status, headers)


def page(words: str) -> bytes:
    return f"<!DOCTYPE html><title>{words}</title><h1>{words}</h1>".encode()


def bomb(megabytes: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join([*(squeeze.compress(bytes(1 << 20)) for _ in range(megabytes)), squeeze.flush()])


def with_length(length: str) -> Script:
    return send(HEAD, f"Content-Length: {length}\r\nConnection: close\r\n\r\n".encode(), BODY)


DOUBLE = BODY.replace(b'{"type"', b'{"html": "<b>one</b>", "type"')
SECONDS, DAILY = b'{"message": "Account Over Queries Per Second Limit"}', b'{"message": "Account Over Rate Limit"}'
DENIED = b"<H1>Access Denied</H1>You don't have permission to access this.<P>Reference&#32;&#35;18&#46;1a2b"
DETAIL = "X-Error-Detail: Account Over Queries Per Second Limit"

FAULTS = [
    Fault("3 closed at accept", send(), Unavailable),
    Fault("3 reset at accept", reset(), Unavailable),
    Fault("4 hang before the head", hang(), Unavailable),
    Fault("5 hang in the body", hang(LONG, BODY[:200]), Unavailable),
    Fault("6 slow head", drip(HEAD + b"X: ", b"a"), Unavailable),
    Fault("7 slow body", drip(LONG, b"a"), Unavailable),
    Fault("8 slow chunks without end", drip(CHUNKED, b"1\r\na\r\n"), Unavailable),
    Fault("8 quick chunks without end", flood(CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n", 500), InvalidResponse),
    Fault("9 reset in the body", reset(LONG, BODY[:200]), Unavailable),
    Fault("9 cut in a chunk", send(CHUNKED, b"fff\r\n", BODY[:200]), Unavailable),
    Fault("9 Content-Length too long", send(LONG, BODY), Unavailable),
    Fault("10 Content-Length too short", with_length("200"), InvalidResponse),
    Fault("10 Content-Length negative", with_length("-1"), InvalidResponse),
    Fault("10 Content-Length junk", with_length("many"), InvalidResponse),
    Fault("10 Content-Length doubled", with_length("200\r\nContent-Length: 300"), InvalidResponse),
    Fault("11 500 MB", flood(HEAD + b"Content-Length: 500000000\r\n\r\n", bytes(1 << 16), 7600), InvalidResponse),
    Fault("12 gzip bomb", send(GZIP, bomb(100)), InvalidResponse),
    Fault("13 truncated gzip", send(GZIP, gzip.compress(BODY)[:-6]), InvalidResponse),
    Fault("13 broken gzip", send(GZIP, gzip.compress(BODY)[:40] + b"\xff" * 40), InvalidResponse),
    Fault("13 bad deflate", send(GZIP.replace(b"gzip", b"deflate"), b"\x00\x01"), InvalidResponse),
    Fault("15 redirect to itself", refused("302 X", b"", "Location: /oembed"), InvalidResponse),
    Fault("17 redirect to a file", refused("302 X", b"", "Location: file:///etc/hostname"), InvalidResponse),
    Fault("17 redirect to nowhere", refused("301 X"), InvalidResponse),
    Fault("17 redirect with a line break", send(b"HTTP/1.1 302 X\r\nLocation: /a\rX: b\r\n\r\n"), InvalidResponse),
    Fault("18 400", refused("400 X", b'{"message": "Invalid URL"}'), InvalidResponse),
    Fault("19 401", refused("401 X", b'{"message": "Unauthorized"}'), Unauthorized),
    Fault("19 401 page", refused("401 X", page("Log in")), Unavailable),
    Fault("20 403 too many a second, by header", refused("403 X", b"", DETAIL), RateLimited),
    Fault("20 403 too many a second, by words", refused("403 X", SECONDS), RateLimited),
    Fault("21 403 too many a day", refused("403 X", DAILY), QuotaExhausted),
    Fault("22 403 inactive", refused("403 X", b'{"message": "Account Inactive"}'), Unauthorized),
    Fault("22 403 gateway's page", refused("403 X", page("Developer Over Qps")), RateLimited),
    Fault("22 403 firewall", refused("403 X", DENIED), Unavailable),
    Fault("22 403 of the picture", refused("403 X", b'{"message": "Not embeddable"}'), NotEmbeddable, keeps=False),
    Fault("23 404", refused("404 X", b'{"ErrorCode": "ImageNotFound"}'), NotFound, keeps=False),
    Fault("23 404 empty", refused("404 X"), NotFound, keeps=False),
    Fault("23 404 page", refused("404 X", page("Not Found")), NotFound, keeps=False),
    Fault("23 404 firewall", refused("404 X", DENIED), Unavailable),
    Fault("24 410", refused("410 X"), NotFound, keeps=False),
    Fault("25 429 in 2 s", refused("429 X", b"", "Retry-After: 2"), RateLimited),
    Fault("25 429 date", refused("429 X", b"", "Retry-After: Fri, 01 Jan 2038 00:00:00 GMT"), RateLimited),
    Fault("25 429 negative", refused("429 X", b"", "Retry-After: -5"), RateLimited),
    Fault("25 429 junk", refused("429 X", b"", "Retry-After: \xe9soon"), RateLimited),
    Fault("26 500", refused("500 X", page("Oops")), Unavailable),
    Fault("26 502", refused("502 X", page("Bad Gateway")), Unavailable),
    Fault("26 503", refused("503 X", page("Busy"), "Retry-After: 7"), Unavailable),
    Fault("26 504", refused("504 X", BODY), Unavailable),
    Fault("27 501", refused("501 X"), InvalidResponse),
    Fault("28 status 999", refused("999 X", BODY), InvalidResponse),
    Fault("28 status 204", send(b"HTTP/1.1 204 X\r\n\r\n"), InvalidResponse),
    Fault("28 status 206", refused("206 X", BODY), InvalidResponse),
    Fault("28 status 304", send(b"HTTP/1.1 304 X\r\n\r\n"), InvalidResponse),
    Fault("28 100 x 5000", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 5000), InvalidResponse),
    Fault("28 103 without end", flood(b"", b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n", 5000), InvalidResponse),
    Fault("28 another protocol", send(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", BODY), InvalidResponse),
    Fault("29 page", ok(page("Welcome"), headers=["Content-Type: application/json"]), InvalidResponse),
    Fault("29 empty", ok(b""), InvalidResponse),
    Fault("31 UTF-16", ok(BODY.decode().encode("utf-16")), InvalidResponse),
    Fault("31 Latin-1", ok(BODY.replace(b"Runa", "Rün".encode("latin-1"))), InvalidResponse),
    Fault("32 truncated JSON", ok(BODY[:-40]), InvalidResponse),
    Fault("33 null", ok(b"null"), InvalidResponse),
    Fault("33 list", ok(b"[" + BODY + b"]"), InvalidResponse),
    Fault("33 string", ok(b'"html"'), InvalidResponse),
    Fault("33 number", ok(b"1e999"), InvalidResponse),
    Fault("34 5,000 deep", ok(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), InvalidResponse),
    Fault("34 100,000 deep", ok(b"[" * 100_000), InvalidResponse),
    Fault("35 5,000 digits", ok(BODY.replace(b"594", b"9" * 5000, 1)), InvalidResponse),
    Fault("36 NaN", ok(BODY.replace(b": 594", b": NaN", 1)), InvalidResponse),
    Fault("36 Infinity", ok(BODY.replace(b": 396", b": -Infinity", 1)), InvalidResponse),
    Fault("37 a name twice", ok(DOUBLE), InvalidResponse),
    Fault("41 no html", ok(oembed_body(html=None)), InvalidResponse),
    Fault("41 html a number", ok(oembed_body(html=7)), InvalidResponse),
    Fault("41 html an object", ok(oembed_body(html={"a": 1})), InvalidResponse),
    Fault(
        "41 html of 200 KB", ok(oembed_body(html=load("modern-single")["html"] + " " * 200_000)), InvalidResponse
    ),
    Fault("42 another picture", ok(oembed_body(html=load("modern-360")["html"])), InvalidResponse),
    Fault("43 type link", ok(oembed_body(type="link")), InvalidResponse),
    Fault("43 version 2.0", ok(oembed_body(version="2.0")), InvalidResponse),
    Fault("43 version a number", ok(oembed_body(version=1.0)), InvalidResponse),
    Fault("45 2,000 headers", flood(HEAD, b"X: a\r\n", 2000), InvalidResponse),
    Fault("45 a header of 200 KB", flood(HEAD + b"X: ", b"a" * 1000, 200), InvalidResponse),
    Fault("45 NUL in a header", send(HEAD, b"X: a\0b\r\nConnection: close\r\n\r\n", BODY), InvalidResponse),
]


def failed(seen: Results, error: type[ProviderError]) -> None:
    """Check that every interface returned the same error, in time."""
    assert seen.seconds < TIMEOUT_S + MARGIN
    assert type(seen.resolved) is error or type(seen.resolved).__mro__[1] is error
    assert isinstance(seen.resolved, ProviderError)
    assert seen.resolved.ref == ID
    assert seen.statuses == [error.http_status] * 3
    assert seen.codes == [error.code] * 2
    assert all(headers["Cache-Control"] == "no-store" for headers in seen.headers)
    if error is Unavailable:
        assert all(int(headers["Retry-After"]) >= 1 for headers in seen.headers)
    assert (f"gettyimages.com/detail/{ID}" in seen.page) is (error is not NotFound)  # which has no page to link to
    assert "<iframe" not in seen.page


def shown(seen: Results, *, stale: bool) -> None:
    """Check that every interface returned the picture, in time."""
    assert seen.seconds < TIMEOUT_S + MARGIN
    assert isinstance(seen.resolved, Embed), seen.resolved
    assert (seen.resolved.stale, seen.resolved.title) == (stale, TITLE)
    assert seen.statuses == [200] * 3
    assert "<iframe" in seen.page


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault(fault: Fault) -> None:
    with Upstream(fault.script) as upstream:
        with Harness(upstream.url) as cold:
            failed(cold.request_all(), fault.error)
        with Harness(upstream.url) as harness:
            upstream.scripts = (oembed_ok(),)
            first = harness.kit.resolve(ID)
            harness.advance(days=3)
            upstream.scripts = (fault.script,)
            if fault.keeps:
                shown(harness.request_all(), stale=True)
                held = harness.kit.cache.get((ID,), "com").embed
                assert held is not None
                assert (held.frame, held.fetched_at) == (first.frame, first.fetched_at)
            else:
                failed(harness.request_all(), fault.error)
            upstream.scripts = (oembed_ok(),)
            harness.advance(days=1.01)  # longer than any error is cached
            shown(harness.request_all(), stale=False)
            assert harness.kit.resolve(ID).fetched_at > first.fetched_at


# -- unusual but valid responses ---------------------------------------------------------------------------

ODD: list[tuple[str, Script]] = [
    ("28 early hints", send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + CLOSE, BODY)),
    ("30 text/html", ok(BODY, headers=["Content-Type: text/html"])),
    ("30 text/javascript", ok(BODY, headers=["Content-Type: text/javascript; charset=utf-16"])),
    ("30 no type", ok(BODY)),
    ("31 byte order mark", ok(b"\xef\xbb\xbf" + BODY)),
    ("38 lone surrogate and NUL", ok(BODY.replace(b"Tidal News", b"Tidal \\ud800\\u0000News"))),
    ("39 sizes as strings", ok(oembed_body(width="594", height="396", thumbnail_height="113"))),
    *[
        (f"40 width {width!r}", ok(oembed_body(width=width)))
        for width in (-1, 0, 10**9, 594.5, True, [594], "594px", 10**400)
    ],
    ("40 no sizes", ok(oembed_body(width=None, height=None))),
    ("46 Set-Cookie", ok(BODY, headers=["Set-Cookie: a=b; Path=/"])),
]


@pytest.mark.parametrize(("name", "script"), ODD, ids=[row[0] for row in ODD])
def test_unusual_but_valid(name: str, script: Script) -> None:
    with Upstream(script) as upstream, Harness(upstream.url) as harness:
        shown(harness.request_all(), stale=False)
        assert harness.kit.resolve(ID).width == 594
        harness.kit.purge(ID)
        harness.kit.resolve(ID)
    assert upstream.hits == 2
    assert "cookie" not in "".join(upstream.requests).lower()


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:image/png;base64,aaaa", "https://evil.example/a"]
)
def test_44_foreign_urls_are_dropped(address: str) -> None:
    with (
        Upstream(ok(oembed_body(thumbnail_url=address, terms_of_use_url=address))) as upstream,
        Harness(upstream.url) as harness,
    ):
        embed = harness.kit.resolve(ID)
        assert (embed.thumbnail_url, embed.terms_of_use_url) == (None, None)
        assert address not in "".join(harness.get(route).get_data(as_text=True) for route in (f"/embed/{ID}",))


def test_41_a_rejected_response_that_names_the_picture_is_always_credited() -> None:
    script = ok(oembed_body(html=load("modern-single")["html"] + "<script>alert(1)</script>"))
    with Upstream(script) as upstream, Harness(upstream.url) as harness:
        cards = [harness.get(f"/embed/{ID}").get_data(as_text=True) for _ in range(3)]
    assert upstream.hits == 1
    for card in cards:
        assert "Runa Vale" in card
        assert "alert(1)" not in card


# -- the network -----------------------------------------------------------------------------------------


class Names:
    """Resolves the upstream's host name: to a port on this machine, or not at all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.port = 0
        monkeypatch.setattr(
            socket, "getaddrinfo", self._look_up
        )  # a resolver can't be made to fail for a single process

    def _look_up(self, *_: object, **__: object) -> list[Any]:
        if not self.port:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@contextlib.contextmanager
def full() -> Iterator[int]:
    """A port that doesn't accept connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as crowd:
        for _ in range(4):
            sock = crowd.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@contextlib.contextmanager
def closed() -> Iterator[int]:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


@pytest.mark.parametrize(
    "fault", [contextlib.nullcontext, full, closed], ids=["1 no such name", "2 timeout", "refused"]
)
def test_a_network_that_fails(fault: Any, names: Names) -> None:
    with Upstream(oembed_ok()) as upstream, fault() as port, Harness("http://localhost:1/oembed") as harness:
        names.port = port or 0
        failed(harness.request_all(), Unavailable)
        names.port = upstream.port
        shown(harness.request_all(), stale=False)
        harness.advance(days=3)
        names.port = port or 0
        shown(harness.request_all(), stale=True)
        names.port = upstream.port
        shown(harness.request_all(), stale=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.mark.parametrize("fault", ["expired", "wrong host", "self-signed"])
def test_14_a_bad_certificate(authority: trustme.CA, tmp_path: Path, fault: str) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    fine = tls(authority.issue_cert("127.0.0.1"))
    bad = {
        "expired": lambda: authority.issue_cert("127.0.0.1", not_after=YESTERDAY),
        "wrong host": lambda: authority.issue_cert("elsewhere.example"),
        "self-signed": lambda: trustme.CA().issue_cert("127.0.0.1"),
    }[fault]()
    with (
        Upstream(oembed_ok(), tls=tls(bad)) as upstream,
        Harness(upstream.url, verify=str(tmp_path / "ca.pem")) as harness,
    ):
        failed(harness.request_all(), Unavailable)
        assert upstream.hits == 0
        upstream.tls = fine
        shown(harness.request_all(), stale=False)
        harness.advance(days=3)
        upstream.tls = tls(bad)
        shown(harness.request_all(), stale=True)
        assert upstream.hits == 1
        upstream.tls = fine
        shown(harness.request_all(), stale=False)


@pytest.mark.parametrize("location", ["http://127.0.0.1:{0}/", "//localhost:{0}/", "http://gty.im@127.0.0.1:{0}/"])
def test_16_no_redirect_reaches_another_service(location: str) -> None:
    with Upstream(oembed_ok()) as sentinel:
        moved = refused("302 X", b"", f"Location: {location.format(sentinel.port)}")
        with Upstream(moved) as upstream, Harness(upstream.url) as harness:
            failed(harness.request_all(), InvalidResponse)
    assert sentinel.connections == 0


def test_49_flapping_recovers() -> None:
    with (
        Upstream(refused("503 X"), refused("503 X"), oembed_ok()) as upstream,
        Harness(upstream.url, timeout=5) as harness,
    ):
        assert not harness.kit.resolve(ID).stale
    assert upstream.hits == 3


def test_50_proxies_and_netrc_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login reader password letmein\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Upstream(oembed_ok()) as proxy, Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        shown(harness.request_all(), stale=False)
    assert proxy.connections == 0
    assert "authorization" not in upstream.requests[0].lower()
