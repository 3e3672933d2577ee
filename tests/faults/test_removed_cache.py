"""A cache that is deleted while the service runs is detected, reported and recreated."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from embedkit import EmbedKit, create_app
from embedkit.sandbox import SandboxTransport
from tests.support.stores import FILES
from tests.support.web import (
    ANY,
    EXAMPLE,
    World,
    settings,
)


def service(url: str) -> World:
    transport = SandboxTransport()
    kit = EmbedKit(settings(cache=url), transport=transport)
    app = create_app(kit=kit)
    return World(app, app.test_client(), kit, transport.app)


def ready(web: World) -> str:
    """Return the readiness, uncached."""
    return str(create_app(kit=web.kit).test_client().get("/readyz").json["cache"])


def ask(web: World, *refs: str) -> list[int]:
    return [web.client.get(f"/v1/embeds/{ref}").status_code for ref in refs]


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("what", ["folder", "contents"])
def test_readiness_reports_it_once_and_recovers(
    tmp_path: Path, kind: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    web = service(FILES[kind].format(folder))
    assert ask(web, ANY, EXAMPLE) == [200, 200]
    assert ready(web) == "ok"
    for entry in [folder] if what == "folder" else list(folder.iterdir()):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert ask(web, ANY, EXAMPLE) == [200, 200]  # from this process's memory
    assert ready(web) == "down", "see working of LocalStore in embedkit/cache/stores/base.py"
    assert "has been removed" in caplog.text, "the store logs it as a warning"
    assert ask(web, "600000777", "600000778") == [200, 200]
    assert ready(web) == "ok"
    assert web.kit.cache.check()
    before = web.sandbox.count("oembed")
    other = service(FILES[kind].format(folder))  # the next process finds the entries written since
    assert ask(other, "600000777", "600000778") == [200, 200]
    assert web.sandbox.count("oembed") == before
    assert other.sandbox.count("oembed") == 0
    for one in (web, other):
        one.kit.close()


@pytest.mark.parametrize("kind", FILES)
def test_the_next_writes_notice_it(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    web = service(FILES[kind].format(folder))
    ask(web, ANY)
    shutil.rmtree(folder)
    assert ask(web, "600000777", "600000778", "600000779") == [200] * 3
    other = service(FILES[kind].format(folder))
    assert ask(other, "600000779") == [200]
    assert other.sandbox.count("oembed") == 0
    web.kit.close()
    other.kit.close()


def test_a_folder_that_cannot_be_recreated_is_reported_and_survived(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    web = service(f"sqlite:{folder}/c")
    ask(web, ANY)
    shutil.rmtree(folder)
    folder.write_text("a file where the folder was")
    assert ask(web, EXAMPLE, "600000777") == [200, 200]
    assert ready(web) == "down"
    assert ready(web) == "down"
    os.unlink(folder)
    ask(web, "600000778")
    assert ready(web) in ("ok", "down")  # immediately, or after the breaker's next attempt
    web.kit.close()
