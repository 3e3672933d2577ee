"""What all requests to the API v3 have in common. The session that sends them adds key and token."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from embedkit.api.encoding import Params, encode, items
from embedkit.api.parameters import PAGE_SIZE, takes
from embedkit.errors import ConfigurationError, UnsupportedReference
from embedkit.getty.payload import one_line
from embedkit.getty.urls import EMBED_HOST, asset_ids, excerpt
from embedkit.messages import Request
from embedkit.settings import Settings
from embedkit.validation import short_repr

MAX_BYTES = 2 * 1024 * 1024  # a page of 100 pictures with all fields has a few hundred KB
MAX_REDIRECTS = 2  # "be prepared to follow redirects" (Getty's documentation); more would be a loop
MAX_PHRASE_CHARS = 1000
MAX_IDS = 100  # in one call
ENDPOINT = "api"
FIRST_PAGE: dict[str, Any] = {"page": 1, "page_size": PAGE_SIZE}
NO_DOCUMENT = object()

# The values of Accept-Language. Getty supports some only for iStock or creative pictures, and otherwise responds
# in English, as it does for unknown languages.
LANGUAGES = (
    *("cs", "de", "en-GB", "en-US", "es", "fi", "fr", "hu", "id", "it", "ja", "ko", "nl", "pl", "pt-BR", "pt-PT"),
    *("ro", "ru", "sv", "th", "tr", "uk", "vi", "zh-HK"),
)
DEFAULT_LANGUAGE = "en-US"
# Languages that are only listed with a country. Hong Kong writes the same Chinese as Taiwan and Macau, but readers
# of the mainland's are better served in English.
_NEAREST = {language.lower(): language for language in LANGUAGES} | {
    "en": "en-US",
    "pt": "pt-BR",
    **dict.fromkeys(("zh", "zh-hant", "zh-hant-hk", "zh-hant-tw", "zh-tw", "zh-mo"), "zh-HK"),
}


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The settings needed to build requests and decode responses.

    :param base: URL of the API, without a trailing slash.
    :param language: default language of responses.
    :param image_origins: allowed origins of pictures and files.
    :param api_origins: allowed origins of the API's links to itself.
    :param oembed_origins: allowed origins of ``uri_oembed``.
    :param hosts: hosts to which the API may redirect, and from which files may be downloaded.
    """

    base: str
    language: str
    image_origins: tuple[str, ...]
    api_origins: tuple[str, ...]
    oembed_origins: tuple[str, ...]
    hosts: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> ApiSettings:
        """Derive these from EMBEDKIT_API_BASE, _LOCALE, _IMAGE_ORIGINS and _OEMBED_ENDPOINT."""
        ours = (settings.api_base, *settings.image_origins)
        return cls(
            base=settings.api_base,
            language=nearest_language(settings.locale) or DEFAULT_LANGUAGE,
            image_origins=settings.image_origins,
            api_origins=("https://api.gettyimages.com", origin_of(settings.api_base)),
            oembed_origins=(f"https://{EMBED_HOST}", origin_of(settings.oembed_endpoint)),
            hosts=frozenset(urlsplit(origin).hostname or "" for origin in ours),
        )


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def nearest_language(locale: str) -> str | None:
    """Return the supported language nearest to a locale such as ``de-AT`` or ``pt_br``; None if there is none."""
    tag = locale.strip().lower().replace("_", "-")
    base = tag.partition("-")[0]
    return _NEAREST.get(tag) or (None if base == "zh" else _NEAREST.get(base))


def get(
    api: ApiSettings, path: str, params: Params = (), *, language: str | None = None, country: str | None = None
) -> Request:
    """Return a GET request.

    :param path: path below EMBEDKIT_API_BASE, already checked by the caller.
    :param language: language of the response; by default that of EMBEDKIT_LOCALE.
    :raises ConfigurationError: for an unsupported language.
    """
    headers = {"Accept": "application/json", "Accept-Language": _language(language, api)}
    if country:
        headers["GI-Country-Code"] = country
    return Request(
        api.base + path,
        endpoint=ENDPOINT,
        params=params,
        headers=headers,
        max_bytes=MAX_BYTES,
        redirects=MAX_REDIRECTS,
        hosts=api.hosts,
    )


