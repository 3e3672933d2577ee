"""What Getty's feed of asset changes names disappears, and nothing that it names is lost."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from embedkit import EmbedKit, Settings
from embedkit.cache.stores.base import MemoryCache
from embedkit.engine import journal as journals
from embedkit.engine.changes import Changes, Report, portions, sort
from embedkit.engine.journal import CLAIM_S, MAX_EVENTS, Delivery, Journal, SharedJournal, backoff
from embedkit.engine.purges import PURPOSE, Target, surrogate_keys, targets, webhook_secret
from embedkit.errors import (
    ConfigurationError,
    EmbedKitError,
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from embedkit.messages import Request, Response
from embedkit.sandbox import Sandbox, SandboxTransport
from embedkit.sandbox.services import auth
from tests.support.tools import Clock

ONE, TWO, THREE = "74917285", "600000456", "600000123"
FRONT, HOOK = "https://front.example.org", "https://hooks.example.org/in"


class SharedStore(MemoryCache):
    """A store that several kits share, as processes share a server."""

    is_process_local = False
    sick = False

    def get(self, key: str) -> Any:
        if self.sick:
            raise ConnectionError
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        if self.sick:
            raise ConnectionError
        return super().set(key, value, timeout)


@dataclass
class Post:
    """Where fronts and the webhook are: what they got, and what they answer."""

    got: list[Request] = field(default_factory=list)
    answers: dict[str, int | Exception] = field(default_factory=dict)

    def send(self, request: Request) -> Response:
        self.got.append(request)
        answer = self.answers.get(request.url, 200)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer)

    def keys(self, url: str = FRONT) -> list[str]:
        return [request.headers["Surrogate-Key"] for request in self.got if request.url == url]


class House:
    """A store, Getty in process, and any number of instances."""

    def __init__(self, **rows: Any) -> None:
        self.clock = Clock()
        self.store = SharedStore(clock=self.clock)
        self.getty = Sandbox(clock=self.clock)
        self.post = Post()
        self.rows = {"api_key": auth.KEY, "api_secret": auth.SECRET, "secret": "s" * 40, "change_feed": "on"}
        self.rows |= {"purge_urls": FRONT, "webhook_url": HOOK, **rows}
        self.kits: list[EmbedKit] = []

    def kit(self) -> EmbedKit:
        transport = SandboxTransport(self.getty)
        made = EmbedKit(
            Settings(**self.rows), transport=_Fork(transport, self.post), cache=self.store, clock=self.clock
        )
        self.kits.append(made)
        return made


@dataclass
class _Fork:
    """A transport that sends to Getty what is Getty's, and the rest to the post."""

    getty: SandboxTransport
    post: Post

    def send(self, request: Request) -> Response:
        return (self.post if "example.org" in request.url else self.getty).send(request)


@pytest.fixture
def house() -> House:
    return House()


def is_shown(kit: EmbedKit, ref: str) -> bool:
    try:
        return bool(kit.resolve(ref))
    except EmbedKitError:
        return False


# -- what a Delete does ------------------------------------------------------------------------------------


def test_a_withdrawn_picture_disappears_from_every_instance(house: House) -> None:
    one, two = house.kit(), house.kit()
    assert all(is_shown(kit, ref) for kit in (one, two) for ref in (ONE, TWO))
    house.getty.withdraw(ONE)
    assert is_shown(one, ONE), "nobody has heard of it"
    report = one.engine.changes().run()
    assert report.of("withdrawn") == [ONE]
    assert [is_shown(kit, ref) for kit in (one, two) for ref in (ONE, TWO)] == [False, True, False, True]
    assert house.post.keys() == [f"getty-{ONE}"]
    assert one.engine.changes().status()["state"] == "ok"
    assert one.engine.changes().run() == Report(), "the batch is confirmed"


@pytest.mark.parametrize("change", ["update", "still there", "forbidden"])
def test_only_a_404_or_410_to_what_is_deleted_purges(house: House, change: str) -> None:
    kit = house.kit()
    assert is_shown(kit, ONE)
    if change == "update":
        house.getty.withdraw(ONE)
        kit.engine.changes().run()
        house = House()
        kit = house.kit()
        assert is_shown(kit, ONE)
        house.getty._withdrawn[ONE] = 404  # oEmbed would say so: it is not asked
        house.getty.announce("Update", ONE)
    else:
        house.getty.announce("Delete", ONE)
    if change == "forbidden":
        house.getty.faults.add("status", status=403, count=None, route="oembed")
    report = kit.engine.changes().run()
    assert report.batches == 1
    assert report.of("rejected") == ([] if change == "update" else [ONE])
    assert is_shown(kit, ONE)
    assert house.post.got == []


def test_a_list_that_holds_it_disappears_too(house: House) -> None:
    one, two = house.kit(), house.kit()
    slideshow = f"{TWO},{ONE}"
    assert is_shown(one, slideshow)
    assert is_shown(two, slideshow)
    house.getty.withdraw(ONE)
    one.engine.changes().run()
    assert not is_shown(one, slideshow)
    assert not is_shown(two, slideshow)
    assert is_shown(two, f"{TWO},{THREE}")


def test_a_list_stays_away_for_as_long_as_a_copy_could(house: House) -> None:
    kit = house.kit()
    assert is_shown(kit, f"{ONE},{TWO}")
    house.getty.withdraw(ONE)
    kit.engine.changes().run()
    house.getty.faults.add("status", status=503, count=None, route="oembed")
    for _ in range(30):
        house.clock.now += 86_400
        assert not is_shown(kit, f"{ONE},{TWO}")


def test_what_is_no_picture_is_rejected_unasked() -> None:
    made = [
        Named("74917285"),
        Named("../../etc/passwd"),
        Named("1,2"),
        Named(""),
        Named("x" * 100),
        Named("1\r\nHost: evil.example"),
        Named("500", asset_type="Film"),
        Named("SB10065012A-001", asset_type=""),
        Named("74917285"),
        Named("600", "New"),
        Named("601", "Update"),
        Named("602", "delete"),
    ]
    pictures, foreign = sort(made)
    assert pictures == ("74917285", "sb10065012a-001")
    assert set(foreign) == {"../../etc/passwd", "1,2", "", "x" * 100, "1\r\nHost: evil.example", "500"}


@dataclass
class Named:
    """A change by hand."""

    id: str
    lifecycle: str = "Delete"
    asset_type: str = "Image"
