"""The build lock: records that a build may use with no network, one line each, the same at every run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from embedkit import serialization
from embedkit.errors import ConfigurationError
from embedkit.files import atomic
from embedkit.files.atomic import WriteBack, sweep_folder
from embedkit.models import Embed, EmbedKey

VERSION = 1


def read(path: str | os.PathLike[str]) -> dict[EmbedKey, Embed]:
    """The records of a lock file.

    :raises ConfigurationError: if there is none, or it is not a lock file of this version.
    """
    content = read_bytes(path)
    if content is None:
        raise ConfigurationError(
            f"There is no lock file {os.fspath(path)}.", hint="Write one with: embedkit lock DIR"
        )
    return load(content, path)


def read_bytes(path: str | os.PathLike[str]) -> bytes | None:
    """What is in a lock file; None where there is none.

    :raises ConfigurationError: where it can't be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(path, error) from None


def load(content: bytes, path: str | os.PathLike[str]) -> dict[EmbedKey, Embed]:
    """The records in the bytes of a lock file.

    :param path: of the file, for the message of an error.
    :raises ConfigurationError: if it is not a lock file of this version.
    """
    try:
        lock = json.loads(content.decode("utf-8"))
        if lock["version"] != VERSION:
            raise ValueError(f"version {lock['version']!r} instead of {VERSION}")
        return dict(_entry(line) for line in lock["embeds"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, error) from None


def dump(embeds: Mapping[EmbedKey, Embed]) -> str:
    """The text of a lock file: sorted, a line a record, without times."""
    lines = [
        json.dumps(
            {"tld": tld} | serialization.dump(embed, times=False),
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        for (_, tld), embed in sorted(embeds.items())
    ]
    body = ",\n".join(lines)
    return f'{{"version": {VERSION}, "embeds": [\n{body}\n]}}\n'


def write_back(path: str | os.PathLike[str], read: bytes | None, embeds: Mapping[EmbedKey, Embed]) -> WriteBack:
    """Replace a lock file, whole or not at all, unless it is not what was read any more.

    :param read: what :func:`read_bytes` gave.
    """
    sweep_folder(Path(os.path.realpath(path)).parent)
    return atomic.write_back(path, read, dump(embeds).encode("utf-8"))


def _broken(path: str | os.PathLike[str], error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The lock file {os.fspath(path)} can't be read ({error}).",
        hint="Restore it, or delete it and run: embedkit lock DIR",
    )


def _entry(line: dict[str, object]) -> tuple[EmbedKey, Embed]:
    tld = line["tld"]
    if not isinstance(tld, str):
        raise ValueError("a record without tld")
    embed = serialization.load(line)
    return (embed.ref.items, tld), embed
