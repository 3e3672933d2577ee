"""Many calls at once, for as long as somebody waits for what they come to.

On daemon threads: those of ``concurrent.futures`` hold up the end of the process until every call that is in line
has been made, which is a minute for a hundred pictures and a slow Getty.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def each(
    calls: Mapping[Key, Callable[[], Value]], threads: int, seconds: float = math.inf
) -> Iterator[tuple[Key, Value]]:
    """What each of the calls returns, as it comes; whatever one raises is raised here.

    :param threads: how many calls at once.
    :param seconds: to wait; what is under way then comes to its end by itself, and nothing new is begun.
    """
    line, done = deque(calls.items()), SimpleQueue[Any]()
    crew = _hire(min(threads, len(calls)), lambda: _work(line, done))
    end = time.monotonic() + seconds
    try:
        for _ in calls:
            key, value, error = done.get(timeout=None if math.isinf(end) else max(0.0, end - time.monotonic()))
            if error is not None:
                raise error
            yield key, value
    except Empty:
        crew = []
    finally:  # after an interruption what is under way comes to its end
        line.clear()
        for thread in crew:
            thread.join()


def _hire(number: int, work: Callable[[], None]) -> list[threading.Thread]:
    """As many threads as are to be had; where there is none the work is done here."""
    crew: list[threading.Thread] = []
    try:
        for _ in range(number):  # what a thread logs carries the ID of the request
            thread = threading.Thread(target=copy_context().run, args=(work,), name="embedkit-batch", daemon=True)
            thread.start()
            crew.append(thread)
    except RuntimeError:
        if not crew:
            work()
    return crew


def _work(line: deque[Any], done: SimpleQueue[Any]) -> None:
    while True:
        try:
            key, call = line.popleft()
        except IndexError:
            return
        try:
            done.put((key, call(), None))
        except BaseException as error:
            done.put((key, None, error))
