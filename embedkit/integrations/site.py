"""One kit for one site: the options as a host's configuration has them, and what is wrong by file and line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any, cast

from embedkit.engine.rendered import assets
from embedkit.engine.shelf import Shelf
from embedkit.errors import EmbedKitError
from embedkit.kit import EmbedKit
from embedkit.models import Document, Problem, Report
from embedkit.settings import Settings
from embedkit.targets import Input, Target

log = logging.getLogger(__name__)


class Lost(EmbedKitError):
    """A picture can't be shown, and the site is built strictly."""

    code = "lost"
    title = "A picture is missing"


class Site:
    """What a host's plugin needs: made once for a build, and closed at its end.

    :param options: ``strict``, and every setting by its name in either case, such as ``target``, ``lockfile``,
        ``frozen``, ``on_error``; those that are None are not set. They go before the environment's.
    :param log: where findings go, as warnings: the host's own logger, whose warnings its strict mode counts.
    :raises ConfigurationError: for an option that there is not, or one with a value that it can't have.

    >>> Site({"strict": True, "target": "facade", "cache": "memory:"}).kit.settings.target
    'facade'
    """

    def __init__(self, options: Mapping[str, Any], log: logging.Logger | logging.LoggerAdapter[Any] = log) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        self.strict = bool(given.pop("strict", False))
        self.log = log
        self.kit = EmbedKit(settings_of(given), background=False)

    def warm(self, texts: Iterable[tuple[str, Input]]) -> Report:
        """Fetch all that these texts need, in parallel, so that rendering them asks for nothing."""
        done = self.kit.warm(texts)
        if done.distinct:
            self.log.info(
                "%d pictures: %d fetched, %d stale, %d missing.",
                *(done.distinct, done.fetched, done.stale, len(done.failed)),
            )
        return done

    def shelve(self, text: str, name: str, *, first_line: int = 1, target: Target | None = None) -> Shelf:
        """Put the embeds of a Markdown text aside, and tell what is wrong in it.

        :param name: of its file, for messages.
        :param first_line: the line of the file on which the text begins.
        """
        shelf = self.kit.shelve(text, input="markdown", target=target)
        self.tell(shelf.problems, name, first_line)
        return shelf

    def document(self, text: str, name: str, *, input: Input = "html", first_line: int = 1) -> Document:
        """A text with its embeds, and tell what is wrong in it."""
        done = self.kit.document(text, input=input)
        self.tell(done.problems, name, first_line)
        return done

    def tell(self, problems: Iterable[Problem], name: str, first_line: int = 1) -> None:
        """Log problems by file and line.

        :raises Lost: for the first, where the site is built strictly.
        """
        for problem in problems:
            line = problem.line + first_line - 1
            message = f"{name}:{line}:{problem.column}: {problem.code}: {problem.detail}"
            self.log.warning("%s", message)
            if self.strict:
                raise Lost(message)

    def assets(self, base: str) -> tuple[list[str], list[str]]:
        """URLs of the stylesheets and of the scripts that its pages need; those of scripts hold settings.

        :param base: the URL of the folder that they are in, without a slash at the end.
        """
        needed = assets(self.target, self.kit.settings.rendering, base)
        return needed["css"], needed["js"]

    def copy_assets(self, folder: str | os.PathLike[str]) -> list[str]:
        """Copy them into a folder, which is made where there is none; their names."""
        return self.kit.copy_assets(folder, [self.target])

    @property
    def target(self) -> Target:
        """What its pages show."""
        return cast(Target, self.kit.settings.target)

    def close(self) -> None:
        """Refresh what was shown stale, and close the kit."""
        self.kit.close()


def settings_of(options: Mapping[str, Any]) -> Settings:
    """The settings of the environment, with options of a host before them.

    :raises ConfigurationError: for an option that there is not, or one with a value that it can't have.
    """
    return Settings.from_env({**os.environ, **_as_environment(options)})


def run_commands(args: list[str], options: Mapping[str, Any]) -> None:
    """The command line of embedkit with these options; it ends in ``SystemExit``, as every command does."""
    from embedkit.cli.main import main

    before = dict(os.environ)
    os.environ.update(_as_environment(options))
    try:
        main(args)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _as_environment(options: Mapping[str, Any]) -> dict[str, str]:
    return {f"EMBEDKIT_{name.upper()}": _written(value) for name, value in options.items()}


def _written(value: Any) -> str:
    """A value of YAML or Python as the environment has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
