"""Log lines: exactly one per record, whatever its contents, and none that clients can forge."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedkit import EmbedKit, create_app
from embedkit.messages import Request, Response
from embedkit.sandbox import SandboxServer, SandboxTransport
from embedkit.web import logs
from embedkit.web.logs import (
    MAX_FIELD_BYTES,
    JSONFormatter,
    TextFormatter,
    fields_of,
    printable,
    quoted,
)
from embedkit.web.metrics import request_id_of
from tests.support.cli import Run
from tests.support.servers import gunicorn, running
from tests.support.tools import ROOT
from tests.support.web import (
    ADMIN,
    EXAMPLE,
    HOSTILE,
    KEYS,
    TOKEN,
    bearer,
    settings,
)

FORGED = [
    "a\nFORGED",
    "a\r\nFORGED",
    "a\x1b[2K\x1b[1AFORGED",
    "a\u202eDEGROF\u2066",
    "a\u2028FORGED\u2029FORGED\x85FORGED\x0bFORGED\x0cFORGED\x1cFORGED",
    'a", "level": "critical", "message": "FORGED',
    "a\x00\x07\x08\x7f\x9b31mFORGED",
    "\ud800FORGED",
    "%s %(name)s {0}",
]


def test_the_library_is_silent_by_default() -> None:
    code = """if True:
        import logging
        from embedkit.process import lazy_logger
        log = lazy_logger("embedkit.example")
        log.warning("unheard")
        logging.basicConfig(format="%(name)s %(message)s")
        log.warning("heard")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "embedkit.example heard\n"


@pytest.fixture(name="stream")
def fixture_stream() -> Iterator[io.StringIO]:
    """Return the log output of a service; logging is reset afterwards."""
    log = logging.getLogger("embedkit")
    level, stream = log.level, io.StringIO()
    yield stream
    logs.listen("none")
    log.setLevel(level)


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("embedkit.web", logging.INFO, __file__, 1, message, args, None)
    made.__dict__.update(extra)
    return made


def plain(line: str) -> bool:
    return re.fullmatch(r"[ -~]*", line) is not None


@pytest.mark.parametrize("text", FORGED)
@pytest.mark.parametrize("formatter", [JSONFormatter(), TextFormatter(), TextFormatter(timed=False)])
def test_no_text_can_forge_a_line(formatter: logging.Formatter, text: str) -> None:
    for made in (
        record("%s", text),
        record(text),
        record("x", fields={"title": text}),
        record("x", fields={text: 1}),
    ):
        try:
            line = formatter.format(made)
        except (TypeError, KeyError, ValueError):  # only our own format strings are used
            assert "%" in text
            continue
        assert plain(line)
    try:
        raise ValueError(text)
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    assert plain(formatter.format(failed))


@given(st.text())
@example("\udc80" * 2000)
@example("😀" * 2000)
@example("\x00" * 2000)
@example("a" * MAX_FIELD_BYTES)
def test_a_field_is_printable_short_and_json(text: str) -> None:
    assert plain(printable(text))
    assert len(printable(text)) <= MAX_FIELD_BYTES
    assert len(quoted(text)) <= MAX_FIELD_BYTES + 2
    read = json.loads(quoted(text))
    assert read == text or (read.endswith("...") and text.startswith(read[:-3]))
    if text.isascii() and text.isprintable() and len(text) <= MAX_FIELD_BYTES:
        assert printable(text) == text


def test_json_lines_contain_the_record() -> None:
    token = logs.REQUEST_ID.set("abc")
    try:
        raise KeyError("wrong")
    except KeyError:
        failed = record("it %s", "failed", fields={"status": 500, "duration_ms": 1.5})
        failed.exc_info = sys.exc_info()
        read = json.loads(JSONFormatter().format(failed))
    finally:
        logs.REQUEST_ID.reset(token)
    assert (read["level"], read["logger"], read["message"]) == ("info", "embedkit.web", "it failed")
    assert (read["request_id"], read["status"], read["duration_ms"]) == ("abc", 500, 1.5)
    assert (read["error"], read["detail"]) == ("KeyError", "'wrong'")
    assert read["traceback"][-1].endswith("test_json_lines_contain_the_record")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", read["time"])


def test_a_text_line_contains_the_record() -> None:
    line = TextFormatter().format(record("request", fields={"route": "/v1/embeds/<ref>", "status": 200}))
    assert re.fullmatch(r'\S+ info embedkit\.web: request route="/v1/embeds/<ref>" status=200', line)
    assert TextFormatter(timed=False).format(record("request")) == "embedkit.web: request"


