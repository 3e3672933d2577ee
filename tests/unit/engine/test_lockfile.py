"""The lock file, the signing secret and the revalidator."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import platformdirs
import pytest

from embedkit.cache.envelope import signing_secrets
from embedkit.engine import lockfile
from embedkit.engine.revalidation import Revalidator
from embedkit.errors import ConfigurationError, NotEmbeddable, NotFound
from embedkit.models import AssetRef
from embedkit.process import Lazy
from embedkit.settings import Secret
from tests.unit.test_values import embed

PICTURES = {
    (("9",), "com"): embed(ref=AssetRef(("9",)), title="Nine", fetched_at=5.0),
    (("1", "2"), "de"): embed(ref=AssetRef(("1", "2")), title="Zwölf"),
}


def test_a_lock_file_is_sorted_readable_and_without_times(tmp_path: Path) -> None:
    path = tmp_path / "embedkit.lock.json"
    lockfile.write_back(path, lockfile.read_bytes(path), PICTURES)
    text = path.read_text("utf-8")
    assert text == lockfile.dump(dict(reversed(PICTURES.items())))
    lines = text.splitlines()
    assert len(lines) == 4
    assert "Zwölf" in lines[1]
    assert "fetched_at" not in text
    assert {picture: one.title for picture, one in lockfile.read(path).items()} == {
        (("9",), "com"): "Nine",
        (("1", "2"), "de"): "Zwölf",
    }
    assert os.listdir(tmp_path) == ["embedkit.lock.json"]


def test_a_linked_lock_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    lockfile.write_back(real, lockfile.read_bytes(real), {})
    real.chmod(0o600)
    link.symlink_to(real)
    lockfile.write_back(link, lockfile.read_bytes(link), PICTURES)
    assert link.is_symlink()
    assert lockfile.read(real).keys() == PICTURES.keys()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_lost_pictures_are_locked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "embedkit.lock.json"
    lost = {(("5",), "com"): NotFound("x", ref="5"), (("7", "8"), "de"): NotEmbeddable("y", ref="7,8")}
    lockfile.write_back(path, None, {**PICTURES, **lost})
    read = lockfile.read(path)
    assert read.keys() == PICTURES.keys() | lost.keys()
    assert {key: type(read[key]) for key in lost} == {key: type(one) for key, one in lost.items()}
    assert lockfile.dump(read) == path.read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 1, "embeds": [], "lost": [{"tld": "com", "items": "5", "code": "not-found"}]}',
        "{}",
        '{"version": 2, "embeds": []}',
        '{"version": 1, "embeds": [{}]}',
        "[" * 9999,
    ],
)
def test_a_broken_lock_file_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="can't be read"):
        lockfile.read(path)


def test_the_error_of_a_missing_lock_file_tells_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="embedkit lock DIR"):
        lockfile.read(tmp_path / "none.json")


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Path(platformdirs.user_cache_dir("embedkit"))


def test_the_secret_is_created_once_and_private(cache_folder: Path) -> None:
    found: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(signing_secrets((), ""))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(found[0][0]) == 64
    assert stat.S_IMODE((cache_folder / "secret").stat().st_mode) == 0o600


def test_a_shared_cache_needs_a_secret() -> None:
    with pytest.raises(ConfigurationError, match="SECRET"):
        signing_secrets((), "redis://localhost")
    secret = "s" * 32
    assert signing_secrets((Secret(secret),), "redis://localhost") == (secret,)
    assert signing_secrets((), "memory:") != signing_secrets((), "memory:")


def test_the_revalidator_runs_each_refresh_once() -> None:
    ran: list[str] = []
    revalidator = Revalidator(background=False, threads=4)
    for _ in range(3):
        for name in "abc":
            revalidator.submit(name, lambda name=name: ran.append(name))  # type: ignore[misc]
    assert ran == []
    assert revalidator.settle(5) == 0
    assert sorted(ran) == ["a", "b", "c"]


def test_the_revalidator_gives_up_in_time_and_survives_errors() -> None:
    gate = threading.Event()
    revalidator = Revalidator(background=True, threads=1)
    revalidator.submit("slow", gate.wait)
    revalidator.submit("waiting", gate.wait)
    assert revalidator.settle(0.05) == 2
    gate.set()
    assert revalidator.settle(5) == 0
    done = threading.Event()
    revalidator.submit("after", done.set)
    assert done.wait(5)


def test_lazy_creates_its_value_once_and_tries_again_after_an_error() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        if len(made) == 1:
            raise OSError
        return 7

    part = Lazy(make)
    with pytest.raises(OSError):  # noqa: PT011
        part()
    assert part.value_if_made is None
    assert [part(), part()] == [7, 7]
    assert len(made) == 2
