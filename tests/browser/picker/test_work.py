"""No work is lost: what asks before closing, what is renewed automatically, what is remembered."""

from __future__ import annotations

import json
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.support.picker import (
    Desk,
    Query,
    Reply,
    details,
    events,
    problem,
    search,
    search_queries,
    settle,
    tiles,
    wait_until,
)


def last_query(desk: Desk) -> Query:
    return desk.requests("/v1/search")[-1].query


def chosen(page: Page) -> str:
    wait_until(page, "heard.some(([name]) => name === 'select')")
    found: str = events(page, "select")[-1]["shortcode"]
    return found


def hold(desk: Desk) -> threading.Event:
    """Make searches wait until the event is set."""
    desk.service.gate = threading.Event()
    return desk.service.gate


# -- steps back --------------------------------------------------------------------------------------------


def test_escape_clears_closes_asks_and_only_then_leaves(desk: Desk) -> None:
    page = desk.open("multiple")
    search(page)
    page.locator(".mark").nth(0).click()
    tiles(page).nth(1).click()
    page.keyboard.press("Escape")
    expect(page.locator(".side")).to_be_hidden()
    page.keyboard.press("Escape")
    keep = page.get_by_role("button", name="Keep")
    expect(keep).to_be_focused()
    expect(keep).to_have_accessible_description("Discard 1 selected picture?")
    keep.click()
    expect(page.get_by_role("button", name="Insert 1 picture")).to_be_focused()
    assert events(page, "cancel") == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert events(page, "cancel") == [{}]
    expect(page.get_by_role("group", name="Selection")).to_be_hidden()
    box = page.get_by_role("searchbox")
    box.focus()
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    assert events(page, "cancel") == [{}]


def test_while_pictures_are_selected_the_pane_selects_and_the_footer_inserts(desk: Desk) -> None:
    page = desk.open("multiple")
    details(page, 1)
    pane = page.locator(".side")
    expect(pane.get_by_role("button", name="Insert")).to_be_visible()
    pane.get_by_role("button", name="Select", exact=True).click()
    expect(pane.get_by_role("button", name="Insert")).to_be_hidden()
    pane.get_by_label("Alternative text").press("Control+Enter")
    assert chosen(page) == "[getty 900001]"


# -- grants ------------------------------------------------------------------------------------------------


def needs(desk: Desk, grant: str) -> None:
    """Allow searches only with that grant."""

    def answer(query: Query) -> Reply:
        given = desk.requests("/v1/search")[-1].headers.get("Authorization")
        return desk.service.found(query) if given == f"Bearer {grant}" else problem(401, "token-required")

    desk.service.search = answer


def test_a_grant_that_runs_out_is_renewed_by_the_page(desk: Desk) -> None:
    page = desk.open("grant=first")
    page.evaluate("""() => {
      window.calls = 0;
      document.querySelector('embedkit-picker').grant = async () => `grant-${++window.calls}`;
    }""")
    for number in (1, 2):
        needs(desk, f"grant-{number}")
        search(page, f"harbour {number}")
        expect(tiles(page)).to_have_count(30)
        assert page.evaluate("calls") == number


def test_a_grant_comes_from_the_sites_own_server(desk: Desk) -> None:
    page = desk.open(body="<p></p>")
    page.route("**/my/grant", lambda route: route.fulfill(json={"grant": "mine"}))
    needs(desk, "mine")
    page.evaluate("""() => {
      const picker = document.createElement('embedkit-picker');
      picker.setAttribute('grant-url', '/my/grant'); // it asks for the newest at once
      document.querySelector('p').append(picker);
    }""")
    search(page)
    expect(tiles(page)).to_have_count(30)
    assert len(desk.requests("/v1/search")) == 1  # fetched first, not after a rejection


def test_a_grant_that_nobody_renews_is_told(desk: Desk) -> None:
    page = desk.open("grant=old grant-url=/my/grant")
    page.route("**/my/grant", lambda route: route.fulfill(status=403, json={}))
    needs(desk, "another")
    search(page)
    expect(page.locator(".panel")).to_contain_text("Save your work, then reopen the picker.")


# -- memory ------------------------------------------------------------------------------------------------


