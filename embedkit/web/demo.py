"""The demo: a sample post with live shortcodes, a place to try a reference, and the next three steps.

It is the whole service plus one page. The page is made on the server and works without any script.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, Response, request
from markupsafe import Markup

from embedkit import serialization
from embedkit.errors import EmbedKitError
from embedkit.kit import EmbedKit
from embedkit.models import JSON, AssetRef, Embed, Options
from embedkit.settings import Settings
from embedkit.shortcodes import scan
from embedkit.targets import ROWS
from embedkit.web.app import create_app
from embedkit.web.pages import environment
from embedkit.web.response import as_page

POST = """\
<p>On the third day the clouds broke, an hour
before the moon took the sun.</p>

[getty 1215508382
 caption="Jaipur, a minute before totality."
 title="The corona around a black sun"]

<p>Birds went quiet and the street lamps came
on. We drove north that night, and the sky was
not done with us.</p>

[getty 252611441 width=420 align=right
 target=facade]

<p>The green began as a thread above the pines
and then filled the window. Whoever reads this
chooses when Getty Images is asked for that one:
the façade loads nothing before the button is
pressed.</p>

<p>By the weekend there were only mountains, one
after the other.</p>

[getty 1131502286,1226009144,1257511430]

<p>Write <code>[getty 74917285]</code> for a
picture of your own. In code, as here, it stays
as it is; so does [[getty 74917285]], the
escape.</p>
"""

SAMPLES = (
    ("74917285", "an id"),
    ("https://gty.im/1152503810", "a short link"),
    ("https://www.gettyimages.de/detail/foto/winterabend-lizenzfreies-bild/91480088", "a localised page"),
    ("1131502286,1226009144,1257511430", "a slideshow"),
    ('[getty src="156980638" width="300" caption="Dunes"]', "a shortcode"),
    ("500000404", "withdrawn"),
    ("500000403", "not embeddable"),
    ("500000666", "hostile texts"),
    ("https://gettyimages.com.evil.example/detail/74917285", "a look-alike host"),
)

Calls = Callable[[], int]
"""How often the sandbox was asked so far."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a reference that a visitor typed."""

    milliseconds: float
    calls: int
    record: str = ""
    shortcode: str = ""
    embed: Embed | None = None
    error: EmbedKitError | None = None
    fallback: Markup | str = ""
    shown: tuple[JSON, ...] = ()


def create_demo(settings: Settings, calls: Calls) -> Flask:
    """The service with the demo's page at its root.

    :param calls: tells how often the sandbox that the settings point to was asked.
    """
    kit = EmbedKit(settings)
    app = create_app(settings, kit=kit)
    app.view_functions["embedkit.index"] = lambda: _page(kit, calls)
    return app


def _page(kit: EmbedKit, calls: Calls) -> Response:
    ref = request.args.get("ref", "").strip()[:4000]
    rendered = Markup(kit.render(POST))  # our own text and our own markup  # noqa: S704  # nosec B704
    html = (
        environment("")
        .get_template("embedkit/demo.html")
        .render(
            post=_pieces(POST),
            rendered=rendered,
            trial=_try(kit, calls, ref) if ref else None,
            ref=ref,
            samples=SAMPLES,
            assets=kit.assets("facade"),
            url=request.host_url.rstrip("/"),
        )
    )
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        f"frame-src {kit.settings.frame_origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return as_page(html, policy)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A text cut where its shortcodes begin and end, and which of the pieces are shortcodes."""
    last = 0
    for found in scan.find(text):
        yield text[last : found.start], False
        yield text[found.start : found.end], True
        last = found.end
    yield text[last:], False


def _try(kit: EmbedKit, calls: Calls, ref: str) -> Trial:
    began, before = time.perf_counter(), calls()
    try:
        parsed = kit.parse(ref)
        embed = kit.resolve(parsed)
    except EmbedKitError as error:
        instead = kit.fallback(ref, error, Options(target="web"))
        return Trial(_since(began), calls() - before, error=error, fallback=instead)
    took = _since(began)
    record = json.dumps(serialization.public(embed, time.time()), ensure_ascii=False, indent=2)
    return Trial(
        took,
        calls() - before,
        record=record,
        shortcode=scan.format(parsed),
        embed=embed,
        shown=tuple(_shown(kit, parsed, embed)),
    )


def _shown(kit: EmbedKit, ref: AssetRef, embed: Embed) -> Iterator[JSON]:
    """The picture that was tried, for each target."""
    for target, row in ROWS.items():
        source = kit.show(embed, Options(target=target).over(ref.options))
        preview = source if row.preview else None
        yield {"target": target, "use": row.use, "source": str(source), "preview": preview}


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
