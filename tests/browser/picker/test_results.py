"""The results: rows, tiles, and more of them."""

from __future__ import annotations

import itertools
import threading

import pytest
from playwright.sync_api import expect

from tests.support.picker import (
    Desk,
    events,
    search,
    tiles,
)


def test_how_many_there_are_is_always_known(desk: Desk) -> None:
    desk.service.total = 1230
    page = desk.open()
    search(page)
    expect(page.locator(".tools .count")).to_have_text("30 of 1,230")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".tools .count")).to_have_text("60 of 1,230")
    assert events(page, "results") == [{"query": "harbour", "total": 1230, "page": number} for number in (1, 2)]


@pytest.mark.parametrize("width", [320, 760, 1280])
def test_rows_fill_the_width_and_keep_the_shape_of_pictures(desk: Desk, width: int) -> None:
    page = desk.open(width=width)
    search(page)
    space = page.get_by_role("listbox").evaluate("list => list.clientWidth")
    boxes = tiles(page).evaluate_all(
        "all => all.map(tile => { const box = tile.firstChild.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; })"
    )
    rows = [list(row) for _, row in itertools.groupby(boxes, key=lambda box: round(box[1]))]
    assert len(rows) > 3
    for row in rows[:-1]:
        assert row[-1][0] + row[-1][2] - row[0][0] == pytest.approx(space, abs=2)
        assert [height for *_, height in row] == pytest.approx([row[0][3]] * len(row), abs=0.5)
    for place, (*_, wide, high) in enumerate(boxes):
        image = desk.service.image(place)
        assert wide / high == pytest.approx(min(3.2, image["width"] / image["height"]), rel=0.06)
    if width == 320:
        chip = page.get_by_role("group", name="Related").get_by_role("button").first.bounding_box()
        assert chip
        assert boxes[0][1] >= chip["y"] + chip["height"]  # the rows don't squeeze their line
        assert sum(len(row) for row in rows) / len(rows) >= 1.75  # two in a row


def test_nothing_shifts_while_pictures_come_and_more_are_loaded(desk: Desk) -> None:
    page = desk.open()
    page.evaluate("""() => {
        window.shifts = [];
        new PerformanceObserver(list => shifts.push(...list.getEntries().filter(one => !one.hadRecentInput).map(one => one.value)))
            .observe({type: 'layout-shift', buffered: false});
    }""")
    page.locator("embedkit-picker").evaluate("picker => picker.search('harbour')")
    expect(page.locator("img.there").nth(5)).to_be_visible()
    assert page.evaluate("shifts") == []
    before = tiles(page).evaluate_all("all => all.map(tile => tile.getBoundingClientRect().toJSON())")
    page.locator(".main").evaluate("main => { main.scrollTop = 200; }")
    page.get_by_role("button", name="Load more").dispatch_event("click")
    expect(tiles(page)).to_have_count(60)
    page.locator(".main").evaluate("main => { main.scrollTop = 0; }")
    after = tiles(page).evaluate_all("all => all.slice(0, 30).map(tile => tile.getBoundingClientRect().toJSON())")
    assert [*map(pytest.approx, before)] == after


def test_old_tiles_stay_until_there_are_new_ones(desk: Desk) -> None:
    page = desk.open()
    search(page)
    desk.service.gate = threading.Event()
    page.get_by_role("searchbox").fill("lighthouse")
    expect(page.locator(".grid[aria-busy=true]")).to_be_visible()
    expect(tiles(page)).to_have_count(30)
    desk.service.gate.set()
    expect(page.locator(".grid[aria-busy=true]")).to_have_count(0)


def test_more_comes_by_itself_for_pointers_alone(desk: Desk) -> None:
    page = desk.open()
    search(page)
    tiles(page).first.focus()
    page.keyboard.press("Control+End")
    page.wait_for_timeout(150)
    expect(tiles(page)).to_have_count(30)
    page.locator(".main").hover()
    page.mouse.wheel(0, 100)
    expect(tiles(page)).to_have_count(60)
    page = desk.open("autoload=off")
    search(page)
    page.locator(".main").hover()
    page.mouse.wheel(0, 4000)
    page.wait_for_timeout(150)
    expect(tiles(page)).to_have_count(30)


def test_a_picture_that_comes_twice_is_shown_once(desk: Desk) -> None:
    page = desk.open()
    found = desk.service.found
    desk.service.search = lambda query: found({**query, "page": "1"})
    search(page)
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("status")).to_have_text("0 more loaded")
    expect(tiles(page)).to_have_count(30)


def test_thumbnails_are_sharp_and_lazy(desk: Desk) -> None:
    page = desk.open()
    search(page)
    image = tiles(page).first.locator("img")
    assert (
        image.get_attribute("srcset")
        == f"{desk.pictures.url}/0/thumb.jpg 170w, {desk.pictures.url}/0/preview.jpg 506w"
    )
    assert image.get_attribute("loading") == "lazy"
    assert image.get_attribute("alt") == ""
