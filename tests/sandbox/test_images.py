"""Pictures by ID, similar pictures, countries and collections in the sandbox's API v3."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from embedkit.sandbox import Asset, Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import GONE, NOT_EMBEDDABLE, WITHDRAWN, catalogue, find
from embedkit.sandbox.content.library import CONTENT
from embedkit.sandbox.services import fields
from embedkit.sandbox.services.places import ALL_FAMILIES, CREATIVE_ONLY, countries
from tests.support.api import (
    APPLICATION,
    SEARCH_CLIENT,
    ApiClient,
    send_request,
)
from tests.support.tools import reference_dir

IMAGES, EXAMPLE, LETTERS = "/v3/images", "74917285", "sb10049172a-001"
APP = Sandbox()
KEY_ALONE = ApiClient(APP, None)
CUSTOMER = ApiClient(APP)


def asset_of(asset_id: str) -> Asset:
    asset = find(asset_id)
    assert asset
    return asset


def one(asset_id: str = EXAMPLE, caller: ApiClient = KEY_ALONE, **params: str) -> Any:
    images = caller.get(f"{IMAGES}/{asset_id}", **params)["images"]
    assert len(images) == 1
    return images[0]


def ids_of(answer: Any) -> list[str]:
    return [image["id"] for image in answer["images"]]


# -- by ID ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asset_id", "status"),
    [
        (EXAMPLE, 200),
        (LETTERS, 200),
        (LETTERS.upper(), 200),
        ("600000001", 200),
        (NOT_EMBEDDABLE, 200),
        (WITHDRAWN, 404),
        (GONE, 410),
        ("1", 404),
        ("452O76944", 404),
        ("%F0%9F%98%80", 404),
    ],
)
def test_one(asset_id: str, status: int) -> None:
    response = KEY_ALONE.request("GET", f"{IMAGES}/{asset_id}")
    assert response.status == status
    if status == 200:
        assert ids_of(json.loads(response.body)) == [asset_id.lower()]
        assert response.headers["content-language"] == "en-US"


def test_an_unknown_picture() -> None:
    response = KEY_ALONE.request("GET", f"{IMAGES}/452O76944")
    assert json.loads(response.body) == {
        "ErrorCode": "ImageNotFound",
        "ErrorMessage": "Image id not found: 452O76944",
    }


def test_several() -> None:
    answer = KEY_ALONE.get(IMAGES, ids=f"{LETTERS},1, {EXAMPLE},{WITHDRAWN},{LETTERS}")
    assert list(answer) == ["images", "images_not_found"]
    assert ids_of(answer) == [LETTERS, EXAMPLE]
    assert answer["images_not_found"] == ["1", WITHDRAWN]
    assert KEY_ALONE.get(IMAGES, ids=EXAMPLE)["images_not_found"] == []


def test_none_found_of_several() -> None:
    response = KEY_ALONE.request("GET", IMAGES, ids="1,2")
    assert response.status == 404
    assert json.loads(response.body) == {"ErrorCode": "ImageNotFound", "ErrorMessage": "Image id not found: 1, 2"}
    lenient = ApiClient(Sandbox(SandboxConfig(none_found_status=200)), None)
    assert lenient.get(IMAGES, ids="1,2") == {"images": [], "images_not_found": ["1", "2"]}
    assert lenient.request("GET", f"{IMAGES}/1").status == 404


def test_at_most_a_hundred_ids() -> None:
    ids = [str(600_000_000 + at) for at in range(101)]
    assert ids_of(KEY_ALONE.get(IMAGES, ids=",".join(ids[:100]), fields="id")) == ids[:100]
    response = KEY_ALONE.request("GET", IMAGES, ids=",".join(ids))
    assert response.status == 400
    assert json.loads(response.body)["ErrorCode"] == "InvalidParameterValue"


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=,%20,"])
def test_no_ids(query: str) -> None:
    response = KEY_ALONE.request("GET", f"{IMAGES}{query}")
    assert response.status == 400
    assert json.loads(response.body)["ErrorCode"] == "ImageIdMustBeSpecified"


def test_takedowns() -> None:
    app = Sandbox()
    caller = ApiClient(app, None)
    app.withdraw(EXAMPLE, status=410)
    for asked in (f"/{EXAMPLE}", f"/{EXAMPLE}/similar", f"/{EXAMPLE}/same-series", f"?ids={EXAMPLE},1"):
        assert caller.request("GET", f"{IMAGES}{asked}").status == 410
    assert ApiClient(app).request("POST", f"/v3/downloads/images/{EXAMPLE}").status == 410
    app.restore(EXAMPLE)
    assert caller.request("GET", f"{IMAGES}/{EXAMPLE}").status == 200


# -- fields --------------------------------------------------------------------------------------------

SUMMARY = [
    *("id", "artist", "asset_family", "caption", "collection_code", "collection_id", "collection_name"),
    *("license_model", "max_dimensions", "title"),
]
DETAIL = [
    *("id", "allowed_use", "artist", "artist_title", "asset_family", "call_for_image", "caption", "city"),
    *("collection_code", "collection_id", "collection_name", "color_type", "copyright", "country", "credit_line"),
    *("date_created", "date_submitted", "download_sizes", "editorial_segments", "event_ids", "graphical_style"),
    *("license_model", "max_dimensions", "orientation", "product_types", "quality_rank", "referral_destinations"),
    *("state_province", "title"),
]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", SUMMARY),
        ("summary_set", SUMMARY),
        ("detail_set", DETAIL),
        ("display_set", ["id", "display_sizes"]),
        ("id", ["id"]),
        ("links,object_name,people,uri_oembed", ["id", "links", "object_name", "people", "uri_oembed"]),
    ],
)
def test_field_sets(asked: str, names: list[str]) -> None:
    assert list(one(fields=asked)) == names
    assert list(one("600000001", fields=asked)) == names


def test_invalid_fields() -> None:
    for name in ("accessrestriction", "facets", "nonsense"):
        response = KEY_ALONE.request("GET", f"{IMAGES}/{EXAMPLE}", fields=name)
        assert (
            json.loads(response.body)["ErrorMessage"]
            == f"Field: fields, Message: The value '{name}' is not valid."
        )


def test_values() -> None:
    asset, image = asset_of(EXAMPLE), one(fields="detail_set,editorial_source,links,keywords,uri_oembed")
    assert image["title"] == asset.title
    assert image["artist"] == asset.photographer
    assert image["credit_line"] == f"{asset.photographer}/Getty Images"
    assert (image["city"], image["country"]) == (asset.city, asset.country)
    assert image["editorial_source"] == {"id": 9_000 + asset.collection_id, "name": asset.collection}
    assert image["uri_oembed"].startswith(
        "http://127.0.0.1:8081/oembed?url=http%3a%2f%2fgty.im%2f74917285&caller="
    )
    for link in image["links"]:
        assert send_request(APP, "GET", link["uri"], KEY_ALONE.headers).status == 200
    assert one(NOT_EMBEDDABLE, fields="uri_oembed") == {"id": NOT_EMBEDDABLE, "uri_oembed": None}


def test_countries_are_in_the_requested_language() -> None:
    german = next(asset for asset in catalogue().values() if asset.city == "Hamburg")
    english = next(asset for asset in catalogue().values() if asset.city == "Bristol")
    for asset, language, name in (
        (german, "fr", "Allemagne"),
        (german, "ja", "ドイツ"),
        (german, "en-GB", "Germany"),
        (english, "en-US", "England"),
        (english, "de", "Vereinigtes Königreich"),
    ):
        headers = KEY_ALONE.headers | {"Accept-Language": language}
        response = send_request(APP, "GET", f"{IMAGES}/{asset.id}?fields=country", headers)
        assert json.loads(response.body)["images"][0]["country"] == name
        assert response.headers["content-language"] == language


@pytest.mark.parametrize("field", ["download_sizes", "downloads", "largest_downloads"])
def test_protected_fields(field: str) -> None:
    for path in (f"{IMAGES}/{EXAMPLE}?fields=id,{field}", f"{IMAGES}?ids={EXAMPLE}&fields={field}"):
        response = KEY_ALONE.request("GET", path)
        assert response.status == 401
        assert response.headers["www-authenticate"].startswith('Bearer realm="Download",error="invalid_token"')
    name = "largest_downloads" if field == "largest_downloads" else "download_sizes"
    for caller in (ApiClient(APP, APPLICATION), ApiClient(APP, APPLICATION, SEARCH_CLIENT)):
        assert one(caller=caller, fields=field) == {"id": EXAMPLE, name: []}
    assert one(caller=CUSTOMER, fields=field)[name]


def test_a_set_never_asks_for_a_token() -> None:
    assert one(fields="detail_set")["download_sizes"] == []
    assert one(fields="detail_set")["product_types"] == []
    assert "premiumaccess" in one(caller=CUSTOMER, fields="detail_set")["product_types"]


def test_download_sizes() -> None:
    plain = one(caller=CUSTOMER, fields="download_sizes")["download_sizes"]
    linked = one(caller=CUSTOMER, fields="downloads")["download_sizes"]
    assert [list(size) for size in plain] == [["bytes", "height", "media_type", "width"]] * len(plain)
    assert [size["bytes"] for size in plain] == sorted(size["bytes"] for size in plain)
    assert (plain[-1]["width"], plain[-1]["height"]) == (2394, 3600)
    assert [{name: value for name, value in size.items() if name != "downloads"} for size in linked] == plain
    offers = linked[0]["downloads"]
    assert offers == one(caller=CUSTOMER, fields="largest_downloads")["largest_downloads"]
    assert {offer["product_type"] for offer in offers} >= {"premiumaccess", "editorialsubscription"}


# -- similar pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asset_id", [EXAMPLE, LETTERS, "600000001"])
def test_similar(asset_id: str) -> None:
    asset = asset_of(asset_id)
    answer = KEY_ALONE.get(f"{IMAGES}/{asset_id}/similar", page_size=100)
    found = [asset_of(image) for image in ids_of(answer)]
    assert 10 < answer["result_count"] == len(found)
    assert asset_id not in ids_of(answer)
    assert found[0].scene == asset.scene
    assert all(one.scene == asset.scene or {*one.keywords} & {*asset.keywords} for one in found)
    assert next(iter(answer["images"][0])) == "id"
    assert "display_sizes" in answer["images"][0]


def test_pictures_of_other_scenes_can_be_similar() -> None:
    partial = next(asset for asset in catalogue().values() if asset.scene == "partial")
    scenes = [
        asset_of(image).scene for image in ids_of(KEY_ALONE.get(f"{IMAGES}/{partial.id}/similar", page_size=100))
    ]
    assert {"partial", "eclipse", "annular"} <= {*scenes}


def test_same_series() -> None:
    story = [asset for asset in catalogue().values() if asset.series == "story 3"]
    first, *others = [asset.id for asset in story]
    answer = KEY_ALONE.get(f"{IMAGES}/{first}/same-series")
    assert ids_of(answer) == others
    assert answer["result_count"] == 3
    assert KEY_ALONE.get(f"{IMAGES}/{EXAMPLE}/same-series")["result_count"] == 0  # editorial
    assert KEY_ALONE.get(f"{IMAGES}/600000001/same-series") == {"result_count": 0, "images": []}


def test_withdrawn_pictures_are_not_similar() -> None:
    app = Sandbox()
    caller = ApiClient(app, None)
    first, second, *_ = ids_of(caller.get(f"{IMAGES}/{EXAMPLE}/similar"))
    app.withdraw(first)
    assert ids_of(caller.get(f"{IMAGES}/{EXAMPLE}/similar"))[0] == second


@pytest.mark.parametrize("name", ["similar", "same-series"])
def test_pages_are_complete_and_do_not_overlap(name: str) -> None:
    path = f"{IMAGES}/{next(asset.id for asset in catalogue().values() if asset.series == 'story 3')}/{name}"
    whole = ids_of(KEY_ALONE.get(path, page_size=100))
    pages = [KEY_ALONE.get(path, page=at, page_size=2, fields="id") for at in (1, 2)]
    assert [image for page in pages for image in ids_of(page)] == whole[:4] != []
    assert {page["result_count"] for page in pages} == {len(whole)}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=0", 400),
        ("page_size=101", 400),
        ("page_size=a", 400),
        ("fields=artist_title", 400),
        ("fields=largest_downloads", 401),
        ("fields=detail_set,uri_oembed,people", 200),
        ("phrase=unknown", 400),
    ],
)
@pytest.mark.parametrize("name", ["similar", "same-series"])
def test_refusals(name: str, query: str, status: int) -> None:
    assert KEY_ALONE.request("GET", f"{IMAGES}/{EXAMPLE}/{name}?{query}").status == status
    assert KEY_ALONE.request("GET", f"{IMAGES}/1/{name}").status == 404


# -- countries and collections -------------------------------------------------------------------------


def named(language: str) -> dict[str, str]:
    headers = KEY_ALONE.headers | {"Accept-Language": language}
    response = send_request(APP, "GET", "/v3/countries", headers)
    assert response.headers["content-language"] == language
    rows = json.loads(response.body)["countries"]
    assert all(list(row) == ["iso_alpha_2", "iso_alpha_3", "name"] for row in rows)
    return {row["iso_alpha_3"]: row["name"] for row in rows}


def test_every_country() -> None:
    rows = named("en-US")
    assert len(rows) == 249
    assert (rows["NOR"], rows["USA"], rows["JPN"], rows["TUR"]) == ("Norway", "United States", "Japan", "Türkiye")
    assert all(row.alpha_2.isalpha() and len(row.alpha_2) == 2 for row in countries())
    assert len({row.alpha_2 for row in countries()}) == 249


@pytest.mark.parametrize(
    ("language", "germany", "last"),
    [
        ("de", "Deutschland", "Zypern"),
        ("es", "Alemania", "Zimbabue"),
        ("fr", "Allemagne", "Zimbabwe"),
        ("it", "Germania", "Zimbabwe"),
        ("ja", "ドイツ", None),
        ("ko", "독일", None),
        ("nl", "Duitsland", "Zwitserland"),
        ("pl", "Niemcy", "Zjednoczone Emiraty Arabskie"),
        ("pt-BR", "Alemanha", "Zimbábue"),
        ("pt-PT", "Alemanha", "Zimbabué"),
        ("ru", "Германия", None),
        ("sv", "Tyskland", None),
        ("tr", "Almanya", "Zimbabve"),
        ("zh-HK", "德國", None),
    ],
)
def test_countries_in_every_language(language: str, germany: str, last: str | None) -> None:
    rows = named(language)
    assert len(rows) == 249
    assert rows["DEU"] == germany
    assert last in (None, list(rows.values())[-1])
    assert sum(rows[code] != name for code, name in named("en-US").items()) > 80


def test_every_language_has_names() -> None:
    table = {name for row in countries() for name in row.names}
    assert table == {*ALL_FAMILIES, *CREATIVE_ONLY}


def test_every_place_in_the_catalogue_has_a_country() -> None:
    for _, country in CONTENT.words.places:
        assert KEY_ALONE.get("/v3/search/images", phrase=country, page_size=1)["result_count"] > 0


def test_collections() -> None:
    rows = CUSTOMER.get("/v3/collections")["collections"]
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert len(rows) == len(CONTENT.words.collections)
    assert len({row["id"] for row in rows}) == len({row["code"] for row in rows}) == len(rows)
    for row in rows:
        assert list(row) == ["asset_family", "code", "id", "license_model", "name", "product_types"]
        found = CUSTOMER.get("/v3/search/images", collection_codes=row["code"], fields="summary_set")["images"]
        assert found
        for image in found:
            assert image["collection_id"] == row["id"]
            assert image["asset_family"] == row["asset_family"]
            assert image["license_model"] == row["license_model"]


def test_collections_are_for_customers() -> None:
    assert KEY_ALONE.request("GET", "/v3/collections").status == 401
    response = ApiClient(APP, APPLICATION).request("GET", "/v3/collections")
    assert response.status == 403
    assert json.loads(response.body)["message"].startswith("Your access token does not authorize")


# -- the contract --------------------------------------------------------------------------------------


def test_every_field_of_the_contract() -> None:
    document = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_bytes())
    schemas = document["components"]["schemas"]
    named = {*schemas["ImageDetailFieldValues"]["enum"]}
    assert fields.ONE.allowed == named | fields.FORMER
    image = one(caller=CUSTOMER, fields=",".join(sorted(named)))
    singles = named - {*fields.SETS, *fields.DISPLAYS, "downloads"} | {"display_sizes"}
    assert {*image} == singles
    # the contract does not specify these pictures' fields, so they are checked against those of a search
    shared = {name: value for name, value in image.items() if name in schemas["ImageSearchItem"]["properties"]}
    assert len(shared) > 25
    for name, value in shared.items():
        kind = schemas["ImageSearchItem"]["properties"][name].get("type")
        if kind and value is not None:
            jsonschema.validate(value, {"type": kind})
