"""Tokens and signatures of frames: 16 bytes of a UUIDv4, and an HMAC-SHA256 over items and query.

The real input and key are unknown; these behave alike: the pairs up to ``sig`` are bound
in their order and to the items, the pairs after it are free.
"""

from __future__ import annotations

import hmac
import uuid
from base64 import urlsafe_b64encode
from hashlib import sha256


def new_token() -> str:
    """22 characters of base64url, without padding."""
    return _base64(uuid.uuid4().bytes).rstrip("=")


def token_of(text: str) -> str:
    """The same shape, but following from a text."""
    made = uuid.UUID(bytes=sha256(text.encode()).digest()[:16], version=4)
    return _base64(made.bytes).rstrip("=")


def sign(secret: str, items: str, query: str) -> str:
    """44 characters of base64url, with padding, over the items and the query up to, and without, ``&sig``."""
    return _base64(hmac.digest(secret.encode(), f"{items}?{query}".encode(), "sha256"))


def verified(secret: str, items: str, query: str) -> bool:
    """Whether a raw query carries ``et`` and then the right ``sig`` for these items."""
    signed, mark, rest = query.partition("&sig=")
    given = rest.partition("&")[0].replace("%3D", "=").replace("%3d", "=")
    has_token = any(pair.startswith("et=") and len(pair) > 3 for pair in signed.split("&"))
    right = sign(secret, items, signed)
    return bool(mark) and has_token and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode()
