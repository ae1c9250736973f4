"""A rotated key lives on beside the new one for as long as was asked for, and not a moment longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from renderowl.testing.service import Service


async def rotated(service: Service, body: dict[str, Any] | None) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    ann = await service.user()
    old = (await ann.post("/keys", json={"name": "k"})).json()
    answer = await ann.post(f"/keys/{old['id']}/rotate", json=body)
    assert answer.status_code == 201, answer.text
    return ann, old, answer.json()


async def works(service: Service, key: dict[str, Any]) -> bool:
    answer = await service.as_(key["key"]).get("/projects")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


@pytest.mark.parametrize(("body", "grace_s"), [(None, 86_400), ({"grace_s": 600}, 600)])
async def test_the_old_key_and_its_tokens_die_when_the_grace_is_over(
    service: Service, body: dict[str, Any] | None, grace_s: int
) -> None:
    ann, old, new = await rotated(service, body)
    project_id = await service.project(ann)
    token = (await service.as_(old["key"]).post("/auth/tokens", json={"project_id": project_id})).json()["token"]
    left_s = await service.ctx.db.fetch_value(
        "SELECT extract(epoch FROM revoked_at - now())::float FROM api_keys WHERE id = $1", old["id"]
    )
    assert grace_s - 60 < left_s <= grace_s
    assert [await works(service, key) for key in (old, new)] == [True, True]
    # the grace is over: as if so much time had passed
    await service.ctx.db.execute(
        "UPDATE api_keys SET revoked_at = revoked_at - make_interval(secs => $1) WHERE id = $2",
        float(grace_s),
        old["id"],
    )
    assert [await works(service, key) for key in (old, new)] == [False, True]
    assert (await service.as_(token).get(f"/projects/{project_id}")).status_code == 401


async def test_without_a_grace_the_old_key_dies_at_once(service: Service) -> None:
    _, old, new = await rotated(service, {"grace_s": 0})
    assert [await works(service, key) for key in (old, new)] == [False, True]


async def test_a_second_rotation_makes_no_grace_longer(service: Service) -> None:
    ann, old, _ = await rotated(service, {"grace_s": 60})
    assert (await ann.post(f"/keys/{old['id']}/rotate", json={"grace_s": 86_400})).status_code == 201
    left_s = await service.ctx.db.fetch_value(
        "SELECT extract(epoch FROM revoked_at - now())::float FROM api_keys WHERE id = $1", old["id"]
    )
    assert left_s <= 60


@pytest.mark.parametrize("grace_s", [-1, 31 * 86_400, "1 day"])
async def test_a_grace_that_cannot_be_is_named(service: Service, grace_s: object) -> None:
    ann = await service.user()
    old = (await ann.post("/keys", json={"name": "k"})).json()
    answer = await ann.post(f"/keys/{old['id']}/rotate", json={"grace_s": grace_s})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/grace_s")
    assert len((await ann.get("/keys")).json()["items"]) == 1


@pytest.mark.parametrize("asked", ["make", "rotate itself", "rotate its heir"])
async def test_a_key_in_its_grace_makes_no_key_in_which_it_would_live_on(service: Service, asked: str) -> None:
    ann, old, new = await rotated(service, None)
    thief = service.as_(old["key"])
    paths = {
        "make": "/keys",
        "rotate itself": f"/keys/{old['id']}/rotate",
        "rotate its heir": f"/keys/{new['id']}/rotate",
    }
    answer = await thief.post(paths[asked], json={"name": "k"} if asked == "make" else None)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert len((await ann.get("/keys")).json()["items"]) == 2
    assert [await works(service, key) for key in (old, new)] == [True, True]


async def test_a_key_that_ends_rotates_none_that_ends_later(service: Service) -> None:
    ann = await service.user()
    ends = [(datetime.now(UTC) + timedelta(hours=hours)).isoformat() for hours in (1, 2)]
    short, later, lasting = [
        (await ann.post("/keys", json={"name": "k", "expires_at": end})).json() for end in (*ends, None)
    ]
    holder = service.as_(short["key"])
    for key in (later, lasting):
        assert (await holder.post(f"/keys/{key['id']}/rotate")).status_code == 403
    heir = (await holder.post(f"/keys/{short['id']}/rotate")).json()
    assert heir["expires_at"] == short["expires_at"]
