"""A page that shows one picture, for those who frame it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from flask import Response, url_for

from embedkit.errors import ConfigurationError, EmbedKitError, UnsupportedReference
from embedkit.models import AssetRef, Embed, Options
from embedkit.targets import Target
from embedkit.web import request
from embedkit.web.context import Service
from embedkit.web.errors import FAILURES, retry_headers
from embedkit.web.pages import origin, page
from embedkit.web.rate_limit import admit_cold
from embedkit.web.response import NO_STORE, lifetime
from embedkit.web.routing import Answer, Route
from embedkit.web.schemas import FrameQuery


def frame(service: Service, ref: str) -> Response:
    asked = request.options(request.query(FrameQuery), "web")
    try:
        parsed = service.kit.parse(ref)
        wanted = replace(asked.over(parsed.options), target=asked.target)
        embed = service.kit.engine.resolve(parsed, wanted, admit=admit_cold).sized(wanted)
    except ConfigurationError:
        raise
    except UnsupportedReference as error:
        # the card would repeat what was written, and this page is no place for other people's sentences
        return _page(service, None, error=error)
    except EmbedKitError as error:
        shown = service.kit.fallback(parsed, error, wanted)
        return _page(service, parsed, error=error, shown=shown, options=wanted)
    return _page(service, parsed, embed=embed, shown=service.kit.show(embed, wanted), options=wanted)


def _page(
    service: Service,
    ref: AssetRef | None,
    *,
    embed: Embed | None = None,
    error: EmbedKitError | None = None,
    shown: Any = None,
    options: Options = Options(),
) -> Response:
    """The picture; or, with the status that the failure has, what ON_ERROR leaves of it: never a hole."""
    target = options.target or "web"
    response = page(
        service,
        "frame.html",
        policy=policy(service),
        status=error.http_status if error else 200,
        cache=lifetime(service, embed) if embed else NO_STORE,
        title=embed.title if embed else (error.title if error else ""),
        content=shown,
        assets=_own_assets(service, target),
        discovery=_discovery(service, ref) if ref else None,
    )
    response.headers.extend(retry_headers(error) if error else {})
    return response


def policy(service: Service) -> str:
    """What the page may load: our own files, and Getty's frame and pictures; anybody may frame it."""
    settings = service.settings
    return (
        f"default-src 'none'; frame-src {origin(settings.frame_origin)}; style-src 'self'; script-src 'self';"
        f" img-src {' '.join(settings.image_origins)}; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )


def _own_assets(service: Service, target: Target) -> dict[str, list[str]]:
    """The files a target needs, from here rather than from ASSETS_URL, so that 'self' is policy enough."""
    needed = service.kit.assets(target)
    return {kind: [_here(urlsplit(url)) for url in urls] for kind, urls in needed.items()}


def _here(asset: SplitResult) -> str:
    return f"{url_for('.static', filename=asset.path.rpartition('/')[2])}?{asset.query}"


def _discovery(service: Service, ref: AssetRef) -> str:
    """Where consumers that follow rel=alternate find the same picture as oEmbed.

    Others may keep this page, so Host has no place in it: without PUBLIC_URL the address is relative.
    """
    public = service.settings.public_url
    address = f"{public}/oembed" if public else url_for(".oembed")
    query = urlencode({"url": f"https://gty.im/{ref}", "format": "json"}, quote_via=quote, safe=",")
    return f"{address}?{query}"


ROUTES = (
    Route(
        "/embed/<ref>",
        "frame",
        frame,
        "A page with one picture, to be framed",
        "Pages",
        {200: Answer("The page.", media="text/html")},
        query=FrameQuery,
        errors=FAILURES,
        parameters={"ref": "An asset id, or up to five joined by commas."},
        sample="/embed/74917285",
        paged=True,
    ),
)
