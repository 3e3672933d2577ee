"""Files written atomically, and never over what someone else has saved meanwhile."""

from __future__ import annotations

import errno
import itertools
import os
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from embedkit.files import atomic
from embedkit.files.atomic import Outcome, Tree, rewrite, write_back
from embedkit.files.folder import Folder
from tests.support.files import (
    EDITED,
    NEW,
    OLD,
    BasicFolder,
    CallAt,
    HookedFolder,
    SlowAuthor,
    acting_before_replace,
    file_names,
    save_by_rename,
)

pytestmark = pytest.mark.slow

LATER = b"what was saved after that, and is longer\n"


@pytest.fixture
def post(tmp_path: Path) -> Path:
    path = tmp_path / "post.md"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def exchange(tmp_path: Path) -> None:
    """A file system where no edit can be lost: ext4, XFS, Btrfs, tmpfs on Linux."""
    for name in ("probe", "other"):
        (tmp_path / name).touch()
    with Folder(tmp_path) as folder, open(tmp_path / "probe", "r+b") as file:
        able = folder.exchange("probe", "other") and atomic._is_being_written(file.fileno())
    for name in ("probe", "other"):
        (tmp_path / name).unlink()
    if not able:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this file system can't exchange two files")


def calls(path: Path) -> int:
    """Return the number of system calls that it takes."""
    step = CallAt({})
    write_back(path, OLD, NEW, open_folder=lambda folder: HookedFolder(folder, step))
    path.write_bytes(OLD)
    return step.count


# -- nothing that was saved is lost --------------------------------------------------------------------


def test_a_file_that_has_not_changed_is_replaced(post: Path) -> None:
    assert write_back(post, OLD, NEW) == atomic.WriteBack(Outcome.WRITTEN)
    assert post.read_bytes() == NEW
    assert file_names(post.parent) == ["post.md"]


def test_a_file_with_the_same_content_is_not_touched(post: Path) -> None:
    before = post.stat()
    assert write_back(post, b"something else", OLD).outcome is Outcome.UNCHANGED
    assert write_back(post, OLD, OLD).outcome is Outcome.UNCHANGED
    assert post.stat() == before


@pytest.mark.parametrize("found", [EDITED, b"", OLD[:-1], OLD + b"\n", OLD.replace(b"\n", b"\r\n"), OLD.upper()])
def test_a_file_that_differs_from_what_was_read_is_kept(post: Path, found: bytes) -> None:
    post.write_bytes(found)
    assert write_back(post, OLD, NEW).outcome is Outcome.CHANGED_MEANWHILE
    assert post.read_bytes() == found
    assert file_names(post.parent) == ["post.md"]


@pytest.mark.parametrize("kind", [Folder, BasicFolder])
def test_an_edit_saved_before_the_exchange_is_kept(post: Path, kind: type[Folder]) -> None:
    saving = acting_before_replace(lambda: save_by_rename(post, EDITED), kind)
    done = write_back(post, OLD, NEW, open_folder=saving)
    assert done.outcome is Outcome.CHANGED_MEANWHILE
    assert post.read_bytes() == EDITED
    assert file_names(post.parent) == ["post.md"]


@pytest.mark.parametrize("when", range(12))
@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "dangling link", "other name"])
def test_anything_that_the_author_puts_in_its_place_is_kept(post: Path, kind: str, when: int) -> None:
    (post.parent / "other.md").write_bytes(EDITED)

    def change() -> None:
        post.unlink()
        if kind == "folder":
            post.mkdir()
            (post / "index.md").write_bytes(EDITED)
        elif kind == "pipe":
            os.mkfifo(post)
        elif "link" in kind:
            post.symlink_to("other.md" if kind == "link" else "nowhere")
        else:
            os.link(post.parent / "other.md", post)

    step = CallAt({when: change})
    try:
        write_back(post, OLD, NEW, open_folder=lambda folder: HookedFolder(folder, step))
    except OSError as error:
        assert error.filename == str(post)  # noqa: PT017 (it may do without an error)
    assert step.count > when
    assert file_names(post.parent) == ["other.md", "post.md"]
    assert (post.parent / "other.md").read_bytes() == EDITED
    found = post.lstat().st_mode
    judge = {"folder": stat.S_ISDIR, "pipe": stat.S_ISFIFO, "other name": stat.S_ISREG}
    assert judge.get(kind, stat.S_ISLNK)(found)
    if kind == "folder":
        assert (post / "index.md").read_bytes() == EDITED


