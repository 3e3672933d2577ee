"""Texts with their references replaced: one run over a batch of them.

What has been shown before, and whose copy is still the same, comes straight from the memo; the pictures of all the
rest are asked for together, each once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from embedkit.cache.entry import Entry
from embedkit.cache.memory import Memo
from embedkit.cache.rendered import RenderedFragments
from embedkit.engine import matches
from embedkit.engine.matches import Match
from embedkit.engine.resolver import Admit, Progress, Resolver
from embedkit.errors import EmbedKitError
from embedkit.models import AssetRef, Document, Embed, EmbedKey, Problem, Shortcode
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT, TOO_LARGE, Budget
from embedkit.shortcodes.scan import Positions
from embedkit.targets import Input, Target

Shown = tuple[Embed, str]
"""An embed at its size, and its markup."""

Draft = tuple[str, Input, list[tuple[Match, Shown | None]]]
"""A text, its format, and what was found in it, with what the memo knows of that."""


class TextTooLarge(Exception):
    """A text asks for more than the budget that its caller gave; ``problem`` tells where in it that is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Expansion:
    """One run, for one target (None: the setting TARGET).

    :param budget: what a text may ask for; one that asks for more is refused whole. None: what lies beyond the
        usual budget stays as written.
    """

    def __init__(
        self,
        resolver: Resolver,
        memo: Memo,
        fragments: RenderedFragments,
        target: Target | None,
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget
        self._resolver = resolver
        self._memo = memo
        self._fragments = fragments
        self._target = target
        self._missing: dict[AssetRef, None] = {}  # in order
        self._entries: Mapping[EmbedKey, Entry | EmbedKitError] = {}

    def run(
        self, texts: Iterable[tuple[str, Input]], progress: Progress | None, admit: Admit | None
    ) -> list[Document]:
        """The texts as documents, in order.

        :raises TextTooLarge: before Getty is asked for anything.
        """
        drafts = [self._recall(text, input) for text, input in texts]
        if self._missing:
            wants = [(self._resolver.key(ref, ref.options), ref.options) for ref in self._missing]
            self._entries = self._resolver.resolve_many(wants, progress, admit=admit)
        return [draft if isinstance(draft, Document) else self._document(*draft) for draft in drafts]

    def _recall(self, text: str, input: Input) -> Document | Draft:
        """The document, if the memo knows every shortcode of the text as it is written; else a draft of it."""
        shortcodes = scan.find(text, input, self._budget or DOCUMENT)
        if self._budget:
            _check_size(shortcodes)
        embeds: list[Embed] = []
        problems: list[Problem] = []
        done: list[tuple[Shortcode, str | None]] = []
        for shortcode in shortcodes:
            known: Shown | None = self._memo.get((shortcode.reference, shortcode.options, self._target, input))
            if known is None:
                return self._draft(text, input, shortcodes)
            embeds.append(known[0])
            problems += shortcode.warnings
            done.append((shortcode, known[1]))
        return Document(matches.replace_all(text, done), tuple(embeds), tuple(problems))

    def _draft(self, text: str, input: Input, shortcodes: list[Shortcode]) -> Draft:
        positions = Positions(text)
        parsed = (matches.parse(shortcode, positions) for shortcode in shortcodes)
        found = [(match, self._memo.get(self._question(match, input))) for match in parsed if match]
        self._missing |= dict.fromkeys(match.ref for match, known in found if match.ref and known is None)
        return text, input, found

    def _question(self, match: Match, input: Input) -> Hashable:
        return match.shortcode.reference, match.shortcode.options, self._target, input

    def _document(self, text: str, input: Input, found: list[tuple[Match, Shown | None]]) -> Document:
        positions = Positions(text)
        embeds: list[Embed] = []
        problems: list[Problem] = []
        done: list[tuple[Shortcode, str | None]] = []
        for match, known in found:
            problems += match.problems
            shown = known or (self._show(match, match.ref, input) if match.ref else None)
            if isinstance(shown, EmbedKitError):
                problems.append(matches.problem(match.shortcode, shown, positions))
                done.append((match.shortcode, self._fallback(match, shown, input)))
            elif shown:
                embeds.append(shown[0])
                done.append((match.shortcode, shown[1]))
            else:
                done.append((match.shortcode, None))
        problems.sort(key=lambda problem: (problem.line, problem.column))
        return Document(matches.replace_all(text, done), tuple(embeds), tuple(problems))

    def _show(self, match: Match, ref: AssetRef, input: Input) -> Shown | EmbedKitError:
        """A reference of a text, which the memo may have come to know meanwhile."""
        question = self._question(match, input)
        known: Shown | None = self._memo.get(question)
        if known:
            return known
        entry = self._entries[self._resolver.key(ref, ref.options)]
        if isinstance(entry, EmbedKitError):
            return entry
        html = self._fragments.html(entry, match.options(self._target), input)
        shown = entry.sized(ref.options), html
        if entry.satisfies(ref.options):  # else it is shown in an outage alone
            self._memo.keep(question, entry, shown)
        return shown

    def _fallback(self, match: Match, error: EmbedKitError, input: Input) -> str | None:
        if match.ref is None:
            return None
        return str(self._fragments.fallback(match.ref, "", error, match.options(self._target), input))


def _check_size(shortcodes: Iterable[Shortcode]) -> None:
    for shortcode in shortcodes:
        if shortcode.problem and shortcode.problem.code == TOO_LARGE:
            raise TextTooLarge(shortcode.problem)
