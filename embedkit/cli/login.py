"""Commands for customers who log in with a browser: login, logout.

The browser returns to a page served by this process on a random port of 127.0.0.1, for a single login and at most
two minutes (RFC 8252 section 7.3). All other requests are rejected: any page can send a browser there, but only
Getty's knows the state (RFC 6749 section 10.12).
"""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

import click
from jinja2 import Template

from embedkit import templates_dir
from embedkit.cli.output import open_kit, say
from embedkit.errors import EmbedKitError, InvalidToken, ProviderError
from embedkit.kit import EmbedKit

PATH = "/callback"
TIMEOUT_S = 120
REQUEST_TIMEOUT_S = 5  # to receive a request that has started
DONE = "You are logged in", "embedkit may now use your Getty Images account. You can close this page."
FAILED = "Login failed"
WAITING = "embedkit is still waiting for you to log in."
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the URL contains the code
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Connection": "close",
}


class Callback(ThreadingHTTPServer):
    """Serves the page to which the browser returns. It accepts the first query for which ``is_answer`` is true."""

    allow_reuse_address = False  # on Windows, other processes could listen on the port as well
    daemon_threads = True
    block_on_close = False  # browsers open connections that they might never use

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}{PATH}"
        self.is_answer: Callable[[str], bool] = lambda _: False  # until a login is started
        self._first = threading.Lock()
        self._queries: Queue[str] = Queue()
        self._replies: Queue[tuple[str, str]] = Queue()
        self._replied = threading.Event()

    def wait(self, seconds: float) -> str:
        """Wait for the browser and return its query.

        :raises InvalidToken: if the browser does not return in time.
        """
        with suppress(Empty):
            return self._queries.get(timeout=seconds)
        message = f"You did not log in within {seconds:.0f} seconds."
        raise InvalidToken(message, hint="Run embedkit login again.")

    def reply(self, title: str, text: str) -> None:
        """Show the result in the browser."""
        self._replies.put((title, text))
        self._replied.wait(REQUEST_TIMEOUT_S)

    def take(self, query: str) -> tuple[str, str] | None:
        """Return the title and text to show for a query; None if another one was first."""
        if not self._first.acquire(blocking=False):
            return None
        self._queries.put(query)
        with suppress(Empty):
            return self._replies.get(timeout=TIMEOUT_S)
        return FAILED, "embedkit is no longer running. Run embedkit login again."

    def shown(self) -> None:
        """Note that the browser has received its page."""
        self._replied.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing if a browser closes its connection."""


class _Handler(BaseHTTPRequestHandler):
    server: Callback
    timeout = REQUEST_TIMEOUT_S

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.headers.get_all("Host") != [self.server.host]:  # DNS rebinding
            self._show(421, FAILED, "This page has another URL.")
        elif path != PATH:
            self._show(404, "Page not found", WAITING)
        elif not self.server.is_answer(query):
            self._show(400, FAILED, f"This is the response to another request. {WAITING}")
        elif page := self.server.take(query):
            self._show(200 if page == DONE else 400, *page)
            self.server.shown()
        else:
            self._show(410, "This page has already been used", "See the page that opened before this one.")

    def _show(self, status: int, title: str, text: str) -> None:
        template = Template((templates_dir() / "embedkit/login.html").read_text("utf-8"), autoescape=True)
        body = template.render(title=title, text=text).encode()
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "embedkit"

    def log_message(self, *_: object) -> None:
        """Print nothing, because the path contains the code."""


@contextmanager
def callback() -> Iterator[Callback]:
    """Serve the page to which the browser returns for the length of a block."""
    with Callback() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def has_browser() -> bool:
    """Return whether there is a graphical browser. A text browser would take over the terminal."""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the URL without opening a browser.")
def login(no_browser: bool) -> None:
    """Log in to Getty Images with a browser.

    Gives access to downloads and boards. Needs EMBEDKIT_API_KEY and a browser on this machine. The tokens are
    stored in a private file, renewed automatically, and deleted by embedkit logout. If EMBEDKIT_USERNAME and
    EMBEDKIT_PASSWORD are set, they are used instead.
    """
    with open_kit() as kit, callback() as page:
        request = kit.api.login.begin(page.url)
        page.is_answer = request.is_answered_by
        say(f"Open this page to log in, within {TIMEOUT_S} seconds:\n{request.url}")
        if not no_browser and has_browser():
            # webbrowser.open() can block until the browser exits
            threading.Thread(target=webbrowser.open, args=(request.url,), daemon=True).start()
        query = page.wait(TIMEOUT_S)
        try:
            kit.api.login.finish(request, query)
        except EmbedKitError as error:
            page.reply(FAILED, str(error))
            raise
        page.reply(*DONE)
        say(f"Logged in{_name(kit)}.")


@click.command()
def logout() -> None:
    """Log out of Getty Images.

    Deletes the tokens stored by embedkit login.
    """
    with open_kit() as kit:
        say("Logged out." if kit.api.login.end() else "You were not logged in.")


def _name(kit: EmbedKit) -> str:
    try:
        name = kit.api.customer().name
    except ProviderError:
        return ""
    return f" as {name}" if name else ""
