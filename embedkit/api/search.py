"""Searches. Every documented parameter is an argument, and is checked before anything is sent.

Results only include pictures that may be embedded, unless ``embed_content_only=False`` is passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar, Unpack

from embedkit.api import events
from embedkit.api.decoding import read_page
from embedkit.api.encoding import documented
from embedkit.api.errors import What
from embedkit.api.events import EventPage
from embedkit.api.models import Image, SearchPage
from embedkit.api.parameters import (
    FAMILIES,
    SEARCH_FIELDS,
    AnySearch,
    ArtistSearch,
    CreativeSearch,
    EditorialSearch,
    EventSearch,
    Family,
    ImageLikeness,
    ImageSearch,
    takes,
)
from embedkit.api.requests import ApiSettings, asset_id, given, page_of, phrase_of, query
from embedkit.api.response_cache import ResponseCache, SearchBudget
from embedkit.errors import ConfigurationError, InvalidResponse, RateLimited
from embedkit.messages import Request, Response
from embedkit.validation import one_of, short_repr

Value = TypeVar("Value")

PATHS: dict[Family, str] = {
    "all": "/v3/search/images",
    "creative": "/v3/search/images/creative",
    "editorial": "/v3/search/images/editorial",
}
MAX_PAUSES, PAUSE_S = 10, 1.0  # consecutive pauses when the limit of calls per second is reached
DEFAULT_FILTERS = {"exclude_nudity": True, "include_related_searches": True}
# Parameters that can replace the phrase; Getty does not document what a search without either returns.
SUBJECTS = ("artists", "collection_codes", "event_ids", "keyword_ids", "specific_people")


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A search whose parameters have been checked, to be run by :meth:`Search.run`.

    :param what: kind of resource named in a "not found" error: ``picture`` if the search is based on the picture
        ``ref``, which might not exist.
    """

    request: Request
    page: int
    page_size: int
    what: What = "search"
    ref: str | None = None


