"""The protected parts of texts, compared with an HTML parser for HTML, and with tables for Markdown."""

from __future__ import annotations

import re

import html5lib
import pytest
from html5lib.treebuilders import getTreeBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedkit.shortcodes.scan import find, protected

PROTECTED = {"code", "pre", "script", "style", "textarea", "title", "xmp", "iframe", "svg", "math", "plaintext"}
PROTECTED |= {"noembed", "noframes", "noscript"}

HTML_PIECES = (
    *('<a title="', "<a b=", "<a ", "</a", "<b>", "</b>", "<p>", "</p>", "<p", "<br/>", '">', "'>", '="', "='"),
    *(
        '"',
        "'",
        ">",
        "<",
        "=",
        "/",
        " ",
        "x",
        "\n",
        "&quot;",
        "<img alt='",
        "<3",
        "</ ",
        "<!x",
        "<?y",
        "?>",
        "<p>\n",
    ),
    *(
        "<!--",
        "-->",
        "--!>",
        "<!-->",
        "<![CDATA[",
        "]]>",
        "<code>",
        "</code>",
        "<PRE>",
        "</pre>",
        '<pre class="x">',
    ),
    *("<script>", "</script>", "<style>", "</style >", "<textarea>", "</textarea>", "<title>", "</title>"),
    *("<svg>", "</svg>", "<svg/>", "<math>", "</math>", "<noscript>", "</noscript>", "<iframe>", "</iframe>"),
    *(
        "<xmp>",
        "</xmp>",
        "<plaintext>",
        "[[getty 5]]",
        '[getty 5 alt="',
        "[getty]",
        "[/getty]",
        "https://gty.im/5",
    ),
)
MARKDOWN_PIECES = (
    *HTML_PIECES[:40],
    *(
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "- ",
        "1. ",
        "> ",
        "# ",
        "\\",
        "---\n",
        "a: b\n",
        "\r\n",
    ),
)
CONTAINERS = {
    "html": (
        *(("<!-- ", " -->"), ("<code>", "</code>"), ("<pre>", "</pre>"), ("<PRE class=x\n>", "</Pre >")),
        *(("<script>", "</script>"), ("<style>", "</style>"), ("<textarea>", "</textarea>")),
        *(('<img alt="', '">'), ("<img alt='", "'>"), ('<a x="1>2" title = "', '"/>'), ("<![CDATA[", "]]>")),
        *(("<svg><title>", "</title></svg>"), ("<script><!--<script>x</script>", "--></script>")),
    ),
    "markdown": (
        *(
            ("```\n", "\n```\n"),
            ("~~~~ text\n", "\n~~~~\n"),
            ("> ```\n> ", "\n> ```\n"),
            ("- ```\n  ", "\n  ```\n"),
        ),
        *(("`", "`"), ("`` a ` ", " ``"), ("x\n\n    ", "\n\n"), ("\n\n\t", "\n\n"), ("<!-- ", " -->")),
        *(("<pre>\n", "\n</pre>"), ('<img alt="', '">'), ("<code>", "</code>"), ("```\n", "")),
        *(("1. a\n\n       ", "\n\n"), ("-     ", "\n\n"), (">     ", "\n\n")),
    ),
}


def numbered(pieces: list[str]) -> str:
    """Join the pieces, with a numbered shortcode after each."""
    return "".join(f"{piece}[getty {1000 + place}]" for place, piece in enumerate(pieces))


def live(text: str, input: str = "html") -> list[str]:
    """Return the references of all shortcodes that would be replaced."""
    return [one.reference for one in find(text, input) if one.kind != "escape" and one.problem is None]


def forbidden(text: str, *, scripting: bool) -> str:
    """Return everything that is a tag, a comment, or text of a protected element to an HTML parser."""
    parser = html5lib.HTMLParser(getTreeBuilder("etree"), namespaceHTMLElements=False)
    tree = parser.parse(text, scripting=scripting)
    parts: list[str] = []

    def walk(element: object, within: bool) -> None:
        inside = within or not isinstance(element.tag, str) or element.tag.rpartition("}")[2] in PROTECTED
        parts.extend(f"{name}={value}\n" for name, value in element.attrib.items())
        parts.append((element.text or "") + "\n" if inside else "")
        for child in element:
            walk(child, inside)
            parts.append((child.tail or "") + "\n" if inside else "")

    walk(tree, False)
    return "".join(parts)


