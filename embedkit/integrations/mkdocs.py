"""MkDocs: ``plugins: [embedkit]`` in ``mkdocs.yml``, with settings as options.

All pictures of a site are fetched before the first page is rendered. Pictures that can't be shown are reported as
warnings with file and line, so that ``mkdocs build --strict`` fails.
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

# MkDocs declares options as class attributes: one for each of our settings, and "strict"
Options = type(
    "Options",
    (Config,),
    {"strict": c.Type(bool, default=False)}
    | {name: c.Optional(c.Type((str, int, float, list))) for name in NAMES},
)


class EmbedKitPlugin(BasePlugin[Options]):  # type: ignore[valid-type]
    """The plugin. ``mkdocs serve`` uses one instance for many builds."""

    def __init__(self) -> None:
        self._site: Site | None = None
        self.shelves: dict[str, Shelf] = {}
        self.everywhere = self.dirty = False

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Keep the plugin and its kit between builds: MkDocs reuses a plugin that has this method."""
        self.dirty = dirty

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Create the kit. With Material's instant loading, which keeps the head, all pages need the same files."""
        if self._site and self._site.kit.settings.frozen:
            self._site = None  # the lock file could have changed
        try:
            self._site = self._site or Site(dict(self.config), get_plugin_logger(__name__), at_end=True)
        except ConfigurationError as error:
            raise PluginError(f"The plugin embedkit in {config.config_file_path}: {error}") from None
        self.everywhere = "navigation.instant" in (config.theme.get("features") or ())
        return config

    @property
    def site(self) -> Site:
        """The site, which ``on_config`` creates before any other method is called."""
        return cast(Site, self._site)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add our files, and prefetch the pictures of all pages."""
        for name in dict.fromkeys((*ROWS[self.site.target].assets, *ROWS["facade"].assets)):
            content = (static_dir() / name).read_text("utf-8")
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
        self.site.warm((page.content_string, "markdown") for page in files.documentation_pages())
        if self.dirty:
            _age(files)
        return files

    def on_page_markdown(self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Replace references by placeholders."""
        whole = page.file.content_string
        first_line = whole.rstrip("\n").count("\n") - markdown.rstrip("\n").count("\n") + 1
        shelf = self.site.shelve(markdown, page.file.src_uri, first_line=first_line)
        self.shelves[page.file.src_uri] = shelf
        return shelf.text

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Insert the embeds; in the table of contents, insert their titles."""
        shelf = self.shelves.pop(page.file.src_uri, None)
        if shelf is None:
            return html
        for link in page.toc:
            _insert_titles(link, shelf)
        return shelf.restore(html)

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
        """Fail a strict build after all pages have been read and before any is written."""
        try:
            self.site.check()
        except Lost as error:
            raise PluginError(str(error)) from None
        return env

    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        """Make the theme link the stylesheet and script in pages that need them."""
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
        """Link them in a page whose embeds are from other pages, such as an index of posts."""
        if f"{FOLDER}/{STYLES}" in output:
            return output  # unchanged, since pages with a large navigation are long
        return self.site.link(output, get_relative_url(FOLDER, page.url))

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Refresh the copies that were served stale."""
        self.site.kit.settle()

    def on_serve(self, server: LiveReloadServer, *, config: MkDocsConfig, builder: Any) -> LiveReloadServer:
        """Rebuild when the lock file changes."""
        if self.site.kit.settings.frozen:
            server.watch(self.site.kit.settings.lockfile)
        return server


def _age(files: Files) -> None:
    """Make ``--dirty`` rebuild pages with embeds, which can change even if the page hasn't."""
    for page in files.documentation_pages():
        built = Path(page.abs_dest_path)
        if built.is_file() and EMBED in built.read_text("utf-8"):
            os.utime(built, (0, 0))


def _deferred(url: str) -> ExtraScriptValue:
    script = ExtraScriptValue(url)
    script.defer = True
    return script


def _insert_titles(link: AnchorLink, shelf: Shelf) -> None:
    """Insert the pictures' titles into an entry of the table of contents and its children."""
    link.title, link.id = shelf.words(link.title), shelf.anchor(link.id)
    for child in link.children:
        _insert_titles(child, shelf)
