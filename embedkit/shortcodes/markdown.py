"""Which parts of a Markdown text must stay as they are, besides those of the HTML in it.

CommonMark 0.31 is followed where it matters here: fenced code (also in quotes and lists), code spans of
any number of backticks, indented code (but not the further paragraphs of a list item), backslashes.
Front matter counts as code. Without a closer a fence reaches to the end, and a backtick means itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from embedkit.shortcodes.budget import Work
from embedkit.shortcodes.html import HtmlContext
from embedkit.shortcodes.indentation import Lines
from embedkit.shortcodes.tag import is_escaped

MAX_LINK_CHARS = 1024  # characters on either side that are looked at for the brackets of a link
MAX_PREFIX_CHARS = 200  # characters of quote and list marks before a fence; real texts have a few
MAX_HOPS = 32  # one sign is found ten times as fast as three, while there are few

_FRONT = re.compile(
    r"\ufeff?(---|\+\+\+)[ \t\r]*\n(?=[^\n]*[:=#])(?:(?!\1|\.\.\.)[^\n]*+\n)*+(?:\1|\.\.\.)[ \t\r]*(?:\n|\Z)"
)
_RUN = re.compile("`++|~++")
_BACKTICKS = re.compile("``*+")  # a literal first: sre then looks for that
_UNTICKED = re.compile(r"(?:[^`\\]++|\\.?+)*+", re.DOTALL)  # up to the next backtick without a backslash
# Fences that are whole and simple, and the lines between them.
_FENCE = "|".join(
    rf"{mark}(?![`~])[^`~\n]*+\n(?:(?![ \t>]*+{mark})[^\n]*+\n)*+{mark}[ \t]*+\n" for mark in ("```", "~~~")
)
_FENCES = re.compile(rf"(?:{_FENCE})(?:(?:(?!~~~)[^`<\n]*+\n)*+(?:{_FENCE}))*+")
_PREFIX = re.compile(r"[ \t]*+(?:(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))[ \t]*+)*+")
_FENCE_END = re.compile(r"\n([ \t]*+)(`{3,}+|~{3,}+)[ \t\r]*+(?=\n|\Z)")
_QUOTED_FENCE_END = re.compile(r"\n[ \t]*+(?:>[ \t]?)++([ \t]*+)(`{3,}+|~{3,}+)[ \t\r]*+(?=\n|\Z)")
_QUOTE_END = re.compile(r"\n(?![ \t]*+>)")
# Code spans do not cross from one block into the next (section 3.5).
_BLOCK_END = re.compile(r"\n(?=[ \t>]*+(?:\r?\n|\Z|[-+*][ \t]|1[.)][ \t]|#{1,6}[ \t]|```|~~~))")
_HEADING = re.compile(r"#{1,6}[ \t]")
_SPANS = re.compile(r"(?:(?:[^`\\<]++|\\[^\n])*+`[^`]++`(?!`))*+")  # up to the next tag outside of them

# Sections 6.5 and 6.6: outside of quotes a tag has no "<" and no blank line.
_TAG = re.compile(
    r"<(?:/?[A-Za-z][^ \t\n\r\f/><]*+"
    r"(?:(?:[ \t\r\f]|\n(?![ \t]*+\n))++|/|[^ \t\n\r\f/><][^ \t\n\r\f/><=]*+"
    r"(?:[ \t]*+=[ \t]*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'>])[^ \t\n\r\f><]++|(?=>)))?+)*+"
    r"|[!?][^><]*+)(>?)"
)

_QUOTED = re.compile(r"=[ \t]*+[\"']")
# Text, code in one line, and tags in one line with plain attributes.
_PLAIN = re.compile(
    r"(?:[^<`\\]++|`[^`\n]++`(?!`)"
    r"|</?[A-Za-z][A-Za-z0-9]*+(?:[ \t]++[A-Za-z-]++(?:=\"[^\"<>`\\]*+\")?+)*+[ \t]*+/?>)*+"
)
# What is not even worth a look: the next "<" comes before anything that a tag could hide it in.
_TAG_START = re.compile(r"<[A-Za-z!?/](?![^<>\"'=\\`]*+<)")

_INDENTED = re.compile(r"(?: {0,3}(?:>|[-+*]|[0-9]{1,9}[.)]))*+(?: {4}| {0,3}\t)")


class Spans:
    """Where the backticks of one text are, and where the blocks around them end; places are asked for in order."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._block = 0  # where the block of the last place ends
        self._ticks = _BACKTICKS.finditer(text, start)
        self._runs: dict[int, list[int]] = {}  # where backticks of a length are, as far as somebody asked
        self._runs_end = 0

    def block_end(self, start: int) -> int:
        """Where the block around ``start`` ends: no span goes further."""
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
        """Where the next backticks of this length are; each stretch of the text is searched for them once."""
        while self._runs_end < block:
            run = next(self._ticks, None)
            self._runs_end = run.start() if run else len(self._text)
            if run:
                self._runs.setdefault(run.end() - run.start(), []).append(run.start())
        places = self._runs.get(length, [])
        found = bisect_left(places, start)
        return places[found] if found < len(places) else len(self._text)


