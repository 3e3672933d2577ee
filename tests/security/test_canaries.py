"""No secret is revealed in logs, responses, errors, tracebacks with their variables, files or reprs."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from embedkit import ConfigurationError, EmbedKit, Settings
from embedkit.settings import Secret
from tests.faults.test_api import BODIES, STATUSES
from tests.support import client as client_support
from tests.support import stores
from tests.support.client import answer_and_close, search_body, token_body
from tests.support.faults import (
    ID,
    ROUTES,
    Harness,
    all_bytes,
    oembed_body,
    oembed_ok,
)
from tests.support.faulty_upstream import (
    Script,
    Upstream,
    drip,
    hang,
    ok,
    reset,
    send,
)
from tests.support.stores import FILES
from tests.unit.transport.test_client import CUT, INVALID, SLOW

CANARY = "CANARY-9f1c7a"
NAMES = ("SECRET", "ADMIN_TOKEN", "TOKENS", "API_KEY", "API_SECRET", "PASSWORD")
SECRETS = {name.lower(): f"{CANARY}-{name.lower()}-{'x' * 32}" for name in NAMES}
HEAD = b"HTTP/1.1 200 OK\r\n"
SLOW_S = 0.5  # seconds to wait for an upstream that never responds; enough for others, even on a busy machine

FAULTS: dict[str, Script] = {
    "reset": reset(),
    "hang": hang(),
    "slow": drip(HEAD, b"X: a\r\n"),
    "no HTTP": send(b"SSH-2.0-X\r\n"),
    "NUL in a header": send(HEAD, b"X: \0\r\n\r\n"),
    "broken gzip": send(HEAD, b"Content-Encoding: gzip\r\n\r\nnone"),
    "redirect": ok(b"", "302 X", ["Location: http://127.0.0.1/"]),
    "400": ok(b'{"message": "no"}', "400 X"),
    "401": ok(b'{"message": "no"}', "401 X"),
    "403": ok(b'{"message": "no"}', "403 X"),
    "404": ok(b"", "404 X"),
    "429": ok(b"", "429 X", ["Retry-After: 3"]),
    "500": ok(b"<p>", "500 X"),
    "page": ok(b"<p>"),
    "deep": ok(b"[" * 100_000),
    "another html": ok(oembed_body(html="<b>hello</b>")),
    "good": oembed_ok(),
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
    """Return everything that a crash reporter sees of an error: the variables of our frames, causes and contexts."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    pending: list[Any] = [shown]
    while pending:  # without the variables of this test
        one = pending.pop()
        one.stack[:] = [frame for frame in one.stack if "/tests/" not in frame.filename]
        pending += [next_ for next_ in (one.__cause__, one.__context__) if next_]
    return "".join([*shown.format(), repr(error), repr(error.args), repr(vars(error))])


def sent(response: Any) -> str:
    return f"{response.status}\n{response.headers}\n{response.get_data(as_text=True)}"


def harness(url: str, **rows: Any) -> Harness:
    return Harness(url, username="an-editor", timeout=0.2, **{**SECRETS, **rows})


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_reveals_a_secret(name: str, logs: Everything, tmp_path: Path) -> None:
    seen: list[str] = []
    with Upstream(FAULTS[name]) as upstream, harness(upstream.url, cache=f"sqlite:{tmp_path}/db") as made:
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
    assert CANARY.encode() not in all_bytes(tmp_path)
    assert any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("cache", FILES.values())
def test_purging_reveals_no_token(cache: str, logs: Everything, tmp_path: Path) -> None:
    seen: list[str] = []
    with Upstream(oembed_ok()) as upstream, harness(upstream.url, cache=cache.format(tmp_path)) as made:
        client = made.app.test_client()
        for token in (None, "wrong", SECRETS["tokens"], SECRETS["admin_token"], SECRETS["admin_token"] + "x"):
            made.kit.resolve(ID)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            response = client.delete(f"/v1/embeds/{ID}", headers=headers)
            expected = {None: 401, SECRETS["admin_token"]: 204}.get(token, 403)
            assert response.status_code == expected
            seen.append(sent(response))
    assert CANARY not in "\n".join([*seen, *logs.lines])
    assert CANARY.encode() not in all_bytes(tmp_path)


