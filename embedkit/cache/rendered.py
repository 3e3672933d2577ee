"""Finished html, kept in the store beside the copy it was made from, so that a new process need not make it.

A build or a script that finds it there imports neither Jinja nor a sanitizer. It lies in the picture's own entry,
signed with it, so whatever ends the copy (purge, takedown, a new answer) ends it too; and it is named by all
else that it depends on: the edition (version, templates, settings), the options, and how it is escaped.

Templates of the host's own may do what they like, so what they make is not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, cast

from embedkit.getty import sizes
from embedkit.lazy import Lazily
from embedkit.models import Embed, EmbedKey, Options
from embedkit.settings import Settings
from embedkit.targets import ROWS, Input, Target

if TYPE_CHECKING:
    from embedkit.cache.embed_cache import EmbedCache

SAID = [row.name for row in fields(Options) if row.name != "target"]

Made = tuple[EmbedKey, Embed, str, str]
"""A picture, its copy, and the name and the text of html that was made from it."""


class Finished:
    """The html of copies: as it was kept, else made.

    :param cache: gives the cache; None (a frozen build, which touches none) keeps nothing.
    :param show: makes html of an embed that is at its size.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Callable[[], EmbedCache] | None,
        show: Callable[[Embed, Options, Input], str],
    ) -> None:
        self._cache = None if settings.templates else cache
        self._show = show
        self._target = settings.target
        self._edition = Lazily(lambda: _edition(settings))

    def html(
        self, picture: EmbedKey, copy: Embed, options: Options, new: list[Made], input: Input = "text"
    ) -> str:
        """What a copy looks like with these options.

        :param new: gets what had to be made.
        :param input: the format of the document around it; ``text`` where there is none.
        """
        if self._cache is None:
            return str(self._show(sizes.shown(copy, options), options, input))
        name = self._name(options, input)
        entry = self._cache().get(*picture)
        html = entry.html.get(name) if entry.embed is copy or entry.embed == copy else None
        if html is None:
            html = str(self._show(sizes.shown(copy, options), options, input))
            new.append((picture, copy, name, html))
        return html

    def keep(self, new: Iterable[Made]) -> None:
        """Keep what was made, with one write a picture."""
        copies: dict[tuple[EmbedKey, float], tuple[Embed, dict[str, str]]] = {}
        for picture, copy, name, html in new:
            copies.setdefault((picture, copy.fetched_at), (copy, {}))[1][name] = html
        for ((_, tld), _), (copy, texts) in copies.items():
            if self._cache is not None:
                self._cache().finish(copy, texts, tld=tld)

    def _name(self, options: Options, input: Input) -> str:
        said = [getattr(options, name) for name in SAID]
        target = cast(Target, options.target or self._target)
        whole = f"{target} {ROWS[target].escape[input]} {said!r}".encode("utf-8", "replace")
        return f"{self._edition()}/{hashlib.blake2b(whole, digest_size=12).hexdigest()}"


def _edition(settings: Settings) -> str:
    from embedkit.rendering.renderer import edition

    return edition(settings.rendering)
