"""The journal of unfinished work on Getty's change feed: a value, and its place in the store.

A process that works on the feed claims the journal for some seconds, and renews the claim with each change. If it
is silent for longer, another process may claim the journal, and the first one stops. If the store has lost the
journal (a Redis that was restarted), the one that this process read last takes its place.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from embedkit.cache.embed_cache import EmbedCache
from embedkit.engine.purges import MAX_PICTURES
from embedkit.models import JSON

KEPT_S = 90 * 86_400  # lifetime in the store, in seconds; it is written at every poll
RETRY_S, MAX_RETRY_S = 5.0, 20.0  # between attempts to ask oEmbed about pending pictures while it is down
MAX_UNUSABLE_RETRY_S = 600.0  # the same, while its answers are unusable
MAX_DELIVERY_RETRY_S = 300.0
MAX_EVENTS = 3_000  # not yet delivered; beyond that the oldest are dropped, since an entry has 256 KB

Outcome = Literal["withdrawn", "rejected", "pending", "unusable"]
"""The outcome of asking about a picture: ``pending`` without an answer, ``unusable`` with an invalid one."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The progress of a receiver: the number of its next event, its failures in a row, and when to try again."""

    next: int = 0
    failures: int = 0
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class FeedJournal:
    """Unfinished work on the feed. All times are in seconds since the epoch.

    :param series: ID of this journal, so that its event numbers are not confused with another's.
    :param owner: the process at work.
    :param claimed_until: when the owner's claim expires.
    :param next_at: when the feed is to be polled next.
    :param polled_at: when the feed was last polled.
    :param problem: error code of the last poll.
    :param open: batches taken but not confirmed, by channel.
    :param pending: pictures to ask oEmbed about, and since when.
    :param failures: attempts in a row that left pictures pending.
    :param retry_at: when to ask about pending pictures again.
    :param events: pictures to notify receivers of, and since when; the first has the number ``first``.
    :param deliveries: progress of each receiver, by name.
    """

    series: str = ""
    owner: str = ""
    claimed_until: float = 0.0
    next_at: float = 0.0
    polled_at: float = 0.0
    problem: str = ""
    open: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    retry_at: float = 0.0
    events: tuple[tuple[str, int], ...] = ()
    first: int = 0
    deliveries: Mapping[str, DeliveryState] = field(default_factory=dict)

    @classmethod
    def load(cls, body: JSON) -> FeedJournal:
        """Load a journal from the output of :meth:`dump`, perhaps that of an earlier version."""
        known = {row.name: body[row.name] for row in fields(cls) if row.name in body}
        deliveries = {name: DeliveryState(**state) for name, state in known.get("deliveries", {}).items()}
        events = tuple((id, at) for id, at in known.get("events", ()))
        return cls(**known | {"events": events, "deliveries": deliveries})

    def dump(self) -> JSON:
        """Return the journal as JSON."""
        return asdict(self)

    def is_due(self, now: float, delays: Mapping[str, float], *, polls: bool) -> bool:
        """Return whether there is work to do now.

        :param delays: seconds that each receiver waits for its events, by name.
        :param polls: whether the feed is polled, too.
        """
        if self.claimed_until > now and self.owner:
            return False
        pending = bool(self.pending) and self.retry_at <= now
        has_events = any(self.undelivered(name, now, delay) for name, delay in delays.items())
        return pending or has_events or (polls and self.next_at <= now)

    def undelivered(self, name: str, now: float, delay: float) -> tuple[str, ...]:
        """Return the next events for a receiver that are old enough; none until its next attempt is due."""
        state = self.delivery(name)
        start = state.next - self.first
        due = [id for id, at in self.events[start : start + MAX_PICTURES] if at <= now - delay]
        return tuple(due) if state.retry_at <= now else ()

    def delivery(self, name: str) -> DeliveryState:
        """Return the progress of a receiver; events that were dropped are skipped."""
        state = self.deliveries.get(name, DeliveryState())
        return replace(state, next=max(state.next, self.first))

    def left(self, name: str) -> int:
        """Return the number of events not yet delivered to a receiver."""
        return self.first + len(self.events) - self.delivery(name).next

    def opened(self, channel: str, batch: str = "") -> FeedJournal:
        """Return the journal with this open batch in a channel, or without one."""
        others = {name: open for name, open in self.open.items() if name != channel}
        return replace(self, open=others | ({channel: batch} if batch else {}))

    def settled(self, outcomes: Mapping[str, Outcome], now: float, *, notify: bool) -> FeedJournal:
        """Return the journal after oEmbed was asked about pictures.

        :param notify: whether there are receivers to notify.
        """
        unsure = [id for id, outcome in outcomes.items() if outcome in ("pending", "unusable")]
        pending = {id: since for id, since in self.pending.items() if id not in outcomes}
        pending |= {id: self.pending.get(id, int(now)) for id in unsure}
        gone = [id for id, outcome in outcomes.items() if outcome == "withdrawn"]
        failures = min(self.failures + 1, 30) if unsure else 0
        down = any(outcome == "pending" for outcome in outcomes.values())
        retry_at = now + backoff(failures, MAX_RETRY_S if down else MAX_UNUSABLE_RETRY_S)
        settled = replace(self, pending=pending, failures=failures, retry_at=retry_at)
        return settled.with_events(gone if notify else (), now)

    def with_events(self, ids: Iterable[str], now: float) -> FeedJournal:
        """Return the journal with more events; beyond MAX_EVENTS the oldest are dropped."""
        events = (*self.events, *((id, int(now)) for id in ids))
        over = max(0, len(events) - MAX_EVENTS)
        return replace(self, events=events[over:], first=self.first + over)

    def delivered(self, name: str, count: int) -> FeedJournal:
        """Return the journal after the next events were delivered to a receiver."""
        state = DeliveryState(self.delivery(name).next + count)
        return replace(self, deliveries={**self.deliveries, name: state})

    def refused(self, name: str, now: float) -> FeedJournal:
        """Return the journal after a delivery to a receiver failed."""
        state = self.delivery(name)
        failures = min(state.failures + 1, 30)
        state = DeliveryState(state.next, failures, now + backoff(failures, MAX_DELIVERY_RETRY_S))
        return replace(self, deliveries={**self.deliveries, name: state})

    def trimmed(self, names: Iterable[str]) -> FeedJournal:
        """Return the journal without events that all receivers have, and without obsolete receivers."""
        deliveries = {name: self.delivery(name) for name in names}
        done = min((d.next for d in deliveries.values()), default=self.first + len(self.events)) - self.first
        return replace(self, events=self.events[done:], first=self.first + done, deliveries=deliveries)


