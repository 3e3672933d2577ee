"""WordPress exports (WXR): read post by post, however large, and written back byte for byte.

An export is RSS with elements of WordPress's own. It is not parsed as XML and written anew: a post ends where its
``</item>`` stands outside of CDATA, and a change in it is found by where each character of a text is written (in
CDATA, which is split where the text has ``]]>``, or with entities). So all other bytes stay, damaged ones too.
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
MAX_POST_BYTES = 1 << 24  # one that is larger is copied as it is, and reported
TITLE_CHARS = 80

_MARK = re.compile(rb"<!\[CDATA\[|<!--|<(/?)item[ \t\r\n>]")
_MARK_BYTES = 9
_CLOSERS = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_HINTS = (b"gett", b"gety", b"gty.im", b"gie.widgets")  # a post with none of these asks for no picture

_CDATA = r"<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>"
_ELEMENT = lazy_pattern(
    r"<(title|link|wp:post_id|content:encoded|excerpt:encoded|wp:comment_content|wp:meta_key|wp:meta_value)>"
    rf"((?:[^<]++|{_CDATA})*+)</\1>"
)
_PIECE = lazy_pattern(rf"({_CDATA})|(&(?:lt|gt|amp|quot|apos|#[0-9]{{1,7}}|#x[0-9A-Fa-f]{{1,6}});)|[^<&]++|&")
_CONVERTED = ("content:encoded", "excerpt:encoded")

_COMMENT = "This is embed code in a comment; it stays as it is: WordPress reads no shortcodes there."
_FIELD = "This is embed code in the custom field {}; it stays as it is: WordPress may keep its length beside it."
_CACHE = (
    "This is WordPress's own copy of an embed, in {}; it stays as it is. Drop it after the import, so that no"
    " withdrawn picture comes back: wp embed cache clear {}"
)
_LARGE_POST = f"This post has more than {MAX_POST_BYTES:,} bytes; it stays as it is."


class Part(NamedTuple):
    """A piece of an export: a post, one that is too large to be looked into, or what is between two."""

    data: bytes
    line: int
    is_post: bool = False
    is_too_large: bool = False


class Piece(NamedTuple):
    """A stretch of a text that is written in one way."""

    text: int  # where it begins in the text
    post: int  # where it begins in the post
    chars: int  # that each of its characters takes there
    is_cdata: bool


class ElementText(NamedTuple):
    """The text of an element of a post."""

    element: str
    source: Source
    pieces: tuple[Piece, ...]
    key: str = ""  # of a custom field

    @property
    def may_ask(self) -> bool:
        """Whether it may ask for pictures: comments and fields only with embed code."""
        return self.element in _CONVERTED or bool(embed_code.outside_code(self.source.text))

    def changes(self) -> embed_code.Edits:
        """What to convert in it, or what is left in it."""
        if self.element in _CONVERTED:
            return embed_code.changes(self.source.text)
        return embed_code.Edits((), tuple(self._left()))

    def edit(self, post: str, start: int, end: int, written: str) -> tuple[int, int, str]:
        """An edit of the text as one of the post; what is in CDATA before it or behind it stays in CDATA."""
        first, _, begins = self._place(start)
        _, last, ends = self._place(end - 1)
        if begins != ends:
            written += "]]>" if begins else "<![CDATA["
        elif "]]>" in (post[max(0, first - 2) : first] + written)[-2:] + post[last : last + 2]:
            written += "]]><![CDATA[" if ends else "<![CDATA[]]>"
        return first, last, written

    def _place(self, index: int) -> tuple[int, int, bool]:
        """Where a character of the text is written in the post, and whether that is in CDATA."""
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
    """What became of a part of an export.

    :param converted: how much pasted code became a shortcode.
    :param left: what was left and why, each with its text.
    """

    part: Part
    data: bytes
    converted: int = 0
    left: tuple[tuple[Source, Problem], ...] = ()


def texts(export: Source) -> Iterator[Source]:
    """The texts of an export that may ask for pictures, one after the other, each with its post and its lines.

    :raises OSError: where it can't be read.
    """
    with open(export.name, "rb") as file:
        for part in parts(file.read):
            if _may_ask(part):
                yield from (text.source for text in _texts(export, part, _decode(part.data)) if text.may_ask)


def convert(export: Source, read: Read) -> Iterator[ConvertedPost]:
    """The parts of an export with pasted embed code turned into shortcodes; all of them, in order.

    :param read: gives at most so many bytes of it at a time.
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
    """The texts of a post, but for its title and the like, which say what post it is."""
    found, key = list(_ELEMENT.finditer(post)), ""
    about = {name: _read(post, *one.span(2))[0].strip() for one in reversed(found) for name in [one[1]]}
    title = " ".join(about.get("title", "").split())[:TITLE_CHARS]
    named = Post(about.get("wp:post_id", ""), title, about.get("link", ""))
    positions = Positions(post)
    for one in found:
        if one[1] == "wp:meta_key":
            key = _read(post, *one.span(2))[0]
        elif one[1].partition(":")[2] not in ("", "post_id"):
            text, pieces = _read(post, *one.span(2))
            line, column = positions.of(pieces[0].post if pieces else one.start(2))
            source = replace(export, text=text, first_line=part.line + line - 1, first_column=column, post=named)
            yield ElementText(one[1], source, pieces, key)


def _read(post: str, start: int, end: int) -> tuple[str, tuple[Piece, ...]]:
    """The text of an element from what stands between its tags, and where each piece of it is."""
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
    """An export in pieces, which put together are all of it: posts, and what is between them."""
    window, line = _Window(), 1
    for part in window.parts(read):
        yield part._replace(line=line)
        line += part.data.count(b"\n")


class _Window:
    """What has been read of an export and not been passed on; it is looked at once, whatever the chunks."""

    def __init__(self) -> None:
        self._data = b""
        self._place = 0  # up to here it has been looked at
        self._closer = b""  # of the CDATA section or comment that is open there

    def parts(self, read: Read) -> Iterator[Part]:
        is_post = is_too_large = False
        while True:
            mark = self._next_mark()
            if mark and bool(mark[1]) == is_post:  # the end of a post, or the start of one outside of any
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
        """The next tag of a post outside of CDATA and comments; None where more must be read for it."""
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
        """Pass what is hidden; whether its end has been read."""
        end = self._data.find(self._closer, self._place) if self._closer else self._place
        if end < 0:
            self._place = max(self._place, len(self._data) - 2)
            return False
        self._place, self._closer = end + len(self._closer), b""
        return True
