"""Hostile texts in a browser: after Markdown, and with template engines that read the live page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from embedkit import AssetRef, Options, Settings
from embedkit.rendering.renderer import Renderer
from embedkit.targets import Target
from tests.browser.test_security import SITE
from tests.support.processors import (
    MARKDOWN,
    NODE,
    PLAIN,
    PROCESSORS,
    Author,
    texts,
)
from tests.support.tools import node_packages

COUNT = 200  # texts
FRAMELESS: tuple[Target, ...] = ("card", "markdown")  # 200 frames on one page are too many
AUTHOR = Author()
HOOKS = """window.fired = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = (x) => { fired.push(name); };
addEventListener('error', (event) => fired.push(String(event.message)));"""
ELEMENTS = "[...document.querySelectorAll('main *')].map(e => e.localName + ' ' + e.getAttributeNames().sort())"
ENGINES = {
    "/vue.js": "vue/dist/vue.global.prod.js",
    "/angular.js": "angular/angular.min.js",
    "/alpine.js": "alpinejs/dist/cdn.min.js",
}


@dataclass
class Desk:
    """A page with hooks on everything a script could call. Frames are empty pages."""

    page: Page
    files: dict[str, Path]
    body: str = ""
    asked: set[str] = field(default_factory=set)

    def answer(self, route: Route, request: Request) -> None:
        parts = urlsplit(request.url)
        self.asked.add(parts.hostname or request.url)
        if parts.path in self.files:
            route.fulfill(content_type="text/javascript", body=self.files[parts.path].read_text("utf-8"))
        else:
            html = self.body if parts.hostname == urlsplit(SITE).hostname else "<!doctype html>"
            route.fulfill(content_type="text/html; charset=utf-8", body=html)

    def show(self, main: str, script: str = "") -> list[str]:
        """The elements of the page's main part, each with the names of its attributes."""
        self.body = f"<!doctype html><meta charset=utf-8><body><main>{main}</main>{script}"
        self.page.goto(f"{SITE}/", wait_until="load")
        found: list[str] = self.page.evaluate(ELEMENTS)
        return found

    def fired(self) -> list[str]:
        calls: list[str] = self.page.evaluate("fired")
        return calls


@pytest.fixture(name="desk")
def fixture_desk(browser: Browser) -> Iterator[Desk]:
    folder = node_packages(NODE) / "node_modules"
    page = browser.new_page()
    desk = Desk(page, {path: folder / file for path, file in ENGINES.items()})
    page.add_init_script(HOOKS)
    page.route("**/*", desk.answer)
    yield desk
    page.close()


@pytest.mark.parametrize("name", ["Python-Markdown", "Python-Markdown with extensions", "mistune"])
def test_nothing_fires_behind_markdown(desk: Desk, name: str) -> None:
    kinds = ("item", "inline", "table", "link")
    for target in FRAMELESS:
        plain = [read(name, kind, PLAIN, target) for kind in kinds]
        hostile = [read(name, kinds[number % 4], text, target) for number, text in enumerate(texts(COUNT))]
        wanted = desk.show("".join(plain)) * (COUNT // 4)
        assert desk.show("".join(hostile)) == wanted
        assert desk.fired() == []
    assert desk.asked == {"site.example"}


def read(name: str, kind: str, text: str, target: Target) -> str:
    return PROCESSORS[name](AUTHOR.document(MARKDOWN[kind], text, "markdown", target))


def test_nothing_fires_with_the_frame_either(desk: Desk) -> None:
    for text in list(texts(COUNT))[::20]:
        html = PROCESSORS["Python-Markdown"](AUTHOR.document(MARKDOWN["item"], text, "markdown", "web"))
        assert "iframe" in "".join(desk.show(html))
        assert desk.fired() == []
    assert desk.asked == {"site.example", "embed.gettyimages.com"}


# -- engines that read the page ---------------------------------------------------------------------------

INTERPOLATIONS = (
    *("{{ 7*191 }}", "{{ x }}", "{{{ x }}}", "[[ x ]]", "{{ constructor.constructor('alert(1)')() }}"),
    *("{{ $el.ownerDocument.defaultView.alert(1) }}", "{{toString().constructor.prototype.charAt=[].join; x}}"),
)
VUE = "<script src=/vue.js></script><script>Vue.createApp({data: () => ({x: 'LEAK'})}).mount('main')</script>"
ANGULAR = "<script src=/angular.js></script><script>angular.module('m', []).run(($rootScope) => {$rootScope.x = 'LEAK'}); angular.bootstrap(document.querySelector('main'), ['m'])</script>"
ALPINE = "<script defer src=/alpine.js></script>"
CONTROL = '<p id=control title="{{ x }}" x-data="{x: \'LEAK\'}" x-text="x">{{ x }}</p>'


@pytest.mark.parametrize("engine", [VUE, ANGULAR, ALPINE], ids=["Vue", "AngularJS", "Alpine"])
@pytest.mark.parametrize("target", ["web", "facade", "card"])
def test_page_targets_mean_nothing_to_template_engines(desk: Desk, engine: str, target: Target) -> None:
    shown = "".join(AUTHOR.document("{}", text, "html", target) for text in INTERPOLATIONS)
    words = "".join(str(AUTHOR.kit.html(text, target=target)) for text in INTERPOLATIONS)
    desk.show(f"{CONTROL}<section>{shown}{words}</section>", engine)
    desk.page.wait_for_function("document.querySelector('#control').textContent === 'LEAK'")
    section = desk.page.locator("section").evaluate("one => one.outerHTML")
    assert "LEAK" not in section
    assert "1337" not in section
    for text in INTERPOLATIONS:
        assert text in desk.page.locator("section").inner_text()
    assert desk.fired() == []


@pytest.mark.parametrize("on_error", ["card", "link", "text"])
def test_nor_do_fallbacks(desk: Desk, on_error: str) -> None:
    renderer = Renderer(Settings(on_error=on_error).rendering)
    texts = dict.fromkeys(("title", "photographer"), "{{ x }}")
    shown = renderer.fallback(AssetRef(("1",)), Options(caption="{{ x }}"), "web", texts=texts)
    desk.show(f"{CONTROL}<section>{shown}{renderer.plain('{{ x }}', 'web')}</section>", VUE)
    desk.page.wait_for_function("document.querySelector('#control').textContent === 'LEAK'")
    assert "LEAK" not in desk.page.locator("section").evaluate("one => one.outerHTML")


def test_other_targets_are_open_to_them_as_the_readme_says(desk: Desk) -> None:
    desk.show(f"{CONTROL}<section>{AUTHOR.document('{}', '{{ x }}', 'html', 'email')}</section>", VUE)
    desk.page.wait_for_function("document.querySelector('#control').textContent === 'LEAK'")
    assert "LEAK" in desk.page.locator("section").inner_text()
