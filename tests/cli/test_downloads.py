"""``embedkit download``: files are complete, existing ones are kept, and errors are explained."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from embedkit.cli import output
from embedkit.sandbox import SandboxConfig, SandboxServer
from tests.support.cli import (
    Run,
    sandbox_environ,
    without_settings,
)

ID = "74917285"
ORDERS = f"/v3/downloads/images/{ID}"
PRODUCT = ("--product-type", "premiumaccess")  # the picture has several agreements


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxConfig(download_limit=3)) as server:
        yield server


def orders(sandbox: SandboxServer) -> list[dict[str, str]]:
    return [call.params for call in sandbox.calls if call.path == ORDERS]


def test_a_picture_is_downloaded_here(run: Run, tmp_path: Path) -> None:
    done = run("download", f"https://gty.im/{ID}", *PRODUCT)
    file = tmp_path / f"{ID}.jpg"
    assert (done.code, done.out) == (0, f"{ID}.jpg\n")
    assert done.err == f"{file.stat().st_size / 1000:.1f} kB downloaded.\n"
    assert file.read_bytes()[:3] == b"\xff\xd8\xff"
    assert [path.name for path in tmp_path.glob("*.*")] == [file.name]


@pytest.mark.parametrize(
    ("output", "place"),
    [("one.jpg", "one.jpg"), ("there", f"there/{ID}.jpg"), ("new/deep/", f"new/deep/{ID}.jpg")],
)
def test_output_is_a_file_or_a_folder(run: Run, tmp_path: Path, output: str, place: str) -> None:
    (tmp_path / "there").mkdir()
    done = run("download", ID, "--output", output, "--json", *PRODUCT)
    told = json.loads(done.out)
    assert (told["id"], told["path"], told["media_type"]) == (ID, place, "image/jpeg")
    assert told["bytes"] == (tmp_path / place).stat().st_size
    assert done.err == ""


def test_an_existing_file_is_kept_and_nothing_is_ordered(run: Run, sandbox: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / f"{ID}.jpg"
    file.write_bytes(b"mine")
    for option in ((), ("--output", f"{ID}.jpg")):
        done = run("download", ID, *option, *PRODUCT)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"error: {ID}.jpg already exists. Pass --force to replace it.\n"
    assert file.read_bytes() == b"mine"
    assert len(sandbox.calls) == 0
    assert run("download", ID, "--force", *PRODUCT).code == 0
    assert file.read_bytes()[:3] == b"\xff\xd8\xff"


def test_available_sizes_are_listed(run: Run) -> None:
    done = run("download", ID, "--sizes")
    told = json.loads(run("download", ID, "--sizes", "--json").out)
    head, *lines = done.out.splitlines()
    assert head.split() == ["WIDTH", "HEIGHT", "FILE", "TYPE"]
    assert [line.split()[:2] for line in lines] == [
        [str(one["width"]), str(one["height"])] for one in told["sizes"]
    ]
    assert len(lines) > 2
    assert done.err == f"Product types: {', '.join(one['product_type'] for one in told['offers'])}.\n"


def test_size_and_agreement_can_be_chosen(run: Run, sandbox: SandboxServer) -> None:
    told = json.loads(run("download", ID, "--sizes", "--json").out)
    smallest = min(told["sizes"], key=lambda one: one["height"])
    offer = told["offers"][-1]["product_type"]
    done = run("download", ID, "--height", str(smallest["height"]), "--product-type", offer, "--json")
    assert json.loads(done.out)["bytes"] == smallest["bytes"]
    (order,) = orders(sandbox)
    assert (order["height"], order["product_type"]) == (str(smallest["height"]), offer)
    up_to = ("--max-height", str(smallest["height"] + 1), "--dry-run", "--json", "--product-type", offer)
    planned = json.loads(run("download", ID, *up_to).out)
    assert (planned["size"]["height"], planned["costs"]) == (smallest["height"], 0)
    other = run("download", ID, "--product-type", offer, "--output", "other.jpg")
    assert (other.code, len(orders(sandbox))) == (1, 1)
    assert other.err.endswith(f"{ID}.jpg; --again licenses it a second time.\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("500000404", *PRODUCT), 4, "withdrawn or never existed (ImageNotFound). Choose another picture.\n"),
        ((ID, "--height", "17", *PRODUCT), 4, f"Try: embedkit download {ID} --sizes"),
        ((ID, "--height", "17", "--dry-run", *PRODUCT), 4, "has no size 17 pixels high. Choose one of "),
        ((ID, "--max-height", "17", *PRODUCT), 4, "has no size up to 17 pixels high. The smallest is "),
        ((ID, "--max-height", "600", "--height", "594"), 2, "--height and --max-height can't be combined"),
        ((ID, "--product-type", "creditpack"), 2, f"Try: embedkit download {ID} --sizes"),
        ((ID, "--product-type", "gift"), 2, "easyaccess"),
        ((ID, "--height", "0"), 2, "--height"),
        ((ID, "--output", "nowhere/one.jpg"), 2, "No such file or directory"),
        (("1131502286,1226009144",), 2, "Download one at a time."),
        (("cat",), 2, "'cat'"),
        ((), 2, "Missing argument"),
    ],
)
def test_failed_downloads_are_explained(
    run: Run, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = run("download", *words)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert not list(tmp_path.glob("*.jpg*"))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            {"API_SECRET": "", "USERNAME": "", "PASSWORD": ""},
            "Set EMBEDKIT_API_SECRET; for a customer's account, run embedkit login, or also set",
        ),
        (
            {"USERNAME": "", "PASSWORD": ""},
            "for a customer's account, run embedkit login, or set EMBEDKIT_USERNAME",
        ),
        ({"PASSWORD": "canary"}, "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."),
        ({"API_KEY": ""}, "Set EMBEDKIT_API_KEY."),
    ],
)
def test_credentials_that_will_not_do_are_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], says: str
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(f"EMBEDKIT_{name}", value)
    done = run("download", ID, *PRODUCT)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "canary" not in done.err


def test_a_picture_outside_the_agreement_has_no_products(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"EMBEDKIT_{name}", "")
    done = run("download", ID, "--sizes")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"These credentials don't include downloads of {ID}.\n"


def test_an_agreement_that_is_used_up_exits_6(run: Run) -> None:
    codes = [run("download", ID, "--force", "--again", *PRODUCT).code for _ in range(4)]
    assert codes == [0, 0, 0, 6]


@pytest.mark.parametrize(("fault", "code"), [("drop", 3), ("truncated", 3), ("throttle", 6)])
def test_a_download_in_trouble_leaves_nothing(
    run: Run, sandbox: SandboxServer, tmp_path: Path, fault: str, code: int
) -> None:
    sandbox.app.faults.add(fault, count=None, route="delivery")
    done = run("download", ID, *PRODUCT)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert ("to resume it without a second licence" in done.err) == (code == 3)
    assert not list(tmp_path.glob("*.jpg*")) + list(tmp_path.glob(".*.part"))


def test_the_progress_bar_appears_on_terminals_with_the_first_bytes(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    def seen() -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "embedkit", "download", ID, *PRODUCT]
        everything = without_settings(os.environ) | sandbox_environ(sandbox.url, tmp_path) | {"TERM": "xterm"}
        with subprocess.Popen(command, env=everything, cwd=tmp_path, stdout=theirs, stderr=theirs):
            os.close(theirs)
            text = b""
            with suppress(OSError):  # on Linux, the end of a terminal's output
                while piece := os.read(ours, 4096):
                    text += piece
        os.close(ours)
        return text.decode()

    shown = seen()
    assert "Downloading" in shown
    assert "100%" in shown
    again = seen()
    assert "already exists" in again
    assert "Downloading" not in again


LIST = ("1095037182", "600000001", "500000404", "600000002", "cat")
FOR_LISTS = (*PRODUCT, "--max-height", "1200", "--skip-existing", "--output", "pictures/")


def test_a_list_of_pictures_within_a_budget(
    run: Run, sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDKIT_DOWNLOAD_BUDGET", "2")
    first = [run("download", id, *FOR_LISTS) for id in LIST]
    assert [one.code for one in first] == [0, 0, 4, 6, 2]
    assert first[2].err.startswith("error: 500000404: Getty Images answered 404: picture not found")
    assert first[3].err.startswith("error: 600000002: The budget of 2 licences for ")
    assert "'cat' is not an asset ID" in first[4].err
    there = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert there == ["1095037182.jpg", "600000001.jpg"]
    monkeypatch.setenv("EMBEDKIT_DOWNLOAD_BUDGET", "3")
    sandbox.app.forget()
    again = [run("download", id, *FOR_LISTS) for id in LIST[:2]]
    assert [(one.code, one.out, one.err) for one in again] == [
        (0, "", f"pictures/{id}.jpg already exists.\n") for id in LIST[:2]
    ]
    assert sandbox.app.counts() == {}, "nobody was asked"
    assert run("download", LIST[3], *FOR_LISTS).out == f"pictures/{LIST[3]}.jpg\n"
    assert run("download", ID, "--force", "--skip-existing").code == 2


def test_the_progress_bar_goes_back_if_a_download_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[Any] = []
    make = click.progressbar

    def made(**said: Any) -> Any:
        bars.append(make(**said))
        return bars[-1]

    monkeypatch.setattr(output, "_is_terminal", lambda _: True)
    monkeypatch.setattr(click, "progressbar", made)
    shown = []
    with output.progress("Downloading") as step:
        assert step is not None
        for done in (0, 900, 0, 500, 1000):
            step(done, 1000)
            shown.append(bars[0].pos)
    assert shown == [0, 900, 0, 500, 1000]


def test_a_dry_run_shows_the_cost_and_orders_nothing(
    run: Run, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDKIT_DOWNLOAD_BUDGET", "4")
    done = run("download", ID, "--dry-run", *PRODUCT)
    assert done.code == 0
    assert done.out.splitlines() == [
        f"id        {ID}",
        "offer     premiumaccess (50001, Premium Access)",
        done.out.splitlines()[2],
        "licensed  no",
        "costs     1 licence of the 3 left in the agreement",
        "budget    0 of 4 used this month",
    ]
    assert orders(sandbox) == []
    assert run("download", ID, *PRODUCT).code == 0
    told = json.loads(run("download", ID, "--dry-run", "--json", *PRODUCT).out)
    assert (told["costs"], told["licensed"], told["remaining"], told["used"]) == (0, True, 2, 1)
    assert len(orders(sandbox)) == 1


def test_several_agreements_need_one_to_be_named(run: Run, sandbox: SandboxServer) -> None:
    done = run("download", ID)
    assert done.code == 2
    assert "--product-type is required" in done.err
    assert "premiumaccess (50001, Premium Access)" in done.err
    assert orders(sandbox) == []
