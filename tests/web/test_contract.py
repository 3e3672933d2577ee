"""Checks the service against its own OpenAPI document with schemathesis, in process and with all of its checks.

``python -m tests.web.test_contract 2000`` runs more examples.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from embedkit.web.openapi import ROUTES, openapi_document, path
from tests.support.web import (
    EXAMPLE,
    KEYS,
    TOKEN,
    bearer,
    world,
)

EXAMPLES = 25  # per operation and mode
FLOWS = 60
# The statuses of valid and invalid requests, in addition to those that schemathesis expects: 501 is oEmbed's status
# for another format (section 2.3.4); 413 and 414 are for requests that are too long.
USUAL = {
    "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 501]},
    "negative_data_rejection": {
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 501]
    },
    "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", 401, 403, 404, 413, 414]},
}
# OpenAPI can't express which filters can be combined with which family of pictures.
FILTERED = {"positive_data_acceptance": {"expected-statuses": ["2xx", 400, 401, 403, 404, 414]}}
CONFIG = {
    "checks": USUAL,
    "operations": [
        {"include-path": one, "checks": {**USUAL, **FILTERED}} for one in ("/v1/search", "/v1/events", "/picker")
    ],
}


def contract(mode: str = "all") -> BaseSchema:
    """Return the document of a service, bound to that service. One token gives access to everything."""
    load_all_checks()
    made = world(
        **KEYS,
        tokens=TOKEN,
        admin_token=TOKEN,
        metrics="token",
        contact="mailto:security@example.org",
        public_url="",
        trusted_hosts=("localhost",),
        rate_limit="1000000/second",
    )
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", made.app, config=SchemathesisConfig.from_dict({**CONFIG, "generation": {"mode": mode}})
    )


def within(examples: int, **more: Any) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )


def lists_of_texts(operation: dict[str, Any]) -> set[str]:
    """Return the parameters that are lists of arbitrary strings."""
    items = {one["name"]: one["schema"].get("items", {}) for one in operation["parameters"]}
    return {name for name, item in items.items() if item.get("type") == "string" and "enum" not in item}


def ask(
    schema: BaseSchema, method: str, where: str, mode: GenerationMode, examples: int, **fixed: Any
) -> Counter[int]:
    """Send generated requests, run all checks on each response, and count the statuses."""
    seen: Counter[int] = Counter()
    operation = schema[where][method].definition.raw

    @given(case=schema[where][method].as_strategy(generation_mode=mode, **fixed))
    @within(examples, phases=[Phase.generate])
    def question(case: Any) -> None:
        # The first of repeated parameters is used, and an empty value counts as omitted; OpenAPI can express
        # neither. A value that is not a list is read as its only item, which is always valid in a list of strings.
        query = case.query or {}
        assume(not any(isinstance(value, list | dict) or value == "" for value in query.values()))
        assume(mode is not GenerationMode.NEGATIVE or not query.keys() & lists_of_texts(operation))
        seen[case.call_and_validate(headers=bearer(TOKEN), checks=CHECKS.get_all()).status_code] += 1

    question()
    return seen


def known(where: str) -> dict[str, Any]:
    """Return parameters for a picture that exists."""
    if where == "/oembed":
        return {"query": {"url": f"https://gty.im/{EXAMPLE}", "maxwidth": 300}}
    if where == "/v1/search":
        return {"query": {"q": "eclipse", "page_size": 3}}
    names = re.findall(r"{(\w+)}", where)
    return {"path_parameters": dict.fromkeys(names, EXAMPLE)} if names else {}


def flows(count: int, steps: int = 8) -> Counter[tuple[str, int]]:
    """Follow the links between operations, and count the statuses of each operation."""
    seen: Counter[tuple[str, int]] = Counter()

    schema = contract("positive")
    search = schema.raw_schema["paths"]["/v1/search"]["get"]
    # with all forty, a flow would have no room for steps
    search["parameters"] = [one for one in search["parameters"] if one["name"] == "event_ids"]

    class Flow(schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Any) -> None:
            if case.operation.path == "/v1/search":  # a search with results, whose links can be followed
                case.query = {"q": "eclipse", "page_size": 3}

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": bearer(TOKEN)}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            seen[case.operation.definition.raw["operationId"], response.status_code] += 1
            case.validate_response(response, checks=CHECKS.get_all(), headers=bearer(TOKEN))

    Flow.run(settings=within(count, stateful_step_count=steps, phases=[Phase.generate]))
    return seen


OPERATIONS = [(route.method, path(route)) for route in ROUTES]


@pytest.fixture(name="schema", scope="module")
def fixture_schema() -> BaseSchema:
    return contract()


@pytest.mark.parametrize(("method", "where"), OPERATIONS)
def test_valid_requests(schema: BaseSchema, method: str, where: str) -> None:
    seen = ask(schema, method, where, GenerationMode.POSITIVE, EXAMPLES)
    if fixed := known(where):
        seen |= ask(schema, method, where, GenerationMode.POSITIVE, 5, **fixed)
    assert any(status < 400 for status in seen) or method == "DELETE" or "boards/" in where, seen


@pytest.mark.parametrize(("method", "where"), OPERATIONS)
def test_invalid_requests(schema: BaseSchema, method: str, where: str) -> None:
    try:
        assert ask(schema, method, where, GenerationMode.NEGATIVE, EXAMPLES)
    except Unsatisfiable:  # an operation without parameters has no invalid requests
        operation = openapi_document()["paths"][where][method.lower()]
        assert not operation["parameters"]
        assert not operation.keys() & {"security", "requestBody"}


def test_links_can_be_followed() -> None:
    seen: Counter[tuple[str, int]] = Counter()
    linked = {("embed", 200), ("image", 200), ("oembed", 200), ("frame", 200), ("render", 200), ("purge", 204)}
    for turn in (1, 2, 4):  # the links followed depend on the responses, and these on the time
        if not linked <= seen.keys():
            seen += flows(turn * FLOWS)
    assert linked <= seen.keys(), seen


def test_every_link_has_a_valid_target() -> None:
    document = openapi_document()
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    links = [
        link
        for one in operations.values()
        for answer in one["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) >= 10
    for link in links:
        target = operations[link["operationId"]]
        assert link["parameters"].keys() <= {row["name"] for row in target["parameters"]}
        assert ("requestBody" in link) <= ("requestBody" in target)


def test_the_document_lists_errors_of_http_itself() -> None:
    for where, methods in openapi_document()["paths"].items():
        for operation in methods.values():
            answers = operation["responses"]
            assert {"405", "414", "500"} <= answers.keys(), where
            assert ({"413", "415"} <= answers.keys()) == ("requestBody" in operation)
            pages = where in ("/embed/{ref}", "/picker")
            wrong = {status: row for status, row in answers.items() if status >= "400" and where != "/readyz"}
            assert all(("text/html" in row["content"]) == pages for row in wrong.values()), where


if __name__ == "__main__":
    made = contract()
    for method, where in OPERATIONS:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                print(
                    method, where, mode.value, dict(ask(made, method, where, mode, int(sys.argv[1]))), flush=True
                )
            except Unsatisfiable:
                print(method, where, mode.value, "nothing to ask", flush=True)
            except FailureGroup as failures:
                print(method, where, mode.value, *(failures.exceptions), sep="\n", flush=True)
    print(flows(int(sys.argv[1]) // 10, 10))
