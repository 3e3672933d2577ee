"""The client of the Getty Images API v3: :attr:`embedkit.EmbedKit.api`.

search       images, creative, editorial, events, by_artist, by_image, pages,
             find, find_pages, find_all, prepare, run; budget
(directly)   image, images, similar, same_series, event, events, countries, collections
             products, download_history, image_download_history, customer
             get, put, post, delete for everything without a method of its own
downloads    sizes, largest, plan, url, save
boards       list, create, get, rename, delete, add, remove, comments, comment, delete_comment
changes      channels, take, confirm
login        begin, finish, end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from embedkit.api import account, events, images, raw, search
from embedkit.api.account import Customer, DownloadPage, PastDownload, Product
from embedkit.api.decoding import read, read_page
from embedkit.api.encoding import documented
from embedkit.api.events import Event, FoundEvents
from embedkit.api.login import BrowserLogin
from embedkit.api.models import Collection, Country, Found, Image, SearchPage
from embedkit.api.oauth import Credentials
from embedkit.api.requests import MAX_IDS, ApiSettings, distinct_ids, get, ids_param, page_of, query
from embedkit.api.response_cache import ResponseCache, SearchBudget
from embedkit.api.search import PreparedSearch
from embedkit.api.session import ApiSession, Tokens
from embedkit.api.token_file import LoginFile, TokenFile
from embedkit.cache.envelope import signing_secrets
from embedkit.messages import Request, Response, exchange
from embedkit.process import Lazy
from embedkit.validation import materialise

if TYPE_CHECKING:
    from embedkit.api.boards import Boards
    from embedkit.api.changes import AssetChanges
    from embedkit.api.downloads import Downloads
    from embedkit.api.parameters import Details, DownloadHistory, EventDetails, Series
    from embedkit.files.journal import Journal
    from embedkit.settings import Settings
    from embedkit.transport.client import Transport


class Api:
    """The API v3, with the key and customer from the settings. Safe for threads and forks.

    Every method raises ConfigurationError without EMBEDKIT_API_KEY and for invalid arguments, UnsupportedReference
    for an invalid asset ID, and ProviderError if the call fails. Responses are cached for five minutes, except
    those about downloads, boards and the customer, and those of :meth:`get`.

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
    >>> event = kit.api.event(kit.api.search.events("climate talks").events[0].id)
    >>> kit.api.events([event.id, 404404]).missing
    (404404,)
    >>> [product.name for product in kit.api.products() if product.status == "active"][0]
    'Premium Access'
    >>> kit.api.download_history(date_from="2026-01-01").total, kit.api.image_download_history("74917285")
    (0, ())
    >>> kit.api.customer().last_name
    'Boxer'
    >>> kit.api.get("/v3/images/74917285", {"fields": ["id"]})
    {'images': [{'id': '74917285'}], 'images_not_found': []}
    >>> id = kit.api.post("/v3/boards", body={"name": "Front page", "description": ""})["id"]
    >>> kit.api.put(f"/v3/boards/{id}/assets/74917285")
    >>> kit.api.delete(f"/v3/boards/{id}")

    :param transport: function that returns the transport, called when it is first needed.
    :param clock: function that returns seconds since the epoch.
    :param token_folder: folder in which the user's processes share a token; None shares none.
    :param journal: function that returns the download journal; by default a temporary one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Callable[[], Transport],
        clock: Callable[[], float],
        token_folder: Path | None = None,
        journal: Callable[[], Journal] | None = None,
    ) -> None:
        self._api = ApiSettings.of(settings)
        cache, timeout, credentials = settings.cache, settings.timeout, Credentials.of(settings)
        shared = TokenFile(credentials, token_folder) if token_folder else None
        login = LoginFile(credentials, token_folder, clock) if token_folder else None

        def send(request: Request) -> Response:
            return exchange(transport().send, request)

        tokens = Tokens(credentials, send, timeout, shared=shared, login=login)
        self._session = ApiSession(tokens, send, timeout, settings.frozen)
        self.login = BrowserLogin(self._api, self._session)
        self._cache = ResponseCache(
            session=self._session,
            cache=cache,
            signing_secrets=lambda: signing_secrets(settings.secret, settings.cache),
            timeout=timeout,
            clock=clock,
        )
        budget = SearchBudget(settings.search_budget, cache=cache, timeout=timeout, clock=clock)
        orders = Lazy(journal or _temporary_journal)
        self._order_settings = orders, settings.download_budget, settings.redownload, clock
        self.search = search.Search(self._api, self._cache, budget)

    @property
    def boards(self) -> Boards:
        """The boards of the customer who is logged in or named by EMBEDKIT_USERNAME."""
        from embedkit.api.boards import Boards  # most programs only search

        return Boards(self._api, self._session)

    @property
    def changes(self) -> AssetChanges:
        """The feed of new, changed and deleted assets, for keys that include it."""
        from embedkit.api.changes import AssetChanges

        return AssetChanges(self._api, self._session)

    @property
    def downloads(self) -> Downloads:
        """Licensed downloads for the customer, or for the application on its own."""
        from embedkit.api.downloads import Downloads
        from embedkit.api.orders import Orders

        return Downloads(Orders(self._api, self._session, *self._order_settings))

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, language: str | None = None) -> Any:
        """GET a path of the API that has no method of its own, and return its JSON. Failed calls may be retried.

        :param path: path below ``/v3/``, such as ``/v3/orders/1234``; no host, parameters or percent-encoding.
        :param params: parameters by their names in Getty's documentation; lists are joined by commas, None is not
            sent.
        :param language: language of the response, such as ``de``; by default that of EMBEDKIT_LOCALE.
        :returns: the decoded JSON; None for an empty response.
        """
        return self._raw(raw.request(self._api, "GET", path, params, language=language))

    def put(self, path: str, params: Mapping[str, Any] | None = None, *, body: Any = None) -> Any:
        """PUT to a path of the API, and return its JSON. The request is never retried.

        :param path: as for :meth:`get`, like ``params``.
        :param body: request body, sent as JSON; None sends no body.
        """
        return self._raw(raw.request(self._api, "PUT", path, params, document=body))

    def post(self, path: str, params: Mapping[str, Any] | None = None, *, body: Any = None) -> Any:
        """POST to a path of the API, and return its JSON. The request is never retried.

        Paths of downloads are refused: use :meth:`Downloads.save`, which never licenses a picture twice.

        :param path: as for :meth:`get`, like ``params``.
        :param body: request body, sent as JSON; None sends no body.
        """
        return self._raw(raw.request(self._api, "POST", path, params, document=body))

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """DELETE a path of the API, and return its JSON. The request is never retried.

        :param path: as for :meth:`get`, like ``params``.
        """
        return self._raw(raw.request(self._api, "DELETE", path, params))

    @documented("image")
    def image(self, id: str, **params: Unpack[Details]) -> Image:
        """Return one picture.

        :param id: an asset ID.
        :raises NotFound: if there is no picture with that ID.
        """
        request = images.image_request(id, params, self._api)
        return self._cache.ask(request, lambda response: images.parse_image(response, self._api, id))

    @documented("image")
    def images(self, ids: Sequence[str], **params: Unpack[Details]) -> Found:
        """Return any number of pictures and the IDs that were not found, with one call per 100 pictures.

        :param ids: at least one asset ID.
        """
        wanted, given = distinct_ids(ids), materialise(params)
        portions = [wanted[start : start + MAX_IDS] for start in range(0, len(wanted), MAX_IDS)]
        found = [self._portion(portion, given, batch=len(portions) > 1) for portion in portions]
        return Found(
            tuple(image for part in found for image in part.images),
            tuple(id for part in found for id in part.missing),
            other=found[0].other if len(found) == 1 else {},
        )

    @documented("similar")
    def similar(self, id: str, **params: Unpack[Series]) -> SearchPage:
        """Return one page of pictures that look like a given one. Counts as a search.

        :param id: an asset ID.
        """
        return self._series("similar", id, params)

    @documented("same-series")
    def same_series(self, id: str, **params: Unpack[Series]) -> SearchPage:
        """Return one page of pictures from the same series. Counts as a search; news pictures have no series.

        :param id: an asset ID.
        """
        return self._series("same-series", id, params)

    @documented("event")
    def event(self, id: int | str, **params: Unpack[EventDetails]) -> Event:
        """Return one event.

        :param id: an event ID, such as one in a picture's ``event_ids``.
        :raises NotFound: if there is no event with that ID.
        """
        request = query(self._api, "event", f"/v3/events/{events.event_id(id)}", params)
        return self._cache.ask(request, lambda response: events.parse_event(response, self._api, id))

    @documented("event")
    def events(self, ids: Sequence[int | str], **params: Unpack[EventDetails]) -> FoundEvents:
        """Return events and the IDs that were not found.

        :param ids: 1 to 100 event IDs, as for :meth:`event`.
        """
        wanted = events.event_ids(ids)
        request = query(self._api, "event", "/v3/events", params, ids_param(wanted))
        return self._cache.ask(request, lambda response: events.parse_events(response, self._api, wanted))

    def products(self, requirements: bool = False, language: str | None = None) -> tuple[Product, ...]:
        """Return the customer's agreements with their remaining downloads; empty without a customer.

        :param requirements: include what each agreement requires with a download.
        :param language: as for :meth:`countries`.
        """
        request = account.products_request(self._api, requirements=requirements, language=language)
        return read(self._session.call(request, "token"), "account").require_parts("products", Product)

    @documented("history")
    def download_history(self, **params: Unpack[DownloadHistory]) -> DownloadPage:
        """Return one page of the customer's downloads, newest first."""
        request = query(self._api, "history", "/v3/downloads", params)
        response = self._session.call(request, "customer")
        return read_page(DownloadPage, response, self._api, "account", **page_of(params))

    def image_download_history(self, id: str, company_downloads: bool = False) -> tuple[PastDownload, ...]:
        """Return all downloads of one picture.

        :param id: an asset ID.
        :param company_downloads: include downloads by the customer's colleagues; not every account may.
        """
        request = account.image_history_request(id, self._api, company=company_downloads)
        response = self._session.call(request, "customer")
        return account.parse_image_history(response, self._api, id)

    def customer(self) -> Customer:
        """Return the customer on whose behalf calls are made."""
        response = self._session.call(get(self._api, "/v3/customers/current"), "customer")
        return read(response, "account").require(Customer)

    def countries(self, language: str | None = None) -> tuple[Country, ...]:
        """Return all countries.

        :param language: language of the names, such as ``de`` or ``pt-BR``; by default that of EMBEDKIT_LOCALE.
        """
        return self._cache.ask(get(self._api, "/v3/countries", language=language), parse_countries)

    def collections(self, language: str | None = None) -> tuple[Collection, ...]:
        """Return all collections that the key may use.

        :param language: as for :meth:`countries`.
        """
        return self._cache.ask(get(self._api, "/v3/collections", language=language), parse_collections)

    def close(self) -> None:
        """Close all connections except the transport's."""
        self._cache.close()

    def _raw(self, request: Request) -> Any:
        return raw.parse(self._session.call(request, repeats=request.method == "GET"))

    def _portion(self, ids: Sequence[str], params: Mapping[str, Any], *, batch: bool) -> Found:
        request = replace(images.images_request(ids, params, self._api), batch=batch)
        return self._cache.ask(request, lambda response: images.parse_images(response, self._api, ids))

    def _series(self, kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any]) -> SearchPage:
        request = images.series_request(kind, id, params, self._api)
        return self.search.run(PreparedSearch(request, **page_of(params), what="picture", ref=id))


def _temporary_journal() -> Journal:
    from embedkit.files.journal import temporary_journal  # most programs never download

    return temporary_journal()


# -- countries and collections ------------------------------------------------------------------------------


def parse_countries(response: Response) -> tuple[Country, ...]:
    """Return the countries from a response, in its order.

    :raises ProviderError: for an error status; InvalidResponse if the response contains no countries.
    """
    found = read(response, "places").require_parts("countries", Country)
    return tuple(country for country in found if country.iso_alpha_3)


def parse_collections(response: Response) -> tuple[Collection, ...]:
    """Return the collections from a response, in its order.

    :raises ProviderError: for an error status; InvalidResponse if the response contains no collections.
    """
    found = read(response, "places").require_parts("collections", Collection)
    return tuple(collection for collection in found if collection.code or collection.name)
