"""From a picture to its record: the cached copy, a request to Getty, or the last good copy.

What a caller gets depends on what is cached:

    fresh and large enough        the copy
    stale-while-revalidate        the copy; a new one is fetched in the background
    a remembered refusal          the copy if policy allows it, else the same error again
    anything else                 Getty's answer, for one caller at a time; if that fails, the last good copy
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.entry import Entry
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
from embedkit.freshness import Verdict
from embedkit.models import AssetRef, Embed, EmbedKey, Options
from embedkit.process import Observe, ignore, lazy_logger
from embedkit.settings import Settings

log = lazy_logger("embedkit.resolver")

if TYPE_CHECKING:
    from embedkit.engine.lockfile import Locked
    from embedkit.getty import oembed
    from embedkit.messages import Request, Response
    from embedkit.transport.client import Transport

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and the total."""

Want = tuple[EmbedKey, Options]

Admit = Callable[[Sequence[EmbedKey]], Mapping[EmbedKey, EmbedKitError]]
"""Called with the pictures that have to be requested from Getty; returns the errors of those that may not be.

A service applies its limits per client here. Cached pictures, and remembered refusals, are not passed to it.
"""

MAX_UNUSABLE = 3  # unusable answers in a row, to different pictures, before the endpoint is considered at fault

# TIMEOUTs for all pictures of one request to a service: 20 s, as proxies give up after 30. A build has no limit.
REQUEST_TIMEOUTS = 4
LATE_RETRY_S = 5.0  # Retry-After: the next request then finds more of them in the cache

MIN_CALL_S = 0.05  # for a call, however long it waited for its turn


