"""The scanner: what it finds, what it reports, and that it takes linear time."""

from __future__ import annotations

import re
from html import escape
from time import process_time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from embedkit.models import ALIGNS, TLDS, AssetRef, Options, Shortcode
from embedkit.shortcodes import tag
from embedkit.shortcodes.budget import DOCUMENT
from embedkit.shortcodes.scan import _URL_START, Positions, _next_tag, _Scan, find, format, replace
from embedkit.targets import TARGETS, Input
from tests.bench.corpus import posts
from tests.bench.hostile import FAMILIES

INPUTS = ("html", "markdown", "commonmark", "text")


def only(text: str, input: str = "html") -> Shortcode:
    """Return the only candidate in a text, which spans the whole text."""
    (found,) = find(text, input)
    assert text[found.start : found.end] == text
    assert found.problem is None
    return found


def options_set(options: Options) -> dict[str, object]:
    """Return the options that are set."""
    return {name: value for name in options.__slots__ if (value := getattr(options, name)) is not None}


@pytest.mark.parametrize("input", INPUTS)
def test_a_backslash_is_literal_outside_markdown(input: Input) -> None:
    (found,) = find("https://gty.im/1\\\n\nb", input)
    assert found.reference == ("https://gty.im/1\\" if input in ("html", "text") else "https://gty.im/1")


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize(
    ("text", "reference", "options"),
    [
        ("[getty 82278805]", "82278805", {}),
        ("[GETTY 82278805]", "82278805", {}),
        ("[Getty\n  82278805 ]", "82278805", {}),
        ("[getty\xa082278805&nbsp;width=3]", "82278805", {"max_width": 3}),
        ("[getty 82278805/]", "82278805", {}),
        ("[getty a0075-000067a /]", "a0075-000067a", {}),
        ("[getty 1,2, 3 ,4]", "1,2,3,4", {}),
        ("[getty=82278805]", "82278805", {}),
        ('[getty="82278805"]', "82278805", {}),
        ("[getty 82278805?et=a_b-c&amp;sig=d=]", "82278805?et=a_b-c&sig=d=", {}),
        ("[getty https://gty.im/1/]", "https://gty.im/1", {}),
        ('[getty src="https://gty.im/1"]', "https://gty.im/1", {}),
        ("[getty src='1,2' /]", "1,2", {}),
        ("[getty]82278805[/getty]", "82278805", {}),
        ("[getty width=300] 82278805\n[/Getty]", "82278805", {"max_width": 300}),
        ('[getty 82278805, width="300 px"]', "82278805", {"max_width": 300}),
        ("[getty src=82278805; width=<b>300</b>]", "82278805", {"max_width": 300}),
        (r"[getty src=\"82278805\" caption=\"Two words\"]", "82278805", {"caption": "Two words"}),
        ("[getty 1][/getty]", "1", {}),
        ("[getty width=462 1 height='370px']", "1", {"max_width": 462, "max_height": 370}),
        ("[getty 1 WIDTH = 462]", "1", {"max_width": 462}),
        ("[getty 1 maxwidth=5 max_height=6]", "1", {"max_width": 5, "max_height": 6}),
        ("[getty 1 max-width=5]", "1", {"max_width": 5}),
        (
            "[getty 1 tld=co.uk align=LEFT target=facade]",
            "1",
            {"tld": "co.uk", "align": "left", "target": "facade"},
        ),
        ("[getty 1 caption=true]", "1", {"caption": True}),
        ('[getty 1 caption="No"]', "1", {"caption": False}),
        ("[getty 1 caption=off]", "1", {"caption": False}),
        ('[getty 1 caption="A  long\ntext"]', "1", {"caption": "A long text"}),
        ("[getty 1 caption='']", "1", {}),
        ("[getty 1 width= ]", "1", {}),
        ('[getty 1 alt="Two boats"]', "1", {"title": "Two boats"}),
        ('[getty 1 caption="a ] b [c]"]', "1", {"caption": "a ] b [c]"}),
        ('[getty 1 caption="it\'s"title=\'say "x"\']', "1", {"caption": "it's", "title": 'say "x"'}),
        (r'[getty 1 caption="a \"b\" \\ \]"]', "1", {"caption": 'a "b" \\ ]'}),
        ("[getty 1 caption=it's]", "1", {"caption": "it's"}),
        ("[getty 1 caption=“a “b” c]", "1", None),
        ("[getty src=“1” width=”300”]", "1", {"max_width": 300}),
        ("[getty src=„1“ width=″300″ title=«A»]", "1", {"max_width": 300, "title": "A"}),
        ("[getty src=»1« title=‹A› alt=‹B›]", "1", None),
        ("[getty src=‘1’ caption=‘it’s here’]", "1", {"caption": "it’s here"}),
        ('[getty 1 caption=“say "x"; so”]', "1", {"caption": 'say "x"; so'}),
        ('[getty 1 caption=“a"]', "1", {"caption": "a"}),
        ("[getty src=&quot;1&quot; caption=&ldquo;A ] b&rdquo;]", "1", {"caption": "A ] b"}),
        ("[getty src=&#8220;1&#8221; title=&#x22;A&#34;]", "1", {"title": "A"}),
        ("[getty src=&laquo;1&raquo; caption=&#039;it&#039;s&apos;]", "1", {"caption": "it's"}),
        ('[getty 1 caption="AT&amp;T &lt;b&gt; &amp;lt;"]', "1", {"caption": "AT&T <b> &lt;"}),
        ('[getty 1 caption="a < b"]', "1", {"caption": "a < b"}),
        ("[getty 1 caption=&#121;es]", "1", {"caption": "yes"}),
    ],
)
def test_syntax(input: str, text: str, reference: str, options: dict[str, object] | None) -> None:
    (found,) = find(text, input)
    if options is None:  # ambiguous; it must only not raise, and not lose the reference
        assert (found.problem is None) == (found.reference == reference)
        return
    assert (found.start, found.end, found.problem, found.warnings) == (0, len(text), None, ())
    assert found.reference == reference
    assert options_set(found.options) == options


