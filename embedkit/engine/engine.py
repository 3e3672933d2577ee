"""The parts behind :class:`embedkit.EmbedKit`, for code that needs more than its methods: ``kit.engine``.

The web service, the command line and the host integrations use it. It takes parsed references, returns entries or
markup made from entries, and lets the caller decide which pictures must not be requested from Getty.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.entry import Entry
from embedkit.cache.envelope import signing_secrets
from embedkit.cache.memory import CountedMemo, Memo
from embedkit.cache.stores.factory import open_store, scheme_of
from embedkit.engine.rendered import RenderedFragments
from embedkit.engine.resolver import Admit, Progress, Resolver
from embedkit.engine.revalidation import Revalidator
from embedkit.errors import ConfigurationError, EmbedKitError
from embedkit.models import JSON, AssetRef, Document, Embed, EmbedKey, Options
from embedkit.process import Events, Lazy, Observe, ignore
from embedkit.settings import Settings
from embedkit.shortcodes.budget import Budget
from embedkit.targets import Input, Target
from embedkit.validation import USUAL_INTERVAL_S

if TYPE_CHECKING:
    from markupsafe import Markup

    from embedkit.api.client import Api
    from embedkit.cache.stores.base import Backend
    from embedkit.engine.changes import Changes
    from embedkit.engine.documents import Expansion, TextTooLarge
    from embedkit.engine.lockfile import Locked
    from embedkit.files.journal import Journal
    from embedkit.transport.client import HttpTransport, Transport

Failure = TypeVar("Failure", bound=Exception)


class Engine:
    """The engine of a kit, created with the same arguments. ``events`` receives its events."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Transport | None,
        cache: Backend | None,
        clock: Callable[[], float],
        background: bool,
    ) -> None:
        self.has_changes = bool(settings.change_feed or settings.purge_urls or settings.webhook_url)
        self.events = events = Events()
        self.cache = Lazy(lambda: _open_cache(settings, cache, clock, events))
        self.transport = Lazy(lambda: transport or open_transport(settings, events))
        self.api = Lazy(lambda: _open_api(settings, self.transport, clock, shared=transport is None))
        self.changes = Lazy(lambda: _open_changes(self, settings, clock))
        self.revalidator = Revalidator(background=background, threads=settings.concurrency)
        entries = None if settings.frozen else self.cache
        self.memo = Memo(entries) if settings.metrics == "off" else CountedMemo(entries, events)
        self.fragments = RenderedFragments(settings.rendering, cast(Target, settings.target), entries)
        self.resolver = Resolver(
            settings,
            cache=self.cache,
            transport=self.transport,
            revalidator=self.revalidator,
            locked=_read_lockfile(settings.lockfile) if settings.frozen else None,
            observe=events,
        )

    def resolve(self, ref: AssetRef, options: Options, *, admit: Admit | None = None) -> Entry:
        """Return the entry of a picture; ``entry.sized(options)`` is its embed.

        :param options: how it will be shown, including the options of the reference.
        :param admit: decides whether Getty may be asked; see :data:`embedkit.engine.resolver.Admit`.
        :raises ProviderError: if there is no embed, and no copy that may be shown instead.
        """
        return self.resolver.resolve(self.resolver.key(ref, options), options, admit)

    def resolve_many(
        self,
        refs: Iterable[AssetRef | Failure],
        *,
        progress: Progress | None = None,
        admit: Admit | None = None,
    ) -> list[Embed | EmbedKitError | Failure]:
        """Return several embeds, in order; a value that is not a reference is returned unchanged."""
        wanted = list(refs)
        found = self.entries([ref for ref in wanted if isinstance(ref, AssetRef)], progress=progress, admit=admit)
        return [self._fit(ref, found) if isinstance(ref, AssetRef) else ref for ref in wanted]

    def entries(
        self,
        refs: Iterable[AssetRef],
        *,
        refresh: bool = False,
        progress: Progress | None = None,
        admit: Admit | None = None,
    ) -> dict[EmbedKey, Entry | EmbedKitError]:
        """Return the entries of several references, each with a copy that is large enough for all of them.

        :param refresh: request every picture from Getty, whatever is cached.
        """
        wants = [(self.resolver.key(ref), ref.options) for ref in refs]
        return self.resolver.resolve_many(wants, progress, refresh=refresh, admit=admit)

    def html(self, entry: Entry, options: Options) -> Markup | str:
        """Render the copy in an entry for a page."""
        from embedkit.rendering.renderer import typed

        return typed(self.fragments.html(entry, options), self.fragments.target(options))

    def documents(
        self,
        texts: Iterable[tuple[str, Input]],
        *,
        target: Target | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Document]:
        """Render several texts, each in its own input format, requesting each distinct picture only once.

        References beyond the usual budget of a text are left unchanged.

        :returns: a document for each text, in order, rendered when it is taken, so that a large site is not held
            in memory twice.
        """
        expansion = self._expansion(target)
        return cast(Iterator[Document], expansion.run(texts, progress, None))  # no budget: none is too large

    def bounded_documents(
        self, texts: Iterable[tuple[str, Input]], *, budget: Budget, target: Target | None, admit: Admit
    ) -> list[Document | TextTooLarge]:
        """Like :meth:`documents`, for untrusted texts: a text that exceeds ``budget`` gets an error instead.

        :param budget: the limit for all texts together.
        """
        return list(self._expansion(target, budget).run(texts, None, admit))

    def _expansion(self, target: Target | None, budget: Budget | None = None) -> Expansion:
        from embedkit.engine.documents import Expansion  # imports the scanner, which only texts need

        return Expansion(self.resolver, self.memo, self.fragments, target, budget)

    def fingerprint(self, key: EmbedKey) -> object:
        """Return the cached data of a picture that its HTML depends on; Getty is not asked."""
        found = self.resolver.held(key)
        return found.as_record(times=False) if isinstance(found, Embed) else found and found.code

    def purge(self, items: tuple[str, ...]) -> bool:
        """Delete every copy of a picture and notify caches and the webhook; return whether there was a copy.

        :raises Unavailable: if the store can't be written; even then, this process shows no copy.
        """
        held = self.cache().delete(items)
        if self.has_changes:
            self.changes().notify(items)
        return held

    def changes_status(self) -> JSON:
        """Return the state of CHANGE_FEED, PURGE_URLS and WEBHOOK_URL; empty if none of them is set."""
        if not self.has_changes:
            return {}
        try:
            return self.changes().status()
        except EmbedKitError as error:
            return {"state": error.code}

    def close(self) -> None:
        """Close all connections."""
        if changes := self.changes.value_if_made:
            changes.closing.set()
        if api := self.api.value_if_made:
            api.close()
        if close := getattr(self.transport.value_if_made, "close", None):
            close()
        if cache := self.cache.value_if_made:
            cache.close()

    def _fit(self, ref: AssetRef, found: Mapping[EmbedKey, Entry | EmbedKitError]) -> Embed | EmbedKitError:
        entry = found[self.resolver.key(ref)]
        return entry.sized(ref.options) if isinstance(entry, Entry) else entry


