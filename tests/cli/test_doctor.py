"""``embedkit doctor``: each part is really broken, and doctor tells how to fix it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from embedkit import EmbedKit
from embedkit.errors import Unavailable
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.services import auth
from tests.support.cli import (
    Outcome,
    Run,
    runner,
    sandbox_environ,
    without_settings,
)
from tests.support.faults import oembed_body
from tests.support.faulty_upstream import Upstream, ok
from tests.support.tools import ROOT


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        rows = sandbox.settings(cache="memory:", secret="s" * 40, api_key=auth.KEY, timeout=300)
        with EmbedKit(rows) as kit:
            for _ in range(50):  # the first search builds the catalogue, which can take long on a busy machine
                with suppress(Unavailable):
                    kit.api.search.images("books", page_size=1)
                    break
        yield sandbox


@pytest.fixture(name="run")
def fixture_run(
    sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    run = runner(sandbox, tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("EMBEDKIT_TIMEOUT", "60")
    return run


@pytest.fixture(name="put")
def fixture_put(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(**rows: str) -> None:
        for name, value in rows.items():
            monkeypatch.setenv(f"EMBEDKIT_{name}", value)

    return put


def findings(done: Outcome) -> dict[str, list[tuple[bool | None, str]]]:
    found: dict[str, list[tuple[bool | None, str]]] = {}
    for one in json.loads(done.out)["checks"]:
        found.setdefault(one["check"], []).append((one["ok"], one["detail"]))
    return found


def sick(done: Outcome) -> dict[str, str]:
    """The checks that failed, with their details."""
    return {name: detail for name, rows in findings(done).items() for ok_, detail in rows if ok_ is False}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_sound_installation(run: Run) -> None:
    done = run("doctor", "--json")
    assert (done.code, sick(done)) == (0, {})
    assert [*findings(done)] == [
        *(
            "python",
            "package",
            "extras",
            "settings",
            "templates",
            "files",
            "sanitizer",
            "cache",
            "oembed",
            "clock",
            "service",
            "customer",
            "downloads",
        ),
        "search",
    ]
    assert run("doctor").code == 0


def test_a_missing_key_is_not_a_failure(run: Run, put: Callable[..., None]) -> None:
    put(API_KEY="", API_SECRET="", USERNAME="", PASSWORD="")
    done = run("doctor", "--json")
    assert done.code == 0
    assert findings(done)["search"] == [(True, "off, because EMBEDKIT_API_KEY is not set; everything else works")]


def test_all_invalid_settings_are_reported_and_the_rest_is_checked(
    run: Run, put: Callable[..., None], sandbox: SandboxServer
) -> None:
    put(TIMEOUT="soon", CONCURENCY="4", ON_ERROR="shrug", TOKENS="CANARY-short", FROZN="1", XYZZY="1")
    done = run("doctor", "--json")
    said = [detail for _, detail in findings(done)["settings"]]
    assert done.code == 2
    assert len(said) == 6
    text = "\n".join(said)
    for name in ("TIMEOUT", "ON_ERROR", "TOKENS"):
        assert f"EMBEDKIT_{name} must be" in text
        assert f"Set EMBEDKIT_{name}, or unset it." in text
    assert "There is no setting EMBEDKIT_CONCURENCY. Did you mean EMBEDKIT_CONCURRENCY?" in text
    assert "There is no setting EMBEDKIT_FROZN. Did you mean EMBEDKIT_FROZEN?" in text
    assert "There is no setting EMBEDKIT_XYZZY. See the settings in the README." in text
    assert "CANARY" not in done.out + done.err
    states = {name: rows[0][0] for name, rows in findings(done).items()}
    assert states["templates"] is states["files"] is states["sanitizer"] is True
    assert states["cache"] is states["oembed"] is None, "they need TIMEOUT"
    assert findings(done)["oembed"] == [(None, "not checked: fix EMBEDKIT_TIMEOUT first")]


def test_with_a_wrong_url_nothing_is_sent_to_the_real_getty(
    run: Run, put: Callable[..., None], sandbox: SandboxServer
) -> None:
    put(OEMBED_ENDPOINT="http://elsewhere.example/oembed")
    done = run("doctor")
    assert done.code == 2
    assert "skip oembed       not checked: fix EMBEDKIT_OEMBED_ENDPOINT first" in done.out
    assert "ok   search" in done.out


def test_an_endpoint_that_cannot_be_reached(run: Run, put: Callable[..., None]) -> None:
    address = f"http://127.0.0.1:{closed_port()}"
    put(OEMBED_ENDPOINT=f"{address}/oembed")
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["oembed"])
    assert f"Try: curl -v {address}/oembed - or check EMBEDKIT_OEMBED_ENDPOINT." in sick(done)["oembed"]


def test_an_endpoint_that_is_another(run: Run, put: Callable[..., None], sandbox: SandboxServer) -> None:
    put(OEMBED_ENDPOINT=f"{sandbox.url}/nowhere")
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["oembed"])
    assert "OEMBED_ENDPOINT" in sick(done)["oembed"]


def test_an_untrusted_certificate(run: Run, put: Callable[..., None]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Upstream(ok(oembed_body()), tls=context) as upstream:
        put(OEMBED_ENDPOINT=f"{upstream.origin}/oembed")
        done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["oembed"])
    assert "certificate" in sick(done)["oembed"]
    assert "pip install --upgrade certifi" in sick(done)["oembed"]


@pytest.mark.parametrize(
    ("date", "says"), [("Mon, 02 Jan 2006 15:04:05 GMT", "ahead of"), ("Fri, 01 Jan 2100 00:00:00 GMT", "behind")]
)
def test_a_clock_that_is_far_off(run: Run, put: Callable[..., None], date: str, says: str) -> None:
    with Upstream(ok(oembed_body(), "200 OK", [f"Date: {date}"])) as upstream:
        put(OEMBED_ENDPOINT=f"{upstream.origin}/oembed")
        done = run("doctor", "--json")
    assert says in sick(done)["clock"]
    assert "timedatectl set-ntp true" in sick(done)["clock"]
    assert done.code == 1


def test_a_response_without_a_date(run: Run, put: Callable[..., None]) -> None:
    with Upstream(ok(oembed_body(), "200 OK", ["Date: whenever"])) as upstream:
        put(OEMBED_ENDPOINT=f"{upstream.origin}/oembed")
        assert "clock" not in sick(run("doctor", "--json"))


def test_whether_the_key_has_the_feed(run: Run, put: Callable[..., None]) -> None:
    put(CHANGE_FEED="on")
    assert re.search(r"ok +change feed +Editorial, Creative; starting", run("doctor").out)
    put(API_KEY=auth.SEARCH_KEY, API_SECRET=auth.SEARCH_SECRET, USERNAME="", PASSWORD="")
    done = run("doctor")
    assert done.code == 1
    assert re.search(r"FAIL change feed .*no feed of asset changes.*EMBEDKIT_CHANGE_FEED", done.out)


def test_the_download_journal_is_named(run: Run, put: Callable[..., None], tmp_path: Path) -> None:
    put(DOWNLOAD_JOURNAL=str(tmp_path / "journal"), DOWNLOAD_BUDGET="7")
    assert (
        run("download", "74917285", "--product-type", "premiumaccess", "-o", str(tmp_path / "one.jpg")).code == 0
    )
    found = re.search(
        r"ok +downloads +1 licence this month of at most 7, according to the journal (\S+)",
        run("doctor", "--offline").out,
    )
    assert found
    assert Path(found[1]).is_relative_to(tmp_path / "journal")
    put(DOWNLOAD_JOURNAL=str(tmp_path / "one.jpg"))
    assert "one.jpg" in sick(run("doctor", "--offline", "--json"))["downloads"]


@pytest.mark.parametrize(
    ("names", "online", "offline"),
    [
        ({}, "Sanna Boxer, by EMBEDKIT_USERNAME", "a customer, by EMBEDKIT_USERNAME"),
        ({"USERNAME": "", "PASSWORD": ""}, *["not logged in; downloads and boards need embedkit login"] * 2),
        (
            {"PASSWORD": "CANARY-wrong"},
            "unknown; the call to Getty Images failed (unauthorized)",
            "a customer, by EMBEDKIT_USERNAME",
        ),
    ],
)
def test_the_customer_is_named(
    run: Run, put: Callable[..., None], names: dict[str, str], online: str, offline: str
) -> None:
    put(**names)
    for options, says in (((), online), (("--offline",), offline)):
        done = run("doctor", "--json", *options)
        assert findings(done)["customer"] == [(True, says)]
        assert "CANARY" not in done.out + done.err


def test_a_wrong_key(run: Run, put: Callable[..., None]) -> None:
    put(API_KEY="CANARY-wrong")
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["search"])
    assert "Check EMBEDKIT_API_KEY." in sick(done)["search"]
    assert "CANARY" not in done.out + done.err


@pytest.mark.parametrize(
    "cache", ["sqlite:{}/file/deep/cache.sqlite", "file:{}/file/deep", "sqlite:/proc/none/c.sqlite"]
)
def test_a_cache_folder_that_cannot_be_made(
    run: Run, put: Callable[..., None], tmp_path: Path, cache: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    put(CACHE=cache.format(tmp_path))
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["cache"])
    assert "Set EMBEDKIT_CACHE to a writable place, or to memory:" in sick(done)["cache"]


def test_a_cache_folder_that_may_not_be_written(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Run as another user if we are root, who can write everywhere."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root, to become somebody else")
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o755)
    for parent in (tmp_path, *tmp_path.parents):
        if parent == tmp_path or parent.name.startswith(("pytest-", "popen-")):  # pytest's own, and its workers'
            parent.chmod(0o755)
    rows = {
        **sandbox_environ(sandbox.url, tmp_path),
        "EMBEDKIT_CACHE": f"sqlite:{folder}/cache.sqlite",
        "EMBEDKIT_SECRET": "s" * 40,
    }
    done = doctor(rows, ROOT, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert "cache" in sick(done), done
    assert f"{folder} not writable" in sick(done)["cache"] or "may be written" in sick(done)["cache"]


def test_a_corrupt_sqlite_file(run: Run, put: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "corrupt.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    put(CACHE=f"sqlite:{path}")
    done = run("doctor", "--json")
    if "cache" in sick(done):
        assert f"rm {path}" in sick(done)["cache"]
    else:  # the store has moved it away and started again
        assert path.read_bytes()[16:24] != b"\xff" * 8


@pytest.mark.parametrize(
    "cache",
    [
        "redis://user:CANARY@127.0.0.1:{}/0",
        "redis://127.0.0.1:{}/0?password=CANARY",
        "redis://user:CANARY@127.0.0.1:{}/0?client_name=CANARY",
        "memcached://127.0.0.1:{}",
    ],
)
def test_a_server_that_is_down(run: Run, put: Callable[..., None], cache: str) -> None:
    port = closed_port()
    put(CACHE=cache.format(port), SECRET="s" * 40)
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["cache"])
    assert f"127.0.0.1:{port}" in sick(done)["cache"]
    assert "Start that server, or set EMBEDKIT_CACHE" in sick(done)["cache"]
    assert "CANARY" not in done.out + done.err


@pytest.mark.parametrize("url", ["redis://host/0?password=a@CANARY", "redis://a@CANARY@host", "unix://CANARY?@a"])
def test_a_url_that_can_be_read_in_two_ways_is_not_shown(run: Run, put: Callable[..., None], url: str) -> None:
    put(CACHE=url, SECRET="s" * 40)
    done = run("doctor")
    assert "***" in done.out
    assert "CANARY" not in done.out + done.err


def test_a_shared_cache_without_a_secret(run: Run, put: Callable[..., None]) -> None:
    put(CACHE=f"redis://127.0.0.1:{closed_port()}/0")
    done = run("doctor", "--json")
    assert "needs EMBEDKIT_SECRET" in sick(done)["cache"]
    assert "secrets.token_hex(32)" in sick(done)["cache"]


@pytest.mark.parametrize("kind", ["open to others", "a folder"])
def test_a_secret_that_cannot_be_used(run: Run, put: Callable[..., None], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "xdg" / "embedkit" / "secret"
    path.parent.mkdir(parents=True)
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_text("a" * 64)
        path.chmod(0o644)
    done = run("doctor", "--json")
    assert (done.code, "cache" in sick(done)) == (1, True)
    assert str(path) in sick(done)["cache"]
    assert "SECRET" in sick(done)["cache"]
    assert "a" * 64 not in done.out


def test_an_empty_secret_is_reported_or_fixed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "xdg" / "embedkit" / "secret"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    done = run("doctor", "--json")
    assert (
        len(path.read_text()) == 64 or f"The file {path} holds no whole secret. Delete it" in sick(done)["cache"]
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99, "embeds": []}', "\x00"])
def test_a_broken_lock_file(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "embedkit.lock.json").write_text(text)
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["lock file"])
    assert "delete it and run: embedkit lock DIR" in sick(done)["lock file"]


def test_frozen_without_a_lock_file(run: Run, put: Callable[..., None]) -> None:
    put(FROZEN="1")
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["lock file"])
    assert "Write one with: embedkit lock DIR" in sick(done)["lock file"]


def test_a_templates_folder_that_is_missing(run: Run, put: Callable[..., None], tmp_path: Path) -> None:
    put(TEMPLATES=str(tmp_path / "gone"))
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["templates"])
    assert "Create it, or unset EMBEDKIT_TEMPLATES." in sick(done)["templates"]


def test_metrics_that_could_not_be_read(run: Run, put: Callable[..., None]) -> None:
    put(METRICS="token")
    done = run("doctor", "--json")
    assert (done.code, [*sick(done)]) == (1, ["service"])
    assert "Set EMBEDKIT_ADMIN_TOKEN or EMBEDKIT_TOKENS." in sick(done)["service"]


def doctor(rows: dict[str, str], cwd: Path, *before: str, python: Path | str = sys.executable) -> Outcome:
    """Run the command in a separate process."""
    command = [*before, str(python), "-m", "embedkit", "doctor", "--json", "--offline"]
    env = {**without_settings(os.environ), **rows, "PYTHONPATH": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("lost", "check", "says"),
    [
        (
            "embedkit/static/embedkit.css",
            "files",
            "lacks embedkit.css. In a clone of embedkit, run: pip install --force-reinstall",
        ),
        ("embedkit/static", "files", "lacks embedkit.css, "),
        ("templates", "templates", "The templates of embedkit are missing."),
    ],
)
def test_files_of_ours_that_are_missing(
    sandbox: SandboxServer, tmp_path: Path, lost: str, check: str, says: str
) -> None:
    for part in ("embedkit", "templates"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    gone = tmp_path / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    done = doctor(sandbox_environ(sandbox.url, tmp_path), tmp_path)
    assert done.code == 1, done
    assert says in sick(done)[check]


def test_another_project_of_the_same_name_in_the_same_folder(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The state after installing first ``embedkit`` from PyPI and then ours into a fresh environment."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = next((tmp_path / "venv").glob("bin/python"))
    packages = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    for part, place in (("embedkit", "embedkit"), ("templates", "embedkit/templates")):
        shutil.copytree(ROOT / part, packages / place, ignore=shutil.ignore_patterns("__pycache__"))
    rows = sandbox_environ(sandbox.url, tmp_path)
    assert "package" not in sick(doctor(rows, tmp_path, python=python))
    theirs = packages / "embedkit-0.1.10.dist-info"
    theirs.mkdir()
    (theirs / "METADATA").write_text("Metadata-Version: 2.4\nName: embedkit\nVersion: 0.1.10\n")
    (theirs / "RECORD").write_text("embedkit/__init__.py,,\nembedkit/models.py,,\n")
    done = doctor(rows, tmp_path, python=python)
    assert done.code == 1, done
    assert "Run: pip uninstall embedkit" in sick(done)["package"]


def test_everything_at_once(run: Run, put: Callable[..., None], tmp_path: Path) -> None:
    """One broken part hides no other."""
    (tmp_path / "embedkit.lock.json").write_text("{")
    put(
        TEMPLATES=str(tmp_path / "gone"),
        CACHE="sqlite:/proc/none/c.sqlite",
        OEMBED_ENDPOINT=f"http://127.0.0.1:{closed_port()}/oembed",
        API_KEY="wrong",
        METRICS="token",
        LOCALE="en-US",
        SANITIZERR="nh3",
    )
    done = run("doctor", "--json")
    assert done.code == 2
    assert {*sick(done)} == {"settings", "templates", "lock file", "cache", "oembed", "search", "service"}


def test_json_and_text_agree(run: Run, put: Callable[..., None]) -> None:
    put(TEMPLATES="/nowhere")
    as_json: Any = json.loads(run("doctor", "--json", "--offline").out)
    text = run("doctor", "--offline").out
    for one in as_json["checks"]:
        if one["check"] == "cache":  # one entry more by now
            continue
        mark = {True: "ok  ", False: "FAIL", None: "skip"}[one["ok"]]
        assert f"{mark} {one['check']:12} {one['detail']}" in text


# -- a page ------------------------------------------------------------------------------------------------

STRICT_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\nConnection: close\r\n"
    b"Content-Security-Policy: default-src 'self'\r\nContent-Security-Policy: object-src 'none'\r\n"
    b"Cross-Origin-Embedder-Policy: require-corp\r\n\r\n<p class=ek>\x1b[31mpost"
)


def reply(data: bytes) -> Callable[[socket.socket, Any], bool]:
    def script(sock: socket.socket, _: Any) -> bool:
        sock.sendall(data)
        return False

    return script


def test_the_fixes_for_a_page_are_printed(run: Run) -> None:
    with Upstream(reply(STRICT_PAGE)) as upstream:
        done = run("doctor", "--page", f"{upstream.origin}/post")
        asked = [request.split()[1] for request in upstream.requests]
        as_json = json.loads(run("doctor", "--page", f"{upstream.origin}/post", "--json").out)
    frames = f"http://127.0.0.1:{os.environ['EMBEDKIT_FRAME_ORIGIN'].rpartition(':')[2]}"
    assert done.code == 1
    assert asked == ["/post"], "no file of ours is named there"
    assert f"     Content-Security-Policy: default-src 'self'; frame-src 'self' {frames}\n" in done.out
    assert "     Cross-Origin-Embedder-Policy: unsafe-none\n" in done.out
    assert '     <link rel="stylesheet" href="' in done.out
    assert "python" not in done.out
    checks = {one["check"]: one for one in as_json["checks"] if one["ok"] is False}
    assert checks.keys() == {"stylesheet", "frames", "isolation"}
    assert checks["frames"]["detail"] == f"default-src blocks the frames of Getty Images. Add {frames}:"


def test_a_page_that_is_not_there(run: Run) -> None:
    assert run("doctor", "--page", f"http://127.0.0.1:{closed_port()}/").code == 3
    for url in ("file:///etc/passwd", "post.html"):
        done = run("doctor", "--page", url)
        assert done.code == 2
        assert "is not the URL of a page. Pass one that begins with https://." in done.err
