"""The client of the API v3, against the sandbox: search, metadata, boards, tokens."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from embedkit import ConfigurationError, Embed, EmbedKit, Settings
from embedkit.api.models import Country, Image, SearchPage
from embedkit.api.search import PreparedSearch
from embedkit.errors import (
    InvalidResponse,
    NotFound,
    NotLicensed,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
    UnsupportedReference,
)
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxServer, SandboxTransport
from embedkit.sandbox.services.auth import SEARCH_KEY, SEARCH_SECRET
from embedkit.sandbox.services.http import Call
from tests.support.cache import ROOT
from tests.support.client import (
    CREDENTIALS,
    Harness,
    answer_and_close,
    in_process_kit,
    kit_over_http,
    search_body,
)
from tests.support.faulty_upstream import Upstream, ok, ok_after
from tests.support.tools import Clock

pytestmark = pytest.mark.server

WIDE, TALL, MISSING = "600000002", "74917285", "500000404"
SEARCH_ONLY = {"api_key": SEARCH_KEY, "api_secret": SEARCH_SECRET, "username": "", "password": ""}


@pytest.fixture(params=["inside", "outside"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[EmbedKit, Sandbox]]:
    """The same kit without a socket, and over one."""
    if request.param == "inside":
        yield in_process_kit()
        return
    with kit_over_http() as (kit, server):
        yield kit, server.app


@pytest.fixture
def kit(world: tuple[EmbedKit, Sandbox]) -> EmbedKit:
    return world[0]


@pytest.fixture
def app(world: tuple[EmbedKit, Sandbox]) -> Sandbox:
    return world[1]


def asked(app: Sandbox) -> Call:
    """The latest call to the API."""
    return next(call for call in reversed(app.calls) if call.route == "v3")


# -- what is documented ---------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["client", "search", "boards", "downloads", "changes"])
def test_the_examples_of_docstrings_run(module: str) -> None:
    kit, _ = in_process_kit()
    failed, tried = doctest.testmod(import_module(f"embedkit.api.{module}"), extraglobs={"kit": kit})
    assert tried > 0 == failed


def test_help_shows_the_parameters_and_their_allowed_values(kit: EmbedKit) -> None:
    text = pydoc.render_doc(kit.api.search.creative, renderer=pydoc.plaintext)
    assert "orientations=None" in text
    assert "**" not in text
    assert "sort_order: one of best_match, most_popular, newest, random." in text
    assert "page_size: one of 1, 2, 3, 4, 5, 6, 10, 12," in text
    assert "orientations: one or more of horizontal, vertical, square, " in text
    assert "date_from" not in text
    for method in (kit.api.image, kit.api.similar, kit.api.boards.list, kit.api.downloads.save):
        assert ":param " in (inspect.getdoc(method) or "")
        assert "**" not in str(inspect.signature(method))


# -- search --------------------------------------------------------------------------------------------


def test_search_results_can_be_rendered(kit: EmbedKit) -> None:
    page = kit.search("harbour")
    assert isinstance(page, SearchPage)
    assert page.total == len(page.images) > 0
    assert all(image.embeddable for image in page.images)
    assert isinstance(kit.resolve(page.images[0].ref), Embed)


def test_a_search_is_for_decent_pictures_that_may_be_embedded(kit: EmbedKit, app: Sandbox) -> None:
    kit.search("harbour")
    call = asked(app)
    assert call.path == "/v3/search/images"
    assert call.params == {
        "phrase": "harbour",
        "page": "1",
        "page_size": "30",
        "embed_content_only": "true",
        "exclude_nudity": "true",
        "include_related_searches": "true",
        "fields": "detail_set,uri_oembed",
    }
    assert call.headers["accept-language"] == "en-US"
    assert call.headers["api-key"] == kit.settings.api_key.reveal()
    assert call.headers["authorization"].startswith("Bearer ")


def test_unless_something_else_is_said(kit: EmbedKit, app: Sandbox) -> None:
    kit.search("harbour", embed_content_only=False, exclude_nudity=False, language="ja", country="jpn")
    assert asked(app).params["embed_content_only"] == "false"
    assert asked(app).params["exclude_nudity"] == "false"
    assert asked(app).headers["accept-language"] == "ja"
    assert asked(app).headers["gi-country-code"] == "JPN"


@pytest.mark.parametrize(
    "said", [{}, {"exclude_nudity": True}, {"exclude_nudity": False}, {"exclude_nudity": None}]
)
def test_the_editorial_search_has_no_nudity_filter(kit: EmbedKit, app: Sandbox, said: dict[str, Any]) -> None:
    kit.search("harbour", family="editorial", **said)
    assert asked(app).path == "/v3/search/images/editorial"
    assert "exclude_nudity" not in asked(app).params


def test_pictures_one_after_another(kit: EmbedKit, app: Sandbox) -> None:
    pages = list(kit.api.search.find_pages("harbour", page_size=3))
    wanted = [image.id for page in pages for image in page]
    assert [image.id for image in kit.api.search.find_all("harbour", page_size=3)] == wanted
    assert len(wanted) == pages[0].total > 3
    asked_before = app.count("v3")
    assert [image.id for image in kit.api.search.find_all("harbour", page_size=6, limit=4)] == wanted[:4]
    assert app.count("v3") == asked_before + 1
    assert list(kit.api.search.find_all("harbour", limit=0)) == []
    with pytest.raises(ConfigurationError, match="whole number of pictures"):
        kit.api.search.find_all("harbour", limit=-1)
    with pytest.raises(ConfigurationError, match="orientations"):
        kit.api.search.find_all("harbour", orientation="horizontal")  # type: ignore[call-arg]


def test_a_throttle_is_waited_out_between_pictures(kit: EmbedKit, app: Sandbox, monkeypatch: Any) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(kit.api.search._cache, "pause", pauses.append)
    found = kit.api.search.find_all("harbour", page_size=3)
    first = [next(found) for _ in range(3)]
    app.faults.add("throttle", route="v3", count=2, retry_after="3")
    assert len(first) + len(list(found)) == kit.search("harbour").total
    assert pauses == [3.0, 3.0]


@pytest.mark.parametrize(("kind", "error", "waits"), [("quota", QuotaExhausted, 0), ("throttle", RateLimited, 10)])
def test_a_quota_is_not_waited_for_nor_a_throttle_for_ever(
    kit: EmbedKit, app: Sandbox, monkeypatch: Any, kind: str, error: type[Exception], waits: int
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(kit.api.search._cache, "pause", pauses.append)
    app.faults.add(kind, route="v3", count=None)
    with pytest.raises(error):
        list(kit.api.search.find_all("harbour"))
    assert len(pauses) == waits
    assert all(0 < pause <= 1 for pause in pauses)  # a second, minus the time since Getty's response


@pytest.mark.parametrize(
    ("code", "page", "ends"), [("InvalidPage", 2, True), ("InvalidPage", 1, False), (None, 2, False)]
)
def test_an_iteration_ends_if_the_results_have_become_fewer(
    kit: EmbedKit, monkeypatch: Any, code: str | None, page: int, ends: bool
) -> None:
    run = kit.api.search.run

    def run_until(search: PreparedSearch) -> SearchPage:
        if search.page == page:
            raise InvalidResponse("no such page", getty_code=code)
        return run(search)

    monkeypatch.setattr(kit.api.search, "run", run_until)
    pages = kit.api.search.find_pages("harbour", page_size=3)
    with nullcontext() if ends else pytest.raises(InvalidResponse):
        assert [one.page for one in pages] == [1]


def test_nothing_said_of_nudity_means_without(kit: EmbedKit, app: Sandbox) -> None:
    kit.search("harbour", exclude_nudity=None)  # type: ignore[typeddict-item]
    assert asked(app).params["exclude_nudity"] == "true"


def test_searches_send_only_the_given_parameters(kit: EmbedKit, app: Sandbox) -> None:
    search = kit.api.search
    for act, path in (
        (search.images, "/v3/search/images"),
        (search.creative, "/v3/search/images/creative"),
        (search.editorial, "/v3/search/images/editorial"),
    ):
        page = act("harbour", fields=["id", "title"], page_size=3)
        assert asked(app).path == path
        assert asked(app).params.keys() == {"phrase", "fields", "page", "page_size", "embed_content_only"}
        assert (page.page, page.page_size) == (1, 3)
        assert all(image.title and not image.caption for image in page.images)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda kit: kit.search("x", orientation="horizontal"), "orientations"),
        (lambda kit: kit.search("x", orientations="round"), "panoramic_vertical"),
        (lambda kit: kit.search("x", page_size=101), "100"),
        (lambda kit: kit.search("x", page=0), "page"),
        (lambda kit: kit.search("x", family="video"), "editorial"),
        (lambda kit: kit.search(""), "phrase"),
        (lambda kit: kit.search_pages("x", colour="red"), "color"),
        (lambda kit: kit.search_pages("x", family="video"), "editorial"),
        (lambda kit: kit.search_pages("x", limit="2"), "whole number of pages"),
        (lambda kit: kit.search_pages("x", limit=True), "whole number of pages"),
        (lambda kit: kit.search_pages("x", limit=-(10**5000)), "whole number of pages"),
        (lambda kit: kit.search("x", family=10**5000), "editorial"),
        (lambda kit: kit.api.countries(10**5000), "pt-BR"),
        (lambda kit: kit.api.search.editorial("x", exclude_nudity=True), "creative"),
        (lambda kit: kit.api.search.creative("x", date_from="2020-01-01"), "editorial"),
        (lambda kit: kit.api.search.pages("creative", "x", date_from="2020-01-01"), "editorial"),
        (lambda kit: kit.api.countries("xx"), "pt-BR"),
        (lambda kit: kit.api.similar(TALL, sort_order="newest"), "page_size"),
        (lambda kit: kit.api.downloads.url(TALL, product_type="gold"), "easyaccess"),
        (lambda kit: kit.api.boards.list(sort_order="name_descending"), "name_decending"),
    ],
)
def test_a_mistake_costs_no_call(act: Callable[[EmbedKit], object], says: str) -> None:
    kit, app = in_process_kit()
    with pytest.raises(ConfigurationError, match=says):
        act(kit)
    assert app.counts() == {}


def test_pages_are_walked_as_they_are_wanted(kit: EmbedKit, app: Sandbox) -> None:
    whole = kit.search("harbour", page_size=100)
    assert whole.total > 4
    walk = kit.search_pages("harbour", page_size=2)
    app.forget()
    first, second = next(walk), next(walk)
    assert app.count("v3") == 2
    assert (first.page, second.page) == (1, 2)
    rest = list(walk)
    images = [image.id for page in (first, second, *rest) for image in page.images]
    assert images == [image.id for image in whole.images]
    assert app.count("v3") == whole.total // 2 + whole.total % 2


def test_an_iteration_can_start_at_any_page_and_has_a_limit(kit: EmbedKit) -> None:
    assert [page.page for page in kit.search_pages("harbour", page=2, page_size=1, limit=2)] == [2, 3]
    assert list(kit.search_pages("harbour", limit=0)) == []
    pages = kit.api.search.pages("creative", "harbour", page_size=1)
    assert next(pages).page == 1
    assert [page.total for page in kit.search_pages("nothing-is-called-that")] == [0]


def test_an_iterator_as_argument_applies_to_every_page(kit: EmbedKit, app: Sandbox) -> None:
    walks = (
        lambda: kit.search_pages("portrait", orientations=(one for one in ("square", "vertical")), page_size=1),
        lambda: kit.api.search.pages("all", "portrait", orientations=iter(["square", "vertical"]), page_size=1),
    )
    for walk in walks:
        app.forget()
        pages = walk()
        assert [next(pages).page, next(pages).page] == [1, 2]
        assert [call.params["orientations"] for call in app.calls if call.route == "v3"] == ["square,vertical"] * 2


def test_related_searches_are_returned(kit: EmbedKit) -> None:
    page = kit.api.search.creative("mountain", include_related_searches=True)
    assert page.related


# -- metadata ------------------------------------------------------------------------------------------


def test_one_picture(kit: EmbedKit, app: Sandbox) -> None:
    image = kit.api.image(TALL)
    assert (image.id, image.embeddable, bool(image.thumb)) == (TALL, True, True)
    assert asked(app).path == f"/v3/images/{TALL}"
    with pytest.raises(NotFound) as caught:
        kit.api.image("999999999")
    assert caught.value.ref == "999999999"
    with pytest.raises(UnsupportedReference):
        kit.api.image("no id")


def test_many_pictures_are_returned_in_the_requested_order(kit: EmbedKit) -> None:
    answer = kit.api.images([WIDE, "999999999", TALL, WIDE])
    assert [image.id for image in answer.images] == [WIDE, TALL]
    assert answer.missing == ("999999999",)
    assert kit.api.images(["999999999"]).missing == ("999999999",)


def test_any_number_of_pictures_a_hundred_at_a_time() -> None:
    kit, app = in_process_kit()
    ids = [str(600_000_000 + number) for number in range(230)]
    answer = kit.api.images(ids, fields="title")
    assert [image.id for image in answer.images] == [one for one in ids if one not in answer.missing]
    assert len(answer.images) > 100
    lots = [len(call.params["ids"].split(",")) for call in app.calls if call.route == "v3"]
    assert lots == [100, 100, 30]
    app.forget()
    kit.api.images(iter(ids), fields=iter(["caption"]))  # type: ignore[arg-type]
    assert {call.params["fields"] for call in app.calls if call.route == "v3"} == {"caption,uri_oembed"}
    app.forget()
    assert kit.api.images([]).images == ()
    assert app.counts() == {}


def test_similar_ones_and_those_of_a_series(kit: EmbedKit) -> None:
    similar = kit.api.similar(TALL, page=2, page_size=3)
    assert (similar.page, similar.page_size, len(similar.images)) == (2, 3, 3)
    assert TALL not in {image.id for image in similar.images}
    assert isinstance(kit.api.same_series(TALL), SearchPage)
    for act in (kit.api.similar, kit.api.same_series):
        with pytest.raises(NotFound) as caught:
            act("999999999")
        assert caught.value.ref == "999999999"


def test_places_in_a_language(kit: EmbedKit) -> None:
    names = {
        language: {one.iso_alpha_3: one.name for one in kit.api.countries(language)} for language in ("de", "fr")
    }
    assert (names["de"]["DEU"], names["fr"]["DEU"]) == ("Deutschland", "Allemagne")
    assert isinstance(kit.api.countries()[0], Country)
    assert kit.api.collections()[0].code


# -- boards --------------------------------------------------------------------------------------------


def test_the_life_of_a_board(kit: EmbedKit) -> None:
    boards = kit.api.boards
    id = boards.create("Eclipse", "For April")
    change = boards.add(id, iter([TALL, WIDE, "999999999"]))  # type: ignore[arg-type]
    assert change.added == (TALL, WIDE)
    assert change.not_added == ("999999999",)
    comment = boards.comment(id, "The second one?")
    board = boards.get(id)
    assert (board.name, board.description, board.comment_count) == ("Eclipse", "For April", 1)
    assert {asset.id for asset in board.assets} == {TALL, WIDE}
    assert [(one.id, one.text) for one in boards.comments(id).comments] == [(comment, "The second one?")]
    boards.delete_comment(id, comment)
    assert boards.comments(id).comments == ()
    boards.remove(id, [WIDE])
    boards.rename(id, "Sun")
    assert (boards.get(id).name, [asset.id for asset in boards.get(id).assets]) == ("Sun", [TALL])
    boards.create("Another")
    page = boards.list(sort_order="name_decending", page_size=1)
    assert (page.total, page.page_size, [one.name for one in page.boards]) == (2, 1, ["Sun"])
    boards.delete(id)
    with pytest.raises(NotFound):
        boards.get(id)


def test_boards_are_never_cached(kit: EmbedKit) -> None:
    id = kit.api.boards.create("A")
    for name in ("B", "C"):
        kit.api.boards.rename(id, name)
        assert kit.api.boards.get(id).name == name


# -- credentials ---------------------------------------------------------------------------------------


def act_all(kit: EmbedKit) -> dict[str, Callable[[], object]]:
    return {
        "search": lambda: kit.search("harbour"),
        "walk": lambda: next(kit.search_pages("harbour")),
        "image": lambda: kit.api.image(TALL),
        "images": lambda: kit.api.images([TALL]),
        "similar": lambda: kit.api.similar(TALL),
        "countries": lambda: kit.api.countries(),
        "collections": lambda: kit.api.collections(),
        "sizes": lambda: kit.api.downloads.sizes(TALL),
        "address": lambda: kit.api.downloads.url(TALL, product_type="premiumaccess"),
        "boards": lambda: kit.api.boards.list(),
    }


def outcomes(kit: EmbedKit, but: str = "") -> dict[str, str]:
    """For each method, the hint of its error, or nothing."""
    told = {}
    for name, act in act_all(kit).items():
        if name == but:
            continue
        try:
            act()
            told[name] = ""
        except ConfigurationError as error:
            told[name] = str(error.hint)
    return told


def test_without_a_key_nothing_is_sent() -> None:
    kit, app = in_process_kit(api_key="")
    assert set(outcomes(kit).values()) == {
        "Set EMBEDKIT_API_KEY. To try embedkit without a key, run embedkit demo or embedkit sandbox."
    }
    assert app.counts() == {}
    assert isinstance(kit.resolve(TALL), Embed)


def test_a_frozen_kit_sends_nothing(tmp_path: Any) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text('{"version": 1, "embeds": []}')
    kit, app = in_process_kit()
    kit = EmbedKit(Settings(frozen=True, lockfile=str(lock), api_key="k"), transport=kit.engine.transport())
    with pytest.raises(ConfigurationError, match="FROZEN"):
        kit.search("harbour")
    with pytest.raises(ConfigurationError, match="FROZEN"):
        kit.api.boards.list()
    assert app.counts() == {}


def test_the_key_alone_searches_without_a_token() -> None:
    kit, app = in_process_kit(api_secret="", username="", password="")
    with pytest.raises(Unauthorized, match="API_SECRET"):
        kit.api.collections()
    told = outcomes(kit, but="collections")
    assert {name for name, hint in told.items() if hint} == {"sizes", "address", "boards"}
    assert told["boards"] == "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
    assert "API_SECRET" in told["address"]
    assert app.count("oauth2") == 0
    assert not any("authorization" in call.headers for call in app.calls)


def test_an_application_has_no_boards_and_no_licence() -> None:
    kit, app = in_process_kit(**SEARCH_ONLY)
    kit.search("harbour")
    assert "client_credentials" in next(call for call in app.calls if call.route == "oauth2").body.decode()
    assert kit.api.downloads.largest(TALL) == ()
    with pytest.raises(PermissionDenied, match=r"EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.*again=True"):
        kit.api.downloads.url(TALL)  # without a customer there is no download history
    with pytest.raises(NotLicensed, match="EMBEDKIT_USERNAME"):
        kit.api.downloads.url(TALL, again=True)
    with pytest.raises(ConfigurationError, match="USERNAME"):
        kit.api.boards.list()


@pytest.mark.parametrize("era", ["2014", "2018", "2026"])
def test_a_wrong_key_is_reported_as_such(era: Any) -> None:
    kit, _ = in_process_kit(SandboxConfig(era=era), api_key="another", api_secret="", username="", password="")
    with pytest.raises(Unauthorized, match="API_KEY"):
        kit.search("harbour")


def test_a_wrong_password_is_reported_and_not_retried() -> None:
    kit, app = in_process_kit(password="wrong")
    for _ in range(3):
        with pytest.raises(Unauthorized, match="PASSWORD"):
            kit.search("harbour")
    assert app.counts() == {"oauth2": 1}


def test_a_customer_is_logged_in_once(kit: EmbedKit, app: Sandbox) -> None:
    for phrase in ("harbour", "night", "boat"):
        kit.search(phrase)
    assert app.count("oauth2") == 1
    app.expire_tokens()
    kit.search("sea")
    app.expire_tokens()
    kit.api.boards.list()
    grants = [call.body.decode().partition("&")[0] for call in app.calls if call.route == "oauth2"]
    assert grants == ["grant_type=password", "grant_type=refresh_token", "grant_type=refresh_token"]


def test_a_token_that_is_always_refused_is_an_error_after_one_more_try(kit: EmbedKit, app: Sandbox) -> None:
    app.faults.add("unauthorized", route="v3", count=None)
    with pytest.raises(Unauthorized) as caught:
        kit.search("harbour")
    assert "API_KEY" in str(caught.value)
    assert app.counts() == {"oauth2": 2, "v3": 2}


# -- many at once --------------------------------------------------------------------------------------


def parallel(threads: int, act: Callable[[int], object]) -> list[object]:
    gate = threading.Barrier(threads)

    def one(number: int) -> object:
        gate.wait(60)
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_fifty_searches_get_one_token() -> None:
    with kit_over_http(concurrency=50, timeout=60) as (kit, server):
        pages = parallel(50, lambda number: kit.search(f"harbour {number}"))
        assert all(isinstance(page, SearchPage) for page in pages)
        assert (server.app.count("oauth2"), server.app.count("v3")) == (1, 50)


@pytest.mark.parametrize("username", ["", "sandbox-user"])
def test_tokens_that_expire_in_the_middle_of_fifty_searches_are_renewed_once(username: str) -> None:
    with kit_over_http(concurrency=50, timeout=60, username=username) as (kit, server):
        kit.search("before")
        server.app.faults.add("delay", route="v3", count=24, seconds=0.3)  # in progress when it happens
        server.app.faults.add("expired", route="v3")
        pages = parallel(50, lambda number: kit.search(f"harbour {number}"))
        assert all(isinstance(page, SearchPage) for page in pages)
        assert server.app.count("oauth2") == 2
        assert server.app.count("v3") > 51


def test_the_same_search_at_once_is_one_call() -> None:
    kit, app = in_process_kit()
    kit.search("before")
    app.faults.add("delay", route="v3", seconds=0.3)
    app.forget()
    pages = parallel(50, lambda _: kit.search("harbour"))
    assert len({page.total for page in pages}) == 1  # type: ignore[attr-defined]
    assert app.count("v3") == 1


def test_and_its_failure_is_one_failure() -> None:
    with Upstream(answer_and_close(b"", "500 X")) as upstream, Harness(upstream.origin, concurrency=50) as harness:
        held_up = threading.Event()
        upstream.scripts = (ok_after(held_up),)
        upstream.scripts = (lambda sock, over: held_up.wait(30) and answer_and_close(b"", "500 X")(sock, over),)

        def search(number: int) -> str:
            if number == 49:
                time.sleep(1)  # for the others to join the first call
                held_up.set()
                return "unavailable"
            try:
                harness.kit.search("harbour")
            except Unavailable as error:
                return error.code
            return ""

        assert set(parallel(50, search)) == {"unavailable"}
        assert upstream.hits == 1


def test_walkers_with_default_settings_wait_for_their_turns() -> None:
    """Six iterations over three pages are eighteen calls: 4 at once, then 4 per second; none is rejected."""
    with kit_over_http(api_rate=4.0) as (kit, server):
        began = time.monotonic()
        walks = parallel(
            6, lambda number: list(kit.search_pages("harbour", page_size=1, limit=3, page=1 + number))
        )
        assert [len(walk) for walk in walks] == [3] * 6  # type: ignore[arg-type]
        assert time.monotonic() - began > (server.app.count("v3") - 4) / 4 - 0.2


def test_a_hundred_concurrent_calls_wait_within_the_rate_limit() -> None:
    with SandboxServer() as server:
        settings = server.settings(cache="memory:", api_rate="100/second", timeout=20)
        with EmbedKit(settings) as kit:
            outcomes = parallel(100, lambda number: _code(lambda: kit.search(f"harbour {number}")))
        assert outcomes == [None] * 100
        assert server.app.count("v3") == 100


def test_too_many_singles_are_turned_away_at_once_with_a_time() -> None:
    with kit_over_http(api_rate=4.0, timeout=1, concurrency=50) as (kit, server):
        outcomes = parallel(50, lambda number: _code(lambda: kit.search(f"harbour {number}")))
        turned_away = [wait for wait in outcomes if wait]
        assert turned_away
        assert 50 - len(turned_away) >= 5  # the token was a call as well
        assert all(0 < wait < 1 for wait in turned_away)  # type: ignore[operator]
        assert server.app.count("v3") == 50 - len(turned_away)


def _code(act: Callable[[], object]) -> float | None:
    try:
        act()
    except RateLimited as error:
        return error.retry_after
    return None


# -- the kit -------------------------------------------------------------------------------------------


def test_the_status_has_a_lane_for_each_service(kit: EmbedKit) -> None:
    with kit_over_http() as (kit, _):
        assert kit.status()["upstream"] == {}
        kit.search("harbour")
        assert kit.status()["upstream"].keys() == {"api", "token"}


def test_importing_the_kit_imports_no_client() -> None:
    code = (
        "import sys; from embedkit.kit import EmbedKit; from embedkit import Settings;"
        "kit = EmbedKit(Settings(cache='memory:'));"
        "print([m for m in sys.modules if m.startswith(('embedkit.api.client', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_public_values() -> None:
    import embedkit

    assert embedkit.Image is Image
    assert embedkit.SearchPage is SearchPage


def test_a_closed_kit_opens_again_when_asked() -> None:
    with Upstream(ok(search_body())) as upstream, Harness(upstream.origin) as harness:
        harness.kit.search("harbour")
        harness.kit.close()
        harness.kit.search("night")
        assert upstream.connections == 2


# -- the API of three years -----------------------------------------------------------------------------

ERAS = pytest.mark.parametrize("era", ["2014", "2018", "2026"])


@ERAS
def test_every_era_is_searched_and_downloaded_from(era: Any, tmp_path: Path) -> None:
    kit, _ = in_process_kit(SandboxConfig(era=era))
    assert kit.search("harbour", sort_order="newest").images
    assert kit.api.images(["74917285", "600000001"]).images
    offers = kit.api.downloads.largest("74917285")
    assert {offer.product_type for offer in offers} >= {"premiumaccess", "easyaccess"}
    assert all(offer.uri for offer in offers)
    assert kit.api.downloads.sizes("74917285")[-1].downloads
    url = kit.api.downloads.url("600000001", product_type="easyaccess")
    assert url.startswith("https://delivery.gettyimages.com/")
    saved = kit.api.downloads.save("74917285", tmp_path, height=594, product_type="premiumaccess")
    assert saved.media_type == "image/jpeg"


@ERAS
def test_the_failures_of_every_era(era: Any) -> None:
    kit, app = in_process_kit(SandboxConfig(era=era))
    with pytest.raises(NotFound):
        kit.api.image("1")
    app.withdraw("600000001")
    with pytest.raises(NotFound):
        kit.api.downloads.url("600000001")
    with pytest.raises(InvalidResponse, match="the request was not understood"):
        kit.search("harbour", country="off")
    alone, _ = in_process_kit(SandboxConfig(era=era), username="", password="")
    with pytest.raises(PermissionDenied):
        alone.api.downloads.url("74917285")


@ERAS
@pytest.mark.parametrize(("limit", "kind"), [("calls_per_second", RateLimited), ("calls_per_day", QuotaExhausted)])
def test_the_limits_of_every_era(era: Any, limit: str, kind: type[Exception]) -> None:
    app = Sandbox(SandboxConfig(**{"era": era, limit: 2}), clock=Clock())
    with EmbedKit(Settings(cache="memory:", **CREDENTIALS), transport=SandboxTransport(app)) as kit:
        kit.search("harbour")
        with pytest.raises(kind):
            kit.search("night")


def test_a_page_after_the_last() -> None:
    kit, _ = in_process_kit(SandboxConfig(era="2026"))
    last = -(-kit.search("harbour").total // 30)
    with pytest.raises(InvalidResponse, match=f"The last page is {last}") as refused:
        kit.search("harbour", page=last + 1)
    assert refused.value.getty_code == "InvalidPage"
    empty, _ = in_process_kit(SandboxConfig(era="2018"))
    assert empty.search("harbour", page=last + 1).images == ()
