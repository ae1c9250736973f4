"""Prefixed, time-ordered identifiers: `rnd_01kap3...`.

The part behind the prefix is a ULID in lower case: 48 bits of Unix milliseconds and 80 random bits in Crockford's
base 32 (https://github.com/ulid/spec), so that ids sort by creation time as text.
"""

import re
import secrets
import time
from typing import Final, Literal, get_args

Prefix = Literal[
    "prj", "ast", "rnd", "stp", "aut", "exe", "key", "usr", "ses", "con", "wrk", "dlv", "req", "evt",
    "src", "whk", "gam", "rcl", "wcl", "hlr", "fvd", "lib", "ern",
]  # fmt: skip
PREFIXES: Final = frozenset(get_args(Prefix))

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID: Final = re.compile(rf"({'|'.join(sorted(PREFIXES))})_[{_ALPHABET}]{{26}}")


def new_id(prefix: Prefix, *, at_ms: int | None = None) -> str:
    """Return a fresh id such as `prj_01kap3m0e8x9w2c6v4t7r5q1zn`; ids made later sort later, to the millisecond."""
    millis = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    value = (millis << 80) | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_id(text: str, prefix: Prefix) -> bool:
    """Tell whether `text` has the shape of an id with this prefix."""
    return text.startswith(prefix + "_") and _ID.fullmatch(text) is not None