def test_a_file_that_was_deleted_is_not_recreated(post: Path) -> None:
    removing = acting_before_replace(post.unlink)
    assert write_back(post, OLD, NEW, open_folder=removing).outcome is Outcome.CHANGED_MEANWHILE
    assert write_back(post, OLD, NEW).outcome is Outcome.CHANGED_MEANWHILE
    assert file_names(post.parent) == []


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize("save", [save_by_rename, Path.write_bytes])
def test_an_edit_saved_at_any_point_is_kept(post: Path, save: Callable[[Path, bytes], object]) -> None:
    for number in range(calls(post) + 8):
        step = CallAt({number: lambda: save(post, EDITED)})
        write_back(post, OLD, NEW, open_folder=lambda folder, step=step: HookedFolder(folder, step))  # type: ignore[misc]
        if step.count > number:
            assert post.read_bytes() == EDITED, number
        assert file_names(post.parent) == ["post.md"], number
        post.write_bytes(OLD)


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize("mode", ["wb", "r+b"])
def test_an_edit_saved_slowly_between_any_two_points_is_kept(post: Path, mode: str) -> None:
    for first, second in itertools.combinations(range(calls(post) + 8), 2):
        author = SlowAuthor(post, EDITED, mode)
        step = CallAt({first: author.open, second: author.write})
        write_back(post, OLD, NEW, open_folder=lambda folder, step=step: HookedFolder(folder, step))  # type: ignore[misc]
        if first < step.count <= second:
            author.write()
        if step.count > first:
            assert post.read_bytes() == EDITED, (first, second)
        assert file_names(post.parent) == ["post.md"], (first, second)
        post.write_bytes(OLD)


@pytest.mark.usefixtures("exchange")
def test_edits_saved_at_any_two_points_are_kept(post: Path) -> None:
    for first, second in itertools.combinations(range(calls(post) + 8), 2):
        saved = {first: lambda: save_by_rename(post, EDITED), second: lambda: save_by_rename(post, LATER)}
        step = CallAt(saved)
        write_back(post, OLD, NEW, open_folder=lambda folder, step=step: HookedFolder(folder, step))  # type: ignore[misc]
        if step.count > first:
            assert post.read_bytes() == (LATER if step.count > second else EDITED), (first, second)
        assert file_names(post.parent) == ["post.md"], (first, second)
        post.write_bytes(OLD)


EDITOR = """
import os, random, sys, time
path, how, seed = sys.argv[1:]
chance = random.Random(int(seed))
for line in sys.stdin:
    time.sleep(chance.random() * 0.006)
    if how == "rename":
        with open(path + "~", "w") as file:
            file.write(line)
        os.replace(path + "~", path)
    else:
        with open(path, "w") as file:
            file.write(line)
    print("saved", flush=True)
"""


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize("how", ["rename", "in place"])
def test_a_race_with_an_editor(post: Path, how: str) -> None:
    command = [sys.executable, "-c", EDITOR, str(post), how, "7"]
    chance = random.Random(8)
    outcomes = set()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as editor:
        assert editor.stdin
        assert editor.stdout
        for number in range(100):
            save_by_rename(post, OLD)
            print(f"edit {number}", file=editor.stdin, flush=True)
            pausing = acting_before_replace(partial(threading.Event().wait, chance.random() * 0.006))
            outcomes.add(write_back(post, OLD, NEW, open_folder=pausing).outcome)
            assert editor.stdout.readline() == "saved\n"
            assert post.read_text() == f"edit {number}\n"
        editor.stdin.close()
    assert file_names(post.parent) == ["post.md"]
    assert outcomes <= {Outcome.WRITTEN, Outcome.CHANGED_MEANWHILE}


def test_many_at_once_with_the_same_result(post: Path) -> None:
    gate, outcomes = threading.Barrier(8), []

    def work() -> None:
        gate.wait(10)
        outcomes.append(write_back(post, OLD, NEW).outcome)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert post.read_bytes() == NEW
    assert file_names(post.parent) == ["post.md"]
    assert Outcome.WRITTEN in outcomes


