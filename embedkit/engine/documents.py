"""Rendering of texts: the references in a text, and one run over a batch of texts.

A result whose copy is still the same is taken from the memo; the pictures of all other references are requested
together, each once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from embedkit.cache.entry import Entry
from embedkit.cache.memory import Memo
from embedkit.engine.rendered import RenderedFragments, phrasing
from embedkit.engine.resolver import Admit, Progress, Resolver
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.getty import references
from embedkit.models import NO_OPTIONS, AssetRef, Document, Embed, EmbedKey, Options, Problem, Shortcode
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT, TOO_LARGE, Budget, Exhausted, Work
from embedkit.shortcodes.scan import Positions
from embedkit.shortcodes.tag import is_escaped
from embedkit.targets import ROWS, Input, Target


class Match(NamedTuple):
    """A candidate and, if it names pictures, its reference with the author's options."""

    shortcode: Shortcode
    ref: AssetRef | None
    problems: tuple[Problem, ...]

    def options(self, target: Target | None) -> Options:
        """Return the options to render it with."""
        return _options(self.shortcode, self.ref.options if self.ref else Options(), target)


def find(text: str, input: Input, budget: Budget = DOCUMENT) -> list[Match]:
    """Return every candidate in a text, in order, with its problems."""
    positions = Positions(text)
    return [_match(shortcode, positions) for shortcode in scan.find(text, input, budget)]


def _match(shortcode: Shortcode, positions: Positions) -> Match:
    """Return a candidate with its reference, or with its problem."""
    if shortcode.problem is not None:
        return Match(shortcode, None, (shortcode.problem, *shortcode.warnings))
    if shortcode.kind == "escape":
        return Match(shortcode, None, ())
    try:
        ref = _parse_reference(shortcode.reference, shortcode.options)
    except UnsupportedReference as error:
        return Match(shortcode, None, (problem_at(shortcode, error, positions), *shortcode.warnings))
    return Match(shortcode, ref, shortcode.warnings)


def problem_at(shortcode: Shortcode, error: EmbedKitError, positions: Positions) -> Problem:
    """Return an error as a problem at the place of this shortcode."""
    return Problem(*positions.of(shortcode.place), error.code, str(error), error.retry_after)


def replace_all(text: str, input: Input, found: Iterable[tuple[Shortcode, str | None]]) -> str:
    """Replace every reference with its markup, and remove the escape of every escaped shortcode."""
    is_markdown = input in ("markdown", "commonmark")
    parts: list[str] = []
    last = 0
    for shortcode, markup in found:
        start, end = shortcode.start, shortcode.end
        if markup is None:
            if shortcode.kind != "escape":
                continue
            markup = text[start + 1 : end - 1]
        elif text[start - 2 : start] == "\n\n" == text[end : end + 2]:
            pass  # the usual case: a paragraph of its own
        elif text[start - 1 : start] == "!" and _makes_image(text, start, markup):
            start, markup = start - 1, f"&#33;{markup}"
        elif is_markdown and shortcode.content == "flow":
            markup = _as_block(text, start, end, markup)
        parts += (text[last:start], markup)
        last = end
    parts.append(text[last:])
    return "".join(parts)


def _as_block(text: str, start: int, end: int, markup: str) -> str:
    """Add blank lines around markup if text is adjacent, because Markdown would make one paragraph of both."""
    line = text.rfind("\n", 0, start) + 1
    indent = text[line:start]
    above = text[text.rfind("\n", 0, line - 1) + 1 : line] if line else ""
    below = text[end + 1 : text.find("\n", end + 1) % (len(text) + 1)] if text[end : end + 1] == "\n" else ""
    begin = f"\n{indent}" if above.strip() and not indent.strip() else ""
    return f"{begin}{markup}\n" if below.strip() else begin + markup


def _makes_image(text: str, start: int, markup: str) -> bool:
    """Return whether the author's "!" would make an image of our link (CommonMark 0.31, section 6.4)."""
    return markup.startswith("[") and "](https://" in markup and not is_escaped(text, start - 1)


@lru_cache(maxsize=4096)
def _parse_reference(written: str, options: Options) -> AssetRef:
    """Parse a reference; cached, because a text often repeats one and it is no longer than a shortcode."""
    ref = references.parse(written)
    return ref if options is NO_OPTIONS else AssetRef(ref.items, options.over(ref.options))


class Shown(NamedTuple):
    """The result for a reference: its markup, and its embed or error."""

    markup: str | None = None  # None leaves the reference unchanged
    embed: Embed | None = None
    error: EmbedKitError | None = None


AS_WRITTEN = Shown()


@dataclass(slots=True)
class Asked:
    """A reference, however often the texts contain it; ``shown`` is set once all pictures are resolved."""

    shown: Shown = AS_WRITTEN


Draft = tuple[str, Input, list[tuple[Shortcode, Asked]]]
"""A text, its format, and the candidates found in it."""


