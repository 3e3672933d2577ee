"""Values as JSON: an :class:`Embed` for the cache, the lock file and the service, and back, checked; an
:class:`Image` for the service. Answers of the API are kept as they came, so nothing reads an Image back."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedkit.models import JSON, AssetRef, Embed, Frame

if TYPE_CHECKING:  # 14 ms to import: what is warm has no use for it
    from embedkit.api.models import DisplaySize, Image

TEXTS = ("type", "version", "title", "caption", "photographer", "collection", "page_url")
ADDRESSES = ("thumbnail_url", "terms_of_use_url")
TIMES = ("fetched_at", "fresh_until")


def dump(embed: Embed, *, times: bool = True) -> JSON:
    """Everything that is worth keeping of an embed; without ``times`` it is the same at every build."""
    record: JSON = {row.name: getattr(embed, row.name) for row in fields(Embed) if row.name != "stale"}
    record["ref"] = str(embed.ref)
    record["frame"] = {
        "items": list(embed.frame.items),
        "query": [list(pair) for pair in embed.frame.query],
        "is360": embed.frame.is360,
        "bar": embed.frame.bar,
    }
    record["asked"] = list(embed.asked)
    if not times:
        for name in TIMES:
            del record[name]
    return record


def load(record: JSON) -> Embed:
    """The embed that :func:`dump` wrote.

    :raises ValueError: for anything else. This guards against old versions and slips; against an attacker
        cache entries are signed, and locked records go through :func:`embedkit.getty.oembed.vetted`.
    """
    try:
        frame = record["frame"]
        embed = Embed(
            ref=AssetRef(tuple(record["ref"].split(","))),
            **{name: _is(record[name], str) for name in TEXTS},
            **{name: _is(record[name], str, type(None)) for name in ADDRESSES},
            width=_size(record["width"]),
            height=_size(record["height"]),
            thumbnail_width=_is(record["thumbnail_width"], int, type(None)),
            thumbnail_height=_is(record["thumbnail_height"], int, type(None)),
            frame=Frame(
                tuple(_is(item, str) for item in frame["items"]),
                tuple((_is(name, str), _is(value, str)) for name, value in frame["query"]),
                _is(frame["is360"], bool),
                _is(frame["bar"], int),
            ),
            fetched_at=float(record.get("fetched_at", 0)),
            fresh_until=float(record.get("fresh_until", 0)),
            asked=(record["asked"][0], record["asked"][1]),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a record of an embed: {error!r}") from None
    return embed


def public(embed: Embed, now: float) -> JSON:
    """The record as the service and ``--json`` give it: times readable, nothing internal."""
    record = dump(embed)
    del record["asked"], record["fresh_until"], record["frame"]["bar"]
    record["fetched_at"] = datetime.fromtimestamp(embed.fetched_at, UTC).isoformat().replace("+00:00", "Z")
    record["cache_age"] = max(0, int(embed.fresh_until - now))
    record["stale"] = embed.stale
    return record


def picture(image: Image) -> JSON:
    """A picture as search answers it: what an editor chooses by, and who is to be named."""
    credit = image.credit
    return {
        "id": image.id,
        "title": image.title,
        "caption": image.caption,
        "photographer": image.photographer,
        "collection": image.collection,
        "date_created": image.date_created,
        "family": image.family,
        "orientation": image.orientation,
        "width": image.width,
        "height": image.height,
        "thumb": _display(image.thumb),
        "preview": _display(image.preview),
        "restrictions": list(image.restrictions),
        "page_url": image.page_url,
        "credit": {
            "line": credit.line,
            "photographer": credit.photographer,
            "collection": credit.collection,
            "agency": credit.agency,
        },
        "shortcode": image.shortcode,
    }


def _display(size: DisplaySize | None) -> JSON | None:
    return {"url": size.uri, "width": size.width, "height": size.height} if size else None


def _is(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{value!r} has the wrong type")
    return value


def _size(value: Any) -> int:
    size: int = _is(value, int)
    if size < 1:
        raise ValueError(f"{value!r} is no size")
    return size
