"""Responses of the API v3: pages, pictures, places, downloads, boards; and every kind of error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.api import boards, client, errors, images, licenses
from embedkit.api import models as values
from embedkit.api.decoding import read, read_page
from embedkit.api.errors import What
from embedkit.api.models import Image, SearchPage, image_json
from embedkit.api.requests import ApiSettings
from embedkit.errors import (
    InvalidKey,
    InvalidResponse,
    InvalidToken,
    NotFound,
    NotLicensed,
    PermissionDenied,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unavailable,
)
from embedkit.messages import Response
from embedkit.models import AssetRef
from embedkit.settings import Settings
from tests.support.oembed import clean_text
from tests.support.tools import FIXTURES, reference_dir

SETTINGS = ApiSettings.of(Settings())
LOOPBACK = ApiSettings.of(Settings().with_upstream("http://127.0.0.1:8081"))
ID = "600200311"
BOARD = "3f1c0b52-7a90-4d7e-9b1e-2f0a4c6d8e10"
MEDIA = "https://media.gettyimages.com"


def load(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((FIXTURES / "v3" / f"{name}.json").read_text("utf-8"))
    return answer


def ok(answer: Any, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(answer).encode())


def page(answer: Any, **said: Any) -> SearchPage:
    return read_page(SearchPage, ok(answer), SETTINGS, **said)


def picture(**said: Any) -> Image:
    (image,) = page({"result_count": 1, "images": [{"id": ID, **said}]}).images
    return image


# -- pages of pictures ----------------------------------------------------------------------------------


def test_a_summary() -> None:
    found = page(load("search_summary"), page=2, page_size=12)
    assert (found.total, found.page, found.page_size, found.pages, found.has_next) == (41207, 2, 12, 3434, True)
    first, second = found.images
    assert first.ref == AssetRef(("600200301",))
    assert (first.title, first.family) == ("Winter Regatta In Skarn Harbour", "editorial")
    assert first.caption.startswith("SKARN HARBOUR - MARCH 02: Rowers carry")  # double spaces are collapsed
    assert (first.collection, first.collection_code, first.collection_id) == ("Touchline Sport", "TSN", 412)
    assert (first.width, first.height, first.license_model) == (3000, 2000, "rightsmanaged")
    assert first.thumb is not None
    assert first.thumb.uri.startswith(
        f"{MEDIA}/photos/rowers-carry-a-boat-across-the-frozen-slipway-picture-id600200301?"
    )
    assert (first.thumb.width, first.thumb.height, first.thumb.is_watermarked) == (170, 113, False)
    assert (second.caption, second.embeddable, second.date_created) == ("", False, None)
    assert second.thumb is not None
    assert second.thumb.uri == "https://cache1.asset-cache.net/xt/600200302.jpg?v=1&g=fs1|0|TSN|20|302&s=1&b=QUJD"
    assert first.other == second.other == found.other == {}


def test_a_page_with_details() -> None:
    found = page(load("search_detail"))
    (image,) = found.images
    assert (image.photographer, image.copyright, image.orientation) == ("Runa Vale", "Runa Vale", "horizontal")
    assert (image.date_created, image.graphical_style, image.quality_rank) == (
        "2019-11-05T00:00:00Z",
        "photography",
        2,
    )
    assert image.allowed_use.how_can_i_use_it.endswith("|License Terms|.")
    assert image.restrictions == ("Not for use on postage stamps.",)
    assert image.preview is not None
    assert (image.preview.name, image.preview.width, image.preview.height) == ("preview", 506, 337)
    assert image.referral_destinations[0].uri.startswith("https://www.gettyimages.com/detail/photo/lighthouse-")
    assert image.embeddable
    assert (
        image.uri_oembed == "https://embed.gettyimages.com/oembed?url=http%3a%2f%2fgty.im%2f600200311&caller=20002"
    )
    assert found.correction == "lighthouse"
    assert found.related == ("lamp room", "keeper")
    assert (
        found.related_searches[0].url == "https://api.gettyimages.com/v3/search/images/creative?phrase=lamp%20room"
    )
    assert found.facets.artists[0].name == "Runa Vale"
    assert (found.facets.locations[0].id, found.facets.events[0].date) == (61, "2016-03-02T00:00:00Z")
    assert found.facets.specific_people == ()
    assert found.other == image.other == {}


def test_display_sizes_of_istock() -> None:
    (image,) = page(load("search_display_sizes")).images
    assert [size.name for size in image.display_sizes][:4] == ["comp", "comp_webp", "preview", "thumb"]
    assert len(image.display_sizes) == 6
    assert image.thumb is not None
    assert (image.thumb.width, image.thumb.height) == (None, None)  # its ratio is unknown
    assert [one.site_name for one in image.referral_destinations] == ["gettyimages", "istockphoto"]


def test_largest_downloads() -> None:
    first, second = page(load("largest_downloads")).images
    assert first.largest_downloads[0].product_type == "easyaccess"
    assert first.largest_downloads[0].uri == "https://api.gettyimages.com/v3/downloads/images/600200331"
    assert (second.largest_downloads[0].product_id, second.largest_downloads[0].agreement_name) == (
        "1234",
        "Desk 2",
    )


def test_a_picture_by_its_id() -> None:
    image = images.parse_image(ok(load("image_detail")), SETTINGS, "SB40077001q-001")
    assert (image.id, image.orientation, image.family) == ("sb40077001q-001", "panoramic_horizontal", "editorial")
    assert [(word.keyword_id, word.text, word.relevance) for word in image.keywords] == [
        ("70021", "Salt Marsh", None),
        ("70022", "Panoramic", 4),
        ("70023", "", None),
    ]
    assert (image.keywords[1].entity_uris, image.keywords[1].entity_types) == (("urn:example:marsh",), ("Place",))
    assert image.thumb is not None
    assert (image.thumb.width, image.thumb.height) == (170, 57)  # as sent
    assert image.preview is not None
    assert (image.preview.width, image.preview.height) == (716, 239)  # an area of 170,667 pixels
    assert image.credit_line == image.credit.line == "Pilar Quist / Getty Images"
    assert image.editorial_source == values.EditorialSource(8110, "Quist Archive")
    assert image.alternative_ids == (("master", "PQ-77"),)
    assert image.istock_licenses == (values.IStockLicense("Standard", 3),)
    assert image.people == ("Mio Arden",)
    assert (image.date_submitted, image.date_camera_shot) == ("2011-08-01T10:00:00", None)
    assert (image.country, image.photographer_title, image.call_for_image) == ("Skarn", "Stringer", True)
    assert not image.embeddable
    largest = image.download_sizes[1]
    assert (largest.media_type, largest.bytes, largest.width, largest.height) == (
        "image/jpeg",
        1925835,
        6000,
        2000,
    )
    assert largest.downloads[0].product_id == "9001"
    assert len(image.referral_destinations) == 2
    assert set(image.other) == {"links", "prestige"}
    assert image.other["prestige"] is False


def test_pictures_in_bulk() -> None:
    answer = {"images": [{"id": "3"}, {"id": "1"}, {"id": "99"}], "images_not_found": ["2"]}
    found = images.parse_images(ok(answer), SETTINGS, ["1", "2", "3", "4"])
    assert [image.id for image in found.images] == ["1", "3"]  # in the order requested, without others
    assert found.missing == ("2", "4")
    for status in (404, 410):
        body = {"code": "ImageNotFound", "message": "Image not found: 1"}
        nothing = images.parse_images(ok(body, status), SETTINGS, ["1"])
        assert (nothing.images, nothing.missing) == ((), ("1",))
    firewall = Response(404, {}, b"<html><h1>Access Denied</h1> Reference #18.20c0ffee</html>")
    with pytest.raises(Unavailable):
        images.parse_images(firewall, SETTINGS, ["1"])
    with pytest.raises(InvalidResponse):
        images.parse_images(ok({"pictures": []}), SETTINGS, ["1"])


@pytest.mark.parametrize(
    "answer", [{"images": [], "images_not_found": ["1"]}, {"images": [{"id": "2"}]}, {"images": None}]
)
def test_a_picture_that_is_not_in_the_answer_is_not_found(answer: dict[str, Any]) -> None:
    with pytest.raises(NotFound) as caught:
        images.parse_image(ok(answer), SETTINGS, "1")
    assert caught.value.ref == "1"


@pytest.mark.parametrize("name", ["a_new_field", "accessrestriction", "entity_details"])
def test_unknown_fields_are_kept_in_other(name: str) -> None:
    new = {"deep": [1, {"x": None}]}
    assert picture(**{name: new}).other == {name: new}
    assert page({"images": [], name: new}).other == {name: new}
    assert picture(display_sizes=[{"name": "thumb", "uri": f"{MEDIA}/1", name: new}]).display_sizes[0].other == {
        name: new
    }
    assert picture(keywords=[{"keyword_id": "1", name: new}]).keywords[0].other == {name: new}
    assert picture(allowed_use={name: new}).allowed_use.other == {name: new}
    assert picture(largest_downloads=[{name: new}]).largest_downloads[0].other == {name: new}


def test_unreadable_fields_are_kept_in_other() -> None:
    said = {
        "title": 5,
        "event_ids": "x",
        "date_created": "soon",
        "orientation": "Round",
        "max_dimensions": [],
        "quality_rank": -1,
    }
    image = picture(**said)
    assert image.other == said
    assert (image.title, image.event_ids, image.date_created, image.orientation) == ("", (), None, "")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Horizontal", "horizontal"),
        ("PanoramicVertical", "panoramic_vertical"),
        ("Panoramic Horizontal", "panoramic_horizontal"),
        ("panoramic_horizontal", "panoramic_horizontal"),
        ("SQUARE", "square"),
        ("", ""),
        ("Round", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_orientations(written: object, kept: str) -> None:
    assert picture(orientation=written).orientation == kept


@pytest.mark.parametrize(
    ("written", "kept"), [("Editorial", "editorial"), ("creative", "creative"), ("video", ""), (None, "")]
)
def test_families(written: object, kept: str) -> None:
    assert picture(asset_family=written).family == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2017-09-12T00:00:00Z", True),
        ("2006-04-10T16:59:21-07:00", True),
        ("2006-04-10T23:59:20", True),
        ("2006-04-10T23:59:20.0000000Z", True),
        ("2006-04-10", True),
        ("10/04/2006", False),
        ("2006-04-10T16:59:21<b>", False),
        ("", False),
        (1144713561, False),
    ],
)
def test_times_stay_as_they_are_written(written: object, kept: bool) -> None:
    assert picture(date_created=written).date_created == (written if kept else None)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (6000, 6000),
        ("6000", 6000),
        (1_000_000, 1_000_000),
        (1_000_001, None),
        (0, None),
        ("0", None),
        (-1, None),
        (1.5, None),
        (True, None),
        ("6000px", None),
        ("٣", None),
        (None, None),
    ],
)
def test_sides_are_numbers_or_digits(written: object, kept: int | None) -> None:
    image = picture(
        max_dimensions={"width": written, "height": 4000},
        display_sizes=[{"name": "thumb", "uri": f"{MEDIA}/x", "width": written}],
    )
    assert (image.width, image.height) == (kept, 4000)
    assert image.display_sizes[0].width == kept


@pytest.mark.parametrize(
    ("written", "total"),
    [(7, 7), ("7", 7), (0, 0), (-1, 31), (1.5, 31), (None, 31), ("many", 31), (True, 31), (10**12, 31)],
)
def test_a_total_is_a_number_or_at_least_what_was_seen(written: object, total: int) -> None:
    assert page({"result_count": written, "images": [{"id": ID}]}, page=2).total == total


@pytest.mark.parametrize("bad", [None, "", "abc", "1,2", "../x", True, 1.5, [], "x" * 30])
def test_an_item_without_an_asset_id_is_not_a_picture(bad: object) -> None:
    assert page({"result_count": 2, "images": [{"id": bad}, {"id": ID}, "x", None, {}]}).images == (picture(),)


def test_an_id_may_be_a_number() -> None:
    assert page({"images": [{"id": 74917285}]}).images[0].ref == AssetRef(("74917285",))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"{MEDIA}/id/1/photo/x.jpg?s=170x170", f"{MEDIA}/id/1/photo/x.jpg?s=170x170"),
        ("http://media.gettyimages.com/x", f"{MEDIA}/x"),
        ("//media.gettyimages.com/x", f"{MEDIA}/x"),
        ("https://evil.example/x", None),
        ("https://media.gettyimages.com.evil.example/x", None),
        ("https://media.gettyimages.com@evil.example/x", None),
        ("https://media.gettyimages.com:444/x", None),
        (MEDIA, None),
        ("javascript:alert(1)", None),
        ('https://media.gettyimages.com/"onerror=', None),
        (f"{MEDIA}/" + "x" * 3000, None),
        (None, None),
        (5, None),
    ],
)
def test_display_sizes_must_be_on_the_image_origins(written: object, kept: str | None) -> None:
    image = picture(display_sizes=[{"name": "thumb", "uri": written}])
    assert (image.thumb.uri if image.thumb else None) == kept


def test_a_sandbox_on_loopback_keeps_http() -> None:
    base = "http://127.0.0.1:8081"
    said = {
        "id": ID,
        "display_sizes": [{"name": "thumb", "uri": f"{base}/id/1/photo/x.jpg"}],
        "uri_oembed": f"{base}/oembed?url=http%3a%2f%2fgty.im%2f1",
        "largest_downloads": [{"product_type": "easyaccess", "uri": f"{base}/v3/downloads/images/1"}],
    }
    (image,) = read_page(SearchPage, ok({"images": [said]}), LOOPBACK).images
    assert image.thumb is not None
    assert image.thumb.uri == f"{base}/id/1/photo/x.jpg"
    assert image.embeddable
    assert image.largest_downloads[0].uri == f"{base}/v3/downloads/images/1"
    elsewhere = picture(**{name: value for name, value in said.items() if name != "id"})
    assert (elsewhere.thumb, elsewhere.embeddable) == (None, False)
    assert elsewhere.largest_downloads[0].uri is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("http://www.gettyimages.co.uk/detail/1", "https://www.gettyimages.co.uk/detail/1"),
        ("https://www.istockphoto.com/photo/gm1-2", "https://www.istockphoto.com/photo/gm1-2"),
        ("http://www.thinkstockphotos.com/image/1", "https://www.thinkstockphotos.com/image/1"),
        ("https://gettyimages.evil.example/detail/1", None),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_destinations_are_on_sites_of_the_agency(written: object, kept: str | None) -> None:
    found = picture(referral_destinations=[{"site_name": "x", "uri": written}]).referral_destinations
    assert [one.uri for one in found] == ([kept] if kept else [])


# -- places ---------------------------------------------------------------------------------------------


def test_countries_and_collections() -> None:
    denmark, france = client.parse_countries(ok(load("countries")))
    assert (denmark.iso_alpha_2, denmark.iso_alpha_3, denmark.name) == ("DK", "DNK", "Dänemark")
    assert (france.iso_alpha_2, france.iso_alpha_3) == ("", "FRA")
    northlight, sport = client.parse_collections(ok(load("collections")))
    assert northlight.product_types == ("easyaccess",)
    assert (sport.id, sport.code, sport.family, sport.license_model, sport.product_types) == (
        412,
        "TSN",
        "editorial",
        "",
        (),
    )
    for parse in (client.parse_countries, client.parse_collections):
        assert parse(ok({"countries": None, "collections": None})) == ()
        for answer in ({}, {"countries": 5, "collections": "x"}):
            with pytest.raises(InvalidResponse, match="no list of"):
                parse(ok(answer))


# -- downloads ------------------------------------------------------------------------------------------

DELIVERY = "https://delivery.gettyimages.com/xa/600200311.jpg?v=1&c=IWS&k=2&d=a%2bb"


def test_the_address_of_a_file() -> None:
    assert licenses.parse_url(ok({"uri": DELIVERY}), SETTINGS, ID) == DELIVERY
    for status in (302, 303):
        assert licenses.parse_url(Response(status, {"location": DELIVERY}), SETTINGS, ID) == DELIVERY
    local = "http://127.0.0.1:8081/downloads/1"
    assert licenses.parse_url(Response(303, {"location": local}), LOOPBACK, ID) == local


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/x",
        "https://delivery.gettyimages.com.evil.example/x",
        "https://delivery.gettyimages.com:8443/x",
        "http://127.0.0.1:8081/x",
        "http://169.254.169.254/latest/meta-data",
        "https://u:p@delivery.gettyimages.com/x",
        "file:///etc/passwd",
        "/xa/1.jpg",
        "https://delivery.gettyimages.com/x\r\nSet-Cookie: a",
        "https://delivery.gettyimages.com\\@evil.example/x",
        "https://delivery.gettyimages.com/" + "x" * 5000,
        "",
        None,
        5,
        [DELIVERY],
    ],
)
def test_a_file_must_be_on_an_allowed_origin(place: Any) -> None:
    answers = [ok({"uri": place}), *(Response(303, {"location": place}) for _ in range(isinstance(place, str)))]
    for answer in (*answers, Response(303), ok({}), ok([])):
        with pytest.raises(InvalidResponse) as caught:
            licenses.parse_url(answer, SETTINGS, ID)
        assert caught.value.ref == ID
        assert "evil" not in str(caught.value)


# -- boards ---------------------------------------------------------------------------------------------


def test_a_page_of_boards() -> None:
    found = read_page(boards.BoardPage, ok(load("boards")), SETTINGS, "board", page=1, page_size=2)
    assert (found.total, found.pages, found.has_next) == (62, 31, True)
    first, second = found.boards
    assert (first.id, first.name, first.relationship, first.asset_count) == (BOARD, "Lighthouses", "owned", 2)
    assert first.hero_asset is not None
    assert first.hero_asset.ref == AssetRef((ID,))
    assert first.hero_asset.display_sizes[0].uri == f"{MEDIA}/id/600200311/photo/x.jpg?s=170x170"
    assert (second.description, second.hero_asset, second.relationship) == ("", None, "invited")
    assert first.other == found.other == {}
    with pytest.raises(InvalidResponse):
        read_page(boards.BoardPage, ok({"board": []}), SETTINGS, "board")


def test_one_board() -> None:
    found = read(ok(load("board")), "board", SETTINGS).require(boards.Board)
    assert [asset.id for asset in found.assets] == [ID, "600200312"]
    assert (found.comment_count, found.date_last_updated) == (1, "2024-02-03T10:30:00Z")
    assert found.permissions.can_delete_board
    assert not found.permissions.can_remove_assets
    assert found.links.share == "https://www.gettyimages.com/collaboration/boards/abc"
    odd = {"id": "b-2", "links": {"share": "https://evil.example/"}, "permissions": {"can_add_assets": "yes"}}
    bare = read(ok(odd), "board", SETTINGS).require(boards.Board)
    assert bare.permissions == boards.BoardPermissions()  # missing permissions count as denied
    assert bare.links == boards.BoardLinks()
    assert bare.links.other == {"share": "https://evil.example/"}
    for wrong in ({}, {"id": "../x"}, {"id": None}):
        with pytest.raises(InvalidResponse, match="not a board"):
            read(ok(wrong), "board", SETTINGS).require(boards.Board)


def test_changes_of_a_board() -> None:
    answer = {"assets_added": [{"asset_id": "1"}], "assets_not_added": ["2"]}
    change = boards.parse_change(ok(answer, 201), ["1", "2", "3"])
    assert (change.added, change.not_added) == (("1", "3"), ("2",))
    assert boards.parse_change(ok({"assets_added": None, "assets_not_added": None}, 201), ["1"]).added == ("1",)
    assert boards.parse_id(ok({"id": BOARD}, 201)) == BOARD
    with pytest.raises(InvalidResponse, match="no ID"):
        boards.parse_id(ok({"id": "a/b"}, 201))
    for status in (200, 201, 204):
        errors.check(Response(status), "board")
    with pytest.raises(NotFound, match="no such board"):
        errors.check(ok({"code": "BoardNotFound"}, 404), "board")


def test_comments() -> None:
    found = boards.parse_comments(ok(load("comments")))
    first, second = found.comments
    assert (first.id, first.text, first.author, first.can_delete) == (
        "c-1",
        "The second one, please.",
        "Ada Berg",
        True,
    )
    assert (second.text, second.author, second.can_delete) == ("", "", False)
    assert found.can_add_comment
    assert not boards.parse_comments(ok({"comments": None})).can_add_comment
    with pytest.raises(InvalidResponse):
        boards.parse_comments(ok({}))


# -- arbitrary input ------------------------------------------------------------------------------------

READERS: dict[str, Callable[[Response], Any]] = {
    "page": lambda response: read_page(SearchPage, response, SETTINGS),
    "found": lambda response: images.parse_images(response, SETTINGS, [ID]),
    "one": lambda response: images.parse_image(response, SETTINGS, ID),
    "countries": client.parse_countries,
    "collections": client.parse_collections,
    "address": lambda response: licenses.parse_url(response, SETTINGS, ID),
    "boards": lambda response: read_page(boards.BoardPage, response, SETTINGS, "board"),
    "board": lambda response: read(response, "board", SETTINGS).require(boards.Board),
    "created": boards.parse_id,
    "added": lambda response: boards.parse_change(response, [ID]),
    "comments": boards.parse_comments,
}
NAMES = sorted(
    {
        name
        for fixture in (FIXTURES / "v3").glob("*.json")
        for name in re.findall(r'"([a-z_]+)":', fixture.read_text("utf-8"))
    }
    | {"facets", "uri", "assets_added", "assets_not_added", "asset_id"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS | st.sampled_from([ID, MEDIA + "/x", "Horizontal", "2017-09-12"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("name", READERS)
@settings(deadline=None, max_examples=50)
@given(answer=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8))
def test_any_object_yields_a_value_or_an_error(name: str, answer: dict[str, Any]) -> None:
    try:
        found = READERS[name](ok(answer))
    except (InvalidResponse, NotFound):
        return
    for text in texts(found):
        clean_text(text, 4096)


FIXED = {
    "page": ["search_summary", "search_detail", "search_display_sizes", "largest_downloads"],
    "one": ["image_detail"],
    "countries": ["countries"],
    "collections": ["collections"],
    "boards": ["boards"],
    "board": ["board"],
    "comments": ["comments"],
}


@pytest.mark.parametrize(("name", "fixture"), [(name, one) for name, listed in FIXED.items() for one in listed])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_valid_response_can_be_damaged_anywhere(name: str, fixture: str, data: st.DataObject) -> None:
    answer = load(fixture)
    places_of = list(spots(answer))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places_of))
        holder[key] = data.draw(JSON)
    try:
        found = READERS[name](ok(answer))
    except (InvalidResponse, NotFound):
        return
    for text in texts(found):
        clean_text(text, 4096)
    for image in getattr(found, "images", ()):
        whole(image)


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from spots(inner)


def texts(value: Any) -> Iterator[str]:
    """Every text of a value, except those in ``other``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for row in fields(value):
            if row.name != "other":
                yield from texts(getattr(value, row.name))


