"""OAuth2: requests, responses, and one token for all threads."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedkit import ConfigurationError, EmbedKitError, Settings
from embedkit.api import oauth
from embedkit.api.oauth import DEFAULT_LIFETIME_S, MAX_LIFETIME_S, Credentials, Token
from embedkit.api.session import REFUSAL_RETRY_S, REFUSALS_WINDOW_S, RENEWAL_RETRY_S, RETRY_S, Tokens
from embedkit.api.token_file import TokenFile
from embedkit.errors import (
    InvalidKey,
    InvalidResponse,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from embedkit.messages import Request, Response
from embedkit.sandbox import SandboxServer
from embedkit.settings import Secret
from tests.support.cache import ROOT
from tests.support.tools import Clock

KEY = {"api_key": "key-1"}
APPLICATION = {**KEY, "api_secret": "secret-1 &=%ü"}
CUSTOMER = {**APPLICATION, "username": "ada@example.org", "password": "pass word+1"}


def answer(access: str = "access-1", status: int = 200, **more: Any) -> Response:
    said = {"access_token": access, "token_type": "Bearer", "expires_in": "1800", **more}
    body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    return Response(status, {"content-type": "application/json"}, body)


def form(request: Request) -> dict[str, str]:
    assert request.body is not None
    return {name: value for name, (value,) in parse_qs(request.body.decode(), strict_parsing=True).items()}


# -- grants and their requests -------------------------------------------------------------------------


def credentials(**rows: Any) -> Credentials:
    return Credentials.of(Settings(**rows))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({}, None),
        (KEY, None),
        (APPLICATION, "client_credentials"),
        (CUSTOMER, "password"),
        ({**CUSTOMER, "password": ""}, "client_credentials"),
        ({**CUSTOMER, "username": ""}, "client_credentials"),
    ],
)
def test_the_settings_determine_the_grant(rows: dict[str, str], expected: str | None) -> None:
    assert credentials(**rows).grant() == expected


def test_a_customer_requires_an_application() -> None:
    with pytest.raises(ConfigurationError, match="API_SECRET"):
        credentials(**{**CUSTOMER, "api_secret": ""}).grant()


@pytest.mark.parametrize(
    ("how", "more"),
    [
        ("client_credentials", {}),
        ("password", {"username": "ada@example.org", "password": "pass word+1"}),
        ("refresh_token", {"refresh_token": "refresh-1"}),
    ],
)
def test_the_fields_of_a_request(how: oauth.Grant, more: dict[str, str]) -> None:
    refresh = Secret("refresh-1") if how == "refresh_token" else None
    request = oauth.request(how, credentials(**CUSTOMER), refresh)
    assert form(request) == {"grant_type": how, "client_id": "key-1", "client_secret": "secret-1 &=%ü", **more}
    assert (request.method, request.endpoint, request.redirects) == ("POST", "token", 0)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.max_bytes == 64 * 1024
    assert request.params == ()
    assert not {"api-key", "authorization"} & {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    "url",
    [
        "https://authentication.gettyimages.com/oauth2/token",
        "https://api.gettyimages.com/oauth2/token",
        "https://connect.gettyimages.com/oauth2/token",
        "https://api.gettyimages.com/v4/oauth2/token",
    ],
)
def test_all_addresses_in_print_can_be_set(url: str) -> None:
    assert oauth.request("client_credentials", credentials(**APPLICATION, token_url=url)).url == url


def test_a_password_with_invalid_utf8_is_sent() -> None:
    """Python decodes an invalid UTF-8 byte in the environment to a lone surrogate."""
    request = oauth.request("password", credentials(**{**CUSTOMER, "password": "a\udcffb"}))
    assert form(request)["password"] == "a?b"


# -- responses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        ("1800", 1800),
        (1800, 1800),
        (None, DEFAULT_LIFETIME_S),
        (0, DEFAULT_LIFETIME_S),
        ("0", DEFAULT_LIFETIME_S),
        (-1, DEFAULT_LIFETIME_S),
        ("-1", DEFAULT_LIFETIME_S),
        ("x", DEFAULT_LIFETIME_S),
        ("", DEFAULT_LIFETIME_S),
        (True, DEFAULT_LIFETIME_S),
        (1.5, DEFAULT_LIFETIME_S),
        ([1800], DEFAULT_LIFETIME_S),
        ("1e9", DEFAULT_LIFETIME_S),
        (10**9, MAX_LIFETIME_S),
        ("9" * 40, DEFAULT_LIFETIME_S),
    ],
)
def test_how_long_a_token_lives(expires: object, seconds: int) -> None:
    assert oauth.parse(answer(expires_in=expires), "password").seconds == seconds


def test_a_missing_type_is_bearer_and_a_refresh_token_is_kept() -> None:
    found = oauth.parse(answer(token_type=None, refresh_token="refresh-1"), "password")
    assert found == Token(Secret("access-1"), 1800, Secret("refresh-1"))
    assert "access-1" not in repr(found)
    assert "refresh-1" not in repr(found)
    assert oauth.parse(answer(token_type="bearer", refresh_token="no good"), "password").refresh is None


UNUSABLE = [
    b"",
    b"<html>",
    b"null",
    b"[]",
    b'"access-1"',
    b"{}",
    b'{"access_token": null}',
    b'{"access_token": 5}',
    b'{"access_token": ""}',
    b'{"access_token": "two words"}',
    b'{"access_token": "line\\r\\nX: y"}',
    b'{"access_token": "t\\u00fc"}',
    b'{"access_token": "a", "access_token": "b"}',
    b'{"access_token": "a", "token_type": "mac"}',
    b'{"access_token": "a", "token_type": null}',
    b'{"access_token": "a"',
    b'{"access_token": "' + b"a" * 9000 + b'"}',
    b"[" * 100_000,
    b'{"expires_in": ' + b"9" * 5000 + b"}",
    b'{"access_token": "a", "expires_in": NaN}',
]


@pytest.mark.parametrize("body", UNUSABLE, ids=range(len(UNUSABLE)))
def test_an_answer_without_a_token(body: bytes) -> None:
    with pytest.raises(InvalidResponse, match="TOKEN_URL"):
        oauth.parse(Response(200, body=body), "client_credentials")


@given(st.binary(max_size=300) | st.dictionaries(st.text(), st.text() | st.integers() | st.none()).map(
    lambda said: json.dumps({"access_token": "a", **said}).encode()))  # fmt: skip
def test_any_answer_is_a_token_or_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(InvalidResponse):
        found = oauth.parse(Response(200, body=body), "password")
        assert 0 < found.seconds <= MAX_LIFETIME_S
        assert found.access.reveal().isprintable()


GENERAL = "Check EMBEDKIT_API_KEY, EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
REFUSALS: list[tuple[int, bytes, type[ProviderError], str]] = [
    (400, b'{"error": "invalid_grant"}', Unauthorized, "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."),
    (401, b'{"error": "invalid_client"}', InvalidKey, "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET."),
    (400, b'{"error": "invalid_request", "error_description": "x"}', Unauthorized, GENERAL),
    (401, b"", Unauthorized, GENERAL),
    (403, b'{"message": "Forbidden"}', Unauthorized, GENERAL),
    (403, b'{"message": "Account Inactive"}', InvalidKey, "Check EMBEDKIT_API_KEY."),
    (403, b"<h1>Developer Inactive</h1>", InvalidKey, "Check EMBEDKIT_API_KEY."),
    (403, b"<h1>Developer Over Qps</h1>", RateLimited, ""),
    (429, b"", RateLimited, ""),
    (403, b'{"message": "Account Over Rate Limit"}', QuotaExhausted, ""),
    (403, b"<html>Access Denied Reference #18.5</html>", Unavailable, ""),
    (403, b"<html>no</html>", Unavailable, ""),
    (408, b"", Unavailable, ""),
    (500, b"", Unavailable, ""),
    (503, b"<html>", Unavailable, ""),
    (404, b"{}", InvalidResponse, "TOKEN_URL"),
    (405, b"", InvalidResponse, "TOKEN_URL"),
    (204, b"", InvalidResponse, "TOKEN_URL"),
]


@pytest.mark.parametrize(("status", "body", "kind", "hint"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_refusal_names_the_setting(status: int, body: bytes, kind: type[ProviderError], hint: str) -> None:
    with pytest.raises(ProviderError) as caught:
        oauth.parse(Response(status, body=body), "password")
    assert type(caught.value) is kind
    assert hint in str(caught.value)


def test_an_application_has_no_password_to_check() -> None:
    with pytest.raises(Unauthorized) as caught:
        oauth.parse(Response(400, body=b'{"error": "invalid_grant"}'), "client_credentials")
    assert caught.value.hint == "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET."


# -- one token for all ---------------------------------------------------------------------------------


class Endpoint:
    """A token endpoint as a function: it numbers its tokens or returns a set response, and can be blocked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.seconds: list[float | None] = []
        self.refresh = True
        self.wrong: dict[str, Response | Exception] = {}  # by grant
        self.open = threading.Event()
        self.open.set()
        self.busy = threading.Event()

    def __call__(self, request: Request) -> Response:
        said = form(request)
        self.asked.append(said)
        self.seconds.append(request.timeout)
        number = len(self.asked)
        self.busy.set()
        assert self.open.wait(10)
        outcome = self.wrong.get(said["grant_type"]) or self.wrong.get("*")
        if isinstance(outcome, Exception):
            raise outcome
        refresh = f"refresh-{number}" if self.refresh and said["grant_type"] == "password" else None
        return outcome or answer(f"access-{number}", refresh_token=refresh)

    @property
    def grants(self) -> list[str]:
        return [said["grant_type"] for said in self.asked]


