"""Single flight: of all threads that want the same thing at the same time, one does the work for all of them.

Errors are shared as well as results. With a plain lock, a hundred waiting threads would each try again, one after
another, when the first one fails.
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
    """A call in progress, which is done when it has a ``result`` or an ``error``."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        """Whether another thread has done the work; if not, the caller does it and sets ``result``."""
        return self.over.is_set()


class SingleFlight:
    """The calls in progress in this process, by key."""

    def __init__(self) -> None:
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Forget all calls: the child does not have the threads that make them."""
        self._mutex = threading.Lock()
        self._calls: dict[Hashable, Call] = {}

    def run(self, key: Hashable, work: Callable[[], Result], wait: float) -> Result:
        """Do the work, or share the outcome of a thread that is already doing it.

        :param wait: maximum seconds to wait for another thread.
        :raises Busy: if the other thread takes longer.
        """
        with self.join(key, wait) as call:
            if not call.is_done:
                call.result = work()
        result: Result = call.result
        return result

    @contextmanager
    def join(self, key: Hashable, wait: float, on_join: Callable[[], object] = bool) -> Iterator[Call]:
        """Like :meth:`run`, as a ``with`` block that does the work and sets the result if the call is not done.

        :param on_join: called if another thread is already doing it.
        """
        deadline = time.monotonic() + wait
        while True:
            call, first = self._join(key)
            if first:
                yield from self._lead(key, call)
                return
            on_join()
            if not call.over.wait(max(0.0, deadline - time.monotonic())):
                raise Busy(f"another thread has been working on it for more than {wait} seconds")
            if call.error is None:
                yield call
                return
            if isinstance(call.error, Exception):
                raise _fresh(call.error)
            # the other thread was interrupted (KeyboardInterrupt, SystemExit), which is no outcome: start again

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
    """Return a copy of an error, because each raise extends the traceback of the object raised."""
    try:
        return copy.copy(error)
    except Exception:  # a third-party error whose arguments can't be copied
        return error
