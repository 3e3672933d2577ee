"""Downloads: a file is saved completely or not at all, and an existing one is kept."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from embedkit import EmbedKit, EmbedKitError
from embedkit.api import downloads, licenses
from embedkit.api.downloads import Download
from embedkit.errors import (
    ConfigurationError,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    Unavailable,
    UnsupportedReference,
)
from embedkit.files import download
from embedkit.files.folder import Folder
from embedkit.messages import Request, Response
from embedkit.sandbox import Sandbox, SandboxConfig
from tests.support.cache import ROOT
from tests.support.client import (
    PRODUCT,
    Harness,
    answer_and_close,
    downloads_api,
    in_process_kit,
    kit_over_http,
    token_body,
)
from tests.support.faulty_upstream import (
    Script,
    Upstream,
    drip,
    flood,
    hang,
    ok,
    reset,
    send,
)
from tests.support.tools import WITH_SIGNALS

pytestmark = pytest.mark.server

ID = "74917285"
PICTURE = b"\xff\xd8" + bytes(range(256)) * 400 + b"\xff\xd9"
JPEG = ("Content-Type: image/jpeg",)
PATH = f"/delivery/xa/{ID}.jpg?v=1&d=sig"


@pytest.fixture(params=["inside", "outside"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[EmbedKit, Sandbox]]:
    if request.param == "inside":
        yield in_process_kit()
        return
    with kit_over_http() as (kit, server):
        yield kit, server.app


@pytest.fixture
def kit(world: tuple[EmbedKit, Sandbox]) -> EmbedKit:
    return world[0]


@pytest.fixture
def app(world: tuple[EmbedKit, Sandbox]) -> Sandbox:
    return world[1]


def pixels(path: str | Path) -> tuple[int, int]:
    with Pillow.open(path) as picture:
        picture.load()
        return picture.size


def orders(app: Sandbox) -> list[dict[str, str]]:
    return [call.params for call in app.calls if call.method == "POST" and call.route == "v3"]


# -- against the sandbox -------------------------------------------------------------------------------


def test_what_there_is(kit: EmbedKit, app: Sandbox) -> None:
    sizes, offers = kit.api.downloads.sizes(ID), kit.api.downloads.largest(ID)
    assert sizes[-1].height == max(size.height or 0 for size in sizes)
    assert all({offer.product_type for offer in size.downloads} >= {"premiumaccess"} for size in sizes)
    assert {offer.product_type for offer in offers} >= {"premiumaccess"}
    assert orders(app) == []


@pytest.mark.parametrize("automatic", [True, False])
def test_a_file(kit: EmbedKit, app: Sandbox, tmp_path: Path, automatic: bool) -> None:
    path = tmp_path / "picture.jpg"
    told: list[tuple[int, int | None]] = []
    done = kit.api.downloads.save(
        ID,
        path,
        product_type="premiumaccess",
        height=1024,
        auto_download=automatic,
        progress=lambda *said: told.append(said),
    )
    assert isinstance(done, Download)
    assert (done.id, done.path, done.media_type) == (ID, str(path), "image/jpeg")
    assert done.bytes == path.stat().st_size
    assert done.host in ("delivery.gettyimages.com", "127.0.0.1")
    assert pixels(path)[1] == 1024
    assert told[0] == (0, done.bytes)
    assert told[-1] == (done.bytes, done.bytes)
    assert [one for one, _ in told] == sorted(one for one, _ in told)
    assert list(tmp_path.iterdir()) == [path]
    assert orders(app) == [
        {"auto_download": str(automatic).lower(), "height": "1024", **PRODUCT, "product_id": "50001"}
    ]
    fetched = next(call for call in app.calls if call.route in ("delivery", "xa"))
    assert not {"api-key", "authorization"} & fetched.headers.keys()


def test_the_bytes_are_those_that_were_delivered(kit: EmbedKit, tmp_path: Path) -> None:
    done = kit.api.downloads.save(ID, tmp_path, **PRODUCT)
    size = next(size for size in kit.api.downloads.sizes(ID) if size.bytes == done.bytes)
    assert pixels(done.path) == (size.width, size.height)


def test_a_folder_gets_a_file_of_the_pictures_name(kit: EmbedKit, tmp_path: Path) -> None:
    done = kit.api.downloads.save(ID.upper(), str(tmp_path) + os.sep, **PRODUCT)
    assert done.path == str(tmp_path / f"{ID}.jpg")
    with pytest.raises(FileExistsError):
        kit.api.downloads.save(ID, tmp_path, **PRODUCT)


def test_an_address_for_a_day(kit: EmbedKit, app: Sandbox) -> None:
    address = kit.api.downloads.url(
        ID, height=594, product_type="premiumaccess", notes={"download_notes": "April"}
    )
    assert address.startswith(("https://delivery.gettyimages.com/xa/", "http://127.0.0.1:"))
    assert orders(app) == [{"auto_download": "false", "height": "594", **PRODUCT, "product_id": "50001"}]
    assert b"April" in next(call.body for call in app.calls if call.method == "POST" and call.route == "v3")


@pytest.mark.parametrize(
    ("act", "kind", "says"),
    [
        (lambda it: it.save("999999999", "x.jpg"), NotFound, "picture not found"),
        (lambda it: it.save(ID, "x.jpg", height=7, **PRODUCT), NotFound, "size"),
        (
            lambda it: it.save(ID, "x.jpg", product_type="royaltyfreesubscription"),
            PermissionDenied,
            "product_type",
        ),
        (lambda it: it.save(ID, "x.jpg", file_type="eps", **PRODUCT), NotFound, "size"),
        (lambda it: it.sizes("999999999"), NotFound, "picture not found"),
        (lambda it: it.save("no id", "x.jpg"), UnsupportedReference, "id"),
        (lambda it: it.save(ID, "x.jpg", product_type="gold"), ConfigurationError, "easyaccess"),
    ],
)
def test_errors_are_explained_and_leave_nothing(
    kit: EmbedKit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[downloads.Downloads], object],
    kind: type[EmbedKitError],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=says):
        act(kit.api.downloads)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_agreement_holds(tmp_path: Path) -> None:
    kit, _ = in_process_kit(SandboxConfig(download_limit=1))
    kit.api.downloads.save(ID, tmp_path / "1.jpg", product_type="premiumaccess")
    with pytest.raises(QuotaExhausted, match="period"):
        kit.api.downloads.save("600000002", tmp_path / "2.jpg", product_type="premiumaccess")
    assert kit.search("harbour").total  # the key's own limit is not reached


# -- where the file is ---------------------------------------------------------------------------------


def test_an_existing_file_is_kept_and_costs_no_download(kit: EmbedKit, app: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_text("mine")
    (tmp_path / "link.jpg").symlink_to("nowhere")
    for taken in (path, tmp_path / "link.jpg"):
        with pytest.raises(FileExistsError) as caught:
            kit.api.downloads.save(ID, taken, **PRODUCT)
        assert caught.value.filename == str(taken)
    assert path.read_text() == "mine"
    assert app.counts() == {}
    assert len(list(tmp_path.iterdir())) == 2


def test_unless_it_may_be_overwritten(kit: EmbedKit, tmp_path: Path) -> None:
    path, link = tmp_path / "picture.jpg", tmp_path / "link.jpg"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    done = kit.api.downloads.save(ID, link, overwrite=True, **PRODUCT)
    assert link.is_symlink()
    assert path.stat().st_size == done.bytes
    assert path.stat().st_mode & 0o777 == 0o600
    assert kit.api.downloads.save(ID, tmp_path / "new.jpg", overwrite=True, **PRODUCT).bytes == done.bytes


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_link_in_a_folder_leads_to_what_is_overwritten(tmp_path: Path, kind: str) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "file").write_text("old")
    (folder / f"{ID}.jpg").symlink_to(other / "file")
    with Shop(ok(PICTURE, headers=[f"Content-Type: image/{kind.replace('jpg', 'jpeg')}"])) as shop:
        done = shop.save(folder, overwrite=True)
    assert Path(done.path) == (other / "file" if kind == "jpg" else folder / f"{ID}.png")
    assert Path(done.path).read_bytes() == PICTURE
    assert (folder / f"{ID}.jpg").is_symlink()
    assert [one.name for one in other.iterdir()] == ["file"]
    assert len(list(folder.iterdir())) == (1 if kind == "jpg" else 2)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_circular_link_is_not_a_file(tmp_path: Path, overwrite: bool) -> None:
    kit, app = in_process_kit()
    (tmp_path / "link.jpg").symlink_to("link.jpg")
    with pytest.raises(FileExistsError):
        kit.api.downloads.save(ID, tmp_path / "link.jpg", overwrite=overwrite, **PRODUCT)
    assert app.counts() == {}


@pytest.mark.parametrize("name", ["a\0b", "a\ud900"])
def test_an_invalid_path_is_reported_as_such(tmp_path: Path, name: str) -> None:
    kit, app = in_process_kit()
    with pytest.raises(OSError, match="is not a valid path") as caught:
        kit.api.downloads.save(ID, f"{tmp_path}/{name}", **PRODUCT)
    assert caught.value.errno == errno.EINVAL
    assert app.counts() == {}


def test_a_path_may_be_bytes(tmp_path: Path) -> None:
    kit, _ = in_process_kit()
    path: Any = os.fsencode(tmp_path / "picture.jpg")
    assert kit.api.downloads.save(ID, path, **PRODUCT).path == str(tmp_path / "picture.jpg")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o644)])
@pytest.mark.parametrize("overwrite", [True, False])
def test_the_permissions_of_a_new_file(tmp_path: Path, umask: int, mode: int, overwrite: bool) -> None:
    kit, _ = in_process_kit()
    before = os.umask(umask)
    try:
        done = kit.api.downloads.save(ID, tmp_path, overwrite=overwrite, **PRODUCT)
    finally:
        os.umask(before)
    assert Path(done.path).stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("no-folder/picture.jpg", FileNotFoundError),
        ("no-folder/", FileNotFoundError),
        ("file/picture.jpg", NotADirectoryError),
        ("x" * 300, OSError),
    ],
)
def test_an_impossible_location_costs_no_download(tmp_path: Path, name: str, kind: type[OSError]) -> None:
    (tmp_path / "file").touch()
    kit, app = in_process_kit()
    with pytest.raises(kind) as caught:
        kit.api.downloads.save(ID, f"{tmp_path}/{name}", **PRODUCT)
    assert str(caught.value.filename).rstrip("/") == f"{tmp_path}/{name}".rstrip("/")
    assert str(caught.value).endswith("'")  # and does not contain "-> None"
    assert orders(app) == []


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    kit, app = in_process_kit()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="not a regular file"):
        kit.api.downloads.save(ID, tmp_path / "pipe", overwrite=True, **PRODUCT)
    assert app.counts() == {}


def test_a_file_created_in_the_meantime_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit, _ = in_process_kit()
    path = tmp_path / "picture.jpg"
    with pytest.raises(FileExistsError):
        kit.api.downloads.save(ID, path, progress=lambda *_: path.write_text("mine"), **PRODUCT)
    assert path.read_text() == "mine"

    path.unlink()
    monkeypatch.setattr(download.Destination, "check", lambda self: None)  # created at the last moment
    with pytest.raises(FileExistsError, match="already exists"):
        kit.api.downloads.save(ID, path, progress=lambda *_: path.write_text("mine"), **PRODUCT)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("taken", [True, False])
def test_a_file_system_without_links(tmp_path: Path, taken: bool) -> None:
    path = tmp_path / "picture.jpg"

    class Plain(Folder):
        def rename(self, name: str, other: str) -> bool:
            return False

        def link(self, name: str, other: str) -> None:
            if taken:
                path.write_text("mine")
            raise PermissionError(errno.EPERM, "no links here")

    with download.DownloadSink(download.Destination(path, "x"), open_folder=Plain) as draft:
        draft.begin(None)
        draft.write(b"picture")
        if taken:
            with pytest.raises(FileExistsError, match="already exists"):
                draft.commit()
        else:
            assert draft.commit() == str(path)
    assert path.read_text() == ("mine" if taken else "picture")
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    kit, _ = in_process_kit()
    path = tmp_path / "picture.jpg"
    gate = threading.Barrier(8)
    outcomes: list[str] = []

    def save() -> None:
        gate.wait(10)
        try:
            kit.api.downloads.save(ID, path, **PRODUCT)
            outcomes.append("saved")
        except FileExistsError:
            outcomes.append("taken")

    running = [threading.Thread(target=save) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    assert sorted(outcomes) == ["saved"] + ["taken"] * 7
    assert list(tmp_path.iterdir()) == [path]


# -- failures of a download ----------------------------------------------------------------------------


class Shop:
    """An API that accepts orders, a host that delivers files as scripted, and a kit."""

    def __init__(self, script: Script, order: Script | None = None, **rows: Any) -> None:
        self.tokens, self.api, self.files = Upstream(ok(token_body())), Upstream(), Upstream(script)
        taken = order or answer_and_close(b"", "303 X", (f"Location: {self.files.origin}{PATH}",))
        self.api.scripts = (downloads_api(self.api, taken, ID),)
        self.rows = rows

    def __enter__(self) -> Shop:
        for upstream in (self.tokens, self.api, self.files):
            upstream.__enter__()
        rows = {"api_secret": "secret-1", "image_origins": (self.files.origin,), **self.rows}
        self.harness = Harness(self.api.origin, self.tokens.origin, **rows)
        return self

    def __exit__(self, *_: object) -> None:
        self.harness.kit.close()
        for upstream in (self.tokens, self.api, self.files):
            upstream.__exit__()

    @property
    def orders(self) -> list[str]:
        return [request for request in self.api.requests if request.startswith("POST")]

    def save(self, path: Path, **said: Any) -> Download:
        return self.harness.api.downloads.save(ID, path, **said)


def test_a_file_over_a_socket(tmp_path: Path) -> None:
    with Shop(ok(PICTURE, headers=JPEG)) as shop:
        done = shop.save(tmp_path / "picture.jpg")
        assert (tmp_path / "picture.jpg").read_bytes() == PICTURE
        assert (done.bytes, done.host, done.media_type) == (len(PICTURE), "127.0.0.1", "image/jpeg")
        head = shop.files.requests[0]
        assert head.startswith(f"GET {PATH} HTTP/1.1\r\n")
        assert "Accept-Encoding: identity" in head
        assert not any(word in head for word in ("key-1", "access-1", "secret-1", "Authorization", "Api-Key"))
        assert "Authorization: Bearer access-1" in shop.orders[0]
        assert shop.api.bodies[-1] == b"null"


def test_a_file_of_unknown_length(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with Shop(send(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n", PICTURE)) as shop:
        shop.save(tmp_path / "picture.jpg", progress=lambda *said: told.append(said))
    assert (tmp_path / "picture.jpg").read_bytes() == PICTURE
    assert {total for _, total in told} == {None}


def test_a_file_larger_than_memory_should_hold(tmp_path: Path) -> None:
    import tracemalloc

    size = 64 * 1024 * 1024
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/tiff\r\nContent-Length: %d\r\n\r\n" % size
    with Shop(flood(head, bytes(1 << 16), size >> 16)) as shop:
        api = shop.harness.api  # so that late imports are not counted
        tracemalloc.start()
        try:
            done = api.downloads.save(ID, tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()
    assert done.bytes == size
    assert done.path.endswith(f"{ID}.tif")


def test_a_slow_file_may_take_longer_than_a_call(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 60\r\n\r\n"
    with Shop(drip(head, b"abcde", 0.1), timeout=0.5) as shop:
        assert shop.save(tmp_path / "picture.jpg").bytes == 60


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n"
WRONG: list[tuple[str, Script, type[EmbedKitError]]] = [
    ("cut", send(LENGTH % 1000 + b"\r\n", b"a" * 999), Unavailable),
    ("reset", reset(LENGTH % 1000 + b"\r\n", b"a" * 500), Unavailable),
    ("cut in a chunk", send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\na"), Unavailable),
    ("no answer", send(), Unavailable),
    ("nothing in it", ok(b"", headers=JPEG), Unavailable),
    ("a page", ok(b"<html>", headers=["Content-Type: text/html; charset=utf-8"]), InvalidResponse),
    ("JSON", ok(b"{}", headers=["Content-Type: Application/JSON"]), InvalidResponse),
    ("too large", send(LENGTH % (2 * 1024**3) + b"\r\n", b"a"), InvalidResponse),
    ("broken gzip", send(LENGTH % 4 + b"Content-Encoding: gzip\r\n\r\nnone"), InvalidResponse),
    ("brotli", send(LENGTH % 4 + b"Content-Encoding: br\r\n\r\nnone"), InvalidResponse),
    ("no HTTP", send(b"SSH-2.0-X\r\n"), InvalidResponse),
    ("206", answer_and_close(b"abc", "206 X", JPEG), InvalidResponse),
    ("204", send(b"HTTP/1.1 204 X\r\n\r\n"), InvalidResponse),
    ("403", answer_and_close(b"Access denied. This address has expired.", "403 X"), Unavailable),
    ("404", answer_and_close(b"", "404 X"), NotFound),
    ("410", answer_and_close(b"", "410 X"), NotFound),
    ("429", answer_and_close(b"", "429 X"), RateLimited),
    ("500", answer_and_close(b"", "500 X"), Unavailable),
    ("503", answer_and_close(b"", "503 X"), Unavailable),
    ("a long page with 500", answer_and_close(b"a" * 100_000, "500 X"), Unavailable),
    ("a long page with 404", answer_and_close(b"a" * 100_000, "404 X"), NotFound),
    ("elsewhere", answer_and_close(b"", "302 X", ("Location: http://127.0.0.1:9/x.jpg",)), InvalidResponse),
]
CUT_OFF = ("cut", "reset", "cut in a chunk", "no answer")


@pytest.mark.parametrize(("name", "script", "kind"), WRONG, ids=[row[0] for row in WRONG])
@pytest.mark.parametrize("overwrite", [True, False])
def test_an_incomplete_file_is_not_saved(
    tmp_path: Path, name: str, script: Script, kind: type[EmbedKitError], overwrite: bool
) -> None:
    path = tmp_path / "picture.jpg"
    if overwrite:
        path.write_text("old")
    with Shop(script) as shop:
        with pytest.raises(EmbedKitError) as caught:
            shop.save(path, overwrite=overwrite)
        assert type(caught.value) is kind
        assert shop.files.hits == (2 if name in CUT_OFF else 1)
        assert len(shop.orders) == 1  # never twice
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"] * overwrite


@pytest.mark.parametrize(
    "cut",
    [
        send(LENGTH % len(PICTURE) + b"\r\n", PICTURE[:50_000]),
        reset(LENGTH % 2_000_000 + b"\r\n", bytes(1_000_000)),
        hang(LENGTH % 1000 + b"\r\n", b"abc"),
        send(),
    ],
)
def test_a_file_that_is_cut_off_is_got_again_and_not_ordered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Script
) -> None:
    monkeypatch.setattr("embedkit.transport.client.FILE_READ_TIMEOUT_S", 0.3)
    told: list[tuple[int, int | None]] = []
    with Shop(cut) as shop:
        shop.files.scripts = (cut, ok(PICTURE, headers=JPEG))
        done = shop.save(tmp_path / "picture.jpg", progress=lambda *said: told.append(said))
        assert (len(shop.orders), shop.files.hits) == (1, 2)
        assert [request.split()[1] for request in shop.files.requests] == [PATH, PATH]
    assert (tmp_path / "picture.jpg").read_bytes() == PICTURE
    assert done.bytes == len(PICTURE)
    assert told[-1] == (len(PICTURE), len(PICTURE))


def test_a_refusal_after_a_cut_leaves_nothing(tmp_path: Path) -> None:
    cut = send(LENGTH % 1000 + b"\r\n", b"abc")
    with Shop(cut) as shop:
        shop.files.scripts = (cut, answer_and_close(b"", "404 X"))
        with pytest.raises(NotFound):
            shop.save(tmp_path / "picture.jpg")
        assert shop.files.hits == 2
    assert list(tmp_path.iterdir()) == []


def test_silence_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedkit.transport.client.FILE_READ_TIMEOUT_S", 0.3)
    with Shop(hang(LENGTH % 1000 + b"\r\n", b"abc")) as shop, pytest.raises(Unavailable, match="in time"):
        shop.save(tmp_path / "picture.jpg")
    assert list(tmp_path.iterdir()) == []


def test_so_does_the_total_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licenses, "FILE_TIMEOUT_S", 0.4)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n"
    with Shop(drip(head, b"abcde", 0.05)) as shop, pytest.raises(Unavailable, match="in time"):
        shop.save(tmp_path / "picture.jpg")
    assert list(tmp_path.iterdir()) == []


def test_endless_files_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licenses, "MAX_FILE_BYTES", 1_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n"
    with Shop(flood(head, bytes(1 << 16), 1000)) as shop, pytest.raises(InvalidResponse, match="larger"):
        shop.save(tmp_path / "picture.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_within_the_delivery_is_followed(tmp_path: Path) -> None:
    with Shop(answer_and_close(b"", "302 X", ("Location: /xa/other.jpg",))) as shop:
        shop.files.scripts = (*shop.files.scripts, ok(PICTURE, headers=JPEG))
        assert shop.save(tmp_path / "picture.jpg").bytes == len(PICTURE)


@pytest.mark.parametrize(
    "order",
    [
        answer_and_close(b"", "303 X", ("Location: http://localhost:9/x.jpg",)),
        answer_and_close(b"", "303 X", ("Location: https://evil.example/x.jpg",)),
        answer_and_close(b"", "303 X", ("Location: http://delivery.gettyimages.com@127.0.0.1:9/x.jpg",)),
        answer_and_close(b"", "303 X", ("Location: file:///etc/passwd",)),
        answer_and_close(b"", "303 X"),
        answer_and_close(b'{"uri": "https://evil.example/x.jpg"}'),
        answer_and_close(b'{"uri": null}'),
        answer_and_close(b"{}"),
        answer_and_close(b"<html>"),
        answer_and_close(b"", "301 X", ("Location: /x.jpg",)),
    ],
)
def test_a_url_on_another_origin_is_not_used(tmp_path: Path, order: Script) -> None:
    with Shop(ok(PICTURE), order) as shop:
        with pytest.raises(InvalidResponse):
            shop.save(tmp_path / "picture.jpg")
        assert shop.files.connections == 0
    assert list(tmp_path.iterdir()) == []


class Cancelled(Exception):
    """An error of the callback that shows the progress."""


@pytest.mark.parametrize(
    "error", [Cancelled("enough"), OSError(errno.EPIPE, "gone"), ValueError("x"), KeyboardInterrupt()]
)
def test_the_progress_callback_can_stop_a_download(tmp_path: Path, error: BaseException) -> None:
    def stop(done: int, total: int | None) -> None:
        if done:
            raise error

    with Shop(ok(PICTURE, headers=JPEG)) as shop:
        for _ in range(6):  # enough to open the circuit breaker
            with pytest.raises(type(error)) as caught:
                shop.save(tmp_path / "picture.jpg", progress=stop)
            assert caught.value is error
        assert shop.harness.endpoint("delivery")["breaker"] == "closed"
        assert shop.files.hits == 6
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(handle: int, mode: str) -> Full:
        os.close(handle)
        return Full()

    with Shop(ok(PICTURE, headers=JPEG)) as shop:
        monkeypatch.setattr(os, "fdopen", opened)
        with pytest.raises(OSError, match="space") as caught:
            shop.save(tmp_path / "picture.jpg")
        monkeypatch.undo()
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == str(tmp_path / "picture.jpg")
        assert shop.harness.endpoint("delivery")["breaker"] == "closed"
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import sys
from embedkit import EmbedKit, Settings

settings = Settings(cache="memory:", api_key="k", api_secret="s", api_base=sys.argv[1], token_url=sys.argv[2],
                    image_origins=(sys.argv[3],))
try:
    EmbedKit(settings).api.downloads.save("74917285", sys.argv[4], progress=lambda *_: print("some", flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "files" / "picture.jpg"
    path.parent.mkdir()
    with Shop(hang(LENGTH % 1000 + b"\r\n", b"abc")) as shop:
        origins = shop.api.origin, shop.tokens.origin, shop.files.origin
        running = subprocess.Popen(
            [*WITH_SIGNALS, sys.executable, "-c", INTERRUPTED, *origins, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert running.stdout is not None
        assert running.stdout.readline() == "some\n"
        time.sleep(0.1)
        assert [one.suffix for one in path.parent.iterdir()] == [".part"]
        running.send_signal(signal.SIGINT)
        told, wrong = running.communicate(timeout=60)
    assert (told.splitlines()[-1], wrong) == ("interrupted", "")
    assert list(path.parent.iterdir()) == []


# -- custom transports ---------------------------------------------------------------------------------


class Short:
    """A transport that checks nothing and omits half of the file."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def send(self, request: Request) -> Response:
        if request.sink is None:
            answer: Response = self.inner.send(request)
            return answer
        request.sink.begin(1000)
        request.sink.write(b"a" * 500)
        return Response(200, {"content-type": "image/jpeg"})


def test_the_size_is_checked_here_too(tmp_path: Path) -> None:
    kit, _ = in_process_kit()
    short = EmbedKit(kit.settings, transport=Short(kit.engine.transport()))
    with pytest.raises(Unavailable, match="incomplete"):
        short.api.downloads.save(ID, tmp_path / "picture.jpg", **PRODUCT)
    assert list(tmp_path.iterdir()) == []


def test_without_an_application_nothing_is_made(tmp_path: Path) -> None:
    kit, app = in_process_kit(api_secret="", username="", password="")
    with pytest.raises(ConfigurationError, match="API_SECRET"):
        kit.api.downloads.save(ID, tmp_path / "picture.jpg", **PRODUCT)
    assert app.counts() == {}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="API_KEY"):
        EmbedKit(replace(kit.settings, api_key="")).api.downloads.save(ID, tmp_path / "picture.jpg")
