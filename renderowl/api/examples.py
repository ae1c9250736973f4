"""An example of every body and answer, made from the structs themselves: what is shown is what is read and sent.

A test holds each against its schema in the OpenAPI document, and finds routes that have none.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from renderowl import __version__
from renderowl.api.accounts import (
    Credentials,
    KeyCreate,
    KeyRotate,
    KeyView,
    MeView,
    SessionView,
    TicketCreate,
    TicketView,
    TokenCreate,
    TokenView,
    UserView,
)
from renderowl.api.assets import (
    AssetRename,
    PartDone,
    SignedUrl,
    UploadComplete,
    UploadInstructions,
    UploadView,
)
from renderowl.api.automations import AutomationReceipt
from renderowl.api.compositions import CompositionList, CompositionView
from renderowl.api.dialects import examples as dialects
from renderowl.api.events import ProgressPoll, RoomPollView
from renderowl.api.health import Alive
from renderowl.api.projects import ProjectCreate, ProjectUpdate
from renderowl.api.renders import ProgressView, StepList
from renderowl.api.reports import ReportReceipt
from renderowl.api.users import UserUpdate
from renderowl.db.overview import QueuedClass, StepSeen, WorkerSeen
from renderowl.db.pauses import Pause
from renderowl.domain.automations import WebhookTrigger
from renderowl.domain.events import Progress
from renderowl.domain.records import Delivery, StepTimes, Webhook
from renderowl.pipeline import compositions
from renderowl.pipeline.estimate import Estimate, Range
from renderowl.pipeline.timeline import Canvas, Rate, Timeline
from renderowl.services.actions import CreateRender
from renderowl.services.announcing import UploadRequest
from renderowl.services.asking import RenderRequest
from renderowl.services.automations import (
    AutomationCreate,
    AutomationMade,
    AutomationSecret,
    AutomationUpdate,
    AutomationView,
    TriggerInput,
)
from renderowl.services.errands import CallbackReceipt
from renderowl.services.executions import ExecutionView, ResultView
from renderowl.services.health import Part, Readiness
from renderowl.services.limits import Allowance
from renderowl.services.overview import Overview, RunningStep
from renderowl.services.plans import PlanView, StepView
from renderowl.services.quotas import Quota, Quotas
from renderowl.services.reports import ProgressReport
from renderowl.services.rooms import EventView
from renderowl.services.usage import DayUsage, KeyUsage, RouteCount
from renderowl.services.views import AssetView, CacheView, OutputFile, OutputView, ProjectView, RemoteView, RenderView
from renderowl.services.webhooks import SecretView, WebhookCreate, WebhookUpdate

PROJECT: Final = "prj_01kahxyn7q3m5w8c2v6t4r9zdb"
ASSET: Final = "ast_01kahy0s1e9x4w2c6v8t3r5qzn"
RENDER: Final = "rnd_01kahy2g5h7j3k9w1q4n6p8rst"
USER: Final = "usr_01kahxv3m2c4b6n8q0w1e5r7ty"
KEY: Final = "key_01kahxw9z8x6c4v2b0n1m3q5wr"
WEBHOOK: Final = "whk_01kahy4k7d9f2g5h8j1k3w6q4n"
DELIVERY: Final = "dlv_01kahy5p2r4t6v8x0z1c3b5n7m"
AUTOMATION: Final = "aut_01kahy6q1s3u5w7y9a2c4e6g8j"
EXECUTION: Final = "exe_01kahy6r9t7v5x3z1b8d6f4h2k"
STEP: Final = "stp_01kahy2g8m4n6b8v0c2x1z3q5w"
WORKER: Final = "wrk_01kahxt2n4b6v8c0x1z3q5w7er"
CURSOR: Final = "e7f3a1.128"

_AT: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_LATER: Final = datetime(2026, 11, 21, 9, 31, 12, tzinfo=UTC)
_SOON: Final = "2026-11-21T09:45:00Z"
_STORED: Final = f"https://renderowl.example/storage/projects/{PROJECT}/assets/{ASSET}?expires_at=1795254300"
_URL: Final = f"{_STORED}&content_type=video%2Fmp4&size_bytes=1048576&signature=4f0c9e"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
HAS: Final = Quotas(Quota(1000, 12), Quota(100, 3), Quota(1024**4, 6_442_450_944))
_PASSWORD: Final = "correct horse battery"  # noqa: S105 - an example
_FILM: Final[dict[str, Any]] = {
    "width": 1280,
    "height": 720,
    "tracks": [
        {"clips": [{"type": "video", "src": f"asset://{ASSET}", "duration": 4}]},
        {"clips": [{"type": "text", "text": "Hello", "start": 0.5, "duration": 2, "position": "bottom"}]},
    ],
}
_DONE: Final = Progress(percent=100.0, current_frame=120, total_frames=120, stage="completed")
_HALF: Final = Progress(
    percent=45.5, current_frame=54, total_frames=120, stage="encoding", fps=118.0, speed=3.9, eta_s=0.6
)
_REMOTE: Final = RemoteView(submissions=31, execution_s=742.118, cost=0.163266)
_RENDER: Final = RenderView(
    id=RENDER,
    project_id=PROJECT,
    composition_id="timeline",
    status="completed",
    priority="normal",
    attempt=1,
    progress=_DONE,
    output=OutputView([OutputFile("video", "video.mp4", "video/mp4", 1_482_113, 4.0, 1280, 720, 30.0, 120)]),
    error=None,
    cache=CacheView(segments=2, reused=1),
    metadata={"order": "4711"},
    supersede_key=None,
    requires=[],
    force=False,
    playable=False,
    remote=None,
    input_props=_FILM,
    output_settings={"format": "mp4"},
    created_at=_AT,
    started_at=_AT,
    completed_at=_LATER,
    updated_at=_LATER,
)
_ASSET: Final = AssetView(
    id=ASSET,
    project_id=PROJECT,
    name="clip.mp4",
    type="video",
    status="ready",
    content_type="video/mp4",
    size_bytes=1_048_576,
    checksum_sha256=_SHA256,
    metadata={"duration_s": 4.0, "width": 1280, "height": 720, "fps": 30.0, "codec": "h264", "audio": {"channels": 2}},
    error=None,
    created_at=_AT,
    updated_at=_LATER,
)
_EVENT: Final = EventView("render.started", 128, {"status": "processing"}, render_id=RENDER, attempt=1)
_ACTION: Final = CreateRender(
    composition_id="timeline",
    input_props={"tracks": [{"clips": [{"type": "text", "text": "{{trigger.headline}}", "duration": 2}]}]},
    metadata={"order": "{{trigger.order}}"},
)
_RULE: Final = AutomationView(
    AUTOMATION,
    PROJECT,
    "Welcome film",
    True,
    WebhookTrigger(),
    [_ACTION],
    f"https://renderowl.example/webhooks/automation/{AUTOMATION}",
    None,
    _LATER,
    12,
    _AT,
    _AT,
)

_STRUCTS: Final[tuple[msgspec.Struct, ...]] = (
    # projects
    ProjectCreate(name="Trailer", description="Summer campaign"),
    ProjectUpdate(name="Teaser"),
    ProjectView(PROJECT, "Trailer", "Summer campaign", "active", {}, 3, 7, USER, _AT, _LATER),
    # assets
    UploadRequest(name="clip.mp4", content_type="video/mp4", size_bytes=1_048_576, checksum_sha256=_SHA256),
    UploadView(
        msgspec.structs.replace(_ASSET, status="pending", metadata=None, updated_at=_AT),
        UploadInstructions(
            expires_at=_SOON,
            method="PUT",
            url=_URL,
            headers={"Content-Type": "video/mp4"},
        ),
    ),
    UploadComplete(parts=(PartDone(1, "5d41402abc4b2a76b9719d911017c592"),)),
    AssetRename(name="opening.mp4"),
    _ASSET,
    SignedUrl(f"{_STORED}&download_name=clip.mp4&signature=09be77", _SOON, "clip.mp4", "video/mp4", 1_048_576),
    # renders
    RenderRequest(
        composition_id="timeline", input_props=_FILM, output_settings={"format": "mp4"}, metadata={"order": "4711"}
    ),
    _RENDER,
    ProgressView(RENDER, "processing", 1, _HALF, None),
    ProgressPoll(CURSOR, True, [_EVENT], _HALF),
    RoomPollView(CURSOR, True, [msgspec.Raw(msgspec.json.encode(_EVENT))]),
    PlanView(
        timeline=Timeline(Canvas(width=1280, height=720, rate=Rate(30, 1), frames=120), {}),
        total_frames=120,
        duration_s=4.0,
        steps=[
            StepView("segment 0", "9f86d081884c7d65", 0, 120, 110.6, False, ("ffmpeg", "-i", "in.mp4", "out.mp4"), {})
        ],
        cache=CacheView(segments=1, reused=0),
        cost=110.6,
        cost_left=110.6,
        estimate=Estimate(Range(0.7, 1.4), Range(0.7, 1.4), Range(1_200_000, 1_800_000), slots=2, samples=31),
    ),
    StepList([StepTimes(STEP, "segment", 0, "completed", 1, 0, 0, WORKER, _AT, _AT, _LATER)]),
    # compositions
    CompositionList(
        [
            CompositionView(one.id, one.title, one.description, list(one.aliases))
            for one in list(compositions.COMPOSITIONS.values())[:2]
        ]
    ),
    # webhooks
    WebhookCreate(url="https://shop.example/hooks/renderowl", description="The shop", events=["render.completed"]),
    WebhookUpdate(enabled=True),
    Webhook(
        WEBHOOK,
        PROJECT,
        "https://shop.example/hooks/renderowl",
        "The shop",
        ["render.completed"],
        True,
        None,
        None,
        _AT,
        _AT,
    ),
    SecretView("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    Delivery(
        DELIVERY,
        PROJECT,
        WEBHOOK,
        RENDER,
        "render.completed",
        "https://shop.example/hooks/renderowl",
        {"type": "render.completed", "timestamp": "2026-11-21T09:31:12Z", "data": {"render_id": RENDER}},
        "delivered",
        1,
        None,
        _LATER,
        204,
        "",
        83,
        None,
        _LATER,
        _LATER,
    ),
    # automations
    AutomationCreate(name="Welcome film", trigger=WebhookTrigger(), actions=[_ACTION]),
    AutomationUpdate(enabled=False),
    _RULE,
    AutomationMade(**msgspec.structs.asdict(_RULE), secret=_SHA256),
    AutomationSecret(_SHA256, _LATER),
    TriggerInput(input={"headline": "Hello", "order": "4711"}),
    AutomationReceipt(EXECUTION),
    ExecutionView(
        EXECUTION,
        AUTOMATION,
        "webhook",
        "completed",
        None,
        {"headline": "Hello", "order": "4711"},
        [ResultView("create_render", {"composition_id": "timeline", "metadata": {"order": "4711"}}, render_id=RENDER)],
        None,
        [AUTOMATION],
        _AT,
        _LATER,
    ),
    # accounts and keys
    Credentials(email="ann@example.org", password=_PASSWORD),
    UserView(USER, "ann@example.org", "user", "pro", _AT),
    MeView(USER, "ann@example.org", "user", "pro", _AT, Allowance(600, 100, 12), HAS),
    SessionView("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfIn0.c2ln", 86_400),
    KeyCreate(name="render farm", scopes=("read", "write"), expires_at="2027-11-21T00:00:00Z"),
    KeyRotate(grace_s=3600),
    KeyView(KEY, "render farm", "h7Qx", ["read", "write"], _AT, expires_at=datetime(2027, 11, 21, tzinfo=UTC)),
    KeyUsage(
        KEY,
        412,
        3,
        _REMOTE,
        [
            DayUsage(
                date(2026, 11, 21), 412, 3, [RouteCount("POST /projects/{project_id}/renders", 412, 3)], remote=_REMOTE
            )
        ],
    ),
    TokenCreate(project_id=PROJECT, scopes=("read",), ttl_s=3600),
    TokenView("eyJhbGciOiJIUzI1NiJ9.eyJwcmoiOiJwcmpfIn0.c2ln", "2026-11-21T10:30:00Z"),
    TicketCreate(project_id=PROJECT),
    TicketView("0Kq8Zr3Vw6Yb1Nc5Xd9Pf2LhTj4Mg7RsUa8Eo1Ik0Bz", "2026-11-21T09:30:30Z"),
    UserUpdate(tier="enterprise"),
    # operations
    Alive("ok", __version__),
    Readiness(True, [Part("postgres", True), Part("redis", True), Part("storage", True)], 2),
    ProgressReport(step_id=STEP, attempt=1, n=12, done=0.455, frames=54),
    ReportReceipt(True),
    CallbackReceipt(received=True, wanted=False),
    Overview(
        _AT,
        [QueuedClass("normal", 3, 4.5, 1)],
        [Pause("class:low", "backups run", _AT)],
        [WorkerSeen(WORKER, "render-1", 4711, "active", 2, 1, 0.8, ["ffmpeg:9f86d081884c7d65"], _AT)],
        [
            RunningStep(
                StepSeen(STEP, RENDER, PROJECT, 1, 1, "segment", 0, "running", "normal", WORKER, 0.4), 0.455, _HALF
            )
        ],
        {"processing": 1, "completed": 12},
    ),
)

OF_STRUCTS: Final[Mapping[str, Any]] = {
    type(one).__name__: msgspec.json.decode(msgspec.json.encode(one)) for one in (*_STRUCTS, *dialects.STRUCTS)
}
"""Examples by the name of their schema, as they are sent."""

OF_ROUTES: Final[Mapping[str, Any]] = {
    "getSchema": {"type": "object", "properties": {"input_props": {"$ref": "#/$defs/TimelineSpec"}}},
    "getMetrics": '# TYPE renderowl_queue_steps gauge\nrenderowl_queue_steps{priority="normal"} 3.0\n',
    "getLog": "frame=  120 fps=118 q=-1.0 Lsize=    1447kB time=00:00:04.00 bitrate=2964.2kbits/s speed=3.93x\n",
    "hearRoom": {"id": CURSOR, "data": msgspec.json.encode(_EVENT).decode()},
    "planRender": '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="80"></svg>',
}
"""Examples of answers that are no struct, by the route's operation."""

