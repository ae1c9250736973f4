"""docs/sdk-python.md and docs/sdk-typescript.md name every method of the clients, and none that does not exist."""

import re
from pathlib import Path

import pytest

from renderowl.client import Client, Room

_ROOT = Path(__file__).parents[3]
_SOURCES = {"client": "web/client/src/client.ts", "room": "web/client/src/room.ts"}
_METHOD = re.compile(r"^  (?:async )?(?:get )?([a-z]\w*)(?:<[^>]*>)?\(", re.MULTILINE)


def _told(page: str, whose: str) -> set[str]:
    text = (_ROOT / "docs" / page).read_text()
    return set(re.findall(rf"^\| `{whose}\.(\w+)(?:\(\.\.\.\))?` \|", text, re.MULTILINE))


@pytest.mark.parametrize(("whose", "kind"), [("client", Client), ("room", Room)])
def test_every_python_method_is_there(whose: str, kind: type) -> None:
    attributes = {"cursor"} if kind is Room else set()
    made = {name for name in vars(kind) if not name.startswith("_")} | attributes
    assert _told("sdk-python.md", whose) == made


@pytest.mark.parametrize("whose", _SOURCES)
def test_every_typescript_method_is_there(whose: str) -> None:
    made = set(_METHOD.findall((_ROOT / _SOURCES[whose]).read_text())) - {"constructor"}
    assert _told("sdk-typescript.md", whose) == made
