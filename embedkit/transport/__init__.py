"""Requests go out here, and nowhere else: the only importer of requests.

One call is bounded in time (TIMEOUT, everything included), in size and in where it may go. It is tried
again only where that is safe and the budget allows; a service that fails is left alone for a while.

    Response          every status that is an answer of the endpoint, 404 and 503 alike
    Unavailable       no answer: network, time, a breaker that is open, too many waiting
    InvalidResponse   an answer that must not be used: too large, malformed, redirected elsewhere

No secret travels with an error or a log line; urllib3's own debug log prints addresses, not headers.
"""

from __future__ import annotations

import http.client
import logging
import os
import random as chance
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from embedkit import __version__
from embedkit.errors import ConfigurationError, InvalidResponse, ProviderError, Unavailable
from embedkit.getty.refusals import retry_after
from embedkit.models import JSON, Request, Response
from embedkit.settings import Settings
from embedkit.transport.answers import clean, decoded, redirected
from embedkit.transport.deadline import READ_TIMEOUT, Deadline, Pool, TLSPool, bounded
from embedkit.transport.resilience import Breaker, Bulkhead, RetryBudget

log = logging.getLogger("embedkit.transport")

WAITERS = 32  # single requests that may queue for a place; more would all be too late anyway
RETRY_STATUSES = frozenset({429, 502, 503, 504})  # passing by nature; a 500 or 501 comes again
RETRIES = 2  # a third failure is no hiccup
PAUSE = (0.2, 1.0)  # seconds between tries, spread at random so that clients do not come back in step
CHUNK = 16 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {"User-Agent": f"embedkit/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
FIELD = re.compile(r"[\t -~\xa0-\xff]*")  # RFC 9110 section 5.5

# requests' own exceptions are OSError or ValueError
_FAILURES = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
_MALFORMED = (http.client.HTTPException, urllib3.exceptions.InvalidHeader, ValueError)
_CUT_OFF = (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError)
_TLS = (ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError)


class Transport(Protocol):
    """Whatever sends a request: the network, the sandbox inside the process, a test's own."""

    def send(self, request: Request) -> Response:
        """The answer, whatever its status.

        :raises ProviderError: where there is none that may be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Fault:
    """A try that gave no answer, and how many more are worth it."""

    error: ProviderError
    retries: int = 0


class _Lane:
    """What an endpoint has to itself: one that fails must not take the others along."""

    def __init__(self, places: int, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self.breaker = Breaker(clock, random)
        self.budget = RetryBudget()
        self.bulkhead = Bulkhead(places, WAITERS)

    def state(self) -> JSON:
        return {**self.breaker.state(), "waiting": self.bulkhead.waiting()}


class _Process:
    """What belongs to one process: a fork must share neither connections nor locks with its parent."""

    def __init__(self, connections: int) -> None:
        self.pid = os.getpid()
        self.session = requests.Session()
        self.session.trust_env = False  # no proxies, no .netrc, no REQUESTS_CA_BUNDLE
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _Adapter(pool_maxsize=connections))
        self.lanes: dict[str, _Lane] = {}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TLSPool}


class HttpTransport:
    """Sends requests over HTTP. Safe for threads and forks; make one and share it.

    :param settings: TIMEOUT bounds a call in seconds, CONCURRENCY the calls at once to one endpoint.
    :param verify: True for the public certificate authorities, or the path of a bundle of others.
    :param clock: monotonic seconds.
    :param sleep: waits so many seconds between two tries.
    :param random: a number from 0 to below 1.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        verify: Literal[True] | str = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        if verify is not True and not (verify and os.path.exists(verify)):
            raise ConfigurationError("Certificates are always checked.", hint="Give the path of a CA bundle.")
        self._timeout = settings.timeout
        self._places = settings.concurrency
        self._verify = verify
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._process = _Process(self._places)

    def send(self, request: Request) -> Response:
        """The answer to one request.

        A request with ``batch`` waits for its place as long as it takes, and its time runs from there.

        :raises Unavailable: where there is no answer; with ``retry_after`` where known.
        :raises InvalidResponse: where there is one that must not be used.
        """
        began = self._clock()
        lane = self._lane(request.endpoint)
        lane.breaker.check()
        wait = None if request.batch else self._timeout
        with lane.bulkhead.place(wait, counted=not request.batch):
            start = self._clock() if request.batch else began
            outcome, tries = self._guarded(request, lane, Deadline(start + self._timeout, self._clock))
        _report(request, outcome, self._clock() - began, tries)
        if isinstance(outcome, _Fault):
            raise outcome.error  # here, where no exception with a request inside can become its context
        return outcome

    def state(self) -> JSON:
        """Breaker and queue of every endpoint that has been asked, for a readiness check."""
        return {name: lane.state() for name, lane in self._here().lanes.copy().items()}

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._here().session.close()

    def _here(self) -> _Process:
        if self._process.pid != os.getpid():  # gunicorn --preload
            self._process = _Process(self._places)
        return self._process

    def _lane(self, endpoint: str) -> _Lane:
        lanes = self._here().lanes
        return lanes.get(endpoint) or lanes.setdefault(endpoint, _Lane(self._places, self._clock, self._random))

    def _guarded(self, request: Request, lane: _Lane, deadline: Deadline) -> tuple[Response | _Fault, int]:
        ticket = lane.breaker.admit()
        late = deadline.left() < self._timeout / 2  # after queueing: to fail then is no fault of the service
        healthy = None
        try:
            outcome, tries = self._tried(request, lane.budget, deadline)
            healthy = _healthy(outcome) or (None if late else False)
        finally:
            lane.breaker.record(ticket, healthy)
        return outcome, tries

    def _tried(self, request: Request, budget: RetryBudget, deadline: Deadline) -> tuple[Response | _Fault, int]:
        budget.deposit()
        tries = 0
        while True:
            outcome = self._once(request, deadline)
            tries += 1
            pause = self._pause(outcome)
            if tries > _retries(request, outcome) or pause >= deadline.left() or not budget.withdraw():
                return outcome, tries
            self._sleep(pause)

    def _pause(self, outcome: Response | _Fault) -> float:
        least, most = PAUSE
        asked = retry_after(outcome.headers) if isinstance(outcome, Response) else None
        return max(least + (most - least) * self._random(), asked or 0.0)

    def _once(self, request: Request, deadline: Deadline) -> Response | _Fault:
        try:
            with bounded(deadline, request.max_bytes):
                return self._followed(request, deadline)
        except InvalidResponse as error:
            return _Fault(error)
        except _FAILURES as error:
            return _fault(error)

    def _followed(self, request: Request, deadline: Deadline) -> Response:
        """The answer at the end of the redirects that this request allows."""
        response = self._exchange(request, deadline)
        while response.status in REDIRECTS:
            request = redirected(request, response.headers.get("location", ""))
            response = self._exchange(request, deadline)
        if not (200 <= response.status < 300 or 400 <= response.status < 600):
            raise InvalidResponse(f"Getty Images answered with the status {response.status}.")
        return response

    def _exchange(self, request: Request, deadline: Deadline) -> Response:
        # The adapter, not the session: a session would keep cookies, read the environment and, even
        # where redirects are off, read the whole body of one.
        prepared = _prepared(request)
        adapter = self._here().session.get_adapter(request.url)
        patience = deadline.patience(READ_TIMEOUT)
        answer = adapter.send(prepared, stream=True, timeout=patience, verify=self._verify, proxies={})
        with closing(answer):
            headers = clean(answer.raw.headers.itermerged())
            if answer.status_code in REDIRECTS:
                return Response(answer.status_code, headers)
            chunks = iter(lambda: answer.raw.read(CHUNK, decode_content=False), b"")
            body = decoded(chunks, headers.get("content-encoding", ""), request.max_bytes)
            return Response(answer.status_code, headers, body)


def _prepared(request: Request) -> requests.PreparedRequest:
    headers = {**HEADERS, **request.headers}
    with suppress(ValueError):
        if not all(FIELD.fullmatch(text) for text in headers.values()):
            raise ValueError
        return requests.Request(
            request.method, request.url, headers=headers, params=list(request.params), data=request.body
        ).prepare()
    # outside the block above: requests' exception quotes the header, which may be a key
    raise ConfigurationError(
        "A request to Getty Images cannot be written.",
        hint="Look for odd characters in API_KEY and the addresses.",
    )


def _retries(request: Request, outcome: Response | _Fault) -> int:
    if request.method != "GET":
        return 0
    if isinstance(outcome, _Fault):
        return outcome.retries
    return RETRIES if outcome.status in RETRY_STATUSES else 0


def _healthy(outcome: Response | _Fault) -> bool:
    """Whether the service works: refusing (4xx) is work, and so is nonsense about one picture."""
    if isinstance(outcome, _Fault):
        return isinstance(outcome.error, InvalidResponse)
    return outcome.status < 500


def _fault(error: BaseException) -> _Fault:
    """What went wrong on the wire, in our words: those of the libraries carry the request with them."""
    causes = list(_causes(error))

    def among(kinds: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if among(urllib3.exceptions.NewConnectionError):
        return _Fault(Unavailable("Getty Images cannot be reached."), retries=1)
    if among(_TLS):
        said = "The certificate of Getty Images, or the encryption, is not valid."
        log.warning(said)  # an attack, or an old bundle of certificates here: someone has to look
        return _Fault(Unavailable(said))
    if among((TimeoutError, urllib3.exceptions.TimeoutError)):
        return _Fault(Unavailable("Getty Images did not answer in time."))
    if among(_CUT_OFF):
        return _Fault(Unavailable("Getty Images cut the connection."), retries=1)
    if among(_MALFORMED):
        return _Fault(InvalidResponse("The answer of Getty Images is not proper HTTP."))
    return _Fault(Unavailable("The connection to Getty Images failed."), retries=1)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those wrapped in it, each library in its own way."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _report(request: Request, outcome: Response | _Fault, seconds: float, tries: int) -> None:
    """One line in the log: no path, no query, no header, and nothing that could break the line."""
    host = ascii(urlsplit(request.url).hostname)[1:-1][:255]
    said = outcome.status if isinstance(outcome, Response) else outcome.error.message
    log.debug("%s %s: %s in %.0f ms, tries: %d", request.endpoint, host, said, seconds * 1000, tries)
