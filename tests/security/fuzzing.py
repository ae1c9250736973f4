"""Hooks of Schemathesis: files of SQLite to send, from a good library to bytes that are none, and a list of what was asked."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

GOOD = Path(os.environ["FUZZED_LIBRARY"]).read_bytes()
ASKED = Path(os.environ["FUZZED_ROUTES"])

flipped = st.builds(
    lambda at, byte: GOOD[:at] + bytes([byte]) + GOOD[at + 1 :],
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 255),
)
cut = st.integers(0, len(GOOD)).map(lambda length: GOOD[:length])

schemathesis.openapi.media_type(
    "application/vnd.sqlite3", st.one_of(st.just(GOOD), flipped, cut, st.binary(max_size=200))
)

_polls = itertools.cycle([False, True])


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Ask for a room's snapshot every other time: the cursor for that is an empty one, which is hardly made up."""
    if case.operation.label == "GET /projects/{project_id}/events" and next(_polls):
        case.query = {**(case.query or {}), "after": ""}


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Note which operation was asked and what it answered with."""
    content_type = (response.headers.get("content-type") or [""])[0].partition(";")[0]
    with ASKED.open("a") as file:
        file.write(json.dumps([case.operation.label, response.status_code, content_type]) + "\n")
