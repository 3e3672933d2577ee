"""The OpenAPI document, made from the table of routes and the schemas: it cannot fall behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from apispec import APISpec

from embedkit import errors
from embedkit.errors import EmbedKitError
from embedkit.getty.urls import ASSET_ID, ASSET_IDS, MAX_IDS
from embedkit.models import JSON
from embedkit.settings import Settings
from embedkit.web import schemas
from embedkit.web.auth import Access
from embedkit.web.errors import CODES
from embedkit.web.routing import Answer, Route

LONGEST_QUERY = 4096  # bytes
VERSION = "1"  # of the interface, not of the package
DESCRIPTION = (
    "Turns references to Getty Images pictures into safe, accessible embeds. Errors are problems (RFC 9457)"
    " with a stable code; where a page was asked for, a page. Every answer names its request in X-Request-ID."
    " What is no HTTP, or is more than a server or a proxy in front of the service takes, is answered by that one"
    " (400, 408, 413, 431, 502, 504), as text or html."
)
# What a path names. The service reads more spellings than these; what it gives is always one of them.
PATHS: Mapping[str, JSON] = {
    "ref": {
        "type": "string",
        "pattern": f"^{ASSET_IDS}$",
        "minLength": 1,
        "maxLength": 25 * MAX_IDS - 1,
        "examples": ["74917285"],
    },
    "id": {
        "type": "string",
        "pattern": f"^{ASSET_ID}$",
        "minLength": 1,
        "maxLength": 24,
        "examples": ["74917285"],
    },
}
HTML: JSON = {"text/html": {"schema": {"type": "string"}}}
REFERENCE = "#/components/schemas/{name}"
CREDENTIALS = {
    "token": "One of the setting TOKENS. It stays on servers.",
    "grant": "What POST /v1/grants answers: for browsers, reading only, for eight hours.",
    "admin": "The setting ADMIN_TOKEN.",
}
# What opens a route, what its readers should know of that, and the code where it is shut for everybody.
DOORS: Mapping[Access, tuple[tuple[str, ...], str, str]] = {
    "search": (
        ("token", "grant"),
        "Needs a token or a grant, unless SEARCH_ACCESS is open; answered with 503 where API_KEY is not set.",
        "not-configured",
    ),
    "grant": (("token",), "Off, and answered with 404, unless the setting TOKENS has a value.", "no-route"),
    "metrics": (
        ("admin", "token"),
        "Off, and answered with 404, unless the setting METRICS says who may read it; METRICS=open asks nobody.",
        "no-route",
    ),
    "purge": (("admin",), "Off, and answered with 404, unless the setting ADMIN_TOKEN has a value.", "no-route"),
}


def openapi_document(settings: Settings | None = None) -> JSON:
    """The interface of the service as OpenAPI 3.1.

    :param settings: names the address of the service, if PUBLIC_URL is set.
    """
    routes = every_route()
    spec = APISpec(
        title="embedkit",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION},
        servers=[{"url": (settings and settings.public_url) or "."}],
        tags=[{"name": name} for name in dict.fromkeys(route.group for route in routes)],
    )
    for name, says in CREDENTIALS.items():
        spec.components.security_scheme(name, {"type": "http", "scheme": "bearer", "description": says})
    for name, schema in _schemas(routes).items():
        spec.components.schema(name, schema)
    for route in routes:
        spec.path(path=path(route), operations={route.method.lower(): _operation(route)})
    found: JSON = spec.to_dict()
    return found


def every_route() -> tuple[Route, ...]:
    from embedkit.web.routes import ROUTES  # which names the routes of the document itself

    return ROUTES


def path(route: Route) -> str:
    """A rule in the notation of OpenAPI."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", route.rule)


def codes() -> dict[str, tuple[int, str]]:
    """Every code that an answer may have: its HTTP status and title, by status."""
    tree = {kind.code: (kind.http_status, kind.title) for kind in _kinds(EmbedKitError)}
    return dict(sorted({**tree, **CODES}.items(), key=lambda row: (row[1][0], row[0])))


