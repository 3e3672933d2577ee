"""The oEmbed endpoint: parameters, sizes, statuses and keys as documented, or as seen in published responses.

Its html has the two forms that the endpoint has been seen to return: generation (b) is an iframe in a div, with a
bar of 49 px; generation (e) is a link that a script replaces with an iframe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from embedkit.getty.urls import ASSET_ID, MAX_IDS
from embedkit.models import JSON, TLDS
from embedkit.sandbox.content.catalogue import Asset, Find
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Problem, Reply, json_reply
from embedkit.sandbox.services.urls import TERMS, new_token, sign, site_urls, token_of

BAR_PX = 49  # below the picture, in generation (b)
LINK = "color:#a7a7a7;text-decoration:none;font-weight:normal !important;border:none;display:inline-block;"


@dataclass(frozen=True, slots=True)
class MarkupValues:
    """The values in an embed's markup. ``width`` and ``height`` are those of the picture alone, in px."""

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


def modern_markup(values: MarkupValues) -> str:
    """Return markup of generation (e), with its single quotes, unquoted keys and exact spacing."""
    items = ",".join(values.items)
    query = f"et={values.token}&tld={values.tld}"
    kind = "gie-single" if len(values.items) == 1 else "gie-slideshow"
    caption = "true" if values.caption else "false"
    is360 = "true" if values.is360 else "false"
    return (
        f"<a id='{values.token}' class='{kind}' href='{_detail(values)}' target='_blank' style='{LINK}'>"
        "Embed from Getty Images</a>"
        "<script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};"
        f"gie(function(){{gie.widgets.load({{id:'{values.token}',sig:'{sign(values.secret, items, query)}',"
        f"w:'{values.width}px',h:'{values.height}px',items:'{items}',"
        f"caption: {caption} ,tld:'{values.tld}',is360: {is360} }})}});</script>"
        f"<script src='{values.loader}' charset='utf-8' async></script>"
    )


def div_markup(values: MarkupValues) -> str:
    """Return markup of generation (b). The published example has no tld; one other than ``com`` is as in 2016."""
    query = f"et={values.token}" + (f"&tld={values.tld}" if values.tld != "com" else "")
    items = ",".join(values.items)
    first = f"/{items}?" if len(values.items) == 1 else f"?assets={items}&"
    tail = "&caption=true" if values.caption else ""
    source = f"{values.frames}/embed{first}{query}&sig={sign(values.secret, items, query)}{tail}"
    return (
        "<div style=\"background-color:#fff;display:inline-block;font-family:'Helvetica Neue',Arial,sans-serif;"
        f'color:#a7a7a7;font-size:11px;width:100%;max-width:{values.width}px;min-width:300px;">'
        '<div style="overflow:hidden;position:relative;height:0;'
        f'padding:{values.padding:.6f}% 0 {BAR_PX}px 0;width:100%;">'
        f'<iframe src="{source}" width="{values.width}" height="{values.height + BAR_PX}" scrolling="no" '
        'frameborder="0" style="display:inline-block;position:absolute;top:0;left:0;width:100%;height:100%;">'
        '</iframe></div><p style="margin:0;"></p>'
        '<div style="padding:0;margin:4px 0 0 10px;text-align:left;">'
        f'<a href="{_detail(values)}" target="_blank" style="{LINK}">#{values.items[0]}</a> / '
        f'<a href="http://www.gettyimages.{values.tld}" target="_blank" style="{LINK}">gettyimages.com</a>'
        "</div></div>"
    )


def _detail(values: MarkupValues) -> str:
    return f"{values.scheme}://www.gettyimages.{values.tld}/detail/{values.items[0]}"


THUMBNAIL_PX = 170  # the longest side


