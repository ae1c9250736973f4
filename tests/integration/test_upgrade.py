"""Upgrades: a database of an older schema, with everything in it, goes on under this version's; old processes go on too."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from renderowl.app import open_context
from renderowl.db import workers
from renderowl.db.dump import is_empty
from renderowl.db.engine import connect_options
from renderowl.db.migrate import applied, migrate, pending, shipped
from renderowl.domain.ids import new_id
from renderowl.domain.records import Claim
from renderowl.security.keys import new_key
from renderowl.services import callers, renders, steps
from renderowl.services.dispatching import dispatch
from renderowl.services.reaping import reap
from renderowl.testing.backlog import Backlog, claim_of, open_backlog
from renderowl.testing.farm import Farm, farm_settings, open_farm

FIRST: Final = "2026-11-21T03:00:00:000000"
BEFORE: Final = "2026-11-21T10:35:00:000000"
"""The newest migration of the version before this one: its processes may run beside this one's."""

_KEY = new_key()
_SPEC = '{"width": 64, "height": 36, "tracks": [{"clips": [{"type": "color", "color": "#336699", "duration": 1}]}]}'
_ROWS: Final = f"""
INSERT INTO users (id, email) VALUES ('usr_old', 'ann@example.org');
INSERT INTO api_keys (id, user_id, name, key_hash, last_four, scopes)
    VALUES ('key_old', 'usr_old', 'old', '{_KEY.sha256}', '{_KEY.last_four}', '{{read,write}}');
INSERT INTO projects (id, owner_id, name, event_epoch, event_seq, render_count, asset_count, created_by)
    VALUES ('prj_00000000000000000000000001', 'usr_old', 'Old', 'e1', 2, 2, 1, 'usr_old');
INSERT INTO assets (id, project_id, name, type, status, content_type, size_bytes, storage_key)
    VALUES ('ast_00000000000000000000000001', 'prj_00000000000000000000000001', 'a.png', 'image', 'ready', 'image/png', 9, 'k');
INSERT INTO renders
    (id, project_id, composition_id, status, input_props, output_settings, progress, created_by, output, completed_at)
    VALUES ('rnd_00000000000000000000000001', 'prj_00000000000000000000000001', 'timeline', 'queued', '{_SPEC}', '{{}}',
            '{{"percent": 0, "current_frame": 0, "total_frames": 0, "stage": "queued"}}', 'usr_old', NULL, NULL),
           ('rnd_00000000000000000000000002', 'prj_00000000000000000000000001', 'timeline', 'completed', '{_SPEC}', '{{}}',
            '{{"percent": 100, "current_frame": 25, "total_frames": 25, "stage": "completed"}}', 'usr_old',
            '{{"outputs": []}}', now());
INSERT INTO steps (id, render_id, project_id, render_attempt, kind, status, priority_class, cost)
    VALUES ('stp_00000000000000000000000001', 'rnd_00000000000000000000000001', 'prj_00000000000000000000000001', 1,
            'prepare', 'queued', 2, 1);
INSERT INTO workers (id, host, pid, slots, heartbeat_at) VALUES ('wrk_old', 'old', 1, 1, now() - interval '1 hour');
INSERT INTO events (project_id, seq, type, render_id, data)
    VALUES ('prj_00000000000000000000000001', 1, 'render.queued', 'rnd_00000000000000000000000002', '{{}}'),
           ('prj_00000000000000000000000001', 2, 'render.completed', 'rnd_00000000000000000000000002', '{{}}');
INSERT INTO deliveries (id, project_id, event_type, url, payload)
    VALUES ('dlv_old', 'prj_00000000000000000000000001', 'render.completed', 'https://example.org', '{{}}');
INSERT INTO automations (id, project_id, name, trigger, actions, created_by)
    VALUES ('aut_old', 'prj_00000000000000000000000001', 'old', '{{"type": "manual"}}', '[]', 'usr_old');
"""


@pytest.fixture
def old_url(empty_database_url: Callable[[], str]) -> str:
    """A database without a table."""
    return empty_database_url()


async def test_what_the_first_schema_held_goes_on_under_this_one(
    old_url: str, redis_url: str, storage_dir: Path, tmp_path: Path
) -> None:
    assert await is_empty(old_url)
    assert await migrate(old_url, until=FIRST) == [FIRST]
    assert await pending(old_url)
    connection = await asyncpg.connect(**connect_options(old_url))
    try:
        await connection.execute(_ROWS)
    finally:
        await connection.close()
    assert len(await migrate(old_url)) == len(shipped()) - 1
    assert await applied(old_url) == sorted(shipped())

    settings = farm_settings(old_url, redis_url, storage_dir, tmp_path / "work")
    async with open_context(settings) as ctx:
        principal = await callers.authenticate(ctx, _KEY.plaintext)
        done = await renders.get(ctx, principal, "prj_00000000000000000000000001", "rnd_00000000000000000000000002")
        assert (done.status, done.progress.percent) == ("completed", 100)
    async with open_farm(settings) as farm:  # whose worker takes up what an old API had accepted
        old = Farm(farm.ctx, principal, "prj_00000000000000000000000001")
        await old.completed("rnd_00000000000000000000000001")
        last = "SELECT max(seq) FROM events WHERE project_id = 'prj_00000000000000000000000001'"
        assert await farm.ctx.db.fetch_value(last) == 4


