"""The three searches with their filters and facets: GET /v3/search/images, and /creative and /editorial below it.

A phrase that consists of IDs finds those pictures. Otherwise a creative search finds everything that has one of
the words, as the enhanced search of the real service does, and with ``enhanced_search=false`` what has them all;
the other two find what has them all, and only if there is nothing, what has some.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset, Find, catalogue
from embedkit.sandbox.content.pictures import Colour, colour_of, sizes
from embedkit.sandbox.content.rng import Dice
from embedkit.sandbox.content.traits import Traits, keyword_id, keywords, origins, popularity, traits, unsafe
from embedkit.sandbox.services import fields, parameters
from embedkit.sandbox.services.account import covering
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.fields import Fields, wanted
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.images import Asking, page_of
from embedkit.sandbox.services.parameters import SIZES, Asked, Kind, read
from embedkit.sandbox.services.places import content_language, language_of
from embedkit.sandbox.services.ranking import index, phrase_of, tokens
from embedkit.sandbox.services.urls import new_token

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


RELATED = 6
T = TypeVar("T", bound=Hashable)


def facets(assets: Sequence[Asset], names: Collection[str], most: int) -> JSON:
    """The facets of a result, the most frequent values first.

    :param names: of the facets: artists, events, locations, specific_people.
    :param most: values of each.
    """
    return {name: _FACETS[name](assets)[:most] for name in sorted(names)}


def related(assets: Iterable[Asset], phrase: str) -> list[str]:
    """Phrases that narrow a search down by a place or a keyword that its pictures have, or turn to that alone."""
    used = {*tokens(phrase)}
    texts = [text for asset in assets for text in asset.keywords]
    fresh = [text for text in _frequent(texts) if not used & {*tokens(text)}]
    narrower = [f"{phrase} {text}" for text in fresh[: RELATED // 2]] if phrase.strip() else []
    return [*narrower, *fresh[RELATED // 2 : RELATED]]


def related_searches(phrases: Iterable[str], address: str) -> list[JSON]:
    """The same as the answer has them, with where to search for each."""
    return [{"phrase": phrase, "url": f"{address}?{urlencode({'phrase': phrase})}"} for phrase in phrases]


def _artists(assets: Iterable[Asset]) -> list[JSON]:
    return [{"name": name} for name in _frequent(asset.photographer for asset in assets)]


def _events(assets: Iterable[Asset]) -> list[JSON]:
    found = _frequent((asset.event_id, asset.event, asset.date_created) for asset in assets if asset.event_id)
    return [{"id": number, "name": name, "date": date} for number, name, date in found]


def _locations(assets: Iterable[Asset]) -> list[JSON]:
    return _numbered(f"{asset.city}, {asset.country}" for asset in assets)


def _people(assets: Iterable[Asset]) -> list[JSON]:
    return _numbered(name for asset in assets for name in asset.named)


_FACETS = {"artists": _artists, "events": _events, "locations": _locations, "specific_people": _people}


def _numbered(texts: Iterable[str]) -> list[JSON]:
    return [{"id": keyword_id(text), "name": text} for text in _frequent(texts)]


def _frequent(values: Iterable[T]) -> list[T]:
    """The different values, the most frequent first, equals in the order in which they came."""
    return [value for value, _ in Counter(values).most_common()]


@dataclass(frozen=True, slots=True)
class Search:
    """The three searches. ``find`` knows the assets, takedowns included."""

    config: SandboxConfig
    find: Find

    def blended(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.BLENDED, fields.BLENDED)

    def creative(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.CREATIVE, fields.CREATIVE)

    def editorial(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.EDITORIAL, fields.EDITORIAL)

    def _answer(self, call: Call, caller: Caller, kind: Kind, known: Fields) -> Reply:
        asked = read(call, kind, self.config)
        chosen = wanted(asked.fields, known, caller, undeclared=self.config.undeclared_fields)
        correction = index().corrected(asked.phrase) if kind is parameters.CREATIVE else None
        if correction:
            asked = replace(asked, phrase=correction)
        found = self._sorted(self._found(asked, kind), asked)
        asking = Asking(call, caller, chosen, language_of(call, kind.family))
        body = page_of(found, asked.page, asked.page_size, asking)
        if correction:
            body["auto_corrections"] = {"phrase": correction}
        return json_reply(body | self._aside(found, asked, kind, call), headers=content_language(asking.language))

    def _aside(self, found: list[Asset], asked: Asked, kind: Kind, call: Call) -> JSON:
        """What comes with the pictures, where it is asked for."""
        body: JSON = {}
        if asked.filters.get("include_related_searches"):
            body["related_searches"] = related_searches(related(found, asked.phrase), f"{call.origin}{call.path}")
        if asked.filters.get("include_facets") and self.config.facets:
            names = asked.filters.get("facet_fields", kind.facets)
            body["facets"] = facets(found, names, asked.filters.get("facet_max_count", 300))
        return body

    def _found(self, asked: Asked, kind: Kind) -> list[Asset]:
        if not asked.phrase.strip():
            return [asset for asset_id in catalogue() if (asset := self._passing(asset_id, asked, kind))]
        if named := self._named(asked.phrase):
            return [asset for asset_id in named if (asset := self._passing(asset_id, asked, kind))]
        phrase = phrase_of(asked.phrase)
        hits = index().search(phrase, asked.country)
        passing = [(hit, asset) for hit in hits if (asset := self._passing(hit.id, asked, kind))]
        most = len(phrase.words)
        whole = [asset for hit, asset in passing if hit.words == most]
        return whole if _strict(asked, kind, whole) else [asset for _, asset in passing]

    def _passing(self, asset_id: str, asked: Asked, kind: Kind) -> Asset | None:
        asset = self.find(asset_id)
        if asset is None or asset.withdrawn or kind.family not in (None, asset.family):
            return None
        return asset if passes(asset, asked.filters) else None

    def _named(self, phrase: str) -> list[str]:
        """The ids that a phrase consists of; none where anything else is in it."""
        words = [word for word in re.split(r"[\s,]+", phrase.lower()) if word]
        return list(dict.fromkeys(words)) if words and all(self.find(word) for word in words) else []

    def _sorted(self, found: list[Asset], asked: Asked) -> list[Asset]:
        match asked.sort_order:
            case "newest":
                return sorted(found, key=lambda asset: asset.date_created, reverse=True)
            case "oldest":
                return sorted(found, key=lambda asset: asset.date_created)
            case "most_popular":
                return sorted(found, key=popularity, reverse=True)
            case "random":
                dice = Dice(f"random {asked.phrase}" if self.config.deterministic else new_token())
                return dice.some(found, len(found))
        return found


def _strict(asked: Asked, kind: Kind, whole: list[Asset]) -> bool:
    """Whether only pictures with all the words are answered."""
    enhanced = asked.filters.get("enhanced_search", True)
    if kind is parameters.CREATIVE and (not enhanced or asked.sort_order == "best_match"):
        return not enhanced
    return bool(whole)
