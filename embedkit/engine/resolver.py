"""From a picture to its record: the copy that is held, the question to Getty, the last good copy.

What a caller gets, by what is held:

    fresh, large enough           the copy
    stale-while-revalidate        the copy; a new one is fetched behind it
    a remembered refusal          the copy if policy allows, else the same error again
    anything else                 Getty is asked, one caller at a time; if that fails, the last good copy
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from embedkit.cache.embed_cache import EmbedCache, Entry
from embedkit.engine.revalidation import Revalidator
from embedkit.errors import (
    ConfigurationError,
    EmbedKitError,
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    ProviderError,
    Unavailable,
)
from embedkit.events import Observe, ignore
from embedkit.freshness import Verdict
from embedkit.getty import sizes
from embedkit.messages import Request, Response
from embedkit.models import AssetRef, Embed, EmbedKey, Options
from embedkit.settings import Settings

log = logging.getLogger("embedkit.resolver")

if TYPE_CHECKING:
    from embedkit.transport.client import Transport

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all."""

Want = tuple[EmbedKey, Options]

Admit = Callable[[Sequence[EmbedKey]], Mapping[EmbedKey, EmbedKitError]]
"""Called with the pictures that Getty would have to be asked for; gives the errors of those that it may not be.

A service counts them by client here. What is held, and what Getty has lately refused, is not asked about.
"""

UNUSABLE_PICTURES = 3  # different ones in a row whose answers can't be used: then it is the endpoint

LAST_SECONDS = 0.05  # that a call gets at the least, however long its turn was waited for


