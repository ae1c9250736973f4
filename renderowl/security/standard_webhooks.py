"""Signatures of outgoing webhooks, as the Standard Webhooks specification 1.0 has them: github.com/standard-webhooks.

Each request carries `webhook-id`, `webhook-timestamp` and `webhook-signature`; signed is `id.timestamp.body`. Several
signatures, space-separated, stand side by side while a secret is being rotated.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins, not one


def told_secret(key: bytes) -> str:
    """A key as receivers are given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret that a receiver was given."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))


def headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a request at `timestamp` (Unix seconds), signed with each of the keys."""
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
