"""The routes for embeds: single ones, batches, whole texts, and purging.

They return JSON. An oEmbed 1.0 endpoint lets any oEmbed consumer use embedkit without a plugin
(https://oembed.com).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec
from flask import Response, request

from embedkit.engine.documents import TextTooLarge
from embedkit.errors import EmbedKitError, Unavailable, UnsupportedReference
from embedkit.getty import embed_code
from embedkit.getty.urls import EMBED_HOST, MEDIA_HOST, SHORT_HOSTS, SITES, asset_ids
from embedkit.models import JSON, AssetRef, Document, Embed, Options, Problem
from embedkit.shortcodes.budget import REQUEST
from embedkit.targets import Input, Target
from embedkit.web import response, schemas
from embedkit.web.context import AppContext
from embedkit.web.errors import FAILURES, Refused, retry_after
from embedkit.web.rate_limit import admit_cold, network
from embedkit.web.request import Item, read_batch, read_body, read_options, read_query
from embedkit.web.response_cache import mark_cacheable
from embedkit.web.routes import KIB, Answer, Link, Route


def embed(context: AppContext, ref: str) -> Response:
    parsed = context.kit.parse(ref)
    wanted = read_options(read_query(schemas.EmbedQuery)).over(parsed.options)
    found = _find(context, parsed, wanted)
    item = _item(context, found, wanted)
    answer = response.as_json(item, cache=context.lifetime(found), about={**item, "cache_age": 0})
    return context.label(answer, found)


def batch(context: AppContext) -> Response:
    params, items = read_batch()
    refs = [_reference(context, item, params.target) for item in items]
    found = context.kit.engine.resolve_many(refs, admit=admit_cold)
    results = zip(items, refs, found, strict=True)
    return response.as_json({"embeds": [_outcome(context, *result) for result in results]})


def render(context: AppContext) -> Response:
    """Replace every reference in a text, or in several texts, each with its own error."""
    with context.large_texts.admit(network(request.remote_addr or ""), request.content_length):
        params = read_body(schemas.RenderRequest)
        found = _documents(context, params)
        if params.texts is not msgspec.UNSET:
            return response.as_json({"texts": [_rendered(context, *one) for one in enumerate(found)]})
        if isinstance(found[0], TextTooLarge):
            raise _too_large(found[0], "Send it in parts.")
        return response.as_json(_rendered(context, 0, found[0]))


def _rendered(context: AppContext, index: int, document: Document | TextTooLarge) -> JSON:
    """Return a rendered text. One that exceeds the shared budget might fit into a request of its own."""
    if isinstance(document, TextTooLarge):
        hint = "Send it in another request." if index else "Send it in parts."
        return {"error": _error(_too_large(document, hint))}
    embeds = [embed.as_json(context.clock()) for embed in document.embeds]
    problems = [_problem(problem) for problem in document.problems]
    return {"content": document.content, "embeds": embeds, "problems": problems}


def _problem(problem: Problem) -> JSON:
    """Return a problem as JSON; a temporary one includes when to send the text again."""
    return problem._replace(retry_after=retry_after(problem.code, problem.retry_after)).as_json()


def _too_large(error: TextTooLarge, hint: str) -> Refused:
    problem = error.problem
    limit, where = problem.detail.partition(";")[0], f"line {problem.line}, column {problem.column}"
    return Refused("too-large", f"{limit}, and those of a request together (reached in {where}).", hint=hint)


def convert(context: AppContext) -> Response:
    """Convert the embed code in a text to shortcodes, without calling Getty Images."""
    with context.large_texts.admit(network(request.remote_addr or ""), request.content_length):
        params = read_body(schemas.ConvertRequest)
        done = embed_code.convert(params.content, params.input, REQUEST)
        problems = [problem.as_json() for problem in done.problems]
        return response.as_json({"content": done.text, "converted": done.converted, "problems": problems})


def purge(context: AppContext, ref: str) -> Response:
    """Delete every cached copy of a picture: 404 if there was none, 503 if that is unknown."""
    if not context.kit.purge(ref):
        if context.kit.status()["store"]["read"] != "ok":
            raise Unavailable("The picture was purged, but the cache can't be read to tell if it had a copy.")
        raise Refused("not-found", "The picture is not in the cache, so there is nothing to purge.")
    return Response(status=204, headers={"Cache-Control": response.NO_STORE})


def _find(context: AppContext, ref: AssetRef, options: Options) -> Embed:
    entry = context.kit.engine.resolve(ref, options, admit=admit_cold)
    mark_cacheable(entry, options)
    return entry.sized(options)


def _item(context: AppContext, found: Embed, options: Options) -> JSON:
    target = cast(Target, options.target or context.settings.target)
    shown = str(context.kit.show(found, replace(options, target=target)))
    assets = context.kit.assets(target)
    return {**found.as_json(context.clock()), "target": target, "html": shown, "assets": assets}


def _reference(context: AppContext, item: Item, target: Target | None) -> AssetRef | EmbedKitError:
    """Return an item of a batch as a reference with options, or its error, which doesn't affect other items."""
    if isinstance(item.value, EmbedKitError):
        return item.value
    try:
        ref, options = context.kit.parse(item.value.ref), read_options(item.value)
    except EmbedKitError as error:
        return error
    wanted = options.over(ref.options)
    return AssetRef(ref.items, replace(wanted, target=target or wanted.target))


