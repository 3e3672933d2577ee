"""Host and X-Forwarded-*: no cacheable response contains values from these headers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import html5lib
import pytest

from embedkit.web.openapi import ROUTES
from tests.support.web import (
    ANY,
    EXAMPLE,
    KEYS,
    PUBLIC,
    SEARCH,
    TOKEN,
    WITHDRAWN,
    World,
    bearer,
    world,
)

EVIL = "canary-host.example"
PORT = "65431"
A_PORT = re.compile(rf"(?<![\w.]){PORT}(?!\w)")  # the number alone: timestamps and hashes can contain its digits
SAID = {
    "Host": EVIL,
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Prefix": f"/{EVIL}",
    "X-Forwarded-Port": PORT,
    "X-Forwarded-Proto": "https",
    "X-Original-URL": f"/{EVIL}",
    "X-Rewrite-URL": f"/{EVIL}",
    "X-Script-Name": f"/{EVIL}",
    "Forwarded": f'host="{EVIL}";proto=https',
    "Referer": f"https://{EVIL}/",
    "X-Request-ID": "the-same",
    "Origin": f"https://{EVIL}",
}
PATHS = (
    *("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/picker", "/oembed/providers.json", "/robots.txt"),
    *("/metrics", "/.well-known/security.txt"),
    *("/static/embedkit.css", "/static/embedkit-picker.js", "/static/nothing", "/static", "/static/"),
    *(
        f"/oembed?url=https://gty.im/{ANY}",
        f"/oembed?url=https://gty.im/{WITHDRAWN}",
        "/oembed",
        "/oembed?format=xml",
    ),
    *(f"/embed/{EXAMPLE}", f"/embed/{WITHDRAWN}", "/embed/nonsense", f"/embed/{EXAMPLE}?target=facade", "/embed/"),
    *(
        f"/v1/embeds/{EXAMPLE}?target={target}"
        for target in ("web", "facade", "widget", "oembed", "amp", "jsonld")
    ),
    *(
        f"/v1/embeds/{WITHDRAWN}",
        "/v1/embeds/x",
        SEARCH,
        f"/v1/images/{EXAMPLE}",
        "/v1/countries",
        "/v1/events?q=eclipse",
        "/v1/boards",
        "/v1/boards/1",
        "/picker?q=dawn",
    ),
    *("//", "/docs/", "//docs", "/v1//embeds", "/nothing", "/embed//1", "/.", "/%2e%2e/"),
)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")


def every_web() -> list[World]:
    more = {"metrics": "open", "contact": "mailto:security@example.org"}
    plain = {"tokens": TOKEN, **KEYS, **more}
    return [
        world(public_url="", **plain),
        world(**plain),
        world(public_url="", trusted_hops=1, **plain),
        world(public_url="", trusted_hosts=EVIL, **plain),
        world(public_url="", trusted_hosts=EVIL, trusted_hops=1, search_access="open", **KEYS),
    ]


@pytest.mark.parametrize("number", range(len(every_web())))
def test_no_answer_repeats_them(number: int) -> None:
    web = every_web()[number]
    for path in PATHS:
        for method in METHODS:
            json = {"refs": [ANY], "content": f"[getty {ANY}]"} if method == "POST" else None
            answer = web.client.open(
                path, method=method, headers={**SAID, **bearer(TOKEN)}, json=json, buffered=True
            )
            said = f"{answer.headers}\n{answer.get_data(as_text=True)}".lower()
            kept = answer.headers.get("Cache-Control") != "no-store"
            if EVIL in said:
                assert not kept, (method, path)
                assert path.startswith("/oembed/providers.json"), (method, path)  # only with TRUSTED_HOSTS
                assert web.kit.settings.trusted_hosts, path
            assert not A_PORT.search(said), (method, path)
            location = urlsplit(answer.headers.get("Location", "/"))
            assert location.path.startswith("/")
            assert not location.netloc  # relative: no host at all


@pytest.mark.parametrize("body", [{"refs": [EXAMPLE, "x"]}, {"content": f"[getty {EXAMPLE}] [getty x]"}])
@pytest.mark.parametrize("target", ["web", "facade", "widget", "feed"])
def test_no_response_to_a_body_repeats_forged_hosts(body: dict[str, object], target: str) -> None:
    for web in every_web():
        path = "/v1/embeds" if "refs" in body else "/v1/render"
        answer = web.client.post(path, headers=SAID, json={**body, "target": target})
        assert answer.status_code == 200
        assert EVIL not in f"{answer.headers}\n{answer.text}"


def test_every_host_gets_the_same_bytes() -> None:
    """Two hosts get the same bytes, also from the response cache."""
    web = world(public_url="")
    for path in (f"/v1/embeds/{EXAMPLE}", f"/oembed?url=https://gty.im/{EXAMPLE}", f"/embed/{EXAMPLE}", "/docs"):
        for host in ("one.example", EVIL, "127.0.0.1:9", "localhost", "[::1]:80"):
            answers = [web.client.get(path, headers={"Host": host}) for _ in range(2)]
            assert all(host not in answer.text for answer in answers)


@pytest.mark.parametrize("host", ["127.0.0.1:6666", "localhost:6666", "[::1]:6666"])
@pytest.mark.parametrize("public", ["", PUBLIC])
def test_a_frame_page_links_to_public_url_or_relative(host: str, public: str) -> None:
    """A client can also send the host name of the developer's own machine."""
    page = world(public_url=public).client.get(f"/embed/{EXAMPLE}", headers={"Host": host})
    assert page.headers["Cache-Control"].startswith("public")
    link = html5lib.parse(page.text, namespaceHTMLElements=False).find(".//link[@rel='alternate']")
    assert link is not None
    assert link.get("href", "").startswith(f"{public}/oembed?url=https%3A%2F%2Fgty.im%2F{EXAMPLE}")
    assert not A_PORT.search(page.text)


def test_urls_in_pages_are_relative_without_public_url() -> None:
    web = world(public_url="")
    assert web.client.get("/openapi.json").json["servers"] == [{"url": "."}]
    for path in ("/", "/docs", "/picker", f"/embed/{EXAMPLE}"):
        tree = html5lib.parse(web.client.get(path).text, namespaceHTMLElements=False)
        for tag, name in (
            ("link", "href"),
            ("script", "src"),
            ("form", "action"),
            ("a", "href"),
            ("base", "href"),
        ):
            for element in tree.iter(tag):
                host = urlsplit(element.get(name) or "").netloc
                assert "localhost" not in host, (path, element.attrib)


def test_every_route_is_covered() -> None:
    tried = {path.partition("?")[0] for path in PATHS} | {"/v1/embeds", "/v1/render", "/v1/convert", "/v1/grants"}
    for route in ROUTES:
        head = route.rule.partition("<")[0]
        assert any(path == route.rule or ("<" in route.rule and path.startswith(head)) for path in tried), (
            route.rule
        )
