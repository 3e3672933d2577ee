"""Downloads, for licensed customers: an order becomes the address of a file, and that a request.

The service names the address in a redirect (303 as the contract has it; 302 in the documentation of old) or,
with auto_download=false, in its answer. It may lead to the image origins and to the API itself, and no
credentials go there: it is signed, for 24 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedkit.api import parameters
from embedkit.api.decoding import answer, unusable
from embedkit.api.requests import (
    REDIRECTS,
    api_origins,
    asset_id,
    hosts,
    telling,
)
from embedkit.getty import payload
from embedkit.messages import Request, Response
from embedkit.settings import Settings

LONGEST = 4096  # characters of an address: it is signed
DELIVERY = "delivery"  # a throttle and a breaker of its own: files are slow, and on another host


def request(
    image_id: str,
    said: Mapping[str, Any],
    settings: Settings,
    *,
    auto_download: bool = True,
    notes: Mapping[str, str] | None = None,
) -> Request:
    """The order of one download. It counts against the customer's agreement, so it is never sent twice.

    :param auto_download: whether the answer is a redirect to the file, or holds its address.
    :param notes: ``download_notes`` and ``project_code``, for customers of premium access who must give them.
    :raises UnsupportedReference: for what is no asset id.
    :raises ConfigurationError: for wrong arguments.
    """
    pairs = parameters.read("download", {**said, "auto_download": auto_download})
    # without notes the official SDK sends the JSON null; nothing at all might be taken for a wrong media type
    document = dict(notes) if notes else None
    order = telling(settings, "POST", f"/v3/downloads/images/{asset_id(image_id)}", pairs, document=document)
    return replace(order, follow_redirects=False)


def address(response: Response, settings: Settings, image_id: str) -> str:
    """Where the file is.

    :raises ProviderError: what :mod:`embedkit.api.errors` makes of another status.
    :raises InvalidResponse: where the address is missing, or leads anywhere else.
    """
    origins = (*settings.image_origins, *api_origins(settings))
    # no variable here holds what was answered: the error below may be sent to a crash reporter, with its frames
    if not (found := payload.url_on_origin(_place(response, image_id), origins, LONGEST)):
        raise unusable("The answer names no address of a file that may be used.", image_id)
    return found


def _place(response: Response, image_id: str) -> object:
    if response.status in (302, 303):
        return response.headers.get("location")
    return answer(response, "download", ref=image_id).raw("uri")


def file_request(where: str, settings: Settings) -> Request:
    """The question for the file, at an address that :func:`address` gave; without credentials."""
    return Request(where, endpoint=DELIVERY, headers={"Accept": "*/*"}, redirects=REDIRECTS, hosts=hosts(settings))
