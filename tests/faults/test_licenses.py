"""Downloads that are killed or disconnected at each step: repeating the command doesn't license the picture twice."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from embedkit import EmbedKit
from embedkit.api.downloads import Downloads
from embedkit.api.orders import Orders
from embedkit.cli.main import main
from embedkit.files.download import DownloadSink
from embedkit.files.journal import Journal
from embedkit.files.partial import PartialFile
from embedkit.sandbox import SandboxConfig, SandboxServer
from embedkit.transport.client import HttpTransport
from tests.support.cli import Outcome, Run, runner, sandbox_environ, without_settings
from tests.support.faulty_upstream import Upstream
from tests.support.kill_loops import Forked

PRODUCT = ("--product-type", "premiumaccess")


# -- a connection that can be cut ----------------------------------------------------------------------------


@dataclass
class Wire:
    """The connection between the command and the sandbox. ``cut`` returns how many bytes of a response arrive: None
    for all of them, -1 if not even the request arrives."""

    sandbox: SandboxServer
    cut: Callable[[str], int | None] = field(default=lambda _: None)

    def __enter__(self) -> Wire:
        self.upstream = Upstream(self._forward)
        self.upstream.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.upstream.__exit__()

    @property
    def origin(self) -> str:
        return self.upstream.origin

    def orders(self, id: str) -> int:
        return sum(request.startswith(f"POST /v3/downloads/images/{id}?") for request in self.upstream.requests)

    def _forward(self, sock: socket.socket, over: threading.Event) -> bool:
        head, body = self.upstream.requests[-1], self.upstream.bodies[-1]
        passes = self.cut(head.partition("\r\n")[0])
        if passes == -1:
            return False
        with socket.create_connection(("127.0.0.1", int(self.sandbox.url.rpartition(":")[2])), timeout=20) as far:
            lines = [line for line in head.rstrip().split("\r\n") if not line.lower().startswith("connection:")]
            far.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
            answer = b"".join(iter(lambda: far.recv(65536), b""))
        sock.sendall(answer if passes is None else answer[: min(passes, len(answer) - 1)])
        return False


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with SandboxServer() as sandbox, Wire(sandbox) as wire:
        yield wire


@pytest.fixture
def run(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    monkeypatch.setattr("embedkit.api.orders.SETTLE_S", 0.0)  # no order of an earlier test is in progress
    call = runner(wire.sandbox, tmp_path, monkeypatch, capsys)
    for name, value in sandbox_environ(wire.origin, tmp_path).items():
        monkeypatch.setenv(name, value)
    yield call
    wire.cut = lambda _: None


def licences(wire: Wire, id: str) -> int:
    """Return the orders in Getty's download history."""
    with EmbedKit(wire.sandbox.settings(cache="memory:")) as kit:
        return len(kit.api.image_download_history(id))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "jpg" in path.name)


def is_whole(folder: Path, id: str) -> bool:
    """Check that the file has its full length, and that no partial file is left."""
    [name] = files(folder)
    with EmbedKit() as kit:
        return name == f"{id}.jpg" and kit.api.downloads.sizes(id)[-1].bytes == (folder / name).stat().st_size


