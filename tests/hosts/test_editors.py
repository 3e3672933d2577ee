"""Editors with the picker, as their examples have them: from the button to the reader's page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.support.examples import (
    RULES,
    Seen,
    pick,
    started,
)

CAPTION = 'Totality, "at last" <b>& [more]'

PASTE = """(element, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', text);
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(name="sites", scope="module")
def fixture_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The three that are small enough to run side by side."""
    folder = tmp_path_factory.mktemp("examples")
    with ExitStack() as running:
        yield {name: running.enter_context(started(name, folder)) for name in ("tinymce", "ckeditor5", "textarea")}


@pytest.fixture(name="seen")
def fixture_seen() -> Seen:
    return Seen()


@pytest.fixture(name="page")
def fixture_page(browser: Browser, seen: Seen) -> Iterator[Page]:
    """A page that complains of nothing, and asks no other machine for anything."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield seen.of(context)
    assert seen.said == []
    assert seen.foreign() == []


def published(page: Page) -> list[str]:
    """Publish; the ids of the pictures that a reader then sees."""
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/post")
    frames = page.locator("article figure iframe").all()
    for frame in frames:
        frame.scroll_into_view_if_needed()
        expect(frame.content_frame.locator("img").first).to_be_visible()
    return [re.findall(r"/embed/([\w,-]+)\?", frame.get_attribute("src") or "")[0] for frame in frames]


# -- TinyMCE -------------------------------------------------------------------------------------------


def test_tinymce(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["tinymce"])
    page.get_by_role("button", name="Insert a Getty picture").click()
    ref = pick(page.frame_locator(".tox-dialog iframe"), "eclipse", caption=CAPTION)
    expect(page.locator(".tox-dialog")).to_have_count(0)
    text = page.frame_locator(".tox-edit-area iframe").locator("body")
    expect(text.locator("p").first).to_have_text(re.compile(rf'^\[getty src="{ref}" .*\]$'))
    page.get_by_role("button", name="Undo").click()
    expect(text).not_to_contain_text("[getty")
    page.get_by_role("button", name="Redo").click()
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)


def test_tinymce_heeds_no_other_origin(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["tinymce"])
    page.get_by_role("button", name="Insert a Getty picture").click()
    expect(page.frame_locator(".tox-dialog iframe").locator("input[enterkeyhint=search]")).to_be_visible()
    page.evaluate("postMessage({mceAction: 'insertContent', content: '<p>[getty 1]</p>'}, '*')")
    page.evaluate("postMessage({mceAction: 'close'}, '*')")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    expect(page.locator(".tox-dialog")).to_be_visible()
    assert "[getty 1]" not in page.evaluate("tinymce.activeEditor.getContent()")


# -- CKEditor 5 ----------------------------------------------------------------------------------------


def test_ckeditor5_a_choice_with_nothing_to_add_becomes_a_link_with_a_preview(
    page: Page, sites: dict[str, str]
) -> None:
    page.goto(sites["ckeditor5"])
    text = page.locator(".ck-editor__editable")
    page.get_by_role("button", name="Insert a Getty picture").click()
    ref = pick(page, "eclipse")
    preview = text.frame_locator(".getty-preview").frame_locator("iframe")
    expect(preview.locator("img").first).to_be_visible()
    expect(text).to_be_focused()
    data = text.evaluate("element => element.ckeditorInstance.getData()")
    assert f'<figure class="media"><oembed url="https://gty.im/{ref}"></oembed></figure>' in data
    page.get_by_role("button", name="Undo").click()
    expect(text.locator("figure")).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    assert published(page) == [ref]


def test_ckeditor5_a_choice_with_a_caption_becomes_a_shortcode(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["ckeditor5"])
    text = page.locator(".ck-editor__editable")
    text.evaluate("element => element.ckeditorInstance.setData('<p>One.</p><p>Two.</p>')")
    text.locator("p").first.click()
    page.get_by_role("button", name="Insert a Getty picture").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(text.locator("p")).to_have_text(["One.", re.compile(rf'^\[getty src="{ref}" .*\]$'), "Two."])
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)


