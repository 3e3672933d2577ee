"""Asset IDs, lists of asset IDs, and the Getty Images URLs that contain them.

A URL is accepted only as a whole: an exact host, a known path, and nothing that two parsers might read
differently. :func:`urllib.parse.urlsplit` and browsers disagree about the host in hostile input, so the host is
always taken from a single full match here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from embedkit.errors import UnsupportedReference
from embedkit.models import NO_OPTIONS, TLDS, AssetRef, Options
from embedkit.process import lazy_pattern

# The grammar of asset IDs, in either case; asset_ids() also requires a digit, and no dash at either end.
ASSET_ID = r"[0-9A-Za-z-]{1,24}"
MAX_IDS = 5  # per embed (oEmbed documentation, 2018)
ASSET_IDS = rf"{ASSET_ID}(?:,{ASSET_ID}){{0,{MAX_IDS - 1}}}"
MAX_URL_CHARS = 4096  # genuine URLs have fewer than 600

EMBED_HOST = "embed.gettyimages.com"
MEDIA_HOST = "media.gettyimages.com"
OLD_MEDIA_HOSTS = frozenset(  # until 2016; the last one still delivers licensed files
    (
        *(f"cache{number}.asset-cache.net" for number in range(1, 5)),
        "cache.gettyimages.com",
        "delivery.gettyimages.com",
    )
)
SHORT_HOSTS = frozenset({"gty.im", "www.gty.im"})
# The hreflang list of a Getty Images page has three sites that oEmbed's tld parameter doesn't know.
SITES = {f"{www}gettyimages.{tld}": tld for tld in (*TLDS, "com.br", "com.mx", "hk") for www in ("", "www.")}

HINT = "Pass an asset ID such as 74917285, a gty.im link, the URL of a Getty Images picture page, or embed code."

_ID = lazy_pattern(rf"(?=[A-Za-z-]*[0-9])(?!-){ASSET_ID}(?<!-)")
_LIST = lazy_pattern(r"[0-9A-Za-z-]+(?:[ \t]*,[ \t]*[0-9A-Za-z-]+)*")
_DASH = lazy_pattern("[\u2010-\u2013\u2212]")  # typographic replacements of the hyphen in 200305801-001
_URL = lazy_pattern(
    r"(?:(?:([A-Za-z]+):)?//)?([0-9A-Za-z.-]+)(?::([0-9]+))?(/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?", re.ASCII
)
_PORTS = {("http", "80"), ("https", "443")}
# Paths are read by segment: no percent-encoded control characters, slashes or backslashes, and no dot segments.
_AMBIGUOUS = lazy_pattern(r"%(?:[01][0-9A-Fa-f]|7[Ff]|2[Ff]|5[Cc])|/(?:\.|%2[Ee]){1,2}(?![^/])")
# "…-news-photo-123", "…-picture-id123": the last marker counts, hence the greedy start.
_SLUG = lazy_pattern(
    r"(?:.*-)?(?:news-photo-|(?:picture|photo|foto|bild|image|illustration|vector)-id|id(?=[0-9]))"
    rf"({ASSET_ID})(?:\.(?:jpe?g|png|webp))?"
)
# "/gc/123-slug-gettyimages.jpg", "/xt/123.jpg", "/downloads/123.jpg"
_CACHED = lazy_pattern(
    r"/(?:gc|x[a-z]|downloads)/([0-9A-Za-z]{1,20}-[0-9]{3}(?![0-9A-Za-z])|[0-9]{5,10})(?:-[^/]*)?\.jpg"
)
# The name of a file downloaded from Getty, with its folders, any prefix, and what browsers, CMSes and publishers
# append: a size, a pixel density, words, a hash, a copy number, a query. Folders with a dot are rejected, as they
# could be hosts, and so are names with two such parts, as they refer to two pictures.
_IMAGE = r"(?:\.(?:jpe?g|png|webp|avif|heic|gif|tiff?|eps|psd))"
_COPY = r"(?:(?:[ ]|%20)?\([0-9]+\)| copy(?: [0-9]+)?| [0-9]{1,2})"
_FILE = lazy_pattern(
    r"(?!(?:.*?getty[-_]?images[-_]){2})"
    r"(?:[A-Za-z]:)?(?:\.{1,2}[/\\]|[^./\\:?#]*+[/\\])*+(?:[\w-]{1,100}?[-_])?"
    # a dash with three digits, as in 200305801-001, belongs to the ID
    r"(?:getty[-_]?images[-_](?P<number>[0-9]{6,10})(?:(?!-[0-9]{3}(?![0-9]))[-_@][\w@-]*+)?(?:\.[0-9])?"
    r"|gettyimages-(?P<id>[0-9A-Za-z-]{1,40}?)"
    r"(?:[-_](?:[0-9]+x[0-9]+|170667a|(?:[0-9]{1,2}|[0-9]{4})(?![0-9])|e[0-9]{9,}|[a-z]{3,20})|_[0-9]{3}(?![0-9])"
    rf"|@[1-4]x|{_COPY})*+){_COPY}*+{_IMAGE}{{0,2}}(?:\?[^\s,]*)?",
    re.IGNORECASE,
)
# "the-harbour-picture-id123.jpg", the name of an image saved from one of Getty's pages until 2022.
_SAVED = lazy_pattern(rf"[\w-]{{1,200}}-(?:picture|illustration|vector)-id([0-9]{{6,10}}){_IMAGE}?", re.IGNORECASE)
_LANGUAGE = lazy_pattern(r"[a-z]{2}(?:-[a-z]{2})?", re.IGNORECASE)
_VIDEO = frozenset(["video", "videos", "vidéo", "vidéos", "vídeo", "vídeos", "footage"])


class URLParts(NamedTuple):
    """The parts of a URL, with the host in lower case, whatever host it is."""

    host: str
    path: str
    query: str
    fragment: str


def asset_ids(text: str) -> tuple[str, ...]:
    """Return the distinct IDs of a comma-separated list, in order and in lower case.

    A repeated ID is kept once, at its first position: a slideshow doesn't show a picture twice, and a typo is no
    reason to show nothing.

    :raises UnsupportedReference: for anything that is not an ID, and for more than five IDs.
    """
    found = tuple(dict.fromkeys(_asset_id(word.strip(" \t")) for word in text.split(",")))
    if len(found) > MAX_IDS:
        raise UnsupportedReference(
            f"A list of {len(found)} IDs is too long.", hint="One embed shows one to five pictures."
        )
    return found


def _asset_id(word: str) -> str:
    if _ID.fullmatch(word):
        return word.lower()
    raise UnsupportedReference(
        f"{excerpt(word)!r} is not an asset ID." if word else "An asset ID is missing.",
        hint="IDs are up to 24 letters, digits and dashes, with at least one digit, such as 74917285.",
    )


def page_url(asset_id: str, tld: str = "com") -> str:
    """Return the URL of a picture's page on a Getty site; on gettyimages.com if there is no such site."""
    return f"https://www.gettyimages.{tld if tld in SITES.values() else 'com'}/detail/{asset_id}"


