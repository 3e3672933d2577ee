"""Image searches, with filters and facets: GET /v3/search/images, its subpaths /creative and /editorial, search by
image (/v3/search/images/creative/by-image), and by photographer (/v3/artists/images).

A phrase of IDs finds those pictures. Otherwise, a creative search finds pictures that match any of the words, like
the real service's enhanced search, or all of them with ``enhanced_search=false``. The other two find pictures that
match all words or, if there are none, some of them.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset, Find, catalogue
from embedkit.sandbox.content.library import Random
from embedkit.sandbox.content.pictures import Color, main_colors, sizes
from embedkit.sandbox.content.traits import Traits, ethnicities, keyword_id, keywords, popularity, traits, unsafe
from embedkit.sandbox.services import fields, parameters
from embedkit.sandbox.services.account import products_for
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.fields import Fields, search_fields, select_fields
from embedkit.sandbox.services.http import Call, Reply, boolean, code_error, integer, json_reply
from embedkit.sandbox.services.images import ItemContext, page_of, similar
from embedkit.sandbox.services.parameters import (
    SIZES,
    SearchKind,
    SearchParams,
    enum_values,
    paging,
    parse_query,
    product_of,
    query_params,
    split_values,
)
from embedkit.sandbox.services.places import content_language, language_of
from embedkit.sandbox.services.ranking import index, phrase_of, tokens
from embedkit.sandbox.services.urls import new_token

MAX_COLOR_DISTANCE = 60.0  # Euclidean, in RGB, from the requested color
Filters = Mapping[str, Any]
Test = Callable[[Asset, Traits, Filters], bool]


def passes(asset: Asset, filters: Filters) -> bool:
    """Return whether a picture passes every filter."""
    known = traits(asset)
    return all(test(asset, known, filters) for name, test in FILTERS.items() if name in filters)


def _in_collections(asset: Asset, _: Traits, filters: Filters) -> bool:
    codes = {code.upper() for code in filters["collection_codes"]}
    return (asset.collection_code in codes) == (filters.get("collections_filter_type") != "exclude")


def _in_style(_: Asset, known: Traits, filters: Filters) -> bool:
    return (known.style in filters["graphical_styles"]) == (
        filters.get("graphical_styles_filter_type") != "exclude"
    )


def _large_enough(asset: Asset, known: Traits, filters: Filters) -> bool:
    """Return whether a picture has the minimum size; vector graphics have any size."""
    if known.style == "vector":
        return True
    return SIZES.index(sizes(asset)[0].name) >= SIZES.index(filters["minimum_size"])


def _downloads_with(asset: Asset, _: Traits, filters: Filters) -> bool:
    kind, number = filters["download_product"]
    return any(product.type == kind and number in (None, product.id) for product in products_for(asset))


def _keyword_ids(asset: Asset) -> set[int]:
    return {keyword.id for keyword in keywords(asset)}


def _matches_name(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Return whether one of the names contains all the words of one of the wanted names."""
    return any({*tokens(part)} <= {*tokens(name)} for part in wanted for name in names)


def _has_color(asset: Asset, wanted: Color) -> bool:
    return any(math.dist(one, wanted) <= MAX_COLOR_DISTANCE for one in main_colors(asset))


def _created_at(asset: Asset) -> datetime:
    return datetime.fromisoformat(asset.date_created)


