"""Where a picture leads: to similar ones, to its series, event, photographer and collection, to its keywords."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.picker import Desk, details, search, state, tiles

TITLE = "A lighthouse keeper's morning 2"
LEADS = {
    "Similar": ("similar", "900001", f"Similar to “{TITLE}”"),
    "Same series": ("series", "900001", f"Same series as “{TITLE}”"),
    "Same event": ("event_ids", "700001", f"Same event as “{TITLE}”"),
    "Sofía Jansen": ("artists", "Sofía Jansen", "Photographer: Sofía Jansen"),
    "Tidewater RM": ("collection_codes", "TWR", "Collection: Tidewater RM"),
}
NARROWED = {"family", "exclude_nudity"}  # what goes with a search that can be narrowed


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
        asked = desk.asked("/v1/search")[-1].query
        assert (asked[key], "q" in asked) == (value, False)
        is_alone = key in ("similar", "series")
        assert (asked.keys() >= NARROWED) != is_alone
        expect(page.locator(".filters")).to_be_visible(visible=not is_alone)
        scope.click()
        expect(scope).to_be_hidden()
        expect(page.get_by_role("searchbox")).to_have_value("harbour")
        expect(tiles(page).nth(1)).to_be_focused()
        page.keyboard.press("Enter")
    assert [one.query["q"] for one in desk.asked("/v1/search") if "q" in one.query] == ["harbour"]  # it was kept


def test_a_keyword_narrows_the_search(desk: Desk) -> None:
    page = desk.open()
    details(page)
    lead(page, "Fishing Industry")
    expect(page.get_by_role("searchbox")).to_have_value("harbour Fishing Industry")
    assert desk.asked("/v1/search")[-1].query["q"] == "harbour Fishing Industry"


def test_words_narrow_a_photographer_and_go_beyond_similar_pictures(desk: Desk) -> None:
    page = desk.open()
    details(page, 1)
    lead(page, "Sofía Jansen")
    search(page, "pier")
    expect(page.locator(".scope")).to_be_visible()
    assert desk.asked("/v1/search")[-1].query["artists"] == "Sofía Jansen"
    tiles(page).nth(1).click()
    lead(page, "Similar")
    search(page, "tide")
    expect(page.locator(".scope")).to_be_hidden()
    asked = desk.asked("/v1/search")[-1].query
    assert (asked["q"], "similar" in asked, "artists" in asked) == ("tide", False, False)


def test_of_a_picture_named_by_its_id_all_is_told(desk: Desk) -> None:
    page = desk.open("grant=some")
    search(page, "900001")
    expect(page.locator(".side .rights")).to_have_text("For editorial use only.")
    expect(page.locator(".side dl")).to_contain_text("August 23, 2018")
    expect(page.locator(".side").get_by_role("button", name="Same event")).to_be_visible()
    assert desk.asked("/v1/images/")[-1].headers["Authorization"] == "Bearer some"


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
    [asked] = [one for one in desk.site.asked if one.is_newest]
    assert asked.query["family"] == "editorial"


@pytest.mark.parametrize("attributes", ["newest=off", "name=picture"])
def test_nobody_asks_for_the_newest_where_they_are_not_seen(desk: Desk, attributes: str) -> None:
    desk.service.newest = 20
    page = desk.open(attributes)
    page.get_by_role("searchbox", include_hidden=True).wait_for(state="attached")
    search(page) if attributes == "newest=off" else page.get_by_role("button").last.click()
    shown = 0 if attributes == "newest=off" else 1
    expect(page.get_by_role("group", name="Newest editorial pictures")).to_have_count(shown)
    assert len([one for one in desk.site.asked if one.is_newest]) == shown


def test_without_a_key_no_news_is_shown(desk: Desk) -> None:
    page = desk.open()
    assert state(page) == "first"
    expect(page.locator(".chips-newest")).to_have_count(0)
