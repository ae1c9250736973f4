"""A slideshow becomes shots, voices, captions and music at the times that were meant."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import compositions
from renderowl.pipeline.ask import Ask
from renderowl.pipeline.timeline import CaptionContent, ImageContent, Media, Timeline

A, B, C, VOICE, MUSIC = "asset://a", "asset://b", "asset://c", "asset://voice", "asset://music"
MEDIA = {
    **{src: Media(src, "image", src, 1600, 900) for src in (A, B, C)},
    VOICE: Media(VOICE, "audio", "hv", duration_s=20.0, has_audio=True, channels=1),
    MUSIC: Media(MUSIC, "audio", "hm", duration_s=6.0, has_audio=True),
}


def asked(*scenes: dict[str, Any], output: Any = None, **options: Any) -> Ask:
    return compositions.parse("slideshow", {"scenes": list(scenes), "renderOptions": options}, output or {}, Limits())


def made(*scenes: dict[str, Any], **options: Any) -> Timeline:
    return compositions.compile(asked(*scenes, **options), MEDIA)


def refused(*scenes: dict[str, Any], **options: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*scenes, **options)
    return {error.path.removeprefix("/input_props"): error.message for error in caught.value.errors}


def shots(timeline: Timeline) -> list[tuple[str, int, int, int]]:
    return [
        (clip.content.src, clip.start, clip.frames, clip.fade_in)
        for clip in timeline.clips
        if isinstance(clip.content, ImageContent)
    ]


def test_without_a_voice_each_picture_is_shown_for_the_shortest_shot() -> None:
    timeline = made({"images": [A, B]}, {"images": [C]}, xfade=0)
    assert shots(timeline) == [(A, 0, 75, 0), (B, 75, 75, 0), (C, 150, 75, 0)]
    assert timeline.canvas.frames == 225


def test_crossfades_lie_around_the_edges_and_shorten_nothing() -> None:
    timeline = made({"images": [A]}, {"images": [B]}, xfade=0.5)
    assert shots(timeline) == [(A, 0, 83, 0), (B, 68, 82, 15)]
    assert timeline.canvas.frames == 150


def test_a_scene_lasts_as_long_as_its_voice_in_shots_within_the_bounds() -> None:
    timeline = made({"images": [A, B], "voiceover": VOICE}, {"images": [C], "duration": 3}, xfade=0, maxShot=6)
    assert [shot[:3] for shot in shots(timeline)] == [
        *((src, 150 * index, 150) for index, src in enumerate((A, B, A, B))),
        (C, 600, 90),
    ]
    (voice,) = timeline.audio
    assert (voice.src, voice.start, voice.frames) == (VOICE, 0, 600)


def test_a_scene_too_short_for_its_pictures_shows_its_first_ones() -> None:
    assert [shot[0] for shot in shots(made({"images": [A, B, C], "duration": 6}))] == [A, B]
    assert [shot[0] for shot in shots(made({"images": [A, B, C], "duration": 1}))] == [A]


def test_music_loops_to_the_end_and_is_ducked_when_asked() -> None:
    plain = made({"images": [A], "voiceover": VOICE}, music=MUSIC).audio[1]
    assert (plain.loop, plain.frames, plain.gain, plain.fade_out, plain.duck) == (True, 600, 0.5, 60, None)
    voice, ducked = made({"images": [A], "voiceover": VOICE}, music=MUSIC, ducking=True).audio
    assert ducked.duck is not None
    assert ducked.duck.against == (voice.group,)


def test_a_text_is_a_caption_of_its_scene() -> None:
    timeline = made({"images": [A]}, {"images": [B], "text": "one two three four five six seven eight"})
    lines = [clip for clip in timeline.clips if isinstance(clip.content, CaptionContent)]
    assert lines[0].start == 75
    assert lines[-1].start + lines[-1].frames == 150
    assert len(timeline.subtitles) == len(lines) == 2


def test_texts_are_spoken_where_no_voice_is_when_asked() -> None:
    scenes = [{"images": [A], "text": "said"}, {"images": [B], "text": "not said", "voiceover": VOICE}, {"images": [C]}]
    ask = asked(*scenes, tts={"language": "de", "voice": "f2"}, xfade=0)
    (speech,) = compositions.speeches(ask)
    assert speech == Speech("said", "de", "f2")
    assert set(compositions.sources(ask)) == {A, B, C, VOICE}, "what is spoken is no source of the caller's"
    spoken = Media(speech.src, "audio", "hs", duration_s=1.5, has_audio=True, channels=1)
    timeline = compositions.compile(ask, {**MEDIA, speech.src: spoken})
    assert [(sound.src, sound.start, sound.frames) for sound in timeline.audio] == [
        (speech.src, 0, 45),
        (VOICE, 45, 600),
    ]
    assert not compositions.speeches(asked(*scenes))


def test_encoder_settings_among_the_options_hold_unless_output_settings_say_otherwise() -> None:
    assert (asked({"images": [A]}, crf=30, preset="fast").output.crf) == 30
    told = asked({"images": [A]}, crf=30, preset="fast", output={"crf": 20})
    assert (told.output.crf, told.output.preset, told.output_settings) == (20, "fast", {"crf": 20})


def test_a_bare_file_name_of_a_voice_lies_in_voice_dir() -> None:
    ask = compositions.parse(
        "slideshow", {"scenes": [{"images": ["a.png"], "voiceover": "1.mp3"}]}, {}, Limits(local_files=True)
    )
    assert set(compositions.sources(ask)) == {"a.png", "voiceovers/1.mp3"}


def test_all_problems_are_told_at_once() -> None:
    assert set(
        refused({"images": []}, {"images": [A] * 4}, {"image": A}, minShot=3, maxShot=2, xfade=4, tts={"language": "?"})
    ) == {
        "/scenes/0/images",
        "/scenes/1/images",
        "/scenes/2/image",
        "/scenes/2/images",
        "/render_options/tts/language",
    }
    assert set(refused({"images": [A]}, minShot=3, maxShot=2, xfade=4)) == {
        "/render_options/max_shot",
        "/render_options/xfade",
    }
    assert refused({"images": [A], "id": "x"}, {"images": [A], "id": "x"}) == {
        "/scenes/1/id": 'is that of scene 0 too, "x"'
    }
    assert set(refused({"images": [VOICE, "asset://gone"], "voiceover": A}, {"images": [A]}, music=B)) == {
        "/scenes/0/images/0",
        "/scenes/0/images/1",
        "/scenes/0/voiceover",
        "/render_options/music",
    }
    assert refused({"images": [A], "voiceover": VOICE, "duration": 5}) == {
        "/scenes/0/duration": "is shorter than the voice-over, 20 s"
    }
    assert list(refused({"images": [A], "duration": 200}, {"images": [A], "duration": 101})) == ["/scenes"]
    assert list(refused({"images": [A]}, fps=100)) == ["/render_options/fps"]


def test_where_less_is_allowed_than_a_slideshow_has_its_size_is_asked_of_the_output_settings() -> None:
    props, small = {"scenes": [{"images": [A]}]}, Limits(max_width=1280, max_height=1280)
    with pytest.raises(ValidationFailed) as caught:
        compositions.parse("slideshow", props, {}, small)
    assert [error.path for error in caught.value.errors] == ["/output_settings/width"]
    assert compositions.parse("slideshow", props, {"width": 1280}, small)
