"""Find Getty Images embed code that was pasted into pages, and replace it with shortcodes.

Pasted code is often damaged: escaped completely, twice or partly; truncated, merged, without its script. So
parsing is lenient, except for hosts and IDs. It has four steps: character references are decoded; tags are listed
with their positions (there is no tree); the core of each embed, which names the picture, is found (frame, widget
call, record, link); the core is extended to the block around it. Every pattern is bounded, or stops at the next
``<`` or brace, so time is linear.
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

MAX_REACH_TAGS = 24  # examined on each side of a frame; Getty's longest block has 14 in total
MAX_ROUNDS = 6  # an embed is extended by its own block, by links next to that, and by the author's wrappers

_HINT = lazy_pattern(r"[gG](?i:ettyimages|ie\.widgets)")
# All embed code contains one of these, or a link with the picture's number as text. They are rare in other texts.
_KEYWORDS = ("embed", "gie", "view image", "attributes")
_NUMBER = lazy_pattern(r"#(?<!&#)[0-9A-Za-z-]{0,23}[0-9]")
_BLOCKS = frozenset({"div", "p", "span", "center", "figure"})
_WRAPPERS = _BLOCKS | {"iframe"}  # in an instant article, a widget is in a frame without a URL
_FRAMES = frozenset({"iframe", "amp-iframe", "object", "embed"})
_RAW_TEXT = frozenset({"script", "iframe"})  # elements whose content is not markup
_FORMATTING = frozenset({"b", "em", "font", "i", "small", "span", "strong", "u", "wbr"})
_BOILERPLATE_TAGS = _BLOCKS | {"a", "br", "iframe"}
_BOILERPLATE_TEXT = lazy_pattern(
    r"\s*(?:Embed \w{2,5} Getty Images|View image|(?:www\.)?gettyimages\.[a-z.]{2,6}|[|/])?\s*(?:[|/]\s*)?",
    re.IGNORECASE,
)
_IGNORED = lazy_pattern(  # comments by plugins and editors, except those with a meaning in WordPress or Ghost
    rf"<!--(?!\s{{0,9}}/?(?:wp:|more|nextpage|kg-))[^<>]{{0,150}}-->|[{INVISIBLE}]"
)
_HOME_PAGE = lazy_pattern(r"(?:https?:)?//(?:www\.)?gettyimages\.[a-z.]{2,6}/?", re.IGNORECASE)
_GETTY_STYLE = lazy_pattern(
    r"padding(?:-bottom|-top)?:[0-9.]+%|padding:0;margin:|background-color:#fff;display:inline-block"
)


@dataclass(frozen=True, slots=True)
class Pasted:
    """An embed: ``text[start:end]`` is its whole code; ``starts`` are the positions of that and of the tags in it.

    ``detached`` is the rest of its code, if a template has moved that elsewhere.
    """

    start: int
    end: int
    ref: AssetRef
    starts: tuple[int, ...]
    detached: Pasted | None = None


def find(text: str) -> list[Pasted]:
    """Find all embed code in HTML or Markdown, in order and without overlaps.

    Whether it is an example in ``<pre>`` or between fences is not checked; the caller must decide what to do about
    that. A loader script that doesn't belong to a single embed is not found.

    :returns: spans of whole blocks: outer div, frame, link and scripts, as far as present.
    """
    if not _may_contain_code(text):
        return []
    page = TaggedText.read(decode(text))
    links = _link_cores(page)
    strong = [_with_footer(page, core) for core in _with_links(page, _strong_cores(page), links)]
    paired = _pair_calls(strong, links)
    detached = {call.start for call, _ in paired.values()}
    strong, weak = (
        [paired[core.start][1] if core.start in paired else core for core in cores if core.start not in detached]
        for cores in (strong, links)
    )
    found = _separate(page, weak, _separate(page, strong, []))
    scripts = {start: _to_pasted(page, _with_wrapper(page, script)) for start, (script, _) in paired.items()}
    return [_to_pasted(page, core, scripts) for core in found]


def _may_contain_code(text: str) -> bool:
    """Return whether the tags must be examined: most texts that mention Getty only have links by their authors."""
    lowered = text.lower()
    if "gettyimages" not in lowered and "gie.widgets" not in lowered:
        return False
    return any(keyword in lowered for keyword in _KEYWORDS) or bool(_NUMBER.search(text))


def _covers(cores: list[Core], link: Core) -> bool:
    return any(core.start <= link.start < core.end for core in cores)


def _with_links(page: TaggedText, cores: list[Core], links: list[Core]) -> Iterator[Core]:
    """Extend frames by the links that tools have written right before them, or else right after them."""
    ends, last = [link.end for link in links], 0
    for core, next_core in zip_longest(cores, cores[1:]):
        index = bisect_right(ends, core.start)
        before = [link for link in links[max(0, index - 1) : index] if link.start >= last]
        after = [link for link in links[index : index + 2] if link.start >= core.end]
        extended = _with_link(page, core, before)
        if extended == core and not (after and next_core and after[0].end > next_core.start):
            extended = _with_link(page, core, after[:1])
        last = extended.end
        yield extended


def _with_link(page: TaggedText, core: Core, near: list[Core]) -> Core:
    """Extend a frame by an adjacent link to its picture, which can be in a block of its own."""
    for link in near:
        if link.ref.items != core.ref.items:
            continue
        first, second = sorted((link, core))
        is_near = second.start - first.end <= MAX_GAP_CHARS
        if is_near and _BORDER.fullmatch(page.text, first.end, second.start):
            return core._replace(start=first.start, end=second.end)
        start, edge = page.block(first.start, first.end, {"p"})
        opening, end = page.block(second.start, second.end, _BLOCKS)
        if edge <= opening and page.is_blank(edge, opening):
            return core._replace(start=start, end=end)
    return core


def _with_footer(page: TaggedText, core: Core) -> Core:
    """Extend a frame by the footer of Getty's block, if a tool has converted that to Markdown."""
    footer = _FOOTER.match(page.text, core.end)
    picture = _page_ref(footer[1]) if footer else None
    if footer and picture and picture.items[0] in core.ref.items and _HOME_PAGE.fullmatch(footer[2]):
        return core._replace(end=footer.end())
    return core


