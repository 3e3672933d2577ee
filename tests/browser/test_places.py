"""The embed keeps its shape everywhere: in any place, with other stylesheets, with scripting and
without, and where our own stylesheet is missing.

In CI each pair of values meets once; ``PLACES=all`` in the environment shows all combinations (half an hour).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.util import find_spec
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route, ViewportSize

from embedkit import EmbedKit
from embedkit.files.installed import static_dir
from embedkit.targets import FACADE_SCRIPT, Target
from tests.support.firefox import firefox
from tests.support.tools import need, node_packages

pytestmark = pytest.mark.xdist_group("places")  # one browser for all

REF, WIDTH, HEIGHT = "74917285", 395, 594
NARROWEST = 240  # of an embed next to a float
FLOAT = 150  # the height of the float
SITE = "https://site.example"
PICTURE = {"body": "<!doctype html><p>A picture.", "content_type": "text/html"}
SIZE: ViewportSize = {"width": 720, "height": 900}

BESIDE = '<div style="width:{}px"><div style="float:left;width:50%;height:{}px"></div>{{}}<p>Words.</p></div>'
PLACES = {
    "flow": "<p>Words.</p>{}<p>Words.</p>",
    "beside a float, 300 px": BESIDE.format(300, FLOAT),
    "beside a float, 400 px": BESIDE.format(400, FLOAT),
    "beside a float, 600 px": BESIDE.format(600, FLOAT),
    "beside a float in a list": '<ul><li><div style="float:left;width:300px;height:90px"></div>{}</li></ul>',
    "list": "<ul><li>{}</li></ul>",
    "cell": "<table><tr><td>{}</td><td>b</td></tr></table>",
    "quote": "<blockquote>{}</blockquote>",
    "column of flex": '<div style="display:flex;flex-direction:column">{}</div>',
    "row of flex": '<div style="display:flex">{}<p>x</p></div>',
    "grid": '<div style="display:grid">{}</div>',
    "280 px": '<div style="width:280px">{}</div>',
    "sentence": "<p>Words {} words.</p>",
    "heading": "<h2>{}</h2>",
}
SHARED = {place for place in PLACES if "float" in place} | {"cell", "row of flex"}
WRAPPERS = {  # the elements that each of these puts around a text
    "no other": "<main>{}</main>",
    "Bootstrap": '<main class="container">{}</main>',
    "GitHub": '<article class="markdown-body">{}</article>',
    "Material": '<article class="md-content__inner md-typeset">{}</article>',
    "Pico": '<main class="container">{}</main>',
    "Tailwind": '<article class="prose mx-auto p-4">{}</article>',
    "WordPress": '<main class="entry-content is-layout-constrained">{}</main>',
}
# WordPress generates these for each page from the theme's theme.json: the width of the content, and its gaps.
CONSTRAINED = """
.is-layout-constrained > :where(:not(.alignleft):not(.alignright):not(.alignfull)) {
  max-width: 650px; margin-left: auto !important; margin-right: auto !important }
