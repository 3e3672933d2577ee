"""The rows of the table: measurements with their gates and goals."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement with its quartiles. The median and the less favorable quartile must meet ``gate``.

    ``most`` makes the gate a maximum, otherwise it is a minimum.
    """

    id: str
    what: str
    quartiles: tuple[float, float, float]
    gate: float | None
    goal: float | None
    most: bool = True
    unit: str = "x"

    def holds(self, limit: float) -> bool:
        low, middle, high = self.quartiles
        return max(middle, high) <= limit if self.most else min(middle, low) >= limit

    @property
    def verdict(self) -> str:
        if self.gate is None:
            return ""
        if self.goal is not None and self.holds(self.goal):
            return "goal"
        return "gate" if self.holds(self.gate) else "FAIL"

    def __str__(self) -> str:
        low, middle, high = self.quartiles
        sign = "<=" if self.most else ">="
        limits = ["" if limit is None else f"{sign} {limit:g}" for limit in (self.gate, self.goal)]
        return (
            f"{self.id:3} {self.what:58} {middle:9.2f} {self.unit:3} ({low:.2f} to {high:.2f})".ljust(98)
            + f"{limits[0]:>10} {limits[1]:>10}  {self.verdict}"
        )


HEAD = f"{'':3} {'':58} {'median':>9}     (quartiles)".ljust(98) + f"{'gate':>10} {'goal':>10}"


def quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(samples) == 1:
        return samples[0], samples[0], samples[0]
    low, middle, high = statistics.quantiles(samples, n=4)
    return low, middle, high


def exactly(number: float) -> tuple[float, float, float]:
    """Return a count as quartiles that are all the same."""
    return number, number, number


def seconds(work: Work, times: int = 1) -> float:
    """Return the CPU time of one call."""
    began = process_time()
    for _ in range(times):
        work()
    return (process_time() - began) / times


def ratios(one: Work, other: Work, *, times: int = 1, rounds: int = 15) -> tuple[float, float, float]:
    """Return the quartiles of one's time divided by the other's, measured alternately after two warm-up rounds."""
    both = [(seconds(one, times), seconds(other, times)) for _ in range(rounds + 2)][2:]
    return quartiles([first / second for first, second in both])


def surroundings() -> dict[str, str]:
    """Return the environment of a measured process: without settings, and with bytecode enabled."""
    skipped = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if not name.startswith(("EMBEDKIT_", skipped))}


def process(command: Sequence[str], environment: dict[str, str], folder: Path | None = None) -> float:
    """Return the CPU seconds of a complete process.

    :param folder: its working directory; by default the current one.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *command]
    subprocess.run(command, cwd=folder, env=surroundings() | environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
