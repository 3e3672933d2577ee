"""What else the sandbox shows: pictures, a page about each, the catalogue at a glance, scripts and styles."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from embedkit.getty.urls import ASSET_ID
from embedkit.sandbox.content.catalogue import Asset, catalogue
from embedkit.sandbox.content.pictures import draw, side_of
from embedkit.sandbox.services.http import Call, Reply
from embedkit.sandbox.services.urls import picture_path

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
LARGEST = 2048  # px
SECURITY = (
    ("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
)
KEEP = (("Cache-Control", "public, max-age=86400"),)
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
<dl><dt>Id</dt><dd><code>{id}</code></dd><dt>Shortcode</dt><dd><code>[getty {id}]</code></dd>
<dt>Photographer</dt><dd>{photographer}</dd><dt>Collection</dt><dd>{collection}</dd>
<dt>Created</dt><dd>{created}</dd><dt>Size</dt><dd>{width} × {height}</dd><dt>Embeddable</dt><dd>{note}</dd>
<dt>Keywords</dt><dd>{keywords}</dd></dl></div></article>
""")


@dataclass(frozen=True, slots=True)
class Site:
    """The handlers of everything but the services themselves."""

    find: Callable[[str], Asset | None]
    problem: Callable[[int, str], Reply]

    def picture(self, call: Call) -> Reply:
        """GET /id/<id>/photo/<slug>.jpg?s=170x170: an SVG within that size; ``s=170667a`` is an area in pixels."""
        match = re.fullmatch(rf"/id/({ASSET_ID})/photo/[^/]+", call.path)
        size = re.fullmatch(r"([0-9]{1,4})x\1|([0-9]{1,7})a", call.params.get("s", "612x612"), re.ASCII)
        asset = self.find(match[1]) if match else None
        if asset is None or asset.withdrawn or size is None:
            return self.problem(404, "There is no such picture.")
        side = int(size[1]) if size[1] else side_of(asset, int(size[2]))
        drawn = draw(asset, min(max(side, 16), LARGEST), label="plain" not in call.params)
        policy = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        return Reply(type="image/svg+xml", body=drawn.encode(), headers=(policy, *SECURITY[1:], *KEEP))

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
        """GET /detail/<id>: what is known of one picture."""
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
    return Reply(type="text/html; charset=utf-8", body=page.encode(), headers=SECURITY)


def script(_: Call) -> Reply:
    """GET /widgets.js, and the variant for content management systems."""
    return _file("widgets.js")


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir())


@cache
def _file(name: str) -> Reply:
    path = STATIC / name
    return Reply(type=TYPES[path.suffix], body=path.read_bytes(), headers=SECURITY[1:])