def _pair_calls(strong: list[Core], links: list[Core]) -> dict[int, tuple[Core, Core]]:
    """Pair widget calls with their link elsewhere, or with the frame that they created in a page saved with it.

    :returns: by the position of the link or frame: the call, and the link or frame with the reference of the call.
    """
    link_starts, starts = [link.start for link in links], [core.start for core in strong]
    with_link = {c for c in strong if bisect_left(link_starts, c.start) < bisect_left(link_starts, c.end)}
    calls = {core.key: core for core in strong if core.key and core not in with_link}
    before = (strong[bisect_right(starts, link.start) - 1 :][:1] for link in links)
    detached = (link for link, near in zip(links, before, strict=True) if not _covers(near, link))
    frames = (core for core in strong if core.created_by)
    pairs = ((core, calls.get(core.key or core.created_by)) for core in (*detached, *frames))
    return {
        core.start: (call, core._replace(ref=call.ref))
        for core, call in pairs
        if call and core.ref.items[0] in call.ref.items  # a slideshow links to its first picture
    }


def _with_wrapper(page: TaggedText, script: Core) -> Core:
    """Extend a script by the paragraph or link that contains nothing else."""
    start, end = page.block(script.start, script.end, {"p", "a"})
    return script._replace(start=start, end=end)


def _separate(page: TaggedText, cores: list[Core], taken: list[Core]) -> list[Core]:
    """Return the cores that no other embed covers, extended as far as their neighbors allow, and those taken."""
    result: list[Core] = []
    rest = taken[::-1]
    for core, next_core in zip_longest(cores, cores[1:]):
        while rest and rest[-1].start <= core.start:
            result.append(rest.pop())
        low = result[-1].end if result else 0
        high = rest[-1].start if rest else len(page.text)
        if low <= core.start and core.end <= high:
            if next_core and next_core.start >= core.end:
                high = min(high, next_core.start)
            result.append(_extend(page, core, low, high))
    return result + rest[::-1]


def _extend(page: TaggedText, core: Core, low: int, high: int) -> Core:
    """Extend the core by the blocks that Getty or the author put around it, within bounds."""
    for _ in range(MAX_ROUNDS):  # pragma: no branch - no known embed code needs that many
        extended = _extend_once(page, core, low, high)
        if extended == core:
            break
        core = extended
    return core


def _extend_once(page: TaggedText, core: Core, low: int, high: int) -> Core:
    """Extend the core by the elements around it that are part of the embed, else by Getty's links next to it."""
    lefts, start = _walk(page, core, -1, low)
    rights, end = _walk(page, core, 1, high)
    align, extended = core.align, core
    for left, right in zip(lefts, rights, strict=False):
        if left.name != right.name or left.name not in _WRAPPERS:
            break
        align = left.align or align
        if _is_part_of_embed(page, left, right, core):
            extended = core._replace(start=left.start, end=right.end, align=align)
    return extended if extended != core else core._replace(start=start, end=end)


def _to_pasted(page: TaggedText, core: Core, scripts: Mapping[int, Pasted] | None = None) -> Pasted:
    ref = AssetRef(core.ref.items, replace(core.ref.options, align=core.align))
    tags = page.tags[page.index(core.start) : page.index(core.end)]
    starts = (tag.start for tag in _protectable_tags(page, tags) if not (tag.closing and tag.name in _RAW_TEXT))
    start, *rest = map(page.decoded.source_position, dict.fromkeys((core.start, *starts)))
    places = (core.start, *(tag.start for tag in tags))  # the core can begin with a Markdown link
    detached = next((scripts[place] for place in places if place in scripts), None) if scripts else None
    return Pasted(start, page.decoded.source_position(core.end), ref, (start, *rest), detached)


def _protectable_tags(page: TaggedText, tags: list[HtmlTag]) -> Iterator[HtmlTag]:
    """Yield the tags outside scripts and frames, as far as HTML recognizes tags.

    It doesn't after a ``noscript``, an element closed as in JSX, or one closed with ``<\\/`` in a JSON string.
    """
    raw = ""
    for tag in tags:
        if tag.name == "noscript":
            return
        if not raw or (tag.closing and tag.name == raw):
            yield tag
        if tag.name in _RAW_TEXT and raw in ("", tag.name):
            raw = "" if tag.closing else tag.name
        is_json = tag.closing and page.decoded.is_escaped(tag.start + 1)
        if tag.name in _RAW_TEXT and (is_json or tag.inside.endswith("/")):
            return


def _walk(page: TaggedText, core: Core, step: int, limit: int) -> tuple[list[HtmlTag], int]:
    """Walk outwards from one side of a core, as long as there is only Getty's boilerplate.

    :returns: the tags of the elements around the core, innermost first; and where the Getty links next to it end.
    """
    enclosing: list[HtmlTag] = []
    adjacent: list[str] = []  # elements next to the core that are not complete yet
    edge = place = core.start if step < 0 else core.end
    has_link = False
    for tag in _tags_outwards(page, core, step, limit):
        gap = page.text[tag.end : edge] if step < 0 else page.text[edge : tag.start]
        if not _is_boilerplate(page, tag, gap, core):
            break
        if tag.name == "br":
            pass
        elif tag.closing == (step < 0):
            adjacent.append(tag.name)
        elif step > 0 and adjacent == ["p"] and tag.name == "div":  # the end of its parent closes a paragraph
            adjacent.clear()
            enclosing.append(tag)
        elif not adjacent:
            enclosing.append(tag)
        elif adjacent.pop() != tag.name:
            break
        edge = tag.start if step < 0 else tag.end
        has_link = has_link or tag.name == "a"
        if has_link and not adjacent and not enclosing:
            place = edge
    return enclosing, place


def _tags_outwards(page: TaggedText, core: Core, step: int, limit: int) -> list[HtmlTag]:
    """Return the tags on one side of a core, nearest first, up to a limit."""
    if step > 0:
        index = page.index(core.end)
        return [tag for tag in page.tags[index : index + MAX_REACH_TAGS] if tag.end <= limit]
    index = page.index(core.start)
    return [tag for tag in reversed(page.tags[max(0, index - MAX_REACH_TAGS) : index]) if tag.start >= limit]


