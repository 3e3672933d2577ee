"""The html of an oEmbed answer, in the two generations that the endpoint has been seen to give.

(b) is an iframe in a div, with a bar of 49 px; (e) is a link that a script turns into an iframe.
"""

from __future__ import annotations

from dataclasses import dataclass

from embedkit.sandbox.services.signatures import sign

BAR = 49  # px below the picture, in generation (b)
LINK = "color:#a7a7a7;text-decoration:none;font-weight:normal !important;border:none;display:inline-block;"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a piece of markup shows, and where. ``width`` and ``height`` are px of the picture alone."""

    items: tuple[str, ...]
    token: str
    secret: str
    tld: str
    caption: bool
    is360: bool
    width: int
    height: int
    padding: float
    frames: str
    loader: str
    scheme: str


def modern(shown: Shown) -> str:
    """Generation (e): single quotes, bare keys, and spaces exactly where the real one has them."""
    items = ",".join(shown.items)
    query = f"et={shown.token}&tld={shown.tld}"
    kind = "gie-single" if len(shown.items) == 1 else "gie-slideshow"
    caption = "true" if shown.caption else "false"
    is360 = "true" if shown.is360 else "false"
    return (
        f"<a id='{shown.token}' class='{kind}' href='{_detail(shown)}' target='_blank' style='{LINK}'>"
        "Embed from Getty Images</a>"
        "<script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};"
        f"gie(function(){{gie.widgets.load({{id:'{shown.token}',sig:'{sign(shown.secret, items, query)}',"
        f"w:'{shown.width}px',h:'{shown.height}px',items:'{items}',"
        f"caption: {caption} ,tld:'{shown.tld}',is360: {is360} }})}});</script>"
        f"<script src='{shown.loader}' charset='utf-8' async></script>"
    )


def div(shown: Shown) -> str:
    """Generation (b). The published example has no tld; another than ``com`` goes where 2016 put it."""
    query = f"et={shown.token}" + (f"&tld={shown.tld}" if shown.tld != "com" else "")
    items = ",".join(shown.items)
    first = f"/{items}?" if len(shown.items) == 1 else f"?assets={items}&"
    tail = "&caption=true" if shown.caption else ""
    source = f"{shown.frames}/embed{first}{query}&sig={sign(shown.secret, items, query)}{tail}"
    return (
        "<div style=\"background-color:#fff;display:inline-block;font-family:'Helvetica Neue',Arial,sans-serif;"
        f'color:#a7a7a7;font-size:11px;width:100%;max-width:{shown.width}px;min-width:300px;">'
        '<div style="overflow:hidden;position:relative;height:0;'
        f'padding:{shown.padding:.6f}% 0 {BAR}px 0;width:100%;">'
        f'<iframe src="{source}" width="{shown.width}" height="{shown.height + BAR}" scrolling="no" '
        'frameborder="0" style="display:inline-block;position:absolute;top:0;left:0;width:100%;height:100%;">'
        '</iframe></div><p style="margin:0;"></p>'
        '<div style="padding:0;margin:4px 0 0 10px;text-align:left;">'
        f'<a href="{_detail(shown)}" target="_blank" style="{LINK}">#{shown.items[0]}</a> / '
        f'<a href="http://www.gettyimages.{shown.tld}" target="_blank" style="{LINK}">gettyimages.com</a>'
        "</div></div>"
    )


def _detail(shown: Shown) -> str:
    return f"{shown.scheme}://www.gettyimages.{shown.tld}/detail/{shown.items[0]}"
