"""Calls to upstream services, as data: a transport sends a Request and returns a Response."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from embedkit.errors import ProviderError


class Sink(Protocol):
    """Receives a body in pieces, if it is too large to be held in memory."""

    def begin(self, total: int | None) -> None:
        """Start a body of ``total`` bytes, None if unknown; again from its start after a broken connection."""
        ...

    def write(self, piece: bytes) -> object:
        """Take the next piece of the body."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """A call to an upstream service.

    :param endpoint: name of the breaker and the throttle that the call counts against, such as ``oembed``.
    :param max_bytes: maximum size of the decoded body, in bytes.
    :param redirects: maximum number of redirects to follow, and only to ``hosts``.
    :param batch: True if the caller limits the number of its own calls and can wait for its turn.
    :param patience: seconds that a batch call waits for its turn; by default unlimited.
    :param follow_redirects: False returns a redirect as the response, neither followed nor refused.
    :param sink: receives the body of a 200 in pieces, leaving the response's body empty. It is begun again if the
        connection breaks; a response with another status is not retried.
    :param timeout: seconds for the whole call, instead of the TIMEOUT setting.
    :param signed: True if the URL itself grants access, so that only its host may be shown.
    :param recognizes: returns whether a response comes from the endpoint itself. Any other response (a maintenance
        page) counts as a failure of the endpoint, as if it had not answered.
    """

    url: str = field(repr=False)  # may be signed
    endpoint: str
    params: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a key
    body: bytes | None = field(default=None, repr=False)  # may hold a password
    max_bytes: int = 256 * 1024
    redirects: int = 0
    hosts: frozenset[str] = frozenset()
    batch: bool = False
    patience: float = math.inf
    follow_redirects: bool = True
    sink: Sink | None = field(default=None, repr=False, compare=False)
    timeout: float | None = None
    signed: bool = False
    recognizes: Callable[[Response], bool] | None = field(default=None, repr=False, compare=False)

    @property
    def shown_url(self) -> str:
        """The URL with its parameters, for error messages; anything that may be secret is left out."""
        from urllib.parse import quote, urlencode, urlsplit  # not needed for warm pictures

        parts = urlsplit(self.url)
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if self.signed:
            return host
        query = urlencode(self.params, quote_via=quote, safe=":/,", errors="replace")
        return f"{host}{parts.path}{'?' if query else ''}{query}"


@dataclass(frozen=True, slots=True)
class Response:
    """The response to a :class:`Request`.

    :param headers: headers, with names in lower case.
    :param body: the body, decoded from its transfer and content coding.
    :param cooldown: seconds during which the transport won't call this endpoint again, after too many calls.
    :param request_url: the URL requested, as in :attr:`Request.shown_url`.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a signed URL
    body: bytes = field(default=b"", repr=False)  # may hold a token
    cooldown: float = 0.0
    request_url: str | None = None

    @property
    def evidence(self) -> dict[str, Any]:
        """The fields that an error shows."""
        return {"status": self.status, "request_url": self.request_url}


def exchange(send: Callable[[Request], Response], request: Request) -> Response:
    """Send a request; set ``request_url`` on the response or on the error.

    :raises ProviderError: if there is no usable response.
    """
    try:
        return replace(send(request), request_url=request.shown_url)
    except ProviderError as error:
        error.request_url = request.shown_url
        raise
