"""Choosing: what a page receives for one picture and for several."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.picker import (
    Desk,
    details,
    events,
    insert,
    search,
    tiles,
    wait_until,
)


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
        "html": None,  # a shortcode needs no request
        "markdown": None,
        "oembed": None,
    }
    assert desk.requests("/v1/embeds") == [] or all(one.method == "GET" for one in desk.requests("/v1/embeds"))
    assert chosen == {**one, "items": [one], "value": "[getty 900001]"}
    sync = events(page, "select-sync")[0]
    assert (sync["shortcode"], sync["html"]) == ("[getty 900001]", None)
    expect(page.get_by_role("status")).to_have_text(f"Inserted: {image['title']}")
    expect(tiles(page).nth(1)).to_be_focused()


def test_a_choice_can_be_objected_to(desk: Desk) -> None:
    page = desk.open(body='<embedkit-picker name=p value="[getty 1]"></embedkit-picker>')
    page.get_by_role("button", name="Change").click()
    page.evaluate(
        "addEventListener('embedkit-select', event => { window.meanwhile = event.target.value; event.preventDefault(); })"
    )
    details(page)
    page.get_by_role("button", name="Use this picture").click()
    wait_until(page, "window.meanwhile")
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
    expect(page.locator(".side .problem")).to_have_text("Couldn't get the embed code. Please try again.")
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
    wait_until(page, "heard.some(([name]) => name === 'select')")
    chosen = events(page, "select")[0]
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
    wait_until(page, "heard.some(([name]) => name === 'select')")
    chosen = events(page, "select")[0]
    ids = "900000,900001,900002,900004,900005"
    assert (chosen["id"], chosen["shortcode"], chosen["url"]) == (ids, f"[getty {ids}]", f"https://gty.im/{ids}")
    assert chosen["title"] == "Harbour at dusk 1 and 4 more"
    assert len(chosen["items"]) == 1


def test_each_of_several_is_inserted_as_was_said_of_it(desk: Desk) -> None:
    page = desk.open("multiple output=html targets='web facade card'")
    details(page, 1)
    page.get_by_label("Left").check()
    page.get_by_label("Display as").select_option("Link with credit")
    page.get_by_role("button", name="Select", exact=True).click()
    page.locator(".mark").nth(0).click()
    page.get_by_role("button", name="Insert 2 pictures").click()
    wait_until(page, "heard.some(([name]) => name === 'select')")
    first, second = events(page, "select")[0]["items"]
    assert (first["shortcode"], first["html"]) == (
        '[getty src="900001" align="left" target="card"]',
        "<figure>card of 900001</figure>",
    )
    assert (second["shortcode"], second["html"]) == ("[getty 900000]", "<figure>web of 900000</figure>")
