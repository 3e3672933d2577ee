"""The command ``integrations``: the folders by which some programs find their plugins."""

from __future__ import annotations

from pathlib import Path

import click

from embedkit.cli.output import say

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
