"""Pictures by ID, up to a hundred per request; similar pictures, and pictures of the same series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from embedkit.api.decoding import JSONReader, find_id, in_order, none_found, read
from embedkit.api.models import Found, Image
from embedkit.api.parameters import DETAIL_FIELDS, SEARCH_FIELDS
from embedkit.api.requests import ApiSettings, asset_id, distinct_ids, ids_param, query
from embedkit.messages import Request, Response


def image_request(id: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for one picture, whose URL returns 404 if there is no such picture."""
    return query(api, "image", f"/v3/images/{asset_id(id)}", params, fields=DETAIL_FIELDS)


def images_request(ids: Sequence[str], params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for 1 to 100 distinct pictures."""
    return query(api, "image", "/v3/images", params, ids_param(distinct_ids(ids)), fields=DETAIL_FIELDS)


def series_request(
    kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any], api: ApiSettings
) -> Request:
    """Return the request for pictures similar to one or of its series. The response is a search page."""
    return query(api, kind, f"/v3/images/{asset_id(id)}/{kind}", params, fields=SEARCH_FIELDS)


def parse_image(response: Response, api: ApiSettings, id: str) -> Image:
    """Return the picture from a response.

    :raises NotFound: if there is no picture with that ID.
    :raises ProviderError: for any other error status; InvalidResponse if the response contains no pictures.
    """
    wanted = asset_id(id)
    return find_id(_images(read(response, "picture", api, ref=wanted)), wanted, "picture", wanted)


def parse_images(response: Response, api: ApiSettings, ids: Sequence[str]) -> Found:
    """Return the pictures from a response, in the order of ``ids``, and the IDs that were not found.

    :raises ProviderError: for an error status other than 404 and 410; InvalidResponse if the response contains no
        pictures.
    """
    wanted = distinct_ids(ids)
    if none_found(response, "picture"):
        return Found((), wanted)
    fields = read(response, "picture", api, ref=",".join(wanted))
    return Found(*in_order(_images(fields), wanted), other=fields.other)


def _images(fields: JSONReader) -> tuple[Image, ...]:
    fields.require_list("images", "images_not_found")
    fields.texts("images_not_found")  # marks it as read; missing IDs follow from the pictures
    return fields.parts("images", Image)
