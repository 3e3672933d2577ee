"""HTML pages and static files: overridable templates under a strict policy, and the frame page of a picture."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, current_app, redirect, request, send_from_directory, url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from embedkit import __version__
from embedkit.api.requests import origin_of
from embedkit.errors import ConfigurationError, EmbedKitError, UnsupportedReference
from embedkit.files.installed import static_dir, templates_dir
from embedkit.models import AssetRef, Embed, Options
from embedkit.settings import Settings
from embedkit.targets import STYLES, Target
from embedkit.web.context import AppContext
from embedkit.web.errors import FAILURES, from_http, headers_of
from embedkit.web.picker_files import ENTRY, PickerFiles
from embedkit.web.rate_limit import admit_cold
from embedkit.web.request import prefers_html, read_options, read_query
from embedkit.web.response import NO_STORE, as_page, with_lifetime
from embedkit.web.routes import Answer, Route
from embedkit.web.schemas import FrameQuery

# Load nothing from other hosts, run no scripts, and allow no framing.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def page(
    settings: Settings,
    template: str,
    *,
    policy: str = POLICY,
    status: int = 200,
    cache: str = NO_STORE,
    **values: Any,
) -> Response:
    """Render a page from ``templates/embedkit``; the TEMPLATES folder is searched first."""
    found = _environment(settings.templates).get_template(f"embedkit/{template}")
    html = found.render(static=static, doors=doors, settings=settings, **values)
    return as_page(html, policy, status=status, cache=cache)


def static(name: str) -> str:
    """Return the URL of a static file, wherever the service is mounted."""
    return url_for(f"{_ours()}.static", filename=name, v=__version__)


DOORS = (
    ("index", "Home", "What this service does"),
    ("docs", "Documentation", "Every endpoint, its parameters and responses"),
    ("picker", "Picker", "Search, choose, and copy a shortcode"),
    ("readyz", "Status", "The status of each part of the service"),
)


def doors() -> list[tuple[str, str, str]]:
    """Return the URL, name and description of the other pages. Only our own application has the home page."""
    found = [(f"{_ours()}.{endpoint}", name, text) for endpoint, name, text in DOORS]
    others = current_app.view_functions.keys() - {request.endpoint}
    return [(url_for(endpoint), name, text) for endpoint, name, text in found if endpoint in others]


def _ours() -> str:
    return request.blueprint or "embedkit"


def missing(context: AppContext, error: HTTPException) -> BaseResponse:
    """Respond to an unknown URL: with a page for browsers, with a problem for programs."""
    response = page(context.settings, "missing.html", status=404) if prefers_html() else from_http(error)
    response.vary.add("Accept")
    return response


@lru_cache(maxsize=4)
def _environment(own: str) -> Environment:
    """Return the templates of our pages, preceded by those in the host's own folder."""
    folders = [own] if own else []
    return Environment(
        loader=FileSystemLoader([*folders, templates_dir()]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


UNVERSIONED = "public, max-age=3600, stale-while-revalidate=86400"
VERSIONED = "public, max-age=31536000, immutable"  # different content has a different URL
KINDS = {  # regardless of the machine's own MIME types
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
}
# The picker without a release in its URL, or with another one; redirected to this release.
PICKER = re.compile(rf"(?:picker-[0-9a-f]+/)?{re.escape(ENTRY)}")


def static_file(picker: PickerFiles, filename: str) -> Response:
    """Serve a file by its path below ``/static`` to pages of every origin."""
    folder, _, name = filename.partition("/")
    if folder == picker.folder and name in picker.contents:
        content = picker.contents[name]
        response = Response(content, content_type=KINDS[name.rpartition(".")[2]])
        with_lifetime(response, VERSIONED, content)
    elif PICKER.fullmatch(filename):
        response = _to_release(picker)
    else:
        response = send_from_directory(static_dir(), filename)
        response.headers["Cache-Control"] = VERSIONED if request.args.get("v") == __version__ else UNVERSIONED
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _to_release(picker: PickerFiles) -> Response:
    """Redirect to this release. Modules resolve imports against the final URL, so all are from one release."""
    response = redirect(url_for(".static", filename=f"{picker.folder}/{ENTRY}"), Response=Response)
    response.headers["Cache-Control"] = "no-cache"
    return response  # type: ignore[return-value]


def frame(context: AppContext, ref: str) -> Response:
    options = read_options(read_query(FrameQuery), "web")
    try:
        parsed = context.kit.parse(ref)
        wanted = replace(options.over(parsed.options), target=options.target)
        embed = context.kit.engine.resolve(parsed, wanted, admit=admit_cold).sized(wanted)
    except ConfigurationError:
        raise
    except UnsupportedReference as error:
        # the card would repeat the input, and this page must not show text supplied by strangers
        return _page(context, None, error)
    except EmbedKitError as error:
        return _page(context, parsed, error, context.kit.fallback(parsed, error, wanted), wanted)
    return _page(context, parsed, embed, context.kit.show(embed, wanted), wanted)


def _page(
    context: AppContext,
    ref: AssetRef | None,
    found: Embed | EmbedKitError,
    shown: Any = None,
    options: Options = Options(),
) -> Response:
    """Return the page with the picture, or with its ON_ERROR fallback and the error's status."""
    embed = found if isinstance(found, Embed) else None
    response = page(
        context.settings,
        "frame.html",
        policy=policy(context),
        status=found.http_status if isinstance(found, EmbedKitError) else 200,
        cache=context.lifetime(embed) if embed else NO_STORE,
        title=found.title,
        content=shown,
        assets=_own_assets(context, options.target or "web"),
        discovery=_discovery(context, ref, options) if ref else None,
        og=_open_graph(context, embed) if embed else {},
    )
    if isinstance(found, Embed):
        return context.label(response, found)
    response.headers.extend(headers_of(found))
    return response


def policy(context: AppContext) -> str:
    """Return the page's policy: it can load our files and Getty's frame and pictures, and be framed by anyone."""
    settings = context.settings
    return (
        f"default-src 'none'; frame-src {origin_of(settings.frame_origin)}; style-src 'self'; script-src 'self';"
        f" img-src 'self' {' '.join(settings.image_origins)}; base-uri 'none'; form-action 'none';"
        " frame-ancestors *"
    )


def _own_assets(context: AppContext, target: Target) -> dict[str, list[str]]:
    """Return the URLs of a target's files on this service, not ASSETS_URL, so that 'self' suffices as policy."""
    here = url_for(".static", filename=STYLES).rpartition("/")[0]
    return context.kit.engine.fragments.assets(target, here)


def _discovery(context: AppContext, ref: AssetRef, options: Options) -> str:
    """Return the oEmbed URL for rel=alternate, with the options of this page.

    The page can be cached, so it must not contain Host: without PUBLIC_URL, the URL is relative.
    """
    public = context.settings.public_url
    url = f"{public}/oembed" if public else url_for(".oembed")
    caption = str(options.caption).lower() if isinstance(options.caption, bool) else options.caption
    shown = {
        "maxwidth": options.max_width,
        "maxheight": options.max_height,
        "caption": caption,
        "tld": options.tld,
    }
    params = {name: value for name, value in shown.items() if value is not None}
    query = {"url": f"https://gty.im/{ref}", "format": "json", **params}
    return f"{url}?{urlencode(query, quote_via=quote, safe=',')}"


def _open_graph(context: AppContext, embed: Embed) -> dict[str, str | int]:
    """Return the Open Graph properties for link previews (https://ogp.me), as text, without unknown values."""
    public = context.settings.public_url
    properties = {
        "og:type": "website",
        "og:site_name": "Getty Images",
        "og:title": embed.title,
        "og:description": embed.caption,
        "og:url": f"{public}/embed/{embed.ref}" if public else "",
        "og:image": embed.thumbnail_url,
        "og:image:width": embed.thumbnail_width,
        "og:image:height": embed.thumbnail_height,
        "og:image:alt": embed.title if embed.thumbnail_url else "",
    }
    return {name: value for name, value in properties.items() if value}


ROUTES = (
    Route(
        "/embed/<ref>",
        frame,
        "Show a picture in a page for an iframe",
        {200: Answer("The page.", media="text/html")},
        query=FrameQuery,
        errors=FAILURES,
        parameters={"ref": "An asset ID, or up to five separated by commas."},
        sample="/embed/74917285",
        paged=True,
        group="Pages",
    ),
)
