"""Downloads for licensed customers: available sizes, URLs valid for a day, and files saved to disk.

Getty returns the URL of a file in a redirect (303 in the OpenAPI document, 302 in older documentation) or, with
auto_download=false, in the response body. The URL is signed, is valid for 24 hours, and may only lead to the image
origins or the API itself; no credentials are sent to it. Orders are placed by :mod:`embedkit.api.orders`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Unpack
from urllib.parse import urlsplit

from embedkit.api.encoding import documented, encode
from embedkit.api.licenses import Notes, Order
from embedkit.api.models import DownloadOffer, DownloadSize
from embedkit.api.orders import DownloadPlan, Orders
from embedkit.api.parameters import Downloading
from embedkit.api.requests import asset_id
from embedkit.errors import InvalidResponse, NotFound, ProviderError, Unavailable
from embedkit.files.download import Destination, DownloadSink, Progress
from embedkit.getty import error_mapping
from embedkit.messages import Request, Response

ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "application/postscript": ".eps",
    "image/x-eps": ".eps",
    "application/zip": ".zip",
}
RESUME_HINT = "The picture is licensed: repeat the download to resume it without a second licence."
NOT_A_PICTURE = ("text/", "application/json", "application/xml", "application/xhtml")  # an error message


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded.

    :param path: path of the file.
    :param bytes: size of the file.
    :param host: host that delivered it.
    :param media_type: media type, such as ``image/jpeg``.
    :param product_type: type of the agreement under which it is licensed.
    """

    id: str
    path: str
    bytes: int
    host: str
    media_type: str = ""
    product_type: str = ""


