"""Compare the sandbox with one of Getty's OpenAPI documents: operations, parameters, their values, response
fields.

``embedkit sandbox --against openapi.json`` prints the result. Nothing here depends on one version of the contract:
the accepted parameters are read from the routes, and the response fields from actual responses. Each intended
difference is listed with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from embedkit.messages import Request
from embedkit.models import JSON
from embedkit.sandbox.app import Sandbox
from embedkit.sandbox.content.catalogue import catalogue
from embedkit.sandbox.server import SandboxTransport
from embedkit.sandbox.services.api import Route
from embedkit.sandbox.services.auth import KEY, PASSWORD, SECRET, USER
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.fields import FORMER

METHODS = ("get", "put", "post", "delete", "patch")
ORIGIN = "https://api.gettyimages.com"
HEADERS = {"accept-language", "gi-country-code"}  # the sandbox reads these
EXAMPLE = "74917285"
# Intended differences: a pattern for the whole line, and the reason.
INTENDED: tuple[tuple[str, str], ...] = (
    (r".*/(beta|v3)/ai/.*", "the sandbox does not generate pictures"),
    (r".*/videos.*no such operation", "the sandbox has no videos"),
    (r".*/v3/affiliates/.*", "for partners who sell Getty's pictures"),
    (r".*/v3/(asset-licensing|asset-management|orders)/.*", "about contracts, not embeds"),
    (r".*fields=(high|mid)_res_comp is not in the contract", "documented from 2014 to 2018"),
    (r".*fields=(high|mid)_res_comp_webp", "for customers; never seen in a response"),
    (r".*only some values of page_size", "documented in September 2026; --no-strict accepts any"),
    (r".*istock_.*", "for iStock keys only"),
    (r".*(similar|same-series|by-image): the sandbox returns no related_searches", "there is no search phrase"),
    (r".*by-image: the sandbox returns no auto_corrections", "there is no search phrase"),
    (r".*(generated_asset_id|ai_gen_requirements)", "the sandbox does not generate pictures"),
    (r"GET /v3/products: .*overage", "no product in the sandbox has it"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between a contract and the sandbox.

    :param where: the operation, such as ``GET /v3/images``.
    :param what: the difference.
    :param why: the reason for an intended difference; otherwise empty.
    """

    where: str
    what: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.why})" if self.why else "")


def differences(contract: JSON, config: SandboxConfig | None = None) -> list[Difference]:
    """Return every difference between a contract and the sandbox, sorted.

    >>> str(differences({"openapi": "3.0.1", "paths": {}})[0])
    'DELETE /v3/asset-changes/change-sets/{}: is not in the contract'

    :param contract: an OpenAPI 3 document.
    :param config: the sandbox's configuration.
    :raises ValueError: the document is not valid OpenAPI 3.
    """
    if not isinstance(contract, dict) or not isinstance(contract.get("paths"), dict):
        raise ValueError("it has no paths")
    try:
        return _differences(contract, config)
    except (AttributeError, KeyError, TypeError, RecursionError):
        raise ValueError("it does not follow the OpenAPI 3 specification") from None


def _differences(contract: JSON, config: SandboxConfig | None) -> list[Difference]:
    declared, known = _declared(contract), _known(Sandbox(config))
    found = [Difference(_label(at), "the sandbox has no such operation") for at in declared.keys() - known.keys()]
    found += [Difference(_label(at), "is not in the contract") for at in known.keys() - declared.keys()]
    answers = _Responses(config or SandboxConfig())
    for at in declared.keys() & known.keys():
        found += _compare_parameters(_label(at), declared[at], known[at], contract)
        found += _compare_response(_label(at), declared[at], answers.to(known[at]), contract)
    return sorted(map(_explain, found), key=str)


Operations = dict[tuple[str, str], JSON]


