"""How much an account may have: projects, keys and bytes of assets, exact however many ask at once."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from renderowl.testing.service import Service, open_service
from renderowl.testing.signals import until

Opened = Callable[..., AbstractAsyncContextManager[Service]]
SCENES = {"scenes": [{"images": ["a.jpg"]}]}
CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"


@pytest.fixture
def opened(database_url: str, redis_url: str, storage_dir: Path) -> Opened:
    """A function that opens the API with these limits."""
    return lambda **limits: open_service(database_url, redis_url, storage_dir, **limits)


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def refused(answer: httpx.Response) -> str:
    """What a refusal says."""
    assert (answer.status_code, answer.json()["code"]) == (409, "quota_exceeded"), answer.text
    told: dict[str, Any] = answer.json()
    assert f"the tier {told['quota']['tier']} allows {told['quota']['limit']} " in told["detail"]
    detail: str = told["detail"]
    return detail


async def is_ready(http: httpx.AsyncClient, path: str) -> bool:
    return bool((await http.get(path)).json()["status"] == "ready")


def announced(size_bytes: int) -> dict[str, Any]:
    return {"name": "a.vtt", "content_type": "text/vtt", "size_bytes": size_bytes}


async def test_of_ten_projects_at_once_exactly_as_many_as_may_be_are_made(opened: Opened) -> None:
    async with opened(projects_free=3) as service:
        ann = await service.user()
        answers = await asyncio.gather(*(ann.post("/projects", json={"name": "P"}) for _ in range(10)))
        assert statuses(answers) == [201] * 3 + [409] * 7
        by_handle = await ann.put("/v1/projects/film/scenes", json=SCENES)
        assert "free allows 3 projects; the account has 3" in refused(by_handle)
        [*_, last] = (await ann.get("/projects")).json()["items"]
        assert (await ann.delete(f"/projects/{last['id']}")).status_code == 204
        assert (await ann.post("/projects", json={"name": "P"})).status_code == 201
        bob = await service.user("bob@example.org")
        assert (await bob.post("/projects", json={"name": "P"})).status_code == 201


async def test_keys_that_were_revoked_or_rotated_do_not_count(opened: Opened) -> None:
    async with opened(keys_free=3) as service:
        ann = await service.user()
        answers = await asyncio.gather(*(ann.post("/keys", json={"name": "k"}) for _ in range(6)))
        assert statuses(answers) == [201] * 3 + [409] * 3
        first, second, _ = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        assert "3 API keys" in refused(await ann.post("/dashboard/api-keys", json={"name": "k"}))
        rotated = await ann.post(f"/keys/{first}/rotate", json={"grace_s": 3600})
        assert rotated.status_code == 201
        assert "3 API keys" in refused(await ann.post(f"/keys/{first}/rotate")), "one is in its place already"
        assert (await ann.delete(f"/keys/{second}")).status_code == 204
        assert (await ann.post("/keys", json={"name": "k"})).status_code == 201


async def test_bytes_are_counted_when_they_are_announced_in_all_projects(opened: Opened) -> None:
    async with opened(storage_bytes_free=1000) as service:
        ann = await service.user()
        projects = [await service.project(ann, name) for name in ("One", "Two")]
        paths = [f"/projects/{id}/assets" for id in projects]
        answers = await asyncio.gather(*(ann.post(f"{paths[n % 2]}/upload", json=announced(300)) for n in range(8)))
        assert statuses(answers) == [201] * 3 + [409] * 5
        [one, *_] = [answer.json()["asset"] for answer in answers if answer.status_code == 201]
        too_much = await ann.post(f"{paths[0]}/upload", json=announced(101))
        assert "free allows 1000 bytes of assets; the account has 900, this would add 101" in refused(too_much)
        assert too_much.json()["errors"][0]["path"] == "/size_bytes"
        assert (await ann.delete(f"/projects/{one['project_id']}/assets/{one['id']}")).status_code == 204
        assert (await ann.post(f"{paths[0]}/upload", json=announced(400))).status_code == 201


async def test_the_same_bytes_stored_once_count_once(opened: Opened) -> None:
    async with opened(storage_bytes_free=2 * len(CAPTIONS)) as service:
        ann = await service.user()
        path = f"/projects/{await service.project(ann)}/assets"
        for _ in range(3):
            made = (await ann.post(f"{path}/upload", json=announced(len(CAPTIONS)))).json()
            await ann.put(made["upload"]["url"], content=CAPTIONS, headers=made["upload"]["headers"])
            await ann.post(f"{path}/{made['asset']['id']}/upload-complete", json={})
            await until(lambda at=f"{path}/{made['asset']['id']}": is_ready(ann, at))
        assert (await ann.get("/me")).json()["quotas"]["storage_bytes"]["used"] == len(CAPTIONS)


async def test_an_upload_of_no_announced_length_is_discarded_when_there_is_no_room(opened: Opened) -> None:
    async with opened(storage_bytes_free=len(CAPTIONS) - 1) as service:
        ann = await service.user()
        signed = (await ann.post("/v1/assets/sign-upload", json={"fileName": "a.vtt", "fileType": "text/vtt"})).json()
        sent = await ann.put(signed["uploadUrl"], content=CAPTIONS, headers={"content-type": "text/vtt"})
        assert "bytes of assets" in refused(sent)
        assert not [found async for found in service.ctx.storage.scan("projects/")]


async def test_an_upload_of_no_announced_length_counts_as_soon_as_it_is_there(opened: Opened) -> None:
    """Not when it is first used: who uses none of them would have the disk to themselves for an hour."""
    async with opened(storage_bytes_free=3 * len(CAPTIONS)) as service:
        ann = await service.user()
        asked = {"fileName": "a.vtt", "fileType": "text/vtt"}
        urls = [(await ann.post("/v1/assets/sign-upload", json=asked)).json()["uploadUrl"] for _ in range(8)]
        headers = {"content-type": "text/vtt"}
        sent = await asyncio.gather(*(ann.put(url, content=CAPTIONS, headers=headers) for url in urls))
        assert statuses(sent) == [200] * 3 + [409] * 5
        taken = next(url for url, answer in zip(urls, sent, strict=True) if answer.is_success)
        assert (await ann.put(taken, content=CAPTIONS, headers=headers)).status_code == 200, "it is counted once"
        assert (await ann.get("/me")).json()["quotas"]["storage_bytes"]["used"] == 3 * len(CAPTIONS)
        assert len([found async for found in service.ctx.storage.scan("projects/")]) == 3


async def test_files_of_one_request_are_taken_all_or_none(opened: Opened) -> None:
    async with opened(storage_bytes_free=2 * len(CAPTIONS)) as service:
        ann = await service.user()
        files = [("files", (f"{n}.vtt", CAPTIONS, "text/vtt")) for n in range(3)]
        data = {"subdir": "voiceovers"}
        await ann.put("/v1/projects/film/scenes", json=SCENES)
        path = "/v1/projects/film/assets"
        answer = await ann.post(path, files=files, data=data)
        assert f"this would add {3 * len(CAPTIONS)}" in refused(answer)
        assert answer.json()["errors"][0]["path"] == "/files"
        assert (await ann.get("/me")).json()["quotas"]["storage_bytes"]["used"] == 0


async def test_an_account_is_told_what_it_has(opened: Opened) -> None:
    async with opened(projects_free=3, keys_free=2, storage_bytes_free=0) as service:
        ann = await service.user()
        path = f"/projects/{await service.project(ann)}/assets/upload"
        await ann.post("/keys", json={"name": "k"})
        await ann.post(path, json=announced(300))
        assert (await ann.get("/me")).json()["quotas"] == {
            "projects": {"limit": 3, "used": 1},
            "keys": {"limit": 2, "used": 1},
            "storage_bytes": {"limit": None, "used": 300},
        }
        told = (await service.http.get("/me")).json()["quotas"]
        assert {quota["limit"] for quota in told.values()} == {None}


async def test_a_tier_is_worth_its_quotas_at_once(opened: Opened) -> None:
    async with opened(projects_free=1, projects_pro=2) as service:
        ann = await service.user()
        user = (await ann.get("/me")).json()
        made = [(await ann.post("/projects", json={"name": "P"})).status_code for _ in range(2)]
        await service.http.patch(f"/users/{user['id']}", json={"tier": "pro"})
        made += [(await ann.post("/projects", json={"name": "P"})).status_code for _ in range(2)]
        assert made == [201, 409, 201, 409]