def _is_boilerplate(page: TaggedText, tag: HtmlTag, gap: str, core: Core) -> bool:
    """Return whether a tag, and the text between it and the embed, are what Getty writes around a frame."""
    is_escaped = page.decoded.is_escaped
    if tag.name not in _BOILERPLATE_TAGS or is_escaped(tag.start) != is_escaped(core.start):
        return False
    gap = _IGNORED.sub("", gap)
    if gap.strip().lstrip("#").lower() not in core.ref.items and not (
        len(gap) < 200 and _BOILERPLATE_TEXT.fullmatch(gap)
    ):
        return False
    if tag.closing or tag.name not in ("a", "iframe"):
        return True
    if tag.name == "iframe":  # the remains of a frame that was sanitized
        return tag.attributes.get("src", "") in ("", "about:blank") and "getty" not in tag.inside
    return _is_getty_link(tag.attributes.get("href", ""), core.ref)


def _is_getty_link(href: str, ref: AssetRef) -> bool:
    """Return whether a link leads to the picture's page or to the home page of a Getty site."""
    target = _page_ref(href)
    return target.items[0] in ref.items if target else bool(_HOME_PAGE.fullmatch(_clean_url(href)))


def _is_part_of_embed(page: TaggedText, left: HtmlTag, right: HtmlTag, core: Core) -> bool:
    """Return whether an element that contains only the embed is Getty's, or was added to align it."""
    if left.name == "iframe" or "getty" in left.classes or _GETTY_STYLE.search(left.style) or left.align:
        return True
    if "embed.gettyimages" in left.inside:  # an editor's preview, with the URL of the frame in an attribute
        return True
    attributes = left.attributes
    if "getty" in (attributes.get("data-s9e-mediaembed"), attributes.get("data-media-site-id")):  # of a forum
        return True
    content = page.text[left.end : core.start] + page.text[core.end : right.start]
    return not left.inside.strip() and "</a" in content.lower()  # a block that has lost its attributes


class Conversion(NamedTuple):
    """A converted text, the number of embeds that became shortcodes, and what was not converted."""

    text: str
    converted: int
    problems: tuple[Problem, ...] = ()


class Edits(NamedTuple):
    """The edits ``(start, end, replacement)`` that convert a text, in order, and what was not converted."""

    edits: tuple[tuple[int, int, str], ...]
    problems: tuple[Problem, ...] = ()

    @property
    def converted(self) -> int:
        """The number of embeds that become shortcodes."""
        return sum(1 for *_, replacement in self.edits if replacement)


