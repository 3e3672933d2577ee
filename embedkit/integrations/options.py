"""The options of a host's configuration: every setting by its name, before what the environment says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from embedkit.errors import ConfigurationError
from embedkit.models import Options, word_hint
from embedkit.settings import PREFIX, Secret, Settings, rows

NAMES = tuple(name.lower() for name, _, _ in rows())  # of the settings, as options


def unknown_words(words: Iterable[str]) -> str:
    """What is wrong with the names of a template tag's options: nothing, or a sentence."""
    return " ".join(one.detail for one in Options.from_words(dict.fromkeys(words))[1])


def settings_of(options: Mapping[str, Any], prefix: str = "") -> Settings:
    """The settings of the environment, with options of a host before them.

    :param prefix: what the host writes before the name of an option, for messages.
    :raises ConfigurationError: for an option that there is not, or one with a value that it can't have.
    """
    given = {name: value for name, value in options.items() if value is not None and name.lower() != "strict"}
    for name, value in given.items():
        if name.lower() not in NAMES:
            hint = word_hint(name, (*NAMES, "strict"))
            raise ConfigurationError(f"There is no option {prefix}{name}.", hint=hint)
        try:
            Settings.from_env(_as_environment({name: value}))
        except ConfigurationError as error:
            message = error.message.replace(f"{PREFIX}{name.upper()}", f"{prefix}{name}", 1)
            raise ConfigurationError(message, hint=error.hint) from None
    return Settings.from_env({**os.environ, **_as_environment(given)})


def run_commands(args: list[str], options: Mapping[str, Any]) -> None:
    """The command line of embedkit with these options; it ends in ``SystemExit``, as every command does.

    :raises ConfigurationError: as for :func:`settings_of`.
    """
    from embedkit.cli.main import main

    settings_of(options)
    before = dict(os.environ)
    os.environ.update(_as_environment(options))
    try:
        main(args)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _as_environment(options: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{PREFIX}{name.upper()}": _written(value)
        for name, value in options.items()
        if name.lower() in NAMES and value is not None
    }


def _written(value: Any) -> str:
    """A value of YAML or Python as the environment has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(_written, value))
    return value.reveal() if isinstance(value, Secret) else str(value)
