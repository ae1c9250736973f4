"""`docs/api` holds the documents as they are served: a change of the contract shows in a diff."""

import json
from pathlib import Path

import pytest

from renderowl.testing.documents import SERVED, served
from renderowl.ws import handler

FOLDER = Path(__file__).parents[3] / "docs" / "api"


@pytest.mark.parametrize("name", SERVED)
async def test_the_committed_document_is_the_served_one(name: str) -> None:
    assert (FOLDER / name).read_text() == (await served())[name], "run: make documents"


def test_the_rooms_channels_are_routes() -> None:
    openapi, rooms = (json.loads((FOLDER / name).read_text()) for name in SERVED)
    addresses = {name: channel["address"] for name, channel in rooms["channels"].items()}
    assert addresses["stream"] in openapi["paths"]
    assert addresses["room"] == addresses["plainRoom"] == handler.PATH.replace(":str", "")
