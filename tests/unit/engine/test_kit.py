"""The kit with the sandbox: cold, warm, stale, and in an outage."""

from __future__ import annotations

import doctest
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import embedkit
from embedkit import (
    ConfigurationError,
    Embed,
    EmbedKit,
    EmbedKitError,
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    Options,
    Settings,
    Unavailable,
    UnsupportedReference,
)
from embedkit.engine import lockfile
from embedkit.freshness import DAY
from embedkit.sandbox import SandboxServer, SandboxTransport
from tests.support.tools import Clock

ID = "74917285"
DENIED = "500000403"
GONE = "500000410"
WIDE = "600000004"


@pytest.mark.parametrize(
    "module", ["kit", "process", "cache.entry", "engine.build", "engine.shelf", "files.installed"]
)
def test_the_examples_of_docstrings_run(module: str) -> None:
    settings = Settings(cache="memory:", **SandboxServer.credentials)
    with EmbedKit(settings, transport=SandboxTransport()) as kit:
        names = {"kit": kit, "embedkit": embedkit}
        failed, tried = doctest.testmod(import_module(f"embedkit.{module}"), extraglobs=names)
    assert tried > 0 == failed


class Harness:
    """A kit, its sandbox, and the clock of both."""

    def __init__(self, **rows: Any) -> None:
        self.clock = Clock()
        self.transport = SandboxTransport()
        self.sandbox = self.transport.app
        settings = Settings(**{"cache": "memory:", "timeout": 2.0, **rows})
        self.kit = EmbedKit(settings, transport=self.transport, clock=self.clock, background=False)

    @property
    def calls(self) -> int:
        return self.sandbox.count("oembed")

    def down(self) -> None:
        self.sandbox.faults.add("status", status=503, count=None)


@pytest.fixture
def harness() -> Iterator[Harness]:
    made = Harness()
    yield made
    made.kit.close()


# -- a post --------------------------------------------------------------------------------------------


def test_cold_then_warm(harness: Harness) -> None:
    html = str(harness.kit.html(ID))
    assert f"/embed/{ID}?et=" in html
    assert "<figure" in html
    assert str(harness.kit.html(ID)) == html
    assert harness.calls == 1


def test_a_post(harness: Harness) -> None:
    text = f"Hello\n\n[getty {ID} width=300]\n\n`[getty 1]` and [[getty 2]]\n"
    html = harness.kit.render(text, input="markdown")
    assert html.count("<iframe") == 1
    assert 'width="300"' in html
    assert "`[getty 1]` and [getty 2]" in html
    assert "\n\n" not in html[html.index("<figure") : html.index("</figure>")]


def test_a_stale_copy_is_shown_at_once_and_refreshed_before_exit(harness: Harness) -> None:
    harness.kit.resolve(ID)
    harness.clock.now += 1.5 * DAY
    assert harness.kit.resolve(ID).stale
    assert harness.calls == 1
    assert harness.kit.settle() == 0
    assert harness.calls == 2
    assert not harness.kit.resolve(ID).stale
    assert harness.calls == 2


def test_a_service_refreshes_a_stale_copy_in_the_background() -> None:
    harness = Harness()
    harness.kit = EmbedKit(harness.kit.settings, transport=harness.transport, clock=harness.clock, background=True)
    harness.kit.resolve(ID)
    harness.clock.now += 1.5 * DAY
    assert harness.kit.resolve(ID).stale
    assert harness.kit.settle(5) == 0
    assert not harness.kit.resolve(ID).stale
    assert harness.calls == 2


def test_an_outage_shows_the_last_good_copy_for_a_month(harness: Harness) -> None:
    good = str(harness.kit.html(ID))
    harness.down()
    harness.clock.now += 10 * DAY
    assert str(harness.kit.html(ID)) == good
    assert harness.kit.resolve(ID).stale
    harness.clock.now += 30 * DAY
    with pytest.raises(Unavailable):
        harness.kit.resolve(ID)
    assert "gettyimages.com/detail/" in str(harness.kit.html(ID))
    assert "<iframe" not in str(harness.kit.html(ID))


