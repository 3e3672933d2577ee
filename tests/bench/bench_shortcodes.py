"""The speed of the scanner, compared with plain searches of the same texts in the same run.

    python -m tests.bench.bench_shortcodes

A1  warm expansion, compared with a find loop that ignores context   (gate 0.35)
A3  posts without embeds, compared with three literal searches       (gate 0.85)
A5  growth over hostile texts, as an exponent, and the slowest at 400,000 characters (gates 1.05, 40 ms)
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

from embedkit.shortcodes.scan import find, replace
from embedkit.targets import Input
from tests.bench.corpus import Post, posts
from tests.bench.hostile import FAMILIES

TAG = re.compile(r"\[getty (?:src=[\"']?)?([0-9]+)[^\]]*\]|\[getty[^\]]*\]([0-9]+)\[/getty\]")
URL = re.compile(r"(?:https://gty\.im/|https://www\.gettyimages\.com/detail/[^\s]*?)([0-9]+)$", re.MULTILINE)


def expand(text: str, html: dict[str, str], input: Input) -> str:
    """Expand a text as a service does with a warm cache: find, look up, replace."""
    return replace(
        text,
        [
            (one.start, one.end, html.get(one.reference.rpartition("/")[2], ""))
            for one in find(text, input)
            if one.kind != "escape" and one.problem is None
        ],
    )


def find_loop(text: str, html: dict[str, str]) -> str:
    """Expand a text without regard to context, and only the forms in the corpus: the theoretical limit."""
    edits = []
    place = text.find("[getty")
    while place >= 0:
        if tag := TAG.match(text, place):
            edits.append((place, tag.end(), html.get(tag[1] or tag[2], "")))
        place = text.find("[getty", place + 6)
    for literal in ("https://gty.im/", "https://www.gettyimages."):
        place = text.find(literal)
        while place >= 0:
            if (not place or text[place - 1] == "\n") and (url := URL.match(text, place)):
                edits.append((place, url.end(), html.get(url[1], "")))
            place = text.find(literal, place + 6)
    edits.sort()
    return replace(text, edits)


def probes(text: str) -> bool:
    """Check, as cheaply as possible, whether there is anything to expand."""
    return "[getty" in text or "gty.im" in text or "gettyimages" in text


def seconds(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def ratio(reference: Callable[[], object], work: Callable[[], object], rounds: int = 15) -> list[float]:
    """Return the quartiles of reference / work, measured alternately; above 1 is faster than the reference."""
    both = [(seconds(reference), seconds(work)) for _ in range(rounds + 2)][2:]
    found = sorted(one / other for one, other in both)
    return [found[rounds // 4], median(found), found[3 * rounds // 4]]


def show(name: str, quartiles: list[float]) -> None:
    print(f"{name:44}", "  ".join(f"{value:5.2f}" for value in quartiles))


def expansion(mixed: list[Post], input: Input) -> None:
    html = {
        id: f'<figure class="embedkit"><a href="https://gty.im/{id}">x</a></figure>'
        for post in mixed
        for id in post.ids
    }
    show(
        f"A1 expansion, {input}",
        ratio(
            lambda: [find_loop(post.text, html) for post in mixed],
            lambda: [expand(post.text, html, input) for post in mixed],
        ),
    )


def growth(text: Callable[[int], str], input: Input) -> tuple[float, float]:
    """Return the exponent of growth from 200,000 to 400,000 characters, and the milliseconds at 400,000."""
    half, whole = text(200_000), text(400_000)
    times = [min(seconds(partial(find, one, input)) for _ in range(5)) for one in (half, whole)]
    return math.log2(max(times[1], 1e-6) / max(times[0], 1e-6)), times[1] * 1000


def main(count: int) -> None:
    mixed, plain = posts(count), posts(count, embeds=False, seed=2)
    size = sum(len(post.text) for post in mixed) / count
    print(f"{count} posts of {size:.0f} characters; quartiles of reference / ours\n")
    for input in ("markdown", "html", "text"):
        expansion(mixed, input)
    for input in ("markdown", "html"):
        show(
            f"A3 no embeds, {input}",
            ratio(
                lambda: [probes(post.text) for post in plain],
                lambda input=input: [find(post.text, input) for post in plain],
            ),
        )
    print("\nA5 hostile texts: exponent, ms at 400,000 characters")
    for name, text in FAMILIES.items():
        for input in ("html", "markdown"):
            exponent, milliseconds = growth(text, input)
            print(f"{name:30} {input:9} {exponent:5.2f} {milliseconds:7.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
