"""Our own pages: Jinja templates that a host may override, escaped once, under a strict policy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response, url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from embedkit import __version__
from embedkit.rendering.renderer import templates_dir
from embedkit.web.context import Service
from embedkit.web.response import NO_STORE, as_page

# Nothing is loaded from other hosts, nothing runs, nobody frames it.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def page(
    service: Service,
    template: str,
    *,
    policy: str = POLICY,
    status: int = 200,
    cache: str = NO_STORE,
    **values: Any,
) -> Response:
    """A page from ``templates/embedkit``; the folder TEMPLATES is searched first."""
    found = _environment(service.settings.templates).get_template(f"embedkit/{template}")
    html = found.render(static=static, settings=service.settings, **values)
    return as_page(html, policy, status=status, cache=cache)


def origin(url: str) -> str:
    """Scheme, host and port of an address, as a policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def static(name: str) -> str:
    """Where one of our own files is, wherever the service is mounted."""
    return url_for(".static", filename=name, v=__version__)


@lru_cache(maxsize=4)
def _environment(own: str) -> Environment:
    folders = [own] if own else []
    return Environment(
        loader=FileSystemLoader([*folders, templates_dir()]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
