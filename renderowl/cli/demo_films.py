"""What `renderowl demo` renders: media made by FFmpeg unless you bring your own, and two specs over them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from renderowl.client import Asset
from renderowl.pipeline.tools import Toolchain

SENTENCES: Final = (
    "An owl sees in the dark",
    "and RenderOwl shows its work",
    "frame by frame while it renders",
)
TITLES: Final = ("RenderOwl", "नमस्ते  你好  Καλημέρα  שלום", "Rendered, watched live")
WIDTH: Final = 1280
HEIGHT: Final = 720
CLIP_S: Final = 5.0
STILL_S: Final = 4.0
FADE_S: Final = 0.5

_MEDIA: Final[dict[str, tuple[str, ...]]] = {
    "flight.mp4": (
        *("-f", "lavfi", "-i", "mandelbrot=s=1280x720:r=30:start_scale=1.2:end_scale=0.02:end_pts=240:maxiter=400"),
        *("-f", "lavfi", "-i", "aevalsrc=0.12*sin(2*PI*220*t)+0.08*sin(2*PI*277.2*t*(1+0.002*sin(5*t))):s=48000"),
        *("-t", "8", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    ),
    "dusk.jpg": (
        *("-f", "lavfi", "-i", "gradients=s=1920x1280:c0=#1b2a49:c1=#f2a65a:x0=960:y0=0:x1=960:y1=1280:n=2:d=1"),
        *("-frames:v", "1", "-q:v", "3"),
    ),
    "spiral.png": (
        *("-f", "lavfi", "-i", "mandelbrot=s=1440x960:start_x=-0.7436:start_y=0.1319:start_scale=0.006:maxiter=900"),
        *("-frames:v", "1"),
    ),
    "music.wav": (
        *("-f", "lavfi", "-i"),
        "aevalsrc=0.1*sin(2*PI*196*t)*exp(-mod(t\\,0.5)*4)+0.1*sin(2*PI*293.7*t)*exp(-mod(t+0.25\\,0.5)*4):s=48000",
        *("-t", "20"),
    ),
}  # fmt: skip


class Film(msgspec.Struct, frozen=True):
    """A render to submit."""

    title: str
    composition_id: str
    input_props: dict[str, Any]
    output_settings: dict[str, Any]


async def make_media(tools: Toolchain, folder: Path) -> list[Path]:
    """Make the demo's own media once and return the files."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    paths = []
    for name, arguments in _MEDIA.items():
        path = folder / name
        if not path.exists():
            draft = path.with_stem("draft-" + path.stem)
            process = await asyncio.create_subprocess_exec(
                tools.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, str(draft)
            )
            if await process.wait() != 0:
                raise RuntimeError(f"FFmpeg could not make {name}")
            draft.rename(path)
        paths.append(path)
    return paths


def films(assets: Sequence[Asset]) -> list[Film]:
    """A captioned video of the first video that has one, and a timeline of everything."""
    made = [_timeline(assets)]
    videos = [asset for asset in assets if asset.type == "video"]
    if videos:
        made.insert(0, _captioned(videos[0]))
    return made


def _captioned(video: Asset) -> Film:
    length = min(_length(video), 9.0)
    each = length / len(SENTENCES)
    captions = [
        {"text": text, "start": round(n * each, 3), "end": round((n + 1) * each, 3)} for n, text in enumerate(SENTENCES)
    ]
    return Film(
        "Captioned video",
        "captioned_video",
        {"src": f"asset://{video.id}", "captions": captions, "style": {"animation": "highlight"}},
        {"output_name": "captioned.mp4", "preset": "veryfast", "crf": 21},
    )


def _timeline(assets: Sequence[Asset]) -> Film:
    pictures: list[dict[str, Any]] = []
    for asset in assets:
        if asset.type == "audio":
            continue
        length = STILL_S if asset.type == "image" else min(_length(asset), CLIP_S)
        fade = {"type": "fade", "duration": min(FADE_S, length / 4)}
        pictures.append(
            {
                "type": asset.type,
                "src": f"asset://{asset.id}",
                "duration": length,
                "fit": "blur" if asset.type == "image" else "cover",
                "transition": {"in": fade, "out": fade},
            }
        )
    starts = [sum(clip["duration"] for clip in pictures[:n]) for n in range(len(pictures))]
    titles = [
        {
            "type": "text",
            "text": TITLES[n % len(TITLES)],
            "start": start + 0.25,
            "duration": clip["duration"] - 0.5,
            "position": {"x": WIDTH / 2, "y": HEIGHT * 0.85, "anchor": "center"},
            "style": {"font_size": 64, "color": "#ffffff", "stroke": {"color": "#000000", "width": 3}},
        }
        for n, (start, clip) in enumerate(zip(starts, pictures, strict=True))
    ]
    tracks: list[dict[str, Any]] = [{"clips": pictures, "parent_duration_decider": True}, {"clips": titles}]
    sounds = [asset for asset in assets if asset.type == "audio"]
    if sounds:
        music = {"type": "audio", "src": f"asset://{sounds[0].id}", "duration": "end", "volume": 0.6, "fade_out": 1.0}
        tracks.append({"clips": [music]})
    return Film(
        "Multi-track timeline",
        "timeline",
        {"width": WIDTH, "height": HEIGHT, "fps": 30, "tracks": tracks},
        {"output_name": "timeline.mp4", "preset": "veryfast", "crf": 21},
    )


def _length(asset: Asset) -> float:
    return float((asset.metadata or {}).get("duration_s") or CLIP_S)
