"""Real servers: waitress, gunicorn, Redis."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedkit import EmbedKit, create_app
from embedkit.sandbox import SandboxServer, SandboxTransport
from embedkit.settings import Secret
from embedkit.web.rate_limit import RateLimiter
from tests.support.servers import serving
from tests.support.tools import ROOT, need
from tests.support.web import (
    ANY,
    TOKEN,
    settings,
)


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


@pytest.fixture(name="service", scope="module")
def fixture_service(sandbox: SandboxServer) -> Iterator[str]:
    """Return the URL of a service under waitress."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    rows = sandbox.settings(cache="memory:", secret="s" * 40, rate_limit="10000/minute", public_url=url)
    with EmbedKit(rows) as kit, serving(create_app(kit=kit), listening=listening):
        yield url


def get(url: str) -> tuple[int, dict[str, str], bytes]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, dict(answer.headers), answer.read()


def test_waitress_reveals_no_version(service: str) -> None:
    status, headers, _ = get(f"{service}/healthz")
    assert status == 200
    assert "waitress" not in headers.get("Server", "").lower()


def test_a_body_without_a_length_is_limited(service: str) -> None:
    """The body is chunked and larger than allowed."""
    host, port = service.removeprefix("http://").split(":")
    head = "POST /v1/embeds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            head.encode() + b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(32)) + b"0\r\n\r\n"
        )
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_gunicorn_serves_wsgi_py(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Two processes share a cache: a picture fetched by one is not fetched by the other."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDKIT_")}
    environ |= {
        "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
        "EMBEDKIT_FRAME_ORIGIN": sandbox.url,
        "EMBEDKIT_CACHE": f"sqlite:{tmp_path}/cache.db",
        "EMBEDKIT_SECRET": "s" * 40,
        "EMBEDKIT_RATE_LIMIT": "10000/minute",
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--threads", "2"]
    command += ["--worker-class", "gthread", "--preload", "--worker-tmp-dir", str(tmp_path), "wsgi:app"]
    before = sandbox.app.count("oembed")
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = _listening(server)
            found = [json.loads(get(f"{url}/v1/embeds/600777001")[2])["ref"] for _ in range(20)]
            assert found == ["600777001"] * 20
            assert get(f"{url}/readyz")[0] == 200
            assert sandbox.app.count("oembed") - before == 1
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)
            server.stderr.close()


def _listening(server: subprocess.Popen[str]) -> str:
    """Return the URL from gunicorn's log, once it responds."""
    deadline = time.monotonic() + 30
    seen = []
    for line in server.stderr:
        seen.append(line)
        if found := re.search(r"Listening at: (http://127\.0\.0\.1:[0-9]+)", line):
            return found[1]
        if time.monotonic() > deadline:
            break
    raise AssertionError("".join(seen))


@pytest.fixture(name="redis")
def fixture_redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a Redis server, and return its URL and process."""
    program = need("redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0", server
        server.terminate()


def test_machines_share_redis_and_survive_without_it(redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, server = redis
    transport = SandboxTransport()
    rows = settings(cache=url, rate_limit="5/hour")
    one, two = (create_app(kit=EmbedKit(rows, transport=transport)).test_client() for _ in range(2))
    assert one.get(f"/v1/embeds/{ANY}").json["ref"] == two.get(f"/v1/embeds/{ANY}").json["ref"] == ANY
    assert transport.app.count("oembed") == 1
    assert [client.get("/oembed").status_code for client in (one, two, one, two)] == [400, 400, 400, 429]
    limiters = [RateLimiter(rows) for _ in range(2)]
    taken = [limiters[n % 2].hit_credential(Secret(TOKEN)).allowed for n in range(6)]
    assert taken == [True] * 5 + [False]
    server.terminate()
    server.wait(timeout=10)
    answers = [one.get(f"/v1/embeds/{ANY}") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_wsgi_py_needs_no_network_or_settings(tmp_path: Path) -> None:
    script = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('network at import')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import wsgi\n"
        "assert wsgi.app.test_client().get('/healthz').status_code == 200\n"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_without_the_extra_the_error_names_the_package() -> None:
    script = (
        "import sys\n"
        "sys.modules['msgspec'] = None\n"
        "from embedkit.errors import ConfigurationError\n"
        "try:\n"
        "    from embedkit import create_app\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install '.[server]'" in run.stdout