def read(text: str) -> AssetRef:
    """Return the pictures that an ID, a list of IDs, a URL, or the name of a file from Getty refers to.

    :param text: without surrounding whitespace; IDs may have a query, as in Jetpack's ``82278805?et=…&sig=…``.
    :raises UnsupportedReference: for everything else.
    """
    if len(text) > MAX_URL_CHARS:
        raise _too_long(text)
    if "getty" in (lowered := text.lower()) and "images" in lowered and (ids := _file_ids(text)):
        return AssetRef(asset_ids(ids))
    if "-id" in lowered and (saved := _SAVED.fullmatch(text)):
        return AssetRef((saved[1],))
    items, _, query = text.partition("?")
    items = items if items.isascii() else _DASH.sub("-", items)
    if _LIST.fullmatch(items) and (query == "" or query.isprintable()):
        return AssetRef(asset_ids(items), _signed_options(query))
    return resolve(split(text))


def _file_ids(text: str) -> str:
    """Return the IDs in a file name or a list of file names; the empty string for anything else."""
    files = [_FILE.fullmatch(text)]
    if not files[0] and "," in text:
        files = [_FILE.fullmatch(word.strip(" \t")) for word in text.split(",")]
    return ",".join(file["number"] or file["id"] for file in files if file) if all(files) else ""


def split(text: str) -> URLParts:
    """Split a URL into its parts.

    :raises UnsupportedReference: if it has user info, a port other than the default, or anything ambiguous.
    """
    if len(text) > MAX_URL_CHARS:
        raise _too_long(text)
    if "\\" in text or " " in text or not text.isprintable():
        raise UnsupportedReference(
            "URLs with spaces, backslashes or invisible characters are not accepted.", hint=HINT
        )
    if not (match := _URL.fullmatch(text)):
        raise UnsupportedReference(_syntax_error(text), hint=HINT)
    scheme, host, port, path, query, fragment = match.groups(default="")
    if scheme.lower() not in ("", "http", "https"):
        raise UnsupportedReference(f"URLs that begin with {excerpt(scheme)}: are not accepted.", hint=HINT)
    if port and (scheme.lower(), port) not in _PORTS:
        raise UnsupportedReference(f"Port {excerpt(port)} is not accepted.", hint="Omit the port.")
    return URLParts(host.lower(), path, query, fragment)


def _syntax_error(text: str) -> str:
    authority = re.split(r"[/?#]", text.partition("//")[2] or text, maxsplit=1)[0]
    if "@" in authority:  # not quoted: it may contain a password
        return "URLs with a user name are not accepted."
    return f"{excerpt(text)!r} is not an asset ID or a URL."


