"""The shapes of what search answers: pictures, pages of them, countries; and of a grant to search with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Preview(Struct):
    """A picture to choose by: its address on Getty's own hosts, and its pixels where they are known."""

    url: str
    width: int | None
    height: int | None


class CreditParts(Struct):
    """Who is to be named: in one line, and in its parts."""

    line: str
    photographer: str
    collection: str
    agency: str


class FoundImage(Struct):
    """One picture that was found. Texts are text, never markup."""

    id: str
    title: str
    caption: str
    photographer: str
    collection: str
    date_created: str | None
    family: Annotated[str, Meta(description="creative or editorial; empty where Getty does not say")]
    orientation: str
    width: Annotated[int | None, Meta(description="Pixels of the largest file")]
    height: int | None
    thumb: Preview | None
    preview: Preview | None
    restrictions: Annotated[list[str], Meta(description="What the picture must not be used for")]
    page_url: str
    credit: CreditParts
    shortcode: Annotated[str, Meta(description="What an author writes to show the picture")]


class ImageAnswer(FoundImage):
    """One picture, and whether it may be embedded."""

    embeddable: bool


class SearchAnswer(Struct):
    """One page of what was found; ``total`` counts the pictures of all pages, ``related`` are other phrases."""

    total: int
    page: int
    page_size: int
    images: list[FoundImage]
    related: list[str]


class CountryAnswer(Struct):
    """A country, in the language asked for."""

    iso_alpha_2: str
    iso_alpha_3: str
    name: str


class CountriesAnswer(Struct):
    """All countries that Getty knows."""

    countries: list[CountryAnswer]


class GrantAnswer(Struct):
    """A grant, to be sent as ``Authorization: Bearer``; ``expires_in`` is in seconds."""

    grant: str
    expires_in: int
