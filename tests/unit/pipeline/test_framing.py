"""Clips get their new shape through the crops that were meant."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.timeline import Crop, Media, Seconds, Timeline, VideoContent, ViewKey

WIDE, TALL = "asset://wide", "asset://tall"
MEDIA = {
    WIDE: Media(WIDE, "video", "hw", 1920, 1080, 10.0, 25.0, has_video=True, has_audio=True),
    TALL: Media(TALL, "video", "ht", 1080, 1920, 4.0, 50.0, has_video=True),
}


def clip(index: int = 0, src: str = WIDE, *keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"clip_index": index, "input_key": src, "crop_keyframes": list(keys), **more}


def key(x: float = 0, y: float = 0, width: float = 607.5, height: float = 1080, **at: float) -> dict[str, Any]:
    return {"x": x, "y": y, "width": width, "height": height, **(at or {"time": 0})}


def made(*clips: dict[str, Any], output: Any = None, **params: Any) -> Timeline:
    ask = compositions.parse("framing", {"params": {"clips": list(clips), **params}}, output or {}, Limits())
    return compositions.compile(ask, MEDIA)


def refused(*clips: dict[str, Any], **params: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*clips, **params)
    return {error.path.removeprefix("/input_props/params"): error.message for error in caught.value.errors}


def contents(timeline: Timeline) -> list[VideoContent]:
    return [one.content for one in timeline.clips if isinstance(one.content, VideoContent)]


def test_clips_follow_each_other_by_their_index_with_their_own_sound() -> None:
    timeline = made(clip(2, TALL, start=1, end=3), clip(1, WIDE, end=4))
    assert [(c.start, c.frames) for c in timeline.clips] == [(0, 100), (100, 50)]
    assert [content.start for content in contents(timeline)] == [Seconds(0), Seconds(1)]
    assert [(a.src, a.start, a.frames) for a in timeline.audio] == [(WIDE, 0, 100)]


def test_without_keyframes_the_middle_is_seen() -> None:
    assert contents(made(clip())) == [VideoContent(WIDE, fit="cover")]


def test_keyframes_are_frames_of_the_source_or_seconds_and_pixels_or_fractions() -> None:
    by_frame = made(clip(0, WIDE, key(frame=0), key(x=960, frame=50)), output={"fps": 50})
    by_time = made(clip(0, WIDE, key(width=0.3164, height=1), key(x=0.5, width=0.3164, height=1, time=2)))
    assert contents(by_frame)[0].view == (ViewKey(0, 0, 0, 607.5, 1080), ViewKey(100, 960, 0, 607.5, 1080))
    first, second = contents(by_time)[0].view
    assert (first.frame, second.frame, second.x) == (0, 50, pytest.approx(960, abs=0.1))


def test_a_crop_of_another_shape_shows_the_middle_of_it_undistorted() -> None:
    view = contents(
        made(clip(0, WIDE, key(0, 0, 1920, 1080, time=0), key(0, 0, 900, 900, time=1)), aspect_ratio="1:1")
    )[0].view
    assert view == (ViewKey(0, 420, 0, 1080, 1080), ViewKey(25, 0, 0, 900, 900))


def test_a_crop_that_stays_is_only_cut_out() -> None:
    assert contents(made(clip(0, WIDE, key(x=100, time=0), key(x=100, time=5)))) == [
        VideoContent(WIDE, crop=Crop(100, 0, 608, 1080))
    ]


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, (1080, 1920)),
        ({"aspect_ratio": "1:1"}, (1080, 1080)),
        ({"aspect_ratio": "16:9"}, (1920, 1080)),
        ({"output_width": 540}, (540, 960)),
        ({"aspect_ratio": "4:5", "outputHeight": 500}, (400, 500)),
        ({"output_width": 720, "output_height": 1280}, (720, 1280)),
    ],
)
def test_the_size_follows_the_ratio(params: dict[str, Any], size: tuple[int, int]) -> None:
    canvas = made(clip(), **params).canvas
    assert (canvas.width, canvas.height) == size


def test_all_problems_are_told_at_once() -> None:
    assert refused(
        clip(0, WIDE, key(frame=1, time=1), {"x": 0, "y": 0, "width": 0, "height": 9}, start=5, end=4),
        clip(0, "x", zoom=2),
        aspect_ratio="9x16",
    ) == {
        "/aspect_ratio": "must be a ratio such as 9:16",
        "/clips/0/crop_keyframes/0/time": "give either frame or time",
        "/clips/0/crop_keyframes/1/width": "must be more than 0",
        "/clips/1/zoom": "unknown field",
    }
    assert refused(clip(0), clip(0, start=3, end=2), output_width=100, output_height=100) == {
        "/clips/1/end": "must be later than start"
    }
    assert refused(clip(0), clip(0), output_width=100, output_height=100) == {
        "/aspect_ratio": "contradicts output_width and output_height, 100x100",
        "/clips/1/clip_index": "is that of clip 0 too, 0",
    }
    assert refused(clip(0, TALL, start=5), clip(1, TALL, end=5), clip(2, "asset://gone")) == {
        "/clips/0/start": "is beyond the source's end at 4 s",
        "/clips/1/end": "is beyond the source's end at 4 s",
        "/clips/2/src": "this source is not there",
    }
    assert refused(clip(0, WIDE, key(time=1), key(x=1400, time=1))) == {
        "/clips/0/crop_keyframes/1": "leaves the source, which is 1920x1080",
        "/clips/0/crop_keyframes/1/time": "must be later than that of the one before it",
    }
