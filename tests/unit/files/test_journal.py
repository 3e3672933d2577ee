"""The journal: lines that are complete or missing, one writer at a time, locks that end with their process."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from embedkit.files import journal as module
from embedkit.files.journal import Journal
from tests.support.cache import ROOT


@pytest.fixture(name="journal")
def fixture_journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep" / "journal")


def add(journal: Journal, **line: object) -> None:
    journal.append(lambda _: line)


def test_lines_are_in_order_and_private(journal: Journal) -> None:
    assert journal.lines() == []
    assert not journal.folder.exists()
    for number in range(3):
        add(journal, number=number)
    assert [line["number"] for line in Journal(journal.folder).lines()] == [0, 1, 2]
    assert (journal.path.stat().st_mode & 0o777, journal.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    journal.path.chmod(0o644)
    add(journal, number=3)
    assert journal.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "torn",
    [b'{"number": 1', b'{"number": 1}', b"\x00\x00\x00", b"\xff\xfe", b"[1]\n", b"3\n", b"[" * 100_000, b"\n\n"],
)
def test_a_truncated_line_does_not_damage_the_next(journal: Journal, torn: bytes) -> None:
    add(journal, number=0)
    with journal.path.open("ab") as file:
        file.write(torn)
    add(journal, number=2)
    numbers = [line["number"] for line in journal.lines()]
    assert numbers in ([0, 2], [0, 1, 2])
    assert journal.path.read_bytes().endswith(b'\n{"number":2}\n')


def test_an_error_while_making_a_line_leaves_the_journal_unchanged(journal: Journal) -> None:
    add(journal, number=0)
    with pytest.raises(ZeroDivisionError):
        journal.append(lambda _: {"number": 1 // 0})
    assert journal.lines() == [{"number": 0}]
    add(journal, number=1)
    assert len(journal.lines()) == 2


def test_every_writer_sees_all_lines_before_its_own(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: journal.append(lambda lines: {"number": len(lines)}), range(80)))
    assert [line["number"] for line in journal.lines()] == list(range(80))


MANY = """
import sys
from embedkit.files.journal import Journal
for _ in range(25):
    Journal(sys.argv[1]).append(lambda lines: {"number": len(lines)})
"""


def test_every_process_sees_all_lines_before_its_own(journal: Journal) -> None:
    started = [subprocess.Popen([sys.executable, "-c", MANY, str(journal.folder)], cwd=ROOT) for _ in range(3)]
    assert [one.wait(120) for one in started] == [0, 0, 0]
    assert [line["number"] for line in journal.lines()] == list(range(75))


FULL = """
import resource, signal, sys
from embedkit.files.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(sys.argv[1])
size = journal.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, size + 10))
try:
    journal.append(lambda _: {"text": "x" * 100})
except OSError as error:
    print(error.errno, error.filename)
"""


def test_on_a_full_disk_no_partial_line_is_left(journal: Journal) -> None:
    add(journal, number=0)
    before = journal.path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(journal.folder)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    number, name = done.stdout.split()
    assert int(number) in (errno.EFBIG, errno.ENOSPC), done.stderr
    assert name == str(journal.path)
    assert journal.path.read_bytes() == before


def test_a_link_or_a_folder_in_its_place_is_not_written_to(journal: Journal, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    journal.folder.mkdir(parents=True)
    journal.path.symlink_to(victim)
    for act in (lambda: add(journal, number=0), journal.lines):
        with pytest.raises(OSError, match=str(journal.path)):
            act()  # type: ignore[no-untyped-call]
    assert victim.read_text() == "mine"
    journal.path.unlink()
    journal.path.mkdir()
    with pytest.raises(OSError, match=str(journal.path)):
        add(journal, number=0)


# -- locks -----------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from embedkit.files.journal import Journal
with Journal(sys.argv[1]).hold("74917285", 0):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_lock_is_held_until_its_process_ends(journal: Journal) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(journal.folder)], cwd=ROOT, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError), journal.hold("74917285", 0):
            pass
        with journal.hold("600000001", 0):
            pass
        other.kill()
    with journal.hold("74917285", 60):
        assert (journal.folder / "74917285.lock").exists()
    assert not (journal.folder / "74917285.lock").exists()


def test_a_lock_is_held_by_one_of_many(journal: Journal) -> None:
    inside: list[int] = []

    def work(number: int) -> int:
        with journal.hold("74917285", 60):
            inside.append(number)
            assert inside == [number]
            inside.remove(number)
        return number

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(work, range(30))) == list(range(30))


# -- notes -----------------------------------------------------------------------------------------------


def test_a_note_is_private_and_deleted_after_a_day(journal: Journal) -> None:
    journal.keep("a", "https://example.org/signed")
    path = journal.folder / "note-a"
    assert (journal.kept("a"), path.stat().st_mode & 0o777) == ("https://example.org/signed", 0o600)
    old = time.time() - module.NOTE_LIFE_S - 60
    os.utime(path, (old, old))
    journal.keep("b", "two")
    assert (journal.kept("a"), journal.kept("b"), journal.kept("c")) == ("", "two", "")
    journal.drop("b")
    journal.drop("b")
    assert journal.kept("b") == ""
    add(journal, number=0)
    assert json.loads(journal.path.read_text()) == {"number": 0}
