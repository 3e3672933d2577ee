"""Commands that manage an installation: assets, integrations, changes, cache, completion, explain."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from html import escape
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from embedkit import __version__, static_dir
from embedkit.cli.output import as_json, open_kit, print_json, printable, say
from embedkit.engine import purges, rendered
from embedkit.errors import ConfigurationError
from embedkit.files.atomic import Tree
from embedkit.settings import PREFIX, Settings
from embedkit.targets import ASSETS
from embedkit.web.picker_files import picker_files
from embedkit.web.troubles import FINDINGS, TROUBLES

CONSENT_TOOLS = ("tcf", "google", "wp", "klaro", "cookieconsent", "iframemanager")  # static/consent
SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}

NIKOLA = """\
[Core]
Name = getty
Module = embedkit_getty

[Nikola]
PluginCategory = Shortcode

[Documentation]
Author = embedkit contributors
Version = 1
Description = Getty Images references as embeds
"""
LEKTOR = """\
from setuptools import setup

setup(
    name="lektor-embedkit",
    version="1",
    py_modules=[],
    entry_points={"lektor.plugins": ["embedkit = embedkit.integrations.lektor:EmbedKitPlugin"]},
)
"""
# the files of each host's plugin, relative to the host's folder of plugins
FILES = {
    "nikola": {
        "embedkit_getty/embedkit_getty.plugin": NIKOLA,
        "embedkit_getty/embedkit_getty.py": "from embedkit.integrations.nikola import GettyShortcode\n",
    },
    "lektor": {"lektor-embedkit/setup.py": LEKTOR},
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--picker", is_flag=True, help="Also copy the picker, into a folder named after its hash.")
@click.option(
    "--consent",
    type=click.Choice(CONSENT_TOOLS),
    multiple=True,
    help="Also copy the adapter for a consent tool (repeatable).",
)
@as_json
def assets(folder: Path, picker: bool, consent: tuple[str, ...], json_: bool) -> None:
    """Copy the stylesheet and façade script into a static site."""
    adapters = [Path("consent", f"{name}.js") for name in dict.fromkeys(consent)]
    places = [*map(Path, ASSETS), *adapters]
    with Tree(folder) as tree:
        for place in places:
            tree.write(place, (static_dir() / place).read_bytes())
        if picker:
            places += picker_files().copy(tree.write)
    places = [folder / place for place in places]
    if json_:
        print_json({"files": [str(place) for place in places]})
        return
    click.echo("\n".join(map(printable, places)))
    say("Add to the head of your pages, with the URL from which your site serves these files:")
    say("\n".join(f"  {tag}" for tag in _tags(f"/{printable(folder.name)}", adapters)))
    if picker:
        tags = "\n".join(f"  {tag}" for tag in picker_files().tags(f"/{folder.name}"))
        say(f"For the picker, whose attribute endpoint is the URL of your service:\n{tags}")


def _tags(base: str, adapters: Iterable[Path]) -> Iterator[str]:
    """Yield the tags that load our files, with the version and the frame settings in their URLs."""
    settings, _ = examine(os.environ)  # few settings matter here, so an invalid one is not an error
    needed = rendered.assets("facade", settings.rendering, base)
    for url in needed["css"]:
        yield f'<link rel="stylesheet" href="{escape(url)}">'
    for url in needed["js"]:
        yield f'<script defer src="{escape(url)}"></script>  (for the target facade)'
    for adapter in adapters:
        yield f'<script defer src="{escape(base)}/{adapter.as_posix()}?v={__version__}"></script>'


@click.command()
@click.argument("host", type=click.Choice(list(FILES)))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def integrations(host: str, folder: Path) -> None:
    """Write a plugin folder for Nikola or Lektor.

    DIR is the site's folder of plugins: plugins for Nikola, packages for Lektor. Other hosts load embedkit from
    their own configuration; see the README.
    """
    for name, content in FILES[host].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        say(f"{path} written.")


@click.command()
@click.option("--webhook-secret", is_flag=True, help="Only print the secret that verifies webhook signatures.")
@as_json
def changes(webhook_secret: bool, json_: bool) -> int:
    """Process withdrawals from Getty's feed of asset changes.

    Polls the feed once, drops withdrawn pictures from the cache, and notifies EMBEDKIT_PURGE_URLS and
    EMBEDKIT_WEBHOOK_URL. Meant for cron: with EMBEDKIT_CHANGE_FEED, embedkit serve does this automatically. Exits
    with 1 if changes or notifications are still pending.
    """
    with open_kit(change_feed=Settings.from_env(os.environ).change_feed or True) as kit:
        if webhook_secret:
            click.echo(purges.webhook_secret(kit.cache.secret(purges.PURPOSE)))
            return 0
        report = kit.engine.changes().run(finish=True)
        state = kit.engine.changes().status()
    left = report.of("pending", "unusable")
    undelivered = sum(state["undelivered"].values())
    done = {"withdrawn": report.of("withdrawn"), "rejected": report.of("rejected"), "pending": left}
    if json_:
        print_json({"batches": report.batches, **done, "not_pictures": report.foreign, "status": state})
    else:
        for id in done["withdrawn"]:
            click.echo(id)
        counts = ", ".join(f"{len(ids)} {outcome}" for outcome, ids in done.items())
        say(f"{counts}; {state['pending']} to be checked again, {undelivered} notifications to be delivered.")
    return 1 if state["pending"] or undelivered else 0


@click.group()
def cache() -> None:
    """Manage the cache."""


@cache.command("info")
@as_json
def cache_info(json_: bool) -> None:
    """Show the cache's location and contents."""
    with open_kit() as kit:
        info = kit.cache.info()
    if json_:
        print_json(info)
    else:
        for name, value in kept(info).items():
            click.echo(f"{name:12} {printable(value)}")