def test_a_file_that_was_not_there_is_added(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    assert write_back(path, None, NEW).outcome is Outcome.WRITTEN
    assert write_back(path, None, NEW).outcome is Outcome.UNCHANGED
    path.unlink()
    for kind in (Folder, BasicFolder):
        saving = acting_before_replace(lambda: path.write_bytes(EDITED), kind)
        done = write_back(path, None, NEW, open_folder=saving)
        assert done.outcome is Outcome.CHANGED_MEANWHILE
        assert path.read_bytes() == EDITED
        path.unlink()
    assert file_names(tmp_path) == []


# -- what is preserved of a file -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o640, 0o200 | 0o400 | 0o004])
def test_the_mode_is_kept_whatever_the_umask(post: Path, mode: int) -> None:
    post.chmod(mode)
    before = os.umask(0o077)
    try:
        write_back(post, OLD, NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(post.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a file away")
def test_the_owner_is_kept(post: Path) -> None:
    os.chown(post, 1234, 4321)
    post.chmod(0o2755)
    assert write_back(post, OLD, NEW).notes == ()
    found = post.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 4321, 0o2755)


def test_extended_attributes_are_kept(post: Path) -> None:
    try:
        os.setxattr(post, "user.colour", b"green")
    except OSError:
        pytest.skip("there are no extended attributes on this file system")
    assert write_back(post, OLD, NEW).notes == ()
    assert os.getxattr(post, "user.colour") == b"green"


def test_hard_links_keep_the_old_text_and_that_is_reported(post: Path) -> None:
    other = post.with_name("other.md")
    os.link(post, other)
    (note,) = write_back(post, OLD, NEW).notes
    assert "hard links" in note
    assert (post.read_bytes(), other.read_bytes()) == (NEW, OLD)


def test_a_link_stays_a_link(post: Path) -> None:
    folder = post.parent / "folder"
    folder.mkdir()
    link = folder / "link.md"
    link.symlink_to("../post.md")
    assert write_back(link, OLD, NEW).outcome is Outcome.WRITTEN
    assert link.is_symlink()
    assert post.read_bytes() == NEW
    assert file_names(folder) == ["link.md"]


# -- what can't be written ----------------------------------------------------------------------------


def test_a_read_only_file_is_not_replaced(post: Path) -> None:
    post.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only") as caught:
        write_back(post, OLD, NEW)
    assert caught.value.filename == str(post)
    with Tree(post.parent) as tree, pytest.raises(PermissionError):
        tree.write(post.name, NEW)
    assert post.read_bytes() == OLD
    assert file_names(post.parent) == ["post.md"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_something_that_is_not_a_regular_file_is_not_replaced(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "odd")
    with pytest.raises(OSError, match="odd"):
        write_back(tmp_path / "odd", OLD, NEW)
    with Tree(tmp_path) as tree, pytest.raises(OSError, match="odd"):
        tree.write(Path("odd"), NEW)
    assert file_names(tmp_path) == ["odd"]


FULL = """
import resource, sys
from embedkit.files.atomic import write_back
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as a disk with room for that much
try:
    write_back(sys.argv[1], b"small", bytes(5000))
except OSError as error:
    print(error.errno, error.filename)
"""


def test_on_a_full_disk_the_old_file_is_kept(post: Path) -> None:
    post.write_bytes(b"small")
    done = subprocess.run([sys.executable, "-c", FULL, str(post)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"{errno.EFBIG} {post}\n", "")
    assert post.read_bytes() == b"small"
    assert file_names(post.parent) == ["post.md"]


def test_a_folder_that_cannot_be_written(post: Path) -> None:
    class Closed(Folder):
        def open(self, name: str, flags: int, mode: int = 0o600) -> int:
            if flags & os.O_CREAT:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
            return super().open(name, flags, mode)

    with pytest.raises(PermissionError) as caught:
        write_back(post, OLD, NEW, open_folder=Closed)
    assert caught.value.filename == str(post)
    assert post.read_bytes() == OLD


# -- files that are written piece by piece ---------------------------------------------------------------


def test_a_large_file_is_written_piece_by_piece(post: Path) -> None:
    post.chmod(0o640)

    def make(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        while piece := read(4):
            write(piece.upper())

    assert rewrite(post, make).outcome is Outcome.WRITTEN
    assert (post.read_bytes(), stat.S_IMODE(post.stat().st_mode)) == (OLD.upper(), 0o640)
    assert rewrite(post, make).outcome is Outcome.UNCHANGED
    assert file_names(post.parent) == [post.name]


@pytest.mark.parametrize("save", [save_by_rename, Path.write_bytes])
def test_a_large_file_saved_meanwhile_is_not_overwritten(
    post: Path, save: Callable[[Path, bytes], object]
) -> None:
    def make(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        write(read(100).upper())
        save(post, LATER)
        assert read(100) in (b"", LATER[len(OLD) :])

    assert rewrite(post, make).outcome is Outcome.CHANGED_MEANWHILE
    assert post.read_bytes() == LATER
    assert file_names(post.parent) == [post.name]


def test_a_large_file_that_fails_leaves_nothing_behind(post: Path) -> None:
    def make(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        write(read(5))
        raise ValueError

    with pytest.raises(ValueError), Tree(post.parent) as tree:  # noqa: PT011
        tree.fill("other", lambda write: make(lambda size: OLD[:size], write))
    with pytest.raises(ValueError):  # noqa: PT011
        rewrite(post, make)
    assert (file_names(post.parent), post.read_bytes()) == ([post.name], OLD)


# -- locks ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="a handle of Linux")
def test_there_is_no_wait_where_locks_are_not_supported(tmp_path: Path) -> None:
    """A handle that can't be locked (EBADF), like that of a folder on NFS."""
    with Folder(tmp_path, os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)) as folder:
        assert folder.lock(3600)


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_a_lock_held_by_another_is_waited_for_until_the_timeout(tmp_path: Path) -> None:
    with Folder(tmp_path) as one, Folder(tmp_path) as other:
        assert one.lock(0)
        assert not other.lock(0)
