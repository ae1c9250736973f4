"""A smart cut shows the very pictures that encoding would show, and copies most of them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.error
import msgspec
import pytest

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions, packets_av
from renderowl.pipeline.clock import exact, fraction_of, rate_of, seconds_of
from renderowl.pipeline.command import segment_command
from renderowl.pipeline.effects.source import preroll
from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.formats import MEDIA_FORMATS
from renderowl.pipeline.plan import Encoding, Plan, Preview, Segment, make_plan
from renderowl.pipeline.probe import probe
from renderowl.pipeline.render_file import render_file
from renderowl.pipeline.run import ProcessLimits, Silent, run
from renderowl.pipeline.smart_cut import NotCopyable, PacketIndex, numbered
from renderowl.pipeline.timeline import Box, Canvas, Clip, Media, Seconds, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.media import MadeMedia, first_plane_values

SRC = "film"


async def planned(path: Path, tools: Toolchain, cuts: Sequence[tuple[float, float]], **output: Any) -> Plan:
    """Takes of a source, one after the other, to be cut out of it."""
    media = {SRC: (await probe(path, tools)).media(SRC, SRC)}
    known = media[SRC]
    clips = [{"type": "video", "src": SRC, "trim": {"start": start, "end": end}} for start, end in cuts]
    props = {"width": known.width, "height": known.height, "fps": known.fps, "tracks": [{"clips": clips}]}
    settings = {"preset": "ultrafast", "crf": 1, "preview": {"frames": False}, "smart_cut": True, **output}
    ask = compositions.parse("timeline", props, settings, Limits(local_files=True))
    return make_plan(compositions.compile(ask, media), ask.output, fingerprint="test")


async def shown(plan: Plan, path: Path, out: Path, tools: Toolchain) -> list[int]:
    """The numbers of the source's pictures that the film shows, one after the other."""
    await render_file(plan, {SRC: path}, out, tools)
    return [value - 16 for value in await first_plane_values(out, tools)]


async def counter(media: MadeMedia, *options: str, suffix: str = ".mp4", rate: str = "30", grey: str = "16+N") -> Path:
    """200 pictures, number n the grey 16 + n, encoded as sources are."""
    made = f"color=c=black:s=64x64:r={rate},trim=end_frame=200,format=yuv420p,geq=lum='{grey}':cb=128:cr=128[v]"
    return await media.made(suffix, "-filter_complex", made, "-map", "[v]", "-c:v", "libx264", "-crf", "1", *options)


@pytest.mark.parametrize(
    "options",
    [
        ("-g", "25"),
        ("-g", "25", "-bf", "0"),
        ("-g", "60", "-x264-params", "b-pyramid=none"),
        ("-g", "25", "-movflags", "+frag_keyframe"),
    ],
    ids=["b-frames", "no-b-frames", "no-pyramid", "fragmented"],
)
async def test_every_picture_is_the_one_that_was_asked_for(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, options: tuple[str, ...]
) -> None:
    source = await counter(media, *options)
    plan = await planned(source, tools, [(0.4, 2.9), (3.0, 6.5), (1.1, 3.2)])
    assert [segment.copies for segment in plan.segments] == [True, True, True]
    assert await shown(plan, source, tmp_path / "out.mp4", tools) == [*range(12, 87), *range(90, 195), *range(33, 96)]


EVEN: Final = {
    "30": ("30", ".mp4", ()),
    "30000/1001": ("30000/1001", ".mp4", ()),
    "24000/1001": ("24000/1001", ".mp4", ()),
    "25-begins-later": ("25", ".mp4", ("-output_ts_offset", "1.2345")),
    "30-in-ticks-of-1/600-s": ("30", ".mov", ("-video_track_timescale", "600")),
    "30-in-milliseconds": ("30", ".mkv", ("-output_ts_offset", "0.777")),
}


@pytest.mark.parametrize("made", EVEN.values(), ids=EVEN)
async def test_the_first_picture_is_the_one_that_encoding_would_show_wherever_the_take_begins(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, made: tuple[str, str, tuple[str, ...]]
) -> None:
    """Over a picture's width in small steps, through the middle between two: what `numbered` says and what FFmpeg does."""
    rate, suffix, options = made
    source = await counter(media, "-g", "12", *options, rate=rate, suffix=suffix, grey="16+2*N")
    known = (await probe(source, tools)).media(SRC, SRC)
    width, frames = 1 / Fraction(rate), 6
    starts = [at + step * width / 16 for at in (0, 30 * width) for step in range(17)] + [exact(1.017), exact(2.483)]
    shown = await encoded_whole([seconds_of(start) for start in starts], frames, source, known, tools, tmp_path)
    decided = 0
    for start, wanted in zip(starts, shown, strict=True):
        begin = fraction_of(seconds_of(start))
        index = msgspec.convert(
            packets_av.index(str(source), MEDIA_FORMATS, float(begin), float(begin + 1)), PacketIndex
        )
        try:
            packets = numbered(index, begin, preroll(begin, known), frames, rate_of(known.fps))
        except NotCopyable:
            assert wanted != [*range(wanted[0], wanted[0] + frames)], f"{start}: it could have been copied"
        else:
            decided += 1
            first = index.time_s(next(place for place, (number, _) in enumerate(packets) if number == 0))
            number = round(first * Fraction(rate))
            assert wanted == [*range(number, number + frames)], start
    assert decided == len(starts) or suffix == ".mkv"
    assert decided > len(starts) * 3 / 4


