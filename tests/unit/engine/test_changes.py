"""Pictures in Getty's change feed disappear, and no change is lost."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from embedkit import EmbedKit, Settings
from embedkit.cache.envelope import MAX_CHARS, Envelope
from embedkit.cache.stores.base import MemoryCache
from embedkit.engine.changes import MAX_PENDING, REFUSED_S, ROUNDS, SILENCE_S, FeedReport, sort
from embedkit.engine.feed_journal import MAX_EVENTS, MAX_RETRY_S, DeliveryState, FeedJournal
from embedkit.engine.purges import AGAIN_S, MAX_PICTURES, PURPOSE, webhook_secret
from embedkit.errors import (
    ConfigurationError,
    EmbedKitError,
    PermissionDenied,
    Unavailable,
)
from embedkit.messages import Request, Response
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxTransport
from embedkit.sandbox.services import auth
from embedkit.settings import Secret
from tests.readme import blocks
from tests.support.tools import ROOT, Clock

ONE, TWO, THREE = "74917285", "600000456", "600000123"
CLAIM_S = SILENCE_S + ROUNDS * Settings().timeout
FRONT, HOOK = "https://front.example.org", "https://hooks.example.org/in"


class Killed(BaseException):
    """What remains of a process after kill -9: nothing that it does from then on has an effect."""


class Life:
    """The number of steps that a process has left to live."""

    def __init__(self, steps: float = float("inf")) -> None:
        self.steps = steps

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Killed


class Store(MemoryCache):
    """One process's view of a store that it shares with others; each write is a step before and after it."""

    is_process_local = False

    def __init__(self, shared: MemoryCache, life: Life, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._entries, self.versions = shared._entries, shared.versions
        self.life, self.is_sick = life, False

    def get(self, key: str) -> Any:
        self._look()
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        self._look()
        done = super().set(key, value, timeout)
        self.life.step()
        return done

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        self._look()
        return super().add(key, value, timeout)

    def delete(self, key: str) -> bool:
        self._look()
        return super().delete(key)

    def _look(self) -> None:
        self.life.step()
        if self.is_sick:
            raise ConnectionError


@dataclass
class Post:
    """The receivers, fronts and webhook: what they received, and what they answer."""

    got: list[Request] = field(default_factory=list)
    answers: dict[str, int | Exception] = field(default_factory=dict)

    def send(self, request: Request) -> Response:
        self.got.append(request)
        answer = self.answers.get(request.url, 200)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer)

    def notified(self, url: str) -> list[str]:
        """Return all pictures that a receiver was notified of, in order."""
        found = [request for request in self.got if request.url == url]
        if url == HOOK:
            return [id for one in found for id in json.loads(one.body or b"")["data"]["pictures"]]
        return [key.removeprefix("getty-") for one in found for key in one.headers["Surrogate-Key"].split()]


@dataclass
class Wire:
    """A transport that sends Getty's requests to Getty, and the others to the receivers."""

    getty: SandboxTransport
    post: Post
    life: Life

    def send(self, request: Request) -> Response:
        self.life.step()
        response = (self.post if "example.org" in request.url else self.getty).send(request)
        self.life.step()
        return response


class Harness:
    """A store, Getty in process, and any number of kits."""

    def __init__(self, **rows: Any) -> None:
        self.clock = Clock()
        self.shared = MemoryCache(clock=self.clock)
        self.getty = Sandbox(SandboxConfig(token_seconds=86_400), clock=self.clock)
        self.post = Post()
        self.rows = {"api_key": auth.KEY, "api_secret": auth.SECRET, "secret": "s" * 40, "change_feed": "on"}
        self.rows |= {"purge_urls": FRONT, "webhook_url": HOOK, **rows}

    def kit(self, steps: float = float("inf")) -> EmbedKit:
        life = Life(steps)
        wire = Wire(SandboxTransport(self.getty), self.post, life)
        store = Store(self.shared, life, self.clock)
        return EmbedKit(Settings(**self.rows), transport=wire, cache=store, clock=self.clock)

    def calls(self) -> int:
        return sum(self.getty.counts().values())


