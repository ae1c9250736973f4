"""The library: items of five kinds, and the whole of it taken away and brought back as one SQLite file."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.db import library as rows
from renderowl.testing.service import Service

SQLITE = {"content-type": "application/vnd.sqlite3"}
KINDS = ("games", "raw_clips", "working_clips", "highlight_regions", "final_videos")


async def add(http: httpx.AsyncClient, kind: str, **fields: Any) -> dict[str, Any]:
    made = await http.post(f"/library/{kind}", json=fields)
    assert made.status_code == 201, made.text
    item: dict[str, Any] = made.json()
    return item


async def fill(service: Service, http: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """One item of every kind."""
    project_id = await service.project(http)
    game = await add(http, "games", name="Tigers ⚽ Lions", video_path="games/final.mp4", fps=29.97, width=1920)
    clip = await add(
        http,
        "raw_clips",
        **{"game_id": game["id"], "video_path": "raw/1.mp4", "start_time": 1, "end_time": 2.5, "tags": ["goal", "é"]},
    )
    keyframes = [{"time": 0, "x": 0, "y": 0, "width": 10, "height": 10}]
    used = {"project_id": project_id, "raw_clip_id": clip["id"], "clip_index": 0, "crop_keyframes": keyframes}
    place = {"start_frame": 0, "end_frame": 30, "x": 0.5, "y": 0.5, "radius_x": 0.1, "radius_y": 0.1}
    return {
        "games": game,
        "raw_clips": clip,
        "working_clips": await add(http, "working_clips", **used, is_exported=True),
        "highlight_regions": await add(http, "highlight_regions", project_id=project_id, **place),
        "final_videos": await add(
            http, "final_videos", project_id=project_id, name="Cut", video_path="final/1.mp4", source_type="overlay"
        ),
    }


async def everything(http: httpx.AsyncClient) -> dict[str, list[dict[str, Any]]]:
    return {kind: (await http.get(f"/library/{kind}?limit=100")).json()["items"] for kind in KINDS}


async def taken(http: httpx.AsyncClient, service: Service, path: Path) -> str:
    """The id of a snapshot, whose file is at `path` now."""
    made = await http.post("/library/snapshots")
    assert made.status_code == 201, made.text
    snapshot_id: str = made.json()["id"]
    url = (await http.get(f"/library/snapshots/{snapshot_id}/download")).json()["url"]
    path.write_bytes((await service.as_(None).get(url)).content)
    return snapshot_id


async def test_items_are_made_listed_replaced_and_deleted(service: Service) -> None:
    ann = await service.user()
    items = await fill(service, ann)
    for kind, item in items.items():
        assert (await ann.get(f"/library/{kind}/{item['id']}")).json() == item
    game = items["games"]
    replaced = await ann.put(f"/library/games/{game['id']}", json={"name": "Renamed"})
    assert replaced.status_code == 200
    now = replaced.json()
    assert (now["name"], now["video_path"], now["created_at"]) == ("Renamed", None, game["created_at"])
    refused = await ann.delete(f"/library/games/{game['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await ann.delete(f"/library/working_clips/{items['working_clips']['id']}")).status_code == 204
    assert (await ann.delete(f"/library/games/{game['id']}")).status_code == 204
    assert (await everything(ann))["raw_clips"] == []


async def test_lists_go_by_pages_and_by_parents(service: Service) -> None:
    ann = await service.user()
    games = [await add(ann, "games", name=f"game {n}") for n in range(5)]
    clips = [
        await add(ann, "raw_clips", game_id=game["id"], video_path="a.mp4", start_time=0, end_time=1)
        for game in games
        for _ in range(2)
    ]
    seen, cursor = [], ""
    while cursor is not None:
        page = (await ann.get(f"/library/games?limit=2{f'&cursor={cursor}' if cursor else ''}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen, reverse=True) == seen
    assert set(seen) == {game["id"] for game in games}
    of_one = (await ann.get(f"/library/raw_clips?parent={games[1]['id']}")).json()["items"]
    assert {item["id"] for item in of_one} == {clips[2]["id"], clips[3]["id"]}
    assert (await ann.get("/library/games?cursor=nonsense")).status_code == 422


async def test_every_problem_of_an_item_is_told_at_once(service: Service) -> None:
    ann, bob = await service.user(), await service.user("bob@example.org")
    theirs = await add(bob, "games", name="Bob's")
    wrong = {"game_id": theirs["id"], "video_path": "../../etc/passwd", "start_time": 0, "end_time": 1}
    answer = await ann.post("/library/raw_clips", json=wrong)
    assert answer.status_code == 422
    assert {one["path"] for one in answer.json()["errors"]} == {"/game_id", "/video_path"}
    answer = await ann.post("/library/raw_clips", json={"rating": 9, "end_time": "x", "nonsense": 1})
    told = {one["path"] for one in answer.json()["errors"]}
    assert told == {"/rating", "/end_time", "/nonsense", "/game_id", "/video_path", "/start_time"}


async def test_a_library_comes_back_as_it_was_taken(service: Service, tmp_path: Path) -> None:
    ann = await service.user()
    await fill(service, ann)
    before = await everything(ann)
    snapshot_id = await taken(ann, service, tmp_path / "a.sqlite")
    await add(ann, "games", name="made later")
    refused = await ann.post(f"/library/snapshots/{snapshot_id}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    back = await ann.post(f"/library/snapshots/{snapshot_id}/restore?replace=true")
    assert back.json() == {"items": dict.fromkeys(KINDS, 1), "projects_made": 0}
    assert await everything(ann) == before
    assert (await ann.delete(f"/library/snapshots/{snapshot_id}")).status_code == 204
    assert (await ann.get("/library/snapshots")).json()["items"] == []


async def test_a_library_moves_to_another_account(service: Service, tmp_path: Path) -> None:
    ann, bob = await service.user(), await service.user("bob@example.org")
    await fill(service, ann)
    file = tmp_path / "a.sqlite"
    snapshot_id = await taken(ann, service, file)
    assert (await bob.get(f"/library/snapshots/{snapshot_id}")).status_code == 404
    assert (await bob.post(f"/library/snapshots/{snapshot_id}/restore")).status_code == 404
    brought = await bob.put("/library/snapshots", content=file.read_bytes(), headers=SQLITE)
    assert brought.status_code == 201, brought.text
    back = await bob.post(f"/library/snapshots/{brought.json()['id']}/restore")
    assert back.json() == {"items": dict.fromkeys(KINDS, 1), "projects_made": 1}
    hers, his = await everything(ann), await everything(bob)
    assert his["raw_clips"][0]["game_id"] == his["games"][0]["id"] != hers["games"][0]["id"]
    assert his["working_clips"][0]["crop_keyframes"] == hers["working_clips"][0]["crop_keyframes"]
    assert (await bob.get(f"/projects/{his['working_clips'][0]['project_id']}")).json()["name"] == "Trailer"


async def test_an_editors_own_database_is_taken_in(service: Service, tmp_path: Path) -> None:
    ann = await service.user()
    file = tmp_path / "editor.sqlite"
    with sqlite3.connect(file) as db:
        db.executescript("""
            CREATE TABLE games (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, game_type TEXT DEFAULT 'away',
                created_at TEXT DEFAULT (datetime('now')));
            CREATE TABLE raw_clips (id INTEGER PRIMARY KEY, game_id INTEGER NOT NULL, video_path TEXT NOT NULL,
                start_time REAL, end_time REAL, rating INTEGER DEFAULT 3, tags TEXT DEFAULT '[]');
            CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL, aspect_ratio TEXT);
            CREATE TABLE working_clips (id INTEGER PRIMARY KEY, project_id INTEGER, raw_clip_id INTEGER,
                clip_index INTEGER, crop_keyframes TEXT DEFAULT '[]', is_exported INTEGER DEFAULT 0);
            INSERT INTO games (name) VALUES ('first'), ('second');
            INSERT INTO raw_clips (game_id, video_path, start_time, end_time) VALUES (2, 'a.mp4', 0, 4);
            INSERT INTO projects (name) VALUES ('Reel');
            INSERT INTO working_clips (project_id, raw_clip_id, clip_index) VALUES (1, 1, 0);
        """)
    brought = await ann.put("/library/snapshots", content=file.read_bytes(), headers=SQLITE)
    assert brought.status_code == 201, brought.text
    back = await ann.post(f"/library/snapshots/{brought.json()['id']}/restore")
    assert back.json()["items"]["games"] == 2
    found = await everything(ann)
    game = (await ann.get(f"/library/games/{found['raw_clips'][0]['game_id']}")).json()
    assert (game["name"], game["game_type"]) == ("second", "away")


async def test_every_problem_of_a_file_is_told_and_nothing_of_it_is_kept(service: Service, tmp_path: Path) -> None:
    ann = await service.user()
    await add(ann, "games", name="here already")
    file = tmp_path / "bad.sqlite"
    with sqlite3.connect(file) as db:
        db.executescript("""
            CREATE TABLE games (id INTEGER PRIMARY KEY, name TEXT, video_path TEXT, created_at TEXT);
            CREATE TABLE raw_clips (id TEXT, game_id INTEGER, video_path TEXT, start_time REAL, end_time REAL, tags TEXT);
            CREATE VIEW final_videos AS SELECT * FROM games;
            INSERT INTO games VALUES (1, NULL, '../x', 'yesterday');
            INSERT INTO raw_clips VALUES ('a', 7, 'a.mp4', 3, 2, '[');
        """)
    answer = await ann.put("/library/snapshots", content=file.read_bytes(), headers=SQLITE)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    told = {one["path"] for one in answer.json()["errors"]}
    assert {"/final_videos", "/games/0/name", "/games/0/created_at", "/raw_clips/0/tags"} <= told
    assert (await ann.get("/library/snapshots")).json()["items"] == []
    assert [game["name"] for game in (await everything(ann))["games"]] == ["here already"]


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_what_is_no_library_is_refused(service: Service, data: bytes) -> None:
    ann = await service.user()
    answer = await ann.put("/library/snapshots", content=data, headers=SQLITE)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await ann.put("/library/snapshots", content=data)).status_code == 415


async def test_a_snapshot_is_of_one_moment_however_busy_the_library_is(service: Service, tmp_path: Path) -> None:
    """Every game is made before its clip: a snapshot in between never holds a clip without its game."""
    ann = await service.user()
    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            game = await add(ann, "games", name="g")
            await add(ann, "raw_clips", game_id=game["id"], video_path="a.mp4", start_time=0, end_time=1)

    writer = asyncio.create_task(write())
    for n in range(5):
        file = tmp_path / f"{n}.sqlite"
        await taken(ann, service, file)
        with sqlite3.connect(file) as db:
            games, clips = (db.execute(f"SELECT count(*) FROM {kind}").fetchone()[0] for kind in KINDS[:2])
            lost = db.execute("SELECT count(*) FROM raw_clips WHERE game_id NOT IN (SELECT id FROM games)").fetchone()
        assert lost == (0,)
        assert games - clips in (0, 1)
    done.set()
    await writer


async def test_a_library_that_breaks_off_on_its_way_back_changes_nothing(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await service.user()
    await fill(service, ann)
    snapshot_id = await taken(ann, service, tmp_path / "a.sqlite")
    await add(ann, "games", name="made later")
    before = await everything(ann)
    insert = rows.insert

    async def break_off(db: Any, kind: Any, batch: Any) -> None:
        if kind.name == "highlight_regions":
            raise ConnectionResetError
        await insert(db, kind, batch)

    monkeypatch.setattr(rows, "insert", break_off)
    assert (await ann.post(f"/library/snapshots/{snapshot_id}/restore?replace=true")).status_code == 503
    assert await everything(ann) == before


async def test_two_that_bring_a_library_back_at_once_make_one_library(service: Service, tmp_path: Path) -> None:
    ann = await service.user()
    await fill(service, ann)
    before = await everything(ann)
    path = f"/library/snapshots/{await taken(ann, service, tmp_path / 'a.sqlite')}/restore?replace=true"
    answers = await asyncio.gather(*(ann.post(path) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert await everything(ann) == before
