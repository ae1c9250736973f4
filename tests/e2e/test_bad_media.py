"""What cameras, phones and tools really produce: each is rendered as it is meant to be seen, or refused saying why."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from renderowl.domain.errors import MediaTypeMismatch, MediaUnreadable, ValidationFailed
from renderowl.pipeline import probe_av
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.formats import MEDIA_FORMATS
from renderowl.pipeline.probe import probe
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import composed
from renderowl.testing.media import MadeMedia, first_plane_values, frame_pixels, level_db, sound_samples

RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)
HALVES: Final = "color=red:s=160x180:r=30:d=1[l];color=blue:s=160x180:r=30:d=1[r];[l][r]hstack"
"""Red on the left, blue on the right, 320x180."""
TAGGED: Final = "scale=out_color_matrix=bt709:out_range=tv,setparams=range=tv:colorspace=bt709"


def near(seen: tuple[int, ...], wanted: tuple[int, ...], within: int = 14) -> bool:
    return all(abs(one - other) <= within for one, other in zip(seen, wanted, strict=True))


def film_of(*clips: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A film of 320x180 at 30 frames a second, green where nothing is."""
    return {"width": 320, "height": 180, "fps": 30, "background": "#008000", "tracks": [{"clips": list(clips)}], **more}


async def rendered(path: Path, tools: Toolchain, out: Path, **clip: Any) -> OutputFile:
    """The film of a single clip that shows this file."""
    shown = {"type": "video", "src": "a", "fit": "contain", **clip}
    return (await composed("timeline", film_of(shown), {"a": path}, out / "film.mp4", tools))[0]


async def looked_at(film: OutputFile, tools: Toolchain, frame: int, *points: tuple[int, int]) -> list[tuple[int, ...]]:
    return list(await frame_pixels(film.path, tools, frame, points))


