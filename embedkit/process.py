"""What belongs to one process: what is made when first needed, and state that a forked child makes anew."""

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
"""Takes the event, its labels and its value; must not raise."""

Observe = Callable[..., None]
"""Takes the event, its labels one by one, and ``value``, 1 by default."""


class Forkable(Protocol):
    """Something with state that a forked child must not share, such as locks that its threads held."""

    def after_fork(self) -> None: ...


_forkable: set[weakref.ref[Forkable]] = set()


def run_now_and_after_fork(part: Forkable) -> None:
    """Have ``part.after_fork()`` called now, and in every child of this process."""
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
    """What everybody in the process has under this name; made where nobody has it."""
    with _sharing:
        value: Value | None = _shared.get(name)
        if value is None:
            value = _shared[name] = make()
        return value


class Lazy(Generic[Value]):
    """A value that is made when it is first needed, once, whichever thread comes first. Call it to get the value.

    :param make: makes it; called once at the most. If it raises, the next call tries again.

    >>> part = Lazy(lambda: 7)
    >>> part.value_if_made, part(), part.value_if_made
    (None, 7, 7)
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        run_now_and_after_fork(self)
        self._made: list[Value] = []

    def after_fork(self) -> None:
        """A thread that is not in the child may have been making it."""
        self._lock = threading.RLock()

    def __call__(self) -> Value:
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    @property
    def value_if_made(self) -> Value | None:
        """The value, or None as long as nobody has needed it."""
        return self._made[0] if self._made else None


class Repeating:
    """A daemon thread that does some work again and again, until there is nothing left to do.

    It belongs to the process that started it: a forked child has none until it starts its own. It ends with the
    object that does the work, and with the interpreter.

    :param owner: the object.
    :param work: a method of its class; whether nothing is left. What it raises is logged, and it is called again.
    :param every: seconds from one call to the next.
    :param name: of the thread.
    """

    def __init__(self, owner: object, work: Callable[[Any], bool], every: float, name: str) -> None:
        self._owner = weakref.ref(owner)
        self._work = work
        self._every = every
        self._name = name
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """The thread is not in the child."""
        self._lock = threading.Lock()
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it is under way."""
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
            except RuntimeError:  # no thread to be had, or the interpreter is shutting down
                self._over = None

    def stop(self, wait: float = 0.0) -> None:
        """Let it come to its end.

        :param wait: seconds for the call that is under way.
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
                log.exception("the thread %s could not do its work", self._name)
            del owner


def roll() -> float:
    """A number from 0 to 1, to spread in time what many would do at once; no secret.

    Like ``random.random``, without importing what a warm start has no use for.
    """
    return int.from_bytes(os.urandom(6), "big") / (1 << 48)


class _Proxy:
    """Has the methods of what ``make`` returns, which is called when one is asked for that nobody has used."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        """A method, asked for the first time; from then on it is found as an attribute."""
        method = getattr(self._make(), name)
        setattr(self, name, method)
        return method


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression that is compiled when it is first used.

    To compile one takes as long as to read thousands of characters with it, and few texts need all of them.

    >>> lazy_pattern("[0-9]+").match("12 pictures")[0]
    '12'
    """
    return cast("re.Pattern[str]", _Proxy(lambda: re.compile(source, flags)))


MAX_HOPS = 16  # from one sign to the next, before a pattern is the faster way


def search_sign(
    pattern: re.Pattern[str], sign: str, following: Container[str], text: str, start: int
) -> re.Match[str] | None:
    """The next match of a pattern, each of which begins with one sign and goes on with one of several.

    One sign by itself is found ten times as fast as a pattern, as long as few others are in the way.

    >>> search_sign(lazy_pattern(r"<[Bb]r>"), "<", "Bb", "A <b>line<br>", 0).start()
    9
    """
    place = text.find(sign, start)
    for _ in range(MAX_HOPS):
        if place < 0:
            return None
        if text[place + 1 : place + 2] in following and (found := pattern.match(text, place)):
            return found
        place = text.find(sign, place + 1)
    return pattern.search(text, place) if place >= 0 else None


def lazy_logger(name: str) -> logging.Logger:
    """A logger that is made when it has something to say: what is warm has not, and importing logging takes time.

    >>> lazy_logger("embedkit.example").debug("%d pictures", 3)
    """
    return cast("logging.Logger", _Proxy(lambda: _logger(name)))


def _logger(name: str) -> logging.Logger:
    import logging

    if not (package := logging.getLogger("embedkit")).handlers:
        package.addHandler(logging.NullHandler())  # silent unless the host listens
    return logging.getLogger(name)


log = lazy_logger("embedkit")


class Events:
    """Passes events on to listeners, in the thread in which they happen; by default there are none.

        lookup     hit | stale | negative | miss     what the cache held of a picture that was asked for
        rescue                                       an outage was bridged with the last good copy
        coalesced  thread | process                  a caller shared in the call of another
        upstream   endpoint, outcome                 one call, its retries included; the value is its seconds
        tries      endpoint                          how often Getty was asked for it: the value
        refused    endpoint, code                    a call that was not made: breaker, throttle, queue
        store      failure | corrupt                 the cache failed, or held what is not ours

    Labels come from closed lists of our own code, never from a request or an answer.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Call this listener with all events from now on."""
        self._listeners += (listener,)

    def __call__(self, event: str, *labels: str, value: float = 1.0) -> None:
        for listener in self._listeners:
            listener(event, labels, value)


def ignore(event: str, *labels: str, value: float = 1.0) -> None:
    """Nobody counts."""
