"""The parts of embed code that name a picture: frame, widget call, link, record.

Lenient about damage, strict about hosts and ids. Every pattern is bounded, or stops at the next ``<``
or brace, so that time is linear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from embedkit.errors import UnsupportedReference
from embedkit.getty import urls
from embedkit.getty.embed_html import CONVERTED, Page, Tag
from embedkit.models import Align, AssetRef, Options

LARGEST = 10_000  # CSS pixels; what is larger was never a size

_LOAD = re.compile(r"gie\.widgets\.load\s{0,9}\(\s{0,9}\{([^{}<>]{1,2000})\}\s{0,9}\)(?:\s{0,9};)?")
_PAIR = re.compile(
    r"""(?<![\w-])(\w{1,12})\s{0,9}:\s{0,9}(?:'([^']{0,300})'|"([^"]{0,300})"|(\w{1,10}))""", re.ASCII
)
# What Getty writes before and after the call, with any white space.
_BEFORE = re.compile(
    r"(?:window\.gie\s*=\s*window\.gie\s*\|\|\s*function\s*\(\s*c\s*\)\s*\{\s*\(\s*gie\.q\s*=\s*gie\.q\s*\|\|"
    r"\s*\[\s*\]\s*\)\s*\.push\s*\(\s*c\s*\)\s*;?\s*\}\s*;?\s*)?gie\s*\(\s*function\s*\(\s*\)\s*\{\s*\Z"
)
_AFTER = re.compile(r"\s{0,9}\}\s{0,9}\)(?:\s{0,9};)?")
_LOADER = re.compile(
    r"(?:https?:)?//(?:embed-cdn\.gettyimages\.com/widgets\.js|embed\.gettyimages\.com/embed-cms\.js)"
)
_RECORD = re.compile(r'\{[^{}]*"attributes"\s*:\s*\{[^{}]*\}[^{}]*\}')
_BARE = re.compile(r"(?<![^\s>])(?:https?:)?//embed\.gettyimages\.com/embed[/?][^\s\"'<>\[\]]{1,1500}(?=[\s<]|\Z)")
_MARKDOWN = re.compile(r"\[ ?Embed from Getty Images ?\]\(<?([^\s()<>\[\]\"]{1,1500})>?\)")
_OWN_TEXT = re.compile(r"\s*Embed \w{2,5} Getty Images\s*", re.IGNORECASE)


class Core(NamedTuple):
    """The part of an embed that names the picture; ``align`` is what its own tag says."""

    start: int
    end: int
    ref: AssetRef
    align: Align | None = None


def strong(page: Page) -> list[Core]:
    """What can only be an embed: frames, widget calls, records, addresses of frames."""
    found = [*_frames(page), *_widgets(page), *_records(page), *_bare(page)]
    return sorted(found, key=lambda core: (core.start, -core.end))


def links(page: Page) -> list[Core]:
    """What is left of an embed whose script is gone: its link."""
    found = [*_links(page), *_markdown_links(page)]
    return sorted(found, key=lambda core: core.start)


def _frames(page: Page) -> Iterator[Core]:
    for index, tag in enumerate(page.tags):
        if tag.name != "iframe" or tag.closing or not (ref := _frame(tag.attributes)):
            continue
        whole = page.element(index, "iframe")
        yield Core(tag.start, whole[1].end if whole else tag.end, ref, tag.align)


def _frame(attributes: dict[str, str]) -> AssetRef | None:
    for name in ("src", "data-src", "data-lazy-src"):  # lazy loading moves the address
        if ref := frame_address(attributes.get(name, "")):
            return _sized(ref, attributes.get("width"), attributes.get("height"))
    return None


def frame_address(text: str) -> AssetRef | None:
    """The pictures of a frame's address; nothing for any other address."""
    try:
        address = urls.split(text.strip())
        return urls.resolve(address) if address.host == urls.EMBED_HOST else None
    except UnsupportedReference:
        return None


def page_address(text: str) -> AssetRef | None:
    """The picture of a page of a Getty site, with the site's tld; nothing for any other address."""
    try:
        address = urls.split(text.strip())
        if address.host not in urls.SITES:
            return None
        tld = urls.tld(urls.SITES[address.host])
        return AssetRef(urls.resolve(address).items, Options(tld=tld))
    except UnsupportedReference:
        return None


def _sized(ref: AssetRef, width: Any, height: Any) -> AssetRef:
    said = Options(max_width=_pixels(width), max_height=_pixels(height))
    return AssetRef(ref.items, said.over(ref.options))


def _pixels(value: Any) -> int | None:
    match = re.fullmatch(r"\s*([0-9]{1,5})(?:\.[0-9]{1,9})?\s*(?:px)?\s*", str(value), re.ASCII)
    return int(match[1]) if match and 1 <= int(match[1]) <= LARGEST else None


def _widgets(page: Page) -> Iterator[Core]:
    for match in _LOAD.finditer(page.text):
        pairs = (pair.groups(default="") for pair in _PAIR.finditer(match[1]))
        ref = _configured({name: a or b or c for name, a, b, c in pairs})
        if ref and CONVERTED not in match[0]:
            yield _widget(page, *_statement(page.text, *match.span()), ref)


def _configured(config: dict[str, str]) -> AssetRef | None:
    try:
        items = urls.asset_ids(config.get("items", ""))
    except UnsupportedReference:
        return None
    said = Options(caption=urls.flag(config.get("caption")), tld=urls.tld(config.get("tld")))
    return _sized(AssetRef(items, said), config.get("w"), config.get("h"))


