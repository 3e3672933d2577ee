"""Downloads, for licensed customers: the sizes of a picture, its URL for a day, its file on the disk.

The service names the URL in a redirect (303 as the contract has it; 302 in older documentation) or, with
auto_download=false, in its answer. It may lead to the image origins and to the API itself, and no credentials are
sent there: it is signed, for 24 hours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Unpack
from urllib.parse import urlsplit

from embedkit.api.decoding import invalid, read
from embedkit.api.encoding import documented, encode
from embedkit.api.images import image_request, parse_image
from embedkit.api.models import DownloadOffer, DownloadSize, Image
from embedkit.api.parameters import Downloading
from embedkit.api.requests import MAX_REDIRECTS, ApiSettings, asset_id, write
from embedkit.api.session import ApiSession
from embedkit.errors import InvalidResponse, NotFound, ProviderError, Unavailable
from embedkit.files.download import Destination, DownloadSink, Progress
from embedkit.getty import error_mapping, payload
from embedkit.messages import Request, Response

ENDPOINT = "delivery"  # a throttle and a breaker of its own: files are slow, and on another host
TIMEOUT_S = 1800.0  # for one file; the largest have some 100 MB, and a slow line takes minutes for them
MAX_FILE_BYTES = 1024**3
MAX_URL_CHARS = 4096  # it is signed
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
NOT_A_PICTURE = ("text/", "application/json", "application/xml", "application/xhtml")  # a message


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded.

    :param path: where it is.
    :param bytes: its size.
    :param host: that it came from.
    :param media_type: such as ``image/jpeg``.
    """

    id: str
    path: str
    bytes: int
    host: str
    media_type: str = ""


