"""SEARCH_BUDGET: a limit of searches per day, counted across processes, with a warning before it is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import html5lib
import pytest

from embedkit import ConfigurationError, EmbedKit, QuotaExhausted, Settings, create_app
from embedkit.api.response_cache import SearchBudget
from embedkit.freshness import DAY
from embedkit.sandbox import SandboxTransport
from embedkit.web.picker import languages, words
from embedkit.web.response import BUDGET
from tests.support import stores
from tests.support.tools import ROOT, Clock
from tests.support.web import (
    KEYS,
    World,
    settings,
    world,
)

pytestmark = pytest.mark.server

NOON = 20_000 * DAY + DAY // 2


def kit(limit: int | None, **rows: object) -> tuple[EmbedKit, SandboxTransport, Clock]:
    clock, transport = Clock(NOON), SandboxTransport()
    made = EmbedKit(settings(search_budget=limit, **KEYS, **rows), transport=transport, clock=clock)
    return made, transport, clock


def asked(transport: SandboxTransport) -> int:
    return transport.app.count("v3")


def test_so_many_searches_a_day_and_kept_ones_are_free() -> None:
    made, transport, clock = kit(3)
    budget = made.api.search.budget
    assert (budget.limit, budget.used(), budget.remaining()) == (3, 0, 3)
    for phrase in ("dawn", "dusk", "noon", "dawn", "dusk", "noon"):
        made.search(phrase)
    assert (asked(transport), budget.used(), budget.remaining()) == (3, 3, 0)
    with pytest.raises(QuotaExhausted) as caught:
        made.search("night")
    assert caught.value.code == "quota-exhausted"
    assert caught.value.retry_after == DAY // 2
    assert "SEARCH_BUDGET" in str(caught.value)
    assert asked(transport) == 3
    made.search("dawn")  # cached responses are still returned
    assert budget.used() == 3
    clock.ahead = DAY // 2 - 1
    with pytest.raises(QuotaExhausted):
        made.search("night")
    clock.ahead = DAY // 2
    made.search("night")
    assert (budget.used(), budget.remaining()) == (1, 2)


def test_setting_the_clock_back_does_not_renew_the_budget() -> None:
    """Nor does a search that starts before midnight and is counted after it."""
    clock = Clock(NOON)
    budget = SearchBudget(2, cache="memory:", timeout=5.0, clock=clock)

    def spent(day: int) -> int:
        clock.ahead = day * DAY
        before = budget.used()
        for _ in range(4):
            with suppress(QuotaExhausted):
                budget.spend()
        return budget.used() - before

    assert [spent(day) for day in (0, 1, 0, 1, 2, 1, 2)] == [2, 2, 2, 0, 2, 2, 0]


def test_similar_pictures_are_searches_and_details_are_none() -> None:
    made, _, _ = kit(3)
    made.api.image("74917285")
    made.api.countries()
    assert made.api.search.budget.used() == 0
    made.api.similar("74917285")
    made.api.same_series("74917285")
    made.api.search.creative("dawn")
    assert made.api.search.budget.remaining() == 0
    with pytest.raises(QuotaExhausted):
        made.api.similar("600000123")
    made.api.image("600000123")


def test_without_a_budget_nothing_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    budget = SearchBudget(None, cache=f"file:{tmp_path}/copies", timeout=5.0)
    for _ in range(5):
        budget.spend()
    assert (budget.limit, budget.used(), budget.remaining(), budget.low()) == (None, 0, None, None)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", 0])
def test_a_wrong_budget_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="SEARCH_BUDGET"):
        Settings.from_mapping({"SEARCH_BUDGET": value})
    assert Settings.from_mapping({"SEARCH_BUDGET": ""}).search_budget is None
    assert Settings.from_env({"EMBEDKIT_SEARCH_BUDGET": "12"}).search_budget == 12


SPEND = """
import sys
from embedkit import QuotaExhausted
from embedkit.api.response_cache import SearchBudget
budget = SearchBudget(50, cache=sys.argv[1], timeout=5.0)
spent = 0
for _ in range(20):
    try:
        budget.spend()
        spent += 1
    except QuotaExhausted:
        pass
