"""Pictures that Getty withdraws, as its feed of asset changes names them: every copy goes, everywhere.

A Delete in the feed only names a picture. oEmbed is asked, and its 404 or 410 makes the picture a tombstone
(:meth:`embedkit.cache.embed_cache.EmbedCache.withdraw`); any other answer rejects it; without an answer it is
pending. A batch is confirmed to Getty when each of its pictures is one of the three in the store; so one that was
not comes again. To do a batch twice is harmless.

What is not done yet is in the journal (:mod:`embedkit.engine.feed_journal`), for all who share the store: pending
pictures, batches that are open, and what fronts and webhook have not got (:mod:`embedkit.engine.purges`).
One process at a time asks Getty; one that is killed is followed by another.
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

WAKE_S = 2.0  # from one look into the journal, whether something is due, to the next
REFUSED_S = 3_600.0  # from one try of a key that has no feed to the next
MAX_BATCHES = 50  # at one look; the rest waits for the next
MAX_PENDING = 1_000  # pictures; with more of them no further batch is taken: Getty keeps it meanwhile
ROUNDS = 4  # of calls to oEmbed before the journal is written
SILENCE_S = 10.0  # beyond these calls, after which whoever works is taken for dead
STALLED_S = 300.0  # past the time of the next look, after which nobody seems to look

DELETED = ("Delete", "Deleted")  # the operation's text has the one, that of the schema the other

LASTING = [scheme.form for scheme in SCHEMES.values() if not scheme.private]
NO_STORE = errors.ConfigurationError(
    "CHANGE_FEED, PURGE_URLS and WEBHOOK_URL need a cache that other processes see, and that outlives this one.",
    hint=f"Set EMBEDKIT_CACHE to {', '.join(LASTING[:-1])} or {LASTING[-1]}",
)


@dataclass(slots=True)
class FeedReport:
    """What a look at the feed has come to.

    :param batches: how many were confirmed.
    :param outcomes: of each picture that was asked for, by ID.
    :param foreign: IDs of what was deleted and is not a picture.
    """

    batches: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    def of(self, *outcomes: Outcome) -> list[str]:
        """The pictures that have one of these outcomes."""
        return [id for id, outcome in self.outcomes.items() if outcome in outcomes]


def sort(changes: Iterable[AssetChange]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The IDs of pictures that a batch says are deleted, each once; and those that are deleted and no pictures."""
    deleted = [change for change in changes if change.lifecycle in DELETED]
    films = {change.id for change in deleted if change.asset_type not in ("", "Image")}
    ids = {change.id: None if change.id in films else _picture(change.id) for change in deleted}
    pictures = dict.fromkeys(id for id in ids.values() if id)
    return tuple(pictures), tuple(id for id, picture in ids.items() if not picture)


def _picture(id: str) -> str | None:
    """An ID as embedkit writes it; None for what is no ID of one picture."""
    try:
        found = asset_ids(id)
    except errors.UnsupportedReference:
        return None
    return found[0] if len(found) == 1 else None


