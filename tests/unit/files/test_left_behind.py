"""Files being written: the leftovers of dead processes are removed; and output folders."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedkit.cache.secret import kept_secret
from embedkit.files.atomic import Tree, sweep_folder
from embedkit.files.folder import Folder
from embedkit.files.partial import PartialFile, digest, sweep
from tests.support.files import (
    EDITED,
    NEW,
    OLD,
    POST,
    STALE_PART,
    file_names,
)
from tests.support.tools import ROOT

pytestmark = pytest.mark.slow

# -- leftovers of dead processes -----------------------------------------------------------------------


@pytest.mark.parametrize("act", ["post", "lock", "secret", "cut off"])
def test_a_run_killed_at_any_point_leaves_nothing_behind(tmp_path: Path, act: str) -> None:
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        if act == "post":
            (folder / POST).write_bytes(OLD)
        elif act == "cut off":
            (folder / "secret").write_bytes(b"cut off")
    command = [sys.executable, "-m", "tests.support.files", act, str(tmp_path)]
    root = ROOT
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    points = int(done.stdout)
    assert 4 < points < 60
    for number in range(points):
        folder = tmp_path / str(number)
        if act == "post":
            assert (folder / POST).read_bytes() in (OLD, NEW)
            assert sweep_folder(folder) == []
            assert file_names(folder) == [POST], number
        elif act == "lock":
            assert sweep_folder(folder) == []
            assert file_names(folder) in ([], ["lock.json"]), number
            if file_names(folder):
                assert (folder / "lock.json").read_bytes() == NEW
        else:
            assert len(kept_secret(folder / "secret")) == 64
            assert file_names(folder) == ["secret"], number
            assert kept_secret(folder / "secret") == kept_secret(folder / "secret")


def test_a_file_that_is_being_written_is_not_swept_up(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder, PartialFile(folder, "post.md") as part:
        part.write(b"half")
        assert sweep_folder(tmp_path) == []
        assert file_names(tmp_path) == [part.name]
    assert file_names(tmp_path) == []


def test_only_our_own_names_are_swept_up(tmp_path: Path) -> None:
    theirs = (
        *(".post.md.0123456789abcde.embedkit.part", ".post.md.0123456789ABCDEF.embedkit.part"),
        *(
            "post.md.0123456789abcdef.embedkit.part",
            ".post.md.0123456789abcdef.part",
            ".0123456789abcdef.embedkit.part",
        ),
        *(f"{STALE_PART}.txt", f".{'x' * 40}{STALE_PART}", ".post.md.swp", ".part"),
    )
    for name in (*theirs, STALE_PART, STALE_PART.replace(".md", "\n")):
        (tmp_path / name).write_bytes(b"half")
    assert sweep_folder(tmp_path) == []
    assert file_names(tmp_path) == sorted(theirs)


def test_nothing_is_swept_up_through_a_link(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / STALE_PART).write_bytes(b"theirs")
    work = tmp_path / "work"
    work.mkdir()
    (work / STALE_PART).symlink_to(treasure / STALE_PART)
    (work / STALE_PART.replace("post", "folder")).symlink_to(treasure)
    (work / STALE_PART.replace("post", "made")).mkdir()
    os.mkfifo(work / STALE_PART.replace("post", "pipe"))
    before = file_names(work)
    sweep_folder(work)
    assert file_names(work) == before
    assert file_names(treasure) == [STALE_PART]


def test_a_file_that_may_be_an_edit_is_kept_and_reported(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        for content in (OLD, NEW, EDITED):
            with PartialFile(folder, "post.md") as part:
                part.write(content)
                part.finish()
                part.rename_for_swap(digest(OLD), digest(NEW))
                folder.link(part.name, f".x{part.name[8:]}")
        left = [name for name in folder.names() if (tmp_path / name).read_bytes() == EDITED]
        assert sweep(folder) == left
        assert folder.names() == left
        assert len(left) == 1


def test_a_file_swept_before_it_was_locked_is_started_again(tmp_path: Path) -> None:
    class Swept(Folder):
        taken = 0

        def open(self, name: str, flags: int, mode: int = 0o600) -> int:
            handle = super().open(name, flags, mode)
            if flags & os.O_CREAT and self.taken < 3:
                self.taken += 1
                self.unlink(name)
            return handle

    with Swept(tmp_path) as folder, PartialFile(folder, "post.md") as part:
        part.write(NEW)
        part.finish()
        part.add()
    assert (tmp_path / "post.md").read_bytes() == NEW
    assert file_names(tmp_path) == ["post.md"]


# -- output folders ------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "post.md").write_bytes(OLD)
    yield folder
    assert file_names(folder) == ["post.md"]
    assert (folder / "post.md").read_bytes() == OLD


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (place, target)
        for place in ("post.md", "deep/post.md", "deep/deeper/post.md")
        for target in ("post.md", "new.md", "")
        if "/" in place or target  # the folder that was given may be a link
    ],
)
def test_nothing_is_written_through_a_link(tmp_path: Path, outside: Path, place: str, target: str) -> None:
    """The file itself is a link, or its folder; the target of the link exists, or would be created."""
    root = tmp_path / "site"
    link = root / place if target else (root / place).parent
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / target)
    with Tree(root) as tree, pytest.raises(OSError, match="symbolic link") as caught:
        tree.write(Path(place), NEW)
    assert caught.value.filename == str(link)
    assert link.is_symlink()


def test_the_folder_that_was_named_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to("real")
    with Tree(tmp_path / "site") as tree:
        tree.write(Path("a/b.md"), NEW)
    assert (tmp_path / "real" / "a" / "b.md").read_bytes() == NEW


@pytest.mark.parametrize("held", [b"", b"On", b"One and more", b"Two"])
def test_a_result_replaces_a_shorter_longer_or_different_file(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "one.html").write_bytes(held)
    with Tree(tmp_path) as tree:
        assert [tree.write("one.html", b"One") for _ in range(2)] == [True, False]
    assert (tmp_path / "one.html").read_bytes() == b"One"


def test_a_new_result_has_no_name_until_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system supports unnamed files, the folder is empty while the file is synced to disk."""
    held = []
    with Tree(tmp_path) as tree:
        monkeypatch.setattr(os, "fsync", lambda _: held.append(file_names(tmp_path)))
        tree.write("one.html", b"One")
        monkeypatch.undo()
    assert held == [[]] or not held[0][0].endswith(".html")


