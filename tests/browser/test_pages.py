"""The pages in a real browser: what they load, WordPress's handshake, accessibility."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from embedkit import EmbedKit, create_app
from embedkit.sandbox import SandboxServer
from tests.support.servers import serving
from tests.support.web import EXAMPLE, WITHDRAWN

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


@pytest.fixture(name="service", scope="module")
def fixture_service(sandbox: SandboxServer) -> Iterator[str]:
    settings = sandbox.settings(cache="memory:", secret="s" * 40, rate_limit="10000/minute")
    with EmbedKit(settings) as kit, serving(create_app(kit=kit)) as url:
        yield url


@pytest.fixture(name="page")
def fixture_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 320, "height": 700})
    yield page
    page.close()


def test_a_frame_page_tells_its_height_to_who_knows_the_secret(
    page: Page, service: str, sandbox: SandboxServer
) -> None:
    page.goto(f"{sandbox.url}/blog")  # any page of another origin on this machine
    page.set_content(
        "<script>var told = []; addEventListener('message', event => told.push(event.data))</script>"
        f"<iframe width=300 src='{service}/embed/{EXAMPLE}#?secret=aB3dE'></iframe>"
    )
    page.wait_for_function("told.length && told.at(-1).value > 400")
    message = page.evaluate("told.at(-1)")
    assert sorted(message) == ["message", "secret", "value"]
    assert (message["message"], message["secret"]) == ("height", "aB3dE")
    before = message["value"]
    page.evaluate("document.querySelector('iframe').width = 150")
    page.wait_for_function(f"told.at(-1).value < {before}")


def test_without_a_secret_it_tells_nothing(page: Page, service: str, sandbox: SandboxServer) -> None:
    page.goto(f"{sandbox.url}/blog")
    page.set_content("<script>var told = 0; addEventListener('message', () => told++)</script><iframe></iframe>")
    for fragment in ("", "#?secret=<b>", "#?secret="):
        page.evaluate(
            "url => new Promise(done => Object.assign(document.querySelector('iframe'), {src: url, onload: done}))",
            f"{service}/embed/{EXAMPLE}?maxwidth={200 + len(fragment)}{fragment}",
        )
    assert page.evaluate("told") == 0


@pytest.mark.parametrize("path", [f"/embed/{EXAMPLE}", f"/embed/{EXAMPLE}?target=facade", "/docs", "/", "/readyz"])
def test_nothing_is_blocked_and_nothing_foreign_is_loaded(
    page: Page, service: str, sandbox: SandboxServer, path: str
) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(service + path, wait_until="networkidle")
    if path == f"/embed/{EXAMPLE}":
        page.frame_locator("iframe").locator("img").first.wait_for()
    assert [text for text in said if "404" not in text] == []
    getty = [url for url in asked if url.startswith(sandbox.url)]
    assert all(url.startswith((service, sandbox.url)) for url in asked)
    assert bool(getty) == (path == f"/embed/{EXAMPLE}")


def test_a_facade_loads_when_asked(page: Page, service: str, sandbox: SandboxServer) -> None:
    page.goto(f"{service}/embed/{EXAMPLE}?target=facade")
    page.get_by_role("button").first.click()
    assert page.locator("iframe").get_attribute("src").startswith(f"{sandbox.url}/embed/{EXAMPLE}?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/docs", "/", "/nothing", "/readyz", f"/embed/{WITHDRAWN}"])
def test_pages_are_accessible_and_fit(page: Page, service: str, path: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(service + path)
    found = Axe().run(page, options={"runOnly": RULES})
    left_out = {"landmark-one-main", "page-has-heading-one", "region"} if path.startswith("/embed/") else set()
    problems = [
        one for one in found.response["violations"] if one["id"] not in left_out
    ]  # a frame is not a whole page
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in problems] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
