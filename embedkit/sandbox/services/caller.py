"""Who calls the API v3, as the gate found out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The application, and the person on whose behalf it calls, if any.

    :param key: of the application.
    :param user: the customer of a password grant; empty for an application on its own.
    :param licensed: whether this caller may download.
    :param token: whether a valid access token came with the call, of whichever grant.
    """

    key: str
    user: str = ""
    licensed: bool = False
    token: bool = False
