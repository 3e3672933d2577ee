"""Network exceptions as errors of our own, and the number of retries that each is worth."""

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
SYSTEM = ("builtins", "socket", "ssl")  # modules that define the system's exceptions
_TLS = (ssl.SSLError, urllib3.exceptions.SSLError, requests.exceptions.SSLError)


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without an answer, and the number of retries that it is worth.

    ``unsent`` is True if nothing can have arrived; ``silent`` if nothing more was received within the read
    timeout.
    """

    error: ProviderError
    retries: int = 0
    unsent: bool = False
    silent: bool = False


def classify(error: BaseException) -> Failure:
    """Translate a network exception into an error; its cause is the system's own exception, if there is one."""
    causes = list(_causes(error))
    failure = _classify(causes)
    failure.error.__cause__ = _evidence(causes)
    return failure


def _classify(causes: list[BaseException]) -> Failure:

    def among(kinds: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if among(urllib3.exceptions.ProxyError):
        error = Unavailable("The call failed at the proxy.", hint="Check EMBEDKIT_PROXY.")
        return Failure(error, retries=1)
    if among(urllib3.exceptions.NewConnectionError):
        return Failure(Unavailable("Getty Images can't be reached."), retries=1, unsent=True)
    if among(_TLS):
        message = "The certificate of Getty Images, or the encryption, is not valid."
        log.warning(message)  # an attack, or an outdated CA bundle: someone has to investigate
        return Failure(Unavailable(message))
    if among((TimeoutError, urllib3.exceptions.TimeoutError)):
        return Failure(Unavailable("Getty Images did not answer in time."), silent=True)
    if among(_CUT_OFF):
        return Failure(Unavailable("Getty Images cut the connection."), retries=1)
    if among(_MALFORMED):
        return Failure(InvalidResponse("Getty Images' answer is not valid HTTP."))
    return Failure(Unavailable("The connection to Getty Images failed."), retries=1)


def _evidence(causes: list[BaseException]) -> BaseException | None:
    """Copy the innermost system exception; the libraries' exceptions, and all frames, contain the request."""
    found = [cause for cause in causes if isinstance(cause, OSError) and type(cause).__module__ in SYSTEM]
    return type(found[-1])(*[value for value in found[-1].args if isinstance(value, int | str)]) if found else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those wrapped in it, which each library does in its own way."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)
