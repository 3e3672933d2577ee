"""Pasted embed code is found completely and converted to shortcodes, and everything else is unchanged."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from embedkit.errors import UnsupportedReference
from embedkit.getty import embed_code, references
from embedkit.models import AssetRef, Options
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import DOCUMENT
from embedkit.targets import Input
from tests.support.tools import FIXTURES, reference_dir

ROWS = [json.loads(line) for line in (FIXTURES / "pasted.jsonl").read_text("utf-8").splitlines()]
GENUINE = [row for row in ROWS if row["ref"]]
REFUSED = [row for row in ROWS if not row["ref"]]
PROPERTY = settings(deadline=None, max_examples=200)

FRAME = '<iframe src="//embed.gettyimages.com/embed/518730426?et=a&sig=b" width="300" height="200"></iframe>'
LINK = '<a href="https://www.gettyimages.com/detail/518730426">Embed from Getty Images</a>'
CODE = next(row["text"] for row in ROWS if row["kind"] == "e: widget")


def expected(row: dict) -> AssetRef:
    return AssetRef(tuple(row["ref"].split(",")), Options(**row["options"]))


@pytest.mark.parametrize("row", GENUINE, ids=lambda row: row["kind"])
def test_embed_code_alone_is_a_reference(row: dict) -> None:
    assert references.parse(row["text"]) == expected(row)


@pytest.mark.parametrize("row", GENUINE, ids=lambda row: row["kind"])
def test_embed_code_is_found_as_a_whole(row: dict) -> None:
    text = f"<p>Before &amp; “so”.</p>\n\n{row['text']}\n\n<p>After.</p>"
    (found,) = embed_code.find(text)
    assert found.ref == expected(row)
    if row.get("whole", True):
        assert text[found.start : found.end] == row["text"]


@pytest.mark.parametrize("row", GENUINE, ids=lambda row: row["kind"])
def test_embed_code_is_converted_and_the_rest_is_unchanged(row: dict) -> None:
    before, after = "<p>Before &amp; “so”.</p>\r\n\r\n", "\n\n\t<p>After\xa0all.</p>\n"
    text, count, _ = embed_code.convert(before + row["text"] + after)
    assert count == 1
    assert text.startswith(before)
    assert text.endswith(after)
    assert scan.format(expected(row)) in text
    if row.get("whole", True):
        assert text == before + scan.format(expected(row)) + after
    assert embed_code.convert(text) == (text, 0, ())


@pytest.mark.parametrize("row", GENUINE, ids=lambda row: row["kind"])
def test_the_shortcode_has_the_options_of_the_code(row: dict) -> None:
    text, _, _ = embed_code.convert(f"Before.\n\n{row['text']}\n\nAfter.")
    (tag,) = scan.find(text, "html")
    assert (tag.reference, tag.options) == (row["ref"], expected(row).options)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["kind"])
def test_other_code_is_neither_found_nor_changed(row: dict) -> None:
    assert embed_code.find(row["text"]) == []
    assert embed_code.convert(row["text"])[:2] == (row["text"], 0)
    with pytest.raises(UnsupportedReference):
        references.parse(row["text"])


def test_every_generation_has_fixtures() -> None:
    assert {row["kind"][:2] for row in GENUINE} >= {"a:", "b:", "c:", "d:", "e:", "f:"}


def test_several_embeds_keep_their_order() -> None:
    text = f"{CODE}\n\n{FRAME} and {FRAME.replace('518730426', '12')}{LINK.replace('518730426', '7')}"
    assert [str(one.ref) for one in embed_code.find(text)] == ["518730426", "518730426", "12", "7"]
    assert len(re.findall(r"\[getty", embed_code.convert(text)[0])) == 4


@pytest.mark.parametrize("opening", ["'\n  ", '"\n\n', " ", "\n"])
def test_whitespace_before_a_url_is_ignored(opening: str) -> None:
    closing = opening[0] if opening[0] in "'\"" else " "
    url = "http://www.gettyimages.com/detail/74917285"
    code = f"<a class='gie-single' href={opening}{url}{closing}>Embed from Getty Images</a>"
    (found,) = embed_code.find(f"See {url}\n\n{code}")
    assert found.ref.items == ("74917285",)


def test_one_picture_twice_is_two_embeds() -> None:
    assert embed_code.convert(CODE + CODE)[1] == 2
    assert embed_code.convert(LINK + LINK)[1] == 2


def test_several_pictures_are_not_a_single_reference() -> None:
    with pytest.raises(UnsupportedReference, match="2 embeds"):
        references.parse(FRAME + FRAME.replace("518730426", "12"))


@pytest.mark.parametrize("text", [f"{FRAME}<script>alert(1)</script>", f"<p>See:</p>{FRAME}", f"{FRAME} and more"])
def test_embed_code_with_other_text_is_not_a_reference(text: str) -> None:
    with pytest.raises(UnsupportedReference, match="more than embed code"):
        references.parse(text)


@pytest.mark.parametrize("text", [f"<p>{FRAME}</p>", f"<figure class='wide'>\n{FRAME}\n</figure>"])
def test_bare_tags_around_embed_code_do_not_matter(text: str) -> None:
    assert str(references.parse(text)) == "518730426"


@pytest.mark.parametrize(
    "around",
    [
        "<p>{}</p>",
        "<div>{}</div>",
        '<div class="post">{}</div>',
        '<td align="center">{}</td>',
        '<figure class="alignleft">{}<figcaption>The harbour</figcaption></figure>',
        '<div style="float:left">{} and words</div>',
        '<div style="float:left"><img src="x.png">{}</div>',
        '<div style="float:left">{}',
        "{}</div>",
        '<a href="https://shop.example/">{}</a>',
        '<div style="float:left"><a href="https://www.gettyimages.com/detail/99">View image</a>{}</div>',
        '&lt;div style="float:left"&gt;{}&lt;/div&gt;',
    ],
)
def test_markup_of_the_author_is_not_part_of_the_embed(around: str) -> None:
    (found,) = [one for one in embed_code.find(around.format(FRAME)) if str(one.ref) == "518730426"]
    assert around.format(FRAME)[found.start : found.end] == FRAME


@pytest.mark.parametrize(
    ("around", "align"),
    [
        ('<div class="getty alignleft">{}</div>', "left"),
        ('<div class="alignright size-large">{}</div>', "right"),
        ('<div style="float: right;">{}</div>', "right"),
        ('<div style="TEXT-ALIGN:center">{}</div>', "center"),
        ('<p class="has-text-align-center">{}</p>', "center"),
        ('<div align="right">{}</div>', "right"),
        ("<center>\n{}\n</center>", "center"),
        ('<div class="getty alignnone">{}</div>', None),
        ('<div class="getty" style="float:none">{}</div>', None),
    ],
)
def test_alignment_is_kept(around: str, align: str | None) -> None:
    (found,) = embed_code.find(around.format(FRAME))
    assert (found.start, found.end) == (0, len(around.format(FRAME)))
    assert found.ref.options.align == align


@pytest.mark.parametrize(
    "around",
    [
        "```html\n{}\n```",
        "~~~~\n{}\n~~~~",
        "> ```\n> {}\n> ```",
        "```\n{}",
        "Write `{}` there.",
        "Write ``{}`` there.",
        "<pre>{}</pre>",
        '<PRE class="html"><code>{}</code></PRE>',
        "<code>{}</code>",
        "<pre>\n{}",
        "<textarea>{}</textarea>",
        "<!-- {} -->",
        "<script>var code = '{}';</script>",
        "<style>/* {} */</style>",
    ],
)
@pytest.mark.parametrize("code", [FRAME, LINK, html.escape(FRAME)], ids=["frame", "link", "escaped"])
def test_code_is_found_but_not_converted(around: str, code: str) -> None:
    text = around.format(code)
    assert len(embed_code.find(text)) == 1
    assert embed_code.convert(text, "markdown") == (text, 0, ())


@pytest.mark.parametrize(
    "text",
    [
        f"<p data-embed='{FRAME}'>Picture</p>",
        f'<p data-embed="{html.escape(FRAME)}">Picture</p>',
        f'<p title="never closed>{FRAME}',
        "<script>start(); gie.widgets.load({items:'518730426'}); more()</script>",
        "<a onclick=\"gie.widgets.load({items:'518730426'})\">x</a>",
        'gettyimages: [{"insert": {"url": "https://www.gettyimages.com/detail/1", "type": "getty", "attributes": {}}}]',
    ],
)
def test_attributes_and_larger_scripts_are_not_converted(text: str) -> None:
    assert embed_code.convert(text)[:2] == (text, 0)


@pytest.mark.parametrize(
    "text",
    [f"a ` b\n\n{FRAME}\n\nc ` d", f"`x` {FRAME} `y`", f"\\`{FRAME}\\`", f"``` {FRAME}``", f"1 < 2\n{FRAME}"],
)
def test_what_only_looks_like_code_is_converted(text: str) -> None:
    assert embed_code.convert(text, "markdown").converted == 1


def test_a_text_without_embeds_is_unchanged() -> None:
    text = "<p>Nothing here &amp; nothing there.</p>"
    assert embed_code.convert(text) == (text, 0, ())


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&lt;a&gt;", "<a>"),
        ("&amp;lt;a&amp;amp;gt;", "<a>"),
        ("&#40;&#041;&#x28;", "()("),
        ("“x”&#8220;’&rsquo;", '"x""\'\''),
        ("&#10;&#9;&#0;&unknown;&#128512;&", "&#10;&#9;&#0;&unknown;&#128512;&"),
    ],
)
def test_character_references_are_decoded(written: str, text: str) -> None:
    assert embed_code.decode(written).text == text


@PROPERTY
@given(st.lists(st.sampled_from(["a", "&lt;", "&amp;amp;", "&#40;", "&", "é", "”", "&bad;"]), max_size=20))
def test_every_character_has_its_position_in_the_source(parts: list[str]) -> None:
    source = "".join(parts)
    decoded = embed_code.decode(source)
    places = [decoded.source_position(index) for index in range(len(decoded.text) + 1)]
    assert places == sorted(set(places))
    assert places[0] == 0
    assert places[-1] == len(source)
    pieces = [source[one:two] for one, two in pairwise(places)]
    assert [embed_code.decode(piece).text for piece in pieces] == list(decoded.text)


TAGS = "<div> </div> <p> </p> <center> </center> <pre> </pre> <code> </code> ` `` <!-- --> <script> </script> </a>"
SOUP = [
    *TAGS.split(),
    *(
        "\n```\n",
        "\n\n",
        "~~~\n",
        '"',
        "'",
        '<a href="',
        "&lt;",
        "&gt;",
        "&amp;",
        "<",
        ">",
        " ",
        "words",
        "[getty 1]",
    ),
    *(
        "<div class='getty alignleft'>",
        "&lt;div style='float:left'&gt;",
        "&lt;/div&gt;",
        "<br>",
        "<iframe ",
        'title="',
    ),
    *("<a class='gie-single' href='http://gettyimages.de/detail/12'>", "gie(function(){", "})", "})});</script>"),
    "gie.widgets.load({items:'518730426'",
    "//embed.gettyimages.com/embed/12?et=a&sig=b",
    "<iframe src='//embed.gettyimages.com/embed/12'>",
    "[Embed from Getty Images](https://www.gettyimages.com/detail/12)",
    *(FRAME, LINK, CODE, *(row["text"] for row in ROWS)),
]


# Text whose meaning depends on the code right after it, which conversion removes.
GLUED = re.compile(
    r"<(?=gie|window|<)|&lt;(?=gie|window)|(?:sig|ver)=[\w=-]*(?:gie|window)\.|<a class='gie-single' [^>]*><script src"
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(SOUP), max_size=12).map("".join))
def test_conversion_is_idempotent_for_any_mixture(text: str) -> None:
    assume(not GLUED.search(text))
    last = 0
    for one in embed_code.find(text):
        assert last <= one.start < one.end <= len(text)
        assert references.parse(str(one.ref)).items == one.ref.items
        last = one.end
    converted, count, _ = embed_code.convert(text)
    assert count or converted == text
    assert embed_code.convert(converted)[:2] == (converted, 0)


@PROPERTY
@given(st.text())
def test_any_text_is_read_without_errors(text: str) -> None:
    embed_code.find(f"gettyimages {text}")
    assert embed_code.convert(text)[1] == 0


def spent(text: str) -> float:
    """Return the lowest CPU time of three runs, so that other load on the machine doesn't matter."""
    times = []
    for _ in range(3):
        start = time.process_time()
        embed_code.convert(text)
        times.append(time.process_time() - start)
    return min(times)


