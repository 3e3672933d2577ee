"""The command line. stdout is data, stderr is messages, the exit code says what happened.

    0 ok   1 findings   2 usage or configuration   3 network   4 not found   5 not embeddable
    6 quota   130 interrupted

Of several failures the highest code wins.
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

# Each command, in the order of use: its module, which is imported when it is called, and its line in --help.
COMMANDS = {
    "resolve": ("resolve", "Look up pictures: what is known of them, or their markup."),
    "search": ("search", "Find pictures that may be embedded, with their shortcodes."),
    "events": ("search", "Find events that editorial pictures are of."),
    "image": ("search", "Show what is known of one picture, restrictions included."),
    "countries": ("search", "List the countries that Getty Images knows, with their codes."),
    "render": ("build", "Replace every reference in texts by its embed."),
    "convert": ("build", "Turn pasted embed code back into shortcodes."),
    "check": ("build", "Find withdrawn pictures, and references that can't be read."),
    "warm": ("build", "Fetch what texts need, so that rendering asks for nothing."),
    "lock": ("build", "Write the records that texts need into the lock file."),
    "assets": ("admin", "Copy stylesheet and façade script into a static site."),
    "integrations": ("admin", "Write the plugin folder of Nikola or Lektor."),
    "changes": ("admin", "Drop what Getty has withdrawn, as its feed names it."),
    "cache": ("admin", "Manage the cache."),
    "download": ("downloads", "License and download a picture, never twice."),
    "products": ("downloads", "Print your agreements, and the downloads that they have left."),
    "history": ("downloads", "Print what you have downloaded."),
    "api": ("downloads", "Call the Getty Images API v3 by a path."),
    "login": ("login", "Log in to Getty Images by a browser, for downloads and boards."),
    "logout": ("login", "Forget the tokens of embedkit login."),
    "boards": ("boards", "Manage boards (shared collections of pictures)."),
    "serve": ("serve", "Run the service under waitress."),
    "demo": ("serve", "See embedkit at work in a browser: no key, no network."),
    "sandbox": ("serve", "Run the offline emulator of Getty's services."),
    "doctor": ("doctor", "Check the installation, and list the settings that are set."),
    "config": ("doctor", "Print the settings."),
    "explain": ("admin", "Explain the code of an error or of a finding."),
    "openapi": ("serve", "Print the OpenAPI document of the service."),
    "completion": ("admin", "Print the completion script of a shell."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are called, listed in the order of their use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """As they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself, in place of its line in the list."""
        name, line, rest = super().resolve_command(ctx, args)
        return name, line and getattr(import_module(f"embedkit.cli.{COMMANDS[str(name)][0]}"), str(name)), rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader that goes away is not a failure of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # as in: embedkit … | head; click would exit 1, which means findings here
            _silence()
            return 0


@click.group(
    cls=Commands,
    commands={name: click.Command(name, short_help=line) for name, (_, line) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="embedkit", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Log progress to stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to stderr but errors and findings.")
def cli(verbose: bool, quiet: bool) -> None:  # noqa: ARG001  (output.say looks for it)
    """Turn Getty Images references into safe, fast, accessible embeds.

    See it work: embedkit demo. Settings are environment variables named EMBEDKIT_…; the README lists
    them, and embedkit doctor checks them.
    """
    if verbose:
        import logging

        from embedkit.web.logs import TextFormatter

        handler = logging.StreamHandler()
        handler.setFormatter(TextFormatter(timed=False))
        logging.getLogger("embedkit").addHandler(handler)
        logging.getLogger("embedkit").setLevel(logging.DEBUG)


def main(args: list[str] | None = None) -> None:
    """The console script: runs a command and turns what it raises into a message and an exit code."""
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
    except OSError as error:  # a file or folder; what the network does is an EmbedKitError
        say_file_error(error)
        _silence()  # a full disk would speak once more at the end
        code = 2
    sys.exit(code)


def _explain(error: click.ClickException) -> None:
    """A mistake in how a command was called, with its usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = error.format_message().replace("\n\t", " ")  # click puts each of several words on a line of its own
    if message.startswith("Usage:"):  # no command was given: this is the whole help
        say(message)
        return
    say_error(message, lines=True)
    if context:
        say(f"{context.get_usage()}\nTry: {context.command_path} --help")


def _silence() -> None:
    """Let what stdout still holds go nowhere (docs.python.org/3/library/signal.html#note-on-sigpipe)."""
    with suppress(OSError, AttributeError), open(os.devnull, "w") as nowhere:  # there may be no stdout
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
