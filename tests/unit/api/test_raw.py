"""Calls by path: which are sent, how often, and where they may be redirected."""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import Any

import pytest

from embedkit import ConfigurationError, InvalidResponse, NotFound, PermissionDenied, Settings, Unavailable
from embedkit.api import account, events, raw
from embedkit.api.decoding import read, read_page
from embedkit.api.requests import ApiSettings
from embedkit.errors import InvalidToken, ProviderError, UnsupportedReference
from embedkit.messages import Response
from embedkit.sandbox import SandboxConfig
from embedkit.validation import short_repr
from tests.support.client import Harness, answer_and_close, in_process_kit, token_body
from tests.support.faulty_upstream import Upstream, ok

API = ApiSettings.of(Settings())
LICENSING = (
    *("/v3/downloads/images/1", "/v3/downloads/videos/1", "/v3/downloads/1", "/v3/downloads", "/v3/downloads/"),
    *("/v3/DOWNLOADS/images/1", "/v3/Downloads/images/1/", "/v3/ai/redownloads", "/v3/AI/ReDownloads/"),
)
HOSTILE = (
    *("", "/", "/v3", "/v3/", "v3/images", "/v2/images", "/V3/images", " /v3/images", "/v3/images "),
    *("https://evil.example/v3/images", "//evil.example/v3/images", "http:/v3/images", "@evil.example/v3/x"),
    *("/v3//images", "/v3//evil.example/x", "//v3/images", "/v3/images//", "/v3/images/1//similar"),
    *(
        "/v3/..",
        "/v3/../oauth2/token",
        "/v3/./images",
        "/v3/images/..",
        "/v3/images/.",
        "/v3/...",
        "/v3/images/1..",
    ),
    *("/v3/%2e%2e/oauth2/token", "/v3/%2E%2E/x", "/v3/%252e%252e/x", "/v3/images%2f..", "/v3/images%2F1"),
    *("/v3/%64ownloads/images/1", "/v3/download%73/images/1", "/v3/downloads%20/images/1", "/v3/%C5%BF"),
    *("/v3\\images", "/v3/images\\..\\x", "/v3/images%5c1", "/v3/images?x=1", "/v3/images#x", "/v3/images;x=1"),
    *("/v3/downloads;x/images/1", "/v3/downloads./images/1", "/v3/.downloads/images/1", "/v3/images:80"),
    *(
        "/v3/images\r\nHost: evil.example",
        "/v3/images\n",
        "/v3/images\0",
        "/v3/ima\tges",
        "/v3/ima ges",
        "/v3/\x7f",
    ),
    *("/v3/download\u017f/images/1", "/v3/\uff44ownloads/images/1", "/v3/images/\u0661", "/v3/\ud800", "/v3/ä"),
    *("/v3/" + "x" * 500, None, 5, b"/v3/images", ["/v3/images"], 10**5000),
)


@pytest.mark.parametrize(
    "path", HOSTILE, ids=lambda path: short_repr(path)[:40].encode("ascii", "replace").decode()
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_could_be_read_in_two_ways_is_refused(method: raw.Method, path: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a path of the API"):
        raw.request(API, method, path)


@pytest.mark.parametrize(
    "path", ["/v3/images/sb10068163bs-001", "/v3/orders/1,2/", "/v3/search/by-image/uploads/a.b_c.jpg", "/v3/x"]
)
def test_a_path_is_appended_to_the_base_unchanged(path: str) -> None:
    asked = raw.request(API, "GET", path)
    assert (asked.url, asked.method, asked.endpoint) == (f"https://api.gettyimages.com{path}", "GET", "api")
    assert asked.hosts == {"api.gettyimages.com"}


@pytest.mark.parametrize("path", LICENSING)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_download_is_refused_and_the_method_for_it_named(method: raw.Method, path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        raw.request(API, method, path)
    assert "kit.api.downloads.save()" in str(caught.value.hint)
    assert raw.request(API, "GET", path).method == "GET"


def test_params_travel_as_those_of_a_search() -> None:
    given = {
        "b": True,
        "a": False,
        "n": 7,
        "f": 1.5,
        "none": None,
        "empty": "",
        "text": " two\nwords ",
        "ids": ["2", 1],
        "on": date(2026, 1, 2),
        "set": {"y", "x"},
        "same": ("1", "1"),
        "flags": [True, False],
        "odd": "a&b=c#d",
    }
    assert dict(raw.request(API, "GET", "/v3/x", given).params) == {
        "b": "true",
        "a": "false",
        "n": "7",
        "f": "1.5",
        "text": "two words",
        "ids": "2,1",
        "on": "2026-01-02",
        "set": "x,y",
        "same": "1",
        "flags": "true,false",
        "odd": "a&b=c#d",
    }


@pytest.mark.parametrize(
    "params",
    [{"a": object()}, {"a": {"b": 1}}, {"a": b"x"}, {"a": [None]}, {"a": "x" * 1001}, {"a b": 1}, {"": 1}],
)
def test_invalid_parameters_are_named(params: Any) -> None:
    with pytest.raises(ConfigurationError, match="can't be"):
        raw.request(API, "GET", "/v3/x", params)
    with pytest.raises(ConfigurationError, match="params can't be"):
        raw.request(API, "GET", "/v3/x", list(params))
    with pytest.raises(ConfigurationError, match="can't be written as JSON"):
        raw.request(API, "PUT", "/v3/x", document={"a": object()})


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, b'{"a": 1}', {"a": 1}),
        (200, b"[1, 2]", [1, 2]),
        (201, b'"x"', "x"),
        (204, b"", None),
        (200, b" \n", None),
        (200, b"<html>", InvalidResponse),
        (200, b'{"a": NaN}', InvalidResponse),
        (200, b'{"a": 1, "a": 2}', InvalidResponse),
        (303, b"", InvalidResponse),
        (400, b'{"ErrorCode": "InvalidRequest"}', InvalidResponse),
        (401, b'{"ErrorCode": "NoToken"}', InvalidToken),
        (403, b'{"ErrorCode": "Elsewhere"}', PermissionDenied),
        (404, b'{"ErrorCode": "OrderNotFound"}', NotFound),
        (503, b"{}", Unavailable),
    ],
)
def test_an_answer_is_json_or_a_typed_error(status: int, body: bytes, found: Any) -> None:
    if isinstance(found, type):
        with pytest.raises(found) as caught:
            raw.parse(Response(status, {}, body, request_url="https://api.gettyimages.com/v3/x"))
        assert isinstance(caught.value, ProviderError)
        assert caught.value.status == status
    else:
        assert raw.parse(Response(status, {}, body)) == found


