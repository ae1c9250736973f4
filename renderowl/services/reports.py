"""Progress of workers out of Redis's reach: signed with the key of their claim, fenced by it, taken in the order of `n`.

Only progress comes this way. The end of a step, and with it everything durable, stays with the claim's holder.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from renderowl.db import errands, steps
from renderowl.db.steps import Running
from renderowl.domain.errors import Conflict, Unauthenticated
from renderowl.domain.events import Remembered, StepReport
from renderowl.domain.spec.fields import Spec, Unit, looks
from renderowl.security.webhooks import verify_webhook
from renderowl.services.blueprint import Blueprint, Share
from renderowl.services.context import Context
from renderowl.services.metrics import FENCED_WRITES


class ProgressReport(Spec, frozen=True):
    """How far the step of a claim is. `n` grows from report to report of the claim: that is their order."""

    step_id: Annotated[str, Meta(pattern=r"^stp_[0-9a-z]{1,40}$"), looks("a step's id such as stp_...")]
    attempt: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    n: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    done: Unit
    frames: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    stage: Literal["preparing", "encoding", "assembling"] = "encoding"
    fps: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    speed: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None


class _Claimed(msgspec.Struct, frozen=True):
    step_id: str
    attempt: int


_claimed: Final = msgspec.json.Decoder(_Claimed)


def report_key(ctx: Context, step_id: str, attempt: int) -> str:
    """What the reports of one claim are signed with. Give it to the claim's worker: it is good for nothing else."""
    return _keys(ctx, step_id, attempt)[0]


def _keys(ctx: Context, step_id: str, attempt: int) -> list[str]:
    """The key of one claim, then what it was under other secrets: the claim may be older than ours."""
    return [key.hex() for key in ctx.keyring.keys(f"report:{step_id}:{attempt}")]


def verify(ctx: Context, header: str | None, body: bytes) -> None:
    """Raise Unauthenticated unless the holder of the claim that the body names signed these bytes just now."""
    try:
        claimed = _claimed.decode(body)
        keys = _keys(ctx, claimed.step_id, claimed.attempt)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unauthenticated("the body names no `step_id` and `attempt` whose key could have signed it") from None
    verify_webhook([key.encode() for key in keys], header, body)


async def take(ctx: Context, report: ProgressReport) -> bool:
    """Fold a verified report into its render's progress and tell the room; False for one that is no news.

    That is one with an `n` that was seen or passed, that is less far, or whose errand is between two claims. Raises
    Conflict when the claim does not hold any more, BusUnavailable when nobody can be told.
    """
    running = await steps.get_running(ctx.db, report.step_id, report.attempt)
    if running is None and await errands.is_awaited(ctx.db, report.step_id, report.attempt):
        return False  # its runner has gone, and the next one will take the errand over
    if running is None:
        FENCED_WRITES.inc()
        raise Conflict("this claim does not hold any more: stop, and discard what was made")
    return await ctx.bus.publish_progress(_fold(report, running)) is not None


def _fold(report: ProgressReport, running: Running) -> StepReport:
    step, progress = running.step, running.progress
    share = Share(1.0, progress.total_frames)  # nothing is planned yet: whoever prepares makes the whole film
    if running.plan is not None:
        share = msgspec.convert(running.plan, Blueprint).share(step.cost)
    return StepReport(
        project_id=step.project_id,
        render_id=step.render_id,
        attempt=step.render_attempt,
        step_id=step.id,
        step_attempt=step.attempt,
        done=report.done,
        weight=share.weight,
        frames=report.frames,
        total_frames=share.total_frames,
        stage=report.stage,
        fps=report.fps,
        speed=report.speed,
        base=share.base,
        base_frames=share.base_frames,
        remembered=Remembered(progress.percent, progress.current_frame),
        n=report.n,
    )
