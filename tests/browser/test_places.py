"""The embed keeps its shape wherever it stands: with scripting and without, in any place, under other people's CSS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from embedkit import EmbedKit
from embedkit.rendering.renderer import static_dir

WIDTH, HEIGHT = 395, 594  # of the picture
WITHDRAWN = "500000404"
PLACES = {
    "flow": "<p>Words.</p>{block}<p>Words.</p>",
    "beside a float": '<div style="float:left;width:200px;height:300px"></div>{block}<p>Words.</p>',
    "beside a float in a list": '<ul><li><div style="float:left;width:300px;height:90px"></div>{block}</li></ul>',
    "list": "<ul><li>{block}</li></ul>",
    "cell": "<table><tr><td>{block}</td><td>b</td></tr></table>",
    "quote": "<blockquote>{block}</blockquote>",
    "column of flex": '<div style="display:flex;flex-direction:column">{block}</div>',
    "row of flex": '<div style="display:flex">{block}<p>x</p></div>',
    "grid": '<div style="display:grid">{block}</div>',
    "280 px": '<div style="width:280px">{block}</div>',
    "sentence": "<p>Words {phrase} words.</p>",
    "heading": "<h2>{phrase}</h2>",
}
# The rules of these that matter to a figure, a frame and a canvas.
FOREIGN = {
    "none": "",
    "Material for MkDocs": "figure{display:flow-root;margin:1em auto;max-width:100%;text-align:center;width:fit-content}"
    "figcaption{font-style:italic;margin:1em auto;max-width:480px}",
    "Bootstrap": "*,::after,::before{box-sizing:border-box}figure{margin:0 0 1rem}iframe{border:0}"
    "[hidden]{display:none!important}img,svg{vertical-align:middle}",
    "Tailwind": "@layer base{*{margin:0;padding:0;border:0 solid}img,svg,video,canvas,audio,iframe,embed,object"
    "{display:block;vertical-align:middle}img,video{max-width:100%;height:auto}[hidden]{display:none!important}}"
    "figure{margin-block:2em}figcaption{font-size:.875em;margin-top:.86em}figure>*{margin-block:0}",
    "WordPress": "body>*{max-width:645px;margin-left:auto!important;margin-right:auto!important}figure{margin:0 0 1em}"
    "figcaption{text-align:center}iframe{max-width:100%}",
    "Pico": "figure{display:block;margin:0;padding:0}figcaption{padding:8px 0}iframe{border-style:none}"
    "audio,canvas,iframe,img,svg,video{vertical-align:middle}",
    "GitHub": "figure{margin:1em 2.5rem}table{display:block;width:max-content;max-width:100%;overflow:auto}",
    "a theme": "iframe,video,canvas{width:100%;max-width:100%;height:auto}span,cite{font-style:normal}",
}
MEASURE = """() => {
  const size = (selector) => { const box = document.querySelector(selector)?.getBoundingClientRect(); return box ? [box.width, box.height] : null };
  const figure = document.querySelector('.ek'), root = document.scrollingElement;
  return { box: size('.ek-box'), frame: size('.ek iframe'), caption: size('.ek-caption'), parent: figure.parentElement.clientWidth,
    overflow: root.scrollWidth - root.clientWidth };
}"""


@pytest.fixture(name="pages", scope="module", params=["scripting on", "scripting off"])
def fixture_pages(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    scripting = request.param == "scripting on"
    with browser.new_context(java_script_enabled=scripting, viewport={"width": 720, "height": 900}) as context:
        context.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        yield context.new_page()


def shown(pages: Page, place: str, markup: tuple[str, str], css: str) -> dict[str, list[float]]:
    """What a page measures."""
    block, phrase = markup
    body = PLACES[place].format(block=block, phrase=phrase)
    pages.set_content(f'<!doctype html><html lang="en"><style>{css}</style><body>{body}', wait_until="commit")
    return dict(pages.evaluate(MEASURE))


def markup(kit: EmbedKit, target: str, ref: str = "74917285") -> tuple[str, str]:
    """The embed for a place of its own, and for a sentence."""
    phrase = kit.render(f"<p>a [getty {ref} target={target}] b</p>", input="html")
    return kit.render(f"[getty {ref} target={target}]", input="html"), phrase[len("<p>a ") : -len(" b</p>")]


def own() -> str:
    return static_dir().joinpath("embedkit.css").read_text("utf-8")


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_picture_keeps_its_shape(pages: Page, kit: EmbedKit, foreign: str) -> None:
    made = markup(kit, "web")
    for place in PLACES:
        seen = shown(pages, place, made, FOREIGN[foreign] + own())
        (width, height), caption = seen["box"], seen["caption"][0]
        assert width >= min(WIDTH, seen["parent"]) * 0.6, (place, seen)
        assert height == pytest.approx(width * HEIGHT / WIDTH, abs=2), (place, seen)
        assert seen["frame"] == pytest.approx(seen["box"], abs=1), (place, seen)
        assert caption <= width + 1, (place, seen)
        assert seen["overflow"] <= 0, (place, seen)


@pytest.mark.parametrize("target", ["facade", "card"])
def test_what_asks_first_and_what_stands_in_are_whole(pages: Page, kit: EmbedKit, target: str) -> None:
    made = markup(kit, target)
    for place in PLACES:
        seen = shown(pages, place, made, own())
        assert seen["caption"][0] >= 150, (place, seen)
        assert seen["overflow"] <= 0, (place, seen)


def test_without_our_stylesheet_there_is_no_hole(pages: Page, kit: EmbedKit) -> None:
    made = markup(kit, "web")
    for place in ("flow", "list", "quote", "grid"):
        seen = shown(pages, place, made, "")
        assert seen["frame"] == pytest.approx([WIDTH, HEIGHT], abs=5), (place, seen)
        assert seen["box"][1] < HEIGHT + 10, (place, seen)  # an iframe alone is as high
