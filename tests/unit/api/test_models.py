"""The values of the API v3: arithmetic and credits; and a picture as JSON."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedkit
from embedkit.api import boards, downloads, models
from embedkit.api.models import (
    AllowedUse,
    ApiObject,
    DisplaySize,
    Image,
    Paged,
    SearchPage,
    image_json,
)
from embedkit.models import AssetRef
from embedkit.settings import Settings

REF = AssetRef(("600200311",))
THUMB, COMP, PREVIEW = (
    DisplaySize(name, f"https://media.gettyimages.com/{name}.jpg") for name in ("thumb", "comp", "preview")
)
KINDS = [
    kind
    for room in (models, boards, downloads)
    for kind in vars(room).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == room.__name__
]


def image(**said: Any) -> Image:
    return Image(REF, **said)


def page(**said: Any) -> SearchPage:
    return SearchPage(**{"total": 0, "page": 1, "page_size": 30, "images": (), **said})


def test_a_page_is_a_sequence_of_its_images() -> None:
    one, empty = page(images=(image(), image()), total=2), page(total=95, page=9)
    assert (len(one), list(one), bool(one)) == (2, list(one.images), True)
    assert (len(empty), list(empty), bool(empty)) == (0, [], False)


# -- pictures -------------------------------------------------------------------------------------------


def test_properties_derived_from_the_id() -> None:
    made = image()
    assert (made.id, made.shortcode) == ("600200311", "[getty 600200311]")
    assert made.page_url == "https://www.gettyimages.com/detail/600200311"


@pytest.mark.parametrize(
    ("width", "height", "thumb", "comp", "preview"),
    [
        (6000, 4000, (170, 113), (612, 408), (506, 337)),
        (4000, 6000, (113, 170), (408, 612), (337, 506)),
        (5120, 5120, (170, 170), (612, 612), (413, 413)),
        (3000, 2047, (170, 116), (612, 418), (500, 341)),
        (12000, 1000, (170, 14), (612, 51), (1431, 119)),
        (100_000, 10, (170, 1), (612, 1), (41312, 4)),
        (400, 300, (170, 128), (400, 300), (400, 300)),  # never larger than the picture itself
        (100, 50, (100, 50), (100, 50), (100, 50)),
        (None, 4000, (None, None), (None, None), (None, None)),
        (None, None, (None, None), (None, None), (None, None)),
    ],
)
def test_display_sizes_are_measured_by_their_names(
    width: int | None, height: int | None, thumb: tuple[int, int], comp: tuple[int, int], preview: tuple[int, int]
) -> None:
    made = image(width=width, height=height, display_sizes=(COMP, PREVIEW, THUMB))
    assert made.thumb
    assert made.preview
    assert (made.thumb.width, made.thumb.height) == thumb
    assert (made.preview.width, made.preview.height) == preview
    fallback = replace(made, display_sizes=(THUMB, COMP)).preview
    assert fallback
    assert (fallback.name, fallback.width, fallback.height) == ("comp", *comp)


def test_dimensions_in_the_response_have_priority() -> None:
    own = replace(THUMB, width=150, height=99, other={"new": 1})
    made = image(width=6000, height=4000, display_sizes=(own,))
    assert made.thumb == own
    assert made.preview == own  # nothing better is available
    half = replace(THUMB, width=150, other={"new": 1})
    measured = replace(made, display_sizes=(half,)).thumb
    assert measured
    assert (measured.width, measured.height, measured.other) == (170, 113, {"new": 1})
    assert image().thumb is image().preview is None


@given(st.integers(1, 1_000_000), st.integers(1, 1_000_000))
def test_a_measure_is_within_the_picture(width: int, height: int) -> None:
    made = image(width=width, height=height, display_sizes=(PREVIEW, THUMB))
    assert made.thumb
    assert made.preview
    assert max(made.thumb.width or 0, made.thumb.height or 0) <= 170
    for size in (made.thumb, made.preview):
        assert 1 <= (size.width or 0) <= width
        assert 1 <= (size.height or 0) <= height


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            {"photographer": "Ivo Lindqvist", "collection": "Touchline Sport"},
            "Ivo Lindqvist / Touchline Sport / Getty Images",
        ),
        ({"photographer": "Ivo Lindqvist"}, "Ivo Lindqvist / Getty Images"),
        ({"photographer": "Stockhouse", "collection": "Stockhouse"}, "Stockhouse / Getty Images"),
        ({"photographer": "Ivo", "collection": "Getty Images"}, "Ivo / Getty Images"),
        ({}, "Getty Images"),
        (
            {"photographer": "Ivo", "credit_line": "Ivo Lindqvist via Getty Images"},
            "Ivo Lindqvist via Getty Images",
        ),
        (
            {"photographer": "Ivo", "credit_line": "Stockhouse"},
            "Ivo / Getty Images",
        ),  # the credit line does not name the agency
    ],
)
def test_a_credit_names_the_agency_always(said: dict[str, str], line: str) -> None:
    credit = image(**said).credit
    assert credit.line == line
    assert credit.agency == "Getty Images"
    assert (credit.photographer, credit.collection) == (said.get("photographer", ""), said.get("collection", ""))


def test_embeddable_and_restrictions() -> None:
    assert not image().embeddable
    assert image(uri_oembed="https://embed.gettyimages.com/oembed?url=x").embeddable
    assert image(allowed_use=AllowedUse(usage_restrictions=("No.",))).restrictions == ("No.",)


# -- pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "number", "size", "pages", "more"),
    [
        (0, 1, 30, 0, False),
        (1, 1, 30, 1, False),
        (30, 1, 30, 1, False),
        (31, 1, 30, 2, True),
        (31, 2, 30, 2, False),
        (31, 9, 30, 2, False),
        (9_999_999_999, 1, 1, 9_999_999_999, True),
    ],
)
def test_pages(total: int, number: int, size: int, pages: int, more: bool) -> None:
    found = page(total=total, page=number, page_size=size, images=(image(),))
    assert (found.pages, found.has_next) == (pages, more)
    assert not replace(found, images=()).has_next  # else iterating over pages would not end
    board = boards.Board(id="b", name="B")
    listed = boards.BoardPage(total=total, page=number, page_size=size, boards=(board,))
    assert (listed.pages, listed.has_next) == (pages, more)
    assert not replace(listed, boards=()).has_next


# -- all values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_values_are_frozen_and_have_slots(kind: type) -> None:
    made: Any = object.__new__(kind)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        made.anything = 1
    for row in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, row.name, 1)
    assert not hasattr(made, "__dict__")
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")  # the signature that dataclass() adds


def test_values_compare_and_hash_by_their_fields() -> None:
    made = image(title="Fog", display_sizes=(THUMB,), other={"new": [1]})
    assert made == replace(made, other={})
    assert hash(made) == hash(replace(made, other={}))
    assert made != replace(made, title="Mist")
    for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert copied == made
        assert copied.other == {"new": [1]}
    assert "new" not in repr(made)
    assert image().other is not image().other


def test_public_names() -> None:
    assert (embedkit.Image, embedkit.SearchPage, embedkit.Board) == (Image, SearchPage, boards.Board)
    assert (embedkit.Country, embedkit.Collection) == (models.Country, models.Collection)
    assert issubclass(SearchPage, Paged)
    assert issubclass(Paged, ApiObject)


# -- a picture as JSON ----------------------------------------------------------------------------------


def test_a_picture_as_json_has_the_keys_of_the_contract_and_no_others() -> None:
    made = image(
        title="Fog <b>",
        caption="Sea",
        photographer="Runa Vale",
        collection="Northlight",
        collection_code="NLT",
        date_created="2019-11-05T00:00:00Z",
        family="creative",
        orientation="horizontal",
        width=6000,
        height=4000,
        display_sizes=(THUMB, PREVIEW),
        event_ids=(778565844,),
        keywords=(models.Keyword("60011", "Fog"), models.Keyword("60012")),
        allowed_use=AllowedUse(usage_restrictions=("Not for use on postage stamps.",)),
        other={"secretive": 1},
    )
    assert json.loads(json.dumps(image_json(made))) == {
        "id": "600200311",
        "title": "Fog <b>",
        "caption": "Sea",
        "photographer": "Runa Vale",
        "collection": "Northlight",
        "collection_code": "NLT",
        "date_created": "2019-11-05T00:00:00Z",
        "family": "creative",
        "orientation": "horizontal",
        "width": 6000,
        "height": 4000,
        "thumb": {"url": "https://media.gettyimages.com/thumb.jpg", "width": 170, "height": 113},
        "preview": {"url": "https://media.gettyimages.com/preview.jpg", "width": 506, "height": 337},
        "restrictions": ["Not for use on postage stamps."],
        "event_ids": [778565844],
        "keywords": ["Fog"],
        "page_url": "https://www.gettyimages.com/detail/600200311",
        "credit": {
            "line": "Runa Vale / Northlight / Getty Images",
            "photographer": "Runa Vale",
            "collection": "Northlight",
            "agency": "Getty Images",
        },
        "shortcode": "[getty 600200311]",
    }


def test_a_bare_picture_as_json() -> None:
    bare = image_json(image())
    assert (bare["thumb"], bare["preview"], bare["width"], bare["date_created"]) == (None, None, None, None)
    assert (bare["title"], bare["family"], bare["restrictions"]) == ("", "", [])
    assert bare.keys() == image_json(image(title="x", display_sizes=(THUMB,))).keys()


def test_the_shortcode_is_a_reference() -> None:
    from embedkit.getty import references

    assert references.parse(image().shortcode) == REF
    assert references.parse(image().page_url) == REF
    assert Settings().image_origins[0] in THUMB.uri
