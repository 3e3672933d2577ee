"""Requests to the oEmbed endpoint, and every response it can send."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.errors import (
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
    UnsupportedReference,
)
from embedkit.getty import payload
from embedkit.messages import Response
from embedkit.models import AssetRef, Embed, Options
from embedkit.settings import Settings
from tests.support.oembed import (
    ANSWERS,
    body,
    clean,
    clean_text,
    load,
    oembed_request,
    parse,
    read,
    ref,
    rows,
)
from tests.support.tools import FIXTURES, reference_dir

GOOD = load("modern-single")
ID = "600100200"
PAGE = b"<html><head><title>Access Denied</title></head><body>Reference #18.20c0ffee.1</body></html>"


# -- requests -------------------------------------------------------------------------------------------


def test_the_request_passes_a_short_link_to_the_endpoint() -> None:
    request = oembed_request(ref("600100200,sb40077001q-001"))
    assert request.url == "https://embed.gettyimages.com/oembed"
    assert request.params == (("url", "https://gty.im/600100200,sb40077001q-001"), ("caller", "blog.example"))
    assert (request.method, request.endpoint, request.redirects, request.max_bytes) == (
        "GET",
        "oembed",
        0,
        262_144,
    )
    assert request.headers == {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("args", "sent"),
    [
        ({"bounds": (800, None)}, [("maxwidth", "800")]),
        ({"bounds": (800, 700)}, [("maxwidth", "800"), ("maxheight", "700")]),
        ({"tld": "co.uk"}, [("tld", "co.uk")]),
        ({"tld": "com"}, []),
        ({"tld": "evil&url=x"}, []),
    ],
)
def test_the_request_omits_default_params(args: dict[str, Any], sent: list[tuple[str, str]]) -> None:
    assert list(oembed_request(ref(ID), **args).params)[2:] == sent


def test_only_ids_of_the_users_input_are_sent() -> None:
    options = Options(title="private note", caption="another", align="left")
    assert oembed_request(AssetRef((ID,), options)) == oembed_request(ref(ID))
    for hostile in ("../x", "1?x=1", "1#", "http://evil.example/1", "1\r\nHost: x", "", "abc"):
        with pytest.raises(UnsupportedReference):
            oembed_request(AssetRef((hostile,)))


# -- valid responses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANSWERS)
def test_complete_responses_of_every_generation(name: str) -> None:
    ids, width, height, bar = ANSWERS[name]
    embed = parse(load(name), ids, asked=(800, None))
    clean(embed)
    assert (embed.width, embed.height, embed.frame.bar, embed.asked) == (width, height, bar, (800, None))
    assert embed.title == "Lighthouse keeper winds the lamp"
    assert embed.photographer == "Runa Vale"
    assert embed.terms_of_use_url == "https://www.gettyimages.com/Corporate/Terms.aspx"
    assert Embed.from_record(embed.as_record()) == embed


def test_the_documentations_own_host_is_recognized_but_never_output() -> None:
    embed = parse(load("div-2014-example-host"), "60010021")
    assert "localhost" not in repr(embed)
    assert embed.thumbnail_url is None  # in the example it is on a test host too
    assert embed.thumbnail_width is None


def test_thumbnails_are_upgraded_and_their_sizes_are_numbers() -> None:
    embed = parse(load("div-2014"), "60010020")
    assert embed.thumbnail_url is not None
    assert embed.thumbnail_url.startswith("https://delivery.gettyimages.com/xt/60010020.jpg?v=1&g=fs2|0|")
    assert (embed.thumbnail_width, embed.thumbnail_height) == (104, 170)


def test_a_sandbox_on_loopback_keeps_http_and_its_own_frames() -> None:
    origin = "http://127.0.0.1:8081"
    sandbox = Settings(frame_origin=origin, image_origins=(origin,))
    html = load("div-2014")["html"].replace("//embed.gettyimages.com", "//127.0.0.1:8081")
    answer = {**load("div-2014"), "html": html, "thumbnail_url": f"{origin}/id/60010020/photo/x.jpg"}
    response = Response(200, {}, json.dumps(answer).encode())
    embed = read(response, ref("60010020"), sandbox, tld="com").embed
    assert embed.thumbnail_url == f"{origin}/id/60010020/photo/x.jpg"
    with pytest.raises(InvalidResponse):
        read(response, ref("60010020"), tld="com")


@pytest.mark.parametrize(("tld", "host"), [("co.uk", "co.uk"), ("com", "com"), ("evil/", "com")])
def test_the_page_is_on_the_requested_site(tld: str, host: str) -> None:
    answer = read(Response(200, {}, json.dumps(GOOD).encode()), ref(ID), tld=tld)
    assert answer.embed.page_url == f"https://www.gettyimages.{host}/detail/{ID}"


def test_a_record_does_not_contain_display_options() -> None:
    shown = AssetRef((ID,), Options(max_width=100, title="x"))
    answer = read(Response(200, {}, json.dumps(GOOD).encode()), shown, tld="com")
    assert answer.embed.ref == ref(ID)


@pytest.mark.parametrize(
    ("value", "age"),
    [(3600, 3600), ("3600", 3600), (0, 0), (-1, None), (True, None), (1.5, None), ("x", None), (None, None)],
)
def test_cache_age(value: object, age: int | None) -> None:
    response = Response(200, {}, json.dumps({**GOOD, "cache_age": value}).encode())
    assert read(response, ref(ID), tld="com").cache_age == age


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (300, 200, (300, 200)),
        ("300", "0200", (300, 200)),
        (300, None, (594, 396)),
        (300.0, 200, (594, 396)),
        (True, True, (594, 396)),
        (0, -1, (594, 396)),
        (10**30, 10**30, (594, 396)),
        ("٣", "300px", (594, 396)),
        ([], {}, (594, 396)),
    ],
)
def test_sizes_are_numbers_or_digits_or_those_of_the_markup(
    width: object, height: object, size: tuple[int, int]
) -> None:
    embed = parse({**GOOD, "width": width, "height": height}, ID)
    assert (embed.width, embed.height) == size


@pytest.mark.parametrize(("height", "bar"), [(643, 49), (346, 0), (49, 0)])
def test_a_bar_that_the_height_does_not_include_is_omitted(height: int, bar: int) -> None:
    embed = parse({**load("div-2014"), "width": 396, "height": height}, "60010020")
    assert embed.frame.bar == bar
    clean(embed)


def test_there_is_always_a_picture_above_the_bar() -> None:
    html = load("div-2014")["html"].replace('width="396" height="643"', 'width="1" height="49"')
    html = html.replace("150.000000%", "1.000000%")
    tiny = {**load("div-2014"), "html": html}
    clean(parse({**tiny, "width": 1, "height": 49}, "60010020"))
    larger = html.replace('height="49"', 'height="50"')
    clean(parse({**tiny, "html": larger, "width": 1, "height": 49}, "60010020"))


def test_a_smaller_response_has_a_bar_too() -> None:
    embed = parse({**load("div-2014"), "width": 198, "height": 346}, "60010020")
    assert embed.frame.bar == 49


# -- texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Fog & <b>sea</b>", "Fog & <b>sea</b>"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("  two\r\n\tlines\u2028and\u0085more ", "two lines and more"),
        ("a\0b", "a\ufffdb"),
        ("a\ud83db", "a\ufffdb"),
        ("\ufdd0a\uffff\U0010fffe", "\ufffda\ufffd\ufffd"),
        ("\x1b[31mred\x07\x9b", "[31mred"),
        ("\u202egpj.exe\u2066\u200f", "gpj.exe"),
        ("Æ 東京 👩\u200d🚀 e\u0301", "Æ 東京 👩\u200d🚀 e\u0301"),
        (20, ""),
        (None, ""),
        (["a"], ""),
        ("", ""),
    ],
)
def test_texts_become_one_clean_line_and_stay_raw(written: object, kept: str) -> None:
    assert payload.one_line(written, 100) == kept


def test_long_texts_are_truncated_with_an_ellipsis() -> None:
    assert payload.one_line("a" * 100, 100) == "a" * 100
    assert payload.one_line("a" * 101, 100) == "a" * 99 + "…"
    assert payload.one_line("word " * 100, 21) == "word word word word…"


@given(st.text(st.characters(), max_size=400), st.integers(1, 300))
@settings(deadline=None, max_examples=200)
def test_any_text_becomes_clean_and_cleaning_twice_changes_nothing(value: str, limit: int) -> None:
    once = payload.one_line(value, limit)
    clean_text(once, limit)
    assert payload.one_line(once, limit) == once


# -- hostile responses ----------------------------------------------------------------------------------


def check(row: dict[str, Any]) -> None:
    """Check that ``ok`` parses, ``refuse`` doesn't, ``either`` can do both, and that a parsed embed is valid."""
    if (embed := parse_or_none(body(row), row["requested"])) is None:
        assert row["expect"] in ("refuse", "either")
    else:
        assert row["expect"] in ("ok", "either")
        clean(embed)


