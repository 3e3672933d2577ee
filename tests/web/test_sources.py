"""Events, and the boards of the customer whom the service acts for."""

from __future__ import annotations

import msgspec
import pytest

from embedkit.web.schemas import BoardsAnswer, EventsAnswer, SearchAnswer
from tests.support.api import PASSWORD, USER
from tests.support.web import EXAMPLE, FORBIDDEN, KEYS, TOKEN, World, bearer, world

CUSTOMER = {**KEYS, "username": USER, "password": PASSWORD}


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(search_access="open", **KEYS)


@pytest.fixture(name="desk", scope="module")
def fixture_desk() -> World:
    return world(tokens=TOKEN, **CUSTOMER)


def test_an_event_leads_to_its_pictures(web: World) -> None:
    answer = web.client.get("/v1/events?q=eclipse&page_size=3&sort_order=oldest")
    found = msgspec.json.decode(answer.data, type=EventsAnswer)
    assert found.total > len(found.events) == found.page_size == 3
    for event in found.events:
        pictures = web.client.get(f"/v1/search?event_ids={event.id}&page_size=100").json["images"]
        assert 0 < len(pictures) <= (event.image_count or 0)
        assert {one["event_ids"][0] for one in pictures} == {event.id}
        assert event.thumb is not None


def test_without_a_phrase_the_newest_events_come_first(web: World) -> None:
    dates = [one["start_date"] for one in web.client.get("/v1/events?page_size=20").json["events"]]
    assert dates == sorted(dates, reverse=True)
    oldest = web.client.get("/v1/events?page_size=20&sort_order=oldest").json["events"]
    assert [one["start_date"] for one in oldest] == sorted(one["start_date"] for one in oldest)
    sports = web.client.get("/v1/events?editorial_segment=sport&date_from=2024-01-01").json
    assert 0 < sports["total"] < web.client.get("/v1/events").json["total"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("page=99", "there is no page 99"),
        ("page_size=7", "page_size can't be"),
        ("editorial_segment=cats", "archival, entertainment"),
        ("date_from=yesterday", "ISO 8601"),
        ("event=1", "There is no parameter 'event'."),
    ],
)
def test_a_wrong_question_about_events(web: World, query: str, says: str) -> None:
    answer = web.client.get(f"/v1/events?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert says in answer.json["detail"]


def test_of_a_board_only_those_pictures_are_shown_that_may_be_embedded(desk: World) -> None:
    id = desk.kit.api.boards.create("Front page")
    desk.kit.api.boards.add(id, [EXAMPLE, FORBIDDEN])
    listed = desk.client.get("/v1/boards", headers=bearer(TOKEN))
    [board] = msgspec.json.decode(listed.data, type=BoardsAnswer).boards
    assert (board.id, board.name, board.asset_count) == (id, "Front page", 2)
    answer = desk.client.get(f"/v1/boards/{id}", headers=bearer(TOKEN))
    page = msgspec.json.decode(answer.data, type=SearchAnswer)
    assert [one.id for one in page.images] == [EXAMPLE]
    assert desk.client.get(f"/v1/boards/{id}?page=2", headers=bearer(TOKEN)).status_code == 400
    asked = desk.sandbox.count()
    assert desk.client.get("/v1/boards", headers=bearer(TOKEN)).json == listed.json
    assert desk.sandbox.count() == asked  # each editor who opens a picker asks


@pytest.mark.parametrize("path", ["/v1/boards", "/v1/boards/1"])
def test_boards_are_for_those_who_were_let_in(desk: World, path: str) -> None:
    assert desk.client.get(path).status_code == 401
    for settings in ({"search_access": "open", **CUSTOMER}, {"tokens": TOKEN, **KEYS}):
        answer = world(**settings).client.get(path, headers=bearer(TOKEN))
        if path == "/v1/boards":
            assert answer.json == {"boards": []}
        else:
            assert (answer.status_code, answer.json["code"]) == (404, "not-found")
