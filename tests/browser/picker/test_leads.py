"""From a picture to similar ones, its series, event, photographer, collection and keywords."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.picker import Desk, details, search, settle, state, tiles

TITLE = "A lighthouse keeper's morning 2"
LEADS = {
    "Similar": ("similar", "900001", f"Similar to “{TITLE}”"),
    "Similar creative": ("by_image", "900001", f"Creative pictures like “{TITLE}”"),
    "Same event": ("event_ids", "700001", f"Same event as “{TITLE}”"),
    "Sofía Jansen": ("artists", "Sofía Jansen", "Photographer: Sofía Jansen"),
    "Tidewater RM": ("collection_codes", "TWR", "Collection: Tidewater RM"),
}
NARROWED = {"family", "exclude_nudity"}  # sent with a search that can be filtered


def lead(page: Page, name: str) -> None:
    page.locator(".side").get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".side")).to_be_hidden()


def test_a_picture_leads_to_others_and_back(desk: Desk) -> None:
    page = desk.open()
    details(page, 1)
    scope = page.locator(".scope")
    for name, (key, value, says) in LEADS.items():
        lead(page, name)
        expect(scope).to_contain_text(says)
        expect(tiles(page).first).to_be_focused()
        asked = desk.requests("/v1/search")[-1].query
        assert (asked[key], "q" in asked) == (value, False)
        is_alone = key in ("similar", "series", "by_image")
        assert (asked.keys() >= NARROWED) != is_alone
        expect(page.locator(".filters")).to_be_visible(visible=not is_alone)
        scope.click()
        expect(scope).to_be_hidden()
        expect(page.get_by_role("searchbox")).to_have_value("harbour")
        expect(tiles(page).nth(1)).to_be_focused()
        page.keyboard.press("Enter")
    assert [one.query["q"] for one in desk.requests("/v1/search") if "q" in one.query] == [
        "harbour"
    ]  # it was kept


def test_a_creative_picture_leads_to_its_series(desk: Desk) -> None:
    page = desk.open()
    details(page)
    lead(page, "Same series")
    expect(page.locator(".scope")).to_contain_text("Same series as")
    assert desk.requests("/v1/search")[-1].query["series"] == "900000"
    page.locator(".scope").click()
    tiles(page).nth(1).click()
    expect(page.locator(".side").get_by_role("button", name="Similar", exact=True)).to_be_visible()
    expect(page.locator(".side").get_by_role("button", name="Same series")).to_have_count(0)  # of a news picture


def test_a_keyword_narrows_the_search(desk: Desk) -> None:
    page = desk.open()
    details(page)
    page.locator("summary", has_text="Keywords").click()  # closed, so that Tab reaches the buttons below sooner
    lead(page, "Fishing Industry")
    expect(page.get_by_role("searchbox")).to_have_value("harbour Fishing Industry")
    assert desk.requests("/v1/search")[-1].query["q"] == "harbour Fishing Industry"


def test_words_narrow_a_photographer_and_go_beyond_similar_pictures(desk: Desk) -> None:
    page = desk.open()
    details(page, 1)
    lead(page, "Sofía Jansen")
    search(page, "pier")
    expect(page.locator(".scope")).to_be_visible()
    assert desk.requests("/v1/search")[-1].query["artists"] == "Sofía Jansen"
    tiles(page).nth(1).click()
    lead(page, "Similar")
    search(page, "tide")
    expect(page.locator(".scope")).to_be_hidden()
    asked = desk.requests("/v1/search")[-1].query
    assert (asked["q"], "similar" in asked, "artists" in asked) == ("tide", False, False)


def test_of_a_picture_named_by_its_id_all_is_told(desk: Desk) -> None:
    page = desk.open("grant=some")
    search(page, "900001")
    expect(page.locator(".side .rights")).to_have_text("For editorial use only.")
    expect(page.locator(".side dl")).to_contain_text("August 23, 2018")
    expect(page.locator(".side").get_by_role("button", name="Same event")).to_be_visible()
    assert desk.requests("/v1/images/")[-1].headers["Authorization"] == "Bearer some"


def test_the_newest_pictures_come_before_any_search(desk: Desk) -> None:
    desk.service.newest = 20
    page = desk.open()
    thumbs = page.get_by_role("group", name="Newest editorial pictures").get_by_role("button")
    expect(thumbs).to_have_count(12)
    thumbs.nth(2).click()
    expect(page.locator("#details-title")).to_have_text("Fishing boats 3")
    expect(tiles(page)).to_have_count(20)
    page.locator(".scope").click()
    expect(thumbs).to_have_count(12)
    expect(page.get_by_role("searchbox")).to_be_focused()
    [asked] = [one for one in desk.site.requests if one.is_newest]
    assert asked.query["family"] == "editorial"


@pytest.mark.parametrize("attributes", ["newest=off", "name=picture"])
def test_nobody_asks_for_the_newest_where_they_are_not_seen(desk: Desk, attributes: str) -> None:
    desk.service.newest = 20
    page = desk.open(attributes)
    page.get_by_role("searchbox", include_hidden=True).wait_for(state="attached")
    search(page) if attributes == "newest=off" else page.get_by_role("button").last.click()
    shown = 0 if attributes == "newest=off" else 1
    expect(page.get_by_role("group", name="Newest editorial pictures")).to_have_count(shown)
    assert len([one for one in desk.site.requests if one.is_newest]) == shown


def test_without_a_key_no_news_is_shown(desk: Desk) -> None:
    page = desk.open()
    assert state(page) == "first"
    expect(page.locator(".chips-newest")).to_have_count(0)


ECLIPSE = {
    "id": 700007,
    "name": "Total solar eclipse, Mazatlán",
    "start_date": "2024-04-08T00:00:00Z",
    "image_count": 12,
    "city": "Mazatlán",
    "country": "Mexico",
    "thumb": None,
}


def test_events_are_found_and_lead_to_their_pictures(desk: Desk) -> None:
    thumb = {"url": f"{desk.service.pictures}/7/thumb.jpg", "width": None, "height": None}
    desk.service.events = [ECLIPSE | {"thumb": thumb}, ECLIPSE | {"id": 700008, "name": "Partial eclipse"}]
    page = desk.open("multiple")
    search(page, "eclipse")
    page.get_by_role("radio", name="Editorial").check()
    page.get_by_label("Any date").select_option("30")
    page.get_by_label("Show").select_option("events")
    expect(tiles(page)).to_have_count(2)
    asked = desk.requests("/v1/events")[-1].query
    assert (asked["q"], "date_from" in asked, "sort_order" in asked) == ("eclipse", True, False)
    names = ["Total solar eclipse, Mazatlán, April 8, 2024 · 12 pictures · Mazatlán · Mexico"]
    expect(tiles(page).first).to_have_accessible_name(names[0])
    tiles(page).nth(1).focus()
    for key in ("Space", "Control+Enter"):  # an event is neither selected nor inserted
        page.keyboard.press(key)
    expect(page.locator(".footer")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".scope")).to_contain_text("Partial eclipse")
    expect(tiles(page)).to_have_count(30)
    assert desk.requests("/v1/search")[-1].query["event_ids"] == "700008"
    page.locator(".scope").click()
    expect(tiles(page)).to_have_count(2)
    expect(tiles(page).nth(1)).to_be_focused()


def test_boards_are_offered_where_there_are_some(desk: Desk) -> None:
    expect(desk.open().get_by_label("Boards")).to_have_count(0)
    desk.service.boards = [{"id": "b1", "name": "Front page", "asset_count": 4}]
    page = desk.open()
    page.get_by_label("Boards").select_option("Front page")
    expect(page.locator(".scope")).to_contain_text("Board: Front page")
    expect(tiles(page)).to_have_count(4)
    assert desk.requests("/v1/boards/")[-1].path.startswith("/v1/boards/b1?page=1&page_size=30&lang=en")


def test_any_color_can_be_searched_for(desk: Desk) -> None:
    page = desk.open()
    search(page)
    color = page.locator(".color")
    color.locator("summary").click()
    page.get_by_role("radio", name="Teal").check()
    settle(page)
    expect(page.get_by_label("Color as a hex code")).to_have_value("#1f9e97")
    page.get_by_label("Color as a hex code").fill("#00FF7")
    page.keyboard.press("Enter")
    page.get_by_label("Color as a hex code").fill("#00FF7A")
    page.keyboard.press("Enter")
    settle(page)
    assert [one.query.get("color") for one in desk.requests("/v1/search")] == [None, "1f9e97", "00ff7a"]
    page.keyboard.press("Escape")
    expect(color.locator("fieldset")).to_be_hidden()
    expect(color.locator("summary")).to_be_focused()
    expect(tiles(page)).to_have_count(30)


def test_title_and_credit_are_seen_on_a_tile(desk: Desk) -> None:
    page = desk.open()
    search(page)
    name = tiles(page).nth(1).locator(".name")
    assert name.evaluate("node => getComputedStyle(node).opacity") == "0"
    page.keyboard.press("Tab")
    tiles(page).nth(1).focus()
    assert name.inner_text() == f"{TITLE}\nAugust 23, 2018 · Sofía Jansen / Tidewater RM / Getty Images"
    assert name.evaluate("node => getComputedStyle(node).opacity") == "1"
