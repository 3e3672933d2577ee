"""Searches with filters, page by page, and the shortcodes of the results."""

from collections.abc import Iterator
from datetime import date

from embedkit import EmbedKit, Image, SearchPage

kit = EmbedKit()


def news(phrase: str) -> list[str]:
    page: SearchPage = kit.search(
        phrase,
        family="editorial",
        editorial_segments=["news", "sport"],
        date_from=date(2026, 1, 1),
        sort_order="newest",
    )
    return [image.shortcode for image in page.images if image.credit.photographer]


def wide(phrase: str) -> Iterator[Image]:
    for page in kit.search_pages(phrase, family="creative", orientations=["horizontal"], moods="warm", limit=3):
        yield from page.images


def portraits(phrase: str) -> int | None:
    found = kit.api.search.creative(phrase, number_of_people="one", orientations="vertical", page_size=60)
    thumb = found.images[0].thumb
    return thumb.width if thumb else None