HOSTILE = [
    *(
        "<",
        "<a ",
        '<a "',
        "<a '",
        "<p>",
        "</a>",
        "<div><br>",
        "<div style='float:left'>",
        "&amp;",
        "&",
        "`",
        "`a``b```c",
    ),
    *(
        "```a\n",
        "{",
        '{"attributes":{',
        '"attributes":',
        " ",
        "\n",
        "gie.widgets.load({",
        "gie(function(){",
        "a=",
        'a="',
    ),
    *(
        "<iframe src='//embed.gettyimages.com/embed/1'></iframe>",
        LINK,
        "<script>",
        "<pre>",
        "<!--",
        "'\"",
        "> ",
        "[",
    ),
    *(
        "gie.widgets.load({items:'1'})",
        "//embed.gettyimages.com/embed/1?et=1&sig=2 ",
        "[Embed from Getty Images](",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_in_hostile_repeats(unit: str) -> None:
    def text(size: int) -> str:
        return f"{FRAME} {unit * (size // len(unit))} {FRAME}"

    # Eight times the text takes 8 times as long if linear, 64 if quadratic. The constant covers the clock's
    # resolution; bounded lookahead grows faster in short texts.
    assert spent(text(160_000)) < 25 * spent(text(20_000)) + 0.02


def test_the_snippets_of_the_reference_corpus() -> None:
    rows = [
        json.loads(line)
        for line in (reference_dir() / "upstream" / "snippets.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == 87
    for row in rows:
        code = row.get("html") or row["oembed"]["html"]
        if row["kind"] == "cms_loader":  # a script for any picture doesn't refer to one
            with pytest.raises(UnsupportedReference):
                references.parse(code)
        else:
            assert set(references.parse(code).items) == ids_in(code), row["kind"]


def ids_in(code: str) -> set[str]:
    """Return the IDs in a snippet, by a crude search."""
    lists = re.findall(r"(?:items\W{1,5}|assets=|/embed/|getty src=\")([0-9a-z,-]+)", code) or re.findall(
        r"detail/([0-9a-z-]+)", code
    )
    return set(lists[0].split(","))


def test_embed_code_in_front_matter_is_unchanged_and_reported() -> None:
    text = f'---\nhero: "{FRAME}"\n---\n{FRAME}\n'
    converted, count, problems = embed_code.convert(text, "markdown")
    assert (count, converted.count("[getty")) == (1, 1)
    assert [(one.line, one.code) for one in problems] == [(2, "embed-code")]


def test_broken_embed_code_is_reported_once_but_not_in_code() -> None:
    broken = "<script>gie.widgets.load({id:'x'})</script>"
    assert [one.column for one in embed_code.convert(f"<p>{broken}</p>")[2]] == [12]
    assert embed_code.convert(f"<pre>{broken}</pre>")[2] == ()
    frame = '<iframe src="//embed.gettyimages.com/embed/!"></iframe>'
    assert [one.code for one in embed_code.convert(f"{FRAME}<pre>{frame}</pre>\n{frame}{frame}")[2]] == [
        "embed-code"
    ]


def test_a_noscript_copy_of_another_picture_stays() -> None:
    other = FRAME.replace("518730426", "12")
    assert embed_code.convert(f"{FRAME}<noscript>{FRAME}</noscript>")[0].count("[getty") == 1
    assert "<noscript>" in embed_code.convert(f"{FRAME}<noscript>{other}</noscript>")[0]


def test_embed_code_is_found_within_the_budget() -> None:
    assert len(embed_code.outside_code(FRAME * 3)) == 3
    assert len(embed_code.outside_code(FRAME * 3, budget=DOCUMENT._replace(references=2))) == 2


@pytest.mark.parametrize("script", ["(c)=>", "c =>", "function(e)"])
def test_minified_calls(script: str) -> None:
    call = (
        f"<script>window.gie=window.gie||{script}{{(gie.q=gie.q||[]).push(c)}},gie(()=>{{gie.widgets.load("
        "{id:`x`,items:'518730426',w:'594px',h:'396px',caption:!0,is360:!1})})</script>"
    )
    assert embed_code.convert(call)[0] == '[getty src="518730426" width="594" height="396" caption="true"]'


def in_json(text: str) -> str:
    """Serialize a text as PHP and Go serialize JSON for web pages."""
    escaped = json.dumps({"a": text, "b": 1}).replace('\\"', "\\u0022")
    for char in "<>&'":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    return escaped


@pytest.mark.parametrize("row", GENUINE, ids=lambda row: row["kind"])
def test_embed_code_in_json_is_converted_however_it_is_escaped(row: dict) -> None:
    if row["kind"].startswith(("built", "f: CMS record")):
        return  # JSON itself
    for written in (json.dumps({"a": row["text"], "b": 1}), in_json(row["text"])):
        converted, count, _ = embed_code.convert(written)
        assert (json.loads(converted)["b"], count) == (1, 1)
        assert not row.get("whole", True) or json.loads(converted)["a"] == scan.format(expected(row)).replace(
            '"', ""
        )


@pytest.mark.parametrize("kind", ["b: 2014 block with a footer", "c: block with view-image footer"])
def test_a_block_with_links_to_an_archive_is_replaced_completely(kind: str) -> None:
    text = next(row["text"] for row in GENUINE if row["kind"] == kind)
    archived = text.replace("http://www.", "https://web.archive.org/web/2019/http://www.")
    assert archived.count("web.archive.org") == 2
    converted, count, _ = embed_code.convert(archived)
    assert (converted[:7], converted.count("["), count) == ("[getty ", 1, 1)


def test_a_json_string_stays_valid() -> None:
    text = json.dumps({"a": f"One\n\n{LINK}\n{FRAME}", "b": 1})
    converted, count, _ = embed_code.convert(text)
    assert (json.loads(converted), count) == (
        {"a": "One\n\n[getty src=518730426 width=300 height=200]", "b": 1},
        1,
    )


@pytest.mark.parametrize("around", ["{}", "- {}\n- b\n", "a:\n  - {}\n", "a: [\n  {},\n]\n", "{{a: {}, b: 1}}"])
def test_a_quoted_yaml_value_stays_valid(around: str) -> None:
    value = yaml.safe_load(
        around.format(json.dumps("[getty src=518730426 width=594 height=396 tld=com caption=false]"))
    )
    converted, count, _ = embed_code.convert(around.format(f'"{WIDGET}"'))
    assert (yaml.safe_load(converted), count) == (value, 1)


def test_a_frame_in_jsx() -> None:
    source = 'src={"https://embed.gettyimages.com/embed/518730426?et=a&sig=b"}'
    assert embed_code.convert(f"<iframe {source} width={{594}} allowFullScreen />")[0].startswith("[getty ")


WIDGET = (
    f"{LINK}<script>window.gie=window.gie||function(c){{(gie.q=gie.q||[]).push(c)}};gie(function(){{gie.widgets.load("
    "{id:'x',sig:'y',w:'594px',h:'396px',items:'518730426',caption: false ,tld:'com'})});</script>"
)


@pytest.mark.parametrize(
    ("written", "rewritten"),
    [
        ("};gie(", "};<br />\ngie("),
        ("};gie(", "};</p>\n<p>gie("),
        (",sig", ",<br />\nsig"),
        ("id:'x',sig:", "\"id\":'x','sig':"),
        ("items:", "'items':"),
        (";gie(function(){gie.", ";window.gie(function(){window.gie."),
        ("gie(function(){gie.widgets", "gie(()=>{gie.widgets"),
        ("window.gie=window.gie||", "window.gie||="),
        ("gie.q=gie.q||[]", "gie.q||=[]"),
        ("gie.q||[]", "gie.q||\\[\\]"),
        ("||", "\\|\\|"),
        ("'", "`"),
        ("'", "´"),
        ("'", "&sbquo;"),
        ("'", "‹"),
        ("'594px',h:", "«\xa0594px\xa0»,h:"),
        ("'594px',h:", "&laquo;&nbsp;594px&nbsp;&raquo;,h:"),
        ("'594px',h:", "&#8249;594px&#x203a;,h:"),
        ("<script>", "<script>\n<!--//--><![CDATA[// ><!--\n"),
        ("</script>", "\n//--><!]]>\n</script>"),
        ("<script>", '<script>"use strict";'),
        (
            "window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)}",
            "window.gie=window.gie||(c=>{gie.q.push(c)})",
        ),
    ],
)
def test_a_call_rewritten_by_editors_or_minifiers_is_replaced_completely(written: str, rewritten: str) -> None:
    assert written in WIDGET
    assert embed_code.convert(WIDGET.replace(written, rewritten))[:2] == (
        '[getty src="518730426" width="594" height="396" tld="com" caption="false"]',
        1,
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("gie((function(){", "}));"),
        ("gie((()=>{", "}))"),
        ("!function(){gie(function(){", "})}();"),
        ("try{gie(()=>", ")}catch(e){}"),
    ],
)
def test_a_call_with_additional_brackets_is_replaced_completely(start: str, end: str) -> None:
    call = WIDGET.replace("gie(function(){", start).replace("});</script>", f"{end}</script>")
    assert embed_code.convert(call)[0] == SHORTCODE


@pytest.mark.parametrize(("start", "end"), [("go(1);" + " " * 300, ""), ("jQuery(function(){", "});")])
def test_other_code_in_the_script_of_a_call_stays(start: str, end: str) -> None:
    call = f"{OWN_LINK}<script>{start}{WIDGET.removeprefix(f'{LINK}<script>').replace('</script>', f'{end}</script>')}"
    assert embed_code.convert(call)[0] == f"{SHORTCODE}<script>{start}{end}</script>"


def test_an_arrow_function_without_braces_is_replaced_completely() -> None:
    call = WIDGET.replace("gie(function(){gie.widgets", "gie(()=>gie.widgets").replace("})});", "}));")
    assert embed_code.convert(call)[0].startswith("[getty ")
    assert "<script" not in embed_code.convert(call)[0]


@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("<script dangerouslySetInnerHTML={{__html: `{}`}} />", ""),
        ('<script dangerouslySetInnerHTML={{ __html: "{}" }}></script>', ""),
        ('<Script id="getty">{`{}`}</Script>', ""),
        ("<script dangerouslySetInnerHTML={{__html: `more();{}`}}></script>", "more();"),
    ],
)
def test_a_call_in_an_attribute_of_its_script_is_replaced_with_it(script: str, left: str) -> None:
    """As in JSX. A self-closing loader used to make everything before it the text of a script."""
    call = WIDGET.removeprefix(f"{LINK}<script>").removesuffix("</script>")
    text = OWN_LINK.replace("class=", "className=") + script.replace("{}", call, 1)
    loader = LOADER.replace("></script>", " />")
    rest = script.replace("{}", "") + loader if left else ""
    assert embed_code.convert(text + loader) == (SHORTCODE + rest, 1, ())


def test_a_block_in_jsx_is_replaced_completely() -> None:
    outer = '<div className="getty embed image" style={{backgroundColor: "#fff", width: "100%"}}>'
    head, box = "<div style={{padding: 0, margin: 0}}>", '<div style={{height: 0, padding: "66% 0 0 0"}}>'
    block = f"{outer}{head}{LINK}</div>{box}{FRAME}</div></div>"
    (found,) = embed_code.find(block)
    assert block[found.start : found.end] == block
    (text, count, problems) = embed_code.convert(block.replace("></iframe>", "/>"))
    assert (text.startswith("[getty "), text.count("<"), count, problems) == (True, 0, 1, ())


@pytest.mark.parametrize(
    "between", ["<!-- iframe plugin v.4.3 -->", '<span class="mce_SELRES_start">\ufeff</span>', "&nbsp;\u200b"]
)
def test_invisible_parts_of_a_block_are_replaced_with_it(between: str) -> None:
    block = f'<div class="getty embed image"><div>{LINK}</div><div style="padding:66% 0 0 0">{between}{FRAME}</div></div>'
    assert embed_code.convert(block) == ('[getty src="518730426" width="300" height="200"]', 1, ())


@pytest.mark.parametrize("mark", ["wp:html", "/wp:html", "more", "nextpage", "kg-card-begin: html"])
def test_the_comments_of_a_host_stay(mark: str) -> None:
    text = f'<div class="alignright"><!-- {mark} -->{FRAME}</div>'
    assert f"<!-- {mark} -->" in embed_code.convert(text)[0]


def test_a_block_with_a_noscript_copy_is_replaced_completely() -> None:
    block = f'<div class="getty embed image"><div>{LINK}</div><div>{FRAME}<noscript>{FRAME}</noscript></div></div>'
    text, count, _ = embed_code.convert(f"{block}<p>Words</p>{block}")
    assert (count, re.sub(r"\[[^]]*\]", "", text)) == (2, "<p>Words</p>")


LOADER = "<script src='//embed-cdn.gettyimages.com/widgets.js' charset='utf-8' async></script>"
OWN_LINK = LINK.replace("<a ", "<a id='x' class='gie-single' ")
SHORTCODE = '[getty src="518730426" width="594" height="396" tld="com" caption="false"]'


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        (f"{LOADER}{WIDGET}", SHORTCODE),
        (f"{WIDGET}<p>Words</p>{LOADER}", f"{SHORTCODE}<p>Words</p>"),
        (f"<p>{LOADER}</p>\n{WIDGET}", SHORTCODE),
        (f"<p>Words {LOADER}</p>{WIDGET}", f"<p>Words </p>{SHORTCODE}"),
        (f"{FRAME}{LOADER}", '[getty src="518730426" width="300" height="200"]'),
        (f"<pre>{LOADER}</pre>{WIDGET}", f"<pre>{LOADER}</pre>{SHORTCODE}"),
        (f"<p>Words</p>{LOADER}", f"<p>Words</p>{LOADER}"),
        (f"{WIDGET}{LOADER}<script>gie.widgets.load(x)</script>", None),
    ],
)
def test_the_loader_is_removed_with_the_last_embed(text: str, converted: str | None) -> None:
    done = embed_code.convert(text)
    if converted is None:  # the remaining call needs it
        assert len(done.problems) == 1
        return
    assert done == (converted, done.converted, ())
    assert embed_code.convert(converted)[0] == converted


