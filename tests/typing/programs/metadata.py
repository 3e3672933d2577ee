"""A picture's metadata: credit, sizes, keywords; similar pictures; countries and collections."""

from embedkit import Collection, Country, Credit, EmbedKit, Image


def credit(kit: EmbedKit, id: str) -> str:
    image: Image = kit.api.image(id, fields=["detail_set"], language="de")
    credit: Credit = image.credit
    print([keyword.text for keyword in image.keywords], [size.width for size in image.display_sizes])
    return credit.line


def others(kit: EmbedKit, id: str) -> list[str]:
    return [image.id for image in kit.api.similar(id, page_size=10).images]


def places(kit: EmbedKit) -> tuple[tuple[Country, ...], tuple[Collection, ...]]:
    return kit.api.countries("fr"), kit.api.collections()
