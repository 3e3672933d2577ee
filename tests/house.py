"""Measure the package's structure: ``python -m tests.house [FOLDER]``, by default for this checkout.

A room is a folder of modules, or a single module in ``embedkit/`` itself. An arrow is an import from one room to
another, lazy or not, except under TYPE_CHECKING; floors are the rooms on the longest chain of imports. Lines of
code don't include blank lines, comments and docstrings.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from functools import cache
from pathlib import Path

from tests.support.tools import ROOT

TRUNK = (
    *("errors.py", "models.py", "settings.py", "freshness.py", "targets.py", "kit.py"),
    *("getty/references.py", "getty/urls.py", "getty/oembed.py", "rendering", "cache/entry.py"),
    *("engine/resolver.py", "engine/documents.py"),
)
SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def modules(package: Path) -> list[Path]:
    """Return every module of the package except its ``__init__.py`` and the integrations."""
    found = sorted(package.rglob("*.py"))
    skipped = package / "integrations"
    return [path for path in found if skipped not in path.parents and path != package / "__init__.py"]


def room_of(path: Path, package: Path) -> str:
    """Return the room that a module or folder belongs to."""
    relative = path.relative_to(package)
    return str(relative.with_suffix("")) if len(relative.parts) == 1 else str(relative.parent)


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the full names of a module's imports, including lazy ones, except under TYPE_CHECKING."""
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
    return frozenset(found)


def rooms_imported(path: Path, package: Path) -> set[str]:
    """Return the rooms that a module imports from, without its own and the package's ``__init__.py``."""
    found = set()
    for name in imports(path):
        first, *rest = name.split(".")
        if first != "embedkit" or not rest:
            continue
        place = package
        for part in rest:
            if (place / part).is_dir():
                place = place / part
            elif (place / f"{part}.py").is_file():
                found.add(room_of(place / f"{part}.py", package))
                break
            else:
                if place != package:
                    found.add(str(place.relative_to(package)))
                break
        else:
            found.add(str(place.relative_to(package)))
    return found - {room_of(path, package)}


def arrows(package: Path) -> set[tuple[str, str]]:
    """Return the pairs of rooms of which the first imports from the second."""
    return {
        (room_of(path, package), other) for path in modules(package) for other in rooms_imported(path, package)
    }


def circles(pairs: set[tuple[str, str]]) -> list[set[str]]:
    """Return the groups of rooms that import each other, directly or indirectly."""
    reach = {start: _reached(start, pairs) for start, _ in pairs}
    groups = {frozenset(b for b in reach[a] if a in reach.get(b, ())) for a in reach}
    return [set(group) for group in groups if group]


def _reached(start: str, pairs: set[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    new = {start}
    while new:
        new = {b for a, b in pairs if a in new} - found
        found |= new
    return found


def floors(pairs: set[tuple[str, str]]) -> int:
    """Return the number of rooms on the longest chain of imports; cycles are not followed twice."""
    below = {room: {b for a, b in pairs if a == room} for pair in pairs for room in pair}

    def depth(room: str, path: tuple[str, ...] = ()) -> int:
        if room in known:
            return known[room]
        known[room] = 1 + max(
            (depth(other, (*path, room)) for other in below[room] if other not in path), default=0
        )
        return known[room]

    known: dict[str, int] = {}
    return max(map(depth, sorted(below)))


def lines_of_code(path: Path) -> int:
    """Return the number of lines that contain code."""
    source = path.read_text("utf-8")
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            texts |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SKIPPED:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - texts)


def classes_in_doors(package: Path) -> list[str]:
    """Return the ``__init__.py`` files that define a class."""
    doors = package.rglob("__init__.py")
    return [
        str(path) for path in doors if any(isinstance(n, ast.ClassDef) for n in ast.parse(path.read_text()).body)
    ]


def trunk(package: Path) -> list[Path]:
    """Return the modules that one reads to understand the package."""
    places = [package / name for name in TRUNK]
    return [path for place in places for path in ([place] if place.is_file() else sorted(place.glob("*.py")))]


def report(package: Path) -> str:
    """Return the measurements as a table."""
    found, pairs = modules(package), arrows(package)
    outside = [path for path in found if "sandbox" not in path.relative_to(package).parts[0]]
    rows = {
        "rooms": len({room_of(path, package) for path in found}),
        "floors": floors(pairs),
        "arrows": len(pairs),
        "circles": len(circles(pairs)),
        "files": len(found) + 1,
        "loose files": len(list(package.glob("*.py"))),
        "doors with a class": len(classes_in_doors(package)),
        "trunk, lines": sum(len(path.read_text("utf-8").splitlines()) for path in trunk(package)),
        "trunk, code": sum(map(lines_of_code, trunk(package))),
        "code without the sandbox": sum(map(lines_of_code, outside)),
        "code": sum(map(lines_of_code, found)),
    }
    return "\n".join(f"{name:26}{number:8,}" for name, number in rows.items())


if __name__ == "__main__":
    print(report((Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT) / "embedkit"))
