"""Batches: an error in one reference doesn't affect the others."""

from __future__ import annotations

import json
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from embedkit import AssetRef, Embed, EmbedKitError, Options
from embedkit.web import request, schemas
from embedkit.web.errors import Refused
from tests.support.web import (
    ANY,
    EXAMPLE,
    World,
    kit,
    world,
)

GOOD = f'"{EXAMPLE}"'
HUGE = "9" * 400
DEEP = 20_000


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world()


def ask(web: World, *items: str) -> list[Any]:
    body = f'{{"refs": [{GOOD}, {", ".join(items)}, {GOOD}], "target": "feed"}}'.encode()
    answer = web.client.post("/v1/embeds", data=body, content_type="application/json")
    assert answer.status_code == 200, answer.json
    assert len(answer.data) < 200_000
    first, *found, last = answer.json["embeds"]
    assert first["ref"] == last["ref"] == EXAMPLE
    assert "error" not in first
    assert "error" not in last
    return found


@pytest.mark.parametrize(
    ("item", "code", "says"),
    [
        (HUGE, "unsupported", ""),
        ("-1", "unsupported", ""),
        ("1.5", "invalid-request", "a string"),
        ("NaN", "invalid-request", "valid JSON"),
        ("-Infinity", "invalid-request", "valid JSON"),
        ("null", "invalid-request", "null"),
        ("true", "invalid-request", "true or false"),
        ("[]", "invalid-request", "a list"),
        (f'["{ANY}"]', "invalid-request", "a list"),
        ("{}", "invalid-request", '"ref" is missing'),
        ('{"ref": 1.5}', "invalid-request", "ref: expected a"),
        (f'{{"ref": "{ANY}", "max_width": 3}}', "invalid-request", "max_width"),
        (f'{{"ref": "{ANY}", "align": "up"}}', "invalid-request", "Use one of none, left"),
        (f'{{"ref": "{ANY}", "tld": "nowhere"}}', "invalid-request", "tld"),
        (f'{{"ref": "{ANY}", "maxwidth": 0}}', "invalid-request", "maxwidth"),
        (f'{{"ref": "{ANY}", "maxwidth": -{HUGE}}}', "invalid-request", "maxwidth"),
        (f'{{"ref": "{ANY}", "maxwidth": 1e400}}', "invalid-request", ""),
        (f'{{"ref": "{ANY}", "maxwidth": NaN}}', "invalid-request", "valid JSON"),
        (f'{{"ref": "{ANY}", "title": "{"t" * 1001}"}}', "invalid-request", "title"),
        (json.dumps("x" * 4001), "unsupported", "4001 characters"),
        (json.dumps("x" * 50_000), "unsupported", "50000 characters"),
        (json.dumps({"ref": "x" * 50_000}), "unsupported", "50000 characters"),
        (r'"\ud800"', "invalid-request", "valid JSON"),
        (r'{"ref": "a\udfff"}', "invalid-request", "valid JSON"),
        (rf'"{ANY}\u0000"', "unsupported", ""),
        (r'"\u202e\u2028"', "unsupported", ""),
        ('"1" "2"', "invalid-request", "valid JSON"),
        ('"a\nb"', "invalid-request", "valid JSON"),
        ('""', "unsupported", ""),
        ("[" * DEEP + "]" * DEEP, "invalid-request", ""),
        ('{"a":' * 2000 + "1" + "}" * 2000, "invalid-request", ""),
        ('"https://evil.example/1"', "unsupported", ""),
        (r'"\",{}[]:\\"', "unsupported", ""),
    ],
    ids=lambda value: value[:30],
)
def test_an_invalid_reference_affects_only_its_own_item(web: World, item: str, code: str, says: str) -> None:
    (found,) = ask(web, item)
    assert found["error"]["code"] == code
    assert says in found["error"]["detail"]
    assert found["error"]["title"]
    msgspec.json.decode(msgspec.json.encode(found), type=schemas.FailedItem, strict=True)
    assert len(json.dumps(found)) < 2000 * 6


def test_a_huge_size_means_no_limit(web: World) -> None:
    whole, bounded = ask(web, GOOD, f'{{"ref": "{EXAMPLE}", "maxwidth": 9007199254740993}}')
    assert bounded["width"] == max(whole["width"], bounded["width"])


def test_all_errors_can_occur_in_one_batch(web: World) -> None:
    found = ask(web, *["1.5", "null", r'"\ud800"', "NaN", "[[[]]]", f'"{ANY}"'] * 15)
    assert [item.get("error", {}).get("code") for item in found] == [*["invalid-request"] * 5, None] * 15


