"""Search over HTTP: requests to Getty, responses, and errors."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from embedkit import EmbedKit, create_app
from embedkit.api import encoding
from embedkit.api.models import SearchPage
from embedkit.api.parameters import AnySearch
from embedkit.api.requests import LANGUAGES
from embedkit.api.search import PreparedSearch
from embedkit.sandbox import SandboxConfig, SandboxServer
from embedkit.sandbox.services import auth
from embedkit.web.schemas import CountriesAnswer, ImageAnswer, SearchAnswer, SearchQuery
from embedkit.web.search import FILTERS, NEIGHBOURS
from tests.support.web import (
    EXAMPLE,
    FORBIDDEN,
    KEYS,
    TOKEN,
    WITHDRAWN,
    World,
    bearer,
    world,
)


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(search_access="open", **KEYS)


def links(answer: TestResponse) -> dict[str, dict[str, str]]:
    """Return the queries of the Link header's URLs, by relation."""
    found = re.findall(r'<([^<>\s]+)>; rel="(\w+)"', answer.headers["Link"])
    assert len(found) == answer.headers["Link"].count("<")
    assert all(urlsplit(address)[:3] == ("", "", "") for address, _ in found)
    return {rel: dict(parse_qsl(urlsplit(address).query)) for address, rel in found}


class Recorder:
    """Replaces the search: records the requests, and returns a made-up page."""

    def __init__(self, kit: EmbedKit, patch: pytest.MonkeyPatch) -> None:
        self.total = 95
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._prepare = kit.api.search.prepare
        patch.setattr(kit.api.search, "prepare", self.prepare)
        patch.setattr(kit.api.search, "run", self.run)
        patch.setattr(kit.api, "similar", self.beside)
        patch.setattr(kit.api, "same_series", self.beside)
        patch.setattr(kit.api.search, "by_image", self.beside)

    def prepare(self, phrase: str, **params: Any) -> PreparedSearch:
        self._params = phrase, params
        return self._prepare(phrase, **params)

    def run(self, search: PreparedSearch) -> SearchPage:
        self.asked.append(self._params)
        return SearchPage(images=(), total=self.total, page=search.page, page_size=search.page_size)

    def beside(self, id: str, *, page: int, page_size: int, **params: Any) -> SearchPage:
        self.asked.append((id, params))
        return SearchPage(images=(), total=self.total, page=page, page_size=page_size)


