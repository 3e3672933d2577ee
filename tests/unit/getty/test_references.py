"""Texts that refer to a picture, and texts that only look like it."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.errors import UnsupportedReference
from embedkit.files.installed import static_dir
from embedkit.getty import references, urls
from embedkit.models import AssetRef, Options
from tests.support.tools import FIXTURES, reference_dir

URLS = [json.loads(line) for line in (FIXTURES / "urls.jsonl").read_text("utf-8").splitlines()]
PROPERTY = settings(deadline=None, max_examples=200)

# All forms of a reference to one picture; no similar project supports all of them.
FORMS = [
    "http://gty.im/518730426",
    "https://gty.im/518730426",
    "https://www.gty.im/518730426",
    "//gty.im/518730426",
    "gty.im/518730426",
    "https://gty.im/518730426/",
    "https://gty.im/518730426?utm_source=letter#top",
    "HTTPS://GTY.IM/518730426",
    "https://www.gettyimages.com/detail/518730426",
    "https://www.gettyimages.com/detail/news-photo/harbour-at-dawn-news-photo/518730426",
    "https://www.gettyimages.com/detail/photo/harbour-royalty-free-image/518730426?adppopup=true",
    "https://www.gettyimages.co.uk/detail/news-photo/harbour/518730426",
    "https://www.gettyimages.de/detail/nachrichtenfoto/hafen-nachrichtenfoto/518730426",
    "https://www.gettyimages.com.au/detail/photo/harbour/518730426",
    "https://www.gettyimages.ca/detail/photo/harbour/518730426",
    "https://www.gettyimages.com/license/518730426",
    "https://www.gettyimages.com/event/harbour-775310024#crews-wait-picture-id518730426",
    "https://media.gettyimages.com/id/518730426/photo/harbour.jpg?s=612x612&w=gi",
    "https://media.gettyimages.com/photos/harbour-picture-id518730426?s=170x170",
    "https://cache.gettyimages.com/xc/518730426.jpg?v=1&c=IWSAsset",
    "https://delivery.gettyimages.com/downloads/518730426.jpg?k=6&e=x",
    "https://embed.gettyimages.com/embed/518730426?et=Kq3vTn0Zr5uW8yB2dE4gHw&sig=Zm9vYmFy",
    "518730426",
]


def refused(text: str) -> UnsupportedReference:
    with pytest.raises(UnsupportedReference) as caught:
        references.parse(text)
    return caught.value


@pytest.mark.parametrize("row", URLS, ids=lambda row: row["kind"])
def test_every_url_is_accepted_or_rejected_as_expected(row: dict[str, str]) -> None:
    if row["ref"] is None:
        error = refused(row["url"])
        assert str(error).isprintable()
        assert len(str(error)) < 300
        return
    ref = references.parse(row["url"])
    assert str(ref) == row["ref"]
    assert ref.options == Options(tld="com" if "tld=com&" in row["url"] else None)


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_one_picture_are_equal(form: str) -> None:
    assert references.parse(form) == AssetRef(("518730426",))


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("GettyImages-74917285", "74917285"),
        ("GettyImages-74917285.jpg", "74917285"),
        ("gettyimages-74917285-612x612.jpg", "74917285"),
        ("gettyimages-74917285-170667a.jpg", "74917285"),
        ("gettyimages-200305801-001-612x612.jpg", "200305801-001"),
        ("GettyImages-74917285_1200.jpg", "74917285"),
        ("GettyImages-74917285_640.jpg", "74917285"),
        ("gettyimages-74917285@2x.png", "74917285"),
        ("GettyImages-74917285.heic", "74917285"),
        ("hero_GettyImages-74917285.jpg", "74917285"),
        ("2020-05-gettyimages-74917285.jpg", "74917285"),
        ("GettyImages-74917285 copy 2.jpg", "74917285"),
        ("GettyImages-74917285 2.jpg", "74917285"),
        ("gettyimages-sb10079129c-001-2048x2048.jpg", "sb10079129c-001"),
        ("C:\\Users\\me\\Downloads\\GettyImages-74917285.jpg", "74917285"),
        ("./img/a b/GettyImages-74917285 (1).jpg", "74917285"),
        ("wp-content/uploads/2024/11/GettyImages-74917285-scaled.jpg", "74917285"),
        ("/static/GettyImages-74917285-1-300x200.jpeg", "74917285"),
        ("GettyImages-74917285_high.jpg", "74917285"),
        ("GettyImages-74917285.jpg?w=1200&h=900&crop=1", "74917285"),
        ("GettyImages-74917285.jpg.webp", "74917285"),
        ("GettyImages-74917285%20(1).jpg", "74917285"),
        ("GettyImages_74917285.0.jpg", "74917285"),
        ("Getty-Images-74917285-e1708028042563.webp", "74917285"),
        ("gettyimages_74917285_wide-4f9cc3824e22a75519017d35ddf5fb2e54e672f1-s900-c85.jpg", "74917285"),
        ("106742568-1602615652022-gettyimages-74917285-A-STREET.jpg", "74917285"),
        ("GettyImages-200305801-001_edit.jpg", "200305801-001"),
        ("the-harbour-picture-id74917285.jpg", "74917285"),
        ("the-harbour-vector-id74917285", "74917285"),
    ],
)
def test_the_file_names_of_getty(name: str, item: str) -> None:
    assert references.parse(name).items == (item,)


@pytest.mark.parametrize(
    "name",
    [
        "evil.example/GettyImages-74917285.jpg",
        "https://evil.example/GettyImages-74917285.jpg",
        "GettyImages-abc.jpg",
        "GettyImages-74917285-640.mov",
        "getty-images-1-1068x712.jpg",
        "gettyimages-74917285-gettyimages-74917286.jpg",
        "passport-photo-id74917285.jpg",
        "/" * 300 + "gettyimages-",
    ],
)
def test_other_file_names(name: str) -> None:
    refused(name)


@pytest.mark.parametrize(
    ("start", "end", "items"),
    [
        ("https://gty.im/74917285?utm=", "", ("74917285",)),
        ("74917285?et=a&sig=b&utm=", "", ("74917285",)),
        ("", "/GettyImages-74917285", ("74917285",)),
    ],
)
def test_the_length_of_urls_is_limited(start: str, end: str, items: tuple[str, ...]) -> None:
    """A file name truncated at the limit used to refer to another picture."""
    fill = "a" * (urls.MAX_URL_CHARS - len(start) - len(end))
    assert references.parse(f"{start}{fill}{end}").items == items
    error = str(refused(f"{start}{fill}{end}1"))
    assert error.startswith(f"A URL of {urls.MAX_URL_CHARS + 1} characters is too long.")


def test_the_length_of_frame_urls_is_limited() -> None:
    with pytest.raises(UnsupportedReference, match="is too long"):
        urls.split("https://embed.gettyimages.com/embed/" + "1" * urls.MAX_URL_CHARS)


def test_the_length_of_references_is_limited() -> None:
    """Surrounding whitespace doesn't count."""
    start, end = '<iframe src="https://embed.gettyimages.com/embed/74917285">', "</iframe>"
    fill = " " * (references.MAX_CHARS - len(start) - len(end))
    assert references.parse(f"{fill}{start}{fill}{end}{fill}").items == ("74917285",)
    error = str(refused(f"{start}{fill} {end}"))
    assert error.startswith(f"A reference of {references.MAX_CHARS + 1} characters is too long.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://evil.example/a", "evil.example"),
        ("https://evil\x07.example/a", None),
        ("[gallery\u202e ids=1]", "[gallery? ids=1]"),
        ("[gallery\x1b]", "[gallery?]"),
        ("[gallery key=1?secret=2]", "[gallery key=1…"),
    ],
)
def test_messages_are_printable(text: str, shown: str | None) -> None:
    message = str(refused(text))
    assert message.isprintable()
    assert "secret" not in message
    assert shown is None or f"'{shown}'" in message


