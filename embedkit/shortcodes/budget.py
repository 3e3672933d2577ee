"""Limits on the work that a text can cause. Work is counted, not timed, so all machines give the same results."""

from __future__ import annotations

from typing import NamedTuple

from embedkit.models import Problem

KIB = 1024
TOO_LARGE = "too-large"  # the code of the problem


class Budget(NamedTuple):
    """Limits for one text. Whatever exceeds them stays unchanged and is reported."""

    references: int  # shortcodes and URLs, including repeated, escaped and malformed ones
    pictures: int  # distinct pictures
    chars: int
    steps: int  # positions examined individually: candidates, tags, backticks, lines before indented code
    nesting: int  # depth of nested elements, list items and block quotes


# A gallery has hundreds of pictures, a book chapter dozens. A step takes one to five microseconds, which bounds a
# hostile text to a few seconds. Blink nests elements at most 512 deep (kMaximumHTMLParserDOMTreeDepth).
DOCUMENT = Budget(references=1_000, pictures=1_000, chars=16 * KIB * KIB, steps=1_000_000, nesting=512)

# A call counts once against the rate limit. A request body has at most 2 MiB; that much ordinary text, with a
# picture on every other screen, takes 7,000 steps. The texts of a batch share the budget.
REQUEST = Budget(references=1_000, pictures=100, chars=2 * KIB * KIB, steps=50_000, nesting=512)


class Exhausted(Exception):
    """A text exceeds its budget. Users get it as a problem, never as an exception."""

    @classmethod
    def of(cls, limit: int, unit: str) -> Exhausted:
        return cls(f"A text may have at most {limit:,} {unit}")

    def problem(self, line: int, column: int) -> Problem:
        """Return it as a problem at a position in the text, for the author."""
        return Problem(line, column, TOO_LARGE, f"{self}; the rest is left unchanged.")


class Work:
    """Counts the work done so far for one text, or for several that share a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._left = budget.steps

    def step(self) -> None:
        """Count a step.

        :raises Exhausted: if it exceeds the budget.
        """
        self._left -= 1
        if self._left < 0:
            raise Exhausted(f"A text may take at most {self._budget.steps:,} steps to parse")

    def nest(self, depth: int) -> None:
        """Check a nesting depth.

        :raises Exhausted: if it exceeds the budget.
        """
        if depth > self._budget.nesting:
            raise Exhausted(f"A text may be nested at most {self._budget.nesting} levels deep")