class Harness:
    def __init__(self, rows: dict[str, str] = APPLICATION) -> None:
        self.endpoint, self.clock = Endpoint(), Clock(1000.0)
        self.tokens = Tokens(credentials(**rows), self.endpoint, timeout=5.0, clock=self.clock)

    def current(self, end: float | None = None) -> str:
        found = self.tokens.current(self.clock.now + 5 if end is None else end)
        assert found is not None
        return found.reveal()

    def newer(self, refused: str) -> str | None:
        found = self.tokens.newer(Secret(refused), self.clock.now + 5)
        return found and found.reveal()

    def many(self, act: Callable[[], object], threads: int = 50) -> list[object]:
        """Return the outcome of each of many concurrent threads; the endpoint responds once all have started."""
        outcomes: list[object] = []
        gate = threading.Barrier(threads + 1)

        def one() -> None:
            gate.wait(10)
            try:
                outcomes.append(act())
            except EmbedKitError as error:
                outcomes.append(error)

        running = [threading.Thread(target=one) for _ in range(threads)]
        for thread in running:
            thread.start()
        gate.wait(10)
        time.sleep(0.1)
        self.endpoint.open.set()
        for thread in running:
            thread.join(10)
        return outcomes


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_the_key_alone_gets_no_token() -> None:
    harness = Harness(KEY)
    assert harness.tokens.current() is None
    assert harness.tokens.newer(Secret("x")) is None
    assert harness.endpoint.asked == []


