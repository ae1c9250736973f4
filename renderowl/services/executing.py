"""Executing: what was triggered is done, action by action; whoever dies in between is followed by another."""

from typing import Final

import msgspec
import structlog

from renderowl.db import accounts, executions
from renderowl.db import projects as project_rows
from renderowl.domain.automations import ExecutedBrief, Execution, ExecutionStatus
from renderowl.domain.errors import Internal, NotFound, RenderOwlError, Unavailable, WorkerLost
from renderowl.domain.records import Principal
from renderowl.services.actions import ActionFailed, Lost, perform
from renderowl.services.context import Context
from renderowl.services.publishing import record
from renderowl.services.views import error_record

log = structlog.get_logger(__name__)

LEASE_S: Final = 60.0
MAX_ATTEMPTS: Final = 5
"""How often an execution is begun; one that ended its runner each time is given up."""
KEEP_S: Final = 30 * 24 * 3600.0
_BACKOFF_S: Final = (2.0, 10.0, 60.0, 300.0)


async def claim(ctx: Context, *, limit: int, per_project: int, busy: list[str]) -> list[Execution]:
    """Take waiting executions: at most `limit`, at most `per_project` of one project, none of the projects in `busy`."""
    return await executions.claim(ctx.db, limit=limit, per_project=per_project, busy=busy, lease_s=LEASE_S)


async def execute(ctx: Context, execution: Execution) -> None:
    """Do what is left of a claimed execution, one action after another; the first that fails ends it.

    Raises Unavailable while Postgres is away: the execution waits for its lease to run out then.
    """
    try:
        if execution.attempts > MAX_ATTEMPTS:
            raise ActionFailed(WorkerLost(f"it was begun {MAX_ATTEMPTS} times and never came to an end"))
        principal = await _principal(ctx, execution)
        for index in range(len(execution.results), len(execution.actions)):
            await perform(ctx, principal, execution, index)
        await _finish(ctx, execution, None)
    except Lost:
        log.warning("execution_lost", execution_id=execution.id, attempt=execution.attempts)
    except ActionFailed as failed:
        await _finish(ctx, execution, failed.error)
    except Unavailable:
        raise
    except Exception as problem:
        error = problem if isinstance(problem, RenderOwlError) else Internal("the action broke")
        log.warning("execution_broke", execution_id=execution.id, attempt=execution.attempts, exc_info=True)
        if execution.attempts < MAX_ATTEMPTS:
            await executions.put_off(ctx.db, execution, _BACKOFF_S[execution.attempts - 1])
        else:
            await _finish(ctx, execution, error)


async def forget(ctx: Context) -> int:
    """Drop what ended 30 days ago; the janitor's slow tick."""
    return await executions.forget(ctx.db, older_than_s=KEEP_S)


async def _principal(ctx: Context, execution: Execution) -> Principal:
    """Who an automation acts as: the project's owner, within this project and with their limits."""
    project = await project_rows.get(ctx.db, execution.project_id, owner_id=None)
    owner = None if project is None else await accounts.get_user(ctx.db, project.owner_id)
    if owner is None:
        raise ActionFailed(NotFound("the project's owner is gone"))
    return Principal(
        user_id=owner.id,
        scopes=frozenset({"read", "write"}),
        kind="token",
        credential_id=execution.automation_id,
        project_id=execution.project_id,
        tier=owner.tier,
    )


async def _finish(ctx: Context, execution: Execution, error: RenderOwlError | None) -> None:
    told = None if error is None else error_record(error)
    made = [result["render_id"] for result in execution.results if result["type"] == "create_render"]
    status: ExecutionStatus = "completed" if error is None else "failed"
    brief = ExecutedBrief(execution.automation_id, execution.id, execution.trigger_type, status, made)
    async with ctx.db.transaction() as tx:
        if not await executions.finish(ctx.db, execution, told):
            log.warning("execution_lost", execution_id=execution.id, attempt=execution.attempts)
            return
        await record(ctx, tx, execution.project_id, "automation.executed", msgspec.to_builtins(brief))
    log.info("automation_executed", execution_id=execution.id, status=status)
