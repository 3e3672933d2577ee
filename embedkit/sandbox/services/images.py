"""Pictures in the API v3, with a function for each field; and the operations under /v3/images.

GET /v3/images, /v3/images/{id}, /v3/images/{id}/similar and /v3/images/{id}/same-series
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from embedkit.models import JSON
from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset, Find, catalogue
from embedkit.sandbox.content.library import Random
from embedkit.sandbox.content.pictures import Size, sizes
from embedkit.sandbox.services import fields
from embedkit.sandbox.services.account import offers, products_for
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.fields import FieldSelection, select_fields
from embedkit.sandbox.services.http import APIError, Call, Reply, code_error, json_reply
from embedkit.sandbox.services.parameters import paginate, paging, query_params
from embedkit.sandbox.services.places import content_language, country_of, language_of
from embedkit.sandbox.services.urls import site_urls

# size in the URL, file type, and whether there is a watermark
_SIZES = {
    "comp": ("612x612", "jpg", True),
    "comp_webp": ("612x612", "webp", True),
    "preview": ("170667a", "jpg", True),  # until 2024
    "thumb": ("170x170", "jpg", False),
    "mid_res_comp": ("1024x1024", "jpg", True),
    "high_res_comp": ("2048x2048", "jpg", True),
}
_USE = "Available for all uses that the |Sandbox Terms| permit."  # the bars mark a link


@dataclass(frozen=True, slots=True)
class ItemContext:
    """The request for which pictures are returned.

    :param language: the language of the response.
    :param detailed: whether the request is for ``/v3/images``, where some fields have more detail than in a
        search.
    """

    call: Call
    caller: Caller
    fields: FieldSelection
    config: SandboxConfig
    language: str
    detailed: bool = False


def item(asset: Asset, context: ItemContext) -> JSON:
    """Return a picture's selected fields, in their order."""
    return {key: FIELDS[key](asset, context) for key in context.fields.keys}


def page_of(found: Sequence[Asset], page: int, page_size: int, context: ItemContext) -> JSON:
    """Return one page of a result."""
    shown = paginate(found, page, page_size, context.config)
    return {"result_count": len(found), "images": [item(asset, context) for asset in shown]}


def _allowed_use(asset: Asset, _: ItemContext) -> JSON:
    known = traits.traits(asset)
    return {
        "how_can_i_use_it": _USE,
        "release_info": known.released,
        "usage_restrictions": list(known.restrictions),
    }


def _display_sizes(asset: Asset, context: ItemContext) -> list[JSON]:
    hosts = site_urls(context.call.origin)
    alike = {"preview": "comp"} if context.config.rules.preview_is_comp else {}
    displays = [(name, _SIZES[alike.get(name, name)]) for name in context.fields.displays]
    return [
        {"is_watermarked": marked, "name": name, "uri": hosts.display(asset, size, kind)}
        for name, (size, kind, marked) in displays
    ]


def _download_sizes(asset: Asset, context: ItemContext) -> list[JSON]:
    """Return the sizes of a picture, for callers who may download it."""
    if not context.caller.licensed:
        return []
    links = {"downloads": offers(asset, context.call, context.config.rules)} if context.fields.links else {}
    return [_file(size, links) for size in reversed(sizes(asset))]


def _file(size: Size, links: JSON) -> JSON:
    return {"bytes": size.bytes, **links, "height": size.height, "media_type": "image/jpeg", "width": size.width}


def _largest_downloads(asset: Asset, context: ItemContext) -> list[JSON]:
    """Return the products that offer the largest file; in 2014, the file with its products."""
    if not context.caller.licensed:
        return []
    found = offers(asset, context.call, context.config.rules)
    return [_file(sizes(asset)[0], {"downloads": found})] if context.config.rules.offers == "files" else found


def _product_types(asset: Asset, context: ItemContext) -> list[str]:
    return [product.type for product in products_for(asset)] if context.caller.licensed else []


def _download_product(asset: Asset, context: ItemContext) -> str | None:
    return next(iter(_product_types(asset, context)), None)


def _keywords(asset: Asset, _: ItemContext) -> list[JSON]:
    return [
        {
            "entity_types": [],
            "entity_uris": [],
            "keyword_id": str(keyword.id),
            "relevance": None,
            "text": keyword.text,
            "type": keyword.type,
        }
        for keyword in traits.keywords(asset)
    ]


def _referral_destinations(asset: Asset, _: ItemContext) -> list[JSON]:
    """Return the picture's page on Getty's site; the sandbox has its own page at /detail."""
    kind, tail = ("news-photo", "news-photo") if asset.segment else ("photo", "royalty-free-image")
    page = f"https://www.gettyimages.com/detail/{kind}/{asset.slug}-{tail}/{asset.id}"
    return [{"site_name": "gettyimages", "uri": page}]


