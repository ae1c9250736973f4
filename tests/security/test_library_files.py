"""SQLite files that somebody brings: what reading them takes, and how many are kept."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from renderowl.services import library_file, library_reader, snapshots
from renderowl.testing.service import Service

SQLITE = {"content-type": snapshots.CONTENT_TYPE}


@pytest.fixture
def file(tmp_path: Path) -> bytes:
    """A library of one game."""
    path = tmp_path / "library.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE games (id, name); INSERT INTO games VALUES (1, 'first')")
    return path.read_bytes()


async def test_a_brought_file_is_opened_by_another_process(
    service: Service, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four of 17 MB at once, read in the API, made everybody else's requests forty times as long for a minute."""

    def here(_: Path) -> Any:
        raise AssertionError("it is read here")

    monkeypatch.setattr(library_file, "read_file", here)
    monkeypatch.setattr(library_reader, "read_file", here)
    brought = await service.http.put("/library/snapshots", content=file, headers=SQLITE)
    assert brought.status_code == 201, brought.text
    back = await service.http.post(f"/library/snapshots/{brought.json()['id']}/restore")
    assert back.json()["items"]["games"] == 1


async def test_a_file_that_breaks_its_reader_is_unreadable(
    service: Service, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_reader, "_MEMORY_BYTES", 8 * 1024**2)
    answer = await service.http.put("/library/snapshots", content=file, headers=SQLITE)
    assert (answer.status_code, answer.json()["code"]) == (422, "media_unreadable")
    assert (await service.http.get("/library/snapshots")).json()["items"] == []


async def test_of_many_at_once_no_more_are_kept_than_may_be(
    service: Service, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_SNAPSHOTS", 3)
    answers = await asyncio.gather(
        *(service.http.post("/library/snapshots") for _ in range(8)),
        *(service.http.put("/library/snapshots", content=file, headers=SQLITE) for _ in range(4)),
    )
    kept = (await service.http.get("/library/snapshots")).json()["items"]
    assert len(kept) == sum(answer.status_code == 201 for answer in answers)
    assert len(kept) <= 3
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_an_account_brings_one_file_at_a_time(service: Service, file: bytes) -> None:
    """Those that wait lie on the disk: a minute's requests of one account would be gigabytes."""

    async def bring() -> int:
        return (await service.http.put("/library/snapshots", content=file, headers=SQLITE)).status_code

    assert {*await asyncio.gather(*(bring() for _ in range(5)))} == {201, 409}
    assert await bring() == 201
