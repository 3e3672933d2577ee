"""The journal of what Getty's feed has named and what is not done yet: a value, and its place in the store.

Whoever works claims the journal for some seconds, and renews that with each change; who was silent for longer
finds that another has claimed it, and stops. Where the store has lost it (a Redis that was started anew), the one
that this process read last takes its place.
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

KEPT_S = 90 * 86_400  # seconds; it is written at every look at the feed
RETRY_S, MAX_RETRY_S = 5.0, 20.0  # from one try to ask oEmbed for what is pending to the next, while it is down
MAX_UNUSABLE_RETRY_S = 600.0  # the same where it answers, with what can't be used
MAX_DELIVERY_RETRY_S = 300.0
MAX_EVENTS = 3_000  # that fronts and webhook have not got; over that the oldest go: an entry has 256 KB

Outcome = Literal["withdrawn", "rejected", "pending", "unusable"]
"""What became of a picture that was asked for: ``pending`` without an answer, ``unusable`` with one of no use."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far a receiver has got: the number of its next event, failures in a row, and when it is tried again."""

    next: int = 0
    failures: int = 0
    retry_at: float = 0.0


@dataclass(frozen=True, slots=True)
class FeedJournal:
    """What is not done yet. All times are in seconds since the epoch.

    :param series: of this journal, so that the numbers of its events are not those of another.
    :param owner: who works; it may be silent until ``claimed_until``.
    :param next_at: when the feed is to be looked at again; ``polled_at`` when that was last done.
    :param problem: the code of the error that the last look met.
    :param open: batches that were taken, by channel.
    :param pending: pictures that oEmbed is to be asked about, and since when.
    :param events: pictures that fronts and webhook are to be told of, and since when; the first has the number
        ``first``.
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
        """The journal that :meth:`dump` wrote, maybe of an earlier version."""
        known = {row.name: body[row.name] for row in fields(cls) if row.name in body}
        deliveries = {name: DeliveryState(**one) for name, one in known.get("deliveries", {}).items()}
        events = tuple((id, at) for id, at in known.get("events", ()))
        return cls(**known | {"events": events, "deliveries": deliveries})

    def dump(self) -> JSON:
        """As JSON."""
        return asdict(self)

    def is_due(self, now: float, delays: Mapping[str, float], *, polls: bool) -> bool:
        """Whether there is something to do now.

        :param delays: seconds that each receiver waits for its events, by name.
        :param polls: whether the feed is looked at as well.
        """
        if self.claimed_until > now and self.owner:
            return False
        pending = bool(self.pending) and self.retry_at <= now
        has_events = any(self.undelivered(name, now, delay) for name, delay in delays.items())
        return pending or has_events or (polls and self.next_at <= now)

    def undelivered(self, name: str, now: float, delay: float) -> tuple[str, ...]:
        """The next events for a receiver that are old enough; none before it is to be tried again."""
        state = self.delivery(name)
        start = state.next - self.first
        due = [id for id, at in self.events[start : start + MAX_PICTURES] if at <= now - delay]
        return tuple(due) if state.retry_at <= now else ()

    def delivery(self, name: str) -> DeliveryState:
        """How far a receiver has got; what was dropped it never gets."""
        state = self.deliveries.get(name, DeliveryState())
        return replace(state, next=max(state.next, self.first))

    def left(self, name: str) -> int:
        """How many events a receiver has not got."""
        return self.first + len(self.events) - self.delivery(name).next

    def opened(self, channel: str, batch: str = "") -> FeedJournal:
        """The journal with the batch that is open in a channel, or with none there."""
        others = {name: one for name, one in self.open.items() if name != channel}
        return replace(self, open=others | ({channel: batch} if batch else {}))

    def settled(self, outcomes: Mapping[str, Outcome], now: float, *, tells: bool) -> FeedJournal:
        """The journal after pictures were asked for.

        :param tells: whether anybody is told of events.
        """
        unsure = [id for id, outcome in outcomes.items() if outcome in ("pending", "unusable")]
        pending = {id: since for id, since in self.pending.items() if id not in outcomes}
        pending |= {id: self.pending.get(id, int(now)) for id in unsure}
        gone = [id for id, outcome in outcomes.items() if outcome == "withdrawn"]
        failures = min(self.failures + 1, 30) if unsure else 0
        down = any(outcome == "pending" for outcome in outcomes.values())
        retry_at = now + backoff(failures, MAX_RETRY_S if down else MAX_UNUSABLE_RETRY_S)
        settled = replace(self, pending=pending, failures=failures, retry_at=retry_at)
        return settled.telling(gone if tells else (), now)

    def telling(self, ids: Iterable[str], now: float) -> FeedJournal:
        """The journal with more events; over MAX_EVENTS the oldest go."""
        events = (*self.events, *((id, int(now)) for id in ids))
        over = max(0, len(events) - MAX_EVENTS)
        return replace(self, events=events[over:], first=self.first + over)

    def delivered(self, name: str, count: int) -> FeedJournal:
        """The journal after a receiver has got its next events."""
        state = DeliveryState(self.delivery(name).next + count)
        return replace(self, deliveries={**self.deliveries, name: state})

    def refused(self, name: str, now: float) -> FeedJournal:
        """The journal after a receiver has not got them."""
        state = self.delivery(name)
        failures = min(state.failures + 1, 30)
        state = DeliveryState(state.next, failures, now + backoff(failures, MAX_DELIVERY_RETRY_S))
        return replace(self, deliveries={**self.deliveries, name: state})

    def trimmed(self, names: Iterable[str]) -> FeedJournal:
        """The journal without events that all have got, and without receivers that there are no more."""
        deliveries = {name: self.delivery(name) for name in names}
        done = min((one.next for one in deliveries.values()), default=self.first + len(self.events)) - self.first
        return replace(self, events=self.events[done:], first=self.first + done, deliveries=deliveries)


def backoff(failures: int, most: float) -> float:
    """Seconds to wait after so many failures in a row: RETRY_S, doubling.

    >>> [backoff(failures, 20) for failures in range(1, 5)]
    [5.0, 10.0, 20.0, 20.0]
    """
    return float(min(RETRY_S * 2 ** max(0, failures - 1), most))


class Superseded(Exception):
    """Somebody else has claimed the journal: we were silent for too long."""


class SharedJournal:
    """The journal in the store, for all processes.

    :param scope: which feed it is of, so that those of two keys on one store have a journal each.
    :param silence: seconds for which an owner may be silent.
    :param clock: seconds since the epoch.
    """

    def __init__(self, cache: EmbedCache, scope: str, silence: float, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._name = f"changes:{hashlib.sha256(scope.encode()).hexdigest()[:16]}"
        self._silence = silence
        self._clock = clock
        self._last = FeedJournal()  # as this process read or wrote it
        self._owner = ""

    def read(self) -> FeedJournal:
        """The journal as it is.

        :raises Unavailable: where the store can't be read.
        """
        if body := self._cache.load(self._name):
            self._last = FeedJournal.load(body)
        return self._last

    def claim(self, is_wanted: Callable[[FeedJournal], bool]) -> bool:
        """Become the owner; whether nobody else is, and it is wanted."""

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
        """Change the journal, as its owner, which stays so for a while.

        :raises Superseded: where it has another owner by now.
        :raises Unavailable: where the store does not take it.
        """
        self._change(lambda journal: change(self._ours(journal)), self._silence)

    def release(self) -> None:
        """Be the owner no more."""
        self._change(lambda journal: replace(self._ours(journal), owner=""), 0)

    def tell(self, ids: Iterable[str]) -> None:
        """Add events, whoever owns it.

        :raises Unavailable: where the store does not take it.
        """
        self._change(lambda journal: journal.telling(ids, self._clock()), None)

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
