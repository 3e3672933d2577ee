"""Protect a key's limits: a cache of responses for five minutes, and a daily budget of searches.

Responses are cached in process memory, or in Redis if EMBEDKIT_CACHE names one; never in a file, because Getty's
terms forbid collecting its metadata. They are stored unchanged, and the values parsed from some of them are kept
in memory as well. Errors are not cached.

EMBEDKIT_SEARCH_BUDGET limits the searches sent to Getty per day (UTC), so that Getty's own limit is never reached.
The count is shared by all processes of a service: in Redis, or else in a small SQLite file in the user's cache
folder. With EMBEDKIT_CACHE ``memory:`` or ``null:``, or if the shared count fails, each process counts its own.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from cachelib import NullCache

from embedkit.api.oauth import Credentials
from embedkit.api.session import BATCH_TIMEOUT_S, ApiSession
from embedkit.cache.envelope import SIGNATURE, Envelope, mac
from embedkit.cache.guard import Guarded
from embedkit.cache.single_flight import SingleFlight
from embedkit.cache.stores.base import MemoryCache
from embedkit.cache.stores.coordination import Busy
from embedkit.cache.stores.factory import open_store, scheme_of
from embedkit.errors import InvalidResponse, QuotaExhausted, Unavailable
from embedkit.messages import Request, Response
from embedkit.process import Lazy, lazy_logger

log = lazy_logger("embedkit.api")

LIFETIME_S = 300
MAX_ENTRIES = 256  # in memory
MAX_BYTES = 32 * 1024 * 1024  # in memory
MAX_ENTRY_CHARS = 4 * 1024 * 1024  # 2 MiB of JSON, plus its quoting
MAX_PARSED_CHARS = 4 * 1024 * 1024  # of all responses whose parsed values are kept; these are a few times larger
PREFIX = "search:"  # the store itself adds "embedkit:" in front
PURPOSE = b"embedkit search caller"

BUDGET_FILE = "searches.sqlite"
BUDGET_TIMEOUT_S = 1.0  # to wait for other processes that are counting
BYPASS_S = 10.0  # after a failure of the shared count, before using it again
DAY_S = 86_400
KEEP_DAYS = 2
LOW = 10  # the budget is low when less than one tenth is left

Value = TypeVar("Value")
Count = Callable[[int, int], int]
"""Takes a day and the amount to add to its count, and returns the new count."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The store for responses, the envelope that signs them, and the caller they belong to."""

    store: Guarded
    envelope: Envelope
    caller: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """The value parsed from a stored response. The signature identifies the bytes it was parsed from."""

    signature: str | bytes
    size: int
    stored_at: float
    value: Any


