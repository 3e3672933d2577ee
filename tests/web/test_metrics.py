"""Metrics for Prometheus: what is counted, access, and several workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cachelib import BaseCache
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from embedkit import ConfigurationError, EmbedKit, Settings, create_app, create_blueprint
from embedkit.sandbox import SandboxServer, SandboxTransport
from embedkit.web.metrics import BREAKER, LOOKUPS, THROTTLES
from embedkit.web.openapi import ROUTES
from tests.support.servers import gunicorn
from tests.support.tools import Clock
from tests.support.web import (
    ADMIN,
    ANY,
    EXAMPLE,
    KEYS,
    TOKEN,
    WITHDRAWN,
    World,
    bearer,
    settings,
    world,
)

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(text: str) -> Series:
    """Parse a response of /metrics, by name and labels, without the creation times of counters."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if not one.name.endswith("_created")
    }


def seen(made: World) -> Series:
    return series(made.client.get("/metrics").text)


def value(found: Series, name: str, **labels: str) -> float:
    return found.get((f"embedkit_{name}", tuple(sorted(labels.items()))), 0.0)


@pytest.fixture(name="made")
def fixture_made() -> World:
    return world(metrics="open", **KEYS, search_access="open")


@pytest.fixture(name="networked")
def fixture_networked() -> Iterator[tuple[World, SandboxServer]]:
    """Create a service that calls the sandbox over the network."""
    with SandboxServer() as sandbox:
        rows = sandbox.settings(cache="memory:", secret="s" * 40, rate_limit="10000/minute", metrics="open")
        with EmbedKit(rows) as kit:
            app = create_app(kit=kit)
            yield World(app, app.test_client(), kit, sandbox.app), sandbox


# -- access -----------------------------------------------------------------------------------


def test_metrics_are_off_by_default() -> None:
    answer = world(admin_token=(ADMIN,)).client.get("/metrics", headers=bearer(ADMIN))
    assert (answer.status_code, answer.json["code"]) == (404, "no-route")


def test_open_metrics_are_public_and_not_cacheable(made: World) -> None:
    answer = made.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert made.client.post("/metrics").status_code == 405


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("x" * 40, 403), (TOKEN, 200), (ADMIN, 200)])
def test_metrics_require_a_token(token: str | None, status: int) -> None:
    client = world(metrics="token", tokens=TOKEN, admin_token=ADMIN).client
    answer = client.get("/metrics", headers=bearer(token) if token else {})
    assert answer.status_code == status
    assert ("embedkit_" in answer.text) is (status == 200)


def test_a_grant_cannot_read_metrics() -> None:
    client = world(metrics="token", tokens=TOKEN).client
    grant = client.post("/v1/grants", headers=bearer(TOKEN)).json["grant"]
    assert client.get("/metrics", headers=bearer(grant)).status_code == 403


def test_metrics_without_any_token_fail_at_startup() -> None:
    with pytest.raises(ConfigurationError, match="Set EMBEDKIT_ADMIN_TOKEN or EMBEDKIT_TOKENS"):
        world(metrics="token")


@pytest.mark.parametrize("yes", [True, False])
def test_the_hosts_login_or_a_token_can_read_metrics(yes: bool) -> None:
    asked: list[str] = []

    def authorize(action: str) -> bool:
        asked.append(action)
        return yes

    client = world(authorize, metrics="token", tokens=TOKEN).client
    assert client.get("/metrics").status_code == (200 if yes else 403)
    assert asked == ["metrics"]
    assert client.get("/metrics", headers=bearer(TOKEN)).status_code == 200


def test_a_missing_multiprocess_folder_fails_at_startup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    with pytest.raises(ConfigurationError, match=r"is not a folder\. Create it"):
        world(metrics="open")