def test_a_session_goes_on_where_it_was(desk: Desk) -> None:
    page = desk.open()
    page.get_by_role("radio", name="Editorial").check()
    details(page, 3)
    page.get_by_label("Left").check()
    page.get_by_label("Width in pixels").fill("320")
    page.get_by_label("Alternative text").fill("Boats")
    page.get_by_role("button", name="Insert").click()
    assert chosen(page) == '[getty src="900003" width="320" align="left" title="Boats"]'
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("harbour")
    expect(tiles(page)).to_have_count(30)
    assert last_query(desk)["family"] == "editorial"
    expect(tiles(page).nth(3)).to_have_attribute("tabindex", "0")
    tiles(page).nth(5).click()
    page.get_by_role("button", name="Insert").click()
    assert chosen(page) == '[getty src="900005" width="320" align="left"]'  # texts belong to one picture


def test_a_page_sets_what_holds_until_somebody_chooses(desk: Desk) -> None:
    page = desk.open('defaults="align=right&width=400&caption=getty" remember=off')
    details(page)
    expect(page.locator(".code")).to_have_text('[getty src="900000" width="400" caption="true" align="right"]')
    page.get_by_label("None").check()
    expect(page.locator(".code")).to_have_text('[getty src="900000" width="400" caption="true"]')
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("")
    assert search_queries(desk) == ["harbour"]


@pytest.mark.parametrize(
    ("attributes", "offered"),
    [
        ("", ["Site default", "Picture", "Click to load"]),
        ('targets="web,card"', ["Site default", "Picture", "Link with credit"]),
        ('targets=""', []),
    ],
)
def test_authors_choose_among_few_forms(desk: Desk, attributes: str, offered: list[str]) -> None:
    page = desk.open(attributes)
    details(page)
    assert page.locator("#option-target option").all_inner_texts() == offered


# -- selections --------------------------------------------------------------------------------------------


def test_a_selection_is_seen_put_in_order_and_thinned_out(desk: Desk) -> None:
    page = desk.open("multiple")
    search(page)
    for place in (2, 0, 1):
        page.locator(".mark").nth(place).click()
    search(page, "lighthouse")  # they stay visible
    bar = page.get_by_role("group", name="Selection")
    expect(bar.get_by_role("listitem")).to_have_count(3)
    earlier = bar.get_by_role("button", name="Move earlier: A lighthouse keeper's morning 2")
    earlier.click()
    expect(earlier).to_be_focused()
    page.keyboard.press("Enter")
    expect(bar.get_by_role("listitem").first.get_by_role("button")).to_be_focused()
    bar.get_by_role("button", name="Remove: Harbour at dusk 1").click()
    expect(tiles(page).nth(0)).to_have_attribute("aria-selected", "false")
    page.get_by_role("button", name="Insert 2 pictures").click()
    assert chosen(page) == "[getty 900001]\n\n[getty 900002]"


# -- by hand -----------------------------------------------------------------------------------------------


def test_a_double_click_inserts(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).nth(4).dblclick()
    assert chosen(page) == "[getty 900004]"