print(spent)
"""


@pytest.mark.parametrize("store", [*stores.FILES, "redis"])
def test_all_processes_share_one_count(store: str, tmp_path: Path) -> None:
    environ = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def spend(url: str) -> int:
        command = [sys.executable, "-c", SPEND, url]
        running = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        return sum(int(one.communicate(timeout=60)[0]) for one in running)

    if store != "redis":
        assert spend(stores.FILES[store].format(tmp_path)) == 50
        assert (tmp_path / "embedkit" / "searches.sqlite").exists()
        return
    with stores.redis() as server:
        assert spend(server.url) == 50


def test_a_count_that_cannot_be_kept_is_kept_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "embedkit").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for cache in (f"sqlite:{tmp_path}/c.db", "redis://:canary-password@127.0.0.1:1/0"):
        budget = SearchBudget(2, cache=cache, timeout=5.0)
        budget.spend()
        budget.spend()
        with pytest.raises(QuotaExhausted):
            budget.spend()
    assert caplog.text.count("counted in this process") == 2
    assert "canary-password" not in caplog.text


# -- over HTTP -----------------------------------------------------------------------------------------


def open_world(limit: int | None) -> World:
    return world(search_access="open", search_budget=limit, **KEYS)


def test_every_response_contains_the_remaining_budget() -> None:
    web = open_world(2)
    answers = [web.client.get(f"/v1/search?q={word}") for word in ("dawn", "dawn", "dusk", "noon")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["Search-Budget-Remaining"] for answer in answers[:3]] == ["1", "1", "0"]
    assert answers[0].headers["Search-Budget-Limit"] == "2"
    assert 0 < int(answers[0].headers["Search-Budget-Reset"]) <= DAY
    last = answers[-1]
    assert last.json["code"] == "quota-exhausted"
    assert abs(int(last.headers["Retry-After"]) - int(answers[0].headers["Search-Budget-Reset"])) < 600
    assert web.client.get("/v1/search?q=dusk").status_code == 200
    assert web.client.get("/v1/embeds/74917285").status_code == 200


def test_browsers_may_read_it() -> None:
    web = world(search_access="open", search_budget=9, cors_origins="https://cms.example.org", **KEYS)
    answer = web.client.get("/v1/search?q=dawn", headers={"Origin": "https://cms.example.org"})
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in BUDGET)


def test_without_a_budget_there_are_no_headers() -> None:
    answer = open_world(None).client.get("/v1/search?q=dawn")
    assert not [name for name in answer.headers.keys() if name.startswith("Search-Budget")]  # noqa: SIM118


@pytest.mark.parametrize("language", languages())
def test_the_picker_warns_before_the_budget_is_used_up(language: str) -> None:
    web = open_world(20)
    told = []
    for number in range(20):
        page = web.client.get(f"/picker?q=dawn+{number}&lang={language}")
        few = html5lib.parse(page.text, namespaceHTMLElements=False).find(".//p[@class='few']")
        told.append("" if few is None else few.text)
    sentence = words(language)["budget"]
    assert told == [""] * 18 + [sentence.format(count=1), sentence.format(count=0)]
    end = web.client.get(f"/picker?q=one+more&lang={language}")
    assert end.status_code == 429
    assert "SEARCH_BUDGET" in end.text


def test_a_budget_is_one_for_all_workers_of_a_service() -> None:
    """Two applications that share a Redis, like two machines."""
    with stores.redis() as server:
        rows = settings(cache=server.url, search_access="open", search_budget=4, **KEYS)
        kits = [EmbedKit(rows, transport=SandboxTransport()) for _ in range(2)]
        clients = [create_app(kit=one).test_client() for one in kits]
        answers = [clients[n % 2].get(f"/v1/search?q=dawn{n}") for n in range(5)]
        assert [one.status_code for one in answers] == [200] * 4 + [429]
        assert [one.headers["Search-Budget-Remaining"] for one in answers[:4]] == ["3", "2", "1", "0"]
        assert json.loads(answers[-1].data)["code"] == "quota-exhausted"
        for one in kits:
            one.close()