@pytest.fixture(name="asked")
def fixture_asked(web: World, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(web.kit, monkeypatch)


WORDS = st.sampled_from(
    [
        *("editorial", "creative", "newest", "oldest", "square,vertical", "one", "news,sport", "2024-01-01"),
        *("002244", "vector", "fine_art", "headshot", "black", "baby", "true", "0", "7", "100", "de-AT", ",,"),
        *(" ", "a,b"),
    ]
)


def get(client: FlaskClient, path: str, /, **query: str) -> TestResponse:
    return client.get(path, query_string=query)


# -- requests to Getty -------------------------------------------------------------------------------------


def test_a_phrase_is_enough(web: World, asked: Recorder) -> None:
    assert get(web.client, "/v1/search", q="solar eclipse").status_code == 200
    assert asked.asked == [
        (
            "solar eclipse",
            {
                "family": "all",
                "page": 1,
                "page_size": 30,
                "language": "en-US",
                "embed_content_only": True,
                "exclude_nudity": True,
                "fields": ("detail_set", "keywords"),
            },
        )
    ]


def test_every_filter_arrives(web: World, asked: Recorder) -> None:
    words = {
        "sort_order": "oldest",
        "date_from": "2024-01-01",
        "date_to": "2024-12-31T23:59:59Z",
    }
    lists = {
        "orientations": "horizontal,panoramic_vertical",
        "number_of_people": "none,group",
        "graphical_styles": "photography",
        "compositions": "close_up",
        "ethnicity": "black,white",
        "age_of_people": "teenager,18-19_years",
        "editorial_segments": "news,sport",
    }
    answer = get(web.client, "/v1/search", q="x", family="editorial", page="2", page_size="6", **words, **lists)
    assert answer.status_code == 200, answer.text
    (_, said), *_ = asked.asked
    assert (said["family"], said["page"], said["page_size"]) == ("editorial", 2, 6)
    assert {name: said[name] for name in words} == words
    assert {name: ",".join(said[name]) for name in lists} == lists
    assert get(web.client, "/v1/search", q="x", family="creative", color="#002244").status_code == 200
    assert asked.asked[-1][1]["color"] == "#002244"


def test_lists_can_be_repeated_parameters(web: World, asked: Recorder) -> None:
    web.client.get("/v1/search?q=x&q=y&orientations=square&orientations=vertical,&orientations=&ethnicity=,,")
    phrase, said = asked.asked[-1]
    assert (phrase, said["orientations"]) == ("x", ["square", "vertical"])
    assert "ethnicity" not in said


@pytest.mark.parametrize("off", ["false", "0", "no"])
@pytest.mark.parametrize("name", ["embed_content_only", "embed-content-only", "EMBED_CONTENT_ONLY"])
def test_embeddable_only_cannot_be_switched_off(web: World, asked: Recorder, name: str, off: str) -> None:
    answer = get(web.client, "/v1/search", q="x", **{name: off})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert "embed_content_only" in answer.json["detail"]
    assert not asked.asked
    assert get(web.client, "/v1/search", q="x", embed_content_only="true").status_code == 200
    assert asked.asked[-1][1]["embed_content_only"] is True


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("orientation", "Unknown parameter 'orientation'. Did you mean orientations?"),
        ("Orientations", "Did you mean orientations?"),
        ("pageSize", "Did you mean page_size?"),
        ("page-size", "Did you mean page_size?"),
        ("sort", "Did you mean sort_order?"),
        ("segment", "Did you mean editorial_segments?"),
        ("people", "Did you mean "),
        ("phrase", "Did you mean q?"),
        ("language", "Did you mean lang?"),
        ("fields", "'fields'"),
        ("zzz", "Use one of q, family, page, page_size,"),
        ("x" * 500, "Use one of q, family,"),
        ("<b>", "Unknown parameter '<b>'."),
        ("_", "Use one of q,"),
    ],
)
@pytest.mark.parametrize("value", ["horizontal", ""])
def test_unknown_parameters_are_rejected(web: World, asked: Recorder, name: str, message: str, value: str) -> None:
    answer = get(web.client, "/v1/search", q="x", **{name: value})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert message in answer.json["detail"]
    assert "x" * 100 not in answer.text
    assert not asked.asked


def test_all_search_parameters_of_the_library_are_supported() -> None:
    ours, theirs = set(SearchQuery.__struct_fields__), set(AnySearch.__annotations__)
    assert ours - theirs == {"q", "family", "lang", "similar", "series", "by_image"}
    assert theirs - ours == {"language", "fields"}


SAMPLES = {
    "all": {"artists": "Runa Vale", "collection_codes": "abc,def", "collections_filter_type": "exclude",
            "country": "FRA", "download_product": "premiumaccess", "event_ids": "1,2", "file_types": "eps",
            "graphical_styles_filter_type": "include", "include_related_searches": "false", "keyword_ids": "3",
            "minimum_size": "large", "specific_people": "Ada"},
    "creative": {"enhanced_search": "true", "exclude_editorial_use_only": "true", "exclude_keyword_ids": "7",
                 "facet_fields": "artists,locations", "facet_max_count": "5", "include_facets": "true",
                 "moods": "bold,warm", "safe_search": "true"},
    "editorial": {"minimum_quality_rank": "1", "facet_fields": "events"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, names in SAMPLES.items() for name in names]
)
def test_each_filter_reaches_getty(web: World, family: str, name: str) -> None:
    answer = get(web.client, "/v1/search", q="sky", family=family, **{name: SAMPLES[family][name]})
    assert answer.status_code == 200, answer.text
    wrong = get(web.client, "/v1/search", q="sky", family=family, **{name: "x" * 1200})
    assert (wrong.status_code, name in wrong.json["detail"]) == (400, True)


