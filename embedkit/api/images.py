"""Pictures by their IDs, one or a hundred at a time; those similar to one, and those of its series.

A picture has the same fields at every endpoint, so :func:`read_image` reads those of searches, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

from embedkit.api.decoding import FAMILIES, JSONReader, read
from embedkit.api.errors import MISSING, error_for
from embedkit.api.models import DownloadOffer, Found, Image
from embedkit.api.parameters import DETAIL_FIELDS, SEARCH_FIELDS, Orientation
from embedkit.api.requests import FIRST_PAGE, ApiSettings, asset_id, distinct_ids, query
from embedkit.errors import ConfigurationError, NotFound
from embedkit.messages import Request, Response
from embedkit.validation import one_of

MAX_IDS = 100  # in one call
# "Square", "PanoramicHorizontal"; as a parameter panoramic_horizontal.
ORIENTATIONS = get_args(Orientation)


def image_request(id: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one picture, at a URL of its own, which answers 404 where there is none."""
    return query(api, "image", f"/v3/images/{asset_id(id)}", params, fields=DETAIL_FIELDS)


def images_request(ids: Sequence[str], params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for 1 to 100 pictures, each once."""
    wanted = distinct_ids(ids)
    if not 1 <= len(wanted) <= MAX_IDS:
        raise ConfigurationError(f"One call can't ask for {len(wanted)} IDs.", hint=f"Pass 1 to {MAX_IDS} IDs.")
    return query(api, "image", "/v3/images", params, (("ids", ",".join(wanted)),), fields=DETAIL_FIELDS)


def series_request(
    kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any], api: ApiSettings
) -> Request:
    """The request for pictures similar to one, or of its series; its answer is a page of a search."""
    one_of(kind, ("similar", "same-series"), "kind")
    return query(api, kind, f"/v3/images/{asset_id(id)}/{kind}", params, fields=SEARCH_FIELDS, **FIRST_PAGE)


def parse_image(response: Response, api: ApiSettings, id: str) -> Image:
    """The picture of an answer.

    :raises NotFound: where there is none of that ID.
    :raises ProviderError: for another status; InvalidResponse for an answer without pictures.
    """
    wanted = asset_id(id)
    for image in _images(read(response, "picture", api, ref=wanted)):
        if image.id == wanted:
            return image
    message, hint = MISSING["picture"]
    raise NotFound(f"{message[0].upper()}{message[1:]}.", hint=hint, ref=wanted)


def parse_images(response: Response, api: ApiSettings, ids: Sequence[str]) -> Found:
    """The pictures of an answer, in the order of ``ids``, and which of these are not among them.

    Where not one of them exists the service answers 404, and that is no error of this call.

    :raises ProviderError: for every other status; InvalidResponse for an answer without pictures.
    """
    wanted = distinct_ids(ids)
    if response.status == 404:
        error = error_for(response, what="picture", ref=",".join(wanted))
        if isinstance(error, NotFound):
            return Found((), wanted)
        raise error  # a firewall's page: it knows nothing of pictures
    fields = read(response, "picture", api)
    images = {image.id: image for image in _images(fields)}
    return Found(
        tuple(images[id] for id in wanted if id in images),
        tuple(id for id in wanted if id not in images),
        other=fields.other,
    )


def _images(fields: JSONReader) -> tuple[Image, ...]:
    fields.require_list("images", "images_not_found")
    fields.texts("images_not_found")  # what is missing is seen by what is there
    return fields.children("images", read_image)


def read_image(fields: JSONReader) -> Image | None:
    """A picture; None where its ID is not an asset ID, since then nobody can ask for it."""
    width, height = fields.child("max_dimensions", _dimensions) or (None, None)
    return fields.build(
        Image,
        photographer=fields.text("artist"),
        photographer_title=fields.text("artist_title"),
        collection=fields.text("collection_name"),
        family=fields.enum("asset_family", FAMILIES),
        orientation=fields.enum("orientation", ORIENTATIONS),
        width=width,
        height=height,
        largest_downloads=_offers(fields),
    )


def _offers(fields: JSONReader) -> tuple[DownloadOffer, ...]:
    """The agreements for the largest file. Getty's documentation also has them as lists in that file (2014)."""
    return tuple(offer for found in fields.children("largest_downloads", _offers_in) for offer in found)


def _offers_in(entry: JSONReader) -> tuple[DownloadOffer, ...]:
    build = partial(JSONReader.build, kind=DownloadOffer)
    if isinstance(entry.raw("downloads"), list):
        return entry.children("downloads", build)
    offer = build(entry)
    return (offer,) if offer else ()


def _dimensions(fields: JSONReader) -> tuple[int | None, int | None]:
    return fields.pixels("width"), fields.pixels("height")
