"""Pictures in pages that have been built: our own figures, and frames of the services that the settings name.

Only to check what became of the pictures: what a rendering trusts is not decided here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from html import unescape
from operator import itemgetter
from urllib.parse import urlsplit

from embedkit.engine.shelf import figures
from embedkit.engine.sources import Source
from embedkit.errors import UnsupportedReference
from embedkit.getty import urls
from embedkit.models import AssetRef
from embedkit.settings import Settings
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import Exhausted

Frames = re.Pattern[str]
Span = tuple[int, int, AssetRef]


def frames(settings: Settings) -> Frames:
    """Tags of frames of a sandbox, a proxy, or a service of ours; those of Getty itself are embed code."""
    endpoint = urlsplit(settings.oembed_endpoint)
    bases = {settings.frame_origin, f"//{endpoint.netloc}", settings.public_url}
    places = {base[base.index("//") :] for base in bases if base} - {f"//{urls.EMBED_HOST}"}
    known = "|".join(map(re.escape, sorted(places))) or "(?!)"  # nothing
    url = rf"(?:https?:)?(?:{known})(/embed[/?][^\"'\s<>]*)"
    return re.compile(rf"""<(?:iframe|amp-iframe|object|embed)\s[^<>]*?=\s*["']?{url}""", re.IGNORECASE)


def find(source: Source, frames: Frames, known: Iterable[int]) -> Iterator[tuple[int, AssetRef]]:
    """Where pictures are that stand in no code, and in nothing that is known to be at one of these places."""
    code, places, end = scan.protected(source.text, source.input), sorted(known), 0
    spans = sorted([*figures(source.text), *_framed(source.text, frames)], key=itemgetter(0))
    try:
        for start, stop, ref in spans:
            if start >= end and not code.protected(start):
                end = stop
                if bisect_left(places, start) == bisect_left(places, stop):
                    yield start, ref
    except Exhausted:
        return  # the rest is too deep to tell what is code


def _framed(text: str, frames: Frames) -> Iterator[Span]:
    for frame in frames.finditer(text):
        try:
            yield *frame.span(), urls.read(f"https://{urls.EMBED_HOST}{unescape(frame[1])}")
        except UnsupportedReference:
            continue
