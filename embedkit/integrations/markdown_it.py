"""markdown-it-py: ``MarkdownIt().use(getty_plugin)``; also for what builds on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from embedkit.integrations.site import Site

KEY = "embedkit"  # of a text's environment


def getty_plugin(md: MarkdownIt, site: Site | None = None, **options: Any) -> None:
    """Put references aside before a text is parsed, and bring embeds back behind the renderer.

    :param site: options and kit; by default made of ``options``.
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
        # for the middle of a sentence, as everything in a heading is
        return shelf.restore(f"<h1>{html}</h1>")[4:-5] if is_inline else shelf.restore(html)

    md.renderer.render = restored  # type: ignore[method-assign]