# -- the steps at which a process is killed ------------------------------------------------------------------------------


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Kill the process before a method is executed."""
    work = getattr(owner, name)
    setattr(owner, name, lambda *args, **named: (die() if when(*args) else None) or work(*args, **named))


def after(owner: type, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    """Kill the process after a method is executed."""
    work = getattr(owner, name)

    def dying(*args: Any, **named: Any) -> Any:
        done = work(*args, **named)
        return die() if when(*args) else done

    setattr(owner, name, dying)


def is_order(_: object, request: Any) -> bool:
    return bool(request.method == "POST" and "/v3/downloads/" in request.url)


KILLED: dict[str, Callable[[], None]] = {
    "1 before the journal is written": lambda: before(Journal, "append"),
    "2 after the journal is written": lambda: after(Journal, "append"),
    "3 with the lock": lambda: before(Orders, "place"),
    "4 before the order is sent": lambda: before(HttpTransport, "send", is_order),
    "6 before the answer arrives": lambda: after(HttpTransport, "send", is_order),
    "8 after the answer": lambda: before(Journal, "keep"),
    "8 before the journal has the answer": lambda: after(Journal, "keep"),
    "9 before the file is asked for": lambda: before(Downloads, "_fetch"),
    "10 in the middle of the file": lambda: before(DownloadSink, "write", lambda sink, _: sink.received > 0),
    "11 before the file has its name": lambda: before(PartialFile, "add"),
    "12 before the last line of the journal": lambda: before(Orders, "saved"),
}
CUT: dict[str, Callable[[str], int | None]] = {
    "5 before the order arrives": lambda line: -1 if line.startswith("POST /v3/downloads/") else None,
    "6 before the answer arrives": lambda line: 0 if line.startswith("POST /v3/downloads/") else None,
    "7 in the middle of the answer": lambda line: 60 if line.startswith("POST /v3/downloads/") else None,
    "10 in the middle of the file": lambda line: 9_000 if line.startswith("GET /delivery/") else None,
}
LOST = ("6 before", "7 in", "8 after")  # Getty has accepted the order, but the file's URL is unknown
POINTS = [*((name, "killed") for name in KILLED), *((name, "cut") for name in CUT)]
IDS = [str(600_000_001 + number) for number in range(len(POINTS))]


def _command(name: str, args: list[str], folder: Path, environ: dict[str, str]) -> None:
    KILLED[name]()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    main(args)


def killed(name: str, args: list[str], folder: Path) -> int:
    """Return how a process ended that was killed at this step."""
    process = Forked.context.Process(
        target=_command, args=(name, args, folder, without_settings(os.environ) | ours())
    )
    process.start()
    process.join(120)
    return int(process.exitcode or 0)


def ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("EMBEDKIT_")}


def interrupt(name: str, how: str, args: list[str], folder: Path, wire: Wire, run: Run) -> None:
    if how == "killed":
        assert killed(name, args, folder) == -signal.SIGKILL
        return
    wire.cut = CUT[name]
    assert run(*args).code in (1, 3)
    wire.cut = lambda _: None


@pytest.mark.parametrize(
    ("point", "id"), [*zip(POINTS, IDS, strict=True)], ids=[" ".join(point) for point in POINTS]
)
def test_an_interrupted_download_is_licensed_once(
    point: tuple[str, str], id: str, wire: Wire, run: Run, tmp_path: Path
) -> None:
    name, how = point
    command = ["download", id, *PRODUCT]
    interrupt(name, how, command, tmp_path, wire, run)
    left = list(tmp_path.glob("*.jpg"))
    assert bool(left) == name.startswith("12")
    again: Outcome = run(*command)
    assert licences(wire, id) == 1
    if name.startswith(LOST):
        assert (again.code, files(tmp_path)) == (1, [])
        assert f"{id} is already licensed since" in again.err
        assert wire.orders(id) == 1
        assert run(*command).code == 1  # however often it is run
        assert run(*command, "--again").code == 0  # deliberately
        assert licences(wire, id) == 2
    else:
        assert again.code == (2 if name.startswith("12") else 0)  # then the file already exists
    assert is_whole(tmp_path, id)


@pytest.mark.parametrize("name", ["2 after the journal is written", "8 after the answer"])
def test_nothing_is_repeated_without_the_history(name: str, wire: Wire, run: Run, tmp_path: Path) -> None:
    id = {"2": "600000031", "8": "600000032"}[name[0]]
    command = ["download", id, *PRODUCT]
    assert killed(name, command, tmp_path) == -signal.SIGKILL
    before = licences(wire, id)
    wire.cut = lambda line: 0 if "downloadhistory" in line else None
    lost = run(*command)
    assert (lost.code, lost.out, files(tmp_path)) == (1, "", [])
    assert "the response was lost, and the download history can't be read" in lost.err
    assert "--again" in lost.err
    assert licences(wire, id) == before <= 1
    assert run(*command, "--again").code == 0
    assert licences(wire, id) == before + 1
    assert is_whole(tmp_path, id)


@pytest.mark.parametrize("name", [name for name in CUT if name.startswith(LOST)])
def test_an_agreement_that_allows_it_downloads_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    with SandboxServer(SandboxConfig(redownloads=True)) as sandbox, Wire(sandbox) as wire:
        for key, value in sandbox_environ(wire.origin, tmp_path).items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv("EMBEDKIT_REDOWNLOAD", "true")
        interrupt(name, "cut", ["download", "600000033", *PRODUCT], tmp_path, wire, run)
        assert run("download", "600000033", *PRODUCT).code == 0
        assert (licences(wire, "600000033"), wire.orders("600000033")) == (1, 2)
        assert is_whole(tmp_path, "600000033")


def test_two_processes_download_a_picture_once(wire: Wire, run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    args = ["download", "600000034", *PRODUCT]
    everything = without_settings(os.environ) | ours()
    both = [Forked(args, folder, everything) for folder in folders]
    assert [process.wait(120) for process in both] == [0, 0]  # the second uses the URL of the first
    assert (licences(wire, "600000034"), wire.orders("600000034")) == (1, 1)
    assert [files(folder) for folder in folders] == [["600000034.jpg"]] * 2
