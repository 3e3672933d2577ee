"""Requests to the API v3, as far as they are all alike. Who asks is added by the session that sends them."""

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

MAX_BYTES = 2 * 1024 * 1024  # a page of 100 pictures with all their fields has a few 100 KB
MAX_REDIRECTS = 2  # "be prepared to follow redirects" (Getty's documentation); more would be a loop
MAX_PHRASE_CHARS = 1000
MAX_IDS = 100  # in one call
ENDPOINT = "api"
FIRST_PAGE: dict[str, Any] = {"page": 1, "page_size": PAGE_SIZE}
NO_DOCUMENT = object()

# The values of Accept-Language. Some are for iStock or for creative pictures alone; for the rest Getty answers
# in English, as for any language that it does not know.
LANGUAGES = (
    *("cs", "de", "en-GB", "en-US", "es", "fi", "fr", "hu", "id", "it", "ja", "ko", "nl", "pl", "pt-BR", "pt-PT"),
    *("ro", "ru", "sv", "th", "tr", "uk", "vi", "zh-HK"),
)
DEFAULT_LANGUAGE = "en-US"
# Of a language that stands in the list with a country only. Hong Kong writes as Taiwan and Macau do, and
# not as the mainland does: who reads that is better served in English.
_NEAREST = {language.lower(): language for language in LANGUAGES} | {
    "en": "en-US",
    "pt": "pt-BR",
    **dict.fromkeys(("zh", "zh-hant", "zh-hant-hk", "zh-hant-tw", "zh-tw", "zh-mo"), "zh-HK"),
}


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What requests and the reading of answers depend on; made once for a client.

    :param base: URL of the API, without a slash at the end.
    :param language: of answers, where a call names none.
    :param image_origins: where pictures and files may come from.
    :param api_origins: where the API's links to itself may lead.
    :param oembed_origins: where ``uri_oembed`` may lead.
    :param hosts: where the API may redirect to, and where files may come from.
    """

    base: str
    language: str
    image_origins: tuple[str, ...]
    api_origins: tuple[str, ...]
    oembed_origins: tuple[str, ...]
    hosts: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> ApiSettings:
        """Those of EMBEDKIT_API_BASE, EMBEDKIT_LOCALE, EMBEDKIT_IMAGE_ORIGINS and EMBEDKIT_OEMBED_ENDPOINT."""
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
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def nearest_language(locale: str) -> str | None:
    """The language nearest to a locale such as ``de-AT`` or ``pt_br``; None where that language is not offered."""
    tag = locale.strip().lower().replace("_", "-")
    base = tag.partition("-")[0]
    return _NEAREST.get(tag) or (None if base == "zh" else _NEAREST.get(base))


def get(
    api: ApiSettings, path: str, params: Params = (), *, language: str | None = None, country: str | None = None
) -> Request:
    """A request that reads.

    :param path: after EMBEDKIT_API_BASE; the caller has checked what goes into it.
    :param language: of the answer; that of EMBEDKIT_LOCALE by default.
    :raises ConfigurationError: for a language that is not offered.
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
    """A request that reads, with the parameters of an endpoint; by default for the first page of a list.

    :param params: of :mod:`embedkit.api.parameters`; None counts as not given.
    :param extra: parameters that are not arguments of the endpoint, such as the phrase.
    :param defaults: what is sent where ``params`` has none. No set of fields has ``uri_oembed``, which shows
        whether a picture may be embedded, so it is requested beside all others.
    :raises ConfigurationError: for what the endpoint does not take.
    """
    first = FIRST_PAGE if "page" in takes(endpoint) else {}
    asked = given(params, **first, **defaults)
    if "fields" in defaults:
        asked["fields"] = (*items("fields", asked["fields"] or defaults["fields"]), "uri_oembed")
    pairs = (*encode(endpoint, asked), *extra)
    country = asked["country"].strip().upper() if asked.get("country") else None
    return get(api, path, tuple(sorted(pairs)), language=asked.get("language"), country=country)


def phrase_of(phrase: object, kind: str = "a phrase") -> str:
    """What is searched for, as one clean line; it may be empty.

    :raises ConfigurationError: for what is not a text, or a longer one.
    """
    if isinstance(phrase, str) and len(phrase) <= MAX_PHRASE_CHARS:
        return one_line(phrase, MAX_PHRASE_CHARS)
    raise ConfigurationError(f"This is not {kind}.", hint=f"Use a text of at most {MAX_PHRASE_CHARS} characters.")


def given(params: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """Parameters over defaults; None counts as not given."""
    return defaults | {name: value for name, value in params.items() if value is not None}


def page_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Which page parameters name, and of what size; they have been checked."""
    return {name: int(params.get(name) or default) for name, default in FIRST_PAGE.items()}


def write(
    api: ApiSettings, method: str, path: str, params: Params = (), *, document: Any = NO_DOCUMENT
) -> Request:
    """A request that changes something, so it is never sent twice, and never redirected.

    :param document: sent as JSON, in ASCII; by default there is no body.
    """
    request = replace(get(api, path, params), method=method, redirects=0, hosts=frozenset())
    if document is NO_DOCUMENT:
        return request
    headers = {**request.headers, "Content-Type": "application/json"}
    return replace(request, headers=headers, body=json.dumps(document, allow_nan=False).encode())


def asset_id(text: str) -> str:
    """One asset ID, in lower case.

    :raises UnsupportedReference: for anything else.
    """
    found = asset_ids(text) if isinstance(text, str) else ()
    if len(found) != 1:
        given = excerpt(text if isinstance(text, str) else short_repr(text))
        raise UnsupportedReference(f"{given!r} is not an asset ID.", hint="Pass the ID of one picture.")
    return found[0]


def ids_param(ids: Sequence[object]) -> Params:
    """The IDs of one call.

    :raises ConfigurationError: for none, and for more than 100.
    """
    if not 1 <= len(ids) <= MAX_IDS:
        raise ConfigurationError(f"One call can't ask for {len(ids)} IDs.", hint=f"Pass 1 to {MAX_IDS} IDs.")
    return (("ids", ",".join(map(str, ids))),)


def distinct_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Asset IDs in lower case, each once, in order.

    :param ids: or one ID: a text is a sequence of its characters, too, and a digit is an asset ID.
    :raises UnsupportedReference: for what is not an asset ID.
    """
    return tuple(dict.fromkeys(map(asset_id, [ids] if isinstance(ids, str) else ids)))


def _language(tag: str | None, api: ApiSettings) -> str:
    if tag is None:
        return api.language
    if isinstance(tag, str) and (found := nearest_language(tag)):
        return found
    raise ConfigurationError(
        f"There is no language {short_repr(tag)}.", hint=f"Use one of {', '.join(LANGUAGES)}."
    )
