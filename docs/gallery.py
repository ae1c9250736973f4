"""Renders the pictures of docs/compositions.md into a folder: frames of films. `make docs` shows them in the site."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from owl import owl
from PIL import Image, ImageDraw

from renderowl.pipeline.tools import Toolchain, discover
from renderowl.testing.films import composed

NIGHT, DAY, GREEN = ("#141e3c", "#b4602f"), ("#6fa8dc", "#d9ead3"), ("#00b140", "#00b140")
CELL: Final = (200, 112)
WORDS: Final = [
    {"text": word, "start": n * 0.5, "end": n * 0.5 + 0.5} for n, word in enumerate(("Owls", "see", "in", "it"))
]
FILTERS: Final[dict[str, list[dict[str, Any]]]] = {
    "as it is": [],
    "brightness 1.5": [{"type": "brightness", "amount": 1.5}],
    "contrast 1.6": [{"type": "contrast", "amount": 1.6}],
    "saturation 2": [{"type": "saturation", "amount": 2}],
    "hue 120": [{"type": "hue", "degrees": 120}],
    "grayscale": [{"type": "grayscale"}],
    "sepia": [{"type": "sepia"}],
    "invert": [{"type": "invert"}],
    "blur 4": [{"type": "blur", "radius": 4}],
    "sharpen 2": [{"type": "sharpen", "amount": 2}],
    "vignette 0.6": [{"type": "vignette", "amount": 0.6}],
    "noise 0.6": [{"type": "noise", "amount": 0.6}],
}
SHAPES: Final[dict[str, dict[str, Any]]] = {
    "rectangle": {"radius": 16, "fill": "#e4572e"},
    "ellipse": {"fill": "#29335c", "stroke": {"color": "#f3a712", "width": 6}},
    "circle": {"stroke": {"color": "#a8c686", "width": 10}},
    "line": {"points": [{"x": 0, "y": 0.8}, {"x": 1, "y": 0.2}], "stroke": {"color": "#ffffff", "width": 6}},
    "polygon": {"sides": 6, "fill": "#00a6a6"},
    "star": {"fill": "#ffd400", "stroke": {"color": "#aa3300", "width": 4}},
}
ANIMATIONS: Final = ("none", "highlight", "karaoke", "pop", "typewriter")
TRANSITIONS: Final = ("fade", "dissolve", "wipe", "slide", "push", "zoom", "circle", "radial", "pixelize")
SCRIPTS: Final = (
    "Owls see in the dark",
    "Совы видят в темноте  ·  Καλημέρα",
    "مرحبا  ·  שלום  ·  नमस्ते",
    "你好  ·  こんにちは  ·  안녕하세요",
    "🦉 🌙 ⭐ ❤️ 👍",
)


class Gallery:
    """One run: its sources by name, a folder for them, and one for the pictures."""

    def __init__(self, tools: Toolchain, folder: Path, pictures: Path) -> None:
        self.tools, self.folder, self.pictures = tools, folder, pictures
        self.sources: dict[str, Path] = {}

    def draw(self, name: str, width: int, height: int, sky: tuple[str, str]) -> None:
        """Make an owl known by a name."""
        self.sources[name] = self.folder / f"{name}.png"
        picture = owl(width, height, sky)
        if name == "mark":
            disc = Image.new("L", picture.size)
            ImageDraw.Draw(disc).ellipse((0, 0, width - 1, height - 1), fill=255)
            picture.putalpha(disc)
        picture.save(self.sources[name])

    async def film(self, name: str, composition: str, props: Mapping[str, Any], **output: Any) -> Path:
        """Render a film, make it known by its name and return it."""
        path = self.folder / f"{name}.mp4"
        await composed(composition, props, self.sources, path, self.tools, **output)
        self.sources[name] = path
        return path

    async def keep(
        self, name: str, composition: str, props: Mapping[str, Any], times_s: Sequence[float], **output: Any
    ) -> None:
        """Keep some frames of a film, side by side."""
        path = self.folder / f"{name}.mp4"
        await composed(composition, props, self.sources, path, self.tools, **output)
        inputs = [word for at in times_s for word in ("-ss", str(at), "-i", str(path))]
        count = len(times_s)
        frames = "".join(
            f"[{n}]scale=-2:'min(180,ih)',pad=iw+{6 * (n + 1 < count)}:ih:0:0:white[v{n}];" for n in range(count)
        )
        graph = frames + "".join(f"[v{n}]" for n in range(count)) + (f"hstack={count}" if count > 1 else "copy")
        picture = str(self.pictures / f"{name}.jpg")
        arguments = (*inputs, "-filter_complex", graph, "-frames:v", "1", "-q:v", "4", picture)
        process = await asyncio.create_subprocess_exec(self.tools.ffmpeg, "-v", "error", "-y", *arguments)
        assert await process.wait() == 0

    async def cell(self, name: str, clips: list[dict[str, Any]], at_s: float) -> None:
        """Make one frame of a small film of its own known by a name."""
        props = {"width": CELL[0], "height": CELL[1], "tracks": [{"clips": [{"start": 0, **clip}]} for clip in clips]}
        output = {"format": "png", "output_name": f"{name}.png", "poster": {"at": at_s}}
        made, *_ = await composed("timeline", props, self.sources, self.folder / f"{name}.png", self.tools, **output)
        self.sources[name] = made.path

    async def sheet(
        self, name: str, cells: Mapping[str, list[dict[str, Any]]], columns: int, at_s: float = 0.0
    ) -> None:
        """Keep one frame of labelled cells, each showing some clips."""
        width, height = CELL
        tracks: list[dict[str, Any]] = []
        for index, (label, clips) in enumerate(cells.items()):
            x, y = (index % columns + 0.5) * width, (index // columns + 0.5) * height
            box = {"width": width - 4, "height": height - 4, "position": {"x": x, "y": y}}
            tracks += [{"clips": [{"start": 0, "duration": 2, **box, **clip}]} for clip in clips]
            under = {"width": width, "height": 20, "position": {"x": x, "y": y + height / 2 - 13}}
            style = {"font_size": 14, "bold": True, "stroke": {"color": "#000000", "width": 2}}
            tracks.append({"clips": [{"type": "text", "text": label, "duration": 2, **under, "style": style}]})
        size = {"width": columns * width, "height": -(-len(cells) // columns) * height}
        output = {"format": "jpg", "output_name": "sheet.jpg", "poster": {"at": at_s}}
        props = {**size, "background": "#ffffff", "tracks": tracks}
        made, *_ = await composed("timeline", props, self.sources, self.folder / "sheet.jpg", self.tools, **output)
        shutil.move(made.path, self.pictures / f"{name}.jpg")


async def effects(gallery: Gallery) -> None:
    """Keep a picture of every effect of the timeline."""
    night, day = {"type": "image", "src": "night"}, {"type": "image", "src": "day"}
    await gallery.sheet("filters", {label: [{**night, "filters": asked}] for label, asked in FILTERS.items()}, 4)
    shapes = {label: [{"type": "color", "color": "#405060"}, _shape(label)] for label in SHAPES}
    await gallery.sheet("shapes", shapes, 3)
    key = {"color": "#00b140", "similarity": 0.14, "blend": 0.05}
    green = {"type": "image", "src": "green"}
    cells = {"the clip": [green], "with its chroma_key": [night, {**green, "chroma_key": key}]}
    await gallery.sheet("chroma_key", {"what lies below": [night], **cells}, 3)
    fits = ("cover", "contain", "fill", "none", "blur")
    tall = {"type": "image", "src": "tall"}
    await gallery.sheet("fits", {fit: [{"type": "color", "color": "#405060"}, {**tall, "fit": fit}] for fit in fits}, 5)
    ground = {"type": "color", "color": "#203040"}
    for name in ANIMATIONS:
        look = {"font_size": 24, "position": "center", "animation": name}
        caption = {"type": "caption", "text": "Owls see in it", "words": WORDS, "style": look}
        await gallery.cell(name, [ground, caption], 1.2)
    await gallery.sheet("captions", {name: [{"type": "image", "src": name}] for name in ANIMATIONS}, 5)
    for name in TRANSITIONS:
        come = {"type": name, "duration": 1}
        below = {**night, "duration": 2}
        if name == "push":
            below |= {"duration": 1, "transition": {"out": come}}
        await gallery.cell(name, [below, {**day, "duration": 2, "transition": {"in": come}}], 0.5)
    await gallery.sheet("transitions", {name: [{"type": "image", "src": name}] for name in TRANSITIONS}, 3)
    await gallery.sheet(
        "styles", {label: [{"type": "color", "color": "#8fa3b8"}, _text(style)] for label, style in _STYLES.items()}, 3
    )


_STYLES: Final[dict[str, dict[str, Any]]] = {
    "bold, italic": {"bold": True, "italic": True},
    "stroke": {"stroke": {"color": "#aa3300", "width": 3}},
    "background, padding": {"background": "#000000b0", "padding": 8},
}


def _shape(name: str) -> dict[str, Any]:
    return {"type": "shape", "shape": name, "width": 110, "height": 72, **SHAPES[name]}


def _text(style: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": "Owls", "style": {"font_size": 36, **style}}


async def moves(gallery: Gallery) -> None:
    """Keep pictures of what moves, and of what lies over a whole film."""
    size = {"width": 320, "height": 180}
    zoom = {"type": "image", "src": "night", "duration": 3, "ken_burns": {"direction": "in", "amount": 0.8}}
    await gallery.keep("ken_burns", "timeline", {**size, "tracks": [{"clips": [zoom]}]}, (0, 1.5, 2.9))
    keys = [
        {"property": name, "time": time, "value": value, "easing": "ease_in_out"}
        for name, values in {"x": (50, 270), "y": (130, 60), "rotation": (0, 180), "scale": (0.5, 1.4)}.items()
        for time, value in zip((0, 2), values, strict=True)
    ]
    star = {
        "type": "shape",
        "shape": "star",
        "fill": "#ffd400",
        "width": 80,
        "height": 80,
        "duration": 2,
        "keyframes": keys,
    }
    still = {"type": "image", "src": "night", "duration": 2}
    await gallery.keep(
        "keyframes", "timeline", {**size, "tracks": [{"clips": [still]}, {"clips": [star]}]}, (0, 0.7, 1.3, 1.9)
    )
    text = {"type": "text", "text": "\n".join(SCRIPTS), "duration": 1, "style": {"font_size": 17}}
    await gallery.keep("scripts", "timeline", {**size, "background": "#203040", "tracks": [{"clips": [text]}]}, (0,))
    mark = {"src": "mark", "position": "top_right", "scale": 0.15, "opacity": 0.8}
    await gallery.keep(
        "watermark", "timeline", {**size, "tracks": [{"clips": [{**still, "src": "day"}]}]}, (0,), watermark=mark
    )


async def compositions(gallery: Gallery) -> None:
    """Keep some frames of a film of every composition."""
    small = {"width": 320, "height": 180}
    pan = {"type": "image", "src": "day", "duration": 6, "ken_burns": {"direction": "left", "amount": 0.5}}
    await gallery.film("walk", "timeline", {"width": 640, "height": 360, "fps": 25, "tracks": [{"clips": [pan]}]})
    zoom = {"type": "image", "src": "night", "duration": 6, "ken_burns": {"amount": 1.0}}
    await gallery.film("flight", "timeline", {"width": 640, "height": 360, "fps": 25, "tracks": [{"clips": [zoom]}]})
    band = {"width": 320, "height": 50}
    title = {"type": "text", "text": "Owls at night", "start": 0.2, "duration": 4, "position": "bottom", **band}
    bar = {"type": "shape", "fill": "#101820b0", "duration": 4, "position": "bottom", **band}
    fade = {"in": {"type": "fade", "duration": 1}}
    pictures = [
        {"type": "video", "src": "walk", "duration": 2.5},
        {"type": "video", "src": "flight", "start": 1.5, "duration": 2.5, "transition": fade},
    ]
    tracks = [{"clips": pictures}, {"clips": [bar]}, {"clips": [{**title, "style": {"font_size": 32}}]}]
    await gallery.keep("timeline", "timeline", {**small, "tracks": tracks}, (0.5, 1.9, 3.5))
    said = [
        {"text": "Owls see in the dark", "start": 0, "end": 2.5},
        {"text": "frame by frame", "start": 2.5, "end": 5},
    ]
    look = {"animation": "highlight", "active": {"scale": 1.15}, "font_size": 40}
    await gallery.keep(
        "captioned_video", "captioned_video", {"src": "flight", "captions": said, "style": look}, (0.4, 1.4, 3), **small
    )
    scenes = [{"images": ["night", "day"], "text": "Two skies", "duration": 4}, {"images": ["tall"], "duration": 3}]
    await gallery.keep(
        "slideshow",
        "slideshow",
        {"scenes": scenes, "renderOptions": {"minShot": 1, "xfade": 0.6}},
        (1, 2, 5.5),
        **small,
    )
    edl = {
        **{"status": "locked", "masterCamera": "A", "durationMs": 6000},
        "sources": {"A": {"mezzanineUrl": "walk"}, "B": {"mezzanineUrl": "flight"}},
        "tracks": {"program": [
            {"startMs": 0, "endMs": 2000, "camera": "A"},
            {"startMs": 2000, "endMs": 4000, "camera": "B"},
            {"startMs": 4000, "endMs": 6000, "camera": "A"},
        ]},
    }  # fmt: skip
    await gallery.keep("edit_list", "edit_list", {"sessionId": "s", "edl": edl}, (1, 3, 5), **small)
    region = {"start_time": 0, "end_time": 6, "x": 0.5, "y": 0.35, "radius_x": 0.16, "radius_y": 0.26}
    for effect in ("dark_overlay", "blur", "original"):
        shown = {**region, "color": "#00c8ff", "opacity": 0.5} if effect == "original" else {**region, "opacity": 0.8}
        await gallery.film(
            effect, "overlay", {"src": "night-video", "params": {"effect_type": effect, "highlight_regions": [shown]}}
        )
    cells = {name: [{"type": "video", "src": name, "duration": 2}] for name in ("dark_overlay", "blur", "original")}
    await gallery.sheet("overlay", cells, 3, 1)
    grounds = [{"type": "image", "src": "night"}, {"type": "video", "src": "walk"}]
    props = {"canvas": {**small, "fps": 25}, "duration": 8, "backgrounds": grounds, "crossfade": 2}
    await gallery.keep("longform", "longform", props, (1, 4, 7))
    crop = [
        {"time": 0, "x": 0, "y": 0, "width": 202, "height": 360},
        {"time": 4, "x": 400, "y": 0, "width": 202, "height": 360},
    ]
    await gallery.keep(
        "framing",
        "framing",
        {"params": {"clips": [{"clip_index": 0, "src": "walk", "end": 5, "crop_keyframes": crop}]}},
        (0, 1.5, 3, 4.5),
        width=180,
        height=320,
    )
    rated = [
        {"start_time": 1, "end_time": 3, "rating": 5, "tags": ["owl", "branch"], "notes": "It looks back"},
        {"start_time": 4, "end_time": 6, "rating": 2},
    ]
    await gallery.keep("annotate", "annotate", {"src": "walk", "params": {"clips": rated}}, (1, 3), **small)


async def main(pictures: Path) -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(await discover(), Path(folder), pictures)
        skies = {"night": NIGHT, "day": DAY, "green": GREEN, "tall": NIGHT, "mark": NIGHT}
        sizes = {"tall": (90, 120), "mark": (240, 240)}
        for name, sky in skies.items():
            gallery.draw(name, *sizes.get(name, (640, 360)), sky)
        still = {"type": "image", "src": "night", "duration": 6}
        await gallery.film(
            "night-video", "timeline", {"width": 640, "height": 360, "fps": 25, "tracks": [{"clips": [still]}]}
        )
        await effects(gallery)
        await moves(gallery)
        await compositions(gallery)


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(into))
