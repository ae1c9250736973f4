"""Progress from workers out of Redis's reach: who may report, in which order it counts, and who hears of it."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderowl.client.problem import Problem
from renderowl.client.reports import PATH, RemoteReporter, sign_report
from renderowl.db import steps
from renderowl.domain.records import Claim
from renderowl.domain.spec.limits import Limits
from renderowl.embedded.valkey import EmbeddedValkey
from renderowl.pipeline import compositions
from renderowl.pipeline.plan import make_plan
from renderowl.services.blueprint import Blueprint
from renderowl.services.dispatching import dispatch
from renderowl.services.reports import report_key
from renderowl.services.steps import begin, store_plan
from renderowl.services.views import CacheView
from renderowl.testing.backlog import Backlog, claim_of
from renderowl.testing.serving import World, serve


class Outside:
    """A worker that holds a claim and can only speak HTTP."""

    def __init__(self, world: World, backlog: Backlog, http: httpx.AsyncClient, render_id: str) -> None:
        self.world, self.backlog, self.http, self.render_id = world, backlog, http, render_id

    async def claims(self) -> list[Claim]:
        """The render's queued steps that can be had now, taken up."""
        await dispatch(self.world.ctx, self.backlog.queue)
        ours = {step.id for step in await steps.list_of_render(self.world.ctx.db, self.render_id, 1)}
        claims = [claim_of(sent) for sent in self.backlog.queue.sent if sent.step_id in ours]
        self.backlog.queue.sent.clear()
        for claim in claims:
            await begin(self.world.ctx, claim)
        return claims

    async def claim(self) -> Claim:
        """One of them."""
        return (await self.claims())[0]

    def key(self, claim: Claim) -> str:
        return report_key(self.world.ctx, claim.step_id, claim.attempt)

    def reporter(self, claim: Claim) -> RemoteReporter:
        return RemoteReporter(self.http, key=self.key(claim), step_id=claim.step_id, attempt=claim.attempt)

    async def send(self, claim: Claim, n: int, done: float, **more: Any) -> httpx.Response:
        """A signed report with a number of the test's choice."""
        body = {"step_id": claim.step_id, "attempt": claim.attempt, "n": n, "done": done, **more}
        return await self.post(self.key(claim), msgspec.json.encode(body))

    async def post(self, key: str, body: bytes, **headers: str) -> httpx.Response:
        signed = {"renderowl-signature": sign_report(key, body), "content-type": "application/json"}
        return await self.http.post(PATH, content=body, headers=signed | headers)

    async def plan(self, claim: Claim, segments: int) -> None:
        """End the prepare step with a real plan of 4 seconds a segment."""
        clips = [{"type": "color", "color": f"#{n:06x}", "duration": 8} for n in range(1, segments + 1)]
        spec = {"width": 320, "height": 180, "fps": 25, "tracks": [{"clips": clips}]}
        ask = compositions.parse("timeline", spec, {}, Limits())
        blueprint = Blueprint(make_plan(compositions.compile(ask, {}), ask.output, fingerprint="x"), {}, frozenset())
        new = [msgspec.structs.replace(step, requires=()) for step in blueprint.steps()]
        plan = msgspec.to_builtins(blueprint)
        await store_plan(self.world.ctx, claim, plan, new, cache=CacheView(), progress=blueprint.progress)

    async def progress(self) -> dict[str, Any]:
        """What a poll of the render is told."""
        found = await self.http.get(f"/projects/{self.world.project.id}/renders/{self.render_id}", headers=self.caller)
        progress: dict[str, Any] = found.json()["progress"]
        return progress

    @property
    def caller(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.world.key}"}


@contextlib.asynccontextmanager
async def outside_of(world: World) -> AsyncIterator[Outside]:
    backlog = Backlog(world.ctx)
    await backlog.worker(slots=9)
    render_id = await backlog.render(world.project.id)
    async with httpx.AsyncClient(base_url=world.http_url, timeout=10) as http:
        yield Outside(world, backlog, http, render_id)


@pytest.fixture
async def outside(world: World) -> AsyncIterator[Outside]:
    async with outside_of(world) as made:
        yield made


# --- who hears of it -------------------------------------------------------------------------------------------------


async def test_a_report_is_heard_in_the_room_and_seen_by_a_poll(outside: Outside) -> None:
    claim = await outside.claim()
    async with outside.world.room() as socket:
        await socket.send('{"type":"hello"}')
        assert await outside.reporter(claim).report(0.455, frames=450, fps=118.0, speed=3.9)
        async with asyncio.timeout(10):
            while (said := msgspec.json.decode(await socket.recv()))["type"] != "render.progress" or not said["data"][
                "fps"
            ]:
                pass
    assert said["render_id"] == outside.render_id
    assert said["data"] | {"eta_s": None} == {
        "percent": 45.5,
        "current_frame": 450,
        "total_frames": 0,
        "stage": "encoding",
        "fps": 118.0,
        "speed": 3.9,
        "eta_s": None,
    }
    assert (await outside.progress())["percent"] == 45.5


