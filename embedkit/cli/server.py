"""waitress with stricter limits and a graceful shutdown, which finishes the requests in progress.

By default, waitress waits 120 seconds for idle connections, accepts 100 of them, and aborts requests in progress
when it is stopped. It has no limit for clients that send a byte now and then. This server does, although a proxy
in front, such as the nginx of ``examples/deploy``, does it better.

waitress reads requests in its event loop and hands each to a thread, which costs more than a cached response. So
the event loop itself tries first, with :data:`embedkit.web.response_cache.READY_ONLY`; only a request whose
response is not ready goes to a thread.
"""

from __future__ import annotations

import logging
import re
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest

from embedkit.web.bulkhead import Places, with_places
from embedkit.web.response import ALWAYS, NO_STORE
from embedkit.web.response_cache import READY_ONLY, NotReady

KIB = 1024
ARRIVAL_S = 30.0  # time to receive a whole request: 3 MB over a slow connection
MAX_PIPELINED = 8  # requests in advance on a connection; their responses pile up if the client does not read
# for a chunk's size line, or for all trailers: waitress parses these again with every byte received
MAX_CHUNK_LINE_BYTES = 4 * KIB
MAX_WAITING = 64  # requests waiting for Getty at the same time, each in an extra thread
SEND_S = 1.0  # time after EMBEDKIT_TIMEOUT to send the response based on the last call to Getty
LOOK_S = 1.0  # interval between checks of the connections
HOST = re.compile(r"[^\s,/@<>\"'\\]*")  # name and port, without characters that end a header, URL or attribute
BOUNDS: dict[str, Any] = {
    "max_request_header_size": 32 * KIB,  # includes the cookies of other applications on the same host
    "max_request_body_size": 3 * KIB * KIB,  # the service itself refuses more than 2 MiB, with a better message
    "connection_limit": 400,  # each can need a file for a large body, and most processes may open 1,024
    "channel_timeout": 20,  # seconds a connection may be idle
    "cleanup_interval": 5,  # seconds between checks for idle connections
    "asyncore_use_poll": True,  # select() does not support descriptors above 1,023
    "ident": None,  # no Server header with name and version
    "expose_tracebacks": False,
}


class Parser(HTTPRequestParser):  # type: ignore[misc,unused-ignore]
    """Rejects requests that crash waitress, or that a proxy in front might interpret differently."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:  # from urllib.parse, for URLs such as http://[::1
            raise ParsingError("Bad URI") from None
        if (self.chunked and "CONTENT_LENGTH" in self.headers) or "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Two lengths of one body")  # RFC 9112, section 6.1: request smuggling
        if self.version == "1.1" and not HOST.fullmatch(self.headers.get("HOST", ",")):
            raise ParsingError("Not one Host")  # RFC 9112, section 3.2; waitress joins repeated headers by commas

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        body: Any = self.body_rcv
        if self.chunked and len(body.control_line + body.trailer) > MAX_CHUNK_LINE_BYTES:
            self.error, self.completed = BadRequest("Chunks without end"), True
        return consumed


class Refusal(ErrorTask):  # type: ignore[misc,unused-ignore]
    """The response of waitress itself to requests that are malformed or too large."""

    def execute(self) -> None:
        self.response_headers = [*ALWAYS.items(), ("Cache-Control", NO_STORE)]
        super().execute()


class Task(WSGITask):  # type: ignore[misc,unused-ignore]
    """A request, which the event loop answers if it can."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ.pop("wsgi.file_wrapper", None)  # it keeps files open until the client has read all of them
        connection: Any = self.channel
        if connection.server.is_loop():
            environ[READY_ONLY] = True
        return environ


class Connection(HTTPChannel):  # type: ignore[misc,unused-ignore]
    """A connection with limits that waitress lacks, whose requests the event loop can answer."""

    server: Any  # waitress's server, with the attribute ``is_loop`` added by :meth:`Server._take_over`
    parser_class = Parser
    task_class = Task
    error_task_class = Refusal

    def write_soon(self, data: bytes) -> int:
        """Let the event loop send headers and body together."""
        if not self.server.is_loop():
            return int(super().write_soon(data))
        self.outbufs[-1].append(data)
        self.current_outbuf_count += len(data)
        self.total_outbufs_len += len(data)
        return len(data)

    def received(self, data: bytes) -> bool:
        """Answer only the first pipelined requests and close; the client retries the rest (RFC 9112, 9.3.2)."""
        more: bool = super().received(data)
        channel: Any = self  # waitress does not declare requests_lock
        with channel.requests_lock:
            ahead = channel.requests
            for request in ahead[MAX_PIPELINED:]:
                request.close()
            del ahead[MAX_PIPELINED:]
            if len(ahead) == MAX_PIPELINED:
                ahead[-1].headers["CONNECTION"] = "close"
        return more