@pytest.mark.parametrize(
    ("text", "codes", "options"),
    [
        ("[getty 1 size=3]", ["unknown-attribute"], {}),
        ("[getty 1 2]", ["unknown-attribute"], {}),
        ("[getty src=1 2]", ["unknown-attribute"], {}),
        ("[getty 1 width=abc]", ["invalid-attribute"], {}),
        ("[getty 1 width=0 height=-5 align=up]", ["invalid-attribute"] * 3, {}),
        ("[getty 1 width=50% target=foo tld=example]", ["invalid-attribute"] * 3, {}),
        ("[getty 1 width=1 width=2]", ["duplicate-attribute"], {"max_width": 2}),
        ("[getty 1 alt=a title=b]", ["duplicate-attribute"], {"title": "b"}),
        ("[getty 9 src=1]", ["duplicate-attribute"], {}),
        ("[getty 1 width=٣]", ["invalid-attribute"], {}),
    ],
)
def test_invalid_attributes_are_reported_and_the_others_count(
    text: str, codes: list[str], options: dict[str, object]
) -> None:
    found = only(text)
    assert found.reference == "1"
    assert [warning.code for warning in found.warnings] == codes
    assert {(warning.line, warning.column) for warning in found.warnings} == {(1, 1)}
    assert options_set(found.options) == options


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[getty]", "doesn't name a picture"),
        ("[getty width=3]", "doesn't name a picture"),
        ("[getty] [/getty]", "doesn't name a picture"),
        ('[getty src=""]', "doesn't name a picture"),
        ("[getty", "] is missing"),
        ("[getty 1", "] is missing"),
        ('[getty 1 caption="open]', "quote is not closed"),
        ("[getty 1 caption=“open]", "quote is not closed"),
        ("[getty 1 [x]]", "not expected"),
        ("[getty 1 <q>x</q>]", "not expected"),
        ('[getty 1 caption="<a title="]">', "quote is not closed"),
        ("[getty 1 " + " ".join(f"a{n}=1" for n in range(20)) + "]", "at most 16"),
        ('[getty 1 caption="' + "x" * 2100 + '"]', "quote is not closed"),
    ],
)
def test_malformed_shortcodes_are_unchanged_and_reported(text: str, says: str) -> None:
    found = find(f"a\nbé {text}")[0]
    assert found.problem is not None
    assert says in found.problem.detail
    assert (found.problem.code, found.problem.line, found.problem.column) == ("shortcode", 2, 4)
    assert (found.kind, found.place, found.reference) == ("shortcode", 5, "")