async def encoded_whole(
    starts: Sequence[Seconds], frames: int, path: Path, known: Media, tools: Toolchain, folder: Path
) -> list[list[int]]:
    """The numbers of the pictures that takes beginning there show, as a film without a smart cut has them."""
    canvas = Canvas(known.width, known.height, rate_of(known.fps), frames * len(starts))
    whole = Box(known.width / 2, known.height / 2, known.width, known.height)
    clips = tuple(
        Clip(f"{number}", number * frames, frames, VideoContent(SRC, start), whole)
        for number, start in enumerate(starts)
    )
    segment = Segment(0, 0, canvas.frames, "", canvas, clips, {SRC: known}, 1.0)
    command = segment_command(segment, Encoding(video_codec="none"), Preview(frames=False), tools)
    command.prepare(folder, {SRC: path})
    await run(command.argv, work_dir=folder, observer=Silent(), limits=ProcessLimits())
    shown = [(value - 15) // 2 for value in await first_plane_values(folder / command.output, tools)]
    return [shown[at : at + frames] for at in range(0, len(shown), frames)]


async def test_a_take_that_begins_half_way_between_two_pictures_is_copied_as_it_would_be_encoded(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    source = await counter(media, "-g", "25")
    plan = await planned(source, tools, [(0.417, 2.917), (0.4167, 2.9167), (0.41666, 2.91666)])
    assert len(plan.segments) == 3
    assert [segment.copies for segment in plan.segments] == [True, True, True]
    assert (await log_of(plan, source, tmp_path, tools))[0].endswith("pictures copied, the others encoded")
    assert await shown(plan, source, tmp_path / "out.mp4", tools) == [*range(13, 88), *range(13, 88), *range(12, 87)]


@pytest.mark.parametrize("gop", ["25", "60", "250"])
async def test_of_a_transport_stream_the_same_pictures_are_encoded_as_of_any_file(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, gop: str
) -> None:
    """It has no index: a place in it is found by its time, and what comes before the next key picture is lost."""
    source = await counter(media, "-g", gop, suffix=".ts", grey="16+2*N")
    known = (await probe(source, tools)).media(SRC, SRC)
    starts = [seconds_of(exact(at)) for at in (0.5, 1.5, 2.5)]
    shown = await encoded_whole(starts, 15, source, known, tools, tmp_path)
    assert shown == [[*range(first, first + 15)] for first in (15, 45, 75)]


@pytest.mark.parametrize("gop", ["12", "250"])
async def test_a_take_of_an_avi_shows_what_the_whole_shows_at_its_time(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, gop: str
) -> None:
    """Its pictures have no times of presentation, and near its beginning a place before it is sought."""
    source = await counter(media, "-g", gop, "-bf", "3", suffix=".avi", grey="16+2*N")
    known = (await probe(source, tools)).media(SRC, SRC)
    frames = [*range(4, 14), 60, 70]
    starts = [seconds_of(exact(0)), *(seconds_of(Fraction(frame, 30)) for frame in frames)]
    whole, *takes = await encoded_whole(starts, 100, source, known, tools, tmp_path)
    assert len(set(whole)) > 90, "the pictures can be told from each other"
    assert [take[:20] for take in takes] == [whole[frame : frame + 20] for frame in frames]


async def test_a_source_that_was_cut_amid_a_group_of_pictures_shows_none_that_its_edit_list_hides(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    whole = await counter(media, "-g", "25")
    source = await media.made(".mp4", "-ss", "0.4", "-i", str(whole), "-c", "copy")
    plan = await planned(source, tools, [(0, 3), (0.1, 3.1)])
    assert await shown(plan, source, tmp_path / "out.mp4", tools) == [*range(12, 102), *range(15, 105)]


async def log_of(plan: Plan, path: Path, folder: Path, tools: Toolchain) -> list[str]:
    """What the log of the first segment says of the smart cut."""
    (segment, *_) = plan.segments
    inputs, silent = {SRC: path}, Silent()
    await encode_segment(segment, plan.encoding, plan.preview, inputs, folder / "one.nut", folder / "w", tools, silent)
    log = (folder / "w" / "ffmpeg.log").read_text()
    return [line.removeprefix("smart cut: ") for line in log.splitlines() if line.startswith("smart cut: ")]


async def test_most_is_copied_and_the_log_says_how_much(tools: Toolchain, media: MadeMedia, tmp_path: Path) -> None:
    source = await counter(media, "-g", "25")
    plan = await planned(source, tools, [(0.4, 6.4)])
    (said,) = await log_of(plan, source, tmp_path, tools)
    copied = int(said.split()[0])
    assert said == f"{copied} of 180 pictures copied, the others encoded"
    assert copied >= 165, "all but what lies before the first key picture, and the few after the last anchor"


@pytest.mark.parametrize(
    ("suffix", "options", "why"),
    [
        (".mp4", ("-x264-params", "keyint=infinite:min-keyint=500"), "no key picture lies far enough within the take"),
        (".mp4", ("-g", "30", "-x264-params", "open-gop=1"), "no key picture lies far enough within the take"),
        (".mp4", ("-pix_fmt", "yuv422p"), "the source is h264 yuv422p, not h264 yuv420p"),
        (".mp4", ("-colorspace", "smpte170m"), "the source's colours are not those of HD video"),
        (
            ".mp4",
            ("-bsf:v", "setts=pts=PTS+200*eq(mod(N\\,7)\\,3)"),
            "encoding would repeat or leave out pictures: seen from the take's start they are not evenly 30 a second",
        ),
        (".ts", ("-g", "10"), "the times of pictures in mpegts are not exact enough"),
        (".avi", ("-g", "10"), "the times of pictures in avi are not exact enough"),
    ],
    ids=["one-gop", "open-gop", "422", "sd-colours", "gaps", "transport-stream", "avi"],
)
async def test_what_cannot_be_copied_is_encoded_and_the_log_says_why(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, suffix: str, options: tuple[str, ...], why: str
) -> None:
    source = await counter(media, *options, suffix=suffix)
    plan = await planned(source, tools, [(0.4, 3.4)])
    assert await log_of(plan, source, tmp_path, tools) == [f"encoded whole: {why}"]
    assert (await probe(tmp_path / "one.nut", tools, ours=True)).frames == 90


async def test_a_film_of_copied_and_encoded_parts_has_sound_and_every_frame(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    source = await media.made(
        ".mp4", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=6", "-f", "lavfi", "-i", "sine=d=6", "-g", "25"
    )
    media_of = {SRC: (await probe(source, tools)).media(SRC, SRC)}
    clips = [
        {"type": "video", "src": SRC, "trim": {"start": 0.3, "end": 3.3}},
        {"type": "color", "color": "#ff0000", "duration": 2},
        {"type": "video", "src": SRC, "trim": {"start": 1, "end": 4}, "opacity": 0.5},
    ]
    props = {"width": 128, "height": 72, "fps": 25, "tracks": [{"clips": clips}]}
    settings = {"preset": "ultrafast", "preview": {"frames": False}, "smart_cut": True}
    ask = compositions.parse("timeline", props, settings, Limits(local_files=True))
    plan = make_plan(compositions.compile(ask, media_of), ask.output, fingerprint="test")
    assert [(one.copies, one.note) for one in plan.segments] == [
        (True, ""),
        (False, "it shows something else than one video"),
        (False, "something is done to the picture"),
    ]
    await render_file(plan, {SRC: source}, tmp_path / "out.mp4", tools)
    found = await probe(tmp_path / "out.mp4", tools, ours=True)
    assert (found.frames, found.has_audio, round(found.duration_s, 1)) == (200, True, 8.0)


async def test_a_joint_that_cannot_be_decoded_is_found(media: MadeMedia, tmp_path: Path) -> None:
    source = await media.made(".mp4", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=6", "-g", "25")
    listed = packets_av.index(str(source), MEDIA_FORMATS, 0, 6)["packets"]
    keys = [place for place, (_, is_idr) in enumerate(listed) if is_idr]

    def joined(*pieces: tuple[Path, int]) -> int:
        """Two runs of 25 packets each, proved as a smart cut is."""
        known = {"whitelist": MEDIA_FORMATS, "count": 25}
        told = [known | {"file": str(path), "first": listed[place][0]} for path, place in pieces]
        made: int = packets_av.join(str(tmp_path / "joined.nut"), "nut", (25, 1), 12800, told, prove=True)["frames"]
        return made

    def damaged(place: int) -> Path:
        """The source with one of its packets overwritten, but for what says how long it is and what it is."""
        data, path = bytearray(source.read_bytes()), tmp_path / f"damaged-{place}.mp4"
        with av.open(str(source)) as container:
            packet = [packet for packet in container.demux(video=0) if packet.size][place]
            assert packet.pos is not None
            data[packet.pos + 16 : packet.pos + packet.size] = bytes(packet.size - 16)
        path.write_bytes(data)
        return path

    assert joined((source, keys[1]), (source, keys[3])) == 50
    with pytest.raises(ValueError, match="does not begin with a key picture"):
        joined((source, keys[1]), (source, keys[3] + 1))
    for place in (keys[3], keys[3] + 4, keys[1] + 3):
        with pytest.raises((ValueError, av.error.FFmpegError)):
            joined((damaged(place), keys[1]), (damaged(place), keys[3]))
