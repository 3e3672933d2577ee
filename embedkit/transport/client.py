"""All requests are sent from here; no other package imports requests.

A call is limited in total time, in size and in where it may go. It is retried only if that is safe and the retry
budget allows it; a failing service is left alone for a while.

    Response          any status that the endpoint answers with, whether 404 or 503
    Unavailable       no answer: network, timeout, open breaker, too many waiting
    RateLimited       no call, since the last answer was that there are too many; or QuotaExhausted
    InvalidResponse   an answer that must not be used: too large, malformed, redirected elsewhere

No error or log line contains a secret, and a signed URL is one: urllib3's own log, which prints URLs, is silenced
for our calls (see deadline).
"""

from __future__ import annotations

import math
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol
from urllib.parse import urlencode, urlsplit

from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager, Timeout

from embedkit import __version__
from embedkit.errors import ConfigurationError, InvalidResponse, ProviderError, QuotaExhausted
from embedkit.getty.error_mapping import retry_after, throttle_error
from embedkit.messages import Request, Response
from embedkit.process import Observe, ignore, lazy_logger, run_now_and_after_fork
from embedkit.transport import responses
from embedkit.transport.deadline import (
    FILE_READ_TIMEOUT_S,
    READ_TIMEOUT_S,
    Deadline,
    DeadlinePool,
    TLSPool,
    limits,
)
from embedkit.transport.failures import FAILURES, Failure, classify
from embedkit.transport.resilience import API_RATE, Breaker, Bulkhead, RateLimitBackoff, RetryBudget, TokenBucket
from embedkit.validation import LOOPBACK

log = lazy_logger("embedkit.transport")

