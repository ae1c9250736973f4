"""What callers see of a row: the same shapes over REST, in rooms and in events. No storage key and no owner leaves here."""

from datetime import datetime
from typing import Any

import msgspec

from renderowl.domain.errors import FieldError, RenderOwlError
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import Priority, RenderStatus, StepKind
from renderowl.domain.records import Asset, AssetStatus, AssetType, Project, Render


class ProjectView(msgspec.Struct, frozen=True):
    id: str
    name: str
    description: str | None
    status: str
    settings: dict[str, Any]
    asset_count: int
    render_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    handle: str | None = None


class AssetView(msgspec.Struct, frozen=True):
    id: str
    project_id: str
    name: str
    type: AssetType
    status: AssetStatus
    content_type: str
    size_bytes: int
    checksum_sha256: str | None
    metadata: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    url: str | None = None


class OutputFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A produced file; pictures and times only where the file has them."""

    kind: str
    name: str
    content_type: str
    size_bytes: int
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None


class OutputView(msgspec.Struct, frozen=True):
    outputs: list[OutputFile]


class RenderError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something failed; `errors` names the fields of the request, where some are to blame."""

    code: str
    message: str
    fault: str
    retryable: bool
    errors: list[FieldError] = []


class CacheView(msgspec.Struct, frozen=True):
    """How many segments the film has and how many of them were taken from the cache."""

    segments: int = 0
    reused: int = 0


class RemoteView(msgspec.Struct, frozen=True):
    """What was executed at a remote endpoint, tries that failed there included; `cost` is by the operator's price."""

    submissions: int
    execution_s: float
    cost: float


class RenderView(msgspec.Struct, frozen=True):
    id: str
    project_id: str
    composition_id: str
    status: RenderStatus
    priority: Priority
    attempt: int
    progress: Progress
    output: OutputView | None
    error: RenderError | None
    cache: CacheView
    metadata: dict[str, Any]
    supersede_key: str | None
    requires: list[str]
    force: bool
    playable: bool
    remote: RemoteView | None
    input_props: dict[str, Any]
    output_settings: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


class RenderBrief(msgspec.Struct, frozen=True, omit_defaults=True):
    """`data` of a durable event about a render; what there is none of is left out."""

    status: RenderStatus
    composition_id: str
    priority: Priority
    progress: Progress
    output: OutputView | None = None
    error: RenderError | None = None
    metadata: dict[str, Any] = {}


class RetryBrief(msgspec.Struct, frozen=True):
    """`data` of `render.retrying`: which kind of step, how often it has failed, and when it is tried again."""

    step: StepKind
    failures: int
    delay_s: float
    error: RenderError


class PlayableBrief(msgspec.Struct, frozen=True):
    """`data` of `render.playable`: how long the film is that begins to play, and whether it has sound."""

    duration_s: float
    has_sound: bool


class AssetBrief(msgspec.Struct, frozen=True):
    """`data` of a durable event about an asset."""

    name: str
    type: AssetType
    status: AssetStatus
    metadata: dict[str, Any] | None
    error: RenderError | None


def project_view(project: Project) -> ProjectView:
    return ProjectView(**{name: getattr(project, name) for name in ProjectView.__struct_fields__})


def asset_view(asset: Asset, url: str | None = None) -> AssetView:
    """The asset; `url` is a signed download URL when one was asked for. `media` and `font` are for the pipeline alone."""
    fields = {name: getattr(asset, name) for name in AssetView.__struct_fields__ if name not in ("url", "metadata")}
    metadata = asset.metadata and {
        name: value for name, value in asset.metadata.items() if name not in ("media", "font")
    }
    return AssetView(**fields, metadata=metadata, url=url)


def error_view(error: RenderOwlError) -> RenderError:
    """An error as it is shown."""
    return RenderError(error.code, error.detail, error.fault, error.retryable, list(error.errors))


def error_record(error: RenderOwlError) -> dict[str, Any]:
    """The same as it is kept in a row."""
    kept: dict[str, Any] = msgspec.to_builtins(error_view(error))
    return kept


def output_view(output: dict[str, Any] | None) -> OutputView | None:
    """Outputs without the keys they are stored under."""
    if output is None:
        return None
    return msgspec.convert(output, OutputView)


def render_view(render: Render, newest: tuple[int, Progress] | None = None) -> RenderView:
    """The render with `newest`, (attempt, progress) from the bus, where that is further than the row's."""
    progress = render.reached
    if render.status == "processing" and newest is not None and newest[0] == render.attempt:
        progress = newest[1].furthest(progress)
    return RenderView(
        id=render.id,
        project_id=render.project_id,
        composition_id=render.composition_id,
        status=render.status,
        priority=render.priority,
        attempt=render.attempt,
        progress=progress,
        output=output_view(render.output),
        error=None if render.error is None else msgspec.convert(render.error, RenderError),
        cache=msgspec.convert(render.cache, CacheView),
        metadata=render.metadata,
        supersede_key=render.supersede_key,
        requires=render.requires,
        playable=render.preview is not None and render.preview.playable,
        force=render.force,
        remote=None if render.remote is None else msgspec.convert(render.remote, RemoteView),
        input_props=render.input_props,
        output_settings=render.output_settings,
        created_at=render.created_at,
        started_at=render.started_at,
        completed_at=render.completed_at,
        updated_at=render.updated_at,
    )


def brief(render: Render) -> dict[str, Any]:
    """What a durable event says of its render."""
    view = render_view(render)
    told = RenderBrief(
        view.status, view.composition_id, view.priority, view.progress, view.output, view.error, view.metadata
    )
    facts: dict[str, Any] = msgspec.to_builtins(told)
    return facts
