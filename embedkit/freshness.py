"""How long a copy may be shown. Pure functions of ages; nothing here reads a clock.

The terms are those of HTTP caching: RFC 9111 (fresh, stale) and RFC 5861 (stale-while-revalidate,
stale-if-error). All durations are seconds.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

DAY = 86_400
MIN_AGE_S, MAX_AGE_S = 300, 7 * DAY  # a provider's cache_age is clamped to this range
JITTER = 0.1  # fraction of the lifetime, either way, so that copies fetched together don't expire together


class Verdict(Enum):
    """How a copy of a given age may be used."""

    FRESH = "fresh"
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    STALE_IF_ERROR = "stale-if-error"
    EXPIRED = "expired"


class Policy(NamedTuple):
    """How long copies are fresh, and how long they may be shown after that; see the settings of the same names.

    :param max_age: seconds that a copy is fresh if the answer has no cache_age, from 1.
    :param stale_while_revalidate: seconds after that during which it is shown while a new one is fetched
        (RFC 5861).
    :param stale_if_error: seconds after that during which it is shown if Getty is down (RFC 5861).
    :param negative_max_age: seconds before a missing picture is requested again, from 1.
    """

    max_age: int = DAY
    stale_while_revalidate: int = DAY
    stale_if_error: int = 30 * DAY
    negative_max_age: int = 600

    @property
    def keep(self) -> int:
        """Seconds past freshness after which a copy is useless."""
        return max(self.stale_while_revalidate, self.stale_if_error)


def lifetime(policy: Policy, cache_age: int | None, roll: float) -> float:
    """Return for how many seconds a new copy is fresh: cache_age (clamped) or else max_age, with jitter.

    :param roll: a random number from 0 to 1.
    """
    seconds = policy.max_age if cache_age is None else min(max(cache_age, MIN_AGE_S), MAX_AGE_S)
    return seconds * (1 + JITTER * (2 * roll - 1))


def longest_life(policy: Policy) -> float:
    """Return the seconds after which no copy may be shown any more, whatever its ``cache_age``."""
    return max(policy.max_age, MAX_AGE_S) * (1 + JITTER) + policy.keep


def judge(age: float, fresh_for: float, policy: Policy) -> Verdict:
    """Return how a copy may be used that is ``age`` seconds old and was fresh for the first ``fresh_for``.

    A copy with a longer lifetime than we ever assign is expired. The age of a copy from the future (the clock was
    set back) is unknown: a new one is requested, but it can still be the last good copy.
    """
    if fresh_for > max(policy.max_age, MAX_AGE_S) * (1 + JITTER):
        return Verdict.EXPIRED
    if age < -60:
        return Verdict.STALE_IF_ERROR
    past = age - fresh_for
    if past < 0:
        return Verdict.FRESH
    if past < policy.stale_while_revalidate:
        return Verdict.STALE_WHILE_REVALIDATE
    if past < policy.stale_if_error:
        return Verdict.STALE_IF_ERROR
    return Verdict.EXPIRED


OUTAGE_S = 30  # as long as a breaker stays open, so that everything is normal a minute after an outage


def outage_for(policy: Policy) -> float:
    """Return for how many seconds to remember an endpoint's unusable answer when a picture was requested.

    It does not grow with each failure, because the picture is not at fault.
    """
    return min(OUTAGE_S, negative_for("invalid-response", 1, policy))


def negative_for(code: str, count: int, policy: Policy) -> float:
    """Return for how many seconds to remember the ``count``-th failure in a row (from 1) of one picture.

    For a picture that is missing or not embeddable: negative_max_age, doubling up to a day. For an unusable
    answer: a tenth of that, doubling up to an hour. Any other error is an outage of the whole service, and is not
    remembered per picture: 0.
    """
    if code in ("not-found", "not-embeddable"):
        first, longest = policy.negative_max_age, DAY
    elif code == "invalid-response":
        first, longest = policy.negative_max_age // 10, 3600
    else:
        return 0.0
    return float(min(first * 2 ** min(count - 1, 20), max(first, longest)))
