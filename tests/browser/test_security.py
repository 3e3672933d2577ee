"""Hostile texts and attributes in a real browser without a policy: nothing runs, nothing is requested."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, Route

from embedkit.files.installed import static_dir
from embedkit.models import Options
from embedkit.rendering.renderer import Renderer
from embedkit.settings import Settings
from embedkit.targets import Target
from tests.support.embeds import HOSTILE, HTML_TARGETS, record
from tests.support.tools import reference_dir

SITE = "https://site.example"
OURS = {"site.example", "embed.gettyimages.com"}
EVIL = "https://evil.example"
PAGES: tuple[Target, ...] = (*HTML_TARGETS, "jsonld")
SCRIPT = static_dir().joinpath("embedkit-facade.js").read_text("utf-8")
ELEMENTS = "[...document.body.querySelectorAll('*')].map(e => e.localName + ' ' + e.getAttributeNames().sort())"


@dataclass
class Desk:
    """One page of a site. Requests to other origins are recorded and blocked."""

    page: Page
    body: str = ""
    asked: set[str] = field(default_factory=set)
    dialogs: list[str] = field(default_factory=list)

    def answer(self, route: Route, request: Request) -> None:
        parts = urlsplit(request.url)
        self.asked.add(parts.hostname or request.url)
        if parts.hostname == "site.example" and parts.path in ("/", "/facade.js"):
            kind = "text/javascript" if parts.path == "/facade.js" else "text/html; charset=utf-8"
            route.fulfill(content_type=kind, body=SCRIPT if parts.path == "/facade.js" else self.body)
        else:
            route.abort()

    def closed(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def show(self, body: str, address: str = f"{SITE}/") -> list[str]:
        """The elements of a page, each with the names of its attributes."""
        self.body = f"<!doctype html><meta charset=utf-8><title>x</title><body>{body}"
        self.page.goto(address)
        return cast(list[str], self.page.evaluate(ELEMENTS))


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    page = browser.new_page()
    made = Desk(page)
    page.route("**/*", made.answer)
    page.on("dialog", made.closed)
    yield made
    page.close()


# -- texts ---------------------------------------------------------------------------------------------


def written(texts: list[str], target: Target) -> str:
    """Each text in all places that accept one."""
    renderer = Renderer(Settings().rendering)
    return "".join(
        str(
            renderer.render(
                record(title=f"{one}.", caption=one, photographer=f"{one}.", collection=f"{one}."),
                Options(caption=f"{one}.", title=f"{one}."),
                target,
            )
        )
        for one in texts
    )


def assert_harmless(desk: Desk, texts: list[str]) -> None:
    for target in PAGES:
        plain = desk.show(written(["x"], target))
        assert plain
        assert desk.show(written(texts, target)) == plain * len(texts)
    assert desk.dialogs == []
    assert desk.asked <= OURS | {"embed-cdn.gettyimages.com"}
    words = "".join(str(Renderer(Settings().rendering).plain(one, "web")) for one in texts)
    assert desk.show(f"<p>{words}") == ["p ", *["span ng-non-bindable,v-pre,x-ignore"] * len(texts)]


def test_our_hostile_texts_stay_texts(desk: Desk) -> None:
    assert_harmless(desk, list(HOSTILE))


def test_those_of_the_corpus_do_too(desk: Desk) -> None:
    with gzip.open(reference_dir() / "corpora" / "xss.jsonl.gz", "rt", encoding="utf-8") as lines:
        payloads = [json.loads(line)["p"] for line in lines][::33]
    assert len(payloads) > 400
    assert_harmless(desk, payloads)


# -- the façade, on a page where others may write html without scripts ------------------------------------

CLOBBERING = [
    f'<img name=currentScript src="{EVIL}/?origin={EVIL}&sandbox=" data-frame-origin="{EVIL}" data-frame-sandbox="">',
    f'<form name=currentScript data-frame-origin="{EVIL}"><input name=dataset><input name=src value="{EVIL}"></form>',
    f'<object name=currentScript data-frame-origin="{EVIL}"></object>',
    "<img name=embedkitFacade>",
    f'<a id=origin href="{EVIL}"></a><a id=localStorage></a><a id=Symbol></a><a id=Object></a>',
    f'<iframe name=currentScript srcdoc="x" data-frame-origin="{EVIL}"></iframe>',
    "<script>Object.prototype.frameOrigin = Object.prototype.origin = 'https://evil.example'</script>",
]


@pytest.mark.parametrize("planted", CLOBBERING)
def test_nothing_on_a_page_tells_the_facade_whom_to_frame(desk: Desk, planted: str) -> None:
    facade = written(["x"], "facade")
    desk.show(
        f'{planted}{facade}<script src="/facade.js"></script>', f"{SITE}/?origin={EVIL}&sandbox=#origin={EVIL}"
    )
    desk.page.locator(".ek-open").click()
    frame = desk.page.locator(".ek-box iframe")
    assert (frame.get_attribute("src") or "").startswith("https://embed.gettyimages.com/embed/74917285?")
    assert "allow-scripts" in (frame.get_attribute("sandbox") or "")


QUERY = f"?et={'e' * 22}&sig={'s' * 43}="
PATHS = [
    *(
        "//evil.example/embed/1?x",
        "https://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "@evil.example",
    ),
    *(".evil.example/embed/1?x", ":1@evil.example/embed/1?x", "\\\\evil.example\\embed\\1?x", "", " "),
    *(f"/embed/../x{QUERY}", f"/embed/\\evil{QUERY}", f"/embed/1@evil{QUERY}", f"/embed//evil.example{QUERY}"),
    *(
        f"/embed/1{QUERY}#x",
        f"/embed/1{QUERY}\n",
        f" /embed/1{QUERY}",
        f"/embed/１{QUERY}",
        f"/embed/%2e%2e/x{QUERY}",
    ),
    *(f"/embed/1{QUERY}/../..", f"/embed/1{QUERY}\u2028", f"/EMBED/1{QUERY}", f"/embed/1;x{QUERY}", "/embed/1"),
]


def test_a_facade_with_a_wrong_path_frames_nothing(desk: Desk) -> None:
    facade = written(["x"], "facade").replace("https://www.gettyimages.com/detail/74917285", "#")
    desk.show(f'{facade}<script src="/facade.js"></script>')
    before = set(desk.asked)
    for path in PATHS:
        desk.page.evaluate("path => document.querySelector('.ek--facade').dataset.ekSrc = path", path)
        desk.page.locator(".ek-open").click()
        assert desk.page.locator("iframe").count() == 0, path
    assert desk.asked == before


def test_texts_of_a_facade_stay_texts_when_it_speaks(desk: Desk) -> None:
    facade = written([*HOSTILE], "facade")
    desk.show(f'{facade}<script src="/facade.js"></script>')
    desk.page.locator(".ek-always").first.check()
    shown = desk.page.locator("iframe")
    assert shown.count() == len(HOSTILE)
    assert desk.page.locator("img, svg, script:not([src])").count() == 0
    assert desk.dialogs == []
    assert desk.asked <= OURS