def test_a_noscript_copy_before_its_frame_is_replaced_with_it() -> None:
    lazy = FRAME.replace(" src=", ' src="about:blank" data-src=')
    assert embed_code.convert(f"<noscript>{FRAME}</noscript>{lazy}")[0].count("[getty") == 1
    assert "noscript" not in embed_code.convert(f"<noscript>{FRAME}</noscript>{lazy}")[0]
    other = FRAME.replace("518730426", "518730427")
    assert "<noscript>" in embed_code.convert(f"<noscript>{other}</noscript>{lazy}")[0]


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.replace("></iframe>", "><p>No frames here.</p></iframe>"),
        FRAME.replace("//embed.", "/web/20160310120000if_/https://embed."),
        FRAME.replace("//embed.", "https://wayback.archive-it.org/1068/20160310120000if_/https://embed."),
        FRAME.replace("//embed.", "https://arquivo.pt/noFrame/replay/20160310120000/https://embed."),
        FRAME.replace("<iframe src=", "<embed src=").replace("></iframe>", ">"),
        FRAME.replace("<iframe src=", "<object data=").replace("iframe", "object"),
        FRAME.replace("<iframe", "[iframe").replace("></iframe>", "]"),
        FRAME.replace("<iframe", "[iframe").replace("></iframe>", "][/iframe]"),
        f'<span data-s9e-mediaembed="getty" style="max-width:300px">{FRAME}</span>',
        f'<div data-media-site-id="getty"><div class="inner">{FRAME}</div></div>',
        FRAME.replace("embed.gettyimages.com", "EMBED.GettyImages.com"),
        FRAME.replace('width="300" height="200"', 'style="border:0; WIDTH: 300px; height:200px"'),
        FRAME.replace('width="300" height="200"', 'style="max-width:9px;width:300px" height="200"'),
        f'<figure data-url="https://embed.gettyimages.com/embed/518730426?et=a&amp;sig=b">{FRAME}</figure>',
        f'<span data-mce-p-src="//embed.gettyimages.com/embed/518730426">{FRAME}<span></span></span>',
        FRAME.replace("<iframe src=", '<div class="tac_iframe" data-url=').replace("iframe>", "div>"),
        '<span data-s9e-mediaembed="getty"><span width="300" height="200" data-s9e-mediaembed-iframe=\'["scrolling",'
        '"no","src","\\/\\/embed.gettyimages.com\\/embed\\/518730426?et=a&amp;sig=b","style","x"]\'></span></span>',
    ],
)
@pytest.mark.parametrize("input", ["html", "markdown"])
def test_a_frame_in_another_notation(frame: str, input: Input) -> None:
    shortcode = '[getty src="518730426" width="300" height="200"]'
    assert embed_code.convert(f"A\n\n{frame}\n\nB\n", input) == (f"A\n\n{shortcode}\n\nB\n", 1, ())


