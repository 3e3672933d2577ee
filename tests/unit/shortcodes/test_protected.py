"""``render`` and ``convert`` agree on what is code, in every input format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedkit.cli.main import cli
from embedkit.getty import embed_code
from embedkit.shortcodes.scan import find, protected
from tests.unit.shortcodes.test_contexts import CONTAINERS, HTML_PIECES, MARKDOWN_PIECES

FRAME = '<iframe src="//embed.gettyimages.com/embed/5?et=a&sig=b" width="300"></iframe>'
INPUTS = ("html", "markdown", "commonmark", "text")
WRAPPERS = {
    *((f"{before} ", after) for pairs in CONTAINERS.values() for before, after in pairs),  # "[[" is an escape
    *(("---\ntitle: x\nembed: ", "\n---\n"), ('+++\nx = "a"\ny = ', "\n+++\n"), ("a\n\n    ", "\n\nb")),
    *((f"<{name}>", f"</{name}>") for name in ("svg", "math", "noscript", "xmp", "title", "textarea", "noembed")),
    *((f"- {fence}\n  ", f"\n  {fence}\n") for fence in ("```", "~~~~")),
    *(("> > ```\n> > ", "\n> > ```\n"), ("> - a\n>\n>       ", "\n"), ("1. a\n\n        ", "\n"), ("\t", "\n")),
    *(
        ("<p>", "</p>"),
        ("", ""),
        ("- ", "\n- b"),
        ("> ", "\n"),
        ("# ", "\n"),
        ("\\", " "),
        ("\\\\", " "),
        ("a ` b ", ""),
    ),
    *(("<!-- a --> ", ""), ("<p title='x'>", "</p>"), ("<code>a</code> ", " <code>b</code>"), ("``` a ``` ", "")),
}


def is_rendered(before: str, after: str, input: str) -> bool:
    """Return whether a shortcode at this position is found."""
    found = find(
        f"{before}[getty src=5]{after}", input
    )  # its "=" can make a line front matter, like that of a frame
    return any(one.start <= len(before) < one.end and one.reference == "5" for one in found)


def is_converted(before: str, after: str, input: str) -> bool:
    """Return whether embed code at this position becomes a shortcode."""
    text = f"{before}{FRAME}{after}"
    converted = embed_code.convert(text, input).text
    assert converted == text or (FRAME not in converted and "[getty" in converted)
    return converted != text


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize(("before", "after"), sorted(WRAPPERS))
def test_render_and_convert_agree_on_every_wrapper(before: str, after: str, input: str) -> None:
    assert is_converted(before, after, input) == is_rendered(before, after, input)


# Without brackets, which can make a link or an escape only of a shortcode; and without incomplete tags, which the
# quotes and angle brackets of the frame would end (the wrappers above include those that don't depend on that).
PIECES = [
    piece
    for piece in dict.fromkeys((*HTML_PIECES, *MARKDOWN_PIECES, "<title>", "<xmp>", "words", "+++\n", "    a\n"))
    if not set("[]\"'=") & set(piece)
    and "gty.im" not in piece
    and piece not in ("<iframe>", "</iframe>")
    and (piece[0] != "<" or piece[-1] in ">-\n")
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=8),
    st.lists(st.sampled_from(PIECES), max_size=6),
    st.sampled_from(INPUTS),
)
@settings(deadline=None, max_examples=400)
@example(["    "], [], "markdown")
@example(["---\n", "a: b\n"], ["\n", "---\n"], "markdown")
@example(["<noscript>"], ["</noscript>"], "html")
def test_render_and_convert_agree_on_anything(before: list[str], after: list[str], input: str) -> None:
    one, two = "".join(before), "".join(after)
    assert is_converted(one, two, input) == is_rendered(one, two, input)


def run(*args: str, stdin: str = "") -> str:
    """Run a command and return its stdout."""
    done = CliRunner().invoke(cli, list(args), input=stdin, catch_exceptions=False)
    return done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", f"An example:\n\n    {FRAME}\n\nand so on.\n"),
        ("a.md", f"- item\n\n      {FRAME}\n"),
        ("a.md", f"---\ntitle: x\nembed: '{FRAME}'\n---\n\nText.\n"),
        ("a.md", f"```html\n{FRAME}\n```\n"),
        ("a.html", f"<svg><desc>{FRAME}</desc></svg>"),
        ("a.html", f"<noscript>{FRAME}</noscript>\n<xmp>{FRAME}</xmp>"),
    ],
)
def test_examples_survive_convert_in_place(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert run("convert", "--in-place", str(path)) == ""
    assert path.read_text("utf-8") == text


def test_the_format_follows_the_name_or_the_option(tmp_path: Path) -> None:
    text = f"    {FRAME}\n"
    for name in ("a.md", "a.html", "a.txt"):
        (tmp_path / name).write_text(text, "utf-8")
    found = json.loads(run("convert", "--check", "--json", str(tmp_path)))["texts"]
    assert [one["converted"] for one in found] == [1, 0, 1]
    assert run("convert", "--input", "markdown", stdin=text) == text


def test_positions_are_queried_in_order() -> None:
    text = "a `b` <!-- c --> d"
    code = protected(text, "markdown")
    assert [place for place in range(len(text)) if code.protected(place)] == [3, 4, *range(7, 16)]


@pytest.mark.parametrize("input", ["html", "markdown"])
@pytest.mark.parametrize(
    ("inside", "hides"),
    [
        ('<img src="https://example.org/a.jpg" alt="A court">', False),
        ("<img src=a.jpg width=300>", False),
        ('<p><a href="/x">Words</a></p>', False),
        ('<iframe src="https://example.org/ns.html" height="0"></iframe>', False),
        ('<img alt="</noscript>">', True),
        ("<!-- </noscript> -->", True),
        ("<style></noscript></style>", True),
        ("<iframe></noscript></iframe>", True),
        ('<img title="`">', True),
        ("<textarea>", True),
    ],
)
def test_noscript_protects_the_rest_only_if_parsers_could_disagree(input: str, inside: str, hides: bool) -> None:
    found = find(f"<noscript>{inside}</noscript>\n\n[getty 74917285]", input)
    assert (found == []) is hides