def test_facets_are_returned_on_request() -> None:
    with SandboxServer(SandboxConfig(facets=True)) as sandbox:
        plain = sandbox.settings(cache="memory:", secret="s" * 40, search_access="open")
        with EmbedKit(plain) as kit:
            client = create_app(kit=kit).test_client()
            answer = client.get("/v1/search?q=sky&family=creative&include_facets=true&facet_fields=artists")
            assert list(answer.json["facets"]) == ["artists"]
            assert list(answer.json["facets"]["artists"][0]) == ["id", "name"]
            msgspec.json.decode(answer.data, type=SearchAnswer)


@pytest.mark.parametrize(
    ("size", "nearest"), [("7", "6 or 10"), ("24", "20 or 25"), ("40", "30 or 50"), ("99", "75 or 100")]
)
def test_an_unsupported_page_size_is_rejected_with_the_nearest(
    web: World, asked: Recorder, size: str, nearest: str
) -> None:
    answer = get(web.client, "/v1/search", q="x", page_size=size)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert answer.json["detail"].startswith(f"page_size can't be '{size}'. Use {nearest}: ") or (
        answer.json["detail"].startswith(f"page_size can't be {size}. Use {nearest}: ")
    )
    assert not asked.asked


def test_a_page_past_the_last_is_rejected_with_the_last(web: World) -> None:
    first = get(web.client, "/v1/search", q="mountain", page_size="100").json
    last = -(-first["total"] // 100)
    assert get(web.client, "/v1/search", q="mountain", page_size="100", page=str(last)).status_code == 200
    answer = get(web.client, "/v1/search", q="mountain", page_size="100", page=str(last + 1))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert answer.json["detail"] == f"page: there is no page {last + 1}. The last page is {last}."


def test_nudity_can_be_included(web: World, asked: Recorder) -> None:
    for said, meant in [("", True), ("true", True), ("false", False), ("0", False)]:
        get(web.client, "/v1/search", q="x", exclude_nudity=said)
        assert asked.asked[-1][1]["exclude_nudity"] is meant


@pytest.mark.parametrize(
    ("lang", "header", "language"),
    [
        ("", "", "en-US"),
        ("de", "", "de"),
        ("de", "fr", "de"),
        ("de-AT", "", "de"),
        ("pt", "", "pt-BR"),
        ("pt-pt", "", "pt-PT"),
        ("EN_gb", "", "en-GB"),
        ("ar", "fr", "en-US"),
        ("x" * 35, "", "en-US"),
        ("", "fr", "fr"),
        ("", "fr-CA,en;q=0.5", "fr"),
        ("", "en;q=0.5,ja;q=0.9", "ja"),
        ("", "ar,xx;q=0.9,es;q=0.1", "es"),
        ("", "de;q=0,it", "it"),
        ("", "*", "en-US"),
        ("", "garbage;;q=,\x80", "en-US"),
    ],
)
def test_only_supported_languages_are_sent(
    web: World, asked: Recorder, lang: str, header: str, language: str
) -> None:
    answer = web.client.get(f"/v1/search?q=x&lang={lang}", headers={"Accept-Language": header})
    assert asked.asked[-1][1]["language"] == language
    assert language in LANGUAGES
    assert answer.headers["Content-Language"] == language
    assert {"accept-language", "origin"} <= set(answer.vary.as_set())


def test_the_setting_locale_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    german = world(search_access="open", locale="de-CH", **KEYS)
    Recorder(german.kit, monkeypatch)
    assert get(german.client, "/v1/search", q="x").headers["Content-Language"] == "de"
    assert get(german.client, "/v1/search", q="x", lang="fr").headers["Content-Language"] == "fr"


# -- searches without a phrase ---------------------------------------------------------------------------------


SERIES = "118990319"  # in a series with a picture that is not embeddable


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_only_embeddable_similar_pictures_are_returned(web: World, kind: str) -> None:
    api = web.kit.api
    ask = {"similar": api.similar, "series": api.same_series, "by_image": api.search.by_image}[kind]
    creative = web.kit.api.search.creative("harbour").images[0].id
    id = {"similar": EXAMPLE, "series": SERIES, "by_image": creative}[kind]
    theirs = ask(id, page_size=60).images
    answer = get(web.client, "/v1/search", page_size="60", **{kind: id})
    assert [one["id"] for one in answer.json["images"]] == [one.id for one in theirs if one.embeddable]
    assert {one.embeddable for one in theirs} == ({True} if kind == "by_image" else {True, False})
    assert links(answer)["first"] == {kind: id, "page_size": "60", "page": "1"}
    assert "page_size" in get(web.client, "/v1/search", page_size="7", **{kind: EXAMPLE}).json["detail"]


@pytest.mark.parametrize(("id", "code"), [(WITHDRAWN, "not-found"), ("no.id", "unsupported")])
def test_similar_pictures_require_a_valid_id(web: World, id: str, code: str) -> None:
    answer = get(web.client, "/v1/search", similar=id)
    assert (answer.status_code, answer.json["code"]) == (404, code)


def test_a_picture_has_the_values_to_find_related_ones(web: World) -> None:
    for one in (
        get(web.client, "/v1/search", artists="Ivo Lindqvist").json["images"][0],
        get(web.client, f"/v1/images/{EXAMPLE}").json,
    ):
        assert (one["id"], one["photographer"]) == (EXAMPLE, "Ivo Lindqvist")
        assert one["keywords"]
        for lead in ({"event_ids": str(one["event_ids"][0])}, {"collection_codes": one["collection_code"]}):
            found = get(web.client, "/v1/search", page_size="100", **lead).json["images"]
            assert EXAMPLE in [other["id"] for other in found], lead


def test_the_newest_editorial_pictures_need_no_phrase_and_are_cached(web: World) -> None:
    newest = {"family": "editorial", "sort_order": "newest", "page_size": "12"}
    found = get(web.client, "/v1/search", **newest).json["images"]
    dates = [one["date_created"] for one in found]
    assert dates == sorted(dates, reverse=True)
    with pytest.MonkeyPatch.context() as patch:  # from here on, Getty can't be called
        patch.setattr(web.kit.api.search._cache.session, "call", None)
        assert get(web.client, "/v1/search", **newest).json["images"] == found


def test_a_low_budget_is_not_spent_on_the_newest(web: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.kit.api.search.budget, "low", lambda: 3)
    answer = get(web.client, "/v1/search", family="editorial", sort_order="newest")
    assert (answer.status_code, answer.json["code"]) == (429, "quota-exhausted")
    assert get(web.client, "/v1/search", q="harbour").status_code == 200


# -- paging --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "size", "total", "expected"),
    [
        (1, 30, 95, {"first": "1", "next": "2", "last": "4"}),
        (2, 30, 95, {"first": "1", "prev": "1", "next": "3", "last": "4"}),
        (4, 30, 95, {"first": "1", "prev": "3", "last": "4"}),
        (1, 30, 30, {"first": "1", "last": "1"}),
        (1, 30, 0, {"first": "1", "last": "1"}),
    ],
)
def test_links_have_the_urls_of_other_pages(
    web: World, asked: Recorder, page: int, size: int, total: int, expected: dict[str, str]
) -> None:
    asked.total = total
    found = links(get(web.client, "/v1/search", q="x", page=str(page), page_size=str(size)))
    assert {rel: query["page"] for rel, query in found.items()} == expected


