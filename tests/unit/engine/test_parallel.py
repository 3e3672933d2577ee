"""Many calls at once: what they come to, and how that ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial

import pytest

from embedkit.engine import parallel

LONG = 60  # seconds after which a test that waits has failed; nothing here is a measurement


def test_each_call_is_made_once_and_comes_back_with_its_name() -> None:
    assert dict(parallel.each({number: partial(pow, number, 2) for number in range(50)}, 4)) == {
        number: number**2 for number in range(50)
    }


def test_an_error_is_raised_and_leaves_no_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        list(parallel.each({number: partial(divmod, 1, 0) for number in range(50)}, 2))
    assert not [thread for thread in threading.enumerate() if thread.name == "embedkit-batch"]


def test_nobody_waits_for_longer_and_nothing_new_is_begun() -> None:
    gate, begun = threading.Event(), []

    def wait(number: int) -> int:
        begun.append(number)
        gate.wait(LONG)
        return number

    calls = {0: lambda: 0} | {number: partial(wait, number) for number in range(1, 50)}
    assert set(parallel.each(calls, 3, seconds=0.5)) <= {(0, 0)}
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "embedkit-batch":
            thread.join(LONG)
    assert len(begun) <= 3


def test_without_threads_it_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    assert dict(parallel.each({1: int, 2: str}, 4)) == {1: 0, 2: ""}


IN_THE_MIDST = """
import threading
from embedkit.engine import parallel

begun, never = threading.Event(), threading.Event()
calls = {number: lambda: (begun.set(), never.wait()) for number in range(9)}
threading.Thread(target=lambda: list(parallel.each(calls, 2)), daemon=True).start()
begun.wait()
"""


def test_a_process_ends_in_the_midst_of_it() -> None:
    """As a service does that is told to stop: it would be killed, and a copy that is written with it."""
    assert subprocess.run([sys.executable, "-c", IN_THE_MIDST], timeout=LONG, check=False).returncode == 0
