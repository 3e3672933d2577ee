"""Properties of pictures for search filters: the number and age of people, composition, mood, style.

They are generated from the ID, like everything about an asset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.library import CONTENT, Random, SceneKind
from embedkit.sandbox.content.pictures import hour_of

EDITORIAL_ONLY = "For editorial use only."
UNSAFE = frozenset(("nude", "alcohol"))
ARCHIVAL = 2012  # news pictures from before this year are archival

# minimum and maximum age in months; values that are ranges are added below
_AGES = {
    "newborn": (0, 1),
    "baby": (0, 23),
    "child": (24, 155),
    "teenager": (156, 239),
    "young_adult": (216, 359),
    "adult": (216, 1500),
    "mature_adult": (480, 719),
    "senior_adult": (720, 1500),
}
_MONTHS = ("0-1", "2-5", "6-11", "12-17", "18-23")
_YEARS = (
    *("2-3", "4-5", "6-7", "8-9", "10-11", "12-13", "14-15", "16-17", "18-19", "20-24", "20-29", "25-29"),
    *("30-34", "30-39", "35-39", "40-44", "40-49", "45-49", "50-54", "50-59", "55-59", "60-64", "60-69"),
    *("65-69", "70-79", "80-89"),
)
AGES = {
    **_AGES,
    **{f"{text}_months": (int(text.split("-")[0]), int(text.split("-")[1])) for text in _MONTHS},
    **{f"{text}_years": (int(text.split("-")[0]) * 12, int(text.split("-")[1]) * 12 + 11) for text in _YEARS},
    "90_plus_years": (1080, 1500),
    "100_over": (1200, 1500),
}
ADULTS_ONLY = "adults_only"

# the values of the API's filter; chosen at random by ID, and unrelated to the drawing
ETHNICITIES = (
    *("white", "east_asian", "japanese", "hispanic_latinx", "middle_eastern", "south_asian", "southeast_asian"),
    *("native_american_first_nations", "black", "pacific_islander", "multiracial_person"),
)

_COUNTS = {"none": "no people", "one": "one person", "two": "two people", "group": "group of people"}


@dataclass(frozen=True, slots=True)
class Traits:
    """A picture's filterable properties, with the API's values. ``quality`` is from 1 (best) to 3."""

    people: str
    ages: frozenset[str]
    compositions: frozenset[str]
    moods: frozenset[str]
    style: str
    color: str
    segments: tuple[str, ...]
    quality: int
    released: str
    restrictions: tuple[str, ...]

    @property
    def editorial_only(self) -> bool:
        return EDITORIAL_ONLY in self.restrictions


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of a picture; its ID is derived from its text."""

    id: int
    text: str
    type: str = "Unknown"


@lru_cache(maxsize=4096)
def traits(asset: Asset) -> Traits:
    """Return an asset's filterable properties."""
    rng = Random(f"traits {asset.id}")
    years = [rng.randint(*asset.ages) for _ in range(asset.people)]
    return Traits(
        people={0: "none", 1: "one", 2: "two"}.get(asset.people, "group"),
        ages=_ages(years),
        compositions=frozenset(_compositions(asset, rng)),
        moods=frozenset((*_moods(asset), "black_and_white")) if asset.monochrome else frozenset(_moods(asset)),
        style=_style(asset),
        color="black_and_white" if asset.monochrome else "color",
        segments=tuple(_segments(asset)),
        quality=rng.choice((1, 1, 2, 2, 2, 3)),
        released=_release(asset, rng),
        restrictions=tuple(_restrictions(asset, rng)),
    )


@lru_cache(maxsize=4096)
def ethnicities(asset: Asset) -> frozenset[str]:
    """Return a picture's values for the ethnicity filter; empty if there are no people in it."""
    rng = Random(f"origins {asset.id}")
    found = {rng.choice(ETHNICITIES) for _ in range(min(asset.people, 5))}
    return frozenset(found | {"multiethnic_group"} if len(found) > 2 else found)


def popularity(asset: Asset) -> float:
    """Return a picture's popularity, from 0 to 1."""
    return Random(f"popularity {asset.id}").random()


def unsafe(asset: Asset) -> bool:
    """Return whether a safe search excludes the picture."""
    return bool(UNSAFE & {*asset.keywords})


@lru_cache(maxsize=4096)
def keywords(asset: Asset) -> tuple[Keyword, ...]:
    """Return a picture's keywords, sorted by ID."""
    known = traits(asset)
    texts = {
        **dict.fromkeys(asset.keywords[:-2], "Unknown"),
        **dict.fromkeys(asset.keywords[-2:], "Location"),
        **dict.fromkeys((word.replace("_", " ") for word in known.compositions), "Composition"),
        **dict.fromkeys((word.replace("_", " ") for word in known.ages & _AGES.keys()), "Age"),
        asset.orientation.replace("_", " "): "Composition",
        _COUNTS[known.people]: "NumberOfPeople",
        "black and white" if asset.monochrome else "color image": "ImageTechnique",
        known.style.replace("_", " "): "ImageTechnique",
    }
    return tuple(sorted((_keyword(text, type_) for text, type_ in texts.items()), key=attrgetter("id")))


@lru_cache(maxsize=4096)
def _keyword(text: str, type_: str) -> Keyword:
    return Keyword(keyword_id(text), _capitals(text), type_)


@lru_cache(maxsize=4096)
def keyword_id(text: str) -> int:
    """Return a keyword's ID, which is derived from its text."""
    digest = blake2b(text.lower().encode(), digest_size=4).digest()
    return 60_000 + int.from_bytes(digest, "big") % 9_000_000


def _capitals(text: str) -> str:
    return re.sub(r"(^|[\s-])(\w)", lambda match: match[1] + match[2].upper(), text)


def _ages(years: list[int]) -> frozenset[str]:
    fits = {
        word
        for word, (low, high) in AGES.items()
        for age in years
        if low <= age * 12 <= high or (word in _AGES and low <= age * 12 + 11 <= high)
    }
    return frozenset(fits | {ADULTS_ONLY} if years and min(years) >= 18 else fits)


def _compositions(asset: Asset, rng: Random) -> list[str]:
    found = [*_kind(asset).compositions]
    if asset.scene == "still" and rng.chance(0.3):
        found.append("macro")
    if "flat design" in asset.keywords:
        found += ["cut_out", "copy_space"]
    return found


def _moods(asset: Asset) -> tuple[str, ...]:
    return _kind(asset).moods or CONTENT.hours[hour_of(asset)].moods


def _kind(asset: Asset) -> SceneKind:
    return CONTENT.scenes.get(asset.scene) or SceneKind()


def _style(asset: Asset) -> str:
    """Return the graphical style, according to the keywords."""
    named = [word for word in ("vector", "illustration", "fine art") if word in asset.keywords]
    return named[0].replace(" ", "_") if named else "photography"


def _segments(asset: Asset) -> list[str]:
    if asset.segment == "news" and int(asset.date_created[:4]) < ARCHIVAL:
        return ["archival"]
    found = {asset.segment, *(word for word in ("publicity", "royalty") if word in asset.keywords)}
    return sorted(found - {""})


def _release(asset: Asset, rng: Random) -> str:
    if asset.segment:
        return "Not released."
    if asset.people:
        return "Model released"
    return rng.choice(("No release required", "No release required", "Property released"))


def _restrictions(asset: Asset, rng: Random) -> list[str]:
    if not asset.segment:
        return [EDITORIAL_ONLY] if rng.chance(0.06) else []
    return [EDITORIAL_ONLY, "Not for calendars, posters and cards."] if rng.chance(0.3) else [EDITORIAL_ONLY]
