"""Pictures by their IDs, one or a hundred at a time; those similar to one, and those of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from embedkit.api.decoding import JSONReader, find_id, in_order, none_found, read
from embedkit.api.models import Found, Image
from embedkit.api.parameters import DETAIL_FIELDS, SEARCH_FIELDS
from embedkit.api.requests import ApiSettings, asset_id, distinct_ids, ids_param, query
from embedkit.messages import Request, Response


def image_request(id: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one picture, at a URL of its own, which answers 404 where there is none."""
    return query(api, "image", f"/v3/images/{asset_id(id)}", params, fields=DETAIL_FIELDS)


def images_request(ids: Sequence[str], params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for 1 to 100 pictures, each once."""
    return query(api, "image", "/v3/images", params, ids_param(distinct_ids(ids)), fields=DETAIL_FIELDS)


def series_request(
    kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any], api: ApiSettings
) -> Request:
    """The request for pictures similar to one, or of its series; its answer is a page of a search."""
    return query(api, kind, f"/v3/images/{asset_id(id)}/{kind}", params, fields=SEARCH_FIELDS)


def parse_image(response: Response, api: ApiSettings, id: str) -> Image:
    """The picture of an answer.

    :raises NotFound: where there is none of that ID.
    :raises ProviderError: for another status; InvalidResponse for an answer without pictures.
    """
    wanted = asset_id(id)
    return find_id(_images(read(response, "picture", api, ref=wanted)), wanted, "picture", wanted)


def parse_images(response: Response, api: ApiSettings, ids: Sequence[str]) -> Found:
    """The pictures of an answer, in the order of ``ids``, and which of these are not among them.

    :raises ProviderError: for every other status; InvalidResponse for an answer without pictures.
    """
    wanted = distinct_ids(ids)
    if none_found(response, "picture"):
        return Found((), wanted)
    fields = read(response, "picture", api, ref=",".join(wanted))
    return Found(*in_order(_images(fields), wanted), other=fields.other)


def _images(fields: JSONReader) -> tuple[Image, ...]:
    fields.require_list("images", "images_not_found")
    fields.texts("images_not_found")  # what is missing is seen by what is there
    return fields.parts("images", Image)
