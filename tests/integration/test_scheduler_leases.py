"""Claims: what a lost, late, cancelled or failing worker means for its step and the render."""

import asyncio
import contextvars
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from renderowl.bus.base import Control
from renderowl.db import admission, dispatches, overview, renders, steps, workers
from renderowl.domain.errors import (
    Interrupted,
    MediaUnreadable,
    OutOfMemory,
    RenderOwlError,
    SourceUnavailable,
    Stalled,
)
from renderowl.domain.events import Progress
from renderowl.domain.records import Claim, Step
from renderowl.services.dispatching import dispatch
from renderowl.services.ending import end_render
from renderowl.services.reaping import reap
from renderowl.services.steps import Fenced, begin, complete_render, complete_step, fail_step, heartbeat
from renderowl.testing import books
from renderowl.testing.backlog import Backlog, claim_of, open_backlog
from renderowl.testing.signals import until

OUTPUT = {"outputs": [{"kind": "video", "name": "v.mp4", "content_type": "video/mp4", "size_bytes": 1, "key": "k"}]}


@pytest.fixture
async def backlog(database_url: str) -> AsyncIterator[Backlog]:
    async with open_backlog(database_url) as opened:
        yield opened


async def _claim(backlog: Backlog, *, started: bool = True) -> Claim:
    await backlog.due()
    assert await dispatch(backlog.ctx, backlog.queue) >= 1
    claim = claim_of(backlog.queue.sent[-1])
    if started:
        await begin(backlog.ctx, claim)
    return claim


async def _only_step(backlog: Backlog, render_id: str) -> Step:
    (step,) = await steps.list_of_render(backlog.db, render_id, 1)
    return step


async def _cancel(backlog: Backlog, render_id: str) -> bool:
    async with backlog.db.transaction() as tx:
        await renders.get(backlog.db, render_id, lock=True)
        cancelled = await renders.set_status(backlog.db, render_id, "cancelled")
        if cancelled is not None:
            await end_render(backlog.ctx, tx, cancelled)
    return cancelled is not None


@pytest.fixture
async def render_id(backlog: Backlog) -> str:
    await backlog.worker(slots=8)
    return await backlog.render(await backlog.project())


async def test_an_expired_lease_gives_the_step_to_another_and_fences_the_first(
    backlog: Backlog, render_id: str
) -> None:
    zombie = await _claim(backlog)
    await backlog.expire_leases()
    assert await reap(backlog.ctx) == 1
    heir = await _claim(backlog)
    assert heir.step_id == zombie.step_id
    assert heir.attempt == zombie.attempt + 1
    assert await heartbeat(backlog.ctx, zombie.worker_id, [zombie.token, heir.token]) == {zombie.token}
    for write in (
        backlog.plan(zombie),
        complete_step(backlog.ctx, zombie, {}, None),
        complete_render(backlog.ctx, zombie, OUTPUT, Progress(percent=100)),
        fail_step(backlog.ctx, zombie, Stalled()),
        begin(backlog.ctx, zombie),
    ):
        with pytest.raises(Fenced):
            await write
    await complete_render(backlog.ctx, heir, OUTPUT, Progress(percent=100))
    assert await backlog.status(render_id) == "completed"


async def test_a_dispatch_lost_with_redis_is_nobodys_failure(backlog: Backlog, render_id: str) -> None:
    for _ in range(5):
        await _claim(backlog, started=False)
        await backlog.expire_leases()
        await reap(backlog.ctx)
    step = await _only_step(backlog, render_id)
    assert (step.status, step.lost, step.failures, step.attempt) == ("queued", 0, 0, 5)


def _counted(outcome: str, code: str) -> float:
    labels = {"kind": "prepare", "outcome": outcome, "code": code}
    return REGISTRY.get_sample_value("renderowl_steps_ended_total", labels) or 0


