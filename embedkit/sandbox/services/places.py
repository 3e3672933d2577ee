"""Response languages, countries (ISO 3166-1) with their translated names, and collections.

GET /v3/countries and /v3/collections; the names of countries are in ``countries.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedkit.models import JSON
from embedkit.sandbox.content.library import CONTENT
from embedkit.sandbox.content.texts import Collection, Family, fold
from embedkit.sandbox.services.account import PRODUCTS
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.http import Call, Reply, json_reply

DEFAULT = "en-US"
ALL_FAMILIES = ("de", "en-GB", "en-US", "es", "fr", "it", "ja", "nl", "pt-BR", "pt-PT", "sv", "tr")
CREATIVE_ONLY = ("ko", "pl", "ru", "zh-HK")
# for a language tag without a region, if the lists only have it with one
DEFAULT_REGIONS = {"en": "en-US", "pt": "pt-BR", "zh": "zh-HK"}
# cs fi hu id ro th uk vi are for iStock keys, which the sandbox does not have


def language_of(call: Call, family: Family | None = None) -> str:
    """Return the first supported language in Accept-Language, or American English.

    :param family: the family of the requested pictures; editorial ones support fewer languages.
    """
    known = ALL_FAMILIES if family == "editorial" else (*ALL_FAMILIES, *CREATIVE_ONLY)
    by_name = {name.lower(): name for name in known}
    for asked in _preferred_tags(call.headers.get("accept-language", "")):
        base = asked.partition("-")[0]
        if found := by_name.get(asked) or by_name.get(DEFAULT_REGIONS.get(base, base).lower()):
            return found
    return DEFAULT


def content_language(language: str) -> tuple[tuple[str, str], ...]:
    """Return the Content-Language header."""
    return (("Content-Language", language),)


def _preferred_tags(header: str) -> list[str]:
    """Return the tags in Accept-Language (RFC 9110 section 12.5.4), in lower case, the most preferred first."""
    weighed = []
    for part in header.lower().split(",")[:50]:
        tag, _, weight = part.strip().partition(";")
        value = re.search(r"q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)\s*$", weight)
        weighed.append((-float(value[1]) if value else -1.0, tag.strip()))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if tag and weight < 0]


COUNTRIES_FILE = Path(__file__).parent / "countries.tsv"
# names in the catalogue that differ from the table
OTHER_NAMES = {"England": "United Kingdom", "Turkey": "Türkiye"}


@dataclass(frozen=True, slots=True)
class Country:
    """A country. ``names`` are by language; American English is the fallback for missing ones."""

    alpha_2: str
    alpha_3: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        return self.names.get(language) or self.names[DEFAULT]


@cache
def countries() -> tuple[Country, ...]:
    """Return all countries, sorted by code."""
    lines = [line for line in COUNTRIES_FILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    languages = lines[0].split("\t")[2:]
    return tuple(_country(line.split("\t"), languages) for line in lines[1:])


def countries_by_name(language: str) -> list[Country]:
    """Return all countries, sorted by name."""
    return sorted(countries(), key=lambda country: fold(country.name(language)))


@cache
def country_of(name: str) -> Country:
    """Return the country with this name in the catalogue."""
    return next(country for country in countries() if country.name(DEFAULT) == OTHER_NAMES.get(name, name))


def _country(cells: list[str], languages: list[str]) -> Country:
    names = {name: cell for name, cell in zip(languages, cells[2:], strict=True) if cell}
    return Country(cells[0], cells[1], names)


def list_countries(call: Call, _: Caller) -> Reply:
    """GET /v3/countries: every country, in the requested language and sorted by its name in it."""
    language = language_of(call)
    rows = [
        {"iso_alpha_2": country.alpha_2, "iso_alpha_3": country.alpha_3, "name": country.name(language)}
        for country in countries_by_name(language)
    ]
    return json_reply({"countries": rows}, headers=content_language(language))


def list_collections(call: Call, _: Caller) -> Reply:
    """GET /v3/collections: the collections available to a customer, which are all in the sandbox."""
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
