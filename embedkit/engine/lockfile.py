"""The lock file: records that a build uses without a network, one per line, the same on every run.

It also lists pictures that were withdrawn or may not be embedded, so that a build can show this without a network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from embedkit.errors import ConfigurationError, NotEmbeddable, NotFound, ProviderError
from embedkit.files import atomic
from embedkit.files.atomic import WriteBack, sweep_folder
from embedkit.models import Embed, EmbedKey

VERSION = 1
LOST: dict[str, type[NotFound | NotEmbeddable]] = {kind.code: kind for kind in (NotFound, NotEmbeddable)}

Locked = Mapping[EmbedKey, Embed | ProviderError]


def read(path: str | os.PathLike[str]) -> dict[EmbedKey, Embed | ProviderError]:
    """Read the records of a lock file, and the errors of pictures that were lost when it was written.

    :raises ConfigurationError: if there is none, or it is not a lock file of this version.
    """
    content = read_bytes(path)
    if content is None:
        raise ConfigurationError(
            f"There is no lock file {os.fspath(path)}.", hint="Write one with: embedkit lock DIR"
        )
    return load(content, path)


def read_bytes(path: str | os.PathLike[str]) -> bytes | None:
    """Return the content of a lock file; None if there isn't one.

    :raises ConfigurationError: if it can't be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(path, error) from None


def load(content: bytes, path: str | os.PathLike[str]) -> dict[EmbedKey, Embed | ProviderError]:
    """Parse the content of a lock file.

    :param path: path of the file, for error messages.
    :raises ConfigurationError: if it is not a lock file of this version.
    """
    try:
        lock = json.loads(content.decode("utf-8"))
        if lock["version"] != VERSION:
            raise ValueError(f"version {lock['version']!r} instead of {VERSION}")
        return {**dict(map(_entry, lock["embeds"])), **dict(map(_lost, lock.get("lost", ())))}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, error) from None


def dump(locked: Locked) -> str:
    """Return the text of a lock file: sorted, one record per line, without times."""
    embeds, lost = [], []
    for (items, tld), found in sorted(locked.items(), key=lambda pair: pair[0]):
        if isinstance(found, Embed):
            embeds.append(_line({"tld": tld} | found.as_record(times=False)))
        else:
            lost.append(_line({"tld": tld, "items": items, "code": found.code}))
    gone = f', "lost": [\n{_lines(lost)}]' if lost else ""
    return f'{{"version": {VERSION}, "embeds": [\n{_lines(embeds)}]{gone}}}\n'


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _lines(lines: list[str]) -> str:
    return ",\n".join(lines) + "\n"


def write_back(path: str | os.PathLike[str], read: bytes | None, locked: Locked) -> WriteBack:
    """Replace a lock file atomically, unless it has been changed since it was read.

    :param read: its content, as :func:`read_bytes` returned it.
    """
    sweep_folder(Path(os.path.realpath(path)).parent)
    return atomic.write_back(path, read, dump(locked).encode("utf-8"))


def _broken(path: str | os.PathLike[str], error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The lock file {os.fspath(path)} can't be read ({error}).",
        hint="Restore it, or delete it and run: embedkit lock DIR",
    )


def _entry(line: dict[str, object]) -> tuple[EmbedKey, Embed]:
    tld = line["tld"]
    if not isinstance(tld, str):
        raise ValueError("a record without tld")
    embed = Embed.from_record(line)
    return (embed.ref.items, tld), embed


def _lost(line: dict[str, object]) -> tuple[EmbedKey, ProviderError]:
    items, tld = line["items"], line["tld"]
    if not isinstance(tld, str) or not isinstance(items, list):
        raise ValueError("a lost picture without items or tld")
    ref = ",".join(map(str, items))
    message = "Getty Images already refused this picture when the lock file was written."
    error = LOST[str(line["code"])](message, ref=ref)
    return (tuple(map(str, items)), tld), error