# filters that need to draw the picture come last
FILTERS: dict[str, Test] = {
    "embed_content_only": lambda asset, _, filters: asset.embeddable or not filters["embed_content_only"],
    "exclude_nudity": lambda asset, _, filters: "nude" not in asset.keywords or not filters["exclude_nudity"],
    "safe_search": lambda asset, _, filters: not (unsafe(asset) and filters["safe_search"]),
    "exclude_editorial_use_only": lambda _, known, filters: (
        not (known.editorial_only and filters["exclude_editorial_use_only"])
    ),
    "orientations": lambda asset, _, filters: asset.orientation in filters["orientations"],
    "number_of_people": lambda _, known, filters: known.people in filters["number_of_people"],
    "age_of_people": lambda _, known, filters: not known.ages.isdisjoint(filters["age_of_people"]),
    "compositions": lambda _, known, filters: not known.compositions.isdisjoint(filters["compositions"]),
    "moods": lambda _, known, filters: not known.moods.isdisjoint(filters["moods"]),
    "graphical_styles": _in_style,
    "file_types": lambda _, known, filters: known.style == "vector" and "eps" in filters["file_types"],
    "minimum_size": _large_enough,
    "collection_codes": _in_collections,
    "artists": lambda asset, _, filters: _matches_name((asset.photographer,), filters["artists"]),
    "specific_people": lambda asset, _, filters: _matches_name(asset.named, filters["specific_people"]),
    "event_ids": lambda asset, _, filters: asset.event_id in filters["event_ids"],
    "editorial_segments": lambda _, known, filters: not filters["editorial_segments"].isdisjoint(known.segments),
    "date_from": lambda asset, _, filters: _created_at(asset) >= filters["date_from"],
    "date_to": lambda asset, _, filters: _created_at(asset) <= filters["date_to"],
    "minimum_quality_rank": lambda _, known, filters: known.quality <= filters["minimum_quality_rank"],
    "keyword_ids": lambda asset, _, filters: filters["keyword_ids"] <= _keyword_ids(asset),
    "exclude_keyword_ids": lambda asset, _, filters: filters["exclude_keyword_ids"].isdisjoint(
        _keyword_ids(asset)
    ),
    "download_product": _downloads_with,
    "ethnicity": lambda asset, _, filters: not ethnicities(asset).isdisjoint(filters["ethnicity"]),
    "color": lambda asset, _, filters: asset.family == "creative" and _has_color(asset, filters["color"]),
}


MAX_RELATED = 6
T = TypeVar("T", bound=Hashable)


def facets(assets: Sequence[Asset], names: Collection[str], maximum: int) -> JSON:
    """Return the facets of a result, the most frequent values first.

    :param names: the facets: artists, events, locations, specific_people.
    :param maximum: the number of values per facet.
    """
    return {name: _FACETS[name](assets)[:maximum] for name in sorted(names)}


