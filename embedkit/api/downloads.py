"""Downloads, for licensed customers: what there is of a picture, its address for a day, its file on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from embedkit.api import download_requests, image_requests
from embedkit.api.models import (
    Download,
    DownloadOffer,
    DownloadSize,
    Image,
)
from embedkit.api.requests import asset_id
from embedkit.errors import InvalidResponse, NotFound, ProviderError, Unavailable
from embedkit.files.download import Draft, Place, Progress
from embedkit.getty import error_mapping
from embedkit.messages import Request, Response

if TYPE_CHECKING:
    from typing import Unpack

    from embedkit.api.parameters import Downloading
    from embedkit.api.session import Caller
    from embedkit.settings import Settings

SECONDS = 1800.0  # for one file; the largest have some 100 MB, and a slow line takes minutes for them
MOST = 1024**3  # bytes of one file
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
WORDS = ("text/", "application/json", "application/xml", "application/xhtml")  # a message, and no picture


class Downloads:
    """Downloads on behalf of the settings' customer, or of the application on its own.

    Every method raises ConfigurationError without API_SECRET, Unauthorized for what is not licensed, NotFound
    for what there is not, and ProviderError where there is no answer.
    """

    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._settings = settings
        self._caller = caller

    def sizes(self, id: str) -> tuple[DownloadSize, ...]:
        """The sizes that there are of a picture, and the agreements under which they can be had."""
        return self._image(id, "downloads", "download_sizes").download_sizes

    def largest(self, id: str) -> tuple[DownloadOffer, ...]:
        """The agreements under which the largest file of a picture can be had."""
        return self._image(id, "largest_downloads").largest_downloads

    def address(self, id: str, *, notes: Mapping[str, str] | None = None, **said: Unpack[Downloading]) -> str:
        """Where a file is, for 24 hours. It counts as a download.

        :param said: ``product_type``, ``height`` in pixels and so on; the largest file by default.
        :param notes: ``download_notes`` and ``project_code``, for agreements that want them.
        """
        return self._ordered(id, {"auto_download": False, **said}, notes)

    def save(
        self,
        id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
        notes: Mapping[str, str] | None = None,
        **said: Unpack[Downloading],
    ) -> Download:
        """Download a file: it is there as a whole, or not at all.

        :param path: of the file; or of a folder, where it is named by its id.
        :param overwrite: whether a file that is there may be replaced.
        :param progress: called with the bytes that have come, and with those of the file where they are known.
        :param said: as for :meth:`address`; ``auto_download=False`` asks for the address in another way.
        :raises OSError: where the file cannot be written; FileExistsError where one is there. Both before
            anything is ordered, as far as that can be known.
        """
        self._caller.check("token")
        wanted = asset_id(id)
        expected = ".eps" if said.get("file_type") == "eps" else ".jpg"
        place = Place(path, f"{wanted}{expected}", overwrite=overwrite)
        with Draft(place, progress) as draft:
            # only the request holds the address, which is signed, and shows it to nobody
            request = download_requests.file_request(self._ordered(wanted, said, notes), self._settings)
            media_type = self._fetched(request, draft, wanted)
            place.under(f"{wanted}{ENDINGS.get(media_type, expected)}")
            return Download(wanted, draft.keep(), draft.done, urlsplit(request.url).hostname or "", media_type)

    def _ordered(self, id: str, said: Mapping[str, Any], notes: Mapping[str, str] | None) -> str:
        automatic = said.get("auto_download", True)
        order = download_requests.request(id, said, self._settings, auto_download=automatic, notes=notes)
        return download_requests.address(self._caller.call(order, "token"), self._settings, id)

    def _fetched(self, request: Request, draft: Draft, id: str) -> str:
        """Get a file into a draft; its media type."""
        headers = {**request.headers, "Accept-Encoding": "identity"}  # pictures do not get smaller
        response = self._caller.fetch(
            replace(request, headers=headers, sink=draft, max_bytes=MOST, timeout=SECONDS)
        )
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status != 200:
            raise _undelivered(response, id)
        if not draft.done or draft.total not in (None, draft.done):
            raise Unavailable("The file is not whole.", hint="Try again later.", ref=id)
        if media_type.startswith(WORDS):
            raise InvalidResponse("What was delivered is no picture.", hint="Try again later.", ref=id)
        return media_type

    def _image(self, id: str, *fields: str) -> Image:
        request = image_requests.single(id, {"fields": fields}, self._settings)
        return image_requests.one(self._caller.call(request, "token"), self._settings, id)


def _undelivered(response: Response, id: str) -> ProviderError:
    if throttled := error_mapping.throttle_error(response, id):
        return throttled
    if response.status in (404, 410):
        return error_mapping.error_for(response, NotFound, "the file is not there any more", "Order it again.", id)
    if 400 <= response.status < 600:
        return error_mapping.error_for(response, Unavailable, "the file is not delivered", "Try again later.", id)
    return error_mapping.error_for(response, InvalidResponse, "that is no file", "Try again later.", id)
