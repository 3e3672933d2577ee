"""Commands about texts in files and folders: render, convert, check, warm, lock."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from embedkit.cli.output import (
    advise,
    as_json,
    counted,
    error_json,
    open_kit,
    print_json,
    printable,
    progress,
    say,
    say_changed,
    say_error,
    say_file_error,
    say_finding,
    show_diff,
    stdin_bytes,
)
from embedkit.engine.build import Build, BuildReport, Finding, LockReport, Page
from embedkit.engine.sources import InPlace, Results, Source, Sources
from embedkit.errors import EmbedKitError, NotEmbeddable, NotFound
from embedkit.files.atomic import Outcome
from embedkit.models import EmbedKey
from embedkit.targets import INPUTS, TARGETS, Input, Target

files_argument = click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE|DIR|-]...")
folders_argument = click.argument(
    "folders", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="DIR..."
)
input_option = click.option(
    "--input",
    "input_",
    type=click.Choice(INPUTS),
    help="The format; by default by the file's name (stdin: html).",
)
output_option = click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write there."
)
in_place_option = click.option("--in-place", is_flag=True, help="Change the files.")
diff_option = click.option("--diff", is_flag=True, help="Write nothing; print what would change.")


@click.command()
@files_argument
@input_option
@click.option("--target", type=click.Choice(TARGETS), metavar="T", help=f"One of {', '.join(TARGETS)}.")
@output_option
@in_place_option
@click.option("--check", is_flag=True, help="Write nothing; report problems and exit with their code.")
@diff_option
@click.option("--strict", is_flag=True, help="Exit with the code of the worst problem.")
@click.option("--frozen", is_flag=True, help="Read the lock file alone: no cache, no network.")
@as_json
def render(
    files: tuple[str, ...],
    input_: Input | None,
    target: Target | None,
    strict: bool,
    frozen: bool,
    **delivery_options: Any,
) -> int:
    """Replace every reference in texts by its embed.

    A filter from stdin to stdout, unless files or folders are named. Of a folder the texts are read
    (.md .html .txt and the like) and nothing else. Problems go to stderr.
    """
    delivery = Delivery(**delivery_options)
    found = _read(files, input_, output=delivery.output, keep_going=True)
    with delivery.writer(found) as writer, open_kit(**({"frozen": True} if frozen else {})) as kit:
        with progress("Resolving") as step:
            report = Build(kit, target, strict=delivery.check or strict).render(found, progress=step)
        codes = [delivery.deliver(page, writer) for page in report.pages]
        if delivery.json_:
            texts = [_page_json(page, delivery, embeds=_embeds_json(page)) for page in report.pages]
            print_json({"texts": texts})
        else:
            _say_findings(report)
            if not kit.settings.frozen:
                advise(finding.code for finding in report.findings)
    return max(report.exit_code, *codes, 2 if found.errors else 0, 0)


@click.command()
@files_argument
@input_option
@output_option
@in_place_option
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if there is something to convert.")
@diff_option
@as_json
def convert(files: tuple[str, ...], input_: Input | None, **delivery_options: Any) -> int:
    """Turn pasted embed code back into shortcodes.

    A filter from stdin to stdout, unless files are named. Everything else in a text stays as it is, and so
    does code: what render leaves alone.
    """
    delivery = Delivery(**delivery_options)
    found = _read(files, input_, output=delivery.output, keep_going=True)
    with delivery.writer(found) as writer:
        report = Build.convert(found)
        codes = [delivery.deliver(page, writer) for page in report.pages]
    if delivery.json_:
        print_json({"texts": [_page_json(page, delivery, converted=page.changes) for page in report.pages]})
    else:
        _say_findings(report)
        for page, code in zip(report.pages, codes, strict=True):
            if page.changes and not code and delivery.writes and not delivery.diff:
                name = printable(page.source.name)
                say(f"{name}: {page.changes} {'to convert' if delivery.check else 'converted'}")
    return max(report.exit_code if delivery.check else 0, *codes, 2 if found.errors else 0, 0)


@click.command()
@folders_argument
@input_option
@as_json
def check(folders: tuple[str, ...], input_: Input | None, json_: bool) -> int:
    """Find withdrawn pictures, and references that can't be read.

    Getty is asked anew for every one. DIR is a folder or a file.
    """
    found = _read(folders, input_)
    with open_kit() as kit, progress("Checking") as step:
        report = Build(kit).check(found, progress=step)
    places = defaultdict(list)
    for finding in report.findings:
        places[finding.ref].append(finding)
    unread = places.pop("", [])
    if json_:
        findings = [_failure_json(ref, error, places[ref]) for ref, error in report.failed]
        problems = [{**_place(one), "code": one.code, "detail": one.detail} for one in unread]
        print_json({"distinct": report.distinct, "findings": findings, "problems": problems})
    else:
        for one in report.findings:
            what = f"{one.ref}: {_fate(one)}" if one.ref else printable(one.detail)
            click.echo(f"{printable(one.file)}:{one.line}:{one.column}: {one.code}: {what}")
        wrong = f", {counted(len(unread), 'problem')}" if unread else ""
        say(f"{counted(report.distinct, 'picture')} checked: {_fates(report)}{wrong}.")
        advise(error.code for _, error in report.failed)
    return report.exit_code


@click.command()
@folders_argument
@input_option
@as_json
def warm(folders: tuple[str, ...], input_: Input | None, json_: bool) -> int:
    """Fetch what texts need, so that rendering asks for nothing.

    DIR is a folder or a file.
    """
    found = _read(folders, input_)
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
    return report.exit_code


@click.command()
@folders_argument
@input_option
@click.option("--refresh", is_flag=True, help="Ask again for the pictures that are locked already.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the lock file is out of step.")
@as_json
def lock(folders: tuple[str, ...], input_: Input | None, refresh: bool, check: bool, json_: bool) -> int:
    """Write the records that texts need into the lock file.

    With it, render --frozen needs no network. Locked records are kept, new ones added, those that no
    text needs any more dropped: name all folders of a site at once. DIR is a folder or a file.
    """
    found = _read(folders, input_)
    with open_kit(frozen=False) as kit, progress("Locking") as step:
        report = Build(kit).lock(found, refresh=refresh, check=check, progress=step)
    for note in report.written.notes if report.written else ():
        say(f"{printable(report.path)} {note}.")
    if report.written is None:
        _print_lock_check(report, json_)
    elif report.written.outcome is Outcome.CHANGED_MEANWHILE:
        say_changed(report.path)
    else:
        _print_lock(report, json_)
    return report.exit_code


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the options of a command let changed texts go; with ``json_`` the command prints them itself.

    :raises click.UsageError: for options that exclude each other.
    """

    output: Path | None = None
    in_place: bool = False
    check: bool = False
    diff: bool = False
    json_: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.output, self.in_place, self.check, self.diff))) > 1:
            raise click.UsageError("--output, --in-place, --check and --diff exclude each other.")
        if self.diff and self.json_:
            raise click.UsageError("--diff and --json exclude each other.")

    @property
    def writes(self) -> bool:
        """Whether the texts themselves go elsewhere than to stdout."""
        return bool(self.output or self.in_place or self.check or self.diff)

    def writer(self, sources: Sources) -> AbstractContextManager[Results | InPlace | None]:
        """What writes the files; checked before anything is written.

        :raises click.UsageError: where there is one stdout for several texts.
        """
        if self.output:
            return Results(sources, self.output)
        if self.in_place:
            return InPlace(sources, on_leftover=_say_leftover)
        if len(sources) > 1 and not (self.writes or self.json_):
            raise click.UsageError("More than one file: use --output DIR, --in-place, --diff, --check or --json.")
        return nullcontext()

    def deliver(self, page: Page, writer: Results | InPlace | None) -> int:
        """Take a text to its place; the exit code that this asks for."""
        source, content = page.source, page.document.content
        if writer:
            return _write(source, content, writer)
        if self.diff:
            show_diff(source.name, source.bom + source.text, source.bom + content)
        elif not (self.check or self.json_):
            click.echo(source.encode(content), nl=False)
        return 0


