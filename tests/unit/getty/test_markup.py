"""The provider's HTML: values are extracted from known markup; anything else is rejected quickly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.errors import InvalidResponse
from embedkit.getty import markup
from embedkit.getty.markup import AssetMismatch, Markup, extract
from embedkit.models import TLDS
from tests.support.oembed import (
    ANSWERS,
    HOSTS,
    load,
    rows,
)
from tests.support.tools import reference_dir

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MODERN = load("modern-single")["html"]
OLD = load("div-2014")["html"]
ASKED = {MODERN: ("600100200",), OLD: ("60010020",)}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_known_form_is_read(name: str) -> None:
    ids, width, height, bar = ANSWERS[name]
    found = extract(load(name)["html"], tuple(ids.split(",")), HOSTS)
    assert (found.width, found.height) == (width, height)
    assert found.frame.items == tuple(ids.split(","))
    assert found.frame.bar == bar
    assert found.frame.is360 is (name == "modern-360")


def test_the_query_of_the_modern_form_is_in_the_signed_order() -> None:
    frame = extract(load("modern-single-2017")["html"], ("600100201",), HOSTS).frame
    assert [name for name, _ in frame.query] == ["et", "tld", "sig"]
    assert frame.tld == "co.uk"
    assert f"id='{frame.et}'" in load("modern-single-2017")["html"]


@pytest.mark.parametrize(
    ("name", "signed"),
    [
        ("div-2014", ["et", "sig"]),
        ("div-2015", ["et", "viewMoreLink", "sig"]),
        ("div-2016", ["et", "tld", "sig"]),
        ("div-2016-slideshow", ["et", "tld", "sig"]),
    ],
)
def test_only_the_signed_part_of_an_old_query_is_kept(name: str, signed: list[str]) -> None:
    frame = extract(load(name)["html"], tuple(ANSWERS[name][0].split(",")), HOSTS).frame
    assert [pair for pair, _ in frame.query] == signed


def change(html: str, old: str, new: str) -> str:
    assert old in html
    return html.replace(old, new, 1)


@pytest.mark.parametrize(
    "html",
    [
        change(OLD, "<iframe", "<IFRAME"),
        OLD.replace("><", ">\n<"),
        change(OLD, "&sig", "&amp;sig"),
        change(OLD, '"//embed', '"http://embed'),
        f"\n{MODERN}\n",
        change(MODERN, " target='_blank'", ""),
        change(MODERN, "//embed-cdn", "https://embed-cdn"),
    ],
)
def test_changes_by_serializers_do_not_matter(html: str) -> None:
    original = MODERN if "gie" in html else OLD
    assert extract(html, ASKED[original], HOSTS) == extract(original, ASKED[original], HOSTS)


@pytest.mark.parametrize(
    ("original", "old", "new"),
    [
        (OLD, "//embed.gettyimages.com", "//evil.example"),
        (OLD, "//embed.gettyimages.com", "//embed.gettyimages.com:8080"),
        (OLD, "//embed.gettyimages.com", "//embed.gettyimages.com@evil.example"),
        (OLD, "//embed.gettyimages.com", "//\u0435mbed.gettyimages.com"),
        (OLD, "et=", "ET="),
        (OLD, "et=", "amp;et="),
        (OLD, "&sig", "&#38;sig"),
        (OLD, "&sig", "&amp;amp;sig"),
        (OLD, "&sig", "&tld=evil&sig"),
        (OLD, "&sig", "&tld=com&tld=de&sig"),
        (OLD, "0 49px 0", "0 50px 0"),
        (OLD, "<iframe ", "<iframe onload=x "),
        (OLD, "</iframe>", "x</iframe>"),
        (OLD, "</iframe>", "</iframe><iframe></iframe>"),
        (OLD, "</p>", "<script>alert(1)</script></p>"),
        (OLD, "www.gettyimages.com/detail", "evil.example/detail"),
        (MODERN, "caption: false ,", "caption: false,"),
        (MODERN, "is360: false }", "is360: false}"),
        (MODERN, "is360: false }", "is360: false ,x:1}"),
        (MODERN, "'gie-single'", "'gie-video'"),
        (MODERN, "<script>window", "<script>//\nwindow"),
        (MODERN, "</script>", ";alert(1)</script>"),
        (MODERN, "//embed-cdn.gettyimages.com", "//embed-cdn.gettyimages.com/x/.."),
        (MODERN, "widgets.js'", "widgets.js?callback=alert'"),
        (MODERN, "w:'594px'", "w:'594'"),
        (MODERN, "w:'594px'", "w:'999999px'"),
        (MODERN, "tld:'com'", "tld:'COM'"),
        (MODERN, "<a id", "<A id"),
    ],
)
def test_markup_with_anything_else_is_rejected(original: str, old: str, new: str) -> None:
    with pytest.raises(InvalidResponse):
        extract(change(original, old, new), ASKED[original], HOSTS)


@pytest.mark.parametrize("original", [MODERN, OLD])
def test_another_picture_is_distinguished_from_invalid_markup(original: str) -> None:
    with pytest.raises(AssetMismatch, match="asset mismatch"):
        extract(original, ("600100299",), HOSTS)
    with pytest.raises(AssetMismatch):
        extract(original, (*ASKED[original], "600100299"), HOSTS)


@pytest.mark.parametrize("original", [MODERN, OLD])
def test_a_link_to_another_picture_is_a_mismatch_too(original: str) -> None:
    page = f"/detail/{ASKED[original][0]}"
    with pytest.raises(AssetMismatch):
        extract(change(original, page, "/detail/600100299"), ASKED[original], HOSTS)


def test_the_case_of_ids_is_ignored_and_kept_as_signed() -> None:
    html = load("modern-slideshow")["html"].replace("sb40077001q-001", "SB40077001Q-001")
    found = extract(html, ("600100202", "sb40077001q-001", "600100203"), HOSTS)
    assert found.frame.items[1] == "SB40077001Q-001"


def test_the_loader_can_be_on_a_frame_host() -> None:
    html = change(MODERN, "//embed-cdn.gettyimages.com", "//127.0.0.1:8081")
    with pytest.raises(InvalidResponse):
        extract(html, ASKED[MODERN], HOSTS)
    assert extract(html, ASKED[MODERN], HOSTS | {"127.0.0.1:8081"}) == extract(MODERN, ASKED[MODERN], HOSTS)


@pytest.mark.parametrize(
    ("height", "bar"),
    [("643", 49), ("644", 49), ("600", 0), ("49", 0), ("0", 0)],
)
def test_the_bar_counts_only_if_the_height_matches_the_padding(height: str, bar: int) -> None:
    found = extract(change(OLD, 'height="643"', f'height="{height}"'), ASKED[OLD], HOSTS)
    assert found.frame.bar == bar
    assert found.height == (int(height) or None)


def test_the_size_can_be_missing() -> None:
    found = extract(change(OLD, ' width="396" height="643"', ""), ASKED[OLD], HOSTS)
    assert (found.width, found.height) == (None, None)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 12_800,
        "<iframe " * 8_000,
        "x" * 65_536,
        "<" + "a " * 32_768,
        OLD + " " * 65_536,
        # within the limits of length and tags, so that the patterns are matched
        MODERN[:-9] + " " * 15_000,
        '<div style="' + "overflow:hidden;" * 1_000,
        '<div style="' + "\n" * 16_000,
        OLD.replace("width:100%;", "width:100%;" * 600, 1)[:16_000],
        '<iframe src="//embed.gettyimages.com/embed/1' + ",1" * 8_000,
        '<iframe src="//embed.gettyimages.com/embed/1?' + "caption=true&" * 1_200,
        '<iframe src="//' + "a" * 16_000,
        "<a id='" + "A" * 16_000,
    ],
    ids=range(13),
)
def test_hostile_html_is_rejected_quickly(html: str) -> None:
    def reject() -> float:
        began = time.process_time()
        with pytest.raises(InvalidResponse):
            extract(html, ("600100200",), HOSTS)
        return time.process_time() - began

    reject()  # compiles the patterns
    assert min(reject() for _ in range(5)) < 0.05  # takes about 1 ms; the rest is a margin for slow machines


@given(st.text(max_size=300) | st.text(alphabet="<>'\"=&;/?:{}()aetsigdivframe 0", max_size=300))
@settings(deadline=None, max_examples=150)
def test_any_other_html_is_an_invalid_response(html: str) -> None:
    with pytest.raises(InvalidResponse):
        extract(html, ("600100200",), HOSTS)


@given(st.sampled_from([MODERN, OLD]), st.integers(0, 1_100), st.integers(0, 40), st.text(max_size=20))
@settings(deadline=None, max_examples=200)
def test_damaged_markup_has_valid_values_or_is_rejected(html: str, start: int, cut: int, put: str) -> None:
    try:
        found = extract(html[:start] + put + html[start + cut :], ASKED[html], HOSTS)
    except InvalidResponse:
        return
    assert found.frame.items == ASKED[html]
    assert len(found.frame.et) == 22
    assert len(found.frame.sig) == 44
    assert found.frame.path().isascii()


tokens = st.text(alphabet=LETTERS, min_size=22, max_size=22)
signatures = st.text(alphabet=LETTERS, min_size=43, max_size=43).map(lambda text: f"{text}=")
asset_ids = st.from_regex(r"[0-9][0-9a-z]{0,10}(-00[1-9])?", fullmatch=True)
items = st.lists(asset_ids, min_size=1, max_size=5, unique=True).map(tuple)
sides = st.integers(1, 9_999)


@given(tokens, signatures, items, sides, sides, st.sampled_from(TLDS), st.booleans())
@settings(deadline=None, max_examples=100)
def test_any_valid_modern_markup_is_parsed(
    et: str, sig: str, requested: tuple[str, ...], width: int, height: int, tld: str, is360: bool
) -> None:
    html = (
        MODERN.replace(extract(MODERN, ASKED[MODERN], HOSTS).frame.et, et)
        .replace(extract(MODERN, ASKED[MODERN], HOSTS).frame.sig, sig)
        .replace("items:'600100200'", f"items:'{','.join(requested)}'")
        .replace("/detail/600100200", f"/detail/{requested[0]}")
        .replace("w:'594px',h:'396px'", f"w:'{width}px',h:'{height}px'")
        .replace("tld:'com',is360: false", f"tld:'{tld}',is360: {str(is360).lower()}")
    )
    found = extract(html, requested, HOSTS)
    assert found == Markup(markup.Frame(requested, (("et", et), ("tld", tld), ("sig", sig)), is360), width, height)


extras = st.lists(
    st.sampled_from(["tld=co.jp", "viewMoreLink=off", "similar=on", "caption=true", "ver=1"]),
    unique=True,
    max_size=4,
)


@given(tokens, signatures, items, extras, st.booleans(), st.sampled_from(["&", "&amp;"]))
@settings(deadline=None, max_examples=100)
def test_any_valid_old_markup_is_parsed(
    et: str, sig: str, requested: tuple[str, ...], between: list[str], assets: bool, ampersand: str
) -> None:
    head = f"?assets={','.join(requested)}{ampersand}" if assets else f"/{','.join(requested)}?"
    query = ampersand.join([f"et={et}", *between, f"sig={sig}", "caption=true"])
    html = f'<iframe src="https://embed.gettyimages.com/embed{head}{query}" width="594" height="396"></iframe>'
    frame = extract(html, requested, HOSTS).frame
    assert frame.path() == f"/embed/{','.join(requested)}?" + "&".join([f"et={et}", *between, f"sig={sig}"])


def test_genuine_snippets_are_parsed() -> None:
    """Embed code found on public pages, unless an author or a program has changed it."""
    kinds = ("gie_s", "bare_iframe_2014", "div_iframe_", "feed_iframe")
    changed = ("mangled", "<figcaption>")
    found = 0
    for row in rows(reference_dir() / "upstream" / "snippets.jsonl"):
        html = row.get("html") or ""
        if row["kind"].startswith(kinds) and not any(mark in row["kind"] + html for mark in changed):
            start = html.partition("items:'")[2] or html.partition("assets=")[2] or html.partition("/embed/")[2]
            requested = tuple(start[: min(start.find(end) for end in "'&?" if end in start)].split(","))
            extract(html, requested, HOSTS)
            found += 1
    assert found > 60
