"""Find everything in a text that refers to a picture: shortcodes, bare URLs, what editors save.

The scanner is linear: literal searches lead from candidate to candidate, each of which is classified by examining
a bounded part of the text. A context tells whether it is in code, a comment or a tag. A malformed shortcode is
reported and left unchanged; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Literal, NamedTuple

from embedkit.models import NO_OPTIONS, AssetRef, Options, Problem, Shortcode
from embedkit.process import lazy_pattern, search_from_char
from embedkit.shortcodes import tag as tags
from embedkit.shortcodes.budget import DOCUMENT, Budget, Exhausted, Work
from embedkit.shortcodes.editors import MAX_HEAD_CHARS, THUMBNAIL, Editors, linked_url, titled
from embedkit.shortcodes.html import Context, HtmlContext, front_matter
from embedkit.shortcodes.markdown import CommonMarkContext, MarkdownContext
from embedkit.shortcodes.surroundings import CDATA, MAX_TAG_CHARS, PAD, Span, Surroundings
from embedkit.targets import Input

MAX_URL_CHARS = 2048
MAX_LABEL_CHARS = 2048  # of the text of a link or image, before its URL
MAX_LITERAL_CHARS = 24  # of the start of a candidate; the longest is //www.gettyimages.com

_CONTEXTS = {
    "text": Context,
    "html": HtmlContext,
    "markdown": MarkdownContext,
    "commonmark": CommonMarkContext,
}

# The literal first character lets sre skip to it. "[gettysburg" and "[getty-images]" are just words, but with a
# number, as in "[gety 74917285]" or "[getty:74917285]", a shortcode was intended. "[Getty Images]" is a credit.
_MISSPELLED = (
    r"(?i:e?t{1,3}e?(?:y|ie?)(?:[-_ ]?images?)?[ \t]*+[:=]?[ \t]*+(?:(?:src|id|url)=)?"
    r"[\"']?((?:[0-9]{5,12}|(?:https?:)?//[^\s\[\]\"'<>]{1,2048}))[\"']?[^\[\]<>\n]{0,200}\])(?![(:\[\]])"
)
_NAME = r"G(?:etty|ETTY)[ \t\xa0]++[A-Z][^\[\]0-9=\"'<>&]*+\]"
_TAG = lazy_pattern(
    rf"\[(?:(?!{_NAME})[gG][eE][tT][tT][yY](?=[\s\]=/&{tags.INVISIBLE}]|<(?:[bB][rR]|/[pP])|\Z)(?!\]\()"
    rf"|[{tags.WHITESPACE}]*+[gG]{_MISSPELLED})"
)
_AFTER_BRACKET = frozenset(f"gG{tags.WHITESPACE}")
_URL_START = lazy_pattern(r"/(?:/|\\/)(?:[a-zA-Z]{1,10}\.)?[gG](?i:ty\.i[a-z]|etty-?images?\.[a-z])")

_LINKED, _LINK_END = r"(?:<(?:a\s[^<>]*+>)?)?", r"(?:(?:</a\s*+)?>)?"  # editors turn URLs into links
_ENCLOSED = lazy_pattern(rf"{PAD}{_LINKED}([^\[\]<>]{{0,2048}}+){_LINK_END}{PAD}\[/getty[ \t]*+\]", re.IGNORECASE)
_NOT_A_LABEL = lazy_pattern(r"\[(?:\^|/?getty)", re.IGNORECASE)  # but a footnote, or an opening or closing tag
_LABEL = lazy_pattern(r"\[([^\[\]\n]{0,999}+)\]")
_DEFINITION = lazy_pattern(r"^ {0,3}\[([^\[\]\n]{1,999}+)\]:", re.MULTILINE)
# CommonMark 0.31, section 4.7: a URL and an optional title; with anything else it is not a definition.
_DEFINITION_URL = lazy_pattern(
    r":[ \t]*+(?:\r?\n[ \t]*+)?(?!\n)(?:<[^<>\n]*+>|[^\s<]\S*+)[ \t]*+(?:[\"'(]|\r?\n|\Z)"
)
_LINK_DELIMITERS = (":", "(", "[")
_IMAGE_LABEL = lazy_pattern(r"!\[([^\[\]\n]{0,999}+)\]\[([^\[\]\n]{0,999}+)\]")
_NOT_AN_IMAGE = "This is the URL of a page, which browsers can't show as an image; write it as ![title](URL)."
_NO_REFERENCE = "This shortcode doesn't name a picture; write it as [getty 74917285]."

_SCHEME = lazy_pattern(r"https?:\\?\Z|\\\Z", re.IGNORECASE)  # slashes can be escaped in JSON
_PAD_ENDS = frozenset((*tags.WHITESPACE, ">", ";", ""))  # last characters of a start tag, or of space after it
_BRACKETS = "<[(]"  # the characters before a URL that _read_brackets handles
# the first letters of elements that can wrap a bare URL; "a" is not among them
_WRAPPER_INITIALS = "pPdDsSeEbBiIuUfFmMcClLtToO"
_ATTRIBUTES = r"(?:\s++[a-z-]++=(?:\"[^\"<>\[\]]*+\"|'[^'<>\[\]]*+'|[^\s\"'<>\[\]]++))"
_EMBED = lazy_pattern(
    rf"(?<!(?<!CDATA)\[)\[embed({_ATTRIBUTES}*+)\s*+\]{PAD}{_LINKED}([^\s<>\"'\[\]`]{{1,2048}}+){_LINK_END}{PAD}"
    r"\[/embed\]",
    re.IGNORECASE,
)
_EMBED_TAG = lazy_pattern(rf"(?<!(?<!CDATA)\[)\[embed((?:{_ATTRIBUTES})+?)\s*+/?\](?:\[/embed\])?", re.IGNORECASE)
_EMBED_URL = lazy_pattern(r"\s(?:src|url)=[\"']?([^\s\"']++)", re.IGNORECASE)
_OEMBED = lazy_pattern(r"(<oembed>)\s*+([^\s<>\"'\[\]`]{1,2048}+)\s*+</oembed\s*+>", re.IGNORECASE)
_EMBED_SIZE = lazy_pattern(r"(width|height)=[\"']?([1-9][0-9]{0,4})(?![0-9])", re.IGNORECASE)
_TARGET = r"\([ \t]*+<?([^\s()<>]{1,2048}+)>?(?:[ \t]++(?:\"[^\"\n]{0,1024}+\"|'[^'\n]{0,1024}+'))?[ \t]*+"
_BACKSLASH_ESCAPE = lazy_pattern(r"\\([!-/:-@\[-`{-~])")  # CommonMark, section 2.4
_ESCAPED_IN_URL = lazy_pattern(r"\\([_*~-])")
_EMPHASIS = frozenset(("*", "_", "**", "__", "***", "___"))
_ATTRIBUTE_LIST = r"(?:\{[.#:\w][^{}\n]{0,200}+\})?+"  # of kramdown and Pandoc
_LINK = lazy_pattern(rf"\[([^\s\[\]]{{1,2048}}+)\]{_TARGET}\){_ATTRIBUTE_LIST}")
_AUTOLINK = lazy_pattern(rf">{_ATTRIBUTE_LIST}")
_IMAGE = lazy_pattern(
    r"!\[((?:[^\[\]\\]|\\.|\[[^\[\]]{0,200}+\]){0,1024}+)\](?!\([ \t]*+<?(?:https?:)?//(?:media|embed)\.)"
    rf"{_TARGET}(?:=([0-9]*)x?([0-9]*)[ \t]*+)?\)(\{{[^{{}}\n]{{0,200}}+\}})?",
    re.IGNORECASE,
)
_URL = lazy_pattern(rf"(?:https?:)?//[^\s<>\"'\[\]`]{{1,{MAX_URL_CHARS}}}+", re.IGNORECASE)
# A URL followed by words, the start of an element, or a bracket is not an embed, whatever precedes it.
_IN_SENTENCE = lazy_pattern(
    rf"(?:https?:)?//[^\s<>\"'\[\]`()]{{1,{MAX_URL_CHARS}}}+"
    r"(?=[ \t]++\w|<(?![/b]|o:|span class=\"?Apple-)|\[(?!/))",
    re.IGNORECASE,
)
_REST_OF_WORD = lazy_pattern(r"[^\s<>\"'\[]*+")  # which can't contain a URL on its own either
# Most candidates are plain and a paragraph of their own; matched with the end of the paragraph above.
_LONE = lazy_pattern(
    rf"[^\s<>\[\](*_:;\\{tags.INVISIBLE}]\n\n"
    rf"(?:\[getty ([0-9]++)\]|(https?://[^\s<>\"'\[\]`\\&]{{1,{MAX_URL_CHARS}}}+))(?=\n\n)"
)
Candidate = re.Match[str] | None
Warnings = tuple[tuple[str, str], ...]


def find(text: str, input: Input = "html", budget: Budget = DOCUMENT, work: Work | None = None) -> list[Shortcode]:
    """Find every candidate in a text, in order and without overlaps. Never raises.

    :param text: the whole text.
    :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: determines which parts are code, comments or
        tags, which stay unchanged.
    :param budget: if it is exceeded, the last candidate has a problem ``too-large``, and the rest is not read.
    :param work: the steps used so far, for texts that share a budget; by default, this text can use all of them.
    :returns: shortcodes (:class:`embedkit.models.Shortcode`); malformed ones have a problem.

    >>> [(one.start, one.end, one.reference) for one in find("A `[getty 1]` and [getty 74917285]", "markdown")]
    [(18, 34, '74917285')]
    """
    tag, url = _next_tag(text, 0), _URL_START.search(text)
    if tag is None and url is None:
        return []
    if len(text) > budget.chars:
        return _find_in_part(text, input, budget, work)
    return _Scan(text, input, budget, work).run(tag, url)


def protected(text: str, input: Input = "html", budget: Budget = DOCUMENT) -> Context:
    """Recognize code, comments, scripts and the insides of tags, consistently for everything that changes texts.

    Call ``.protected(place)`` with ascending positions; ``.skip(end)`` skips a part that will be replaced.

    :param input: ``html``, ``markdown``, ``commonmark`` or ``text``; in plain text nothing is protected.
    :returns: a context, which raises :class:`embedkit.shortcodes.budget.Exhausted` if the budget is exceeded.

    >>> protected("<pre>[getty 1]</pre>").protected(5)
    True
    """
    return _CONTEXTS[input](text, Work(budget))


def front_matter_end(text: str, input: Input) -> int:
    """Return where the front matter of a text ends; 0 if there is none.

    >>> front_matter_end("---\\ntitle: A\\n---\\nWords", "markdown")
    17
    """
    return 0 if input == "text" else front_matter(text)


def format(ref: AssetRef) -> str:
    """Format a reference as its canonical shortcode, which :func:`find` parses as the same reference.

    >>> format(AssetRef(("74917285",)))
    '[getty 74917285]'
    """
    return tags.write(ref)


def replace(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Apply edits ``(start, end, replacement)`` to a text. They must be in order and must not overlap.

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


def _next_tag(text: str, start: int) -> Candidate:
    return search_from_char(_TAG, "[", _AFTER_BRACKET, text, start)


def _sizes(attributes: str) -> Options:
    sizes = {name.lower(): int(pixels) for name, pixels in _EMBED_SIZE.findall(attributes)}
    return Options(sizes.get("width"), sizes.get("height"))


def _find_in_part(text: str, input: Input, budget: Budget, work: Work | None) -> list[Shortcode]:
    part = text[: budget.chars]
    return _Scan(part, input, budget, work).run(_TAG.search(part), _URL_START.search(part), whole=text)


class Positions:
    """Converts offsets in a text to lines and columns, counting on from the last offset if it can.

    >>> Positions("a\\nbc").of(3)
    (2, 2)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen, self._line, self._line_start = 0, 1, 0

    def of(self, place: int) -> tuple[int, int]:
        """Return the line and column of an offset, counted from 1; columns count code points."""
        text, seen = self._text, self._seen
        if place < seen:
            seen, self._line, self._line_start = 0, 1, 0
        newline = text.rfind("\n", seen, place)
        if newline >= 0:
            self._line += text.count("\n", seen, place)
            self._line_start = newline + 1
        self._seen = place
        return self._line, place - self._line_start + 1


