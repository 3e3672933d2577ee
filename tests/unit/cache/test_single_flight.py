"""One caller does the work and all share the outcome: threads, processes, machines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedkit.cache.single_flight import SingleFlight
from embedkit.cache.stores.base import MemoryCache
from embedkit.cache.stores.coordination import (
    Busy,
    FileLocks,
    LeaseLocks,
    Locks,
)
from embedkit.errors import InvalidResponse, NotFound, Unavailable
from tests.support import stores
from tests.support.cache import (
    ROOT,
    LookupProcess,
    cache,
    count_lines,
    embed,
    lookup,
    run_in_threads,
    run_once,
)

pytestmark = pytest.mark.server

# -- threads -------------------------------------------------------------------------------------------


def many(threads: int, flight: SingleFlight, work: Callable[[], object], key: str = "key") -> list[object]:
    """Return the outcome of each of many threads that ask at once."""
    joined, leaders = threading.Semaphore(0), []
    outcomes: list[object] = []

    def lead() -> object:
        """Do the work, once all the others are waiting for it."""
        leaders.append(1)
        for _ in range(threads - len(leaders)):
            assert joined.acquire(timeout=30)
        return work()

    def one() -> None:
        try:
            with flight.join(key, 30, joined.release) as call:
                if not call.is_done:
                    call.result = lead()
            outcomes.append(call.result)
        except BaseException as error:
            outcomes.append(error)

    running = [threading.Thread(target=one) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(30)
    return outcomes


def test_one_call_for_two_hundred_threads() -> None:
    calls: list[int] = []

    def work() -> object:
        calls.append(1)
        return "result"

    assert many(200, SingleFlight(), work) == ["result"] * 200
    assert len(calls) == 1


def test_an_error_is_shared_too_each_with_its_own_traceback() -> None:
    calls: list[int] = []

    def work() -> object:
        calls.append(1)
        raise InvalidResponse("odd", hint="try", ref="1", retry_after=3, texts={"title": "t"})

    errors = many(200, SingleFlight(), work)
    assert len(calls) == 1
    assert len({id(error) for error in errors}) == 200
    for error in errors:
        assert isinstance(error, InvalidResponse)
        assert (error.message, error.hint, error.ref, error.retry_after) == ("odd", "try", "1", 3)
        assert error.texts == {"title": "t"}
        assert len(traceback.extract_tb(error.__traceback__)) < 6


def test_an_error_that_cannot_be_copied_is_still_shared() -> None:
    class Awkward(Exception):
        def __init__(self, one: str, two: str) -> None:
            super().__init__(one + two)

    def work() -> object:
        raise Awkward("o", "dd")

    assert [str(error) for error in many(5, SingleFlight(), work)] == ["odd"] * 5


def test_an_interrupted_leader_is_replaced() -> None:
    calls: list[int] = []

    def work() -> object:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return "result"

    outcomes = many(10, SingleFlight(), work)
    assert len(calls) == 2
    assert outcomes.count("result") == 9


def test_different_keys_do_not_wait_for_each_other() -> None:
    flight, met = SingleFlight(), threading.Barrier(2)
    results: list[object] = []
    running = [
        threading.Thread(target=lambda key=key: results.append(flight.run(key, lambda: met.wait(5), 5)))
        for key in ("a", "b")
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(10)
    assert sorted(results) == [0, 1]


def test_the_wait_is_limited() -> None:
    flight, let_go, under_way = SingleFlight(), threading.Event(), threading.Event()

    def work() -> None:
        under_way.set()
        let_go.wait(10)

    leader = threading.Thread(target=flight.run, args=("key", work, 10))
    leader.start()
    under_way.wait(5)
    with pytest.raises(Busy):
        flight.run("key", lambda: None, 0.05)
    let_go.set()
    leader.join(10)
    assert flight.run("key", lambda: "next", 1) == "next"


# -- locks ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_server() -> Iterator[stores.Server]:
    with stores.redis() as server:
        yield server


def leases(store: MemoryCache) -> LeaseLocks:
    return LeaseLocks(lambda key, value, seconds: store.add(key, value, seconds), store.get, store.delete)


@pytest.mark.parametrize("kind", ["threads", "files", "leases"])
def test_locks(kind: str, tmp_path: Path) -> None:
    store = MemoryCache()
    locks = {
        "threads": Locks,
        "files": lambda: FileLocks.at(str(tmp_path / "lock")),
        "leases": lambda: leases(store),
    }
    made = locks[kind]()
    with made.hold("name", 1) as waited:
        assert not waited
        with pytest.raises(Busy), made.hold("name", 0.02):
            pass
        with made.hold("other", 0.02):
            pass
    with pytest.raises(ZeroDivisionError), made.hold("name", 0.02):
        raise ZeroDivisionError
    with made.hold("name", 0.02) as waited:
        assert not waited
    assert store.count() == 0


def test_a_caller_learns_whether_it_had_to_wait(tmp_path: Path) -> None:
    held, refused = threading.Event(), threading.Event()

    class Watched(Locks):
        def _take(self, name: str, wait: float) -> bool:
            taken = super()._take(name, wait)
            if not taken:
                refused.set()
            return taken

    locks = Watched()

    def hold() -> None:
        with locks.hold("name", 1):
            held.set()
            refused.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    with locks.hold("name", 30) as waited:
        assert waited
    holder.join()


def test_a_lease_of_another_holder_is_not_released() -> None:
    store = MemoryCache()
    with leases(store).hold("name", 1):
        store.set("name", "another's by now")
    assert store.get("name") == "another's by now"


def test_a_lease_excludes_other_holders() -> None:
    store = MemoryCache()
    with leases(store).hold("name", 1), pytest.raises(Busy), leases(store).hold("name", 0.05):
        pass


@pytest.mark.parametrize("added", [None, False])
def test_a_store_that_keeps_no_leases_blocks_no_caller(added: bool | None) -> None:
    locks = LeaseLocks(lambda *_: added, lambda _: None, lambda _: None)
    with locks.hold("name", 0.05) as waited:
        assert not waited


def test_the_same_file_has_the_same_locks(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert FileLocks.at(str(tmp_path / "lock")) is FileLocks.at(str(tmp_path / "link" / "lock"))


def test_without_a_lock_file_there_are_locks_between_threads(tmp_path: Path) -> None:
    locks = FileLocks.at(str(tmp_path / "no folder" / "lock"))
    with locks.hold("name", 0.05), pytest.raises(Busy), locks.hold("name", 0.02):
        pass


HOLDER = """
import sys, time
from embedkit.cache.stores.coordination import FileLocks
with FileLocks.at(sys.argv[1]).hold("name", 1):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_kernel_releases_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    locks = FileLocks.at(path)
    with pytest.raises(Busy), locks.hold("name", 0.05):
        pass
    with locks.hold("other", 0.05):
        pass
    holder.kill()
    holder.communicate()
    with locks.hold("name", 2):
        pass


