"""Texts with their references replaced: one run over a batch of them.

What has been shown before, and whose copy is still the same, comes straight from the memo; the pictures of all the
rest are asked for together, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from embedkit.cache.memory import Memo
from embedkit.cache.rendered import Finished, Made
from embedkit.engine import matches
from embedkit.engine.matches import Found
from embedkit.engine.resolver import Admit, Progress
from embedkit.errors import EmbedKitError
from embedkit.getty import sizes
from embedkit.models import AssetRef, Document, Embed, EmbedKey, Options, Problem
from embedkit.targets import Input, Target

if TYPE_CHECKING:
    from markupsafe import Markup


class Resolving(Protocol):
    """What an expansion needs of the kit."""

    def key(self, ref: AssetRef) -> EmbedKey: ...
    def records(
        self, references: Iterable[AssetRef], *, progress: Progress | None = None, admit: Admit | None = None
    ) -> Mapping[EmbedKey, Embed | EmbedKitError]: ...
    def fallback(
        self, reference: str | AssetRef, error: EmbedKitError, options: Options = ..., input: Input = ...
    ) -> Markup | str: ...


Shown = tuple[Embed, str]
"""An embed at its size, and its markup."""

Draft = tuple[str, Input, list[tuple[Found, Shown | None]]]
"""A text, its format, and what was found in it, with what the memo knows of that."""


class Expansion:
    """One run, for one target (None: the setting TARGET)."""

    def __init__(
        self, kit: Resolving, memo: Memo, finished: Finished, target: Target | None, admit: Admit | None = None
    ) -> None:
        self._kit = kit
        self._memo = memo
        self._finished = finished
        self._target = target
        self._admit = admit
        self._records: Mapping[EmbedKey, Embed | EmbedKitError] = {}
        self._new: list[Made] = []

    def run(self, texts: Iterable[tuple[str, Input]], progress: Progress | None) -> list[Document]:
        """The texts as documents, in order."""
        drafts = [self._draft(text, input) for text, input in texts]
        refs = (one.ref for *_, found in drafts for one, known in found if one.ref and known is None)
        if missing := dict.fromkeys(refs):  # in order
            self._records = self._kit.records(missing, progress=progress, admit=self._admit)
        done = [self._document(*draft) for draft in drafts]
        self._finished.keep(self._new)
        return done

    def _draft(self, text: str, input: Input) -> Draft:
        target, known = self._target, self._memo.get
        found = matches.find(text, input)
        return text, input, [(one, known((one.ref, target, input)) if one.ref else None) for one in found]

    def _document(self, text: str, input: Input, found: list[tuple[Found, Shown | None]]) -> Document:
        if not found:
            return Document(text)
        embeds: list[Embed] = []
        problems: list[Problem] = []
        done: list[tuple[Found, str | None]] = []
        for one, known in found:
            problems += one.problems
            shown = known or (self._shown(one, one.ref, input) if one.ref else None)
            if isinstance(shown, EmbedKitError):
                problems.append(one.problem(shown))
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
        asked = ref, self._target, input
        known: Shown | None = self._memo.get(asked)
        if known:
            return known
        picture = self._kit.key(ref)
        copy = self._records[picture]
        if isinstance(copy, EmbedKitError):
            return copy
        html = self._finished.html(picture, copy, one.options(self._target), self._new, input)
        shown = sizes.shown(copy, ref.options), html
        if sizes.covers(copy, ref.options):  # else it is shown in an outage alone
            self._memo.keep(asked, picture, copy, shown)
        return shown

    def _fallback(self, one: Found, error: EmbedKitError, input: Input) -> str | None:
        return str(self._kit.fallback(one.ref, error, one.options(self._target), input)) if one.ref else None
