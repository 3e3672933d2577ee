"""Sphinx, docutils and MyST: a directive ``.. getty:: 74917285`` and a role ``:getty:`74917285```.

``extensions = ["embedkit.integrations.sphinx"]`` in ``conf.py``, and every setting as ``embedkit_<name>``. HTML
gets an embed; EPUB, LaTeX, text and man pages get title and credit with a link.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from embedkit import __version__
from embedkit.engine.rendered import phrasing
from embedkit.errors import EmbedKitError
from embedkit.integrations.site import Lost, Site
from embedkit.models import OPTION_WORDS, Options, Problem
from embedkit.settings import rows

log = logging.getLogger(__name__)
PREFIX = "embedkit_"


class getty(nodes.General, nodes.Inline, nodes.Element):
    """A picture that a document asks for; replaced when it is known who writes it."""


class GettyDirective(SphinxDirective):
    """``.. getty:: REFERENCE``, with the attributes of a shortcode as options."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = dict.fromkeys(OPTION_WORDS, directives.unchanged)

    def run(self) -> list[nodes.Node]:
        """The picture, as a block."""
        return [_node(self, self.arguments[0], self.options)]


class GettyRole(SphinxRole):
    """``:getty:`REFERENCE```: the same in a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The picture, as part of a sentence."""
        return [_node(self, self.text, {}, is_inline=True)], []


def _node(where: SphinxDirective | SphinxRole, reference: str, words: dict[str, str], **more: Any) -> getty:
    node = getty("", reference=reference, words=words, **more)
    where.set_source_info(node)
    return node


class Show(SphinxPostTransform):
    """Put in place of every picture what the builder can write."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace the nodes of one document."""
        site = _site(self.app)
        for node in list(self.document.findall(getty)):
            node.replace_self(self._shown(site, node))

    def _shown(self, site: Site, node: getty) -> nodes.Node:
        options, problems = Options.from_words(node["words"])
        _tell(site, node, *problems)
        try:
            site.kit.resolve(node["reference"], options)
        except EmbedKitError as error:
            _tell(site, node, Problem(1, 1, error.code, str(error)))
        if self.app.builder.format == "html" and self.app.builder.name != "epub":
            html = str(site.kit.html(node["reference"], options))
            return nodes.raw("", phrasing(html) if node.get("is_inline") else html, format="html")
        words = nodes.inline("", str(site.kit.html(node["reference"], options, target="text")))
        return words if node.get("is_inline") else nodes.paragraph("", "", words)


def _tell(site: Site, node: getty, *problems: Problem) -> None:
    try:
        site.tell(problems, str(node.source), int(node.line or 1))
    except Lost as error:
        raise ExtensionError(str(error)) from None


def _site(app: Sphinx) -> Site:
    if not hasattr(app, "embedkit"):
        options = {name.lower(): app.config[PREFIX + name.lower()] for name, _, _ in rows()}
        app.embedkit = Site({**options, "strict": app.config.embedkit_strict}, log)  # type: ignore[attr-defined]
    site: Site = app.embedkit  # type: ignore[attr-defined]
    return site


def _link(app: Sphinx) -> None:
    if app.builder.format == "html":
        styles, scripts = _site(app).assets("_static")
        for url in styles:
            app.add_css_file(url.removeprefix("_static/").partition("?")[0])  # Sphinx adds a version of its own
        for url in scripts:
            app.add_js_file(url.removeprefix("_static/"), defer="defer")


def _copy(app: Sphinx, error: Exception | None) -> None:
    """Two files: a whole static folder would break an EPUB."""
    if error is None and app.builder.format == "html":
        _site(app).copy_assets(Path(app.outdir, "_static"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all; called by Sphinx."""
    app.add_config_value("embedkit_strict", False, "env")
    for name, _, _ in rows():
        app.add_config_value(PREFIX + name.lower(), None, "env")
    app.add_node(getty)
    app.add_directive("getty", GettyDirective)
    app.add_role("getty", GettyRole())
    app.add_post_transform(Show)
    app.connect("builder-inited", _link)
    app.connect("build-finished", _copy)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
