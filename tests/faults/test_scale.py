"""Large builds, and many processes at once: the number of calls to Getty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedkit.sandbox import SandboxServer

POSTS, PICTURES = 10_000, 5_000
ID = "74917285"

ASK = """
import sys, threading
from embedkit import EmbedKit
kit = EmbedKit()
gate = threading.Barrier(50)
found = []
def ask():
    gate.wait()
    found.append(kit.resolve(sys.argv[1]).frame)
threads = [threading.Thread(target=ask) for _ in range(50)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(found)), found[0].et)
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


def environment(sandbox: SandboxServer, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDKIT_")}
    return kept | {
        "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
        "EMBEDKIT_CACHE": f"sqlite:{tmp_path / 'cache.sqlite'}",
        "EMBEDKIT_CONCURRENCY": "16",
        "EMBEDKIT_TIMEOUT": "60",  # a loaded machine must not count as a slow Getty
        "XDG_CACHE_HOME": str(tmp_path / "xdg"),
    }


def write_posts(folder: Path) -> None:
    """Write posts in which each picture appears twice, in different sizes."""
    for number in range(POSTS):
        post = folder / f"{number % 100:02}" / f"{number}.md"
        post.parent.mkdir(parents=True, exist_ok=True)
        width = f" width={200 + number % 400}" if number % 3 else ""
        text = f"# Post {number}\n\n[getty {600_000_000 + number % PICTURES}{width}]\n\nAnd `[getty {number}]`.\n"
        post.write_text(text, "utf-8")


def build(environ: dict[str, str], tmp_path: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "embedkit", "render", "posts", "--output", *args]
    return subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=240)


def same(one: Path, other: Path) -> bool:
    return all(path.read_bytes() == (other / path.relative_to(one)).read_bytes() for path in one.rglob("*.md"))


def test_ten_thousand_posts(sandbox: SandboxServer, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts")
    environ = environment(sandbox, tmp_path)

    done = build(environ, tmp_path, "cold")
    assert (done.returncode, done.stderr) == (0, "")
    assert sandbox.app.count() == PICTURES
    assert sum(path.read_text("utf-8").count("<iframe") for path in (tmp_path / "cold").rglob("*.md")) == POSTS

    done = build(environ, tmp_path, "warm")
    assert (done.returncode, done.stderr) == (0, "")
    assert sandbox.app.count() == PICTURES
    assert same(tmp_path / "cold", tmp_path / "warm")

    lock = [sys.executable, "-m", "embedkit", "lock", "posts"]
    subprocess.run(lock, env=environ, cwd=tmp_path, check=True, capture_output=True, timeout=240)
    assert sandbox.app.count() == PICTURES

    sandbox.stop()
    done = build(environ, tmp_path, "alone")
    assert (done.returncode, done.stderr) == (0, "")
    assert same(tmp_path / "cold", tmp_path / "alone")
    nothing = environ | {"EMBEDKIT_CACHE": "null:"}
    assert build(nothing, tmp_path, "frozen", "--frozen").returncode == 0
    assert same(tmp_path / "cold", tmp_path / "frozen")


def processes(environ: dict[str, str], count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", ASK, ID]
    return [
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]


def test_four_processes_of_fifty_threads_make_one_call(sandbox: SandboxServer, tmp_path: Path) -> None:
    sandbox.app.faults.add("delay", seconds=1.0)
    started = processes(environment(sandbox, tmp_path), 4)
    answers = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0], answers
    assert {out.split()[0] for out, _ in answers} == {"50"}
    assert len({out.split()[2] for out, _ in answers}) == 1
    assert sandbox.app.count() == 1


def test_a_killed_leader_is_replaced_by_one_process(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The kernel releases the dead process's lock; one of the others makes the call, and the rest wait for it."""
    sandbox.app.faults.add("hang", seconds=30)  # the leader is killed during this first call
    environ = environment(sandbox, tmp_path)
    leader = processes(environ, 1)[0]
    deadline = time.monotonic() + 60
    while sandbox.app.count() < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    followers = processes(environ, 3)
    time.sleep(1.5)
    assert sandbox.app.count() == 1
    leader.send_signal(signal.SIGKILL)
    leader.communicate()
    answers = [process.communicate(timeout=60) for process in followers]
    assert [process.returncode for process in followers] == [0, 0, 0], answers
    assert sandbox.app.count() == 2  # the lost call, and one for all others