def test_a_token_is_got_once_and_renewed_at_four_fifths_of_its_life(harness: Harness) -> None:
    assert [harness.current() for _ in range(3)] == ["access-1"] * 3
    harness.clock.now += 0.8 * 1800 - 1
    assert harness.current() == "access-1"
    harness.clock.now += 1
    assert harness.current() == "access-2"
    assert harness.endpoint.grants == ["client_credentials"] * 2


def test_a_tokens_lifetime_starts_with_the_request(harness: Harness) -> None:
    def slow(request: Request) -> Response:
        harness.clock.now += 100
        return answer(f"access-{harness.clock.now}", expires_in=200)

    harness.tokens = Tokens(credentials(**APPLICATION), slow, timeout=5.0, clock=harness.clock)
    first = harness.current()
    harness.clock.now += 59
    assert harness.current() == first
    harness.clock.now += 1
    assert harness.current() != first


def test_threads_without_a_token_wait_for_one_of_them(harness: Harness) -> None:
    harness.endpoint.open.clear()
    assert harness.many(harness.current) == ["access-1"] * 50
    assert len(harness.endpoint.asked) == 1


def test_an_error_is_shared_with_late_callers(harness: Harness) -> None:
    harness.endpoint.wrong["*"] = Unavailable("down", retry_after=3)
    harness.endpoint.open.clear()
    outcomes = [*harness.many(harness.current), *harness.many(harness.current)]
    assert {(type(error), str(error), getattr(error, "retry_after", 0)) for error in outcomes} == {
        (Unavailable, "down", 3)
    }
    assert len(harness.endpoint.asked) == 1
    assert len({id(error) for error in outcomes}) == 100
    assert all(len(traceback.extract_tb(error.__traceback__)) < 16 for error in outcomes)  # type: ignore[attr-defined]
    harness.clock.now += RETRY_S
    harness.endpoint.wrong.clear()
    assert harness.current() == "access-2"