:root :where(.is-layout-constrained) > * { margin-block: 1.5rem 0 }
"""
# Without amp: its pages have only the author's stylesheet, and amp-iframe needs AMP's script.
TARGETS: tuple[Target, ...] = ("web", "facade", "widget", "card", "wordpress", "oembed")
STYLED = ("web", "facade", "widget", "card")


class Case(NamedTuple):
    """A page of the matrix."""

    ours: bool
    scripting: str
    place: str
    foreign: str
    target: Target


MATRIX = [Case(*row) for row in product((True, False), ("on", "off", "sandboxed"), PLACES, WRAPPERS, TARGETS)]


@cache
def pairwise() -> list[Case]:
    """Cases that cover each pair of values. The next case is always the one with the most missing pairs."""
    bits: dict[object, int] = {}
    pairs = [
        sum(1 << bits.setdefault(pair, len(bits)) for pair in combinations(enumerate(case), 2)) for case in MATRIX
    ]
    missing, chosen = (1 << len(bits)) - 1, []
    while missing:
        best = max(range(len(MATRIX)), key=lambda number: (pairs[number] & missing).bit_count())
        missing &= ~pairs[best]
        chosen.append(MATRIX[best])
    return chosen


# -- the stylesheets -------------------------------------------------------------------------------------


@pytest.fixture(name="sheets", scope="module")
def fixture_sheets() -> dict[str, str]:
    """Each stylesheet as published; ours is "ours"."""
    node = node_packages(Path(__file__).parent / "places")
    modules = node / "node_modules"
    material = material_package() / "templates/assets/stylesheets"
    wordpress = Path(need("/usr/share/wordpress")) / "wp-includes/css/dist/block-library"
    tailwind = subprocess.run([need("node"), node / "tailwind.mjs"], capture_output=True, text=True, check=True)
    sheets = {
        "Bootstrap": read(modules / "bootstrap/dist/css/bootstrap.css"),
        "GitHub": read(modules / "github-markdown-css/github-markdown.css"),
        "Material": read(*material.glob("main.*.css"), *material.glob("palette.*.css")),
        "Pico": read(modules / "@picocss/pico/css/pico.css"),
        "Tailwind": tailwind.stdout,
        "WordPress": read(wordpress / "style.css", wordpress / "theme.css") + CONSTRAINED,
    }
    assert all(len(text) > 20_000 for text in sheets.values())
    return sheets | {"no other": "", "ours": read(static_dir() / "embedkit.css")}


def read(*paths: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in paths)


def material_package() -> Path:
    found = find_spec("material")
    return Path(need(str(Path(found.origin).parent) if found and found.origin else "mkdocs-material"))


# -- a page ----------------------------------------------------------------------------------------------

MEASURE = """(inner) => {
  const page = inner ?? document;
  const one = (selector) => [...page.querySelectorAll(selector)].find((element) => element.getClientRects().length);
  const box = (element) => element.getBoundingClientRect();
  const shown = one('iframe, .ek-gate, .ek-card, .ek--widget > a'), caption = one('.ek-caption');
  const figure = one('.ek') ?? shown, around = one('.ek-box') ?? shown, parent = figure.parentElement;
  const style = getComputedStyle(parent), root = page.scrollingElement;
  const start = box(parent).left + parent.clientLeft + parseFloat(style.paddingLeft);
  const room = parent.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const out = (element) => Math.max(start - box(element).left, box(element).right - start - room);
  return {
    width: box(shown).width,
    height: box(shown).height,
    room,
    caption: caption ? box(caption).width : null,
    hole: box(around).height - box(shown).height,
    rest: caption ? box(figure).height - box(around).height - box(caption).height : 0,
    out: Math.max(out(shown), out(figure), root.scrollWidth - root.clientWidth),
  };
}"""
# The first call stores all positions, the next one returns what has moved since.
MOVED = """() => {
  const round = (key, value) => typeof value === 'number' ? Math.round(64 * value) : value;
  const place = (element) => JSON.stringify(element.getBoundingClientRect(), round);
  const before = window.before ??= new Map([...document.querySelectorAll('body *')].map((element) => [element, place(element)]));
  const moved = ([element, old]) => !element.closest('[hidden]') && place(element) !== old;
  return [...before].filter(moved).map(([element]) => element.className || element.localName);
}"""
PAINTED = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
OBSERVE = f"""async () => {{
  {PAINTED}
  window.shifts = [];
  const keep = (entries) => shifts.push(...entries.getEntries().map((entry) => entry.value));
  new PerformanceObserver(keep).observe({{ type: 'layout-shift' }});
}}"""
SHIFTS = f"async () => {{ {PAINTED} return shifts; }}"
FRAME_STYLE = """<!doctype html><meta charset="utf-8">
<style>body { margin: 0 } iframe { display: block; border: 0; width: 720px; height: 900px }</style>"""
PARENT = f'{FRAME_STYLE}<iframe sandbox src="/page"></iframe>'


def document(kit: EmbedKit, case: Case, sheets: dict[str, str]) -> str:
    text = kit.render(PLACES[case.place].format(f"[getty {REF}]"), target=case.target, input="html")
    return page(text, sheets["ours"] if case.ours else "", sheets[case.foreign], WRAPPERS[case.foreign])


def page(text: str, ours: str, foreign: str, wrapper: str) -> str:
    """Ours is the first stylesheet, as the later of equal rules wins."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
        f"<style>{ours}</style><style>{foreign}</style><body>{wrapper.format(text)}"
    )