@pytest.fixture
def harness() -> Harness:
    return Harness()


def is_shown(kit: EmbedKit, ref: str) -> bool:
    try:
        return bool(kit.resolve(ref))
    except EmbedKitError:
        return False


def look(kit: EmbedKit) -> FeedReport:
    return kit.engine.changes().run()


def later(harness: Harness, kit: EmbedKit, seconds: float = AGAIN_S) -> None:
    harness.clock.now += seconds
    kit.engine.changes().work()


def state(kit: EmbedKit) -> str:
    return str(kit.engine.changes().status()["state"])


# -- the effect of a Delete --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_a_withdrawn_picture_disappears_from_every_instance(harness: Harness, status: int) -> None:
    one, two = harness.kit(), harness.kit()
    assert {is_shown(kit, ref) for kit in (one, two) for ref in (ONE, TWO)} == {True}
    harness.getty.withdraw(ONE, status=status)
    assert is_shown(one, ONE), "no kit knows yet"
    assert look(one).of("withdrawn") == [ONE]
    assert [is_shown(kit, ref) for kit in (one, two) for ref in (ONE, TWO)] == [False, True, False, True]
    assert (harness.post.notified(FRONT), harness.post.notified(HOOK)) == ([ONE], [])
    later(harness, two)
    assert (harness.post.notified(FRONT), harness.post.notified(HOOK)) == ([ONE, ONE], [ONE]), (
        "every response begun before is finished"
    )
    later(harness, one)
    assert len(harness.post.got) == 3
    assert state(one) == "ok"
    assert look(one) == FeedReport(), "the batch is confirmed"


def test_an_update_causes_no_request(harness: Harness) -> None:
    kit = harness.kit()
    assert is_shown(kit, ONE)
    harness.getty._withdrawn[ONE] = 404  # which oEmbed would answer
    harness.getty.announce("Update", ONE)
    harness.getty.announce("New", ONE)
    before = harness.getty.count("oembed")
    assert look(kit) == FeedReport(batches=1)
    assert harness.getty.count("oembed") == before
    assert is_shown(kit, ONE)


@pytest.mark.parametrize("status", [200, 403])
def test_a_delete_that_oembed_does_not_confirm_is_rejected(harness: Harness, status: int) -> None:
    kit = harness.kit()
    assert is_shown(kit, ONE)
    harness.getty.announce("Delete", ONE)
    if status == 403:
        harness.getty.faults.add("status", status=403, count=None, route="oembed")
    assert look(kit).of("rejected") == [ONE]
    assert is_shown(kit, ONE)
    assert harness.post.got == []


def test_a_list_is_dropped_with_each_of_its_pictures(harness: Harness) -> None:
    one, two = harness.kit(), harness.kit()
    slideshow = f"{TWO},{ONE}"
    assert is_shown(one, slideshow)
    assert is_shown(two, slideshow)
    harness.getty.withdraw(ONE)
    look(one)
    assert not is_shown(one, slideshow)
    assert not is_shown(two, slideshow)
    assert is_shown(two, f"{TWO},{THREE}")


def test_a_list_is_withdrawn_as_long_as_a_copy_of_it_could_be_shown(harness: Harness) -> None:
    kit = harness.kit()
    assert is_shown(kit, f"{ONE},{TWO}")
    harness.getty.withdraw(ONE)
    look(kit)
    harness.getty.faults.add("status", status=503, count=None, route="oembed")
    for _ in range(31):
        harness.clock.now += 86_400
        assert not is_shown(kit, f"{ONE},{TWO}")


def test_a_restored_picture_is_shown_again(harness: Harness) -> None:
    kit = harness.kit()
    harness.getty.withdraw(ONE)
    look(kit)
    harness.getty.restore(ONE)
    look(kit)
    harness.clock.now += 86_400
    assert is_shown(kit, ONE)
    assert is_shown(kit, f"{ONE},{TWO}")
    harness.getty.withdraw(ONE)
    assert look(kit).of("withdrawn") == [ONE]
    assert not is_shown(kit, ONE)