class Search:
    """Finds pictures that may be embedded, or all pictures if ``embed_content_only=False`` is passed.

    Every method raises ConfigurationError for an unknown parameter or without EMBEDKIT_API_KEY, QuotaExhausted if
    EMBEDKIT_SEARCH_BUDGET is used up, and ProviderError if the call fails. The phrase has at most 1000 characters.
    It can be empty if artists, collection_codes, event_ids, keyword_ids or specific_people are passed, or in a
    search for the newest editorial pictures (``sort_order="newest"``).

    >>> page = kit.api.search.creative("harbour", orientations=["horizontal", "square"], page_size=10)
    >>> page.images[0].shortcode.startswith("[getty ")
    True
    >>> kit.api.search.editorial("harbour").images[0].family, kit.api.search.images("harbour").page
    ('editorial', 1)
    >>> event = kit.api.search.events("climate talks", page_size=1).events[0]
    >>> kit.api.search.editorial("", event_ids=[event.id]).total == event.image_count
    True
    >>> picture = kit.api.search.creative("harbour").images[0]
    >>> kit.api.search.by_artist(picture.photographer).images[0].photographer == picture.photographer
    True
    >>> kit.api.search.by_image(picture.id, page_size=5).page_size
    5
    >>> prepared = kit.api.search.prepare("harbour", orientations="square")
    >>> kit.api.search.run(prepared) == kit.api.search.find("harbour", orientations="square")
    True
    >>> len(list(kit.api.search.find_pages("harbour", limit=2, page_size=5)))
    2
    >>> kit.api.search.creative("harbour", date_from="2024-04-08")
    Traceback (most recent call last):
    embedkit.errors.ConfigurationError: date_from requires family=editorial.
    """

    def __init__(self, api: ApiSettings, cache: ResponseCache, budget: SearchBudget) -> None:
        self.budget = budget
        self._api = api
        self._cache = cache

    @documented("all")
    def images(self, phrase: str, **params: Unpack[ImageSearch]) -> SearchPage:
        """Return one page of creative and editorial pictures.

        :param phrase: search phrase, at most 1000 characters.
        """
        return self.run(self._prepare("all", phrase, params))

    @documented("creative")
    def creative(self, phrase: str, **params: Unpack[CreativeSearch]) -> SearchPage:
        """Return one page of creative pictures.

        :param phrase: search phrase, at most 1000 characters.
        """
        return self.run(self._prepare("creative", phrase, params))

    @documented("editorial")
    def editorial(self, phrase: str, **params: Unpack[EditorialSearch]) -> SearchPage:
        """Return one page of editorial pictures.

        :param phrase: search phrase, at most 1000 characters.
        """
        return self.run(self._prepare("editorial", phrase, params))

    @documented("events")
    def events(self, phrase: str = "", **params: Unpack[EventSearch]) -> EventPage:
        """Return one page of events, newest first by default. Counts as a search.

        :param phrase: search phrase, at most 1000 characters; can be empty.
        """
        request = events.search_request(phrase, params, self._api)
        return self._ask(request, lambda response: read_page(EventPage, response, self._api, **page_of(params)))

    @documented("artist")
    def by_artist(self, name: str, **params: Unpack[ArtistSearch]) -> SearchPage:
        """Return one page of a photographer's pictures, including those that may not be embedded.

        :param name: name of the photographer, as in a picture's ``photographer``.
        """
        return self.run(PreparedSearch(artist_request(name, params, self._api), **page_of(params)))

    @documented("by-image")
    def by_image(self, id: str, phrase: str = "", **params: Unpack[ImageLikeness]) -> SearchPage:
        """Return one page of creative pictures that look like a given one; check :attr:`Image.embeddable` of each.

        :param id: an asset ID.
        :param phrase: phrase to narrow the search, at most 1000 characters; can be empty.
        :raises NotFound: if there is no such picture.
        """
        request = likeness_request(id, phrase, params, self._api)
        return self.run(PreparedSearch(request, **page_of(params), what="picture", ref=asset_id(id)))

    def pages(self, family: Family, phrase: str, **params: Unpack[AnySearch]) -> Iterator[SearchPage]:
        """Iterate over all pages of a search. Each page is only requested when it is needed.

        :param family: ``all``, ``creative`` or ``editorial``.
        :param phrase: search phrase, at most 1000 characters.
        :param params: parameters of that family's search. Errors in them are raised immediately.

        >>> [page.page for page in kit.api.search.pages("editorial", "harbour", page_size=1)][:2]
        [1, 2]
        """
        return self._pages(family, phrase, params)

    def find(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> SearchPage:
        """Return one page, with useful defaults: related phrases, and no nudity if the family supports that.

        :param phrase: search phrase, at most 1000 characters.
        :param family: ``all``, ``creative`` or ``editorial``.
        :param params: parameters of that family's search; they override the defaults.
        """
        return self.run(self.prepare(phrase, family=family, **params))

    def find_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """Iterate over the pages of :meth:`find`.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        :param limit: maximum number of pages; None for all.
        """
        _check_limit(limit, "pages")
        return islice(self._pages(family, phrase, with_defaults(family, params)), limit)

    def find_all(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[Image]:
        """Iterate over the pictures of :meth:`find`, across as many pages as needed.

        If the limit of calls per second is reached, the iterator waits and continues; a used-up quota is an error.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        :param limit: maximum number of pictures; None for all.

        >>> [image.family for image in kit.api.search.find_all("harbour", family="editorial", limit=2)]
        ['editorial', 'editorial']
        """
        _check_limit(limit, "pictures")
        pages = self._pages(family, phrase, with_defaults(family, params), patient=True)
        return islice((image for page in pages for image in page), limit)

    def prepare(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> PreparedSearch:
        """Check the arguments of :meth:`find` and return a search for :meth:`run`.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        """
        return self._prepare(family, phrase, with_defaults(family, params))

    def run(self, search: PreparedSearch) -> SearchPage:
        """Run a search and return its page.

        :param search: a search returned by :meth:`prepare`.
        """

        def parse(response: Response) -> SearchPage:
            size = {"page": search.page, "page_size": search.page_size}
            return read_page(SearchPage, response, self._api, search.what, ref=search.ref, **size)

        return self._ask(search.request, parse)

    def _ask(self, request: Request, parse: Callable[[Response], Value]) -> Value:
        """Send a request that counts as a search."""
        return self._cache.ask(request, parse, self.budget.spend)

    def _prepare(self, family: Family, phrase: str, params: Mapping[str, Any]) -> PreparedSearch:
        return PreparedSearch(request(family, phrase, params, self._api), **page_of(params))

    def _pages(
        self, family: Family, phrase: str, params: Mapping[str, Any], *, patient: bool = False
    ) -> Iterator[SearchPage]:
        first = self._prepare(family, phrase, params)  # so that errors are raised here, not by the first next()
        return _walk(first, self._wait_and_run if patient else self.run)

    def _wait_and_run(self, search: PreparedSearch) -> SearchPage:
        """Return the page; if calls are being throttled, pause and try again, up to MAX_PAUSES times."""
        for _ in range(MAX_PAUSES):
            try:
                return self.run(search)
            except RateLimited as error:
                self._cache.pause(error.retry_after or PAUSE_S)
        return self.run(search)


def _walk(search: PreparedSearch, run: Callable[[PreparedSearch], SearchPage]) -> Iterator[SearchPage]:
    while (page := _next(run, search)) is not None:
        yield page
        if not page.has_next:
            return
        search = _following(search)


def _following(search: PreparedSearch) -> PreparedSearch:
    """Return the search for the next page, as a batch request, which may wait as long as needed."""
    params = dict(search.request.params) | {"page": str(search.page + 1)}
    request = replace(search.request, params=tuple(sorted(params.items())), batch=True)
    return replace(search, request=request, page=search.page + 1)


def _next(run: Callable[[PreparedSearch], SearchPage], search: PreparedSearch) -> SearchPage | None:
    """Return the page; None if it no longer exists because there are fewer results than before."""
    try:
        return run(search)
    except InvalidResponse as error:
        if search.page > 1 and error.getty_code == "InvalidPage":
            return None
        raise


def _check_limit(limit: object, unit: str) -> None:
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        hint = f"Use a whole number of {unit}, or None."
        raise ConfigurationError(f"limit is {short_repr(limit)}.", hint=hint)


def with_defaults(family: Family, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the defaults of :meth:`Search.find` that the family supports."""
    asked = given(params, **DEFAULT_FILTERS)
    if "exclude_nudity" not in takes(one_of(family, FAMILIES, "family")):
        del asked["exclude_nudity"]
    return asked


def request(family: Family, phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for one page of a search.

    :param params: parameters from :mod:`embedkit.api.parameters`, including ``page`` and ``page_size``.
    :raises ConfigurationError: for parameters that this family's search does not accept.
    """
    one_of(family, FAMILIES, "family")
    text = phrase_of(phrase)
    extra = (("phrase", text),) if text else ()
    made = query(api, family, PATHS[family], params, extra, embed_content_only=True, fields=SEARCH_FIELDS)
    sort_order = dict(made.params).get("sort_order")
    if text or any(name in SUBJECTS for name, _ in made.params) or is_newest(family, sort_order):
        return made
    raise ConfigurationError("There is nothing to search for.", hint="Pass a phrase.")


def artist_request(name: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for one page of a photographer's pictures. Only this search does not support uri_oembed.

    :raises ConfigurationError: for an invalid name or parameter.
    """
    if not (text := phrase_of(name, "a name")):
        raise ConfigurationError("The name is empty.", hint="Pass a photographer's name.")
    asked = given(params, fields=SEARCH_FIELDS)
    return query(api, "artist", "/v3/artists/images", asked, (("artist_name", text),))


def likeness_request(id: str, phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for one page of pictures that look like a given one."""
    path, text = "/v3/search/images/creative/by-image", phrase_of(phrase)
    extra = (("asset_id", asset_id(id)), *((("phrase", text),) if text else ()))
    return query(api, "by-image", path, params, extra, fields=SEARCH_FIELDS)


def is_newest(family: Family, sort_order: str | None) -> bool:
    """Return whether a search is for the newest editorial pictures, which needs no phrase."""
    return (family, sort_order) == ("editorial", "newest")