def test_short_links_with_letters_and_lists() -> None:
    assert references.parse("https://gty.im/A0310-000291B").items == ("a0310-000291b",)
    assert references.parse("https://gty.im/12,7").items == ("12", "7")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        *(("5,3,9", "5,3,9"), ("5,3,5", "5,3"), ("5, 3 ,9", "5,3,9"), ("5,5,5,5,5,5,5", "5"), ("A1,a1", "a1")),
        *((f"200305801{dash}001,7", "200305801-001,7") for dash in "\u2010\u2011\u2012\u2013\u2212"),
    ],
)
def test_a_list_keeps_its_order_without_duplicates(text: str, items: str) -> None:
    assert str(references.parse(text)) == items


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("?et=a&sig=b&tld=co.uk&caption=true", Options(tld="co.uk", caption=True)),
        ("?et=a&amp;tld=de&amp;sig=b&amp;caption=false&ver=1", Options(tld="de", caption=False)),
        ("?et=a&amp;amp;tld=de&amp;sig=b", Options(tld="de")),
        ("?et=a&sig=b&tld=evil.example&caption=maybe", Options()),
        ("?et=a&sig=b&tld=de&tld=fr", Options(tld="de")),
        ("?tld=de&caption=true", Options()),
        ("?sig=b&tld=de", Options()),
    ],
)
def test_only_a_signed_query_has_options(query: str, options: Options) -> None:
    expected = AssetRef(("518730426",), options)
    assert references.parse(f"//embed.gettyimages.com/embed/518730426{query}") == expected
    assert references.parse(f"//embed.gettyimages.com/embed{query}&assets=518730426") == expected
    assert references.parse(f"518730426{query}") == expected


