"""The secret that is created once and kept: by several processes, after a crash, and safe from other users."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from embedkit.cache.envelope import signing_secrets
from embedkit.cache.secret import kept_secret
from embedkit.errors import ConfigurationError

pytestmark = pytest.mark.server

MAKE = "from embedkit.cache.secret import kept_secret; import pathlib, sys; print(kept_secret(pathlib.Path(sys.argv[1])))"
HALF = {
    "empty": b"",
    "cut off": b"0123456789abcdef",
    "one short": b"a" * 63,
    "zeros": bytes(64),  # which some file systems leave after a power failure
    "not text": b"\xff" * 80,
    "with a gap": b"a" * 40 + b" " + b"a" * 40,
    "too much": b"a" * 5000,
}


@pytest.mark.parametrize(
    "found", [None, b"", b"0123456789abcdef", bytes(64)], ids=["none", "empty", "cut off", "zeros"]
)
def test_sixteen_processes_create_one_secret(tmp_path: Path, found: bytes | None) -> None:
    path = tmp_path / "embedkit" / "secret"
    if found is not None:
        path.parent.mkdir()
        path.write_bytes(found)
    command = [sys.executable, "-c", MAKE, str(path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(16)]
    made = {process.communicate(timeout=120)[0].strip() for process in started}
    assert made == {path.read_text()}
    assert len(path.read_text()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["secret"]


@pytest.mark.parametrize("found", HALF.values(), ids=HALF)
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_truncated_secret_is_replaced_and_that_is_logged(
    tmp_path: Path, found: bytes, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(found)
    path.chmod(mode)
    with caplog.at_level(logging.WARNING, "embedkit"):
        made = kept_secret(path)
    assert path.read_text() == made == kept_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "was cut off" in caplog.text
    assert made not in caplog.text


def test_a_complete_secret_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{'b' * 70}\n")  # as a user may have written it
    path.chmod(0o600)
    before = path.stat()
    assert kept_secret(path) == "b" * 70
    after = path.stat()
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (before.st_mtime_ns, before.st_mode, before.st_ino)
    assert caplog.text == ""


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe", "readable", "another's"])
def test_an_unsafe_secret_file_is_refused_with_a_hint(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "embedkit" / "secret"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif "link" in kind:
        (tmp_path / "real").write_text("c" * 64)
        path.symlink_to(tmp_path / ("real" if kind == "link" else "nowhere"))
    else:
        path.write_text("c" * 64)
        path.chmod(0o640 if kind == "readable" else 0o600)
        if kind == "another's":
            if os.geteuid() != 0:
                pytest.skip("root alone can give a file away")
            os.chown(path, 1234, 1234)
    with pytest.raises(ConfigurationError, match=r"secret .*Delete it, .*or set EMBEDKIT_SECRET\.") as caught:
        kept_secret(path)
    assert "c" * 64 not in str(caught.value)


def test_a_folder_that_others_can_write_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    kept_secret(tmp_path / "secret")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("root alone can give a folder away")
    os.chown(tmp_path, 1234, 1234)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        kept_secret(tmp_path / "secret")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match="can't be stored"):
        signing_secrets((), "")
