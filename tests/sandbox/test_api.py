"""Authentication in the sandbox's API v3: keys, rate limits, permissions and error responses."""

from __future__ import annotations

import json
from dataclasses import replace
from http.client import HTTPConnection
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from embedkit.errors import InvalidResponse, Unavailable
from embedkit.messages import Request
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxServer, SandboxTransport
from embedkit.sandbox.faults import KINDS, TIMED
from embedkit.sandbox.services.auth import KEY, PASSWORD, SEARCH_KEY, SECRET, USER
from tests.support.api import (
    APPLICATION,
    DAY,
    SEARCH_CLIENT,
    ApiClient,
    send_request,
)
from tests.support.sandbox import in_process, over_http
from tests.support.tools import Clock

PER_SECOND, PER_DAY = "Account Over Queries Per Second Limit", "Account Over Rate Limit"
TOO_MANY = "Too Many Requests"
INVALID = {"ErrorCode": "InvalidRequest"}
NOT_YOURS = {"message": "Your access token does not authorize access to this resource."}


def with_key(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Api-Key": key}


# -- keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v3/boards", "/v3/downloads/images/1", "/v3/nothing", "/v3"])
@pytest.mark.parametrize(
    ("era", "key", "status", "message"),
    [
        ("2026", None, 401, "Unauthorized"),
        ("2026", "", 401, "Unauthorized"),
        ("2026", "j878g39yx378pa77djthzzpm", 401, "Unauthorized"),
        ("2026", SECRET, 401, "Unauthorized"),
        ("2026", KEY.upper(), 401, "Unauthorized"),
        ("2018", None, 403, "Account Inactive"),
        ("2018", "j878g39yx378pa77djthzzpm", 403, "Account Inactive"),
        ("2014", None, 403, "Account Inactive"),
    ],
)
def test_unknown_keys_are_refused(path: str, era: Any, key: str | None, status: int, message: str) -> None:
    response = send_request(Sandbox(SandboxConfig(era=era)), "GET", path, with_key(key))
    assert (response.status, json.loads(response.body)) == (status, {"message": message})
    assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("key", [KEY, SEARCH_KEY, f" {KEY} "])
def test_known_keys(key: str) -> None:
    assert send_request(Sandbox(), "GET", "/v3/boards", with_key(key)).status == 401


@pytest.mark.parametrize(
    ("era", "query", "body"),
    [
        (
            "2026",
            "page=a",
            INVALID | {"ErrorMessage": "Field: page, Message: The value 'a' is not valid for Int32."},
        ),
        ("2026", "pag=1", INVALID | {"ErrorMessage": "Field: pag, Message: The parameter is not recognized."}),
        ("2018", "page=a", {"message": "Invalid Request. Possible required parameter missing."}),
        ("2018", "pag=1", {"message": "Invalid Request. Possible required parameter missing."}),
        ("2014", "pag=1", {"message": "Invalid Request. Possible required parameter missing."}),
    ],
)
def test_invalid_parameters(era: Any, query: str, body: dict[str, str]) -> None:
    response = ApiClient(Sandbox(SandboxConfig(era=era))).request("GET", f"/v3/downloads?{query}")
    assert (response.status, json.loads(response.body)) == (400, body)
    kind = "application/vnd.getty.error+json" if "ErrorCode" in body else "application/json"
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"


def test_unknown_parameters_are_ignored_unless_strict() -> None:
    lenient = ApiClient(Sandbox(SandboxConfig(strict=False)))
    assert lenient.request("GET", "/v3/downloads?pag=1").status == 200
    assert ApiClient(Sandbox()).request("GET", "/v3/downloads?sandbox_fault=delay%3D0").status == 200


# -- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("era", "status", "words"), [("2018", 403, PER_SECOND), ("2026", 429, TOO_MANY)])
def test_calls_per_second(era: Any, status: int, words: str) -> None:
    clock = Clock()
    app = Sandbox(SandboxConfig(era=era, calls_per_second=2), clock=clock)
    customer, other = ApiClient(app), ApiClient(app, APPLICATION, SEARCH_CLIENT)
    clock.now += 1  # token requests count as calls, too
    assert [customer.request("GET", "/v3/products").status for _ in range(4)] == [200, 200, status, status]
    refused = customer.request("GET", "/v3/products")
    assert (refused.headers["x-error-detail"], json.loads(refused.body)) == (PER_SECOND, {"message": words})
    assert "retry-after" not in refused.headers
    assert other.request("GET", "/v3/products").status == 200
    clock.now += 1
    assert customer.request("GET", "/v3/products").status == 200


@pytest.mark.parametrize(
    ("era", "status", "detail", "words"), [("2018", 403, PER_DAY, PER_DAY), ("2026", 429, None, TOO_MANY)]
)
def test_calls_per_day(era: Any, status: int, detail: str | None, words: str) -> None:
    clock = Clock()
    app = Sandbox(SandboxConfig(era=era, calls_per_day=2), clock=clock)
    caller = ApiClient(app, None)
    seen = []
    for _ in range(3):
        seen.append(caller.request("GET", "/v3/products").status)
        clock.now += 60
    assert seen == [401, 401, status]
    refused = caller.request("GET", "/v3/products")
    assert (refused.headers.get("x-error-detail"), json.loads(refused.body)) == (detail, {"message": words})
    clock.now += DAY
    assert caller.request("GET", "/v3/products").status == 401


def test_tokens_count_as_calls() -> None:
    clock = Clock()
    app = Sandbox(SandboxConfig(calls_per_second=2), clock=clock)
    form = f"grant_type=client_credentials&client_id={KEY}&client_secret={SECRET}".encode()
    anybody = ApiClient(app, None)
    assert [anybody.request("POST", "/oauth2/token", body=form).status for _ in range(3)] == [200, 200, 429]
    assert anybody.request("GET", "/v3/countries").status == 429
    clock.now += 1
    assert anybody.request("GET", "/v3/countries").status == 200


def test_limits_hold_for_concurrent_calls() -> None:
    app = Sandbox(SandboxConfig(calls_per_day=50), clock=Clock())
    caller, seen = ApiClient(app), []
    threads = [
        Thread(target=lambda: seen.extend(caller.request("GET", "/v3/products").status for _ in range(20)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200] * 49 + [429] * 51  # token requests count as calls, too


# -- operations ----------------------------------------------------------------------------------------

USERS_ONLY = [
    ("GET", "/v3/customers/current"),
    ("GET", "/v3/downloads"),
    ("GET", "/v3/images/74917285/downloadhistory"),
    ("GET", "/v3/boards"),
    ("POST", "/v3/boards"),
    ("GET", "/v3/boards/1"),
    ("PUT", "/v3/boards/1"),
    ("DELETE", "/v3/boards/1"),
    ("PUT", "/v3/boards/1/assets"),
    ("DELETE", "/v3/boards/1/assets"),
    ("PUT", "/v3/boards/1/assets/2"),
    ("DELETE", "/v3/boards/1/assets/2"),
    ("GET", "/v3/boards/1/comments"),
    ("POST", "/v3/boards/1/comments"),
    ("DELETE", "/v3/boards/1/comments/2"),
]


@pytest.mark.parametrize(("method", "path"), USERS_ONLY)
def test_operations_that_need_a_customers_token(method: str, path: str) -> None:
    app = Sandbox()
    missing = ApiClient(app, None).request(method, path)
    assert missing.status == 401
    assert missing.headers["www-authenticate"].endswith('error_description="The access token is missing"')
    for caller in (ApiClient(app, APPLICATION), ApiClient(app, APPLICATION, SEARCH_CLIENT)):
        response = caller.request(method, path)
        assert (response.status, json.loads(response.body)) == (403, NOT_YOURS)
    assert ApiClient(app).request(method, path).status in (200, 400, 404)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v3//products?", 200, None),
        ("GET", "/v3/products/", 200, None),
        ("GET", "/V3/products", 404, None),
        ("GET", "/v3/Products", 200, None),
        ("HEAD", "/v3/products", 200, None),
        ("POST", "/v3/products", 405, "GET"),
        ("DELETE", "/v3/downloads", 405, "GET"),
        ("PUT", "/v3/boards", 405, "GET, POST"),
        ("PATCH", "/v3/boards/1", 405, "GET, PUT, DELETE"),
        ("GET", "/v3/downloads/images/1", 405, "POST"),
        ("GET", "/v3//redirect?", 404, None),
        ("GET", "/v3/search/videos/creative", 404, None),
        ("GET", "/v3", 404, None),
        ("POST", "/oembed", 405, "GET, HEAD"),
        ("DELETE", "/id/74917285/photo/a.jpg", 405, "GET, HEAD"),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int, allow: str | None) -> None:
    response = ApiClient(Sandbox()).request(method, path)
    assert (response.status, response.headers.get("allow")) == (status, allow)
    if method == "HEAD":
        assert response.body == b""
        assert int(response.headers["content-length"]) > 100


def test_headers() -> None:
    headers = ApiClient(Sandbox()).request("GET", "/v3/products").headers
    assert headers["cache-control"] == "no-cache"
    assert headers["vary"] == ("Accept-Encoding, Authorization, Api-Key, Accept, GI-Country-Code, Accept-Language")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-max-age"] == "1728000"
    assert headers["content-type"] == "application/json; charset=utf-8"


def test_a_creative_search_is_cacheable_for_a_day() -> None:
    caller = ApiClient(Sandbox(), None)
    headers = caller.request("GET", "/v3/search/images/creative?phrase=lake").headers
    assert (headers["cache-control"], headers["age"]) == ("max-age=86400", "0")
    assert headers["x-cache"]
    assert caller.request("GET", "/v3/search/images/editorial?phrase=lake").headers["cache-control"] == "no-cache"
    assert caller.request("GET", "/v3/search/images/creative?page=a").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("era", ["2014", "2018"])
def test_classic_headers(era: Any) -> None:
    headers = ApiClient(Sandbox(SandboxConfig(era=era)), None).request("GET", "/v3/search/images/creative").headers
    assert headers["cache-control"] == "no-cache,no-cache"
    assert (headers["pragma"], headers["expires"]) == ("no-cache", "-1")
    assert headers["server"] == "Mashery Proxy"
    assert "vary" not in headers


def test_unknown_eras_are_rejected() -> None:
    with pytest.raises(ValueError, match="2014, 2018, 2026"):
        SandboxConfig(era="2016")  # type: ignore[arg-type]


def test_cors_preflight() -> None:
    app = Sandbox()
    response = send_request(app, "OPTIONS", "/v3/search/images", {"Origin": "https://cms.example"})
    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert {"api-key", "authorization"} < set(response.headers["access-control-allow-headers"].split(", "))
    assert send_request(app, "OPTIONS", "/oauth2/token").headers.keys() & {"access-control-allow-origin"} == set()
    silent = send_request(Sandbox(SandboxConfig(cors="")), "OPTIONS", "/v3/boards")
    assert [name for name in silent.headers if name.startswith("access-control")] == []


def test_calls_are_counted_by_service() -> None:
    app = Sandbox()
    caller = ApiClient(app)
    caller.request("GET", "/v3/products")
    caller.request("GET", "/v3//products")
    send_request(app, "POST", "/v4/oauth2/token")
    assert app.counts() == {"oauth2": 2, "v3": 2}


# -- faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", sorted(set(KINDS) - set(TIMED) - {"drop", "large", "mismatch", "hostile", "malformed"})
)
@pytest.mark.parametrize(
    ("route", "method", "path"), [("v3", "GET", "/v3/products"), ("oauth2", "POST", "/oauth2/token")]
)
def test_faults_affect_the_api(kind: str, route: str, method: str, path: str) -> None:
    app = Sandbox()
    caller = ApiClient(app)
    right = caller.request(method, path)
    app.faults.add(kind, route=route)
    struck = caller.request(method, path)
    if kind == "expired" and route == "oauth2":
        assert struck.body == right.body
        assert caller.request("GET", "/v3/products").status == 401
    else:
        assert (struck.status, struck.body) != (right.status, right.body)
    assert list(app.faults) == []


@pytest.mark.parametrize(
    ("kind", "options", "status", "body"),
    [
        ("unauthorized", {}, 401, b'{"message":"Unauthorized"}'),
        ("over-qps", {}, 403, b"<h1>Developer Over Qps</h1>"),
        ("throttle", {}, 403, b'{"message":"Account Over Queries Per Second Limit"}'),
        ("throttle", {"status": 429}, 429, b'{"message":"Too Many Requests"}'),
        ("quota", {}, 403, b'{"message":"Account Over Rate Limit"}'),
        ("quota", {"status": 429, "retry_after": "7"}, 429, b'{"message":"Too Many Requests"}'),
    ],
)
def test_bodies_of_faults(kind: str, options: dict[str, object], status: int, body: bytes) -> None:
    app = Sandbox()
    app.faults.add(kind, route="v3", **options)
    response = ApiClient(app).request("GET", "/v3/products")
    assert (response.status, response.body) == (status, body)
    assert response.headers.get("retry-after") == options.get("retry_after")


# -- access --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/v3/products", "/v3/boards", "/v3/images/1/downloadhistory", "/v3/nothing", "/oauth2/token"]
)
def test_in_process_and_over_a_socket_are_the_same(path: str) -> None:
    with SandboxServer() as server:
        headers = ApiClient(server.app).headers
        one, other = (
            in_process(server.app, server.url)(path, "GET", headers),
            over_http(server.url)(path, "GET", headers),
        )
        expected = {
            name: text for name, text in other.headers.items() if name not in ("server", "date", "connection")
        }
        assert (one.status, one.headers, one.body) == (other.status, expected, other.body)


