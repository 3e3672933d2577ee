"""Parallel calls: their results, and how they end."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial

import pytest

from embedkit.engine import parallel

LONG = 60  # seconds after which a test that waits has failed; nothing here is a measurement


def test_each_call_is_made_once_and_its_result_has_its_key() -> None:
    assert dict(parallel.each({number: partial(pow, number, 2) for number in range(50)}, 4)) == {
        number: number**2 for number in range(50)
    }


def test_an_error_is_raised_and_no_thread_is_left() -> None:
    with pytest.raises(ZeroDivisionError):
        list(parallel.each({number: partial(divmod, 1, 0) for number in range(50)}, 2))
    assert not [thread for thread in threading.enumerate() if thread.name == "embedkit-batch"]


def test_the_wait_is_limited_and_no_call_is_started_after_it() -> None:
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


def test_without_threads_calls_are_made_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_process_can_exit_during_calls() -> None:
    """As when a service is told to stop: otherwise it would be killed, possibly while it writes a copy."""
    assert subprocess.run([sys.executable, "-c", IN_THE_MIDST], timeout=LONG, check=False).returncode == 0
