"""No secret leaves the settings: not in logs, answers, errors, tracebacks with their variables, files or reprs."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from embedkit import ConfigurationError, EmbedKit, Settings
from tests.faults_support import ID, ROUTES, House, answer, good, held_bytes
from tests.faulty_upstream import Script, Upstream, drip, hang, ok, reset, say

CANARY = "CANARY-9f1c7a"
NAMES = ("SECRET", "ADMIN_TOKEN", "TOKENS", "API_KEY", "API_SECRET", "PASSWORD")
SECRETS = {name.lower(): f"{CANARY}-{name.lower()}-{'x' * 32}" for name in NAMES}
HEAD = b"HTTP/1.1 200 OK\r\n"

FAULTS: dict[str, Script] = {
    "reset": reset(),
    "hang": hang(),
    "slow": drip(HEAD, b"X: a\r\n"),
    "no HTTP": say(b"SSH-2.0-X\r\n"),
    "NUL in a header": say(HEAD, b"X: \0\r\n\r\n"),
    "broken gzip": say(HEAD, b"Content-Encoding: gzip\r\n\r\nnone"),
    "redirect": ok(b"", "302 X", ["Location: http://127.0.0.1/"]),
    "400": ok(b'{"message": "no"}', "400 X"),
    "401": ok(b'{"message": "no"}', "401 X"),
    "403": ok(b'{"message": "no"}', "403 X"),
    "404": ok(b"", "404 X"),
    "429": ok(b"", "429 X", ["Retry-After: 3"]),
    "500": ok(b"<p>", "500 X"),
    "page": ok(b"<p>"),
    "deep": ok(b"[" * 100_000),
    "another html": ok(answer(html="<b>hello</b>")),
    "good": good(),
}


class Everything(logging.Handler):
    """Every record of every logger, formatted, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.__dict__!r}")


@pytest.fixture
def logs() -> Iterator[Everything]:
    root, handler = logging.getLogger(), Everything()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def told(error: BaseException) -> str:
    """All that a crash reporter can see of an error: the variables of our frames, causes and contexts."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    pending: list[Any] = [shown]
    while pending:  # this test's own variables are none of the kit's
        one = pending.pop()
        one.stack[:] = [frame for frame in one.stack if "/tests/" not in frame.filename]
        pending += [next_ for next_ in (one.__cause__, one.__context__) if next_]
    return "".join([*shown.format(), repr(error), repr(error.args), repr(vars(error))])


def sent(response: Any) -> str:
    return f"{response.status}\n{response.headers}\n{response.get_data(as_text=True)}"


def house(url: str, **rows: Any) -> House:
    return House(url, username="an-editor", timeout=0.2, **{**SECRETS, **rows})


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_tells_a_secret(name: str, logs: Everything, tmp_path: Path) -> None:
    seen: list[str] = []
    with Upstream(FAULTS[name]) as upstream, house(upstream.url, cache=f"sqlite:{tmp_path}/db") as made:
        for _ in range(2):
            try:
                seen.append(repr(made.kit.resolve(ID)))
            except Exception as error:
                seen.append(told(error))
        seen += [sent(made.get(route)) for route in ROUTES]
        client = made.app.test_client()
        seen.append(sent(client.post("/v1/render", json={"content": f"[getty {ID}]"})))
        seen.append(sent(made.get("/readyz")))
        seen += [repr(made.kit), str(made.kit.settings), repr(made.settings), repr(vars(made.settings))]
        seen += upstream.requests
    assert seen
    assert CANARY not in "\n".join([*seen, *logs.lines])
    assert CANARY.encode() not in held_bytes(tmp_path)
    assert any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("cache", ["sqlite:{}/db", "file:{}/files"])
def test_purging_tells_no_token(cache: str, logs: Everything, tmp_path: Path) -> None:
    seen: list[str] = []
    with Upstream(good()) as upstream, house(upstream.url, cache=cache.format(tmp_path)) as made:
        client = made.app.test_client()
        for token in (None, "wrong", SECRETS["tokens"], SECRETS["admin_token"], SECRETS["admin_token"] + "x"):
            made.kit.resolve(ID)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            response = client.delete(f"/v1/embeds/{ID}", headers=headers)
            expected = {None: 401, SECRETS["admin_token"]: 204}.get(token, 403)
            assert response.status_code == expected
            seen.append(sent(response))
    assert CANARY not in "\n".join([*seen, *logs.lines])
    assert CANARY.encode() not in held_bytes(tmp_path)


def test_a_crash_tells_no_secret(logs: Everything, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Something that nobody thought of, deep inside: all its frames may be sent to a crash reporter."""

    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("unexpected")

    monkeypatch.setattr("embedkit.cache.envelope._sign", crash)
    with Upstream(good()) as upstream, house(upstream.url, cache=f"sqlite:{tmp_path}/db") as made:
        with pytest.raises(ZeroDivisionError) as caught:
            made.kit.resolve(ID)
        client = made.app.test_client()
        answers = [client.get(f"/v1/embeds/{ID}"), client.delete(f"/v1/embeds/{ID}")]
        bearer = {"Authorization": f"Bearer {SECRETS['admin_token']}"}
        answers.append(client.delete(f"/v1/embeds/{ID}", headers=bearer))
        assert [one.status_code for one in answers] == [500, 401, 500]
    assert CANARY not in "\n".join([told(caught.value), *map(sent, answers), *logs.lines])


def wrong_settings() -> list[tuple[str, dict[str, Any]]]:
    """Each secret cut too short, and a slip somewhere else while the secrets are right."""
    short = [(name, {**SECRETS, name: CANARY}) for name in ("secret", "admin_token", "tokens")]
    slips = [("max_age", {**SECRETS, "max_age": "a day"}), ("rate_limit", {**SECRETS, "rate_limit": "often"})]
    return [*short, *slips, ("no such name", {**SECRETS, "api_kay": CANARY})]


@pytest.mark.parametrize(("name", "rows"), wrong_settings(), ids=[row[0] for row in wrong_settings()])
@pytest.mark.parametrize("door", ["environment", "mapping"])
def test_a_wrong_setting_tells_no_secret(
    name: str, rows: dict[str, Any], door: str, monkeypatch: pytest.MonkeyPatch, logs: Everything
) -> None:
    for key, value in rows.items():
        monkeypatch.setenv(f"EMBEDKIT_{key.upper()}", value)
    with pytest.raises(ConfigurationError) as caught:
        EmbedKit() if door == "environment" else Settings.from_mapping(rows)
    assert CANARY not in "\n".join([told(caught.value), *logs.lines])


def test_every_secret_is_of_the_kind_that_hides_itself() -> None:
    made = Settings(**SECRETS)
    assert {row.name for row in fields(Settings) if CANARY in repr(getattr(made, row.name))} == set()
    assert all(name in {row.name for row in fields(Settings)} for name in SECRETS)