@pytest.mark.parametrize("following", ["[getty 2]", "[GETTY 2]", "[getty]", "[/GETTY]", "[^1]"])
def test_brackets_after_a_shortcode_without_a_picture_do_not_make_it_a_link(following: str) -> None:
    problem = find(f"[getty]{following}", "markdown")[0].problem
    assert problem is not None
    assert "doesn't name a picture" in problem.detail


@pytest.mark.parametrize(
    "text", ["[gettysburg 1]", "[getty-images 1]", "[getty_1]", "[getty's]", "getty 1]", "[a getty 1]"]
)
def test_other_words_are_not_candidates(text: str) -> None:
    assert find(text) == []


def test_whitespace_is_pythons_and_the_invisible_characters() -> None:
    chars = (char for char in map(chr, range(0x10000)) if char.isspace() or re.match(f"[{tag.INVISIBLE}]", char))
    assert set(tag.WHITESPACE) == set(chars)


def test_the_shortcode_after_a_malformed_one_is_read() -> None:
    found = find('[getty a="x [getty 1 caption="y"] [getty "2"]')
    assert [(one.reference, one.problem is None) for one in found] == [("", False), ("1", True), ("2", True)]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a [[getty 1]] b", "[[getty 1]]"),
        ("a [[getty]1[/getty]] b", "[[getty]1[/getty]]"),
        ("a [[getty]] b", "[[getty]]"),
        ('[[[getty 1 caption="]"]]]', '[[getty 1 caption="]"]]'),
    ],
)
def test_doubled_brackets_escape(text: str, span: str) -> None:
    (found,) = find(text)
    assert (found.kind, text[found.start : found.end], found.problem) == ("escape", span, None)


def test_a_single_doubled_bracket_is_a_bracket() -> None:
    (found,) = find("[[getty 1]")
    assert (found.kind, found.start, found.reference) == ("shortcode", 1, "1")


@pytest.mark.parametrize(
    "written",
    ["[getty 1]", "[getty]1[/getty]", "https://gty.im/1", "[embed]https://gty.im/1[/embed]", "https://gty.im/1\n"],
)
def test_the_bracket_of_cdata_does_not_escape(written: str) -> None:
    """An escape used to include a bracket of the end of CDATA."""
    text = f"<description><![CDATA[{written}]]></description>"
    (found,) = find(text)
    assert (found.kind != "escape", text[found.start : found.end]) == (True, written.strip())


