"""Embeds under other policies of a page: isolation, permissions, Trusted Types, a sandbox, a prerendered page."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from embedkit.rendering.renderer import Renderer
from embedkit.targets import Target
from tests.browser import test_embeds as pages
from tests.browser.test_embeds import ALWAYS, SCRIPTED, STOP, Desk, Origin, serve, violations
from tests.support.tools import CHROMIUM, need

desk, site, frames = pages.desk, pages.site, pages.frames  # the fixtures

ISOLATED = {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"}
NOTHING_PERMITTED = {
    "Permissions-Policy": "autoplay=(), camera=(), fullscreen=(), storage-access=(), sync-xhr=(), web-share=()"
}
Send = Callable[[dict[str, str]], None]
TARGETS: tuple[Target, ...] = ("web", "facade")


@pytest.fixture(name="send")
def fixture_send(desk: Desk) -> Iterator[Send]:
    """Sets the headers of the site."""
    yield desk.site.headers.update
    desk.site.headers.clear()


def open_target(desk: Desk, target: Target, policy: str = "") -> Page:
    """Return a page with one embed whose façade has been clicked."""
    desk.write(desk.html(target), policy=policy, js=target == "facade")
    page = desk.open()
    if target == "facade":
        page.get_by_role("button", name="Show picture").click()
    return page


def shows(page: Page) -> None:
    expect(page.frame_locator("figure iframe").get_by_role("heading")).to_have_text("Viewer")


@pytest.mark.parametrize("target", TARGETS)
def test_an_isolated_page_shows_frames_without_credentials(desk: Desk, send: Send, target: Target) -> None:
    send(ISOLATED)
    blocked = open_target(desk, target)
    assert blocked.evaluate("crossOriginIsolated")
    gray = blocked.frame_locator("figure iframe").locator("html")
    expect(gray).to_have_js_property("baseURI", "chrome-error://chromewebdata/")

    desk.settings = replace(desk.settings, credentialless=True)
    desk.renderer = Renderer(desk.settings.rendering)
    page = open_target(desk, target)
    assert page.evaluate("crossOriginIsolated")
    shows(page)


@pytest.mark.parametrize("target", TARGETS)
def test_a_page_that_permits_nothing_shows_pictures(desk: Desk, send: Send, target: Target) -> None:
    send(NOTHING_PERMITTED)
    page = open_target(desk, target)
    shows(page)


def test_no_trusted_type_is_needed(desk: Desk) -> None:
    desk.write(desk.html("facade") * 2, policy=f"{SCRIPTED}; trusted-types 'none'", js=True)
    page = desk.open()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.get_by_label(ALWAYS).first.check()
    expect(page.locator("figure iframe")).to_have_count(2)
    page.get_by_role("button", name=STOP).first.click()
    expect(page.locator("figure iframe")).to_have_count(0)
    assert (errors, violations(page)) == ([], [])


@pytest.mark.parametrize("target", TARGETS)
def test_a_sandboxed_page_shows_pictures(desk: Desk, target: Target) -> None:
    page = open_target(desk, target, policy="sandbox allow-scripts")
    assert page.evaluate("origin") == "null"
    shows(page)
    page.evaluate("document.dispatchEvent(new CustomEvent('embedkit:consent', {detail: {granted: false}}))")
    if target == "facade":  # without storage, the choice is valid for this page
        page.get_by_label(ALWAYS).check()
        shows(page)


@pytest.mark.parametrize("target", TARGETS)
def test_a_post_in_a_sandboxed_frame_shows_pictures(desk: Desk, target: Target) -> None:
    desk.write(desk.html(target), js=target == "facade")
    desk.site.pages["/post"] = desk.site.pages["/"]
    desk.write(
        '<iframe class="post" title="Post" sandbox="allow-scripts" width="800" height="800" src="/post"></iframe>'
    )
    page = desk.open()
    post = page.frame_locator(".post")
    if target == "facade":
        post.get_by_label(ALWAYS).check()
    expect(post.frame_locator("figure iframe").get_by_role("heading")).to_have_text("Viewer")


def test_a_post_whose_frame_allows_no_script_keeps_frame_and_link(desk: Desk) -> None:
    desk.write(desk.html("web") + desk.html("facade"), js=True)
    desk.site.pages["/post"] = desk.site.pages["/"]
    desk.write('<iframe class="post" title="Post" sandbox="" width="800" height="1200" src="/post"></iframe>')
    post = desk.open().frame_locator(".post")
    expect(post.frame_locator(".ek--web iframe").get_by_role("heading")).to_have_text("Viewer")
    expect(post.get_by_role("link", name="Show picture")).to_be_visible()


# -- prerendering ------------------------------------------------------------------------------------------

# A browser that is controlled by a test doesn't prerender, so this one runs on its own: the first page consents, has
# the post prerendered, and opens it once nothing more happens.
START = """
localStorage.setItem("embedkit:always", new Date().toISOString());
const rules = document.createElement("script");
rules.type = "speculationrules";
rules.textContent = JSON.stringify({prerender: [{urls: ["/post"], eagerness: "immediate"}]});
document.head.append(rules);
const wait = async () => (await (await fetch("/go")).text()) ? location.assign("/post") : setTimeout(wait, 50);
wait();
"""
POST = """
fetch(document.prerendering ? "/prerendered" : "/opened");
document.addEventListener("prerenderingchange", () => fetch("/activated"));
"""
ENOUGH_S = 60
POLLS = 10  # of the first page, after which the post has had time to request frames


@dataclass
class Journey(Origin):
    """The site that such a browser visits; ``early`` lists requests to Getty during prerendering."""

    getty: Origin = field(default_factory=Origin)
    early: list[str] | None = None

    def answer(self, path: str) -> tuple[str, str, str]:
        polled = self.asked[-POLLS:] == ["/go"] * POLLS
        if path == "/go" and polled and {"/prerendered", "/opened"} & {*self.asked}:
            self.early = [*self.getty.asked]
            return "text/plain", "go", ""
        return super().answer(path)


@pytest.fixture(name="journey")
def fixture_journey(frames: Origin) -> Iterator[Origin]:
    yield from serve(Journey(getty=frames))


def test_a_prerendered_page_asks_nothing_of_getty(desk: Desk, journey: Journey, tmp_path: Path) -> None:
    desk.write(desk.html("web") + desk.html("facade") + '<script defer src="/post.js"></script>', js=True)
    journey.pages |= {
        **{path: page for path, page in desk.site.pages.items() if path.startswith("/static/")},
        "/": ("text/html", '<!doctype html><title>Start</title><script defer src="/start.js"></script>', ""),
        "/start.js": ("text/javascript", START, ""),
        "/post": ("text/html", desk.site.pages["/"][1].replace(desk.site.url, journey.url), ""),
        "/post.js": ("text/javascript", POST, ""),
    }
    desk.frames.asked.clear()
    command = [need("chromium"), *CHROMIUM, "--headless=new", f"--user-data-dir={tmp_path}", journey.url]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            until(lambda: sum(path.startswith("/embed/") for path in desk.frames.asked) == 2)
        finally:
            browser.terminate()
    assert "/prerendered" in journey.asked
    assert "/activated" in journey.asked
    assert journey.early == []


def test_a_facade_waits_for_the_page_to_be_seen_in_browsers_that_defer_no_frames(desk: Desk) -> None:
    page = desk.facade()
    page.get_by_label(ALWAYS).check()
    page.add_init_script(
        "Object.defineProperty(Document.prototype, 'prerendering', {get: () => !window.seen, configurable: true})"
    )
    page.reload()
    expect(page.locator(".ek--ready")).to_have_count(1)
    expect(page.locator("figure iframe")).to_have_count(0)
    page.evaluate("seen = true; document.dispatchEvent(new Event('prerenderingchange'))")
    expect(page.locator("figure iframe")).to_have_count(1)
    expect(page.get_by_role("button", name=STOP)).to_have_count(1)


def until(holds: Callable[[], bool]) -> None:
    """Wait for another process."""
    end = time.monotonic() + ENOUGH_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
