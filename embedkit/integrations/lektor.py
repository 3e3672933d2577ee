"""Lektor: ``{% getty 74917285, max_width=300 %}`` and ``{{ this.body|getty }}`` in templates.

Options are in ``configs/embedkit.ini``. Lektor takes plugins only from distributions that are named ``lektor-…``:
``embedkit integrations lektor packages`` writes such a one, with its entry in ``lektor.plugins``. A page is built
anew when the lock file has changed, if that is in the project's folder.
"""

from __future__ import annotations

import os
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from lektor.context import get_ctx
from lektor.pluginsystem import Plugin
from markupsafe import Markup

from embedkit.integrations.jinja import EmbedKitExtension
from embedkit.integrations.site import Site


class LockedExtension(EmbedKitExtension):
    """Tag and filter, whose pages depend on the lock file."""

    def picture(self, *args: Any) -> Markup | str:
        """One picture of a template."""
        self._depend()
        return super().picture(*args)

    @pass_context
    def filter(self, context: Context, value: object, **keywords: Any) -> Markup:
        """A text with its references rendered."""
        self._depend()
        return super().filter(context, value, **keywords)

    def _depend(self) -> None:
        """Lektor knows files of its project alone."""
        context = get_ctx()
        lockfile = os.path.abspath(self.site.kit.settings.lockfile)
        if context and lockfile.startswith(os.path.join(context.env.root_path, "")):
            context.record_dependency(lockfile)


class EmbedKitPlugin(Plugin):  # type: ignore[misc]
    """The plugin, made by Lektor."""

    name = "embedkit"
    description = "Getty Images references as embeds."

    def on_setup_env(self, **extra: Any) -> None:
        """Give templates the tag, the filter and ``getty_assets()``; called by Lektor."""
        site = Site(self.get_config().to_dict())
        self.env.jinja_env.add_extension(LockedExtension)
        self.env.jinja_env.embedkit = site
        self.env.jinja_env.globals["getty_assets"] = site.head
