"""Type checkers accept correct programs that use embedkit, and find every mistake in ``slips.py``."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import runpy
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import embedkit
from embedkit import EmbedKit, errors
from tests.support.cli import sandbox_environ
from tests.support.tools import ROOT, need, node_packages

HERE = ROOT / "tests" / "typing"
PROGRAMS = sorted(HERE.joinpath("programs").glob("*.py"))
SLIPS = HERE / "slips.py"
# Internal parts of a kit, which users can't import from the package.
PARTS = {"EmbedCache", "Engine", "Events", "SearchBudget"}


def mypy() -> set[tuple[str, int]]:
    """Return the files and lines of mypy --strict's errors, without embedkit's own configuration."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--output=json", *PROGRAMS, SLIPS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return {(Path(one["file"]).name, one["line"]) for one in found if one["severity"] == "error"}


def pyright() -> set[tuple[str, int]]:
    """Return the files and lines of pyright's errors in strict mode."""
    script = node_packages(HERE) / "node_modules" / "pyright" / "index.js"
    command = [need("node"), str(script), "-p", str(HERE), "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found}


@pytest.mark.parametrize("check", [mypy, pyright], ids=["mypy", "pyright"])
def test_type_checkers_find_exactly_the_slips(check: typing.Callable[[], set[tuple[str, int]]]) -> None:
    lines = enumerate(SLIPS.read_text("utf-8").splitlines(), 1)
    marked = {(SLIPS.name, number) for number, line in lines if line.endswith("# slip")}
    found = check()
    assert sorted(found - marked) == []
    assert sorted(marked - found) == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_programs_can_be_imported(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox_environ("http://127.0.0.1:9", tmp_path).items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(program))


# -- names ---------------------------------------------------------------------------------------------


def test_type_checkers_see_the_same_names_as_at_run_time() -> None:
    tree = ast.parse(Path(str(embedkit.__file__)).read_text("utf-8"))
    guarded = [one for node in tree.body if isinstance(node, ast.If) for one in node.body]
    seen = {
        name.asname: str(one.module).removeprefix("embedkit.")
        for one in guarded
        if isinstance(one, ast.ImportFrom)
        for name in one.names
    }
    assert seen == embedkit._HOMES
    for name in embedkit.__all__:
        assert getattr(embedkit, name) is not None


def test_every_error_is_importable() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert {kind.__name__ for kind in kinds} <= {*embedkit.__all__}


def test_everything_that_public_methods_return_is_importable() -> None:
    met, todo = {EmbedKit}, [EmbedKit]
    while todo:
        for where, kind in returned(todo.pop()):
            if kind not in met and kind.__name__ not in PARTS:
                assert getattr(embedkit, kind.__name__, None) is kind, f"{where} returns a {kind.__name__}"
                met.add(kind)
                todo.append(kind)
    assert len(met) > 30


def returned(owner: type) -> Iterator[tuple[str, type]]:
    """Yield embedkit's classes in the types of a class's methods, properties, fields and attributes."""
    for name, member in inspect.getmembers(owner):
        function = member.fget if isinstance(member, property) else member
        if isinstance(function, types.FunctionType) and not name.startswith("_"):
            hint = typing.get_type_hints(function, scope(function.__module__)).get("return")
            yield from ((f"{owner.__name__}.{name}", kind) for kind in classes(hint))
    if dataclasses.is_dataclass(owner):
        names = {name: value for base in owner.__mro__[-2::-1] for name, value in scope(base.__module__).items()}
        fields = {name: hint for name, hint in typing.get_type_hints(owner, names).items() if name[0] != "_"}
        for name, hint in fields.items():
            yield from ((f"{owner.__name__}.{name}", kind) for kind in classes(hint))
    made = re.findall(r"^ +self\.([a-z]\w*) = ([A-Z]\w*)\(", inspect.getsource(owner), re.M)
    for name, kind_name in made:
        yield from ((f"{owner.__name__}.{name}", kind) for kind in classes(scope(owner.__module__).get(kind_name)))


@cache
def scope(module: str) -> dict[str, object]:
    """Return a module's names, including those that only a type checker imports."""
    found = dict(vars(sys.modules[module]))
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module, "exec"), found)
    return found


def classes(hint: object) -> Iterator[type]:
    """Yield embedkit's classes in an annotation."""
    if isinstance(hint, type) and hint.__module__.startswith("embedkit."):
        yield hint
    for part in typing.get_args(hint):
        yield from classes(part)
