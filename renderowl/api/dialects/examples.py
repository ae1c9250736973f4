"""Examples of what sessions and the dialects are sent and answer, for the OpenAPI document."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from renderowl.api.dialects.job_views import JobDetail, JobMade, JobView
from renderowl.api.dialects.jobs import DashboardKey, DashboardKeyCreate, SignedUpload, SignUpload
from renderowl.api.dialects.render_jobs import (
    Artifact,
    RenderJob,
    RenderJobMade,
    RenderJobState,
    RenderJobTrigger,
    Timing,
)
from renderowl.api.dialects.slideshow import FileKept, FilesKept, FilmCreate, FilmFile, ScenesKept
from renderowl.api.sessions import EDL, EditListView, SessionName
from renderowl.domain.records import Session
from renderowl.domain.spec.slideshow import Scene, SlideshowOptions, SlideshowSpec

_PROJECT: Final = "prj_01kahxyn7q3m5w8c2v6t4r9zdb"
_ASSET: Final = "ast_01kahy0s1e9x4w2c6v8t3r5qzn"
_RENDER: Final = "rnd_01kahy2g5h7j3k9w1q4n6p8rst"
_SESSION: Final = "ses_01kahy7v3x5z7b9d1f3h5k7m9p"
_AT: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_LATER: Final = _AT + timedelta(seconds=12)
_WEEK: Final = "2026-11-28T09:30:12Z"
_STORED: Final = f"https://render.example/storage/projects/{_PROJECT}/assets/{_ASSET}"
_FILM: Final = f"https://render.example/storage/projects/{_PROJECT}/renders/{_RENDER}/outputs/1/video.mp4"

_JOB: Final = JobDetail(
    job_id=_RENDER,
    project_id=_PROJECT,
    type="RENDER",
    status="SUCCEEDED",
    progress=1.0,
    percent=100.0,
    stage="COMPLETED",
    error=None,
    error_code=None,
    output_url=f"{_FILM}?expires_at=1795858212&signature=5f2a",
    output_url_expires_at=_WEEK,
    created_at=_AT,
    updated_at=_LATER,
    started_at=_AT,
    finished_at=_LATER,
    logs=["== segment-0.txt", "frame=  120 fps=118 q=-1.0 Lsize=    1447kB time=00:00:04.00 speed=3.93x"],
)

STRUCTS: Final[tuple[msgspec.Struct, ...]] = (
    # sessions
    SessionName(name="Sunday service"),
    Session(_SESSION, _PROJECT, "Sunday service", _AT, _LATER),
    EditListView(_SESSION, "locked", 3, EDL, [], _LATER, _LATER),
    # jobs
    JobMade(_RENDER, "QUEUED", _PROJECT),
    JobView(**{name: getattr(_JOB, name) for name in JobView.__struct_fields__}),
    _JOB,
    SignUpload(file_name="cover.jpg", file_type="image/jpeg", size_bytes=482_113),
    SignedUpload(
        asset_id=_ASSET,
        project_id=_PROJECT,
        upload_url=f"{_STORED}?expires_at=1795254312&content_type=image%2Fjpeg&signature=77c1",
        upload_method="PUT",
        upload_headers={"Content-Type": "image/jpeg"},
        upload_expires_at="2026-11-21T09:45:12Z",
        public_url=f"{_STORED}?expires_at=1795858212&signature=09be",
        public_url_expires_at=_WEEK,
    ),
    DashboardKeyCreate(name="render farm"),
    DashboardKey("key_01kahy3c7d9f1h3k5m7p9r1t3v", "render farm", "h7Qx", True, _AT, _LATER),
    # slideshows
    SlideshowSpec(
        scenes=(Scene(id="intro", images=("images/sample.jpg",), voiceover="intro.mp3"),),
        render_options=SlideshowOptions(min_shot=2.5, max_shot=8.0),
    ),
    ScenesKept(_PROJECT, "p_example", 1),
    FilesKept([FileKept("images/sample.jpg", _ASSET, "ready", 482_113, "image/jpeg", None)]),
    FilmCreate(output_name="demo.mp4"),
    FilmFile("demo.mp4", "video", "video/mp4", 1_482_113, _RENDER, _LATER, f"{_FILM}?signature=5f2a"),
    # render jobs
    RenderJobTrigger(session_id=_SESSION, format="short_9_16", metadata={"createdBy": "ann"}),
    RenderJobMade(_RENDER, "queued", "short_9_16", _SESSION),
    RenderJobState(_RENDER, "queued"),
    RenderJob(
        job_id=_RENDER,
        session_id=_SESSION,
        format="short_9_16",
        status="completed",
        progress=100.0,
        stage="completed",
        attempts=1,
        artifacts=[
            Artifact(
                "video", "video.mp4", "video/mp4", 1_482_113, f"{_FILM}?signature=5f2a", _WEEK, 19.0, "1080x1920", 30.0
            )
        ],
        timing=Timing(_AT, _AT, _LATER, 12_000),
        error=None,
        edl_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        metadata={"createdBy": "ann"},
    ),
)
