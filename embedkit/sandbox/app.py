"""The sandbox as a WSGI application, with controls for tests and demos.

==============================  ================================================================
path                            serves
==============================  ================================================================
/oembed, /oembed/               the oEmbed endpoint
/preview/<ids>                  the older endpoint that some forums use instead
/embed/<ids>, /embed?assets=    the frames of the embeds; 400 if the signature does not match
/widgets.js, /embed-cms.js      the script that turns links into frames
/v3/…                           the API v3: search, metadata, downloads, boards; see services/api.py
/oauth2/token, /v4/oauth2/…     access tokens; /oauth2/auth is the login page, and
                                /.well-known/oauth-authorization-server describes both
/delivery/xa/<id>.jpg?…         downloaded files (JPEG); /xa/… on the real host
/id/<id>/photo/<slug>.jpg?s=    generated pictures (SVG, despite the file name)
/detail/<id>                    a page about one picture
/                               the catalogue, for browsing
/_sandbox/faults                GET lists, POST adds (?kind=…, see faults.py), DELETE clears
/_sandbox/assets/<id>           DELETE withdraws (?status=404), PUT restores, POST announces an update
/_sandbox/tokens                DELETE expires all access tokens
/_sandbox/calls                 GET returns the request counts, DELETE resets them
==============================  ================================================================

The ``/_sandbox`` paths offer the methods of :class:`Sandbox` over HTTP, for demos and other languages. The sandbox
keeps its state in memory: faults, takedowns, recorded requests, tokens, downloads and boards.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from embedkit.sandbox.content import catalogue
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.faults import TIMED, Dropped, Faults, apply_fault
from embedkit.sandbox.services import pages
from embedkit.sandbox.services.account import Lifecycle
from embedkit.sandbox.services.api import Api, Route
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Handler, Reply, compress, json_reply, read_call
from embedkit.sandbox.services.oembed import Endpoint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_CALLS = 10_000  # recorded requests; counts are not limited
WRITABLE_ROUTES = ("v3", "oauth2")  # routes that accept methods other than GET


class Sandbox:
    """The WSGI application. Thread-safe. ``calls`` holds the most recent requests, oldest first.

    >>> from embedkit.sandbox import SandboxTransport
    >>> from embedkit.messages import Request
    >>> app = Sandbox()
    >>> app.withdraw("74917285")
    >>> SandboxTransport(app).send(Request("https://embed.gettyimages.com/embed/74917285", "embed")).status
    400
    >>> app.counts()
    {'embed': 1}

    :param config: the behavior to emulate.
    :param clock: returns seconds since the epoch; used for tokens, rate limits and download URLs. The dates of
        news pictures are fixed when the sandbox starts, so no picture changes while it runs.
    """

    def __init__(self, config: SandboxConfig | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.config = config or SandboxConfig()
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.closing = threading.Event()
        self._counts: Counter[str] = Counter()
        self._withdrawn: dict[str, int] = {}
        self._started = datetime.fromtimestamp(clock(), UTC)
        self._lock = threading.Lock()
        viewer = pages.Viewer(self.config, self.find, self.problem)
        site = pages.Site(self.find, self.problem)
        oembed = Endpoint(self.config, self.find, self.problem)
        self._api = Api(self.config, self.find, clock)
        # by the first segment of the path
        self._routes: dict[str, Handler] = {
            "": site.index,
            "oembed": oembed,
            "preview": oembed.preview,
            "embed": viewer,
            "v3": self._api,
            "oauth2": self._api.tokens,
            ".well-known": self._api.tokens.metadata,
            "delivery": self._api.delivery,
            "xa": self._api.delivery,
            "id": site.picture,
            "detail": site.detail,
            "widgets.js": pages.script,
            "embed-cms.js": pages.script,
            "static": site.static,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = read_call(environ, self.config.origin)
        if call.route != "_sandbox":
            self._count(call)
        limit: float | None = environ.get("embedkit.timeout")  # in process, no fault sleeps longer than this
        try:
            reply = self._answer(call, limit)
        except Dropped:
            if "embedkit.cut" in environ:  # SandboxServer and SandboxTransport handle this
                raise
            reply = Reply(length=1)  # any other server closes a connection whose body is too short
        if "embedkit.compress" in environ:  # over a network
            reply = compress(reply, call.headers.get("accept-encoding", ""))
        if self.config.cors and call.route != "oauth2":  # the only documented exception
            reply = replace(reply, headers=(*reply.headers, ("Access-Control-Allow-Origin", self.config.cors)))
        if call.method == "HEAD":
            reply = replace(reply, body=b"", length=len(reply.body) if isinstance(reply.body, bytes) else 0)
        return reply.send(start_response)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The operations of the API v3."""
        return self._api.routes

    # -- controls and counters for tests ------------------------------------------------------------------

    def count(self, route: str = "oembed") -> int:
        """Return the number of requests to a route: ``oembed``, ``v3``, ``oauth2``, ``embed``, ``id`` …"""
        with self._lock:
            return self._counts[route]

    def counts(self) -> dict[str, int]:
        """Return the number of requests by route, for every route that received any."""
        with self._lock:
            return dict(self._counts)

    def forget(self) -> None:
        """Clear the recorded requests and reset the counts."""
        with self._lock:
            self.calls.clear()
            self._counts.clear()

    def find(self, asset_id: str) -> Asset | None:
        """Return the asset with this ID, or None. A withdrawn asset is returned with its ``withdrawn`` status."""
        asset = catalogue.find(asset_id)
        if asset and not self.config.deterministic:
            asset = catalogue.as_of(asset, self._started)
        status = self._withdrawn.get(asset_id)
        return replace(asset, withdrawn=status) if asset and status else asset

    def withdraw(self, *asset_ids: str, status: int = 404) -> None:
        """Take pictures down: from now on, requests for them get ``status`` (404 or 410)."""
        with self._lock:
            self._withdrawn |= dict.fromkeys(asset_ids, status)
        self.announce("Delete", *asset_ids)

    def restore(self, *asset_ids: str) -> None:
        """Undo :meth:`withdraw`."""
        with self._lock:
            for asset_id in asset_ids:
                self._withdrawn.pop(asset_id, None)
        self.announce("New", *asset_ids)

    def announce(self, lifecycle: Lifecycle, *asset_ids: str) -> None:
        """Add a ``New``, ``Update`` or ``Delete`` notification to the asset-change feed.

        :meth:`withdraw` and :meth:`restore` do this, too. IDs that never existed are ignored.
        """
        for asset_id in asset_ids:
            if asset := catalogue.find(asset_id):
                self._api.changes.record(asset, lifecycle)

    def expire_tokens(self) -> None:
        """Expire every access token that was issued; refresh tokens stay valid."""
        self._api.tokens.expire()

    def problem(self, status: int, message: str) -> Reply:
        """Return an error response; the real service's bodies are not documented."""
        if self.config.error_body == "html":
            page = f"<!doctype html><title>{status}</title><h1>{escape(message)}</h1>"
            return Reply(status, "text/html; charset=utf-8", page.encode())
        if self.config.error_body == "empty":
            return Reply(status, "text/plain")
        return json_reply({"message": message}, status)

    # -- internals --------------------------------------------------------------------------------------

    def _count(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
            self._counts[call.route] += 1

    def _answer(self, call: Call, limit: float | None) -> Reply:
        if call.route == "_sandbox":
            return admin(self, call)
        try:
            fault = self.faults.take(call)
        except ValueError as error:
            return json_reply({"message": str(error)}, 400)
        if fault is None:
            return self._route(call)
        if fault.kind == "expired":
            self.expire_tokens()
            return self._route(call)
        if limit is not None and fault.kind in TIMED and fault.seconds > limit:
            raise TimeoutError
        return apply_fault(fault, call, self._route, self._wait)

    def _route(self, call: Call) -> Reply:
        if call.method not in ("GET", "HEAD") and call.route not in WRITABLE_ROUTES:
            return replace(self.problem(405, "Only GET is allowed."), headers=(("Allow", "GET, HEAD"),))
        handler = self._routes.get(call.route)
        return handler(call) if handler else self.problem(404, "There is nothing here.")

    def _wait(self, seconds: float) -> None:
        self.closing.wait(seconds)  # returns early when the server stops


def create_sandbox(config: SandboxConfig | None = None) -> Sandbox:
    """Return a sandbox as a WSGI application, to mount in any server or call in process."""
    return Sandbox(config)


FAULT_OPTIONS: dict[str, Callable[[str], Any]] = {
    "kind": str,
    "count": lambda text: None if text == "all" else int(text),
    "route": str,
    "item": str,
    "status": int,
    "seconds": float,
    "retry_after": str,
}


def admin(app: Sandbox, call: Call) -> Reply:
    """Handle a request to ``/_sandbox/…`` and return the current faults and counts."""
    if "origin" in call.headers:
        return json_reply({"message": "Web pages can't use these switches."}, 403)
    subject, _, name = call.path.removeprefix("/_sandbox").strip("/").partition("/")
    try:
        known = _run_command(app, call, subject, name)
    except (ValueError, TypeError) as error:
        return json_reply({"message": str(error)}, 400)
    if not known:
        return json_reply({"message": "There is no such switch; see embedkit/sandbox/app.py."}, 404)
    return json_reply({"faults": [asdict(fault) for fault in app.faults], "calls": app.counts()})


def _run_command(app: Sandbox, call: Call, subject: str, name: str) -> bool:
    match subject, call.method:
        case "faults", "POST":
            app.faults.add(**_fault_options(call))
        case "faults", "DELETE":
            app.faults.clear()
        case "calls", "DELETE":
            app.forget()
        case "tokens", "DELETE":
            app.expire_tokens()
        case "assets", "DELETE":
            app.withdraw(name, status=int(call.params.get("status", "404")))
        case "assets", "PUT":
            app.restore(name)
        case "assets", "POST":
            app.announce("Update", name)
        case (("faults" | "calls"), "GET"):
            pass
        case _:
            return False
    return True


def _fault_options(call: Call) -> dict[str, Any]:
    params = call.params
    if unknown := params.keys() - FAULT_OPTIONS.keys():
        raise ValueError(f"{min(unknown)!r} is not an option of a fault: use {', '.join(FAULT_OPTIONS)}")
    if "kind" not in params:
        raise ValueError("kind is required")
    return {name: FAULT_OPTIONS[name](text) for name, text in params.items()}
