"""The steps of a build, with the sandbox: what is found, what is done, and the exit codes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from embedkit import Build, BuildReport, ConfigurationError, EmbedKit, Finding, Settings, Source
from embedkit.engine.build import Page, occurrences
from embedkit.engine.sources import InPlace, Results, collect
from embedkit.files.atomic import Outcome
from embedkit.sandbox import SandboxTransport
from embedkit.targets import Target
from tests.support.tools import Clock

ID = "74917285"
OTHER = "600000002"
GONE = "500000404"
DENIED = "500000403"
PASTED = (
    '<iframe src="//embed.gettyimages.com/embed/82278805?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="462" height="370" scrolling="no" frameborder="0"'
    ' style="display:inline-block;"></iframe>'
)


class Site:
    """A kit with the sandbox, and a lock file in the test's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.transport = SandboxTransport()
        self.build = self.over(frozen=False)

    def over(self, *, strict: bool = False, **rows: Any) -> Build:
        """Return a build with a kit of its own."""
        settings = Settings(cache="memory:", timeout=2.0, lockfile=str(self.folder / "lock.json"), **rows)
        kit = EmbedKit(settings, transport=self.transport, clock=self.clock, background=False)
        return Build(kit, strict=strict)

    def down(self) -> None:
        self.transport.app.faults.add("status", status=503, count=None)

    @property
    def calls(self) -> int:
        return self.transport.app.count("oembed")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.build.kit.close()


def sources(*texts: str) -> list[Source]:
    """Create posts named 0.md, 1.md and so on."""
    return [Source(text, "markdown", f"{number}.md") for number, text in enumerate(texts)]


def places(report: BuildReport) -> list[tuple[str, int, int, str, str]]:
    return [(one.file, one.line, one.column, one.code, one.ref) for one in report.findings]


# -- the steps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "strict", "found", "code"),
    [
        ((f"[getty {ID}]",), True, [], 0),
        ((f"A\n\nB [getty {GONE}]",), False, [("0.md", 3, 3, "not-found", "")], 0),
        ((f"[getty {GONE}]",), True, [("0.md", 1, 1, "not-found", "")], 4),
        (
            (f"[getty {GONE}]", f"\n[getty {DENIED}]"),
            True,
            [("0.md", 1, 1, "not-found", ""), ("1.md", 2, 1, "not-embeddable", "")],
            5,
        ),
        (("[getty cat]",), True, [("0.md", 1, 1, "unsupported", "")], 1),
        (("`[getty 1]`", "no picture"), True, [], 0),
    ],
)
def test_render(
    site: Site, texts: tuple[str, ...], strict: bool, found: list[tuple[str, int, int, str, str]], code: int
) -> None:
    report = Build(site.build.kit, strict=strict).render(sources(*texts))
    assert places(report) == found
    assert report.exit_code == code
    assert [page.source.text for page in report.pages] == list(texts)


def test_render_uses_the_target_of_the_build(site: Site) -> None:
    steps: list[tuple[int, int]] = []
    build = Build(site.build.kit, target="markdown")
    report = build.render(sources(f"[getty {ID}]", "none"), progress=lambda *step: steps.append(step))
    assert [page.changes for page in report.pages] == [1, 0]
    assert report.pages[0].document.content.startswith("[")
    assert steps[-1] == (1, 1)


def test_pages_are_passed_on_one_by_one_and_not_kept(site: Site) -> None:
    texts = sources(f"A [getty {ID}]", f"[getty {GONE}]", "none")
    taken: list[Page] = []
    kept, report = site.build.render(texts), site.build.render(texts, on_page=taken.append)
    assert (tuple(taken), report.pages) == (kept.pages, ())
    assert (report.findings, report.exit_code) == (kept.findings, kept.exit_code)


def test_a_build_refuses_an_unknown_target(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="There is no target 'paper'"):
        Build(site.build.kit, target=cast(Target, "paper"))


