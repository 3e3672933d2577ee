"""All operations of the official, unmodified Node client (npm gettyimages-api) against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from embedkit.sandbox import SandboxServer
from tests.support.api import send_request
from tests.support.tools import need, node_packages

HERE = Path(__file__).parent / "node_sdk"
EXAMPLE = "74917285"


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder with the client and the test script."""
    return node_packages(HERE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(scope="module")
def found(installed: Path, sandbox: SandboxServer) -> Any:
    command = [need("node"), "-r", "./preload.js", "range.js"]
    environ = os.environ | {"SANDBOX": sandbox.url}
    done = subprocess.run(command, cwd=installed, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_tokens(found: Any) -> None:
    tokens = found["tokens"]
    assert 1790 < tokens.pop("seconds") <= 1800
    assert tokens == {"kept": True, "renewed": True, "wrong": None}


def test_a_blended_search(found: Any) -> None:
    page = found["searches"]["blended"]
    assert page["result_count"] > 0
    assert 0 < len(page["images"]) <= 5
    for image in page["images"]:
        assert list(image) == ["id", "orientation", "title", "uri_oembed"]
        assert image["orientation"].lower() in ("horizontal", "panoramic_horizontal", "panoramichorizontal")
        assert f"%2f{image['id']}&caller=" in image["uri_oembed"]


def test_a_creative_search(found: Any) -> None:
    page = found["searches"]["creative"]
    assert 0 < len(page["images"]) <= 3
    assert {image["asset_family"] for image in page["images"]} == {"creative"}
    assert all({"artist", "caption", "display_sizes", "license_model"} <= image.keys() for image in page["images"])


def test_an_editorial_search(found: Any) -> None:
    images = found["searches"]["editorial"]["images"]
    assert images
    assert all(image["editorial_segments"] == ["news"] for image in images)
    dates = [image["date_created"] for image in images]
    assert dates == sorted(dates)


def test_metadata(found: Any) -> None:
    one, several = found["metadata"]["one"], found["metadata"]["several"]
    assert [image["id"] for image in one["images"]] == [EXAMPLE]
    assert one["images"][0]["title"] == "Under the lights at the corner court"
    assert [image["id"] for image in several["images"]] == [EXAMPLE, "600000001"]
    assert several["images_not_found"] == ["1"]
    assert 0 < len(found["metadata"]["similar"]["images"]) <= 3
    assert EXAMPLE not in {image["id"] for image in found["metadata"]["similar"]["images"]}
    assert "images" in found["metadata"]["series"]


def test_lists(found: Any) -> None:
    countries = {
        country["iso_alpha_3"]: country["name"] for country in found["metadata"]["countries"]["countries"]
    }
    assert countries["DEU"] == "Germany"
    assert found["metadata"]["collections"]["collections"][0].keys() >= {"code", "name", "asset_family"}
    assert found["metadata"]["products"]["products"][0]["type"] == "premiumaccess"


def test_downloads(found: Any, sandbox: SandboxServer) -> None:
    downloads = found["downloads"]
    assert downloads["automatic"] is None  # it does not follow, and has nothing to read
    for name, height in (("address", 3600), ("smaller", 594)):
        parts = urlsplit(downloads[name]["uri"])
        assert (parts.scheme, parts.netloc) == ("https", "delivery.gettyimages.com")
        assert parse_qs(parts.query)["h"] == [str(height)]
        file = send_request(sandbox.app, "GET", downloads[name]["uri"])
        assert (file.status, file.body[:3]) == (200, b"\xff\xd8\xff")
    history = downloads["history"]
    assert history["result_count"] == 3
    assert [one["product_type"] for one in history["downloads"]] == [
        "premiumaccess",
        "easyaccess",
        "premiumaccess",
    ]


def test_boards(found: Any) -> None:
    boards = found["boards"]
    assert boards["added"] == {"assets_added": [{"asset_id": EXAMPLE}], "assets_not_added": ["1"]}
    assert (boards["board"]["name"], boards["board"]["asset_count"]) == ("Sun and moon", 2)
    assert [board["id"] for board in boards["list"]["boards"]] == [boards["board"]["id"]]
    assert [comment["text"] for comment in boards["comments"]["comments"]] == ["Nice"]
    assert (boards["emptied"]["asset_count"], boards["emptied"]["comment_count"]) == (0, 0)
    assert boards["deleted"]["status"] == 404


def test_errors_as_reported_by_the_client(found: Any) -> None:
    refusals = found["refusals"]
    statuses = {name: refusals[name]["status"] for name in ("key", "image", "page", "redirect", "application")}
    assert statuses == {"key": 401, "image": 404, "page": 400, "redirect": 404, "application": 403}
    assert refusals["secret"]["name"] == "TypeError"  # the client gives up on the missing token
    assert refusals["keyAlone"] is True
    # its Content-Length is in characters, so the sandbox reads a truncated body; the unread rest does no harm
    assert refusals["characters"]["status"] == 400
    assert refusals["boards"] == 0


def test_requests_of_the_client(found: Any, sandbox: SandboxServer) -> None:
    calls = [
        call for call in sandbox.calls if "user-agent" in call.headers
    ]  # without the test's own requests for files
    assert {call.headers["host"] for call in calls} == {"api.gettyimages.com", "authentication.gettyimages.com"}
    assert all(call.headers["user-agent"].startswith("GettyImagesApiSdk/6.7.2 ") for call in calls)
    downloads = [call for call in calls if call.path.startswith("/v3/downloads/images/")]
    assert {call.body for call in downloads} == {b"null"}
    assert any(call.path.startswith("/v3//boards") for call in calls)
