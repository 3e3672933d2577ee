"""/oembed and /oembed/providers.json."""

from __future__ import annotations

import fnmatch
import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from embedkit.web import embeds
from tests.support.web import (
    ANY,
    EXAMPLE,
    FORBIDDEN,
    PUBLIC,
    WITHDRAWN,
    World,
    world,
)

KEYS = [
    *("type", "version", "height", "width", "html", "title", "caption", "photographer", "collection"),
    *("thumbnail_url", "thumbnail_height", "thumbnail_width", "terms_of_use_url"),
    *("provider_name", "provider_url", "author_name", "cache_age"),
]


@pytest.fixture(name="web")
def fixture_web() -> World:
    return world()


def ask(web: World, **query: object):
    return web.client.get("/oembed", query_string=query)


def test_responses_have_the_keys_of_getty_and_of_oembed(web: World) -> None:
    answer = ask(web, url=f"https://gty.im/{EXAMPLE}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    found = answer.json
    assert sorted(found) == sorted(KEYS)
    assert (found["type"], found["version"]) == ("rich", "1.0")
    assert (found["width"], found["height"]) == (395, 594)
    assert (found["provider_name"], found["provider_url"]) == ("Getty Images", "https://www.gettyimages.com")
    assert found["author_name"] == found["photographer"] != ""
    assert isinstance(found["cache_age"], int)
    assert 0 < found["cache_age"] <= 7 * 86_400 * 1.1


def test_html_is_one_frame_without_script(web: World) -> None:
    markup = ask(web, url=f"https://gty.im/{EXAMPLE}").json["html"]
    assert markup.count("<iframe") == 1
    assert "<script" not in markup
    assert f"https://embed.gettyimages.com/embed/{EXAMPLE}?" in markup


def test_unknown_parameters_are_ignored(web: World) -> None:
    plain = ask(web, url=EXAMPLE)
    wordpress = ask(web, url=EXAMPLE, dnt=1, format="json", maxwidth="", nonsense="<b>", callback="alert")
    assert wordpress.status_code == 200
    assert wordpress.json["html"] == plain.json["html"]
    assert not wordpress.data.startswith(b"alert")


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ({"maxwidth": 300}, (300, 200)),
        ({"maxheight": 100}, (150, 100)),
        ({"maxwidth": 500, "maxheight": 750}, (500, 333)),
        ({"maxwidth": 99_999_999}, None),
    ],
)
def test_sizes_are_limits(web: World, query: dict[str, int], size: tuple[int, int] | None) -> None:
    found = ask(web, url="https://gty.im/600000002", **query).json
    ratio = found["width"] / found["height"]
    assert found["width"] <= query.get("maxwidth", 10_000)
    assert found["height"] <= query.get("maxheight", 10_000)
    full = ask(web, url="https://gty.im/600000002").json
    assert ratio == pytest.approx(full["width"] / full["height"], rel=0.02)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": ANY, "maxwidth": "wide"}, "maxwidth: expected a whole number"),
        ({"url": ANY, "maxwidth": "0"}, "maxwidth: expected a whole number >= 1"),
        ({"url": ANY, "maxheight": "-4"}, "maxheight"),
        ({"url": ANY, "tld": "evil"}, "co.uk"),
        ({"url": "x" * 4001}, "url"),
        ({}, '"url" is missing.'),
    ],
)
def test_an_invalid_query_gets_advice(web: World, query: dict[str, str], message: str) -> None:
    answer = ask(web, **query)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert answer.mimetype == "application/problem+json"
    assert message in answer.json["detail"]