def test_findings_in_a_text_without_front_matter_have_the_lines_of_its_file(site: Site) -> None:
    text = Source(f"[getty {GONE}]", "markdown", Path("post.md"), first_line=8)
    finding = site.build.render([text]).findings[0]
    assert str(finding).startswith("post.md:8:1: not-found: ")
    assert [(one.line, one.column) for one in occurrences([text])] == [(8, 1)]


def test_warm(site: Site) -> None:
    texts = sources(f"[getty {ID}]\n[getty {ID}]", f"[getty {GONE}]\n\n[getty {GONE}]")
    report = site.build.warm(texts)
    assert (report.distinct, report.fetched, report.stale) == (2, 1, 0)
    assert places(report) == [("1.md", 1, 1, "not-found", GONE), ("1.md", 3, 1, "not-found", GONE)]
    assert ([ref for ref, _ in report.failed], report.lost, report.exit_code) == ([GONE], (GONE,), 4)
    calls = site.calls
    site.clock.ahead += 1
    assert site.build.warm(texts[:1]) == BuildReport(distinct=1)
    assert site.calls == calls


@pytest.mark.parametrize(("down", "code", "lost"), [(False, 1, (GONE,)), (True, 3, ())])
def test_check(site: Site, down: bool, code: int, lost: tuple[str, ...]) -> None:
    texts = sources(f"[getty {ID}]", f"[getty {GONE}]")
    assert site.build.check(texts[:1]).exit_code == 0
    if down:
        site.down()
    report = site.build.check(texts)
    assert (report.exit_code, report.lost, report.distinct) == (code, lost, 2)
    assert [one.file for one in report.findings] == (["0.md", "1.md"] if down else ["1.md"])


@pytest.mark.parametrize("strict", [True, False])
def test_a_frozen_build_reads_only_the_lock_file(site: Site, strict: bool) -> None:
    texts = sources(f"[getty {ID}]", f"[getty {OTHER}]")
    assert site.build.lock(texts[:1]).exit_code == 0
    calls = site.calls
    build = site.over(frozen=True, strict=strict)
    assert build.render(texts[:1]).exit_code == 0
    report = build.render(texts)
    assert (report.exit_code, places(report)) == (1, [("1.md", 1, 1, "unavailable", "")])
    assert build.render(sources("[getty cat]")).exit_code == int(strict)
    assert site.calls == calls


def test_a_frozen_build_checks_the_lock_file_without_changing_it(site: Site) -> None:
    texts = sources(f"[getty {ID}]")
    assert site.build.lock(texts).exit_code == 0
    build = site.over(frozen=True)
    assert build.lock(texts, check=True).exit_code == 0
    with pytest.raises(ConfigurationError, match="frozen"):
        build.lock(sources("none"))
    assert site.build.lock(texts, check=True).exit_code == 0


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="'rst'"):
        Source("text", "rst")  # type: ignore[arg-type]


def test_lock_adds_keeps_and_drops(site: Site) -> None:
    key, other = ((ID,), "com"), ((OTHER,), "com")
    missing = site.build.lock(sources(f"[getty {ID}]"), check=True)
    assert (missing.added, missing.exit_code, missing.written) == ((key,), 1, None)
    first = site.build.lock(sources(f"[getty {ID}]"))
    assert (first.locked, first.added, first.dropped, first.exit_code) == (1, (key,), (), 0)
    assert first.written
    assert first.written.outcome is Outcome.WRITTEN
    second = site.build.lock(sources(f"[getty {OTHER}]"))
    assert (second.locked, second.added, second.dropped) == (1, (other,), (key,))
    unused = site.build.lock(sources("none"), check=True)
    assert (unused.added, unused.dropped, unused.exit_code) == ((), (other,), 1)
    assert site.build.lock(sources(f"[getty {OTHER}]"), check=True).exit_code == 0


def test_lock_keeps_records_while_getty_is_down_and_drops_withdrawn_pictures(site: Site) -> None:
    texts = sources(f"[getty {ID}]")
    site.build.lock(texts)
    site.down()
    report = site.over().lock(texts, refresh=True)
    assert (report.locked, report.dropped, report.exit_code) == (1, (), 3)
    site.transport.app.faults.clear()
    site.transport.app.withdraw(ID)
    report = site.over().lock(texts, refresh=True)
    assert (report.locked, report.exit_code, report.lost) == (0, 4, (ID,))


