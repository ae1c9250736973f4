"""The database's queue: the model's order, ageing, caps, the reserve, pauses, weights, and what cancelling gives back."""

import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from renderowl.db import admission, renders, steps
from renderowl.domain.errors import DeadlineExceeded, Interrupted, NotFound
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import PRIORITY_CLASS, Priority
from renderowl.services import pausing
from renderowl.services.dispatching import dispatch
from renderowl.services.ending import end_render
from renderowl.services.reaping import reap
from renderowl.services.steps import Fenced, begin, complete_render, complete_step, fail_step, heartbeat
from renderowl.testing.backlog import Backlog, claim_of, open_backlog
from renderowl.testing.fair_queue import FairQueue

PRIORITIES: tuple[Priority, ...] = ("urgent", "high", "normal", "low")


@pytest.fixture
async def backlog(database_url: str) -> AsyncIterator[Backlog]:
    async with open_backlog(database_url) as opened:
        yield opened


async def _older(backlog: Backlog, seconds: float = 600.0) -> None:
    """Let so much time pass for what waits."""
    await backlog.db.execute("UPDATE steps SET ages_at = ages_at - make_interval(secs => $1)", seconds)


async def _classes(backlog: Backlog, render_id: str) -> list[int]:
    return [step.priority_class for step in await steps.list_of_render(backlog.db, render_id, 1)]


async def _admitted(backlog: Backlog) -> list[str]:
    """The renders that workers hold, and their slots free again."""
    by_step = await backlog.end_dispatched()
    return [by_step[sent.step_id] for sent in backlog.queue.sent if sent.step_id in by_step]


async def _cancel(backlog: Backlog, render_id: str) -> None:
    async with backlog.db.transaction() as tx:
        await renders.get(backlog.db, render_id, lock=True)
        cancelled = await renders.set_status(backlog.db, render_id, "cancelled")
        assert cancelled is not None
        await end_render(backlog.ctx, tx, cancelled)


@pytest.mark.parametrize("seed", range(6))
async def test_the_database_admits_in_the_order_of_the_model(backlog: Backlog, seed: int) -> None:
    """Costs are whole and weights powers of two, so that both compute the same floats."""
    draw = random.Random(seed)
    projects = [await backlog.project() for _ in range(4)]
    weights = {project: draw.choice([0.5, 1.0, 2.0, 4.0]) for project in projects}
    for project, weight in weights.items():
        await admission.set_weight(backlog.db, project, weight)
    model = FairQueue(weights)
    await backlog.worker(slots=3)
    for _ in range(60):
        match draw.choice(["queue", "queue", "queue", "admit", "age"]):
            case "queue":
                project, priority = draw.choice(projects), draw.choice(PRIORITIES)
                cost = float(draw.randint(1, 40))
                render_id = await backlog.render(project, priority=priority, cost=cost)
                (step,) = await steps.list_of_render(backlog.db, render_id, 1)
                model.enqueue(step.id, project, PRIORITY_CLASS[priority], cost)
            case "admit":
                before = len(backlog.queue.sent)
                await dispatch(backlog.ctx, backlog.queue)
                expected = {step.id for step in model.admit(3)}
                assert {sent.step_id for sent in backlog.queue.sent[before:]} == expected
                await _admitted(backlog)
            case _ if draw.random() < 0.3:
                await _older(backlog)
                await reap(backlog.ctx)
                model.age()
    found = await backlog.db.fetch("SELECT id FROM steps WHERE status = 'queued' ORDER BY priority_class, vtime, id")
    assert [row["id"] for row in found] == [step.id for step in sorted(model.waiting, key=lambda one: one.order)]


async def test_low_is_admitted_though_high_never_runs_dry(backlog: Backlog) -> None:
    busy, patient = await backlog.project(), await backlog.project()
    waiting = await backlog.render(patient, priority="low", cost=10)
    await backlog.worker()
    served: list[str] = []
    while waiting not in served:
        for _ in range(2):
            await backlog.render(busy, priority="high", cost=10)
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        served += await _admitted(backlog)
        assert len(served) < 30
        await _older(backlog, 120)
        await reap(backlog.ctx)
    assert 11 <= len(served) <= 13, "two agings of five rounds each, then its turn in the class"


async def test_waiting_raises_by_one_class_at_a_time_and_never_to_urgent(backlog: Backlog) -> None:
    project = await backlog.project()
    low, high = await backlog.render(project, priority="low"), await backlog.render(project, priority="high")
    seen = []
    for _ in range(4):
        await _older(backlog)
        await reap(backlog.ctx)
        seen.append((await _classes(backlog, low), await _classes(backlog, high)))
    assert seen == [([2], [1]), ([1], [1]), ([1], [1]), ([1], [1])]