@dataclass
class Named:
    """A change, made by hand."""

    id: str
    lifecycle: str = "Delete"
    asset_type: str = "Image"


def test_other_assets_are_rejected_without_a_request() -> None:
    hostile = ["../../etc/passwd", "1,2", "", "x" * 100, "1\r\nHost: evil.example", "1' OR '1'='1", "74917285/.."]
    made = [*map(Named, hostile), Named("500", asset_type="Film"), Named("74917285"), Named("74917285")]
    made += [Named("SB10065012A-001", asset_type=""), Named("7", "Deleted")]
    made += [Named("600", "New"), Named("601", "Update"), Named("602", "delete")]
    assert sort(made) == (("74917285", "sb10065012a-001", "7"), (*hostile, "500"))


# -- nothing is lost ---------------------------------------------------------------------------------------


def test_kill_9_at_each_step() -> None:
    """A killed process is followed by another, which finds all unfinished work."""
    for steps in itertools.count(1):
        harness = Harness(webhook_url="")
        viewer = harness.kit()
        assert {is_shown(viewer, id) for id in (ONE, THREE)} == {True}
        harness.getty.withdraw(ONE)
        harness.getty.announce("Delete", THREE)
        try:
            look(harness.kit(steps))
            break
        except Killed:
            harness.clock.now += CLAIM_S + 1
        follower = harness.kit()
        look(follower)
        assert [is_shown(viewer, id) for id in (ONE, THREE)] == [False, True], steps
        later(harness, follower)
        assert harness.post.notified(FRONT)[-2:] == [ONE, ONE], steps
        assert look(follower) == FeedReport(), steps
        assert state(follower) == "ok"
    assert steps > 60


def test_a_batch_is_not_confirmed_if_the_store_cannot_be_written(harness: Harness) -> None:
    kit = harness.kit()
    look(kit)
    harness.getty.withdraw(ONE)
    store = kit.cache._store.backend
    assert isinstance(store, Store)
    for broken in (True, False):
        store.is_sick = broken
        if broken:
            with pytest.raises(Unavailable):
                look(kit)
            assert kit.engine.changes_status() == {"state": "unavailable"}
            harness.clock.now += CLAIM_S + 1
    kit = harness.kit()
    assert look(kit).of("withdrawn") == [ONE]


def test_changes_are_pending_while_oembed_is_down(harness: Harness) -> None:
    kit = harness.kit()
    changes = kit.engine.changes()
    assert is_shown(kit, ONE)
    harness.getty.withdraw(ONE)
    harness.getty.announce("Delete", TWO)
    harness.getty.faults.add("status", status=503, count=None, route="oembed")
    report = look(kit)
    assert (report.batches, report.of("pending")) == (2, [ONE, TWO])
    for _ in range(200):
        harness.clock.now += MAX_RETRY_S
        changes.work()
    status = changes.status()
    assert (status["state"], status["pending"], status["pending_seconds"]) == ("pending", 2, 200 * MAX_RETRY_S)
    harness.getty.faults.clear()
    harness.clock.now += MAX_RETRY_S
    changes.work()
    assert not is_shown(kit, ONE)
    assert harness.post.notified(FRONT) == [ONE]
    assert (state(kit), changes.status()["pending"]) == ("ok", 0)


def test_after_unusable_answers_retries_become_less_frequent(harness: Harness) -> None:
    kit = harness.kit()
    harness.getty.withdraw(ONE)
    harness.getty.faults.add("status", status=400, count=None, route="oembed")
    assert look(kit).of("unusable") == [ONE]
    before = harness.getty.count("oembed")
    for _ in range(1_800):
        harness.clock.now += 2
        kit.engine.changes().work()
    assert 5 <= harness.getty.count("oembed") - before <= 15


