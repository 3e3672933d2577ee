"""How much one text may ask of the parsers. Work is counted, never timed: a text fares alike on every machine."""

from __future__ import annotations

from typing import NamedTuple

from embedkit.models import Problem

KIB = 1024
TOO_LARGE = "too-large"  # the code of the problem


class Budget(NamedTuple):
    """The most that is done for one text; what lies beyond stays as written and is reported."""

    references: int  # shortcodes and URLs; repeated, escaped and unreadable ones count
    pictures: int  # distinct ones
    chars: int
    steps: int  # places with a look of their own: candidates, tags, backticks, lines before indented code
    nesting: int  # elements, list items and quotes within each other


# A gallery has some hundreds of pictures, a book's chapter some dozens. A step takes one to five
# microseconds, so that the steps bound a hostile text to a few seconds. Blink opens no element deeper
# than 512 others (kMaximumHTMLParserDOMTreeDepth).
DOCUMENT = Budget(references=1_000, pictures=1_000, chars=16 * KIB * KIB, steps=1_000_000, nesting=512)

# One call counts once against the rate limit. The body of a request has 2 MiB; that much ordinary text,
# with a picture in every other screenful, takes 7,000 steps. The texts of a batch share all of this.
REQUEST = Budget(references=1_000, pictures=100, chars=2 * KIB * KIB, steps=50_000, nesting=512)


class Exhausted(Exception):
    """A text asks for more than its budget; stays inside of the parsers, which report it as a problem."""

    @classmethod
    def of(cls, most: int, what: str) -> Exhausted:
        return cls(f"A text may have at most {most:,} {what}")

    def problem(self, line: int, column: int) -> Problem:
        """The same for an author: where in the text it is, and what became of the rest."""
        return Problem(line, column, TOO_LARGE, f"{self}; from here on it stays as it is.")


class Work:
    """The work done for one text so far."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._left = budget.steps

    def step(self) -> None:
        """Count one look at a place.

        :raises Exhausted: where it is one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise Exhausted(f"A text may take at most {self._budget.steps:,} steps to read")

    def nest(self, depth: int) -> None:
        """Check how deep a place is.

        :raises Exhausted: where that is too deep.
        """
        if depth > self._budget.nesting:
            raise Exhausted(f"A text may be nested at most {self._budget.nesting} levels deep")
