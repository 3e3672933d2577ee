"""<embedkit-picker> as a host sees it: searching, results, details, choosing, forms, attributes, events."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import waitress
from playwright.sync_api import Page, Request, Response, expect

from embedkit import EmbedKit, create_app, shortcodes
from embedkit.models import Options
from embedkit.rendering import static_dir
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.api import credentials
from tests.embeds_support import HOSTILE
from tests.picker_support import Desk, desks, heard, search, state, tiles, until


@pytest.fixture(name="room", scope="module")
def fixture_room() -> Iterator[Desk]:
    with desks() as room:
        yield room


@pytest.fixture(name="desk")
def fixture_desk(room: Desk) -> Iterator[Desk]:
    yield room
    room.close()


def queries(desk: Desk) -> list[str]:
    return [one.query["q"] for one in desk.asked("/v1/search")]


def details(page: Page, place: int = 0) -> None:
    search(page)
    tiles(page).nth(place).click()
    expect(page.locator(".side")).to_be_visible()


def insert(page: Page) -> dict[str, Any]:
    page.get_by_role("button", name="Insert").click()
    until(page, "heard.some(([name]) => name === 'select')")
    chosen: dict[str, Any] = heard(page, "select")[-1]
    return chosen


def test_the_module_is_small() -> None:
    size = len(gzip.compress((static_dir() / "embedkit-picker.js").read_bytes(), 9))
    assert size < 25_000, size


def test_no_text_is_ever_parsed() -> None:
    script = (static_dir() / "embedkit-picker.js").read_text("utf-8")
    for sink in (
        "innerHTML",
        "outerHTML =",
        "insertAdjacentHTML",
        "DOMParser",
        "srcdoc",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert sink not in script
    assert 'setAttribute("style"' not in script


# -- searching ---------------------------------------------------------------------------------------------


def test_typing_asks_once_it_pauses(desk: Desk) -> None:
    page = desk.open()
    page.clock.install()
    box = page.get_by_role("searchbox")
    box.press_sequentially("harbour")
    page.clock.run_for(299)
    assert queries(desk) == []
    page.clock.run_for(1)
    expect(tiles(page)).to_have_count(30)
    assert queries(desk) == ["harbour"]
    assert desk.asked("/v1/search")[0].query == {
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
    assert heard(page, "search") == (
        [{"query": text, "page": 1, "filters": {"family": "all", "exclude_nudity": True}}] if asks else []
    )


def test_enter_asks_at_once_and_for_less(desk: Desk) -> None:
    page = desk.open()
    search(page, "a")
    assert queries(desk) == ["a"]
    page.get_by_role("searchbox").press("Enter")
    assert queries(desk) == ["a"]


def test_a_late_answer_does_not_replace_a_newer_one(desk: Desk) -> None:
    page = desk.open()
    gate = threading.Event()

    def slow(query: dict[str, str]) -> Any:
        if query["q"] == "first":
            gate.wait(5)
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
    assert [one["query"] for one in heard(page, "results")] == ["second"]
    assert heard(page, "error") == []


def test_words_that_are_being_composed_are_not_asked_for(desk: Desk) -> None:
    page = desk.open()
    page.clock.install()
    page.get_by_role("searchbox").evaluate("""box => {
        box.dispatchEvent(new CompositionEvent('compositionstart'));
        box.value = 'かいこう';
        box.dispatchEvent(new InputEvent('input', {isComposing: true}));
    }""")
    page.clock.run_for(400)
    assert heard(page, "search") == []
    page.get_by_role("searchbox").dispatch_event("compositionend")
    page.clock.run_for(400)
    assert heard(page, "search")[0]["query"] == "かいこう"


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
        assert queries(desk) == [pasted]
        return
    assert json.loads(desk.asked("/v1/embeds")[0].body) == {"refs": [ref]}
    assert queries(desk) == []
    expect(tiles(page)).to_have_count(1)
    expect(page.get_by_role("heading", name="Resolved 74917285")).to_be_visible()  # its details are open
    expect(page.get_by_role("status")).to_have_text("1 picture found")


def test_filters_offer_only_what_the_family_takes(desk: Desk) -> None:
    page = desk.open()
    search(page)
    order = page.get_by_role("combobox", name="Order")
    assert "Oldest first" not in order.inner_text()
    page.get_by_label("Creative").check()
    page.get_by_role("combobox", name="Colour").select_option("Green")
    page.get_by_label("Leave out nudity").uncheck()
    expect(page.get_by_role("button", name="Clear filters")).to_be_visible()
    page.get_by_label("Editorial").check()
    expect(page.get_by_role("combobox", name="Colour")).to_be_hidden()
    expect(page.get_by_label("Leave out nudity")).to_be_hidden()
    order.select_option("Oldest first")
    page.get_by_role("combobox", name="Orientation").select_option("Panorama")
    page.get_by_role("combobox", name="People").select_option("No people")
    page.get_by_label("All", exact=True).check()
    expect(page.locator(".picker:not([data-busy])")).to_be_attached()
    asked = [
        {name: value for name, value in one.query.items() if name not in ("q", "page", "page_size", "lang")}
        for one in desk.asked("/v1/search")
    ]
    people = {"orientations": "panoramic_horizontal,panoramic_vertical", "number_of_people": "none"}
    assert {"family": "creative", "color": "3f9b4f", "exclude_nudity": "false"} in asked
    assert {"family": "editorial", "sort_order": "oldest", **people} in asked
    until(page, "heard.filter(([name]) => name === 'results').length > 6")
    assert "sort_order" not in desk.asked("/v1/search")[-1].query


def test_which_filters_there_are_is_the_hosts_to_say(desk: Desk) -> None:
    page = desk.open('filters="orientation,type"')
    assert page.get_by_role("combobox").count() == 1
    expect(page.get_by_label("Editorial")).to_be_visible()
    page = desk.open('filters=""')
    assert page.get_by_role("combobox").count() == 0
    search(page)
    assert desk.asked("/v1/search")[-1].query["exclude_nudity"] == "true"


def test_a_script_can_search_with_filters(desk: Desk) -> None:
    page = desk.open()
    page.locator("embedkit-picker").evaluate(
        "picker => picker.search('ships', {family: 'editorial', orientations: 'square', sort_order: 'newest', other: 1})"
    )
    expect(page.get_by_role("searchbox")).to_have_value("ships")
    expect(page.get_by_label("Editorial")).to_be_checked()
    asked = desk.asked("/v1/search")[0].query
    assert (asked["family"], asked["orientations"], asked["sort_order"]) == ("editorial", "square", "newest")
    assert "other" not in asked
    page.locator("embedkit-picker").evaluate("picker => picker.reset()")
    assert state(page) == "first"
    expect(page.get_by_label("All", exact=True)).to_be_checked()


def test_the_same_question_is_not_asked_twice_within_minutes(desk: Desk) -> None:
    page = desk.open()
    for text in ("harbour", "pier", "harbour"):
        search(page, text)
    assert queries(desk) == ["harbour", "pier"]


def test_recent_searches_are_remembered_and_forgotten(desk: Desk) -> None:
    page = desk.open()
    for number in range(10):
        search(page, f"harbour {number}")
        until(page, f"localStorage.getItem('embedkit:recent')?.includes('harbour {number}')")
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
    page = desk.open("recent=off")
    search(page)
    tiles(page).first.click()
    insert(page)
    assert page.evaluate("localStorage.length") == 0
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})")
    page = desk.open()
    search(page)
    expect(tiles(page)).to_have_count(30)


def test_pictures_used_lately_are_kept_by_their_ids_alone(desk: Desk) -> None:
    page = desk.open()
    details(page, 2)
    insert(page)
    assert json.loads(page.evaluate("localStorage.getItem('embedkit:used')")) == ["900002"]
    page.reload()
    page.get_by_role("group", name="Recently used").get_by_role("button").click()
    expect(page.get_by_role("heading", name="Resolved 900002")).to_be_visible()


# -- results -----------------------------------------------------------------------------------------------


def test_how_many_there_are_is_always_known(desk: Desk) -> None:
    desk.service.total = 1230
    page = desk.open()
    search(page)
    expect(page.locator(".tools .count")).to_have_text("30 of 1,230")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".tools .count")).to_have_text("60 of 1,230")
    assert heard(page, "results") == [{"query": "harbour", "total": 1230, "page": number} for number in (1, 2)]


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
        assert len({round(height) for *_, height in row}) == 1
    for place, (*_, wide, high) in enumerate(boxes):
        image = desk.service.image(place)
        assert wide / high == pytest.approx(min(3.2, image["width"] / image["height"]), rel=0.06)
    if width == 320:
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
    assert after == before


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


# -- details -----------------------------------------------------------------------------------------------


def test_details_leave_the_tile_where_it_was(desk: Desk) -> None:
    page = desk.open()
    search(page)
    page.locator(".main").evaluate("main => { main.scrollTop = 400; }")
    tile = tiles(page).nth(14)
    before = tile.bounding_box()
    tile.click()
    after = tile.bounding_box()
    assert before
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=2)
    page.get_by_role("button", name="Next picture").click()
    expect(page.get_by_role("button", name="Next picture")).to_be_focused()
    expect(page.locator(".bar .count")).to_have_text("16 of 70")


def test_the_next_picture_may_be_on_the_next_page(desk: Desk) -> None:
    page = desk.open()
    details(page, 29)
    page.get_by_role("button", name="Next picture").click()
    expect(page.locator(".bar .count")).to_have_text("31 of 70")
    expect(tiles(page)).to_have_count(60)


def test_what_is_said_goes_into_the_shortcode(desk: Desk) -> None:
    page = desk.open()
    details(page)
    code = page.locator(".code")
    expect(code).to_have_text("[getty 900000]")
    page.get_by_label("Right").check()
    page.get_by_label("Width in pixels").fill("480")
    page.get_by_label("Caption", exact=True).select_option("By Getty Images")
    page.get_by_label("Form").select_option("Picture that asks first")
    expect(code).to_have_text('[getty src="900000" width="480" caption="true" align="right" target="facade"]')
    page.get_by_label("Caption", exact=True).select_option("Own words")
    page.get_by_label("Words of the caption").fill('Quay [east] "B" & <co>')
    page.get_by_label("Alternative text").fill("Boats")
    page.get_by_label("Form").select_option("As the site does")
    expect(page.locator("#alt-hint")).to_have_text("")
    expect(code).to_have_text(
        '[getty src="900000" width="480" caption="Quay &#91;east&#93; &#34;B&#34; &#38; &#60;co&#62;" align="right" title="Boats"]'
    )
    page.get_by_role("button", name="Back to the results").click()
    tiles(page).first.click()
    expect(page.get_by_label("Alternative text")).to_have_value("Boats")  # it is kept
    page.get_by_label("Words of the caption").fill("]" * 900)
    page.get_by_role("button", name="Insert").click()
    assert (
        page.get_by_label("Words of the caption")
        .evaluate("field => field.validationMessage")
        .startswith("This is too long")
    )
    assert heard(page, "select") == []


def test_its_shortcodes_are_those_of_the_library(desk: Desk) -> None:
    """What an editor says is what embedkit reads, whatever signs are in it."""
    page = desk.open()
    texts = [
        *HOSTILE,
        "yes",
        "Off",
        "a\tb\n c",
        "“quoted” «text»",
        "[getty 1]",
        "\\",
        "&#34;",
        "عربي",
        "日本語 😀",
    ]
    said = [{"width": 480, "caption": text, "title": text, "align": "left", "target": "card"} for text in texts]
    written = page.evaluate(
        "async said => { const { shortcode } = await import('/static/embedkit-picker.js'); return said.map(one => shortcode('1,2', one)); }",
        said,
    )
    for text, tag in zip(texts, written, strict=True):
        found = shortcodes.find(tag, "html")
        assert [one.kind for one in found] == ["shortcode"], tag
        folded = " ".join(text.split()) or None
        assert found[0].options == Options(
            max_width=480, caption=folded, title=folded, align="left", target="card"
        )
        assert (found[0].start, found[0].end) == (0, len(tag))


def test_the_preview_is_the_services_own_page_and_follows(desk: Desk) -> None:
    page = desk.open()
    details(page)
    page.get_by_label("As inserted").check(force=True)
    frame = page.locator(".stage iframe")
    expect(frame).to_have_attribute("title", "Preview: Harbour at dusk 1")
    address = frame.get_attribute("src") or ""
    assert address.startswith(f"{desk.site.url}/embed/900000?target=web&maxwidth=592#?secret=")
    page.get_by_label("Left").check()
    page.get_by_label("Caption", exact=True).select_option("By Getty Images")
    until(
        page,
        "document.querySelector('embedkit-picker').shadowRoot.querySelector('iframe').src.includes('maxwidth=320&caption=true')",
    )
    expect(frame).to_have_class("frame left")


def test_copies(desk: Desk) -> None:
    page = desk.open(permissions=["clipboard-read", "clipboard-write"])
    details(page)
    page.get_by_label("Left").check()
    for name, what, text in (
        ("Copy shortcode", "Shortcode", '[getty src="900000" align="left"]'),
        ("Copy HTML", "HTML", "<figure>web of 900000</figure>"),
        ("Copy link", "Link", "https://gty.im/900000"),
    ):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("status")).to_have_text(f"{what} copied")
        assert page.evaluate("navigator.clipboard.readText()") == text
    assert json.loads(desk.asked("/v1/embeds")[-1].body)["refs"] == [{"ref": "900000", "align": "left"}]


def test_copies_without_the_permission(desk: Desk) -> None:
    page = desk.open()
    details(page)
    page.evaluate("""() => {
        navigator.clipboard.writeText = navigator.clipboard.write = () => Promise.reject(new Error('refused'));
        document.addEventListener('copy', () => { window.copied = document.querySelector('embedkit-picker').shadowRoot.activeElement.value; });
    }""")
    page.get_by_role("button", name="Copy shortcode").click()
    expect(page.get_by_role("status")).to_have_text("Shortcode copied")
    assert page.evaluate("copied") == "[getty 900000]"
    expect(page.get_by_role("button", name="Copy shortcode")).to_be_focused()
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text("Copying did not work")


def test_a_picture_can_be_dragged(desk: Desk) -> None:
    page = desk.open()
    search(page)
    drag = """tile => {
        const data = new DataTransfer();
        tile.dispatchEvent(new DragEvent('dragstart', {bubbles: true, composed: true, dataTransfer: data}));
        return Object.fromEntries([...data.types].map(type => [type, data.getData(type)]));
    }"""
    assert tiles(page).nth(1).evaluate(drag) == {
        "text/plain": "[getty 900001]",
        "text/uri-list": "https://www.gettyimages.com/detail/900001",
        "text/html": '<p><a href="https://www.gettyimages.com/detail/900001">A lighthouse keeper\'s morning 2</a>'
        " Sofía Jansen / Tidewater RM / Getty Images</p>",
    }
    with page.expect_response(lambda one: "900002?target=facade" in one.url):
        tiles(page).nth(2).click()
    assert page.locator(".stage img").evaluate(drag)["text/html"] == "<figure>facade of 900002</figure>"


# -- choosing ----------------------------------------------------------------------------------------------


def test_a_choice_says_all_there_is_to_know(desk: Desk) -> None:
    page = desk.open()
    details(page, 1)
    chosen = insert(page)
    image = desk.service.image(1)
    one = {
        **{
            name: image[name]
            for name in ("id", "title", "caption", "photographer", "credit", "collection", "width", "height")
        },
        "date": image["date_created"],
        "orientation": "vertical",
        "alt": image["title"],
        "embeddable": True,
        "thumb": image["thumb"]["url"],
        "pageUrl": image["page_url"],
        "shortcode": "[getty 900001]",
        "url": "https://gty.im/900001",
        "html": "<figure>web of 900001</figure>",
        "markdown": "<figure>markdown of 900001</figure>",
        "oembed": "<figure>oembed of 900001</figure>",
    }
    assert chosen == {**one, "items": [one], "value": "[getty 900001]"}
    sync = heard(page, "select-sync")[0]
    assert (sync["shortcode"], sync["html"]) == ("[getty 900001]", None)
    expect(page.get_by_role("status")).to_have_text(f"Inserted: {image['title']}")
    expect(tiles(page).nth(1)).to_be_focused()


def test_a_choice_can_be_objected_to(desk: Desk) -> None:
    page = desk.open(body='<embedkit-picker name=p value="[getty 1]"></embedkit-picker>')
    page.evaluate(
        "addEventListener('embedkit-select', event => { window.meanwhile = event.target.value; event.preventDefault(); })"
    )
    details(page)
    insert(page)
    assert page.evaluate("meanwhile") == "[getty 900000]"
    assert page.evaluate("document.querySelector('embedkit-picker').value") == "[getty 1]"
    expect(page.locator(".side")).to_be_visible()


def test_a_service_that_is_down_keeps_nobody_from_inserting(desk: Desk) -> None:
    page = desk.open()
    details(page)
    page.route("**/v1/embeds", lambda route: route.abort())
    chosen = insert(page)
    assert (chosen["shortcode"], chosen["html"], chosen["markdown"]) == ("[getty 900000]", None, None)


def test_who_wants_markup_is_told_that_there_is_none(desk: Desk) -> None:
    page = desk.open("output=html")
    details(page)
    page.route("**/v1/embeds", lambda route: route.abort())
    page.get_by_role("button", name="Insert").click()
    expect(page.locator(".side .problem")).to_have_text("The markup cannot be had right now. Please try again.")
    page.unroute("**/v1/embeds")
    assert insert(page)["value"] == "<figure>web of 900000</figure>"


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("shortcode", "[getty 900000]\n\n[getty 900002]"),
        ("url", "https://gty.im/900000\nhttps://gty.im/900002"),
        ("html", "<figure>web of 900000</figure>\n<figure>web of 900002</figure>"),
        ("markdown", "<figure>markdown of 900000</figure>\n\n<figure>markdown of 900002</figure>"),
    ],
)
def test_several_pictures_in_the_order_of_choice(desk: Desk, output: str, value: str) -> None:
    page = desk.open(f"multiple output={output}")
    search(page)
    for place in (0, 2):
        page.locator(".mark").nth(place).click()
    assert [page.locator(".mark").nth(place).inner_text() for place in range(3)] == ["1", "", "2"]
    page.get_by_role("button", name="Insert 2 pictures").click()
    until(page, "heard.some(([name]) => name === 'select')")
    chosen = heard(page, "select")[0]
    assert chosen["value"] == value
    assert [one["id"] for one in chosen["items"]] == ["900000", "900002"]
    expect(page.get_by_role("group", name="Selection")).to_be_hidden()


def test_up_to_five_make_a_slideshow(desk: Desk) -> None:
    page = desk.open("multiple")
    search(page)
    show = page.get_by_role("button", name="Insert as slideshow")
    tiles(page).nth(0).click(modifiers=["Control"])
    expect(show).to_have_count(0)
    tiles(page).nth(5).click(modifiers=["Shift"])
    expect(page.get_by_role("button", name="Insert 6 pictures")).to_be_visible()
    expect(show).to_have_count(0)
    page.locator(".mark").nth(3).click()
    show.click()
    until(page, "heard.some(([name]) => name === 'select')")
    chosen = heard(page, "select")[0]
    ids = "900000,900001,900002,900004,900005"
    assert (chosen["id"], chosen["shortcode"], chosen["url"]) == (ids, f"[getty {ids}]", f"https://gty.im/{ids}")
    assert chosen["title"] == "Harbour at dusk 1 and 4 more"
    assert len(chosen["items"]) == 1


def test_each_of_several_is_inserted_as_was_said_of_it(desk: Desk) -> None:
    page = desk.open("multiple")
    details(page, 1)
    page.get_by_label("Left").check()
    page.get_by_label("Form").select_option("Link with credit")
    page.get_by_role("button", name="Select", exact=True).click()
    page.locator(".mark").nth(0).click()
    page.get_by_role("button", name="Insert 2 pictures").click()
    until(page, "heard.some(([name]) => name === 'select')")
    first, second = heard(page, "select")[0]["items"]
    assert (first["shortcode"], first["html"]) == (
        '[getty src="900001" align="left" target="card"]',
        "<figure>card of 900001</figure>",
    )
    assert (second["shortcode"], second["html"]) == ("[getty 900000]", "<figure>web of 900000</figure>")


# -- in forms ----------------------------------------------------------------------------------------------

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


# -- attributes, words, dialogs ----------------------------------------------------------------------------


def test_a_query_is_searched_for_at_once_and_again_when_it_changes(desk: Desk) -> None:
    page = desk.open('query="harbour"')
    expect(tiles(page)).to_have_count(30)
    page.locator("embedkit-picker").evaluate("picker => { picker.query = 'pier'; }")
    until(page, "heard.filter(([name]) => name === 'results').length === 2")
    assert queries(desk) == ["harbour", "pier"]


def test_rows_and_columns(desk: Desk) -> None:
    page = desk.open()
    search(page)
    height = "tile => tile.firstChild.getBoundingClientRect().height"
    usual = tiles(page).first.evaluate(height)
    page.locator("embedkit-picker").evaluate("picker => { picker.columns = '2'; }")
    assert tiles(page).first.evaluate(height) > usual * 1.5
    page = desk.open("columns=12")
    search(page)
    assert tiles(page).first.evaluate(height) < usual


def test_events_leave_the_shadow_tree(desk: Desk) -> None:
    page = desk.open()
    page.evaluate(
        "document.body.addEventListener('embedkit-focus', event => { window.target = event.target.localName; })"
    )
    search(page)
    tiles(page).nth(1).focus()
    assert page.evaluate("target") == "embedkit-picker"
    assert heard(page, "ready") == [{}]
    assert heard(page, "focus")[-1]["id"] == "900001"


@pytest.mark.parametrize(("said", "spoken"), [("de-AT", "de"), ("pt", "pt-BR"), ("sv", "en"), ("AR", "ar")])
def test_the_language_is_the_nearest(desk: Desk, said: str, spoken: str) -> None:
    page = desk.open(lang=said)
    words = json.loads((static_dir() / "locales" / f"{spoken}.json").read_text("utf-8"))
    expect(page.locator(".panel h3")).to_have_text(words["first_title"])
    assert page.locator(".picker").get_attribute("dir") == words["direction"]
    search(page)
    assert desk.asked("/v1/search")[0].query["lang"] == said


def test_the_language_can_change_and_every_word_be_replaced(desk: Desk) -> None:
    page = desk.open()
    search(page)
    picker = page.locator("embedkit-picker")
    picker.evaluate("picker => { picker.lang = 'de'; }")
    expect(page.get_by_role("button", name="Mehr laden")).to_be_visible()
    picker.evaluate("picker => { picker.i18n = {more: 'Weiter!'}; }")
    expect(page.get_by_role("button", name="Weiter!")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("harbour")


def test_without_its_words_it_still_works(desk: Desk) -> None:
    page = desk.open(body="<p></p>")
    page.route("**/locales/*", lambda route: route.abort())
    page.evaluate("document.querySelector('p').append(document.createElement('embedkit-picker'))")
    page.locator(".picker[data-state]").wait_for()
    search(page)
    expect(tiles(page)).to_have_count(30)


def test_a_dialog_takes_options_and_the_page_is_as_before(desk: Desk) -> None:
    desk.service.options = (
        '{"query": "harbour", "lang": "fr", "pageSize": 9, "multiple": true, "i18n": {"title": "Choisir"}}'
    )
    page = desk.open(body="<p>A post.</p>")
    before = page.evaluate("document.body.children.length")
    page.locator("#opener").click()
    expect(page.get_by_role("dialog", name="Choisir")).to_be_visible()
    expect(tiles(page)).to_have_count(9)
    page.locator(".mark").first.click()
    page.get_by_role("button", name="Insérer 1 image").click()
    assert until(page, "window.choice")["id"] == "900000"
    assert page.evaluate("document.body.children.length") == before


def test_an_element_in_the_page_can_be_opened_too(desk: Desk) -> None:
    page = desk.open()
    search(page)
    picker = page.locator("embedkit-picker")
    picker.evaluate("picker => { window.opened = picker.open(); }")
    expect(page.get_by_role("dialog")).to_be_visible()
    picker.evaluate("picker => picker.close()")
    assert page.evaluate("opened") is None
    expect(tiles(page)).to_have_count(30)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_modal_ones_are_not_shown_before(desk: Desk) -> None:
    page = desk.open("modal")
    expect(page.get_by_role("searchbox", include_hidden=True)).to_be_hidden()


def test_the_real_service_from_the_first_letter_to_the_value(room: Desk) -> None:
    """The service itself over the sandbox, under the strict policy, with what it says of itself."""
    with SandboxServer() as sandbox:
        rows: dict[str, Any] = {
            "cache": "memory:",
            "secret": "s" * 40,
            "rate_limit": "10000/minute",
            "search_access": "open",
        }
        kit = EmbedKit(sandbox.settings(**rows))
        server = waitress.create_server(create_app(kit=kit), host="127.0.0.1", port=0, threads=8)
        threading.Thread(target=server.run, daemon=True).start()
        page = room.browser.new_page(viewport={"width": 1280, "height": 800})
        said: list[str] = []
        asked: list[Request] = []
        answered: list[Response] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda one: asked.append(one))
        page.on("response", lambda one: answered.append(one))
        page.goto(f"http://127.0.0.1:{server.effective_port}/picker?lang=en")
        page.get_by_role("searchbox").fill("solar eclipse")
        expect(tiles(page)).to_have_count(30)
        expect(tiles(page).first.locator("img.there")).to_be_visible()
        tiles(page).nth(2).click()
        page.get_by_label("As inserted").check(force=True)
        frame = page.frame_locator(".stage iframe").frame_locator("iframe")
        expect(frame.locator("img").first).to_be_visible()
        stage = page.locator(".stage").bounding_box()
        assert stage
        assert stage["height"] > 150  # the frame told its height
        page.get_by_label("Right").check()
        page.get_by_role("button", name="Copy HTML").click()
        page.get_by_role("button", name="Insert").click()
        picker = page.locator("embedkit-picker")
        expect(page.get_by_role("status")).to_contain_text("Inserted: ")
        value = picker.evaluate("picker => picker.value")
        assert kit.parse(value).options.align == "right"
        assert "<iframe" in kit.html(value)
        assert [text for text in said if "404" not in text] == []  # no icon
        assert {urlsplit(call.path).path for call in sandbox.calls} >= {"/oembed"}
        ours, theirs = f"http://127.0.0.1:{server.effective_port}/", f"{sandbox.url}/"
        assert all(one.url.startswith((ours, theirs, "data:")) for one in asked)
        assert {one.resource_type for one in asked if one.url.startswith(theirs)} <= {
            "image",
            "document",
            "stylesheet",
            "script",
        }
        sent = "".join(f"{one.url} {one.headers} {one.post_data}" for one in asked)
        texts = "".join(one.text() for one in answered if one.url.startswith(ours) and one.ok)
        assert not any(
            secret in sent + texts for secret in (credentials.KEY, credentials.SECRET, credentials.PASSWORD)
        )
        page.context.close()
        server.close()
        kit.close()
