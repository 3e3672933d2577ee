"""D1, D2, D4: warm JSON responses for 500 random URLs, compared with a bare Flask route and with micawber in
Flask.

Measured in process, as server CPU time under gunicorn (2 workers) and ``embedkit serve``, and as one client's
latency.
"""

from __future__ import annotations

import io
import os
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import micawber
from flask import Flask, Response, jsonify, request

from embedkit import EmbedKit, Settings, create_app
from embedkit.models import Target
from tests.bench.table import Row, quartiles, ratios
from tests.support.embeds import record

URLS = 500
TARGETS: tuple[Target, ...] = ("web", "facade", "oembed", "amp", "feed", "jsonld")
SETTINGS = {
    "EMBEDKIT_SECRET": "s" * 40,
    "EMBEDKIT_RATE_LIMIT": "1000000000/minute",
    "EMBEDKIT_PUBLIC_URL": "https://e.org",
}
ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 2_000  # to a server, per round
ROUNDS = 15
TURNS = 3  # of each server per round, of which the fastest counts: scheduling on two cores varies


# -- requests -----------------------------------------------------------------------------------------------


def asked() -> list[tuple[str, str]]:
    """Return shuffled paths and queries: half for /oembed, half for /v1/embeds with several targets."""
    found = []
    for number in range(URLS):
        width = 300 + number % 7 * 40
        if number % 2:
            found.append(("/oembed", f"url=https%3A%2F%2Fgty.im%2F{600_000_000 + number}&maxwidth={width}"))
        else:
            target = TARGETS[number // 2 % len(TARGETS)]
            found.append((f"/v1/embeds/{600_000_000 + number}", f"target={target}&maxwidth={width}"))
    random.Random(1).shuffle(found)
    return found


def environ(path: str, query: str, **headers: str) -> dict[str, Any]:
    """Return the WSGI environment of a request."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


def ask(app: Callable[..., Any], request: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    started: list[tuple[str, dict[str, str]]] = []
    answer = app(dict(request), lambda status, headers, *_: started.append((status, dict(headers))))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return *started[0], body


def ask_all(app: Callable[..., Any], requests: Sequence[dict[str, Any]]) -> None:
    for one in requests:
        ask(app, one)


# -- applications -------------------------------------------------------------------------------------------


def bare() -> Flask:
    """Return an application that sends prepared bytes of the usual length."""
    app, body = Flask("bare"), b"x" * 2_000

    @app.get("/oembed")
    @app.get("/v1/embeds/<ref>")
    def ready(ref: str = "") -> Response:
        return Response(body, content_type="application/json")

    return app


def micawber_providers(urls: str = r"https?://gty\.im/\S*") -> micawber.ProviderRegistry:
    """Return micawber's providers, with a cache in memory and instant responses."""
    providers = micawber.ProviderRegistry(micawber.cache.Cache())
    provider = micawber.Provider("https://embed.gettyimages.com/oembed")
    answer = {"type": "rich", "title": "A harbour", "html": "x" * 1_600}
    provider.request = lambda url, **extra: answer | {"url": url} | extra  # instead of fetching
    providers.register(urls, provider)
    return providers


def with_micawber() -> Flask:
    """Return an application with a micawber route and a warm cache in memory."""
    app, providers = Flask("micawber"), micawber_providers()

    @app.get("/oembed")
    @app.get("/v1/embeds/<ref>")
    def embed(ref: str = "") -> Response:
        url = request.args.get("url") or f"https://gty.im/{ref}"
        return jsonify(providers.request(url, maxwidth=request.args["maxwidth"]))

    return app


def ours(kit: EmbedKit) -> Flask:
    for number in range(URLS):
        kit.cache.store(record(str(600_000_000 + number)), tld="com")
    return create_app(kit=kit)


def served() -> Flask:
    """Return the application that :func:`server` runs."""
    made = {"bare": bare, "micawber": with_micawber, "embedkit": lambda: ours(EmbedKit())}
    return made[os.environ["BENCH_SERVES"]]()


# -- in process ---------------------------------------------------------------------------------------------


def rows() -> Iterator[Row]:
    yield from _in_process()
    yield from _served("D2", "gunicorn, 2 workers", _gunicorn, _gunicorn, 1.2, 1.65)
    yield from _served("D2w", "embedkit serve, bare Flask in waitress", _waitress, _serve, 1.5, 2.0)


def _in_process() -> Iterator[Row]:
    rate, public = SETTINGS["EMBEDKIT_RATE_LIMIT"], SETTINGS["EMBEDKIT_PUBLIC_URL"]
    kit = EmbedKit(Settings(cache="memory:", secret="s" * 40, rate_limit=rate, public_url=public))
    app, requests = ours(kit), [environ(*one) for one in asked()]
    assert all(ask(app, one)[0] == "200 OK" for one in requests)
    again = [{**one, "HTTP_IF_NONE_MATCH": ask(app, one)[1]["ETag"]} for one in requests]
    assert all(ask(app, one)[0].startswith("304") for one in again)
    flask, all_ours = partial(ask_all, bare(), requests), partial(ask_all, app, requests)
    without = partial(ask_all, app.wsgi_app._next._next, requests)  # type: ignore[attr-defined]
    yield Row("D1", "bare Flask / ours, warm, 500 URLs, in process", ratios(flask, all_ours), 3, 10, False)
    found = ratios(flask, partial(ask_all, with_micawber(), requests), rounds=7)
    yield Row("", "bare Flask / micawber in Flask, the same", found, None, None, False)
    found = ratios(flask, without, rounds=3)
    yield Row("", "bare Flask / ours without the response cache", found, None, None, False)
    yield Row("D4", "304 / 200", ratios(partial(ask_all, app, again), all_ours), 1.1, 1.0)
    kit.close()


# -- under a server -----------------------------------------------------------------------------------------

Start = Callable[[str, str], list[str]]


def _served(id: str, what: str, other: Start, start: Start, gate: float, goal: float) -> Iterator[Row]:
    """Server CPU time per request with 16 clients, and the latency for one client."""
    paths = [f"{path}?{query}" for path, query in asked()]
    with (
        tempfile.TemporaryDirectory() as folder,
        server(other, "bare", folder) as flask,
        server(start, "embedkit", folder) as service,
    ):
        for one in (flask, service):
            one.load(paths * 12, clients=16)
        turns = [[(flask.cost(paths), service.cost(paths)) for _ in range(TURNS)] for _ in range(ROUNDS)]
        waits = [(flask.waits(paths), service.waits(paths)) for _ in range(ROUNDS)]
    least = [[min(costs) for costs in zip(*pairs, strict=True)] for pairs in turns]
    costs = quartiles([one / two for one, two in least])
    yield Row(id, f"bare Flask / ours, CPU a request, {what}", costs, gate, goal, False)
    p50 = quartiles([two[len(two) // 2] / one[len(one) // 2] for one, two in waits])
    yield Row("D4", f"ours / bare Flask, p50 of one client, {what}", p50, 0.9, 0.7)
    p99 = quartiles([two[len(two) * 99 // 100] / one[len(one) * 99 // 100] for one, two in waits])
    yield Row("", f"ours / bare Flask, p99 of one client, {what}", p99, None, None)


def _gunicorn(serves: str, folder: str) -> list[str]:
    return [
        *("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--threads", "8", "--worker-class", "gthread"),
        *("--keep-alive", "60", "--worker-tmp-dir", folder, "tests.bench.bench_web:served()"),
    ]


def _waitress(serves: str, folder: str) -> list[str]:
    return ["tests.bench.bench_web", "waitress"]


def _serve(serves: str, folder: str) -> list[str]:
    return ["embedkit", "serve", "--port", "0"]


class Served:
    """A server in its own processes."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port

    def cpu(self) -> float:
        """Return the CPU seconds of the server and its workers so far."""
        return sum(map(_cpu, (self._pid, *_children(self._pid))))

    def cost(self, paths: Sequence[str]) -> float:
        """Return the CPU seconds per request."""
        many = (list(paths) * (REQUESTS // len(paths) + 1))[:REQUESTS]
        before = self.cpu()
        self.load(many, clients=16)
        return (self.cpu() - before) / len(many)

    def waits(self, paths: Sequence[str]) -> list[float]:
        """Return one client's latencies in seconds, sorted."""
        return sorted(self.load(paths, clients=1))

    def load(self, paths: Sequence[str], clients: int) -> list[float]:
        """Request all paths over a number of connections, and return the seconds that each took."""
        waits: list[float] = []
        left = iter(paths)
        with selectors.DefaultSelector() as ready:
            for path in [path for _, path in zip(range(clients), left, strict=False)]:
                client = socket.create_connection(("127.0.0.1", self._port))
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(client, selectors.EVENT_READ, [b"", _send(client, path)])
            while ready.get_map():
                for key, _ in ready.select():
                    data, began = key.data
                    key.data[0] = data = data + key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not _whole(data):
                        continue
                    waits.append(time.perf_counter() - began)
                    if (path := next(left, None)) is None:
                        ready.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
                    else:
                        key.data[:] = b"", _send(key.fileobj, path)  # type: ignore[arg-type]
        return waits


def _send(client: socket.socket, path: str) -> float:
    began = time.perf_counter()
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode())
    return began


def _whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: ([0-9]+)", head)
    assert not head or head.startswith(b"HTTP/1.1 200"), head
    return bool(end and length and len(body) >= int(length[1]))


def _cpu(pid: int) -> float:
    """Return the CPU seconds of all threads of a process in nanosecond resolution; ``stat`` only has ticks."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def server(start: Start, serves: str, folder: str) -> Iterator[Served]:
    """Run a server to measure."""
    if serves == "embedkit":  # fills the cache for all processes of the server
        with EmbedKit(Settings(cache=f"sqlite:{folder}/cache.db", secret="s" * 40)) as kit:
            ours(kit)
    own = {**SETTINGS, "BENCH_SERVES": serves, "EMBEDKIT_CACHE": f"sqlite:{folder}/cache.db"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDKIT_")}
    command = [sys.executable, "-m", *start(serves, folder)]
    with subprocess.Popen(command, cwd=ROOT, env=plain | own, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process.pid, _port(process))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _port(process: subprocess.Popen[str]) -> int:
    for line in process.stderr or ():
        if found := re.search(r"http://127\.0\.0\.1:([0-9]+)", line):
            return int(found[1])
    raise AssertionError("The server of the bench does not start.")


def main() -> None:
    """Serve with waitress, with the same number of threads as ``embedkit serve``."""
    from waitress.server import create_server

    made = create_server(served(), host="127.0.0.1", port=0, threads=16)
    print(f"http://127.0.0.1:{made.effective_port}", file=sys.stderr, flush=True)
    made.run()


if __name__ == "__main__":
    main()
