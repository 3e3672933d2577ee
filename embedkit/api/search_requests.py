"""The three searches: a phrase and what narrows it become a request, an answer becomes a page of pictures.

Of what is found only pictures that may be embedded are asked for, unless the caller says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedkit.api import fields, parameters
from embedkit.api.decoding import Fields, answer, unusable
from embedkit.api.errors import What
from embedkit.api.image_decoding import picture
from embedkit.api.models import (
    Facet,
    Facets,
    RelatedSearch,
    SearchPage,
)
from embedkit.api.requests import api_origins, asking
from embedkit.errors import ConfigurationError
from embedkit.getty.payload import one_line, url_on_origin
from embedkit.messages import Request, Response
from embedkit.settings import Settings
from embedkit.validation import word

PATHS: dict[parameters.Family, str] = {
    "all": "/v3/search/images",
    "creative": "/v3/search/images/creative",
    "editorial": "/v3/search/images/editorial",
}
LONGEST = 1000  # characters of a phrase
# What can be searched for without a phrase; the service promises nothing for a search of everything.
SUBJECTS = frozenset({"artists", "collection_codes", "event_ids", "keyword_ids", "specific_people"})


def request(family: parameters.Family, phrase: str, said: Mapping[str, Any], settings: Settings) -> Request:
    """The question for one page of what is found.

    :param phrase: may be empty where people, events, artists, keywords or collections are named.
    :param said: arguments of :mod:`embedkit.api.parameters`, ``page`` and ``page_size`` among them.
    :raises ConfigurationError: for what the search of this family does not take.
    """
    word(family, parameters.FAMILIES, "family")
    asked: dict[str, Any] = {"embed_content_only": True, "page": 1, "page_size": parameters.PAGE_SIZE}
    asked |= {name: value for name, value in said.items() if value is not None}
    asked["fields"] = fields.wanted(asked.get("fields"), fields.SEARCH)
    pairs = dict(parameters.read(family, asked))
    if written := _phrase(phrase):
        pairs["phrase"] = written
    elif not pairs.keys() & SUBJECTS:
        raise ConfigurationError("There is nothing to search for.", hint="Give a phrase.")
    return asking(
        settings,
        PATHS[family],
        tuple(sorted(pairs.items())),
        speak=asked.get("language"),
        country=parameters.country(asked),
    )


def _phrase(phrase: str) -> str:
    if not isinstance(phrase, str) or len(phrase) > LONGEST:
        raise ConfigurationError("This is no phrase.", hint=f"Give a text of at most {LONGEST} characters.")
    return one_line(phrase, LONGEST)


def parse(
    response: Response,
    settings: Settings,
    *,
    page: int = 1,
    page_size: int = parameters.PAGE_SIZE,
    what: What = "search",
    ref: str | None = None,
) -> SearchPage:
    """The page that an answer holds; what in it is no picture is left out.

    :param page: that was asked for, and its size: answers do not repeat them.
    :param what: was asked for: "picture" for similar ones, where that one may not exist.
    :raises ProviderError: what :mod:`embedkit.api.errors` makes of the status; InvalidResponse for an
        answer that is no page of pictures.
    """
    said = answer(response, what, page_size=page_size, ref=ref)
    found = said.raw("images")
    if not isinstance(found, list | None) or not ("images" in said or "result_count" in said):
        raise unusable("The answer has no list of images.", ref)
    images = said.parts("images", lambda part: picture(part, settings))
    origins = api_origins(settings)
    total = said.number("result_count")
    return SearchPage(
        images=images,
        total=(page - 1) * page_size + len(images) if total is None else total,
        page=page,
        page_size=page_size,
        related_searches=said.parts("related_searches", lambda part: _related(part, origins)),
        correction=said.part("auto_corrections", lambda part: part.text("phrase")) or "",
        facets=said.part("facets", _facets) or Facets(),
        other=said.other,
    )


def _related(said: Fields, origins: tuple[str, ...]) -> RelatedSearch | None:
    phrase = said.text("phrase")
    url = said.link("url", lambda value: url_on_origin(value, origins))
    return RelatedSearch(phrase, url, other=said.other) if phrase else None


def _facets(said: Fields) -> Facets:
    return Facets(
        artists=said.parts("artists", _facet),
        entertainment=said.parts("entertainment", _facet),
        events=said.parts("events", _facet),
        locations=said.parts("locations", _facet),
        specific_people=said.parts("specific_people", _facet),
        other=said.other,
    )


def _facet(said: Fields) -> Facet | None:
    name = said.text("name")
    return Facet(name, said.number("id"), said.moment("date"), other=said.other) if name else None
