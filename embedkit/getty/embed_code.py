"""Embed code of Getty Images that somebody pasted into a page, and shortcodes in its place.

Pasted code arrives damaged: escaped as a whole, twice, or here and there; cut, joined, without its script. So it
is read leniently, but strictly as to hosts and IDs, in four steps: entities are undone; tags are listed where they
stand (there is no tree); what names a picture is found (frame, widget call, record, link); then the block around
it. Every pattern is bounded, or stops at the next ``<`` or brace, so that time is linear.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from embedkit.errors import UnsupportedReference
from embedkit.getty import urls
from embedkit.models import Align, AssetRef, Options, Problem
from embedkit.process import lazy_pattern
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT, Budget, Exhausted
from embedkit.shortcodes.scan import Positions
from embedkit.shortcodes.surroundings import CDATA
from embedkit.shortcodes.tag import INVISIBLE

if TYPE_CHECKING:
    from embedkit.targets import Input

REACH_TAGS = 24  # looked at on each side of a frame; Getty's longest block has 14 in all
MAX_ROUNDS = 6  # an embed grows by its own block, by links beside that, and by what an author put around

_HINT = lazy_pattern(r"[gG](?i:ettyimages|ie\.widgets)")
# One of these is in all embed code, or else the picture's number as a link's text; in other texts they are rare.
_SIGNS = ("embed", "gie", "view image", "attributes")
_NUMBER = lazy_pattern(r"#(?<!&#)[0-9A-Za-z-]{0,23}[0-9]")
_BLOCKS = frozenset({"div", "p", "span", "center", "figure"})
_AROUND_CODE = _BLOCKS | {"iframe"}  # an instant article has a widget in a frame without a URL
_FRAMES = frozenset({"iframe", "amp-iframe", "object", "embed"})
_RAW = frozenset({"script", "iframe"})  # up to their end tags nothing is markup, and those belong to it
_LOOKS = frozenset({"b", "em", "font", "i", "small", "span", "strong", "u", "wbr"})
_FURNITURE = _BLOCKS | {"a", "br", "iframe"}
_WORDS = lazy_pattern(
    r"\s*(?:Embed \w{2,5} Getty Images|View image|(?:www\.)?gettyimages\.[a-z.]{2,6}|[|/])?\s*(?:[|/]\s*)?",
    re.IGNORECASE,
)
_NOT_SEEN = lazy_pattern(  # what plugins and editors leave there; a mark of WordPress or Ghost is no such thing
    rf"<!--(?!\s{{0,9}}/?(?:wp:|more|nextpage|kg-))[^<>]{{0,150}}-->|[{INVISIBLE}]"
)
_HOME = lazy_pattern(r"(?:https?:)?//(?:www\.)?gettyimages\.[a-z.]{2,6}/?", re.IGNORECASE)
_OWN_STYLE = lazy_pattern(
    r"padding(?:-bottom|-top)?:[0-9.]+%|padding:0;margin:|background-color:#fff;display:inline-block"
)


@dataclass(frozen=True, slots=True)
class Pasted:
    """One embed: ``text[start:end]`` is all of its code; ``parts`` is where it and the tags in it begin.

    ``apart`` is the rest of its code, where a template has moved that to another place.
    """

    start: int
    end: int
    ref: AssetRef
    parts: tuple[int, ...]
    apart: Pasted | None = None


def find(text: str) -> list[Pasted]:
    """All embed code in a text, HTML or Markdown, in order, without overlaps.

    Code contexts are not looked at: an example in ``<pre>`` or between fences is found as well, and what
    to do about it is for the caller to decide. A loader script that serves no one embed is not found.

    :returns: spans over whole blocks: outer div, frame, link and scripts, as far as they are there.
    """
    if not _may_hold_code(text):
        return []
    page = TaggedText.read(undo_entities(text))
    links = _link_cores(page)
    strong = [_with_footer(page, core) for core in _with_links(page, _strong_cores(page), links)]
    joined = _joined(strong, links)
    apart = {core.start for core, _ in joined.values()}
    strong, weak = (
        [joined[core.start][1] if core.start in joined else core for core in cores if core.start not in apart]
        for cores in (strong, links)
    )
    found = _separate(page, weak, _separate(page, strong, []))
    scripts = {link: _to_pasted(page, _with_edges(page, script)) for link, (script, _) in joined.items()}
    return [_to_pasted(page, core, scripts) for core in found]


def _may_hold_code(text: str) -> bool:
    """Whether a look at the tags of a text is needed; most texts that name Getty have links of their own."""
    lowered = text.lower()
    if "gettyimages" not in lowered and "gie.widgets" not in lowered:
        return False
    return any(sign in lowered for sign in _SIGNS) or bool(_NUMBER.search(text))


def _covers(cores: list[Core], link: Core) -> bool:
    return any(core.start <= link.start < core.end for core in cores)


def _with_links(page: TaggedText, cores: list[Core], links: list[Core]) -> Iterator[Core]:
    """Frames with the links that tools have written right before them, or else behind them."""
    ends, last = [link.end for link in links], 0
    for core, follower in zip_longest(cores, cores[1:]):
        after = bisect_right(ends, core.start)
        before = [link for link in links[max(0, after - 1) : after] if link.start >= last]
        behind = [link for link in links[after : after + 2] if link.start >= core.end]
        joined = _with_link(page, core, before)
        if joined == core and not (behind and follower and behind[0].end > follower.start):
            joined = _with_link(page, core, behind[:1])
        last = joined.end
        yield joined


def _with_link(page: TaggedText, core: Core, near: list[Core]) -> Core:
    """A frame with a link to its picture that nothing stands between, perhaps in a block of its own."""
    for link in near:
        if link.ref.items != core.ref.items:
            continue
        first, second = sorted((link, core))
        close = second.start - first.end <= MAX_GAP_CHARS
        if close and _BORDER.fullmatch(page.text, first.end, second.start):
            return core._replace(start=first.start, end=second.end)
        start, edge = page.block(first.start, first.end, {"p"})
        opening, end = page.block(second.start, second.end, _BLOCKS)
        if edge <= opening and page.is_blank(edge, opening):
            return core._replace(start=start, end=end)
    return core


def _with_footer(page: TaggedText, core: Core) -> Core:
    """A frame with the footer of Getty's block, where a tool has written that in Markdown."""
    footer = _FOOTER.match(page.text, core.end)
    picture = _page_ref(footer[1]) if footer else None
    if footer and picture and picture.items[0] in core.ref.items and _HOME.fullmatch(footer[2]):
        return core._replace(end=footer.end())
    return core