def _outcome(context: AppContext, item: Item, ref: AssetRef | EmbedKitError, found: Embed | EmbedKitError) -> JSON:
    try:
        if isinstance(ref, AssetRef) and isinstance(found, Embed):
            return _item(context, found, ref.options)
    except EmbedKitError as error:  # from the host's own template
        found = error
    return {"ref": item.written, "error": _error(cast(EmbedKitError, found))}


def _error(error: EmbedKitError) -> JSON:
    later = retry_after(error.code, error.retry_after)
    return error.as_json() | ({"retry_after": later} if later else {})


def _documents(context: AppContext, params: schemas.RenderRequest) -> list[Document | TextTooLarge]:
    """Return the texts as documents, within the budget of one request, which counts once as such."""
    texts = _texts(params)
    if params.pasted:
        texts = [(embed_code.convert(text, input, REQUEST).text, input) for text, input in texts]
    return context.kit.engine.bounded_documents(texts, budget=REQUEST, target=params.target, admit=admit_cold)


def _texts(params: schemas.RenderRequest) -> list[tuple[str, Input]]:
    """Return the text, or the texts of the list, each with its input format.

    :raises Refused: if the request has neither, or both.
    """
    if params.texts is msgspec.UNSET:
        if params.content is msgspec.UNSET:
            raise Refused("invalid-request", "content is missing. Pass content, or a list of texts.")
        return [(params.content, params.input or "html")]
    if params.content is not msgspec.UNSET or params.input is not msgspec.UNSET:
        raise Refused("invalid-request", "Pass either content and input, or texts, each with its own input.")
    return [(one.content, one.input) for one in params.texts]


PROVIDER_NAME = "Getty Images"
PROVIDER_URL = "https://www.gettyimages.com"

# The paths that getty/urls.py recognizes, with the wildcards of https://oembed.com (section 2.1).
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
THUMBNAIL = ("thumbnail_url", "thumbnail_width", "thumbnail_height")  # a response has all three or none


def oembed(context: AppContext) -> Response:
    params = read_query(schemas.OEmbedQuery)
    if params.format.lower() != "json":
        raise Refused("unsupported-format", "Only format=json is supported.")
    ref = _picture(context, params.url)
    wanted = replace(read_options(params).over(ref.options), target="oembed")
    found = _find(context, ref, wanted)
    answer = _answer(context, found, wanted)
    about = msgspec.structs.replace(answer, cache_age=0)
    return context.label(response.as_json(answer, cache=context.lifetime(found), about=about), found)


def _picture(context: AppContext, url: str) -> AssetRef:
    """Return the reference of a Getty URL, or of a page ``/embed/<ref>`` of this service.

    Only PUBLIC_URL determines which pages are ours, because the client controls the Host header.
    """
    page, public = _page(url), _page(f"{context.settings.public_url}/embed/")
    if page and public and (_site(page), _folder(page)) == (_site(public), _folder(public)):
        options = read_options(read_query(schemas.FrameQuery, dict(parse_qsl(page.query))), "oembed")
        return AssetRef(asset_ids(unquote(page.path.rpartition("/")[2])), options)
    try:
        return context.kit.parse(url)
    except UnsupportedReference as error:
        if page and not public:
            hint = "For pages of this service, set EMBEDKIT_PUBLIC_URL, such as https://embeds.example.org."
            raise UnsupportedReference(error.message, hint=hint) from None
        raise


def _page(url: str) -> SplitResult | None:
    """Return the parts of a URL whose path ends like that of our pages, without user info; None for any other."""
    try:
        parts = urlsplit(url)
        ours = parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
        return parts if ours and _folder(parts).endswith("/embed") and _site(parts) else None
    except ValueError:  # an invalid port or IPv6 address
        return None


def _site(page: SplitResult) -> tuple[str | None, int | None]:
    """Return the host and port; http and https count as the same site."""
    return page.hostname, None if page.port in (80, 443) else page.port


def _folder(page: SplitResult) -> str:
    return page.path.rpartition("/")[0]


def _answer(context: AppContext, embed: Embed, options: Options) -> schemas.OEmbedAnswer:
    """Return the response, in Getty's own order. ``type`` is always rich, because our response contains html."""
    fields: dict[str, Any] = {name: getattr(embed, name, None) for name in schemas.OEmbedAnswer.__struct_fields__}
    fields |= {} if _thumbnail_fits(embed, options) else dict.fromkeys(THUMBNAIL)
    ours = {
        "type": "rich",
        "version": "1.0",
        "html": str(context.kit.show(embed, options)),
        "provider_name": PROVIDER_NAME,
        "provider_url": PROVIDER_URL,
        "author_name": embed.photographer,
        "cache_age": context.seconds_left(embed),
    }
    return schemas.OEmbedAnswer(**fields | ours)


