"""Asset IDs, lists of them, and the URLs of Getty Images that name them.

A URL counts only as a whole: an exact host, a known path, nothing that two parsers might read in
two ways. :func:`urllib.parse.urlsplit` and browsers disagree about who the host is in hostile input,
so the host is found by one full match here, and by nothing else.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from embedkit.errors import UnsupportedReference
from embedkit.models import NO_OPTIONS, TLDS, AssetRef, Options
from embedkit.process import lazy_pattern

# The grammar of asset IDs, in either case; asset_ids() also wants a digit, and no dash at either end.
ASSET_ID = r"[0-9A-Za-z-]{1,24}"
MAX_IDS = 5  # in one embed (oEmbed documentation, 2018)
ASSET_IDS = rf"{ASSET_ID}(?:,{ASSET_ID}){{0,{MAX_IDS - 1}}}"
MAX_URL_CHARS = 4096  # genuine ones stay below 600

EMBED_HOST = "embed.gettyimages.com"
MEDIA_HOST = "media.gettyimages.com"
OLD_MEDIA_HOSTS = frozenset(  # until 2016; the last still delivers what was licensed
    (
        *(f"cache{number}.asset-cache.net" for number in range(1, 5)),
        "cache.gettyimages.com",
        "delivery.gettyimages.com",
    )
)
SHORT_HOSTS = frozenset({"gty.im", "www.gty.im"})
# The hreflang list of a Getty Images page knows three sites that oEmbed's tld does not.
SITES = {f"{www}gettyimages.{tld}": tld for tld in (*TLDS, "com.br", "com.mx", "hk") for www in ("", "www.")}

HINT = "Pass an asset ID such as 74917285, a gty.im link, a Getty Images page of a picture, or its embed code."

_ID = lazy_pattern(rf"(?=[A-Za-z-]*[0-9])(?!-){ASSET_ID}(?<!-)")
_LIST = lazy_pattern(r"[0-9A-Za-z-]+(?:[ \t]*,[ \t]*[0-9A-Za-z-]+)*")
_DASH = lazy_pattern("[\u2010-\u2013\u2212]")  # what typographers make of the hyphen in 200305801-001
_ADDRESS = lazy_pattern(
    r"(?:(?:([A-Za-z]+):)?//)?([0-9A-Za-z.-]+)(?::([0-9]+))?(/[^?#]*)?(?:\?([^#]*))?(?:#(.*))?", re.ASCII
)
_PORTS = {("http", "80"), ("https", "443")}
# A path is read segment by segment: it has no percent-encoded control, slash or backslash, and no dots.
_AMBIGUOUS = lazy_pattern(r"%(?:[01][0-9A-Fa-f]|7[Ff]|2[Ff]|5[Cc])|/(?:\.|%2[Ee]){1,2}(?![^/])")
# "…-news-photo-123", "…-picture-id123": the last mark counts, hence the greedy start.
_MARKED = lazy_pattern(
    r"(?:.*-)?(?:news-photo-|(?:picture|photo|foto|bild|image|illustration|vector)-id|id(?=[0-9]))"
    rf"({ASSET_ID})(?:\.(?:jpe?g|png|webp))?"
)
# "/gc/123-slug-gettyimages.jpg", "/xt/123.jpg", "/downloads/123.jpg"
_CACHED = lazy_pattern(
    r"/(?:gc|x[a-z]|downloads)/([0-9A-Za-z]{1,20}-[0-9]{3}(?![0-9A-Za-z])|[0-9]{5,10})(?:-[^/]*)?\.jpg"
)
# The name of a file from Getty, with its folders, with what people put before it, and with what browsers, CMSes
# and publishers append: a size, a density, words, a hash, the number of a copy, a query. A folder with a dot may
# be a host, and is not accepted; two names in one are two pictures.
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
# "the-harbour-picture-id123.jpg", as Getty named what was saved from its pages until 2022.
_SAVED = lazy_pattern(rf"[\w-]{{1,200}}-(?:picture|illustration|vector)-id([0-9]{{6,10}}){_IMAGE}?", re.IGNORECASE)
_LANGUAGE = lazy_pattern(r"[a-z]{2}(?:-[a-z]{2})?", re.IGNORECASE)
_VIDEO = frozenset(["video", "videos", "vidéo", "vidéos", "vídeo", "vídeos", "footage"])


class URLParts(NamedTuple):
    """The parts of a URL, the host in lower case; what the host means is not decided here."""

    host: str
    path: str
    query: str
    fragment: str


def asset_ids(text: str) -> tuple[str, ...]:
    """The distinct IDs of a comma list, in order, in lower case.

    An ID that stands twice is kept once, where it stands first: the picture is not shown twice in a
    slideshow, and a slip of the hand is not a reason to show none.

    :raises UnsupportedReference: for anything that is not an ID, and for more than five.
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
    """The page of a picture on one of Getty's sites; on gettyimages.com where there is no such site."""
    return f"https://www.gettyimages.{tld if tld in SITES.values() else 'com'}/detail/{asset_id}"


