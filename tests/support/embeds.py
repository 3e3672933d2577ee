"""Sample embeds to render, and the result as a browser's HTML parser sees it."""

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

# For each field of RenderSettings, a value that differs from the default and changes the output.
RENDER_SAMPLES: dict[str, Any] = {
    "frame_origin": "https://frames.example.org",
    "frame_sandbox": "allow-scripts",
    "credentialless": True,
    "privacy_url": "https://example.org/privacy",
    "widget_script": "https://widgets.example.org/widgets.js",
    "locale": "de",
    "tld": "de",
    "sanitizer": "bleach",
    "templates": str(FIXTURES),  # a folder without templates: embedkit's own are used as if they were the host's
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
    """Return an embed of these items (by default one), as parsed from a response of Getty's."""
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
    """Return an embed and options with the same text in every field that holds foreign text."""
    return (
        record(title=text, caption=text, photographer=text, collection=text),
        Options(caption=f"{text} x", title=f"{text} x"),
    )


def tree(html: str) -> ElementTree.Element:
    """Parse an HTML fragment as a browser does."""
    parsed: ElementTree.Element = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return parsed


def elements(html: str) -> Iterator[ElementTree.Element]:
    """Yield every element in document order."""
    return (node for node in tree(html).iter() if isinstance(node.tag, str) and node.tag != "DOCUMENT_FRAGMENT")


def skeleton(html: str) -> Skeleton:
    """Return the elements and the names of their attributes, which no text must ever change."""
    return [(str(element.tag), tuple(sorted(element.attrib))) for element in elements(html)]


def hosts(html: str) -> set[str]:
    """Return every host in a URL of the html."""
    urls = (element.get(name) for element in elements(html) for name in ("src", "href"))
    return {urlsplit(url).hostname or "" for url in urls if url}
