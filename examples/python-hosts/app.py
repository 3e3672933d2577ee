"""One site for each Python generator that is installed, served side by side."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from newsroom import Packages, Service, build_site, run

HERE = Path(__file__).resolve().parent
COMMANDS = {
    "mkdocs": "mkdocs build -q -d built",
    "pelican": "pelican -q -o built",
    "sphinx": "sphinx -q . built",
    "nikola": "embedkit integrations nikola plugins && python -m nikola build -q",
}


def create(service: Service, packages: Packages) -> DispatcherMiddleware:
    sites = {
        f"/{name}": build_site(HERE / name, packages, service, ["sh", "-c", f"exec >&2; python -m {command}"])
        for name, command in COMMANDS.items()
        if find_spec(f"{name}.__main__")  # the name alone would match the folder here
    }
    index = Flask("index")
    index.add_url_rule("/", view_func=lambda: "".join(f'<p><a href="{path}/">{path[1:]}</a>' for path in sites))
    return DispatcherMiddleware(index, sites)


if __name__ == "__main__":
    run(create, HERE)