@pytest.mark.parametrize(
    ("input", "text", "span", "kind"),
    [
        ("html", "a <p>[getty 1]</p> b", "<p>[getty 1]</p>", "shortcode"),
        ("html", '<P class="x">\n [getty 1]\n</P >', '<P class="x">\n [getty 1]\n</P >', "shortcode"),
        ("html", "<p>a [getty 1]</p>", "[getty 1]", "shortcode"),
        ("html", "<div>[getty 1]</div>", "[getty 1]", "shortcode"),
        ("html", "<a b=<p>[getty 1]</p>", "[getty 1]", "shortcode"),
        ("text", "<p>[getty 1]</p>", "[getty 1]", "shortcode"),
        ("html", "<p>https://gty.im/1</p>", "<p>https://gty.im/1</p>", "url"),
        ("html", "<div class=a>https://gty.im/1</div>", "https://gty.im/1", "url"),
        ("html", "a\n\n//gty.im/1 \t\r\n\nb", "//gty.im/1", "url"),
        ("text", "a\nHTTPS://WWW.GTY.IM/1\nb", "HTTPS://WWW.GTY.IM/1", "url"),
        (
            "text",
            "https://www.gettyimages.co.uk/detail/1?x=y&z",
            "https://www.gettyimages.co.uk/detail/1?x=y&z",
            "url",
        ),
        ("markdown", "a\n\n https://gty.im/1\n\nb", "https://gty.im/1", "url"),
        ("markdown", "# a\n<https://gty.im/1>\n## b", "<https://gty.im/1>", "url"),
        ("markdown", "https://gty.im/1\n- b", "https://gty.im/1", "url"),
        (
            "html",
            'a <oembed url="https://gty.im/1"></oembed>',
            '<oembed url="https://gty.im/1"></oembed>',
            "oembed",
        ),
        (
            "html",
            "<figure class='media'>\n<oembed url='https://gty.im/1'></oembed></figure>",
            "<figure class='media'>\n<oembed url='https://gty.im/1'></oembed></figure>",
            "oembed",
        ),
        (
            "html",
            '<figure><oembed url="https://gty.im/1"></oembed><figcaption>x</figcaption></figure>',
            '<oembed url="https://gty.im/1"></oembed>',
            "oembed",
        ),
        (
            "html",
            '<embed embedtype="media" url="//gty.im/1"/>',
            '<embed embedtype="media" url="//gty.im/1"/>',
            "embed",
        ),
        ("html", '<p><embed alt=">" url="//gty.im/1"/></p>', '<p><embed alt=">" url="//gty.im/1"/></p>', "embed"),
        (
            "html",
            '<!-- wp:embed {"url":"https://gty.im/1"} /-->',
            '<!-- wp:embed {"url":"https://gty.im/1"} /-->',
            "wp-embed",
        ),
    ],
)
def test_spans(input: str, text: str, span: str, kind: str) -> None:
    (found,) = find(text, input)
    assert (found.kind, text[found.start : found.end]) == (kind, span)
    assert found.reference.lower().endswith(("1", "1?x=y&z"))


BLOCK = """<!-- wp:{name} {{"url":"https:\\/\\/gty.im/1","type":"rich","align":"{align}"}} -->
<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">
https://gty.im/1
</div><figcaption>A <em>fine</em> day &amp; night</figcaption></figure>
<!-- /wp:{name} -->"""


@pytest.mark.parametrize(
    ("name", "align", "expected"), [("embed", "left", "left"), ("core-embed/getty", "wide", None)]
)
@pytest.mark.parametrize("input", ["html", "markdown"])
def test_a_block_is_replaced_completely_and_its_caption_kept(
    input: str, name: str, align: str, expected: str | None
) -> None:
    text = BLOCK.format(name=name, align=align)
    (found,) = find(f"a\n\n{text}\n\nb", input)
    assert (found.kind, found.start, found.end) == ("wp-embed", 3, 3 + len(text))
    assert found.reference == "https://gty.im/1"
    assert options_set(found.options) == {"caption": "A fine day & night"} | (
        {"align": expected} if expected else {}
    )


@pytest.mark.parametrize(
    ("input", "text"),
    [
        ("html", '<a href="https://gty.im/1">x</a>'),
        ("html", '<p>See <a href="https://gty.im/1">https://gty.im/1</a></p>'),
        ("html", "<p>See\nhttps://gty.im/1\nfor more</p>"),
        ("html", "see https://gty.im/1\n"),
        ("html", "https://gty.im/1 see\n"),
        ("html", '<!-- <oembed url="https://gty.im/1"></oembed> -->'),
        ("html", '<!-- wp:image {"url":"https://gty.im/1"} -->x<!-- /wp:image -->'),
        ("html", '<!-- wp:embed {"url":"https://gty.im/1"} -->x'),
        ("html", '<!-- wp:embed {"url":"https://gty.im/1"} --><a title="<!-- /wp:embed -->">x</a>'),
        ("html", '<!-- wp:embed {"url":"https://gty.im/1"} -->x<!-- /wp:group -->'),
        ("html", '<embed src="https://gty.im/1">'),
        ("html", '<oembed url="https://example.org/https://gty.im/1"'),
        ("html", "https://example.org/gty.im/1"),
        ("text", "ftp://gty.im/1"),
        ("text", '<oembed url="https://gty.im/1"></oembed>'),
        ("markdown", "see https://gty.im/1\nfor more"),
        ("markdown", "[x](\nhttps://gty.im/1\n)"),
        ("markdown", "[x]: https://gty.im/1"),
        ("markdown", "[x]:\nhttps://gty.im/1"),
        ("markdown", "https://gty.im/1\n---"),
        ("markdown", "- https://gty.im/1"),
        ("markdown", "<https://gty.im/1> see"),
    ],
)
def test_other_urls_are_not_found(input: str, text: str) -> None:
    assert find(text, input) == []