@dataclass(eq=False, repr=False, kw_only=True)
class ResponseCache:
    """Sends requests, or returns cached responses. Safe for threads and forks.

    :param cache: the setting EMBEDKIT_CACHE.
    :param signing_secrets: function that returns the secrets for signing entries in Redis, called when needed.
    :param timeout: seconds to wait for another thread with the same request, and for Redis.
    :param clock: function that returns seconds since the epoch.
    :param pause: function that waits for a number of seconds.
    """

    session: ApiSession
    cache: str
    signing_secrets: Callable[[], Sequence[str]]
    timeout: float
    clock: Callable[[], float]
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._flight = SingleFlight()
        self._backend = Lazy(self._open)
        self._parsed: dict[str, Parsed] = {}

    def ask(
        self, request: Request, parse: Callable[[Response], Value], spend: Callable[[], object] = bool
    ) -> Value:
        """Return the parsed response to a request.

        :param parse: parser of the response, always the same for the same request; raises for error responses.
        :param spend: called before a request is sent to Getty; an exception prevents that.
        :raises ConfigurationError: if a setting is missing.
        :raises ProviderError: if there is no usable response.
        """
        self.session.check()
        key = self._key(request)

        def work() -> Value:
            parsed = self._stored(key, parse)
            return parsed.value if parsed else self._fresh(key, request, parse, spend)

        wait = BATCH_TIMEOUT_S if request.batch else self.timeout
        try:
            return self._flight.run((key, request.batch), work, wait)
        except Busy:
            raise Unavailable("The same request is still in progress.", retry_after=1.0) from None

    def close(self) -> None:
        """Close connections."""
        self._parsed.clear()
        if backend := self._backend.value_if_made:
            backend.store.close()

    def _open(self) -> Backend:
        if scheme_of(self.cache).redis:
            store = open_store(self.cache, limit=MAX_ENTRIES, timeout=self.timeout)
            envelope = Envelope(tuple(self.signing_secrets()), max_chars=MAX_ENTRY_CHARS)
        else:
            memory = MemoryCache(limit=MAX_ENTRIES, max_bytes=MAX_BYTES, clock=self.clock)
            store = NullCache() if self.cache == "null:" else memory
            envelope = Envelope((secrets.token_hex(32),), max_chars=MAX_ENTRY_CHARS)
        caller = _caller(self.session.tokens.credentials, envelope)
        return Backend(Guarded(store, time.monotonic), envelope, caller)

    def _key(self, request: Request) -> str:
        """Return the cache key of a request by this caller; it reveals neither."""
        headers = sorted((name.lower(), text) for name, text in request.headers.items())
        question = json.dumps([*self.session.tokens.caller(), request.url, request.params, headers]).encode()
        return PREFIX + hashlib.sha256(self._backend().caller + question).hexdigest()

    def _stored(self, key: str, parse: Callable[[Response], Any]) -> Parsed | None:
        """Return the parsed response from the store; None if there is no usable one.

        The store is read every time, so that other processes' changes and deletions take effect immediately.
        """
        sealed, now = self._backend().store.get(key), self.clock()
        parsed = self._parsed.get(key)
        if not isinstance(sealed, str | bytes):
            self._parsed.pop(key, None)
            return None
        if parsed is None or sealed[:SIGNATURE] != parsed.signature:
            parsed = self._parse(key, sealed, parse)
        return parsed if parsed and parsed.stored_at <= now < parsed.stored_at + LIFETIME_S else None

    def _parse(self, key: str, sealed: str | bytes, parse: Callable[[Response], Any]) -> Parsed | None:
        try:
            entry = self._backend().envelope.open(key, sealed)
            stored_at, response = float(entry["at"]), Response(200, body=entry["body"].encode())
        except (ValueError, KeyError, TypeError, AttributeError):
            return None  # damaged, or not ours
        try:
            parsed = Parsed(sealed[:SIGNATURE], len(sealed), stored_at, parse(response))
        except InvalidResponse:
            return None  # written under other settings; request it again
        self._keep(key, parsed)
        return parsed

    def _fresh(
        self, key: str, request: Request, parse: Callable[[Response], Value], spend: Callable[[], object]
    ) -> Value:
        spend()
        response = self.session.call(request)
        value = parse(response)
        if response.status == 200:
            backend, now = self._backend(), self.clock()
            sealed = backend.envelope.seal(key, {"at": now, "body": response.body.decode("utf-8")})
            if len(sealed) <= MAX_ENTRY_CHARS:
                backend.store.set(key, sealed, LIFETIME_S)
                self._keep(key, Parsed(sealed[:SIGNATURE], len(sealed), now, value))
        return value

    def _keep(self, key: str, parsed: Parsed) -> None:
        size = parsed.size + sum(kept.size for kept in list(self._parsed.values()))
        if size > MAX_PARSED_CHARS or len(self._parsed) >= MAX_ENTRIES:
            self._parsed.clear()  # everything can be parsed again
        if parsed.size <= MAX_PARSED_CHARS:
            self._parsed[key] = parsed


def _caller(credentials: Credentials, envelope: Envelope) -> bytes:
    """Return an unguessable identifier of the caller, since callers see different prices, licences and pictures.

    It depends on the key, the grant and, if there is one, the customer.
    """
    customer = credentials.username if credentials.has_customer else ""
    whole = f"{credentials.api_key.reveal()}\n{credentials.grant()}\n{customer}"
    return mac(envelope.secret(PURPOSE), whole.encode("utf-8", "surrogatepass"))


