"""Everything in a text that asks for a picture: shortcodes, bare URLs, what editors save.

A linear scanner: searches for literals lead from candidate to candidate, a bounded look at each one
tells what it is, and a context (what is code, comment, tag) is asked about the stretch since the last.
A shortcode that can't be read stays as written and is reported; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from embedkit.models import AssetRef, Problem, Shortcode
from embedkit.process import lazy_pattern
from embedkit.shortcodes import tag as tags
from embedkit.shortcodes.budget import DOCUMENT, Budget, Exhausted, Work
from embedkit.shortcodes.editors import MAX_HEAD_CHARS, Editors
from embedkit.shortcodes.html import Context, HtmlContext
from embedkit.shortcodes.markdown import MarkdownContext
from embedkit.targets import Input

MAX_URL_CHARS = 2048
MAX_LITERAL_CHARS = 24  # the longest start of a candidate, such as //www.gettyimages.com
MAX_PARAGRAPH_CHARS = 4096  # that are looked back for the start of a paragraph: who forgets its end means one line

_CONTEXTS = {"text": Context, "html": HtmlContext, "markdown": MarkdownContext}

# A literal first character makes sre skip to it; "[gettysburg" and "[getty-images]" are just words.
_TAG = re.compile(r"\[[gG][eE][tT][tT][yY](?=[\s\]=/&]|\Z)(?!\]\()")
_URL_START = re.compile(r"/(?:/|\\/)(?:[a-zA-Z]{1,10}\.)?[gG](?i:ty\.im|ettyimages\.[a-z])")

_ENCLOSED = lazy_pattern(r"([^\[\]<>]{0,2048}+)\[/getty[ \t]*+\]", re.IGNORECASE)
_NO_LABEL = lazy_pattern(r"\[(?:\^|/?getty)", re.IGNORECASE)  # "[getty 1][2]" is a link, a footnote is none
_LINK_SIGNS = (":", "(", "[")
_NO_REFERENCE = "This shortcode names no picture; write it as [getty 74917285]."

_SCHEME = lazy_pattern(r"https?:\\?\Z|\\\Z", re.IGNORECASE)  # in JSON slashes may be escaped
_URL = lazy_pattern(rf"(?:https?:)?//[^\s<>\"'\[\]`]{{1,{MAX_URL_CHARS}}}+", re.IGNORECASE)
_GLUED = lazy_pattern(r"[^\s<>\"'\[]*+")  # what follows in a word can't be alone either
_LINE_END = lazy_pattern(r"[ \t\r]*+(?=\n|\Z)")
# Lines of Markdown that are not part of the paragraph next to them; more URLs make a gallery.
_APART = r"[ \t\r>]*+|[ \t]*+(?:#{1,6}[ \t].*|(?:```|~~~).*|<?(?:https?:)?//\S++[ \t\r]*+|<[^<>]*+>[ \t\r]*+"
_ABOVE = lazy_pattern(_APART + r"|(?:[-*_][ \t\r]*+){3,}+)", re.IGNORECASE)
_BELOW = lazy_pattern(_APART + r"|[-+*][ \t].*)", re.IGNORECASE)
_DIV = (
    lazy_pattern(r"<div(?:[ \t\r\n][^<>]*+)?>[ \t\r\n]*+", re.IGNORECASE),
    lazy_pattern(r"[ \t\r\n]*+</div[ \t\r\n]*+>", re.IGNORECASE),
)
_FIGURE = (
    lazy_pattern(r"<figure(?:[ \t\r\n][^<>]*+)?>[ \t\r\n]*+", re.IGNORECASE),
    lazy_pattern(r"[ \t\r\n]*+</figure[ \t\r\n]*+>", re.IGNORECASE),
)
_P = (
    lazy_pattern(r"<p(?:[ \t\r\n][^<>]*+)?>[ \t\r\n]*+", re.IGNORECASE),
    lazy_pattern(r"[ \t\r\n]*+</p[ \t\r\n]*+>", re.IGNORECASE),
)
Element = tuple[re.Pattern[str], re.Pattern[str]]  # its start tag and its end tag, with the space inside
Candidate = re.Match[str] | None
Warnings = tuple[tuple[str, str], ...]


def find(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> list[Shortcode]:
    """Every candidate of a text, in order, none overlapping another; nothing is raised.

    :param text: read once as a whole, whatever it holds.
    :param input: ``html``, ``markdown`` or ``text``: what counts as code, comment or tag and stays as it is.
    :param budget: where it is exceeded the last candidate has a problem ``too-large``, and nothing behind it is
        looked at.
    :returns: shortcodes (:class:`embedkit.models.Shortcode`); one that can't be read has a problem.

    >>> [(one.start, one.end, one.reference) for one in find("A `[getty 1]` and [getty 74917285]", "markdown")]
    [(18, 34, '74917285')]
    """
    tag, url = _TAG.search(text), _URL_START.search(text)
    if tag is None and url is None:
        return []
    if len(text) > budget.chars:
        return _find_in_part(text, input, budget)
    return _Scan(text, input, budget).run(tag, url)


def protected(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Context:
    """What is code in a text, or a comment, a script, the inside of a tag: one answer for all who change texts.

    Ask ``.protected(place)``, place after place in order; ``.skip(end)`` passes over what will be replaced.

    :param input: ``html``, ``markdown`` or ``text``; in plain text nothing is protected.
    :returns: a context, which raises :class:`embedkit.shortcodes.budget.Exhausted` past the budget.

    >>> protected("<pre>[getty 1]</pre>").protected(5)
    True
    """
    return _CONTEXTS[input](text, Work(budget))


def format(ref: AssetRef) -> str:
    """The canonical shortcode of a reference: :func:`find` reads the same from it.

    >>> format(AssetRef(("74917285",)))
    '[getty 74917285]'
    """
    return tags.write(ref)


def replace(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with every ``(start, end, replacement)`` done; edits in order, none overlapping.

    >>> replace("abc", [(1, 2, "-")])
    'a-c'
    """
    parts: list[str] = []
    last = 0
    for start, end, replacement in edits:
        parts += (text[last:start], replacement)
        last = end
    parts.append(text[last:])
    return "".join(parts)


