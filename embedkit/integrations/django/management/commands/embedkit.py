"""``manage.py embedkit …``: the command line of embedkit, with the settings of the site."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embedkit.errors import ConfigurationError
from embedkit.integrations.django import SCHEME, options
from embedkit.integrations.options import run_commands


class Command(BaseCommand):
    """Passes all that follows on."""

    help = "The command line of embedkit, with the settings in EMBEDKIT."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> Any:
        """``argv[2:]`` are embedkit's own arguments, ``--help`` among them."""
        try:
            self.execute_command(argv[2:])
        except CommandError as error:
            self.stderr.write(f"CommandError: {error}")
            sys.exit(error.returncode)

    def handle(self, *args: str, **_: Any) -> None:
        """The same for ``call_command("embedkit", "check", "content")``."""
        self.execute_command(list(args))

    def add_arguments(self, parser: Any) -> None:
        """All arguments are embedkit's."""
        parser.add_argument("args", nargs="*")

    def execute_command(self, args: list[str]) -> None:
        """Run it; a cache of Django's is not in reach of the command line, which then uses its own."""
        given = options()
        if str(given.get("cache", "")).startswith(SCHEME):
            del given["cache"]
        try:
            run_commands(args, given)
        except ConfigurationError as error:
            raise CommandError(f"EMBEDKIT: {error}") from None