THUMBNAIL = {"thumbnail_url", "thumbnail_width", "thumbnail_height"}


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ({}, True),
        ({"maxwidth": 113}, True),
        ({"maxwidth": 113, "maxheight": 170}, True),
        ({"maxwidth": 112}, False),
        ({"maxheight": 169}, False),
        ({"maxwidth": 100, "maxheight": 100}, False),
    ],
)
def test_a_thumbnail_respects_the_limits(web: World, query: dict[str, int], there: bool) -> None:
    found = ask(web, url=f"https://gty.im/{EXAMPLE}", **query).json
    assert found.keys() & THUMBNAIL == (THUMBNAIL if there else set())
    assert not there or (found["thumbnail_width"], found["thumbnail_height"]) == (113, 170)


# -- pages of this service ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        f"{PUBLIC}/embed/{EXAMPLE}",
        f"http://embeds.example.org/embed/{EXAMPLE}",
        f"https://EMBEDS.example.org:443/embed/{EXAMPLE}#top",
        f"{PUBLIC}/embed/{EXAMPLE}?target=facade&utm_source=feed",
    ],
)
def test_a_page_of_this_service_resolves_to_its_picture(web: World, url: str) -> None:
    answer = ask(web, url=url, maxwidth=300)
    assert answer.status_code == 200
    plain = ask(web, url=f"https://gty.im/{EXAMPLE}", maxwidth=300)
    # a second might have passed between the two
    assert {**answer.json, "cache_age": 0} == {**plain.json, "cache_age": 0}
    assert answer.json["html"].startswith("<iframe")


def test_the_pages_query_applies_by_default(web: World) -> None:
    page = f"{PUBLIC}/embed/{EXAMPLE}?maxheight=200&caption=true"
    assert ask(web, url=page).json["height"] == 200
    assert "caption=true" in ask(web, url=page).json["html"]
    assert ask(web, url=page, maxheight=100).json["height"] == 100
    wrong = ask(web, url=f"{PUBLIC}/embed/{EXAMPLE}?maxheight=tall")
    assert (wrong.status_code, wrong.json["code"]) == (400, "invalid-request")


def test_a_page_can_show_several_pictures(web: World) -> None:
    for comma in (",", "%2C"):
        markup = ask(web, url=f"{PUBLIC}/embed/600000001{comma}600000002").json["html"]
        assert "/embed/600000001,600000002?" in markup


@pytest.mark.parametrize(
    "url",
    [
        f"https://other.example.org/embed/{EXAMPLE}",
        f"https://embeds.example.org.evil.example/embed/{EXAMPLE}",
        f"https://embeds.example.org:8443/embed/{EXAMPLE}",
        f"https://embeds.example.org@evil.example/embed/{EXAMPLE}",
        f"https://user@embeds.example.org/embed/{EXAMPLE}",
        f"https://embeds.example.org\\@evil.example/embed/{EXAMPLE}",
        f"{PUBLIC}/getty/embed/{EXAMPLE}",
        f"{PUBLIC}/embed/x/{EXAMPLE}",
        f"{PUBLIC}/embed/{EXAMPLE}/",
        f"{PUBLIC}/embed/",
        f"{PUBLIC}/embed/https:%2F%2Fgty.im%2F{EXAMPLE}",
        f"{PUBLIC}/picker",
        f"ftp://embeds.example.org/embed/{EXAMPLE}",
        f"https://[embeds.example.org/embed/{EXAMPLE}",
        f"https://embeds.example.org:99999/embed/{EXAMPLE}",
    ],
)
def test_pages_of_other_services_are_rejected(web: World, url: str) -> None:
    for host in ("embeds.example.org", "other.example.org"):  # whatever Host the client sends
        answer = web.client.get("/oembed", query_string={"url": url}, headers={"Host": host})
        assert (answer.status_code, answer.json["code"]) == (404, "unsupported")


def test_public_url_can_have_a_path_and_a_port() -> None:
    web = world(public_url="http://localhost:8080/getty")
    assert ask(web, url=f"http://localhost:8080/getty/embed/{EXAMPLE}").status_code == 200
    assert ask(web, url=f"http://localhost/getty/embed/{EXAMPLE}").status_code == 404
    assert ask(web, url=f"http://localhost:8080/embed/{EXAMPLE}").status_code == 404


