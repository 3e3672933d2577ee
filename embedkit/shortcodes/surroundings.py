"""What stands around a candidate: the paragraph or line that holds nothing else, or the sentence around it.

Editors and autolinkers save a URL that an author pasted in a line of its own in many ways: as a link to itself, in
a ``<span>``, with a ``<br>`` or a sign behind it that nobody sees. All of that is replaced with it.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from embedkit.models import ContentModel
from embedkit.process import lazy_pattern
from embedkit.shortcodes.tag import BLANK, ENTITY_OF_BLANK, INVISIBLE
from embedkit.targets import Input

MAX_TAG_CHARS = 2048  # of a start tag around a candidate
MAX_ENTITY_CHARS, MAX_BR_CHARS = 16, 64
MAX_WRAPPERS = 8  # inline elements around a candidate; editors make two or three
MAX_PARAGRAPH_CHARS = 4096  # that are looked back for the start of a paragraph: who forgets its end means one line
MAX_TAGS_BACK = 24  # that are looked at for the element around a candidate
MAX_QUOTE_CHARS = 32  # of the marks of a quotation
MAX_LINE_CHARS = 4096  # that are looked at on either side for the end of a line

_SIGN = rf" \t\v\f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000{INVISIBLE}"
_BLANK = rf"(?:[{_SIGN}]|{ENTITY_OF_BLANK})"
_SPACE = rf"(?:[\r\n{_SIGN}]|{ENTITY_OF_BLANK})"
_BR = r"<br(?:[ \t\r\n][^<>]*+)?/?>"
_ATTRIBUTES = r"(?:[ \t\r\n][^<>]*+)?"
PAD = (  # with what Word and Apple's programs make of a space
    rf"(?:{_SPACE}|{_BR}|<o:p>{_SPACE}*+</o:p>|<span class=\"?Apple-converted-space\"?>{_SPACE}*+</span>)*+"
)
_SIGNS = frozenset(BLANK)
CDATA = "<![CDATA["  # where the page of a feed begins; its bracket doubles none, and "]]>" ends a line

_INLINE = r"(span|strong|em|[biu]|font|small|mark|s|center|ins)"
_INLINE_START = lazy_pattern(rf"<{_INLINE}{_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_END = lazy_pattern(rf"{PAD}</{_INLINE}[ \t\r\n]*+>", re.IGNORECASE)
_ENTITY = lazy_pattern(ENTITY_OF_BLANK)
_IS_BR = lazy_pattern(_BR, re.IGNORECASE)
_LINE_END = lazy_pattern(rf"{_BLANK}*+\r?(?:\n|\Z|\]\]>)")
_SPACES = lazy_pattern(rf"{_SPACE}*+")
_LINE_BREAK = lazy_pattern(_BR, re.IGNORECASE)
_BLOCK_START = lazy_pattern(rf"<(?:p|div|li|td|th|dd|blockquote){_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK_END = lazy_pattern(r"</(?:p|div|li|td|th|dd|blockquote)[ \t\r\n]*+>", re.IGNORECASE)
_SETEXT = lazy_pattern(rf"{_BLANK}*+\r?\n[ \t]{{0,3}}(?:=++|-++)[ \t\r]*+(?=\n|\Z)")
_ELEMENTS = {
    name: (
        lazy_pattern(rf"<{name}{_ATTRIBUTES}>", re.IGNORECASE),
        lazy_pattern(rf"{PAD}</{name}[ \t\r\n]*+>", re.IGNORECASE),
    )
    for name in ("p", "div", "figure")
}


_BLOCK_LINE = lazy_pattern(  # CommonMark 0.31, section 4.6: a line that begins with such a tag is HTML
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
_IN_SENTENCES = (
    *("abbr", "b", "bdi", "bdo", "button", "cite", "data", "dfn", "em", "font", "i", "label", "mark", "q", "s"),
    *("small", "span", "strike", "strong", "sub", "sup", "time", "u", "var"),
)
# What an element says of a place in it, or behind its end.
_SAYS = {
    **dict.fromkeys(_PARAGRAPHS, "paragraph"),
    **dict.fromkeys(_SECTIONS, "flow"),
    **dict.fromkeys(_IN_SENTENCES, "phrasing"),
    "a": "text",
}


class Span(NamedTuple):
    """What to replace."""

    start: int
    end: int


class Surroundings:
    """Answers for one text; candidates are asked about in order.

    ``floor`` is the end of what was found last: nothing before it is looked at.
    """

    def __init__(self, text: str, input: Input) -> None:
        self._text = text
        self._input = input
        self.floor = 0

    @cached_property
    def _paragraphs(self) -> _Paragraphs:
        return _Paragraphs(self._text)

    def alone(self, start: int, end: int) -> Span | None:
        """What a candidate is alone in: its paragraph with the elements in it, or its line; None in a sentence."""
        span = Span(start, end)
        if self._input == "text" or self._has_no_tag_behind(end):
            return span if self._is_line_of_its_own(span) else None
        span = self._unwrap(span)
        paragraph = self.element(span, "p")
        if paragraph != span:
            return paragraph
        is_alone = self._is_in_division(span) or self._is_line_of_its_own(span)
        return span if is_alone else None

    def _has_no_tag_behind(self, end: int) -> bool:
        """Whether a line of Markdown ends there, and the next begins with no tag: so it mostly is."""
        text = self._text
        return (
            self._input == "markdown" and text[end : end + 1] in "\n" and text[end + 1 : end + 2] not in ("<", " ")
        )

    def element(self, span: Span, name: str) -> Span:
        """The element of that name that holds nothing but the span, else the span."""
        start_tag, end_tag = _ELEMENTS[name]
        closing = end_tag.match(self._text, span.end)
        opening = self._start_tag(span.start, start_tag) if closing else None
        return Span(opening.start(), closing.end()) if closing and opening else span

    def opening(self, place: int, name: str) -> int:
        """Where the start tag of that name right before ``place`` begins; -1 where there is none."""
        found = self._start_tag(place, _ELEMENTS[name][0])
        return found.start() if found else -1

    def closing(self, end: int, name: str) -> int:
        """Where the end tag of that name right behind ``end`` ends; -1 where there is none."""
        found = _ELEMENTS[name][1].match(self._text, end)
        return found.end() if found else -1

    def edge(self, place: int, *, lines: bool = True) -> int:
        """Where the space before ``place`` begins.

        :param lines: whether line ends, and ``<br>``, are space.
        """
        text, floor = self._text, self.floor
        while place > floor:
            sign = text[place - 1]
            if sign in _SIGNS and (lines or sign not in "\r\n\f"):
                place -= 1
            elif sign in ";>" and (found := self._written_space(place, lines)):
                place = found.start()
            else:
                break
        return place

    def _written_space(self, end: int, lines: bool) -> re.Match[str] | None:
        """A reference to a space, or a line break of HTML, that ends there."""
        sign = self._text[end - 1]
        if sign == ";":
            return self._match_back(_ENTITY, "&", end, MAX_ENTITY_CHARS)
        return self._match_back(_IS_BR, "<", end, MAX_BR_CHARS) if lines and sign == ">" else None

    def content(self, start: int, end: int) -> ContentModel:
        """What HTML allows in place of what is there."""
        text = self._text
        if self._input == "text":
            return "flow"
        if self._input == "markdown" and text[start - 2 : start] == "\n\n" and text[end : end + 1] in "\n":
            return "flow"  # most are in a paragraph of their own
        if self._input == "markdown" and (known := self._content_of_line(start, end)):
            return known
        return self._content_of_element(start)

    def _content_of_line(self, start: int, end: int) -> ContentModel | None:
        """What a line of Markdown says; None where an element around it decides."""
        text = self._text
        line = text.rfind("\n", max(0, start - MAX_LINE_CHARS), start) + 1
        if text.find("\r", line, start) >= 0:  # the line ends of old Macs
            return None
        below = text.find("\n", end, end + MAX_LINE_CHARS)
        before, after = (
            text[line:start],
            text[end : below if below >= 0 else end + MAX_LINE_CHARS],
        )
        if before.rfind("[") > before.rfind("]") and "](" in after:
            return "text"
        if _BLOCK_LINE.match(before):
            return None
        # where not all processors see a block
        if before.strip() or after.strip() or len(before.expandtabs(4)) > 3:
            return "text" if self._content_of_element(start) == "text" else "phrasing"
        above = text[text.rfind("\n", max(0, line - MAX_LINE_CHARS), max(0, line - 1)) + 1 : line]
        return None if above.strip() else "flow"

    def _content_of_element(self, place: int) -> ContentModel:
        """What the nearest elements that are open say."""
        text, first, closed = self._text, max(0, place - MAX_PARAGRAPH_CHARS), []
        content: ContentModel = "flow"
        for _ in range(MAX_TAGS_BACK):
            place = text.rfind("<", first, place)
            if place < 0:
                break
            found = _NAME.match(text, place)
            if found is None:
                continue
            closes, name = found[1], found[2].lower()
            says = _SAYS.get(name)
            if says is None:
                continue
            if says == "paragraph":
                return content if closes else "phrasing"
            if says == "flow":
                break
            if closes:
                closed.append(name)
            elif name in closed:
                closed.remove(name)
            elif says == "text":
                return "text"
            else:
                content = "phrasing"
        return content

    # -- elements -----------------------------------------------------------------------------------------

    def _unwrap(self, span: Span) -> Span:
        """The span with the inline elements around it that hold nothing else."""
        for _ in range(MAX_WRAPPERS):
            closing = _INLINE_END.match(self._text, span.end)
            opening = self._start_tag(span.start, _INLINE_START) if closing else None
            if not closing or not opening or opening[1].lower() != closing[1].lower():
                break
            span = Span(opening.start(), closing.end())
        return span

    def _start_tag(self, place: int, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The start tag right before ``place``, and the space in between."""
        edge = self.edge(place)
        return self._match_back(pattern, "<", edge, MAX_TAG_CHARS) if self._text[edge - 1 : edge] == ">" else None

    def _match_back(self, pattern: re.Pattern[str], sign: str, end: int, most: int) -> re.Match[str] | None:
        """The match that ends at ``end`` and begins with the last ``sign`` before."""
        start = self._text.rfind(sign, max(self.floor, end - most), end)
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
        """Whether the marks of a Markdown quotation, and nothing else, are before it on its line."""
        if self._input != "markdown" or self._text[place - 1 : place] != ">":
            return False
        first = max(0, place - MAX_QUOTE_CHARS)
        line = self._text.rfind("\n", first, place) + 1
        return line >= first and not self._text[line:place].strip("> \t")

    def _is_part_of_more(self, start: int, end: int) -> bool:
        """Whether a line is a heading, or part of a link or a paragraph with the lines around it."""
        if self._input == "markdown":
            return bool(_SETEXT.match(self._text, end)) or self._is_in_link(start)
        return self._input == "html" and self._paragraphs.contain(start)

    def _is_in_link(self, place: int) -> bool:
        """Whether a line of Markdown is the target of a link that began on the line before."""
        edge = self.edge(place)
        return self._text[edge - 1 : edge] == "(" or self._text.endswith("]:", 0, edge)

    def _is_between_breaks(self, span: Span) -> bool:
        """Whether ``<br>`` makes a line of the span, in a paragraph of HTML."""
        text = self._text
        spaces = _SPACES.match(text, span.end)
        after = spaces.end() if spaces else span.end
        if text[after : after + 1] != "<":
            return False
        breaks = bool(_LINE_BREAK.match(text, after))
        if not breaks and not _BLOCK_END.match(text, after):
            return False
        before = self.edge(span.start, lines=False)
        begins = self._input == "markdown" and text[before - 1 : before] in "\r\n"
        while before > self.floor and text[before - 1] in "\r\n":
            before = self.edge(before - 1, lines=False)
        if self._match_back(_IS_BR, "<", before, MAX_BR_CHARS):
            return True
        if before == 0 or (begins and not self._is_in_link(span.start)):
            return breaks
        return breaks and self._match_back(_BLOCK_START, "<", before, MAX_TAG_CHARS) is not None


class _Paragraphs:
    """Which places of HTML are in a paragraph that began with a tag; asked in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen, self._opened, self._closed = 0, -1, -1

    def contain(self, place: int) -> bool:
        """Whether other words share a paragraph of HTML with this line: newlines mean nothing there."""
        text, seen = self._text, self._seen
        opened = max(text.rfind("<p>", seen, place), text.rfind("<p ", seen, place))
        self._opened, self._closed = max(self._opened, opened), max(self._closed, text.rfind("</p>", seen, place))
        self._seen = max(seen, place - 3)  # a tag may have been cut in two
        return self._opened > max(self._closed, place - MAX_PARAGRAPH_CHARS)
