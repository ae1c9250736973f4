"""Automations at work: made over the API, run by as many schedulers as a test wants, and what became of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from renderowl.actors.automation_runner import AutomationRunner
from renderowl.actors.cron import Cron
from renderowl.actors.supervisor import Supervisor
from renderowl.actors.webhook_sender import WebhookSender
from renderowl.services import executing
from renderowl.testing.service import Service

SPEC: Final[dict[str, Any]] = {"duration": 1, "tracks": [{"clips": []}]}
RENDER: Final[dict[str, Any]] = {"type": "create_render", "composition_id": "timeline", "input_props": SPEC}


@contextlib.asynccontextmanager
async def schedulers(service: Service, count: int = 1) -> AsyncIterator[None]:
    """So many schedulers' actors at work until the end of the block."""
    supervisor = Supervisor(
        [
            actor
            for _ in range(count)
            for actor in (Cron(service.ctx), AutomationRunner(service.ctx), WebhookSender(service.ctx))
        ]
    )
    running = asyncio.create_task(supervisor.run())
    try:
        yield
    finally:
        supervisor.stop()
        await running


async def make(service: Service, project_id: str, trigger: dict[str, Any], *done: dict[str, Any]) -> dict[str, Any]:
    """A new automation."""
    body = {"name": "Rule", "trigger": trigger, "actions": list(done) or [RENDER]}
    made = await service.http.post(f"/projects/{project_id}/automations", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def told(service: Service, automation: dict[str, Any]) -> list[dict[str, Any]]:
    """Its executions, oldest first."""
    path = f"/projects/{automation['project_id']}/automations/{automation['id']}/executions"
    found: list[dict[str, Any]] = (await service.http.get(path, params={"limit": 100})).json()["items"]
    return found[::-1]


async def run_all(service: Service) -> None:
    """Do everything that waits, and what follows from it."""
    while claimed := await executing.claim(service.ctx, limit=50, per_project=50, busy=[]):
        for execution in claimed:
            await executing.execute(service.ctx, execution)


async def renders_of(service: Service, project_id: str) -> list[dict[str, Any]]:
    """The project's renders, newest first."""
    found: list[dict[str, Any]] = (
        await service.http.get(f"/projects/{project_id}/renders", params={"limit": 100})
    ).json()["items"]
    return found


async def end_renders(service: Service, project_id: str) -> None:
    """Have every active render of the project end."""
    for render in await renders_of(service, project_id):
        if render["status"] == "queued":
            await service.http.post(f"/projects/{project_id}/renders/{render['id']}/cancel")
