"""The syntax of a tag, ``[getty 82278805 width=300 caption="A text"]``: parse and format it.

A superset of Jetpack's syntax: positional, ``src=``, self-closing, with the quotes of any typography, since CMSes
turn ``caption="x"`` into curly quotes or character references. The text around a tag is handled elsewhere.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from embedkit.models import NO_OPTIONS, OPTION_WORDS, AssetRef, Options, read_option, value_hint, word_hint
from embedkit.process import lazy_pattern

MAX_TAG_CHARS = 2048  # of a tag, which bounds every scan; a long caption has 500
MAX_ATTRIBUTES = 16
HEAD_CHARS = len("[getty")

# Invisible characters that editors insert: zero-width characters, directional marks, the soft hyphen.
INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
WHITESPACE = "".join(
    chr(code)
    for start, end in (  # the characters of str.isspace(), and those of INVISIBLE
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
_WHITESPACE_NAMES = (
    "nbsp|zwnj|zwj|lrm|rlm|shy|ensp|emsp|thinsp|ZeroWidthSpace|NoBreak|#0*(?:9|10|13|32|160|173|819[4-9]"
    "|820[0-7]|8239|8288|65279)|#[xX]0*(?:9|20|[aA][0dD]?|[dD]|200[0-9a-fA-F]|202[fF]|2060|[fF][eE][fF][fF])"
)
WHITESPACE_REFERENCE = f"&(?:{_WHITESPACE_NAMES});"  # a character reference to whitespace
_SPACE = (  # includes the breaks that editors and WordPress put between lines
    rf"(?:[\s{INVISIBLE}]|{WHITESPACE_REFERENCE}|<[bB][rR][ \t\r\n]*+/?>|</[pP]>\s*+<[pP](?:\s[^<>]*+)?>)"
)
_SPACES = lazy_pattern(rf"{_SPACE}*+")
_ATTRIBUTE_NAME = lazy_pattern(rf"([A-Za-z][A-Za-z0-9_-]*+){_SPACE}*+={_SPACE}*+")
_EQUALS = lazy_pattern(rf"{_SPACE}*+={_SPACE}*+")
_LITERAL_LT = r"<(?![A-Za-z/!?])"  # a "<" that opens no markup: a value must not include the start of an HTML tag
# An invisible character inside a word doesn't end it: half of an ID could be the ID of another picture.
_UNQUOTED = lazy_pattern(
    rf"(?:[^\s{INVISIBLE}\[\]\"“”„‟″«»<&]|[{INVISIBLE}]++(?=\w)|{_LITERAL_LT}|&(?!(?:{_WHITESPACE_NAMES});))++"
)
# A URL that an autolinker of HTML or Markdown has turned into a link, with the quotes around it; or a word that a
# word processor or spelling checker has wrapped in inline elements.
_URL = r"([^\s<>\[\]\"']++)"
_INLINE = r"(?:[aA]|[bBiIuU]|(?i:em|font|span|strong))"
_WRAPPED = lazy_pattern(
    rf"[\"'“”„‟″]?(?:(?:<{_INLINE}(?:\s[^<>]*+)?>){{1,4}}{_URL}(?:</{_INLINE}\s*+>){{1,4}}"
    rf"|<((?:https?:)?//[^\s<>\[\]\"']++)>|\[{_URL}\]\(\3\))[\"'“”„‟″]?"
)
# A backslash before each quote, as PHP's magic quotes added it.
_SLASHED = lazy_pattern(r"\\+([\"'])([^\"'\\<>\[\]]*+)\\+\1")
_STRAIGHT_QUOTED = {
    quote: lazy_pattern(rf"{quote}((?:[^{quote}\\<]|\\.|{_LITERAL_LT})*+){quote}", re.DOTALL)
    for quote in ('"', "'")
}
_MARKUP = lazy_pattern(r"<[A-Za-z/!?]")
_QUOTE = lazy_pattern(
    r"[\"'“”„‟″«»‘’‚‛′‹›]"
    r"|&(?:quot|[lr]dquo|bdquo|[lr]aquo|apos|[lr]squo|sbquo|[lr]saquo|[pP]rime"
    r"|#0*(?:34|39|171|187|821[6-9]|822[0-3]|8242|8243|8249|8250)"
    r"|#[xX]0*(?:22|27|[aA][bB]|[bB][bB]|201[89a-fA-F]|203[239aA]));"
)
_DOUBLE, _SINGLE = frozenset('"“”„‟″«»'), frozenset("'‘’‚‛′‹›")
# Quotes that end a value anywhere. Any other quote of the same kind ends it only before whitespace or the end of
# the tag: typography uses the same characters for apostrophes and inner quotes.
_CLOSING = {'"': '"', "“": "”", "”": "”", "„": "“”", "‟": "”", "″": "″", "«": "»", "»": "«»", "‹": "›"}
_BOUNDARY = lazy_pattern(rf"{_SPACE}|/?\]")
_ESCAPED = lazy_pattern(r"\\([\\\[\]\"'“”„‟″«»‘’‚‛′‹›&])")

# Most tags consist of the reference alone.
_SIMPLE = lazy_pattern(
    r"\[getty[ \t]++(?:src=)?([\"']?)([0-9a-z-]++(?:,[0-9a-z-]++)*+)\1[ \t]*+/?\]", re.IGNORECASE | re.ASCII
)
# Characters with a meaning in HTML, in Markdown or for other shortcode parsers. They are written as numeric
# character references, which can still be recognized after an editor has escaped the shortcode again.
_REFERENCES = {ord(char): f"&#{ord(char)};" for char in '\\[]`&<>"'}
_DOUBLE_ESCAPED = lazy_pattern(r"&amp;(?=#[0-9]{1,7};)")
# The attributes that :func:`write` writes and messages suggest; the parser also accepts the names that hosts use.
_ATTRIBUTES = {
    "width": "max_width",
    "height": "max_height",
    **{name: name for name in ("tld", "caption", "align", "title", "target")},
}


_ALTERNATIVES = ("id", "ids", "url")


class Tag(NamedTuple):
    """A parsed tag.

    ``length`` is 0 if its end wasn't found; ``problem`` then says why. ``reference`` can be empty: the reference
    can follow as enclosed text, or else be ``alternative``, the attribute ``id`` or ``url`` of other tools.
    ``warnings`` are pairs of a code and a message.
    """

    length: int
    reference: str = ""
    options: Options = NO_OPTIONS
    warnings: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    alternative: str = ""


class Value(NamedTuple):
    """An attribute value, raw and unescaped; ``name`` is empty for a positional one."""

    name: str
    raw: str
    text: str


class Malformed(ValueError):
    """A tag that can't be parsed; never leaves this module."""


