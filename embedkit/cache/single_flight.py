"""Single flight: of all threads that want the same thing at once, one does the work and all share the outcome.

The error is shared as well as the result. With a lock alone a hundred waiters would each try again, one
after another, when the first one fails.
"""

from __future__ import annotations

import copy
import threading
import time
import weakref
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, TypeVar

from embedkit.cache.stores.locks import Busy
from embedkit.forks import register_after_fork

Result = TypeVar("Result")


class _Call:
    """One piece of work under way; ``over`` is set when ``result`` or ``error`` is."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, work: Callable[[], Any]) -> Any:
        try:
            self.result = work()
        except BaseException as error:
            self.error = error
            raise
        return self.result


class Flight:
    """The work under way in this process, by key."""

    _shared: ClassVar[weakref.WeakValueDictionary[str, Flight]] = weakref.WeakValueDictionary()
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.after_fork()
        register_after_fork(self)

    @classmethod
    def at(cls, name: str) -> Flight:
        """The flight of this name, the same object for everybody in the process."""
        with cls._making:
            if (flight := cls._shared.get(name)) is None:
                flight = cls._shared[name] = cls()
            return flight

    def after_fork(self) -> None:
        """The threads that did the work are not in the child."""
        self._mutex = threading.Lock()
        self._calls: dict[Hashable, _Call] = {}

    def once(
        self, key: Hashable, work: Callable[[], Result], wait: float, joined: Callable[[], object] = bool
    ) -> Result:
        """Do the work, or share in the outcome of who is already doing it.

        :param wait: seconds after which to give up on another.
        :param joined: called where another is already doing it.
        :raises Busy: where another was still at it by then.
        """
        deadline = time.monotonic() + wait
        while True:
            call, first = self._join(key)
            if first:
                return self._lead(key, call, work)
            joined()
            if not call.over.wait(max(0.0, deadline - time.monotonic())):
                raise Busy(f"another thread has been at it for more than {wait} seconds")
            if call.error is None:
                result: Result = call.result
                return result
            if isinstance(call.error, Exception):
                raise _fresh(call.error)
            # the other was interrupted (KeyboardInterrupt, SystemExit), which is no outcome: start anew

    def _join(self, key: Hashable) -> tuple[_Call, bool]:
        with self._mutex:
            if key in self._calls:
                return self._calls[key], False
            call = self._calls[key] = _Call()
            return call, True

    def _lead(self, key: Hashable, call: _Call, work: Callable[[], Result]) -> Result:
        try:
            result: Result = call.run(work)
            return result
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
