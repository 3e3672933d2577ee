"""Texts with their references replaced: one run over a batch of them.

What has been shown before, and whose copy is still the same, comes straight from the memo; the pictures of all the
rest are asked for together, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedkit.cache.entry import Entry
from embedkit.cache.memory import Memo
from embedkit.cache.rendered import RenderedFragments
from embedkit.engine import matches
from embedkit.engine.matches import Found
from embedkit.engine.resolver import Admit, Progress, Resolver
from embedkit.errors import EmbedKitError
from embedkit.models import AssetRef, Document, Embed, EmbedKey, Problem
from embedkit.shortcodes.scan import Positions
from embedkit.targets import Input, Target

Shown = tuple[Embed, str]
"""An embed at its size, and its markup."""

Draft = tuple[str, Input, list[tuple[Found, Shown | None]]]
"""A text, its format, and what was found in it, with what the memo knows of that."""


class Expansion:
    """One run, for one target (None: the setting TARGET)."""

    def __init__(
        self, resolver: Resolver, memo: Memo, fragments: RenderedFragments, target: Target | None
    ) -> None:
        self._resolver = resolver
        self._memo = memo
        self._fragments = fragments
        self._target = target
        self._entries: Mapping[EmbedKey, Entry | EmbedKitError] = {}

    def run(
        self, texts: Iterable[tuple[str, Input]], progress: Progress | None, admit: Admit | None
    ) -> list[Document]:
        """The texts as documents, in order."""
        drafts = [self._draft(text, input) for text, input in texts]
        refs = (one.ref for *_, found in drafts for one, known in found if one.ref and known is None)
        if missing := dict.fromkeys(refs):  # in order
            wants = [(self._resolver.key(ref, ref.options), ref.options) for ref in missing]
            self._entries = self._resolver.resolve_many(wants, progress, admit=admit)
        return [self._document(*draft) for draft in drafts]

    def _draft(self, text: str, input: Input) -> Draft:
        target, known = self._target, self._memo.get
        found = matches.find(text, input)
        return text, input, [(one, known((one.ref, target, input)) if one.ref else None) for one in found]

    def _document(self, text: str, input: Input, found: list[tuple[Found, Shown | None]]) -> Document:
        if not found:
            return Document(text)
        positions = Positions(text)
        embeds: list[Embed] = []
        problems: list[Problem] = []
        done: list[tuple[Found, str | None]] = []
        for one, known in found:
            problems += one.problems
            shown = known or (self._shown(one, one.ref, input) if one.ref else None)
            if isinstance(shown, EmbedKitError):
                problems.append(one.problem(shown, positions))
                done.append((one, self._fallback(one, shown, input)))
            elif shown:
                embeds.append(shown[0])
                done.append((one, shown[1]))
            else:
                done.append((one, None))
        problems.sort(key=lambda problem: (problem.line, problem.column))
        return Document(matches.replace_all(text, done), tuple(embeds), tuple(problems))

    def _shown(self, one: Found, ref: AssetRef, input: Input) -> Shown | EmbedKitError:
        """A reference of a text, which the memo may have come to know meanwhile."""
        question = ref, self._target, input
        known: Shown | None = self._memo.get(question)
        if known:
            return known
        entry = self._entries[self._resolver.key(ref, ref.options)]
        if isinstance(entry, EmbedKitError):
            return entry
        html = self._fragments.html(entry, one.options(self._target), input)
        shown = entry.sized(ref.options), html
        if entry.satisfies(ref.options):  # else it is shown in an outage alone
            self._memo.keep(question, entry, shown)
        return shown

    def _fallback(self, one: Found, error: EmbedKitError, input: Input) -> str | None:
        if one.ref is None:
            return None
        return str(self._fragments.fallback(one.ref, "", error, one.options(self._target), input))
