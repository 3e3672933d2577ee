"""The work for one answer: reads of the store, function calls, and calls from lower layers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import embedkit
from embedkit import EmbedKit, Settings
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.sandbox import SandboxTransport

PACKAGE = str(Path(embedkit.__file__).parent)
IDS = ("74917285", "452224426", "83454800")


class CountingStore(SQLiteCache):
    """A store that counts its calls."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.calls: Counter[str] = Counter()

    def get(self, key: str) -> Any:
        self.calls["get"] += 1
        return super().get(key)

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
        self.calls["set"] += 1
        return super().set(key, value, timeout)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "cache")


@pytest.fixture
def kit(store: CountingStore) -> Iterator[EmbedKit]:
    settings = Settings(secret="s" * 40)
    with EmbedKit(settings, transport=SandboxTransport(), cache=store, background=False) as made:
        made.html(IDS[0])  # opens everything that is opened once
        made.render(f"[getty {IDS[0]} width=300]")
        store.calls.clear()
        yield made


def called(act: Callable[[], object]) -> list[tuple[str, str]]:
    """Return which of our functions were called: module and name of each, and the caller's module."""
    found: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            caller = frame.f_back.f_code.co_filename if frame.f_back else ""
            found.append((f"{_module(frame.f_code.co_filename)}:{frame.f_code.co_name}", _module(caller)))

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def _module(path: str) -> str:
    return path.removeprefix(PACKAGE).lstrip("/") if path.startswith(PACKAGE) else ""


@pytest.mark.parametrize("options", [{}, {"max_width": 300}])
def test_a_cold_answer_reads_the_store_twice(kit: EmbedKit, store: CountingStore, options: dict[str, Any]) -> None:
    assert "<iframe" in kit.html(IDS[1], **options)
    assert store.calls == {"get": 2, "set": 2}
    assert "<iframe" in kit.html(IDS[1], **options)
    assert store.calls == {"get": 2, "set": 2}


def test_a_cold_text_reads_the_store_twice_for_each_picture(kit: EmbedKit, store: CountingStore) -> None:
    text = f"[getty {IDS[1]}]\n\n[getty {IDS[2]}]\n"
    assert kit.render(text).count("<iframe") == 2
    assert store.calls["get"] <= 2 * 2 + 1  # one more if the two share a version slot
    before = store.calls.total()
    assert kit.render(text).count("<iframe") == 2
    assert store.calls.total() == before


def test_a_new_process_reads_the_store_once(kit: EmbedKit, store: CountingStore, tmp_path: Path) -> None:
    kit.html(IDS[0], max_width=300)
    again = CountingStore(tmp_path / "cache")
    with EmbedKit(kit.settings, transport=SandboxTransport(), cache=again, background=False) as other:
        assert "<iframe" in other.html(IDS[0])
        assert "<iframe" in other.render(f"[getty {IDS[0]} width=300]")
        assert again.calls == {"get": 1}


@pytest.mark.parametrize("act", [EmbedKit.html, EmbedKit.resolve, lambda kit, ref: kit.render(f"[getty {ref}]")])
def test_a_cold_answer_makes_no_upward_calls(kit: EmbedKit, act: Callable[[EmbedKit, str], object]) -> None:
    above = ("kit.py", "engine/")
    calls = called(lambda: act(kit, IDS[1]))
    assert len(calls) > 50
    assert [
        call for call in calls if call[0].startswith(above) and call[1] and not call[1].startswith(above)
    ] == []


def test_a_warm_answer_is_three_calls(kit: EmbedKit) -> None:
    kit.html(IDS[1])
    names = [name for name, _ in called(lambda: kit.html(IDS[1]))]
    assert names == ["kit.py:html", "cache/memory.py:get", "cache/entry.py:is_current"]
