"""Whatever was written for a picture becomes an :class:`AssetRef`, and nothing else passes.

IDs, lists, URLs of every shape, Jetpack's shortcode, pasted embed code, a CMS's record. Only the IDs and what is
known of options survive; a hostile URL has nowhere to go.
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

if TYPE_CHECKING:
    from embedkit.getty import embed_code

MAX_CHARS = 20_000  # embed code has some 1,200, escaped twice 2,500
# What people paste with a reference without seeing it: spaces, zero-width signs, marks of direction. Within a URL
# they are refused.
BLANK = tag.BLANK

MAX_ID_CHARS = 24
_CODE = lazy_pattern(r"<|&(?:amp;)*(?:lt|#0*60|#x0*3c);|\{|\[ ?Embed from |(?:window\.)?gie\b", re.IGNORECASE)
# An author's caption within the block is not a part of the embed, and does no harm to it.
_HUGE = lazy_pattern(r"&#[0-9]{8,}+;?+")  # no character; the standard library raises ValueError for 4,301 digits
_CAPTION = lazy_pattern(r"<figcaption[^<>]*>[^<]*</figcaption>|<[^<>]*>")


def parse(text: str) -> AssetRef:
    """The pictures that a text names, with the options of embed code or of a shortcode.

    The URL of a page or of a thumbnail holds no options: all URLs of one picture give equal references. Of an ID
    that a list has twice the first is kept.

    :param text: an ID, up to five IDs with commas, a URL with or without scheme, a shortcode, or embed code of any
        generation; outer whitespace does not matter.
    :raises UnsupportedReference: for everything else; the message names what is not understood.

    >>> parse("https://www.gettyimages.com/detail/news-photo/harbour/74917285").items
    ('74917285',)
    """
    if text.isascii() and text.isdecimal() and len(text) <= MAX_ID_CHARS:  # what most texts hold, seen at once
        return AssetRef((text,))
    written = text.strip(BLANK)
    if not written:
        raise UnsupportedReference("The reference is empty.", hint=urls.HINT)
    if len(written) > MAX_CHARS:
        raise UnsupportedReference(f"A reference of {len(written)} characters is too long.", hint=urls.HINT)
    if _CODE.match(written):
        return _embed_code(written)
    if written[0] in "[!":
        return _shortcode(written)
    return urls.read(written)


def ids(ref: AssetRef) -> tuple[str, ...]:
    """The items of a reference that somebody else may have made, checked.

    :raises UnsupportedReference: where they are not asset ids.
    """
    try:
        written = ",".join(ref.items)
    except TypeError:
        raise UnsupportedReference("The items of the reference are not strings.", hint=urls.HINT) from None
    return urls.asset_ids(written)


def _shortcode(written: str) -> AssetRef:
    if not (found := _all_of(written)):
        raise UnsupportedReference(
            f"{urls.excerpt(written)!r} is not a shortcode.", hint="Write it as [getty 74917285]."
        )
    return _read(found)


def _all_of(written: str) -> Shortcode | None:
    """The shortcode, or anything else that becomes a picture, which a text is: ``[embed]URL[/embed]``, a block."""
    from embedkit.shortcodes import scan  # most references are none

    found = scan.find(written, "markdown")
    whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(written))
    return found[0] if whole and found[0].kind != "escape" else None


def _read(found: Shortcode) -> AssetRef:
    if found.problem is not None:
        raise UnsupportedReference(found.problem.detail)
    ref = urls.read(found.reference.strip(BLANK))
    return AssetRef(ref.items, found.options.over(ref.options))


def _embed_code(written: str) -> AssetRef:
    """The one embed in a text that holds nothing else; tags around it do not count."""
    from embedkit.getty import embed_code  # a sixth of all there is to import, and most have no use for it

    found = embed_code.find(written)
    if not found and (saved := _all_of(written)) and saved.kind != "url":
        return _read(saved)
    if not found:
        raise UnsupportedReference("There is no embed code of Getty Images in this.", hint=urls.HINT)
    if any(one.ref.items != found[0].ref.items for one in found):
        raise UnsupportedReference(
            f"This holds {len(found)} embeds.", hint="Pass them one by one, or render the text as a whole."
        )
    if _besides(written, found):
        raise UnsupportedReference("There is more than embed code in this.", hint="Render the text as a whole.")
    return found[0].ref


def _besides(written: str, found: list[embed_code.Pasted]) -> str:
    """The words of a text outside of the embeds in it."""
    rest, last = "", 0
    for one in found:
        rest, last = f"{rest}{written[last : one.start]} ", one.end
    rest = _HUGE.sub("\ufffd", rest + written[last:])
    return _CAPTION.sub("", tag.unescape(rest)).strip(BLANK)
