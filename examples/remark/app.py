"""A site of Markdown and MDX, built by remark with the service, then served."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from newsroom import Packages, Service, build_site, run

HERE = Path(__file__).resolve().parent


def create(service: Service, packages: Packages) -> Flask:
    return build_site(HERE, packages, service, ["node", "build.js"])


if __name__ == "__main__":
    run(create, HERE)