def _uri_oembed(asset: Asset, context: ItemContext) -> str | None:
    """Return the oEmbed URL of an embeddable picture; ``caller`` is a number derived from the API key."""
    if not asset.embeddable:
        return None
    digest = blake2b(context.caller.key.encode(), digest_size=4).digest()
    short = quote(f"http://gty.im/{asset.id}", safe="").replace("%3A", "%3a").replace("%2F", "%2f")
    number = 20_000 + int.from_bytes(digest, "big") % 70_000
    return f"{site_urls(context.call.origin).oembed}?url={short}&caller={number}"


def _links(asset: Asset, context: ItemContext) -> list[JSON]:
    here = f"{context.call.origin}/v3"
    return [
        {"rel": "similar", "uri": f"{here}/images/{asset.id}/similar"},
        {"rel": "same-series", "uri": f"{here}/images/{asset.id}/same-series"},
        {"rel": "artist", "uri": f"{here}/search/images?artists={quote(asset.photographer, safe='')}"},
    ]


def _country(asset: Asset, context: ItemContext) -> str:
    """Return the country in the requested language; in English, England is not the United Kingdom."""
    return asset.country if context.language.startswith("en") else country_of(asset.country).name(context.language)


def _camera_shot(asset: Asset, _: ItemContext) -> str | None:
    rng = Random(f"shot {asset.id}")
    if rng.chance(0.5) or asset.age == 0:  # a time today might be in the future
        return None
    return f"{asset.date_created[:11]}{rng.randint(5, 22):02}:{rng.randint(0, 59):02}:00Z"


def _date_submitted(asset: Asset, _: ItemContext) -> str:
    days = Random(f"submitted {asset.id}").randint(0, 9)
    waited = days if asset.age is None else min(days, asset.age)
    later = datetime.fromisoformat(asset.date_created) + timedelta(days=waited)
    return f"{later:%Y-%m-%dT%H:%M:%S}"


def _artist_title(asset: Asset, _: ItemContext) -> str:
    titles = ("Staff", "Stringer", "Contributor")
    return Random(f"employed {asset.photographer}").choice(titles) if asset.segment else "None"


def _credit_line(asset: Asset, _: ItemContext) -> str:
    return f"{asset.photographer}/Getty Images" if asset.segment else asset.collection


def _editorial_source(asset: Asset, context: ItemContext) -> JSON:
    source: JSON = {"id": 9_000 + asset.collection_id}
    return source | {"name": asset.collection} if context.detailed else source


FIELDS: dict[str, Callable[[Asset, ItemContext], Any]] = {
    "accessrestriction": lambda *_: None,
    "allowed_use": _allowed_use,
    "alternative_ids": lambda *_: {},
    "artist": lambda asset, _: asset.photographer,
    "artist_title": _artist_title,
    "asset_family": lambda asset, _: asset.family,
    "asset_type": lambda *_: "image",
    "call_for_image": lambda *_: False,
    "caption": lambda asset, _: asset.caption,
    "city": lambda asset, _: asset.city,
    "collection_code": lambda asset, _: asset.collection_code,
    "collection_id": lambda asset, _: asset.collection_id,
    "collection_name": lambda asset, _: asset.collection,
    "color_type": lambda asset, _: traits.traits(asset).color,
    "copyright": lambda asset, _: None if asset.segment else asset.photographer,
    "country": _country,
    "credit_line": _credit_line,
    "date_camera_shot": _camera_shot,
    "date_created": lambda asset, _: asset.date_created,
    "date_submitted": _date_submitted,
    "display_sizes": _display_sizes,
    "download_product": _download_product,
    "download_sizes": _download_sizes,
    "editorial_segments": lambda asset, _: list(traits.traits(asset).segments),
    "editorial_source": _editorial_source,
    "entity_details": lambda *_: [],
    "event_ids": lambda asset, _: [asset.event_id] if asset.event_id else [],
    "graphical_style": lambda asset, _: traits.traits(asset).style,
    "id": lambda asset, _: asset.id,
    "is_ai_editable": lambda *_: False,
    "istock_collection": lambda *_: None,
    "istock_licenses": lambda *_: [],
    "keywords": _keywords,
    "largest_downloads": _largest_downloads,
    "license_model": lambda asset, _: asset.license_model,
    "links": _links,
    "max_dimensions": lambda asset, _: {"height": asset.height, "width": asset.width},
    "object_name": lambda asset, _: f"{asset.id}.jpg",
    "orientation": lambda asset, _: asset.orientation.title().replace("_", ""),
    "people": lambda asset, _: list(asset.named),
    "product_types": _product_types,
    "quality_rank": lambda asset, _: traits.traits(asset).quality,
    "referral_destinations": _referral_destinations,
    "state_province": lambda *_: "",
    "title": lambda asset, _: asset.title,
    "uri_oembed": _uri_oembed,
}


