"""Passwords: argon2id, length over composition.

Hashing and verifying burn about 50 ms of CPU and 64 MiB of memory on purpose: call them in a thread.
"""

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 1024

_hasher: Final = PasswordHasher()


def password_problem(password: str) -> str | None:
    """What is wrong with a new password, None when nothing is; what its characters are is the user's business."""
    if MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return None
    return f"must have {MIN_LENGTH} to {MAX_LENGTH} characters"


def hash_password(password: str) -> str:
    """The argon2id hash to store, salt and parameters included."""
    return _hasher.hash(_normal(password))


def verify_password(password: str, stored: str | None) -> tuple[bool, bool]:
    """Whether the password is right, and whether its hash should be made anew with today's parameters.

    Never raises. `stored=None` (no such user) is False and takes as long as a wrong password does.
    """
    if len(password) > MAX_LENGTH:
        return False, False
    if stored is None:
        _hasher.hash(_normal(password))
        return False, False
    try:
        _hasher.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False, False
    return True, _hasher.check_needs_rehash(stored)


def _normal(password: str) -> bytes:
    # The same letters typed on another system may arrive composed differently (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")
