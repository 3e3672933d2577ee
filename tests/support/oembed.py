"""Recorded oEmbed responses, and checks that hold for every embed parsed from one."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from embedkit.getty import markup, oembed, payload
from embedkit.messages import Request, Response
from embedkit.models import AssetRef, Embed
from embedkit.settings import Settings
from tests.support.tools import FIXTURES

SETTINGS = Settings(caller="blog.example")
HOSTS = frozenset({"embed.gettyimages.com", "localhost:3000"})
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Each response in fixtures/answers: its IDs, width, height and bar.
ANSWERS: dict[str, tuple[str, int, int, int]] = {
    "modern-single": ("600100200", 594, 396, 0),
    "modern-single-2017": ("600100201", 396, 594, 0),
    "modern-slideshow": ("600100202,sb40077001q-001,600100203", 594, 420, 0),
    "modern-360": ("600100204", 594, 297, 0),
    "modern-cms-loader": ("600100205", 480, 360, 0),
    "div-2014": ("60010020", 396, 643, 49),
    "div-2014-example-host": ("60010021", 395, 643, 49),
    "div-2014-view-image": ("160010023", 297, 198, 0),
    "div-2015": ("260010024", 594, 395, 0),
    "div-2016": ("600100206", 594, 396, 0),
    "div-2016-slideshow": ("600100207,600100208", 498, 345, 0),
    "iframe-2014": ("60010022", 462, 370, 0),
}


def ref(ids: str) -> AssetRef:
    return AssetRef(tuple(ids.split(",")))


def load(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((FIXTURES / "answers" / f"{name}.json").read_text("utf-8"))
    return answer


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in path.read_text("utf-8").splitlines()]


def body(row: dict[str, Any]) -> bytes:
    """Return the response body of a corpus row: ``body`` verbatim, or ``response`` as JSON."""
    raw: str = row["body"] if "body" in row else json.dumps(row["response"])
    return raw.encode()


def oembed_request(ref: AssetRef, settings: Settings = SETTINGS, **options: Any) -> Request:
    return oembed.request(ref, settings.oembed_endpoint, settings.caller_name, **options)


def read(response: Response, ref: AssetRef, settings: Settings = SETTINGS, **options: Any) -> oembed.OEmbedResult:
    origins = settings.frame_origin, settings.oembed_endpoint
    return oembed.parse(response, ref, frame_origins=origins, image_origins=settings.image_origins, **options)


def parse(answer: dict[str, Any] | bytes, ids: str, **options: Any) -> Embed:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return read(Response(200, {}, raw), ref(ids), tld="com", **options).embed


def clean(embed: Embed) -> None:
    """Assert that every field of an embed has a valid value, whatever the response contained."""
    assert embed.type in ("rich", "photo", "video")
    assert embed.version == "1.0"
    limits = {
        "title": payload.MAX_TITLE_CHARS,
        "caption": payload.MAX_CAPTION_CHARS,
        "photographer": payload.MAX_NAME_CHARS,
        "collection": payload.MAX_NAME_CHARS,
    }
    for name, limit in limits.items():
        clean_text(getattr(embed, name), limit)
    clean_size(embed.width)
    clean_size(embed.height)
    assert embed.frame.bar in (0, markup.BAR_PX)
    assert embed.height > embed.frame.bar
    clean_size(embed.fit(100, 100).height)
    if embed.thumbnail_url is not None:
        assert re.fullmatch(r"https://[a-z0-9.-]+/[^\"'<>\\\s`]*", embed.thumbnail_url, re.ASCII)
        assert embed.thumbnail_url.startswith(tuple(f"{origin}/" for origin in SETTINGS.image_origins))
    for size in (embed.thumbnail_width, embed.thumbnail_height):
        assert size is None or embed.thumbnail_url
        assert size is None or clean_size(size)
    if embed.terms_of_use_url is not None:
        terms = r"https://(www\.)?gettyimages\.[a-z.]{2,6}(/[^\"'<>\\\s`]*)?"
        assert re.fullmatch(terms, embed.terms_of_use_url, re.ASCII)
    assert embed.page_url == f"https://www.gettyimages.com/detail/{embed.ref.items[0]}"
    clean_frame(embed)


def clean_size(size: int) -> bool:
    assert type(size) is int
    assert 1 <= size <= markup.MAX_SIDE_PX
    return True


def clean_text(value: str, limit: int) -> None:
    assert isinstance(value, str)
    assert len(value) <= limit
    assert value == value.strip()
    value.encode("utf-8")
    for letter in value:
        assert unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp"), hex(ord(letter))
        assert letter not in BIDI
        assert ord(letter) & 0xFFFE != 0xFFFE
        assert not 0xFDD0 <= ord(letter) <= 0xFDEF


def clean_frame(embed: Embed) -> None:
    frame = embed.frame
    assert tuple(item.lower() for item in frame.items) == tuple(item.lower() for item in embed.ref.items)
    grammar = {
        "et": r"[\w-]{22}",
        "sig": r"[\w-]{43}=",
        "tld": r"[a-z]{2,3}(\.[a-z]{2})?",
        "viewMoreLink": "on|off",
        "similar": "on|off",
        "caption": "true|false",
        "ver": "[0-9]",
    }
    names = [name for name, _ in frame.query]
    assert names[-1] == "sig"
    assert "et" in names
    assert len(set(names)) == len(names)
    for name, value in frame.query:
        assert re.fullmatch(grammar[name], value, re.ASCII)
    assert isinstance(frame.is360, bool)
