"""Faults on request, in process and over a socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead
from typing import NamedTuple

import pytest

from embedkit.errors import InvalidResponse, Unavailable
from embedkit.sandbox import Fault, Sandbox, SandboxServer
from embedkit.sandbox.faults import KINDS, parse_fault
from tests.support.sandbox import (
    Get,
    in_process,
    oembed_path,
    over_http,
)


class Way(NamedTuple):
    app: Sandbox
    get: Get
    cut: tuple[type[Exception], ...]


@pytest.fixture(params=["inside", "outside"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    if request.param == "inside":
        app = Sandbox()
        yield Way(app, in_process(app), (Unavailable,))
    else:
        with SandboxServer() as server:
            yield Way(server.app, over_http(server.url), (HTTPException, ConnectionError))


def test_healthy_without(way: Way) -> None:
    assert way.get(oembed_path()).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "header", "body"),
    [
        ("throttle", 403, "Account Over Queries Per Second Limit", b"Per Second"),
        ("quota", 403, "Account Over Rate Limit", b"Rate Limit"),
        ("inactive", 403, None, b"Account Inactive"),
        ("firewall", 403, None, b"Reference"),
        ("not-json", 200, None, b"<!doctype html>"),
        ("empty", 200, None, b""),
    ],
)
def test_answers_instead(way: Way, kind: str, status: int, header: str | None, body: bytes) -> None:
    way.app.faults.add(kind)
    response = way.get(oembed_path())
    assert response.status == status
    assert response.headers.get("x-error-detail") == header
    assert body in response.body
    assert way.get(oembed_path()).status == 200


@pytest.mark.parametrize("status", [400, 410, 429, 500, 503])
def test_any_status(way: Way, status: int) -> None:
    way.app.faults.add("status", status=status, retry_after=7)
    response = way.get(oembed_path())
    assert (response.status, response.headers["retry-after"]) == (status, "7")


def test_counted_down(way: Way) -> None:
    way.app.faults.add("status", status=500, count=2)
    way.app.faults.add("status", status=503, count=1)
    assert [way.get(oembed_path()).status for _ in range(4)] == [500, 500, 503, 200]
    assert list(way.app.faults) == []


def test_until_cleared(way: Way) -> None:
    way.app.faults.add("status", count=None)
    assert [way.get(oembed_path()).status for _ in range(3)] == [503] * 3
    way.app.faults.clear()
    assert way.get(oembed_path()).status == 200


def test_for_one_route_and_one_picture_only(way: Way) -> None:
    way.app.faults.add("status", count=None, item="600000007")
    assert way.get(oembed_path()).status == 200
    assert way.get(oembed_path("https://gty.im/600000007")).status == 503
    assert way.get("/id/600000007/photo/a.jpg").status == 200


def test_for_one_request_only(way: Way) -> None:
    assert way.get(oembed_path(), headers={"X-Sandbox-Fault": "status=502"}).status == 502
    assert way.get(oembed_path(sandbox_fault="firewall")).status == 403
    assert way.get("/widgets.js?sandbox_fault=status=404").status == 404
    assert way.get(oembed_path(sandbox_fault="nonsense")).status == 400
    assert way.get(oembed_path()).status == 200


@pytest.mark.parametrize("kind", ["drop", "truncated"])
def test_cut_connections(way: Way, kind: str) -> None:
    way.app.faults.add(kind)
    with pytest.raises(way.cut):
        way.get(oembed_path())
    assert way.get(oembed_path()).status == 200


def test_half_of_an_answer_is_sent_before_the_cut() -> None:
    with SandboxServer() as server:
        server.app.faults.add("truncated")
        with pytest.raises(IncompleteRead) as caught:
            over_http(server.url)(oembed_path())
    assert len(caught.value.partial) > 400


def test_malformed(way: Way) -> None:
    way.app.faults.add("malformed")
    response = way.get(oembed_path())
    assert response.status == 200
    with pytest.raises(ValueError, match="line 1"):
        json.loads(response.body)


def test_mismatch(way: Way) -> None:
    way.app.faults.add("mismatch")
    assert "items:'74917285'" not in json.loads(way.get(oembed_path()).body)["html"]


def test_hostile(way: Way) -> None:
    way.app.faults.add("hostile")
    found = json.loads(way.get(oembed_path()).body)
    assert found["html"].endswith("<script src='https://elsewhere.example/x.js'></script>")
    assert found["thumbnail_url"] == "javascript:alert(1)"


@pytest.mark.parametrize("kind", ["delay", "slow"])
def test_late(way: Way, kind: str) -> None:
    way.app.faults.add(kind, seconds=0.1)
    start = time.monotonic()
    assert json.loads(way.get(oembed_path()).body)["type"] == "rich"
    assert time.monotonic() - start >= 0.09


def test_a_redirect_leads_elsewhere() -> None:
    with SandboxServer() as server:
        response = over_http(server.url)(oembed_path(sandbox_fault="redirect"))
    assert (response.status, response.headers["location"]) == (302, "https://elsewhere.example/oembed")
    with pytest.raises(InvalidResponse):
        in_process(Sandbox())(oembed_path(sandbox_fault="redirect"))


def test_a_large_answer_is_large() -> None:
    with SandboxServer() as server:
        server.app.faults.add("large")
        assert len(over_http(server.url)(oembed_path()).body) > 1 << 26
    with pytest.raises(InvalidResponse):
        in_process(Sandbox())(oembed_path(sandbox_fault="large"))


@pytest.mark.parametrize("kind", ["hang", "delay=30", "slow=30"])
def test_nobody_waits_in_process(kind: str) -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable):
        in_process(Sandbox())(oembed_path(sandbox_fault=kind))
    assert time.monotonic() - start < 15  # half of what they ask for


def test_a_server_that_stops_lets_hanging_requests_go() -> None:
    with SandboxServer() as server:
        server.app.faults.add("hang", seconds=0.1)
        with pytest.raises((HTTPException, ConnectionError)):
            over_http(server.url)(oembed_path())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault("drop", route="*")),
        (" status=404 ", Fault("status", route="*", status=404)),
        ("delay=0.5", Fault("delay", route="*", seconds=0.5)),
    ],
)
def test_parsing_faults(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("text", ["", "nonsense", "status=x", "status=42", "delay=-1", "drop=1", "delay=nan"])
def test_parsing_invalid_faults(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_fault(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_documented(kind: str) -> None:
    from embedkit.sandbox import faults

    assert f"\n{kind} " in (faults.__doc__ or "")
