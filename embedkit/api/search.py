"""The searches: every documented parameter is an argument, and a wrong one is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from embedkit.api import parameters, search_requests
from embedkit.api.models import SearchPage
from embedkit.api.parameters import FAMILIES, PAGE_SIZE, Family
from embedkit.errors import ConfigurationError
from embedkit.messages import Request
from embedkit.validation import lasting, shown, word

if TYPE_CHECKING:
    from typing import Unpack

    from embedkit.api.budget import SearchBudget
    from embedkit.api.parameters import (
        AnySearch,
        CreativeSearch,
        EditorialSearch,
        ImageSearch,
    )
    from embedkit.api.response_cache import Pages
    from embedkit.settings import Settings

KINDLY = {"exclude_nudity": True, "include_related_searches": True}


class Asked(TypedDict):
    """A page, and its size."""

    page: int
    page_size: int


class Search:
    """Finds pictures: those that may be embedded, unless ``embed_content_only=False`` is said."""

    def __init__(self, settings: Settings, pages: Pages, budget: SearchBudget) -> None:
        self.budget = budget
        self._settings = settings
        self._pages = pages

    def images(self, phrase: str, **said: Unpack[ImageSearch]) -> SearchPage:
        """One page of pictures, creative and editorial ones.

        :raises ConfigurationError: for what this search does not take; and without API_KEY.
        :raises ProviderError: where there is no answer.
        """
        return self._page("all", phrase, said)

    def creative(self, phrase: str, **said: Unpack[CreativeSearch]) -> SearchPage:
        """One page of creative pictures; raises what :meth:`images` does."""
        return self._page("creative", phrase, said)

    def editorial(self, phrase: str, **said: Unpack[EditorialSearch]) -> SearchPage:
        """One page of editorial pictures; raises what :meth:`images` does."""
        return self._page("editorial", phrase, said)

    def pages(self, family: Family, phrase: str, **said: Unpack[AnySearch]) -> Iterator[SearchPage]:
        """One page after another, each asked for when it is wanted, until there are no more.

        :param family: ``all``, ``creative`` or ``editorial``.
        :raises ConfigurationError: at once, for what the search of this family does not take.
        """
        return self._walk(family, phrase, said)

    def find(self, phrase: str, *, family: Family = "all", **said: Unpack[AnySearch]) -> SearchPage:
        """What most people want: as the search of that family, without nudity where that can be said, and with
        related phrases."""
        return self._page(family, phrase, _kindly(family, said))

    def find_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **said: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """The same, one page after another.

        :param limit: pages at the most.
        """
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
            raise ConfigurationError(f"limit is {shown(limit)}.", hint="Give a whole number of pages, or None.")
        return self._walk(family, phrase, _kindly(family, said), limit)

    def _request(self, family: Family, phrase: str, said: Mapping[str, Any]) -> Request:
        return search_requests.request(family, phrase, said, self._settings)

    def _page(self, family: Family, phrase: str, said: Mapping[str, Any]) -> SearchPage:
        return self._asked(self._request(family, phrase, said), said)

    def _asked(self, request: Request, said: Mapping[str, Any]) -> SearchPage:
        return self._pages.ask(
            request,
            lambda response: search_requests.parse(response, self._settings, **paging(said)),
            self.budget.spend,
        )

    def _walk(
        self, family: Family, phrase: str, said: Mapping[str, Any], limit: int | None = None
    ) -> Iterator[SearchPage]:
        asked = lasting(said)
        request = self._request(family, phrase, asked)  # at once, and not with the first page
        return self._walked(family, phrase, asked | paging(asked), request, limit)

    def _walked(
        self, family: Family, phrase: str, asked: dict[str, Any], request: Request, limit: int | None
    ) -> Iterator[SearchPage]:
        taken = 0
        while limit is None or taken < limit:
            page = self._asked(request, asked)
            yield page
            if not page.has_next:
                return
            taken += 1
            asked["page"] += 1
            # whoever walks asks for one page at a time, and wants the rest however long it takes
            request = replace(self._request(family, phrase, asked), batch=True)


def paging(said: Mapping[str, Any]) -> Asked:
    """Which page was asked for, and of what size; what was said has been checked."""
    return Asked(page=int(said.get("page") or 1), page_size=int(said.get("page_size") or PAGE_SIZE))


def _kindly(family: Family, said: Mapping[str, Any]) -> dict[str, Any]:
    asked = KINDLY | {name: value for name, value in said.items() if value is not None}
    if "exclude_nudity" not in parameters.takes(word(family, FAMILIES, "family")):
        del asked["exclude_nudity"]
    return asked
