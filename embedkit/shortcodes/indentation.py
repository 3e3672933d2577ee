"""Which lines of a Markdown text are indented code (CommonMark 0.31, sections 4.4 and 5.2).

Four columns make code, but not within a paragraph, and in a list item they count from where its content
starts: the further paragraphs of an item are none.
"""

from __future__ import annotations

import re

from embedkit.shortcodes.budget import Work

_LINE = re.compile(r"((?: {0,3}> ?)*+)([ \t]*+)([^\n]*+)\n?")
# Outside of lists and quotes: blank lines, and such as can only be text.
_PLAIN = re.compile(r"(?:[ \t\r]*+\n|[^\s>+*0-9=#_-][^\n]*+\n)*+")
_MARKER = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t\r]|\Z)([ \t]*+)")
_RULE_OR_HEADING = re.compile(r"(?:([-*_])[ \t]*+(?:\1[ \t]*+){2,}+|=++[ \t]*+|#{1,6}(?:[ \t].*)?)\r?\Z")


class Lines:
    """Which lines are indented code; read in order, and only as far as somebody asks."""

    def __init__(self, text: str, fences: list[tuple[int, int]], work: Work) -> None:
        self._text = text
        self._work = work
        self._fences = fences  # lines to leave out, in order; more may come
        self._fence = 0
        self._next = 0  # the first line not read
        self._offsets: list[int] = []  # columns where the contents of the open list items start
        self._quotes = 0
        self._blank = True
        self._paragraph = False
        self._code = False

    def code(self, line: int) -> bool:
        """Whether the line that starts at ``line`` is code (sections 4.4 and 5.2)."""
        while self._next <= line:
            if self._fence < len(self._fences) and self._fences[self._fence][0] <= self._next:
                end = self._fences[self._fence][1]
                self._fence += 1
                below = self._text.find("\n", max(end, self._next))
                self._next = below + 1 if below >= 0 else len(self._text) + 1
                self._blank = self._paragraph = self._code = False
            elif self._offsets or self._quotes or not self._pass_plain(line):
                self._read()
        return self._code

    def _pass_plain(self, limit: int) -> bool:
        """Read plain lines in one go, up to ``limit`` or the next fence; whether there are any."""
        if self._fence < len(self._fences):
            limit = min(limit, self._fences[self._fence][0])
        found = _PLAIN.match(self._text, self._next, limit)
        if found is None or found.end() == self._next:
            return False
        last = self._text.rfind("\n", self._next, found.end() - 1) + 1
        self._blank = self._text[max(last, self._next) : found.end()].isspace()
        self._paragraph, self._code = True, False  # behind a blank line a paragraph means nothing
        self._next = found.end()
        return True

    def _read(self) -> None:
        self._work.step()
        found = _LINE.match(self._text, self._next)
        if found is None or found.end() == self._next:
            self._next = len(self._text) + 1
            return
        self._next = found.end()
        quotes, space, rest = found.groups()
        if not rest.strip():
            self._blank = True
            return
        self._quote(quotes.count(">"))
        self._code = self._judge(len(space.expandtabs(4)), rest)
        self._blank = False

    def _quote(self, depth: int) -> None:
        if depth != self._quotes:
            self._offsets.clear()
            self._paragraph = self._paragraph and depth < self._quotes
            self._quotes = depth

    def _judge(self, indent: int, rest: str) -> bool:
        continues = self._paragraph and not self._blank
        offsets = self._offsets
        if not (continues and not _MARKER.match(rest)):  # else it may be lazy, and leave a list open
            while offsets and indent < offsets[-1]:
                offsets.pop()
        if indent - (offsets[-1] if offsets else 0) >= 4 and not continues:
            self._paragraph = False
            return True
        if _RULE_OR_HEADING.match(rest):
            self._paragraph = False
            return False
        return self._items(indent, rest)

    def _items(self, column: int, rest: str) -> bool:
        """Open the list items that start here; True if the content of the last is code at once."""
        place, end = 0, len(rest.rstrip())
        self._paragraph = True
        while marker := _MARKER.match(rest, place):
            column += marker.start(1) - place
            width = 4 - column % 4 if marker[1].startswith("\t") else len(marker[1])
            self._work.nest(len(self._offsets) + self._quotes)
            if marker.end() >= end or width > 4:
                self._offsets.append(column + 1)
                self._paragraph = False
                return width > 4
            column += width
            self._offsets.append(column)
            place = marker.end()
        return False