class Resolver:
    """Finds the records of pictures. Records are unscaled: at the size cached, for the caller to scale down.

    :param cache: returns the cache, when it is first needed.
    :param transport: returns the transport, when it is first needed.
    :param locked: the records of a frozen build, for which neither cache nor transport is used.
    :param observe: called with the outcome of each lookup (:class:`embedkit.process.Events`).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: Callable[[], EmbedCache],
        transport: Callable[[], Transport],
        revalidator: Revalidator,
        locked: Locked | None = None,
        observe: Observe = ignore,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._transport = transport
        self._revalidator = revalidator
        self._locked = locked
        self._observe = observe
        self._unusable: set[EmbedKey] = set()  # since the last usable answer

    def key(self, ref: AssetRef, options: Options | None = None) -> EmbedKey:
        """Return the cache key: the items, and the tld of ``options`` or else of the reference."""
        return ref.items, (options or ref.options).tld or self._settings.tld

    def resolve(self, key: EmbedKey, options: Options, admit: Admit | None = None) -> Entry:
        """Return the entry of a picture, with a copy that is large enough for these options.

        :raises ProviderError: if there is no embed, and no copy that may be shown instead.
        """
        entry = self._lookup(key)
        if self._may_show(entry, options):
            return entry
        if admit and (error := admit([key]).get(key)):
            return _last_good(entry, error)
        return self._ask(entry, options)

    def resolve_many(
        self,
        wants: Iterable[Want],
        progress: Progress | None = None,
        *,
        refresh: bool = False,
        admit: Admit | None = None,
    ) -> dict[EmbedKey, Entry | EmbedKitError]:
        """Return one entry or error for each distinct picture; those not cached are requested in parallel.

        :param refresh: request every picture again, and return the error even if there is a copy.
        """
        largest: dict[EmbedKey, Options] = {}
        for key, options in wants:
            before = largest.get(key)
            largest[key] = options if before is None else options.covering(before)
        found: dict[EmbedKey, Entry | EmbedKitError] = {}
        missing: dict[EmbedKey, Entry] = {}
        held = [Entry(key=key) for key in largest] if refresh else self._lookup_many(list(largest))
        for entry in held:
            answer = not refresh and _catch(self._may_show, entry, largest[entry.key])
            if answer:
                found[entry.key] = entry if answer is True else answer
            else:
                missing[entry.key] = entry
        if admit and missing:
            for key, error in admit(tuple(missing)).items():
                found[key] = _catch(_last_good, missing.pop(key), error)
        patience = REQUEST_TIMEOUTS * self._settings.timeout if admit else math.inf
        ask = partial(self._renew if refresh else self._ask, patience=patience if len(missing) > 1 else None)
        asks = {key: partial(_catch, ask, entry, largest[key]) for key, entry in missing.items()}
        for key, answer in self._ask_many(asks, patience):
            found[key] = answer
            if progress:
                progress(len(found), len(largest))
        found |= {key: _catch(_last_good, missing[key], _late(key)) for key in missing.keys() - found.keys()}
        return {key: found[key] for key in largest}

    def _ask_many(
        self, missing: Mapping[EmbedKey, Callable[[], Entry | EmbedKitError]], seconds: float
    ) -> Iterator[tuple[EmbedKey, Entry | EmbedKitError]]:
        if len(missing) == 1 or self._locked is not None:
            for key, ask in missing.items():
                yield key, ask()
        elif missing:
            from embedkit.engine import parallel

            yield from parallel.each(missing, self._settings.concurrency, seconds)

    def held(self, key: EmbedKey) -> Embed | EmbedKitError | None:
        """Return the cached record, however old, or the remembered refusal; Getty is not asked."""
        entry = self._lookup(key)
        found = entry if entry.error is None else _catch(_last_good, entry, entry.error)
        return found.embed if isinstance(found, Entry) else found

    def _lookup(self, key: EmbedKey) -> Entry:
        """Return the entry of a picture from the cache, or from the lock file if there is one."""
        return self._cache().get(*key) if self._locked is None else self._from_lock(key, self._locked)

    def _lookup_many(self, keys: Sequence[EmbedKey]) -> Sequence[Entry]:
        if self._locked is not None:
            return [self._from_lock(key, self._locked) for key in keys]
        return self._cache().get_many(keys)

    def _may_show(self, entry: Entry, options: Options) -> bool:
        """Return whether the copy in an entry may be shown now, without asking Getty first.

        :raises ProviderError: if Getty refused the picture recently, and no copy may be shown.
        """
        outcome = _outcome(entry, options)
        if self._locked is None:
            self._observe("lookup", outcome)
        if entry.error is not None:
            return bool(_last_good(entry, entry.error))
        if outcome == "stale":
            self._revalidator.submit(entry.key, lambda: self._ask(entry, options))
        return outcome != "miss" or self._locked is not None

    def _from_lock(self, key: EmbedKey, locked: Locked) -> Entry:
        from embedkit.getty import oembed

        if key not in locked:
            ref, hint = ",".join(key[0]), "Add it with: embedkit lock DIR"
            missing = Unavailable(f"{ref} is not in the lock file {self._settings.lockfile}.", hint=hint, ref=ref)
            return Entry(error=missing, key=key)
        found = locked[key]
        if isinstance(found, ProviderError):
            return Entry(error=found, key=key)
        try:  # a lock file is not signed: its contents are not trusted
            embed = oembed.validate(found, self._settings.image_origins, tld=key[1])
        except ProviderError as error:
            return Entry(error=error, key=key)
        return Entry(embed, Verdict.FRESH, key=key)

    def _ask(self, entry: Entry, options: Options, *, patience: float | None = None) -> Entry:
        """Ask Getty, with one call at a time for a picture; if that fails, return the last good copy.

        Waiting for another caller, and asking, take TIMEOUT together.

        :param patience: seconds that one of several pictures waits for its turn; None for a single picture.
        """
        began = time.monotonic()
        try:
            found = self._ask_once(entry, options, patience, began)
            if not (found.satisfies(options) and found.is_unwritten()):
                # we shared a call for a smaller size, or one from before a purge
                found = self._ask_once(found, options, patience, began)
            return found
        except ProviderError as error:
            held = _last_good(self._cache().look_again(entry), error)
            self._observe("rescue")
            return held

    def _ask_once(self, entry: Entry, options: Options, patience: float | None, began: float) -> Entry:
        cache = self._cache()
        with cache.single_flight(*entry.key, wait=self._settings.timeout) as call:
            if not call.is_done:
                now = cache.look_again(entry)  # another thread or process may have been faster
                if now.error is not None:
                    raise now.error
                if now.verdict is Verdict.FRESH and now.satisfies(options):
                    call.result = now
                else:
                    call.result = self._fetch(entry.key, _no_smaller(options, now.embed), patience, began)
        found: Entry = call.result
        return found

    def _renew(self, entry: Entry, options: Options, *, patience: float | None = None) -> Entry:
        """Ask Getty, whatever is cached."""
        if self._locked is not None:
            found = self._from_lock(entry.key, self._locked)
            return _last_good(found, found.error) if found.error else found
        began = time.monotonic()
        with self._cache().single_flight(*entry.key, wait=self._settings.timeout) as call:
            if not call.is_done:
                call.result = self._fetch(entry.key, options, patience, began)
        renewed: Entry = call.result
        return renewed

    def _fetch(self, key: EmbedKey, options: Options, patience: float | None, began: float) -> Entry:
        (items, tld), asked_at = key, self._cache().now()
        try:
            answer = self._answer(key, options, patience, began)
        except ProviderError as error:
            self._blame(error, key)
            log.debug("no embed of %s: %s: %s", error.ref, error.code, error)
            self._cache().store_error(items, tld, error, asked_at=asked_at)
            raise
        self._unusable.clear()
        return self._cache().store(answer.embed, tld=tld, cache_age=answer.cache_age, asked_at=asked_at)

    def verify(self, key: EmbedKey) -> None:
        """Ask Getty whether a picture exists, regardless of other callers; the cache is not changed.

        :raises ProviderError: if it does not exist, or Getty does not answer.
        """
        self._answer(key, Options(), patience=None, began=time.monotonic())

    def _answer(
        self, key: EmbedKey, options: Options, patience: float | None, began: float
    ) -> oembed.OEmbedResult:
        from embedkit.getty import oembed  # not needed for warm pictures

        (items, tld), bounds, ref = key, options.requested_bounds, AssetRef(key[0])
        endpoint, frame_origin = self._settings.oembed_endpoint, self._settings.frame_origin
        try:
            request = oembed.request(ref, endpoint, self._settings.caller_name, bounds=bounds, tld=tld)
            if patience is None:
                left = max(MIN_CALL_S, self._settings.timeout - (time.monotonic() - began))
                request = replace(request, timeout=left)
            else:
                request = replace(request, batch=True, patience=patience)
            response = self._send(request)
            return oembed.parse(
                response,
                ref,
                tld=tld,
                frame_origins=(frame_origin, endpoint),
                image_origins=self._settings.image_origins,
                asked=bounds,
            )
        except ProviderError as error:
            error.ref = ",".join(items)
            raise

    def _blame(self, error: ProviderError, key: EmbedKey) -> None:
        """Mark an unusable answer as an outage, if the answers to other pictures are unusable too."""
        if isinstance(error, NotFound | NotEmbeddable):
            self._unusable.clear()
        elif isinstance(error, InvalidResponse) and not error.outage:
            if len(self._unusable) < MAX_UNUSABLE:
                self._unusable.add(key)
            error.outage = len(self._unusable) >= MAX_UNUSABLE

    def _send(self, request: Request) -> Response:
        """Send a request. A response that can't even be read is an outage, not an answer about the picture."""
        from embedkit.messages import exchange  # not needed for warm pictures

        try:
            return exchange(self._transport().send, request)
        except InvalidResponse as error:
            error.outage = True
            raise


