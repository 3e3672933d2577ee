"""The client of the Getty Images API v3: :attr:`embedkit.EmbedKit.api`.

search       images, creative, editorial, pages, find, find_pages, find_all; budget
itself       image, images, similar, same_series, countries, collections
downloads    sizes, largest, url, save
boards       list, create, get, rename, delete, add, remove, comments, comment, delete_comment
changes      channels, take, confirm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from embedkit.api import images, search
from embedkit.api.decoding import FAMILIES, JSONReader, read
from embedkit.api.encoding import documented
from embedkit.api.models import Collection, Country, Found, Image, SearchPage
from embedkit.api.oauth import Credentials
from embedkit.api.requests import ApiSettings, distinct_ids, get, page_of
from embedkit.api.response_cache import ResponseCache, SearchBudget
from embedkit.api.session import ApiSession, TokenFile
from embedkit.cache.envelope import signing_secrets
from embedkit.messages import Response
from embedkit.validation import materialise

if TYPE_CHECKING:
    from embedkit.api.boards import Boards
    from embedkit.api.changes import AssetChanges
    from embedkit.api.downloads import Downloads
    from embedkit.api.parameters import Details, Series
    from embedkit.settings import Settings
    from embedkit.transport.client import Transport


class Api:
    """The API v3, on behalf of the settings' key and customer. Safe for threads and forks.

    Every method raises ConfigurationError without EMBEDKIT_API_KEY and for arguments that it does not take,
    UnsupportedReference for what is not an asset ID, and ProviderError where there is no answer. An answer is kept
    for five minutes, except those about downloads and boards.

    >>> image = kit.api.image("74917285", fields=["title", "credit_line"])
    >>> image.id, image.shortcode
    ('74917285', '[getty 74917285]')
    >>> found = kit.api.images(["74917285", "500000404"], language="de")
    >>> len(found.images), found.missing
    (1, ('500000404',))
    >>> kit.api.similar("74917285", page_size=5).page_size, kit.api.same_series("74917285").page
    (5, 1)
    >>> [country.name for country in kit.api.countries(language="fr") if country.iso_alpha_3 == "DEU"]
    ['Allemagne']
    >>> kit.api.collections()[0].code.isalpha()
    True

    :param transport: returns the transport when it is first needed.
    :param clock: seconds since the epoch.
    :param token_folder: where the processes of this user share a token, if they do.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Callable[[], Transport],
        clock: Callable[[], float],
        token_folder: Path | None = None,
    ) -> None:
        self._api = ApiSettings.of(settings)
        cache, timeout, credentials = settings.cache, settings.timeout, Credentials.of(settings)
        shared = TokenFile(credentials, token_folder) if token_folder else None
        self._session = ApiSession(credentials, transport, timeout=timeout, frozen=settings.frozen, shared=shared)
        self._cache = ResponseCache(
            self._session,
            credentials,
            cache=cache,
            signing_secrets=lambda: signing_secrets(settings.secret, settings.cache),
            timeout=timeout,
            clock=clock,
        )
        budget = SearchBudget(settings.search_budget, cache=cache, timeout=timeout, clock=clock)
        self.search = search.Search(self._api, self._cache, budget)

    @property
    def boards(self) -> Boards:
        """The boards of the customer that EMBEDKIT_USERNAME names."""
        from embedkit.api.boards import Boards  # most searches come without

        return Boards(self._api, self._session)

    @property
    def changes(self) -> AssetChanges:
        """The feed of assets that are new, changed or gone, for keys that have it."""
        from embedkit.api.changes import AssetChanges

        return AssetChanges(self._api, self._session)

    @property
    def downloads(self) -> Downloads:
        """Downloads of what the customer has licensed."""
        from embedkit.api.downloads import Downloads

        return Downloads(self._api, self._session)

    @documented("image")
    def image(self, id: str, **params: Unpack[Details]) -> Image:
        """One picture.

        :param id: an asset ID.
        :raises NotFound: where there is none of that ID.
        """
        request = images.image_request(id, params, self._api)
        return self._cache.ask(request, lambda response: images.parse_image(response, self._api, id))

    @documented("image")
    def images(self, ids: Sequence[str], **params: Unpack[Details]) -> Found:
        """Any number of pictures, 100 in a call, and which IDs there are none of.

        :param ids: asset IDs, one at least.
        """
        wanted, given = distinct_ids(ids), materialise(params)
        portions = [wanted[start : start + images.MAX_IDS] for start in range(0, len(wanted), images.MAX_IDS)]
        found = [self._portion(portion, given, batch=len(portions) > 1) for portion in portions]
        return Found(
            tuple(image for one in found for image in one.images),
            tuple(id for one in found for id in one.missing),
            other=found[0].other if len(found) == 1 else {},
        )

    @documented("similar")
    def similar(self, id: str, **params: Unpack[Series]) -> SearchPage:
        """One page of pictures that look like one; it counts as a search.

        :param id: an asset ID.
        """
        return self._series("similar", id, params)

    @documented("same-series")
    def same_series(self, id: str, **params: Unpack[Series]) -> SearchPage:
        """One page of pictures that were taken with one; it counts as a search.

        :param id: an asset ID.
        """
        return self._series("same-series", id, params)

    def countries(self, language: str | None = None) -> tuple[Country, ...]:
        """All countries.

        :param language: of their names, such as ``de`` or ``pt-BR``; by default that of EMBEDKIT_LOCALE.
        """
        return self._cache.ask(get(self._api, "/v3/countries", language=language), parse_countries)

    def collections(self, language: str | None = None) -> tuple[Collection, ...]:
        """All collections that the key may use.

        :param language: as for :meth:`countries`.
        """
        return self._cache.ask(get(self._api, "/v3/collections", language=language), parse_collections)

    def close(self) -> None:
        """Close connections, except the transport's."""
        self._cache.close()

    def _portion(self, ids: Sequence[str], params: Mapping[str, Any], *, batch: bool) -> Found:
        request = replace(images.images_request(ids, params, self._api), batch=batch)
        return self._cache.ask(request, lambda response: images.parse_images(response, self._api, ids))

    def _series(self, kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any]) -> SearchPage:
        return self._cache.ask(
            images.series_request(kind, id, params, self._api),
            lambda response: search.parse(response, self._api, what="picture", ref=id, **page_of(params)),
            self.search.budget.spend,
        )


# -- what searches can be narrowed to -----------------------------------------------------------------------


def parse_countries(response: Response) -> tuple[Country, ...]:
    """The countries of an answer, in its order.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without countries.
    """
    fields = read(response, "places")
    fields.require_list("countries")
    return fields.children("countries", _country)


def parse_collections(response: Response) -> tuple[Collection, ...]:
    """The collections of an answer, in its order.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without collections.
    """
    fields = read(response, "places")
    fields.require_list("collections")
    return fields.children("collections", _collection)


def _country(fields: JSONReader) -> Country | None:
    codes = {name: fields.text(name).upper() for name in ("iso_alpha_2", "iso_alpha_3")}
    return fields.build(Country, **codes) if codes["iso_alpha_3"] else None


def _collection(fields: JSONReader) -> Collection | None:
    found = fields.build(Collection, family=fields.enum("asset_family", FAMILIES))
    return found if found and (found.code or found.name) else None
