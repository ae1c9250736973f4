"""Automations under kills: schedulers die at any moment, and every due time and every trigger is executed once."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from renderowl.db import automations as rows
from renderowl.services import automations, callers, executing
from renderowl.services.automations import AutomationCreate, TriggerInput
from renderowl.testing.deployment import TOKEN, Deployment, open_deployment
from renderowl.testing.signals import until

ACTIONS: list[dict[str, Any]] = [
    {
        "type": "create_render",
        "composition_id": "timeline",
        "input_props": {"duration": 1, "tracks": [{"clips": []}]},
        "metadata": {"of": "{{execution.id}}", "action": number},
    }
    for number in range(2)
]
MISSED = 24


async def make(deployment: Deployment, trigger: dict[str, Any]) -> str:
    """A new automation that makes two renders."""
    admin = await callers.authenticate(deployment.ctx, TOKEN)
    asked = msgspec.convert({"name": "Rule", "trigger": trigger, "actions": ACTIONS}, AutomationCreate)
    return (await automations.create(deployment.ctx, admin, deployment.project_id, asked)).id


async def must_be_done_once(deployment: Deployment, automation_id: str, *, at_least: int) -> None:
    """Wait until everything is executed, and compare what there is with what was triggered."""
    db = deployment.ctx.db

    async def done() -> bool:
        # no need to wait for the leases of the dead to run out
        await db.execute("UPDATE executions SET next_attempt_at = now() WHERE status = 'running' AND attempts < 4")
        waiting = "status IN ('queued', 'running')"
        counts = await db.fetch_one(
            f"SELECT count(*) AS all, count(*) FILTER (WHERE {waiting}) AS left FROM executions"
        )
        assert counts is not None
        return bool(counts["all"] >= at_least and not counts["left"])

    await until(done, timeout_s=90, every_s=1.0)
    runs = await db.fetch("SELECT id, status, due_at FROM executions WHERE automation_id = $1", automation_id)
    assert {run["status"] for run in runs} == {"completed"}
    made = await db.fetch("SELECT metadata->>'of' AS of, metadata->>'action' AS action FROM renders")
    expected = [(run["id"], number) for run in runs for number in ("0", "1")]
    assert sorted((one["of"], one["action"]) for one in made) == sorted(expected)
    told = await db.fetch("SELECT data->>'execution_id' AS id FROM events WHERE type = 'automation.executed'")
    assert sorted(one["id"] for one in told) == sorted(run["id"] for run in runs)


async def test_schedulers_that_are_killed_while_they_catch_up_lose_no_due_time_and_repeat_none(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with open_deployment(database_url, redis_url, tmp_path) as deployment:
        db = deployment.ctx.db
        automation_id = await make(deployment, {"type": "schedule", "cron": "*/5 * * * *"})
        now = await rows.now(db)
        begin = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0) - timedelta(minutes=5 * MISSED)
        await rows.set_next_due(db, automation_id, begin)
        programs = [await deployment.scheduler() for _ in range(2)]
        for number in range(2):

            async def some_are_done(count: int = 4 * (number + 1)) -> bool:
                return bool(await db.fetch_value("SELECT count(*) >= $1 FROM renders", count))

            await until(some_are_done, timeout_s=60)
            programs[number].must_live()
            await programs[number].kill()
            programs.append(await deployment.scheduler())
        await must_be_done_once(deployment, automation_id, at_least=MISSED + 1)
        due: list[datetime] = [run["due_at"] for run in await db.fetch("SELECT due_at FROM executions ORDER BY due_at")]
        assert due[: MISSED + 1] == [begin + timedelta(minutes=5 * number) for number in range(MISSED + 1)]


async def test_what_a_runner_had_claimed_when_it_was_killed_is_executed_by_the_next(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with open_deployment(database_url, redis_url, tmp_path) as deployment:
        automation_id = await make(deployment, {"type": "manual"})
        admin = await callers.authenticate(deployment.ctx, TOKEN)
        for _ in range(3):
            asked = TriggerInput(input={"n": 1})
            await automations.trigger(deployment.ctx, admin, deployment.project_id, automation_id, asked, None)
        claimed = await executing.claim(deployment.ctx, limit=9, per_project=9, busy=[])
        assert len(claimed) == 3  # and here their runner dies
        scheduler = await deployment.scheduler()
        await must_be_done_once(deployment, automation_id, at_least=3)
        scheduler.must_live()
