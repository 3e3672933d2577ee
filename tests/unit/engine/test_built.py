"""Pictures in built pages: where they are found, and where not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedkit import Build, EmbedKit, Settings, Source
from embedkit.engine import built
from embedkit.engine.build import occurrences
from embedkit.sandbox import SandboxServer
from embedkit.shortcodes import scan
from embedkit.shortcodes.budget import Exhausted
from embedkit.targets import ROWS, TARGETS, Input, Target

ID = "74917285"
SHOW = "600000001,600000002"
GONE, DENIED = "500000404", "500000403"
TEXT = f"A post: [getty {ID}]\n\n[getty {SHOW}]\n"
NAMED = Settings(
    frame_origin="http://127.0.0.1:8081",
    oembed_endpoint="https://proxy.example.org/getty/oembed",
    public_url="https://example.org/embeds",
)
# the other targets only have a link, like any that an author writes
MARKED = [one for one in TARGETS if ROWS[one].fallback in ("card", "link")]


@pytest.fixture(name="server", scope="module")
def fixture_server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(name="own_kit", scope="module")
def fixture_own_kit(server: SandboxServer) -> Iterator[EmbedKit]:
    """A kit whose Getty has another URL, like that of a site built with a sandbox."""
    with EmbedKit(server.settings(cache="memory:"), background=False) as kit:
        yield kit


@pytest.mark.parametrize("whose", ["kit", "own_kit"])
@pytest.mark.parametrize("target", MARKED)
def test_a_built_page_is_checked_like_its_source(
    whose: str, target: Target, request: pytest.FixtureRequest
) -> None:
    kit: EmbedKit = request.getfixturevalue(whose)
    [document] = kit.documents([(TEXT, "markdown")], target=target)
    pages: list[tuple[str, Input]] = [(document.content, "html"), (document.content, "markdown")]
    for html, input in pages:
        report = Build(kit).check([Source(html, input, "page")])
        assert (report.distinct, report.exit_code) == (2, 0)
        found = occurrences([Source(html, input)], built.frames(kit.settings))
        shown = [str(one.ref) for one in found]
        assert shown == [ID, "600000001" if target == "card" else SHOW]
        assert [one.line for one in found] == [1, 3]


FRAME = '<p>A</p>\n<iframe width=9 src="{}/embed/74917285?et=A&amp;sig=B"></iframe>'


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (FRAME.format("http://127.0.0.1:8081"), ID),
        (FRAME.format("//127.0.0.1:8081"), ID),
        (FRAME.format("https://proxy.example.org"), ID),
        (FRAME.format("https://example.org/embeds"), ID),
        ("<p>A</p>\n<iframe data-src='https://EXAMPLE.org/embeds/embed/74917285'></iframe>", ID),
        ('<p>A</p>\n<iframe src="//127.0.0.1:8081/embed?et=A&amp;assets=1234,5678&amp;sig=B">', "1234,5678"),
        (FRAME.format("https://embed.gettyimages.com"), ID),  # once, as ever
        (FRAME.format("http://127.0.0.1:8082"), None),
        (FRAME.format("http://127.0.0.1:8081.evil.example"), None),
        (FRAME.format("http://evil.example/?http://127.0.0.1:8081"), None),
        (FRAME.format("https://example.org"), None),
        ('<a href="http://127.0.0.1:8081/embed/74917285">A</a>', None),
        ('<iframe src="http://127.0.0.1:8081/embed/no-picture"></iframe>', None),
        ("<!-- " + FRAME.format("http://127.0.0.1:8081") + " -->", None),
        ("<pre>" + FRAME.format("http://127.0.0.1:8081") + "</pre>", None),
    ],
)
def test_frames_of_configured_services_are_found(html: str, found: str | None) -> None:
    read = occurrences([Source(html)], built.frames(NAMED))
    assert [(one.line, str(one.ref)) for one in read] == ([(2, found)] if found else [])


def test_only_check_reads_built_pages() -> None:
    assert occurrences([Source(FRAME.format("http://127.0.0.1:8081"))]) == []


def test_without_configured_services_only_figures_are_found() -> None:
    assert built.frames(Settings()).search(FRAME.format("https://embed.gettyimages.com")) is None


def test_nothing_is_found_if_the_code_cannot_be_determined(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deep:
        def protected(self, _: int) -> bool:
            raise Exhausted("too deep")

    monkeypatch.setattr(scan, "protected", lambda *_: Deep())
    assert list(built.find(Source(FRAME.format("http://127.0.0.1:8081")), built.frames(NAMED), [])) == []


@pytest.mark.parametrize(
    ("show", "code", "lost"),
    [
        (f"600000001,{GONE},600000002", "not-found", (GONE,)),
        (f"{GONE},600000001,500000410", "not-found", (GONE, "500000410")),
        (f"600000001,{DENIED}", "not-embeddable", (DENIED,)),
    ],
)
def test_a_lost_slideshow_reports_which_pictures_are_lost(
    kit: EmbedKit, show: str, code: str, lost: tuple[str, ...]
) -> None:
    report = Build(kit).check([Source(f"[getty {show}]\n\n[getty {ID},600000001]\n\n[getty {GONE}]", path="a")])
    assert [(one.code, one.ref, one.lost) for one in report.findings] == [
        (code, show, lost),
        ("not-found", GONE, ()),
    ]
    assert report.distinct == 3
