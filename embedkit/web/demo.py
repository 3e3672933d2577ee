"""The demo: the picker next to a post with a live preview, a form to try references, and the next three steps.

It is the entire service plus one page, which is rendered on the server and works without scripts.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, request
from markupsafe import Markup

from embedkit.errors import EmbedKitError
from embedkit.kit import EmbedKit
from embedkit.models import JSON, AssetRef, Embed, Options
from embedkit.settings import Settings
from embedkit.shortcodes import scan
from embedkit.targets import ROWS
from embedkit.web.app import create_app
from embedkit.web.pages import page
from embedkit.web.picker_files import picker_files

POST = """\
On the third day the clouds broke, an hour before the moon took the sun.

[getty 1215508382 caption="Jaipur, a minute before totality."]

Birds went quiet and the street lamps came on. We drove north that night, and the sky was not done with us.

[getty 252611441 width=420 target=facade]

The green began as a thread above the pines and then filled the window. That picture loads nothing from Getty \
Images until the reader presses its button.
"""
MAX_TEXT_CHARS = 4_000

SAMPLES = (
    ("74917285", "an ID"),
    ("https://gty.im/1152503810", "a short link"),
    ("https://www.gettyimages.de/detail/foto/winterabend-lizenzfreies-bild/91480088", "a localized page"),
    ("1131502286,1226009144,1257511430", "a slideshow"),
    ('[getty src="156980638" width="300" caption="Dunes"]', "a shortcode"),
    ("500000404", "a withdrawn picture"),
    ("500000403", "not embeddable"),
    ("500000666", "malicious metadata"),
    ("https://gettyimages.com.evil.example/detail/74917285", "a look-alike domain"),
)

Calls = Callable[[], int]
"""Returns the number of requests to the sandbox so far."""


def create_demo(settings: Settings, calls: Calls) -> Flask:
    """Create the service with the demo's page at its root.

    :param calls: returns the number of requests to the sandbox that the settings point to.
    """
    kit = EmbedKit(settings)
    app = create_app(settings, kit=kit)
    app.view_functions["embedkit.index"] = lambda: _page(kit, calls)
    return app


def _page(kit: EmbedKit, calls: Calls) -> Response:
    ref = request.args.get("ref", "").strip()[:MAX_TEXT_CHARS]
    text = request.args.get("text", POST)[:MAX_TEXT_CHARS]
    pictures = " ".join(kit.settings.image_origins)
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        f" img-src 'self' data: {pictures}; frame-src 'self' {kit.settings.frame_origin};"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return page(
        kit.settings,
        "demo.html",
        policy=policy,
        text=text,
        article=_article(kit, text),
        trial=_try(kit, calls, ref) if ref else None,
        ref=ref,
        samples=SAMPLES,
        assets=kit.assets("facade"),
        picker=map(Markup, picker_files().tags("/static")),
        url=request.host_url.rstrip("/"),
    )


def _article(kit: EmbedKit, text: str) -> Markup:
    """Render a plain text as its readers see it. With scripts, embedkit-demo.js does the same."""
    paragraphs = (piece.strip() for piece in re.split(r"\n\s*\n", text))
    return kit.filter(Markup("\n").join(Markup("<p>{}</p>").format(one) for one in paragraphs if one))


def _try(kit: EmbedKit, calls: Calls, ref: str) -> JSON:
    """Return the result of a reference typed by a visitor."""
    began, before = time.perf_counter(), calls()
    found: Embed | EmbedKitError
    try:
        parsed = kit.parse(ref)
        found = kit.resolve(parsed)
    except EmbedKitError as error:
        found = error
    trial: JSON = {"milliseconds": (time.perf_counter() - began) * 1000, "calls": calls() - before}
    if isinstance(found, EmbedKitError):
        return {**trial, "error": found, "fallback": kit.fallback(ref, found, Options(target="web"))}
    return {
        **trial,
        "error": None,
        "embed": found,
        "shortcode": scan.format(parsed),
        "record": json.dumps(found.as_json(time.time()), ensure_ascii=False, indent=2),
        "shown": list(_shown(kit, parsed, found)),
    }


def _shown(kit: EmbedKit, ref: AssetRef, embed: Embed) -> Iterator[JSON]:
    """Yield the embed of the visitor's reference for each target."""
    for target, row in ROWS.items():
        source = kit.show(embed, Options(target=target).over(ref.options))
        yield {"target": target, "use": row.use, "source": str(source), "preview": source if row.preview else None}
