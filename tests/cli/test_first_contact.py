"""What newcomers typed, and what they are told."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import pytest

from embedkit.cli import output, search
from embedkit.web.troubles import FINDINGS, TROUBLES
from tests.support.cli import Run


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (("resolve", "[getty", "74917285]"), 2, "Put the shortcode in quotes: '[getty 74917285]'"),
        (("resolve", ""), 2, "error: The reference is empty."),
        (("resolve", "74917285", "--max-width", "abc"), 2, "'abc' is not a whole number, 1 or more."),
        (("resolve", "[getty 74917285 widht=300]"), 0, "has no attribute 'widht'. Did you mean width?"),
        (("completion",), 2, "Pass one of bash, zsh, fish."),
        (("integrations",), 2, "Missing argument '{nikola|lektor}'. Choose from: nikola, lektor"),
        (("search", "zzzqqq"), 0, "Nothing found for 'zzzqqq'."),
        (("boards", "delete", "x"), 2, "pass --yes to delete without asking"),
    ],
)
def test_errors_say_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    done = run(*typed)
    assert (done.code, said in done.err) == (code, True), done.err


def test_the_shell_is_detected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete" in run("completion").out


def test_a_search_without_a_key_offers_the_demo(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDKIT_API_KEY")
    monkeypatch.delenv("EMBEDKIT_API_SECRET")
    done = run("search", "eclipse")
    assert "Set EMBEDKIT_API_KEY. To try embedkit" in done.err
    assert "demo" not in run("search", "eclipse", "--color", "reddish").err


def test_a_search_accepts_the_words_of_the_picker(run: Run) -> None:
    assert run("search", "eclipse", "--orientation", "landscape", "--color", "Blue").code == 0
    assert len(search.COLORS) == 12


def test_the_first_picture_is_opened_and_copied(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("search", "eclipse", "--open", "--copy")
    assert opened[0].startswith("https://www.gettyimages.com/detail/")
    assert "Can't copy: install one of" in done.err
    copied = tmp_path / "copied"
    program = tmp_path / "xclip"
    program.write_text(f"#!/bin/sh\nwhile read line; do echo $line; done > {copied}\necho done >> {copied}\n")
    program.chmod(0o755)
    assert "Copied: [getty " in run("search", "eclipse", "--copy").err
    assert copied.exists()


def test_one_picture_and_the_countries(run: Run) -> None:
    assert "shortcode     [getty 74917285]" in run("image", "https://gty.im/74917285").out
    assert '"id": "74917285"' in run("image", "74917285", "--json").out
    assert "Allemagne" in run("countries", "--language", "fr").out
    assert '"iso_alpha_3"' in run("countries", "--json").out


def test_findings_have_their_places(run: Run, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text("a\n\n[getty 74917285]\n\n[getty 500000404]\n")
    assert "post.md:5:1: not-found: 500000404: withdrawn, or the ID is wrong\n" in run("check", ".").out
    assert "post.md:5:1: not-found" in run("lock", ".").err
    out_of_step = run("lock", ".", "--check")
    assert (out_of_step.code, "post.md:5:1: not-found" in out_of_step.err) == (1, True)
    assert "remove them from the texts" in out_of_step.err
    assert "post.md:5:1: not-found" in run("warm", ".").err
    (tmp_path / "post.md").write_text("[getty 74917285]\n")
    assert run("lock", ".", "--check").code == 0
    assert run("warm", ".").out == "1 picture: 0 fetched, 1 fresh, 0 stale, 0 failed.\n"


def test_nothing_is_passed_over_in_silence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[getty 74917285]")
    (tmp_path / "b.mdx").write_text("[getty 500000404]")
    (tmp_path / "c.qmd").write_text("[getty 500000403]")
    (tmp_path / "d.rst").write_text("A post.\n\n[getty 500000410]\n")
    for name in ("e.njk", "h.md.j2", "i.text"):
        (tmp_path / name).write_text("[getty 1]")
    for name in ("j.mkdn", "k.mdwn", "l.Rmarkdown", "m.rest", "n.mkdown", "o.svx"):
        (tmp_path / name).write_text("[getty 500000404]\n")
    (tmp_path / "f.png").write_bytes(b"x")
    frame = '<iframe src="//embed.gettyimages.com/embed/500000404?et=a&sig=b"></iframe>'
    (tmp_path / "g.html").write_text(frame)
    done = run("check", ".")
    for file, fate in (
        ("b.mdx", "withdrawn"),
        ("c.qmd", "not embeddable"),
        ("d.rst", "withdrawn"),
        ("g.html", "withdrawn"),
        *((file, "withdrawn") for file in ("j.mkdn", "k.mdwn", "l.Rmarkdown", "m.rest", "n.mkdown", "o.svx")),
    ):
        assert any(line.startswith(f"{file}:") and fate in line for line in done.out.splitlines()), done.out
    for file in ("e.njk", "h.md.j2", "i.text"):
        assert f"{file} mentions Getty Images, but its format is not read." in done.err
    rendered = run("render", ".", "--output", "out")
    assert "d.rst:3:1: not-rendered: This is reStructuredText" in rendered.err
    assert "other files not copied" in rendered.err
    assert (tmp_path / "out" / "d.rst").read_text() == (tmp_path / "d.rst").read_text()


class Bar:
    """A progress bar that records numbers instead of drawing."""

    length, pos = 1, 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        """Draw nothing."""

    def update(self, steps: int) -> None:
        self.pos += steps


def test_a_bar_ends_full_though_pictures_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = Bar()
    monkeypatch.setattr(output, "_is_terminal", lambda stream: True)
    monkeypatch.setattr("click.progressbar", lambda **_: bar)
    with output.progress("Warming") as step:
        assert step is not None
        step(1, 3)
    assert (bar.pos, bar.length) == (3, 3)


def test_messages_after_the_last_step_start_on_a_new_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_is_terminal", lambda stream: True)
    with output.progress("Resolving") as step:
        assert step is not None
        step(1, 2)
        step(2, 2)
        output.say("post.md has been changed meanwhile.")
    before, _, _ = capsys.readouterr().err.partition("post.md")
    assert before.endswith("\n")


def test_doctor_lists_plainly_and_knows_our_languages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDKIT_LOCALE", "xx")
    monkeypatch.setenv("EMBEDKIT_CORS_ORIGINS", "https://a.example,https://b.example")
    done = run("doctor", "--offline")
    assert "EMBEDKIT_CORS_ORIGINS = https://a.example,https://b.example" in done.out
    assert "embedkit is not translated to 'xx'" in done.err


def test_a_code_is_explained(run: Run) -> None:
    done = run("explain", "not-embeddable")
    assert done.out.splitlines()[0].startswith("The picture exists, but")
    assert "For example: GET /v1/embeds/" in done.out
    assert {*TROUBLES, *FINDINGS} == {line.split()[0] for line in run("explain").out.splitlines()}
    assert json.loads(run("explain", "shortcode", "--json").out)["shortcode"]["fix"]
    done = run("explain", "not-embedable")
    assert (done.code, "Did you mean not-embeddable?" in done.err) == (2, True)


def test_every_code_of_a_finding_is_explained() -> None:
    package = Path(output.__file__).parents[1]
    texts = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    made = re.findall(
        r'Problem\(\*?[^"()]*(?:\([^()]*\)[^"()]*)?"([a-z-]+)"|\("((?:un|in|dup)[a-z]+-attribute)"', texts
    )
    assert {*filter(None, chain(*made)), "shortcode"} == set(FINDINGS)


def test_the_settings_are_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDKIT_MAX_AGE", "3600")
    monkeypatch.setenv("EMBEDKIT_PASSWORD", "an-invented-password")
    assert "EMBEDKIT_MAX_AGE=3600\n    Seconds for which" in run("config", "show").out
    assert run("config", "show", "max_age", "EMBEDKIT_LOCALE", "--json").out.count("EMBEDKIT_") == 2
    changed = run("config", "show", "--changed").out
    assert "EMBEDKIT_MAX_AGE=3600" in changed
    assert "EMBEDKIT_LOCALE" not in changed
    assert "an-invented-password" not in changed
    assert "Did you mean MAX_AGE?" in run("config", "show", "MAX_AGES").err


def test_quiet_leaves_errors_and_findings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text("[gety 74917285]\n")
    assert "Add to the head of your pages" in run("assets", str(tmp_path / "static")).err
    assert run("-q", "assets", str(tmp_path / "static")).err == ""
    assert "Did you mean [getty 74917285]?" in run("-q", "render", str(tmp_path / "post.md")).err
    assert "There is no code 'x'" in run("-q", "explain", "x").err


def test_output_has_a_short_form(run: Run, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text("Words\n")
    assert run("render", str(tmp_path / "post.md"), "-o", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out" / "post.md").read_text() == "Words\n"


def test_check_reports_invalid_references(run: Run, tmp_path: Path) -> None:
    post = tmp_path / "post.md"
    post.write_text("Words\n\n[gety 74917285]\n\n[getty 74917285 widht=3]\n\nhttps://gty.in/74917285\n")
    done = run("check", str(post))
    assert done.code == 1
    assert f"{post}:3:1: shortcode: This is not a shortcode. Did you mean [getty 74917285]?" in done.out
    assert f"{post}:5:1: unknown-attribute: A shortcode has no attribute 'widht'. Did you mean width?" in done.out
    assert f"{post}:7:1: unsupported: 'gty.in' only looks like a Getty Images host." in done.out
    assert "1 picture checked: none withdrawn, 3 problems." in done.err
    problems = json.loads(run("check", str(post), "--json").out)["problems"]
    assert [(one["line"], one["code"]) for one in problems] == [
        (3, "shortcode"),
        (5, "unknown-attribute"),
        (7, "unsupported"),
    ]
