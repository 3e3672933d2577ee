"""Attacks on search: each test is a way to bypass a rule that has been closed."""

from __future__ import annotations

import http.client
import string
from typing import Any
from unittest.mock import Mock

import pytest

from embedkit import ConfigurationError, UnsupportedReference
from embedkit.api import boards, encoding, images
from embedkit.api.requests import ApiSettings
from embedkit.messages import Response
from embedkit.sandbox import SandboxServer
from embedkit.settings import Secret
from embedkit.web.auth import Grants
from embedkit.web.errors import Refused
from embedkit.web.rate_limit import RateLimit, allow
from tests.support.web import (
    EXAMPLE,
    KEYS,
    SEARCH,
    TOKEN,
    World,
    bearer,
    settings,
    world,
)

LIMIT = 5
API = ApiSettings.of(settings(**KEYS))
PICKER = "/picker?q=eclipse"
UNSEEN = ["\ufeff", "\u200e \u202e", "\x07", " \x01\t"]


def limited() -> World:
    return world(tokens=TOKEN, rate_limit=f"{LIMIT}/minute", **KEYS)


def mint(web: World) -> str:
    return str(web.client.post("/v1/grants", headers=bearer(TOKEN)).json["grant"])


def from_everywhere(web: World, path: str, headers: dict[str, str]) -> list[int]:
    """Send twice as many requests as a credential allows, each from a different address."""
    return [
        web.client.get(path, headers=headers, environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}).status_code
        for n in range(2 * LIMIT)
    ]


# -- the quota of the key ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["grant in the address", "grant", "token"])
def test_the_picker_page_counts_against_the_credentials_rate_limit(way: str) -> None:
    web = limited()
    credential = TOKEN if way == "token" else mint(web)
    path = f"{PICKER}&grant={credential}" if way == "grant in the address" else PICKER
    headers = {} if way == "grant in the address" else bearer(credential)
    assert from_everywhere(web, path, headers) == [200] * LIMIT + [429] * LIMIT
    assert web.client.get(SEARCH, headers=bearer(credential)).status_code == 429  # one limit for both


def test_the_picker_reports_the_tighter_limit() -> None:
    web = limited()
    path = f"{PICKER}&grant={mint(web)}"
    from_everywhere(web, path, {})
    answer = web.client.get(path, environ_base={"REMOTE_ADDR": "10.9.9.9"})
    assert (answer.status_code, answer.mimetype) == (429, "text/html")
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert int(answer.headers["Retry-After"]) > 0