def test_with_too_many_pending_pictures_no_further_batch_is_taken(harness: Harness) -> None:
    kit = harness.kit()
    look(kit)
    journal = kit.engine.changes()._journal
    assert journal.claim(lambda _: True)
    journal.update(lambda now: replace(now, pending={str(600_100_000 + one): 1 for one in range(MAX_PENDING)}))
    journal.release()
    harness.getty.withdraw(ONE)
    harness.getty.faults.add("status", status=503, count=None, route="oembed")
    assert look(kit).batches == 0
    assert kit.engine.changes().status()["pending"] == MAX_PENDING
    harness.getty.faults.clear()
    journal.claim(lambda _: True)
    journal.update(lambda now: replace(now, pending={}))
    journal.release()
    assert look(kit).of("withdrawn") == [ONE]


def test_the_journal_is_restored_to_a_store_that_was_emptied(harness: Harness) -> None:
    kit = harness.kit()
    harness.getty.withdraw(ONE)
    harness.getty.faults.add("status", status=503, count=None, route="oembed")
    assert look(kit).of("pending") == [ONE]
    harness.shared.clear()
    harness.getty.faults.clear()
    harness.clock.now += MAX_RETRY_S
    kit.engine.changes().work()
    assert harness.post.notified(FRONT) == [ONE]


# -- one at a time, and not too often ----------------------------------------------------------------------


def test_only_one_process_works_at_a_time(harness: Harness) -> None:
    one, two = harness.kit().engine.changes(), harness.kit().engine.changes()
    assert one._journal.claim(lambda _: True)
    with pytest.raises(Unavailable):
        two.run()
    two.work()
    assert harness.calls() == 0
    harness.clock.now += CLAIM_S + 1
    two.run()
    assert harness.calls() > 0


def test_a_process_that_was_silent_for_too_long_confirms_nothing(harness: Harness) -> None:
    """Stopped in the middle of a batch, it finds the work done by another, and does not overwrite that."""
    late, quick = harness.kit(), harness.kit()
    harness.getty.withdraw(ONE)
    feed = late.engine.changes().feed
    assert feed is not None

    class Slow:
        channels, confirm = feed.channels, feed.confirm

        def take(self, channel: int) -> Any:
            taken = feed.take(channel)
            harness.clock.now += CLAIM_S + 1
            look(quick)
            harness.getty.withdraw(TWO)
            return taken

    late.engine.changes().feed = Slow()
    look(late)
    assert set(harness.post.notified(FRONT)) == {ONE}
    assert look(quick).of("withdrawn") == [TWO]


def test_an_idle_feed_costs_less_than_two_calls_a_minute(harness: Harness) -> None:
    """For any number of kits, including token requests."""
    kits = [harness.kit() for _ in range(3)]
    per_minute: list[int] = []
    for _ in range(60):
        before = harness.getty.count("v3")
        for _ in range(30):
            harness.clock.now += 2
            for kit in kits:
                kit.engine.changes().work()
        per_minute.append(harness.getty.count("v3") - before)
    assert harness.calls() <= 120
    assert max(per_minute[1:]) <= 2
    assert min(per_minute) >= 1


@pytest.mark.parametrize("key", [(auth.SEARCH_KEY, auth.SEARCH_SECRET), ("nobody", "nothing")])
def test_a_key_without_the_feed_is_tried_once_an_hour(key: tuple[str, str], caplog: Any) -> None:
    harness = Harness(api_key=key[0], api_secret=key[1])
    kit = harness.kit()
    for _ in range(1_700):
        harness.clock.now += 2
        kit.engine.changes().work()
    assert harness.getty.count("v3") <= 1
    assert len([one for one in caplog.records if one.name == "embedkit.changes"]) == 1
    assert state(kit) in ("permission-denied", "invalid-key")
    if key[0] == auth.SEARCH_KEY:
        harness.clock.now += REFUSED_S
        kit.engine.changes().work()
        assert harness.getty.count("v3") == 2


def test_a_key_without_the_feed_is_reported() -> None:
    harness = Harness(api_key=auth.SEARCH_KEY, api_secret=auth.SEARCH_SECRET)
    with pytest.raises(PermissionDenied, match="EMBEDKIT_CHANGE_FEED"):
        look(harness.kit())


