"""The table of upstream faults for the API v3 and its token endpoint, over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from embedkit import EmbedKit
from embedkit.api.models import SearchPage
from embedkit.api.session import RENEWAL_RETRY_S, RETRY_S
from embedkit.errors import (
    EmbedKitError,
    InvalidKey,
    InvalidResponse,
    InvalidToken,
    NotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unavailable,
)
from embedkit.messages import Request
from embedkit.sandbox import SandboxConfig, SandboxServer
from embedkit.transport.resilience import API_RATE, BURST_CALLS
from tests.support.client import (
    Harness,
    answer_and_close,
    search_body,
    token_body,
)
from tests.support.faulty_upstream import (
    Script,
    Upstream,
    flood,
    hang,
    ok,
    reset,
    send,
)
from tests.support.tools import Clock
from tests.unit.transport.test_client import (
    CHUNKED,
    CUT,
    HEAD,
    INVALID,
    SLOW,
    YESTERDAY,
    zeros,
)

SHORT = 0.4
PER_SECOND, PER_DAY = "Account Over Queries Per Second Limit", "Account Over Rate Limit"
APPLICATION = {"api_key": "key-1", "api_secret": "secret-1"}


def search(harness: Harness) -> SearchPage:
    return harness.kit.search("harbour")


def refused(script: Script, *, retries: int | None = 0, timeout: float = 5.0, act: Any = search) -> EmbedKitError:
    """Return the error of an API call, after the expected number of requests."""
    with Upstream(script) as upstream, Harness(upstream.origin, timeout=timeout) as harness:
        error = harness.error(lambda: act(harness))
        if retries is not None:
            assert upstream.hits == 1 + retries
    return error


def no_token(script: Script, *, retries: int | None = 0, timeout: float = 5.0) -> EmbedKitError:
    """Return the error of a call that can't get a token and therefore doesn't reach the API."""
    with Upstream(ok(search_body())) as api, Upstream(script) as upstream:
        harness = Harness(api.origin, f"{upstream.origin}/oauth2/token", timeout=timeout, **APPLICATION)
        with harness:
            error = harness.error(lambda: search(harness))
        if retries is not None:
            assert upstream.hits == 1 + retries
        assert api.hits == 0
    return error


# -- rows 1 to 14: the wire ------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", ["api", "token"])
def test_a_name_that_does_not_exist(lane: str) -> None:
    addresses = {
        "api": {"api": "https://embedkit-test.invalid"},
        "token": {"token_url": "https://embedkit-test.invalid"},
    }
    rows: dict[str, Any] = {"api": "http://127.0.0.1:9", **addresses[lane]}
    credentials = APPLICATION if lane == "token" else {}
    with Harness(rows.pop("api"), **rows, **credentials, timeout=2) as harness:
        assert type(harness.error(lambda: search(harness))) is Unavailable
        assert harness.endpoint(lane)["breaker"] == "closed"


@pytest.mark.parametrize(("name", "script"), SLOW, ids=[row[0] for row in SLOW])
@pytest.mark.parametrize("ask", [refused, no_token])
def test_slow_responses_time_out(ask: Callable[..., EmbedKitError], name: str, script: Script) -> None:
    assert type(ask(script, timeout=SHORT)) is Unavailable


@pytest.mark.parametrize(("name", "script"), CUT, ids=[row[0] for row in CUT])
def test_missing_responses(name: str, script: Script) -> None:
    assert type(refused(script, retries=1)) is Unavailable
    assert type(no_token(script)) is Unavailable  # not retried, because a token might have been issued


@pytest.mark.parametrize(("name", "script"), INVALID, ids=[row[0] for row in INVALID])
@pytest.mark.parametrize("ask", [refused, no_token])
def test_invalid_http(ask: Callable[..., EmbedKitError], name: str, script: Script) -> None:
    if name == "endless chunks":
        script = flood(CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n", 5000)  # more than the API's limit of 2 MiB
    assert type(ask(script)) is InvalidResponse


@pytest.mark.parametrize(
    ("ask", "most"), [(refused, 2 * 1024 * 1024), (no_token, 64 * 1024)], ids=["search", "token"]
)
def test_the_size_limit_of_a_response(ask: Callable[..., EmbedKitError], most: int) -> None:
    for script in (
        ok(b"{" + b" " * most + b"}"),
        send(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n", zeros(20)),
    ):
        assert "larger than" in str(ask(script))


def test_a_large_page_is_read() -> None:
    padded = search_body(*(str(600_000_000 + number) for number in range(100)))[:-1] + b', "more": "%s"}'
    with Upstream(ok(padded % (b"a" * 1_900_000))) as upstream, Harness(upstream.origin) as harness:
        assert len(search(harness).images) == 100


def test_a_failed_connection_is_retried_once_even_for_a_token() -> None:
    with (
        Upstream(ok(search_body())) as api,
        Harness(api.origin, "http://127.0.0.1:9/oauth2/token", **APPLICATION) as harness,
    ):
        assert type(harness.error(lambda: search(harness))) is Unavailable
        assert harness.pauses == [0.2]


@pytest.mark.parametrize("lane", ["api", "token"])
def test_an_expired_certificate_is_not_retried(lane: str, tmp_path: Any) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=YESTERDAY).configure_cert(context)
    with Upstream(ok(search_body()), tls=context) as bad, Upstream(ok(search_body())) as good:
        origins = (bad.origin, good.origin) if lane == "api" else (good.origin, bad.origin)
        credentials = APPLICATION if lane == "token" else {}
        with Harness(origins[0], f"{origins[1]}/t", verify=str(tmp_path / "ca.pem"), **credentials) as harness:
            assert "certificate" in str(harness.error(lambda: search(harness)))
        assert (bad.hits, bad.connections) == (0, 1)


# -- rows 15 to 17: redirects ----------------------------------------------------------------------------


def moved(location: str, status: int = 302) -> Script:
    return answer_and_close(b"", f"{status} X", (f"Location: {location}",))


@pytest.mark.parametrize("status", [302, 303])
def test_two_redirects_are_followed_within_the_api(status: int) -> None:
    with (
        Upstream(moved("/two", status), moved("/three", status), ok(search_body())) as upstream,
        Harness(upstream.origin) as harness,
    ):
        assert search(harness).total == 1
    assert [request.split(" ")[1].partition("?")[0] for request in upstream.requests] == [
        "/v3/search/images",
        "/two",
        "/three",
    ]
    assert all("Api-Key: key-1" in request for request in upstream.requests)


def test_a_redirect_loop_ends_after_the_second() -> None:
    assert type(refused(moved("/again"), retries=2)) is InvalidResponse


def test_a_token_request_is_not_redirected() -> None:
    assert type(no_token(moved("/again"))) is InvalidResponse


def test_an_order_is_not_redirected() -> None:
    with Upstream(ok(token_body())) as tokens, Upstream(moved("/again")) as upstream:
        harness = Harness(upstream.origin, tokens.origin, **APPLICATION, username="ada", password="pw")
        with harness:
            assert type(harness.error(lambda: harness.api.boards.create("A"))) is InvalidResponse
        assert upstream.hits == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.1:{own}@127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://127.1:{port}/",
        "//127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@127.0.0.1:{own}/",
        "file:///etc/hostname",
        "ftp://127.0.0.1:{port}/",
        "http://api.gettyimages.com/v3/",
        "https://api.gettyimages.com.evil.example/v3/",
        "",
        "/a\r\nX: y",
    ],
)
@pytest.mark.parametrize("lane", ["api", "token"])
def test_no_redirect_leaves_the_api(lane: str, location: str) -> None:
    with Upstream(ok(search_body())) as sentinel, Upstream() as upstream, Upstream(ok(search_body())) as good:
        upstream.scripts = (moved(location.format(port=sentinel.port, own=upstream.port)),)
        origins = (upstream.origin, good.origin) if lane == "api" else (good.origin, upstream.origin)
        credentials = APPLICATION if lane == "token" else {}
        with Harness(origins[0], f"{origins[1]}/t", **credentials) as harness:
            error = harness.error(lambda: search(harness))
        if location != "/a\r\nX: y":  # that is a redirect to /a with one more header
            assert type(error) is InvalidResponse
        assert sentinel.connections == 0


def test_no_key_or_token_is_sent_to_another_host() -> None:
    with Upstream(ok(token_body())) as tokens, Upstream() as upstream:
        upstream.scripts = (moved(f"http://localhost:{upstream.port}/v3/images"), ok(search_body()))
        rows = {**APPLICATION, "image_origins": (f"http://localhost:{upstream.port}",)}
        with Harness(upstream.origin, tokens.origin, **rows) as harness:
            search(harness)
        first, second = upstream.requests
    assert "Api-Key: key-1" in first
    assert "Bearer access-1" in first
    assert "key-1" not in second
    assert "access-1" not in second
    assert "Accept-Language" in second


# -- rows 18 to 28: statuses -----------------------------------------------------------------------------


def image(harness: Harness) -> object:
    return harness.api.image("600100200")


JSON = ("Content-Type: application/json",)
STATUSES: list[tuple[str, Script, Any, type[ProviderError], str, int]] = [
    ("400", answer_and_close(b'{"message": "Invalid Request."}', "400 X"), search, InvalidResponse, "arguments", 0),
    ("400 code", answer_and_close(b'{"ErrorCode": "InvalidRequest", "ErrorMessage": "Field: page_size, Message: x"}', "400 X"),
     search, InvalidResponse, "page_size of 1, 2, 3", 0),
    ("401", answer_and_close(b'{"message": "Unauthorized"}', "401 X"), search, InvalidKey, "API_KEY", 0),
    ("401 empty", answer_and_close(b"", "401 X"), search, InvalidToken, "API_KEY", 0),
    ("403 inactive", answer_and_close(b'{"message": "Account Inactive"}', "403 X"), search, InvalidKey, "API_KEY", 0),
    ("403 gateway", answer_and_close(b'{"message": "Forbidden"}', "403 X", ("x-amzn-errortype: ForbiddenException",)),
     search, InvalidKey, "API_KEY", 0),
    ("403 html", answer_and_close(b"<h1>Developer Over Qps</h1>", "403 X"), search, RateLimited, "slowly", 0),
    ("403 firewall", answer_and_close(b"<h1>Access Denied</h1>Reference #18.1", "403 X"), search, Unavailable, "later", 0),
    ("404 code", answer_and_close(b'{"code": "ImageNotFound", "message": "x"}', "404 X"), image, NotFound, "picture", 0),
    ("404 empty", answer_and_close(b"", "404 X"), image, NotFound, "picture", 0),
    ("404 of a search", answer_and_close(b"", "404 X"), search, InvalidResponse, "API_BASE", 0),
    ("410", answer_and_close(b"", "410 X"), image, NotFound, "withdrawn", 0),
    ("500", answer_and_close(b"<p>", "500 X"), search, Unavailable, "later", 0),
    ("500 code", answer_and_close(b'{"code": "SystemError", "message": "x"}', "500 X"), search, Unavailable, "SystemError", 0),
    ("501", answer_and_close(b"", "501 X"), search, Unavailable, "later", 0),
    ("502", answer_and_close(b"<p>", "502 X"), search, Unavailable, "later", 2),
    ("503", answer_and_close(b"<p>", "503 X"), search, Unavailable, "later", 2),
    ("504", answer_and_close(b"<p>", "504 X"), search, Unavailable, "later", 2),
    ("204", send(b"HTTP/1.1 204 X\r\n\r\n"), search, InvalidResponse, "", 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "script", "act", "kind", "says", "retries"), STATUSES, ids=[row[0] for row in STATUSES]
)
def test_statuses_of_the_api(
    name: str, script: Script, act: Any, kind: type[ProviderError], says: str, retries: int
) -> None:
    error = refused(script, act=act, retries=retries)
    assert type(error) is kind
    assert says in str(error)


def test_flapping_recovers() -> None:
    busy = answer_and_close(b"", "503 X")
    with Upstream(busy, busy, ok(search_body())) as upstream, Harness(upstream.origin) as harness:
        assert search(harness).total == 1
    assert upstream.hits == 3


@pytest.mark.parametrize("token_again", [True, False])
def test_401_gets_one_new_token_and_one_retry(token_again: bool) -> None:
    no, yes = answer_and_close(b'{"message": "Unauthorized"}', "401 X"), ok(search_body())
    with (
        Upstream(answer_and_close(token_body("access-1")), answer_and_close(token_body("access-2"))) as tokens,
        Upstream(no, yes if token_again else no) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        if token_again:
            assert search(harness).total == 1
        else:
            error = harness.error(lambda: search(harness))
            assert type(error) is InvalidKey
            assert "access" not in f"{error}{error.args}{vars(error)}"
        assert (tokens.hits, upstream.hits) == (2, 2)
        assert ["Bearer access-1" in upstream.requests[0], "Bearer access-2" in upstream.requests[1]] == [
            True,
            True,
        ]


def test_401_resends_an_order_because_nothing_was_ordered() -> None:
    with (
        Upstream(ok(token_body())) as tokens,
        Upstream(answer_and_close(b"", "401 X"), answer_and_close(b'{"id": "board-1"}', "201 X")) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION, username="ada", password="pw") as harness,
    ):
        assert harness.api.boards.create("A") == "board-1"
    assert upstream.bodies[0] == upstream.bodies[1] != b""


@pytest.mark.parametrize("status", ["403 X", "429 X"])
@pytest.mark.parametrize("where", ["header", "message"])
def test_throttling_per_second(status: str, where: str) -> None:
    """Calls to the API pause for one second, then two, four, up to thirty; other calls don't."""
    body = b'{"message": "%s"}' % PER_SECOND.encode() if where == "message" else b"{}"
    headers = (f"X-Error-Detail: {PER_SECOND}",) if where == "header" else ()
    with Upstream(answer_and_close(body, status, headers)) as upstream, Harness(upstream.origin) as harness:
        for quiet in (1, 2, 4, 8, 16, 30, 30):
            hits = upstream.hits
            assert type(harness.error(lambda: search(harness))) is RateLimited
            asked = upstream.hits
            assert asked == hits + 1 if status == "403 X" else hits < asked <= hits + 3  # 429 is retried
            assert harness.endpoint()["throttled"] == "rate-limited"
            error = harness.error(lambda: harness.api.countries())
            assert type(error) is RateLimited
            assert error.retry_after == pytest.approx(quiet, abs=0.7)
            assert upstream.hits == asked
            harness.advance(quiet)
        upstream.scripts = (ok(search_body()),)
        assert search(harness).total == 1
        assert "throttled" not in harness.endpoint()