def test_expired_all_wait_again(harness: Harness) -> None:
    harness.current()
    harness.clock.now += 1800
    harness.endpoint.open.clear()
    assert harness.many(harness.current) == ["access-2"] * 50


def test_one_thread_renews_while_the_others_go_on(harness: Harness) -> None:
    harness.current()
    harness.clock.now += 1500
    harness.endpoint.busy.clear()
    harness.endpoint.open.clear()
    renewed: list[str] = []
    renewer = threading.Thread(target=lambda: renewed.append(harness.current()))
    renewer.start()
    assert harness.endpoint.busy.wait(5)
    began = time.monotonic()
    assert [harness.current() for _ in range(50)] == ["access-1"] * 50
    assert time.monotonic() - began < 2
    harness.endpoint.open.set()
    renewer.join(5)
    assert renewed == ["access-2"]
    assert harness.current() == "access-2"
    assert len(harness.endpoint.asked) == 2


def test_a_caller_with_an_expired_token_joins_the_renewal(harness: Harness) -> None:
    harness.current()
    harness.clock.now += 1500
    harness.endpoint.busy.clear()
    harness.endpoint.open.clear()
    renewer = threading.Thread(target=harness.current)
    renewer.start()
    assert harness.endpoint.busy.wait(5)
    harness.clock.now += 300
    assert harness.many(harness.current, 10) == ["access-2"] * 10
    renewer.join(5)
    assert len(harness.endpoint.asked) == 2


@pytest.mark.parametrize("wrong", [Unavailable("down"), Response(500), Response(200, body=b"<html>")])
def test_a_renewal_that_fails_leaves_the_old_token_until_it_expires(harness: Harness, wrong: Any) -> None:
    harness.current()
    harness.endpoint.wrong["*"] = wrong
    harness.clock.now += 1500
    assert [harness.current() for _ in range(20)] == ["access-1"] * 20
    assert len(harness.endpoint.asked) == 2  # not for every call
    harness.clock.now += RENEWAL_RETRY_S - 1
    assert harness.current() == "access-1"
    assert len(harness.endpoint.asked) == 2
    harness.clock.now += 1
    assert harness.current() == "access-1"
    assert len(harness.endpoint.asked) == 3
    harness.clock.now = 1000.0 + 1800
    with pytest.raises(ProviderError):
        harness.current()
    harness.endpoint.wrong.clear()
    harness.clock.now += RETRY_S
    assert harness.current() == "access-5"


def test_a_renewal_leaves_time_for_the_call(harness: Harness) -> None:
    harness.current()
    harness.clock.now += 1500
    harness.current(end=harness.clock.now + 5)
    harness.clock.now += 1500
    harness.current(end=float("inf"))
    assert harness.endpoint.seconds == [5.0, 2.5, None]


def test_wrong_credentials_are_not_tried_again_by_every_call(harness: Harness) -> None:
    harness.endpoint.wrong["*"] = Response(401, body=b'{"error": "invalid_client"}')
    for _ in range(3):
        with pytest.raises(Unauthorized, match="API_SECRET"):
            harness.current()
    harness.clock.now += REFUSAL_RETRY_S - 1
    with pytest.raises(Unauthorized):
        harness.current()
    assert len(harness.endpoint.asked) == 1
    harness.clock.now += 1
    harness.endpoint.wrong.clear()
    assert harness.current() == "access-2"


