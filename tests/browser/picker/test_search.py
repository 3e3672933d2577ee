"""The search box and its filters: what is requested, when, and what is remembered."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.picker import (
    Desk,
    details,
    events,
    insert,
    search,
    search_queries,
    settle,
    state,
    tiles,
    wait_until,
)


def test_typing_asks_once_it_pauses(desk: Desk) -> None:
    page = desk.open()
    page.clock.install(time=0)
    page.clock.pause_at(60_000)  # else it runs while a slow machine types
    box = page.get_by_role("searchbox")
    box.press_sequentially("harbour")
    page.clock.run_for(299)
    assert search_queries(desk) == []
    page.clock.run_for(1)
    expect(tiles(page)).to_have_count(30)
    assert search_queries(desk) == ["harbour"]
    assert desk.requests("/v1/search")[0].query == {
        "q": "harbour",
        "page": "1",
        "page_size": "30",
        "family": "all",
        "exclude_nudity": "true",
        "lang": "en",
    }


@pytest.mark.parametrize(
    ("text", "asks"), [("ab", False), ("abc", True), ("港", False), ("港口", True), ("   a ", False)]
)
def test_how_much_must_be_typed(desk: Desk, text: str, asks: bool) -> None:
    page = desk.open()
    page.clock.install()
    page.get_by_role("searchbox").fill(text)
    page.clock.run_for(400)
    page.get_by_role("searchbox").blur()
    assert events(page, "search") == (
        [{"query": text, "page": 1, "filters": {"family": "all", "exclude_nudity": True}}] if asks else []
    )


def test_enter_asks_at_once_and_for_less(desk: Desk) -> None:
    page = desk.open()
    search(page, "a")
    assert search_queries(desk) == ["a"]
    page.get_by_role("searchbox").press("Enter")
    assert search_queries(desk) == ["a"]


def test_a_late_answer_does_not_replace_a_newer_one(desk: Desk) -> None:
    page = desk.open()
    gate = threading.Event()

    def slow(query: dict[str, str]) -> Any:
        if query["q"] == "first":
            gate.wait()
            return desk.service.found(query)
        return 200, {}, {"total": 1, "page": 1, "page_size": 30, "images": [desk.service.image(5)], "related": []}

    desk.service.search = slow
    page.get_by_role("searchbox").fill("first")
    page.get_by_role("searchbox").press("Enter")
    search(page, "second")
    expect(tiles(page)).to_have_count(1)
    gate.set()
    page.wait_for_timeout(100)
    expect(tiles(page)).to_have_count(1)
    assert [one["query"] for one in events(page, "results")] == ["second"]
    assert events(page, "error") == []


def test_words_that_are_being_composed_are_not_asked_for(desk: Desk) -> None:
    page = desk.open()
    page.clock.install()
    page.get_by_role("searchbox").evaluate("""box => {
        box.dispatchEvent(new CompositionEvent('compositionstart'));
        box.value = 'かいこう';
        box.dispatchEvent(new InputEvent('input', {isComposing: true}));
    }""")
    page.clock.run_for(400)
    assert events(page, "search") == []
    page.get_by_role("searchbox").dispatch_event("compositionend")
    page.clock.run_for(400)
    assert events(page, "search")[0]["query"] == "かいこう"


@pytest.mark.parametrize(
    ("pasted", "ref"),
    [
        ("74917285", "74917285"),
        ("id:123", "123"),
        ("#74917285", "74917285"),
        ("74917285, 840894796", "74917285, 840894796"),
        ("a0075-000067a", "a0075-000067a"),
        ("https://gty.im/74917285", "https://gty.im/74917285"),
        ("gty.im/74917285", "gty.im/74917285"),
        ("www.gettyimages.de/detail/74917285", "www.gettyimages.de/detail/74917285"),
        ("//www.gettyimages.com/detail/74917285", "//www.gettyimages.com/detail/74917285"),
        ("[getty 74917285]", "[getty 74917285]"),
        ("<div class='getty embed image'>…gie.widgets.load({id:'x'})</div>", "<div class='getty embed image'>…gie.widgets.load({id:'x'})</div>"),
        ("solar eclipse 2024", None),
        ("2024", None),
        ("9/11", None),
        ("<3", None),
        ("id:abc", None),
    ],
)  # fmt: skip
def test_a_reference_is_resolved_and_a_phrase_is_searched_for(desk: Desk, pasted: str, ref: str | None) -> None:
    desk.service.embed = lambda one, target: desk.service.embedded("74917285", target)
    page = desk.open()
    search(page, pasted)
    if ref is None:
        assert search_queries(desk) == [pasted]
        return
    assert json.loads(desk.requests("/v1/embeds")[0].body) == {"refs": [ref]}
    assert search_queries(desk) == []
    expect(tiles(page)).to_have_count(1)
    expect(page.get_by_role("heading", name="Resolved 74917285")).to_be_visible()  # its details are open
    expect(page.get_by_role("status")).to_have_text("1 picture found")
    expect(page.get_by_role("group", name="Filters")).to_be_hidden()  # as they would have no effect


def test_filters_offer_only_what_the_family_takes(desk: Desk) -> None:
    page = desk.open()
    search(page)
    order = page.get_by_role("combobox", name="Sort by")
    assert "Oldest first" not in order.inner_text()
    page.get_by_role("radio", name="Creative").check()
    settle(page)
    page.locator(".color summary").click()
    page.get_by_role("radio", name="Green").check()
    settle(page)
    page.get_by_label("Exclude nudity").uncheck()
    settle(page)
    expect(page.get_by_role("button", name="Clear filters")).to_be_visible()
    page.get_by_role("radio", name="Editorial").check()
    settle(page)
    expect(page.locator(".color")).to_be_hidden()
    expect(page.get_by_label("Exclude nudity")).to_be_hidden()
    order.select_option("Oldest first")
    settle(page)
    page.get_by_role("combobox", name="Orientation").select_option("Panorama")
    settle(page)
    page.get_by_role("combobox", name="People").select_option("No people")
    settle(page)
    page.get_by_label("All", exact=True).check()
    settle(page)
    asked = [
        {name: value for name, value in one.query.items() if name not in ("q", "page", "page_size", "lang")}
        for one in desk.requests("/v1/search")
    ]
    people = {"orientations": "panoramic_horizontal,panoramic_vertical", "number_of_people": "none"}
    assert {"family": "creative", "color": "3f9b4f", "exclude_nudity": "false"} in asked
    assert {"family": "editorial", "sort_order": "oldest", **people} in asked
    assert "sort_order" not in desk.requests("/v1/search")[-1].query


def test_which_filters_there_are_is_the_hosts_to_say(desk: Desk) -> None:
    page = desk.open('filters="orientation,type"')
    assert page.get_by_role("combobox").count() == 1
    expect(page.get_by_role("radio", name="Editorial")).to_be_visible()
    page = desk.open('filters=""')
    assert page.get_by_role("combobox").count() == 0
    search(page)
    assert desk.requests("/v1/search")[-1].query["exclude_nudity"] == "true"


def test_a_script_can_search_with_filters(desk: Desk) -> None:
    page = desk.open()
    page.locator("embedkit-picker").evaluate(
        "picker => picker.search('ships', {family: 'editorial', orientations: 'square', sort_order: 'newest', other: 1})"
    )
    expect(page.get_by_role("searchbox")).to_have_value("ships")
    expect(page.get_by_role("radio", name="Editorial")).to_be_checked()
    asked = desk.requests("/v1/search")[0].query
    assert (asked["family"], asked["orientations"], asked["sort_order"]) == ("editorial", "square", "newest")
    assert "other" not in asked
    page.locator("embedkit-picker").evaluate("picker => picker.reset()")
    assert state(page) == "first"
    expect(page.get_by_label("All", exact=True)).to_be_checked()


def test_the_same_question_is_not_asked_twice_within_minutes(desk: Desk) -> None:
    page = desk.open()
    for text in ("harbour", "pier", "harbour"):
        search(page, text)
    assert search_queries(desk) == ["harbour", "pier"]


def test_recent_searches_are_remembered_and_forgotten(desk: Desk) -> None:
    page = desk.open()
    for number in range(10):
        search(page, f"harbour {number}")
        wait_until(page, f"localStorage.getItem('embedkit:recent')?.includes('harbour {number}')")
    page.evaluate("sessionStorage.clear()")  # as in another tab
    page.reload()
    recent = page.get_by_role("group", name="Recent searches")
    expect(recent).to_be_visible()
    assert recent.get_by_role("listitem").all_inner_texts() == [f"harbour {number}" for number in range(9, 1, -1)]
    recent.get_by_role("button", name="harbour 7").click()
    expect(tiles(page)).to_have_count(30)
    page.get_by_role("button", name="Clear the search").click()
    assert recent.get_by_role("listitem").all_inner_texts()[0] == "harbour 7"
    recent.get_by_role("button", name="Clear recent searches").click()
    expect(recent).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_nothing_is_remembered_where_that_is_off_or_blocked(desk: Desk) -> None:
    page = desk.open("remember=off")
    search(page)
    tiles(page).first.click()
    insert(page)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    for storage in ("localStorage", "sessionStorage"):
        page.add_init_script(
            f"Object.defineProperty(window, '{storage}', {{get() {{ throw new Error('blocked') }}}})"
        )
    page = desk.open()
    search(page)
    expect(tiles(page)).to_have_count(30)


def test_pictures_used_lately_are_kept_by_their_ids_alone(desk: Desk) -> None:
    page = desk.open()
    details(page, 2)
    insert(page)
    assert json.loads(page.evaluate("localStorage.getItem('embedkit:used')")) == ["900002"]
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.get_by_role("group", name="Recently used").get_by_role("button").click()
    expect(page.get_by_role("heading", name="Resolved 900002")).to_be_visible()
