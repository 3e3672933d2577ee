"""What happens inside, for whoever counts it; by default nobody does.

    lookup     hit | stale | negative | miss     what the cache held of a picture that was asked for
    rescue                                       an outage was bridged with the last good copy
    coalesced  thread | process                  a caller shared in the call of another
    upstream   endpoint, outcome                 one call, its retries included; the value is its seconds
    tries      endpoint                          how often Getty was asked for it: the value
    refused    endpoint, code                    a call that was not made: breaker, throttle, queue
    store      failure | corrupt                 the cache failed, or held what is not ours

Labels come from closed lists of our own code, never from a request or an answer.
"""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str, tuple[str, ...], float], None]
"""Takes the event, its labels and its value; must not raise."""

Observe = Callable[..., None]
"""Takes the event, its labels one by one, and ``value``, 1 by default."""


class Events:
    """Passes events on to listeners, in the thread in which they happen."""

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
