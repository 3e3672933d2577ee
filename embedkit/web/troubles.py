"""The cause, fix and example for each error or finding code, read from the tables in ``troubles.toml``.

The ``/docs`` page, the README and ``embedkit explain`` are generated from these tables. A test checks that they
cover every code.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Trouble(NamedTuple):
    """The cause of an error, how to fix it, and an example that triggers it, as plain text."""

    cause: str
    fix: str
    example: str


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

TROUBLES = {code: Trouble(**row) for code, row in _TABLES["errors"].items()}
FINDINGS = {code: Trouble(**row) for code, row in _TABLES["findings"].items()}