def whole(image: Image) -> None:
    """Check what holds for every picture, whatever the response."""
    assert len(image.ref.items) == 1
    hash(image)
    for size in image.display_sizes:
        assert size.uri.startswith(tuple(f"{origin}/" for origin in SETTINGS.image_origins))
    for shown in (image.thumb, image.preview):
        assert shown is None or shown.uri in [size.uri for size in image.display_sizes]
    assert image.orientation in (
        "",
        "horizontal",
        "vertical",
        "square",
        "panoramic_horizontal",
        "panoramic_vertical",
    )
    assert image.family in ("", "creative", "editorial")
    for side in (image.width, image.height):
        assert side is None or 1 <= side <= 1_000_000
    json.dumps(image_json(image)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Oops</html>",
        b"null",
        b"[]",
        b'"images"',
        b"1e999",
        b'{"images":[',
        b'{"images":[],"images":[]}',
        b'{"images":[],"result_count":NaN}',
        b"\xff\xfe{\x00}\x00",
        b'{"images":[' * 5000,
        b"[" * 100_000,
        b'{"images":[],"result_count":' + b"9" * 5000 + b"}",
        b'{"images":5}',
        b'{"images":{}}',
        b"{}",
        b'{"message":"ok"}',
        b'{"images":[]}' + b" " * (2 * 1024 * 1024),
    ],
)
def test_an_invalid_page_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidResponse) as caught:
        read_page(SearchPage, Response(200, {}, body), SETTINGS)
    assert "API_BASE" in (caught.value.hint or "")


