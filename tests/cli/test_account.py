"""embedkit products, history and api: a customer's account, and calls by path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedkit.sandbox import SandboxConfig, SandboxServer
from tests.support.cli import Run, runner

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxConfig(download_limit=5)) as server:
        yield server


@pytest.fixture
def run(
    sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    return runner(sandbox, tmp_path, monkeypatch, capsys)


def test_a_download_is_in_the_history_and_off_the_product(run: Run) -> None:
    assert run("history").err == "0 downloads.\n"
    assert run("download", "74917285", "--height", "594", "--product-type", "easyaccess").code == 0
    listed = run("history")
    head, row = listed.out.splitlines()
    assert head.split()[:5] == ["DOWNLOADED", "ID", "PRODUCT", "SIZE", "BY"]
    assert row.split()[2:4] == ["74917285", "easyaccess"]
    assert row.split()[-1] == "sandbox-user"
    assert listed.err == "1 download.\n"
    one = json.loads(run("history", "74917285", "--json").out)
    assert (one["total"], one["downloads"][0]["product_type"]) == (1, "easyaccess")
    assert json.loads(run("history", "--product-type", "imagepack", "--json").out)["downloads"] == []
    left = {row.split()[1]: row.split()[2] for row in run("products").out.splitlines()[1:]}
    assert (left["easyaccess"], left["premiumaccess"]) == ("4", "5")
    assert json.loads(run("products", "--json").out)[1]["downloads_remaining"] == 4


def test_the_json_at_a_path(run: Run) -> None:
    done = run("api", "get", "/v3/images", "ids=74917285,500000404", "fields=id,title", "--language", "de")
    found = json.loads(done.out)
    assert (done.code, found["images"][0]["id"], found["images_not_found"]) == (0, "74917285", ["500000404"])


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("api", "get", "https://evil.example/v3/images"), 2, "is not a path of the API"),
        (("api", "get", "/v3/../oauth2/token"), 2, "is not a path of the API"),
        (("api", "get", "/v3/images", "ids"), 2, "'ids' is not NAME=VALUE"),
        (("api", "get", "/v3/images", "a b=1"), 2, "can't be a parameter's name"),
        (("api", "get", "/v3/nothing/here"), 4, "nothing at this path"),
        (("history", "74917285", "--page", "2"), 2, "--page can't be used with an ID"),
        (("history", "74917285", "--from", "2026-01-01"), 2, "--from can't be used with an ID"),
        (("history", "x y"), 2, "is not an asset ID"),
        (("history", "500000404"), 4, "picture not found"),
        (("history", "--from", "yesterday"), 2, "--from can't be 'yesterday'"),
    ],
)
def test_errors_are_explained(run: Run, args: tuple[str, ...], code: int, says: str) -> None:
    done = run(*args)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
