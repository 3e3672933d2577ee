"""Downloads, for licensed customers: the sizes of a picture, its URL for a day, its file on the disk.

The service names the URL in a redirect (303 as the contract has it; 302 in older documentation) or, with
auto_download=false, in its answer. It may lead to the image origins and to the API itself, and no credentials are
sent there: it is signed, for 24 hours. How an order is made is in :mod:`embedkit.api.orders`.
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
GOES_ON = "The picture is licensed: run the same again, and it goes on without a second licence."
NOT_A_PICTURE = ("text/", "application/json", "application/xml", "application/xhtml")  # a message


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded.

    :param path: where it is.
    :param bytes: its size.
    :param host: that it came from.
    :param media_type: such as ``image/jpeg``.
    :param product_type: of the agreement that it is licensed under.
    """

    id: str
    path: str
    bytes: int
    host: str
    media_type: str = ""
    product_type: str = ""


class Downloads:
    """Downloads on behalf of the settings' customer, or of the application on its own.

    Each order of a file is a licence, so none is made twice: it is written into a journal first (the setting
    DOWNLOAD_JOURNAL), and the journal and Getty's download history are looked up before. For 24 hours the same
    file is got again without an order.

    Every method raises ConfigurationError without EMBEDKIT_API_SECRET and for wrong arguments, NotLicensed for
    a picture outside the agreement, PermissionDenied for a product that the customer lacks, NotFound for what
    does not exist, UnsupportedReference for what is not an asset ID, and ProviderError where there is no answer.

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
        """The sizes that a picture can be downloaded in, and the agreements for each.

        :param id: an asset ID.
        """
        return self._orders.image(id, "downloads", "download_sizes").download_sizes

    def largest(self, id: str) -> tuple[DownloadOffer, ...]:
        """The agreements under which the largest file of a picture can be downloaded.

        :param id: an asset ID.
        """
        return self._orders.image(id, "largest_downloads").largest_downloads

    @documented("download")
    def plan(self, id: str, *, again: bool = False, **params: Unpack[Downloading]) -> DownloadPlan:
        """What :meth:`save` would do, without doing it.

        :param id: an asset ID.
        :param again: as for :meth:`save`, like what it raises; an order whose answer was lost is not cleared up.
        """
        return self._orders.plan(*self._check(id, params), again=again)

    @documented("download")
    def url(
        self, id: str, *, again: bool = False, notes: Notes | None = None, **params: Unpack[Downloading]
    ) -> str:
        """The URL of a file, good for 24 hours; by default of the largest. It is a licence, as :meth:`save` is.

        :param id: an asset ID.
        :param again: as for :meth:`save`, like ``notes``, and what it raises.
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
        """License and download a file, by default the largest: it is there as a whole, or not at all.

        A picture with more than one agreement needs a ``product_type``, or a ``product_id``. Whatever interrupts a
        download, the same call once more goes on from there, and makes no second licence.

        :param id: an asset ID.
        :param path: of the file; or of a folder, where it is named by its ID.
        :param overwrite: whether a file that is there may be replaced.
        :param again: license the picture once more, where it is licensed already or nobody knows.
        :param progress: called with the bytes that have come, and with those of the file where they are known.
        :param notes: ``download_notes`` and ``project_code``, for agreements that require them.
        :raises AlreadyLicensed: where it is licensed, and its URL is not known any more: nothing is ordered.
        :raises LicenseUnknown: where the answer to an order was lost, and the download history can't tell whether
            Getty has taken it: nothing is ordered.
        :raises QuotaExhausted: beyond the agreement, or beyond EMBEDKIT_DOWNLOAD_BUDGET.
        :raises OSError: where the file or the journal can't be written; FileExistsError where a file is there. All
            before anything is ordered, as far as that can be known.
        """
        wanted, given = self._check(id, params)
        expected = ".eps" if given.get("file_type") == "eps" else ".jpg"
        destination = Destination(path, f"{wanted}{expected}", overwrite=overwrite)
        with self._orders.alone(wanted):
            destination.check()  # another may have saved it meanwhile
            with DownloadSink(destination, progress) as sink:
                # only the request holds the URL, which is signed, and shows it to nobody
                order, request = self._orders.place(wanted, given, notes, again=again)
                media_type = self._fetch(order, request, sink)
                destination.use_name(f"{wanted}{ENDINGS.get(media_type, expected)}")
                host = urlsplit(request.url).hostname or ""
                done = Download(wanted, sink.commit(), sink.received, host, media_type, order.product_type)
            self._orders.saved(order, os.path.abspath(done.path))
            return done

    def _check(self, id: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The ID and the parameters, as they are sent.

        :raises ConfigurationError: for what a download does not take, and without what it needs.
        """
        self._session.check("token")
        encode("download", params)
        return asset_id(id), {name: value for name, value in params.items() if value is not None}

    def _fetch(self, order: Order, request: Request, sink: DownloadSink) -> str:
        """Get a file into a sink; returns its media type."""
        try:
            return self._receive(order, request, sink)
        except Unavailable as error:
            error.hint = GOES_ON
            raise

    def _receive(self, order: Order, request: Request, sink: DownloadSink) -> str:
        id, response = order.asset, self._session.send(replace(request, sink=sink))
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status in (404, 410):
            self._orders.journal().drop(order.key)  # the URL leads to no file
        if response.status != 200:
            raise _delivery_error(response, id)
        if not sink.received or sink.total not in (None, sink.received):
            raise Unavailable("The file is not whole.", ref=id, **response.evidence)
        if media_type.startswith(NOT_A_PICTURE):
            message, hint = "What was delivered is not a picture.", "Try again later."
            raise InvalidResponse(message, hint=hint, ref=id, **response.evidence)
        return media_type


def _delivery_error(response: Response, id: str) -> ProviderError:
    if response.status in (404, 410):
        hint = "Look for it in the download history at gettyimages.com."
        return error_mapping.error_for(response, NotFound, "the file is not there any more", hint, id)
    if 400 <= response.status < 600:
        return error_mapping.error_for(response, Unavailable, "the file is not delivered", GOES_ON, id)
    return error_mapping.error_for(response, InvalidResponse, "that is not a file", "Try again later.", id)