def test_an_answer_in_any_content_type_counts() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(load("search_summary")).encode()
    assert read_page(SearchPage, Response(200, {"content-type": "text/html"}, body), SETTINGS).total == 41207


# -- samples of the service -----------------------------------------------------------------------------


def test_every_sample_of_the_service_is_read_completely() -> None:
    folder = reference_dir() / "upstream" / "v3_samples"
    files = [row["file"] for row in json.loads((folder / "INDEX.json").read_text("utf-8"))]
    for file in files:
        raw = json.loads((folder / file).read_text("utf-8"))
        if "images" in raw:
            found = read_page(SearchPage, ok(raw), SETTINGS)
            assert [image.id for image in found.images] == [image["id"] for image in raw["images"]]
            assert found.total == raw.get("result_count", len(raw["images"]))
            for image, said in zip(found.images, raw["images"], strict=True):
                whole(image)
                assert set(image.other) <= {"links", "prestige"}, file
                assert image.title == said.get("title", "")
                assert len(image.display_sizes) == len(said.get("display_sizes", ()))
                assert len(image.keywords) == len(said.get("keywords", ()))
                assert len(image.referral_destinations) == len(said.get("referral_destinations", ()))
                assert len(image.largest_downloads) == len(said.get("largest_downloads", ()))
                assert len(image.download_sizes) == len(said.get("download_sizes", ()))
                assert image.embeddable is bool(said.get("uri_oembed"))
        elif "uri" in raw:
            assert licenses.parse_url(ok(raw), SETTINGS, "83454804") == raw["uri"]
        else:
            assert "access_token" in raw  # for embedkit.api.oauth


