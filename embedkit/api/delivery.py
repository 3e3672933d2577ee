"""An order and what it is answered, and the file behind it, as requests and answers. No input, no output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedkit.api.decoding import invalid, read
from embedkit.api.encoding import encode
from embedkit.api.models import DownloadOffer
from embedkit.api.requests import MAX_REDIRECTS, ApiSettings, asset_id, write
from embedkit.errors import InvalidResponse
from embedkit.getty import payload
from embedkit.messages import Request, Response

ENDPOINT = "delivery"  # a throttle and a breaker of its own: files are slow, and on another host
FILE_TIMEOUT_S = 1800.0  # for one file; the largest have some 100 MB, and a slow line takes minutes for them
MAX_FILE_BYTES = 1024**3
MAX_URL_CHARS = 4096  # it is signed


def order_url(offer: DownloadOffer, id: str, base: str) -> str:
    """Where an offer is ordered: its own address, if it is one that orders this very picture from this API.

    :raises InvalidResponse: where it is any other, however it is written.
    """
    url = offer.uri or offer.other.get("uri")
    usual = f"{base}/v3/downloads/images/{id}"
    if url is None:
        return usual
    if url not in (usual, f"{base}/v3/downloads/{id}"):  # the second as documented until 2018
        message = "The offer leads to another address than that of the picture that was asked for"
        raise InvalidResponse(f"{message}.", hint="It is not used. Check EMBEDKIT_API_BASE.", ref=id)
    return str(url)


def order_request(
    offer: DownloadOffer,
    id: str,
    params: Mapping[str, Any],
    api: ApiSettings,
    notes: Mapping[str, str] | None = None,
) -> Request:
    """The request for one download. It counts against the customer's agreement, so it is never sent twice.

    :param params: ``auto_download``, by default True, redirects to the file; False answers with its URL.
    :raises UnsupportedReference: for what is not an asset ID.
    :raises ConfigurationError: for wrong arguments; InvalidResponse for an offer that leads elsewhere.
    """
    url = order_url(offer, asset_id(id), api.base)
    product = {"product_type": offer.product_type, "product_id": offer.product_id or None}
    pairs = encode("download", {"auto_download": True, **params, **product})
    # without notes the official SDK sends the JSON null; nothing at all might be taken for a wrong media type
    document = dict(notes) if notes else None
    return replace(write(api, "POST", "", pairs, document=document), url=url, follow_redirects=False)


def parse_url(response: Response, api: ApiSettings, id: str) -> str:
    """The URL of the file.

    :raises ProviderError: what :mod:`embedkit.api.errors` makes of another status.
    :raises InvalidResponse: where the URL is missing, or leads anywhere else.
    """
    # no variable here holds what was answered: the error below may be sent to a crash reporter, with its frames
    if not (found := file_url(_location(response, id), api)):
        raise invalid("The answer has no URL of a file that may be used.", response, id)
    return found


def file_url(value: object, api: ApiSettings) -> str | None:
    """The URL of a file, if it may be one."""
    return payload.url_on_origin(value, (*api.image_origins, *api.api_origins), MAX_URL_CHARS)


def file_request(url: str, api: ApiSettings) -> Request:
    """The request for the file, at a URL that :func:`parse_url` returned; without credentials."""
    return Request(
        url,
        endpoint=ENDPOINT,
        headers={"Accept": "*/*", "Accept-Encoding": "identity"},  # pictures do not get smaller
        redirects=MAX_REDIRECTS,
        hosts=api.hosts,
        max_bytes=MAX_FILE_BYTES,
        timeout=FILE_TIMEOUT_S,
        signed=True,
    )


def _location(response: Response, id: str) -> object:
    if response.status in (302, 303):
        return response.headers.get("location")
    return read(response, "download", ref=id).raw("uri")
