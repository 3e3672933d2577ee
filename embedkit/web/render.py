"""A whole text in, the same text with every reference replaced out."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, request

from embedkit.engine.documents import TextTooLarge
from embedkit.models import Document
from embedkit.shortcodes.budget import REQUEST
from embedkit.web import response
from embedkit.web.context import AppContext
from embedkit.web.errors import Refused
from embedkit.web.rate_limit import admit_cold, network
from embedkit.web.request import read_body
from embedkit.web.routes import KIB, Answer, Link, Route
from embedkit.web.schemas import RenderAnswer, RenderRequest


def render(context: AppContext) -> Response:
    with context.bulkhead.admit(network(request.remote_addr or ""), request.content_length):
        return _render(context)


def _render(context: AppContext) -> Response:
    document = _document(context, read_body(RenderRequest))
    return response.as_json(
        {
            "content": document.content,
            "embeds": [context.record(embed) for embed in document.embeds],
            "problems": [asdict(problem) for problem in document.problems],
        }
    )


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


ROUTES = (
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
