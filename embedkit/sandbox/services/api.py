"""The Getty Images API v3, as one handler: who may call, the operations, and how errors are answered.

    /v3/search/images, /creative, /editorial                    search.py
    /v3/images, /{id}, /{id}/similar, /{id}/same-series         images.py
    /v3/countries, /v3/collections                              places.py
    /v3/products, /v3/customers/current                         account.py
    /v3/downloads, /v3/downloads/images/{id}, /v3/images/{id}/downloadhistory
                                                                downloads.py
    /v3/boards/…                                                boards.py
    /oauth2/token                                               auth.py

Paths are read as the service reads them: without regard to case, with slashes doubled (the official Node
client does that) or one at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from embedkit.sandbox.content.catalogue import Find
from embedkit.sandbox.services.account import Account, History
from embedkit.sandbox.services.auth import Caller, Gate, Need, Tokens, authorize
from embedkit.sandbox.services.boards import Boards
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.downloads import Delivery, Downloads
from embedkit.sandbox.services.http import (
    CLASSIC_INVALID,
    ERROR_TYPE,
    APIError,
    Call,
    Reply,
    envelope,
    json_reply,
    message_error,
)
from embedkit.sandbox.services.images import Images
from embedkit.sandbox.services.places import list_collections, list_countries
from embedkit.sandbox.services.search import Search

# of a search seen in 2014
HEADERS = (("Cache-Control", "no-cache,no-cache"), ("Expires", "-1"), ("Pragma", "no-cache"))
CORS = (
    ("Access-Control-Allow-Headers", "origin, accept, content-type"),
    ("Access-Control-Allow-Methods", "options, post"),
    ("Access-Control-Max-Age", "1728000"),
)
# what a browser asks before it sends a key; what the real service answers has not been seen
PREFLIGHT = (
    (
        "Access-Control-Allow-Headers",
        "accept, accept-language, api-key, authorization, content-type, gi-country-code, origin",
    ),
    ("Access-Control-Allow-Methods", "delete, get, options, post, put"),
    ("Access-Control-Max-Age", "1728000"),
)
Operation = Callable[[Call, Caller], Reply]
ID = "[^/]+"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it is, what a caller needs, and who answers."""

    method: str
    pattern: str
    need: Need
    answer: Operation

    def leads(self, path: str) -> bool:
        return bool(re.fullmatch(self.pattern, path, re.IGNORECASE))


class Api:
    """Everything under /v3, with the tokens and the files that belong to it."""

    def __init__(self, config: SandboxConfig, find: Find, clock: Callable[[], float]) -> None:
        self._config = config
        self.tokens = Tokens(config, clock)
        self.delivery = Delivery(config, find, clock)
        self._gate = Gate(config, self.tokens, clock)
        history = History()
        self._routes = (
            *_content(Search(config, find), Images(config, find)),
            *_account(Account(config, history)),
            *_downloads(Downloads(config, find, clock, self.delivery, history)),
            *_boards(Boards(config, find, clock)),
        )

    def __call__(self, call: Call) -> Reply:
        if call.method == "OPTIONS":
            return Reply(204, "", headers=PREFLIGHT if self._config.cors else ())
        try:
            reply = self._answer(replace(call, path=_plain(call.path)))
        except APIError as refused:
            reply = self._refusal(refused)
        return replace(reply, headers=(*reply.headers, *HEADERS, *(CORS if self._config.cors else ())))

    def _answer(self, call: Call) -> Reply:
        caller = self._gate.enter(call)
        routes = [route for route in self._routes if route.leads(call.path)]
        if not routes:
            raise message_error(404, "The sandbox has no such operation.")
        method = "GET" if call.method == "HEAD" else call.method
        for route in routes:
            if route.method == method:
                authorize(caller, route.need)
                return route.answer(call, caller)
        raise APIError(405, None, (("Allow", ", ".join(route.method for route in routes)),))

    def _refusal(self, refused: APIError) -> Reply:
        body = refused.body
        if body is None:
            return Reply(refused.status, "", headers=refused.headers)
        if self._config.error_style == "classic":
            body = CLASSIC_INVALID if "ErrorCode" in body else body
            return json_reply(body, refused.status, refused.headers)
        reply = json_reply(envelope(body), refused.status, refused.headers)
        return replace(reply, type=ERROR_TYPE) if "ErrorCode" in envelope(body) else reply


def _plain(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)


def _content(search: Search, images: Images) -> Iterator[Route]:
    yield Route("GET", "/v3/search/images", "key", search.blended)
    yield Route("GET", "/v3/search/images/creative", "key", search.creative)
    yield Route("GET", "/v3/search/images/editorial", "key", search.editorial)
    yield Route("GET", "/v3/images", "key", images.many)
    yield Route("GET", f"/v3/images/{ID}", "key", images.one)
    yield Route("GET", f"/v3/images/{ID}/similar", "key", images.similar)
    yield Route("GET", f"/v3/images/{ID}/same-series", "key", images.same_series)
    yield Route("GET", "/v3/countries", "key", list_countries)
    yield Route("GET", "/v3/collections", "user", list_collections)


def _account(account: Account) -> Iterator[Route]:
    yield Route("GET", "/v3/products", "token", account.products)
    yield Route("GET", "/v3/customers/current", "user", account.customer)


def _downloads(downloads: Downloads) -> Iterator[Route]:
    yield Route("GET", "/v3/downloads", "user", downloads.past)
    yield Route("POST", f"/v3/downloads/images/{ID}", "token", downloads.image)
    yield Route("GET", f"/v3/images/{ID}/downloadhistory", "user", downloads.past_of_one)


def _boards(boards: Boards) -> Iterator[Route]:
    one, assets, comments = f"/v3/boards/{ID}", f"/v3/boards/{ID}/assets", f"/v3/boards/{ID}/comments"
    yield Route("GET", "/v3/boards", "user", boards.list_boards)
    yield Route("POST", "/v3/boards", "user", boards.create)
    yield Route("GET", one, "user", boards.one)
    yield Route("PUT", one, "user", boards.rename)
    yield Route("DELETE", one, "user", boards.delete)
    yield Route("PUT", assets, "user", boards.add)
    yield Route("DELETE", assets, "user", boards.remove)
    yield Route("PUT", f"{assets}/{ID}", "user", boards.add_one)
    yield Route("DELETE", f"{assets}/{ID}", "user", boards.remove_one)
    yield Route("GET", comments, "user", boards.comments)
    yield Route("POST", comments, "user", boards.comment)
    yield Route("DELETE", f"{comments}/{ID}", "user", boards.uncomment)