class EmbedRefused(Exception):
    """A request that is refused, with the status of the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """GET /oembed. ``find`` returns an asset by ID, ``problem`` an error response."""

    config: SandboxConfig
    find: Find
    problem: Problem

    def __call__(self, call: Call) -> Reply:
        try:
            answer = self._answer(call)
        except EmbedRefused as refused:
            return self.problem(refused.status, str(refused))
        control = self.config.cache_control
        return json_reply(answer, headers=(("Cache-Control", control),) if control else ())

    def preview(self, call: Call) -> Reply:
        """GET /preview/<ids>: where forums get et and sig from if they don't use oEmbed."""
        try:
            assets = self._assets(requested_ids(call.path.replace("/preview/", "//gty.im/", 1), self.config))
            values = self._markup_values(call, assets, call.params)
        except EmbedRefused as refused:
            return self.problem(refused.status, "We're having trouble processing your request.")
        return json_reply({"embedTag": div_markup(values), "width": values.width, "height": values.height})

    def _answer(self, call: Call) -> JSON:
        params = call.params
        if params.get("format", "json") != "json":
            raise EmbedRefused(501, "Not Implemented")
        if "caller" not in params and self.config.missing_caller_status:
            raise EmbedRefused(self.config.missing_caller_status, "caller is required.")
        assets = self._assets(requested_ids(params.get("url", ""), self.config))
        return self._document(call, assets, params)

    def _assets(self, ids: tuple[str, ...]) -> list[Asset]:
        found = [(asset_id, self.find(asset_id)) for asset_id in ids]
        for asset_id, asset in found:
            if asset is None or asset.withdrawn:
                raise EmbedRefused(asset.withdrawn if asset else 404, f"Image not found: {asset_id}")
        assets = [asset for _, asset in found if asset]
        if barred := [asset.id for asset in assets if not asset.embeddable]:
            raise EmbedRefused(self.config.not_embeddable_status, f"This image may not be embedded: {barred[0]}")
        return assets

    def _document(self, call: Call, assets: list[Asset], params: dict[str, str]) -> JSON:
        old = self.config.rules.generation == "div"
        values = self._markup_values(call, assets, params)
        first = assets[0]
        thumbnail_width, thumbnail_height = fit_within(
            first.width, first.height, THUMBNAIL_PX, THUMBNAIL_PX, down=True
        )
        return {
            "type": "rich",
            "version": "1.0",
            "height": values.height + (BAR_PX if old else 0),
            "width": values.width,
            "html": div_markup(values) if old else modern_markup(values),
            "title": first.title,
            "caption": first.caption,
            "photographer": first.photographer,
            "collection": first.collection,
            "thumbnail_url": site_urls(call.origin).picture(first, THUMBNAIL_PX),
            "thumbnail_height": str(thumbnail_height) if old else thumbnail_height,
            "thumbnail_width": str(thumbnail_width) if old else thumbnail_width,
            "terms_of_use_url": TERMS,
        }

    def _markup_values(self, call: Call, assets: list[Asset], params: dict[str, str]) -> MarkupValues:
        config, hosts, first = self.config, site_urls(call.origin), assets[0]
        items = tuple(asset.id for asset in assets)
        tld = self._tld(params)
        width, height = self._size(first, params)
        whole = fit_within(first.width, first.height, config.default_side, config.default_side)
        return MarkupValues(
            items=items,
            token=token_of(f"{config.secret} {items} {tld}") if config.deterministic else new_token(),
            secret=config.secret,
            tld=tld,
            caption=params.get("caption") == "true",
            is360=any(asset.is360 for asset in assets),
            width=width,
            height=height,
            padding=100 * whole[1] / whole[0],
            frames=hosts.frames,
            loader=hosts.loader,
            scheme="http" if config.rules.generation == "div" else config.rules.anchor_scheme,
        )

    def _tld(self, params: dict[str, str]) -> str:
        tld = params.get("tld") or "com"
        if tld in TLDS:
            return tld
        if self.config.bad_tld_status:
            raise EmbedRefused(self.config.bad_tld_status, "tld is not supported.")
        return "com"

    def _size(self, asset: Asset, params: dict[str, str]) -> tuple[int, int]:
        """Return the picture's size; maxheight includes the bar of the old generation [inf]."""
        bar = BAR_PX if self.config.rules.generation == "div" else 0
        width, height = self._limit(params, "maxwidth"), self._limit(params, "maxheight")
        if width is None and height is None:
            width = height = self.config.default_side
        elif height is not None:
            height = max(1, height - bar)
        return fit_within(asset.width, asset.height, width, height)

    def _limit(self, params: dict[str, str], name: str) -> int | None:
        if not (text := params.get(name, "")):
            return None
        if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) and int(text):
            return int(text)
        if self.config.bad_size_status:
            raise EmbedRefused(self.config.bad_size_status, f"{name} is not a positive whole number.")
        return None


def fit_within(
    width: int, height: int, max_width: int | None, max_height: int | None, *, down: bool = False
) -> tuple[int, int]:
    """Scale a size down to fit within limits, keeping the aspect ratio.

    :param down: round down, as for thumbnails (127.5 becomes 127), rather than to the nearest integer
        (594 x 395.96 becomes 594 x 396).
    """
    scale = min(1.0, (max_width or width) / width, (max_height or height) / height)
    half = 0.0 if down else 0.5
    return max(1, int(width * scale + half)), max(1, int(height * scale + half))


def requested_ids(url: str, config: SandboxConfig) -> tuple[str, ...]:
    """Return the IDs in ``url``: a gty.im URL, as documented, or a page of a Getty site, as seen in use.

    :raises EmbedRefused: there are none, or more than five.
    """
    if not url.strip():
        raise EmbedRefused(config.missing_url_status, "url is required.")
    try:
        named = _last_part(url.strip())
    except ValueError:  # an invalid URL
        named = ""
    ids = tuple(unquote(named).lower().split(","))
    if not all(re.fullmatch(ASSET_ID, one) for one in ids):
        raise EmbedRefused(config.unsupported_url_status, "Image not found.")
    if len(ids) > MAX_IDS:
        raise EmbedRefused(config.too_many_status, f"At most {MAX_IDS} images can be embedded.")
    return ids


def _last_part(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"//{url}")
    host = (parts.netloc or "").lower()
    if host in ("gty.im", "www.gty.im"):
        return parts.path.strip("/")
    page = re.fullmatch(r"/(?:detail|details|license)/(?:.*/)?([^/]+)/?", parts.path)
    return page[1] if page and re.fullmatch(r"(www\.)?gettyimages\.[a-z.]{2,6}", host) else ""