def test_waiting_too_long_is_an_error(harness: Harness) -> None:
    harness.endpoint.open.clear()
    leader = threading.Thread(target=harness.current)
    leader.start()
    assert harness.endpoint.busy.wait(5)
    with pytest.raises(Unavailable) as caught:
        harness.current(end=harness.clock.now + 0.05)
    assert caught.value.retry_after == RETRY_S
    harness.endpoint.open.set()
    leader.join(5)


def test_an_interrupted_renewal_is_taken_over(harness: Harness) -> None:
    harness.current()
    harness.clock.now += 1500

    def interrupted(_: Request) -> Response:
        raise KeyboardInterrupt

    harness.tokens.send = interrupted
    with pytest.raises(KeyboardInterrupt):
        harness.current()
    harness.tokens.send = harness.endpoint
    assert harness.current() == "access-2"


# -- a token that is refused ---------------------------------------------------------------------------


def test_all_who_were_refused_get_one_new_token(harness: Harness) -> None:
    harness.current()
    harness.endpoint.open.clear()
    assert harness.many(lambda: harness.newer("access-1")) == ["access-2"] * 50
    assert harness.current() == "access-2"
    assert len(harness.endpoint.asked) == 2


def test_a_late_caller_uses_the_new_token(harness: Harness) -> None:
    harness.current()
    assert harness.newer("access-1") == "access-2"
    assert harness.newer("access-1") == "access-2"
    assert len(harness.endpoint.asked) == 2


def test_a_refused_token_is_not_used_again(harness: Harness) -> None:
    harness.current()
    harness.endpoint.busy.clear()
    harness.endpoint.open.clear()
    refused = threading.Thread(target=lambda: harness.newer("access-1"))
    refused.start()
    assert harness.endpoint.busy.wait(5)
    assert harness.many(harness.current, 5) == ["access-2"] * 5
    refused.join(5)


def test_a_new_token_that_cannot_be_had_is_an_error_for_all(harness: Harness) -> None:
    harness.current()
    harness.endpoint.wrong["*"] = Unavailable("down")
    harness.endpoint.open.clear()
    assert {str(error) for error in harness.many(lambda: harness.newer("access-1"))} == {"down"}
    assert len(harness.endpoint.asked) == 2


def test_if_every_token_is_refused_no_more_are_requested(harness: Harness) -> None:
    token: str | None = harness.current()
    for number in (2, 3, 4):
        token = harness.newer(token or "")
        assert token == f"access-{number}"
    assert harness.newer("access-4") is None
    assert harness.current() == "access-4"
    assert len(harness.endpoint.asked) == 4
    harness.clock.now += REFUSALS_WINDOW_S
    assert harness.newer("access-4") == "access-5"


def test_a_token_from_a_call_that_began_before_is_not_taken_for_a_new_one(harness: Harness) -> None:
    """One thread's token is refused just before another, which waited for it, receives the same token."""
    harness.current()
    handed, both = threading.Event(), threading.Event()
    once = harness.tokens._flight.run

    def late(key: str, work: Callable[[], object], wait: float) -> object:
        def held_up() -> object:
            found = work()
            if not handed.is_set():
                handed.set()
                both.wait(5)
            return found

        return once(key, held_up, wait)

    harness.tokens._flight.run = late  # type: ignore[method-assign]
    reader = threading.Thread(
        target=lambda: harness.tokens._obtain(None, ("client_credentials", ""), harness.clock.now + 5)
    )
    reader.start()
    assert handed.wait(5)
    found: list[str | None] = []
    refused = threading.Thread(target=lambda: found.append(harness.newer("access-1")))
    refused.start()
    time.sleep(0.05)
    both.set()
    reader.join(5)
    refused.join(5)
    assert found == ["access-2"]


# -- a customer's token --------------------------------------------------------------------------------