def resolve(parts: URLParts) -> AssetRef:
    """Return the pictures that a URL refers to.

    :raises UnsupportedReference: for other hosts, and for pages that are not about a picture.
    """
    if _AMBIGUOUS.search(parts.path):
        raise UnsupportedReference("The path of this URL is ambiguous.", hint=HINT)
    if parts.host in SHORT_HOSTS:
        return AssetRef(asset_ids(_decode_commas(parts.path.removesuffix("/")[1:])))
    if parts.host == EMBED_HOST:
        return _frame_ref(parts)
    if parts.host in SITES:
        return AssetRef((_page_id(parts),))
    if parts.host == MEDIA_HOST:
        return AssetRef((_thumbnail_id(parts),))
    if parts.host in OLD_MEDIA_HOSTS and (cached := _CACHED.fullmatch(parts.path)):
        return AssetRef((_asset_id(cached[1]),))
    raise _foreign_host(parts.host)


def _decode_commas(text: str) -> str:
    return text.replace("%2C", ",").replace("%2c", ",")


def _frame_ref(parts: URLParts) -> AssetRef:
    """Parse ``/embed/ID?…`` and ``/embed?assets=ID,ID&…``."""
    path = parts.path.removesuffix("/")
    if path == "/embed":
        ids = _decode_commas(_params(parts.query).get("assets", ""))
    elif path.startswith("/embed/"):
        ids = _decode_commas(path.removeprefix("/embed/"))
    else:
        raise UnsupportedReference("This embed.gettyimages.com URL doesn't refer to a picture.", hint=HINT)
    return AssetRef(asset_ids(ids), _signed_options(parts.query))


def _signed_options(query: str) -> Options:
    """Return the options in a signed query; none if ``et`` or ``sig`` is missing."""
    params = _params(query)
    if not (params.get("et") and params.get("sig")):
        return NO_OPTIONS
    return Options(caption=flag(params.get("caption")), tld=tld(params.get("tld")))


def _params(query: str) -> dict[str, str]:
    """Parse a query, also if ``&`` was escaped once or twice (``&amp;amp;``); the first of equal names counts."""
    pairs = (pair.partition("=") for pair in re.sub(r"&(?:amp;)+", "&", query).split("&"))
    return {name: value for name, _, value in reversed(list(pairs))}


def flag(word: str | None) -> bool | None:
    """Parse ``true`` or ``false`` as Getty writes them; CMS records have them as strings."""
    return {"true": True, "false": False}.get((word or "").lower())


def tld(word: str | None) -> str | None:
    """Return the word if oEmbed accepts it as ``tld``, else None."""
    return word if word in TLDS else None


def _page_id(parts: URLParts) -> str:
    """Return the ID in a page URL such as ``/detail/foto/…/ID``; words and slugs are localized and ignored."""
    segments = parts.path.removesuffix("/").split("/")[1:]
    if segments and _LANGUAGE.fullmatch(segments[0]):
        del segments[0]
    head, last = segments[0].lower() if segments else "", segments[-1] if segments else ""
    _reject_video(segments[:2])
    if head in ("detail", "details", "license") and len(segments) > 1 and all(segments):
        return _asset_id(last)
    if head in ("pictures", "photos") and (slug := _SLUG.fullmatch(last)):
        return _asset_id(slug[1])
    if slug := _SLUG.fullmatch(parts.fragment):  # the page of an event; the number in its path is not an asset ID
        return _asset_id(slug[1])
    raise _not_a_picture_page("event" in segments)


def _not_a_picture_page(event: bool) -> UnsupportedReference:
    if event:
        return UnsupportedReference(
            "This is the page of an event; the number in its URL is not an asset ID.",
            hint="Open one of its pictures and copy that URL.",
        )
    return UnsupportedReference("This Getty Images page is not the page of a picture.", hint=HINT)


def _thumbnail_id(parts: URLParts) -> str:
    """Return the ID in ``/id/ID/photo/…`` or ``/photos/…-picture-idID``."""
    segments = parts.path.removesuffix("/").split("/")[1:]
    _reject_video(segments[:-1])
    if len(segments) > 1 and segments[0] == "id":
        return _asset_id(segments[1])
    if slug := _SLUG.fullmatch(segments[-1] if segments else ""):
        return _asset_id(slug[1])
    raise UnsupportedReference("This file name contains no asset ID.", hint=HINT)


def _reject_video(segments: list[str]) -> None:
    from urllib.parse import unquote

    if any(unquote(segment).lower() in _VIDEO for segment in segments):
        raise UnsupportedReference("This is a video.", hint="Only still images and 360° images can be embedded.")


def _too_long(text: str) -> UnsupportedReference:
    return UnsupportedReference(f"A URL of {len(text)} characters is too long.", hint=HINT)


def _foreign_host(host: str) -> UnsupportedReference:
    is_similar = "getty" in host or "gty" in host
    verb = "only looks like" if is_similar else "is not"
    return UnsupportedReference(f"{excerpt(host)!r} {verb} a Getty Images host.", hint=HINT)


def excerpt(text: str) -> str:
    """Return the start of a text, made printable, for a message; without the query, which may contain secrets."""
    shown = re.split(r"[?#]", text[:60], maxsplit=1)[0]
    clean = "".join(char if char.isprintable() else "?" for char in shown)
    return clean + ("…" if len(shown) < len(text) else "")
