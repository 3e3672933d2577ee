"""Requests that notify others of a withdrawn picture: caches in front of the service, and a webhook. No I/O.

    a front      BAN, with the pictures in the Surrogate-Key header, as in the service's responses
    a webhook    POST, signed according to Standard Webhooks (https://www.standardwebhooks.com, specification 1.0)

A front (a cache in front of the service) is notified twice. A process that shares the store over a network may
send the old response for one more second (BLIND_TRUST_S), and a response that a front has begun to fetch when it
receives a BAN is not banned. The webhook is notified after that second. A message sent to the webhook again has
the same ID, so that the receiver can ignore it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from embedkit.messages import Request

TIMEOUT_S = 3.0  # for one request; if it fails, it is retried
MAX_PICTURES = 100  # in one request: about 2 KB of a header
MAX_ANSWER_BYTES = 64 * 1024  # the body of the response is ignored
PURPOSE = b"embedkit webhook"  # for which the webhook secret is derived from SECRET
KEY_PREFIX = "getty-"
AGAIN_S = 10.0  # by then, every response that was begun before is finished
WEBHOOK_DELAY_S = 3.0


def surrogate_keys(ids: Sequence[str]) -> str:
    """Return the value of the Surrogate-Key header for these pictures.

    >>> surrogate_keys(["74917285", "840894796"])
    'getty-74917285 getty-840894796'
    """
    return " ".join(f"{KEY_PREFIX}{id}" for id in ids)


def webhook_secret(key: bytes) -> str:
    """Return a signing secret in the format that receivers expect.

    :param key: the key derived from SECRET for :data:`PURPOSE`.
    """
    return f"whsec_{base64.b64encode(key).decode()}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A front or a webhook.

    :param kind: its name in ``/readyz``.
    :param url: the URL that it is notified at.
    :param endpoint: name of its breaker.
    :param key: signs messages to a webhook; empty for a front.
    :param delay: seconds to wait before it is notified.
    """

    kind: str
    url: str = field(repr=False)  # for a webhook, the URL is often the only credential
    endpoint: str
    key: bytes = field(default=b"", repr=False)
    delay: float = 0.0

    @property
    def name(self) -> str:
        """Its name in the journal, which does not reveal the URL."""
        return hashlib.sha256(f"{self.url} {self.delay}".encode()).hexdigest()[:16]

    def request(self, ids: Sequence[str], message: str, now: float) -> Request:
        """Return the request that reports these pictures as withdrawn.

        :param ids: at most MAX_PICTURES IDs.
        :param message: message ID, the same for a repeated message.
        :param now: the current time in seconds since the epoch.
        """
        plain = Request(
            self.url,
            endpoint=self.endpoint,
            max_bytes=MAX_ANSWER_BYTES,
            follow_redirects=False,
            timeout=TIMEOUT_S,
            signed=True,  # its URL is not shown anywhere
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
    """Return the signature of a message: HMAC-SHA256 of its ID, its time in whole seconds and its body, in base64.

    >>> sign(b"k" * 32, "msg_1", 1_800_000_000, b"{}")
    'o5skMs6rQ+/jd4XlxZgDWaK7CFqnIdOFNDAnRgFu3XA='
    """
    signed = b".".join((message.encode(), str(timestamp).encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def receivers(fronts: Sequence[str], webhook: str, key: bytes) -> tuple[Receiver, ...]:
    """Return all receivers.

    :param fronts: the PURGE_URLS setting.
    :param webhook: the WEBHOOK_URL setting; empty for none.
    :param key: signs messages to the webhook.
    """
    found = [
        Receiver("fronts", url, f"purge-{number}", delay=delay)
        for number, url in enumerate(fronts, 1)
        for delay in (0.0, AGAIN_S)
    ]
    return (*found, *([Receiver("webhook", webhook, "webhook", key, WEBHOOK_DELAY_S)] if webhook else []))