@dataclass(eq=False, repr=False)
class Changes:
    """Looks at the feed, has what it names disappear, and tells fronts and webhook. For one thread of a process.

    :param cache: shared by all that serve; it keeps the journal as well.
    :param feed: None to look at none, and only deliver.
    :param verify: asks oEmbed for a picture, and raises what it says.
    :param key: what a picture is asked for by.
    :param send: sends a request to a receiver.
    :param receivers: who is told.
    :param scope: which feed it is, as :class:`SharedJournal` has it.
    :param interval: seconds from one look at the feed to the next.
    :param threads: pictures that are asked for at once.
    :param timeout: seconds that a call to oEmbed may take.
    :param clock: seconds since the epoch.
    :raises ConfigurationError: where other processes can't see what is in the cache.
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
        self.closing = threading.Event()  # ends a look between two steps

    @property
    def wakes_every(self) -> float:
        """Seconds from one call of :meth:`work` to the next."""
        return min(WAKE_S, self.interval)

    def work(self) -> bool:
        """Do what is due, unless another process is at it. Never done, so that a thread goes on with it."""
        try:
            if self._is_due(self._journal.read()):
                self._run(self._is_due, forced=False)
            self._warned = ""
        except errors.EmbedKitError as error:
            self._warn(error)
        return False

    def run(self, *, finish: bool = False) -> FeedReport:
        """Look at the feed now, ask for what is pending, and deliver.

        :param finish: wait until it is time for all deliveries: some seconds, where there are any.
        :raises Unavailable: where another process is at it, or the cache does not work.
        :raises ProviderError: what the feed answered.
        """
        report = self._run(lambda _: True, forced=True)
        if report is None:
            raise errors.Unavailable("Another process looks at the feed at this moment.", retry_after=SILENCE_S)
        if finish and report.of("withdrawn") and self._delays:
            time.sleep(max(self._delays.values()))
            self._run(self._is_due, forced=False)
        return report

    def tell(self, ids: Iterable[str]) -> None:
        """Have fronts and webhook told of pictures that were dropped for another reason.

        :raises Unavailable: where that can't be kept in the journal.
        """
        if self.receivers:
            self._journal.tell(ids)

    def status(self) -> JSON:
        """How things stand, for those who run the service; nothing of a URL.

        ``state`` is ok, or starting; or what is wrong: the code of what the feed answered, stalled, pending,
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
            "undelivered": {kind: max(count for one, count in left if one == kind) for kind, _ in left},
        }

    # -- a look -----------------------------------------------------------------------------------------

    def _is_due(self, journal: FeedJournal) -> bool:
        return journal.is_due(self.clock(), self._delays, polls=self.feed is not None)

    def _run(self, is_wanted: Callable[[FeedJournal], bool], *, forced: bool) -> FeedReport | None:
        """A look as the owner of the journal; None where another is that."""
        if not self._journal.claim(is_wanted):
            return None
        report = FeedReport()
        try:
            self._retry(report, forced)
            self._poll(report, forced)
            self._deliver()
        except Superseded:
            log.info("another process has taken over the feed of asset changes")
        finally:
            with suppress(Superseded, errors.Unavailable):
                self._journal.release()
        return report

    def _retry(self, report: FeedReport, forced: bool) -> None:
        """Ask for what is pending, where it is time for that."""
        journal = self._journal.read()
        if journal.pending and (forced or journal.retry_at <= self.clock()):
            self._settle(tuple(journal.pending), report)

    def _poll(self, report: FeedReport, forced: bool) -> None:
        """Look at the feed, where it is time for that."""
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
        """Take batches until there are no more; each is confirmed when nothing of it can be lost."""
        for _ in range(MAX_BATCHES):
            journal = self._journal.read()
            if len(journal.pending) >= MAX_PENDING or (batch := feed.take(channel)) is None:
                return
            self._journal.update(partial(FeedJournal.opened, channel=str(channel), batch=batch.id))
            pictures, foreign = sort(batch.changes)
            report.foreign += foreign
            self._settle(pictures, report)
            with suppress(errors.NotFound):  # confirmed already, by whoever was killed then
                feed.confirm(batch.id)
            self._journal.update(partial(FeedJournal.opened, channel=str(channel)))
            report.batches += 1

    def _settle(self, ids: Sequence[str], report: FeedReport) -> None:
        """Have each picture be a tombstone, rejected, or in the journal; one portion unanswered is enough."""
        while ids and not self.closing.is_set():
            portion, ids = ids[: ROUNDS * self.threads], ids[ROUNDS * self.threads :]
            outcomes = self._ask(portion)
            if set(outcomes.values()) == {"pending"}:
                outcomes, ids = outcomes | dict.fromkeys(ids, "pending"), ()
            tells = bool(self.receivers)
            self._journal.update(partial(FeedJournal.settled, outcomes=outcomes, now=self.clock(), tells=tells))
            report.outcomes |= outcomes
            self._deliver()
        if ids:
            raise Superseded

    # -- one picture ------------------------------------------------------------------------------------

    def _ask(self, ids: Sequence[str]) -> dict[str, Outcome]:
        found = dict(parallel.each({id: partial(self._outcome, id) for id in ids}, self.threads))
        return {id: found[id] for id in ids}

    def _outcome(self, id: str) -> Outcome:
        """What becomes of a picture, by oEmbed's answer; one that is withdrawn is a tombstone by now."""
        key = self.key(id)
        if self.cache.withdrawn([id]):  # of a batch that comes again
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
        except errors.Unavailable:  # nobody shows it here any more; others may, so it is not done
            return "pending"
        audit.info("withdrawn", extra={"fields": {"picture": id, "by": "change feed"}})
        return "withdrawn"

    # -- who else is told -------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Send what is due to each receiver, until it has all or fails."""
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
        """Send a request; why it failed, in a word or two, or nothing."""
        try:
            status = self.send(request).status
        except errors.EmbedKitError as error:
            return error.code
        return "" if 200 <= status < 300 else f"status {status}"

    def _warn(self, error: errors.EmbedKitError) -> None:
        """Log what goes on going wrong once."""
        if error.code != self._warned:
            self._warned = error.code
            log.warning("the feed of asset changes: %s", error, extra={"fields": {"code": error.code}})
