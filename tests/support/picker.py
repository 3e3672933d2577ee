"""The picker in a page, with a fake service that tests control, and pictures from another origin.

The fake service implements ``/v1/search``, ``/v1/embeds`` and the other endpoints that the picker uses;
``tests/browser/picker/test_element.py`` uses the real one. All requests are recorded.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, Locator, Page, Route, expect

from embedkit.files.installed import static_dir

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The strict policy that the picker must work under.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; connect-src 'self';"
    " frame-src 'self'; require-trusted-types-for 'script'"
)
KINDS = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
SHAPES = [(3000, 2000), (2000, 3000), (3000, 2000), (2400, 2400), (5000, 2000), (3200, 2400), (1600, 2000)]
NAMES = ["Ivo Lindqvist", "Sofía Jansen", "Yusuf Haddad", "Aiko Tanabe", "Margarethe von Wolkenstein-Trostburg"]
TITLES = ["Harbour at dusk", "A lighthouse keeper's morning", "Fishing boats", "Pier in the rain", "Low tide"]
OBSERVE = """
window.violations = []; window.heard = [];
addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));
for (const name of ['ready', 'search', 'results', 'focus', 'select', 'select-sync', 'cancel', 'error', 'quota'])
  addEventListener('embedkit-' + name, e => heard.push([name, JSON.parse(JSON.stringify(e.detail ?? null))]));
"""

# The files of a page with a picker, and a button that opens another.
PAGE = {
    "/host.css": "html { color-scheme: light dark } body { margin: 0 } h1 { font-size: 1rem }",
    "/host.js": """
      import { EmbedKit } from "/static/embedkit-picker.js";
      const opener = document.getElementById("opener");
      opener.addEventListener("click", async () => { window.choice = await EmbedKit.open(JSON.parse(opener.dataset.options)); });
    """,
}

Reply = tuple[int, dict[str, str], Any]  # status, headers, body
Query = dict[str, str]


@dataclass
class ReceivedRequest:
    """A request as the server received it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def query(self) -> Query:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def is_newest(self) -> bool:
        """Whether the picker sent this request automatically, before the user searched."""
        return self.query.get("sort_order") == "newest" and "q" not in self.query


@dataclass
class Origin:
    """A web server on loopback that records its requests."""

    answer: Callable[[ReceivedRequest], Reply]
    requests: list[ReceivedRequest] = field(default_factory=list)
    url: str = ""


def _handler(origin: Origin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # buffered, so that head and body are sent in one packet

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = ReceivedRequest(self.command, self.path, dict(self.headers), self.rfile.read(length).decode())
            origin.requests.append(asked)
            status, headers, body = origin.answer(asked)
            data = (
                body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
            )
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                **headers,
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # the picker may have aborted the search
                self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serve(answer: Callable[[ReceivedRequest], Reply]) -> Iterator[Origin]:
    origin = Origin(answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(origin))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    origin.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _paint(request: ReceivedRequest) -> Reply:
    """Respond with a picture in two colors that depend on its path."""
    seed = sum(map(ord, request.path))
    first, second = f"hsl({seed * 47 % 360} 45% 55%)", f"hsl({seed * 47 % 360 + 40} 55% 25%)"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><linearGradient id="g" x2="0" y2="1">'
        f'<stop stop-color="{first}"/><stop offset="1" stop-color="{second}"/></linearGradient>'
        '<rect width="300" height="200" fill="url(#g)"/></svg>'
    )
    return 200, {"Content-Type": "image/svg+xml", "Cache-Control": "max-age=600"}, svg


