"""A whole text in, the same text with every reference replaced out."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response

from embedkit.web import answers, reading
from embedkit.web.limits import admit_cold
from embedkit.web.problems import Refused
from embedkit.web.routing import KIB, Answer, Link, Route
from embedkit.web.schemas import MOST, RenderAnswer, RenderRequest
from embedkit.web.service import Service


def render(service: Service) -> Response:
    asked = reading.body(RenderRequest)
    pictures = {service.kit.picture(ref) for ref in service.kit.find(asked.content, input=asked.input)}
    if len(pictures) > MOST:  # one call counts once against the rate limit, and must not cost Getty thousands
        says = f"The text asks for {len(pictures)} pictures. Send it in parts of {MOST} pictures at most."
        raise Refused("too-large", says)
    document = service.kit.document(asked.content, input=asked.input, target=asked.target, admit=admit_cold)
    return answers.as_json(
        {
            "content": document.content,
            "embeds": [answers.record(service, embed) for embed in document.embeds],
            "problems": [asdict(problem) for problem in document.problems],
        }
    )


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
