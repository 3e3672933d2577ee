"""``manage.py embedkit …``: embedkit's command line with the settings of the site."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embedkit.errors import ConfigurationError
from embedkit.integrations.django import SCHEME, options
from embedkit.integrations.options import run_commands


class Command(BaseCommand):
    """Passes all arguments on to embedkit."""

    help = "Run embedkit's command line with the settings in EMBEDKIT."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> Any:
        """Run with ``argv[2:]``, which are embedkit's own arguments, including ``--help``."""
        try:
            self.execute_command(argv[2:])
        except CommandError as error:
            self.stderr.write(f"CommandError: {error}")
            sys.exit(error.returncode)

    def handle(self, *args: str, **_: Any) -> None:
        """Run for ``call_command("embedkit", "check", "content")``."""
        self.execute_command(list(args))

    def add_arguments(self, parser: Any) -> None:
        """Accept any arguments."""
        parser.add_argument("args", nargs="*")

    def execute_command(self, args: list[str]) -> None:
        """Run a command. The command line can't use Django's caches, so it then uses its own."""
        given = options()
        if str(given.get("cache", "")).startswith(SCHEME):
            del given["cache"]
        try:
            run_commands(args, given)
        except ConfigurationError as error:
            raise CommandError(f"EMBEDKIT: {error}") from None
