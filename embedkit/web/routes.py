"""A route as data, from which Flask's URL map, the limits and the OpenAPI document are all built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import Response

Access = Literal["open", "search", "grant", "purge", "metrics"]
"""The kind of access that a route requires, as passed to a host's ``authorize``. See :mod:`embedkit.web.auth`."""

KIB = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible response of a route. ``schema`` is a struct, a list of structs, or None if it isn't JSON.

    ``paged`` is True if clients that prefer HTML get a page instead.
    """

    description: str
    schema: Any = None
    media: str = "application/json"
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another operation (OpenAPI 3.1, Link Object). A value can refer to the response: ``$response``."""

    operation: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Route:
    """A route. ``view`` takes the context and the rule's variables; its name is the endpoint's.

    ``errors`` are the codes it can return in addition to those of every route. ``access`` is checked before the
    view is called. ``limited`` counts requests against RATE_LIMIT, and ``max_body_bytes`` limits the body.
    ``sample`` is a path (by default the rule) or a body to try it with. ``paged`` means that errors can also be
    HTML pages, ``links`` lists operations related to a successful response, and ``public`` lets pages of every
    origin read the responses.
    """

    rule: str
    view: Callable[..., Response]
    summary: str
    answers: Mapping[int, Answer]
    method: str = "GET"
    query: type | None = None
    body: type | None = None
    errors: tuple[str, ...] = ()
    access: Access = "open"
    limited: bool = True
    max_body_bytes: int = 64 * KIB
    parameters: Mapping[str, str] = field(default_factory=dict)
    sample: Any = None
    paged: bool = False
    public: bool = False
    links: tuple[Link, ...] = ()
    group: str = field(kw_only=True)

    @property
    def endpoint(self) -> str:
        """The route's name in Flask and in the OpenAPI document."""
        return self.view.__name__