@pytest.mark.parametrize("status", ["403 X", "429 X"])
def test_daily_quota(status: str) -> None:
    """Calls stop for 15 minutes, doubling up to two hours; each time, one call is made and not retried."""
    script = answer_and_close(b'{"message": "%s"}' % PER_DAY.encode(), status, (f"X-Error-Detail: {PER_DAY}",))
    with Upstream(script) as upstream, Harness(upstream.origin) as harness:
        for hits, minutes in enumerate((15, 30, 60, 120, 120), start=1):
            assert type(harness.error(lambda: search(harness))) is QuotaExhausted
            assert upstream.hits == hits
            assert harness.endpoint()["throttled"] == "quota-exhausted"
            error = harness.error(lambda: search(harness))
            assert type(error) is QuotaExhausted
            assert error.retry_after == pytest.approx(minutes * 60, abs=2)
            harness.advance(minutes * 60 - 3)
            assert type(harness.error(lambda: search(harness))) is QuotaExhausted
            assert upstream.hits == hits
            harness.advance(3)
        upstream.scripts = (ok(search_body()),)
        assert search(harness).total == 1


def test_an_exhausted_quota_affects_neither_oembed_nor_tokens() -> None:
    script = answer_and_close(b"", "403 X", (f"X-Error-Detail: {PER_DAY}",))
    with (
        Upstream(ok(token_body())) as tokens,
        Upstream(script) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        harness.error(lambda: search(harness))
        assert "throttled" in harness.endpoint("api")
        assert "throttled" not in harness.endpoint("token")
        assert harness.endpoint("oembed") == {}


def test_a_throttled_token_endpoint_does_not_affect_searches_with_a_token() -> None:
    with (
        Upstream(
            answer_and_close(token_body(expires_in=1000)), answer_and_close(b"", "429 X", ("Retry-After: 7",))
        ) as tokens,
        Upstream(ok(search_body())) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        search(harness)
        later(harness, 900)
        assert harness.kit.search("night").total == 1
        assert harness.endpoint("token")["throttled"] == "rate-limited"
        assert upstream.hits == 2


@pytest.mark.parametrize(
    ("said", "wait"),
    [("2", 2.0), ("90", 60.0), ("-1", 1.0), ("junk", 1.0), ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0), ("", 1.0)],
)
def test_retry_after_of_429(said: str, wait: float) -> None:
    headers = ("Date: Wed, 21 Oct 2015 07:28:00 GMT", f"Retry-After: {said}")
    with Upstream(answer_and_close(b"", "429 X", headers)) as upstream, Harness(upstream.origin) as harness:
        assert type(harness.error(lambda: search(harness))) is RateLimited
        error = harness.error(lambda: search(harness))
        assert error.retry_after == pytest.approx(wait, abs=0.7)


# -- rows 29 to 37: bodies -------------------------------------------------------------------------------

BODIES: list[tuple[str, bytes]] = [
    ("html", b"<!doctype html><title>Hello</title>"),
    ("empty", b""),
    ("UTF-16", search_body().decode().encode("utf-16")),
    ("latin-1", b'{"images": [], "result_count": 0, "x": "\xe9"}'),
    ("cut", search_body()[:-3]),
    ("null", b"null"),
    ("list", b"[]"),
    ("text", b'"images"'),
    ("number", b"1e999"),
    ("deep", b"[" * 100_000),
    ("5,000 deep", b'{"images": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("5,000 digits", b'{"images": [], "result_count": ' + b"9" * 5000 + b"}"),
    ("NaN", b'{"images": [], "result_count": NaN}'),
    ("twice", b'{"images": [], "images": []}'),
    ("nothing of a search", b"{}"),
    ("images are no list", b'{"images": {}}'),
]


@pytest.mark.parametrize(("name", "body"), BODIES, ids=[row[0] for row in BODIES])
@pytest.mark.parametrize("ask", [refused, no_token])
def test_unusable_bodies(ask: Callable[..., EmbedKitError], name: str, body: bytes) -> None:
    assert type(ask(ok(body, headers=["Content-Type: application/json"]))) is InvalidResponse


@pytest.mark.parametrize("kind", ["text/html", "text/javascript", "application/json; charset=utf-16", ""])
def test_content_type_and_byte_order_mark_are_ignored(kind: str) -> None:
    body = b"\xef\xbb\xbf" + search_body()
    with (
        Upstream(ok(b"\xef\xbb\xbf" + token_body(), headers=[f"Content-Type: {kind}"] * bool(kind))) as tokens,
        Upstream(ok(body, headers=[f"Content-Type: {kind}"] * bool(kind))) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        assert search(harness).total == 1
        assert search(harness).total == 1
        assert upstream.hits == 1  # cached unchanged


def test_cookies_are_not_sent_back() -> None:
    with (
        Upstream(ok(token_body(), headers=["Set-Cookie: a=b"])) as tokens,
        Upstream(ok(search_body(), headers=["Set-Cookie: a=b"])) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        search(harness)
        harness.kit.search("night")
    assert not any("cookie" in request.lower() for request in (*upstream.requests, *tokens.requests))


# -- row 47: tokens --------------------------------------------------------------------------------------


def later(harness: Harness, seconds: float) -> None:
    """Advance the clock for the token too, whose clock can't be passed to a kit."""
    harness.advance(seconds)
    session = harness.api._cache.session
    was = session.tokens.clock
    session.tokens.clock = session.clock = lambda: was() + seconds


@pytest.mark.parametrize(
    ("expires", "good"), [("1800", 1400), (1800, 1400), (0, 230), (-1, 230), (None, 230), ("x", 230)]
)
def test_a_token_is_used_until_it_expires_or_for_five_minutes(expires: object, good: int) -> None:
    with (
        Upstream(
            answer_and_close(token_body("access-1", expires_in=expires)), answer_and_close(token_body("access-2"))
        ) as tokens,
        Upstream(ok(search_body())) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        search(harness)
        later(harness, good)
        harness.kit.search("night")
        assert tokens.hits == 1
        later(harness, 0.25 * good)
        harness.kit.search("sea")
        assert tokens.hits == 2
        assert "access-2" in upstream.requests[-1]


BROKEN: list[tuple[str, Script]] = [
    ("500", answer_and_close(b"<p>", "500 X")),
    ("html", answer_and_close(b"<p>")),
    ("hang", hang()),
    ("reset", reset()),
    ("401", answer_and_close(b"", "401 X")),
    ("429", answer_and_close(b"", "429 X")),
    ("redirect", answer_and_close(b"", "302 X", ("Location: /",))),
    ("deep", answer_and_close(b"[" * 50_000)),
]


@pytest.mark.parametrize(("name", "script"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_token_endpoint_does_not_affect_searches_with_a_valid_token(name: str, script: Script) -> None:
    with (
        Upstream(answer_and_close(token_body("access-1", expires_in=1000)), script) as tokens,
        Upstream(ok(search_body())) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION, timeout=1.5) as harness,
    ):
        search(harness)
        later(harness, 850)
        for phrase in ("night", "sea", "boat"):
            assert harness.kit.search(phrase).total == 1
        assert tokens.hits == 2
        assert "access-1" in upstream.requests[-1]
        later(harness, 200)
        assert isinstance(harness.error(lambda: harness.kit.search("gone")), ProviderError)
        assert upstream.hits == 4
        later(harness, 120)  # longer than every pause, including the breaker's
        tokens.scripts = (answer_and_close(token_body("access-9")),)
        assert harness.kit.search("back").total == 1
        assert "access-9" in upstream.requests[-1]


def test_the_pauses_are_shorter_than_a_fifth_of_a_token() -> None:
    assert RETRY_S < RENEWAL_RETRY_S < 1800 / 5


def test_a_failed_token_request_is_not_repeated_by_every_call() -> None:
    with (
        Upstream(answer_and_close(b"", "401 X")) as tokens,
        Upstream(ok(search_body())) as upstream,
        Harness(upstream.origin, tokens.origin, **APPLICATION) as harness,
    ):
        for number in range(10):
            error = harness.error(lambda: harness.kit.search(f"harbour {number}"))  # noqa: B023
            assert type(error) is InvalidKey
        assert (tokens.hits, upstream.hits) == (1, 0)


# -- the breaker, the bucket -----------------------------------------------------------------------------


def test_an_api_outage_does_not_affect_oembed() -> None:
    with Upstream(answer_and_close(b"", "500 X")) as upstream, Harness(upstream.origin) as harness:
        for number in range(5):
            harness.error(lambda: harness.kit.search(f"harbour {number}"))  # noqa: B023
        assert harness.endpoint()["breaker"] == "open"
        error = harness.error(lambda: search(harness))
        assert type(error) is Unavailable
        assert error.retry_after == pytest.approx(24, abs=1)
        assert upstream.hits == 5
        assert harness.endpoint("oembed") == {}


class Paced:
    """A harness whose sleep() advances its clock and records the seconds."""

    def __init__(self, upstream: Upstream, **rows: Any) -> None:
        self.harness = Harness(upstream.origin, api_rate=API_RATE, sleep=self._sleep, monotonic=Clock(), **rows)
        self.slept: list[float] = []

    def _sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.harness.monotonic.ahead += seconds


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(ok(search_body(total=10_000))) as upstream:
        yield upstream


def test_calls_burst_to_four_then_four_per_second(upstream: Upstream) -> None:
    paced = Paced(upstream)
    for number in range(BURST_CALLS + 3):
        paced.harness.kit.search(f"harbour {number}")
    assert paced.slept == [0.25] * 3
    paced.harness.monotonic.ahead += 60
    for number in range(BURST_CALLS):
        paced.harness.kit.search(f"night {number}")
    assert paced.slept == [0.25] * 3
    paced.harness.kit.close()


def test_iteration_waits_for_the_rate(upstream: Upstream) -> None:
    paced = Paced(upstream, timeout=1)
    pages = list(paced.harness.kit.search_pages("harbour", page_size=1, limit=30))
    assert len(pages) == 30
    assert sum(paced.slept) == pytest.approx((30 - BURST_CALLS) / API_RATE)
    paced.harness.kit.close()


def test_a_retry_counts_as_a_call() -> None:
    with Upstream(*[answer_and_close(b"", "503 X")] * 2, ok(search_body())) as upstream:
        paced = Paced(upstream)
        paced.harness.kit.search("harbour")
        paced.harness.kit.search("night")
        paced.harness.kit.search("sea")
        assert upstream.hits == 5
        assert paced.slept == [0.2, 0.2]
        paced.harness.kit.close()


def test_oembed_and_files_are_not_paced() -> None:
    with Upstream(ok(b"{}")) as upstream:
        paced = Paced(upstream)
        for lane in ("oembed", "delivery"):
            for _ in range(20):
                paced.harness.transport.send(Request(upstream.url, lane))
        assert paced.slept == []
        paced.harness.kit.close()


@pytest.mark.parametrize("era", ["2018", "2026"])
def test_the_first_quota_error_has_retry_after(era: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # no cached token of an earlier server on this port
    with SandboxServer(SandboxConfig(era=era, calls_per_day=2)) as server:
        kit = EmbedKit(server.settings(cache="memory:", secret="s" * 40))
        held = kit.search("harbour")
        for phrase in ("city", "forest"):  # the first error is Getty's, the second is ours
            with pytest.raises(QuotaExhausted) as caught:
                kit.search(phrase)
            assert 890 < (caught.value.retry_after or 0) <= 900
        assert kit.search("harbour") == held
