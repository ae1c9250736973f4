"""Automations: a rule's triggers as callers write them, and its rows: the rule and each run of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from renderowl.domain.cron import MAX_LENGTH, expression_problem, zone_problem
from renderowl.domain.records import AssetType
from renderowl.domain.spec.fields import Problem, Spec

TriggerType = Literal["webhook", "schedule", "asset_upload", "render_finished", "manual"]
ExecutionStatus = Literal["queued", "running", "completed", "failed", "skipped"]
RenderEnd = Literal["completed", "failed", "cancelled"]

ROOTS: Final = frozenset({"trigger", "automation", "execution"})
"""What templates may begin with."""
MAX_CHAIN: Final = 4
"""How many automations may follow from one another: each is triggered by a render that the one before it made."""
MAX_FOLLOWING: Final = 100
"""How many executions may follow from one."""


class WebhookTrigger(Spec, frozen=True, tag_field="type", tag="webhook"):
    """Runs on each signed POST to the automation's URL; `trigger` is the body, a JSON object."""


class ScheduleTrigger(Spec, frozen=True, tag_field="type", tag="schedule"):
    """Runs when a cron expression of five fields is due in a time zone; `trigger` has `due_at` and `local_time`."""

    cron: Annotated[str, Meta(min_length=9, max_length=MAX_LENGTH, examples=["0 9 * * MON-FRI"])]
    timezone: Annotated[str, Meta(max_length=64, examples=["Europe/Paris"])] = "UTC"

    def problems(self) -> Iterator[Problem]:
        for path, problem in (
            ("/cron", expression_problem(self.cron)),
            ("/timezone", zone_problem(self.timezone)),
        ):
            if problem is not None:
                yield path, problem


class AssetUploadTrigger(Spec, frozen=True, tag_field="type", tag="asset_upload"):
    """Runs when an uploaded asset is ready; `trigger` has `asset_id`, `asset_url`, `name`, `type`, `metadata`."""

    asset_types: Annotated[list[AssetType], Meta(max_length=5)] = msgspec.field(default_factory=list)
    """Only for these types; empty is all."""


class RenderFinishedTrigger(Spec, frozen=True, tag_field="type", tag="render_finished"):
    """Runs when a render has ended so; `trigger` has `render_id` and what the render's event says."""

    statuses: Annotated[list[RenderEnd], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: ["completed"]
    )


class ManualTrigger(Spec, frozen=True, tag_field="type", tag="manual"):
    """Runs only when somebody asks for it, as any automation does then; `trigger` is the `input` that came with that."""


Trigger = WebhookTrigger | ScheduleTrigger | AssetUploadTrigger | RenderFinishedTrigger | ManualTrigger


class Automation(msgspec.Struct, frozen=True):
    """A rule: what triggers it and what is done then."""

    id: str
    project_id: str
    name: str
    enabled: bool
    trigger: dict[str, Any]
    actions: list[dict[str, Any]]
    next_due_at: datetime | None
    last_triggered_at: datetime | None
    trigger_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class Execution(msgspec.Struct, frozen=True):
    """One run of a rule, with the actions as they were when it was triggered.

    `chain` are the automations that led here, this one's last; `root_id` is the first execution of them all. (`id`,
    `attempts`) names one try of it.
    """

    id: str
    automation_id: str
    project_id: str
    trigger_type: TriggerType
    status: ExecutionStatus
    input: dict[str, Any]
    actions: list[dict[str, Any]]
    results: list[dict[str, Any]]
    error: dict[str, Any] | None
    chain: list[str]
    root_id: str
    attempts: int
    due_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class ExecutedBrief(msgspec.Struct, frozen=True):
    """`data` of `automation.executed`: which execution of which automation ended how, and the renders it made."""

    automation_id: str
    execution_id: str
    trigger_type: TriggerType
    status: ExecutionStatus
    render_ids: list[str]
