"""Fault injection: make the sandbox fail the way an upstream service can.

Add faults in process (``app.faults.add("status", status=503, count=2)``) or over HTTP
(``POST /_sandbox/faults?kind=status&status=503&count=2``). To affect a single request, send the header
``X-Sandbox-Fault: status=503`` or the parameter ``sandbox_fault=delay=0.2`` with it.

==============  ==================================================================================
kind            effect
==============  ==================================================================================
status          the status ``status``, with Retry-After if ``retry_after`` is set
throttle        403 with X-Error-Detail: Account Over Queries Per Second Limit, as until 2018; with ``status=429``,
                429 and "Too Many Requests", as in 2026
quota           403 with X-Error-Detail: Account Over Rate Limit; with ``status=429`` as in 2026, without it
over-qps        403 with an HTML page that says Developer Over Qps, as the old gateway sent
inactive        403, {"message": "Account Inactive"}
unauthorized    401, {"message": "Unauthorized"}, whatever the token
expired         all access tokens expire just before the request is handled
firewall        403 with an HTML page, as sent by a firewall in front of the service
delay           the correct response after ``seconds``
hang            nothing for ``seconds``, then the connection is reset
drop            the connection is reset without a response
truncated       half of the response, then the connection is closed
slow            the response in small pieces, over ``seconds``
large           a response of 64 MiB
redirect        302 to another host
not-json        200 with an HTML page
empty           200 with an empty body
malformed       200 with half of the JSON in an otherwise complete response
mismatch        the response for another picture
hostile         the correct response with a foreign script in its html and a javascript: thumbnail
==============  ==================================================================================
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from embedkit.sandbox.services.http import Call, Handler, Reply, json_reply

KINDS = (
    *("status", "throttle", "quota", "over-qps", "inactive", "unauthorized", "expired", "firewall"),
    *("delay", "hang", "drop", "truncated", "slow"),
    *("large", "redirect", "not-json", "empty", "malformed", "mismatch", "hostile"),
)
TIMED = ("delay", "hang", "slow")
OTHER_ID = "699999999"  # the picture returned by "mismatch"
FIREWALL_PAGE = (
    "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1>Reference #18.5f3a</body></html>"
)
Wait = Callable[[float], None]


class Dropped(Exception):
    """The connection is to be reset, which WSGI can't express: the server has to do it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject.

    >>> Fault("status", count=None, route="*", status=503, retry_after="30").status
    503

    :param kind: one of the kinds listed in :mod:`embedkit.sandbox.faults`.
    :param count: the number of requests to affect; None for all.
    :param route: the first path segment of the requests to affect; ``*`` for all.
    :param item: text, such as an ID, that the URL must contain for the fault to apply.
    :param status: 200 to 999, for ``status``; 429 selects the 2026 behavior of ``throttle`` and ``quota``.
    :param seconds: 0 to 3600, for ``delay``, ``hang`` and ``slow``.
    :param retry_after: the Retry-After header, verbatim, for ``status``, ``throttle`` and ``quota``.
    :raises ValueError: the kind is unknown or a number is out of range.
    """

    kind: str
    count: int | None = 1
    route: str = "oembed"
    item: str = ""
    status: int = 503
    seconds: float = 60.0
    retry_after: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of fault: use one of {', '.join(KINDS)}")
        if not 200 <= self.status <= 999 or not 0 <= self.seconds <= 3600:
            raise ValueError("status must be 200 to 999, seconds 0 to 3600")

    def matches(self, call: Call) -> bool:
        return self.route in ("*", call.route) and self.item in f"{call.path}?{call.query}"


def parse_fault(text: str) -> Fault:
    """Parse a fault from a header or query parameter, such as ``drop``, ``status=503`` or ``delay=0.2``.

    :raises ValueError: the text is not a valid fault.
    """
    kind, _, value = text.strip().partition("=")
    if not value:
        return Fault(kind, route="*")
    if kind == "status":
        return Fault(kind, route="*", status=int(value))
    if kind in TIMED:
        return Fault(kind, route="*", seconds=float(value))
    raise ValueError(f"the fault {kind!r} takes no value")


class Faults:
    """The active faults. Thread-safe. The fault that was added first applies first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        count: int | None = 1,
        route: str = "oembed",
        item: str = "",
        status: int = 503,
        seconds: float = 60.0,
        retry_after: str | int = "",
    ) -> Fault:
        """Add a fault and return it. See :class:`Fault` for the arguments."""
        fault = Fault(kind, count, route, item, status, seconds, str(retry_after))
        with self._lock:
            self._set.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(tuple(self._set))

    def take(self, call: Call) -> Fault | None:
        """Return the fault that applies to this request, if any, and count it down."""
        if asked := call.headers.get("x-sandbox-fault") or _parameter(call):
            return parse_fault(asked)
        if not self._set:
            return None
        with self._lock:
            for at, fault in enumerate(self._set):
                if fault.matches(call):
                    self._set[at : at + 1] = _count_down(fault)
                    return fault
        return None


