"""The README's snippets run, and its tables are complete."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path

import click
import pytest

from embedkit import EmbedKit, Settings, errors
from embedkit.cli import main as command_line
from embedkit.cli.main import cli
from embedkit.sandbox import SandboxServer
from embedkit.settings import rows
from embedkit.targets import REFERENCES, ROWS
from embedkit.web import errors as problems
from embedkit.web.openapi import ROUTES
from embedkit.web.troubles import FINDINGS, TROUBLES, Trouble
from tests.readme import PAGES, README, blocks
from tests.support.cli import sandbox_environ, without_settings

TEXT = README.read_text("utf-8")
NEWSROOM = (README.parent / "examples/newsroom/README.md").read_text("utf-8")


def snippets(language: str) -> list[object]:
    """Return the code blocks of the README and of the examples' READMEs as test parameters."""
    return [
        pytest.param(text, id=f"{page.parent.name}-{number}")
        for page in PAGES
        for number, text in enumerate(blocks(language, page))
    ]


# Operations of Connect 1 and 2: sessions, search, downloads, lightboxes (documentation of 2014 and 2015)
CONNECT = {
    *("CreateSession", "RenewSession", "SearchForImages", "GetImageDetails"),
    *("GetImageDownloadAuthorizations", "GetLargestImageDownloadAuthorizations", "CreateDownloadRequest"),
    *("CreateLightbox", "GetLightbox", "GetLightboxHeaders", "UpdateLightboxHeader", "DeleteLightbox"),
    *("CreateLightboxItems", "DeleteLightboxItems", "oEmbed"),
}
with socket.create_server(("127.0.0.1", 0)) as free:
    PORT = free.getsockname()[1]  # instead of the README's port, which may be in use


@pytest.fixture
def machine(tmp_path: Path, searchable: None) -> Iterator[dict[str, str]]:
    """The environment of a user whose upstream is the sandbox."""
    content = tmp_path / "content"
    content.mkdir()
    (content / "post.md").write_text("A post.\n\n[getty 74917285]\n", "utf-8")
    with SandboxServer() as sandbox:
        yield (
            without_settings(os.environ)
            | sandbox_environ(sandbox.url, tmp_path)
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            }
        )


