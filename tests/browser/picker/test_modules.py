"""The picker's modules as files: their imports, their size, and what no module may do."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from embedkit.files.atomic import Tree
from embedkit.files.installed import static_dir
from embedkit.web.picker_files import PickerFiles, picker_files
from tests.support.tools import need

MAX_BYTES = 40_000  # of all modules, each compressed separately, as sent
MAX_LINES = 750
ENTRY = static_dir() / "embedkit-picker.js"
ROOMS = sorted((static_dir() / "picker").glob("*.js"))
MODULES = [ENTRY, *ROOMS]
IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";', re.MULTILINE)
EVERY_MODULE = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
SINKS = ("innerHTML", "outerHTML =", "insertAdjacentHTML", "DOMParser", "srcdoc", "document.write", "eval(")


def imports(path: Path) -> list[Path]:
    """Return the modules that a module imports."""
    return [(path.parent / name).resolve() for name in IMPORT.findall(path.read_text("utf-8"))]


def order() -> list[Path]:
    """Return all modules, each after its imports; fail if that is impossible."""
    done: list[Path] = []
    waiting = {path: set(imports(path)) for path in MODULES}
    while waiting:
        ready = [path for path, needed in waiting.items() if needed <= set(done)]
        assert ready, f"These import each other: {sorted(path.name for path in waiting)}"
        done += ready
        for path in ready:
            del waiting[path]
    return done


def test_the_rooms_are_there() -> None:
    rooms = {path.stem for path in ROOMS}
    assert rooms >= {"model", "search", "results", "details", "element"}


def test_imports_go_one_way_from_the_entry_to_the_parts() -> None:
    last = order()[-1]
    assert last == ENTRY


def test_every_module_is_needed() -> None:
    assert {path for module in MODULES for path in imports(module)} == set(ROOMS)


@EVERY_MODULE
def test_imports_are_static_and_relative(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "import(" not in text
    assert len(IMPORT.findall(text)) == len(re.findall(r"^(?:import\b|export\b.*\bfrom\b)", text, re.MULTILINE))
    assert all(module in ROOMS for module in imports(path))


@EVERY_MODULE
def test_a_module_can_be_read(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("/* ")
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= 120


@EVERY_MODULE
def test_a_module_is_javascript(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / f"{path.stem}.mjs"
    copy.write_bytes(path.read_bytes())
    done = subprocess.run([need("node"), "--check", copy], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@EVERY_MODULE
def test_no_text_is_ever_parsed(path: Path) -> None:
    script = path.read_text("utf-8")
    assert [sink for sink in (*SINKS, "Function(", 'setAttribute("style"') if sink in script] == []


def test_all_of_it_is_small() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in MODULES}
    assert sum(sizes.values()) < MAX_BYTES, sizes


def test_names_are_the_fields() -> None:
    """The picker once had words of a private dialect, and names of one letter."""
    words = re.compile(r"\b(?:said|saidOf|const h|function h|LONGEST|PATIENCE|FRESH)\b")
    assert [path.name for path in MODULES if words.search(path.read_text("utf-8"))] == []


# -- releases ----------------------------------------------------------------------------------------------


def test_a_release_is_all_that_the_picker_needs() -> None:
    contents = picker_files().contents
    assert {static_dir() / name for name in contents if name.startswith("picker/")} == set(ROOMS)
    others = {name for name in contents if not name.startswith(("picker/", "locales/"))}
    assert others == {f"embedkit-picker{rest}" for rest in (".js", ".css", "-page.js", "-page.css")}
    assert {static_dir() / name for name in contents if name.startswith("locales/")} == set(
        (static_dir() / "locales").glob("*.json")
    )


@pytest.mark.parametrize("name", sorted(picker_files().contents))
def test_any_change_makes_another_release(name: str) -> None:
    contents = dict(picker_files().contents)
    changed = PickerFiles({**contents, name: contents[name] + b"\n"})
    renamed = PickerFiles({f"{other}x" if other == name else other: text for other, text in contents.items()})
    folders = {files.folder for files in (PickerFiles(contents), changed, renamed)}
    assert len(folders) == 3
    assert PickerFiles(contents).folder == picker_files().folder
    assert all(re.fullmatch(r"picker-[0-9a-f]{16}", folder) for folder in folders)


def test_a_running_process_keeps_its_release(tmp_path: Path) -> None:
    """An upgrade replaces its files, but what it serves still fits together."""
    with Tree(tmp_path) as tree:
        picker_files().copy(tree.write)
    folder = tmp_path / picker_files().folder
    files = PickerFiles.read(folder)
    assert files == picker_files()
    for path in folder.rglob("*.js"):
        path.write_text("throw new Error('of the next release')", "utf-8")
    assert files.contents == picker_files().contents
    assert PickerFiles.read(folder).folder != files.folder


def test_releases_live_side_by_side(tmp_path: Path) -> None:
    next_one = PickerFiles({**picker_files().contents, "picker/model.js": b"// newer"})
    with Tree(tmp_path) as tree:
        copied = [*picker_files().copy(tree.write), *next_one.copy(tree.write)]
    assert all((tmp_path / path).is_file() for path in copied)
    assert {path.name for path in tmp_path.iterdir()} == {picker_files().folder, next_one.folder}
    assert PickerFiles.read(tmp_path / next_one.folder) == next_one


def test_tags_quote_a_url() -> None:
    [*links, script] = PickerFiles({"embedkit-picker.js": b"1", "picker/a.js": b"2"}).tags(
        'https://x.example/?"<&'
    )
    assert all('"https://x.example/?&quot;&lt;&amp;/picker-' in tag for tag in (*links, script))
    assert [link.count("<") for link in links] == [1]
    assert script.startswith('<script type="module" src="')
