"""Answers of the last five minutes: searches, pictures, places; one call for all who ask the same at once.

They are kept in the memory of the process, or in the Redis that CACHE names; never in a file, since Getty's
terms let nobody collect its metadata. They are kept as they came and read again, errors are not kept at all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from cachelib import NullCache

from embedkit.api import oauth
from embedkit.api.session import Caller
from embedkit.api.tokens import BATCH_WAIT
from embedkit.cache.envelope import Envelope
from embedkit.cache.guard import Guarded
from embedkit.cache.secret import signing_secrets
from embedkit.cache.single_flight import SingleFlight
from embedkit.cache.stores.factory import REDIS, MemoryCache, open_store
from embedkit.cache.stores.locks import Busy
from embedkit.errors import InvalidResponse, Unavailable
from embedkit.lazy import Lazily
from embedkit.messages import Request, Response
from embedkit.settings import Settings

FRESH = 300  # seconds
PAGES = 256  # in memory
ROOM = 32 * 1024 * 1024  # bytes in memory
LONGEST = 4 * 1024 * 1024  # characters of one entry: 2 MiB of JSON, and what its quoting adds
PREFIX = "search:"  # after "embedkit:", which the store itself puts before every key
PURPOSE = b"embedkit search caller"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where answers are kept, how they are sealed, and on whose behalf."""

    store: Guarded
    envelope: Envelope
    who: bytes


class Pages:
    """Asks, unless the answer is still there. Safe for threads and forks.

    :param clock: seconds since the epoch.
    """

    def __init__(self, settings: Settings, caller: Caller, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._caller = caller
        self._clock = clock
        self._flight = SingleFlight()
        self._shelf = Lazily(self._open)

    def ask(
        self, request: Request, read: Callable[[Response], Value], spend: Callable[[], object] = bool
    ) -> Value:
        """What ``read`` makes of the answer to a question.

        :param read: always the same for the same request; raises what the answer stands for.
        :param spend: called before Getty is asked; what it raises stops that.
        :raises ConfigurationError: where a setting is missing.
        :raises ProviderError: where there is no answer that may be used.
        """
        self._caller.check()
        key = self._key(request)

        def work() -> Value:
            kept = self._kept(key)
            if kept is not None:
                try:
                    return read(kept)
                except InvalidResponse:
                    pass  # written under other settings; it is asked for anew
            spend()
            response = self._caller.call(request)
            value = read(response)
            self._keep(key, response)
            return value

        wait = BATCH_WAIT if request.batch else self._settings.timeout
        try:
            return self._flight.run((key, request.batch), work, wait)
        except Busy:
            raise Unavailable("The same question is still being asked.", retry_after=1.0) from None

    def close(self) -> None:
        """Let go of connections."""
        for shelf in self._shelf.made():
            shelf.store.close()

    def _open(self) -> Shelf:
        settings, scheme = self._settings, self._settings.cache.partition(":")[0].lower()
        if scheme in REDIS:
            store = open_store(settings.cache, limit=PAGES, timeout=settings.timeout)
            envelope = Envelope(signing_secrets(settings), longest=LONGEST)
        else:
            keeps = scheme != "null"
            store = MemoryCache(limit=PAGES, room=ROOM, clock=self._clock) if keeps else NullCache()
            envelope = Envelope((secrets.token_hex(32),), longest=LONGEST)
        return Shelf(Guarded(store, time.monotonic), envelope, _who(settings, envelope))

    def _key(self, request: Request) -> str:
        """A request's own, and a caller's own; nobody can tell either from it."""
        headers = sorted((name.lower(), text) for name, text in request.headers.items())
        said = json.dumps([request.url, request.params, headers]).encode()
        return PREFIX + hashlib.sha256(self._shelf().who + said).hexdigest()

    def _kept(self, key: str) -> Response | None:
        shelf, now = self._shelf(), self._clock()
        if (sealed := shelf.store.get(key)) is None:
            return None
        try:
            entry = shelf.envelope.open(key, sealed)
            at, body = entry["at"], entry["body"].encode()
            return Response(200, body=body) if at <= now < at + FRESH else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None  # damaged, or somebody else's: as good as nothing

    def _keep(self, key: str, response: Response) -> None:
        if response.status != 200:
            return
        shelf = self._shelf()
        sealed = shelf.envelope.seal(key, {"at": self._clock(), "body": response.body.decode("utf-8")})
        if len(sealed) <= LONGEST:
            shelf.store.set(key, sealed, FRESH)


def _who(settings: Settings, envelope: Envelope) -> bytes:
    """Who asks, as nobody can guess it: they see different prices, licences and pictures.

    That is the key, how it gets a token, and the customer where the token is one's: a USERNAME without PASSWORD
    is nobody's.
    """
    customer = settings.username if oauth.customer(settings) else ""
    return hmac.digest(
        envelope.secret(PURPOSE),
        f"{settings.api_key.reveal()}\n{oauth.grant(settings)}\n{customer}".encode("utf-8", "surrogatepass"),
        "sha256",
    )