@given(st.lists(st.sampled_from(HTML_PIECES), max_size=12))
@settings(deadline=None, max_examples=300)
@example(['<svg><p><style><a title="</style><b title="></svg>', '">'])
@example(["<a b=<p>", "</p>"])
@example(['<noscript><a title="</noscript>', '">'])
@example(["<script><!--<script></script>", "--></script>"])
@example(['<![CDATA[ > <a title="]]>', '">'])
def test_tags_comments_and_code_of_a_browser_are_never_changed(pieces: list[str]) -> None:
    text = numbered(pieces)
    both = forbidden(text, scripting=False) + forbidden(text, scripting=True)
    touched = [ref for ref in live(text) if ref != "5" and f"[getty {ref}]" in both]
    assert touched == []


@given(st.lists(st.sampled_from(MARKDOWN_PIECES), max_size=12), st.sampled_from(["html", "markdown", "text"]))
@settings(deadline=None, max_examples=300)
def test_spans_are_in_order_and_within_any_text(pieces: list[str], input: str) -> None:
    text = numbered(pieces)
    last = 0
    for one in find(text, input):
        assert last <= one.start < one.end <= len(text)
        assert one.start <= one.place < one.end or one.problem
        last = one.end


def live_independently(text: str, input: str) -> list[str]:
    """Like live(), but slowly: each position is queried in a new context.

    The context only skips the shortcodes found before, as the scanner does.
    """
    ends: list[int] = []
    found = []
    for tag in re.finditer(r"\[getty ([0-9]+)\]", text):
        context = protected(text, input)
        for end in ends:
            context.skip(end)
        if not context.protected(tag.start()):
            found.append(tag[1])
            ends.append(next(one.end for one in find(text, input) if one.place == tag.start()))
    return found


SIMPLE_PIECES = [piece for piece in dict.fromkeys(MARKDOWN_PIECES + HTML_PIECES) if not set("[]") & set(piece)]


@given(
    st.lists(st.sampled_from([piece for piece in SIMPLE_PIECES if "gty.im" not in piece]), max_size=14),
    st.sampled_from(["html", "markdown", "text"]),
)
@settings(deadline=None, max_examples=300)
@example(["a ` b ``` c ` d `", "`"], "markdown")
@example(["<a\n```>", "\n"], "markdown")
@example(["    ", '<a title="', "---\n"], "markdown")
@example(["<code>", "<!--", "-->", "</code>", "`", "\n\n", "    "], "markdown")
def test_earlier_queries_do_not_change_results(pieces: list[str], input: str) -> None:
    text = numbered(pieces)
    assert live(text, input) == live_independently(text, input)


@pytest.mark.parametrize(
    ("input", "before", "after"), [(i, *pair) for i, pairs in CONTAINERS.items() for pair in pairs]
)
def test_shortcodes_are_found_around_containers_but_not_inside(input: str, before: str, after: str) -> None:
    inside = "[getty 2]" if "\t" in before or "    " in before else "[getty 2] and [getty 3 width=5]"
    text = f"[getty 1]\n\n{before}{inside}{after}"
    assert live(text, input) == ["1"]
    if after:
        assert live(f"{text}\n\n[getty 4]", input) == ["1", "4"]


