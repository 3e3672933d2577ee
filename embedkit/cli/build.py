"""Commands about texts in files and folders: render, check, warm, lock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from embedkit import errors, serialization
from embedkit.cli.console import (
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
    say_problem,
    worst,
)
from embedkit.cli.files import Failures, Text, read_texts
from embedkit.cli.output import Way
from embedkit.engine import lockfile
from embedkit.errors import EmbedKitError, NotEmbeddable, NotFound
from embedkit.files.atomic import Outcome
from embedkit.getty import sizes
from embedkit.kit import EmbedKit
from embedkit.models import AssetRef, Document, Embed, EmbedKey
from embedkit.targets import INPUTS, TARGETS, Input, Target

EXIT_CODES = {
    kind.code: kind.exit_code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ProviderError)
}
folders = click.argument("folders", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="DIR...")
input_option = click.option(
    "--input",
    "input_",
    type=click.Choice(INPUTS),
    help="The format; by default by the file's name (stdin: html).",
)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[FILE|DIR|-]...")
@input_option
@click.option("--target", type=click.Choice(TARGETS), metavar="T", help=f"One of {', '.join(TARGETS)}.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write there.")
@click.option("--in-place", is_flag=True, help="Change the files.")
@click.option("--check", is_flag=True, help="Write nothing; tell problems and exit with their code.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option("--strict", is_flag=True, help="Exit with the code of the worst problem.")
@click.option("--frozen", is_flag=True, help="Read the lock file alone: no cache, no network.")
@as_json
def render(
    files: tuple[str, ...],
    input_: Input | None,
    target: Target | None,
    output: Path | None,
    in_place: bool,
    check: bool,
    diff: bool,
    strict: bool,
    frozen: bool,
    json_: bool,
) -> int:
    """Replace every reference in texts by its embed.

    A filter from stdin to stdout, unless files or folders are named. Of a folder the texts are read
    (.md .html .txt and the like) and nothing else. Problems go to stderr.
    """
    way = Way(output, in_place=in_place, check=check, diff=diff, json=json_)
    texts = read_texts(files, input_, output=output, failures=(failures := Failures()))
    with way.delivery(texts) as delivery, open_kit(**({"frozen": True} if frozen else {})) as kit:
        with progress("Resolving") as step:
            wanted = [(text.content, text.input) for text in texts]
            rendered = kit.documents(wanted, target=target, progress=step)
        for text, document in zip(texts, rendered, strict=True):
            delivery.deliver(text, document.content)
        if json_:
            print_json({"texts": [_shown(*pair, way) for pair in zip(texts, rendered, strict=True)]})
        else:
            _tell_problems(texts, rendered, frozen=kit.settings.frozen)
        found = _exit_code(rendered, strict=check or strict, frozen=kit.settings.frozen)
    return worst([found, delivery.code, failures.code])


@click.command()
@folders
@input_option
@as_json
def check(folders: tuple[str, ...], input_: Input | None, json_: bool) -> int:
    """Find pictures in texts that are withdrawn or not embeddable.

    Getty is asked anew for every one. DIR is a folder or a file.
    """
    texts = read_texts(folders, input_)
    with open_kit() as kit:
        places = _places(kit, texts)
        with progress("Checking") as step:
            found = kit.records([ref for ref, _ in places], refresh=True, progress=step)
    failed = _failed(found)
    lost = {ref: error for ref, error in failed.items() if isinstance(error, NotFound | NotEmbeddable)}
    where = {ref: [place for one, place in places if str(one) == ref] for ref in failed}
    if json_:
        findings = [{"ref": ref, "error": error_json(failed[ref]), "files": where[ref]} for ref in failed]
        print_json({"distinct": len(found), "findings": findings})
    else:
        for ref, error in failed.items():
            click.echo(f"{ref}: {error.code}: {', '.join(map(printable, where[ref]))}")
        say(f"{counted(len(found), 'picture')}, {len(lost)} lost, {len(failed) - len(lost)} could not be checked.")
        advise(error.code for error in failed.values())
    return worst([1 if ref in lost else error.exit_code for ref, error in failed.items()])


@click.command()
@folders
@input_option
@as_json
def warm(folders: tuple[str, ...], input_: Input | None, json_: bool) -> int:
    """Fetch what texts need, so that rendering asks for nothing.

    DIR is a folder or a file.
    """
    texts = read_texts(folders, input_)
    with open_kit() as kit, progress("Warming") as step:
        report = kit.warm([(text.content, text.input) for text in texts], progress=step)
    if json_:
        failed = [{"ref": ref, "error": error_json(error)} for ref, error in report.failed]
        counts = {"distinct": report.distinct, "fetched": report.fetched, "stale": report.stale}
        print_json(counts | {"failed": failed})
    else:
        for ref, error in report.failed:
            say_error(f"{ref}: {error}")
        click.echo(
            f"{counted(report.distinct, 'picture')}: {report.fetched} fetched, {report.stale} stale,"
            f" {len(report.failed)} failed."
        )
        advise(error.code for _, error in report.failed)
    return worst([error.exit_code for _, error in report.failed])


@click.command()
@folders
@input_option
@click.option("--refresh", is_flag=True, help="Ask again for the pictures that are locked already.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the lock file is out of step.")
@as_json
def lock(folders: tuple[str, ...], input_: Input | None, refresh: bool, check: bool, json_: bool) -> int:
    """Write the records that texts need into the lock file.

    With it, render --frozen needs no network. Locked records are kept, new ones added, those that no
    text needs any more dropped: name all folders of a site at once. DIR is a folder or a file.
    """
    texts = read_texts(folders, input_)
    with open_kit(frozen=False) as kit:
        path = Path(kit.settings.lockfile)
        before = lockfile.read_bytes(path)
        held = {} if before is None else lockfile.load(before, path)
        refs = [ref for ref, _ in _places(kit, texts)]
        wanted = {kit.key(ref) for ref in refs}
        if check:
            return _tell_lock_check(path, held, wanted, json_)
        ask = [ref for ref in refs if refresh or not _large_enough(held.get(kit.key(ref)), ref)]
        with progress("Locking") as step:
            found = kit.records(ask, refresh=refresh, progress=step)
    lost = {picture for picture, one in found.items() if isinstance(one, NotFound | NotEmbeddable)}
    locked = {
        picture: one
        for picture, one in {**held, **found}.items()
        if picture in wanted and picture not in lost and isinstance(one, Embed)
    }
    for picture in wanted & held.keys() - locked.keys() - lost:  # Getty is down: what was locked stays
        locked[picture] = held[picture]
    done = lockfile.write_back(path, before, locked)
    for note in done.notes:
        say(f"{printable(path)} {note}.")
    if done.outcome is Outcome.CHANGED_MEANWHILE:
        say_changed(path)
        return worst([1, *(error.exit_code for error in _failed(found).values())])
    return _tell_lock(path, held, locked, _failed(found), json_)


def _shown(text: Text, document: Document, way: Way) -> dict[str, Any]:
    problems = [asdict(problem) for problem in document.problems]
    embeds = [serialization.public(embed, time.time()) for embed in document.embeds]
    content = {} if way.writes else {"content": document.content}
    return {"file": text.place, "embeds": embeds, "problems": problems} | content


def _tell_problems(texts: Iterable[Text], rendered: Iterable[Document], *, frozen: bool) -> None:
    found = [
        (text, problem) for text, document in zip(texts, rendered, strict=True) for problem in document.problems
    ]
    for text, problem in found:
        say_problem(text.place, problem)
    if not frozen:
        advise(problem.code for _, problem in found)


def _exit_code(rendered: Iterable[Document], *, strict: bool, frozen: bool) -> int:
    codes = [problem.code for document in rendered for problem in document.problems]
    if frozen:  # the build is not what it was locked to be
        return 1 if any(code in EXIT_CODES for code in codes) or (strict and codes) else 0
    return worst([EXIT_CODES.get(code, 1) for code in codes]) if strict else 0


def _places(kit: EmbedKit, texts: Iterable[Text]) -> list[tuple[AssetRef, str]]:
    return [(ref, text.place) for text in texts for ref in kit.find(text.content, input=text.input)]


def _failed(found: Mapping[EmbedKey, Embed | EmbedKitError]) -> dict[str, EmbedKitError]:
    return {",".join(items): one for (items, _), one in found.items() if isinstance(one, EmbedKitError)}


def _large_enough(held: Embed | None, ref: AssetRef) -> bool:
    return held is not None and sizes.satisfies(held, ref.options)


def _tell_lock(
    path: Path,
    held: Mapping[EmbedKey, Embed],
    locked: Mapping[EmbedKey, Embed],
    failed: Mapping[str, EmbedKitError],
    json_: bool,
) -> int:
    added, dropped = len(locked.keys() - held.keys()), len(held.keys() - locked.keys())
    if json_:
        errors_ = [{"ref": ref, "error": error_json(error)} for ref, error in failed.items()]
        print_json({"locked": len(locked), "added": added, "dropped": dropped, "failed": errors_})
    else:
        for ref, error in failed.items():
            say_error(f"{ref}: {error}")
        click.echo(f"{printable(path)}: {counted(len(locked), 'picture')}, {added} added, {dropped} dropped.")
        advise(error.code for error in failed.values())
    return worst([error.exit_code for error in failed.values()])


def _tell_lock_check(path: Path, held: Mapping[EmbedKey, Embed], wanted: set[EmbedKey], json_: bool) -> int:
    missing, unused = sorted(wanted - held.keys()), sorted(held.keys() - wanted)
    if json_:
        print_json({"missing": _named(missing), "not_needed": _named(unused)})
        return 1 if missing or unused else 0
    for sign, pictures in (("+", missing), ("-", unused)):
        for items, tld in pictures:
            click.echo(f"{sign} {','.join(items)} ({tld})")
    if missing or unused:
        counts = f"{len(missing)} missing, {len(unused)} not needed"
        say(f"{printable(path)} is out of step: {counts}. Run: embedkit lock DIR")
    return 1 if missing or unused else 0


def _named(pictures: Iterable[EmbedKey]) -> list[dict[str, str]]:
    return [{"ref": ",".join(items), "tld": tld} for items, tld in pictures]