def _joined(strong: list[Core], links: list[Core]) -> dict[int, tuple[Core, Core]]:
    """Widget calls apart from their link, or from a frame that they made, in a page that was saved with it.

    By where that is: the call, and the link or frame with all that the call says.
    """
    places, starts = [link.start for link in links], [core.start for core in strong]
    whole = {core for core in strong if bisect_left(places, core.start) < bisect_left(places, core.end)}
    calls = {core.key: core for core in strong if core.key and core not in whole}
    before = (strong[bisect_right(starts, link.start) - 1 :][:1] for link in links)
    apart = (link for link, near in zip(links, before, strict=True) if not _covers(near, link))
    frames = (core for core in strong if core.made)
    pairs = ((core, calls.get(core.key or core.made)) for core in (*apart, *frames))
    return {
        core.start: (call, core._replace(ref=call.ref))
        for core, call in pairs
        if call and core.ref.items[0] in call.ref.items  # the link of a slideshow leads to the first
    }


def _with_edges(page: TaggedText, script: Core) -> Core:
    """A script with the paragraph or link that holds nothing else."""
    start, end = page.block(script.start, script.end, {"p", "a"})
    return script._replace(start=start, end=end)


def _separate(page: TaggedText, cores: list[Core], taken: list[Core]) -> list[Core]:
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
            result.append(_extend(page, core, low, high))
    return result + rest[::-1]


def _extend(page: TaggedText, core: Core, low: int, high: int) -> Core:
    """The core with the block that Getty or an author put around it, between two places, and its alignment."""
    for _ in range(MAX_ROUNDS):  # pragma: no branch - a bound that nothing known reaches
        grown = _grow(page, core, low, high)
        if grown == core:
            break
        core = grown
    return core


def _grow(page: TaggedText, core: Core, low: int, high: int) -> Core:
    """The core with the elements around it that are part of the embed, else with Getty's links beside it."""
    lefts, start = _walk(page, core, -1, low)
    rights, end = _walk(page, core, 1, high)
    align, inner = core.align, core
    for left, right in zip(lefts, rights, strict=False):
        if left.name != right.name or left.name not in _AROUND_CODE:
            break
        align = left.align or align
        if _belongs(page, left, right, core):
            inner = core._replace(start=left.start, end=right.end, align=align)
    return inner if inner != core else core._replace(start=start, end=end)


def _to_pasted(page: TaggedText, core: Core, scripts: Mapping[int, Pasted] | None = None) -> Pasted:
    ref = AssetRef(core.ref.items, replace(core.ref.options, align=core.align))
    tags = page.tags[page.index(core.start) : page.index(core.end)]
    starts = (tag.start for tag in _outside_copies(page, tags) if not (tag.closing and tag.name in _RAW))
    start, *parts = map(page.plain.original, dict.fromkeys((core.start, *starts)))
    places = (core.start, *(tag.start for tag in tags))  # it may begin with a link of Markdown
    apart = next((scripts[place] for place in places if place in scripts), None) if scripts else None
    return Pasted(start, page.plain.original(core.end), ref, (start, *parts), apart)


def _outside_copies(page: TaggedText, tags: list[HtmlTag]) -> Iterator[HtmlTag]:
    """Tags not in a script or a frame, up to where HTML sees no tags any more.

    That is behind a ``noscript``, what JSX closes, or what a string of JSON closes with ``<\\/``.
    """
    raw = ""
    for tag in tags:
        if tag.name == "noscript":
            return
        if not raw or (tag.closing and tag.name == raw):
            yield tag
        if tag.name in _RAW and raw in ("", tag.name):
            raw = "" if tag.closing else tag.name
        is_json = tag.closing and page.plain.is_escaped(tag.start + 1)
        if tag.name in _RAW and (is_json or tag.inside.endswith("/")):
            return


def _walk(page: TaggedText, core: Core, step: int, limit: int) -> tuple[list[HtmlTag], int]:
    """One side of a core, outwards, as far as there is only furniture of Getty's.

    :returns: the tags of the elements around it, innermost first; and how far Getty's links stand beside it.
    """
    around: list[HtmlTag] = []
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
        elif step > 0 and beside == ["p"] and tag.name == "div":  # a paragraph ends with what it is in
            beside.clear()
            around.append(tag)
        elif not beside:
            around.append(tag)
        elif beside.pop() != tag.name:
            break
        edge = tag.start if step < 0 else tag.end
        linked = linked or tag.name == "a"
        if linked and not beside and not around:
            place = edge
    return around, place


def _outwards(page: TaggedText, core: Core, step: int, limit: int) -> list[HtmlTag]:
    """The tags next to a core on one side, nearest first, up to a limit."""
    if step > 0:
        index = page.index(core.end)
        return [tag for tag in page.tags[index : index + REACH_TAGS] if tag.end <= limit]
    index = page.index(core.start)
    return [tag for tag in reversed(page.tags[max(0, index - REACH_TAGS) : index]) if tag.start >= limit]


def _is_furniture(page: TaggedText, tag: HtmlTag, gap: str, core: Core) -> bool:
    """Whether a tag, and the text between it and the embed, are such as Getty writes around a frame."""
    if tag.name not in _FURNITURE or page.plain.is_escaped(tag.start) != page.plain.is_escaped(core.start):
        return False
    gap = _NOT_SEEN.sub("", gap)
    if gap.strip().lstrip("#").lower() not in core.ref.items and not (len(gap) < 200 and _WORDS.fullmatch(gap)):
        return False
    if tag.closing or tag.name not in ("a", "iframe"):
        return True
    if tag.name == "iframe":  # what a sanitizer has left of it
        return tag.attributes.get("src", "") in ("", "about:blank") and "getty" not in tag.inside
    return _is_ours(tag.attributes.get("href", ""), core.ref)


def _is_ours(href: str, ref: AssetRef) -> bool:
    """Whether a link leads to the picture itself or to the front page of a Getty site."""
    named = _page_ref(href)
    return named.items[0] in ref.items if named else bool(_HOME.fullmatch(_cleaned(href)))


