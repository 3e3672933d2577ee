"""The page /picker in a browser: who receives a choice, what it loads, and how it works without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from embedkit import EmbedKit, create_app
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.content.catalogue import catalogue
from embedkit.sandbox.services.auth import KEY, PASSWORD, SECRET, USER
from tests.support.picker import COLORS, RULES, axe_violations, hold_requests
from tests.support.servers import serving
from tests.support.web import TOKEN

LISTEN = """
window.told = [];
addEventListener('message', ({data, origin}) => told.push({...data, origin}));
"""
OBSERVE = """
window.violations = [];
addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective + ' ' + event.blockedURI));
"""
CREDENTIALS = (KEY, SECRET, USER, PASSWORD)  # must stay on the server
ECLIPSE = "q=solar+eclipse"


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


@pytest.fixture(name="stranger", scope="module")
def fixture_stranger() -> Iterator[str]:
    """An origin that is not allowed."""
    with SandboxServer() as other:
        yield other.url


@pytest.fixture(name="service", scope="module")
def fixture_service(sandbox: SandboxServer) -> Iterator[str]:
    """A service that is framed by pages of the sandbox's origin, which plays the CMS."""
    rows = {"tokens": TOKEN, "picker_origins": f"https://cms.example.org,{sandbox.url}"}
    yield from service_of(sandbox, **rows)


@pytest.fixture(name="own", scope="module")
def fixture_own(sandbox: SandboxServer) -> Iterator[str]:
    """A service that can be searched by everyone on this machine, and framed only by its own pages."""
    yield from service_of(sandbox, search_access="open")


def service_of(sandbox: SandboxServer, **rows: Any) -> Iterator[str]:
    settings = sandbox.settings(cache="memory:", secret="s" * 40, rate_limit="100000/minute", **rows)
    with EmbedKit(settings) as kit, serving(create_app(kit=kit)) as url:
        yield url


