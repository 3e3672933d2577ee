"""A1, A2, A3: rendering texts with a warm kit, compared with the limits of :mod:`tests.bench.bench_shortcodes`."""

from __future__ import annotations

from collections.abc import Iterator

from micawber import parse_text

from embedkit import EmbedKit, Settings
from tests.bench.bench_shortcodes import expand, find_loop, probes
from tests.bench.bench_web import micawber_providers
from tests.bench.corpus import posts
from tests.bench.table import Row, ratios
from tests.support.embeds import record

COUNT = 300


def rows() -> Iterator[Row]:
    """A1 and A3, for the kit and for the scanner alone; A2, compared with micawber."""
    mixed, plain = posts(COUNT), posts(COUNT, embeds=False, seed=2)
    with EmbedKit(Settings(cache="memory:", secret="s" * 40)) as kit:
        ids = {id for post in mixed for id in post.ids}
        for id in ids:
            kit.cache.store(record(id), tld="com")
        html = {id: str(kit.html(id)) for id in ids}
        embeds = sum(len(kit.document(post.text, input="markdown").embeds) for post in mixed)
        assert embeds == sum(len(post.ids) for post in mixed), "a live embed is lost, or a decoy expanded"

        def limit() -> None:
            for post in mixed:
                find_loop(post.text, html)

        def rendered() -> None:
            for post in mixed:
                kit.render(post.text, input="markdown")

        def scanned() -> None:
            for post in mixed:
                expand(post.text, html, "markdown")

        providers = micawber_providers(r"https://(?:gty\.im|www\.gettyimages\.com)/\S*")

        def by_micawber() -> None:
            for post in mixed:
                parse_text(post.text, providers, urlize_all=False)

        def probed() -> None:
            for post in plain:
                probes(post.text)

        def rendered_plain() -> None:
            for post in plain:
                kit.render(post.text, input="markdown")

        yield Row("A1", "find loop / EmbedKit.render, Markdown", ratios(limit, rendered), 0.35, 0.45, False)
        yield Row("A1", "find loop / scanner and a dict, Markdown", ratios(limit, scanned), 0.35, 0.45, False)
        found = ratios(by_micawber, rendered)
        yield Row("A2", "micawber, of the URLs alone / EmbedKit.render, Markdown", found, 1.5, 2.8, False)
        found = ratios(probed, rendered_plain)
        yield Row("A3", "three probes / EmbedKit.render of posts without embeds", found, 0.85, 0.95, False)
