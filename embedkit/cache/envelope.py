"""Signed JSON, the stored form of a cache entry. Never pickle; and no entry can be passed off as another.

<keyed BLAKE2b of the body, in hex>.<body>        body: {"v": 2, "key": …, …}

BLAKE2b with a key is a message authentication code by definition (RFC 7693, section 2.9). It needs no HMAC around
it, since nothing can be appended to what it has hashed. It is built into Python, whereas HMAC-SHA256 initializes
OpenSSL, which takes a sixth of a new process's first cache lookup.
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
MAX_CHARS = 256 * 1024  # fifty variants of one picture take less than half of it
SIGNATURE = 64  # hexadecimal digits
BODY = SIGNATURE + 1  # offset of the body
PURPOSE = b"embedkit cache entry"  # the same secret signs grants, and neither may pass for the other

_read_json = json.JSONDecoder().raw_decode


def signing_secrets(secret: tuple[Secret, ...], cache: str) -> tuple[str, ...]:
    """Return the values of SECRET; the first one signs, and all of them verify.

    :param secret: the SECRET setting; if it has no value, we create a secret of our own, where that is sufficient.
    :param cache: the CACHE setting.
    :raises ConfigurationError: if SECRET is not set and the cache is shared between machines, or a secret of our
        own can't be stored.
    """
    if secret:
        return tuple(value.reveal() for value in secret)
    if scheme_of(cache).shared:
        raise ConfigurationError(
            "A cache that is shared by several machines needs EMBEDKIT_SECRET.",
            hint="Set it, the same everywhere, for example to the output of: "
            "python -c 'import secrets; print(secrets.token_hex(32))'",
        )
    if scheme_of(cache).private:
        return (os.urandom(32).hex(),)
    from embedkit.cache.secret import own_secret  # an expensive import, only needed if none is set

    return (own_secret(),)


class Envelope:
    """Seals and opens entries.

    :param secrets: the first one signs, and all of them verify, so that they can be rotated.
    :param max_chars: maximum size of an entry to open.
    """

    def __init__(self, secrets: Sequence[str], *, max_chars: int = MAX_CHARS) -> None:
        self._max_chars = max_chars
        self._keys = [mac(blake2b(secret.encode()).digest(), PURPOSE) for secret in secrets]

    def seal(self, key: str, entry: JSON) -> str:
        """Return an entry as signed text, valid only under this key. Plain ASCII, which any store accepts."""
        body = json.dumps({"v": VERSION, "key": key, **entry}, separators=(",", ":"))
        return f"{mac(self._keys[0], body.encode()).hex()}.{body}"

    def secret(self, purpose: bytes) -> bytes:
        """Derive a secret for another purpose from the one that signs."""
        return mac(self._keys[0], purpose)

    def open(self, key: str, sealed: object) -> JSON:
        """Verify and return an entry.

        :raises ValueError: if it is damaged, not signed by us, or of another key or version.
        """
        text = sealed.decode("ascii") if isinstance(sealed, bytes) else sealed
        if not isinstance(text, str) or not BODY <= len(text) <= self._max_chars or text[SIGNATURE] != ".":
            raise ValueError("not one of our entries")
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
    """Return the keyed BLAKE2b of some data.

    :param secret: the key, at most 64 bytes.
    """
    return blake2b(data, key=secret, digest_size=SIGNATURE // 2).digest()
