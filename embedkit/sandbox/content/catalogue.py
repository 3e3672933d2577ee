"""The assets: a catalogue of about 1,700, a range of IDs that always exist, and some special ones.

================  ==========================================================================
id                asset
================  ==========================================================================
600000000 to      each of these hundred million IDs is an embeddable picture, generated
699999999         on demand from its number
500000403         exists, but may not be embedded
500000404         withdrawn, with status 404
500000410         withdrawn, with status 410
500000360         a 360 degree picture
500000240         a small original, 240 x 160, below the default size
500000666         an embeddable picture with hostile texts: markup, quotes, control characters
74917285          the picture in the README's examples: upright, 395 x 594 by default
83454800 …        the pictures in the examples of Getty's own documentation
================  ==========================================================================

All properties of an asset are derived from its ID, so they are the same in every process and on every machine. The
exception are recent news pictures, whose dates are always within the last month (:func:`as_of`). The subjects are
in the files of :mod:`embedkit.sandbox.content`, the special assets in ``pictures.toml``.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from embedkit.sandbox.content.library import CONTENT, Content, Random
from embedkit.sandbox.content.texts import Family, Subject, split_list

SINGLE = 320  # assets that are not part of a story
STORIES = 220  # each has CHAPTERS assets with the same photographer, place and date
CHAPTERS = 4
SIZE = SINGLE + STORIES * CHAPTERS  # assets from subjects.toml; special assets are extra
EVERYDAY = 6  # assets per everyday subject, in two groups, each with the same place and date
AGES_DAYS = (0, 0, 1, 2, 3, 5, 6, 9, 13, 18, 25)  # of recent news: one group of each editorial everyday subject
# UTC offsets, except those of one or two hours: the date of a picture is the local date
AHEAD_HOURS = {
    "Australia": 10,
    "Japan": 9,
    "India": 5,
    "Kenya": 3,
    "Turkey": 3,
    "Brazil": -3,
    "Canada": -5,
    "Mexico": -6,
    "United States": -8,
}
MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER"),
    *("OCTOBER", "NOVEMBER", "DECEMBER"),
)
NOT_EMBEDDABLE = "500000403"
WITHDRAWN = "500000404"
GONE = "500000410"
PANORAMA_360 = "500000360"
SMALL = "500000240"
HOSTILE = "500000666"
EXAMPLE = "74917285"

_BUILDING = threading.Lock()  # functools.cache alone would let concurrent threads each build a catalogue
# orientation, width and height of the original in pixels, and share in percent
_SHARES = (
    ("horizontal", 5472, 3648, 46),
    ("horizontal", 4608, 3456, 14),
    ("horizontal", 6000, 3375, 6),
    ("vertical", 3648, 5472, 16),
    ("vertical", 3456, 4608, 6),
    ("square", 4000, 4000, 6),
    ("panoramic_horizontal", 9000, 3000, 4),
    ("panoramic_vertical", 2400, 6000, 2),
)
SHAPES = tuple((orientation, width, height) for orientation, width, height, share in _SHARES for _ in range(share))


@dataclass(frozen=True, slots=True)
class Asset:
    """A picture and its metadata. Texts are plain text.

    ``width`` and ``height`` are those of the original, in pixels. ``withdrawn`` is 0, or the HTTP status of
    responses about the picture. Only editorial pictures have ``segment``, ``event`` and ``named``, the names of
    the people in it. ``ages`` are the minimum and maximum age of the people, in years. Pictures of one ``series``
    belong together. ``file_bytes`` is the minimum size of the original's file. ``age``, in days, is set for recent
    news only.
    """

    id: str
    title: str
    caption: str
    photographer: str
    collection: str
    collection_code: str
    collection_id: int
    family: Family
    license_model: str
    orientation: str
    width: int
    height: int
    date_created: str
    keywords: tuple[str, ...]
    scene: str
    people: int
    city: str
    country: str
    segment: str = ""
    event: str = ""
    event_id: int | None = None
    named: tuple[str, ...] = ()
    ages: tuple[int, int] = (19, 68)
    series: str = ""
    monochrome: bool = False
    embeddable: bool = True
    is360: bool = False
    withdrawn: int = 0
    file_bytes: int = 0
    age: int | None = None

    @property
    def slug(self) -> str:
        """The title as used in URLs."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "picture"


Find = Callable[[str], Asset | None]
"""Returns the asset with an ID, or None."""


