"""<embedkit-picker> for its host: attributes, words, dialogs, and all of it with the real service."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request, Response, expect

from embedkit import EmbedKit, create_app
from embedkit.files.installed import static_dir
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.services import auth
from tests.support.picker import (
    Desk,
    events,
    search,
    search_queries,
    tiles,
    wait_until,
)
from tests.support.servers import serving


def test_a_query_is_searched_for_at_once_and_again_when_it_changes(desk: Desk) -> None:
    page = desk.open('query="harbour"')
    expect(tiles(page)).to_have_count(30)
    page.locator("embedkit-picker").evaluate("picker => { picker.query = 'pier'; }")
    wait_until(page, "heard.filter(([name]) => name === 'results').length === 2")
    assert search_queries(desk) == ["harbour", "pier"]


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
    assert events(page, "ready") == [{}]
    assert events(page, "focus")[-1]["id"] == "900001"


@pytest.mark.parametrize(("said", "spoken"), [("de-AT", "de"), ("pt", "pt-BR"), ("tlh", "en"), ("AR", "ar")])
def test_the_language_is_the_nearest(desk: Desk, said: str, spoken: str) -> None:
    page = desk.open(lang=said)
    words = json.loads((static_dir() / "locales" / f"{spoken}.json").read_text("utf-8"))
    expect(page.locator(".panel h3")).to_have_text(words["first_title"])
    assert page.locator(".picker").get_attribute("dir") == words["direction"]
    search(page)
    assert desk.requests("/v1/search")[0].query["lang"] == said


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
    expect(tiles(page)).to_have_count(10)  # the nearest supported page size
    page.locator(".mark").first.click()
    page.get_by_role("button", name="Insérer 1 image").click()
    assert wait_until(page, "window.choice")["id"] == "900000"
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


def test_the_real_service_from_the_first_letter_to_the_shortcode(room: Desk) -> None:
    """The real service with the sandbox and a strict policy, with its console messages."""
    rows: dict[str, Any] = {
        "cache": "memory:",
        "secret": "s" * 40,
        "rate_limit": "10000/minute",
        "search_access": "open",
        "timeout": 60.0,  # so that a busy machine doesn't look like a slow Getty
    }
    with (
        SandboxServer() as sandbox,
        EmbedKit(sandbox.settings(**rows)) as kit,
        serving(create_app(kit=kit)) as url,
    ):
        page = room.browser.new_page(viewport={"width": 1280, "height": 800})
        said: list[str] = []
        asked: list[Request] = []
        answered: list[Response] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda one: asked.append(one))
        page.on("response", lambda one: answered.append(one))
        page.goto(f"{url}/picker?lang=en")
        page.get_by_role("searchbox").fill("solar eclipse")
        expect(tiles(page)).to_have_count(30, timeout=60_000)
        expect(tiles(page).first.locator("img.there")).to_be_visible(timeout=60_000)
        tiles(page).nth(2).click()
        page.get_by_label("Preview", exact=True).check(force=True)
        frame = page.frame_locator(".stage iframe").frame_locator("iframe")
        expect(frame.locator("img").first).to_be_visible()
        stage = page.locator(".stage").bounding_box()
        assert stage
        assert stage["height"] > 150  # the frame has reported its height
        page.get_by_label("Right").check()
        page.get_by_role("button", name="Copy HTML").click()
        page.locator("button.primary").click()  # no other page has opened this one, so it copies
        expect(page.locator("body > [role=status]")).to_have_text("Shortcode copied")
        value = page.get_by_role("textbox", name="Shortcode", exact=True).inner_text()
        assert kit.parse(value).options.align == "right"
        assert "<iframe" in kit.html(value)
        assert [text for text in said if "404" not in text] == []  # no icon
        assert {urlsplit(call.path).path for call in sandbox.calls} >= {"/oembed"}
        ours, theirs = f"{url}/", f"{sandbox.url}/"
        assert all(one.url.startswith((ours, theirs, "data:")) for one in asked)
        assert {one.resource_type for one in asked if one.url.startswith(theirs)} <= {
            "image",
            "document",
            "stylesheet",
            "script",
        }
        sent = "".join(f"{one.url} {one.headers} {one.post_data}" for one in asked)
        texts = "".join(one.text() for one in answered if one.url.startswith(ours) and one.ok)
        assert not any(secret in sent + texts for secret in (auth.KEY, auth.SECRET, auth.PASSWORD))
        page.context.close()
