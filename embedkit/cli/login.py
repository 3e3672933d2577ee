"""Commands of a customer who logs in by a browser: login, logout.

The browser comes back to a page of this process, on a random port of 127.0.0.1, which is there for one answer, and
for two minutes at the most (RFC 8252 section 7.3). Whatever else comes to that port is turned away: any page can
send a browser there, but none knows the state (RFC 6749 section 10.12).
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
REQUEST_TIMEOUT_S = 5  # for the rest of a request that has begun
DONE = "You are logged in", "embedkit may now use your Getty Images account. You can close this page."
FAILED = "Logging in did not work"
WAITING = "embedkit is still waiting for you to log in."
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the URL has the code in it
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Connection": "close",
}


class Callback(ThreadingHTTPServer):
    """The page that the browser comes back to: the first answer is taken, and gets what ``reply`` is given.

    ``is_answer`` tells an answer from whatever else a browser comes with.
    """

    allow_reuse_address = False  # on Windows others could listen, too
    daemon_threads = True
    block_on_close = False  # a browser opens connections that it may never use

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}{PATH}"
        self.is_answer: Callable[[str], bool] = lambda _: False  # until somebody is asked to log in
        self._first = threading.Lock()
        self._queries: Queue[str] = Queue()
        self._replies: Queue[tuple[str, str]] = Queue()
        self._replied = threading.Event()

    def wait(self, seconds: float) -> str:
        """The query that the browser came back with.

        :raises InvalidToken: where it does not come in time.
        """
        with suppress(Empty):
            return self._queries.get(timeout=seconds)
        message = f"Nobody logged in within {seconds:.0f} seconds."
        raise InvalidToken(message, hint="Run embedkit login again.")

    def reply(self, title: str, text: str) -> None:
        """Show the browser what became of it."""
        self._replies.put((title, text))
        self._replied.wait(REQUEST_TIMEOUT_S)

    def take(self, query: str) -> tuple[str, str] | None:
        """What to show for a query; None where another came first."""
        if not self._first.acquire(blocking=False):
            return None
        self._queries.put(query)
        with suppress(Empty):
            return self._replies.get(timeout=TIMEOUT_S)
        return FAILED, "embedkit has gone away. Run embedkit login again."

    def shown(self) -> None:
        """The browser has its page."""
        self._replied.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is not an error of ours; nothing of it is printed."""


class _Handler(BaseHTTPRequestHandler):
    server: Callback
    timeout = REQUEST_TIMEOUT_S

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.headers.get_all("Host") != [self.server.host]:  # a name that was made to lead here
            self._show(421, FAILED, "This page has another URL.")
        elif path != PATH:
            self._show(404, "There is nothing here", WAITING)
        elif not self.server.is_answer(query):
            self._show(400, FAILED, f"This is the answer to another request. {WAITING}")
        elif page := self.server.take(query):
            self._show(200 if page == DONE else 400, *page)
            self.server.shown()
        else:
            self._show(410, "This page was used already", "Look at the page that was open before this one.")

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
        """Nothing: the path has the code in it."""


@contextmanager
def callback() -> Iterator[Callback]:
    """The page, as long as it is waited for."""
    with Callback() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def has_browser() -> bool:
    """Whether there is a browser with a window: one in the terminal would take the terminal."""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the URL, and open no browser.")
def login(no_browser: bool) -> None:
    """Log in to Getty Images by a browser, for downloads and boards.

    Needs EMBEDKIT_API_KEY, and a browser on this machine. The tokens are kept in a file of yours alone, renewed
    when needed, and removed by embedkit logout. EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD, where set, go before
    them.
    """
    with open_kit() as kit, callback() as page:
        request = kit.api.login.begin(page.url)
        page.is_answer = request.is_answered_by
        say(f"Open this page to log in, within {TIMEOUT_S} seconds:\n{request.url}")
        if not no_browser and has_browser():
            # some are waited for until they end, which here they can't before we answer
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
    """Forget the tokens of embedkit login."""
    with open_kit() as kit:
        say("Logged out." if kit.api.login.end() else "Nobody was logged in.")


def _name(kit: EmbedKit) -> str:
    try:
        name = kit.api.customer().name
    except ProviderError:
        return ""
    return f" as {name}" if name else ""