def catalogue() -> Mapping[str, Asset]:
    """Return every listed asset by ID, in the order of an unfiltered search."""
    with _BUILDING:
        return _build()


@cache
def _build() -> Mapping[str, Asset]:
    return {asset_id: _make_listed(asset_id) for asset_id in _numbers()}


def find(asset_id: str) -> Asset | None:
    """Return the asset with this ID, even if it is withdrawn; None if it never existed."""
    if re.fullmatch(r"6[0-9]{8}", asset_id):
        return _make_generated(asset_id)
    return _make_listed(asset_id) if asset_id in _numbers() else None


@cache
def _numbers() -> Mapping[str, int | None]:
    """Return the listed IDs with their numbers; None for those in ``pictures.toml``."""
    made = {catalogue_id(number): number for number in range(catalogue_size(CONTENT))}
    return {**dict.fromkeys(CONTENT.pictures), **made}


def catalogue_size(content: Content) -> int:
    """Return the number of generated assets in the catalogue."""
    return SIZE + EVERYDAY * len(content.everyday)


@lru_cache(maxsize=8192)
def _make_listed(asset_id: str) -> Asset:
    number = _numbers()[asset_id]
    if number is None:
        return special_asset(asset_id)
    if number < SINGLE:
        return _single(asset_id, number)
    if number < SIZE:
        return _story(asset_id, number)
    return _everyday(asset_id, number)


@lru_cache(maxsize=8192)
def _make_generated(asset_id: str) -> Asset:
    return invent(asset_id)


@dataclass(frozen=True, slots=True)
class _Setting:
    """The place, date and photographer of a picture, and the words for templates."""

    city: str
    country: str
    words: dict[str, str]
    photographer: str
    date: tuple[int, int, int]


def invent(asset_id: str, subject: Subject | None = None) -> Asset:
    """Generate a realistic asset for an ID, with a random subject by default."""
    rng = Random(f"asset {asset_id}")
    subject = subject or rng.choice(CONTENT.subjects_for("any"))
    return _picture(asset_id, subject, _setting(rng), rng, rng)


def _single(asset_id: str, number: int) -> Asset:
    subjects = CONTENT.subjects_for("any")
    subject = subjects[number % len(subjects)]
    nearby = number // len(subjects) // CHAPTERS  # similar pictures form a series
    made = invent(asset_id, subject)
    return replace(made, series=f"{subject.scene} {nearby}", embeddable=number % 16 != 15)


def _story(asset_id: str, number: int) -> Asset:
    themes = (*CONTENT.subjects_for("any") * 2, *CONTENT.subjects_for("stories"))
    story = (number - SINGLE) % STORIES
    return _chapter(asset_id, number, themes[story % len(themes)], f"story {story}")


def _everyday(asset_id: str, number: int) -> Asset:
    at, part = divmod(number - SIZE, EVERYDAY)
    half = part * 2 // EVERYDAY
    asset = _chapter(asset_id, number, CONTENT.everyday[at], f"everyday {at} {half}")
    is_news = asset.segment and half == 0
    return replace(asset, age=Random(f"age {at}").choice(AGES_DAYS)) if is_news else asset


def as_of(asset: Asset, now: datetime) -> Asset:
    """Return the asset with its date relative to ``now`` (UTC): like Getty, the sandbox always has recent news."""
    if asset.age is None:
        return asset
    there = now + timedelta(hours=AHEAD_HOURS.get(asset.country, 0))
    return _redate(asset, there.date() - timedelta(days=asset.age))


@lru_cache(maxsize=8192)
def _redate(asset: Asset, taken: date) -> Asset:
    before = date.fromisoformat(asset.date_created[:10])
    old, new = (f" - {MONTHS[day.month - 1]} {day.day}: " for day in (before, taken))
    return replace(asset, date_created=f"{taken}T00:00:00Z", caption=asset.caption.replace(old, new, 1))


def _chapter(asset_id: str, number: int, subject: Subject, series: str) -> Asset:
    """Generate a picture of a series, with the setting and collection of the others."""
    shared, rng = Random(series), Random(f"asset {asset_id}")
    setting = _setting(shared)
    if subject.segment == "sport":  # a different player in every picture
        setting = replace(setting, words=setting.words | _random_name(rng))
    asset = _picture(asset_id, subject, setting, rng, shared)
    grey = not asset.segment and not {"vector", "illustration"} & {*asset.keywords} and rng.chance(0.09)
    return replace(asset, series=series, embeddable=number % 16 != 15, monochrome=grey)


