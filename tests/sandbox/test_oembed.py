"""The sandbox's oEmbed endpoint: keys, sizes, markup and errors, as known from Getty Images."""

from __future__ import annotations

import base64
import json
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

from embedkit.models import TLDS
from embedkit.sandbox import SandboxConfig
from embedkit.sandbox.content.catalogue import (
    EXAMPLE,
    GONE,
    HOSTILE,
    NOT_EMBEDDABLE,
    PANORAMA_360,
    SMALL,
    WITHDRAWN,
)
from embedkit.sandbox.services.oembed import fit_within
from tests.support.sandbox import (
    ORIGIN,
    Sandbox,
    get_oembed,
    in_process,
    json_body,
    oembed_path,
)

DIV = SandboxConfig(generation="div")
KEYS = [
    *("type", "version", "height", "width", "html", "title", "caption", "photographer", "collection"),
    *("thumbnail_url", "thumbnail_height", "thumbnail_width", "terms_of_use_url"),
]
MODERN = (
    "<a id='(?P<et>[A-Za-z0-9_-]{22})' class='gie-single' href='https://www.gettyimages.com/detail/74917285' "
    "target='_blank' style='color:#a7a7a7;text-decoration:none;font-weight:normal !important;border:none;"
    "display:inline-block;'>Embed from Getty Images</a>"
    r"<script>window\.gie=window\.gie\|\|function\(c\)\{\(gie\.q=gie\.q\|\|\[\]\)\.push\(c\)\};"
    r"gie\(function\(\)\{gie\.widgets\.load\(\{id:'(?P=et)',sig:'[A-Za-z0-9_-]{43}=',w:'395px',h:'594px',"
    r"items:'74917285',caption: false ,tld:'com',is360: false \}\)\}\);</script>"
    r"<script src='//127\.0\.0\.1:8081/widgets\.js' charset='utf-8' async></script>"
)
OLD = (
    r"<div style=\"background-color:#fff;display:inline-block;font-family:'Helvetica Neue',Arial,sans-serif;"
    r"color:#a7a7a7;font-size:11px;width:100%;max-width:395px;min-width:300px;\">"
    r"<div style=\"overflow:hidden;position:relative;height:0;padding:150\.379747% 0 49px 0;width:100%;\">"
    r"<iframe src=\"//127\.0\.0\.1:8081/embed/74917285\?et=[A-Za-z0-9_-]{22}&sig=[A-Za-z0-9_-]{43}=\" width=\"395\" "
    r"height=\"643\" scrolling=\"no\" frameborder=\"0\" style=\"display:inline-block;position:absolute;top:0;left:0;"
    r"width:100%;height:100%;\"></iframe></div><p style=\"margin:0;\"></p>"
    r"<div style=\"padding:0;margin:4px 0 0 10px;text-align:left;\"><a href=\"http://www\.gettyimages\.com/detail/74917285\" "
    r"target=\"_blank\" style=\"[^\"]+\">#74917285</a> / <a href=\"http://www\.gettyimages\.com\" target=\"_blank\" "
    r"style=\"[^\"]+\">gettyimages\.com</a></div></div>"
)


@pytest.mark.parametrize("config", [SandboxConfig(), DIV])
def test_keys_are_in_the_documented_order(config: SandboxConfig) -> None:
    assert list(json_body(get_oembed(config=config))) == KEYS


def test_modern_markup_is_byte_identical() -> None:
    assert re.fullmatch(MODERN, json_body(get_oembed())["html"])


def test_old_markup_is_byte_identical() -> None:
    assert re.fullmatch(OLD, json_body(get_oembed(config=DIV))["html"])


def test_raw_json_escapes_markup() -> None:
    body = get_oembed().body
    assert not {b"<", b">", b"&"} & {body[at : at + 1] for at in range(len(body))}
    assert b"\\u003c/script\\u003e" in body
    assert b"\\u0026k=20" in body


def test_tokens_are_new_in_every_response_unless_deterministic() -> None:
    get, steady = in_process(Sandbox()), in_process(Sandbox(SandboxConfig(deterministic=True)))
    assert get(oembed_path()).body != get(oembed_path()).body
    assert steady(oembed_path()).body == steady(oembed_path()).body
    assert steady(oembed_path(tld="de")).body != steady(oembed_path()).body


@pytest.mark.parametrize("config", [SandboxConfig(), SandboxConfig(deterministic=True)])
def test_tokens_are_uuids_of_version_4(config: SandboxConfig) -> None:
    token = re.search("id='([^']+)'", json_body(get_oembed(config=config))["html"])
    assert token
    assert uuid.UUID(bytes=base64.urlsafe_b64decode(token[1] + "==")).version == 4