@pytest.mark.parametrize("snippet", snippets("python"))
def test_python_snippets_run(snippet: str, machine: dict[str, str], tmp_path: Path) -> None:
    if "def test_" in snippet:
        (tmp_path / "test_snippet.py").write_text(snippet, "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_snippet.py"]
    else:
        command = [sys.executable, "-W", "error", "-c", snippet]
    done = subprocess.run(command, env=machine, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    if "page = kit.search(" in snippet:
        assert (done.stdout.count("[getty "), done.stdout.count("<iframe")) == (3, 3)
    if "downloads.save(" in snippet:
        assert (tmp_path / "eclipse.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("snippet", snippets("bash"))
def test_shell_snippets_run(snippet: str, machine: dict[str, str], tmp_path: Path) -> None:
    snippet = snippet.replace("embedkit serve", f"embedkit serve --port {PORT}").replace(":8080/", f":{PORT}/")
    command = ["bash", "-euo", "pipefail", "-c", snippet]
    done = subprocess.run(command, env=machine, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    if "--output built" in snippet:
        assert "<iframe" in (tmp_path / "built" / "post.md").read_text("utf-8")
    if "embedkit serve" in snippet:
        assert done.stdout.count("Getty Images") >= 3
    if "/v1/grants" in snippet:
        assert '"grant"' in done.stdout
        assert '"Allemagne"' in done.stdout


def test_every_setting_is_listed_with_its_default() -> None:
    for name, default, says in rows():
        assert f"| `{name}` | {shown(default)} | {says} |" in TEXT, "run: python -m tests.test_readme"


def test_every_error_is_listed() -> None:
    for line in (*error_rows(), *trouble_rows()):
        assert line in TEXT, "run: python -m tests.test_readme"


def test_every_command_is_listed() -> None:
    for name in cli.commands:
        assert f"`embedkit {name}" in TEXT, f"write what embedkit {name} does in the README's table of commands"


def test_every_route_is_listed() -> None:
    for route in ROUTES:
        assert f"`{route.method} {route.rule}`" in TEXT, f"write {route.rule} in the README's table of routes"


def test_every_http_error_code_is_listed_with_its_status() -> None:
    for code, (status, _) in problems.CODES.items():
        assert f"`{code}` {status}" in TEXT or f"| `{code}` | {status} |" in TEXT or code == "error", (
            f"write {code} with its status in the README"
        )


def test_every_target_is_listed() -> None:
    for line in target_rows():
        assert line in TEXT, "run: python -m tests.test_readme"


def test_the_table_of_escapes_has_every_target() -> None:
    markup = ", ".join(f"`{name}`" for name, row in ROWS.items() if row.is_markup and row.escape is REFERENCES)
    assert f"| markup ({markup}) |" in TEXT, "the first row of the README's table of escapes"
    for name, row in ROWS.items():
        assert row.escape is REFERENCES or f"| target `{name}` |" in TEXT, (
            f"the README's table of escapes needs a row for {name}"
        )
    *most, last = [f"`{name}`" for name, row in ROWS.items() if row.fallback == "card"]
    assert f"The root of {', '.join(most)} and {last} has `v-pre`" in TEXT, "see What reads the page next"


def test_the_targets_for_shortcodes_are_listed() -> None:
    *most, last = [f"`{name}`" for name, row in ROWS.items() if row.on_page]
    assert f"(on a page {', '.join(most)} or {last}; others are ignored)" in TEXT, "see What an author can write"


def test_every_exit_code_is_listed() -> None:
    codes = re.findall(r"\b(\d+ [a-z ]*[a-z])(?:   |\n)", str(command_line.__doc__))
    assert len(codes) == 8
    assert ", ".join(codes) in TEXT


def test_every_operation_of_connect_has_a_successor_that_exists() -> None:
    table = NEWSROOM.partition("## From Connect to today")[2].partition("\n## ")[0]
    operations = re.findall(r"^\| (.+?) \| (.+?) \|", table, re.M)
    assert not CONNECT - set(re.findall(r"`(\w+)`", " ".join(old for old, _ in operations)))
    with EmbedKit(Settings(cache="memory:", secret="s" * 40)) as kit:
        for name in re.findall(r"`kit\.([a-z_.]+)", table):
            assert callable(attrgetter(name)(kit)), name
    for words in re.findall(r"`embedkit ([a-z ]+)`", table):
        command: click.Command | None = cli
        for word in words.split():
            assert isinstance(command, click.Group)
            _, command, _ = command.resolve_command(click.Context(command), [word])
        assert command is not None, words


@pytest.mark.parametrize("name", ["post.png", "demo.png", "picker.png"])
def test_the_screenshots_exist(name: str) -> None:
    picture = README.parent / "examples" / name
    assert f"(examples/{name})" in TEXT or f"(../{name})" in NEWSROOM
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size < 400_000


def test_the_first_three_commands_are_the_demo_and_the_tests() -> None:
    run, test, quick = blocks("sh")[:3]
    assert run.strip().count("\n") == 0
    assert "embedkit demo" in run
    assert "pytest" in test
    assert "tests/unit" in quick


def test_paths_in_the_contributors_guide_exist() -> None:
    text = README.with_name("CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_.]+/[\w./]*)`", text))
    assert len(named) > 20
    for name in named:
        assert any((README.parent / base / name).exists() for base in ("", "embedkit")), name
    assert blocks("sh")[2].strip() in text


def shown(default: object) -> str:
    """Return a default value as shown in the table."""
    if isinstance(default, tuple):
        return ", ".join(f"`{one}`" for one in default) or "none"
    if isinstance(default, bool):
        return "`true`" if default else "`false`"
    return "none" if default is None or not str(default) else f"`{default}`"


def error_rows() -> list[str]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return [
        f"| `{kind.__name__}` | `{kind.code}` | {kind.http_status} | {kind.exit_code} | {kind.title} |"  # type: ignore[attr-defined]
        for kind in kinds
        if kind is not errors.EmbedKitError
    ]


def trouble_rows(table: Mapping[str, Trouble] = TROUBLES) -> list[str]:
    return [f"| `{code}` | {one.cause} | {one.fix} | `{one.example}` |" for code, one in table.items()]


def target_rows() -> list[str]:
    return [f"| `{name}` | {row.use} |" for name, row in ROWS.items()]


def rewrite() -> None:
    """Rewrite the tables of targets, settings, errors and troubleshooting: ``python -m tests.test_readme``."""
    tables = {
        "targets": ["| target | what it is for |", "|---|---|", *target_rows()],
        "settings": ["| setting | default | what it is |", "|---|---|---|"]
        + [f"| `{name}` | {shown(default)} | {says} |" for name, default, says in rows()],
        "errors": ["| error | code | HTTP | exit | means |", "|---|---|---|---|---|", *error_rows()],
        "troubles": ["| code | why | what to do | for example |", "|---|---|---|---|", *trouble_rows()],
        "findings": ["| code | why | what to do | for example |", "|---|---|---|---|", *trouble_rows(FINDINGS)],
    }
    text = TEXT
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        head, _, rest = text.partition(begin)
        text = head + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    rewrite()
