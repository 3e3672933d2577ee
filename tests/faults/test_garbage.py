"""Maintenance pages instead of responses: they count as failures of the endpoint, and recovery takes a minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedkit import Embed, EmbedKit, InvalidResponse, Settings
from embedkit.freshness import outage_for
from embedkit.getty import oembed
from embedkit.messages import Response
from embedkit.models import AssetRef
from embedkit.sandbox import SandboxServer
from embedkit.transport.client import HttpTransport
from tests.support.oembed import read
from tests.support.stores import STORES, store_url
from tests.support.tools import Clock

MINUTE = 60
OUTAGES = ("not-json", "empty", "malformed", "redirect", "firewall", "large", "status")


def ids(count: int) -> list[str]:
    return [f"6004004{number:02}" for number in range(count)]


class Site:
    """A process of a site: a kit over HTTP, with adjustable clocks."""

    def __init__(self, settings: Settings) -> None:
        self.clock, self.monotonic = Clock(time.time), Clock(time.monotonic)
        transport = HttpTransport(timeout=settings.timeout, concurrency=settings.concurrency, clock=self.monotonic)
        self.kit = EmbedKit(settings, clock=self.clock, transport=transport)

    def later(self, seconds: float) -> None:
        self.clock.ahead += seconds
        self.monotonic.ahead += seconds


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


@pytest.fixture(name="sites")
def fixture_sites(request: pytest.FixtureRequest, sandbox: SandboxServer, tmp_path: Path) -> Iterator[list[Site]]:
    """Two processes with a shared store."""
    sandbox.app.faults.clear()
    with store_url(getattr(request, "param", "sqlite"), tmp_path) as url:
        rows = sandbox.settings(cache=url, secret="s" * 40, timeout=2)
        sites = [Site(rows) for _ in range(2)]
        yield sites
        for site in sites:
            site.kit.close()


def outage(sites: list[Site], sandbox: SandboxServer) -> None:
    """An hour-long outage in which every process requests the same pictures every five minutes."""
    for _ in range(12):
        for site in sites:
            assert not any(isinstance(one, Embed) for one in site.kit.resolve_many(ids(8)))
            site.later(5 * MINUTE)
    for site in sites:
        site.kit.resolve_many(ids(8))
    sandbox.app.faults.clear()


@pytest.mark.parametrize("sites", STORES, indirect=True)
def test_recovery_takes_a_minute(sites: list[Site], sandbox: SandboxServer) -> None:
    """This includes the pictures requested during the outage, however often, and in every process."""
    sandbox.app.faults.add("not-json", count=None)
    outage(sites, sandbox)
    for site in sites:
        site.later(MINUTE)
        assert all(isinstance(one, Embed) for one in site.kit.resolve_many(ids(8)))


@pytest.mark.parametrize("kind", OUTAGES)
def test_every_kind_of_garbage_opens_the_breaker(sites: list[Site], sandbox: SandboxServer, kind: str) -> None:
    sandbox.app.faults.add(kind, count=None)
    sites[0].kit.resolve_many(ids(20))
    assert sites[0].kit.status()["upstream"]["oembed"]["breaker"] == "open"
    sandbox.app.faults.clear()
    sites[0].later(MINUTE)
    assert all(isinstance(one, Embed) for one in sites[0].kit.resolve_many(ids(20)))


@pytest.mark.parametrize("kind", ["mismatch", "hostile"])
def test_oembed_responses_wrong_for_every_picture_open_the_breaker(
    sites: list[Site], sandbox: SandboxServer, kind: str
) -> None:
    sandbox.app.faults.add(kind, count=None)
    outage(sites, sandbox)
    for site in sites:
        site.later(MINUTE)
    for site in sites:
        assert all(isinstance(one, Embed) for one in site.kit.resolve_many(ids(10)))


@pytest.mark.parametrize("kind", ["not-json", "malformed"])
def test_a_picture_with_garbage_does_not_affect_others(
    sites: list[Site], sandbox: SandboxServer, kind: str
) -> None:
    poison, *others = ids(6)
    sandbox.app.faults.add(kind, count=None, item=poison)
    before = sandbox.app.count("oembed")
    for other in others:
        for _ in range(20):
            assert isinstance(sites[0].kit.resolve_many([poison])[0], InvalidResponse)
        assert isinstance(sites[0].kit.resolve(other), Embed)
        sites[0].later(35)
    assert sandbox.app.count("oembed") - before <= 2 * len(others) + 2 * len(others)  # one retry at most
    assert sites[0].kit.status()["upstream"]["oembed"]["breaker"] == "closed"


def test_a_rejected_picture_is_retried_at_growing_intervals(sites: list[Site], sandbox: SandboxServer) -> None:
    """This is attributed to the picture, because the response is oEmbed, but its markup can't be used."""
    refused, *others = ids(12)
    sandbox.app.faults.add("hostile", count=None, item=refused)
    times = []
    for other in others:
        before = sandbox.app.count("oembed")
        sites[0].kit.resolve_many([refused])
        times.append(sandbox.app.count("oembed") - before)
        assert isinstance(sites[0].kit.resolve(other), Embed)
        sites[0].later(MINUTE + 1)
    assert times[:4] == [1, 1, 0, 1]  # 60 s, then 120 s
    assert sites[0].kit.status()["upstream"]["oembed"]["breaker"] == "closed"


def test_an_outage_does_not_extend_the_interval_of_a_rejected_picture() -> None:
    policy = Settings(cache="memory:").policy
    assert outage_for(policy) == 30
    assert outage_for(Settings(negative_max_age=20).policy) == 2


PAGE = b"<!doctype html><title>We will be back soon</title>"


@pytest.mark.parametrize(
    ("response", "own"),
    [
        (Response(200, body=PAGE), False),
        (Response(200, body=b'{"maintenance": true}'), False),
        (Response(200, body=b'{"message": "back soon", "type": "error"}'), False),
        (Response(200, body=b""), False),
        (Response(200, body=b"[]"), False),
        (Response(200, body=b'{"type": "rich", "version": "1.0"'), False),
        (Response(200, body=b'{"type": "rich", "version": "1.0"}'), True),
        (Response(200, body=b'{"type": "link", "version": "2.0"}'), True),
        (Response(204), False),
        (Response(206, body=b"{}"), False),
        (Response(400), True),
        (Response(400, body=b'{"message": "Invalid URL"}'), True),
        (Response(400, body=PAGE), False),
        (Response(401, body=PAGE), False),
        (Response(403, body=PAGE), False),
        (Response(403, body=b'{"message": "ImageNotEmbeddable"}'), True),
        (Response(404, body=PAGE), True),  # a takedown counts, whatever the body
        (Response(404, body=b"<h1>Access Denied</h1> Reference #18.1"), False),
        (Response(410), True),
        (Response(429, body=PAGE), True),
        (Response(500, body=b"{}"), False),
        (Response(501), True),
        (Response(501, body=PAGE), False),
        (Response(503, body=PAGE), False),
    ],
    ids=lambda value: f"{value.status} {value.body[:20]!r}" if isinstance(value, Response) else "",
)
def test_responses_attributed_to_the_endpoint(response: Response, own: bool) -> None:
    assert oembed.recognizes(response) is own
    if own or response.status >= 500 or response.status in (401, 403, 404):
        return
    with pytest.raises(Exception) as caught:  # noqa: PT011 - either class; only the attribute matters
        read(response, AssetRef(("1",)), tld="com")
    assert getattr(caught.value, "outage", True)