FORKED = """
import os, sys, threading, time
from embedkit.cache.embed_cache import EmbedCache
from tests.support.cache import ITEMS, lookup, cache, embed, run_once
from embedkit.cache.stores.factory import open_store
from pathlib import Path

kept = cache(open_store(sys.argv[1], limit=10, timeout=1))
under_way = threading.Event()
def work():
    under_way.set()
    time.sleep(1)
    return embed()
threading.Thread(target=run_once, args=(kept, ITEMS, "com", work), kwargs={"wait": 30}, daemon=True).start()
under_way.wait(5)
kept.get(ITEMS, "de")
child = os.fork()
if not child:
    run_once(kept, ("987654321",), "com", embed, wait=0.2)
    began = time.monotonic()
    run_once(kept, ITEMS, "com", embed, wait=30)  # the parent's thread is not here, but it may hold a lock of files
    kept.store(embed(), tld="com")
    fine = kept.get(ITEMS, "com").embed is not None
    os._exit(0 if fine and time.monotonic() - began < 25 else 1)
assert os.waitpid(child, 0)[1] == 0
print("fine")
"""


@pytest.mark.parametrize("url", ["sqlite:{}/db", "memory:"])
def test_a_fork_during_a_call(url: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, url.format(tmp_path)],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=ROOT,
    )
    assert (ran.stdout, ran.stderr) == ("fine\n", "")


