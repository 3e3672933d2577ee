"""waitress with bounds, which ends in order: what is in flight is finished, nothing new is begun.

waitress by itself waits 120 seconds for silent connections, takes 100 of them, and cuts off what is under way when
it is told to stop. What it has no bound for (a client that sends a byte now and then) is bounded here; a proxy in
front does it better: the nginx of ``examples/deploy``.

Its loop reads requests and hands each to a thread, which costs more than a warm answer. So the loop itself asks
first, with :data:`embedkit.web.response_cache.READY_ONLY`; what is not ready goes to a thread.
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
ARRIVAL_S = 30.0  # seconds in which a request has to arrive whole: 3 MB over a slow line
MAX_PIPELINED = 8  # requests that a connection may send ahead: their answers wait for a client that does not read
# of the size of a chunk, or of the trailers: waitress reads each from its start with every byte
MAX_CHUNK_LINE_BYTES = 4 * KIB
MAX_WAITING = 64  # requests that wait for Getty at once, each in a thread lent to it
SEND_S = 1.0  # seconds beyond TIMEOUT, to send what the last call to Getty came to
LOOK_S = 1.0  # seconds between two looks at the connections
HOST = re.compile(r"[^\s,/@<>\"'\\]*")  # name and port; nothing that ends a header, a URL or a piece of markup
BOUNDS: dict[str, Any] = {
    "max_request_header_size": 32 * KIB,  # a host's cookies come along
    "max_request_body_size": 3 * KIB * KIB,  # the service itself refuses more than 2 MiB, with a better message
    "connection_limit": 400,  # each with a file for a large body: below the 1,024 descriptors of most processes
    "channel_timeout": 20,  # seconds of silence
    "cleanup_interval": 5,  # seconds between two looks for silent connections
    "asyncore_use_poll": True,  # select() takes no descriptor above 1,023
    "ident": None,  # no name and version in the header Server
    "expose_tracebacks": False,
}


class Parser(HTTPRequestParser):  # type: ignore[misc,unused-ignore]
    """Refuses what waitress falls over, and what a proxy in front may read as other requests."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:  # of urllib.parse, for http://[::1
            raise ParsingError("Bad URI") from None
        if (self.chunked and "CONTENT_LENGTH" in self.headers) or "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Two lengths of one body")  # RFC 9112, section 6.1: request smuggling
        if self.version == "1.1" and not HOST.fullmatch(self.headers.get("HOST", ",")):
            raise ParsingError("Not one Host")  # RFC 9112, section 3.2; waitress joins several by commas

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        body: Any = self.body_rcv
        if self.chunked and len(body.control_line + body.trailer) > MAX_CHUNK_LINE_BYTES:
            self.error, self.completed = BadRequest("Chunks without end"), True
        return consumed


class Refusal(ErrorTask):  # type: ignore[misc,unused-ignore]
    """What waitress answers by itself, to what is not HTTP or is too large."""

    def execute(self) -> None:
        self.response_headers = [*ALWAYS.items(), ("Cache-Control", NO_STORE)]
        super().execute()


