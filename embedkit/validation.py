"""What callers of the kit hand over, checked: a wrong option is their mistake, and is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from embedkit.errors import ConfigurationError
from embedkit.models import ALIGNS, TLDS, Options
from embedkit.targets import TARGETS

MAX_PIXELS = 10_000  # no picture is wider: a larger bound means the same, and need not go upstream


def options(given: Options | None, said: Mapping[str, Any]) -> Options:
    """Options, and the same as keywords, as one value.

    :raises ConfigurationError: where there is no such option, or it cannot have that value.
    """
    unknown = said.keys() - {row.name for row in fields(Options)}
    if unknown:
        names = ", ".join(row.name for row in fields(Options))
        raise ConfigurationError(f"There is no option {min(unknown)!r}.", hint=f"Use one of {names}.")
    wanted = Options(**said).over(given or Options())
    for name, words in (("target", TARGETS), ("align", ALIGNS), ("tld", TLDS)):
        if (value := getattr(wanted, name)) is not None:
            word(value, words, name)
    for name in ("max_width", "max_height"):
        size = getattr(wanted, name)
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            hint = "Give a whole number of pixels, 1 or more."
            raise ConfigurationError(f"{name} is {shown(size)}.", hint=hint)
    if not isinstance(wanted.caption, str | bool | None) or not isinstance(wanted.title, str | None):
        hint = "Give a text; for a caption also True or False."
        raise ConfigurationError("The caption or title is no text.", hint=hint)
    return _bounded(wanted)


def _bounded(wanted: Options) -> Options:
    width, height = wanted.max_width, wanted.max_height
    if max(width or 0, height or 0) <= MAX_PIXELS:
        return wanted
    return replace(
        wanted, max_width=width and min(width, MAX_PIXELS), max_height=height and min(height, MAX_PIXELS)
    )


def word(value: Any, words: Sequence[str], what: str) -> Any:
    """The value.

    :raises ConfigurationError: where it is none of these words.
    """
    if value not in words:
        raise ConfigurationError(f"There is no {what} {shown(value)}.", hint=f"Use one of {', '.join(words)}.")
    return value


def lasting(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, for more than one call: an iterator has nothing to say the second time."""
    return {name: tuple(value) if isinstance(value, Iterator) else value for name, value in said.items()}


def shown(value: Any) -> str:
    """A value as a message shows it, whatever it is; only so much of it."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        text = f"a too long {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"
