"""waitress with bounds, which ends in order: what is in flight is finished, nothing new is begun.

waitress by itself waits 120 seconds for silent connections, takes 100 of them, and cuts off what is under way when
it is told to stop. What it has no bound for (a client that sends a byte now and then) is bounded here; a proxy in
front does it better: the nginx of ``examples/deploy``.
"""

from __future__ import annotations

import logging
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

KIB = 1024
ARRIVAL_S = 30.0  # seconds in which a request has to arrive whole: 3 MB over a slow line
MAX_PIPELINED = 8  # requests that a connection may send ahead: their answers wait for a client that does not read
MAX_WAITING = 64  # requests that wait for Getty at once, each in a thread lent to it
SEND_S = 1.0  # seconds beyond TIMEOUT, to send what the last call to Getty came to
LOOK_S = 1.0  # seconds between two looks at the connections
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


class Server:
    """One server over one listening socket.

    :param grace: seconds that requests in flight are given once it is to stop.
    :param hops: proxies in front whose X-Forwarded headers count; without one waitress drops them.
    :param arrival: seconds in which a request has to arrive whole.
    :raises ImportError: where waitress is not installed.
    """

    def __init__(
        self,
        app: Any,
        listening: socket.socket,
        *,
        threads: int,
        grace: float,
        hops: int = 0,
        arrival: float = ARRIVAL_S,
    ) -> None:
        from waitress import wasyncore
        from waitress.server import create_server

        from embedkit.web.bulkhead import Places, with_places

        self._asyncore = wasyncore
        self._listening = listening
        self._grace = grace
        self._arrival = arrival
        self._places = Places(MAX_WAITING, lambda waiting: self._lend(threads + waiting))
        self._map: dict[int, Any] = {}
        self._server: Any = create_server(
            with_places(_unwrapped(app), self._places),
            map=self._map,
            sockets=[listening],
            threads=threads,
            clear_untrusted_proxy_headers=not hops,
            **BOUNDS,
        )
        _harden(self._server)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # or a line for every request that waits
        self._signals: list[int] = []
        self._arriving: dict[Any, float] = {}
        self._looked = 0.0

    def run(self, ready: Callable[[], object] = bool) -> int:
        """Serve until SIGTERM or SIGINT; a second one cuts off what is in flight.

        :param ready: called once signals are heard.
        :returns: the signal.
        """
        with self._told():
            ready()
            while not self._signals:
                self._step(LOOK_S)
                self._drop_slow()
            self._drain(time.monotonic() + self._grace)
        self._places.close()
        self._server.task_dispatcher.shutdown(timeout=1)
        self._asyncore.close_all(self._map)
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
        self._server.pull_trigger()  # or the loop would notice a second later

    def _lend(self, threads: int) -> None:
        """Have a thread more for each request that waits for Getty: `threads` are always there for the others."""
        self._server.task_dispatcher.set_thread_count(threads)

    def _step(self, wait: float) -> None:
        self._asyncore.loop(timeout=wait, use_poll=True, map=self._map, count=1)

    def _drain(self, end: float) -> None:
        """Take in what has come, close the door, and see to the end of what is in flight."""
        while select.select([self._listening], [], [], 0)[0] and time.monotonic() < end:
            self._step(0)
        self._step(0)
        self._asyncore.dispatcher.close(self._server)  # the listening socket alone: the loop goes on
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
            if now - self._arriving.get(channel.request, now) > self._arrival:
                channel.will_close = True


def _unwrapped(app: Any) -> Any:
    """The application without wsgi.file_wrapper: a file stays open there until the client has read all of it."""

    def plain(environ: Any, start_response: Any) -> Any:
        environ.pop("wsgi.file_wrapper", None)
        return app(environ, start_response)

    return plain


def _harden(server: Any) -> None:
    """Bound what waitress has no bound for, and have it refuse with our headers, also a URL that it falls over."""
    from waitress.channel import HTTPChannel
    from waitress.parser import HTTPRequestParser, ParsingError
    from waitress.task import ErrorTask

    from embedkit.web.response import ALWAYS, NO_STORE

    class Parser(HTTPRequestParser):  # type: ignore[misc,unused-ignore]
        def parse_header(self, header_plus: bytes) -> None:
            try:
                super().parse_header(header_plus)
            except ValueError:  # of urllib.parse, for http://[::1
                raise ParsingError("Bad URI") from None

    class Refusal(ErrorTask):  # type: ignore[misc,unused-ignore]
        """What waitress answers by itself, to what is not HTTP or is too large."""

        def execute(self) -> None:
            self.response_headers = [*ALWAYS.items(), ("Cache-Control", NO_STORE)]
            super().execute()

    class Channel(HTTPChannel):  # type: ignore[misc,unused-ignore]
        parser_class = Parser
        error_task_class = Refusal

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

    server.channel_class = Channel
