"""Logging in with a browser: the query it returns with, and storing and renewing tokens."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from embedkit import (
    ConfigurationError,
    EmbedKit,
    EmbedKitError,
    InvalidToken,
    PermissionDenied,
    Settings,
    Unavailable,
)
from embedkit.api import login, oauth
from embedkit.api.login import LoginRequest, authorization_code, challenge, parse_metadata
from embedkit.api.oauth import Credentials, Token
from embedkit.api.session import Tokens
from embedkit.api.token_file import LoginFile
from embedkit.errors import InvalidResponse, RateLimited
from embedkit.messages import Request, Response
from embedkit.sandbox import SandboxTransport
from embedkit.settings import Secret
from tests.support.tools import Clock

STATE = Secret("state-1")
REQUEST = LoginRequest("https://getty.example/", "http://127.0.0.1:1/callback", STATE, Secret("verifier-1"))
ORIGINS = ("https://authentication.gettyimages.com", "https://api.gettyimages.com")
USUAL = "https://api.gettyimages.com/v4/oauth2/auth"


# -- the query of the browser ---------------------------------------------------------------------------


def test_a_challenge_is_the_example_of_its_specification() -> None:
    """RFC 7636 appendix B."""
    assert (
        challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_code_of_the_answer_to_our_own_request() -> None:
    assert authorization_code("code=c%2D1&state=state-1&iss=x", STATE) == Secret("c-1")
    assert REQUEST.is_answered_by("code=c%2D1&state=state-1&iss=x")


@pytest.mark.parametrize(
    ("query", "kind", "says"),
    [
        ("", InvalidToken, "another request"),
        ("code=c-1", InvalidToken, "another request"),
        ("code=c-1&state=", InvalidToken, "another request"),
        ("code=c-1&state=state-2", InvalidToken, "another request"),
        ("code=c-1&state=STATE-1", InvalidToken, "another request"),
        ("code=c-1&state=state-1%00", InvalidToken, "another request"),
        ("code=c-1&state=st%C3%A4te-1", InvalidToken, "another request"),
        ("code=c-1&state=state-2&state=state-1", InvalidToken, "another request"),
        ("code=c-1&code=c-2&state=state-1", InvalidToken, "another request"),
        ("error=access_denied&state=state-2", InvalidToken, "another request"),
        ("code=c-1&state=state-1" + "&a=1" * 50, InvalidToken, "another request"),
        ("state=state-1&code=" + "c" * 20_000, InvalidToken, "another request"),
        ("error=access_denied&state=state-1", PermissionDenied, "was denied"),
        ("code=c-1&error=access_denied&state=state-1", PermissionDenied, "was denied"),
        ("error=server_error&state=state-1", InvalidToken, r"did not log you in \(server_error\)"),
        ("error=%3Cscript%3E&state=state-1", InvalidToken, r"did not log you in\. Run"),
        ("state=state-1", InvalidToken, "did not log you in"),
        ("code=&state=state-1", InvalidToken, "did not log you in"),
        ("code=c%0D%0A1&state=state-1", InvalidToken, "did not log you in"),
        ("code=c+1&state=state-1", InvalidToken, "did not log you in"),
    ],
)
def test_anything_else_is_not_a_login(query: str, kind: type[EmbedKitError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        authorization_code(query, STATE)
    assert type(caught.value) is kind
    assert caught.value.exit_code == 2
    assert REQUEST.is_answered_by(query) is ("another request" not in says)


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({"authorization_endpoint": f"{ORIGINS[0]}/oauth2/auth"}, f"{ORIGINS[0]}/oauth2/auth"),
        ({"authorization_endpoint": f"{ORIGINS[1]}/v4/oauth2/auth?x=1"}, f"{ORIGINS[1]}/v4/oauth2/auth?x=1"),
        ({}, None),
        ({"authorization_endpoint": "https://evil.example/auth"}, None),
        ({"authorization_endpoint": "https://authentication.gettyimages.com.evil.example/auth"}, None),
        ({"authorization_endpoint": "https://authentication.gettyimages.com@evil.example/auth"}, None),
        ({"authorization_endpoint": "https://authentication.gettyimages.com:8443/auth"}, None),
        ({"authorization_endpoint": "file:///etc/passwd"}, None),
        ({"authorization_endpoint": "javascript:alert(1)"}, None),
        ({"authorization_endpoint": f"{ORIGINS[0]}/auth#x"}, None),
        ({"authorization_endpoint": USUAL, "grant_types_supported": ["client_credentials"]}, None),
        ({"authorization_endpoint": USUAL, "code_challenge_methods_supported": ["plain"]}, None),
        ({"authorization_endpoint": USUAL, "grant_types_supported": "authorization_code"}, None),
    ],
)
def test_the_page_to_log_in_is_on_an_origin_of_the_settings(fields: dict[str, Any], page: str | None) -> None:
    response = Response(200, {}, json.dumps(fields).encode())
    if page:
        assert parse_metadata(response, ORIGINS, USUAL) == page
        return
    with pytest.raises(InvalidResponse, match="does not support logging in"):
        parse_metadata(response, ORIGINS, USUAL)


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [(404, b"", USUAL), (410, b"{}", USUAL), (200, b"<html>", InvalidResponse), (503, b"", Unavailable),
     (302, b"", Unavailable), (429, b'{"message": "Account Over Queries Per Second Limit"}', RateLimited)],
)  # fmt: skip
def test_without_metadata_there_is_the_page_of_the_contract(status: int, body: bytes, found: Any) -> None:
    response = Response(status, {"content-type": "application/json"}, body)
    if isinstance(found, str):
        assert parse_metadata(response, ORIGINS, USUAL) == found
        return
    with pytest.raises(found):
        parse_metadata(response, ORIGINS, USUAL)


# -- a login, renewed and shared ------------------------------------------------------------------------


class Issuer:
    """A token endpoint that accepts each refresh token once, as recommended by RFC 9700 section 2.2.2."""

    def __init__(self, *, rotates: bool = True) -> None:
        self.asked: list[dict[str, str]] = []
        self.rotates = rotates
        self.good = "refresh-0"
        self.lock = threading.Lock()
        self.during: Callable[[], object] = bool

    def __call__(self, request: Request) -> Response:
        with self.lock:
            form = dict(parse_qsl((request.body or b"").decode()))
            self.asked.append(form)
            number = len(self.asked)
            self.during()
            if form["grant_type"] == "client_credentials":
                return self.answer({"access_token": f"application-{number}"})
            if form["refresh_token"] != self.good:
                return self.answer({"error": "invalid_grant"}, 400)
            if not self.rotates:
                return self.answer({"access_token": f"access-{number}"})
            self.good = f"refresh-{number}"
            return self.answer({"access_token": f"access-{number}", "refresh_token": self.good})

    @staticmethod
    def answer(fields: dict[str, str], status: int = 200) -> Response:
        body = json.dumps({"token_type": "Bearer", "expires_in": "1800", **fields}).encode()
        return Response(status, {"content-type": "application/json"}, body)


class Machine:
    """One folder and one issuer for several processes, with a wall clock and a monotonic clock."""

    def __init__(self, folder: Path, **issuer: Any) -> None:
        self.folder = folder
        self.wall, self.clock = Clock(), Clock(1000.0)
        self.issuer = Issuer(**issuer)

    def file(self, **rows: Any) -> LoginFile:
        return LoginFile(Credentials.of(Settings(**{"api_key": "key-1", **rows})), self.folder, self.wall)

    def log_in(self, id: str = "0" * 16, refresh: str = "refresh-0") -> None:
        self.issuer.good = refresh
        self.file().keep(Token(Secret("access-0"), 1800, Secret(refresh), login=id))

    def process(self, timeout: float = 5.0, **rows: Any) -> Tokens:
        credentials = Credentials.of(Settings(**{"api_key": "key-1", **rows}))
        file = LoginFile(credentials, self.folder, self.wall)
        return Tokens(credentials, self.issuer, timeout=timeout, clock=self.clock, login=file)

    def later(self, seconds: float) -> None:
        self.wall.ahead += seconds
        self.clock.ahead += seconds


@pytest.fixture(name="machine")
def fixture_machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "embedkit")


def path_of(machine: Machine) -> Path:
    (path,) = machine.folder.iterdir()
    return path


def test_a_login_has_priority_between_a_customer_in_the_settings_and_the_application(machine: Machine) -> None:
    application = {"api_secret": "secret-1"}
    customer = {**application, "username": "ada", "password": "word"}
    assert machine.process().caller() == (None, "")
    assert machine.process().current() is None
    machine.log_in()
    assert machine.process().caller() == ("login", "0" * 16)
    assert machine.process(**application).current() == Secret("access-0")
    assert machine.process(**customer).caller() == ("password", "")
    assert machine.process(api_key="key-2").caller() == (None, "")
    assert machine.process(token_url="https://api.gettyimages.com/oauth2/token").caller() == (None, "")
    assert machine.issuer.asked == []


def test_it_is_renewed_without_the_secret_of_the_application(machine: Machine) -> None:
    machine.log_in()
    machine.later(1799)
    assert machine.process(api_secret="secret-1").current() == Secret("access-1")
    assert machine.issuer.asked == [
        {"grant_type": "refresh_token", "client_id": "key-1", "refresh_token": "refresh-0"}
    ]
    assert machine.process().current() == Secret("access-1")


def test_an_unchanged_refresh_token_is_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "embedkit", rotates=False)
    machine.log_in()
    for number in (1, 2):
        machine.later(1800)
        assert machine.process().current() == Secret(f"access-{number}")


def test_processes_that_renew_at_once_lose_no_refresh_token(machine: Machine) -> None:
    machine.log_in()
    processes = [machine.process(timeout=60.0) for _ in range(8)]
    for number in (1, 2, 3):
        machine.later(1800)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda process: process.current(), processes))
        assert found == [Secret(f"access-{number}")] * 8
    assert [form["refresh_token"] for form in machine.issuer.asked] == ["refresh-0", "refresh-1", "refresh-2"]


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_without_the_lock_the_refresh_token_is_not_used(machine: Machine) -> None:
    machine.log_in()
    machine.later(1800)
    process, refused = (
        machine.process(timeout=0.02),
        pytest.raises(Unavailable, match="is still renewing the login"),
    )
    with machine.file().locked(5), refused:
        process.current()
    assert machine.issuer.asked == []


def test_a_refused_token_is_renewed_once(machine: Machine) -> None:
    machine.log_in()
    one, other = machine.process(), machine.process()
    assert one.current() == other.current() == Secret("access-0")
    assert one.newer(Secret("access-0")) == other.newer(Secret("access-0")) == Secret("access-1")
    assert len(machine.issuer.asked) == 1


def test_an_expired_login_is_an_error_until_the_next_one(machine: Machine) -> None:
    machine.log_in()
    machine.issuer.good = "revoked"
    machine.later(1800)
    process = machine.process()
    for _ in range(3):
        with pytest.raises(InvalidToken, match="Run embedkit login again"):
            process.current()
    assert len(machine.issuer.asked) == 1
    machine.log_in("1" * 16, "refresh-9")
    assert process.current() == Secret("access-0")


def test_a_process_notices_logins_and_logouts(machine: Machine) -> None:
    process = machine.process(api_secret="secret-1")
    assert process.current() == Secret("application-1")
    machine.log_in()
    assert process.current() == Secret("access-0")
    machine.file().keep(Token(Secret("access-of-another"), 1800, Secret("refresh-1"), login="1" * 16))
    assert process.current() == Secret("access-of-another")
    assert machine.file().remove()
    assert not machine.file().remove()
    assert process.current() == Secret("application-2")


def test_a_logout_during_a_renewal_is_final(machine: Machine) -> None:
    """The folder is locked: a logout waits for a renewal to finish, and deletes what it wrote."""
    machine.log_in()
    machine.later(1800)
    machine.issuer.during = lambda: logout.start()
    logout = threading.Thread(target=machine.file().remove)
    machine.process().current()
    logout.join(10)
    assert machine.file().read() is None


@pytest.mark.parametrize(
    "change",
    [
        *({"access": "two words"}, {"access": None}, {"seconds": 0}, {"seconds": 1e9}, {"seconds": "1800"}),
        *({"id": "x"}, {"id": None}, {"at": "x"}, {"at": None}),
    ],
    ids=str,
)
def test_a_damaged_file_is_not_a_login(machine: Machine, change: dict[str, Any]) -> None:
    machine.log_in()
    path = path_of(machine)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert machine.process().caller() == (None, "")
    for data in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        path.write_bytes(data)
        assert machine.process().caller() == (None, "")


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_the_file_is_its_owners_alone(machine: Machine, tmp_path: Path) -> None:
    machine.log_in()
    path, process = path_of(machine), machine.process()
    assert path.stat().st_mode & 0o777 == 0o600
    assert machine.folder.stat().st_mode & 0o777 == 0o700
    assert "key-1" not in path.name + path.read_text()
    assert process.caller()[0] == "login"
    path.chmod(0o640)
    assert process.caller()[0] is None
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert machine.process().caller()[0] is None


def test_a_clock_that_is_set_back_prolongs_nothing(machine: Machine) -> None:
    machine.log_in()
    machine.wall.ahead -= 3600
    assert machine.process().current() == Secret("access-1")


# -- begin and finish -----------------------------------------------------------------------------------


class Recorder:
    """A transport that responds from a list, and records requests."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answers.pop(0)


