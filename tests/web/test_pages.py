"""The frame, documentation and home pages, and the OpenAPI document."""

from __future__ import annotations

import html
import json
import re
from typing import get_args
from urllib.parse import urlsplit

import pytest
from flask import Flask
from markupsafe import escape

from embedkit import Settings, create_blueprint
from embedkit.api.parameters import Orientation
from embedkit.api.requests import LANGUAGES
from embedkit.models import JSON
from embedkit.web import openapi, openapi_document
from embedkit.web.errors import CODES
from embedkit.web.health import WORKS
from embedkit.web.openapi import kind
from embedkit.web.troubles import TROUBLES
from tests.support.web import (
    ANY,
    EXAMPLE,
    FORBIDDEN,
    HOSTILE,
    PUBLIC,
    WITHDRAWN,
    World,
    world,
)


@pytest.fixture(name="web")
def fixture_web() -> World:
    return world()


def test_a_frame_page_shows_a_picture_under_its_own_policy(web: World) -> None:
    page = web.client.get(f"/embed/{EXAMPLE}")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert f"https://embed.gettyimages.com/embed/{EXAMPLE}?" in page.text
    assert '<meta name="robots" content="noindex">' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; frame-src https://embed.gettyimages.com; ")
    assert "frame-ancestors *" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=", page.text)


def test_a_frame_page_loads_only_our_files(web: World) -> None:
    page = web.client.get(f"/embed/{EXAMPLE}?target=facade").text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    names = {urlsplit(file).path.rpartition("/")[2] for file in files}
    assert names >= {"embedkit-frame.js", "embedkit-facade.js", "embedkit.css"}
    assert [web.client.get(file, buffered=True).status_code for file in files] == [200] * len(files)


def test_a_facade_loads_nothing_from_getty(web: World) -> None:
    page = web.client.get(f"/embed/{EXAMPLE}?target=facade").text
    assert "<iframe" not in page
    assert "data-ek-src=" in page


def test_other_targets_are_rejected_for_frames(web: World) -> None:
    answer = web.client.get(f"/embed/{EXAMPLE}?target=widget")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert "facade" in answer.json["detail"]


@pytest.mark.parametrize(("ref", "status"), [(WITHDRAWN, 404), (FORBIDDEN, 403)])
def test_without_a_picture_there_is_a_card_with_the_status(web: World, ref: str, status: int) -> None:
    page = web.client.get(f"/embed/{ref}")
    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert ref in page.text
    assert ("<a " in page.text) is (status != 404)  # a withdrawn picture has no page at Getty either
    assert page.headers["Cache-Control"] == "no-store"


def test_an_outage_is_a_card_with_retry_after(web: World) -> None:
    web.sandbox.faults.add("status", status=503, count=None)
    page = web.client.get(f"/embed/{ANY}")
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "<a " in page.text


def test_an_invalid_reference_is_not_repeated_to_the_reader(web: World) -> None:
    page = web.client.get("/embed/Your account is closed, call me")
    assert page.status_code == 404
    assert "account" not in page.text
    assert "not a Getty Images link or ID" in page.text


def test_on_error_raise_returns_the_error() -> None:
    answer = world(on_error="raise").client.get(f"/embed/{WITHDRAWN}")
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_hostile_text_is_escaped(web: World) -> None:
    page = web.client.get(f"/embed/{HOSTILE}").text
    title = web.kit.resolve(HOSTILE).title
    assert "<" in title
    assert title not in page
    assert re.search(r"<title>[^<]*</title>", page)


def test_a_frame_page_has_open_graph_properties(web: World) -> None:
    found = dict(
        re.findall(r'<meta property="(og:[a-z:_]+)" content="([^"]*)"', web.client.get(f"/embed/{EXAMPLE}").text)
    )
    embed = web.kit.resolve(EXAMPLE)
    assert found["og:title"] == embed.title
    assert found["og:url"] == f"{PUBLIC}/embed/{EXAMPLE}"
    assert html.unescape(found["og:image"]) == embed.thumbnail_url
    assert (found["og:image:width"], found["og:image:height"]) == ("113", "170")
    assert {"og:type", "og:site_name", "og:description", "og:image:alt"} < found.keys()
    assert "og:url" not in world(public_url="").client.get(f"/embed/{EXAMPLE}").text


@pytest.mark.parametrize("ref", [WITHDRAWN, FORBIDDEN, "nothing"])
def test_error_pages_have_no_open_graph_properties(web: World, ref: str) -> None:
    assert "og:" not in web.client.get(f"/embed/{ref}").text


def test_frame_pages_revalidate(web: World) -> None:
    first = web.client.get(f"/embed/{ANY}")
    assert not first.headers["ETag"].startswith("W/")
    again = web.client.get(f"/embed/{ANY}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "frame-ancestors *" in again.headers["Content-Security-Policy"]


# -- documentation -------------------------------------------------------------------------------------


def test_the_document_covers_all_routes(web: World) -> None:
    document = web.client.get("/openapi.json").json
    said = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in web.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint not in ("embedkit.static", "embedkit.index")
    }
    assert said == served


