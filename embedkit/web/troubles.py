"""What each code of an error or of a finding means: the tables of ``troubles.toml``, one row a code.

The page ``/docs``, the README and ``embedkit explain`` are made from these tables, and a test holds them to the
codes that there are.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Trouble(NamedTuple):
    """Why an error comes, what mends it, and when one meets it; as plain text."""

    cause: str
    mend: str
    example: str


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

TROUBLES = {code: Trouble(**row) for code, row in _TABLES["errors"].items()}
FINDINGS = {code: Trouble(**row) for code, row in _TABLES["findings"].items()}
