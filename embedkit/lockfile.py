"""The build lock: records that a build may use with no network, one line each, the same at every run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from embedkit import records
from embedkit.errors import ConfigurationError
from embedkit.models import Embed
from embedkit.replacing import replace_text

VERSION = 1

Picture = tuple[tuple[str, ...], str]
"""What is asked for once: the asset ids, in order, and the tld."""


def read(path: str | os.PathLike[str]) -> dict[Picture, Embed]:
    """The records of a lock file.

    :raises ConfigurationError: where there is none, or it is no lock file of this version.
    """
    try:
        lock = json.loads(Path(path).read_text("utf-8"))
        if lock["version"] != VERSION:
            raise ValueError(f"version {lock['version']!r} instead of {VERSION}")
        return dict(_entry(line) for line in lock["embeds"])
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no lock file {os.fspath(path)}.", hint="Write one with: embedkit lock DIR"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"The lock file {os.fspath(path)} cannot be read ({error}).",
            hint="Restore it, or delete it and run: embedkit lock DIR",
        ) from None


def dump(embeds: Mapping[Picture, Embed]) -> str:
    """The text of a lock file: sorted, a line a record, without times."""
    lines = [
        json.dumps(
            {"tld": tld} | records.dump(embed, times=False),
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        for (_, tld), embed in sorted(embeds.items())
    ]
    body = ",\n".join(lines)
    return f'{{"version": {VERSION}, "embeds": [\n{body}\n]}}\n'


def write(path: str | os.PathLike[str], embeds: Mapping[Picture, Embed]) -> None:
    """Replace a lock file, whole or not at all."""
    replace_text(Path(path), dump(embeds))


def _entry(line: dict[str, object]) -> tuple[Picture, Embed]:
    tld = line["tld"]
    if not isinstance(tld, str):
        raise ValueError("a record without tld")
    embed = records.load(line)
    return (embed.ref.items, tld), embed
