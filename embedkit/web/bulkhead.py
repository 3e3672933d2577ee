"""Bulkheads that keep threads free for small requests and for requests served from the cache.

Each client can have only a few large texts in progress at once.

A server has a fixed number of threads, and a request that calls Getty Images occupies one until the response
arrives. Once all threads are waiting, nothing is served any more: neither the health check nor cached embeds. So
the server passes, in the environment of its requests, how many can wait at once. Requests beyond that limit fail
immediately or are served the last good copy. If the server passes no limit, any number can wait.
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

LARGE_BYTES = 16 * 1024  # of a body; a smaller one takes at most about 20 ms, whatever its content
MAX_LARGE_TEXTS = 4  # per client and process at a time; `embedkit serve` has 16 threads


class LargeTextLimiter:
    """Counts the large texts in progress, by client."""

    def __init__(self, most: int = MAX_LARGE_TEXTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self.in_progress: Counter[str] = Counter()

    @contextmanager
    def admit(self, client: str, size: int | None) -> Iterator[None]:
        """Admit a body of ``size`` bytes if it is small, or if few are in progress.

        :param size: None if the client didn't send it.
        :raises Refused: as ``throttled``, without waiting, since a waiting request occupies a thread.
        """
        if size is not None and size <= LARGE_BYTES:
            yield
            return
        with self._lock:
            if self.in_progress[client] >= self._most:
                detail = f"Your IP address has {self._most} large texts in progress already. Try again soon."
                raise Refused("throttled", detail, headers={"Retry-After": "1"})
            self.in_progress[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self.in_progress -= Counter([client])  # which drops zero counts


PLACES = "embedkit.places"  # in the environment of a request
FULL_RETRY_S = 1.0  # after which a place could be free


class Places:
    """Counts the requests waiting for Getty Images. Thread-safe.

    :param most: the number that can wait at once.
    :param grow: called with the number waiting whenever it changes, so that a server can add that many threads.
    """

    def __init__(self, most: int, grow: Callable[[int], object] = bool) -> None:
        self._most = most
        self._grow = grow
        self._lock = threading.Lock()
        self.taken = 0  # waiting now
        self._closed = False

    def enter(self) -> bool:
        """Take a place; return False if none is free."""
        with self._lock:
            if self.taken >= self._most:
                return False
            self._change(1)
            return True

    def leave(self) -> None:
        """Release a place."""
        with self._lock:
            self._change(-1)

    def close(self) -> None:
        """Stop calling ``grow``, because the server is shutting down."""
        with self._lock:
            self._closed = True

    def _change(self, by: int) -> None:
        self.taken += by
        if not self._closed:
            self._grow(self.taken)


def with_places(app: WSGIApplication, places: Places) -> WSGIApplication:
    """Return an application that passes these places in the environment of every request."""

    def with_own(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[PLACES] = places
        return app(environ, start_response)

    return with_own


def three_in_four(app: WSGIApplication, threads: int) -> WSGIApplication:
    """Return an application in which at most three quarters of a server's threads can wait."""
    return with_places(app, Places(max(1, threads * 3 // 4)))


def take_place() -> None:
    """Take a place for the current request to wait for Getty Images, until the request ends.

    :raises Unavailable: immediately, if no place is free, since a waiting request occupies a thread.
    """
    places: Places | None = request.environ.get(PLACES)
    if places is None or "embedkit_place" in g:
        return
    if not places.enter():
        raise Unavailable("Too many calls to Getty Images are waiting.", retry_after=FULL_RETRY_S)
    g.embedkit_place = places


def leave_place(_: BaseException | None) -> None:
    """Release the place of the current request."""
    places: Places | None = g.pop("embedkit_place", None)
    if places is not None:
        places.leave()
