"""Which size is shown, which is asked for, and when a copy we hold will do.

Getty answers with a longest side of 594 px unless a larger maxwidth or maxheight is asked for. We show
the same, whatever we hold, so that a page does not depend on who asked before; only bounds above 594
ever travel upstream, so one call serves every smaller size.
"""

from __future__ import annotations

from embedkit.models import Embed, Options

DEFAULT = 594  # px, the longest side of Getty's default answer

Bounds = tuple[int | None, int | None]


def box(options: Options) -> Bounds:
    """The bounds within which a picture is shown."""
    width, height = options.max_width, options.max_height
    if max(width or 0, height or 0) > DEFAULT:
        return width, height
    return width or DEFAULT, height or DEFAULT


def question(options: Options) -> Bounds:
    """The maxwidth and maxheight to ask for; none where Getty's default answer is large enough."""
    width, height = options.max_width, options.max_height
    if max(width or 0, height or 0) <= DEFAULT:
        return None, None
    return width and max(width, DEFAULT), height and max(height, DEFAULT)


def covers(embed: Embed, options: Options) -> bool:
    """Whether this copy is large enough to be scaled down to what the options ask for."""
    width, height = question(options)
    if width is None and height is None:
        return True
    if (width and width <= embed.width) or (height and height <= embed.height):
        return True
    asked_width, asked_height = embed.asked
    if embed.asked == (None, None):
        return False
    # a bound that was not set then did not hold the answer back
    return (width is None or asked_width is None or width <= asked_width) and (
        height is None or asked_height is None or height <= asked_height
    )


def shown(embed: Embed, options: Options) -> Embed:
    """This copy at the size that the options ask for."""
    width, height = box(options)
    bar = embed.frame.bar
    return embed.fit(width, height + bar if height and not options.max_height else height)