@pytest.mark.parametrize("inside", ["Words", "<b>Words</b>", FRAME.replace("<iframe", "<img")])
def test_an_element_with_text_is_not_a_frame(inside: str) -> None:
    text = f'<div data-url="https://embed.gettyimages.com/embed/518730426?et=a&sig=b">{inside}</div>'
    assert embed_code.convert(text) == (text, 0, ())


def test_a_url_in_another_shortcode_stays() -> None:
    other = '[iframe src="https://video.example/1"] https://gty.im/gie.widgets'
    assert embed_code.convert(f"{FRAME}{other}")[0].endswith(other)
    text = "[video https://embed.gettyimages.com/embed/518730426?et=a&sig=b 594 396]"
    assert embed_code.convert(text) == (text, 0, ())


MARKDOWN_LINK = "[Embed from Getty Images](https://www.gettyimages.com/detail/518730426)"
FOOTER = (
    "[#518730426](https://www.gettyimages.com/detail/518730426) / [gettyimages.com](https://www.gettyimages.com)"
)


@pytest.mark.parametrize(
    "text",
    [
        f'{MARKDOWN_LINK}{{:target="_blank"}}\n\n{FRAME}',
        f'{MARKDOWN_LINK}{{#x .gie-single target="_blank" style="color:#a7a7a7"}}\n\n{FRAME}',
        f'{MARKDOWN_LINK[:-1]} "Getty")\n\n{FRAME}',
        f"{MARKDOWN_LINK.replace('(', '(<').replace(')', '>)')}\n\n{FRAME}",
        f"{MARKDOWN_LINK}\n\n<p>{FRAME}</p>",
        f"{MARKDOWN_LINK}\n>\n> {FRAME}",
        f"<p>{LINK}</p>\n<p>{FRAME}</p>",
        f"<p>{LINK}<br>\n{FRAME}</p>",
        f"<p>{LINK}</p><div>{FRAME}</div>",
        f"{FRAME}\n\n{FOOTER}",
        f"{FRAME}\n\n{FOOTER.replace('#518730426', 'View image').replace('/ [', '| [')}",
        f"{FRAME}\n\n{FOOTER.replace('#', chr(92) + '#')}",
        f"{FRAME}\n\n{MARKDOWN_LINK}",
        f"<p>{FRAME}</p>\n<p>{LINK}</p>",
    ],
)
def test_a_link_next_to_its_frame_is_not_a_second_picture(text: str) -> None:
    converted, count, problems = embed_code.convert(text, "markdown")
    assert (count, problems) == (1, ())
    assert re.sub(r"</?p>", "", converted) == '[getty src="518730426" width="300" height="200"]'