def read(text: str) -> AssetRef:
    """The pictures that an ID, a list of IDs, a URL, or the name of a file from Getty names.

    :param text: without outer whitespace; IDs may carry a query, as ``82278805?et=…&sig=…`` of Jetpack.
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
        return AssetRef(asset_ids(items), signed(query))
    return resolve(split(text))


def _file_ids(text: str) -> str:
    """The IDs in the name of a file, or in a list of such names; nothing where there is something else."""
    files = [_FILE.fullmatch(text)]
    if not files[0] and "," in text:
        files = [_FILE.fullmatch(word.strip(" \t")) for word in text.split(",")]
    return ",".join(file["number"] or file["id"] for file in files if file) if all(files) else ""


def split(text: str) -> URLParts:
    """The parts of a URL that has no user info, no odd port, and nothing ambiguous in it.

    :raises UnsupportedReference: where there is any of that.
    """
    if len(text) > MAX_URL_CHARS:
        raise _too_long(text)
    if "\\" in text or " " in text or not text.isprintable():
        raise UnsupportedReference(
            "URLs with spaces, backslashes or invisible characters are not accepted.", hint=HINT
        )
    if not (match := _ADDRESS.fullmatch(text)):
        raise UnsupportedReference(*_why(text), hint=HINT)
    scheme, host, port, path, query, fragment = match.groups(default="")
    if scheme.lower() not in ("", "http", "https"):
        raise UnsupportedReference(f"URLs that begin with {excerpt(scheme)}: are not accepted.", hint=HINT)
    if port and (scheme.lower(), port) not in _PORTS:
        raise UnsupportedReference(f"Port {excerpt(port)} is not accepted.", hint="Leave the port out.")
    return URLParts(host.lower(), path, query, fragment)


def _why(text: str) -> tuple[str]:
    authority = re.split(r"[/?#]", text.partition("//")[2] or text, maxsplit=1)[0]
    if "@" in authority:  # never repeated: it may hold a password
        return ("URLs with a user name are not accepted.",)
    return (f"{excerpt(text)!r} is not understood.",)


def resolve(parts: URLParts) -> AssetRef:
    """The pictures that a URL names.

    :raises UnsupportedReference: for other hosts, and for pages that are not about a picture.
    """
    if _AMBIGUOUS.search(parts.path):
        raise UnsupportedReference("This path is not that of a picture.", hint=HINT)
    if parts.host in SHORT_HOSTS:
        return AssetRef(asset_ids(_commas(parts.path.removesuffix("/")[1:])))
    if parts.host == EMBED_HOST:
        return _frame(parts)
    if parts.host in SITES:
        return AssetRef((_page(parts),))
    if parts.host == MEDIA_HOST:
        return AssetRef((_thumbnail(parts),))
    if parts.host in OLD_MEDIA_HOSTS and (cached := _CACHED.fullmatch(parts.path)):
        return AssetRef((_asset_id(cached[1]),))
    raise _foreign(parts.host)


def _commas(text: str) -> str:
    return text.replace("%2C", ",").replace("%2c", ",")


def _frame(parts: URLParts) -> AssetRef:
    """``/embed/ID?…`` and ``/embed?assets=ID,ID&…``."""
    path = parts.path.removesuffix("/")
    if path == "/embed":
        return AssetRef(asset_ids(_commas(_pairs(parts.query).get("assets", ""))), signed(parts.query))
    if path.startswith("/embed/"):
        return AssetRef(asset_ids(_commas(path.removeprefix("/embed/"))), signed(parts.query))
    raise UnsupportedReference("This URL of the embed host does not name a picture.", hint=HINT)


def signed(query: str) -> Options:
    """The options in a signed query; none where ``et`` or ``sig`` is missing."""
    pairs = _pairs(query)
    if not (pairs.get("et") and pairs.get("sig")):
        return NO_OPTIONS
    return Options(caption=flag(pairs.get("caption")), tld=tld(pairs.get("tld")))


def _pairs(query: str) -> dict[str, str]:
    """The pairs of a query, the first of a name; ``&amp;`` and ``&amp;amp;`` are damage seen in pages."""
    parts = (pair.partition("=") for pair in re.sub(r"&(?:amp;)+", "&", query).split("&"))
    return {name: value for name, _, value in reversed(list(parts))}


def flag(word: str | None) -> bool | None:
    """True or false as Getty writes them; CMS records hold them as strings."""
    return {"true": True, "false": False}.get((word or "").lower())


def tld(word: str | None) -> str | None:
    """A value that the oEmbed parameter ``tld`` takes, else nothing."""
    return word if word in TLDS else None


def _page(parts: URLParts) -> str:
    """The ID of a page such as ``/detail/foto/…/ID``; words and slugs are localised, so they are not read."""
    from urllib.parse import unquote

    segments = parts.path.removesuffix("/").split("/")[1:]
    if segments and _LANGUAGE.fullmatch(segments[0]):
        del segments[0]
    head, last = segments[0].lower() if segments else "", segments[-1] if segments else ""
    if any(unquote(word).lower() in _VIDEO for word in segments[:2]):
        raise UnsupportedReference("This is a video.", hint="Only still images and 360° images can be embedded.")
    if head in ("detail", "details", "license") and len(segments) > 1 and all(segments):
        return _asset_id(last)
    if head in ("pictures", "photos") and (marked := _MARKED.fullmatch(last)):
        return _asset_id(marked[1])
    if marked := _MARKED.fullmatch(parts.fragment):  # an event; the number in its path is not a picture
        return _asset_id(marked[1])
    raise _no_picture("event" in segments)


def _no_picture(event: bool) -> UnsupportedReference:
    if event:
        return UnsupportedReference(
            "This is the page of an event; its number is not that of a picture.",
            hint="Open one of its pictures and copy that URL.",
        )
    return UnsupportedReference("This page of Getty Images is not about one picture.", hint=HINT)


def _thumbnail(parts: URLParts) -> str:
    """``/id/ID/photo/…`` and ``/photos/…-picture-idID``."""
    segments = parts.path.removesuffix("/").split("/")[1:]
    if any(word.lower() in _VIDEO for word in segments[:-1]):
        raise UnsupportedReference("This is a video.", hint="Only still images and 360° images can be embedded.")
    if len(segments) > 1 and segments[0] == "id":
        return _asset_id(segments[1])
    if marked := _MARKED.fullmatch(segments[-1] if segments else ""):
        return _asset_id(marked[1])
    raise UnsupportedReference("There is no asset ID in this file name.", hint=HINT)


def _too_long(text: str) -> UnsupportedReference:
    return UnsupportedReference(f"A URL of {len(text)} characters is too long.", hint=HINT)


def _foreign(host: str) -> UnsupportedReference:
    alike = "getty" in host or "gty" in host
    differs = "only looks like a host of" if alike else "is not a host of"
    return UnsupportedReference(f"{excerpt(host)!r} {differs} Getty Images.", hint=HINT)


def excerpt(text: str) -> str:
    """The start of a text, printable, for a message; queries stay out, they may hold what is secret."""
    shown = re.split(r"[?#]", text[:60], maxsplit=1)[0]
    clean = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return clean + ("…" if len(shown) < len(text) else "")
