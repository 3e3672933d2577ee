"""Single flight: of all threads that want the same thing at once, one does the work and all share the outcome.

The error is shared as well as the result. With a lock alone a hundred waiters would each try again, one
after another, when the first one fails.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from embedkit.cache.stores.coordination import Busy
from embedkit.process import run_now_and_after_fork

Result = TypeVar("Result")


class Call:
    """One piece of work under way: done when it has a ``result``, or an ``error``."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        """Whether another has done the work; whoever finds that it is not does it, and sets ``result``."""
        return self.over.is_set()


class SingleFlight:
    """The work under way in this process, by key."""

    def __init__(self) -> None:
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """The threads that did the work are not in the child."""
        self._mutex = threading.Lock()
        self._calls: dict[Hashable, Call] = {}

    def run(self, key: Hashable, work: Callable[[], Result], wait: float) -> Result:
        """Do the work, or share in the outcome of who is already doing it.

        :param wait: seconds after which to give up on another.
        :raises Busy: where another was still at it by then.
        """
        with self.join(key, wait) as call:
            if not call.is_done:
                call.result = work()
        result: Result = call.result
        return result

    @contextmanager
    def join(self, key: Hashable, wait: float, on_join: Callable[[], object] = bool) -> Iterator[Call]:
        """The same as a block, which does the work and sets the result if the call is not done.

        :param on_join: called where another is already doing it.
        """
        deadline = time.monotonic() + wait
        while True:
            call, first = self._join(key)
            if first:
                yield from self._lead(key, call)
                return
            on_join()
            if not call.over.wait(max(0.0, deadline - time.monotonic())):
                raise Busy(f"another thread has been at it for more than {wait} seconds")
            if call.error is None:
                yield call
                return
            if isinstance(call.error, Exception):
                raise _fresh(call.error)
            # the other was interrupted (KeyboardInterrupt, SystemExit), which is not an outcome: start anew

    def _join(self, key: Hashable) -> tuple[Call, bool]:
        with self._mutex:
            if key in self._calls:
                return self._calls[key], False
            call = self._calls[key] = Call()
            return call, True

    def _lead(self, key: Hashable, call: Call) -> Iterator[Call]:
        try:
            yield call
        except BaseException as error:
            call.error = error
            raise
        finally:
            with self._mutex:
                self._calls.pop(key, None)
            call.over.set()


def _fresh(error: Exception) -> Exception:
    """The same error again: each raise adds to the traceback of the object raised."""
    try:
        return copy.copy(error)
    except Exception:  # an error of somebody else's, with arguments that copying does not know
        return error
