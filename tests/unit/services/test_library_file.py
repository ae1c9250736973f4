"""Files of libraries from anywhere: read as far as they can be trusted, which is not at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from renderowl.domain.errors import MediaUnreadable, ValidationFailed
from renderowl.services import library_file
from renderowl.services.library_file import Writer, read_file

MADE = {"created_at": "2026-05-17T10:00:00+00:00", "updated_at": "2026-05-17T10:00:00+00:00"}


def file_of(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    return path


def problems_of(path: Path) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refused:
        read_file(path)
    return {one.path: one.message for one in refused.value.errors}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a")
    writer.add("games", [{"id": "gam_1", "name": "Löwen", "game_type": "home", **MADE}])
    clip = {"id": "7", "game_id": "gam_1", "video_path": "a.mp4", "start_time": 1, "end_time": 2.5, "rating": 4}
    writer.add("raw_clips", [{**clip, "tags": ["a", '"b"'], **MADE}])
    writer.close()
    contents = read_file(tmp_path / "a")
    assert contents.counts["games"] == contents.counts["raw_clips"] == 1
    (row,) = contents.items["raw_clips"]
    assert (row.id, row.values["tags"], row.values["end_time"]) == ("7", ("a", '"b"'), 2.5)
    assert row.created_at.isoformat() == MADE["created_at"]


def test_parents_that_are_missing_and_ids_that_come_twice_are_told(tmp_path: Path) -> None:
    script = """
        CREATE TABLE games (id TEXT, name TEXT);
        INSERT INTO games VALUES ('1', 'a'), ('1', 'b'), (x'00', 'c'), (NULL, 'd');
        CREATE TABLE raw_clips (id, game_id, video_path, start_time, end_time);
        INSERT INTO raw_clips VALUES (1, 9, 'a', 0, 1);
    """
    told = problems_of(file_of(tmp_path / "a", script))
    assert set(told) == {"/games/1/id", "/games/2/id", "/games/3/id", "/raw_clips/0/game_id"}


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW games AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n",
        "CREATE VIRTUAL TABLE games USING fts5(id, name)",
        "CREATE TABLE games (name TEXT)",
        "CREATE TABLE other (id TEXT)",
    ],
)
def test_what_is_no_plain_table_is_refused_unread(tmp_path: Path, script: str) -> None:
    assert problems_of(file_of(tmp_path / "a", script))


def test_a_column_that_runs_code_is_refused(tmp_path: Path) -> None:
    script = "CREATE TABLE games (id, name AS (hex(zeroblob(1000000)))); INSERT INTO games VALUES (1)"
    assert problems_of(file_of(tmp_path / "a", script))["/games/name"] == "must not be computed"


def test_more_than_is_taken_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO games"
    script = f"CREATE TABLE games (id, name); {many} SELECT i, 'name' FROM n"
    path = file_of(tmp_path / "a", script)
    monkeypatch.setattr(library_file, "MAX_ROWS", 10)
    assert list(problems_of(path)) == ["/games"]
    monkeypatch.setattr(library_file, "MAX_ROWS", 100)
    monkeypatch.setattr(library_file, "MAX_TEXT_CHARS", 40)
    assert list(problems_of(path)) == ["/games"]
    monkeypatch.setattr(library_file, "_MAX_TICKS", 0)
    monkeypatch.setattr(library_file, "_STEPS", 1)
    with pytest.raises(MediaUnreadable):
        read_file(path)


def test_a_file_torn_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    """Whatever the damage, there is an answer."""
    script = "CREATE TABLE games (id, name); " + "INSERT INTO games VALUES (1, hex(zeroblob(3000)));" * 3
    whole = file_of(tmp_path / "a", script).read_bytes()
    torn = tmp_path / "b"
    for at in range(0, len(whole), 997):
        torn.write_bytes(whole[:at] + b"\xff" * 16 + whole[at + 16 :])
        try:
            read_file(torn)
        except (MediaUnreadable, ValidationFailed):
            continue
