"""The picker as a page, which can be framed, opened by an editor, or used on its own.

Without JavaScript, the page is a form with results and a pager, rendered on the server. With JavaScript, the
element of ``embedkit-picker.js`` replaces it.
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
# Links, IDs, shortcodes and embed code, as in the script (picker/model.js); anything else is a search phrase.
REFERENCE = re.compile(
    r"\d{5}[\d\s,]*$|[a-z]?\d{3,}-\d{3,}\w?$|(?:id\s*:|#)\s*[\w,-]*\d|(?:https?:)?//"
    r"|(?:www\.)?(?:gty\.im|gettyimages\.\S+?)/|\[getty\b|.*(?:<[a-z]|gie\.widgets)",
    re.IGNORECASE | re.DOTALL,
)
NAMED = re.compile(r"(?:id\s*:|#)\s*", re.IGNORECASE)
ADVICE = {UnsupportedReference: "reference", NotFound: "withdrawn", NotEmbeddable: "refused"}  # keys in locales/
SEARCHED = ("q", "family", "orientations", "sort_order", "lang")


@dataclass(frozen=True, slots=True)
class PickerResults:
    """The results of a search without JavaScript: images, or the reason why there are none."""

    images: list[JSON]
    total: int = 0
    pages: int = 0
    failure: str = ""
    status: int = 200
    headers: Mapping[str, str] | None = None
    left: int | None = None  # remaining searches today, if few
    resolved: bool = False  # the query was a reference


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
    response.headers["Referrer-Policy"] = "no-referrer"  # without JavaScript, the URL contains the grant
    response.headers.pop("Cross-Origin-Opener-Policy", None)  # the page needs its opener
    return in_language(response, language)


def policy(settings: Settings) -> str:
    """Return the page's policy: it can load our files, previews and frames, and be framed by PICKER_ORIGINS."""
    framers = " ".join(settings.picker_origins) or "'self'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        f" img-src 'self' {' '.join(settings.image_origins)};"
        f" frame-src 'self' {origin_of(settings.frame_origin)}; frame-ancestors {framers};"
        " base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"
    )


@cache
def languages() -> tuple[str, ...]:
    """Return the picker's languages, each a file in static/locales."""
    return tuple(sorted(path.stem for path in (static_dir() / "locales").glob("*.json")))


@cache
def words(language: str) -> JSON:
    """Return the picker's texts in one of its languages."""
    found: JSON = json.loads((static_dir() / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def _texts(own: JSON, params: PickerQuery, found: PickerResults | None) -> dict[str, Any]:
    """Return the texts for the template, with the number of results."""
    total = found.total if found else 0
    first = (params.page - 1) * PAGE_SIZE + 1
    count = own["count"].format(shown=f"{first}–{first + len(found.images) - 1}" if found else "", total=total)
    return {
        "words": own,
        "few": own["budget"].format(count=found.left) if found and found.left is not None else "",
        "says": _summary(own, params, found, count),
    }


def _summary(own: JSON, params: PickerQuery, found: PickerResults | None, count: str) -> str:
    if found and found.resolved:
        forms = own["resolved"]
        return str(forms.get("one", forms["other"]).format(n=1))
    return count if found and found.total else str(own["none_title"].format(query=params.q))


def _params() -> tuple[PickerQuery, str]:
    """Return the query and, if it is invalid, an error message to show above the form."""
    try:
        return read_query(PickerQuery), ""
    except Refused as error:
        return PickerQuery(), str(error)


def _language(lang: str | None) -> str:
    """Return the picker's language that best matches the query's, or the browser's preference."""
    return next(filter(None, map(_ours, preferred_languages(lang))), "en")


def _ours(tag: str) -> str | None:
    first = tag.lower().partition("-")[0]
    return next((one for one in languages() if one.lower().partition("-")[0] == first), None)


def _found(context: AppContext, params: PickerQuery, own: JSON) -> PickerResults:
    """Return the picture of a reference, the results of a search, or the reason why there are none."""
    try:
        if REFERENCE.match(params.q.strip()):
            return _resolved(context, params)
        return _results(context, params)
    except ConfigurationError:
        raise
    except EmbedKitError as error:
        advice = ADVICE.get(type(error))
        text = f"{own[f'{advice}_title']}. {own[f'{advice}_text']}" if advice else str(error)
        return PickerResults([], failure=text, status=error.http_status, headers=headers_of(error))


def _resolved(context: AppContext, params: PickerQuery) -> PickerResults:
    """Return the picture or slideshow of a reference. Like frame pages, this requires no credentials."""
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
        count_credential(credential)  # the page is open, so only the IP address has been counted yet
    take_place()
    given = {name: value for name in SEARCHED if (value := getattr(params, name)) is not None}
    query = SearchQuery(**given, page=params.page, page_size=PAGE_SIZE)
    found = search.find(context, query, read_language(params.lang, context.settings))
    images = [image_json(image) for image in found.images]
    return PickerResults(images, found.total, found.pages, left=context.kit.api.search.budget.low())


def _pager(params: PickerQuery, found: PickerResults) -> dict[str, str]:
    """Return the URLs of the previous and next page."""
    pages = {"previous": params.page - 1, "next": params.page + 1}
    return {name: page_url(page) for name, page in pages.items() if 1 <= page <= found.pages}


def _kept(params: PickerQuery) -> dict[str, Any]:
    """Return the parameters that the form passes on in hidden fields."""
    return {
        name: value for name in ("lang", "grant", "host", "origin", "nonce") if (value := getattr(params, name))
    }


def _is_sandbox(settings: Settings) -> bool:
    return (urlsplit(settings.api_base).hostname or "") in LOOPBACK


ROUTES = (
    Route(
        "/picker",
        picker,
        "Show the picker",
        {200: Answer("The page.", media="text/html")},
        query=PickerQuery,
        errors=("token-required", "forbidden", "not-configured", *SEARCHING),
        sample="/picker?q=solar%20eclipse",
        paged=True,
        group="Pages",
    ),
)