def problem(status: int, code: str, retry_after: int | None = None, detail: str = "Said by the service.") -> Reply:
    headers = {"Content-Type": "application/problem+json"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return (
        status,
        headers,
        {"type": f"/docs#error-{code}", "title": code, "status": status, "detail": detail, "code": code},
    )


class Service:
    """The fake service. Tests change ``search``, ``embed``, ``total`` and others; ``reset`` restores them."""

    def __init__(self, pictures: str) -> None:
        self.pictures = pictures
        self.gate: threading.Event | None = None
        self.reset()

    def reset(self) -> None:
        self.total = 70
        self.first = 0
        self.related = ["quay", "lighthouse"]
        self.search: Callable[[Query], Reply] = self.found
        self.embed: Callable[[str, str], Any] = self.embedded
        self.known: Callable[[int], Any] = self.image
        self.body = "<embedkit-picker></embedkit-picker>"
        self.options = "{}"
        self.lang = "en"
        if self.gate:
            self.gate.set()  # releases waiting requests
        self.gate = None
        self.events: list[dict[str, Any]] = []
        self.boards: list[dict[str, Any]] = []
        self.newest = 0  # number of editorial pictures shown before the first search

    def image(self, number: int, **changes: Any) -> dict[str, Any]:
        width, height = SHAPES[number % len(SHAPES)]
        name, title = NAMES[number % len(NAMES)], TITLES[number % len(TITLES)]
        image = {
            "id": str(900000 + number),
            "title": f"{title} {number + 1}",
            "caption": f"{title}, seen from the mole on a windless evening in late October, some minutes after the lamps were lit. " * 3,
            "photographer": name,
            "collection": "Tidewater RM",
            "date_created": "2018-08-23T00:00:00Z",
            "family": "editorial" if number % 3 else "creative",
            "orientation": "horizontal" if width > height else "vertical",
            "width": width,
            "height": height,
            "thumb": {"url": f"{self.pictures}/{number}/thumb.jpg", "width": 170, "height": 170 * height // width},
            "preview": {"url": f"{self.pictures}/{number}/preview.jpg", "width": 506, "height": 506 * height // width},
            "restrictions": ["For editorial use only."] if number % 3 else [],
            "collection_code": "TWR",
            "event_ids": [700000 + number] if number % 3 else [],
            "keywords": ["Harbor", "Dusk", "Fishing Industry"],
            "page_url": f"https://www.gettyimages.com/detail/{900000 + number}",
            "credit": {"line": f"{name} / Tidewater RM / Getty Images", "photographer": name, "collection": "Tidewater RM", "agency": "Getty Images"},
            "shortcode": f"[getty {900000 + number}]",
        }  # fmt: skip
        return {**image, **changes}

    def found(self, query: Query, total: int | None = None) -> Reply:
        total = self.total if total is None else total
        page, size = int(query["page"]), int(query["page_size"])
        numbers = range((page - 1) * size, min(total, page * size))
        images = [self.image(self.first + number) for number in numbers]
        related = self.related if total else []
        body = {"total": total, "page": page, "page_size": size, "images": images, "related": related}
        return 200, {"Content-Language": "en-US"}, body

    def embedded(self, ref: str, target: str) -> dict[str, Any]:
        """Return an embed; for IDs that end in 404 or 403, an error."""
        for code, name in (("404", "not-found"), ("403", "not-embeddable")):
            if ref.endswith(code):
                return {"ref": ref, "error": {"code": name, "title": name, "detail": "Said by the service."}}
        if not re.fullmatch(r"\d+(,\d+)*", ref):
            return {"ref": ref, "error": {"code": "unsupported", "title": "x", "detail": "That is no picture."}}
        return {
            "ref": ref,
            "title": f"Resolved {ref}",
            "caption": "",
            "photographer": "Ada Berg",
            "collection": "Moment",
            "width": 594,
            "height": 396,
            "thumbnail_url": f"{self.pictures}/{ref}/t.jpg",
            "thumbnail_width": 170,
            "thumbnail_height": 113,
            "page_url": f"https://www.gettyimages.com/detail/{ref.split(',')[0]}",
            "target": target,
            "html": f"<figure>{target} of {ref}</figure>",
            "assets": {"css": [], "js": []},
        }

    def __call__(self, asked: ReceivedRequest) -> Reply:
        path = urlsplit(asked.path).path
        if path == "/":
            return (
                200,
                {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Security-Policy": POLICY.format(pictures=self.pictures),
                },
                self.html(),
            )
        if path.startswith("/static/"):
            file = static_dir() / path.removeprefix("/static/")
            return (
                (200, {"Content-Type": KINDS[file.suffix]}, file.read_bytes()) if file.is_file() else (404, {}, "")
            )
        if path in PAGE:
            return 200, {"Content-Type": KINDS[path[path.index(".") :]]}, PAGE[path]
        if path == "/v1/search":
            if self.gate:
                self.gate.wait()
            return self.search(asked.query) if not asked.is_newest else self.found(asked.query, self.newest)
        if path == "/v1/events":
            body = {"total": len(self.events), "page": 1, "page_size": 30, "events": self.events}
            return 200, {"Content-Language": "en-US"}, body
        if path == "/v1/boards":
            return 200, {}, {"boards": self.boards}
        if path.startswith("/v1/boards/"):
            return self.found(asked.query, 4)
        if path.startswith("/v1/images/"):
            number = int(path.rpartition("/")[2]) % 900_000
            return 200, {}, {**self.known(number), "embeddable": True}
        if path == "/v1/embeds":
            body = json.loads(asked.body)
            refs = [one if isinstance(one, str) else one["ref"] for one in body["refs"]]
            return 200, {}, {"embeds": [self.embed(ref, body.get("target", "web")) for ref in refs]}
        if path.startswith("/v1/embeds/"):
            record = self.embed(path.rpartition("/")[2], asked.query.get("target", "web"))
            return problem(404, record["error"]["code"]) if "error" in record else (200, {}, record)
        if path.startswith("/embed/"):
            return (
                200,
                {"Content-Type": "text/html"},
                "<!doctype html><html lang=en><title>Embed</title><p>The embed</p>",
            )
        return 404, {}, ""

    def html(self) -> str:
        return (
            f'<!doctype html><html lang="{self.lang}"><meta charset="utf-8"><title>Editor</title><link rel="stylesheet" href="/host.css">'
            '<meta name="viewport" content="width=device-width"><script type="module" src="/static/embedkit-picker.js"></script>'
            f"<script type='module' src='/host.js'></script><body><main><h1>Editor</h1>"
            f"<button id=opener data-options='{self.options}'>Picture</button>{self.body}</main>"
        )


@dataclass
class Desk:
    """Opens pages with the picker, and records their requests, console messages and errors."""

    browser: Browser
    service: Service
    site: Origin
    pictures: Origin
    opened: list[Page] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def open(
        self,
        attributes: str = "",
        *,
        width: int = 1280,
        height: int = 800,
        lang: str = "en",
        body: str = "",
        **context: Any,
    ) -> Page:
        self.service.body = body or f"<embedkit-picker {attributes}></embedkit-picker>"
        self.service.lang = lang
        self.site.requests.clear()
        made = self.browser.new_context(viewport={"width": width, "height": height}, **context)
        made.set_default_timeout(20_000)
        page = made.new_page()
        self.opened.append(page)
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.add_init_script(OBSERVE)
        page.goto(self.site.url)
        if "<embedkit-picker" in self.service.body:
            page.locator(".picker[data-state]").wait_for(state="attached")
        return page

    def requests(self, start: str) -> list[ReceivedRequest]:
        """Return the requests whose path starts with ``start``, without the picker's automatic ones."""
        return [
            request for request in self.site.requests if request.path.startswith(start) and not request.is_newest
        ]

    def close(self) -> None:
        """Close all pages, and check that there were no policy violations and no errors but network failures."""
        broken = [violation for page in self.opened for violation in violations(page)]
        for page in self.opened:
            page.context.close()
        errors = [text for text in self.console if not text.startswith("Failed to load resource")]
        self.opened.clear()
        self.console.clear()
        self.service.reset()
        assert (broken, errors) == ([], [])


@contextmanager
def desks(browser: Browser) -> Iterator[Desk]:
    """Run the two servers, for all tests of a file."""
    with serve(_paint) as pictures, serve(service := Service(pictures.url)) as site:
        yield Desk(browser, service, site, pictures)


def wait_until(page: Page, expression: str) -> Any:
    """Wait until an expression is truthy and return its value; Playwright's own way needs 'unsafe-eval'."""
    for _ in range(1000):
        if found := page.evaluate(expression):
            return found
        page.wait_for_timeout(20)
    raise AssertionError(f"never true: {expression}")


@contextmanager
def hold_requests(page: Page, url: str | re.Pattern[str]) -> Iterator[list[Route]]:
    """Hold back requests until the block ends, or until a test removes one from the list and continues it."""
    pending: list[Route] = []
    page.route(url, lambda route: pending.append(route))
    yield pending
    for route in pending:
        route.continue_()
    page.unroute(url)


@contextmanager
def expect_answer(page: Page, url: str) -> Iterator[None]:
    """Wait, at the end of the block, for a response from ``url``, and for the page to process it."""
    with page.expect_response(url) as answer:
        yield
    answer.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")


def search(page: Page, text: str = "harbour") -> None:
    """Type a query, press Enter, and wait for the results."""
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("searchbox").press("Enter")
    settle(page)


def settle(page: Page) -> None:
    """Wait for the response to the last request.

    An aborted request may be recorded after the one that followed it, so a test that checks the last request
    settles before it sends another one.
    """
    page.locator(".picker:not([data-busy])").wait_for()


def state(page: Page) -> str:
    found: str = page.locator(".picker").get_attribute("data-state") or ""
    return found


def tiles(page: Page) -> Locator:
    return page.locator(".grid [role=option]")


def events(page: Page, name: str) -> list[Any]:
    """Return the details of all events with a name."""
    found: list[Any] = page.evaluate(
        "name => heard.filter(([type]) => type === name).map(([, detail]) => detail)", name
    )
    return found


def search_queries(desk: Desk) -> list[str]:
    """Return the queries that the user searched for."""
    return [request.query["q"] for request in desk.requests("/v1/search")]


def details(page: Page, place: int = 0) -> None:
    """Search, and open the details of a result."""
    search(page)
    tiles(page).nth(place).click()
    expect(page.locator(".side")).to_be_visible()


def insert(page: Page) -> dict[str, Any]:
    """Insert the open picture, and return the choice."""
    page.get_by_role("button", name="Insert").click()
    wait_until(page, "heard.some(([name]) => name === 'select')")
    chosen: dict[str, Any] = events(page, "select")[-1]
    return chosen


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("violations")
    return found


AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Crop marks and rings are pseudo-elements next to text, whose contrast axe would otherwise not check.
CONTRAST = {
    "ignoreUnicode": True,
    "ignoreLength": False,
    "ignorePseudo": True,
    "pseudoSizeThreshold": 0.25,
    "boldValue": 700,
    "boldTextPt": 14,
    "largeTextPt": 18,
    "contrastRatio": {"normal": {"expected": 4.5}, "large": {"expected": 3}},
}


AXE_SET_UP = f"axe.configure({{checks: [{{id: 'color-contrast', options: {json.dumps(CONTRAST)}}}]}})"
AXE_OPTIONS = json.dumps({"runOnly": RULES, "iframes": False, "resultTypes": ["violations"]})
AXE_RUN = f"axe.run(document, {AXE_OPTIONS})"


COLORS = ["color-contrast"]  # the rules that depend on the color scheme


def axe_violations(page: Page, rules: list[str] | None = None) -> list[Any]:
    """Return axe's violations, of all rules or the given ones; its script is loaded once per page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
        page.evaluate(AXE_SET_UP)
    if rules is None:
        return broken_rules(page.evaluate(AXE_RUN))
    only = json.dumps({"runOnly": {"type": "rule", "values": rules}, "iframes": False})
    return broken_rules(page.evaluate(f"axe.run(document, {only})"))


def broken_rules(found: dict[str, Any]) -> list[Any]:
    """Return the violations in axe's results."""
    assert [rule["error"] for rule in found["incomplete"] if "error" in rule] == []  # a rule that failed to run
    incomplete = [node for rule in found["incomplete"] for node in rule["nodes"]]
    return [
        *(
            (rule["id"], [(node["target"], node["failureSummary"]) for node in rule["nodes"]])
            for rule in found["violations"]
        ),
        *(("invisible-text", node["target"]) for node in incomplete if is_unseen(node)),
    ]


def is_unseen(node: dict[str, Any]) -> bool:
    """Return whether a text in the picker has the color of its background, which axe reports as undecided."""
    is_in_shadow = isinstance(node["target"][0], list)
    return is_in_shadow and any((check["data"] or {}).get("messageKey") == "equalRatio" for check in node["any"])
