"""Parsing takes linear time for any text, with every parser and every input format."""

from __future__ import annotations

from functools import partial

import pytest

from embedkit.errors import UnsupportedReference
from embedkit.getty import embed_code, references
from embedkit.shortcodes.scan import find
from tests.bench.probes import FRAME, GRAIN, PARSERS, SIZE, Probe, is_steep, least, probes

pytestmark = pytest.mark.slow

# Inputs that once took quadratic time, with the size at which that becomes noticeable.
ONCE = (
    ("find markdown", "", "a \\` ", "[getty 1]", 6_000),
    ("find markdown", "`a` ", "\\` ", "[getty 1]", 6_000),
    ("find markdown", "", "> ~~~\n", "[getty 1]", 12_000),
    ("find markdown", "", "> ```\n", "\n\n    [getty 1]", 12_000),
    ("find markdown", "", "- ", "\n\n      [getty 1]", 25_000),
    ("find markdown", ">" * 25_000, "``` ", "[getty 1]", 25_000),
    ("find html", "<code>", '<!-- wp:embed {"url":"//gty.im/1"} -->', "<!-- /wp:embed --> [getty 1]", 12_000),
    ("find html", "", '<!-- wp:embed {"url":"//gty.im/1"} -->', '<a title="<!-- /wp:embed -->">', 12_000),
    ("find html", "<oembed ", 'url="https://gty.im/1" ', "", 12_000),
    ("find html", "<p>\n", "https://gty.im/1\n", "", 12_000),
    ("find markdown", "", "https://gty.im/1</p>", "", 100_000),
    ("find text", "", "https://gty.im/", "", 25_000),
    ("convert markdown", "", "a \\` ", FRAME, 6_000),
    ("convert markdown", "", "> ~~~\n", FRAME, 12_000),
    ("convert markdown", "", '\\<embed a="b" c="', FRAME, 6_000),
)


@pytest.mark.parametrize(
    ("parser", "before", "unit", "after", "size"), ONCE, ids=[f"{one[0]} {one[2]!r}" for one in ONCE]
)
def test_inputs_that_once_took_quadratic_time(parser: str, before: str, unit: str, after: str, size: int) -> None:
    assert not is_steep(Probe(parser, before, unit, after).seconds, size, grain=0.005)


def test_two_thousand_probes() -> None:
    slow = [probe for probe in probes(2_000, seed=1) if probe.seconds(4 * SIZE, 1) >= GRAIN]
    assert [probe for probe in slow if is_steep(probe.seconds)] == []


def test_a_quadratic_parser_is_detected() -> None:
    assert is_steep(lambda size, times: 1e-8 * size**2)
    assert not is_steep(lambda size, times: 1e-5 * size)


@pytest.mark.parametrize("input", ["html", "markdown", "text"])
def test_a_run_of_urls_is_faster_than_separate_urls(input: str) -> None:
    """Each URL used to be read to its end, 2,048 characters, before the text before it was checked."""
    apart, flood = "x https://gty.im/1\n" * 20_000, "https://gty.im/" * 25_000
    work = partial(find, input=input)
    assert least(work, flood, 3) < least(work, apart, 3)


@pytest.mark.parametrize(
    "text", ["7" * 10**7, "https://gty.im/" * 10**6, "[getty 1" * 10**6, " " * 10**7 + "x" * 21_000]
)
def test_an_overlong_reference_is_rejected_because_of_its_length(text: str) -> None:
    with pytest.raises(UnsupportedReference, match="characters is too long"):
        references.parse(text)


HUGE = f"&#{'9' * 5_000};"


def test_a_reference_of_five_thousand_digits_is_not_a_character() -> None:
    """The standard library raises ValueError for it (sys.get_int_max_str_digits())."""
    with pytest.raises(UnsupportedReference, match="more than embed code"):
        references.parse(f"{FRAME}{HUGE}")
    block = '<!-- wp:embed {"url":"https://gty.im/1"} --><figcaption>%s</figcaption><!-- /wp:embed -->'
    assert [one.reference for one in find(block % HUGE)] == ["https://gty.im/1"]
    assert embed_code.convert(f"{HUGE}{FRAME}").converted == 1


def test_every_parser_has_probes() -> None:
    assert {probe.parser for probe in probes(100, seed=1)} == set(PARSERS)
