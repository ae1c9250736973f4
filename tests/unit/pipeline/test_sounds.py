"""Sounds of a timeline: their volume over time, speed, crossfades, what is spoken, and where they may be cut."""

from fractions import Fraction
from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import compositions
from renderowl.pipeline.clock import seconds_of
from renderowl.pipeline.encoding import Loudness
from renderowl.pipeline.joints import Edges, cut_edges
from renderowl.pipeline.loudness import MOST_GAIN_DB, Level, Measured, corrected, level_for
from renderowl.pipeline.motion import Key
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.pipeline.planned import planned_steps
from renderowl.pipeline.slice import window
from renderowl.pipeline.timeline import AudioClip, Media, Rate, Seconds, Timeline
from renderowl.pipeline.tools import Toolchain

SAID = Speech("Hello owl", "en-GB", "f1")
MEDIA = {
    "asset://a": Media("asset://a", "audio", "ha", duration_s=4.0, has_audio=True, channels=2),
    "asset://v": Media("asset://v", "video", "hv", 640, 360, 4.0, 25.0, has_video=True, has_audio=True),
    "asset://i": Media("asset://i", "image", "hi", 64, 64),
    SAID.src: Media(SAID.src, "audio", "hs", duration_s=1.5, has_audio=True, channels=1),
}
A = {"type": "audio", "src": "asset://a"}
TTS = {"type": "tts", "text": "Hello owl", "language": "en-GB", "voice": "f1"}


def made(*clips: dict[str, Any], limits: Limits | None = None, **track: Any) -> Timeline:
    ask = compositions.parse("timeline", {"tracks": [{"clips": list(clips), **track}]}, {}, limits or Limits())
    return compositions.compile(ask, MEDIA)


