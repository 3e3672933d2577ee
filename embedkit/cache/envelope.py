"""Signed JSON: what a cache entry looks like outside. Never pickle, and no entry can stand in for another.

<HMAC-SHA256 of key and body, in hex>.<body>        body: {"v": 1, "key": …, …}
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedkit.cache.stores.factory import scheme_of
from embedkit.errors import ConfigurationError
from embedkit.models import JSON

if TYPE_CHECKING:
    from embedkit.settings import Secret

VERSION = 1
MAX_CHARS = 256 * 1024  # fifty variants of one picture come to less than half
SIGNATURE = 64  # hexadecimal digits
PURPOSE = b"embedkit cache entry"  # the same secret signs grants: neither may pass for the other


def signing_secrets(secret: tuple[Secret, ...], cache: str) -> tuple[str, ...]:
    """The values of SECRET; the first signs, all verify.

    :param secret: the setting SECRET; without a value, a secret of our own is kept where that is enough.
    :param cache: the setting CACHE.
    :raises ConfigurationError: where SECRET is not set and the cache is shared between machines, or a
        secret of our own can't be kept.
    """
    if secret:
        return tuple(value.reveal() for value in secret)
    if scheme_of(cache).shared:
        raise ConfigurationError(
            "A cache that several machines share needs EMBEDKIT_SECRET.",
            hint="Set it, the same everywhere, for example to the output of: "
            "python -c 'import secrets; print(secrets.token_hex(32))'",
        )
    if scheme_of(cache).private:
        return (os.urandom(32).hex(),)
    from embedkit.cache.secret import own_secret  # most of what there is to import, for who sets none

    return (own_secret(),)


class Envelope:
    """Seals entries and opens them.

    :param secrets: the first one signs, all verify, so that they can be rotated.
    :param max_chars: of an entry that is looked at.
    """

    def __init__(self, secrets: Sequence[str], *, max_chars: int = MAX_CHARS) -> None:
        self._max_chars = max_chars
        self._keys = [hmac.digest(secret.encode(), PURPOSE, "sha256") for secret in secrets]

    def seal(self, key: str, entry: JSON) -> str:
        """An entry as text, which is good under this key alone. Plain ASCII: any store can take it."""
        body = json.dumps({"v": VERSION, "key": key, **entry}, separators=(",", ":"))
        return f"{_sign(self._keys[0], key, body)}.{body}"

    def secret(self, purpose: bytes) -> bytes:
        """A secret of its own for something else, made of the one that signs."""
        return hmac.digest(self._keys[0], purpose, "sha256")

    def open(self, key: str, sealed: object) -> JSON:
        """The entry that was sealed.

        :raises ValueError: where it is damaged, signed by somebody else, of another key or version.
        """
        text = sealed.decode("ascii") if isinstance(sealed, bytes) else sealed
        if not isinstance(text, str) or not SIGNATURE < len(text) <= self._max_chars or text[SIGNATURE] != ".":
            raise ValueError("no entry of ours")
        signature, body = text[:SIGNATURE], text[SIGNATURE + 1 :]
        if not text.isascii() or not any(
            hmac.compare_digest(signature, _sign(secret, key, body)) for secret in self._keys
        ):
            raise ValueError("not signed by us")
        return _parse(key, body)


def _parse(key: str, body: str) -> JSON:
    try:
        entry = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict) or entry.get("v") != VERSION or entry.get("key") != key:
        raise ValueError("an entry of another version or key")
    return entry


def _sign(secret: bytes, key: str, body: str) -> str:
    return hmac.digest(secret, f"{key}\n{body}".encode("ascii"), "sha256").hex()
