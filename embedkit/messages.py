"""Calls to services upstream, as data: a Request is made, a transport sends it, and a Response is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from embedkit.errors import ProviderError


class Sink(Protocol):
    """Takes a body in pieces, where it is too large to be held in memory."""

    def begin(self, total: int | None) -> None:
        """A body follows, of so many bytes as far as is known; from its start, if one was cut off before."""
        ...

    def write(self, piece: bytes) -> object:
        """The next piece of it."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a service upstream.

    :param endpoint: names the breaker and the throttle that the call counts against, such as ``oembed``.
    :param max_bytes: the most bytes that the decoded body may have.
    :param redirects: how many redirects may be followed, and only to ``hosts``.
    :param batch: the caller bounds the number of its calls by itself, and can wait for its turn.
    :param patience: seconds for which a batch waits for its turn; by default as long as it takes.
    :param follow_redirects: False returns a redirect as the answer that it is, neither followed nor refused.
    :param sink: takes the body of a 200 in pieces, so that the response has none. It is begun once more where the
        connection is cut; an answer with another status is not retried.
    :param timeout: seconds for the call in all, in place of the setting TIMEOUT.
    :param signed: the URL itself opens what is there, so that nobody is shown more of it than the host.
    :param recognizes: whether a response is the endpoint's own. One that is not (a maintenance page) counts
        against the endpoint, as no answer does.
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
        """The URL with the parameters, without what may be a secret, for errors."""
        from urllib.parse import quote, urlencode, urlsplit  # warm pictures need none of it

        parts = urlsplit(self.url)
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if self.signed:
            return host
        query = urlencode(self.params, quote_via=quote, safe=":/,", errors="replace")
        return f"{host}{parts.path}{'?' if query else ''}{query}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    :param headers: names in lower case.
    :param body: decoded from its transfer and content coding.
    :param cooldown: seconds for which the transport asks nothing more of this endpoint, after too many calls.
    :param request_url: what was asked, as :attr:`Request.shown_url`.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a signed URL
    body: bytes = field(default=b"", repr=False)  # may hold a token
    cooldown: float = 0.0
    request_url: str | None = None

    @property
    def evidence(self) -> dict[str, Any]:
        """What an error says of it."""
        return {"status": self.status, "request_url": self.request_url}


def exchange(send: Callable[[Request], Response], request: Request) -> Response:
    """Send a request by a transport; the response, or the error, tells what was asked.

    :raises ProviderError: where there is no response that may be used.
    """
    try:
        return replace(send(request), request_url=request.shown_url)
    except ProviderError as error:
        error.request_url = request.shown_url
        raise
