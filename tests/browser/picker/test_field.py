"""The element as a form field: a card with the picture, and the picker in a dialog."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.support.picker import Desk, axe_violations, details, wait_until

FIELD = (
    '<form action="/"><label for="field">Featured picture</label>'
    '<embedkit-picker id="field" name="picture" {}><input name="picture" value="old"></embedkit-picker><button>Save</button></form>'
)


def form_data(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate("[...new FormData(document.forms[0])]")
    return found


def named(page: Page, role: str) -> list[str]:
    """Names of a role from the browser's accessibility tree, as Playwright's own ignore element internals."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    return [node["name"]["value"] for node in tree["nodes"] if node.get("role", {}).get("value") == role]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def choose(page: Page, place: int = 0) -> None:
    """Open the dialog, and use a picture of it."""
    press(page, "Choose a picture")
    details(page, place)
    press(page, "Use this picture")
    wait_until(page, "heard.some(([name]) => name === 'select')")


def test_a_form_sends_what_was_chosen(desk: Desk) -> None:
    page = desk.open(body=FIELD.format(""))
    assert form_data(page) == [["picture", ""]]
    expect(page.get_by_role("searchbox")).to_have_count(0)  # it is in the dialog
    page.evaluate("document.forms[0].addEventListener('change', () => { window.changed = true; })")
    choose(page)
    assert form_data(page) == [["picture", "[getty 900000]"]]
    assert page.evaluate("changed")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Change")).to_be_focused()
    card = page.locator(".card")
    expect(card).to_contain_text("Harbour at dusk 1")
    expect(card).to_contain_text("Ivo Lindqvist / Tidewater RM / Getty Images")
    press(page, "Remove")
    assert form_data(page) == [["picture", ""]]
    expect(card.get_by_role("status")).to_have_text("Removed")
    expect(page.get_by_role("button", name="Choose a picture")).to_be_focused()


def test_a_field_that_holds_a_picture_shows_it(desk: Desk) -> None:
    page = desk.open(body=FIELD.format('value="[getty 123]"'))
    desk.service.embed = lambda ref, target: desk.service.embedded("123", target)
    page.locator("embedkit-picker").evaluate("picker => { picker.value = '[getty 1234]'; }")
    expect(page.locator(".card b")).to_have_text("Resolved 123")
    page.evaluate("document.forms[0].reset()")
    assert form_data(page) == [["picture", "[getty 123]"]]


def test_a_field_that_must_be_filled(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("required"))
    field = page.locator("embedkit-picker")
    assert page.evaluate("document.forms[0].checkValidity()") is False
    assert field.evaluate("picker => picker.validity.valueMissing")
    field.evaluate("picker => { picker.value = '[getty 1]'; }")
    assert page.evaluate("document.forms[0].checkValidity()")
    assert "Featured picture" in named(page, "group")  # it is still named by its label
    page.get_by_text("Featured picture").click()
    expect(page.get_by_role("button", name="Change")).to_be_focused()


@pytest.mark.parametrize("output", ["shortcode", "json"])
def test_details_of_a_chosen_picture_are_edited(desk: Desk, output: str) -> None:
    page = desk.open(body=FIELD.format(f"output={output}"))
    choose(page)
    for width, caption in (("480", 'Quay [east] "B" & <co>'), ("300", "Boats")):
        press(page, "Edit details")
        expect(page.get_by_label("Alternative text")).to_be_focused()
        page.get_by_label("Width in pixels").fill(width)
        page.get_by_label("Caption", exact=True).select_option("Custom")
        page.get_by_label("Caption text").fill(caption)
        press(page, "Use this picture")
        expect(page.get_by_role("dialog")).to_have_count(0)
        press(page, "Edit details")  # the options are unchanged
        expect(page.get_by_label("Width in pixels")).to_have_value(width)
        expect(page.get_by_label("Caption text")).to_have_value(caption)
        press(page, "Back to the results")
        page.locator("dialog .close").first.click()
    value = form_data(page)[0][1]
    shortcode = json.loads(value)["shortcode"] if output == "json" else value
    assert shortcode == '[getty src="900000" width="300" caption="Boats"]'


def test_a_disabled_field_can_not_be_changed(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("disabled value='[getty 123]'"))
    assert page.locator(".card").evaluate("card => card.inert")
    page.locator("embedkit-picker").evaluate("picker => { picker.disabled = false; }")
    press(page, "Change")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_json_says_it_all(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("output=json"))
    choose(page)
    value = form_data(page)[0][1]
    assert json.loads(value)["credit"]["agency"] == "Getty Images"
    assert json.loads(value)["html"] == "<figure>web of 900000</figure>"
    page.locator("embedkit-picker").evaluate("(picker, value) => { picker.value = value; }", value)
    expect(page.locator(".card b")).to_have_text("Resolved 900000")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("value", ["", "[getty 123]"])
def test_a_card_is_accessible_and_fits(desk: Desk, value: str, width: int) -> None:
    page = desk.open(body=FIELD.format(f"value='{value}'"), width=width)
    expect(page.locator(".card button").first).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dialog_of_a_small_field_is_filled(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("compact"))
    press(page, "Choose a picture")
    details(page)
    dialog, frame = (page.locator(name).evaluate("node => node.offsetHeight") for name in (".dialog", ".picker"))
    assert frame == dialog