def _read_lockfile(path: str) -> Locked:
    from embedkit.engine import lockfile  # only for a frozen build

    return lockfile.read(path)


def open_transport(settings: Settings, events: Observe = ignore) -> HttpTransport:
    """Return a transport with the given settings."""
    from embedkit.transport.client import HttpTransport  # importing requests takes 76 ms: not when warm

    return HttpTransport(
        timeout=settings.timeout,
        concurrency=settings.concurrency,
        api_rate=settings.api_calls_per_second,
        proxy=settings.proxy.reveal(),
        verify=settings.ca_bundle or True,
        observe=events,
    )


def _open_api(
    settings: Settings, transport: Callable[[], Transport], clock: Callable[[], float], *, shared: bool
) -> Api:
    from embedkit.api.client import Api  # only needed for the API
    from embedkit.cache.secret import own_folder

    # with a custom transport, tokens and licences may not be real ones
    return Api(
        settings,
        transport=transport,
        clock=clock,
        token_folder=own_folder() if shared else None,
        journal=(lambda: open_journal(settings)) if shared or settings.download_journal else None,
    )


def open_journal(settings: Settings) -> Journal:
    """Return the download journal of one customer of one API."""
    from urllib.parse import urlsplit  # only needed for the API

    import platformdirs

    from embedkit.files.journal import Journal

    folder = settings.download_journal or os.path.join(platformdirs.user_data_dir("embedkit"), "downloads")
    # an account outlives its keys; the hash keeps it out of the folder's name
    account = f"{settings.api_base}\n{settings.username or settings.api_key.reveal()}"
    host = re.sub("[^a-z0-9.]+", "-", urlsplit(settings.api_base).netloc.lower())
    return Journal(os.path.join(folder, f"{host}-{hashlib.sha256(account.encode()).hexdigest()[:16]}"))


def _open_changes(engine: Engine, settings: Settings, clock: Callable[[], float]) -> Changes:
    """Return the part that polls Getty's change feed, if CHANGE_FEED is on, and notifies caches and the webhook.

    :raises ConfigurationError: if the cache is in memory, or FROZEN is set.
    """
    from embedkit.engine.changes import Changes  # only needed by a service or a command
    from embedkit.engine.purges import PURPOSE, receivers

    if settings.frozen:
        raise ConfigurationError("CHANGE_FEED needs the network, and EMBEDKIT_FROZEN is set.")
    cache = engine.cache()
    return Changes(
        cache,
        feed=engine.api().changes if settings.change_feed else None,
        verify=engine.resolver.verify,
        key=lambda id: ((id,), settings.tld),
        send=engine.transport().send,
        receivers=receivers(settings.purge_urls, settings.webhook_url.reveal(), cache.secret(PURPOSE)),
        scope=f"{settings.oembed_endpoint} {settings.api_base}",
        interval=settings.change_feed or USUAL_INTERVAL_S,
        threads=max(1, settings.concurrency // 2),
        timeout=settings.timeout,
        clock=clock,
    )


def _open_cache(
    settings: Settings, backend: Backend | None, clock: Callable[[], float], events: Events
) -> EmbedCache:
    """Return the cache, in the given backend or in the one that the CACHE setting names.

    :raises ConfigurationError: if the store can't be opened, or there is no secret to sign entries with.
    """
    takedowns = None
    if backend is None:
        takedowns = _takedowns_path(settings.cache)
        backend = open_store(settings.cache, limit=settings.cache_limit, timeout=settings.timeout)
    return EmbedCache(
        backend,
        secrets=signing_secrets(settings.secret, settings.cache),
        policy=settings.policy,
        endpoint=settings.oembed_endpoint,
        clock=clock,
        observe=events,
        takedowns_path=takedowns,
    )


def _takedowns_path(url: str) -> str | None:
    """Return the path, in the user's cache folder, of the takedowns file for a server; None for other stores."""
    if not scheme_of(url).shared:
        return None
    import platformdirs

    folder = platformdirs.user_cache_dir("embedkit")
    server = hashlib.sha256(url.rpartition("@")[2].encode()).hexdigest()[:16]  # without the password
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None  # no home directory, as in a container: takedowns are kept in memory only
    return os.path.join(folder, f"takedowns-{server}")
