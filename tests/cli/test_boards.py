"""``embedkit boards``: the life of a board, for people and for scripts."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from embedkit.cli.output import cells
from embedkit.sandbox import SandboxConfig, SandboxServer
from tests.support.cli import (
    Run,
    sandbox_environ,
    without_settings,
)

FIRST, SECOND = "74917285", "600000002"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxConfig(invited_board=True)) as server:
        yield server


@pytest.fixture
def board(run: Run) -> str:
    """The ID of a board with two pictures."""
    id = run("boards", "create", "日食", "--description", "For the April issue").out.strip()
    run("boards", "add", id, FIRST, SECOND)
    return id


def shown(run: Run, id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("boards", "show", id, "--json").out)
    return found


def test_a_board_is_created_filled_and_shown(run: Run) -> None:
    made = run("boards", "create", "Eclipse", "--description", "For April")
    id = made.out.strip()
    assert (made.code, made.err) == (0, "")
    added = run("boards", "add", id, f"https://gty.im/{FIRST}", f"[getty {SECOND}]")
    assert (added.code, added.out, added.err) == (0, "", "2 pictures added.\n")
    lines = run("boards", "show", id).out.splitlines()
    assert lines[-2:] == [f"[getty {FIRST}]", f"[getty {SECOND}]"]
    assert [line.split(maxsplit=1) for line in lines[:2]] == [["name", "Eclipse"], ["about", "For April"]]


def test_a_board_as_json(run: Run, board: str) -> None:
    found = shown(run, board)
    assert (found["id"], found["name"], found["asset_count"]) == (board, "日食", 2)
    assets = found["assets"]
    assert isinstance(assets, list)
    assert [(one["id"], one["type"], one["shortcode"]) for one in assets] == [
        (FIRST, "image", f"[getty {FIRST}]"),
        (SECOND, "image", f"[getty {SECOND}]"),
    ]
    permissions = found["permissions"]
    assert isinstance(permissions, dict)
    assert permissions["can_delete_board"] is True


def test_boards_are_listed(run: Run, board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("boards", "list", "--sort", "name_ascending")
    head, *lines = done.out.splitlines()
    assert head.split() == ["BOARD", "PICTURES", "UPDATED", "NAME"]
    assert all(cells(line) <= 80 for line in lines)
    assert [line.split()[:2] for line in lines if line.endswith("日食")] == [[board, "2"]]
    assert done.err == "2 boards.\n"
    monkeypatch.delenv("COLUMNS")
    assert "For the April issue" in run("boards", "list").out
    owned = json.loads(run("boards", "list", "--relationship", "owned", "--json").out)
    assert (owned["total"], [one["id"] for one in owned["boards"]]) == (1, [board])
    assert owned["boards"][0]["relationship"] == "owned"


def test_the_list_leads_on(run: Run, board: str) -> None:
    first = run("boards", "list", "--page-size", "1")
    words = shlex.split(first.err.partition("Next: ")[2])
    second = run(*words[1:])
    assert "2 boards, page 2 of 2.\n" in second.err
    assert "Next" not in second.err
    assert first.out.splitlines()[1] != second.out.splitlines()[1]


def test_a_new_name_leaves_the_description(run: Run, board: str) -> None:
    assert run("boards", "rename", board, "Sun and moon").err == f"The board {board} is now 'Sun and moon'.\n"
    assert (shown(run, board)["name"], shown(run, board)["description"]) == ("Sun and moon", "For the April issue")
    assert run("boards", "rename", board, "Sun", "--description", "For May", "--json").code == 0
    assert shown(run, board)["description"] == "For May"


def test_pictures_are_added_and_removed(run: Run, board: str) -> None:
    some = run("boards", "add", board, "-", stdin="1215508382\n999999999\n")
    assert (some.code, some.err) == (1, "1 picture added.\n999999999 could not be added.\n")
    told = json.loads(run("boards", "add", board, "999999999", "--json").out)
    assert told == {"added": [], "not_added": ["999999999"]}
    gone = run("boards", "remove", board, FIRST, "1215508382")
    assert (gone.code, gone.out, gone.err) == (0, "", f"{FIRST}, 1215508382 removed from the board.\n")
    assert shown(run, board)["asset_count"] == 1
    assert json.loads(run("boards", "remove", board, SECOND, "--json").out) == {"removed": [SECOND]}


def test_comments(run: Run, board: str) -> None:
    id = run("boards", "comment", board, "The second one for the cover?").out.strip()
    done = run("boards", "comments", board)
    head, line = done.out.splitlines()
    assert head.split() == ["DATE", "BY", "TEXT"]
    assert line.endswith("  The second one for the cover?")
    assert done.err == "1 comment.\n"
    (told,) = json.loads(run("boards", "comments", board, "--json").out)["comments"]
    assert (told["id"], told["text"], told["can_delete"]) == (id, "The second one for the cover?", True)
    assert json.loads(run("boards", "comment", board, "Yes.", "--json").out)["id"] != id
    assert run("boards", "uncomment", board, id).err == f"The comment {id} was deleted.\n"
    assert id not in run("boards", "comments", board, "--json").out


def test_a_script_must_pass_yes_to_delete_a_board(run: Run, board: str) -> None:
    asked = run("boards", "delete", board)
    assert asked.code == 2
    assert "pass --yes" in asked.err
    assert shown(run, board)["id"] == board
    done = run("boards", "delete", board, "--yes", "--json")
    assert (done.code, json.loads(done.out)) == (0, {"id": board, "deleted": True})
    assert run("boards", "show", board).code == 4


def answered(process: subprocess.Popen[bytes], terminal: int, typed: bytes) -> str:
    """Answer a process's question on a terminal, repeatedly if needed, and return its output."""
    text = b""
    until = time.monotonic() + 20
    with suppress(OSError):  # on Linux, the end of a terminal's output
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.5)[0]:
                if not (piece := os.read(terminal, 4096)):
                    break
                text += piece
                if not text.endswith(b"[y/N]: "):
                    continue
            if b"[y/N]:" in text:
                os.write(terminal, typed)
    try:
        process.wait(20)  # it closes the terminal shortly before it exits
    except subprocess.TimeoutExpired:
        process.kill()
    return text.decode()


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 1), (b"\n", 1), (b"y\n", 0)])
def test_deleting_asks_for_confirmation_on_a_terminal(
    sandbox: SandboxServer, run: Run, board: str, tmp_path: Path, typed: bytes, code: int
) -> None:
    ours, theirs = pty.openpty()
    everything = (
        without_settings(os.environ)
        | sandbox_environ(sandbox.url, tmp_path)
        | {"TERM": "xterm", "PYTHONUTF8": "1"}
    )
    command = [sys.executable, "-m", "embedkit", "boards", "delete", board]
    with subprocess.Popen(command, env=everything, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = answered(process, ours, typed)
    os.close(ours)
    assert "Delete '日食' with 2 pictures? [y/N]: " in said
    assert process.returncode == code
    assert run("boards", "show", board).code == (4 if code == 0 else 0)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "00000000-0000-4000-8000-000000000000"), 4, "there is no such board"),
        (("show", "no board"), 2, "is not the ID of a board"),
        (("delete", "0b5e55ed-0000-4000-8000-000000000001", "--yes"), 2, "Ask the board's owner"),
        (("rename", "0b5e55ed-0000-4000-8000-000000000001", ""), 2, "Pass a name."),
        (("comment", "0b5e55ed-0000-4000-8000-000000000001", " "), 2, "Pass a text."),
        (("add", "0b5e55ed-0000-4000-8000-000000000001", "cat"), 2, "'cat'"),
        (("add", "0b5e55ed-0000-4000-8000-000000000001"), 2, "Missing argument"),
        (("list", "--page", "0"), 2, "--page"),
        (("list", "--sort", "size"), 2, "name_decending"),
        ((), 2, "create"),
    ],
)
def test_failures_are_explained(run: Run, words: tuple[str, ...], code: int, says: str) -> None:
    done = run("boards", *words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_boards_need_a_customer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"EMBEDKIT_{name}", "")
    done = run("boards", "list")
    assert (done.code, done.out) == (2, "")
    assert "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD." in done.err


def test_every_command_has_its_help(run: Run) -> None:
    listed = run("boards", "--help").out.partition("Commands:\n")[2].splitlines()
    assert len(listed) == 10
    assert not [line for line in listed if line.endswith("...")]
    for line in listed:
        assert "--json" in run("boards", line.split()[0], "--help").out
