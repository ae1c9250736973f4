"""A state machine against the real database: whatever is done to renders, in whatever order, the books stay right.

Hypothesis draws the order: submissions, admissions by one or two schedulers, workers that begin, report, finish, fail,
fall silent, drain, leave and come back late, callers that cancel and retry, deadlines, and pairs of these at once. After
each step the books are read and judged, at the end everything is worked off: no render may be left behind.

`MACHINE_S` is how long it runs, `SEED` repeats one round of it.
"""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from renderowl.app import open_context
from renderowl.domain.errors import Conflict, Interrupted, MediaUnreadable, OutOfMemory, SourceUnavailable, Stalled
from renderowl.domain.events import StepReport
from renderowl.domain.lifecycle import PRIORITY_CLASS
from renderowl.domain.records import Claim
from renderowl.services import renders, steps
from renderowl.services.asking import RenderRequest
from renderowl.services.context import Context
from renderowl.services.dispatching import dispatch
from renderowl.services.reaping import reap
from renderowl.services.steps import Fenced
from renderowl.testing import books
from renderowl.testing.books import Books
from renderowl.testing.farm import farm_settings
from renderowl.testing.troupe import MOST_RENDERS, SPEC, Troupe

RUN_S: Final = float(os.environ.get("MACHINE_S", "20"))
SEED: Final = os.environ.get("SEED")
EXAMPLES: Final = 5
LENGTH: Final = 60
FAILURES: Final = (SourceUnavailable, OutOfMemory, Stalled, MediaUnreadable, Interrupted)
some = st.integers(0, 1_000)
shares = st.floats(0, 1)