def spellings(grant: str) -> list[str]:
    """Return other spellings that a lenient base64 decoder accepts as the same signature."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = letters.index(grant[-1])
    same = [grant[:-1] + letters[last ^ bits] for bits in (1, 2, 3)]
    return [*same, f"{grant}=", f"{grant}==", f"{grant[:-3]}!{grant[-3:]}", f"{grant[:-3]}={grant[-3:]}"]


def test_a_grant_has_one_spelling() -> None:
    """Each spelling has its own rate limit; if a grant had several, it would have no limit."""
    web = limited()
    grant = mint(web)
    for said in spellings(grant):
        answer = web.client.get(SEARCH, headers=bearer(said), environ_base={"REMOTE_ADDR": f"10.1.0.{len(said)}"})
        assert answer.status_code in (403, 429), said
    assert (
        web.client.get(SEARCH, headers=bearer(grant), environ_base={"REMOTE_ADDR": "10.2.0.1"}).status_code == 200
    )


def test_every_new_grant_has_the_canonical_spelling() -> None:
    made = Grants(settings(tokens=TOKEN), host=False)
    assert all(made.status(Secret(made.make(Secret(TOKEN)))) == "good" for _ in range(200))


def test_the_first_throttled_request_has_retry_after() -> None:
    """Getty documents no Retry-After; later requests get the rest of the cooldown."""
    web = world(search_access="open", **KEYS)
    web.sandbox.faults.add("throttle", route="v3")
    answer = web.client.get(SEARCH)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


# -- invisible characters -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/search", "/picker"])
@pytest.mark.parametrize("phrase", UNSEEN)
def test_a_phrase_of_invisible_characters_is_blank(path: str, phrase: str) -> None:
    web = world(search_access="open", **KEYS)
    answer = web.client.get(path, query_string={"q": phrase})
    assert answer.status_code == (400 if path == "/v1/search" or phrase.strip() else 200)
    assert web.sandbox.count("v3") == 0


# -- arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["2024-01-01\n12:00", "2024-01-01\ud80012:00", "2024-01-01X12:00", b"2024-01-01"]
)
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_a_date_with_other_characters_is_rejected(name: str, value: Any) -> None:
    """``fromisoformat`` takes any character between date and time."""
    with pytest.raises(ConfigurationError, match="ISO 8601"):
        encoding.encode("editorial", {name: value})


@pytest.mark.parametrize("value", ["2024-01-01", "20240101", "2024-01-01 12:00", "2024-01-01T12:00:00.5+02:00"])
def test_valid_dates_are_accepted(value: str) -> None:
    assert encoding.encode("editorial", {"date_from": value}) == (("date_from", value),)


def test_an_invalid_date_over_http_is_rejected() -> None:
    web = world(search_access="open", **KEYS)
    said = {"q": "goal", "family": "editorial", "date_from": "2024-01-01\r12:00"}
    assert web.client.get("/v1/search", query_string=said).status_code == 400


def test_one_id_is_not_a_list_of_its_digits() -> None:
    request = images.images_request(EXAMPLE, {}, API)
    assert ("ids", EXAMPLE) in request.params
    session = Mock(call=Mock(return_value=Response(204)))
    boards.Boards(API, session).remove("b", EXAMPLE)
    assert session.call.call_args.args[0].params == (("asset_ids", EXAMPLE),)
    with pytest.raises(UnsupportedReference):
        images.images_request("1,2", {}, API)


# -- authorization ------------------------------------------------------------------------------------------

PATHS = [SEARCH, PICKER, f"/v1/images/{EXAMPLE}", "/v1/countries"]
BYPASSES: list[dict[str, Any]] = [
    {"method": "HEAD"},
    {"method": "OPTIONS"},
    {"method": "POST", "headers": {"X-HTTP-Method-Override": "GET"}},
    {"headers": {"Authorization": f"Basic {TOKEN}"}},
    {"headers": {"Authorization": TOKEN}},
    {"headers": {"Authorization": f"Bearer {TOKEN} x"}},
    {"headers": {"Authorization": f"Bearer {TOKEN.upper()}"}},
    {"headers": {"Cookie": f"grant={TOKEN}; token={TOKEN}"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}},
]


@pytest.mark.parametrize("bypass", BYPASSES, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_no_request_bypasses_authorization(path: str, bypass: dict[str, Any]) -> None:
    web = world(tokens=TOKEN, **KEYS)
    web.client.open(path, **bypass)
    assert web.sandbox.count("v3") == 0


@pytest.mark.parametrize("name", ["grant", "token", "access_token"])
@pytest.mark.parametrize("path", PATHS)
def test_a_token_in_a_url_is_rejected(path: str, name: str) -> None:
    web = world(tokens=TOKEN, **KEYS)
    web.client.get(f"{path}{'&' if '?' in path else '?'}{name}={TOKEN}")
    assert web.sandbox.count("v3") == 0


SMUGGLED = [
    "embed_content_only=false",
    "fields=id&embed_content_only=0",
    "family=editorial&embed_content_only=false",
    "q=x%26embed_content_only%3Dfalse",
    "lang=de%26embed_content_only%3Dfalse",
]


@pytest.mark.parametrize("query", SMUGGLED)
@pytest.mark.parametrize("path", ["/v1/search", "/picker"])
def test_clients_cannot_search_pictures_that_are_not_embeddable(path: str, query: str) -> None:
    web = world(search_access="open", **KEYS)
    status = web.client.get(f"{path}?{query}&q=eclipse").status_code
    asked = [call.params for call in web.sandbox.calls if call.path.startswith("/v3/search")]
    if status == 400:
        assert asked == []
    else:
        assert [params["embed_content_only"] for params in asked] == ["true"]


def test_an_exceeded_limit_has_retry_after() -> None:
    app = world().app
    with app.test_request_context(), pytest.raises(Refused) as caught:
        allow(RateLimit(allowed=False, limit=1, remaining=0, reset=7), "from here")
    assert caught.value.headers == {"Retry-After": "7"}


# -- the sandbox ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "an-invented-key", "sandbox-key"])
def test_a_body_longer_than_announced_is_not_read_as_the_next_request(key: str) -> None:
    """Node's client sends the length in characters, and reuses its connections."""
    with SandboxServer() as sandbox:
        connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
        body = '{"name": "é"}'.encode()
        connection.request("POST", "/v3/boards", body, {"Api-Key": key, "Content-Length": str(len(body) - 1)})
        answer = connection.getresponse()
        assert answer.status in (401, 403)
        assert answer.headers["Connection"] == "close"
        connection.close()
