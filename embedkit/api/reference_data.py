"""Countries and collections: what searches can be narrowed to, in the language asked for."""

from __future__ import annotations

from embedkit.api.decoding import (
    FAMILIES,
    Fields,
    answer,
    unusable,
)
from embedkit.api.models import Collection, Country
from embedkit.api.requests import asking
from embedkit.messages import Request, Response
from embedkit.settings import Settings


def countries_request(settings: Settings, language: str | None = None) -> Request:
    """The question for all countries.

    :raises ConfigurationError: for a language that is not offered.
    """
    return asking(settings, "/v3/countries", speak=language)


def countries(response: Response) -> tuple[Country, ...]:
    """The countries of an answer, in its order.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without countries.
    """
    return _listed(response, "countries").parts("countries", _country)


def collections_request(settings: Settings, language: str | None = None) -> Request:
    """The question for all collections that the key may use.

    :raises ConfigurationError: for a language that is not offered.
    """
    return asking(settings, "/v3/collections", speak=language)


def collections(response: Response) -> tuple[Collection, ...]:
    """The collections of an answer, in its order.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without collections.
    """
    return _listed(response, "collections").parts("collections", _collection)


def _listed(response: Response, name: str) -> Fields:
    said = answer(response, "places")
    if name not in said or not isinstance(said.raw(name), list | None):
        raise unusable(f"The answer has no list of {name}.")
    return said


def _country(said: Fields) -> Country | None:
    code = said.text("iso_alpha_3").upper()
    return Country(said.text("iso_alpha_2").upper(), code, said.text("name"), other=said.other) if code else None


def _collection(said: Fields) -> Collection | None:
    code, name = said.text("code"), said.text("name")
    if not (code or name):
        return None
    return Collection(
        said.number("id"),
        code,
        name,
        family=said.word("asset_family", FAMILIES),
        license_model=said.text("license_model"),
        product_types=said.texts("product_types"),
        other=said.other,
    )