def _write(source: Source, content: str, writer: Results | InPlace) -> int:
    try:
        done = writer.write(source, content)
    except OSError as error:
        say_file_error(error)
        return 2
    for note in done.notes:
        say(f"{printable(source.name)} {note}.")
    if done.outcome is Outcome.CHANGED_MEANWHILE:
        say_changed(source.name)
        return 1
    return 0


def _say_leftover(path: str) -> None:
    say(f"{printable(path)} holds what was saved while a run was killed: compare, then remove it.")


def _read(
    paths: tuple[str, ...], input: Input | None, *, output: Path | None = None, keep_going: bool = False
) -> Sources:
    """The texts that arguments name; what is skipped goes to stderr."""
    named = paths or ("-",)
    stdin = stdin_bytes() if "-" in named else None
    found = Build.collect(named, input=input, output=output, stdin=stdin, keep_going=keep_going)
    for path, reason in found.skipped:
        say(f"{printable(path)} {reason}.")
    if output and found.others:
        say(f"{counted(found.others, 'other file')} not copied: only texts are written.")
    for error in found.errors:
        if isinstance(error, OSError):
            say_file_error(error)
        else:
            say_error(str(error))
    return found


FATES = {NotFound.code: "withdrawn", NotEmbeddable.code: "not embeddable"}