def _picture(asset_id: str, subject: Subject, setting: _Setting, rng: Random, trade: Random) -> Asset:
    """Generate an asset; ``trade`` chooses its collection. The order of the random calls must never change."""
    words, (year, month, day) = setting.words, setting.date
    line = rng.choice(subject.captions)
    dateline = f"{setting.city}, {setting.country} - {MONTHS[month - 1]} {day}".upper()
    collection = trade.choice(CONTENT.words.collections_of(subject.segment))
    orientation, width, height = _shape(rng)
    title = rng.choice(subject.titles)
    date = f"{year}-{month:02}-{day:02}T00:00:00Z"
    event = subject.fill(subject.event, words)
    return Asset(
        id=asset_id,
        title=subject.fill(title, words),
        caption=_caption(subject, subject.fill(line, words), dateline, setting.photographer),
        photographer=setting.photographer,
        collection=collection.name,
        collection_code=collection.code,
        collection_id=collection.id,
        family=subject.family,
        license_model=collection.license_model,
        orientation=orientation,
        width=width,
        height=height,
        date_created=date,
        keywords=(*subject.keywords, setting.city, setting.country),
        scene=subject.scene,
        people=rng.randint(*subject.people),
        city=setting.city,
        country=setting.country,
        segment=subject.segment,
        event=event,
        event_id=775_000_000 + Random(f"event {event} {date}").randint(1, 9_999_999) if event else None,
        named=_names_in(f"{title} {line}", words) if subject.segment else (),
        ages=subject.ages,
    )


def _setting(rng: Random) -> _Setting:
    city, country = rng.choice(CONTENT.words.places)
    words = _words(rng, city, country)
    photographer = f"{rng.choice(CONTENT.words.first)} {rng.choice(CONTENT.words.last)}"
    return _Setting(
        city, country, words, photographer, (rng.randint(2009, 2025), rng.randint(1, 12), rng.randint(1, 28))
    )


def _names_in(template: str, words: dict[str, str]) -> tuple[str, ...]:
    """Return the names of the people that a template mentions."""
    found = [words["name"]] if re.search(r"\{(name|last)\}", template) else []
    return (*found, words["singer"]) if "{singer}" in template else tuple(found)


def _caption(subject: Subject, line: str, dateline: str, photographer: str) -> str:
    if subject.segment:
        return f"{dateline}: {line}. (Photo by {photographer}/Getty Images)"
    return f"{line}."


def _words(rng: Random, city: str, country: str) -> dict[str, str]:
    words = {slot: rng.choice(choices) for slot, choices in CONTENT.words.slots.items()}
    return (
        _random_name(rng)
        | words
        | {
            "city": city,
            "country": country,
            "hour_cap": words["hour"].capitalize(),
            "season_cap": words["season"].capitalize(),
        }
    )


def _random_name(rng: Random) -> dict[str, str]:
    first, last = rng.choice(CONTENT.words.first), rng.choice(CONTENT.words.last)
    return {"first": first, "last": last, "name": f"{first} {last}"}


def _shape(rng: Random) -> tuple[str, int, int]:
    orientation, width, height = rng.choice(SHAPES)
    shrink = rng.choice((1.0, 0.9, 0.75, 0.5))
    return orientation, int(width * shrink), int(height * shrink)


def catalogue_id(number: int) -> str:
    """Return an ID of one of the forms seen in practice: mostly numbers, some with letters and dashes."""
    rng = Random(f"id {number}")
    # these avoid the ranges of generated and special IDs
    start, step = (81_000_000, 1_310_011) if number < SINGLE else (610_800_000, 310_011)
    if number % 20 == 7:
        return f"sb{10_000_000 + rng.randint(1, 89_999)}{rng.choice('abcdef')}-001"
    if number % 20 == 13:
        return f"{200_000_000 + number * 977}-001"
    if number % 20 == 3:
        return str(80_000 + number * 31)
    if number % 3 == 0:
        return str(1_100_000_000 + number * 1_750_127)
    return str(start + number * step)


def special_asset(asset_id: str, content: Content = CONTENT) -> Asset:
    """Return a picture of ``pictures.toml``; missing values are generated, as for other pictures of its scene."""
    table = content.pictures[asset_id]
    asset = replace(invent(asset_id, content.subject(table["scene"])), series=f"{table['scene']} 0")
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    if "keywords" in fields:
        fields["keywords"] = (*split_list(fields["keywords"]), asset.city, asset.country)
    return replace(asset, **fields)