def test_a_call_is_replaced_with_its_frame_and_the_markdown_link_before_that() -> None:
    call = "gie.widgets.load({id:'a',sig:'b',w:'507px',h:'338px',items:'518730426,604118297'})"
    converted, count, problems = embed_code.convert(f"{call}\n\n{MARKDOWN_LINK}{FRAME}")
    assert (count, problems) == (1, ())
    assert converted.strip() == '[getty src="518730426,604118297" width="507" height="338"]'


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"{LINK}{FRAME}" * 2, 2),
        (f"{FRAME}{LINK}" * 2, 2),
        (f"{FRAME}{LINK}{FRAME}", 2),
        (f"{FRAME}{CODE}", 2),
        (f"{FRAME}<p>Words</p>{LINK}", 2),
        (f"{FRAME}{LINK.replace('426', '427')}", 2),
    ],
)
def test_a_link_belongs_to_one_frame(text: str, count: int) -> None:
    converted, done, _ = embed_code.convert(text)
    assert (done, converted.count("[getty")) == (count, count)
    assert "<a " not in converted


def test_text_between_a_link_and_its_frame_stays() -> None:
    for gap in ("Words", "\n" * 300 + "Words"):
        assert gap in embed_code.convert(f"{MARKDOWN_LINK}{gap}{FRAME}", "markdown")[0]


