"""Every state of the picker: reachable, named, distinct, and accessible in both themes, widths and directions."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from embedkit.files.installed import static_dir
from tests.support.picker import (
    COLORS,
    Desk,
    axe_violations,
    events,
    problem,
    search,
    settle,
    state,
    tiles,
    violations,
)

WIDTHS = (320, 1280)
LANGUAGES = ("de", "ar")  # the longest words, and right to left
# Texts that are cut off. Names below narrow tiles and captions may be, everything else must fit.
CLIPPED = """() => {
  const root = document.querySelector('embedkit-picker').shadowRoot;
  const meant = '.unseen, .by, .name, .name *, .caption, .markup, .code, select, textarea, svg, svg *, .segment input';
  return [...root.querySelectorAll('.picker *')].filter(node => {
    if (node.matches(meant) || node.clientWidth === 1 || !node.checkVisibility() || !node.textContent.trim()) return false;
    const hides = getComputedStyle(node).overflowX !== 'visible' && !node.matches('.main, .scroll, .picker, .side');
    const out = node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline';
    const frame = root.querySelector('.picker').getBoundingClientRect(), box = node.getBoundingClientRect();
    return (out && (hides || node.matches('button, label, h2, h3, h4, p, dd, dt, legend'))) || box.right > frame.right + 1 || box.left < frame.left - 1;
  }).map(node => `${node.localName}.${node.className}: ${node.textContent.slice(0, 60)}`);
}"""

# The texts on the screen, without those for screen readers only.
READ = """() => {
  const words = [];
  const walk = node => {
    if (node.nodeType === Node.TEXT_NODE) words.push(node.data);
    else if (node.checkVisibility() && !node.matches('.unseen, option:not(:checked)')) node.childNodes.forEach(walk);
  };
  walk(document.querySelector('embedkit-picker').shadowRoot.querySelector('.picker'));
  return words.join('');
}"""


@pytest.fixture(name="pages", scope="module")
def fixture_pages(room: Desk) -> Iterator[dict[tuple[int, str], Page]]:
    """One page for each width and language: a picker in a form that allows several pictures."""
    attributes = 'multiple targets="markdown" page-size="9" autoload="off" sandbox endpoint="/"'
    field = f"<form><embedkit-picker {attributes}></embedkit-picker></form>"
    made = {}
    for width in WIDTHS:
        for language in LANGUAGES:
            page = room.open(width=width, height=760, lang=language, body=field, reduced_motion="reduce")
            page.evaluate("document.documentElement.dir = document.documentElement.lang === 'ar' ? 'rtl' : 'ltr'")
            room.opened.remove(page)  # it is used for all states
            made[width, language] = page
    yield made
    broken = [one for page in made.values() for one in violations(page)]
    for page in made.values():
        page.context.close()
    assert broken == []


Setting = Callable[[Desk, Page], None]
NUMBERS = itertools.count(1)


def said(key: str, language: str) -> list[str]:
    """Return the words for a key, without placeholders; anything else is returned unchanged."""
    words = json.loads((static_dir() / "locales" / f"{language}.json").read_text("utf-8")).get(key, key)
    return re.split(r"\{\w+\}", words) if isinstance(words, str) else []


def ask(page: Page) -> None:
    """Return a new query, as responses of the last minutes are cached."""
    search(page, f"harbour {next(NUMBERS)}")


def fails(status: int, code: str, retry_after: int | None = None) -> Setting:
    def reach(desk: Desk, page: Page) -> None:
        desk.service.search = lambda _: problem(status, code, retry_after)
        ask(page)

    return reach


def asks(text: str) -> Setting:
    return lambda desk, page: search(page, text)


def first(desk: Desk, page: Page) -> None:
    """With recent searches and pictures, and the newest pictures."""
    page.evaluate("const now = Date.now; Date.now = () => now() + 400_000")  # its cache has expired
    desk.service.newest = 6
    search(page, "tall ships")
    tiles(page).first.click()
    page.locator(".actions .primary").click()
    expect(page.locator(".side")).to_be_hidden()
    page.evaluate("document.querySelector('embedkit-picker').reset()")
    expect(page.locator(".used")).to_have_count(1 + 6)


def loading(desk: Desk, page: Page) -> None:
    desk.service.gate = threading.Event()
    page.get_by_role("searchbox").fill("harbour")
    expect(page.locator(".bones")).to_be_visible()
    language = page.locator(".picker").get_attribute("lang") or ""
    expect(page.locator(".picker > [role=status]")).to_have_text(
        said("loading", language)
    )  # announced; the skeleton is visible


def refetching(desk: Desk, page: Page) -> None:
    search(page)
    desk.service.gate = threading.Event()
    page.get_by_role("searchbox").fill("lighthouse")
    expect(page.locator(".grid[aria-busy=true]")).to_be_visible()


def none(desk: Desk, page: Page) -> None:
    desk.service.total = 0
    page.evaluate(
        "document.querySelector('embedkit-picker').search('a long phrase of words', {orientations: 'square'})"
    )
    expect(page.locator(".panel.none")).to_be_visible()


def end(desk: Desk, page: Page) -> None:
    desk.service.total = 3
    ask(page)
    expect(page.locator(".end")).to_be_visible()


def offline(desk: Desk, page: Page) -> None:
    page.context.set_offline(True)
    ask(page)


def broken(desk: Desk, page: Page) -> None:
    desk.service.search = lambda _: (200, {"Content-Type": "text/html"}, "<h1>Bad gateway</h1>")
    ask(page)


def stale(desk: Desk, page: Page) -> None:
    query = f"harbour {next(NUMBERS)}"
    page.evaluate("window.now = Date.now; Date.now = () => now() - 400000")
    search(page, query)
    page.evaluate("Date.now = now")
    desk.service.search = lambda _: problem(503, "unavailable")
    search(page, "")
    search(page, query)
    expect(page.locator(".notice")).to_be_visible()


def few(desk: Desk, page: Page) -> None:
    def found(query: Any) -> Any:
        status, headers, body = desk.service.found(query)
        return status, {**headers, "Search-Budget-Limit": "1000", "Search-Budget-Remaining": "99"}, body

    desk.service.search = found
    ask(page)
    expect(page.locator(".notice")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("99")


def rest_failed(desk: Desk, page: Page) -> None:
    ask(page)
    desk.service.search = lambda _: problem(429, "rate-limited", 90)
    page.locator(".more").click()
    expect(page.locator(".failed")).to_be_visible()


def filtered(desk: Desk, page: Page) -> None:
    search(page)
    if page.locator(".toggle").is_visible() and page.locator(".toggle").get_attribute("aria-expanded") != "true":
        page.locator(".toggle").click()
    page.locator(".pick.orientation select").select_option("vertical")
    page.locator(".color summary").click()
    page.locator(".color input[value='3f9b4f']").check()
    settle(page)


def details(desk: Desk, page: Page) -> None:
    search(page)
    tiles(page).nth(1).click()
    page.locator(".field.caption select").select_option("own")


def as_inserted(desk: Desk, page: Page) -> None:
    details(desk, page)
    page.locator(".views .segment").nth(1).click()
    expect(page.locator(".stage iframe")).to_be_visible()


def as_markup(desk: Desk, page: Page) -> None:
    details(desk, page)
    page.locator(".field.target select").select_option("markdown")
    page.locator(".views .segment").nth(1).click()
    expect(page.locator(".markup")).to_have_text("<figure>markdown of 900001</figure>")


def not_embeddable(desk: Desk, page: Page) -> None:
    desk.service.first = 1000 + next(NUMBERS)
    desk.service.embed = lambda ref, _: {
        "ref": ref,
        "error": {"code": "not-embeddable", "title": "", "detail": ""},
    }
    ask(page)
    tiles(page).first.click()
    expect(page.locator(".side .problem")).to_be_visible()


def selected(desk: Desk, page: Page) -> None:
    search(page)
    for place in (0, 2, 3):
        page.locator(".mark").nth(place).click()


def selecting(desk: Desk, page: Page) -> None:
    """With the details of a picture that is not selected, and of one that is."""
    search(page)
    for place in (0, 2):
        page.locator(".mark").nth(place).click()
    tiles(page).nth(1).click()
    if page.locator(".picker[data-narrow]").count():
        page.locator(".select").click()


STATES: dict[str, tuple[str, Setting]] = {
    "first use": ("first", first),
    "loading": ("loading", loading),
    "results": ("results", asks("harbour")),
    "refetching": ("results", refetching),
    "filtered": ("results", filtered),
    "none found": ("none", none),
    "end": ("results", end),
    "more failed": ("results", rest_failed),
    "out of date": ("results", stale),
    "nearly spent": ("results", few),
    "offline": ("offline", offline),
    "no key": ("setup", fails(503, "not-configured")),
    "no grant": ("token", fails(401, "token-required")),
    "forbidden": ("forbidden", fails(403, "forbidden")),
    "wrong key": ("key", fails(502, "unauthorized")),
    "throttled": ("throttled", fails(429, "throttled", 27)),
    "quota spent": ("quota", fails(429, "quota-exhausted", 4000)),
    "server error": ("server", fails(500, "error")),
    "no answer of ours": ("server", broken),
    "not understood": ("request", fails(400, "invalid-request")),
    "withdrawn": ("withdrawn", asks("500404")),
    "not for embedding": ("refused", asks("https://gty.im/500403")),
    "no reference": ("reference", asks("https://example.org/a")),
    "details": ("results", details),
    "as inserted": ("results", as_inserted),
    "as markup": ("results", as_markup),
    "details of one that may not": ("results", not_embeddable),
    "selection": ("results", selected),
    "selecting in details": ("results", selecting),
}

# The words of each state that describe it and what to do, by their keys in locales/*.json.
SAID: dict[str, tuple[str, ...]] = {
    "first use": (
        "first_title",
        "first_text",
        "samples_label",
        "recent",
        "recent_clear",
        "used",
        "newest",
    ),
    "loading": (),
    "results": ("count", "more"),
    "refetching": ("count",),
    "filtered": ("filters_clear",),
    "none found": ("none_title", "none_filters", "none_shorter", "filters_clear"),
    "end": ("end",),
    "more failed": ("throttled_title", "throttled_text", "retry_in"),
    "out of date": ("stale", "retry"),
    "nearly spent": ("budget", "count"),
    "offline": ("offline_title", "offline_text", "retry"),
    "no key": ("setup_title", "setup_text", "docs", "EMBEDKIT_API_KEY"),
    "no grant": ("token_title", "token_text", "service_says"),
    "forbidden": ("forbidden_title", "forbidden_text", "service_says"),
    "wrong key": ("key_title", "key_text", "service_says", "EMBEDKIT_API_KEY"),
    "throttled": ("throttled_title", "throttled_text", "retry_in"),
    "quota spent": ("quota_title", "quota_text", "retry_in"),
    "server error": ("server_title", "server_text", "retry"),
    "no answer of ours": ("server_title", "server_text", "retry"),
    "not understood": ("request_title", "request_text"),
    "withdrawn": ("withdrawn_title", "withdrawn_text"),
    "not for embedding": ("refused_title", "refused_text"),
    "no reference": ("reference_title", "reference_text"),
    "details": (
        "photographer",
        "collection",
        "size",
        "family",
        "page",
        "alt",
        "alt_hint",
        "insert",
        "copy_shortcode",
        "more_like",
        "similar",
        "like",
        "event",
        "keywords",
    ),
    "as inserted": ("insert", "view_embed"),
    "as markup": ("insert", "view_embed"),
    "details of one that may not": ("refused_title", "insert"),
    "selection": ("selected", "insert_all", "selection_clear"),
    "selecting in details": ("select",),
}


@pytest.mark.parametrize(("width", "language"), [(320, "de"), (320, "ar"), (1280, "de")])
@pytest.mark.parametrize("name", STATES)
def test_every_state_is_accessible_and_fits(
    desk: Desk, pages: dict[tuple[int, str], Page], name: str, width: int, language: str
) -> None:
    page = pages[width, language]
    expected, reach = STATES[name]
    desk.service.reset()
    page.evaluate("""() => {
        const picker = document.querySelector('embedkit-picker');
        localStorage.clear();
        picker.reset();
        picker.value = '';
        picker.shadowRoot.querySelector('.views input')?.click();
    }""")
    try:
        reach(desk, page)
        assert state(page) == expected
        found = {}
        for scheme, rules in (("light", None), ("dark", COLORS)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            if wrong := axe_violations(page, rules):
                found[scheme] = wrong
        assert found == {}
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        seen = page.evaluate(READ)
        words = [part for key in ("sandbox", *SAID[name]) for part in said(key, language)]
        assert [part for part in words if part not in seen] == []
        assert violations(page) == []
    finally:
        if desk.service.gate:
            desk.service.gate.set()
        page.context.set_offline(False)
        if name in ("as inserted", "as markup"):
            page.locator(".views .segment").first.click()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no key", "EMBEDKIT_API_KEY"),
        ("wrong key", "EMBEDKIT_API_KEY"),
        ("forbidden", "Said by the service."),
        ("withdrawn", "no longer available"),
        ("not for embedding", "can't be embedded"),
        ("no reference", "That is no picture."),
        ("offline", "You are offline"),
    ],
)
def test_what_went_wrong_is_told_and_spoken(desk: Desk, name: str, says: str) -> None:
    page = desk.open()
    STATES[name][1](desk, page)
    panel = page.locator(".panel")
    expect(panel).to_contain_text(says)
    expect(page.get_by_role("alert")).to_have_text(
        f"{panel.locator('h3').inner_text()}. {panel.locator('p').first.inner_text()}"
    )
    told: Any = events(page, "error")[0]
    assert sorted(told) == ["retryAfter", "status", "type"]
    page.context.set_offline(False)


@pytest.mark.parametrize("name", ["withdrawn", "not for embedding", "no reference", "not understood"])
def test_where_asking_again_would_change_nothing_it_is_not_offered(desk: Desk, name: str) -> None:
    page = desk.open()
    STATES[name][1](desk, page)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_without_a_key_the_way_to_one_is_shown(desk: Desk) -> None:
    page = desk.open()
    STATES["no key"][1](desk, page)
    link = page.get_by_role("link", name="How to set this up")
    expect(link).to_have_attribute("href", f"{desk.site.url}/docs#error-not-configured")


def test_a_throttle_counts_down_and_then_lets_through(desk: Desk) -> None:
    page = desk.open()
    page.clock.install()
    fails(429, "throttled", 27)(desk, page)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_have_text(re.compile(r"Try again in 0:2[5-7]"))  # it counts down
    expect(again).to_have_attribute("aria-disabled", "true")
    asked = len(desk.requests("/v1/search"))  # slow typing searches twice
    again.click(force=True)
    page.clock.run_for(10_000)
    expect(again).to_have_text(re.compile(r"Try again in 0:1[5-7]"))
    assert len(desk.requests("/v1/search")) == asked
    found = events(page, "error")
    assert found
    assert all(one == {"type": "throttled", "status": 429, "retryAfter": 27} for one in found)
    page.clock.run_for(18_000)
    expect(again).to_have_text("Try again")
    desk.service.search = desk.service.found
    again.click()
    expect(tiles(page)).to_have_count(30)


def test_a_spent_quota_has_an_event_of_its_own(desk: Desk) -> None:
    page = desk.open()
    STATES["quota spent"][1](desk, page)
    found = events(page, "quota")  # for each search: slow typing searches twice
    assert found
    assert all(one == {"retryAfter": 4000} for one in found)
    expect(page.get_by_role("button", name="Try again")).to_have_text(
        re.compile(r"Try again in 01:0[56]:\d\d")
    )  # it counts down


def test_a_connection_that_comes_back_goes_on_by_itself(desk: Desk) -> None:
    page = desk.open()
    offline(desk, page)
    assert state(page) == "offline"
    page.context.set_offline(False)
    expect(tiles(page)).to_have_count(30)


def test_a_new_grant_goes_on_by_itself(desk: Desk) -> None:
    page = desk.open("grant=old")
    desk.service.search = lambda _: problem(401, "token-required")
    search(page)
    assert state(page) == "token"
    desk.service.search = desk.service.found
    page.locator("embedkit-picker").evaluate("picker => { picker.grant = 'new' }")
    expect(tiles(page)).to_have_count(30)
    assert [one.headers["Authorization"] for one in desk.requests("/v1/search")] == ["Bearer old", "Bearer new"]


def test_an_outage_shows_what_was_found_before(desk: Desk) -> None:
    page = desk.open()
    stale(desk, page)
    expect(page.locator(".notice")).to_contain_text("may be out of date")
    expect(tiles(page)).to_have_count(30)
    desk.service.search = desk.service.found
    page.locator(".notice").get_by_role("button", name="Try again").click()
    expect(page.locator(".notice")).to_be_hidden()


def test_more_that_fails_keeps_what_is_there_and_can_be_asked_again(desk: Desk) -> None:
    page = desk.open()
    search(page)
    desk.service.search = lambda _: problem(503, "unavailable")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".failed")).to_contain_text("unavailable")
    expect(tiles(page)).to_have_count(30)
    desk.service.search = desk.service.found
    page.get_by_role("button", name="Try again").click()
    expect(tiles(page)).to_have_count(60)
    expect(tiles(page).nth(30)).to_be_focused()


def test_a_picture_that_may_not_be_embedded_is_not_inserted(desk: Desk) -> None:
    page = desk.open()
    not_embeddable(desk, page)
    insert = page.get_by_role("button", name="Insert")
    expect(insert).to_have_attribute("aria-disabled", "true")
    insert.click(force=True)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(50)
    assert events(page, "select") == []


def test_nothing_found_offers_shorter_words_and_no_filters(desk: Desk) -> None:
    page = desk.open()
    none(desk, page)
    expect(page.locator(".panel h3")).to_have_text("Nothing found for “a long phrase of words”")
    page.get_by_role("button", name="Search for “a long phrase of”").click()
    expect(page.locator(".panel h3")).to_have_text("Nothing found for “a long phrase of”")
    desk.service.total = 70
    page.locator(".panel").get_by_role("button", name="Clear filters").click()
    expect(tiles(page)).to_have_count(30)
    assert "orientations" not in desk.requests("/v1/search")[-1].query


def test_sample_pictures_are_called_so(desk: Desk) -> None:
    expect(desk.open().locator(".badge")).to_have_count(0)
    page = desk.open("sandbox")
    expect(page.locator(".badge")).to_have_text("Demo mode: sample pictures")
    page.get_by_role("button", name="solar eclipse").click()
    expect(tiles(page)).to_have_count(30)


@pytest.mark.parametrize("width", WIDTHS)
def test_forced_colours_and_more_contrast(desk: Desk, width: int) -> None:
    page = desk.open("multiple", width=width, forced_colors="active", contrast="more")
    selected(desk, page)
    chosen = page.locator(".tile[aria-selected=true] .shot").first
    assert "3px" in chosen.evaluate("node => getComputedStyle(node).outline")
    assert axe_violations(page) == []


def test_reduced_motion_moves_nothing(desk: Desk) -> None:
    page = desk.open(reduced_motion="reduce")
    loading(desk, page)
    moving = "document.querySelector('embedkit-picker').shadowRoot.getAnimations().length"
    assert page.evaluate(moving) == 0
    assert desk.service.gate
    desk.service.gate.set()


def test_the_theme_can_be_said(desk: Desk) -> None:
    page = desk.open("theme=dark")
    paper = page.locator(".picker").evaluate("node => getComputedStyle(node).backgroundColor")
    page.locator("embedkit-picker").evaluate("picker => { picker.theme = 'light' }")
    assert page.locator(".picker").evaluate("node => getComputedStyle(node).backgroundColor") != paper


@pytest.mark.parametrize(("file", "most"), [("embedkit-facade.js", 3_400), ("embedkit.css", 4_000)])
def test_what_is_loaded_is_small(file: str, most: int) -> None:
    size = len(gzip.compress((static_dir() / file).read_bytes()))
    assert size < most, size