async def test_what_prepare_gained_by_waiting_its_followers_keep(backlog: Backlog) -> None:
    render_id = await backlog.render(await backlog.project(), priority="low")
    await backlog.worker(slots=8)
    await _older(backlog)
    await reap(backlog.ctx)
    await dispatch(backlog.ctx, backlog.queue)
    claim = claim_of(backlog.queue.sent[-1])
    await begin(backlog.ctx, claim)
    await backlog.plan(claim, segments=1)
    assert (await _classes(backlog, render_id))[1:3] == [2, 2]
    await dispatch(backlog.ctx, backlog.queue)
    for sent in backlog.queue.sent[1:]:
        await begin(backlog.ctx, claim_of(sent))
        await complete_step(backlog.ctx, claim_of(sent), {}, None)
    assert (await _classes(backlog, render_id))[3] == 2


async def test_running_is_not_waiting(backlog: Backlog) -> None:
    render_id = await backlog.render(await backlog.project(), priority="low")
    await backlog.worker()
    await dispatch(backlog.ctx, backlog.queue)
    claim = claim_of(backlog.queue.sent[-1])
    await begin(backlog.ctx, claim)
    await backlog.db.execute(  # as if it had been queued, and begun, an hour ago
        "UPDATE steps SET started_at = now() - interval '1 h', ages_at = ages_at - interval '1 h'"
    )
    assert await fail_step(backlog.ctx, claim, Interrupted())
    await reap(backlog.ctx)
    assert await _classes(backlog, render_id) == [3]


async def test_without_ageing_nothing_is_raised(database_url: str) -> None:
    async with open_backlog(database_url, ageing_s=0.0) as backlog:
        render_id = await backlog.render(await backlog.project(), priority="low")
        await _older(backlog)
        assert await reap(backlog.ctx) == 0
        assert await _classes(backlog, render_id) == [3]


async def test_a_project_holds_no_more_than_its_slots_and_the_rest_goes_to_others(database_url: str) -> None:
    async with open_backlog(database_url, project_slots=2) as backlog:
        greedy, modest = await backlog.project(), await backlog.project()
        for _ in range(10):
            await backlog.render(greedy)
        await backlog.worker(slots=6)
        only = await backlog.render(modest, cost=1000)
        while await dispatch(backlog.ctx, backlog.queue):
            pass
        rows = await backlog.db.fetch("SELECT project_id, render_id FROM steps JOIN dispatches ON step_id = id")
        assert Counter(row["project_id"] for row in rows) == {greedy: 2, modest: 1}
        assert only in {row["render_id"] for row in rows}


async def test_a_key_holds_no_more_than_its_slots_over_all_projects(database_url: str) -> None:
    async with open_backlog(database_url, key_slots=3) as backlog:
        one, other = await backlog.project(), await backlog.project()
        for project in (one, other, one, other, one, other):
            await backlog.render(project, key_id="key_a")
        for _ in range(2):
            await backlog.render(one, key_id="key_b")
            await backlog.render(other)
        await backlog.worker(slots=20)
        while await dispatch(backlog.ctx, backlog.queue):
            pass
        rows = await backlog.db.fetch("SELECT key_id FROM steps JOIN dispatches ON step_id = id")
        assert Counter(row["key_id"] for row in rows) == {"key_a": 3, "key_b": 2, None: 2}


async def test_a_reserve_waits_for_urgent_renders_alone(database_url: str) -> None:
    async with open_backlog(database_url, urgent_reserve=2) as backlog:
        project = await backlog.project()
        for _ in range(6):
            await backlog.render(project)
        await backlog.worker(slots=3)
        await backlog.worker(slots=1, offers=["gpu"])
        assert await dispatch(backlog.ctx, backlog.queue) == 2
        assert await dispatch(backlog.ctx, backlog.queue) == 0
        urgent = [await backlog.render(project, priority="urgent") for _ in range(3)]
        assert await dispatch(backlog.ctx, backlog.queue) == 2
        assert set((await _admitted(backlog))[2:]) <= set(urgent)


async def test_the_last_slot_is_never_reserved(database_url: str) -> None:
    async with open_backlog(database_url, urgent_reserve=5) as backlog:
        await backlog.render(await backlog.project())
        await backlog.worker(slots=1)
        assert await dispatch(backlog.ctx, backlog.queue) == 1


