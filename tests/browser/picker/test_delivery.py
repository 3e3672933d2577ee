"""How the picker loads: all modules at once, each checked, and never from two releases."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from flask import Flask, Response, send_from_directory
from playwright.sync_api import Browser, BrowserContext, Page

from embedkit.files.atomic import Tree
from embedkit.web.pages import static_file
from embedkit.web.picker_files import ENTRY, PickerFiles, picker_files
from tests.support.servers import serving

MODULES = [ENTRY, *(module.name for module in picker_files().imported)]
DEFINED = "customElements.get('embedkit-picker') !== undefined"


def marked(label: str) -> PickerFiles:
    """Return a release in which each module records its label when it runs."""
    mark = f"\n(globalThis.ran ??= []).push('{label}');\n".encode()
    contents = picker_files().contents
    return PickerFiles({name: text + (mark if name in MODULES else b"") for name, text in contents.items()})


@dataclass
class Site:
    """Pages, and the static files of the deployed release."""

    url: str = ""
    files: PickerFiles = field(default_factory=partial(marked, "A"))
    head: str = ""
    hold: Callable[[str], None] = lambda _: None
    replaced: dict[str, bytes] = field(default_factory=dict)
    copy: Path = Path()
    events: list[tuple[str, str]] = field(default_factory=list)

    def tags(self, base: str = "/static") -> str:
        return "\n".join(self.files.tags(f"{self.url}{base}"))

    def page(self) -> str:
        return f"<!doctype html><html lang=en><head><link rel=icon href=data:,>{self.head}</head><body>"

    def static(self, filename: str) -> Response:
        name = filename.partition("/")[2]
        self.events.append(("asked", name))
        self.hold(name)
        response = static_file(self.files, filename)
        if name in self.replaced:
            response.set_data(self.replaced[name])
        self.events.append(("answered", name))
        return response


class Server:
    """A web server for all tests of this file, and the site of the test that runs."""

    site: Site
    url: str

    def app(self) -> Flask:
        app = Flask("site", static_folder=None)
        app.add_url_rule("/", "page", lambda: self.site.page())
        app.add_url_rule("/static/<path:filename>", "static", lambda filename: self.site.static(filename))
        app.add_url_rule("/copy/<path:name>", "copy", lambda name: send_from_directory(self.site.copy, name))
        return app


@pytest.fixture(name="server", scope="module")
def fixture_server() -> Iterator[Server]:
    server = Server()
    with serving(server.app(), threads=24) as server.url:
        yield server


@pytest.fixture(name="site")
def fixture_site(server: Server) -> Site:
    server.site = Site(server.url)
    return server.site


@pytest.fixture(name="context")
def fixture_context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        yield context


def opened(context: BrowserContext, site: Site) -> tuple[Page, list[str]]:
    """Return a page after its scripts have run or failed, and its console messages."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(site.url)
    return page, said


def ran(page: Page) -> list[str]:
    found: list[str] = page.evaluate("globalThis.ran ?? []")
    return found


# -- all at once -------------------------------------------------------------------------------------------


def test_no_module_waits_for_another(context: BrowserContext, site: Site) -> None:
    """The entry, which imports all others, is sent only after all of them have been requested."""
    others = threading.Semaphore(0)

    def hold(name: str) -> None:
        if name in MODULES and name != ENTRY:
            others.release()
        if name == ENTRY:
            for _ in MODULES[1:]:
                others.acquire(timeout=20)

    site.hold = hold
    site.head = site.tags()
    page, said = opened(context, site)
    assert page.evaluate(DEFINED)
    asked = [name for event, name in site.events if event == "asked" and name in MODULES]
    assert sorted(asked) == sorted(MODULES)  # each once
    until_entry = site.events[: site.events.index(("answered", ENTRY))]
    assert {name for event, name in until_entry if event == "asked"} >= set(MODULES)
    assert said == []


def test_without_those_lines_they_wait(context: BrowserContext, site: Site) -> None:
    site.head = site.tags().rpartition("\n")[2]
    page, _ = opened(context, site)
    assert page.evaluate(DEFINED)
    assert site.events.index(("answered", ENTRY)) < site.events.index(("asked", "picker/element.js"))


# -- each checked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_was_tampered_with_does_not_run(context: BrowserContext, site: Site, name: str) -> None:
    site.head = site.tags()
    site.replaced = {name: site.files.contents[name] + b"\nglobalThis.tampered = true;\n"}
    page, said = opened(context, site)
    assert not page.evaluate("Boolean(globalThis.tampered)")
    assert not page.evaluate(DEFINED)
    for _ in range(250):
        if any("digest" in text and name in text for text in said):
            return
        page.wait_for_timeout(20)
    raise AssertionError(said)


def test_modules_that_no_line_names_are_not_checked(context: BrowserContext, site: Site) -> None:
    """This is why a page has a link for each: the entry's hash doesn't cover its imports."""
    site.head = site.tags().rpartition("\n")[2]
    site.replaced = {
        "picker/model.js": site.files.contents["picker/model.js"] + b"\nglobalThis.tampered = true;\n"
    }
    page, _ = opened(context, site)
    assert page.evaluate("globalThis.tampered && " + DEFINED)


# -- one release -------------------------------------------------------------------------------------------


PLAIN = '<script type="module" src="/static/embedkit-picker.js"></script>'
WITH_QUERY = '<script type="module" src="/static/embedkit-picker.js?v=0.0.1"></script>'


@pytest.mark.parametrize("head", [None, PLAIN, WITH_QUERY], ids=["printed", "plain", "query"])
def test_after_an_upgrade_every_module_is_of_the_new_release(
    context: BrowserContext, site: Site, head: str | None
) -> None:
    site.head = head or site.tags()
    page, _ = opened(context, site)
    assert ran(page) == ["A"] * len(MODULES)
    site.files = marked("B")
    site.head = head or site.tags()
    page, said = opened(context, site)
    assert ran(page) == ["B"] * len(MODULES)
    assert said == []


def test_a_page_that_names_the_old_release_gets_all_of_it_or_nothing(browser: Browser, site: Site) -> None:
    site.head = site.tags()
    old = site.head
    with browser.new_context() as cached, browser.new_context() as empty:
        opened(cached, site)
        site.files = marked("B")
        site.head = old
        assert ran(opened(cached, site)[0]) in (["A"] * len(MODULES), [])  # usually from the browser's cache
        page, said = opened(empty, site)
        assert ran(page) == []
        assert said


def test_a_browser_that_has_kept_some_modules_mixes_none(browser: Browser, site: Site) -> None:
    """Half of the old release is cached, the rest is no longer served, and the new one is in another folder."""
    site.head = site.tags().replace(site.files.modules[ENTRY].integrity, "")
    some = [line for line in site.head.splitlines() if "modulepreload" in line][::2]
    with browser.new_context() as context:
        old, site.head = site.head, "\n".join(some)
        opened(context, site)
        site.files = marked("B")
        site.head = re.sub(r' integrity="[^"]*"', "", old)
        page, _ = opened(context, site)
        assert ran(page) == ["B"] * len(MODULES)  # the entry leads to where the new one is


def test_a_release_may_be_served_from_a_copy(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    """A static site: the folder that ``embedkit assets --picker`` writes, on any file server."""
    with Tree(tmp_path) as tree:
        site.files.copy(tree.write)
    site.copy = tmp_path
    site.head = site.tags("/copy")
    page, said = opened(context, site)
    assert ran(page) == ["A"] * len(MODULES)
    assert page.evaluate(DEFINED)
    assert said == []