def convert(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Conversion:
    """Replace embed code with shortcodes, and keep everything else unchanged.

    IDs, size, caption, tld and alignment are kept. Embed code that rendering would protect, in code, a comment, a
    script or the inside of a tag, is not converted. Converting the result again changes nothing.

    :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: determines what is code; plain text has none.
    :param budget: the rest of a text that exceeds it is not converted, with a problem ``too-large``.
    """
    result = changes(text, input, budget)
    return Conversion(scan.replace(text, result.edits), result.converted, result.problems)


def changes(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Edits:
    """Return the edits of :func:`convert`, for texts that must be encoded when they are written back."""
    edits: list[tuple[int, int, str]] = []
    problems: list[Problem] = []
    skipped: list[tuple[int, int, str]] = []
    php, positions = SerializedPHP(text), Positions(text)
    try:
        for embed in _embeds(text, input, budget):
            if php.contains(embed.start):
                skipped.append((embed.start, embed.end, ""))
                problems.append(Problem(*positions.of(embed.start), "embed-code", _IN_PHP))
            else:
                edits += _edits(text, embed, input)
    except _Stopped as stopped:
        place, error = stopped.args
        problems.append(error.problem(*positions.of(place)))
    else:
        problems += _unconverted(text, input, budget, [*edits, *skipped])
        if edits and not problems:
            edits += _remove_loaders(text, input, budget, edits)
    return Edits(tuple(sorted(set(edits))), tuple(problems))


def _edits(text: str, embed: Pasted, input: Input) -> Iterator[tuple[int, int, str]]:
    shortcode = _shortcode(text, embed)
    if _is_bracketed(text, embed):
        shortcode = f" {shortcode} "
    elif input in ("markdown", "commonmark") and _MAKES_LINK.match(text, embed.end):
        shortcode += " "
    yield embed.start, embed.end, shortcode
    if embed.detached:
        yield _removal(text, embed.detached)


def _is_bracketed(text: str, embed: Pasted) -> bool:
    """Return whether the brackets around embed code would escape the shortcode that replaces it."""
    has_brackets = text.endswith("[", 0, embed.start) and text.startswith("]", embed.end)
    return has_brackets and not text.endswith(CDATA, 0, embed.start)


class SerializedPHP:
    """The strings in serialized PHP, such as WordPress's widgets, where the length of each string precedes it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._prefixes = [*_PHP_STRING.finditer(text)] if "s:" in text else []
        self._starts = [prefix.end() for prefix in self._prefixes]

    def contains(self, place: int) -> bool:
        """Return whether a position is in such a string, which can be escaped for SQL."""
        index = bisect_right(self._starts, place) - 1
        if index < 0:
            return False
        start, size = self._starts[index], int(self._prefixes[index][1])
        if place - start > MAX_COUNTED_CHARS:
            return place - start < size
        before = self._text[start:place]
        return len(before.encode("utf-8", "replace")) - before.count("\\") - before.count("''") < size


def _remove_loaders(
    text: str, input: Input, budget: Budget, edits: list[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Remove Getty's loader script wherever a template has put it, since all embeds have been converted."""
    code = scan.protected(text, input, budget)
    for found in _outside(edits, _LOADER_ELEMENT.finditer(text)):
        if not code.protected(found.start()):
            yield (*found.span(), "")


def _outside(edits: list[tuple[int, int, str]], found: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield the matches that no edit replaces, in order."""
    spans = sorted(edits)
    starts = [start for start, *_ in spans]
    for match in found:
        before = bisect_right(starts, match.start()) - 1
        if before < 0 or spans[before][1] <= match.start():
            yield match


def _unconverted(text: str, input: Input, budget: Budget, edits: list[tuple[int, int, str]]) -> Iterator[Problem]:
    """Report what looks like embed code, is not an example in code, and was not converted."""
    positions, front, last, queried = Positions(text), scan.front_matter_end(text, input), 0, 0
    code = scan.protected(text, input, budget)
    for hint in _outside(edits, _EMBED_CODE.finditer(text)):
        place = hint.start()
        if place < last:
            continue
        if place < front:
            yield Problem(*positions.of(place), "embed-code", _IN_FRONT_MATTER)
            last = front
            continue
        script = text.rfind("<script", max(queried, place - MAX_CALL_CHARS), place)
        queried = place if hint[0].startswith("<") or script < 0 else script  # a call is in code if its script is
        if not code.protected(queried) and CONVERTED not in text[place : place + MAX_CALL_CHARS]:
            yield Problem(*positions.of(place), "embed-code", _NOT_UNDERSTOOD)
            last = place + MAX_CALL_CHARS


def _shortcode(text: str, embed: Pasted) -> str:
    """Format the shortcode; without quotes if it is in a string of JSON, YAML or TOML, or in a CSV field."""
    shortcode = scan.format(embed.ref)
    if '"' in shortcode and (
        re.search(r'\\"|=""[\w/]', text[embed.start : embed.end])
        or _OPEN_STRING.search(text, _line_start(text, embed.start), embed.start)
    ):
        return shortcode.replace('"', "")
    return shortcode


def _line_start(text: str, place: int) -> int:
    return max(text.rfind("\n", 0, place) + 1, place - MAX_STRING_CHARS)


def _removal(text: str, embed: Pasted) -> tuple[int, int, str]:
    """Return an edit that removes code, including its line if that contains nothing else."""
    starts_line = embed.start == 0 or text[embed.start - 1] == "\n"
    return embed.start, embed.end + (starts_line and text.startswith("\n", embed.end)), ""


# Occurs only in embed code.
_EMBED_CODE = lazy_pattern(
    r"gie\.widgets\.load\s{0,9}\(|<(?:amp-)?iframe\s[^<>]{0,300}embed\.gettyimages\.com/embed[/?]",
    re.IGNORECASE,
)
_IN_PHP = (
    "This embed code is in serialized PHP data, which stores its length, and was not converted."
    " Replace it with [getty 74917285] in the CMS."
)
_MAKES_LINK = lazy_pattern(r"[(:]|\[(?![/^])")  # turns the brackets before it into a link in Markdown
_PHP_STRING = lazy_pattern(r'(?<!\w)s:([0-9]{1,9}):\\{0,7}"')
MAX_COUNTED_CHARS = 1 << 16  # in a PHP string; beyond that, bytes are not counted exactly
_IN_FRONT_MATTER = (
    "This embed code is in front matter and was not converted. Replace it with [getty 74917285] by hand."
)
_NOT_UNDERSTOOD = (
    "This looks like Getty Images embed code, but doesn't name a picture. Replace it with [getty 74917285]."
)
MAX_CALL_CHARS = 2048  # of embed code that was not understood, which is reported once
MAX_STRING_CHARS = 4096  # searched for the quote that opens a string
# An unclosed quote that opens a value or a list item.
_OPEN_STRING = lazy_pattern(r"""(?:^|[:=,\[({-])\s*"(?:[^"\\]|\\.)*\Z""", re.MULTILINE)


def outside_code(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> list[Pasted]:
    """Return the embeds that :func:`convert` would replace, within the budget."""
    found: list[Pasted] = []
    try:
        found.extend(_embeds(text, input, budget))
    except _Stopped:
        pass
    return found


class _Stopped(Exception):
    """The budget is exceeded; the arguments are the position in the text and the error."""


def _embeds(text: str, input: Input, budget: Budget) -> Iterator[Pasted]:
    """Yield the embeds in a text that are not examples in code.

    :raises _Stopped: if the budget is exceeded.
    """
    found = find(text[: budget.chars])
    code = scan.protected(text, input, budget)
    count = 0
    for embed in found:
        try:
            if any(code.protected(start) for start in embed.starts):
                continue
        except Exhausted as error:
            raise _Stopped(embed.start, error) from None
        if count == budget.references:
            raise _Stopped(embed.start, Exhausted.of(count, "references"))
        code.skip(embed.end)
        count += 1
        yield embed
    if _HINT.search(text, budget.chars):
        raise _Stopped(budget.chars, Exhausted.of(budget.chars, "characters"))


# The cores of embeds: frames, widget calls, records, links

MAX_SIZE_PX = 10_000  # anything larger is not a size

_CALL = lazy_pattern(  # editors put breaks and paragraphs between lines, even in scripts
    r"(?<!\w)(?:window\.)?gie\.widgets\.load\s{0,9}\(\s{0,9}\{((?:[^{}<>]|<br ?/?>|</?p>){1,2000})\}\s{0,9}\)"
    r"(?:\s{0,9};)?"
)
_PAIR = lazy_pattern(
    r"""(?<![\w-])["']?(\w{1,12})["']?\s{0,9}:\s{0,9}(?:'([^']{0,300})'|"([^"]{0,300})"|`([^`]{0,300})`|(!?\w{1,10}))""",
    re.ASCII,
)
# Getty's code before and after the call, and its variants by minifiers and editors: other names, arrows, commas,
# parentheses, breaks, comments. No author's code consists of these tokens alone.
_STUB = (
    r"(?:[\s()\[\]{};,.=|>!\\/*]|<!(?:--|\[CDATA\[)?|-->|<br ?/?>|</?p>|[\"']use strict[\"']"
    r"|\b(?:window|gie|function|push|arguments|var|try|catch|\w{1,2})\b)*+"
)
_BEFORE = lazy_pattern(rf"(?:\b|(?<=Getty Images))(?:window\.)?gie\b{_STUB}\Z", re.ASCII)
_AFTER = lazy_pattern(r"(?:\s|<br ?/?>|</?p>){0,9}\}?\s{0,9}\)\)?(?:\s{0,9};)?")
_AROUND = lazy_pattern(rf"{_STUB}(?:`{_STUB})?", re.ASCII)  # JSX components take a string
# The parameters of a call and the data attributes in which forums keep them.
_DATA_ATTRIBUTES = {"items": "items", "w": "width", "h": "height", "caption": "capt", "tld": "tld"}
_JSX_BEFORE = lazy_pattern(rf"<script\s+dangerouslySetInnerHTML=\{{\{{\s*__html:\s*[`'\"]{_STUB}", re.IGNORECASE)
_JSX_AFTER = lazy_pattern(rf"{_STUB}[`'\"]{_STUB}", re.ASCII)
_FLAGS = {"!0": "true", "!1": "false"}
_ET = lazy_pattern(r"[?&;]et=([\w-]{1,64})", re.ASCII)
_LOADER_URL = r"(?:https?:)?//(?:embed-cdn\.gettyimages\.com/widgets\.js|embed\.gettyimages\.com/embed-cms\.js)"
_LOADER = lazy_pattern(_LOADER_URL)
_LOADER_ELEMENT = lazy_pattern(
    rf"(<p>\s{{0,9}})?<script\s[^<>]{{0,300}}=[\"']?{_LOADER_URL}[^<>]{{0,300}}>\s{{0,9}}</script\s{{0,9}}>"
    r"(?(1)\s{0,9}</p>\n?)",
    re.IGNORECASE,
)
_ARCHIVE = lazy_pattern(  # the Wayback Machine and other archives that replay pages like it
    r"(?:(?:https?:)?//[\w.-]{1,100})?/(?:[\w-]{1,40}/){0,2}[0-9]{4,14}[a-z_]{0,4}/(?=(?:https?:)?//)", re.ASCII
)
_RECORD = lazy_pattern(r'\{[^{}]*"attributes"\s*:\s*\{[^{}]*\}[^{}]*\}')
_STYLED = lazy_pattern(r"(?<![\w-])(width|height)\s{0,9}:([^;]{1,20})")
_BRACKETED = lazy_pattern(r"\[iframe\s([^\[\]<>]{1,2000})\](?:\s{0,9}\[/iframe\])?", re.IGNORECASE)
_BARE_URL = lazy_pattern(
    r"(?<![^\s>);])(?:https?:)?//embed\.gettyimages\.com/embed[/?][^\s\"'<>\[\]]{1,1500}(?=[\s<]|\Z)"
)
# with the attributes of kramdown and Pandoc
_TARGET = r"\(<?([^\s()<>\[\]\"]{1,1500})>?(?:\s{1,9}\"[^\"\n]{0,200}\")?\)(?:\{[^{}\n]{0,500}\})?"
_INLINE_LINK = lazy_pattern(rf"\[ ?Embed from Getty Images ?\]{_TARGET}")
_REFERENCE_LINK = lazy_pattern(r"\[ ?Embed from Getty Images ?\](?:\[([^\[\]\n]{0,100})\])?(?![\[(:])")
_DEFINITION = lazy_pattern(r"^ {0,3}\[([^\[\]\n]{1,100})\]:[ \t]{0,9}<?([^\s<>]{1,1500})", re.MULTILINE)
_FOOTER = lazy_pattern(
    rf"\s{{0,9}}\[(?:\\?#[0-9A-Za-z-]{{1,24}}|View image)\]{_TARGET}"
    rf"\s{{0,9}}[|/]\s{{0,9}}\[gettyimages\.[a-z.]{{2,6}}\]{_TARGET}"
)
# Allowed between a link and its frame: whitespace, block quote markers, the boundary of two blocks.
_BORDER = lazy_pattern(r"(?:\s|>|<br ?/?>|</(p|span)\s*>\s*<\1(?:\s[^<>]*)?>)*+", re.IGNORECASE)
_LINK_TEXT_BEFORE = lazy_pattern(r"\bEmbed \w{2,5} Getty Images\s*\Z", re.IGNORECASE)
_LINK_TEXT = lazy_pattern(r"\s*Embed \w{2,5} Getty Images\s*", re.IGNORECASE)


class Core(NamedTuple):
    """The part of an embed that names the picture; ``align`` is the alignment of its own tag."""

    start: int
    end: int
    ref: AssetRef
    align: Align | None = None
    key: str = ""  # connects a link with its script, wherever they are
    created_by: str = ""  # the key of the script that created a frame


def _strong_cores(page: TaggedText) -> list[Core]:
    """Return the cores that are certainly embeds: frames, widget calls, records, URLs of frames."""
    found = [*_frames(page), *_bracketed_frames(page), *_widgets(page), *_records(page), *_bare_urls(page)]
    return sorted(found, key=lambda core: (core.start, -core.end))


def _link_cores(page: TaggedText) -> list[Core]:
    """Return the links, which are the only remains of an embed if its script was removed."""
    found = [*_links(page), *_markdown_links(page)]
    return sorted(found, key=lambda core: core.start)


def _frames(page: TaggedText) -> Iterator[Core]:
    for index, tag in enumerate(page.tags):
        if tag.closing or not _may_be_frame(page, index, tag) or not (ref := _frame(tag.attributes)):
            continue
        start, end = _noscript_before(page, index, ref), _noscript_after(page, page.closing(index), ref)
        et = _ET.search(tag.inside)
        yield Core(start, end, ref, tag.align, created_by=et[1] if et else "")


def _may_be_frame(page: TaggedText, index: int, tag: HtmlTag) -> bool:
    """Return whether a tag is a frame, or an empty element that a consent tool or forum turns into one."""
    if tag.name in _FRAMES:
        return True
    found = page.element(index, tag.name) if tag.name in _BLOCKS and "embed.gettyimages" in tag.inside else None
    return found is not None and not found[2]


def _bracketed_frames(page: TaggedText) -> Iterator[Core]:
    """Yield frames in WordPress's notation, ``[iframe src="…" width="594"]``."""
    for match in _BRACKETED.finditer(page.text) if "iframe" in page.text else ():
        tag = HtmlTag(*match.span(), False, "iframe", match[1])
        if ref := _frame(tag.attributes):
            yield Core(*match.span(), ref, tag.align)


def _frame(attributes: dict[str, str]) -> AssetRef | None:
    """Return the pictures in a frame. Lazy loaders and consent tools move its URL to an attribute of their own.

    Forums keep all its attributes in one, as JSON.
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


def _noscript_before(page: TaggedText, index: int, ref: AssetRef) -> int:
    """Return where a frame begins, including the ``noscript`` copy that a lazy loader has put before it."""
    start = page.tags[index].start
    opening, frame = page.tag(index - 4, "noscript", closing=False), page.tag(index - 3, "iframe", closing=False)
    closing = page.tag(index - 1, "noscript", closing=True)
    if not opening or not frame or not closing or not page.is_blank(closing.end, start):
        return start
    copy = _frame(frame.attributes)
    return opening.start if copy and copy.items == ref.items else start


def _noscript_after(page: TaggedText, end: int, ref: AssetRef) -> int:
    """Return where a frame ends, including the ``noscript`` copy after it."""
    index = page.index(end)
    opening, frame = page.tag(index, "noscript", closing=False), page.tag(index + 1, "iframe", closing=False)
    if not opening or not frame or not page.is_blank(end, opening.start):
        return end
    copy = _frame(frame.attributes)
    index = page.index(page.closing(index + 1))
    closing = page.tag(index, "noscript", closing=True)
    return closing.end if closing and copy and copy.items == ref.items else end


def _clean_url(url: str) -> str:
    """Return a URL without line breaks, as browsers read it, and without the prefix of a web archive."""
    joined = "".join(url.split())
    archive = _ARCHIVE.match(joined)
    return joined[archive.end() :] if archive else joined


def _frame_ref(text: str) -> AssetRef | None:
    """Return the pictures in the URL of a frame; None for any other URL."""
    try:
        parts = urls.split(_clean_url(text))
        return urls.resolve(parts) if parts.host == urls.EMBED_HOST else None
    except UnsupportedReference:
        return None


def _page_ref(text: str) -> AssetRef | None:
    """Return the picture of a page on a Getty site, with the site's tld; None for any other URL."""
    try:
        parts = urls.split(_clean_url(text))
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
    for match in _CALL.finditer(page.text) if "gie.widgets.load" in page.text else ():
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
    """Return the span of a widget call, including the queue stub that Getty writes around it."""
    before = _BEFORE.search(text, max(0, start - 300), start)
    after = _AFTER.match(text, end)
    return (before.start(), after.end()) if before and after else (start, end)


def _widget(page: TaggedText, start: int, end: int, ref: AssetRef, key: str) -> Core:
    """Return a widget call with its script, the link before it and the loader after it, as far as present."""
    index = page.index(start)
    script, close = page.tag(index - 1, "script", closing=False), page.tag(page.index(end), "script", closing=True)
    if script and script.end > end:
        start, end = _jsx_script(page, script, start, end)
    elif script and close:
        edges = page.text[script.end : start], page.text[end : close.start]
        if not all(len(edge) <= MAX_GAP_CHARS and _AROUND.fullmatch(edge) for edge in edges):
            return Core(start, end, ref)  # a line of a larger script
        start, end = script.start, close.end
    balanced = _balance(page, _link_before(page, start, ref, key), _loader_after(page, end))
    return Core(*(balanced or (start, end)), ref)


def _jsx_script(page: TaggedText, script: HtmlTag, start: int, end: int) -> tuple[int, int]:
    """Return the span of a script with only the call in an attribute, as in JSX; else the span of the call."""
    edges = page.text[script.start : start], page.text[end : script.end]
    if not _JSX_BEFORE.fullmatch(edges[0]) or not _JSX_AFTER.fullmatch(edges[1]):
        return start, end
    whole = None if script.inside.endswith("/") else page.element(page.index(script.start), "script")
    return script.start, whole[1].end if whole and not whole[2] else script.end


def _link_before(page: TaggedText, start: int, ref: AssetRef, key: str) -> int:
    """Return where a call begins, including its link, which mail clients redirect, or the remains of that."""
    index = page.index(start) - 1
    index, edge = _skip_paragraphs(page, index, start, -1)
    link = page.element_before(index, "a")
    if not link or not page.is_blank(link[1].end, edge):
        text = _LINK_TEXT_BEFORE.search(page.text, max(0, edge - MAX_GAP_CHARS), edge)
        return text.start() if text else start
    target = _page_ref(link[0].attributes.get("href", ""))
    belongs = target.items[0] in ref.items if target else key and link[0].attributes.get("id") == key
    return link[0].start if belongs else start


def _loader_after(page: TaggedText, end: int) -> int:
    index, edge = _skip_paragraphs(page, page.index(end), end, 1)
    loader = page.tag(index, "script", closing=False)
    if not loader or not page.is_blank(edge, loader.start) or not _is_loader(loader):
        return end
    whole = page.element(index, "script")
    if whole and not whole[2]:
        return whole[1].end
    return loader.end if loader.inside.endswith("/") else end  # as in JSX


def _is_loader(script: HtmlTag) -> bool:
    """Return whether a script loads Getty's script, whichever attribute has the URL."""
    return any(
        _LOADER.fullmatch(_clean_url(value)) for value in script.attributes.values() if "gettyimages" in value
    )


def _skip_paragraphs(page: TaggedText, index: int, edge: int, step: int) -> tuple[int, int]:
    """Return the next tag other than paragraphs and line breaks, which editors put between the parts."""
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
    """Return the span, extended by the start or end tag of a paragraph that it has only the other tag of."""
    first, after = page.index(start), page.index(end)
    closed, opened = _unbalanced_paragraphs(page.tags[first:after])
    if closed == opened:
        return start, end
    opening, closing = page.tag(first - 1, "p", closing=False), page.tag(after, "p", closing=True)
    if closed and opening and page.is_blank(opening.end, start):
        return opening.start, end
    if opened and closing and page.is_blank(end, closing.start):
        return start, closing.end
    return None


def _unbalanced_paragraphs(tags: list[HtmlTag]) -> tuple[bool, bool]:
    """Return whether a paragraph begins before these tags, and whether one ends after them. They don't nest."""
    paragraphs = [tag.closing for tag in tags if tag.name == "p"]
    return (paragraphs[0], not paragraphs[-1]) if paragraphs else (False, False)


_JSON_BEFORE, _JSON_AFTER = frozenset(",:=[({\"'`\\"), frozenset(",;])}\"'`\\")


def _records(page: TaggedText) -> Iterator[Core]:
    """Yield the JSON records that a CMS stores for embeds, unless they are part of other JSON."""
    for match in _RECORD.finditer(page.text):
        start, end = match.span()
        before = page.text[max(0, start - 200) : start].rstrip(" \t")[-1:]
        after = page.text[end : end + 200].lstrip(" \t\r")[:1]
        is_part = before in _JSON_BEFORE or after in _JSON_AFTER
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
    for match in _BARE_URL.finditer(page.text) if "//embed.gettyimages.com/embed" in page.text else ():
        index = page.index(match.start()) - 1
        signed = "et=" in match[0] and "sig=" in match[0]
        line = page.text.rfind("\n", max(0, match.start() - MAX_GAP_CHARS), match.start()) + 1
        if page.text.rfind("[", line, match.start()) > page.text.rfind("]", line, match.start()):
            continue  # part of another shortcode
        if (index < 0 or page.tags[index].end <= match.start()) and signed and (ref := _frame_ref(match[0])):
            yield Core(*match.span(), ref)


def _links(page: TaggedText) -> Iterator[Core]:
    for index in range(len(page.tags)):
        if not (found := page.element(index, "a")):
            continue
        link, close, label = found
        ref = _link_ref(link.attributes)
        if ref and _is_embed_link(link, label, ref):
            balanced = _balance(page, link.start, _loader_after(page, close.end))
            yield Core(*(balanced or (link.start, close.end)), ref, link.align, link.attributes.get("id", ""))


def _link_ref(attributes: Mapping[str, str]) -> AssetRef | None:
    """Return the picture of a link, with the parameters of the call, which forums keep in data attributes."""
    page = _page_ref(attributes.get("href", ""))
    config = _from_config({name: attributes.get(f"data-{data}", "") for name, data in _DATA_ATTRIBUTES.items()})
    if not page or not config or page.items[0] not in config.items:
        return page
    return AssetRef(config.items, config.options.over(page.options))


def _is_embed_link(link: HtmlTag, label: str, ref: AssetRef) -> bool:
    """Return whether a link to a picture is part of embed code, rather than the author's."""
    return (
        not {"gie-single", "gie-slideshow"}.isdisjoint(link.classes)
        or bool(_LINK_TEXT.fullmatch(label))
        or label == f"#{ref}"
        or (label == "View image" and "color:#a7a7a7" in link.style)  # the gray of all links in Getty's code
    )


def _markdown_links(page: TaggedText) -> Iterator[Core]:
    for match in _INLINE_LINK.finditer(page.text):
        if ref := _page_ref(match[1]):
            yield Core(*match.span(), ref)
    reference_links = [*_REFERENCE_LINK.finditer(page.text)]
    definitions = dict(_DEFINITION.findall(page.text)) if reference_links else {}
    for match in reference_links:
        if ref := _page_ref(definitions.get(match[1] or match[0].strip("[]"), "")):
            yield Core(*match.span(), ref)


# Tags

# Code that contains a shortcode was converted before. Ignoring it makes conversion idempotent.
CONVERTED = "[getty"
MAX_CHILDREN = 8  # tags in a frame, such as those of a placeholder
MAX_GAP_CHARS = 200  # of text in or between the parts of an embed

_TAG = lazy_pattern(r"<(/?)((?:amp-)?[A-Za-z][A-Za-z0-9]{0,15})(?![\w-]|://)([^<>]{0,4000})>", re.ASCII)
_ATTRIBUTE = lazy_pattern(  # in JSX, values can be in braces
    r"""(?<![\w-])([\w-]{1,40})\s{0,9}=\s{0,9}(?:\{\s{0,9})?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`>{}]+))""",
    re.ASCII,
)
_JSX_STYLE = lazy_pattern(r"(?<![\w-])style=\{\{([^{}]*)\}\}")
_CAPITAL = lazy_pattern("[A-Z]")
_AS_CSS = str.maketrans(",", ";", " '\"\n")
_ALIGN_CLASS = lazy_pattern(r"(?<![\w-])(?:has-text-)?align-?(left|right|center)(?![\w-])")


class HtmlTag(NamedTuple):
    """A tag; ``inside`` is the text between its name and its ``>``."""

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
        """The style without spaces, converted to CSS if it is an object, as in JSX."""
        if found := _JSX_STYLE.search(self.inside):
            return _CAPITAL.sub(r"-\g<0>", found[1]).lower().translate(_AS_CSS)
        return self.attributes.get("style", "").lower().replace(" ", "")

    @property
    def classes(self) -> list[str]:
        attributes = self.attributes
        return (attributes.get("class") or attributes.get("classname", "")).split()

    @property
    def align(self) -> Align | None:
        """The alignment of the content: by float, class, text-align, attribute, or the element itself."""
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
        """Whether this is the header or footer of Getty's own block, which is always left-aligned."""
        return "padding:0;margin:" in self.style


@dataclass(frozen=True, slots=True)
class TaggedText:
    """A decoded text and the tags in it."""

    decoded: DecodedText
    text: str
    tags: list[HtmlTag]
    starts: list[int]

    @classmethod
    def read(cls, decoded: DecodedText) -> TaggedText:
        tags = [
            HtmlTag(match.start(), match.end(), match[1] == "/", match[2].lower(), match[3])
            for match in _TAG.finditer(decoded.text)
            if CONVERTED not in match[3]
        ]
        return cls(decoded, decoded.text, tags, [tag.start for tag in tags])

    def index(self, place: int) -> int:
        """Return the index of the first tag that begins at or after a position."""
        return bisect_left(self.starts, place)

    def is_blank(self, start: int, end: int) -> bool:
        return end - start <= MAX_GAP_CHARS and not self.text[start:end].strip()

    def tag(self, index: int, name: str, *, closing: bool) -> HtmlTag | None:
        """Return the tag at an index, if it opens or closes an element of that name."""
        tag = self.tags[index] if 0 <= index < len(self.tags) else None
        return tag if tag and (tag.name, tag.closing) == (name, closing) else None

    def closing(self, index: int) -> int:
        """Return the end of the element that begins at an index; of its start tag, if the end tag is not near."""
        opening = self.tags[index]
        near = self.tags[index + 1 : index + 1 + MAX_CHILDREN]
        found = next((tag for tag in near if tag.name == opening.name), None)
        return found.end if found and found.closing else opening.end

    def block(self, start: int, end: int, names: Collection[str]) -> tuple[int, int]:
        """Return the span of an element of one of these names that contains nothing else; else the span itself."""
        index = self.index(start) - 1
        left = self.tags[index] if index >= 0 and self.tags[index].name in names else None
        right = self.tag(self.index(end), left.name, closing=True) if left and not left.closing else None
        if left and right and self.is_blank(left.end, start) and self.is_blank(end, right.start):
            return left.start, right.end
        return start, end

    def element(self, index: int, name: str) -> tuple[HtmlTag, HtmlTag, str] | None:
        """Return the tags and the text of an element that contains only a short text, perhaps with formatting."""
        opening = self.tag(index, name, closing=False)
        inside = self.tags[index + 1 : index + 1 + MAX_CHILDREN] if opening else ()
        closing = next((tag for tag in inside if tag.name == name or tag.name not in _FORMATTING), None)
        if not (opening and closing and closing.closing and closing.name == name) or (
            closing.start - opening.end > MAX_GAP_CHARS
        ):
            return None
        text = self.text[opening.end : closing.start]
        return None if CONVERTED in text else (opening, closing, _TAG.sub("", text).strip())

    def element_before(self, index: int, name: str) -> tuple[HtmlTag, HtmlTag, str] | None:
        """Like element(), for the element that ends with the tag at an index."""
        end = self.tag(index, name, closing=True)
        indices = range(index - 1, max(-1, index - 1 - MAX_CHILDREN), -1) if end else ()
        start = next((index for index in indices if self.tags[index].name == name), -1)
        found = self.element(start, name)
        return found if found and found[1] == end else None


# Character references and other escapes

_BODY = (
    r"(?:amp;)*(?:(amp|lt|gt|quot|apos|nbsp|[blr]dquo|[lr]squo|sbquo|[lr]s?aquo|acute|prime|Prime)"
    r"|#0{0,5}([0-9]{2,5})|#[xX]0{0,5}([0-9A-Fa-f]{2,4}));"
    r"|\\{1,7}(?:([\"'/nrt])|u([0-9A-Fa-f]{4}))"  # in a JSON string, which can be inside another
)
_ESCAPES = f"&{_BODY}"
_ESCAPE = lazy_pattern(_ESCAPES)
_ESCAPE_IN_JSON = lazy_pattern(rf"(?:&|\\{{1,7}}u0026){_BODY}")  # half as fast
# YAML and SQL double single quotes in single-quoted strings, CSV doubles double quotes.
_DOUBLED = {
    quote: lazy_pattern(
        f"={quote * 2}(?:gie-single|gie-slideshow|getty|(?:https?:)?//(?:embed(?:-cdn)?|www)\\.getty)"
    )
    for quote in "'\""
}
_OPENS_STRING = {"'": lazy_pattern("[:,(-] ?'"), '"': lazy_pattern('(?:^|[,;\t])"', re.MULTILINE)}
_ESCAPE_OR_DOUBLED = {quote: lazy_pattern(f"{_ESCAPES}|{quote * 2}") for quote in _DOUBLED}
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
_OTHER_QUOTES = frozenset(map(ord, "´′″«»‹›"))
_BACKSLASHED = {"n": "\n", "r": "\r", "t": "\t"}
_STRAIGHT = {**dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‘’‚‛′´‹›", "'")}


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A decoded text, with the positions after each escape, in the text (``ends``) and in the source."""

    source: str
    text: str
    ends: tuple[int, ...]
    source_ends: tuple[int, ...]

    def source_position(self, index: int) -> int:
        """Return where the character at ``index`` begins in the source."""
        last = bisect_right(self.ends, index) - 1
        return self.source_ends[last] + index - self.ends[last]

    def is_escaped(self, index: int) -> bool:
        """Return whether the character at ``index`` is escaped in the source."""
        char = self.source[self.source_position(index)]
        return char in "&\\" and char != self.text[index]


def decode(text: str) -> DecodedText:
    """Decode the escapes and typographic quotes that occur in embed code."""
    parts: list[str] = []
    ends, source_ends, length = [0], [0], 0
    for match in _escapes(text):
        if (char := _decode_escape(match)) is None:
            continue
        parts += text[source_ends[-1] : match.start()], char
        length += match.start() - source_ends[-1] + 1
        ends.append(length)
        source_ends.append(match.end())
    parts.append(text[source_ends[-1] :])
    decoded = "".join(parts)
    for quote, straight in _STRAIGHT.items():  # ten times faster than str.translate()
        decoded = decoded.replace(quote, straight)
    return DecodedText(text, decoded, tuple(ends), tuple(source_ends))


def _escapes(text: str) -> Iterable[re.Match[str]]:
    """Return the escape sequences in a text; most texts have none."""
    for quote, doubled in _DOUBLED.items():
        found = doubled.search(text) if f"={quote}{quote}" in text else None
        if found and _OPENS_STRING[quote].search(text, _line_start(text, found.start()), found.start()):
            return _ESCAPE_OR_DOUBLED[quote].finditer(text)
    if "\\u0026" in text:
        return _ESCAPE_IN_JSON.finditer(text)
    return _ESCAPE.finditer(text) if "&" in text or "\\" in text else ()


def _decode_escape(match: re.Match[str]) -> str | None:
    name, decimal, hexadecimal, char, code_unit = match.groups()
    if match[0] in ("''", '""'):
        return match[0][0]
    if name:
        return _NAMED[name]
    if char:
        return _BACKSLASHED.get(char, char)
    code = int(decimal) if decimal else int(hexadecimal or code_unit, 16)
    return chr(code) if 32 <= code < 127 or 0x2018 <= code <= 0x201F or code in _OTHER_QUOTES else None