def test_connections_stay_open_after_an_empty_response() -> None:
    with SandboxServer() as server:
        connection = HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=5)
        try:
            connection.request("OPTIONS", "/v3/boards")
            assert connection.getresponse().read() == b""
            kept = connection.sock
            assert kept is not None
            connection.request("GET", "/v3/boards")
            assert connection.getresponse().read()
            assert connection.sock is kept
        finally:
            connection.close()


def test_settings_hold_the_credentials() -> None:
    with SandboxServer() as server:
        settings = server.settings()
        assert (settings.api_key.reveal(), settings.api_secret.reveal()) == (KEY, SECRET)
        assert (settings.username, settings.password.reveal()) == (USER, PASSWORD)
        plain = server.settings(api_key=SEARCH_KEY, username="", password="")
        assert (plain.api_key.reveal(), plain.username, plain.password.reveal()) == (SEARCH_KEY, "", "")
        assert SECRET not in repr(settings)


def test_the_command_line_shows_the_credentials() -> None:
    from embedkit.cli.serve import _usage

    expected = _usage("http://127.0.0.1:8081")
    for word in (KEY, SECRET, USER, PASSWORD, SEARCH_KEY, "EMBEDKIT_API_BASE=http://127.0.0.1:8081"):
        assert word in expected


# -- the in-process transport --------------------------------------------------------------------------