@pytest.mark.parametrize("between", ["<p>Words</p>", "", "<p></p>"])
def test_a_link_to_another_picture_next_to_a_frame_is_a_picture_of_its_own(between: str) -> None:
    text = f"<p>{LINK.replace('426', '427')}</p>{between}<p>{FRAME}</p>"
    assert embed_code.convert(text)[1] == 2


@pytest.mark.parametrize("left", ["<iframe></iframe>", '<iframe src="" width="594"></iframe>'])
def test_a_box_whose_frame_has_lost_its_url_is_replaced_with_the_link(left: str) -> None:
    box = f'<div style="height:0;padding:66% 0 0 0">{left}</div>'
    text = f'<div class="getty embed image"><div style="padding:0;margin:0">{LINK}</div>{box}</div>'
    assert embed_code.convert(text)[0] == '[getty src="518730426" tld="com"]'
    other = text.replace(left, '<iframe src="https://video.example/1"></iframe>')
    assert "video.example" in embed_code.convert(other)[0]


@pytest.mark.parametrize("code", [FRAME, LINK + FRAME, f"<p>{FRAME}</p>"])
@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_json_in_json_stays_valid(code: str, slash: str) -> None:
    block = f'<div class="getty embed image"><div>{LINK}</div><div>{code}</div></div>'
    for text in (code, block, f"One\n\n{block}\n"):
        inner = json.dumps({"html": text}).replace("/", slash)
        converted, count, problems = embed_code.convert(json.dumps({"mobiledoc": inner}).replace("/", slash))
        assert (count, problems) == (1, ())
        value = json.loads(json.loads(converted)["mobiledoc"])["html"]
        assert "[getty src=518730426 width=300 height=200]" in value
        assert "<iframe" not in value


