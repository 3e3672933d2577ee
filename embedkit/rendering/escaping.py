"""Foreign text stays text for whatever reads our output next: a page, Markdown, a template engine, our scanner.

What comes next is not known, so every ASCII punctuation sign of a text is written in a form that only the last
reader takes for the sign itself. It takes two steps, since a sanitizer would undo any escaping done before it:

mask      what a template prints: each sign becomes one of the 32 noncharacters U+FDD0 to U+FDEF, which no text
          that comes here holds (Unicode, section 23.7: they are for internal use), to which no reader gives a
          meaning, and which filters such as ``upper`` leave alone
          (and U+FFFE stands before a letter that would be read with the digit in front of it: ``1st``)
unmask    the finished output, behind the sanitizer: each becomes what the target and the input ask for

Values of ours, such as URLs and classes, are of the type :class:`Own` and are printed as they stand.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from string import punctuation
from typing import Any

from embedkit.targets import Escape

# What Python-Markdown, markdown-it, mistune, commonmark.py, cmark, Goldmark, kramdown and remark all take after a
# backslash; tests/unit/rendering/test_escaping.py measures it. Not among them, though all know them: braces, which
# template engines read first; parentheses, which arithmatex reads as mathematics; the backtick, which ends a code
# span that an author has left open, backslash or not (CommonMark 0.31, section 6.1).
BACKSLASHED = frozenset("\\*_[]#+-.!")

_GLUE = "\ufffe"
_ORDINALS = {f"{_GLUE}{letter}": f"&#{ord(letter)};" for letter in "snrt"}
_LEFT = {_GLUE: ""} | {glued: glued[1] for glued in _ORDINALS}
_MASKS = {sign: chr(0xFDD0 + number) for number, sign in enumerate(punctuation)}
_REFERENCES = {masked: f"&#{ord(sign)};" for sign, masked in _MASKS.items()}
_TABLES: dict[Escape, dict[str, str]] = {
    "references": _REFERENCES | _ORDINALS | {_GLUE: ""},
    "markdown": _REFERENCES | _ORDINALS | {_GLUE: ""} | {_MASKS[sign]: f"\\{sign}" for sign in BACKSLASHED},
    "none": {masked: sign for sign, masked in _MASKS.items()} | _LEFT,
    "json": {masked: f"\\u{ord(sign):04x}" for sign, masked in _MASKS.items()} | _LEFT,
}

_SIGN = re.compile(f"([{re.escape(punctuation)}])")  # its parts are the text between, and the signs
_MASKED = re.compile(r"([\ufdd0-\ufdef\ufffe](?:(?<=\ufffe)[snrt])?)")
# pymdownx.smartsymbols raises the letters of ordinal numbers, and no punctuation is in them.
_ORDINAL = re.compile(r"[0-9](?=(?:st|nd|rd|th)\b)")
# Where a line starts, a backslash may be a delimiter (arithmatex: \[), MDX reads two English words as code, and
# Goldmark a link of the one letter x as a box that is ticked.
_LINE_START = re.compile(
    r"^(?P<sign>[\ufdd0-\ufdef])|^[ie](?=(?:mport|xport)\b)|(?<=^\[)[xX](?=\])",
    re.MULTILINE,
)
# At a second pass our own scanner takes a text "Getty 1" for a tag where a template has it in brackets, as a link.
_TAG_NAME = re.compile(r"(?<=\[)[gG](?=(?i:etty))")
_DUMPED = re.compile(r"\\u(fd[de][0-9a-f]|fffe)")
# Our own scanner knows backslashes in Markdown alone.
_TAG = re.compile(rf"{_MASKS['[']}(?=(?i:getty))")


class Own(str):
    """A value of ours that means what it says, such as a URL or a class: printed as it stands."""

    __slots__ = ()


class Text(str):
    """A foreign text in a template of a host's own, which may make markup of it by itself: ``{{ title|e }}``.

    Whatever makes markup of a text asks for ``__html__``, and gets it masked (MarkupSafe). What is made of a text
    is one, too.
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
    """A text with its ASCII punctuation masked; :func:`unmask` has the last word."""
    parts = _SIGN.split(_ORDINAL.sub(rf"\g<0>{_GLUE}", text))
    parts[1::2] = map(_MASKS.__getitem__, parts[1::2])
    return "".join(parts)


def unmask(output: str, escape: Escape) -> str:
    """Finished output with every mask replaced by what stands for its sign.

    In HTML the dash of our captions is a number, too: of ASCII alone a page reads the same in any charset, and is
    put together and written several times as fast.

    :param escape: what :class:`embedkit.targets.Row` has for the target and the input.
    """
    if "[" in output and escape in ("references", "markdown"):
        output = _TAG_NAME.sub(lambda found: f"&#{ord(found[0])};", output)
    if escape == "markdown":
        output = _TAG.sub("&#91;", _LINE_START.sub(_reference, output))
    if escape == "references":
        output = output.replace("\u2014", "&#8212;")
    parts = _MASKED.split(output)
    parts[1::2] = map(_TABLES[escape].__getitem__, parts[1::2])
    return "".join(parts)


def escape_text(text: str, escape: Escape) -> str:
    """A text by itself, escaped."""
    return unmask(mask(text), escape)


def mask_value(value: Any) -> Any:
    """What a template prints of a value: our own, numbers and markup as they stand, anything else masked."""
    kind = type(value)
    if kind is str or kind is Text:
        return mask(value)
    if kind is Own or kind is int or kind is float or hasattr(value, "__html__"):
        return value
    return mask(str(value))


def as_texts(value: Any) -> Any:
    """A value with every string in it as a :class:`Text`, but for our own."""
    if isinstance(value, dict):
        return {name: as_texts(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(as_texts, value))
    return Text(value) if type(value) is str else value


def dump_json(value: Any, **options: Any) -> str:
    """JSON whose texts hold no punctuation but as ``\\u00XX``, the same to any reader (RFC 8259, section 7).

    :param options: of :func:`json.dumps`.
    """
    return unmask(_DUMPED.sub(_undump, json.dumps(_mask_all(value), **options)), "json")


def _mask_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _mask_all(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_all(one) for one in value]
    return mask(value) if isinstance(value, str) and not isinstance(value, Own) else value


def _undump(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _reference(found: re.Match[str]) -> str:
    return _REFERENCES[found["sign"]] if found["sign"] else f"&#{ord(found[0])};"
