"""Pictures that Getty withdraws, according to its feed of asset changes: every copy is deleted, everywhere.

A Delete in the feed only names a picture. oEmbed is asked about it: a 404 or 410 withdraws the picture
(:meth:`embedkit.cache.embed_cache.EmbedCache.withdraw`), any other answer rejects the change, and without an
answer the picture is pending. A batch is confirmed to Getty once the outcome of each of its pictures is in the
store; a batch that was not confirmed is sent again. Processing a batch twice is harmless.

Unfinished work is kept in the journal (:mod:`embedkit.engine.feed_journal`), which all processes with the same
store share: pending pictures, open batches, and events not yet delivered to caches and the webhook
(:mod:`embedkit.engine.purges`). One process at a time polls Getty; if it is killed, another takes over.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from embedkit import errors
from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.stores.factory import SCHEMES
from embedkit.engine import parallel
from embedkit.engine.feed_journal import FeedJournal, Outcome, SharedJournal, Superseded
from embedkit.engine.purges import Receiver
from embedkit.getty.urls import asset_ids
from embedkit.messages import Request, Response
from embedkit.models import JSON, EmbedKey
from embedkit.process import lazy_logger

if TYPE_CHECKING:
    from embedkit.api.changes import AssetChange, AssetChanges

log = lazy_logger("embedkit.changes")
audit = lazy_logger("embedkit.audit")

WAKE_S = 2.0  # between two checks of the journal for due work
REFUSED_S = 3_600.0  # between two attempts with a key that has no feed
MAX_BATCHES = 50  # per poll; the rest waits for the next one
MAX_PENDING = 1_000  # pictures; at this number no further batch is taken, and Getty keeps it meanwhile
ROUNDS = 4  # of calls to oEmbed before the journal is written
SILENCE_S = 10.0  # longer than these calls take: the owner of the journal is then considered dead
STALLED_S = 300.0  # after the time of the next poll, before the feed is considered stalled

DELETED = ("Delete", "Deleted")  # one is in the operation's description, the other in its schema

LASTING = [scheme.form for scheme in SCHEMES.values() if not scheme.private]
NO_STORE = errors.ConfigurationError(
    "CHANGE_FEED, PURGE_URLS and WEBHOOK_URL need a persistent cache that other processes can see.",
    hint=f"Set EMBEDKIT_CACHE to {', '.join(LASTING[:-1])} or {LASTING[-1]}",
)


@dataclass(slots=True)
class FeedReport:
    """The result of polling the feed.

    :param batches: number of batches confirmed.
    :param outcomes: outcome of each picture that oEmbed was asked about, by ID.
    :param foreign: IDs of deleted assets that are not pictures.
    """

    batches: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    def of(self, *outcomes: Outcome) -> list[str]:
        """Return the pictures that have one of these outcomes."""
        return [id for id, outcome in self.outcomes.items() if outcome in outcomes]


def sort(changes: Iterable[AssetChange]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the IDs of the pictures deleted in a batch, each once, and the IDs of other deleted assets."""
    deleted = [change for change in changes if change.lifecycle in DELETED]
    films = {change.id for change in deleted if change.asset_type not in ("", "Image")}
    ids = {change.id: None if change.id in films else _picture(change.id) for change in deleted}
    pictures = dict.fromkeys(id for id in ids.values() if id)
    return tuple(pictures), tuple(id for id, picture in ids.items() if not picture)


def _picture(id: str) -> str | None:
    """Return an ID in embedkit's notation; None if it is not the ID of one picture."""
    try:
        found = asset_ids(id)
    except errors.UnsupportedReference:
        return None
    return found[0] if len(found) == 1 else None


