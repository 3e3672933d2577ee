"""Commands about single references: resolve, convert."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from embedkit import records
from embedkit.cli.console import as_json, error_json, open_kit, print_json, say, say_error, show_diff, worst
from embedkit.cli.files import read_texts, write_text
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.kit import EmbedKit
from embedkit.models import TARGETS, AssetRef, Embed, Options, Target


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@as_json
@click.option("--target", type=click.Choice(TARGETS), help="Print the markup for this target.")
@click.option("--max-width", type=click.IntRange(1), metavar="N", help="No wider than N pixels.")
@click.option("--max-height", type=click.IntRange(1), metavar="N", help="No higher than N pixels.")
def resolve(
    refs: tuple[str, ...], json_: bool, target: Target | None, max_width: int | None, max_height: int | None
) -> int:
    """Look up pictures by id, list, address, shortcode or pasted embed code.

    REF - reads references from stdin, one on each line.
    """
    said = Options(max_width=max_width, max_height=max_height, target=target)
    wanted = [
        line for ref in refs for line in (sys.stdin.read().splitlines() if ref == "-" else [ref]) if line.strip()
    ]
    with open_kit() as kit:
        asked = [_asked(kit, ref, said) for ref in wanted]
        found = iter(kit.resolve_many([one for one in asked if isinstance(one, AssetRef)]))
        answers = [next(found) if isinstance(one, AssetRef) else one for one in asked]
        shown = [_shown(kit, ref, answer, said) for ref, answer in zip(wanted, answers, strict=True)]
        if json_:
            print_json(shown[0] if len(shown) == 1 else shown)
        else:
            _print(kit, wanted, answers, said)
    return worst([answer.exit_code for answer in answers if isinstance(answer, EmbedKitError)])


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE|DIR|-]...")
@click.option("--in-place", is_flag=True, help="Change the files.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if there is something to convert.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
def convert(files: tuple[str, ...], in_place: bool, check: bool, diff: bool) -> int:
    """Turn pasted embed code back into shortcodes.

    A filter from stdin to stdout, unless files are named. Everything else in a text stays as it is.
    """
    from embedkit.getty import pasted

    texts = read_texts(files, None)
    if len(texts) > 1 and not (in_place or check or diff):
        raise click.UsageError("Several files: say --in-place, --diff or --check.")
    total = 0
    for text in texts:
        content, count = pasted.convert(text.content)
        total += count
        if diff and count:
            show_diff(text.place, text.content, content)
        elif in_place and text.path and count:
            write_text(text.path, content)
        elif not (diff or check or in_place):
            click.echo(content, nl=False)
        if (check or in_place) and count:
            say(f"{text.place}: {count} to convert" if check else f"{text.place}: {count} converted")
    return 1 if check and total else 0


def _asked(kit: EmbedKit, ref: str, said: Options) -> AssetRef | UnsupportedReference:
    try:
        parsed = kit.parse(ref)
    except UnsupportedReference as error:
        return error
    return AssetRef(parsed.items, said.over(parsed.options))


def _shown(kit: EmbedKit, ref: str, answer: Embed | EmbedKitError, said: Options) -> dict[str, Any]:
    if isinstance(answer, EmbedKitError):
        return {"ref": ref, "error": error_json(answer)}
    record = records.public(answer, time.time())
    if said.target:
        record |= {"target": said.target, "html": str(kit.show(answer, said)), "assets": kit.assets(said.target)}
    return record


def _print(kit: EmbedKit, wanted: list[str], answers: list[Embed | EmbedKitError], said: Options) -> None:
    for ref, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, EmbedKitError):
            say_error(f"{ref[:80]}: {answer}")
        elif said.target:
            click.echo(str(kit.show(answer, said)))
        else:
            click.echo(_readable(answer))


def _readable(embed: Embed) -> str:
    rows = {
        "id": str(embed.ref),
        "title": embed.title,
        "credit": " / ".join(part for part in (embed.photographer, embed.collection) if part),
        "size": f"{embed.width} x {embed.height}",
        "caption": embed.caption,
        "page": embed.page_url,
        "shortcode": f"[getty {embed.ref}]",
        "stale": "yes" if embed.stale else "",
    }
    return "\n".join(f"{name:10} {value}" for name, value in rows.items() if value)
