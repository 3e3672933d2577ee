"""Decide what to do about a licence before a file is ordered, and build the order requests. Performs no I/O.

Every order of a file is a licence (Getty's documentation of September 2026), and can't be undone. So each order is
written to the journal before it is sent, and later lines record its state:

    ordered     sent, or about to be sent; the result is not known yet
    licensed    accepted: Getty confirmed it, or its download history contains it
    refused     refused by Getty
    missing     the response was lost, and the download history does not contain it
    saved       the file was saved
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, Literal, get_args

from embedkit.api.decoding import invalid, read
from embedkit.api.encoding import encode
from embedkit.api.models import DownloadOffer
from embedkit.api.requests import MAX_REDIRECTS, ApiSettings, asset_id, write
from embedkit.errors import ConfigurationError, InvalidResponse, NotLicensed, PermissionDenied
from embedkit.getty import payload
from embedkit.messages import Request, Response

Notes = Mapping[str, str]  # download_notes and project_code, for agreements that require them
State = Literal["ordered", "licensed", "refused", "missing", "saved"]
STATES: tuple[State, ...] = get_args(State)
HELD: tuple[State, ...] = ("licensed", "saved")
FREE: tuple[State, ...] = ("refused", "missing")
# an order's first line in the journal, apart from its key and "repeated"
FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("at", "asset", "product_type", "product_id", "file_type"), (str,)),
    **dict.fromkeys(("height", "known"), (int, NoneType)),
}

ENDPOINT = "delivery"  # has its own throttle and circuit breaker: files are slow, and on another host
FILE_TIMEOUT_S = 1800.0  # for one file; the largest have about 100 MB and take minutes over a slow connection
MAX_FILE_BYTES = 1024**3
MAX_URL_CHARS = 4096  # signed URLs are long


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a file, as recorded in the journal.

    :param key: identifier of the order in the journal.
    :param at: time of the order, ISO 8601 in UTC.
    :param height: height of the file in pixels; None for the largest.
    :param known: number of the picture's licences in Getty's history before the order; None if it was unreadable.
    :param repeated: whether the picture was licensed before, under an agreement that allows ordering it again.
    :param path: path of the saved file.
    """

    key: str
    at: str
    asset: str
    product_type: str
    product_id: str = ""
    height: int | None = None
    file_type: str = ""
    known: int | None = None
    repeated: bool = False
    state: State = "ordered"
    path: str = ""

    @property
    def line(self) -> dict[str, Any]:
        """The order's first line in the journal."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {"order": self.key, "state": "ordered", **fields, "repeated": self.repeated}

    def is_file(self, params: Mapping[str, Any]) -> bool:
        """Return whether the order is for the file that these parameters request."""
        product = params.get("product_type") or self.product_type, str(params.get("product_id") or self.product_id)
        return (
            (self.height, self.file_type) == (params.get("height"), params.get("file_type") or "")
            and product == (self.product_type, self.product_id)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """The orders of one picture, oldest first."""

    orders: tuple[Order, ...] = ()

    @property
    def unknown(self) -> tuple[Order, ...]:
        """The orders of which it is not known yet whether Getty accepted them."""
        return tuple(order for order in self.orders if order.state == "ordered")

    @property
    def license(self) -> Order | None:
        """The latest order that Getty accepted; None if there isn't one."""
        return next((order for order in reversed(self.orders) if order.state in HELD), None)

    def has_arrived(self, found: int) -> bool | None:
        """Return whether Getty accepted an order whose response was lost; None if that can't be told.

        :param found: number of the picture's licences in Getty's history.
        """
        known = self.unknown[0].known
        if known is None:
            return None if found else False
        return found > known


def read_orders(lines: Iterable[Mapping[str, Any]]) -> tuple[Order, ...]:
    """Return the orders in a journal, without unreadable lines."""
    found: dict[str, Order] = {}
    for line in lines:
        key = line.get("order")
        state: State | None = next((known for known in STATES if known == line.get("state")), None)
        if not isinstance(key, str) or state is None:
            continue
        if state == "ordered":
            found |= {key: order} if (order := _read_order(key, line)) else {}
        elif key in found:
            path = line.get("path")
            found[key] = replace(found[key], state=state, path=path if isinstance(path, str) else "")
    return tuple(found.values())


def spent(orders: Iterable[Order], month: str) -> int:
    """Return the number of licences that count against a month's budget. Orders with an unknown result count.

    Orders of later months count as well, so that setting the clock forward and back can't exceed the budget.

    :param month: such as 2026-11.
    """
    return sum(order.at[:7] >= month and order.state not in FREE and not order.repeated for order in orders)


