"""What goes wrong on the wire, as errors of ours, and how many more tries each is worth."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions

from embedkit.errors import InvalidResponse, ProviderError, Unavailable
from embedkit.process import lazy_logger

log = lazy_logger("embedkit.transport")

# requests' own exceptions are OSError or ValueError
FAILURES = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
_MALFORMED = (http.client.HTTPException, urllib3.exceptions.InvalidHeader, ValueError)
_CUT_OFF = (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError)
SYSTEM = ("builtins", "socket", "ssl")  # where its exceptions are defined
_TLS = (ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError)


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that gave no answer, and how many more are worth it.

    ``unsent`` if nothing of it can have arrived; ``silent`` if nothing more came within the read timeout.
    """

    error: ProviderError
    retries: int = 0
    unsent: bool = False
    silent: bool = False


def classify(error: BaseException) -> Failure:
    """What went wrong on the wire, in our words; its cause is what the system said, if it said something."""
    causes = list(_causes(error))
    failure = _classify(causes)
    failure.error.__cause__ = _evidence(causes)
    return failure


def _classify(causes: list[BaseException]) -> Failure:

    def among(kinds: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if among(urllib3.exceptions.ProxyError):
        error = Unavailable("The proxy did not let the call through.", hint="Check EMBEDKIT_PROXY.")
        return Failure(error, retries=1)
    if among(urllib3.exceptions.NewConnectionError):
        return Failure(Unavailable("Getty Images can't be reached."), retries=1, unsent=True)
    if among(_TLS):
        message = "The certificate of Getty Images, or the encryption, is not valid."
        log.warning(message)  # an attack, or an old bundle of certificates here: someone has to look
        return Failure(Unavailable(message))
    if among((TimeoutError, urllib3.exceptions.TimeoutError)):
        return Failure(Unavailable("Getty Images did not answer in time."), silent=True)
    if among(_CUT_OFF):
        return Failure(Unavailable("Getty Images cut the connection."), retries=1)
    if among(_MALFORMED):
        return Failure(InvalidResponse("The answer of Getty Images is not proper HTTP."))
    return Failure(Unavailable("The connection to Getty Images failed."), retries=1)


def _evidence(causes: list[BaseException]) -> BaseException | None:
    """The innermost exception of the system's own: those of the libraries, and all frames, carry the request."""
    found = [one for one in causes if isinstance(one, OSError) and type(one).__module__ in SYSTEM]
    return type(found[-1])(*[value for value in found[-1].args if isinstance(value, int | str)]) if found else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those wrapped in it, each library in its own way."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
