"""GET /v3/countries and /v3/collections."""

from __future__ import annotations

from embedkit.models import JSON
from embedkit.sandbox.content.library import CONTENT
from embedkit.sandbox.content.texts import Collection
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.countries import listed
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.languages import content_language, language_of
from embedkit.sandbox.services.products import PRODUCTS


def countries(call: Call, _: Caller) -> Reply:
    """Every country, in the language asked for and in the order of the names in it."""
    language = language_of(call)
    rows = [
        {"iso_alpha_2": country.alpha_2, "iso_alpha_3": country.alpha_3, "name": country.name(language)}
        for country in listed(language)
    ]
    return json_reply({"countries": rows}, headers=content_language(language))


def collections(call: Call, _: Caller) -> Reply:
    """The collections of a customer; all of ours are for all customers."""
    rows = [_collection(collection) for collection in CONTENT.words.collections]
    language = language_of(call)
    rows.sort(key=lambda row: str(row["name"]))
    return json_reply({"collections": rows}, headers=content_language(language))


def _collection(collection: Collection) -> JSON:
    family = "editorial" if collection.segment else "creative"
    return {
        "asset_family": family,
        "code": collection.code,
        "id": collection.id,
        "license_model": collection.license_model,
        "name": collection.name,
        "product_types": [product.type for product in PRODUCTS if product.family in (None, family)],
    }
