"""Texts from upstream, made fit to be kept: one line, printable, bounded. They stay raw, never escaped.

A title that says ``&lt;b&gt;`` keeps saying so: it is text, and a template escapes it once, at the end.
"""

from __future__ import annotations

import re

TITLE = 300  # characters
CAPTION = 2000
NAME = 200  # a photographer, a collection, an agency

# Line breaks of any kind, and the control characters that str.split() counts as blank.
_BLANK = re.compile(r"[\t-\r\x1c-\x20\x85\u2028\u2029]+")
# Controls, the byte order mark, and Unicode's Bidi_Control: an override turns what follows around, our
# own words and links included (UTR 36 section 3.2; CVE-2021-42574).
_UNSEEN = re.compile(r"[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# NUL, surrogates without a partner and noncharacters: no HTML, no XML, or no UTF-8 can hold them.
_BROKEN = re.compile(
    "[\x00\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def line(value: object, limit: int) -> str:
    """A text as one clean line, cut where it is too long; empty for anything that is no text.

    :param limit: the most characters (code points) it may have, the ellipsis of a cut included.
    """
    if not isinstance(value, str):
        return ""
    if not value.isprintable():  # false for a line break, and for everything else that is looked for here
        value = _BROKEN.sub("\ufffd", _UNSEEN.sub("", value))
    folded = _BLANK.sub(" ", value).strip()
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"
