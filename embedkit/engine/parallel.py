"""Parallel calls on daemon threads, for as long as a caller waits for the results.

The threads of ``concurrent.futures`` would delay the exit of the process until every queued call has been made,
which is a minute for a hundred pictures if Getty is slow.
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
    """Yield the result of each call as it becomes available; raise the first exception of any call.

    :param threads: maximum number of calls at once.
    :param seconds: how long to wait; after that no call is started, and those in progress end on their own.
    """
    queue, done = deque(calls.items()), SimpleQueue[Any]()
    workers = _start_threads(min(threads, len(calls)), lambda: _work(queue, done))
    end = time.monotonic() + seconds
    try:
        for _ in calls:
            key, value, error = done.get(timeout=None if math.isinf(end) else max(0.0, end - time.monotonic()))
            if error is not None:
                raise error
            yield key, value
    except Empty:
        workers = []
    finally:  # after an interruption, calls in progress are completed
        queue.clear()
        for thread in workers:
            thread.join()


def _start_threads(number: int, work: Callable[[], None]) -> list[threading.Thread]:
    """Start as many of the threads as possible; if there are none, do the work in this one."""
    threads: list[threading.Thread] = []
    try:
        for _ in range(number):  # with the context, so that log lines of a thread include the request ID
            thread = threading.Thread(target=copy_context().run, args=(work,), name="embedkit-batch", daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        if not threads:
            work()
    return threads


def _work(queue: deque[Any], done: SimpleQueue[Any]) -> None:
    while True:
        try:
            key, call = queue.popleft()
        except IndexError:
            return
        try:
            done.put((key, call(), None))
        except BaseException as error:
            done.put((key, None, error))