def test_a_page_has_no_options_whatever_its_query() -> None:
    url = "https://www.gettyimages.de/detail/518730426?et=a&sig=b&tld=fr&caption=true"
    assert references.parse(url) == AssetRef(("518730426",))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("[getty 518730426]", Options()),
        ("[getty]518730426[/getty]", Options()),
        ('[getty src="518730426" width="462" height="370" tld="de"]', Options(462, 370, tld="de")),
        ("[embed]https://gty.im/518730426[/embed]", Options()),
        ('[embed width="300"]https://gty.im/518730426[/embed]', Options(300)),
        ('[embed src="https://gty.im/518730426" height="200"]', Options(max_height=200)),
        ("[https://gty.im/518730426](https://gty.im/518730426)", Options()),
        ("![A harbor](https://www.gettyimages.com/detail/518730426)", Options(title="A harbor")),
        ('<!-- wp:embed {"url":"https://gty.im/518730426","align":"left"} /-->', Options(align="left")),
        ('<oembed url="https://gty.im/518730426"></oembed>', Options()),
        ("<p>[getty 518730426 width=300]</p>", Options(300)),
        (
            '[getty src="518730426?et=a&amp;sig=b&amp;tld=fr&amp;caption=true" tld="de"]',
            Options(tld="de", caption=True),
        ),
    ],
)
def test_a_shortcode_is_a_reference_too(text: str, options: Options) -> None:
    assert references.parse(text) == AssetRef(("518730426",), options)