def test_without_public_url_pages_are_rejected_with_the_setting() -> None:
    web = world(public_url="")
    url = f"http://localhost/embed/{EXAMPLE}"
    answer = web.client.get("/oembed", query_string={"url": url}, headers={"Host": "localhost"})
    assert (answer.status_code, answer.json["code"]) == (404, "unsupported")
    assert "EMBEDKIT_PUBLIC_URL" in answer.json["detail"]
    elsewhere = ask(web, url="https://evil.example/posts/1")
    assert "EMBEDKIT_PUBLIC_URL" not in elsewhere.json["detail"]


def test_discovery_finds_a_pages_embed(web: World) -> None:
    page = web.client.get(f"/embed/{EXAMPLE}?maxwidth=300&caption=false").text
    (link,) = re.findall(r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)"', page)
    parts = urlsplit(html.unescape(link))
    assert f"{parts.scheme}://{parts.netloc}" == PUBLIC
    found = web.client.get(f"{parts.path}?{parts.query}").json
    assert (found["width"], found["type"]) == (300, "rich")
    assert found["html"].startswith("<iframe")
    own = re.findall(r'<meta property="og:url" content="([^"]+)"', page)
    assert ask(web, url=own[0]).json["title"] == found["title"]


@pytest.mark.parametrize(
    ("form", "path"),
    [("a picture", f"/oembed?url={EXAMPLE}"), ("a list", "/oembed/providers.json"), ("an error", "/oembed")],
)
@pytest.mark.parametrize("origins", ["", "https://cms.example.org"])
def test_oembed_is_readable_by_every_page(form: str, path: str, origins: str) -> None:
    client = world(cors_origins=origins).client
    for origin in ("https://anybody.example", "https://cms.example.org", "null", None):
        for _ in range(2):  # the second is from the response cache
            answer = client.get(path, headers={"Origin": origin} if origin else {})
            assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
            assert "Access-Control-Allow-Credentials" not in answer.headers


def test_credentials_are_never_allowed_across_origins(web: World) -> None:
    ask = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    answer = web.client.options("/oembed", headers={"Origin": "https://anybody.example", **ask})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "If-None-Match"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", [f"/v1/embeds/{EXAMPLE}", f"/embed/{EXAMPLE}", "/openapi.json", "/docs"])
def test_no_other_route_is_readable_by_every_page(web: World, path: str) -> None:
    answer = web.client.get(path, headers={"Origin": "https://anybody.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("form", ["xml", "html", "jsonp"])
def test_other_formats_are_not_implemented(web: World, form: str) -> None:
    answer = ask(web, url=ANY, format=form)
    assert (answer.status_code, answer.json["code"]) == (501, "unsupported-format")


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://evil.example/gty.im/1", 404, "unsupported"),
        ("http://evil.example\\@gty.im/1", 404, "unsupported"),
        (f"https://gty.im/{WITHDRAWN}", 404, "not-found"),
        (f"https://gty.im/{FORBIDDEN}", 403, "not-embeddable"),
    ],
)
def test_errors_are_problems(web: World, url: str, status: int, code: str) -> None:
    answer = ask(web, url=url)
    assert (answer.status_code, answer.json["status"], answer.json["code"]) == (status, status, code)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["title"]
    assert answer.json["detail"]


