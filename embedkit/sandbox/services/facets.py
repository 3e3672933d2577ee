"""What there is in the pictures that a search found: facets to narrow it by, and searches that are related."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from embedkit.models import JSON
from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.services.words import tokens

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
    return [{"id": traits.keyword_id(text), "name": text} for text in _frequent(texts)]


def _frequent(values: Iterable[T]) -> list[T]:
    """The different values, the most frequent first, equals in the order in which they came."""
    return [value for value, _ in Counter(values).most_common()]
