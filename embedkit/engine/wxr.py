"""WordPress exports (WXR): read post by post, however large, and written back byte for byte.

An export is RSS with WordPress's own elements. It is not parsed and written again as XML: a post ends at the first
``</item>`` outside of CDATA, and a change is applied where each character of a text is written (in CDATA, which is
split where the text contains ``]]>``, or with entities). So all other bytes are preserved, even damaged ones.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from operator import attrgetter
from typing import NamedTuple

from embedkit.engine.sources import Post, Source
from embedkit.files.atomic import Read
from embedkit.getty import embed_code
from embedkit.models import Problem
from embedkit.process import lazy_pattern
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import TOO_LARGE
from embedkit.shortcodes.scan import Positions

CHUNK_BYTES = 1 << 20
MAX_POST_BYTES = 1 << 24  # a larger one is copied unchanged, and reported
TITLE_CHARS = 80

_MARK = re.compile(rb"<!\[CDATA\[|<!--|<(/?)item[ \t\r\n>]")
_MARK_BYTES = 9
_CLOSERS = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_HINTS = (b"gett", b"gety", b"gty.im", b"gie.widgets")  # a post without any of these has no pictures

_CDATA = r"<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>"
_ELEMENT = lazy_pattern(
    r"<(title|link|wp:post_id|content:encoded|excerpt:encoded|wp:comment_content|wp:meta_key|wp:meta_value)>"
    rf"((?:[^<]++|{_CDATA})*+)</\1>"
)
_PIECE = lazy_pattern(rf"({_CDATA})|(&(?:lt|gt|amp|quot|apos|#[0-9]{{1,7}}|#x[0-9A-Fa-f]{{1,6}});)|[^<&]++|&")
_CONVERTED = ("content:encoded", "excerpt:encoded")

_COMMENT = "This embed code in a comment is left unchanged, because WordPress ignores shortcodes in comments."
_FIELD = "This embed code in the custom field {} is left unchanged: WordPress may store its length with it."
_CACHE = (
    "This is WordPress's cached copy of an embed, in {}; it is left unchanged. Delete it after the import, so"
    " that no withdrawn picture reappears: wp embed cache clear {}"
)
_LARGE_POST = f"This post has more than {MAX_POST_BYTES:,} bytes and is left unchanged."


class Part(NamedTuple):
    """A part of an export: a post, a post that is too large to be read, or what is between two posts."""

    data: bytes
    line: int
    is_post: bool = False
    is_too_large: bool = False


class Piece(NamedTuple):
    """A piece of a text that is written in one way."""

    text: int  # where it begins in the text
    post: int  # where it begins in the post
    chars: int  # length of each of its characters in the post
    is_cdata: bool


class ElementText(NamedTuple):
    """The text of an element of a post."""

    element: str
    source: Source
    pieces: tuple[Piece, ...]
    key: str = ""  # name of the custom field

    @property
    def may_ask(self) -> bool:
        """Whether it may contain pictures; for comments and fields, only as embed code."""
        return self.element in _CONVERTED or bool(embed_code.outside_code(self.source.text))

    def changes(self) -> embed_code.Edits:
        """Return the edits that convert its embed code, or the problems of embed code that is left unchanged."""
        if self.element in _CONVERTED:
            return embed_code.changes(self.source.text)
        return embed_code.Edits((), tuple(self._left()))

    def edit(self, post: str, start: int, end: int, written: str) -> tuple[int, int, str]:
        """Return an edit of the text as an edit of the post; adjacent CDATA stays CDATA."""
        first, _, begins = self._place(start)
        _, last, ends = self._place(end - 1)
        if begins != ends:
            written += "]]>" if begins else "<![CDATA["
        elif "]]>" in (post[max(0, first - 2) : first] + written)[-2:] + post[last : last + 2]:
            written += "]]><![CDATA[" if ends else "<![CDATA[]]>"
        return first, last, written

    def _place(self, index: int) -> tuple[int, int, bool]:
        """Return where a character of the text is written in the post, and whether it is in CDATA."""
        piece = self.pieces[bisect_right(self.pieces, index, key=attrgetter("text")) - 1]
        start = piece.post + (index - piece.text) * piece.chars
        return start, start + piece.chars, piece.is_cdata

    def _left(self) -> Iterator[Problem]:
        positions, source = Positions(self.source.text), self.source
        for found in embed_code.outside_code(source.text):
            yield Problem(*positions.of(found.start), "embed-code", self._reason())

    def _reason(self) -> str:
        if self.element == "wp:comment_content":
            return _COMMENT
        post = self.source.post.id if self.source.post else ""
        return _CACHE.format(self.key, post) if self.key.startswith("_oembed_") else _FIELD.format(self.key)


class ConvertedPost(NamedTuple):
    """A part of an export after conversion.

    :param part: the part before conversion.
    :param data: its bytes after conversion.
    :param converted: number of pieces of embed code turned into shortcodes.
    :param left: problems of embed code that is left unchanged, each with its text.
    """

    part: Part
    data: bytes
    converted: int = 0
    left: tuple[tuple[Source, Problem], ...] = ()


def texts(export: Source) -> Iterator[Source]:
    """Yield the texts of an export that may contain pictures, one at a time, each with its post and line numbers.

    :raises OSError: if it can't be read.
    """
    with open(export.name, "rb") as file:
        for part in parts(file.read):
            if _may_ask(part):
                yield from (text.source for text in _texts(export, part, _decode(part.data)) if text.may_ask)


def convert(export: Source, read: Read) -> Iterator[ConvertedPost]:
    """Yield all parts of an export, in order, with pasted embed code turned into shortcodes.

    :param read: returns the next bytes of it, at most as many as requested.
    """
    for part in parts(read):
        if part.is_too_large:
            source = replace(export, first_line=part.line)
            yield ConvertedPost(part, part.data, 0, ((source, Problem(1, 1, TOO_LARGE, _LARGE_POST)),))
        else:
            yield _convert(export, part) if _may_ask(part) else ConvertedPost(part, part.data)


def _convert(export: Source, part: Part) -> ConvertedPost:
    post, count = _decode(part.data), 0
    edits: list[tuple[int, int, str]] = []
    left: list[tuple[Source, Problem]] = []
    for text in _texts(export, part, post):
        done = text.changes()
        edits += [text.edit(post, *edit) for edit in done.edits]
        left += [(text.source, problem) for problem in done.problems]
        count += done.converted
    return ConvertedPost(part, _encode(scan.replace(post, edits)) if edits else part.data, count, tuple(left))


def _may_ask(part: Part) -> bool:
    data = part.data.lower() if part.is_post else b""
    return any(hint in data for hint in _HINTS)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _texts(export: Source, part: Part, post: str) -> Iterator[ElementText]:
    """Yield the texts of a post, except its title and other elements that identify the post."""
    found, key = list(_ELEMENT.finditer(post)), ""
    about = {name: _read(post, *match.span(2))[0].strip() for match in reversed(found) for name in [match[1]]}
    title = " ".join(about.get("title", "").split())[:TITLE_CHARS]
    named = Post(about.get("wp:post_id", ""), title, about.get("link", ""))
    positions = Positions(post)
    for element in found:
        if element[1] == "wp:meta_key":
            key = _read(post, *element.span(2))[0]
        elif element[1].partition(":")[2] not in ("", "post_id"):
            text, pieces = _read(post, *element.span(2))
            line, column = positions.of(pieces[0].post if pieces else element.start(2))
            source = replace(export, text=text, first_line=part.line + line - 1, first_column=column, post=named)
            yield ElementText(element[1], source, pieces, key)


def _read(post: str, start: int, end: int) -> tuple[str, tuple[Piece, ...]]:
    """Return the text of an element from the markup between its tags, and the position of each piece."""
    result: list[str] = []
    pieces: list[Piece] = []
    length = 0
    for found in _PIECE.finditer(post, start, end):
        text = found[1][9:-3] if found[1] else unescape(found[0]) if found[2] else found[0]
        if text:
            place = found.start() + (9 if found[1] else 0)
            pieces.append(Piece(length, place, len(found[0]) if found[2] else 1, bool(found[1])))
            result.append(text)
            length += len(text)
    return "".join(result), tuple(pieces)


def parts(read: Read) -> Iterator[Part]:
    """Split an export into posts and what is between them; joined, the parts are the whole export."""
    window, line = _Window(), 1
    for part in window.parts(read):
        yield part._replace(line=line)
        line += part.data.count(b"\n")


class _Window:
    """The part of an export that has been read but not yet yielded; it is searched only once."""

    def __init__(self) -> None:
        self._data = b""
        self._place = 0  # searched up to here
        self._closer = b""  # end of the CDATA section or comment that is open here

    def parts(self, read: Read) -> Iterator[Part]:
        is_post = is_too_large = False
        while True:
            mark = self._next_mark()
            if mark and bool(mark[1]) == is_post:  # the end of a post, or the start of one outside any post
                end = mark.end() if is_post else mark.start()
                yield Part(self._cut(end), 0, is_post and not is_too_large)
                is_post, is_too_large = not is_post, False
            elif not mark:
                if not is_post or len(self._data) > MAX_POST_BYTES:
                    yield Part(self._cut(self._place), 0, is_too_large=is_post and not is_too_large)
                    is_too_large = is_post
                chunk = read(CHUNK_BYTES)
                self._data += chunk
                if not chunk:
                    break
        yield Part(self._data, 0, is_post and not is_too_large)

    def _cut(self, end: int) -> bytes:
        done, self._data = self._data[:end], self._data[end:]
        self._place = max(0, self._place - end)
        return done

    def _next_mark(self) -> re.Match[bytes] | None:
        """Return the next tag of a post outside CDATA and comments; None if more must be read first."""
        while self._skip():
            found = _MARK.search(self._data, self._place)
            if found is None:
                self._place = max(self._place, len(self._data) - _MARK_BYTES + 1)
                return None
            self._place = found.end()
            if found[1] is not None:
                return found
            self._closer = _CLOSERS[found[0]]
        return None

    def _skip(self) -> bool:
        """Skip CDATA or a comment; return whether its end has been read."""
        end = self._data.find(self._closer, self._place) if self._closer else self._place
        if end < 0:
            self._place = max(self._place, len(self._data) - 2)
            return False
        self._place, self._closer = end + len(self._closer), b""
        return True
