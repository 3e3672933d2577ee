"""The frames: a picture, or a slideshow, with its credit. They verify what they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from markupsafe import Markup

from embedkit.models import TLDS
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Reply
from embedkit.sandbox.services.signatures import verified
from embedkit.sandbox.services.urls import TERMS, picture_path

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)
SIDE = 1024  # px, the picture in the frame; it scales with the frame

PAGE = Markup("""\
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
    """GET /embed/<ids>?… and /embed?assets=<ids>&…: the page, or 400 where the signature does not fit."""

    config: SandboxConfig
    find: Callable[[str], Asset | None]
    problem: Callable[[int, str], Reply]

    def __call__(self, call: Call) -> Reply:
        items, query = asked(call)
        if not verified(self.config.secret, items, query):
            return self.problem(400, "The address of this frame was changed.")
        found = [self.find(item) for item in items.split(",")]
        if gone := [asset.withdrawn if asset else 404 for asset in found if asset is None or asset.withdrawn]:
            return self.problem(gone[0], "Image not found.")
        page = self._page([asset for asset in found if asset], call.params)
        return Reply(type="text/html; charset=utf-8", body=page.encode(), headers=_headers())

    def _page(self, assets: list[Asset], params: dict[str, str]) -> str:
        first, several = assets[0], len(assets) > 1
        tld = params.get("tld", "com")
        site = f"https://www.gettyimages.{tld if tld in TLDS else 'com'}"
        captioned = params.get("caption") == "true"
        slides = [slide(asset, number, site, captioned) for number, asset in enumerate(assets, 1)]
        return PAGE.format(
            title=first.title,
            look=self.config.generation,
            id=first.id,
            collection_id=first.collection_id,
            slides=Markup("").join(slides),
            arrows=ARROWS.format(count=len(assets)) if several else "",
            script=SCRIPT if several else "",
        )


def asked(call: Call) -> tuple[str, str]:
    """The items, joined by commas, and the rest of the raw query, from either form of address."""
    path = call.path.removeprefix("/embed").strip("/")
    if path:
        return path, call.query
    first, _, rest = call.query.partition("&")
    return (unquote(first[7:]), rest) if first.startswith("assets=") else ("", call.query)


def slide(asset: Asset, number: int, site: str, captioned: bool) -> Markup:
    """One picture with its bar."""
    return SLIDE.format(
        number=number,
        page=f"{site}/detail/{asset.id}",
        source=picture_path(asset, SIDE) + "&plain=1",
        width=asset.width,
        height=asset.height,
        title=asset.title,
        badge=Markup('<span class="badge">360°</span>') if asset.is360 else "",
        caption=Markup('<p class="caption">{}</p>').format(asset.caption) if captioned else "",
        photographer=asset.photographer,
        collection=asset.collection,
        terms=TERMS,
    )


def _headers() -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Security-Policy", POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
    )
