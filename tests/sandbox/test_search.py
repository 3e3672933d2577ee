"""Searches in the sandbox's API v3: results, their order, and the fields of pictures."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.files.installed import static_dir
from embedkit.sandbox import Asset, Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import GONE, HOSTILE, NOT_EMBEDDABLE, WITHDRAWN, catalogue, find
from embedkit.sandbox.content.library import CONTENT, SceneKind
from embedkit.sandbox.content.pictures import Color, main_colors
from embedkit.sandbox.content.traits import ethnicities, keyword_id, keywords, traits, unsafe
from embedkit.sandbox.services import fields, parameters
from embedkit.sandbox.services.parameters import BLENDED, CREATIVE, EDITORIAL, SearchKind
from embedkit.sandbox.services.ranking import Index, fold, phrase_of, tokens
from tests.support.api import (
    APPLICATION,
    SEARCH_CLIENT,
    ApiClient,
    send_request,
)
from tests.support.tools import reference_dir

SEARCH = "/v3/search/images"
PATHS = {BLENDED: SEARCH, CREATIVE: f"{SEARCH}/creative", EDITORIAL: f"{SEARCH}/editorial"}
KINDS = pytest.mark.parametrize("kind", PATHS, ids=lambda kind: kind.name)
FIELDS = {BLENDED: fields.BLENDED, CREATIVE: fields.CREATIVE, EDITORIAL: fields.EDITORIAL}
APP = Sandbox(SandboxConfig(deterministic=True, facets=True))
KEY_ALONE = ApiClient(APP, None)
CUSTOMER = ApiClient(APP)
LENIENT = ApiClient(Sandbox(SandboxConfig(strict=False)), None)
CONTRACT = "upstream/openapi_v3.json"


def search(kind: SearchKind = BLENDED, caller: ApiClient = KEY_ALONE, **params: Any) -> Any:
    return caller.get(PATHS[kind], **params)


def every(kind: SearchKind = BLENDED, caller: ApiClient = KEY_ALONE, **params: Any) -> list[str]:
    """Return the IDs of all pages of a result."""
    ids: list[str] = []
    for page in range(1, 30):
        answer = search(kind, caller, fields="id", page=page, page_size=100, **params)
        ids += [image["id"] for image in answer["images"]]
        if len(ids) >= answer["result_count"]:
            return ids
    raise AssertionError("no end")


def asset_of(asset_id: str) -> Asset:
    asset = find(asset_id)
    assert asset
    return asset


def shown(family: str | None) -> list[Asset]:
    """Return the assets that a search can find."""
    return [one for one in catalogue().values() if not one.withdrawn and family in (None, one.family)]


# -- words and ranking ---------------------------------------------------------------------------------

PLAIN = replace(asset_of("600000001"), title="", caption="", keywords=("x", "y"), photographer="", collection="")


def index_of(**titles: str) -> Index:
    return Index(replace(PLAIN, id=name, title=title) for name, title in titles.items())


def order(index: Index, phrase: str) -> list[str]:
    return [hit.id for hit in index.search(phrase_of(phrase))]


def test_more_matching_words_rank_first() -> None:
    index = index_of(one="lake", two="red lake house", three="red lake")
    assert order(index, "red lake house") == ["two", "three", "one"]


def test_rarer_words_rank_higher() -> None:
    index = index_of(a="lake", b="lake", c="lake", d="lake", e="lighthouse", f="lake")
    assert order(index, "lake lighthouse")[0] == "e"


def test_a_title_counts_more_than_a_caption() -> None:
    captioned, titled = (
        replace(PLAIN, id="captioned", caption="A heron"),
        replace(PLAIN, id="titled", title="A heron"),
    )
    assert order(Index([captioned, titled]), "heron") == ["titled", "captioned"]


def test_adjacent_words_rank_higher() -> None:
    index = index_of(apart="game of an owl and a red fox night", together="a red night owl game")
    assert order(index, "night owl") == ["together", "apart"]


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("lakes", True),
        ("LAKE", True),
        ("Läkè", True),
        ("churches", True),
        ("church", True),
        ("berry", True),
        ("berries", True),
        ("glass", True),
        ("glasses", True),
        ("woman", True),
        ("women", True),
        ("sorensen", True),
        ("Sørensen", True),
        ("o'rourke", True),
        ("ORourke", True),
        ("O’Rourke", True),
        ("straße", True),
        ("strasse", True),
        ("日本", True),
        ("lak", False),
        ("churn", False),
        ("the", True),
        ("of the lake", True),
        ("lake,berry", True),
        ('"churches by lakes"', True),
        ('"church by lake"', True),
        ("“churches by lakes”", True),
        ('"churches lakes"', False),
        ('"lakes by churches"', False),
        ('"berries', True),
        ("!!!", False),
        ("", False),
    ],
)
def test_which_words_are_considered_equal(phrase: str, found: bool) -> None:
    title = "The churches by lakes, berries: women of Sørensen, O'Rourke, a glass in the Straße, 日本"
    assert bool(order(index_of(one=title), phrase)) == found


def test_no_people_does_not_match_people() -> None:
    empty = replace(PLAIN, id="empty", keywords=("no people", "x", "y"))
    crowd = replace(PLAIN, id="crowd", keywords=("people", "x", "y"), people=5)
    index = Index([empty, crowd])
    assert order(index, "people") == ["crowd"]
    assert order(index, "no people") == ["empty"]


def test_pictures_from_the_callers_country_rank_higher() -> None:
    index = Index([replace(PLAIN, id="a", country="Norway"), replace(PLAIN, id="b", country="Japan")])
    for code, first in (("NOR", "a"), ("JPN", "b")):
        hits = index.search(phrase_of("photography"), code)
        assert next(hit.id for hit in hits) == first


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=150)
def test_any_phrase_can_be_searched(text: str) -> None:
    phrase = phrase_of(text)
    assert len(phrase.words) <= 32
    assert tokens(fold(text)) == tokens(text)
    answer = search(CREATIVE, phrase=text, page_size=1)
    assert len(answer["images"]) <= 1


def test_concurrent_first_searches_build_one_index() -> None:
    code = (
        "import threading\n"
        "from embedkit.sandbox.content import catalogue\n"
        "from embedkit.sandbox.services import ranking\n"
        "built = []\n"
        "class Counted(ranking.Index):\n"
        "    def __init__(self, assets):\n"
        "        built.append(1)\n"
        "        super().__init__(assets)\n"
        "ranking.Index = Counted\n"
        "threads = [threading.Thread(target=ranking.index) for _ in range(20)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print(len(built), catalogue._build.cache_info().misses)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 1"


def test_solar_eclipses() -> None:
    ids = every(phrase="Solar Eclipses", embed_content_only="true")
    found = [asset_of(one) for one in ids]
    assert len(found) > 90
    assert {one.scene for one in found} == {"eclipse", "partial", "annular", "phases", "watchers"}
    assert {one.family for one in found} == {"creative", "editorial"}
    assert len({one.scene for one in found[:20]}) > 2
    assert all("eclipse" in f"{one.title} {one.caption} {one.keywords}".lower() for one in found)


def test_pictures_with_all_words_are_preferred() -> None:
    words = {one.id: f"{one.title} {one.caption} {one.keywords}".lower() for one in catalogue().values()}
    both = every(phrase="eclipse rotterdam")
    assert both
    assert all("eclipse" in words[one] and "rotterdam" in words[one] for one in both)
    some = every(phrase="eclipse zeppelin")
    assert len(some) > len(both)
    assert all("eclipse" in words[one] for one in some)


def test_enhanced_searches_find_more() -> None:
    precise = every(CREATIVE, phrase="mountain lisbon", enhanced_search="false")
    enhanced = every(CREATIVE, phrase="mountain lisbon")
    assert 0 < len(precise) < len(enhanced)
    assert enhanced[: len(precise)] == precise
    assert every(CREATIVE, phrase="mountain zeppelin", enhanced_search="false") == []


def test_ids_find_their_pictures() -> None:
    assert every(phrase="600000009, 74917285") == ["600000009", "74917285"]
    assert every(EDITORIAL, phrase="74917285") == ["74917285"]
    assert every(CREATIVE, phrase="74917285") == []
    assert every(phrase=WITHDRAWN) == []


def test_withdrawn_pictures_are_never_found() -> None:
    app = Sandbox()
    caller = ApiClient(app, None)
    first, *rest = every(caller=caller, phrase="eclipse")
    assert not {WITHDRAWN, GONE} & {first, *rest}
    app.withdraw(first)
    assert every(caller=caller, phrase="eclipse") == rest
    assert every(caller=caller, phrase=first) == []


def test_without_a_phrase_everything_is_found() -> None:
    for kind in PATHS:
        assert every(kind) == every(kind, phrase="") == [one.id for one in shown(kind.family)]


@KINDS
def test_pages_are_complete_and_do_not_overlap(kind: SearchKind) -> None:
    whole = every(kind, phrase="sky")
    for size in (1, 6, 100):
        pages = [
            search(kind, phrase="sky", page=at, page_size=size)
            for at in (1, 2, 3)
            if at * size < len(whole) + size
        ]
        assert [image["id"] for page in pages for image in page["images"]] == whole[: 3 * size]
        assert {page["result_count"] for page in pages} == {len(whole)}
    assert len(search(kind, phrase="sky")["images"]) == 30


# -- sort orders ---------------------------------------------------------------------------------------


@KINDS
def test_sort_orders(kind: SearchKind) -> None:
    best = every(kind, phrase="eclipse")
    dates = [asset_of(one).date_created for one in every(kind, phrase="eclipse", sort_order="newest")]
    assert dates == sorted(dates, reverse=True)
    liked = every(kind, phrase="eclipse", sort_order="most_popular")
    mixed = every(kind, phrase="eclipse", sort_order="random")
    assert sorted(best) == sorted(liked) == sorted(mixed)
    assert len({(*best,), (*liked,), (*mixed,)}) == 3
    assert every(kind, phrase="eclipse", sort_order="best_match") == best
    assert every(kind, phrase="eclipse", sort_order="random") == mixed


def test_oldest_first() -> None:
    dates = [asset_of(one).date_created for one in every(EDITORIAL, phrase="eclipse", sort_order="oldest")]
    assert dates == sorted(dates)


def test_random_order_is_random_unless_deterministic() -> None:
    caller = ApiClient(Sandbox(), None)
    assert every(caller=caller, phrase="sky", sort_order="random") != every(
        caller=caller, phrase="sky", sort_order="random"
    )


# -- filters -------------------------------------------------------------------------------------------

Passes = Callable[[Asset], bool]


def near(one: Asset, wanted: Color) -> bool:
    return any(math.dist(color, wanted) <= 60 for color in main_colors(one))


LAKE = keyword_id("lake")
EVENT = asset_of("74917285").event_id
CROWDS: dict[str, tuple[SearchKind, dict[str, Any], Passes]] = {
    "orientations": (BLENDED, {"orientations": "vertical"}, lambda one: one.orientation == "vertical"),
    "orientations, two": (
        BLENDED,
        {"orientations": "square,panoramic_horizontal"},
        lambda one: one.orientation in ("square", "panoramic_horizontal"),
    ),
    "nobody": (BLENDED, {"number_of_people": "none"}, lambda one: one.people == 0),
    "groups": (EDITORIAL, {"number_of_people": "two,group"}, lambda one: one.people >= 2),
    "children": (CREATIVE, {"age_of_people": "child"}, lambda one: "child" in traits(one).ages),
    "seniors": (CREATIVE, {"age_of_people": "senior_adult"}, lambda one: "senior_adult" in traits(one).ages),
    "in their seventies": (CREATIVE, {"age_of_people": "70-79_years"}, lambda one: "70-79_years" in traits(one).ages),
    "ethnicity": (BLENDED, {"ethnicity": "south_asian,black"}, lambda one: bool({"south_asian", "black"} & ethnicities(one))),
    "ethnicity, older word": (BLENDED, {"ethnicity": "hispanic_latino"}, lambda one: "hispanic_latinx" in ethnicities(one)),
    "compositions": (BLENDED, {"compositions": "headshot"}, lambda one: "headshot" in CONTENT.scenes.get(one.scene, SceneKind()).compositions),
    "moods": (CREATIVE, {"moods": "black_and_white"}, lambda one: one.monochrome),
    "styles": (CREATIVE, {"graphical_styles": "vector"}, lambda one: "vector" in one.keywords),
    "styles left out": (
        CREATIVE,
        {"graphical_styles": "vector,fine_art", "graphical_styles_filter_type": "exclude"},
        lambda one: traits(one).style in ("photography", "illustration"),
    ),
    "file types": (CREATIVE, {"file_types": "eps"}, lambda one: "vector" in one.keywords),
    "sizes": (
        BLENDED,
        {"minimum_size": "x_large"},
        lambda one: max(one.width, one.height) > 4096 or "vector" in one.keywords,
    ),
    "sizes, as the text has them": (
        EDITORIAL,
        {"minimum_size": "xx-large"},
        lambda one: max(one.width, one.height) > 6000,
    ),
    "collections": (BLENDED, {"collection_codes": "nlt,WAD"}, lambda one: one.collection_code in ("NLT", "WAD")),
    "collections left out": (
        BLENDED,
        {"collection_codes": "NLT,WAD", "collections_filter_type": "exclude"},
        lambda one: one.collection_code not in ("NLT", "WAD"),
    ),
    "keywords": (BLENDED, {"keyword_ids": LAKE}, lambda one: "lake" in one.keywords),
    "two keywords": (
        CREATIVE,
        {"keyword_ids": f"{LAKE},{keyword_id('vector')}"},
        lambda one: {"lake", "vector"} <= {*one.keywords},
    ),
    "keywords left out": (
        CREATIVE,
        {"exclude_keyword_ids": f"{LAKE},{keyword_id('vector')}"},
        lambda one: not {"lake", "vector"} & {*one.keywords},
    ),
    "artists": (
        BLENDED,
        {"artists": "zoe moreau, Lindqvist"},
        lambda one: one.photographer == "Zoë Moreau" or one.photographer.endswith("Lindqvist"),
    ),
    "people": (EDITORIAL, {"specific_people": "Ada Lune,Night Ferry"}, lambda one: bool({"Ada Lune", "Night Ferry"} & {*one.named})),
    "events": (EDITORIAL, {"event_ids": EVENT}, lambda one: one.event_id == EVENT),
    "segments": (
        EDITORIAL,
        {"editorial_segments": "sport,royalty"},
        lambda one: one.segment == "sport" or "royalty" in one.keywords,
    ),
    "archives": (
        EDITORIAL,
        {"editorial_segments": "archival"},
        lambda one: one.segment == "news" and one.date_created < "2012",
    ),
    "publicity": (EDITORIAL, {"editorial_segments": "publicity"}, lambda one: "publicity" in one.keywords),
    "from": (EDITORIAL, {"date_from": "2020-03-05"}, lambda one: one.date_created[:10] >= "2020-03-05"),
    "to": (EDITORIAL, {"date_to": "2015-03-05"}, lambda one: one.date_created[:10] <= "2015-03-05"),
    "to, with a time": (
        EDITORIAL,
        {"date_to": "2015-03-05T00:00:00+02:00"},
        lambda one: one.date_created[:10] < "2015-03-05",
    ),
    "ranks": (EDITORIAL, {"minimum_quality_rank": 1}, lambda one: traits(one).quality == 1),
    "nudity": (CREATIVE, {"exclude_nudity": "true"}, lambda one: "nude" not in one.keywords),
    "nudity, blended": (BLENDED, {"exclude_nudity": "True"}, lambda one: "nude" not in one.keywords),
    "safety": (CREATIVE, {"safe_search": "true"}, lambda one: not unsafe(one)),
    "commercial": (CREATIVE, {"exclude_editorial_use_only": "true"}, lambda one: not traits(one).editorial_only),
    "embeddable": (BLENDED, {"embed_content_only": "true"}, lambda one: one.embeddable),
    "products": (BLENDED, {"download_product": "imagepack"}, lambda one: one.family == "creative"),
    "one product": (BLENDED, {"download_product": "editorialsubscription:50003"}, lambda one: one.family == "editorial"),
    "colors": (CREATIVE, {"color": "#9f818d"}, lambda one: near(one, (0x9F, 0x81, 0x8D))),
    "colors, blended": (
        BLENDED,
        {"color": "9F818D"},
        lambda one: one.family == "creative" and near(one, (0x9F, 0x81, 0x8D)),
    ),
    "several at once": (
        CREATIVE,
        {"orientations": "horizontal", "number_of_people": "one", "embed_content_only": "true"},
        lambda one: one.orientation == "horizontal" and one.people == 1 and one.embeddable,
    ),
}  # fmt: skip


def test_every_swatch_of_the_picker_finds_pictures() -> None:
    filters = (static_dir() / "picker" / "search.js").read_text("utf-8")
    swatches = dict(re.findall(r'(\w+): "([0-9a-f]{6})"', filters))
    assert len(swatches) == 12
    crowds = {name: search(CREATIVE, color=color)["result_count"] for name, color in swatches.items()}
    assert min(crowds.values()) > 20, crowds
    assert max(crowds.values()) < len(shown("creative"))


@pytest.mark.parametrize(("kind", "params", "passes"), CROWDS.values(), ids=CROWDS)
def test_filters(kind: SearchKind, params: dict[str, Any], passes: Passes) -> None:
    there = shown(kind.family)
    expected = [one.id for one in there if passes(one)]
    assert 0 < len(expected) < len(there)
    assert every(kind, **params) == expected


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (CREATIVE, {"safe_search": "false", "exclude_nudity": "FALSE", "embed_content_only": "false"}),
        (CREATIVE, {"exclude_editorial_use_only": "false", "orientations": "", "keyword_ids": ",,"}),
        (BLENDED, {"minimum_size": "x_small", "color": "", "event_ids": ""}),
        (BLENDED, {"collections_filter_type": "exclude", "graphical_styles_filter_type": "exclude"}),
        (BLENDED, {"prestige_content_only": "true", "product_types": "easyaccess", "moods": "nonsense"}),
        (EDITORIAL, {"exclude_nudity": "nonsense", "color": "nonsense", "minimum_quality_rank": "3"}),
    ],
)
def test_values_that_do_not_filter(kind: SearchKind, params: dict[str, Any]) -> None:
    assert search(kind, LENIENT, **params)["result_count"] == len(shown(kind.family))


def test_exclusive_filters_leave_nothing() -> None:
    assert every(BLENDED, download_product="imagepack:1") == []
    assert every(BLENDED, download_product="royaltyfreesubscription") == []
    assert every(CREATIVE, age_of_people="newborn") == []


def test_a_few_pictures_are_unsafe_or_editorial_only() -> None:
    nude = [one for one in shown("creative") if "nude" in one.keywords]
    drinks = [one for one in shown("creative") if "alcohol" in one.keywords]
    assert 5 < len(nude) < 40
    assert 5 < len(drinks) < 40
    assert 5 < sum(traits(one).editorial_only for one in shown("creative")) < 90


def test_filters_apply_to_the_results_of_a_phrase() -> None:
    upright = every(phrase="solar eclipse", orientations="vertical")
    assert upright == [one for one in every(phrase="solar eclipse") if asset_of(one).orientation == "vertical"]


# -- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "params", "body"),
    [
        (BLENDED, {"page_size": "a"}, ("page_size", "The value 'a' is not valid for Int32.")),
        (BLENDED, {"page": "1.5"}, ("page", "The value '1.5' is not valid for Int32.")),
        (BLENDED, {"page": "99999999999"}, ("page", "The value '99999999999' is not valid for Int32.")),
        (BLENDED, {"page": "٣"}, ("page", "The value '٣' is not valid for Int32.")),
        (BLENDED, {"page": "0"}, "InvalidPage"),
        (BLENDED, {"page_size": "0"}, "InvalidPageSize"),
        (BLENDED, {"page_size": "101"}, "InvalidPageSize"),
        (BLENDED, {"page_size": "-3"}, "InvalidPageSize"),
        (BLENDED, {"sort_order": "oldest"}, ("sort_order", "The value 'oldest' is not valid.")),
        (BLENDED, {"orientations": "horizontal,round"}, ("orientations", "The value 'round' is not valid.")),
        (EDITORIAL, {"graphical_styles": "fine_art"}, ("graphical_styles", "The value 'fine_art' is not valid.")),
        (CREATIVE, {"facet_fields": "events"}, ("facet_fields", "The value 'events' is not valid.")),
        (CREATIVE, {"moods": "sad"}, ("moods", "The value 'sad' is not valid.")),
        (CREATIVE, {"exclude_nudity": "yes"}, ("exclude_nudity", "The value 'yes' is not valid for Boolean.")),
        (CREATIVE, {"keyword_ids": "1,x"}, ("keyword_ids", "The value 'x' is not valid for Int32.")),
        (CREATIVE, {"fields": "title,artist_title"}, ("fields", "The value 'artist_title' is not valid.")),
        (EDITORIAL, {"date_from": "yesterday"}, ("date_from", "The value 'yesterday' is not valid for Nullable`1.")),
        (EDITORIAL, {"minimum_quality_rank": "4"}, ("minimum_quality_rank", "The value '4' is not between 1 and 3.")),
        (EDITORIAL, {"file_types": "jpg"}, ("file_types", "The value 'jpg' is not valid.")),
        (BLENDED, {"minimum_size": "huge"}, ("minimum_size", "The value 'huge' is not valid.")),
        (BLENDED, {"color": "red"}, "InvalidParameterValue"),
        (BLENDED, {"download_product": "gold"}, "InvalidParameterValue"),
        (BLENDED, {"download_product": "premiumaccess:x"}, "InvalidParameterValue"),
    ],
)  # fmt: skip
def test_refusals(kind: SearchKind, params: dict[str, str], body: tuple[str, str] | str) -> None:
    response = KEY_ALONE.request("GET", PATHS[kind], **params)
    assert response.status == 400
    error = json.loads(response.body)
    if isinstance(body, str):
        assert error.keys() == {"ErrorCode", "ErrorMessage"}
        assert error["ErrorCode"] == body
    else:
        assert error == {"ErrorCode": "InvalidRequest", "ErrorMessage": f"Field: {body[0]}, Message: {body[1]}"}
    assert response.headers["content-type"].startswith("application/vnd.getty.error+json")


def test_page_sizes() -> None:
    for size in range(1, 101):
        response = KEY_ALONE.request("GET", SEARCH, page_size=size, fields="id")
        assert response.status == (200 if size in parameters.PAGE_SIZES else 400)
    assert json.loads(KEY_ALONE.request("GET", SEARCH, page_size=7).body)["ErrorCode"] == "InvalidPageSize"
    assert LENIENT.request("GET", SEARCH, page_size=7).status == 200


def test_a_page_beyond_the_last() -> None:
    total = search(phrase="sky", page_size=100)["result_count"]
    last = -(-total // 100)
    response = KEY_ALONE.request("GET", SEARCH, phrase="sky", page_size=100, page=last + 1)
    assert (response.status, json.loads(response.body)) == (
        400,
        {
            "ErrorCode": "InvalidPage",
            "ErrorMessage": f"page must be less than or equal to {last}, results count {total}",
        },
    )
    assert KEY_ALONE.request("GET", SEARCH, phrase="sky", page_size=100, page=last).status == 200
    assert LENIENT.get(SEARCH, phrase="sky", page_size=100, page=last + 1)["images"] == []


def test_an_unknown_parameter() -> None:
    response = KEY_ALONE.request("GET", SEARCH, phrase="sky", orientation="horizontal")
    assert response.status == 400
    assert "Field: orientation" in json.loads(response.body)["ErrorMessage"]
    assert LENIENT.request("GET", SEARCH, phrase="sky", orientation="horizontal").status == 200


def test_an_unknown_country() -> None:
    for code, status in (("NOR", 200), ("nor", 200), ("", 200), ("NO", 400), ("XXX", 400)):
        headers = KEY_ALONE.headers | {"GI-Country-Code": code}
        assert send_request(APP, "GET", SEARCH, headers).status == status


def test_encoded_commas_and_repeated_parameters() -> None:
    one = send_request(APP, "GET", f"{SEARCH}?fields=id&orientations=square%2Cvertical", KEY_ALONE.headers)
    two = send_request(
        APP, "GET", f"{SEARCH}?fields=id&orientations=square&orientations=vertical", KEY_ALONE.headers
    )
    assert one.body == two.body
    assert one.status == 200


@given(
    st.sampled_from(list(PATHS)),
    st.dictionaries(
        st.sampled_from(sorted({name for kind in PATHS for name in kind.params})),
        st.one_of(
            st.text(max_size=30),
            st.from_regex(r"[0-9T:+,.-]{1,30}", fullmatch=True),
            st.datetimes(timezones=st.just(None) | st.timezones()).map(lambda moment: moment.isoformat()),
        ),
        max_size=4,
    ),
)
@settings(deadline=None, max_examples=250)
def test_invalid_values_are_refused_or_ignored(kind: SearchKind, params: dict[str, str]) -> None:
    response = KEY_ALONE.request("GET", PATHS[kind], **params, page_size_="x")
    assert response.status in (200, 400, 401, 403)


# -- fields --------------------------------------------------------------------------------------------

SUMMARY = [
    *("id", "asset_family", "caption", "collection_code", "collection_id", "collection_name", "display_sizes"),
    *("license_model", "max_dimensions", "title"),
]
DETAIL = [
    *("id", "allowed_use", "artist", "asset_family", "call_for_image", "caption", "collection_code"),
    *("collection_id", "collection_name", "copyright", "date_created", "display_sizes", "editorial_segments"),
    *("event_ids", "graphical_style", "license_model", "max_dimensions", "orientation", "product_types"),
    *("quality_rank", "referral_destinations", "title"),
]
UNDECLARED = ("editorial_segments", "event_ids", "product_types")  # of creative pictures


def names_of(kind: SearchKind, caller: ApiClient = KEY_ALONE, **params: str) -> list[str]:
    return list(search(kind, caller, page_size=1, **params)["images"][0])


@KINDS
def test_field_sets(kind: SearchKind) -> None:
    detail = [name for name in DETAIL if kind is not CREATIVE or name not in UNDECLARED]
    assert names_of(kind) == names_of(kind, fields="summary_set") == names_of(kind, fields="") == SUMMARY
    assert names_of(kind, fields="detail_set") == detail
    assert names_of(kind, fields="display_set") == ["id", "display_sizes"]
    assert names_of(kind, fields="Title, ID") == ["id", "title"]
    assert names_of(kind, fields="id") == ["id"]
    assert names_of(kind, fields="uri_oembed,summary_set") == sorted(
        [*SUMMARY, "uri_oembed"], key=lambda n: (n != "id", n)
    )


def test_undeclared_fields() -> None:
    for config in (SandboxConfig(undeclared_fields=True), SandboxConfig(era="2018")):
        live = ApiClient(Sandbox(config), None)
        assert names_of(CREATIVE, live, fields="detail_set") == DETAIL
    assert names_of(CREATIVE, live, fields="date_submitted") == ["id", "date_submitted"]
    assert names_of(CREATIVE, fields="date_submitted") == ["id"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("summary_set", ["thumb"]),
        ("display_set", ["comp", "preview", "thumb"]),
        ("detail_set", ["comp", "preview", "thumb"]),
        ("comp", ["comp"]),
        ("thumb,comp_webp", ["comp_webp", "thumb"]),
    ],
)
def test_display_sizes(asked: str, names: list[str]) -> None:
    listed = search(page_size=1, fields=asked)["images"][0]["display_sizes"]
    assert [one["name"] for one in listed] == names
    assert all(list(one) == ["is_watermarked", "name", "uri"] for one in listed)
    assert all(one["is_watermarked"] == (one["name"] != "thumb") for one in listed)


def test_display_sizes_are_pictures() -> None:
    found = search(phrase="74917285", fields="display_set,comp_webp")["images"][0]["display_sizes"]
    assert [parse_qs(urlsplit(one["uri"]).query)["s"][0] for one in found] == [
        "612x612",
        "612x612",
        "612x612",  # the preview, which has been the comp since 2024
        "170x170",
    ]
    boxes = []
    for one in found:
        response = send_request(APP, "GET", one["uri"])
        assert (response.status, response.headers["content-type"]) == (200, "image/svg+xml")
        drawn = re.search(rb'width="([0-9]+)" height="([0-9]+)"', response.body)
        assert drawn
        boxes.append((int(drawn[1]), int(drawn[2])))
    assert boxes == [(407, 612), (407, 612), (407, 612), (113, 170)]


def test_large_comps_are_for_customers() -> None:
    for caller in (KEY_ALONE, ApiClient(APP, APPLICATION)):
        response = caller.request("GET", SEARCH, fields="high_res_comp", page_size=1)
        assert response.status == 403
        assert json.loads(response.body)["ErrorCode"] == "UnauthorizedDisplaySize"
    sizes = search(caller=CUSTOMER, fields="high_res_comp", page_size=1)["images"][0]["display_sizes"]
    assert "&s=2048x2048&" in sizes[0]["uri"]


def test_embeddable_pictures_have_an_oembed_url() -> None:
    found = search(CREATIVE, phrase="portrait", page_size=100, fields="uri_oembed")["images"]
    for image in found:
        asset = asset_of(image["id"])
        assert (image["uri_oembed"] is not None) == asset.embeddable
        if asset.embeddable:
            assert re.fullmatch(
                rf"http://127\.0\.0\.1:8081/oembed\?url=http%3a%2f%2fgty\.im%2f{asset.id}&caller=[0-9]{{5}}",
                image["uri_oembed"],
            )
    assert any(image["uri_oembed"] is None for image in found)
    first = next(image["uri_oembed"] for image in found if image["uri_oembed"])
    assert json.loads(send_request(APP, "GET", first).body)["type"] == "rich"
    assert search(phrase=NOT_EMBEDDABLE, fields="uri_oembed")["images"] == [
        {"id": NOT_EMBEDDABLE, "uri_oembed": None}
    ]


def test_everything_embeddable_embeds() -> None:
    for asset_id in every(phrase="solar eclipse", embed_content_only="true"):
        assert send_request(APP, "GET", f"/oembed?url=gty.im/{asset_id}").status == 200


def test_every_key_has_its_own_caller_number() -> None:
    numbers = {
        search(caller=caller, phrase="74917285", fields="uri_oembed")["images"][0]["uri_oembed"]
        for caller in (KEY_ALONE, CUSTOMER, ApiClient(APP, None, SEARCH_CLIENT))
    }
    assert len(numbers) == 2


def test_requests_to_the_real_hosts_get_urls_on_them() -> None:
    url = f"https://api.gettyimages.com{SEARCH}?phrase=74917285&fields=thumb,uri_oembed,referral_destinations"
    image = json.loads(send_request(APP, "GET", url, KEY_ALONE.headers).body)["images"][0]
    assert image["display_sizes"][0]["uri"].startswith("https://media.gettyimages.com/id/74917285/photo/under-the")
    assert image["uri_oembed"].startswith(
        "https://embed.gettyimages.com/oembed?url=http%3a%2f%2fgty.im%2f74917285&"
    )
    assert image["referral_destinations"][0]["uri"].startswith("https://www.gettyimages.com/detail/news-photo/")


def test_a_configured_origin_overrides_the_host() -> None:
    caller = ApiClient(Sandbox(SandboxConfig(origin="http://127.0.0.1:9999")), None)
    image = search(caller=caller, page_size=1, fields="thumb,uri_oembed")["images"][0]
    assert image["uri_oembed"].startswith("http://127.0.0.1:9999/oembed?")
    assert image["display_sizes"][0]["uri"].startswith("http://127.0.0.1:9999/id/")


def test_values_match_live_responses() -> None:
    both = search(phrase="74917285", fields="detail_set,keywords,people,color_type,date_camera_shot")["images"][0]
    assert both["id"] == "74917285"
    assert both["orientation"] == "Vertical"
    assert both["max_dimensions"] == {"height": 3600, "width": 2394}
    assert both["date_created"].endswith("T00:00:00Z")
    assert both["editorial_segments"] == ["sport"]
    assert both["event_ids"] == [EVENT]
    assert both["product_types"] == []
    assert list(both["allowed_use"]) == ["how_can_i_use_it", "release_info", "usage_restrictions"]
    assert "For editorial use only." in both["allowed_use"]["usage_restrictions"]
    assert "|" in both["allowed_use"]["how_can_i_use_it"]
    wide = search(orientations="panoramic_horizontal", fields="orientation", page_size=1)["images"][0]
    assert wide["orientation"] == "PanoramicHorizontal"


def test_hostile_texts_are_returned_unchanged() -> None:
    response = KEY_ALONE.request("GET", SEARCH, phrase=HOSTILE, fields="title,caption,artist,collection_name")
    assert json.loads(response.body)["images"][0]["title"] == asset_of(HOSTILE).title
    assert b"<" not in response.body


def test_keyword_ids_find_their_pictures() -> None:
    words = search(phrase="74917285", fields="keywords")["images"][0]["keywords"]
    assert [int(word["keyword_id"]) for word in words] == sorted(int(word["keyword_id"]) for word in words)
    assert {"Basketball", "Vertical", "Photography"} <= {word["text"] for word in words}
    for word in words[:3]:
        assert "74917285" in every(keyword_ids=word["keyword_id"])


def test_keyword_ids_are_unique() -> None:
    numbers: dict[int, str] = {}
    for asset in catalogue().values():
        for keyword in keywords(asset):
            assert numbers.setdefault(keyword.id, keyword.text) == keyword.text
    assert max(numbers) < 2**31


# -- protected fields ----------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("field", ["largest_downloads", "download_sizes"])
def test_protected_fields(kind: SearchKind, field: str) -> None:
    response = KEY_ALONE.request("GET", PATHS[kind], fields=f"id,{field}")
    assert response.status == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    for caller in (ApiClient(APP, APPLICATION), CUSTOMER):
        assert caller.request("GET", PATHS[kind], fields=field).status == 200


def test_largest_downloads() -> None:
    image = search(caller=CUSTOMER, phrase="74917285", fields="largest_downloads,product_types,download_product")[
        "images"
    ][0]
    assert {offer["product_type"] for offer in image["largest_downloads"]} == {*image["product_types"]}
    assert image["download_product"] in image["product_types"]
    assert image["largest_downloads"][0]["uri"] == "http://127.0.0.1:8081/v3/downloads/images/74917285"
    unlicensed = search(caller=ApiClient(APP, APPLICATION), phrase="74917285", fields="largest_downloads")
    assert unlicensed["images"] == [{"id": "74917285", "largest_downloads": []}]


# -- corrections, related searches, facets, languages --------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "corrected"),
    [
        ("soler eclispe", "solar eclipse"),
        ("Mountian Lake", "mountain lake"),
        ("portrait", None),
        ("balloons", None),
        ("zzzzqqqq", None),
        ("74917285", None),
    ],
)
def test_auto_corrections(phrase: str, corrected: str | None) -> None:
    answer = search(CREATIVE, phrase=phrase)
    assert answer.get("auto_corrections") == ({"phrase": corrected} if corrected else None)
    if corrected:
        assert answer["images"] == search(CREATIVE, phrase=corrected)["images"]
        assert answer["images"]
    assert "auto_corrections" not in search(BLENDED, phrase=phrase)


@KINDS
def test_related_searches(kind: SearchKind) -> None:
    assert "related_searches" not in search(kind, phrase="eclipse")
    related = search(kind, phrase="eclipse", include_related_searches="true")["related_searches"]
    assert len(related) == 6
    for one in related:
        assert list(one) == ["phrase", "url"]
        assert one["phrase"] != "eclipse"
        assert one["url"].startswith(f"http://127.0.0.1:8081{PATHS[kind]}?phrase=")
        assert json.loads(send_request(APP, "GET", one["url"], KEY_ALONE.headers).body)["result_count"] > 0
    assert related[0]["phrase"].startswith("eclipse ")


def test_facets() -> None:
    asked = {"phrase": "eclipse", "include_facets": "true"}
    found = [asset_of(one) for one in every(EDITORIAL, phrase="eclipse")]
    facets = search(EDITORIAL, **asked)["facets"]
    assert list(facets) == ["artists", "events", "locations", "specific_people"]
    assert {one["name"] for one in facets["artists"]} == {one.photographer for one in found}
    assert {one["id"] for one in facets["events"]} == {one.event_id for one in found}
    assert {one["name"] for one in facets["locations"]} == {f"{one.city}, {one.country}" for one in found}
    counts = [sum(one.photographer == name["name"] for one in found) for name in facets["artists"]]
    assert counts == sorted(counts, reverse=True)
    few = search(EDITORIAL, **asked, facet_fields="events", facet_max_count="2")["facets"]
    assert few == {"events": facets["events"][:2]}
    assert [*search(CREATIVE, **asked)["facets"]] == ["artists", "locations"]
    assert "facets" not in search(EDITORIAL, phrase="eclipse")
    named = search(EDITORIAL, phrase="basketball", include_facets="true", facet_fields="specific_people")["facets"]
    assert every(EDITORIAL, specific_people=named["specific_people"][0]["name"])


def test_facets_are_off_by_default() -> None:
    caller = ApiClient(Sandbox(), None)
    assert "facets" not in search(EDITORIAL, caller, include_facets="true")


@pytest.mark.parametrize(
    ("accepted", "kind", "language"),
    [
        ("", BLENDED, "en-US"),
        ("de", BLENDED, "de"),
        ("de-AT", BLENDED, "de"),
        ("pt", BLENDED, "pt-BR"),
        ("pt-pt", BLENDED, "pt-PT"),
        ("en", BLENDED, "en-US"),
        ("en-GB,en;q=0.8", EDITORIAL, "en-GB"),
        ("xx, fr;q=0.5, it;q=0.9", BLENDED, "it"),
        ("ko", CREATIVE, "ko"),
        ("ko", EDITORIAL, "en-US"),
        ("ko, ja;q=0.5", EDITORIAL, "ja"),
        ("fi", BLENDED, "en-US"),
        ("*", BLENDED, "en-US"),
        ("de;q=0, fr;q=0.1", BLENDED, "fr"),
        (";;;q=,", BLENDED, "en-US"),
    ],
)
def test_languages(accepted: str, kind: SearchKind, language: str) -> None:
    headers = KEY_ALONE.headers | ({"Accept-Language": accepted} if accepted else {})
    assert send_request(APP, "GET", f"{PATHS[kind]}?page_size=1", headers).headers["content-language"] == language


def test_countries_are_found_in_every_language() -> None:
    assert {*every(phrase="Japon")} == {*every(phrase="日本")} == {*every(phrase="japan")}


# -- the contract --------------------------------------------------------------------------------------


def contract() -> Any:
    return json.loads((reference_dir() / CONTRACT).read_bytes())


def conforming(document: Any, schema: str) -> Any:
    """Return a validator for a schema of the contract, with OpenAPI's ``nullable`` as a JSON Schema type."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {name: plain(one) for name, one in value.items() if name != "nullable"}
        return {"anyOf": [found, {"type": "null"}]} if value.get("nullable") is True else found

    schemas = plain(document["components"]["schemas"])
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": schemas}},
        format_checker=jsonschema.FormatChecker(),
    )


