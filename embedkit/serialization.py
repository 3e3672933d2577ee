"""Values as JSON: an :class:`Embed` for the cache, the lock file and the service, and back, checked; an
:class:`Image` for the service. Answers of the API are kept as they came, so nothing reads an Image back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedkit.models import JSON, AssetRef, Embed, Frame

if TYPE_CHECKING:  # 14 ms to import: what is warm has no use for it
    from embedkit.api.models import DisplaySize, Image, SearchPage

KINDS: dict[Any, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "str | None": (str, type(None)),
    "int | None": (int, type(None)),
}
PLAIN = {row.name: KINDS[row.type] for row in fields(Embed) if row.type in KINDS}  # the same in JSON
SIZES = ("width", "height")
TIMES = ("fetched_at", "fresh_until")
PICTURE = (
    *("id", "title", "caption", "photographer", "collection", "date_created"),
    *("family", "orientation", "width", "height"),
)
CREDIT = ("line", "photographer", "collection", "agency")
FACETS = ("artists", "entertainment", "events", "locations", "specific_people")


def dump(embed: Embed, *, times: bool = True) -> JSON:
    """Everything that is worth keeping of an embed; without ``times`` it is the same at every build."""
    record: JSON = {row.name: getattr(embed, row.name) for row in fields(Embed) if row.name != "stale"}
    record["ref"] = str(embed.ref)
    frame = {row.name: getattr(embed.frame, row.name) for row in fields(Frame)}
    record["frame"] = frame | {
        "items": list(embed.frame.items),
        "query": [list(pair) for pair in embed.frame.query],
    }
    record["asked"] = list(embed.asked)
    if not times:
        for name in TIMES:
            del record[name]
    return record


def load(record: JSON) -> Embed:
    """The embed that :func:`dump` wrote.

    :raises ValueError: for anything else. This guards against old versions and slips; against an attacker
        cache entries are signed, and locked records go through :func:`embedkit.getty.oembed.validate`.
    """
    try:
        plain = {name: record[name] for name in PLAIN}
        wrong = [name for name, kinds in PLAIN.items() if type(plain[name]) not in kinds]
        if wrong or min(plain["width"], plain["height"]) < 1:
            raise TypeError(f"a wrong value for {' or '.join(wrong or SIZES)}")
        return Embed(
            ref=AssetRef(tuple(record["ref"].split(","))),
            frame=_frame(**record["frame"]),
            fetched_at=float(record.get("fetched_at", 0)),
            fresh_until=float(record.get("fresh_until", 0)),
            asked=(record["asked"][0], record["asked"][1]),
            **plain,
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a record of an embed: {error!r}") from None


def _frame(items: list[str], query: list[tuple[str, str]], is360: bool, bar: int) -> Frame:
    pairs = tuple([(name, value) for name, value in query])
    kinds = {*map(type, items), *[type(part) for pair in pairs for part in pair]}
    if kinds - {str} or type(is360) is not bool or type(bar) is not int:
        raise TypeError("a wrong value for the frame")
    return Frame(tuple(items), pairs, is360, bar)


def public(embed: Embed, now: float) -> JSON:
    """The record as the service and ``--json`` give it: times readable, nothing internal."""
    record = dump(embed)
    del record["asked"], record["fresh_until"], record["frame"]["bar"]
    record["fetched_at"] = datetime.fromtimestamp(embed.fetched_at, UTC).isoformat().replace("+00:00", "Z")
    record["cache_age"] = max(0, int(embed.fresh_until - now))
    record["stale"] = embed.stale
    return record


def search_page(page: SearchPage, write: Callable[[Image], JSON]) -> JSON:
    """A page as search answers it.

    :param write: makes JSON of each picture, as :func:`picture` does.
    """
    return {
        "total": page.total,
        "page": page.page,
        "page_size": page.page_size,
        "images": [write(image) for image in page.images],
        "related": list(page.related),
        **({"facets": facets} if (facets := _facets(page)) else {}),
    }


def _facets(page: SearchPage) -> JSON:
    found = {name: getattr(page.facets, name) for name in FACETS}
    return {name: [{"id": one.id, "name": one.name} for one in rows] for name, rows in found.items() if rows}


def picture(image: Image) -> JSON:
    """A picture as search answers it: what an editor chooses by, and who is to be named."""
    return {
        **{name: getattr(image, name) for name in PICTURE},
        "thumb": _display(image.thumb),
        "preview": _display(image.preview),
        "restrictions": list(image.restrictions),
        "page_url": image.page_url,
        "credit": {name: getattr(image.credit, name) for name in CREDIT},
        "shortcode": image.shortcode,
    }


def _display(size: DisplaySize | None) -> JSON | None:
    return {"url": size.uri, "width": size.width, "height": size.height} if size else None
