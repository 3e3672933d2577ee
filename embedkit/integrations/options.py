"""The options in a host's configuration: settings by name, which take precedence over the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from embedkit.errors import ConfigurationError
from embedkit.models import Options, word_hint
from embedkit.settings import PREFIX, Secret, Settings, rows

NAMES = tuple(name.lower() for name, _, _ in rows())  # the settings' names, as options


def unknown_words(words: Iterable[str]) -> str:
    """Return an error message for unknown option names of a template tag, or an empty string."""
    return " ".join(one.detail for one in Options.from_words(dict.fromkeys(words))[1])


def settings_of(options: Mapping[str, Any], prefix: str = "") -> Settings:
    """Return the settings of the environment, overridden by a host's options.

    :param prefix: the host's prefix for option names, for messages.
    :raises ConfigurationError: for an unknown option, or an invalid value.
    """
    given = {name: value for name, value in options.items() if value is not None and name.lower() != "strict"}
    for name, value in given.items():
        if name.lower() not in NAMES:
            hint = word_hint(name, (*NAMES, "strict"))
            raise ConfigurationError(f"Unknown option {prefix}{name}.", hint=hint)
        try:
            Settings.from_env(_as_environment({name: value}))
        except ConfigurationError as error:
            message = error.message.replace(f"{PREFIX}{name.upper()}", f"{prefix}{name}", 1)
            raise ConfigurationError(message, hint=error.hint) from None
    return Settings.from_env({**os.environ, **_as_environment(given)})


def run_commands(args: list[str], options: Mapping[str, Any]) -> None:
    """Run embedkit's command line with these options. Like every command, it raises ``SystemExit``.

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
        f"{PREFIX}{name.upper()}": _to_string(value)
        for name, value in options.items()
        if name.lower() in NAMES and value is not None
    }


def _to_string(value: Any) -> str:
    """Return a value from YAML or Python as in an environment variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(_to_string, value))
    return value.reveal() if isinstance(value, Secret) else str(value)