class MarkdownContext(HtmlContext):
    """Markdown and the HTML in it; places are asked for in order."""

    _plain = _PLAIN
    _tag_start = _TAG_START

    def __init__(self, text: str, work: Work | None = None) -> None:
        super().__init__(text, work)
        self._backtick, self._tilde = self._find_run("`", 0), self._find_run("~", 0)  # the next three of them
        self._fence_floor = 0  # no fence opens before
        self._line = self._seen = 0  # where the line of the last place starts, and that place
        self._indented = -1, False  # the line that was last asked about, and whether it is indented code
        self._quote_end = -1  # where the quote of the last fence in one ends
        self._lines: Lines | None = None
        self._spans: Spans | None = None
        self._fences: list[tuple[int, int]] = []
        self._start = min(self._mark, self._backtick, self._tilde)
        if text.startswith(("---", "+++", "\ufeff")) and (front := _FRONT.match(text)):
            self.skip(front.end())
            self._until = front.end()

    def skip(self, end: int) -> None:
        """Take everything up to ``end`` as plain text, whatever is in it: it will be replaced."""
        self._safe = self._fence_floor = end

    # -- marks: what opens something ----------------------------------------------------------------------

    def _find_run(self, sign: str, start: int) -> int:
        text, three = self.text, sign * 3
        found = text.find(sign, start)
        for _ in range(MAX_HOPS):
            if found < 0 or text.startswith(three, found):
                break
            found = text.find(sign, found + 1)
        else:
            found = text.find(three, found) if found >= 0 else found
        return self.size if found < 0 else found

    def _find_start(self) -> int:
        """Where the next mark of HTML, three backticks or tildes are."""
        if self._backtick < self._fence_floor:
            self._backtick = self._find_run("`", self._fence_floor)
        if self._tilde < self._fence_floor:
            self._tilde = self._find_run("~", self._fence_floor)
        self._start = min(super()._find_start(), self._backtick, self._tilde)
        return self._start

    def _read(self, place: int) -> None:
        if self._start == self._mark:
            super()._read(place)
        else:
            self._read_run(self._start, place)

    def _enter(self, mark: int, place: int) -> None:
        if not is_escaped(self.text, mark):
            super()._enter(mark, place)
            self._fence_floor = self._safe

    def _is_hidden(self, place: int) -> bool:
        if self._open:
            return self._is_in_tag(place)
        text, safe = self.text, self._safe
        block = text.rfind("\n\n", safe, place)  # a code span ends with its paragraph
        if text.find("`", block if block > safe else safe, place) >= 0 and self._is_in_span(place):
            return True
        if self._is_in_tag(place):
            return True
        before = text[place - 1 : place]
        if not before or before == "\n":
            return False
        if before == "\\" and is_escaped(text, place):
            return True
        return self._is_in_indented_code(place) or self._is_in_link(place)

    def _skips_code(self, opening: int, place: int) -> bool:
        self._is_in_span(opening, place)
        return self._safe > opening

    def _tag_end(self, start: int) -> int:
        found = None if is_escaped(self.text, start) else _TAG.match(self.text, start)
        if found is None:
            return start + 1
        # Never closed: a "<" that means itself, unless values in quotes tell that it was meant as a tag.
        meant = found[1] or _QUOTED.search(self.text, start, found.end())
        return found.end() if meant else start + 1

    def _is_in_link(self, place: int) -> bool:
        """Whether ``place`` is in the destination or title of a link, or in the text that images have for alt."""
        text, line = self.text, max(self._line_start(place), place - MAX_LINK_CHARS)
        target = text.rfind("](", line, place)
        if target >= 0 and text.find(")", target, place) < 0:
            return True
        image = text.rfind("![", line, place)
        if image < 0 or text.find("]", image, place) >= 0:
            return False
        target = text.find("](", place, place + MAX_LINK_CHARS)
        return target >= 0 and text.find("\n", place, target) < 0

    def _line_end(self, place: int) -> int:
        found = self.text.find("\n", place)
        return self.size if found < 0 else found

    def _line_start(self, place: int) -> int:
        self._line = max(self._line, self.text.rfind("\n", self._seen, place) + 1)
        self._seen = max(self._seen, place)
        return self._line

    # -- fences -------------------------------------------------------------------------------------------

    def _read_run(self, start: int, place: int) -> None:
        """Deal with the three or more backticks or tildes at ``start``."""
        self._work.step()
        run = _RUN.match(self.text, start)
        end = run.end() if run else start + 3
        self._is_in_tag(start)  # a fence ends the paragraph, and a tag in it; a parser of HTML alone reads on
        if not self._open:
            self._fence(start, end, place)
        if start == self._backtick:
            self._backtick = self._find_run("`", max(end, self._fence_floor))
        else:
            self._tilde = self._find_run("~", max(end, self._fence_floor))

    def _fence(self, start: int, end: int, place: int) -> None:
        """Protect what is in the fence that opens here, if one does (section 4.5)."""
        text, line = self.text, self._line_start(start)
        if line == start and (whole := _FENCES.match(text, start, place)):
            self._pass_fence(start, whole.end() - 1, whole.end())
            return
        if start - line > MAX_PREFIX_CHARS or not _PREFIX.fullmatch(text, line, start):
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
        deepest = 3 if indent <= 3 else indent + 3  # inside of a list item more than three spaces may be
        for found in (_QUOTED_FENCE_END if quoted else _FENCE_END).finditer(self.text, below, limit):
            space, closer = found.groups()
            if closer.startswith(fence) and len(space.expandtabs(4)) <= deepest:
                return found.end()
        return limit

    def _end_of_quote(self, start: int) -> int:
        if self._quote_end < start:
            found = _QUOTE_END.search(self.text, start)
            self._quote_end = found.start() if found else self.size
        return self._quote_end

    # -- code spans ---------------------------------------------------------------------------------------

    def _is_in_span(self, place: int, further: int = 0) -> bool:
        """Whether ``place``, in plain text or a tag, is in a code span (section 6.1); then protects it.

        Whole spans between there and ``further`` may be passed at once. Spans end with their paragraph, so
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
        """The next backtick that means one, or ``place`` where there is none before."""
        tick = self.text.find("`", start, place)  # ten times as fast, and backslashes are rare
        if tick < 0:
            return place
        if self.text[tick - 1 : tick] != "\\":
            return tick
        found = _UNTICKED.match(self.text, start + is_escaped(self.text, start), place)
        return found.end() if found else place

    def _span(self, tick: int, place: int, further: int) -> int:
        """The end of the code span that opens here, or of as much as does not matter to ``place``."""
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
        self._lines = self._lines or Lines(self.text, self._fences, self._work)
        return self._lines.code(line)