# -- requests -----------------------------------------------------------------------------------------------


LICENSED = {"api_secret": "secret-1", "username": "u", "password": "word-1"}


@pytest.mark.server
def test_reads_are_retried_and_writes_are_sent_once() -> None:
    busy, fine = answer_and_close(b"{}", "503 Service Unavailable"), answer_and_close(b'{"a": 1}')
    with Upstream(busy, fine) as server, Harness(server.origin) as harness:
        assert harness.api.get("/v3/x", {"ids": [1, 2]}) == {"a": 1}
        assert server.hits == 2
        assert server.requests[0].startswith("GET /v3/x?ids=1%2C2 HTTP/1.1\r\n")
        assert "Api-Key: key-1\r\n" in server.requests[0]
    for act in (
        lambda api: api.put("/v3/x"),
        lambda api: api.post("/v3/x", body=[1]),
        lambda api: api.delete("/v3/x"),
    ):
        with Upstream(busy, fine) as server, Harness(server.origin) as harness:
            error = harness.error(partial(act, harness.api))
            assert (error.code, server.hits) == ("unavailable", 1)


@pytest.mark.server
def test_a_write_is_not_repeated_with_a_newer_token_but_the_next_call_uses_it() -> None:
    refused, fine = answer_and_close(b'{"ErrorCode": "Token"}', "401 Unauthorized"), answer_and_close(b"{}")
    tokens = answer_and_close(token_body("access-1")), answer_and_close(token_body("access-2"))
    with Upstream(refused, fine) as server, Upstream(*tokens) as issuer:
        with Harness(server.origin, f"{issuer.origin}/oauth2/token", **LICENSED) as harness:
            assert harness.error(lambda: harness.api.put("/v3/x")).code == "invalid-token"
            assert (server.hits, issuer.hits) == (1, 1)
            assert harness.api.put("/v3/x") == {}
        assert [f"Bearer access-{n}" in server.requests[n - 1] for n in (1, 2)] == [True, True]


@pytest.mark.server
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{other}/v3/x",
        "http://localhost:{other}/v3/x",
        "http://localhost:{port}/v3/x",
        "http://127.1:{port}/v3/x",
        "http://[::1]:{port}/v3/x",
        "http://127.0.0.1:{port}@localhost:{other}/",
        "//127.0.0.1:{other}/v3/x",
        "https://media.gettyimages.com/v3/x",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_to_another_origin_is_not_followed(location: str) -> None:
    with Upstream(ok(b"{}")) as other, Upstream() as server, Harness(server.origin) as harness:
        there = location.format(port=server.port, other=other.port)
        server.scripts = (answer_and_close(b"", "302 Found", (f"Location: {there}",)), answer_and_close(b"{}"))
        error = harness.error(lambda: harness.api.get("/v3/y"))
        assert (error.code, server.hits, other.hits) == ("invalid-response", 1, 0)
        assert "key-1" not in f"{error} {error!r} {vars(error)}"


@pytest.mark.server
def test_reads_follow_redirects_on_the_same_origin() -> None:
    moved = answer_and_close(b"", "302 Found", ("Location: /v3/z",))
    with Upstream(moved, answer_and_close(b"[]")) as server, Harness(server.origin) as harness:
        assert harness.api.get("/v3/y") == []
        assert server.requests[1].startswith("GET /v3/z ")
    with Upstream(moved, answer_and_close(b"[]")) as server, Harness(server.origin) as harness:
        assert harness.error(lambda: harness.api.put("/v3/y")).code == "invalid-response"
        assert server.hits == 1