# -- errors ---------------------------------------------------------------------------------------------

QPS = "Account Over Queries Per Second Limit"
PAGE = b"<html><head><title>Access Denied</title></head><body>Reference #18.20c0ffee.1</body></html>"


def said(**body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "what", "kind", "says"),
    [
        # a missing or invalid key: today's responses, and the classic ones
        (401, {}, said(message="Unauthorized"), "search", InvalidKey, "Check EMBEDKIT_API_KEY."),
        (
            403,
            {"x-amzn-errortype": "ForbiddenException"},
            said(message="Forbidden"),
            "search",
            InvalidKey,
            "Check EMBEDKIT_API_KEY.",
        ),
        (403, {}, said(message="Forbidden"), "search", InvalidKey, "Check EMBEDKIT_API_KEY."),
        (403, {}, said(message="Account Inactive"), "search", InvalidKey, "Check EMBEDKIT_API_KEY."),
        (403, {"x-error-detail": "Account Inactive"}, b"", "download", InvalidKey, "Check EMBEDKIT_API_KEY."),
        (403, {}, b"<h1>Developer Inactive</h1>", "search", InvalidKey, "Check EMBEDKIT_API_KEY."),
        # a token
        (
            401,
            {"www-authenticate": 'Bearer realm="Download",error="invalid_token"'},
            b"",
            "download",
            InvalidToken,
            "USERNAME",
        ),
        (401, {}, said(code="AuthorizationTokenRequired", message="x"), "board", InvalidToken, "API_SECRET"),
        (401, {}, said(ErrorCode="AuthorizationTokenRequired"), "download", InvalidToken, "API_SECRET"),
        *(
            (
                status,
                {},
                said(ErrorCode="UserTokenRequired", ErrorMessage="x"),
                what,
                InvalidToken,
                "(UserTokenRequired). Run embedkit login, or set EMBEDKIT_USERNAME and",
            )
            for status in (400, 401, 403)
            for what in ("download", "places")
        ),
        (401, {}, PAGE, "search", Unavailable, "not the service's own"),
        # throttles: per second and per day, in their 403 and their 429 form
        (403, {"x-error-detail": QPS}, said(message=QPS), "search", RateLimited, "too many calls a second"),
        (403, {}, said(message=QPS), "search", RateLimited, "too many calls a second"),
        (429, {"x-error-detail": QPS}, said(message=QPS), "search", RateLimited, "too many calls a second"),
        (429, {}, b"", "search", RateLimited, "too many calls a second"),
        (403, {}, b"<h1>Developer Over Qps</h1>", "search", RateLimited, "too many calls a second"),
        (
            403,
            {"x-error-detail": "Account Over Rate Limit"},
            b"",
            "search",
            QuotaExhausted,
            "too many calls today",
        ),
        (429, {}, said(message="Account Over Rate Limit"), "search", QuotaExhausted, "too many calls today"),
        # of 2026: the messages are the same, but the header differs
        (429, {"x-error-detail": QPS}, said(message="Too Many Requests"), "search", RateLimited, "a second"),
        (429, {}, said(message="Too Many Requests"), "search", QuotaExhausted, "too many calls today"),
        (403, {}, b"<h1>Developer Over Rate</h1>", "picture", QuotaExhausted, "too many calls today"),
        # missing permissions
        (403, {}, said(code="OverageLimitReached", message="x"), "download", QuotaExhausted, "no more downloads"),
        (403, {}, b"", "download", NotLicensed, "outside the customer's agreement"),
        (401, {}, said(message="Unauthorized"), "download", NotLicensed, "outside the customer's agreement"),
        (
            403,
            {},
            said(code="NoAccessToProductType"),
            "download",
            PermissionDenied,
            "(NoAccessToProductType). Choose another product_type",
        ),
        (
            403,
            {},
            said(code="UnauthorizedDisplaySize"),
            "search",
            PermissionDenied,
            "Request only thumb in fields.",
        ),
        (
            403,
            {},
            said(code="InsufficientAccess"),
            "board",
            PermissionDenied,
            "(InsufficientAccess). Ask the board's owner",
        ),
        (403, {}, said(message="no"), "comment", PermissionDenied, "Ask the board's owner"),
        (
            403,
            {},
            said(message="Your access token does not authorize access to this resource."),
            "places",
            PermissionDenied,
            "don't allow that",
        ),
        (403, {}, PAGE, "search", Unavailable, "not the service's own"),
        # not found
        (
            404,
            {},
            said(code="ImageNotFound", message="Image not found: 452O76944"),
            "picture",
            NotFound,
            "picture not found",
        ),
        (404, {}, b"", "download", NotFound, "picture not found"),
        (404, {}, said(code="FileDownloadSizeNotFound"), "download", NotFound, "no file of that size"),
        (404, {}, said(code="BoardNotFound"), "board", NotFound, "no such board"),
        (404, {}, b"", "comment", NotFound, "no such board or comment"),
        (404, {}, b"", "search", InvalidResponse, "Check EMBEDKIT_API_BASE"),
        (404, {}, PAGE, "picture", Unavailable, "a firewall's page"),
        (410, {}, b"", "picture", NotFound, "picture not found"),
        # invalid requests
        (
            400,
            {},
            said(message="Invalid Request. Possible required parameter missing."),
            "search",
            InvalidResponse,
            "Check the arguments.",
        ),
        (
            400,
            {},
            said(ErrorCode="InvalidRequest", ErrorMessage="Field: page, Message: The value 'a' is not valid."),
            "search",
            InvalidResponse,
            "(InvalidRequest). Check page.",
        ),
        (
            400,
            {},
            said(ErrorCode="<b>nonsense", ErrorMessage="Field: evil, Message: x"),
            "search",
            InvalidResponse,
            "understood. Check the arguments.",
        ),
        (
            400,
            {},
            said(code="MissingRequiredQueryParameters"),
            "download",
            InvalidResponse,
            "(MissingRequiredQueryParameters)",
        ),
        (400, {}, b"", "search", InvalidResponse, "not understood"),
        (405, {}, b"", "search", InvalidResponse, "not understood"),
        (400, {}, PAGE, "search", Unavailable, "not the service's own"),
        (500, {}, said(code="InvalidIStockCollection"), "search", InvalidResponse, "no such collection"),
        # outages
        (408, {}, b"", "search", Unavailable, "has a problem"),
        (500, {}, said(code="SystemError"), "search", Unavailable, "(SystemError)"),
        (501, {}, b"", "search", Unavailable, "has a problem"),
        (503, {}, PAGE, "search", Unavailable, "not the service's own"),
        (999, {}, b"", "search", InvalidResponse, "Check EMBEDKIT_API_BASE"),
        (204, {}, b"", "search", InvalidResponse, "Check EMBEDKIT_API_BASE"),
        (303, {"location": "https://evil.example/"}, b"", "picture", InvalidResponse, "Check EMBEDKIT_API_BASE"),
    ],
)
def test_refusals(
    status: int, headers: dict[str, str], body: bytes, what: What, kind: type[ProviderError], says: str
) -> None:
    error = errors.error_for(Response(status, headers, body), what=what, ref=ID)
    assert type(error) is kind
    assert str(status) in str(error)
    assert says in str(error)
    assert error.ref == ID


