"""A service over the sandbox, for the tests of embedkit.web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from embedkit import EmbedKit, Settings, create_app
from embedkit.sandbox import Sandbox, SandboxTransport
from embedkit.sandbox.services import auth

EXAMPLE = "74917285"
ANY = "600000123"
WITHDRAWN = "500000404"
FORBIDDEN = "500000403"
HOSTILE = "500000666"
ADMIN = "an-invented-admin-token-for-the-tests-0001"
TOKEN = "an-invented-search-token-for-the-tests-001"
TOKEN_2 = "an-invented-search-token-for-the-tests-002"
KEYS = {"api_key": auth.KEY, "api_secret": auth.SECRET}
SEARCH = "/v1/search?q=solar+eclipse"
PUBLIC = "https://embeds.example.org"


@dataclass
class World:
    """A service, its test client, its kit and the sandbox that is its upstream."""

    app: Flask
    client: FlaskClient
    kit: EmbedKit
    sandbox: Sandbox


def settings(**rows: Any) -> Settings:
    plain = {"cache": "memory:", "secret": "s" * 40, "public_url": PUBLIC, "rate_limit": "100000/minute"}
    return Settings(**{**plain, **rows})


def kit(**rows: Any) -> EmbedKit:
    return EmbedKit(settings(**rows), transport=SandboxTransport())


def world(authorize: Any = None, **rows: Any) -> World:
    transport = SandboxTransport()
    made = EmbedKit(settings(**rows), transport=transport)
    app = create_app(kit=made, authorize=authorize)
    return World(app, app.test_client(), made, transport.app)


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}
