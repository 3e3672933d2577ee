"""Commands that look after an installation: assets, cache, doctor, completion."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from embedkit import __version__, lockfile
from embedkit.cli.console import as_json, counted, open_kit, paint, print_json, say
from embedkit.errors import ConfigurationError, EmbedKitError, Unauthorized, Unavailable
from embedkit.getty import tokens
from embedkit.kit import EmbedKit
from embedkit.models import Embed
from embedkit.rendering import static_dir, templates_dir
from embedkit.settings import Secret, Settings, rows

ASSETS = ("embedkit.css", "embedkit-facade.js")
EXTRAS = {"server": "waitress", "redis": "redis", "memcached": "pylibmc", "bleach": "bleach"}
PROBE = "74917285"  # the picture of Getty's own documentation
PHRASE = "books"  # the search of Getty's own documentation
SHOWN = {
    "password": "with the token of a customer",
    "client_credentials": "with a token of the application, for no customer",
    None: "with the key alone, without a token",
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@as_json
def assets(folder: Path, json_: bool) -> None:
    """Copy stylesheet and façade script into a static site."""
    folder.mkdir(parents=True, exist_ok=True)
    places = [folder / name for name in ASSETS]
    for place in places:
        shutil.copyfile(static_dir() / place.name, place)
    if json_:
        print_json({"files": [str(place) for place in places]})
        return
    click.echo("\n".join(map(str, places)))
    say(
        "In the head of your pages, with the address that your site serves them from:\n"
        f'  <link rel="stylesheet" href="/{folder.name}/embedkit.css">\n'
        f'  <script defer src="/{folder.name}/embedkit-facade.js"></script>  (for the target facade)'
    )


@click.group()
def cache() -> None:
    """Look at the cache, or empty it."""


@cache.command("info")
@as_json
def cache_info(json_: bool) -> None:
    """What is kept, and where."""
    with open_kit() as kit:
        info = kit.cache.info()
    if json_:
        print_json(info)
    else:
        for name, value in _kept(info).items():
            click.echo(f"{name:12} {value}")


@cache.command("clear")
def cache_clear() -> None:
    """Drop every entry."""
    with open_kit() as kit:
        kit.cache.clear()
    say("The cache is empty.")


@cache.command("prune")
def cache_prune() -> None:
    """Drop entries that nobody may be shown any more."""
    with open_kit() as kit:
        kit.cache.prune()
    say("Pruned.")


@cache.command("purge")
@click.argument("ref")
def cache_purge(ref: str) -> int:
    """Drop every copy of one picture."""
    with open_kit() as kit:
        held = kit.purge(ref)
    say(f"{ref} is dropped." if held else f"Nothing was held of {ref}.")
    return 0 if held else 4


@click.command()
@as_json
@click.option("--offline", is_flag=True, help="Do not ask Getty for anything.")
def doctor(json_: bool, offline: bool) -> int:
    """Check the installation, and tell which settings are set."""
    findings = [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in _checks(offline)]
    if json_:
        print_json({"version": __version__, "checks": findings, "settings": _changed()})
    else:
        for one in findings:
            mark = paint("ok  ", "green") if one["ok"] else paint("FAIL", "red")
            click.echo(f"{mark} {one['check']:12} {one['detail']}")
        for name, value in _changed().items():
            click.echo(f"set  {name} = {value}")
    return 0 if all(one["ok"] for one in findings) else 1


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For example in ~/.bashrc: eval "$(embedkit completion bash)"
    """
    from embedkit.cli import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigurationError(f"There is no completion for {shell}.", hint="Use bash, zsh or fish.")
    click.echo(kind(cli, {}, "embedkit", "_EMBEDKIT_COMPLETE").source())


def _checks(offline: bool) -> Iterator[tuple[str, bool, str]]:
    yield "python", sys.version_info >= (3, 11), sys.version.split()[0]
    have = [name for name, module in EXTRAS.items() if find_spec(module)]
    yield "extras", True, ", ".join(have) or "none"
    try:
        settings = Settings.from_env(os.environ)
    except ConfigurationError as error:
        yield "settings", False, str(error)
        return
    yield "settings", True, f"{len(rows())} known, {len(_changed())} set"
    yield _try("templates", lambda: _templates(settings))
    yield _try("sanitizer", lambda: _sanitizer(settings))
    if Path(settings.lockfile).exists() or settings.frozen:
        yield _try("lock file", lambda: counted(len(lockfile.read(settings.lockfile)), "picture"))
    with EmbedKit(settings, background=False) as kit:
        found = _try("cache", lambda: _cache(kit))
        yield found
        if found[1] and not offline and not settings.frozen:
            yield _try("oembed", lambda: _oembed(kit))
    yield _try("search", lambda: _search(settings, ask=not offline and not settings.frozen))


