"""G1, G2: whole builds by generators of sites, with the plugin and without it: 1,000 pages, 500 distinct pictures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench.bench_cold import counts, upstream
from tests.bench.table import Row, exactly, process, quartiles
from tests.support.sites import GENERATORS, Builder, frames
from tests.support.tools import ROOT, python_packages

PAGES, PICTURES, ROUNDS = 1_000, 500, 7


def environment(folder: Path, url: str, builder: Builder) -> dict[str, str]:
    """Settings of a site with a cache of its own."""
    packages = [str(python_packages(*builder.packages))] if builder.packages else []
    return {
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "EMBEDKIT_SECRET": "s" * 40,
        "EMBEDKIT_OEMBED_ENDPOINT": f"{url}/oembed",
        "PYTHONPYCACHEPREFIX": str(folder / "pyc"),
        "PYTHONPATH": os.pathsep.join([*packages, str(ROOT)]),
    }


def measured(name: str, builder: Builder, url: str, folder: Path) -> Iterator[Row]:
    """The calls of a cold and of a warm build, and what the plugin adds to the CPU time of a warm one."""
    for site, plugin in (("with", True), ("without", False)):
        builder.write(folder / site, PAGES, PICTURES, plugin=plugin)
    environ = environment(folder, url, builder)
    ours, other = (partial(process, builder.command, environ, folder / site) for site in ("with", "without"))
    counts(url)
    ours()
    yield Row(
        "G1", f"{name}: upstream calls of a cold build", exactly(counts(url)[0]), PICTURES, PICTURES, unit=""
    )
    assert frames(folder / "with" / builder.output) >= PAGES
    ours(), other()
    yield Row("G1", f"{name}: upstream calls of a warm build", exactly(counts(url)[0]), 0, 0, unit="")
    # the first of two runs is at times the slower one: each side begins every other round
    ratios = [ours() / other() if turn % 2 else 1 / (other() / ours()) for turn in range(ROUNDS)]
    yield Row("G2", f"{name}: warm build with / without the plugin", quartiles(ratios), 1.05, 1.03)


def rows() -> Iterator[Row]:
    """G1 and G2, for each generator."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with upstream() as url, tempfile.TemporaryDirectory(dir=memory) as made:
        for name, builder in GENERATORS.items():
            yield from measured(name, builder, url, Path(made) / name)