@pytest.mark.parametrize(
    ("text", "changes", "code"), [(PASTED, 1, 1), (f"```\n{PASTED}\n```", 0, 0), ("no code", 0, 0)]
)
def test_convert_needs_no_kit(text: str, changes: int, code: int) -> None:
    report = Build.convert(sources(text))
    assert (report.pages[0].changes, report.exit_code) == (changes, code)
    assert ("[getty" in report.pages[0].document.content) == bool(changes)


# -- texts ---------------------------------------------------------------------------------------------


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    (folder / "deep").mkdir(parents=True)
    (folder / "node_modules").mkdir()
    for name in ("b.md", "a.html", "deep/c.TXT", "d.png", ".e.md", "node_modules/f.md"):
        (folder / name).write_bytes(b"\xef\xbb\xbfA post.\r\n")
    return folder


def test_collect(posts: Path) -> None:
    found = collect([posts, posts / "b.md", "-"], stdin=io.BytesIO(b"in"))
    assert [(one.name, one.input, one.text) for one in found] == [
        (f"{posts}/a.html", "html", "A post.\r\n"),
        (f"{posts}/b.md", "markdown", "A post.\r\n"),
        (f"{posts}/deep/c.TXT", "text", "A post.\r\n"),
        ("<stdin>", "html", "in"),
    ]
    assert found.texts[0].encode("x") == b"\xef\xbb\xbfx"
    assert [one.input for one in collect([posts], input="text")] == ["text"] * 3
    assert [one.relative for one in collect([posts], output=posts / "deep")] == ["a.html", "b.md"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: (folder / "out").symlink_to("/"), "is a link to a folder, and is skipped"),
        (
            lambda folder: (folder / "out.md").symlink_to("/etc/hostname"),
            "is a link to a file outside the folder, and is skipped",
        ),
        (lambda folder: os.mkfifo(folder / "pipe.md"), "is not a regular file, and is skipped"),
    ],
)
def test_collect_skips(posts: Path, make: Callable[[Path], object], reason: str) -> None:
    make(posts)
    found = collect([posts])
    assert len(found) == 3
    assert [one for _, one in found.skipped] == [reason]


def test_collect_accepts_a_single_path(posts: Path) -> None:
    assert Build.collect(str(posts)) == Build.collect([str(posts)])


def test_collect_raises_or_keeps_going(posts: Path) -> None:
    (posts / "bad.md").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"bad\.md is not UTF-8 text \(byte 0\)"):
        collect([posts])
    found = collect([posts], keep_going=True)
    assert (len(found), len(found.errors)) == (3, 1)
    with pytest.raises(ConfigurationError, match="There is no file or folder 'none'"):
        collect(["none"], keep_going=True)
    with pytest.raises(ConfigurationError, match="There is no stdin"):
        collect(["-"])


def test_output_paths_are_checked_before_anything_is_written(posts: Path, tmp_path: Path) -> None:
    found = collect([posts])
    with Results(found, tmp_path / "site") as results:
        assert [results.write(one, "new").outcome for one in found] == [Outcome.WRITTEN] * 3
        assert results.write(found.texts[0], "new").outcome is Outcome.UNCHANGED
    assert (tmp_path / "site" / "deep" / "c.TXT").read_bytes() == b"\xef\xbb\xbfnew"
    with pytest.raises(ConfigurationError, match="is the source itself"):
        Results(found, posts)
    with pytest.raises(ConfigurationError, match="would both be written to"):
        Results([*found, Source("x", path=Path("y"), relative="b.md")], tmp_path)
    with pytest.raises(ConfigurationError, match="is not a file"):
        Results([Source("x")], tmp_path)


