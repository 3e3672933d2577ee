"""Django: an app, ``INSTALLED_APPS = ["embedkit.integrations.django", …]``, with settings in ``EMBEDKIT = {…}``.

In templates ``{% load embedkit %}``, then ``{% getty "74917285" max_width=594 %}`` and ``{{ body|getty }}``; in
models ``embedkit.integrations.django.fields.GettyField``, whose form field is the picker; on the command line
``manage.py embedkit check content``. The picker is that of the service at PUBLIC_URL, which gives grants for the
first of TOKENS. ``"cache": "django:default"`` keeps copies in one of Django's caches.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from embedkit.integrations.options import settings_of
from embedkit.integrations.site import Site
from embedkit.kit import EmbedKit

SCHEME = "django:"  # of the option cache, before the alias of one of CACHES


def options() -> dict[str, Any]:
    """EMBEDKIT of the project's settings, with names in lower case."""
    from django.conf import settings

    return {name.lower(): value for name, value in getattr(settings, "EMBEDKIT", {}).items()}


@cache
def site() -> Site:
    """The one site of this process, for all threads; made at first use.

    :raises ConfigurationError: for a wrong option; ``manage.py check`` names it.
    """
    made = _site(options())
    made.kit.mounted_at = static_url(made.kit)
    return made


def _site(given: dict[str, Any]) -> Site:
    own = str(given.get("cache", ""))
    if not own.startswith(SCHEME):
        return Site(given, background=True)
    from embedkit.integrations.django.cache import DjangoCache

    kit = EmbedKit(settings_of(given | {"cache": None}), cache=DjangoCache(own.removeprefix(SCHEME) or "default"))
    return Site(given, kit=kit)


def static_url(kit: EmbedKit) -> str:
    """Where stylesheet and scripts are among the project's static files; empty where a service has them."""
    from django.conf import settings

    is_served = kit.settings.assets_url or kit.settings.public_url or not settings.STATIC_URL
    return "" if is_served else str(settings.STATIC_URL).rstrip("/")


def kit() -> EmbedKit:
    """The kit of :func:`site`."""
    return site().kit
