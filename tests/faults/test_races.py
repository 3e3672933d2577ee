"""Races: a purge during a call, an interrupt, a fork, a larger size, and a read-only cache."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedkit import ConfigurationError, Embed, EmbedKit, NotFound, Settings, Unavailable
from embedkit.cache.entry import Entry
from embedkit.cache.stores.base import MemoryCache, Timeout
from embedkit.cache.stores.sqlite import SQLiteCache
from embedkit.cache.takedowns import Takedowns
from embedkit.engine.revalidation import Revalidator
from embedkit.errors import ProviderError
from embedkit.models import Bounds, Options
from embedkit.process import Lazy
from embedkit.transport.resilience import Bulkhead
from tests.support.cache import ITEMS, cache, embed, run_once
from tests.support.faults import ID, Harness, oembed_ok
from tests.support.faulty_upstream import Script, Upstream, ok
from tests.support.stores import FILES
from tests.support.tools import ROOT, Clock


def gated(script: Script, asked: threading.Event, free: threading.Event) -> Script:
    """A delayed response: ``asked`` is set once the request arrives, ``free`` releases the response."""

    def held(sock: Any, over: Any) -> bool:
        asked.set()
        free.wait(10)
        return script(sock, over)

    return held


class Under:
    """A call that is in progress during the block, and has ended after it."""

    def __init__(self, upstream: Upstream, script: Script, call: Callable[[], object]) -> None:
        self.asked, self.free = threading.Event(), threading.Event()
        upstream.scripts = (gated(script, self.asked, self.free),)
        self.thread = threading.Thread(target=call)

    def __enter__(self) -> None:
        self.thread.start()
        assert self.asked.wait(5)

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self.thread.join(10)


# -- purges and takedowns ----------------------------------------------------------------------------------

CACHES = ["memory:", *FILES.values()]


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("held", [True, False])
def test_a_response_requested_before_a_purge_is_not_stored(cache: str, held: bool, tmp_path: Path) -> None:
    rows = {"cache": cache.format(tmp_path), "timeout": 5, "secret": "s" * 40}
    with Upstream(oembed_ok(title="new")) as upstream, Harness(upstream.url, **rows) as harness:
        if held:
            harness.kit.resolve(ID)
            harness.advance(days=3)
        with Under(upstream, oembed_ok(title="withdrawn"), lambda: harness.resolve()):
            assert harness.kit.purge(ID) is held
        assert harness.kit.cache.get((ID,), "com").embed is None
        upstream.scripts = (oembed_ok(title="new"),)
        assert harness.kit.resolve(ID).title == "new"
        hits = upstream.hits
        assert harness.kit.resolve(ID).title == "new"
        assert upstream.hits == hits


class Interrupted(SQLiteCache):
    """A store whose next write triggers something else, before or after it."""

    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        before, after, self.before, self.after = self.before, self.after, None, None
        if before:
            before()
        done = super().set(key, value, timeout)
        if after:
            after()
        return done


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["store", "store for another site", "store_rendered"])
def test_a_purge_that_does_not_get_the_lock_is_not_lost(step: str, when: str, tmp_path: Path) -> None:
    """For example, because a process was stopped while writing, or many write the same entry."""
    ours, theirs = Interrupted(tmp_path / "db"), cache(SQLiteCache(tmp_path / "db"))
    held = cache(ours)
    entry = held.store(embed(), tld="com")
    setattr(ours, when, lambda: theirs.delete(ITEMS))
    if step == "store_rendered":
        held.store_rendered(entry, {"e/1": "html"})
    else:
        held.store(embed(), tld="com" if step == "store" else "de")
    for kept in (held, theirs, cache(SQLiteCache(tmp_path / "db"))):
        assert kept.get(ITEMS, "com").embed is None
        assert kept.get(ITEMS, "de").embed is None
    held.close()
    theirs.close()
    ours.close()
    assert cache(SQLiteCache(tmp_path / "db")).get(ITEMS, "com").embed is None


class Awaited(MemoryCache):
    """A store whose next read is preceded by something else, as if it had waited for a lock."""

    meanwhile: Callable[[], object] | None = None

    def get(self, key: str) -> Any:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().get(key)


@pytest.mark.parametrize("answer", ["a copy", "a refusal"])
def test_a_purge_while_a_response_waits_takes_effect(answer: str) -> None:
    clock, store = Clock(1_700_000_000.0), Awaited()
    ours, theirs = cache(store, clock=clock), cache(store, clock=clock)

    def purge() -> None:
        clock.now += 1
        theirs.delete(ITEMS)
        clock.now += 1

    asked_at = clock()
    store.meanwhile = purge
    if answer == "a copy":
        with pytest.raises(Unavailable):
            ours.store(embed(), tld="com", asked_at=asked_at)
    else:
        ours.store_error(ITEMS, "com", NotFound("There is no such picture."), asked_at=asked_at)
    assert ours.get(ITEMS, "com") == Entry()


class Unreadable(SQLiteCache):
    """A store that can be written but not read."""

    def get(self, key: str) -> Any:
        raise OSError("the disk")


def test_a_purge_reaches_other_processes_while_the_store_is_unreadable(tmp_path: Path) -> None:
    clock = Clock()
    ours, theirs = (cache(Unreadable(tmp_path / "db"), clock=clock) for _ in range(2))
    theirs.store(embed(), tld="com")  # only in memory, because an unreadable entry is not overwritten
    assert theirs.get(ITEMS, "com").embed
    clock.ahead += 1
    ours.delete(ITEMS)
    assert theirs.get(ITEMS, "com").embed is None
    ours.close()
    theirs.close()


def test_a_takedown_survives_a_concurrent_write(tmp_path: Path) -> None:
    known = Takedowns(str(tmp_path / "takedowns"), prefix="p:", life=40 * 86_400)
    key = f"p:{7:064x}"
    assert known.add(key, 100.0)
    known.remove(key, 99.0)
    assert known.time(key) == 100.0
    known.remove(key, 100.0)
    assert known.time(key) == 0.0


def test_a_purge_cancels_a_background_refresh() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, timeout=5) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=1.5)
        with Under(upstream, oembed_ok(), lambda: harness.resolve()):
            assert harness.kit.purge(ID)
        harness.kit.settle(5)
        assert harness.kit.cache.get((ID,), "com").embed is None


def test_a_takedown_survives_an_older_response_for_another_tld() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, timeout=5) as harness:
        with Under(upstream, oembed_ok(), lambda: harness.resolve(tld="de")):
            upstream.scripts = (ok(b"", "404 X"),)
            assert isinstance(harness.resolve(), NotFound)
        assert isinstance(harness.resolve(tld="de"), NotFound)
        assert isinstance(harness.resolve(), NotFound)


class ReadOnly(MemoryCache):
    """A store that can't be written, like a full disk."""

    full = False

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        return not self.full and super().set(key, value, timeout)

    def delete(self, key: str) -> bool:
        return not self.full and super().delete(key)


