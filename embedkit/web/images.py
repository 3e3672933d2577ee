"""What is known of one picture, and the countries that a search can be made from."""

from __future__ import annotations

from flask import Response

from embedkit import serialization
from embedkit.errors import UnsupportedReference
from embedkit.web import request
from embedkit.web.context import Service
from embedkit.web.errors import SEARCHING
from embedkit.web.response import as_json, in_language
from embedkit.web.routing import Answer, Link, Route
from embedkit.web.schemas import LanguageQuery
from embedkit.web.search_schemas import CountriesAnswer, CountryAnswer, ImageAnswer


def image(service: Service, id: str) -> Response:
    language = request.language(request.query(LanguageQuery).lang, service.settings)
    items = service.kit.parse(id).items
    if len(items) > 1:
        raise UnsupportedReference("This names several pictures.", hint="Ask for one at a time.")
    found = service.kit.api.image(items[0], language=language)
    answer = as_json({**serialization.picture(found), "embeddable": found.embeddable})
    return in_language(answer, language)


def countries(service: Service) -> Response:
    language = request.language(request.query(LanguageQuery).lang, service.settings)
    found = service.kit.api.countries(language=language)
    rows = [CountryAnswer(row.iso_alpha_2, row.iso_alpha_3, row.name) for row in found]
    return in_language(as_json(CountriesAnswer(rows)), language)


ROUTES = (
    Route(
        "/v1/images/<id>",
        "image",
        image,
        "What is known of one picture",
        "Search",
        {200: Answer("The picture, and whether it may be embedded.", ImageAnswer)},
        query=LanguageQuery,
        errors=("unsupported", "not-found", *SEARCHING),
        access="search",
        parameters={"id": "An asset id."},
        links=(Link("embed", {"ref": "$response.body#/id"}),),
        sample="/v1/images/74917285",
    ),
    Route(
        "/v1/countries",
        "countries",
        countries,
        "Countries, with their names and codes",
        "Search",
        {200: Answer("In the language asked for.", CountriesAnswer)},
        query=LanguageQuery,
        errors=SEARCHING,
        access="search",
        sample="/v1/countries?lang=fr",
    ),
)
