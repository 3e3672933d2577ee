"""The sandbox as a WSGI application, with the switches that tests and demos turn.

==============================  ================================================================
path                            answers
==============================  ================================================================
/oembed, /oembed/               the oEmbed endpoint
/preview/<ids>                  what forums ask instead
/embed/<ids>, /embed?assets=    the frames it hands out; 400 where the signature does not fit
/widgets.js, /embed-cms.js      the script that turns links into frames
/v3/…                           the API v3: search, metadata, downloads, boards; see services/api.py
/oauth2/token, /v4/oauth2/…     access tokens for it; /oauth2/auth, the page to log in; and where both are,
                                /.well-known/oauth-authorization-server
/delivery/xa/<id>.jpg?…         downloaded files (JPEG); /xa/… on the real host
/id/<id>/photo/<slug>.jpg?s=    generated pictures (SVG, whatever the name says)
/detail/<id>                    a page about one picture
/                               the catalogue, to look at
/_sandbox/faults                GET lists, POST adds (?kind=…, see faults.py), DELETE clears
/_sandbox/assets/<id>           DELETE withdraws (?status=404), PUT restores, POST tells partners of an update
/_sandbox/tokens                DELETE lets all access tokens expire
/_sandbox/calls                 GET counts, DELETE forgets
==============================  ================================================================

The last four are the switches over HTTP, for those who can't reach them in process: demos, other languages.
It keeps nothing but its faults, its takedowns, the calls it counts; tokens, downloads and boards.
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

MAX_CALLS = 10_000  # remembered; the counts go on
WRITABLE_ROUTES = ("v3", "oauth2")  # the routes that more than GET is for


class Sandbox:
    """The application. Safe for threads. ``calls`` holds the latest requests, in the order they came.

    >>> from embedkit.sandbox import SandboxTransport
    >>> from embedkit.messages import Request
    >>> app = Sandbox()
    >>> app.withdraw("74917285")
    >>> SandboxTransport(app).send(Request("https://embed.gettyimages.com/embed/74917285", "embed")).status
    400
    >>> app.counts()
    {'embed': 1}

    :param config: how it behaves.
    :param clock: seconds since the epoch; tokens, limits and the URLs of downloads go by it. News of the day are
        as old as they were when the sandbox started, so that no picture changes while it runs.
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
        # by the first part of the path, so that a further service is one more line
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
        limit: float | None = environ.get("embedkit.timeout")  # in process: nobody sleeps longer than that
        try:
            reply = self._answer(call, limit)
        except Dropped:
            if "embedkit.cut" in environ:  # our server and our transport know what to do
                raise
            reply = Reply(length=1)  # under any other server: less than announced, so it gives up
        if "embedkit.compress" in environ:  # over a network
            reply = compress(reply, call.headers.get("accept-encoding", ""))
        if self.config.cors and call.route != "oauth2":  # the one documented exception
            reply = replace(reply, headers=(*reply.headers, ("Access-Control-Allow-Origin", self.config.cors)))
        if call.method == "HEAD":
            reply = replace(reply, body=b"", length=len(reply.body) if isinstance(reply.body, bytes) else 0)
        return reply.send(start_response)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The operations of the API v3."""
        return self._api.routes

    # -- what tests count and switch ----------------------------------------------------------------------

    def count(self, route: str = "oembed") -> int:
        """How many requests reached a route: ``oembed``, ``v3``, ``oauth2``, ``embed``, ``id`` (pictures) …"""
        with self._lock:
            return self._counts[route]

    def counts(self) -> dict[str, int]:
        """The same for every route that was reached."""
        with self._lock:
            return dict(self._counts)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.calls.clear()
            self._counts.clear()

    def find(self, asset_id: str) -> Asset | None:
        """The asset as this sandbox shows it, takedowns included."""
        asset = catalogue.find(asset_id)
        if asset and not self.config.deterministic:
            asset = catalogue.as_of(asset, self._started)
        status = self._withdrawn.get(asset_id)
        return replace(asset, withdrawn=status) if asset and status else asset

    def withdraw(self, *asset_ids: str, status: int = 404) -> None:
        """Take pictures down: from now on they are answered with ``status`` (404 or 410)."""
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
        """Tell partners of a change: ``New``, ``Update`` or ``Delete``; withdrawing and restoring do so as well.

        IDs that never existed are in no channel.
        """
        for asset_id in asset_ids:
            if asset := catalogue.find(asset_id):
                self._api.changes.record(asset, lifecycle)

    def expire_tokens(self) -> None:
        """Let every access token that was issued expire now; refresh tokens stay good."""
        self._api.tokens.expire()

    def problem(self, status: int, message: str) -> Reply:
        """The body of a failure; what the real one looks like is not recorded."""
        if self.config.error_body == "html":
            page = f"<!doctype html><title>{status}</title><h1>{escape(message)}</h1>"
            return Reply(status, "text/html; charset=utf-8", page.encode())
        if self.config.error_body == "empty":
            return Reply(status, "text/plain")
        return json_reply({"message": message}, status)

    # -- inside -----------------------------------------------------------------------------------------

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
        self.closing.wait(seconds)  # a server that stops waits for nobody


def create_sandbox(config: SandboxConfig | None = None) -> Sandbox:
    """A sandbox, as a WSGI application, to be mounted anywhere or called in process."""
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
    """Do what a request to ``/_sandbox/…`` says, and answer how things stand."""
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
