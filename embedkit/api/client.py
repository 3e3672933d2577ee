"""The client of the Getty Images API v3: :attr:`embedkit.EmbedKit.api`.

search       images, creative, editorial, pages; budget
itself       image, images, similar, same_series, countries, collections
downloads    sizes, largest, address, save
boards       list, create, get, rename, delete, add, remove, comments, comment, delete_comment
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from embedkit.api import image_requests, reference_data, search_requests
from embedkit.api.boards import Boards
from embedkit.api.budget import SearchBudget
from embedkit.api.downloads import Downloads
from embedkit.api.models import (
    Collection,
    Country,
    Found,
    Image,
    SearchPage,
)
from embedkit.api.requests import distinct
from embedkit.api.response_cache import Pages
from embedkit.api.search import Search, paging
from embedkit.api.session import Caller
from embedkit.validation import lasting

if TYPE_CHECKING:
    from typing import Unpack

    from embedkit.api.parameters import Details, Series
    from embedkit.settings import Settings
    from embedkit.transport.client import Transport

__all__ = ["Api"]


class Api:
    """The API v3, on behalf of the settings' key and customer. Safe for threads and forks.

    Every method raises ConfigurationError without API_KEY and for arguments that it does not take,
    UnsupportedReference for what is no asset id, and ProviderError where there is no answer. What was asked in
    the last five minutes is not asked again, except for downloads and boards.

    :param transport: gives the transport when first needed.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Callable[[], Transport],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        caller = Caller(settings, transport)
        self._pages = Pages(settings, caller, clock)
        self.search = Search(settings, self._pages, SearchBudget(settings, clock))
        self.downloads = Downloads(settings, caller)
        self.boards = Boards(settings, caller)

    def image(self, id: str, **said: Unpack[Details]) -> Image:
        """What is known of one picture.

        :param said: ``fields`` and ``language``.
        :raises NotFound: where there is none of that id.
        """
        request = image_requests.single(id, said, self._settings)
        return self._pages.ask(request, lambda response: image_requests.one(response, self._settings, id))

    def images(self, ids: Sequence[str], **said: Unpack[Details]) -> Found:
        """What is known of any number of pictures, and which ids there are none of."""
        wanted, asked = distinct(ids), lasting(said)
        found = [self._some(some, asked, batch=len(wanted) > len(some)) for some in _portions(wanted)]
        return Found(
            tuple(image for one in found for image in one.images),
            tuple(id for one in found for id in one.missing),
            other=found[0].other if len(found) == 1 else {},
        )

    def similar(self, id: str, **said: Unpack[Series]) -> SearchPage:
        """One page of pictures that look like one.

        :param said: ``page``, ``page_size``, ``fields`` and ``language``.
        """
        return self._series("similar", id, said)

    def same_series(self, id: str, **said: Unpack[Series]) -> SearchPage:
        """One page of pictures that were taken with one; ``said`` as for :meth:`similar`."""
        return self._series("same-series", id, said)

    def countries(self, language: str | None = None) -> tuple[Country, ...]:
        """All countries, with their names in a language; that of LOCALE by default."""
        return self._pages.ask(
            reference_data.countries_request(self._settings, language), reference_data.countries
        )

    def collections(self, language: str | None = None) -> tuple[Collection, ...]:
        """All collections that the key may use."""
        return self._pages.ask(
            reference_data.collections_request(self._settings, language), reference_data.collections
        )

    def close(self) -> None:
        """Let go of connections, except the transport's."""
        self._pages.close()

    def _some(self, ids: Sequence[str], said: Any, *, batch: bool) -> Found:
        request = replace(image_requests.request(ids, said, self._settings), batch=batch)
        return self._pages.ask(request, lambda response: image_requests.found(response, self._settings, ids))

    def _series(self, kind: Literal["similar", "same-series"], id: str, said: Any) -> SearchPage:
        request = image_requests.series(kind, id, said, self._settings)
        return self._pages.ask(
            request,
            lambda response: search_requests.parse(
                response, self._settings, what="picture", ref=id, **paging(said)
            ),
            self.search.budget.spend,
        )


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in as many lots as there must be calls."""
    for start in range(0, len(ids), image_requests.MOST):
        yield ids[start : start + image_requests.MOST]