@pytest.mark.parametrize(
    "address",
    [
        "https://gty.im/74917285",
        "https://www.gettyimages.com/detail/news-photo/one-on-one-news-photo/74917285",
        "https://www.gettyimages.de/detail/74917285?adppopup=true",
    ],
)
def test_ckeditor5_knows_the_addresses_that_people_paste(page: Page, sites: dict[str, str], address: str) -> None:
    page.goto(sites["ckeditor5"])
    text = page.locator(".ck-editor__editable")
    text.evaluate("element => element.ckeditorInstance.setData('')")
    text.click()
    text.evaluate(PASTE, address)
    expect(text.locator(".getty-preview")).to_have_attribute("src", re.compile("/embed/74917285[?]"))
    assert published(page) == ["74917285"]


# -- a textarea, a contenteditable ---------------------------------------------------------------------


def test_textarea(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["textarea"])
    intro = page.get_by_label("Introduction")
    intro.fill("One.\n\nTwo.")
    intro.evaluate("field => field.setSelectionRange(4, 4)")
    page.get_by_role("button", name="Picture into the introduction").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(intro).to_have_value(re.compile(rf'^One\.\n\n\[getty src="{ref}" [^\n]*\]\n\nTwo\.$'))
    expect(intro).to_be_focused()
    page.keyboard.press("Control+z")
    expect(intro).to_have_value("One.\n\nTwo.")
    page.keyboard.press("Control+Shift+z")
    page.locator("#story").evaluate("story => story.textContent = 'Three.'")
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)
    expect(page.locator("article p")).to_have_text(["One.", "Two."])


def test_contenteditable(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["textarea"])
    page.get_by_label("Introduction").fill("")
    story = page.get_by_role("textbox", name="Story")
    story.evaluate("story => story.innerHTML = '<p>One.</p><p>Two.</p>'")
    story.locator("p").first.click()
    page.get_by_role("button", name="Picture into the story").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(story.locator("p")).to_have_text(["One.", re.compile(rf'^\[getty src="{ref}" .*\]$'), "Two."])
    expect(story).to_be_focused()
    page.keyboard.press("Control+z")
    expect(story.locator("p")).to_have_text(["One.", "Two."])
    page.keyboard.press("Control+Shift+z")
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)


@pytest.mark.parametrize("field", ["introduction", "story"])
def test_nothing_is_inserted_where_nothing_was_chosen(page: Page, sites: dict[str, str], field: str) -> None:
    page.goto(sites["textarea"])
    page.get_by_label("Introduction").fill("One.")
    page.locator("#story").evaluate("story => story.innerHTML = '<p>Two.</p>'")
    page.get_by_role("button", name=f"Picture into the {field}").click()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_count(0)
    expect(page.get_by_label("Introduction")).to_have_value("One.")
    expect(page.locator("#story")).to_have_text("Two.")


# -- all of them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tinymce", "ckeditor5", "textarea"])
def test_the_browser_gets_a_grant_and_an_origin_alone_may_save(
    page: Page, sites: dict[str, str], name: str
) -> None:
    page.goto(sites[name])
    grant = page.locator("[data-grant]").get_attribute("data-grant") or ""
    service = page.locator("[data-service]").get_attribute("data-service") or ""
    asked = {"headers": {"Authorization": f"Bearer {grant}"}}
    assert page.request.get(f"{service}/v1/search?q=eclipse", **asked).status == 200
    assert page.request.post(f"{service}/v1/grants", **asked).status == 403
    foreign = {"Origin": "https://evil.example"}
    assert (
        page.request.post(f"{sites[name]}/save", headers=foreign, form={"title": "x", "body": "x"}).status == 403
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_around_the_editors_are_accessible_and_fit(
    browser: Browser, sites: dict[str, str], scheme: Literal["light", "dark"]
) -> None:
    narrow: ViewportSize = {"width": 320, "height": 700}
    with browser.new_context(viewport=narrow, color_scheme=scheme, bypass_csp=True) as context:  # axe adds styles
        page = context.new_page()
        for path in ("/", "/post"):
            page.goto(sites["textarea"] + path)
            found = Axe().run(page, options={"runOnly": RULES, "iframes": False}).response["violations"]
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
