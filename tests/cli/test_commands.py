"""The command line, mostly in process, and as a separate process if it matters."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import click
import pytest

from embedkit import __version__, static_dir
from embedkit.cli.admin import CONSENT_TOOLS
from embedkit.cli.main import cli
from embedkit.sandbox import SandboxServer
from embedkit.web.picker_files import picker_files
from tests.support.cli import Run
from tests.support.tools import WITH_SIGNALS, need

ID = "74917285"
PASTED = (
    '<iframe src="//embed.gettyimages.com/embed/82278805?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="462" height="370" scrolling="no" frameborder="0"'
    ' style="display:inline-block;"></iframe>'
)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text(f"One\n\n[getty {ID}]\n\n`[getty 1]`\n", "utf-8")
    (folder / "deep" / "two.html").write_text("<p>[getty 600000002 width=300]</p>", "utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


# -- resolve -------------------------------------------------------------------------------------------


def test_resolve_reads_well(run: Run) -> None:
    done = run("resolve", f"https://gty.im/{ID}")
    assert done.code == 0
    assert "Ivo Lindqvist" in done.out
    assert f"[getty {ID}]" in done.out
    assert "\x1b" not in done.out


def test_resolve_json(run: Run) -> None:
    one = json.loads(run("resolve", ID, "--json", "--max-width", "300").out)
    assert (one["ref"], one["width"]) == (ID, 300)
    several = run("resolve", ID, "500000404", "cat", "--json")
    answers = json.loads(several.out)
    assert [("error" in answer) for answer in answers] == [False, True, True]
    assert several.code == 4


def test_resolve_markup_and_stdin(run: Run) -> None:
    done = run("resolve", "-", "--target", "text", stdin=f"{ID}\n\n600000002\n")
    assert done.code == 0
    assert done.out.count("gettyimages.com/detail/") == 2


def test_resolve_applies_the_options_of_a_shortcode(run: Run) -> None:
    shortcode = f'[getty {ID} width=300 align=left caption="My words" title=Harbor]'
    done = run("resolve", shortcode, "--target", "web")
    for said in ("ek--left", "My words", 'title="Harbor"', 'width="300"'):
        assert said in done.out
    assert json.loads(run("resolve", shortcode, "--target", "web", "--json").out)["html"] == done.out.strip()


@pytest.mark.parametrize(
    ("ref", "code"),
    [("cat", 2), ("500000404", 4), ("500000410", 4), ("500000403", 5), ("https://evil.example/1", 2)],
)
def test_resolve_exit_codes(run: Run, ref: str, code: int) -> None:
    done = run("resolve", ref)
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("error: ")


@pytest.mark.parametrize(("fault", "code"), [("drop", 3), ("quota", 6), ("throttle", 6)])
def test_resolve_in_trouble(run: Run, sandbox: SandboxServer, fault: str, code: int) -> None:
    sandbox.app.faults.add(fault, count=None)
    assert run("resolve", ID).code == code


# -- render --------------------------------------------------------------------------------------------


def test_render_is_a_filter(run: Run) -> None:
    done = run("render", stdin=f"<p>Hi</p>\n[getty {ID}]\n")
    assert done.code == 0
    assert done.out.startswith("<p>Hi</p>\n<figure")
    assert run("render", "-", "--target", "markdown", stdin=f"[getty {ID}]").out.startswith("[")


def test_render_a_folder(run: Run, content: Path, sandbox: SandboxServer) -> None:
    done = run("render", "content", "--output", "site")
    assert (done.code, done.out) == (0, "")
    assert "<iframe" in Path("site/one.md").read_text("utf-8")
    assert "`[getty 1]`" in Path("site/one.md").read_text("utf-8")
    assert 'width="300"' in Path("site/deep/two.html").read_text("utf-8")
    assert not Path("site/picture.png").exists()
    assert sandbox.app.count() == 2
    run("render", "content", "--output", "again")
    assert sandbox.app.count() == 2
    assert Path("again/one.md").read_bytes() == Path("site/one.md").read_bytes()


def test_render_in_place_writes_only_changed_files(run: Run, content: Path) -> None:
    quiet = content / "quiet.md"
    quiet.write_bytes(b"No picture.\r\n")
    before = quiet.stat().st_mtime_ns
    assert run("render", "content", "--in-place").code == 0
    assert quiet.read_bytes() == b"No picture.\r\n"
    assert quiet.stat().st_mtime_ns == before
    assert "<iframe" in (content / "one.md").read_text("utf-8")


def test_render_diff_and_check_write_nothing(run: Run, content: Path) -> None:
    before = (content / "one.md").read_text("utf-8")
    done = run("render", "content", "--diff")
    assert done.code == 0
    assert "-[getty 74917285]" in done.out
    assert "+<figure" in done.out
    (content / "bad.md").write_text("é [getty 500000404]\n\n[getty", "utf-8")
    done = run("render", "content", "--check")
    assert done.code == 4
    assert done.out == ""
    assert re.search(r"bad\.md:1:3: not-found: ", done.err)
    assert re.search(r"bad\.md:3:1: shortcode: ", done.err)
    assert (content / "one.md").read_text("utf-8") == before


def test_render_reports_problems_and_continues(run: Run) -> None:
    done = run("render", stdin="[getty 500000404]\n[getty 600000002]")
    assert done.code == 0
    assert "ek-card" in done.out
    assert "<iframe" in done.out
    assert "<stdin>:1:1: not-found" in done.err
    assert run("render", "--strict", stdin="[getty 500000404]").code == 4


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("render", "nowhere"), "no file or folder"),
        (("render", "content"), "--output DIR"),
        (("render", "content", "--output", "x", "--in-place"), "can't be combined"),
        (("render", "--target", "flash"), "flash"),
        (("resolve",), "Missing argument"),
        (("nonsense",), "No such command"),
        (("render", "content/picture.png"), "not UTF-8"),
        (("render", "-", "--in-place"), "stdin"),
        (("render", "-", "--output", "x"), "stdin"),
        (("render", "content", "--output", "content"), "the source itself"),
        (("render", "content", "more", "--output", "x"), "would both be written to x/one.md"),
        (("render", "content", "--diff", "--json"), "can't be combined"),
        (("serve", "--upstream", "nonsense"), "nonsense must be an https URL"),
        (("cache",), "purge"),
        ((), "Turn Getty Images references"),
    ],
)
def test_usage_errors_help(run: Run, content: Path, tmp_path: Path, args: tuple[str, ...], says: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.md").write_text("another", "utf-8")
    done = run(*args)
    assert done.code == 2
    assert says in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAXAGE", "1", "Did you mean EMBEDKIT_MAX_AGE?"),
        ("TIMEOUT", "soon", "EMBEDKIT_TIMEOUT must be a number of seconds"),
        ("TIMEOUT", "nan", "EMBEDKIT_TIMEOUT must be a number of seconds"),
        ("CACHE", "cupboard:", "is not the URL of a store"),
    ],
)
def test_a_wrong_setting_helps_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"EMBEDKIT_{name}", value)
    for args in (("resolve", ID, "600000001", "600000002"), ("warm", "-"), ("render", "-")):
        done = run(*args, stdin=f"[getty {ID}] [getty 600000001]")
        assert done.code == 2
        assert done.err.count(says) == 1
        assert "EMBEDKIT_" in done.err


def test_without_a_network_the_error_is_quick_and_helpful(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:  # bound, but not listening
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EMBEDKIT_OEMBED_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}/oembed")
        done = run("resolve", ID, "600000001")
        assert done.code == 3
        assert done.err.count("Getty Images can't be reached.") == 2
        assert done.err.count("Check your network connection with embedkit doctor") == 1
        assert "must be reachable from here" in run("doctor").out


def test_every_command_has_its_help_and_its_line_in_the_list(run: Run) -> None:
    listed = run("--help").out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(cli.commands)
    assert not [line for line in listed if line.endswith("...")]
    for name, line in cli.commands.items():
        assert run(name, "--help").code == 0
        _, command, _ = cli.resolve_command(click.Context(cli), [name])
        assert command
        assert command.get_short_help_str(100) == line.get_short_help_str(100)


# -- warm, lock, frozen, check -------------------------------------------------------------------------


def test_warm_lock_frozen(run: Run, content: Path, sandbox: SandboxServer) -> None:
    assert "2 pictures: 2 fetched" in run("warm", "content").out
    assert "2 pictures, 2 added, 0 dropped" in run("lock", "content").out
    assert sandbox.app.count() == 2
    sandbox.app.faults.add("drop", count=None)
    first = run("render", "content", "--output", "a", "--frozen")
    assert first.code == 0
    assert run("render", "content", "--output", "b", "--frozen").code == 0
    assert Path("a/one.md").read_bytes() == Path("b/one.md").read_bytes()
    assert "<iframe" in Path("a/one.md").read_text("utf-8")
    assert sandbox.app.count() == 2

    (content / "three.md").write_text("[getty 600000003]", "utf-8")
    missing = run("render", "content", "--output", "c", "--frozen")
    assert missing.code == 1
    assert "not in the lock file" in missing.err
    assert "ek-card" in Path("c/three.md").read_text("utf-8")
    assert run("lock", "content", "--check").code == 1


def test_lock_keeps_adds_drops_and_refreshes(run: Run, content: Path, sandbox: SandboxServer) -> None:
    run("lock", "content")
    lock = Path("embedkit.lock.json")
    before = lock.read_text("utf-8")
    assert run("lock", "content").code == 0
    assert lock.read_text("utf-8") == before
    run("lock", "content", "--refresh")
    assert lock.read_text("utf-8") != before  # new tokens
    sandbox.app.faults.add("drop", count=None)
    kept = lock.read_text("utf-8")
    assert run("lock", "content", "--refresh").code == 3
    assert lock.read_text("utf-8") == kept
    sandbox.app.faults.clear()
    sandbox.app.withdraw(ID)
    (content / "deep" / "two.html").unlink()
    assert run("lock", "content", "--refresh").code == 4
    assert lock.read_text("utf-8").count('"ref"') == 0


def test_check_finds_what_was_withdrawn(run: Run, content: Path, sandbox: SandboxServer) -> None:
    run("warm", "content")
    assert run("check", "content").code == 0
    sandbox.app.withdraw(ID)
    done = run("check", "content")
    assert done.code == 1
    assert f"content/one.md:3:1: not-found: {ID}: withdrawn, or the ID is wrong\n" in done.out
    found = json.loads(run("check", "content", "--json").out)
    assert found["findings"][0]["files"] == ["content/one.md"]
    assert found["findings"][0]["places"] == [{"file": "content/one.md", "line": 3, "column": 1}]
    sandbox.app.restore(ID)
    sandbox.app.faults.add("drop", count=None)
    assert run("check", "content").code == 3


def test_check_names_the_picture_that_a_slideshow_has_lost(run: Run, content: Path) -> None:
    (content / "one.md").write_text("[getty 600000001,500000404,600000002]\n")
    lines = run("check", "content").out
    assert (
        "one.md:1:1: not-found: 600000001,500000404,600000002: 500000404 withdrawn, or the ID is wrong\n" in lines
    )
    finding = json.loads(run("check", "content", "--json").out)["findings"][0]
    assert (finding["ref"], finding["lost"]) == ("600000001,500000404,600000002", ["500000404"])


def test_check_reads_the_pages_that_were_built_against_a_sandbox(
    run: Run, content: Path, sandbox: SandboxServer
) -> None:
    assert run("render", "content", "--output", "built", "--target", "facade").code == 0
    assert run("check", "built").code == 0
    sandbox.app.withdraw(ID)
    assert f"built/one.md:3:1: not-found: {ID}: withdrawn" in run("check", "built").out


def test_check_fix_marks_lost_pictures_in_the_lock_file(run: Run, content: Path, sandbox: SandboxServer) -> None:
    run("lock", "content")
    before = Path("embedkit.lock.json").read_text("utf-8")
    assert "<iframe" in run("render", "content/one.md", "--frozen").out
    sandbox.app.withdraw(ID)
    assert run("check", "content").code == 1
    assert Path("embedkit.lock.json").read_text("utf-8") == before, "only --fix writes it"
    done = run("check", "content", "--fix")
    assert done.code == 1
    assert "content/one.md:3:1: not-found" in done.out
    assert "embedkit.lock.json: 1 picture marked as lost. Rebuild the site." in done.err
    fixed = Path("embedkit.lock.json").read_text("utf-8")
    assert f'"items":["{ID}"]' in fixed
    assert set(before.splitlines()) - set(fixed.splitlines()) < set(before.splitlines()), "all else stays"
    assert "<iframe" not in run("render", "content/one.md", "--frozen").out
    again = run("check", "content", "--fix")
    assert "marked" not in again.err
    assert Path("embedkit.lock.json").read_text("utf-8") == fixed
    Path("embedkit.lock.json").unlink()
    assert "There is no lock file embedkit.lock.json to fix" in run("check", "content", "--fix").err
    Path("built").mkdir()
    Path("built/one.html").write_text("<p>No picture</p>")
    Path("built/embedkit-facade.js").write_text("// gettyimages.com")
    assert run("check", "built").err == "Nothing to check: no pictures in 1 text.\n"


def test_changes_drops_the_pictures_in_the_feed(run: Run, content: Path, sandbox: SandboxServer) -> None:
    run("warm", "content")
    sandbox.app.withdraw(ID)
    done = run("changes")
    assert (done.code, done.out) == (0, f"{ID}\n")
    assert "1 withdrawn, 0 rejected, 0 pending; 0 to be checked again" in done.err
    found = json.loads(run("changes", "--json").out)
    assert (found["batches"], found["status"]["state"]) == (0, "ok")
    sandbox.app.faults.add("status", status=503, count=None, route="oembed")
    sandbox.app.announce("Delete", ID, "600000456")
    done = run("changes", "--json")
    assert done.code == 1
    assert json.loads(done.out)["pending"] == ["600000456"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", run("changes", "--webhook-secret").out)


# -- files ---------------------------------------------------------------------------------------------


def test_a_second_build_does_not_read_the_first_ones_output(run: Run, content: Path) -> None:
    for _ in range(2):
        assert run("render", "content", "--output", "content/site").code == 0
    assert (content / "site" / "one.md").exists()
    assert not (content / "site" / "site").exists()


def test_rendering_twice_changes_nothing_more(run: Run, content: Path) -> None:
    run("render", "content", "--in-place")
    once = {path: path.read_bytes() for path in content.rglob("*.*")}
    assert "[getty 74917285]" not in (content / "one.md").read_text("utf-8")
    assert run("render", "content", "--in-place").code == 0
    assert {path: path.read_bytes() for path in content.rglob("*.*")} == once


def test_line_endings_and_the_mark_at_the_start_are_kept(run: Run, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_bytes(b"\xef\xbb\xbfhttps://gty.im/74917285\r\n\r\nEnd\r\n")
    assert run("render", "post.md", "--in-place").code == 0
    assert re.fullmatch(rb"\xef\xbb\xbf<figure[^\r\n]+</figure>\r\n\r\nEnd\r\n", post.read_bytes())


def test_a_symbolic_link_is_preserved(run: Run, tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text(f"[getty {ID}]", "utf-8")
    (tmp_path / "link.md").symlink_to("real.md")
    assert run("render", "link.md", "--in-place").code == 0
    assert (tmp_path / "link.md").is_symlink()
    assert "<iframe" in (tmp_path / "real.md").read_text("utf-8")


def test_hidden_files_are_skipped_and_dangling_links_reported(run: Run, content: Path) -> None:
    (content / ".#one.md").symlink_to("somebody@machine.17")  # how Emacs locks a file
    assert run("render", "content", "--check").code == 0
    (content / "gone.md").symlink_to("nowhere.md")
    done = run("render", "content", "--check")
    assert done.code == 2
    assert done.err == "error: content/gone.md: No such file or directory.\n"


def test_unreadable_files_are_reported(content: Path, tmp_path: Path) -> None:
    # the tests might run as root, who can read everything
    humbly = [need("setpriv"), "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*humbly, sys.executable, "-m", "embedkit", "lock", "content"]
    (content / "deep").chmod(0)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    (content / "deep").chmod(0o755)
    assert (done.returncode, done.stderr) == (2, "error: content/deep: Permission denied.\n")
    assert not (tmp_path / "embedkit.lock.json").exists()


def test_an_empty_folder_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("warm", "empty", "--json")
    assert done.code == 0
    assert "empty has no texts" in done.err
    assert json.loads(done.out)["distinct"] == 0


def test_files_that_cannot_be_written_are_reported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    for args in (("assets", "file/x"), ("render", "file", "--output", "file/x")):
        done = run(*args)
        assert done.code == 2
        assert re.fullmatch(r"error: .*file/x.*: Not a directory\.\n", done.err)
    monkeypatch.setenv("EMBEDKIT_LOCKFILE", "nowhere/lock.json")
    assert run("lock", "file").code == 2


def test_render_and_convert_as_json(run: Run, content: Path) -> None:
    done = run("render", "--json", stdin=f"[getty {ID}] [getty cat]")
    (text,) = json.loads(done.out)["texts"]
    assert "<figure" in text["content"]
    assert text["embeds"][0]["ref"] == ID
    assert [(one["line"], one["column"], one["code"]) for one in text["problems"]] == [(1, 18, "unsupported")]
    assert done.err == ""
    checked = json.loads(run("render", "content", "--check", "--json").out)["texts"]
    assert [(one["file"], "content" in one) for one in checked] == [
        ("content/deep/two.html", False),
        ("content/one.md", False),
    ]
    assert json.loads(run("convert", "--json", stdin=PASTED).out)["texts"][0]["converted"] == 1
    run("lock", "content/deep")
    out = json.loads(run("lock", "content", "--check", "--json").out)
    assert out == {"missing": [{"ref": ID, "tld": "com"}], "not_needed": []}
    assert len(json.loads(run("assets", "static", "--json").out)["files"]) == 2


# -- convert, cache, assets, doctor --------------------------------------------------------------------


def test_convert_is_a_filter(run: Run) -> None:
    done = run("convert", stdin=f"Before\n{PASTED}\nAfter\n")
    assert done.out == 'Before\n[getty src="82278805" width="462" height="370"]\nAfter\n'


def test_convert_files(run: Run, content: Path) -> None:
    old = content / "old.html"
    old.write_text(PASTED, "utf-8")
    assert run("convert", "content", "--check").code == 1
    assert "+[getty src=" in run("convert", "content", "--diff").out
    assert old.read_text("utf-8") == PASTED
    assert run("convert", "content", "--in-place").code == 0
    assert old.read_text("utf-8").startswith("[getty src=")
    assert run("convert", "content", "--check").code == 0


def test_cache_commands(run: Run, sandbox: SandboxServer) -> None:
    run("resolve", ID)
    assert json.loads(run("cache", "info", "--json").out)["entries"] == 1
    assert run("cache", "purge", ID).code == 0
    assert run("cache", "purge", ID).code == 4
    run("resolve", ID)
    assert run("cache", "prune").code == 0
    assert run("cache", "clear").code == 0
    run("resolve", ID)
    assert sandbox.app.count() == 3


def test_assets(run: Run) -> None:
    assert run("assets", "site/static").out.splitlines() == [
        "site/static/embedkit.css",
        "site/static/embedkit-facade.js",
    ]
    assert "ek" in Path("site/static/embedkit.css").read_text("utf-8")


def test_asset_tags_contain_the_version_and_the_frame_settings(
    run: Run, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDKIT_CREDENTIALLESS", "true")
    monkeypatch.setenv("EMBEDKIT_TIMEOUT", "soon")
    lines = run("assets", "site/static").err.splitlines()[1:]
    frames = quote(sandbox.url, safe="")
    assert lines == [
        f'  <link rel="stylesheet" href="/static/embedkit.css?v={__version__}">',
        f'  <script defer src="/static/embedkit-facade.js?v={__version__}&amp;origin={frames}&amp;credentialless=">'
        "</script>  (for the target facade)",
    ]


def test_assets_with_consent_tools(run: Run) -> None:
    done = run("assets", "site/static", "--consent", "klaro", "--consent", "tcf", "--consent", "klaro")
    copied = done.out.splitlines()[2:]
    assert copied == ["site/static/consent/klaro.js", "site/static/consent/tcf.js"]
    for file in copied:
        assert Path(file).read_bytes() == (static_dir() / "consent" / Path(file).name).read_bytes()
        assert f'<script defer src="/static/consent/{Path(file).name}?v={__version__}"></script>' in done.err
    assert {path.stem for path in (static_dir() / "consent").iterdir()} == set(CONSENT_TOOLS)
    assert run("assets", "site/static", "--consent", "cookiebot").code == 2


def test_assets_with_the_picker(run: Run) -> None:
    done = run("assets", "site/static", "--picker")
    release = f"site/static/{picker_files().folder}"
    copied = done.out.splitlines()[2:]
    assert copied == [f"{release}/{name}" for name in picker_files().contents]
    assert {name: Path(release, name).read_bytes() for name in picker_files().contents} == picker_files().contents
    assert [line for line in done.err.splitlines() if "picker-" in line] == [
        f"  {tag}" for tag in picker_files().tags("/static")
    ]
    assert json.loads(run("assets", "site/static", "--picker", "--json").out)["files"][2:] == copied


def test_doctor(run: Run, sandbox: SandboxServer) -> None:
    good = run("doctor")
    assert good.code == 0, good.out
    assert f"search       {sandbox.url} answers, with a customer's token" in good.out
    sandbox.app.faults.add("drop", count=None, route="*")
    bad = run("doctor", "--json")
    assert bad.code == 1
    checks = {one["check"]: one for one in json.loads(bad.out)["checks"]}
    assert (checks["oembed"]["ok"], checks["search"]["ok"]) == (False, False)
    assert f"{sandbox.url}/oauth2/token must be reachable" in checks["search"]["detail"]
    assert run("doctor", "--offline").code == 0


@pytest.mark.parametrize(
    ("said", "ok", "says"),
    [
        (
            {"API_KEY": "", "API_SECRET": "", "USERNAME": "", "PASSWORD": ""},
            True,
            "off, because EMBEDKIT_API_KEY is not set",
        ),
        ({"API_SECRET": "", "USERNAME": "", "PASSWORD": ""}, True, "answers, with the key only"),
        ({"USERNAME": "", "PASSWORD": ""}, True, "answers, with the application's token"),
        ({"API_KEY": ""}, False, "Set EMBEDKIT_API_KEY."),
        ({"API_SECRET": ""}, False, "Set EMBEDKIT_API_SECRET, too."),
        ({"USERNAME": ""}, False, "Set EMBEDKIT_USERNAME, too."),
        ({"PASSWORD": ""}, False, "Set EMBEDKIT_PASSWORD, too."),
        ({"API_KEY": "canary"}, False, "Check EMBEDKIT_API_KEY."),
        ({"API_SECRET": "canary"}, False, "Check EMBEDKIT_API_SECRET."),
        ({"USERNAME": "", "PASSWORD": "", "API_SECRET": "canary"}, False, "Check EMBEDKIT_API_SECRET."),
        ({"PASSWORD": "canary"}, False, "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."),
        ({"USERNAME": "nobody"}, False, "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."),
    ],
)
def test_doctor_names_the_wrong_credential(
    run: Run, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], ok: bool, says: str
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(f"EMBEDKIT_{name}", value)
    done = run("doctor")
    line = next(line for line in done.out.splitlines() if line[5:].startswith("search"))
    assert (line.startswith("ok"), done.code) == (ok, 0 if ok else 1)
    assert says in line
    assert not any(value in done.out + done.err for value in ("canary", "sandbox-secret", "sandbox-password"))


def test_openapi_and_completion(run: Run) -> None:
    assert json.loads(run("openapi").out)["openapi"].startswith("3.")
    for shell in ("bash", "zsh", "fish"):
        assert "_EMBEDKIT_COMPLETE" in run("completion", shell).out


def test_verbose_logs_to_stderr(run: Run) -> None:
    done = run("-v", "resolve", ID, "--json")
    json.loads(done.out)
    assert "embedkit.transport" in done.err


# -- servers, as processes -----------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    started = []

    def launch(*args: str, **more: str) -> tuple[subprocess.Popen[str], str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDKIT_")}
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "embedkit", *args],
            stderr=subprocess.PIPE,
            text=True,
            env=environ | {"XDG_CACHE_HOME": str(tmp_path)} | more,
        )
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://[^ ]+", line)
        assert found, line + process.stderr.read()
        return process, found[0].rstrip("/")

    yield launch
    for process in started:
        process.kill()
        process.communicate()


def test_demo_serve_and_sandbox_respond_at_the_printed_urls(
    start: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    _, demo = start("demo", "--port", "0")
    page = urlopen(f"{demo}/?ref={ID}", timeout=10).read().decode()
    assert page.count("<iframe") >= 2
    assert "The next three steps" in page
    _, sandbox = start("sandbox", "--port", "0")
    serve, service = start("serve", "--port", "0", "--upstream", sandbox)
    record = json.load(urlopen(f"{service}/v1/embeds/{ID}", timeout=10))
    assert sandbox in record["html"]
    assert serve.stderr is not None
    assert serve.stderr.readline() == f"Search is off: set EMBEDKIT_API_KEY.  Docs: {service}/docs\n"
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(30) == 0


def test_serve_prints_the_tags_that_load_the_picker(
    start: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    serve, service = start("serve", "--port", "0", EMBEDKIT_API_KEY="key")
    assert serve.stderr is not None
    assert serve.stderr.readline() == f"Picker: {service}/picker  Docs: {service}/docs\n"
    assert serve.stderr.readline() == "To use the picker, add to the head of a page:\n"
    tags = [serve.stderr.readline() for _ in [*picker_files().imported, "the entry"]]
    assert tags[-1].startswith('  <script type="module" src=')
    for line in tags:
        tag = re.search(r'(?:href|src)="(.+?)" integrity="sha384-(.+?)" crossorigin>', line)
        assert tag, line
        assert b64decode(tag[2]) == hashlib.sha384(urlopen(tag[1], timeout=10).read()).digest()
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(30) == 0


@pytest.mark.parametrize("command", ["sandbox", "serve"])
def test_a_host_that_is_not_here_names_the_option(run: Run, command: str) -> None:
    result = run(command, "--host", "nowhere.invalid", "--port", "0")
    assert (result.code, "Choose another with --host." in result.err, "Unknown error" in result.err) == (
        2,
        True,
        False,
    )


def test_a_busy_port_names_the_option(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo", "sandbox"):
            done = run(command, "--port", port)
            assert done.code == 2
            assert "--port" in done.err


@pytest.mark.parametrize(
    ("redirection", "code", "says"),
    [
        ("| true", 0, ""),
        (">&-", 0, ""),
        ("> /dev/full", 2, "error: No space left on device.\n"),
        ("- <&-", 2, "error: There is no stdin"),
    ],
)
def test_streams_that_are_not_there(
    sandbox: SandboxServer, tmp_path: Path, redirection: str, code: int, says: str
) -> None:
    environ = os.environ | {"EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed", "XDG_CACHE_HOME": str(tmp_path)}
    command = f"set -o pipefail; {sys.executable} -m embedkit resolve {ID} --json {redirection}"
    done = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == code
    assert done.stderr.startswith(says)
    assert "Traceback" not in done.stderr
    assert bool(says) == bool(done.stderr)


def test_completion_completes_in_bash(tmp_path: Path) -> None:
    script = """
        eval "$(embedkit completion bash)"
        complete -p embedkit
        COMP_WORDS=(embedkit cache pu); COMP_CWORD=2; _embedkit_completion embedkit; echo "${COMPREPLY[@]}"
        COMPREPLY=(); COMP_WORDS=(embedkit render --target f); COMP_CWORD=3; _embedkit_completion embedkit; echo "${COMPREPLY[@]}"
        env COMP_WORDS="embedkit render x" COMP_CWORD=2 _EMBEDKIT_COMPLETE=bash_complete embedkit
    """
    environ = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=30)
    lines = done.stdout.splitlines()
    assert lines[0].endswith("_embedkit_completion embedkit")
    assert lines[1:4] == ["purge", "facade feed", "file,x"]  # the shell completes files itself


def test_bars_and_colours_are_for_terminals(sandbox: SandboxServer, content: Path, tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
        "XDG_CACHE_HOME": str(tmp_path),
        "TERM": "xterm",
    }
    command = f"{sys.executable} -m embedkit warm content; {sys.executable} -m embedkit resolve cat"

    def seen(environ: dict[str, str]) -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(["bash", "-c", command], env=environ, cwd=tmp_path, stdout=theirs, stderr=theirs):
            os.close(theirs)
            text = b""
            with suppress(OSError):  # on Linux, the end of a terminal's output
                while piece := os.read(ours, 4096):
                    text += piece
        os.close(ours)
        return text.decode()

    shown = seen(plain)
    assert "Warming" in shown
    assert "100%" in shown
    assert "\x1b[31merror:" in shown
    assert "\x1b[31m" not in seen(plain | {"NO_COLOR": "1"})


def test_an_interrupt_exits_130(sandbox: SandboxServer, tmp_path: Path) -> None:
    sandbox.app.faults.add("hang", count=None)
    environ = os.environ | {
        "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
        "EMBEDKIT_TIMEOUT": "60",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    process = subprocess.Popen(
        [*WITH_SIGNALS, sys.executable, "-m", "embedkit", "resolve", ID],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while sandbox.app.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_one_hostile_reference_does_not_fail_the_batch(run: Run, sandbox: SandboxServer, tmp_path: Path) -> None:
    """As a reference or as a text."""
    done = run("resolve", "x" * 100_000, "\udcff", "[[[", "1" * 5000, ID, "--json")
    answers = json.loads(done.out)
    assert [one.get("error", {}).get("code") for one in answers] == ["unsupported"] * 4 + [None]
    (tmp_path / "posts").mkdir()
    lines = (
        f"[getty {'9' * 3000}]",
        f"[getty {ID} width={'9' * 400}]",
        f"https://gty.im/{'1' * 5000}",
        "[getty \0]",
    )
    (tmp_path / "posts" / "a.md").write_text("\n\n".join(lines), "utf-8")
    warmed = run("warm", str(tmp_path / "posts"))
    assert "1 picture" in warmed.out + warmed.err
    run("lock", str(tmp_path / "posts"))
    assert ID in Path("embedkit.lock.json").read_text("utf-8")
