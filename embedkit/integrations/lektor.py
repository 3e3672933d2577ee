"""Lektor: ``{% getty 74917285, max_width=300 %}`` and ``{{ this.body|getty }}`` in templates.

Options are in ``configs/embedkit.ini``. Lektor loads plugins only from distributions named ``lektor-…``, so
``embedkit integrations lektor packages`` writes one, with its entry in ``lektor.plugins``. A page is rebuilt when
its text, or the record of one of its pictures, has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import pass_context
from jinja2.runtime import Context
from lektor.context import get_ctx
from lektor.pluginsystem import Plugin
from lektor.sourceobj import VirtualSourceObject
from markupsafe import Markup

from embedkit.integrations.jinja import EmbedKitExtension
from embedkit.integrations.site import Site

PREFIX = "embedkit"  # in the paths of pictures: /@embedkit/…


class Picture(VirtualSourceObject):  # type: ignore[misc]
    """A picture that pages depend on.

    :param root: the site's root record.
    :param words: the shortcode.
    """

    def __init__(self, root: Any, site: Site, words: str) -> None:
        super().__init__(root)
        self._site = site
        self._words = words

    @property
    def path(self) -> str:
        """The path that Lektor stores, and passes to the resolver in the next build."""
        return f"/@{PREFIX}/{quote(self._words, safe='')}"

    def get_checksum(self, path_cache: object) -> str:
        """Return a value that changes with the picture; called by Lektor."""
        self._site.kit.warm([(self._words, "text")])
        return self._site.fingerprint([self._words])


class DependingExtension(EmbedKitExtension):
    """The tag and filter, which make pages depend on their pictures."""

    def picture(self, reference: Any, words: Mapping[str, object], name: str, line: int) -> Markup | str:
        """Render a picture for a template."""
        self._depend([_shortcode(reference, words.get("tld"))])
        return super().picture(reference, words, name, line)

    @pass_context
    def filter(self, context: Context, value: object, **keywords: Any) -> Markup:
        """Render the references in a text."""
        kit, text, input = self.site.kit, str(value), keywords.get("input", "html")
        text = kit.convert(text, input=input).content if keywords.get("pasted") else text
        self._depend(_shortcode(ref, ref.options.tld) for ref in kit.find(text, input=input))
        return super().filter(context, value, **keywords)

    def _depend(self, shortcodes: Iterable[str]) -> None:
        if context := get_ctx():
            for words in shortcodes:
                context.record_virtual_dependency(Picture(context.pad.root, self.site, words))


def _shortcode(reference: object, tld: object) -> str:
    return f"[getty {reference}{f' tld={tld}' if tld else ''}]"


class EmbedKitPlugin(Plugin):  # type: ignore[misc]
    """The plugin, created by Lektor."""

    name = "embedkit"
    description = "Getty Images references as embeds."

    def on_setup_env(self, **extra: Any) -> None:
        """Add the tag, the filter and ``getty_assets()`` to templates; called by Lektor."""
        site = Site(self.get_config().to_dict())
        self.env.jinja_env.add_extension(DependingExtension)
        self.env.jinja_env.embedkit = site
        self.env.jinja_env.globals["getty_assets"] = site.head

        @self.env.virtualpathresolver(PREFIX)
        def _resolve(root: Any, path: list[str]) -> Picture:
            return Picture(root, site, unquote(path[0]))