@cache.command("clear")
def cache_clear() -> None:
    """Delete all entries."""
    with open_kit() as kit:
        kit.cache.clear()
    say("The cache is empty.")


@cache.command("prune")
def cache_prune() -> None:
    """Delete expired entries."""
    with open_kit() as kit:
        kit.cache.prune()
    say("Pruned.")


@cache.command("purge")
@click.argument("ref")
def cache_purge(ref: str) -> int:
    """Delete all entries of a picture."""
    with open_kit() as kit:
        held = kit.purge(ref)
    say(f"{ref} was removed from the cache." if held else f"{ref} is not in the cache.")
    return 0 if held else 4


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False, metavar="[SHELL]")
def completion(shell: str | None) -> None:
    """Print a shell completion script.

    SHELL is bash, zsh or fish; by default the one in $SHELL. For example, add to ~/.bashrc:
    eval "$(embedkit completion bash)"
    """
    from embedkit.cli.main import cli

    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise click.UsageError(f"$SHELL is not a supported shell. Pass one of {', '.join(SHELLS)}.")

    click.echo(SHELLS[shell](cli, {}, "embedkit", "_EMBEDKIT_COMPLETE").source())


@click.command()
@click.argument("code", required=False)
@as_json
def explain(code: str | None, json_: bool) -> None:
    """Explain an error or finding code.

    CODE is the word in front of a finding's message, or the "code" of an error in JSON. Without it, all codes are
    listed. For example: embedkit explain not-embeddable
    """
    known = TROUBLES | FINDINGS
    if code is not None and code not in known:
        near = get_close_matches(code.lower(), known, 1)
        hint = f"Did you mean {near[0]}?" if near else "List all with: embedkit explain"
        raise click.UsageError(f"There is no code {code!r}. {hint}")
    shown = {code: known[code]} if code else known
    if json_:
        print_json({name: trouble._asdict() for name, trouble in shown.items()})
    elif code:
        cause, fix, example = shown[code]
        click.echo(f"{cause}\n{fix}\nFor example: {example}")
    else:
        width = max(map(len, shown))
        click.echo("\n".join(f"{name:{width}}  {trouble.cause}" for name, trouble in shown.items()))


def kept(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a cache without the counters of this process."""
    return {name: value for name, value in info.items() if name not in ("hits", "misses", "corrupt")}


def examine(environ: Mapping[str, str]) -> tuple[Settings, dict[str, ConfigurationError]]:
    """Return the settings of an environment, with defaults for invalid ones, and all errors by name.

    Most commands stop at the first error instead, with :meth:`Settings.from_env`.
    """
    valid: dict[str, str] = {}
    errors: dict[str, ConfigurationError] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX):
            try:
                Settings.from_env({name: value})
                valid[name] = value
            except ConfigurationError as error:
                errors[name.removeprefix(PREFIX).upper()] = error
    return Settings.from_env(valid), errors
