"""What editors save for a URL: CKEditor's ``<oembed>``, Wagtail's ``<embed>``, WordPress's blocks."""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

from embedkit.models import ALIGNS, Options
from embedkit.process import lazy_pattern
from embedkit.shortcodes.tag import unescape

MAX_HEAD_CHARS = 4096  # of a tag, or of a block's opening comment
MAX_CAPTION_CHARS = 4096  # as written; twice as many as any target shows

KIND = lazy_pattern(
    r"<(?:(oembed|embed)(?=[ \t\r\n])|!--[ \t\r\n]*+wp:(embed|core-embed/[a-z0-9-]++)[ \t\r\n])", re.IGNORECASE
)
# Plain attributes only: whatever a tokenizer makes of stranger tags, this one ends where it says.
_ELEMENT = lazy_pattern(
    r"<(?:oembed|embed)(?:[ \t\r\n]++[A-Za-z-]++(?:=(?:\"[^\"]*+\"|'[^']*+'))?+)*+[ \t\r\n]*+/?>", re.IGNORECASE
)
_ATTRIBUTE = lazy_pattern(r"[ \t\r\n]([A-Za-z-]++)=(?:\"([^\"]*+)\"|'([^']*+)')")
_OEMBED_END = lazy_pattern(r"[ \t\r\n]*+</oembed[ \t\r\n]*+>", re.IGNORECASE)
_BLOCK_END = lazy_pattern(r"<!--[ \t\r\n]*+/wp:([a-z][a-z0-9/-]*+)[ \t\r\n]*+-->")
# Markup that no two parsers read in two ways: a closing comment behind it is outside of every tag.
_INSIDE = lazy_pattern(r"(?:[^<]++|</?[A-Za-z](?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+>)*+")
_FIGCAPTION = lazy_pattern(r"<figcaption(?:[ \t\r\n][^<>]*+)?>", re.IGNORECASE)
_TAG = lazy_pattern(r"<[^<>]*+>")


class SavedEmbed(NamedTuple):
    """A URL that an editor saved, and the end of what it saved it in."""

    kind: Literal["oembed", "embed", "wp-embed"]
    end: int
    url: str
    options: Options = Options()


class Editors:
    """Reads what editors saved in one text; places are given in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = -1  # what was read last: one tag may hold many URLs
        self._closing: re.Match[str] | None = None  # the next end of any block
        self._last = -1  # where that was looked for; nothing is sought twice

    def read(self, start: int) -> SavedEmbed | None:
        """What is saved at ``start``, if it is whole and has a URL; nothing the second time."""
        found = KIND.match(self._text, start) if start != self._start else None
        self._start = start
        if found is None:
            return None
        return self._block(found) if found[2] else self._element(found)

    def _element(self, found: re.Match[str]) -> SavedEmbed | None:
        tag = _ELEMENT.match(self._text, found.start(), found.start() + MAX_HEAD_CHARS)
        if tag is None:
            return None
        end = tag.end()
        attributes = {one[1].lower(): one[2] or one[3] or "" for one in _ATTRIBUTE.finditer(tag[0])}
        url = unescape(attributes.get("url", "")).strip()
        if not url:
            return None
        if found[1].lower() == "embed":
            return SavedEmbed("embed", end, url)
        closed = _OEMBED_END.match(self._text, end)
        return SavedEmbed("oembed", closed.end() if closed else end, url)

    def _block(self, found: re.Match[str]) -> SavedEmbed | None:
        head_end = self._text.find("-->", found.end(), found.start() + MAX_HEAD_CHARS)
        if head_end < 0:
            return None
        head, end, caption = self._text[found.end() : head_end].strip(), head_end + 3, None
        if not head.endswith("/"):
            closing = self._block_end(head_end)
            # The first of several blocks with one end is not whole: this stops at the next comment.
            if (
                closing is None
                or closing[1] != found[2]
                or not _INSIDE.fullmatch(self._text, end, closing.start())
            ):
                return None
            caption, end = _caption(self._text[end : closing.start()]), closing.end()
        attributes = _block_attributes(head.removesuffix("/"))
        url = attributes.get("url")
        if not isinstance(url, str) or not url.strip():
            return None
        align = next((one for one in ALIGNS if one == attributes.get("align")), None)
        return SavedEmbed("wp-embed", end, url.strip(), Options(caption=caption, align=align))

    def _block_end(self, start: int) -> re.Match[str] | None:
        """The next end of any block; an embed holds no other block, so it must be its own."""
        if self._last < 0 or (self._closing and self._closing.start() < start):
            self._closing, self._last = _BLOCK_END.search(self._text, start), start
        return self._closing


def _block_attributes(head: str) -> dict[str, object]:
    try:
        attributes = json.loads(head)
    except (ValueError, RecursionError):  # a block without attributes, or a damaged one
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _caption(inside: str) -> str | None:
    found = _FIGCAPTION.search(inside)
    written = inside[found.end() :][:MAX_CAPTION_CHARS].partition("</figcaption")[0] if found else ""
    return " ".join(unescape(_TAG.sub("", written)).split()) or None
