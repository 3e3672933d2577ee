"""A slow connection: late responses neither interrupt a reader who has moved on nor lose what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.picker import (
    Desk,
    axe_violations,
    details,
    events,
    expect_answer,
    hold_requests,
    problem,
    search,
    settle,
    tiles,
    wait_until,
)

SCRIPT = "**/static/embedkit-picker.js"


def box(page: Page) -> Locator:
    return page.get_by_role("searchbox")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def count(page: Page, shown: int) -> None:
    expect(page.locator(".tools .count")).to_have_text(f"{shown} of 70")


# -- the focus ---------------------------------------------------------------------------------------------


def test_more_pictures_leave_who_writes_alone(desk: Desk) -> None:
    page = desk.open("autoload=off")
    details(page)
    alt = page.get_by_label("Alternative text")
    with hold_requests(page, "**/v1/search*"):
        button(page, "Load more").click()
        alt.fill("Two boats")
    count(page, 60)
    expect(alt).to_be_focused()


def test_where_more_has_failed_the_button_that_tries_again_has_the_focus(desk: Desk) -> None:
    page = desk.open("autoload=off")
    search(page)
    page.route("**/v1/search*", lambda route: route.abort())
    button(page, "Load more").click()
    expect(button(page, "Try again")).to_be_focused()
    page.unroute("**/v1/search*")
    page.keyboard.press("Enter")
    expect(tiles(page).nth(30)).to_be_focused()


def test_the_next_page_opens_nothing_once_the_details_are_closed(desk: Desk) -> None:
    page = desk.open("autoload=off")
    details(page, 29)
    with hold_requests(page, "**/v1/search*"):
        button(page, "Next picture").click()
        page.keyboard.press("Escape")
    count(page, 60)
    expect(page.locator(".side")).to_be_hidden()
    expect(tiles(page).nth(29)).to_be_focused()


def test_a_page_that_is_on_its_way_takes_a_click_for_its_first_picture(desk: Desk) -> None:
    page = desk.open()
    details(page, 29)
    with hold_requests(page, "**/v1/search*"):
        page.mouse.move(300, 400)
        page.mouse.wheel(0, 4000)  # more loads automatically
        expect(button(page, "Loading more…")).to_be_visible()
        button(page, "Next picture").click()
    expect(page.locator(".bar .count")).to_have_text("31 of 70")


def enter_scope(page: Page) -> None:
    details(page, 1)
    page.locator(".side").get_by_role("button", name="Similar", exact=True).click()
    expect(page.locator(".scope")).to_be_visible()
    page.evaluate("const now = Date.now; Date.now = () => now() + 400_000")  # its cache has expired


def value_of_a_field(page: Page) -> None:
    page.locator("embedkit-picker").evaluate(
        "picker => { picker.name = 'picture'; picker.value = '[getty 900001]'; picker.lang = 'en-GB'; }"
    )


def newest(page: Page) -> None:
    expect(page.locator(".chips-newest .used")).to_have_count(12)


@pytest.mark.parametrize(
    ("prepare", "click"),
    [
        (enter_scope, lambda page: page.locator(".scope").click()),
        (value_of_a_field, lambda page: button(page, "Edit details").click()),
        (newest, lambda page: page.locator(".chips-newest .used").nth(2).click()),
    ],
    ids=["leave a scope", "edit details", "open one of the newest"],
)
def test_an_answer_takes_no_focus_from_who_writes_in_the_box(
    desk: Desk, prepare: Callable[[Page], None], click: Callable[[Page], None]
) -> None:
    desk.service.newest = 12
    page = desk.open()
    prepare(page)
    page.clock.install()
    page.clock.pause_at("2030-01-01")  # what is typed is not searched for yet
    with hold_requests(page, "**/v1/*"):
        click(page)
        box(page).fill("tall sh")
        box(page).press("End")
    expect(page.locator(".picker:not([data-busy])[data-state=results]")).to_be_visible()
    page.keyboard.type("ips")
    expect(box(page)).to_have_value("tall ships")


def test_what_is_not_known_yet_of_a_picture_moves_no_options(desk: Desk) -> None:
    page = desk.open()
    with hold_requests(page, "**/v1/images/*"):
        search(page, "900001")
        expect(button(page, "Insert")).to_be_visible()
        expect(page.get_by_label("Alternative text")).to_be_hidden()
    expect(page.locator(".side .rights")).to_be_visible()
    expect(page.get_by_label("Alternative text")).to_be_visible()


def test_without_an_answer_the_options_of_a_picture_are_shown(desk: Desk) -> None:
    page = desk.open()
    page.route("**/v1/images/*", lambda route: route.abort())
    search(page, "900001")
    expect(page.get_by_label("Alternative text")).to_be_visible()


def open_meanwhile(page: Page) -> None:
    """Search, and open an old result before the response arrives."""
    box(page).fill("pier")
    box(page).press("Enter")
    tiles(page).nth(2).press("Enter")
    expect(page.locator("#details-title")).to_be_focused()


def test_an_old_result_that_is_opened_meanwhile_is_read_first(desk: Desk) -> None:
    page = desk.open()
    search(page)
    desk.service.total = 7
    with expect_answer(page, "**/v1/search*"), hold_requests(page, "**/v1/search*"):
        open_meanwhile(page)
    settle(page)
    expect(page.locator("#details-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".tools .count")).to_have_text("7 of 7")
    expect(tiles(page).first).to_be_focused()


def test_a_failure_waits_as_well(desk: Desk) -> None:
    page = desk.open()
    search(page)
    desk.service.search = lambda query: problem(503, "unavailable")
    with expect_answer(page, "**/v1/search*"), hold_requests(page, "**/v1/search*"):
        open_meanwhile(page)
    settle(page)
    expect(page.locator("#details-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".picker[data-state=server]")).to_be_visible()


def test_who_asks_again_sees_the_answer_that_waits(desk: Desk) -> None:
    page = desk.open()
    search(page)
    desk.service.total = 7
    with hold_requests(page, "**/v1/search*"):
        open_meanwhile(page)
    settle(page)
    box(page).press("Enter")
    expect(page.locator(".tools .count")).to_have_text("7 of 7")


def test_who_has_begun_to_write_keeps_the_focus(desk: Desk) -> None:
    page = desk.open(body="<label>Title <input></label>")
    with hold_requests(page, "**/locales/*"):
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('embedkit-picker'), {autofocus: true}))"
        )
        page.get_by_label("Title").focus()
    box(page).wait_for()
    expect(page.get_by_label("Title")).to_be_focused()


@pytest.mark.parametrize("opens", ["append", "open"])
def test_what_is_typed_before_the_words_are_there_is_written_on(desk: Desk, opens: str) -> None:
    page = desk.open(body="<p></p>")
    with hold_requests(page, "**/locales/*"):
        if opens == "open":
            page.locator("#opener").click()
        else:
            page.evaluate(
                "document.querySelector('p').append("
                "Object.assign(document.createElement('embedkit-picker'), {autofocus: true}))"
            )
        box(page).wait_for()
        page.keyboard.type("har")
    button(page, "Search").wait_for()
    page.keyboard.type("bor")
    expect(box(page)).to_have_value("harbor")
    expect(tiles(page).first).to_be_visible()


# -- what was done -----------------------------------------------------------------------------------------


def test_what_was_given_up_is_not_inserted(desk: Desk) -> None:
    page = desk.open(body='<embedkit-picker name=p output=html value="[getty 1]"></embedkit-picker>')
    button(page, "Change").click()
    details(page)
    with hold_requests(page, "**/v1/embeds"):
        with page.expect_request("**/v1/embeds"):
            button(page, "Use this picture").click()
        expect(button(page, "Inserting…")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        button(page, "Change").click()
        details(page, 1)
        button(page, "Use this picture").click()  # another picture
    wait_until(page, "heard.some(([name]) => name === 'select')")
    assert [one["id"] for one in events(page, "select")] == ["900001"]


def test_what_is_done_while_markup_comes_is_kept(desk: Desk) -> None:
    page = desk.open("output=html multiple")
    details(page)
    with hold_requests(page, "**/v1/embeds"):
        button(page, "Insert").click()
        tiles(page).nth(1).click()
        expect(button(page, "Inserting…")).to_be_visible()
        page.get_by_label("Alternative text").fill("Boats")
        page.locator(".mark").nth(2).click()
    wait_until(page, "heard.some(([name]) => name === 'select')")
    assert [one["id"] for one in events(page, "select")] == ["900000"]
    expect(page.locator(".code")).to_have_text('[getty src="900001" title="Boats"]')
    expect(page.get_by_role("group", name="Selection").get_by_role("listitem")).to_have_count(1)
    page.get_by_label("Width in pixels").fill("300")
    expect(page.locator(".code")).to_have_text('[getty src="900001" width="300" title="Boats"]')


def test_what_was_copied_last_is_in_the_clipboard(desk: Desk) -> None:
    page = desk.open(permissions=["clipboard-read", "clipboard-write"])
    details(page)
    with expect_answer(page, "**/v1/embeds"), hold_requests(page, "**/v1/embeds"):
        button(page, "Copy HTML").click()
        button(page, "Copy link").click()
        expect(page.get_by_role("status")).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == "https://gty.im/900000"
    expect(page.get_by_role("status")).to_have_text("Link copied")


def test_a_card_that_learns_its_title_loses_no_click(desk: Desk) -> None:
    page = desk.open(body="<form><embedkit-picker name=p></embedkit-picker></form>")
    with hold_requests(page, "**/v1/embeds"):
        page.locator("embedkit-picker").evaluate("picker => { picker.value = '[getty 123]' }")
        button(page, "Remove").hover()
        page.mouse.down()
    expect(page.locator(".card b")).to_have_text("Resolved 123")
    page.mouse.up()
    expect(button(page, "Choose a picture")).to_be_focused()


def test_a_refusal_is_of_the_picture_that_was_asked_for(desk: Desk) -> None:
    page = desk.open()
    desk.service.first = 403
    with expect_answer(page, "**/v1/embeds/900403*"), hold_requests(page, "**/v1/embeds/900403*"):
        details(page)
        desk.service.first = 0
        search(page, "pier")
        tiles(page).first.click()
        expect(page.locator("#details-title")).to_have_text("Harbour at dusk 1")
    expect(page.locator(".side .problem")).to_be_hidden()


def test_the_newest_are_shown_once(desk: Desk) -> None:
    desk.service.newest = 12
    page = desk.open(body="<p></p>")
    with hold_requests(page, "**/v1/search*") as waiting:
        page.evaluate("document.querySelector('p').append(document.createElement('embedkit-picker'))")
        expect(page.locator(".panel.first")).to_be_visible()
        with page.expect_request(lambda request: "sort_order=newest" in request.url):
            search_and_clear(page)
        waiting.pop().continue_()
        expect(page.locator(".chips-newest")).to_be_visible()
        with expect_answer(page, "**/v1/search*"):
            waiting[0].continue_()
        waiting.clear()  # a canceled search
    expect(page.locator(".chips-newest")).to_have_count(1)


def search_and_clear(page: Page) -> None:
    box(page).fill("harbour")
    box(page).press("Enter")
    expect(page.locator(".bones")).to_be_visible()
    button(page, "Clear the search").click()
    expect(page.locator(".panel.first")).to_be_visible()


def test_what_comes_to_the_first_screen_moves_nothing(desk: Desk) -> None:
    desk.service.newest = 12
    page = desk.open()
    page.evaluate("localStorage.setItem('embedkit:used', '[\"900001\"]')")
    with hold_requests(page, "**/v1/embeds"):
        with expect_answer(page, "**/v1/search*"), hold_requests(page, "**/v1/search*"):
            page.reload()
            pill = page.locator(".chips-samples_label button").first
            pill.wait_for()
            before = pill.bounding_box()
        expect(page.locator(".chips-newest")).to_have_count(0)  # until what is above them has loaded
    expect(page.locator(".chips-used + .chips-newest")).to_be_visible()
    assert pill.bounding_box() == before


# -- before the script has come ----------------------------------------------------------------------------

FIELD = '<form><embedkit-picker name="p" value="[getty 1]"><input name="p" value="[getty 1]" aria-label="ID"></embedkit-picker></form>'


@contextmanager
def without_script(desk: Desk, body: str) -> Iterator[Page]:
    """A page whose script loads when the block ends."""
    page = desk.open(body="<p></p>")
    desk.service.body = body
    page.route(SCRIPT, lambda route: route.abort())
    page.reload()
    yield page
    page.unroute(SCRIPT)
    page.evaluate(f"import('{SCRIPT.removeprefix('**')}?again')")


def test_what_was_written_into_the_plain_field_is_the_value(desk: Desk) -> None:
    with without_script(desk, FIELD) as page:
        page.get_by_label("ID").fill("[getty 123]")
    expect(page.locator(".card b")).to_have_text("Resolved 123")
    expect(button(page, "Change")).to_be_focused()
    assert page.evaluate("[...new FormData(document.forms[0])]") == [["p", "[getty 123]"]]


def test_properties_that_were_set_early_are_set(desk: Desk) -> None:
    with without_script(desk, FIELD) as page:
        page.locator("embedkit-picker").evaluate("picker => { picker.value = '[getty 123]' }")
    expect(page.locator(".card b")).to_have_text("Resolved 123")
    button(page, "Remove").click()
    assert page.evaluate("[...new FormData(document.forms[0])]") == [["p", ""]]


def test_a_picker_without_its_words_yet_is_accessible(desk: Desk) -> None:
    page = desk.open(body="<p></p>")
    with hold_requests(page, "**/locales/*"):
        page.evaluate("document.querySelector('p').append(document.createElement('embedkit-picker'))")
        assert axe_violations(page) == []
    expect(page.get_by_role("region", name="Find a picture")).to_be_visible()


def test_who_clicks_twice_while_the_script_comes_gets_one_dialog(desk: Desk) -> None:
    page = desk.open(body="<button id=late>Late</button>")
    page.evaluate("""() => {
        document.getElementById('late').onclick = async () => (await import('/static/embedkit-picker.js?late')).EmbedKit.open();
    }""")
    with hold_requests(page, f"{SCRIPT}?late"):
        for _ in range(2):
            button(page, "Late").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.locator("embedkit-picker").count() == 1
