"""Embeds as JSON: one, many, those of a whole text, and forgetting one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from flask import Response, request

from embedkit.engine.documents import TextTooLarge
from embedkit.errors import EmbedKitError, Unavailable
from embedkit.models import JSON, AssetRef, Document, Embed, Options
from embedkit.shortcodes.budget import REQUEST
from embedkit.targets import Target
from embedkit.web import response
from embedkit.web.context import AppContext
from embedkit.web.errors import FAILURES, Refused, retry_after
from embedkit.web.rate_limit import admit_cold, network
from embedkit.web.request import Item, read_batch, read_body, read_options, read_query
from embedkit.web.response_cache import mark_cacheable
from embedkit.web.routes import KIB, Answer, Link, Route
from embedkit.web.schemas import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    EmbedAnswer,
    EmbedQuery,
    RenderAnswer,
    RenderRequest,
)


def embed(context: AppContext, ref: str) -> Response:
    parsed = context.kit.parse(ref)
    wanted = read_options(read_query(EmbedQuery)).over(parsed.options)
    entry = context.kit.engine.resolve(parsed, wanted, admit=admit_cold)
    mark_cacheable(entry, wanted)
    found = entry.sized(wanted)
    item = _item(context, found, wanted)
    return response.as_json(item, cache=context.lifetime(found), about={**item, "cache_age": 0})


def batch(context: AppContext) -> Response:
    params, items = read_batch()
    refs = [_reference(context, item, params.target) for item in items]
    found = context.kit.engine.resolve_many(refs, admit=admit_cold)
    results = zip(items, refs, found, strict=True)
    return response.as_json({"embeds": [_outcome(context, *result) for result in results]})


def render(context: AppContext) -> Response:
    """A whole text in, the same text with every reference replaced out."""
    with context.bulkhead.admit(network(request.remote_addr or ""), request.content_length):
        document = _document(context, read_body(RenderRequest))
        embeds = [context.record(embed) for embed in document.embeds]
        problems = [problem._asdict() for problem in document.problems]
        return response.as_json({"content": document.content, "embeds": embeds, "problems": problems})


def purge(context: AppContext, ref: str) -> Response:
    """Drop every copy: 404 where none was held, 503 where that can't be known."""
    if not context.kit.purge(ref):
        if context.kit.status()["store"]["read"] != "ok":
            raise Unavailable("The cache can't be read: the picture is purged, whether or not a copy was held.")
        raise Refused("not-found", "No copy of this picture is held, so there is nothing to purge.")
    return Response(status=204, headers={"Cache-Control": response.NO_STORE})


def _item(context: AppContext, found: Embed, options: Options) -> JSON:
    target = cast(Target, options.target or context.settings.target)
    shown = str(context.kit.show(found, replace(options, target=target)))
    assets = context.kit.assets(target)
    return {**context.record(found), "target": target, "html": shown, "assets": assets}


def _reference(context: AppContext, item: Item, target: Target | None) -> AssetRef | EmbedKitError | Refused:
    """An item of a batch as a reference with its options; what is wrong with one stays its own affair."""
    try:
        match item.value:
            case str():
                ref, options = context.kit.parse(item.value), Options()
            case BatchItem():
                ref, options = context.kit.parse(item.value.ref), read_options(item.value)
            case error:
                return error
    except (EmbedKitError, Refused) as error:
        return error
    wanted = options.over(ref.options)
    return AssetRef(ref.items, replace(wanted, target=target or wanted.target))


def _outcome(context: AppContext, item: Item, ref: AssetRef | Exception, found: Embed | Exception) -> JSON:
    try:
        if isinstance(ref, AssetRef) and isinstance(found, Embed):
            return _item(context, found, ref.options)
        return _failed(item, found)
    except EmbedKitError as error:  # from a template of the host
        return _failed(item, error)


def _failed(item: Item, error: Any) -> JSON:
    later = retry_after(error) if isinstance(error, EmbedKitError) else None
    problem = {"code": error.code, "title": error.title, "detail": str(error)}
    return {"ref": item.written, "error": problem | ({"retry_after": later} if later else {})}


def _document(context: AppContext, params: RenderRequest) -> Document:
    """The text as a document, within the budget of a request: one call counts once against the rate limit.

    :raises Refused: where the text asks for more; Getty has not been asked for anything then.
    """
    texts = [(params.content, params.input)]
    try:
        return context.kit.engine.documents(texts, target=params.target, admit=admit_cold, budget=REQUEST)[0]
    except TextTooLarge as error:
        problem = error.problem
        where = f"reached in line {problem.line}, column {problem.column}"
        says = f"{problem.detail.partition(';')[0]} ({where}). Send it in parts."
        raise Refused("too-large", says) from None


REF = {"ref": "An asset ID, or up to five joined by commas. URLs go through POST /v1/embeds."}

ROUTES = (
    Route(
        "/v1/embeds/<ref>",
        embed,
        "One embed, as data and as markup",
        "Embeds",
        {200: Answer("The record, and its html for the target.", EmbedAnswer)},
        query=EmbedQuery,
        errors=FAILURES,
        parameters=REF,
        links=(
            Link("frame", {"ref": "$response.body#/ref"}),
            Link("oembed", {"url": "$response.body#/page_url"}),
            Link("render", body={"content": "[getty {$response.body#/ref}]", "input": "markdown"}),
            Link("purge", {"ref": "$response.body#/ref"}),
        ),
        sample="/v1/embeds/74917285?target=web&maxwidth=594",
    ),
    Route(
        "/v1/embeds",
        batch,
        "Many embeds, each asked of Getty once",
        "Embeds",
        {200: Answer("In the order asked; what fails does so alone.", BatchAnswer)},
        method="POST",
        body=BatchRequest,
        links=(Link("embed", {"ref": "$response.body#/embeds/0/ref"}),),
        sample={"refs": ["https://gty.im/74917285", {"ref": "840894796", "maxwidth": 480}], "target": "web"},
    ),
    Route(
        "/v1/embeds/<ref>",
        purge,
        "Forget a picture",
        "Embeds",
        {204: Answer("Every copy held here is gone.", media="")},
        method="DELETE",
        errors=("not-found", "unsupported"),
        access="purge",
        parameters=REF,
        sample="/v1/embeds/74917285",
    ),
    Route(
        "/v1/render",
        render,
        "Replace the shortcodes and links in a text",
        "Texts",
        {200: Answer("The text; what can't be shown degrades and is named.", RenderAnswer)},
        method="POST",
        body=RenderRequest,
        links=(Link("embed", {"ref": "$response.body#/embeds/0/ref"}),),
        max_body_bytes=2048 * KIB,
        sample={"content": "Dusk at last: [getty 74917285]", "input": "markdown", "target": "web"},
    ),
)
