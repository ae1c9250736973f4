"""The durable rows as plain values: what `db/` returns and `services/` work with."""

from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec

from renderowl.domain.events import Progress, WebhookEvent
from renderowl.domain.lifecycle import Priority, RenderStatus, StepKind, StepStatus

AssetStatus = Literal["pending", "processing", "ready", "failed"]
AssetType = Literal["video", "audio", "image", "subtitle", "font"]
Scope = Literal["read", "write", "admin"]
ALL_SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))
Role = Literal["user", "admin"]
Track = Literal["video", "audio"]
Tier = Literal["free", "pro", "enterprise"]
DeliveryStatus = Literal["pending", "delivered", "failed"]
ErrandStatus = Literal["recorded", "submitted", "lost", "ended"]
"""`recorded`: it may have been sent or not. `lost`: nobody wants it any more, and it may still be alive out there."""


class Principal(msgspec.Struct, frozen=True):
    """Who is calling: the owner whose things may be seen, with which scopes, through which credential.

    `project_id` narrows a token or ticket to one project; `credential_id` is the key's or token's id, never its secret.
    `key_id` and `session_id` are the key or the session a token was minted with: it ends with them.
    An administrator (`is_admin`) sees everybody's things. `tier` is the account's, of when the credential was looked at.
    """

    user_id: str
    scopes: frozenset[Scope]
    kind: Literal["key", "token", "ticket", "session", "bootstrap"]
    credential_id: str
    project_id: str | None = None
    is_admin: bool = False
    expires_at: float | None = None
    key_id: str | None = None
    session_id: str | None = None
    tier: Tier = "free"


class User(msgspec.Struct, frozen=True):
    id: str
    email: str
    password_hash: str | None
    role: Role
    tier: Tier
    created_at: datetime


class ApiKey(msgspec.Struct, frozen=True):
    id: str
    user_id: str
    name: str
    last_four: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class Project(msgspec.Struct, frozen=True):
    """`handle` is what the owner calls it in paths, unlike any other project of theirs."""

    id: str
    owner_id: str
    name: str
    description: str | None
    status: Literal["active", "archived", "deleting"]
    settings: dict[str, Any]
    event_epoch: str
    event_seq: int
    asset_count: int
    render_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    handle: str | None = None


class Asset(msgspec.Struct, frozen=True):
    """An uploaded file. One that is `unattended` nobody confirms: it is taken once it is there, `size_bytes` 0 till then."""

    id: str
    project_id: str
    name: str
    type: AssetType
    status: AssetStatus
    content_type: str
    size_bytes: int
    storage_key: str
    checksum_sha256: str | None
    content_hash: str | None
    upload_id: str | None
    upload_expires_at: datetime | None
    metadata: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    unattended: bool = False


class Fetched(msgspec.Struct, frozen=True):
    """Our copy of what a URL had, with the validators to ask whether it still has. `metadata` holds what it is:
    `media`, `font` or `captions`."""

    id: str
    project_id: str
    url: str
    etag: str | None
    last_modified: str | None
    content_hash: str
    storage_key: str
    size_bytes: int
    content_type: str
    metadata: dict[str, Any]


class Piece(msgspec.Struct, frozen=True):
    """A finished piece of a film's pictures or sound, in microseconds of the film."""

    start_us: int
    end_us: int
    size_bytes: int


class Screen(msgspec.Struct, frozen=True):
    """What the playlists of a film in the making say of it; `playable` once it begins to play."""

    width: int
    height: int
    fps: float
    codecs: str
    end_us: int
    has_sound: bool
    playable: bool = False


