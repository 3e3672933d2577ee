"""Escape foreign text for whatever parses our output next: a page, Markdown, a template engine, our own scanner.

The next parser is unknown, so every ASCII punctuation character of a text is written in a form that only the final
parser decodes. This takes two steps, since a sanitizer would undo any escaping done before it:

mask      what a template prints: each punctuation character becomes one of the 32 noncharacters U+FDD0 to U+FDEF.
          No input contains them (Unicode, section 23.7, reserves them for internal use), no parser gives them a
          meaning, and filters such as ``upper`` don't change them. (U+FFFE is put before a letter that a parser
          would combine with the digit before it: ``1st``.)
unmask    the finished output, after the sanitizer: each mask becomes what the target and the input require

Our own values, such as URLs and classes, have the type :class:`Own` and are printed unchanged.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from string import punctuation
from typing import Any

from embedkit.targets import Escape

# Characters that Python-Markdown, markdown-it, mistune, commonmark.py, cmark, Goldmark, kramdown and remark all
# accept after a backslash, as tests/unit/rendering/test_escaping.py verifies. All of them accept a few more, which
# are excluded: braces, which template engines read first; parentheses, which arithmatex reads as mathematics; the
# backtick, which closes a code span that an author has left open, even after a backslash (CommonMark 0.31, section
# 6.1).
BACKSLASHED = frozenset("\\*_[]#+-.!")

_SEPARATOR = "\ufffe"
_ORDINALS = {f"{_SEPARATOR}{letter}": f"&#{ord(letter)};" for letter in "snrt"}
_UNSEPARATED = {_SEPARATOR: ""} | {separated: separated[1] for separated in _ORDINALS}
_MASKS = {char: chr(0xFDD0 + number) for number, char in enumerate(punctuation)}
_REFERENCES = {masked: f"&#{ord(char)};" for char, masked in _MASKS.items()} | {_SEPARATOR: ""}
_TABLES: dict[Escape, dict[str, str]] = {
    "references": _REFERENCES | _ORDINALS,
    "markdown": _REFERENCES | _ORDINALS | {_MASKS[char]: f"\\{char}" for char in BACKSLASHED},
    "none": {masked: char for char, masked in _MASKS.items()} | _UNSEPARATED,
    "json": {masked: f"\\u{ord(char):04x}" for char, masked in _MASKS.items()} | _UNSEPARATED,
}

_PUNCTUATION = re.compile(f"([{re.escape(punctuation)}])")  # split() also returns the group
_MASKED = re.compile(r"([\ufdd0-\ufdef\ufffe](?:(?<=\ufffe)[snrt])?)")
# pymdownx.smartsymbols makes the letters of ordinal numbers superscript, without any punctuation.
_ORDINAL = re.compile(r"[0-9](?=(?:st|nd|rd|th)\b)")
# At the start of a line, a backslash can be a delimiter (arithmatex: \[), and MDX reads two English words as code;
# Goldmark reads a link with the text "x" as a checked task list item.
_LINE_START = re.compile(
    r"^(?P<mask>[\ufdd0-\ufdef])|^[ie](?=(?:mport|xport)\b)|(?<=^\[)[xX](?=\])",
    re.MULTILINE,
)
# On a second pass, our own scanner would read "Getty 1" as a tag if a template puts it in brackets, as for a link.
_TAG_NAME = re.compile(r"(?<=\[)[gG](?=(?i:etty))")
_DUMPED = re.compile(r"\\u(fd[de][0-9a-f]|fffe)")
# Our own scanner supports backslash escapes only in Markdown.
_TAG = re.compile(rf"{_MASKS['[']}(?=(?i:getty))")


class Own(str):
    """A value of ours, such as a URL or a class, which is printed unchanged."""

    __slots__ = ()


class Text(str):
    """A foreign text in a host's template, which might convert it to markup itself: ``{{ title|e }}``.

    Whatever converts it calls ``__html__`` (MarkupSafe), which returns the masked text. String methods return
    instances of this class, too.
    """

    __slots__ = ()

    def __html__(self) -> str:
        return mask(self)

    def __add__(self, other: str) -> str:
        return (
            NotImplemented if hasattr(other, "__html__") and type(other) is not Text else Text(str(self) + other)
        )

    def __getitem__(self, place: Any) -> str:
        return Text(str(self)[place])


def _derive(name: str) -> Any:
    method = getattr(str, name)
    return lambda self, *args, **kwargs: as_texts(method(self, *args, **kwargs))


_DERIVED = (
    "capitalize casefold center expandtabs ljust lower lstrip partition removeprefix removesuffix replace rjust"
    " rpartition rsplit rstrip split splitlines strip swapcase title translate upper zfill"
)
for _name in _DERIVED.split():
    setattr(Text, _name, _derive(_name))


@lru_cache(maxsize=512)
def mask(text: str) -> str:
    """Mask the ASCII punctuation of a text, until :func:`unmask` escapes it."""
    parts = _PUNCTUATION.split(_ORDINAL.sub(rf"\g<0>{_SEPARATOR}", text))
    parts[1::2] = map(_MASKS.__getitem__, parts[1::2])
    return "".join(parts)


def unmask(output: str, escape: Escape) -> str:
    """Replace every mask in finished output with the escaped character.

    In HTML, the dash of our captions becomes a numeric reference too: ASCII reads the same in any charset, and is
    joined and written several times faster.

    :param escape: that of the target for the input, from :class:`embedkit.targets.Row`.
    """
    if "[" in output and escape in ("references", "markdown"):
        output = _TAG_NAME.sub(lambda found: f"&#{ord(found[0])};", output)
    if escape == "markdown":
        output = _TAG.sub("&#91;", _LINE_START.sub(_to_reference, output))
    if escape == "references":
        output = output.replace("\u2014", "&#8212;")
    parts = _MASKED.split(output)
    parts[1::2] = map(_TABLES[escape].__getitem__, parts[1::2])
    return "".join(parts)


def escape_text(text: str, escape: Escape) -> str:
    """Escape a text outside of templates."""
    return unmask(mask(text), escape)


def mask_value(value: Any) -> Any:
    """Return what a template prints for a value: ours, numbers and markup unchanged, anything else masked."""
    kind = type(value)
    if kind is str or kind is Text:
        return mask(value)
    if kind is Own or kind is int or kind is float or hasattr(value, "__html__"):
        return value
    return mask(str(value))


def as_texts(value: Any) -> Any:
    """Convert every string in a value to a :class:`Text`, except our own."""
    if isinstance(value, dict):
        return {name: as_texts(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(as_texts, value))
    return Text(value) if type(value) is str else value


def dump_json(value: Any, **options: Any) -> str:
    """Serialize a value as JSON with all punctuation in texts written as ``\\u00XX`` (RFC 8259, section 7).

    :param options: passed to :func:`json.dumps`.
    """
    return unmask(_DUMPED.sub(_undump, json.dumps(_mask_all(value), **options)), "json")


def _mask_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _mask_all(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_all(item) for item in value]
    return mask(value) if isinstance(value, str) and not isinstance(value, Own) else value


def _undump(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _to_reference(found: re.Match[str]) -> str:
    return _REFERENCES[found["mask"]] if found["mask"] else f"&#{ord(found[0])};"
