"""Events, and the boards of the configured customer."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from embedkit import EmbedKit, create_app
from embedkit.api import oauth
from embedkit.api.oauth import Credentials
from embedkit.api.token_file import LoginFile
from embedkit.cache.secret import own_folder
from embedkit.engine.engine import open_transport
from embedkit.sandbox import SandboxServer
from embedkit.web.schemas import BoardsAnswer, EventsAnswer, SearchAnswer
from tests.support.api import PASSWORD, USER
from tests.support.web import EXAMPLE, FORBIDDEN, KEYS, TOKEN, World, bearer, settings, world

CUSTOMER = {**KEYS, "username": USER, "password": PASSWORD}


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(search_access="open", **KEYS)


@pytest.fixture(name="desk", scope="module")
def fixture_desk() -> World:
    return world(tokens=TOKEN, **CUSTOMER)


def test_an_event_has_pictures(web: World) -> None:
    answer = web.client.get("/v1/events?q=eclipse&page_size=3&sort_order=oldest")
    found = msgspec.json.decode(answer.data, type=EventsAnswer)
    assert found.total > len(found.events) == found.page_size == 3
    for event in found.events:
        pictures = web.client.get(f"/v1/search?event_ids={event.id}&page_size=100").json["images"]
        assert 0 < len(pictures) <= (event.image_count or 0)
        assert {one["event_ids"][0] for one in pictures} == {event.id}
        assert event.thumb is not None


def test_without_a_phrase_the_newest_events_are_first(web: World) -> None:
    dates = [one["start_date"] for one in web.client.get("/v1/events?page_size=20").json["events"]]
    assert dates == sorted(dates, reverse=True)
    oldest = web.client.get("/v1/events?page_size=20&sort_order=oldest").json["events"]
    assert [one["start_date"] for one in oldest] == sorted(one["start_date"] for one in oldest)
    sports = web.client.get("/v1/events?editorial_segment=sport&date_from=2024-01-01").json
    assert 0 < sports["total"] < web.client.get("/v1/events").json["total"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("page=99", "there is no page 99"),
        ("page_size=7", "page_size can't be"),
        ("editorial_segment=cats", "archival, entertainment"),
        ("date_from=yesterday", "ISO 8601"),
        ("event=1", "Unknown parameter 'event'."),
    ],
)
def test_an_invalid_event_query_gets_advice(web: World, query: str, expected: str) -> None:
    answer = web.client.get(f"/v1/events?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert expected in answer.json["detail"]


def test_only_embeddable_pictures_of_a_board_are_returned(desk: World) -> None:
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
    assert desk.sandbox.count() == asked  # cached, because every picker that opens requests them


@pytest.mark.parametrize("path", ["/v1/boards", "/v1/boards/1"])
def test_boards_require_authorization(desk: World, path: str) -> None:
    assert desk.client.get(path).status_code == 401
    for rows in ({"search_access": "open", **CUSTOMER}, {"tokens": TOKEN, **KEYS}):
        answer = world(**rows).client.get(path, headers=bearer(TOKEN))
        if path == "/v1/boards":
            assert answer.json == {"boards": []}
        else:
            assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_boards_are_available_until_logout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with SandboxServer() as sandbox:
        urls = {
            "api_base": sandbox.url,
            "token_url": f"{sandbox.url}/oauth2/token",
            "oembed_endpoint": f"{sandbox.url}/oembed",
        }
        made = settings(api_key=KEYS["api_key"], tokens=TOKEN, timeout=60.0, **urls)
        with EmbedKit(made, background=False) as kit, closing(open_transport(made)) as transport:
            client = create_app(kit=kit).test_client()
            assert client.get("/v1/boards", headers=bearer(TOKEN)).json == {"boards": []}
            asked = oauth.request("password", Credentials.of(settings(**CUSTOMER, **urls)))
            token = replace(oauth.parse(transport.send(asked), "password"), login="0" * 16)
            LoginFile(Credentials.of(made), own_folder()).keep(token)
            id = kit.api.boards.create("Front page")
            kit.api.boards.add(id, [EXAMPLE])
            [board] = client.get("/v1/boards", headers=bearer(TOKEN)).json["boards"]
            assert (board["id"], board["asset_count"]) == (id, 1)
            pictures = client.get(f"/v1/boards/{id}", headers=bearer(TOKEN)).json["images"]
            assert [one["id"] for one in pictures] == [EXAMPLE]
            assert kit.api.login.end()
            assert client.get("/v1/boards", headers=bearer(TOKEN)).json == {"boards": []}
