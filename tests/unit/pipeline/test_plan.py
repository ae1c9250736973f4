"""A plan tiles the film with segments, cut where the content says, each known by what it shows."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.domain.spec.output import OutputSettings, PosterSettings, PreviewSettings
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.pipeline.slice import slice_clips, window
from renderowl.pipeline.stillness import stands_still
from renderowl.pipeline.timeline import (
    AudioClip,
    Box,
    Canvas,
    CaptionContent,
    Clip,
    Content,
    Ellipse,
    EllipseKey,
    HighlightContent,
    ImageContent,
    Media,
    Rate,
    Seconds,
    Subtitle,
    Timeline,
    VideoContent,
    ViewKey,
)

FPS = 30
BOX = Box(320, 180, 640, 360)
MEDIA = {
    **{f"v{n}": Media(f"v{n}", "video", f"hash-v{n}", 640, 360, 600.0, 30.0, has_video=True) for n in range(9)},
    **{f"i{n}": Media(f"i{n}", "image", f"hash-i{n}", 640, 360) for n in range(9)},
    "a": Media("a", "audio", "hash-a", duration_s=600.0, has_audio=True),
}


def clip(start: int, frames: int, content: Content | str = "i0", **fields: Any) -> Clip:
    if isinstance(content, str):
        content = VideoContent(content) if content.startswith("v") else ImageContent(content)
    return Clip(fields.pop("id", f"c{start}"), start, frames, content, BOX, **fields)


def film(*clips: Clip, frames: int | None = None, audio: tuple[AudioClip, ...] = ()) -> Timeline:
    end = frames or max(c.start + c.frames for c in clips)
    return Timeline(Canvas(640, 360, Rate(FPS), end), MEDIA, clips, audio)


def plan(timeline: Timeline, fingerprint: str = "ffmpeg 9", **output: Any) -> Plan:
    return make_plan(timeline, OutputSettings(**output), fingerprint=fingerprint)


def starts(made: Plan) -> list[int]:
    return [segment.start for segment in made.segments]


def row(lengths: list[int], sources: list[str] | None = None) -> list[Clip]:
    made, at = [], 0
    for index, length in enumerate(lengths):
        made.append(clip(at, length, sources[index] if sources else f"i{index % 9}"))
        at += length
    return made


def moved(clips: list[Clip], by: int) -> list[Clip]:
    return [msgspec.structs.replace(c, start=c.start + by, id=c.id + "m") for c in clips]


def test_scenes_are_cut_at_their_edges() -> None:
    assert starts(plan(film(*row([90, 120, 150])))) == [0, 90, 210]


def test_a_long_clip_is_divided_so_that_two_cores_have_work() -> None:
    assert starts(plan(film(clip(0, 30 * FPS, "v0")))) == [0, 240, 480, 720]


def test_a_short_film_is_one_segment() -> None:
    assert starts(plan(film(clip(0, 3 * FPS, "v0")))) == [0]


def test_a_division_of_a_video_advances_its_source() -> None:
    content = VideoContent("v0", Seconds(1, 2), speed=2.0)
    second = plan(film(clip(0, 20 * FPS, content))).segments[1]
    (part,) = second.clips
    assert isinstance(part.content, VideoContent)
    assert (part.start, part.content.start) == (0, Seconds(33, 2))


def test_many_short_scenes_share_segments() -> None:
    made = plan(film(*row([10] * 120)))
    assert all(segment.frames >= 2 * FPS for segment in made.segments)
    assert len(made.segments) >= 3


def test_repeated_short_scenes_are_cut_too() -> None:
    made = plan(film(*row([30] * 300, ["v0"] * 300)))
    assert max(segment.frames for segment in made.segments) <= 20 * FPS


def test_captions_make_no_cuts() -> None:
    captions = [clip(at, 30, CaptionContent(f"line {at}"), id=f"t{at}") for at in range(0, 900, 30)]
    assert starts(plan(film(clip(0, 900, "v0"), *captions))) == [0, 240, 480, 720]


def test_a_film_of_captions_alone_is_divided() -> None:
    captions = [clip(at, 30, CaptionContent(f"line {at}"), id=f"t{at}") for at in range(0, 900, 30)]
    assert len(plan(film(*captions)).segments) >= 3


def test_a_cut_moves_out_of_a_fade() -> None:
    over = clip(220, 300, "i1", fade_in=60)
    cuts = starts(plan(film(clip(0, 900, "v0"), over)))
    assert not any(220 < cut < 280 for cut in cuts)


def test_a_fade_is_parted_from_the_stillness_around_it_which_costs_little() -> None:
    made = plan(film(clip(0, 200, "i0"), clip(170, 200, "i1", fade_in=30)))
    assert starts(made) == [0, 170, 200]
    assert [stands_still(segment.clips, segment.frames) for segment in made.segments] == [True, False, True]
    moving = plan(film(clip(0, 200, "v0"), clip(170, 200, "v1", fade_in=30)))
    assert len(moving.segments) == 2, "what moves is not cut into short pieces"


def test_a_fade_at_a_boundary_stays_whole() -> None:
    first, second = plan(film(clip(0, 90, "v0", fade_out=30), clip(90, 90, "v1", fade_in=30))).segments
    assert (first.clips[0].fade_in, first.clips[0].fade_out) == (0, 30)
    assert (second.clips[0].fade_in, second.clips[0].fade_out) == (30, 0)


def test_two_seconds_put_in_front_change_no_later_segment() -> None:
    scenes = row([90, 60, 400, 33, 20, 700, 120], ["v0", "i1", "v2", "i3", "i4", "v5", "i6"])
    before = plan(film(*scenes))
    after = plan(film(clip(0, 60, "i8"), *moved(scenes, 60)))
    assert [s.key for s in after.segments[1:]] == [s.key for s in before.segments]


def test_one_changed_scene_of_forty_changes_one_key() -> None:
    lengths = [90 + 3 * index for index in range(40)]
    before = plan(film(*row(lengths)))
    changed = row(lengths)
    changed[20] = clip(changed[20].start, changed[20].frames, "v7")
    after = plan(film(*changed))
    assert len({s.key for s in after.segments} - {s.key for s in before.segments}) == 1


def test_names_do_not_count_but_bytes_do() -> None:
    base = film(clip(0, 90, "i0"))
    renamed = msgspec.structs.replace(
        base,
        media={"other": msgspec.structs.replace(MEDIA["i0"], src="other")},
        clips=(clip(0, 90, ImageContent("other"), id="else"),),
    )
    changed = msgspec.structs.replace(base, media={"i0": msgspec.structs.replace(MEDIA["i0"], content_hash="x")})
    key = plan(base).segments[0].key
    assert plan(renamed).segments[0].key == key
    assert plan(changed).segments[0].key != key


@pytest.mark.parametrize("output", [{"crf": 20}, {"preset": "fast"}, {"codec": "hevc"}, {"format": "webm"}])
def test_the_encoder_counts(output: dict[str, Any]) -> None:
    timeline = film(clip(0, 90))
    assert plan(timeline, **output).segments[0].key != plan(timeline).segments[0].key


def test_the_version_of_ffmpeg_counts() -> None:
    assert plan(film(clip(0, 90)), "ffmpeg 5").segments[0].key != plan(film(clip(0, 90))).segments[0].key


def test_the_sound_is_one_step_and_does_not_change_the_pictures() -> None:
    sound = AudioClip("s", 0, 90, "a")
    with_sound, without = plan(film(clip(0, 90), audio=(sound,))), plan(film(clip(0, 90)))
    assert with_sound.audio is not None
    assert without.audio is None
    assert with_sound.segments[0].key == without.segments[0].key
    louder = plan(film(clip(0, 90), audio=(msgspec.structs.replace(sound, gain=2.0),)))
    assert louder.audio is not None
    assert louder.audio.key != with_sound.audio.key


@pytest.mark.parametrize("format", ["mp3", "wav"])
def test_a_sound_file_has_no_segments(format: Any) -> None:
    made = plan(film(clip(0, 90), audio=(AudioClip("s", 0, 90, "a"),)), format=format)
    assert made.segments == ()
    assert made.audio is not None


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_a_picture_is_one_frame_of_the_film(format: Any) -> None:
    made = plan(film(clip(0, 90), clip(90, 90, "i1", fade_in=30)), format=format, poster=PosterSettings(at=3.5))
    (segment,) = made.segments
    assert (segment.frames, made.total_frames, made.audio) == (1, 1, None)
    (shown,) = segment.clips
    assert (shown.start, shown.fade_in) == (-15, 30), "the fade is run through, so that its middle is shown"


def test_subtitles_go_beside_the_film_only_when_asked() -> None:
    timeline = msgspec.structs.replace(film(clip(0, 90)), subtitles=(Subtitle(0.0, 1.0, "hi"),))
    assert plan(timeline).subtitles == ()
    assert plan(timeline, captions="sidecar").subtitles == timeline.subtitles


def test_previews_change_no_key() -> None:
    timeline = film(clip(0, 900))
    wanted = [PreviewSettings(), PreviewSettings(frames=False), PreviewSettings(interval_s=0.2, width=640)]
    keys = {tuple(segment.key for segment in plan(timeline, preview=preview).segments) for preview in wanted}
    assert len(keys) == 1


def test_previews_can_be_turned_off() -> None:
    assert not plan(film(clip(0, 90)), preview=PreviewSettings(frames=False)).preview.frames


def test_longer_or_larger_work_costs_more() -> None:
    short, long = plan(film(clip(0, 60, "v0"))), plan(film(clip(0, 120, "v0")))
    assert 0 < short.cost < long.cost
    assert plan(film(clip(0, 60, "v0")), codec="av1").cost > short.cost


lengths = st.lists(st.integers(1, 900), min_size=1, max_size=25)


VIEW = tuple(ViewKey(frame, float(frame), 0.0, 320.0, 180.0) for frame in range(-60, 1300, 40))
ELLIPSES = (Ellipse(0, 1200, tuple(EllipseKey(key.frame, key.x, 0.0, 50.0, 50.0) for key in VIEW)),)
MOVING = (VideoContent("v2", view=VIEW), ImageContent("i2", view=VIEW), HighlightContent("blur", ELLIPSES))


def place(clip: Clip, frame: int) -> float:
    """Return where the moving part of a clip is at a frame of the canvas: here it moves a pixel a frame."""
    content = clip.content
    keys = content.ellipses[0].keys if isinstance(content, HighlightContent) else content.view  # type: ignore[union-attr]  # one of MOVING
    now = min(max(frame - clip.start, keys[0].frame), keys[-1].frame)
    return keys[0].x + now - keys[0].frame


@st.composite
def films(draw: st.DrawFn) -> Timeline:
    clips: list[Clip] = []
    for index in range(draw(st.integers(1, 14))):
        start, frames = draw(st.integers(0, 1500)), draw(st.integers(1, 1200))
        fade_in = draw(st.integers(0, min(60, frames)))
        fade_out = draw(st.integers(0, min(60, frames - fade_in)))
        content = draw(st.sampled_from(["v0", "v1", "i0", "i1", CaptionContent("hi"), *MOVING]))
        clips.append(clip(start, frames, content, id=str(index), fade_in=fade_in, fade_out=fade_out))
    return film(*clips)


@given(timeline=films())
@settings(max_examples=100, deadline=None)
def test_segments_tile_the_film_and_never_split_a_fade(timeline: Timeline) -> None:
    made = plan(timeline)
    at = 0
    for index, segment in enumerate(made.segments):
        assert (segment.index, segment.start, segment.canvas.frames) == (index, at, segment.frames)
        assert segment.frames > 0
        at += segment.frames
        assert all(c.start >= 0 and c.start + c.frames <= segment.frames for c in segment.clips)
    assert at == timeline.canvas.frames
    for c in timeline.clips:
        for cut in starts(made)[1:]:
            assert not c.start < cut < c.start + c.fade_in
            assert not c.start + c.frames - c.fade_out < cut < c.start + c.frames
    assert plan(timeline) == made


@given(timeline=films())
@settings(max_examples=100, deadline=None)
def test_what_moves_is_in_every_segment_where_it_is_in_the_film(timeline: Timeline) -> None:
    whole = {c.id: c for c in timeline.clips if c.content in MOVING}
    frames: dict[str, list[int]] = {name: [] for name in whole}
    for segment in plan(timeline).segments:
        for part in segment.clips:
            if part.id not in whole:
                continue
            frames[part.id] += range(segment.start + part.start, segment.start + part.start + part.frames)
            for now in {part.start, part.start + part.frames // 2, part.start + part.frames - 1}:
                assert place(part, now) == place(whole[part.id], now + segment.start)
    assert frames == {name: list(range(c.start, c.start + c.frames)) for name, c in whole.items()}


@given(lengths=lengths, front=st.integers(60, 400))
@settings(max_examples=100, deadline=None)
def test_what_is_put_in_front_changes_no_segment_that_was_cut_on_its_own(lengths: list[int], front: int) -> None:
    scenes = row([500, *lengths])
    before, after = plan(film(*scenes)), plan(film(clip(0, front, "v8"), *moved(scenes, front)))
    assert {s.key for s in before.segments} <= {s.key for s in after.segments}


def test_another_picture_amid_crossfades_touches_its_own_segment_and_the_next_alone() -> None:
    def shots(changed: int) -> list[Clip]:
        sources = ["v8" if n == changed else f"v{n % 8}" for n in range(12)]
        return [clip(135 * n, 150, source, fade_in=15 * bool(n)) for n, source in enumerate(sources)]

    before = {segment.key for segment in plan(film(*shots(-1))).segments}
    for changed in range(12):
        after = plan(film(*shots(changed))).segments
        assert sum(segment.key not in before for segment in after) <= 2


def test_another_still_amid_crossfades_touches_itself_and_its_two_fades_alone() -> None:
    stills = [clip(135 * n, 150, f"i{n % 8}", fade_in=15 * bool(n)) for n in range(12)]
    before = {segment.key for segment in plan(film(*stills)).segments}
    stills[5] = msgspec.structs.replace(stills[5], content=ImageContent("i8"))
    assert sum(segment.frames for segment in plan(film(*stills)).segments if segment.key not in before) == 150


@given(
    st.lists(st.tuples(st.integers(-20, 130), st.integers(1, 60), st.integers(0, 9)), max_size=12),
    st.sets(st.integers(1, 119), max_size=8),
)
def test_what_is_seen_between_edges_is_what_a_window_on_each_shows(
    places: list[tuple[int, int, int]], inner: set[int]
) -> None:
    whole = film(*(clip(start, frames, fade_in=min(fade, frames)) for start, frames, fade in places), frames=120)
    edges = [0, *sorted(inner), 120]
    expected = [window(whole, start, end).clips for start, end in itertools.pairwise(edges)]
    assert slice_clips(whole.clips, edges, Rate(FPS)) == expected
