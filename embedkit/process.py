"""Per-process state: values that are created when first needed, and state that a forked child must recreate."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Callable, Container, Hashable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    import logging

Value = TypeVar("Value")

Listener = Callable[[str, tuple[str, ...], float], None]
"""Called with the event, its labels and its value; must not raise."""

Observe = Callable[..., None]
"""Called with the event, each of its labels, and ``value``, which is 1 by default."""


class Forkable(Protocol):
    """An object with state that a forked child must not share, such as locks that other threads held."""

    def after_fork(self) -> None: ...


_forkable: set[weakref.ref[Forkable]] = set()


def run_now_and_after_fork(part: Forkable) -> None:
    """Call ``part.after_fork()`` now, and in every child of this process."""
    part.after_fork()
    _forkable.add(weakref.ref(part, _forkable.discard))


def _run_after_fork() -> None:
    for ref in list(_forkable):
        if (part := ref()) is not None:
            part.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_run_after_fork)


_shared: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
_sharing = threading.Lock()


def shared(name: Hashable, make: Callable[[], Value]) -> Value:
    """Return the object that this process shares under this name; create it if there isn't one."""
    with _sharing:
        value: Value | None = _shared.get(name)
        if value is None:
            value = _shared[name] = make()
        return value


class Lazy(Generic[Value]):
    """A value that is created when first needed, once, whichever thread is first. Call it to get the value.

    :param make: creates the value; called at most once. If it raises, the next call tries again.

    >>> part = Lazy(lambda: 7)
    >>> part.value_if_made, part(), part.value_if_made
    (None, 7, 7)
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        run_now_and_after_fork(self)
        self._made: list[Value] = []

    def after_fork(self) -> None:
        """Replace the lock: in the parent, a thread that the child lacks may have held it."""
        self._lock = threading.RLock()

    def __call__(self) -> Value:
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    @property
    def value_if_made(self) -> Value | None:
        """The value, or None if it was never needed."""
        return self._made[0] if self._made else None


class Repeating:
    """A daemon thread that repeats some work until there is nothing left to do.

    It belongs to the process that started it: a forked child has no such thread until it starts its own. It ends
    with the object that does the work, and with the interpreter.

    :param owner: the object.
    :param work: a method of its class; returns whether the work is finished. If it raises, the exception is
        logged, and the method is called again.
    :param every: seconds between calls.
    :param name: name of the thread.
    """

    def __init__(self, owner: object, work: Callable[[Any], bool], every: float, name: str) -> None:
        self._owner = weakref.ref(owner)
        self._work = work
        self._every = every
        self._name = name
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Forget the thread, which doesn't exist in the child."""
        self._lock = threading.Lock()
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it is running."""
        if self._over is not None:
            return
        with self._lock:
            if self._over is not None:
                return
            self._over = threading.Event()
            thread = threading.Thread(target=self._run, args=(self._over,), name=self._name, daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError:  # no more threads available, or the interpreter is shutting down
                self._over = None

    def stop(self, wait: float = 0.0) -> None:
        """Stop the thread.

        :param wait: seconds to wait for a call in progress.
        """
        with self._lock:
            thread, over = self._thread, self._over
            self._thread = self._over = None
        if over is not None:
            over.set()
        if thread is not None and wait:
            thread.join(wait)

    def _run(self, over: threading.Event) -> None:
        while not over.wait(self._every):
            owner = self._owner()
            if owner is None:
                return
            with self._lock:
                if over.is_set():
                    return
            try:
                if self._work(owner):
                    self.stop()
            except Exception:
                log.exception("thread %s failed; it will try again", self._name)
            del owner


def roll() -> float:
    """Return a random number from 0 to 1, to spread out in time what many would do at once; not for secrets.

    Like ``random.random``, without an import that a warm start doesn't need.
    """
    return int.from_bytes(os.urandom(6), "big") / (1 << 48)


class _Proxy:
    """Forwards to the object that ``make`` returns, which is called when a method is first used."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        """Look up a method on first use; from then on it is found as an attribute."""
        method = getattr(self._make(), name)
        setattr(self, name, method)
        return method


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression that is compiled when first used.

    Compiling one takes as long as matching it against thousands of characters, and few texts need all of them.

    >>> lazy_pattern("[0-9]+").match("12 pictures")[0]
    '12'
    """
    return cast("re.Pattern[str]", _Proxy(lambda: re.compile(source, flags)))


MAX_HOPS = 16  # from one character to the next, before the pattern is the faster way


def search_from_char(
    pattern: re.Pattern[str], char: str, following: Container[str], text: str, start: int
) -> re.Match[str] | None:
    """Return the next match of a pattern that begins with one character, followed by one of several.

    Finding a single character is ten times as fast as matching a pattern, unless it occurs often.

    >>> search_from_char(lazy_pattern(r"<[Bb]r>"), "<", "Bb", "A <b>line<br>", 0).start()
    9
    """
    place = text.find(char, start)
    for _ in range(MAX_HOPS):
        if place < 0:
            return None
        if text[place + 1 : place + 2] in following and (found := pattern.match(text, place)):
            return found
        place = text.find(char, place + 1)
    return pattern.search(text, place) if place >= 0 else None


def lazy_logger(name: str) -> logging.Logger:
    """Return a logger that is created when first used, because importing logging takes time.

    >>> lazy_logger("embedkit.example").debug("%d pictures", 3)
    """
    return cast("logging.Logger", _Proxy(lambda: _logger(name)))


def _logger(name: str) -> logging.Logger:
    import logging

    if not (package := logging.getLogger("embedkit")).handlers:
        package.addHandler(logging.NullHandler())  # silent unless the host configures logging
    return logging.getLogger(name)


log = lazy_logger("embedkit")


class Events:
    """Passes events to listeners, in the thread in which they happen. There are no listeners by default.

        lookup     hit | stale | negative | miss     the outcome of looking a picture up in the cache
        rescue                                       the last good copy was shown during an outage
        coalesced  thread | process                  a caller shared another caller's upstream call
        upstream   endpoint, outcome                 a call, including its retries; the value is its seconds
        tries      endpoint                          the number of requests of a call: the value
        refused    endpoint, code                    a call that was not made: breaker, throttle, queue
        store      failure | corrupt                 the store failed, or an entry in it was not valid

    Labels come from closed lists in our own code, never from a request or a response.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Call this listener with every event from now on."""
        self._listeners += (listener,)

    def __call__(self, event: str, *labels: str, value: float = 1.0) -> None:
        for listener in self._listeners:
            listener(event, labels, value)


def ignore(event: str, *labels: str, value: float = 1.0) -> None:
    """Ignore an event; the default observer."""