def query(
    api: ApiSettings,
    endpoint: str,
    path: str,
    params: Mapping[str, Any],
    extra: Params = (),
    **defaults: Any,
) -> Request:
    """Return a GET request with the parameters of an endpoint; by default for the first page of a list.

    :param params: parameters from :mod:`embedkit.api.parameters`; None counts as not given.
    :param extra: parameters that are not arguments of the endpoint, such as the phrase.
    :param defaults: defaults for ``params``. If they include ``fields``, ``uri_oembed`` is always requested as
        well: it shows whether a picture may be embedded, and no set of fields includes it.
    :raises ConfigurationError: for parameters that the endpoint does not accept.
    """
    first = FIRST_PAGE if "page" in takes(endpoint) else {}
    asked = given(params, **first, **defaults)
    if "fields" in defaults:
        asked["fields"] = (*items("fields", asked["fields"] or defaults["fields"]), "uri_oembed")
    pairs = (*encode(endpoint, asked), *extra)
    country = asked["country"].strip().upper() if asked.get("country") else None
    return get(api, path, tuple(sorted(pairs)), language=asked.get("language"), country=country)


def phrase_of(phrase: object, kind: str = "a phrase") -> str:
    """Return a search phrase as one clean line, possibly empty.

    :raises ConfigurationError: if it is not a string, or too long.
    """
    if isinstance(phrase, str) and len(phrase) <= MAX_PHRASE_CHARS:
        return one_line(phrase, MAX_PHRASE_CHARS)
    raise ConfigurationError(f"This is not {kind}.", hint=f"Use a text of at most {MAX_PHRASE_CHARS} characters.")


def given(params: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the parameters merged over the defaults; None counts as not given."""
    return defaults | {name: value for name, value in params.items() if value is not None}


def page_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return page number and page size from parameters that have been checked."""
    return {name: int(params.get(name) or default) for name, default in FIRST_PAGE.items()}


def write(
    api: ApiSettings, method: str, path: str, params: Params = (), *, document: Any = NO_DOCUMENT
) -> Request:
    """Return a request that changes something, and so is never repeated or redirected.

    :param document: body, sent as ASCII-only JSON; by default there is none.
    """
    request = replace(get(api, path, params), method=method, redirects=0, hosts=frozenset())
    if document is NO_DOCUMENT:
        return request
    headers = {**request.headers, "Content-Type": "application/json"}
    return replace(request, headers=headers, body=json.dumps(document, allow_nan=False).encode())


def asset_id(text: str) -> str:
    """Return a single asset ID in lower case.

    :raises UnsupportedReference: if the text is not exactly one asset ID.
    """
    found = asset_ids(text) if isinstance(text, str) else ()
    if len(found) != 1:
        given = excerpt(text if isinstance(text, str) else short_repr(text))
        raise UnsupportedReference(f"{given!r} is not an asset ID.", hint="Pass the ID of one picture.")
    return found[0]


def ids_param(ids: Sequence[object]) -> Params:
    """Return the parameter with the IDs of one call.

    :raises ConfigurationError: for no IDs, or more than 100.
    """
    if not 1 <= len(ids) <= MAX_IDS:
        raise ConfigurationError(f"One call can't request {len(ids)} IDs.", hint=f"Pass 1 to {MAX_IDS} IDs.")
    return (("ids", ",".join(map(str, ids))),)


def distinct_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Return distinct asset IDs in lower case, in their order.

    :param ids: IDs, or a single ID as a string, since its characters would otherwise count as IDs.
    :raises UnsupportedReference: for an invalid asset ID.
    """
    return tuple(dict.fromkeys(map(asset_id, [ids] if isinstance(ids, str) else ids)))


def _language(tag: str | None, api: ApiSettings) -> str:
    if tag is None:
        return api.language
    if isinstance(tag, str) and (found := nearest_language(tag)):
        return found
    raise ConfigurationError(
        f"Unsupported language {short_repr(tag)}.", hint=f"Use one of {', '.join(LANGUAGES)}."
    )