async def test_three_lost_workers_in_a_row_are_a_poison_pill(backlog: Backlog, render_id: str) -> None:
    lost, poisoned = _counted("retried", "worker_lost"), _counted("failed", "poison_pill")
    for _ in range(3):
        assert await backlog.status(render_id) in ("queued", "processing")
        await _claim(backlog)
        await backlog.expire_leases()
        await reap(backlog.ctx)
    found = await renders.get(backlog.db, render_id)
    assert found is not None
    assert found.status == "failed"
    assert found.error is not None
    assert found.error["code"] == "poison_pill"
    assert (_counted("retried", "worker_lost"), _counted("failed", "poison_pill")) == (lost + 2, poisoned + 1)


async def test_an_answer_between_two_losses_ends_the_row(backlog: Backlog, render_id: str) -> None:
    for _ in range(2):
        await _claim(backlog)
        await backlog.expire_leases()
        await reap(backlog.ctx)
    assert await fail_step(backlog.ctx, await _claim(backlog), SourceUnavailable())
    await _claim(backlog)
    await backlog.expire_leases()
    await reap(backlog.ctx)
    assert await backlog.status(render_id) == "processing"


@pytest.mark.parametrize(
    ("error", "tries"), [(SourceUnavailable, 4), (OutOfMemory, 2), (Stalled, 2), (MediaUnreadable, 1)]
)
async def test_each_class_of_failure_has_its_number_of_tries(
    backlog: Backlog, render_id: str, error: type[RenderOwlError], tries: int
) -> None:
    for n in range(1, tries + 1):
        assert await fail_step(backlog.ctx, await _claim(backlog), error("why")) is (n < tries)
    found = await renders.get(backlog.db, render_id)
    assert found is not None
    assert found.status == "failed"
    assert found.error == {
        "code": error.code, "message": "why", "fault": error.fault, "retryable": error("why").retryable
    }  # fmt: skip
    assert [event.type for event in backlog.bus.events].count("render.retrying") == tries - 1


async def test_an_interruption_costs_nothing_however_often(backlog: Backlog, render_id: str) -> None:
    for _ in range(6):
        assert await fail_step(backlog.ctx, await _claim(backlog), Interrupted())
    step = await _only_step(backlog, render_id)
    assert (step.status, step.failures, step.lost) == ("queued", 0, 0)


async def test_cancelling_frees_every_step_and_tells_every_worker(backlog: Backlog, render_id: str) -> None:
    await backlog.plan(await _claim(backlog), segments=3)
    await dispatch(backlog.ctx, backlog.queue)
    claims = [claim_of(sent) for sent in backlog.queue.sent[1:]]
    assert len(claims) == 4
    await begin(backlog.ctx, claims[0])
    assert await _cancel(backlog, render_id)
    told = {token for _, control in backlog.bus.controls_sent for token in control.cancel_tokens}
    assert told == {claim.token for claim in claims}
    assert {step.status for step in await steps.list_of_render(backlog.db, render_id, 1)} == {"completed", "cancelled"}
    lost = await heartbeat(backlog.ctx, claims[0].worker_id, [claim.token for claim in claims])
    assert lost == {claim.token for claim in claims}
    with pytest.raises(Fenced):
        await complete_step(backlog.ctx, claims[0], {}, None)
    assert not await _cancel(backlog, render_id)


async def test_a_heartbeat_does_not_wait_for_who_ends_one_of_its_steps(backlog: Backlog, render_id: str) -> None:
    await backlog.plan(await _claim(backlog), segments=1)
    await dispatch(backlog.ctx, backlog.queue)
    claims = sorted((claim_of(sent) for sent in backlog.queue.sent[1:]), key=lambda claim: claim.step_id)
    first, last = [(await begin(backlog.ctx, claim)).step for claim in claims]
    await backlog.expire_leases()
    worker_id, tokens = claims[0].worker_id, [claim.token for claim in claims]
    outside = contextvars.copy_context()  # of the transaction that follows
    async with backlog.db.transaction():
        assert await steps.fail(backlog.db, last.id, claims[1].token, {})
        # Were it waiting for that step it would hold the other, for which `cancel_all` asks next: a ring.
        async with asyncio.timeout(30):
            beat = asyncio.create_task(heartbeat(backlog.ctx, worker_id, tokens), context=outside)
            assert await beat == set()
        assert await steps.still_lapsed(backlog.db, first.id, claims[0].token) is False
        cancelled = await steps.cancel_all(backlog.db, render_id)
        assert [claim.step_id for claim in cancelled.held] == [first.id]
    assert await heartbeat(backlog.ctx, worker_id, tokens) == set(tokens)


