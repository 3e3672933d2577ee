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
# the files of each program's plugin, below the folder that holds all its plugins
FILES = {
    "nikola": {
        "embedkit_getty/embedkit_getty.plugin": NIKOLA,
        "embedkit_getty/embedkit_getty.py": "from embedkit.integrations.nikola import GettyShortcode\n",
    },
    "lektor": {"lektor-embedkit/setup.py": LEKTOR},
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--picker", is_flag=True, help="Copy the picker as well, into a folder named after its content.")
@click.option(
    "--consent",
    type=click.Choice(CONSENT_TOOLS),
    multiple=True,
    help="Copy the adapter of a consent tool as well; can be given more than once.",
)
@as_json
def assets(folder: Path, picker: bool, consent: tuple[str, ...], json_: bool) -> None:
    """Copy stylesheet and façade script into a static site."""
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
    say("In the head of your pages, with the URL that your site serves them from:")
    say("\n".join(f"  {tag}" for tag in _tags(f"/{printable(folder.name)}", adapters)))
    if picker:
        tags = "\n".join(f"  {tag}" for tag in picker_files().tags(f"/{folder.name}"))
        say(f"For the picker, whose attribute endpoint names your service:\n{tags}")


def _tags(base: str, adapters: Iterable[Path]) -> Iterator[str]:
    """The lines that load our files: their URLs hold the version, and what the settings say of frames."""
    settings, _ = examine(os.environ)  # a wrong one is not a reason to copy nothing: these lines ask few of them
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
    """Write the plugin folder of Nikola or Lektor.

    DIR is where the site has its plugins: plugins for Nikola, packages for Lektor. Other programs find
    embedkit by what their configuration names; the README lists them.
    """
    for name, content in FILES[host].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        say(f"{path} written.")


@click.command()
@click.option("--webhook-secret", is_flag=True, help="Only print what the webhook's signatures are checked with.")
@as_json
def changes(webhook_secret: bool, json_: bool) -> int:
    """Drop what Getty has withdrawn, as its feed names it.

    Looks at the feed once, whatever CHANGE_FEED says, asks for what is pending, and tells PURGE_URLS and
    WEBHOOK_URL. A service with CHANGE_FEED does that by itself; this is for cron. Exits 1 where something is left
    to do.
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
        say(f"{counts}; {state['pending']} wait for an answer, {undelivered} for a front or the webhook.")
    return 1 if state["pending"] or undelivered else 0


@click.group()
def cache() -> None:
    """Manage the cache."""


@cache.command("info")
@as_json
def cache_info(json_: bool) -> None:
    """What is kept, and where."""
    with open_kit() as kit:
        info = kit.cache.info()
    if json_:
        print_json(info)
    else:
        for name, value in kept(info).items():
            click.echo(f"{name:12} {printable(value)}")


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
    say(f"{ref} was removed from the cache." if held else f"{ref} is not in the cache.")
    return 0 if held else 4


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False, metavar="[SHELL]")
def completion(shell: str | None) -> None:
    """Print the completion script of a shell.

    SHELL is bash, zsh or fish, by default yours. For example in ~/.bashrc: eval "$(embedkit completion bash)"
    """
    from embedkit.cli.main import cli

    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise click.UsageError(f"Which shell? Pass {', '.join(SHELLS)}: $SHELL names none of them.")

    click.echo(SHELLS[shell](cli, {}, "embedkit", "_EMBEDKIT_COMPLETE").source())


@click.command()
@click.argument("code", required=False)
@as_json
def explain(code: str | None, json_: bool) -> None:
    """Explain the code of an error or of a finding.

    CODE is the word before the message of a finding, or the "code" of an error in JSON; without it all are listed.
    For example: embedkit explain not-embeddable
    """
    known = TROUBLES | FINDINGS
    if code is not None and code not in known:
        near = get_close_matches(code.lower(), known, 1)
        hint = f"Did you mean {near[0]}?" if near else "embedkit explain lists them."
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
    """What is known of a cache, without what this very process has counted."""
    return {name: value for name, value in info.items() if name not in ("hits", "misses", "corrupt")}


def examine(environ: Mapping[str, str]) -> tuple[Settings, dict[str, ConfigurationError]]:
    """Settings of an environment, with the default for each that is wrong; and all errors, by name.

    Most commands stop at the first error, with :meth:`Settings.from_env`.
    """
    good: dict[str, str] = {}
    wrong: dict[str, ConfigurationError] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX):
            try:
                Settings.from_env({name: value})
                good[name] = value
            except ConfigurationError as error:
                wrong[name.removeprefix(PREFIX).upper()] = error
    return Settings.from_env(good), wrong
