"""What a render sounds like: length, level, place and joints."""

import itertools
from pathlib import Path

import msgspec
import pytest

from renderowl.pipeline.plan import Encoding
from renderowl.pipeline.probe import probe
from renderowl.pipeline.timeline import AudioClip, ColorContent, Rate, Seconds
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import FAST, Stage
from renderowl.testing.media import MadeMedia, level_db, sound_samples

Samples = list[tuple[int, int]]


def onset(samples: Samples, threshold: int = 800) -> int:
    return next(index for index, (left, _) in enumerate(samples) if abs(left) > threshold)


def crossings(samples: Samples) -> int:
    signs = [left > 0 for left, _ in samples if abs(left) > 50]
    return sum(a != b for a, b in itertools.pairwise(signs))


async def sounding(stage: Stage, out: Path, *, cuts: tuple[int, ...] = ()) -> Samples:
    stage.put(ColorContent("#000000"))
    film = await stage.film(out, cuts)
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
    samples = await sound_samples(film.path, tools)
    assert len(samples) == pytest.approx(101 * 48_000 * rate.den / rate.num, abs=1024)


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
