"""Kill the real commands at random moments while they write files: nothing may be lost, half-written or left over.

To run it manually: ``python -m tests.support.kill_loops --kills 100``. After each kill, every file must have its
old or its new content; after the next run, the tree must be the same as after an undisturbed run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedkit.cli import main as cli
from embedkit.sandbox import SandboxServer
from tests.support.cli import sandbox_environ, without_settings
from tests.support.tools import ROOT, WITH_SIGNALS

POSTS = 40
PICTURES = 10
PASTED = (
    '<iframe src="//embed.gettyimages.com/embed/82278805?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="462" height="370" scrolling="no" frameborder="0"'
    ' style="display:inline-block;"></iframe>'
)
Tree = dict[str, bytes]


def write_posts(folder: Path, pasted: bool = False) -> None:
    for number in range(POSTS):
        place = folder / "posts" / f"{number % 2}" / f"{number}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        picture = PASTED if pasted else f"[getty {600_000_000 + number % PICTURES}]"
        place.write_text(f"# Post {number}\n\n{picture}\n\n{'A line of text. ' * 200}\n", "utf-8")


def write_pasted(folder: Path) -> None:
    write_posts(folder, pasted=True)


def write_lock(folder: Path) -> None:
    write_posts(folder)
    (folder / "embedkit.lock.json").write_text('{"version": 1, "embeds": []}\n')


def make_folder(folder: Path) -> None:
    (folder / "pictures").mkdir()


@dataclass(frozen=True)
class Loop:
    """A command and the files it processes; ``watched`` is the folder it writes to."""

    name: str
    prepare: Callable[[Path], None]
    command: tuple[str, ...]
    watched: str
    again: tuple[str, ...] = ()


DOWNLOAD = ("download", "74917285", "--product-type", "premiumaccess")  # a repeated run does not order it again
LOOPS = (
    Loop("render --in-place", write_posts, ("render", "posts", "--in-place"), "posts/0"),
    Loop("render --output", write_posts, ("render", "posts", "--output", "site"), "site/0"),
    Loop("convert --in-place", write_pasted, ("convert", "posts", "--in-place"), "posts/0"),
    Loop("lock", write_lock, ("lock", "posts"), "."),
    Loop("download", make_folder, (*DOWNLOAD, "--output", "pictures"), "pictures", ("--force",)),
)


@dataclass
class Row:
    """The result of a kill loop."""

    name: str
    runs: int = 0
    killed: int = 0
    between: int = 0  # some files were written, and some not
    left: int = 0  # a partial file was left
    failures: list[str] = field(default_factory=list)


class Forked:
    """A command in a process forked from one that has already imported it, which makes it start much faster."""

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["__main__", "embedkit.cli.build", "embedkit.transport.client", "embedkit.cache.stores.sqlite", "nh3"]
    )

    def __init__(self, args: Sequence[str], folder: Path, environ: dict[str, str]) -> None:
        self._process = self.context.Process(target=_command, args=(list(args), folder, environ))
        self._process.start()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.join()

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid or 0, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        return int(self._process.exitcode or 0)


def _command(args: list[str], folder: Path, environ: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    cli.main(args)


def start(args: Sequence[str], folder: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the real command."""
    command = [*WITH_SIGNALS, sys.executable, "-m", "embedkit", *args]
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


Start = Callable[[Sequence[str], Path, dict[str, str]], Any]