# -- notifying others --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [500, 302, 404, Unavailable("hangs")], ids=str)
def test_a_failing_front_is_notified_later_and_delays_no_other(harness: Harness, answer: Any) -> None:
    kit = harness.kit()
    changes = kit.engine.changes()
    harness.post.answers[FRONT] = answer
    harness.getty.withdraw(ONE)
    look(kit)
    later(harness, kit, 3)
    assert harness.post.notified(HOOK) == [ONE]
    assert changes.status() == {
        "state": "undelivered",
        "pending": 0,
        "pending_seconds": 0,
        "undelivered": {"fronts": 1, "webhook": 0},
    }
    for _ in range(1_800):
        harness.clock.now += 2
        changes.work()
    assert 24 < len(harness.post.notified(FRONT)) < 44, "less and less often"
    harness.post.answers.clear()
    later(harness, kit, 300)
    assert changes.status()["undelivered"] == {"fronts": 0, "webhook": 0}
    assert state(kit) == "ok"


def test_a_message_is_sent_to_the_webhook_again_with_the_same_id(harness: Harness) -> None:
    kit = harness.kit()
    harness.post.answers[HOOK] = 500
    harness.getty.withdraw(ONE)
    look(kit)
    later(harness, kit)
    for _ in range(10):
        harness.clock.now += 30
        kit.engine.changes().work()
    sent = [one for one in harness.post.got if one.url == HOOK]
    assert len(sent) > 2
    assert len({one.headers["Webhook-Id"] for one in sent}) == 1
    assert len({one.headers["Webhook-Timestamp"] for one in sent}) == len(sent)
    assert {one.follow_redirects for one in harness.post.got} == {False}


