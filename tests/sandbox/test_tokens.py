"""The sandbox's token endpoint, and the validity of its tokens."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import html5lib
import pytest

from embedkit.messages import Request, Response
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxTransport
from embedkit.sandbox.services import auth
from embedkit.sandbox.services.auth import KEY, PASSWORD, SECRET, USER
from tests.support.api import (
    APPLICATION,
    CLIENT,
    CUSTOMER,
    SEARCH_CLIENT,
    ApiClient,
    request_token,
    send_request,
)
from tests.support.sandbox import in_process
from tests.support.tools import Clock

YEAR = 365 * 86_400
EXPIRED = 'Bearer realm="Download",error="invalid_token",error_description="The access token expired"'


@pytest.mark.parametrize(
    "url",
    [
        "https://authentication.gettyimages.com/oauth2/token",
        "https://api.gettyimages.com/oauth2/token",
        "https://connect.gettyimages.com/oauth2/token",
        "https://api.gettyimages.com/v4/oauth2/token",
        "http://127.0.0.1:8081/oauth2/token/",
    ],
)
def test_all_paths_of_the_endpoint(url: str) -> None:
    app = Sandbox()
    body = f"client_id={KEY}&client_secret={SECRET}&grant_type=client_credentials".encode()
    response = SandboxTransport(app).send(Request(url, "token", method="POST", body=body))
    found = json.loads(response.body)
    assert list(found) == ["access_token", "token_type", "expires_in"]
    assert (found["token_type"], found["expires_in"]) == ("Bearer", "1800")
    assert app.count("oauth2") == 1


@pytest.mark.parametrize(
    ("grant", "client", "keys"),
    [
        (APPLICATION, CLIENT, {"access_token", "token_type", "expires_in"}),
        (APPLICATION, SEARCH_CLIENT, {"access_token", "token_type", "expires_in"}),
        (CUSTOMER, CLIENT, {"access_token", "token_type", "expires_in", "refresh_token"}),
    ],
)
def test_grants(grant: dict[str, str], client: dict[str, str], keys: set[str]) -> None:
    app = Sandbox()
    first, second = (request_token(app, **grant, **client) for _ in range(2))
    assert first.status == 200
    assert json.loads(first.body).keys() == keys
    assert json.loads(first.body)["access_token"] != json.loads(second.body)["access_token"]
    assert (first.headers["cache-control"], first.headers["pragma"]) == ("no-store", "no-cache")
    assert not any(name.startswith("access-control") for name in first.headers)


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, 400, "invalid_request"),
        ({"client_id": KEY, "client_secret": SECRET}, 400, "invalid_request"),
        ({**APPLICATION, "client_id": "nobody", "client_secret": SECRET}, 401, "invalid_client"),
        ({**APPLICATION, **CLIENT, "client_secret": "wrong"}, 401, "invalid_client"),
        ({**APPLICATION, **CLIENT, "client_secret": SEARCH_CLIENT["client_secret"]}, 401, "invalid_client"),
        ({**CUSTOMER, **CLIENT, "password": "wrong"}, 400, "invalid_grant"),
        ({**CUSTOMER, **CLIENT, "username": "somebody"}, 400, "invalid_grant"),
        ({**CLIENT, "grant_type": "password"}, 400, "invalid_grant"),
        ({**CUSTOMER, **SEARCH_CLIENT}, 400, "invalid_grant"),
        ({**CLIENT, "grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({**CLIENT, "grant_type": "refresh_token", "refresh_token": "wrong"}, 400, "invalid_grant"),
        ({**CLIENT, "grant_type": "authorization_code"}, 400, "invalid_request"),
        ({**CLIENT, "grant_type": ""}, 400, "unsupported_grant_type"),
    ],
)
def test_refusals(fields: dict[str, str], status: int, error: str) -> None:
    response = request_token(Sandbox(), **fields)
    assert (response.status, json.loads(response.body)["error"]) == (status, error)
    assert not {SECRET, PASSWORD, "wrong"} & set(response.body.decode().replace('"', " ").split())


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/oauth2/token", 405),
        ("PUT", "/v4/oauth2/token", 405),
        ("GET", "/oauth2/auth?response_type=token", 400),
        ("POST", "/v4/oauth2/auth", 400),
        ("POST", "/oauth2/nothing", 404),
        ("POST", "/v4/oauth2/", 404),
        ("POST", "/v4/nothing", 405),
    ],
)
def test_other_methods_and_paths(method: str, url: str, status: int) -> None:
    assert send_request(Sandbox(), method, url).status == status


def test_secrets_in_the_query_are_ignored() -> None:
    url = f"/oauth2/token?grant_type=client_credentials&client_id={KEY}&client_secret={SECRET}"
    assert send_request(Sandbox(), "POST", url).status == 400


@pytest.mark.parametrize(
    ("form", "lifetime"),
    [
        ("text", {"expires_in": "60"}),
        ("number", {"expires_in": 60}),
        ("missing", {}),
        ("junk", {"expires_in": "soon"}),
    ],
)
def test_every_form_of_expires_in(form: str, lifetime: dict[str, object]) -> None:
    app = Sandbox(SandboxConfig(token_seconds=60, expires_in=form))
    found = json.loads(request_token(app, **APPLICATION, **CLIENT).body)
    assert {name: found[name] for name in found if name == "expires_in"} == lifetime


@pytest.mark.parametrize("path", ["/v3/boards", "/v3/products"])
def test_tokens_expire(path: str) -> None:
    clock = Clock()
    caller = ApiClient(Sandbox(clock=clock))
    clock.now += 1799
    assert caller.request("GET", path).status == 200
    clock.now += 1
    response = caller.request("GET", path)
    assert (response.status, response.headers["www-authenticate"]) == (401, EXPIRED)


def _by_method(app: Sandbox) -> None:
    app.expire_tokens()


def _by_fault(app: Sandbox) -> None:
    app.faults.add("expired", route="v3")


def _by_switch(app: Sandbox) -> None:
    assert in_process(app)("/_sandbox/tokens", "DELETE").status == 200


@pytest.mark.parametrize("expire", [_by_method, _by_fault, _by_switch])
def test_all_tokens_can_be_expired(expire: Callable[[Sandbox], None]) -> None:
    app = Sandbox()
    callers = [ApiClient(app), ApiClient(app, APPLICATION), ApiClient(app, APPLICATION, SEARCH_CLIENT)]
    assert [caller.request("GET", "/v3/products").status for caller in callers] == [200] * 3
    expire(app)
    assert [caller.request("GET", "/v3/products").status for caller in callers] == [401] * 3
    assert ApiClient(app).request("GET", "/v3/products").status == 200


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Bearer", "bearer \xe9"])
def test_unknown_tokens(header: str) -> None:
    caller = ApiClient(Sandbox(), None)
    caller.headers["Authorization"] = header
    response = caller.request("GET", "/v3/boards")
    assert response.status == 401
    assert response.headers["www-authenticate"].endswith('error_description="The access token is invalid"')


def test_a_token_is_bound_to_its_key() -> None:
    app = Sandbox()
    caller = ApiClient(app)
    caller.headers["Api-Key"] = SEARCH_CLIENT["client_id"]
    assert caller.request("GET", "/v3/products").status == 401


def test_refresh_tokens_last_a_year() -> None:
    clock = Clock()
    app = Sandbox(clock=clock)
    caller = ApiClient(app)
    renewal = {"grant_type": "refresh_token", "refresh_token": caller.grant["refresh_token"]}
    assert request_token(app, **renewal, **SEARCH_CLIENT).status == 400
    app.expire_tokens()
    clock.now += YEAR - 1
    renewed = json.loads(request_token(app, **renewal, **CLIENT).body)
    assert renewed.keys() == {"access_token", "token_type", "expires_in"}
    caller.headers["Authorization"] = f"Bearer {renewed['access_token']}"
    assert caller.get("/v3/customers/current")["first_name"]
    clock.now += 1
    assert request_token(app, **renewal, **CLIENT).status == 400


def test_the_number_of_tokens_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MAX_TOKENS", 3)
    app = Sandbox()
    callers = [ApiClient(app, APPLICATION) for _ in range(4)]
    assert [caller.request("GET", "/v3/products").status for caller in callers] == [401, 200, 200, 200]


def test_tokens_are_issued_concurrently() -> None:
    app = Sandbox()
    issued: list[str] = []

    def work() -> None:
        for _ in range(20):
            caller = ApiClient(app, CUSTOMER)
            assert caller.request("GET", "/v3/customers/current").status == 200
            issued.append(caller.grant["access_token"])

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(issued)) == 120
    assert app.counts() == {"oauth2": 120, "v3": 120}


def test_credentials_are_not_in_reprs() -> None:
    app = Sandbox()
    ApiClient(app).get("/v3/products")
    shown = repr(list(app.calls))
    assert USER not in shown
    assert not [secret for secret in (SECRET, PASSWORD, KEY, "Bearer") if secret in shown]


# -- logging in: authorization code with PKCE -----------------------------------------------------------

BACK = "http://127.0.0.1:49152/callback"
VERIFIER = "a" * 50
ASKED = {
    "response_type": "code",
    "client_id": KEY,
    "redirect_uri": BACK,
    "state": "as & is",
    "code_challenge": auth.challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}
REDEEMED = {"grant_type": "authorization_code", "client_id": KEY, "redirect_uri": BACK, "code_verifier": VERIFIER}


def log_in(app: Sandbox, form: dict[str, str] | None = None, **changed: str) -> Response:
    """Submit the login page's form."""
    query = urlencode(ASKED | changed)
    filled = {"username": USER, "password": PASSWORD} if form is None else form
    return send_request(app, "POST", f"/v4/oauth2/auth?{query}", body=urlencode(filled).encode())


