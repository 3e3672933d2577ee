"""H1: a whole warm rebuild of 10,000 posts, against reading and writing them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from embedkit import EmbedKit, Settings
from tests.bench.corpus import posts
from tests.bench.table import Row, process, quartiles
from tests.support.embeds import record

COUNT, ROUNDS = 10_000, 5
COPY = """
import os, sys
source, target = sys.argv[1:]
for parent, _, names in os.walk(source):
    folder = target + parent[len(source):]
    os.makedirs(folder, exist_ok=True)
    for name in names:
        with open(f"{parent}/{name}", encoding="utf-8", newline="") as file:
            text = file.read()
        with open(f"{folder}/{name}", "w", encoding="utf-8", newline="") as file:
            file.write(text)
"""


def write(folder: Path, kit: EmbedKit) -> None:
    """The posts, and copies of their pictures."""
    ids = set()
    for number, post in enumerate(posts(COUNT)):
        place = folder / f"{number // 100:03}" / f"{number:05}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(post.text, "utf-8")
        ids.update(post.ids)
    for id in ids:
        kit.cache.store(record(id), tld="com")


def rows() -> Iterator[Row]:
    """H1: into the folder of the last build, and into a new one."""
    memory = (
        "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    )  # the same files cost up to ten times as much on a disk
    with tempfile.TemporaryDirectory(dir=memory) as made:
        folder, secret = Path(made), "s" * 40
        cache = f"sqlite:{folder / 'cache.sqlite'}"
        with EmbedKit(Settings(cache=cache, secret=secret)) as kit:
            write(folder / "posts", kit)
        environment = {"EMBEDKIT_CACHE": cache, "EMBEDKIT_SECRET": secret, "PYTHONPYCACHEPREFIX": f"{made}/pyc"}
        build = ["-m", "embedkit", "render", f"{made}/posts", "--output", f"{made}/built"]
        copy = ["-c", COPY, f"{made}/posts", f"{made}/copied"]
        process(build, environment), process(copy, environment)
        again, anew = [], []
        for _ in range(ROUNDS):
            limit = process(copy, environment)
            again.append(process(build, environment) / limit)
            shutil.rmtree(folder / "copied"), shutil.rmtree(folder / "built")
            limit = process(copy, environment)
            anew.append(process(build, environment) / limit)
        yield Row("H1", "rebuild of 10,000 posts, warm / reading and writing", quartiles(again), 5, 2.5)
        yield Row("H1", "the same into an empty folder", quartiles(anew), 5, 2.5)