def _try(name: str, check: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return name, True, check()
    except EmbedKitError as error:
        return name, False, str(error)


def _templates(settings: Settings) -> str:
    if settings.templates and not Path(settings.templates).is_dir():
        raise ConfigurationError(
            f"The folder {settings.templates} is not there.", hint="See the setting TEMPLATES."
        )
    return ", ".join(filter(None, (settings.templates, str(templates_dir()))))


def _sanitizer(settings: Settings) -> str:
    from embedkit.sanitize import sanitizer

    sanitizer(settings.sanitizer, frame_origin=settings.frame_origin)
    return settings.sanitizer


def _cache(kit: EmbedKit) -> str:
    info = kit.cache.info()
    if not kit.cache.check():
        raise ConfigurationError(
            f"The {info['kind']} cache does not keep what it is given.", hint="See the setting CACHE."
        )
    return ", ".join(f"{name} {value}" for name, value in _kept(info).items())


def _kept(info: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a cache, without what this very process has counted."""
    return {name: value for name, value in info.items() if name not in ("hits", "misses", "corrupt")}


def _oembed(kit: EmbedKit) -> str:
    found = next(iter(kit.records([kit.parse(PROBE)], refresh=True).values()))
    if isinstance(found, Embed):
        return f"{kit.settings.oembed_endpoint} answers"
    if isinstance(found, Unavailable):
        found.hint = f"{kit.settings.oembed_endpoint} must be reachable from here, without a proxy."
    raise found


def _search(settings: Settings, *, ask: bool) -> str:
    """Whether the credentials go together, and whether the API takes them: by a search of one picture."""
    if not settings.api_key:
        if settings.api_secret or settings.username or settings.password:
            raise ConfigurationError("API_SECRET, USERNAME and PASSWORD go with API_KEY.", hint="Set API_KEY.")
        return "no API_KEY: search is off, all else works"
    if bool(settings.username) != bool(settings.password):
        missing = "PASSWORD" if settings.username else "USERNAME"
        raise ConfigurationError("USERNAME and PASSWORD go together.", hint=f"Set {missing}, too.")
    shown = SHOWN[tokens.grant(settings)]
    if not ask:
        return f"API_KEY is set; {settings.api_base} would be asked {shown}"
    try:
        _found(settings)
    except Unauthorized as error:
        error.hint = f"Check {_refused(settings)}."
        raise
    except Unavailable as error:
        both = f"{settings.api_base} and {settings.token_url}"
        error.hint = f"{both} must be reachable from here, without a proxy."
        raise
    return f"{settings.api_base} answers, {shown}"


def _found(settings: Settings) -> None:
    """A search of one picture, asked anew."""
    with EmbedKit(replace(settings, cache="memory:"), background=False) as kit:
        kit.api.search.images(PHRASE, page_size=1)


def _refused(settings: Settings) -> str:
    """Which setting is at fault: what comes before it is taken, where it is left out."""
    nobody = replace(settings, username="", password=Secret())
    for name, less in (("USERNAME and PASSWORD", nobody), ("API_SECRET", replace(nobody, api_secret=Secret()))):
        if less != settings:
            try:
                _found(less)
            except Unauthorized:
                continue
            return name
    return "API_KEY"


def _changed() -> dict[str, Any]:
    """Settings of the environment, secrets hidden."""
    try:
        settings = Settings.from_env(os.environ)
    except ConfigurationError:
        return {}
    values = {name: getattr(settings, name.lower()) for name, default, _ in rows()}
    defaults = {name: getattr(Settings(), name.lower()) for name in values}
    hidden = {"CACHE": "***@" if "@" in settings.cache else settings.cache}
    return {
        name: hidden.get(name, value if isinstance(value, int | float | str) else str(value))
        for name, value in values.items()
        if value != defaults[name]
    }