def _kinds(kind: type[EmbedKitError]) -> list[type[EmbedKitError]]:
    ours = [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    return [kind, *(one for sub in ours for one in _kinds(sub))]


def _schemas(routes: Iterable[Route]) -> Mapping[str, JSON]:
    answered = [answer.schema for route in routes for answer in route.answers.values() if answer.schema]
    wanted = [*answered, *(route.body for route in routes if route.body)]
    wanted += [schemas.Problem, schemas.EmbedAnswer, schemas.FailedItem, schemas.BatchItem]
    _, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE)
    return components


def _operation(route: Route) -> JSON:
    operation: JSON = {
        "operationId": route.endpoint,
        "summary": route.summary,
        "tags": [route.group],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {**_answers(route), **_errors(route)},
    }
    if route.body:
        content: JSON = {"schema": _reference(route.body)}
        if route.sample:
            content["example"] = route.sample
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if route.access in DOORS:
        keys, operation["description"], _ = DOORS[route.access]
        operation["security"] = [{key: []} for key in keys]
    return operation


def _path_parameters(route: Route) -> list[JSON]:
    return [
        {"name": name, "in": "path", "required": True, "description": says, "schema": PATHS[name]}
        for name, says in route.parameters.items()
    ]


def _query_parameters(route: Route) -> list[JSON]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query], ref_template=REFERENCE)
    struct = components[route.query.__name__]
    return [_parameter(name, schema, struct) for name, schema in struct["properties"].items()]


def _parameter(name: str, schema: JSON, struct: JSON) -> JSON:
    """A field as a parameter; that it may be left out is said by ``required``, not by a null."""
    plain = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    plain = {key: value for key, value in plain.items() if key != "default" or value is not None}
    says = plain.pop("description", None)
    parameter = {"name": name, "in": "query", "required": name in struct.get("required", []), "schema": plain}
    if plain.get("type") == "array":
        parameter |= {"style": "form", "explode": False}  # joined by commas
    if not parameter["required"]:
        parameter["allowEmptyValue"] = True  # as forms send a field that nobody filled in: it counts as left out
    return {**parameter, "description": says} if says else parameter


def _answers(route: Route) -> JSON:
    return {
        str(status): {
            "description": answer.says,
            **({"content": {answer.media: _content(answer)}} if answer.media else {}),
            **({"links": _links(route)} if route.links and status < 300 else {}),
        }
        for status, answer in route.answers.items()
    }


def _content(answer: Answer) -> JSON:
    if answer.schema is not None:
        return {"schema": _reference(answer.schema)}
    return {"schema": {"type": "object" if answer.media == "application/json" else "string"}}


def _links(route: Route) -> JSON:
    links: JSON = {}
    for link in route.links:
        body = {} if link.body is None else {"requestBody": link.body}
        links[link.operation] = {"operationId": link.operation, "parameters": dict(link.parameters), **body}
    return links


def _reference(kind: Any) -> JSON:
    (found,), _ = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    return dict(found)


def _errors(route: Route) -> JSON:
    """The problems that a route may answer with, by status."""
    known = codes()
    possible = [(code, *known[code]) for code in dict.fromkeys((*route.errors, *_always(route)))]
    found: JSON = {}
    for code, status, title in (*possible, *_by_size_and_type(route)):
        entry = found.setdefault(
            str(status),
            {
                "description": "",
                "content": {
                    "application/problem+json": {"schema": _reference(schemas.Problem)},
                    **(HTML if route.paged else {}),
                },
            },
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], f"{code}: {title}")))
    return {status: found[status] for status in sorted(found) if int(status) not in route.answers}


def _by_size_and_type(route: Route) -> list[tuple[str, int, str]]:
    """What HTTP itself has a status for, where the code is that of any wrong request."""
    found = [("invalid-request", 414, f"The query has more than {LONGEST_QUERY} bytes")]
    if route.body:
        found.append(("invalid-request", 415, "The body is not JSON by its Content-Type"))
    return found


def _always(route: Route) -> list[str]:
    codes = ["invalid-request"] if route.query or route.body else []
    codes += ["too-large"] if route.body else []
    codes += ["throttled"] if route.limited else []
    codes += ["token-required", "forbidden", DOORS[route.access][2]] if route.access in DOORS else []
    return [*codes, "method-not-allowed", "error"]
