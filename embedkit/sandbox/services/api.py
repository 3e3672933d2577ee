"""The Getty Images API v3 as one handler, which authenticates calls, routes them and returns errors.

    /v3/search/images, /creative, /editorial                    search.py
    /v3/images, /{id}, /{id}/similar, /{id}/same-series         images.py
    /v3/countries, /v3/collections                              places.py
    /v3/search/images/creative/by-image, /v3/search/by-image/uploads/{file-name}, /v3/artists/images
                                                                search.py
    /v3/search/events, /v3/events, /v3/events/{id}              events.py
    /v3/products, /v3/customers/current, /v3/asset-changes/…, /v3/usage-batches/{id}
                                                                account.py
    /v3/downloads, /v3/downloads/images/{id}, /v3/images/{id}/downloadhistory, /v3/purchased-assets
                                                                downloads.py
    /v3/boards/…                                                boards.py
    /oauth2/token                                               auth.py

As in the real service, paths are case-insensitive, and may have double slashes (the official Node client sends
these) or a trailing one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from embedkit.sandbox.content.catalogue import Find
from embedkit.sandbox.services import fields, parameters
from embedkit.sandbox.services.account import REQUIREMENTS, Account, AssetChanges, History, UsageReports
from embedkit.sandbox.services.auth import Authenticator, Caller, Limits, Need, Tokens, authorize
from embedkit.sandbox.services.boards import ORDERS, RELATIONSHIPS, Boards
from embedkit.sandbox.services.config import Era, Pairs, SandboxConfig
from embedkit.sandbox.services.downloads import FILE_TYPES, PRODUCT_TYPES, Delivery, Downloads
from embedkit.sandbox.services.events import DETAIL_FIELDS, SEARCH_FIELDS, SORTS, Events
from embedkit.sandbox.services.fields import Fields
from embedkit.sandbox.services.http import (
    APIError,
    Call,
    Reply,
    error_reply,
    message_error,
    parameter_error,
)
from embedkit.sandbox.services.images import Images
from embedkit.sandbox.services.parameters import Allowed, query_params
from embedkit.sandbox.services.places import list_collections, list_countries
from embedkit.sandbox.services.search import Search, Uploads

CORS = (
    ("Access-Control-Allow-Headers", "origin, accept, content-type"),
    ("Access-Control-Allow-Methods", "options, post"),
    ("Access-Control-Max-Age", "1728000"),
)
# the response to a CORS preflight; the real service's is not known
PREFLIGHT = (
    (
        "Access-Control-Allow-Headers",
        "accept, accept-language, api-key, authorization, content-type, gi-country-code, origin",
    ),
    ("Access-Control-Allow-Methods", "delete, get, options, post, put"),
    ("Access-Control-Max-Age", "1728000"),
)
Operation = Callable[[Call, Caller], Reply]
PAGES: Allowed = {"page": (), "page_size": tuple(map(str, parameters.PAGE_SIZES))}
BY_IMAGE: Allowed = {
    **dict.fromkeys(("asset_id", "exclude_editorial_use_only", "facet_max_count", "image_url"), ()),
    **dict.fromkeys(("include_facets", "phrase", "product_types"), ()),
    "facet_fields": parameters.CREATIVE.facets,
    "fields": tuple(sorted(fields.CREATIVE.allowed)),
    **PAGES,
}
OWN_PARAMS = {"sandbox_fault"}  # the sandbox's own parameters, allowed in every query


@dataclass(frozen=True, slots=True)
class Route:
    """An operation.

    :param path: the path with its placeholders, as in the contract.
    :param need: the credentials a caller needs.
    :param params: the allowed query parameters.
    """

    method: str
    path: str
    need: Need
    answer: Operation
    params: Allowed = field(default_factory=dict)

    def matches(self, path: str) -> bool:
        return _pattern(self.path).fullmatch(path) is not None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path), re.IGNORECASE)


class Api:
    """All operations under /v3; also the token endpoint and the file downloads."""

    def __init__(self, config: SandboxConfig, find: Find, clock: Callable[[], float]) -> None:
        self._config = config
        limits = Limits(config, clock)
        self.tokens = Tokens(config, limits, clock)
        self.delivery = Delivery(config, find, clock)
        self._authenticator = Authenticator(config, self.tokens, limits, clock)
        self.changes = AssetChanges(clock)
        history = History(config.history, find)
        self.routes: tuple[Route, ...] = (
            *_content(Search(config, find, Uploads(clock)), Images(config, find)),
            *_events(Events(config, find)),
            *_account(Account(config, history)),
            *_changes(self.changes),
            Route("PUT", "/v3/usage-batches/{id}", "token", UsageReports(find, clock).take),
            *_downloads(Downloads(config, find, clock, self.delivery, history), config.rules),
            *_boards(Boards(config, find, clock)),
        )

    def __call__(self, call: Call) -> Reply:
        if call.method == "OPTIONS":
            return Reply(204, "", headers=PREFLIGHT if self._config.cors else ())
        call = replace(call, path=_normalize(call.path))
        try:
            reply = self._answer(call)
        except APIError as refused:
            reply = error_reply(refused, coded=self._config.rules.coded)
        return replace(reply, headers=(*reply.headers, *self._headers(call, reply)))

    def _answer(self, call: Call) -> Reply:
        caller = self._authenticator.authenticate(call)
        routes = [route for route in self.routes if route.matches(call.path)]
        if not routes:
            raise message_error(404, "The sandbox has no such operation.")
        method = "GET" if call.method == "HEAD" else call.method
        for route in routes:
            if route.method == method:
                authorize(caller, route.need)
                self._check(call, route)
                return route.answer(call, caller)
        raise APIError(405, None, (("Allow", ", ".join(route.method for route in routes)),))

    def _check(self, call: Call, route: Route) -> None:
        """Refuse unknown parameters, as the API does in every era."""
        unknown = query_params(call).keys() - route.params.keys() - OWN_PARAMS
        if unknown and self._config.strict:
            raise parameter_error(min(unknown), "The parameter is not recognized.")

    def _headers(self, call: Call, reply: Reply) -> Pairs:
        """Return the headers of a response; creative searches have their own, which allow caching."""
        era, creative = self._config.rules, call.path.lower().startswith("/v3/search/images/creative")
        headers = era.creative_headers if creative and reply.status == 200 else era.headers
        return (*headers, *(CORS if self._config.cors else ()))


def _normalize(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)


def _content(search: Search, images: Images) -> Iterator[Route]:
    blended, creative, editorial = (f"/v3/search/images{tail}" for tail in ("", "/creative", "/editorial"))
    one, listed = {"fields": _words(fields.ONE)}, {"fields": _words(fields.BLENDED), **PAGES}
    rules = search.config.rules
    for path, kind, known, answer in (
        (blended, parameters.BLENDED, fields.BLENDED, search.blended),
        (creative, parameters.CREATIVE, fields.CREATIVE, search.creative),
        (editorial, parameters.EDITORIAL, fields.EDITORIAL, search.editorial),
    ):
        yield Route("GET", path, "key", answer, kind.words(fields.search_fields(known, rules), rules))
    yield Route("GET", "/v3/images", "key", images.many, {"ids": (), **one})
    yield Route("GET", "/v3/images/{id}", "key", images.one, one)
    yield Route("GET", "/v3/images/{id}/similar", "key", images.similar, listed)
    yield Route("GET", "/v3/images/{id}/same-series", "key", images.same_series, listed)
    yield Route("GET", f"{creative}/by-image", "key", search.by_image, BY_IMAGE)
    yield Route("PUT", "/v3/search/by-image/uploads/{file-name}", "key", search.upload)
    by_artist: Allowed = {"artist_name": (), "fields": _words(fields.ARTIST), **PAGES}
    yield Route("GET", "/v3/artists/images", "key", search.by_artist, by_artist)
    yield Route("GET", "/v3/countries", "key", list_countries)
    yield Route("GET", "/v3/collections", "user", list_collections)


def _words(known: Fields) -> tuple[str, ...]:
    return tuple(sorted(known.allowed))


def _events(events: Events) -> Iterator[Route]:
    several: Allowed = {
        "fields": SEARCH_FIELDS,
        "editorial_segment": parameters.EDITORIAL_SEGMENTS,
        "sort_order": SORTS,
        **dict.fromkeys(("date_from", "date_to", "phrase"), ()),
        **PAGES,
    }
    yield Route("GET", "/v3/search/events", "key", events.search, several)
    yield Route("GET", "/v3/events", "key", events.many, {"ids": (), "fields": DETAIL_FIELDS})
    yield Route("GET", "/v3/events/{id}", "key", events.one, {"fields": DETAIL_FIELDS})


def _changes(changes: AssetChanges) -> Iterator[Route]:
    sets, names = "/v3/asset-changes/change-sets", ("channel_id", "batch_size")
    yield Route("GET", "/v3/asset-changes/channels", "token", changes.channels)
    yield Route("PUT", sets, "token", changes.next_batch, dict.fromkeys(names, ()))
    yield Route("DELETE", f"{sets}/{{change-set-id}}", "token", changes.confirm)


def _account(account: Account) -> Iterator[Route]:
    yield Route("GET", "/v3/products", "token", account.products, {"fields": (REQUIREMENTS,)})
    yield Route("GET", "/v3/customers/current", "user", account.customer)


def _downloads(downloads: Downloads, rules: Era) -> Iterator[Route]:
    own: Allowed = {"company_downloads": ()}
    past: Allowed = {
        "date_from": (),
        "date_to": (),
        "use_time": (),
        "product_type": PRODUCT_TYPES,
        "page": (),
        "page_size": (),
        **own,
    }
    file: Allowed = {
        **dict.fromkeys(("auto_download", "height", "product_id", "use_team_credits"), ()),
        "file_type": FILE_TYPES,
        "product_type": PRODUCT_TYPES,
    }
    yield Route("GET", "/v3/downloads", "user", downloads.list_downloads, past)
    yield Route("POST", "/v3/downloads/images/{id}", "token", downloads.image, file)
    yield Route("GET", "/v3/images/{id}/downloadhistory", "user", downloads.image_history, own)
    bought: Allowed = {**dict.fromkeys(("date_from", "date_to", "company_purchases"), ()), **PAGES}
    yield Route("GET", "/v3/purchased-assets", "user", downloads.purchased, bought)
    if rules.short_downloads:
        yield Route("POST", "/v3/downloads/{id}", "token", downloads.legacy_image, file)


def _boards(boards: Boards) -> Iterator[Route]:
    one, assets, comments = (f"/v3/boards/{{board_id}}{tail}" for tail in ("", "/assets", "/comments"))
    several: Allowed = {
        "board_relationship": RELATIONSHIPS,
        "sort_order": tuple(ORDERS),
        "page": (),
        "pageSize": (),
    }
    yield Route("GET", "/v3/boards", "user", boards.list_boards, several)
    yield Route("POST", "/v3/boards", "user", boards.create)
    yield Route("GET", one, "user", boards.one)
    yield Route("PUT", one, "user", boards.rename)
    yield Route("DELETE", one, "user", boards.delete)
    yield Route("PUT", assets, "user", boards.add)
    yield Route("DELETE", assets, "user", boards.remove, {"asset_ids": ()})
    yield Route("PUT", f"{assets}/{{asset_id}}", "user", boards.add_one)
    yield Route("DELETE", f"{assets}/{{asset_id}}", "user", boards.remove_one)
    yield Route("GET", comments, "user", boards.comments)
    yield Route("POST", comments, "user", boards.comment)
    yield Route("DELETE", f"{comments}/{{comment_id}}", "user", boards.delete_comment)
