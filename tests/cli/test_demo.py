"""The demo's page as a newcomer sees it, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from embedkit.sandbox import SandboxServer
from embedkit.targets import TARGETS
from embedkit.web.demo import POST, SAMPLES, create_demo
from tests.support.servers import serving

FACADE = "252611441"  # the click-to-load picture of the sample post
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


@pytest.fixture(name="demo", scope="module")
def fixture_demo(sandbox: SandboxServer) -> Iterator[str]:
    settings = sandbox.settings(cache="memory:", secret="s" * 40, rate_limit="10000/minute", search_access="open")
    with serving(create_demo(settings, sandbox.app.count)) as url:
        yield url


@dataclass
class Seen:
    """A page's console messages and requests."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def of(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        return page


@pytest.fixture(name="seen")
def fixture_seen() -> Seen:
    return Seen()


@pytest.fixture(name="page")
def fixture_page(browser: Browser, seen: Seen) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield seen.of(context)


def test_a_reader_sees_the_post(page: Page, demo: str, seen: Seen, sandbox: SandboxServer) -> None:
    page.goto(demo)
    article = page.get_by_role("article")
    first = article.frame_locator("iframe").first
    expect(first.locator("img").first).to_be_visible()
    assert first.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    expect(article.locator("figcaption").first).to_contain_text("Jaipur, a minute before totality.")
    assert page.get_by_label("What the author writes").input_value() == POST
    assert seen.said == []
    assert all(url.startswith((demo, sandbox.url, "data:")) for url in seen.asked)


def write(page: Page, text: str) -> Locator:
    """The box for the text."""
    box = page.get_by_label("What the author writes")
    box.fill(text)
    return box


def insert(page: Page, number: int = 0) -> str:
    """Choose one of the pictures, insert it, and return its shortcode."""
    page.get_by_role("listbox", name="Pictures").get_by_role("option").nth(number).click()
    shortcode = page.get_by_role("textbox", name="Shortcode", exact=True).inner_text()
    page.get_by_role("button", name="Insert", exact=True).click()
    return shortcode


def test_insert_ends_in_a_picture(page: Page, demo: str, seen: Seen) -> None:
    page.goto(demo)
    box = write(page, "Before.\n\nAfter.")
    article = page.locator("#article")
    expect(article.locator("> *")).to_have_text(["Before.", "After."])
    box.evaluate("box => box.setSelectionRange(7, 7)")
    shortcode = insert(page)
    expect(box).to_have_value(f"Before.\n\n{shortcode}\n\nAfter.")
    expect(article.frame_locator("iframe").locator("img").first).to_be_visible()
    expect(article.locator("> *")).to_have_count(3)
    assert article.locator("> *").nth(1).evaluate("node => node.localName") == "figure"
    expect(page.locator("#told")).to_have_text("The article has 1 picture.")
    second = insert(page, 1)  # the cursor is after the first
    expect(box).to_have_value(f"Before.\n\n{shortcode}\n\n{second}\n\nAfter.")
    expect(article.locator("figure")).to_have_count(2)
    box.focus()
    page.keyboard.press("Control+z")
    expect(box).to_have_value(f"Before.\n\n{shortcode}\n\nAfter.")
    expect(article.locator("figure")).to_have_count(1)
    assert seen.said == []


def test_pictures_stay_loaded_while_one_writes_and_the_rest_is_not_repeated(page: Page, demo: str) -> None:
    page.goto(demo)
    article = page.locator("#article")
    article.locator("iframe").first.evaluate("frame => { frame.before = true }")
    said = page.locator("#told")
    said.evaluate(
        "said => { window.told = []; new MutationObserver(() => told.push(said.textContent)).observe(said, {childList: true}) }"
    )
    box = page.get_by_label("What the author writes")
    for words in ("One", "Two"):
        box.evaluate("box => box.setSelectionRange(0, 0)")
        box.press_sequentially(f"{words} paragraph.\n\n")
        expect(article.locator("> *").first).to_have_text(f"{words} paragraph.")
    assert article.locator("iframe").first.evaluate("frame => frame.before") is True
    assert page.evaluate("told") == ["The article has 2 pictures."]


@pytest.mark.parametrize("scripts", [True, False])
def test_typed_text_is_not_markup(browser: Browser, demo: str, scripts: bool) -> None:
    with browser.new_context(java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(demo)
        write(page, '<img src=x onerror=alert(1)>\n\n[getty 74917285 caption="<b>"]\n\n[getty 500000404]')
        if not scripts:
            page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator("#article > p").first).to_have_text("<img src=x onerror=alert(1)>")
        expect(page.locator("#article figcaption").first).to_contain_text("<b>")
        expect(page.locator("#article")).to_contain_text("no longer available")
        if scripts:
            expect(page.locator("#told")).to_contain_text("The article has 1 picture. ")