def test_a_traceback_is_bounded_and_has_no_source() -> None:
    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise ValueError("CANARY-in-source"[:6])

    try:
        deep(200)
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    fields = fields_of(failed)
    assert len(fields["traceback"]) == logs.MAX_FRAMES
    assert "CANARY-in-source" not in JSONFormatter().format(failed)


# -- the service ----------------------------------------------------------------------------------------


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_service_is_silent_unless_configured(capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(kit=EmbedKit(settings(), transport=SandboxTransport()))
    app.test_client().get(f"/v1/embeds/{EXAMPLE}")
    app.test_client().get("/nope")
    assert capfd.readouterr() == ("", "")


def test_worker_threads_log_the_request_id(stream: io.StringIO) -> None:
    class Talkative(SandboxTransport):
        def send(self, request: Request) -> Response:
            logging.getLogger("embedkit.transport").info("sent")
            return super().send(request)

    client = create_app(kit=EmbedKit(settings(), transport=Talkative())).test_client()
    logs.listen("json", stream)
    refs = [str(600_000_000 + number) for number in range(5)]
    answer = client.post("/v1/embeds", json={"refs": refs}, headers={"X-Request-ID": "the-batch"})
    assert answer.status_code == 200
    assert [line.get("request_id") for line in lines(stream) if line["message"] == "sent"] == ["the-batch"] * 5


def test_each_request_is_logged(stream: io.StringIO) -> None:
    client = create_app(kit=EmbedKit(settings(log_format="json"), transport=SandboxTransport())).test_client()
    logs.listen("json", stream)
    answers = [
        client.get(f"/v1/embeds/{EXAMPLE}"),
        client.get(f"/v1/embeds/{EXAMPLE}"),
        client.head("/healthz"),
        client.get("/nope"),
        client.post("/v1/embeds", data=b"{"),
        client.open("/healthz", method="FORGED"),
        client.get("/static/embedkit.css"),
    ]
    found = [line for line in lines(stream) if line["logger"] == "embedkit.access"]
    assert [line["status"] for line in found] == [answer.status_code for answer in answers]
    assert [line["request_id"] for line in found] == [answer.headers["X-Request-ID"] for answer in answers]
    assert [line["bytes"] for line in found] == [len(answer.data) for answer in answers]
    answers[-1].close()
    assert [line["route"] for line in found] == [
        *("/v1/embeds/<ref>", "/v1/embeds/<ref>", "/healthz", "none", "/v1/embeds"),
        *("none", "/static/<path:filename>"),
    ]
    assert [line["method"] for line in found] == ["GET", "GET", "HEAD", "GET", "POST", "other", "GET"]
    assert all(isinstance(line["duration_ms"], float) for line in found)


@pytest.mark.parametrize("form", ["json", "text"])
def test_clients_cannot_inject_log_lines(stream: io.StringIO, form: str) -> None:
    transport = SandboxTransport()
    kit = EmbedKit(settings(log_format=form, on_error="card"), transport=transport)
    client = create_app(kit=kit).test_client()
    logs.listen(form, stream)
    logging.getLogger("embedkit").setLevel(logging.DEBUG)
    count = 0
    for text in [*FORGED, "%0aFORGED", "%1b[2KFORGED"]:
        safe = text.encode("utf-8", "replace").decode("latin-1")
        header = re.sub(r"[\r\n\x00]", "\x1b", safe)
        for path in (f"/v1/embeds/{EXAMPLE}{text}", f"/{text}", f"/oembed?url={text}", f"/embed/{text}"):
            with_hostile = {"X-Request-ID": header, "User-Agent": header, "Referer": header, "Origin": header}
            answer = client.get(path.encode("utf-8", "replace").decode(), headers=with_hostile)
            assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])
            count += 1
    client.get(f"/v1/embeds/{HOSTILE}")
    transport.app.faults.add("status", status=500, count=None)
    client.get("/v1/embeds/600000999")
    written = stream.getvalue()
    assert len([line for line in written.split("\n") if "embedkit.access" in line]) == count + 2
    assert all(plain(line) for line in written.split("\n"))
    if form == "json":
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines(stream))
    assert "FORGED" not in "".join(line for line in written.splitlines(True) if "embedkit.access" in line)


