"""The element as a field of a form."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.support.picker import Desk, details, insert

FIELD = (
    '<form action="/"><label for="field">Featured picture</label>'
    '<embedkit-picker id="field" name="picture" {}><input name="picture" value="old"></embedkit-picker><button>Save</button></form>'
)


def form_data(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate("[...new FormData(document.forms[0])]")
    return found


def test_a_form_sends_what_was_chosen(desk: Desk) -> None:
    page = desk.open(body=FIELD.format(""))
    assert form_data(page) == [["picture", ""]]
    page.evaluate("document.forms[0].addEventListener('change', () => { window.changed = true; })")
    details(page)
    insert(page)
    assert form_data(page) == [["picture", "[getty 900000]"]]
    assert page.evaluate("changed")
    expect(page.locator(".chosen")).to_contain_text("Harbour at dusk 1")
    page.get_by_role("button", name="Remove").click()
    assert form_data(page) == [["picture", ""]]
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_field_that_holds_a_picture_shows_it(desk: Desk) -> None:
    page = desk.open(body=FIELD.format('value="[getty 123]"'))
    desk.service.embed = lambda ref, target: desk.service.embedded("123", target)
    page.locator("embedkit-picker").evaluate("picker => { picker.value = '[getty 1234]'; }")
    expect(page.locator(".chosen b")).to_have_text("Resolved 123")
    page.evaluate("document.forms[0].reset()")
    assert form_data(page) == [["picture", "[getty 123]"]]


def test_a_field_that_must_be_filled(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("required"))
    field = page.locator("embedkit-picker")
    assert page.evaluate("document.forms[0].checkValidity()") is False
    assert field.evaluate("picker => picker.validity.valueMissing")
    field.evaluate("picker => { picker.value = '[getty 1]'; }")
    assert page.evaluate("document.forms[0].checkValidity()")
    page.get_by_text("Featured picture").click()
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_json_says_it_all(desk: Desk) -> None:
    page = desk.open(body=FIELD.format("output=json"))
    details(page)
    insert(page)
    value = form_data(page)[0][1]
    assert json.loads(value)["credit"]["agency"] == "Getty Images"
    page.locator("embedkit-picker").evaluate("(picker, value) => { picker.value = value; }", value)
    expect(page.locator(".chosen b")).to_have_text("Resolved 900000")