async def test_a_report_is_streamed(outside: Outside) -> None:
    claim = await outside.claim()
    path = f"/projects/{outside.world.project.id}/events"
    async with outside.http.stream("GET", path, headers=outside.caller) as stream, asyncio.timeout(10):
        lines = stream.aiter_lines()
        assert await anext(lines) == ": the room"
        await outside.reporter(claim).report(0.25)
        assert [line async for line in _first(lines, '"percent":25.0')]


async def _first(lines: AsyncIterator[str], wanted: str) -> AsyncIterator[str]:
    async for line in lines:
        if wanted in line:
            yield line
            return


async def test_a_planned_steps_report_weighs_what_the_plan_says(outside: Outside) -> None:
    await outside.plan(await outside.claim(), segments=2)
    claim = await outside.claim()
    step = await steps.get_claimed(outside.world.ctx.db, claim)
    assert step is not None
    assert (await outside.send(claim, 1, 0.5, frames=100)).json() == {"accepted": True}
    progress = await outside.progress()
    assert progress["percent"] == pytest.approx(50 * step.weight, abs=0.1)
    assert (progress["current_frame"], progress["total_frames"]) == (100, 400)


async def test_the_example_of_the_docs_reports(outside: Outside) -> None:
    page = (Path(__file__).parents[2] / "docs" / "remote-workers.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    claim = await outside.claim()
    told = {"REPORT_KEY": outside.key(claim), "STEP_ID": claim.step_id, "ATTEMPT": str(claim.attempt)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example,
        env={**told, "API": outside.world.http_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert said.decode().split() == ["True", "True", "False"]
    assert (await outside.progress())["current_frame"] == 120


# --- order -----------------------------------------------------------------------------------------------------------


async def test_a_report_counts_once_and_only_after_earlier_ones(outside: Outside) -> None:
    claim = await outside.claim()
    sent = [(2, 0.5), (2, 0.5), (1, 0.9), (3, 0.5), (4, 0.4), (5, 0.6)]
    answers = [(await outside.send(claim, n, done)).json()["accepted"] for n, done in sent]
    assert answers == [True, False, False, True, False, True]
    assert (await outside.progress())["percent"] == 60


async def test_a_recorded_request_can_be_sent_again_without_effect(outside: Outside) -> None:
    claim = await outside.claim()
    body = msgspec.json.encode({"step_id": claim.step_id, "attempt": claim.attempt, "n": 7, "done": 0.5})
    answers = [(await outside.post(outside.key(claim), body)).json()["accepted"] for _ in range(3)]
    assert answers == [True, False, False]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_shuffle_and_no_duplicate_makes_what_is_seen_go_back(outside: Outside, data: st.DataObject) -> None:
    """Several segments of one render report at once, over a network that repeats and reorders."""
    world = outside.world
    await outside.backlog.worker(slots=9)
    render_id = await outside.backlog.render(world.project.id)
    fresh = Outside(world, outside.backlog, outside.http, render_id)
    await fresh.plan(await fresh.claim(), segments=2)
    claims = await fresh.claims()
    dones = [data.draw(st.lists(st.integers(0, 100), min_size=1, max_size=5).map(sorted)) for _ in claims]
    reports = [
        (claim, n, done / 100)
        for claim, steps_done in zip(claims, dones, strict=True)
        for n, done in enumerate(steps_done, 1)
    ]
    again = data.draw(st.lists(st.sampled_from(reports), max_size=5))
    order = data.draw(st.permutations(reports + again))

    accepted: dict[str, list[int]] = {claim.step_id: [] for claim in claims}
    seen = []
    for claim, n, done in order:
        answer = await fresh.send(claim, n, done, frames=round(200 * done))
        assert answer.status_code == 200, answer.text
        if answer.json()["accepted"]:
            accepted[claim.step_id].append(n)
        progress = await fresh.progress()
        seen.append((progress["percent"], progress["current_frame"]))

    assert [percent for percent, _ in seen] == sorted(percent for percent, _ in seen)
    assert [frame for _, frame in seen] == sorted(frame for _, frame in seen)
    assert all(numbers == sorted(set(numbers)) for numbers in accepted.values())
    for claim, steps_done in zip(claims, dones, strict=True):
        last = (await fresh.send(claim, len(steps_done), steps_done[-1] / 100)).json()
        assert last == {"accepted": False}, "the newest report was taken, whatever came around it"


async def test_reports_that_race_are_taken_in_order(outside: Outside) -> None:
    claim = await outside.claim()
    numbers = list(range(1, 21))
    random.Random(7).shuffle(numbers)
    answers = await asyncio.gather(*(outside.send(claim, n, n / 20) for n in numbers))
    assert {answer.status_code for answer in answers} == {200}
    assert (await outside.progress())["percent"] == 99.9


# --- who may report --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [None, "", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=00", "t=1,t=2,v1=00", "t=" + "9" * 400 + ",v1=0", "t=1,v1=\u00e9"],
)
async def test_a_missing_or_malformed_signature_is_refused(outside: Outside, header: str | None) -> None:
    claim = await outside.claim()
    body = msgspec.json.encode({"step_id": claim.step_id, "attempt": claim.attempt, "n": 1, "done": 0.5})
    headers = {"content-type": "application/json"}
    if header is not None:
        headers["renderowl-signature"] = header
    answer = await outside.http.post(PATH, content=body, headers=[(k, v.encode()) for k, v in headers.items()])
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"step_id":"\\ud800","attempt":1}', b"[" * 4000, b'{"step_id":1}']
)
async def test_a_body_that_names_no_claim_is_refused(outside: Outside, body: bytes) -> None:
    assert (await outside.post("ab" * 32, body)).status_code == 401