class Viewer:
    """Shows pages, and holds back the responses for their frames."""

    def __init__(self, browser: Browser) -> None:
        self.body, self.holds = "", True
        self.waiting: list[Route] = []
        self.contexts = {on: browser.new_context(java_script_enabled=on, viewport=SIZE) for on in (True, False)}
        self.pages = {on: self.prepared(context) for on, context in self.contexts.items()}

    def prepared(self, context: BrowserContext) -> Page:
        context.route("**/*", lambda route: route.fulfill(body="", content_type="text/javascript"))
        context.route(f"**/{FACADE_SCRIPT}*", lambda route: route.fulfill(path=static_dir() / FACADE_SCRIPT))
        context.route(f"{SITE}/page", lambda route: route.fulfill(body=self.body, content_type="text/html"))
        context.route(f"{SITE}/parent", lambda route: route.fulfill(body=PARENT, content_type="text/html"))
        context.route("**/embed/*", self.hold)
        return context.new_page()

    def hold(self, route: Route) -> None:
        self.waiting.append(route) if self.holds else route.fulfill(**PICTURE)

    def open(self, body: str, scripting: str = "on") -> Frame:
        self.body, self.holds = body, True
        self.waiting.clear()
        page = self.pages[scripting != "off"]
        page.goto(f"{SITE}/{'parent' if scripting == 'sandboxed' else 'page'}", wait_until="domcontentloaded")
        frame = page.main_frame.child_frames[0] if scripting == "sandboxed" else page.main_frame
        frame.wait_for_url(f"{SITE}/page", wait_until="domcontentloaded")
        return frame

    def load_picture(self, frame: Frame) -> None:
        self.holds = False
        while self.waiting:
            self.waiting.pop().fulfill(**PICTURE)
        frame.frame_locator("iframe").get_by_text("A picture.").wait_for()

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


@pytest.fixture(name="viewer", scope="module")
def fixture_viewer(browser: Browser) -> Iterator[Viewer]:
    viewer = Viewer(browser)
    yield viewer
    viewer.close()


def measure(viewer: Viewer, kit: EmbedKit, case: Case, sheets: dict[str, str]) -> dict[str, Any]:
    """Measure a page, and what moves in it until the picture has loaded."""
    frame, scripting = viewer.open(document(kit, case, sheets), case.scripting), case.scripting == "on"
    facade = (
        scripting and case.target == "facade" and case.ours
    )  # else a click replaces a line of text with a picture
    frame.evaluate(MOVED)
    if scripting:
        frame.evaluate(OBSERVE)
    seen: dict[str, Any] = frame.evaluate(MEASURE)
    seen["moved"] = run_facade(frame, kit) if facade else []
    if frame.locator("iframe").count():
        viewer.load_picture(frame)
    seen["moved"] += frame.evaluate(MOVED)
    seen["shifts"] = frame.evaluate(SHIFTS) if scripting else []
    return seen


def run_facade(frame: Frame, kit: EmbedKit) -> list[str]:
    frame.add_script_tag(url=SITE + kit.assets("facade")["js"][0])
    frame.locator(".ek--ready").wait_for()
    moved: list[str] = frame.evaluate(MOVED)
    frame.locator(".ek-open").dispatch_event("click")
    return moved


def faults(case: Case, seen: dict[str, Any]) -> list[str]:
    """Return what a reader would complain about."""
    ours = case.ours and case.target in STYLED
    fits = (
        ours or case.target == "oembed" or seen["room"] > WIDTH + 80
    )  # the browser's default margins of a figure
    keeps_ratio = case.target == "oembed" or (ours and case.target == "web")
    beside = FLOAT if "float" in case.place else 0  # what doesn't fit moves below
    complaints = {
        "too narrow": seen["width"] < least_width(case, seen["room"]) - 1 or seen["height"] < 10,
        "another shape": keeps_ratio and abs(seen["height"] - seen["width"] * HEIGHT / WIDTH) > 2,
        "a hole": seen["hole"] > (1 if ours else 10 + beside) or seen["rest"] > (1 if ours else 60 + beside),
        "a narrow caption": seen["caption"] is not None and seen["caption"] < min(150, seen["room"]) - 1,
        "out of its place": fits and seen["out"] > 1,
        "moves": bool(seen.get("moved") or any(seen.get("shifts", ()))),
    }
    return [name for name, found in complaints.items() if found]