async def test_processes_of_the_version_before_can_write_beside_this_ones(old_url: str) -> None:
    """What they insert they name column by column, as they knew them: none may be gone, none may have become needed."""
    await migrate(old_url, until=BEFORE)
    before = await _columns(old_url)
    await migrate(old_url)
    after = await _columns(old_url)
    for table, columns in before.items():
        assert columns.keys() <= after[table].keys()
        needed = {name for name, may_be_left_out in after[table].items() if not may_be_left_out}
        assert needed <= columns.keys()


_OLD_ADMISSION: Final = (
    "UPDATE steps SET status = 'dispatched', attempt = attempt + 1, token = $1, worker_id = $2,"
    " lease_expires_at = now() + interval '10 s', started_at = NULL WHERE status = 'queued' RETURNING id, attempt"
)
_OLD_START: Final = (
    "UPDATE steps SET status = 'running', started_at = now(), lease_expires_at = now() + interval '15 s'"
    " WHERE id = $1 AND attempt = $2 AND token = $3 AND worker_id = $4 AND status = 'dispatched' RETURNING id"
)
"""As schedulers and workers of the version before wrote them."""


async def test_what_an_old_scheduler_gives_is_begun_or_put_back_and_takes_its_place(database_url: str) -> None:
    async with open_backlog(database_url) as backlog:
        render_id = await backlog.render(await backlog.project())
        worker_id = await backlog.worker()
        for _ in range(2):
            await _admit_as_before(backlog, worker_id)
            assert [slot.free for slot in await workers.slots(backlog.db, alive_s=60)] == [0]
            await backlog.expire_leases()
            assert await reap(backlog.ctx) == 1
        claim = await _admit_as_before(backlog, worker_id)
        assert claim.attempt == 3
        assert (await steps.begin(backlog.ctx, claim)).step.status == "running"
        assert await backlog.status(render_id) == "processing"


@pytest.mark.parametrize("first", ["old", "new"])
async def test_a_step_that_an_old_and_a_new_scheduler_give_is_begun_once(database_url: str, first: str) -> None:
    async with open_backlog(database_url) as backlog:
        await backlog.render(await backlog.project())
        worker_id = await backlog.worker()
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        claims = {"new": claim_of(backlog.queue.sent[0]), "old": await _admit_as_before(backlog, worker_id)}
        begun = []
        for which in sorted(claims, key=lambda which: which != first):
            with contextlib.suppress(steps.Fenced):
                await steps.begin(backlog.ctx, claims[which])
                begun.append(which)
        assert begun == ["old"], "what the later one gave is good, the earlier one's is void"
        await backlog.expire_leases()
        await reap(backlog.ctx)
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        await steps.begin(backlog.ctx, claim_of(backlog.queue.sent[-1]))


async def test_what_an_old_worker_cannot_begin_is_given_to_another(database_url: str) -> None:
    async with open_backlog(database_url) as backlog:
        await backlog.render(await backlog.project())
        await backlog.worker()
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        given = claim_of(backlog.queue.sent[-1])
        args = (given.step_id, given.attempt, given.token, given.worker_id)
        assert await backlog.db.fetch_value(_OLD_START, *args) is None
        await backlog.expire_leases()
        assert await reap(backlog.ctx) == 1
        assert await dispatch(backlog.ctx, backlog.queue) == 1
        work = await steps.begin(backlog.ctx, claim_of(backlog.queue.sent[-1]))
        assert (work.step.attempt, work.step.lost, work.step.failures) == (2, 0, 0)


async def _admit_as_before(backlog: Backlog, worker_id: str) -> Claim:
    token = new_id("tok")
    row = await backlog.db.fetch_one(_OLD_ADMISSION, token, worker_id)
    assert row is not None
    return Claim(row["id"], row["attempt"], token, worker_id)


async def _columns(url: str) -> dict[str, dict[str, bool]]:
    """Table -> column -> whether an INSERT may leave it out."""
    connection = await asyncpg.connect(**connect_options(url))
    try:
        rows = await connection.fetch(
            "SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' AS optional"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
    finally:
        await connection.close()
    found: dict[str, dict[str, bool]] = {}
    for row in rows:
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["optional"]
    return found
