"""Rendered fragments, stored with the copy they were rendered from, so that a new process can reuse them.

A build or a script that finds its HTML there imports neither Jinja nor the sanitizer. The HTML is part of the
picture's entry, and signed with it, so anything that invalidates the copy (a purge, a takedown, a new answer)
invalidates the HTML too. Its name covers everything else that it depends on: the edition (version, templates,
settings), the options, and the escaping.

The output of custom templates is not stored, since they can depend on anything.
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
    """Return the content as ``Markup`` (or another engine's equivalent), if that is what the source was."""
    return type(source)(content) if hasattr(source, "__html__") else content


class RenderedFragments:
    """The HTML of entries, from the store or else rendered and stored; and the fallbacks of missing embeds.

    :param target: the target of options that have none.
    :param cache: returns the cache; None stores nothing (a frozen build, which does not use the cache).
    """

    def __init__(self, settings: RenderSettings, target: Target, cache: Callable[[], EmbedCache] | None) -> None:
        self._settings = settings
        self._target = target
        self._cache = None if settings.templates else cache
        self._renderer = Lazy(lambda: open_renderer(settings))
        self.edition = Lazy(lambda: edition(settings))  # what HTML depends on other than the copy and the options

    def html(self, entry: Entry, options: Options, input: Input = "text") -> str:
        """Return the HTML of the copy in an entry, with these options.

        :param input: the format of the document around it; ``text`` if there is none.
        """
        if self._cache is None:
            return str(self.render(entry.sized(options), options, input))
        written = None if options is NO_OPTIONS else options  # the usual case: hashing all fields takes longer
        name = _name(self.edition(), written, self.target(options), input)
        html = entry.html.get(name)
        if html is None:
            html = str(self.render(entry.sized(options), options, input))
            self._cache().store_rendered(entry, {name: html})
        return html

    def render(self, embed: Embed, options: Options, input: Input = "text") -> Markup | str:
        """Render an embed, at its own size, for ``options.target`` (by default the TARGET setting)."""
        return self._renderer().render(embed, options, self.target(options), input)

    def fallback(
        self, ref: AssetRef | None, text: str, error: EmbedKitError, options: Options, input: Input = "text"
    ) -> Markup | str:
        """Render what readers see in place of a missing embed: a card, a link or text, according to ON_ERROR.

        :param ref: the reference; None if ``text`` is not one.
        :raises EmbedKitError: the given error, if ON_ERROR is ``raise`` or it is a configuration error.
        """
        if self._settings.on_error == "raise" or isinstance(error, ConfigurationError):
            raise error
        target = self.target(options)
        if ref is None:
            return self._renderer().plain(text, target, input)
        texts = error.texts if isinstance(error, InvalidResponse) else {}
        return self._renderer().fallback(ref, options, target, texts=texts, input=input, error=error)

    def assets(self, target: Target, static_url: str) -> dict[str, list[str]]:
        """Return the URLs of the stylesheets (``css``) and scripts (``js``) that pages with this target need."""
        return assets(target, self._settings, static_url)

    def target(self, options: Options) -> Target:
        """Return the target of these options, by default the TARGET setting."""
        return options.target or self._target


@lru_cache(maxsize=4_096)
def _name(edition: str, options: Options | None, target: Target, input: Input) -> str:
    values = [getattr(options or NO_OPTIONS, name) for name in NAMED_OPTIONS]
    whole = f"{target} {ROWS[target].escape[input]} {values!r}".encode("utf-8", "replace")
    return f"{edition}/{hashlib.blake2b(whole, digest_size=12).hexdigest()}"


def open_renderer(settings: RenderSettings) -> Renderer:
    """Return a renderer with these settings."""
    from embedkit.rendering.renderer import Renderer  # not needed if all fragments are in the store

    return Renderer(settings)


def edition(settings: RenderSettings) -> str:
    """Return a hash of everything that HTML depends on other than the copy, the options and custom templates."""
    digest = hashlib.blake2b(f"{__version__}{settings!r}".encode("utf-8", "replace"), digest_size=12)
    for source in installed.markup_sources():
        digest.update(source)
    return digest.hexdigest()


def assets(target: Target, settings: RenderSettings, static_url: str) -> dict[str, list[str]]:
    """Return the URLs of the stylesheets (``css``) and scripts (``js``) that pages with this target need.

    Each is to be loaded once per page. The façade script only frames Getty's own origin; if the settings name
    another one (the sandbox), the URL of the script includes it.

    :param static_url: URL at which our static files are served, without a trailing slash.
    """
    from urllib.parse import urlencode  # not needed for warm pictures

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
    """Copy the stylesheets and scripts that pages with these targets need, and return their names."""
    import shutil

    names = list(dict.fromkeys(name for target in targets for name in ROWS[target].assets))
    os.makedirs(folder, exist_ok=True)
    for name in names:
        shutil.copyfile(os.path.join(installed.PACKAGE, "static", name), os.path.join(folder, name))
    return names


def phrasing(html: str) -> str:
    """Reduce the markup of a target to phrasing content (HTML standard, section 3.2.5.2.5).

    The classes are kept, and the stylesheet displays the elements as blocks, so that it looks the same.

    :param html: output of our own templates, in which every ``<`` begins a tag.

    >>> phrasing('<figure class="ek"><div class="ek-box"></div></figure>')
    '<span role="figure" class="ek"><span class="ek-box"></span></span>'
    """
    return _TAG.sub(_as_span, html)


def _as_span(tag: re.Match[str]) -> str:
    if tag[1]:
        return "</span"
    return '<span role="figure"' if tag[2] == "figure" else "<span"