OF_PARAMETERS: Final[Mapping[str, tuple[str, str]]] = {
    "project_id": ("A project", PROJECT),
    "asset_id": ("An asset of the project", ASSET),
    "render_id": ("A render of the project", RENDER),
    "composition_id": ("A composition, by its id or another name of it", "timeline"),
    "webhook_id": ("A webhook of the project", WEBHOOK),
    "delivery_id": ("A delivery of the project", DELIVERY),
    "key_id": ("One of your keys", KEY),
    "user_id": ("A user", USER),
    "job_id": ("A job", RENDER),
    "session_id": ("A session of the project", "ses_01kahy7v3x5z7b9d1f3h5k7m9p"),
    "item_id": ("An item of your library", ""),
    "auto_id": ("An automation of the project", AUTOMATION),
    "execution_id": ("An execution of the automation", EXECUTION),
    "snapshot_id": ("A snapshot of your library", ""),
    "replace": ("In place of what there is", ""),
    "export_type": ("What is made: an overlay, a framing or annotated clips", "overlay"),
    "parent": ("Those of this game, project or clip", ""),
    "key": ("A file, by its key below your own", ""),
    "cursor": ("`next_cursor` of the page before", ""),
    "limit": ("So many items, 1 to 100", ""),
    "status": ("Those with this status", ""),
    "type": ("Those of this type", ""),
    "tier": ("Those of this tier", ""),
    "signed": ("Add a URL to download it", ""),
    "name": ("Which of several files", ""),
    "as_stored": ("Name other files as they are called, instead of by signed URLs", ""),
    "tail_bytes": ("So many bytes, from the end", ""),
    "Idempotency-Key": ("With the same key the same request is done once", ""),
    "If-None-Match": ("The ETag of what you have", ""),
    "Last-Event-ID": ("The cursor of the last event you had", ""),
    "Accept": ("What you want to be answered", ""),
    "Authorization": ("`Bearer` and a token", ""),
}
"""What parameters are, by name, and of those in paths an example."""