def test_startup_without_the_library_names_the_package(tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ModuleNotFoundError('no', name='prometheus_client')")
    code = "from embedkit import Settings, create_app; create_app(Settings(cache='memory:', metrics='open'))"
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert (
        "ConfigurationError: EMBEDKIT_METRICS needs the package prometheus_client. In a clone of embedkit, run: pip install"
        in done.stderr
    )


# -- what is counted -----------------------------------------------------------------------------------


def test_lookups_are_counted_by_result(made: World) -> None:
    for ref in (EXAMPLE, EXAMPLE, EXAMPLE, WITHDRAWN, WITHDRAWN):
        made.client.get(f"/v1/embeds/{ref}")
    made.client.post("/v1/render", json={"content": f"[getty {EXAMPLE}] [getty {ANY}]"})
    made.client.post("/v1/render", json={"content": f"[getty {EXAMPLE}] [getty {ANY}]"})
    found = seen(made)
    counts = {outcome: value(found, "lookups_total", outcome=outcome) for outcome in LOOKUPS}
    assert counts["miss"] == 3  # EXAMPLE, WITHDRAWN, ANY: once each
    assert counts["negative"] == 1
    assert counts["hit"] >= 4
    assert counts["stale"] == 0


def test_stale_copies_and_rescues_are_counted() -> None:
    clock, transport = Clock(), SandboxTransport()
    rows = settings(metrics="open", max_age=100, stale_while_revalidate=100, stale_if_error=1000)
    client = create_app(kit=EmbedKit(rows, transport=transport, clock=clock, background=False)).test_client()
    assert client.get(f"/v1/embeds/{EXAMPLE}").status_code == 200
    transport.app.faults.add("status", status=503, count=None)
    for seconds in (150, 300):  # then stale, then only for outages
        clock.now += seconds
        assert client.get(f"/v1/embeds/{EXAMPLE}").status_code == 200
    found = series(client.get("/metrics").text)
    counts = {outcome: value(found, "lookups_total", outcome=outcome) for outcome in LOOKUPS}
    assert counts == {"hit": 0, "stale": 1, "negative": 0, "miss": 2}
    assert value(found, "rescues_total") == 1


def test_cached_responses_are_counted_as_hits() -> None:
    """One request for a picture is one lookup, whichever cache it is served from."""
    made = world(metrics="open")
    for _ in range(50):
        made.client.get(f"/v1/embeds/{EXAMPLE}")
    found = seen(made)
    assert value(found, "lookups_total", outcome="hit") == 49
    assert value(found, "lookups_total", outcome="miss") == 1


def test_coalesced_callers_are_counted() -> None:
    asked, go = threading.Event(), threading.Event()

    class Slow(SandboxTransport):
        def send(self, request: Any) -> Any:
            asked.set()
            assert go.wait(30)
            return super().send(request)

    kit = EmbedKit(settings(metrics="open"), transport=Slow())
    client = create_app(kit=kit).test_client
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(kit.resolve, EXAMPLE)
        assert asked.wait(30)
        others = [pool.submit(kit.resolve, EXAMPLE) for _ in range(4)]
        while value(series(client().get("/metrics").text), "coalesced_total", among="thread") < 4:
            pass
        go.set()
        assert {one.result(30).ref for one in (first, *others)} == {kit.parse(EXAMPLE)}


def test_upstream_calls_are_counted_by_outcome(networked: tuple[World, SandboxServer]) -> None:
    made, sandbox = networked
    made.client.get(f"/v1/embeds/{EXAMPLE}")
    made.client.get(f"/v1/embeds/{WITHDRAWN}")
    sandbox.app.faults.add("status", status=503, count=1)
    made.client.get(f"/v1/embeds/{ANY}")
    found = seen(made)
    calls = {
        outcome: value(found, "upstream_calls_total", endpoint="oembed", outcome=outcome) for outcome in OUTCOMES
    }
    assert calls == {"ok": 2, "client-error": 1, "server-error": 0, "unavailable": 0}
    assert value(found, "upstream_seconds_count", endpoint="oembed") == 3
    assert value(found, "upstream_tries_total", endpoint="oembed") == 4
    assert value(found, "upstream_breaker", endpoint="oembed", state="closed") == 1


OUTCOMES = ("ok", "client-error", "server-error", "unavailable")


def test_an_outage_shows_its_breaker_and_the_calls_not_made(networked: tuple[World, SandboxServer]) -> None:
    made, sandbox = networked
    sandbox.app.faults.add("drop", count=None)
    for number in range(8):
        made.client.get(f"/v1/embeds/60000010{number}")
    found = seen(made)
    assert value(found, "upstream_calls_total", endpoint="oembed", outcome="unavailable") == 5
    assert value(found, "upstream_refused_total", endpoint="oembed", code="unavailable") == 3
    states = {state: value(found, "upstream_breaker", endpoint="oembed", state=state) for state in BREAKER}
    assert states == {"closed": 0, "half-open": 0, "open": 1}


def test_throttling_shows_its_end(networked: tuple[World, SandboxServer]) -> None:
    made, sandbox = networked
    sandbox.app.faults.add("status", status=429, count=None, retry_after=50)
    made.client.get(f"/v1/embeds/{EXAMPLE}")
    found = seen(made)
    until = {
        why: value(found, "upstream_throttled_until_timestamp_seconds", endpoint="oembed", reason=why)
        for why in THROTTLES
    }
    assert until["quota-exhausted"] == 0
    assert until["rate-limited"] > 1_700_000_000
    assert value(found, "upstream_calls_total", endpoint="oembed", outcome="throttled") == 1


def test_store_failures_are_counted() -> None:
    class Broken(BaseCache):
        def get(self, key: str) -> Any:
            raise OSError("no")

        def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
            raise OSError("no")

    kit = EmbedKit(settings(metrics="open"), transport=SandboxTransport(), cache=Broken())
    client = create_app(kit=kit).test_client()
    for number in range(8):
        assert client.get(f"/v1/embeds/60000020{number}").status_code == 200
    found = series(client.get("/metrics").text)
    assert value(found, "store_failures_total", kind="failure") >= 5
    assert value(found, "cache_up") == 0


def test_the_remaining_search_budget_is_shown(made: World) -> None:
    assert "search_budget" not in made.client.get("/metrics").text
    limited = world(metrics="open", **KEYS, search_access="open", search_budget=50)
    assert value(seen(limited), "search_budget_remaining") == 50
    assert limited.client.get("/v1/search?q=eclipse").status_code == 200
    assert value(seen(limited), "search_budget_remaining") == 49


# -- cardinality ------------------------------------------------------------------------


def test_no_label_is_taken_from_a_request(made: World) -> None:
    hostile = [
        "/v1/embeds/1%0a2",
        "/nope/CANARY",
        '/"}%201%0aembedkit_forged{x="',
        f"/v1/embeds/{ANY}?CANARY=1",
        "//CANARY",
    ]
    for path in hostile:
        made.client.get(
            path, headers={"Host": "canary.example.org", "User-Agent": "CANARY", "X-Request-ID": "CANARY"}
        )
        made.client.open(path, method="CANARY")
    text = made.client.get("/metrics").text
    assert "canary" not in text.lower()
    assert ANY not in text
    assert "forged" not in text


def test_the_number_of_series_is_that_of_the_routes(made: World) -> None:
    for number in range(300):
        made.client.get(f"/v1/embeds/6{number:08}")
        made.client.get(f"/{number}")
    allowed = {route.rule for route in ROUTES} | {"none", "/", "/static/<path:filename>"}
    found = seen(made)
    routes = {dict(labels)["route"] for name, labels in found if name == "embedkit_http_requests_total"}
    assert routes == {"/v1/embeds/<ref>", "none"}
    assert routes <= allowed
    assert len(found) < 60


def test_no_version_and_no_secret(made: World) -> None:
    text = made.client.get("/metrics").text
    assert not re.search(r"python_info|version|implementation", text)
    assert KEYS["api_key"] not in text


def test_a_blueprint_counts_only_its_own_requests() -> None:
    app = Flask("host")
    kit = EmbedKit(settings(metrics="open"), transport=SandboxTransport())
    app.register_blueprint(create_blueprint(kit), url_prefix="/getty")
    client = app.test_client()
    assert [client.get(f"/getty/v1/embeds/{EXAMPLE}").status_code for _ in range(3)] == [200] * 3
    assert client.get("/else").status_code == 404
    found = series(client.get("/getty/metrics").text)
    counted = {key: one for key, one in found.items() if key[0] == "embedkit_http_requests_total"}
    assert list(counted.values()) == [3.0]
    assert ("route", "/getty/v1/embeds/<ref>") in next(iter(counted))[1]
    assert value(found, "lookups_total", outcome="hit") == 2


def test_a_kit_without_metrics_counts_nothing() -> None:
    from embedkit.cache.memory import CountedMemo

    plain, counted = (EmbedKit(settings(metrics=word)) for word in ("off", "open"))
    assert not isinstance(plain._memo, CountedMemo)
    assert isinstance(counted._memo, CountedMemo)
    assert Settings().metrics == "off"


# -- several workers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("preload", [False, True])
def test_gunicorn_workers_add_up(tmp_path: Path, preload: bool) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with SandboxServer() as sandbox:
        environ = {
            "EMBEDKIT_OEMBED_ENDPOINT": f"{sandbox.url}/oembed",
            "EMBEDKIT_FRAME_ORIGIN": sandbox.url,
            "EMBEDKIT_CACHE": f"sqlite:{tmp_path}/cache.db",
            "EMBEDKIT_SECRET": "s" * 40,
            "EMBEDKIT_RATE_LIMIT": "10000/minute",
            "EMBEDKIT_METRICS": "open",
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
        }
        with gunicorn(tmp_path, environ, "--preload" if preload else "--threads=2") as server:
            asked, pids = 0, set[str]()
            while len(pids) < 2 or asked < 60:  # any free worker handles a request
                assert server.get(f"/v1/embeds/6{asked % 20:08}")[0] == 200
                asked += 1
                assert asked < 5_000, "one worker did it all"
                pids = {path.name for path in folder.glob("counter_*.db") if b"/v1/embeds" in path.read_bytes()}
            found = [series(server.get("/metrics")[2].decode()) for _ in range(6)]
            calls = sandbox.app.count("oembed")
            os.kill(int(re.findall(r"\d+", min(pids))[0]), signal.SIGKILL)
            server.wait_for("was sent SIGKILL")
            found.append(series(server.get("/metrics")[2].decode()))  # the counts of a dead worker are kept
    for one in found:  # whichever worker responds
        assert value(one, "http_requests_total", route="/v1/embeds/<ref>", method="GET", status="200") == asked
        assert sum(value(one, "lookups_total", outcome=outcome) for outcome in LOOKUPS) == asked
        assert value(one, "upstream_calls_total", endpoint="oembed", outcome="ok") == calls == 20
        assert value(one, "cache_up") == 1
