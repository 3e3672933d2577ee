"""References in a text: the scanner's candidates, parsed; and the text with them replaced. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.getty import references
from embedkit.models import AssetRef, Options, Problem, Shortcode
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT, Budget
from embedkit.shortcodes.scan import Positions
from embedkit.shortcodes.tag import is_escaped
from embedkit.targets import ROWS, Input, Target


class Match(NamedTuple):
    """A candidate and, if it names pictures, their reference with the author's options."""

    shortcode: Shortcode
    ref: AssetRef | None
    problems: tuple[Problem, ...]

    def options(self, target: Target | None) -> Options:
        """How to show it: a page's author may choose the target, a feed's or a mail's may not."""
        wanted = self.ref.options if self.ref else Options()
        if wanted.target and ROWS[wanted.target].on_page and ROWS[target or "web"].on_page:
            return wanted
        return wanted if wanted.target == target else replace(wanted, target=target)


def find(text: str, input: Input, budget: Budget = DOCUMENT) -> list[Match]:
    """Everything in a text that asks for a picture, in order, with what is wrong with it."""
    positions = Positions(text)
    found = (parse(shortcode, positions) for shortcode in scan.find(text, input, budget))
    return [match for match in found if match is not None]


def parse(shortcode: Shortcode, positions: Positions) -> Match | None:
    """A candidate with its reference; None for a URL on a line of its own that leads elsewhere."""
    if shortcode.problem is not None:
        return Match(shortcode, None, (shortcode.problem, *shortcode.warnings))
    if shortcode.kind == "escape":
        return Match(shortcode, None, ())
    try:
        ref = _parse_reference(shortcode.reference, shortcode.options)
    except UnsupportedReference as error:
        if shortcode.kind != "shortcode":
            return None
        return Match(shortcode, None, (problem(shortcode, error, positions), *shortcode.warnings))
    return Match(shortcode, ref, shortcode.warnings)


def problem(shortcode: Shortcode, error: EmbedKitError, positions: Positions) -> Problem:
    """An error as a problem at this place of the text."""
    return Problem(*positions.of(shortcode.place), error.code, str(error))


def replace_all(text: str, found: Iterable[tuple[Shortcode, str | None]]) -> str:
    """The text with every reference replaced by its markup, and every escape by what it escapes."""
    edits = []
    for shortcode, markup in found:
        start, end = shortcode.start, shortcode.end
        if markup is None:
            if shortcode.kind == "escape":
                edits.append((start, end, text[start + 1 : end - 1]))
        elif text[start - 1 : start] == "!" and _makes_image(text, start, markup):
            edits.append((start - 1, end, f"&#33;{markup}"))
        else:
            edits.append((start, end, markup))
    return scan.replace(text, edits) if edits else text


def _makes_image(text: str, start: int, markup: str) -> bool:
    """Whether the author's "!" would make an image of our link (CommonMark 0.31, section 6.4)."""
    return markup.startswith("[") and "](https://" in markup and not is_escaped(text, start - 1)


@lru_cache(maxsize=4096)
def _parse_reference(written: str, options: Options) -> AssetRef:
    """A text's own reference: no longer than a shortcode, and often written many times."""
    ref = references.parse(written)
    return AssetRef(ref.items, options.over(ref.options))
