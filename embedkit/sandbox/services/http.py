"""The sandbox's request and response objects, their conversion from and to WSGI, and the errors of the API v3.

Error bodies have four forms, which are documented or have been seen: only a message (from the gateway); none; and,
from the application, ErrorCode and ErrorMessage (September 2026; before that, only for parameters), or code and
message (2014 to 2018).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

from embedkit.models import JSON

MAX_BODY_BYTES = 10_000_001  # of a request; one more than an upload may have
MIN_COMPRESSED_BYTES = 1_000  # as CloudFront, which is named in X-Cache
_GZIP = re.compile(r"(?<![\w-])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
# escaped by the real service, but not by json.dumps
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the sandbox. ``query`` is raw, as it was sent; header names are in lower case."""

    route: str
    method: str
    path: str
    query: str
    origin: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # may hold a key
    body: bytes = field(default=b"", repr=False)  # may hold a password

    @property
    def params(self) -> dict[str, str]:
        """The decoded query; the last of a repeated parameter wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """A response. ``length`` overrides Content-Length with a wrong one; an empty ``type`` omits Content-Type."""

    status: int = 200
    type: str = "application/json; charset=utf-8"
    body: bytes | Iterable[bytes] = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        headers = [*([("Content-Type", self.type)] if self.type else []), *self.headers]
        if isinstance(self.body, bytes) and self.status != 204:  # RFC 9110 section 8.6
            headers.append(("Content-Length", str(len(self.body) if self.length is None else self.length)))
        start_response(f"{self.status} {_phrase(self.status)}", headers)
        return [self.body] if isinstance(self.body, bytes) else self.body


Handler = Callable[[Call], Reply]
Problem = Callable[[int, str], Reply]
"""Returns an error response for a status and a message."""


def json_reply(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return JSON as the real service does: compact, ``<``, ``>`` and ``&`` escaped, lone surrogates as ``?``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)
    return Reply(status, body=text.encode("utf-8", "replace"), headers=headers)


def compress(reply: Reply, accepted: str) -> Reply:
    """Compress a response for clients that accept gzip, as the real service's Vary header suggests.

    :param accepted: the Accept-Encoding header.
    """
    body = reply.body
    if not isinstance(body, bytes) or reply.length is not None or "json" not in reply.type:
        return reply
    if len(body) < MIN_COMPRESSED_BYTES or not _GZIP.search(accepted):
        return reply
    varies = () if any(name == "Vary" for name, _ in reply.headers) else (("Vary", "Accept-Encoding"),)
    headers = (*reply.headers, *varies, ("Content-Encoding", "gzip"))
    return replace(reply, body=gzip.compress(body, mtime=0), headers=headers)


def read_call(environ: WSGIEnvironment, origin: str) -> Call:
    """Return the request in a WSGI environment; ``origin`` is the configured one, or empty."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name[:5] == "HTTP_"}
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return Call(
        route=_route(path),
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        origin=origin or f"{environ['wsgi.url_scheme']}://{quote(host, safe=':[].-')}",
        headers=headers,
        body=_read_body(environ),
    )


def _route(path: str) -> str:
    """Return the first segment of a path; both token endpoints have the route ``oauth2``."""
    return "oauth2" if path.startswith("/v4/oauth2/") else path.split("/", 2)[1]


def _read_body(environ: WSGIEnvironment) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(min(length, MAX_BODY_BYTES))) if length > 0 else b""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


Headers = tuple[tuple[str, str], ...]

# the response to any malformed request in the classic documentation (2014 to 2018)
CLASSIC_INVALID: JSON = {"message": "Invalid Request. Possible required parameter missing."}


# the type of the application's errors; the gateway sends plain JSON
ERROR_TYPE = "application/vnd.getty.error+json; charset=utf-8"


def error_reply(refused: APIError, *, coded: bool) -> Reply:
    """Return the response for an error.

    :param coded: whether to use the error format of 2026, which does not apply to the gateway's messages;
        otherwise that of 2014.
    """
    body = refused.body
    if body is None:
        return Reply(refused.status, "", headers=refused.headers)
    if not coded:
        return json_reply(CLASSIC_INVALID if "ErrorCode" in body else body, refused.status, refused.headers)
    if "code" in body:
        body = {"ErrorCode": body["code"], "ErrorMessage": body["message"]}
    reply = json_reply(body, refused.status, refused.headers)
    return replace(reply, type=ERROR_TYPE) if "ErrorCode" in body else reply


class APIError(Exception):
    """An error response. ``body`` is None for a response without a body."""

    def __init__(self, status: int, body: JSON | None, headers: Headers = ()) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


def parameter_error(field: str, message: str) -> APIError:
    """Return the error for an invalid parameter, such as ``The value 'a' is not valid for Int32.``"""
    text = f"Field: {field}, Message: {message}"
    return APIError(400, {"ErrorCode": "InvalidRequest", "ErrorMessage": text})


def code_error(status: int, code: str, message: str) -> APIError:
    """Return an error with one of the documented codes, such as ``ImageNotFound``."""
    return APIError(status, {"code": code, "message": message})


def message_error(status: int, message: str, headers: Headers = ()) -> APIError:
    """Return an error with only a message, as sent by the gateway in front of the service."""
    return APIError(status, {"message": message}, headers)


def missing_token_error(reason: str = "The access token is missing") -> APIError:
    """Return the error for a missing or invalid token, with the documented challenge.

    Only the realm Download is documented, and no body; the code is the one the contract has for this status.
    """
    challenge = f'Bearer realm="Download",error="invalid_token",error_description="{reason}"'
    body = {"code": "AuthorizationTokenRequired", "message": reason}
    return APIError(401, body, (("WWW-Authenticate", challenge),))


def not_authorized_error() -> APIError:
    """Return the error for a valid token without the necessary rights; the message was seen on /v3/collections."""
    return message_error(403, "Your access token does not authorize access to this resource.")


MAX_INT32 = 2**31 - 1


def integer(params: Mapping[str, str], name: str, default: int, minimum: int = 1, maximum: int = MAX_INT32) -> int:
    """Return an integer parameter, or ``default`` if it is missing.

    :raises APIError: 400 for anything else, with the message of a live response.
    """
    if not (text := params.get(name, "")):
        return default
    if not re.fullmatch(r"-?[0-9]{1,10}", text, re.ASCII) or abs(int(text)) > MAX_INT32:
        raise parameter_error(name, f"The value '{text}' is not valid for Int32.")
    if not minimum <= int(text) <= maximum:
        raise parameter_error(name, f"The value '{text}' is not between {minimum} and {maximum}.")
    return int(text)


def boolean(params: Mapping[str, str], name: str, default: bool) -> bool:
    """Return a boolean parameter, in any case, or ``default`` if it is missing.

    :raises APIError: 400 for anything else.
    """
    text = params.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise parameter_error(name, f"The value '{params[name]}' is not valid for Boolean.")
    return default if not text else text == "true"


def choice(params: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """Return an enum parameter in lower case, or an empty string if it is missing.

    :raises APIError: 400 for a value that is not allowed.
    """
    text = params.get(name, "").lower()
    if text and text not in allowed:
        raise parameter_error(name, f"The value '{params[name]}' is not valid.")
    return text


def json_body(call: Call) -> Any:
    """Return a request body parsed as JSON; None if it is empty or invalid."""
    try:
        return json.loads(call.body)
    except (ValueError, RecursionError):
        return None
