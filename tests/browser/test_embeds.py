"""Embeds in a real browser: the policy, widths, the façade's promises, accessibility, the corpus."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from embedkit.engine.rendered import assets
from embedkit.files.installed import static_dir
from embedkit.models import Align, Options
from embedkit.rendering.renderer import Renderer
from embedkit.settings import Settings
from embedkit.targets import Target
from tests.support.embeds import HTML_TARGETS, record
from tests.support.tools import reference_dir

VIEWER = (
    "<!doctype html><html lang=en><title>Viewer</title><body><main><h1>Viewer</h1><button>Share</button></main>"
)
WIDGETS = "gie.q.forEach(run => { gie.widgets = {load: () => {}}; run(); });"
STRICT = "default-src 'none'; img-src data:; script-src 'none'; style-src 'self'; frame-src {frames}"
SCRIPTED = "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; frame-src {frames}; require-trusted-types-for 'script'"
NONE = Options()
PRIVACY = "https://site.example/privacy"
WIDTHS = (280, 320, 1280)
LONG = "The second-longest bridge in the country, seen from the harbour on the evening before its official opening"


@dataclass
class Origin:
    """A separate web server on loopback; ``asked`` lists its requests.

    :param headers: headers added to every response.
    """

    pages: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def answer(self, path: str) -> tuple[str, str, str]:
        self.asked.append(path)
        bare = path.split("?")[0]
        return self.pages.get(bare) or self.pages.get("*") or ("text/plain", "", "")


def handler(origin: Origin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text, policy = origin.answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            for name, value in origin.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def serve(origin: Origin) -> Iterator[Origin]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(origin))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    origin.url = f"http://127.0.0.1:{server.server_port}"
    yield origin
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def frames() -> Iterator[Origin]:
    """A substitute for Getty: a separate origin that shows a viewer at every URL."""
    pages = {"*": ("text/html", VIEWER, ""), "/widgets.js": ("text/javascript", WIDGETS, "")}
    yield from serve(Origin(pages))


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    static = {
        f"/static/{name}": (kind, (static_dir() / name).read_text("utf-8"), "")
        for name, kind in (("embedkit.css", "text/css"), ("embedkit-facade.js", "text/javascript"))
    }
    yield from serve(Origin({**static, "/host.css": ("text/css", HOST_STYLE, "")}))


HOST_STYLE = """
:root { color-scheme: light dark }
.clear { clear: both }
body { margin: 0; padding: 10px; font: 16px/1.5 serif; background: #fff; color: #1b1b1b }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e3dc } a { color: #9cc3ff } }
"""


@dataclass
class Desk:
    """Writes pages and opens them."""

    browser: Browser
    site: Origin
    frames: Origin
    settings: Settings
    renderer: Renderer
    opened: list[Page] = field(default_factory=list)

    def html(self, target: Target, options: Options = NONE, **changes: Any) -> str:
        return str(self.renderer.render(record(**changes), options, target))

    def write(self, body: str, *, policy: str = "", css: bool = True, js: bool = False) -> None:
        needed = assets("facade", self.settings.rendering, self.settings.static_url)
        styles = ["/host.css", *(needed["css"] if css else ())]
        head = "".join(f'<link rel="stylesheet" href="{url}">' for url in styles)
        head += "".join(f'<script defer src="{url}"></script>' for url in needed["js"] if js)
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Post</title><link rel="icon" href="data:,">'
            f'<meta name="viewport" content="width=device-width">{head}<body><main><h1>Post</h1>{body}</main>'
        )
        self.site.pages["/"] = ("text/html", page, policy.format(frames=self.frames.url))

    def open(self, width: int = 1280, **context: Any) -> Page:
        context = {"viewport": {"width": width, "height": 900}, **context}
        page = self.browser.new_context(**context).new_page()
        page.set_default_timeout(5000)
        self.opened.append(page)
        page.add_init_script(
            "window.violations = [];"
            "addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))"
        )
        self.frames.asked.clear()
        page.goto(self.site.url)
        return page

    def facade(self, *titles: str, **context: Any) -> Page:
        figures = [
            self.html("facade", title=title, ref=replace(record().ref, items=(str(number),)))
            for number, title in enumerate(titles or ("Harbour at dusk",), 1)
        ]
        self.write("".join(figures), policy=SCRIPTED, js=True)
        return self.open(**context)


@pytest.fixture
def desk(browser: Browser, site: Origin, frames: Origin) -> Iterator[Desk]:
    settings = Settings(
        frame_origin=frames.url, widget_script=f"{frames.url}/widgets.js", assets_url=f"{site.url}/static"
    )
    desk = Desk(browser, site, frames, settings, Renderer(settings.rendering))
    yield desk
    for page in desk.opened:
        page.context.close()


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("violations")
    return found


# -- web ---------------------------------------------------------------------------------------------------


def test_web_needs_no_inline_script_or_style(desk: Desk) -> None:
    body = (
        desk.html("web", Options(caption="x", align="left"))
        + str(desk.renderer.render(record("1", "2"), Options(align="center"), "web"))
        + "".join(desk.html(target, title=target) for target in ("card", "wordpress", "feed", "email", "amp"))
    )
    desk.write(body, policy=STRICT)
    said: list[str] = []
    page = desk.open(viewport={"width": 1280, "height": 3000})
    page.on("console", lambda message: said.append(message.text))
    page.reload(wait_until="load")
    expect(page.frame_locator("figure iframe >> nth=0").get_by_role("heading")).to_have_text("Viewer")
    assert violations(page) == []
    assert said == []


def test_a_violation_would_be_seen(desk: Desk) -> None:
    desk.write(desk.html("oembed"), policy=STRICT)
    assert any("style-src" in one for one in violations(desk.open()))


def test_frames_keep_their_ratio_at_every_width(desk: Desk) -> None:
    sizes = [(594, 396), (396, 594), (594, 120), (200, 150), (1024, 683)]
    body = "".join(desk.html("web", title=str(size), width=size[0], height=size[1]) for size in sizes)
    desk.write(body + str(desk.renderer.render(record("1", "2"), NONE, "web")))
    page = desk.open()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for size, frame in zip([*sizes, (594, 396)], page.locator("figure iframe").all(), strict=True):
            assert_box(frame, min(size[0], width - 20), size[1] / size[0])
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_bar_of_old_markup_does_not_scale(desk: Desk) -> None:
    desk.write(desk.html("web", width=395, height=643, frame=replace(record().frame, bar=49)))
    page = desk.open()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert_box(page.locator("iframe"), min(395, width - 20), 594 / 395, bar=49)


def test_oembed_is_responsive_without_our_stylesheet(desk: Desk) -> None:
    desk.write(desk.html("oembed"), css=False)
    page = desk.open()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert_box(page.locator("iframe"), min(594, width - 20), 396 / 594)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def assert_box(frame: Locator, width: float, ratio: float, bar: int = 0) -> None:
    box = frame.bounding_box()
    assert box
    assert box["width"] == pytest.approx(width, abs=1)
    assert box["height"] == pytest.approx(box["width"] * ratio + bar, abs=1)


def test_alignment(desk: Desk) -> None:
    places: dict[Align, int] = {"left": 10, "right": 690, "center": 350, "none": 10}
    text = f'<p class="clear">{LONG * 9}</p>'
    desk.write("".join(desk.html("web", Options(align=one), width=300, height=200) + text for one in places))
    page = desk.open(1000)
    for place, figure in zip(places.values(), page.locator("figure").all(), strict=True):
        box = figure.bounding_box()
        assert box
        assert box["x"] == pytest.approx(place, abs=1)
        assert box["width"] == pytest.approx(300, abs=1)


SIZES = {
    "html { font-size: 125% } main { font-size: 0.8rem }": "16px",  # Material for MkDocs
    "html { font-size: 62.5% } main { font-size: 1.6rem }": "16px",
    "html { font-size: 200% }": "32px",
}


@pytest.mark.parametrize("styles", SIZES)
def test_words_are_in_proportion_to_the_text_around(desk: Desk, styles: str) -> None:
    figures = desk.html("web", Options(caption="Ours")) + desk.html("facade")
    desk.write(f"<style>body {{ font-size: 1rem }} {styles}</style>{figures}<h2>{figures}</h2>")
    page, scale = desk.open(), float(SIZES[styles][:-2]) / 16
    for selector, size in {
        ".ek-credit": 13,
        ".ek-text": 15,
        ".ek-note": 13,
        ".ek-verb": 15,
        ".ek-title": 18,
    }.items():
        shown = page.locator(selector).first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        assert shown == pytest.approx(size * scale, abs=0.1), selector


def test_paper_gets_title_credit_and_address_for_the_picture(desk: Desk) -> None:
    desk.write(desk.html("web") + desk.html("facade", title="Pier"), js=True)
    page = desk.open()
    expect(page.locator("iframe")).to_be_visible()
    name = page.locator(".ek-name").first  # for screen readers; on screen the frame shows it
    expect(name).to_have_css("width", "1px")
    page.emulate_media(media="print")
    expect(page.locator("iframe")).to_be_hidden()
    expect(page.locator(".ek-gate")).to_be_hidden()
    expect(name).to_have_css("position", "static")
    expect(name).to_be_visible()
    shown = page.locator(".ek-credit a").first.evaluate("a => getComputedStyle(a, '::after').content")
    assert "attr(href)" in shown or "https://www.gettyimages.com/detail/74917285" in shown


# -- façade ------------------------------------------------------------------------------------------------


def test_nothing_is_asked_of_getty_before_the_click(desk: Desk) -> None:
    page = desk.facade()
    page.locator(".ek-open").hover()
    page.locator(".ek-open").focus()
    page.locator(".ek-always").focus()
    page.wait_for_load_state("networkidle")
    assert desk.frames.asked == []
    page.locator(".ek-open").click()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_be_visible()
    assert [path for path in desk.frames.asked if path.startswith("/embed/")] == [record().frame.path()]
    assert violations(page) == []


def test_a_click_shows_the_picture_moves_focus_and_says_so(desk: Desk) -> None:
    page = desk.facade()
    status = page.get_by_role("status")
    expect(status).to_have_text("")
    before = page.locator(".ek-box").bounding_box()
    page.get_by_role("button", name="Show picture: Harbour at dusk").click()
    frame = page.locator("iframe")
    expect(frame).to_be_focused()
    expect(status).to_have_text("Picture loaded")
    assert page.locator(".ek-box").bounding_box() == pytest.approx(before, abs=0.1)
    for name, value in {
        "title": "Harbour at dusk, photo by Ada Berg / Moment, Getty Images",
        "loading": "lazy",
        "referrerpolicy": "strict-origin-when-cross-origin",
        "sandbox": desk.settings.frame_sandbox,
        "width": "594",
        "height": "396",
    }.items():
        expect(frame).to_have_attribute(name, value)
    assert page.evaluate("localStorage.length") == 0
    page.reload()
    expect(frame).to_have_count(0)


@pytest.mark.parametrize("key", ["Enter", " "])
def test_the_keyboard_alone_is_enough(desk: Desk, key: str) -> None:
    page = desk.facade()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button")).to_be_focused()
    page.keyboard.press(key)
    expect(page.locator("iframe")).to_be_focused()
    assert page.evaluate("scrollY") == 0


ALWAYS = "Always load pictures from Getty Images"
STOP = "Stop loading automatically"
DAY_MS = 24 * 60 * 60 * 1000
STORED = "localStorage.getItem('embedkit:always')"
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true, configurable: true})"


def test_always_acts_at_once_is_remembered_and_can_be_revoked(desk: Desk) -> None:
    page = desk.facade("One", "Two")
    frames, stop = page.locator("iframe"), page.get_by_role("button", name=STOP)
    page.get_by_role("checkbox", name=ALWAYS).nth(1).check()
    expect(frames).to_have_count(2)
    expect(stop).to_have_count(2)
    expect(page.locator("iframe").nth(1)).to_be_focused()
    assert all(
        "Stop" not in line for line in page.locator("main").aria_snapshot().splitlines() if "figure" in line
    )
    expect(page.get_by_role("status")).to_have_text("Picture loaded")

    page.reload()
    expect(frames).to_have_count(2)
    stop.nth(1).click()
    expect(frames).to_have_count(0)
    expect(stop).to_have_count(0)
    expect(page.get_by_role("button", name="Show picture: Two")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("You’ll be asked before pictures load")
    expect(page.get_by_label(ALWAYS).first).not_to_be_checked()
    assert page.evaluate(STORED) is None

    page.reload()
    expect(page.get_by_role("button", name="Show picture: One")).to_be_visible()
    expect(frames).to_have_count(0)


def test_the_choice_has_a_date_and_ends_after_a_year(desk: Desk) -> None:
    page = desk.facade()
    page.get_by_label(ALWAYS).check()
    age = "Date.now() - Date.parse(localStorage.getItem('embedkit:always'))"
    assert 0 <= page.evaluate(age) < DAY_MS
    frame = page.locator("iframe")
    for days, count in ((364, 1), (366, 0), (-2, 0)):
        page.evaluate(
            "ms => localStorage.setItem('embedkit:always', new Date(Date.now() - ms).toISOString())", days * DAY_MS
        )
        page.reload()
        expect(page.locator(".ek--ready")).to_have_count(1)
        expect(frame).to_have_count(count)
    for undated in ("1", "true", "", "soon gpc"):
        page.evaluate("value => localStorage.setItem('embedkit:always', value)", undated)
        page.reload()
        expect(page.locator(".ek--ready")).to_have_count(1)
        expect(frame).to_have_count(0)


def test_what_is_revoked_in_one_tab_is_revoked_in_all(desk: Desk) -> None:
    page = desk.facade()
    page.get_by_label(ALWAYS).check()
    other = page.context.new_page()
    other.goto(desk.site.url)
    expect(other.locator("iframe")).to_have_count(1)
    page.get_by_role("button", name=STOP).click()
    expect(other.locator("iframe")).to_have_count(0)


def test_global_privacy_control_keeps_the_gate_until_the_reader_ticks_it_anyway(desk: Desk) -> None:
    page = desk.facade()
    page.get_by_label(ALWAYS).check()
    page.add_init_script(GPC)
    page.reload()
    frame = page.locator("iframe")
    expect(page.get_by_label(ALWAYS)).to_be_visible()
    expect(frame).to_have_count(0)
    page.evaluate("document.dispatchEvent(new CustomEvent('embedkit:consent', {detail: {granted: true}}))")
    expect(frame).to_have_count(0)
    page.get_by_label(ALWAYS).check()
    expect(frame).to_have_count(1)
    assert page.evaluate(STORED).endswith("Z gpc")
    page.reload()
    expect(frame).to_have_count(1)
    page.get_by_role("button", name=STOP).click()
    page.reload()
    expect(page.get_by_label(ALWAYS)).to_be_visible()
    expect(frame).to_have_count(0)


def test_the_box_says_what_is_sent_to_whom_and_where_to_read_on(desk: Desk) -> None:
    page = desk.facade()
    expect(page.locator(".ek-note")).to_contain_text(
        "Your IP address and cookies are sent to Getty Images when the picture loads."
    )
    expect(page.get_by_role("link", name="Privacy policy")).to_have_count(0)
    desk.renderer = Renderer(replace(desk.settings, privacy_url=f"{PRIVACY}?a=1&b=2#getty").rendering)
    page = desk.facade()
    link = page.get_by_role("link", name="Privacy policy")
    expect(link).to_have_attribute("href", f"{PRIVACY}?a=1&b=2#getty")
    box = link.bounding_box()
    assert box
    hit = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).className", [box["x"] + 5, box["y"] + box["height"] / 2]
    )
    assert hit == "ek-privacy", "the link of the whole panel does not cover it"
    link.focus()
    assert link.evaluate("e => getComputedStyle(e).outlineStyle") in ("solid", "auto")


def test_blocked_storage_does_no_harm(desk: Desk) -> None:
    page = desk.facade("One", "Two")
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    page.get_by_label(ALWAYS).first.check()
    expect(page.locator("iframe")).to_have_count(2)
    page.get_by_role("button", name=STOP).first.click()
    expect(page.locator("iframe")).to_have_count(0)
    assert errors == []


def test_without_script_there_is_a_link(desk: Desk) -> None:
    page = desk.facade(java_script_enabled=False)
    link = page.get_by_role("link", name="Show picture: Harbour at dusk")
    expect(link).to_have_attribute("href", "https://www.gettyimages.com/detail/74917285")
    expect(link).to_be_visible()
    expect(page.locator(".ek-always")).to_be_hidden()
    assert desk.frames.asked == []


FOREIGN = [
    "https://evil.example/embed/1?et=a&sig=b",
    "//evil.example/embed/1?et=a&sig=b",
    "/embed/1?et=a&sig=b#x",
    "/embed/../redirect?to=x",
    "/embed/1",
    "@evil.example/embed/1?et=a",
    ".evil.example/embed/1?et=a",
    "javascript:alert(1)",
    "/embed/1?et=a\n",
    "",
]


def test_no_attribute_makes_the_script_frame_anything_else(desk: Desk) -> None:
    page = desk.facade()
    click = """(figure, path) => {
        let prevented;
        addEventListener('click', event => { prevented = event.defaultPrevented; event.preventDefault() }, {once: true});
        figure.dataset.ekSrc = path;
        figure.querySelector('.ek-open').click();
        return prevented || document.querySelectorAll('iframe').length;
    }"""
    figure = page.locator("figure")
    assert {path: figure.evaluate(click, path) for path in FOREIGN} == dict.fromkeys(FOREIGN, 0)
    assert figure.evaluate(click, record().frame.path()) is True


def test_a_click_for_a_new_tab_stays_a_link(desk: Desk) -> None:
    page = desk.facade()
    assert page.locator(".ek-open").evaluate(
        """link => {
            addEventListener('click', event => event.preventDefault(), {once: true});
            link.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, ctrlKey: true}));
            return document.querySelectorAll('iframe').length;
        }"""
    ) == 0  # fmt: skip


def test_content_added_later_works_too(desk: Desk) -> None:
    page = desk.facade("One")
    add = "document.querySelector('main').append(document.querySelector('.ek--facade').cloneNode(true));"
    prepare = "document.querySelectorAll('.ek--facade')[1].classList.remove('ek--ready');"
    role = "document.querySelectorAll('.ek-open')[1].removeAttribute('role');"
    page.evaluate(add + prepare + role)
    later = page.locator(".ek-open").nth(1)
    expect(later).not_to_have_attribute("role", "button")
    later.focus()
    expect(later).to_have_attribute("role", "button")
    later.click()
    expect(page.locator("iframe")).to_have_count(1)


def test_consent_tools_speak_and_listen(desk: Desk) -> None:
    page = desk.facade("One", "Two")
    page.evaluate(
        "heard = []; document.addEventListener('embedkit:consent', e => heard.push(e.detail.granted + ' ' + e.detail.source))"
    )
    consent = "granted => document.dispatchEvent(new CustomEvent('embedkit:consent', {detail: {granted}}))"
    page.evaluate(consent, True)
    expect(page.locator("iframe")).to_have_count(2)
    assert page.evaluate("localStorage.length") == 0  # stored by the tool, not by us
    page.evaluate(
        "document.querySelector('main').insertAdjacentElement('beforeend', document.querySelector('h1').cloneNode());"
        "document.dispatchEvent(new CustomEvent('embedkit:scan'))"
    )
    page.evaluate(consent, False)
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_label(ALWAYS).first.check()
    page.get_by_role("button", name=STOP).first.click()
    assert page.evaluate("heard") == ["true undefined", "false undefined", "true embedkit", "false embedkit"]


def test_readers_who_save_data_are_always_asked(desk: Desk) -> None:
    page = desk.facade()
    page.evaluate("localStorage.setItem('embedkit:always', new Date().toISOString())")
    page.add_init_script(
        "const real = matchMedia; window.matchMedia = query => /reduced-data/.test(query) ? {matches: true} : real(query)"
    )
    page.reload()
    expect(page.get_by_role("button", name="Show picture")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)


def test_the_script_by_itself_frames_getty_alone(desk: Desk) -> None:
    desk.write(desk.html("facade") + '<script defer src="/static/embedkit-facade.js"></script>')
    page = desk.open()
    page.locator(".ek-open").click()
    expect(page.locator("iframe")).to_have_attribute(
        "src", re.compile(r"^https://embed\.gettyimages\.com/embed/74917285\?")
    )


def test_the_script_tag_may_name_origin_and_sandbox(desk: Desk) -> None:
    tag = f'<script defer src="/static/embedkit-facade.js" data-frame-origin="{desk.frames.url}" data-frame-sandbox="">'
    desk.write(desk.html("facade") + tag + "</script>" + tag + "</script>")  # loaded twice by mistake
    page = desk.open()
    page.locator(".ek-open").click()
    expect(page.locator("iframe")).to_have_attribute("src", re.compile(re.escape(desk.frames.url)))
    expect(page.locator("iframe")).to_have_count(1)
    assert page.locator("iframe").get_attribute("sandbox") is None


# -- accessibility -----------------------------------------------------------------------------------------


def test_axe_finds_nothing(desk: Desk) -> None:
    desk.renderer = Renderer(replace(desk.settings, privacy_url=PRIVACY).rendering)
    body = "".join(desk.html(target, Options(caption="x"), title=f"{LONG}: {target}") for target in HTML_TARGETS)
    slideshow = str(desk.renderer.render(record("1", "2", "3"), NONE, "facade"))
    desk.write(body + slideshow, js=True)
    page = desk.open()
    assert_accessible(page)
    page.get_by_label(ALWAYS).first.check()
    expect(page.get_by_role("button", name=STOP)).to_have_count(2)
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    for width, scheme in ((1280, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 6000})
        page.emulate_media(color_scheme=cast(Any, scheme))
        found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]})
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]] == []


def test_focus_is_visible(desk: Desk) -> None:
    desk.write(desk.html("facade") + desk.html("card"), js=True)
    page = desk.open()
    ring = "(e, part) => getComputedStyle(e, part).outlineStyle + ' ' + getComputedStyle(e, part).outlineWidth"
    page.keyboard.press("Tab")
    assert page.locator(".ek-open").evaluate(ring, "::after") == "solid 2px"
    for selector in (".ek-always", ".ek-credit a", ".ek-card"):
        page.keyboard.press("Tab")
        assert page.locator(selector).evaluate(ring, None) == "solid 2px"


# -- the corpus --------------------------------------------------------------------------------------------

# Runs in the page: the elements, attribute names and hosts of each fragment, from the browser's own parser.
READ = """htmls => htmls.map(html => {
    const inert = new DOMParser().parseFromString('<body>' + html, 'text/html');
    const all = [...inert.documentElement.querySelectorAll('*')];
    const hosts = all.flatMap(e => ['src', 'href'].filter(a => e.hasAttribute(a)).map(a => new URL(e.getAttribute(a)).host));
    return [all.map(e => e.localName + ' ' + e.getAttributeNames().sort()).join('|'), [...new Set(hosts)].sort().join(' ')].join(' -> ');
})"""


def test_no_payload_of_the_corpus_changes_any_markup(desk: Desk) -> None:
    """Each payload as title, photographer or collection, which appear in texts and in attributes."""
    renderer = Renderer(Settings().rendering)
    page = desk.open()

    def read(target: Target, groups: list[list[str]]) -> set[str]:
        embeds = (record(title=one[0], photographer=one[-1], collection=one[len(one) // 2]) for one in groups)
        htmls = [str(renderer.render(embed, Options(caption=f"{embed.title} x"), target)) for embed in embeds]
        return set(page.evaluate(READ, htmls))

    payloads = corpus()
    assert len(payloads) > 13_000
    groups = [payloads[start : start + 3] for start in range(0, len(payloads), 3)]
    for target in HTML_TARGETS:
        for start in range(0, len(groups), 1000):
            assert read(target, groups[start : start + 1000]) == read(target, [["x"]])


def corpus() -> list[str]:
    with gzip.open(reference_dir() / "corpora" / "xss.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["p"] for line in lines]
