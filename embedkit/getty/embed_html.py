"""The tags of a text that may be damaged: no tree, only what stands where."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple, cast

from embedkit.getty.entities import Plain
from embedkit.models import Align

# Code around a shortcode is left over from a conversion: with this, converting twice changes nothing.
CONVERTED = "[getty"
SHORT = 200  # characters of text in or between the parts of an embed

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,15})(?![\w-])([^<>]{0,4000})>", re.ASCII)
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.ASCII)
_ALIGN_CLASS = re.compile(r"(?<![\w-])(?:has-text-)?align-?(left|right|center)(?![\w-])")


class Tag(NamedTuple):
    """One tag; ``inside`` is what stands between its name and its ``>``."""

    start: int
    end: int
    closing: bool
    name: str
    inside: str

    @property
    def attributes(self) -> dict[str, str]:
        pairs = (match.groups(default="") for match in _ATTRIBUTE.finditer(self.inside))
        return {name.lower(): a or b or c for name, a, b, c in pairs}

    @property
    def style(self) -> str:
        return self.attributes.get("style", "").lower().replace(" ", "")

    @property
    def align(self) -> Align | None:
        """Where float, class, text-align, attribute or the tag itself puts what is in it."""
        attributes, style = self.attributes, self.style
        found = (
            re.search(r"(?<![\w-])float:(left|right)(?!\w)", style)
            or _ALIGN_CLASS.search(attributes.get("class", "").lower())
            or (not self.is_heading and re.search(r"text-align:(left|right|center)(?!\w)", style))
            or re.fullmatch(r"(left|right|center)", attributes.get("align", "").lower())
            or re.fullmatch(r"(center)", self.name)
        )
        return cast(Align, found[1]) if found else None

    @property
    def is_heading(self) -> bool:
        """Whether this is the header or the footer of Getty's own block: left-aligned by nature."""
        return "padding:0;margin:" in self.style


@dataclass(frozen=True, slots=True)
class Page:
    """A text and the tags in it."""

    plain: Plain
    text: str
    tags: list[Tag]
    starts: list[int]

    @classmethod
    def read(cls, plain: Plain) -> Page:
        tags = [
            Tag(match.start(), match.end(), match[1] == "/", match[2].lower(), match[3])
            for match in _TAG.finditer(plain.text)
            if CONVERTED not in match[3]
        ]
        return cls(plain, plain.text, tags, [tag.start for tag in tags])

    def index(self, place: int) -> int:
        """The index of the first tag that begins at a place or after it."""
        return bisect_left(self.starts, place)

    def is_blank(self, start: int, end: int) -> bool:
        return end - start <= SHORT and not self.text[start:end].strip()

    def tag(self, index: int, name: str, *, closing: bool) -> Tag | None:
        """The tag at an index, if it opens or closes an element of that name."""
        tag = self.tags[index] if 0 <= index < len(self.tags) else None
        return tag if tag and (tag.name, tag.closing) == (name, closing) else None

    def element(self, index: int, name: str) -> tuple[Tag, Tag, str] | None:
        """The tags of an element with nothing but a short text in it, and that text."""
        opening, closing = self.tag(index, name, closing=False), self.tag(index + 1, name, closing=True)
        if not (opening and closing) or closing.start - opening.end > SHORT:
            return None
        text = self.text[opening.end : closing.start]
        return None if CONVERTED in text else (opening, closing, text.strip())
