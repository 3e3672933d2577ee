"""The language of one tag, ``[getty 82278805 width=300 caption="A text"]``: read and written.

A superset of Jetpack's: positional, ``src=``, self-closing, with the quotes of every typography, since
engines turn ``caption="x"`` into curly quotes or entities. Where in a text a tag stands is not known here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from embedkit.models import NO_OPTIONS, OPTION_WORDS, AssetRef, Options, read_option, value_hint, word_hint
from embedkit.process import lazy_pattern

MAX_TAG_CHARS = 2048  # characters of a tag, a bound on every scan; a long caption has 500
MAX_ATTRIBUTES = 16
HEAD_CHARS = len("[getty")

# What editors put around words without showing it: zero-width signs and marks of direction, a soft hyphen.
INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
BLANK = "".join(
    chr(code)
    for start, end in (  # what str.isspace finds, and INVISIBLE
        *((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
        *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
        *(
            (0xAD, 0xAD),
            (0x61C, 0x61C),
            (0x180E, 0x180E),
            (0x200B, 0x200F),
            (0x202A, 0x202E),
            (0x2060, 0x206F),
            (0xFEFF, 0xFEFF),
        ),
    )
    for code in range(start, end + 1)
)
_BLANK_NAMES = (
    "nbsp|zwnj|zwj|lrm|rlm|shy|ensp|emsp|thinsp|ZeroWidthSpace|NoBreak|#0*(?:9|10|13|32|160|173|819[4-9]"
    "|820[0-7]|8239|8288|65279)|#[xX]0*(?:9|20|[aA][0dD]?|[dD]|200[0-9a-fA-F]|202[fF]|2060|[fF][eE][fF][fF])"
)
ENTITY_OF_BLANK = f"&(?:{_BLANK_NAMES});"
_SPACE = (  # with the breaks that editors and WordPress put between lines
    rf"(?:[\s{INVISIBLE}]|{ENTITY_OF_BLANK}|<[bB][rR][ \t\r\n]*+/?>|</[pP]>\s*+<[pP](?:\s[^<>]*+)?>)"
)
_GAP = lazy_pattern(rf"{_SPACE}*+")
_NAME = lazy_pattern(rf"([A-Za-z][A-Za-z0-9_-]*+){_SPACE}*+={_SPACE}*+")
_EQUALS = lazy_pattern(rf"{_SPACE}*+={_SPACE}*+")
_TEXT = r"<(?![A-Za-z/!?])"  # a "<" that opens no markup; a tag must not swallow the start of another's
# An invisible sign ends no word that goes on behind it: half of an ID would be another picture's.
_BARE = lazy_pattern(
    rf"(?:[^\s{INVISIBLE}\[\]\"“”„‟″«»<&]|[{INVISIBLE}]++(?=\w)|{_TEXT}|&(?!(?:{_BLANK_NAMES});))++"
)
# What autolinkers, of HTML and of Markdown, make of a URL in a tag, with the quotes around it; and what a word
# processor or a spelling checker puts around a word.
_URL = r"([^\s<>\[\]\"']++)"
_INLINE = r"(?:[aA]|[bBiIuU]|(?i:em|font|span|strong))"
_ANCHOR = lazy_pattern(
    rf"[\"'“”„‟″]?(?:(?:<{_INLINE}(?:\s[^<>]*+)?>){{1,4}}{_URL}(?:</{_INLINE}\s*+>){{1,4}}"
    rf"|<((?:https?:)?//[^\s<>\[\]\"']++)>|\[{_URL}\]\(\3\))[\"'“”„‟″]?"
)
# With a backslash before each quote, as PHP once sent them.
_SLASHED = lazy_pattern(r"\\+([\"'])([^\"'\\<>\[\]]*+)\\+\1")
_STRAIGHT = {
    quote: lazy_pattern(rf"{quote}((?:[^{quote}\\<]|\\.|{_TEXT})*+){quote}", re.DOTALL) for quote in ('"', "'")
}
_MARKUP = lazy_pattern(r"<[A-Za-z/!?]")
_QUOTE = lazy_pattern(
    r"[\"'“”„‟″«»‘’‚‛′‹›]"
    r"|&(?:quot|[lr]dquo|bdquo|[lr]aquo|apos|[lr]squo|sbquo|[lr]saquo|[pP]rime"
    r"|#0*(?:34|39|171|187|821[6-9]|822[0-3]|8242|8243|8249|8250)"
    r"|#[xX]0*(?:22|27|[aA][bB]|[bB][bB]|201[89a-fA-F]|203[239aA]));"
)
_DOUBLE, _SINGLE = frozenset('"“”„‟″«»'), frozenset("'‘’‚‛′‹›")
# What ends a value wherever it stands. Any other quote of the family does so before a gap or the end
# only: a typographer gives apostrophes and inner quotes the same signs.
_PARTNERS = {'"': '"', "“": "”", "”": "”", "„": "“”", "‟": "”", "″": "″", "«": "»", "»": "«»", "‹": "›"}
_BOUNDARY = lazy_pattern(rf"{_SPACE}|/?\]")
_ESCAPED = lazy_pattern(r"\\([\\\[\]\"'“”„‟″«»‘’‚‛′‹›&])")

# Most tags name the picture and nothing else.
_SIMPLE = lazy_pattern(
    r"\[getty[ \t]++(?:src=)?([\"']?)([0-9a-z-]++(?:,[0-9a-z-]++)*+)\1[ \t]*+/?\]", re.IGNORECASE | re.ASCII
)
# Signs that mean something to HTML, to Markdown or to other readers of shortcodes. All are written as numbers:
# an editor into which a shortcode is put as text escapes it once more, and that is seen of numbers alone.
_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in '\\[]`&<>"'}
_TWICE = lazy_pattern(r"&amp;(?=#[0-9]{1,7};)")
# The attributes that :func:`write` writes, and those that are advised; the words of all hosts are read.
_ATTRIBUTES = {
    "width": "max_width",
    "height": "max_height",
    **{name: name for name in ("tld", "caption", "align", "title", "target")},
}


_INSTEAD = ("id", "ids", "url")


class Tag(NamedTuple):
    """One tag as read.

    ``length`` is 0 where its end was not found; then ``problem`` says why. ``reference`` may be empty:
    it can follow as enclosed text, else it is ``instead``, what other tools have in ``id`` or ``url``.
    ``warnings`` are pairs of a code and a text.
    """

    length: int
    reference: str = ""
    options: Options = NO_OPTIONS
    warnings: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    instead: str = ""


class Value(NamedTuple):
    """A value as written and as meant; ``name`` is empty for a positional one."""

    name: str
    written: str
    meant: str


class Malformed(ValueError):
    """A tag that can't be read; stays inside this module."""