class Runner:
    """Runs commands in a folder, with the sandbox as the upstream."""

    def __init__(
        self, folder: Path, url: str, chance: random.Random, signals: Sequence[str], start: Start
    ) -> None:
        self._folder, self._chance, self._start = folder, chance, start
        self._signals = [signal.Signals[name] for name in signals]
        self._environ = without_settings(os.environ) | sandbox_environ(url, folder) | {"PYTHONPATH": str(ROOT)}
        self._environ["EMBEDKIT_TIMEOUT"] = "60"  # a loaded machine must not cause failures

    def loop(self, loop: Loop, kills: int) -> Row:
        row = Row(loop.name)
        old = self._prepare(loop)
        self._run(loop.command)  # the cache is warm from here on
        self._prepare(loop)
        seconds = self._seconds(loop)
        new = self._tree()
        while row.killed < kills and row.runs < 3 * kills:  # some finish before they are killed
            self._prepare(loop)
            row.runs += 1
            row.killed += self._kill(loop, seconds)
            self._judge(row, loop, old, new)
        return row

    def _judge(self, row: Row, loop: Loop, old: Tree, new: Tree) -> None:
        found = self._tree()
        parts = [name for name in found if ".embedkit." in name]
        whole = {name: data for name, data in found.items() if name not in parts}
        row.left += bool(parts)
        row.between += whole not in (old, new)
        wrong = [name for name, data in whole.items() if data not in (old.get(name), new.get(name))]
        lost = [name for name in old if name not in whole]
        code = self._run((*loop.command, *loop.again))
        after = self._tree()
        odd = sorted(name for name in after.keys() | new.keys() if after.get(name) != new.get(name))
        if wrong or lost or odd or code:
            row.failures.append(f"run {row.runs}: half {wrong}, lost {lost}, after {odd}, exit code {code}")

    def _prepare(self, loop: Loop) -> Tree:
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        loop.prepare(work)
        return self._tree()

    def _tree(self) -> Tree:
        work = self._folder / "work"
        return {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file()}

    def _run(self, args: Sequence[str]) -> int:
        with self._start(args, self._folder / "work", self._environ) as process:
            return int(process.wait(timeout=120))

    @contextmanager
    def _begin(self, loop: Loop) -> Iterator[Any]:
        with self._start(loop.command, self._folder / "work", self._environ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _seconds(self, loop: Loop) -> float:
        """Return the seconds that the command spends writing."""
        with self._begin(loop) as process:
            self._wait(loop, process)
            began = time.monotonic()
            process.wait(timeout=120)
            return time.monotonic() - began

    def _kill(self, loop: Loop, seconds: float) -> bool:
        """Kill the command somewhere between its first file and its end."""
        with self._begin(loop) as process:
            self._wait(loop, process)
            time.sleep(self._chance.random() * seconds)
            if process.poll() is not None:
                return False
            process.send_signal(self._chance.choice(self._signals))
            process.wait(timeout=60)
            return True

    def _wait(self, loop: Loop, process: subprocess.Popen[bytes]) -> None:
        """Wait until something is created in the watched folder."""
        watched = self._folder / "work" / loop.watched
        before = _changed(watched)
        while process.poll() is None and _changed(watched) == before:
            time.sleep(0.0002)


def _changed(folder: Path) -> int:
    return folder.stat().st_mtime_ns if folder.exists() else 0


def run_loops(
    kills: int,
    seed: int,
    names: Sequence[str] = (),
    signals: Sequence[str] = ("SIGKILL",),
    start: Start = start,
) -> Iterator[Row]:
    with SandboxServer() as sandbox:
        for loop in LOOPS:
            if not names or loop.name in names:
                with tempfile.TemporaryDirectory() as folder:
                    yield Runner(Path(folder), sandbox.url, random.Random(seed), signals, start).loop(loop, kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--signals", default="SIGKILL", help="comma-separated: SIGKILL,SIGTERM,SIGINT")
    parser.add_argument("--forked", action="store_true", help="fork the commands, which is faster")
    parser.add_argument("names", nargs="*", help="of the loops to run; default: all")
    args = parser.parse_args()
    print(f"{'command':20} {'runs':>5} {'killed':>7} {'between':>8} {'left over':>10} {'failed':>7}")
    failed = 0
    for row in run_loops(
        args.kills, args.seed, args.names, args.signals.split(","), Forked if args.forked else start
    ):
        counts = f"{row.runs:5} {row.killed:7} {row.between:8} {row.left:10} {len(row.failures):7}"
        print(f"{row.name:20} {counts}", *row.failures[:3], sep="\n  " if row.failures else "", flush=True)
        failed += len(row.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