def test_a_withdrawn_picture_is_not_shown_with_a_read_only_cache() -> None:
    store = ReadOnly()
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        kit = EmbedKit(harness.settings, cache=store, clock=harness.clock)
        kit.resolve(ID)
        store.full = True
        harness.advance(days=3)
        upstream.scripts = (ok(b"", "404 X"),)
        for _ in range(2):
            with pytest.raises(NotFound):
                kit.resolve(ID)
        kit.close()


# -- errors are cached separately ------------------------------------------------------------------------------


def test_a_rejected_response_does_not_affect_the_copy_of_another_tld() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        first = harness.kit.resolve(ID)
        upstream.scripts = (ok(b"<p>"),)
        assert isinstance(harness.resolve(tld="de"), ProviderError)
        assert harness.kit.resolve(ID) == first
        harness.clock.ahead += 61
        upstream.scripts = (oembed_ok(),)
        assert isinstance(harness.resolve(tld="de"), Embed)
        assert upstream.hits == 3


def test_each_caller_gets_its_own_error() -> None:
    with Upstream(ok(b"", "410 X")) as upstream, Harness(upstream.url) as harness:
        errors = [harness.resolve(ref) for ref in (ID, "600100201", ID, "600100201")]
    assert [error.ref for error in errors] == [ID, "600100201"] * 2  # type: ignore[union-attr]
    assert len({id(error) for error in errors}) == 4


