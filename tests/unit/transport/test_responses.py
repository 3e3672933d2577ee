"""What is accepted of an HTTP response, and what is refused: no sockets, no clock."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.errors import InvalidResponse
from embedkit.messages import Request
from embedkit.transport.responses import clean_headers, decode, follow_redirect

HOSTS = frozenset({"api.example.com", "dl.example.com"})
ASKED = Request(
    "https://api.example.com/v3/search",
    "api",
    params=(("phrase", "sun"),),
    headers={"Api-Key": "k", "Authorization": "Bearer t", "Accept-Language": "de"},
    redirects=2,
    hosts=HOSTS,
)
LOCAL = Request("http://127.0.0.1:8081/a", "api", redirects=1, hosts=frozenset({"127.0.0.1", "localhost"}))


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v4/search?phrase=sun", "https://api.example.com/v4/search?phrase=sun"),
        ("other", "https://api.example.com/v3/other"),
        ("https://DL.example.com/x#part", "https://DL.example.com/x"),
        ("//dl.example.com:443/x", "https://dl.example.com:443/x"),
        ("https://dl.example.com", "https://dl.example.com"),
    ],
)
def test_redirects_that_are_followed(location, url):
    target = follow_redirect(ASKED, location)
    assert (target.url, target.params, target.redirects, target.hosts) == (url, (), 1, HOSTS)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://api.example.com/",
        "https://evil.example/",
        "https://api.example.com.evil.example/",
        "https://evil.example/api.example.com",
        "https://api.example.com@evil.example/",
        "https://user:pw@api.example.com/",
        "https://evil.example\\@api.example.com/",
        "https://api.example.com:8443/",
        "https://api.example.com:99999/",
        "https://api.example.com:/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://localhost/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://api.example.com/",
        "https://api.example.com/\r\nX: 1",
        "https://api.example.com/ x",
        "https://api.example.com/\x00",
        "https://аpi.example.com/",
        "https://api.example.com./",
        "https://api.example.com/" + "a" * 3000,
    ],
)
def test_redirects_that_are_refused(location):
    with pytest.raises(InvalidResponse):
        follow_redirect(ASKED, location)


@pytest.mark.parametrize(
    ("location", "fine"),
    [
        ("http://localhost:8081/b", True),
        ("http://127.0.0.1:8082/b", False),
        ("http://127.0.0.1/b", False),
        ("http://[::1]:8081/b", False),
        ("https://localhost/b", True),
    ],
)
def test_plain_http_stays_on_the_loopback_address_that_is_configured(location, fine):
    if fine:
        assert follow_redirect(LOCAL, location).url == location
    else:
        with pytest.raises(InvalidResponse):
            follow_redirect(LOCAL, location)


def test_plain_http_needs_loopback_even_for_an_allowed_host():
    request = Request("http://127.0.0.1:80/a", "api", redirects=1, hosts=HOSTS)
    with pytest.raises(InvalidResponse):
        follow_redirect(request, "http://api.example.com/")


def test_no_key_is_sent_to_another_host():
    assert follow_redirect(ASKED, "/elsewhere").headers == ASKED.headers
    assert follow_redirect(ASKED, "https://dl.example.com/").headers == {"Accept-Language": "de"}


@pytest.mark.parametrize(("method", "redirects"), [("POST", 2), ("PUT", 2), ("GET", 0)])
def test_only_get_is_redirected_and_only_a_limited_number_of_times(method, redirects):
    request = Request(ASKED.url, "api", method=method, redirects=redirects, hosts=HOSTS)
    with pytest.raises(InvalidResponse):
        follow_redirect(request, "/v4/search")


def test_header_names_are_lower_case():
    assert clean_headers([("Content-TYPE", "a/b"), ("X", "1\t2")]) == {"content-type": "a/b", "x": "1\t2"}


@pytest.mark.parametrize(
    "pair",
    [("X", "a\0b"), ("X", "a\r\n b"), ("X\x01", "a"), ("X", "\x7f")]
    + [("Content-Length", length) for length in ("-1", "5, 5", "5 5", "+5", "x", "", "9" * 30, "٣")],
)
def test_headers_that_are_refused(pair):
    with pytest.raises(InvalidResponse):
        clean_headers([pair])


@given(st.binary(max_size=3000), st.integers(1, 400), st.sampled_from(["", "identity", "GZIP", "x-gzip"]))
@settings(deadline=None, max_examples=100)
def test_a_body_is_complete_however_it_is_split(body, step, coding):
    sent = gzip.compress(body) if "gzip" in coding.lower() else body
    chunks = [sent[at : at + step] for at in range(0, len(sent), step)]
    assert decode(chunks, coding, len(body)) == body
    if body:
        with pytest.raises(InvalidResponse):
            decode(chunks, coding, len(body) - 1)


@given(st.lists(st.binary(max_size=60), max_size=5))
@settings(deadline=None, max_examples=150)
def test_invalid_gzip_is_refused(chunks):
    if any(chunks):
        with pytest.raises(InvalidResponse):
            decode([b"\x1f", *chunks], "gzip", 100)


@pytest.mark.parametrize(
    ("sent", "coding"),
    [
        (gzip.compress(b"{}", mtime=0)[:-1], "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-6] + b"\0" * 6, "gzip"),
        (gzip.compress(b"{}", mtime=0) + b"x", "gzip"),
        (gzip.compress(b"{}", mtime=0) + gzip.compress(b"{}", mtime=0), "gzip"),
        (zlib.compress(b"{}"), "gzip"),
        (b"{}", "gzip"),
        (zlib.compress(b"{}"), "deflate"),
        (gzip.compress(b"{}", mtime=0), "gzip, gzip"),
        (b"{}", "br"),
    ],
)
def test_content_codings_that_are_refused(sent, coding):
    with pytest.raises(InvalidResponse):
        decode([sent], coding, 1000)


def test_an_empty_body_is_not_invalid_gzip():
    assert decode([], "gzip", 10) == b""


def test_a_decompression_bomb_is_limited():
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(100)) + squeeze.flush()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidResponse):
            decode([bomb], "gzip", 256 * 1024)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
