"""G1, G2: complete builds with site generators, with and without the plugin: 1,000 pages, 500 pictures."""

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
    """Return the settings of a site with its own cache."""
    packages = [str(python_packages(*builder.packages))] if builder.packages else []
    return {
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "EMBEDKIT_SECRET": "s" * 40,
        "EMBEDKIT_OEMBED_ENDPOINT": f"{url}/oembed",
        "PYTHONPYCACHEPREFIX": str(folder / "pyc"),
        "PYTHONPATH": os.pathsep.join([*packages, str(ROOT)]),
    }


def paste(site: Path, environ: dict[str, str]) -> None:
    """Write the embeds into the posts, so that a build without the plugin creates the same pages."""
    posts = (str(post) for post in site.rglob("*.md"))
    process(("-m", "embedkit", "render", "--in-place", *posts), environ)


def measured(name: str, builder: Builder, url: str, folder: Path) -> Iterator[Row]:
    """The upstream calls of a cold and a warm build, and the CPU time that the plugin adds to a warm one.

    Embeds make pages longer, which costs the generator time with any plugin. So the gate compares with the same
    pages with the embeds pasted into their sources.
    """
    for site in ("with", "pasted", "without"):
        builder.write(folder / site, PAGES, PICTURES, plugin=site == "with")
    environ = environment(folder, url, builder)
    ours, pasted, plain = (
        partial(process, builder.command, environ, folder / site) for site in ("with", "pasted", "without")
    )
    counts(url)
    ours()
    yield Row(
        "G1", f"{name}: upstream calls of a cold build", exactly(counts(url)[0]), PICTURES, PICTURES, unit=""
    )
    paste(folder / "pasted", environ)
    ours(), pasted(), plain()
    yield Row("G1", f"{name}: upstream calls of a warm build", exactly(counts(url)[0]), 0, 0, unit="")
    assert frames(folder / "with" / builder.output) == frames(folder / "pasted" / builder.output) >= PAGES
    rounds = [(ours(), pasted(), plain()) for _ in range(ROUNDS)]
    with_pasted = quartiles([ours / pasted for ours, pasted, _ in rounds])
    yield Row("G2", f"{name}: warm build / the same embeds pasted, no plugin", with_pasted, 1.05, 1.03)
    with_plain = quartiles([ours / plain for ours, _, plain in rounds])
    yield Row("G2", f"{name}: warm build / no pictures, no plugin", with_plain, None, None)


def rows() -> Iterator[Row]:
    """G1 and G2, for each generator."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with upstream() as url, tempfile.TemporaryDirectory(dir=memory) as made:
        for name, builder in GENERATORS.items():
            yield from measured(name, builder, url, Path(made) / name)