def test_the_hint_names_the_allowed_page_sizes() -> None:
    for body in (
        said(code="InvalidPageSize", message="x"),
        said(ErrorCode="InvalidRequest", ErrorMessage="Field: page_size, Message: no"),
        said(message="Invalid page size"),
    ):
        refused = Response(400, {}, body, request_url="https://api.gettyimages.com/v3/search?page=2&page_size=25")
        error = errors.error_for(refused, what="search")
        assert isinstance(error, InvalidResponse)
        assert error.hint == "Use a page_size of 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 50, 60, 75 or 100."
        with pytest.raises(InvalidResponse, match="75 or 100"):
            read_page(SearchPage, refused, SETTINGS, page_size=25)


def test_a_page_beyond_the_last_names_the_last() -> None:
    body = said(ErrorCode="InvalidPage", ErrorMessage="page must be less than or equal to 7, results count 698")
    error = errors.error_for(Response(400, {}, body), what="search")
    assert (error.getty_code, error.hint) == ("InvalidPage", "The last page is 7.")
    other = errors.error_for(Response(400, {}, said(code="InvalidPage", message="no")), what="search")
    assert (other.getty_code, other.hint) == ("InvalidPage", "Check the arguments.")


def test_errors_contain_request_and_status() -> None:
    body = said(ErrorCode="ImageNotFound", ErrorMessage="Image id not found: 1")
    error = errors.error_for(Response(404, {}, body, request_url="https://a.example/v3"), what="picture")
    assert (error.status, error.getty_code, error.request_url) == (404, "ImageNotFound", "https://a.example/v3")
    for nonsense in ("a sentence", "x", "<b>", "A" * 65, 7, ["InvalidPage"], "key0123456789"):
        error = errors.error_for(Response(400, {}, said(ErrorCode=nonsense)), what="search")
        assert error.getty_code is None
        assert str(nonsense) not in str(error) or nonsense in ("x", 7)
    with pytest.raises(InvalidResponse) as caught:
        read_page(SearchPage, Response(200, {}, b"[]", request_url="https://a.example/v3"), SETTINGS)
    assert (caught.value.status, caught.value.request_url) == (200, "https://a.example/v3")