def _thumbnail_fits(embed: Embed, options: Options) -> bool:
    """Return whether the thumbnail is within the limits, as required by oEmbed 1.0, section 2.3.4."""
    limits = (options.max_width, embed.thumbnail_width), (options.max_height, embed.thumbnail_height)
    return all(most is None or (size is not None and size <= most) for most, size in limits)


def providers(context: AppContext) -> Response:
    """Return a list in the format of https://oembed.com/providers.json with this service as its endpoint."""
    own = [f"{context.settings.public_url}/embed/*"] if context.settings.public_url else []
    endpoint = schemas.ProviderEndpoint([*own, *schemes()], context.oembed_url(), ["json"], True)
    # a response built from Host must not be shared
    kept = response.PAGES if context.settings.public_url else response.NO_STORE
    return response.as_json([schemas.Provider(PROVIDER_NAME, PROVIDER_URL, [endpoint])], cache=kept)


def schemes() -> list[str]:
    """Return every form of a Getty URL that identifies a picture."""
    places = [f"{host}/*" for host in sorted(SHORT_HOSTS)]
    places += [f"{EMBED_HOST}{path}" for path in FRAMES]
    places += [f"{MEDIA_HOST}{path}" for path in THUMBNAILS]
    places += [f"{host}{path}" for host in SITES for path in PAGES_OF_PICTURES]
    return [f"{scheme}://{place}" for place in places for scheme in ("https", "http")]


REF = {"ref": "An asset ID, or up to five separated by commas. For URLs, use POST /v1/embeds."}

ProviderRoute = partial(Route, group="oEmbed", public=True)
EmbedRoute = partial(Route, group="Embeds")
TextRoute = partial(Route, group="Documents", method="POST", max_body_bytes=2048 * KIB)

ROUTES = (
    ProviderRoute(
        "/oembed",
        oembed,
        "Get an embed as an oEmbed consumer",
        {200: Answer("The embed. Its html is a single responsive frame.", schemas.OEmbedAnswer)},
        query=schemas.OEmbedQuery,
        errors=(*FAILURES, "unsupported-format"),
        sample="/oembed?url=https://gty.im/74917285&maxwidth=594",
    ),
    ProviderRoute(
        "/oembed/providers.json",
        providers,
        "List this service as an oEmbed provider",
        {200: Answer("A provider list in the format of oembed.com.", list[schemas.Provider])},
        errors=("configuration",),
    ),
    EmbedRoute(
        "/v1/embeds/<ref>",
        embed,
        "Get an embed",
        {200: Answer("The embed as data, and its HTML for the target.", schemas.EmbedAnswer)},
        query=schemas.EmbedQuery,
        errors=FAILURES,
        parameters=REF,
        links=(
            Link("frame", {"ref": "$response.body#/ref"}),
            Link("oembed", {"url": "$response.body#/page_url"}),
            Link("render", body={"content": "[getty {$response.body#/ref}]", "input": "markdown"}),
            Link("purge", {"ref": "$response.body#/ref"}),
        ),
        sample="/v1/embeds/74917285?target=web&maxwidth=594",
    ),
    EmbedRoute(
        "/v1/embeds",
        batch,
        "Get up to 100 embeds",
        {200: Answer("The embeds in the order of the request, each with its own error.", schemas.BatchAnswer)},
        method="POST",
        body=schemas.BatchRequest,
        links=(Link("embed", {"ref": "$response.body#/embeds/0/ref"}),),
        sample={"refs": ["https://gty.im/74917285", {"ref": "840894796", "maxwidth": 480}], "target": "web"},
    ),
    EmbedRoute(
        "/v1/embeds/<ref>",
        purge,
        "Purge a picture from the cache",
        {204: Answer("All cached copies were deleted.", media="")},
        method="DELETE",
        errors=("not-found", "unsupported"),
        access="purge",
        parameters=REF,
        sample="/v1/embeds/74917285",
    ),
    TextRoute(
        "/v1/render",
        render,
        "Render the shortcodes and links in one or more texts",
        {200: Answer("The rendered text or texts, with fallbacks and their problems.", schemas.RenderAnswer)},
        body=schemas.RenderRequest,
        links=(Link("embed", {"ref": "$response.body#/embeds/0/ref"}),),
        sample={"content": "Dusk at last: [getty 74917285]", "input": "markdown", "target": "web"},
    ),
    TextRoute(
        "/v1/convert",
        convert,
        "Convert pasted embed code in a text to shortcodes",
        {200: Answer("The converted text, otherwise unchanged.", schemas.ConvertAnswer)},
        body=schemas.ConvertRequest,
        sample={"content": "<p>Dusk at last.</p>", "input": "html"},
    ),
)
