"""A smart cut shows the very pictures that encoding would show, and copies most of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.pipeline.probe import probe
from renderowl.pipeline.render_file import render_file
from renderowl.pipeline.run import Silent
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


async def counter(media: MadeMedia, *options: str, suffix: str = ".mp4", rate: str = "30") -> Path:
    """200 pictures, number n the grey 16 + n, encoded as sources are."""
    grey = f"color=c=black:s=64x64:r={rate},trim=end_frame=200,format=yuv420p,geq=lum='16+N':cb=128:cr=128[v]"
    return await media.made(suffix, "-filter_complex", grey, "-map", "[v]", "-c:v", "libx264", "-crf", "1", *options)


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
            "the source has a gap or ends before the take",
        ),
    ],
    ids=["one-gop", "open-gop", "422", "sd-colours", "gaps"],
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
