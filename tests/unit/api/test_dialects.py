"""The dialects' words: states, stages, file names and where problems are told."""

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from renderowl.api.dialects.file_names import _paths
from renderowl.api.dialects.job_views import RENDER_STATUS, STATUS, JobStatus, stage_of
from renderowl.api.dialects.jobs import _composition_of
from renderowl.domain.errors import FieldError, ValidationFailed
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import RenderStatus
from renderowl.domain.placing import moved, told_at
from renderowl.services.announcing import CONTENT_TYPES, content_type_of
from renderowl.services.sessions import problems_of
from renderowl.services.views import CacheView, RenderView

NOW = datetime(2026, 11, 21, tzinfo=UTC)
VIEW = RenderView(
    id="rnd_1",
    project_id="prj_1",
    composition_id="slideshow",
    status="processing",
    priority="normal",
    attempt=1,
    progress=Progress(),
    output=None,
    error=None,
    cache=CacheView(),
    metadata={},
    supersede_key=None,
    requires=[],
    force=False,
    playable=False,
    remote=None,
    input_props={"scenes": [{}, {}, {}]},
    output_settings={},
    created_at=NOW,
    started_at=None,
    completed_at=None,
    updated_at=NOW,
)


def test_every_state_of_a_render_has_one_word() -> None:
    assert set(STATUS) == set(get_args(RenderStatus))
    assert set(RENDER_STATUS) == set(get_args(JobStatus))


@pytest.mark.parametrize(
    ("stage", "frame", "told"),
    [
        ("queued", 0, "VALIDATE"),
        ("fetching", 0, "VALIDATE"),
        ("preparing", 0, "AUDIO_PREP"),
        ("encoding", 0, "SCENE_BUILD[0]"),
        ("encoding", 50, "SCENE_BUILD[1]"),
        ("encoding", 90, "SCENE_BUILD[2]"),
        ("assembling", 90, "CONCAT"),
        ("completed", 90, "FINALIZE"),
    ],
)
def test_a_slideshow_goes_through_its_documents_stages(stage: str, frame: int, told: str) -> None:
    progress = Progress(current_frame=frame, total_frames=90, stage=stage)
    assert stage_of(msgspec.structs.replace(VIEW, progress=progress)) == told
    other = msgspec.structs.replace(VIEW, progress=progress, composition_id="timeline")
    assert stage_of(other) == stage.upper()


def test_a_problem_is_told_where_the_dialect_has_the_field() -> None:
    places = {"/input_props/edl": "/edl", "/input_props": ""}
    paths = ["/input_props/edl/sources", "/input_props/format", "/input_props_of", "/input_props"]
    errors = [FieldError(path, "is wrong") for path in paths]
    expected = ["/edl/sources", "/format", "/input_props_of", ""]
    assert [error.path for error in moved(errors, places)] == expected
    with pytest.raises(ValidationFailed) as raised, told_at(places):
        raise ValidationFailed(errors=errors)
    assert [error.path for error in raised.value.errors] == expected


@pytest.mark.parametrize(
    ("spec", "composition"),
    [({"tracks": []}, "timeline"), ({"backgrounds": []}, "longform"), ({"scenes": []}, "slideshow")],
)
def test_a_spec_is_known_by_its_fields(spec: dict[str, object], composition: str) -> None:
    assert _composition_of(spec) == composition
    assert _composition_of({}) is None


def test_a_bare_file_name_lies_in_its_folder() -> None:
    assert _paths("a.jpg", "images") == ["images/a.jpg", "a.jpg"]
    assert _paths("./images/a.jpg", "images") == ["images/a.jpg"]
    assert _paths("input/voiceovers/a.mp3", "voiceovers") == ["voiceovers/a.mp3"]


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("a.jpg", "image/jpeg", "image/jpeg"),
        ("a.jpg", "image/jpeg; charset=x", "image/jpeg"),
        ("A.MP3", "application/octet-stream", "audio/mpeg"),
        ("a.mkv", "", "video/x-matroska"),
        ("a.exe", "application/x-msdos", "application/x-msdos"),
    ],
)
def test_what_a_client_does_not_know_the_name_says(name: str, said: str, meant: str) -> None:
    assert content_type_of(name, said) == meant


@pytest.mark.parametrize("ending", ["mp4", "mov", "webm", "mkv", "m4a", "wav", "webp", "tiff", "srt", "json", "otf"])
def test_every_ending_means_a_type_that_may_be_uploaded(ending: str) -> None:
    assert content_type_of(f"a.{ending}", "application/octet-stream") in CONTENT_TYPES


def test_a_draft_says_all_that_hinders_its_lock() -> None:
    found = {error.path for error in problems_of({"masterCamera": "A", "sources": {"A": {}}, "extra": 1})}
    assert found == {"/extra", "/duration_ms", "/tracks", "/sources/A/asset_id"}
