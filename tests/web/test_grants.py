"""Access to search: tokens, the grants created with them, the host's login, and their limits."""

from __future__ import annotations

import logging
import os
import string
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from embedkit import ConfigurationError
from embedkit.settings import Secret
from embedkit.web.auth import GRANT_LIFETIME_S, Grants, authorize
from embedkit.web.context import AppContext
from embedkit.web.errors import Refused
from embedkit.web.rate_limit import RateLimiter
from embedkit.web.routes import Access
from tests.support.web import (
    ADMIN,
    ANY,
    EXAMPLE,
    KEYS,
    SEARCH,
    TOKEN,
    TOKEN_2,
    World,
    bearer,
    settings,
    world,
)

HOUR = 3600
NEW, OLD = "n" * 40, "o" * 40
READING = [SEARCH, f"/v1/images/{EXAMPLE}", "/v1/countries", "/v1/events", "/v1/boards"]


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(tokens=f"{TOKEN},{TOKEN_2}", admin_token=ADMIN, **KEYS)


@pytest.fixture(name="clock")
def fixture_clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(1_700_000_000.25, tick=False) as moved:
        yield moved


def grants(**rows: object) -> Grants:
    return Grants(settings(tokens=TOKEN, **rows), host=False)


def mint(client: FlaskClient, token: str = TOKEN) -> str:
    answer = client.post("/v1/grants", headers=bearer(token))
    assert answer.status_code == 201
    return str(answer.json["grant"])


def ask(client: FlaskClient, credential: str = "", path: str = SEARCH, **said: Any) -> TestResponse:
    return client.get(path, headers=bearer(credential) if credential else {}, **said)


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


# -- creating one ----------------------------------------------------------------------------------------


def test_a_token_creates_a_grant() -> None:
    client = world(tokens=TOKEN).client
    answer = client.post("/v1/grants", headers=bearer(TOKEN))
    assert answer.status_code == 201
    assert set(answer.json) == {"grant", "expires_in"}
    assert answer.json["expires_in"] == GRANT_LIFETIME_S == 28_800
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert TOKEN not in answer.text
    assert set(answer.json["grant"]) <= {
        *string.ascii_letters,
        *string.digits,
        *"-_.",
    }  # fits in a URL's fragment
    assert mint(client) != mint(client)


@pytest.mark.parametrize("token", ["", "wrong", f"{TOKEN}x", TOKEN[:-1], TOKEN.upper(), ADMIN, "é" * 40])
def test_nothing_else_creates_a_grant(token: str) -> None:
    client = world(tokens=TOKEN, admin_token=ADMIN).client
    answer = client.post("/v1/grants", headers=bearer(token))
    assert code(answer) == ((403, "forbidden") if token else (401, "token-required"))
    assert TOKEN not in answer.text
    assert "grant" not in answer.json


