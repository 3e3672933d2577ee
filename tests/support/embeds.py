"""Records to render, and what a browser's parser makes of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import html5lib

from embedkit.models import AssetRef, Embed, Frame, Options
from embedkit.targets import ROWS, Target
from tests.support.tools import FIXTURES

# A value of each field of RenderSettings that is not the default, and that shows in what is rendered.
RENDER_SAMPLES: dict[str, Any] = {
    "frame_origin": "https://frames.example.org",
    "frame_sandbox": "allow-scripts",
    "credentialless": True,
    "privacy_url": "https://example.org/privacy",
    "widget_script": "https://widgets.example.org/widgets.js",
    "locale": "de",
    "tld": "de",
    "sanitizer": "bleach",
    "templates": str(FIXTURES),  # a folder without templates: ours, rendered as a host's would be
    "on_error": "link",
}

SIG = "s" * 43 + "="
QUERY = (("et", "e" * 22), ("tld", "com"), ("sig", SIG))
HTML_TARGETS: tuple[Target, ...] = tuple(
    target for target, row in ROWS.items() if row.escape["html"] == "references" and row.is_markup
)
HOSTILE = tuple(FIXTURES.joinpath("hostile_texts.txt").read_text("utf-8").splitlines())

Skeleton = list[tuple[str, tuple[str, ...]]]


def record(*items: str, **changes: Any) -> Embed:
    """An embed of these items (by default one), as Getty's answer would give it."""
    items = items or ("74917285",)
    made = Embed(
        ref=AssetRef(items),
        type="rich",
        version="1.0",
        title="Harbour at dusk",
        caption="Boats come home.",
        photographer="Ada Berg",
        collection="Moment",
        width=594,
        height=396,
        thumbnail_url="https://media.gettyimages.com/photos/harbour-picture-id74917285?s=170x170",
        thumbnail_width=170,
        thumbnail_height=113,
        terms_of_use_url="https://www.gettyimages.com/company/terms",
        page_url=f"https://www.gettyimages.com/detail/{items[0]}",
        frame=Frame(items, QUERY),
    )
    return replace(made, **changes)


def hostile(text: str) -> tuple[Embed, Options]:
    """The same text in every place where a foreign text enters."""
    return (
        record(title=text, caption=text, photographer=text, collection=text),
        Options(caption=f"{text} x", title=f"{text} x"),
    )


def tree(html: str) -> ElementTree.Element:
    """What a browser makes of a fragment."""
    parsed: ElementTree.Element = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return parsed


def elements(html: str) -> Iterator[ElementTree.Element]:
    """Every element, in document order."""
    return (one for one in tree(html).iter() if isinstance(one.tag, str) and one.tag != "DOCUMENT_FRAGMENT")


def skeleton(html: str) -> Skeleton:
    """Elements and the names of their attributes: what no text may ever change."""
    return [(str(one.tag), tuple(sorted(one.attrib))) for one in elements(html)]


def hosts(html: str) -> set[str]:
    """Every host that the html points at."""
    urls = (one.get(name) for one in elements(html) for name in ("src", "href"))
    return {urlsplit(url).hostname or "" for url in urls if url}
