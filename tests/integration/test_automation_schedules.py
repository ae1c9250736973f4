"""Schedules of automations: each due time is told once, whatever the number of schedulers and whatever the clock does."""

import asyncio
from datetime import UTC, datetime, timedelta

from renderowl.db import automations as rows
from renderowl.services import triggering
from renderowl.testing.automating import make, renders_of, schedulers, told
from renderowl.testing.service import Service
from renderowl.testing.signals import until


async def test_two_schedulers_fire_each_due_time_once(service: Service) -> None:
    project_id = await service.project()
    automation = await make(service, project_id, {"type": "schedule", "cron": "*/5 * * * *"})
    begin = datetime.now(UTC).replace(second=0, microsecond=0)
    begin -= timedelta(minutes=begin.minute % 5, hours=3)
    await rows.set_next_due(service.ctx.db, automation["id"], begin)
    async with schedulers(service, 2):

        async def caught_up() -> bool:
            found = await rows.get(service.ctx.db, automation["id"])
            assert found is not None
            assert found.next_due_at is not None
            ran = [run for run in await told(service, automation) if run["status"] == "completed"]
            return found.next_due_at > datetime.now(UTC) and len(ran) >= 37

        await until(caught_up, timeout_s=90, every_s=0.3)
    runs = await told(service, automation)
    due = sorted(run["due_at"] for run in runs)
    assert len(set(due)) == len(due)
    assert [datetime.fromisoformat(one) for one in due[:37]] == [begin + timedelta(minutes=5 * n) for n in range(37)]
    renders = [run["results"][0]["render_id"] for run in runs if run["results"]]
    assert len(set(renders)) == len(renders) == len(await renders_of(service, project_id))


async def test_due_times_are_fired_once_while_the_clock_jumps_and_through_a_change_to_and_from_summer(
    service: Service,
) -> None:
    project_id = await service.project()
    fixed = await make(service, project_id, {"type": "schedule", "cron": "30 2 * * *", "timezone": "Europe/Paris"})
    hourly = await make(service, project_id, {"type": "schedule", "cron": "0 * * * *", "timezone": "Europe/Paris"})

    async def turn(start: datetime, hours: list[float]) -> tuple[list[datetime], list[datetime]]:
        for one in (fixed, hourly):
            await rows.set_next_due(service.ctx.db, one["id"], start)
        await service.ctx.db.execute("DELETE FROM executions")
        first = start - timedelta(minutes=1)  # nothing is due yet: the schedules begin there
        assert await triggering.by_schedule(service.ctx, first) == 0
        for after in hours:
            moment = start + timedelta(hours=after)
            await asyncio.gather(*(triggering.by_schedule(service.ctx, moment) for _ in range(2)))
        found = []
        for one in (fixed, hourly):
            due = [datetime.fromisoformat(run["due_at"]) for run in await told(service, one)]
            assert len(set(due)) == len(due)
            found.append(sorted(due))
        return found[0], found[1]

    # forward by two hours, back by two, and on
    jumps = [0.0, 0.5, 2.5, 0.5, 1.0, 3.0, 2.0, 6.0, 26.0, 24.0, 48.0]
    for start in (datetime(2026, 3, 28, 0, 0, tzinfo=UTC), datetime(2026, 10, 24, 0, 0, tzinfo=UTC)):
        daily, each_hour = await turn(start, jumps)
        assert each_hour == [start + timedelta(hours=n) for n in range(49)]
        assert [due.date() for due in daily[1:]] == [start.date() + timedelta(days=n) for n in (0, 1)]


async def test_due_times_that_nobody_noticed_for_a_day_are_told_and_not_made_up_for(service: Service) -> None:
    project_id = await service.project()
    automation = await make(service, project_id, {"type": "schedule", "cron": "0 */6 * * *"})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    await rows.set_next_due(service.ctx.db, automation["id"], start)
    assert await triggering.by_schedule(service.ctx, start + timedelta(days=9, hours=1)) == 4
    first, *others = await told(service, automation)
    assert (first["status"], first["due_at"]) == ("skipped", "2026-01-01T00:00:00Z")
    assert [run["status"] for run in others] == ["queued"] * 4
