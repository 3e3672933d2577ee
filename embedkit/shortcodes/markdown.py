"""Recognize the parts of a Markdown text that must stay unchanged, in addition to those of the HTML in it.

This follows CommonMark 0.31 as far as it matters here: fenced code (also in block quotes and lists), code spans of
any number of backticks, indented code (but not the further paragraphs of a list item), backslash escapes. The
indented bodies of Python-Markdown's admonitions, tabs, details, definitions and footnotes are not code either,
except in the format ``commonmark``, which has none of these. An unclosed fence extends to the end of the text; an
unclosed backtick is literal.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from embedkit.process import lazy_pattern
from embedkit.shortcodes.budget import Work
from embedkit.shortcodes.html import HtmlContext
from embedkit.shortcodes.tag import is_escaped

MAX_LINK_CHARS = 1024  # searched for the brackets of a link, on either side
MAX_PREFIX_CHARS = 200  # of block quote and list markers before a fence; real texts have a few
MAX_HOPS = 32  # while there are few backticks, searching for one is ten times faster than for three

_RUN = lazy_pattern("`++|~++")
_BACKTICKS = lazy_pattern("``*+")  # begins with a literal, which lets sre search for that
_UP_TO_BACKTICK = lazy_pattern(r"(?:[^`\\]++|\\.?+)*+", re.DOTALL)  # to the next one without a backslash
# Complete and simple fenced code blocks, and the lines between them.
_FENCE = "|".join(
    rf"{fence}(?![`~])[^`~\n]*+\n(?:(?![ \t>]*+{fence})[^\n]*+\n)*+{fence}[ \t]*+\n" for fence in ("```", "~~~")
)
_FENCES = lazy_pattern(rf"(?:{_FENCE})(?:(?:(?!~~~)[^`<\n]*+\n)*+(?:{_FENCE}))*+")
_PREFIX = lazy_pattern(r"[ \t]*+(?:(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))[ \t]*+)*+")
_FENCE_END = lazy_pattern(r"\n([ \t]*+)(`{3,}+|~{3,}+)[ \t\r]*+(?=\n|\Z)")
_QUOTED_FENCE_END = lazy_pattern(r"\n[ \t]*+(?:>[ \t]?)++([ \t]*+)(`{3,}+|~{3,}+)[ \t\r]*+(?=\n|\Z)")
_QUOTE_END = lazy_pattern(r"\n(?![ \t]*+>)")
# Code spans don't extend across blocks (section 3.5).
_BLOCK_END = lazy_pattern(r"\n(?=[ \t>]*+(?:\r?\n|\Z|[-+*][ \t]|1[.)][ \t]|#{1,6}[ \t]|```|~~~))")
_HEADING = lazy_pattern(r"#{1,6}[ \t]")
# Text and complete code spans of one to three backticks, up to the next tag outside them.
_SPANS = lazy_pattern(
    r"(?:(?:[^`\\<]++|\\[^\n])*+(?:`(?!`)(?:[^`]++|``++)*+`(?!`)"
    r"|``(?!`)(?:[^`]++|`(?!`)|```++)*+``(?!`)|```(?!`)(?:[^`]++|`{1,2}(?!`)|````++)*+```(?!`)))*+"
)

# Sections 6.5 and 6.6: outside quoted values, a tag contains no "<" and no blank line.
_TAG = lazy_pattern(
    r"<(?:/?[A-Za-z][^ \t\n\r\f/><]*+"
    r"(?:(?:[ \t\r\f]|\n(?![ \t]*+\n))++|/|[^ \t\n\r\f/><][^ \t\n\r\f/><=]*+"
    r"(?:[ \t]*+=[ \t]*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'>])[^ \t\n\r\f><]++|(?=>)))?+)*+"
    r"|[!?][^><]*+)(>?)"
)

_QUOTED = lazy_pattern(r"=[ \t]*+[\"']")
# Text, single-line code spans, and single-line tags with plain attributes.
_PLAIN = lazy_pattern(
    r"(?:[^<`\\]++|`[^`\n]++`(?!`)"
    r"|</?[A-Za-z][A-Za-z0-9]*+(?:[ \t]++[A-Za-z-]++(?:=(?:\"[^\"]*+\"|'[^']*+'))?+)*+[ \t]*+/?>)*+"
)
# Skips a "<" if the next "<" follows before any character that could make it part of the same tag.
_TAG_START = lazy_pattern(r"<[A-Za-z!?/](?![^<>\"'=\\`]*+<)")

_INDENTED = lazy_pattern(r"(?: {0,3}(?:>|[-+*]|[0-9]{1,9}[.)]))*+(?: {4}| {0,3}\t)")


# A link reference definition up to its title, which authors use as a comment.
_DEFINITION_TITLE = lazy_pattern(r" {0,3}\[(?!\^)[^\[\]\n]{1,200}\]:[ \t]*+\S++[ \t]++[\"'(]")
# An import or export in MDX, up to a blank line.
_MODULE = lazy_pattern(
    r"export\s+(?:default|const|let|var|function|async|class)\s|import\s[^\n]{0,1024}?\bfrom\s+[\"']|import\s+[\"']"
)
MAX_MODULE_CHARS = 4096

_LINE = lazy_pattern(r"((?: {0,3}> ?)*+)([ \t]*+)([^\n]*+)\n?")
# Outside lists and block quotes: blank lines, and lines that can only be text.
_PLAIN_LINES = lazy_pattern(r"(?:[ \t\r]*+\n|(?!\[\^)[^\s>+*0-9=#_:!?-][^\n]*+\n)*+")
_LIST_MARKER = lazy_pattern(r"(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t\r]|\Z)([ \t]*+)")
# Lines followed by an indented body: "!!! note", "??? note", '=== "Tab"', ":   definition", "[^1]: footnote".
_OPENS_BODY = lazy_pattern(r"(?:(?:!!!|\?\?\?\+?)[ \t]*+|===[!+]?[ \t]+)[\w\"']|:[ \t]|\[\^[^\[\]\n]{1,100}\]:")
_RULE_OR_HEADING = lazy_pattern(r"(?:([-*_])[ \t]*+(?:\1[ \t]*+){2,}+|=++[ \t]*+|#{1,6}(?:[ \t].*)?)\r?\Z")


class Lines:
    """Tells which lines are indented code (sections 4.4 and 5.2), reading only as far as it is queried.

    An indentation of four columns makes code, except within a paragraph. In a list item it counts from the start
    of the item's content, so the further paragraphs of an item are not code.
    """

    def __init__(self, text: str, fences: list[tuple[int, int]], work: Work, *, indented_bodies: bool) -> None:
        self._text = text
        self._work = work
        self._indented_bodies = indented_bodies
        self._fences = fences  # lines to skip, in order; the owner appends to it
        self._fence = 0
        self._next = 0  # the first line that has not been read
        self._offsets: list[int] = []  # the columns at which the contents of the open list items start
        self._quotes = 0
        self._blank = True
        self._paragraph = False
        self._code = False

    def is_code(self, line: int) -> bool:
        """Return whether the line that starts at ``line`` is code."""
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
        """Read plain lines at once, up to ``limit`` or the next fence; return whether there are any."""
        if self._fence < len(self._fences):
            limit = min(limit, self._fences[self._fence][0])
        found = _PLAIN_LINES.match(self._text, self._next, limit)
        if found is None or found.end() == self._next:
            return False
        last = self._text.rfind("\n", self._next, found.end() - 1) + 1
        self._blank = self._text[max(last, self._next) : found.end()].isspace()
        self._paragraph, self._code = True, False  # after a blank line the value of _paragraph doesn't matter
        self._next = found.end()
        return True

    def _read(self) -> None:
        self._work.step()
        found = _LINE.match(self._text, self._next)
        if found is None or found.end() == self._next:  # pragma: no cover - guarantees progress
            self._next = len(self._text) + 1
            return
        self._next = found.end()
        quotes, space, rest = found.groups()
        if not rest.strip():
            self._blank = True
            return
        self._quote(quotes.count(">"))
        self._code = self._read_content(len(space.expandtabs(4)), rest)
        self._blank = False

    def _quote(self, depth: int) -> None:
        if depth != self._quotes:
            self._offsets.clear()
            self._paragraph = self._paragraph and depth < self._quotes
            self._quotes = depth

    def _read_content(self, indent: int, rest: str) -> bool:
        continues = self._paragraph and not self._blank
        offsets = self._offsets
        if not (continues and not _LIST_MARKER.match(rest)):  # else a lazy continuation line: the lists stay open
            while offsets and indent < offsets[-1]:
                offsets.pop()
        if indent - (offsets[-1] if offsets else 0) >= 4 and not continues:
            self._paragraph = False
            return True
        if self._indented_bodies and _OPENS_BODY.match(rest):
            offsets.append(indent + 4)
            self._paragraph = rest[0] in ":["
            return False
        if _RULE_OR_HEADING.match(rest):
            self._paragraph = False
            return False
        return self._items(indent, rest)

    def _items(self, column: int, rest: str) -> bool:
        """Open the list items that start here; return whether the content of the last one begins as code."""
        place, end = 0, len(rest.rstrip())
        self._paragraph = True
        while marker := _LIST_MARKER.match(rest, place):
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


class Spans:
    """The backticks of a text, and the ends of the blocks around them. Positions must be queried in order."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._block = 0  # the end of the block that was last queried
        self._ticks = _BACKTICKS.finditer(text, start)
        self._runs: dict[int, list[int]] = {}  # the positions of backtick strings by length, up to _runs_end
        self._runs_end = 0

    def block_end(self, start: int) -> int:
        """Return the end of the block around ``start``, which no span extends beyond."""
        text = self._text
        if start >= self._block:
            if _HEADING.match(text, text.rfind("\n", self._block, start) + 1 or self._block):
                end = text.find("\n", start)
                self._block = len(text) if end < 0 else end
            else:
                found = _BLOCK_END.search(text, start)
                self._block = found.start() if found else len(text)
        return self._block

    def next_run(self, length: int, start: int, block: int) -> int:
        """Return the position of the next backtick string of this length; nothing is searched twice."""
        while self._runs_end < block:
            run = next(self._ticks, None)
            self._runs_end = run.start() if run else len(self._text)
            if run:
                self._runs.setdefault(run.end() - run.start(), []).append(run.start())
        places = self._runs.get(length, [])
        found = bisect_left(places, start)
        return places[found] if found < len(places) else len(self._text)