def test_a_takedown_is_distinguished() -> None:
    gone = errors.error_for(Response(410), what="picture")
    missing = errors.error_for(Response(404), what="picture")
    assert isinstance(gone, NotFound)
    assert isinstance(missing, NotFound)
    assert (gone.gone, missing.gone) == (True, False)


@pytest.mark.parametrize(
    ("written", "wait"), [("7", 7.0), ("999", 60.0), ("soon", None), ("-1", None), ("", None)]
)
def test_when_to_try_again(written: str, wait: float | None) -> None:
    for status in (429, 503):
        response = Response(status, {"retry-after": written})
        assert errors.error_for(response, what="search").retry_after == wait


@settings(deadline=None, max_examples=300)
@given(
    status=st.integers(100, 999).filter(lambda status: status != 200),
    body=st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(["code", "message", "ErrorCode", "ErrorMessage"]), JSON, max_size=4).map(
        lambda one: json.dumps(one).encode()
    ),
    what=st.sampled_from(["search", "picture", "places", "download", "board", "comment"]),
)
def test_any_refusal_is_an_error_of_the_tree(status: int, body: bytes, what: What) -> None:
    error = errors.error_for(Response(status, {}, body), what=what)
    assert isinstance(error, ProviderError)
    assert error.hint
    assert str(error).isprintable()


def test_no_text_of_a_response_is_repeated() -> None:
    canary = "canary<script>"
    for status in (400, 401, 403, 404, 429, 500):
        for body in (
            said(code=canary, message=canary),
            said(ErrorCode=canary, ErrorMessage=f"Field: {canary}, Message: x"),
            canary.encode(),
        ):
            for headers in ({}, {"x-error-detail": canary, "location": canary, "retry-after": canary}):
                assert "canary" not in str(errors.error_for(Response(status, headers, body), what="picture"))