@pytest.mark.parametrize("header", [f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ", f"Token {TOKEN}"])
def test_only_bearer_credentials_are_accepted(header: str) -> None:
    answer = world(tokens=TOKEN).client.post("/v1/grants", headers={"Authorization": header})
    assert code(answer) == (401, "token-required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_in_the_url_is_ignored() -> None:
    client = world(tokens=TOKEN, **KEYS).client
    assert code(client.post(f"/v1/grants?access_token={TOKEN}&token={TOKEN}")) == (401, "token-required")
    assert code(client.get(f"{SEARCH}&access_token={TOKEN}&grant={mint(client)}")) == (401, "token-required")


def test_the_route_is_off_without_tokens() -> None:
    for access in ("open", "token"):
        answer = world(search_access=access).client.post("/v1/grants", headers=bearer(TOKEN))
        assert code(answer) == (404, "no-route")


def test_each_token_creates_its_own_grants() -> None:
    client = world(tokens=f"{TOKEN},{TOKEN_2}", **KEYS).client
    for token in (TOKEN, TOKEN_2):
        assert ask(client, mint(client, token)).status_code == 200


# -- validity -----------------------------------------------------------------------------------


def test_a_grant_is_valid_for_eight_hours(clock: time_machine.Traveller) -> None:
    made = grants()
    grant = Secret(made.make(Secret(TOKEN)))
    assert made.status(grant) == "good"
    clock.shift(GRANT_LIFETIME_S - 1)
    assert made.status(grant) == "good"
    clock.shift(2)
    assert made.status(grant) == "expired"


def test_clocks_can_differ_by_a_minute(clock: time_machine.Traveller) -> None:
    grant = Secret(grants().make(Secret(TOKEN)))
    clock.shift(-30)
    assert grants().status(grant) == "good"
    clock.shift(-HOUR)
    assert grants().status(grant) == "expired"


def test_secrets_can_be_rotated() -> None:
    before, during, after = grants(secret=OLD), grants(secret=f"{NEW},{OLD}"), grants(secret=NEW)
    old, new = Secret(before.make(Secret(TOKEN))), Secret(during.make(Secret(TOKEN)))
    assert [one.status(old) for one in (before, during, after)] == ["good", "good", "unknown"]
    assert [one.status(new) for one in (before, during, after)] == ["unknown", "good", "good"]


def test_a_grant_ends_with_the_token_that_created_it() -> None:
    both = Grants(settings(tokens=f"{TOKEN},{TOKEN_2}"), host=False)
    grant = Secret(both.make(Secret(TOKEN_2)))
    assert both.status(grant) == "good"
    assert grants().status(grant) == "unknown"
    assert Grants(settings(tokens=TOKEN_2), host=False).status(grant) == "good"
    assert Grants(settings(tokens=TOKEN_2), host=True).status(grant) == "unknown"


def test_a_changed_character_invalidates_a_grant() -> None:
    made = grants()
    grant = made.make(Secret(TOKEN))
    for place in range(len(grant)):
        other = "A" if grant[place] != "A" else "B"
        forged = f"{grant[:place]}{other}{grant[place + 1 :]}"
        if place == len(grant) - 1:  # its last two bits are padding
            continue
        assert made.status(Secret(forged)) == "unknown", place
        assert made.status(Secret(grant[:place])) == "unknown", place


@pytest.mark.parametrize(
    "given", ["", ".", "..", ".a.b", "a.b.c", "é.b.c", "\x00", "." * 5_000, "A" * 50_000, TOKEN]
)
def test_malformed_grants_are_unknown(given: str) -> None:
    assert grants().status(Secret(given)) == "unknown"


def test_a_grant_reveals_neither_token_nor_secret() -> None:
    made = grants(secret=NEW)
    grant = made.make(Secret(TOKEN))
    for canary in (TOKEN, NEW):
        assert canary not in f"{grant}{made!r}{vars(made)!r}"


def test_grants_outlive_a_process_with_a_memory_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, other = (Grants(settings(tokens=TOKEN, secret=""), host=False) for _ in range(2))
    assert other.status(Secret(one.make(Secret(TOKEN)))) == "good"


@pytest.mark.skipif(os.name == "nt", reason="rights of folders")
def test_startup_without_a_place_for_a_secret_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(ConfigurationError, match="Set EMBEDKIT_SECRET"):
        world(tokens=TOKEN, secret="")
    assert (
        world(secret="").client.get("/healthz").status_code == 200
    )  # a service that creates no grants needs none


# -- access -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READING)
def test_search_requires_a_credential(web: World, path: str) -> None:
    answer = ask(web.client, path=path)
    assert code(answer) == (401, "token-required")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="embedkit"'
    assert "Authorization: Bearer" in answer.json["detail"]
    for wrong in ("wrong", ADMIN, f"{TOKEN} ", f"{TOKEN}x"[1:], "a.b.c"):
        assert wrong.strip() == TOKEN or code(ask(web.client, wrong, path)) == (403, "forbidden")
    head = web.client.head(path)
    assert (head.status_code, head.data) == (401, b"")


@pytest.mark.parametrize("path", READING)
def test_tokens_and_grants_can_search(web: World, path: str) -> None:
    for credential in (TOKEN, TOKEN_2, mint(web.client)):
        answer = ask(web.client, credential, path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert TOKEN not in answer.text
        assert web.client.head(path, headers=bearer(credential)).status_code == 200


def test_a_service_without_tokens_names_the_setting() -> None:
    answer = ask(world(**KEYS).client)
    assert code(answer) == (401, "token-required")
    assert "EMBEDKIT_TOKENS" in answer.json["detail"]
    assert "EMBEDKIT_SEARCH_ACCESS" in answer.json["detail"]


def test_search_can_be_open() -> None:
    client = world(search_access="open", **KEYS).client
    assert [ask(client, path=path).status_code for path in READING] == [200] * len(READING)
    assert ask(client, "whatever").status_code == 200


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize("access", ["open", "token"])
def test_only_search_requires_a_key(path: str, access: str) -> None:
    client = world(search_access=access, tokens=TOKEN).client
    for credential in ("", TOKEN):
        answer = ask(client, credential, path)
        assert code(answer) == (503, "not-configured")
        assert "EMBEDKIT_API_KEY" in answer.json["detail"]
        assert "oEmbed" in answer.json["detail"]
    assert client.get(f"/v1/embeds/{ANY}").status_code == 200
    assert mint(client)


def test_a_frozen_service_does_not_search(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"version": 1, "embeds": []}')
    answer = ask(world(frozen=True, lockfile=str(tmp_path / "lock"), tokens=TOKEN, **KEYS).client, TOKEN)
    assert code(answer) == (503, "not-configured")
    assert "FROZEN" in answer.json["detail"]


def test_a_grant_is_read_only(web: World) -> None:
    grant = mint(web.client)
    web.kit.resolve(ANY)
    assert code(web.client.delete(f"/v1/embeds/{ANY}", headers=bearer(grant))) == (403, "forbidden")
    assert code(web.client.post("/v1/grants", headers=bearer(grant))) == (403, "forbidden")


def test_tokens_cannot_purge_and_the_admin_token_cannot_search(web: World) -> None:
    web.kit.resolve(ANY)
    assert code(web.client.delete(f"/v1/embeds/{ANY}", headers=bearer(TOKEN))) == (403, "forbidden")
    assert code(ask(web.client, ADMIN)) == (403, "forbidden")
    assert code(web.client.post("/v1/grants", headers=bearer(ADMIN))) == (403, "forbidden")


def test_an_expired_grant_gets_advice(clock: time_machine.Traveller) -> None:
    client = world(tokens=TOKEN, **KEYS).client
    grant = mint(client)
    assert ask(client, grant, "/v1/countries").status_code == 200
    clock.shift(GRANT_LIFETIME_S + 1)
    answer = ask(client, grant, "/v1/countries")
    assert code(answer) == (401, "token-required")
    assert "POST /v1/grants" in answer.json["detail"]
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert code(ask(client, f"{grant}x", "/v1/countries")) == (403, "forbidden")


def test_rotating_the_secret_keeps_grants() -> None:
    before, during, after = (world(tokens=TOKEN, secret=one, **KEYS) for one in (OLD, f"{NEW},{OLD}", NEW))
    grant = mint(before.client)
    answers = [ask(one.client, grant, "/v1/countries") for one in (before, during, after)]
    assert [one.status_code for one in answers] == [200, 200, 403]


# -- the host's own login ------------------------------------------------------------------------------


def test_the_hosts_login_replaces_tokens_for_search_and_grants() -> None:
    asked = []

    def login(action: str) -> bool:
        asked.append(action)
        return flask.request.headers.get("X-User") == "editor"

    client = world(login, tokens=TOKEN, **KEYS).client
    for path in READING:
        assert code(ask(client, TOKEN, path)) == (403, "forbidden")
        assert client.get(path, headers={"X-User": "editor"}).status_code == 200
    assert code(client.post("/v1/grants", headers=bearer(TOKEN))) == (403, "forbidden")
    made = client.post("/v1/grants", headers={"X-User": "editor"})
    assert made.status_code == 201
    assert asked == ["search"] * 2 * len(READING) + ["grant"] * 2
    assert ask(client, made.json["grant"]).status_code == 200  # from a browser without a login
    assert asked[2 * len(READING) + 2 :] == []


def test_the_hosts_login_can_allow_only_search() -> None:
    client = world(lambda action: action == "search", **KEYS).client
    assert ask(client).status_code == 200
    assert code(client.post("/v1/grants")) == (403, "forbidden")
    assert code(client.delete(f"/v1/embeds/{ANY}")) == (403, "forbidden")


def test_the_hosts_login_overrides_open_search() -> None:
    assert code(ask(world(lambda _: False, search_access="open", **KEYS).client)) == (403, "forbidden")


def test_an_expired_grant_with_the_hosts_login(clock: time_machine.Traveller) -> None:
    client = world(lambda action: "X-User" in flask.request.headers, **KEYS).client
    grant = client.post("/v1/grants", headers={"X-User": "1"}).json["grant"]
    clock.shift(GRANT_LIFETIME_S + 1)
    assert code(ask(client, grant, "/v1/countries")) == (401, "token-required")
    again = client.get("/v1/countries", headers={**bearer(grant), "X-User": "1"})
    assert again.status_code == 200


# -- rate limits -----------------------------------------------------------------------------------------


def test_a_token_has_one_rate_limit_for_all_addresses() -> None:
    client = world(tokens=f"{TOKEN},{TOKEN_2}", rate_limit="3/hour", **KEYS).client

    def at(place: int, credential: str) -> TestResponse:
        return ask(client, credential, "/v1/countries", environ_base={"REMOTE_ADDR": f"192.0.2.{place}"})

    answers = [at(place, TOKEN) for place in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    last = answers[-1]
    assert last.json["code"] == "throttled"
    assert "this token or grant" in last.json["detail"]
    assert 0 < int(last.headers["Retry-After"]) <= HOUR
    assert at(5, TOKEN_2).status_code == 200
    assert at(6, "wrong").status_code == 403


def test_each_grant_has_its_own_rate_limit() -> None:
    client = world(tokens=TOKEN, rate_limit="2/hour", **KEYS).client

    def at(place: int, method: str, path: str, credential: str) -> TestResponse:
        place_ = {"REMOTE_ADDR": f"192.0.2.{place}"}
        return client.open(path, method=method, headers=bearer(credential), environ_base=place_)

    grants = [at(1, "POST", "/v1/grants", TOKEN).json["grant"] for _ in range(2)]
    assert at(2, "POST", "/v1/grants", TOKEN).status_code == 429
    for grant in grants:
        assert [at(10 + n, "GET", "/v1/countries", grant).status_code for n in range(3)] == [200, 200, 429]


def test_guesses_are_counted_by_ip_address() -> None:
    client = world(tokens=TOKEN, rate_limit="3/hour", **KEYS).client
    answers = [ask(client, f"guess-{n}", "/v1/countries").status_code for n in range(5)]
    assert answers == [403, 403, 403, 429, 429]
    assert ask(client, TOKEN, "/v1/countries").status_code == 429


def test_a_preflight_is_free_and_needs_no_credential() -> None:
    client = world(tokens=TOKEN, rate_limit="1/hour", **KEYS).client
    assert [client.options("/v1/search").status_code for _ in range(3)] == [200] * 3
    assert ask(client, TOKEN, "/v1/countries").status_code == 200


def test_rate_limit_keys_contain_no_token() -> None:
    limiter = RateLimiter(settings(rate_limit="2/hour"))
    for _ in range(2):
        limiter.hit_credential(Secret(TOKEN))
    assert not limiter.hit_credential(Secret(TOKEN)).allowed
    assert limiter.hit("192.0.2.1").allowed
    kept = repr(vars(limiter._own))
    assert "credential" in kept
    assert TOKEN not in kept


# -- secrecy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", ["search", "grant", "purge"])
@pytest.mark.parametrize("given", ["a wrong CANARY", "a grant"])
def test_a_rejection_reveals_no_credential_even_in_its_variables(access: Access, given: str, web: World) -> None:
    service = AppContext(web.kit, web.kit.settings)
    shown = f"{service.grants.make(Secret(TOKEN))}CANARY" if given == "a grant" else given
    with web.app.test_request_context(SEARCH, headers=bearer(shown)):
        with pytest.raises(Refused) as caught:
            authorize(service, access)
        error = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    error.stack[:] = [frame for frame in error.stack if "/tests/" not in frame.filename]
    assert error.stack
    assert caught.value.code == "forbidden"
    for secret in ("CANARY", TOKEN, TOKEN_2, ADMIN, "s" * 40, *KEYS.values()):
        assert secret not in "".join(error.format())


def test_no_credential_is_logged(web: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        grant = mint(web.client)
        for credential in (TOKEN, grant, ADMIN, f"{grant}x"):
            for path in (*READING, "/v1/grants"):
                ask(web.client, credential, path)
                web.client.post(path, headers=bearer(credential))
    for secret in (TOKEN, grant, ADMIN, *KEYS.values()):
        assert secret not in caplog.text
