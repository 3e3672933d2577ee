"""Requests to the API v3: allowed parameters, their encoding, and what is refused before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from operator import methodcaller
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.api import boards, images, licenses, parameters, search
from embedkit.api.encoding import encode
from embedkit.api.models import DownloadOffer
from embedkit.api.parameters import ENDPOINTS, FAMILIES, HEADERS, WIRE, takes
from embedkit.api.requests import LANGUAGES, MAX_IDS, ApiSettings, get, nearest_language
from embedkit.errors import ConfigurationError, EmbedKitError, UnsupportedReference
from embedkit.getty import payload
from embedkit.messages import Request, Response
from embedkit.settings import Settings
from tests.support.tools import reference_dir

SETTINGS = ApiSettings.of(Settings())
LOOPBACK = ApiSettings.of(Settings().with_upstream("http://127.0.0.1:8081"))
BOARD = "3f1c0b52-7a90-4d7e-9b1e-2f0a4c6d8e10"
HOSTILE = (
    "",
    "abc",
    "1/../2",
    "1?x=1",
    "1#",
    "1%2f",
    "http://evil.example/1",
    "1\r\nHost: x",
    "1,2",
    " ",
    "1" * 99,
)


def params(request: Request) -> dict[str, str]:
    return dict(request.params)


def sent(act: Callable[[boards.Boards], object], api: ApiSettings = SETTINGS) -> Request:
    """The requests sent by methods of boards."""
    session = Mock(call=Mock(return_value=Response(200, {}, b'{"id": "1", "boards": [], "comments": []}')))
    act(boards.Boards(api, session))
    request, need = session.call.call_args.args
    assert need == "customer"
    assert isinstance(request, Request)
    return request


# -- encoding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "said", "sent"),
    [
        ("creative", {"orientations": ["square", "horizontal"]}, {"orientations": "square,horizontal"}),
        ("creative", {"orientations": "square"}, {"orientations": "square"}),
        ("creative", {"orientations": "square, horizontal,"}, {"orientations": "square,horizontal"}),
        ("creative", {"orientations": ["square", "square"]}, {"orientations": "square"}),
        ("creative", {"orientations": {"vertical", "horizontal"}}, {"orientations": "horizontal,vertical"}),
        ("creative", {"orientations": (word for word in ["square"])}, {"orientations": "square"}),
        ("creative", {"orientations": []}, {}),
        ("creative", {"orientations": None}, {}),
        ("creative", {"embed_content_only": True}, {"embed_content_only": "true"}),
        ("creative", {"exclude_nudity": False}, {"exclude_nudity": "false"}),
        ("creative", {"exclude_nudity": "true"}, {"exclude_nudity": "true"}),
        ("creative", {"page": 2, "page_size": "100"}, {"page": "2", "page_size": "100"}),
        ("creative", {"page": "007"}, {"page": "7"}),
        ("creative", {"keyword_ids": [3, "4", 3]}, {"keyword_ids": "3,4"}),
        ("creative", {"keyword_ids": 3}, {"keyword_ids": "3"}),
        ("creative", {"color": "#002244"}, {"color": "#002244"}),
        ("creative", {"color": " 00A2ff "}, {"color": "#00A2ff"}),
        ("creative", {"download_product": "premiumaccess:1234"}, {"download_product": "premiumaccess:1234"}),
        ("creative", {"artists": "Runa\tVale, Ivo Lindqvist"}, {"artists": "Runa Vale, Ivo Lindqvist"}),
        ("creative", {"artists": "  "}, {}),
        ("creative", {"language": "de", "country": "FRA"}, {}),
        ("editorial", {"specific_people": ["Mio Arden"]}, {"specific_people": "Mio Arden"}),
        ("editorial", {"minimum_quality_rank": 2}, {"minimum_quality_rank": "2"}),
        ("editorial", {"date_from": date(1999, 12, 31)}, {"date_from": "1999-12-31"}),
        ("editorial", {"date_to": datetime(2020, 1, 2, 3, tzinfo=UTC)}, {"date_to": "2020-01-02T03:00:00+00:00"}),
        ("editorial", {"date_to": "1999-12-31T00:00:00Z"}, {"date_to": "1999-12-31T00:00:00Z"}),
        ("editorial", {"sort_order": "oldest"}, {"sort_order": "oldest"}),
        ("image", {"fields": "credit_line"}, {"fields": "credit_line"}),
        ("download", {"height": 2000, "product_id": 9}, {"height": "2000", "product_id": "9"}),
        ("boards", {"page_size": 5, "relationship": "owned"}, {"pageSize": "5", "board_relationship": "owned"}),
        ("boards", {"sort_order": "name_decending"}, {"sort_order": "name_decending"}),
    ],
)
def test_values_travel_as_the_contract_has_them(endpoint: str, said: dict[str, Any], sent: dict[str, str]) -> None:
    assert dict(encode(endpoint, said)) == sent


def test_the_order_in_which_things_are_said_does_not_matter() -> None:
    said = {"sort_order": "newest", "page": 1, "artists": "x"}
    assert encode("all", said) == encode("all", dict(reversed(said.items())))
    assert [name for name, _ in encode("all", said)] == ["artists", "page", "sort_order"]


@pytest.mark.parametrize(
    ("endpoint", "name", "value", "hint"),
    [
        (
            "all",
            "orientations",
            ["round"],
            "horizontal, vertical, square, panoramic_horizontal, panoramic_vertical",
        ),
        ("all", "orientations", "square,round", "one of horizontal"),
        ("all", "orientations", "Square", "one of horizontal"),
        ("all", "orientations", [None], "one of horizontal"),
        ("all", "orientations", {"square": 1}, "Use a list"),
        ("all", "orientations", b"square", "Use a list"),
        ("all", "orientations", True, "one of horizontal"),
        ("all", "orientations", 1.5, "Use a list"),
        ("all", "specific_people", ["Arden, Mio"], "without commas"),
        ("all", "specific_people", [""], "without commas"),
        ("all", "specific_people", ["x" * 1001], "at most 1000"),
        ("all", "specific_people", [5], "Use a text"),
        ("all", "file_types", "jpg", "Use eps"),
        ("all", "sort_order", "oldest", "best_match, most_popular, newest, random"),
        ("all", "ethnicity", "caucasian", "white, east_asian"),
        ("editorial", "graphical_styles", "fine_art", "photography, illustration, vector"),
        ("editorial", "minimum_quality_rank", 4, "one of 1, 2, 3"),
        ("editorial", "minimum_quality_rank", True, "one of 1, 2, 3"),
        ("all", "page", 0, "from 1"),
        ("all", "page", -1, "from 1"),
        ("all", "page", "two", "whole number"),
        ("all", "page", 1.0, "whole number"),
        ("all", "page", True, "whole number"),
        ("all", "page", 2**31, "2147483647"),
        ("all", "page_size", 7, "Use 6 or 10: it must be one of 1, 2, 3,"),
        ("similar", "page_size", "24", "Use 20 or 25: it must be"),
        ("all", "page_size", 101, "Use 75 or 100: it must be"),
        ("all", "page_size", 0, "Use 1 or 2: it must be"),
        ("all", "page_size", True, "Use one of 1, 2, 3,"),
        ("all", "page_size", -1, "Use one of 1, 2, 3,"),
        ("all", "page_size", "٣", "Use one of 1, 2, 3,"),
        ("boards", "page_size", 101, "from 1 to 100"),
        ("all", "keyword_ids", ["x"], "whole number"),
        ("all", "embed_content_only", "yes", "True or False"),
        ("all", "embed_content_only", 1, "True or False"),
        ("all", "color", "red", "#002244"),
        ("all", "color", "#00224", "#002244"),
        ("all", "color", 2244, "#002244"),
        ("all", "country", "FR", "FRA"),
        ("all", "download_product", "creditpack", "premiumaccess:1234"),
        ("all", "download_product", "premiumaccess:1&x=1", "premiumaccess:1234"),
        ("all", "artists", "x" * 1001, "at most 1000"),
        ("all", "artists", ["x"], "Use a text"),
        ("editorial", "date_from", "yesterday", "1999-12-31"),
        ("editorial", "date_from", 1999, "1999-12-31"),
        ("creative", "fields", "editorial_segments", "one of allowed_use"),
        ("all", "fields", "credit_line", "one of "),
        ("download", "product_type", "free", "easyaccess"),
        ("download", "file_type", "png", "eps, jpg"),
        ("boards", "sort_order", "name_descending", "name_decending"),
    ],
)
def test_a_bad_value_is_named_with_those_allowed(endpoint: str, name: str, value: Any, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encode(endpoint, {name: value})
    assert caught.value.message.startswith(f"{name} can't be ")
    assert hint in (caught.value.hint or "")


def test_a_long_bad_value_is_not_repeated_whole() -> None:
    with pytest.raises(ConfigurationError) as caught:
        encode("all", {"color": "x" * 5000})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "said", [{"page": 10**5000}, {"orientations": 10**5000}, {"number_of_people": {10**5000}}]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_cannot_be_written_is_a_bad_value(said: dict[str, Any], sign: int) -> None:
    name, value = next(iter(said.items()))
    with pytest.raises(ConfigurationError, match=f"{name} can't be a"):
        encode("all", {name: value if sign > 0 else -value if isinstance(value, int) else [value]})


def test_nor_is_it_an_id() -> None:
    number: Any = 10**5000
    with pytest.raises(UnsupportedReference):
        images.image_request(number, {}, SETTINGS)
    with pytest.raises(UnsupportedReference):
        sent(lambda boards: boards.get(number))


@pytest.mark.parametrize(
    ("endpoint", "name", "says"),
    [
        ("editorial", "color", "color requires family=all or family=creative."),
        ("editorial", "exclude_nudity", "exclude_nudity requires family=all or family=creative."),
        ("creative", "editorial_segments", "editorial_segments requires family=editorial."),
        ("creative", "specific_people", "specific_people requires family=all or family=editorial."),
        ("all", "moods", "moods requires family=creative."),
        ("all", "date_from", "date_from requires family=editorial."),
        ("all", "colour", "There is no argument 'colour' here. Did you mean color?"),
        ("all", "pageSize", "Did you mean page_size?"),
        ("all", "zzz", "Use one of age_of_people, "),
        ("image", "page", "Use one of fields, language."),
        ("boards", "pageSize", "Did you mean page_size?"),
    ],
)
def test_the_error_for_an_argument_names_the_searches_that_accept_it(endpoint: str, name: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encode(endpoint, {name: "x"})
    assert says in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(
    endpoint=st.sampled_from(sorted(ENDPOINTS)),
    data=st.data(),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=5,
    ),
)
def test_whatever_is_said_it_travels_or_is_refused(endpoint: str, data: st.DataObject, value: Any) -> None:
    name = data.draw(st.sampled_from(sorted(takes(endpoint))))
    try:
        pairs = encode(endpoint, {name: value})
    except ConfigurationError as error:
        refused = f"{error.message} {error.hint}"
    else:
        assert all(key and sent and "\n" not in sent and sent.encode() for key, sent in pairs)
        return
    assert refused.startswith(f"{name} can't be ")


# -- the table ------------------------------------------------------------------------------------------


def test_a_search_of_any_family_knows_what_each_of_them_knows() -> None:
    known: dict[str, set[str]] = {name: set() for name in get_type_hints(parameters.AnySearch)}
    for family in FAMILIES:
        for name, kind in get_type_hints(ENDPOINTS[family], include_extras=True).items():
            known[name] |= words(kind)
    assert set(known) == set().union(*(takes(family) for family in FAMILIES))
    kinds = get_type_hints(parameters.AnySearch, include_extras=True)
    # only the wider lists of facets and fields differ
    assert {name: words(kind) for name, kind in kinds.items()} == known


def words(kind: Any) -> set[str]:
    """The list of allowed values in an annotation, if there is one."""
    if get_origin(kind) is Annotated:
        return set()
    if get_origin(kind) is Literal:
        return {str(word) for word in get_args(kind)}
    return set().union(*(words(one) for one in get_args(kind)))


PATHS: dict[str, tuple[str, str]] = {
    "all": ("get", "/v3/search/images"),
    "creative": ("get", "/v3/search/images/creative"),
    "editorial": ("get", "/v3/search/images/editorial"),
    "image": ("get", "/v3/images/{id}"),
    "similar": ("get", "/v3/images/{id}/similar"),
    "same-series": ("get", "/v3/images/{id}/same-series"),
    "by-image": ("get", "/v3/search/images/creative/by-image"),
    "artist": ("get", "/v3/artists/images"),
    "event": ("get", "/v3/events/{id}"),
    "events": ("get", "/v3/search/events"),
    "download": ("post", "/v3/downloads/images/{id}"),
    "history": ("get", "/v3/downloads"),
    "boards": ("get", "/v3/boards"),
}

SUBJECTS = {"phrase", "artist_name", "asset_id", "image_url"}  # what a search is for


@pytest.mark.parametrize("endpoint", PATHS)
def test_the_table_is_the_contract(endpoint: str) -> None:
    contract = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_text("utf-8"))
    method, path = PATHS[endpoint]
    declared = {one["name"]: one for one in contract["paths"][path][method]["parameters"] if one["in"] != "path"}
    kinds = get_type_hints(ENDPOINTS[endpoint], include_extras=True)
    renamed = WIRE.get(endpoint, {})
    ours = {renamed.get(name, name): kind for name, kind in kinds.items() if name not in HEADERS}
    headers = {"language": "Accept-Language", "country": "GI-Country-Code"}
    said = set(ours) | {headers[name] for name in HEADERS & set(kinds)}
    assert said == set(declared) - SUBJECTS
    for name, kind in ours.items():
        assert words(kind) == enum(contract, declared[name]), name
        assert ("Sequence" in str(kind)) is (declared[name]["schema"].get("type") == "array"), name


def enum(contract: dict[str, Any], parameter: dict[str, Any]) -> set[str]:
    schema = parameter["schema"]
    schema = schema.get("items", schema)
    if "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if parameter["name"] == "minimum_quality_rank":  # three numbers, named only in its description
        return set(re.findall(r"\b[0-9]\b", parameter["description"].partition(" with ")[0]))
    return set(schema.get("enum", ()))


def test_the_languages_are_those_of_the_contract() -> None:
    contract = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_text("utf-8"))
    (header,) = (
        one
        for one in contract["paths"]["/v3/search/images"]["get"]["parameters"]
        if one["name"] == "Accept-Language"
    )
    listed = re.sub(r"\([^)]*\)", "", header["description"].partition("Supported values:")[2])
    assert {tag.strip(" .") for tag in listed.split(",")} == set(LANGUAGES)


# -- searches -------------------------------------------------------------------------------------------


def test_a_search_asks_for_embeddable_pictures_only() -> None:
    asked = search.request("creative", " solar  eclipse ", {}, SETTINGS)
    assert asked.url == "https://api.gettyimages.com/v3/search/images/creative"
    assert asked.params == (
        ("embed_content_only", "true"),
        ("fields", "detail_set,uri_oembed"),
        ("page", "1"),
        ("page_size", "30"),
        ("phrase", "solar eclipse"),
    )
    assert asked.headers == {"Accept": "application/json", "Accept-Language": "en-US"}
    assert (asked.method, asked.endpoint, asked.redirects) == ("GET", "api", 2)
    assert asked.max_bytes == 2 * 1024 * 1024
    assert {"api.gettyimages.com", "media.gettyimages.com", "delivery.gettyimages.com"} <= asked.hosts
    assert asked.body is None


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"embed_content_only": False}, {"embed_content_only": "false"}),
        ({"embed_content_only": None}, {"embed_content_only": "true"}),
        ({"fields": "summary_set"}, {"fields": "summary_set,uri_oembed"}),
        ({"fields": ["id", "uri_oembed"]}, {"fields": "id,uri_oembed"}),
        ({"fields": []}, {"fields": "detail_set,uri_oembed"}),
        ({"page": 4, "page_size": 12}, {"page": "4", "page_size": "12"}),
    ],
)
def test_the_defaults_of_a_search_can_be_overridden(said: dict[str, Any], sent: dict[str, str]) -> None:
    assert params(search.request("all", "x", said, SETTINGS)).items() >= sent.items()


@pytest.mark.parametrize(
    ("family", "path"),
    [("all", "images"), ("creative", "images/creative"), ("editorial", "images/editorial")],
)
def test_each_family_has_its_address(family: parameters.Family, path: str) -> None:
    asked = search.request(family, "x", {}, LOOPBACK)
    assert asked.url == f"http://127.0.0.1:8081/v3/search/{path}"
    assert asked.hosts == {"127.0.0.1"}


def test_language_and_country_are_headers() -> None:
    said = {"language": "pt-br", "country": " fra "}
    asked = search.request("editorial", "x", said, SETTINGS)
    assert asked.headers["Accept-Language"] == "pt-BR"
    assert asked.headers["GI-Country-Code"] == "FRA"
    assert not params(asked).keys() & {"language", "country"}
    assert "GI-Country-Code" not in search.request("all", "x", {}, SETTINGS).headers
    assert (
        search.request("all", "x", {}, ApiSettings.of(Settings(locale="ja_JP"))).headers["Accept-Language"] == "ja"
    )
    with pytest.raises(ConfigurationError, match="Unsupported language 'xx'"):
        search.request("all", "x", {"language": "xx"}, SETTINGS)


def test_something_must_be_searched_for() -> None:
    for phrase in ("", "  \n", "\u202e"):
        with pytest.raises(ConfigurationError, match="nothing to search for"):
            search.request("all", phrase, {"orientations": "square"}, SETTINGS)
    asked = search.request("editorial", "", {"event_ids": [775]}, SETTINGS)
    assert "phrase" not in params(asked)
    for wrong in ("x" * 1001, None, 5):
        with pytest.raises(ConfigurationError, match="not a phrase"):
            search.request("all", wrong, {}, SETTINGS)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="There is no family 'video'"):
        search.request("video", "x", {}, SETTINGS)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="fields"):
        search.request("all", "x", {"fields": 5}, SETTINGS)
    with pytest.raises(ConfigurationError, match="fields"):
        search.request("all", "x", {"fields": [{}]}, SETTINGS)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_any_phrase_is_one_clean_line(phrase: str) -> None:
    try:
        sent = params(search.request("all", phrase, {}, SETTINGS))["phrase"]
    except ConfigurationError:
        assert not payload.one_line(phrase, 1000)
        return
    sent.encode("utf-8")
    assert sent == " ".join(sent.split(" "))
    assert not set("\r\n\t\0") & set(sent)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *((tag, tag) for tag in LANGUAGES),
        ("de-AT", "de"),
        ("EN_gb", "en-GB"),
        ("en", "en-US"),
        ("en-AU", "en-US"),
        ("pt", "pt-BR"),
        ("pt_PT", "pt-PT"),
        ("zh-TW", "zh-HK"),
        ("zh", "zh-HK"),
        ("zh-CN", None),
        ("ar", None),
        ("", None),
        ("*", None),
    ],
)
def test_the_nearest_language(tag: str, language: str | None) -> None:
    assert nearest_language(tag) == language


# -- pictures by id, places -----------------------------------------------------------------------------


def test_pictures_by_their_ids() -> None:
    asked = images.images_request(["600200311", "SB40077001Q-001", "600200311"], {}, SETTINGS)
    assert asked.url == "https://api.gettyimages.com/v3/images"
    assert params(asked) == {
        "fields": "detail_set,display_set,uri_oembed",
        "ids": "600200311,sb40077001q-001",
    }
    one = images.image_request("600200311", {"fields": ["credit_line"], "language": "de"}, SETTINGS)
    assert one.url == "https://api.gettyimages.com/v3/images/600200311"
    assert params(one) == {"fields": "credit_line,uri_oembed"}
    assert one.headers["Accept-Language"] == "de"


def test_a_hundred_ids_at_a_time() -> None:
    ids = [str(number) for number in range(1, 102)]
    assert len(params(images.images_request(ids[:100], {}, SETTINGS))["ids"].split(",")) == MAX_IDS
    for wrong in ([], ids):
        with pytest.raises(ConfigurationError, match="1 to 100"):
            images.images_request(wrong, {}, SETTINGS)


@pytest.mark.parametrize("kind", ["similar", "same-series"])
def test_series(kind: Literal["similar", "same-series"]) -> None:
    asked = images.series_request(kind, "600200311", {"page": 2}, SETTINGS)
    assert asked.url == f"https://api.gettyimages.com/v3/images/600200311/{kind}"
    assert params(asked) == {"fields": "detail_set,uri_oembed", "page": "2", "page_size": "30"}
    with pytest.raises(ConfigurationError, match="There is no argument 'phrase'"):
        images.series_request(kind, "1", {"phrase": "x"}, SETTINGS)


def test_places() -> None:
    asked = get(SETTINGS, "/v3/countries", language="fr")
    assert (asked.url, asked.params) == ("https://api.gettyimages.com/v3/countries", ())
    assert asked.headers["Accept-Language"] == "fr"
    assert get(SETTINGS, "/v3/collections").url == "https://api.gettyimages.com/v3/collections"


# -- downloads and boards -------------------------------------------------------------------------------


OFFER = DownloadOffer("easyaccess")


def test_a_download_is_an_order() -> None:
    asked = licenses.order_request(OFFER, "600200311", {"height": 2000}, SETTINGS)
    assert asked.url == "https://api.gettyimages.com/v3/downloads/images/600200311"
    assert params(asked) == {"auto_download": "true", "product_type": "easyaccess", "height": "2000"}
    assert (asked.method, asked.redirects, asked.follow_redirects) == ("POST", 0, False)
    assert asked.body == b"null"
    assert asked.headers["Content-Type"] == "application/json"


def test_a_download_with_notes() -> None:
    notes = {"download_notes": "Für die Titelseite", "project_code": "7"}
    asked = licenses.order_request(OFFER, "1", {"auto_download": False}, SETTINGS, notes)
    assert params(asked) == {"auto_download": "false", "product_type": "easyaccess"}
    assert json.loads(asked.body or b"") == notes
    assert (asked.body or b"").isascii()


def test_the_file_is_requested_without_credentials() -> None:
    asked = licenses.file_request("https://delivery.gettyimages.com/xa/1.jpg?k=1", SETTINGS)
    assert (asked.method, asked.params, asked.redirects, asked.body) == ("GET", (), 2, None)
    assert asked.endpoint == "delivery"
    assert asked.headers == {"Accept": "*/*", "Accept-Encoding": "identity"}
    assert "delivery.gettyimages.com" in asked.hosts


def test_boards() -> None:
    base = "https://api.gettyimages.com/v3/boards"
    listed = sent(methodcaller("list", relationship="invited", sort_order="name_decending"))
    assert (listed.method, listed.url) == ("GET", base)
    assert params(listed) == {
        "board_relationship": "invited",
        "sort_order": "name_decending",
        "page": "1",
        "pageSize": "30",
    }
    assert sent(lambda boards: boards.get(BOARD)).url == f"{base}/{BOARD}"
    assert sent(lambda boards: boards.comments(BOARD)).url == f"{base}/{BOARD}/comments"
    orders: list[tuple[Request, str, str, object]] = [
        (sent(lambda boards: boards.create("Fog")), "POST", base, {"name": "Fog", "description": ""}),
        (
            sent(lambda boards: boards.rename(BOARD, "Fog", "x")),
            "PUT",
            f"{base}/{BOARD}",
            {"name": "Fog", "description": "x"},
        ),
        (sent(lambda boards: boards.delete(BOARD)), "DELETE", f"{base}/{BOARD}", None),
        (
            sent(methodcaller("add", BOARD, ["1", "2", "1"])),
            "PUT",
            f"{base}/{BOARD}/assets",
            [{"asset_id": "1"}, {"asset_id": "2"}],
        ),
        (sent(methodcaller("remove", BOARD, ["1", "2"])), "DELETE", f"{base}/{BOARD}/assets", None),
        (
            sent(methodcaller("comment", BOARD, "Schön\n!")),
            "POST",
            f"{base}/{BOARD}/comments",
            {"text": "Schön !"},
        ),
        (
            sent(lambda boards: boards.delete_comment(BOARD, "c-1")),
            "DELETE",
            f"{base}/{BOARD}/comments/c-1",
            None,
        ),
    ]
    for order, method, url, document in orders:
        assert (order.method, order.url, order.redirects) == (method, url, 0)
        assert (json.loads(order.body) if order.body else None) == document
        assert ("Content-Type" in order.headers) is (document is not None)
    removal = sent(methodcaller("remove", BOARD, ["1", "2"]))
    assert removal.params == (("asset_ids", "1"), ("asset_ids", "2"))


def test_boards_want_names_and_comments_want_words() -> None:
    for name in ("", " \n"):
        with pytest.raises(ConfigurationError, match="needs a name"):
            sent(methodcaller("create", name))
        with pytest.raises(ConfigurationError, match="comment is empty"):
            sent(methodcaller("comment", BOARD, name))
    with pytest.raises(UnsupportedReference, match="No pictures"):
        sent(methodcaller("add", BOARD, []))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_but_an_id_gets_into_a_path(hostile: str) -> None:
    asking: list[Callable[[], Request]] = [
        lambda: images.image_request(hostile, {}, SETTINGS),
        lambda: images.images_request([hostile], {}, SETTINGS),
        lambda: images.series_request("similar", hostile, {}, SETTINGS),
        lambda: licenses.order_request(OFFER, hostile, {}, SETTINGS),
        lambda: sent(methodcaller("add", BOARD, [hostile])),
        lambda: sent(methodcaller("remove", BOARD, [hostile])),
    ]
    for ask in asking:
        with pytest.raises(UnsupportedReference):
            ask()
    if hostile != "abc":  # IDs of boards have another format
        with pytest.raises(UnsupportedReference):
            sent(lambda boards: boards.get(hostile))
        with pytest.raises(UnsupportedReference):
            sent(lambda boards: boards.delete_comment(BOARD, hostile))


def test_no_secret_passes_through() -> None:
    rows: dict[str, Any] = {"api_key": "canary-key", "api_secret": "canary-secret", "password": "canary-word"}
    secretive = ApiSettings.of(Settings(**rows, username="u"))
    for request in (
        search.request("all", "x", {}, secretive),
        images.image_request("1", {}, secretive),
        licenses.order_request(OFFER, "1", {}, secretive),
        sent(lambda boards: boards.create("x"), secretive),
    ):
        shown = f"{request.url} {request.params} {dict(request.headers)} {request.body!r}"
        assert "canary" not in shown
        assert not {"api-key", "authorization"} & {name.lower() for name in request.headers}


def test_wrong_ids_of_other_types_are_refused() -> None:
    for wrong in (None, 5, ["1"], b"1"):
        with pytest.raises(EmbedKitError):
            images.image_request(wrong, {}, SETTINGS)  # type: ignore[arg-type]
        with pytest.raises(EmbedKitError):
            sent(methodcaller("get", wrong))


def test_the_sets_of_fields_are_known_to_each_endpoint() -> None:
    for listed in (
        parameters.CreativeField,
        parameters.EditorialField,
        parameters.BlendedField,
        parameters.DetailField,
    ):
        assert {"summary_set", "detail_set", "display_set", "uri_oembed"} <= set(get_args(listed))