def refused(*clips: dict[str, Any], **track: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        made(*clips, **track)
    return {error.path.removeprefix("/input_props/tracks/0/clips/"): error.message for error in caught.value.errors}


def test_volume_keyframes_are_an_envelope_under_the_tracks_volume() -> None:
    keys = [
        {"time": 0, "value": 0},
        {"time": 1, "value": 2, "easing": "ease_in"},
        {"time": 2, "value": 1, "easing": "step"},
    ]
    (sound,) = made({**A, "volume": keys}, volume=0.5).audio
    assert (sound.gain, sound.envelope) == (0.5, (Key(0, 0), Key(30, 2, "ease_in"), Key(60, 1, "hold")))


def test_a_volume_that_never_changes_is_a_gain() -> None:
    (sound,) = made({**A, "volume": [{"time": 1, "value": 0.25}, {"time": 2, "value": 0.25}]}).audio
    assert (sound.gain, sound.envelope) == (0.25, ())
    assert made({"type": "video", "src": "asset://v", "volume": [{"time": 0, "value": 0}]}).audio == ()


def test_mistakes_in_a_volume_are_named() -> None:
    late = [{"time": 1, "value": 1}, {"time": 1, "value": 20}]
    assert refused({**A, "volume": late}) == {"0/volume/1/value": "must be 0 to 10 for volume"}
    assert refused({**A, "volume": [{"time": 2, "value": 1}, {"time": 1, "value": 1}]}) == {
        "0/volume/1/time": "must be later than that of the one before it"
    }
    assert list(refused({**A, "volume": []}, {**A, "volume": [{"property": "x", "time": 0, "value": 1}]})) == [
        "0/volume",
        "1/volume/0/property",
    ]


def test_a_cut_leaves_an_envelope_where_it_is() -> None:
    line = made({**A, "volume": [{"time": 0, "value": 0}, {"time": 2, "value": 1}, {"time": 4, "value": 0.5}]})
    (sound,) = window(line, 75, 105).audio
    assert sound.envelope == (Key(-15, 1.0), Key(45, 0.5))


def test_a_sound_may_be_played_as_a_tape_is() -> None:
    (sound,) = made({**A, "speed": 2, "preserve_pitch": False}).audio
    assert (sound.frames, sound.keep_pitch) == (60, False)


def test_a_crossfade_lets_the_next_sound_begin_earlier_and_take_over() -> None:
    one, two = made(A, {**A, "crossfade": 1}).audio
    assert (one.start, one.frames, one.fade_out, one.crossed_out, one.crossed_in) == (0, 120, 30, True, False)
    assert (two.start, two.frames, two.fade_in, two.crossed_in, two.crossed_out) == (90, 120, 30, True, False)
    film = made({"type": "video", "src": "asset://v"}, {**TTS, "crossfade": 0.5})
    assert [(sound.start, sound.fade_in, sound.fade_out) for sound in film.audio] == [(0, 0, 15), (105, 15, 0)]
    assert film.clips[0].fade_out == 0, "the picture goes on"


def test_a_crossfade_needs_a_sound_to_take_over_from() -> None:
    assert refused({**A, "crossfade": 1}) == {"0/crossfade": "there is no sound in front of it to take over from"}
    assert list(refused({"type": "image", "src": "asset://i"}, {**A, "crossfade": 1})) == ["1/crossfade"]
    assert list(refused({**A, "fade_out": 1}, {**A, "crossfade": 1})) == ["1/crossfade"]
    assert list(refused({**A, "duration": 1}, {**A, "crossfade": 2})) == ["1/crossfade"]
    assert list(refused(A, {**A, "duration": 1, "crossfade": 2})) == ["1/crossfade"]
    assert list(refused(A, {**A, "crossfade": 1, "start": 2}, {**A, "crossfade": 1, "fade_in": 1})) == [
        "1/crossfade",
        "2/crossfade",
    ]


def test_what_is_spoken_is_a_sound_as_long_as_it_takes() -> None:
    ask = compositions.parse("timeline", {"tracks": [{"clips": [TTS, {**TTS, "speed": 1.5}]}]}, {}, Limits())
    assert [(speech, [said.text_at for said in places]) for speech, places in compositions.speeches(ask).items()] == [
        (SAID, ["/input_props/tracks/0/clips/0/text", "/input_props/tracks/0/clips/1/text"])
    ], "the same text is spoken once"
    assert compositions.sources(ask) == {}
    assert [(sound.src, sound.start, sound.frames) for sound in compositions.compile(ask, MEDIA).audio] == [
        (SAID.src, 0, 45),
        (SAID.src, 45, 30),
    ]


def test_no_source_of_a_caller_can_be_what_was_spoken() -> None:
    assert list(refused({**A, "src": SAID.src})) == ["0/src"]


def test_more_cannot_be_spoken_than_a_film_could_hold() -> None:
    found = refused(TTS, *[{**TTS, "text": "a" * 9000}] * 3)
    assert found == {"2/text": "with this more than 18000 characters are spoken, the limit"}


def test_only_what_is_cut_off_gets_a_soft_edge() -> None:
    rate = Rate(30)
    one = AudioClip("a", 0, 30, "a")
    assert cut_edges([one], rate) == [Edges(start=False, end=True)]
    on = AudioClip("b", 30, 30, "a", Seconds(1))
    assert cut_edges([one, on], rate) == [Edges(start=False, end=False), Edges(start=False, end=True)]
    for other in (
        AudioClip("c", 31, 30, "a", Seconds(1)),
        AudioClip("c", 30, 30, "a", Seconds(2)),
        AudioClip("c", 30, 30, "b", Seconds(1)),
        AudioClip("c", 30, 30, "a", Seconds(1), gain=0.5),
        AudioClip("c", 30, 30, "a", Seconds(1), envelope=(Key(0, 0.2), Key(9, 1.0))),
        AudioClip("c", 30, 30, "a", Seconds(1), group="else"),
    ):
        assert cut_edges([one, other], rate) == [Edges(start=False, end=True), Edges(start=True, end=True)], other


def test_a_joint_is_none_where_only_a_frame_was_rounded() -> None:
    rate = Rate(30000, 1001)
    whole = AudioClip("a", 0, 300, "a", Seconds(1, 3))
    first, last = (window_of(whole, rate, 0, 101), window_of(whole, rate, 101, 300))
    assert cut_edges([first, last], rate) == [Edges(start=True, end=False), Edges(start=False, end=True)]


def window_of(clip: AudioClip, rate: Rate, start: int, end: int) -> AudioClip:
    begins = Fraction(1, 3) + Fraction(start * rate.den, rate.num)
    return AudioClip(f"{start}", start, end - start, clip.src, seconds_of(begins))


def test_a_level_is_a_gain_and_a_limit_where_a_peak_is_in_the_way() -> None:
    assert level_for(Measured(-20.0, -10.0), Loudness()) == Level(6.0)
    assert level_for(Measured(-20.0, -6.0), Loudness()) == Level(6.0, ceiling_db=-1.0)
    assert level_for(Measured(-60.0, -50.0), Loudness()).gain_db == MOST_GAIN_DB
    assert level_for(Measured(-70.0, 0.0), Loudness()) == Level(0.0), "silence"


@pytest.mark.parametrize(
    ("limited_db", "taken_db", "more_db"),
    [(4.0, 0.0, 0.0), (4.0, 1.0, 1.33), (4.0, 2.0, 4.0), (4.0, 4.0, 16.0), (0.1, 0.1, 0.1)],
    ids=["nothing", "a quarter", "half", "all, as far as one can tell", "too little to tell"],
)
def test_what_the_limiter_took_is_given_back_at_the_rate_it_was_taken(
    limited_db: float, taken_db: float, more_db: float
) -> None:
    before, level = Measured(-20.0, -7.0 + limited_db), Level(6.0, ceiling_db=-1.0)
    found = Measured(-14.0 - taken_db, -1.0)
    assert corrected(level, before, found, Loudness()) == Level(6.0 + more_db, ceiling_db=-1.0)


def planned(**output: Any) -> Plan:
    ask = compositions.parse("timeline", {"tracks": [{"clips": [A]}]}, output, Limits())
    return make_plan(compositions.compile(ask, MEDIA), ask.output, fingerprint="x")


def test_a_loudness_is_measured_before_it_is_set_and_changes_only_the_sound() -> None:
    plain, loud = planned(), planned(loudness={"target_lufs": -16})
    tools = Toolchain(ffmpeg="FFMPEG", version="x", encoders=frozenset({"libx264"}))
    assert [step.name for step in planned_steps(loud, tools)] == ["segment-0", "audio-loudness", "audio"]
    assert [one.key for one in plain.segments] == [one.key for one in loud.segments]
    assert plain.audio is not None
    assert loud.audio is not None
    assert plain.audio.key != loud.audio.key
    assert loud.audio.cost == pytest.approx(2 * plain.audio.cost)


def test_a_video_without_sound_is_only_seen() -> None:
    silent = {"asset://v": Media("asset://v", "video", "hv", 640, 360, 4.0, 25.0, has_video=True)}
    ask = compositions.parse("timeline", {"tracks": [{"clips": [{"type": "video", "src": "asset://v"}]}]}, {}, Limits())
    assert compositions.compile(ask, silent).audio == ()
    ask = compositions.parse("timeline", {"tracks": [{"clips": [{**A, "src": "asset://v"}]}]}, {}, Limits())
    with pytest.raises(ValidationFailed, match="this video has no sound"):
        compositions.compile(ask, silent)