def sent_back(response: Response) -> dict[str, str]:
    assert response.status == 302, response.body
    assert response.headers["location"].startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def test_the_example_in_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert auth.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_metadata_document() -> None:
    app = Sandbox()
    response = send_request(app, "GET", "/.well-known/oauth-authorization-server")
    assert response.status == 200
    found = json.loads(response.body)
    assert found["grant_types_supported"] == ["client_credentials", "authorization_code", "refresh_token"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert send_request(app, "POST", found["token_endpoint"]).status == 400
    assert send_request(app, "GET", f"{found['authorization_endpoint']}?{urlencode(ASKED)}").status == 200
    assert send_request(app, "GET", "/.well-known/openid-configuration").status == 404
    assert (
        send_request(Sandbox(SandboxConfig(era="2018")), "GET", "/.well-known/oauth-authorization-server").status
        == 404
    )


def test_a_customer_logs_in() -> None:
    app = Sandbox()
    page = send_request(app, "GET", f"/oauth2/auth?{urlencode(ASKED)}")
    html5lib.HTMLParser(strict=True).parse(page.body.decode())
    assert f'value="{USER}"'.encode() in page.body
    answer = sent_back(log_in(app))
    assert answer["state"] == "as & is"
    tokens = json.loads(request_token(app, **REDEEMED, code=answer["code"]).body)
    headers = {"Api-Key": KEY, "Authorization": f"Bearer {tokens['access_token']}"}
    assert send_request(app, "GET", "/v3/customers/current", headers).status == 200
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert request_token(app, **renewal, client_id=KEY).status == 200
    assert request_token(app, **renewal, client_id=SEARCH_CLIENT["client_id"]).status == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "b" * 50}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:49153/callback"}, "invalid_grant"),
        ({"client_id": SEARCH_CLIENT["client_id"]}, "invalid_grant"),
        ({"client_secret": SECRET}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
    ],
)
def test_invalid_redemptions_of_a_code(changed: dict[str, str], error: str) -> None:
    app = Sandbox()
    code = sent_back(log_in(app))["code"]
    response = request_token(app, **{**REDEEMED, "code": code, **changed})
    assert (response.status, json.loads(response.body)["error"]) == (400, error)


