"""What embedkit can render, one row a target; and the formats of the documents that it goes into.

A new target is a name in :data:`Target`, a row, and a template in ``templates/embedkit``. The tests name what is
forgotten: ``python -m tests.test_readme`` writes its line of the README, the picker has its own list and words.
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
"""``references``: ``&#91;``, the same page to a browser; ``json``: these, and ``\\u005b`` in JSON; ``markdown``:
backslashes where every processor takes them, else references; ``none``: the signs themselves, for plain text."""

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

    :param use: what it is for, in a sentence.
    :param template: its file in ``templates/embedkit``; ``.html`` makes markup, any other name makes text.
    :param fallback: what stands in for a picture that can't be shown: a card, which needs our stylesheet; a link;
        the target's own template, without a picture; or nothing.
    :param escape: how the signs of a text are written, by the format of the document around it.
    :param assets: our static files that a page needs for it.
    :param on_page: for pages of the host's own: authors may name it in a shortcode, and it has a frame page
        (``FrameQuery`` in ``web/schemas.py``, ``FRAMED_TARGETS`` in ``static/picker/embed.js``).
    :param preview: whether the demo page can show what it looks like.
    :param cleaned: whether the sanitizer goes over it; it knows no scripts, and none of AMP's elements.
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
        """Whether template engines of a live page pass it by: ``{{ inert }}`` at the root of its template."""
        return self.on_page or self.fallback == "card"

    @property
    def is_markup(self) -> bool:
        """Whether it is HTML; else it is plain text."""
        return self.template.endswith(".html")


ROWS: Mapping[Target, Row] = {
    "web": Row(
        "Pages: a responsive, lazy, titled frame in a figure with credit; no script, no inline style.",
        "web.html",
        "card",
        assets=(STYLES,),
        on_page=True,
        preview=True,
    ),
    "facade": Row(
        "Pages that ask first: nothing is requested from Getty before the reader agrees.",
        "facade.html",
        "card",
        assets=(STYLES, FACADE_SCRIPT),
        on_page=True,
        preview=True,
    ),
    "widget": Row(
        "Getty's own script form, rebuilt from checked values.",
        "widget.html",
        "card",
        assets=(STYLES,),
        on_page=True,
        cleaned=False,
    ),
    "wordpress": Row("A blockquote and a frame, as WordPress keeps them.", "wordpress.html", "link"),
    "oembed": Row("One bare responsive frame for foreign pages.", "oembed.html", "link"),
    "amp": Row("AMP pages.", "amp.html", "link", cleaned=False),
    "feed": Row("RSS and Atom readers, which drop frames.", "feed.html", "template", preview=True),
    "email": Row("Newsletters.", "email.html", "template", preview=True),
    "text": Row("Plain text.", "text.txt", "template", BY_INPUT, preview=True),
    "markdown": Row("Markdown.", "markdown.md", "template", MARKDOWN),
    "jsonld": Row(
        "An ImageObject for search engines, where there is a thumbnail.",
        "jsonld.html",
        "nothing",
        JSON,
        cleaned=False,
    ),
    "card": Row(
        "A credited link: what is left when nothing else can be shown.",
        "card.html",
        "card",
        assets=(STYLES,),
        preview=True,
    ),
}

TARGETS = tuple(ROWS)
ASSETS = tuple(dict.fromkeys(name for row in ROWS.values() for name in row.assets))
UNCLEANED = frozenset(row.template for row in ROWS.values() if not row.cleaned)