async def test_another_claims_key_a_changed_body_and_an_old_timestamp_are_refused(outside: Outside) -> None:
    claim = await outside.claim()
    key, body = outside.key(claim), msgspec.json.encode({"step_id": claim.step_id, "attempt": 1, "n": 1, "done": 0.5})
    other = report_key(outside.world.ctx, claim.step_id, claim.attempt + 1)
    assert (await outside.post(other, body)).status_code == 401
    changed = {"renderowl-signature": sign_report(key, body)}
    assert (await outside.post(key, body.replace(b"0.5", b"0.9"), **changed)).status_code == 401
    late = {"renderowl-signature": sign_report(key, body, now=1.0)}
    assert "five minutes" in (await outside.post(key, body, **late)).json()["detail"]
    assert (await outside.post(key, body)).status_code == 200


async def test_a_session_or_a_key_of_the_owner_does_not_stand_in_for_the_signature(outside: Outside) -> None:
    claim = await outside.claim()
    body = {"step_id": claim.step_id, "attempt": claim.attempt, "n": 1, "done": 0.5}
    assert (await outside.http.post(PATH, json=body, headers=outside.caller)).status_code == 401


async def test_a_claim_that_was_lost_reports_nothing_any_more(outside: Outside) -> None:
    claim = await outside.claim()
    assert await outside.reporter(claim).report(0.3)
    assert await steps.requeue(outside.world.ctx.db, claim.step_id, claim.token)
    with pytest.raises(Problem, match="does not hold any more") as refused:
        await outside.reporter(claim).report(0.4)
    assert (refused.value.status, refused.value.code) == (409, "conflict")

    again = await outside.claim()
    assert again.attempt == claim.attempt + 1
    with pytest.raises(Problem):
        await outside.reporter(claim).report(0.9)
    assert await outside.reporter(again).report(0.1)
    assert (await outside.progress())["percent"] == 30, "what is shown does not go back when a step starts again"


async def test_a_cancelled_render_takes_no_report(outside: Outside) -> None:
    claim = await outside.claim()
    path = f"/projects/{outside.world.project.id}/renders/{outside.render_id}/cancel"
    assert (await outside.http.post(path, headers=outside.caller)).status_code == 200
    assert (await outside.send(claim, 1, 0.5)).status_code == 409


async def test_every_wrong_field_is_named(outside: Outside) -> None:
    claim = await outside.claim()
    answer = await outside.send(claim, 0, 1.5, frames=-1, stage="dreaming", token="x")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert {error["path"] for error in answer.json()["errors"]} == {"/n", "/done", "/frames", "/stage", "/token"}


async def test_a_large_body_is_refused_unread(outside: Outside) -> None:
    claim = await outside.claim()
    answer = await outside.send(claim, 1, 0.5, stage="x" * 5000)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


# --- without Redis ---------------------------------------------------------------------------------------------------


async def test_without_redis_a_report_is_put_off_and_taken_later(
    database_url: str, storage_dir: Path, tmp_path: Path
) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        async with serve(database_url, valkey.url, storage_dir) as world, outside_of(world) as outside:
            claim = await outside.claim()
            assert (await outside.send(claim, 1, 0.2)).json() == {"accepted": True}
            os.kill(valkey.pid, signal.SIGKILL)
            away = await outside.send(claim, 2, 0.4)
            assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "unavailable", "1")
            assert await outside.reporter(claim).report(0.5) is False
