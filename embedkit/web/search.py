"""Search, for pictures that may be embedded: the key stays here, and answers are kept by nobody.

Getty's terms forbid an open proxy of its search, which is why routes like these ask who is there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request

from embedkit import serialization
from embedkit.api.models import SearchPage
from embedkit.errors import ConfigurationError
from embedkit.getty.payload import one_line
from embedkit.web import request as reading
from embedkit.web.context import Service
from embedkit.web.errors import SEARCHING, Refused
from embedkit.web.headers import BUDGET
from embedkit.web.response import as_json, in_language
from embedkit.web.routing import Answer, Link, Route
from embedkit.web.schemas import LONGEST_PHRASE, SearchQuery
from embedkit.web.search_schemas import SearchAnswer

FOUND = "$response.body#/images/0/id"
# Of the query, what narrows a search; the rest says where to look and how to answer.
FILTERS = (
    *("sort_order", "orientations", "number_of_people", "color", "graphical_styles", "compositions"),
    *("ethnicity", "age_of_people", "editorial_segments", "date_from", "date_to"),
)


def search(service: Service) -> Response:
    asked = reading.query(SearchQuery)
    language = reading.language(asked.lang, service.settings)
    found = find(service, asked, language)
    response = as_json(
        {
            "total": found.total,
            "page": found.page,
            "page_size": found.page_size,
            "images": [serialization.picture(image) for image in found.images],
            "related": found.related,
        }
    )
    response.headers["Link"] = _links(asked, found)
    response.headers.update(budget_headers(service))
    return in_language(response, language)


def find(service: Service, asked: SearchQuery, language: str) -> SearchPage:
    """One page of pictures that may be embedded; nobody outside can ask for others.

    :raises Refused: for a filter that the family does not take, or a value that the filter does not.
    """
    if not one_line(asked.q, LONGEST_PHRASE):  # also of what nobody can see, such as a byte order mark
        raise Refused("invalid-request", "q is blank. It holds what to look for, such as solar eclipse.")
    search = service.kit.api.search
    try:
        prepared = search.prepare(
            asked.q,
            family=asked.family,
            page=asked.page,
            page_size=asked.page_size,
            language=language,
            embed_content_only=True,
            exclude_nudity=asked.exclude_nudity,
            **{name: value for name in FILTERS if (value := getattr(asked, name)) is not None},
        )
    except ConfigurationError as error:  # from here on it would be our fault, and not the caller's
        raise Refused("invalid-request", str(error)) from None
    return search.run(prepared)


def budget_headers(service: Service) -> dict[str, str]:
    """What is left of SEARCH_BUDGET today, where there is one; cached searches cost nothing of it."""
    budget = service.kit.api.search.budget
    if budget.limit is None:
        return {}
    values = (budget.limit, budget.remaining(), budget.reset())
    return dict(zip(BUDGET, map(str, values), strict=True))


def _links(asked: SearchQuery, found: SearchPage) -> str:
    """Where the other pages are (RFC 8288): relative, since the service may not know its own address."""
    last = max(1, found.pages)
    pages = {"first": 1, "prev": min(found.page - 1, last), "next": found.page + 1, "last": last}
    there = {rel: page for rel, page in pages.items() if 1 <= page <= last}
    return ", ".join(f'<{_address(asked, page)}>; rel="{rel}"' for rel, page in there.items())


def _address(asked: SearchQuery, page: int) -> str:
    """The same question for another page: what was said, as it was understood."""
    said = [name for name in asked.__struct_fields__ if request.args.get(name) and name != "page"]
    pairs = [*((name, _written(getattr(asked, name))) for name in said), ("page", str(page))]
    return f"?{urlencode(pairs, quote_via=quote, safe=',')}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


ROUTES = (
    Route(
        "/v1/search",
        "search",
        search,
        "Search for pictures that may be embedded",
        "Search",
        {200: Answer("One page; the header Link leads to the others.", SearchAnswer)},
        query=SearchQuery,
        errors=SEARCHING,
        access="search",
        links=(
            Link("embed", {"ref": FOUND}),
            Link("image", {"id": FOUND}),
            Link("oembed", {"url": f"https://gty.im/{{{FOUND}}}"}),
            Link("render", body={"content": f"[getty {{{FOUND}}}]", "input": "html"}),
            Link("batch", body={"refs": [FOUND]}),
        ),
        sample="/v1/search?q=solar%20eclipse&family=editorial&orientations=horizontal,square",
    ),
)