def browser_login(machine: Machine, transport: Recorder, **rows: Any) -> login.BrowserLogin:
    from embedkit.api.client import Api

    settings = Settings(**{"api_key": "key-1", "cache": "memory:", **rows})
    return Api(settings, transport=lambda: transport, clock=machine.wall, token_folder=machine.folder).login


def test_the_requests_of_a_login(machine: Machine) -> None:
    token = Issuer.answer({"access_token": "access-1", "refresh_token": "refresh-1"})
    transport = Recorder(Response(404), token)
    flow = browser_login(machine, transport, api_secret="secret-1")
    request = flow.begin("http://127.0.0.1:1/callback")
    asked = {name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()}
    assert request.url.startswith(f"{USUAL}?response_type=code&")
    assert asked["client_id"] == "key-1"
    assert asked["redirect_uri"] == "http://127.0.0.1:1/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] == challenge(request.verifier.reveal())
    assert len(asked["state"]) == len(request.verifier.reveal()) == 43
    assert request.verifier.reveal() not in request.url + repr(request)
    assert request.state.reveal() not in repr(request)
    flow.finish(request, f"code=c-1&state={asked['state']}")
    metadata, exchange = transport.sent
    assert metadata.url == f"{ORIGINS[0]}/.well-known/oauth-authorization-server"
    assert exchange.url == f"{ORIGINS[0]}/oauth2/token"
    assert dict(parse_qsl((exchange.body or b"").decode())) == {
        "grant_type": "authorization_code",
        "client_id": "key-1",
        "code": "c-1",
        "redirect_uri": "http://127.0.0.1:1/callback",
        "code_verifier": request.verifier.reveal(),
    }
    for sent in transport.sent:
        assert (sent.redirects, {"Api-Key", "Authorization"} & {*sent.headers}) == (0, set())
    assert machine.process().current() == Secret("access-1")
    assert flow.end()
    assert not flow.end()


