"""A picture as the API v3 tells of it: one function for each field that has something to work out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from embedkit.models import JSON
from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.rng import Dice
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.countries import country_of
from embedkit.sandbox.services.fields import Wanted
from embedkit.sandbox.services.http import Call
from embedkit.sandbox.services.products import covering, offers
from embedkit.sandbox.services.sizes import sizes
from embedkit.sandbox.services.urls import addresses

# size as in the address, kind of file, and whether there is a watermark
_SIZES = {
    "comp": ("612x612", "jpg", True),
    "comp_webp": ("612x612", "webp", True),
    "preview": ("170667a", "jpg", True),
    "thumb": ("170x170", "jpg", False),
    "mid_res_comp": ("1024x1024", "jpg", True),
    "high_res_comp": ("2048x2048", "jpg", True),
}
_USE = "Available for all uses that the |Sandbox Terms| permit."  # bars mark a link


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for pictures, how, and for what of them.

    :param language: of the answer.
    :param detailed: for ``/v3/images``, which tells more of some things than a search does.
    """

    call: Call
    caller: Caller
    wanted: Wanted
    language: str
    detailed: bool = False


def item(asset: Asset, asking: Asking) -> JSON:
    """The fields that are wanted, in their order."""
    return {key: FIELDS[key](asset, asking) for key in asking.wanted.keys}


def _allowed_use(asset: Asset, _: Asking) -> JSON:
    known = traits.traits(asset)
    return {
        "how_can_i_use_it": _USE,
        "release_info": known.released,
        "usage_restrictions": list(known.restrictions),
    }


def _display_sizes(asset: Asset, asking: Asking) -> list[JSON]:
    hosts = addresses(asking.call.origin)
    told = [(name, _SIZES[name]) for name in asking.wanted.displays]
    return [
        {"is_watermarked": marked, "name": name, "uri": hosts.display(asset, size, kind)}
        for name, (size, kind, marked) in told
    ]


def _download_sizes(asset: Asset, asking: Asking) -> list[JSON]:
    """The sizes of a picture, for those who may download it."""
    if not asking.caller.licensed:
        return []
    links = {"downloads": offers(asset, asking.call)} if asking.wanted.links else {}
    return [
        {"bytes": size.bytes, **links, "height": size.height, "media_type": "image/jpeg", "width": size.width}
        for size in reversed(sizes(asset))
    ]


def _largest_downloads(asset: Asset, asking: Asking) -> list[JSON]:
    return offers(asset, asking.call) if asking.caller.licensed else []


def _product_types(asset: Asset, asking: Asking) -> list[str]:
    return [product.type for product in covering(asset)] if asking.caller.licensed else []


def _download_product(asset: Asset, asking: Asking) -> str | None:
    return next(iter(_product_types(asset, asking)), None)


def _keywords(asset: Asset, _: Asking) -> list[JSON]:
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


def _referral_destinations(asset: Asset, _: Asking) -> list[JSON]:
    """The page on the site, as links in embeds have it; the sandbox shows one of its own under /detail."""
    kind, tail = ("news-photo", "news-photo") if asset.segment else ("photo", "royalty-free-image")
    page = f"https://www.gettyimages.com/detail/{kind}/{asset.slug}-{tail}/{asset.id}"
    return [{"site_name": "gettyimages", "uri": page}]


def _uri_oembed(asset: Asset, asking: Asking) -> str | None:
    """Where the embed is to be had, for pictures that may be embedded; the caller is a number of the key's own."""
    if not asset.embeddable:
        return None
    digest = blake2b(asking.caller.key.encode(), digest_size=4).digest()
    address = quote(f"http://gty.im/{asset.id}", safe="").replace("%3A", "%3a").replace("%2F", "%2f")
    number = 20_000 + int.from_bytes(digest, "big") % 70_000
    return f"{addresses(asking.call.origin).oembed}?url={address}&caller={number}"


def _links(asset: Asset, asking: Asking) -> list[JSON]:
    here = f"{asking.call.origin}/v3"
    return [
        {"rel": "similar", "uri": f"{here}/images/{asset.id}/similar"},
        {"rel": "same-series", "uri": f"{here}/images/{asset.id}/same-series"},
        {"rel": "artist", "uri": f"{here}/search/images?artists={quote(asset.photographer, safe='')}"},
    ]


def _country(asset: Asset, asking: Asking) -> str:
    """In the language asked for; English says England where the list of countries does not."""
    return asset.country if asking.language.startswith("en") else country_of(asset.country).name(asking.language)


def _camera_shot(asset: Asset, _: Asking) -> str | None:
    dice = Dice(f"shot {asset.id}")
    if dice.chance(0.5):
        return None
    return f"{asset.date_created[:11]}{dice.whole(5, 22):02}:{dice.whole(0, 59):02}:00Z"


def _date_submitted(asset: Asset, _: Asking) -> str:
    later = datetime.fromisoformat(asset.date_created) + timedelta(days=Dice(f"submitted {asset.id}").whole(0, 9))
    return f"{later:%Y-%m-%dT%H:%M:%S}"


def _artist_title(asset: Asset, _: Asking) -> str:
    titles = ("Staff", "Stringer", "Contributor")
    return Dice(f"employed {asset.photographer}").pick(titles) if asset.segment else "None"


def _credit_line(asset: Asset, _: Asking) -> str:
    return f"{asset.photographer}/Getty Images" if asset.segment else asset.collection


def _editorial_source(asset: Asset, asking: Asking) -> JSON:
    source: JSON = {"id": 9_000 + asset.collection_id}
    return source | {"name": asset.collection} if asking.detailed else source


FIELDS: dict[str, Callable[[Asset, Asking], Any]] = {
    "accessrestriction": lambda *_: None,
    "allowed_use": _allowed_use,
    "alternative_ids": lambda *_: {},
    "artist": lambda asset, _: asset.photographer,
    "artist_title": _artist_title,
    "asset_family": lambda asset, _: asset.family,
    "call_for_image": lambda *_: False,
    "caption": lambda asset, _: asset.caption,
    "city": lambda asset, _: asset.city,
    "collection_code": lambda asset, _: asset.collection_code,
    "collection_id": lambda asset, _: asset.collection_id,
    "collection_name": lambda asset, _: asset.collection,
    "color_type": lambda asset, _: traits.traits(asset).colour,
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