@pytest.fixture(name="page")
def fixture_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture(name="grant", scope="module")
def fixture_grant(service: str) -> str:
    request = Request(f"{service}/v1/grants", method="POST", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(request) as response:
        return str(json.load(response)["grant"])


def frame(page: Page, host: str, address: str) -> Any:
    """Return the picker in a frame of a page of that origin."""
    page.goto(f"{host}/static/site.css")  # any page there
    page.set_content(f"<script>{LISTEN}</script><iframe width=1100 height=700 src='{address}'></iframe>")
    return page.frame_locator("iframe")


def told(page: Page, kind: str) -> Any:
    page.wait_for_function("kind => told.some(one => one.type === kind)", arg=kind)
    return page.evaluate("kind => told.find(one => one.type === kind)", kind)


def choose(picker: Any) -> None:
    picker.locator("[role=option]").first.click()
    picker.get_by_role("button", name="Insert", exact=True).click()


def test_who_is_listed_is_handed_the_choice(page: Page, service: str, sandbox: SandboxServer, grant: str) -> None:
    where = f"{service}/picker?{ECLIPSE}&lang=en&nonce=n-42&origin={sandbox.url}#grant={grant}"
    picker = frame(page, sandbox.url, where)
    assert told(page, "ready")["nonce"] == "n-42"
    choose(picker)
    chosen = told(page, "select")
    assert (chosen["source"], chosen["v"], chosen["nonce"], chosen["origin"]) == ("embedkit", 1, "n-42", service)
    assert chosen["detail"]["shortcode"].startswith("[getty ")
    assert chosen["detail"]["credit"]["agency"] == "Getty Images"


def test_the_browser_itself_tells_who_framed_it(
    page: Page, service: str, sandbox: SandboxServer, grant: str
) -> None:
    frame(page, sandbox.url, f"{service}/picker#grant={grant}")
    assert told(page, "ready")["nonce"] == ""
    assert told(page, "resize")["height"] > 100


def test_the_grant_leaves_the_address(page: Page, service: str, sandbox: SandboxServer, grant: str) -> None:
    page.goto(f"{service}/picker?lang=en#grant={grant}")
    page.wait_for_function("document.querySelector('embedkit-picker').hasAttribute('grant')")
    assert page.evaluate("location.href") == f"{service}/picker?lang=en"


def test_it_cancels(page: Page, service: str, sandbox: SandboxServer, grant: str) -> None:
    picker = frame(page, sandbox.url, f"{service}/picker?lang=en#grant={grant}")
    told(page, "ready")
    picker.get_by_role("searchbox").press("Escape")
    assert told(page, "cancel")


def test_tinymce_is_spoken_to_in_its_own_words(
    page: Page, service: str, sandbox: SandboxServer, grant: str
) -> None:
    picker = frame(page, sandbox.url, f"{service}/picker?{ECLIPSE}&lang=en&host=tinymce#grant={grant}")
    choose(picker)
    page.wait_for_function("told.some(one => one.mceAction === 'close')")
    actions = page.evaluate("told.filter(one => one.mceAction).map(one => [one.mceAction, one.content])")
    assert [name for name, _ in actions] == ["insertContent", "close"]
    assert actions[0][1].startswith("<p>[getty ")  # TinyMCE takes HTML, so the shortcode is converted


def test_an_opener_is_told_as_well(page: Page, service: str, sandbox: SandboxServer, grant: str) -> None:
    page.goto(f"{sandbox.url}/static/site.css")
    page.set_content(f"<script>{LISTEN}</script><button>Open</button>")
    where = f"{service}/picker?{ECLIPSE}&lang=en&origin={sandbox.url}#grant={grant}"
    page.evaluate("url => document.querySelector('button').onclick = () => window.open(url)", where)
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    choose(opened.value)
    assert told(page, "select")["detail"]["id"]


def test_nobody_else_may_frame_it(page: Page, service: str, stranger: str) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        frame(page, stranger, f"{service}/picker")
    assert page.evaluate("told") == []


@pytest.mark.parametrize(
    "query", ["", "?origin={stranger}", "?origin=*", "?origin=null", "?origin={stranger}.evil"]
)
def test_nobody_else_is_told_anything(page: Page, service: str, stranger: str, query: str) -> None:
    page.goto(f"{stranger}/static/site.css")
    page.set_content(f"<script>{LISTEN}</script><button>Open</button>")
    where = f"{service}/picker{query.format(stranger=stranger)}"
    page.evaluate("url => document.querySelector('button').onclick = () => window.open(url)", where)
    with page.expect_popup() as opened:
        page.get_by_role("button").click()
    expect(opened.value.get_by_role("alert").first).to_contain_text("EMBEDKIT_PICKER_ORIGINS")
    opened.value.get_by_role("searchbox").wait_for()  # it is ready, and would have reported it
    assert page.evaluate("told") == []


def test_only_who_framed_it_is_heard_and_only_with_the_nonce(
    page: Page, service: str, sandbox: SandboxServer
) -> None:
    frame(page, sandbox.url, f"{service}/picker?nonce=right")
    told(page, "ready")
    inner = next(one for one in page.frames if one.url.startswith(service))
    post = "(said) => document.querySelector('iframe').contentWindow.postMessage(said, '*')"
    held = "document.querySelector('embedkit-picker').getAttribute('grant')"
    for wrong in (
        {"source": "embedkit-host", "v": 1, "nonce": "wrong", "type": "grant", "grant": "x"},
        {"source": "somebody", "v": 1, "nonce": "right", "type": "grant", "grant": "x"},
        {"source": "embedkit-host", "v": 1, "nonce": "right", "type": "grant", "grant": {"not": "text"}},
        "grant",
        None,
    ):
        page.evaluate(post, wrong)
    inner.evaluate("window.postMessage({source: 'embedkit-host', nonce: 'right', type: 'grant', grant: 'x'}, '*')")
    page.wait_for_timeout(100)
    assert inner.evaluate(held) is None
    page.evaluate(post, {"source": "embedkit-host", "v": 1, "nonce": "right", "type": "grant", "grant": "new"})
    inner.wait_for_function(f"{held} === 'new'")


def test_it_keeps_to_its_policy_and_to_its_hosts(page: Page, own: str, sandbox: SandboxServer) -> None:
    hosts: set[str] = set()
    page.add_init_script(OBSERVE)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    seen: list[str] = []
    page.on("request", lambda request: seen.append(f"{request.url} {request.all_headers()} {request.post_data}"))
    page.on("response", lambda answer: seen.append(f"{answer.all_headers()}"))
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{own}/picker?{ECLIPSE}&lang=en")
    page.locator("[role=option]").first.click()
    page.get_by_role("radio", name="Preview").check()
    expect(page.frame_locator(".stage iframe").frame_locator("iframe").locator("img").first).to_be_visible()
    assert page.evaluate("violations") == []
    assert [fault for fault in faults if "favicon" not in fault and "404" not in fault] == []
    assert hosts == {own.split("/")[2], sandbox.url.split("/")[2]}
    everything = "\n".join([*seen, page.content(), page.evaluate("JSON.stringify({...localStorage})")])
    assert "/v1/search" in everything
    assert not [secret for secret in CREDENTIALS if secret in everything]


def test_the_news_of_the_sandbox_are_of_today_of_the_week_and_of_the_month(
    browser: Browser, own: str, sandbox: SandboxServer
) -> None:
    of_today = [sandbox.app.find(id).date_created[:10] for id, asset in catalogue().items() if asset.age == 0]
    with browser.new_context(timezone_id="UTC", viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.clock.set_fixed_time(f"{min(of_today)}T12:00:00Z")  # the day could end while the test runs
        page.goto(f"{own}/picker?q=day&family=editorial&lang=de")
        page.locator(".segments input[value=editorial]").check(force=True)
        counts = []
        for days in ("0", "7", "30"):
            page.locator(".period select").select_option(days)
            page.locator(".picker:not([data-busy])[data-state=results]").wait_for()
            counts.append(page.locator("[role=option]").count())
        assert 0 < counts[0] < counts[1] < counts[2]
        page.locator(".period select").select_option("0")
        expect(page.locator("[role=option]")).to_have_count(counts[0])
        shown = page.locator("[role=option] small").first.text_content() or ""
        days = {date.fromisoformat(day) for day in of_today}
        assert re.sub(r" \D+ ", " ", shown.partition(" · ")[0]) in {f"{day.day}. {day.year}" for day in days}


def test_by_itself_it_copies(page: Page, own: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own)
    page.goto(f"{own}/picker?{ECLIPSE}&lang=en")
    page.locator("[role=option]").first.click()
    expect(page.get_by_role("button", name="Insert", exact=True)).to_have_count(0)
    shortcode = page.get_by_role("textbox", name="Shortcode", exact=True).inner_text()
    main = page.locator("button.primary")
    expect(main).to_have_text("Copy shortcode")
    main.click()
    told = page.locator("body > [role=status]")
    expect(told).to_have_text("Shortcode copied")
    assert page.evaluate("navigator.clipboard.readText()") == shortcode
    expect(main).to_be_visible()  # the details stay
    page.evaluate("navigator.clipboard.write = () => Promise.reject(); document.execCommand = () => false")
    main.click()
    expect(told).to_have_text("Couldn't copy. Select the shortcode and press Ctrl+C.")


@pytest.mark.parametrize("asked", ["", "&multiple=true"])
def test_several_are_copied_at_once(page: Page, own: str, asked: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=own)
    page.goto(f"{own}/picker?{ECLIPSE}&lang=en{asked}")
    for number in (0, 1):
        page.locator("[role=option] .mark").nth(number).click()
    expect(page.get_by_role("button", name="Copy as slideshow")).to_be_visible()
    page.locator(".footer .primary").click()
    expect(page.locator("body > [role=status]")).to_have_text("Shortcode copied")
    assert page.evaluate("navigator.clipboard.readText()").count("[getty ") == 2


def test_by_itself_it_may_be_asked_for_one_picture_alone(page: Page, own: str) -> None:
    page.goto(f"{own}/picker?{ECLIPSE}&lang=en&multiple=false")
    page.locator("[role=option]").first.wait_for()
    expect(page.locator("[role=option] .mark")).to_have_count(0)


def test_what_was_written_before_the_script_came_is_searched_for(page: Page, own: str) -> None:
    with hold_requests(page, "**/embedkit-picker-page.js*"):
        page.goto(f"{own}/picker?q=harbour&lang=en", wait_until="commit")
        page.get_by_role("searchbox").fill("solar eclip")
    box = page.locator(".picker").get_by_role("searchbox")
    expect(box).to_have_value("solar eclip")
    expect(box).to_be_focused()
    page.keyboard.type("se")
    expect(box).to_have_value("solar eclipse")
    expect(page.get_by_role("listbox")).to_be_visible()


def test_what_is_written_before_the_words_have_come_is_written_on(page: Page, own: str) -> None:
    box = page.locator(".picker").get_by_role("searchbox")
    with hold_requests(page, "**/locales/*"):
        page.goto(f"{own}/picker?lang=en")
        expect(box).to_be_focused()
        page.keyboard.type("solar eclip")
    page.locator(".picker[data-state]").wait_for()
    page.keyboard.type("se")
    expect(box).to_have_value("solar eclipse")
    expect(page.get_by_role("listbox")).to_be_visible()


def test_without_javascript_it_resolves_a_reference(browser: Browser, own: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{own}/picker?lang=en")
    page.get_by_role("searchbox").fill("https://gty.im/74917285")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".results code")).to_have_text("[getty 74917285]")
    expect(page.get_by_role("status")).to_have_text("1 picture found")
    context.close()


def test_without_javascript_it_is_a_form_with_results(browser: Browser, own: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 800})
    page = context.new_page()
    page.goto(f"{own}/picker?lang=en")
    page.get_by_role("searchbox").fill("solar eclipse")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".results li")).to_have_count(25)
    first = page.locator(".results code").first.inner_text()
    assert first.startswith("[getty ")
    page.locator("nav a[rel=next]").click()
    expect(page.locator(".results code").first).not_to_have_text(first)
    expect(page.get_by_role("searchbox")).to_have_value("solar eclipse")
    context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_that_form_is_accessible(page: Page, own: str, language: str) -> None:
    """The same page with its script held back, as axe can't run without JavaScript."""
    page.route("**/embedkit-picker-page.js*", lambda route: route.abort())
    page.goto(f"{own}/picker?{ECLIPSE}&lang={language}")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page, options={"runOnly": [*RULES, "best-practice"]})
        assert found.violations_count == 0, found.generate_report()
    page.emulate_media(color_scheme="dark")
    assert axe_violations(page, COLORS) == []
