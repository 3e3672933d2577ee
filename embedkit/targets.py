"""The targets that embedkit can render, one row each, and the formats of the documents around them.

A new target needs a name in :data:`Target`, a row here, and a template in ``templates/embedkit``; the tests point
out what is missing. ``python -m tests.test_readme`` writes its line of the README; the picker has its own list and
words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

Target = Literal[
    "web",
    "facade",
    "widget",
    "wordpress",
    "oembed",
    "amp",
    "feed",
    "email",
    "text",
    "markdown",
    "jsonld",
    "card",
]
Input = Literal["html", "markdown", "commonmark", "text"]
INPUTS: tuple[Input, ...] = get_args(Input)
Escape = Literal["references", "json", "markdown", "none"]
"""``references``: character references such as ``&#91;``, which look the same in a browser; ``json``: these, and
``\\u005b`` in JSON; ``markdown``: backslashes if every processor understands them, else references; ``none``: the
plain characters."""

STYLES, FACADE_SCRIPT = "embedkit.css", "embedkit-facade.js"


REFERENCES: Mapping[Input, Escape] = dict.fromkeys(INPUTS, "references")
BY_INPUT: Mapping[Input, Escape] = {
    "html": "references",
    **dict.fromkeys(("markdown", "commonmark"), "markdown"),
    "text": "none",
}
MARKDOWN: Mapping[Input, Escape] = dict.fromkeys(INPUTS, "markdown")
JSON: Mapping[Input, Escape] = dict.fromkeys(INPUTS, "json")


class Row(NamedTuple):
    """A target.

    :param use: its purpose, in one sentence.
    :param template: its file in ``templates/embedkit``; ``.html`` renders markup, any other extension plain text.
    :param fallback: the replacement for a picture that can't be shown: a card, which needs our stylesheet; a link;
        the target's own template, without a picture; or nothing.
    :param escape: how texts are escaped, by the format of the surrounding document.
    :param assets: the static files that a page needs for it.
    :param on_page: whether it is for the host's own pages: authors may name it in a shortcode, and it has a frame
        page (``FrameQuery`` in ``web/schemas.py``, ``FRAMED_TARGETS`` in ``static/picker/details.js``).
    :param preview: whether the demo page can preview it.
    :param cleaned: whether it passes through the sanitizer, which allows neither scripts nor AMP's elements.
    """

    use: str
    template: str
    fallback: Literal["card", "link", "template", "nothing"]
    escape: Mapping[Input, Escape] = REFERENCES
    assets: tuple[str, ...] = ()
    on_page: bool = False
    preview: bool = False
    cleaned: bool = True

    @property
    def is_inert(self) -> bool:
        """True if template engines in a live page must skip it (``{{ inert }}`` at the root of its template)."""
        return self.on_page or self.fallback == "card"

    @property
    def is_markup(self) -> bool:
        """True if it is HTML, False if it is plain text."""
        return self.template.endswith(".html")


ROWS: Mapping[Target, Row] = {
    "web": Row(
        "Pages: a responsive, lazy, titled frame in a figure with a credit; no script, no inline style.",
        "web.html",
        "card",
        assets=(STYLES,),
        on_page=True,
        preview=True,
    ),
    "facade": Row(
        "Pages with click-to-load pictures: nothing is requested from Getty before the reader agrees.",
        "facade.html",
        "card",
        assets=(STYLES, FACADE_SCRIPT),
        on_page=True,
        preview=True,
    ),
    "widget": Row(
        "Getty's own script embed, rebuilt from validated values.",
        "widget.html",
        "card",
        assets=(STYLES,),
        on_page=True,
        cleaned=False,
    ),
    "wordpress": Row("A blockquote and a frame, in the form that WordPress keeps.", "wordpress.html", "link"),
    "oembed": Row("A bare responsive frame for other people's pages.", "oembed.html", "link"),
    "amp": Row("AMP pages.", "amp.html", "link", cleaned=False),
    "feed": Row("RSS and Atom feeds, whose readers drop frames.", "feed.html", "template", preview=True),
    "email": Row("Newsletters.", "email.html", "template", preview=True),
    "text": Row("Plain text.", "text.txt", "template", BY_INPUT, preview=True),
    "markdown": Row("Markdown.", "markdown.md", "template", MARKDOWN),
    "jsonld": Row(
        "An ImageObject for search engines, if the picture has a thumbnail.",
        "jsonld.html",
        "nothing",
        JSON,
        cleaned=False,
    ),
    "card": Row(
        "A credited link: the fallback when nothing else can be shown.",
        "card.html",
        "card",
        assets=(STYLES,),
        preview=True,
    ),
}

TARGETS = tuple(ROWS)
ASSETS = tuple(dict.fromkeys(name for row in ROWS.values() for name in row.assets))
UNCLEANED = frozenset(row.template for row in ROWS.values() if not row.cleaned)