def test_a_crash_reveals_no_secret(logs: Everything, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An unexpected error deep inside, whose frames might all be sent to a crash reporter."""

    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("unexpected")

    with Upstream(oembed_ok()) as upstream, harness(upstream.url, cache=f"sqlite:{tmp_path}/db") as made:
        monkeypatch.setattr("embedkit.cache.envelope.mac", crash)
        with pytest.raises(ZeroDivisionError) as caught:
            made.kit.resolve(ID)
        client = made.app.test_client()
        answers = [client.get(f"/v1/embeds/{ID}"), client.delete(f"/v1/embeds/{ID}")]
        bearer = {"Authorization": f"Bearer {SECRETS['admin_token']}"}
        answers.append(client.delete(f"/v1/embeds/{ID}", headers=bearer))
        assert [one.status_code for one in answers] == [500, 401, 500]
    assert CANARY not in "\n".join([told(caught.value), *map(sent, answers), *logs.lines])


def wrong_settings() -> list[tuple[str, dict[str, Any]]]:
    """Yield settings with each secret too short, and with a mistake elsewhere while the secrets are valid."""
    short = [(name, {**SECRETS, name: CANARY}) for name in ("secret", "admin_token", "tokens")]
    slips = [("max_age", {**SECRETS, "max_age": "a day"}), ("rate_limit", {**SECRETS, "rate_limit": "often"})]
    return [*short, *slips, ("no such name", {**SECRETS, "api_kay": CANARY})]


@pytest.mark.parametrize(("name", "rows"), wrong_settings(), ids=[row[0] for row in wrong_settings()])
@pytest.mark.parametrize("door", ["environment", "mapping"])
def test_an_invalid_setting_reveals_no_secret(
    name: str, rows: dict[str, Any], door: str, monkeypatch: pytest.MonkeyPatch, logs: Everything
) -> None:
    for key, value in rows.items():
        monkeypatch.setenv(f"EMBEDKIT_{key.upper()}", value)
    with pytest.raises(ConfigurationError) as caught:
        EmbedKit() if door == "environment" else Settings.from_mapping(rows)
    assert CANARY not in "\n".join([told(caught.value), *logs.lines])


def test_every_secret_has_the_type_secret() -> None:
    made = Settings(**SECRETS)
    assert {row.name for row in fields(Settings) if CANARY in repr(getattr(made, row.name))} == set()
    assert all(name in {row.name for row in fields(Settings)} for name in SECRETS)


# -- the API v3: the key, the secret, the password, and the tokens got with them ---------------------------

ACCESS, REFRESH = f"{CANARY}-access", f"{CANARY}-refresh"
TOKEN = token_body(ACCESS, refresh_token=REFRESH)
DOOR = ("X-Error-Detail: Account Over Rate Limit",)
SIGNED = "CANARY-signed-5d0e"  # in a file's URL, which gives access to the file
ECHO = f'{{"error": "invalid_client", "error_description": "{SECRETS["api_secret"]} {ACCESS}"}}'.encode()

API_FAULTS: dict[str, Script] = (
    dict((*SLOW, *CUT, *INVALID))
    | {f"status {row[0]}": row[1] for row in STATUSES}
    | {f"body: {name}": answer_and_close(body) for name, body in BODIES}
    | {f"oembed: {name}": script for name, script in FAULTS.items()}
    | {
        "echo": answer_and_close(ECHO, "401 X"),
        "echo in a page": answer_and_close(ECHO),
        "echo in a redirect": answer_and_close(ECHO, "302 X", (f"Location: http://127.0.0.1:9/{ACCESS}",)),
        "calls a second": answer_and_close(
            b"", "403 X", ("X-Error-Detail: Account Over Queries Per Second Limit",)
        ),
        "calls a day": answer_and_close(b"", "429 X", DOOR),
        "no fault": answer_and_close(search_body()),
    }
)


def within(part: object, done: set[int]) -> Iterator[str]:
    """Return everything visible of an object and its contents, with the reprs of secrets."""
    if id(part) in done:
        return
    done.add(id(part))
    yield repr(part)
    if isinstance(part, Secret):
        return
    inner: list[object] = []
    if isinstance(part, dict):
        inner = [*part.keys(), *part.values()]
    elif isinstance(part, list | tuple | set | frozenset):
        inner = list(part)
    elif type(part).__module__.startswith("embedkit"):
        inner = list(getattr(part, "__dict__", {}).values())
        inner += [getattr(part, name, None) for name in getattr(type(part), "__slots__", ())]
    for one in inner:
        yield from within(one, done)


class Counter:
    """An API, a token endpoint and a file server, one of them faulty, and everything a kit shows of them."""

    def __init__(self, at: str, script: Script, folder: Path, **rows: Any) -> None:
        well = {
            "token": ok(TOKEN),
            "search": ok(search_body()),
            "file": ok(b"picture", headers=["Content-Type: image/jpeg"]),
        }
        scripts = well | ({at: script} if at in well else {})
        self.upstreams = {name: Upstream(one) for name, one in scripts.items()}
        address = f"Location: {self.upstreams['file'].origin}/xa/x.jpg?d={SIGNED}"
        self.upstreams["order"] = counter = Upstream()
        taken = script if at == "order" else answer_and_close(b"", "303 X", (address,))
        counter.scripts = (client_support.downloads_api(counter, taken, "600100200"),)
        self.folder, self.seen = folder, []
        self.rows = {"cache": f"sqlite:{folder}/db", "username": "an-editor", **SECRETS, **rows}

    def __enter__(self) -> Counter:
        for upstream in self.upstreams.values():
            upstream.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for upstream in self.upstreams.values():
            upstream.__exit__()

    def run(self) -> None:
        """Run a search by the kit and by the service, a list of boards and a download, each at its own URL."""
        for name, act in (
            ("search", lambda harness: harness.kit.search("harbour")),
            ("search", lambda harness: next(harness.kit.search_pages("harbour"))),
            ("search", lambda harness: harness.api.boards.list()),
            ("search", lambda harness: sent(service(harness).get("/v1/search?q=night"))),
            ("search", lambda harness: sent(service(harness).get("/readyz"))),
            ("order", lambda harness: harness.api.downloads.save("600100200", self.folder / "picture.jpg")),
        ):
            self._act(name, act)

    def _act(self, name: str, act: Any) -> None:
        rows = {**self.rows, "image_origins": (self.upstreams["file"].origin,), "search_access": "open"}
        with client_support.Harness(
            self.upstreams[name].origin, self.upstreams["token"].origin, **rows
        ) as harness:
            for _ in range(2):  # the second time with a cached token, or a cached error
                try:
                    self.seen.append(repr(act(harness)))
                except Exception as error:
                    self.seen.append(told(error))
            self.seen += [*within(harness.kit, set()), repr(harness.kit.status()), str(harness.settings)]


def service(harness: client_support.Harness) -> Any:
    from embedkit import create_app

    return create_app(kit=harness.kit).test_client()


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (at, name)
        for at in ("token", "search", "order", "file")
        for name in API_FAULTS
        if not (at == "file" and name.startswith("echo"))  # it has no secret, and returns what was requested
    ],
)
def test_no_api_fault_reveals_a_secret(
    at: str, name: str, logs: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedkit.api.orders.SETTLE_S", 0.0)  # the second attempt needn't wait for the first
    slow = {"timeout": SLOW_S} if name in dict(SLOW) else {}  # the other faults need no waiting
    if slow:
        monkeypatch.setattr("embedkit.api.licenses.FILE_TIMEOUT_S", SLOW_S)
        monkeypatch.setattr("embedkit.api.orders.ORDER_TIMEOUT_S", SLOW_S)
    with Counter(at, API_FAULTS[name], tmp_path, **slow) as counter:
        if at in ("order", "file"):
            counter._act(
                "order", lambda harness: harness.api.downloads.save("600100200", tmp_path / "picture.jpg")
            )
        elif slow:
            counter._act("search", lambda harness: harness.kit.search("harbour"))
        else:
            counter.run()
        assert counter.upstreams[at].connections
        asked = [request for upstream in counter.upstreams.values() for request in upstream.requests]
        delivered = [*counter.upstreams["file"].requests, str(counter.upstreams["file"].bodies)]
    lines = [request.partition("\r\n")[0] for request in asked]
    assert CANARY not in "\n".join([*counter.seen, *logs.lines, *lines, *delivered])
    assert SIGNED not in "\n".join([*counter.seen, *logs.lines])
    assert CANARY.encode() not in all_bytes(tmp_path)


def test_the_canaries_would_be_found(tmp_path: Path) -> None:
    """Otherwise, the tests above would pass whatever is written."""
    with Counter("", ok(), tmp_path) as counter:
        counter.run()
        tokens, search, order = (counter.upstreams[name] for name in ("token", "search", "order"))
        assert all(
            SECRETS[name].encode() in b"".join(tokens.bodies) for name in ("api_key", "api_secret", "password")
        )
        for upstream in (search, order):
            assert f"Api-Key: {SECRETS['api_key']}" in upstream.requests[-1]
            assert f"Authorization: Bearer {ACCESS}" in upstream.requests[-1]
        assert SIGNED in counter.upstreams["file"].requests[-1]
    assert (tmp_path / "picture.jpg").read_bytes() == b"picture"
    assert "Picture 600100200" in "\n".join(counter.seen)


def test_redis_contains_no_secret(logs: Everything, tmp_path: Path) -> None:
    import redis

    with stores.redis() as server, Counter("", ok(), tmp_path, cache=server.url) as counter:
        counter.run()
        client: Any = redis.Redis(unix_socket_path=str(server._socket))
        held = {key: client.get(key) for key in client.keys("*")}
        client.close()
    assert any(key.startswith(b"embedkit:search:") for key in held)
    assert CANARY not in "\n".join([repr(held), *counter.seen, *logs.lines])


CRASHES = [
    "embedkit.api.oauth._plain",
    "embedkit.api.oauth._token",
    "embedkit.api.oauth.fit_token",
    "embedkit.getty.payload.decode",
    "embedkit.api.search.read_page",
    "embedkit.api.licenses.parse_url",
    "embedkit.api.response_cache._caller",
    "embedkit.api.response_cache.ResponseCache._key",
    "embedkit.api.session.Tokens._fetch",
    "embedkit.api.session.replace",
    "embedkit.api.downloads.urlsplit",
    "embedkit.files.download.DownloadSink.begin",
    "embedkit.files.journal.Journal.keep",
    "embedkit.cache.envelope.Envelope.seal",
    "embedkit.transport.responses.decode_chunks",
    "embedkit.transport.client._prepare",
    "embedkit.transport.responses.clean_headers",
    "embedkit.transport.client._target",
    "urllib3.poolmanager.PoolManager.connection_from_host",
    "urllib3.connectionpool.HTTPConnectionPool.urlopen",
]


@pytest.mark.parametrize("place", CRASHES)
def test_a_crash_in_a_search_reveals_no_secret(
    place: str, logs: Everything, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("unexpected")

    with Counter("", ok(), tmp_path) as counter:
        monkeypatch.setattr("embedkit.api.orders.SETTLE_S", 0.0)  # the second attempt needn't wait for the first
        monkeypatch.setattr(place, crash)
        try:
            counter.run()
        finally:
            monkeypatch.undo()
    text = "\n".join([*counter.seen, *logs.lines])
    assert "ZeroDivisionError" in text
    assert CANARY not in text
    assert SIGNED not in text


@pytest.mark.parametrize("row", ["api_key", "api_secret", "password"])
@pytest.mark.parametrize("odd", ["\r\nX: y", "\udcff", "\x00", "\u20ac"])
def test_a_secret_that_cannot_be_sent_is_not_revealed(
    row: str, odd: str, logs: Everything, tmp_path: Path
) -> None:
    with Counter("", ok(), tmp_path, **{row: f"{CANARY}-{row}{odd}-{'x' * 32}"}) as counter:
        counter.run()
        lines = [request.partition("\r\n")[0] for one in counter.upstreams.values() for request in one.requests]
    assert CANARY not in "\n".join([*counter.seen, *logs.lines, *lines])
