"""Which size is shown, which is asked for, and when a copy we hold will do.

Getty answers with a longest side of 594 px unless a larger maxwidth or maxheight is asked for. We show
the same, whatever we hold, so that a page does not depend on who asked before; only bounds above 594
ever travel upstream, so one call serves every smaller size.
"""

from __future__ import annotations

from embedkit.models import Embed, Options

DEFAULT_SIDE_PX = 594  # px, the longest side of Getty's default answer

Bounds = tuple[int | None, int | None]


def display_bounds(options: Options) -> Bounds:
    """The bounds within which a picture is shown."""
    width, height = options.max_width, options.max_height
    if max(width or 0, height or 0) > DEFAULT_SIDE_PX:
        return width, height
    return width or DEFAULT_SIDE_PX, height or DEFAULT_SIDE_PX


def requested_bounds(options: Options) -> Bounds:
    """The maxwidth and maxheight to ask for; none where Getty's default answer is large enough."""
    width, height = options.max_width, options.max_height
    if max(width or 0, height or 0) <= DEFAULT_SIDE_PX:
        return None, None
    return width and max(width, DEFAULT_SIDE_PX), height and max(height, DEFAULT_SIDE_PX)


def largest(one: Options, other: Options) -> Options:
    """Bounds within which both are satisfied: what one of them leaves open stays open."""
    (width, height), (wide, high) = display_bounds(one), display_bounds(other)
    both = width and wide and max(width, wide), height and high and max(height, high)
    # one open to the side, the other downwards: no single question has an answer to both
    return Options(max_width=both[0], max_height=both[1]) if any(both) else Options(max_width=width or wide)


def satisfies(embed: Embed, options: Options) -> bool:
    """Whether asking again could bring nothing larger that the options have a use for."""
    width, height = requested_bounds(options)
    picture_height = embed.height - embed.frame.bar
    return (
        (width is None and height is None)
        or (width is not None and width <= embed.width)
        or (height is not None and height <= picture_height)
        or _whole(embed.width, picture_height, embed.asked)
    )


def _whole(width: int, height: int, asked: Bounds) -> bool:
    """Whether an answer lies below all bounds of its question: then the picture itself is no larger."""
    most_width, most_height = (DEFAULT_SIDE_PX, DEFAULT_SIDE_PX) if asked == (None, None) else asked
    return (most_width is None or width < most_width) and (most_height is None or height < most_height)


def scaled(embed: Embed, options: Options) -> Embed:
    """This copy at the size that the options ask for."""
    width, height = display_bounds(options)
    bar = embed.frame.bar
    return embed.fit(width, height + bar if height and not options.max_height else height)