class Task(WSGITask):  # type: ignore[misc,unused-ignore]
    """A request, which the loop answers if it can."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ.pop("wsgi.file_wrapper", None)  # a file stays open there until the client has read all of it
        connection: Any = self.channel
        if connection.server.is_loop():
            environ[READY_ONLY] = True
        return environ


class Connection(HTTPChannel):  # type: ignore[misc,unused-ignore]
    """A connection that bounds what waitress has no bound for, and whose requests the loop may answer."""

    server: Any  # of waitress, which :meth:`Server._take_over` gave ``is_loop``
    parser_class = Parser
    task_class = Task
    error_task_class = Refusal

    def write_soon(self, data: bytes) -> int:
        """Let the loop send head and body together, once it has both."""
        if not self.server.is_loop():
            return int(super().write_soon(data))
        self.outbufs[-1].append(data)
        self.current_outbuf_count += len(data)
        self.total_outbufs_len += len(data)
        return len(data)

    def received(self, data: bytes) -> bool:
        """Answer the first few of many requests, and close: a client asks again (RFC 9112, 9.3.2)."""
        more: bool = super().received(data)
        channel: Any = self  # its lock has no type
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
    """One server over one listening socket.

    :param grace: seconds that requests in flight are given once it is to stop.
    :param hops: proxies in front whose X-Forwarded headers count; without one waitress drops them.
    :param arrival: seconds in which a request has to arrive whole.
    :param knows_ready_only: whether the application gives way, with ``NotReady``, where it would have to wait.
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
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # or a line for every request that waits
        self._loop = 0  # the thread that runs it
        self._taken: deque[Any] = deque()  # connections with a request that the loop has read
        self._signals: list[int] = []
        self._arriving: dict[Any, float] = {}
        self._looked = 0.0

    def _take_over(self) -> None:
        """Have waitress use our connections, and our loop."""
        self._server.channel_class = Connection
        self._server.is_loop = self._is_loop
        self._server.pull_trigger = self._wake
        if self.knows_ready_only:
            self._server.add_task = self._take

    def _add_threads(self, waiting: int) -> None:
        """A thread more for each request that waits for Getty: ``threads`` are always there for the others."""
        self._dispatcher.set_thread_count(self.threads + waiting)

    def run(self, ready: Callable[[], object] = bool) -> int:
        """Serve until SIGTERM or SIGINT; a second one cuts off what is in flight.

        :param ready: called once signals are heard.
        :returns: the signal.
        """
        self._loop = threading.get_ident()
        with self._told():
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
    def _told(self) -> Iterator[None]:
        """Listen to signals, where they reach this thread; one that whoever started us has silenced stays so."""
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
        """End it, from another thread or as the handler of a signal."""
        self._signals.append(number)
        with suppress(OSError):  # it has noticed by itself, and is at its end
            self._server.trigger.pull_trigger()  # or the loop would notice a second later

    def _step(self, wait: float) -> None:
        wasyncore.loop(timeout=wait, use_poll=True, map=self._map, count=1)
        while self._taken:
            self._answer(self._taken.popleft())

    def _is_loop(self) -> bool:
        return threading.get_ident() == self._loop

    def _take(self, channel: Any) -> None:
        """Put a channel with a request in line: that of the loop, where the loop has read it."""
        self._taken.append(channel) if self._is_loop() else self._dispatcher.add_task(channel)

    def _answer(self, channel: Any) -> None:
        """Give what is ready at once; hand all else to a thread."""
        try:
            channel.service()
        except NotReady:
            self._dispatcher.add_task(channel)
        else:
            if channel.connected:
                channel.handle_write()

    def _wake(self) -> None:
        """Have the loop look at its channels; in the loop itself it does so anyway."""
        if not self._is_loop():
            self._server.trigger.pull_trigger()

    def _drain(self, end: float) -> None:
        """Take in what has come, close the door, and see to the end of what is in flight."""
        while select.select([self.listening], [], [], 0)[0] and time.monotonic() < end:
            self._step(0)
        self._step(0)
        wasyncore.dispatcher.close(self._server)  # the listening socket alone: the loop goes on
        while len(self._signals) == 1 and self._in_flight() and time.monotonic() < end:
            self._step(0.1)

    def _in_flight(self) -> bool:
        channels = tuple(self._server.active_channels.values())
        return any(one.requests or one.request or one.total_outbufs_len for one in channels)

    def _drop_slow(self) -> None:
        """Close connections whose request has been arriving for too long."""
        now = time.monotonic()
        if now < self._looked + LOOK_S:
            return
        self._looked = now
        parts = [channel.request for channel in self._server.active_channels.values() if channel.request]
        self._arriving = {part: self._arriving.get(part, now) for part in parts}
        for channel in tuple(self._server.active_channels.values()):
            if now - self._arriving.get(channel.request, now) > self.arrival:
                channel.will_close = True