def _outcome(entry: Entry, options: Options) -> str:
    """Return the outcome of a cache lookup, in one word."""
    if entry.error is not None:
        return "negative"
    if not entry.satisfies(options):
        return "miss"
    if entry.verdict is Verdict.FRESH:
        return "hit"
    return "stale" if entry.verdict is Verdict.STALE_WHILE_REVALIDATE else "miss"


def _last_good(entry: Entry, error: EmbedKitError) -> Entry:
    """Return the entry if its copy may be shown despite an error; otherwise raise the error.

    A picture that is no longer embeddable is not shown as stale-if-error. A withdrawn picture is never shown, even
    if the cache could not be written and still contains it.
    """
    forbidden = isinstance(error, NotEmbeddable) and entry.verdict is Verdict.STALE_IF_ERROR
    if entry.embed is None or forbidden or isinstance(error, NotFound):
        raise error
    return entry


def _late(key: EmbedKey) -> Unavailable:
    message = "Getty Images is responding slowly, and this picture could not be requested in time."
    return Unavailable(message, ref=",".join(key[0]), retry_after=LATE_RETRY_S)


def _catch(ask: Callable[..., Any], *args: Any) -> Any:
    """Return the result of a call, or its error as a value; a configuration error is not about the picture."""
    try:
        return ask(*args)
    except ConfigurationError:
        raise
    except EmbedKitError as error:
        return error


def _no_smaller(options: Options, held: Embed | None) -> Options:
    """Return options for a new copy that is no smaller than the cached one, to keep serving larger sizes."""
    if held is None:
        return options
    width, height = held.asked
    return options.covering(Options(max_width=width, max_height=height))