def asked_of(document: Any, kind: SearchKind) -> dict[str, Any]:
    """Return the query parameters in the contract, with their allowed values."""
    found = {}
    for one in document["paths"][PATHS[kind]]["get"]["parameters"]:
        if one["in"] == "query":
            schema = one["schema"].get("items", one["schema"])
            name = schema.get("$ref", "").rsplit("/", 1)[-1]
            found[one["name"]] = document["components"]["schemas"][name]["enum"] if name else None
    return found


@KINDS
def test_every_parameter_of_the_contract_with_every_value(kind: SearchKind) -> None:
    declared = asked_of(contract(), kind)
    assert declared.keys() == kind.params
    for name, words in declared.items():
        if name == "fields" or words is None:
            continue
        assert (
            KEY_ALONE.request(
                "GET", PATHS[kind], **{name: ",".join(words) if name.endswith("s") else words[0]}
            ).status
            == 200
        )
        for word in words:
            assert KEY_ALONE.request("GET", PATHS[kind], page_size=1, **{name: word}).status == 200, (name, word)


@KINDS
def test_every_field_of_the_contract(kind: SearchKind) -> None:
    document = contract()
    named = {*asked_of(document, kind)["fields"]}
    assert FIELDS[kind].allowed == named | fields.FORMER
    item = {
        BLENDED: "ImageSearchItem",
        CREATIVE: "ImageSearchItemCreative",
        EDITORIAL: "ImageSearchItemEditorial",
    }[kind]
    assert FIELDS[kind].declared is not None
    assert FIELDS[kind].declared <= document["components"]["schemas"][item]["properties"].keys()
    whole = document["components"]["schemas"][item]["properties"].keys() - {"istock_licenses"}
    assert {*names_of(kind, CUSTOMER, fields=",".join(named))} == whole


