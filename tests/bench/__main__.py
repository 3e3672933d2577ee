"""``python -m tests.bench [ROW…]`` prints a table of measurements, with their gates and goals.

Every figure is a ratio within this run (or a count, or a time if that is the goal): the CPU time of two
alternating measurements, as median and quartiles. A gate holds if both the median and the less favorable quartile
meet it. pytest does not collect these benchmarks, since they would fail on a busy machine.
"""

from __future__ import annotations

import sys

from tests.bench import (
    bench_build,
    bench_cache,
    bench_cold,
    bench_hosts,
    bench_markup,
    bench_picker,
    bench_start,
    bench_texts,
    bench_web,
)
from tests.bench.table import HEAD

BENCHES = {
    "A": bench_texts,
    "B": bench_markup,
    "C": bench_cache,
    "D": bench_web,
    "E": bench_cold,
    "F": bench_start,
    "G": bench_hosts,
    "H": bench_build,
    "P": bench_picker,
}


def main(wanted: list[str]) -> int:
    if unknown := [one for one in wanted if one[:1] not in BENCHES]:
        sys.exit(f"{' '.join(unknown)}: not a row; rows begin with one of {' '.join(BENCHES)}")
    print(HEAD)
    failed = 0
    for letter, bench in BENCHES.items():
        if not wanted or any(one.startswith(letter) for one in wanted):
            for row in bench.rows():
                print(row, flush=True)
                failed += row.verdict == "FAIL"
    print(f"{failed} gates do not hold" if failed else "every gate holds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
