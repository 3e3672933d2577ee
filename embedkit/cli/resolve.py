"""The command for single references: resolve."""

from __future__ import annotations

import time
from typing import Any

import click

from embedkit.cli.output import (
    advise,
    as_json,
    number_option,
    open_kit,
    print_json,
    print_values,
    printable,
    read_refs,
    say,
    say_error,
)
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.kit import EmbedKit
from embedkit.models import AssetRef, Embed, Options, credit_line
from embedkit.targets import TARGETS, Target


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@as_json
@click.option("--target", type=click.Choice(TARGETS), metavar="T", help=f"Print markup for: {', '.join(TARGETS)}.")
@number_option("--max-width", help="The maximum width in pixels.")
@number_option("--max-height", help="The maximum height in pixels.")
def resolve(
    refs: tuple[str, ...], json_: bool, target: Target | None, max_width: int | None, max_height: int | None
) -> int:
    """Show the details or markup of pictures.

    REF is an ID (74917285), up to five IDs separated by commas, a URL (https://gty.im/74917285), a shortcode
    ('[getty 74917285]') or pasted embed code; "-" reads references from stdin, one per line.
    """
    options = Options(max_width=max_width, max_height=max_height, target=target)
    if refs[0] == "[getty" and refs[-1].endswith("]"):
        raise click.UsageError(f"Put the shortcode in quotes: '{' '.join(refs)}'")
    wanted = read_refs(refs)
    with open_kit() as kit:
        for ref in wanted:
            _warn(ref)
        parsed = [_parse(kit, ref, options) for ref in wanted]
        answers = kit.engine.resolve_many(parsed)
        markup = [_markup(kit, *pair) if target else None for pair in zip(parsed, answers, strict=True)]
        if json_:
            records = [_record(kit, *row, target) for row in zip(wanted, answers, markup, strict=True)]
            print_json(records[0] if len(records) == 1 else records)
        else:
            _print(wanted, answers, markup)
            advise(answer.code for answer in answers if isinstance(answer, EmbedKitError))
    return max((answer.exit_code for answer in answers if isinstance(answer, EmbedKitError)), default=0)


def _parse(kit: EmbedKit, ref: str, options: Options) -> AssetRef | UnsupportedReference:
    try:
        found = kit.parse(ref)
    except UnsupportedReference as error:
        return error
    return AssetRef(found.items, options.over(found.options))


def _warn(ref: str) -> None:
    """Report mistakes in a shortcode that is still valid."""
    if ref.strip().startswith("["):
        from embedkit.shortcodes import scan  # most references are not shortcodes

        for found in scan.find(ref, "text"):
            for warning in found.warnings:
                say(f"{printable(ref[:80])}: {warning.detail}")


def _markup(kit: EmbedKit, ref: AssetRef | UnsupportedReference, answer: Embed | EmbedKitError) -> str | None:
    """Return the markup of a picture with the options of its reference; None for an error."""
    if isinstance(ref, UnsupportedReference) or isinstance(answer, EmbedKitError):
        return None
    return str(kit.show(answer, ref.options))


def _record(
    kit: EmbedKit, ref: str, answer: Embed | EmbedKitError, markup: str | None, target: Target | None
) -> dict[str, Any]:
    if isinstance(answer, EmbedKitError):
        return {"ref": ref, "error": answer.as_json()}
    record = answer.as_json(time.time())
    return record | {"target": target, "html": markup, "assets": kit.assets(target)} if target else record


def _print(wanted: list[str], answers: list[Embed | EmbedKitError], markup: list[str | None]) -> None:
    for ref, answer, html in zip(wanted, answers, markup, strict=True):
        if isinstance(answer, EmbedKitError):
            say_error(f"{printable(ref[:80])}: {answer}" if ref.strip() else str(answer))
        elif html is not None:
            click.echo(html)
        else:
            print_values(_values(answer))


def _values(embed: Embed) -> dict[str, str]:
    return {
        "id": str(embed.ref),
        "title": embed.title,
        "credit": credit_line(embed.photographer, embed.collection),
        "size": f"{embed.width} x {embed.height}",
        "caption": embed.caption,
        "page": embed.page_url,
        "shortcode": f"[getty {embed.ref}]",
        "stale": "yes" if embed.stale else "",
    }
