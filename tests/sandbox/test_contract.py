"""The sandbox against Getty's own contract (OpenAPI 3.0.1): generated requests, and responses that conform."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.against import INTENDED, Difference, differences
from embedkit.sandbox.content.catalogue import catalogue
from tests.support.api import APPLICATION, ApiClient
from tests.support.tools import reference_dir

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
Checks = list[Callable[..., bool | None]]
BOARD = "/v3/boards/{board_id}"
SUPPORTED = [
    ("GET", "/v3/search/images"),
    ("GET", "/v3/search/images/creative"),
    ("GET", "/v3/search/images/editorial"),
    ("GET", "/v3/search/images/creative/by-image"),
    ("GET", "/v3/search/events"),
    ("GET", "/v3/events"),
    ("GET", "/v3/events/{id}"),
    ("GET", "/v3/artists/images"),
    ("PUT", "/v3/search/by-image/uploads/{file-name}"),
    ("GET", "/v3/purchased-assets"),
    ("GET", "/v3/asset-changes/channels"),
    ("PUT", "/v3/asset-changes/change-sets"),
    ("DELETE", "/v3/asset-changes/change-sets/{change-set-id}"),
    ("PUT", "/v3/usage-batches/{id}"),
    ("GET", "/v3/images"),
    ("GET", "/v3/images/{id}"),
    ("GET", "/v3/images/{id}/similar"),
    ("GET", "/v3/images/{id}/same-series"),
    ("GET", "/v3/images/{id}/downloadhistory"),
    ("GET", "/v3/countries"),
    ("GET", "/v3/collections"),
    ("GET", "/v3/products"),
    ("GET", "/v3/customers/current"),
    ("GET", "/v3/downloads"),
    ("POST", "/v3/downloads/images/{id}"),
    ("GET", "/v3/boards"),
    ("POST", "/v3/boards"),
    ("GET", BOARD),
    ("PUT", BOARD),
    ("DELETE", BOARD),
    ("PUT", f"{BOARD}/assets"),
    ("DELETE", f"{BOARD}/assets"),
    ("PUT", f"{BOARD}/assets/{{asset_id}}"),
    ("DELETE", f"{BOARD}/assets/{{asset_id}}"),
    ("GET", f"{BOARD}/comments"),
    ("POST", f"{BOARD}/comments"),
    ("DELETE", f"{BOARD}/comments/{{comment_id}}"),
]
# without typed parameters and without a body, so there are no invalid requests to generate
PLAIN = [
    ("GET", "/v3/asset-changes/channels"),
    ("PUT", "/v3/search/by-image/uploads/{file-name}"),
    ("GET", "/v3/countries"),
    ("GET", "/v3/collections"),
    ("GET", "/v3/customers/current"),
    ("GET", BOARD),
    ("DELETE", BOARD),
    ("PUT", f"{BOARD}/assets/{{asset_id}}"),
    ("DELETE", f"{BOARD}/assets/{{asset_id}}"),
    ("GET", f"{BOARD}/comments"),
    ("DELETE", f"{BOARD}/comments/{{comment_id}}"),
]
EVENT = next(asset.event_id for asset in catalogue().values() if asset.event_id)
USED = {"asset_usages": [{"asset_id": "74917285", "quantity": 1, "usage_date": "2026-03-02"}]}
EVERYTHING = ["detail_set", "display_set", "keywords", "largest_downloads", "uri_oembed"]
QUERIES: dict[str, dict[str, Any]] = {
    "/v3/search/images/creative/by-image": {"asset_id": "74917285"},
    "/v3/artists/images": {"artist_name": "Ivo Lindqvist"},
    "/v3/asset-changes/change-sets": {"channel_id": 1},
    "/v3/events": {"ids": [EVENT]},
    "/v3/search/images": {"phrase": "eclipse", "fields": EVERYTHING},
    "/v3/search/images/creative": {"phrase": "lake", "fields": EVERYTHING},
    "/v3/search/images/editorial": {"phrase": "eclipse", "fields": EVERYTHING},
    "/v3/images": {"ids": ["74917285", "1", "600000001"]},
    f"{BOARD}/assets": {"asset_ids": ["74917285"]},
}


@pytest.fixture(scope="module")
def contract() -> BaseSchema:
    document = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_bytes())
    document["paths"] = {
        path: {method: operation for method, operation in item.items() if (method.upper(), path) in SUPPORTED}
        for path, item in document["paths"].items()
        if path in {path for _, path in SUPPORTED}
    }
    return schemathesis.openapi.from_dict(document, config=SchemathesisConfig())


@pytest.fixture
def customer() -> ApiClient:
    return ApiClient(Sandbox())


def known(caller: ApiClient, method: str, path: str) -> dict[str, Any]:
    """Create what an operation needs, and return parameters that refer to existing objects."""
    board = json.loads(caller.request("POST", "/v3/boards", {"name": "Eclipse"}).body)["id"]
    caller.request("PUT", f"/v3/boards/{board}/assets", [{"asset_id": "74917285"}, {"asset_id": "600000001"}])
    comment = json.loads(caller.request("POST", f"/v3/boards/{board}/comments", {"text": "Nice"}).body)["id"]
    caller.app.announce("Update", "74917285")
    batch = json.loads(caller.request("PUT", "/v3/asset-changes/change-sets", channel_id=1).body)["change_set_id"]
    names = {"id": "74917285", "board_id": board, "asset_id": "600000001", "comment_id": comment}
    names |= {"file-name": "mine.jpg", "change-set-id": int(batch)} | ({"id": EVENT} if "events" in path else {})
    fixed: dict[str, Any] = {"path_parameters": {name: names[name] for name in re.findall(r"\{([\w-]+)\}", path)}}
    if "uploads" in path:
        fixed |= {"body": b"\x89PNG\r\n\x1a\n", "media_type": "image/png"}
    if "usage" in path:
        fixed |= {"body": USED}
    return fixed | (
        {"query": QUERIES[path]} if path in QUERIES and (method, path) != ("PUT", f"{BOARD}/assets") else {}
    )


def drive(
    operation: Any,
    caller: ApiClient,
    mode: GenerationMode,
    examples: int,
    checks: Checks | None = None,
    **fixed: Any,
) -> set[int]:
    """Send generated requests, and return the statuses of the responses."""
    seen: set[int] = set()

    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        response = case.call(app=caller.app, headers=caller.headers)
        case.validate_response(response, checks=checks or CHECKS)
        seen.add(response.status_code)

    ask()
    return seen


@pytest.mark.parametrize(("method", "path"), SUPPORTED)
def test_responses_conform_to_the_contract(
    contract: BaseSchema, customer: ApiClient, method: str, path: str
) -> None:
    operation = contract[path][method]
    seen = drive(operation, customer, GenerationMode.POSITIVE, 40)
    seen |= drive(operation, customer, GenerationMode.POSITIVE, 20, **known(customer, method, path))
    assert any(status < 400 for status in seen), seen


@pytest.mark.parametrize(("method", "path"), [one for one in SUPPORTED if one not in PLAIN])
def test_invalid_requests_cause_no_server_errors(
    contract: BaseSchema, customer: ApiClient, method: str, path: str
) -> None:
    assert drive(contract[path][method], customer, GenerationMode.NEGATIVE, 40)


@pytest.mark.parametrize(("method", "path"), SUPPORTED)
@pytest.mark.parametrize("grant", [None, APPLICATION])
def test_unauthorized_requests_cause_no_server_errors(
    contract: BaseSchema, grant: dict[str, str] | None, method: str, path: str
) -> None:
    # authentication precedes every operation, but the contract declares its 403 only for some
    checks = [check for check in CHECKS if check is not status_code_conformance]
    seen = drive(contract[path][method], ApiClient(Sandbox(), grant), GenerationMode.POSITIVE, 5, checks)
    assert seen <= {200, 400, 401, 403, 404}


def test_unsupported_operations_are_reported(customer: ApiClient) -> None:
    document = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_bytes())
    declared = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        if path.startswith("/v3/")
        for method in item
    }
    assert declared > set(SUPPORTED)
    for method, path in declared - set(SUPPORTED):
        assert customer.request(method, path, b"{}").status in (404, 405), (method, path)


# -- differences -----------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_bytes())
    return found


def test_every_difference_from_3_0_1_is_intended() -> None:
    found = differences(document())
    assert [str(one) for one in found if not one.why] == []
    assert len(found) > 50


def test_every_reason_is_needed() -> None:
    lines = [str(Difference(one.where, one.what)) for one in differences(document())]
    assert [pattern for pattern, _ in INTENDED if not any(re.fullmatch(pattern, line) for line in lines)] == []


def later(contract: dict[str, Any]) -> dict[str, Any]:
    """Change 3.0.1 in each of the ways in which the contract of September 2026 is known to differ."""
    paths, schemas = contract["paths"], contract["components"]["schemas"]
    creative = paths["/v3/search/images/creative"]["get"]
    text = {"schema": {"type": "string"}}
    paths["/v3/boards/{board_id}/assets/{asset_id}/comments"] = {"get": {"responses": {"200": {}}}}
    paths["/v3/events/{event}"] = {"get": paths.pop("/v3/events/{id}")["get"]}  # only the name of the placeholder
    paths["/v3/customers/current"] = {"post": paths["/v3/customers/current"].pop("get")}
    creative["parameters"].append({"name": "ai_content", "in": "query", **text})
    creative["parameters"].append({"name": "GI-Tenant", "in": "header", **text})
    creative["parameters"] = [one for one in creative["parameters"] if one["name"] != "moods"]
    schemas["EventSearchSortOrder"]["enum"] = ["newest", "nearest"]
    schemas["PreviousAssetPurchase"]["properties"]["order_id"] = {"type": "integer"}
    schemas["PreviousAssetPurchase"]["properties"]["currency"] = {"type": "string"}
    del schemas["Channel"]["properties"]["Metadata"]
    return contract


def test_differences_from_a_later_contract() -> None:
    found = [str(one) for one in differences(later(document())) if not one.why]
    assert found == [
        "GET /v3/asset-changes/channels: the field [].Metadata is not in the contract",
        "GET /v3/boards/{}/assets/{}/comments: the sandbox has no such operation",
        "GET /v3/customers/current: is not in the contract",
        "GET /v3/purchased-assets: the sandbox returns no previous_purchases[].currency",
        "GET /v3/purchased-assets: the type of previous_purchases[].order_id is not integer",
        "GET /v3/search/events: sort_order=oldest is not in the contract",
        "GET /v3/search/events: the sandbox does not know sort_order=nearest",
        "GET /v3/search/images/creative: the parameter moods is not in the contract",
        "GET /v3/search/images/creative: the sandbox does not read the header GI-Tenant",
        "GET /v3/search/images/creative: the sandbox has no parameter ai_content",
        "POST /v3/customers/current: the sandbox has no such operation",
    ]


def test_types_in_openapi_3_1() -> None:
    contract = document()
    fields = contract["components"]["schemas"]["PreviousAssetPurchase"]["properties"]
    fields["order_id"]["type"], fields["asset_id"]["type"] = ["string", "null"], ["integer", "boolean"]
    assert [str(one) for one in differences(contract) if not one.why] == [
        "GET /v3/purchased-assets: the type of previous_purchases[].asset_id is not integer or boolean"
    ]


@pytest.mark.parametrize(
    ("era", "line"),
    [
        ("2014", "POST /v3/downloads/{}: is not in the contract"),
        ("2014", "GET /v3/search/images: the field images[].largest_downloads[].bytes is not in the contract"),
        (
            "2018",
            "GET /v3/purchased-assets: the type of previous_purchases[].order_id is not string",
        ),
        ("2018", "GET /v3/search/images/creative: the parameter license_models is not in the contract"),
    ],
)
def test_other_eras_differ(era: Any, line: str) -> None:
    assert line in [str(one) for one in differences(document(), SandboxConfig(era=era))]