class Downloads:
    """Downloads on behalf of the settings' customer, or of the application on its own.

    Every method raises ConfigurationError without EMBEDKIT_API_SECRET and for wrong arguments, NotLicensed for
    a picture outside the agreement, PermissionDenied for a product that the customer lacks, NotFound for what
    does not exist, UnsupportedReference for what is not an asset ID, and ProviderError where there is no answer.

    >>> offer = kit.api.downloads.largest("74917285")[0]
    >>> offer.product_type
    'premiumaccess'
    >>> max(size.width for size in kit.api.downloads.sizes("74917285")) > 594
    True
    >>> kit.api.downloads.url("74917285", height=594).startswith("https://")
    True
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     done = kit.api.downloads.save("74917285", folder, height=594, product_type="premiumaccess")
    >>> done.path.endswith("74917285.jpg"), done.media_type
    (True, 'image/jpeg')
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session

    def sizes(self, id: str) -> tuple[DownloadSize, ...]:
        """The sizes that a picture can be downloaded in, and the agreements for each.

        :param id: an asset ID.
        """
        return self._image(id, "downloads", "download_sizes").download_sizes

    def largest(self, id: str) -> tuple[DownloadOffer, ...]:
        """The agreements under which the largest file of a picture can be downloaded.

        :param id: an asset ID.
        """
        return self._image(id, "largest_downloads").largest_downloads

    @documented("download")
    def url(self, id: str, *, notes: Mapping[str, str] | None = None, **params: Unpack[Downloading]) -> str:
        """The URL of a file, good for 24 hours; by default of the largest. It counts as a download.

        :param id: an asset ID.
        :param notes: ``download_notes`` and ``project_code``, for agreements that require them.
        """
        return self._order(id, {"auto_download": False, **params}, notes)

    @documented("download")
    def save(
        self,
        id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        notes: Mapping[str, str] | None = None,
        **params: Unpack[Downloading],
    ) -> Download:
        """Download a file, by default the largest: it is there as a whole, or not at all.

        :param id: an asset ID.
        :param path: of the file; or of a folder, where it is named by its ID.
        :param overwrite: whether a file that is there may be replaced.
        :param progress: called with the bytes that have come, and with those of the file where they are known.
        :param notes: ``download_notes`` and ``project_code``, for agreements that require them.
        :raises OSError: where the file can't be written; FileExistsError where one is there. Both before
            anything is ordered, as far as that can be known.
        """
        self._session.check("token")
        wanted = asset_id(id)
        expected = ".eps" if params.get("file_type") == "eps" else ".jpg"
        destination = Destination(path, f"{wanted}{expected}", overwrite=overwrite)
        with DownloadSink(destination, progress) as sink:
            # only the request holds the URL, which is signed, and shows it to nobody
            request = file_request(self._order(wanted, params, notes), self._api)
            media_type = self._fetch(request, sink, wanted)
            destination.use_name(f"{wanted}{ENDINGS.get(media_type, expected)}")
            host = urlsplit(request.url).hostname or ""
            return Download(wanted, sink.commit(), sink.received, host, media_type)

    def _order(self, id: str, params: Mapping[str, Any], notes: Mapping[str, str] | None) -> str:
        return parse_url(self._session.call(order_request(id, params, self._api, notes), "token"), self._api, id)

    def _fetch(self, request: Request, sink: DownloadSink, id: str) -> str:
        """Get a file into a sink; returns its media type."""
        response = self._session.fetch(replace(request, sink=sink))
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status != 200:
            raise _delivery_error(response, id)
        if not sink.received or sink.total not in (None, sink.received):
            raise Unavailable("The file is not whole.", hint="Try again later.", ref=id, **response.evidence)
        if media_type.startswith(NOT_A_PICTURE):
            message, hint = "What was delivered is not a picture.", "Try again later."
            raise InvalidResponse(message, hint=hint, ref=id, **response.evidence)
        return media_type

    def _image(self, id: str, *fields: str) -> Image:
        request = image_request(id, {"fields": fields}, self._api)
        return parse_image(self._session.call(request, "token"), self._api, id)


def order_request(
    id: str, params: Mapping[str, Any], api: ApiSettings, notes: Mapping[str, str] | None = None
) -> Request:
    """The request for one download. It counts against the customer's agreement, so it is never sent twice.

    :param params: ``auto_download``, by default True, redirects to the file; False answers with its URL.
    :raises UnsupportedReference: for what is not an asset ID.
    :raises ConfigurationError: for wrong arguments.
    """
    pairs = encode("download", {"auto_download": True, **params})
    # without notes the official SDK sends the JSON null; nothing at all might be taken for a wrong media type
    document = dict(notes) if notes else None
    order = write(api, "POST", f"/v3/downloads/images/{asset_id(id)}", pairs, document=document)
    return replace(order, follow_redirects=False)


def parse_url(response: Response, api: ApiSettings, id: str) -> str:
    """The URL of the file.

    :raises ProviderError: what :mod:`embedkit.api.errors` makes of another status.
    :raises InvalidResponse: where the URL is missing, or leads anywhere else.
    """
    origins = (*api.image_origins, *api.api_origins)
    # no variable here holds what was answered: the error below may be sent to a crash reporter, with its frames
    if not (found := payload.url_on_origin(_location(response, id), origins, MAX_URL_CHARS)):
        raise invalid("The answer has no URL of a file that may be used.", response, id)
    return found


def _location(response: Response, id: str) -> object:
    if response.status in (302, 303):
        return response.headers.get("location")
    return read(response, "download", ref=id).raw("uri")


def file_request(url: str, api: ApiSettings) -> Request:
    """The request for the file, at a URL that :func:`parse_url` returned; without credentials."""
    return Request(
        url,
        endpoint=ENDPOINT,
        headers={"Accept": "*/*", "Accept-Encoding": "identity"},  # pictures do not get smaller
        redirects=MAX_REDIRECTS,
        hosts=api.hosts,
        max_bytes=MAX_FILE_BYTES,
        timeout=TIMEOUT_S,
        signed=True,
    )


def _delivery_error(response: Response, id: str) -> ProviderError:
    if throttled := error_mapping.throttle_error(response, id):
        return throttled
    if response.status in (404, 410):
        return error_mapping.error_for(response, NotFound, "the file is not there any more", "Order it again.", id)
    if 400 <= response.status < 600:
        return error_mapping.error_for(response, Unavailable, "the file is not delivered", "Try again later.", id)
    return error_mapping.error_for(response, InvalidResponse, "that is not a file", "Try again later.", id)