@dataclass(eq=False, repr=False)
class Server:
    """A server on one listening socket.

    :param grace: seconds to finish requests in progress when stopping.
    :param hops: number of trusted proxies in front; with 0, waitress drops X-Forwarded headers.
    :param arrival: seconds in which a whole request must be received.
    :param knows_ready_only: whether the application raises ``NotReady`` instead of waiting in the event loop.
    """

    app: Any
    listening: socket.socket
    threads: int
    grace: float
    hops: int = 0
    arrival: float = ARRIVAL_S
    knows_ready_only: bool = False

    def __post_init__(self) -> None:
        self._places = Places(MAX_WAITING, self._add_threads)
        self._map: dict[int, Any] = {}
        self._server: Any = create_server(
            with_places(self.app, self._places),
            map=self._map,
            sockets=[self.listening],
            threads=self.threads,
            clear_untrusted_proxy_headers=not self.hops,
            **BOUNDS,
        )
        self._dispatcher = self._server.task_dispatcher
        self._take_over()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it logs a warning for every queued request
        self._loop = 0  # ID of the thread that runs the event loop
        self._taken: deque[Any] = deque()  # connections with a request read by the event loop
        self._signals: list[int] = []
        self._arriving: dict[Any, float] = {}
        self._looked = 0.0

    def _take_over(self) -> None:
        """Make waitress use our connection class and event loop."""
        self._server.channel_class = Connection
        self._server.is_loop = self._is_loop
        self._server.pull_trigger = self._wake
        if self.knows_ready_only:
            self._server.add_task = self._take

    def _add_threads(self, waiting: int) -> None:
        """Add a thread for each request waiting for Getty, so that ``threads`` remain for all others."""
        self._dispatcher.set_thread_count(self.threads + waiting)

    def run(self, ready: Callable[[], object] = bool) -> int:
        """Serve until SIGTERM or SIGINT. A second signal aborts requests in progress.

        :param ready: called once signals are handled.
        :returns: the first signal.
        """
        self._loop = threading.get_ident()
        with self._handling_signals():
            ready()
            while not self._signals:
                self._step(LOOK_S)
                self._drop_slow()
            self._drain(time.monotonic() + self.grace)
        self._places.close()
        self._dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)
        return self._signals[0]

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        """Handle signals for the length of a block, in the main thread only, except those that are ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self.stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self, number: int = signal.SIGTERM, _: FrameType | None = None) -> None:
        """Stop the server, from another thread or as a signal handler."""
        self._signals.append(number)
        with suppress(OSError):  # the server has already stopped
            self._server.trigger.pull_trigger()  # otherwise the loop would notice up to a second later

    def _step(self, wait: float) -> None:
        wasyncore.loop(timeout=wait, use_poll=True, map=self._map, count=1)
        while self._taken:
            self._answer(self._taken.popleft())

    def _is_loop(self) -> bool:
        return threading.get_ident() == self._loop

    def _take(self, channel: Any) -> None:
        """Queue a channel that has a request: for the event loop if the loop has read it, else for a thread."""
        self._taken.append(channel) if self._is_loop() else self._dispatcher.add_task(channel)

    def _answer(self, channel: Any) -> None:
        """Answer a request in the event loop, or hand it to a thread if the response is not ready."""
        try:
            channel.service()
        except NotReady:
            self._dispatcher.add_task(channel)
        else:
            if channel.connected:
                channel.handle_write()

    def _wake(self) -> None:
        """Wake up the event loop, unless this is the loop's own thread."""
        if not self._is_loop():
            self._server.trigger.pull_trigger()

    def _drain(self, end: float) -> None:
        """Accept connections that are already waiting, stop listening, and finish requests in progress."""
        while select.select([self.listening], [], [], 0)[0] and time.monotonic() < end:
            self._step(0)
        self._step(0)
        wasyncore.dispatcher.close(self._server)  # only the listening socket; the loop continues
        while len(self._signals) == 1 and self._in_flight() and time.monotonic() < end:
            self._step(0.1)

    def _in_flight(self) -> bool:
        channels = tuple(self._server.active_channels.values())
        return any(channel.requests or channel.request or channel.total_outbufs_len for channel in channels)

    def _drop_slow(self) -> None:
        """Close connections that take too long to send a request."""
        now = time.monotonic()
        if now < self._looked + LOOK_S:
            return
        self._looked = now
        parts = [channel.request for channel in self._server.active_channels.values() if channel.request]
        self._arriving = {part: self._arriving.get(part, now) for part in parts}
        for channel in tuple(self._server.active_channels.values()):
            if now - self._arriving.get(channel.request, now) > self.arrival:
                channel.will_close = True