def test_a_code_is_valid_once_and_for_ten_minutes(clock: Clock) -> None:
    app = Sandbox(clock=clock)
    for seconds, statuses in ((599, [200, 400]), (600, [400, 400])):
        code = sent_back(log_in(app))["code"]
        clock.now += seconds
        assert [request_token(app, **REDEEMED, code=code).status for _ in range(2)] == statuses


@pytest.mark.parametrize(
    ("form", "changed", "error"),
    [
        ({"deny": "1"}, {}, "access_denied"),
        ({"username": USER, "password": "wrong"}, {}, "access_denied"),
        (None, {"response_type": "token"}, "unsupported_response_type"),
        (None, {"code_challenge_method": "plain"}, "invalid_request"),
        (None, {"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_errors_are_passed_to_the_application(form: Any, changed: dict[str, str], error: str) -> None:
    assert sent_back(log_in(Sandbox(), form, **changed)) == {"error": error, "state": "as & is"}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "http://127.0.0.1@evil.example/"},
        {"redirect_uri": "http://[::1/"},
        {"redirect_uri": ""},
    ],
)
def test_no_redirects_to_other_machines(changed: dict[str, str]) -> None:
    response = log_in(Sandbox(), **changed)
    assert (response.status, json.loads(response.body)["error"]) == (400, "invalid_request")
    assert "location" not in response.headers


def test_http_basic_authentication() -> None:
    encoded = b64encode(f"{KEY}:{SECRET}".encode()).decode()
    body = urlencode(APPLICATION).encode()
    for scheme, status in (("Basic", 200), ("basic", 200), ("Bearer", 400)):
        assert (
            send_request(Sandbox(), "POST", "/oauth2/token", {"Authorization": f"{scheme} {encoded}"}, body).status
            == status
        )
    assert send_request(Sandbox(), "POST", "/oauth2/token", {"Authorization": "Basic junk!"}, body).status == 400


def test_without_the_password_grant() -> None:
    app = Sandbox(SandboxConfig(password_grant=False))
    response = request_token(app, **CUSTOMER, **CLIENT)
    assert (response.status, json.loads(response.body)["error"]) == (400, "unsupported_grant_type")
    assert request_token(app, **APPLICATION, **CLIENT).status == 200
