"""The picker's page without JavaScript: results, messages, framing and access to search."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest
from flask import Flask

from embedkit import create_blueprint
from embedkit.api.parameters import PAGE_SIZES
from embedkit.files.installed import static_dir
from embedkit.web import picker
from embedkit.web.picker_files import picker_files
from tests.support.embeds import HOSTILE, elements, skeleton
from tests.support.web import (
    KEYS,
    TOKEN,
    World,
    bearer,
    kit,
    world,
)

OTHERS = "https://cms.example.org,https://blog.example.org:8443"


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(search_access="open", picker_origins=OTHERS, **KEYS)


def shown(web: World, query: str = "", **said: str) -> str:
    response = web.client.get(f"/picker{query}", headers=said)
    assert response.status_code == 200, response.text
    return response.text


def test_before_a_search_the_page_asks_for_one(web: World) -> None:
    page = shown(web)
    assert web.sandbox.count("v3") == 0
    assert '<input type="search" name="q" value=""' in page
    assert "<ol" not in page
    assert 'role="alert"' not in page


def test_a_search_shows_pictures_credits_and_shortcodes(web: World) -> None:
    page = shown(web, "?q=solar+eclipse&orientations=horizontal&lang=en")
    found = web.client.get("/v1/search?q=solar+eclipse&orientations=horizontal&page_size=25&lang=en").json
    assert found["total"] > 25
    assert re.findall(r"<code>(.*?)</code>", page) == [image["shortcode"] for image in found["images"]]
    assert all(
        f"<p>{image['credit']['line']}</p>" in page
        for image in found["images"]
        if "&" not in image["credit"]["line"]
    )
    assert page.count("<img ") == 25
    assert f"1–25 of {found['total']}" in page
    html5lib.HTMLParser(strict=True).parse(page)


def test_the_pager_keeps_all_parameters(web: World) -> None:
    page = shown(web, "?q=city&sort_order=newest&lang=de&page=2&host=tinymce&nonce=n1")
    before, after = (str(one.get("href")) for one in elements(page) if one.get("rel") in ("previous", "next"))
    assert parse_qs(urlsplit(before).query) == {
        "q": ["city"], "sort_order": ["newest"], "lang": ["de"], "host": ["tinymce"], "nonce": ["n1"], "page": ["1"],
    }  # fmt: skip
    assert "page=3" in after
    assert 'rel="previous"' not in shown(web, "?q=city&page=1")


def test_the_form_keeps_hidden_parameters(web: World) -> None:
    page = shown(web, "?q=city&family=creative&lang=fr&origin=https://cms.example.org&nonce=n1")
    hidden = {one.get("name"): one.get("value") for one in elements(page) if one.get("type") == "hidden"}
    assert hidden == {"lang": "fr", "origin": "https://cms.example.org", "nonce": "n1"}
    assert '<option value="creative" selected>' in page


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?q=city&family=none", "family: invalid value"),
        ("?q=city&orientations=round", "orientations: invalid value"),
        ("?q=city&sort_order=oldest", "oldest"),
        ("?q=city&page=0", "page: "),
    ],
)
def test_an_invalid_query_is_shown_on_the_page(web: World, query: str, message: str) -> None:
    response = web.client.get(f"/picker{query}")
    assert response.status_code == 400
    assert response.mimetype == "text/html"
    alert = next(one for one in elements(response.text) if one.get("role") == "alert")
    assert message in "".join(alert.itertext())


def test_no_results_are_reported(web: World) -> None:
    page = shown(web, "?q=qwxzzk&lang=en")
    assert "Nothing found for “qwxzzk”" in page
    assert "Try different words, or fewer." in page
    assert "Copy the shortcode below a picture" not in page


@pytest.mark.parametrize(
    ("query", "shortcode"),
    [
        ("https://gty.im/74917285", "[getty 74917285]"),
        ("gty.im/74917285", "[getty 74917285]"),
        ("https://www.gettyimages.de/detail/foto/x/74917285", "[getty 74917285]"),
        ("74917285", "[getty 74917285]"),
        ("id: 74917285", "[getty 74917285]"),
        ("#74917285", "[getty 74917285]"),
        ("200305801-001", "[getty 200305801-001]"),
        ("[getty 74917285 width=300]", "[getty 74917285]"),
        ("1131502286, 1226009144", "[getty 1131502286,1226009144]"),
        ("<a class='gie-single' href='http://www.gettyimages.com/detail/74917285'>x</a>", "[getty 74917285]"),
    ],
)
def test_a_reference_is_resolved_without_a_key_or_a_login(query: str, shortcode: str) -> None:
    web = world(tokens=TOKEN)
    response = web.client.get("/picker", query_string={"q": query, "lang": "en"})
    assert response.status_code == 200
    assert re.findall(r"<code>(.*?)</code>", response.text) == [shortcode]
    assert "1 picture found" in response.text
    assert "Getty Images</p>" in response.text
    assert web.sandbox.count("v3") == 0
    html5lib.HTMLParser(strict=True).parse(response.text)


@pytest.mark.parametrize("query", ["2024", "covid-19", "B52s", "24/7 news", "city no. 5", "a < b"])
def test_other_text_is_a_search_phrase(web: World, query: str) -> None:
    before = web.sandbox.count("v3")
    web.client.get("/picker", query_string={"q": query})
    assert web.sandbox.count("v3") > before


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("https://example.org/1", 404, "That's not a Getty Images link or ID. Paste the URL"),
        ("500000404", 404, "This picture is no longer available. It was withdrawn"),
        ("500000403", 403, "This picture can't be embedded. "),
    ],
)
def test_an_unresolvable_reference_gets_advice(web: World, query: str, status: int, message: str) -> None:
    response = web.client.get("/picker", query_string={"q": query, "lang": "en"})
    assert response.status_code == status
    alert = next(one for one in elements(response.text) if one.get("role") == "alert")
    assert message in "".join(alert.itertext())


@pytest.mark.parametrize("text", HOSTILE)
def test_the_query_is_escaped(web: World, text: str) -> None:
    plain = skeleton(shown(web, "?q=qwxzzk"))
    response = web.client.get("/picker", query_string={"q": text[:300], "nonce": text[:200], "origin": text[:300]})
    assert response.status_code in (200, 400, 404)
    added = {tag for tag, _ in skeleton(response.text)} - {tag for tag, _ in plain}
    assert added <= {"ol", "li", "a", "b", "img", "code", "nav"}  # some of the texts have results
    names = {name for _, attributes in skeleton(response.text) for name in attributes}
    assert not any(name.startswith("on") or name == "style" for name in names)


@pytest.mark.parametrize(
    ("query", "accepts", "language"),
    [
        ("", "", "en"),
        ("", "de-AT,en;q=0.5", "de"),
        ("?lang=pt", "de", "pt-BR"),
        ("?lang=ar", "", "ar"),
        ("?lang=tlh", "de", "en"),
        ("", "tlh, ja;q=0.5", "ja"),
    ],
)
def test_the_page_is_in_the_readers_language(web: World, query: str, accepts: str, language: str) -> None:
    response = web.client.get(f"/picker{query}", headers={"Accept-Language": accepts})
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in response.text
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


def test_only_listed_origins_can_frame_the_page(web: World) -> None:
    policy = web.client.get("/picker").headers["Content-Security-Policy"]
    assert "frame-ancestors https://cms.example.org https://blog.example.org:8443;" in policy
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self';" in world().client.get("/picker").headers["Content-Security-Policy"]


def test_the_page_has_an_opener_and_sends_no_referrer(web: World) -> None:
    headers = web.client.get("/picker").headers
    assert "Cross-Origin-Opener-Policy" not in headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_the_page_enforces_search_access() -> None:
    web = world(tokens=TOKEN, **KEYS)
    assert web.client.get("/picker").status_code == 200
    refused = web.client.get("/picker?q=city")
    assert refused.status_code == 401
    assert "Search requires a token" in refused.text
    assert web.client.get(f"/picker?q=city&grant={TOKEN}").status_code == 401  # a token is not accepted there
    assert web.sandbox.count("v3") == 0
    grant = web.client.post("/v1/grants", headers=bearer(TOKEN)).json["grant"]
    page = web.client.get("/picker", query_string={"q": "city", "grant": grant})
    assert page.status_code == 200
    assert page.text.count("<code>") == 25
    assert TOKEN not in page.text


def test_without_a_key_the_page_names_the_setting() -> None:
    response = world(search_access="open").client.get("/picker?q=city")
    assert response.status_code == 503
    assert "EMBEDKIT_API_KEY" in response.text


def test_an_outage_is_shown_with_retry_after(web: World) -> None:
    web.sandbox.faults.add("throttle", route="v3", count=None)
    try:
        response = web.client.get("/picker?q=never+asked+before")
    finally:
        web.sandbox.faults.clear()
    assert response.status_code == 429
    assert 'role="alert"' in response.text


# -- the files of the element --------------------------------------------------------------------------------


def test_the_page_lists_every_module_with_its_hash(web: World) -> None:
    page = shown(web)
    named = re.findall(r'(?:href|src)="/static/(picker-\w+)/([^"]+)" integrity="([^"]+)">', page)
    files = picker_files()
    expected = [files.modules["embedkit-picker.js"], *files.imported, files.modules["embedkit-picker-page.js"]]
    assert named == [(files.folder, module.name, module.integrity) for module in expected]
    assert page.index("modulepreload") < page.index("<script")


@pytest.mark.parametrize("name", sorted(picker_files().contents))
def test_a_release_is_cached_forever(web: World, name: str) -> None:
    path = f"/static/{picker_files().folder}/{name}"
    response = web.client.get(path, headers={"Origin": "https://anybody.example"})
    assert response.data == (static_dir() / name).read_bytes()
    kind = {"js": "text/javascript", "css": "text/css", "json": "application/json"}[name.rpartition(".")[2]]
    assert response.mimetype == kind
    assert response.cache_control.immutable
    assert response.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = web.client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert web.client.head(path).headers["Content-Length"] == str(len(response.data))


@pytest.mark.parametrize(
    "path", ["embedkit-picker.js", "embedkit-picker.js?v=0.1.0", "picker-0123/embedkit-picker.js"]
)
def test_other_picker_urls_redirect_to_this_release(web: World, path: str) -> None:
    response = web.client.get(f"/static/{path}")
    assert response.status_code == 302
    assert response.headers["Location"] == f"/static/{picker_files().folder}/embedkit-picker.js"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "picker-0123456789abcdef/picker/model.js",
        "picker-0123456789abcdef/embedkit-picker.css",
        f"{picker_files().folder}/embedkit-facade.js",
        f"{picker_files().folder}/",
        "picker-../embedkit-picker.js",
    ],
)
def test_files_of_other_releases_are_not_found(web: World, path: str) -> None:
    assert web.client.get(f"/static/{path}").status_code == 404


def test_the_picker_works_below_a_prefix() -> None:
    app = Flask("host")
    app.register_blueprint(create_blueprint(kit(), url_prefix="/getty"))
    client = app.test_client()
    leads = client.get("/getty/static/embedkit-picker.js").headers["Location"]
    assert leads == f"/getty/static/{picker_files().folder}/embedkit-picker.js"
    assert client.get(leads).status_code == 200
    assert f'href="/getty/static/{picker_files().folder}/picker/model.js"' in client.get("/getty/picker").text


def test_the_pickers_page_size_is_supported_by_getty() -> None:
    script = (static_dir() / "picker" / "model.js").read_text("utf-8")
    listed = re.search(r"PAGE_SIZES = \[([0-9, ]+)\]", script)
    assert listed
    assert tuple(map(int, listed[1].split(", "))) == PAGE_SIZES
    assert picker.PAGE_SIZE in PAGE_SIZES
