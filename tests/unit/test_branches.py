"""Branches of the pure packages that no other quick test covers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from copy import copy, deepcopy
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from embedkit import (
    AssetRef,
    ConfigurationError,
    Embed,
    Frame,
    Image,
    InvalidResponse,
    Options,
    Response,
    SearchPage,
    Settings,
    UnsupportedReference,
)
from embedkit.api.models import image_json, search_page_json
from embedkit.cli.admin import examine
from embedkit.errors import missing_package
from embedkit.files import installed
from embedkit.getty import embed_code, oembed, references
from embedkit.rendering.escaping import dump_json
from embedkit.rendering.renderer import Renderer
from embedkit.rendering.sanitizer import BleachSanitizer, NhSanitizer, sanitizer
from embedkit.settings import Secret
from embedkit.shortcodes.budget import DOCUMENT, Budget
from embedkit.shortcodes.scan import find
from embedkit.targets import INPUTS, Input
from embedkit.validation import contacts, materialise, options
from tests.support.embeds import record
from tests.support.oembed import load, parse

ORIGIN = "https://embed.gettyimages.com"


def test_a_missing_package_is_installed_from_a_clone() -> None:
    error = missing_package("METRICS", "prometheus_client", "metrics")
    assert str(error) == (
        "METRICS needs the package prometheus_client. In a clone of embedkit, run: pip install '.[metrics]'"
    )


def test_a_page_of_a_search_as_json() -> None:
    page = SearchPage(images=(Image(AssetRef(("74917285",)), title="A cat"),), total=1, page=1, page_size=30)
    written = search_page_json(page, image_json)
    assert written["total"] == 1
    assert [image["title"] for image in written["images"]] == ["A cat"]


def test_sources_missing_from_an_installation_are_empty(tmp_path: Path) -> None:
    assert installed._read(str(tmp_path / "missing.py")) == b""
    assert installed._read(str(tmp_path)) == b""


# -- settings ------------------------------------------------------------------------------------------


def test_a_secret_is_the_same_in_sets_and_copies() -> None:
    secret = Secret("hunter2hunter2")
    assert len({secret, Secret("hunter2hunter2")}) == 1
    assert copy(secret) is deepcopy(secret) is secret


@pytest.mark.parametrize(
    ("row", "value"), [("concurrency", "0"), ("timeout", "soon"), ("timeout", "0"), ("rate_limit", "many")]
)
def test_an_invalid_number_is_refused(row: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=row.upper()):
        Settings.from_mapping({row: value})


def test_settings_that_are_optional_are_read() -> None:
    rows = {"search_budget": "5", "frozen": "no", "contact": "mailto:security@example.org"}
    settings = Settings.from_mapping(rows)
    assert (settings.search_budget, settings.frozen, settings.contact) == (5, False, (rows["contact"],))


def test_invalid_settings_are_named_and_the_others_are_kept() -> None:
    settings, wrong = examine(
        {"EMBEDKIT_MAX_AGE": "60", "EMBEDKIT_TARGET": "webb", "EMBEDKIT_NEVER": "1", "HOME": "/"}
    )
    assert settings.max_age == 60
    assert settings.target == "web"
    assert wrong.keys() == {"TARGET", "NEVER"}


def test_contacts_are_uris() -> None:
    with pytest.raises(ValueError, match="mailto:"):
        contacts("security@example.org")


def test_an_iterator_can_be_passed_to_more_than_one_call() -> None:
    assert materialise({"ids": iter(["1", "2"]), "page": 1}) == {"ids": ("1", "2"), "page": 1}


@pytest.mark.parametrize(
    "kwargs", [{"max_width": 0}, {"max_width": True}, {"title": 5}, {"caption": 5}, {"widht": 5}]
)
def test_options_of_the_wrong_type_are_refused(kwargs: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        options(None, kwargs)


def test_bounds_are_limited_to_gettys_largest_size() -> None:
    wanted = options(Options(max_height=300), {"max_width": 10**9})
    assert (wanted.max_width, wanted.max_height) == (options(None, {"max_width": 10**8}).max_width, 300)


# -- Getty ---------------------------------------------------------------------------------------------


def answer(status: int = 200, body: bytes = b"") -> Response:
    return Response(status, {"content-type": "application/json"}, body)


def test_answers_of_the_endpoint_itself_are_recognized() -> None:
    assert oembed.recognizes(answer(body=json.dumps(load("modern-single")).encode()))
    assert not oembed.recognizes(answer(body=b"<html>Maintenance"))
    assert not oembed.recognizes(answer(503, b"<html>Maintenance"))


def test_json_that_is_not_an_embed_is_an_outage() -> None:
    with pytest.raises(InvalidResponse, match="not from an oEmbed endpoint"):
        parse(b'{"maintenance": true}', "600100200")


def test_a_record_that_getty_cannot_have_sent_is_refused() -> None:
    with pytest.raises(InvalidResponse, match="can't have come from"):
        oembed.validate(record(width=10**9), (), tld="com")
    embed = parse(load("modern-single"), "600100200")
    assert oembed.validate(embed, (), tld="com").frame == embed.frame


def test_a_handmade_frame_is_not_shown() -> None:
    frame = Frame(("74917285",), (("et", "<b>"), ("sig", "x")))
    html = Renderer(Settings().rendering).render(record(frame=frame), Options(), "web")
    assert "<iframe" not in html
    assert "ek--card" in html


def test_a_query_that_gettys_script_would_change_is_framed_by_us() -> None:
    embed = parse(load("modern-single"), "600100200")
    signed = replace(embed, frame=replace(embed.frame, query=(("viewMoreLink", "on"), *embed.frame.query)))
    assert "<script" not in Renderer(Settings().rendering).render(signed, Options(), "widget")
    assert "<script" in Renderer(Settings().rendering).render(embed, Options(), "widget")


def test_a_frame_of_the_wrong_type_is_not_a_record() -> None:
    stored = parse(load("modern-single"), "600100200").as_record()
    assert Embed.from_record(stored).frame.items == ("600100200",)
    stored["frame"]["bar"] = "0"
    with pytest.raises(ValueError, match="not a record"):
        Embed.from_record(stored)


def test_items_of_a_reference_are_strings() -> None:
    with pytest.raises(UnsupportedReference):
        references.ids(AssetRef((1,)))  # type: ignore[arg-type]


# -- rendering -----------------------------------------------------------------------------------------


def test_lists_are_escaped_in_json() -> None:
    assert json.loads(dump_json({"names": ["[getty 1]", 5]})) == {"names": ["[getty 1]", 5]}
    assert "[getty" not in dump_json({"names": ["[getty 1]"]})


def test_a_sanitizer_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(sanitizer("nh3", frame_origin=ORIGIN), NhSanitizer)
    assert isinstance(sanitizer("bleach", frame_origin=ORIGIN), BleachSanitizer)
    with pytest.raises(ConfigurationError, match="nh3 or bleach"):
        sanitizer("lxml", frame_origin=ORIGIN)
    monkeypatch.setitem(sys.modules, "bleach.sanitizer", None)
    with pytest.raises(ConfigurationError, match="bleach"):
        sanitizer("bleach", frame_origin=ORIGIN)


def test_an_attribute_whose_check_fails_is_dropped() -> None:
    net = NhSanitizer(ORIGIN)

    def fails(tag: str, name: str, value: str) -> bool:
        raise RuntimeError

    net._is_allowed = fails
    assert net.clean('<a href="https://example.org/">text</a>') == "<a>text</a>"


# -- texts ---------------------------------------------------------------------------------------------

EDITORS = (
    *(' url="https://gty.im/1"', "<oembed", ">", "</oembed>", '<embed url="https://gty.im/1">', "<!-- wp:embed"),
    *(' {"url":"https://gty.im/1"}', ' {"url":5}', " -->", "<!-- /wp:embed -->", "[1]", "{", "/-->", "\n"),
)
MARKDOWN = (
    *("[getty 1]", "https://gty.im/1", "`", "``", "```", "~~~", "~", "\\", "<", "<a ", 'x="', "'", ">", "> "),
    *("[", "](", ")", "\n", "\n\n", "    ", "\t", "- ", "<code>", "<!--", "-->", "<p>", "</p>", "|", "x"),
)
PASTED = (
    *("<p>", "</p>", "<br>", "<div>", "</div>", "<a href='https://www.gettyimages.com/detail/1'>", "</a>", "<b>"),
    *(
        "//embed.gettyimages.com/embed/1?et=a&sig=b",
        "//embed.gettyimages.com/embed/1?et=a",
        "<iframe src='//embed.gettyimages.com/embed/1'>",
        "</iframe>",
    ),
    *("<a class='gie-single' id='x'>", "<script>", "window.gie=window.gie||function(c){}", "</script>", " ", "x"),
    *(
        "gie.widgets.load({id:'x',sig:'s',w:'1',h:'1',items:'1'});",
        "<script src='//embed-cdn.gettyimages.com/widgets.js'>",
    ),
)


def mixtures(parts: tuple[str, ...], count: int) -> Iterator[str]:
    """Yield every pair of the parts, and as many longer mixtures, the same in every run."""
    yield from map("".join, product(parts, repeat=2))
    chance = Random(9)
    for _ in range(count):
        yield "".join([*chance.choices(parts, k=chance.randint(2, 7)), parts[0], *chance.choices(parts, k=2)])


@pytest.mark.parametrize("parts", [EDITORS, MARKDOWN], ids=["editors", "markdown"])
@pytest.mark.parametrize("input", INPUTS)
def test_matches_are_in_order_and_within_the_text(parts: tuple[str, ...], input: Input) -> None:
    for text in mixtures(parts, 20_000):
        end = 0
        for one in find(text, input=input):
            assert end <= one.start < one.end <= len(text), text
            end = one.end


@pytest.mark.parametrize("input", INPUTS)
def test_converting_twice_changes_nothing_more(input: Input) -> None:
    for text in mixtures(PASTED, 2000):
        once = embed_code.convert(text, input).text
        assert embed_code.convert(once, input).text == once, text


def test_a_paragraph_may_open_or_close_anywhere_in_pasted_code() -> None:
    html = load("modern-single")["html"]
    places = [0, *(match.end() for match in re.finditer("</[a-z]+>", html))]
    for opening, closing in product(places, repeat=2):
        text = html
        for place, tag in sorted([(opening, "<p>"), (closing, "</p>")], reverse=True):
            text = f"{text[:place]}{tag}{text[place:]}"
        for around in ("{}", "<p>{}", "{}</p>", "<br><p><br><p><br>{}"):
            once = embed_code.convert(around.format(text), "html").text
            assert embed_code.convert(once, "html").text == once


def test_only_the_nearest_elements_belong_to_an_embed() -> None:
    link = "<a href='https://www.gettyimages.com/detail/600100200'>Embed from Getty Images</a>"
    text = load("modern-single")["html"].replace("</a>", "</a><br><br><br><br><br>")
    for _ in range(8):
        text = f"<div>{text}{link}</div>"
    once = embed_code.convert(text, "html").text
    assert 'src="600100200"' in once
    assert embed_code.convert(once, "html").text == once


def test_fences_in_one_quote() -> None:
    text = "> ```\n> [getty 1]\n> ```\n> ```\n> [getty 2]\n> ```\n> [getty 3]\n\n[getty 4]\n"
    assert [one.reference for one in find(text, input="markdown")] == ["3", "4"]


@pytest.mark.parametrize(
    "budget",
    [DOCUMENT._replace(steps=1), DOCUMENT._replace(references=0), DOCUMENT._replace(chars=10)],
    ids=["steps", "references", "characters"],
)
def test_anything_beyond_the_budget_is_left_and_reported(budget: Budget) -> None:
    text = f"<b><code></code><i> {load('modern-single')['html']} <code>x</code>"
    converted = embed_code.convert(text, "html", budget)
    assert converted.text == text
    assert [problem.code for problem in converted.problems] == ["too-large"]


@pytest.mark.parametrize(
    "code", ["``<a ` ``", "`<a\n`", "`` ` <a ``", "\\`<b> `<a`", "`a` ``<a ` `b``", "[`<a`](x) ``<``"]
)
def test_an_apparent_tag_in_a_code_span_is_not_a_tag(code: str) -> None:
    assert [one.reference for one in find(f"x {code} [getty 1] {code} [getty 2]", input="markdown")] == ["1", "2"]


def test_a_code_span_of_another_paragraph_hides_nothing() -> None:
    found = find("``<a ]'``'\\\n\n|[getty 1]|`https://gty.im/1\"]", input="markdown")
    assert [one.reference for one in found] == ["1"]


@pytest.mark.parametrize("name", ["svg", "math", "pre", "code"])
@pytest.mark.parametrize("inside", ["\\<{}>", "\\<!--", "\n```\n", "\n~~~\n", "`<{}>`", "<!-- -->", "<{} "])
def test_marks_inside_an_open_element(name: str, inside: str) -> None:
    text = f"<{name}>{inside.format(name)} [getty 1] </{name}>\n\n[getty 2]\n"
    for input in INPUTS:
        assert all(text[one.start] == "[" for one in find(text, input=input))
