"""How long a copy may be shown. Ages in, verdicts out: there is no clock here.

The words are those of HTTP caching: RFC 9111 (fresh, stale) and RFC 5861 (stale-while-revalidate,
stale-if-error). All durations are seconds.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

DAY = 86_400
MIN_AGE_S, MAX_AGE_S = 300, 7 * DAY  # what a provider's cache_age is clamped to
JITTER = 0.1  # of the lifetime, either way: copies fetched together must not expire together


class Verdict(Enum):
    """What may be done with a copy of some age."""

    FRESH = "fresh"
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    STALE_IF_ERROR = "stale-if-error"
    EXPIRED = "expired"


class Policy(NamedTuple):
    """How long copies are fresh, and how long they may be shown after that: the settings of the same names.

    :param max_age: seconds for which a copy is fresh where the answer has no cache_age, from 1.
    :param stale_while_revalidate: seconds after that in which it is shown while a new one is fetched (RFC 5861).
    :param stale_if_error: seconds after that in which it is shown if Getty is down (RFC 5861).
    :param negative_max_age: seconds for which a missing picture is not asked for again, from 1.
    """

    max_age: int = DAY
    stale_while_revalidate: int = DAY
    stale_if_error: int = 30 * DAY
    negative_max_age: int = 600

    @property
    def keep(self) -> int:
        """Seconds past freshness after which a copy is of no use to anybody."""
        return max(self.stale_while_revalidate, self.stale_if_error)


def lifetime(policy: Policy, cache_age: int | None, roll: float) -> float:
    """Seconds a new copy stays fresh: the provider's cache_age (clamped), else max_age, with jitter.

    :param roll: a number from 0 to 1; chance stays with the caller.
    """
    seconds = policy.max_age if cache_age is None else min(max(cache_age, MIN_AGE_S), MAX_AGE_S)
    return seconds * (1 + JITTER * (2 * roll - 1))


def longest_life(policy: Policy) -> float:
    """Seconds after which no copy, whatever its ``cache_age``, may be shown any more."""
    return max(policy.max_age, MAX_AGE_S) * (1 + JITTER) + policy.keep


def judge(age: float, fresh_for: float, policy: Policy) -> Verdict:
    """What may be done with a copy ``age`` seconds old that was given ``fresh_for`` seconds to live.

    A copy with a longer life than any we give is expired. One from the future (a clock was set back) is of
    an unknown age: asked for again, but still the last good one.
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


OUTAGE_S = 30  # a breaker is open for as long, so that all is normal a minute after an outage


def outage_for(policy: Policy) -> float:
    """Seconds to remember that the endpoint itself answered nonsense when a picture was asked for.

    Always the same: the picture is not at fault, and must not wait longer each time.
    """
    return min(OUTAGE_S, negative_for("invalid-response", 1, policy))


def negative_for(code: str, count: int, policy: Policy) -> float:
    """Seconds to remember a failure of one picture, the ``count``-th in a row (from 1).

    A missing picture (and one that may not be embedded): negative_max_age, doubling up to a day.
    An answer that made no sense: a tenth of that, doubling up to an hour. All else is an outage of
    the whole service and is not remembered by picture: 0.
    """
    if code in ("not-found", "not-embeddable"):
        first, longest = policy.negative_max_age, DAY
    elif code == "invalid-response":
        first, longest = policy.negative_max_age // 10, 3600
    else:
        return 0.0
    return float(min(first * 2 ** min(count - 1, 20), max(first, longest)))
