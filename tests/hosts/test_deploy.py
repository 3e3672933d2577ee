"""examples/deploy with the real programs: nginx as reverse proxy, gunicorn, and systemd's unit file."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from embedkit.settings import Settings
from tests.support.serve import (
    TIMEOUT_S,
    GatedUpstream,
    ServerProcess,
    environment,
    gated_upstream,
    requesting,
    serve,
)
from tests.support.tools import ROOT, need

DEPLOY = ROOT / "examples" / "deploy"
NAME = "embeds.example.org"
MAIN = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/embedkit.conf;
}}
"""


@dataclass
class Front:
    """nginx in front of a service, as clients use it."""

    plain: int
    port: int
    context: ssl.SSLContext
    service: ServerProcess
    upstream: GatedUpstream

    def connect(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S, source_address=(source, 0))
        return self.context.wrap_socket(made, server_hostname=NAME)

    def ask(
        self, path: str, source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = self.connect(source)
        connection.request("GET", path, headers={"Host": NAME, **headers})
        answer = connection.getresponse()
        found = answer.status, answer.headers, answer.read()
        connection.close()
        return found


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def nginx(folder: Path, service: ServerProcess, upstream: GatedUpstream, **changes: str) -> Iterator[Front]:
    """Run nginx with the example's configuration, adapted to this test's ports, folders and certificates."""
    program = need("nginx") if shutil.which("nginx") else need("/usr/sbin/nginx")
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "leaf.pem"))
    plain, port = free_ports(2)
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    replaced = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "server 127.0.0.1:8080;": f"server 127.0.0.1:{service.port};",
        "/etc/letsencrypt/live/embeds.example.org/fullchain.pem": f"{folder}/leaf.pem",
        "/etc/letsencrypt/live/embeds.example.org/privkey.pem": f"{folder}/leaf.pem",
        "/var/cache/nginx/embedkit": f"{folder}/cache",
        **changes,
    }
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "embedkit.conf").write_text(text, "utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user), "utf-8")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    command = [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            _wait_for(port, process, folder)
            yield Front(plain, port, context, service, upstream)
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)


def _wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        log = folder / "error.log"
        assert process.poll() is None, log.read_text() if log.exists() else ""
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nginx does not listen")


@contextmanager
def harness(folder: Path, changes: dict[str, str] | None = None, **rows: str) -> Iterator[Front]:
    with gated_upstream() as upstream:
        upstream.open.set()
        ours = {"PUBLIC_URL": f"https://{NAME}", "TRUSTED_HOSTS": NAME, "TRUSTED_HOPS": "1"}
        with (
            serve(upstream.url, **ours | rows) as service,
            nginx(folder, service, upstream, **changes or {}) as front,
        ):
            yield front


@pytest.fixture(name="front", scope="module")
def fixture_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with harness(tmp_path_factory.mktemp("nginx"), RATE_LIMIT="1000/hour") as made:
        yield made


HEAD = b"POST /v1/render HTTP/1.1\r\nHost: embeds.example.org\r\nContent-Type: application/json\r\n"
BEGINNINGS = {
    "idle": b"",
    "slow headers": b"GET /oembed HTTP/1.1\r\nHost: embeds.exam",
    "slow bodies": HEAD + b'Content-Length: 1000\r\n\r\n{"content": ',
    "slow chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\n{",
}


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_130_slow_connections_do_not_block_others(front: Front, kind: str) -> None:
    with ExitStack() as stack:
        for _ in range(130):
            client = stack.enter_context(front.connect("127.0.0.2"))
            if BEGINNINGS[kind]:
                client.sendall(BEGINNINGS[kind])
        assert front.ask("/healthz")[0] == 200
        assert front.ask("/healthz", source="127.0.0.2")[0] == 200
        assert front.ask("/v1/embeds/600900900")[0] == 200


def test_130_connections_without_a_tls_handshake(front: Front) -> None:
    with ExitStack() as stack:
        for port in (front.port, front.plain):
            for _ in range(65):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S))
        assert front.ask("/healthz")[0] == 200


def test_concurrent_requests_per_client_are_limited(front: Front) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(front.connect("127.0.0.3")) for _ in range(40)]
        for client in clients:
            client.sendall(BEGINNINGS["slow bodies"])
        refused: set[ssl.SSLSocket] = set()
        end = time.monotonic() + TIMEOUT_S
        while len(refused) < 40 - 32 and time.monotonic() < end:
            refused |= set(select.select([one for one in clients if one not in refused], [], [], 1.0)[0])
        assert len(refused) == 40 - 32
        assert front.ask("/v1/embeds/600900900", source="127.0.0.3")[0] == 429
        assert front.ask("/healthz", source="127.0.0.3")[0] == 200
        assert all(b" 429 " in client.recv(100) for client in refused)