@pytest.mark.parametrize(
    "kind", ["status", "firewall", "not-json", "throttle", "quota", "mismatch", "hostile", "hang", "drop"]
)
def test_no_fault_replaces_a_good_copy(harness: Harness, kind: str) -> None:
    good = harness.kit.resolve(ID)
    harness.sandbox.faults.add(kind, count=None)
    harness.clock.now += 5 * DAY
    held = harness.kit.resolve(ID)
    assert held.stale
    assert held.frame == good.frame
    harness.sandbox.faults.clear()
    harness.clock.now += 2 * DAY
    assert not harness.kit.resolve(ID).stale


def test_a_withdrawn_picture_disappears_and_stays_away(harness: Harness) -> None:
    harness.kit.resolve(ID)
    harness.kit.resolve(ID, tld="de")
    harness.sandbox.withdraw(ID)
    harness.clock.now += 2.5 * DAY
    with pytest.raises(NotFound):
        harness.kit.resolve(ID)
    calls = harness.calls
    with pytest.raises(NotFound):
        harness.kit.resolve(ID, tld="de")  # one entry holds all copies of a picture
    with pytest.raises(NotFound):
        harness.kit.resolve(ID)
    assert harness.calls == calls
    harness.down()
    with pytest.raises(NotFound):
        harness.kit.resolve(ID)
    harness.sandbox.faults.clear()
    harness.sandbox.restore(ID)
    harness.clock.now += DAY + 1
    assert harness.kit.resolve(ID)


def test_a_picture_that_is_no_longer_embeddable_is_shown_a_day_longer(harness: Harness) -> None:
    kit = harness.kit
    kit.resolve(WIDE)
    kit.cache.store_error((WIDE,), "com", NotEmbeddable())
    harness.clock.now += 1.5 * DAY
    kit.cache.store_error((WIDE,), "com", NotEmbeddable())
    assert kit.resolve(WIDE).stale
    harness.clock.now += DAY
    kit.cache.store_error((WIDE,), "com", NotEmbeddable())
    with pytest.raises(NotEmbeddable):
        kit.resolve(WIDE)


@pytest.mark.parametrize(
    ("ref", "error"),
    [(DENIED, NotEmbeddable), (GONE, NotFound), ("1", NotFound), ("https://evil.example/1", UnsupportedReference)],
)
def test_errors_are_distinguished_and_remembered(harness: Harness, ref: str, error: type[EmbedKitError]) -> None:
    for _ in range(3):
        with pytest.raises(error):
            harness.kit.resolve(ref)
    assert harness.calls <= 1


def test_markup_that_is_refused_becomes_a_credited_card(harness: Harness) -> None:
    harness.sandbox.faults.add("hostile", count=None)
    with pytest.raises(InvalidResponse):
        harness.kit.resolve(ID)
    card = str(harness.kit.html(ID))
    assert "Ivo Lindqvist" in card
    assert "<script" not in card
    assert "javascript:" not in card


@pytest.mark.parametrize(
    ("on_error", "has", "lacks"),
    [("card", "ek-card", "<iframe"), ("link", "<a ", "ek-card"), ("text", f"picture {DENIED}", "<a ")],
)
def test_on_error(on_error: str, has: str, lacks: str) -> None:
    html = str(Harness(on_error=on_error).kit.html(DENIED))
    assert has in html
    assert lacks not in html


@pytest.mark.parametrize("on_error", ["card", "link", "text"])
def test_readers_learn_that_a_withdrawn_picture_is_gone(on_error: str) -> None:
    kit = Harness(on_error=on_error).kit
    html = str(kit.html(GONE))
    assert "This picture is no longer available" in html
    assert "<a " not in html  # it would lead nowhere
    assert ("ek-card" in html) is (on_error == "card")
    assert kit.html(GONE, target="text") == "This picture is no longer available."


def test_readers_learn_that_an_outage_is_temporary() -> None:
    harness = Harness()
    harness.sandbox.faults.add("status", status=503, count=None)
    html = str(harness.kit.html(ID))
    assert "be shown right now" in html
    assert "<a " in html


