"""What a render sounds like: length, level, place and joints."""

import itertools
import math
from pathlib import Path

import msgspec
import pytest

from renderowl.pipeline import stems
from renderowl.pipeline.encoding import Encoding, Loudness
from renderowl.pipeline.motion import Key
from renderowl.pipeline.probe import probe
from renderowl.pipeline.timeline import AudioClip, ColorContent, Duck, Rate, Seconds
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import FAST, Stage
from renderowl.testing.media import MadeMedia, level_db, loudness_of, sound_samples

Samples = list[tuple[int, int]]
WAV = Encoding(format="wav", audio_codec="pcm", video_codec="none")


def onset(samples: Samples, threshold: int = 800) -> int:
    return next(index for index, (left, _) in enumerate(samples) if abs(left) > threshold)


def crossings(samples: Samples) -> int:
    signs = [left > 0 for left, _ in samples if abs(left) > 50]
    return sum(a != b for a, b in itertools.pairwise(signs))


async def sounding(stage: Stage, out: Path, *, cuts: tuple[int, ...] = (), encoding: Encoding = FAST) -> Samples:
    stage.put(ColorContent("#000000"))
    film = await stage.film(out, cuts, encoding=encoding)
    return await sound_samples(film.path, stage.tools)


async def test_a_tone_begins_and_ends_on_its_frame(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=90)
    src = await stage.open(await media.tone(hz=1000, duration_s=5))
    stage.audio.append(AudioClip("tone", 30, 30, src))
    samples = await sounding(stage, tmp_path / "film.mp4", cuts=(10, 20, 41, 77))
    assert len(samples) == pytest.approx(3 * 48_000, abs=1024)
    assert onset(samples) == pytest.approx(48_000, abs=60)
    last = max(index for index, (left, _) in enumerate(samples) if abs(left) > 800)
    assert last == pytest.approx(96_000, abs=60)
    assert level_db(samples[50_000:90_000]) == pytest.approx(-15.1, abs=0.7)
    assert level_db(samples[:40_000]) < -80


@pytest.mark.parametrize(
    ("rate", "suffix"), [(44_100, ".mp3"), (22_050, ".wav"), (8_000, ".flac"), (48_000, ".m4a"), (48_000, ".ogg")]
)
async def test_sources_of_any_rate_keep_their_pitch_and_time(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, rate: int, suffix: str
) -> None:
    stage = Stage(tools, frames=60)
    src = await stage.open(await media.tone(hz=500, duration_s=3, rate=rate, suffix=suffix))
    stage.audio.append(AudioClip("tone", 0, 60, src, Seconds(1, 2)))
    samples = await sounding(stage, tmp_path / "film.mp4")
    assert crossings(samples[4800:52_800]) == pytest.approx(1000, abs=4)
    assert level_db(samples[:2000]) == pytest.approx(level_db(samples[10_000:12_000]), abs=1.5)