def parse_or_none(raw: bytes, ids: str) -> Embed | None:
    try:
        return parse(raw, ids)
    except InvalidResponse as error:
        for value in error.texts.values():
            clean_text(value, payload.MAX_CAPTION_CHARS)
        return None


@pytest.mark.parametrize("row", rows(FIXTURES / "hostile.jsonl"), ids=lambda row: row["name"])
def test_hostile_responses(row: dict[str, Any]) -> None:
    check(row)


def test_the_reference_corpus_of_hostile_responses() -> None:
    for row in rows(reference_dir() / "corpora" / "hostile_oembed.jsonl"):
        check(row)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"width": ' + b"9" * 5_000 + b"}",
        json.dumps(GOOD).encode("utf-16"),
        json.dumps({**GOOD, "title": "Ásta"}, ensure_ascii=False).encode("latin-1"),
        json.dumps(GOOD).encode() + b" " * 2_097_152,
        b"\x1f\x8b\x08\x00",
        json.dumps(GOOD).encode()[:-1] + b', "title": "another"}',
        json.dumps(GOOD).encode()[:-1] + b', "t\\u0069tle": "another"}',
        json.dumps(GOOD).encode()[:-1] + b', "extra": NaN}',
    ],
    ids=[
        "deep",
        "nested",
        "digits",
        "utf-16",
        "latin-1",
        "large",
        "gzip",
        "duplicate",
        "escaped-duplicate",
        "nan",
    ],
)
def test_json_is_parsed_strictly(raw: bytes) -> None:
    with pytest.raises(InvalidResponse):
        parse(raw, ID)