@pytest.mark.parametrize("loader", ["", LOADER, LOADER.replace("></script>", " />")])
def test_widget_code_in_quotes(loader: str) -> None:
    code = f"{OWN_LINK}{WIDGET.removeprefix(LINK)}{loader}"
    converted = json.loads(embed_code.convert(json.dumps({"a": code}).replace("/", "\\/"))[0])
    assert converted == {"a": SHORTCODE.replace('"', "")}
    doubled = code.replace("'", "''")
    assert embed_code.convert(f"a: '{doubled}'")[0] == f"a: '{SHORTCODE}'"
    assert embed_code.convert(f"VALUES (1,'{doubled}');")[0] == f"VALUES (1,'{SHORTCODE}');"


@pytest.mark.parametrize("before", ["", "1,", "a;b\n1;"])
def test_a_csv_field_stays_valid(before: str) -> None:
    block = f'<div class="getty embed image"><div>{LINK}</div><div>{FRAME}</div></div>'
    for code, left in ((FRAME, FRAME), (block, FRAME), (f"{FRAME} x", f"{FRAME} x")):
        row = before + '"' + code.replace('"', '""') + '",2\n'
        shortcode = "[getty src=518730426 width=300 height=200]"
        assert embed_code.convert(row)[0] == row[: len(before) + 1] + left.replace(FRAME, shortcode) + '",2\n'


@pytest.mark.parametrize(
    "feed",
    [
        "<content:encoded><![CDATA[<p>A</p>{}<p>B</p>]]></content:encoded>",
        "<description>\n<![CDATA[{}]]></description>",
        '<content type="html"><![CDATA[{}]]></content>',
        "<summary>{}</summary>",
    ],
)
def test_the_html_in_a_feed_is_converted(feed: str) -> None:
    assert embed_code.convert(feed.format(f"{OWN_LINK}{WIDGET.removeprefix(LINK)}{LOADER}"))[0] == feed.format(
        SHORTCODE
    )
    assert embed_code.convert(f"<wp:meta_value><![CDATA[{FRAME}]]></wp:meta_value>")[1] == 0


MADE = FRAME.replace("et=a&sig=b", "et=x&sig=b")
CALL = WIDGET.removeprefix(LINK)


@pytest.mark.parametrize(
    "text",
    [
        f"<p>A</p>{MADE}{CALL}{LOADER}<p>B</p>",
        f'<p>A</p><div class="getty embed image"><div>{LINK}</div><div>{MADE}</div></div>{LOADER}{CALL}<p>B</p>',
        f"{LOADER}{CALL}<p>A</p>{MADE}<p>B</p>",
        f"<p>A</p>{MADE}<p>B</p>\n{CALL}\n",
        f"<p>A</p>{MADE}<p>B</p>\n<p>{CALL}</p>\n",
        f"<p>A</p>{MADE}<p>B</p><a href='https://www.gettyimages.com/detail/12' class='gie-single'>{CALL}</a>",
    ],
)
def test_a_frame_and_the_call_that_created_it_are_one_picture(text: str) -> None:
    """A page that was saved after the script had replaced the link."""
    assert embed_code.convert(text)[0].strip() == f"<p>A</p>{SHORTCODE}<p>B</p>"
    assert embed_code.convert(text.replace("et=x", "et=y"))[1] == 2
    assert embed_code.convert(text.replace("518730426?", "518730427?"))[1] >= 2


@pytest.mark.parametrize("beside", ["{}\n", " {} ", "<p>{}</p>", "{}<br>", "See {} there.", "f(){}"])
def test_a_record_that_is_not_part_of_other_json(beside: str) -> None:
    record = next(row for row in GENUINE if row["kind"] == "f: CMS record")
    converted = embed_code.convert(beside.format(record["text"]))[0]
    assert converted == beside.format(scan.format(expected(record)))
    for part in ("x = {};", "[{}]", '"a": {}', "`{}`", "({})"):
        assert embed_code.convert(part.format(record["text"]))[1] == 0


def test_a_call_with_two_links_is_removed_once() -> None:
    done = embed_code.changes(f"<p>{OWN_LINK}</p><p>{OWN_LINK}</p><div>Words</div>{CALL}")
    assert (done.converted, len(done.edits)) == (2, 3)


def test_the_call_of_a_slideshow_is_paired_with_its_link() -> None:
    link, call = (code.replace("518730426'", "518730426,12'") for code in (OWN_LINK, CALL))
    slides = SHORTCODE.replace("518730426", "518730426,12")
    assert embed_code.convert(f"<p>{link}</p><div>Words</div>{call}")[0] == f"<p>{slides}</p><div>Words</div>"


@pytest.mark.parametrize(
    "link",
    [
        OWN_LINK.replace("https://", "https://www.google.com/url?q=https://"),
        OWN_LINK.replace("https://www.gettyimages.com/detail/518730426", "#"),
        OWN_LINK.replace(">Embed from Getty Images<", "><em><b>Embed from Getty Images</b></em><"),
        "Embed from Getty Images\n",
        "Embed from Getty Images</p><p>",
    ],
)
def test_the_remains_of_a_link_are_replaced_with_its_call(link: str) -> None:
    assert embed_code.convert(f"<p>Words</p><p>{link}{CALL}</p>")[0] == f"<p>Words</p><p>{SHORTCODE}</p>"
    bare = re.sub("</?script>", "", CALL)
    assert embed_code.convert(f"<p>Embed from Getty Images{bare}</p>")[0] == f"<p>{SHORTCODE}</p>"


