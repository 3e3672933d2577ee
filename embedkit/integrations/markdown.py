"""Python-Markdown: ``markdown.markdown(text, extensions=["embedkit"])``.

References are replaced by placeholders before anything else reads the text, and the embeds are inserted at the
very end. So no typographer, linkifier or sanitizer of Markdown sees an embed.
"""

from __future__ import annotations

from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor

from embedkit.engine.shelf import Shelf
from embedkit.integrations.site import Site


class EmbedKitExtension(Extension):
    """The extension.

    :param options: ``strict``, and every setting by name, such as ``target`` or ``lockfile``; or ``site``, an
        existing :class:`embedkit.integrations.site.Site`.

    >>> import markdown
    >>> "<figure" in markdown.markdown("[getty 74917285]", extensions=[EmbedKitExtension(cache="memory:")])
    True
    """

    def __init__(self, *, site: Site | None = None, **options: Any) -> None:
        super().__init__()
        self.site = site or Site(options)

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the preprocessor and the postprocessor; called by Python-Markdown."""
        shelving = _Shelving(md, self.site)
        md.preprocessors.register(shelving, "embedkit", 28)  # right after whitespace is normalized
        md.postprocessors.register(_Restoring(md, shelving), "embedkit", 1)  # last


class _Shelving(Preprocessor):
    def __init__(self, md: Markdown, site: Site) -> None:
        super().__init__(md)
        self.site = site
        self.shelf: Shelf | None = None

    def run(self, lines: list[str]) -> list[str]:
        self.shelf = self.site.shelve("\n".join(lines), "<markdown>")
        return self.shelf.text.split("\n")


class _Restoring(Postprocessor):
    def __init__(self, md: Markdown, shelving: _Shelving) -> None:
        super().__init__(md)
        self.shelving = shelving

    def run(self, text: str) -> str:
        return self.shelving.shelf.restore(text) if self.shelving.shelf else text


def makeExtension(**options: Any) -> EmbedKitExtension:
    """Create the extension for ``extensions=["embedkit.integrations.markdown"]``."""
    return EmbedKitExtension(**options)