WHOLE: Final = ((40, 90), RED), ((280, 90), BLUE)
"""The picture fills the film: red left, blue right."""
CASES: Final[dict[str, tuple[str, tuple[str, ...], tuple[tuple[tuple[int, int], tuple[int, int, int]], ...]]]] = {
    "odd sides": (".mkv", (HALVES + ",crop=319:179:0:0:exact=1,format=yuv444p", "-c:v", "ffv1"), WHOLE),
    "odd sides with chroma for even ones": (".mkv", (HALVES + ",scale=319:179,format=yuv420p", "-c:v", "ffv1"), WHOLE),
    "4:4:4": (".mp4", (f"{HALVES},{TAGGED},format=yuv444p",), WHOLE),
    "4:2:2 in a MOV of an editor": (".mov", (f"{HALVES},{TAGGED},format=yuv422p10le", "-c:v", "prores_ks"), WHOLE),
    "10 bits": (".mp4", (f"{HALVES},{TAGGED},format=yuv420p10le",), WHOLE),
    "full range, as phones and webcams have it": (
        ".avi",
        (f"{HALVES},scale=out_range=pc,format=yuvj420p", "-c:v", "mjpeg", "-q:v", "2"),
        WHOLE,
    ),
    "standard definition's colours": (
        ".mp4",
        (f"{HALVES},scale=out_color_matrix=smpte170m,format=yuv420p,setparams=colorspace=smpte170m",),
        WHOLE,
    ),
    "HEVC": (".mp4", (f"{HALVES},{TAGGED},format=yuv420p", "-c:v", "libx265", "-x265-params", "log-level=none"), WHOLE),
    "pixels that are not square": (".mp4", (f"{HALVES},scale=240:180,{TAGGED},format=yuv420p,setsar=4/3",), WHOLE),
    "an absurd shape of pixels": (
        ".mp4",
        (f"{HALVES},{TAGGED},format=yuv420p,setsar=1/99",),
        WHOLE,
    ),
    "a transport stream that began an hour ago": (
        ".ts",
        (f"{HALVES},{TAGGED},format=yuv420p", "-output_ts_offset", "3600"),
        WHOLE,
    ),
    "B-frames in an AVI": (".avi", (f"{HALVES},{TAGGED},format=yuv420p", "-c:v", "libx264", "-bf", "3"), WHOLE),
    "half a frame a second": (".mp4", (f"{HALVES},fps=1/2,{TAGGED},format=yuv420p",), WHOLE),
    "120 frames a second": (".mp4", (f"{HALVES},fps=120,{TAGGED},format=yuv420p",), WHOLE),
    "one frame": (".mp4", (f"{HALVES},{TAGGED},format=yuv420p", "-frames:v", "1"), WHOLE),
    "alpha in a WebM": (
        ".webm",
        ("color=red@0.5:s=320x180:r=30:d=1,format=yuva420p", "-c:v", "libvpx-vp9", "-auto-alt-ref", "0"),
        (((160, 90), (127, 64, 0)),),
    ),
    "alpha in an old MOV": (
        ".mov",
        ("color=red@0.5:s=320x180:r=30:d=1,format=argb", "-c:v", "qtrle"),
        (((160, 90), (127, 64, 0)),),
    ),
    "alpha in a ProRes": (
        ".mov",
        ("color=red@0.5:s=320x180:r=30:d=1,format=yuva444p10le", "-c:v", "prores_ks", "-profile:v", "4444"),
        (((160, 90), (127, 64, 0)),),
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_it_is_seen_as_it_is_meant(tools: Toolchain, media: MadeMedia, tmp_path: Path, name: str) -> None:
    suffix, (graph, *options), expected = CASES[name]
    path = await media.made(suffix, "-filter_complex", f"{graph}[v]", "-map", "[v]", *options)
    film = await rendered(path, tools, tmp_path)
    points = [point for point, _ in expected]
    for frame in (0, film.frames - 1):
        for seen, (point, wanted) in zip(await looked_at(film, tools, frame, *points), expected, strict=True):
            assert near(seen, wanted), (frame, point, seen, wanted)


@pytest.mark.parametrize(
    ("transfer", "code", "lightness"), [("smpte2084", "0x949494", 212), ("arib-std-b67", "0xBFBFBF", 212)]
)
async def test_the_white_of_a_high_dynamic_range_is_nearly_the_white_of_the_film(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, transfer: str, code: str, lightness: int
) -> None:
    """203 nits are PQ 58 % and HLG 75 %: what is brighter needs the room above."""
    told = f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    graph = f"color={code}:s=320x180:r=30:d=0.2,format=gbrp,scale=out_color_matrix=bt2020:out_range=tv"
    path = await media.made(
        ".mp4", "-filter_complex", f"{graph},format=yuv420p10le,{told}[v]", "-map", "[v]", "-qp", "1"
    )
    assert (await probe(path, tools)).transfer == {"smpte2084": "pq", "arib-std-b67": "hlg"}[transfer]
    (seen,) = await looked_at(await rendered(path, tools, tmp_path), tools, 0, (160, 90))
    assert near(seen, (lightness, lightness, lightness), 25), seen


@pytest.mark.parametrize(
    ("degrees", "points"),
    [(90, ((160, 40), (160, 140))), (180, ((280, 90), (40, 90))), (270, ((160, 140), (160, 40)))],
)
async def test_a_phone_video_is_turned_as_it_was_held(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, degrees: int, points: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    lying = await media.made(".mp4", "-filter_complex", f"{HALVES},{TAGGED},format=yuv420p[v]", "-map", "[v]")
    # FFmpeg counts against the clock, so the red side goes up when the display turns by -90
    turned = await media.made(f"-{degrees}.mp4", "-display_rotation", str(-degrees), "-i", str(lying), "-c", "copy")
    red, blue = await looked_at(await rendered(turned, tools, tmp_path), tools, 5, *points)
    assert near(red, RED)
    assert near(blue, BLUE)


async def test_a_variable_frame_rate_is_shown_by_its_times(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    """Frames 0-29 of a second, but every third left out, and none at all from 10 to 19."""
    count = "color=black:s=64x64:r=30:d=1,format=yuv420p,geq=lum='16+N*6':cb=128:cr=128"
    graph = f"{count},select='not(eq(mod(n\\,3)\\,1))*not(between(n\\,10\\,19))'[v]"
    path = await media.made(".mp4", "-filter_complex", graph, "-map", "[v]", "-fps_mode", "vfr", "-qp", "0")
    spec = film_of({"type": "video", "src": "a"}) | {"width": 64, "height": 64}
    film = (await composed("timeline", spec, {"a": path}, tmp_path / "film.mp4", tools))[0]
    kept = [n for n in range(30) if n % 3 != 1 and not 10 <= n <= 19]
    values = await first_plane_values(film.path, tools)
    assert len(values) == 30
    for n, value in enumerate(values):
        on_show = max(one for one in kept if one <= n)
        assert value == pytest.approx(16 + 6 * on_show, abs=3), n


async def test_a_video_without_sound_is_silent_where_others_sound_and_no_sound_can_be_asked_of_it(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    mute, loud = await media.video(colors=["red"]), await media.video(colors=["blue"], tone_hz=440)
    inputs = {"mute": mute, "loud": loud}
    spec = film_of({"type": "video", "src": "mute"}, {"type": "video", "src": "loud"})
    film = (await composed("timeline", spec, inputs, tmp_path / "film.mp4", tools))[0]
    samples = await sound_samples(film.path, tools)
    assert len(samples) == pytest.approx(2 * 48_000, abs=2048)
    assert level_db(samples[4800:43_200]) < -80
    assert level_db(samples[52_800:91_200]) == pytest.approx(-15, abs=1.5)
    with pytest.raises(ValidationFailed, match="has no sound"):
        await composed("timeline", film_of({"type": "audio", "src": "mute"}), inputs, tmp_path / "none.mp4", tools)


async def test_a_cover_picture_does_not_make_a_sound_a_video(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    tone, cover = await media.tone(duration_s=1), await media.picture(color="red", size="64x64")
    for suffix, codec in ((".mp3", ()), (".m4a", ("-c:v", "mjpeg"))):
        maps = (
            "-i",
            str(tone),
            "-i",
            str(cover),
            "-map",
            "0:a",
            "-map",
            "1:v",
            *codec,
            "-disposition:v",
            "attached_pic",
        )
        path = await media.made(suffix, *maps)
        found = await probe(path, tools)
        assert (found.kind, found.has_audio, found.has_video) == ("audio", True, False)
        spec = film_of({"type": "color", "color": "#0000ff", "duration": 1}, {"type": "audio", "src": "a"})
        with pytest.raises(ValidationFailed, match="must be of type video"):
            await rendered(path, tools, tmp_path)
        spec = film_of({"type": "color", "color": "#0000ff", "duration": 1})
        spec["tracks"].append({"clips": [{"type": "audio", "src": "a"}]})
        film = (await composed("timeline", spec, {"a": path}, tmp_path / f"film{suffix}.mp4", tools))[0]
        assert level_db((await sound_samples(film.path, tools))[4800:40_000]) == pytest.approx(-15, abs=1.5)


@pytest.mark.parametrize(
    ("clip", "path", "words"),
    [
        ({"duration": 0}, "/input_props/tracks/0/clips/0/duration", "must"),
        ({"duration": 0.001}, "/input_props", "frame"),
        ({"trim": {"start": 0.5, "end": 0.5}}, "/input_props/tracks/0/clips/0/trim", ""),
        ({"trim": {"start": 0.8, "end": 0.2}}, "/input_props/tracks/0/clips/0/trim", ""),
        ({"trim": {"start": 7, "end": 8}}, "/input_props/tracks/0/clips/0/trim", ""),
        ({"start": -1}, "/input_props/tracks/0/clips/0/start", ""),
    ],
)
async def test_a_clip_of_no_length_is_refused_by_its_name(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, clip: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await rendered(await media.video(), tools, tmp_path, **clip)
    assert all(error.path.startswith(path) for error in refused.value.errors), refused.value.errors
    assert any(words in error.message for error in refused.value.errors)


async def test_gaps_show_the_background_and_of_overlapping_clips_the_later_one(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    red, blue = await media.video(colors=["red"]), await media.video(colors=["blue"])
    clips = [{"type": "video", "src": "red", "start": 0.2}, {"type": "video", "src": "blue", "start": 0.8}]
    spec = film_of(*clips, duration=2.2)
    film = (await composed("timeline", spec, {"red": red, "blue": blue}, tmp_path / "film.mp4", tools))[0]
    assert film.frames == 66
    for frame, wanted in (
        (0, GREEN),
        (5, GREEN),
        (6, RED),
        (23, RED),
        (24, BLUE),
        (53, BLUE),
        (54, GREEN),
        (65, GREEN),
    ):
        (seen,) = await looked_at(film, tools, frame, (160, 90))
        assert near(seen, wanted), (frame, seen)


async def test_a_file_that_lies_about_its_type_is_what_its_bytes_say_or_refused(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    picture = (await media.picture(color="red")).read_bytes()
    video = (await media.video(colors=["red"])).read_bytes()
    still, film = tmp_path / "still.mp4", tmp_path / "film.png"
    still.write_bytes(picture)
    film.write_bytes(video)
    assert (await probe(still, tools)).kind == "image"
    assert (await probe(film, tools)).kind == "video"
    for path, claimed in ((still, "video/mp4"), (film, "image/png")):
        with pytest.raises(MediaTypeMismatch, match="claims to be"):
            await probe(path, tools, claimed=claimed)
    for name, content in {
        "header only": video[:40],
        "header and noise": video[:40] + bytes(range(256)) * 40,
        "noise behind a PNG's name": picture[:8] + bytes(range(256)) * 4,
        "no frames": video.replace(b"stsz", b"free"),
    }.items():
        broken = tmp_path / "broken.bin"
        broken.write_bytes(content)
        with pytest.raises((MediaUnreadable, MediaTypeMismatch)):
            pytest.fail(f"{name}: {await probe(broken, tools)}")


async def test_of_megabytes_of_tags_none_is_told(media: MadeMedia, tmp_path: Path) -> None:
    told = tmp_path / "tags.txt"
    tags = "".join(f"tag{n}={'x' * 100_000}\n" for n in range(20))
    told.write_text(f";FFMETADATA1\n{tags}[STREAM]\n{tags}")
    film = await media.made(
        ".mkv", "-i", str(await media.video()), "-f", "ffmetadata", "-i", str(told), "-map_metadata", "1",
        "-map_metadata:s:v", "1:g", "-c", "copy",
    )  # fmt: skip
    assert film.stat().st_size > 2_000_000
    described = probe_av.described(str(film), MEDIA_FORMATS, "")
    assert described["streams"][0]["width"] == 320
    assert len(json.dumps(described)) < 2000
