"""What callers pass, checked: a wrong option is their mistake, and the message names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from embedkit.errors import ConfigurationError
from embedkit.models import ALIGNS, TLDS, Options
from embedkit.targets import TARGETS

MAX_SIDE_PX = 10_000  # no picture is wider: a larger bound means the same, and need not go upstream


def options(given: Options | None, kwargs: Mapping[str, Any]) -> Options:
    """Options, and the same as keyword arguments, which win, as one value.

    :raises ConfigurationError: where there is no such option, or it can't have that value.
    """
    names = [row.name for row in fields(Options)]
    if unknown := kwargs.keys() - set(names):
        raise ConfigurationError(f"There is no option {min(unknown)!r}.", hint=f"Use one of {', '.join(names)}.")
    wanted = Options(**kwargs).over(given or Options())
    for name, allowed in (("target", TARGETS), ("align", ALIGNS), ("tld", TLDS)):
        if (value := getattr(wanted, name)) is not None:
            one_of(value, allowed, name)
    for name in ("max_width", "max_height"):
        size = getattr(wanted, name)
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            hint = "Pass a whole number of pixels, 1 or more."
            raise ConfigurationError(f"{name} is {short_repr(size)}.", hint=hint)
    if not isinstance(wanted.caption, str | bool | None) or not isinstance(wanted.title, str | None):
        hint = "Pass a text; for a caption also True or False."
        raise ConfigurationError("The caption or title is not a text.", hint=hint)
    return _bounded(wanted)


def _bounded(wanted: Options) -> Options:
    width, height = wanted.max_width, wanted.max_height
    if max(width or 0, height or 0) <= MAX_SIDE_PX:
        return wanted
    return replace(
        wanted, max_width=width and min(width, MAX_SIDE_PX), max_height=height and min(height, MAX_SIDE_PX)
    )


def one_of(value: Any, allowed: Sequence[str], name: str) -> Any:
    """The value, where it is allowed.

    :raises ConfigurationError: where it is not; the message names the allowed values.
    """
    if value not in allowed:
        hint = f"Use one of {', '.join(allowed)}."
        raise ConfigurationError(f"There is no {name} {short_repr(value)}.", hint=hint)
    return value


def materialise(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments for more than one call: an iterator has nothing to give the second time."""
    return {name: tuple(value) if isinstance(value, Iterator) else value for name, value in kwargs.items()}


def short_repr(value: Any) -> str:
    """A value as a message shows it, whatever it is; only so much of it."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        text = f"a too long {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"