def test_a_receiver_can_verify_a_message_as_documented(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = harness.kit()
    harness.getty.withdraw(ONE)
    look(kit)
    later(harness, kit)
    (sent,) = [one for one in harness.post.got if one.url == HOOK]
    (snippet,) = [one for one in blocks("python", ROOT / "examples/deploy/README.md") if "is_genuine" in one]
    names: dict[str, Any] = {}
    exec(snippet, names)
    monkeypatch.setattr(names["time"], "time", harness.clock)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    secret, body = webhook_secret(kit.cache.secret(PURPOSE)), sent.body or b""
    assert names["is_genuine"](headers, body, secret)
    assert not names["is_genuine"](headers, body.replace(b"749", b"750"), secret)
    assert not names["is_genuine"](headers | {"webhook-timestamp": str(int(harness.clock.now) + 1)}, body, secret)
    assert not names["is_genuine"](headers, body, webhook_secret(b"k" * 32))
    harness.clock.now += 301
    assert not names["is_genuine"](headers, body, secret)


def test_a_purge_by_hand_is_delivered_too(harness: Harness) -> None:
    harness.rows["change_feed"] = "off"
    kit = harness.kit()
    kit.resolve(ONE)
    assert kit.purge(ONE)
    kit.engine.changes().work()
    later(harness, kit)
    assert (harness.post.notified(FRONT), harness.post.notified(HOOK)) == ([ONE, ONE], [ONE])
    assert harness.getty.count("v3") == 0


def test_no_secret_and_no_url_is_logged(harness: Harness, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    harness.rows["webhook_url"] = "https://hooks.example.org/canary-path"
    kit = harness.kit()
    harness.post.answers[FRONT] = 500
    harness.getty.withdraw(ONE)
    look(kit)
    logged = " ".join(f"{one.getMessage()} {getattr(one, 'fields', '')}" for one in caplog.records)
    assert "withdrawn" in logged
    assert "delivered" in logged
    assert not {"canary", "hooks.example", "front.example", auth.SECRET} & set(logged.split("/"))
    assert "canary" not in logged + json.dumps(kit.engine.changes().status()) + repr(kit.settings)


# -- the journal -------------------------------------------------------------------------------------------


def test_a_receiver_gets_a_limited_number_of_pictures_at_once() -> None:
    journal = FeedJournal().with_events(map(str, range(250)), 100.0).with_events(["young"], 109.9)
    sizes = []
    while ids := journal.undelivered("front", 110.0, 10.0):
        sizes.append(len(ids))
        journal = journal.delivered("front", len(ids)).trimmed(["front"])
    assert sizes == [MAX_PICTURES, MAX_PICTURES, 50]
    assert (journal.events, journal.first) == ((("young", 109),), 250)


def test_undelivered_events_do_not_grow_without_limit() -> None:
    journal = FeedJournal().with_events(map(str, range(MAX_EVENTS)), 0.0).delivered("quick", MAX_EVENTS)
    journal = journal.trimmed(["quick", "dead"]).with_events(["last"], 0.0)
    assert (len(journal.events), journal.first, journal.left("dead")) == (MAX_EVENTS, 1, MAX_EVENTS)
    assert journal.undelivered("quick", 0.0, 0.0) == ("last",)
    assert journal.undelivered("dead", 0.0, 0.0)[0] == "1"
    assert journal.trimmed(["quick"]).deliveries.keys() == {"quick"}


def test_the_largest_journal_fits_into_an_entry() -> None:
    """The largest batch is taken with just few enough pending pictures, and no receiver takes events."""
    ids = [f"{number:x}".rjust(24, "a") for number in range(MAX_PENDING + 2_200)]
    journal = FeedJournal(
        "s" * 16, "o" * 16, 1.8e9, 1.8e9, 1.8e9, "rate-limited", {str(2**31): str(2**63)}, {}, 30, 1.8e9
    )
    journal = journal.settled(dict.fromkeys(ids, "pending"), 1.8e9, notify=False).with_events(2 * ids, 1.8e9)
    journal = replace(
        journal, deliveries={str(number) * 16: DeliveryState(10**9, 30, 1.8e9) for number in range(10, 31)}
    )
    sealed = Envelope(["s" * 40]).seal("embedkit:changes:0123456789abcdef", journal.dump())
    assert 200_000 < len(sealed) <= MAX_CHARS


def test_a_journal_survives_its_store() -> None:
    journal = FeedJournal(
        "s", "o", 1.0, 2.0, 3.0, "p", {"1": "7"}, {"5": 4}, 2, 5.0, (("6", 7),), 3, {"t": DeliveryState(3)}
    )
    assert (
        FeedJournal.load(json.loads(json.dumps(journal.dump() | {"v": 1, "key": "k", "of a later version": 1})))
        == journal
    )


# -- settings ----------------------------------------------------------------------------------------------


def test_a_store_that_others_cannot_see_is_refused() -> None:
    for rows in ({"change_feed": True}, {"purge_urls": FRONT}, {"webhook_url": HOOK}):
        with EmbedKit(Settings(cache="memory:", **rows)) as kit, pytest.raises(ConfigurationError, match="CACHE"):
            kit.engine.changes()


@pytest.mark.parametrize(
    ("text", "seconds"), [("on", 35), ("true", 35), ("off", 0), ("", 0), ("0", 0), ("10", 10), ("0.5", 0.5)]
)
def test_how_often_the_feed_is_polled(text: str, seconds: float) -> None:
    assert Settings.from_env({"EMBEDKIT_CHANGE_FEED": text}).change_feed == seconds


WRONG = [
    ("CHANGE_FEED", "46"),
    ("CHANGE_FEED", "0.1"),
    ("CHANGE_FEED", "sometimes"),
    *itertools.product(
        ("PURGE_URLS", "WEBHOOK_URL"),
        (
            "http://front.example.org",
            "ftp://127.0.0.1",
            "https://ada:canary@front.example.org",
            "front.example.org",
        ),
    ),
    ("PURGE_URLS", ",".join(f"https://f{number}.example.org" for number in range(11))),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_receiver_urls_that_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"EMBEDKIT_{name}") as failed:
        Settings.from_env({f"EMBEDKIT_{name}": value})
    assert "canary" not in str(failed.value)


def test_receiver_urls_that_are_accepted() -> None:
    settings = Settings.from_env({"EMBEDKIT_PURGE_URLS": "http://127.0.0.1:6081/, https://a.example.org"})
    assert settings.purge_urls == ("http://127.0.0.1:6081", "https://a.example.org")
    assert Settings(webhook_url=Secret(HOOK)).webhook_url.reveal() == HOOK