class Downloads:
    """Downloads on behalf of the customer in the settings, or of the application on its own.

    Every order of a file is a licence, so no order is ever placed twice. Each is first written to a journal
    (EMBEDKIT_DOWNLOAD_JOURNAL), after checking that journal and Getty's download history for an earlier one.
    Within 24 hours of an order, the same file can be downloaded again without another one.

    Every method raises ConfigurationError without EMBEDKIT_API_SECRET and for invalid arguments, NotLicensed for a
    picture outside the agreement, PermissionDenied for a product that the customer lacks, NotFound for an unknown
    picture or size, UnsupportedReference for an invalid asset ID, and ProviderError if the call fails.

    >>> offer = kit.api.downloads.largest("74917285")[0]
    >>> offer.product_type
    'premiumaccess'
    >>> max(size.width for size in kit.api.downloads.sizes("74917285")) > 594
    True
    >>> kit.api.downloads.url("74917285", product_type="premiumaccess").startswith("https://")
    True
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     done = kit.api.downloads.save("74917285", folder, product_type="premiumaccess")
    >>> done.path.endswith("74917285.jpg"), done.media_type
    (True, 'image/jpeg')
    >>> kit.api.downloads.plan("74917285", product_type="premiumaccess").costs
    0
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._session = orders.session

    def sizes(self, id: str) -> tuple[DownloadSize, ...]:
        """Return the sizes in which a picture can be downloaded, and the agreements for each.

        :param id: an asset ID.
        """
        return self._orders.image(id, "downloads", "download_sizes").download_sizes

    def largest(self, id: str) -> tuple[DownloadOffer, ...]:
        """Return the agreements under which a picture's largest file can be downloaded.

        :param id: an asset ID.
        """
        return self._orders.image(id, "largest_downloads").largest_downloads

    @documented("download")
    def plan(self, id: str, *, again: bool = False, **params: Unpack[Downloading]) -> DownloadPlan:
        """Return what :meth:`save` would do, without doing it. An order whose response was lost stays unresolved.

        :param id: an asset ID.
        :param again: as for :meth:`save`, like the errors raised.
        """
        return self._orders.plan(*self._check(id, params), again=again)

    @documented("download")
    def url(
        self, id: str, *, again: bool = False, notes: Notes | None = None, **params: Unpack[Downloading]
    ) -> str:
        """License a picture as :meth:`save` does, and return the URL of its file, valid for 24 hours.

        :param id: an asset ID.
        :param again: as for :meth:`save`, like ``notes`` and the errors raised.
        """
        wanted, given = self._check(id, {"auto_download": False, **params})
        with self._orders.alone(wanted):
            return self._orders.place(wanted, given, notes, again=again)[1].url

    @documented("download")
    def save(
        self,
        id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        again: bool = False,
        progress: Progress | None = None,
        notes: Notes | None = None,
        **params: Unpack[Downloading],
    ) -> Download:
        """License a picture and save its file, by default the largest, either completely or not at all.

        A picture with more than one agreement needs a ``product_type`` or a ``product_id``. If a download is
        interrupted, the same call resumes it without a second licence.

        :param id: an asset ID.
        :param path: path of the file, or of a folder in which the file is named after its ID.
        :param overwrite: replace an existing file.
        :param again: license the picture once more, even if it is or might be licensed already.
        :param progress: called with the number of bytes received, and the total if it is known, else None.
        :param notes: ``download_notes`` and ``project_code``, for agreements that require them.
        :raises AlreadyLicensed: if it is licensed and its URL is no longer known; nothing is ordered.
        :raises LicenseUnknown: if the response to an earlier order was lost and the download history can't tell
            whether Getty accepted the order; nothing is ordered.
        :raises QuotaExhausted: if the agreement or EMBEDKIT_DOWNLOAD_BUDGET is used up.
        :raises OSError: if the file or the journal can't be written; FileExistsError if the file exists. Where
            possible, this is checked before anything is ordered.
        """
        wanted, given = self._check(id, params)
        expected = ".eps" if given.get("file_type") == "eps" else ".jpg"
        destination = Destination(path, f"{wanted}{expected}", overwrite=overwrite)
        with self._orders.alone(wanted):
            destination.check()  # another process may have saved it in the meantime
            with DownloadSink(destination, progress) as sink:
                # the URL is signed: only the request holds it, and never shows it
                order, request = self._orders.place(wanted, given, notes, again=again)
                media_type = self._fetch(order, request, sink)
                destination.use_name(f"{wanted}{ENDINGS.get(media_type, expected)}")
                host = urlsplit(request.url).hostname or ""
                done = Download(wanted, sink.commit(), sink.received, host, media_type, order.product_type)
            self._orders.saved(order, os.path.abspath(done.path))
            return done

    def _check(self, id: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the ID and the parameters as they are sent.

        :raises ConfigurationError: for invalid parameters, or if a required setting is missing.
        """
        self._session.check("token")
        encode("download", params)
        return asset_id(id), {name: value for name, value in params.items() if value is not None}

    def _fetch(self, order: Order, request: Request, sink: DownloadSink) -> str:
        """Download a file into a sink and return its media type."""
        try:
            return self._receive(order, request, sink)
        except Unavailable as error:
            error.hint = RESUME_HINT
            raise

    def _receive(self, order: Order, request: Request, sink: DownloadSink) -> str:
        id, response = order.asset, self._session.send(replace(request, sink=sink))
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status in (404, 410):
            self._orders.journal().drop(order.key)  # the URL is no longer valid
        if response.status != 200:
            raise _delivery_error(response, id)
        if not sink.received or sink.total not in (None, sink.received):
            raise Unavailable("The file is incomplete.", ref=id, **response.evidence)
        if media_type.startswith(NOT_A_PICTURE):
            message, hint = "The delivered file is not a picture.", "Try again later."
            raise InvalidResponse(message, hint=hint, ref=id, **response.evidence)
        return media_type


def _delivery_error(response: Response, id: str) -> ProviderError:
    if response.status in (404, 410):
        hint = "Look for it in the download history at gettyimages.com."
        return error_mapping.error_for(response, NotFound, "the file is no longer there", hint, id)
    if 400 <= response.status < 600:
        return error_mapping.error_for(response, Unavailable, "the file was not delivered", RESUME_HINT, id)
    return error_mapping.error_for(response, InvalidResponse, "this is not a file", "Try again later.", id)
