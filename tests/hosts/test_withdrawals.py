"""Withdrawn pictures disappear from two instances that share a Redis, and from Varnish in front of them."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedkit.sandbox import SandboxServer
from tests.hosts.test_deploy import DEPLOY, free_ports
from tests.support.cli import sandbox_environ
from tests.support.serve import TIMEOUT_S, ServerProcess, serve
from tests.support.stores import redis
from tests.support.tools import need

IDS = [str(600_930_000 + number) for number in range(20)]
STAYS = ["74917285", "600930020", "600930120"]


@dataclass
class Front:
    """Varnish, its two backend services, and their upstream."""

    port: int
    services: list[ServerProcess]
    sandbox: SandboxServer

    def ask(self, path: str, method: str = "GET", port: int = 0, **headers: str) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=TIMEOUT_S)
        connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}

    def everywhere(self, id: str) -> set[int]:
        """Return the statuses of a picture from Varnish and each service, as JSON, oEmbed and frame page."""
        paths = (f"/v1/embeds/{id}", f"/oembed?url=https://gty.im/{id}", f"/embed/{id}")
        ports = (self.port, *(one.port for one in self.services))
        return {self.ask(path, port=port)[0] for path in paths for port in ports}


@contextmanager
def varnish(folder: Path, port: int, behind: list[int]) -> Iterator[None]:
    """Run Varnish with the example's configuration, adapted to this test's ports."""
    text = (DEPLOY / "varnish.vcl").read_text("utf-8")
    for old, new in zip(('.port = "8080"', '.port = "8081"'), behind, strict=True):
        assert old in text
        text = text.replace(old, f'.port = "{new}"')
    (folder / "embedkit.vcl").write_text(text, "utf-8")
    command = [need("varnishd"), "-F", "-j", "none", "-n", str(folder / "work"), "-a", f"127.0.0.1:{port}"]
    command += ["-f", str(folder / "embedkit.vcl"), "-s", "malloc,16m", "-p", "thread_pool_min=5"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for(lambda: process.poll() is not None or is_listening(port))
            assert process.poll() is None, (folder / "log").read_text("utf-8", "replace")
            yield
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def settings(sandbox: SandboxServer, store: str, front: int, folder: Path) -> dict[str, str]:
    """Return the settings of a service that follows the asset-change feed and purges Varnish."""
    rows = {name.removeprefix("EMBEDKIT_"): value for name, value in sandbox_environ(sandbox.url, folder).items()}
    rows |= {"CACHE": store, "CHANGE_FEED": "0.3", "PURGE_URLS": f"http://127.0.0.1:{front}"}
    rows |= {"LOG_FORMAT": "text", "TRUSTED_HOPS": "1"}
    rows.pop("XDG_CACHE_HOME")
    return rows


@pytest.fixture(name="front", scope="module")
def fixture_front(tmp_path_factory: pytest.TempPathFactory, searchable: None) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("varnish")
    (port,) = free_ports(1)
    with SandboxServer() as sandbox, redis() as store:
        rows = settings(sandbox, store.url, port, folder)
        with (
            serve(sandbox.url, **rows) as one,
            serve(sandbox.url, **rows) as two,
            varnish(folder, port, [one.port, two.port]),
        ):
            yield Front(port, [one, two], sandbox)


def test_withdrawn_pictures_disappear_from_all_servers(front: Front) -> None:
    for id in (*IDS, *STAYS):
        assert front.everywhere(id) == {200}
        status, headers = front.ask(f"/v1/embeds/{id}")
        assert (status, headers["x-cache"]) == (200, "HIT")
        kept = dict(part.partition("=")[::2] for part in headers["cache-control"].split(", "))
        assert int(kept["max-age"]) <= 60 < int(kept["s-maxage"])
        assert not {"age", "surrogate-key", "x-request-id"} & headers.keys()
    for id in IDS:
        front.sandbox.app.withdraw(id)
    for id in IDS:
        wait_for(lambda id=id: front.everywhere(id) == {404})  # type: ignore[misc]
    for id in STAYS:
        assert front.ask(f"/v1/embeds/{id}")[1]["x-cache"] == "HIT"
    logs = "".join(one.stderr for one in front.services)
    assert all(f'picture="{id}"' in logs for id in IDS)


def test_who_may_purge_pictures(front: Front) -> None:
    assert front.ask("/v1/embeds/74917285")[0] == 200
    for key in ("getty-1|.*", "", "getty-1 || obj.status != 0", ".*"):
        assert front.ask("/", "BAN", Surrogate_Key=key)[0] == 400
    for other in ("getty-7491728", "getty-749172850 getty-4917285"):
        assert front.ask("/", "BAN", Surrogate_Key=other)[0] == 200
    assert front.ask("/v1/embeds/74917285")[1]["x-cache"] == "HIT"
    assert front.ask("/", "BAN", Surrogate_Key="getty-1 getty-74917285 getty-2")[0] == 200
    assert front.ask("/v1/embeds/74917285")[1]["x-cache"] == "MISS"


def test_a_process_killed_while_reading_the_feed_is_replaced(tmp_path: Path, searchable: None) -> None:
    """The dead process's claim expires on its own, ten seconds after its last call must have ended."""
    id = "600930099"
    port, first, second = free_ports(3)
    with SandboxServer() as sandbox, redis() as store, varnish(tmp_path, port, [first, second]):
        rows = settings(sandbox, store.url, port, tmp_path) | {"TIMEOUT": "5"}
        with serve(sandbox.url, "--port", str(first), **rows) as one:
            front = Front(port, [one], sandbox)
            wait_for(lambda: front.everywhere(id) == {200})
            sandbox.app.faults.add("hang", route="v3")
            wait_for(lambda: not tuple(sandbox.app.faults))
        sandbox.app.withdraw(id)
        assert front.ask(f"/v1/embeds/{id}")[0] == 200  # from Varnish, which was not purged
        with serve(sandbox.url, "--port", str(second), **rows) as two:
            wait_for(lambda: front.ask(f"/v1/embeds/{id}", port=two.port)[0] == 404)
            wait_for(lambda: front.ask(f"/v1/embeds/{id}")[0] == 404)
