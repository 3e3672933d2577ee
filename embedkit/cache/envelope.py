"""Signed JSON: what a cache entry looks like outside. Never pickle, and no entry can stand in for another.

<keyed BLAKE2b of the body, in hex>.<body>        body: {"v": 2, "key": …, …}

BLAKE2b with a key is a message authentication code by its definition (RFC 7693, section 2.9): it needs no HMAC
around it, since nothing can be appended to what it has hashed. It is part of Python, where HMAC-SHA256 has
OpenSSL set up first: a sixth of what the first look into a cache costs a new process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING

from embedkit.cache.stores.factory import scheme_of
from embedkit.errors import ConfigurationError
from embedkit.models import JSON

if TYPE_CHECKING:
    from embedkit.settings import Secret

VERSION = 2
MAX_CHARS = 256 * 1024  # fifty variants of one picture come to less than half
SIGNATURE = 64  # hexadecimal digits
BODY = SIGNATURE + 1  # where it begins
PURPOSE = b"embedkit cache entry"  # the same secret signs grants: neither may pass for the other

_read_json = json.JSONDecoder().raw_decode


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
        self._keys = [mac(blake2b(secret.encode()).digest(), PURPOSE) for secret in secrets]

    def seal(self, key: str, entry: JSON) -> str:
        """An entry as text, which is good under this key alone. Plain ASCII: any store can take it."""
        body = json.dumps({"v": VERSION, "key": key, **entry}, separators=(",", ":"))
        return f"{mac(self._keys[0], body.encode()).hex()}.{body}"

    def secret(self, purpose: bytes) -> bytes:
        """A secret of its own for something else, made of the one that signs."""
        return mac(self._keys[0], purpose)

    def open(self, key: str, sealed: object) -> JSON:
        """The entry that was sealed.

        :raises ValueError: where it is damaged, signed by somebody else, of another key or version.
        """
        text = sealed.decode("ascii") if isinstance(sealed, bytes) else sealed
        if not isinstance(text, str) or not BODY <= len(text) <= self._max_chars or text[SIGNATURE] != ".":
            raise ValueError("no entry of ours")
        signature, body = text[:SIGNATURE], memoryview(text.encode("ascii"))[BODY:]
        for secret in self._keys:
            if compare_digest(signature, mac(secret, body).hex()):
                return _parse(key, text)
        raise ValueError("not signed by us")


def _parse(key: str, text: str) -> JSON:
    try:
        entry, end = _read_json(text, BODY)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict) or end != len(text) or entry.get("v") != VERSION or entry.get("key") != key:
        raise ValueError("an entry of another version or key")
    return entry


def mac(secret: bytes, data: bytes | memoryview) -> bytes:
    """The keyed BLAKE2b of some data.

    :param secret: of 64 bytes, at the most.
    """
    return blake2b(data, key=secret, digest_size=SIGNATURE // 2).digest()
