"""Parse what editors save for a URL: a link to itself, an image with the URL of a page, CKEditor's ``<oembed>``,
Wagtail's ``<embed>``, WordPress's blocks, Drupal's ``<drupal-url>``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from embedkit.models import ALIGNS, NO_OPTIONS, Options
from embedkit.process import lazy_pattern
from embedkit.shortcodes.tag import WHITESPACE, unescape

MAX_HEAD_CHARS = 4096  # of a start tag, or of a block's opening comment
MIN_SHOWN_CHARS = 12  # of a URL that an editor has truncated
MAX_CAPTION_CHARS = 4096  # in the source; twice as many as any target shows

_NAMES = "oembed|embed|a|img|drupal-url|div|figure|span|p|section"
KIND = lazy_pattern(
    rf"<(?:({_NAMES})(?=[ \t\r\n])|!--[ \t\r\n]*+wp:(embed|core-embed/[a-z0-9-]++)[ \t\r\n])", re.IGNORECASE
)
# Plain attributes only, so that every tokenizer finds the same end of the tag.
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
# CKEditor 4's media plugins; Drupal's URL embed. The preview inside the element is replaced with it.
_URL_ATTRIBUTES = ("data-oembed-url", "data-embed-url")
MAX_PREVIEW_CHARS = 16_384
MAX_DEPTH = 64
_BLOCK_END = lazy_pattern(r"<!--[ \t\r\n]*+/wp:([a-z][a-z0-9/-]*+)[ \t\r\n]*+-->")
# Markup that all parsers read alike, so that the closing comment after it is outside of every tag.
_PLAIN_MARKUP = lazy_pattern(r"(?:[^<]++|</?[A-Za-z](?:[^<>\"']++|\"[^\"<>]*+\"|'[^'<>]*+')*+>)*+")
_FIGCAPTION = lazy_pattern(r"<figcaption(?:[ \t\r\n][^<>]*+)?>", re.IGNORECASE)
_TAG = lazy_pattern(r"<[^<>]*+>")


class SavedEmbed(NamedTuple):
    """A URL that an editor saved, and the end of the markup around it."""

    kind: Literal["oembed", "embed", "wp-embed", "url", "image"]
    end: int
    url: str
    options: Options = NO_OPTIONS


class Editors:
    """Parses what editors saved in one text. Positions must be passed in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = -1  # the last position that was read: a tag can contain many URLs
        self._closing: re.Match[str] | None = None  # the next end of any block
        self._searched_from = -1  # where the search for it began; nothing is searched twice

    def read(self, start: int) -> SavedEmbed | None:
        """Return the saved embed at ``start``, if it is complete and has a URL; None if called there again."""
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
        attributes = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(tag[0])}
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
        """Parse a URL that the editor, or an autolinker, turned into a link to itself."""
        label = _LABEL.match(self._text, end, end + MAX_HEAD_CHARS)
        shown = unescape(_TAG.sub("", label[1])) if label else ""
        url = linked_url(shown, unescape(attributes.get("href", "")))
        return SavedEmbed("url", label.end(), url) if label and url else None

    def _preview(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> SavedEmbed | None:
        """Parse an element with the URL in an attribute and a preview as its content."""
        url = next((unescape(attributes[key]).strip() for key in _URL_ATTRIBUTES if key in attributes), "")
        if url and name == "drupal-url" and self._text[end - 2] == "/":
            return SavedEmbed("oembed", end, url)
        closing = self._closing_tag(name, end, start + MAX_PREVIEW_CHARS) if url else 0
        return SavedEmbed("oembed", closing, url) if closing else None

    def _closing_tag(self, name: str, start: int, limit: int) -> int:
        """Return the end of the element that is open at ``start``; 0 if it is not closed, or contains too much."""
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
            # Of several blocks before one end, the first is not complete: the pattern stops at the next comment.
            if (
                closing is None
                or closing[1] != found[2]
                or not _PLAIN_MARKUP.fullmatch(self._text, end, closing.start())
            ):
                return None
            caption, end = _caption(self._text[end : closing.start()]), closing.end()
        attributes = _block_attributes(head.removesuffix("/"))
        url = attributes.get("url")
        if not isinstance(url, str) or not url.strip():
            return None
        align = next((align for align in ALIGNS if align == attributes.get("align")), None)
        return SavedEmbed("wp-embed", end, url.strip(), Options(caption=caption, align=align))

    def _block_end(self, start: int) -> re.Match[str] | None:
        """Return the next end of any block; since embeds contain no blocks, it must be the embed's own."""
        if self._searched_from < 0 or (self._closing and self._closing.start() < start):
            self._closing, self._searched_from = _BLOCK_END.search(self._text, start), start
        return self._closing


@lru_cache(maxsize=16)
def _tags_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){name}(?:\s[^<>]*+)?>", re.IGNORECASE)


def _image(attributes: Mapping[str, str], end: int) -> SavedEmbed | None:
    """Parse an image whose source is the URL of a page, which browsers can't show."""
    url = unescape(attributes.get("src", "")).strip()
    if not url or THUMBNAIL.match(url):
        return None
    return SavedEmbed("image", end, url, titled(unescape(attributes.get("alt", ""))))


def titled(alt: str) -> Options:
    """Return the alternative text of an image as the picture's title."""
    return Options(title=" ".join(alt.split()) or None)


def linked_url(label: str, url: str) -> str:
    """Return the URL of a link whose text is that URL, perhaps without scheme or truncated; else the empty string.

    Google Docs links through a redirect of its own, from which the URL is extracted.

    >>> linked_url("gty.im/74917285", "https://gty.im/74917285")
    'https://gty.im/74917285'
    """
    shown, target = (_SCHEME.sub("", text.strip(WHITESPACE), count=1).rstrip("/") for text in (label, url))
    shortened = shown.removesuffix("…") if shown.endswith("…") else shown.removesuffix("...")
    if shortened != shown:
        return url if len(shortened) >= MIN_SHOWN_CHARS and target.startswith(shortened) else ""
    if target.startswith(f"google.com/url?q={label.strip(WHITESPACE)}&"):
        return label
    return url if shown and shown == target else ""


def _block_attributes(head: str) -> dict[str, object]:
    try:
        attributes = json.loads(head)
    except (ValueError, RecursionError):  # a block without attributes, or a damaged one
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _caption(content: str) -> str | None:
    found = _FIGCAPTION.search(content)
    caption = content[found.end() :][:MAX_CAPTION_CHARS].partition("</figcaption")[0] if found else ""
    return " ".join(unescape(_TAG.sub("", caption)).split()) or None
