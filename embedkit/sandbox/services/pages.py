"""Embed frames, which verify their URLs; also pictures, their pages, the catalogue, scripts and stylesheets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from markupsafe import Markup

from embedkit.getty.urls import ASSET_ID
from embedkit.models import TLDS
from embedkit.sandbox.content.catalogue import Asset, Find, catalogue
from embedkit.sandbox.content.pictures import draw, side_of
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Problem, Reply
from embedkit.sandbox.services.urls import TERMS, is_verified, picture_path

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)
FRAME_PICTURE_PX = 1024  # the longest side of the picture in a frame; it scales with the frame

FRAME = Markup("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<base target="_parent">
<link rel="stylesheet" href="/static/frame.css">
</head>
<body class="{look}">
<section id="embed-body" class="embed" data-asset-id="{id}" data-collection-id="{collection_id}">
<div class="slides">{slides}</div>{arrows}
</section>{script}
</body>
</html>
""")
SLIDE = Markup("""
<figure class="slide" id="slide-{number}">
<a class="picture" href="{page}">\
<img class="assetcomp" src="{source}" width="{width}" height="{height}" alt="{title}">{badge}</a>
<figcaption class="bar">{caption}
<div class="line"><p class="credit"><b>{photographer}</b> <span>/ {collection}</span></p>
<p class="share"><span>Sandbox</span><a href="{page}" aria-label="Share: {title}"><svg viewBox="0 0 24 24" \
aria-hidden="true"><circle cx="6" cy="12" r="2.6"/><circle cx="17" cy="5.5" r="2.6"/>\
<circle cx="17" cy="18.5" r="2.6"/><path d="M8.4 10.7 14.7 7M8.4 13.3l6.3 3.7"/></svg></a></p></div>
<p class="terms">Embedded images may not be used for commercial purposes. <a href="{terms}">Terms of use</a></p>
</figcaption>
</figure>""")
ARROWS = Markup("""
<button class="arrow previous" type="button" aria-label="Previous picture" hidden>‹</button>
<button class="arrow next" type="button" aria-label="Next picture" hidden>›</button>
<p class="count" aria-live="polite">1 / {count}</p>""")
SCRIPT = Markup('\n<script src="/static/frame.js" defer></script>')


@dataclass(frozen=True, slots=True)
class Viewer:
    """GET /embed/<ids>?… and /embed?assets=<ids>&…: the page, or 400 if the signature does not match."""

    config: SandboxConfig
    find: Find
    problem: Problem

    def __call__(self, call: Call) -> Reply:
        items, query = read_items(call)
        if not is_verified(self.config.secret, items, query):
            return self.problem(400, "The URL of this frame was changed.")
        found = [self.find(item) for item in items.split(",")]
        if gone := [asset.withdrawn if asset else 404 for asset in found if asset is None or asset.withdrawn]:
            return self.problem(gone[0], "Image not found.")
        page = self._page([asset for asset in found if asset], call.params)
        return Reply(type="text/html; charset=utf-8", body=page.encode(), headers=_frame_headers())

    def _page(self, assets: list[Asset], params: dict[str, str]) -> str:
        first, several = assets[0], len(assets) > 1
        tld = params.get("tld", "com")
        site = f"https://www.gettyimages.{tld if tld in TLDS else 'com'}"
        captioned = params.get("caption") == "true"
        slides = [slide(asset, number, site, captioned) for number, asset in enumerate(assets, 1)]
        return FRAME.format(
            title=first.title,
            look=self.config.rules.generation,
            id=first.id,
            collection_id=first.collection_id,
            slides=Markup("").join(slides),
            arrows=ARROWS.format(count=len(assets)) if several else "",
            script=SCRIPT if several else "",
        )


def read_items(call: Call) -> tuple[str, str]:
    """Return the items, joined by commas, and the rest of the raw query, from either form of the URL."""
    path = call.path.removeprefix("/embed").strip("/")
    if path:
        return path, call.query
    first, _, rest = call.query.partition("&")
    return (unquote(first[7:]), rest) if first.startswith("assets=") else ("", call.query)


def slide(asset: Asset, number: int, site: str, captioned: bool) -> Markup:
    """Return a picture with its bar."""
    return SLIDE.format(
        number=number,
        page=f"{site}/detail/{asset.id}",
        source=picture_path(asset, FRAME_PICTURE_PX) + "&plain=1",
        width=asset.width,
        height=asset.height,
        title=asset.title,
        badge=Markup('<span class="badge">360°</span>') if asset.is360 else "",
        caption=Markup('<p class="caption">{}</p>').format(asset.caption) if captioned else "",
        photographer=asset.photographer,
        collection=asset.collection,
        terms=TERMS,
    )


def _frame_headers() -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Security-Policy", POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
    )


STATIC = Path(__file__).parent / "static"
CONTENT_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
MAX_SIDE_PX = 2048
SECURITY_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
)
CACHE_HEADERS = (("Cache-Control", "public, max-age=86400"),)
PER_PAGE = 60