def test_a_gallery_of_urls() -> None:
    text = "https://gty.im/1\nhttps://gty.im/2\n\nhttps://gty.im/3"
    for input in INPUTS:
        assert [one.reference for one in find(text, input)] == [f"https://gty.im/{n}" for n in (1, 2, 3)]


def test_lines_and_columns_count_code_points_from_one() -> None:
    text = "é[getty 1]\r\n\n 🎞[getty x=1]<p>[getty 2]</p>\nhttps://gty.im/3"
    positions = Positions(text)
    places = [positions.of(one.place) for one in find(text)]
    assert places == [(1, 2), (3, 3), (3, 17), (4, 1)]
    assert [Positions(text).of(one.place) for one in find(text)] == places
    assert positions.of(0) == (1, 1)


def test_more_than_a_thousand_references_are_reported_once() -> None:
    found = find("[getty 1]" * 1_050)
    assert len(found) == DOCUMENT.references + 1 == 1_001
    assert found[-1].problem is not None
    assert "1,000" in found[-1].problem.detail
    assert all(one.problem is None for one in found[:-1])


def test_replace() -> None:
    assert replace("abcdef", [(0, 1, "X"), (1, 3, ""), (5, 6, "YZ")]) == "XdeYZ"
    assert replace("abc", []) == "abc"
    assert replace("", [(0, 0, "x")]) == "x"


# -- writing ----------------------------------------------------------------------------------------------


def test_format() -> None:
    assert format(AssetRef(("82278805",))) == "[getty 82278805]"
    assert format(AssetRef(("1", "2"))) == "[getty 1,2]"
    options = Options(462, 370, 'A "b" ] <c>', "T", "left", "co.uk", "facade")
    assert format(AssetRef(("1", "2"), options)) == (
        '[getty src="1,2" width="462" height="370" tld="co.uk" caption="A &#34;b&#34; &#93; &#60;c&#62;"'
        ' align="left" title="T" target="facade"]'
    )
    assert format(AssetRef(("1",), Options(caption=False))) == '[getty src="1" caption="false"]'
    assert (
        format(AssetRef(("1",), Options(caption="no", tld="no"))) == '[getty src="1" tld="no" caption="&#110;o"]'
    )


texts = st.text(max_size=60).map(lambda text: " ".join(text.split())) | st.sampled_from(
    ["yes", "OFF", "[getty 1]", "`a`", "&amp;", "a\\", '\\"', "<!--", "]]", "“x”", "&#34;", "[/getty]", "*a* _b_"]
)
references = st.builds(
    AssetRef,
    st.lists(st.from_regex(r"[0-9a-z]{1,8}[0-9]", fullmatch=True), min_size=1, max_size=5, unique=True).map(tuple),
    st.builds(
        Options,
        st.none() | st.integers(1, 99999),
        st.none() | st.integers(1, 99999),
        st.none() | st.booleans() | texts.filter(bool),
        st.none() | texts.filter(bool),
        st.none() | st.sampled_from(ALIGNS),
        st.none() | st.sampled_from(TLDS),
        st.none() | st.sampled_from(TARGETS),
    ),
)


