"""Validation of HTTP responses: headers, body and redirects.

Pure functions of bytes and strings. Responses come from outside, so anything irregular is refused.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from embedkit.errors import InvalidResponse
from embedkit.messages import Request, Sink
from embedkit.validation import LOOPBACK

CREDENTIALS = frozenset({"api-key", "authorization"})
PORTS = {"http": 80, "https": 443}
NO_CODINGS = ("", "identity")  # content codings that change nothing

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LOCATION = re.compile(r"[!-\[\]-~]{1,2048}")  # printable ASCII without the backslash, which browsers read as /
_TARGET = re.compile(
    r"((?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:(?P<port>[0-9]{1,5}))?([/?][^#]*)?)(#.*)?"
)


def clean_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers with their names in lower case.

    :param pairs: one for each name, with repeated headers joined by commas (RFC 9110 section 5.3).
    :raises InvalidResponse: for control characters (section 5.5), or a length that is not one number.
    """
    headers = {name.lower(): text for name, text in pairs}
    if any(_CONTROLS.search(name + text) for name, text in headers.items()):
        raise InvalidResponse("A header from Getty Images contains control characters.")
    if not re.fullmatch(r"[0-9]{1,18}", headers.get("content-length", "0")):
        raise InvalidResponse("The Content-Length from Getty Images is not a number.")
    return headers


def decode(chunks: Iterable[bytes], coding: str, max_bytes: int) -> bytes:
    """Return a body without its content coding; see :func:`decode_chunks`."""
    return b"".join(decode_chunks(chunks, coding, max_bytes))


def decode_chunks(chunks: Iterable[bytes], coding: str, max_bytes: int) -> Iterator[bytes]:
    """Yield a body without its content coding, piece by piece, and never more of it than may be used.

    :param coding: the Content-Encoding header.
    :param max_bytes: maximum size of the decoded body.
    :raises InvalidResponse: if it is larger, or not in the stated coding.
    """
    taken = 0
    for chunk in _without_coding(chunks, coding, max_bytes):
        taken += len(chunk)
        if taken > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def decode_start(chunks: Iterable[bytes], coding: str, max_bytes: int) -> bytes:
    """Return the first bytes of a body of any length, without its content coding.

    :raises InvalidResponse: if it is not in the stated coding.
    """
    found = b""
    for chunk in _without_coding(chunks, coding, max_bytes):
        found += chunk
        if len(found) >= max_bytes:
            break
    return found[:max_bytes]


def _without_coding(chunks: Iterable[bytes], coding: str, max_bytes: int) -> Iterable[bytes]:
    if coding.strip().lower() in ("gzip", "x-gzip"):
        return _inflate(chunks, max_bytes)
    if coding.strip().lower() not in NO_CODINGS:
        raise InvalidResponse("Getty Images used a content coding that was not requested.")
    return chunks


def content_length(headers: Mapping[str, str], max_bytes: int) -> int | None:
    """Return the size of a body, if its headers (from :func:`clean_headers`) declare it.

    :raises InvalidResponse: if it is larger than allowed.
    """
    if "content-length" not in headers or headers.get("content-encoding", "").strip().lower() not in NO_CODINGS:
        return None
    if (length := int(headers["content-length"])) > max_bytes:
        raise _too_large(max_bytes)
    return length


def _too_large(max_bytes: int) -> InvalidResponse:
    return InvalidResponse(f"Getty Images' answer is larger than {max_bytes} bytes.")


def _inflate(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Decompress one gzip member (RFC 1952); each piece is at most one byte larger than the limit."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    begun = False
    for chunk in chunks:
        begun, piece = True, None
        with suppress(zlib.error):
            piece = inflate.decompress(chunk, max_bytes + 1)
        if piece is None:
            raise InvalidResponse("Getty Images sent invalid gzip data.")
        yield piece
    if begun and (not inflate.eof or inflate.unused_data):
        raise InvalidResponse("Getty Images sent gzip data that does not end where it should.")


class SinkError(Exception):
    """Carries an error past handlers that would take it for a network error: a full disk is an OSError, too."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def stream_into(chunks: Iterable[bytes], headers: Mapping[str, str], sink: Sink, max_bytes: int) -> None:
    """Write a body, without its content coding, to a sink.

    :param max_bytes: maximum number of bytes to write.
    :raises SinkError: if the sink fails, which is not the fault of the service.
    :raises InvalidResponse: if the body is larger, or broken.
    """
    total = content_length(headers, max_bytes)
    found = decode_chunks(chunks, headers.get("content-encoding", ""), max_bytes)
    with _sink_errors():
        sink.begin(total)
    for piece in found:
        with _sink_errors():
            sink.write(piece)


@contextmanager
def _sink_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise SinkError(error) from None


def follow_redirect(request: Request, location: str) -> Request:
    """Return the request that a redirect asks for instead, if its target is allowed.

    Allowed are ``request.hosts`` over https; also over http if the upstream itself is on loopback. Another host or
    port does not receive credentials.

    :raises InvalidResponse: for any other target, for anything but GET, and if ``request.redirects`` are used up.
    """
    target = urljoin(request.url, location) if _LOCATION.fullmatch(location) else ""
    match = _TARGET.fullmatch(target)
    if not match or request.method != "GET" or request.redirects < 1 or not _is_allowed(request, match):
        raise InvalidResponse("Getty Images redirected to a place that is not allowed.")
    headers = dict(request.headers)
    if urlsplit(target).netloc != urlsplit(request.url).netloc:
        headers = {name: text for name, text in headers.items() if name.lower() not in CREDENTIALS}
    return replace(request, url=match[1], params=(), headers=headers, redirects=request.redirects - 1)


def _is_allowed(request: Request, target: re.Match[str]) -> bool:
    host = target["host"].strip("[]").lower()
    port = int(target["port"] or PORTS[target["scheme"]])
    origin = urlsplit(request.url)
    ours = origin.port or PORTS[origin.scheme]
    if target["scheme"] == "https":
        return host in request.hosts and port in (PORTS["https"], ours)
    return host in request.hosts and host in LOOPBACK and origin.scheme == "http" and port == ours
