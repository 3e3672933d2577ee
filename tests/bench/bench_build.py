"""H1: a complete warm rebuild of 10,000 posts, compared with copying them, and with micawber."""

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
# The same with micawber and instant responses; it supports URLs, but no shortcodes.
MICAWBER = """
from micawber import Provider, ProviderRegistry, parse_text
from micawber.cache import Cache
answer = {"type": "rich", "title": "A harbour", "html": "x" * 1_600}
provider = Provider("https://embed.gettyimages.com/oembed")
provider.request = lambda url, **extra: answer | {"url": url} | extra
providers = ProviderRegistry(Cache())
providers.register(r"https://(?:gty\\.im|www\\.gettyimages\\.com)/\\S*", provider)
""" + COPY.replace("file.read()", "parse_text(file.read(), providers, urlize_all=False)")


def write(folder: Path, kit: EmbedKit) -> None:
    """Write the posts, and store their pictures in the cache."""
    ids = set()
    for number, post in enumerate(posts(COUNT)):
        place = folder / f"{number // 100:03}" / f"{number:05}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(post.text, "utf-8")
        ids.update(post.ids)
    for id in ids:
        kit.cache.store(record(id), tld="com")


def rows() -> Iterator[Row]:
    """H1: into the folder of the previous build, and into a new one."""
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
        other = ["-c", MICAWBER, f"{made}/posts", f"{made}/other"]
        process(build, environment), process(copy, environment), process(other, environment)
        again, fresh, ahead = [], [], []
        for _ in range(ROUNDS):
            limit = process(copy, environment)
            took = process(build, environment)
            again.append(took / limit)
            ahead.append(process(other, environment) / took)
            shutil.rmtree(folder / "copied"), shutil.rmtree(folder / "built")
            limit = process(copy, environment)
            fresh.append(process(build, environment) / limit)
        yield Row("H1", "rebuild of 10,000 posts, warm / reading and writing", quartiles(again), 5, 2.5)
        yield Row("H1", "micawber, of the URLs alone / this rebuild", quartiles(ahead), 1, None, False)
        yield Row("H1", "the same into an empty folder", quartiles(fresh), 5, 2.5)
