"""Markdown processors, and documents with pictures whose texts are special to Markdown or template engines."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cmarkgfm
import commonmark
import html5lib
import markdown
import mistune
from cmarkgfm.cmark import Options as CmarkOptions
from markdown_it import MarkdownIt
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from embedkit import AssetRef, EmbedKit, Options, Settings
from embedkit.shortcodes.scan import format
from embedkit.targets import ROWS, Input, Target
from tests.support.embeds import HOSTILE, record
from tests.support.tools import ROOT

NODE = ROOT / "tests" / "hosts" / "processors"

ID = "74917285"
PLAIN = "Harbour"

# Places where an author can put a picture; {} is the shortcode.
MARKDOWN = {
    "paragraph": "Before.\n\n{}\n\nAfter.",
    "item": "- one\n- {}\n- three",
    "nested": "1. one\n\n   - two {}\n\n   three",
    "quote": "> one\n> {} two\n",
    "table": "| a | b |\n|---|---|\n| one | {} |\n| two | three |",
    "heading": "## Before {}\n\nAfter.",
    "link": "[before {} after](/target)",
    "inline": "*before {} after* and **{}** and `code`.",
    "open": "a lone ` and * and _ and ~~ and == and [ and | and $ before {} after",
    "block": '<div class="mine">\n{}\n</div>\n\nAfter.',
}
HTML = {
    "paragraph": "<p>Before.</p>\n\n{}\n\n<p>After.</p>",
    "inline": "<p>Before {} after.</p>",
    "item": "<ul><li>one</li><li>{}</li></ul>",
    "cell": "<table><tr><td>{}</td><td>two</td></tr></table>",
    "heading": "<h2>Before {}</h2>",
}
# The targets with visible texts: in widget they are in Getty's script, in jsonld in JSON.
TARGETS: tuple[Target, ...] = tuple(name for name in ROWS if name not in ("widget", "jsonld"))

Process = Callable[[str], str]

_IT = MarkdownIt("gfm-like", {"html": True, "linkify": True, "typographer": True})
_IT.enable(["replacements", "smartquotes"])
_IT.use(attrs_plugin, spans=True).use(deflist_plugin).use(footnote_plugin).use(dollarmath_plugin)
_MISTUNE = mistune.create_markdown(
    escape=False,
    plugins=[
        "url",
        "table",
        "strikethrough",
        "footnotes",
        "def_list",
        "abbr",
        "mark",
        "superscript",
        "subscript",
        "math",
        "spoiler",
    ],
)
_EXTENSIONS = [
    *("extra", "admonition", "codehilite", "meta", "nl2br", "sane_lists", "smarty", "toc", "wikilinks"),
    *(
        f"pymdownx.{name}"
        for name in ("arithmatex", "betterem", "caret", "critic", "details", "emoji", "keys", "magiclink")
    ),
    *(f"pymdownx.{name}" for name in ("mark", "progressbar", "smartsymbols", "tilde", "tasklist")),
]

_EXTENDED = markdown.Markdown(extensions=_EXTENSIONS)

PROCESSORS: dict[str, Process] = {
    "Python-Markdown": markdown.markdown,
    "Python-Markdown with extensions": lambda text: _EXTENDED.reset().convert(text),
    "markdown-it-py": MarkdownIt("commonmark").render,
    "markdown-it-py with plugins": _IT.render,
    "mistune": lambda text: str(_MISTUNE(text)),
    "commonmark.py": commonmark.commonmark,
    "cmark-gfm": lambda text: cmarkgfm.github_flavored_markdown_to_html(
        text, CmarkOptions.CMARK_OPT_UNSAFE | CmarkOptions.CMARK_OPT_SMART
    ),
}

# -- texts ---------------------------------------------------------------------------------------------

_PIECES = (
    *(
        "[x](/onload=alert(1)//)",
        "[x](javascript:alert(1))",
        "![x](x)",
        "[x][y]",
        "[x]: /y",
        "[^1]",
        "[TOC]",
        "[[x]]",
    ),
    *(
        "*a*",
        "_a_",
        "**a**",
        "__a__",
        "`a`",
        "``a``",
        "~~a~~",
        "==a==",
        "++a++",
        "^^a^^",
        "^a^",
        "~a~",
        "||a||",
        ">!a!<",
    ),
    *(
        "<b>",
        "</p>",
        "<!-- x -->",
        "<?php x ?>",
        "<% x %>",
        "<%= x %>",
        "<x@y.example>",
        "<https://evil.example/>",
    ),
    *(
        "{{ 7*7 }}",
        "{% x %}",
        "{# x #}",
        "{{< x >}}",
        "{{% x %}}",
        "{{{ x }}}",
        "{{- x -}}",
        "{{> x}}",
        "{7*7}",
        "${7*7}",
    ),
    *(
        "{: onclick=alert(1)}",
        "{onclick=alert(1)}",
        "{.x #y}",
        "{::nomarkdown}",
        "{:toc}",
        "<<x>>",
        "<[ x ]>",
        "[= 1 ]",
    ),
    *(
        "$x$",
        "$$x$$",
        r"\(x\)",
        r"\[x\]",
        ":smile:",
        ":::note",
        "!!! note",
        "??? note",
        "# x",
        "## x ##",
        "> x",
        "- x",
    ),
    *(
        "1. x",
        "1) x",
        "+ x",
        "* x",
        "- [ ] x",
        "---",
        "===",
        "***",
        "| a | b |",
        "|",
        "\\|",
        "\\",
        "\\\\",
        "    x",
        "\tx",
    ),
    *("'a' \"b\"", "a -- b --- c", "...", "(c) (tm)", "1/2", "-->", "=/=", "@mention", "#123", "++ctrl+alt+del++"),
    *(
        "&amp;",
        "&#91;x&#93;",
        "&lt;b&gt;",
        "&copy",
        "&",
        "&&",
        ";",
        "%7B",
        "import x from 'y'",
        "export default 1",
    ),
    *(
        "[getty 1]",
        "[[getty 1]]",
        "[/getty]",
        "{--x--}",
        "{++x++}",
        "{~~a~>b~~}",
        "*[HTML]: x",
        ": x",
        "~~~",
        "```",
        "HTML",
    ),
    *(
        "https://evil.example/a_b_c",
        "http://evil.example",
        "www.evil.example",
        "evil.example",
        "ftp://evil.example",
        "//evil.example",
    ),
    *(
        "a * b _ c",
        "snake_case_word",
        "2*3*4",
        "Ms. Berg: 3.5 (three), 50 % off!",
        "Ünïcödé “quotes” – 写真",
        "v-html",
        "\u2028x",
    ),
)
_GLUE = (" ", "", " a ", "\n", "\n\n")


def texts(count: int, *, seed: int = 1) -> Iterator[str]:
    """Yield texts: each piece alone and the hostile texts, shuffled, then random combinations of the pieces."""
    chance = random.Random(seed)
    fixed = [*_PIECES, *HOSTILE]
    chance.shuffle(fixed)
    yield from fixed[:count]
    for _ in range(count - len(fixed)):
        yield "".join(chance.choice(_PIECES) + chance.choice(_GLUE) for _ in range(chance.randrange(2, 6)))


# -- documents -----------------------------------------------------------------------------------------


class Author:
    """Renders documents with one picture that has the same text in all its fields and attributes."""

    def __init__(self, **settings: Any) -> None:
        self.kit = EmbedKit(Settings(cache="memory:", secret="s" * 40, **settings))

    def document(self, template: str, text: str, input: Input, target: Target) -> str:
        """Render a document with the text in the picture's record and in the author's attributes."""
        texts = dict.fromkeys(("title", "caption", "photographer", "collection"), text)
        self.kit.cache.store(record(ID, **texts), tld="com")
        tag = format(AssetRef((ID,), Options(caption=f"{text} x", title=f"{text} x")))
        return self.kit.render(template.replace("{}", tag), input=input, target=target)


# -- results -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A parsed page: its elements with the names of their attributes, its text, and some attribute values."""

    skeleton: tuple[tuple[str, tuple[str, ...]], ...]
    words: str
    values: tuple[str, ...]


def page(html: str) -> Page:
    """Parse a page as a browser does."""
    body = html5lib.parse(html, namespaceHTMLElements=False).find("body")
    found = [node for node in body.iter() if isinstance(node.tag, str)]
    return Page(
        tuple((str(node.tag), tuple(sorted(node.attrib))) for node in found),
        _plain("".join(body.itertext())),
        tuple(
            _plain(node.attrib[name]) for node in found for name in ("title", "href", "src") if name in node.attrib
        ),
    )


def expected(plain: Page, text: str) -> Page:
    """Return the expected page: the plain page with this text instead of the plain one."""
    text = _plain(text)
    return Page(
        plain.skeleton,
        _plain(plain.words.replace(PLAIN, text)),
        tuple(_plain(value.replace(PLAIN, text)) for value in plain.values),
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