MAX_IDS = 100  # per call [doc]
MAX_SIMILAR = 100
MIN_SHARED = 3  # keywords, for pictures of different scenes to be similar
SAME_SCENE_WEIGHT = 3  # in keywords


@dataclass(frozen=True, slots=True)
class Images:
    """Handlers for pictures by ID. ``find`` returns assets with their takedown status."""

    config: SandboxConfig
    find: Find

    def one(self, call: Call, caller: Caller) -> Reply:
        return self._by_ids(call, caller, [_id_in(call)])

    def many(self, call: Call, caller: Caller) -> Reply:
        asked = [part.strip() for part in query_params(call).get("ids", "").split(",")]
        ids = list(dict.fromkeys(asset_id for asset_id in asked if asset_id))
        if not ids:
            raise code_error(400, "ImageIdMustBeSpecified", "At least one image id must be specified.")
        if len(ids) > MAX_IDS:
            raise code_error(400, "InvalidParameterValue", f"No more than {MAX_IDS} image ids may be specified.")
        return self._by_ids(call, caller, ids)

    def similar(self, call: Call, caller: Caller) -> Reply:
        return self._list(call, caller, similar)

    def same_series(self, call: Call, caller: Caller) -> Reply:
        return self._list(call, caller, same_series)

    def _by_ids(self, call: Call, caller: Caller, ids: list[str]) -> Reply:
        chosen = select_fields(query_params(call).get("fields", ""), fields.ONE, caller)
        found = [asset for asset_id in ids if (asset := self._lookup(asset_id))]
        known = {asset.id for asset in found}
        missing = [asset_id for asset_id in ids if asset_id.lower() not in known]
        if not found and (len(ids) == 1 or self.config.none_found_status == 404):
            raise missing_image(missing, self.find(missing[0].lower()), self.config)
        context = ItemContext(call, caller, chosen, self.config, language_of(call), detailed=True)
        body: JSON = {"images": [item(asset, context) for asset in found], "images_not_found": missing}
        return json_reply(body, headers=content_language(context.language))

    def _list(self, call: Call, caller: Caller, choose: Callable[[Asset, list[Asset]], Sequence[Asset]]) -> Reply:
        params, asset_id = query_params(call), _id_in(call)
        page, page_size = paging(params, self.config)
        undeclared = self.config.rules.undeclared_fields
        chosen = select_fields(params.get("fields", ""), fields.BLENDED, caller, undeclared=undeclared)
        if (asset := self._lookup(asset_id)) is None:
            raise missing_image([asset_id], self.find(asset_id.lower()), self.config)
        context = ItemContext(call, caller, chosen, self.config, language_of(call))
        found = choose(asset, self._others(asset))
        body = page_of(found, page, page_size, context)
        return json_reply(body, headers=content_language(context.language))

    def _lookup(self, asset_id: str) -> Asset | None:
        asset = self.find(asset_id.lower())
        return None if asset is None or asset.withdrawn else asset

    def _others(self, asset: Asset) -> list[Asset]:
        return [other for asset_id in catalogue() if asset_id != asset.id and (other := self._lookup(asset_id))]


def similar(asset: Asset, others: list[Asset]) -> list[Asset]:
    """Return the pictures of the same scene or with several of the same keywords, the most similar first."""
    near = [other for other in others if other.scene == asset.scene or _shared(asset, other) >= MIN_SHARED]
    return sorted(near, key=lambda other: -_alike(asset, other))[:MAX_SIMILAR]


def _alike(asset: Asset, other: Asset) -> int:
    shared = {*traits.keywords(asset)} & {*traits.keywords(other)}
    return len(shared) + SAME_SCENE_WEIGHT * (other.scene == asset.scene)


def _shared(asset: Asset, other: Asset) -> int:
    return len({*asset.keywords} & {*other.keywords})


def same_series(asset: Asset, others: list[Asset]) -> list[Asset]:
    """ "This functionality will not work for editorial assets." (OpenAPI)"""
    has_one = asset.series and asset.family == "creative"
    return [other for other in others if has_one and other.series == asset.series]


def _id_in(call: Call) -> str:
    return call.path.split("/")[3]


def missing_image(ids: list[str], first: Asset | None, config: SandboxConfig) -> APIError:
    """Return the error for unknown IDs; 410 if the first picture was removed permanently."""
    status = first.withdrawn if first and first.withdrawn else 404
    return code_error(status, "ImageNotFound", config.rules.missing_image + ", ".join(ids))