def test_the_document_is_complete(web: World) -> None:
    document = web.client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "https://embeds.example.org"}]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for path, methods in document["paths"].items():
        named = re.findall(r"{(\w+)}", path)
        for one in methods.values():
            assert [row["name"] for row in one["parameters"] if row["in"] == "path"] == named
            assert all(row.get("schema") for row in one["parameters"])
            assert one["summary"]


def test_the_document_describes_query_parameters() -> None:
    (url, width, *_) = openapi_document()["paths"]["/oembed"]["get"]["parameters"]
    assert (url["name"], url["required"]) == ("url", True)
    assert (width["name"], width["required"], width["schema"]) == (
        "maxwidth",
        False,
        {"type": "integer", "minimum": 1},
    )


def test_the_document_describes_search_parameters() -> None:
    search = openapi_document()["paths"]["/v1/search"]["get"]
    rows = {row["name"]: row for row in search["parameters"]}
    assert [
        name for name, row in rows.items() if row["required"]
    ] == []  # searching by photographer needs no phrase
    assert rows["embed_content_only"]["schema"]["enum"] == [True]
    assert rows["exclude_nudity"]["schema"] == {"type": "boolean", "default": True}
    assert {7, 24, 101}.isdisjoint(sizes := rows["page_size"]["schema"]["enum"])
    assert {1, 30, 100} <= set(sizes)
    assert (rows["orientations"]["style"], rows["orientations"]["explode"]) == ("form", False)
    assert set(rows["orientations"]["schema"]["items"]["enum"]) == set(get_args(Orientation))
    assert "ar" not in LANGUAGES
    assert all(language in rows["lang"]["description"] for language in LANGUAGES)


def test_the_document_describes_access() -> None:
    document = openapi_document()
    schemes = document["components"]["securitySchemes"]
    assert {(one["type"], one["scheme"]) for one in schemes.values()} == {("http", "bearer")}
    guarded = {
        (method.upper(), path): [name for need in one["security"] for name in need]
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if "security" in one
    }
    assert guarded == {
        ("GET", "/v1/search"): ["token", "grant"],
        ("GET", "/v1/images/{id}"): ["token", "grant"],
        ("GET", "/v1/countries"): ["token", "grant"],
        ("GET", "/v1/events"): ["token", "grant"],
        ("GET", "/v1/boards"): ["token", "grant"],
        ("GET", "/v1/boards/{id}"): ["token", "grant"],
        ("POST", "/v1/grants"): ["token"],
        ("DELETE", "/v1/embeds/{ref}"): ["admin"],
        ("GET", "/metrics"): ["admin", "token"],
    }
    assert {name for names in guarded.values() for name in names} == set(schemes)
    for method, path in guarded:
        answers = document["paths"][path][method.lower()]["responses"]
        assert {"401", "403"} <= set(answers)
    assert "not-configured" in document["paths"]["/v1/search"]["get"]["responses"]["503"]["description"]


def test_every_code_is_documented(web: World) -> None:
    page = web.client.get("/docs").text
    for code in CODES:
        section = page.partition(f'id="error-{code}"')[2].partition("</div>")[0]
        for text in TROUBLES[code]:
            assert text
            assert str(escape(text)) in section
    answer = web.client.get("/oembed")
    assert answer.json["type"] == f"/docs#error-{answer.json['code']}"


def test_the_documentation_page_lists_every_route_and_field(web: World) -> None:
    page = web.client.get("/docs").text
    for route in openapi.ROUTES:
        assert f"<code>{openapi.path(route)}</code>" in page
        guarded = route.access != "open"
        sample = page.partition(f'id="{route.endpoint}"')[2].partition("</article>")[0].partition("<pre")[2]
        assert ("Authorization: Bearer" in sample.partition("</pre>")[0]) is guarded
    for name in ("maxwidth", "refs", "content", "cache_age", "photographer", "orientations", "related", "grant"):
        assert f"<code>{name}</code>" in page


@pytest.mark.parametrize("path", ["/docs", "/"])
def test_pages_load_nothing_from_other_hosts(web: World, path: str) -> None:
    page = web.client.get(path)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert re.findall(r"<(?:script|img|iframe)\b", page.text) == []
    assert all(link.startswith("/static/") for link in re.findall(r'<link[^>]* href="([^"]+)"', page.text))