def test_an_outage_has_retry_after(web: World) -> None:
    web.sandbox.faults.add("status", status=503, count=None)
    answer = ask(web, url=f"https://gty.im/{ANY}")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_copy_is_fetched_once_and_revalidates(web: World) -> None:
    first = ask(web, url=f"https://gty.im/{ANY}")
    again = web.client.get(
        "/oembed", query_string={"url": f"https://gty.im/{ANY}"}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "max-age=" in again.headers["Cache-Control"]
    assert again.headers["X-Content-Type-Options"] == "nosniff"


def test_lifetime_is_that_of_the_copy(web: World) -> None:
    answer = ask(web, url=ANY)
    policy = answer.headers["Cache-Control"]
    assert policy.startswith("public, max-age=")
    assert answer.cache_control.max_age <= min(86_400, answer.json["cache_age"])
    assert "stale-while-revalidate=86400" in policy
    assert "stale-if-error=2592000" in policy


def test_head_is_get_without_the_body(web: World) -> None:
    head = web.client.head("/oembed", query_string={"url": ANY})
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == ask(web, url=ANY).headers["ETag"]


def test_the_provider_list_points_to_this_service(web: World) -> None:
    answer = web.client.get("/oembed/providers.json")
    (provider,) = answer.json
    (endpoint,) = provider["endpoints"]
    assert endpoint["url"] == f"{PUBLIC}/oembed"
    assert endpoint["formats"] == ["json"]
    assert endpoint["discovery"] is True
    assert [scheme for scheme in endpoint["schemes"] if scheme.startswith(PUBLIC)] == [f"{PUBLIC}/embed/*"]
    assert len(set(endpoint["schemes"])) == len(endpoint["schemes"])


@pytest.mark.parametrize(
    "address",
    [
        "https://gty.im/74917285",
        "http://www.gty.im/a0075-000067a",
        "https://gty.im/600000001,600000002",
        "https://www.gettyimages.com/detail/74917285",
        "https://www.gettyimages.co.uk/detail/news-photo/some-words/74917285?adppopup=true",
        "http://www.gettyimages.de/detail/nachrichtenfoto/worte/74917285",
        "https://gettyimages.com.au/license/74917285",
        "https://www.gettyimages.com/event/a-show-1234#words-picture-id589521390",
        "https://media.gettyimages.com/id/74917285/photo/words.jpg?s=612x612",
        "https://media.gettyimages.com/photos/words-picture-id74917285",
        "https://embed.gettyimages.com/embed/74917285?et=a&sig=b",
    ],
)
def test_schemes_cover_every_form_of_url(web: World, address: str) -> None:
    assert any(fnmatch.fnmatch(address, scheme) for scheme in embeds.schemes())
    web.kit.parse(address)


@pytest.mark.parametrize(
    "address", ["https://gty.im.evil.example/1", "https://www.gettyimages.com/photos/eclipse"]
)
def test_schemes_cover_nothing_else(address: str) -> None:
    assert not any(fnmatch.fnmatch(address, scheme) for scheme in embeds.schemes())


def test_without_public_url_host_is_used_only_on_loopback_or_if_trusted() -> None:
    open_one, checked = world(public_url=""), world(public_url="", trusted_hosts="embeds.example.net")
    evil = open_one.client.get("/oembed/providers.json", headers={"Host": "evil.example"})
    assert (evil.status_code, evil.json["code"]) == (500, "configuration")
    assert "EMBEDKIT_PUBLIC_URL" in evil.json["detail"]
    assert b"evil.example" not in evil.data
    local = open_one.client.get("/oembed/providers.json", headers={"Host": "127.0.0.1:8080"})
    assert local.json[0]["endpoints"][0]["url"] == "http://127.0.0.1:8080/oembed"
    assert local.headers["Cache-Control"] == "no-store"
    known = checked.client.get("/oembed/providers.json", headers={"Host": "embeds.example.net"})
    assert known.json[0]["endpoints"][0]["url"] == "http://embeds.example.net/oembed"


def test_a_frame_page_links_to_this_endpoint(web: World) -> None:
    page = web.client.get(f"/embed/{ANY}").text
    href = page.split('type="application/json+oembed" href="')[1].split('"')[0].replace("&amp;", "&")
    assert href.startswith(f"{PUBLIC}/oembed?")
    assert parse_qs(urlsplit(href).query)["url"] == [f"https://gty.im/{ANY}"]
    assert json.loads(web.client.get(href.removeprefix(PUBLIC)).data)["type"] == "rich"
