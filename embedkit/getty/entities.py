"""A text with its entities undone, which still knows where every character came from.

Pasted code arrives escaped as a whole, twice, or here and there: ``&amp;sig=``, ``&amp;amp;``, ``&#40;``,
typographic quotes. Undone first, all of that reads as one kind of code.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_ENTITY = re.compile(
    r"&(?:amp;)*(?:(amp|lt|gt|quot|apos|nbsp|ldquo|rdquo|lsquo|rsquo)"
    r"|#0{0,5}([0-9]{2,5})|#[xX]0{0,5}([0-9A-Fa-f]{2,4}));"
)
_NAMED = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "ldquo": "“",
    "rdquo": "”",
    "lsquo": "‘",
    "rsquo": "’",
}
_STRAIGHT = str.maketrans("“”„‟″‘’‚‛′", "\"\"\"\"\"'''''")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without entities; ``ours`` and ``theirs`` are the places, in it and in the source, after each."""

    source: str
    text: str
    ours: tuple[int, ...]
    theirs: tuple[int, ...]

    def original(self, index: int) -> int:
        """Where in the source the character at ``index`` begins."""
        at = bisect_right(self.ours, index) - 1
        return self.theirs[at] + index - self.ours[at]

    def escaped(self, index: int) -> bool:
        """Whether the character at ``index`` is written as an entity in the source."""
        return self.source[self.original(index)] == "&" != self.text[index]


def undo(text: str) -> Plain:
    """The text with entities and typographic quotes undone, as far as they occur in embed code."""
    parts: list[str] = []
    ours, theirs, length = [0], [0], 0
    for match in _ENTITY.finditer(text):
        if (letter := _letter(match)) is None:
            continue
        parts += text[theirs[-1] : match.start()], letter
        length += match.start() - theirs[-1] + 1
        ours.append(length)
        theirs.append(match.end())
    parts.append(text[theirs[-1] :])
    return Plain(text, "".join(parts).translate(_STRAIGHT), tuple(ours), tuple(theirs))


def _letter(match: re.Match[str]) -> str | None:
    name, decimal, hexadecimal = match.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 32 <= code < 127 or 0x2018 <= code <= 0x201F else None
