"""A few iterations of the kill loops; ``python -m tests.support.kill_loops --kills 100`` runs all of them."""

from __future__ import annotations

import pytest

from tests.support.kill_loops import LOOPS, run_loops


@pytest.mark.parametrize("name", [loop.name for loop in LOOPS])
def test_killed_processes_lose_nothing(name: str) -> None:
    (row,) = run_loops(2, 7, [name], ["SIGKILL", "SIGINT"])
    assert row.failures == []
    assert row.runs >= 2