def test_an_article_that_cannot_be_updated_reports_it(page: Page, demo: str) -> None:
    page.goto(demo)
    page.route("**/v1/render", lambda route: route.abort())
    write(page, "One.")
    expect(page.locator("#told")).to_contain_text("The article can't be updated right now.")
    page.unroute("**/v1/render")
    write(page, "Two.")
    expect(page.locator("#article")).to_have_text("Two.")


def test_the_facade_loads_nothing_before_a_click(
    page: Page, demo: str, seen: Seen, sandbox: SandboxServer
) -> None:
    page.goto(demo)
    page.locator("article figure").nth(1).scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert not [url for url in seen.asked if url.startswith(sandbox.url) and FACADE in url]
    with page.expect_request(lambda one: one.url.startswith(f"{sandbox.url}/embed/{FACADE}?")):
        page.get_by_role("button", name="Show picture").click()
    expect(page.locator(f"article iframe[src*='/embed/{FACADE}?']")).to_be_focused()
    assert seen.said == []


def test_a_reference_can_be_tried_in_every_target(page: Page, demo: str, seen: Seen) -> None:
    page.goto(demo)
    page.get_by_label("An ID, a list, a URL").fill("https://gty.im/600000777")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".took")).to_contain_text("with 1 upstream request")
    expect(page.locator(".target h4")).to_have_text(list(TARGETS))
    for target in TARGETS:
        source = page.get_by_role("region", name=target, exact=True).locator("pre")
        expect(source).to_contain_text("" if target == "text" else "600000777")
    page.get_by_role("link", name="Resolve it again").click()
    expect(page.locator(".took")).to_contain_text("from the cache, without an upstream request")
    assert seen.said == []


@pytest.mark.parametrize(("ref", "says"), SAMPLES)
def test_every_sample_reports_its_result(page: Page, demo: str, seen: Seen, ref: str, says: str) -> None:
    page.goto(demo)
    page.get_by_role("link", name=says, exact=True).click()
    expect(page.get_by_label("An ID, a list, a URL")).to_have_value(ref)
    failed = {SAMPLES[5][1]: "not-found", SAMPLES[6][1]: "not-embeddable", SAMPLES[8][1]: "unsupported"}
    expect(page.locator(".took")).to_contain_text(failed.get(says, "Resolved in"))
    expect(page.locator(".preview")).to_have_count(1 if says in failed else 6)
    assert seen.said == []


def test_the_links_to_the_next_steps_work(page: Page, demo: str) -> None:
    page.goto(demo)
    steps = page.get_by_role("region", name="The next three steps")
    assert steps.locator("h3").all_inner_texts() == ["IN PYTHON", "FROM A CMS", "IN A STATIC SITE"]
    assert f"{demo}/oembed?url=" in steps.inner_text()
    for link in [*steps.get_by_role("link").all(), *page.get_by_role("navigation").get_by_role("link").all()]:
        assert page.request.get(f"{demo}{link.get_attribute('href')}").ok


def problems(page: Page) -> list[Any]:
    """Return axe's findings, once the picker has loaded as well."""
    page.locator(".picker[data-state=results]").wait_for()
    found = Axe().run(page, options={"runOnly": RULES, "iframes": False})
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found.response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_is_accessible_and_fits(page: Page, demo: str, scheme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{demo}/?ref=74917285")
    for source in page.locator("details").all():
        source.evaluate("details => details.open = true")
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_error_is_accessible_too(page: Page, demo: str) -> None:
    page.goto(f"{demo}/?ref=500000404")
    assert problems(page) == []


def test_it_works_without_scripts(browser: Browser, demo: str, sandbox: SandboxServer) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(demo)
        assert page.locator("article iframe").first.get_attribute("src").startswith(sandbox.url)
        expect(page.get_by_role("button", name="Show picture")).to_have_count(0)
        expect(page.locator("article figure").nth(1).get_by_role("link").first).to_be_visible()
        page.get_by_label("An ID, a list, a URL").fill("74917285")
        page.get_by_role("button", name="Resolve").click()
        expect(page.locator(".took")).to_contain_text("Resolved in")
        expect(page.locator(".target")).to_have_count(len(TARGETS))
