"""Keyframes and transitions of a spec become moves of the timeline that no cut changes."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.course import course_of
from renderowl.pipeline.cut import cut_frames
from renderowl.pipeline.effects.move import levels_of, patch_of, seen_keys
from renderowl.pipeline.effects.path import value_at
from renderowl.pipeline.motion import Key, Motion, Passage
from renderowl.pipeline.parts import span_of
from renderowl.pipeline.size import Size
from renderowl.pipeline.slice import slice_clip
from renderowl.pipeline.timeline import Box, Canvas, Clip, ColorContent, Media, Rate, Timeline, VideoContent

MEDIA = {
    "asset://i": Media("asset://i", "image", "hi", 400, 200),
    "asset://v": Media("asset://v", "video", "hv", 640, 360, 4.0, 30.0, has_video=True, has_audio=True),
}
AT = "/input_props/tracks/0/clips"


def key(property: str, time: float, value: float, **more: Any) -> dict[str, Any]:
    return {"property": property, "time": time, "value": value, **more}


def clip(**fields: Any) -> dict[str, Any]:
    return {"type": "color", "color": "#ffffff", "duration": 2, **fields}


def compiled(*clips: dict[str, Any], output: dict[str, Any] | None = None, **fields: Any) -> Timeline:
    props = {"width": 400, "height": 200, "fps": 30, "tracks": [{"clips": list(clips)}], **fields}
    return compositions.compile(compositions.parse("timeline", props, output or {}, Limits()), MEDIA)


def made(**fields: Any) -> Clip:
    return compiled(clip(**fields)).clips[0]


def refused(*clips: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        compiled(*clips)
    return {error.path.removeprefix(AT): error.message for error in caught.value.errors}


def test_a_property_moves_from_key_to_key_and_the_others_stay() -> None:
    moving = made(keyframes=[key("x", 0, 100), key("x", 1.5, 300, easing="step")], scale=0.5, position="bottom")
    assert moving.motion == Motion(
        x=(Key(0, 100), Key(45, 300, "hold")), y=(Key(0, 200),), anchor_x=0.5, anchor_y=1, rotation=(Key(0, 0.0),)
    )
    assert (moving.box.width, moving.box.height) == (200, 100)


def test_keys_are_pixels_of_the_canvas_whatever_the_output() -> None:
    moved = compiled(clip(keyframes=[key("x", 0, 0), key("x", 1, 400)]), output={"width": 200, "height": 200}).clips[0]
    assert moved.motion is not None
    assert (moved.motion.x, moved.motion.y) == ((Key(0, 0), Key(30, 200)), (Key(0, 100),))


def test_keys_that_are_alike_are_the_field() -> None:
    same = [key(name, t, value) for name, value in (("scale", 0.5), ("opacity", 0.25), ("y", 50)) for t in (0, 1)]
    assert made(keyframes=same) == made(scale=0.5, opacity=0.25, position={"x": 200, "y": 50})


def test_sides_are_parts_of_the_largest() -> None:
    bar = made(
        height=10, position={"x": 0, "y": 190, "anchor": "left"}, keyframes=[key("width", 0, 0), key("width", 2, 400)]
    )
    assert bar.motion is not None
    assert (bar.box.width, bar.motion.width, bar.motion.anchor_x) == (400, (Key(0, 0.0), Key(60, 1.0)), 0)


def test_opacity_is_no_motion() -> None:
    faded = made(keyframes=[key("opacity", 0, 0, easing="ease_in"), key("opacity", 1, 1)])
    assert (faded.motion, faded.opacity_keys) == (None, (Key(0, 0.0, "ease_in"), Key(30, 1.0)))


def test_of_keys_within_one_frame_the_last_counts() -> None:
    moving = made(keyframes=[key("x", 0, 1), key("x", 1, 2), key("x", 1.01, 3)])
    assert moving.motion is not None
    assert moving.motion.x == (Key(0, 1), Key(30, 3))


def test_a_picture_without_a_side_of_its_own_cannot_change_it() -> None:
    image = {"type": "image", "src": "asset://i", "duration": 1, "keyframes": [key("width", 0, 9), key("width", 1, 99)]}
    assert set(refused(image)) == {"/0/keyframes/0/property", "/0/keyframes/1/property"}
    assert compiled({**image, "fit": "fill"}).clips[0].motion


@pytest.mark.parametrize(
    ("transition", "path"),
    [
        ({"in": {"type": "wipe", "duration": 3}}, "/0/transition/in/duration"),
        (
            {"in": {"type": "wipe", "duration": 1.5}, "out": {"type": "zoom", "duration": 1}},
            "/0/transition/out/duration",
        ),
        ({"out": {"type": "crossfade", "duration": 2.5}}, "/0/transition/out/duration"),
    ],
)
def test_a_transition_longer_than_its_clip_is_refused(transition: dict[str, Any], path: str) -> None:
    assert refused(clip(transition=transition)) == {path: "coming and going last longer than the clip, 2 s"}


def test_transitions_are_fades_or_passages() -> None:
    ends = made(transition={"in": {"type": "slide", "duration": 0.5}, "out": {"type": "crossfade", "duration": 1}})
    assert (ends.come, ends.go, ends.fade_in, ends.fade_out) == (Passage("slide", 15), None, 0, 30)
    blocks = made(transition={"in": {"type": "pixelize", "duration": 0.5}})
    assert (blocks.come, blocks.fade_in) == (Passage("pixelize", 15), 15)


@pytest.mark.parametrize(
    ("kind", "after", "frames", "fade_out", "go"),
    [
        ("crossfade", {}, 90, 0, None),
        ("wipe", {}, 90, 0, None),
        ("push", {}, 90, 0, Passage("push", 30)),
        ("crossfade", {"width": 100}, 90, 30, None),
        ("wipe", {"color": "#ffffff80"}, 90, 30, None),
        ("zoom", {"start": 1.5}, 75, 0, None),
        ("fade", {}, 60, 0, None),
        ("wipe", {"start": 2.5}, 60, 0, None),
    ],
)
def test_a_clip_stays_below_the_next_until_that_has_come(
    kind: str, after: dict[str, Any], frames: int, fade_out: int, go: Passage | None
) -> None:
    first, _ = compiled(clip(), clip(transition={"in": {"type": kind, "duration": 1}}, **after)).clips
    assert (first.frames, first.fade_out, first.go) == (frames, fade_out, go)


def test_a_clip_that_goes_by_itself_does_not_stay() -> None:
    after = clip(transition={"in": {"type": "wipe", "duration": 1}})
    for own in ({"fade_out": 0.5}, {"transition": {"out": {"type": "none"}}}):
        assert compiled(clip(**own), after).clips[0].frames == 60


def test_a_video_that_stays_plays_on_and_is_not_heard_longer() -> None:
    found = compiled(
        {"type": "video", "src": "asset://v", "trim": {"end": 2}},
        clip(transition={"in": {"type": "wipe", "duration": 1}}),
    )
    assert isinstance(found.clips[0].content, VideoContent)
    assert (found.clips[0].frames, found.audio[0].frames) == (90, 60)


def test_a_loop_goes_on_moving_and_goes_at_its_end() -> None:
    loop = {"type": "video", "src": "asset://v", "loop": True, "duration": 10, "fit": "fill"}
    ends = {"transition": {"in": {"type": "wipe"}, "out": {"type": "circle"}}}
    pieces = compiled({**loop, **ends, "keyframes": [key("x", 0, 0), key("x", 10, 300)]}).clips
    assert [piece.motion and piece.motion.x[0].frame for piece in pieces] == [0, -120, -240]
    assert [piece.come and piece.come.kind for piece in pieces] == ["wipe", None, None]
    assert [piece.go and piece.go.kind for piece in pieces] == [None, None, "circle"]


def test_no_cut_falls_into_a_transition() -> None:
    long = clip(duration=20, transition={"in": {"type": "wipe", "duration": 5}, "out": {"type": "zoom", "duration": 6}})
    cuts = cut_frames(compiled(long), 2.0)
    assert len(cuts) > 2
    assert not [cut for cut in cuts if 0 < cut < 150 or 420 < cut < 600]


moves = st.lists(
    st.tuples(st.integers(0, 200), st.floats(-300, 700, width=16), st.sampled_from(["linear", "ease_in", "hold"])),
    min_size=1,
    max_size=12,
    unique_by=lambda found: found[0],
).map(lambda found: tuple(Key(frame, value, easing) for frame, value, easing in sorted(found)))  # type: ignore[arg-type]
sizes = moves.map(lambda keys: tuple(Key(key.frame, abs(key.value) / 200, key.easing) for key in keys))
passages = st.none() | st.builds(
    Passage, st.sampled_from(["slide", "push", "zoom", "wipe"]), st.integers(1, 60), st.sampled_from(["left", "up"])
)


@given(x=moves, scale=sizes, turn=moves, opacity=sizes, come=passages, go=passages, cut=st.integers(1, 199))
@example((Key(0, 0.0),), (Key(199, 0.0), Key(200, 2.0)), (Key(0, 0.0),), (Key(0, 1.0),), None, Passage("slide", 2), 1)
@settings(max_examples=30, deadline=None)
def test_cut_anywhere_a_clip_is_where_it_is_in_the_film(
    x: tuple[Key, ...],
    scale: tuple[Key, ...],
    turn: tuple[Key, ...],
    opacity: tuple[Key, ...],
    come: Passage | None,
    go: Passage | None,
    cut: int,
) -> None:
    canvas, size = Canvas(400, 200, Rate(30), 200), Size(40, 30)
    motion = Motion(x=x, y=(Key(0, 90.0),), scale=scale, rotation=turn)
    whole = Clip("c", 0, 200, ColorContent("#ffffff"), Box(0, 0, 40, 30), 1.0, 0, 0, opacity, motion, come, go)
    course = course_of(whole, size, canvas)
    for first, last in ((0, cut), (cut, 200)):
        part = slice_clip(whole, first, last, canvas.rate)
        if part is None:
            assert all(value_at(opacity, frame) == pytest.approx(0, abs=1e-6) for frame in range(first, last))
            continue
        here = course_of(part, size, canvas)
        for frame in range(first, last, 11):
            now = frame - first - part.start
            for found, wanted in zip(here.corners(now, size), course.corners(frame, size), strict=True):
                assert found == pytest.approx(wanted, abs=0.01)
            keyed = value_at(part.opacity_keys, now) if part.opacity_keys else 1.0
            assert part.opacity * keyed == pytest.approx(value_at(opacity, frame), abs=1e-5)
        span = span_of(part, Canvas(400, 200, Rate(30), last - first))
        if whole.come is not None and first < whole.come.frames:
            assert part.come == whole.come
            assert span.elapsed - span.lead == 0


@given(scale=sizes)
@settings(max_examples=25, deadline=None)
def test_every_frame_has_one_level_that_is_hardly_larger_or_smaller(scale: tuple[Key, ...]) -> None:
    canvas, size = Canvas(400, 200, Rate(30), 200), Size(40, 30)
    clip = Clip(
        "c", 0, 200, ColorContent("#fff"), Box(0, 0, 40, 30), motion=Motion((Key(0, 1.0),), (Key(0, 1.0),), scale=scale)
    )
    levels = levels_of(course_of(clip, size, canvas), size, range(200))
    for frame in range(200):
        (factor,) = [factor for factor, runs in levels.items() if any(frame in run for run in runs)]
        assert factor >= value_at(scale, frame) / 1.2
        assert factor == 0.25 or factor <= value_at(scale, frame) * 1.2
        shown = {value_at(seen_keys(runs), frame) for value, runs in levels.items() if value == factor}
        assert shown == {1.0}


def test_what_is_never_on_the_canvas_has_no_patch() -> None:
    canvas, size = Canvas(400, 200, Rate(30), 60), Size(40, 30)
    away = Clip("c", 0, 60, ColorContent("#fff"), Box(-90, 50, 40, 30, 30), come=Passage("slide", 5))
    assert patch_of(course_of(away, size, canvas), size, range(10, 60), canvas) is None
