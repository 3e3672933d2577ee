"""The app, and the checks of its settings for ``manage.py check``."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.core import checks

from embedkit.errors import ConfigurationError
from embedkit.integrations import django
from embedkit.targets import STYLES

UNSTYLED = checks.Warning(
    "The stylesheet for pages with pictures is not in any static files folder.",
    hint="Add embedkit.static_dir() to STATICFILES_DIRS, or set public_url or assets_url in EMBEDKIT.",
    obj="settings.EMBEDKIT",
    id="embedkit.W002",
)


class EmbedKitConfig(AppConfig):
    """The app's configuration, which Django finds automatically."""

    name = "embedkit.integrations.django"
    label = "embedkit"
    verbose_name = "embedkit"


@checks.register("embedkit")
def check_settings(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    """Check the options in EMBEDKIT and the name of the cache, and warn if pages lack the stylesheet."""
    alias = str(django.options().get("cache", ""))
    if alias.startswith(django.SCHEME) and alias.removeprefix(django.SCHEME) not in ("", *settings.CACHES):
        return [_error(f"CACHES has no {alias.removeprefix(django.SCHEME)!r}.", None)]
    try:
        kit = django.kit()
    except ConfigurationError as error:
        return [_error(error.message, error.hint)]
    return [] if not kit.mounted_at or _has_stylesheet() else [UNSTYLED]


def _has_stylesheet() -> bool:
    """Return whether Django finds the stylesheet, or doesn't manage static files."""
    return not apps.is_installed("django.contrib.staticfiles") or bool(find(STYLES))


def _error(message: str, hint: str | None) -> checks.Error:
    return checks.Error(message, hint=hint or None, obj="settings.EMBEDKIT", id="embedkit.E001")
