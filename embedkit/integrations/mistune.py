"""mistune 3: ``mistune.create_markdown(plugins=[getty_plugin])``."""

from __future__ import annotations

from typing import Any

from mistune import Markdown
from mistune.core import BlockState

from embedkit.integrations.site import Site

KEY = "embedkit"  # in the environment of a text


def getty_plugin(md: Markdown, site: Site | None = None, **options: Any) -> None:
    """Replace references by placeholders before a text is parsed, and insert the embeds after it is rendered.

    :param site: an existing site; by default one created from ``options``.
    :param options: as for :class:`embedkit.integrations.site.Site`; pass them with :func:`functools.partial`.
    """
    known = site or Site(options)

    def shelve(_: Markdown, state: BlockState) -> None:
        shelf = known.shelve(state.src, "<markdown>")
        state.process(shelf.text)
        state.env[KEY] = shelf

    def restore(_: Markdown, result: Any, state: BlockState) -> Any:
        return state.env[KEY].restore(result) if isinstance(result, str) else result

    md.before_parse_hooks.append(shelve)
    md.after_render_hooks.append(restore)