class MarkdownContext(HtmlContext):
    """Markdown and the HTML in it. Positions must be queried in order."""

    _plain = _PLAIN
    _tag_start = _TAG_START
    _indented_bodies = True

    def __init__(self, text: str, work: Work | None = None) -> None:
        super().__init__(text, work)
        self._backtick, self._tilde = self._find_run("`", 0), self._find_run("~", 0)  # the next three of each
        self._line = self._seen = 0  # the start of the line that was last queried, and the position in it
        self._indented = -1, False  # the line that was last queried, and whether it is indented code
        self._quote_end = -1  # the end of the block quote around the last quoted fence
        self._lines: Lines | None = None
        self._spans: Spans | None = None
        self._fences: list[tuple[int, int]] = []
        self._fence_floor = self._safe  # no fence opens before it; front matter contains none
        self._skipped = 0  # the end of the last skipped text
        self._start = min(self._start, self._backtick, self._tilde)

    def skip(self, end: int) -> None:
        """Treat everything up to ``end`` as plain text, since it will be replaced."""
        self._safe = self._fence_floor = self._skipped = end

    # -- openers of protected constructs ------------------------------------------------------------------

    def _find_run(self, char: str, start: int) -> int:
        text, three = self.text, char * 3
        found = text.find(char, start)
        for _ in range(MAX_HOPS):
            if found < 0 or text.startswith(three, found):
                break
            found = text.find(char, found + 1)
        else:
            found = text.find(three, found) if found >= 0 else found
        return self.size if found < 0 else found

    def _find_start(self) -> int:
        """Return the position of the next opener in HTML, three backticks or three tildes."""
        if self._backtick < self._fence_floor:
            self._backtick = self._find_run("`", self._fence_floor)
        if self._tilde < self._fence_floor:
            self._tilde = self._find_run("~", self._fence_floor)
        self._start = min(super()._find_start(), self._backtick, self._tilde)
        return self._start

    def _read(self, place: int) -> None:
        if self._start in (self._backtick, self._tilde):
            self._read_run(self._start, place)
        else:
            super()._read(place)

    def _enter(self, opener: int, place: int) -> None:
        if not is_escaped(self.text, opener):
            super()._enter(opener, place)
            self._fence_floor = self._safe

    def _is_enclosed(self, place: int) -> bool:
        if self._open:
            return self._is_in_tag(place)
        text, safe = self.text, self._safe
        if text.startswith("\n\n", place - 2):  # at the start of a paragraph, code spans and links have ended
            return self._is_in_tag(place)
        block = text.rfind("\n\n", safe, place)  # code spans end with their paragraph
        if text.find("`", block if block > safe else safe, place) >= 0 and self._is_in_span(place):
            return True
        if self._is_in_tag(place) or self._is_in_module(place):
            return True
        before = text[place - 1 : place]
        if not before or before == "\n":
            return False
        if before == "\\" and is_escaped(text, place):
            return True
        return self._is_in_indented_code(place) or self._is_in_link(place)

    def _skip_code(self, opening: int, place: int) -> bool:
        self._is_in_span(opening, place)
        return self._safe > opening or self._is_in_indented_code(opening)

    def _tag_end(self, start: int) -> int:
        found = None if is_escaped(self.text, start) else _TAG.match(self.text, start)
        if found is None:
            return start + 1
        # Without its ">" it is a literal "<", unless quoted values show that a tag was intended.
        is_tag = found[1] or _QUOTED.search(self.text, start, found.end())
        return found.end() if is_tag else start + 1

    def _is_in_link(self, place: int) -> bool:
        """Return whether ``place`` is in the destination or title of a link, or in the description of an image."""
        text, line = self.text, max(self._line_start(place), place - MAX_LINK_CHARS)
        if text.startswith("[", line) and (title := _DEFINITION_TITLE.match(text, line)) and title.end() <= place:
            return True
        line = max(line, self._skipped)
        target = text.rfind("](", line, place)
        if target >= 0 and text.find(")", target, place) < 0:
            return True
        image = text.rfind("![", line, place)
        if image < 0 or text.find("]", image, place) >= 0:
            return False
        target = text.find("](", place, place + MAX_LINK_CHARS)
        return target >= 0 and text.find("\n", place, target) < 0

    def _is_in_module(self, place: int) -> bool:
        first = max(0, place - MAX_MODULE_CHARS)
        blank = self.text.rfind("\n\n", first, place)
        start = blank + 2 if blank >= 0 else first
        return (
            (blank >= 0 or not first) and self.text[start] in "ei" and bool(_MODULE.match(self.text, start, place))
        )

    def _line_end(self, place: int) -> int:
        found = self.text.find("\n", place)
        return self.size if found < 0 else found

    def _line_start(self, place: int) -> int:
        self._line = max(self._line, self.text.rfind("\n", self._seen, place) + 1)
        self._seen = max(self._seen, place)
        return self._line

    # -- fences -------------------------------------------------------------------------------------------

    def _read_run(self, start: int, place: int) -> None:
        """Process the three or more backticks or tildes at ``start``."""
        self._work.step()
        text, line = self.text, self._line_start(start)
        run = _RUN.match(text, start)
        end = run.end() if run else start + 3
        if not self._open and start - line <= MAX_PREFIX_CHARS and _PREFIX.fullmatch(text, line, start):
            self._is_in_tag(start)  # a fence ends a tag too, except for a plain HTML parser
            self._fence(line, start, end, place)
        after = max(self._fence_floor, self._line_end(end))  # a line opens at most one fence
        if text[start] == "`":
            self._backtick = self._find_run("`", after)
        else:
            self._tilde = self._find_run("~", after)

    def _fence(self, line: int, start: int, end: int, place: int) -> None:
        """Protect the fenced code block that opens here, if any (section 4.5)."""
        text = self.text
        if line == start and (whole := _FENCES.match(text, start, place)):
            self._pass_fence(start, whole.end() - 1, whole.end())
            return
        below = self._line_end(end)
        if self._is_in_indented_code(start) or (text[start] == "`" and text.find("`", end, below) >= 0):
            return
        stop = self._fence_end(text[line:start], text[start:end], below)
        self._until = max(self._until, stop)
        self._pass_fence(line, stop, stop)

    def _pass_fence(self, line: int, end: int, resume: int) -> None:
        self._fences.append((line, end))
        self._fence_floor = resume
        self._safe = max(self._safe, resume)

    def _fence_end(self, prefix: str, fence: str, below: int) -> int:
        quoted = ">" in prefix
        limit = self._end_of_quote(below) if quoted else self.size
        indent = len(prefix.rpartition(">")[2].expandtabs(4)) - quoted
        max_indent = 3 if indent <= 3 else indent + 3  # in a list item, a closer can be indented further
        for found in (_QUOTED_FENCE_END if quoted else _FENCE_END).finditer(self.text, below, limit):
            space, closer = found.groups()
            if closer.startswith(fence) and len(space.expandtabs(4)) <= max_indent:
                return found.end()
        return limit

    def _end_of_quote(self, start: int) -> int:
        if self._quote_end < start:
            found = _QUOTE_END.search(self.text, start)
            self._quote_end = found.start() if found else self.size
        return self._quote_end

    # -- code spans ---------------------------------------------------------------------------------------

    def _is_in_span(self, place: int, further: int = 0) -> bool:
        """Return whether ``place``, in plain text or a tag, is in a code span (section 6.1), and protect that.

        Complete spans between ``place`` and ``further`` can be skipped at once. Spans end with their paragraph, so
        only the backticks since the last blank line are read.
        """
        text, safe = self.text, self._safe
        if text.find("`", safe, place) < 0:
            return False
        tick = self._next_tick(max(safe, text.rfind("\n\n", safe, place)), place)
        while tick < place:
            next_start = self._safe if self._is_in_tag(tick) else self._span(tick, place, max(place, further))
            tick = self._next_tick(max(next_start, self._safe), place)
        return place < self._safe

    def _next_tick(self, start: int, place: int) -> int:
        """Return the next backtick without a backslash, or ``place`` if there is none before it."""
        tick = self.text.find("`", start, place)  # ten times faster than the pattern, and backslashes are rare
        if tick < 0:
            return place
        if self.text[tick - 1 : tick] != "\\":
            return tick
        found = _UP_TO_BACKTICK.match(self.text, start + is_escaped(self.text, start), place)
        return found.end() if found else place

    def _span(self, tick: int, place: int, further: int) -> int:
        """Return the end of the code span that opens at ``tick``, or of text that doesn't matter to ``place``."""
        self._work.step()
        spans = self._spans = self._spans or Spans(self.text, tick)
        block = spans.block_end(tick)
        if block <= place:
            return block
        simple = _SPANS.match(self.text, tick, min(further, block))
        run = _BACKTICKS.match(self.text, tick)
        end = run.end() if run else tick + 1
        if simple and simple.end() > end:
            self._safe = simple.end()
            return self._safe
        stop = spans.next_run(end - tick, end, block) + end - tick
        if stop > block:
            return end
        self._safe = stop
        if stop > place:
            self._protect(stop)
        return stop

    # -- indented code ------------------------------------------------------------------------------------

    def _is_in_indented_code(self, place: int) -> bool:
        line = self._line_start(place)
        if self._indented[0] != line:
            self._indented = line, self._is_indented_code(line)
        if self._indented[1]:
            self._protect(self._line_end(place))
        return self._indented[1]

    def _is_indented_code(self, line: int) -> bool:
        if self.text[line] not in " \t>-+*0123456789" or not _INDENTED.match(self.text, line):
            return False
        self._lines = self._lines or Lines(
            self.text, self._fences, self._work, indented_bodies=self._indented_bodies
        )
        return self._lines.is_code(line)


class CommonMarkContext(MarkdownContext):
    """Markdown without extensions: text indented by four columns below ``!!! note`` is code."""

    _indented_bodies = False