MAX_WAITERS = 32  # single requests that may queue; any more would be too late anyway
RETRY_STATUSES = frozenset({429, 502, 503, 504})  # temporary by definition; a 500 or 501 would recur
MAX_RETRIES = 2  # a third failure is no coincidence
RETRY_PAUSE_S = (0.2, 1.0)  # between attempts, at random, so that clients do not retry in step
CALL_RESERVE_S = 1.0  # that a call needs once its turn has come
CHUNK_BYTES = 16 * 1024
MAX_ERROR_BYTES = 64 * 1024  # to read of an error that is returned instead of a file
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {"User-Agent": f"embedkit/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
HEADER_VALUE = re.compile(r"([!-~\xa1-\xff][\t -~\xa0-\xff]*)?")  # RFC 9110 section 5.5
URL = re.compile(r"https?://[!-~]+")
PACED = ("api", "token")  # endpoints; a token request counts against the account's rate
MAX_ORIGINS = 10  # whose connections are kept open

Outcome = Response | Failure


class Transport(Protocol):
    """Sends requests: over the network, to a sandbox in the process, or to a test's own implementation."""

    def send(self, request: Request) -> Response:
        """Send a request, and return the response, whatever its status.

        :raises ProviderError: if there is no usable response.
        """
        ...


class _EndpointState:
    """The state of an endpoint, so that one that fails does not affect the others."""

    def __init__(
        self, places: int, bucket: TokenBucket, clock: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self.bucket = bucket
        self.breaker = Breaker(clock, random)
        self.backoff = RateLimitBackoff(clock)
        self.budget = RetryBudget()
        # a limited rate also limits the number of calls that can be served in time
        self.bulkhead = Bulkhead(places, math.inf if bucket.bounds else MAX_WAITERS)

    def state(self) -> dict[str, Any]:
        return {**self.breaker.state(), **self.backoff.state(), "waiting": self.bulkhead.waiting()}


class _Process:
    """The state of a process: its connections and endpoints."""

    def __init__(self, connections: int, proxy: str, verify: Literal[True] | str, paced: TokenBucket) -> None:
        self.paced = paced
        self.endpoints: dict[str, _EndpointState] = {}
        bundle = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
        authorities = "ca_cert_dir" if os.path.isdir(bundle) else "ca_certs"
        tls: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", authorities: bundle}
        # not a session, which would keep cookies, read the environment (proxies, .netrc, REQUESTS_CA_BUNDLE) and
        # read the whole body of a redirect, even if redirects are off
        self._direct = PoolManager(MAX_ORIGINS, maxsize=connections, **tls)
        adapter = HTTPAdapter(MAX_ORIGINS, connections)  # knows how to authenticate to a proxy
        self._proxied = adapter.proxy_manager_for(proxy, **tls) if proxy else self._direct
        for manager in (self._direct, self._proxied):
            manager.pool_classes_by_scheme = {"http": DeadlinePool, "https": TLSPool}

    def pool(self, url: str) -> HTTPConnectionPool:
        """Return the connection pool for the origin of a URL."""
        parts = urlsplit(url)
        manager: PoolManager = self._direct if parts.hostname in LOOPBACK else self._proxied
        return manager.connection_from_host(parts.hostname, parts.port, parts.scheme)

    def close(self) -> None:
        """Close all connections."""
        self._direct.clear()
        self._proxied.clear()


@dataclass(kw_only=True, eq=False, repr=False)
class HttpTransport:
    """Sends requests over HTTP. Safe for threads and forks: create one and share it.

    >>> HttpTransport(timeout=3).state()
    {}

    :param timeout: maximum duration of a call in seconds, including retries and waiting for its turn.
    :param concurrency: maximum number of concurrent calls to one endpoint.
    :param verify: True for the public certificate authorities, or the path of a CA bundle.
    :param clock: returns monotonic seconds.
    :param sleep: waits for a number of seconds between two attempts.
    :param random: returns a random number from 0 to below 1.
    :param api_rate: calls a second to the API v3, including token requests; oEmbed documents no such limit.
    :param proxy: URL of a proxy for everything but loopback; the environment's proxy is not used.
    :param observe: called for calls and for refusals to make one (:class:`embedkit.process.Events`).
    :raises ConfigurationError: if ``verify`` is not the path of a file.
    """

    timeout: float = 5.0
    concurrency: int = 8
    verify: Literal[True] | str = True
    api_rate: float = API_RATE
    proxy: str = ""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    observe: Observe = ignore

    def __post_init__(self) -> None:
        if self.verify is not True and not (self.verify and os.path.exists(self.verify)):
            hint = "Set EMBEDKIT_CA_BUNDLE to the path of a file of certificate authorities."
            raise ConfigurationError("The CA bundle does not exist; certificates are always checked.", hint=hint)
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Start again: a child shares neither connections nor locks with its parent."""
        bucket = TokenBucket(self.api_rate, self.clock)
        self._process = _Process(self.concurrency, self.proxy, self.verify, bucket)

    def send(self, request: Request) -> Response:
        """Send a request, and return the response.

        A request with ``batch`` waits for its turn as long as necessary, and its timeout starts then.

        :raises RateLimited, QuotaExhausted: during a cooldown that the service asked for; RateLimited also if
            other calls have taken all turns until the timeout.
        :raises Unavailable: if there is no answer; with ``retry_after`` if that is known.
        :raises InvalidResponse: if there is an answer that must not be used.
        """
        try:
            outcome = self._outcome(request)
        except responses.SinkError as failure:
            raise failure.error from None
        except ProviderError as refusal:
            self.observe("refused", request.endpoint, refusal.code)
            raise
        if isinstance(outcome, Failure):
            raise outcome.error  # here, where no exception that contains a request can become its context
        return outcome

    def state(self) -> dict[str, Any]:
        """Return the breaker and the queue of every endpoint used so far, for a readiness check."""
        return {name: endpoint.state() for name, endpoint in self._process.endpoints.copy().items()}

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._process.close()

    def _outcome(self, request: Request) -> Outcome:
        began, seconds = self.clock(), request.timeout or self.timeout
        endpoint = self._endpoint(request.endpoint)
        endpoint.breaker.check(waits=request.batch)
        self._await_cooldown(endpoint.backoff, request)
        patience = request.patience if request.batch else min(seconds, self.timeout)
        with self._turn(endpoint, began + patience, batch=request.batch):
            self._await_cooldown(endpoint.backoff, request)
            start = self.clock() if request.batch else began
            # a call that changes something may have done so: giving up during a silence would lose the answer
            is_quick = request.sink is None and request.method == "GET"
            silence = READ_TIMEOUT_S if is_quick else FILE_READ_TIMEOUT_S
            outcome, tries = self._send_guarded(request, endpoint, Deadline(start + seconds, self.clock, silence))
        _report(request, outcome, self.clock() - began, tries, self.observe)
        return outcome

    @contextmanager
    def _turn(self, endpoint: _EndpointState, end: float, *, batch: bool) -> Iterator[None]:
        """Wait for a turn and then for a place; a batch may wait for both as long as necessary."""

        def left() -> float | None:
            return None if math.isinf(end) else max(0.0, end - self.clock())

        wait = left()
        if pause := endpoint.bucket.turn(None if wait is None else wait - min(CALL_RESERVE_S, wait / 2)):
            self.sleep(pause)
        with endpoint.bulkhead.place(left(), counted=not batch):
            yield

    def _endpoint(self, name: str) -> _EndpointState:
        here = self._process
        if (endpoint := here.endpoints.get(name)) is None:
            bucket = here.paced if name in PACED else TokenBucket(math.inf, self.clock)
            state = _EndpointState(self.concurrency, bucket, self.clock, self.random)
            endpoint = here.endpoints.setdefault(name, state)
        return endpoint

    def _send_guarded(self, request: Request, endpoint: _EndpointState, deadline: Deadline) -> tuple[Outcome, int]:
        ticket = endpoint.breaker.admit(deadline.left() if request.batch else 0.0)
        late = deadline.left() < self.timeout / 2  # after queueing: a failure is not the service's fault
        healthy = None
        try:
            outcome, tries = self._with_retries(request, endpoint, deadline)
            if isinstance(outcome, Response) and (cooldown := endpoint.backoff.left()):
                outcome = replace(outcome, cooldown=cooldown)
            healthy = _healthy(request, outcome) or (None if late else False)
        finally:
            endpoint.breaker.record(ticket, healthy)
        return outcome, tries

    def _await_cooldown(self, backoff: RateLimitBackoff, request: Request) -> None:
        """Refuse a call during a cooldown; a batch waits for a short one, or the rest of it would fail."""
        left = backoff.left()
        if request.batch and 0 < left <= self.timeout:
            self.sleep(left)
        else:
            backoff.check()

    def _with_retries(self, request: Request, endpoint: _EndpointState, deadline: Deadline) -> tuple[Outcome, int]:
        # A 429 is worth a retry, and it also starts a cooldown. Both apply: the cooldown starts with the first
        # refusal, for all calls, and ends for this call as for any other; only the caller that started it then
        # retries. Other calls in progress fail, since otherwise a burst that was refused would return as a burst.
        # A batch retries as well, because it waits for the end of a short cooldown anyway.
        endpoint.budget.deposit()
        tries, may_return = 0, request.batch
        while True:
            outcome = self._try_once(request, deadline)
            tries += 1
            refusal = throttle_error(outcome) if isinstance(outcome, Response) else None
            if isinstance(outcome, Response):
                may_return |= endpoint.backoff.record(refusal)
            retries = 0 if refusal and not may_return else _retries(request, outcome, refusal)
            pause = max(self._pause(outcome), endpoint.bucket.left(), endpoint.backoff.left())
            if tries > retries or pause >= deadline.left() or not endpoint.budget.withdraw():
                return outcome, tries
            endpoint.bucket.turn()  # to Getty, a retry is a call like any other
            self.sleep(pause)

    def _pause(self, outcome: Outcome) -> float:
        low, high = RETRY_PAUSE_S
        asked = retry_after(outcome.headers) if isinstance(outcome, Response) else None
        return max(low + (high - low) * self.random(), asked or 0.0)

    def _try_once(self, request: Request, deadline: Deadline) -> Outcome:
        try:
            with limits(deadline, request.max_bytes):
                return self._follow_redirects(request, deadline)
        except InvalidResponse as error:
            return Failure(error.with_traceback(None))  # the frames that it passed contain the response
        except FAILURES as error:
            return classify(error)

    def _follow_redirects(self, request: Request, deadline: Deadline) -> Response:
        """Return the response at the end of the redirects that this request allows."""
        response = self._exchange(request, deadline)
        if not request.follow_redirects and response.status in REDIRECTS:
            return response
        while response.status in REDIRECTS:
            request = responses.follow_redirect(request, response.headers.get("location", ""))
            response = self._exchange(request, deadline)
        if not (200 <= response.status < 300 or 400 <= response.status < 600):
            raise InvalidResponse(f"Getty Images answered with the status {response.status}.")
        return response

    def _exchange(self, request: Request, deadline: Deadline) -> Response:
        target, headers = _prepare(request)
        pool, timeout = self._process.pool(request.url), deadline.timeout(deadline.silence)
        answer = pool.urlopen(
            request.method,
            target,
            request.body,
            headers,
            retries=0,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(connect=timeout, read=timeout),
            preload_content=False,
            decode_content=False,
        )
        try:
            return _read(answer, request)
        finally:
            answer.close()
            answer.release_conn()


def _read(answer: BaseHTTPResponse, request: Request) -> Response:
    """Read as much of a response as may be used."""
    headers = responses.clean_headers(answer.headers.itermerged())
    if answer.status in REDIRECTS:
        return Response(answer.status, headers)
    chunks = iter(lambda: answer.read(CHUNK_BYTES, decode_content=False), b"")
    coding = headers.get("content-encoding", "")
    if request.sink is None:
        return Response(answer.status, headers, responses.decode(chunks, coding, request.max_bytes))
    if answer.status != 200:  # an error text of any length, while the status says enough
        return Response(answer.status, headers, responses.decode_start(chunks, coding, MAX_ERROR_BYTES))
    responses.stream_into(chunks, headers, request.sink, request.max_bytes)
    return Response(answer.status, headers)


def _prepare(request: Request) -> tuple[str, dict[str, str]]:
    """Return the target of the request (RFC 9112 section 3.2.1) and its headers."""
    # no variable here contains only the headers: a crash reporter may send the frames of the error below
    with suppress(ValueError):
        if URL.fullmatch(request.url) and all(map(HEADER_VALUE.fullmatch, request.headers.values())):
            return _target(request), dict(CaseInsensitiveDict({**HEADERS, **request.headers}))
    # outside the block above: an exception may quote the header, which may contain a key
    raise ConfigurationError(
        "The request to Getty Images contains characters that can't be sent.",
        hint="Check EMBEDKIT_API_KEY and the URLs for unusual characters.",
    )


def _target(request: Request) -> str:
    parts = urlsplit(request.url)
    query = "&".join(filter(None, (parts.query, urlencode(request.params))))
    return f"{parts.path or '/'}{'?' if query else ''}{query}"


def _retries(request: Request, outcome: Outcome, refusal: ProviderError | None) -> int:
    """Return how many retries a call is worth: none if it may have had an effect, unless nothing was sent."""
    if isinstance(outcome, Failure):
        if request.method != "GET":
            return outcome.retries if outcome.unsent else 0
        # a silent call is not retried, but the download of a file is; its order is not a GET, and not repeated
        return outcome.retries or int(outcome.silent and request.sink is not None)
    if request.method != "GET" or request.sink is not None or outcome.status not in RETRY_STATUSES:
        return 0
    return 0 if isinstance(refusal, QuotaExhausted) else MAX_RETRIES  # a quota lasts until tomorrow


def _healthy(request: Request, outcome: Outcome) -> bool:
    """Return whether the service works, including if it refuses a request (4xx) or one answer is invalid.

    If the request can recognize the endpoint's own responses, any other page in their place is an outage.
    """
    if isinstance(outcome, Failure):
        return isinstance(outcome.error, InvalidResponse) and request.recognizes is None
    return outcome.status < 500 and (request.recognizes is None or request.recognizes(outcome))


def _verdict(outcome: Outcome) -> str:
    """Return how a call ended, as one word from a closed list."""
    if isinstance(outcome, Failure):
        return outcome.error.code
    if throttle_error(outcome):
        return "throttled"
    return "ok" if outcome.status < 400 else "client-error" if outcome.status < 500 else "server-error"


def _report(request: Request, outcome: Outcome, seconds: float, tries: int, observe: Observe) -> None:
    """Report a call as events and one log line, which has no path, query or header, and no line breaks."""
    host = ascii(urlsplit(request.url).hostname)[1:-1][:255]
    result = outcome.status if isinstance(outcome, Response) else outcome.error.message
    observe("upstream", request.endpoint, _verdict(outcome), value=seconds)
    observe("tries", request.endpoint, value=tries)
    log.debug("%s %s: %s in %.0f ms, tries: %d", request.endpoint, host, result, seconds * 1000, tries)
