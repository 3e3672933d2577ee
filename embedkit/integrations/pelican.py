"""Pelican: ``PLUGINS = ["embedkit.integrations.pelican"]``, options in ``EMBEDKIT = {…}``.

Markdown, reStructuredText and HTML alike: references are read in the HTML that Pelican's readers made. Feeds get
the target ``feed``; stylesheet and script are linked by the pages that hold an embed. In ``--autoreload`` a strict
build that fails is followed by one that does not, and waits for changes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pelican import signals
from pelican.contents import Content
from pelican.generators import Generator

from embedkit.integrations.site import Lost, Site

log = logging.getLogger(__name__)

FOLDER = "embedkit"
KINDS = ("articles", "translations", "drafts", "hidden_articles", "pages", "hidden_pages", "draft_pages")


class _Plugin:
    """What is known between two signals of one build."""

    site: Site
    failed = ""  # why the last strict build of this process did

    def begin(self, pelican: Any) -> None:
        """Make a kit for each build of ``--autoreload``: the last is closed, the lock file may have changed."""
        self.site = Site(pelican.settings.get("EMBEDKIT", {}), log, at_end=True)

    def render(self, generators: Iterable[Generator]) -> None:
        contents = [one for generator in generators for kind in KINDS for one in getattr(generator, kind, ())]
        self.site.warm((one._content or "", "html") for one in contents)
        for one in contents:
            self._render(one)
        self._check()

    def _check(self) -> None:
        """Let pass what a build has failed for already: ``--autoreload`` begins again at once, and for ever."""
        last, self.failed = self.failed, ""
        try:
            self.site.check()
        except Lost as error:
            self.failed = str(error)
            if self.failed != last:
                raise

    def _render(self, content: Content) -> None:
        content._content = self.site.document(content._content or "", str(content.source_path)).content
        if summary := content.metadata.get("summary"):
            content.metadata["summary"] = self.site.kit.render(summary)

    def for_feeds(self, context: Any, feed: Any) -> None:
        for item in feed.items:
            for name in ("description", "content"):
                if item.get(name):
                    item[name] = self.site.kit.retarget(item[name], "feed")

    def link(self, generator: Generator) -> None:
        """Have the templates of a generator link the stylesheet in pages that need it, before they are written."""
        site = self.site

        class Linked(generator.env.template_class):
            def render(self, *args: Any, **more: Any) -> str:
                html = super().render(*args, **more)
                return site.link(html, f"{dict(*args, **more)['SITEURL'].rstrip('/')}/{FOLDER}")

        generator.env.template_class = Linked

    def end(self, pelican: Any) -> None:
        self.site.copy_assets(Path(pelican.output_path, FOLDER))
        self.site.close()


plugin = _Plugin()  # one, since Pelican registers it again whenever it reads its settings


def register() -> None:
    """Connect to Pelican's signals; called by Pelican."""
    for signal, receiver in (
        (signals.initialized, plugin.begin),  # which finds what is wrong with the options, before the first build
        (signals.get_generators, plugin.begin),
        (signals.generator_init, plugin.link),
        (signals.all_generators_finalized, plugin.render),
        (signals.feed_generated, plugin.for_feeds),
        (signals.finalized, plugin.end),
    ):
        signal.connect(receiver, weak=False)
