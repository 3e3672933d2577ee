"""embedkit login and logout, with a script as the browser, the sandbox's login page, and other visitors."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import html5lib
import pytest

from embedkit import InvalidToken
from embedkit.cli.login import DONE, PATH, Callback, callback
from embedkit.sandbox import SandboxServer
from tests.support.cache import ROOT
from tests.support.cli import Run, runner, sandbox_environ, without_settings

pytestmark = pytest.mark.server

CUSTOMER = ("EMBEDKIT_API_SECRET", "EMBEDKIT_USERNAME", "EMBEDKIT_PASSWORD")

# Reads the login page, sends its form, and follows the redirect: without its code, with another state, unchanged,
# and unchanged a second time.
BROWSER = """
import json, os, sys
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None

def visit(url, form=None):
    try:
        try:
            answer = build_opener(Stay).open(url, form, 30)
        except HTTPError as error:
            answer = error
        return answer.status, answer.read().decode(), answer.headers
    except (OSError, HTTPException):  # the port is closed, perhaps during a response
        return 0, "", {}

mode, out, url = sys.argv[1:]
form = {"deny": b"deny=1"}.get(mode, b"username=sandbox-user&password=sandbox-password")
assert "<h1>Log in</h1>" in visit(url)[1]
status, _, headers = visit(url, form)
back = headers["Location"]
others = [visit(other) for other in (back.partition("?")[0], back + "x", back + "&state=x")]
first = visit(back)
with open(out, "w") as file:
    json.dump({"asked": url, "back": back, "status": first[0], "page": first[1], "referrer": first[2]["Referrer-Policy"],
               "again": visit(back)[0], "others": [other[:2] for other in others], "environ": dict(os.environ)}, file)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def environment(sandbox: SandboxServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a user who only has a key."""
    names = {**without_settings(os.environ), **sandbox_environ(sandbox.url, tmp_path), "DISPLAY": ":0"}
    return {name: text for name, text in names.items() if name not in CUSTOMER}


@pytest.fixture
def run(
    sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs commands of the same user in this process."""
    call = runner(sandbox, tmp_path, monkeypatch, capsys)
    for name in CUSTOMER:
        monkeypatch.delenv(name)
    return call


def embedkit(environment: Mapping[str, str], mode: str) -> subprocess.CompletedProcess[str]:
    """embedkit login, with the script as its browser."""
    folder = Path(environment["XDG_CACHE_HOME"]).parent
    script, out = folder / "browser.py", folder / "browser.json"
    script.write_text(BROWSER)
    browser = {"BROWSER": f"{shlex.join([sys.executable, str(script), mode, str(out)])} %s"}
    command, names = [sys.executable, "-m", "embedkit", "login"], {**environment, **browser}
    return subprocess.run(command, env=names, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def seen(environment: Mapping[str, str]) -> dict[str, object]:
    """What the browser saw. It has exited, because it shares embedkit's output, which was read to the end."""
    found: dict[str, object] = json.loads(
        (Path(environment["XDG_CACHE_HOME"]).parent / "browser.json").read_text()
    )
    return found


def test_a_customer_logs_in_and_out(environment: dict[str, str], sandbox: SandboxServer, run: Run) -> None:
    done = embedkit(environment, mode="allow")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == "Logged in as Sanna Boxer."
    folder = Path(environment["XDG_CACHE_HOME"]) / "embedkit"
    (login,) = folder.glob("login-*")
    tokens = json.loads(login.read_text())
    assert login.stat().st_mode & 0o777 == 0o600
    browser = seen(environment)
    assert browser["asked"] in done.stderr
    assert str(browser["asked"]).startswith(f"{sandbox.url}/v4/oauth2/auth?response_type=code&")
    assert (browser["status"], browser["referrer"]) == (200, "no-referrer")
    assert DONE[0] in str(browser["page"])
    assert DONE[1] in str(browser["page"])
    html5lib.HTMLParser(strict=True).parse(browser["page"])
    assert browser["again"] in (0, 410)  # the port is closed, or about to be
    for status, text in browser["others"]:
        assert status == 400
        assert "the response to another request. embedkit is still waiting" in text
    for secret in (tokens["access"], tokens["refresh"]):
        assert secret not in done.stderr + json.dumps(browser)
    looked = run("doctor", "--offline").out
    assert "would be called with the token of the customer who is logged in" in looked
    assert "0 licences this month" in looked
    looked = run("doctor").out
    assert "ok   customer     Sanna Boxer, by embedkit login\n" in looked
    assert all(secret not in looked for secret in (tokens["access"], tokens["refresh"]))
    listed = run("boards", "list", "--json")
    assert (listed.code, json.loads(listed.out)["boards"]) == (0, [])
    assert [run("logout").err for _ in range(2)] == ["Logged out.\n", "You were not logged in.\n"]
    assert list(folder.glob("login-*")) == []
    assert "not logged in" in run("doctor").out
    assert "Run embedkit login" in run("boards", "list").err


def test_a_customer_who_denies_access_is_not_logged_in(environment: dict[str, str]) -> None:
    done, says = embedkit(environment, mode="deny"), "The request to log in was denied. Run embedkit login again."
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: {says}"
    browser = seen(environment)
    assert browser["status"] == 400
    assert says in str(browser["page"])
    assert not list(Path(environment["XDG_CACHE_HOME"]).glob("embedkit/login-*"))


def test_ctrl_c_ends_the_wait(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "embedkit", "login", "--no-browser"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "Open this page to log in, within 120 seconds" in process.stderr.readline()
        assert process.stderr.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Interrupted." in process.stderr.read()


def test_a_missing_key_or_service_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("EMBEDKIT_TOKEN_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/oauth2/token")
        assert run("login").code == 3
    monkeypatch.delenv("EMBEDKIT_API_KEY")
    done = run("login")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "error: This needs a key of the Getty Images API. Set EMBEDKIT_API_KEY. To try embedkit without a key, run embedkit demo or embedkit sandbox.\n"
    )


# -- the port -------------------------------------------------------------------------------------------


@pytest.fixture
def page() -> Iterator[Callback]:
    with callback() as server:
        server.is_answer = lambda query: "state=s" in query
        yield server


def ask(page: Callback, target: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=30)
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, text in headers.items():
        connection.putheader(name, text)
    connection.endheaders()
    with connection.getresponse() as answer:
        return answer.status, answer.read().decode()


def test_the_port_is_of_this_machine_alone(page: Callback) -> None:
    assert page.server_address[0] == "127.0.0.1"
    assert page.url == f"http://127.0.0.1:{page.server_port}/callback"
    assert ask(page, "/") == ask(page, "/")


@pytest.mark.parametrize(
    ("target", "method", "headers", "status"),
    [
        ("/", "GET", {}, 404),
        ("/favicon.ico", "GET", {}, 404),
        (PATH, "GET", {}, 400),
        (f"{PATH}?", "GET", {}, 400),
        (f"{PATH}?code=1", "GET", {}, 400),
        (f"{PATH}?error=access_denied&state=x", "GET", {}, 400),
        (f"/x{PATH}?state=s", "GET", {}, 404),
        (f"//127.0.0.1{PATH}?state=s", "GET", {}, 404),
        (f"http://127.0.0.1{PATH}?state=s", "GET", {}, 421),
        (f"{PATH}?state=s", "POST", {}, 501),
        (f"{PATH}?state=s", "HEAD", {}, 501),
        (f"{PATH}?state=s", "OPTIONS", {}, 501),
        (f"{PATH}?state=s", "GET", {"Host": "evil.example"}, 421),
        (f"{PATH}?state=s", "GET", {"Host": "localhost"}, 421),
        (f"{PATH}?state=s", "GET", {"Host": "127.0.0.1"}, 421),
        (f"{PATH}?state=s", "GET", {"Host": ""}, 421),
    ],
)
def test_whoever_else_comes_to_the_port_does_not_end_the_wait(
    page: Callback, target: str, method: str, headers: dict[str, str], status: int
) -> None:
    assert ask(page, target, method, **headers)[0] == status
    with pytest.raises(InvalidToken, match="did not log in within 0 seconds"):
        page.wait(0)


def test_only_the_first_response_is_accepted(page: Callback) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        socket.create_connection(("127.0.0.1", page.server_port)),
    ):  # idle, like a browser's
        first = pool.submit(ask, page, f"{PATH}?code=1&state=s")
        assert page.wait(30) == "code=1&state=s"
        assert ask(page, f"{PATH}?code=2&state=s")[0] == 410
        page.reply("<b>", "a & b")
        status, text = first.result(30)
    assert status == 400
    assert "<h1>&lt;b&gt;</h1>" in text
    assert "<p>a &amp; b</p>" in text
    assert ask(page, f"{PATH}?code=3&state=s")[0] == 410


def test_the_port_is_closed_afterwards() -> None:
    with callback() as page:
        port = page.server_port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