def test_the_content_type_is_ignored() -> None:
    response = Response(200, {"content-type": "text/html; charset=koi8-r"}, json.dumps(GOOD).encode())
    clean(read(response, ref(ID), tld="com").embed)


def test_an_error_for_rejected_markup_has_the_texts_for_a_card() -> None:
    for html in (f"{GOOD['html']}<script src=//evil.example></script>", None, "x" * 200_000):
        with pytest.raises(InvalidResponse) as caught:
            parse({**GOOD, "html": html, "title": "Fog\0"}, ID)
        assert caught.value.texts["title"] == "Fog\ufffd"
        assert caught.value.texts["photographer"] == "Runa Vale"
        assert caught.value.ref == ID
        assert caught.value.hint


def test_the_error_for_another_picture_has_no_texts() -> None:
    for answer in (GOOD, {**GOOD, "html": None}, {**GOOD, "html": "<p>", "thumbnail_url": None}):
        with pytest.raises(InvalidResponse) as caught:
            parse(answer, "600100299")
        assert caught.value.texts == {}


# -- statuses -------------------------------------------------------------------------------------------

FORBIDDEN = b'{"message": "Forbidden"}'


@pytest.mark.parametrize(
    ("status", "raw", "headers", "kind"),
    [
        (404, b"", {}, NotFound),
        (404, b'{"code": "ImageNotFound", "message": "Image not found: 1"}', {}, NotFound),
        (404, b"<html>Not Found</html>", {}, NotFound),
        (404, b"<h1>Access Denied</h1>", {}, NotFound),
        (404, PAGE, {}, Unavailable),
        (410, b"", {}, NotFound),
        (410, PAGE, {}, Unavailable),
        (403, FORBIDDEN, {}, NotEmbeddable),
        (403, PAGE, {}, Unavailable),
        (403, b"", {}, Unavailable),
        (403, FORBIDDEN, {"x-error-detail": "Account Over Queries Per Second Limit"}, RateLimited),
        (403, b'{"message": "Account Over Queries Per Second Limit"}', {}, RateLimited),
        (403, b"<h1>Developer Over Qps</h1>", {}, RateLimited),
        (403, FORBIDDEN, {"x-error-detail": "Account Over Rate Limit"}, QuotaExhausted),
        (403, b"<h1>Developer Over Rate</h1>", {}, QuotaExhausted),
        (403, b'{"message": "Account Inactive"}', {}, Unauthorized),
        (403, b"<h1>Developer Inactive</h1>", {}, Unauthorized),
        (429, b"", {}, RateLimited),
        (429, PAGE, {}, RateLimited),
        (429, b'{"message": "Account Over Rate Limit"}', {}, QuotaExhausted),
        (401, b'{"message": "Unauthorized"}', {}, Unauthorized),
        (401, b"<h1>Unauthorized</h1>", {}, Unavailable),
        (400, b'{"message": "Invalid Request."}', {}, InvalidResponse),
        (400, b"", {}, InvalidResponse),
        (400, PAGE, {}, Unavailable),
        (408, b"{}", {}, Unavailable),
        (418, b"short and stout", {}, Unavailable),
        (422, b"{}", {}, InvalidResponse),
        (500, b'{"message": "We are having trouble."}', {}, Unavailable),
        (502, PAGE, {}, Unavailable),
        (503, b"", {}, Unavailable),
        (504, b"", {}, Unavailable),
        (501, b"", {}, InvalidResponse),
        *((status, b"", {}, InvalidResponse) for status in (100, 201, 204, 206, 301, 302, 304, 600, 999)),
        (204, json.dumps(GOOD).encode(), {}, InvalidResponse),
        (302, json.dumps(GOOD).encode(), {}, InvalidResponse),
    ],
)
def test_statuses(status: int, raw: bytes, headers: dict[str, str], kind: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        read(Response(status, headers, raw), ref(ID), tld="com")
    assert type(caught.value) is kind
    assert caught.value.ref == ID
    assert str(status) in caught.value.message
    assert caught.value.hint
    assert getattr(caught.value, "gone", False) is (kind is NotFound and status == 410)


def test_error_pages_are_not_quoted() -> None:
    with pytest.raises(ProviderError) as caught:
        read(Response(403, {}, b'{"message": "CANARY\\nCANARY"}'), ref(ID), tld="com")
    assert "CANARY" not in str(caught.value)


NOON = "Wed, 05 Jun 2024 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "9" * 400}, 60.0),
        ({"retry-after": "0" * 400 + "7"}, 7.0),
        ({"retry-after": "-2"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "2.5"}, None),
        ({"retry-after": "٢"}, None),
        ({"retry-after": "2, 3"}, None),
        ({"retry-after": "Wed, 05 Jun 2024 12:00:20 GMT", "date": NOON}, 20.0),
        ({"retry-after": "Wed, 05 Jun 2024 13:00:00 GMT", "date": NOON}, 60.0),
        ({"retry-after": "Wed, 05 Jun 2024 11:00:00 GMT", "date": NOON}, 0.0),
        ({"retry-after": NOON}, None),
        ({"retry-after": "Wed, 99 Jun 2024 12:00:00 GMT", "date": NOON}, None),
        ({"retry-after": NOON, "date": "junk"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_limited_to_a_minute(status: int, headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(ProviderError) as caught:
        read(Response(status, headers), ref(ID), tld="com")
    assert caught.value.retry_after == seconds


# -- anything at all ------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(list(GOOD.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
answers = st.dictionaries(st.sampled_from([*GOOD, "cache_age"]), values, max_size=14)


@given(answers)
@settings(deadline=None, max_examples=200)
def test_any_fields_give_a_valid_embed_or_a_provider_error(changes: dict[str, Any]) -> None:
    try:
        embed = parse({**GOOD, **changes}, ID)
    except ProviderError:
        return
    clean(embed)
    assert replace(embed) == embed


@given(
    st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()),
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["retry-after", "date", "x-error-detail"]), st.text(max_size=40)),
)
@settings(deadline=None, max_examples=200)
def test_any_response_raises_only_provider_errors(raw: bytes, status: int, headers: dict[str, str]) -> None:
    for each in (200, status):
        with pytest.raises(ProviderError):
            read(Response(each, headers, raw), ref(ID), tld="com")