@pytest.mark.parametrize("kind", ["idle", "slow headers", "slow bodies"])
def test_slow_clients_are_cut_off(tmp_path: Path, kind: str) -> None:
    """With short timeouts in the example's configuration, nginx cuts off clients even if they keep sending."""
    changes = {"header_timeout 10s": "header_timeout 1s", "body_timeout 10s": "body_timeout 1s"}
    with harness(tmp_path, changes) as front, front.connect() as client:
        client.sendall(BEGINNINGS[kind])
        try:
            response = b"".join(iter(lambda: client.recv(4096), b""))
        except ConnectionResetError:
            response = b""
        assert not response or b" 408 " in response


def test_headers_about_the_client_can_not_be_forged(tmp_path: Path) -> None:
    with harness(tmp_path, RATE_LIMIT="2/hour") as front:
        lies = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "canary.example", "Forwarded": "for=192.0.2.2"}
        assert [front.ask("/oembed?url=x", **lies)[0] for _ in range(3)] == [404, 404, 429]
        assert front.ask("/oembed?url=x", source="127.0.0.2")[0] == 404
        for path in ("/", "/docs", "/embed/600900901", "/oembed/providers.json"):
            status, headers, body = front.ask(path, Host="canary.example", **lies)
            assert b"canary" not in body + str(headers).encode()
            assert status in (200, 429)


def test_responses_are_cached_according_to_their_headers(front: Front) -> None:
    path = "/v1/embeds/600900902"
    assert [front.ask(path)[1]["X-Cache"] for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert front.ask("/oembed?url=x")[1]["X-Cache"] == front.ask("/oembed?url=x")[1]["X-Cache"] == "MISS"
    assert front.ask("/", **{"Accept-Encoding": "identity"})[1]["Strict-Transport-Security"]


def test_readiness_is_only_visible_on_this_machine(front: Front) -> None:
    assert front.ask("/readyz")[0] == 200
    assert front.ask("/readyz", source="127.0.0.9")[0] == 403


def test_plain_http_redirects_to_https(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=TIMEOUT_S)
    connection.request("GET", "/embed/1", headers={"Host": "canary.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/embed/1")
    connection.close()


# -- gunicorn and the container ------------------------------------------------------------------------


def container_command() -> list[str]:
    """Return the container's command, with the path of the configuration file in this repository."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    program, *arguments = json.loads(re.findall(r"^CMD (\[.+\])$", text, re.M)[-1])
    config = re.search(r"^COPY examples/deploy/gunicorn.conf.py (\S+)$", text, re.M)
    assert program == "gunicorn"
    assert config
    assert "STOPSIGNAL SIGTERM" in text
    here = [argument.replace(config[1], str(DEPLOY / "gunicorn.conf.py")) for argument in arguments]
    return [sys.executable, "-m", "gunicorn", *here]


@contextmanager
def container(upstream: GatedUpstream, **rows: str) -> Iterator[ServerProcess]:
    command = [*container_command(), "--bind=127.0.0.1:0"]
    child = ServerProcess(
        command, environment(upstream.url, **rows), r"Listening at: http://127\.0\.0\.1:([0-9]+)"
    )
    try:
        yield child
    finally:
        child.end()


def test_the_container_finishes_what_is_in_flight() -> None:
    ids = [f"6009010{number:02}" for number in range(8)]
    with gated_upstream() as upstream, container(upstream) as child:
        with requesting(child, [f"/v1/embeds/{ref}" for ref in ids]) as answers:
            upstream.wait_for(8)
            child.send_signal()
            child.wait_for_line("Handling signal: term")
            upstream.open.set()
        assert [status for status, _ in answers] == [200] * 8
        assert child.wait() == 0


def test_the_container_responds_while_other_requests_wait_for_getty() -> None:
    """Even if one worker gets all 64 requests: a quarter of its threads never waits for Getty."""
    with gated_upstream() as upstream, container(upstream) as child:
        with requesting(child, [f"/v1/embeds/{600_001_000 + number}" for number in range(64)]) as answers:
            upstream.wait_for(8)
            for _ in range(4):
                assert child.get("/healthz")[0] == 200
            upstream.open.set()
        assert {status for status, _ in answers} <= {200, 503}
        assert sum(status == 200 for status, _ in answers) >= 24


def test_headers_can_not_set_the_path_of_the_service() -> None:
    """gunicorn accepts SCRIPT_NAME and PATH_INFO as headers from this machine."""
    with gated_upstream() as upstream, container(upstream) as child:
        for name in ("SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO"):
            status, body = child.get("/docs", **{name: "/docs/canary" if "PATH" in name else "/canary"})
            assert status in (200, 400)
            assert b"canary" not in body


# -- systemd -------------------------------------------------------------------------------------------


def unit() -> dict[str, str]:
    lines = (DEPLOY / "embedkit.service").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def test_the_unit_stops_the_service_gracefully() -> None:
    """Its command and stop signal are those of test_serve, and its stop timeout is longer than they take."""
    found = unit()
    assert re.search(r"/embedkit serve ", found["ExecStart"])
    assert found["KillSignal"] == "SIGTERM"
    assert int(found["TimeoutStopSec"]) > Settings().timeout + 2
    assert int(found["LimitNOFILE"]) >= 1024
