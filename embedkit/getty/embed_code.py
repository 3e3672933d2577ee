"""Embed code of Getty Images that somebody pasted into a page, and shortcodes in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import NamedTuple

from embedkit.getty import embed_patterns, entities
from embedkit.getty.embed_html import Page, Tag
from embedkit.getty.embed_patterns import Core
from embedkit.models import AssetRef, Problem
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT, Budget, Exhausted
from embedkit.targets import Input

REACH = 24  # tags looked at on each side of a frame; Getty's longest block has 14 in all
ROUNDS = 6  # an embed grows by its own block, by links beside that, and by what an author put around

_HINT = re.compile(r"gettyimages|gie\.widgets", re.IGNORECASE)
_BLOCKS = frozenset({"div", "p", "span", "center", "figure"})
_RAW = frozenset({"script", "iframe"})  # up to their end tags is no markup, and those belong to it
_FURNITURE = _BLOCKS | {"a", "br"}
_WORDS = re.compile(
    r"\s*(?:Embed \w{2,5} Getty Images|View image|(?:www\.)?gettyimages\.[a-z.]{2,6}|[|/])?\s*(?:[|/]\s*)?",
    re.IGNORECASE,
)
_HOME = re.compile(r"(?:https?:)?//(?:www\.)?gettyimages\.[a-z.]{2,6}/?", re.IGNORECASE)
_OWN_STYLE = re.compile(
    r"padding(?:-bottom|-top)?:[0-9.]+%|padding:0;margin:|background-color:#fff;display:inline-block"
)


@dataclass(frozen=True, slots=True)
class Pasted:
    """One embed: ``text[start:end]`` is all of its code; ``parts`` is where it and the tags in it begin."""

    start: int
    end: int
    ref: AssetRef
    parts: tuple[int, ...]


def find(text: str) -> list[Pasted]:
    """All embed code in a text, HTML or Markdown, in order, without overlaps.

    Code contexts are not looked at: an example in ``<pre>`` or between fences is found as well, and what
    to do about it is for the caller to decide. A loader script that serves no one embed is not found.

    :returns: spans over whole blocks: outer div, frame, link and scripts, as far as they are there.
    """
    if not _HINT.search(text):
        return []
    page = Page.read(entities.undo(text))
    found = _apart(page, embed_patterns.strong(page), [])
    found = _apart(page, embed_patterns.links(page), found)
    return [_pasted(page, core) for core in found]


def _apart(page: Page, cores: list[Core], taken: list[Core]) -> list[Core]:
    """The cores that no other embed covers, each as whole as its neighbours leave room for, among those taken."""
    result: list[Core] = []
    rest = taken[::-1]
    for core, follower in zip_longest(cores, cores[1:]):
        while rest and rest[-1].start <= core.start:
            result.append(rest.pop())
        low = result[-1].end if result else 0
        high = rest[-1].start if rest else len(page.text)
        if low <= core.start and core.end <= high:
            if follower and follower.start >= core.end:
                high = min(high, follower.start)
            result.append(_whole(page, core, low, high))
    return result + rest[::-1]


def _whole(page: Page, core: Core, low: int, high: int) -> Core:
    """The core with the block that Getty or an author put around it, between two places, and its alignment."""
    for _ in range(ROUNDS):
        grown = _grown(page, core, low, high)
        if grown == core:
            break
        core = grown
    return core


def _grown(page: Page, core: Core, low: int, high: int) -> Core:
    """The core with the elements around it that are part of the embed, else with Getty's links beside it."""
    lefts, start = _walk(page, core, -1, low)
    rights, end = _walk(page, core, 1, high)
    align, inner = core.align, core
    for left, right in zip(lefts, rights, strict=False):
        if left.name != right.name or left.name not in _BLOCKS:
            break
        align = left.align or align
        if _belongs(page, left, right, core):
            inner = core._replace(start=left.start, end=right.end, align=align)
    return inner if inner != core else core._replace(start=start, end=end)


def _pasted(page: Page, core: Core) -> Pasted:
    ref = AssetRef(core.ref.items, replace(core.ref.options, align=core.align))
    tags = page.tags[page.index(core.start) : page.index(core.end)]
    starts = (tag.start for tag in tags if not (tag.closing and tag.name in _RAW))
    start, *parts = map(page.plain.original, dict.fromkeys((core.start, *starts)))
    return Pasted(start, page.plain.original(core.end), ref, (start, *parts))


