"""Pictures in built pages: our own figures, and frames from the services that the settings name.

Only for checking whether the pictures still exist, not for deciding what is trusted when rendering.
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
    """Return a pattern for frames of a sandbox, a proxy or our own service; Getty's own frames are embed code."""
    endpoint = urlsplit(settings.oembed_endpoint)
    bases = {settings.frame_origin, f"//{endpoint.netloc}", settings.public_url}
    places = {base[base.index("//") :] for base in bases if base} - {f"//{urls.EMBED_HOST}"}
    known = "|".join(map(re.escape, sorted(places))) or "(?!)"  # which never matches
    url = rf"(?:https?:)?(?:{known})(/embed[/?][^\"'\s<>]*)"
    return re.compile(rf"""<(?:iframe|amp-iframe|object|embed)\s[^<>]*?=\s*["']?{url}""", re.IGNORECASE)


def find(source: Source, frames: Frames, known: Iterable[int]) -> Iterator[tuple[int, AssetRef]]:
    """Yield the places of pictures that are neither in code nor part of one of the ``known`` places."""
    code, places, end = scan.protected(source.text, source.input), sorted(known), 0
    spans = sorted([*figures(source.text), *_framed(source.text, frames)], key=itemgetter(0))
    try:
        for start, stop, ref in spans:
            if start >= end and not code.protected(start):
                end = stop
                if bisect_left(places, start) == bisect_left(places, stop):
                    yield start, ref
    except Exhausted:
        return  # nested too deeply to determine what is code


def _framed(text: str, frames: Frames) -> Iterator[Span]:
    for frame in frames.finditer(text):
        try:
            yield *frame.span(), urls.read(f"https://{urls.EMBED_HOST}{unescape(frame[1])}")
        except UnsupportedReference:
            continue
