"""Finished html, kept in the store beside the copy it was made from, so that a new process need not make it.

A build or a script that finds it there imports neither Jinja nor a sanitizer. It lies in the picture's own entry,
signed with it, so whatever ends the copy (purge, takedown, a new answer) ends it too; and it is named by all
else that it depends on: the edition (version, templates, settings) and the options.

Templates of the host's own may do what they like, so what they make is not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from embedkit.lazily import Lazily
from embedkit.lockfile import Picture
from embedkit.models import Embed, Options
from embedkit.settings import Settings

if TYPE_CHECKING:
    from embedkit.cache import EmbedCache

Made = tuple[Picture, Embed, str, str]
"""A picture, its copy, and the name and the text of html made from that."""


class Finished:
    """The finished html of the copies in a cache.

    :param cache: gives the cache; None (a frozen build, which touches none) keeps nothing.
    """

    def __init__(self, settings: Settings, cache: Callable[[], EmbedCache] | None) -> None:
        self._cache = None if settings.templates else cache
        self._default = settings.target
        self._edition = Lazily(lambda: _edition(settings))

    def name(self, options: Options) -> str:
        """The name of what is made with these options, from any copy."""
        said = repr(replace(options, target=options.target or self._default))
        return hashlib.blake2b((self._edition() + said).encode("utf-8", "replace"), digest_size=12).hexdigest()

    def get(self, picture: Picture, copy: Embed, name: str) -> str | None:
        """What is kept under a name beside this very copy."""
        if self._cache is None:
            return None
        entry = self._cache().get(*picture)
        return entry.html.get(name) if entry.embed is copy or entry.embed == copy else None

    def keep(self, made: Iterable[Made]) -> None:
        """Keep html, with one write a picture."""
        if self._cache is None:
            return
        pictures: dict[tuple[Picture, float], tuple[Embed, dict[str, str]]] = {}
        for picture, copy, name, html in made:
            pictures.setdefault((picture, copy.fetched_at), (copy, {}))[1][name] = html
        for ((_, tld), _), (copy, html_of) in pictures.items():
            self._cache().finish(copy, html_of, tld=tld)
