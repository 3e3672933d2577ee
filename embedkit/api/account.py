"""A customer's account: name, products with their remaining downloads, and past downloads.

Responses are never cached, because they change with every download.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from embedkit.api.decoding import read
from embedkit.api.models import ID, ApiObject, Asset, Caption, Paged, Pixels, ReadAs, Time
from embedkit.api.requests import ApiSettings, asset_id, get
from embedkit.messages import Request, Response


@dataclass(frozen=True, slots=True)
class Customer(ApiObject):
    """A customer of Getty Images."""

    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""

    @property
    def name(self) -> str:
        """First and last name; empty if neither is known."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class DownloadRequirements(ApiObject):
    """What an agreement requires with each download.

    :param project_codes: the allowed project codes, if the agreement defines any.
    """

    is_note_required: bool | None = None
    is_project_code_required: bool | None = None
    project_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product(ApiObject):
    """One of a customer's agreements.

    :param id: the ``product_id`` to pass to :meth:`Downloads.save`.
    :param type: the ``product_type`` to pass to :meth:`Downloads.save`.
    :param status: active or inactive.
    :param downloads_remaining: None if downloads are not limited, like ``download_limit``.
    :param expiration_utc_date: ISO 8601, like ``download_limit_reset_utc_date``.
    :param download_requirements: only present if ``requirements=True`` was passed.
    """

    id: ID
    type: str = ""
    name: str = ""
    status: str = ""
    agreement_name: str = ""
    application_website: str = ""
    credits_remaining: int | None = None
    download_limit: int | None = None
    download_limit_duration: str = ""
    download_limit_reset_utc_date: Time = None
    downloads_remaining: int | None = None
    expiration_utc_date: Time = None
    imagepack_resolution: str = ""
    team_credits: int | None = None
    download_requirements: DownloadRequirements | None = None


@dataclass(frozen=True, slots=True)
class DownloadUser(Customer):
    """The user who downloaded a file."""

    username: str = ""


@dataclass(frozen=True, slots=True)
class DownloadNotes(ApiObject):
    """The notes recorded with a download."""

    download_notes: Caption = ""
    project_code: str = ""


@dataclass(frozen=True, slots=True)
class DownloadDimensions(ApiObject):
    """The size of a file in pixels."""

    width: Pixels = None
    height: Pixels = None
    dpi: int | None = None


@dataclass(frozen=True, slots=True)
class PastDownload(Asset):
    """One past download, that is, a licence that was used.

    :param date_downloaded: ISO 8601.
    :param product_id: ID of the agreement that paid for it.
    :param download_source: how it was downloaded, such as ``api``.
    """

    date_downloaded: Time = None
    asset_type: str = ""
    product_type: str = ""
    product_id: ID = ""
    agreement_name: str = ""
    license_model: str = ""
    size_name: str = ""
    dimensions: DownloadDimensions = DownloadDimensions()
    download_details: DownloadNotes = DownloadNotes()
    download_source: str = ""
    user: DownloadUser = DownloadUser()
    thumb_url: Annotated[str | None, ReadAs("url", ("image_origins",), "thumb_uri")] = None


@dataclass(frozen=True, slots=True)
class DownloadPage(Paged):
    """One page of a customer's downloads, newest first."""

    ITEMS = "downloads"

    downloads: tuple[PastDownload, ...]


# -- requests and responses ---------------------------------------------------------------------------------


def products_request(api: ApiSettings, *, requirements: bool = False, language: str | None = None) -> Request:
    """Return the request for all products."""
    wanted = (("fields", "download_requirements"),) if requirements else ()
    return get(api, "/v3/products", wanted, language=language)


def image_history_request(id: str, api: ApiSettings, *, company: bool) -> Request:
    """Return the request for the downloads of one picture."""
    wanted = (("company_downloads", "true"),) if company else ()
    return get(api, f"/v3/images/{asset_id(id)}/downloadhistory", wanted)


def parse_image_history(response: Response, api: ApiSettings, id: str) -> tuple[PastDownload, ...]:
    """Return the downloads of a picture from a response.

    :raises NotFound: if there is no such picture.
    :raises ProviderError: for any other error status; InvalidResponse if the response contains no list.
    """
    return read(response, "picture", api, ref=asset_id(id)).require_parts("downloads", PastDownload)
