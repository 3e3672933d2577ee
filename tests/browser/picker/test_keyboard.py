"""The picker by keyboard and screen reader: journeys, keys, focus, announcements, aria snapshots."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.picker import (
    Desk,
    details,
    events,
    problem,
    search,
    tiles,
    wait_until,
)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def active(page: Page) -> str:
    """Return the name of the focused element in the shadow tree."""
    found: str = page.evaluate("""() => {
        const inner = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
        return inner.getAttribute('aria-label') ?? inner.labels?.[0]?.textContent ?? inner.textContent.trim();
    }""")
    return found


def places(page: Page) -> list[dict[str, float]]:
    found: list[dict[str, float]] = tiles(page).evaluate_all(
        "all => all.map(tile => { const {x, y, width, height} = tile.getBoundingClientRect(); return {x, y, width, height}; })"
    )
    return found


def focused(page: Page) -> int:
    found: int = tiles(page).evaluate_all("all => all.findIndex(tile => tile.matches(':focus'))")
    return found


# -- journeys ----------------------------------------------------------------------------------------------


def test_from_opening_to_insertion_by_keyboard_alone(desk: Desk) -> None:
    page = desk.open(body="<p>A post.</p>")
    press(page, "Tab", "Enter")
    expect(page.get_by_role("dialog", name="Find a picture")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("harbour")
    expect(tiles(page)).to_have_count(30)
    expect(page.get_by_role("searchbox")).to_be_focused()  # typing moves nothing (WCAG 3.2.2)
    stops = 0
    while focused(page) < 0:
        press(page, "Tab")
        stops += 1
        assert stops < 14
    press(page, "ArrowRight", "ArrowDown", "ArrowLeft")
    place = focused(page)
    assert place > 2
    press(page, "Enter")
    expect(page.locator(".side h3")).to_be_focused()
    while active(page) != "Alternative text":
        press(page, "Tab")
    press(page, "Control+a")
    page.keyboard.type("Two boats at a quay")
    while active(page) != "None":
        press(page, "Tab")
    press(page, "ArrowRight")  # to the left
    while active(page) != "Insert":
        press(page, "Tab")
    press(page, "Enter")
    choice: dict[str, Any] = wait_until(page, "window.choice")
    assert choice["shortcode"] == f'[getty src="{900000 + place}" align="left" title="Two boats at a quay"]'
    assert choice["alt"] == "Two boats at a quay"
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#opener")).to_be_focused()


def test_control_enter_inserts_from_anywhere(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).first.focus()
    press(page, "ArrowRight", "Control+Enter")
    wait_until(page, "heard.some(([name]) => name === 'select')")
    assert events(page, "select")[0]["id"] == "900001"


def test_escape_goes_one_step_back_at_a_time(desk: Desk) -> None:
    page = desk.open(body="<p>A post.</p>")
    press(page, "Tab", "Enter")
    search(page)
    tiles(page).nth(3).focus()
    press(page, "Enter")
    expect(page.locator(".side")).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".side")).to_be_hidden()
    expect(tiles(page).nth(3)).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert wait_until(page, "window.choice === null")
    assert events(page, "cancel") == [{}]
    expect(page.locator("#opener")).to_be_focused()


def test_the_dialog_keeps_focus_and_can_be_closed_by_its_button(desk: Desk) -> None:
    page = desk.open(body="<p>A post. <a href='#'>A link</a></p>")
    press(page, "Tab", "Enter")
    search(page)
    for _ in range(25):
        press(page, "Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.localName === 'embedkit-picker'"
        )
    page.get_by_role("button", name="Close").click()
    assert wait_until(page, "window.choice === null")


def test_on_a_narrow_screen_the_sheet_is_all_that_can_be_reached(desk: Desk) -> None:
    page = desk.open(width=320)
    search(page)
    tiles(page).first.focus()
    press(page, "Enter")
    expect(page.locator(".side h3")).to_be_focused()
    for _ in range(30):
        press(page, "Tab")
        inside = "document.querySelector('embedkit-picker').shadowRoot.activeElement?.closest('.side') !== null"
        assert page.evaluate(f"document.activeElement.localName !== 'embedkit-picker' || {inside}")
    press(page, "Escape")
    if page.locator(".side").is_visible():  # focus has left the picker
        page.get_by_role("button", name="Back to the results").click()
    expect(tiles(page).first).to_be_focused()


def test_several_become_a_slideshow_by_keyboard_alone(desk: Desk) -> None:
    desk.service.options = '{"multiple": true}'
    page = desk.open(body="<p>A post.</p>")
    press(page, "Tab", "Enter")
    search(page)
    tiles(page).first.focus()
    press(page, "Space", "ArrowRight", "ArrowRight", "Space")
    stops = 0
    while active(page) != "Insert as slideshow":
        press(page, "Tab")
        stops += 1
        assert stops < 10
    press(page, "Enter")
    choice: dict[str, Any] = wait_until(page, "window.choice")
    assert choice["shortcode"] == "[getty 900000,900002]"
    expect(page.locator("#opener")).to_be_focused()


def test_an_id_that_is_pasted_is_one_picture_and_can_be_inserted_at_once(desk: Desk) -> None:
    page = desk.open()
    page.get_by_role("searchbox").focus()
    page.keyboard.insert_text("900007")
    press(page, "Enter")
    expect(page.get_by_role("status")).to_have_text("1 picture found")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert desk.requests("/v1/embeds")[0].method == "POST"
    assert desk.requests("/v1/search") == []
    press(page, "Control+Enter")
    wait_until(page, "heard.some(([name]) => name === 'select')")
    assert events(page, "select")[0]["id"] == "900007"


def test_after_a_throttle_enter_on_the_button_tries_again(desk: Desk) -> None:
    desk.service.search = lambda _: problem(429, "throttled", 9)
    page = desk.open()
    page.clock.install(time=0)
    page.clock.pause_at(60_000)  # else the throttle can end before Enter is pressed
    search(page)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_have_attribute("aria-disabled", "true")
    again.focus()
    press(page, "Enter")
    assert len(desk.requests("/v1/search")) == 1
    page.clock.run_for(9_000)
    expect(again).to_have_attribute("aria-disabled", "false")
    expect(again).to_be_focused()
    desk.service.search = desk.service.found
    press(page, "Enter")
    expect(tiles(page)).to_have_count(30)


# -- keys in the results -----------------------------------------------------------------------------------


def test_there_is_one_tab_stop_and_order_is_order_of_sight(desk: Desk) -> None:
    page = desk.open()
    search(page)
    assert tiles(page).evaluate_all("all => all.filter(tile => tile.tabIndex === 0).length") == 1
    boxes = places(page)
    for before, after in itertools.pairwise(boxes):
        same_row = abs(before["y"] - after["y"]) < 1
        assert after["x"] > before["x"] if same_row else after["y"] > before["y"]


def test_arrows_find_the_nearest_tile_of_the_next_row(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).nth(2).focus()
    boxes = places(page)
    press(page, "ArrowDown")
    below = focused(page)
    row = [box for box in boxes if abs(box["y"] - boxes[below]["y"]) < 1]
    middle = boxes[2]["x"] + boxes[2]["width"] / 2
    nearest = min(row, key=lambda box: abs(box["x"] + box["width"] / 2 - middle))
    assert nearest == boxes[below]
    press(page, "ArrowUp")
    assert focused(page) == 2
    press(page, "ArrowUp")
    assert focused(page) == 2


@pytest.mark.parametrize(("language", "forward"), [("en", "ArrowRight"), ("ar", "ArrowLeft")])
def test_forward_is_where_reading_goes(desk: Desk, language: str, forward: str) -> None:
    page = desk.open(lang=language)
    search(page)
    boxes = places(page)
    assert (boxes[1]["x"] > boxes[0]["x"]) == (language == "en")
    tiles(page).first.focus()
    press(page, forward, forward)
    assert focused(page) == 2


def test_home_end_and_pages(desk: Desk) -> None:
    page = desk.open()
    search(page)
    boxes = places(page)
    row = [place for place, box in enumerate(boxes) if abs(box["y"] - boxes[0]["y"]) < 1]
    tiles(page).nth(1).focus()
    for key, place in {"End": row[-1], "Home": 0, "Control+End": 29, "Control+Home": 0}.items():
        press(page, key)
        assert focused(page) == place, key
    press(page, "PageDown")
    down = focused(page)
    assert boxes[down]["y"] >= boxes[row[-1] + 1]["y"]
    press(page, "PageUp")
    assert focused(page) < down


def test_a_slash_goes_to_the_search(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).first.focus()
    press(page, "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("quay/")  # replaces the previous query
    expect(page.get_by_role("searchbox")).to_have_value("quay/")
    page.keyboard.press("ArrowDown")  # and back, past filters and suggestions
    expect(page.locator(".tile:focus")).to_have_count(1)


def test_load_more_moves_focus_to_the_first_new_tile(desk: Desk) -> None:
    page = desk.open()
    search(page)
    page.get_by_role("button", name="Load more").focus()
    press(page, "Enter")
    expect(tiles(page).nth(30)).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("30 more loaded")
    assert tiles(page).nth(30).get_attribute("aria-posinset") == "31"
    assert tiles(page).nth(30).get_attribute("aria-setsize") == "70"


def test_space_selects_and_shift_space_a_range(desk: Desk) -> None:
    page = desk.open("multiple max=3")
    search(page)
    tiles(page).first.focus()
    press(page, " ", "ArrowRight", "ArrowRight", "Shift+ ")
    assert tiles(page).evaluate_all("all => all.filter(tile => tile.ariaSelected === 'true').length") == 3
    expect(page.get_by_role("status")).to_have_text("3 selected")
    press(page, "End", "Shift+ ")
    expect(page.get_by_role("alert")).to_have_text("At most 3 pictures can be selected.")
    press(page, "Home", " ")
    expect(page.get_by_role("status")).to_have_text("2 selected")
    page.get_by_role("button", name="Clear selection").press("Enter")
    assert focused(page) == 0


def test_focus_can_be_seen_on_any_picture(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).first.focus()
    press(page, "ArrowRight")
    outline, shadow = (
        tiles(page)
        .nth(1)
        .locator(".shot")
        .evaluate("shot => [getComputedStyle(shot).outline, getComputedStyle(shot).boxShadow]")
    )
    assert "3px" in outline
    assert shadow != "none"
    box, view = tiles(page).nth(1).bounding_box(), page.locator(".main").bounding_box()
    assert box
    assert view
    assert box["y"] - 4.9 >= view["y"]  # not obscured (WCAG 2.4.11)


def test_targets_are_large_enough(desk: Desk) -> None:
    """24 px, or 44 px for touch, except links in a line of text (WCAG 2.5.8). Layout uses units of 1/64 px."""
    for touch, least in ((False, 23.9), (True, 43.9)):
        page = desk.open("multiple", width=320, has_touch=touch, is_mobile=touch)
        search(page)
        tiles(page).first.click()
        small = page.locator(".picker").evaluate(
            """(picker, least) => [...picker.querySelectorAll('button, select, .segment, .mark, .tick, .side input[type=number], textarea')]
               .filter(node => node.checkVisibility())
               .map(node => [node.className || node.localName, node.getBoundingClientRect().height])
               .filter(([, height]) => height < least)""",
            least,
        )
        assert small == []


# -- what is announced -------------------------------------------------------------------------------------


def test_results_are_announced_when_they_have_settled(desk: Desk) -> None:
    page = desk.open()
    status = page.get_by_role("status")
    expect(status).to_have_text("")
    search(page)
    expect(status).to_have_text("70 results for harbour, showing 1 to 30")
    desk.service.total = 1
    search(page, "pier")
    expect(status).to_have_text("1 result for pier")
    desk.service.total = 0
    search(page, "nothing")
    expect(status).to_have_text("Nothing found for “nothing”")


def test_what_was_done_is_seen_and_comes_before_what_was_loaded(desk: Desk) -> None:
    page = desk.open("autoload=off")
    details(page)
    expect(page.get_by_role("status")).to_contain_text("70 results")  # its timer doesn't use the clock
    page.clock.install(time=0)
    page.clock.pause_at(60_000)
    page.get_by_role("button", name="Insert", exact=True).click()
    expect(page.locator(".side")).to_be_hidden()
    page.clock.run_for(1)
    status = page.get_by_role("status")
    expect(status).to_have_text("Inserted: Harbour at dusk 1")
    expect(page.locator(".toast")).to_be_visible()
    page.get_by_role("button", name="Load more").click()
    expect(tiles(page)).to_have_count(60)
    page.clock.run_for(3_500)
    expect(status).to_have_text("Inserted: Harbour at dusk 1")
    page.clock.run_for(1_000)
    expect(status).to_have_text("30 more loaded")
    expect(page.locator(".toast")).to_have_count(0)


def test_only_failures_interrupt(desk: Desk) -> None:
    page = desk.open()
    search(page)
    expect(page.get_by_role("alert")).to_have_text("")
    desk.service.search = lambda _: problem(429, "quota-exhausted")
    search(page, "pier")
    expect(page.get_by_role("alert")).to_contain_text("Search quota reached.")


def test_the_first_screen_as_it_is_read(desk: Desk) -> None:
    page = desk.open("sandbox")
    expect(page.locator(".picker")).to_match_aria_snapshot("""
      - region "Find a picture":
        - heading "Find a picture" [level=2]
        - search:
          - button "Search"
          - searchbox "Search Getty Images, or paste a link, an ID or embed code"
        - paragraph: "Demo mode: sample pictures"
        - group "Filters":
          - group "Kind of picture":
            - radio "All" [checked]
            - radio "Creative"
            - radio "Editorial"
          - combobox "Orientation"
          - combobox "People"
          - group
          - combobox "Sort by"
          - checkbox "Exclude nudity" [checked]
        - heading "What are you looking for?" [level=3]
        - paragraph
        - group "For example":
          - heading "For example" [level=4]
          - list:
            - listitem:
              - button "solar eclipse"
    """)


def test_results_and_details_as_they_are_read(desk: Desk) -> None:
    desk.service.total = 3
    page = desk.open()
    search(page)
    tiles(page).nth(1).click()
    expect(page.locator(".body")).to_match_aria_snapshot("""
      - group "Related":
        - button "quay"
        - button "lighthouse"
      - listbox "Pictures":
        - option "Harbour at dusk 1, photo by Ivo Lindqvist"
        - option "A lighthouse keeper's morning 2, photo by Sofía Jansen" [selected]
        - option "Fishing boats 3, photo by Yusuf Haddad"
      - paragraph: "End of results: all 3 are shown."
      - region "A lighthouse keeper's morning 2":
        - button "Previous picture"
        - button "Next picture"
        - text: 2 of 3
        - button "Back to the results"
        - img "A lighthouse keeper's morning 2"
        - group "Show":
          - radio "Picture" [checked]
          - radio "Preview"
        - heading "A lighthouse keeper's morning 2" [level=3]
        - paragraph: For editorial use only.
        - paragraph
        - button "Show more"
        - term: Photographer
        - definition:
          - button "Sofía Jansen"
        - term: Collection
        - definition:
          - button "Tidewater RM"
        - term: Date
        - definition: August 23, 2018
        - term: Size
        - definition: 2,000 × 3,000 px
        - term: Kind of picture
        - definition: Editorial
        - term: ID
        - definition: "900001"
        - link "View on Getty Images (opens in a new tab)"
        - group "Insert options":
          - textbox "Alternative text"
          - paragraph: This is just the title. Describe what the picture shows.
          - group "Alignment":
            - radio "None" [checked]
            - radio "Left"
            - radio "Centered"
            - radio "Right"
          - spinbutton "Width in pixels"
          - combobox "Caption"
          - combobox "Display as"
        - group:
          - text: More like this
          - group "More like this":
            - button "Similar"
            - button "Similar creative"
            - button "Same event"
        - group: Keywords
        - textbox "Shortcode"
        - group "Copy":
          - button "Copy shortcode"
          - button "Copy HTML"
          - button "Copy link"
        - button "Insert"
    """)
    expect(page.get_by_role("listbox")).to_have_accessible_description(
        "Arrow keys move between pictures, Enter shows details."
    )
