"""A longform film covers its sounds with its backgrounds, and what repeats is encoded once."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.plan import make_plan
from renderowl.pipeline.timeline import Media, Timeline

A, B, RAIN, HOUR, SHORT = "asset://a", "asset://b", "asset://rain", "asset://hour", "asset://short"
MEDIA = {
    A: Media(A, "image", "ha", 1920, 1080),
    B: Media(B, "image", "hb", 1920, 1080),
    RAIN: Media(RAIN, "video", "hr", 1280, 720, 10.0, 30.0, has_video=True, has_audio=True),
    HOUR: Media(HOUR, "audio", "hh", duration_s=3600.0, has_audio=True),
    SHORT: Media(SHORT, "audio", "hs", duration_s=1.0, has_audio=True),
}


def image(src: str = A) -> dict[str, Any]:
    return {"type": "image", "src": src}


def made(*backgrounds: dict[str, Any], audio: tuple[str, ...] = (), **more: Any) -> Timeline:
    props = {"backgrounds": list(backgrounds), "audio": [{"src": src} for src in audio], **more}
    return compositions.compile(compositions.parse("longform", props, {}, Limits()), MEDIA)


def refused(*backgrounds: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*backgrounds, **more)
    return {error.path.removeprefix("/input_props"): error.message for error in caught.value.errors}


def seen(timeline: Timeline) -> list[tuple[int, int, int]]:
    return [(clip.start, clip.frames, clip.fade_in) for clip in timeline.clips]


def test_backgrounds_share_the_time_of_the_sounds_and_crossfade() -> None:
    timeline = made(image(A), image(B), audio=(HOUR, HOUR))
    assert timeline.canvas.frames == 2 * 3600 * 30
    assert seen(timeline) == [(0, 108_015, 0), (107_985, 108_015, 30)]
    assert [(a.start, a.frames, a.fade_in, a.fade_out) for a in timeline.audio] == [
        (0, 108_000, 30, 30),
        (108_000, 108_000, 30, 30),
    ]


def test_it_may_last_three_hours_where_others_last_five_minutes() -> None:
    assert made(image(), audio=(HOUR,) * 3).canvas.frames == 3 * 3600 * 30
    assert "lasts 14400 s in all; the limit is 10800 s" in refused(image(), audio=(HOUR,) * 4)["/audio"]
    assert list(refused(image(), duration=10_801)) == ["/duration"]


def test_a_duration_cuts_the_sounds_or_leaves_silence() -> None:
    cut = made(image(), audio=(SHORT, HOUR), duration=11)
    assert [(a.start, a.frames) for a in cut.audio] == [(0, 30), (30, 300)]
    assert cut.audio[0].fade_in == cut.audio[0].fade_out == 15, "fades are at most half of a sound"
    assert made(image(), audio=(SHORT,), duration=11).canvas.frames == 330


def test_a_video_goes_round_and_is_not_heard() -> None:
    timeline = made({"type": "video", "src": RAIN}, duration=25)
    assert seen(timeline) == [(0, 300, 0), (300, 300, 0), (600, 150, 0)]
    assert timeline.audio == ()


def test_without_loop_images_each_background_is_shown_once() -> None:
    timeline = made(image(), {"type": "video", "src": RAIN}, duration=60, loop_images=False, crossfade=0)
    assert seen(timeline) == [(0, 150, 0), (150, 300, 0)]
    assert timeline.canvas.frames == 1800


def test_an_hour_of_stills_and_loops_has_a_handful_of_different_segments() -> None:
    timeline = made(image(A), {"type": "video", "src": RAIN}, image(B), audio=(HOUR,))
    ask = compositions.parse("longform", {"backgrounds": [image()], "duration": 1}, {}, Limits())
    plan = make_plan(timeline, ask.output, fingerprint="x")
    assert len(plan.segments) > 350
    assert len({segment.key for segment in plan.segments}) <= 12


def test_all_problems_are_told_at_once() -> None:
    wrong = {"src": HOUR, "fadeIn": -1}
    assert set(refused(*[image()] * 5, canvas={"widht": 3}, crossfade=-1)) == {
        "/backgrounds",
        "/canvas/widht",
        "/crossfade",
    }
    assert set(refused({"type": "audio", "src": A}, image("file:///x"), duration=0)) == {
        "/backgrounds/0/type",
        "/duration",
    }
    props = {"backgrounds": [image(RAIN), {"type": "video", "src": A}], "audio": [wrong]}
    with pytest.raises(ValidationFailed):
        compositions.parse("longform", props, {}, Limits())
    assert set(refused(image(RAIN), {"type": "video", "src": A}, audio=(A, "asset://gone"))) == {
        "/backgrounds/0/src",
        "/backgrounds/1/src",
        "/audio/0/src",
        "/audio/1/src",
    }
    assert refused(image()) == {"/duration": "is required without audio: nothing else says how long the film is"}
    assert refused(image(), image(), duration=2, crossfade=3) == {
        "/crossfade": "is longer than a background is shown, 1 s"
    }
