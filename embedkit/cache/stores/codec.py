"""Strings, bytes and JSON values as bytes, for every store of ours. Never pickle: a planted entry must not run.

One letter tells what follows. Whole numbers are plain digits, which Redis can count with (INCRBY).
"""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> bytes:
    """A value as bytes.

    :raises TypeError: where it is neither a string, bytes nor JSON.
    """
    if isinstance(value, bytes):
        return b"b" + value
    if type(value) is int:  # a bool is no number here
        return b"%d" % value
    if isinstance(value, str):
        try:
            return b"s" + value.encode()
        except UnicodeEncodeError:  # lone surrogates, which JSON can escape
            pass
    return b"j" + json.dumps(value, separators=(",", ":")).encode()


def load(data: bytes) -> Any:
    """The value that :func:`dump` wrote.

    :raises ValueError: for anything else.
    """
    kind, rest = data[:1], data[1:]
    if kind == b"b":
        return rest
    if kind == b"s":
        return rest.decode()
    if kind == b"j":
        try:
            return json.loads(rest)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return int(data)


def load_or_none(data: Any) -> Any:
    """The value that :func:`dump` wrote; None for nothing and for anything else."""
    try:
        return load(bytes(data)) if data is not None else None
    except (ValueError, TypeError):
        return None