def is_escaped(text: str, place: int) -> bool:
    """Return whether the character at ``place`` is preceded by an odd number of backslashes."""
    before = place
    while before and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1


def unescape(text: str) -> str:
    """Replace character references, like :func:`html.unescape`, which is imported only if there are any.

    >>> unescape("&quot;1&quot;")
    '"1"'
    """
    if "&" not in text:
        return text
    import html  # has a table of 2,231 entities

    return html.unescape(text)


@lru_cache(maxsize=4096)
def read(text: str) -> Tag:
    """Parse the tag at the start of a text; results are cached.

    :param text: begins with ``[getty``, in any case, and may continue after the tag.
    """
    if simple := _SIMPLE.match(text):
        return Tag(simple.end(), simple[2])
    try:
        values, length = _read_values(text)
    except Malformed as error:
        return Tag(0, problem=str(error))
    return _build_tag(values, length)


def write(ref: AssetRef) -> str:
    """Format the shortest tag that :func:`read` parses as this reference, with special characters escaped."""
    options = ref.options
    values = {name: getattr(options, field) for name, field in _ATTRIBUTES.items()}
    attributes = [f' {name}="{_escape(value, name)}"' for name, value in values.items() if value is not None]
    return f'[getty src="{ref}"{"".join(attributes)}]' if attributes else f"[getty {ref}]"


