"""Our markup for the middle of a sentence, a heading or a cell, where a figure may not stand."""

from __future__ import annotations

import re

from embedkit.process import lazy_pattern

_TAG = lazy_pattern(r"<(/?)(figure|figcaption|div|blockquote|p)(?=[ >])")


def phrasing(html: str) -> str:
    """Markup of a target with phrasing content alone (HTML standard, section 3.2.5.2.5).

    The classes stay, and the stylesheet makes blocks of them, so that it looks the same.

    :param html: made by our own templates: a ``<`` in it always begins a tag.

    >>> phrasing('<figure class="ek"><div class="ek-box"></div></figure>')
    '<span role="figure" class="ek"><span class="ek-box"></span></span>'
    """
    return _TAG.sub(_as_span, html)


def _as_span(tag: re.Match[str]) -> str:
    if tag[1]:
        return "</span"
    return '<span role="figure"' if tag[2] == "figure" else "<span"
