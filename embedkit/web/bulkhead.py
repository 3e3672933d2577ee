"""Threads kept free: for small requests beside large texts, and for warm ones beside those that wait for Getty.

A few large texts of one client are taken at a time. Of the others:

A server has a number of threads, and each request that asks Getty keeps one for as long as Getty takes. Once all
of them wait, nothing is answered any more: neither the health check nor what is warm. So a server tells, in the
environment of its requests, how many may wait at once; what comes beyond that is refused at once, or answered with
the last good copy. Under a server that does not tell, any number may wait.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import g, request

from embedkit.errors import Unavailable
from embedkit.web.errors import Refused

LARGE_BYTES = 16 * 1024  # of a body; what is smaller is read in some 20 milliseconds, whatever it holds
MAX_LARGE_TEXTS = 4  # of one client at once in one process; `embedkit serve` has 16 threads


class LargeTextLimiter:
    """Counts the large texts in work, by client."""

    def __init__(self, most: int = MAX_LARGE_TEXTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self.in_work: Counter[str] = Counter()

    @contextmanager
    def admit(self, client: str, size: int | None) -> Iterator[None]:
        """Let a body of ``size`` bytes in, where it is small or few are in work.

        :param size: None where the client did not say.
        :raises Refused: at once, as ``throttled``: a request that waits keeps a thread.
        """
        if size is not None and size <= LARGE_BYTES:
            yield
            return
        with self._lock:
            if self.in_work[client] >= self._most:
                says = f"At most {self._most} large texts from your IP address are in work at once. Send it again."
                raise Refused("throttled", says, headers={"Retry-After": "1"})
            self.in_work[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self.in_work -= Counter([client])  # which keeps no zeros


PLACES = "embedkit.places"  # in the environment of a request
FULL_RETRY_S = 1.0  # after which a place may be free


class Places:
    """Counts the requests that wait for Getty. Safe for threads.

    :param most: how many may wait at once.
    :param grow: called with how many wait whenever that changes: a server may lend so many threads more.
    """

    def __init__(self, most: int, grow: Callable[[int], object] = bool) -> None:
        self._most = most
        self._grow = grow
        self._lock = threading.Lock()
        self.taken = 0  # how many wait now
        self._closed = False

    def enter(self) -> bool:
        """Take a place; False where there is none."""
        with self._lock:
            if self.taken >= self._most:
                return False
            self._change(1)
            return True

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._change(-1)

    def close(self) -> None:
        """Lend no more threads: the server ends."""
        with self._lock:
            self._closed = True

    def _change(self, by: int) -> None:
        self.taken += by
        if not self._closed:
            self._grow(self.taken)


def with_places(app: WSGIApplication, places: Places) -> WSGIApplication:
    """An application that tells of these places in every request."""

    def with_own(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[PLACES] = places
        return app(environ, start_response)

    return with_own


def three_in_four(app: WSGIApplication, threads: int) -> WSGIApplication:
    """The same for a server with a fixed number of threads: a quarter of them never waits."""
    return with_places(app, Places(max(1, threads * 3 // 4)))


def take_place() -> None:
    """Let the current request wait for Getty, until its end.

    :raises Unavailable: at once, where too many wait: a request that waits keeps a thread.
    """
    places: Places | None = request.environ.get(PLACES)
    if places is None or "embedkit_place" in g:
        return
    if not places.enter():
        raise Unavailable("Too many calls to Getty Images are waiting.", retry_after=FULL_RETRY_S)
    g.embedkit_place = places


def leave_place(_: BaseException | None) -> None:
    """Give the place of the current request back."""
    places: Places | None = g.pop("embedkit_place", None)
    if places is not None:
        places.leave()
