"""Sphinx, docutils and MyST: a directive ``.. getty:: 74917285`` and a role ``:getty:`74917285```.

Add ``extensions = ["embedkit.integrations.sphinx"]`` to ``conf.py``, and any setting as ``embedkit_<name>``. HTML
output contains the embed; EPUB, LaTeX, text and man pages contain the title and credit with a link.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.errors import ConfigError as SphinxConfigError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from embedkit import __version__
from embedkit.engine.rendered import phrasing
from embedkit.errors import ConfigurationError, EmbedKitError
from embedkit.integrations.options import NAMES
from embedkit.integrations.site import EMBED, Lost, Site
from embedkit.models import OPTION_WORDS

log = logging.getLogger(__name__)
PREFIX = "embedkit_"


class getty(nodes.General, nodes.Inline, nodes.Element):
    """A picture in a document, replaced once the builder is known."""


class GettyDirective(SphinxDirective):
    """The directive ``.. getty:: REFERENCE``, with the attributes of a shortcode as options."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = dict.fromkeys(OPTION_WORDS, directives.unchanged)

    def run(self) -> list[nodes.Node]:
        """Return the picture as a block."""
        return [_node(self, self.arguments[0], self.options)]


class GettyRole(SphinxRole):
    """The role ``:getty:`REFERENCE```, for a picture within a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the picture as inline content."""
        return [_node(self, self.text, {}, is_inline=True)], []


def _node(where: SphinxDirective | SphinxRole, reference: str, words: dict[str, str], **more: Any) -> getty:
    node = getty("", reference=reference, words=words, **more)
    where.set_source_info(node)
    return node


class Pictures(EnvironmentCollector):
    """Tracks the pictures in each document, so that documents with changed pictures are rebuilt."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a document that is about to be read again, or was deleted."""
        _references(env).pop(docname, None)

    def merge_other(self, app: Sphinx, env: BuildEnvironment, docnames: Set[str], other: BuildEnvironment) -> None:
        """Merge the documents read by another process."""
        _references(env).update({name: texts for name, texts in _references(other).items() if name in docnames})

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Record a document's pictures, and remove them from titles in navigation, as Sphinx does with images."""
        env, name = app.env, app.env.docname
        if texts := [_shortcode(node) for node in doctree.findall(getty)]:
            _references(env)[name] = texts
        for title in (env.titles[name], env.longtitles[name], env.tocs[name]):
            for node in list(title.findall(getty)):
                node.parent.remove(node)

    def get_outdated_docs(
        self, app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
    ) -> list[str]:
        """Return the documents that have changed since this builder wrote them."""
        before = _written(env, app)
        return [name for name, now in _fingerprints(app, env).items() if before.get(name) != now]

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Prefetch all pictures once all documents are read, and store the fingerprints to be written."""
        _written(env, app).update(_fingerprints(app, env))
        return []


def _references(env: BuildEnvironment) -> dict[str, list[str]]:
    return _persistent(env, "embedkit_asked")


def _written(env: BuildEnvironment, app: Sphinx) -> dict[str, str]:
    written: dict[str, str] = _persistent(env, "embedkit_written").setdefault(app.builder.name, {})
    return written


def _persistent(env: BuildEnvironment, name: str) -> dict[str, Any]:
    """Return a dictionary that Sphinx keeps between builds."""
    values: dict[str, Any] = vars(env).setdefault(name, {})
    return values


def _shortcode(node: getty) -> str:
    tld = node["words"].get("tld")
    return f"[getty {node['reference']}{f' tld={tld}' if tld else ''}]"


def _fingerprints(app: Sphinx, env: BuildEnvironment) -> dict[str, str]:
    site, references = _site(app), _references(env)
    site.kit.warm((text, "text") for texts in references.values() for text in texts)
    return {name: site.fingerprint(texts) for name, texts in references.items()}


class Show(SphinxPostTransform):
    """Replaces every picture by content that the builder supports."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace the nodes of one document."""
        for node in list(self.document.findall(getty)):
            node.replace_self(self._html(node) if _shows_html(self.app) else self._words(node))

    def _html(self, node: getty) -> nodes.Node:
        html = str(_site(self.app).picture(node["reference"], node["words"], *_place(node)))
        return nodes.raw("", phrasing(html) if node.get("is_inline") else html, format="html")

    def _words(self, node: getty) -> nodes.Node:
        """Return the title and credit, linked to the picture's page."""
        site = _site(self.app)
        words = str(site.picture(node["reference"], node["words"], *_place(node), target="text"))
        try:
            shown = nodes.reference("", words, refuri=site.kit.resolve(node["reference"]).page_url)
        except EmbedKitError:
            shown = nodes.inline("", words)
        return shown if node.get("is_inline") else nodes.paragraph("", "", shown)


def _place(node: getty) -> tuple[str, int]:
    return str(node.source), int(node.line or 1)


def _shows_html(app: Sphinx) -> bool:
    return app.builder.format == "html" and app.builder.name != "epub"


def _site(app: Sphinx) -> Site:
    if not hasattr(app, "embedkit"):
        options = {name: app.config[PREFIX + name] for name in (*NAMES, "strict")}
        # Sphinx ignores unregistered names, so a misspelled option would otherwise go unnoticed
        written = getattr(app.config, "_raw_config", {})
        options |= {name.removeprefix(PREFIX): written[name] for name in written if name.startswith(PREFIX)}
        app.embedkit = Site(options, log, prefix=PREFIX, at_end=True)  # type: ignore[attr-defined]
    site: Site = app.embedkit  # type: ignore[attr-defined]
    return site


def _begin(app: Sphinx) -> None:
    """Check the options before any document is read."""
    try:
        _site(app)
    except ConfigurationError as error:
        raise SphinxConfigError(str(error)) from None


def _link(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Link the stylesheet and script in a page that needs them."""
    if EMBED not in (body := str(context.get("body", ""))):
        return
    styles, scripts = _site(app).assets("_static", body)
    for url in styles:
        app.add_css_file(url.removeprefix("_static/").partition("?")[0])  # Sphinx adds a version of its own
    for url in scripts:
        app.add_js_file(url.removeprefix("_static/"), defer="defer")


def _end(app: Sphinx, error: Exception | None) -> None:
    """Copy the two files, since an entire static folder would break an EPUB, and fail a strict build."""
    if error:
        return
    if _shows_html(app):
        _site(app).copy_assets(Path(app.outdir, "_static"))
    try:
        _site(app).check()
    except Lost:  # already logged as warnings; Sphinx would report an exception as its own bug
        app.statuscode = 1
    _site(app).close()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything; called by Sphinx."""
    app.add_config_value("embedkit_strict", False, "env")
    for name in NAMES:
        app.add_config_value(PREFIX + name, None, "env")
    app.add_node(getty)
    app.add_directive("getty", GettyDirective)
    app.add_role("getty", GettyRole())
    app.add_env_collector(Pictures)
    app.add_post_transform(Show)
    app.connect("builder-inited", _begin)
    app.connect("html-page-context", _link)
    app.connect("build-finished", _end)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