async def test_assemble_waits_for_all_the_others(backlog: Backlog, render_id: str) -> None:
    await backlog.plan(await _claim(backlog), segments=2)
    await dispatch(backlog.ctx, backlog.queue)
    for sent in backlog.queue.sent[1:]:
        claim = claim_of(sent)
        await begin(backlog.ctx, claim)
        (assemble,) = [s for s in await steps.list_of_render(backlog.db, render_id, 1) if s.kind == "assemble"]
        assert assemble.status == "blocked"
        await complete_step(backlog.ctx, claim, {}, Progress(percent=50, stage="encoding"))
    last = await _claim(backlog)
    work = await _work(backlog, last)
    assert work.kind == "assemble"
    await complete_render(backlog.ctx, last, OUTPUT, Progress(percent=100, stage="completed"))
    assert await backlog.status(render_id) == "completed"
    assert [event.type for event in backlog.bus.events] == ["render.started", "render.completed"]


async def _work(backlog: Backlog, claim: Claim) -> Step:
    step = await steps.get_claimed(backlog.db, claim)
    assert step is not None
    return step


async def test_a_render_past_its_deadline_fails_and_its_workers_stop(backlog: Backlog, render_id: str) -> None:
    claim = await _claim(backlog)
    await backlog.db.execute("UPDATE renders SET deadline_at = now() - interval '1 s'")
    assert await reap(backlog.ctx) == 1
    found = await renders.get(backlog.db, render_id)
    assert found is not None
    assert found.error is not None
    assert (found.status, found.error["code"]) == ("failed", "deadline_exceeded")
    assert await heartbeat(backlog.ctx, claim.worker_id, [claim.token]) == {claim.token}


async def test_a_forgotten_worker_is_told_to_register_again(backlog: Backlog) -> None:
    worker_id = await backlog.worker()
    assert await heartbeat(backlog.ctx, worker_id, []) == set()
    await backlog.db.execute("DELETE FROM workers")
    assert await heartbeat(backlog.ctx, worker_id, []) is None


async def test_what_was_given_but_not_begun_is_seen_as_dispatched_by_all(backlog: Backlog, render_id: str) -> None:
    claim = await _claim(backlog, started=False)
    step = await _only_step(backlog, render_id)
    assert (step.status, step.attempt, step.token, step.worker_id) == (
        "dispatched",
        claim.attempt,
        claim.token,
        claim.worker_id,
    )
    (times,) = await steps.times_of_render(backlog.db, render_id, 1)
    assert (times.status, times.attempt, times.worker_id, times.started_at) == ("dispatched", 1, claim.worker_id, None)
    (held,) = await overview.steps_seen(backlog.db)
    assert (held.id, held.status, held.attempt, held.held_s) == (claim.step_id, "dispatched", 1, 0.0)
    assert [worker.held for worker in await overview.workers_seen(backlog.db)] == [1]
    assert sum(one.steps for one in await overview.queued_classes(backlog.db)) == 0
    assert await heartbeat(backlog.ctx, claim.worker_id, [claim.token, "another"]) == {"another"}


