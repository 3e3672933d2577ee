"""What editors save for a URL: a link to itself, an image that is none, CKEditor's ``<oembed>``, Wagtail's
``<embed>``, WordPress's blocks, Drupal's ``<drupal-url>``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from embedkit.models import ALIGNS, NO_OPTIONS, Options
from embedkit.process import lazy_pattern
from embedkit.shortcodes.tag import BLANK, unescape

MAX_HEAD_CHARS = 4096  # of a tag, or of a block's opening comment
MIN_SHOWN_CHARS = 12  # of a URL that an editor has shortened
MAX_CAPTION_CHARS = 4096  # as written; twice as many as any target shows

_NAMES = "oembed|embed|a|img|drupal-url|div|figure|span|p|section"
KIND = lazy_pattern(
    rf"<(?:({_NAMES})(?=[ \t\r\n])|!--[ \t\r\n]*+wp:(embed|core-embed/[a-z0-9-]++)[ \t\r\n])", re.IGNORECASE
)
# Plain attributes only: whatever a tokenizer makes of stranger tags, this one ends where it says.
_ELEMENT = lazy_pattern(
    rf"<(?:{_NAMES})"
    r"(?:[ \t\r\n]++[A-Za-z-]++(?:=(?:\"[^\"]*+\"|'[^']*+'|(?:[^\s\"'<>=`/]|/(?!>))++))?+)*+[ \t\r\n]*+/?>",
    re.IGNORECASE,
)
_ATTRIBUTE = lazy_pattern(r"[ \t\r\n]([A-Za-z-]++)=(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>=`]++))")
_OEMBED_END = lazy_pattern(r"[ \t\r\n]*+</oembed[ \t\r\n]*+>", re.IGNORECASE)
_LABEL = lazy_pattern(r"((?:[^<]++|</?(?:span|u|b|i|em|strong|font|wbr)(?:\s[^<>]*+)?>)*+)</a\s*+>", re.IGNORECASE)
_SCHEME = lazy_pattern(r"(?:(?:https?:)?//)?(?:www\.)?", re.IGNORECASE)
THUMBNAIL = lazy_pattern(r"(?:https?:)?//(?:media|embed)\.", re.IGNORECASE)
# CKEditor 4's media plugins; Drupal's URL embed. The preview that they keep in the element goes with it.
_URL_ATTRIBUTES = ("data-oembed-url", "data-embed-url")
MAX_PREVIEW_CHARS = 16_384
MAX_DEPTH = 64
_BLOCK_END = lazy_pattern(r"<!--[ \t\r\n]*+/wp:([a-z][a-z0-9/-]*+)[ \t\r\n]*+-->")
# Markup that no two parsers read in two ways: a closing comment behind it is outside of every tag.
_INSIDE = lazy_pattern(r"(?:[^<]++|</?[A-Za-z](?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+>)*+")
_FIGCAPTION = lazy_pattern(r"<figcaption(?:[ \t\r\n][^<>]*+)?>", re.IGNORECASE)
_TAG = lazy_pattern(r"<[^<>]*+>")


class SavedEmbed(NamedTuple):
    """A URL that an editor saved, and the end of what it saved it in."""

    kind: Literal["oembed", "embed", "wp-embed", "url", "image"]
    end: int
    url: str
    options: Options = NO_OPTIONS


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
        attributes = {one[1].lower(): one[2] or one[3] or one[4] or "" for one in _ATTRIBUTE.finditer(tag[0])}
        name = found[1].lower()
        if name == "a":
            return self._link(attributes, end)
        if name == "img":
            return _image(attributes, end)
        if name not in ("oembed", "embed"):
            return self._preview(name, attributes, found.start(), end)
        url = unescape(attributes.get("url", "")).strip()
        if not url:
            return None
        if name == "embed":
            return SavedEmbed("embed", end, url)
        closed = _OEMBED_END.match(self._text, end)
        return SavedEmbed("oembed", closed.end() if closed else end, url)

    def _link(self, attributes: Mapping[str, str], end: int) -> SavedEmbed | None:
        """A URL that the editor, or an autolinker, made a link to itself."""
        label = _LABEL.match(self._text, end, end + MAX_HEAD_CHARS)
        shown = unescape(_TAG.sub("", label[1])) if label else ""
        url = linked_url(shown, unescape(attributes.get("href", "")))
        return SavedEmbed("url", label.end(), url) if label and url else None

    def _preview(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> SavedEmbed | None:
        """An element that keeps the URL as an attribute, with a preview in it."""
        url = next((unescape(attributes[key]).strip() for key in _URL_ATTRIBUTES if key in attributes), "")
        if url and name == "drupal-url" and self._text[end - 2] == "/":
            return SavedEmbed("oembed", end, url)
        closing = self._closing_tag(name, end, start + MAX_PREVIEW_CHARS) if url else 0
        return SavedEmbed("oembed", closing, url) if closing else None

    def _closing_tag(self, name: str, start: int, limit: int) -> int:
        """The end of the element that is open at ``start``; 0 where it is not closed, or holds too much."""
        depth = 1
        for number, found in enumerate(_tags_of(name).finditer(self._text, start, limit)):
            depth += -1 if found[1] else 1
            if not depth:
                return found.end()
            if number > MAX_DEPTH:
                break
        return 0

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


@lru_cache(maxsize=16)
def _tags_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){name}(?:\s[^<>]*+)?>", re.IGNORECASE)


def _image(attributes: Mapping[str, str], end: int) -> SavedEmbed | None:
    """The URL of a page as the source of an image: no browser shows that."""
    url = unescape(attributes.get("src", "")).strip()
    if not url or THUMBNAIL.match(url):
        return None
    return SavedEmbed("image", end, url, titled(unescape(attributes.get("alt", ""))))


def titled(alt: str) -> Options:
    """What an author wrote for those who don't see an image is the picture's title."""
    return Options(title=" ".join(alt.split()) or None)


def linked_url(label: str, url: str) -> str:
    """The URL of a link whose text is that URL, perhaps without scheme or with an ellipsis; else nothing.

    Google Docs leads to a URL through one of its own.

    >>> linked_url("gty.im/74917285", "https://gty.im/74917285")
    'https://gty.im/74917285'
    """
    shown, target = (_SCHEME.sub("", text.strip(BLANK), count=1).rstrip("/") for text in (label, url))
    shortened = shown.removesuffix("…") if shown.endswith("…") else shown.removesuffix("...")
    if shortened != shown:
        return url if len(shortened) >= MIN_SHOWN_CHARS and target.startswith(shortened) else ""
    if target.startswith(f"google.com/url?q={label.strip(BLANK)}&"):
        return label
    return url if shown and shown == target else ""


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
