"""MkDocs: ``plugins: [embedkit]`` in ``mkdocs.yml``; every setting is an option by its name.

All pictures of a site are fetched before the first page is rendered. What can't be shown is a warning with file
and line, so that ``mkdocs build --strict`` counts it.
"""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment
from mkdocs.config import config_options as c
from mkdocs.config.base import Config
from mkdocs.config.config_options import ExtraScriptValue
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink
from mkdocs.utils import get_relative_url
from mkdocs.utils.templates import TemplateContext

from embedkit import static_dir
from embedkit.engine.shelf import Shelf
from embedkit.errors import ConfigurationError
from embedkit.integrations.options import NAMES
from embedkit.integrations.site import EMBED, Lost, Site
from embedkit.targets import ROWS, STYLES

FOLDER = "assets/embedkit"

# a class of MkDocs has its options as attributes: one for each of our settings, and "strict"
Options = type(
    "Options",
    (Config,),
    {"strict": c.Type(bool, default=False)}
    | {name: c.Optional(c.Type((str, int, float, list))) for name in NAMES},
)


class EmbedKitPlugin(BasePlugin[Options]):  # type: ignore[valid-type]
    """The plugin, made once for a run of MkDocs; ``mkdocs serve`` builds with it many times."""

    def __init__(self) -> None:
        self._made: Site | None = None
        self.shelves: dict[str, Shelf] = {}
        self.everywhere = self.dirty = False

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Keep the kit from one build of ``mkdocs serve`` to the next: MkDocs makes no new plugin then."""
        self.dirty = dirty

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Make the kit. With Material's instant loading every page needs what any page needs: heads are kept."""
        if self._made and self._made.kit.settings.frozen:
            self._made = None  # the lock file may have changed
        try:
            self._made = self._made or Site(dict(self.config), get_plugin_logger(__name__), at_end=True)
        except ConfigurationError as error:
            raise PluginError(f"The plugin embedkit in {config.config_file_path}: {error}") from None
        self.everywhere = "navigation.instant" in (config.theme.get("features") or ())
        return config

    @property
    def site(self) -> Site:
        """The site, which ``on_config`` made before anything else is called."""
        return cast(Site, self._made)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add our files, and fetch what all pages need."""
        for name in dict.fromkeys((*ROWS[self.site.target].assets, *ROWS["facade"].assets)):
            content = (static_dir() / name).read_text("utf-8")
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
        self.site.warm((page.content_string, "markdown") for page in files.documentation_pages())
        if self.dirty:
            _age(files)
        return files

    def on_page_markdown(self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put the embeds aside."""
        whole = page.file.content_string
        first_line = whole.rstrip("\n").count("\n") - markdown.rstrip("\n").count("\n") + 1
        shelf = self.site.shelve(markdown, page.file.src_uri, first_line=first_line)
        self.shelves[page.file.src_uri] = shelf
        return shelf.text

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Bring the embeds back; in titles and in the table of contents they are words."""
        shelf = self.shelves.pop(page.file.src_uri, None)
        if shelf is None:
            return html
        for link in page.toc:
            _in_words(link, shelf)
        return shelf.restore(html)

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
        """End a strict build when all pages were read, and before any is written."""
        try:
            self.site.check()
        except Lost as error:
            raise PluginError(str(error)) from None
        return env

    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        """Have the theme link stylesheet and script where they are needed."""
        content = page.content or ""
        if self.everywhere or EMBED in content:
            styles, scripts = self.site.assets(FOLDER, content)
            context["config"] = of_page = copy(config)
            of_page.data = config.data | {
                "extra_css": [*styles, *config.extra_css],
                "extra_javascript": [*map(_deferred, scripts), *config.extra_javascript],
            }
        return context

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Link them in a page that has its embeds from elsewhere, such as an index of posts."""
        if f"{FOLDER}/{STYLES}" in output:
            return output  # not copied: with a large navigation, pages are long
        return self.site.link(output, get_relative_url(FOLDER, page.url))

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Refresh what was shown stale."""
        self.site.kit.settle()

    def on_serve(self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Any) -> LiveReloadServer:
        """Build anew when the lock file has changed."""
        if self.site.kit.settings.frozen:
            server.watch(self.site.kit.settings.lockfile)
        return server


def _age(files: Files) -> None:
    """Make ``--dirty`` build pages that show an embed, which may have changed though the page has not."""
    for page in files.documentation_pages():
        built = Path(page.abs_dest_path)
        if built.is_file() and EMBED in built.read_text("utf-8"):
            os.utime(built, (0, 0))


def _deferred(url: str) -> ExtraScriptValue:
    script = ExtraScriptValue(url)
    script.defer = True
    return script


def _in_words(link: AnchorLink, shelf: Shelf) -> None:
    """An entry of a table of contents, and those below it, with words in place of embeds."""
    link.title, link.id = shelf.words(link.title), shelf.anchor(link.id)
    for child in link.children:
        _in_words(child, shelf)