def test_each_login_has_a_state_and_a_verifier_of_its_own(machine: Machine) -> None:
    flow = browser_login(machine, Recorder(Response(404), Response(404)))
    one, other = flow.begin("http://127.0.0.1:1/"), flow.begin("http://127.0.0.1:1/")
    assert one.state != other.state
    assert one.verifier != other.verifier
    with pytest.raises(InvalidToken, match="another request"):
        flow.finish(one, f"code=c-1&state={other.state.reveal()}")


def test_a_refused_code_keeps_the_previous_login(machine: Machine) -> None:
    machine.log_in()
    refused = Issuer.answer({"error": "invalid_grant"}, 400)
    flow = browser_login(machine, Recorder(Response(404), refused))
    request = flow.begin("http://127.0.0.1:1/")
    with pytest.raises(InvalidToken, match="Try embedkit login again") as caught:
        flow.finish(request, f"code=canary-code&state={request.state.reveal()}")
    assert "canary-code" not in f"{caught.value} {vars(caught.value)}"
    assert machine.process().current() == Secret("access-0")


def test_tokens_that_cannot_be_stored_are_an_error(machine: Machine) -> None:
    token = Issuer.answer({"access_token": "access-1"})
    flow = browser_login(machine, Recorder(Response(404), token))
    request = flow.begin("http://127.0.0.1:1/")
    machine.folder.write_text("in the way")
    with pytest.raises(ConfigurationError, match="tokens can't be stored"):
        flow.finish(request, f"code=c-1&state={request.state.reveal()}")
    with pytest.raises(ConfigurationError, match="EMBEDKIT_API_KEY"):
        browser_login(machine, Recorder(), api_key="").begin("http://127.0.0.1:1/")
    with pytest.raises(ConfigurationError, match="custom transport"):
        EmbedKit(Settings(api_key="key-1", cache="memory:"), transport=SandboxTransport()).api.login.begin("x")


def test_the_secret_of_the_application_goes_with_its_own_grants() -> None:
    credentials = Credentials.of(Settings(api_key="key-1", api_secret="secret-1"))
    assert b"client_secret" in (oauth.request("client_credentials", credentials).body or b"")
    assert b"client_secret" not in (oauth.request("authorization_code", credentials, public=True).body or b"")