def test_a_question_mark_shows_the_keys(desk: Desk) -> None:
    page = desk.open()
    search(page)
    page.keyboard.type("?")  # in the box it is text
    expect(page.get_by_role("searchbox")).to_have_value("harbour?")
    wait_until(page, "heard.filter(([name]) => name === 'results').length === 2")
    tiles(page).nth(1).focus()
    page.keyboard.type("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("Ctrl + Enter")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(tiles(page).nth(1)).to_be_focused()
    assert events(page, "cancel") == []


@pytest.mark.parametrize(("query", "total"), [("harbour at dusk", 70), ("nothing", 0)])
def test_new_results_take_the_focus_of_old_ones(desk: Desk, query: str, total: int) -> None:
    page = desk.open()
    search(page)
    gate = hold(desk)
    page.get_by_role("searchbox").fill(query)
    desk.service.total = total
    tiles(page).nth(3).focus()
    gate.set()
    expect(tiles(page).first if total else page.get_by_role("searchbox")).to_be_focused()


def test_new_results_while_the_keys_are_shown(desk: Desk) -> None:
    page = desk.open()
    search(page)
    gate = hold(desk)
    page.get_by_role("searchbox").fill("harbour at dusk")
    expect(page.get_by_role("listbox")).to_have_attribute("aria-busy", "true")
    tiles(page).nth(3).focus()
    page.keyboard.type("?")
    gate.set()
    expect(page.get_by_role("listbox")).not_to_have_attribute("aria-busy", "true")
    page.keyboard.press("Escape")
    expect(tiles(page).first).to_be_focused()


def test_a_click_fetches_no_second_page(desk: Desk) -> None:
    page = desk.open("columns=10", width=1600)
    search(page)
    tiles(page).first.click()
    expect(page.locator(".side")).to_be_visible()
    assert [one.query["page"] for one in desk.requests("/v1/search")] == ["1"]
    page.mouse.wheel(0, 40)
    expect(tiles(page)).to_have_count(70)  # 60 don't fill the screen


# -- newsrooms ---------------------------------------------------------------------------------------------


def test_a_newsroom_searches_by_section_and_date(desk: Desk) -> None:
    page = desk.open()
    search(page)
    expect(page.get_by_label("Section")).to_be_hidden()
    page.get_by_role("radio", name="Editorial").check()
    settle(page)
    page.get_by_label("Section").select_option("Sports")
    settle(page)
    page.get_by_label("Any date").select_option("Last 7 days")
    settle(page)
    week = page.evaluate("new Date(Date.now() - 7 * 86400000).toISOString().slice(0, 10)")
    asked = last_query(desk)
    assert (asked["editorial_segments"], asked["date_from"]) == ("sport", week)
    page.get_by_label("Any date").select_option("From … to …")
    settle(page)
    page.get_by_label("From", exact=True).fill("2026-03-01")
    settle(page)
    page.get_by_label("To", exact=True).fill("2026-03-31")
    page.get_by_label("To", exact=True).press("Tab")
    settle(page)
    asked = last_query(desk)
    assert (asked["date_from"], asked["date_to"]) == ("2026-03-01", "2026-03-31")


def test_today_is_the_editors_day(desk: Desk) -> None:
    """In the evening it is already tomorrow in UTC, with no pictures yet."""
    page = desk.open(timezone_id="America/Los_Angeles")
    page.clock.set_fixed_time("2026-09-03T02:30:00Z")
    page.get_by_role("radio", name="Editorial").check()
    page.get_by_label("Any date").select_option("Today")
    search(page)
    assert last_query(desk)["date_from"] == "2026-09-02"


def test_where_nothing_is_found_each_filter_can_be_dropped(desk: Desk) -> None:
    page = desk.open()
    desk.service.total = 0
    page.get_by_role("radio", name="Editorial").check()
    page.get_by_label("Any date").select_option("Today")
    page.get_by_label("Sort by").select_option("Newest first")
    search(page)
    panel = page.locator(".panel.none")
    expect(panel.get_by_role("button")).to_contain_text(["Editorial", "Today", "Clear filters"])
    desk.service.total = 70
    panel.get_by_role("button", name="Remove: Today").click()
    expect(tiles(page)).to_have_count(30)
    expect(page.get_by_role("searchbox")).to_be_focused()
    asked = last_query(desk)
    assert ("date_from" in asked, asked["family"], asked["sort_order"]) == (False, "editorial", "newest")


def test_what_is_for_editorial_use_only_is_seen_and_can_be_left_out(desk: Desk) -> None:
    page = desk.open()
    search(page)
    expect(tiles(page).nth(1)).to_have_attribute("aria-description", "For editorial use only.")
    expect(tiles(page).nth(1).locator(".rights")).to_be_visible()
    expect(tiles(page).nth(0).locator(".rights")).to_have_count(0)
    tiles(page).nth(1).hover()
    expect(tiles(page).nth(1).locator(".name")).to_have_css("opacity", "1")
    expect(tiles(page).nth(1).locator(".rights")).to_be_visible()
    tiles(page).nth(1).click()
    expect(page.locator(".side .rights")).to_have_text("For editorial use only.")
    page.get_by_role("radio", name="Creative").check()
    settle(page)
    page.get_by_label("Exclude editorial use only").check()
    settle(page)
    assert last_query(desk)["exclude_editorial_use_only"] == "true"
    assert (
        json.loads(page.evaluate("sessionStorage.getItem('embedkit:session')"))["filters"]["family"] == "creative"
    )
