"""A plain textarea and a contenteditable with embedkit's picker: no editor, no packages, one short script."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask, make_response, render_template
from flask.typing import ResponseReturnValue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from newsroom import Packages, Service, create_site, run

HERE = Path(__file__).resolve().parent


def create(service: Service, _: Packages) -> Flask:
    site = create_site(HERE, "Textarea", service)

    @site.get("/")
    def edit() -> ResponseReturnValue:
        page = make_response(render_template("editor.html", grant=service.grant()))
        page.headers.update(service.policy())
        return page

    return site


if __name__ == "__main__":
    run(create, HERE)