# -- sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "question"),
    [
        ({}, {}, (None, None)),
        ({"max_width": 300}, {"max_height": 200}, (None, None)),
        ({"max_width": 900}, {"max_height": 200}, (900, None)),
        ({"max_width": 900, "max_height": 700}, {}, (900, 700)),
        ({"max_width": 900, "max_height": 700}, {"max_width": 1000, "max_height": 600}, (1000, 700)),
        ({"max_height": 800}, {"max_height": 700}, (None, 800)),
        ({"max_height": 800}, {"max_width": 300}, (None, 800)),
        ({"max_width": 900}, {"max_height": 800}, (900, None)),
    ],
)
def test_one_request_covers_two_sizes(one: dict[str, int], other: dict[str, int], question: Bounds) -> None:
    for first, second in ((one, other), (other, one)):
        assert Options(**first).covering(Options(**second)).requested_bounds == question  # type: ignore[arg-type]


def test_a_larger_size_that_joins_a_smaller_request_makes_another() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, timeout=5) as harness:
        widths: list[int] = []
        large = threading.Thread(target=lambda: widths.append(harness.kit.resolve(ID, max_width=1024).width))
        with Under(upstream, oembed_ok(), lambda: harness.resolve()):
            large.start()
            time.sleep(0.05)  # by now, it waits for the smaller one; if not, the outcome is the same
            upstream.scripts = (oembed_ok(width=1024, height=683),)
        large.join(5)
        assert widths == [1024]
        assert harness.kit.resolve(ID).width == 594
        assert upstream.hits == 2


# -- interrupts ---------------------------------------------------------------------------------------------


def test_an_interrupted_batch_starts_no_new_calls() -> None:
    done: list[int] = []

    def interrupt(*_: object) -> None:
        done.append(1)
        raise KeyboardInterrupt

    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, concurrency=2) as harness:
        with pytest.raises(KeyboardInterrupt):
            harness.kit.resolve_many([f"6001{number:05}" for number in range(500)], progress=interrupt)
        hits = upstream.hits
        assert hits < 100
        time.sleep(0.05)
        assert upstream.hits == hits
    assert len(done) == 1


def test_an_interrupt_does_not_wait_for_refreshes() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        with EmbedKit(harness.settings, clock=harness.clock, cache=MemoryCache(), background=False) as kit:
            kit.resolve(ID)
            harness.advance(days=1.5)
            kit.resolve(ID)
            with pytest.raises(KeyboardInterrupt), kit:
                raise KeyboardInterrupt
            assert upstream.hits == 1
        assert upstream.hits == 2  # and closing normally runs them


def test_an_interrupted_caller_in_the_queue_releases_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    bulkhead = Bulkhead(1, 5)

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    with bulkhead.place(1):
        with monkeypatch.context() as patch:  # like Ctrl-C during Event.wait
            patch.setattr(threading.Event, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt), bulkhead.place(1):
                pass
        assert bulkhead.waiting() == 0
    with bulkhead.place(0.01):
        pass


def test_a_copy_is_served_even_if_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=1.5)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", none)
            assert harness.kit.resolve(ID).stale
        harness.kit.settle(2)
        assert not harness.kit.resolve(ID).stale


