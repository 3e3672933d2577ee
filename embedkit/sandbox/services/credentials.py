"""The credentials that the sandbox knows. They guard nothing, and stand in its documentation and its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KEY = "sandbox-key"
SECRET = "sandbox-secret"  # noqa: S105
USER = "sandbox-user"
PASSWORD = "sandbox-password"  # noqa: S105
CUSTOMER: dict[str, Any] = {
    "api_key": KEY,
    "api_secret": SECRET,
    "username": USER,
    "password": PASSWORD,
}  # as settings
# a second application, as most owners of a key have one: it may search, and nothing else
SEARCH_KEY = "sandbox-search-key"
SEARCH_SECRET = "sandbox-search-secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Application:
    """What belongs to a key. ``users`` are names and passwords; ``licensed`` is the right to download."""

    key: str
    secret: str
    users: tuple[tuple[str, str], ...] = ()
    licensed: bool = False


APPLICATIONS = {
    KEY: Application(KEY, SECRET, ((USER, PASSWORD),), licensed=True),
    SEARCH_KEY: Application(SEARCH_KEY, SEARCH_SECRET),
}