@pytest.mark.parametrize(("page", "total", "last"), [(9, 95, 4), (5, 95, 4), (2, 0, 1)])
def test_an_empty_page_past_the_last_is_rejected(
    web: World, asked: Recorder, page: int, total: int, last: int
) -> None:
    asked.total = total
    answer = get(web.client, "/v1/search", q="x", page=str(page))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert answer.json["detail"] == f"page: there is no page {page}. The last page is {last}."


def test_links_keep_the_query(web: World, asked: Recorder) -> None:
    said = {
        "q": 'naïve "quotes", <tags> & ampersands; 100 % #1\r\nX: y',
        "family": "creative",
        "page_size": "30",
        "orientations": "square,vertical",
        "color": "#002244",
        "exclude_nudity": "false",
        "lang": "pt-br",
    }
    answer = get(web.client, "/v1/search", page="2", **said)
    assert {rel: {**query, "page": ""} for rel, query in links(answer).items()} == {
        rel: {**said, "page": ""} for rel in ("first", "prev", "next", "last")
    }
    again = web.client.get("/v1/search" + re.findall("<([^>]+)>", answer.headers["Link"])[0])
    assert again.status_code == 200
    first, second = asked.asked[-2:]
    assert first[0] == second[0]
    assert {**first[1], "page": 1} == second[1]


