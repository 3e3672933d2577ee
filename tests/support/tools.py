"""What several test files share: tools that must be there, and the folder of reference data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


def need(tool: str) -> str:
    """The path of a program; where it is missing, CI fails and a laptop skips."""
    if path := shutil.which(tool):
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


def reference_dir() -> Path:
    """The folder that REFERENCE_DIR names, with the large corpora; tests over them skip without it."""
    if folder := os.environ.get("REFERENCE_DIR"):
        return Path(folder)
    pytest.skip("REFERENCE_DIR is not set")