def related_phrases(assets: Iterable[Asset], phrase: str) -> list[str]:
    """Return phrases that add one of the found pictures' keywords or places, or that search for it alone."""
    used = {*tokens(phrase)}
    texts = [text for asset in assets for text in asset.keywords]
    fresh = [text for text in _frequent(texts) if not used & {*tokens(text)}]
    narrower = [f"{phrase} {text}" for text in fresh[: MAX_RELATED // 2]] if phrase.strip() else []
    return [*narrower, *fresh[MAX_RELATED // 2 : MAX_RELATED]]


def related_searches(phrases: Iterable[str], url: str) -> list[JSON]:
    """Return related phrases as in the response, with the URL to search for each."""
    return [{"phrase": phrase, "url": f"{url}?{urlencode({'phrase': phrase})}"} for phrase in phrases]


def _artists(assets: Iterable[Asset]) -> list[JSON]:
    return [{"name": name} for name in _frequent(asset.photographer for asset in assets)]


def _events(assets: Iterable[Asset]) -> list[JSON]:
    found = _frequent((asset.event_id, asset.event, asset.date_created) for asset in assets if asset.event_id)
    return [{"id": number, "name": name, "date": date} for number, name, date in found]


def _locations(assets: Iterable[Asset]) -> list[JSON]:
    return _with_ids(f"{asset.city}, {asset.country}" for asset in assets)


def _people(assets: Iterable[Asset]) -> list[JSON]:
    return _with_ids(name for asset in assets for name in asset.named)


_FACETS = {"artists": _artists, "events": _events, "locations": _locations, "specific_people": _people}


def _with_ids(texts: Iterable[str]) -> list[JSON]:
    return [{"id": keyword_id(text), "name": text} for text in _frequent(texts)]


def _frequent(values: Iterable[T]) -> list[T]:
    """Return the distinct values, the most frequent first; ties keep their order."""
    return [value for value, _ in Counter(values).most_common()]


MAX_UPLOAD_BYTES = 10_000_000
UPLOAD_LIFETIME_S = 86_400
MAX_UPLOADS = 20  # beyond that, the oldest are dropped
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


class Uploads:
    """Uploaded pictures to search by, kept for a day. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, bytes]] = {}

    def keep(self, name: tuple[str, str], content: bytes) -> None:
        """Store an upload under its API key and path, replacing an earlier one."""
        with self._lock:
            self._kept[name] = self._clock() + UPLOAD_LIFETIME_S, content
            if len(self._kept) > MAX_UPLOADS:
                del self._kept[next(iter(self._kept))]

    def get(self, name: tuple[str, str]) -> bytes | None:
        with self._lock:
            until, content = self._kept.get(name, (0.0, b""))
        return content if until > self._clock() else None


def _filter_similar(found: Iterable[Asset], params: Mapping[str, str]) -> list[Asset]:
    """Filter the results of a search by image; nudity is always excluded [doc]."""
    words, every = {*tokens(params.get("phrase", ""))}, {"exclude_nudity": True}
    every["exclude_editorial_use_only"] = boolean(params, "exclude_editorial_use_only", False)
    parts = split_values(params, "product_types")
    products = [{"download_product": product_of({"product_types": part}, "product_types")} for part in parts]
    ways = [every | product for product in products or [{}]]
    return [asset for asset in found if words <= _words_of(asset) and any(passes(asset, way) for way in ways)]


def _words_of(asset: Asset) -> set[str]:
    return {*tokens(f"{asset.title} {asset.caption} {' '.join(asset.keywords)}")}


@dataclass(frozen=True, slots=True)
class Search:
    """Handlers for image searches. ``find`` returns assets with their takedown status."""

    config: SandboxConfig
    find: Find
    uploads: Uploads

    def blended(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.BLENDED, fields.BLENDED)

    def creative(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.CREATIVE, fields.CREATIVE)

    def editorial(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.EDITORIAL, fields.EDITORIAL)

    def by_artist(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/artists/images."""
        params = query_params(call)
        names = tuple(part for part in params.get("artist_name", "").split(",") if part.strip())
        if not names:
            raise code_error(400, "InvalidParameterValue", "artist_name is required.")
        found = [asset for asset in self._assets() if _matches_name((asset.photographer,), names)]
        return self._page(found, call, caller, fields.ARTIST, {}, size=10)

    def by_image(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/search/images/creative/by-image: pictures similar to another one, or to an upload."""
        params = query_params(call)
        asset = self._source(params, caller)
        found = similar(
            asset, [other for other in self._assets() if other.family == "creative" and other != asset]
        )
        passing = _filter_similar(found, params)
        aside: JSON = {"image_fingerprint": blake2b(asset.id.encode(), digest_size=8).hexdigest()}
        if boolean(params, "include_facets", False):
            names = enum_values(params, "facet_fields", parameters.CREATIVE.facets) or parameters.CREATIVE.facets
            known = facets(passing, names, integer(params, "facet_max_count", 300, 0))
            aside["facets"] = {name: [] for name in (*_FACETS, "entertainment")} | known
        return self._page(passing, call, caller, fields.CREATIVE, aside)

    def upload(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/search/by-image/uploads/{file-name}."""
        if not 0 < len(call.body) <= MAX_UPLOAD_BYTES or not call.body.startswith(IMAGE_STARTS):
            raise code_error(400, "InvalidParameterValue", "The body is not a JPEG or PNG of up to 10 MB.")
        self.uploads.keep((caller.key, call.path), call.body)
        return Reply(200, "")

    def _source(self, params: Mapping[str, str], caller: Caller) -> Asset:
        """Return the picture to compare with. For an upload, it is a random one, chosen by the file's bytes."""
        if asset_id := params.get("asset_id", "").strip().lower():
            if (asset := self.find(asset_id)) and not asset.withdrawn:
                return asset
            raise code_error(404, "AssetNotFound", f"Asset not found: {asset_id}")
        path = re.sub("^https?://[^/]*", "", params.get("image_url", "").strip())
        if (content := self.uploads.get((caller.key, path))) is None:
            raise code_error(400, "InvalidParameterValue", "Give the asset_id, or the image_url of an upload.")
        return Random(sha256(content).hexdigest()).choice(
            [asset for asset in self._assets() if asset.family == "creative"]
        )

    def _assets(self) -> list[Asset]:
        found = (self.find(asset_id) for asset_id in catalogue())
        return [asset for asset in found if asset and not asset.withdrawn]

    def _page(
        self, found: list[Asset], call: Call, caller: Caller, known: Fields, aside: JSON, size: int = 30
    ) -> Reply:
        """Return one page of pictures with additional fields; ``size`` is the default page size."""
        params = query_params(call)
        page, page_size = paging({"page_size": str(size)} | params, self.config)
        chosen = select_fields(
            params.get("fields", ""), known, caller, undeclared=self.config.rules.undeclared_fields
        )
        context = ItemContext(call, caller, chosen, self.config, language_of(call))
        body = page_of(found, page, page_size, context) | aside
        return json_reply(body, headers=content_language(context.language))

    def _answer(self, call: Call, caller: Caller, kind: SearchKind, known: Fields) -> Reply:
        query = parse_query(call, kind, self.config)
        known = search_fields(known, self.config.rules)
        chosen = select_fields(query.fields, known, caller, undeclared=self.config.rules.undeclared_fields)
        correction = index().correct(query.phrase) if kind is parameters.CREATIVE else None
        if correction:
            query = replace(query, phrase=correction)
        found = self._sort(self._find(query, kind), query)
        context = ItemContext(call, caller, chosen, self.config, language_of(call, kind.family))
        body = page_of(found, query.page, query.page_size, context)
        if correction:
            body["auto_corrections"] = {"phrase": correction}
        return json_reply(body | self._extra(found, query, kind, call), headers=content_language(context.language))

    def _extra(self, found: list[Asset], query: SearchParams, kind: SearchKind, call: Call) -> JSON:
        """Return the related searches and facets, if requested."""
        body: JSON = {}
        if query.filters.get("include_related_searches"):
            body["related_searches"] = related_searches(
                related_phrases(found, query.phrase), f"{call.origin}{call.path}"
            )
        if query.filters.get("include_facets") and self.config.facets:
            names = query.filters.get("facet_fields", kind.facets)
            body["facets"] = facets(found, names, query.filters.get("facet_max_count", 300))
        return body

    def _find(self, query: SearchParams, kind: SearchKind) -> list[Asset]:
        if not query.phrase.strip():
            return [asset for asset_id in catalogue() if (asset := self._find_passing(asset_id, query, kind))]
        if named := self._ids_in(query.phrase):
            return [asset for asset_id in named if (asset := self._find_passing(asset_id, query, kind))]
        phrase = phrase_of(query.phrase)
        hits = index().search(phrase, query.country)
        passing = [(hit, asset) for hit in hits if (asset := self._find_passing(hit.id, query, kind))]
        every = len(phrase.words)
        whole = [asset for hit, asset in passing if hit.words == every]
        enhanced = query.filters.get("enhanced_search", self.config.rules.enhanced)
        return whole if _strict(query, kind, whole, enhanced=enhanced) else [asset for _, asset in passing]

    def _find_passing(self, asset_id: str, query: SearchParams, kind: SearchKind) -> Asset | None:
        asset = self.find(asset_id)
        if asset is None or asset.withdrawn or kind.family not in (None, asset.family):
            return None
        return asset if passes(asset, query.filters) else None

    def _ids_in(self, phrase: str) -> list[str]:
        """Return the IDs in a phrase; empty if it contains anything else."""
        words = [word for word in re.split(r"[\s,]+", phrase.lower()) if word]
        return list(dict.fromkeys(words)) if words and all(self.find(word) for word in words) else []

    def _sort(self, found: list[Asset], query: SearchParams) -> list[Asset]:
        match query.sort_order:
            case "newest":
                return sorted(found, key=lambda asset: asset.date_created, reverse=True)
            case "oldest":
                return sorted(found, key=lambda asset: asset.date_created)
            case "most_popular":
                return sorted(found, key=popularity, reverse=True)
            case "random":
                rng = Random(f"random {query.phrase}" if self.config.deterministic else new_token())
                return rng.sample(found, len(found))
        return found


def _strict(query: SearchParams, kind: SearchKind, whole: list[Asset], *, enhanced: bool) -> bool:
    """Return whether the result has only pictures that match all words."""
    if kind is parameters.CREATIVE and (not enhanced or query.sort_order == "best_match"):
        return not enhanced
    return bool(whole)
