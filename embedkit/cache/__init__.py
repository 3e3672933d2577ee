"""The copies: records in a signed envelope over any cachelib backend, and one upstream call for all who ask.

One entry holds a picture whole (:mod:`embedkit.cache.entries`), so one delete removes it.

In front of the backend lies a dict of what was read last. It is trusted for as long as nobody has written
the entry (:mod:`embedkit.stores.changes`); over a backend that cannot tell, for a second.
"""

from __future__ import annotations

import hashlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from cachelib import BaseCache

from embedkit.cache import entries, envelope
from embedkit.cache.entries import Entry
from embedkit.cache.envelope import Envelope
from embedkit.cache.flight import Flight
from embedkit.cache.guard import Guarded
from embedkit.errors import ConfigurationError, NotFound, ProviderError, Unavailable
from embedkit.events import Observe, ignore
from embedkit.freshness import Policy, lifetime
from embedkit.models import JSON, Embed
from embedkit.stores.changes import Changes, slot
from embedkit.stores.locks import Busy, FileLocks, LeaseLocks, Locks, tell_of_forks

__all__ = ["EmbedCache", "Entry"]

log = logging.getLogger("embedkit.cache")

Result = TypeVar("Result")
Items = tuple[str, ...]
Held = tuple[Entry, float, float, int, int]  # from when, until when, while which mark is which

PREFIX = "embedkit:"
IN_FRONT = 8_192  # embeds held in memory, some 3 KB each
TRUSTED, BLIND = 30.0, 1.0  # seconds to trust one: where its store tells of changes, and where it cannot
NOTE = 2  # seconds for which an outage is told to other processes that waited for the same answer
WRITE_WAIT = 1.0  # seconds to wait for another who is changing the same entry
UNUSABLE = (ValueError, KeyError, TypeError, AttributeError)  # signed by us, but in no shape we know


