"""``manage.py embedkit …``: the command line of embedkit, with the settings of the site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from embedkit.integrations.site import run_commands


class Command(BaseCommand):
    """Passes all that follows on."""

    help = "The command line of embedkit, with the settings in EMBEDKIT."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> Any:
        """``argv[2:]`` are embedkit's own arguments, ``--help`` among them."""
        run_commands(argv[2:], getattr(settings, "EMBEDKIT", {}))
