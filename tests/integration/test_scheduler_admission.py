"""Admission: who is next, to whom, how many, and never twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from renderowl.db import renders, steps
from renderowl.queue.base import Dispatch, QueueUnavailable
from renderowl.services.dispatching import dispatch
from renderowl.services.steps import leave_queue
from renderowl.testing.backlog import Backlog, open_backlog


@pytest.fixture
async def backlog(database_url: str) -> AsyncIterator[Backlog]:
    async with open_backlog(database_url) as opened:
        yield opened


async def _dispatched_renders(backlog: Backlog) -> list[str]:
    ids = [dispatch.step_id for dispatch in backlog.queue.sent]
    rows = await backlog.db.fetch("SELECT id, render_id FROM steps WHERE id = ANY($1::text[])", ids)
    render_of = {row["id"]: row["render_id"] for row in rows}
    return [render_of[one] for one in ids]


async def _dispatch_one_by_one(backlog: Backlog, count: int) -> list[str]:
    """Let one slot become free again and again, and tell in which order renders were admitted."""
    for _ in range(count):
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        await backlog.end_dispatched()
    return await _dispatched_renders(backlog)


async def test_no_more_steps_are_admitted_than_slots_are_free(backlog: Backlog) -> None:
    project = await backlog.project()
    for _ in range(5):
        await backlog.render(project)
    small, large = await backlog.worker(slots=1), await backlog.worker(slots=2)
    assert await dispatch(backlog.ctx, backlog.queue) == 3
    assert await dispatch(backlog.ctx, backlog.queue) == 0
    assert Counter(sent.worker_id for sent in backlog.queue.sent) == {small: 1, large: 2}


async def test_the_first_renders_of_a_project_may_be_made_at_the_same_moment(backlog: Backlog) -> None:
    for _ in range(60):
        project = await backlog.project()
        made = await asyncio.gather(*(backlog.render(project) for _ in range(9)))
        assert len(set(made)) == 9


async def test_the_class_goes_before_the_order_of_arrival(backlog: Backlog) -> None:
    project = await backlog.project()
    low, normal, high, urgent = [
        await backlog.render(project, priority=priority) for priority in ("low", "normal", "high", "urgent")
    ]
    await backlog.worker()
    assert await _dispatch_one_by_one(backlog, 4) == [urgent, high, normal, low]


async def test_a_project_with_one_render_does_not_wait_for_anothers_hundred(backlog: Backlog) -> None:
    greedy, modest = await backlog.project(), await backlog.project()
    for _ in range(100):
        await backlog.render(greedy, cost=10)
    await backlog.worker()
    await _dispatch_one_by_one(backlog, 3)
    only = await backlog.render(modest, cost=10)
    assert only in (await _dispatch_one_by_one(backlog, 2))[3:]


async def test_two_busy_projects_share_by_cost_and_not_by_number(backlog: Backlog) -> None:
    long_films, short_films = await backlog.project(), await backlog.project()
    for _ in range(10):
        await backlog.render(long_films, cost=30)
    for _ in range(30):
        await backlog.render(short_films, cost=10)
    await backlog.worker()
    admitted = await _dispatch_one_by_one(backlog, 20)
    owners = Counter()
    for render_id in admitted:
        found = await renders.get(backlog.db, render_id)
        assert found is not None
        owners[found.project_id] += 1
    assert owners == {long_films: 5, short_films: 15}


async def test_a_project_that_was_idle_has_no_credit(backlog: Backlog) -> None:
    busy, idle = await backlog.project(), await backlog.project()
    for _ in range(20):
        await backlog.render(busy, cost=10)
    await backlog.worker()
    await _dispatch_one_by_one(backlog, 10)
    late = [await backlog.render(idle, cost=10) for _ in range(10)]
    next_ten = (await _dispatch_one_by_one(backlog, 10))[10:]
    assert 4 <= len(set(next_ten) & set(late)) <= 6


async def test_a_worker_gets_only_what_it_can_do(backlog: Backlog) -> None:
    project = await backlog.project()
    special = await backlog.render(project, requires=["gpu", "ffmpeg:9"])
    plain = await backlog.render(project)
    await backlog.worker(slots=2, offers=["ffmpeg:9"])
    assert await dispatch(backlog.ctx, backlog.queue) == 1
    assert await _dispatched_renders(backlog) == [plain]
    able = await backlog.worker(slots=1, offers=["cpu", "gpu", "ffmpeg:9"])
    assert await dispatch(backlog.ctx, backlog.queue) == 1
    assert backlog.queue.sent[-1].worker_id == able
    assert (await _dispatched_renders(backlog))[-1] == special


async def test_silent_and_draining_workers_get_nothing(backlog: Backlog) -> None:
    project = await backlog.project()
    await backlog.render(project)
    silent, draining = await backlog.worker(), await backlog.worker()
    await backlog.db.execute("UPDATE workers SET heartbeat_at = now() - interval '20 s' WHERE id = $1", silent)
    await leave_queue(backlog.ctx, draining)
    assert await dispatch(backlog.ctx, backlog.queue) == 0


async def test_what_a_draining_worker_has_not_begun_goes_to_others(backlog: Backlog) -> None:
    project = await backlog.project()
    await backlog.render(project)
    first = await backlog.worker()
    await dispatch(backlog.ctx, backlog.queue)
    second = await backlog.worker()
    await leave_queue(backlog.ctx, first)
    await dispatch(backlog.ctx, backlog.queue)
    assert [sent.worker_id for sent in backlog.queue.sent] == [first, second]


async def test_two_schedulers_never_dispatch_a_step_twice(backlog: Backlog, database_url: str) -> None:
    project = await backlog.project()
    for _ in range(60):
        await backlog.render(project)
    for _ in range(6):
        await backlog.worker(slots=5)
    async with open_backlog(database_url) as other:
        for _ in range(10):
            await asyncio.gather(*(dispatch(one.ctx, backlog.queue) for one in (backlog, other, backlog, other)))
    sent = [dispatch.step_id for dispatch in backlog.queue.sent]
    assert len(sent) == len(set(sent)) == 30
    assert max(Counter(dispatch.worker_id for dispatch in backlog.queue.sent).values()) == 5


async def test_without_redis_the_steps_go_back_at_once(backlog: Backlog) -> None:
    class Broken:
        async def send(self, dispatches: list[Dispatch]) -> None:
            raise QueueUnavailable("away")

        async def close(self) -> None:
            pass

    project = await backlog.project()
    render_id = await backlog.render(project)
    await backlog.worker()
    with pytest.raises(QueueUnavailable):
        await dispatch(backlog.ctx, Broken())
    (step,) = await steps.list_of_render(backlog.db, render_id, 1)
    assert (step.status, step.failures, step.lost) == ("queued", 0, 0)
    assert await dispatch(backlog.ctx, backlog.queue) == 1
