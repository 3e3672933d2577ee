"""The values passed between packages. All are frozen, and none does any work beyond arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import chain, product
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypedDict, get_args

from embedkit.errors import EmbedKitError
from embedkit.targets import TARGETS, Target

Align = Literal["none", "left", "center", "right"]
ALIGNS: tuple[Align, ...] = get_args(Align)

AGENCY = "Getty Images"
DEFAULT_SIDE_PX = 594  # the longer side of Getty's default answer

Bounds = tuple[int | None, int | None]
"""Width and height in CSS pixels; None means unbounded."""

JSON = dict[str, Any]

# The values of the oEmbed parameter tld (Getty Images oEmbed documentation, 2018).
TLDS = (
    *("com", "com.au", "be", "ca", "dk", "de", "es", "fr", "in", "ie", "it", "nl", "co.nz", "no", "at", "ru"),
    *("com.pl", "pt", "ch", "fi", "se", "ae", "co.uk", "cn", "co.jp"),
)


class RenderOptions(TypedDict, total=False):
    """The fields of :class:`Options` as keyword arguments, such as ``kit.html("74917285", max_width=480)``."""

    max_width: int | None
    max_height: int | None
    caption: bool | str | None
    title: str | None
    align: Align | None
    tld: str | None
    target: Target | None


# The names that authors and hosts use for the options.
OPTION_WORDS = {
    **dict.fromkeys(("width", "maxwidth"), "max_width"),
    **dict.fromkeys(("height", "maxheight"), "max_height"),
    **dict.fromkeys(("title", "alt"), "title"),
    **{name: name for name in ("caption", "align", "tld", "target")},
}
# The names that other tools use for them.
_SYNONYMS = {**dict.fromkeys(("id", "ids", "url", "link"), "src"), "float": "align", "size": "width"}
ALLOWED: dict[str, tuple[str, ...]] = {"align": ALIGNS, "tld": TLDS, "target": TARGETS}
_SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_PIXELS = r"0*([1-9][0-9]{0,4})(?:\.0+)? ?(?:px)?"


def read_option(name: str, value: object) -> bool | int | str | None:
    """Return the value of an option as an author wrote it, or None if it is not a valid value.

    :param name: a field of :class:`Options`.
    """
    if name == "caption" and isinstance(value, bool):
        return value
    text = " ".join(str(value).split())
    if name in ("max_width", "max_height"):
        found = None if isinstance(value, bool) else re.fullmatch(_PIXELS, text.lower())
        return int(found[1]) if found else None
    if name in ("caption", "title"):
        return text if name == "title" else _SWITCHES.get(text.lower(), text)
    word = text.lower().removeprefix("align") if name == "align" else text.lower()
    word = {"centre": "center", "middle": "center"}.get(word, word)
    return word if word in ALLOWED[name] else None


def _as_text(value: object) -> str:
    """Return a value as text, or a question mark if it can't be converted, as with an integer of 5,000 digits."""
    try:
        return str(value)
    except Exception:
        return "?"


def word_hint(written: str, words: Iterable[str]) -> str:
    """Suggest the word that was probably meant, or list all of them."""
    from difflib import get_close_matches

    known = tuple(words)
    near = _SYNONYMS.get(written.lower(), "")
    near = near if near in known else next(iter(get_close_matches(written.lower(), known, 1)), "")
    return f"Did you mean {near}?" if near else f"Use one of {', '.join(known)}."


def value_hint(name: str) -> str:
    """Return a hint at the values that a field of :class:`Options` accepts."""
    if name in ("max_width", "max_height"):
        return "Use pixels, such as 300."
    return f"Use one of {', '.join(ALLOWED[name])}."