def backoff(failures: int, most: float) -> float:
    """Return the seconds to wait after a number of failures in a row: RETRY_S, doubling up to ``most``.

    >>> [backoff(failures, 20) for failures in range(1, 5)]
    [5.0, 10.0, 20.0, 20.0]
    """
    return float(min(RETRY_S * 2 ** max(0, failures - 1), most))


class Superseded(Exception):
    """Another process has claimed the journal, because this one was silent for too long."""


class SharedJournal:
    """The journal in the store, shared by all processes.

    :param scope: identifies the feed, so that two keys on one store have separate journals.
    :param silence: seconds after which the claim of a silent owner expires.
    :param clock: returns seconds since the epoch.
    """

    def __init__(self, cache: EmbedCache, scope: str, silence: float, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._name = f"changes:{hashlib.sha256(scope.encode()).hexdigest()[:16]}"
        self._silence = silence
        self._clock = clock
        self._last = FeedJournal()  # as last read or written by this process
        self._owner = ""

    def read(self) -> FeedJournal:
        """Read the journal.

        :raises Unavailable: if the store can't be read.
        """
        if body := self._cache.load(self._name):
            self._last = FeedJournal.load(body)
        return self._last

    def claim(self, is_wanted: Callable[[FeedJournal], bool]) -> bool:
        """Become the owner, if there is no other and the journal is wanted; return whether that succeeded."""

        def claimed(journal: FeedJournal) -> FeedJournal:
            if (journal.owner and journal.claimed_until > self._clock()) or not is_wanted(journal):
                raise Superseded
            self._owner = os.urandom(8).hex()
            return replace(journal, owner=self._owner, series=journal.series or self._owner)

        try:
            self._change(claimed, self._silence)
        except Superseded:
            return False
        return True

    def update(self, change: Callable[[FeedJournal], FeedJournal]) -> None:
        """Change the journal as its owner, and renew the claim.

        :raises Superseded: if it has another owner by now.
        :raises Unavailable: if it can't be stored.
        """
        self._change(lambda journal: change(self._ours(journal)), self._silence)

    def release(self) -> None:
        """Give up ownership."""
        self._change(lambda journal: replace(self._ours(journal), owner=""), 0)

    def add_events(self, ids: Iterable[str]) -> None:
        """Add events, regardless of the owner.

        :raises Unavailable: if they can't be stored.
        """
        self._change(lambda journal: journal.with_events(ids, self._clock()), None)

    def _ours(self, journal: FeedJournal) -> FeedJournal:
        if journal.owner != self._owner:
            raise Superseded
        return journal

    def _change(self, change: Callable[[FeedJournal], FeedJournal], claim: float | None) -> None:
        def changed(body: JSON) -> JSON:
            journal = change(FeedJournal.load(body) if body else self._last)
            if claim is not None:
                journal = replace(journal, claimed_until=self._clock() + claim)
            made.append(journal)
            return journal.dump()

        made: list[FeedJournal] = []
        self._cache.update(self._name, changed, KEPT_S)
        self._last = made[0]
