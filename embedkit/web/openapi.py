"""The service's HTTP API: the table of all routes, the OpenAPI document, and the page rendered from it.

The document is generated from the routes and the schemas, so it is always up to date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, url_for

from embedkit.getty.urls import ASSET_ID, ASSET_IDS, MAX_IDS
from embedkit.models import JSON
from embedkit.settings import Settings
from embedkit.web import auth, embeds, health, pages, picker, schemas, search
from embedkit.web.context import AppContext
from embedkit.web.errors import CODES, SEARCHING
from embedkit.web.pages import page
from embedkit.web.response import PAGES, as_json
from embedkit.web.routes import Access, Answer, Route
from embedkit.web.troubles import TROUBLES

MAX_QUERY_BYTES = 4096
VERSION = "1"  # of the API, not of the package
DESCRIPTION = (
    "Turns references to Getty Images pictures into safe, accessible embeds. Errors are returned as problem"
    " details (RFC 9457) with a stable code, or as HTML pages if a browser requests one. Every response includes"
    " the ID of its request in X-Request-ID. A server or proxy in front of the service can return its own errors"
    " (400, 408, 413, 431, 502, 504) as text or HTML."
)
# Path parameters. The service accepts other spellings too, but returns only these.
NAME: JSON = {"type": "string", "minLength": 1, "examples": ["74917285"]}
PATHS: Mapping[str, JSON] = {
    "ref": {**NAME, "pattern": f"^{ASSET_IDS}$", "maxLength": 25 * MAX_IDS - 1},
    "id": {**NAME, "pattern": f"^{ASSET_ID}$", "maxLength": 24},
}
HTML: JSON = {"text/html": {"schema": {"type": "string"}}}
REFERENCE = "#/components/schemas/{name}"
SECURITY_SCHEMES = {
    "token": "One of EMBEDKIT_TOKENS. Keep it on your servers.",
    "grant": "A read-only credential for browsers, valid for eight hours. Create one with POST /v1/grants.",
    "admin": "The value of EMBEDKIT_ADMIN_TOKEN.",
}
# The credentials a route accepts, a sentence for its documentation, and the error code if the route is off.
SECURITY: Mapping[Access, tuple[tuple[str, ...], str, str]] = {
    "search": (
        ("token", "grant"),
        "Requires a token or grant, unless EMBEDKIT_SEARCH_ACCESS is open. Returns 503 without EMBEDKIT_API_KEY.",
        "not-configured",
    ),
    "grant": (("token",), "Requires a token. Returns 404 if EMBEDKIT_TOKENS isn't set.", "no-route"),
    "metrics": (
        ("admin", "token"),
        "Requires a token, unless EMBEDKIT_METRICS is open. Returns 404 if EMBEDKIT_METRICS is off.",
        "no-route",
    ),
    "purge": (("admin",), "Requires the admin token. Returns 404 if EMBEDKIT_ADMIN_TOKEN isn't set.", "no-route"),
}


def openapi_document(settings: Settings | None = None) -> JSON:
    """Return the OpenAPI 3.1 document of the service.

    :param settings: the settings whose PUBLIC_URL, if set, is the URL of the server.
    """
    paths: JSON = {}
    for route in ROUTES:
        paths.setdefault(path(route), {})[route.method.lower()] = _operation(route)
    bearer = {"type": "http", "scheme": "bearer"}
    schemes = {name: {**bearer, "description": text} for name, text in SECURITY_SCHEMES.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "embedkit", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": (settings and settings.public_url) or "."}],
        "tags": [{"name": name} for name in dict.fromkeys(route.group for route in ROUTES)],
        "paths": paths,
        "components": {"securitySchemes": schemes, "schemas": _schemas()},
    }


def path(route: Route) -> str:
    """Return a route's rule in OpenAPI notation."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", route.rule)


def _schemas() -> Mapping[str, JSON]:
    answered = [answer.schema for route in ROUTES for answer in route.answers.values() if answer.schema]
    wanted = [*answered, *(route.body for route in ROUTES if route.body)]
    wanted += [schemas.Problem, schemas.EmbedAnswer, schemas.FailedItem, schemas.BatchItem]
    wanted += [schemas.RenderedText, schemas.FailedText]
    _, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE)
    components["RenderRequest"] |= schemas.ONE_TEXT_OR_MANY
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
        content = {"schema": _reference(route.body), "example": route.sample}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if route.access in SECURITY:
        keys, operation["description"], _ = SECURITY[route.access]
        operation["security"] = [{key: []} for key in keys]
    return operation


def _path_parameters(route: Route) -> list[JSON]:
    return [
        {"name": name, "in": "path", "required": True, "description": text, "schema": PATHS[name]}
        for name, text in route.parameters.items()
    ]


def _query_parameters(route: Route) -> list[JSON]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query], ref_template=REFERENCE)
    struct = components[route.query.__name__]
    found = [_parameter(name, schema, struct) for name, schema in struct["properties"].items()]
    return sorted(found, key=lambda one: not one["required"])


def _parameter(name: str, schema: JSON, struct: JSON) -> JSON:
    """Return a field as a parameter, which is optional if ``required`` doesn't list it; null is removed."""
    plain = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    plain = {key: value for key, value in plain.items() if key != "default" or value is not None}
    text = plain.pop("description", None)
    parameter = {"name": name, "in": "query", "required": name in struct.get("required", []), "schema": plain}
    if plain.get("type") == "array":
        parameter |= {"style": "form", "explode": False}  # comma-separated
    if not parameter["required"]:
        parameter["allowEmptyValue"] = True  # forms send empty fields; they count as omitted
    return {**parameter, "description": text} if text else parameter


