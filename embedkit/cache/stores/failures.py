"""What a store has swallowed: cachelib's interface says False or None, and whoever guards it wants to know why."""

from __future__ import annotations

import threading


class Failures(threading.local):
    """The last error that a store met on this thread."""

    error: Exception | None = None
