"""markdown-it-py and tools based on it: ``MarkdownIt().use(getty_plugin)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from embedkit.integrations.site import Site

KEY = "embedkit"  # in the environment of a text


def getty_plugin(md: MarkdownIt, site: Site | None = None, **options: Any) -> None:
    """Replace references by placeholders before a text is parsed, and insert the embeds after it is rendered.

    :param site: an existing site; by default one created from ``options``.
    :param options: as for :class:`embedkit.integrations.site.Site`.
    """
    known = site or Site(options)

    def shelve(state: StateCore) -> None:
        shelf = known.shelve(state.src, "<markdown>")
        state.src, state.env[KEY] = shelf.text, (shelf, state.inlineMode)

    md.core.ruler.after("normalize", "embedkit", shelve)
    render = md.renderer.render

    def restored(tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> Any:
        html = render(tokens, options, env)
        if KEY not in env:
            return html
        shelf, is_inline = env[KEY]
        # as phrasing content, like everything in a heading
        return shelf.restore(f"<h1>{html}</h1>")[4:-5] if is_inline else shelf.restore(html)

    md.renderer.render = restored  # type: ignore[method-assign]
