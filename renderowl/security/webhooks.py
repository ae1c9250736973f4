"""Signatures of incoming webhooks: `t=<Unix seconds>,v1=<HMAC-SHA256 of "timestamp.body">`.

The timestamp is signed too and must be young, so that a recorded request cannot be sent again later; within the
window the caller keeps the signatures it has seen.
"""

import time
from collections.abc import Sequence
from typing import Final

from renderowl.domain.errors import Unauthenticated
from renderowl.security.signing import verify

WINDOW_S: Final = 300
_MAX_HEADER_LENGTH: Final = 512


def verify_webhook(keys: Sequence[bytes], header: str | None, body: bytes, *, now: float | None = None) -> int:
    """Return the signed timestamp (Unix seconds) of a genuine request that is at most five minutes off.

    `body` is the raw bytes as received; one of `keys` has signed it. Several `v1` are allowed (while the sender
    rotates its secret). Raises Unauthenticated for anything else; a malformed header is no other error.
    """
    timestamp, signatures = _parse(header)
    message = _message(timestamp, body)
    if not any(verify(key, message, signature) for signature in signatures for key in keys):
        raise Unauthenticated("The webhook signature is not valid")
    if abs((time.time() if now is None else now) - timestamp) > WINDOW_S:
        raise Unauthenticated("The webhook's timestamp is more than five minutes off")
    return timestamp


def _message(timestamp: int, body: bytes) -> bytes:
    return b"%d.%b" % (timestamp, body)


def _parse(header: str | None) -> tuple[int, list[str]]:
    malformed = Unauthenticated("The webhook signature header is missing or malformed")
    if not header or len(header) > _MAX_HEADER_LENGTH:
        raise malformed
    fields = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in fields if name == "t"]
    signatures = [value for name, _, value in fields if name == "v1"]
    # isdigit alone takes digits of other scripts, and int() of thousands of digits raises.
    if len(timestamps) != 1 or not signatures or not (timestamps[0].isascii() and timestamps[0].isdigit()):
        raise malformed
    if len(timestamps[0]) > 12:
        raise malformed
    return int(timestamps[0]), signatures