def is_escaped(text: str, place: int) -> bool:
    """Whether the character at ``place`` has an odd number of backslashes before it."""
    before = place
    while before and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1


def unescape(text: str) -> str:
    """A text with its references to characters replaced, as :func:`html.unescape` does it; few texts have any.

    >>> unescape("&quot;1&quot;")
    '"1"'
    """
    if "&" not in text:
        return text
    import html  # with a table of 2,231 entities

    return html.unescape(text)


@lru_cache(maxsize=4096)
def read(text: str) -> Tag:
    """Read the tag at the start of a text, remembering the last thousands.

    :param text: begins with ``[getty`` in any case and may go on after the tag.
    """
    if simple := _SIMPLE.match(text):
        return Tag(simple.end(), simple[2])
    try:
        values, length = _values(text)
    except Malformed as error:
        return Tag(0, problem=str(error))
    return _tag(values, length)


def write(ref: AssetRef) -> str:
    """The shortest tag that :func:`read` reads as this reference; quotes, brackets and ``<`` as entities."""
    options = ref.options
    values = {name: getattr(options, field) for name, field in _ATTRIBUTES.items()}
    attributes = [f' {name}="{_written(value, name)}"' for name, value in values.items() if value is not None]
    return f'[getty src="{ref}"{"".join(attributes)}]' if attributes else f"[getty {ref}]"