class TextTooLarge(Exception):
    """A text exceeds what is left of the budget; ``problem`` tells where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(eq=False, repr=False)
class Expansion:
    """One run, for one target (None for the TARGET setting).

    :param budget: the limit for all texts together. A text that exceeds what is left is refused as a whole, and
        uses up only its steps. None: references beyond the usual budget are left unchanged.
    """

    resolver: Resolver
    memo: Memo
    fragments: RenderedFragments
    target: Target | None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        self._work = Work(self.budget) if self.budget else None
        self._counted = 0  # shortcodes of all texts
        self._pictures: frozenset[EmbedKey] = frozenset()  # of all texts, if they have a budget
        self._asked: dict[Hashable, Asked] = {}
        self._missing: list[tuple[Asked, Hashable, Shortcode, AssetRef, Input]] = []  # not in the memo

    def run(
        self, texts: Iterable[tuple[str, Input]], progress: Progress | None, admit: Admit | None
    ) -> Iterator[Document | TextTooLarge]:
        """Return an iterator over the documents, in order; with a budget, a text that is too large gives an error.

        Each document is rendered when it is taken, so that a site is not held in memory twice.
        """
        drafts = [self._recall(text, input) for text, input in texts]
        if self._missing:
            self._resolve(progress, admit)
        return (each if isinstance(each, Document | TextTooLarge) else self._document(*each) for each in drafts)

    def _recall(self, text: str, input: Input) -> Document | TextTooLarge | Draft:
        """Return the document if every shortcode of the text is in the memo, or else a draft."""
        shortcodes = scan.find(text, input, self.budget or DOCUMENT, self._work)
        if self.budget and (error := self._count(shortcodes, self.budget)):
            return error
        if not shortcodes:
            return Document(text)
        questions = [_question(shortcode, self.target, input) for shortcode in shortcodes]
        known = [self.memo.get(question) for question in questions]
        if None in known:
            asked = [self._ask(*each, input) for each in zip(shortcodes, questions, known, strict=True)]
            return text, input, list(zip(shortcodes, asked, strict=True))
        markups, embeds, _ = zip(*known, strict=True)
        problems = tuple([problem for shortcode in shortcodes for problem in shortcode.warnings])
        return Document(replace_all(text, input, zip(shortcodes, markups, strict=True)), embeds, problems)

    def _ask(self, shortcode: Shortcode, question: Hashable, known: Shown | None, input: Input) -> Asked:
        """Return the reference of a shortcode; if it isn't in the memo, it is resolved with all the others."""
        if asked := self._asked.get(question):
            return asked
        asked = self._asked[question] = Asked(known or AS_WRITTEN)
        if question is not None and not known:
            try:
                ref = _parse_reference.__wrapped__(shortcode.reference, shortcode.options)  # only once per run
            except UnsupportedReference as error:
                asked.shown = Shown(error=error)
            else:
                self._missing.append((asked, question, shortcode, ref, input))
        return asked

    def _resolve(self, progress: Progress | None, admit: Admit | None) -> None:
        wants = [(self.resolver.key(ref), ref.options) for *_, ref, _ in self._missing]
        entries = self.resolver.resolve_many(wants, progress, admit=admit)
        for (key, _), (asked, question, shortcode, ref, input) in zip(wants, self._missing, strict=True):
            found = entries[key]
            asked.shown = self._show(shortcode, ref, input, found)
            if isinstance(found, Entry) and found.satisfies(ref.options):  # a smaller one is only for an outage
                self.memo.keep(question, found, asked.shown)

    def _show(self, shortcode: Shortcode, ref: AssetRef, input: Input, found: Entry | EmbedKitError) -> Shown:
        options = _options(shortcode, ref.options, self.target)
        if isinstance(found, Entry):
            html = self.fragments.html(found, options, input)
        else:
            html = str(self.fragments.fallback(ref, "", found, options, input))
        if shortcode.content == "phrasing":
            html = phrasing(html)
        return Shown(html, found.sized(ref.options)) if isinstance(found, Entry) else Shown(html, error=found)

    def _count(self, shortcodes: list[Shortcode], budget: Budget) -> TextTooLarge | None:
        """Count a text against the budget, or return an error if too little is left."""
        if shortcodes and (problem := shortcodes[-1].problem) and problem.code == TOO_LARGE:
            return TextTooLarge(problem)
        counted = self._counted + len(shortcodes)
        pictures = self._pictures.union(filter(None, map(self._key, shortcodes)))
        for number, most, what in (
            (counted, budget.references, "references"),
            (len(pictures), budget.pictures, "pictures"),
        ):
            if number > most:
                return TextTooLarge(Exhausted.of(most, what).problem(1, 1))
        self._counted, self._pictures = counted, pictures
        return None

    def _key(self, shortcode: Shortcode) -> EmbedKey | None:
        """Return the cache key; None if it is not a reference."""
        if shortcode.problem or shortcode.kind == "escape":
            return None
        try:
            return self.resolver.key(_parse_reference(shortcode.reference, shortcode.options))
        except UnsupportedReference:
            return None

    def _document(self, text: str, input: Input, found: list[tuple[Shortcode, Asked]]) -> Document:
        positions: Positions | None = None
        problems: list[Problem] = []
        for shortcode, asked in found:
            if shortcode.problem:
                problems.append(shortcode.problem)
            problems += shortcode.warnings
            if error := asked.shown.error:
                positions = positions or Positions(text)
                problems.append(problem_at(shortcode, error, positions))
        problems.sort(key=lambda problem: (problem.line, problem.column))
        content = replace_all(text, input, [(shortcode, asked.shown.markup) for shortcode, asked in found])
        embeds = [asked.shown.embed for _, asked in found if asked.shown.embed]
        return Document(content, tuple(embeds), tuple(problems))


def _options(shortcode: Shortcode, written: Options, target: Target | None) -> Options:
    """Return the options to render with: authors may choose among targets for pages; in a link it is text."""
    if shortcode.content == "text" and ROWS[target or "web"].is_markup:
        return replace(written, target="text")
    if written.target and ROWS[written.target].on_page and ROWS[target or "web"].on_page:
        return written
    return written if written.target == target else replace(written, target=target)


def _question(shortcode: Shortcode, target: Target | None, input: Input) -> Hashable:
    """Return what the markup depends on besides the copy, as a key of the memo; None if there is no reference."""
    if not shortcode.reference:
        return None
    options = None if shortcode.options is NO_OPTIONS else shortcode.options
    return shortcode.reference, options, shortcode.content, target, input