@pytest.mark.parametrize("lacks", ["files without names", "a way to name them", "room"])
def test_a_new_result_where_the_system_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str) -> None:
    def link(*_: object, **__: object) -> None:
        raise FileNotFoundError

    match lacks:
        case "files without names":
            monkeypatch.setattr("embedkit.files.folder.NAMELESS", 0)
        case "a way to name them":  # there is no /proc
            monkeypatch.setattr(os, "link", link)
        case _:
            monkeypatch.setattr(os, "write", lambda handle, data: len(data) - 1)
    with Tree(tmp_path) as tree:
        assert tree.write("one.html", b"One")
    assert (tmp_path / "one.html").read_bytes() == b"One"
    assert file_names(tmp_path) == ["one.html"]


@pytest.mark.parametrize("name", ["one.html", "new/one.html"])
def test_a_result_that_another_build_adds_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def link(*given: str, **keywords: int) -> None:
        path.write_bytes(b"Theirs")
        real(*given, **keywords)

    path, real = tmp_path / name, os.link
    monkeypatch.setattr(os, "link", link)
    with Tree(tmp_path) as tree:
        assert tree.write(name, b"One")
    assert path.read_bytes() == b"One"
    assert file_names(path.parent) == ["one.html"]


def test_results_are_complete_and_only_changed_ones_are_touched(tmp_path: Path) -> None:
    with Tree(tmp_path / "site") as tree:
        tree.write(Path("a/b.md"), OLD)
        path = tmp_path / "site" / "a" / "b.md"
        path.chmod(0o640)
        before = path.stat()
        assert not tree.write(Path("a/b.md"), OLD)
        assert path.stat() == before
    (path.parent / STALE_PART).write_bytes(b"half")
    with Tree(tmp_path / "site") as tree:
        assert tree.write(Path("a/b.md"), NEW)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert file_names(path.parent) == ["b.md"]
