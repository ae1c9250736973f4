"""An EDL becomes the takes it keeps, in step with the master camera's sound."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.slice import window
from renderowl.pipeline.timeline import Chapter, Media, Rate, Seconds, Timeline, VideoContent

WIDE, CLOSE, MUTE = "asset://wide", "asset://close", "https://media.example/mute.mov"
MEDIA = {
    WIDE: Media(WIDE, "video", "hw", 1920, 1080, 60.0, 25.0, has_video=True, has_audio=True),
    CLOSE: Media(CLOSE, "video", "hc", 1920, 1080, 50.0, 30.0, has_video=True, has_audio=True),
    MUTE: Media(MUTE, "video", "hm", 1920, 1080, 60.0, 25.0, has_video=True),
}
SOURCES = {
    "A": {"assetId": "wide", "offsetMs": 0},
    "B": {"assetId": "close", "offsetMs": 500},
    "M": {"assetId": "mute", "mezzanineUrl": MUTE, "offsetMs": -1000},
}


def take(start_ms: int, end_ms: int, camera: str = "A", **more: Any) -> dict[str, Any]:
    return {"startMs": start_ms, "endMs": end_ms, "camera": camera, **more}


def spec(*takes: dict[str, Any], chapters: Any = (), **edl: Any) -> dict[str, Any]:
    tracks = {"program": list(takes), "chapters": list(chapters)}
    whole = {"status": "locked", "masterCamera": "A", "durationMs": 60_000, "sources": SOURCES, "tracks": tracks, **edl}
    return {"sessionId": "s", "edl": whole}


def made(document: dict[str, Any], **output: Any) -> Timeline:
    return compositions.compile(compositions.parse("edit_list", document, output, Limits()), MEDIA)


def refused(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(document)
    return {error.path.removeprefix("/input_props"): error.message for error in caught.value.errors}


def seen(timeline: Timeline) -> list[tuple[str, int, int, Seconds]]:
    return [
        (clip.content.src, clip.start, clip.frames, clip.content.start)
        for clip in timeline.clips
        if isinstance(clip.content, VideoContent)
    ]


def test_takes_follow_each_other_and_cameras_begin_at_their_offsets() -> None:
    timeline = made(spec(take(1000, 3000), take(3000, 5000, "B"), take(10_000, 11_000, "M")))
    assert seen(timeline) == [
        (WIDE, 0, 50, Seconds(1)),
        (CLOSE, 50, 50, Seconds(5, 2)),
        (MUTE, 100, 25, Seconds(11)),
    ]
    assert (timeline.canvas.rate, timeline.canvas.frames) == (Rate(25), 125)


def test_the_masters_sound_goes_through_cuts_without_a_joint() -> None:
    timeline = made(spec(take(1000, 3000), take(3000, 5000, "B"), take(10_000, 11_000, "M")))
    assert [(a.src, a.start, a.frames, a.source_start) for a in timeline.audio] == [
        (WIDE, 0, 100, Seconds(1)),
        (WIDE, 100, 25, Seconds(10)),
    ]


def test_a_master_that_begins_late_is_heard_from_then_on() -> None:
    late = spec(take(0, 2000), masterCamera="B")
    (sound,) = made(late).audio
    assert (sound.src, sound.start, sound.frames, sound.source_start) == (CLOSE, 15, 45, Seconds(0))


def test_without_sound_of_the_master_each_camera_brings_its_own() -> None:
    timeline = made(spec(take(1000, 3000), take(3000, 5000, "B"), masterCamera="M"))
    assert [(a.src, a.start, a.frames) for a in timeline.audio] == [(WIDE, 0, 50), (CLOSE, 50, 50)]


@pytest.mark.parametrize(
    ("format", "size"),
    [("full_16_9", (1920, 1080)), ("short_9_16", (1080, 1920)), ("clip_1_1", (1080, 1080)), ("thumbnail", (1280, 720))],
)
def test_a_format_is_a_size(format: str, size: tuple[int, int]) -> None:
    canvas = made({**spec(take(0, 1000)), "format": format}).canvas
    assert (canvas.width, canvas.height) == size


def test_a_thumbnail_is_a_picture_unless_said_otherwise() -> None:
    document = {**spec(take(0, 1000)), "format": "thumbnail"}
    assert compositions.parse("edit_list", document, {}, Limits()).output.name == "video.jpg"
    assert compositions.parse("edit_list", document, {"format": "png"}, Limits()).output.format == "png"


def test_chapters_stand_where_their_time_is_seen() -> None:
    chapters = [
        {"title": "one", "startMs": 0},
        {"title": "two", "startMs": 5000},
        {"title": "three", "startMs": 10_500},
    ]
    timeline = made(spec(take(1000, 3000), take(10_000, 12_000), chapters=chapters))
    assert timeline.chapters == (Chapter(0, 50, "one"), Chapter(50, 13, "two"), Chapter(63, 37, "three"))
    assert window(timeline, 25, 60).chapters == (Chapter(0, 25, "one"), Chapter(25, 10, "two"))


def test_all_problems_are_told_at_once() -> None:
    draft = spec(take(1000, 3000, "C"), take(2000, 4000), take(5000, 70_000), status="draft", masterCamera="X")
    assert set(refused(draft)) == {"/edl/tracks/program/1/start_ms"}
    draft["edl"]["tracks"]["program"].pop(1)
    assert refused(draft) == {
        "/edl/status": 'must be "locked": a draft is not rendered',
        "/edl/master_camera": 'no source is named "X"',
        "/edl/tracks/program/0/camera": 'no source is named "C"',
        "/edl/tracks/program/1/end_ms": "is beyond duration_ms, 60000",
    }
    wrong = spec(take(2000, 1000), take(3000, 4000, "A", cam="B"), sources={"A": {}, "B": {"assetId": "a/b"}})
    assert set(refused(wrong)) == {
        "/edl/sources/A/asset_id",
        "/edl/sources/B/asset_id",
        "/edl/tracks/program/0/end_ms",
        "/edl/tracks/program/1/cam",
    }
    assert refused(spec(take(0, 1000, "B"), take(40_000, 55_000, "B"))) == {
        "/edl/tracks/program/0/start_ms": "is before camera B begins, at 500 ms",
        "/edl/tracks/program/1/end_ms": "is beyond the end of camera B, at 50500 ms",
    }
    gone = {"A": {"assetId": "gone"}, "B": {"assetId": "gone-too"}}
    assert set(refused(spec(take(0, 1000), sources=gone))) == {"/edl/sources/A/asset_id"}
