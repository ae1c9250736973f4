"""Small pictures out of the encoder: of the right frames, at no cost to the film's bits, never holding the encoder up."""

import asyncio
import hashlib
import io
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from renderowl.pipeline.encode import encode_segment
from renderowl.pipeline.plan import Encoding, Preview
from renderowl.pipeline.progress import FfmpegProgress
from renderowl.pipeline.run import ProcessLimits
from renderowl.pipeline.timeline import Rate, VideoContent
from renderowl.pipeline.tools import Toolchain
from renderowl.testing.films import Stage
from renderowl.testing.media import MadeMedia

NORMAL = Rate(30)


class Album:
    """An observer that keeps the pictures."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.pictures: list[Image.Image] = []

    def progress(self, report: FfmpegProgress) -> None:
        pass

    def preview(self, jpeg: bytes) -> None:
        self.pictures.append(Image.open(io.BytesIO(jpeg)))

    def frames(self) -> list[int]:
        """Which frame of `MadeMedia.counter` each picture shows."""
        return [round(picture.convert("L").tobytes()[0] * 219 / 255) for picture in self.pictures]


async def encoded(
    tools: Toolchain, media: MadeMedia, folder: Path, preview: Preview, *, rate: Rate = NORMAL, frames: int = 150
) -> tuple[Album, str]:
    """Encode a counter of so many frames; the pictures that came, and the hash of the film."""
    fps = f"{rate.num}/{rate.den}"
    stage = Stage(tools, frames=frames, rate=rate, width=64, height=64)
    stage.put(VideoContent(await stage.open(await media.counter(frames=frames, fps=fps))))
    (segment,) = stage.plan([]).segments
    album, work = Album(), folder / "work"
    work.mkdir(parents=True)
    encoding = Encoding(preset="ultrafast")
    await encode_segment(segment, encoding, preview, stage.inputs, folder / "out.nut", work, tools, album)
    return album, hashlib.sha256((folder / "out.nut").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("rate", "interval_s", "step"),
    [(Rate(30), 1.0, 30), (Rate(30), 0.4, 12), (Rate(30000, 1001), 1.0, 30), (Rate(25), 2.5, 63), (Rate(1), 0.2, 1)],
)
async def test_picture_n_shows_exactly_the_frame_it_is_told_to_be_of(
    tools: Toolchain, media: MadeMedia, tmp_path: Path, rate: Rate, interval_s: float, step: int
) -> None:
    preview = Preview(interval_s=interval_s, width=64)
    frames = 150 if rate.num > 1 else 12
    album, _ = await encoded(tools, media, tmp_path, preview, rate=rate, frames=frames)
    assert preview.step_frames(rate) == step
    assert album.frames() == pytest.approx(list(range(0, frames, step)), abs=4)  # JPEG keeps a grey only nearly


async def test_the_film_has_the_same_bits_with_and_without_pictures(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    made = {}
    for name, preview in {
        "off": Preview(frames=False),
        "on": Preview(),
        "many, wide": Preview(interval_s=0.2, width=1280),
    }.items():
        album, made[name] = await encoded(tools, media, tmp_path / name, preview)
        assert bool(album.pictures) == preview.frames
    assert len(set(made.values())) == 1, made


async def test_a_picture_is_as_wide_as_asked_but_never_wider_than_the_film(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    for width, wanted in ((32, (32, 32)), (320, (64, 64))):
        album, _ = await encoded(tools, media, tmp_path / str(width), Preview(width=width), frames=10)
        assert [picture.size for picture in album.pictures] == [wanted]
        assert {picture.format for picture in album.pictures} == {"JPEG"}


async def test_far_more_pictures_than_a_pipe_holds_do_not_stop_the_encoder(
    tools: Toolchain, media: MadeMedia, tmp_path: Path
) -> None:
    stage = Stage(tools, frames=300, width=640, height=360)
    stage.put(VideoContent(await stage.open(await media.video(colors=["red", "blue"], each_s=5, size="640x360"))))
    (segment,) = stage.plan([]).segments
    album, work = Album(), tmp_path / "work"
    work.mkdir()
    await encode_segment(
        segment,
        Encoding(preset="ultrafast"),
        Preview(interval_s=0.01, width=640),
        stage.inputs,
        tmp_path / "out.nut",
        work,
        tools,
        album,
        msgspec.structs.replace(ProcessLimits(), stall_timeout_s=5.0),
    )
    assert len(album.pictures) == 300
