"""The picker as a form field in the admin of Django and of Wagtail, as in the example."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.examples import (
    PageLog,
    pick,
    running_example,
)

WITHDRAWN = "500000404"
FORBIDDEN = "500000403"


@pytest.fixture(name="site", scope="module")
def fixture_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_example("django", tmp_path_factory.mktemp("django")) as address:
        yield address


@pytest.fixture(name="seen")
def fixture_seen() -> PageLog:
    return PageLog()


@pytest.fixture(name="page")
def fixture_page(browser: Browser, seen: PageLog, site: str) -> Iterator[Page]:
    """A page of a logged-in editor; checks that there were no console errors and no requests to other machines."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        page = seen.of(context)
        page.goto(f"{site}/admin/login/?next=/")
        page.get_by_label("Username").fill("editor")
        page.get_by_label("Password").fill("editor")
        page.get_by_role("button", name="Log in").click()
        yield page
    assert seen.errors == []
    assert seen.foreign() == []


def link(page: Page, part: str, name: str) -> str:
    """Return the URL of a link on the first page, in the section of one system."""
    door = page.locator(".doors > div", has=page.get_by_text(part, exact=True))
    return door.get_by_role("link", name=name).get_attribute("href") or ""


def save(page: Page) -> None:
    """Save, and wait for the next page, which looks the same."""
    with page.expect_navigation():
        page.get_by_role("button", name="Save and continue editing").click()


def test_a_field_of_the_admin_is_filled_saved_shown_and_changed(page: Page, site: str) -> None:
    edit, read = link(page, "Django", "Edit"), link(page, "Django", "Read it")
    for number in (0, 1):
        page.goto(site + edit)
        ref = pick(page.locator("embedkit-picker"), "eclipse", number=number)
        expect(page.locator("embedkit-picker")).to_have_js_property("value", f"[getty {ref}]")
        save(page)
        expect(page.locator("embedkit-picker")).to_have_js_property("value", f"[getty {ref}]")
        expect(page.locator("embedkit-picker .card")).not_to_contain_text("[getty")  # its title instead
        page.goto(site + read)
        expect(page.locator("article iframe")).to_have_count(1)
        assert f"/embed/{ref}?" in (page.locator("article iframe").get_attribute("src") or "")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("a kitten", "not accepted"),
        (WITHDRAWN, "withdrawn"),
        (f"[getty {FORBIDDEN}]", "embed"),
        ("https://gettyimages.com.evil.example/detail/74917285", "only looks like"),
    ],
)
def test_a_picture_that_can_not_be_shown_is_an_error_next_to_the_field(
    page: Page, site: str, value: str, says: str
) -> None:
    edit = link(page, "Django", "Edit")
    page.goto(site + edit)
    page.locator("embedkit-picker").evaluate("(picker, value) => { picker.value = value }", value)
    save(page)
    expect(page.locator(".field-picture .errorlist")).to_contain_text(says)


def test_without_scripts_there_is_a_plain_field_and_saving_keeps_the_value(browser: Browser, site: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site}/admin/login/?next=/")
        page.get_by_label("Username").fill("editor")
        page.get_by_label("Password").fill("editor")
        page.get_by_role("button", name="Log in").click()
        edit, read = link(page, "Django", "Edit"), link(page, "Django", "Read it")
        page.goto(site + edit)
        page.get_by_label("Shortcode, ID or URL of a picture").fill("https://gty.im/74917285")
        for _ in range(2):  # the second time without changes
            save(page)
            expect(page.get_by_label("Shortcode, ID or URL of a picture")).to_have_value("https://gty.im/74917285")
        page.goto(site + read)
        assert "/embed/74917285?" in (page.locator("article iframe").get_attribute("src") or "")


def test_a_picture_can_be_removed(page: Page, site: str) -> None:
    edit, read = link(page, "Django", "Edit"), link(page, "Django", "Read it")
    page.goto(site + edit)
    page.locator("embedkit-picker").evaluate("picker => { picker.value = '[getty 74917285]' }")
    save(page)
    page.get_by_role("button", name="Remove").click()
    save(page)
    expect(page.locator("embedkit-picker")).to_have_js_property("value", "")
    page.goto(site + read)
    expect(page.locator("article h1")).to_be_visible()
    expect(page.locator("article iframe")).to_have_count(0)


def test_a_field_a_block_and_rich_text_in_wagtail(page: Page, site: str, seen: PageLog) -> None:
    edit, read = link(page, "Wagtail", "Edit"), link(page, "Wagtail", "Read it")
    page.goto(site + edit)
    pickers, dialog = page.locator("embedkit-picker"), page.get_by_role("dialog")
    refs = [pick(pickers.first, "eclipse")]
    page.locator("[contenteditable=true]").first.click()
    page.keyboard.type("/")
    page.get_by_role("option", name="Embed").click()
    dialog.get_by_label("URL").fill("https://gty.im/74917285")
    dialog.get_by_role("button", name="Insert", exact=True).click()
    expect(dialog).to_have_count(0)
    refs.append("74917285")
    page.get_by_role("button", name="Insert a block").last.click()
    expect(pickers).to_have_count(2)
    refs.append(pick(pickers.last, "harbour"))
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("has been published")).to_be_visible()
    page.goto(site + read)
    shown = [frame.get_attribute("src") or "" for frame in page.locator("article iframe").all()]
    assert [src.partition("/embed/")[2].partition("?")[0] for src in shown] == refs
    # oEmbed responses contain inline styles, and Wagtail tries to save a draft while the block is empty
    seen.errors[:] = [text for text in seen.errors if "inline style" not in text and "status of 400" not in text]


def test_readers_get_no_script(page: Page, site: str) -> None:
    answer = page.request.get(site + link(page, "Django", "Read it"))
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text()
