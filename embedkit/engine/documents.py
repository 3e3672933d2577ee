"""Texts with their references replaced: what a text asks for, and one run over a batch of texts.

What has been shown before, and whose copy is still the same, comes straight from the memo; the pictures of all the
rest are asked for together, each once.
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
    """A candidate and, if it names pictures, their reference with the author's options."""

    shortcode: Shortcode
    ref: AssetRef | None
    problems: tuple[Problem, ...]

    def options(self, target: Target | None) -> Options:
        """How to show it."""
        return _options(self.shortcode, self.ref.options if self.ref else Options(), target)


def find(text: str, input: Input, budget: Budget = DOCUMENT) -> list[Match]:
    """Everything in a text that asks for a picture, in order, with what is wrong with it."""
    positions = Positions(text)
    return [_match(shortcode, positions) for shortcode in scan.find(text, input, budget)]


def _match(shortcode: Shortcode, positions: Positions) -> Match:
    """A candidate with its reference, or with what is wrong with it."""
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
    """An error as a problem at this place of the text."""
    return Problem(*positions.of(shortcode.place), error.code, str(error), error.retry_after)


def replace_all(text: str, input: Input, found: Iterable[tuple[Shortcode, str | None]]) -> str:
    """The text with every reference replaced by its markup, and every escape by what it escapes."""
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
            pass  # most are in a paragraph of their own
        elif text[start - 1 : start] == "!" and _makes_image(text, start, markup):
            start, markup = start - 1, f"&#33;{markup}"
        elif is_markdown and shortcode.content == "flow":
            markup = _as_block(text, start, end, markup)
        parts += (text[last:start], markup)
        last = end
    parts.append(text[last:])
    return "".join(parts)


def _as_block(text: str, start: int, end: int, markup: str) -> str:
    """Markup with blank lines around it where words are next to it: else Markdown makes one paragraph of both."""
    line = text.rfind("\n", 0, start) + 1
    indent = text[line:start]
    above = text[text.rfind("\n", 0, line - 1) + 1 : line] if line else ""
    below = text[end + 1 : text.find("\n", end + 1) % (len(text) + 1)] if text[end : end + 1] == "\n" else ""
    begin = f"\n{indent}" if above.strip() and not indent.strip() else ""
    return f"{begin}{markup}\n" if below.strip() else begin + markup


def _makes_image(text: str, start: int, markup: str) -> bool:
    """Whether the author's "!" would make an image of our link (CommonMark 0.31, section 6.4)."""
    return markup.startswith("[") and "](https://" in markup and not is_escaped(text, start - 1)


@lru_cache(maxsize=4096)
def _parse_reference(written: str, options: Options) -> AssetRef:
    """A text's own reference: no longer than a shortcode, and often written many times."""
    ref = references.parse(written)
    return ref if options is NO_OPTIONS else AssetRef(ref.items, options.over(ref.options))


class Shown(NamedTuple):
    """What stands for a reference: the markup, and its embed at its size or the error."""

    markup: str | None = None  # None leaves it as it is written
    embed: Embed | None = None
    error: EmbedKitError | None = None


AS_WRITTEN = Shown()


@dataclass(slots=True)
class Asked:
    """A reference, wherever in the texts of a run it is written; ``shown`` is known once all are looked up."""

    shown: Shown = AS_WRITTEN


Draft = tuple[str, Input, list[tuple[Shortcode, Asked]]]
"""A text, its format, and what was found in it."""


class TextTooLarge(Exception):
    """A text asks for more than what is left of the budget; ``problem`` tells where in it that is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(eq=False, repr=False)
class Expansion:
    """One run, for one target (None: the setting TARGET).

    :param budget: what all texts together may ask for; one that asks for more than is left is refused whole, and
        takes nothing of it but the steps. None: what lies beyond the usual budget stays as written.
    """

    resolver: Resolver
    memo: Memo
    fragments: RenderedFragments
    target: Target | None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        self._work = Work(self.budget) if self.budget else None
        self._counted = 0  # shortcodes of all texts
        self._pictures: frozenset[EmbedKey] = frozenset()  # of all texts, where they have a budget
        self._asked: dict[Hashable, Asked] = {}
        self._missing: list[tuple[Asked, Hashable, Shortcode, AssetRef, Input]] = []  # what the memo doesn't know

    def run(
        self, texts: Iterable[tuple[str, Input]], progress: Progress | None, admit: Admit | None
    ) -> Iterator[Document | TextTooLarge]:
        """The texts as documents, in order; with a budget the error of one that is too large, as a value.

        Each is made when it is taken, from what is known of all of them: so a site need not be held twice.
        """
        drafts = [self._recall(text, input) for text, input in texts]
        if self._missing:
            self._resolve(progress, admit)
        return (one if isinstance(one, Document | TextTooLarge) else self._document(*one) for one in drafts)

    def _recall(self, text: str, input: Input) -> Document | TextTooLarge | Draft:
        """The document, if the memo knows every shortcode of the text as it is written; else a draft of it."""
        shortcodes = scan.find(text, input, self.budget or DOCUMENT, self._work)
        if self.budget and (error := self._count(shortcodes, self.budget)):
            return error
        if not shortcodes:
            return Document(text)
        questions = [_question(one, self.target, input) for one in shortcodes]
        known = [self.memo.get(one) for one in questions]
        if None in known:
            asked = [self._ask(*one, input) for one in zip(shortcodes, questions, known, strict=True)]
            return text, input, list(zip(shortcodes, asked, strict=True))
        markups, embeds, _ = zip(*known, strict=True)
        problems = tuple([problem for one in shortcodes for problem in one.warnings])
        return Document(replace_all(text, input, zip(shortcodes, markups, strict=True)), embeds, problems)

    def _ask(self, shortcode: Shortcode, question: Hashable, known: Shown | None, input: Input) -> Asked:
        """The reference of a shortcode, which is looked up with all the others if nothing is known of it."""
        if asked := self._asked.get(question):
            return asked
        asked = self._asked[question] = Asked(known or AS_WRITTEN)
        if question is not None and not known:
            try:
                ref = _parse_reference.__wrapped__(shortcode.reference, shortcode.options)  # once a run, as it is
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
            if isinstance(found, Entry) and found.satisfies(ref.options):  # else it is shown in an outage alone
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
        """Take what a text needs of the budget; the error where not so much is left."""
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
        """What Getty would be asked for; None for what is not a reference."""
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
    """How to show it: a page's author may choose the target, a feed's may not; in a link it is text."""
    if shortcode.content == "text" and ROWS[target or "web"].is_markup:
        return replace(written, target="text")
    if written.target and ROWS[written.target].on_page and ROWS[target or "web"].on_page:
        return written
    return written if written.target == target else replace(written, target=target)


def _question(shortcode: Shortcode, target: Target | None, input: Input) -> Hashable:
    """What its markup depends on, beside the copy; None for what asks for nothing."""
    if not shortcode.reference:
        return None
    options = None if shortcode.options is NO_OPTIONS else shortcode.options
    return shortcode.reference, options, shortcode.content, target, input
