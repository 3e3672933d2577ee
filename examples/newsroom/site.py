"""A site with one post: the editor's page, which each example provides, and the reader's page.

HTML is sanitized when it is saved, and shortcodes and links become embeds when it is shown. The order matters,
because the sanitizer would remove the embeds' frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nh3
from flask import Flask, Response, abort, make_response, redirect, render_template, request, send_from_directory
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup, escape

from newsroom.service import Service

HERE = Path(__file__).resolve().parent
TAGS = {"p", "br", "h2", "h3", "strong", "b", "em", "i", "a", "ul", "ol", "li", "blockquote", "code", "pre", "div"}
# CKEditor saves a link to a picture as <figure class="media"><oembed url="…">.
CLEANER = nh3.Cleaner(
    tags=TAGS | {"figure", "oembed"},
    attributes={"a": {"href", "title"}, "oembed": {"url"}},
    allowed_classes={"figure": {"media"}},
)


@dataclass
class Post:
    """The only post; it exists as long as the process. ``intro`` is plain text, ``body`` is HTML."""

    title: str = "Two minutes of night"
    intro: str = ""
    body: str = (
        "<p>They came by the last ferry, with folding chairs and cardboard glasses, and waited on the mole.</p>"
        "<p>At a quarter past eleven the gulls went quiet.</p>"
    )


def create_site(folder: Path, example: str, service: Service, render: Callable[[str], str] | None = None) -> Flask:
    """Return the site without the editor's page, ``/``, which the example adds.

    :param folder: the example's folder, with ``templates`` and ``static``.
    :param example: the name of the example, for the top of its pages.
    :param render: converts a saved text for readers; by default the service does this.
    """
    site = Flask(example, root_path=str(folder))
    site.jinja_loader = ChoiceLoader(
        [FileSystemLoader(folder / "templates"), FileSystemLoader(HERE / "templates")]
    )
    site.extensions["post"] = post = Post()
    site.context_processor(lambda: {"example": example, "post": post, "service": service})
    site.before_request(_refuse_strangers)
    site.add_url_rule("/save", "save", lambda: _save(post), methods=["POST"])
    site.add_url_rule("/post", "post", lambda: _show(post, service, render or service.render))
    for name in SHARED:
        site.add_url_rule(f"/{name}", name, partial(send_from_directory, STATIC, name))
    return site


STATIC = HERE / "static"
SHARED = ("newsroom.css", "getty-pictures.js", "getty-pictures.css")


def _refuse_strangers() -> None:
    """Reject posts from other sites in an author's name."""
    if request.method == "POST" and request.headers.get("Origin") != request.host_url.rstrip("/"):
        abort(403)


def _save(post: Post) -> Any:
    post.title = request.form["title"].strip() or "Untitled"
    post.intro = request.form.get("intro", "").replace("\r\n", "\n")
    post.body = CLEANER.clean(request.form["body"])
    return redirect("/post", 303)


def _show(post: Post, service: Service, render: Callable[[str], str]) -> Response:
    page = make_response(
        render_template("newsroom/post.html", content=Markup(render(_paragraphs(post.intro) + post.body)))
    )
    page.headers.update(service.policy())
    return page


def _paragraphs(plain: str) -> str:
    """Return plain text as HTML, with paragraphs separated by blank lines."""
    return "".join(f"<p>{escape(part)}</p>" for part in plain.split("\n\n") if part.strip())
