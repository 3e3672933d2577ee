"""The picker in Firefox: the main journeys by keyboard and mouse, and axe on its main states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.firefox import Firefox, firefox
from tests.support.picker import AXE, AXE_RUN, AXE_SET_UP, Desk, broken_rules, desks, problem

pytestmark = pytest.mark.browser
ROOT = "document.querySelector('embedkit-picker')?.shadowRoot"
PAGE = "<embedkit-picker></embedkit-picker>"
FIELD = (
    '<form><label for="cover">Cover:</label><embedkit-picker id="cover" name="picture"></embedkit-picker></form>'
)
FOCUSED = f"{ROOT}.activeElement"
CHOSEN = "heard.filter(([name]) => name === 'select').map(([, detail]) => detail.shortcode)"
HEAR = """
window.heard = []; window.found = [];
addEventListener('embedkit-select', (event) => heard.push(['select', event.detail]));
addEventListener('embedkit-results', (event) => found.push(event.detail.query));
"""


def part(selector: str) -> str:
    return f'{ROOT}?.querySelector("{selector}")'


def text(selector: str) -> str:
    return f"{part(selector)}?.textContent"


@pytest.fixture(name="room", scope="module")
def fixture_room() -> Iterator[Desk]:
    with desks(None) as room:
        yield room


@pytest.fixture(name="window", scope="module")
def fixture_window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with firefox(tmp_path_factory.mktemp("profile"), 1280, 800) as window:
        yield window


def opened(window: Firefox, room: Desk, body: str = PAGE) -> Firefox:
    """A page with a picker that stores nothing."""
    room.service.reset()
    room.service.body = body.replace("<embedkit-picker", '<embedkit-picker remember="off"')
    window.open(room.site.url, f"{part('.picker[data-state]')} !== null && 'EmbedKit' in window")
    window.run(HEAR)
    return window


def searched(window: Firefox, phrase: str = "harbour") -> None:
    window.click(part("input[type=search]"))
    window.expect(f"{FOCUSED} === {part('input[type=search]')}")
    window.write(phrase)
    window.expect(f"{part('input[type=search]')}.value === '{phrase}'")
    window.press("Enter")
    window.expect(f"found.at(-1) === '{phrase}' && {ROOT}.querySelectorAll('.tile').length === 30")


def test_it_is_used_by_keys_alone(window: Firefox, room: Desk) -> None:
    opened(window, room)
    window.run(f"{part('input[type=search]')}.focus()")
    searched(window)
    for _ in range(30):
        if window.evaluate(f"{FOCUSED}?.matches('.tile')"):
            break
        window.press("Tab")
    window.press("ArrowDown")
    window.expect(f"{FOCUSED}.getBoundingClientRect().top > {part('#tile-0')}.getBoundingClientRect().bottom")
    window.press("ArrowUp")
    window.run(f"{part('#tile-0')}.focus()")
    window.press("ArrowRight")
    window.expect(f"{FOCUSED}.id === 'tile-1'")
    window.press("Enter")
    window.expect(f"{FOCUSED}.id === 'details-title'")
    window.press("Escape")
    window.expect(f"{FOCUSED}.id === 'tile-1' && {part('.side')}.hidden")
    window.press("?")
    window.expect(f"{part('.keys')}.open")
    window.press("Escape")
    window.expect(f"!{part('.keys')}.open && {FOCUSED}.id === 'tile-1'")
    window.press("/")
    window.expect(f"{FOCUSED} === {part('input[type=search]')}")
    window.press("Escape")
    window.expect(f"{part('.picker')}.dataset.state === 'first'")
    searched(window, "pier")
    window.run(f"{part('#tile-2')}.focus()")
    window.press("Enter")
    window.expect(f"{FOCUSED}.id === 'details-title'")
    window.press("Control", "Enter")
    window.expect(f"{CHOSEN}.length === 1")
    assert window.evaluate(CHOSEN) == ["[getty 900002]"]
    window.expect(f"{ROOT}.querySelector('[role=status]').textContent === 'Inserted: Fishing boats 3'")


def test_it_is_used_by_mouse(window: Firefox, room: Desk) -> None:
    opened(window, room)
    searched(window)
    window.click(part("#tile-1"))
    window.expect(f"{text('#details-title')}?.startsWith('A lighthouse')")
    window.click(f"[...{ROOT}.querySelectorAll('.leads button')].find(node => node.textContent === 'Similar')")
    window.expect(f"{text('.scope')}.startsWith('Similar to') && {part('.side')}.hidden")
    window.click(part(".scope"))
    window.expect(f"{part('.scope')}.hidden && {part('input[type=search]')}.value === 'harbour'")
    window.click(part("#tile-1"))
    window.click(part(".actions .primary"))
    window.expect(f"{CHOSEN}.length === 1")
    window.click(part("#tile-3"), times=2)
    window.expect(f"{CHOSEN}.length === 2")
    assert window.evaluate(CHOSEN) == ["[getty 900001]", "[getty 900003]"]


def test_a_dialog_gives_back_the_focus_and_asks_before_work_is_lost(window: Firefox, room: Desk) -> None:
    opened(window, room)
    room.service.body = ""
    room.service.options = '{"multiple":true}'
    window.open(room.site.url, "document.readyState === 'complete'")  # the opener's script has run as well
    window.run(HEAR)
    window.click("document.getElementById('opener')")
    window.expect(f"{part('dialog.dialog')}?.open && {FOCUSED} === {part('input[type=search]')}")
    searched(window)
    window.run(f"{part('#tile-0')}.focus()")
    window.press(" ")
    window.expect(f"{text('.footer strong')} === '1 selected'")
    window.press("Escape")
    window.expect(f"{text('#leaving')}?.startsWith('Discard')")
    window.press("Escape")
    window.expect("document.querySelector('embedkit-picker') === null && window.choice === null")
    assert window.evaluate("document.activeElement.id") == "opener"


def test_a_field_shows_what_was_chosen(window: Firefox, room: Desk) -> None:
    opened(window, room, FIELD)
    window.click("document.querySelector('label')")
    window.expect(f"{FOCUSED} === {part('.card button')}")
    window.click(FOCUSED)
    window.expect(f"{part('dialog')}.open")
    searched(window)
    window.click(part("#tile-0"))
    window.click(part(".actions .primary"))
    window.expect(f"!{part('dialog')}.open && {text('.card b')} === 'Harbour at dusk 1'")
    value = "new FormData(document.querySelector('form')).get('picture')"
    assert window.evaluate(value) == "[getty 900000]"
    window.click(f"{ROOT}.querySelectorAll('.card button')[2]")
    window.expect(f"{value} === ''")


STATES: dict[str, Any] = {
    "first": lambda window, room: None,
    "results": lambda window, room: searched(window),
    "details": lambda window, room: (searched(window), window.click(part("#tile-1"))),
    "throttled": lambda window, room: (
        setattr(room.service, "search", lambda _: problem(429, "throttled", 20)),
        window.click(part("input[type=search]")),
        window.write("harbour"),
    ),
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", STATES)
def test_states_are_accessible(window: Firefox, room: Desk, name: str, width: int) -> None:
    window.resize(width, 760)
    opened(window, room)
    STATES[name](window, room)
    expected = "results" if name == "details" else name
    window.expect(f"{part('.picker:not([data-busy])')}?.dataset.state === '{expected}'")
    window.expect(f"{part('.side')}.hidden === {str(name != 'details').lower()}")
    window.run(AXE.read_text("utf-8"))
    window.run(AXE_SET_UP)
    assert broken_rules(window.evaluate(AXE_RUN)) == []
    assert window.evaluate("document.documentElement.scrollWidth") <= width
