"""Parse anything that refers to a picture into an :class:`AssetRef`, and reject everything else.

References can be IDs, lists of IDs, URLs in all their forms, Jetpack's shortcode, pasted embed code, or a CMS's
record. Only the IDs and known options are kept, so a hostile URL goes no further.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from embedkit.errors import UnsupportedReference
from embedkit.getty import urls
from embedkit.getty.urls import asset_ids as asset_ids
from embedkit.models import AssetRef, Shortcode
from embedkit.process import lazy_pattern
from embedkit.shortcodes import tag
from embedkit.shortcodes.tag import WHITESPACE

if TYPE_CHECKING:
    from embedkit.getty import embed_code

MAX_CHARS = 20_000  # embed code has about 1,200; escaped twice, 2,500
MAX_ID_CHARS = 24
_EMBED_CODE = lazy_pattern(
    r"<|&(?:amp;)*(?:lt|#0*60|#x0*3c);|\{|\[ ?Embed from |(?:window\.)?gie\b", re.IGNORECASE
)
# Not a character; the standard library raises ValueError from 4,301 digits on.
_HUGE_NUMBER = lazy_pattern(r"&#[0-9]{8,}+;?+")
# A caption that the author added inside the block isn't part of the embed, and does no harm.
_CAPTION_OR_TAG = lazy_pattern(r"<figcaption[^<>]*>[^<]*</figcaption>|<[^<>]*>")


def parse(text: str) -> AssetRef:
    """Return the pictures that a text refers to, with the options of its embed code or shortcode.

    The URL of a page or thumbnail carries no options: all URLs of a picture give equal references. An ID that
    occurs twice in a list is kept once, at its first position.

    :param text: an ID, up to five IDs separated by commas, a URL with or without its scheme, a shortcode, or embed
        code of any generation. Surrounding whitespace is ignored, and so are invisible characters around it;
        inside a URL they are refused.
    :raises UnsupportedReference: for everything else; the message says what wasn't understood.

    >>> parse("https://www.gettyimages.com/detail/news-photo/harbour/74917285").items
    ('74917285',)
    """
    if text.isascii() and text.isdecimal() and len(text) <= MAX_ID_CHARS:  # a fast path for the most common case
        return AssetRef((text,))
    text = text.strip(WHITESPACE)
    if not text:
        raise UnsupportedReference("The reference is empty.", hint=urls.HINT)
    if len(text) > MAX_CHARS:
        raise UnsupportedReference(f"A reference of {len(text)} characters is too long.", hint=urls.HINT)
    if _EMBED_CODE.match(text):
        return _parse_embed_code(text)
    if text[0] in "[!":
        return _parse_shortcode(text)
    return urls.read(text)


def ids(ref: AssetRef) -> tuple[str, ...]:
    """Validate and return the items of a reference that a caller may have built.

    :raises UnsupportedReference: if they are not asset IDs.
    """
    try:
        joined = ",".join(ref.items)
    except TypeError:
        raise UnsupportedReference("The items of the reference are not strings.", hint=urls.HINT) from None
    return urls.asset_ids(joined)


def _parse_shortcode(text: str) -> AssetRef:
    if not (found := _sole_shortcode(text)):
        raise UnsupportedReference(
            f"{urls.excerpt(text)!r} is not a shortcode.", hint="Write it as [getty 74917285]."
        )
    return _to_ref(found)


def _sole_shortcode(text: str) -> Shortcode | None:
    """Return the shortcode, ``[embed]URL[/embed]``, block or the like that makes up the whole text, if any."""
    from embedkit.shortcodes import scan  # most references don't need it

    found = scan.find(text, "markdown")
    whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(text))
    return found[0] if whole and found[0].kind != "escape" else None


def _to_ref(found: Shortcode) -> AssetRef:
    if found.problem is not None:
        raise UnsupportedReference(found.problem.detail)
    ref = urls.read(found.reference.strip(WHITESPACE))
    return AssetRef(ref.items, found.options.over(ref.options))


def _parse_embed_code(text: str) -> AssetRef:
    """Return the only embed in a text without anything else but tags around it."""
    from embedkit.getty import embed_code  # a sixth of the import time, and most references don't need it

    found = embed_code.find(text)
    if not found and (saved := _sole_shortcode(text)) and saved.kind != "url":
        return _to_ref(saved)
    if not found:
        raise UnsupportedReference("This contains no Getty Images embed code.", hint=urls.HINT)
    if any(embed.ref.items != found[0].ref.items for embed in found):
        raise UnsupportedReference(
            f"This contains {len(found)} embeds.", hint="Pass them one by one, or render the whole text."
        )
    if _text_outside(text, found):
        raise UnsupportedReference("This contains more than embed code.", hint="Render the whole text.")
    return found[0].ref


def _text_outside(text: str, found: list[embed_code.Pasted]) -> str:
    """Return the words of a text that are outside its embeds."""
    rest, last = "", 0
    for embed in found:
        rest, last = f"{rest}{text[last : embed.start]} ", embed.end
    rest = _HUGE_NUMBER.sub("\ufffd", rest + text[last:])
    return _CAPTION_OR_TAG.sub("", tag.unescape(rest)).strip(WHITESPACE)
