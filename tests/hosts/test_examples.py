"""Rules for every example: its README's command works, versions are pinned, and it leaves no files behind."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

import embedkit
from embedkit import Secret, sandbox, web
from tests.support.examples import EDITORS, EXAMPLES, readme_command

MADE = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[server]'"
READMES = sorted(EXAMPLES.glob("*/README.md"))
STARTED = [path.parent.name for path in READMES if "```sh\n" in path.read_text("utf-8")]
OPEN = {
    "embedkit": embedkit,
    "embedkit.web": web,
    "embedkit.sandbox": sandbox,
}  # modules that an example may import from


@pytest.mark.parametrize("name", STARTED)
def test_one_command_starts_an_example(name: str) -> None:
    text = EXAMPLES.joinpath(name, "README.md").read_text("utf-8")
    (line,) = re.findall(r"^```sh\n(.*)\n```$", text, re.M)
    assert line.startswith(MADE)
    assert re.search(rf" && \.venv/bin/python examples/{name}/\w+\.py$", line)
    done = subprocess.run(
        [*readme_command(name), "--help"], cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "--port" in done.stdout or name not in EDITORS


@pytest.mark.parametrize("path", [EXAMPLES / "README.md", *READMES], ids=lambda path: path.parent.name)
def test_every_link_in_a_readme_works(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert path.parent.joinpath(target).exists(), target


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_examples_only_use_exported_names(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = {name.name for name in node.names if name.name.partition(".")[0] == "embedkit"}
            assert names <= OPEN.keys(), f"{names}: import from embedkit, embedkit.web or embedkit.sandbox"
        elif (
            isinstance(node, ast.ImportFrom)
            and str(node.module).partition(".")[0] == "embedkit"
            and not node.level
            and not str(node.module).startswith("embedkit.integrations.")  # each is a host's public entry point
        ):
            assert node.module in OPEN, f"{node.module}: import from embedkit, embedkit.web or embedkit.sandbox"
            private = {name.name for name in node.names} - set(OPEN[node.module].__all__)
            assert not private, f"{node.module} does not export {private}"


def test_the_index_names_every_example() -> None:
    text = EXAMPLES.joinpath("README.md").read_text("utf-8")
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._"}
    for name in folders:
        assert f"[{name}]({name})" in text, f"write a line [{name}]({name}) in examples/README.md"
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for name in STARTED:
        assert f'"{name}"' in tests, f"write a test in tests/hosts that starts {name} by its command"
    assert set(EDITORS) < folders
    assert set(EDITORS) <= set(STARTED)


def test_editors_are_pinned_and_come_from_npm_by_name() -> None:
    for path in EXAMPLES.glob("*/package.json"):
        wanted = json.loads(path.read_text("utf-8"))
        assert all(re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version) for version in wanted["dependencies"].values())
        assert not path.with_name(".npmrc").exists()
        lock = json.loads(path.with_name("package-lock.json").read_text("utf-8"))
        assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
        packages = {name: row for name, row in lock["packages"].items() if name}
        assert all(row["integrity"].startswith("sha512-") for row in packages.values())


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [*readme_command("textarea"), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(words, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_npm_a_sentence_says_so(tmp_path: Path) -> None:
    tmp_path.joinpath("package.json").write_text("{}")
    words = [*readme_command("tinymce"), "--packages", str(tmp_path)]
    done = subprocess.run(
        words,
        cwd=EXAMPLES.parent,
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "npm" in done.stderr
    assert "Traceback" not in done.stderr


def test_sites_work_while_the_service_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from newsroom.service import Service

    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    service = Service(address, address, Secret("t" * 40))
    assert service.grant() == ""
    assert service.render("<p>[getty 74917285]</p>") == "<p>[getty 74917285]</p>"