def _escape(value: bool | int | str, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(str(value).split())
    # the caption "Yes" must not be read as a switch
    if name == "caption" and isinstance(read_option(name, text), bool):
        return f"&#{ord(text[0])};{text[1:]}"
    return text.translate(_REFERENCES)


# -- syntax ---------------------------------------------------------------------------------------------


def _read_values(text: str) -> tuple[list[Value], int]:
    values: list[Value] = []
    place = HEAD_CHARS
    if equals := _EQUALS.match(text, place):  # [getty=82278805]
        place = _read_value(text, equals.end(), "", values)
    while not (end := _tag_end(text, place := _skip_spaces(text, place))):
        if len(values) == MAX_ATTRIBUTES:
            raise Malformed(f"A shortcode takes at most {MAX_ATTRIBUTES} attributes.")
        name = _ATTRIBUTE_NAME.match(text, place)
        place = _read_value(text, name.end() if name else place, name[1] if name else "", values)
    return values, end


def _skip_spaces(text: str, place: int) -> int:
    spaces = _SPACES.match(text, place)
    return spaces.end() if spaces else place


def _tag_end(text: str, place: int) -> int:
    if text.startswith("]", place):
        return place + 1
    return place + 2 if text.startswith("/]", place) else 0


def _read_value(text: str, place: int, name: str, values: list[Value]) -> int:
    """Append the value that starts at ``place``; return where it ends."""
    char = text[place : place + 1]
    quoted = _STRAIGHT_QUOTED[char].match(text, place) if char in _STRAIGHT_QUOTED else None
    if quoted or (not char.isalnum() and (quoted := _WRAPPED.match(text, place))):
        raw, end = quoted[quoted.lastindex or 0], quoted.end()
    elif char == "\\" and (slashed := _SLASHED.match(text, place)):
        raw, end = slashed[2], slashed.end()
    elif not char.isalnum() and (opening := _QUOTE.match(text, place)):
        raw, end = _read_typographic(text, opening)
    else:
        raw, end = _read_unquoted(text, place, named=bool(name))
    values.append(Value(name.lower(), raw, _unescape_value(raw)))
    return end


def _unescape_value(raw: str) -> str:
    """Resolve backslash escapes and character references, which few values have."""
    if "\\" not in raw and "&" not in raw:
        return raw
    return unescape(_DOUBLE_ESCAPED.sub("&", _ESCAPED.sub(r"\1", raw)))


def _read_unquoted(text: str, place: int, *, named: bool) -> tuple[str, int]:
    found = _UNQUOTED.match(text, place)
    if found is None:
        if named and _tag_end(text, place):
            return "", place
        if place >= len(text):
            raise Malformed("The shortcode is not closed: its ] is missing.")
        raise Malformed(f"{text[place]!r} is not expected here; put a value that contains it in quotes.")
    raw, end = found[0], found.end()
    return (raw[:-1] if raw.endswith("/") and text.startswith("]", end) else raw), end


def _read_typographic(text: str, opening: re.Match[str]) -> tuple[str, int]:
    char, start = unescape(opening[0]), opening.end()
    quotes = _DOUBLE if char in _DOUBLE else _SINGLE
    for quote in _QUOTE.finditer(text, start):
        closing = unescape(quote[0])
        if closing not in quotes or is_escaped(text, quote.start()):
            continue
        if closing in _CLOSING.get(char, "") or _BOUNDARY.match(text, quote.end()):
            raw = text[start : quote.start()]
            if _MARKUP.search(raw):
                break
            return raw, quote.end()
    raise Malformed("A quote is not closed, or the quoted text contains an HTML tag.")


# -- semantics ------------------------------------------------------------------------------------------


def _build_tag(values: list[Value], length: int) -> Tag:
    warnings: list[tuple[str, str]] = []
    attributes: dict[str, Value] = {}  # by "src", or by the field of Options that they set
    for value in values:
        name = value.name.replace("_", "").replace("-", "") or "src"
        field = OPTION_WORDS.get(name, name)
        if not value.name and field in attributes:
            attributes[field] = _join(attributes[field], value, warnings)
            continue
        if field in attributes:
            warnings.append(("duplicate-attribute", f"{name} is given twice; the last one counts."))
        elif name not in OPTION_WORDS and name != "src":
            hint = word_hint(name, ("src", *_ATTRIBUTES))
            warnings.append(
                ("unknown-attribute", f"A shortcode has no attribute {_short_repr(value.name)}. {hint}")
            )
        attributes[field] = value
    options = Options(**_read_options(attributes, warnings))
    reference = attributes["src"].text.strip().rstrip(",;") if "src" in attributes else ""
    alternative = next((attributes[name].text.strip() for name in _ALTERNATIVES if name in attributes), "")
    return Tag(length, reference, options, tuple(warnings), alternative="" if reference else alternative)


def _join(before: Value, value: Value, warnings: list[tuple[str, str]]) -> Value:
    """Join positional values such as ``1, 2, 3`` into one list; warn about any other additional value."""
    if before.name or not (before.text.endswith(",") or value.text.startswith(",")):
        warnings.append(("unknown-attribute", f"{_short_repr(value.text)} has no name; it is ignored."))
        return before
    return Value("", before.raw + value.raw, before.text + value.text)


def _read_options(attributes: dict[str, Value], warnings: list[tuple[str, str]]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for field in _ATTRIBUTES.values():
        value = attributes.get(field)
        if value and value.text.strip():
            options[field] = _read_option(field, value)
            if options[field] is None:
                text = f"{value.name} can't be {_short_repr(value.text)}; it is ignored. {value_hint(field)}"
                warnings.append(("invalid-attribute", text))
    return options


def _short_repr(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _read_option(option: str, value: Value) -> bool | int | str | None:
    """Parse the value of an option; None if it is invalid. An escaped value is never a switch."""
    if option == "caption":
        switch = read_option(option, value.raw)
        return switch if isinstance(switch, bool) else " ".join(value.text.split())
    return read_option(option, value.text)
