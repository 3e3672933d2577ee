"""Where in a text embed code is shown and not meant: code, comments, scripts, attribute values.

Read as a browser and Markdown would, leftmost first, each character once. What is never closed counts to
the end of the text: better to leave something alone than to change an example.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_START = re.compile(r"(?m)<!--|<[A-Za-z/]|^[ \t>]*(`{3,}|~{3,})|(?<!\\)`+")
_TAG = re.compile(r"""<(/?[A-Za-z][^\s/>"']*+)[^"'>]*+(?:(?:"[^"]*+"|'[^']*+')[^"'>]*+)*+>""")
_RAW = frozenset({"pre", "code", "textarea", "style", "script"})
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


class Region(NamedTuple):
    """A stretch of text that is not meant; in a ``soft`` one, a tag or a script, an embed may hold it all."""

    start: int
    end: int
    soft: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """The regions of one text, in order, without overlaps."""

    regions: list[Region]

    def touch(self, start: int, end: int) -> bool:
        """Whether a span begins or ends inside of a region, or has code in it."""
        first = bisect_left(self.regions, (start,))
        last = bisect_left(self.regions, (end,))
        if (first and self.regions[first - 1].end > start) or (last and self.regions[last - 1].end > end):
            return True
        return any(not region.soft for region in self.regions[first:last])


def find(text: str) -> Quoted:
    """All regions of a text, HTML or Markdown."""
    return Quoted(list(_regions(text)))


def _regions(text: str) -> Iterator[Region]:
    closing = _closing_ticks(text)
    place = 0
    while match := _START.search(text, place):
        start, word = match.span()[0], match[0]
        region: Region | None
        if match[1]:
            region = Region(start, _fence_end(text, match), False)
        elif word == "<!--":
            region = Region(start, _after(text, "-->", match.end()), False)
        elif word.startswith("<"):
            region = _element(text, start)
        else:
            region = Region(start, closing[start], False) if start in closing else None
        if region:
            yield region
        place = region.end if region else match.end()


def _after(text: str, word: str, place: int) -> int:
    found = text.find(word, place)
    return len(text) if found < 0 else found + len(word)


def _fence_end(text: str, fence: re.Match[str]) -> int:
    """The end of a fenced block: a line of at least as many of the same (CommonMark section 4.5)."""
    mark = f"(?m)^[ \\t>]*{re.escape(fence[1][0])}{{{len(fence[1])},}}[ \\t]*$"
    found = re.compile(mark).search(text, fence.end())
    return found.end() if found else len(text)


def _element(text: str, start: int) -> Region:
    """A tag; an element as a whole where its content is no markup."""
    tag = _TAG.match(text, start)
    if not tag:
        return Region(start, len(text), True)
    name = tag[1].lower()
    if name not in _RAW:
        return Region(start, tag.end(), True)
    close = re.compile(rf"(?i)</{name}(?![\w-])").search(text, tag.end())
    return Region(start, _after(text, ">", close.end()) if close else len(text), name == "script")


def _closing_ticks(text: str) -> dict[int, int]:
    """For each run of backticks the end of the next one as long in the same paragraph: a code span."""
    breaks = [match.start() for match in _BLANK_LINE.finditer(text)]
    ends: dict[int, int] = {}
    later: dict[int, tuple[int, int]] = {}
    for run in reversed(list(re.finditer("`+", text))):
        length = run.end() - run.start()
        follower = later.get(length)
        if follower and bisect_left(breaks, run.end()) == bisect_left(breaks, follower[0]):
            ends[run.start()] = follower[1]
        later[length] = run.span()
    return ends