class Resolver:
    """Finds records. Records are whole: at the size held, for the caller to scale down.

    :param cache: gives the cache, and ``transport`` the transport, when first needed.
    :param locked: the records of a frozen build; then neither of the two is touched.
    :param observe: told what was held (:mod:`embedkit.events`).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: Callable[[], EmbedCache],
        transport: Callable[[], Transport],
        revalidator: Revalidator,
        locked: Mapping[EmbedKey, Embed] | None = None,
        observe: Observe = ignore,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._transport = transport
        self._revalidator = revalidator
        self._locked = locked
        self._observe = observe
        self._unusable: set[EmbedKey] = set()  # since the last answer that could be used

    def record(self, picture: EmbedKey, options: Options, admit: Admit | None = None) -> Embed:
        """One record, large enough for these options.

        :raises ProviderError: where there is none, and no copy that may be shown instead.
        """
        if held := self._held(picture, options):
            return held
        if admit and (error := admit([picture]).get(picture)):
            return _last_good(self._cache().get(*picture), error)
        return self._ask(picture, options)

    def records(
        self,
        wants: Sequence[Want],
        progress: Progress | None = None,
        *,
        refresh: bool = False,
        admit: Admit | None = None,
    ) -> dict[EmbedKey, Embed | EmbedKitError]:
        """One record or error for each distinct picture: what is held at once, the rest in parallel.

        :param refresh: ask for every picture anew, and give the error even where a copy is held.
        """
        pictures: dict[EmbedKey, Options] = {}
        for picture, options in wants:
            before = pictures.get(picture)
            pictures[picture] = options if before in (None, options) else sizes.largest(options, before)
        found: dict[EmbedKey, Embed | EmbedKitError] = {}
        if not refresh:
            held = ((want[0], _caught(self._held, *want)) for want in pictures.items())
            found = {picture: answer for picture, answer in held if answer is not None}
        missing = {picture: options for picture, options in pictures.items() if picture not in found}
        if admit and missing:
            for picture, error in admit(tuple(missing)).items():
                found[picture] = _caught(_last_good, self._cache().get(*picture), error)
                del missing[picture]
        ask = partial(self._renew if refresh else self._ask, batch=len(missing) > 1)
        for picture, answer in self._ask_many(missing, ask):
            found[picture] = answer
            if progress:
                progress(len(found), len(pictures))
        return {picture: found[picture] for picture in pictures}

    def _ask_many(
        self, missing: Mapping[EmbedKey, Options], ask: Callable[[EmbedKey, Options], Embed]
    ) -> Iterator[tuple[EmbedKey, Embed | EmbedKitError]]:
        if len(missing) == 1 or self._locked is not None:
            for want in missing.items():
                yield want[0], _caught(ask, *want)
        elif missing:
            from concurrent.futures import ThreadPoolExecutor, as_completed

            pool = ThreadPoolExecutor(min(self._settings.concurrency, len(missing)), "embedkit-batch")
            try:
                asked = {pool.submit(_caught, ask, *want): want[0] for want in missing.items()}
                for done in as_completed(asked):
                    yield asked[done], done.result()
            finally:  # after an interruption what is under way comes to its end, and nothing else is begun
                pool.shutdown(cancel_futures=True)

    def _held(self, picture: EmbedKey, options: Options) -> Embed | None:
        """The copy that may be shown now; None where Getty has to be asked first.

        :raises ProviderError: where Getty has lately said no, and no copy may be shown.
        """
        if self._locked is not None:
            return self._from_lock(picture, self._locked)
        entry = self._cache().get(*picture)
        self._observe("lookup", _lookup(entry, options))
        if entry.error is not None:
            return _last_good(entry, entry.error)
        if entry.embed is None or not sizes.covers(entry.embed, options):
            return None
        if entry.verdict is Verdict.FRESH:
            return entry.embed
        if entry.verdict is Verdict.STALE_WHILE_REVALIDATE:
            self._revalidator.submit(picture, lambda: self._ask(picture, options))
            return entry.embed
        return None

    def _from_lock(self, picture: EmbedKey, locked: Mapping[EmbedKey, Embed]) -> Embed:
        from embedkit.getty import oembed

        if picture in locked:  # a lock file is not signed: whoever can write to it is not trusted with more
            return oembed.vetted(locked[picture], self._settings, tld=picture[1])
        ref = ",".join(picture[0])
        raise Unavailable(
            f"{ref} is not in the lock file {self._settings.lockfile}.",
            hint="Add it with: embedkit lock DIR",
            ref=ref,
        )

    def _ask(self, picture: EmbedKey, options: Options, *, batch: bool = False) -> Embed:
        """Ask Getty, one caller at a time for a picture; else the last good copy.

        Waiting for another who asks, and asking, take TIMEOUT together.
        """
        began = time.monotonic()

        def work() -> Embed:
            entry = self._cache().get(*picture)  # another thread or process may have been first
            if entry.error is not None:
                raise entry.error
            if entry.embed is None:
                return self._fetch(picture, options, batch, began)
            if entry.verdict is Verdict.FRESH and sizes.covers(entry.embed, options):
                return entry.embed
            return self._fetch(picture, _no_smaller(options, entry.embed), batch, began)

        try:
            embed = self._cache().once(*picture, work, wait=self._settings.timeout)
            if not sizes.covers(embed, options):  # we shared the answer to a smaller question
                embed = self._cache().once(*picture, work, wait=self._settings.timeout)
            return embed
        except ProviderError as error:
            copy = _last_good(self._cache().get(*picture), error)
            self._observe("rescue")
            return copy

    def _renew(self, picture: EmbedKey, options: Options, *, batch: bool = False) -> Embed:
        """Ask Getty whatever is held."""
        if self._locked is not None:
            return self._from_lock(picture, self._locked)
        began = time.monotonic()
        return self._cache().once(
            *picture, lambda: self._fetch(picture, options, batch, began), wait=self._settings.timeout
        )

    def _fetch(self, picture: EmbedKey, options: Options, batch: bool, began: float) -> Embed:
        from embedkit.getty import oembed  # what is warm has no use for it

        items, tld = picture
        ref, asked_at = AssetRef(items), self._cache().now()
        bounds = sizes.question(options)
        try:
            request = oembed.request(ref, self._settings, bounds=bounds, tld=tld)
            left = max(LAST_SECONDS, self._settings.timeout - (time.monotonic() - began))
            response = self._sent(replace(request, batch=batch, timeout=None if batch else left))
            answer = oembed.parse(response, ref, self._settings, tld=tld, asked=bounds)
        except ProviderError as error:
            error.ref = str(ref)
            self._blame(error, picture)
            log.debug("no embed of %s: %s: %s", ref, error.code, error)
            self._cache().fail(items, tld, error, asked_at=asked_at)
            raise
        self._unusable.clear()
        return self._cache().store(answer.embed, tld=tld, cache_age=answer.cache_age, asked_at=asked_at)

    def _blame(self, error: ProviderError, picture: EmbedKey) -> None:
        """Mark an answer that can't be used as an outage, where those to other pictures can't be used either."""
        if isinstance(error, NotFound | NotEmbeddable):
            self._unusable.clear()
        elif isinstance(error, InvalidResponse) and not error.outage:
            if len(self._unusable) < UNUSABLE_PICTURES:
                self._unusable.add(picture)
            error.outage = len(self._unusable) >= UNUSABLE_PICTURES

    def _sent(self, request: Request) -> Response:
        """An answer of whatever kind. One that cannot even be read says nothing of the picture."""
        try:
            return self._transport().send(request)
        except InvalidResponse as error:
            error.outage = True
            raise


def _lookup(entry: Entry, options: Options) -> str:
    """What a look into the cache came to, in one word."""
    if entry.error is not None:
        return "negative"
    if entry.embed is None or not sizes.covers(entry.embed, options):
        return "miss"
    if entry.verdict is Verdict.FRESH:
        return "hit"
    return "stale" if entry.verdict is Verdict.STALE_WHILE_REVALIDATE else "miss"


def _last_good(entry: Entry, error: EmbedKitError) -> Embed:
    """The copy that may be shown in spite of an error; a picture that lost its permission goes sooner.

    A withdrawn one goes at once, even where the cache could not be written and still has it.
    """
    forbidden = isinstance(error, NotEmbeddable) and entry.verdict is Verdict.STALE_IF_ERROR
    if entry.embed is None or forbidden or isinstance(error, NotFound):
        raise error
    return entry.embed


def _caught(ask: Callable[..., Any], *args: Any) -> Any:
    """What a call returns, or the error that it raises, as a value; a wrong setting is no picture's error."""
    try:
        return ask(*args)
    except ConfigurationError:
        raise
    except EmbedKitError as error:
        return error


def _no_smaller(options: Options, held: Embed) -> Options:
    """Bounds for a new copy that does not shrink the one held: it serves readers of larger sizes too."""
    width, height = held.asked
    return sizes.largest(options, Options(max_width=width, max_height=height))
