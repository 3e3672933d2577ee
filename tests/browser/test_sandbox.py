"""The sandbox and the kit in a real browser: what is resolved is what is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from embedkit import EmbedKit
from embedkit.sandbox import SandboxConfig, SandboxServer
from embedkit.targets import Target
from tests.browser.test_embeds import Origin, serve

LIST = "600000004,600000005,600000006"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 900, "height": 800})
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


@pytest.fixture
def blog() -> Iterator[Origin]:
    yield from serve(Origin())


@pytest.mark.parametrize("generation", ["modern", "div"])
@pytest.mark.parametrize("target", ["web", "widget", "oembed", "wordpress"])
@pytest.mark.parametrize("ref", ["600000004", LIST])
def test_a_frame_shows_its_picture(page: Page, blog: Origin, generation: str, target: Target, ref: str) -> None:
    with SandboxServer(SandboxConfig(generation=generation)) as sandbox:  # type: ignore[arg-type]
        kit = EmbedKit(sandbox.settings(cache="memory:"))
        html = kit.html(ref, target=target, max_width=600)
        blog.pages["/"] = ("text/html", f"<!doctype html><title>Blog</title>{html}", "")
        page.goto(f"{blog.url}/")  # another port is another origin
        frame = page.frame_locator("iframe")
        frame.locator("img").first.wait_for()
        seen = page.locator("iframe").first
        assert (seen.get_attribute("src") or "").startswith(f"{sandbox.url}/embed/{ref}?et=")
        assert ("&ver=2" in (seen.get_attribute("src") or "")) is (target == "widget" and generation == "modern")
        assert seen.bounding_box()["width"] == pytest.approx(594, abs=7)  # type: ignore[index]
        expect(frame.locator("body")).to_contain_text("commercial")
        assert sandbox.app.count("oembed") == 1
        kit.close()


def test_a_frame_whose_query_was_touched_shows_no_picture(page: Page) -> None:
    with SandboxServer() as sandbox:
        kit = EmbedKit(sandbox.settings(cache="memory:"))
        embed = kit.resolve("600000004")
        path = embed.frame.path()
        assert page.goto(sandbox.url + path).status == 200  # type: ignore[union-attr]
        for touched in (
            path.replace("tld=com", "tld=de"),
            path.replace("600000004", "600000005"),
            f"/embed/600000004?sig={embed.frame.sig}&et={embed.frame.et}&tld=com",
            path.split("&sig=")[0],
        ):
            assert page.goto(sandbox.url + touched).status == 400  # type: ignore[union-attr]
        kit.close()
