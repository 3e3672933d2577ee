"""The details of a picture: facts, options, preview, copying and dragging."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from embedkit.models import Options
from embedkit.shortcodes import scan
from tests.support.embeds import HOSTILE
from tests.support.picker import (
    Desk,
    details,
    events,
    search,
    tiles,
    wait_until,
)


def test_details_leave_the_tile_where_it_was(desk: Desk) -> None:
    page = desk.open()
    search(page)
    page.locator(".main").evaluate("main => { main.scrollTop = 400; }")
    tile = tiles(page).nth(10)
    before = tile.bounding_box()
    tile.click()
    after = tile.bounding_box()
    assert before
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=2)
    page.get_by_role("button", name="Next picture").click()
    expect(page.get_by_role("button", name="Next picture")).to_be_focused()
    expect(page.locator(".bar .count")).to_have_text("12 of 70")


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
    page.get_by_label("Caption", exact=True).select_option("Getty's caption")
    page.get_by_label("Display as").select_option("Click to load")
    expect(code).to_have_text('[getty src="900000" width="480" caption="true" align="right" target="facade"]')
    page.get_by_label("Caption", exact=True).select_option("Custom")
    expect(page.get_by_label("Caption text")).to_be_in_viewport(ratio=1)  # it has scrolled into view
    page.get_by_label("Caption text").fill('Quay [east] "B" & <co>')
    page.get_by_label("Alternative text").fill("Boats")
    page.get_by_label("Display as").select_option("Site default")
    expect(page.locator("#alt-hint")).to_have_text("")
    expect(code).to_have_text(
        '[getty src="900000" width="480" caption="Quay &#91;east&#93; &#34;B&#34; &#38; &#60;co&#62;" align="right" title="Boats"]'
    )
    page.get_by_role("button", name="Back to the results").click()
    tiles(page).first.click()
    expect(page.get_by_label("Alternative text")).to_have_value("Boats")  # it is kept
    page.get_by_label("Caption text").fill("]" * 900)
    page.get_by_role("button", name="Insert").click()
    assert (
        page.get_by_label("Caption text")
        .evaluate("field => field.validationMessage")
        .startswith("This is too long")
    )
    assert events(page, "select") == []


def test_its_shortcodes_are_those_of_the_library(desk: Desk) -> None:
    """embedkit reads what the editor has written, whatever characters it contains."""
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
        found = scan.find(tag, "html")
        assert [one.kind for one in found] == ["shortcode"], tag
        folded = " ".join(text.split()) or None
        assert found[0].options == Options(
            max_width=480, caption=folded, title=folded, align="left", target="card"
        )
        assert (found[0].start, found[0].end) == (0, len(tag))


def test_the_preview_is_the_services_own_page_and_follows(desk: Desk) -> None:
    page = desk.open()
    details(page)
    page.get_by_label("Preview", exact=True).check(force=True)
    frame = page.locator(".stage iframe")
    expect(frame).to_have_attribute("title", "Preview: Harbour at dusk 1")
    address = frame.get_attribute("src") or ""
    assert address.startswith(f"{desk.site.url}/embed/900000?target=web&maxwidth=592#?secret=")
    page.get_by_label("Left").check()
    page.get_by_label("Caption", exact=True).select_option("Getty's caption")
    wait_until(
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
    assert json.loads(desk.requests("/v1/embeds")[-1].body)["refs"] == [{"ref": "900000", "align": "left"}]


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
    expect(page.get_by_role("status")).to_contain_text("Couldn't copy")


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
