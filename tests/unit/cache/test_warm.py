"""What makes warm answers fast never outlives what it was made from."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from embedkit import AssetRef, ConfigurationError, EmbedKit, Options, Settings
from embedkit.cache import entry
from embedkit.engine.rendered import edition
from embedkit.files.atomic import Tree
from embedkit.freshness import DAY
from embedkit.sandbox import SandboxTransport
from embedkit.settings import RenderSettings
from embedkit.targets import ROWS, TARGETS
from tests.bench.corpus import posts
from tests.support.cache import ITEMS, ROOT, embed
from tests.support.embeds import RENDER_SAMPLES, record
from tests.support.tools import Clock

pytestmark = pytest.mark.server

ID = "74917285"
POST = f"[getty {ID} width=300]\n\n[getty {ID}]\n"
SECRET = "s" * 40


class Harness:
    """Kits with one store and one sandbox, like the processes of one machine."""

    def __init__(self, folder: Path, **rows: Any) -> None:
        self.clock = Clock()
        self.clock.now = time.time()  # for other processes, which have no other clock
        self.transport = SandboxTransport()
        self.plain = folder / "no-templates"  # the output of custom templates is not stored
        self.plain.mkdir()
        self.rows = {"cache": f"sqlite:{folder / 'cache.sqlite'}", "secret": SECRET, **rows}
        self.kits: list[EmbedKit] = []

    def kit(self, **rows: Any) -> EmbedKit:
        settings = Settings(**{**self.rows, **rows})
        made = EmbedKit(settings, transport=self.transport, clock=self.clock, background=False)
        self.kits.append(made)
        return made

    @property
    def calls(self) -> int:
        return self.transport.app.count("oembed")


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path)
    yield made
    for kit in made.kits:
        kit.close()


ANSWERS: tuple[Callable[[EmbedKit], object], ...] = (
    lambda kit: str(kit.html(ID, max_width=300)),
    lambda kit: kit.resolve(ID, max_width=300),
    lambda kit: kit.render(POST),
    lambda kit: kit.document(POST).embeds,
)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("store", ["memory:", "null:", ""])
def test_the_second_answer_equals_the_first(
    harness: Harness, answer: Callable[[EmbedKit], object], store: str
) -> None:
    kit = harness.kit(cache=store or harness.rows["cache"])
    first = answer(kit)
    if store != "null:":
        assert answer(kit) == first
        assert answer(kit) == first
        assert harness.calls == 1
    else:
        assert answer(kit) != first


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_purge_invalidates_an_answer(harness: Harness, answer: Callable[[EmbedKit], object]) -> None:
    kit = harness.kit()
    first = answer(kit)
    assert kit.purge(ID)
    assert answer(kit) != first
    assert harness.calls == 2


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_purge_by_another_process_invalidates_an_answer(
    harness: Harness, answer: Callable[[EmbedKit], object]
) -> None:
    kit, other = harness.kit(), harness.kit()
    first = answer(kit)
    assert answer(kit) == first
    assert other.purge(ID)
    assert answer(kit) != first


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_new_copy_invalidates_an_answer(harness: Harness, answer: Callable[[EmbedKit], object]) -> None:
    kit, other = harness.kit(), harness.kit()
    first = answer(kit)
    other.records([AssetRef((ID,))], refresh=True)
    assert answer(kit) != first


def test_a_takedown_invalidates_an_answer(harness: Harness) -> None:
    kit, other = harness.kit(), harness.kit()
    assert "<iframe" in kit.render(POST)
    harness.transport.app.withdraw(ID)
    other.records([AssetRef((ID,))], refresh=True)
    for shown in (kit.render(POST), str(kit.html(ID)), harness.kit().render(POST)):
        assert "<iframe" not in shown


def test_a_stale_copy_is_requested_again(harness: Harness) -> None:
    kit = harness.kit()
    first = kit.render(POST)
    harness.clock.now += 1.5 * DAY
    assert kit.render(POST) == first
    assert kit.settle() == 0
    assert harness.calls == 2
    assert kit.render(POST) != first


def test_an_expired_copy_is_not_shown(harness: Harness) -> None:
    kit = harness.kit()
    assert "<iframe" in kit.render(POST)
    harness.clock.now += 40 * DAY
    harness.transport.app.faults.add("status", status=503, count=None)
    assert "<iframe" not in kit.render(POST)


def test_a_larger_copy_replaces_a_smaller_one(harness: Harness) -> None:
    kit = harness.kit()
    kit.render(POST)
    assert 'width="1000"' in kit.render(f"[getty {ID} width=1000]")
    assert 'width="300"' in kit.render(POST)
    assert harness.calls == 2


def test_another_target_gives_another_answer(harness: Harness) -> None:
    kit = harness.kit()
    by_hand = harness.kit(templates=str(harness.plain))
    for target in 2 * TARGETS:
        assert kit.render(POST, target=target) == by_hand.render(POST, target=target)
        shown = kit.html(ID, target=target)
        assert shown == by_hand.html(ID, target=target)
        assert type(shown) is type(harness.kit().html(ID, target=target))
        assert isinstance(shown, Markup) is ROWS[target].is_markup


def test_a_wrong_type_is_reported_even_if_it_equals_an_earlier_argument(harness: Harness) -> None:
    kit = harness.kit()
    kit.html(ID, max_width=1, caption=True)
    for said in ({"max_width": True}, {"caption": 1}, {"caption": ["x"]}, {"title": 1}, {"max_width": 1.0}):
        with pytest.raises(ConfigurationError):
            kit.html(ID, **{"max_width": 1, "caption": True, **said})


def test_a_corpus_is_the_same_cold_warm_and_in_a_new_process(harness: Harness) -> None:
    texts = [(post.text, "markdown") for post in posts(40)]
    kit = harness.kit()
    for text, _ in texts:
        for ref in kit.find(text, input="markdown"):
            kit.cache.store(record(*ref.items), tld="com")
    by_hand = harness.kit(templates=str(harness.plain)).documents(texts)
    cold = kit.documents(texts)
    assert sum(len(document.embeds) for document in cold) > 50
    assert cold == by_hand
    assert kit.documents(texts) == cold
    assert [kit.document(*text[:1], input="markdown") for text in texts] == cold
    assert harness.kit().documents(texts) == cold
    assert harness.calls == 0


# -- html stored with the copy --------------------------------------------------------------------------

WARM = """
import sys
from embedkit import EmbedKit, Settings
kit = EmbedKit(Settings(cache=sys.argv[1], secret=sys.argv[2]))
html = kit.render(sys.argv[3])
assert html.count("<iframe") == 2, html
heavy = {"jinja2", "nh3", "bleach", "requests", "flask", "concurrent.futures"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_new_process_needs_neither_templates_nor_sanitizer(harness: Harness) -> None:
    harness.kit().render(POST)
    command = [sys.executable, "-c", WARM, harness.rows["cache"], SECRET, POST]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_new_process_uses_the_stored_html(harness: Harness) -> None:
    kit = harness.kit()
    kit.html(ID)
    [(name, html)] = kit.cache.get((ID,), "com").html.items()
    assert html == str(kit.html(ID))
    copy = kit.cache.store(kit.resolve(ID), tld="com")
    kit.cache.store_rendered(copy, {name: "<b>kept</b>"})
    assert str(harness.kit().html(ID)) == "<b>kept</b>"


@pytest.mark.parametrize("name", [*RenderSettings._fields, "target"])
def test_other_settings_do_not_use_the_stored_html(harness: Harness, name: str) -> None:
    assert name in {*RENDER_SAMPLES, "target"}, "add a value to RENDER_SAMPLES in tests/support/embeds.py"
    kit = harness.kit()
    kit.html(ID)
    changed = {name: {**RENDER_SAMPLES, "target": "feed"}[name]}
    other = harness.kit(**changed)
    by_hand = harness.kit(**{"templates": str(harness.plain), **changed})
    assert str(other.html(ID)) == str(by_hand.html(ID))


def test_the_edition_follows_templates_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = edition(Settings().rendering)
    assert edition(Settings(cache="memory:", max_age=7).rendering) == first
    template = tmp_path / "embedkit" / "web.html"
    template.parent.mkdir()
    template.write_text("<p>one</p>")
    monkeypatch.setattr("embedkit.files.installed.templates_path", lambda: str(tmp_path))
    one = edition(Settings().rendering)
    template.write_text("<p>two</p>")
    assert len({first, one, edition(Settings().rendering)}) == 3


@pytest.mark.parametrize("name", RenderSettings._fields)
def test_every_setting_that_affects_markup_changes_the_edition(name: str) -> None:
    before = Settings().rendering
    assert edition(before._replace(**{name: f"{getattr(before, name)}x"})) != edition(before)


def test_a_custom_template_is_used_as_soon_as_it_exists(harness: Harness, tmp_path: Path) -> None:
    harness.kit().render(POST)
    template = tmp_path / "own" / "embedkit" / "web.html"
    template.parent.mkdir(parents=True)
    template.write_text("<b>one</b>")
    kit = harness.kit(templates=str(tmp_path / "own"))
    assert kit.render(POST).count("<b>one</b>") == 2
    assert kit.cache.get((ID,), "com").html.keys() == harness.kit().cache.get((ID,), "com").html.keys()


def test_html_of_another_edition_is_dropped(harness: Harness) -> None:
    kept = harness.kit().cache
    copy = kept.store(embed(), tld="com")
    kept.store_rendered(copy, {"old/1": "a", "old/2": "b"})
    kept.store_rendered(copy, {"new/1": "c"})
    kept.store_rendered(copy, {"new/2": "d"})
    assert kept.get(ITEMS, "com").html == {"new/1": "c", "new/2": "d"}


def test_the_html_of_an_entry_is_limited(harness: Harness) -> None:
    kept = harness.kit().cache
    copy = kept.store(embed(), tld="com")
    other = kept.store(embed(), tld="de")
    half = "é" * (entry.MAX_HTML_CHARS // 2)
    kept.store_rendered(copy, {"e/1": half, "e/2": half + "x", "e/3": "fits"})
    kept.store_rendered(other, {"e/1": half, "e/2": "fits"})
    assert kept.get(ITEMS, "com").html == {"e/1": half, "e/3": "fits"}
    assert kept.get(ITEMS, "de").html == {"e/2": "fits"}


def test_storing_html_does_not_restore_a_purged_copy(harness: Harness) -> None:
    kept = harness.kit().cache
    copy = kept.store(embed(), tld="com")
    assert kept.delete(ITEMS)
    kept.store_rendered(copy, {"e/1": "gone"})
    assert kept.get(ITEMS, "com").embed is None


def test_html_of_an_older_copy_is_not_stored(harness: Harness) -> None:
    kept = harness.kit().cache
    older = kept.store(embed(), tld="com")
    harness.clock.now += 1
    kept.store(embed(), tld="com")
    kept.store_rendered(older, {"e/1": "old"})
    assert kept.get(ITEMS, "com").html == {}


def test_a_frozen_build_remembers_nothing_and_opens_no_cache(harness: Harness, tmp_path: Path) -> None:
    from embedkit.engine import lockfile

    copy = harness.kit().resolve(ID)
    lock = tmp_path / "lock.json"
    lockfile.write_back(lock, lockfile.read_bytes(lock), {((ID,), "com"): copy})
    kit = harness.kit(frozen=True, lockfile=str(lock), cache="null:")
    assert kit.render(POST) == kit.render(POST)
    assert str(kit.html(ID, Options(title="x"))) == str(kit.html(ID, title="x"))
    assert kit.engine.cache.value_if_made is None


def test_a_rebuild_touches_only_what_has_changed(tmp_path: Path) -> None:
    same, other = tmp_path / "same.md", tmp_path / "other.md"
    for path in (same, other):
        path.write_bytes("é\r\n".encode())
    before = {path: path.stat().st_ino for path in (same, other)}
    with Tree(tmp_path) as tree:
        assert not tree.write(same.name, "é\r\n".encode())
        assert tree.write(other.name, "é\n".encode())
    assert same.stat().st_ino == before[same]
    assert other.read_bytes() == "é\n".encode()
    assert other.stat().st_ino != before[other]
