"""Files on the command line: edits in the meantime, unusual names, links, files that can't be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embedkit.cli.output import printable
from embedkit.sandbox import SandboxServer
from tests.support.cli import Run
from tests.support.files import save_by_rename
from tests.support.tools import ROOT

ID = "74917285"
POST = f"A post.\n\n[getty {ID}]\n"
PASTED = (
    '<iframe src="//embed.gettyimages.com/embed/82278805?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="462" height="370" scrolling="no" frameborder="0"'
    ' style="display:inline-block;"></iframe>'
)
EDIT = b"saved by its author\n"
NASTY = "a\nerror: b\r\x1b[2J\u202e\u2028.md"
SHOWN = "a\\nerror: b\\r\\x1b[2J\\u202e\\u2028.md"


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.md", "b.md", "deep/c.md"):
        (folder / name).write_text(POST, "utf-8")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


class Interrupting:
    """A sandbox during whose first response a file is saved."""

    def __init__(self, sandbox: SandboxServer, act: Callable[[], object]) -> None:
        sandbox.app.faults.add("delay", seconds=1.0)
        self._sandbox, self._act = sandbox, act

    def popen(self, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command, and act while it waits for that response."""
        command = [sys.executable, "-m", "embedkit", *args]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        before = self._sandbox.app.count()
        with subprocess.Popen(
            command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            while self._sandbox.app.count() == before:
                assert process.poll() is None
            self._act()
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


# -- edits in the meantime -----------------------------------------------------------------------------


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("save", [save_by_rename, Path.write_bytes])
def test_a_post_saved_in_the_meantime_is_kept(
    sandbox: SandboxServer, posts: Path, save: Callable[[Path, bytes], object]
) -> None:
    between = Interrupting(sandbox, lambda: save(posts / "a.md", EDIT))
    done = between.popen(posts.parent, "render", "posts", "--in-place")
    assert done.returncode == 1
    assert done.stderr == "posts/a.md was changed while embedkit ran, and was left alone. Run the command again.\n"
    found = bytes_of(posts)
    assert found["a.md"] == EDIT
    assert b"<iframe" in found["b.md"]
    assert b"<iframe" in found["deep/c.md"]
    assert list(found) == ["a.md", "b.md", "deep/c.md"]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("there", [True, False])
def test_a_lock_file_changed_in_the_meantime_is_kept(sandbox: SandboxServer, posts: Path, there: bool) -> None:
    lock = posts.parent / "embedkit.lock.json"
    if there:
        lock.write_text('{"version": 1, "embeds": []}')
    between = Interrupting(sandbox, lambda: lock.write_bytes(EDIT))
    done = between.popen(posts.parent, "lock", "posts")
    assert done.returncode == 1
    assert "embedkit.lock.json was changed while embedkit ran" in done.stderr
    assert done.stdout == ""
    assert lock.read_bytes() == EDIT


def test_convert_keeps_a_file_saved_in_the_meantime(run: Run, posts: Path) -> None:
    (posts / "a.md").write_text(PASTED, "utf-8")
    (posts / "a.md").chmod(0o444)
    (posts / "b.md").write_text(PASTED, "utf-8")
    done = run("convert", "posts", "--in-place")
    assert done.code == 2
    assert done.err == "error: posts/a.md: Is marked as read-only.\nposts/b.md: 1 converted\n"
    assert (posts / "a.md").read_text("utf-8") == PASTED
    assert (posts / "b.md").read_text("utf-8").startswith("[getty src=")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("args", [("render", "--in-place"), ("render", "--output", "out"), ("lock",)])
def test_two_runs_at_once(sandbox: SandboxServer, posts: Path, args: tuple[str, ...]) -> None:
    for number in range(20):
        (posts / f"{number}.md").write_text(POST.replace(ID, str(600_000_000 + number)), "utf-8")
    command = [sys.executable, "-m", "embedkit", args[0], "posts", *args[1:]]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(command, cwd=posts.parent, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    once = bytes_of(posts.parent)
    assert not [name for name in once if ".embedkit." in name]
    done = subprocess.run(command, cwd=posts.parent, env=environ, capture_output=True, timeout=120)
    assert done.returncode == 0
    again = bytes_of(posts.parent)
    assert {name: data for name, data in again.items() if "cache" not in name} == {
        name: data for name, data in once.items() if "cache" not in name
    }


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (NASTY, SHOWN),
        ("Ärger & 猫 (1).md", "Ärger & 猫 (1).md"),
        ("a\x85\x9b\t.md", "a\\x85\\x9b\\t.md"),
        ("\u2066\u200f\ufeff", "\\u2066\\u200f\\ufeff"),
        ("a\udcff\udc80.md", "a\\xff\\x80.md"),
    ],
)
def test_names_are_printed_on_one_line(name: str, shown: str) -> None:
    assert printable(name) == shown