def test_the_home_page_has_links(web: World) -> None:
    links = re.findall(r'<a href="([^"]+)"', web.client.get("/").text)
    assert len(links) == 7
    assert {web.client.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


def test_browsers_get_a_page_for_unknown_urls(web: World) -> None:
    page = web.client.get("/nothing", headers=BROWSER)
    assert (page.status_code, page.mimetype, page.headers["Cache-Control"]) == (404, "text/html", "no-store")
    assert "<h1>Page not found</h1>" in page.text
    assert re.findall(r'<a href="([^"]+)"', page.text) == ["/", "/docs", "/picker", "/readyz"]
    assert "Accept" in page.vary


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/html"])
def test_programs_get_a_problem_for_unknown_urls(web: World, accept: str) -> None:
    answer = web.client.get("/nothing", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["code"] == "no-route"
    assert "Accept" in answer.vary


def test_pages_of_a_blueprint_have_no_home_link() -> None:
    site = Flask("site")
    site.register_blueprint(create_blueprint(settings=Settings(cache="memory:")), url_prefix="/getty")
    page = site.test_client().get("/getty/readyz", headers=BROWSER)
    assert re.findall(r'<a href="([^"]+)"', page.text) == ["/getty/docs", "/getty/picker"]
    assert 'href="/getty/static/embedkit-pages.css?' in page.text


def test_a_templates_folder_takes_precedence(tmp_path) -> None:
    (tmp_path / "embedkit").mkdir()
    (tmp_path / "embedkit" / "home.html").write_text("Welcome <b>{{ links.docs }}</b>")
    assert world(templates=str(tmp_path)).client.get("/").text == "Welcome <b>/docs</b>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/X"}]}, "string or X"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({}, "any"),
    ],
)
def test_types_in_words(schema: dict[str, object], words: str) -> None:
    assert kind(schema) == words


# -- operation -----------------------------------------------------------------------------------------


def test_health_and_readiness(web: World) -> None:
    assert web.client.get("/healthz").json == {"status": "ok"}
    ready = web.client.get("/readyz")
    assert (ready.status_code, ready.json["status"], ready.json["cache"]) == (200, "ok", "ok")
    assert ready.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("cache", "breaker", "status", "code"),
    [
        ("ok", "closed", "ok", 200),
        ("ok", "half-open", "ok", 200),
        ("ok", "open", "degraded", 200),
        ("bypassed", "closed", "degraded", 200),
        ("bypassed", "open", "unavailable", 503),
    ],
)
@pytest.mark.parametrize("lane", ["api", "token"])
@pytest.mark.parametrize(
    "search", [{}, {"breaker": "open"}, {"throttled": "quota-exhausted", "retry_after": 900.0}]
)
def test_readiness_depends_on_cache_and_getty(
    web: World,
    monkeypatch: pytest.MonkeyPatch,
    cache: str,
    breaker: str,
    status: str,
    code: int,
    lane: str,
    search: JSON,
) -> None:
    upstream = {"oembed": {"breaker": breaker}, **({lane: search} if search else {})}
    monkeypatch.setattr(web.kit, "status", lambda: {"cache": cache, "upstream": upstream})
    answer = web.client.get("/readyz")
    page = web.client.get("/readyz", headers=BROWSER)
    assert answer.status_code == page.status_code == code  # whatever the state of search
    assert answer.json["status"] == ("degraded" if search and status == "ok" else status)
    assert answer.json["upstream"] == upstream
    title = {"ok": "All systems operational", "degraded": "Degraded", "unavailable": "Unavailable"}[
        answer.json["status"]
    ]
    assert f"<h1>{title}</h1>" in page.text


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"cache": "ok"}, [WORKS, WORKS, WORKS]),
        ({"cache": "degraded"}, [WORKS, WORKS, "Read-only: writes are failing"]),
        ({"cache": "down", "oembed": {"breaker": "open"}}, ["Unreachable", WORKS, "Unreachable"]),
        (
            {"cache": "ok", "oembed": {"throttled": "rate"}},
            ["Rate limited: works again in a moment", WORKS, WORKS],
        ),
        ({"cache": "ok", "api": {"throttled": "quota-exhausted"}}, [WORKS, "Today's quota is used up", WORKS]),
        ({"cache": "ok", "token": {"breaker": "open"}}, [WORKS, "Unreachable", WORKS]),
    ],
)
def test_the_status_page_lists_each_part(
    monkeypatch: pytest.MonkeyPatch, found: JSON, expected: list[str]
) -> None:
    web = world(api_key="key")
    upstream = {name: lane for name, lane in found.items() if name != "cache"}
    monkeypatch.setattr(web.kit, "status", lambda: {"cache": found["cache"], "upstream": upstream})
    page = web.client.get("/readyz", headers=BROWSER)
    assert (page.mimetype, page.headers["Cache-Control"]) == ("text/html", "no-store")
    assert "Accept" in page.vary
    assert [html.unescape(text) for text in re.findall(r"<dd[^>]*>(.*?)</dd>", page.text)] == expected
    assert page.text.count('class="ekp-bad"') == 3 - expected.count(WORKS)


def test_the_status_page_shows_that_search_is_off() -> None:
    page = world().client.get("/readyz", headers=BROWSER).text
    assert "<dd>Off: EMBEDKIT_API_KEY is not set</dd>" in page