def least_width(case: Case, room: float) -> float:
    if case.target == "widget" or (case.target in ("facade", "card") and not case.ours):
        return 0  # text uses the available width
    if not case.ours and case.place in SHARED:
        return 100  # not specified here
    return min(room, NARROWEST if case.place in SHARED or case.target == "card" else WIDTH)


# -- all of them -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("foreign", WRAPPERS)
def test_the_embed_keeps_its_shape(viewer: Viewer, kit: EmbedKit, sheets: dict[str, str], foreign: str) -> None:
    cases = MATRIX if os.environ.get("PLACES") == "all" else pairwise()
    seen = {case: measure(viewer, kit, case, sheets) for case in cases if case.foreign == foreign}
    assert [(case, faults(case, one), one) for case, one in seen.items() if faults(case, one)] == []


ALIGNED = """() => [...document.querySelectorAll('.ek')].map((figure) => {
  const { left, right, width, top, bottom } = figure.getBoundingClientRect();
  const column = figure.parentElement.getBoundingClientRect();
  return { start: left - column.left, end: column.right - right, width, top, bottom };
})"""


@pytest.mark.parametrize("foreign", WRAPPERS)
@pytest.mark.parametrize("width", [300, 400, 600])
def test_beside_an_aligned_embed(
    viewer: Viewer, kit: EmbedKit, sheets: dict[str, str], foreign: str, width: int
) -> None:
    figures = [kit.html(REF, align=side) for side in ("left", "none", "right", "center")]
    below = '<br style="clear:both">'
    text = f'<div style="width:{width}px">{figures[0]}{figures[1]}{below}{figures[2]}{below}{figures[3]}</div>'
    frame = viewer.open(page(text, sheets["ours"], sheets[foreign], WRAPPERS[foreign]))
    left, beside, right, center = frame.evaluate(ALIGNED)
    assert [left["start"], right["end"]] == pytest.approx([0, 0], abs=0.1)
    assert center["start"] == pytest.approx(center["end"], abs=1)
    assert min(figure["width"] for figure in (left, beside, right, center)) >= NARROWEST - 0.1
    assert min(figure[edge] for figure in (left, beside, right, center) for edge in ("start", "end")) >= -0.1
    assert beside["start"] >= left["width"] - 0.1 or beside["top"] >= left["bottom"] - 0.1


LABEL = "article label { display: block; margin: 9px; font: bold 2em serif; letter-spacing: 1px; text-transform: uppercase; color: red }"
TYPE = """() => ['.ek-note', '.ek-choice'].map((selector) => {
  const style = getComputedStyle(document.querySelector(selector));
  return [style.font, style.letterSpacing, style.textTransform, style.color, style.margin];
})"""


def test_the_choice_is_written_as_the_note_is(viewer: Viewer, kit: EmbedKit, sheets: dict[str, str]) -> None:
    frame = viewer.open(page(kit.html(REF, target="facade"), sheets["ours"], LABEL, "<article>{}</article>"))
    note, choice = frame.evaluate(TYPE)
    assert note == choice


def test_each_pair_of_values_meets() -> None:
    assert len(pairwise()) <= 120
    met = {pair for case in pairwise() for pair in combinations(enumerate(case), 2)}
    assert met == {pair for case in MATRIX for pair in combinations(enumerate(case), 2)}


FRAMED = "[...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument)"


@pytest.mark.browser
def test_in_firefox_too(kit: EmbedKit, sheets: dict[str, str], tmp_path: Path) -> None:
    """A sample. In a frame whose sandbox allows no scripts, scripting is off."""
    cases = pairwise()[::7]
    sandboxed = [' sandbox="allow-same-origin"' if case.scripting != "on" else "" for case in cases]
    frames = [
        f'<iframe{sandbox} srcdoc="{escape(document(kit, case, sheets))}"></iframe>'
        for case, sandbox in zip(cases, sandboxed, strict=True)
    ]
    tmp_path.joinpath("page.html").write_text(f"{FRAME_STYLE}{''.join(frames)}", "utf-8")
    with firefox(tmp_path, **SIZE) as window:
        window.open(
            tmp_path.joinpath("page.html").as_uri(),
            f"{FRAMED}.every((inner) => inner?.readyState !== 'loading' && inner.title)",
        )
        seen = window.evaluate(f"{FRAMED}.map({MEASURE})")
    assert [
        (case, faults(case, one), one) for case, one in zip(cases, seen, strict=True) if faults(case, one)
    ] == []
