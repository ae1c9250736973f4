"""Hooks of Schemathesis: files of SQLite to send, from a good library to bytes that are none."""

import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

GOOD = Path(os.environ["FUZZED_LIBRARY"]).read_bytes()

flipped = st.builds(
    lambda at, byte: GOOD[:at] + bytes([byte]) + GOOD[at + 1 :],
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 255),
)
cut = st.integers(0, len(GOOD)).map(lambda length: GOOD[:length])

schemathesis.openapi.media_type(
    "application/vnd.sqlite3", st.one_of(st.just(GOOD), flipped, cut, st.binary(max_size=200))
)