def test_on_error_raise() -> None:
    kit = Harness(on_error="raise").kit
    with pytest.raises(NotFound):
        kit.html(GONE)
    with pytest.raises(NotFound):
        kit.render(f"[getty {GONE}]")


def test_an_invalid_reference_is_left_as_the_authors_text(harness: Harness) -> None:
    assert harness.kit.html("<b>my cat</b>", target="feed") == "&#60;b&#62;my cat&#60;&#47;b&#62;"
    document = harness.kit.document(
        "x [getty cat] y\n\nhttps://gettyimages.com.evil.example/detail/1\n", input="text"
    )
    assert document.content == "x [getty cat] y\n\nhttps://gettyimages.com.evil.example/detail/1\n"
    assert [problem.code for problem in document.problems] == ["unsupported"] * 2


def test_problems_have_their_position(harness: Harness) -> None:
    document = harness.kit.document(f"é [getty {GONE}]\n\n[getty 1 wide=2]\n\n[getty", input="text")
    assert [(one.line, one.column, one.code) for one in document.problems] == [
        (1, 3, "not-found"),
        (3, 1, "unknown-attribute"),
        (3, 1, "not-found"),
        (5, 1, "shortcode"),
    ]


def test_an_author_can_choose_the_target_of_a_page_but_not_of_a_feed(harness: Harness) -> None:
    text = f"[getty {ID} target=facade]"
    assert "data-ek-src" in harness.kit.render(text)
    assert "data-ek-src" not in harness.kit.render(text, target="feed")


# -- sizes ---------------------------------------------------------------------------------------------


def test_smaller_sizes_need_no_call_and_larger_ones_one(harness: Harness) -> None:
    first = harness.kit.resolve(WIDE)
    assert max(first.width, first.height) == 594
    small = harness.kit.resolve(WIDE, max_width=200)
    assert small.width <= 200
    assert harness.calls == 1
    large = harness.kit.resolve(WIDE, max_width=900)
    assert large.width == 900
    assert harness.calls == 2
    again = harness.kit.resolve(WIDE)
    assert (again.width, again.height) == (first.width, first.height)
    harness.kit.resolve(WIDE, max_width=700)
    assert harness.calls == 2


def test_a_size_known_to_be_unavailable_is_not_requested_again(harness: Harness) -> None:
    small = "500000240"
    for width in (1000, 2000, 3000):
        assert harness.kit.resolve(small, max_width=width).width == 240
    assert harness.calls == 1


def test_an_invalid_option_is_refused_by_name(harness: Harness) -> None:
    for wrong in ({"target": "flash"}, {"max_width": 0}, {"tld": "evil"}, {"colour": "red"}, {"max_width": "9"}):
        with pytest.raises(ConfigurationError):
            harness.kit.html(ID, **wrong)
    for act in (lambda: harness.kit.render("x", target="facad"), lambda: harness.kit.assets("facad")):
        with pytest.raises(ConfigurationError, match="There is no target 'facad'"):
            act()
    with pytest.raises(ConfigurationError, match="no input"):
        harness.kit.render("x", input="rst")  # type: ignore[arg-type]


# -- many at once --------------------------------------------------------------------------------------


def test_resolve_many_keeps_the_order_and_requests_each_picture_once(harness: Harness) -> None:
    refs = [WIDE, "600000005", "https://evil.example/", GONE, f"https://gty.im/{WIDE}", WIDE]
    answers = harness.kit.resolve_many(refs)
    assert [type(answer).__name__ for answer in answers] == [
        "Embed",
        "Embed",
        "UnsupportedReference",
        "NotFound",
        "Embed",
        "Embed",
    ]
    assert answers[0] == answers[4] == answers[5]
    assert harness.calls == 3


def test_a_batch_requests_the_largest_size_that_it_needs(harness: Harness) -> None:
    text = f"[getty {WIDE} width=200]\n\n[getty {WIDE} width=900]\n\n[getty {WIDE}]\n"
    document = harness.kit.document(text)
    assert [embed.width for embed in document.embeds] == [200, 900, 594]
    assert harness.calls == 1