class World:
    """Postgres and Redis, on a loop of its own that the rules, which are no coroutines, can run."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ctx: Context) -> None:
        self.loop = loop
        self.ctx = ctx
        self.rules = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)


class SchedulerMachine(Troupe, RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Troupe.__init__(self, self.world.ctx)
        self.attempts_given: set[tuple[str, int]] = set()
        self.progress: dict[tuple[str, int], float] = {}
        self.fenced = False
        self.do(self._begin())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.world.do(work)

    # --- what is judged after each rule -----------------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        self.world.rules += 1
        now: Books = self.do(books.read(self.ctx.db))
        assert now.faults() == []
        assert now.faults_since(self.books) == []
        held = Counter(step.worker_id for step in now.steps.values() if step.leased and step.worker_id is not None)
        assert all(count <= self.slots[worker_id] for worker_id, count in held.items()), "a worker has too much to do"
        if self.fenced:
            assert now == self.books, "a fenced claim has changed something"
        self.fenced = False
        self.books = now
        for render_id, (attempt, told) in self.do(self.ctx.bus.newest_progress(list(now.renders))).items():
            before = self.progress.get((render_id, attempt), 0.0)
            assert told.percent >= before, f"progress of {render_id} went back to {told.percent} % from {before} %"
            self.progress[render_id, attempt] = told.percent

    def teardown(self) -> None:
        """Work everything off: there is nothing that only waits."""
        self.do(self._work_off())

    async def _work_off(self) -> None:
        await self._join(8)
        for _ in range(100):
            self.books = await books.read(self.ctx.db)
            if not any(render.status in ("queued", "processing") for render in self.books.renders.values()):
                return
            await self._lapse()
            await self._due()
            await reap(self.ctx)
            await dispatch(self.ctx, self.queue)
            for claim in self._new_claims():
                await steps.begin(self.ctx, claim)
                await self._finish(claim, 2, 1.0)
        raise AssertionError(f"renders are left behind: {self.books.renders}, {self.books.steps}")

    # --- what callers do --------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.books.renders) < MOST_RENDERS)
    @rule(
        project=some,
        priority=st.sampled_from(sorted(PRIORITY_CLASS)),
        supersede_key=st.sampled_from([None, None, "a"]),
        webhook=st.booleans(),
    )
    def submit(self, project: int, priority: Any, supersede_key: str | None, webhook: bool) -> None:
        request = RenderRequest(
            "timeline",
            SPEC,
            priority=priority,
            supersede_key=supersede_key,
            webhook_url="https://hooks.example/done" if webhook else None,
        )
        self.do(renders.submit(self.ctx, self.caller, self.project_ids[project % 2], request))

    @precondition(lambda self: self.books.renders)
    @rule(n=some)
    def cancel(self, n: int) -> None:
        render = self._render(n)
        could = render.status in ("queued", "processing")
        assert self.do(self._cancel(render)) == could

    @precondition(lambda self: self.books.renders)
    @rule(n=some)
    def retry(self, n: int) -> None:
        failed = [one for one in self.books.renders.values() if one.status == "failed"]
        render = failed[n % len(failed)] if failed and n % 3 else self._render(n)
        try:
            self.do(self._retry(render))
        except Conflict:
            assert render.status != "failed"
        else:
            assert render.status == "failed"

    # --- what schedulers do -----------------------------------------------------------------------------------------

    @rule(schedulers=st.integers(1, 3))
    def admit(self, schedulers: int) -> None:
        self.do(self._admit(schedulers))
        for claim in self._new_claims():
            assert (claim.step_id, claim.attempt) not in self.attempts_given, "an attempt was given twice"
            self.attempts_given.add((claim.step_id, claim.attempt))
            assert claim.worker_id in self.workers, "a worker that leaves was given a step"

    @rule()
    def time_passes(self) -> None:
        self.do(self._due())
        self.do(reap(self.ctx))

    @precondition(lambda self: self.claims)
    @rule(n=some, twice=st.booleans())
    def leases_run_out(self, n: int, twice: bool) -> None:
        self.do(self._lapse(None if n % 4 == 0 else self._claim(n)))
        self.do(self._together(*(reap(self.ctx) for _ in range(2 if twice else 1))))

    @precondition(lambda self: self.books.renders)
    @rule(n=some)
    def deadline_passes(self, n: int) -> None:
        self.do(
            self.ctx.db.execute(
                "UPDATE renders SET deadline_at = now() - interval '1 s' WHERE id = $1 AND deadline_at IS NOT NULL",
                self._render(n).id,
            )
        )
        self.do(reap(self.ctx))

    # --- what workers do --------------------------------------------------------------------------------------------

    @precondition(lambda self: any(self.books.is_dispatched(one) for one in self.claims))
    @rule(n=some)
    def begin(self, n: int) -> None:
        waiting = [one for one in self.claims if self.books.is_dispatched(one)]
        self.do(steps.begin(self.ctx, waiting[n % len(waiting)]))

    @precondition(lambda self: any(self.books.is_running(one) for one in self.claims))
    @rule(n=some, segments=st.integers(0, 3), percent=shares)
    def finish(self, n: int, segments: int, percent: float) -> None:
        self.do(self._finish(self._running(n), segments, percent))

    @precondition(lambda self: self.books.renders)
    @rule()
    def all_begin(self) -> None:
        """Whatever waits is given away and begun, all at the same moment."""
        self.admit(1)
        self.do(self._begin_all())

    @precondition(lambda self: any(self.books.is_running(one) for one in self.claims))
    @rule(segments=st.integers(1, 3), percents=st.lists(shares, min_size=1, max_size=4))
    def all_finish(self, segments: int, percents: list[float]) -> None:
        """Whatever runs is finished, all at the same moment; so the next steps of renders can begin."""
        self.do(self._finish_all(segments, percents))
        self.the_books_are_right()
        self.all_begin()

    @precondition(lambda self: any(self.books.is_running(one) for one in self.claims))
    @rule(n=some, failure=st.sampled_from(FAILURES))
    def fail(self, n: int, failure: Any) -> None:
        self.do(steps.fail_step(self.ctx, self._running(n), failure()))

    @precondition(lambda self: self.claims)
    @rule(n=some, word=st.sampled_from(["begin", "finish", "fail"]))
    def late_word(self, n: int, word: str) -> None:
        """Any claim that was ever given says anything, again or too late."""
        self._say(self._claim(n), word)

    @precondition(lambda self: any(self.books.is_running(one) for one in self.claims))
    @rule(
        n=some,
        attempt=st.sampled_from([-1, 0, 0, 1]),
        other=some,
        word=st.sampled_from(["begin", "finish", "finish", "fail"]),
    )
    def forged_word(self, n: int, attempt: int, other: int, word: str) -> None:
        """A claim that is almost right: of a running step, with another's token or another attempt."""
        good, wrong = self._running(n), self._claim(other)
        token = good.token if attempt else wrong.token
        self._say(Claim(good.step_id, good.attempt + attempt, token, good.worker_id), word)

    @precondition(lambda self: self.claims)
    @rule(n=some, done=shares, number=st.integers(1, 5))
    def report(self, n: int, done: float, number: int) -> None:
        """Progress, from a claim that holds or from one that does not any more, in any order."""
        claim = self._claim(n)
        step = self.books.steps[claim.step_id]
        render = self.books.renders[step.render_id]
        said = StepReport(
            project_id=render.project_id,
            render_id=render.id,
            attempt=step.render_attempt,
            step_id=step.id,
            step_attempt=claim.attempt,
            done=done,
            weight=0.25,
            frames=int(done * 100),
            total_frames=400,
            stage="encoding",
            n=number,
        )
        heard = self.do(self.ctx.bus.publish_progress(said))
        over = render.attempt != step.render_attempt or render.status not in ("queued", "processing")
        assert heard is None or not over, "progress was told of an attempt that has ended"

    @rule(n=some)
    def heartbeat(self, n: int) -> None:
        worker_id = self.workers[n % len(self.workers)]
        mine = [claim for claim in self.claims if claim.worker_id == worker_id]
        good = {one.token for one in mine if self.books.is_dispatched(one) or self.books.is_running(one)}
        tokens = [claim.token for claim in mine]
        assert self.do(steps.heartbeat(self.ctx, worker_id, tokens)) == set(tokens) - good

    @rule(n=some, slots=st.integers(1, 3), quietly=st.booleans())
    def replace_worker(self, n: int, slots: int, quietly: bool) -> None:
        """A worker leaves, giving back what it has not begun, or vanishes; another joins."""
        gone = self.workers.pop(n % len(self.workers))
        if quietly:
            self.do(
                self.ctx.db.execute("UPDATE workers SET heartbeat_at = now() - interval '50 s' WHERE id = $1", gone)
            )
        else:
            self.do(steps.leave_queue(self.ctx, gone))
            self.do(steps.leave(self.ctx, gone))
        self.do(self._join(slots))

    # --- two at once ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(self.books.is_running(one) for one in self.claims))
    @rule(n=some, other=st.sampled_from(["cancel", "lapse", "admit", "leave", "fail", "finish", "retry", "supersede"]))
    def race(self, n: int, other: str) -> None:
        """A worker's last word against whatever else may happen to its step at the same moment."""
        claim = self._running(n)
        render = self.books.renders[self.books.steps[claim.step_id].render_id]
        rivals: dict[str, Coroutine[Any, Any, Any]] = {
            "cancel": self._cancel(render),
            "lapse": self._lapse_and_reap(claim),
            "admit": self._admit(2),
            "leave": steps.leave_queue(self.ctx, claim.worker_id),
            "fail": steps.fail_step(self.ctx, claim, MediaUnreadable()),
            "finish": self._finish(claim, 2, 0.5),
            "retry": self._retry(render),
            "supersede": self._supersede(render),
        }
        rival = rivals.pop(other)
        for unused in rivals.values():
            unused.close()
        if other == "leave":
            self.workers = [one for one in self.workers if one != claim.worker_id] or self.workers
        self.do(self._together(self._finish(claim, 2, 0.7), rival))
        if claim.worker_id not in self.workers or other == "leave":
            self.do(self._join(2))
        self._new_claims()

    # --- how --------------------------------------------------------------------------------------------------------

    def _say(self, claim: Claim, word: str) -> None:
        """Say a word for a claim: it counts if the books say that the claim holds, and else it is fenced."""
        holds = self.books.is_dispatched(claim) if word == "begin" else self.books.is_running(claim)
        words: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "begin": lambda: steps.begin(self.ctx, claim),
            "finish": lambda: self._finish(claim, 1, 0.5),
            "fail": lambda: steps.fail_step(self.ctx, claim, SourceUnavailable()),
        }
        try:
            self.do(words[word]())
        except Fenced:
            assert not holds, "a good claim was fenced"
            self.fenced = True
        else:
            assert holds, f"a claim that does not hold could {word}"


@pytest.fixture
def world(database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path) -> Iterator[World]:
    loop = asyncio.new_event_loop()
    stack = contextlib.AsyncExitStack()
    opening = stack.enter_async_context(
        open_context(farm_settings(database_url, redis_url, storage_dir, tmp_path, lease_s=15.0))
    )
    try:
        yield World(loop, loop.run_until_complete(opening))
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()


@pytest.mark.timeout(RUN_S + 900)  # a counterexample is made small before it is shown
def test_whatever_happens_in_whatever_order_the_books_stay_right(world: World) -> None:
    SchedulerMachine.world = world
    until, first = time.monotonic() + RUN_S, int(SEED or random.SystemRandom().randrange(2**32))
    number = first
    while number == first or (SEED is None and time.monotonic() < until):
        print(f"SEED={number}")
        seed(number)(SchedulerMachine)
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            SchedulerMachine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=LENGTH,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
        number += 1
    print(f"{number - first} rounds, {world.rules} steps")