@pytest.mark.parametrize(
    ("config", "sizes"),
    [(SandboxConfig(), (395, 594, 113, 170)), (DIV, (395, 643, "113", "170"))],
)
def test_sizes_of_the_example(config: SandboxConfig, sizes: tuple[object, ...]) -> None:
    found = json_body(get_oembed(config=config))
    assert sizes == tuple(found[name] for name in ("width", "height", "thumbnail_width", "thumbnail_height"))


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (395, 594)),
        ({"maxwidth": "300"}, (300, 451)),
        ({"maxheight": "300"}, (200, 300)),
        ({"maxwidth": "300", "maxheight": "200"}, (133, 200)),
        ({"maxwidth": "1024"}, (1024, 1540)),
        ({"maxheight": "1200"}, (798, 1200)),
        ({"maxwidth": "99999"}, (2394, 3600)),
        ({"maxwidth": "1"}, (1, 2)),
    ],
)
def test_limits_keep_the_ratio(params: dict[str, str], size: tuple[int, int]) -> None:
    found = json_body(get_oembed(**params))
    assert (found["width"], found["height"]) == size
    assert f"w:'{size[0]}px',h:'{size[1]}px'" in found["html"]


def test_the_height_includes_the_bar_of_the_old_generation() -> None:
    found = json_body(get_oembed(config=DIV, maxheight="349"))
    assert (found["width"], found["height"]) == (200, 349)
    assert "padding:150.379747% 0 49px 0" in found["html"]


def test_embeds_are_never_larger_than_the_original() -> None:
    found = json_body(get_oembed(f"https://gty.im/{SMALL}", maxwidth="900"))
    assert (found["width"], found["height"]) == (240, 160)


@pytest.mark.parametrize(
    ("native", "limit", "down", "size"),
    [
        ((5000, 3333), 594, False, (594, 396)),
        ((3333, 5000), 594, False, (396, 594)),
        ((4000, 3000), 170, True, (170, 127)),
        ((9000, 3000), 594, False, (594, 198)),
        ((10_000, 10), 170, True, (170, 1)),
    ],
)
def test_rounding(native: tuple[int, int], limit: int, down: bool, size: tuple[int, int]) -> None:
    assert fit_within(*native, limit, limit, down=down) == size


def test_captions_are_off_unless_true() -> None:
    assert "caption: false ,tld" in json_body(get_oembed(caption="1"))["html"]
    assert "caption: true ,tld" in json_body(get_oembed(caption="true"))["html"]
    assert re.search(r"&sig=[^&]{44}&caption=true\"", json_body(get_oembed(config=DIV, caption="true"))["html"])


@pytest.mark.parametrize("tld", TLDS)
def test_every_tld(tld: str) -> None:
    modern, old = (json_body(get_oembed(config=config, tld=tld))["html"] for config in (SandboxConfig(), DIV))
    assert f"href='https://www.gettyimages.{tld}/detail/74917285'" in modern
    assert f",tld:'{tld}'," in modern
    assert f'href="http://www.gettyimages.{tld}/detail/74917285"' in old
    assert (f"&tld={tld}&sig=" in old) == (tld != "com")


def test_a_slideshow_has_the_texts_of_its_first_picture() -> None:
    items = f"{EXAMPLE},600000002,600000001"
    found = json_body(get_oembed(f"http://gty.im/{items}"))
    assert found["title"] == json_body(get_oembed())["title"]
    assert "class='gie-slideshow'" in found["html"]
    assert f"items:'{items}'" in found["html"]
    old = json_body(get_oembed(f"http://gty.im/{items}", config=DIV))["html"]
    assert f"/embed?assets={items}&et=" in old


def test_at_most_five_pictures() -> None:
    ids = [str(600_000_000 + at) for at in range(6)]
    assert get_oembed(f"http://gty.im/{','.join(ids[:5])}").status == 200
    assert get_oembed(f"http://gty.im/{','.join(ids)}").status == 400


def test_360() -> None:
    assert "is360: true })" in json_body(get_oembed(f"http://gty.im/{PANORAMA_360}"))["html"]


@pytest.mark.parametrize(
    ("asset_id", "status"),
    [
        (EXAMPLE, 200),
        ("600000000", 200),
        ("699999999", 200),
        (HOSTILE, 200),
        (NOT_EMBEDDABLE, 403),
        (WITHDRAWN, 404),
        (GONE, 410),
        ("599999999", 404),
        ("700000000", 404),
        ("6000000000", 404),
        ("1", 404),
        (f"{EXAMPLE},1", 404),
        (f"{EXAMPLE},{NOT_EMBEDDABLE}", 403),
    ],
)
def test_which_pictures_exist(asset_id: str, status: int) -> None:
    response = get_oembed(f"https://gty.im/{asset_id}")
    assert response.status == status
    assert json.loads(response.body).keys() == (set(KEYS) if status == 200 else {"message"})


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"format": "json"}, 200),
        ({"format": "xml"}, 501),
        ({"format": "JSON"}, 501),
        ({"format": "xml", "url": "https://gty.im/1"}, 501),
        ({"url": ""}, 400),
        ({"url": "https://example.org/74917285"}, 404),
        ({"url": "https://[broken"}, 404),
        ({"url": "https://gty.im/"}, 404),
        ({"url": "https://gty.im/74917285,,1"}, 404),
        ({"url": "https://gettyimages.com.evil.example/detail/74917285"}, 404),
        ({"tld": "xx"}, 400),
        ({"tld": ""}, 200),
        ({"maxwidth": "0"}, 400),
        ({"maxwidth": "wide"}, 400),
        ({"maxheight": "-3"}, 400),
        ({"maxheight": "٣"}, 400),
    ],
)
def test_refusals(params: dict[str, str], status: int) -> None:
    assert in_process(Sandbox())(oembed_path(**params)).status == status