@dataclass(eq=False, repr=False)
class SearchBudget:
    """Counts the searches per day: ``kit.api.search.budget``. Safe for threads, processes and forks.

    :param limit: searches per day; None for any number.
    :param cache: the setting EMBEDKIT_CACHE.
    :param timeout: seconds to wait for Redis.
    :param clock: function that returns seconds since the epoch.
    """

    limit: int | None
    cache: str
    timeout: float
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._own = _own_count()
        self._common: Count | None = None
        self._bypassed_until = 0.0

    def spend(self) -> None:
        """Count a search that is about to be sent to Getty.

        :raises QuotaExhausted: if the budget is used up; ``retry_after`` is the time until midnight, UTC.
        """
        if self.limit is None or self._count(1) <= self.limit:
            return
        raise QuotaExhausted(
            f"Today's {self.limit} searches (EMBEDKIT_SEARCH_BUDGET) are used up.",
            hint="The budget is renewed at midnight, UTC.",
            retry_after=self.reset(),
        )

    def used(self) -> int:
        """Return the number of searches sent today; 0 without a budget."""
        return 0 if self.limit is None else min(self._count(0), self.limit)

    def remaining(self) -> int | None:
        """Return the number of searches left today; None without a budget."""
        return None if self.limit is None else self.limit - self.used()

    def low(self) -> int | None:
        """Return the number of searches left today if it is less than a tenth of the budget; else None."""
        left = self.remaining()
        return left if left is not None and left * LOW < (self.limit or 0) else None

    def reset(self) -> int:
        """Return the seconds until the next day begins (UTC)."""
        return DAY_S - int(self.clock()) % DAY_S

    def _count(self, amount: int) -> int:
        day = int(self.clock()) // DAY_S
        if not scheme_of(self.cache).private and time.monotonic() >= self._bypassed_until:
            try:
                self._common = self._common or _common_count(self.cache, self.timeout)
                return self._common(day, amount)
            except Exception as error:  # each library has its own hierarchy; messages can contain a password
                log.warning(
                    "searches are counted in this process: the shared count failed (%s)", type(error).__name__
                )
                self._bypassed_until = time.monotonic() + BYPASS_S
        return self._own(day, amount)


def _own_count() -> Count:
    lock, counts = threading.Lock(), Counter[int]()

    def count(day: int, amount: int) -> int:
        with lock:
            counts[day] += amount
            for past in [counted for counted in counts if counted < day]:
                del counts[past]
            return counts[day]

    return count


def _common_count(cache: str, timeout: float) -> Count:
    if scheme_of(cache).redis:
        store: Any = open_store(cache, limit=1, timeout=timeout)
        return lambda day, amount: int(store.increment(f"searches:{day}", amount, KEEP_DAYS * DAY_S))
    path = Path(platformdirs.user_cache_dir("embedkit")) / BUDGET_FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return lambda day, amount: _count_in(path, day, amount)


def _count_in(path: Path, day: int, amount: int) -> int:
    """Count in a table with one row per day, opened for each search, since these are rare and forks frequent."""
    import sqlite3  # only needed with a budget

    with closing(sqlite3.connect(path, timeout=BUDGET_TIMEOUT_S, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")  # losing the count in a power failure is acceptable
        file.execute("BEGIN IMMEDIATE")
        file.execute("CREATE TABLE IF NOT EXISTS searches (day INTEGER PRIMARY KEY, used INTEGER NOT NULL)")
        file.execute("DELETE FROM searches WHERE day < ?", (day,))
        file.execute(
            "INSERT INTO searches VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET used = used + excluded.used",
            (day, amount),
        )
        row = file.execute("SELECT used FROM searches WHERE day = ?", (day,)).fetchone()
        file.execute("COMMIT")
        return int(row[0])