@given(
    st.sampled_from([(i, *pair) for i, pairs in CONTAINERS.items() for pair in pairs]),
    st.text("ab [gety123]/=", max_size=40),
)
@settings(deadline=None, max_examples=150)
def test_nothing_is_found_in_containers(container: tuple[str, str, str], inside: str) -> None:
    input, before, after = container
    assert find(f"{before}x {inside} [getty 1]{after}", input) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b and [getty 1] > c", ["1"]),
        ('I <3 you, it\'s "so" [getty 1]', ["1"]),
        ('<p title="a">say "yes" [getty 1]</p>', ["1"]),
        ("<a href='x'>it's</a> don't [getty 1]", ["1"]),
        ('<a title="x > y" href=z>a</a>[getty 1]', ["1"]),
        ('<a href=x"y>a</a>[getty 1]', ["1"]),
        ("<code>a</code>[getty 1]<code/>[getty 2]", ["1"]),
        ("<code><code>a</code>[getty 1]</code>[getty 2]", ["2"]),
        ("<!-- a --!>[getty 1]<!-- -->[getty 2]", ["2"]),
        ("<!-->[getty 1]", ["1"]),
        ("<pre>[getty 1]", []),
        ("<script>[getty 1]", []),
        ("<!--[getty 1]", []),
        ('<a title="[getty 1]', []),
        ("<preface>[getty 1]</preface>", ["1"]),
        ("<svg/>[getty 1]<svg>[getty 2]</svg>[getty 3]", ["1", "3"]),
        ("`[getty 1]`", ["1"]),
        (
            "<content:encoded><![CDATA[<p>[getty 1]</p><pre>[getty 2]</pre>]]></content:encoded>[getty 3]",
            ["1", "3"],
        ),
        ("<description>a <![CDATA[[getty 1]]]></description>", []),
        ("<kbd>[getty 1]</kbd><samp>a</samp>[getty 2]<samp/>[getty 3]", ["2"]),
        ('[sourcecode language="html"]\n[getty 1]\n[/sourcecode]\n[getty 2]', ["2"]),
        ("[code][getty 1][/code][CODE=html][getty 2][/CODE][getty 3]", ["3"]),
        ("[code] [getty 1] [code", ["1"]),
        ("[codec][getty 1][/codec]", ["1"]),
        ('{{ "[getty 1]" | upper }}[getty 2]', ["2"]),
        ("{{ a\n[getty 1] }}", ["1"]),
        ('{\n  "hero": "[getty 1]"\n}\n\nWords [getty 2]', ["2"]),
        ('{\n  "html": "[getty 1]"\n}\n', ["1"]),
        ('{\n  "html": "[getty 1]"\n}\n{\n', ["1"]),
    ],
)
def test_html(text: str, expected: list[str]) -> None:
    assert live(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ` b [getty 1]", ["1"]),
        ("a ` b [getty 1] `` c", ["1"]),
        ("a ` b\n\n[getty 1] ` c", ["1"]),
        ("- a ` b\n- [getty 1] ` c", ["1"]),
        ("# a ` b\n[getty 1] ` c", ["1"]),
        ("\\` [getty 1] `", ["1"]),
        ("`\\` [getty 1] `", ["1"]),
        ("`a`[getty 1]`b` ``c ` d``[getty 2]", ["1", "2"]),
        ("`<pre>` [getty 1]", ["1"]),
        ("`<!--` [getty 1] `-->`", ["1"]),
        ('<a title="`">x</a> [getty 1] `', ["1"]),
        ("`a\nb` [getty 1]", ["1"]),
        ("if a <b then [getty 1]", ["1"]),
        ("a <b [getty 1]\n\n<i>c</i>", ["1"]),
        ("\\<pre> [getty 1]", ["1"]),
        ("    <pre>\n\n[getty 1]", ["1"]),
        ("```\na\n```\n[getty 1]", ["1"]),
        ("```\n~~~\n```\n[getty 1]", ["1"]),
        ("~~~\n[getty 1]\n~~~\n[getty 2]", ["2"]),
        ("````\n```\n[getty 1]\n````\n[getty 2]", ["2"]),
        ("```\n    ```\n[getty 1]\n```\n[getty 2]", ["2"]),
        ("``` a`b\n[getty 1]", ["1"]),
        ("text ``` [getty 1]", ["1"]),
        ("> ```\n> [getty 1]\n\n[getty 2]", ["2"]),
        ("1. a\n   ```\n   [getty 1]\n   ```\n2. [getty 2]", ["2"]),
        ("    ```\n\n[getty 1]", ["1"]),
        ("para\n    [getty 1]", ["1"]),
        ("# head\n    [getty 1]", []),
        ("    code\n\n\n    [getty 1]\n[getty 2]", ["2"]),
        ("- a\n\n    [getty 1]\n\n      [getty 2]\n\nb\n\n    [getty 3]", ["1"]),
        ("- a\n    - b\n\n        [getty 1]\n\n            [getty 2]", ["1"]),
        ("1. a\n\n    [getty 1]\n\n2. [getty 2]", ["1", "2"]),
        ("- a\nlazy\n\n    [getty 1]", ["1"]),
        ("```\n- a\n```\n\n    [getty 1]", []),
        ("   [getty 1]", ["1"]),
        ("-   [getty 1]", ["1"]),
        ("> a\n>\n>     [getty 1]\n>\n> [getty 2]", ["2"]),
        ("---\ntitle: [getty 1]\n---\n[getty 2]", ["2"]),
        ('+++\ntitle = "[getty 1]"\n+++\n[getty 2]', ["2"]),
        ("---\n\n[getty 1]\n\n---\n", ["1"]),
        ('{\n"title": "[getty 1]"\n}\n\n[getty 2]', ["2"]),
        ('{\n"title": "[getty 1]"\n}\n[[getty 3]] [getty 2]', ["2"]),
        ('{\n"title": "[getty 1]"\n}\n{{< figure src="a" >}} [getty 2]', ["2"]),
        ('{\n"title": "[getty 1]"\n}\n["a"] [getty 2]', ["1", "2"]),
        (
            "[getty](https://a.b) [Getty Images](https://www.gettyimages.com) [getty][1] ![getty 1](x) [getty 2]",
            ["2"],
        ),
        ("[getty]: https://www.gettyimages.com\n\n[getty 1]", ["1"]),
        ("[getty 1][getty 2][^1]", ["1", "2"]),
        ("[getty 1][/caption] [getty 2][2]", ["1", "2"]),
        ("[embed]https://gty.im/1[/embed](or [getty 2])", ["https://gty.im/1", "2"]),
        ("[getty 1][Note] [getty 2][] [getty 3][a]\n\n[note]: /b\n[getty 2]: /c", ["3"]),
        ("[//]: # ([getty 1])\n[comment]: <> ([getty 2])\n[a]: /b '[getty 3]'\n[b]: [getty 4]", ["4"]),
        ("{::comment}\n[getty 1]\n{:/comment}\n[getty 2]", ["2"]),
        ('export const a = {\n  b: "[getty 1]",\n}\n\nWords [getty 2]', ["2"]),
        ('import a from "[getty 1]"\n\nimport goods from a country [getty 2]', ["2"]),
        ("!!!note\n\n    [getty 1]\n\n        [getty 2]", ["1"]),
        ("???note\n    a\n\n    [getty 1]", ["1"]),
        ("\\[getty 1] \\\\[getty 2]", ["2"]),
        ('Open it with `<img alt="`.\n\n[getty 1]\n\nClose it with `">`.', ["1"]),
        ("`<a`\n\nx [getty 1]", ["1"]),
        ('[a](/b "c [getty 1]") x [getty 2] ![a [getty 3] b](/c) d![getty 4]', ["2", "4"]),
        ("wow! [a] ![b] [getty 1] [c](/d)", ["1"]),
        ("a ` b ``` c ` d ` [getty 1] `", []),
        ("```>``` [getty 1] ```", ["1"]),
        ("<a\n```>[getty 1]", []),
        ("<a b='[getty 1]\n```\n\n[getty 2]'>", []),
        ("<![CDATA[>`\n\n<pre>]]>[getty 1]", []),
    ],
)
def test_markdown(text: str, expected: list[str]) -> None:
    assert live(text, "markdown") == expected


def test_plain_text_has_no_code() -> None:
    assert live("`[getty 1]`\n\n    [getty 2]\n<pre>[getty 3]</pre> \\[getty 4]", "text") == ["1", "2", "3", "4"]
