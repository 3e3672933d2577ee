"""Answers that went well: JSON and pages, with validators and lifetimes (RFC 9110, 9111, 5861)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from flask import Response, request

from embedkit import serialization
from embedkit.models import JSON, Embed
from embedkit.settings import Settings
from embedkit.web.context import Service

NO_STORE = "no-store"
PAGES = "public, max-age=300, stale-while-revalidate=86400"  # what only changes when the service is updated


def as_json(data: Any, *, cache: str = NO_STORE, about: Any = None) -> Response:
    """JSON, with an entity tag where it may be kept.

    :param about: what the tag is made from where ``data`` holds something that changes with every second.
        The tag is then a weak one: the bytes differ, the meaning does not.
    """
    body = msgspec.json.encode(data)
    tag = None if cache == NO_STORE else body if about is None else msgspec.json.encode(about)
    return _answer(Response(body, content_type="application/json"), cache, tag, weak=about is not None)


def as_page(html: str, policy: str, *, status: int = 200, cache: str = NO_STORE) -> Response:
    """HTML with its own Content-Security-Policy."""
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return _answer(response, cache, None if cache == NO_STORE else response.get_data(), weak=False)


def in_language(response: Response, language: str) -> Response:
    """Say which language an answer is in, and that another one was to be had."""
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response


def lifetime(service: Service, embed: Embed) -> str:
    """How long others may keep what was made from an embed: as long as it is fresh here, a day at the most.

    A stale copy is being asked for anew while it is shown, so nobody else should hold on to it.
    """
    left = 0 if embed.stale else max(0, int(embed.fresh_until - service.clock()))
    return cache_control(service.settings, left)


def cache_control(settings: Settings, seconds: int) -> str:
    """The header Cache-Control of what is fresh for so many seconds (RFC 5861)."""
    behind = f", stale-while-revalidate={settings.stale_while_revalidate}" if seconds else ""
    return f"public, max-age={min(seconds, settings.max_age)}{behind}, stale-if-error={settings.stale_if_error}"


def record(service: Service, embed: Embed) -> JSON:
    return serialization.public(embed, service.clock())


def timeless(data: JSON) -> JSON:
    """The same without what counts seconds, to make an entity tag from."""
    return {name: value for name, value in data.items() if name != "cache_age"}


def _answer(response: Response, cache: str, tag: bytes | None, *, weak: bool) -> Response:
    response.headers["Cache-Control"] = cache
    if tag is None:
        return response
    response.set_etag(hashlib.blake2b(tag, digest_size=12).hexdigest(), weak=weak)
    response.make_conditional(request.environ)
    return response
