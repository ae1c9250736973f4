"""Which pages may call the API: those of the allowed origins, with a bearer token, never with the session cookie."""

from collections.abc import Sequence
from typing import Final

from litestar.config.cors import CORSConfig

_SENT: Final = ["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id", "range"]
_READ: Final = [
    *("content-range", "etag", "idempotency-replayed", "location", "retry-after", "x-request-id"),
    *("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
]


def cors_config(allowed_origins: Sequence[str]) -> CORSConfig | None:
    """What browsers are told; None, and nothing is said, when no other origin than the API's own is allowed.

    Litestar reads `*` in an origin as a wildcard. Settings refuse it, so that sockets and requests know the same pages.
    """
    if not allowed_origins:
        return None
    return CORSConfig(
        allow_origins=list(allowed_origins),
        allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=600,
    )
