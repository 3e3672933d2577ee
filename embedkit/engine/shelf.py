"""Keeping embeds out of a text while other software processes it, and finding embeds in finished HTML.

Markdown processors, typographers and sanitizers see placeholder words instead of markup: letters and digits that
mean nothing to any of them. The words contain a random token, so that no text can imitate one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from embedkit.engine.documents import Match, problem_at
from embedkit.engine.rendered import like, phrasing
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.getty import urls
from embedkit.models import ALIGNS, AssetRef, Embed, Options, Problem
from embedkit.process import lazy_pattern
from embedkit.shortcodes import scan
from embedkit.shortcodes.surroundings import Surroundings
from embedkit.shortcodes.tag import unescape
from embedkit.targets import Target

if TYPE_CHECKING:
    from markupsafe import Markup

Show = Callable[[AssetRef, Options], "Markup | str"]

MARK_BYTES = 8
MAX_FIGURE_CHARS = 16_384  # of one of our figures; they have about 2,000

# for any shelf: compiling a pattern of one token for every text would cost more than everything else here
_WORD = rf"ek([0-9a-f]{{{2 * MARK_BYTES}}})n([0-9]{{1,7}})x"
_WORDS = lazy_pattern(_WORD)
_PLACES = lazy_pattern(rf"<p(?:\s[^<>]*+)?>\s*+{_WORD}\s*+</p\s*+>|{_WORD}")
_ROOT = lazy_pattern(
    r'<(figure|span|div|blockquote)\s(?=[^<>]*class="ek ek--(?:web|facade|widget|card|amp)\b)[^<>]*+>'
)
_FRAME_PATH = lazy_pattern(r'(?:src|data-ek-src)="[^"<>]*?/embed/([0-9A-Za-z,-]{1,200})\?([^"<>]*)"')
_PAGE = lazy_pattern(rf'href="(https://www\.gettyimages\.([a-z.]{{2,6}})/detail/{urls.ASSET_ID})"')
_ALIGN = lazy_pattern(r'class="[^"<>]*\bek--(left|right|center)\b')
_WIDTH = lazy_pattern(r'<(?:(?:amp-)?iframe|canvas)[^<>]*\swidth="([1-9][0-9]{0,4})"')
_IN_ANCHOR = lazy_pattern(r"""(?:\sid|\sname|\sfor|href)=["']?[^"'<>\s]*\Z""")
_CAPTION = lazy_pattern(r'<span class="ek-text">([^<>]*)</span>')


class Forms(NamedTuple):
    """A picture in each form that may be needed: as a block, within a sentence, as plain text, and its title."""

    flow: str
    phrasing: str
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A text with placeholders for its embeds, which can be restored; from :meth:`embedkit.EmbedKit.shelve`.

    :param text: the text with a placeholder word for each embed; pass it to a Markdown processor, a typographer or
        a sanitizer.
    :param embeds: the embeds, in order.
    :param problems: the problems found in the text.

    >>> shelf = kit.shelve("A post: [getty 74917285]")
    >>> shelf.restore(f"<p>{shelf.text}</p>").count("<iframe")
    1
    >>> shelf.words(shelf.text)[:15], shelf.anchor(shelf.text)
    ('A post: Under t', 'A post: picture-1')
    """

    text: str
    embeds: tuple[Embed, ...]
    problems: tuple[Problem, ...]
    _mark: str = field(repr=False)
    _shown: tuple[Forms, ...] = field(repr=False)

    def restore(self, html: str) -> str:
        """Return the processed HTML with the embeds inserted.

        A paragraph that contains only an embed is replaced by it; within a sentence, an embed becomes phrasing
        content. Within an attribute, a title, a script, a style, code, a comment or a link, it is plain text. In
        the ID of a heading, and in links to that ID, it is ``picture-1``, so that IDs are the same in every build.

        :param html: the result of processing :attr:`text`; placeholders of other shelves are left unchanged. For a
            ``Markup``, the result is a ``Markup`` too.
        """
        return like(html, self._restored(str(html)))

    def words(self, text: str) -> str:
        """Replace placeholders by titles in text extracted from the HTML, such as a title for a table of contents.

        :param text: plain text.
        """
        return _WORDS.sub(
            lambda found: shown.title if (shown := self._shown_as(*found.groups())) else found[0], text
        )

    def anchor(self, text: str) -> str:
        """Return the ID of a heading as :meth:`restore` writes it.

        :param text: the ID, extracted from the HTML.
        """
        return _WORDS.sub(lambda found: _anchor(int(found[2])) if found[1] == self._mark else found[0], text)

    def _restored(self, html: str) -> str:
        code, around = scan.protected(html, "html"), Surroundings(html, "html")
        edits = []
        for found in _PLACES.finditer(html):
            mark, number = found[1] or found[3], int(found[2] or found[4])
            shown = self._shown_as(mark, number)
            if shown is None:
                continue
            place = found.start() if found[3] else html.index("ek" + mark, found.start())
            if code.protected(found.start()) or code.protected(place):
                text = _anchor(number) if _IN_ANCHOR.search(html, max(0, place - 200), place) else shown.text
                edits.append((place, place + len(_word(self._mark, number)), text))
            elif found[1]:
                edits.append((*found.span(), shown.flow))
            else:
                content = around.content(*found.span())
                edits.append((*found.span(), getattr(shown, content)))
        return scan.replace(html, edits)

    def _shown_as(self, mark: str, number: str | int) -> Forms | None:
        """Return the picture of a placeholder; None if it belongs to another shelf."""
        known = mark == self._mark and int(number) < len(self._shown)
        return self._shown[int(number)] if known else None


def _word(mark: str, number: int) -> str:
    return f"ek{mark}n{number}x"


def _anchor(number: int) -> str:
    return f"picture-{number + 1}"


class Shelver:
    """Collects the embeds of a shelf, and assigns placeholders to them."""

    def __init__(self) -> None:
        self.mark = secrets.token_hex(MARK_BYTES)
        self.shown: list[Forms] = []

    def put(self, flow: str, text: str, title: str) -> str:
        """Keep markup, and return its placeholder."""
        self.shown.append(Forms(flow, phrasing(flow), text, title))
        return _word(self.mark, len(self.shown) - 1)


def shelve(
    text: str,
    matches: Iterable[Match],
    found: Iterable[Embed | EmbedKitError],
    target: Target | None,
    show: Show,
) -> Shelf:
    """Replace the embeds of a text with placeholders.

    :param found: the embed or error of each match that has a reference, in order.
    :param show: renders a reference, including the fallback of an error.
    """
    shelver, positions, left = Shelver(), scan.Positions(text), iter(found)
    edits: list[tuple[int, int, str]] = []
    embeds: list[Embed] = []
    problems: list[Problem] = []
    for match in matches:
        problems += match.problems
        start, end = match.shortcode.start, match.shortcode.end
        if match.shortcode.kind == "escape":
            edits.append((start, end, shelver.put(*[escape(text[start + 1 : end - 1])] * 3)))
        if match.ref is None:
            continue
        embed = next(left)
        if isinstance(embed, EmbedKitError):
            problems.append(problem_at(match.shortcode, embed, positions))
        else:
            embeds.append(embed)
        wanted = match.options(target)
        flow, words = (show(match.ref, options) for options in (wanted, replace(wanted, target="text")))
        title = words if isinstance(embed, EmbedKitError) else embed.title
        edits.append((start, end, shelver.put(*map(_as_html, (flow, words, title)))))
    return Shelf(scan.replace(text, edits), tuple(embeds), tuple(problems), shelver.mark, tuple(shelver.shown))


def figures(html: str) -> Iterator[tuple[int, int, AssetRef]]:
    """Find our own figures in finished HTML: where each is, and its reference with our options.

    Nothing else is read from a figure, since its markup may have been changed by anyone.
    """
    end = 0
    for root in _ROOT.finditer(html):
        if root.start() < end:
            continue
        found = _closing(html, root)
        if not found:
            continue
        end = found
        if ref := _reference(html[root.start() : end]):
            yield root.start(), end, ref


def _closing(html: str, root: re.Match[str]) -> int:
    depth = 0
    tags = re.compile(rf"<(/?){root[1]}(?=[\s>])")
    for tag in tags.finditer(html, root.start(), root.start() + MAX_FIGURE_CHARS):
        depth += -1 if tag[1] else 1
        if not depth:
            return html.find(">", tag.end()) + 1
    return 0


def _reference(figure: str) -> AssetRef | None:
    frame, page = _FRAME_PATH.search(figure), _PAGE.search(figure)
    try:
        ref = urls.read(f"{frame[1]}?{frame[2]}" if frame else page[1] if page else "")
    except UnsupportedReference:
        return None
    align, width, caption = _ALIGN.search(figure), _WIDTH.search(figure), _CAPTION.search(figure)
    tld = urls.tld(page[2] if page else None)
    options = Options(
        max_width=int(width[1]) if width else None,
        # Getty's caption is off by default
        caption=(" ".join(unescape(caption[1]).split()) if caption else None) or ref.options.caption or None,
        align=next((name for name in ALIGNS if align and name == align[1]), None),
        tld=None if tld == "com" else tld,
    )
    return AssetRef(ref.items, options)


def retarget(html: str, target: Target, show: Show) -> str:
    """Render every one of our figures in HTML for another target; within a sentence as phrasing content."""
    edits = []
    for start, end, ref in figures(html):
        shown = _as_html(show(ref, Options(target=target)))
        edits.append((start, end, phrasing(shown) if html.startswith("<span", start) else shown))
    return scan.replace(html, edits)


def _as_html(shown: Markup | str) -> str:
    """Return rendered output for insertion into HTML, escaped if it is plain text."""
    return str(shown) if hasattr(shown, "__html__") else escape(shown)


def digest(parts: Mapping[str, object], templates: str = "") -> str:
    """Return a short hash of everything that a rendering depends on.

    :param templates: a folder whose files are included.
    """
    import hashlib

    made = hashlib.blake2b(repr(sorted(parts.items())).encode("utf-8", "replace"), digest_size=16)
    for path in sorted(Path(templates).rglob("*")) if templates else ():
        if path.is_file():
            made.update(f"{path.relative_to(templates)} {path.stat().st_size} ".encode() + path.read_bytes())
    return made.hexdigest()