def _written(value: bool | int | str, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(str(value).split())
    # a caption that reads "Yes" is not a switch
    if name == "caption" and isinstance(read_option(name, text), bool):
        return f"&#{ord(text[0])};{text[1:]}"
    return text.translate(_ENTITIES)


# -- reading --------------------------------------------------------------------------------------------


def _values(text: str) -> tuple[list[Value], int]:
    values: list[Value] = []
    place = HEAD_CHARS
    if equals := _EQUALS.match(text, place):  # [getty=82278805]
        place = _value(text, equals.end(), "", values)
    while not (end := _end(text, place := _skip(text, place))):
        if len(values) == MAX_ATTRIBUTES:
            raise Malformed(f"A shortcode takes at most {MAX_ATTRIBUTES} attributes.")
        name = _NAME.match(text, place)
        place = _value(text, name.end() if name else place, name[1] if name else "", values)
    return values, end


def _skip(text: str, place: int) -> int:
    gap = _GAP.match(text, place)
    return gap.end() if gap else place


def _end(text: str, place: int) -> int:
    if text.startswith("]", place):
        return place + 1
    return place + 2 if text.startswith("/]", place) else 0


def _value(text: str, place: int, name: str, values: list[Value]) -> int:
    """Add the value that starts here; returns where it ends."""
    sign = text[place : place + 1]
    straight = _STRAIGHT[sign].match(text, place) if sign in _STRAIGHT else None
    if straight or (not sign.isalnum() and (straight := _ANCHOR.match(text, place))):
        written, end = straight[straight.lastindex or 0], straight.end()
    elif sign == "\\" and (slashed := _SLASHED.match(text, place)):
        written, end = slashed[2], slashed.end()
    elif not sign.isalnum() and (opening := _QUOTE.match(text, place)):
        written, end = _typographic(text, opening)
    else:
        written, end = _bare(text, place, named=bool(name))
    values.append(Value(name.lower(), written, _meant(written)))
    return end


def _meant(written: str) -> str:
    """A value without backslashes and entities, which few have."""
    if "\\" not in written and "&" not in written:
        return written
    return unescape(_TWICE.sub("&", _ESCAPED.sub(r"\1", written)))


def _bare(text: str, place: int, *, named: bool) -> tuple[str, int]:
    found = _BARE.match(text, place)
    if found is None:
        if named and _end(text, place):
            return "", place
        if place >= len(text):
            raise Malformed("The shortcode is not closed: its ] is missing.")
        raise Malformed(f"{text[place]!r} is not expected here; put values with it in quotes.")
    written, end = found[0], found.end()
    return (written[:-1] if written.endswith("/") and text.startswith("]", end) else written), end


def _typographic(text: str, opening: re.Match[str]) -> tuple[str, int]:
    sign, start = unescape(opening[0]), opening.end()
    family = _DOUBLE if sign in _DOUBLE else _SINGLE
    for quote in _QUOTE.finditer(text, start):
        closing = unescape(quote[0])
        if closing not in family or is_escaped(text, quote.start()):
            continue
        if closing in _PARTNERS.get(sign, "") or _BOUNDARY.match(text, quote.end()):
            written = text[start : quote.start()]
            if _MARKUP.search(written):
                break
            return written, quote.end()
    raise Malformed("A quote is not closed, or holds a tag of HTML.")


# -- meaning --------------------------------------------------------------------------------------------


def _tag(values: list[Value], length: int) -> Tag:
    warnings: list[tuple[str, str]] = []
    attributes: dict[str, Value] = {}  # by what they set: the reference, or a field of Options
    for value in values:
        name = value.name.replace("_", "").replace("-", "") or "src"
        sets = OPTION_WORDS.get(name, name)
        if not value.name and sets in attributes:
            attributes[sets] = _joined(attributes[sets], value, warnings)
            continue
        if sets in attributes:
            warnings.append(("duplicate-attribute", f"{name} is given twice; the last one counts."))
        elif name not in OPTION_WORDS and name != "src":
            hint = word_hint(name, ("src", *_ATTRIBUTES))
            warnings.append(
                ("unknown-attribute", f"A shortcode has no attribute {_short_repr(value.name)}. {hint}")
            )
        attributes[sets] = value
    options = Options(**_read_all(attributes, warnings))
    reference = attributes["src"].meant.strip().rstrip(",;") if "src" in attributes else ""
    instead = (
        "" if reference else next((attributes[one].meant.strip() for one in _INSTEAD if one in attributes), "")
    )
    return Tag(length, reference, options, tuple(warnings), instead=instead)


def _joined(before: Value, value: Value, warnings: list[tuple[str, str]]) -> Value:
    """``1, 2, 3`` is one list, though three words; any other word more is one too many."""
    if before.name or not (before.meant.endswith(",") or value.meant.startswith(",")):
        warnings.append(("unknown-attribute", f"{_short_repr(value.meant)} has no name; it is ignored."))
        return before
    return Value("", before.written + value.written, before.meant + value.meant)


def _read_all(attributes: dict[str, Value], warnings: list[tuple[str, str]]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for field in _ATTRIBUTES.values():
        value = attributes.get(field)
        if value and value.meant.strip():
            options[field] = _read_option(field, value)
            if options[field] is None:
                text = f"{value.name} can't be {_short_repr(value.meant)}; it is ignored. {value_hint(field)}"
                warnings.append(("invalid-attribute", text))
    return options


def _short_repr(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _read_option(option: str, value: Value) -> bool | int | str | None:
    """The value of an option; None where it can't have that. Only what is written plainly is a switch."""
    if option == "caption":
        switch = read_option(option, value.written)
        return switch if isinstance(switch, bool) else _folded(value)
    return read_option(option, value.meant)


def _folded(value: Value) -> str:
    return " ".join(value.meant.split())
