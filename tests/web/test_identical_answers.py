"""The response cache returns exactly the bytes that Flask would have returned at that moment, for any request.

Two services go through the same story, one with the response cache, one without it. Every answer of the one is
compared with that of the other: status, headers in order, body.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from hypothesis import HealthCheck, event, example, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from embedkit import AssetRef, EmbedKit, create_app
from embedkit.sandbox import SandboxConfig, SandboxTransport, create_sandbox
from embedkit.web.response_cache import ResponseCacheMiddleware
from tests.support.web import ADMIN, ANY, EXAMPLE, WITHDRAWN, World, settings

START = 1_700_000_000.25
CMS = "https://cms.example.org"
ROWS = {
    "admin_token": (ADMIN,),
    "cors_origins": (CMS,),
    "trusted_hops": 1,
    "trusted_hosts": ("embeds.example.org", "localhost"),
}

Environ = dict[str, Any]
Answer = tuple[str, list[tuple[str, str]], bytes]


class Twin:
    """A service, the number of requests that reached Flask, and its ETags, for conditional requests."""

    def __init__(self, *, cached: bool, **rows: Any) -> None:
        transport = SandboxTransport(create_sandbox(SandboxConfig(deterministic=True)))
        kit = EmbedKit(settings(**{**ROWS, **rows}), transport=transport)
        kit.cache._random = lambda: 0.5  # a copy's time to live
        app = create_app(kit=kit)
        self.world = World(app, app.test_client(), kit, transport.app)
        self.asked = 0
        self.tags: list[str] = []
        outer = self.world.app.wsgi_app
        while not isinstance(outer._next if hasattr(outer, "_next") else outer.app, ResponseCacheMiddleware):
            outer = outer.app
        cache = outer._next
        self._flask, cache._next = cache._next, self._count
        if not cached:
            outer._answer = outer._next = self._count

    def _count(self, environ: Environ, start_response: Any) -> Any:
        self.asked += 1
        return self._flask(environ, start_response)

    def ask(self, environ: Environ) -> Answer:
        said: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {**environ, "wsgi.input": io.BytesIO(b"{}")}
        parts = self.world.app.wsgi_app(environ, lambda status, headers, *_: said.append((status, list(headers))))
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        self.world.kit.settle()
        self.tags += [value for name, value in said[0][1] if name == "ETag" and value not in self.tags]
        return *said[0], body


PATHS = [
    f"/oembed?url=https://gty.im/{EXAMPLE}",
    f"/oembed?url=https%3a//gty.im/{EXAMPLE}&maxwidth=300&format=json&dnt=1",
    f"/oembed?maxwidth=300&maxwidth=900&url=https://gty.im/{EXAMPLE}&url=https://gty.im/{ANY}",
    f"/oembed?url=https://gty.im/{EXAMPLE}&maxwidth=2000",
    f"/oembed?url=https://gty.im/{WITHDRAWN}",
    f"/oembed?url=https://gty.im/{EXAMPLE}&format=xml",
    "/oembed?url=%ff%fe",
    "/oembed",
    "/oembed/",
    "/oembed/providers.json",
    f"/v1/embeds/{EXAMPLE}",
    f"/v1/embeds/{EXAMPLE}?",
    f"/v1/embeds/{EXAMPLE}/",
    f"/v1/embeds/%37{EXAMPLE[1:]}?target=facade",
    f"/v1/embeds/{EXAMPLE}%ff",
    f"/v1/embeds/{EXAMPLE}?target=text&title=%22cache_age%22:5,%5c%22cache_age%5c%22:7",
    f"/v1/embeds/{EXAMPLE}?target=jsonld&caption=%E2%80%AE%22cache_age%22%3A9",
    f"/v1/embeds/{EXAMPLE}?target=web;maxwidth=300",
    f"/v1/embeds/{EXAMPLE}?tld=de",
    f"/v1/embeds/{EXAMPLE}?tld=xx",
    f"/v1/embeds/{EXAMPLE},{ANY}?maxwidth=400",
    f"/v1/embeds/{EXAMPLE}?title={'long+' * 300}",
    f"/v1/embeds/{WITHDRAWN}",
    "/v1/embeds/nothing",
    "/v1/embeds/",
    f"//v1/embeds/{EXAMPLE}",
]
HEADERS: dict[str, list[str]] = {
    "HTTP_HOST": [
        "localhost:8080",
        "embeds.example.org",
        "EMBEDS.example.org",
        "evil.example",
        "a b",
        "[::1]",
        "",
    ],
    "HTTP_ORIGIN": [CMS, CMS.upper(), f"{CMS}/", "https://other.example.org", "null", "", f"{CMS}\x00"],
    "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK": ["true", "false"],
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": ["GET", "DELETE"],
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": ["x-y"],
    "HTTP_IF_NONE_MATCH": ["*", '"nothing"', "W/", "", '"a", W/"b"', "garbage, , \x7f"],
    "HTTP_IF_MATCH": ["*", '"nothing"'],
    "HTTP_IF_MODIFIED_SINCE": ["Wed, 01 Nov 2023 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "yesterday"],
    "HTTP_IF_UNMODIFIED_SINCE": ["Wed, 01 Nov 2000 00:00:00 GMT"],
    "HTTP_RANGE": ["bytes=0-9", "bytes=-1", "lines=1-2", "bytes=9-0"],
    "HTTP_IF_RANGE": ['"nothing"'],
    "HTTP_COOKIE": ["session=x"],
    "HTTP_AUTHORIZATION": [f"Bearer {ADMIN}", "Basic eDp5"],
    "HTTP_ACCEPT": ["text/html", "application/xml;q=1", ""],
    "HTTP_ACCEPT_LANGUAGE": ["de", "*;q=0"],
    "HTTP_ACCEPT_ENCODING": ["gzip, br"],
    "HTTP_X_REQUEST_ID": ["mine"],
    "HTTP_X_FORWARDED_FOR": ["192.0.2.1", "192.0.2.2, 192.0.2.3", "2001:db8::1", "unknown", ""],
    "HTTP_X_FORWARDED_PROTO": ["https", "http, https", "gopher"],
    "HTTP_X_FORWARDED_HOST": ["embeds.example.org", "evil.example", "localhost, embeds.example.org"],
    "HTTP_X_FORWARDED_PREFIX": ["/prefix"],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
    "HTTP_EXPECT": ["100-continue"],
    "HTTP_TRANSFER_ENCODING": ["chunked"],
    "CONTENT_LENGTH": ["2", "-1", "x"],
    "CONTENT_TYPE": ["application/json"],
    "SCRIPT_NAME": ["/mounted"],
    "SERVER_PROTOCOL": ["HTTP/1.0"],
    "SERVER_PORT": ["8080"],
    "REMOTE_ADDR": ["192.0.2.1", "2001:db8:1:2::3", "2001:db8:1:3::3", ""],
    "wsgi.url_scheme": ["https"],
}
TAG = "an ETag that was seen"


def environ(url: str, method: str, headers: dict[str, str]) -> Environ:
    path, _, query = url.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_REQUEST_ID": "the-same",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


def header() -> st.SearchStrategy[tuple[str, str]]:
    plain = [(name, value) for name, values in HEADERS.items() for value in values]
    seen = [("HTTP_IF_NONE_MATCH", form) for form in (TAG, f'"x", {TAG}', f"{TAG}, *", f"{TAG} junk")]
    return st.sampled_from([*plain, *seen * 4, *([("HTTP_IF_MATCH", TAG)] * 2)])


request = st.tuples(
    st.just("ask"),
    st.sampled_from(PATHS),
    st.sampled_from(["GET"] * 12 + ["HEAD", "OPTIONS", "POST", "PUT"]),
    st.one_of(st.just([]), st.just([]), st.lists(header(), max_size=2)),
)
# Includes the exact moment at which a copy becomes stale, and a clock that goes back.
seconds = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 3.5, 29.75, 31.0, 61.0, 3600.0, -0.5, -1.0, -30.0, -90.0])
warm = st.tuples(st.just("ask"), st.sampled_from([PATHS[0], PATHS[10]]), st.just("GET"), st.just([]))
step = st.one_of(
    *(warm, warm, warm),
    *(request, request),
    st.tuples(st.just("pass"), seconds),
    st.tuples(st.just("to the end of freshness"), st.sampled_from([-1.0, -0.25, 0.0, 0.25])),
    st.tuples(
        st.sampled_from(["purge", "refresh", "withdraw", "restore", "fail"]), st.sampled_from([EXAMPLE, ANY])
    ),
)


class Story:
    """The two services with one clock."""

    def __init__(self, clock: time_machine.Traveller, **rows: Any) -> None:
        self._clock = clock
        self._twins = Twin(cached=True, **rows), Twin(cached=False, **rows)

    def go(self, kind: str, *rest: Any) -> None:
        tell: dict[str, Callable[..., None]] = {
            "ask": self._ask,
            "pass": self._clock.shift,
            "to the end of freshness": self._to_the_end,
        }
        tell.get(kind, lambda ref: [self._change(twin.world, kind, ref) for twin in self._twins])(*rest)

    def _ask(self, url: str, method: str, headers: list[tuple[str, str]]) -> None:
        one, other = self._twins
        tag = one.tags[-1] if one.tags else '"none"'
        sent = environ(url, method, {name: value.replace(TAG, tag) for name, value in headers})
        assert one.ask(sent) == other.ask(sent)

    def _to_the_end(self, beside: float) -> None:
        copy = self._twins[0].world.kit.cache.get((EXAMPLE,), "com").embed
        if copy is not None:
            self._clock.move_to(copy.fresh_until + beside)

    def _change(self, world: World, kind: str, ref: str) -> None:
        world.sandbox.faults.clear() if kind != "fail" else world.sandbox.faults.add("status", status=503, count=9)
        if kind == "purge":
            world.kit.purge(ref)
        elif kind in ("withdraw", "restore"):
            getattr(world.sandbox, kind)(ref)
        if kind in ("refresh", "withdraw", "restore"):
            world.kit.records([AssetRef((ref,))], refresh=True)

    @property
    def without_flask(self) -> int:
        one, other = self._twins
        return other.asked - one.asked


ASK = ("ask", PATHS[0], "GET", [])


@given(steps=st.lists(step, min_size=10, max_size=40), rate_limit=st.sampled_from(["11/minute", "1000/minute"]))
@trials(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(
    [ASK, ASK, ("purge", EXAMPLE), ASK, ("withdraw", EXAMPLE), ASK, ASK, ("restore", EXAMPLE), ASK, ASK],
    "11/minute",
)
@example([ASK, ("to the end of freshness", -0.25), ASK, ("to the end of freshness", 0.0), ASK, ASK], "11/minute")
@example([ASK, ("pass", -0.5), ASK, ("pass", -90.0), ASK, ("pass", 31.0), ASK], "11/minute")
@example([ASK] * 13 + [("pass", 61.0), ASK], "11/minute")
@example(
    [("fail", EXAMPLE), ASK, ("pass", 31.0), ("refresh", EXAMPLE), ASK, ("fail", EXAMPLE), ASK, ASK], "11/minute"
)
def test_every_response_equals_flasks(steps: list[Any], rate_limit: str) -> None:
    with time_machine.travel(START, tick=False) as clock:
        story = Story(clock, rate_limit=rate_limit)
        for one in steps:
            story.go(*one)
    event(f"answered without Flask: {min(story.without_flask, 5)}")


@pytest.mark.parametrize("header", sorted(HEADERS))
def test_every_header_on_a_cached_response(header: str) -> None:
    """Each value is sent twice, with and without an allowed origin, between plain requests."""
    with time_machine.travel(START, tick=False) as clock:
        story = Story(clock, rate_limit="10000/minute")
        story.go(*ASK)
        for value in HEADERS[header]:
            for more in ([], [("HTTP_ORIGIN", CMS)]):
                for _ in range(2):
                    story.go("ask", PATHS[0], "GET", [*more, (header, value)])
                    story.go(*ASK)
        assert story.without_flask > len(HEADERS[header])