class Render(msgspec.Struct, frozen=True):
    """`key_id` is the API key it was submitted with, or with a token of which; `trace` its W3C traceparent, if any.

    `requires` are the labels that a worker must have to do any step of it; with `force` nothing comes from the cache.
    """

    id: str
    project_id: str
    composition_id: str
    status: RenderStatus
    priority: Priority
    attempt: int
    input_props: dict[str, Any]
    output_settings: dict[str, Any]
    progress: Progress
    output: dict[str, Any] | None
    error: dict[str, Any] | None
    cache: dict[str, Any]
    metadata: dict[str, Any]
    webhook_url: str | None
    supersede_key: str | None
    idempotency_key: str | None
    request_hash: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    deadline_at: datetime | None
    key_id: str | None = None
    trace: str | None = None
    requires: list[str] = []
    force: bool = False
    preview: Screen | None = None
    """What can be played of it while it is made, if that was asked for."""
    remote: dict[str, Any] | None = None
    """What it took at a remote endpoint, if it went there."""
    told: tuple[int, Progress] | None = None
    """(attempt, progress) that was told about a second ago; `progress` is that of the last step's end."""

    @property
    def reached(self) -> Progress:
        """How far its attempt is, of what Postgres knows: callers are told nothing less."""
        if self.told is None or self.told[0] != self.attempt:
            return self.progress
        return self.told[1].furthest(self.progress)


class Webhook(msgspec.Struct, frozen=True):
    """Where a project's events are sent to. `failing_since` is when deliveries began to fail, with none good since."""

    id: str
    project_id: str
    url: str
    description: str
    events: list[WebhookEvent]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


class Delivery(msgspec.Struct, frozen=True):
    """One webhook POST, tried until it comes through. What is told of the answer is that of the last try."""

    id: str
    project_id: str
    webhook_id: str | None
    render_id: str | None
    event_type: str
    url: str
    payload: dict[str, Any]
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    response_status: int | None
    response_body: str | None
    duration_ms: int | None
    error: str | None
    created_at: datetime
    delivered_at: datetime | None


class Session(msgspec.Struct, frozen=True):
    """A recording by several cameras, of which films are cut."""

    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime


class EditList(msgspec.Struct, frozen=True):
    """A session's edit decision list as its editor has it; nothing but a locked one is rendered."""

    session_id: str
    document: dict[str, Any]
    version: int
    locked_at: datetime | None
    updated_at: datetime


class Step(msgspec.Struct, frozen=True):
    """A unit of work of one attempt of a render. (`id`, `attempt`, `token`) names one claim of it."""

    id: str
    render_id: str
    project_id: str
    render_attempt: int
    kind: StepKind
    ordinal: int
    status: StepStatus
    priority_class: int
    vtime: float
    cost: float
    weight: float
    attempt: int
    token: str | None
    worker_id: str | None
    failures: int
    lost: int
    params: dict[str, Any]
    result: dict[str, Any] | None


class StepTimes(msgspec.Struct, frozen=True):
    """A step of a render as its owner sees it; `attempt` counts the claims of it, `lost` the workers that fell silent."""

    id: str
    kind: StepKind
    ordinal: int
    status: StepStatus
    attempt: int
    failures: int
    lost: int
    worker_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Errand(msgspec.Struct, frozen=True):
    """One submission of a step to a remote endpoint: that of the step's attempt `step_attempt`, and of no other.

    `remote_id` is what the endpoint calls it, once that is known; `price_per_s` what a second of it costs.
    """

    id: str
    step_id: str
    step_attempt: int
    token: str
    render_id: str
    render_attempt: int
    project_id: str
    key_id: str | None
    price_per_s: float
    left_s: float
    """How long until it is over at the endpoint, whatever happens; of when this was read, by Postgres's clock."""
    status: ErrandStatus = "recorded"
    remote_id: str | None = None

    @property
    def prefix(self) -> str:
        """Below which what it needs and what it makes lie."""
        return f"projects/{self.project_id}/renders/{self.render_id}/{self.render_attempt}-{self.id}/"


class Claim(msgspec.Struct, frozen=True):
    """One worker's right to work on a step, carried in every write: nothing is written without it.

    `trace` is the traceparent under which it was given, if any.
    """

    step_id: str
    attempt: int
    token: str
    worker_id: str
    trace: str | None = None
