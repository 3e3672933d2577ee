"""One route as data: Flask's map, the limits and the OpenAPI document are all made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import Response

Access = Literal["open", "search", "grant", "purge", "metrics"]
"""What a route is to its callers; also what a host's ``authorize`` is asked. See :mod:`embedkit.web.auth`."""

KIB = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route may answer: ``schema`` is a struct, a list of one, or None for what is not JSON.

    ``paged`` tells that it is a page for clients that prefer HTML.
    """

    description: str
    schema: Any = None
    media: str = "application/json"
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Where an answer leads (OpenAPI 3.1, Link Object); what begins with ``$response`` is taken from it."""

    operation: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Route:
    """``view`` takes the service and what the rule names; its own name is that of the endpoint.

    ``errors`` are the codes it may answer with beside those that any route may. ``access`` says who may call
    it, which is checked before the view. ``limited`` counts it against RATE_LIMIT; ``max_body_bytes`` bounds the
    body; ``sample`` is a path (by default the rule) or a body to try it with. ``paged`` tells that errors may be
    pages, too; ``links`` where a good answer leads. ``public`` lets pages of every origin read the answers.
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
        """What Flask and the OpenAPI document know the route by."""
        return self.view.__name__
