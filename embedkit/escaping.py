"""Foreign text stays text for whatever reads our output next: a page, Markdown, a template engine, our scanner.

What comes next is not known, so every ASCII punctuation sign of a text is written in a form that only the last
reader takes for the sign itself. It takes two steps, since a sanitizer would undo any escaping done before it:

mask      what a template prints: each sign becomes the noncharacter U+FDD0, which no text that comes here holds
          (Unicode, section 23.7: it is for internal use) and no reader gives a meaning, and a letter
unmask    the finished output, behind the sanitizer: each becomes what the target and the input ask for

Values of ours, such as URLs and classes, are of the type :class:`Own` and are printed as they stand.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from string import ascii_letters, punctuation
from typing import Any, Literal

from embedkit.models import Input, Target

Escape = Literal["references", "json", "markdown", "none"]
"""``references``: ``&#91;``, the same page to a browser; ``json``: these, and ``\\u005b`` in JSON; ``markdown``:
backslashes where every processor takes them, else references; ``none``: the signs themselves, for plain text."""

ESCAPES: dict[Target, dict[Input, Escape]] = {
    "web": {"html": "references", "markdown": "references", "text": "references"},
    "facade": {"html": "references", "markdown": "references", "text": "references"},
    "widget": {"html": "references", "markdown": "references", "text": "references"},
    "wordpress": {"html": "references", "markdown": "references", "text": "references"},
    "oembed": {"html": "references", "markdown": "references", "text": "references"},
    "amp": {"html": "references", "markdown": "references", "text": "references"},
    "feed": {"html": "references", "markdown": "references", "text": "references"},
    "email": {"html": "references", "markdown": "references", "text": "references"},
    "text": {"html": "references", "markdown": "markdown", "text": "none"},
    "markdown": {"html": "markdown", "markdown": "markdown", "text": "markdown"},
    "jsonld": {"html": "json", "markdown": "json", "text": "json"},
    "card": {"html": "references", "markdown": "references", "text": "references"},
}

# What Python-Markdown, markdown-it, mistune, commonmark.py, cmark, Goldmark, kramdown and remark all take after a
# backslash; tests/test_escaping.py measures it. Not among them, though all know them: braces, which template
# engines read first; parentheses, which arithmatex reads as mathematics; the backtick, which ends a code span
# that an author has left open, backslash or not (CommonMark 0.31, section 6.1).
BACKSLASHED = frozenset("\\*_[]#+-.!")

_MARK = "\ufdd0"
_LETTERS = dict(zip(punctuation, ascii_letters, strict=False))
_MASKS = {sign: _MARK + letter for sign, letter in _LETTERS.items()}
_REFERENCES = {letter: f"&#{ord(sign)};" for sign, letter in _LETTERS.items()}
_TABLES: dict[Escape, dict[str, str]] = {
    "references": _REFERENCES,
    "markdown": _REFERENCES | {_LETTERS[sign]: f"\\{sign}" for sign in BACKSLASHED},
    "none": {letter: sign for sign, letter in _LETTERS.items()},
    "json": {letter: f"\\u{ord(sign):04x}" for sign, letter in _LETTERS.items()},
}

_SIGN = re.compile(f"([{re.escape(punctuation)}])")  # its parts are the text between, and the signs
# Where a line starts, a backslash may be a delimiter (arithmatex: \[), MDX reads two English words as code, and
# Goldmark a link of the one letter x as a box that is ticked.
_LINE_START = re.compile(rf"^{_MARK}(?P<sign>.)|^[ie](?=(?:mport|xport)\b)|(?<=^\[)[xX](?=\])", re.MULTILINE)
# Our own scanner knows backslashes in Markdown alone.
_TAG = re.compile(rf"{_MASKS['[']}(?=(?i:getty))")


class Own(str):
    """A value of ours that means what it says, such as a URL or a class: printed as it stands."""

    __slots__ = ()


@lru_cache(maxsize=512)
def mask(text: str) -> str:
    """A text with its ASCII punctuation masked; :func:`unmask` has the last word."""
    parts = _SIGN.split(text)
    parts[1::2] = map(_MASKS.__getitem__, parts[1::2])
    return "".join(parts)


def unmask(output: str, escape: Escape) -> str:
    """Finished output with every mask replaced by what stands for its sign.

    :param escape: the cell of :data:`ESCAPES` for the target and the input.
    """
    if escape == "markdown":
        output = _TAG.sub("&#91;", _LINE_START.sub(_reference, output))
    table = _TABLES[escape]
    parts = output.split(_MARK)
    for place, part in enumerate(parts[1:], 1):
        parts[place] = table.get(part[:1], part[:1]) + part[1:]
    return "".join(parts)


def escape_text(text: str, escape: Escape) -> str:
    """A text by itself, escaped."""
    return unmask(mask(text), escape)


def mask_value(value: Any) -> Any:
    """What a template prints of a value: our own as it stands, any other string masked."""
    return mask(value) if type(value) is str else value


def dump_json(value: Any, **options: Any) -> str:
    """JSON whose texts hold no punctuation but as ``\\u00XX``, the same to any reader (RFC 8259, section 7).

    :param options: of :func:`json.dumps`.
    """
    return unmask(json.dumps(_mask_all(value), **options).replace(r"\ufdd0", _MARK), "json")


def _mask_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _mask_all(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_all(one) for one in value]
    return mask_value(value)


def _reference(found: re.Match[str]) -> str:
    return _REFERENCES[found["sign"]] if found["sign"] else f"&#{ord(found[0])};"