def test_two_hundred_threads_make_one_call(harness: Harness) -> None:
    harness.sandbox.faults.add("delay", seconds=0.2)
    gate = threading.Barrier(200)

    def ask(_: int) -> Embed:
        gate.wait()
        return harness.kit.resolve(ID)

    with ThreadPoolExecutor(200) as pool:
        embeds = list(pool.map(ask, range(200)))
    assert harness.calls == 1
    assert len({embed.frame for embed in embeds}) == 1


def test_two_hundred_threads_share_one_failure() -> None:
    waiting, calls = threading.Semaphore(0), []

    class Failing:
        """An upstream that fails once all others are waiting for its answer."""

        def send(self, request: object) -> Any:
            calls.append(request)
            for _ in range(199):
                assert waiting.acquire(timeout=30)
            raise Unavailable("down", retry_after=30)

    kit = EmbedKit(Settings(cache="memory:", timeout=60), transport=Failing())
    kit.engine.events.listen(lambda event, *_: waiting.release() if event == "coalesced" else None)

    def ask(_: int) -> tuple[type[Exception], float | None]:
        try:
            kit.resolve(ID)
        except EmbedKitError as error:
            return type(error), error.retry_after
        raise AssertionError("no error")

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(ask, range(200))) == {(Unavailable, 30)}
    assert len(calls) == 1


def test_a_slideshow_is_one_picture(harness: Harness) -> None:
    embed = harness.kit.resolve(f"{WIDE},600000005")
    assert embed.frame.items == (WIDE, "600000005")
    assert harness.calls == 1


def test_warm_reports(harness: Harness) -> None:
    texts = [f"[getty {WIDE}]", (f"[getty {WIDE}]\n[getty {GONE}]", "markdown")]
    report = harness.kit.warm(texts)  # type: ignore[arg-type]
    assert (report.distinct, report.fetched, report.stale) == (2, 1, 0)
    assert [(ref, error.code) for ref, error in report.failed] == [(GONE, "not-found")]
    harness.clock.now += 1
    assert harness.kit.warm([f"[getty {WIDE}]"]).fetched == 0


def test_purge(harness: Harness) -> None:
    harness.kit.resolve(ID)
    assert harness.kit.purge(f"https://gty.im/{ID}")
    assert not harness.kit.purge(ID)
    harness.kit.resolve(ID)
    assert harness.calls == 2


def test_refresh_returns_the_error_even_if_there_is_a_copy(harness: Harness) -> None:
    harness.kit.resolve(ID)
    harness.down()
    found = harness.kit.records([harness.kit.parse(ID)], refresh=True)
    assert isinstance(found[((ID,), "com")], Unavailable)
    assert harness.kit.resolve(ID)


# -- frozen --------------------------------------------------------------------------------------------


class NoTransport:
    def send(self, request: object) -> Any:
        raise AssertionError("a frozen build asked the network")


def test_a_frozen_build_makes_no_requests_and_is_reproducible(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "embedkit.lock.json"
    found = harness.kit.records([harness.kit.parse(WIDE)])
    lockfile.write_back(
        path, lockfile.read_bytes(path), {picture: one for picture, one in found.items() if isinstance(one, Embed)}
    )
    settings = Settings(frozen=True, lockfile=str(path), cache="null:")
    text = f"[getty {WIDE}]\n\n[getty {ID}]"
    first = EmbedKit(settings, transport=NoTransport()).document(text)
    second = EmbedKit(settings, transport=NoTransport()).document(text)
    assert first == second
    assert first.content.count("<iframe") == 1
    assert [problem.code for problem in first.problems] == ["unavailable"]
    assert "embedkit lock" in first.problems[0].detail


def test_a_reference_keeps_its_options(harness: Harness) -> None:
    html = str(
        harness.kit.html(f'[getty {WIDE} width=250 caption="Boats & birds" align=left]', Options(align="right"))
    )
    assert "Boats &#38; birds" in html
    assert "ek--right" in html
    assert 'width="250"' in html