def test_duplicates_cost_one_call() -> None:
    web = world()
    ask(web, *[f'"https://gty.im/{EXAMPLE}"', f'{{"ref": "{EXAMPLE}"}}'] * 40)
    assert web.sandbox.count("oembed") == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"refs": ["1", "2"',
        '{"refs": ["1",, "2"]}',
        '{"refs": ["1",]}',
        '{"refs": ["1}]',
        '{"refs": ["1]}',
        '{"refs": "1", "refs": {}}',
        '{"refs": {"refs": ["1"]}}',
        '["refs", ["1"]]',
        '[{"refs": ["1"]}]',
        '{"refs": ["1"]} x',
        '{"refs": ["1"], "more": 1}',
        r'{"r\u0065fs": ["1"]}',
        r'{"r\u0065fs": [7]}',
        '{"refs": ["' + r"\"" * 30_000,
        '{"refs": [' + '"' * 50_001,
        '{"refs": [' + "[" * 60_000,
        '{"refs": [' + "]" * 60_000,
        '{"refs": [' + ",{" * 30_000,
    ],
    ids=lambda body: body[:24],
)
def test_an_invalid_body_is_rejected_as_a_whole(web: World, body: str) -> None:
    answer = web.client.post("/v1/embeds", data=body.encode(), content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")


def test_error_line_numbers_are_those_of_the_original_body(web: World) -> None:
    body = b'{"refs": [{\n"ref":\n"1"},\n"2"],\n]}'
    answer = web.client.post("/v1/embeds", data=body, content_type="application/json")
    assert "line 5" in answer.json["detail"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8) | st.just('"],[{\\'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
SPACE = st.text(" \t\r\n", max_size=3)


@limits(deadline=None, max_examples=200)
@given(st.lists(VALUES, max_size=6), SPACE, st.booleans())
def test_cut_items_equal_parsed_items(items: list[Any], space: str, plain: bool) -> None:
    written = [json.dumps(item, ensure_ascii=plain, indent=1) for item in items]
    between = f"{space},{space}"
    body = f'{{{space}"target"{space}:"refs",{space}"refs":{space}[{space}{between.join(written)}{space}]{space}}}'
    skeleton, found = request.cut_items(body.encode())
    assert [json.loads(raw) for raw in found] == items
    assert json.loads(skeleton) == {"target": "refs", "refs": list(range(len(items)))}


@limits(deadline=None, max_examples=200)
@given(st.text(string.punctuation + " \nr", max_size=60))
def test_random_bodies_never_crash(noise: str) -> None:
    for body in (noise, '{"refs": [' + noise, '{"refs": [' + noise + "]}"):
        skeleton, found = request.cut_items(body.encode())
        assert len(skeleton) <= len(body) + 12 * len(found)
        assert all(isinstance(request.read_item(raw).value, str | Exception | schemas.BatchItem) for raw in found)


class Odd:
    """An object that is not a reference and can't even be printed."""

    def __repr__(self) -> str:
        return "\ud800"


@pytest.mark.parametrize(
    "reference",
    [
        *(
            -1,
            10**24,
            10**5000,
            1.5,
            float("nan"),
            None,
            True,
            b"74917285",
            [],
            {},
            object(),
            Odd(),
            ("74917285",),
        ),
        *("", " ", "\0", "\ud800", "x" * 1_000_000, "[" * 100_000, "[getty " * 10_000, "<" * 100_000),
        *("https://gty.im/" * 1_000, "9" * 100_000, "1,2,3,4,5,6", "74917285\n74917285"),
        AssetRef(()),
        AssetRef(("",)),
        AssetRef(("../../etc",)),
        AssetRef(("\ud8001",)),
        AssetRef(tuple("123456")),
        AssetRef((74917285,)),  # type: ignore[arg-type]
        AssetRef(None),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(max_width=0)),
        AssetRef((EXAMPLE,), Options(max_width=float("nan"))),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(max_height="9")),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(align="up")),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(tld=[])),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(target={})),  # type: ignore[arg-type]
        AssetRef((EXAMPLE,), Options(caption=b"")),  # type: ignore[arg-type]
    ],
    ids=lambda value: type(value).__name__,  # the same in every process
)
def test_the_library_also_returns_errors_per_item(reference: Any) -> None:
    with kit() as made:
        first, found, last = made.resolve_many([EXAMPLE, reference, ANY])
    assert isinstance(first, Embed)
    assert isinstance(last, Embed)
    assert isinstance(found, EmbedKitError)
    assert len(str(found)) < 1000


def test_the_library_also_ignores_a_huge_size() -> None:
    with kit() as made:
        whole, bounded = made.resolve_many([EXAMPLE, AssetRef((EXAMPLE,), Options(max_width=10**400))])
    assert isinstance(whole, Embed)
    assert isinstance(bounded, Embed)
    assert bounded.width >= whole.width


def test_a_rejected_item_keeps_its_advice() -> None:
    found = request.read_item(b'{"ref": "1", "align": "up"}')
    assert isinstance(found.value, Refused)
    assert "center" in found.value.message