def test_an_unexpected_error_is_one_line_with_its_request(stream: io.StringIO) -> None:
    app = create_app(kit=EmbedKit(settings(log_format="json"), transport=SandboxTransport()))

    def crash() -> str:
        raise ZeroDivisionError("first\nFORGED \x1b[31m")

    app.add_url_rule("/crash", "crash", crash)
    logs.listen("json", stream)
    answer = app.test_client().get("/crash", headers={"X-Request-ID": "from-the-proxy.1"})
    error, access = lines(stream)
    assert answer.status_code == access["status"] == 500
    assert answer.headers["X-Request-ID"] == error["request_id"] == access["request_id"] == "from-the-proxy.1"
    assert (error["level"], error["error"], error["detail"]) == (
        "error",
        "ZeroDivisionError",
        "first\nFORGED \x1b[31m",
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0f8fad5b-d9cb-469f-a165-70867728950e", True),
        ("a", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ("ä", False),
        ("a;b", False),
        ("<x>", False),
    ],
)
def test_a_valid_request_id_is_kept(given: str, kept: bool) -> None:
    found = request_id_of({"HTTP_X_REQUEST_ID": given})
    assert (found == given) is kept
    assert kept or re.fullmatch("[0-9a-f]{16}", found)


def test_every_request_has_its_own_id() -> None:
    assert len({request_id_of({}) for _ in range(1000)}) == 1000


def test_a_second_service_replaces_the_log_handler(stream: io.StringIO) -> None:
    logs.listen("json", io.StringIO())
    logs.listen("text", stream)
    logging.getLogger("embedkit.web").warning("once")
    assert stream.getvalue().count("once") == 1
    assert sum(isinstance(one, logs.Handler) for one in logging.getLogger("embedkit").handlers) == 1


def test_no_secret_is_logged(stream: io.StringIO) -> None:
    rows = {**KEYS, "api_key": "CANARY-key", "tokens": f"CANARY-{TOKEN}", "admin_token": f"CANARY-{ADMIN}"}
    made = settings(log_format="json", secret="CANARY-" + "s" * 40, **rows)
    client = create_app(kit=EmbedKit(made, transport=SandboxTransport())).test_client()
    logs.listen("json", stream)
    logging.getLogger("embedkit").setLevel(logging.DEBUG)
    for token in (f"CANARY-{TOKEN}", f"CANARY-{ADMIN}", "CANARY-wrong"):
        client.get("/v1/search?q=CANARY", headers=bearer(token))
        client.delete(f"/v1/embeds/{EXAMPLE}", headers=bearer(token))
        client.post("/v1/grants", headers=bearer(token))
    client.get("/picker?grant=CANARY")
    assert len(lines(stream)) >= 10
    assert "CANARY" not in stream.getvalue()


@pytest.mark.parametrize("how", ["gunicorn", "serve", "option"])
def test_real_servers_write_json_lines(tmp_path: Path, how: str) -> None:
    with SandboxServer() as sandbox:
        environ = {
            "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
            "EMBEDKIT_FRAME_ORIGIN": sandbox.url,
            "EMBEDKIT_CACHE": f"sqlite:{tmp_path}/cache.db",
            "EMBEDKIT_SECRET": "s" * 40,
            **({} if how == "option" else {"EMBEDKIT_LOG_FORMAT": "json"}),
        }
        serve = [sys.executable, "-m", "embedkit", "serve", "--port", "0"]
        serve += ["--log-format", "json"] if how == "option" else []
        with gunicorn(tmp_path, environ) if how == "gunicorn" else running(serve, environ) as server:
            answer = server.get(f"/v1/embeds/{EXAMPLE}", X_Request_ID="seen-by-the-proxy")
            line = json.loads(server.wait_for("seen-by-the-proxy")[0])
    assert answer[0] == line["status"] == 200
    assert answer[1]["x-request-id"] == line["request_id"] == "seen-by-the-proxy"
    assert (line["route"], line["method"], line["bytes"]) == ("/v1/embeds/<ref>", "GET", len(answer[2]))


# -- the command line -----------------------------------------------------------------------------------


def test_verbose_output_cannot_be_forged(run: Run) -> None:
    done = run("-v", "resolve", f"{EXAMPLE}\x1b[2K\nFORGED", "500000404")
    assert "embedkit.transport: oembed 127.0.0.1: 404" in done.err
    assert all(plain(line) for line in done.err.splitlines() if line.startswith("embedkit."))
