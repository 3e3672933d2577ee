"""The rules of the house: who may import whom, and what may not be in the tree."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tools import ROOT

PACKAGE = ROOT / "embedkit"

# a module, or a room, and its layer; a module imports only lower layers, or siblings of its own room
LAYERS = {
    "errors": 0,
    "models": 0,
    "images": 0,
    "boards": 0,
    "settings": 0,
    "freshness": 0,
    "events": 0,
    "escaping": 0,
    "records": 1,
    "shortcodes": 1,
    "arguments": 1,
    "sanitize": 1,
    "rendering": 1,
    "picker_files": 2,
    "getty": 2,
    "documents": 2,
    "lazily": 3,
    "logs": 3,
    "files": 3,
    "lockfile": 3,
    "signing": 3,
    "revalidation": 3,
    "transport": 3,
    "stores": 3,
    "cache": 3,
    "memo": 4,
    "finished": 4,
    "resolver": 4,
    "expansion": 4,
    "api": 4,
    "kit": 4,
    "web": 5,
    "sandbox": 5,
    "pytest_plugin": 6,
    "cli": 6,
    "__main__": 7,
}
PURE = 2  # up to this layer: no I/O, no clock
IMPURE = {"requests", "flask", "cachelib", "os", "time", "threading", "logging", "socket", "sqlite3"}
ONLY = {"requests": {"transport"}, "sandbox": {"sandbox", "cli", "pytest_plugin"}}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of what a module imports, wherever in it; what only the type checker reads aside."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and ast.unparse(guard.test) == "TYPE_CHECKING"
        for statement in guard.body
        for node in ast.walk(statement)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    mine = LAYERS[room(path)]
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "embedkit" and rest and rest[0] in LAYERS:
            other = rest[0]
            assert other == room(path) or LAYERS[other] <= mine, f"{room(path)} imports {other}"
        top = rest[0] if first == "embedkit" and rest else first
        assert room(path) in ONLY.get(top, {room(path)}), f"{room(path)} may not import {top}"
        if mine <= PURE:
            assert first not in IMPURE, f"{room(path)} is pure, and imports {first}"


def test_every_room_has_a_layer() -> None:
    assert {room(path) for path in MODULES} == set(LAYERS)


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import embedkit; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "['embedkit']"


def test_the_kit_imports_no_service_and_no_requests() -> None:
    code = (
        "import sys, embedkit.kit; print([m for m in ('flask', 'requests', 'jinja2', 'nh3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