COMMANDS = (
    *("render odd --check", "render odd --diff", "render odd --json", "render odd --output odd/out"),
    *("render odd/none", "render odd --output odd", "render odd", "render odd --frozen --check", "warm odd"),
    *(
        "convert odd --diff",
        "convert odd --json",
        "convert odd --check",
        "check odd",
        "lock odd",
        "lock odd --check",
    ),
    *("assets odd/static", "lock odd", "doctor --offline", "render odd --in-place", "convert odd --in-place"),
)


@pytest.mark.parametrize("readable", [True, False])
def test_every_command_escapes_names(
    run: Run, posts: Path, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    folder = posts.parent / f"odd{NASTY}"
    folder.mkdir()
    for name in (NASTY, "bytes\udcff.md"):
        (folder / name).write_text(f"[getty 500000404]\n\n[getty\n\n{PASTED}\n", "utf-8")
    if not readable:
        (folder / f"bad{NASTY}").write_bytes(b"\xff")
    monkeypatch.setenv("EMBEDKIT_LOCKFILE", f"{folder}/{NASTY}.lock")
    seen = ""
    for command in COMMANDS:
        done = run(*[arg.replace("odd", folder.name) for arg in command.split()])
        seen += done.out + done.err
        assert (done.out + done.err).replace("\n", "").isprintable(), command
        assert "\nerror: b" not in f"\n{done.out}\n{done.err}", command
    assert seen.count(SHOWN) > 10


def test_json_has_names_as_they_are(run: Run, posts: Path) -> None:
    for name in (NASTY, "bytes\udcff.md"):
        (posts / name).write_text(POST, "utf-8")
    done = run("render", "posts", "--json")
    assert done.code == 0
    assert done.out.replace("\n", "").isprintable()
    files = {one["file"] for one in json.loads(done.out)["texts"]}
    assert {f"posts/{NASTY}", "posts/bytes\udcff.md"} < files


# -- what is read and written --------------------------------------------------------------------------


def test_what_leads_out_of_the_tree_is_not_read(run: Run, posts: Path) -> None:
    outside = posts.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("a secret", "utf-8")
    (posts / "out.md").symlink_to(outside / "secret.md")
    (posts / "folder").symlink_to(outside)
    (posts / "deep" / "inside.md").symlink_to("../a.md")
    os.mkfifo(posts / "pipe.md")
    done = run("render", "posts", "--output", "site")
    assert done.code == 0
    assert done.err == (
        "posts/folder is a link to a folder, and is skipped.\n"
        "posts/out.md is a link to a file outside the folder, and is skipped.\n"
        "posts/pipe.md is not a regular file, and is skipped.\n"
    )
    assert sorted(bytes_of(posts.parent / "site")) == ["a.md", "b.md", "deep/c.md", "deep/inside.md"]
    done = run("render", "posts", "--in-place")
    assert (done.code, "changed" in done.err) == (0, False)
    assert (posts / "deep" / "inside.md").is_symlink()
    assert (outside / "secret.md").read_text("utf-8") == "a secret"


@pytest.mark.parametrize("where", [("--in-place",), ("--output", "site"), ("--output", "round")])
def test_circular_links_do_not_stop_the_others(run: Run, posts: Path, where: tuple[str, ...]) -> None:
    (posts / "circle.md").symlink_to("circle.md")
    (posts / "folder").symlink_to("folder")
    (posts.parent / "round").symlink_to("round")
    done = run("render", "posts", *where)
    assert done.code == 2
    assert "posts/circle.md: Too many levels of symbolic links" in done.err
    assert (b"<iframe" in (posts / "a.md").read_bytes()) == (where == ("--in-place",))
    assert (posts.parent / "site" / "a.md").exists() == ("site" in where)


def test_a_folder_that_is_named_may_be_a_link(run: Run, posts: Path) -> None:
    (posts.parent / "link").symlink_to("posts")
    (posts / "again.md").symlink_to("a.md")
    assert run("render", "link", "--in-place").code == 0
    assert all(b"<iframe" in content for content in bytes_of(posts).values())


def test_output_is_not_written_through_a_link(run: Run, posts: Path) -> None:
    outside = posts.parent / "outside"
    outside.mkdir()
    (outside / "a.md").write_bytes(EDIT)
    site = posts.parent / "site"
    site.mkdir()
    (site / "deep").symlink_to(outside)
    (site / "a.md").symlink_to(outside / "a.md")
    done = run("render", "posts", "--output", "site")
    assert done.code == 2
    assert done.err == (
        "error: site/a.md: Is a symbolic link, which is not written through.\n"
        "error: site/deep: Is a symbolic link, which is not written through.\n"
    )
    assert bytes_of(outside) == {"a.md": EDIT}
    assert b"<iframe" in (site / "b.md").read_bytes()


def test_an_unreadable_file_does_not_stop_the_others(run: Run, posts: Path) -> None:
    (posts / "a.md").write_bytes(b"caf\xe9 [getty 74917285]\r\n")
    done = run("render", "posts", "--in-place")
    assert done.code == 2
    assert done.err == "error: posts/a.md is not UTF-8 text (byte 3): convert it first.\n"
    assert (posts / "a.md").read_bytes() == b"caf\xe9 [getty 74917285]\r\n"
    assert b"<iframe" in (posts / "b.md").read_bytes()
    (posts / "c.md").write_text("[getty 74917285]\n")
    for command in ("check", "warm"):
        done = run(command, "posts")
        assert done.code == 2
        assert "a.md is not UTF-8 text" in done.err
        assert "1 picture" in done.err + done.out
    assert run("lock", "posts").code == 2  # it would drop the pictures of that file
    assert not (posts.parent / "embedkit.lock.json").exists()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_all_other_bytes_are_preserved(run: Run, posts: Path, mark: bytes, end: bytes, last: bool) -> None:
    quiet = mark + end.join([b"One \x00\xc2\x85", b"", "Zwölf\u2028".encode(), b"`[getty 1]`"]) + end * last
    loud = mark + end.join([b"One", b"", b"[getty 74917285]", b"", b"End"]) + end * last
    (posts / "quiet.md").write_bytes(quiet)
    (posts / "loud.md").write_bytes(loud)
    before = (posts / "quiet.md").stat().st_mtime_ns
    assert run("render", "posts", "--output", "site").code == 0
    assert run("render", "posts", "--in-place").code == 0
    assert (posts / "quiet.md").read_bytes() == quiet == (posts.parent / "site" / "quiet.md").read_bytes()
    assert (posts / "quiet.md").stat().st_mtime_ns == before
    found = (posts / "loud.md").read_bytes()
    assert found == (posts.parent / "site" / "loud.md").read_bytes()
    head, tail = loud.split(b"[getty 74917285]")
    assert found.startswith(head + b"<figure")
    assert found.endswith(b"</figure>" + tail)


def test_the_highest_code_wins(run: Run, posts: Path) -> None:
    (posts / "a.md").chmod(0o444)
    (posts / "b.md").write_text("[getty 500000404]", "utf-8")
    assert run("render", "posts", "--in-place").code == 2
    (posts / "b.md").write_text("[getty 500000404]", "utf-8")
    assert run("render", "posts", "--in-place", "--strict").code == 4


def test_hard_links_of_a_post_are_reported(run: Run, posts: Path) -> None:
    os.link(posts / "a.md", posts.parent / "backup.md")
    done = run("render", "posts", "--in-place")
    assert done.code == 0
    assert done.err == "posts/a.md has other names (hard links), which keep the old text.\n"
    assert (posts.parent / "backup.md").read_text("utf-8") == POST