def apply_fault(fault: Fault, call: Call, answer: Handler, wait: Wait) -> Reply:
    """Return the response to a request that a fault affects.

    :param answer: returns the correct response.
    :raises Dropped: the connection is to be reset without a response.
    """
    match fault.kind:
        case "delay":
            wait(fault.seconds)
            return answer(call)
        case "hang":
            wait(fault.seconds)
            raise Dropped
        case "drop":
            raise Dropped
        case "slow":
            return _slow_down(answer(call), fault.seconds, wait)
        case "mismatch" | "hostile" | "truncated" | "malformed":
            return _corrupt(fault.kind, call, answer)
    return _substitute(fault)


def _substitute(fault: Fault) -> Reply:
    """Return the response for the kinds that don't need the correct one."""
    later = (("Retry-After", fault.retry_after),) if fault.retry_after else ()
    match fault.kind:
        case "throttle":
            return _rate_error(fault, "Account Over Queries Per Second Limit", later)
        case "quota":
            return _rate_error(fault, "Account Over Rate Limit", later)
        case "over-qps":
            return Reply(403, "text/html", b"<h1>Developer Over Qps</h1>")
        case "unauthorized":
            return json_reply({"message": "Unauthorized"}, 401)
        case "inactive":
            return json_reply({"message": "Account Inactive"}, 403)
        case "firewall":
            return Reply(403, "text/html", FIREWALL_PAGE.encode())
        case "large":
            return Reply(body=(b'{"type":"' + b"x" * 65_536 for _ in range(1024)))
        case "redirect":
            return Reply(302, "text/html", headers=(("Location", "https://elsewhere.example/oembed"),))
        case "not-json":
            return Reply(200, "text/html; charset=utf-8", b"<!doctype html><title>Hello</title><p>Back soon.")
        case "empty":
            return Reply()
    return json_reply({"message": "We can't answer now."}, fault.status, later)


def _rate_error(fault: Fault, detail: str, later: tuple[tuple[str, str], ...]) -> Reply:
    named = (("X-Error-Detail", detail), *later)
    if fault.status != 429:
        return json_reply({"message": detail}, 403, named)
    return json_reply({"message": "Too Many Requests"}, 429, later if fault.kind == "quota" else named)


def _corrupt(kind: str, call: Call, answer: Handler) -> Reply:
    if kind == "mismatch":
        return answer(replace(call, query=f"url=https://gty.im/{OTHER_ID}"))
    right = answer(call)
    body = right.body if isinstance(right.body, bytes) else b"".join(right.body)
    if kind == "truncated":
        return replace(right, body=body[: len(body) // 2], length=len(body))
    if kind == "malformed":
        return replace(right, body=body[: len(body) // 2])
    return _hostile(right, body)


def _hostile(right: Reply, body: bytes) -> Reply:
    try:
        document = json.loads(body)
    except ValueError:
        return right
    document["html"] = f"{document.get('html', '')}<script src='https://elsewhere.example/x.js'></script>"
    document["thumbnail_url"] = "javascript:alert(1)"
    return json_reply(document)


def _slow_down(right: Reply, seconds: float, wait: Wait) -> Reply:
    body = right.body if isinstance(right.body, bytes) else b"".join(right.body)
    pieces = 20

    def drip() -> Iterator[bytes]:
        size = max(1, -(-len(body) // pieces))
        for at in range(0, len(body), size):
            wait(seconds / pieces)
            yield body[at : at + size]

    return replace(right, body=drip(), headers=(*right.headers, ("Content-Length", str(len(body)))))


def _parameter(call: Call) -> str:
    return call.params.get("sandbox_fault", "") if "sandbox_fault=" in call.query else ""


def _count_down(fault: Fault) -> list[Fault]:
    if fault.count is None:
        return [fault]
    return [replace(fault, count=fault.count - 1)] if fault.count > 1 else []