class Kept:
    """A sink that stores the received data."""

    def __init__(self) -> None:
        self.total: int | None = -1
        self.body = b""

    def begin(self, total: int | None) -> None:
        self.total = total

    def write(self, piece: bytes) -> None:
        self.body += piece


DOWNLOAD = "https://api.gettyimages.com/v3/downloads/images/74917285"


def test_redirects_can_be_returned() -> None:
    app = Sandbox()
    headers = ApiClient(app).headers
    transport, request = SandboxTransport(app), Request(DOWNLOAD, "api", method="POST", headers=headers)
    answer = transport.send(replace(request, follow_redirects=False))
    assert (answer.status, answer.body) == (303, b"")
    sink = Kept()
    file = transport.send(Request(answer.headers["location"], "api", sink=sink))
    assert (file.status, file.body, sink.total) == (200, b"", len(sink.body))
    assert sink.body.startswith(b"\xff\xd8\xff")
    with pytest.raises(InvalidResponse):
        transport.send(request)  # a POST is not redirected


def test_redirects_are_followed_to_allowed_hosts_without_credentials() -> None:
    app = Sandbox()
    request = Request(
        "https://api.gettyimages.com/v3/products", "api", headers=ApiClient(app).headers, redirects=1
    )
    app.faults.add("redirect", route="v3", count=2)
    with pytest.raises(InvalidResponse):
        SandboxTransport(app).send(request)
    answer = SandboxTransport(app).send(replace(request, hosts=frozenset({"elsewhere.example"})))
    assert (answer.status, app.calls[-1].path) == (400, "/oembed")
    assert not {"api-key", "authorization"} & app.calls[-1].headers.keys()


def test_only_a_file_is_written_to_a_sink() -> None:
    app, sink = Sandbox(), Kept()
    transport = SandboxTransport(app)
    answer = transport.send(Request("https://delivery.gettyimages.com/xa/1.jpg", "api", sink=sink))
    assert (answer.status, sink.total, sink.body) == (403, -1, b"")
    assert answer.body
    where = transport.send(
        Request(DOWNLOAD, "api", method="POST", headers=ApiClient(app).headers, follow_redirects=False)
    )
    with pytest.raises(InvalidResponse):
        transport.send(Request(where.headers["location"], "api", sink=sink, max_bytes=1000))
    assert sink.body == b""
    app.faults.add("truncated", route="xa")
    with pytest.raises(Unavailable):
        transport.send(Request(where.headers["location"], "api", sink=sink))


def test_a_call_has_its_own_timeout() -> None:
    app = Sandbox()
    app.faults.add("delay", route="v3", seconds=0.2)
    request = Request("https://api.gettyimages.com/v3/products", "api", headers=ApiClient(app).headers)
    with pytest.raises(Unavailable):
        SandboxTransport(app).send(replace(request, timeout=0.1))
    assert SandboxTransport(app, timeout=0.1).send(replace(request, timeout=5)).status == 200