def _answers(route: Route) -> JSON:
    found: JSON = {}
    for status, answer in route.answers.items():
        response: JSON = {"description": answer.description}
        found[str(status)] = response
        if answer.media:
            response["content"] = {answer.media: _content(answer), **(HTML if answer.paged else {})}
        if route.links and status < 300:
            response["links"] = _links(route)
    return found


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
    """Return the problems that a route can respond with, by status."""
    possible = [(code, *CODES[code]) for code in dict.fromkeys((*route.errors, *_always(route)))]
    texts: dict[int, list[str]] = {}
    for code, status, title in (*possible, *_by_size_and_type(route)):
        texts.setdefault(status, []).append(f"{code}: {title}")
    problem = {"application/problem+json": {"schema": _reference(schemas.Problem)}}
    content = {**problem, **HTML} if route.paged else problem
    return {
        str(status): {"description": "; ".join(texts[status]), "content": content}
        for status in sorted(texts.keys() - route.answers.keys())
    }


def _by_size_and_type(route: Route) -> list[tuple[str, int, str]]:
    """Return the invalid requests that have an HTTP status of their own."""
    found = [("invalid-request", 414, f"The query string is longer than {MAX_QUERY_BYTES} bytes")]
    if route.body:
        found.append(("invalid-request", 415, "The Content-Type is not JSON"))
    return found


def _always(route: Route) -> list[str]:
    codes = ["invalid-request"] if route.query or route.body else []
    codes += ["too-large"] if route.body else []
    codes += ["throttled"] if route.limited else []
    codes += ["token-required", "forbidden", SECURITY[route.access][2]] if route.access in SECURITY else []
    codes += SEARCHING if route.access == "search" else []
    return [*codes, "method-not-allowed", "error"]


def openapi(context: AppContext) -> Response:
    return as_json(openapi_document(context.settings), cache=PAGES)


def docs(context: AppContext) -> Response:
    """Show the API as a page, which loads nothing but our stylesheet."""
    document = openapi_document(context.settings)
    return page(
        context.settings,
        "docs.html",
        cache=PAGES,
        info=document["info"],
        groups=_groups(context, document),
        codes=CODES,
        troubles=TROUBLES,
        openapi_url=url_for(".openapi"),
    )


def home(context: AppContext) -> Response:
    """Show the page at the root of the service."""
    links = {name: url_for(f".{name}") for name in ("docs", "picker", "openapi", "healthz", "readyz", "providers")}
    links["oembed"] = url_for(".oembed", url="https://gty.im/74917285")
    links["frame"] = url_for(".frame", ref="74917285")
    return page(context.settings, "home.html", cache=PAGES, links=links)


def _groups(context: AppContext, document: JSON) -> dict[str, list[JSON]]:
    """Return the operations by group, with the details that the page shows."""
    groups: dict[str, list[JSON]] = {}
    for route in ROUTES:
        operation = document["paths"][path(route)][route.method.lower()]
        groups.setdefault(route.group, []).append(_entry(context, route, operation, document))
    return groups


def _entry(context: AppContext, route: Route, operation: JSON, document: JSON) -> JSON:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = next(iter(operation["responses"].values())).get("content", {}).get("application/json", {})
    return {
        **operation,
        "path": path(route),
        "method": route.method,
        "sample": _sample(context, route),
        "parameters": [{"description": "", **one, "kind": kind(one["schema"])} for one in operation["parameters"]],
        "body_fields": _fields(body.get("schema"), document),
        "answer_fields": _fields(answer.get("schema"), document),
    }


def _sample(context: AppContext, route: Route) -> str:
    """Return a command to paste into a shell."""
    base = context.settings.public_url or "https://embeds.example.org"
    if route.body:
        body = json.dumps(route.sample, indent=2, ensure_ascii=False)
        return f"curl {base}{route.rule} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    method = "" if route.method == "GET" else f"-X {route.method} "
    token = "" if route.access == "open" else ' \\\n  -H "Authorization: Bearer $TOKEN"'
    return f"curl {method}'{base}{route.sample or route.rule}'{token}"


def _fields(schema: Any, document: JSON) -> list[JSON]:
    """Return one row for each property of a schema, or of the items if it is a list."""
    if not schema:
        return []
    name = (schema.get("$ref") or schema.get("items", {}).get("$ref") or "").rsplit("/", 1)[-1]
    struct = document["components"]["schemas"].get(name, {})
    needed = struct.get("required", [])
    return [
        {"name": name, "kind": kind(found), "description": _description(found), "required": name in needed}
        for name, found in struct.get("properties", {}).items()
    ]


def kind(schema: JSON) -> str:
    """Return the type of a value, in words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return "one of " + ", ".join(str(word) for word in schema["enum"])
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(kind(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items') or {})}"
    return str(schema.get("type", "any"))


def _description(schema: JSON) -> str:
    nested = (one.get("description", "") for one in schema.get("anyOf", []))
    return str(schema.get("description") or next(filter(None, nested), ""))


ROUTES: tuple[Route, ...] = (
    *embeds.ROUTES,
    *search.ROUTES,
    *auth.ROUTES,
    *pages.ROUTES,
    *picker.ROUTES,
    *health.ROUTES,
    Route(
        "/openapi.json",
        openapi,
        "Get the OpenAPI 3.1 document",
        {200: Answer("The document.")},
        group="Documentation",
    ),
    Route(
        "/docs",
        docs,
        "Read the API documentation",
        {200: Answer("The page.", media="text/html")},
        group="Documentation",
    ),
)
