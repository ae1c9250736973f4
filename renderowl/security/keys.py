"""API keys: `ro_live_`, 32 random base62 characters (190 bits), 6 characters of CRC-32.

Only the SHA-256 and the last four characters are stored: with this much entropy a slow hash would add nothing. The
checksum tells a mistyped key from an unknown one without a look into the database, and secret scanners use it.
"""

import hashlib
import secrets
import string
import zlib
from typing import Final

import msgspec

PREFIX: Final = "ro_live_"
_BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 32
_CHECKSUM: Final = 6


class NewKey(msgspec.Struct, frozen=True):
    """A key just made: `plaintext` is shown once, the rest is stored."""

    plaintext: str
    sha256: str
    """Hexadecimal."""
    last_four: str

    def __repr__(self) -> str:
        return f"NewKey(...{self.last_four})"  # a key in a log or a traceback is a leak


def new_key() -> NewKey:
    """Draw a key."""
    body = PREFIX + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM))
    plaintext = body + _checksum(body)
    return NewKey(plaintext, _sha256(plaintext), plaintext[-4:])


def parse_key(text: str) -> str | None:
    """The SHA-256 to look a key up by, or None when this cannot be a key of ours. Never raises."""
    body, checksum = text[:-_CHECKSUM], text[-_CHECKSUM:]
    if len(text) != len(PREFIX) + _RANDOM + _CHECKSUM or not text.startswith(PREFIX):
        return None
    if any(char not in _BASE62 for char in body.removeprefix(PREFIX)) or checksum != _checksum(body):
        return None
    return _sha256(text)


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
