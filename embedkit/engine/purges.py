"""Who else is told of a withdrawn picture: caches in front of the service, and a webhook. No input or output.

    a front      BAN, with the pictures in the header Surrogate-Key as answers of the service have them
    a webhook    POST, signed as Standard Webhooks says (https://www.standardwebhooks.com, specification 1.0)

A front is told twice. A process that shares the store over a network may give the old answer for a second more
(BLIND_TRUST_S), and what a front has begun to fetch when it gets a BAN is not banned. The webhook is told after
that second. What is sent twice to the webhook has the same ID, so that it can leave it at the first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from embedkit.messages import Request

TIMEOUT_S = 3.0  # for one request; one that fails comes again
MAX_PICTURES = 100  # in one request: some 2 KB of a header
MAX_ANSWER_BYTES = 64 * 1024  # nobody reads it
PURPOSE = b"embedkit webhook"  # what the secret of webhooks is made for, out of SECRET
KEY_PREFIX = "getty-"
AGAIN_S = 10.0  # by then whoever began to answer before has ended
WEBHOOK_DELAY_S = 3.0


def surrogate_keys(ids: Sequence[str]) -> str:
    """What the header Surrogate-Key says of these pictures.

    >>> surrogate_keys(["74917285", "840894796"])
    'getty-74917285 getty-840894796'
    """
    return " ".join(f"{KEY_PREFIX}{id}" for id in ids)


def webhook_secret(key: bytes) -> str:
    """A secret for signing, as receivers configure it.

    :param key: made of SECRET for :data:`PURPOSE`.
    """
    return f"whsec_{base64.b64encode(key).decode()}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A front or a webhook.

    :param kind: as ``/readyz`` names it.
    :param url: where it listens.
    :param endpoint: what its breaker is known by.
    :param key: signs what is sent to a webhook; a front gets no signature.
    :param delay: seconds to wait before it is told.
    """

    kind: str
    url: str = field(repr=False)  # that of a webhook often opens it
    endpoint: str
    key: bytes = field(default=b"", repr=False)
    delay: float = 0.0

    @property
    def name(self) -> str:
        """What the journal knows it by: nothing of the URL can be read from it."""
        return hashlib.sha256(f"{self.url} {self.delay}".encode()).hexdigest()[:16]

    def request(self, ids: Sequence[str], message: str, now: float) -> Request:
        """What tells it that these pictures are withdrawn.

        :param ids: MAX_PICTURES at the most.
        :param message: the same ID for the same message.
        :param now: seconds since the epoch.
        """
        plain = Request(
            self.url,
            endpoint=self.endpoint,
            max_bytes=MAX_ANSWER_BYTES,
            follow_redirects=False,
            timeout=TIMEOUT_S,
            signed=True,  # its URL is shown to nobody
        )
        if not self.key:
            return replace(plain, method="BAN", headers={"Surrogate-Key": surrogate_keys(ids)})
        body = json.dumps({"type": "picture.withdrawn", "data": {"pictures": list(ids)}}).encode()
        headers = {
            "Content-Type": "application/json",
            "Webhook-Id": message,
            "Webhook-Timestamp": str(int(now)),
            "Webhook-Signature": f"v1,{sign(self.key, message, int(now), body)}",
        }
        return replace(plain, method="POST", headers=headers, body=body)


def sign(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The signature of a message: HMAC-SHA256 of its ID, its time in whole seconds, and its body, in base64.

    >>> sign(b"k" * 32, "msg_1", 1_800_000_000, b"{}")
    'o5skMs6rQ+/jd4XlxZgDWaK7CFqnIdOFNDAnRgFu3XA='
    """
    signed = b".".join((message.encode(), str(timestamp).encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def receivers(fronts: Sequence[str], webhook: str, key: bytes) -> tuple[Receiver, ...]:
    """All that are told.

    :param fronts: the setting PURGE_URLS.
    :param webhook: the setting WEBHOOK_URL; empty for none.
    :param key: signs what the webhook gets.
    """
    found = [
        Receiver("fronts", url, f"purge-{number}", delay=delay)
        for number, url in enumerate(fronts, 1)
        for delay in (0.0, AGAIN_S)
    ]
    return (*found, *([Receiver("webhook", webhook, "webhook", key, WEBHOOK_DELAY_S)] if webhook else []))
