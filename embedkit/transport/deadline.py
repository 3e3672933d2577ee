"""HTTP connections that end at a given time, whatever the other side does.

A timeout of requests or urllib3 applies to a single read, so a server that sends a byte now and then is never cut
off; and http.client reads the status line and headers itself. Here, each read from the socket gets the rest of the
total time, and the bytes are counted before they are kept. There is no watchdog, and so no thread that could leak.

urllib3 logs every URL with its path and query. Those of downloads are signed: whoever has the URL has the file. So
urllib3 logs nothing about our connections; the transport writes its own log.
"""

from __future__ import annotations

import http.client
import io
import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

CONNECT_TIMEOUT_S = 2.0  # a TCP handshake that takes longer has lost packets twice
STAGGER_S = 0.25  # before the next address is tried as well (RFC 8305, section 5)
READ_TIMEOUT_S = 3.0  # of silence, after which nothing more is expected
FILE_READ_TIMEOUT_S = 10.0  # the same for a file, which may have to be resized first
MAX_HEAD_BYTES = 64 * 1024  # of status line and headers, including 1xx responses; real ones stay below 4 KiB

Address = tuple[Any, ...]
Place = tuple[int, Address]
"""An address family, and an address."""


class TooLarge(http.client.HTTPException):
    """The other side has sent more than may be read."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time on a monotonic clock, in seconds; and the length of a silence after which to give up earlier."""

    at: float
    clock: Callable[[], float]
    silence: float = READ_TIMEOUT_S

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - self.clock())

    def timeout(self, limit: float) -> float:
        """Return how long one operation may take: ``limit`` seconds, or what is left.

        :raises TimeoutError: if nothing is left.
        """
        if not (left := self.left()):
            raise TimeoutError("The time for this call is over.")
        return min(limit, left)


# requests and urllib3 can't pass our values down to a connection; a call stays on one thread.
_deadline: ContextVar[Deadline] = ContextVar("embedkit_deadline")
_max_bytes: ContextVar[int] = ContextVar("embedkit_max_bytes")


@contextmanager
def limits(deadline: Deadline, max_bytes: int) -> Iterator[None]:
    """Limit the time and the size of calls on our connections inside the block.

    :param max_bytes: maximum size of the body. Twice as many bytes may be received, for the framing of chunks.
    """
    tokens = _deadline.set(deadline), _max_bytes.set(MAX_HEAD_BYTES + 2 * max_bytes)
    try:
        yield
    finally:
        _deadline.reset(tokens[0])
        _max_bytes.reset(tokens[1])


def _not_ours(_: logging.LogRecord) -> bool:
    return _deadline.get(None) is None


logging.getLogger("urllib3.connectionpool").addFilter(_not_ours)


class _Reader(io.RawIOBase):
    """Reads from a socket, each time for no longer than the call may last, and counts the bytes."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = _deadline.get()
        self._taken = 0
        self.max_bytes = MAX_HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.timeout(self._deadline.silence))
        count: int | None = self._raw.readinto(buffer)
        self._taken += count or 0
        if self._taken > self.max_bytes:
            raise TooLarge("More bytes than may be read.")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """A response with a limited size of its head and a limited time for every read."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _Reader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        self._reader.max_bytes = _max_bytes.get()

    def _read_status(self) -> tuple[str, int, str]:
        """Return the final status, after any interim ones (RFC 9110, section 15.2); MAX_HEAD_BYTES limits them.

        http.client only skips 100: it would take 103 for the response, and what follows for the next one.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # has no type
        while 100 <= status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS:  # no other protocol was requested
            raise http.client.BadStatusLine("101")
        return version, status, reason


class _DeadlineConnection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self.host.strip("[]"), self.port or self.default_port, _deadline.get())
        except (OSError, UnicodeError, RuntimeError) as error:  # RuntimeError: no thread can be started
            raise NewConnectionError(self, "no connection") from error


class _TLSConnection(_DeadlineConnection, HTTPSConnection):
    pass


class DeadlinePool(HTTPConnectionPool):
    """A pool of such connections without TLS, for loopback."""

    ConnectionCls = _DeadlineConnection


class TLSPool(HTTPSConnectionPool):
    """A pool of such connections with TLS."""

    ConnectionCls = _TLSConnection


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect a socket, within CONNECT_TIMEOUT_S in total for the name lookup and all addresses.

    Each address is tried a little after the previous one, or as soon as that has failed, and the first that
    answers is used (RFC 8305). So dead addresses don't use up the time of others, and having many does not leave
    too little for each.

    :raises OSError: if no address can be reached.
    """
    whole = Deadline(deadline.clock() + deadline.timeout(CONNECT_TIMEOUT_S), deadline.clock)
    sock = _first_of(_alternating(_addresses(host, port, whole)), whole)
    sock.settimeout(deadline.timeout(deadline.silence))  # for the TLS handshake and the sending
    return sock


def _alternating(addresses: list[Place]) -> list[Place]:
    """Alternate address families (RFC 8305, section 4), since in a network without IPv6 all of one may be dead."""
    same = [place for place in addresses if place[0] == addresses[0][0]]
    others = [place for place in addresses if place[0] != addresses[0][0]]
    return [place for pair in zip_longest(same, others) for place in pair if place]


def _first_of(addresses: list[Place], whole: Deadline) -> socket.socket:
    with _Attempts() as attempts:
        while addresses or attempts.are_running():
            if addresses:
                attempts.add(*addresses.pop(0))
            if sock := attempts.connected(whole.timeout(STAGGER_S if addresses else CONNECT_TIMEOUT_S)):
                return sock
    raise attempts.failure


class _Attempts:
    """Sockets that are connecting; at the end all are closed except the one that is connected."""

    def __init__(self) -> None:
        self.failure = OSError("The host has no address.")
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Attempts:
        return self

    def __exit__(self, *_: object) -> None:
        for key in self._selector.get_map().values():
            cast(socket.socket, key.fileobj).close()
        self._selector.close()

    def are_running(self) -> bool:
        return bool(self._selector.get_map())

    def add(self, family: int, address: Address) -> None:
        try:
            self._selector.register(_begin(family, address), selectors.EVENT_WRITE)
        except OSError as error:
            self.failure = error

    def connected(self, wait: float) -> socket.socket | None:
        """Return a socket that has connected within a number of seconds."""
        for key, _ in self._selector.select(wait) if self.are_running() else ():
            sock = cast(socket.socket, self._selector.unregister(key.fileobj).fileobj)
            if not (number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                return sock
            sock.close()
            self.failure = OSError(number, os.strerror(number))
        return None


def _begin(family: int, address: Address) -> socket.socket:
    """Start connecting a socket to an address."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _addresses(host: str, port: int, deadline: Deadline) -> list[Place]:
    """Return the addresses of a name. getaddrinfo has no timeout, so it runs on a thread that may be left behind.

    The thread ends with the lookup, after the resolver's own timeout of 10 to 30 seconds, and never delays the
    exit of the process.
    """
    answer: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=look_up, name="embedkit-dns", daemon=True).start()
    return [(family, address) for family, _, _, _, address in answer.result(deadline.left())]