async def test_gain_fades_speed_and_mix(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    tone = await media.tone(hz=500, duration_s=4)
    stage = Stage(tools, frames=90)
    src = await stage.open(tone)
    stage.audio.append(AudioClip("quiet", 0, 30, src, gain=0.25))
    stage.audio.append(AudioClip("fast", 30, 30, src, speed=2.0))
    stage.audio.append(AudioClip("faded", 60, 30, src, fade_in=15, fade_out=15))
    samples = await sounding(stage, tmp_path / "film.mp4")
    assert level_db(samples[5_000:40_000]) == pytest.approx(-15.1 - 12.04, abs=0.8)
    assert crossings(samples[52_800:91_200]) == pytest.approx(800, abs=8), "speed keeps the pitch"
    assert level_db(samples[96_000:97_000]) < level_db(samples[108_000:109_000]) < level_db(samples[119_000:121_000])
    assert level_db(samples[142_500:143_900]) < -35


async def test_an_envelope_is_heard_as_it_is_drawn_and_jumps_without_a_click(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=90)
    src = await stage.open(await media.tone(hz=500, duration_s=4))
    keys = (Key(0, 0.0), Key(30, 1.0, "hold"), Key(60, 0.1, "ease_in_out"), Key(90, 1.0))
    stage.audio.append(AudioClip("tone", 0, 90, src, envelope=keys))
    samples = await sounding(stage, tmp_path / "film.wav", encoding=WAV)
    full = level_db(samples[50_000:90_000])
    assert full == pytest.approx(-15.1, abs=0.2)
    for at, gain in ((0.25, 0.25), (0.5, 0.5), (0.75, 0.75), (2.25, 0.1 + 0.9 * 0.146), (2.5, 0.55)):
        middle = int(at * 48_000)
        assert level_db(samples[middle - 240 : middle + 240]) - full == pytest.approx(20 * math.log10(gain), abs=0.3), (
            at
        )
    assert level_db(samples[96_100:96_580]) - full == pytest.approx(-20, abs=0.3), "it has jumped at its frame"
    assert sharpest(samples) < 1.05 * sharpest(samples[50_000:90_000])


def sharpest(samples: Samples) -> int:
    """Return the greatest bend between three neighbouring samples: a click is where a wave has a corner."""
    left = [pair[0] for pair in samples]
    return max(abs(a - 2 * b + c) for a, b, c in zip(left, left[1:], left[2:], strict=False))


async def test_cuts_within_a_wave_do_not_click_and_what_goes_on_is_not_touched(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=90)
    src = await stage.open(await media.tone(hz=500, duration_s=4))
    stage.audio.append(AudioClip("cut", 2, 28, src, Seconds(1001, 2000)))  # begins and ends at the top of a wave
    stage.audio.append(AudioClip("one", 40, 20, src, Seconds(1)))
    stage.audio.append(AudioClip("goes on", 60, 25, src, Seconds(5, 3)))
    samples = await sounding(stage, tmp_path / "film.wav", encoding=WAV)
    smooth = sharpest(samples[70_000:90_000])
    assert sharpest(samples) < 1.6 * smooth
    joint = level_db(samples[96_000 - 48 : 96_000 + 48])
    assert joint == pytest.approx(level_db(samples[80_000:90_000]), abs=0.2), "no dip where the second goes on"


async def test_without_its_pitch_kept_a_sound_is_played_faster_and_higher(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=60)
    src = await stage.open(await media.tone(hz=500, duration_s=4, rate=44_100))
    stage.audio.append(AudioClip("high", 0, 30, src, Seconds(1), speed=1.5, keep_pitch=False))
    stage.audio.append(AudioClip("low", 30, 30, src, speed=0.5, keep_pitch=False))
    samples = await sounding(stage, tmp_path / "film.mp4")
    assert crossings(samples[4_800:43_200]) == pytest.approx(1200, abs=4)
    assert crossings(samples[52_800:91_200]) == pytest.approx(400, abs=4)


async def test_a_crossfade_of_two_sounds_is_as_loud_as_each(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=90)
    one, two = await stage.open(await media.tone(hz=500)), await stage.open(await media.tone(hz=790))
    stage.audio.append(AudioClip("one", 0, 60, one, fade_out=30, crossed_out=True))
    stage.audio.append(AudioClip("two", 30, 60, two, fade_in=30, crossed_in=True))
    samples = await sounding(stage, tmp_path / "film.wav", encoding=WAV)
    alone = level_db(samples[10_000:40_000])
    for at in range(48_000, 91_200, 4_800):
        assert level_db(samples[at : at + 4_800]) == pytest.approx(alone, abs=0.35), at


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
async def test_five_channels_become_two_at_their_levels(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, suffix: str
) -> None:
    levels = {"FL": (0, None), "FR": (None, 0), "FC": (-3, -3), "BL": (-3, None), "BR": (None, -3), "LFE": (None, None)}
    stage = Stage(tools, frames=20 * len(levels))
    for index, channel in enumerate(levels):
        src = await stage.open(await media.surround(channel, suffix=suffix))
        stage.audio.append(AudioClip(channel, 20 * index, 20, src))
    samples = await sounding(stage, tmp_path / "film.wav", encoding=WAV)
    for index, (channel, wanted) in enumerate(levels.items()):
        part = samples[32_000 * index + 4_000 : 32_000 * index + 28_000]
        for side, less_db in enumerate(wanted):
            heard = level_db([(pair[side], 0) for pair in part])
            assert (heard < -60) if less_db is None else heard == pytest.approx(-15.1 + less_db, abs=0.3), channel


async def test_any_number_of_channels_is_heard(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    layouts = ("mono", "stereo", "2.1", "quad", "5.1(side)", "7.1")
    stage = Stage(tools, frames=15 * len(layouts))
    for index, layout in enumerate(layouts):
        src = await stage.open(await media.surround("FC" if layout == "mono" else "FL", layout=layout))
        stage.audio.append(AudioClip(layout, 15 * index, 15, src))
    samples = await sounding(stage, tmp_path / "film.wav", encoding=WAV)
    for index, layout in enumerate(layouts):
        part = samples[24_000 * index + 2_000 : 24_000 * index + 20_000]
        assert level_db(part) == pytest.approx(-15.1, abs=0.3), layout


@pytest.mark.parametrize("gain", [0.1, 2.0])
async def test_loudness_is_brought_to_what_was_asked(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, gain: float
) -> None:
    stage = Stage(tools, frames=90)
    src = await stage.open(await media.tone(hz=1000, duration_s=4))
    stage.audio.append(AudioClip("tone", 0, 90, src, gain=gain, envelope=(Key(0, 0.2), Key(45, 1.0))))
    encoding = msgspec.structs.replace(WAV, loudness=Loudness(-16.0, -1.0))
    film = await stage.film(tmp_path / "film.wav", encoding=encoding)
    lufs, peak_db = await loudness_of(film.path, tools)
    assert lufs == pytest.approx(-16.0, abs=0.2)
    assert peak_db < -0.9
    assert len(await sound_samples(film.path, tools)) == 144_000


async def test_what_a_limiter_takes_from_the_loudness_is_given_back(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=120)
    src = await stage.open(await media.tone(hz=1000, duration_s=5))
    stage.audio.append(AudioClip("bed", 0, 120, src, gain=0.25))
    stage.audio += [AudioClip(f"knock{at}", at, 1, src, gain=3.5) for at in range(10, 120, 20)]
    encoding = msgspec.structs.replace(WAV, loudness=Loudness(-14.0, -3.0))
    film = await stage.film(tmp_path / "film.wav", encoding=encoding)
    lufs, peak_db = await loudness_of(film.path, tools)
    assert lufs == pytest.approx(-14.0, abs=0.5)
    assert peak_db < -2.8


async def test_silence_stays_silent_whatever_loudness_is_asked(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=30)
    stage.audio.append(AudioClip("none", 0, 30, await stage.open(await media.tone()), gain=0.0000001))
    encoding = msgspec.structs.replace(WAV, loudness=Loudness())
    film = await stage.film(tmp_path / "film.wav", encoding=encoding)
    assert set(await sound_samples(film.path, tools)) == {(0, 0)}


async def test_a_loop_sounds_to_its_end(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=90)
    stage.audio.append(AudioClip("loop", 0, 90, await stage.open(await media.tone(duration_s=0.7)), loop=True))
    samples = await sounding(stage, tmp_path / "film.mp4")
    assert all(level_db(samples[at : at + 4800]) > -20 for at in range(0, 139_000, 4800))


async def test_loud_mixes_are_limited_not_clipped(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    stage = Stage(tools, frames=30)
    src = await stage.open(await media.tone(hz=500, duration_s=2))
    stage.audio += [AudioClip(f"{n}", 0, 30, src, gain=2.0) for n in range(4)]
    samples = await sounding(stage, tmp_path / "film.mp4")
    assert max(abs(left) for left, _ in samples[2_000:46_000]) < 32_700
    assert level_db(samples[5_000:40_000]) > -6


@pytest.mark.parametrize("rate", [Rate(30), Rate(30000, 1001), Rate(24000, 1001), Rate(25)])
async def test_sound_and_picture_have_the_same_length_at_any_rate(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, rate: Rate
) -> None:
    stage = Stage(tools, width=64, height=64, frames=101, rate=rate)
    stage.audio.append(AudioClip("tone", 0, 101, await stage.open(await media.tone(duration_s=6))))
    stage.put(ColorContent("#808080"))
    film = await stage.film(tmp_path / "film.mp4", [7, 30, 64])
    found = await probe(film.path, tools, ours=True)
    assert found.frames == 101
    assert found.duration_s == pytest.approx(101 * rate.den / rate.num, abs=0.0011)
    wanted = round(101 * 48_000 * rate.den / rate.num)
    assert abs(len(await sound_samples(film.path, tools)) - wanted) <= 48, "within a millisecond"
    alone = await stage.film(tmp_path / "film.wav", encoding=WAV)
    assert len(await sound_samples(alone.path, tools)) == wanted


@pytest.mark.parametrize(("form", "codec", "content_type"), [("mp3", "mp3", "audio/mpeg"), ("wav", "pcm", "audio/wav")])
async def test_sound_alone_is_a_film_too(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, form: str, codec: str, content_type: str
) -> None:
    encoding = msgspec.convert({"format": form, "audio_codec": codec, "video_codec": "none"}, Encoding)
    stage = Stage(tools, frames=60)
    stage.audio.append(AudioClip("tone", 0, 60, await stage.open(await media.tone(duration_s=3))))
    film = await stage.film(tmp_path / f"film.{form}", encoding=encoding)
    assert (film.kind, film.content_type) == ("audio", content_type)
    assert len(await sound_samples(film.path, tools)) == pytest.approx(96_000, abs=2400)


async def test_a_film_without_sound_has_no_sound_stream(tools: Toolchain, tmp_path: Path) -> None:
    stage = Stage(tools, frames=5)
    stage.put(ColorContent("#808080"))
    film = await stage.film(tmp_path / "film.mp4", encoding=FAST)
    assert not (await probe(film.path, tools)).has_audio


@pytest.mark.parametrize("loudness", [None, Loudness(-20.0)])
async def test_sounds_mixed_in_stems_are_what_they_are_mixed_at_once(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loudness: Loudness | None
) -> None:
    heard = []
    for most in (100, 2):
        monkeypatch.setattr(stems, "MOST_SOUNDS", most)
        stage = Stage(tools, frames=90)
        voice = await stage.open(await media.tone(hz=1000, duration_s=5))
        music = await stage.open(await media.tone(hz=300, duration_s=5))
        for start in (-5, 25, 60):
            clip = AudioClip(f"voice{start}", start, 20, voice, Seconds(1), fade_in=10, gain=1.5, group="voices")
            stage.audio.append(clip)
        for start in (0, 30, 40):
            music_clip = AudioClip(f"music{start}", start, 50, music, Seconds(1), gain=4.0, duck=Duck(("voices",)))
            stage.audio.append(music_clip)
        encoding = msgspec.structs.replace(WAV, loudness=loudness)
        heard.append(await sounding(stage, tmp_path / f"{most}.wav", encoding=encoding))
    at_once, in_stems = heard
    assert len(at_once) == len(in_stems) == 3 * 48_000
    assert max(abs(a - b) for pair in zip(at_once, in_stems, strict=True) for a, b in zip(*pair, strict=True)) <= 2
    assert max(abs(left) for left, _ in at_once) > 3000
