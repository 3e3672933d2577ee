"""The app, and what ``manage.py check`` says of its settings."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from embedkit.errors import ConfigurationError
from embedkit.integrations import django


class EmbedKitConfig(AppConfig):
    """Found by Django by itself."""

    name = "embedkit.integrations.django"
    label = "embedkit"
    verbose_name = "embedkit"


@checks.register("embedkit")
def check_settings(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    """An error where EMBEDKIT has a wrong option, or names a cache that there is not."""
    alias = str(django.options().get("cache", ""))
    if alias.startswith(django.SCHEME) and alias.removeprefix(django.SCHEME) not in ("", *settings.CACHES):
        return [_error(f"CACHES has no {alias.removeprefix(django.SCHEME)!r}.", None)]
    try:
        django.kit()
    except ConfigurationError as error:
        return [_error(error.message, error.hint)]
    return []


def _error(message: str, hint: str | None) -> checks.Error:
    return checks.Error(message, hint=hint or None, obj="settings.EMBEDKIT", id="embedkit.E001")