def test_a_text_saved_between_reading_and_writing_is_not_overwritten(posts: Path) -> None:
    found = collect([posts])
    (posts / "b.md").write_bytes(b"saved by its author\n")
    files = InPlace(found)
    outcomes = [files.write(one, "new") for one in found]
    assert [one.outcome for one in outcomes] == [Outcome.WRITTEN, Outcome.CHANGED_MEANWHILE, Outcome.WRITTEN]
    assert (posts / "b.md").read_bytes() == b"saved by its author\n"
    assert (posts / "a.html").read_bytes() == b"\xef\xbb\xbfnew"


def test_a_finding_is_formatted_like_a_compilers_message() -> None:
    assert str(Finding("a.md", 3, 1, "not-found", "Gone.")) == "a.md:3:1: not-found: Gone."


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("a.rst", ".. code-block:: html\n   :linenos:\n\n   {}\n\n"),
        ("a.rst", "  Like this::\n\n    {}\n"),
        ("a.adoc", "[source,html]\n----\n{}\n----\n"),
        ("a.adoc", "....\n{}\n....\n"),
        ("a.org", "#+BEGIN_SRC html\n{}\n#+END_SRC\n"),
        ("a.org", "#+begin_example\n{}\n#+end_example\n"),
    ],
)
def test_examples_in_other_markup_are_left_alone(path: str, example: str) -> None:
    text = f"Words\n\n{example.format(PASTED)}{PASTED}\n{example.format('[gety 74917285]')}"
    source = Source(text, "html", path, first_line=5)
    report = Build.convert([source])
    assert (
        report.pages[0].document.content
        == text[::-1].replace(PASTED[::-1], '[getty src="82278805" width="462" height="370"]'[::-1], 1)[::-1]
    )
    assert report.findings == ()
    (found,) = occurrences([source])
    assert found.line == 5 + text[: text.rfind(PASTED)].count("\n")
    (finding,) = Build(EmbedKit(Settings(), transport=SandboxTransport())).render([source]).findings
    assert (finding.code, finding.line) == ("not-rendered", found.line)


def test_an_unclosed_example_is_not_an_example() -> None:
    text = f"----\n{PASTED}\n"
    assert "[getty" in Build.convert([Source(text, "html", "a.adoc")]).pages[0].document.content


def test_rendering_reports_pasted_code_that_it_leaves() -> None:
    build = Build(EmbedKit(Settings(cache="memory:"), transport=SandboxTransport()))
    report = build.render([Source(f"a\n\n{PASTED}\n\n[gety 74917285]\n\n`{PASTED}`\n", "markdown", "post.md")])
    assert [(one.line, one.code) for one in report.findings] == [(3, "embed-code"), (5, "shortcode")]
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("line", "converted"),
    [
        (f"hero: {PASTED}", 'hero: "[getty src=82278805 width=462 height=370]"'),
        (f"  - {PASTED}", '  - "[getty src=82278805 width=462 height=370]"'),
        (f"hero: '{PASTED}'", 'hero: \'[getty src="82278805" width="462" height="370"]\''),
    ],
)
def test_yaml_values_remain_strings(line: str, converted: str) -> None:
    text = f"title: A\n{line}\nlast: b\n"
    page = Build.convert([Source(text, "html", "data.yaml")]).pages[0]
    assert page.document.content == f"title: A\n{converted}\nlast: b\n"
    value = yaml.safe_load(page.document.content).get("hero")
    assert value is None or isinstance(value, str)


def test_a_frozen_build_reports_a_withdrawn_picture(tmp_path: Path) -> None:
    site = Site(tmp_path)
    text = Source(f"[getty {ID}] [getty {GONE}] [getty {DENIED}]", "markdown", "post.md")
    locked = site.build.lock([text])
    assert (locked.locked, len(locked.failed)) == (1, 2)
    frozen = site.over(frozen=True)
    page = frozen.render([text]).pages[0]
    assert [problem.code for problem in page.document.problems] == ["not-found", "not-embeddable"]
    assert "no longer available" in page.document.content
    assert "right now" not in page.document.content
    assert [(one.code, one.column) for one in site.build.lock([text], check=True).findings] == [
        ("not-found", 18),
        ("not-embeddable", 36),
    ]
