"""Commands for texts in files and folders: render, convert, check, warm, lock."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import click
from markupsafe import Markup

from embedkit.cli.output import (
    PartsDiff,
    advise,
    as_json,
    counted,
    open_kit,
    print_json,
    printable,
    progress,
    say,
    say_error,
    say_file_error,
    say_finding,
    show_diff,
    stdin_bytes,
)
from embedkit.engine import wxr
from embedkit.engine.build import Build, BuildReport, ExportReport, Finding, LockReport, Page
from embedkit.engine.sources import InPlace, Results, Source, Sources
from embedkit.errors import EmbedKitError, NotEmbeddable, NotFound
from embedkit.files.atomic import Outcome, Read, Write, WriteBack
from embedkit.models import JSON, EmbedKey
from embedkit.targets import INPUTS, TARGETS, Input, Target

files_argument = click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE|DIR|-]...")
folders_argument = click.argument(
    "folders", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="DIR..."
)
input_option = click.option(
    "--input",
    "input_",
    type=click.Choice(INPUTS),
    help="The format of the text; by default that of the file's name, and html for stdin.",
)
output_option = click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write to this folder."
)
in_place_option = click.option("--in-place", is_flag=True, help="Modify the files.")
diff_option = click.option("--diff", is_flag=True, help="Print a diff instead of writing.")


@click.command()
@files_argument
@input_option
@click.option("--target", type=click.Choice(TARGETS), metavar="T", help=f"The target: {', '.join(TARGETS)}.")
@output_option
@in_place_option
@click.option("--check", is_flag=True, help="Report problems instead of writing; exit with the worst one's code.")
@diff_option
@click.option("--strict", is_flag=True, help="Exit with the code of the worst problem.")
@click.option("--frozen", is_flag=True, help="Use only the lock file, no cache or network.")
@as_json
def render(
    files: tuple[str, ...],
    input_: Input | None,
    target: Target | None,
    strict: bool,
    frozen: bool,
    **output_options: Any,
) -> int:
    """Replace picture references in texts with embeds.

    Reads stdin and writes to stdout unless files or folders are given. In a folder, only text files (.md, .html,
    .txt and similar) are read. Problems are reported on stderr.
    """
    out = OutputOptions(**output_options)
    found = _read(files, input_, output=out.output, keep_going=True)
    codes: list[int] = []
    texts: list[JSON] = []
    with out.writer(found) as writer, open_kit(**({"frozen": True} if frozen else {})) as kit:

        def deliver(page: Page) -> None:
            codes.append(out.deliver(page, writer))
            if out.json_:
                texts.append(_page_json(page, out, embeds=_embeds_json(page)))

        with progress("Resolving") as step:
            build = Build(kit, target, strict=out.check or strict)
            report = build.render(found, on_page=deliver, progress=step)
        if out.json_:
            print_json({"texts": texts})
        else:
            _say_findings(report)
            if not kit.settings.frozen:
                advise(finding.code for finding in report.findings)
    return max(report.exit_code, *codes, _read_code(found), 0)


@click.command()
@files_argument
@input_option
@output_option
@in_place_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there is something to convert.")
@diff_option
@as_json
def convert(files: tuple[str, ...], input_: Input | None, **output_options: Any) -> int:
    """Convert pasted embed code to shortcodes.

    Reads stdin and writes to stdout unless files or folders are given. The rest of a text is left alone, and so is
    code, as in render. WordPress exports (.xml) of any size are read post by post. To preview the changes, use
    --check or --diff.
    """
    out = OutputOptions(**output_options)
    found = _read(files, input_, output=out.output, keep_going=True, exports=True)
    with out.writer(found) as writer:
        report = Build.convert(found)
        codes = [out.deliver(page, writer) for page in report.pages]
        exports = [(export, *out.convert(export, writer)) for export in found.exports]
    code = max((report.exit_code, *(done.exit_code for _, done, _ in exports))) if out.check else 0
    if out.json_:
        texts = [_page_json(page, out, converted=page.changes) for page in report.pages]
        print_json({"texts": texts, "exports": [_export_json(export, done) for export, done, _ in exports]})
    else:
        _say_findings(report)
        for page, failed in zip(report.pages, codes, strict=True):
            if page.changes and not failed and out.writes and not out.diff:
                name = printable(page.source.name)
                say(f"{name}: {page.changes} {'to convert' if out.check else 'converted'}")
        for export, done, failed in exports:
            _say_findings(done)
            if not failed:
                _say_export(export, done, out)
    return max(code, *codes, *(failed for *_, failed in exports), _read_code(found), 0)


@click.command()
@folders_argument
@input_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json", "github", "junit")),
    default="text",
    show_default=True,
    help="The output format; github prints annotations for GitHub Actions, junit a JUnit report.",
)
@click.option("--json", "format_", flag_value="json", help="Same as --format json.")
@click.option("--fix", is_flag=True, help="Mark withdrawn and non-embeddable pictures in the lock file.")
def check(folders: tuple[str, ...], input_: Input | None, format_: str, fix: bool) -> int:
    """Find withdrawn pictures and invalid references.

    Checks every picture with Getty, bypassing the cache. DIR is a folder or a file, including WordPress exports
    (.xml).
    """
    found = _read(folders, input_, keep_going=True, exports=True)
    with open_kit(**({"frozen": False} if fix else {})) as kit, progress("Checking") as step:
        report = Build(kit).check(chain(found, *map(wxr.texts, found.exports)), fix=fix, progress=step)
    if report.written:
        if not _say_written(report.written, report.path):
            lost = counted(len(report.dropped), "picture")
            say(f"{printable(report.path)}: {lost} marked as lost. Rebuild the site.")
    elif fix and not report.path.exists():
        say(f"There is no lock file {printable(report.path)} to fix. Create one with embedkit lock.")
    if format_ == "json":
        print_json(_check_json(report))
        return max(report.exit_code, _read_code(found))
    if format_ == "junit":
        click.echo(_junit(report, [source.name for source in (*found, *found.exports)]))
    else:
        line = _annotation if format_ == "github" else _check_line
        for finding in report.findings:
            click.echo(line(finding))
    wrong = sum(not finding.ref for finding in report.findings)
    problems = f", {counted(wrong, 'problem')}" if wrong else ""
    if report.distinct:
        say(f"{counted(report.distinct, 'picture')} checked: {_fates(report)}{problems}.")
    else:  # "none withdrawn" would suggest that pictures had been checked
        say(f"Nothing to check: no pictures in {counted(len(found) + len(found.exports), 'text')}{problems}.")
    advise(error.code for _, error in report.failed)
    return max(report.exit_code, _read_code(found))


@click.command()
@folders_argument
@input_option
@as_json
def warm(folders: tuple[str, ...], input_: Input | None, json_: bool) -> int:
    """Fetch the data of all pictures in texts into the cache.

    Rendering these texts then needs no requests. DIR is a folder or a file.
    """
    found = _read(folders, input_, keep_going=True)
    with open_kit() as kit, progress("Warming") as step:
        report = Build(kit).warm(found, progress=step)
    if json_:
        counts = {"distinct": report.distinct, "fetched": report.fetched, "stale": report.stale}
        print_json(counts | _failed_json(report))
    else:
        _say_findings(report)
        advise(error.code for _, error in report.failed)
        fresh = report.distinct - report.fetched - report.stale - len(report.failed)
        click.echo(
            f"{counted(report.distinct, 'picture')}: {report.fetched} fetched, {fresh} fresh,"
            f" {report.stale} stale, {len(report.failed)} failed."
        )
    return max(report.exit_code, _read_code(found))


@click.command()
@folders_argument
@input_option
@click.option("--refresh", is_flag=True, help="Also update pictures that are already locked.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the lock file is out of date.")
@as_json
def lock(folders: tuple[str, ...], input_: Input | None, refresh: bool, check: bool, json_: bool) -> int:
    """Write the data of all pictures in texts to the lock file.

    render --frozen then needs no network. Locked pictures are kept, new ones are added, and pictures that no text
    uses any more are removed, so name all folders of a site at once. DIR is a folder or a file.
    """
    found = _read(folders, input_)
    with open_kit(frozen=False) as kit, progress("Locking") as step:
        report = Build(kit).lock(found, refresh=refresh, check=check, progress=step)
    if report.written is None:
        _print_lock_check(report, json_)
    elif not _say_written(report.written, report.path):
        _print_lock(report, json_)
    return report.exit_code


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """The options that decide where changed texts are written. With ``json_``, the command prints them itself.

    :raises click.UsageError: for options that can't be combined.
    """

    output: Path | None = None
    in_place: bool = False
    check: bool = False
    diff: bool = False
    json_: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.output, self.in_place, self.check, self.diff))) > 1:
            raise click.UsageError("--output, --in-place, --check and --diff can't be combined.")
        if self.diff and self.json_:
            raise click.UsageError("--diff and --json can't be combined.")

    @property
    def writes(self) -> bool:
        """Whether the texts are written somewhere other than stdout, or not at all."""
        return bool(self.output or self.in_place or self.check or self.diff)

    def writer(self, sources: Sources) -> AbstractContextManager[Results | InPlace | None]:
        """Return the writer of the files, having checked that they can be written.

        :raises click.UsageError: if several texts would be written to stdout.
        """
        every = (*sources, *sources.exports)
        if self.output:
            return Results(every, self.output)
        if self.in_place:
            return nullcontext(InPlace(every, on_leftover=_say_leftover))
        if len(every) > 1 and not (self.writes or self.json_):
            raise click.UsageError("More than one file: use --output DIR, --in-place, --diff, --check or --json.")
        return nullcontext()

    def deliver(self, page: Page, writer: Results | InPlace | None) -> int:
        """Write or print a text, and return the exit code."""
        source, content = page.source, page.document.content
        if writer:
            return _write(source, lambda: writer.write(source, content))
        if self.diff:
            show_diff(source.name, source.bom + source.text, source.bom + content)
        elif not (self.check or self.json_):
            click.echo(source.encode(content), nl=False)
        return 0

    def convert(self, export: Source, writer: Results | InPlace | None) -> tuple[ExportReport, int]:
        """Convert an export while writing it, and return the report and the exit code."""
        reports = [ExportReport()]
        show = PartsDiff(export.name).show if self.diff else None

        def make(read: Read, write: Write) -> None:
            with progress("Converting") as step:
                reports.append(Build.convert_export(export, read, write, on_change=show, progress=step))

        if writer:
            code = _write(export, lambda: writer.rewrite(export, make))
        else:
            with open(export.name, "rb") as file:
                make(file.read, bool if self.writes or self.json_ else partial(click.echo, nl=False))
            code = 0
        return reports[-1], code


def _write(source: Source, write: Callable[[], WriteBack]) -> int:
    """Write a file, and return the exit code."""
    try:
        done = write()
    except OSError as error:
        say_file_error(error)
        return 2
    return _say_written(done, source.name)


def _say_written(done: WriteBack, name: str | Path) -> int:
    """Report the result of writing a file, and return the exit code."""
    for note in done.notes:
        say(f"{printable(name)} {note}.")
    if done.outcome is Outcome.CHANGED_MEANWHILE:
        say(f"{printable(name)} was changed while embedkit ran, and was left alone. Run the command again.")
        return 1
    return 0


def _say_leftover(path: str) -> None:
    say(f"{printable(path)} was left by an interrupted run. Compare it with the original, then delete it.")


def _read(paths: tuple[str, ...], input: Input | None, *, output: Path | None = None, **kinds: bool) -> Sources:
    """Read the texts named by the arguments, and report skipped files. ``kinds`` go to :meth:`Build.collect`."""
    named = paths or ("-",)
    stdin = stdin_bytes() if "-" in named else None
    found = Build.collect(named, input=input, output=output, stdin=stdin, **kinds)
    for path, reason in found.skipped:
        say(f"{printable(path)} {reason}.")
    if output and found.others:
        say(f"{counted(found.others, 'other file')} not copied: only texts are written to DIR.")
    for error in found.errors:
        if isinstance(error, OSError):
            say_file_error(error)
        else:
            say_error(str(error))
    return found


def _read_code(found: Sources) -> int:
    """Return the minimum exit code: 2 if a file could not be read, even though all others were processed."""
    return 2 if found.errors else 0


FATES = {NotFound.code: "withdrawn", NotEmbeddable.code: "not embeddable"}


def _fate(finding: Finding) -> str:
    """Describe the state of a picture in a few words."""
    fate = FATES.get(finding.code, "could not be checked")
    return f"{fate}, or the ID is wrong" if finding.code == NotFound.code else fate


def _fates(report: BuildReport) -> str:
    counts = Counter(FATES.get(error.code, "could not be checked") for _, error in report.failed)
    return ", ".join(f"{number} {fate}" for fate, number in counts.items()) or "none withdrawn"


def _check_line(finding: Finding) -> str:
    where = f"{printable(finding.file)}:{finding.line}:{finding.column}"
    return f"{where}: {finding.code}: {_check_message(finding)}"


def _check_message(finding: Finding) -> str:
    """Describe a finding, with its post if it is from an export."""
    lost = f"{' and '.join(finding.lost)} " if finding.lost else ""
    what = f"{finding.ref}: {lost}{_fate(finding)}" if finding.ref else finding.detail
    return printable(f"{what} ({finding.post})" if finding.post else what)


def _is_unchecked(finding: Finding) -> bool:
    """Return whether the picture could not be checked."""
    return bool(finding.ref) and finding.code not in FATES


def _annotation(finding: Finding) -> str:
    """Return a workflow command of GitHub Actions (escaped as in @actions/core, command.ts)."""
    file = os.fsencode(finding.file).decode("utf-8", "replace")
    properties = {"file": file, "line": finding.line, "col": finding.column, "title": finding.code}
    listed = ",".join(
        f"{name}={_command_data(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
    )
    return (
        f"::{'warning' if _is_unchecked(finding) else 'error'} {listed}::{_command_data(_check_message(finding))}"
    )


def _command_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


_SUITE = Markup(
    '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    '<testsuite name="embedkit check" tests="{}" failures="{}" errors="{}">\n{}</testsuite>\n</testsuites>'
)
_CASE = Markup('<testcase classname="{0}" file="{0}" name="{1}"{2}')
_FAILURE = Markup(' line="{0}"><{1} type="{2}" message="{3}">{4}</{1}></testcase>\n')


def _junit(report: BuildReport, files: Iterable[str]) -> str:
    """Return a JUnit report: a test case for each finding, and one for each file without findings."""
    wrong = {finding.file for finding in report.findings}
    cases = [_CASE.format(printable(file), "pictures", Markup("/>\n")) for file in files if file not in wrong]
    cases += map(_failed_case, report.findings)
    unchecked = sum(map(_is_unchecked, report.findings))
    return _SUITE.format(len(cases), len(report.findings) - unchecked, unchecked, Markup().join(cases))


def _failed_case(finding: Finding) -> Markup:
    message, kind = _check_message(finding), "error" if _is_unchecked(finding) else "failure"
    rest = _FAILURE.format(finding.line, kind, finding.code, message, _check_line(finding))
    return _CASE.format(printable(finding.file), f"line {finding.line}, column {finding.column}", rest)


def _check_json(report: BuildReport) -> dict[str, Any]:
    places = defaultdict(list)
    for finding in report.findings:
        places[finding.ref].append(finding)
    problems = [_problem_json(finding) for finding in places.pop("", [])]
    findings = [_failure_json(ref, error, places[ref]) for ref, error in report.failed]
    return {"distinct": report.distinct, "findings": findings, "problems": problems}


def _say_export(export: Source, report: ExportReport, out: OutputOptions) -> None:
    """Report how much of an export was converted, and how much was left unchanged."""
    done = "to convert" if out.check or out.diff else "converted"
    left = f"; {len(report.findings)} left unchanged" if report.findings else ""
    say(
        f"{printable(export.name)}: {report.converted} {done} in {report.changed:,} of"
        f" {counted(report.posts, 'post')}{left}"
    )


def _export_json(export: Source, report: ExportReport) -> dict[str, Any]:
    counts = {"posts": report.posts, "changed": report.changed, "converted": report.converted}
    return {"file": export.name, **counts, "problems": list(map(_problem_json, report.findings))}


def _problem_json(finding: Finding) -> dict[str, Any]:
    return {**_place(finding), "code": finding.code, "detail": finding.detail}


def _say_findings(report: BuildReport) -> None:
    for finding in report.findings:
        say_finding(finding)


def _page_json(page: Page, out: OutputOptions, **done: Any) -> dict[str, Any]:
    """Return a text as JSON, with what was ``done`` to it."""
    problems = [problem.as_json() for problem in page.document.problems]
    content = {} if out.writes else {"content": page.document.content}
    return {"file": page.source.name, **done, "problems": problems, **content}


def _embeds_json(page: Page) -> list[dict[str, Any]]:
    return [embed.as_json(time.time()) for embed in page.document.embeds]


def _failed_json(report: BuildReport) -> dict[str, Any]:
    return {"failed": [{"ref": ref, "error": error.as_json()} for ref, error in report.failed]}


def _place(finding: Finding) -> dict[str, Any]:
    post = {"post": finding.post._asdict()} if finding.post else {}
    return {"file": finding.file, "line": finding.line, "column": finding.column, **post}


def _failure_json(ref: str, error: EmbedKitError, found: list[Finding]) -> dict[str, Any]:
    places = list(map(_place, found))
    files = list(dict.fromkeys(place["file"] for place in places))
    lost = {"lost": found[0].lost} if found and found[0].lost else {}
    return {"ref": ref, **lost, "error": error.as_json(), "files": files, "places": places}


def _print_lock(report: LockReport, json_: bool) -> None:
    added, dropped = len(report.added), len(report.dropped)
    if json_:
        print_json({"locked": report.locked, "added": added, "dropped": dropped} | _failed_json(report))
        return
    _say_findings(report)
    advise(error.code for _, error in report.failed)
    pictures = counted(report.locked, "picture")
    click.echo(f"{printable(report.path)}: {pictures}, {added} added, {dropped} dropped.")


def _print_lock_check(report: LockReport, json_: bool) -> None:
    if json_:
        print_json({"missing": _keys_json(report.added), "not_needed": _keys_json(report.dropped)})
        return
    for mark, pictures in (("+", report.added), ("-", report.dropped)):
        for items, tld in pictures:
            click.echo(f"{mark} {','.join(items)} ({tld})")
    _say_findings(report)
    if report.exit_code:
        counts = f"{len(report.added)} missing, {len(report.dropped)} not needed"
        say(f"{printable(report.path)} is out of date: {counts}. Run: embedkit lock DIR")
    if any(finding.code in FATES for finding in report.findings):
        say("Pictures that are withdrawn or not embeddable can't be locked: remove them from the texts.")


def _keys_json(pictures: Iterable[EmbedKey]) -> list[dict[str, str]]:
    return [{"ref": ",".join(items), "tld": tld} for items, tld in pictures]