@pytest.mark.parametrize(
    "text",
    [
        *("[getty]", "[getty cats]", "[[getty 1]]", "[gallery 1]", "[getty 1] [getty 2]", "[]", "[getty 1", "!"),
        *("[a](https://gty.im/1)", "![](https://shop.example/1)", "<p>https://gty.im/1</p>", "`[getty 1]`"),
    ],
)
def test_other_brackets_are_not_shortcodes(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The reference is empty"),
        ("cats", "'cats' is not an asset ID"),
        ("1,2,3,4,5,6", "6 IDs is too long"),
        ("https://www.gettyimages.com/event/harbour-775310024", "page of an event"),
        ("https://www.gettyimages.com/detail/video/harbour/518730426", "video"),
        ("https://media.gettyimages.com/id/518730426/vid%C3%A9o/harbour.jpg", "video"),
        ("https://gty.im.evil.example/1", "only looks like"),
        ("https://evil.example/1", "is not a Getty Images host"),
        ("ftp://gty.im/1", "begin with ftp:"),
        ("https://gty.im:8443/1", "Port 8443"),
        ("https://gty.im/", "An asset ID is missing"),
        ("https://gty.im\\/1", "backslashes"),
        ("https://gty.im/" + "a" * 5000, "5015 characters"),
        ("x" * 90_000, "90000 characters"),
        ("<p>Hello</p>", "no Getty Images embed code"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(text: str, says: str) -> None:
    error = refused(text)
    assert says in error.message
    assert error.hint


@pytest.mark.parametrize(
    "text",
    ["https://editor:hunter2@gty.im/1", "https://cms.example/x?token=hunter2", "https://gty.im/x#hunter2"],
)
def test_errors_do_not_quote_secrets(text: str) -> None:
    assert "hunter2" not in str(refused(text))


def test_errors_quote_only_the_start_of_a_long_input() -> None:
    assert str(refused("https://evil" + "l" * 2000 + ".example/1")).count("l") < 100


@PROPERTY
@given(st.text())
def test_any_text_is_a_reference_or_unsupported(text: str) -> None:
    check(text)


WORDS = (
    "https: http: // / \\ gty.im www. gettyimages .com .de embed. media. detail photo license event embed?assets= "
    "518730426 sb20417733k-001 , - @ : :80 ? # & &amp; et= sig= tld= = % %2F %2e .. . -picture-id -news-photo- id "
    "[getty ] <a <iframe src= ' \" > gie.widgets.load({items:' '}) { } \u200b \u3002 \u212a \ud800 e\u0301"
)
PIECES = [*WORDS.split(" "), " ", "\t", "\n", "\0"]


@PROPERTY
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_mixture_is_a_reference_or_unsupported(text: str) -> None:
    check(text)


def check(text: str) -> None:
    try:
        ref = references.parse(text)
    except UnsupportedReference:
        return
    assert 1 <= len(ref.items) <= 5
    assert len(set(ref.items)) == len(ref.items)
    assert all(grammatical(item) for item in ref.items)
    assert references.parse(str(ref)) == AssetRef(ref.items)


def grammatical(item: str) -> bool:
    letters = set(item) <= set("0123456789abcdefghijklmnopqrstuvwxyz-") and not set(item).isdisjoint("0123456789")
    return letters and 1 <= len(item) <= 24 and item == item.strip("-")


IDS = st.from_regex(r"[0-9a-z-]{1,24}", fullmatch=True).filter(grammatical)


@PROPERTY
@given(st.lists(IDS, min_size=1, max_size=5, unique=True))
def test_every_list_of_ids_round_trips(ids: list[str]) -> None:
    ref = AssetRef(tuple(ids))
    assert references.parse(str(ref)) == ref
    assert references.parse(f"https://gty.im/{ref}") == ref
    assert references.parse(str(ref).upper()) == ref


@pytest.mark.parametrize("script", ["embedkit-facade.js", "picker/model.js"])
def test_scripts_share_the_grammar_of_ids(script: str) -> None:
    assert urls.ASSET_IDS in (static_dir() / script).read_text("utf-8")


def test_the_grammar_of_ids_is_defined_once() -> None:
    package = Path(urls.__file__).parent.parent
    assert [path.name for path in package.rglob("*.py") if urls.ASSET_ID in path.read_text("utf-8")] == ["urls.py"]


def spent(text: str) -> float:
    """Return the lowest CPU time of three runs, so that other load on the machine doesn't matter."""
    times = []
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(UnsupportedReference):
            references.parse(text)
        times.append(time.process_time() - start)
    return min(times)


HOSTILE = [
    "a",
    "-",
    "/",
    "%",
    "&amp;",
    "1,",
    "a-news-photo-",
    ".",
    "@",
    "a=",
    "<a ",
    "<",
    "'",
    "&lt;",
    "[",
    "{",
    "\t",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize(
    "start", ["", "https://www.gettyimages.com/detail/", "https://www.gettyimages.com/x#", "1?a", "<"]
)
def test_time_does_not_grow_with_hostile_repeats(start: str, unit: str) -> None:
    most = urls.MAX_URL_CHARS if start != "<" else references.MAX_CHARS
    for size in (most, 100_000):
        # a quadratic pattern takes seconds, a linear one less than a millisecond (20 ms for embed code)
        assert spent(f"{start}{unit * size}"[: size - 1] + "!") < 0.5


def test_the_reference_corpus_of_urls() -> None:
    wrong = []
    for line in (reference_dir() / "corpora" / "urls.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        try:
            found: str | None = str(references.parse(row["url"]))
        except UnsupportedReference:
            found = None
        expected = row["asset_id"] if row["getty"] is True else None
        if row["getty"] != "either" and found != expected:
            wrong.append((row["url"], found))
    assert wrong == []
