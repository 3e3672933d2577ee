"""The sandbox against Getty's own contract (OpenAPI 3.0.1): generated questions, and answers that conform."""

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

from embedkit.sandbox import Sandbox
from tests.support.api import APPLICATION, Caller
from tests.support.tools import reference_dir

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
Checks = list[Callable[..., bool | None]]
BOARD = "/v3/boards/{board_id}"
SUPPORTED = [
    ("GET", "/v3/search/images"),
    ("GET", "/v3/search/images/creative"),
    ("GET", "/v3/search/images/editorial"),
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
# neither typed parameters nor a body: there is no nonsense to send
PLAIN = [
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
EVERYTHING = ["detail_set", "display_set", "keywords", "largest_downloads", "uri_oembed"]
QUERIES: dict[str, dict[str, Any]] = {
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
        path: {method: said for method, said in item.items() if (method.upper(), path) in SUPPORTED}
        for path, item in document["paths"].items()
        if path in {path for _, path in SUPPORTED}
    }
    return schemathesis.openapi.from_dict(document, config=SchemathesisConfig())


@pytest.fixture
def customer() -> Caller:
    return Caller(Sandbox())


def known(caller: Caller, method: str, path: str) -> dict[str, Any]:
    """Parameters that name something which exists."""
    board = json.loads(caller.ask("POST", "/v3/boards", {"name": "Eclipse"}).body)["id"]
    caller.ask("PUT", f"/v3/boards/{board}/assets", [{"asset_id": "74917285"}, {"asset_id": "600000001"}])
    comment = json.loads(caller.ask("POST", f"/v3/boards/{board}/comments", {"text": "Nice"}).body)["id"]
    names = {"id": "74917285", "board_id": board, "asset_id": "600000001", "comment_id": comment}
    fixed = {"path_parameters": {name: names[name] for name in re.findall(r"\{(\w+)\}", path)}}
    return fixed | ({"query": QUERIES[path]} if path in QUERIES and method != "PUT" else {})


def drive(
    operation: Any, caller: Caller, mode: GenerationMode, examples: int, checks: Checks | None = None, **fixed: Any
) -> set[int]:
    """Ask generated questions; the statuses that were answered."""
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
def test_answers_conform(contract: BaseSchema, customer: Caller, method: str, path: str) -> None:
    operation = contract[path][method]
    seen = drive(operation, customer, GenerationMode.POSITIVE, 40)
    seen |= drive(operation, customer, GenerationMode.POSITIVE, 20, **known(customer, method, path))
    assert any(status < 400 for status in seen), seen


@pytest.mark.parametrize(("method", "path"), [one for one in SUPPORTED if one not in PLAIN])
def test_nonsense_breaks_nothing(contract: BaseSchema, customer: Caller, method: str, path: str) -> None:
    assert drive(contract[path][method], customer, GenerationMode.NEGATIVE, 40)


@pytest.mark.parametrize(("method", "path"), SUPPORTED)
@pytest.mark.parametrize("grant", [None, APPLICATION])
def test_strangers_get_no_server_errors(
    contract: BaseSchema, grant: dict[str, str] | None, method: str, path: str
) -> None:
    # the gate stands before every operation: the contract declares its 403 for some alone
    checks = [check for check in CHECKS if check is not status_code_conformance]
    seen = drive(contract[path][method], Caller(Sandbox(), grant), GenerationMode.POSITIVE, 5, checks)
    assert seen <= {200, 400, 401, 403, 404}


def test_what_is_not_supported_says_so(customer: Caller) -> None:
    document = json.loads((reference_dir() / "upstream" / "openapi_v3.json").read_bytes())
    declared = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        if path.startswith("/v3/")
        for method in item
    }
    assert declared > set(SUPPORTED)
    for method, path in declared - set(SUPPORTED):
        assert customer.ask(method, path, b"{}").status in (404, 405), (method, path)
