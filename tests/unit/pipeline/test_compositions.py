"""What is asked for becomes the timeline that was meant, or every reason why it cannot."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline.timeline import (
    CaptionContent,
    ColorContent,
    Crop,
    ImageContent,
    Rate,
    Seconds,
    TextContent,
    VideoContent,
)
from renderowl.testing.compiling import A, P, S, T, U, V, color, image, made, refused, timeline, video

# --- time


def test_clips_follow_each_other_and_last_as_long_as_their_sources() -> None:
    found = timeline(video(), video(S, trim={"start": 1, "end": 3}, speed=2), image())
    assert [(c.start, c.frames) for c in found.clips] == [(0, 300), (300, 30), (330, 150)]
    assert found.canvas.frames == 480
    second = found.clips[1].content
    assert isinstance(second, VideoContent)
    assert (second.start, second.speed) == (Seconds(1), 2.0)


def test_boundaries_are_rounded_so_that_neighbours_touch() -> None:
    found = timeline(*[image(duration=0.37)] * 9)
    ends = [c.start + c.frames for c in found.clips]
    assert ends[:-1] == [c.start for c in found.clips[1:]]
    assert found.canvas.frames == round(9 * 0.37 * 30)


def test_the_deciding_track_decides_and_the_others_are_clamped() -> None:
    found = made(
        "timeline",
        {
            "tracks": [
                {"clips": [color(duration=30, fade_out=1)]},
                {"clips": [image(duration=4)], "parentDurationDecider": True},
                {"clips": [{"type": "audio", "src": A}]},
            ]
        },
    )
    assert found.canvas.frames == 120
    assert [c.frames for c in found.clips] == [120, 120]
    assert found.audio[0].frames == 120


def test_end_means_the_end_of_the_film() -> None:
    found = made("timeline", {"tracks": [{"clips": [color(duration="end")]}, {"clips": [image(start=1, duration=2)]}]})
    assert [c.frames for c in found.clips] == [90, 60]


def test_a_film_of_clips_to_the_end_has_no_length() -> None:
    assert "nothing says how long" in refused(color(duration="end"))["/input_props/duration"]


def test_a_clip_cannot_follow_one_that_lasts_to_the_end() -> None:
    assert "1/start" in refused(color(duration="end"), image())


def test_fades_and_transitions_are_one_thing() -> None:
    (clip,) = timeline(image(transition={"in": {"type": "fade", "duration": 1}}, fade_out=0.5)).clips
    assert (clip.fade_in, clip.fade_out) == (30, 15)


def test_a_long_looped_clip_becomes_a_clip_for_each_pass() -> None:
    found = timeline(video(S, loop=True, duration=9, fade_in=1, fade_out=0.5))
    assert [(c.start, c.frames, c.fade_in, c.fade_out) for c in found.clips] == [
        (0, 120, 30, 0), (120, 120, 0, 0), (240, 30, 0, 15),
    ]  # fmt: skip


def test_a_looped_sound_is_left_to_the_renderer_unless_it_is_trimmed() -> None:
    sound = {"type": "audio", "src": A, "loop": True, "duration": 15}
    (whole,) = timeline(color(duration=15), {**sound, "start": 0}).audio
    assert whole.loop
    parts = timeline(color(duration=15), {**sound, "start": 0, "trim": {"end": 5}}).audio
    assert [(part.start, part.frames, part.loop) for part in parts] == [
        (0, 150, False),
        (150, 150, False),
        (300, 150, False),
    ]


def test_fractional_rates_are_exact() -> None:
    assert timeline(image(duration=10), fps=29.97).canvas.rate == Rate(30000, 1001)
    assert timeline(image(duration=10), fps=23.976).canvas.rate == Rate(24000, 1001)
    assert timeline(image(duration=10), output={"fps": 25}).canvas.rate == Rate(25)


@pytest.mark.parametrize(
    ("clip", "path", "words"),
    [
        (video(trim=11), "0/trim", "beyond the source's end at 10 s"),
        (video(trim={"start": 2, "end": 20}), "0/trim/end", "beyond the source's end at 10 s"),
        (video(duration=12), "0/duration", "longer than what the source has left, 10 s"),
        (video(speed=2, duration=6), "0/duration", "longer than what the source has left, 5 s"),
        (video(P), "0/src", "must be of type video, and this source is of type image"),
        ({"type": "image", "src": A, "duration": 1}, "0/src", "of type audio"),
        ({"type": "audio", "src": S}, "0/src", "this video has no sound"),
        (video("asset://gone"), "0/src", "not there"),
        (image(duration=0.001), "0/duration", "shorter than one frame"),
        (image(duration=1, fade_in=0.7, fade_out=0.7), "0/fade_out", "longer than the clip"),
        (image(crop={"x": 700, "y": 0, "width": 200, "height": 100}), "0/crop", "leaves the source, which is 800x400"),
        (image(scale=20), "0/scale", "a side has at most"),
        (video(trim={"end": 0.5}, loop=True, duration=2), "0/trim", "at least 1 s"),
    ],
)
def test_what_the_media_do_not_allow_is_refused(clip: dict[str, Any], path: str, words: str) -> None:
    found = refused(clip)
    message = found[path]
    assert words in message


def test_all_problems_of_the_media_are_reported_at_once() -> None:
    assert set(refused(video(trim=11), video(P), image(duration=0.001))) == {"0/trim", "1/src", "2/duration"}


def test_a_film_beyond_the_limits_is_refused() -> None:
    assert "the limit is 300 s" in refused(*[image(duration=200)] * 2)["/input_props/tracks"]
    assert "/input_props/duration" in refused(image(), duration=301)
    assert "/output_settings/width" in refused(image(), output={"width": 4000})
    assert "/input_props/width" in refused(image(), width=8000)
    assert "/output_settings/fps" in refused(image(), output={"fps": 120})
    with pytest.raises(ValidationFailed, match="the limit is 32"):
        made("timeline", {"tracks": [{"clips": [image()]}] * 33})


def test_a_film_that_is_too_long_is_not_said_to_have_no_sound_as_well() -> None:
    long = [video(src=V, duration=200, loop=True)] * 2
    assert set(refused(*long, output={"format": "mp3"})) == {"/input_props/tracks"}


def test_the_interval_that_a_refusal_of_too_many_thumbnails_names_is_long_enough() -> None:
    props, limits = {"tracks": [{"clips": [image(duration=1234.5)]}]}, Limits(max_duration_s=2000)
    with pytest.raises(ValidationFailed) as caught:
        made("timeline", props, {"thumbnails": {"interval_s": 1}}, limits)
    least = float(caught.value.errors[0].message.removeprefix("must be at least ").partition(":")[0])
    assert made("timeline", props, {"thumbnails": {"interval_s": least}}, limits).canvas.frames == 37_035


def test_the_passes_of_short_loops_are_bounded_for_the_ear_as_for_the_eye() -> None:
    loop = {"type": "audio", "src": A, "trim": {"start": 1, "end": 2}, "loop": True, "start": 0, "duration": "end"}
    assert "20000" in refused(*[loop] * 80, duration=300)["/input_props"]


# --- space


def test_clips_fill_the_canvas_unless_they_say_otherwise() -> None:
    whole, corner, scaled = timeline(
        image(),
        image(width=400, position={"x": 0, "y": 0, "anchor": "top_left"}),
        image(scale=0.5, position="bottom_right"),
    ).clips
    assert (whole.box.width, whole.box.height, whole.box.center_x, whole.box.center_y) == (1920, 1080, 960, 540)
    assert (corner.box.width, corner.box.height, corner.box.center_x, corner.box.center_y) == (400, 200, 200, 100)
    assert (scaled.box.width, scaled.box.height, scaled.box.center_x, scaled.box.center_y) == (960, 540, 1440, 810)


@pytest.mark.parametrize(
    ("output", "size"),
    [
        ({}, (1920, 1080)),
        ({"width": 1280}, (1280, 720)),
        ({"height": 361}, (642, 360)),
        ({"aspect_ratio": "9:16"}, (1080, 1920)),
        ({"aspect_ratio": "1:1"}, (1080, 1080)),
        ({"aspect_ratio": "1:1", "width": 500}, (500, 500)),
        ({"aspect_ratio": "2:1"}, (1920, 960)),
        ({"width": 301, "height": 201}, (300, 200)),
    ],
)
def test_the_output_decides_about_the_canvas(output: dict[str, Any], size: tuple[int, int]) -> None:
    canvas = timeline(image(), output=output).canvas
    assert (canvas.width, canvas.height) == size


def test_a_smaller_output_scales_the_design() -> None:
    placed = image(width=400, height=200, position={"x": 960, "y": 540})
    (clip,) = timeline(placed, output={"width": 960}).clips
    assert (clip.box.width, clip.box.height, clip.box.center_x, clip.box.center_y) == (200, 100, 480, 270)
    (text,) = timeline({"type": "text", "text": "x", "style": {"font_size": 60}}, output={"width": 960}).clips
    assert isinstance(text.content, TextContent)
    assert text.content.style.font_size == 30


def test_crops_are_pixels_or_fractions() -> None:
    pixels, fractions = timeline(
        image(crop={"x": 10, "y": 20, "width": 100, "height": 50}), image(crop={"x": 0.5, "width": 0.5, "height": 1})
    ).clips
    assert isinstance(pixels.content, ImageContent)
    assert isinstance(fractions.content, ImageContent)
    assert (pixels.content.crop, fractions.content.crop) == (Crop(10, 20, 100, 50), Crop(400, 0, 400, 400))


def test_a_text_at_an_edge_lies_at_that_edge() -> None:
    (clip,) = timeline({"type": "text", "text": "Hello", "position": "bottom_left", "duration": 1}).clips
    assert isinstance(clip.content, TextContent)
    assert clip.box.center_y + clip.box.height / 2 == 1080
    assert clip.box.height < 200
    assert clip.content.style.align == "left"


def test_tracks_are_drawn_from_the_bottom() -> None:
    found = made(
        "timeline", {"tracks": [{"clips": [image(duration=1)]}, {"clips": [color(duration=1)]}], "background": "#FfF"}
    )
    assert [type(c.content) for c in found.clips] == [ImageContent, ColorContent]
    assert found.canvas.background == "#ffffff"


# --- sound


def test_volumes_multiply_and_mutes_are_not_heard() -> None:
    (sound,) = made(
        "timeline", {"tracks": [{"volume": 0.5, "clips": [video(volume=0.5), video(mute=True), video(S)]}]}
    ).audio
    assert (sound.gain, sound.frames, sound.src) == (0.25, 300, V)
    assert made("timeline", {"tracks": [{"mute": True, "clips": [video()]}]}).audio == ()


def test_a_sound_file_needs_sound() -> None:
    assert "no sound" in refused(image(), output={"format": "mp3"})["/output_settings/format"]


# --- range


def test_a_range_is_a_film_of_its_own() -> None:
    found = timeline(video(), image(duration=2, fade_in=1), output={"range": {"start": 4, "end": 10.5}})
    first, second = found.clips
    assert found.canvas.frames == 195
    assert isinstance(first.content, VideoContent)
    assert (first.start, first.frames, first.content.start) == (0, 180, Seconds(4))
    assert (second.start, second.frames, second.fade_in) == (180, 30, 30), (
        "a fade is never cut: it reaches over the end"
    )
    assert (found.audio[0].start, found.audio[0].frames, found.audio[0].source_start) == (0, 180, Seconds(4))


def test_a_range_beyond_the_film_is_refused() -> None:
    assert (
        "beyond the film's end at 5 s"
        in refused(image(), output={"range": {"start": 6}})["/output_settings/range/start"]
    )
    assert "/output_settings/range/end" in refused(image(), output={"range": {"end": 6}})
    assert "/output_settings/poster/at" in refused(image(), output={"poster": {"at": 6}})


# --- captions


def test_caption_files_become_clips_and_subtitles() -> None:
    found = timeline(color(duration=10), {"type": "caption", "src": T, "start": 2, "duration": 8})
    lines = [c for c in found.clips if isinstance(c.content, CaptionContent)]
    assert [(c.start, c.frames) for c in lines] == [(90, 30), (150, 150)]
    assert [(s.start_s, s.end_s, s.text) for s in found.subtitles] == [(3.0, 4.0, "Hello there"), (5.0, 10.0, "Bye")]


@pytest.mark.parametrize(("captions", "burnt"), [("burn", 2), ("both", 2), ("sidecar", 0), ("none", 0)])
def test_captions_are_burnt_in_when_asked(captions: str, burnt: int) -> None:
    found = made("CaptionedVideo", {"src": V, "captions_src": T}, {"captions": captions})
    assert sum(isinstance(c.content, CaptionContent) for c in found.clips) == burnt
    assert len(found.subtitles) == 2


def test_a_captioned_video_has_the_size_rate_and_length_of_its_source() -> None:
    found = made(
        "captioned_video",
        {"src": V, "captions": [{"text": "a b c", "start": 1, "end": 2}], "style": {"animation": "karaoke"}},
    )
    assert (found.canvas.width, found.canvas.height, found.canvas.rate, found.canvas.frames) == (
        1280,
        720,
        Rate(25),
        250,
    )
    content = found.clips[1].content
    assert isinstance(content, CaptionContent)
    assert [(w.text, w.start, w.frames) for w in content.words] == [("a", 0, 8), ("b", 8, 9), ("c", 17, 8)]
    assert found.audio[0].src == V


def test_a_voice_takes_the_place_of_the_sound_and_lengthens_a_picture() -> None:
    assert [(a.src, a.frames) for a in made("captioned_video", {"src": V, "audio_src": A}).audio] == [(A, 150)]
    assert made("captioned_video", {"src": P, "audio_src": A}).canvas.frames == 180


@pytest.mark.parametrize(
    ("props", "path"),
    [
        ({"src": P}, "/audio_src"),
        ({"src": P, "audio_src": U}, "/audio_src"),
        ({"src": A}, "/src"),
        ({"src": V, "audio_src": S}, "/audio_src"),
        ({"src": V, "captions": [{"text": "x", "start": 11, "end": 12}]}, "/captions/0/start"),
        ({"src": V, "captions": [{"text": "x", "start": 2, "end": 1}]}, "/captions/0/end"),
        ({"src": V, "captions_src": "asset://other"}, "/captions_src"),
        ({"src": V, "captions": [], "captions_src": T}, "/captions_src"),
        ({"src": V, "style": {"animation": "wobble"}}, "/style/animation"),
        ({}, "/src"),
    ],
)
def test_a_captioned_video_that_cannot_be_is_refused(props: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        made("captioned_video", props)
    assert [error.path for error in caught.value.errors] == ["/input_props" + path]