async def test_a_begin_that_waits_for_its_steps_release_is_fenced(backlog: Backlog, render_id: str) -> None:
    claim = await _claim(backlog, started=False)
    outside = contextvars.copy_context()  # of the transaction that follows
    async with backlog.db.transaction():
        assert await dispatches.release(backlog.db, claim.worker_id) == 1
        begins = asyncio.create_task(begin(backlog.ctx, claim), context=outside)
        await until(lambda: _somebody_waits(backlog), timeout_s=30)
    with pytest.raises(Fenced):
        await begins
    step = await _only_step(backlog, render_id)
    assert (step.status, step.attempt, step.token) == ("queued", 1, None)


async def test_a_release_does_not_wait_for_what_is_just_begun_and_leaves_it(backlog: Backlog, render_id: str) -> None:
    claim = await _claim(backlog, started=False)
    outside = contextvars.copy_context()
    async with backlog.db.transaction():
        assert await steps.start(backlog.db, claim, lease_s=60) is not None
        async with asyncio.timeout(30):
            for end in (
                dispatches.release(backlog.db, claim.worker_id),
                dispatches.take_back(backlog.db, [claim.token]),
            ):
                assert await asyncio.create_task(end, context=outside) == 0
    step = await _only_step(backlog, render_id)
    assert (step.status, step.attempt, step.token) == ("running", 1, claim.token)


async def test_an_admission_that_meets_a_cancellation_gives_a_claim_that_is_void(
    backlog: Backlog, render_id: str
) -> None:
    worker_slots = await workers.slots(backlog.db, alive_s=60)
    outside = contextvars.copy_context()
    async with backlog.db.transaction():
        (admitted,) = await admission.admit(backlog.db, worker_slots, lease_s=10)
        assert await asyncio.create_task(_cancel(backlog, render_id), context=outside)
    with pytest.raises(Fenced):
        await begin(backlog.ctx, admitted.claim)
    assert (await _only_step(backlog, render_id)).status == "cancelled"
    assert await workers.slots(backlog.db, alive_s=60) == worker_slots, "its place is free"
    assert await dispatches.expire(backlog.db) == 0
    assert await backlog.db.fetch_value("SELECT count(*) FROM dispatches") == 1
    await backlog.expire_leases()
    assert await dispatches.expire(backlog.db) == 0
    assert await backlog.db.fetch_value("SELECT count(*) FROM dispatches") == 0


async def test_a_dispatch_committed_before_the_cancellation_that_did_not_see_it_is_void_for_the_books_too(
    backlog: Backlog, render_id: str
) -> None:
    worker_slots = await workers.slots(backlog.db, alive_s=60)
    looked, seen = asyncio.Event(), asyncio.Event()

    async def cancel() -> None:
        async with backlog.db.transaction():
            await steps.cancel_all(backlog.db, render_id)
            looked.set()
            await seen.wait()

    outside = contextvars.copy_context()
    async with backlog.db.transaction():
        assert await admission.admit(backlog.db, worker_slots, lease_s=10)
        cancelling = asyncio.create_task(cancel(), context=outside)
        await looked.wait()
    before = await books.read(backlog.db)
    seen.set()
    await cancelling
    after = await books.read(backlog.db)
    (step,) = before.steps.values()
    assert (step.status, step.attempt) == ("dispatched", 1)
    assert (after.steps[step.id].status, after.steps[step.id].attempt) == ("cancelled", 0)
    assert after.faults_since(before) == []


async def test_cancelling_what_is_dispatched_tells_its_worker_and_counts_its_attempt(
    backlog: Backlog, render_id: str
) -> None:
    claim = await _claim(backlog, started=False)
    assert await _cancel(backlog, render_id)
    assert backlog.bus.controls_sent == [(claim.worker_id, Control(cancel_tokens=[claim.token]))]
    step = await _only_step(backlog, render_id)
    assert (step.status, step.attempt) == ("cancelled", 1)
    assert await backlog.db.fetch_value("SELECT count(*) FROM dispatches") == 0


async def _somebody_waits(backlog: Backlog) -> bool:
    return bool(await backlog.db.fetch_value("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"))
