"""Rules for the code: which modules may import which, and what must not be in the repository."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tests.house import imports, lines_of_code, modules, room_of, rooms_imported
from tests.support.tools import ROOT

PACKAGE = ROOT / "embedkit"

# The rooms from the bottom up. A module may only import from its own room or from rooms earlier in this list, and
# lazy imports count. So there can be no import cycles between rooms.
ORDER = [
    *("errors", "freshness", "targets", "models", "messages", "process", "validation"),
    "settings",
    *("files", "shortcodes", "getty", "rendering", "cache/stores", "transport", "cache", "api", "engine", "kit"),
    *("web", "sandbox/content", "sandbox/services", "sandbox", "pytest_plugin", "cli", "__main__"),
    *("integrations", "integrations/django", "integrations/django/templatetags"),
    *("integrations/django/management", "integrations/django/management/commands"),
    "integrations/wagtail",
]
PURE = {
    *(
        "errors",
        "freshness",
        "targets",
        "models",
        "messages",
        "validation",
        "settings",
    ),
    *("shortcodes", "getty", "rendering"),
}
IMPURE = {"requests", "flask", "cachelib", "os", "time", "threading", "logging", "socket", "sqlite3"}
ONLY = {"requests": {"transport"}, "sandbox": {"sandbox", "cli", "pytest_plugin"}}

WHOLE_SETTINGS = {"settings", "engine", "kit", "web", "cli"}
STILL_WHOLE_SETTINGS = {
    "api/client.py",
    "api/oauth.py",
    "api/requests.py",
}

DIALECT = {"said", "told", "LONGEST", "MOST", "SHORTEST", "LEAST", "BREATH", "PATIENCE", "NEVER_MIND"}

INTEGRATION_LINES = 150  # maximum lines of code in an integration

MODULES = [*modules(PACKAGE), *sorted((PACKAGE / "integrations").rglob("*.py"))]


def room(path: Path) -> str:
    """Return the room of a module."""
    return room_of(path, PACKAGE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_order_of_rooms(path: Path) -> None:
    mine = room(path)
    for other in rooms_imported(path, PACKAGE):
        assert other == mine or ORDER.index(other) < ORDER.index(mine), f"{mine} imports from {other}"
    for name in imports(path):
        first, *rest = name.split(".")
        top = rest[0] if first == "embedkit" and rest else first
        assert mine.partition("/")[0] in ONLY.get(top, {mine.partition("/")[0]}), f"{mine} may not import {top}"
        if mine in PURE:
            assert first not in IMPURE, f"{mine} is pure, and imports {first}"


def test_the_api_does_its_input_and_output_in_few_modules() -> None:
    """The other modules build requests and parse responses."""
    paths = (PACKAGE / "api").glob("*.py")
    impure = {path.stem for path in paths if IMPURE & set(imports(path))}
    assert impure == {"session", "token_file", "response_cache", "downloads", "orders"}, (
        "keep input and output to these"
    )


def test_integrations_are_thin() -> None:
    found = {
        str(path.relative_to(PACKAGE)): lines_of_code(path) for path in MODULES if "integrations" in path.parts
    }
    assert len(found) > 20
    assert {name: lines for name, lines in found.items() if lines > INTEGRATION_LINES} == {}


def test_every_room_is_listed_once() -> None:
    assert sorted({room(path) for path in MODULES}) == sorted(ORDER), "write a new room into ORDER, once"


@pytest.mark.parametrize("name", ["api", "cache/stores", "transport"])
def test_the_table_of_a_room_lists_its_modules(name: str) -> None:
    table = (PACKAGE / name / "__init__.py").read_text("utf-8")
    missing = {path.name for path in (PACKAGE / name).glob("[!_]*.py")} - set(re.findall(r"\w+\.py\b", table))
    assert not missing, f"name them in the table of embedkit/{name}/__init__.py"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_parts_take_single_values_not_all_settings(path: Path) -> None:
    """Only code that assembles the parts takes a whole Settings object; a part takes the values it needs."""
    arguments = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.arg)]
    whole = [node.arg for node in arguments if node.annotation and "Settings" in _names(node.annotation)]
    if room(path) not in WHOLE_SETTINGS:
        listed = str(path.relative_to(PACKAGE)) in STILL_WHOLE_SETTINGS
        assert bool(whole) == listed, f"{path}: {'take it off the list' if listed else whole}"


def _names(annotation: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_follow_the_style_guide(path: Path) -> None:
    """Arguments are named by their role (params, fields, options), constants by a noun and a unit."""
    source = path.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = {token.string for token in tokens if token.type == tokenize.NAME} & DIALECT
    assert not found, "rename to params, fields or options, depending on the role; constants to a noun and a unit"


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import embedkit; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "['embedkit']"


def test_the_kit_imports_no_service_and_no_requests() -> None:
    heavy = "{'flask', 'requests', 'jinja2', 'nh3', 'logging', 'embedkit.messages'}"
    code = (
        f"import sys; heavy = {heavy} - set(sys.modules); import embedkit.kit; print([*heavy & set(sys.modules)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


# On the package index, embedkit is another project, and the name embedkit-getty is not taken yet: the package is
# installed from a clone or from a wheel file.
BY_NAME = re.compile(r"pip3? (?:install|download)(?: -\S+)* ['\"]?embedkit(?!_getty-)")


def test_no_text_installs_embedkit_from_an_index() -> None:
    assert BY_NAME.search("Run: pip install -q --upgrade 'embedkit[server]'")
    assert not BY_NAME.search(
        "pip install -q -e '.[server]' && embedkit demo; pip install embedkit_getty-1-py3.whl"
    )
    places = ("*.md", ".ci/*", "embedkit/**/*", "templates/**/*", "examples/**/*")
    for path in {path for place in places for path in ROOT.glob(place)}:
        if path.is_file() and path.suffix not in {".png", ".pyc"}:
            assert not BY_NAME.search(path.read_text("utf-8")), path