@given(references, st.sampled_from(INPUTS))
@settings(deadline=None, max_examples=200)
def test_a_formatted_shortcode_round_trips(ref: AssetRef, input: str) -> None:
    found = only(format(ref), input)
    assert (found.kind, found.reference, found.options) == ("shortcode", str(ref), ref.options)
    assert found.warnings == ()


@given(references)
@settings(deadline=None, max_examples=200)
def test_a_shortcode_escaped_as_html_text_round_trips(ref: AssetRef) -> None:
    found = only(escape(format(ref), quote=False))
    assert (found.reference, found.options, found.warnings) == (str(ref), ref.options, ())


# -- all texts --------------------------------------------------------------------------------------------


@given(
    st.text(st.sampled_from("[]getyGTY 1=\"'“”«’&quot;#34\\/<>p!-`~\n\t:.imhs"), max_size=80),
    st.sampled_from(INPUTS),
)
@settings(deadline=None, max_examples=200)
@example("[getty", "html")
@example("<" * 50 + "[getty 1]" + "`" * 50, "markdown")
@example("<a t='`'>" * 2000 + "[getty 1]", "markdown")
@example("- " * 2000 + "    [getty 1]", "markdown")
@example("\ud800[getty \ud800 caption=\udfff]", "html")
@example("[getty \0]", "text")
def test_never_raises(text: str, input: str) -> None:
    last = 0
    for one in find(f"{text}[getty 1{text}", input):
        assert last <= one.start < one.end <= 2 * len(text) + 8
        last = one.end


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=100)
def test_texts_without_a_literal_contain_nothing(text: str) -> None:
    assume("[getty" not in text.lower() and "gty.im" not in text.lower() and "gettyimages" not in text.lower())
    assert find(text) == find(text, "markdown") == find(text, "text") == []


class WithoutFastPath(_Scan):
    """Reads candidates that are a paragraph of their own like all others."""

    def _lone(self, place: int) -> None:
        return None


PARTS = (
    "[getty 74917285]",
    "https://gty.im/1",
    "https://gty.im/1_2*",
    "//gty.im/1",
    "<p>",
    "</p>",
    "[",
    "](",
    "]:",
    "`",
)


@given(
    st.lists(st.sampled_from((*PARTS, *"a.*_>;:(\\\xa0\u200b\r=-#", "\n", "\n\n", "\n\n")), max_size=12),
    st.sampled_from(("[getty 74917285]", "https://gty.im/1", "https://gty.im/1&amp;2")),
    st.sampled_from(("", "a", "---", "===", "    a", "<b>a</b>", "[/getty]", "[/embed]", "[embed]", "![a][1]")),
    st.sampled_from(INPUTS),
)
@settings(deadline=None, max_examples=400)
@example(["[embed]", "\n\n"], "https://gty.im/1", "[/embed]", "html")
@example(["[1]:"], "https://gty.im/1", "![a][1]", "markdown")
def test_the_fast_path_does_not_change_the_result(
    above: list[str], written: str, below: str, input: Input
) -> None:
    text = f"{''.join(above)}\n\n{written}\n\n{below}"
    scan = WithoutFastPath(text, input, DOCUMENT, None)
    assert find(text, input) == scan.run(_next_tag(text, 0), _URL_START.search(text))


def test_all_embeds_of_a_corpus_and_no_decoys_are_found() -> None:
    for post in posts(200):
        found = find(post.text, "markdown")
        assert tuple(one.reference.rpartition("/")[2] for one in found) == post.ids
        assert all(one.problem is None and one.warnings == () for one in found)


def fastest(text: str, input: str) -> float:
    times = []
    for _ in range(2):
        began = process_time()
        find(text, input)
        times.append(process_time() - began)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize("input", ["html", "markdown"])
@pytest.mark.parametrize("name", FAMILIES)
def test_eight_times_the_text_takes_eight_times_the_time(name: str, input: str) -> None:
    # A quadratic scanner takes 64 times as long, and seconds for any of these. Load on the machine can make it 20.
    assert fastest(FAMILIES[name](120_000), input) < max(0.4, 24 * fastest(FAMILIES[name](15_000), input))
