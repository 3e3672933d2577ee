"""embedkit's service, separate from the site. Here it uses the sandbox, so it needs no key and no network.

In production it runs elsewhere, with your key (see ``../deploy``), and the site only knows its URL and one of its
TOKENS.
"""

from __future__ import annotations

import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests
from waitress.server import create_server

from embedkit import Secret
from embedkit.sandbox import SandboxServer
from embedkit.web import create_app, watch_changes

WAIT = 10  # seconds


@dataclass(frozen=True, slots=True)
class Service:
    """What a site knows about the service. ``pictures`` is the origin of the pictures and their frames, which a
    Content-Security-Policy has to allow; in production that is Getty."""

    url: str
    pictures: str
    token: Secret

    def grant(self) -> str:
        """Return a grant for a browser, which is read-only and valid for eight hours.

        Empty while the service is down: the editor still opens, and the picker shows what is wrong.
        """
        try:
            return str(self._post("/v1/grants", {}, token=self.token)["grant"])
        except requests.RequestException:
            return ""

    def render(self, content: str) -> str:
        """Return HTML with its shortcodes and links replaced; unchanged while the service is down."""
        try:
            return str(self._post("/v1/render", {"content": content, "input": "html"})["content"])
        except requests.RequestException:
            return content

    def policy(self, **also: str) -> dict[str, str]:
        """Return the Content-Security-Policy header for a page with the picker or with embeds.

        :param also: further sources that an editor needs, by directive, with underscores.
        """
        sources = {
            "default-src": "'none'",
            "script-src": f"'self' {self.url}",
            "style-src": f"'self' {self.url}",
            "img-src": f"'self' data: {self.pictures}",
            "font-src": "'self'",
            "connect-src": f"'self' {self.url}",
            "frame-src": f"{self.url} {self.pictures}",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }
        for name, value in also.items():
            directive = name.replace("_", "-")
            sources[directive] = f"{sources.get(directive, '')} {value}".removeprefix("'none'").strip()
        return {"Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in sources.items())}

    def _post(self, path: str, body: dict[str, str], token: Secret | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
        answer = requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=WAIT)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def start(origins: Sequence[str], **settings: Any) -> Iterator[Service]:
    """Run the sandbox and the service, each on a free port, so that they have other origins than the site.

    :param origins: the site's origins; only they may frame the picker and read the service's responses.
    :param settings: settings of the service, which override the defaults here.
    """
    token = Secret(secrets.token_urlsafe(32))
    with (
        SandboxServer() as sandbox,
        socket.create_server(("127.0.0.1", 0)) as listening,
        tempfile.TemporaryDirectory(prefix="embedkit-", ignore_cleanup_errors=True) as kept,
    ):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        ours: dict[str, Any] = {
            "public_url": url,
            "tokens": (token,),
            "cors_origins": tuple(origins),
            "picker_origins": tuple(origins),
            "rate_limit": "600/minute",
            "change_feed": 1.0,  # seconds; the service drops withdrawn pictures this fast
            "timeout": 30.0,  # seconds; the sandbox is local, but the machine may be busy
        }
        made = sandbox.settings(cache=f"sqlite:{kept}/cache", secret=(Secret(secrets.token_hex(32)),))
        app = create_app(replace(made, **{**ours, **settings}))
        worker = watch_changes(app)
        server = create_server(app, sockets=[listening], threads=8, ident=None)
        threading.Thread(target=server.run, name="embedkit", daemon=True).start()
        try:
            yield Service(url, sandbox.url, token)
        finally:
            server.trigger.pull_trigger(server.close)  # in its own thread, before its socket is closed
            if worker:
                worker.stop(10)