@dataclass(frozen=True, slots=True)
class Options:
    """How to show a picture. A field that is None is not set, and the default applies.

    :param max_width: maximum width of the picture in CSS pixels, from 1. If neither bound is set, the picture's
        longer side is at most 594 pixels.
    :param max_height: maximum height of the picture in CSS pixels, from 1.
    :param caption: True or False shows or hides the caption in Getty's frame; a string is shown below the frame,
        as a caption of your own.
    :param title: the frame's title, for screen readers; by default built from the picture's title and credit.
    :param align: ``none``, ``left``, ``center`` or ``right``.
    :param tld: the Getty site that the picture links to: ``com``, ``co.uk``, ``de`` or another of :data:`TLDS`.
    :param target: the target to render; one of :data:`embedkit.targets.TARGETS`.

    >>> Options(max_width=480).over(Options(max_width=300, align="left"))
    Options(max_width=480, max_height=None, caption=None, title=None, align='left', tld=None, target=None)
    """

    max_width: int | None = None
    max_height: int | None = None
    caption: bool | str | None = None
    title: str | None = None
    align: Align | None = None
    tld: str | None = None
    target: Target | None = None

    @classmethod
    def from_words(cls, words: Mapping[str, object]) -> tuple[Options, tuple[Problem, ...]]:
        """Build options from the names that authors and hosts use, such as shortcode or template tag attributes.

        :param words: values by name: ``width height maxwidth maxheight caption title alt align tld target``, in
            any case, with or without dashes and underscores (``max-width``). Sizes may be strings, with or
            without ``px``; ``alignleft`` means ``left``. A value that is None or empty is not set.
        :returns: the options, and a problem for each unknown name and each invalid value; nothing is raised.

        >>> Options.from_words({"width": "300", "alt": "A court", "align": "alignright"})[0].max_width
        300
        >>> [problem.detail for problem in Options.from_words({"widht": 300})[1]]
        ["There is no option 'widht'. Did you mean width?"]
        """
        fields: dict[str, Any] = {}
        problems: list[Problem] = []
        for word, given in words.items():
            written, value = _as_text(word), given if isinstance(given, bool | None) else _as_text(given)
            name = OPTION_WORDS.get(written.lower().replace("_", "").replace("-", ""))
            if name is None:
                detail = f"There is no option {written[:40]!r}. {word_hint(written, OPTION_WORDS)}"
                problems.append(Problem(1, 1, "unknown-attribute", detail))
            elif value is not None and str(value).strip():
                fields[name] = read_option(name, value)
                if fields[name] is None:
                    detail = f"{written[:40]} can't be {str(value)[:40]!r}; it is ignored. {value_hint(name)}"
                    problems.append(Problem(1, 1, "invalid-attribute", detail))
        return cls(**fields), tuple(problems)

    def over(self, other: Options) -> Options:
        """Return these options, with the ones that are not set taken from ``other``."""
        if other is NO_OPTIONS:
            return self
        fields = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        return replace(other, **fields) if fields else other

    @property
    def display_bounds(self) -> Bounds:
        """The bounds that the picture is scaled to fit. They include Getty's default size, so that a page does
        not depend on whether a larger picture was requested before."""
        width, height = self.max_width, self.max_height
        if max(width or 0, height or 0) > DEFAULT_SIDE_PX:
            return width, height
        return width or DEFAULT_SIDE_PX, height or DEFAULT_SIDE_PX

    @property
    def requested_bounds(self) -> Bounds:
        """The maxwidth and maxheight to request from Getty. Unset if its default answer is large enough, so that
        one call serves every smaller size."""
        width, height = self.max_width, self.max_height
        if max(width or 0, height or 0) <= DEFAULT_SIDE_PX:
            return None, None
        return width and max(width, DEFAULT_SIDE_PX), height and max(height, DEFAULT_SIDE_PX)

    def covering(self, other: Options) -> Options:
        """Return options whose bounds satisfy both; a bound that either leaves open stays open."""
        if self is other or not (self.max_width or self.max_height or other.max_width or other.max_height):
            return other
        (width, height), (wide, high) = self.display_bounds, other.display_bounds
        both = width and wide and max(width, wide), height and high and max(height, high)
        # one is open in width, the other in height: no single request satisfies both
        return Options(max_width=both[0], max_height=both[1]) if any(both) else Options(max_width=width or wide)


NO_OPTIONS = Options()
"""The options of most references. Compared by identity, which is faster than comparing or hashing all fields."""