def choose(offers: Sequence[DownloadOffer], id: str, params: Mapping[str, Any]) -> DownloadOffer:
    """Return the agreement to use: the only one, or the one that was named, never just the first.

    :raises NotLicensed: if there is no agreement at all; PermissionDenied if none matches.
    :raises ConfigurationError: if several match; the message starts with the argument that distinguishes them.
    """
    kind, number = params.get("product_type"), params.get("product_id")
    distinct = {(offer.product_type, offer.product_id): offer for offer in offers}
    fitting = [
        offer
        for offer in distinct.values()
        if kind in (None, offer.product_type) and (number is None or str(number) == offer.product_id)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not distinct:
        hint = "Choose another picture, or check the account: EMBEDKIT_USERNAME, or embedkit login."
        raise NotLicensed("These credentials don't include downloads of this picture.", hint=hint, ref=id)
    if not fitting:
        message = "The customer has no access to this product."
        hint = f"Choose another product_type from the picture's largest downloads: {_names(distinct.values())}."
        raise PermissionDenied(message, hint=hint, ref=id)
    argument = "product_type" if len({offer.product_type for offer in fitting}) > 1 else "product_id"
    raise ConfigurationError(
        f"{argument} is required, because {id} can be licensed under several agreements.",
        hint=f"Choose one of {_names(fitting)}.",
        ref=id,
    )


def _names(offers: Iterable[DownloadOffer]) -> str:
    return ", ".join(describe(offer.product_type, offer.product_id, offer.agreement_name) for offer in offers)


def describe(product_type: str, product_id: str = "", agreement: str = "") -> str:
    """Describe an agreement in messages, such as ``premiumaccess (50001, Premium Access)``."""
    more = ", ".join(part for part in (product_id, agreement) if part)
    return f"{product_type} ({more})" if more else product_type


def _read_order(key: str, line: Mapping[str, Any]) -> Order | None:
    found: dict[str, Any] = {name: line.get(name) for name in FIELDS}
    if any(type(found[name]) not in kinds for name, kinds in FIELDS.items()):
        return None
    return Order(key, repeated=line.get("repeated") is True, **found)


# -- requests and responses -----------------------------------------------------------------------------------


def order_url(offer: DownloadOffer, id: str, base: str) -> str:
    """Return the URL at which an offer is ordered: its own, provided that it orders this picture from this API.

    :raises InvalidResponse: if it is any other URL, however it is spelled.
    """
    url = offer.uri or offer.other.get("uri")
    usual = f"{base}/v3/downloads/images/{id}"
    if url is None:
        return usual
    if url not in (usual, f"{base}/v3/downloads/{id}"):  # the second as documented until 2018
        message = "The offer's URL is not that of the requested picture"
        raise InvalidResponse(f"{message}.", hint="It is ignored. Check EMBEDKIT_API_BASE.", ref=id)
    return str(url)


def order_request(
    offer: DownloadOffer, id: str, params: Mapping[str, Any], api: ApiSettings, notes: Notes | None = None
) -> Request:
    """Return the request for one download. It counts against the customer's agreement, so it is never sent twice.

    :param params: parameters of the download; ``auto_download=True``, the default, redirects to the file, and
        ``auto_download=False`` returns its URL.
    :raises UnsupportedReference: for an invalid asset ID.
    :raises ConfigurationError: for invalid arguments; InvalidResponse for an offer with an unexpected URL.
    """
    url = order_url(offer, asset_id(id), api.base)
    product = {"product_type": offer.product_type, "product_id": offer.product_id or None}
    pairs = encode("download", {"auto_download": True, **params, **product})
    # Without notes the official SDK sends the JSON null. An empty body might be refused as a wrong media type.
    document = dict(notes) if notes else None
    return replace(write(api, "POST", "", pairs, document=document), url=url, follow_redirects=False)


def parse_url(response: Response, api: ApiSettings, id: str) -> str:
    """Return the URL of the file from the response to an order.

    :raises ProviderError: for an error status, as mapped by :mod:`embedkit.api.errors`.
    :raises InvalidResponse: if the URL is missing, or its origin is not allowed.
    """
    # no local variable holds the raw URL: crash reporters send the frames of the error below
    if not (found := file_url(_location(response, id), api)):
        raise invalid("The response has no valid URL of a file.", response, id)
    return found


def file_url(value: object, api: ApiSettings) -> str | None:
    """Return the URL of a file if its origin is allowed; else None."""
    return payload.url_on_origin(value, (*api.image_origins, *api.api_origins), MAX_URL_CHARS)


def file_request(url: str, api: ApiSettings) -> Request:
    """Return the request for a file, without credentials, at a URL returned by :func:`parse_url`."""
    return Request(
        url,
        endpoint=ENDPOINT,
        headers={"Accept": "*/*", "Accept-Encoding": "identity"},  # pictures are compressed already
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
