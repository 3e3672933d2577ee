"""The text around a candidate: whether it is alone in its paragraph or on its line, or part of a sentence.

Editors and autolinkers save a URL that an author pasted on its own line in many ways: as a link to itself, in a
``<span>``, followed by a ``<br>`` or an invisible character. All of that is replaced together with the URL.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from embedkit.models import ContentModel
from embedkit.process import lazy_pattern
from embedkit.shortcodes.tag import INVISIBLE, WHITESPACE, WHITESPACE_REFERENCE
from embedkit.targets import Input

MAX_TAG_CHARS = 2048  # of a start tag around a candidate
MAX_REFERENCE_CHARS, MAX_BR_CHARS = 16, 64
MAX_WRAPPERS = 8  # inline elements around a candidate; editors make two or three
MAX_LOOKBEHIND_CHARS = 4096  # searched for an open paragraph, so that a missing </p> doesn't affect the whole text
MAX_LOOKBEHIND_TAGS = 24  # examined to find the element that contains a candidate
MAX_QUOTE_CHARS = 32  # of block quote markers
MAX_LINE_CHARS = 4096  # searched for the end of a line, on either side

_SPACE_CHARS = rf" \t\v\f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000{INVISIBLE}"
_INLINE_SPACE = rf"(?:[{_SPACE_CHARS}]|{WHITESPACE_REFERENCE})"
_SPACE = rf"(?:[\r\n{_SPACE_CHARS}]|{WHITESPACE_REFERENCE})"
_BR = r"<br(?:[ \t\r\n][^<>]*+)?/?>"
_ATTRIBUTES = r"(?:[ \t\r\n][^<>]*+)?"
PAD = (  # including what Word and Apple's apps write for a space
    rf"(?:{_SPACE}|{_BR}|<o:p>{_SPACE}*+</o:p>|<span class=\"?Apple-converted-space\"?>{_SPACE}*+</span>)*+"
)
_WHITESPACE = frozenset(WHITESPACE)
CDATA = "<![CDATA["  # precedes the HTML in a feed; its "[" doesn't escape a shortcode, and "]]>" ends a line

_INLINE = r"(span|strong|em|[biu]|font|small|mark|s|center|ins)"
_INLINE_START = lazy_pattern(rf"<{_INLINE}{_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_END = lazy_pattern(rf"{PAD}</{_INLINE}[ \t\r\n]*+>", re.IGNORECASE)
_SPACE_REFERENCE = lazy_pattern(WHITESPACE_REFERENCE)
_LINE_END = lazy_pattern(rf"{_INLINE_SPACE}*+\r?(?:\n|\Z|\]\]>)")
_SPACES = lazy_pattern(rf"{_SPACE}*+")
_LINE_BREAK = lazy_pattern(_BR, re.IGNORECASE)
_BLOCK_START = lazy_pattern(rf"<(?:p|div|li|td|th|dd|blockquote){_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK_END = lazy_pattern(r"</(?:p|div|li|td|th|dd|blockquote)[ \t\r\n]*+>", re.IGNORECASE)
_SETEXT = lazy_pattern(rf"{_INLINE_SPACE}*+\r?\n[ \t]{{0,3}}(?:=++|-++)[ \t\r]*+(?=\n|\Z)")
_ELEMENTS = {
    name: (
        lazy_pattern(rf"<{name}{_ATTRIBUTES}>", re.IGNORECASE),
        lazy_pattern(rf"{PAD}</{name}[ \t\r\n]*+>", re.IGNORECASE),
    )
    for name in ("p", "div", "figure")
}


_HTML_BLOCK = lazy_pattern(  # CommonMark 0.31, section 4.6: such a tag at the start of a line opens an HTML block
    r"[ \t]*+</?(?:address|article|aside|blockquote|body|center|dd|details|dialog|dir|div|dl|dt|fieldset"
    r"|figcaption|figure|footer|form|h[1-6]|header|html|legend|li|main|menu|nav|ol|p|pre|search|section|summary"
    r"|table|tbody|td|tfoot|th|thead|tr|ul)(?=[ \t/>])",
    re.IGNORECASE,
)
_NAME = lazy_pattern(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_PARAGRAPHS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "legend")
_SECTIONS = (
    *("address", "article", "aside", "blockquote", "body", "div", "fieldset", "figcaption", "figure", "footer"),
    *("form", "header", "hr", "main", "nav", "section"),
    *("dd", "dl", "dt", "li", "ol", "ul", "table", "tbody", "td", "th", "tr"),
)
_INLINE_ELEMENTS = (
    *("abbr", "b", "bdi", "bdo", "button", "cite", "data", "dfn", "em", "font", "i", "label", "mark", "q", "s"),
    *("small", "span", "strike", "strong", "sub", "sup", "time", "u", "var"),
)
# What a tag says about the content model at a position after it.
_CONTENT = {
    **dict.fromkeys(_PARAGRAPHS, "paragraph"),
    **dict.fromkeys(_SECTIONS, "flow"),
    **dict.fromkeys(_INLINE_ELEMENTS, "phrasing"),
    "a": "text",
}


class Span(NamedTuple):
    """A range of the text that will be replaced."""

    start: int
    end: int


class Surroundings:
    """Describes the text around candidates. Candidates must be queried in order.

    ``floor`` is the end of the last shortcode found; nothing before it is examined.
    """

    def __init__(self, text: str, input: Input) -> None:
        self._text = text
        self._input = input
        self.floor = 0

    @cached_property
    def _paragraphs(self) -> _Paragraphs:
        return _Paragraphs(self._text)

    def alone(self, start: int, end: int) -> Span | None:
        """Return the span to replace if a candidate is alone in its paragraph or line; None if in a sentence."""
        span = Span(start, end)
        if self._input == "text" or self._ends_plain_line(end):
            return span if self._is_line_of_its_own(span) else None
        span = self._unwrap(span)
        paragraph = self.element(span, "p")
        if paragraph != span:
            return paragraph
        is_alone = self._is_in_division(span) or self._is_line_of_its_own(span)
        return span if is_alone else None

    def _ends_plain_line(self, end: int) -> bool:
        """Return whether a line of Markdown ends at ``end`` and no tag follows, which is the usual case."""
        text = self._text
        return (
            self._input == "markdown" and text[end : end + 1] in "\n" and text[end + 1 : end + 2] not in ("<", " ")
        )

    def element(self, span: Span, name: str) -> Span:
        """Return the span of the element of that name that contains nothing else, else the span itself."""
        start_tag, end_tag = _ELEMENTS[name]
        closing = end_tag.match(self._text, span.end)
        opening = self._start_tag(span.start, start_tag) if closing else None
        return Span(opening.start(), closing.end()) if closing and opening else span

    def opening(self, place: int, name: str) -> int:
        """Return where the start tag right before ``place`` begins; -1 if there is none of that name."""
        found = self._start_tag(place, _ELEMENTS[name][0])
        return found.start() if found else -1

    def closing(self, end: int, name: str) -> int:
        """Return where the end tag right after ``end`` ends; -1 if there is none of that name."""
        found = _ELEMENTS[name][1].match(self._text, end)
        return found.end() if found else -1

    def edge(self, place: int, *, lines: bool = True) -> int:
        """Return where the whitespace before ``place`` begins.

        :param lines: whether line ends and ``<br>`` count as whitespace.
        """
        text, floor = self._text, self.floor
        while place > floor:
            char = text[place - 1]
            if char in _WHITESPACE and (lines or char not in "\r\n\f"):
                place -= 1
            elif char in ";>" and (found := self._space_markup_before(place, lines)):
                place = found.start()
            else:
                break
        return place

    def _space_markup_before(self, end: int, lines: bool) -> re.Match[str] | None:
        """Match a character reference to whitespace, or a ``<br>``, that ends at ``end``."""
        char = self._text[end - 1]
        if char == ";":
            return self._match_back(_SPACE_REFERENCE, "&", end, MAX_REFERENCE_CHARS)
        return self._match_back(_LINE_BREAK, "<", end, MAX_BR_CHARS) if lines and char == ">" else None

    def content(self, start: int, end: int) -> ContentModel:
        """Return the content model at the span: which kind of HTML can replace it."""
        text = self._text
        if self._input == "text":
            return "flow"
        if self._input == "markdown" and text[start - 2 : start] == "\n\n" and text[end : end + 1] in "\n":
            return "flow"  # the usual case: a paragraph of its own
        if self._input == "markdown" and (known := self._content_of_line(start, end)):
            return known
        return self._content_of_element(start)

    def _content_of_line(self, start: int, end: int) -> ContentModel | None:
        """Return the content model if the line of Markdown determines it; None if the elements around it do."""
        text = self._text
        line = text.rfind("\n", max(0, start - MAX_LINE_CHARS), start) + 1
        if text.find("\r", line, start) >= 0:  # the line ends of old Macs
            return None
        below = text.find("\n", end, end + MAX_LINE_CHARS)
        before, after = text[line:start], text[end : below if below >= 0 else end + MAX_LINE_CHARS]
        if before.rfind("[") > before.rfind("]") and "](" in after:
            return "text"
        if _HTML_BLOCK.match(before):
            return None
        # not every Markdown processor makes this a block
        if before.strip() or after.strip() or len(before.expandtabs(4)) > 3:
            return "text" if self._content_of_element(start) == "text" else "phrasing"
        above = text[text.rfind("\n", max(0, line - MAX_LINE_CHARS), max(0, line - 1)) + 1 : line]
        return None if above.strip() else "flow"

    def _content_of_element(self, place: int) -> ContentModel:
        """Return the content model inside the nearest open elements."""
        text, first, closed = self._text, max(0, place - MAX_LOOKBEHIND_CHARS), []
        content: ContentModel = "flow"
        for _ in range(MAX_LOOKBEHIND_TAGS):
            place = text.rfind("<", first, place)
            if place < 0:
                break
            found = _NAME.match(text, place)
            if found is None:
                continue
            closes, name = found[1], found[2].lower()
            model = _CONTENT.get(name)
            if model is None:
                continue
            if model == "paragraph":
                return content if closes else "phrasing"
            if model == "flow":
                break
            if closes:
                closed.append(name)
            elif name in closed:
                closed.remove(name)
            elif model == "text":
                return "text"
            else:
                content = "phrasing"
        return content

    # -- elements -----------------------------------------------------------------------------------------

    def _unwrap(self, span: Span) -> Span:
        """Return the span extended by the inline elements that contain nothing else."""
        for _ in range(MAX_WRAPPERS):
            closing = _INLINE_END.match(self._text, span.end)
            opening = self._start_tag(span.start, _INLINE_START) if closing else None
            if not closing or not opening or opening[1].lower() != closing[1].lower():
                break
            span = Span(opening.start(), closing.end())
        return span

    def _start_tag(self, place: int, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match the start tag before ``place``, with only whitespace in between."""
        edge = self.edge(place)
        return self._match_back(pattern, "<", edge, MAX_TAG_CHARS) if self._text[edge - 1 : edge] == ">" else None

    def _match_back(self, pattern: re.Pattern[str], char: str, end: int, limit: int) -> re.Match[str] | None:
        """Match a pattern that begins at the last ``char`` before ``end`` and ends at ``end``."""
        start = self._text.rfind(char, max(self.floor, end - limit), end)
        return pattern.fullmatch(self._text, start, end) if start >= 0 else None

    def _is_in_division(self, span: Span) -> bool:
        return self._input == "html" and self.element(span, "div") != span

    # -- lines --------------------------------------------------------------------------------------------

    def _is_line_of_its_own(self, span: Span) -> bool:
        if self._is_line(*span) and not self._is_part_of_more(*span):
            return True
        return self._input != "text" and self._is_between_breaks(span)

    def _is_line(self, start: int, end: int) -> bool:
        text, before = self._text, self.edge(start, lines=False)
        begins = before == 0 or text[before - 1] in "\r\n" or text.endswith(CDATA, 0, before)
        return (begins or self.is_quote(before)) and bool(_LINE_END.match(text, end))

    def is_quote(self, place: int) -> bool:
        """Return whether only block quote markers of Markdown precede ``place`` on its line."""
        if self._input != "markdown" or self._text[place - 1 : place] != ">":
            return False
        first = max(0, place - MAX_QUOTE_CHARS)
        line = self._text.rfind("\n", first, place) + 1
        return line >= first and not self._text[line:place].strip("> \t")

    def _is_part_of_more(self, start: int, end: int) -> bool:
        """Return whether a line is a heading, or belongs to a link or paragraph that spans several lines."""
        if self._input == "markdown":
            return bool(_SETEXT.match(self._text, end)) or self._is_in_link(start)
        return self._input == "html" and self._paragraphs.contain(start)

    def _is_in_link(self, place: int) -> bool:
        """Return whether a line of Markdown is the destination of a link that began on the previous line."""
        edge = self.edge(place)
        return self._text[edge - 1 : edge] == "(" or self._text.endswith("]:", 0, edge)

    def _is_between_breaks(self, span: Span) -> bool:
        """Return whether the span is a line between ``<br>`` tags in an HTML paragraph."""
        text = self._text
        spaces = _SPACES.match(text, span.end)
        after = spaces.end() if spaces else span.end
        if text[after : after + 1] != "<":
            return False
        has_break = bool(_LINE_BREAK.match(text, after))
        if not has_break and not _BLOCK_END.match(text, after):
            return False
        before = self.edge(span.start, lines=False)
        begins = self._input == "markdown" and text[before - 1 : before] in "\r\n"
        while before > self.floor and text[before - 1] in "\r\n":
            before = self.edge(before - 1, lines=False)
        if self._match_back(_LINE_BREAK, "<", before, MAX_BR_CHARS):
            return True
        if before == 0 or (begins and not self._is_in_link(span.start)):
            return has_break
        return has_break and self._match_back(_BLOCK_START, "<", before, MAX_TAG_CHARS) is not None


class _Paragraphs:
    """Tells whether positions in HTML are inside ``<p>`` elements. Positions must be queried in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen, self._opened, self._closed = 0, -1, -1

    def contain(self, place: int) -> bool:
        """Return whether this line is in a paragraph with other text: HTML ignores line ends."""
        text, seen = self._text, self._seen
        opened = max(text.rfind("<p>", seen, place), text.rfind("<p ", seen, place))
        self._opened, self._closed = max(self._opened, opened), max(self._closed, text.rfind("</p>", seen, place))
        self._seen = max(seen, place - 3)  # the search may have ended inside a tag
        return self._opened > max(self._closed, place - MAX_LOOKBEHIND_CHARS)
