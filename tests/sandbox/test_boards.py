"""The sandbox's boards, which are stored per customer and have the contract's quirks."""

from __future__ import annotations

import json
from threading import Thread
from typing import Any

import pytest

from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import NOT_EMBEDDABLE, WITHDRAWN
from embedkit.sandbox.services.boards import INVITED
from tests.support.api import ApiClient
from tests.support.tools import Clock

EXAMPLE = "74917285"
NOBODY = "00000000-0000-4000-8000-000000000000"
OWNED = {
    "can_delete_board": True,
    "can_invite_to_board": True,
    "can_update_name": True,
    "can_update_description": True,
    "can_add_assets": True,
    "can_remove_assets": True,
}
EDITED = OWNED | dict.fromkeys(list(OWNED)[:4], False)


@pytest.fixture
def customer(clock: Clock) -> ApiClient:
    return ApiClient(Sandbox(clock=clock))


def make(caller: ApiClient, name: str = "Eclipse", **fields: Any) -> str:
    response = caller.request("POST", "/v3/boards", {"name": name, **fields})
    assert response.status == 201
    found = json.loads(response.body)
    assert list(found) == ["id"]
    return str(found["id"])


def names(caller: ApiClient, **params: Any) -> list[str]:
    return [board["name"] for board in caller.get("/v3/boards", **params)["boards"]]


def test_there_are_no_boards_at_first(customer: ApiClient) -> None:
    assert customer.get("/v3/boards") == {"boards": [], "board_count": 0}