def test_the_password_is_sent_once_and_then_the_refresh_token() -> None:
    harness = Harness(CUSTOMER)
    harness.current()
    harness.clock.now += 1500
    assert harness.current() == "access-2"
    harness.clock.now += 1500
    assert harness.current() == "access-3"
    assert harness.endpoint.grants == ["password", "refresh_token", "refresh_token"]
    assert [said.get("refresh_token") for said in harness.endpoint.asked] == [None, "refresh-1", "refresh-1"]
    assert [said.get("password") for said in harness.endpoint.asked] == ["pass word+1", None, None]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_refresh_token_makes_way_for_the_password(status: int) -> None:
    harness = Harness(CUSTOMER)
    harness.current()
    harness.endpoint.wrong["refresh_token"] = Response(status, body=b'{"error": "invalid_grant"}')
    assert harness.newer("access-1") == "access-3"
    assert harness.endpoint.grants == ["password", "refresh_token", "password"]
    harness.clock.now += 1500
    harness.endpoint.wrong.clear()
    harness.current()
    assert harness.endpoint.asked[-1]["refresh_token"] == "refresh-3"


def test_an_outage_is_not_a_refusal() -> None:
    harness = Harness(CUSTOMER)
    harness.current()
    harness.endpoint.wrong["refresh_token"] = Response(503)
    with pytest.raises(Unavailable):
        harness.newer("access-1")
    assert harness.endpoint.grants == ["password", "refresh_token"]
    harness.endpoint.wrong.clear()
    harness.clock.now += RETRY_S
    assert harness.current() == "access-3"
    assert harness.endpoint.grants[-1] == "refresh_token"


def test_without_a_refresh_token_the_password_is_used() -> None:
    harness = Harness(CUSTOMER)
    harness.endpoint.refresh = False
    harness.current()
    harness.clock.now += 1500
    harness.current()
    assert harness.endpoint.grants == ["password", "password"]


def test_nothing_that_is_kept_can_be_read() -> None:
    harness = Harness(CUSTOMER)
    harness.current()
    held = repr([vars(harness.tokens), harness.tokens._held])
    assert "***" in held
    assert not [word for word in ("access-1", "refresh-1", "secret-1", "pass word") if word in held]


# -- forks ---------------------------------------------------------------------------------------------

FORKED = """
import os, threading
from embedkit import Settings
from embedkit.api.oauth import Credentials
from embedkit.api.session import Tokens
from embedkit.messages import Response

now, calls, busy, stuck = [0.0], [], threading.Event(), threading.Event()

def send(request):
    calls.append(os.getpid())
    if len(calls) == 2 and os.getpid() == parent:
        busy.set()
        stuck.wait(10)
    return Response(200, body=b'{"access_token": "access-%d", "expires_in": 100}' % len(calls))

parent = os.getpid()
credentials = Credentials.of(Settings(api_key="k", api_secret="s"))
tokens = Tokens(credentials, send, timeout=5.0, clock=lambda: now[0])
assert tokens.current(5).reveal() == "access-1"
now[0] = 90.0
renewer = threading.Thread(target=tokens.current, args=(95,))
renewer.start()
busy.wait(5)
if not (child := os.fork()):
    found = tokens.current(95).reveal()  # no thread is renewing here, so this one can
    os._exit(0 if found == "access-3" and tokens.current(95).reveal() == "access-3" else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
stuck.set()
renewer.join()
assert tokens.current(95).reveal() == "access-2"
print("fine" if code == 0 else code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_in_the_midst_of_a_renewal() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert (ran.stdout, ran.stderr) == ("fine\n", "")


# -- shared by processes -------------------------------------------------------------------------------


class Machine:
    """One token endpoint, one folder, a wall clock, and monotonic clocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wall = Clock()
        self.issued = 0

    def process(self, **rows: str) -> Tokens:
        shared = TokenFile(credentials(**{**APPLICATION, **rows}), self.folder, self.wall)
        return Tokens(credentials(**{**APPLICATION, **rows}), self._send, timeout=5.0, shared=shared)

    def _send(self, request: Request) -> Response:
        self.issued += 1
        return answer(f"access-{self.issued}")


@pytest.fixture(name="machine")
def fixture_machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "embedkit")