def _belongs(page: TaggedText, left: HtmlTag, right: HtmlTag, core: Core) -> bool:
    """Whether an element that holds nothing but the embed is part of it: Getty's, or there to align it."""
    if left.name == "iframe" or "getty" in left.classes or _OWN_STYLE.search(left.style) or left.align:
        return True
    if "embed.gettyimages" in left.inside:  # the preview of an editor, which keeps the URL of the frame in it
        return True
    attributes = left.attributes
    if "getty" in (attributes.get("data-s9e-mediaembed"), attributes.get("data-media-site-id")):  # of a forum
        return True
    beside = page.text[left.end : core.start] + page.text[core.end : right.start]
    return not left.inside.strip() and "</a" in beside.lower()  # a block that has lost its attributes


class Conversion(NamedTuple):
    """A converted text, how many embeds became shortcodes, and what was left because there is too much of it."""

    text: str
    converted: int
    problems: tuple[Problem, ...] = ()


class Edits(NamedTuple):
    """What makes a converted text: ``(start, end, replacement)`` in order, and what was left and why."""

    edits: tuple[tuple[int, int, str], ...]
    problems: tuple[Problem, ...] = ()

    @property
    def converted(self) -> int:
        """How many embeds become shortcodes."""
        return sum(1 for *_, written in self.edits if written)