PAGE = Markup("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/static/site.css">
</head>
<body>
<header><a href="/">embedkit sandbox</a><p>Made-up pictures for trying embeds without a network.</p></header>
<main>
{main}
</main>
</body>
</html>
""")
TILE = Markup("""\
<li><a href="/detail/{id}"><img src="{source}" alt="" loading="lazy" width="{width}" height="{height}">
<b>{title}</b></a><p>{photographer} / {collection}</p><code>{id}</code>{note}</li>
""")
DETAIL = Markup("""\
<article><img src="{source}" alt="" width="{width}" height="{height}">
<div><h1>{title}</h1><p>{caption}</p>
<dl><dt>ID</dt><dd><code>{id}</code></dd><dt>Shortcode</dt><dd><code>[getty {id}]</code></dd>
<dt>Photographer</dt><dd>{photographer}</dd><dt>Collection</dt><dd>{collection}</dd>
<dt>Created</dt><dd>{created}</dd><dt>Size</dt><dd>{width} × {height}</dd><dt>Embeddable</dt><dd>{note}</dd>
<dt>Keywords</dt><dd>{keywords}</dd></dl></div></article>
""")
LOGIN = Markup("""\
<h1>Log in</h1>
<p>A program on this computer asks to use your account: to search, to download, and for your boards.</p>
<form method="post"><p><label>User name <input name="username" value="{user}" autocomplete="off"></label></p>
<p><label>Password <input name="password" type="password" value="{password}" autocomplete="off"></label></p>
<p><button>Log in and allow</button> <button name="deny" value="1">Deny</button></p></form>
""")


@dataclass(frozen=True, slots=True)
class Site:
    """Handlers for pictures, web pages and static files."""

    find: Find
    problem: Problem

    def picture(self, call: Call) -> Reply:
        """GET /id/<id>/photo/<slug>.jpg?s=170x170: an SVG of at most that size; ``s=170667a`` is an area in px."""
        match = re.fullmatch(rf"/id/({ASSET_ID})/photo/[^/]+", call.path)
        size = re.fullmatch(r"([0-9]{1,4})x\1|([0-9]{1,7})a", call.params.get("s", "612x612"), re.ASCII)
        asset = self.find(match[1]) if match else None
        if asset is None or asset.withdrawn or size is None:
            return self.problem(404, "There is no such picture.")
        side = int(size[1]) if size[1] else side_of(asset, int(size[2]))
        drawn = draw(asset, min(max(side, 16), MAX_SIDE_PX), label="plain" not in call.params)
        policy = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        return Reply(
            type="image/svg+xml", body=drawn.encode(), headers=(policy, *SECURITY_HEADERS[1:], *CACHE_HEADERS)
        )

    def index(self, call: Call) -> Reply:
        """GET /?page=2: the catalogue."""
        text = call.params.get("page", "1")
        page = max(1, int(text)) if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) else 1
        found = [self.find(asset_id) for asset_id in catalogue()]
        listed = [asset for asset in found if asset and not asset.withdrawn]
        tiles = Markup("").join(_tile(asset) for asset in listed[(page - 1) * PER_PAGE : page * PER_PAGE])
        more = Markup('<a class="more" href="/?page={}">More pictures</a>').format(page + 1)
        main = Markup("<ul>{}</ul>{}").format(tiles, more if page * PER_PAGE < len(listed) else "")
        return _html("embedkit sandbox", main)

    def detail(self, call: Call) -> Reply:
        """GET /detail/<id>: a page about one picture."""
        asset = self.find(call.path.rstrip("/").rsplit("/", 1)[-1])
        if asset is None or asset.withdrawn:
            return self.problem(asset.withdrawn if asset else 404, "Image not found.")
        main = DETAIL.format(
            source=picture_path(asset, 1024) + "&plain=1",
            width=asset.width,
            height=asset.height,
            title=asset.title,
            caption=asset.caption,
            id=asset.id,
            photographer=asset.photographer,
            collection=asset.collection,
            created=asset.date_created[:10],
            note=_note(asset) or "yes",
            keywords=", ".join(asset.keywords),
        )
        return _html(asset.title, main)

    def static(self, call: Call) -> Reply:
        name = call.path.rsplit("/", 1)[-1]
        return (
            _file(name) if call.path == f"/static/{name}" and name in _names() else self.problem(404, "Not found.")
        )


def _tile(asset: Asset) -> Markup:
    note = _note(asset)
    return TILE.format(
        id=asset.id,
        source=picture_path(asset, 280) + "&plain=1",
        width=asset.width,
        height=asset.height,
        title=asset.title,
        photographer=asset.photographer,
        collection=asset.collection,
        note=Markup(" <em>{}</em>").format(note) if note else "",
    )


def _note(asset: Asset) -> str:
    return "" if asset.embeddable else "not embeddable"


def _html(title: str, main: Markup) -> Reply:
    page = PAGE.format(title=title, main=main)
    return Reply(type="text/html; charset=utf-8", body=page.encode(), headers=SECURITY_HEADERS)


def login_page(user: str, password: str) -> Reply:
    """Return the login page of the authorization code flow; its form posts to the page's own URL."""
    return _html("Log in", LOGIN.format(user=user, password=password))


def script(_: Call) -> Reply:
    """GET /widgets.js, and the variant for content management systems."""
    return _file("widgets.js")


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir())


@cache
def _file(name: str) -> Reply:
    path = STATIC / name
    return Reply(type=CONTENT_TYPES[path.suffix], body=path.read_bytes(), headers=SECURITY_HEADERS[1:])