def files(machine: Machine) -> list[Path]:
    return [path for path in machine.folder.iterdir() if path.name.startswith("token-")]


def test_processes_share_one_token(machine: Machine) -> None:
    found = [machine.process().current() for _ in range(3)]
    assert found == [Secret("access-1")] * 3
    assert machine.issued == 1
    (path,) = files(machine)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "key-1" not in path.name + path.read_text()
    assert "secret-1" not in path.name + path.read_text()


def test_a_refused_token_is_renewed_once_by_all(machine: Machine) -> None:
    processes = [machine.process() for _ in range(5)]
    assert {one.current() for one in processes} == {Secret("access-1")}
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda one: one.newer(Secret("access-1")), processes))
    assert found == [Secret("access-2")] * 5
    assert machine.issued == 2
    assert machine.process().current() == Secret("access-2")


def test_other_credentials_have_a_token_of_their_own(machine: Machine) -> None:
    assert machine.process().current() == Secret("access-1")
    for number, rows in enumerate(
        ({"api_key": "key-2"}, {"api_secret": "s2"}, {"username": "ada", "password": "x"},
         {"username": "ada", "password": "y"}, {"token_url": "https://api.gettyimages.com/oauth2/token"}),
        start=2,
    ):  # fmt: skip
        assert machine.process(**rows).current() == Secret(f"access-{number}")
    assert machine.process().current() == Secret("access-1")


@pytest.mark.parametrize("ahead", [1799, 1500, -3600])
def test_a_token_that_is_old_or_from_the_future_is_not_shared(machine: Machine, ahead: float) -> None:
    machine.process().current()
    machine.wall.ahead += ahead
    assert machine.process().current() == Secret("access-2")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"access": "a"}', b"[" * 100_000,
        b'{"access": "two words", "seconds": 1800, "at": 1800000000}',
        b'{"access": "a", "seconds": 1e999, "at": 1800000000}',
        b'{"access": "a", "seconds": 1800, "at": NaN}',
        b'{"access": "a", "seconds": 9999999, "at": 1800000000}',
        b'{"access": 5, "seconds": 1800, "at": "x"}',
    ],
    ids=range(12),
)  # fmt: skip
def test_a_broken_file_is_replaced(machine: Machine, data: bytes) -> None:
    machine.process().current()
    (path,) = files(machine)
    path.write_bytes(data)
    assert machine.process().current() == Secret("access-2")
    assert machine.process().current() == Secret("access-2")


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_file_that_is_not_private_or_not_a_file_is_ignored(machine: Machine, tmp_path: Path) -> None:
    machine.process().current()
    (path,) = files(machine)
    path.chmod(0o644)
    assert machine.process().current() == Secret("access-2")
    assert path.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    path.rename(other)
    path.symlink_to(other)
    assert machine.process().current() == Secret("access-3")
    assert not path.is_symlink()
    path.unlink()
    path.mkdir()
    assert machine.process().current() == Secret("access-4")  # it continues without the file


def test_without_a_folder_each_process_requests_its_own_token(machine: Machine) -> None:
    machine.folder.write_text("in the way")
    assert [machine.process().current() for _ in range(2)] == [Secret("access-1"), Secret("access-2")]


def test_three_searches_of_three_processes_cost_one_token(tmp_path: Path, searchable: None) -> None:
    """Like commands, one after another, within a token's lifetime."""
    with SandboxServer() as server:
        settings = server.settings()
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(tmp_path),
            "EMBEDKIT_API_KEY": settings.api_key.reveal(),
            "EMBEDKIT_API_SECRET": settings.api_secret.reveal(),
            "EMBEDKIT_API_BASE": settings.api_base,
            "EMBEDKIT_TOKEN_URL": settings.token_url,
            "EMBEDKIT_IMAGE_ORIGINS": ",".join(settings.image_origins),
            "EMBEDKIT_TIMEOUT": "60",
        }
        for phrase in ("harbour", "night", "boat"):
            command = [sys.executable, "-m", "embedkit", "search", phrase]
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        assert server.app.counts() == {"oauth2": 1, "v3": 3}