@pytest.mark.parametrize(
    ("base", "hosts"),
    [
        ("https://api.gettyimages.com", {"api.gettyimages.com"}),
        ("https://proxy.example:443", {"proxy.example"}),
        ("https://proxy.example:8443", set()),  # a redirect might lead to port 443
        ("http://127.0.0.1:8081", {"127.0.0.1"}),
    ],
)
def test_where_a_redirect_may_lead(base: str, hosts: set[str]) -> None:
    assert raw.request(ApiSettings.of(Settings(api_base=base)), "GET", "/v3/x").hosts == hosts


# -- over the sandbox ---------------------------------------------------------------------------------------


def test_endpoints_without_a_method_can_be_called() -> None:
    kit, app = in_process_kit()
    assert kit.api.get("/v3/purchased-assets")["result_count"] == 2
    usage = {"asset_usages": [{"asset_id": "74917285", "quantity": 1, "usage_date": "2026-01-02"}]}
    assert kit.api.put("/v3/usage-batches/b-1", body=usage)["total_asset_usages_processed"] == 1
    call = app.calls[-1]
    assert (call.method, call.path, json.loads(call.body)) == ("PUT", "/v3/usage-batches/b-1", usage)
    with pytest.raises(NotFound, match="nothing at this path"):
        kit.api.get("/v3/nothing/here")
    downloads = [call for call in app.calls if "downloads" in call.path]
    with pytest.raises(ConfigurationError, match="downloads by path are refused"):
        kit.api.post("/v3/downloads/images/74917285")
    assert downloads == []


def test_the_history_has_what_was_downloaded() -> None:
    kit, _ = in_process_kit(SandboxConfig(download_limit=3))
    kit.api.downloads.url("74917285", product_type="premiumaccess", notes={"project_code": "7"})
    kit.api.downloads.url("600000002", product_type="premiumaccess")
    page = kit.api.download_history(page_size=1, product_type="premiumaccess")
    assert (page.total, page.has_next, page.downloads[0].id) == (2, True, "600000002")
    (past,) = kit.api.image_download_history("74917285")
    assert (past.product_id, past.download_details.project_code) == ("50001", "7")
    assert past.dimensions.width
    assert past.thumb_url
    assert past.user.last_name == "Boxer"
    left = {product.type: product.downloads_remaining for product in kit.api.products(requirements=True)}
    assert left["premiumaccess"] == 1
    assert left["easyaccess"] == 3
    with pytest.raises(NotFound):
        kit.api.image_download_history("500000404")


# -- responses that differ from Getty's document ----------------------------------------------------------


def answer(**fields: Any) -> Response:
    return Response(200, {}, json.dumps(fields).encode())


def test_an_event_is_read_alone_or_in_a_list() -> None:
    for response in (answer(id="5", name="x", location=7), answer(events=[{"id": 4}, {"id": 5, "name": "x"}])):
        event = events.parse_event(response, API, "5")
        assert (event.id, event.name, event.location) == (5, "x", events.EventLocation())
    found = events.parse_events(
        answer(events=[{"id": 5}, {"id": "x"}, 7, None], events_not_found=["6"]), API, (6, 5)
    )
    assert ([one.id for one in found.events], found.missing) == ([5], (6,))
    for response in (answer(), answer(id=6), answer(events=[]), Response(404, {}, b"{}")):
        with pytest.raises(NotFound, match="here is no such event"):
            events.parse_event(response, API, 5)
    assert events.parse_events(Response(404, {}, b'{"ErrorCode": "EventNotFound"}'), API, (5,)).missing == (5,)
    for wrong in ("", "x", "5/6", "0", 0, -1, True, 10**5000, None, 5.0):
        with pytest.raises(UnsupportedReference):
            events.event_id(wrong)  # type: ignore[arg-type]


def test_unreadable_fields_of_an_account_are_left_out() -> None:
    odd = {"id": 1, "type": None, "downloads_remaining": -1, "download_requirements": {"project_codes": None}}
    (product,) = read(answer(products=[odd, {}, None]), "account").require_parts("products", account.Product)
    assert (product.id, product.type, product.downloads_remaining) == ("1", "", None)
    row = {"id": "74917285", "dimensions": None, "user": 5, "thumb_uri": "http://evil.example/x", "new": "kept"}
    page = read_page(
        account.DownloadPage, answer(downloads=[row, {"id": "a/b"}], result_count="7"), API, "account"
    )
    assert (page.total, [one.id for one in page.downloads]) == (7, ["74917285"])
    assert (page.downloads[0].thumb_url, page.downloads[0].other["new"]) == (None, "kept")
    for wrong in (answer(), answer(products=5, downloads=5)):
        with pytest.raises(InvalidResponse):
            read(wrong, "account").require_parts("products", account.Product)
        with pytest.raises(InvalidResponse):
            read_page(account.DownloadPage, wrong, API, "account")
