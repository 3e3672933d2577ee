"""Flask: the service's routes in your application, ``{{ getty("74917285") }}`` or ``{% getty 74917285 %}``,
and ``{{ body|getty }}``.

The command ``flask embedkit …`` runs embedkit's command line with the settings of the application.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from embedkit.integrations.jinja import EmbedKitExtension as JinjaExtension
from embedkit.integrations.options import run_commands, unknown_words
from embedkit.integrations.site import Site
from embedkit.kit import EmbedKit

KEY = "embedkit"  # in app.extensions


class EmbedKitExtension:
    """The extension. Its settings are the mapping ``app.config["EMBEDKIT"]``, which overrides the environment.

    :param app: the application; it can also be passed to :meth:`init_app` later.
    :param url_prefix: the prefix of the service's routes, which require the extra ``server``; None for no routes,
        in which case you serve the output of ``embedkit assets DIR`` yourself.
    :param kit: your own kit, such as ``embedkit_kit`` in a test; by default one created from the settings.

    >>> from flask import Flask, render_template_string
    >>> app = Flask("blog")
    >>> app.config["EMBEDKIT"] = {"cache": "memory:"}
    >>> extension = EmbedKitExtension(app, url_prefix=None)
    >>> with app.app_context():
    ...     "<figure" in render_template_string("{{ getty('74917285') }}")
    True
    """

    def __init__(
        self, app: Flask | None = None, *, url_prefix: str | None = "/getty", kit: EmbedKit | None = None
    ) -> None:
        self.url_prefix = url_prefix
        self.kit = kit
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up an application: its kit, the template function and filter, and the routes."""
        site = Site(app.config.get("EMBEDKIT", {}), app.logger, prefix="EMBEDKIT ", kit=self.kit, background=True)
        app.extensions[KEY] = site.kit
        app.jinja_env.add_extension(JinjaExtension)
        app.jinja_env.embedkit = site  # type: ignore[attr-defined]
        app.jinja_env.globals["getty"] = _function(site)
        app.jinja_env.globals["getty_assets"] = site.head
        if self.url_prefix is not None:
            from embedkit.web import create_blueprint

            app.register_blueprint(create_blueprint(site.kit), url_prefix=self.url_prefix)


def _function(site: Site) -> Callable[..., Markup | str]:
    @pass_context
    def getty(context: Context, reference: Any, **words: Any) -> Markup | str:
        if wrong := unknown_words(words):
            raise TypeError(wrong)
        return site.picture(reference, words, context.name or "<template>")

    return getty


@click.command("embedkit", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def cli(args: tuple[str, ...]) -> Any:
    """Run embedkit's command line with the settings of the application."""
    run_commands(list(args), current_app.config.get("EMBEDKIT", {}))
