"""Schedulers are killed under work, and ends race each other, between real processes: nothing is lost, given or told twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from renderowl.client.http import Client
from renderowl.client.problem import Problem
from renderowl.domain.lifecycle import is_active
from renderowl.testing import books
from renderowl.testing.deployment import Deployment, open_deployment
from renderowl.testing.history import faults
from renderowl.testing.listening import Listener, ending, hear_socket
from renderowl.testing.signals import until


@pytest.fixture
async def deployment(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with open_deployment(database_url, redis_url, tmp_path) as opened:
        yield opened


def film(title: str) -> dict[str, Any]:
    """A second of text."""
    text = {"type": "text", "text": title, "duration": 1, "style": {"font_size": 60}}
    return {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": [text]}]}


async def _submit(deployment: Deployment, client: Client, count: int, title: str = "film") -> list[str]:
    films = [await client.create_render(deployment.project_id, "timeline", film(f"{title} {n}")) for n in range(count)]
    return [render.id for render in films]


async def _all_ended(deployment: Deployment) -> books.Books:
    """The books once every render is at an end; nothing is wrong with them."""

    async def look() -> books.Books | None:
        found = await books.read(deployment.ctx.db)
        return None if any(is_active(render.status) for render in found.renders.values()) else found

    found = await until(look, timeout_s=120)
    assert found.faults() == []
    return found


async def _given(deployment: Deployment, count: int) -> None:
    """Wait until so many steps were given to workers."""
    given = "SELECT count(*) >= $1 FROM steps WHERE attempt > 0 OR id IN (SELECT step_id FROM dispatches)"

    async def look() -> bool:
        return bool(await deployment.ctx.db.fetch_value(given, count))

    await until(look, timeout_s=120)


async def test_when_one_of_two_schedulers_is_killed_the_other_goes_on(deployment: Deployment) -> None:
    _, port = await deployment.api()
    first, _ = await deployment.scheduler(), await deployment.scheduler()
    await deployment.worker()
    async with deployment.client(port) as client:
        submitted = await _submit(deployment, client, 12)
        await _given(deployment, 2)
        await first.kill()
        found = await _all_ended(deployment)
    assert {render.status for render in found.renders.values()} == {"completed"}
    assert set(found.renders) == set(submitted)
    assert {step.attempt for step in found.steps.values()} == {1}, "nothing is given twice"


async def test_the_next_scheduler_goes_on_where_a_killed_one_was(deployment: Deployment) -> None:
    _, port = await deployment.api()
    killed = await deployment.scheduler()
    await deployment.worker()
    async with deployment.client(port) as client:
        await _submit(deployment, client, 8)
        await _given(deployment, 2)
        await killed.kill()
        await _submit(deployment, client, 2)
        await deployment.scheduler()
        found = await _all_ended(deployment)
    assert {render.status for render in found.renders.values()} == {"completed"}
    assert {step.attempt for step in found.steps.values()} == {1}


async def test_of_a_completion_and_a_cancellation_one_wins_everywhere(deployment: Deployment) -> None:
    _, port = await deployment.api()
    await deployment.scheduler()
    await deployment.worker()
    told, answers, delay_s = Listener("socket"), dict[str, str](), 0.1
    hearing = hear_socket(told, f"http://127.0.0.1:{port}", await deployment.token(), deployment.project_id)
    async with deployment.client(port) as client, ending(told.begin(hearing)):
        for n in range(24):
            (render_id,) = await _submit(deployment, client, 1, f"race {n}")
            await told.until(lambda: _heard(told, render_id, "render.started"), "the start")  # noqa: B023
            await asyncio.sleep(delay_s)  # not a wait for something: it is moved to where the two are as likely
            answers[render_id] = await _cancelled_or_completed(deployment, client, render_id)
            delay_s *= 1.5 if answers[render_id] == "cancelled" else 0.8
        found = await _all_ended(deployment)
        await told.reaches(found.last_seq[deployment.project_id])
        assert faults(told.told, await deployment.happened()) == []
    assert {render.id: render.status for render in found.renders.values()} == answers
    assert set(answers.values()) == {"completed", "cancelled"}


async def _cancelled_or_completed(deployment: Deployment, client: Client, render_id: str) -> str:
    """What a caller is told who cancels now."""
    try:
        return (await client.cancel_render(deployment.project_id, render_id)).status
    except Problem as problem:
        return "completed" if problem.status == 409 else problem.code


def _heard(told: Listener, render_id: str, type: str) -> bool:
    return any(one["type"] == type and one["render_id"] == render_id for one in told.told)
