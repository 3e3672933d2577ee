"""The app, and what ``manage.py check`` says of its settings."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
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
    """An error where EMBEDKIT has a wrong setting."""
    try:
        django.kit()
    except ConfigurationError as error:
        return [checks.Error(error.message, hint=error.hint or None, obj="settings.EMBEDKIT", id="embedkit.E001")]
    return []