def _statement(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a widget call with the stub of a queue that Getty writes around it."""
    before = _BEFORE.search(text, max(0, start - 300), start)
    after = _AFTER.match(text, end)
    return (before.start(), after.end()) if before and after else (start, end)


def _widget(page: Page, start: int, end: int, ref: AssetRef) -> Core:
    """A widget call with its script, the link before it and the loader after it, as far as they are there."""
    index = page.index(start)
    script, close = page.tag(index - 1, "script", closing=False), page.tag(index, "script", closing=True)
    if script and close:
        if not (page.is_blank(script.end, start) and page.is_blank(end, close.start)):
            return Core(start, end, ref)  # one line of a larger script
        start, end = script.start, close.end
    joined = _balanced(page, _link_before(page, start, ref), _loader_after(page, end))
    return Core(*(joined or (start, end)), ref)


def _link_before(page: Page, start: int, ref: AssetRef) -> int:
    index = page.index(start) - 1
    index, edge = _over_paragraphs(page, index, start, -1)
    link = page.element(index - 1, "a")
    if not link or not page.is_blank(link[1].end, edge):
        return start
    named = page_address(link[0].attributes.get("href", ""))
    return link[0].start if named and named.items[0] in ref.items else start


def _loader_after(page: Page, end: int) -> int:
    index, edge = _over_paragraphs(page, page.index(end), end, 1)
    loader = page.element(index, "script")
    if not loader or loader[2] or not page.is_blank(edge, loader[0].start):
        return end
    return loader[1].end if _LOADER.fullmatch(loader[0].attributes.get("src", "").strip()) else end


def _over_paragraphs(page: Page, index: int, edge: int, step: int) -> tuple[int, int]:
    """The next tag that is no paragraph or line break: editors put those between the parts."""
    for _ in range(4):
        tag = page.tags[index] if 0 <= index < len(page.tags) else None
        if tag is None or tag.name not in ("p", "br"):
            break
        near, far = (edge, tag.start) if step > 0 else (tag.end, edge)
        if not page.is_blank(near, far):
            break
        edge = tag.end if step > 0 else tag.start
        index += step
    return index, edge


def _balanced(page: Page, start: int, end: int) -> tuple[int, int] | None:
    """The span, with the other half of a paragraph that only one half of is in it."""
    first, after = page.index(start), page.index(end)
    closed, opened = _halves(page.tags[first:after])
    if closed == opened:
        return start, end
    opening, closing = page.tag(first - 1, "p", closing=False), page.tag(after, "p", closing=True)
    if closed and opening and page.is_blank(opening.end, start):
        return opening.start, end
    if opened and closing and page.is_blank(end, closing.start):
        return start, closing.end
    return None


def _halves(tags: list[Tag]) -> tuple[bool, bool]:
    """Whether a paragraph begins before these tags, and whether one ends after them; they do not nest."""
    paragraphs = [tag.closing for tag in tags if tag.name == "p"]
    return (paragraphs[0], not paragraphs[-1]) if paragraphs else (False, False)


def _records(page: Page) -> Iterator[Core]:
    """What a CMS keeps of an embed, as JSON, where it stands alone: a part of other JSON is that's own."""
    for match in _RECORD.finditer(page.text):
        start, end = match.span()
        before = page.text[max(0, start - 200) : start].rstrip(" \t")[-1:]
        after = page.text[end : end + 200].lstrip(" \t\r")[:1]
        alone = before in ("", "\n", ">") and after in ("", "\n", "<")
        if alone and CONVERTED not in match[0] and (ref := _record(match[0])):
            yield Core(start, end, ref)


def _record(text: str) -> AssetRef | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if record.get("type") != "getty" or not isinstance(record["attributes"], dict):
        return None
    said = {name: str(value) for name, value in record["attributes"].items()}
    page = page_address(str(record.get("url", "")))
    items = said.get("items") or (page and str(page)) or ""
    size = {"w": str(record.get("width")), "h": str(record.get("height"))}
    known = {"items": items, "caption": said.get("isCaptioned", ""), "tld": said.get("tld", ""), **size}
    return _configured(known) if page else None


def _bare(page: Page) -> Iterator[Core]:
    for match in _BARE.finditer(page.text):
        index = page.index(match.start()) - 1
        signed = "et=" in match[0] and "sig=" in match[0]
        if (index < 0 or page.tags[index].end <= match.start()) and signed and (ref := frame_address(match[0])):
            yield Core(*match.span(), ref)


def _links(page: Page) -> Iterator[Core]:
    for index in range(len(page.tags)):
        if not (found := page.element(index, "a")):
            continue
        link, close, label = found
        ref = page_address(link.attributes.get("href", ""))
        if ref and _is_gettys(link, label, ref):
            joined = _balanced(page, link.start, _loader_after(page, close.end))
            yield Core(*(joined or (link.start, close.end)), ref, link.align)


def _is_gettys(link: Tag, label: str, ref: AssetRef) -> bool:
    """Whether a link to a picture is Getty's own, and not some author's."""
    classes = link.attributes.get("class", "").split()
    return (
        "gie-single" in classes
        or "gie-slideshow" in classes
        or bool(_OWN_TEXT.fullmatch(label))
        or label == f"#{ref}"
        or (label == "View image" and "color:#a7a7a7" in link.style)  # the grey of every link of theirs
    )


def _markdown_links(page: Page) -> Iterator[Core]:
    for match in _MARKDOWN.finditer(page.text):
        if ref := page_address(match[1]):
            yield Core(*match.span(), ref)