def questions(kind: SearchKind) -> Iterator[tuple[ApiClient, dict[str, Any]]]:
    for phrase in ("solar eclipse", "soler eclipse", "portrait", "nothing of that kind", "74917285", HOSTILE, ""):
        yield KEY_ALONE, {"phrase": phrase, "include_related_searches": "true"}
    every_field = ",".join(sorted(FIELDS[kind].allowed))
    for page in (1, 5):
        yield CUSTOMER, {"phrase": "sky", "fields": every_field, "page": page, "page_size": 10}
    for name, texts in {"number_of_people": "none", "sort_order": "newest", "orientations": "square"}.items():
        yield KEY_ALONE, {name: texts, "fields": "detail_set,keywords,uri_oembed"}


@KINDS
def test_responses_conform_to_the_contract(kind: SearchKind) -> None:
    names = {
        BLENDED: "ImageSearchItemSearchResults",
        CREATIVE: "CreativeImageSearchResults",
        EDITORIAL: "EditorialImageSearchResults",
    }
    validator = conforming(contract(), names[kind])
    for caller, params in questions(kind):
        validator.validate(search(kind, caller, **params))


def test_facets_conform_to_those_of_videos() -> None:
    validator = conforming(contract(), "SearchFacetsResponse")
    for phrase in ("eclipse", "basketball", "concert"):
        validator.validate(search(EDITORIAL, phrase=phrase, include_facets="true")["facets"])


def test_the_validator_finds_errors() -> None:
    validator = conforming(contract(), "CreativeImageSearchResults")
    for wrong in (
        {"result_count": "1"},
        {"images": [{"event_ids": []}]},
        {"images": [{"title": 1}]},
        {"facets": {}},
    ):
        assert not validator.is_valid(wrong)
    assert validator.is_valid({"result_count": 1, "images": None})


def test_dates_are_dates() -> None:
    for image in search(CREATIVE, fields="date_created,date_camera_shot", page_size=100)["images"]:
        assert date.fromisoformat(image["date_created"][:10]) <= date(2025, 12, 31)
        assert image["date_camera_shot"] is None or image["date_camera_shot"][:10] == image["date_created"][:10]
