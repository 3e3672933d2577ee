"""The command line. stdout is for data, stderr for messages, and the exit code tells what happened.

    0 ok   1 findings   2 usage or configuration   3 network   4 not found   5 not embeddable
    6 quota   130 interrupted

After several failures, the highest code is returned.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from embedkit import __version__
from embedkit.cli.output import say, say_error, say_file_error
from embedkit.errors import EmbedKitError

# The commands in the order of --help: their module, imported when the command is called, and their line of help.
COMMANDS = {
    "resolve": ("resolve", "Show the details or markup of pictures."),
    "search": ("search", "Search for pictures and print their shortcodes."),
    "events": ("search", "Search for events covered by editorial pictures."),
    "image": ("search", "Show the details of a picture, including its restrictions."),
    "countries": ("search", "List countries and their codes."),
    "render": ("build", "Replace picture references in texts with embeds."),
    "convert": ("build", "Convert pasted embed code to shortcodes."),
    "check": ("build", "Find withdrawn pictures and invalid references."),
    "warm": ("build", "Fetch the data of all pictures in texts into the cache."),
    "lock": ("build", "Write the data of all pictures in texts to the lock file."),
    "assets": ("admin", "Copy the stylesheet and façade script into a static site."),
    "integrations": ("admin", "Write a plugin folder for Nikola or Lektor."),
    "changes": ("admin", "Process withdrawals from Getty's feed of asset changes."),
    "cache": ("admin", "Manage the cache."),
    "download": ("downloads", "License a picture and download it."),
    "products": ("downloads", "List your agreements and their remaining downloads."),
    "history": ("downloads", "List your downloads."),
    "api": ("downloads", "Call the Getty Images API v3 directly."),
    "login": ("login", "Log in to Getty Images with a browser."),
    "logout": ("login", "Log out of Getty Images."),
    "boards": ("boards", "Manage boards (shared collections of pictures)."),
    "serve": ("serve", "Run the web service."),
    "demo": ("serve", "Try embedkit in a browser, without a key or network."),
    "sandbox": ("serve", "Run an offline emulator of Getty's services."),
    "doctor": ("doctor", "Check the installation and its settings."),
    "config": ("doctor", "Show the settings."),
    "explain": ("admin", "Explain an error or finding code."),
    "openapi": ("serve", "Print the OpenAPI document of the web service."),
    "completion": ("admin", "Print a shell completion script."),
}


class Commands(click.Group):
    """A group that imports its commands when they are called, and lists them in the order of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Return the commands in the order in which they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command itself instead of its placeholder."""
        name, line, rest = super().resolve_command(ctx, args)
        return name, line and getattr(import_module(f"embedkit.cli.{COMMANDS[str(name)][0]}"), str(name)), rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. A broken pipe is not an error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # as in: embedkit … | head; click would exit with 1, which means findings here
            _silence()
            return 0


@click.group(
    cls=Commands,
    commands={name: click.Command(name, short_help=line) for name, (_, line) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="embedkit", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Log progress to stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Print only errors and findings to stderr.")
def cli(verbose: bool, quiet: bool) -> None:  # noqa: ARG001  (read by output.say)
    """Turn Getty Images references into safe, fast, accessible embeds.

    To see it work, run: embedkit demo

    Settings are environment variables named EMBEDKIT_…; list them with embedkit config show, and check them with
    embedkit doctor.
    """
    if verbose:
        import logging

        from embedkit.web.logs import TextFormatter

        handler = logging.StreamHandler()
        handler.setFormatter(TextFormatter(timed=False))
        logging.getLogger("embedkit").addHandler(handler)
        logging.getLogger("embedkit").setLevel(logging.DEBUG)


def main(args: list[str] | None = None) -> None:
    """Run a command, and turn exceptions into a message and an exit code. This is the console script."""
    try:
        result: Any = cli.main(args=args, prog_name="embedkit", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        say_error("Interrupted.")
        code = 130
    except click.ClickException as error:
        _explain(error)
        code = 2
    except EmbedKitError as error:
        say_error(str(error))
        code = error.exit_code
    except OSError as error:  # from a file or folder; network errors are EmbedKitErrors
        say_file_error(error)
        _silence()  # on a full disk, the interpreter would report the error again at exit
        code = 2
    sys.exit(code)


def _explain(error: click.ClickException) -> None:
    """Print a usage error and the command's usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message().replace("\n\t", " ")  # click puts each choice on its own line
    if message.startswith("Usage:"):  # no command was given: the message is the whole help
        say(message)
        return
    say_error(message, lines=True)
    if context:
        say(f"{context.get_usage()}\nTry: {context.command_path} --help")


def _silence() -> None:
    """Discard what is still buffered for stdout (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    with suppress(OSError, AttributeError), open(os.devnull, "w") as nowhere:  # stdout can be None
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
