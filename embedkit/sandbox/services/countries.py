"""The countries of ISO 3166-1 and their names in the languages of the API, from ``countries.tsv``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedkit.sandbox.services.languages import DEFAULT
from embedkit.sandbox.services.words import fold

TABLE = Path(__file__).parent / "countries.tsv"
OTHERWISE = {"England": "United Kingdom", "Turkey": "Türkiye"}  # names of the catalogue that the table lacks


@dataclass(frozen=True, slots=True)
class Country:
    """``names`` are by language; a language that is not there says what American English says."""

    alpha_2: str
    alpha_3: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        return self.names.get(language) or self.names[DEFAULT]


@cache
def countries() -> tuple[Country, ...]:
    """All of them, in the order of their codes."""
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]
    languages = lines[0].split("\t")[2:]
    return tuple(_country(line.split("\t"), languages) for line in lines[1:])


def listed(language: str) -> list[Country]:
    """All of them, in the order of their names."""
    return sorted(countries(), key=lambda country: fold(country.name(language)))


@cache
def country_of(name: str) -> Country:
    """The country that the catalogue calls by this name."""
    return next(country for country in countries() if country.name(DEFAULT) == OTHERWISE.get(name, name))


def _country(cells: list[str], languages: list[str]) -> Country:
    names = {name: cell for name, cell in zip(languages, cells[2:], strict=True) if cell}
    return Country(cells[0], cells[1], names)
