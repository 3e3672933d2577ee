"""An entry of the cache: the handle that a lookup returns, and the body that the store keeps.

A body is JSON and holds everything about one picture: its copies by tld, and a refusal that is remembered.

    {"variants": {"com": {record, "html": {name: text, …}}, …},
     "error": {"code", "message", "at", "until", "count", …} | null,
     "dropped": when it was purged or taken down,
     "withdrawn": true as long as an older copy may be cached anywhere, if Getty has withdrawn the picture}

Bodies are never changed in place. The functions here don't read a clock; the time is passed to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from embedkit.errors import (
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from embedkit.freshness import DAY, Policy, Verdict, judge, longest_life, negative_for, outage_for
from embedkit.models import JSON, Embed, EmbedKey, Options

REFUSALS = (NotFound, NotEmbeddable, InvalidResponse)  # concern one picture; other errors are outages
ERRORS: tuple[type[ProviderError], ...] = (*REFUSALS, RateLimited, QuotaExhausted, Unauthorized, Unavailable)
NOTHING: JSON = {"variants": {}, "error": None, "dropped": 0.0}
MAX_HTML_CHARS = 16_384  # of rendered HTML in one entry: enough for about twelve renderings
PURGE_MEMORY_S = 3_600  # how long a purge is remembered, so that no earlier request restores the copy


@dataclass(slots=True)
class Entry:
    """The cached data of a picture, and the handle for everything that is made from its copy.

    ``embed`` is the copy, if there is one that may be shown, and ``verdict`` is how fresh it is; ``error`` is a
    refusal that is still remembered; ``html`` holds the HTML rendered from this copy, by name
    (:mod:`embedkit.engine.rendered`).

    The entry stays the same object as long as the cache holds the same copy. Code that keeps a result made from
    ``embed`` therefore keeps the entry with it, and reuses the result while ``entry.is_current()`` or
    ``cache.holds(entry)``, which may read the store. Two entries are equal if copy, verdict and error are.

    >>> Entry().is_current()
    False
    """

    embed: Embed | None = None
    verdict: Verdict | None = None
    error: ProviderError | None = None
    html: Mapping[str, str] = field(default_factory=dict, compare=False)
    key: EmbedKey = field(default=((), ""), compare=False)
    name: str = field(default="", compare=False, repr=False)
    until: float = field(default=0.0, compare=False)
    since: float = field(default=0.0, compare=False)
    clock: Callable[[], float] = field(default=float, compare=False, repr=False)
    read: Callable[[Any], Any] = field(default=bytes, compare=False, repr=False)
    slot: Any = field(default=0, compare=False, repr=False)
    version: Any = field(default=None, compare=False, repr=False)
    body: JSON | None = field(default=None, compare=False, repr=False)

    def is_current(self) -> bool:
        """Return whether the entry has not been written since it was read, and its verdict still applies.

        Called for every warm request. False for an entry with an error, or without a copy that may be shown.
        """
        try:
            return self.since <= self.clock() < self.until and self.read(self.slot) == self.version
        except OSError:  # the disk that holds the versions
            return False

    def is_fresh(self) -> bool:
        """Return whether a result made from the copy may be cached: the copy is fresh, the entry current."""
        return self.verdict is Verdict.FRESH and self.is_current()

    def is_unwritten(self) -> bool:
        """Return whether no write to the entry is known since it was read, however long ago that was."""
        try:
            return bool(self.version is None or self.read(self.slot) == self.version)
        except OSError:
            return False

    def satisfies(self, options: Options) -> bool:
        """Return whether there is a copy that is large enough for the options, or as large as Getty has it."""
        return self.embed is not None and self.embed.satisfies(options)

    def sized(self, options: Options) -> Embed:
        """Return the copy at the size that the options ask for; there must be one."""
        return cast(Embed, self.embed).scaled(options)

    def renew(self, later: Entry) -> None:
        """Take over the state of a later entry for the same copy."""
        self.html, self.body = later.html, later.body
        self.read, self.slot, self.version = later.read, later.slot, later.version
        self.since, self.until = later.since, later.until


def add_copy(body: JSON, embed: Embed, tld: str, asked_at: float) -> JSON:
    """Return the body with a new copy, which clears any refusal; or the same body if the copy is outdated.

    It is outdated if the picture was dropped or stored after the request was sent; or if the request was sent so
    long ago that a drop since then could have been forgotten (by a process that was suspended during the call).
    """
    if is_outdated(body, tld, asked_at, embed.fetched_at):
        return body
    return body | {"variants": body["variants"] | {tld: embed.as_record()}, "error": None}


def is_outdated(body: JSON, tld: str, asked_at: float, now: float) -> bool:
    """Return whether something newer is known than the answer to a request sent at ``asked_at``."""
    held = body["variants"].get(tld)
    known = (body["dropped"], held["fetched_at"] if held else 0.0)
    return any(asked_at < at <= now for at in known) or now - asked_at > PURGE_MEMORY_S


def merge(one: JSON, other: JSON) -> JSON:
    """Merge two bodies of one picture: the newest of everything, and nothing from before a drop."""
    dropped = max(one["dropped"], other["dropped"])
    named_records = [*one["variants"].items(), *other["variants"].items()]
    newest = sorted(named_records, key=lambda named: named[1]["fetched_at"])
    variants = {tld: record for tld, record in newest if record["fetched_at"] > dropped}
    errors = [body["error"] for body in (one, other) if body["error"]]
    error = max(errors, key=lambda dumped: dumped["at"], default=None)
    if error and any(record["fetched_at"] > error["at"] for record in variants.values()):
        error = None  # cleared by a newer copy
    withdrawn = any(body.get("withdrawn") for body in (one, other))
    return {"variants": variants, "error": error, "dropped": dropped} | ({"withdrawn": True} if withdrawn else {})


def cap_freshness(body: JSON, max_age: float) -> JSON:
    """Return the body with the freshness of its copies limited to ``max_age`` seconds."""
    variants = {
        tld: record | {"fresh_until": min(record["fresh_until"], record["fetched_at"] + max_age)}
        for tld, record in body["variants"].items()
    }
    return body | {"variants": variants}


def add_html(body: JSON, copy: Embed, tld: str, html: Mapping[str, str]) -> JSON:
    """Return the body with HTML added to the copy it was made from; the same body if there is no room for it.

    :param html: texts by name; a name begins with an edition and a slash, and HTML of other editions is dropped.
    """
    record = body["variants"].get(tld)
    if record is None or record["fetched_at"] != copy.fetched_at:
        return body
    editions = {name.partition("/")[0] for name in html}
    held = record.get("html", {})
    kept = {name: text for name, text in held.items() if name.partition("/")[0] in editions}
    others = [variant.get("html", {}) for variant in body["variants"].values() if variant is not record]
    room = MAX_HTML_CHARS - sum(len(text) for texts in (kept, *others) for text in texts.values())
    for name, text in html.items():
        if name not in kept and len(text) <= room:
            kept[name] = text
            room -= len(text)
    if kept == held:
        return body
    return body | {"variants": body["variants"] | {tld: record | {"html": kept}}}


def purged_body(now: float) -> JSON:
    """Return the body of a picture that was purged."""
    return NOTHING | {"dropped": now}


def withdrawn_body(error: NotFound, now: float, policy: Policy) -> JSON:
    """Return the body of a withdrawn picture; lists that contain it, and caches elsewhere, rely on it."""
    return purged_body(now) | {"error": dump_error(error, now, policy), "withdrawn": True}


def is_withdrawn(body: JSON, now: float) -> bool:
    """Return whether there is no copy of a picture and its withdrawal is still remembered."""
    withdrawn = body.get("withdrawn") and not body["variants"]
    return bool(withdrawn) and isinstance(load_error(body["error"], now), NotFound)


def add_refusal(body: JSON, error: ProviderError, now: float, policy: Policy) -> JSON:
    """Return the body with a refusal; if the picture is missing, without any copies."""
    kept = {"withdrawn": True} if body.get("withdrawn") else {}
    left = purged_body(now) | kept if isinstance(error, NotFound) else body
    return left | {"error": dump_error(error, now, policy, before=body["error"])}


def evaluate(body: JSON, key: EmbedKey, now: float, policy: Policy) -> Entry:
    """Return the entry of a picture; its ``until`` is when the verdict changes.

    :raises ValueError, KeyError, TypeError, AttributeError: if the body does not have this version's format.
    """
    error = load_error(body["error"], now)
    record = body["variants"].get(key[1])
    if record is None:
        return Entry(error=error, key=key)
    embed = Embed.from_record(record)
    verdict = judge(now - embed.fetched_at, embed.fresh_until - embed.fetched_at, policy)
    if verdict is Verdict.EXPIRED or (verdict is Verdict.STALE_IF_ERROR and _forbidden(body)):
        return Entry(verdict=verdict, error=error, key=key)
    html = dict(record.get("html", ()))
    if verdict is Verdict.FRESH:
        return Entry(embed, verdict, error, html, key, until=embed.fresh_until)
    ends = [embed.fresh_until + more for more in (0, policy.stale_while_revalidate, policy.stale_if_error)]
    until = min((end for end in ends if end > now), default=now)
    return Entry(replace(embed, stale=True), verdict, error, html, key, until=until)


def without_expired(body: JSON, now: float, policy: Policy) -> JSON:
    """Return the body without copies that may not be shown any more."""
    variants = {tld: record for tld, record in body["variants"].items() if _end(record, policy) > now}
    return body | {"variants": variants}


def ttl(body: JSON, now: float, policy: Policy) -> int:
    """Return the number of whole seconds for which the body is useful."""
    ends = [_end(record, policy) for record in body["variants"].values()]
    ends.append(body["dropped"] + (longest_life(policy) if body.get("withdrawn") else PURGE_MEMORY_S))
    if body["error"]:
        ends.append(body["error"]["until"] + DAY)  # so that the next refusal counts as one in a row
    return max(1, math.ceil(max(ends) - now))


def dump_error(error: ProviderError, now: float, policy: Policy, *, before: JSON | None = None) -> JSON:
    """Return an error as JSON, with the time until which it is remembered; longer each time in a row.

    An outage of the endpoint itself is remembered only briefly, and not counted.
    """
    count = before["count"] if before and before["code"] == error.code else 0
    if getattr(error, "outage", False):
        seconds = outage_for(policy)
    else:
        count += 1
        seconds = float(DAY) if getattr(error, "gone", False) else negative_for(error.code, count, policy)
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "ref": error.ref,
        "retry_after": error.retry_after,
        "texts": getattr(error, "texts", {}),
        "gone": getattr(error, "gone", False),
        "at": now,
        "until": now + seconds,
        "count": count,
    }


def load_error(dumped: JSON | None, now: float) -> ProviderError | None:
    """Return the error while it is remembered; setting the clock back does not prolong that."""
    if not dumped or not dumped["at"] - 60 <= now < dumped["until"]:
        return None
    return revive_error(dumped)


def revive_error(dumped: JSON) -> ProviderError:
    """Recreate an error, of the same class and with the same attributes."""
    kind = next((kind for kind in ERRORS if kind.code == dumped["code"]), ProviderError)
    error = kind(dumped["message"], hint=dumped["hint"], ref=dumped["ref"], retry_after=dumped["retry_after"])
    if isinstance(error, InvalidResponse):
        error.texts = dumped["texts"]
    if isinstance(error, NotFound):
        error.gone = dumped["gone"]
    return error


def _forbidden(body: JSON) -> bool:
    """Return whether Getty's last answer was that the picture may not be embedded, however long ago."""
    return bool(body["error"] and body["error"]["code"] == NotEmbeddable.code)


def _end(record: JSON, policy: Policy) -> float:
    end: float = record["fresh_until"] + policy.keep
    return end