def convert(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Conversion:
    """The text with embed code replaced by shortcodes, everything else byte for byte.

    Ids, size, caption, tld and alignment are kept. What rendering takes for code, a comment, a script or the
    inside of a tag stays as it is. Converting twice changes nothing more.

    :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: tells what is code; in plain text nothing is.
    :param budget: what lies beyond stays as it is, with a problem ``too-large``.
    """
    done = changes(text, input, budget)
    return Conversion(scan.replace(text, done.edits), done.converted, done.problems)


def changes(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Edits:
    """What :func:`convert` changes, for texts that are written in another way where they stand."""
    edits: list[tuple[int, int, str]] = []
    problems: list[Problem] = []
    kept: list[tuple[int, int, str]] = []
    counted, positions = Counted(text), Positions(text)
    try:
        for one in _embeds(text, input, budget):
            if counted.contain(one.start):
                kept.append((one.start, one.end, ""))
                problems.append(Problem(*positions.of(one.start), "embed-code", _COUNTED))
            else:
                edits += _edits(text, one, input)
    except _Stopped as stopped:
        place, error = stopped.args
        problems.append(error.problem(*positions.of(place)))
    else:
        problems += _left(text, input, budget, [*edits, *kept])
        if edits and not problems:
            edits += _loaders(text, input, budget, edits)
    return Edits(tuple(sorted(set(edits))), tuple(problems))


def _edits(text: str, one: Pasted, input: Input) -> Iterator[tuple[int, int, str]]:
    written = _shortcode(text, one)
    if _is_bracketed(text, one):
        written = f" {written} "
    elif input in ("markdown", "commonmark") and _MAKES_LINK.match(text, one.end):
        written += " "
    yield one.start, one.end, written
    if one.apart:
        yield _removal(text, one.apart)


def _is_bracketed(text: str, one: Pasted) -> bool:
    """Whether brackets around embed code would make an escape of the shortcode in its place."""
    doubled = text.endswith("[", 0, one.start) and text.startswith("]", one.end)
    return doubled and not text.endswith(CDATA, 0, one.start)


class Counted:
    """The strings of serialized PHP, which keeps the length of each before it: WordPress has its widgets so."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._heads = [*_HEAD.finditer(text)] if "s:" in text else []
        self._starts = [head.end() for head in self._heads]

    def contain(self, place: int) -> bool:
        """Whether a place is in such a string, in its text as it was or escaped for SQL."""
        at = bisect_right(self._starts, place) - 1
        if at < 0:
            return False
        start, size = self._starts[at], int(self._heads[at][1])
        if place - start > MAX_COUNTED_CHARS:
            return place - start < size
        before = self._text[start:place]
        return len(before.encode("utf-8", "replace")) - before.count("\\") - before.count("''") < size


def _loaders(
    text: str, input: Input, budget: Budget, edits: list[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Removals of Getty's loader, wherever a template has put it, once nothing is left for it to load."""
    code = scan.protected(text, input, budget)
    for found in _outside(edits, _LOADER_ELEMENT.finditer(text)):
        if not code.protected(found.start()):
            yield (*found.span(), "")


def _outside(edits: list[tuple[int, int, str]], found: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Matches that no edit replaces, all in order."""
    spans = sorted(edits)
    starts = [start for start, *_ in spans]
    for match in found:
        before = bisect_right(starts, match.start()) - 1
        if before < 0 or spans[before][1] <= match.start():
            yield match


def _left(text: str, input: Input, budget: Budget, edits: list[tuple[int, int, str]]) -> Iterator[Problem]:
    """A problem for what looks like embed code, is not an example, and is still there."""
    positions, front, last, asked = Positions(text), scan.front_matter_end(text, input), 0, 0
    code = scan.protected(text, input, budget)
    for hint in _outside(edits, _CODE.finditer(text)):
        place = hint.start()
        if place < last:
            continue
        if place < front:
            yield Problem(*positions.of(place), "embed-code", _IN_FRONT_MATTER)
            last = front
            continue
        script = text.rfind("<script", max(asked, place - MAX_CALL_CHARS), place)
        asked = place if hint[0].startswith("<") or script < 0 else script  # a call is code where its script is
        if not code.protected(asked) and CONVERTED not in text[place : place + MAX_CALL_CHARS]:
            yield Problem(*positions.of(place), "embed-code", _NOT_UNDERSTOOD)
            last = place + MAX_CALL_CHARS


def _shortcode(text: str, one: Pasted) -> str:
    """The shortcode; without quotes in a string of JSON, YAML or TOML or a field of CSV, which it then fits."""
    written = scan.format(one.ref)
    if '"' in written and (
        re.search(r'\\"|=""[\w/]', text[one.start : one.end])
        or _QUOTED.search(text, _line_start(text, one.start), one.start)
    ):
        return written.replace('"', "")
    return written


def _line_start(text: str, place: int) -> int:
    return max(text.rfind("\n", 0, place) + 1, place - MAX_STRING_CHARS)


def _removal(text: str, one: Pasted) -> tuple[int, int, str]:
    """An edit that removes code, with its line where nothing else is in that."""
    alone = one.start == 0 or text[one.start - 1] == "\n"
    return one.start, one.end + (alone and text.startswith("\n", one.end)), ""


# What is of no use but in embed code.
_CODE = lazy_pattern(
    r"gie\.widgets\.load\s{0,9}\(|<(?:amp-)?iframe\s[^<>]{0,300}embed\.gettyimages\.com/embed[/?]",
    re.IGNORECASE,
)
_COUNTED = (
    "This is embed code in data of PHP, beside its length; it stays as it is. Put [getty 74917285] there by hand."
)
_MAKES_LINK = lazy_pattern(r"[(:]|\[(?![/^])")  # of the brackets before it, in Markdown
_HEAD = lazy_pattern(r'(?<!\w)s:([0-9]{1,9}):\\{0,7}"')
MAX_COUNTED_CHARS = 1 << 16  # that are counted byte by byte
_IN_FRONT_MATTER = "This is embed code in front matter; it stays as it is. Put [getty 74917285] there by hand."
_NOT_UNDERSTOOD = "This looks like embed code of Getty Images, but names no picture. Write it as [getty 74917285]."
MAX_CALL_CHARS = 2048  # of embed code that is not understood; one problem for each
MAX_STRING_CHARS = 4096  # that are looked back for the quote that opens a string
# A quote that opens a value or an item of a list, and is not closed.
_QUOTED = lazy_pattern(r"""(?:^|[:=,\[({-])\s*"(?:[^"\\]|\\.)*\Z""", re.MULTILINE)


def outside_code(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> list[Pasted]:
    """The embeds that :func:`convert` would replace, as far as the budget reaches."""
    found: list[Pasted] = []
    try:
        found.extend(_embeds(text, input, budget))
    except _Stopped:
        pass
    return found


class _Stopped(Exception):
    """Where in a text its budget ends, and why."""


def _embeds(text: str, input: Input, budget: Budget) -> Iterator[Pasted]:
    """The embeds of a text that are not examples in code.

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


# What names a picture: frame, widget call, record, link

MAX_SIZE_PX = 10_000  # what is larger was never a size

_LOAD = lazy_pattern(  # editors put breaks and paragraphs between lines, of scripts as well
    r"(?<!\w)(?:window\.)?gie\.widgets\.load\s{0,9}\(\s{0,9}\{((?:[^{}<>]|<br ?/?>|</?p>){1,2000})\}\s{0,9}\)"
    r"(?:\s{0,9};)?"
)
_PAIR = lazy_pattern(
    r"""(?<![\w-])["']?(\w{1,12})["']?\s{0,9}:\s{0,9}(?:'([^']{0,300})'|"([^"]{0,300})"|`([^`]{0,300})`|(!?\w{1,10}))""",
    re.ASCII,
)
# What Getty writes before and after the call, with what minifiers and editors make of it: other names, arrows,
# commas, parentheses, breaks, comments. Nothing of an author's is made of these words alone.
_STUB = (
    r"(?:[\s()\[\]{};,.=|>!\\/*]|<!(?:--|\[CDATA\[)?|-->|<br ?/?>|</?p>|[\"']use strict[\"']"
    r"|\b(?:window|gie|function|push|arguments|var|try|catch|\w{1,2})\b)*+"
)
_BEFORE = lazy_pattern(rf"(?:\b|(?<=Getty Images))(?:window\.)?gie\b{_STUB}\Z", re.ASCII)
_AFTER = lazy_pattern(r"(?:\s|<br ?/?>|</?p>){0,9}\}?\s{0,9}\)\)?(?:\s{0,9};)?")
_AROUND = lazy_pattern(rf"{_STUB}(?:`{_STUB})?", re.ASCII)  # a component of JSX takes a string
_KEPT = {"items": "items", "w": "width", "h": "height", "caption": "capt", "tld": "tld"}
_JSX_BEFORE = lazy_pattern(rf"<script\s+dangerouslySetInnerHTML=\{{\{{\s*__html:\s*[`'\"]{_STUB}", re.IGNORECASE)
_JSX_AFTER = lazy_pattern(rf"{_STUB}[`'\"]{_STUB}", re.ASCII)
_FLAGS = {"!0": "true", "!1": "false"}
_MADE_BY = lazy_pattern(r"[?&;]et=([\w-]{1,64})", re.ASCII)
_LOADER_URL = r"(?:https?:)?//(?:embed-cdn\.gettyimages\.com/widgets\.js|embed\.gettyimages\.com/embed-cms\.js)"
_LOADER = lazy_pattern(_LOADER_URL)
_LOADER_ELEMENT = lazy_pattern(
    rf"(<p>\s{{0,9}})?<script\s[^<>]{{0,300}}=[\"']?{_LOADER_URL}[^<>]{{0,300}}>\s{{0,9}}</script\s{{0,9}}>"
    r"(?(1)\s{0,9}</p>\n?)",
    re.IGNORECASE,
)
_ARCHIVE = lazy_pattern(  # the Wayback Machine and those that replay pages in its way
    r"(?:(?:https?:)?//[\w.-]{1,100})?/(?:[\w-]{1,40}/){0,2}[0-9]{4,14}[a-z_]{0,4}/(?=(?:https?:)?//)", re.ASCII
)
_RECORD = lazy_pattern(r'\{[^{}]*"attributes"\s*:\s*\{[^{}]*\}[^{}]*\}')
_STYLED = lazy_pattern(r"(?<![\w-])(width|height)\s{0,9}:([^;]{1,20})")
_BRACKETED = lazy_pattern(r"\[iframe\s([^\[\]<>]{1,2000})\](?:\s{0,9}\[/iframe\])?", re.IGNORECASE)
_BARE = lazy_pattern(
    r"(?<![^\s>);])(?:https?:)?//embed\.gettyimages\.com/embed[/?][^\s\"'<>\[\]]{1,1500}(?=[\s<]|\Z)"
)
# with the attributes of kramdown and Pandoc
_TARGET = r"\(<?([^\s()<>\[\]\"]{1,1500})>?(?:\s{1,9}\"[^\"\n]{0,200}\")?\)(?:\{[^{}\n]{0,500}\})?"
_MARKDOWN = lazy_pattern(rf"\[ ?Embed from Getty Images ?\]{_TARGET}")
_BY_LABEL = lazy_pattern(r"\[ ?Embed from Getty Images ?\](?:\[([^\[\]\n]{0,100})\])?(?![\[(:])")
_DEFINED = lazy_pattern(r"^ {0,3}\[([^\[\]\n]{1,100})\]:[ \t]{0,9}<?([^\s<>]{1,1500})", re.MULTILINE)
_FOOTER = lazy_pattern(
    rf"\s{{0,9}}\[(?:\\?#[0-9A-Za-z-]{{1,24}}|View image)\]{_TARGET}"
    rf"\s{{0,9}}[|/]\s{{0,9}}\[gettyimages\.[a-z.]{{2,6}}\]{_TARGET}"
)
# Between a link and its frame: white space, marks of a quotation, the border of two blocks.
_BORDER = lazy_pattern(r"(?:\s|>|<br ?/?>|</(p|span)\s*>\s*<\1(?:\s[^<>]*)?>)*+", re.IGNORECASE)
_OWN_TEXT_BEFORE = lazy_pattern(r"\bEmbed \w{2,5} Getty Images\s*\Z", re.IGNORECASE)
_OWN_TEXT = lazy_pattern(r"\s*Embed \w{2,5} Getty Images\s*", re.IGNORECASE)


class Core(NamedTuple):
    """The part of an embed that names the picture; ``align`` is what its own tag says."""

    start: int
    end: int
    ref: AssetRef
    align: Align | None = None
    key: str = ""  # what joins a link and its script, wherever they are
    made: str = ""  # the key of the script that has made a frame


def _strong_cores(page: TaggedText) -> list[Core]:
    """What can only be an embed: frames, widget calls, records, URLs of frames."""
    found = [*_frames(page), *_bracketed_frames(page), *_widgets(page), *_records(page), *_bare_urls(page)]
    return sorted(found, key=lambda core: (core.start, -core.end))


def _link_cores(page: TaggedText) -> list[Core]:
    """What is left of an embed whose script is gone: its link."""
    found = [*_links(page), *_markdown_links(page)]
    return sorted(found, key=lambda core: core.start)


def _frames(page: TaggedText) -> Iterator[Core]:
    for index, tag in enumerate(page.tags):
        if tag.closing or not _may_be_frame(page, index, tag) or not (ref := _frame(tag.attributes)):
            continue
        start, end = _copy_before(page, index, ref), _copy_after(page, page.closing(index), ref)
        made = _MADE_BY.search(tag.inside)
        yield Core(start, end, ref, tag.align, made=made[1] if made else "")


def _may_be_frame(page: TaggedText, index: int, tag: HtmlTag) -> bool:
    """Whether a tag is a frame, or an empty element that a tool for consent or a forum makes one of."""
    if tag.name in _FRAMES:
        return True
    found = page.element(index, tag.name) if tag.name in _BLOCKS and "embed.gettyimages" in tag.inside else None
    return found is not None and not found[2]


def _bracketed_frames(page: TaggedText) -> Iterator[Core]:
    """Frames in the notation of WordPress, ``[iframe src="…" width="594"]``."""
    for match in _BRACKETED.finditer(page.text) if "iframe" in page.text else ():
        tag = HtmlTag(*match.span(), False, "iframe", match[1])
        if ref := _frame(tag.attributes):
            yield Core(*match.span(), ref, tag.align)


def _frame(attributes: dict[str, str]) -> AssetRef | None:
    """The pictures of a frame; lazy loading and tools for consent move its URL to an attribute of their own.

    Forums keep all attributes there, as JSON.
    """
    values = (
        value for name, value in attributes.items() if name != "srcdoc" and "embed.gettyimages" in value.lower()
    )
    ref = next((ref for value in values for part in value.split('"') if (ref := _frame_ref(part))), None)
    styled = dict(_STYLED.findall(attributes.get("style", "").lower()))
    return (
        _with_size(ref, *(attributes.get(side) or styled.get(side) for side in ("width", "height")))
        if ref
        else None
    )


def _copy_before(page: TaggedText, index: int, ref: AssetRef) -> int:
    """Where a frame begins with the copy for browsers without scripting that a lazy loader has put before it."""
    start = page.tags[index].start
    opening, frame = page.tag(index - 4, "noscript", closing=False), page.tag(index - 3, "iframe", closing=False)
    closing = page.tag(index - 1, "noscript", closing=True)
    if not opening or not frame or not closing or not page.is_blank(closing.end, start):
        return start
    copied = _frame(frame.attributes)
    return opening.start if copied and copied.items == ref.items else start


def _copy_after(page: TaggedText, end: int, ref: AssetRef) -> int:
    """Where a frame with its copy for browsers without scripting ends."""
    index = page.index(end)
    opening, frame = page.tag(index, "noscript", closing=False), page.tag(index + 1, "iframe", closing=False)
    if not opening or not frame or not page.is_blank(end, opening.start):
        return end
    copied = _frame(frame.attributes)
    index = page.index(page.closing(index + 1))
    closing = page.tag(index, "noscript", closing=True)
    return closing.end if closing and copied and copied.items == ref.items else end


def _cleaned(url: str) -> str:
    """A URL as a browser reads it, without line breaks, and without the archive that it was saved from."""
    joined = "".join(url.split())
    replayed = _ARCHIVE.match(joined)
    return joined[replayed.end() :] if replayed else joined


def _frame_ref(text: str) -> AssetRef | None:
    """The pictures of a frame's URL; nothing for any other URL."""
    try:
        parts = urls.split(_cleaned(text))
        return urls.resolve(parts) if parts.host == urls.EMBED_HOST else None
    except UnsupportedReference:
        return None


def _page_ref(text: str) -> AssetRef | None:
    """The picture of a page of a Getty site, with the site's tld; nothing for any other URL."""
    try:
        parts = urls.split(_cleaned(text))
        if parts.host not in urls.SITES:
            return None
        tld = urls.tld(urls.SITES[parts.host])
        return AssetRef(urls.resolve(parts).items, Options(tld=tld))
    except UnsupportedReference:
        return None


def _with_size(ref: AssetRef, width: Any, height: Any) -> AssetRef:
    size = Options(max_width=_pixels(width), max_height=_pixels(height))
    return AssetRef(ref.items, size.over(ref.options))


def _pixels(value: Any) -> int | None:
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:\.[0-9]{1,9})?\s*(?:px)?\s*", str(value), re.ASCII)
    return int(match[1]) if match and 1 <= int(match[1]) <= MAX_SIZE_PX else None


def _widgets(page: TaggedText) -> Iterator[Core]:
    for match in _LOAD.finditer(page.text) if "gie.widgets.load" in page.text else ():
        pairs = (pair.groups(default="") for pair in _PAIR.finditer(match[1]))
        config = {name: (a or b or c or _FLAGS.get(d, d)).strip() for name, a, b, c, d in pairs}
        ref = _from_config(config)
        if ref and CONVERTED not in match[0]:
            key = config.get("id", "")
            yield _widget(page, *_statement(page.text, *match.span()), ref, key)._replace(key=key)


def _from_config(config: dict[str, str]) -> AssetRef | None:
    try:
        items = urls.asset_ids(config.get("items", ""))
    except UnsupportedReference:
        return None
    options = Options(caption=urls.flag(config.get("caption")), tld=urls.tld(config.get("tld")))
    return _with_size(AssetRef(items, options), config.get("w"), config.get("h"))


def _statement(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a widget call with the stub of a queue that Getty writes around it."""
    before = _BEFORE.search(text, max(0, start - 300), start)
    after = _AFTER.match(text, end)
    return (before.start(), after.end()) if before and after else (start, end)


def _widget(page: TaggedText, start: int, end: int, ref: AssetRef, key: str) -> Core:
    """A widget call with its script, the link before it and the loader after it, as far as they are there."""
    index = page.index(start)
    script, close = page.tag(index - 1, "script", closing=False), page.tag(page.index(end), "script", closing=True)
    if script and script.end > end:
        start, end = _jsx_script(page, script, start, end)
    elif script and close:
        edges = page.text[script.end : start], page.text[end : close.start]
        if not all(len(edge) <= MAX_GAP_CHARS and _AROUND.fullmatch(edge) for edge in edges):
            return Core(start, end, ref)  # one line of a larger script
        start, end = script.start, close.end
    joined = _balance(page, _link_before(page, start, ref, key), _loader_after(page, end))
    return Core(*(joined or (start, end)), ref)


def _jsx_script(page: TaggedText, script: HtmlTag, start: int, end: int) -> tuple[int, int]:
    """The span of a script whose own tag holds a call and no more, as JSX has it; else that of the call."""
    edges = page.text[script.start : start], page.text[end : script.end]
    if not _JSX_BEFORE.fullmatch(edges[0]) or not _JSX_AFTER.fullmatch(edges[1]):
        return start, end
    whole = None if script.inside.endswith("/") else page.element(page.index(script.start), "script")
    return script.start, whole[1].end if whole and not whole[2] else script.end


def _link_before(page: TaggedText, start: int, ref: AssetRef, key: str) -> int:
    """Where a call begins with its link, which mail clients lead elsewhere, or with what is left of that."""
    index = page.index(start) - 1
    index, edge = _over_paragraphs(page, index, start, -1)
    link = page.element_before(index, "a")
    if not link or not page.is_blank(link[1].end, edge):
        text = _OWN_TEXT_BEFORE.search(page.text, max(0, edge - MAX_GAP_CHARS), edge)
        return text.start() if text else start
    named = _page_ref(link[0].attributes.get("href", ""))
    is_its = named.items[0] in ref.items if named else key and link[0].attributes.get("id") == key
    return link[0].start if is_its else start


def _loader_after(page: TaggedText, end: int) -> int:
    index, edge = _over_paragraphs(page, page.index(end), end, 1)
    loader = page.tag(index, "script", closing=False)
    if not loader or not page.is_blank(edge, loader.start) or not _is_loader(loader):
        return end
    whole = page.element(index, "script")
    if whole and not whole[2]:
        return whole[1].end
    return loader.end if loader.inside.endswith("/") else end  # as in JSX


def _is_loader(script: HtmlTag) -> bool:
    """Whether a script loads Getty's, from whatever attribute."""
    return any(
        _LOADER.fullmatch(_cleaned(value)) for value in script.attributes.values() if "gettyimages" in value
    )


def _over_paragraphs(page: TaggedText, index: int, edge: int, step: int) -> tuple[int, int]:
    """The next tag that is not a paragraph or line break: editors put those between the parts."""
    for _ in range(4):
        tag = page.tags[index] if 0 <= index < len(page.tags) else None
        if tag is None or tag.name not in ("p", "br"):
            break
        near, far = (edge, tag.start) if step > 0 else (tag.end, edge)
        if not page.is_blank(near, far):
            break
        edge = tag.end if step > 0 else tag.start
        index += step
    return index, edge


def _balance(page: TaggedText, start: int, end: int) -> tuple[int, int] | None:
    """The span, with the other half of a paragraph that only one half of is in it."""
    first, after = page.index(start), page.index(end)
    closed, opened = _halves(page.tags[first:after])
    if closed == opened:
        return start, end
    opening, closing = page.tag(first - 1, "p", closing=False), page.tag(after, "p", closing=True)
    if closed and opening and page.is_blank(opening.end, start):
        return opening.start, end
    if opened and closing and page.is_blank(end, closing.start):
        return start, closing.end
    return None


def _halves(tags: list[HtmlTag]) -> tuple[bool, bool]:
    """Whether a paragraph begins before these tags, and whether one ends after them; they do not nest."""
    paragraphs = [tag.closing for tag in tags if tag.name == "p"]
    return (paragraphs[0], not paragraphs[-1]) if paragraphs else (False, False)


_OPENS_JSON, _CLOSES_JSON = frozenset(",:=[({\"'`\\"), frozenset(",;])}\"'`\\")


def _records(page: TaggedText) -> Iterator[Core]:
    """What a CMS keeps of an embed, as JSON, where it stands alone: a part of other JSON is that's own."""
    for match in _RECORD.finditer(page.text):
        start, end = match.span()
        before = page.text[max(0, start - 200) : start].rstrip(" \t")[-1:]
        after = page.text[end : end + 200].lstrip(" \t\r")[:1]
        is_part = before in _OPENS_JSON or after in _CLOSES_JSON
        if not is_part and CONVERTED not in match[0] and (ref := _record(match[0])):
            yield Core(start, end, ref)


def _record(text: str) -> AssetRef | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if record.get("type") != "getty" or not isinstance(record["attributes"], dict):
        return None
    attributes = {name: str(value) for name, value in record["attributes"].items()}
    page = _page_ref(str(record.get("url", "")))
    items = attributes.get("items") or (page and str(page)) or ""
    size = {"w": str(record.get("width")), "h": str(record.get("height"))}
    known = {
        "items": items,
        "caption": attributes.get("isCaptioned", ""),
        "tld": attributes.get("tld", ""),
        **size,
    }
    return _from_config(known) if page else None


def _bare_urls(page: TaggedText) -> Iterator[Core]:
    for match in _BARE.finditer(page.text) if "//embed.gettyimages.com/embed" in page.text else ():
        index = page.index(match.start()) - 1
        signed = "et=" in match[0] and "sig=" in match[0]
        line = page.text.rfind("\n", max(0, match.start() - MAX_GAP_CHARS), match.start()) + 1
        if page.text.rfind("[", line, match.start()) > page.text.rfind("]", line, match.start()):
            continue  # a part of another shortcode
        if (index < 0 or page.tags[index].end <= match.start()) and signed and (ref := _frame_ref(match[0])):
            yield Core(*match.span(), ref)


def _links(page: TaggedText) -> Iterator[Core]:
    for index in range(len(page.tags)):
        if not (found := page.element(index, "a")):
            continue
        link, close, label = found
        ref = _link_ref(link.attributes)
        if ref and _is_own_link(link, label, ref):
            joined = _balance(page, link.start, _loader_after(page, close.end))
            yield Core(*(joined or (link.start, close.end)), ref, link.align, link.attributes.get("id", ""))


def _link_ref(attributes: Mapping[str, str]) -> AssetRef | None:
    """The picture that a link leads to, with what a call would say: forums keep that in attributes of the link."""
    page = _page_ref(attributes.get("href", ""))
    config = _from_config({name: attributes.get(f"data-{kept}", "") for name, kept in _KEPT.items()})
    if not page or not config or page.items[0] not in config.items:
        return page
    return AssetRef(config.items, config.options.over(page.options))


def _is_own_link(link: HtmlTag, label: str, ref: AssetRef) -> bool:
    """Whether a link to a picture is Getty's own, and not some author's."""
    return (
        not {"gie-single", "gie-slideshow"}.isdisjoint(link.classes)
        or bool(_OWN_TEXT.fullmatch(label))
        or label == f"#{ref}"
        or (label == "View image" and "color:#a7a7a7" in link.style)  # the grey of every link of theirs
    )


def _markdown_links(page: TaggedText) -> Iterator[Core]:
    for match in _MARKDOWN.finditer(page.text):
        if ref := _page_ref(match[1]):
            yield Core(*match.span(), ref)
    labelled = [*_BY_LABEL.finditer(page.text)]
    defined = dict(_DEFINED.findall(page.text)) if labelled else {}
    for match in labelled:
        if ref := _page_ref(defined.get(match[1] or match[0].strip("[]"), "")):
            yield Core(*match.span(), ref)


# Tags

# Code around a shortcode is left over from a conversion: with this, converting twice changes nothing.
CONVERTED = "[getty"
MAX_CHILDREN = 8  # tags in a frame: a placeholder
MAX_GAP_CHARS = 200  # of text in or between the parts of an embed

_TAG = lazy_pattern(r"<(/?)((?:amp-)?[A-Za-z][A-Za-z0-9]{0,15})(?![\w-]|://)([^<>]{0,4000})>", re.ASCII)
_ATTRIBUTE = lazy_pattern(  # in JSX a value may be in braces
    r"""(?<![\w-])([\w-]{1,40})\s{0,9}=\s{0,9}(?:\{\s{0,9})?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`>{}]+))""",
    re.ASCII,
)
_JSX_STYLE = lazy_pattern(r"(?<![\w-])style=\{\{([^{}]*)\}\}")
_CAPITAL = lazy_pattern("[A-Z]")
_AS_CSS = str.maketrans(",", ";", " '\"\n")
_ALIGN_CLASS = lazy_pattern(r"(?<![\w-])(?:has-text-)?align-?(left|right|center)(?![\w-])")


class HtmlTag(NamedTuple):
    """One tag; ``inside`` is what stands between its name and its ``>``."""

    start: int
    end: int
    closing: bool
    name: str
    inside: str

    @property
    def attributes(self) -> dict[str, str]:
        pairs = (match.groups(default="") for match in _ATTRIBUTE.finditer(self.inside))
        return {name.lower(): a or b or c or d for name, a, b, c, d in pairs}

    @property
    def style(self) -> str:
        """The style without spaces, also of JSX, where it is an object."""
        if found := _JSX_STYLE.search(self.inside):
            return _CAPITAL.sub(r"-\g<0>", found[1]).lower().translate(_AS_CSS)
        return self.attributes.get("style", "").lower().replace(" ", "")

    @property
    def classes(self) -> list[str]:
        attributes = self.attributes
        return (attributes.get("class") or attributes.get("classname", "")).split()

    @property
    def align(self) -> Align | None:
        """Where float, class, text-align, attribute or the tag itself puts what is in it."""
        attributes, style = self.attributes, self.style
        found = (
            re.search(r"(?<![\w-])float:(left|right)(?!\w)", style)
            or _ALIGN_CLASS.search(attributes.get("class", "").lower())
            or (not self.is_heading and re.search(r"text-align:(left|right|center)(?!\w)", style))
            or re.fullmatch(r"(left|right|center)", attributes.get("align", "").lower())
            or re.fullmatch(r"(center)", self.name)
        )
        return cast(Align, found[1]) if found else None

    @property
    def is_heading(self) -> bool:
        """Whether this is the header or the footer of Getty's own block: left-aligned by nature."""
        return "padding:0;margin:" in self.style


@dataclass(frozen=True, slots=True)
class TaggedText:
    """A text and the tags in it."""

    plain: Plain
    text: str
    tags: list[HtmlTag]
    starts: list[int]

    @classmethod
    def read(cls, plain: Plain) -> TaggedText:
        tags = [
            HtmlTag(match.start(), match.end(), match[1] == "/", match[2].lower(), match[3])
            for match in _TAG.finditer(plain.text)
            if CONVERTED not in match[3]
        ]
        return cls(plain, plain.text, tags, [tag.start for tag in tags])

    def index(self, place: int) -> int:
        """The index of the first tag that begins at a place or after it."""
        return bisect_left(self.starts, place)

    def is_blank(self, start: int, end: int) -> bool:
        return end - start <= MAX_GAP_CHARS and not self.text[start:end].strip()

    def tag(self, index: int, name: str, *, closing: bool) -> HtmlTag | None:
        """The tag at an index, if it opens or closes an element of that name."""
        tag = self.tags[index] if 0 <= index < len(self.tags) else None
        return tag if tag and (tag.name, tag.closing) == (name, closing) else None

    def closing(self, index: int) -> int:
        """The end of the element that begins at an index; of its start tag, where the end tag is not near."""
        opening = self.tags[index]
        near = self.tags[index + 1 : index + 1 + MAX_CHILDREN]
        found = next((tag for tag in near if tag.name == opening.name), None)
        return found.end if found and found.closing else opening.end

    def block(self, start: int, end: int, names: Collection[str]) -> tuple[int, int]:
        """The span of the block of one of these names that holds nothing but this span; else the span itself."""
        index = self.index(start) - 1
        left = self.tags[index] if index >= 0 and self.tags[index].name in names else None
        right = self.tag(self.index(end), left.name, closing=True) if left and not left.closing else None
        if left and right and self.is_blank(left.end, start) and self.is_blank(end, right.start):
            return left.start, right.end
        return start, end

    def element(self, index: int, name: str) -> tuple[HtmlTag, HtmlTag, str] | None:
        """The tags of an element with nothing but a short text in it, perhaps in bold, and that text."""
        opening = self.tag(index, name, closing=False)
        inside = self.tags[index + 1 : index + 1 + MAX_CHILDREN] if opening else ()
        closing = next((tag for tag in inside if tag.name == name or tag.name not in _LOOKS), None)
        if not (opening and closing and closing.closing and closing.name == name) or (
            closing.start - opening.end > MAX_GAP_CHARS
        ):
            return None
        text = self.text[opening.end : closing.start]
        return None if CONVERTED in text else (opening, closing, _TAG.sub("", text).strip())

    def element_before(self, index: int, name: str) -> tuple[HtmlTag, HtmlTag, str] | None:
        """The same for the element that ends with the tag at an index."""
        end = self.tag(index, name, closing=True)
        starts = range(index - 1, max(-1, index - 1 - MAX_CHILDREN), -1) if end else ()
        start = next((one for one in starts if self.tags[one].name == name), -1)
        found = self.element(start, name)
        return found if found and found[1] == end else None


# Entities

_BODY = (
    r"(?:amp;)*(?:(amp|lt|gt|quot|apos|nbsp|[blr]dquo|[lr]squo|sbquo|[lr]s?aquo|acute|prime|Prime)"
    r"|#0{0,5}([0-9]{2,5})|#[xX]0{0,5}([0-9A-Fa-f]{2,4}));"
    r"|\\{1,7}(?:([\"'/nrt])|u([0-9A-Fa-f]{4}))"  # in a string of JSON, which may be in another
)
_ENTITIES = f"&{_BODY}"
_ENTITY = lazy_pattern(_ENTITIES)
_ENTITY_IN_JSON = lazy_pattern(rf"(?:&|\\{{1,7}}u0026){_BODY}")  # half as fast
# In single quotes YAML and SQL double each of them, in double ones CSV does.
_DOUBLED = {
    quote: lazy_pattern(
        f"={quote * 2}(?:gie-single|gie-slideshow|getty|(?:https?:)?//(?:embed(?:-cdn)?|www)\\.getty)"
    )
    for quote in "'\""
}
_OPENED = {"'": lazy_pattern("[:,(-] ?'"), '"': lazy_pattern('(?:^|[,;\t])"', re.MULTILINE)}
_WITH_DOUBLED = {quote: lazy_pattern(f"{_ENTITIES}|{quote * 2}") for quote in _DOUBLED}
_NAMED = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "bdquo": "„",
    "ldquo": "“",
    "rdquo": "”",
    "lsquo": "‘",
    "rsquo": "’",
    "sbquo": "‚",
    "laquo": "«",
    "raquo": "»",
    "lsaquo": "‹",
    "rsaquo": "›",
    "acute": "´",
    "prime": "′",
    "Prime": "″",
}
_OTHERS = frozenset(map(ord, "´′″«»‹›"))
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_STRAIGHT = {**dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‘’‚‛′´‹›", "'")}


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without entities; ``ours`` and ``theirs`` are the places, in it and in the source, after each."""

    source: str
    text: str
    ours: tuple[int, ...]
    theirs: tuple[int, ...]

    def original(self, index: int) -> int:
        """Where in the source the character at ``index`` begins."""
        at = bisect_right(self.ours, index) - 1
        return self.theirs[at] + index - self.ours[at]

    def is_escaped(self, index: int) -> bool:
        """Whether the character at ``index`` is written as an entity, or with a backslash, in the source."""
        return self.source[self.original(index)] in "&\\" and self.source[self.original(index)] != self.text[index]


def undo_entities(text: str) -> Plain:
    """The text with entities and typographic quotes undone, as far as they occur in embed code."""
    parts: list[str] = []
    ours, theirs, length = [0], [0], 0
    for match in _escapes(text):
        if (letter := _letter(match)) is None:
            continue
        parts += text[theirs[-1] : match.start()], letter
        length += match.start() - theirs[-1] + 1
        ours.append(length)
        theirs.append(match.end())
    parts.append(text[theirs[-1] :])
    plain = "".join(parts)
    for quote, straight in _STRAIGHT.items():  # ten times as fast as to translate
        plain = plain.replace(quote, straight)
    return Plain(text, plain, tuple(ours), tuple(theirs))


def _escapes(text: str) -> Iterable[re.Match[str]]:
    """What stands for another character; most texts have nothing of that kind."""
    for quote, doubled in _DOUBLED.items():
        found = doubled.search(text) if f"={quote}{quote}" in text else None
        if found and _OPENED[quote].search(text, _line_start(text, found.start()), found.start()):
            return _WITH_DOUBLED[quote].finditer(text)
    if "\\u0026" in text:
        return _ENTITY_IN_JSON.finditer(text)
    return _ENTITY.finditer(text) if "&" in text or "\\" in text else ()


def _letter(match: re.Match[str]) -> str | None:
    name, decimal, hexadecimal, sign, code_unit = match.groups()
    if match[0] in ("''", '""'):
        return match[0][0]
    if name:
        return _NAMED[name]
    if sign:
        return _ESCAPES.get(sign, sign)
    code = int(decimal) if decimal else int(hexadecimal or code_unit, 16)
    return chr(code) if 32 <= code < 127 or 0x2018 <= code <= 0x201F or code in _OTHERS else None
