"""oEmbed 1.0 as a provider: any consumer can use embedkit without a plugin (https://oembed.com)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from flask import Response

from embedkit.getty.urls import EMBED_HOST, MEDIA_HOST, SHORT_HOSTS, SITES
from embedkit.models import Embed
from embedkit.web.context import AppContext
from embedkit.web.errors import FAILURES, Refused
from embedkit.web.rate_limit import admit_cold
from embedkit.web.request import read_options, read_query
from embedkit.web.response import NO_STORE, PAGES, as_json
from embedkit.web.response_cache import mark_cacheable
from embedkit.web.routes import Answer, Route
from embedkit.web.schemas import OEmbedAnswer, OEmbedQuery, Provider, ProviderEndpoint

PROVIDER_NAME = "Getty Images"
PROVIDER_URL = "https://www.gettyimages.com"

# The paths that getty/urls.py reads, in the wildcards of https://oembed.com (section 2.1).
PAGES_OF_PICTURES = (
    "/detail/*",
    "/details/*",
    "/license/*",
    "/pictures/*-news-photo-*",
    "/photos/*-picture-id*",
    "/event/*-picture-id*",
)
FRAMES = ("/embed/*", "/embed?assets=*")
THUMBNAILS = ("/id/*", "/photos/*-picture-id*")


def oembed(context: AppContext) -> Response:
    params = read_query(OEmbedQuery)
    if params.format.lower() != "json":
        raise Refused("unsupported-format", "Only format=json is answered.")
    ref = context.kit.parse(params.url)
    wanted = replace(read_options(params).over(ref.options), target="oembed")
    entry = context.kit.engine.resolve(ref, wanted, admit=admit_cold)
    mark_cacheable(entry, wanted)
    embed = entry.sized(wanted)
    answer = _answer(context, embed, str(context.kit.show(embed, wanted)))
    return as_json(answer, cache=context.lifetime(embed), about=msgspec.structs.replace(answer, cache_age=0))


def _answer(context: AppContext, embed: Embed, html: str) -> OEmbedAnswer:
    """In Getty's own order; ``type`` is rich, whatever Getty called it, since what we give is html."""
    left = 0 if embed.stale else max(0, int(embed.fresh_until - context.clock()))
    fields: dict[str, Any] = {name: getattr(embed, name, None) for name in OEmbedAnswer.__struct_fields__}
    ours = {
        "type": "rich",
        "version": "1.0",
        "html": html,
        "provider_name": PROVIDER_NAME,
        "provider_url": PROVIDER_URL,
        "author_name": embed.photographer,
        "cache_age": left,
    }
    return OEmbedAnswer(**fields | ours)


def providers(context: AppContext) -> Response:
    """A list in the format of https://oembed.com/providers.json with this service as its endpoint."""
    endpoint = ProviderEndpoint(schemes(), context.oembed_url(), ["json"], True)
    kept = PAGES if context.settings.public_url else NO_STORE  # made from Host it is for nobody else
    return as_json([Provider(PROVIDER_NAME, PROVIDER_URL, [endpoint])], cache=kept)


def schemes() -> list[str]:
    """Every form of a Getty URL that names a picture."""
    places = [f"{host}/*" for host in sorted(SHORT_HOSTS)]
    places += [f"{EMBED_HOST}{path}" for path in FRAMES]
    places += [f"{MEDIA_HOST}{path}" for path in THUMBNAILS]
    places += [f"{host}{path}" for host in SITES for path in PAGES_OF_PICTURES]
    return [f"{scheme}://{place}" for place in places for scheme in ("https", "http")]


ROUTES = (
    Route(
        "/oembed",
        oembed,
        "One embed for an oEmbed consumer",
        "oEmbed",
        {200: Answer("The embed; its html is one responsive frame.", OEmbedAnswer)},
        query=OEmbedQuery,
        errors=(*FAILURES, "unsupported-format"),
        sample="/oembed?url=https://gty.im/74917285&maxwidth=594",
    ),
    Route(
        "/oembed/providers.json",
        providers,
        "This service as an entry of a provider list",
        "oEmbed",
        {200: Answer("A list in the format of oembed.com.", list[Provider])},
        errors=("configuration",),
    ),
)