async def test_a_pause_holds_its_scope_and_nothing_else(backlog: Backlog) -> None:
    paused, other = await backlog.project(), await backlog.project()
    await backlog.worker(slots=8)
    for project in (paused, other):
        for priority in PRIORITIES:
            await backlog.render(project, priority=priority)
    assert await pausing.pause(backlog.db, pausing.scope_of(None, None), "maintenance")
    assert not await pausing.pause(backlog.db, pausing.scope_of(None, None), "longer maintenance")
    await pausing.pause(backlog.db, pausing.scope_of("low", None), "")
    await pausing.pause(backlog.db, pausing.scope_of(None, paused), "")
    assert await dispatch(backlog.ctx, backlog.queue) == 0
    await pausing.resume(backlog.db, pausing.EVERYTHING)
    assert await dispatch(backlog.ctx, backlog.queue) == 3
    assert {(step.project_id, step.priority_class) for step in await _held(backlog)} == {(other, n) for n in (0, 1, 2)}
    assert await pausing.resume(backlog.db, None) == ["class:low", f"project:{paused}"]
    assert await dispatch(backlog.ctx, backlog.queue) == 5
    with pytest.raises(NotFound):
        await pausing.pause(backlog.db, "project:prj_unknown", "")


async def _held(backlog: Backlog) -> list[steps.Step]:
    rows = await backlog.db.fetch("SELECT render_id FROM steps JOIN dispatches ON step_id = id")
    found = [await steps.list_of_render(backlog.db, row["render_id"], 1) for row in rows]
    return [step for (step,) in found]


async def test_what_was_never_begun_is_given_back(backlog: Backlog) -> None:
    """An editor that cancels and sends again does not push its own project to the end of the queue."""
    editor, other = await backlog.project(), await backlog.project()
    for _ in range(20):
        await _cancel(backlog, await backlog.render(editor, cost=100))
    last = await backlog.render(editor, cost=100)
    for _ in range(3):
        await backlog.render(other, cost=100)
    await backlog.worker(slots=2)
    await dispatch(backlog.ctx, backlog.queue)
    assert last in await _admitted(backlog)


async def test_a_step_past_its_deadline_is_stopped_and_tried_once_more(backlog: Backlog) -> None:
    render_id = await backlog.render(await backlog.project())
    await backlog.worker()
    for tries in (1, 2):
        await backlog.due()
        await dispatch(backlog.ctx, backlog.queue)
        claim = claim_of(backlog.queue.sent[-1])
        await begin(backlog.ctx, claim)
        await backlog.db.execute("UPDATE steps SET started_at = now() - interval '2 h' WHERE status = 'running'")
        assert await reap(backlog.ctx) == 1
        assert [claim.token] == backlog.bus.controls_sent[-1][1].cancel_tokens
        assert await heartbeat(backlog.ctx, claim.worker_id, [claim.token]) == {claim.token}
        assert await backlog.status(render_id) == ("processing" if tries == 1 else "failed")
        with pytest.raises(Fenced):
            await complete_step(backlog.ctx, claim, {}, None)
    found = await renders.get(backlog.db, render_id)
    assert found is not None
    assert found.error is not None
    assert found.error["code"] == DeadlineExceeded.code


async def test_a_render_is_charged_for_what_it_took(backlog: Backlog) -> None:
    """A film that was made within its first step was queued at the price of a plan; its project pays the rest."""
    project = await backlog.project()
    await backlog.worker()

    async def paid(planned: float, seconds: float) -> float:
        before = await _vtime(backlog, project)
        await backlog.render(project)
        await dispatch(backlog.ctx, backlog.queue)
        claim = claim_of(backlog.queue.sent[-1])
        await begin(backlog.ctx, claim)
        await backlog.db.execute(
            "UPDATE steps SET started_at = now() - make_interval(secs => $2) WHERE id = $1", claim.step_id, seconds
        )
        await complete_render(backlog.ctx, claim, {"outputs": []}, Progress(percent=100), cost=planned)
        return await _vtime(backlog, project) - before

    assert await paid(100, 5) == pytest.approx(100), "nothing is known of the machine's speed: what was planned"
    await _encode_a_segment(backlog, cost=50, seconds=5)
    assert await paid(100, 20) == pytest.approx(200, rel=0.05), "20 s at 10 a second"
    assert await paid(100, 1000) == pytest.approx(400), "at most four times what was planned"


async def _vtime(backlog: Backlog, project: str) -> float:
    found = await backlog.db.fetch_value("SELECT max(vtime) FROM project_queues WHERE project_id = $1", project)
    return 0.0 if found is None else float(found)


async def _encode_a_segment(backlog: Backlog, *, cost: float, seconds: float) -> None:
    render_id = await backlog.render(await backlog.project())
    await backlog.db.execute(
        "UPDATE steps SET kind = 'segment', status = 'completed', cost = $2, finished_at = now(),"
        " started_at = now() - make_interval(secs => $3) WHERE render_id = $1",
        render_id,
        cost,
        seconds,
    )
