"""B1, B2: processing Getty's markup, compared with one regular expression for one form of it, and one template."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embedkit.errors import InvalidResponse
from embedkit.getty.markup import extract
from tests.bench.hostile import family
from tests.bench.table import Row, quartiles, ratios, seconds

ITEM = "716044695"
SIG = "c2lnbmVkLWJ5LW5vYm9keS1mb3ItYS1iZW5jaC0tLS0="
HOSTS = frozenset({"embed.gettyimages.com"})
SCRIPT = (
    f"<a id='Xy-_0123456789abcdefgh' class='gie-single' href='https://www.gettyimages.com/detail/{ITEM}'"
    " target='_blank' style='color:#a7a7a7;text-decoration:none;font-weight:normal !important;border:none;"
    "display:inline-block;'>Embed from Getty Images</a><script>window.gie=window.gie||function(c){(gie.q=gie.q||[])"
    ".push(c)};gie(function(){gie.widgets.load({id:'Xy-_0123456789abcdefgh',"
    f"sig:'{SIG}',w:'594px',h:'396px',items:'{ITEM}',caption: false ,tld:'com',is360: false }})}});</script>"
    "<script src='//embed-cdn.gettyimages.com/widgets.js' charset='utf-8' async></script>"
)
HOLES = re.compile(
    re.escape(SCRIPT)
    .replace("Xy\\-_0123456789abcdefgh", "([A-Za-z0-9_-]{22})")
    .replace(re.escape(SIG), "([A-Za-z0-9_=-]{44})")
    .replace(ITEM, "([0-9a-z-]{1,24})")
    .replace("594", "([0-9]{1,5})")
    .replace("396", "([0-9]{1,5})")
)
TEMPLATE = (
    '<iframe src="https://embed.gettyimages.com/embed/{}?et={}&tld=com&sig={}" width="{}" height="{}"></iframe>'
)


def limit() -> str:
    found = HOLES.fullmatch(SCRIPT)
    assert found
    et, item, _, sig, width, height, _ = found.groups()
    return TEMPLATE.format(item, et, sig, width, height)


def ours() -> str:
    found = extract(SCRIPT, (ITEM,), HOSTS)
    frame = found.frame
    src = f"https://embed.gettyimages.com{frame.path()}"
    return f'<iframe src="{src}" width="{found.width}" height="{found.height}"></iframe>'


def refuse(html: str) -> None:
    try:
        extract(html, (ITEM,), HOSTS)
    except InvalidResponse:
        return
    raise AssertionError("hostile html has been taken for Getty's")


def rows() -> Iterator[Row]:
    """B1 and B2."""
    assert ours() == limit()
    yield Row("B1", "validate and re-emit one answer / template limit", ratios(ours, limit, times=2000), 3, 1.5)
    endings = [family(unit, SCRIPT)(64_000) for unit in ("<", "<a ", "<!--", " ", "<div>", "'", SCRIPT[:9])]
    endings += [SCRIPT[:-9] + filler * (64_000 // len(filler)) for filler in (" ", "<script>", "x", "';")]
    worst = [max(seconds(lambda html=html: refuse(html)) for html in endings) * 1e3 for _ in range(9)]  # type: ignore[misc]
    yield Row("B2", "refuse 64 KB of hostile html, the worst of 11", quartiles(worst), 1, 0.2, unit="ms")
