"""Python-Markdown: ``markdown.markdown(text, extensions=["embedkit"])``.

References are put aside before anything else reads the text, and come back when all have done: no typographer, no
linkifier and no sanitizer of Markdown sees an embed.
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

    :param options: ``strict``, and every setting by its name, such as ``target`` or ``lockfile``; or ``site``, a
        :class:`embedkit.integrations.site.Site` that is there already.

    >>> import markdown
    >>> "<figure" in markdown.markdown("[getty 74917285]", extensions=[EmbedKitExtension(cache="memory:")])
    True
    """

    def __init__(self, *, site: Site | None = None, **options: Any) -> None:
        super().__init__()
        self.site = site or Site(options)

    def extendMarkdown(self, md: Markdown) -> None:
        """Register both ends; called by Python-Markdown."""
        shelving = _Shelving(md, self.site)
        md.preprocessors.register(shelving, "embedkit", 28)  # lines are normal, and nothing has read them
        md.postprocessors.register(_Restoring(md, shelving), "embedkit", 1)  # all else is done


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
    """For ``extensions=["embedkit.integrations.markdown"]``."""
    return EmbedKitExtension(**options)