def test_the_life_of_a_board(customer: ApiClient, clock: Clock) -> None:
    board = make(customer, description="For Monday")
    path = f"/v3/boards/{board}"
    clock.now += 60
    assert customer.get(path) == {
        "id": board,
        "asset_count": 0,
        "assets": [],
        "date_created": "2027-01-15T08:00:00Z",
        "date_last_updated": "2027-01-15T08:00:00Z",
        "description": "For Monday",
        "name": "Eclipse",
        "comment_count": 0,
        "permissions": OWNED,
        "links": {
            "invitation": f"https://www.gettyimages.com/collaboration/boards/{board}/invitation",
            "share": f"https://www.gettyimages.com/collaboration/boards/{board}",
        },
    }
    assert customer.request("PUT", path, {"name": "Sun and moon"}).status == 204
    found = customer.get(path)
    assert (found["name"], found["description"]) == ("Sun and moon", None)
    assert found["date_last_updated"] == "2027-01-15T08:01:00Z"
    deleted = customer.request("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "content-length" not in deleted.headers
    assert customer.request("GET", path).status == 404
    assert customer.get("/v3/boards")["board_count"] == 0


def test_adding_and_removing_assets(customer: ApiClient, clock: Clock) -> None:
    path = f"/v3/boards/{make(customer)}"
    asked = [EXAMPLE, "1", NOT_EMBEDDABLE, WITHDRAWN, EXAMPLE]
    response = customer.request("PUT", f"{path}/assets", [{"asset_id": one} for one in asked])
    assert response.status == 201
    assert json.loads(response.body) == {
        "assets_added": [{"asset_id": EXAMPLE}, {"asset_id": NOT_EMBEDDABLE}],
        "assets_not_added": ["1", WITHDRAWN],
    }
    clock.now += 60
    for _ in range(2):  # the second time has no effect
        added = customer.request("PUT", f"{path}/assets/600000001")
        assert (added.status, added.body) == (201, b"")
    found = customer.get(path)
    assert found["asset_count"] == 3
    assert [one["id"] for one in found["assets"]] == [EXAMPLE, NOT_EMBEDDABLE, "600000001"]
    assert [one["date_added"][14:16] for one in found["assets"]] == ["00", "00", "01"]
    assert found["assets"][0]["asset_type"] == "image"
    (shown,) = found["assets"][0]["display_sizes"]
    assert shown["name"] == "thumb"
    assert customer.request("GET", shown["uri"]).headers["content-type"] == "image/svg+xml"
    assert customer.get("/v3/boards")["boards"][0]["hero_asset"] == found["assets"][0]

    assert customer.request("DELETE", f"{path}/assets/{EXAMPLE}").status == 200
    assert customer.request("DELETE", f"{path}/assets/{EXAMPLE}").status == 200
    assert customer.get(path)["asset_count"] == 2


@pytest.mark.parametrize(
    "query",
    [
        "asset_ids=600000001,600000002",
        "asset_ids=600000001&asset_ids=600000002",
        "asset_ids=600000001%2C600000002",
    ],
)
def test_several_are_removed_in_either_spelling(customer: ApiClient, query: str) -> None:
    path = f"/v3/boards/{make(customer)}/assets"
    customer.request("PUT", path, [{"asset_id": f"60000000{one}"} for one in range(4)])
    response = customer.request("DELETE", f"{path}?{query}")
    assert (response.status, response.body) == (200, b"")
    left = customer.get(path.removesuffix("/assets"))["assets"]
    assert [one["id"] for one in left] == ["600000000", "600000003"]


def test_a_withdrawn_picture_stays_on_the_board_without_image(customer: ApiClient) -> None:
    path = f"/v3/boards/{make(customer)}"
    customer.request("PUT", f"{path}/assets/{EXAMPLE}")
    customer.app.withdraw(EXAMPLE)
    assert customer.get(path)["assets"][0]["display_sizes"] == []
    assert customer.request("PUT", f"{path}/assets/{EXAMPLE}").status == 403


def test_comments(customer: ApiClient) -> None:
    path = f"/v3/boards/{make(customer)}"
    assert customer.get(f"{path}/comments") == {"comments": [], "permissions": {"can_add_comment": True}}
    first, second = (
        json.loads(customer.request("POST", f"{path}/comments", {"text": text}).body)["id"]
        for text in ("<b>Nice</b> & \ud800 odd", "Second")
    )
    found = customer.get(f"{path}/comments")["comments"]
    assert found[0] == {
        "created_by": {"first_name": "Sanna", "last_name": "Boxer"},
        "date_created": "2027-01-15T08:00:00Z",
        "id": first,
        "permissions": {"can_delete_comment": True},
        "text": "<b>Nice</b> & ? odd",
    }
    assert customer.get(path)["comment_count"] == 2
    assert customer.request("DELETE", f"{path}/comments/{first}").status == 204
    assert [one["id"] for one in customer.get(f"{path}/comments")["comments"]] == [second]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["b", "C", "a"]),
        ({"sort_order": "date_last_updated_descending"}, ["b", "C", "a"]),
        ({"sort_order": "date_last_updated_ascending"}, ["a", "C", "b"]),
        ({"sort_order": "name_ascending"}, ["a", "b", "C"]),
        ({"sort_order": "name_decending"}, ["C", "b", "a"]),
        ({"sort_order": "name_ascending", "pageSize": 2}, ["a", "b"]),
        ({"sort_order": "name_ascending", "pageSize": 2, "page": 2}, ["C"]),
        ({"board_relationship": "owned"}, ["b", "C", "a"]),
        ({"board_relationship": "invited"}, []),
    ],
)
def test_lists(customer: ApiClient, params: dict[str, Any], expected: list[str]) -> None:
    ids = {name: make(customer, name) for name in ("b", "C", "a")}
    for name in ("C", "b"):
        customer.request("PUT", f"/v3/boards/{ids[name]}/assets/{EXAMPLE}")
    assert names(customer, **params) == expected
    assert customer.get("/v3/boards", **params)["board_count"] == (0 if "invited" in params.values() else 3)


