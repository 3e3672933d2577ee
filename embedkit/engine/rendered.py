"""Rendered fragments, kept in the store beside the copy they were made from: a new process need not make them.

A build or a script that finds its html there imports neither Jinja nor a sanitizer. It lies in the picture's own
entry, signed with it, so whatever ends the copy (purge, takedown, a new answer) ends it too; and it is named by
all else that it depends on: the edition (version, templates, settings), the options, and how it is escaped.

Templates of the host's own may do what they like, so what they make is not kept.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING

from embedkit import __version__
from embedkit.cache.entry import Entry
from embedkit.errors import ConfigurationError, EmbedKitError, InvalidResponse
from embedkit.files import installed
from embedkit.models import NO_OPTIONS, AssetRef, Embed, Options
from embedkit.process import Lazy, lazy_pattern
from embedkit.settings import RenderSettings, Settings
from embedkit.targets import FACADE_SCRIPT, ROWS, STYLES, Input, Target

if TYPE_CHECKING:
    from markupsafe import Markup

    from embedkit.cache.embed_cache import EmbedCache
    from embedkit.rendering.renderer import Renderer

NAMED_OPTIONS = [row.name for row in fields(Options) if row.name != "target"]

_TAG = lazy_pattern(r"<(/?)(figure|figcaption|div|blockquote|p)(?=[ >])")


def like(source: str, content: str) -> str:
    """The content as ``Markup`` (or what another engine has), if that is what the source was."""
    return type(source)(content) if hasattr(source, "__html__") else content


class RenderedFragments:
    """The html of entries, as the store has it, else rendered and stored; and what is shown where there is none.

    :param target: for options that name none.
    :param cache: gives the cache; None (a frozen build, which touches none) stores nothing.
    """

    def __init__(self, settings: RenderSettings, target: Target, cache: Callable[[], EmbedCache] | None) -> None:
        self._settings = settings
        self._target = target
        self._cache = None if settings.templates else cache
        self._renderer = Lazy(lambda: open_renderer(settings))
        self.edition = Lazy(lambda: edition(settings))  # what HTML depends on beside the copy and the options

    def html(self, entry: Entry, options: Options, input: Input = "text") -> str:
        """What the copy in an entry looks like with these options.

        :param input: the format of the document around it; ``text`` where there is none.
        """
        if self._cache is None:
            return str(self.render(entry.sized(options), options, input))
        written = None if options is NO_OPTIONS else options  # as most are: hashing all fields takes longer
        name = _name(self.edition(), written, self.target(options), input)
        html = entry.html.get(name)
        if html is None:
            html = str(self.render(entry.sized(options), options, input))
            self._cache().store_rendered(entry, {name: html})
        return html

    def render(self, embed: Embed, options: Options, input: Input = "text") -> Markup | str:
        """An embed, already at its size, for ``options.target`` (by default the setting TARGET)."""
        return self._renderer().render(embed, options, self.target(options), input)

    def fallback(
        self, ref: AssetRef | None, text: str, error: EmbedKitError, options: Options, input: Input = "text"
    ) -> Markup | str:
        """What a reader sees where there is no embed: a card, a link or a text, by ON_ERROR.

        :param ref: the reference; None where ``text`` is not one.
        :raises EmbedKitError: the one passed in, where ON_ERROR is ``raise`` or the set-up is at fault.
        """
        if self._settings.on_error == "raise" or isinstance(error, ConfigurationError):
            raise error
        target = self.target(options)
        if ref is None:
            return self._renderer().plain(text, target, input)
        texts = error.texts if isinstance(error, InvalidResponse) else {}
        return self._renderer().fallback(ref, options, target, texts=texts, input=input, error=error)

    def assets(self, target: Target, static_url: str) -> dict[str, list[str]]:
        """URLs of the stylesheets and scripts that a page with this target needs, by ``css`` and ``js``."""
        return assets(target, self._settings, static_url)

    def target(self, options: Options) -> Target:
        """The target of these options, by default the setting TARGET."""
        return options.target or self._target


@lru_cache(maxsize=4_096)
def _name(edition: str, options: Options | None, target: Target, input: Input) -> str:
    values = [getattr(options or NO_OPTIONS, name) for name in NAMED_OPTIONS]
    whole = f"{target} {ROWS[target].escape[input]} {values!r}".encode("utf-8", "replace")
    return f"{edition}/{hashlib.blake2b(whole, digest_size=12).hexdigest()}"


def open_renderer(settings: RenderSettings) -> Renderer:
    """The renderer that the settings describe."""
    from embedkit.rendering.renderer import Renderer  # who finds all fragments in the store has no use for it

    return Renderer(settings)


def edition(settings: RenderSettings) -> str:
    """A hash of what HTML depends on, beside the copy, the options and templates of the host's own."""
    digest = hashlib.blake2b(f"{__version__}{settings!r}".encode("utf-8", "replace"), digest_size=12)
    for source in installed.markup_sources():
        digest.update(source)
    return digest.hexdigest()


def assets(target: Target, settings: RenderSettings, static_url: str) -> dict[str, list[str]]:
    """URLs of the stylesheets and scripts that a page with this target needs, each to load once.

    The façade script frames Getty's origin alone; where the settings name another (the sandbox), its URL names it.

    :param static_url: where our static files are served, without a slash at the end.
    """
    from urllib.parse import urlencode  # what is warm has no use for it

    query = {"v": __version__}
    for name, setting in (("origin", "frame_origin"), ("sandbox", "frame_sandbox")):
        if (value := getattr(settings, setting)) != getattr(Settings, setting):
            query[name] = value
    if settings.credentialless:
        query["credentialless"] = ""
    needed = ROWS[target].assets
    return {
        "css": [f"{static_url}/{STYLES}?v={__version__}"] if STYLES in needed else [],
        "js": [f"{static_url}/{FACADE_SCRIPT}?{urlencode(query)}"] if FACADE_SCRIPT in needed else [],
    }


def copy_assets(folder: str | os.PathLike[str], targets: Iterable[Target]) -> list[str]:
    """Copy the stylesheets and scripts that pages with these targets need; their names."""
    import shutil

    names = list(dict.fromkeys(name for target in targets for name in ROWS[target].assets))
    os.makedirs(folder, exist_ok=True)
    for name in names:
        shutil.copyfile(os.path.join(installed.PACKAGE, "static", name), os.path.join(folder, name))
    return names


def phrasing(html: str) -> str:
    """Markup of a target with phrasing content alone (HTML standard, section 3.2.5.2.5).

    The classes stay, and the stylesheet makes blocks of them, so that it looks the same.

    :param html: made by our own templates: a ``<`` in it always begins a tag.

    >>> phrasing('<figure class="ek"><div class="ek-box"></div></figure>')
    '<span role="figure" class="ek"><span class="ek-box"></span></span>'
    """
    return _TAG.sub(_as_span, html)


def _as_span(tag: re.Match[str]) -> str:
    if tag[1]:
        return "</span"
    return '<span role="figure"' if tag[2] == "figure" else "<span"
