"""Thousands of hostile texts: tokens of the parsers' own vocabulary, repeated alone, in pairs and in triples.

    python -m tests.bench.probes 100000        measures this many by CPU time, then the slowest 50 by instructions

A text of four times the size takes a linear parser four times as long, and a quadratic one sixteen times. Short
texts are enough to distinguish the two. Suspicious ones are measured again with longer texts, and the minimum of
several measurements counts, so that a busy machine does not matter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from time import process_time

from embedkit.errors import EmbedKitError
from embedkit.getty import embed_code, markup, references
from embedkit.shortcodes.scan import find

FRAME = '<iframe src="//embed.gettyimages.com/embed/5?et=a&sig=b" width="300"></iframe>'
LINK = '<a class="gie-single" href="https://www.gettyimages.com/detail/5">Embed from Getty Images</a>'
SPACES = (" ", "\n", "\t", "\r\n", "\n\n", "    ", "\xa0", "&nbsp;")
TAGS = (
    *(
        "[getty ",
        "[getty]",
        "[getty 1]",
        "[[getty 1]]",
        "[[getty 1",
        "[/getty]",
        "[getty=",
        "]",
        "]]",
        "[",
        '[getty a="',
    ),
    *(
        "[getty a=“",
        "[getty src=&quot;",
        "[getty a=«",
        "[GETTY 1,",
        "a=",
        'a="',
        "a='",
        "”",
        "“",
        "«",
        "’",
        "&#8221;",
    ),
    *("&amp;#34;", "width=1 ", "/]", "1,", "\\", "\\]", "\\[", "x", "word "),
)
URLS = (
    *(
        "https://gty.im/",
        "https://gty.im/1",
        "//gty.im/1",
        "\\/\\/gty.im",
        "https:",
        "/",
        "gty.im",
        "\nhttps://gty.im/1\n",
    ),
    *(
        "https://www.gettyimages.com/detail/1",
        "?et=a&sig=b",
        "<https://gty.im/1>",
        '"https://gty.im/1"',
        "'//gty.im/1'",
    ),
)
HTML = (
    *(
        "<",
        ">",
        "<a ",
        "</a>",
        "<a href='",
        '<a b="',
        "='",
        '="',
        "=",
        '"',
        "'",
        "/>",
        "<p>",
        "</p>",
        "<p ",
        "<div>",
    ),
    *(
        "</div>",
        "<figure>",
        "</figure>",
        "<!--",
        "-->",
        "--!>",
        "<!-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!x",
        "</ ",
    ),
    *(
        "<code>",
        "</code>",
        "<pre>",
        "</pre>",
        '<pre class="x">',
        "<svg>",
        "</svg>",
        "<svg/>",
        "<math>",
        "<script>",
    ),
    *(
        "</script>",
        "<script><!--",
        "<style>",
        "</style>",
        "<title>",
        "</title",
        "<textarea>",
        "<xmp>",
        "<noscript>",
    ),
    *(
        "</noscript>",
        "<iframe>",
        "</iframe>",
        "<plaintext>",
        "<code",
        "<svg ",
        "</script ",
        "<3",
        "&lt;",
        "&gt;",
        "&",
    ),
)
EDITORS = (
    *(
        '<oembed url="https://gty.im/1">',
        '<oembed url="//gty.im/1" ',
        "<oembed ",
        "</oembed>",
        '<embed url="//gty.im/1"/>',
    ),
    *('<!-- wp:embed {"url":"https://gty.im/1"} -->', "<!-- /wp:embed -->", "<!-- wp:group -->", "<figcaption>"),
    *("</figcaption>", '<!-- wp:embed {"url":"//gty.im/1"} /-->', 'url="//gty.im/1" '),
)
MARKDOWN = (
    *(
        "`",
        "``",
        "```",
        "```\n",
        "~~~\n",
        "~~~~\n",
        "````\n",
        "\\`",
        "`a`",
        "`<a` ",
        "> ",
        ">",
        "> ~~~\n",
        "> ```\n",
        "- ",
    ),
    *(
        "* ",
        "+ ",
        "1. ",
        "1) ",
        "# ",
        "---\n",
        "***\n",
        "===\n",
        "+++\n",
        "a: b\n",
        "[x](",
        "![x](",
        "](",
        ")",
        "![",
        "[x]: ",
    ),
    *(
        "    a\n",
        "\n    ",
        "- a\n  ",
        "a\n",
        "a\n\n",
        "- a\n",
        "> a\n",
        "\n- ```\n",
        "_",
        "*",
        "| a |\n",
        "<a b='`'>",
    ),
)
CODE = (
    *(
        FRAME,
        LINK,
        "<iframe ",
        "<iframe src='//embed.gettyimages.com/embed/5'>",
        "gie.widgets.load({",
        "items:'5'",
        "})",
    ),
    *(
        "gie(function(){",
        '{"attributes":{',
        '"attributes":',
        "{",
        "}",
        "//embed.gettyimages.com/embed/5?et=a&sig=b ",
    ),
    *(
        "[Embed from Getty Images](",
        "(https://www.gettyimages.com/detail/5)",
        "<div class='getty alignleft'>",
        "<br>",
    ),
    *(
        "<div style='float:left'>",
        "<center>",
        "&lt;iframe ",
        "&amp;amp;",
        "&quot;",
        "#5",
        "View image",
        "Embed from",
    ),
)
VOCABULARY = (*SPACES, *TAGS, *URLS, *HTML, *EDITORS, *MARKDOWN, *CODE)
ENDINGS = (
    " [getty 1]",
    "\n\n[getty 1]",
    "\n\n    [getty 1]",
    "`[getty 1]`",
    "\nhttps://gty.im/1",
    f"\n{FRAME}",
    "",
)
ASKED = ("5",)


def parse(text: str) -> None:
    with suppress(EmbedKitError):
        references.parse(text)


def parse_as(opening: str, closing: str, text: str) -> None:
    parse(f"{opening}{text[:19_000]}{closing}")


def extract(text: str) -> None:
    with suppress(EmbedKitError):
        markup.extract(text[:16_000], ASKED, frozenset({"embed.gettyimages.com"}))


PARSERS: Mapping[str, Callable[[str], object]] = {
    "find html": partial(find, input="html"),
    "find markdown": partial(find, input="markdown"),
    "find text": partial(find, input="text"),
    "convert html": lambda text: embed_code.convert(f"{text}{FRAME}", "html"),
    "convert markdown": lambda text: embed_code.convert(f"{FRAME}{text}", "markdown"),
    "convert text": lambda text: embed_code.convert(f"{FRAME}{text}{FRAME}", "text"),
    "parse": parse,
    "parse shortcode": partial(parse_as, "[", "]"),
    "parse code": partial(parse_as, FRAME, FRAME),
    "extract": extract,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """A text of any size for a parser."""

    parser: str
    before: str
    unit: str
    after: str

    def text(self, size: int) -> str:
        return self.before + self.unit * max(1, size // len(self.unit)) + self.after

    def seconds(self, size: int, times: int) -> float:
        """Return the minimum CPU time of several runs, in seconds."""
        return least(PARSERS[self.parser], self.text(size), times)


def least(work: Callable[[str], object], text: str, times: int) -> float:
    """Return the minimum CPU time of several runs, in seconds."""
    found = []
    for _ in range(times):
        began = process_time()
        work(text)
        found.append(process_time() - began)
    return min(found)


def probes(count: int, seed: int) -> Iterator[Probe]:
    """Yield ``count`` probes: first each token alone, then random pairs and triples, reproducible by seed."""
    random, parsers = Random(seed), list(PARSERS)
    for number in range(count):
        tokens = random.choices(VOCABULARY, k=random.choice((1, 2, 2, 3, 3, 3)))
        before = "".join(random.choices(VOCABULARY, k=random.choice((0, 0, 1, 2))))
        after = "".join(random.choices(VOCABULARY, k=random.choice((0, 0, 1)))) + random.choice(ENDINGS)
        yield Probe(parsers[number % len(parsers)], before, "".join(tokens), after)


SIZE = 2_500  # characters; the larger text is four times as long
GRAIN = 0.002  # seconds; if the larger text takes less, the parser is faster than 5 MB/s
STEEP = 8.0  # a linear parser has 4, a quadratic one 16


def is_steep(seconds: Callable[[int, int], float], size: int = SIZE, grain: float = GRAIN) -> bool:
    """Return whether time grows faster than the text, at this size, twice and four times the size.

    :param seconds: returns the minimum CPU time for a size and a number of tries.
    """
    return all(_is_steep_at(seconds, size * scale, grain) for scale in (1, 2, 4))


def _is_steep_at(seconds: Callable[[int, int], float], size: int, grain: float) -> bool:
    small, large = seconds(size, 3), seconds(4 * size, 1)
    if large < max(grain, STEEP * small):
        return False
    return min(large, seconds(4 * size, 2)) >= max(grain, STEEP * min(small, seconds(size, 3)))


def instructions(probe: Probe, size: int) -> int:
    """Return the instructions of one run, counted by valgrind, minus those for an empty text."""
    code = (
        "import sys; from tests.bench.probes import *\n"
        f"probe = {probe!r}\nwork = PARSERS[probe.parser]; work('a [getty 1]')\nwork(probe.text({size}))"
    )
    return _counted(code) - _counted(code.replace(f"probe.text({size})", "''"))


def _counted(code: str) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    command = [*valgrind, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    line = next(line for line in done.stderr.splitlines() if "refs:" in line)
    return int(line.rpartition("refs:")[2].replace(",", ""))


def main(count: int, seed: int, slowest: int) -> int:
    times: list[tuple[float, Probe]] = []
    steep: list[Probe] = []
    for number, probe in enumerate(probes(count, seed)):
        times.append((probe.seconds(4 * SIZE, 1), probe))
        if times[-1][0] >= GRAIN and is_steep(probe.seconds):
            steep.append(probe)
            print("STEEP", probe, flush=True)
        if number % 10_000 == 9_999:
            print(f"{number + 1} tried, {len(steep)} steep", flush=True)
    times.sort(key=lambda one: -one[0])
    failed = len(steep)
    print(f"\n{count} probes, {failed} steep. The slowest, by instructions at 10,000 and 20,000 characters:")
    for seconds, probe in times[:slowest]:
        half, whole = instructions(probe, 4 * SIZE), instructions(probe, 8 * SIZE)
        failed += whole > 2.3 * half
        print(
            f"{whole / half:5.2f} {whole / 8 / SIZE:8.0f} a character {seconds * 1000:6.1f} ms  {probe}",
            flush=True,
        )
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]] + [100_000, 1, 50][len(sys.argv) - 1 :]
    sys.exit(main(*arguments))
