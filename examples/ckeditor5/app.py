"""CKEditor 5 with embedkit's picker: a plugin, with previews in the text."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask, make_response, render_template, send_from_directory
from flask.typing import ResponseReturnValue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from newsroom import Packages, Service, create_site, run

HERE = Path(__file__).resolve().parent


def create(service: Service, packages: Packages) -> Flask:
    site = create_site(HERE, "CKEditor 5", service)

    @site.get("/")
    def edit() -> ResponseReturnValue:
        page = make_response(render_template("editor.html", grant=service.grant()))
        # Dragged elements have style attributes; the rest of CKEditor needs only 'self'.
        page.headers.update(service.policy(style_src_attr="'unsafe-inline'"))
        return page

    @site.get("/ckeditor5/<path:name>")
    def ckeditor5(name: str) -> ResponseReturnValue:
        return send_from_directory(packages.path("ckeditor5", "dist", "browser"), name, max_age=3600)

    return site


if __name__ == "__main__":
    run(create, HERE)
