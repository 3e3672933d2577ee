"""A whole text in, the same text with every reference replaced out."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, request

from embedkit.engine import matches
from embedkit.shortcodes.budget import REQUEST, TOO_LARGE
from embedkit.targets import Input
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
    asked = read_body(RenderRequest)
    _check_budget(asked.content, asked.input)
    texts = [(asked.content, asked.input)]
    [document] = context.kit.engine.documents(texts, target=asked.target, admit=admit_cold)
    return response.as_json(
        {
            "content": document.content,
            "embeds": [context.record(embed) for embed in document.embeds],
            "problems": [asdict(problem) for problem in document.problems],
        }
    )


def _check_budget(text: str, input: Input) -> None:
    """Read the text within the budget of a request, before Getty is asked for anything.

    :raises Refused: where it asks for more: one call counts once against the rate limit.
    """
    for found in matches.find(text, input, REQUEST):
        for problem in found.problems:
            if problem.code == TOO_LARGE:
                where = f"reached in line {problem.line}, column {problem.column}"
                says = f"{problem.detail.partition(';')[0]} ({where}). Send it in parts."
                raise Refused("too-large", says)


ROUTES = (
    Route(
        "/v1/render",
        "render",
        render,
        "Replace the shortcodes and links in a text",
        "Texts",
        {200: Answer("The text; what cannot be shown degrades and is named.", RenderAnswer)},
        method="POST",
        body=RenderRequest,
        links=(Link("embed", {"ref": "$response.body#/embeds/0/ref"}),),
        most=2048 * KIB,
        sample={"content": "Dusk at last: [getty 74917285]", "input": "markdown", "target": "web"},
    ),
)
