"""EmbedCache: records in a signed envelope over any cachelib backend, with one upstream call for all callers.

One entry holds all copies of a picture (:mod:`embedkit.cache.entry`), so one delete removes them. How front,
backlog and store work together, and the caches in front of them, is described in :mod:`embedkit.cache`; this text
is about a store that fails.

Normally the backlog is empty. A store that can't be written (down, full, read-only, locked by a process that was
stopped) is left alone for a while, and what should have been written stays in the backlog: in this process,
limited in size, and fresh for MAX_AGE at most. A takedown or a purge is also written to a file
(:mod:`embedkit.cache.takedowns`), so that neither a crash nor a full disk brings a picture back. Everything read
is merged with the backlog, so this process never shows a copy from before a takedown, wherever it comes from.
Once the store has recovered, a thread merges the backlog into it, takedowns first; newer entries that other
processes have written since are kept. While the store can't be read, what the front last read serves as the last
good copy, in case Getty is down as well.

Another process that shares the takedowns file (the same SQLite file or folder, or the same user and CACHE) sees a
takedown at once, or within a second if the store is a server. A process on another machine keeps using the entries
of the server, and its own backlog, until this one reaches the server again, and for about ten seconds after that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from embedkit.cache import entry as entries
from embedkit.cache import envelope
from embedkit.cache.backlog import HEAL_INTERVAL_S, Backlog
from embedkit.cache.entry import Entry
from embedkit.cache.envelope import Envelope
from embedkit.cache.guard import Guarded
from embedkit.cache.memory import Front
from embedkit.cache.single_flight import Call, SingleFlight
from embedkit.cache.stores.coordination import (
    Busy,
    FileLocks,
    KeyVersion,
    LeaseLocks,
    Locks,
    VersionTable,
)
from embedkit.cache.takedowns import Takedowns
from embedkit.errors import ConfigurationError, NotFound, ProviderError, Unavailable
from embedkit.freshness import Policy, Verdict, judge, lifetime, longest_life
from embedkit.models import JSON, Embed, EmbedKey
from embedkit.process import Lazy, Observe, Repeating, ignore, lazy_logger, roll, shared

if TYPE_CHECKING:
    from embedkit.cache.stores.base import Backend

__all__ = ["EmbedCache", "Entry"]

log = lazy_logger("embedkit.cache")

Items = tuple[str, ...]

PREFIX = "embedkit:"
TRUST_S, BLIND_TRUST_S = 30.0, 1.0  # for an entry in memory: if the store has versions, and if it has none
OUTAGE_NOTE_S = 2  # how long other processes that waited for the same call can read about an outage
MAX_READ_TOGETHER = 100  # entries; about 0.5 MB
WRITE_TIMEOUT_S = 1.0  # to wait for another writer of the same entry
MAX_TRIES = 3  # to change an entry while others write it, too
MALFORMED = (ValueError, KeyError, TypeError, AttributeError)  # signed by us, but in an unknown format


class Exclusion(NamedTuple):
    """The locks of entries: between threads that want the same picture, for upstream calls, and for writes."""

    flight: SingleFlight
    asking: Locks
    writing: Locks

    @property
    def of_all_writers(self) -> bool:
        """Whether the locks exclude all other writers of an entry, including those in other processes."""
        return self.writing is self.asking


class EmbedCache:
    """Caches embeds. Safe for threads, processes and forks; any failure of the backend is a cache miss.

    :param backend: any cachelib backend.
    :param secrets: keys of the signatures; the first signs entries, and all of them verify.
    :param policy: how long copies may be shown.
    :param endpoint: the oEmbed endpoint; copies are not shared between endpoints.
    :param clock: returns seconds since the epoch.
    :param random: returns a random number from 0 to 1.
    :param monotonic: returns seconds that never go back, from any starting point.
    :param observe: called for shared calls and for failures of the backend (:class:`embedkit.process.Events`).
    :param takedowns_path: path of a file for takedowns that can't be written to the backend; by default the one
        that the backend names, if any.
    :raises ConfigurationError: if there is no secret.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        secrets: Sequence[str],
        policy: Policy,
        endpoint: str,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = roll,
        monotonic: Callable[[], float] = time.monotonic,
        observe: Observe = ignore,
        takedowns_path: str | None = None,
    ) -> None:
        if not secrets or not all(secrets):
            raise ConfigurationError("A cache needs a secret to sign its entries.", hint="Set EMBEDKIT_SECRET.")
        self._store = Guarded(backend, monotonic, observe)
        self._observe = observe
        self._envelope = Envelope(secrets)
        self._policy = policy
        self._endpoint = endpoint
        self._clock = clock
        self._random = random
        self._exclusion = Lazy(partial(_open_exclusion, self._store))  # not needed for warm pictures
        versions: VersionTable | None = getattr(backend, "versions", None)
        self._blind = versions is None
        self._versions = versions or VersionTable()
        self._front = Front()
        path = takedowns_path or getattr(backend, "takedowns_path", None)
        takedowns = Takedowns(path, prefix=PREFIX, life=longest_life(policy))
        self._backlog = Backlog(takedowns, policy.max_age)
        self._healer = Repeating(self, EmbedCache.heal, HEAL_INTERVAL_S, "embedkit-heal")
        self._hits = self._misses = self._corrupt = 0  # approximate: concurrent increments may be lost

    # -- copies -----------------------------------------------------------------------------------------

    def get(self, items: Items, tld: str) -> Entry:
        """Return the entry of a picture, without asking Getty."""
        held = self._front.get((items, tld))
        if held is not None and held.is_current():
            self._hits += 1
            return held
        return self._look((items, tld))

    def get_many(self, keys: Sequence[EmbedKey]) -> list[Entry]:
        """Return the entries of several pictures; those in the store are read together."""
        held = [self._front.get(key) for key in keys]
        current = {entry.key: entry for entry in held if entry is not None and entry.is_current()}
        self._hits += len(current)
        missing = self._look_at_many([key for key in dict.fromkeys(keys) if key not in current])
        found = current | {entry.key: entry for entry in missing}
        return [found[key] for key in keys]

    def look_again(self, entry: Entry) -> Entry:
        """Return the entry as it is now; the store is only read if it may have been written since."""
        current = entry.is_current() and not self._blind
        return entry if current else self._look(entry.key)

    def holds(self, entry: Entry) -> bool:
        """Return whether the store still holds the copy of an entry."""
        return self.get(*entry.key) is entry

    def now(self) -> float:
        """Return the time of the cache's clock, in seconds since the epoch."""
        return self._clock()

    def store(self, embed: Embed, *, tld: str, cache_age: int | None = None, asked_at: float = math.inf) -> Entry:
        """Store a copy, which replaces any error; the copies for other tlds are kept.

        :param cache_age: seconds for which the provider says it is valid.
        :param asked_at: when the request was sent; a purge or takedown since then takes precedence.
        :returns: the entry of the new copy; or of a newer one that was stored since the request was sent.
        :raises NotFound: if the picture has been withdrawn since.
        :raises Unavailable: if it has been purged since.
        """
        began, fresh_for = self._clock(), lifetime(self._policy, cache_age, self._random())
        key, stored = (embed.ref.items, tld), Entry()

        def change(body: JSON) -> JSON:
            body, now = self._without_dropped(body, key[0]), self._clock()  # there may have been a purge meanwhile
            at = _after(body["dropped"], now) if self._backlog else now
            stamped = replace(embed, fetched_at=at, fresh_until=at + fresh_for, stale=False)
            changed = entries.add_copy(body, stamped, tld, asked_at)
            stored.embed = None if changed is body else stamped
            return changed

        body, _, place = self._change(key[0], change)
        if stored.embed is None:
            return self._newer(body, key)
        entry = Entry(stored.embed, Verdict.FRESH, key=key, until=stored.embed.fresh_until)
        if place is not None and not self._blind:
            entry.body = body
        return self._trust(entry, self._name(key[0]), place, began)

    def _newer(self, body: JSON, key: EmbedKey) -> Entry:
        """Return the entry to show instead of an answer that is outdated."""
        found = entries.evaluate(body, key, self._clock(), self._policy)
        if isinstance(found.error, NotFound):
            raise found.error
        if found.embed is None:
            ref = ",".join(key[0])
            raise Unavailable("The picture was purged while it was being fetched.", ref=ref, retry_after=1.0)
        return found

    def store_rendered(self, entry: Entry, html: Mapping[str, str]) -> None:
        """Store HTML with the copy that it was rendered from, if that is still held and there is room.

        Only if every other writer of the entry, in this or another process, can be excluded meanwhile: saving a
        rendering must not risk that a copy comes back after a purge. An entry that this process wrote last is not
        read again.
        """
        exclusion = self._exclusion()
        if not exclusion.of_all_writers or entry.embed is None:
            return
        (items, tld), now = entry.key, self._clock()
        name = self._name(items)
        # if it fails, the HTML is rendered again when it is next needed
        with suppress(Busy, *MALFORMED), exclusion.writing.hold(f"{name}:write", WRITE_TIMEOUT_S):
            began, before = time.monotonic(), self._version(items, name)
            body = entry.body if entry.body and entry.is_current() else self._read(name)
            changed = entries.add_html(body, entry.embed, tld, html)
            if changed is body or before != self._version(items, name) or not self._set(name, changed):
                return
            if place := self._place(items, name, began):
                self._trust(entries.evaluate(changed, entry.key, now, self._policy), name, place, now)

    def store_error(self, items: Items, tld: str, error: ProviderError, *, asked_at: float = math.inf) -> None:
        """Remember that Getty refused a picture, for every tld. An outage is only passed to callers that wait.

        A picture that is missing loses all its copies; after any other refusal they are kept.

        :param asked_at: when the request was sent; a copy stored since then takes precedence.
        """
        if not isinstance(error, entries.REFUSALS):
            self._note_outage(self._name(items), tld, error)
            return
        began = self._clock()

        def change(body: JSON) -> JSON:
            now = self._clock()
            if entries.is_outdated(body, tld, asked_at, now):
                return body
            return entries.add_refusal(body, error, now, self._policy)

        body, kept, _ = self._change(items, change)
        if not kept and isinstance(error, NotFound) and body["dropped"] >= began:
            self._bury(self._name(items))

    def delete(self, items: Items) -> bool:
        """Delete every copy of a picture and any refusal; return whether there was a copy.

        :raises Unavailable: if other processes may still show it. This process does not, in any case.
        """
        return self._drop(items, entries.purged_body)

    def withdraw(self, items: Items, error: NotFound) -> bool:
        """Like :meth:`delete`, for a picture that Getty has withdrawn.

        The withdrawal is remembered until no older copy may be shown any more. Lists that contain the picture are
        requested again.

        :param error: Getty's answer, which is raised when the picture is requested.
        :raises Unavailable: as :meth:`delete`.
        """
        return self._drop(items, lambda now: entries.withdrawn_body(error, now, self._policy))

    def withdrawn(self, ids: Sequence[str]) -> frozenset[str]:
        """Return the IDs that are stored as withdrawn, so that Getty need not be asked about them again yet."""
        names = [self._name((id,)) for id in ids]
        bodies = [self._open(*one) for one in zip(names, self._store.get_many(names), strict=True)]
        now = self._clock()
        found = zip(ids, bodies, strict=True)
        return frozenset(id for id, body in found if entries.is_withdrawn(entries.NOTHING | body, now))

    def _drop(self, items: Items, drop: Callable[[float], JSON]) -> bool:
        name = self._name(items)
        with self._alone(name) as alone:
            held = bool(self._read(name)["variants"])
            kept = self._set(name, drop(self._clock())) and alone
            readable = not self._store.reading.failures  # if not, others keep using their own backlog
            if not ((kept and readable) or self._bury(name) or kept):
                raise Unavailable(
                    "The cache can't be written: this process no longer shows the picture, but others may.",
                    hint="It is deleted everywhere as soon as this process can write to the cache.",
                    ref=",".join(items),
                )
        return held

    # -- one call for all callers -----------------------------------------------------------------------

    @contextmanager
    def single_flight(self, items: Items, tld: str, *, wait: float) -> Iterator[Call]:
        """Do some work for all callers that want a picture now, or share the result or error of the one doing it.

        The caller for which the call is not done looks again, asks Getty, and stores the result in it:

            with cache.single_flight(items, tld, wait=10) as call:
                if not call.is_done:
                    call.result = ask()
            return call.result

        :param wait: maximum seconds to wait for another thread, process or machine.
        :raises Unavailable: if the wait was too long.
        """
        name = self._name(items)
        try:
            with self._exclusion().flight.join(
                (name, tld), wait, partial(self._observe, "coalesced", "thread")
            ) as call:
                if call.is_done:
                    yield call
                else:
                    with self._lease(name, tld, wait):
                        yield call
        except Busy:
            raise Unavailable(
                "Another request for this picture is still in progress.",
                ref=",".join(items),
                retry_after=1.0,
            ) from None

    @contextmanager
    def _lease(self, name: str, tld: str, wait: float) -> Iterator[None]:
        began = self._clock()
        with self._exclusion().asking.hold(f"{name}:{tld}:lease", wait) as waited:
            if waited and (error := self._outage_since(name, tld, began)):
                raise error  # which the caller we waited for has just met: trying again would take as long
            if waited:
                self._observe("coalesced", "process")
            yield

    def _note_outage(self, name: str, tld: str, error: ProviderError) -> None:
        """Leave a note about an outage for other processes that wait."""
        if not self._store.is_process_local:
            note = {"error": entries.dump_error(error, self._clock(), self._policy)}
            name = f"{name}:{tld}:outage"
            self._store.set(name, self._envelope.seal(name, note), OUTAGE_NOTE_S)

    def _outage_since(self, name: str, tld: str, since: float) -> ProviderError | None:
        key = f"{name}:{tld}:outage"
        note = self._open(key, self._store.get(key)).get("error")
        return entries.revive_error(note) if note and note["at"] >= since else None

    # -- other data shared by the processes -------------------------------------------------------------

    @property
    def is_process_local(self) -> bool:
        """Whether no other process can see the store."""
        return self._store.is_process_local

    def secret(self, purpose: bytes) -> bytes:
        """Derive a secret for another purpose from the one that signs entries."""
        return self._envelope.secret(purpose)

    def load(self, name: str) -> JSON:
        """Return the data that :meth:`update` stored under this name; empty if there is none.

        :raises Unavailable: if the store can't be read.
        """
        found = self._open(PREFIX + name, self._store.get(PREFIX + name))
        if not found and self._store.reading.failures:
            raise Unavailable("The cache can't be read.")
        return found

    def update(self, name: str, change: Callable[[JSON], JSON], seconds: int) -> None:
        """Change signed data other than pictures in the store, excluding other writers meanwhile.

        :param change: takes the old data and returns the new; if it raises, nothing is changed.
        :param seconds: lifetime of the data in the store.
        :raises Unavailable: if it could not be stored, or others held the lock for too long.
        """
        try:
            with self._exclusion().asking.hold(f"{PREFIX}{name}:lease", WRITE_TIMEOUT_S):
                sealed = self._envelope.seal(PREFIX + name, change(self.load(name)))
                fits = len(sealed) <= envelope.MAX_CHARS
                kept = fits and self._store.set(PREFIX + name, sealed, seconds)
                if not (kept and self._store.get(PREFIX + name) == sealed):
                    raise Unavailable("The cache can't be written.")
        except Busy:
            raise Unavailable("The cache is busy.", retry_after=WRITE_TIMEOUT_S) from None

    # -- operation --------------------------------------------------------------------------------------

    def state(self) -> str:
        """Return ``ok``, ``degraded`` if the backend can't be written, or ``down`` if it does not respond."""
        return str(self.status()["state"])

    def status(self) -> JSON:
        """Return the state of the backend, and how much is waiting to be written to it.

        ``kind``; ``read`` and ``write``: ok or failing; ``state``, as from :meth:`state`; the number of
        ``unwritten`` entries and ``takedowns``; ``reserve``: file if takedowns outlive the process, else memory.
        """
        found, takedowns = self._store.probe(), self._backlog.takedowns
        readable = "ok" if found["write"] == "ok" else "degraded"
        return {
            "kind": self._store.kind,
            "state": readable if found["read"] == "ok" else "down",
            **found,
            "unwritten": len(self._backlog),
            "takedowns": len(takedowns.keys()),
            "reserve": "file" if takedowns.reserved else "memory",
        }

    def heal(self) -> bool:
        """Write the backlog to the backend, takedowns first; return whether nothing is left.

        A thread does this automatically, every second.
        """
        healed, keys = True, self._backlog.keys()
        for name in keys:
            if not self._write_back(name):
                healed = False  # one entry that can't be written does not hold up the others
                if not self._store.closed:
                    break
        return healed

    def check(self) -> bool:
        """Return whether the backend stores what it is given, or is not meant to store anything."""
        return self._store.keeps()

    def info(self) -> JSON:
        """Return the kind and size of the backend, and this process's hits, misses and corrupt entries."""
        counts = {"hits": self._hits, "misses": self._misses, "corrupt": self._corrupt}
        return self._store.describe() | {"state": self.state()} | counts

    def prune(self) -> int:
        """Delete copies that may not be shown any more; return the number of entries, if the backend knows it."""
        return self._store.prune()

    def clear(self) -> None:
        """Delete every entry.

        :raises ConfigurationError: if that would empty a server that others use too.
        :raises Unavailable: if the backend fails.
        """
        self._store.clear()
        self._backlog.clear()
        self._versions.bump_all()

    def close(self) -> None:
        """Close the connections to the backend."""
        self._healer.stop()
        if self._backlog and self._store.writing.closed:
            self.heal()
        self._store.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _name(self, items: Items) -> str:
        parts = "\n".join((str(envelope.VERSION), self._endpoint, *items))
        return PREFIX + blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()

    def _look(self, key: EmbedKey) -> Entry:
        name = self._name(key[0])
        version, now = self._read_version(key[0], name), self._clock()
        sealed = self._store.get(name)  # after the version: see embedkit.cache.stores.coordination
        return self._evaluate(key, name, now, version, sealed, self._backlog.takedowns.time(name))

    def _look_at_many(self, keys: Sequence[EmbedKey]) -> Iterator[Entry]:
        for start in range(0, len(keys), MAX_READ_TOGETHER):
            some = keys[start : start + MAX_READ_TOGETHER]
            names = [self._name(items) for items, _ in some]
            versions, now = self._read_versions(some, names), self._clock()
            sealed, dropped = self._store.get_many(names), self._backlog.takedowns.times(names)
            for key, name, version, one, when in zip(some, names, versions, sealed, dropped, strict=True):
                yield self._evaluate(key, name, now, version, one, when)

    def _evaluate(
        self, key: EmbedKey, name: str, now: float, version: KeyVersion | None, sealed: object, dropped: float
    ) -> Entry:
        """Merge the stored body with the backlog, and return it as an entry.

        :param dropped: when the picture was last taken down, if that is not in the store yet; else 0.
        """
        try:
            body = self._backlog.over(name, entries.NOTHING | self._open(name, sealed), dropped)
            body = self._without_dropped(body, key[0])
            entry = entries.evaluate(body, key, now, self._policy)
        except MALFORMED as error:
            self._distrust(name, error)
            entry, version = Entry(key=key), None
        if self._backlog:
            self._healer.start()
        if entry.embed is None:
            self._misses += 1
            unread = self._store.reading.failures and entry == Entry()
            return self._last_read(key, now) if unread else self._trust(entry, name, version, now)
        self._hits += 1
        return self._trust(entry, name, version, now)

    def _trust(self, entry: Entry, name: str, place: KeyVersion | None, now: float) -> Entry:
        """Return the entry, trusted for a while; or the entry of the same copy that is in the front already."""
        if place is None or entry.error is not None:
            return entry
        entry.read, entry.slot, entry.version = place
        entry.name, entry.clock, entry.since = name, self._clock, now
        if entry.embed is None:
            entry.until = now + TRUST_S
            return entry
        entry.until = min(entry.until, now + (BLIND_TRUST_S if self._blind else TRUST_S))
        return self._front.put(entry)

    def _last_read(self, key: EmbedKey, now: float) -> Entry:
        """Return what was read of an entry before the store failed, in case Getty is down as well."""
        last = self._front.get(key)
        copy = last.embed if last and last.is_unwritten() else None
        if copy is None or self._backlog.takedowns.time(self._name(key[0])) >= copy.fetched_at:
            return Entry(key=key)
        verdict = judge(now - copy.fetched_at, copy.fresh_until - copy.fetched_at, self._policy)
        if verdict is Verdict.EXPIRED:
            return Entry(verdict=verdict, key=key)
        return Entry(replace(copy, stale=True), Verdict.STALE_IF_ERROR, key=key)

    def _change(self, items: Items, change: Callable[[JSON], JSON]) -> tuple[JSON, bool, KeyVersion | None]:
        """Read, change and write an entry, excluding other writers.

        :returns: the body; whether it is written, and no other writer can overwrite it; and the version by which
            later writes are recognized.
        """
        name = self._name(items)
        with self._alone(name) as alone:
            began = time.monotonic()
            for _ in range(MAX_TRIES):
                before = self._version(items, name)
                body = self._read_and_change(name, change)
                if before == self._version(items, name):
                    break  # else the lock has expired, or did not exclude everybody
            kept = self._set(name, body) and alone
            return body, kept, self._place(items, name, began) if kept and not self._store.is_null else None

    def _read_and_change(self, name: str, change: Callable[[JSON], JSON]) -> JSON:
        """Return the changed body of an entry; of an empty one if its format is unknown."""
        now = self._clock()
        try:
            return entries.without_expired(change(self._read(name)), now, self._policy)
        except MALFORMED as error:
            self._distrust(name, error)
            return change(self._backlog.over(name, entries.NOTHING))

    def _set(self, name: str, body: JSON) -> bool:
        """Write an entry, or else keep it in the backlog; return whether it is written.

        No copy is written before a pending takedown, nor over an entry that could not be read.
        """
        waits = bool(body["variants"]) and (self._backlog.takedowns or self._store.reading.failures)
        if not waits and self._write(name, body):
            return True
        self._backlog.put(name, body)
        self._bump(name)
        self._healer.start()
        return False

    def _write(self, name: str, body: JSON) -> bool:
        seconds = entries.ttl(body, self._clock(), self._policy)
        self._bump(name)  # also before writing, so that a write is noticed even if the process dies during it
        done = self._store.set(name, self._envelope.seal(name, body), seconds)
        if done:
            self._backlog.remove(name, body["dropped"])
            self._bump(name)
        return done

    def _write_back(self, name: str) -> bool:
        with self._alone(name) as alone:
            body = self._read_and_change(name, lambda body: body)
            return alone and not self._store.reading.failures and self._write(name, body)

    def _bury(self, name: str) -> bool:
        """Record a takedown that the backend did not store, or that another writer may overwrite; return whether
        it applies to all processes.

        The takedown is filed even if the backend has deleted its copy: others may have one in their backlog.
        """
        filed = self._backlog.takedowns.add(name, self._clock())
        deleted = self._store.delete(name)
        gone = deleted is False and self._store.get(name) is None and not self._store.reading.failures
        self._bump(name)
        self._healer.start()
        return bool(deleted) or gone or (filed and self._exclusion().of_all_writers)

    def _alone(self, name: str) -> AbstractContextManager[bool]:
        """Exclude other writers of an entry during a ``with`` block, which receives whether that succeeded.

        Losing another process's write is better than not writing. A purge is never lost, see :meth:`_bury`.
        """
        return self._exclusion().writing.try_hold(f"{name}:write", WRITE_TIMEOUT_S)

    def _read(self, name: str) -> JSON:
        return self._backlog.over(name, entries.NOTHING | self._open(name, self._store.get(name)))

    def _open(self, name: str, sealed: object) -> JSON:
        """Return the body of a stored entry; empty if there is none, or if it is not ours."""
        if sealed is None:
            return {}
        try:
            return self._envelope.open(name, sealed)
        except ValueError as error:
            self._distrust(name, error)
            return {}

    def _distrust(self, name: str, error: Exception) -> None:
        self._corrupt += 1
        self._observe("store", "corrupt")
        log.debug("dropped an entry: %s", error)
        self._store.delete(name)
        self._bump(name)

    def _place(self, items: Items, name: str, began: float) -> KeyVersion | None:
        """Return the version of what we wrote; None if it took so long that others may have written since."""
        place = self._read_version(items, name)
        return place if time.monotonic() - began < WRITE_TIMEOUT_S else None

    def _version(self, items: Items, name: str) -> object:
        place = self._read_version(items, name)
        return place and place[2]

    def _read_version(self, items: Items, name: str) -> KeyVersion | None:
        """Return the version of an entry; that of a list also changes with each of its pictures."""
        if len(items) == 1:
            return self._versions.read(name)
        found = [self._versions.read(one) for one in (name, *self._parts(items))]
        places = [place for place in found if place is not None]
        if len(places) < len(found):
            return None
        reads = [read for read, _, _ in places]

        def read_all(slots: tuple[int, ...]) -> object:
            return [read(slot) for read, slot in zip(reads, slots, strict=True)]

        return read_all, tuple(slot for _, slot, _ in places), [version for _, _, version in places]

    def _read_versions(self, keys: Sequence[EmbedKey], names: Sequence[str]) -> list[KeyVersion | None]:
        """Return the versions of several entries; those of single pictures are read together."""
        versions = self._versions.read_many(names)
        for place, (items, _) in enumerate(keys):
            if len(items) > 1:
                versions[place] = self._read_version(items, names[place])
        return versions

    def _parts(self, items: Items) -> list[str]:
        """Return the names of the pictures of a list."""
        return [self._name((item,)) for item in items]

    def _without_dropped(self, body: JSON, items: Items) -> JSON:
        """Return the body of a list without copies from before one of its pictures was dropped."""
        if len(items) == 1 or not body["variants"]:
            return body
        parts = self._parts(items)
        held = zip(parts, self._store.get_many(parts), strict=True)
        bodies = [self._backlog.over(name, entries.NOTHING | self._open(name, sealed)) for name, sealed in held]
        return entries.merge(body, entries.purged_body(max(one["dropped"] for one in bodies)))

    def _bump(self, name: str) -> None:
        """Announce a write to all processes that can be told, and in any case to this one."""
        if not self._versions.bump(name):
            self._front.end(name)


def _open_exclusion(store: Guarded) -> Exclusion:
    if path := getattr(store.backend, "lock_path", None):
        locks = FileLocks.at(path)
        return Exclusion(shared((SingleFlight, path), SingleFlight), locks, locks)
    if store.is_process_local:
        return Exclusion(SingleFlight(), Locks(), Locks())
    return Exclusion(SingleFlight(), LeaseLocks(store.add, store.get, store.delete), Locks())


def _after(dropped: float, now: float) -> float:
    """Return a time after a drop, even if the clock has not ticked since."""
    return math.nextafter(dropped, math.inf) if now <= dropped < now + 1 else now
