"""The sandbox's frames: what their signature covers, and what they show."""

from __future__ import annotations

import re
from html import unescape

import html5lib
import pytest

from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import EXAMPLE, HOSTILE, PANORAMA_360, find
from embedkit.sandbox.services.urls import is_verified, sign
from tests.support.sandbox import (
    Get,
    in_process,
    json_body,
    oembed_path,
)

ITEMS = f"{EXAMPLE},600000001,sb10049172a-001"


def signed(items: str = EXAMPLE, query: str = "et=AbC&tld=com", tail: str = "") -> str:
    return f"/embed/{items}?{query}&sig={sign('sandbox', items, query)}{tail}"


@pytest.fixture
def get() -> Get:
    return in_process(Sandbox())


@pytest.mark.parametrize("items", [EXAMPLE, ITEMS])
@pytest.mark.parametrize("generation", ["modern", "div"])
@pytest.mark.parametrize("tld", ["com", "co.jp"])
def test_every_embed_has_a_valid_frame(items: str, generation: str, tld: str) -> None:
    get = in_process(Sandbox(SandboxConfig(generation=generation)))
    html = json_body(get(oembed_path(f"http://gty.im/{items}", tld=tld, caption="true")))["html"]
    if generation == "div":
        path = re.search(r'src="//[^/]+(/embed[^"]+)"', html)
        assert path
        address = path[1]
    else:
        values = {name: re.search(f"{name}:'([^']+)'", html)[1] for name in ("id", "sig", "items", "tld")}
        address = f"/embed/{values['items']}?et={values['id']}&tld={values['tld']}&sig={values['sig']}&caption=true&ver=2"
    page = get(address)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"https://www.gettyimages.{tld}/detail/{EXAMPLE}" in page.body.decode()


def test_both_forms_of_the_url(get: Get) -> None:
    query = f"et=AbC&tld=com&sig={sign('sandbox', ITEMS, 'et=AbC&tld=com')}"
    assert get(f"/embed/{ITEMS}?{query}").status == 200
    assert get(f"/embed?assets={ITEMS}&{query}").status == 200
    assert get(f"/embed?assets={ITEMS.replace(',', '%2C')}&{query}").status == 200
    assert get(f"/embed/{ITEMS.replace(',', '%2C')}?{query}").status == 200


@pytest.mark.parametrize(
    "query", ["et=AbC", "et=AbC&tld=com", "et=AbC&viewMoreLink=off", "et=AbC&tld=de&viewMoreLink=on"]
)
@pytest.mark.parametrize("tail", ["", "&caption=true", "&caption=false&ver=1", "&tld=com", "&anything"])
def test_parameters_after_the_signature_are_not_signed(get: Get, query: str, tail: str) -> None:
    assert get(signed(query=query, tail=tail)).status == 200


SIG = sign("sandbox", EXAMPLE, "et=AbC&tld=com")


@pytest.mark.parametrize(
    "query",
    [
        f"tld=com&et=AbC&sig={SIG}",
        f"et=AbC&sig={SIG}",
        f"et=AbC&sig={SIG}&tld=com",
        f"et=AbC&tld=com&caption=true&sig={SIG}",
        f"et=AbD&tld=com&sig={SIG}",
        f"et=AbC&tld=de&sig={SIG}",
        f"tld=com&sig={sign('sandbox', EXAMPLE, 'tld=com')}",
        f"et=&tld=com&sig={sign('sandbox', EXAMPLE, 'et=&tld=com')}",
        "et=AbC&tld=com",
        "et=AbC&tld=com&sig=",
        f"et=AbC&tld=com&sig={SIG[:-2]}A=",
        "et=AbC&tld=com&sig=\xe9",
        f"sig={SIG}",
        "",
    ],
)
def test_changes_before_the_signature_get_400(get: Get, query: str) -> None:
    assert get(f"/embed/{EXAMPLE}?et=AbC&tld=com&sig={SIG}").status == 200
    assert get(f"/embed/{EXAMPLE}?{query}").status == 400


def test_the_signature_covers_the_items(get: Get) -> None:
    assert get(f"/embed/600000001?et=AbC&tld=com&sig={SIG}").status == 400
    assert get(f"/embed?et=AbC&tld=com&sig={SIG}").status == 400


def test_the_signature_depends_on_the_secret() -> None:
    assert in_process(Sandbox(SandboxConfig(secret="another")))(signed()).status == 400


def test_escaped_padding_is_accepted() -> None:
    assert is_verified("sandbox", EXAMPLE, f"et=AbC&tld=com&sig={SIG.replace('=', '%3D')}")


def test_frames_of_withdrawn_pictures() -> None:
    app = Sandbox()
    get = in_process(app)
    app.withdraw(EXAMPLE, status=410)
    assert get(signed()).status == 410
    app.restore(EXAMPLE)
    assert get(signed()).status == 200


def test_the_caption_is_only_shown_on_request(get: Get) -> None:
    asset = find(EXAMPLE)
    assert asset
    with_it, without = (
        unescape(get(signed(tail=tail)).body.decode()) for tail in ("&caption=true", "&caption=false")
    )
    assert asset.caption in with_it
    assert asset.caption not in without
    for page in (with_it, without):
        assert asset.photographer in page
        assert asset.collection in page
        assert "may not be used for commercial purposes" in page


def test_a_slideshow_has_a_slide_for_each(get: Get) -> None:
    page = get(signed(ITEMS)).body.decode()
    assert page.count('<figure class="slide"') == 3
    assert "1 / 3" in page
    assert page.count("<button") == 2
    assert '<script src="/static/frame.js" defer>' in page
    assert "<script" not in get(signed()).body.decode()


def test_360_pictures_have_a_badge(get: Get) -> None:
    assert "360°" in get(signed(PANORAMA_360)).body.decode()


def test_the_page_is_valid_and_follows_its_policy(get: Get) -> None:
    page = get(signed(ITEMS, tail="&caption=true"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    text = page.body.decode()
    assert " style=" not in text
    assert " onclick" not in text
    html5lib.HTMLParser(strict=True).parse(text)
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', text):
        assert get(unescape(address)).status == 200


def test_hostile_texts_are_escaped(get: Get) -> None:
    asset = find(HOSTILE)
    assert asset
    page = get(signed(HOSTILE, tail="&caption=true")).body.decode()
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    assert tree.findall(".//script") == []
    assert tree.find(".//title").text == asset.title
    assert tree.find(".//figcaption/p").text == asset.caption
    assert len(tree.findall(".//img")) == 1


def test_the_look_follows_the_generation() -> None:
    assert '<body class="div">' in in_process(Sandbox(SandboxConfig(generation="div")))(signed()).body.decode()
    assert '<body class="modern">' in in_process(Sandbox())(signed()).body.decode()


@pytest.mark.parametrize("name", ["widgets.js", "embed-cms.js"])
def test_the_script(get: Get, name: str) -> None:
    script = get(f"/{name}")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert b"gie.widgets" in script.body
    assert b"ver=2" in script.body
