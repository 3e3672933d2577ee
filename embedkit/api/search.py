"""The searches: every documented parameter is an argument, and a wrong one is refused before anything is sent.

Only pictures that may be embedded are asked for, unless ``embed_content_only=False`` is passed.
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
MAX_PAUSES, PAUSE_S = 10, 1.0  # in a row, for a throttle of calls a second
DEFAULT_FILTERS = {"exclude_nudity": True, "include_related_searches": True}
# What can be searched for without a phrase; the service promises nothing for a search of everything.
SUBJECTS = ("artists", "collection_codes", "event_ids", "keyword_ids", "specific_people")


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A search whose parameters have been checked, to be run by :meth:`Search.run`.

    :param what: is asked for: ``picture``, which ``ref`` names, where there may be none to find similar ones of.
    """

    request: Request
    page: int
    page_size: int
    what: What = "search"
    ref: str | None = None


class Search:
    """Finds pictures: those that may be embedded, unless ``embed_content_only=False`` is passed.

    Every method raises ConfigurationError for a parameter that the search does not take, and without
    EMBEDKIT_API_KEY; QuotaExhausted when EMBEDKIT_SEARCH_BUDGET is used up; and ProviderError where there is no
    answer. The phrase has at most 1000 characters; it may be empty where artists, collection_codes, event_ids,
    keyword_ids or specific_people are passed, and for the newest editorial pictures (``sort_order="newest"``).

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
    embedkit.errors.ConfigurationError: date_from goes with family=editorial.
    """

    def __init__(self, api: ApiSettings, cache: ResponseCache, budget: SearchBudget) -> None:
        self.budget = budget
        self._api = api
        self._cache = cache

    @documented("all")
    def images(self, phrase: str, **params: Unpack[ImageSearch]) -> SearchPage:
        """One page of pictures, creative and editorial ones.

        :param phrase: at most 1000 characters.
        """
        return self.run(self._prepare("all", phrase, params))

    @documented("creative")
    def creative(self, phrase: str, **params: Unpack[CreativeSearch]) -> SearchPage:
        """One page of creative pictures.

        :param phrase: at most 1000 characters.
        """
        return self.run(self._prepare("creative", phrase, params))

    @documented("editorial")
    def editorial(self, phrase: str, **params: Unpack[EditorialSearch]) -> SearchPage:
        """One page of editorial pictures.

        :param phrase: at most 1000 characters.
        """
        return self.run(self._prepare("editorial", phrase, params))

    @documented("events")
    def events(self, phrase: str = "", **params: Unpack[EventSearch]) -> EventPage:
        """One page of events, the newest first; it counts as a search.

        :param phrase: at most 1000 characters; may be empty.
        """
        request = events.search_request(phrase, params, self._api)
        return self._ask(request, lambda response: read_page(EventPage, response, self._api, **page_of(params)))

    @documented("artist")
    def by_artist(self, name: str, **params: Unpack[ArtistSearch]) -> SearchPage:
        """One page of a photographer's pictures, those that may not be embedded among them.

        :param name: of the photographer, as ``photographer`` of a picture has it.
        """
        return self.run(PreparedSearch(artist_request(name, params, self._api), **page_of(params)))

    @documented("by-image")
    def by_image(self, id: str, phrase: str = "", **params: Unpack[ImageLikeness]) -> SearchPage:
        """One page of creative pictures that look like one; see :attr:`Image.embeddable` of each.

        :param id: an asset ID.
        :param phrase: narrows what is found; at most 1000 characters, may be empty.
        :raises NotFound: where there is no such picture.
        """
        request = likeness_request(id, phrase, params, self._api)
        return self.run(PreparedSearch(request, **page_of(params), what="picture", ref=asset_id(id)))

    def pages(self, family: Family, phrase: str, **params: Unpack[AnySearch]) -> Iterator[SearchPage]:
        """One page after another, each asked for when it is wanted, until there are no more.

        :param family: ``all``, ``creative`` or ``editorial``.
        :param phrase: at most 1000 characters.
        :param params: as for the search of that family. A wrong one is refused at once.

        >>> [page.page for page in kit.api.search.pages("editorial", "harbour", page_size=1)][:2]
        [1, 2]
        """
        return self._pages(family, phrase, params)

    def find(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> SearchPage:
        """One page, with the defaults that suit most: related phrases, and no nudity where that can be left out.

        :param phrase: at most 1000 characters.
        :param family: ``all``, ``creative`` or ``editorial``.
        :param params: as for the search of that family; what is passed goes before the defaults.
        """
        return self.run(self.prepare(phrase, family=family, **params))

    def find_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """The same, one page after another.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        :param limit: pages at most; None for all.
        """
        _check_limit(limit, "pages")
        return islice(self._pages(family, phrase, with_defaults(family, params)), limit)

    def find_all(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[Image]:
        """The pictures of :meth:`find`, one after another, of as many pages as are needed.

        Where Getty Images wants fewer calls a second, it waits and goes on; a quota that is used up ends it.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        :param limit: pictures at most; None for all.

        >>> [image.family for image in kit.api.search.find_all("harbour", family="editorial", limit=2)]
        ['editorial', 'editorial']
        """
        _check_limit(limit, "pictures")
        pages = self._pages(family, phrase, with_defaults(family, params), patient=True)
        return islice((image for page in pages for image in page), limit)

    def prepare(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> PreparedSearch:
        """What :meth:`find` will ask, checked, for a caller who reports wrong parameters in a way of its own.

        :param phrase: as for :meth:`find`, like ``family`` and ``params``.
        """
        return self._prepare(family, phrase, with_defaults(family, params))

    def run(self, search: PreparedSearch) -> SearchPage:
        """The page of a search.

        :param search: what :meth:`prepare` returned.
        """

        def parse(response: Response) -> SearchPage:
            size = {"page": search.page, "page_size": search.page_size}
            return read_page(SearchPage, response, self._api, search.what, ref=search.ref, **size)

        return self._ask(search.request, parse)

    def _ask(self, request: Request, parse: Callable[[Response], Value]) -> Value:
        """Ask a question that counts as a search."""
        return self._cache.ask(request, parse, self.budget.spend)

    def _prepare(self, family: Family, phrase: str, params: Mapping[str, Any]) -> PreparedSearch:
        return PreparedSearch(request(family, phrase, params, self._api), **page_of(params))

    def _pages(
        self, family: Family, phrase: str, params: Mapping[str, Any], *, patient: bool = False
    ) -> Iterator[SearchPage]:
        first = self._prepare(family, phrase, params)  # at once, and not with the first page
        return _walk(first, self._wait_and_run if patient else self.run)

    def _wait_and_run(self, search: PreparedSearch) -> SearchPage:
        """The page, after as many pauses as Getty asks for in a row, within reason."""
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
    """The next page. Whoever walks asks for one at a time, and wants the rest however long it takes."""
    params = dict(search.request.params) | {"page": str(search.page + 1)}
    request = replace(search.request, params=tuple(sorted(params.items())), batch=True)
    return replace(search, request=request, page=search.page + 1)


def _next(run: Callable[[PreparedSearch], SearchPage], search: PreparedSearch) -> SearchPage | None:
    """The page; None where it follows another, and what was found has become less meanwhile."""
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
    """Parameters with the defaults of :meth:`Search.find`, as far as the family takes them."""
    asked = given(params, **DEFAULT_FILTERS)
    if "exclude_nudity" not in takes(one_of(family, FAMILIES, "family")):
        del asked["exclude_nudity"]
    return asked


def request(family: Family, phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one page.

    :param params: those of :mod:`embedkit.api.parameters`, ``page`` and ``page_size`` among them.
    :raises ConfigurationError: for what the search of this family does not take.
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
    """The request for one page of a photographer's pictures. It alone of all searches takes no uri_oembed.

    :raises ConfigurationError: for what is not a name, and for what the search does not take.
    """
    if not (text := phrase_of(name, "a name")):
        raise ConfigurationError("There is nobody to search for.", hint="Pass a name.")
    asked = given(params, fields=SEARCH_FIELDS)
    return query(api, "artist", "/v3/artists/images", asked, (("artist_name", text),))


def likeness_request(id: str, phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one page of pictures that look like one."""
    path, text = "/v3/search/images/creative/by-image", phrase_of(phrase)
    extra = (("asset_id", asset_id(id)), *((("phrase", text),) if text else ()))
    return query(api, "by-image", path, params, extra, fields=SEARCH_FIELDS)


def is_newest(family: Family, sort_order: str | None) -> bool:
    """Whether a search is for the newest editorial pictures, which needs no phrase."""
    return (family, sort_order) == ("editorial", "newest")
