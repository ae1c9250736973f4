"""`docs/api` holds the documents as they are served: a change of the contract shows in a diff."""

from pathlib import Path

import pytest

from renderowl.testing.documents import SERVED, served

FOLDER = Path(__file__).parents[3] / "docs" / "api"


@pytest.mark.parametrize("name", SERVED)
async def test_the_committed_document_is_the_served_one(name: str) -> None:
    assert (FOLDER / name).read_text() == (await served())[name], "run: make documents"
