"""P1 to P3: how quickly the picker shows results, and whether it blocks the browser.

These are reported without a gate, since a browser on a busy machine is slow for other reasons.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.table import Row, exactly, quartiles
from tests.support.picker import Desk, desks, wait_until
from tests.support.tools import chromium

ROUNDS = 15
TILES = 60
# From the request, which is sent when the debounce ends, to the first frame with the tiles.
WATCH = """() => {
  window.took = []; window.long = [];
  new PerformanceObserver(list => long.push(...list.getEntries().map(one => one.duration))).observe({type: 'longtask'});
  let began = 0;
  addEventListener('embedkit-search', () => { began = performance.now(); });
  addEventListener('embedkit-results', () => requestAnimationFrame(() => setTimeout(() => took.push(performance.now() - began))));
}"""


def rows() -> Iterator[Row]:
    """P1 to P3."""
    with chromium() as browser, desks(browser) as desk:
        took, long, count = _measured(desk)
    assert count == TILES
    yield Row("P1", f"the first {TILES} tiles, after the debounce", quartiles(took[1:]), None, 100, unit="ms")
    yield Row(
        "P2", "the longest task with them (0: none over 50 ms)", exactly(max(long, default=0)), None, 50, unit="ms"
    )
    yield Row("P3", f"tasks over 50 ms in {ROUNDS} searches", exactly(len(long)), None, 0, unit="")


def _measured(desk: Desk) -> tuple[list[float], list[float], int]:
    desk.service.total = 10 * TILES
    page = desk.open(f"page-size={TILES}")
    page.evaluate(WATCH)
    for number in range(ROUNDS):
        page.get_by_role("searchbox").fill(f"harbour {number}")
        wait_until(page, f"took.length > {number}")
    count = page.locator(".grid [role=option]").count()
    return page.evaluate("took"), page.evaluate("long"), count
