"""The command line. stdout is data, stderr is messages, exit codes tell what happened.

    0 ok   1 findings   2 usage or configuration   3 network   4 not found   5 not embeddable
    6 quota   130 interrupted

Of several failures the highest code wins.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from embedkit import __version__
from embedkit.cli.console import say_error
from embedkit.cli.pictures import convert, resolve
from embedkit.cli.service import demo, openapi, sandbox, serve
from embedkit.cli.texts import check, lock, render, warm
from embedkit.cli.upkeep import assets, cache, completion, doctor
from embedkit.errors import EmbedKitError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="embedkit", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Tell on stderr what is done.")
def cli(verbose: bool) -> None:
    """Turn Getty Images references into safe, fast, accessible embeds.

    Settings come from the environment, as EMBEDKIT_NAME; "embedkit doctor" lists them.
    """
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logging.getLogger("embedkit").addHandler(handler)
        logging.getLogger("embedkit").setLevel(logging.DEBUG)


for command in (
    *(resolve, render, convert, check, warm, lock, assets, cache),
    *(serve, demo, sandbox, doctor, openapi, completion),
):
    cli.add_command(command)


def main(args: list[str] | None = None) -> None:
    """The console script: runs a command and turns what it raises into a message and an exit code."""
    try:
        result: Any = cli.main(args=args, prog_name="embedkit", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.exceptions.Abort:
        say_error("Interrupted.")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except EmbedKitError as error:
        say_error(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as in: embedkit … | head
        sys.stderr.close()
        sys.exit(0)
