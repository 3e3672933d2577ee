"""Faults on request: what can go wrong with an upstream service, made to go wrong.

Set on a sandbox (``app.faults.add("status", status=503, count=2)``), over HTTP
(``POST /_sandbox/faults?kind=status&status=503&count=2``), or for one request alone: the header
``X-Sandbox-Fault: status=503`` or the parameter ``sandbox_fault=delay=0.2``.

==============  ==================================================================================
kind            what happens
==============  ==================================================================================
status          an error ``status``, with Retry-After if ``retry_after`` is set
throttle        403, X-Error-Detail: Account Over Queries Per Second Limit, as until 2018; with ``status=429``,
                429 and "Too Many Requests", as in 2026
quota           403, X-Error-Detail: Account Over Rate Limit; with ``status=429`` as in 2026, without the header
over-qps        403 with a page of html that says Developer Over Qps, as the gateway of old
inactive        403, {"message": "Account Inactive"}
unauthorized    401, {"message": "Unauthorized"}, whatever the token
expired         every access token that was issued expires, just before the answer
firewall        403 with a page of html, as a firewall in front of the service gives
delay           the right answer after ``seconds``
hang            nothing for ``seconds``, then the connection is cut
drop            the connection is cut without an answer
truncated       half of the answer, then the connection is cut
slow            the answer in small pieces, over ``seconds``
large           an answer of 64 MiB
redirect        302 to another host
not-json        200 with a page of html
empty           200 with nothing
malformed       200 with half of the JSON, complete as HTTP
mismatch        the answer for another picture
hostile         right but for a foreign script in its html and a javascript: thumbnail
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
OTHER_ID = "699999999"  # the picture that a mismatch answers with
FIREWALL_PAGE = (
    "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1>Reference #18.5f3a</body></html>"
)
Wait = Callable[[float], None]


class Dropped(Exception):
    """The connection is to be cut: no WSGI answer can say so, the server has to do it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    >>> Fault("status", count=None, route="*", status=503, retry_after="30").status
    503

    :param count: how many requests it strikes; None for all.
    :param route: the first part of the paths it strikes; ``*`` for all.
    :param item: strikes only requests whose URL contains this text, such as an ID.
    :param status: 200 to 999, of the kind ``status``; 429 for the throttles.
    :param seconds: 0 to 3600, of the kinds ``delay``, ``hang`` and ``slow``.
    :param retry_after: the value of Retry-After, verbatim, for ``status`` and the throttles.
    :raises ValueError: the kind is unknown, or a number out of range.
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
    """The fault that a header or a parameter asks for, such as ``drop``, ``status=503`` or ``delay=0.2``.

    :raises ValueError: for anything else.
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
    """The faults that are set. Safe for threads; the one set first strikes first."""

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
        """Set one; see :class:`Fault` for the arguments."""
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
        """The fault that strikes this request, if any, counted down."""
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
    """What a struck request gets.

    :param answer: gives the right answer.
    :raises Dropped: where the connection is to be cut without one.
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
    """The kinds that need no right answer."""
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
