"""What each filter of a search lets through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.pictures import Colour, colour_of
from embedkit.sandbox.content.traits import Traits, keywords, origins, traits, unsafe
from embedkit.sandbox.services.parameters import SIZES
from embedkit.sandbox.services.products import covering
from embedkit.sandbox.services.sizes import sizes
from embedkit.sandbox.services.words import tokens

NEAR = 60.0  # how far, in red, green and blue, a colour may be from the one asked for
Said = Mapping[str, Any]
Test = Callable[[Asset, Traits, Said], bool]


def passes(asset: Asset, said: Said) -> bool:
    """Whether a picture passes every filter that was said."""
    known = traits(asset)
    return all(test(asset, known, said) for name, test in TESTS.items() if name in said)


def _in_collections(asset: Asset, _: Traits, said: Said) -> bool:
    codes = {code.upper() for code in said["collection_codes"]}
    return (asset.collection_code in codes) == (said.get("collections_filter_type") != "exclude")


def _in_style(_: Asset, known: Traits, said: Said) -> bool:
    return (known.style in said["graphical_styles"]) == (said.get("graphical_styles_filter_type") != "exclude")


def _large_enough(asset: Asset, known: Traits, said: Said) -> bool:
    """Drawings of vectors come in any size."""
    if known.style == "vector":
        return True
    return SIZES.index(sizes(asset)[0].name) >= SIZES.index(said["minimum_size"])


def _downloads_with(asset: Asset, _: Traits, said: Said) -> bool:
    kind, number = said["download_product"]
    return any(product.type == kind and number in (None, product.id) for product in covering(asset))


def _keyword_ids(asset: Asset) -> set[int]:
    return {keyword.id for keyword in keywords(asset)}


def _somebody(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether one of the names has all the words of one of those that are wanted."""
    return any({*tokens(one)} <= {*tokens(name)} for one in wanted for name in names)


def _close(one: Colour, other: Colour) -> bool:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) <= NEAR**2


def _created(asset: Asset) -> datetime:
    return datetime.fromisoformat(asset.date_created)


# those that take a look at the picture come last
TESTS: dict[str, Test] = {
    "embed_content_only": lambda asset, _, said: asset.embeddable or not said["embed_content_only"],
    "exclude_nudity": lambda asset, _, said: "nude" not in asset.keywords or not said["exclude_nudity"],
    "safe_search": lambda asset, _, said: not (unsafe(asset) and said["safe_search"]),
    "exclude_editorial_use_only": lambda _, known, said: (
        not (known.editorial_only and said["exclude_editorial_use_only"])
    ),
    "orientations": lambda asset, _, said: asset.orientation in said["orientations"],
    "number_of_people": lambda _, known, said: known.people in said["number_of_people"],
    "age_of_people": lambda _, known, said: not known.ages.isdisjoint(said["age_of_people"]),
    "compositions": lambda _, known, said: not known.compositions.isdisjoint(said["compositions"]),
    "moods": lambda _, known, said: not known.moods.isdisjoint(said["moods"]),
    "graphical_styles": _in_style,
    "file_types": lambda _, known, said: known.style == "vector" and "eps" in said["file_types"],
    "minimum_size": _large_enough,
    "collection_codes": _in_collections,
    "artists": lambda asset, _, said: _somebody((asset.photographer,), said["artists"]),
    "specific_people": lambda asset, _, said: _somebody(asset.named, said["specific_people"]),
    "event_ids": lambda asset, _, said: asset.event_id in said["event_ids"],
    "editorial_segments": lambda _, known, said: not said["editorial_segments"].isdisjoint(known.segments),
    "date_from": lambda asset, _, said: _created(asset) >= said["date_from"],
    "date_to": lambda asset, _, said: _created(asset) <= said["date_to"],
    "minimum_quality_rank": lambda _, known, said: known.quality <= said["minimum_quality_rank"],
    "keyword_ids": lambda asset, _, said: said["keyword_ids"] <= _keyword_ids(asset),
    "exclude_keyword_ids": lambda asset, _, said: said["exclude_keyword_ids"].isdisjoint(_keyword_ids(asset)),
    "download_product": _downloads_with,
    "ethnicity": lambda asset, _, said: not origins(asset).isdisjoint(said["ethnicity"]),
    "color": lambda asset, _, said: asset.family == "creative" and _close(colour_of(asset), said["color"]),
}
