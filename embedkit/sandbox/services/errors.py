"""Refusals of the API v3: any handler raises one, the API as a whole answers it.

Four shapes of body are documented or seen: code and message, a message alone, ErrorCode and ErrorMessage
(of parameters that are wrong), and none at all.
"""

from __future__ import annotations

from embedkit.models import JSON

Headers = tuple[tuple[str, str], ...]

# what the classic documentation (2014 to 2018) answers to every request that is wrong in itself
CLASSIC_INVALID: JSON = {"message": "Invalid Request. Possible required parameter missing."}


class Refused(Exception):
    """A request that is not granted. ``body`` is None for an answer with no body."""

    def __init__(self, status: int, body: JSON | None, headers: Headers = ()) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


def invalid(field: str, message: str) -> Refused:
    """A parameter that is wrong, in today's words: ``The value 'a' is not valid for Int32.``"""
    told = f"Field: {field}, Message: {message}"
    return Refused(400, {"ErrorCode": "InvalidRequest", "ErrorMessage": told})


def coded(status: int, code: str, message: str) -> Refused:
    """A failure with one of the documented code words, such as ``ImageNotFound``."""
    return Refused(status, {"code": code, "message": message})


def said(status: int, message: str, headers: Headers = ()) -> Refused:
    """A failure with a message alone, as the gateway in front of the service gives."""
    return Refused(status, {"message": message}, headers)


def missing_token(why: str = "The access token is missing") -> Refused:
    """A protected call without a token that is valid, with the documented challenge.

    The documentation names the realm Download alone, and no body; the code is the contract's word for this status.
    """
    challenge = f'Bearer realm="Download",error="invalid_token",error_description="{why}"'
    body = {"code": "AuthorizationTokenRequired", "message": why}
    return Refused(401, body, (("WWW-Authenticate", challenge),))


def not_authorized() -> Refused:
    """A token that is valid but not for this, such as one of client credentials: words seen on /v3/collections."""
    return said(403, "Your access token does not authorize access to this resource.")
