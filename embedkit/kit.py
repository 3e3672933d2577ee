"""The front door: a reference or a text goes in, an embed comes out.

resolve   one record, or an error        resolve_many   many, errors as values, each asked for once
html      markup that degrades           render         a whole text that degrades
search    pictures, found by a phrase    api            all of the Getty Images API v3
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from embedkit import validation
from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.factory import open_cache
from embedkit.cache.memory import CountedMemo, Memo
from embedkit.cache.rendered import Finished, Made
from embedkit.engine import lockfile, matches
from embedkit.engine.documents import Expansion
from embedkit.engine.resolver import (
    Admit,
    Progress,
    Resolver,
    Want,
)
from embedkit.engine.revalidation import Revalidator
from embedkit.errors import (
    ConfigurationError,
    EmbedKitError,
    InvalidResponse,
    UnsupportedReference,
)
from embedkit.events import Events
from embedkit.getty import references, sizes
from embedkit.lazy import Lazily
from embedkit.models import JSON, AssetRef, Document, Embed, EmbedKey, Options, Report
from embedkit.settings import Settings
from embedkit.targets import INPUTS, Input, Target

if TYPE_CHECKING:
    from typing import Unpack

    from cachelib import BaseCache
    from markupsafe import Markup

    from embedkit.api.client import Api
    from embedkit.api.models import SearchPage
    from embedkit.api.parameters import AnySearch, Family
    from embedkit.rendering.renderer import Renderer
    from embedkit.transport.client import Transport

logging.getLogger("embedkit").addHandler(logging.NullHandler())  # silent unless the host listens

Reference = str | AssetRef


class EmbedKit:
    """Resolves, renders and keeps embeds. Safe for threads; make one and share it.

    :param settings: by default read from the environment (``EMBEDKIT_…``).
    :param transport: sends requests upstream; by default :class:`embedkit.transport.client.HttpTransport`.
    :param cache: any cachelib backend; by default the one that the setting CACHE names.
    :param clock: seconds since the epoch.
    :param background: True refreshes stale copies on daemon threads (a service); False leaves them to
        :meth:`settle` (a command, a build).
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        transport: Transport | None = None,
        cache: BaseCache | None = None,
        clock: Callable[[], float] = time.time,
        background: bool = True,
    ) -> None:
        self.settings = Settings.from_env(os.environ) if settings is None else settings
        self.events = Events()
        self._clock = clock
        self._cache = Lazily(lambda: open_cache(self.settings, cache, clock, self.events))
        self._transport = Lazily(lambda: transport or self._open_transport())
        self._renderer = Lazily(self._open_renderer)
        self._api = Lazily(self._open_api)
        self._revalidator = Revalidator(background=background, threads=self.settings.concurrency)
        copies = None if self.settings.frozen else self._cache
        counted = self.settings.metrics != "off"
        self._memo = CountedMemo(copies, self.events) if counted else Memo(copies)
        self._finished = Finished(self.settings, copies, self.show)
        self._resolver = Resolver(
            self.settings,
            cache=self._cache,
            transport=self._transport,
            revalidator=self._revalidator,
            locked=lockfile.read(self.settings.lockfile) if self.settings.frozen else None,
            observe=self.events,
        )

    @property
    def cache(self) -> EmbedCache:
        """The copies."""
        return self._cache()

    # -- resolving --------------------------------------------------------------------------------------

    def parse(self, reference: Reference) -> AssetRef:
        """Whatever was written as a value.

        :raises UnsupportedReference: where it names no Getty Images picture, or is not even a text.
        """
        if isinstance(reference, AssetRef):
            return reference
        if not isinstance(reference, str):
            hint = 'Give a text, such as "74917285".'
            raise UnsupportedReference(f"{validation.shown(reference)} is not a reference.", hint=hint)
        return references.parse(reference)

    def key(self, ref: AssetRef, options: Options | None = None) -> EmbedKey:
        """What is asked for once: the items and the tld."""
        return ref.items, (options or ref.options).tld or self.settings.tld

    def resolve(
        self, reference: Reference, options: Options | None = None, admit: Admit | None = None, **said: Any
    ) -> Embed:
        """One embed, at the size asked for.

        :param reference: an id, a list of up to five, an address, a shortcode, pasted embed code.
        :param options: how to show it; ``said`` are the same as keywords (``max_width=300``).
        :param admit: decides whether Getty may be asked; see :data:`embedkit.engine.resolver.Admit`.
        :raises UnsupportedReference: where the reference is none.
        :raises ProviderError: where there is no embed, and no copy that may be shown instead.
        """
        asked = _asked("resolve", reference, options, said) if said else ("resolve", reference, options)
        known: Embed | None = self._memo.get(asked)
        if known is not None:
            return known
        ref = self.parse(reference)
        wanted = validation.options(options, said).over(ref.options)
        picture = self.key(ref, wanted)
        copy = self._resolver.record(picture, wanted, admit)
        embed = sizes.shown(copy, wanted)
        if sizes.covers(copy, wanted):  # else it is shown in an outage alone
            self._memo.keep(asked, picture, copy, embed)
        return embed

    def resolve_many(
        self, references: Iterable[Reference], *, progress: Progress | None = None, admit: Admit | None = None
    ) -> list[Embed | EmbedKitError]:
        """Many embeds, in order; a distinct picture is asked for once, CONCURRENCY of them at a time.

        Whatever is wrong with one of them is its own error: the others come all the same.

        :param progress: called with the number of pictures done and of all.
        :param admit: decides which pictures Getty may be asked for; see :data:`embedkit.engine.resolver.Admit`.
        """
        asked = [self._asked(reference) for reference in references]
        wants = [self._want(one, one.options) for one in asked if isinstance(one, AssetRef)]
        found = self._resolver.records(wants, progress, admit=admit)
        return [self._sized(one, found) if isinstance(one, AssetRef) else one for one in asked]

    def records(
        self,
        references: Iterable[AssetRef],
        *,
        refresh: bool = False,
        progress: Progress | None = None,
        admit: Admit | None = None,
    ) -> dict[EmbedKey, Embed | EmbedKitError]:
        """The whole records behind many references, large enough for each of them.

        :param refresh: ask Getty for every one of them, whatever is held.
        """
        wants = [self._want(ref, ref.options) for ref in references]
        return self._resolver.records(wants, progress, refresh=refresh, admit=admit)

    def warm(
        self,
        texts: Iterable[str | tuple[str, Input]],
        *,
        input: Input = "html",
        progress: Progress | None = None,
    ) -> Report:
        """Fetch what these texts will need.

        :param texts: texts of the format ``input``, or pairs of a text and its own format.
        """
        began = self._clock()
        pairs = [(text, input) if isinstance(text, str) else text for text in texts]
        wanted = [ref for text, format in pairs for ref in self.find(text, input=format)]
        found = self.records(wanted, progress=progress)
        embeds = [embed for embed in found.values() if isinstance(embed, Embed)]
        return Report(
            distinct=len(found),
            fetched=sum(embed.fetched_at >= began for embed in embeds),
            stale=sum(embed.stale for embed in embeds),
            failed=tuple(
                (",".join(items), error) for (items, _), error in found.items() if isinstance(error, EmbedKitError)
            ),
        )

    def purge(self, reference: Reference) -> bool:
        """Drop every copy of a picture; whether there was one."""
        return self.cache.delete(self.parse(reference).items)

    # -- searching --------------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """The Getty Images API v3: search, metadata, downloads, boards."""
        return self._api()

    def search(self, phrase: str, *, family: Family = "all", **said: Unpack[AnySearch]) -> SearchPage:
        """One page of pictures that may be embedded, without nudity, unless something else is said.

        :param family: ``all``, ``creative`` or ``editorial``.
        :param said: ``page``, ``page_size``, ``language`` and all that this search takes.
        :raises ConfigurationError: for what it does not take; and without API_KEY.
        :raises ProviderError: where there is no answer.
        """
        return self.api.search.find(phrase, family=family, **said)

    def search_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **said: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """One page after another, each asked for when it is wanted; ``limit`` is how many at the most."""
        return self.api.search.find_pages(phrase, family=family, limit=limit, **said)

    # -- showing ----------------------------------------------------------------------------------------

    def html(self, reference: Reference, options: Options | None = None, **said: Any) -> Markup | str:
        """An embed ready for a page; where there is none, what ON_ERROR says.

        For ``target="text"`` it is plain text, escaped for nothing.

        :param said: ``target``, ``max_width``, ``max_height``, ``caption``, ``title``, ``align``, ``tld``.
        """
        asked = _asked("html", reference, options, said) if said else ("html", reference, options)
        known: Markup | str | None = self._memo.get(asked)
        if known is not None:
            return known
        wanted = validation.options(options, said)
        try:
            ref = self.parse(reference)
            wanted = wanted.over(ref.options)
            picture = self.key(ref, wanted)
            copy = self._resolver.record(picture, wanted)
            html = self._made(picture, copy, wanted)
        except EmbedKitError as error:
            return self.fallback(reference, error, wanted)
        if sizes.covers(copy, wanted):
            self._memo.keep(asked, picture, copy, html)
        return html

    def _made(self, picture: EmbedKey, copy: Embed, options: Options) -> Markup | str:
        from embedkit.rendering.renderer import typed

        new: list[Made] = []
        html = self._finished.html(picture, copy, options, new)
        self._finished.keep(new)
        return typed(html, self._target(options))

    def show(self, embed: Embed, options: Options = Options(), input: Input = "text") -> Markup | str:
        """A resolved embed for ``options.target`` (by default the setting TARGET).

        :param input: the format of the document that it will be in, which the target ``text`` is escaped for;
            ``text`` (not escaped, for plain text only) where there is none.
        """
        return self._renderer().render(embed, options, self._target(options), input)

    def fallback(
        self,
        reference: Reference,
        error: EmbedKitError,
        options: Options = Options(),
        input: Input = "text",
    ) -> Markup | str:
        """What a reader sees where there is no embed: a card, a link or a text, by ON_ERROR.

        :param input: as for :meth:`show`.
        :raises EmbedKitError: the one handed in, where ON_ERROR is ``raise`` or the set-up is at fault.
        """
        if self.settings.on_error == "raise" or isinstance(error, ConfigurationError):
            raise error
        target = self._target(options)
        try:
            ref = self.parse(reference)
        except UnsupportedReference:
            return self._renderer().plain(str(reference), target, input)
        texts = error.texts if isinstance(error, InvalidResponse) else {}
        return self._renderer().fallback(ref, options, target, texts=texts, input=input)

    def assets(self, target: Target) -> dict[str, list[str]]:
        """URLs of the stylesheets and scripts that a page with this target needs."""
        from embedkit.rendering.renderer import assets

        return assets(target, self.settings.rendering, self.settings.static_url)

    # -- texts ------------------------------------------------------------------------------------------

    def find(self, text: str, *, input: Input = "html") -> list[AssetRef]:
        """Every reference in a text, in order, with its options."""
        return [one.ref for one in matches.find(text, validation.word(input, INPUTS, "input")) if one.ref]

    def render(self, text: str, *, input: Input = "html", target: Target | None = None) -> str:
        """A text with every reference replaced; what cannot be shown degrades by ON_ERROR.

        :param input: ``html``, ``markdown`` or ``text``: tells what is code and must stay as it is.
        """
        return self.document(text, input=input, target=target).content

    def document(
        self, text: str, *, input: Input = "html", target: Target | None = None, admit: Admit | None = None
    ) -> Document:
        """The same, with the embeds that were shown and the problems that were met."""
        return self.documents([(text, input)], target=target, admit=admit)[0]

    def documents(
        self,
        texts: Iterable[tuple[str, Input]],
        *,
        target: Target | None = None,
        progress: Progress | None = None,
        admit: Admit | None = None,
    ) -> list[Document]:
        """Many texts, each with its input format; a distinct picture is asked for once for all of them."""
        run = Expansion(self, self._memo, self._finished, target, admit)
        return run.run([(text, validation.word(input, INPUTS, "input")) for text, input in texts], progress)

    # -- operation --------------------------------------------------------------------------------------

    def status(self) -> JSON:
        """Whether the parts work, for a readiness check."""
        store = self.cache.status()
        return {"cache": store["state"], "store": store, "upstream": self.upstream()}

    def upstream(self) -> JSON:
        """Breaker, throttle and queue of every endpoint that has been asked."""
        state: Callable[[], JSON] = getattr(self._transport(), "state", dict)
        return state()

    def settle(self, timeout: float | None = None) -> int:
        """Finish refreshing what was shown stale; seconds default to TIMEOUT. Returns how many are left."""
        return self._revalidator.settle(self.settings.timeout if timeout is None else timeout)

    def close(self) -> None:
        """Let go of connections."""
        for part in (*self._transport.made(), *self._cache.made(), *self._api.made()):
            if hasattr(part, "close"):
                part.close()

    def __enter__(self) -> EmbedKit:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not KeyboardInterrupt:  # who interrupts does not want to wait for new work
            self.settle()
        self.close()

    def _open_transport(self) -> Transport:
        from embedkit.transport.client import HttpTransport  # requests takes 76 ms to import: not when warm

        return HttpTransport(self.settings, observe=self.events)

    def _open_renderer(self) -> Renderer:
        from embedkit.rendering.renderer import Renderer

        return Renderer(self.settings.rendering)

    def _open_api(self) -> Api:
        from embedkit.api.client import Api  # who never searches has no use for it

        return Api(self.settings, transport=self._transport, clock=self._clock)

    # -- inside -----------------------------------------------------------------------------------------

    def _asked(self, reference: Reference) -> AssetRef | EmbedKitError:
        """A reference as a value, its ids and options checked; or what is wrong with it."""
        try:
            ref = self.parse(reference)
            return AssetRef(references.ids(ref), validation.options(ref.options, {}))
        except EmbedKitError as error:
            return error

    def _want(self, ref: AssetRef, options: Options) -> Want:
        return self.key(ref, options), options

    def _target(self, options: Options) -> Target:
        return cast(Target, options.target or self.settings.target)

    def _sized(self, ref: AssetRef, found: Mapping[EmbedKey, Embed | EmbedKitError]) -> Embed | EmbedKitError:
        picture, options = self._want(ref, ref.options)
        record = found[picture]
        return sizes.shown(record, options) if isinstance(record, Embed) else record


def _asked(what: str, reference: Reference, options: Options | None, said: Mapping[str, Any]) -> Hashable:
    """A call as a key; with types, since 1 == True."""
    return what, reference, options, *said.items(), *map(type, said.values())