def test_a_colleagues_board() -> None:
    customer = ApiClient(Sandbox(SandboxConfig(invited_board=True)))
    make(customer, "Mine")
    path = f"/v3/boards/{INVITED}"
    assert len(names(customer)) == 2
    assert names(customer, board_relationship="owned") == ["Mine"]
    (listed,) = customer.get("/v3/boards", board_relationship="invited")["boards"]
    assert (listed["id"], listed["board_relationship"]) == (INVITED, "invited")
    assert customer.get(path)["permissions"] == EDITED
    assert customer.request("PUT", f"{path}/assets/600000001").status == 201
    assert customer.request("DELETE", f"{path}/assets/600000001").status == 200
    (comment,) = customer.get(f"{path}/comments")["comments"]
    assert comment["permissions"] == {"can_delete_comment": False}
    for response in (
        customer.request("PUT", path, {"name": "Taken"}),
        customer.request("DELETE", path),
        customer.request("DELETE", f"{path}/comments/{comment['id']}"),
    ):
        assert (response.status, json.loads(response.body)["ErrorCode"]) == (403, "InsufficientAccess")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", b""),
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", b""),
        ("PUT", "/assets", []),
        ("DELETE", "/assets?asset_ids=1", b""),
        ("PUT", f"/assets/{EXAMPLE}", b""),
        ("DELETE", f"/assets/{EXAMPLE}", b""),
        ("GET", "/comments", b""),
        ("POST", "/comments", {"text": "x"}),
        ("DELETE", "/comments/1", b""),
    ],
)
def test_boards_that_are_not_found(customer: ApiClient, method: str, path: str, body: Any) -> None:
    response = customer.request(method, f"/v3/boards/{NOBODY}{path}", body)
    assert (response.status, json.loads(response.body)["ErrorCode"]) == (404, "BoardNotFound")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/v3/boards", b"", 400, "MalformedRequest"),
        ("POST", "/v3/boards", b"null", 400, "MalformedRequest"),
        ("POST", "/v3/boards", b"[" * 100_000, 400, "MalformedRequest"),
        ("POST", "/v3/boards", {}, 400, "Field: name"),
        ("POST", "/v3/boards", {"name": " "}, 400, "Field: name"),
        ("POST", "/v3/boards", {"name": 5}, 400, "Field: name"),
        ("POST", "/v3/boards", {"name": "x", "description": []}, 400, "Field: description"),
        ("PUT", "/v3/boards/{id}", {"description": "x"}, 400, "Field: name"),
        ("PUT", "/v3/boards/{id}/assets", {"asset_id": "1"}, 400, "MalformedRequest"),
        ("PUT", "/v3/boards/{id}/assets", ["1"], 400, "Field: asset_id"),
        ("PUT", "/v3/boards/{id}/assets", [{"asset_id": 1}], 400, "Field: asset_id"),
        ("PUT", "/v3/boards/{id}/assets/1", b"", 403, "AssetNotFound"),
        ("DELETE", "/v3/boards/{id}/assets", b"", 400, "Field: asset_ids"),
        ("POST", "/v3/boards/{id}/comments", {"text": ""}, 400, "Field: text"),
        ("POST", "/v3/boards/{id}/comments", b"text", 400, "MalformedRequest"),
        ("GET", "/v3/boards?pageSize=0", b"", 400, "Field: pageSize"),
        ("GET", "/v3/boards?pageSize=101", b"", 400, "Field: pageSize"),
        ("GET", "/v3/boards?page=2", b"", 400, "InvalidPage"),
        ("GET", "/v3/boards?page=a", b"", 400, "The value 'a' is not valid for Int32."),
        ("GET", "/v3/boards?sort_order=name_descending", b"", 400, "Field: sort_order"),
        ("GET", "/v3/boards?board_relationship=none", b"", 400, "Field: board_relationship"),
    ],
)
def test_invalid_requests(
    customer: ApiClient, method: str, path: str, body: Any, status: int, message: str
) -> None:
    response = customer.request(method, path.replace("{id}", make(customer)), body)
    assert response.status == status
    assert message in response.body.decode()


def test_concurrent_changes_of_boards(customer: ApiClient) -> None:
    path = f"/v3/boards/{make(customer)}"

    def work(number: int) -> None:
        for at in range(25):
            customer.request("PUT", f"{path}/assets/6{number:04}{at:04}")
            customer.get("/v3/boards")
            make(customer, f"{number} {at}")

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert customer.get(path)["asset_count"] == 100
    assert customer.get("/v3/boards")["board_count"] == 101