@pytest.mark.parametrize(
    ("config", "params", "status"),
    [
        (SandboxConfig(not_embeddable_status=400), {"url": f"http://gty.im/{NOT_EMBEDDABLE}"}, 400),
        (SandboxConfig(missing_url_status=404), {"url": ""}, 404),
        (SandboxConfig(unsupported_url_status=422), {"url": "https://example.org/1"}, 422),
        (SandboxConfig(too_many_status=414), {"url": "http://gty.im/1,2,3,4,5,6"}, 414),
        (SandboxConfig(bad_tld_status=0), {"tld": "xx"}, 200),
        (SandboxConfig(bad_size_status=0), {"maxwidth": "wide"}, 200),
    ],
)
def test_unknown_behavior_is_configurable(config: SandboxConfig, params: dict[str, str], status: int) -> None:
    assert in_process(Sandbox(config))(oembed_path(**params)).status == status


def test_a_caller_can_be_required() -> None:
    path = "/oembed?url=https://gty.im/74917285"
    assert in_process(Sandbox())(path).status == 200
    assert in_process(Sandbox(SandboxConfig(missing_caller_status=400)))(path).status == 400


@pytest.mark.parametrize(
    ("body", "kind"), [("json", "application/json"), ("html", "text/html"), ("empty", "text/plain")]
)
def test_bodies_of_failures(body: str, kind: str) -> None:
    response = get_oembed("https://gty.im/1", config=SandboxConfig(error_body=body))
    assert response.status == 404
    assert response.headers["content-type"].startswith(kind)
    assert bool(response.body) == (body != "empty")


@pytest.mark.parametrize(
    "url",
    [
        "http://gty.im/74917285",
        "gty.im/74917285",
        "//gty.im/74917285/",
        "https://www.gty.im/74917285?x=1",
        "https://www.gettyimages.com/detail/74917285",
        "https://www.gettyimages.co.uk/detail/news-photo/some-slug/74917285?adppopup=true",
        "//www.gettyimages.com/details/74917285",
        "https://www.gettyimages.de/license/74917285",
    ],
)
def test_urls_that_clients_send(url: str) -> None:
    assert "items:'74917285'" in json_body(get_oembed(url))["html"]


def test_both_spellings_of_the_endpoint() -> None:
    get = in_process(Sandbox())
    assert get("/oembed/?url=http%3a%2f%2fgty.im%2f74917285&caller=1").status == 200
    assert get("/oembed?url=http%3a%2f%2fgty.im%2f74917285&caller=1").status == 200


def test_the_preview_endpoint() -> None:
    get = in_process(Sandbox())
    response = get("/preview/74917285")
    assert list(json_body(response)) == ["embedTag", "width", "height"]
    found = re.search(rb"[?](et=[\w-]{22})\\u0026(sig=[\w-]{43}=)", response.body)
    assert found
    assert get(f"/embed/74917285?{found[1].decode()}&{found[2].decode()}").status == 200


@pytest.mark.parametrize(
    ("path", "status"), [("/1", 404), (f"/{GONE}", 410), ("", 404), ("/74917285?tld=xx", 400)]
)
def test_refused_previews(path: str, status: int) -> None:
    response = in_process(Sandbox())(f"/preview{path}")
    body = {"message": "We're having trouble processing your request."}
    assert (response.status, json.loads(response.body)) == (status, body)


def test_requests_to_the_real_hosts_get_urls_on_them() -> None:
    found = json_body(in_process(Sandbox(), "https://embed.gettyimages.com")(oembed_path()))
    assert "<script src='//embed-cdn.gettyimages.com/widgets.js'" in found["html"]
    assert found["thumbnail_url"].startswith("http://media.gettyimages.com/id/74917285/photo/")
    assert found["terms_of_use_url"] == "http://www.gettyimages.com/Corporate/Terms.aspx"


def test_a_configured_origin_overrides_the_host_header() -> None:
    found = json_body(get_oembed(config=SandboxConfig(origin="http://127.0.0.1:9999")))
    assert found["thumbnail_url"].startswith("http://127.0.0.1:9999/id/")


def test_the_thumbnail_exists() -> None:
    get = in_process(Sandbox())
    parts = urlsplit(json_body(get(oembed_path()))["thumbnail_url"])
    assert f"{parts.scheme}://{parts.netloc}" == ORIGIN
    assert parse_qs(parts.query)["s"] == ["170x170"]
    picture = get(f"{parts.path}?{parts.query}")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert b'width="113" height="170"' in picture.body


def test_headers() -> None:
    response = get_oembed(config=SandboxConfig(cache_control="no-cache", cors=""))
    assert response.headers["cache-control"] == "no-cache"
    assert "access-control-allow-origin" not in response.headers
    assert get_oembed().headers["access-control-allow-origin"] == "*"
    assert "cache-control" not in get_oembed().headers
