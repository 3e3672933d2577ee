"""What the service says of itself: the OpenAPI document, a page made from it, and a first page."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, url_for

from embedkit.models import JSON
from embedkit.web import openapi
from embedkit.web.context import Service
from embedkit.web.pages import page
from embedkit.web.response import PAGES, as_json
from embedkit.web.routing import Answer, Route


def openapi_json(service: Service) -> Response:
    return as_json(openapi.openapi_document(service.settings), cache=PAGES)


def docs(service: Service) -> Response:
    """The same as a page; it loads our stylesheet and nothing else."""
    document = openapi.openapi_document(service.settings)
    return page(
        service,
        "docs.html",
        cache=PAGES,
        info=document["info"],
        groups=_groups(service, document),
        codes=openapi.codes(),
        base=service.settings.public_url,
        openapi_url=url_for(".openapi"),
    )


def home(service: Service) -> Response:
    """Where somebody lands who opens the address of the service."""
    links = {name: url_for(f".{name}") for name in ("docs", "openapi", "healthz", "readyz", "providers")}
    links["oembed"] = url_for(".oembed", url="https://gty.im/74917285")
    links["frame"] = url_for(".frame", ref="74917285")
    return page(service, "home.html", cache=PAGES, links=links)


def _groups(service: Service, document: JSON) -> dict[str, list[JSON]]:
    """Operations by group, each with what the page shows of it."""
    groups: dict[str, list[JSON]] = {}
    for route in openapi.every_route():
        operation = document["paths"][openapi.path(route)][route.method.lower()]
        groups.setdefault(route.group, []).append(_entry(service, route, operation, document))
    return groups


def _entry(service: Service, route: Route, operation: JSON, document: JSON) -> JSON:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = next(iter(operation["responses"].values())).get("content", {}).get("application/json", {})
    return {
        **operation,
        "path": openapi.path(route),
        "method": route.method,
        "sample": _sample(service, route),
        "parameters": [{"description": "", **one, "kind": kind(one["schema"])} for one in operation["parameters"]],
        "body_fields": _fields(body.get("schema"), document),
        "answer_fields": _fields(answer.get("schema"), document),
    }


def _sample(service: Service, route: Route) -> str:
    """A line to paste into a shell."""
    base = service.settings.public_url or "https://embeds.example.org"
    if route.body:
        body = json.dumps(route.sample, indent=2, ensure_ascii=False)
        return f"curl {base}{route.rule} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    method = "" if route.method == "GET" else f"-X {route.method} "
    token = "" if route.access == "open" else ' \\\n  -H "Authorization: Bearer $TOKEN"'
    return f"curl {method}'{base}{route.sample}'{token}"


def _fields(schema: Any, document: JSON) -> list[JSON]:
    """The properties of a schema, or of what it is a list of, one row each."""
    if not schema:
        return []
    name = (schema.get("$ref") or schema.get("items", {}).get("$ref") or "").rsplit("/", 1)[-1]
    struct = document["components"]["schemas"].get(name, {})
    needed = struct.get("required", [])
    return [
        {"name": name, "kind": kind(found), "description": _says(found), "required": name in needed}
        for name, found in struct.get("properties", {}).items()
    ]


def kind(schema: JSON) -> str:
    """The type of a value in words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return "one of " + ", ".join(str(word) for word in schema["enum"])
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(kind(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items') or {})}"
    return str(schema.get("type", "any"))


def _says(schema: JSON) -> str:
    nested = (one.get("description", "") for one in schema.get("anyOf", []))
    return str(schema.get("description") or next(filter(None, nested), ""))


ROUTES = (
    Route(
        "/openapi.json",
        "openapi",
        openapi_json,
        "This interface as OpenAPI 3.1",
        "Documentation",
        {200: Answer("The document.")},
        sample="/openapi.json",
    ),
    Route(
        "/docs",
        "docs",
        docs,
        "This interface as a page",
        "Documentation",
        {200: Answer("The page.", media="text/html")},
        sample="/docs",
    ),
)
