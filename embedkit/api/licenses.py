"""What is known of licences before a file is ordered, what follows from it, and the requests. No input, no output.

Every order of a file is a licence (Getty's documentation of September 2026), and none can be taken back. So each
is a line of the journal before it is sent, and the lines after it say what became of it:

    ordered     sent, or about to be; nobody knows yet
    licensed    Getty has taken it: it answered, or its download history has it
    refused     Getty has answered that it has not
    missing     its answer was lost, and the download history does not have it
    saved       the file is where it is to be
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
# the first line of an order, beside its key and whether it is repeated
FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("at", "asset", "product_type", "product_id", "file_type"), (str,)),
    **dict.fromkeys(("height", "known"), (int, NoneType)),
}

ENDPOINT = "delivery"  # a throttle and a breaker of its own: files are slow, and on another host
FILE_TIMEOUT_S = 1800.0  # for one file; the largest have some 100 MB, and a slow line takes minutes for them
MAX_FILE_BYTES = 1024**3
MAX_URL_CHARS = 4096  # it is signed


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a file, as the journal has it.

    :param key: its own, by which later lines name it.
    :param at: when it was made, ISO 8601 in UTC.
    :param height: of the file in pixels; None for the largest.
    :param known: how many licences of the picture Getty's history had before; None where it could not be read.
    :param repeated: whether it is for a picture that is licensed, under an agreement that allows that.
    :param path: where the file was saved.
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
        """Its first line."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {"order": self.key, "state": "ordered", **fields, "repeated": self.repeated}

    def is_file(self, params: Mapping[str, Any]) -> bool:
        """Whether it is for the file that these parameters ask for."""
        product = params.get("product_type") or self.product_type, str(params.get("product_id") or self.product_id)
        return (
            (self.height, self.file_type) == (params.get("height"), params.get("file_type") or "")
            and product == (self.product_type, self.product_id)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """The orders of one picture, the first one first."""

    orders: tuple[Order, ...] = ()

    @property
    def unknown(self) -> tuple[Order, ...]:
        """Those of which nobody knows yet whether Getty has taken them."""
        return tuple(order for order in self.orders if order.state == "ordered")

    @property
    def license(self) -> Order | None:
        """The last of those that Getty has taken."""
        return next((order for order in reversed(self.orders) if order.state in HELD), None)

    def has_arrived(self, found: int) -> bool | None:
        """Whether an unknown order is among so many licences in Getty's history; None if that can't be told."""
        known = self.unknown[0].known
        if known is None:
            return None if found else False
        return found > known


def read_orders(lines: Iterable[Mapping[str, Any]]) -> tuple[Order, ...]:
    """The orders of a journal; what is none is left out."""
    found: dict[str, Order] = {}
    for line in lines:
        key = line.get("order")
        state: State | None = next((one for one in STATES if one == line.get("state")), None)
        if not isinstance(key, str) or state is None:
            continue
        if state == "ordered":
            found |= {key: order} if (order := _read_order(key, line)) else {}
        elif key in found:
            path = line.get("path")
            found[key] = replace(found[key], state=state, path=path if isinstance(path, str) else "")
    return tuple(found.values())


def spent(orders: Iterable[Order], month: str) -> int:
    """How many licences count against a month, written as 2026-11. One of which nobody knows counts.

    Those of later months count as well: a clock that was set forward and back gives nothing away.
    """
    return sum(order.at[:7] >= month and order.state not in FREE and not order.repeated for order in orders)


def choose(offers: Sequence[DownloadOffer], id: str, params: Mapping[str, Any]) -> DownloadOffer:
    """The agreement that pays: the only one, or the one that is named, never just the first.

    :raises NotLicensed: where there is none at all; PermissionDenied where there is none of that name.
    :raises ConfigurationError: where there are several; its first word is the argument that tells them apart.
    """
    kind, number = params.get("product_type"), params.get("product_id")
    distinct = {(one.product_type, one.product_id): one for one in offers}
    fitting = [
        one
        for one in distinct.values()
        if kind in (None, one.product_type) and (number is None or str(number) == one.product_id)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not distinct:
        hint = "Choose another picture, or check the account: EMBEDKIT_USERNAME, or embedkit login."
        raise NotLicensed("These credentials may download no file of this picture.", hint=hint, ref=id)
    if not fitting:
        message = "The customer has no access to this product."
        hint = f"Choose another product_type among its largest downloads: {_names(distinct.values())}."
        raise PermissionDenied(message, hint=hint, ref=id)
    argument = "product_type" if len({one.product_type for one in fitting}) > 1 else "product_id"
    raise ConfigurationError(
        f"{argument} has to be chosen, since {id} can be licensed under several agreements.",
        hint=f"There are {_names(fitting)}.",
        ref=id,
    )


def _names(offers: Iterable[DownloadOffer]) -> str:
    return ", ".join(describe(one.product_type, one.product_id, one.agreement_name) for one in offers)


def describe(product_type: str, product_id: str = "", agreement: str = "") -> str:
    """An agreement for people, such as ``premiumaccess (50001, Premium Access)``."""
    more = ", ".join(part for part in (product_id, agreement) if part)
    return f"{product_type} ({more})" if more else product_type


def _read_order(key: str, line: Mapping[str, Any]) -> Order | None:
    found: dict[str, Any] = {name: line.get(name) for name in FIELDS}
    if any(type(found[name]) not in kinds for name, kinds in FIELDS.items()):
        return None
    return Order(key, repeated=line.get("repeated") is True, **found)


# -- requests and answers -------------------------------------------------------------------------------------


def order_url(offer: DownloadOffer, id: str, base: str) -> str:
    """Where an offer is ordered: its own URL, if it is one that orders this very picture from this API.

    :raises InvalidResponse: where it is any other, however it is written.
    """
    url = offer.uri or offer.other.get("uri")
    usual = f"{base}/v3/downloads/images/{id}"
    if url is None:
        return usual
    if url not in (usual, f"{base}/v3/downloads/{id}"):  # the second as documented until 2018
        message = "The offer leads to another URL than that of the picture that was asked for"
        raise InvalidResponse(f"{message}.", hint="It is not used. Check EMBEDKIT_API_BASE.", ref=id)
    return str(url)


def order_request(
    offer: DownloadOffer, id: str, params: Mapping[str, Any], api: ApiSettings, notes: Notes | None = None
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
