"""Keys derived from the one secret, and signatures with them.

Every use has a label of its own, so that a signature made for one purpose is worth nothing for another.
"""

import hashlib
import hmac
from typing import Final

_SALT: Final = b"renderowl/v1"


def derive(secret: str, label: str) -> bytes:
    """The 256-bit key of one purpose: HKDF-SHA256 (RFC 5869) of `secret` with `label` as the info."""
    pseudorandom_key = hmac.digest(_SALT, secret.encode(), hashlib.sha256)
    return hmac.digest(pseudorandom_key, label.encode() + b"\x01", hashlib.sha256)


def sign(key: bytes, message: bytes) -> str:
    """The HMAC-SHA256 of a message, in hexadecimal."""
    return hmac.digest(key, message, hashlib.sha256).hex()


def verify(key: bytes, message: bytes, signature: str) -> bool:
    """True when `signature` is the one of this message; takes the same time wherever it differs, and never raises."""
    return hmac.compare_digest(sign(key, message).encode(), signature.encode(errors="surrogatepass"))