@dataclass(eq=False, repr=False)
class Changes:
    """Polls the feed, withdraws the pictures it names, and notifies caches and webhook. Use from one thread only.

    :param cache: the cache shared by all processes of the service, which also holds the journal.
    :param feed: the feed; None only delivers events.
    :param verify: asks oEmbed about a picture, and raises its error.
    :param key: returns the cache key of an ID.
    :param send: sends a request to a receiver.
    :param receivers: the receivers of events.
    :param scope: identifies the feed, as for :class:`SharedJournal`.
    :param interval: seconds between polls of the feed.
    :param threads: number of pictures that oEmbed is asked about at once.
    :param timeout: maximum duration of a call to oEmbed, in seconds.
    :param clock: returns seconds since the epoch.
    :raises ConfigurationError: if other processes can't see the cache.
    """

    cache: EmbedCache
    feed: AssetChanges | None
    verify: Callable[[EmbedKey], object]
    key: Callable[[str], EmbedKey]
    send: Callable[[Request], Response]
    receivers: Sequence[Receiver]
    scope: str
    interval: float
    threads: int
    timeout: float
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        if self.cache.is_process_local:
            raise NO_STORE
        self._delays = {receiver.name: receiver.delay for receiver in self.receivers}
        self._journal = SharedJournal(self.cache, self.scope, SILENCE_S + ROUNDS * self.timeout, self.clock)
        self._warned = ""
        self.closing = threading.Event()  # interrupts work between two steps

    @property
    def wakes_every(self) -> float:
        """Seconds between calls of :meth:`work`."""
        return min(WAKE_S, self.interval)

    def work(self) -> bool:
        """Do what is due, unless another process is doing it. Returns False: the work is never finished."""
        try:
            if self._is_due(self._journal.read()):
                self._run(self._is_due, forced=False)
            self._warned = ""
        except errors.EmbedKitError as error:
            self._warn(error)
        return False

    def run(self, *, finish: bool = False) -> FeedReport:
        """Poll the feed now, ask about pending pictures, and deliver events.

        :param finish: wait until all deliveries are due, which takes some seconds if there are any.
        :raises Unavailable: if another process is working, or the cache fails.
        :raises ProviderError: if the feed fails.
        """
        report = self._run(lambda _: True, forced=True)
        if report is None:
            raise errors.Unavailable("Another process is polling the feed.", retry_after=SILENCE_S)
        if finish and report.of("withdrawn") and self._delays:
            time.sleep(max(self._delays.values()))
            self._run(self._is_due, forced=False)
        return report

    def notify(self, ids: Iterable[str]) -> None:
        """Notify caches and the webhook of pictures that were dropped for another reason.

        :raises Unavailable: if the events can't be stored in the journal.
        """
        if self.receivers:
            self._journal.add_events(ids)

    def status(self) -> JSON:
        """Return the state, for the operators of the service, without any URL.

        ``state`` is ok or starting, or else the problem: the error code of the feed, stalled, pending or
        undelivered.
        """
        now, journal = self.clock(), self._journal.read()
        left = [(receiver.kind, journal.left(receiver.name)) for receiver in self.receivers]
        late = now - max(journal.next_at, journal.claimed_until) > STALLED_S
        wrong = {
            journal.problem: journal.problem,
            "starting": self.feed and not journal.polled_at,
            "stalled": self.feed and journal.polled_at and late,
            "pending": journal.pending,
            "undelivered": any(journal.delivery(name).failures for name in self._delays),
        }
        return {
            "state": next((state for state, holds in wrong.items() if holds), "ok"),
            "pending": len(journal.pending),
            "pending_seconds": int(max((now - since for since in journal.pending.values()), default=0)),
            "undelivered": {kind: max(count for other, count in left if other == kind) for kind, _ in left},
        }

    # -- polling ----------------------------------------------------------------------------------------

    def _is_due(self, journal: FeedJournal) -> bool:
        return journal.is_due(self.clock(), self._delays, polls=self.feed is not None)

    def _run(self, is_wanted: Callable[[FeedJournal], bool], *, forced: bool) -> FeedReport | None:
        """Do all work as the owner of the journal; return None if another process owns it."""
        if not self._journal.claim(is_wanted):
            return None
        report = FeedReport()
        try:
            self._retry(report, forced)
            self._poll(report, forced)
            self._deliver()
        except Superseded:
            log.info("another process has taken over the change feed")
        finally:
            with suppress(Superseded, errors.Unavailable):
                self._journal.release()
        return report

    def _retry(self, report: FeedReport, forced: bool) -> None:
        """Ask about pending pictures, if they are due."""
        journal = self._journal.read()
        if journal.pending and (forced or journal.retry_at <= self.clock()):
            self._settle(tuple(journal.pending), report)

    def _poll(self, report: FeedReport, forced: bool) -> None:
        """Poll the feed, if it is due."""
        began, journal = self.clock(), self._journal.read()
        if self.feed is None or (not forced and journal.next_at > began):
            return
        try:
            for channel in self.feed.channels():
                if channel.waiting != 0 or str(channel.id) in journal.open or not journal.polled_at:
                    self._drain(self.feed, channel.id, report)
        except errors.ProviderError as error:
            problem = error.code
            refused = isinstance(error, errors.PermissionDenied | errors.Unauthorized | errors.NotFound)
            next_at = began + (REFUSED_S if refused else self.interval)
            self._journal.update(lambda journal: replace(journal, problem=problem, next_at=next_at))
            raise
        next_at = began + self.interval
        self._journal.update(lambda journal: replace(journal, problem="", next_at=next_at, polled_at=began))

    def _drain(self, feed: AssetChanges, channel: int, report: FeedReport) -> None:
        """Take batches until there are no more; confirm each once nothing in it can be lost."""
        for _ in range(MAX_BATCHES):
            journal = self._journal.read()
            if len(journal.pending) >= MAX_PENDING or (batch := feed.take(channel)) is None:
                return
            self._journal.update(partial(FeedJournal.opened, channel=str(channel), batch=batch.id))
            pictures, foreign = sort(batch.changes)
            report.foreign += foreign
            self._settle(pictures, report)
            with suppress(errors.NotFound):  # already confirmed, by a process that was then killed
                feed.confirm(batch.id)
            self._journal.update(partial(FeedJournal.opened, channel=str(channel)))
            report.batches += 1

    def _settle(self, ids: Sequence[str], report: FeedReport) -> None:
        """Bring each picture to an outcome, or into the journal; stop at the first portion without answers."""
        while ids and not self.closing.is_set():
            portion, ids = ids[: ROUNDS * self.threads], ids[ROUNDS * self.threads :]
            outcomes = self._ask(portion)
            if set(outcomes.values()) == {"pending"}:
                outcomes, ids = outcomes | dict.fromkeys(ids, "pending"), ()
            notify = bool(self.receivers)
            self._journal.update(partial(FeedJournal.settled, outcomes=outcomes, now=self.clock(), notify=notify))
            report.outcomes |= outcomes
            self._deliver()
        if ids:
            raise Superseded

    # -- one picture ------------------------------------------------------------------------------------

    def _ask(self, ids: Sequence[str]) -> dict[str, Outcome]:
        found = dict(parallel.each({id: partial(self._outcome, id) for id in ids}, self.threads))
        return {id: found[id] for id in ids}

    def _outcome(self, id: str) -> Outcome:
        """Ask oEmbed about a picture, withdraw it if it is missing, and return the outcome."""
        key = self.key(id)
        if self.cache.withdrawn([id]):  # from a batch that was sent again
            return "withdrawn"
        try:
            self.verify(key)
        except errors.NotFound as error:
            return self._withdraw(id, key, error)
        except errors.NotEmbeddable:
            return "rejected"
        except errors.InvalidResponse as error:
            return "pending" if error.outage else "unusable"
        except errors.ProviderError:
            return "pending"
        return "rejected"

    def _withdraw(self, id: str, key: EmbedKey, error: errors.NotFound) -> Outcome:
        try:
            self.cache.withdraw(key[0], error)
        except errors.Unavailable:  # not shown by this process any more; others may, so it is not finished
            return "pending"
        audit.info("withdrawn", extra={"fields": {"picture": id, "by": "change feed"}})
        return "withdrawn"

    # -- notifying --------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Send due events to each receiver, until there are none left or it fails."""
        for receiver in self.receivers:
            while ids := self._journal.read().undelivered(receiver.name, self.clock(), receiver.delay):
                self._deliver_to(receiver, ids)

    def _deliver_to(self, receiver: Receiver, ids: Sequence[str]) -> None:
        journal, now = self._journal.read(), self.clock()
        number = journal.delivery(receiver.name).next
        message = hashlib.sha256(f"{journal.series} {number} {' '.join(ids)}".encode()).hexdigest()[:32]
        failure = self._post(receiver.request(ids, message, now))
        fields = {"to": receiver.kind, "pictures": len(ids), "message_id": message}
        if failure:
            log.warning("not delivered", extra={"fields": fields | {"why": failure}})
            self._journal.update(lambda journal: journal.refused(receiver.name, now))
        else:
            audit.info("delivered", extra={"fields": fields})
            self._journal.update(lambda journal: journal.delivered(receiver.name, len(ids)).trimmed(self._delays))

    def _post(self, request: Request) -> str:
        """Send a request; return the reason if it failed, else an empty string."""
        try:
            status = self.send(request).status
        except errors.EmbedKitError as error:
            return error.code
        return "" if 200 <= status < 300 else f"status {status}"

    def _warn(self, error: errors.EmbedKitError) -> None:
        """Log an error that persists only once."""
        if error.code != self._warned:
            self._warned = error.code
            log.warning("change feed: %s", error, extra={"fields": {"code": error.code}})
