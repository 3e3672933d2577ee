"""GET /v3/images, /v3/images/{id}, /v3/images/{id}/similar and /v3/images/{id}/same-series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embedkit.models import JSON
from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset, catalogue
from embedkit.sandbox.services import fields
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.errors import Refused, coded
from embedkit.sandbox.services.fields import wanted
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.items import Asking, item
from embedkit.sandbox.services.languages import content_language, language_of
from embedkit.sandbox.services.parameters import joined, paging
from embedkit.sandbox.services.search import Find, page_of

MOST = 100  # ids of a call [doc]
MOST_SIMILAR = 100
LEAST_SHARED = 3  # keywords of the theme, for pictures of different themes
THEME = 3  # what the same theme counts, in keywords


@dataclass(frozen=True, slots=True)
class Images:
    """What is known of pictures by their ids. ``find`` knows the assets, takedowns included."""

    config: SandboxConfig
    find: Find

    def one(self, call: Call, caller: Caller) -> Reply:
        return self._told(call, caller, [_id_in(call)])

    def many(self, call: Call, caller: Caller) -> Reply:
        asked = [part.strip() for part in joined(call).get("ids", "").split(",")]
        ids = list(dict.fromkeys(asset_id for asset_id in asked if asset_id))
        if not ids:
            raise coded(400, "ImageIdMustBeSpecified", "At least one image id must be specified.")
        if len(ids) > MOST:
            raise coded(400, "InvalidParameterValue", f"No more than {MOST} image ids may be specified.")
        return self._told(call, caller, ids)

    def similar(self, call: Call, caller: Caller) -> Reply:
        return self._list(call, caller, _similar)

    def same_series(self, call: Call, caller: Caller) -> Reply:
        return self._list(call, caller, _of_series)

    def _told(self, call: Call, caller: Caller, ids: list[str]) -> Reply:
        chosen = wanted(joined(call).get("fields", ""), fields.ONE, caller)
        found = [asset for asset_id in ids if (asset := self._there(asset_id))]
        known = {asset.id for asset in found}
        missing = [asset_id for asset_id in ids if asset_id.lower() not in known]
        if not found and (len(ids) == 1 or self.config.none_found_status == 404):
            raise _not_found(missing)
        asking = Asking(call, caller, chosen, language_of(call), detailed=True)
        body: JSON = {"images": [item(asset, asking) for asset in found], "images_not_found": missing}
        return json_reply(body, headers=content_language(asking.language))

    def _list(self, call: Call, caller: Caller, choose: Callable[[Asset, list[Asset]], Sequence[Asset]]) -> Reply:
        params, asset_id = joined(call), _id_in(call)
        page, page_size = paging(params, self.config)
        undeclared = self.config.undeclared_fields
        chosen = wanted(params.get("fields", ""), fields.BLENDED, caller, undeclared=undeclared)
        if (asset := self._there(asset_id)) is None:
            raise _not_found([asset_id])
        asking = Asking(call, caller, chosen, language_of(call))
        body = page_of(choose(asset, self._others(asset)), page, page_size, asking)
        return json_reply(body, headers=content_language(asking.language))

    def _there(self, asset_id: str) -> Asset | None:
        asset = self.find(asset_id.lower())
        return None if asset is None or asset.withdrawn else asset

    def _others(self, asset: Asset) -> list[Asset]:
        return [other for asset_id in catalogue() if asset_id != asset.id and (other := self._there(asset_id))]


def _similar(asset: Asset, others: list[Asset]) -> list[Asset]:
    """Those of the same theme, or with some of its keywords; the more two have in common the earlier."""
    near = [other for other in others if other.scene == asset.scene or _shared(asset, other) >= LEAST_SHARED]
    return sorted(near, key=lambda other: -_alike(asset, other))[:MOST_SIMILAR]


def _alike(asset: Asset, other: Asset) -> int:
    shared = {*traits.keywords(asset)} & {*traits.keywords(other)}
    return len(shared) + THEME * (other.scene == asset.scene)


def _shared(asset: Asset, other: Asset) -> int:
    return len({*asset.keywords} & {*other.keywords})


def _of_series(asset: Asset, others: list[Asset]) -> list[Asset]:
    return [other for other in others if asset.series and other.series == asset.series]


def _id_in(call: Call) -> str:
    return call.path.split("/")[3]


def _not_found(ids: list[str]) -> Refused:
    return coded(404, "ImageNotFound", f"Image not found: {', '.join(ids)}")