def _fate(finding: Finding) -> str:
    """What became of a picture, in a word or two."""
    fate = FATES.get(finding.code, "could not be checked")
    return f"{fate}, or the ID is wrong" if finding.code == NotFound.code else fate


def _fates(report: BuildReport) -> str:
    counts = Counter(FATES.get(error.code, "could not be checked") for _, error in report.failed)
    return ", ".join(f"{number} {fate}" for fate, number in counts.items()) or "none withdrawn"


def _say_findings(report: BuildReport) -> None:
    for finding in report.findings:
        say_finding(finding)


def _page_json(page: Page, delivery: Delivery, **done: Any) -> dict[str, Any]:
    """A text and what was ``done`` with it."""
    problems = [problem.as_json() for problem in page.document.problems]
    content = {} if delivery.writes else {"content": page.document.content}
    return {"file": page.source.name, **done, "problems": problems, **content}


def _embeds_json(page: Page) -> list[dict[str, Any]]:
    return [embed.as_json(time.time()) for embed in page.document.embeds]


def _failed_json(report: BuildReport) -> dict[str, Any]:
    return {"failed": [{"ref": ref, "error": error_json(error)} for ref, error in report.failed]}


def _place(finding: Finding) -> dict[str, Any]:
    return {"file": finding.file, "line": finding.line, "column": finding.column}


def _failure_json(ref: str, error: EmbedKitError, findings: Iterable[Finding]) -> dict[str, Any]:
    places = [_place(one) for one in findings]
    files = list(dict.fromkeys(place["file"] for place in places))
    return {"ref": ref, "error": error_json(error), "files": files, "places": places}


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
    for sign, pictures in (("+", report.added), ("-", report.dropped)):
        for items, tld in pictures:
            click.echo(f"{sign} {','.join(items)} ({tld})")
    _say_findings(report)
    if report.exit_code:
        counts = f"{len(report.added)} missing, {len(report.dropped)} not needed"
        say(f"{printable(report.path)} is out of step: {counts}. Run: embedkit lock DIR")
    if any(one.code in FATES for one in report.findings):
        say("Pictures that are withdrawn or not embeddable can't be locked: remove them from the texts.")


def _keys_json(pictures: Iterable[EmbedKey]) -> list[dict[str, str]]:
    return [{"ref": ",".join(items), "tld": tld} for items, tld in pictures]
