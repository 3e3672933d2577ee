"""Django: an app, ``INSTALLED_APPS = ["embedkit.integrations.django", …]``, with settings in ``EMBEDKIT = {…}``.

In templates, ``{% load embedkit %}``, then use ``{% getty "74917285" max_width=594 %}`` and ``{{ body|getty }}``.
In models, use ``embedkit.integrations.django.fields.GettyField``, whose form field is the picker. On the command
line, run ``manage.py embedkit check content``. The picker is served by the service at PUBLIC_URL, which issues
grants for the first of TOKENS. ``"cache": "django:default"`` stores copies in one of Django's caches.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from embedkit.integrations.options import settings_of
from embedkit.integrations.site import Site
from embedkit.kit import EmbedKit

SCHEME = "django:"  # in the option cache, followed by the alias of one of CACHES


def options() -> dict[str, Any]:
    """Return EMBEDKIT from the project's settings, with names in lower case."""
    from django.conf import settings

    return {name.lower(): value for name, value in getattr(settings, "EMBEDKIT", {}).items()}


@cache
def site() -> Site:
    """Return the site of this process, shared by all threads and created on first use.

    :raises ConfigurationError: for an invalid option, as reported by ``manage.py check``.
    """
    site = _site(options())
    site.kit.mounted_at = static_url(site.kit)
    return site


def _site(given: dict[str, Any]) -> Site:
    own = str(given.get("cache", ""))
    if not own.startswith(SCHEME):
        return Site(given, background=True)
    from embedkit.integrations.django.cache import DjangoCache

    kit = EmbedKit(settings_of(given | {"cache": None}), cache=DjangoCache(own.removeprefix(SCHEME) or "default"))
    return Site(given, kit=kit)


def static_url(kit: EmbedKit) -> str:
    """Return the URL of our files among the project's static files; empty if a service serves them."""
    from django.conf import settings

    is_served = kit.settings.assets_url or kit.settings.public_url or not settings.STATIC_URL
    return "" if is_served else str(settings.STATIC_URL).rstrip("/")


def kit() -> EmbedKit:
    """Return the kit of :func:`site`."""
    return site().kit
