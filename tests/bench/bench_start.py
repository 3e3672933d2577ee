"""F1, F2: the cost of a new process until its first result, compared with bare Python."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from embedkit import EmbedKit, Settings
from tests.bench.table import Row, process, quartiles
from tests.support.embeds import record

FIRST = """
import sys
from embedkit import EmbedKit
assert "<iframe" in EmbedKit().render("A post: [getty 74917285]")
heavy = {"flask", "requests", "nh3", "bleach", "jinja2"} & set(sys.modules)
assert not heavy, heavy
"""
CASES = {"bare": "pass", "F1": "import embedkit", "F2": FIRST, "flask": "import flask"}
ROUNDS = 15


def rows() -> Iterator[Row]:
    """F1 and F2."""
    with tempfile.TemporaryDirectory() as made:
        cache, secret = f"sqlite:{Path(made) / 'cache.sqlite'}", "s" * 40
        with EmbedKit(Settings(cache=cache, secret=secret)) as kit:
            kit.cache.store(record(), tld="com")
            kit.render("[getty 74917285]")
        environment = {"EMBEDKIT_CACHE": cache, "EMBEDKIT_SECRET": secret, "PYTHONPYCACHEPREFIX": f"{made}/pyc"}
        for code in CASES.values():
            process(["-c", code], environment)  # writes the bytecode
        took: dict[str, list[float]] = {name: [] for name in CASES}
        for _ in range(ROUNDS):
            for name, code in CASES.items():
                took[name].append(process(["-c", code], environment) * 1e3)
        bare = statistics.median(took["bare"])
        over = {name: quartiles([one - bare for one in times]) for name, times in took.items()}
        yield Row("F1", "import embedkit, over bare Python", over["F1"], 1, 0.5, unit="ms")
        yield Row("F2", "import and first warm expansion, over bare Python", over["F2"], 60, 12, unit="ms")
        yield Row("", "import flask, over bare Python, for comparison", over["flask"], None, None, unit="ms")
