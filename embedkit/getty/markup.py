"""Extract a few values from the provider's HTML; not a byte of the HTML is copied.

Only Getty's known markup is accepted. It is matched as a whole, with placeholders for the values, each of which is
matched in full. HTML with anything else in it, however harmless, is rejected; nothing is guessed.

    old      (a) to (d), 2014 to today: an iframe, bare or in a responsive div
    modern   (e) and (f), 2017 to today: an anchor, a known script with placeholders, a loader

Every quantifier is possessive or bounded, so matching takes linear time in hostile input too.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from embedkit.errors import InvalidResponse
from embedkit.getty import payload
from embedkit.getty.urls import ASSET_ID, ASSET_IDS, EMBED_HOST, SITES
from embedkit.models import Frame

MAX_CHARS = 16 * 1024  # the longest genuine markup has about 1,300
MAX_TAGS = 64  # opening angle brackets; genuine markup has 6 to 16
MAX_SIDE_PX = 20_000
BAR_PX = 49  # height of the bar below the picture in the markup of 2014; it doesn't scale with the picture

# The grammar of the values. The tokens are 16 and 32 bytes in base64url.
ET = r"[0-9A-Za-z_-]{22}"
SIG = r"[0-9A-Za-z_-]{43}="
# Longest first: "com" would hide "com.au" from a possessive match.
SITE = "(?:" + "|".join(map(re.escape, sorted(set(SITES.values()), key=lambda tld: (-len(tld), tld)))) + ")"
# The parameters that Getty signs, up to and including sig, and those that can follow it.
PAIR = rf"(?:et={ET}|tld={SITE}|viewMoreLink=(?:on|off)|similar=(?:on|off)|caption=(?:true|false)|ver=[0-9])"
AND = r"&(?:amp;)?+"
SIGNED = rf"(?:{PAIR}{AND}){{0,6}}+sig={SIG}"
QUERY = rf"(?P<signed>{SIGNED})(?:{AND}{PAIR}){{0,6}}+"
HOST = r"[0-9a-z.-]++(?::[0-9]{1,5})?+|\[[0-9a-f:]++\](?::[0-9]{1,5})?+"
DETAIL = rf"https?+://www\.gettyimages\.{SITE}"

# Hosts of the modern form's loader, in addition to the frame hosts; embedkit never loads it from them.
LOADER_HOSTS = frozenset({"embed-cdn.gettyimages.com", EMBED_HOST})

_TEXT = r"[^<]{0,80}+"
_PAIRS = re.compile(r"([A-Za-z]+)=([^&]+)")


@cache  # compiled on first use: a page served from the cache doesn't need it
def _modern() -> re.Pattern[str]:
    """Match an anchor, the known script with placeholders (including its odd spaces), and the loader."""
    script = re.escape(
        "<script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};"
        "gie(function(){gie.widgets.load({id:'"
    )
    return re.compile(
        rf"\s*+<a id='(?P<et>{ET})' class='gie-(?:single|slideshow)' href='{DETAIL}/detail/(?P<page>{ASSET_ID})'"
        rf"(?: target='_blank')?+ style='[^']*+'>{_TEXT}</a>\s*+"
        rf"{script}(?P=et)',sig:'(?P<sig>{SIG})',w:'(?P<width>[0-9]{{1,5}})px',h:'(?P<height>[0-9]{{1,5}})px',"
        rf"items:'(?P<items>{ASSET_IDS})',caption: (?:true|false) ,tld:'(?P<tld>{SITE})',"
        r"is360: (?P<is360>true|false) \}\)\}\);</script>\s*+"
        rf"<script src='(?:https?+:)?+//(?P<host>{HOST})/(?:widgets|embed-cms)\.js' charset='utf-8' async>"
        r"</script>\s*+",
        re.ASCII,
    )


@cache
def _old(case: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Match an iframe, bare or in a div with a header, a padded box, an empty paragraph and a footer."""
    style = r'\s++style="[^"]*+"'
    div = rf'<div(?:\s++class="[^"]*+")?+{style}\s*+>\s*+'

    def link(page: str) -> str:
        target = rf'(?:\s++target="_blank")?+(?:{style})?+\s*+'
        return rf'<a\s++href="{DETAIL}(?:/detail/(?P<{page}>{ASSET_ID}))?+"{target}>{_TEXT}</a>\s*+'

    end = r"</div\s*+>\s*+"
    box = (
        r'<div\s++style="overflow:hidden;position:relative;height:0;'
        r"padding:(?P<ratio>[0-9]{1,4}(?:\.[0-9]{1,6})?+)% 0 (?P<bar>0|49px) 0;"
        r'[^"]*+"\s*+>\s*+'
    )
    attributes = (
        r'(?:\s++(?:width="(?P<width>[0-9]{1,5})"|height="(?P<height>[0-9]{1,5})"|scrolling="no"'
        r'|frameborder="0"|style="[^"]*+"))*+'
    )
    iframe = (
        rf'<iframe\s++src="(?:https?+:)?+//(?P<host>{HOST})/embed'
        rf"(?:/(?P<path>{ASSET_IDS})\?|\?assets=(?P<assets>{ASSET_IDS}){AND})(?-i:{QUERY})"
        rf'"{attributes}\s*+>\s*+</iframe\s*+>\s*+'
    )
    paragraph = r'(?:<p\s++style="margin:0;"\s*+>\s*+</p\s*+>\s*+)?+'
    header = rf"(?:{div}{link('header')}{end})?+"
    footer = rf"(?:{div}{link('footer')}(?:[/|]\s*+{link('site')})?+{end})?+"
    return re.compile(
        rf"\s*+(?P<div>{div}{header}{box})?+{iframe}(?(div){end}{paragraph}{footer}{end})",
        re.ASCII | case,
    )