def _walk(page: Page, core: Core, step: int, limit: int) -> tuple[list[Tag], int]:
    """One side of a core, outwards, as far as there is only furniture of Getty's.

    :returns: the tags of the elements around it, innermost first; and how far Getty's links stand beside it.
    """
    around: list[Tag] = []
    beside: list[str] = []
    edge = place = core.start if step < 0 else core.end
    linked = False
    for tag in _outwards(page, core, step, limit):
        gap = page.text[tag.end : edge] if step < 0 else page.text[edge : tag.start]
        if not _is_furniture(page, tag, gap, core):
            break
        if tag.name == "br":
            pass
        elif tag.closing == (step < 0):
            beside.append(tag.name)
        elif not beside:
            around.append(tag)
        elif beside.pop() != tag.name:
            break
        edge = tag.start if step < 0 else tag.end
        linked = linked or tag.name == "a"
        if linked and not beside and not around:
            place = edge
    return around, place


def _outwards(page: Page, core: Core, step: int, limit: int) -> list[Tag]:
    """The tags next to a core on one side, nearest first, up to a limit."""
    if step > 0:
        index = page.index(core.end)
        return [tag for tag in page.tags[index : index + REACH] if tag.end <= limit]
    index = page.index(core.start)
    return [tag for tag in reversed(page.tags[max(0, index - REACH) : index]) if tag.start >= limit]


def _is_furniture(page: Page, tag: Tag, gap: str, core: Core) -> bool:
    """Whether a tag, and the text between it and the embed, are such as Getty writes around a frame."""
    if tag.name not in _FURNITURE or page.plain.escaped(tag.start) != page.plain.escaped(core.start):
        return False
    if gap.strip().lstrip("#").lower() not in core.ref.items and not (len(gap) < 200 and _WORDS.fullmatch(gap)):
        return False
    return tag.closing or tag.name != "a" or _is_ours(tag.attributes.get("href", ""), core.ref)


def _is_ours(href: str, ref: AssetRef) -> bool:
    """Whether a link leads to the picture itself or to the front page of a Getty site."""
    named = embed_patterns.page_address(href)
    return named.items[0] in ref.items if named else bool(_HOME.fullmatch(href.strip()))


def _belongs(page: Page, left: Tag, right: Tag, core: Core) -> bool:
    """Whether an element that holds nothing but the embed is part of it: Getty's, or there to align it."""
    if "getty" in left.attributes.get("class", "").split() or _OWN_STYLE.search(left.style) or left.align:
        return True
    beside = page.text[left.end : core.start] + page.text[core.end : right.start]
    return not left.inside.strip() and "</a" in beside  # a block that has lost its attributes


class Conversion(NamedTuple):
    """A converted text, how many embeds became shortcodes, and what was left because there is too much of it."""

    text: str
    converted: int
    problems: tuple[Problem, ...] = ()


def convert(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Conversion:
    """The text with embed code replaced by shortcodes, everything else byte for byte.

    Ids, size, caption, tld and alignment are kept. What rendering takes for code, a comment, a script or the
    inside of a tag stays as it is. Converting twice changes nothing more.

    :param input: ``html``, ``markdown`` or ``text``: tells what is code; in plain text nothing is.
    :param budget: what lies beyond stays as it is, with a problem ``too-large``.
    """
    edits: list[tuple[int, int, str]] = []
    problem = None
    try:
        for one in _meant(text, input, budget):
            edits.append((one.start, one.end, scan.format(one.ref)))
    except _Stopped as stopped:
        place, error = stopped.args
        problem = error.problem(text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place))
    return Conversion(scan.replace(text, edits), len(edits), (problem,) if problem else ())


class _Stopped(Exception):
    """Where in a text its budget ends, and why."""


def _meant(text: str, input: Input, budget: Budget) -> Iterator[Pasted]:
    """The embeds of a text that are no examples in code.

    :raises _Stopped: where the budget ends.
    """
    found = find(text[: budget.chars])
    code = scan.protected(text, input, budget)
    count = 0
    for one in found:
        try:
            if any(code.protected(place) for place in one.parts):
                continue
        except Exhausted as error:
            raise _Stopped(one.start, error) from None
        if count == budget.references:
            raise _Stopped(one.start, Exhausted.of(count, "references"))
        code.skip(one.end)
        count += 1
        yield one
    if _HINT.search(text, budget.chars):
        raise _Stopped(budget.chars, Exhausted.of(budget.chars, "characters"))