class EmbedCache:
    """Keeps embeds. Safe for threads, processes and forks; whatever is wrong with the backend is a miss.

    :param backend: any cachelib backend.
    :param secrets: the first one signs entries, all verify.
    :param policy: how long copies may be shown.
    :param endpoint: the oEmbed endpoint; copies of one are none of another.
    :param clock: seconds since the epoch; ``monotonic`` counts from anywhere.
    :param random: a number from 0 to 1.
    :param observe: told of shared calls and of what is wrong with the backend (:mod:`embedkit.events`).
    :raises ConfigurationError: without a secret.
    """

    def __init__(
        self,
        backend: BaseCache,
        *,
        secrets: Sequence[str],
        policy: Policy,
        endpoint: str,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
        observe: Observe = ignore,
    ) -> None:
        if not secrets or not all(secrets):
            raise ConfigurationError("A cache needs a secret to sign its entries.", hint="Set SECRET.")
        self._store = Guarded(backend, monotonic, observe)
        self._observe = observe
        self._envelope = Envelope(secrets)
        self._policy = policy
        self._endpoint = endpoint
        self._clock = clock
        self._random = random
        self._flight, self._locks, self._writing = self._exclusion(backend)
        told: Changes | None = getattr(backend, "changes", None)
        self._blind = told is None
        self._changes = told or Changes()
        self._marks = self._changes.marks
        self._front: dict[tuple[Items, str], Held] = {}
        self._hits = self._misses = self._corrupt = 0  # about: threads may lose one
        self.after_fork()
        tell_of_forks(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._filling = threading.Lock()

    def _exclusion(self, backend: BaseCache) -> tuple[Flight, Locks, Locks]:
        """Threads that want the same; who else asks Getty for it; who else writes it."""
        if path := getattr(backend, "lock_path", None):
            locks = FileLocks.at(path)
            return Flight.at(path), locks, locks
        if self._store.lone:
            return Flight(), Locks(), Locks()
        return Flight(), LeaseLocks(self._store.add, self._store.get, self._store.delete), Locks()

    # -- copies -----------------------------------------------------------------------------------------

    def get(self, items: Items, tld: str) -> Entry:
        """What is held of a picture, without asking anybody."""
        held = self._front.get((items, tld))
        if held is not None:
            entry, since, until, place, mark = held
            if since <= self._clock() < until and self._marks[place] == mark:
                self._hits += 1
                return entry
        return self._look(items, tld)

    def gives(self, picture: tuple[Items, str], copy: Embed) -> bool:
        """Whether :meth:`get` would give this very object, out of memory: asked at every warm answer."""
        held = self._front.get(picture)
        if held is None or held[0].embed is not copy:
            return False
        return held[1] <= self._clock() < held[2] and self._marks[held[3]] == held[4]

    def now(self) -> float:
        """Seconds since the epoch, by the clock of the entries."""
        return self._clock()

    def store(self, embed: Embed, *, tld: str, cache_age: int | None = None, asked_at: float = math.inf) -> Embed:
        """Keep a copy, in place of any error; the copies for other tlds stay.

        :param cache_age: seconds for which the provider calls it good.
        :param asked_at: when the question went out: what has been purged or taken down since stays away.
        :returns: the embed with its times.
        """
        now = self._clock()
        fresh_for = lifetime(self._policy, cache_age, self._random())
        stamped = replace(embed, fetched_at=now, fresh_until=now + fresh_for, stale=False)
        self._change(embed.ref.items, lambda body: entries.stored(body, stamped, tld, asked_at))
        return stamped

    def finish(self, copy: Embed, html: Mapping[str, str], *, tld: str) -> None:
        """Keep html beside the copy that it was made from, as long as that is held and there is room.

        Only where every other writer of the entry can be kept out meanwhile, also of other processes: no html
        is worth a copy that comes back after a purge.
        """
        if self._writing is not self._locks:
            return
        key = self._key(copy.ref.items)
        try:
            with self._locks.hold(f"{key}:write", WRITE_WAIT):
                body = self._read(key)
                if (changed := entries.finished(body, copy, tld, html)) is not body:
                    self._set(key, changed, entries.worth_keeping(changed, self._clock(), self._policy))
        except (Busy, *UNUSABLE):
            pass  # it is made again when it is wanted again

    def fail(self, items: Items, tld: str, error: ProviderError) -> None:
        """Remember that Getty refused a picture, for every tld. An outage is only told to those who wait.

        A picture that is missing loses all its copies; otherwise they stay.
        """
        if not isinstance(error, entries.REFUSALS):
            self._tell(self._key(items), tld, error)
            return
        kept = self._change(items, lambda body: entries.refused(body, error, self._clock(), self._policy))
        if not kept and isinstance(error, NotFound):
            self._drop(self._key(items))

    def delete(self, items: Items) -> bool:
        """Drop every copy of a picture, and what is remembered of it; whether there was a copy.

        :raises Unavailable: where the backend does not do it.
        """
        key = self._key(items)
        with self._alone(key):
            held = bool(self._read(key)["variants"])
            deleted = self._drop(key)
            if deleted is None or (held and not deleted and self._read(key)["variants"]):
                raise Unavailable("The cache cannot be written; nothing was dropped.", ref=",".join(items))
            self._set(key, entries.dropped(self._clock()), entries.REMEMBERED)
        return held

    # -- one call for all who ask -----------------------------------------------------------------------

    def once(self, items: Items, tld: str, work: Callable[[], Result], *, wait: float) -> Result:
        """Do some work for a picture, or share in the outcome of whoever is doing it, error or result.

        :param work: looks again whether there is a copy by now, else asks Getty and stores or fails.
        :param wait: seconds to wait for another thread, process or machine.
        :raises Unavailable: where that was not enough.
        """
        key = self._key(items)
        try:
            lead = partial(self._lead, key, items, tld, work, wait)
            return self._flight.once((key, tld), lead, wait, partial(self._observe, "coalesced", "thread"))
        except Busy:
            raise Unavailable(
                "Somebody else is still asking Getty Images for this picture.",
                ref=",".join(items),
                retry_after=1.0,
            ) from None

    def _lead(self, key: str, items: Items, tld: str, work: Callable[[], Result], wait: float) -> Result:
        began = self._clock()
        with self._locks.hold(f"{key}:{tld}:lease", wait) as waited:
            if waited and (error := self._told(key, tld, began)):
                raise error  # whoever we waited for has just met it: asking again would take as long
            if waited:
                self._observe("coalesced", "process")
            self._front.pop((items, tld), None)  # the work must see what that one has stored
            return work()

    def _tell(self, key: str, tld: str, error: ProviderError) -> None:
        """Leave a note of an outage for other processes that wait."""
        if not self._store.lone:
            note = {"error": entries.dump_error(error, self._clock(), self._policy)}
            name = f"{key}:{tld}:outage"
            self._store.set(name, self._envelope.seal(name, note), NOTE)

    def _told(self, key: str, tld: str, since: float) -> ProviderError | None:
        note = self._open(f"{key}:{tld}:outage").get("error")
        return entries.revive_error(note) if note and note["at"] >= since else None

    # -- operation --------------------------------------------------------------------------------------

    def state(self) -> str:
        """``ok``, or ``down`` where the backend does not answer."""
        return "ok" if self._store.working() else "down"

    def check(self) -> bool:
        """Whether the backend keeps what it is given, or is meant to keep nothing."""
        return self._store.keeps()

    def info(self) -> JSON:
        """What kind of backend it is and how much it holds; what this process has found there."""
        counts = {"hits": self._hits, "misses": self._misses, "corrupt": self._corrupt}
        return self._store.describe() | {"state": self.state()} | counts

    def prune(self) -> int:
        """Drop what nobody may be shown any more; how many entries that was, where the backend can tell."""
        return self._store.prune()

    def clear(self) -> None:
        """Drop every entry.

        :raises ConfigurationError: where that would empty a server that others use too.
        :raises Unavailable: where the backend does not do it.
        """
        self._store.clear()
        self._changes.mark_all()

    def close(self) -> None:
        """Let go of the backend's connections."""
        self._store.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _key(self, items: Items) -> str:
        name = "\n".join((str(envelope.VERSION), self._endpoint, *items))
        return PREFIX + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()

    def _look(self, items: Items, tld: str) -> Entry:
        key = self._key(items)
        place = slot(key)
        mark = self._marks[place]  # before the read: see embedkit.stores.changes
        now = self._clock()
        try:
            entry, until = entries.judged(self._read(key), tld, now, self._policy)
        except UNUSABLE as error:
            self._distrust(key, error)
            entry, until = Entry(), now
        if entry.embed is None:
            self._misses += 1
            return entry
        self._hits += 1
        if entry.error is None:
            trusted = min(until, now + (BLIND if self._blind else TRUSTED))
            self._put_in_front((items, tld), (entry, now, trusted, place, mark))
        return entry

    def _put_in_front(self, picture: tuple[Items, str], held: Held) -> None:
        with self._filling:
            self._front.pop(picture, None)
            self._front[picture] = held
            while len(self._front) > IN_FRONT:
                self._front.pop(next(iter(self._front)))

    def _change(self, items: Items, change: Callable[[JSON], JSON]) -> bool:
        """Read, change and write an entry, with nobody else in between."""
        key = self._key(items)
        with self._alone(key):
            now = self._clock()
            try:
                body = entries.living(change(self._read(key)), now, self._policy)
            except UNUSABLE as error:
                self._distrust(key, error)
                body = change(entries.NOTHING)
            seconds = entries.worth_keeping(body, now, self._policy)
            return self._set(key, body, seconds)

    def _set(self, key: str, body: JSON, seconds: int) -> bool:
        done = self._store.set(key, self._envelope.seal(key, body), seconds)
        self._changed(key)
        return done

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._writing.hold(f"{key}:write", WRITE_WAIT))
            except Busy:
                pass  # better to lose what another is writing than not to write
            yield

    def _read(self, key: str) -> JSON:
        return entries.NOTHING | self._open(key)

    def _open(self, key: str) -> JSON:
        """The body of an entry; nothing where there is none, or none of ours."""
        sealed = self._store.get(key)
        if sealed is None:
            return {}
        try:
            return self._envelope.open(key, sealed)
        except ValueError as error:
            self._distrust(key, error)
            return {}

    def _distrust(self, key: str, error: Exception) -> None:
        self._corrupt += 1
        self._observe("store", "corrupt")
        log.debug("dropped an entry: %s", error)
        self._drop(key)

    def _drop(self, key: str) -> bool | None:
        deleted = self._store.delete(key)
        self._changed(key)
        return deleted

    def _changed(self, key: str) -> None:
        if self._blind:  # else the store itself has told everybody
            self._changes.mark(key)
