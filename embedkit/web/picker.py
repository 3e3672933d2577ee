"""The picker as a page: to be framed, to be opened by an editor, or as it stands, with JavaScript or without.

Without it this page is the picker: a form, results and a pager, made here. With it the element of
``embedkit-picker.js`` takes the place of all that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response, url_for

from embedkit.api.models import image_json
from embedkit.api.requests import origin_of
from embedkit.errors import ConfigurationError, EmbedKitError, NotEmbeddable, NotFound, UnsupportedReference
from embedkit.files.installed import static_dir
from embedkit.models import JSON, Embed, Options, credit_line
from embedkit.settings import Secret, Settings
from embedkit.shortcodes import scan
from embedkit.validation import LOOPBACK
from embedkit.web import search
from embedkit.web.auth import authorize
from embedkit.web.bulkhead import take_place
from embedkit.web.context import AppContext
from embedkit.web.errors import SEARCHING, Refused, headers_of
from embedkit.web.pages import page
from embedkit.web.picker_files import ENTRY, PAGE, picker_files
from embedkit.web.rate_limit import admit_cold, count_credential
from embedkit.web.request import page_url, preferred_languages, read_language, read_query
from embedkit.web.response import in_language
from embedkit.web.routes import Answer, Route
from embedkit.web.schemas import PickerQuery, SearchQuery

PAGE_SIZE = 25
# Links, IDs, shortcodes, embed code, as the script recognises them (picker/images.js); all else is searched for.
REFERENCE = re.compile(
    r"\d{5}[\d\s,]*$|[a-z]?\d{3,}-\d{3,}\w?$|(?:id\s*:|#)\s*[\w,-]*\d|(?:https?:)?//"
    r"|(?:www\.)?(?:gty\.im|gettyimages\.\S+?)/|\[getty\b|.*(?:<[a-z]|gie\.widgets)",
    re.IGNORECASE | re.DOTALL,
)
NAMED = re.compile(r"(?:id\s*:|#)\s*", re.IGNORECASE)
ADVICE = {UnsupportedReference: "reference", NotFound: "withdrawn", NotEmbeddable: "refused"}  # the words for it
SEARCHED = ("q", "family", "orientations", "sort_order", "lang")


@dataclass(frozen=True, slots=True)
class PickerResults:
    """What a search without JavaScript came to: images, or the words that say why there are none."""

    images: list[JSON]
    total: int = 0
    pages: int = 0
    failure: str = ""
    status: int = 200
    headers: Mapping[str, str] | None = None
    left: int | None = None  # searches of today, where they are about to end
    resolved: bool = False  # what was asked for is a reference


def picker(context: AppContext) -> Response:
    params, failure = _params()
    language = _language(params.lang)
    files = picker_files()
    found = None if failure or not params.q.strip() else _found(context, params, words(language))
    response = page(
        context.settings,
        "picker.html",
        policy=policy(context.settings),
        status=found.status if found else 400 if failure else 200,
        language=language,
        params=params,
        failure=failure or (found and found.failure),
        found=found,
        pager=_pager(params, found) if found else {},
        kept=_kept(params),
        endpoint=url_for(".picker").removesuffix("picker"),
        sample=_is_sandbox(context.settings),
        release=url_for(".static", filename=files.folder),
        modules=(files.modules[ENTRY], *files.imported),
        script=files.modules[PAGE],
        **_texts(words(language), params, found),
    )
    response.headers.extend(dict(found.headers or {}) if found else {})
    response.headers["Referrer-Policy"] = "no-referrer"  # without JavaScript a grant stands in the URL
    response.headers.pop("Cross-Origin-Opener-Policy", None)  # the page has to know who opened it
    return in_language(response, language)


def policy(settings: Settings) -> str:
    """What the page may load: our own files, previews of pictures, frames; and who may frame it."""
    framers = " ".join(settings.picker_origins) or "'self'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        f" img-src 'self' {' '.join(settings.image_origins)};"
        f" frame-src 'self' {origin_of(settings.frame_origin)}; frame-ancestors {framers};"
        " base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"
    )


@cache
def languages() -> tuple[str, ...]:
    """Those of our own words: a file of static/locales each."""
    return tuple(sorted(path.stem for path in (static_dir() / "locales").glob("*.json")))


@cache
def words(language: str) -> JSON:
    """Our own words in one of the languages, each of which has them all."""
    found: JSON = json.loads((static_dir() / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def _texts(own: JSON, params: PickerQuery, found: PickerResults | None) -> dict[str, Any]:
    """What the template says in a language: the words, and how much there is."""
    total = found.total if found else 0
    first = (params.page - 1) * PAGE_SIZE + 1
    count = own["count"].format(shown=f"{first}–{first + len(found.images) - 1}" if found else "", total=total)
    return {
        "words": own,
        "few": own["budget"].format(count=found.left) if found and found.left is not None else "",
        "says": _says(own, params, found, count),
    }


def _says(own: JSON, params: PickerQuery, found: PickerResults | None, count: str) -> str:
    if found and found.resolved:
        forms = own["resolved"]
        return str(forms.get("one", forms["other"]).format(n=1))
    return count if found and found.total else str(own["none_title"].format(query=params.q))


def _params() -> tuple[PickerQuery, str]:
    """The query; and of one that does not fit, why: the page asks for it again."""
    try:
        return read_query(PickerQuery), ""
    except Refused as error:
        return PickerQuery(), str(error)


def _language(lang: str | None) -> str:
    """The language of ours that comes nearest to that of the query, or to what the browser prefers."""
    return next(filter(None, map(_ours, preferred_languages(lang))), "en")


def _ours(tag: str) -> str | None:
    first = tag.lower().partition("-")[0]
    return next((one for one in languages() if one.lower().partition("-")[0] == first), None)


def _found(context: AppContext, params: PickerQuery, own: JSON) -> PickerResults:
    """The picture that a reference names, or what a search finds; or why there is none."""
    try:
        if REFERENCE.match(params.q.strip()):
            return _resolved(context, params)
        return _results(context, params)
    except ConfigurationError:
        raise
    except EmbedKitError as error:
        advice = ADVICE.get(type(error))
        says = f"{own[f'{advice}_title']}. {own[f'{advice}_text']}" if advice else str(error)
        return PickerResults([], failure=says, status=error.http_status, headers=headers_of(error))


def _resolved(context: AppContext, params: PickerQuery) -> PickerResults:
    """The one picture, or slideshow, that a reference names. As for frames, nobody has to log in for that."""
    take_place()
    ref = context.kit.parse(NAMED.sub("", params.q.strip(), count=1))
    embed = context.kit.engine.resolve(ref, Options(), admit=admit_cold).sized(Options())
    return PickerResults([_picture(embed)], total=1, resolved=True)


def _picture(embed: Embed) -> JSON:
    thumb = {"url": embed.thumbnail_url, "width": embed.thumbnail_width, "height": embed.thumbnail_height}
    return {
        "id": str(embed.ref),
        "title": embed.title,
        "page_url": embed.page_url,
        "thumb": thumb if embed.thumbnail_url else None,
        "credit": {"line": credit_line(embed.photographer, embed.collection)},
        "shortcode": scan.format(embed.ref),
    }


def _results(context: AppContext, params: PickerQuery) -> PickerResults:
    credential = authorize(context, "search", Secret(params.grant) if params.grant else None)
    if credential:
        count_credential(credential)  # the page is open, so the guard has counted the address alone
    take_place()
    given = {name: value for name in SEARCHED if (value := getattr(params, name)) is not None}
    query = SearchQuery(**given, page=params.page, page_size=PAGE_SIZE)
    found = search.find(context, query, read_language(params.lang, context.settings))
    images = [image_json(image) for image in found.images]
    return PickerResults(images, found.total, found.pages, left=context.kit.api.search.budget.low())


def _pager(params: PickerQuery, found: PickerResults) -> dict[str, str]:
    """The URLs of the pages before and after."""
    beside = {"previous": params.page - 1, "next": params.page + 1}
    return {name: page_url(page) for name, page in beside.items() if 1 <= page <= found.pages}


def _kept(params: PickerQuery) -> dict[str, Any]:
    """What the form does not ask, and the next page has to know all the same."""
    return {
        name: value for name in ("lang", "grant", "host", "origin", "nonce") if (value := getattr(params, name))
    }


def _is_sandbox(settings: Settings) -> bool:
    return (urlsplit(settings.api_base).hostname or "") in LOOPBACK


ROUTES = (
    Route(
        "/picker",
        picker,
        "The picker, as a page",
        {200: Answer("The page.", media="text/html")},
        query=PickerQuery,
        errors=("token-required", "forbidden", "not-configured", *SEARCHING),
        sample="/picker?q=solar%20eclipse",
        paged=True,
        group="Pages",
    ),
)
