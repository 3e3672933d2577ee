"""embedkit's service beside the site: here over the sandbox, so that no key and no network is needed.

In life it runs somewhere else, with your key (see ``../deploy``), and the site knows two things of it: its
address, and one of its TOKENS.
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
    """What a site knows of the service. ``pictures`` is the origin of pictures and of their frames, which
    a Content-Security-Policy has to name; in life those are Getty's."""

    url: str
    pictures: str
    token: Secret

    def grant(self) -> str:
        """What a browser is given instead of the token: it reads, and lasts eight hours.

        Empty while the service is down: the editor opens all the same, and the picker says what is wrong.
        """
        try:
            return str(self._post("/v1/grants", {}, token=self.token)["grant"])
        except requests.RequestException:
            return ""

    def render(self, content: str) -> str:
        """A text of html with its shortcodes and links replaced; as it was while the service is down."""
        try:
            return str(self._post("/v1/render", {"content": content, "input": "html"})["content"])
        except requests.RequestException:
            return content

    def policy(self, **also: str) -> dict[str, str]:
        """The Content-Security-Policy of a page with the picker or with embeds, as a header.

        :param also: further sources by directive, with underscores: what an editor needs.
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
    """Run the sandbox and the service, each on a free port, so that they are foreign to the site as in life.

    :param origins: those of the site: they alone may frame the picker and read what the service answers.
    :param settings: of the service, in place of those here.
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
            "change_feed": 1.0,  # seconds: what Getty withdraws is gone from the service so soon
            "timeout": 30.0,  # seconds; the sandbox has no network in between, but a busy machine
        }
        made = sandbox.settings(cache=f"sqlite:{kept}/cache", secret=(Secret(secrets.token_hex(32)),))
        app = create_app(replace(made, **{**ours, **settings}))
        worker = watch_changes(app)
        server = create_server(app, sockets=[listening], threads=8, ident=None)
        threading.Thread(target=server.run, name="embedkit", daemon=True).start()
        try:
            yield Service(url, sandbox.url, token)
        finally:
            server.trigger.pull_trigger(server.close)  # in its own thread, before its socket goes
            if worker:
                worker.stop(10)