def _find_in_part(text: str, input: Input, budget: Budget) -> list[Shortcode]:
    part = text[: budget.chars]
    return _Scan(part, input, budget).run(_TAG.search(part), _URL_START.search(part), whole=text)


class Positions:
    """Lines and columns of places in a text; from one place to a later one only what is between is counted.

    >>> Positions("a\\nbc").of(3)
    (2, 2)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen, self._line, self._line_start = 0, 1, 0

    def of(self, place: int) -> tuple[int, int]:
        """Line and column of a place, from 1; columns count code points."""
        text, seen = self._text, self._seen
        if place < seen:
            seen, self._line, self._line_start = 0, 1, 0
        newline = text.rfind("\n", seen, place)
        if newline >= 0:
            self._line += text.count("\n", seen, place)
            self._line_start = newline + 1
        self._seen = place
        return self._line, place - self._line_start + 1


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


class _Scan:
    """One pass over one text."""

    def __init__(self, text: str, input: Input, budget: Budget) -> None:
        self._text = text
        self._input = input
        self._max_references = budget.references
        self._work = Work(budget)
        self._context = _CONTEXTS[input](text, self._work)
        self._found: list[Shortcode] = []
        self._floor = 0  # the end of what was found last
        self._place = 0  # what is looked at
        self._positions: Positions | None = None
        self._editors: Editors | None = None
        self._paragraphs: _Paragraphs | None = None

    def run(self, tag: Candidate, url: Candidate, *, whole: str = "") -> list[Shortcode]:
        """Every candidate, as far as the budget reaches; ``whole`` is what the text is the first part of."""
        try:
            self._run(tag, url)
            self._place = size = len(self._text)
            rest = max(self._floor, size - MAX_LITERAL_CHARS)  # it may have been cut in two
            if whole and (_TAG.search(whole, rest) or _URL_START.search(whole, rest)):
                raise Exhausted.of(size, "characters")
        except Exhausted as error:
            place = self._place
            problem = error.problem(*Positions(self._text).of(place))
            self._found.append(Shortcode(place, place + 1, "shortcode", problem=problem))
        return self._found

    def _run(self, tag: Candidate, url: Candidate) -> None:
        """Go from candidate to candidate; each reader returns where to go on."""
        text, step = self._text, self._work.step
        while tag or url:
            step()
            if tag and not (url and url.start() < tag.start()):
                end = self._read_tag(tag.start())
            elif url:  # pragma: no branch - there is one of the two
                end = self._read_url(url)
            if tag and tag.start() < end:
                tag = _TAG.search(text, end)
            if url and url.start() < end:
                url = _URL_START.search(text, end)

    # -- shortcodes ---------------------------------------------------------------------------------------

    def _read_tag(self, place: int) -> int:
        """Read the tag at ``place``; returns where to go on."""
        text = self._text
        self._place = place
        doubled = place > self._floor and text[place - 1] == "["
        before = text[place - 3 : place].rstrip()  # mostly shows that no tag is there
        opening = self._opening(place, _P) if before[-1:] in (">", "") else -1
        if self._context.protected(place - doubled):
            return place + tags.HEAD_CHARS
        tag, end = self._read(place)
        start = place
        if doubled and tag.length and text[end : end + 1] == "]":
            start, end = place - 1, end + 1
        if self._input == "markdown" and text[end : end + 1] in _LINK_SIGNS and self._is_link(start, end):
            return place + tags.HEAD_CHARS
        if start < place:
            return self._add(Shortcode(start, end, "escape", place=start))
        if not tag.reference:
            return self._fail(place, end, tag.problem or _NO_REFERENCE, tag.warnings)
        if opening >= 0 and (closing := _P[1].match(text, end)):
            start, end = opening, closing.end()
        warnings = tuple(self._problem(place, *one) for one in tag.warnings) if tag.warnings else ()
        return self._add(Shortcode(start, end, "shortcode", tag.reference, tag.options, place, None, warnings))

    def _read(self, place: int) -> tuple[tags.Tag, int]:
        """A tag, with its reference, which may follow as enclosed text, and the end of all of it."""
        text, limit = self._text, place + tags.MAX_TAG_CHARS
        tag = tags.read(text[place : text.find("]", place, limit) + 1])
        if not tag.length:  # the first "]" was inside quotes, or there is more amiss
            following = _TAG.search(text, place + tags.HEAD_CHARS, limit)
            tag = tags.read.__wrapped__(text[place : following.start() if following else limit])
            if not tag.length:
                return tag, place + tags.HEAD_CHARS
        end = place + tag.length
        if tag.reference and text[end : end + 2] != "[/":
            return tag, end
        enclosed = _ENCLOSED.match(text, end)
        if enclosed is None:
            return tag, end
        return tag._replace(reference=tag.reference or tags.unescape(enclosed[1]).strip()), enclosed.end()

    def _is_link(self, start: int, end: int) -> bool:
        """Whether Markdown reads a link, such as ``[Getty Images](https://…)``, or the definition of one."""
        text = self._text
        if text[end] == ":":
            return start == 0 or text[start - 1] == "\n"
        return text[end] == "(" or not _NO_LABEL.match(text, end)

    # -- URLs ---------------------------------------------------------------------------------------------

    def _read_url(self, found: re.Match[str]) -> int:
        """Look at the URL around ``//``; returns where to go on."""
        text, place = self._text, self._scheme_start(found.start())
        self._place = place
        if self._input != "text" and text[place - 1 : place] in ('"', "'"):
            return self._read_saved(place) or found.end()
        if not self._begins_line(place):
            glued = _GLUED.match(text, found.end())
            return glued.end() if glued else found.end()
        url = _URL.match(text, place)
        return (url and self._read_bare_url(place, url.end())) or found.end()

    def _scheme_start(self, place: int) -> int:
        """Where the scheme before ``//`` starts, if there is one."""
        text, floor = self._text, self._floor
        if text.startswith("https:", place - 6) and place - 6 >= floor:
            return place - 6
        if text[place - 1 : place] not in (":", "\\"):
            return place
        scheme = _SCHEME.search(text, max(floor, place - 8), place)
        return scheme.start() if scheme else place

    def _begins_line(self, place: int) -> bool:
        """Whether nothing but a line's or an element's start is before a URL: only then it is read."""
        text, edge = self._text, self._without_blanks(place)
        sign = text[edge - 1] if edge else "\n"
        if sign == "<":
            return self._input == "markdown" and edge == place
        if sign != ">" or self._input == "text":
            return sign in "\r\n"
        opening = text.rfind("<", max(self._floor, edge - MAX_URL_CHARS), edge)
        return opening >= 0 and text[opening + 1] in "pPdD"  # no other element counts

    def _read_saved(self, place: int) -> int:
        """A URL in what an editor saved; returns where to go on, or 0 where it is something else."""
        start = self._text.rfind("<", max(self._floor, place - MAX_HEAD_CHARS), place)
        if start < 0:
            return 0
        editors = self._editors = self._editors or Editors(self._text)
        saved = editors.read(start)
        if saved is None:
            return 0
        outer = start, saved.end
        if saved.kind == "oembed":
            outer = self._wrap(*outer, _FIGURE)
        if saved.kind != "wp-embed" and outer[0] == start:
            outer = self._wrap(*outer, _P)
        if self._context.protected(start):
            return 0
        return self._add(Shortcode(*outer, saved.kind, saved.url, saved.options, start))

    def _read_bare_url(self, start: int, end: int) -> int:
        """A URL alone on its line, or in its element; 0 where there is more."""
        text = self._text
        if text[end : end + 1] == "<" and text[end + 1 : end + 2] != "/":
            return 0
        outer = self._wrap(start, end, _P)
        if outer == (start, end):
            if self._input == "markdown" and text[start - 1 : start] == "<" and text.startswith(">", end):
                outer = start, end = start - 1, end + 1
            if not self._is_alone(start, end):
                return 0
        if self._context.protected(start):
            return 0
        return self._add(Shortcode(*outer, "url", tags.unescape(text[start:end].strip("<>")), place=start))

    def _is_alone(self, start: int, end: int) -> bool:
        text, before = self._text, self._without_blanks(start)
        below = _LINE_END.match(text, end)
        if below is None or (before and text[before - 1] != "\n"):
            return self._input == "html" and self._is_in_division(start, end)
        if self._input == "markdown":
            return _is_paragraph(text, before, below.end())
        if self._input == "text":
            return True
        paragraphs = self._paragraphs = self._paragraphs or _Paragraphs(text)
        return not paragraphs.contain(before)

    def _without_blanks(self, place: int) -> int:
        """Where the blanks before ``place`` begin; each run of them is before one candidate only."""
        text, floor = self._text, self._floor
        while place > floor and text[place - 1] in " \t":
            place -= 1
        return place

    # -- elements around ----------------------------------------------------------------------------------

    def _is_in_division(self, start: int, end: int) -> bool:
        if not _DIV[1].match(self._text, end):
            return False
        opening = self._text.rfind("<", max(self._floor, start - MAX_URL_CHARS), start)
        return opening >= 0 and _DIV[0].fullmatch(self._text, opening, start) is not None

    def _opening(self, start: int, element: Element) -> int:
        """Where the element's start tag, right before ``start``, begins; -1 where there is none.

        A figure may not be inside of a paragraph. The tag must be one: not part of another's.
        """
        if self._input == "text":
            return -1
        text, first = self._text, max(self._floor, start - MAX_URL_CHARS)
        edge = text.rfind(">", first, start) + 1
        if not edge or not (edge == start or text[edge:start].isspace()):
            return -1
        opening = text.rfind("<", first, edge)
        if opening < 0 or not element[0].fullmatch(text, opening, start) or self._context.protected(opening):
            return -1
        return opening

    def _wrap(self, start: int, end: int, element: Element) -> tuple[int, int]:
        """The span of the element that holds nothing but ``start`` to ``end``, else just these."""
        closing = element[1].match(self._text, end)
        opening = self._opening(start, element) if closing else -1
        return (opening, closing.end()) if closing and opening >= 0 else (start, end)

    # -- results ------------------------------------------------------------------------------------------

    def _add(self, shortcode: Shortcode) -> int:
        """Add what was found, all of which will be replaced; returns where to go on."""
        end = self._append(shortcode)
        self._context.skip(end)
        return end

    def _fail(self, start: int, end: int, detail: str, warnings: Warnings) -> int:
        problem = self._problem(start, "shortcode", detail)
        problems = tuple(self._problem(start, *one) for one in warnings)
        return self._append(Shortcode(start, end, "shortcode", place=start, problem=problem, warnings=problems))

    def _append(self, shortcode: Shortcode) -> int:
        if len(self._found) == self._max_references:
            raise Exhausted.of(self._max_references, "references")
        self._found.append(shortcode)
        self._floor = shortcode.end
        return shortcode.end

    def _problem(self, place: int, code: str, detail: str) -> Problem:
        positions = self._positions = self._positions or Positions(self._text)
        return Problem(*positions.of(place), code, detail)


def _is_paragraph(text: str, start: int, end: int) -> bool:
    """Whether the line of Markdown from ``start`` to ``end`` is a paragraph of its own."""
    above = text[text.rfind("\n", 0, start - 1) + 1 : start - 1] if start else ""
    below = text.find("\n", end + 1)
    next_line = text[end + 1 : below if below >= 0 else len(text)]
    return (not above or bool(_ABOVE.fullmatch(above))) and (not next_line or bool(_BELOW.fullmatch(next_line)))
