"""Headers of every response, CORS, rate limits, and requests that are rejected before any view."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import html5lib
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from embedkit import __version__
from embedkit.errors import ConfigurationError, Unauthorized
from embedkit.web.rate_limit import RateLimiter, network
from tests.support.tools import reference_dir
from tests.support.web import (
    ANY,
    KEYS,
    SEARCH,
    TOKEN,
    WITHDRAWN,
    World,
    bearer,
    settings,
    world,
)

CMS = "https://cms.example.org"
PATHS = [
    *("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/static/embedkit-frame.js", "/nothing", "/oembed"),
    *(f"/v1/embeds/{ANY}", f"/v1/embeds/{WITHDRAWN}", f"/embed/{ANY}", f"/embed/{WITHDRAWN}", "/v1/embeds"),
    *("/oembed/providers.json", "/static/../app.py", "/static/none.js"),
    *(SEARCH, "/v1/search", f"/v1/images/{ANY}", "/v1/images/no.id", "/v1/countries", "/v1/grants"),
    *("/v1/events?q=cup", "/v1/boards", "/v1/boards/1"),
]


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(cors_origins=f"{CMS},https://[2001:db8::1]:8443", search_access="open", **KEYS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "OPTIONS"])
def test_headers_of_every_response(web: World, path: str, method: str) -> None:
    answer = web.client.open(path, method=method, buffered=True)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=()"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    assert "Origin" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers
    assert not answer.headers.get("Server")
    if answer.mimetype == "text/html" and method != "OPTIONS":
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if answer.status_code >= 400:
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_errors_are_problems_or_pages(web: World, path: str) -> None:
    answer = web.client.get(path, buffered=True)
    if answer.status_code >= 400 and not path.startswith("/embed/"):
        assert answer.mimetype == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} == set(answer.json)


def test_hsts_only_over_https(web: World) -> None:
    secure = web.client.get("/healthz", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


# -- other origins -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"/v1/embeds/{ANY}", f"/v1/embeds/{WITHDRAWN}", f"/embed/{ANY}"])
@pytest.mark.parametrize("origin", [CMS, "https://[2001:db8::1]:8443"])
def test_a_listed_origin_can_read(web: World, path: str, origin: str) -> None:
    answer = web.client.get(path, headers={"Origin": origin})
    assert answer.headers.getlist("Access-Control-Allow-Origin") == [origin]
    assert "Access-Control-Allow-Credentials" not in answer.headers


LOOKALIKES = [
    *("null", "*", "https://cms.example.org.evil.com", "https://cms.example.evil.com", "http://cms.example.org"),
    *("https://cms.example.org:8443", "https://CMS.example.org", "https://cmsxexample.org"),
    *("https://cms.example.org/", "https://evil.com https://cms.example.org", "https://x.cms.example.org", ""),
]


@pytest.mark.parametrize("origin", LOOKALIKES)
def test_lookalike_origins_cannot_read(web: World, origin: str) -> None:
    answer = web.client.get(f"/v1/embeds/{ANY}", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.fixture(name="guarded", scope="module")
def fixture_guarded() -> World:
    return world(cors_origins=CMS, tokens=TOKEN, **KEYS)


def test_a_listed_origin_can_search_with_a_credential(guarded: World) -> None:
    ask = {
        "Origin": CMS,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = guarded.client.options("/v1/search", headers=ask)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == CMS
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    for credential, status in [(TOKEN, 200), ("wrong", 403)]:  # a picker has to be able to read the error
        answer = guarded.client.get(SEARCH, headers={"Origin": CMS, **bearer(credential)})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == CMS
        assert "Access-Control-Allow-Credentials" not in answer.headers
        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"Link", "Retry-After", "RateLimit-Remaining", "Content-Language"} <= exposed


@pytest.mark.parametrize("origin", LOOKALIKES)
@pytest.mark.parametrize("path", [SEARCH, "/v1/countries", "/v1/grants"])
def test_lookalike_origins_cannot_search_even_with_a_credential(guarded: World, origin: str, path: str) -> None:
    method = "POST" if path == "/v1/grants" else "GET"
    ask = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    preflight = guarded.client.options(path, headers={"Origin": origin, **ask})
    answer = guarded.client.open(path, method=method, headers={"Origin": origin, **bearer(TOKEN)})
    assert answer.status_code < 300
    for one in (preflight, answer):
        assert not [name for name, _ in one.headers if name.startswith("Access-Control-Allow")]
        assert "Origin" in one.headers["Vary"]


def test_preflight(web: World) -> None:
    ask = {
        "Origin": CMS,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = web.client.options("/v1/embeds", headers=ask)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == CMS
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"]
    purge = {**ask, "Access-Control-Request-Method": "DELETE"}
    refused = web.client.options(f"/v1/embeds/{ANY}", headers=purge)
    assert "DELETE" not in refused.headers.get("Access-Control-Allow-Methods", "")


def test_without_a_list_no_other_origin_can_read() -> None:
    answer = world().client.get("/healthz", headers={"Origin": CMS})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_static_files_are_readable_by_every_page(web: World) -> None:
    def get(path: str, **headers: str) -> TestResponse:
        return web.client.get(path, headers=headers, buffered=True)

    answer = get("/static/embedkit-frame.js", Origin="https://anybody.example")
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert answer.cache_control.max_age == 3600
    assert get("/static/embedkit-frame.js", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert get(f"/static/embedkit-frame.js?v={__version__}").cache_control.immutable
    assert not get("/static/embedkit-frame.js?v=0.0.0").cache_control.immutable
    assert get(f"/static/consent/klaro.js?v={__version__}").cache_control.immutable


# -- rate limits -----------------------------------------------------------------------------------------


def test_a_client_has_a_rate_limit() -> None:
    web = world(rate_limit="3/hour")
    answers = [web.client.get("/oembed") for _ in range(4)]
    assert [one.status_code for one in answers] == [400, 400, 400, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    last = answers[-1]
    assert last.json["code"] == "throttled"
    assert last.headers["RateLimit-Limit"] == "3"
    assert 0 < int(last.headers["Retry-After"]) <= 3600
    assert last.headers["RateLimit-Reset"] == last.headers["Retry-After"]


def test_routes_share_a_rate_limit_except_some() -> None:
    web = world(rate_limit="2/hour")
    web.client.get(f"/embed/{ANY}")
    web.client.post("/v1/render", json={"content": ""})
    assert web.client.get(f"/v1/embeds/{ANY}").status_code == 429
    assert web.client.options("/v1/embeds").status_code == 200
    for free in ("/healthz", "/readyz", "/static/embedkit-frame.js"):
        assert [web.client.get(free, buffered=True).status_code for _ in range(3)] == [200] * 3


def test_clients_are_identified_by_address_not_by_headers() -> None:
    web = world(rate_limit="1/hour")
    assert web.client.get("/oembed").status_code == 400
    lie = web.client.get("/oembed", headers={"X-Forwarded-For": "192.0.2.1"})
    other = web.client.get("/oembed", environ_base={"REMOTE_ADDR": "192.0.2.2"})
    assert (lie.status_code, other.status_code) == (429, 400)


def test_a_trusted_proxy_identifies_the_client() -> None:
    web = world(rate_limit="1/hour", trusted_hops=1)

    def ask(forwarded: str) -> int:
        return web.client.get("/oembed", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.9, 192.0.2.1")] == [400, 400, 429]
    assert web.client.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
    ],
)
def test_networks_of_addresses(client: str, counted: str) -> None:
    assert network(client) == counted


def test_without_redis_each_process_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    limiter = RateLimiter(settings(cache="redis://:canary-password@127.0.0.1:1/0", rate_limit="2/hour"))
    with caplog.at_level(logging.DEBUG):
        assert [limiter.hit("192.0.2.1").allowed for _ in range(3)] == [True, True, False]
    assert "counted per process" in caplog.text
    assert "canary-password" not in caplog.text
    assert len(caplog.records) == 1


# -- rejected before any view ---------------------------------------------------------------------------------------


def test_unknown_urls_are_problems(web: World) -> None:
    answer = web.client.get("/v2/embeds/1")
    assert (answer.status_code, answer.json["code"]) == (404, "no-route")
    assert "/v1/embeds/<ref>" in answer.json["detail"]


def test_unsupported_methods_are_problems(web: World) -> None:
    answer = web.client.put("/v1/embeds")
    assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]
    assert "POST" in answer.json["detail"]


def test_a_long_query_is_rejected(web: World) -> None:
    answer = web.client.get(f"/oembed?url=1&x={'x' * 4096}")
    assert (answer.status_code, answer.json["code"]) == (414, "invalid-request")


def test_untrusted_hosts_are_rejected() -> None:
    web = world(trusted_hosts="embeds.example.org,.example.net")
    for host, status in [("embeds.example.org", 200), ("a.example.net", 200), ("evil.example", 400)]:
        answer = web.client.get("/healthz", headers={"Host": host})
        assert answer.status_code == status
    assert answer.json["code"] == "invalid-request"
    assert b"evil" not in answer.data


def test_an_unexpected_error_is_logged_and_not_revealed(
    web: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("canary-detail")

    monkeypatch.setattr(web.kit.engine, "resolve", fail)
    answer = web.client.get(f"/v1/embeds/{ANY}?not=warm")
    assert (answer.status_code, answer.json["code"]) == (500, "error")
    assert b"canary" not in answer.data
    assert "canary-detail" in caplog.text


def test_a_configuration_error_is_logged_and_not_revealed(
    web: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConfigurationError("The file /srv/canary is missing.")

    monkeypatch.setattr(web.kit.engine, "resolve", fail)
    for path in (f"/v1/embeds/{ANY}?not=warm", f"/embed/{ANY}"):
        answer = web.client.get(path)
        assert (answer.status_code, answer.json["code"]) == (500, "configuration")
        assert b"canary" not in answer.data
    assert "/srv/canary" in caplog.text


def test_a_rejected_key_is_not_the_clients_error(web: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Unauthorized("Look at the setting API_KEY.")

    monkeypatch.setattr(web.kit.engine, "resolve", fail)
    assert web.client.get(f"/v1/embeds/{ANY}?not=warm").status_code == 502


def test_an_invalid_setting_fails_at_startup() -> None:
    with pytest.raises(ConfigurationError, match="SECRET"):
        world(cache="redis://127.0.0.1:1/0", secret="")


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus '",
    "javascript:alert(1)",
    "</title></figcaption></textarea><svg onload=alert(1)>",
    "<!--><iframe srcdoc=x>",
    "&lt;b&gt; &#60;i&#62;",
    "%0d%0aSet-Cookie:x=1",
    "\r\nX-Injected: 1",
    "\u2028\u202e\x00",
]


def shape(html: str) -> set[tuple[str, tuple[str, ...]]]:
    """Return the elements and their attributes, as a browser parses them."""
    tree = html5lib.parse(html, treebuilder="etree", namespaceHTMLElements=False)
    return {(str(one.tag), tuple(sorted(one.attrib))) for one in tree.iter() if isinstance(one.tag, str)}


def everywhere(client: FlaskClient, payload: str) -> Iterator[TestResponse]:
    """Send a text everywhere that a client can, and yield the responses."""
    yield client.get("/oembed", query_string={"url": payload, payload: payload})
    yield client.get("/oembed", query_string={"url": ANY, "caption": payload, "tld": payload})
    yield client.get("/oembed", query_string={"url": ANY, "maxwidth": payload})
    yield client.get("/oembed", query_string={"url": ANY, "caption": payload})
    yield client.get(f"/v1/embeds/{ANY}", query_string={"title": payload, "caption": payload})
    yield client.get(f"/embed/{ANY}", query_string={"caption": payload})
    yield client.get(f"/embed/{quote(payload, safe='')}")
    yield client.get("/v1/search", query_string={"q": payload, "lang": payload, payload: payload})
    yield client.get("/v1/search", query_string={"q": "x", "family": payload, "orientations": payload})
    yield client.get("/v1/search", query_string={"q": "x", "color": payload})
    yield client.get(f"/v1/images/{quote(payload, safe='')}", query_string={"lang": payload})
    yield client.post("/v1/embeds", json={"refs": [payload, {"ref": ANY, "title": payload, "caption": payload}]})


def htmls(answer: TestResponse) -> list[str]:
    if answer.mimetype == "text/html":
        return [answer.text]
    found = json.loads(answer.data)
    return [item.get("html", "") for item in found.get("embeds", [found])]


@pytest.fixture(name="harmless", scope="module")
def fixture_harmless(web: World) -> list[set[tuple[str, tuple[str, ...]]]]:
    return [set().union(*map(shape, htmls(one))) for one in everywhere(web.client, "a word")]


def check(web: World, payload: str, harmless: list[set[tuple[str, tuple[str, ...]]]]) -> None:
    for answer, expected in zip(everywhere(web.client, payload), harmless, strict=True):
        assert answer.mimetype in ("application/json", "application/problem+json", "text/html")
        assert not {"X-Injected", "Set-Cookie", "Location"} & set(answer.headers.keys())
        assert answer.status_code < 500
        for html in htmls(answer):
            assert shape(html) <= expected | shape("")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_input_is_never_returned_as_markup_or_headers(web: World, payload: str, harmless: list) -> None:
    check(web, payload, harmless)


def test_the_corpus_is_never_returned_as_markup_or_headers(web: World, harmless: list) -> None:
    with gzip.open(reference_dir() / "corpora" / "xss.jsonl.gz", "rt", encoding="utf-8") as lines:
        payloads = [json.loads(line)["p"] for line in lines][::211]
    for payload in payloads:
        if len(payload) < 700:  # longer ones exceed the limits of a query or text
            check(web, payload, harmless)