class UrlMarkup(NamedTuple):
    """A URL with the markup around it; ``in_sentences`` if it is an embed even within a sentence."""

    span: Span
    url: str
    options: Options = NO_OPTIONS
    kind: Literal["url", "image"] = "url"
    in_sentences: bool = False


def _link_to_itself(link: re.Match[str]) -> UrlMarkup | None:
    """Parse a Markdown link whose text is its URL; a converter may have escaped characters in the text only."""
    url = linked_url(_BACKSLASH_ESCAPE.sub(r"\1", link[1]), link[2])
    return UrlMarkup(Span(*link.span()), url) if url else None


class _Scan:
    """A single pass over a text."""

    def __init__(self, text: str, input: Input, budget: Budget, work: Work | None) -> None:
        self._text = text
        self._max_references = budget.references
        self._work = work or Work(budget)
        self._context = _CONTEXTS[input](text, self._work)
        self._input: Input = "markdown" if input == "commonmark" else input  # only their code differs
        self._found: list[Shortcode] = []
        self._floor = 0  # the end of the last shortcode found
        self._place = 0  # the position of the current candidate
        self._positions: Positions | None = None
        self._editors: Editors | None = None
        self._around = Surroundings(text, self._input)

    def run(self, tag: Candidate, url: Candidate, *, whole: str = "") -> list[Shortcode]:
        """Find every candidate within the budget. Pass the ``whole`` text if this is only its first part."""
        try:
            self._run(tag, url)
            self._place = size = len(self._text)
            rest = max(self._floor, size - MAX_LITERAL_CHARS)  # a candidate may have been split
            if whole and (_TAG.search(whole, rest) or _URL_START.search(whole, rest)):
                raise Exhausted.of(size, "characters")
        except Exhausted as error:
            place = self._place
            problem = error.problem(*Positions(self._text).of(place))
            self._found.append(Shortcode(place, place + 1, "shortcode", problem=problem))
        return self._found

    def _run(self, tag: Candidate, url: Candidate) -> None:
        """Read one candidate after the other; each method returns where to continue."""
        text, step = self._text, self._work.step
        while tag or url:
            step()
            if tag and not (url and url.start() < tag.start()):
                end = self._read_tag(tag.start()) if tag[1] is None else self._report_misspelled(tag)
            elif url:  # pragma: no branch - there is at least one of the two
                end = self._read_url(url)
            if tag and tag.start() < end:
                tag = _next_tag(text, end)
            if url and url.start() < end:
                url = _URL_START.search(text, end)

    # -- shortcodes ---------------------------------------------------------------------------------------

    def _read_tag(self, place: int) -> int:
        """Read the tag at ``place``; return where to continue."""
        text = self._text
        self._place = place
        if lone := self._lone(place):
            return place + tags.HEAD_CHARS if self._context.protected(place) else self._add(lone)
        if self._is_labelled(place):
            return place + tags.HEAD_CHARS
        doubled = place > self._floor and text[place - 1] == "[" and not text.endswith(CDATA, 0, place)
        opening = self._opening(place) if self._may_open_paragraph(place) else -1
        if self._context.protected(place - doubled):
            return place + tags.HEAD_CHARS
        tag, end = self._read(place)
        start = place
        if doubled and tag.length and text[end : end + 1] == "]":
            start, end = place - 1, end + 1
        if (
            self._input == "markdown"
            and text[end : end + 1] in _LINK_DELIMITERS
            and self._is_link(start, end, tag)
        ):
            return place + tags.HEAD_CHARS
        if start < place:
            return self._add(Shortcode(start, end, "escape", place=start))
        if not tag.reference:
            return self._fail(place, end, tag.problem or _NO_REFERENCE, tag.warnings)
        if opening >= 0 and (closing := self._around.closing(end, "p")) >= 0:
            start, end = opening, closing
        warnings = tuple(self._problem(place, *warning) for warning in tag.warnings) if tag.warnings else ()
        return self._add(Shortcode(start, end, "shortcode", tag.reference, tag.options, place, None, warnings))

    def _lone(self, place: int) -> Shortcode | None:
        """Return the candidate at ``place`` if a single match shows that it is a Markdown paragraph of its own."""
        found = _LONE.match(self._text, place - 3) if place > 2 and self._input == "markdown" else None
        if found is None:
            return None
        kind: Literal["shortcode", "url"] = "shortcode" if found[1] else "url"
        return Shortcode(place, found.end(), kind, found[1] or found[2], NO_OPTIONS, place)

    def _is_labelled(self, place: int) -> bool:
        """Return whether ``[getty]`` is the text of a reference link, ``[getty][1]``, as _is_link() would."""
        label = place + tags.HEAD_CHARS
        has_label = self._input == "markdown" and self._text.startswith("][", label)
        return has_label and not _NOT_A_LABEL.match(self._text, label + 1)

    def _report_misspelled(self, tag: re.Match[str]) -> int:
        """Report a misspelled shortcode, and leave it unchanged."""
        place = self._place = tag.start()
        if self._context.protected(place) or self._text[max(0, place - 1) : place] == "[":
            return tag.end()
        return self._fail(place, tag.end(), f"This is not a shortcode. Did you mean [getty {tag[1]}]?", ())

    def _may_open_paragraph(self, place: int) -> bool:
        """Return False if a cheap check shows that there is no start tag of a paragraph right before ``place``."""
        text = self._text
        before = text[max(0, place - 3) : place].rstrip()
        if before.endswith(">"):
            opening = text.rfind("<", max(self._floor, place - MAX_TAG_CHARS), place)
            return text[opening + 1] in "pPbB"  # <p> or <br>
        return before[-1:] in _PAD_ENDS

    def _opening(self, place: int) -> int:
        """Return where the start tag of a paragraph right before ``place`` begins; -1 if there is none.

        The paragraph is replaced too, since it can't contain a figure. The tag must not be inside another tag.
        """
        opening = self._around.opening(place, "p") if self._input != "text" else -1
        return -1 if opening >= 0 and self._context.protected(opening) else opening

    def _read(self, place: int) -> tuple[tags.Tag, int]:
        """Parse a tag, including the reference that may follow as enclosed text; return it and where it ends."""
        text, limit = self._text, place + tags.MAX_TAG_CHARS
        tag = tags.read(text[place : text.find("]", place, limit) + 1])
        if not tag.length:  # the first "]" is inside quotes, or the tag is malformed
            following = _TAG.search(text, place + tags.HEAD_CHARS, limit)
            tag = tags.read.__wrapped__(text[place : following.start() if following else limit])
            if not tag.length:
                return tag, place + tags.HEAD_CHARS
        end = place + tag.length
        if tag.reference and text[end : end + 2] != "[/":
            return tag, end
        enclosed = _ENCLOSED.match(text, end)
        if enclosed:
            tag, end = tag._replace(reference=tag.reference or tags.unescape(enclosed[1]).strip()), enclosed.end()
        return tag._replace(reference=tag.reference or tag.alternative), end

    def _is_link(self, start: int, end: int, tag: tags.Tag) -> bool:
        """Return whether Markdown reads a link, such as ``[Getty Images](https://…)``, or a link definition."""
        text = self._text
        if text[end] == ":":
            return (start == 0 or text[start - 1] == "\n") and bool(_DEFINITION_URL.match(text, end))
        if text[end] == "(" or not tag.reference:
            return text[end] == "(" or not _NOT_A_LABEL.match(text, end)
        label = _LABEL.match(text, end)
        return label is not None and (label[1] or text[start + 1 : end - 1]).casefold() in self._labels

    @cached_property
    def _labels(self) -> frozenset[str]:
        """The labels of link definitions: ``[getty 1][2]`` is a link only if 2 is defined."""
        return frozenset(label.casefold() for label in _DEFINITION.findall(self._text))

    # -- URLs ---------------------------------------------------------------------------------------------

    def _read_url(self, found: re.Match[str]) -> int:
        """Read the URL around ``//``; return where to continue."""
        text, place = self._text, self._scheme_start(found.start())
        self._place = place
        if lone := self._lone(place):
            return found.end() if self._context.protected(place) else self._add(lone)
        if self._input != "text" and text[place - 1 : place] in ('"', "'", "="):
            return self._read_saved(place) or found.end()
        if in_sentence := _IN_SENTENCE.match(text, place):
            return in_sentence.end()
        if self._input == "markdown" and self._defines_image(place):
            return self._fail(place, found.end(), _NOT_AN_IMAGE, ())
        if not self._begins_line(place):
            word = _REST_OF_WORD.match(text, found.end())
            return word.end() if word else found.end()
        url = _URL.match(text, place)
        return (url and self._read_bare_url(place, url.end())) or found.end()

    def _defines_image(self, place: int) -> bool:
        """Return whether a URL is defined for a reference image: ``![a][1]`` and ``[1]: URL``."""
        first = max(self._floor, place - MAX_LABEL_CHARS)
        line = max(first, self._text.rfind("\n", first, place) + 1)
        found = _DEFINITION.match(self._text, line)
        if found is None or self._text[found.end() : place].strip(" \t<") or THUMBNAIL.match(self._text, place):
            return False
        return found[1].casefold() in self._image_labels and not self._context.protected(place)

    @cached_property
    def _image_labels(self) -> frozenset[str]:
        return frozenset((label or alt).casefold() for alt, label in _IMAGE_LABEL.findall(self._text))

    def _scheme_start(self, place: int) -> int:
        """Return where the scheme before ``//`` starts, or ``place`` if there is none."""
        text, floor = self._text, self._floor
        if text.startswith("https:", place - 6) and place - 6 >= floor:
            return place - 6
        if text[place - 1 : place] not in (":", "\\"):
            return place
        scheme = _SCHEME.search(text, max(floor, place - 8), place)
        return scheme.start() if scheme else place

    def _begins_line(self, place: int) -> bool:
        """Return whether a line, an element or a bracket starts right before a URL. Other URLs are ignored."""
        text = self._text
        if text[place - 1 : place] in "\n":  # or at the start of the text
            return True
        edge = self._around.edge(place, lines=False)
        before = text[edge - 1] if edge else "\n"
        if self._input == "text" or before != ">":
            starts = {"text": "\r\n", "html": f"\r\n{_BRACKETS}", "markdown": f"\r\n{_BRACKETS}*_"}
            return before in starts[self._input]
        if self._around.is_quote(edge):
            return True
        opening = text.rfind("<", max(self._floor, edge - MAX_URL_CHARS), edge)
        return opening >= 0 and text[opening + 1] in _WRAPPER_INITIALS

    def _read_saved(self, place: int) -> int:
        """Read the URL in markup that an editor saved; return where to continue, or 0 if it is something else."""
        if embed := self._embed_tag(place):
            return self._add_embed(*embed)
        start = self._text.rfind("<", max(self._floor, place - MAX_HEAD_CHARS), place)
        if start < 0:
            return 0
        editors = self._editors = self._editors or Editors(self._text)
        saved = editors.read(start)
        if saved is None:
            return 0
        span = outer = Span(start, saved.end)
        if saved.kind == "oembed":
            outer = self._around.element(span, "figure")
        if saved.kind == "url":  # a link to itself, which stays a link within a sentence
            if embed := self._embed_around(span):
                return self._add_embed(*embed)
            alone = self._around.alone(*span)
            if alone is None:
                return 0
            outer = alone
        elif saved.kind != "wp-embed" and outer.start == start:
            outer = self._around.element(span, "p")
        if self._is_protected(outer.start, start):
            return 0
        return self._add(Shortcode(*outer, saved.kind, saved.url, saved.options, start))

    def _embed_tag(self, place: int) -> tuple[Span, str, str] | None:
        """Match ``[embed src="URL"]``; return its span, URL and attributes."""
        opening = self._text.rfind("[", max(self._floor, place - MAX_LABEL_CHARS), place)
        found = _EMBED_TAG.match(self._text, opening) if opening >= 0 else None
        url = _EMBED_URL.search(found[1]) if found else None
        return (Span(*found.span()), url[1], found[1]) if found and url and found.end() > place else None

    def _embed_around(self, link: Span) -> tuple[Span, str, str] | None:
        """Match ``[embed]`` around a URL that an editor turned into a link."""
        edge = self._around.edge(link.start)
        opening = self._text.rfind("[", max(self._floor, edge - MAX_LABEL_CHARS), edge)
        found = _EMBED.match(self._text, opening) if opening >= 0 and self._text[edge - 1] == "]" else None
        return (Span(*found.span()), found[2], found[1]) if found and found.end() >= link.end else None

    def _add_embed(self, span: Span, url: str, attributes: str) -> int:
        if self._context.protected(span.start):
            return 0
        return self._add(Shortcode(*span, "url", tags.unescape(url), _sizes(attributes), span.start))

    def _is_protected(self, outer: int, inner: int) -> bool:
        """Return whether the candidate or the element around it is protected."""
        protected = self._context.protected
        return protected(outer) or (inner != outer and protected(inner))

    def _read_bare_url(self, start: int, end: int) -> int:
        """Read a URL that is alone on its line or in its element, or in embedding brackets; 0 if it isn't."""
        text = self._text
        found = (self._read_brackets(start, end) if self._input != "text" else None) or UrlMarkup(
            Span(start, end), text[start:end]
        )
        span, url = found.span, found.url
        if self._input == "markdown" and "\\" in url:  # a hard line break, or characters that converters escape
            url = _ESCAPED_IN_URL.sub(r"\1", url.removesuffix("\\"))
        outer = self._around.alone(*span) or (span if found.in_sentences else None)
        if outer is None or self._is_protected(outer.start, span.start):
            return 0
        return self._add(Shortcode(*outer, found.kind, tags.unescape(url), found.options, span.start))

    def _read_brackets(self, start: int, end: int) -> UrlMarkup | None:
        """Match the markup around a URL: ``[embed]``, ``<oembed>``, or brackets and emphasis of Markdown."""
        edge = self._around.edge(start)
        before = self._text[edge - 1] if edge > self._floor else ""
        if before in ("]", "<") and (found := self._match_before(_EMBED, "[", edge - 1, start)):
            return UrlMarkup(Span(*found.span()), found[2], _sizes(found[1]), in_sentences=True)
        if before == ">" and (found := self._match_before(_OEMBED, "<", edge, start)):
            return UrlMarkup(self._around.element(Span(*found.span()), "figure"), found[2], in_sentences=True)
        return self._read_markdown(before, edge, Span(start, end)) if self._input == "markdown" else None

    def _read_markdown(self, before: str, edge: int, url: Span) -> UrlMarkup | None:
        """Match ``<URL>``, ``*URL*``, ``[URL](URL)`` and ``![](URL)``."""
        text = self._text
        if before in ("(", "<") and (image := self._match_before(_IMAGE, "![", edge - 1, url.start)):
            alt, _, width, height, attributes = image.groups()
            title = titled(_BACKSLASH_ESCAPE.sub(r"\1", alt))
            options = _sizes(f"width={width} height={height} {attributes}").over(title)
            return UrlMarkup(Span(*image.span()), image[2], options, "image", in_sentences=True)
        if before == "(" and (link := self._match_before(_LINK, "[", edge - 1, url.start)):
            return _link_to_itself(link)
        if before == "<" and (closing := _AUTOLINK.match(text, url.end)):
            return UrlMarkup(Span(url.start - 1, closing.end()), text[slice(*url)])
        if before == "[" and (link := _LINK.match(text, edge - 1)):
            return _link_to_itself(link)
        if before in ("*", "_"):
            source = text[slice(*url)]
            delimiter = source[len(source.rstrip(before)) :]
            if delimiter in _EMPHASIS and text.startswith(delimiter, url.start - len(delimiter)):
                return UrlMarkup(Span(url.start - len(delimiter), url.end), source.removesuffix(delimiter))
        return None

    def _match_before(self, pattern: re.Pattern[str], start: str, edge: int, url: int) -> re.Match[str] | None:
        """Match a pattern at the last ``start`` before ``edge``, if its second group begins at ``url``."""
        opening = self._text.rfind(start, max(self._floor, edge - MAX_LABEL_CHARS), edge)
        found = pattern.match(self._text, opening) if opening >= 0 else None
        return found if found and found.start(2) == url else None

    # -- results ------------------------------------------------------------------------------------------

    def _add(self, shortcode: Shortcode) -> int:
        """Add a shortcode, whose whole span will be replaced; return where to continue."""
        content = self._around.content(shortcode.start, shortcode.end)
        end = self._append(shortcode if content == "flow" else shortcode._replace(content=content))
        self._context.skip(end)
        return end

    def _fail(self, start: int, end: int, detail: str, warnings: Warnings) -> int:
        problem = self._problem(start, "shortcode", detail)
        problems = tuple(self._problem(start, *warning) for warning in warnings)
        return self._append(Shortcode(start, end, "shortcode", place=start, problem=problem, warnings=problems))

    def _append(self, shortcode: Shortcode) -> int:
        if len(self._found) == self._max_references:
            raise Exhausted.of(self._max_references, "references")
        self._found.append(shortcode)
        self._floor = self._around.floor = shortcode.end
        return shortcode.end

    def _problem(self, place: int, code: str, detail: str) -> Problem:
        positions = self._positions = self._positions or Positions(self._text)
        return Problem(*positions.of(place), code, detail)