class Markup(NamedTuple):
    """The signed frame in a piece of markup, and its size in CSS pixels, if given."""

    frame: Frame
    width: int | None
    height: int | None


class AssetMismatch(InvalidResponse):
    """The markup is for a picture other than the requested one; nothing in the response can be trusted."""


def extract(html: str, requested: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    """Extract the values in Getty's embed code.

    :param html: the field ``html`` of an oEmbed response.
    :param requested: the requested IDs, in order.
    :param frame_hosts: hosts allowed for frames, with their port if any; they are never output.
    :raises InvalidResponse: if the HTML as a whole is not one of the known forms; its subclass
        :class:`AssetMismatch` if it is for other IDs.
    """
    if len(html) > MAX_CHARS or html.count("<") > MAX_TAGS:
        raise _rejection("is too long to be embed code")
    if found := _modern().fullmatch(html):
        return _from_modern(found, requested, frame_hosts)
    # ignoring case takes a third longer, and only old copies need it
    if found := _old().fullmatch(html) or _old(re.IGNORECASE).fullmatch(html):
        return _from_old(found, requested, frame_hosts)
    raise _rejection("is not in a known form")


def _from_modern(found: re.Match[str], requested: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    et, page, sig, width, height, ids, tld, is360, host = found.groups()
    if host not in LOADER_HOSTS and host not in frame_hosts:
        raise _rejection("loads a script from an unknown host")
    items = _items(ids, requested, (page,))
    frame = Frame(items, (("et", et), ("tld", tld), ("sig", sig)), is360 == "true")
    return Markup(frame, pixels(width), pixels(height))


def _from_old(found: re.Match[str], requested: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    _, header, ratio, bar, host, path, assets, query, width_digits, height_digits, footer, _ = found.groups()
    if host not in frame_hosts:
        raise _rejection("frames an unknown host")
    items = _items(path or assets, requested, (header, footer))
    width, height = pixels(width_digits), pixels(height_digits)
    has_bar = bar == "49px" and _includes_bar(float(ratio), width, height)
    return Markup(Frame(items, signed_query(query), bar=BAR_PX if has_bar else 0), width, height)


def _items(ids: str, requested: tuple[str, ...], pages: tuple[str | None, ...]) -> tuple[str, ...]:
    """Return the IDs as Getty writes and signs them, if they and the linked pages are the requested ones."""
    items = tuple(ids.split(","))
    if items != requested and tuple(ids.lower().split(",")) != tuple(item.lower() for item in requested):
        raise _mismatch(requested)
    for page in pages:
        if page and page != items[0] and page.lower() != items[0].lower():
            raise _mismatch(requested)
    return items


def signed_query(query: str) -> tuple[tuple[str, str], ...]:
    """Return the signed parameters in their order: Getty answers 400 to any other order.

    :param query: matched by SIGNED.
    :raises InvalidResponse: if ``et`` is missing or a name occurs twice.
    """
    pairs = tuple(_PAIRS.findall(query))
    names = dict(pairs)
    if "et" not in names or len(names) < len(pairs):
        raise _rejection("has no valid signed query")
    return pairs


def pixels(value: object) -> int | None:
    """Return a width or height in CSS pixels, given as a number or digits; None if it is invalid."""
    size = payload.whole_number(value)
    return size if size and size <= MAX_SIDE_PX else None


def _includes_bar(ratio: float, width: int | None, height: int | None) -> bool:
    """Return whether the height includes the bar, so that (height - 49) / width is the padding, up to rounding."""
    if width is None or height is None or height <= BAR_PX:
        return False
    return abs(height - BAR_PX - width * ratio / 100) <= 1.5


def _mismatch(requested: tuple[str, ...]) -> AssetMismatch:
    return AssetMismatch(
        "The response is for a different picture than the one requested (asset mismatch).",
        hint="It was discarded.",
        ref=",".join(requested),
    )


def _rejection(reason: str) -> InvalidResponse:
    return InvalidResponse(
        f"The embed code from Getty Images {reason}.",
        hint="It was discarded. If this persists, Getty may have changed its markup: look for a newer embedkit.",
    )