def test_a_link_in_bold_is_recognized() -> None:
    bold = LINK.replace(">Embed from Getty Images<", "><strong>Embed from Getty Images</strong><")
    assert embed_code.convert(bold) == embed_code.convert(LINK)
    assert embed_code.convert(f"<p>{bold}</p><p>{FRAME}</p>")[1] == 1
    for other in (
        bold.replace("</a>", f"{' ' * 300}</a>"),
        bold.replace("</a>", "<img></a>"),
        bold.replace("Embed", "Words"),
        bold.replace("</a>", ""),
    ):
        assert embed_code.convert(other)[1] == 0


def test_an_unrelated_link_before_a_call_stays() -> None:
    other = '<a id="y" href="https://shop.example/1">Embed from Getty Images</a>'
    assert embed_code.convert(f"{other}{CALL}")[0] == f"{other}{SHORTCODE}"


@pytest.mark.parametrize(
    ("attributes", "options"),
    [
        ('data-items="518730426,12" data-width="498"', 'src="518730426,12" width="498" tld="com"'),
        ('data-items="518730426" data-capt="false" data-tld="ca"', 'src="518730426" tld="ca" caption="false"'),
        ('data-items="12" data-width="498"', 'src="518730426" tld="com"'),
        ('data-items="" data-width="498"', 'src="518730426" tld="com"'),
    ],
)
def test_the_parameters_that_forums_keep_in_a_link(attributes: str, options: str) -> None:
    link = OWN_LINK.replace("<a ", f"<a {attributes} ").replace(
        "Embed from Getty Images", "https://www.gettyimages.ca/x"
    )
    assert embed_code.convert(link)[0] == f"[getty {options}]"


def test_a_widget_in_the_frame_of_an_instant_article() -> None:
    text = f'<figure class="op-interactive"><iframe width="594">{OWN_LINK}{CALL}{LOADER}</iframe></figure>'
    assert embed_code.convert(text)[0] == f'<figure class="op-interactive">{SHORTCODE}</figure>'
    block = f'<div class="getty embed image"><div>{LINK}</div><div>{FRAME}</div></div>'
    assert (
        embed_code.convert(f"<td><iframe>{block}</iframe></td>")[0] == f"<td>{embed_code.convert(FRAME)[0]}</td>"
    )
    assert embed_code.convert(text.replace(" width=", " src='//video.example/1' width="))[1] == 0


def serialized(text: str) -> str:
    return f's:{len(text.encode())}:"{text}";'


@pytest.mark.parametrize("before", ["", "<p>é’s</p>", "x" * (embed_code.MAX_COUNTED_CHARS + 1)])
@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'"),
        lambda text: text.replace("'", "''"),
    ],
    ids=["plain", "sql", "doubled"],
)
def test_embed_code_in_serialized_php_is_reported(written: Callable[[str], str], before: str) -> None:
    """A shortcode in it used to leave a wrong length, so that PHP couldn't read the data."""
    data = f"a:2:{{{serialized('text')}{serialized(f'{before}{FRAME}')}{serialized(CODE)}}}"
    text = f"VALUES (1,'{written(data)}');"
    converted, count, problems = embed_code.convert(f"{text}\n{FRAME}\n")
    assert (converted, count) == (f'{text}\n[getty src="518730426" width="300" height="200"]\n', 1)
    assert [(one.line, one.code) for one in problems] == [(1, "embed-code")] * 2
    assert "PHP" in problems[0].detail
    alone = written(f"a:1:{{{serialized(f'{before}{FRAME}')}}}")
    assert embed_code.convert(alone)[:2] == (alone, 0)


@pytest.mark.parametrize("before", ["Times:900:", 's:3:"abc"; ', "s:900: "])
def test_what_only_looks_like_serialized_php_is_converted(before: str) -> None:
    assert embed_code.convert(f'{before}"{FRAME}')[1] == 1


@pytest.mark.parametrize(
    ("link", "definition"),
    [
        ("[Embed from Getty Images][1]", "[1]: https://www.gettyimages.com/detail/518730426"),
        (
            "[Embed from Getty Images][]",
            "[Embed from Getty Images]: <https://www.gettyimages.com/detail/518730426>",
        ),
        (
            "[Embed from Getty Images]",
            "  [Embed from Getty Images]: https://www.gettyimages.com/detail/518730426 'x'",
        ),
    ],
)
def test_a_reference_link(link: str, definition: str) -> None:
    """As Pandoc and html2text write links. The definition stays, since readers don't see it."""
    text = f"Words\n\n{link}\n\n{definition}\n"
    shortcode = '[getty src="518730426" tld="com"]'
    assert embed_code.convert(text, "markdown")[:2] == (text.replace(f"{link}\n\n", f"{shortcode}\n\n"), 1)
    assert embed_code.convert(f"{link}\n\n{FRAME}\n\n{definition}", "markdown")[1] == 1
    for other in (text.replace("gettyimages.com/", "gettyimages.com.example/"), f"{link}\n"):
        assert embed_code.convert(other, "markdown") == (other, 0, ())


@pytest.mark.parametrize(
    "after", ["(Photo: A. Name)", ": words", "[1]\n\n[1]: https://shop.example", "] words", "](/x)"]
)
def test_the_text_after_a_shortcode_neither_makes_it_a_link_nor_escapes_it(after: str) -> None:
    text = f"{'[' if after.startswith(']') else ''}{FRAME}{after}"
    converted, count, _ = embed_code.convert(text, "markdown")
    assert (count, converted.endswith(after)) == (1, True)
    assert [one.reference for one in scan.find(converted, "markdown")] == ["518730426"]
    assert " ]" not in embed_code.convert(f"<summary><![CDATA[{FRAME}]]></summary>")[0]