@dataclass(frozen=True, slots=True)
class AssetRef:
    """A reference to one or more pictures, as returned by :meth:`embedkit.EmbedKit.parse`.

    :param items: one to five asset IDs, in lower case, in order; more than one is a slideshow.
    :param options: how to show them.
    """

    items: tuple[str, ...]
    options: Options = NO_OPTIONS

    def __str__(self) -> str:
        return ",".join(self.items)


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a frame's URL that Getty signed, validated: enough to rebuild the URL, and nothing else.

    :param items: the asset IDs as Getty writes and signs them, in either case.
    :param query: the name-value pairs up to and including ``sig``, in the order received; Getty answers 400 to
        any other order.
    :param is360: True for a 360° picture.
    :param bar: the part of the reported height, in CSS pixels, that does not scale with the picture (49 in the
        markup of 2014).
    """

    items: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    is360: bool = False
    bar: int = 0

    def __getitem__(self, name: str) -> str:
        return dict(self.query).get(name, "")

    @property
    def et(self) -> str:
        return self["et"]

    @property
    def sig(self) -> str:
        return self["sig"]

    @property
    def tld(self) -> str:
        return self["tld"] or "com"

    def path(self, caption: bool = False) -> str:
        """Return the path and query of the frame. The values are base64url and need no escaping.

        :param caption: True to show Getty's caption in the frame.
        """
        pairs = "&".join([f"{name}={value}" for name, value in self.query])
        return f"/embed/{','.join(self.items)}?{pairs}" + ("&caption=true" if caption else "")

    def as_record(self) -> JSON:
        """Return the frame as JSON."""
        query = [list(pair) for pair in self.query]
        return {"items": list(self.items), "query": query, "is360": self.is360, "bar": self.bar}

    @classmethod
    def from_record(cls, items: list[str], query: list[tuple[str, str]], is360: bool, bar: int) -> Frame:
        """Rebuild a frame from the output of :meth:`as_record`.

        :raises TypeError, ValueError: if it is anything else.
        """
        pairs = tuple([(name, value) for name, value in query])
        "".join(chain(items, *pairs))  # raises TypeError unless all of them are strings
        if type(is360) is not bool or type(bar) is not int:
            raise TypeError("a wrong value for the frame")
        return cls(tuple(items), pairs, is360, bar)


@dataclass(frozen=True, slots=True, repr=False)
class Embed:
    """One resolved embed, as data; HTML is rendered as late as possible. Strings are plain text, never markup.

    :param type: the oEmbed 1.0 type: ``rich``, ``photo`` or ``video``.
    :param width: width as shown, in CSS pixels, from 1.
    :param height: height as shown, including the frame's bar, in CSS pixels, from 1.
    :param thumbnail_url: URL of a picture of ``thumbnail_width`` by ``thumbnail_height`` pixels, on one of the
        IMAGE_ORIGINS; None if there isn't one.
    :param page_url: the picture's page on the Getty site that was requested.
    :param fetched_at: when Getty answered, in seconds since the epoch.
    :param fresh_until: when the copy becomes stale, in seconds since the epoch.
    :param stale: True if it is shown although it is no longer fresh.
    :param asked: the maxwidth and maxheight of the request, so that a size known to be unavailable is not
        requested again.
    """

    ref: AssetRef
    type: str
    version: str
    title: str
    caption: str
    photographer: str
    collection: str
    width: int
    height: int
    thumbnail_url: str | None
    thumbnail_width: int | None
    thumbnail_height: int | None
    terms_of_use_url: str | None
    page_url: str
    frame: Frame
    fetched_at: float = 0.0
    fresh_until: float = 0.0
    stale: bool = False
    asked: Bounds = (None, None)

    def __repr__(self) -> str:
        return f"<Embed {self.ref} {self.title[:40]!r} {self.width}x{self.height}{' stale' if self.stale else ''}>"

    def fit(self, max_width: int | None, max_height: int | None) -> Embed:
        """Return this embed scaled down to fit the given CSS pixels, keeping its ratio; never scaled up."""
        bar = self.frame.bar
        picture = self.height - bar
        scale = min(
            1.0,
            (max_width or self.width) / self.width,
            max(1, (max_height or self.height) - bar) / picture,
        )
        if scale == 1.0:
            return self
        return replace(
            self, width=max(1, int(self.width * scale + 0.5)), height=max(1, int(picture * scale + 0.5)) + bar
        )

    def scaled(self, options: Options) -> Embed:
        """Return this embed at the size that the options ask for."""
        if not (options.max_width or options.max_height) and self.width <= DEFAULT_SIDE_PX >= self.height:
            return self
        width, height = options.display_bounds
        return self.fit(width, height + self.frame.bar if height and not options.max_height else height)

    def satisfies(self, options: Options) -> bool:
        """Return whether it is large enough for the options, or as large as Getty has it."""
        width, height = options.requested_bounds
        picture_height = self.height - self.frame.bar
        return (
            (width is None and height is None)
            or (width is not None and width <= self.width)
            or (height is not None and height <= picture_height)
            or self._is_whole(picture_height)
        )

    def _is_whole(self, height: int) -> bool:
        """Return whether it is smaller than all bounds of its request, which means that no larger one exists."""
        max_width, max_height = (DEFAULT_SIDE_PX, DEFAULT_SIDE_PX) if self.asked == (None, None) else self.asked
        return (max_width is None or self.width < max_width) and (max_height is None or height < max_height)

    def as_record(self, *, times: bool = True) -> JSON:
        """Return everything worth keeping, as JSON, for the cache and the lock file.

        :param times: False omits the times, which differ with every build.
        """
        record: JSON = {row.name: getattr(self, row.name) for row in fields(self) if row.name != "stale"}
        record["ref"] = str(self.ref)
        record["frame"] = self.frame.as_record()
        record["asked"] = list(self.asked)
        if not times:
            del record["fetched_at"], record["fresh_until"]
        return record

    @classmethod
    def from_record(cls, record: JSON) -> Embed:
        """Rebuild an embed from the output of :meth:`as_record`.

        :raises ValueError: if it is anything else. This protects against old versions and mistakes, not against
            attackers: cache entries are signed, and locked records are checked by
            :func:`embedkit.getty.oembed.validate`.
        """
        try:
            plain = _read_plain(record)
            if tuple(map(type, plain)) not in _KINDS or min(record["width"], record["height"]) < 1:
                raise TypeError("a wrong value")
            ref, frame = AssetRef(tuple(record["ref"].split(","))), Frame.from_record(**record["frame"])
            times = float(record.get("fetched_at", 0)), float(record.get("fresh_until", 0))
            asked = record["asked"][0], record["asked"][1]
            return cls(*(ref, *plain, frame, *times, False, asked))  # faster than by name
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not a record of an embed: {error!r}") from None

    def as_json(self, now: float) -> JSON:
        """Return the record as the service and ``--json`` show it: readable times, nothing internal.

        :param now: the current time in seconds since the epoch, from which ``cache_age`` is computed.
        """
        from datetime import UTC, datetime  # not needed for warm pictures

        record = self.as_record()
        del record["asked"], record["fresh_until"], record["frame"]["bar"]
        record["fetched_at"] = datetime.fromtimestamp(self.fetched_at, UTC).isoformat().replace("+00:00", "Z")
        record["cache_age"] = max(0, int(self.fresh_until - now))
        record["stale"] = self.stale
        return record


_JSON_KINDS: dict[Any, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "str | None": (str, type(None)),
    "int | None": (int, type(None)),
}
_PLAIN = {row.name: _JSON_KINDS[row.type] for row in fields(Embed) if row.type in _JSON_KINDS}  # stored unchanged
_KINDS = frozenset(product(*_PLAIN.values()))  # of all fields in _PLAIN, in order
_read_plain = itemgetter(*_PLAIN)


class Problem(NamedTuple):
    """A problem in a text that its author should know about.

    :param line: line number, from 1.
    :param column: column number, from 1, in code points.
    :param code: the error's code, such as ``not-found``, or the scanner's, such as ``too-large``.
    :param detail: the message, for a person.
    :param retry_after: seconds after which a retry makes sense; None if unknown.
    """

    line: int
    column: int
    code: str
    detail: str
    retry_after: float | None = None

    def as_json(self) -> JSON:
        """Return the fields by name, without ``retry_after`` if it is unknown."""
        return {name: value for name, value in self._asdict().items() if value is not None}


ContentModel = Literal["flow", "phrasing", "text"]


class Shortcode(NamedTuple):
    """A candidate found in a text; ``text[start:end]`` is the part that rendering replaces.

    ``reference`` is what the author wrote for the picture (an ID, a list, a URL), not yet parsed; ``place`` is
    where it starts, which is after ``start`` if an element around it is replaced too. If the tag can't be parsed,
    ``problem`` explains why, and the tag is left unchanged. ``kind`` is ``escape`` for ``[[getty 1]]``, which only
    loses one pair of brackets. ``content`` is the content that HTML allows there (HTML standard, section 3.2.5.2):
    ``flow`` for a figure, ``phrasing`` in a sentence or a heading, or ``text`` within a link.
    """

    start: int
    end: int
    kind: Literal["shortcode", "escape", "url", "image", "oembed", "wp-embed", "embed"]
    reference: str = ""
    options: Options = NO_OPTIONS
    place: int = 0
    problem: Problem | None = None
    warnings: tuple[Problem, ...] = ()
    content: ContentModel = "flow"


class Document(NamedTuple):
    """A rendered text.

    :param content: the text with its references replaced.
    :param embeds: the embeds in it, in order.
    :param problems: the problems found.
    """

    content: str
    embeds: tuple[Embed, ...] = ()
    problems: tuple[Problem, ...] = ()


class Report(NamedTuple):
    """The result of warming the cache, counted in distinct pictures.

    :param distinct: pictures in all.
    :param fetched: pictures fetched from Getty.
    :param stale: pictures still shown from an old copy.
    :param failed: references that have no embed, each with the error.
    """

    distinct: int = 0
    fetched: int = 0
    stale: int = 0
    failed: tuple[tuple[str, EmbedKitError], ...] = ()


def credit_line(photographer: str, collection: str) -> str:
    """Return the credit for a picture: photographer, collection and agency, each named once.

    >>> credit_line("Ada Berg", "Moment")
    'Ada Berg / Moment / Getty Images'
    """
    names = dict.fromkeys(name for name in (photographer, collection) if name and name != AGENCY)
    return " / ".join((*names, AGENCY))


EmbedKey = tuple[tuple[str, ...], str]
"""The cache key of a picture: its asset IDs, in order, and the tld."""
