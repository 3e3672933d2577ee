"""A token goes in, a grant for a browser comes out."""

from __future__ import annotations

from flask import Response, g

from embedkit.web.context import Service
from embedkit.web.credentials import LIFETIME
from embedkit.web.response import as_json
from embedkit.web.routing import Answer, Route
from embedkit.web.search_schemas import GrantAnswer


def grant(service: Service) -> Response:
    response = as_json(GrantAnswer(service.grants.make(g.embedkit_credential), LIFETIME))
    response.status_code = 201
    return response


ROUTES = (
    Route(
        "/v1/grants",
        "grant",
        grant,
        "A grant for a browser, from a token",
        "Search",
        {201: Answer("The grant: it reads (search, images, countries), and ends after eight hours.", GrantAnswer)},
        method="POST",
        access="grant",
        sample="/v1/grants",
    ),
)