# -- closing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", CACHES)
def test_a_closed_kit_opens_again_when_used(cache: str, tmp_path: Path) -> None:
    rows = {"cache": cache.format(tmp_path), "secret": "s" * 40}
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, **rows) as harness:
        for _ in range(3):
            harness.kit.resolve(ID)
            harness.kit.close()
            harness.kit.close()
        assert upstream.hits == 1
        harness.advance(days=5)
        assert not harness.kit.resolve(ID).stale


def test_settling_ends() -> None:
    over = threading.Event()
    revalidator = Revalidator(background=False, threads=2)
    for number in range(5):
        revalidator.submit(number, lambda: over.wait(60))
    began = time.monotonic()
    assert revalidator.settle(0.2) == 5
    assert time.monotonic() - began < 20
    over.set()
    assert revalidator.settle(5) == 0


FORKED = """
    import os, threading, time
    from embedkit.process import Lazy
    from embedkit.engine.revalidation import Revalidator

    over, under_way = threading.Event(), threading.Event()

    def slow():
        under_way.set()
        over.wait(60)
        return "made"

    part, revalidator = Lazy(slow), Revalidator(background=True, threads=1)
    threading.Thread(target=part, daemon=True).start()
    under_way.wait(5)
    revalidator.submit("key", lambda: over.wait(60))
    revalidator.submit("waiting", lambda: None)
    if not (child := os.fork()):
        over.set()
        done = []
        fine = revalidator.settle(20) == 0 and part() == "made"
        revalidator.submit("key", lambda: done.append(1))
        fine = fine and revalidator.settle(20) == 0 and done == [1]
        os._exit(0 if fine else 1)
    began = time.monotonic()
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), time.monotonic() - began < 30)
"""


def test_a_fork_has_its_own_work_and_locks() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKED)],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr) == ("0 True\n", "")


def test_a_part_is_created_once() -> None:
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    part = Lazy(make)
    threads = [threading.Thread(target=part) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert made == [part.value_if_made] == [1]


@pytest.mark.skipif(os.name == "nt", reason="rights of folders are those of POSIX")
def test_an_unwritable_home_is_an_error_that_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    kit = EmbedKit(Settings(cache=f"sqlite:{tmp_path}/db"))
    with pytest.raises(ConfigurationError, match="SECRET"):
        kit.resolve(ID)
    kit.close()


def test_a_waiting_caller_falls_back_to_the_copy() -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url, timeout=0.3) as harness:
        harness.kit.resolve(ID)
        harness.advance(days=3)
        begun, free = threading.Event(), threading.Event()

        def stuck() -> None:
            begun.set()
            free.wait(60)

        cache = harness.kit.cache
        leaders = [
            threading.Thread(target=run_once, args=(cache, (ID,), tld, stuck), kwargs={"wait": 1})
            for tld in ("com", "de")
        ]
        for leader in leaders:
            leader.start()
            assert begun.wait(5)
            begun.clear()
        began = time.monotonic()
        assert harness.kit.resolve(ID).stale
        assert isinstance(harness.resolve(tld="de"), Unavailable)
        assert time.monotonic() - began < 0.3 * 2 + 20
        free.set()
        for leader in leaders:
            leader.join(5)


@pytest.mark.parametrize("way", ["resolve", "html", "render"])
def test_a_smaller_copy_in_an_outage_is_not_cached_as_the_requested_size(way: str) -> None:
    with Upstream(oembed_ok()) as upstream, Harness(upstream.url) as harness:
        ask = {
            "resolve": lambda: f'width="{harness.kit.resolve(ID, max_width=1024).width}"',
            "html": lambda: str(harness.kit.html(ID, max_width=1024)),
            "render": lambda: harness.kit.render(f"[getty {ID} width=1024]"),
        }[way]
        harness.kit.resolve(ID)
        upstream.scripts = (ok(b"<p>", "500 X"),)
        for _ in range(2):
            assert 'width="594"' in ask()
        upstream.scripts = (oembed_ok(width=1024, height=683),)
        assert 'width="1024"' in ask()
