"""The provider's html is read only to learn a few values; not a byte of it is copied.

What is accepted is one of Getty's known texts, matched as a whole, with holes for
the values, each of which is matched in full. Whatever else is in it, however harmless, means refusal:
no guess is made about html that is not understood.

    old      (a) to (d), 2014 to today: an iframe, bare or in a responsive div
    modern   (e) and (f), 2017 to today: an anchor, one known script with holes, a loader

Every quantifier is possessive or bounded, so that matching is linear in hostile input too.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from embedkit.errors import InvalidResponse
from embedkit.getty.urls import ASSET_ID, ASSET_IDS, EMBED_HOST, SITES
from embedkit.models import Frame

MAX_CHARS = 16 * 1024  # the longest real one has some 1,300
MAX_TAGS = 64  # opening angle brackets; real ones have 6 to 16
MAX_SIDE_PX = 20_000
BAR_PX = 49  # below the picture in the markup of 2014, which do not scale with it

# The grammar of the values. Tokens are 16 and 32 bytes in base64url.
ET = r"[0-9A-Za-z_-]{22}"
SIG = r"[0-9A-Za-z_-]{43}="
# Longest first: "com" would hide "com.au" from a possessive match.
SITE = "(?:" + "|".join(map(re.escape, sorted(set(SITES.values()), key=lambda tld: (-len(tld), tld)))) + ")"
# What Getty signs, up to and with sig, and the pairs that may follow it.
PAIR = rf"(?:et={ET}|tld={SITE}|viewMoreLink=(?:on|off)|similar=(?:on|off)|caption=(?:true|false)|ver=[0-9])"
AND = r"&(?:amp;)?+"
SIGNED = rf"(?:{PAIR}{AND}){{0,6}}+sig={SIG}"
QUERY = rf"(?P<signed>{SIGNED})(?:{AND}{PAIR}){{0,6}}+"
HOST = r"[0-9a-z.-]++(?::[0-9]{1,5})?+|\[[0-9a-f:]++\](?::[0-9]{1,5})?+"
DETAIL = rf"https?+://www\.gettyimages\.{SITE}"

# Where the loader of the modern form lies, besides the hosts of frames; it is never loaded from here.
LOADER_HOSTS = frozenset({"embed-cdn.gettyimages.com", EMBED_HOST})

_TEXT = r"[^<]{0,80}+"
_PAIRS = re.compile(r"([A-Za-z]+)=([^&]+)")


@cache  # compiled when first needed: a page served from copies never is
def _modern() -> re.Pattern[str]:
    """An anchor, the script as one known text with holes (its odd spaces included), and the loader."""
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
    """An iframe, bare or in a div with a header, a padded box, an empty paragraph and a footer."""
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
    """What a piece of markup says: the signed frame, and its size in CSS pixels where it says so."""

    frame: Frame
    width: int | None
    height: int | None


class AssetMismatch(InvalidResponse):
    """The markup is for another picture than was asked for; nothing that came with it can be trusted."""


def extract(html: str, asked: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    """The values in Getty's embed code.

    :param html: the member ``html`` of an oEmbed answer.
    :param asked: the ids that it has to be for, in order.
    :param frame_hosts: hosts, with their port if any, that a frame may name; none is ever put out.
    :raises InvalidResponse: where it is not, as a whole, one of the known forms; the subclass
        :class:`AssetMismatch` where it is for other ids.
    """
    if len(html) > MAX_CHARS or html.count("<") > MAX_TAGS:
        raise _refusal("is too long to be embed code")
    if found := _modern().fullmatch(html):
        return _from_modern(found, asked, frame_hosts)
    # matching in any case takes a third longer, and only old copies need it
    if found := _old().fullmatch(html) or _old(re.IGNORECASE).fullmatch(html):
        return _from_old(found, asked, frame_hosts)
    raise _refusal("is in no form that is known")


def _from_modern(found: re.Match[str], asked: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    et, page, sig, width, height, written, tld, is360, host = found.groups()
    if host not in LOADER_HOSTS and host not in frame_hosts:
        raise _refusal("loads a script from a foreign host")
    items = _items(written, asked, (page,))
    frame = Frame(items, (("et", et), ("tld", tld), ("sig", sig)), is360 == "true")
    return Markup(frame, _size(width), _size(height))


def _from_old(found: re.Match[str], asked: tuple[str, ...], frame_hosts: frozenset[str]) -> Markup:
    _, header, ratio, bar, host, path, assets, query, wide, high, footer, _ = found.groups()
    if host not in frame_hosts:
        raise _refusal("frames a foreign host")
    items = _items(path or assets, asked, (header, footer))
    width, height = _size(wide), _size(high)
    counted = bar == "49px" and _counts_bar(float(ratio), width, height)
    return Markup(Frame(items, signed(query), bar=BAR_PX if counted else 0), width, height)


def _items(written: str, asked: tuple[str, ...], pages: tuple[str | None, ...]) -> tuple[str, ...]:
    """The ids as Getty writes and signs them, if they and the linked pages are those asked for."""
    items = tuple(written.split(","))
    if items != asked and tuple(written.lower().split(",")) != tuple(item.lower() for item in asked):
        raise _mismatch(asked)
    for page in pages:
        if page and page != items[0] and page.lower() != items[0].lower():
            raise _mismatch(asked)
    return items


def signed(query: str) -> tuple[tuple[str, str], ...]:
    """The pairs that Getty has signed, in order: any other order answers 400.

    :param query: matched by SIGNED.
    :raises InvalidResponse: where ``et`` is missing or a name stands twice.
    """
    pairs = tuple(_PAIRS.findall(query))
    names = dict(pairs)
    if "et" not in names or len(names) < len(pairs):
        raise _refusal("has no valid signed query")
    return pairs


def _size(digits: str | None) -> int | None:
    return number if digits and 0 < (number := int(digits)) <= MAX_SIDE_PX else None


def _counts_bar(ratio: float, width: int | None, height: int | None) -> bool:
    """Whether the height includes the bar: then (height - 49) / width is the padding, up to rounding."""
    if width is None or height is None or height <= BAR_PX:
        return False
    return abs(height - BAR_PX - width * ratio / 100) <= 1.5


def _mismatch(asked: tuple[str, ...]) -> AssetMismatch:
    return AssetMismatch(
        "The answer is for another picture than was asked for (asset mismatch).",
        hint="It is not used.",
        ref=",".join(asked),
    )


def _refusal(why: str) -> InvalidResponse:
    return InvalidResponse(
        f"The embed code from Getty Images {why}.",
        hint="It is not used. If that lasts, Getty may have changed its markup: look for a newer embedkit.",
    )