# -- processes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", stores.FILES.values())
def test_four_processes_of_fifty_threads_make_one_request(url: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    askers = [LookupProcess(url.format(tmp_path), calls, threads=50) for _ in range(4)]
    for asker in [asker.ready() for asker in askers]:
        asker.go()
    assert [asker.outcomes() for asker in askers] == [{embed().title: 50}] * 4
    assert count_lines(calls) == 1


@pytest.mark.parametrize("server", ["redis", "memcached"])
def test_processes_that_share_a_server_make_one_request(server: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    with getattr(stores, server)() as running:
        askers = [LookupProcess(running.url, calls, threads=25) for _ in range(3)]
        for asker in [asker.ready() for asker in askers]:
            asker.go()
        assert [asker.outcomes() for asker in askers] == [{embed().title: 25}] * 3
    assert count_lines(calls) == 1


def test_processes_share_an_outage(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    askers = [LookupProcess(f"sqlite:{tmp_path}/db", calls, threads=50, fails=True, takes=1.0) for _ in range(4)]
    for asker in [asker.ready() for asker in askers]:
        asker.go()
    assert [asker.outcomes() for asker in askers] == [{"unavailable: down": 50}] * 4
    assert count_lines(calls) == 1


def test_a_killed_leader_is_replaced_by_one_other_process(tmp_path: Path) -> None:
    calls, url = tmp_path / "calls", f"sqlite:{tmp_path}/db"
    leader = LookupProcess(url, calls, takes=60).ready()
    followers = [LookupProcess(url, calls, threads=20).ready() for _ in range(2)]
    leader.go()
    deadline = time.monotonic() + 60
    while count_lines(calls) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for follower in followers:
        follower.go()
    time.sleep(0.3)  # by now they are waiting; if not, they find the lock free, with the same outcome
    os.kill(leader.process.pid, signal.SIGKILL)
    assert [follower.outcomes() for follower in followers] == [{embed().title: 20}] * 2
    leader.process.communicate()
    assert count_lines(calls) == 2


# -- through the cache ---------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["memory", "null"])
def test_threads_of_one_process_make_one_request(url: str, tmp_path: Path) -> None:
    from embedkit.cache.stores.factory import open_store

    calls = tmp_path / "calls"
    kept = cache(open_store(f"{url}:", limit=10, timeout=1))
    assert run_in_threads(kept, lookup(kept, calls), 100, wait=5) == {embed().title: 100}
    assert count_lines(calls) == 1


def test_two_caches_on_one_file_make_one_request(tmp_path: Path) -> None:
    from embedkit.cache.stores.factory import open_store

    calls = tmp_path / "calls"
    caches = [cache(open_store(f"sqlite:{tmp_path}/db", limit=10, timeout=1)) for _ in range(2)]
    outcomes: list[dict[str, int]] = []
    running = [
        threading.Thread(
            target=lambda kept=kept: outcomes.append(run_in_threads(kept, lookup(kept, calls), 20, wait=5))
        )
        for kept in caches
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    assert outcomes == [{embed().title: 20}] * 2
    assert count_lines(calls) == 1
    for kept in caches:
        kept.close()


@pytest.mark.parametrize("error", [NotFound("gone"), Unavailable("down")])
def test_two_hundred_threads_share_an_error(error: Unavailable | NotFound, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    kept = cache(MemoryCache())
    assert run_in_threads(kept, lookup(kept, calls, outcome=error), 200, wait=5) == {
        f"{error.code}: {error.message}": 200
    }
    assert count_lines(calls) == 1


def test_a_caller_that_waits_too_long_gets_a_retry_time(tmp_path: Path) -> None:
    kept = cache(MemoryCache())
    under_way, let_go = threading.Event(), threading.Event()

    def work() -> None:
        under_way.set()
        let_go.wait(10)

    leader = threading.Thread(target=run_once, args=(kept, ("1",), "com", work), kwargs={"wait": 5})
    leader.start()
    under_way.wait(5)
    with pytest.raises(Unavailable) as caught:
        run_once(kept, ("1",), "com", embed, wait=0.05)
    assert caught.value.retry_after == 1.0
    let_go.set()
    leader.join(10)