def test_links_work_below_a_prefix(web: World, asked: Recorder) -> None:
    answer = web.client.get("/v1/search?q=x", base_url="https://cms.example.org/media/getty/")
    assert links(answer)["next"]["page"] == "2"


# -- invalid queries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "q is blank. Pass a search phrase"),
        ("family=editorial", "It is optional with artists,"),
        ("family=all&sort_order=newest", "q is blank"),
        ("similar=74917285&q=x", "similar can be combined only with page, page_size, lang"),
        ("similar=74917285&series=74917285", "similar can be combined only with"),
        ("series=74917285&family=editorial", "series can be combined only with"),
        ("q=", "Pass a search phrase"),
        ("q=%20%09", "Pass a search phrase"),
        (f"q={'x' * 301}", "q: expected a string of length <= 300"),
        ("q=x&family=video", "Use one of all, creative, editorial"),
        ("q=x&page=0", "page: expected a whole number >= 1"),
        ("q=x&page=-1", "page"),
        ("q=x&page=x", "page: expected a whole number"),
        ("q=x&page=99999999999999999999", "page"),
        ("q=x&page_size=0", "page_size: expected a whole number >= 1"),
        ("q=x&page_size=101", "page_size: expected a whole number <= 100"),
        ("q=x&sort_order=best", "Use one of best_match, most_popular, newest, oldest, random"),
        ("q=x&sort_order=oldest", "best_match, most_popular, newest, random"),
        ("q=x&orientations=horizontal,round", "orientations: invalid value"),
        ("q=x&orientations=round", "Use one of horizontal, vertical, square, panoramic_horizontal"),
        ("q=x&orientations=Horizontal", "horizontal, vertical"),
        ("q=x&number_of_people=3", "none, one, two, group"),
        ("q=x&graphical_styles=fine_art&family=editorial", "photography, illustration, vector"),
        ("q=x&compositions=none", "abstract, candid"),
        ("q=x&ethnicity=caucasian", "black, white"),
        ("q=x&age_of_people=old", "newborn, baby"),
        ("q=x&editorial_segments=sports&family=editorial", "archival, entertainment, news"),
        ("q=x&color=blue", "#002244"),
        ("q=x&color=%2300224", "#002244"),
        ("q=x&date_from=yesterday&family=editorial", "ISO 8601"),
        ("q=x&exclude_nudity=maybe", "exclude_nudity: expected true or false"),
        (f"q=x&lang={'x' * 36}", "lang"),
    ],
)
def test_an_invalid_query_gets_advice(web: World, asked: Recorder, query: str, message: str) -> None:
    answer = web.client.get(f"/v1/search?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert message in answer.json["detail"]
    assert not asked.asked


@pytest.mark.parametrize(
    ("query", "family", "others"),
    [
        ("date_from=2024-01-01", "all", ["editorial"]),
        ("date_to=2024-01-01", "creative", ["editorial"]),
        ("editorial_segments=news", "creative", ["editorial"]),
        ("color=002244", "editorial", ["all", "creative"]),
    ],
)
def test_a_filter_of_another_family_is_rejected_with_its_family(
    web: World, asked: Recorder, query: str, family: str, others: list[str]
) -> None:
    answer = web.client.get(f"/v1/search?q=x&family={family}&{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert query.partition("=")[0] in answer.json["detail"]
    assert f"requires {' or '.join(f'family={one}' for one in others)}" in answer.json["detail"]
    assert not asked.asked


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(SearchQuery.__struct_fields__), st.text(max_size=40) | WORDS))
def test_no_query_crashes(web: World, query: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder(web.kit, patch)
        answer = get(web.client, "/v1/search", **{"q": "x", **query})
    assert (answer.status_code, len(recorder.asked)) in ((200, 1), (400, 0), (400, 1))
    if answer.status_code == 400:
        assert not recorder.asked or "there is no page" in answer.json["detail"]
    elif not any(query.get(name) for name in NEIGHBOURS):
        phrase, said = recorder.asked[0]
        assert phrase == (query.get("q") or "x")
        assert said["embed_content_only"] is True
        encoding.encode(said["family"], {name: said[name] for name in FILTERS if name in said})
        assert {rel: asked["q"] for rel, asked in links(answer).items()}["first"] == phrase


# -- responses -------------------------------------------------------------------------------------------

KEYS_OF_AN_IMAGE = [
    *("id", "title", "caption", "photographer", "collection", "collection_code", "date_created", "family"),
    *("orientation", "width", "height", "thumb", "preview", "restrictions", "event_ids", "keywords", "page_url"),
    *("credit", "shortcode"),
]


def test_a_response_matches_the_schema(web: World) -> None:
    answer = get(web.client, "/v1/search", q="mountain", page_size="5")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert list(answer.json) == ["total", "page", "page_size", "images", "related"]
    found = msgspec.json.decode(answer.data, type=SearchAnswer)
    assert (found.page, found.page_size, len(found.images)) == (1, 5, 5)
    assert found.total > 5
    assert all(isinstance(phrase, str) for phrase in found.related)
    for image in answer.json["images"]:
        assert list(image) == KEYS_OF_AN_IMAGE
        assert list(image["credit"]) == ["line", "photographer", "collection", "agency"]
        assert list(image["thumb"]) == list(image["preview"]) == ["url", "width", "height"]
        assert image["shortcode"] == f"[getty {image['id']}]"
        assert image["family"] in ("creative", "editorial")


def test_a_response_is_not_cacheable(web: World) -> None:
    for path in ("/v1/search?q=mountain", f"/v1/images/{EXAMPLE}", "/v1/countries"):
        answer = web.client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "ETag" not in answer.headers
        head = web.client.head(path)
        assert (head.status_code, head.data) == (200, b"")


def test_results_are_embeddable(web: World) -> None:
    for family in ("all", "creative", "editorial"):
        found = get(web.client, "/v1/search", q="solar eclipse", family=family).json
        assert found["images"]
        for image in found["images"][:3]:
            assert family in ("all", image["family"])
            assert web.client.get(f"/v1/images/{image['id']}").json["embeddable"] is True
            assert web.client.get(f"/v1/embeds/{image['id']}").status_code == 200


def test_links_visit_every_result_once(web: World) -> None:
    path, seen = "/v1/search?q=mountain&orientations=horizontal&page_size=100", []
    first = web.client.get(path)
    while True:
        answer = web.client.get(path)
        seen += [image["id"] for image in answer.json["images"]]
        assert {image["orientation"] for image in answer.json["images"]} == {"horizontal"}
        address = re.search(r'<([^>]+)>; rel="next"', answer.headers["Link"])
        if not address or len(seen) > 5_000:
            break
        path = f"/v1/search{address[1]}"
    assert len(seen) == len(set(seen)) == first.json["total"]


def test_editorial_search_omits_the_nudity_filter(web: World) -> None:
    for said in ("true", "false"):
        answer = get(web.client, "/v1/search", q="solar eclipse", family="editorial", exclude_nudity=said)
        assert answer.status_code == 200


def test_metadata_of_a_picture(web: World) -> None:
    answer = web.client.get(f"/v1/images/{EXAMPLE}")
    assert list(answer.json) == [*KEYS_OF_AN_IMAGE, "embeddable"]
    found = msgspec.json.decode(answer.data, type=ImageAnswer)
    assert (found.id, found.embeddable) == (EXAMPLE, True)
    assert found.thumb is not None
    assert found.page_url == f"https://www.gettyimages.com/detail/{EXAMPLE}"


def test_a_picture_that_is_not_embeddable_is_marked(web: World) -> None:
    assert web.client.get(f"/v1/images/{FORBIDDEN}").json["embeddable"] is False


@pytest.mark.parametrize(
    ("ref", "code"),
    [(WITHDRAWN, "not-found"), ("none", "unsupported"), (f"{EXAMPLE},{FORBIDDEN}", "unsupported")],
)
def test_invalid_pictures_are_rejected(web: World, ref: str, code: str) -> None:
    answer = web.client.get(f"/v1/images/{ref}")
    assert (answer.status_code, answer.json["code"]) == (404, code)


def test_countries_are_localized(web: World) -> None:
    answer = web.client.get("/v1/countries?lang=fr")
    found = msgspec.json.decode(answer.data, type=CountriesAnswer)
    names = {row.iso_alpha_3: row.name for row in found.countries}
    assert names["DEU"] == "Allemagne"
    assert answer.headers["Content-Language"] == "fr"
    assert "Germany" in web.client.get("/v1/countries", headers={"Accept-Language": "en-US"}).text


# -- errors of Getty ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fault", "status", "code"),
    [
        ("throttle", {"retry_after": 7}, 429, "rate-limited"),
        ("throttle", {"status": 429}, 429, "rate-limited"),
        ("quota", {}, 429, "quota-exhausted"),
        ("quota", {"status": 429, "retry_after": 50}, 429, "quota-exhausted"),
        ("inactive", {}, 502, "invalid-key"),
        ("unauthorized", {"count": None}, 502, "invalid-key"),
        ("status", {"status": 500}, 503, "unavailable"),
        ("firewall", {}, 503, "unavailable"),
        ("drop", {}, 503, "unavailable"),
        ("not-json", {}, 502, "invalid-response"),
        ("malformed", {}, 502, "invalid-response"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/search?q=tree", f"/v1/images/{EXAMPLE}", "/v1/countries"])
def test_failures_are_problems(path: str, kind: str, fault: dict[str, Any], status: int, code: str) -> None:
    web = world(search_access="open", **KEYS)
    web.sandbox.faults.add(kind, route="v3", **fault)
    answer = web.client.get(path)
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    if "retry_after" in fault:
        assert int(answer.headers["Retry-After"]) >= fault["retry_after"]
    if code in ("unavailable", "quota-exhausted"):
        assert int(answer.headers["Retry-After"]) > 0
    if code == "invalid-key":
        assert "API_KEY" in answer.json["detail"]
    assert auth.KEY not in answer.text
    assert web.client.get(f"/v1/embeds/{EXAMPLE}").status_code == 200


@pytest.mark.parametrize("row", ["api_key", "api_secret"])
def test_a_wrong_credential_is_named_without_its_value(row: str) -> None:
    canary = "CANARY-of-a-credential"
    answer = world(search_access="open", **{**KEYS, row: canary}).client.get("/v1/search?q=tree")
    assert (answer.status_code, answer.json["code"]) == (502, "invalid-key")
    assert row.upper() in answer.json["detail"]
    assert canary not in answer.text


def test_an_exhausted_search_quota_is_reported_but_not_unavailable() -> None:
    with SandboxServer(SandboxConfig(calls_per_day=2)) as sandbox:
        plain = sandbox.settings(cache="memory:", secret="s" * 40, search_access="open")
        with EmbedKit(plain) as kit:
            client = create_app(kit=kit).test_client()
            assert client.get("/v1/search?q=tree").status_code == 200
            assert client.get("/readyz").json["status"] == "ok"
            shut = client.get("/v1/search?q=dawn")
            assert (shut.status_code, shut.json["code"]) == (429, "quota-exhausted")
            assert int(shut.headers["Retry-After"]) > 60
            ready = (
                create_app(kit=kit).test_client().get("/readyz")
            )  # a new application, because the status is cached for a second
            assert (ready.status_code, ready.json["status"]) == (200, "degraded")
            assert ready.json["upstream"]["api"]["throttled"] == "quota-exhausted"
            assert ready.json["upstream"]["api"]["retry_after"] > 60
            assert client.get("/v1/search?q=tree").status_code == 200  # cached for five minutes
            assert client.get(f"/v1/embeds/{EXAMPLE}").status_code == 200


def test_a_value_rejected_by_getty_is_a_bad_request() -> None:
    answer = world(**KEYS, tokens=TOKEN).client.get("/v1/search?q=harbour&country=off", headers=bearer(TOKEN))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert "400" in answer.json["detail"]