def _declared(contract: JSON) -> Operations:
    """Return a contract's operations by method and path, with the names of placeholders removed."""
    return {
        (method.upper(), _normalize_path(path)): {**operation, "parameters": _all_parameters(item, operation)}
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def _all_parameters(item: JSON, operation: JSON) -> list[JSON]:
    """Parameters of a path apply to each of its operations."""
    return [*item.get("parameters", []), *operation.get("parameters", [])]


def _known(app: Sandbox) -> dict[tuple[str, str], Route]:
    return {(route.method, _normalize_path(route.path)): route for route in app.routes}


def _normalize_path(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", path)


def _label(at: tuple[str, str]) -> str:
    return " ".join(at)


def _explain(found: Difference) -> Difference:
    line = str(found)
    reasons = (why for pattern, why in INTENDED if re.fullmatch(pattern, line))
    return Difference(found.where, found.what, next(reasons, ""))


# -- parameters ------------------------------------------------------------------------------------------


def _compare_parameters(where: str, operation: JSON, route: Route, contract: JSON) -> Iterator[Difference]:
    parameters = [_resolve(one, contract) for one in operation["parameters"]]
    query = {one["name"]: one.get("schema", {}) for one in parameters if one.get("in") == "query"}
    for name in query.keys() - route.params.keys():
        yield Difference(where, f"the sandbox has no parameter {name}")
    for name in route.params.keys() - query.keys():
        yield Difference(where, f"the parameter {name} is not in the contract")
    for name in query.keys() & route.params.keys():
        yield from _compare_values(where, name, _allowed_values(query[name], contract), {*route.params[name]})
    for one in parameters:
        if one.get("in") == "header" and one["name"].lower() not in HEADERS:
            yield Difference(where, f"the sandbox does not read the header {one['name']}")


def _compare_values(where: str, name: str, declared: set[str], known: set[str]) -> Iterator[Difference]:
    if known and not declared:
        yield Difference(where, f"the sandbox accepts only some values of {name}")
        return
    for word in declared - known:
        yield Difference(where, f"the sandbox does not know {name}={word}")
    for word in known - declared:
        yield Difference(where, f"{name}={word} is not in the contract")


def _allowed_values(schema: JSON, contract: JSON) -> set[str]:
    """Return the enum values of a parameter, empty for one that is not an enum."""
    schema = _resolve(schema, contract)
    inside = _resolve(schema.get("items", {}), contract)
    return {str(word).lower() for word in schema.get("enum") or inside.get("enum") or ()}


def _resolve(schema: JSON, contract: JSON) -> JSON:
    """Return a schema or parameter, following ``$ref`` and combinations of a single schema."""
    for combined in ("allOf", "oneOf", "anyOf"):
        if len(schema.get(combined, ())) == 1:
            schema = schema[combined][0]
    if "$ref" not in schema:
        return schema
    found: Any = contract
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolve(found, contract)


# -- responses -------------------------------------------------------------------------------------------


def _compare_response(where: str, operation: JSON, answer: Any, contract: JSON) -> Iterator[Difference]:
    schema = _schema_of(operation)
    if schema and answer is not None:
        yield from _compare_fields(where, "", schema, [answer], contract)


def _schema_of(operation: JSON) -> JSON:
    """Return the schema of a successful response."""
    for status, response in sorted(operation.get("responses", {}).items()):
        if status.startswith("2"):
            for media in response.get("content", {}).values():
                return dict(media.get("schema", {}))
    return {}


def _compare_fields(
    where: str, at: str, schema: JSON, values: Sequence[Any], contract: JSON
) -> Iterator[Difference]:
    """Compare values with their schema; ``at`` is their path in the response."""
    schema = _resolve(schema, contract)
    values = [value for value in values if value is not None]
    types = _types(schema)
    if any(not isinstance(value, tuple(TYPES.get(name, object) for name in types)) for value in values):
        yield Difference(where, f"the type of {at} is not {' or '.join(types)}")
    if "array" in types:
        items = [item for value in values if isinstance(value, list) for item in value]
        yield from _compare_fields(where, f"{at}[]", schema.get("items", {}), items, contract)
    if not (declared := schema.get("properties")) or not values:
        return
    answered = [value for value in values if isinstance(value, dict)]
    names = {name for value in answered for name in value}
    for name in declared.keys() - names:
        yield Difference(where, f"the sandbox returns no {at}.{name}".replace(" .", " "))
    for name in names - declared.keys():
        yield Difference(where, f"the field {at}.{name} is not in the contract".replace(" .", " "))
    for name in names & declared.keys():
        inside = [value[name] for value in answered if name in value]
        yield from _compare_fields(where, f"{at}.{name}".lstrip("."), declared[name], inside, contract)


def _types(schema: JSON) -> list[str]:
    """Return the types a value can have, without null; in OpenAPI 3.1, ``type`` may be a list."""
    kind = schema.get("type") or "any"
    return [kind] if isinstance(kind, str) else [name for name in kind if name != "null"]


TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class _Responses:
    """Sandbox responses for a customer who has a board, a comment and a download, and requests every field."""

    def __init__(self, config: SandboxConfig) -> None:
        free = replace(config, password_grant=True, calls_per_second=0, calls_per_day=0, download_limit=0)
        app = Sandbox(free)
        app.announce("Update", EXAMPLE)
        self._transport = SandboxTransport(app)
        form = {"grant_type": "password", "client_id": KEY, "client_secret": SECRET}
        token = self._ask(
            "POST", "/oauth2/token", urlencode(form | {"username": USER, "password": PASSWORD}).encode()
        )
        self._headers = {"Api-Key": KEY, "Authorization": f"Bearer {(token or {}).get('access_token', '')}"}
        self._ask("POST", f"/v3/downloads/images/{EXAMPLE}?auto_download=false")
        board = self._ask("POST", "/v3/boards", b'{"name":"Contract"}')["id"]
        self._ask("PUT", f"/v3/boards/{board}/assets/{EXAMPLE}")
        comment = self._ask("POST", f"/v3/boards/{board}/comments", b'{"text":"Nice"}')["id"]
        self._names = {"id": EXAMPLE, "board_id": board, "asset_id": EXAMPLE, "comment_id": comment}

    def to(self, route: Route) -> Any:
        """Return an operation's JSON response, or None if it has no body."""
        if route.method == "DELETE" or "uploads" in route.path:
            return None
        path = re.sub(r"\{([^}]+)\}", lambda name: self._name(route.path, name[1]), route.path)
        query = urlencode({**_full_query(route.params), **QUERIES.get(route.path, {})})
        return self._ask(route.method, f"{path}?{query}", BODIES.get((route.method, route.path), b""))

    def _name(self, path: str, name: str) -> str:
        return NAMES.get(path) or self._names[name]

    def _ask(self, method: str, path: str, body: bytes = b"") -> Any:
        request = Request(ORIGIN + path, "api", method=method, headers=self._headers, body=body or None)
        response = self._transport.send(request)
        if response.status >= 400:
            raise RuntimeError(f"{method} {path} failed with status {response.status}: {response.body!r}")
        return json.loads(response.body) if response.body.strip() else None

    _headers: Mapping[str, str] = {}


def _full_query(params: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters that request every field and extra."""
    asked = {"fields": ",".join(word for word in params.get("fields", ()) if word not in FORMER)}
    asked |= dict.fromkeys(("include_related_searches", "include_facets"), "true")
    return {name: text for name, text in asked.items() if name in params and text}


EVENT_ASSET = next(asset for asset in catalogue().values() if asset.event_id)
EVENT = EVENT_ASSET.event_id
NAMES = {"/v3/events/{id}": str(EVENT)}  # paths whose ID is not a picture's
QUERIES: dict[str, dict[str, str]] = {
    "/v3/search/images": {"phrase": "eclipse"},
    "/v3/search/images/creative": {"phrase": "cofee"},  # misspelled, to get a correction
    "/v3/search/images/editorial": {"phrase": "eclipse"},
    "/v3/search/images/creative/by-image": {"asset_id": "600000001"},
    "/v3/events": {"ids": str(EVENT)},
    "/v3/artists/images": {"artist_name": EVENT_ASSET.photographer},
    "/v3/asset-changes/change-sets": {"channel_id": "1"},
    "/v3/images": {"ids": f"{EXAMPLE},600000001,1"},
    "/v3/downloads/images/{id}": {"auto_download": "false"},
}
BODIES: dict[tuple[str, str], bytes] = {
    ("POST", "/v3/boards"): b'{"name":"Another"}',
    ("PUT", "/v3/boards/{board_id}"): b'{"name":"Contract"}',
    ("PUT", "/v3/boards/{board_id}/assets"): b'[{"asset_id":"74917285"},{"asset_id":"1"}]',
    ("POST", "/v3/boards/{board_id}/comments"): b'{"text":"Nice"}',
    ("PUT", "/v3/usage-batches/{id}"): (
        b'{"asset_usages":[{"asset_id":"74917285","quantity":1,"usage_date":"2026-03-02"}]}'
    ),
}
