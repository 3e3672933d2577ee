"""Nikola: ``{{% getty 74917285 width=300 %}}`` in posts and pages, with ``EMBEDKIT = {…}`` in ``conf.py``.

``embedkit integrations nikola plugins`` writes the folder that makes Nikola find this module. All pictures are
fetched once Nikola has found the posts, and problems are reported then, by file and line. A page is rebuilt when
one of its pictures has changed. Feeds use the target ``feed``.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from blinker import signal
from lxml import etree
from nikola.plugin_categories import ShortcodePlugin
from nikola.shortcodes import apply_shortcodes, extract_shortcodes
from nikola.utils import get_logger

from embedkit.engine.rendered import phrasing
from embedkit.errors import ConfigurationError
from embedkit.integrations.site import EMBED, Lost, Site
from embedkit.models import Options, Problem

FOLDER = "assets/embedkit"
FEED_TEXTS = ("description", "encoded", "content", "summary")  # elements of RSS and Atom that contain HTML


class ShortcodeUse(NamedTuple):
    """A use of the shortcode: a reference, its options, and any enclosed text that is not a reference."""

    reference: str
    words: dict[str, Any]
    lost: str = ""

    @property
    def mistake(self) -> str:
        """An error message, or empty."""
        if not self.reference:
            return "The shortcode getty has no reference."
        if self.lost:
            return "Everything up to the next {{% /getty %}} is omitted: Nikola reads it as this shortcode's text."
        return ""


class GettyShortcode(ShortcodePlugin):  # type: ignore[misc]
    """The shortcode ``getty``, and its hooks in a build."""

    name = "getty"

    def set_site(self, site: Any) -> None:
        """Register everything; called by Nikola."""
        super().set_site(site)
        self.log = get_logger("embedkit")
        try:
            self.getty = Site(site.config.get("EMBEDKIT", {}), self.log, at_end=True)
        except ConfigurationError as error:
            self._fail(f"EMBEDKIT in conf.py: {error}")
        signal("scanned").connect(self.begin)
        _add_filter(site.config["FILTERS"], ".html", self.link)
        for extension in (".xml", ".atom"):
            _add_filter(site.config["FILTERS"], extension, self.for_feeds)

    def handler(
        self, *args: str, site: Any, data: str, lang: str, post: Any, **words: Any
    ) -> tuple[str, list[str]]:
        """Return the picture, and the file that changes with it; :meth:`begin` has already reported problems."""
        reference, words, _ = _read(args, data, words)
        if not reference:
            return "", []
        html = str(self.getty.kit.html(reference, Options.from_words(words)[0]))
        return phrasing(html), [str(self._stamp(reference))]  # Nikola leaves it in a paragraph

    def begin(self, site: Any) -> None:
        """Prefetch the pictures of all posts, and report problems."""
        found = [one for path in _sources(site) for one in _calls(path)]
        self.getty.warm((_shortcode(call.reference), "text") for _, _, call in found)
        for path, line, call in found:
            self.getty.picture(call.reference, call.words, path, line)
            self.getty.tell([Problem(1, 1, "shortcode", call.mistake)] if call.mistake else (), path, line)
            if call.reference:
                self._write(call.reference)
        try:
            self.getty.check()
        except Lost as lost:
            self._fail(str(lost))
        self.getty.copy_assets(Path(site.config["OUTPUT_FOLDER"], FOLDER))

    def link(self, path: str) -> None:
        """Link the stylesheet in a page that needs it."""
        folder = os.path.relpath(Path(self.site.config["OUTPUT_FOLDER"], FOLDER), Path(path).parent)
        self.getty.link_file(Path(path), Path(folder).as_posix())

    def for_feeds(self, path: str) -> None:
        """Replace the embeds in a feed by the target ``feed``."""
        if "ek ek--" not in Path(path).read_text("utf-8"):
            return
        feed = etree.parse(path)
        for one in feed.iter():
            if str(one.tag).rpartition("}")[2] in FEED_TEXTS and EMBED in (one.text or ""):
                one.text = self.getty.kit.retarget(one.text, "feed")
        feed.write(path, encoding="utf-8", xml_declaration=True)

    def _stamp(self, reference: str) -> Path:
        name = hashlib.blake2b(reference.encode(), digest_size=16).hexdigest()
        return Path(self.site.config["CACHE_FOLDER"], "embedkit", name)

    def _write(self, reference: str) -> None:
        """Write a picture's fingerprint to a file of its own, unless it is unchanged."""
        stamp, now = self._stamp(reference), self.getty.fingerprint([_shortcode(reference)])
        if not stamp.is_file() or stamp.read_text("utf-8") != now:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(now, "utf-8")

    def _fail(self, message: str) -> None:
        """Stop the build, as Nikola does."""
        self.log.error(message)
        sys.exit(1)


def _read(args: tuple[str, ...], data: str, words: Mapping[str, Any]) -> ShortcodeUse:
    """Parse ``{{% getty 1 %}}``, ``{{% getty src=1 %}}`` or ``{{% getty %}}1{{% /getty %}}``."""
    rest = {name: value for name, value in words.items() if name != "src"}
    named = str(args[0] if args else words.get("src") or "").strip()
    return ShortcodeUse(named, rest, data.strip()) if named else ShortcodeUse(data.strip(), rest)


def _shortcode(reference: str) -> str:
    return f"[getty {reference}]"


def _sources(site: Any) -> list[str]:
    """Return the files of all posts and pages, in every language."""
    posts = [(post, lang) for post in site.timeline for lang in post.translated_to]
    return list(dict.fromkeys(post.translated_source_path(lang) for post, lang in posts))


def _calls(path: str) -> Iterator[tuple[str, int, ShortcodeUse]]:
    """Yield every use of the shortcode in a file, with its line."""
    text, end = Path(path).read_text("utf-8-sig", "replace"), 0
    if "getty" not in text:
        return
    for written in extract_shortcodes(text)[1].values():
        start = text.index(written, end)
        end = start + len(written)
        found: list[ShortcodeUse] = []
        if re.match(r"\{\{%\s*getty\b", written):
            apply_shortcodes(written, {"getty": _noting(found)})
        yield from ((path, text.count("\n", 0, start) + 1, call) for call in found)


def _noting(found: list[ShortcodeUse]) -> Callable[..., str]:
    def note(*args: str, site: Any, data: str, lang: str, **words: Any) -> str:
        found.append(_read(args, data, words))
        return ""

    return note


def _add_filter(filters: dict[Any, list[Any]], extension: str, action: Callable[[str], None]) -> None:
    """Add a filter for an extension, which the site's configuration might group with others."""
    for known, actions in filters.items():
        if extension == known or (isinstance(known, tuple) and extension in known):
            actions.append(action)
            return
    filters[extension] = [action]
