"""Whole commands in readable files: a change of what FFmpeg is told is a diff to be read.

`RENDEROWL_GOLDEN=write` writes the files anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from renderowl.pipeline.command import Command, audio_command, loudness_command, segment_command
from renderowl.pipeline.loudness import Level
from renderowl.pipeline.motion import Key, Motion, Passage
from renderowl.pipeline.plan import AudioProgramme, Encoding, Preview, Segment
from renderowl.pipeline.timeline import (
    AudioClip,
    Box,
    Canvas,
    CaptionContent,
    CaptionStyle,
    ChromaKey,
    Clip,
    ColorContent,
    Content,
    Crop,
    Duck,
    Ellipse,
    EllipseKey,
    Face,
    Filter,
    FilterName,
    HighlightContent,
    ImageContent,
    Media,
    Rate,
    Seconds,
    ShapeContent,
    TextContent,
    TextStyle,
    VideoContent,
    ViewKey,
    Word,
)
from renderowl.pipeline.tools import Toolchain

HERE = Path(__file__).parent / "commands"
TOOLS = Toolchain(
    ffmpeg="FFMPEG",
    version="golden",
    encoders=frozenset({"libx264", "libx265", "libvpx-vp9", "libsvtav1", "ffv1", "libopus", "libmp3lame"}),
)
MEDIA = {
    "film": Media("film", "video", "f" * 64, 1920, 1080, 60.0, 24.0, has_video=True, has_audio=True, channels=2),
    "photo": Media("photo", "image", "p" * 64, 4000, 3000),
    "logo": Media("logo", "image", "l" * 64, 400, 400, has_alpha=True),
    "voice": Media("voice", "audio", "v" * 64, duration_s=20.0, has_audio=True, channels=1),
}
FULL = Box(640, 360, 1280, 720)
VIEW = (ViewKey(0, 100, 50, 960, 540), ViewKey(60, 200.5, 60.25, 480, 270))
FILTERS: dict[FilterName, float] = {
    **{
        "brightness": 1.5,
        "contrast": 0.5,
        "saturation": 2.0,
        "hue": 90.0,
        "grayscale": 0.5,
        "sepia": 1.0,
        "invert": 1.0,
    },
    **{"blur": 8.0, "sharpen": 1.0, "vignette": 0.5, "noise": 0.2, "denoise": 0.5},
}
SHAPES = (
    ShapeContent("rectangle", "#ff0000", "#ffffff80", 4.0, 20.0),
    ShapeContent("ellipse", "#ff0000"),
    ShapeContent("circle", None, "#ffffff", 4.0),
    ShapeContent("line", None, "#ffffff", 4.0, points=((0.0, 0.0), (1.0, 1.0))),
    ShapeContent("polygon", "#ff0000", "#ffffff", 4.0, points=((0.5, 0.0), (1.0, 1.0), (0.0, 1.0))),
)
MOTION = Motion(
    x=(Key(0, 200.0, "ease_in_out"), Key(60, 800.0)),
    y=(Key(0, 300.0),),
    anchor_x=0.0,
    scale=(Key(0, 0.5), Key(60, 1.0)),
    rotation=(Key(0, 0.0, "hold"), Key(30, 45.0)),
)
WORDS = (Word("one", 0, 10), Word("two", 10, 10), Word("three", 25, 10))


def clip(content: Content, box: Box = FULL, start: int = 0, frames: int = 60, **more: object) -> Clip:
    return Clip("clip", start, frames, content, box, **more)  # type: ignore[arg-type]  # opacity, fades and filters


def segment(*clips: Clip) -> Segment:
    return Segment(0, 0, 60, "key", Canvas(1280, 720, Rate(30), 60, "#102030"), clips, MEDIA, 1.0)


def picture(*clips: Clip, encoding: Encoding | None = None, preview: bool = False) -> Command:
    return segment_command(segment(*clips), encoding or Encoding(), Preview(frames=preview), TOOLS)


def caption(animation: str) -> Clip:
    style = CaptionStyle(animation=animation, active_scale=1.1)  # type: ignore[arg-type]  # one of the five
    return clip(CaptionContent("one two three", WORDS, style), frames=40)


def highlight(effect: str) -> Clip:
    moving = Ellipse(0, 30, (EllipseKey(0, 300, 200, 80, 120, 0.5), EllipseKey(30, 900, 240, 90, 130, 1.0, "#ff0000")))
    still = Ellipse(20, 40, (EllipseKey(0, 640, 360, 100, 100),))
    ellipses = (moving,) if effect == "tint" else (moving, still) if effect == "dim" else (still,)
    return clip(HighlightContent(effect, ellipses), start=-10, frames=40)  # type: ignore[arg-type]  # one of the three


def programme(*clips: AudioClip) -> AudioProgramme:
    return AudioProgramme("key", Rate(30000, 1001), 90, clips, MEDIA, 1.0)


def sound(*clips: AudioClip, codec: str = "aac") -> Command:
    encoding = Encoding(audio_codec=codec)  # type: ignore[arg-type]  # one of the codecs
    return audio_command(programme(*clips), encoding, TOOLS)


CASES: dict[str, Callable[[], Command]] = {
    "empty": picture,
    "preview": lambda: picture(preview=True),
    "image-cover-as-background": lambda: picture(clip(ImageContent("photo"))),
    "image-contain": lambda: picture(clip(ImageContent("photo", "contain"))),
    "image-blur": lambda: picture(clip(ImageContent("photo", "blur"))),
    "image-crop-none": lambda: picture(
        clip(ImageContent("photo", "none", Crop(10, 20, 640, 480)), start=15, frames=30)
    ),
    "image-alpha-faded": lambda: picture(
        clip(ColorContent("#ffffff")), clip(ImageContent("logo"), Box(100, 100, 120, 120), fade_in=10, fade_out=5)
    ),
    "image-rotated-translucent": lambda: picture(clip(ImageContent("photo"), Box(640, 360, 400, 300, 30), opacity=0.5)),
    "crossfade": lambda: picture(clip(ImageContent("photo")), clip(VideoContent("film"), fade_in=60)),
    "video-trimmed-fast": lambda: picture(clip(VideoContent("film", Seconds(10, 3), 1.5))),
    "video-loop": lambda: picture(clip(VideoContent("film", loop=True))),
    "video-cut-in-two": lambda: picture(clip(VideoContent("film", Seconds(1)), start=-45, frames=200)),
    "cut-through-a-fade": lambda: picture(clip(ColorContent("#ff0000"), start=-5, frames=60, fade_in=20)),
    "colors-alike": lambda: picture(
        clip(ColorContent("#ff0000"), Box(50, 50, 40, 40)), clip(ColorContent("#ff0000"), Box(90, 50, 40, 40))
    ),
    **{
        f"highlight-{effect}": lambda effect=effect: picture(clip(VideoContent("film")), highlight(effect))  # type: ignore[misc]
        for effect in ("dim", "blur", "tint")
    },
    "view-of-a-still": lambda: picture(clip(ImageContent("photo", view=VIEW), start=-10, frames=70)),
    "view-of-a-video-over-another": lambda: picture(
        clip(ColorContent("#ffffff")), clip(VideoContent("film", Seconds(2), view=VIEW), Box(640, 360, 320, 180))
    ),
    **{
        f"filter-{name}": lambda name=name, amount=amount: picture(  # type: ignore[misc]
            clip(VideoContent("film"), filters=(Filter(name, amount),)),
            clip(ImageContent("logo"), Box(100, 100, 120, 120), filters=(Filter(name, amount),)),
        )
        for name, amount in FILTERS.items()
    },
    "filter-noise-cut-in-two": lambda: picture(
        clip(VideoContent("film"), start=-15, frames=90, filters=(Filter("noise", 0.2, 30),))
    ),
    "filter-blur-of-a-text": lambda: picture(clip(TextContent("blurred"), filters=(Filter("blur", 4.0),))),
    "chroma-key": lambda: picture(
        clip(ColorContent("#ffffff")), clip(VideoContent("film", key=ChromaKey("#00b140", 0.15, 0.05)))
    ),
    **{
        f"shape-{shape.form}": lambda shape=shape: picture(clip(shape, Box(640, 360, 200, 100)))  # type: ignore[misc]
        for shape in SHAPES
    },
    "text-in-a-font-of-ones-own": lambda: picture(
        clip(TextContent("AB", TextStyle("Brand", face=Face("brand", "b" * 64, "Brand Bold", 1.25, "A"))))
    ),
    "moving-picture": lambda: picture(clip(ImageContent("photo"), Box(640, 360, 640, 360), start=-10, motion=MOTION)),
    "moving-text": lambda: picture(clip(TextContent("Hi"), Box(640, 360, 640, 100), motion=MOTION)),
    "opacity-keys": lambda: picture(clip(ColorContent("#ff0000"), opacity_keys=(Key(0, 1.0, "ease_in"), Key(59, 0.2)))),
    "transition-slide-zoom": lambda: picture(
        clip(ImageContent("logo"), Box(100, 100, 120, 120), come=Passage("slide", 15, "up"), go=Passage("zoom", 10))
    ),
    "transition-wipe-circle": lambda: picture(
        clip(VideoContent("film"), come=Passage("wipe", 15, "right"), go=Passage("circle", 10))
    ),
    "transition-radial-dissolve": lambda: picture(
        clip(CaptionContent("one"), come=Passage("radial", 15), go=Passage("dissolve", 10))
    ),
    "transition-pixelize": lambda: picture(
        clip(ImageContent("photo"), come=Passage("pixelize", 15), go=Passage("pixelize", 10), fade_in=15, fade_out=10)
    ),
    "text": lambda: picture(
        clip(ColorContent("#ffffff")),
        clip(TextContent("Hi {\\i1}\nשלום", TextStyle(bold=True, background="#000000c0", padding=12)), opacity=0.8),
    ),
    "text-under-a-picture": lambda: picture(
        clip(TextContent("below")), clip(ImageContent("logo"), Box(9, 9, 8, 8)), clip(TextContent("above"))
    ),
    **{f"caption-{name}": lambda name=name: picture(caption(name)) for name in ("none", "highlight", "karaoke", "pop")},  # type: ignore[misc]
    "caption-typewriter": lambda: picture(caption("typewriter")),
    "caption-cut": lambda: picture(Clip("c", -20, 40, caption("karaoke").content, FULL)),
    **{
        f"encoding-{name}": lambda name=name: picture(encoding=Encoding(video_codec=name))  # type: ignore[misc]
        for name in ("hevc", "vp9", "av1", "gif")
    },
    "sound-one": lambda: sound(AudioClip("a", 0, 90, "voice")),
    "sound-mix": lambda: sound(
        AudioClip("a", 0, 90, "film", gain=0.25, fade_in=15, fade_out=30, loop=True),
        AudioClip("b", 30, 30, "voice", Seconds(7, 2), 3.0),
    ),
    "sounds-in-a-row": lambda: sound(
        AudioClip("a", 0, 30, "voice"),
        AudioClip("b", 20, 30, "film", gain=0.5),
        AudioClip("c", 30, 30, "voice"),
        AudioClip("d", 75, 15, "voice"),
    ),
    "sound-ducked": lambda: sound(
        AudioClip("a", 0, 60, "voice", group="voices"),
        AudioClip("b", 0, 90, "film", duck=Duck(("voices",), -12.0, 20.0, 250.0)),
    ),
    "sound-shaped": lambda: sound(
        AudioClip("a", 0, 45, "film", Seconds(2), 1.5, keep_pitch=False, fade_out=15, crossed_out=True),
        AudioClip("b", 30, 60, "voice", envelope=(Key(0, 0.2, "ease_in_out"), Key(30, 1.0, "hold"), Key(45, 0.5))),
    ),
    "sound-measured": lambda: loudness_command(programme(AudioClip("a", 0, 90, "voice")), TOOLS),
    "sound-levelled": lambda: audio_command(
        programme(AudioClip("a", 0, 90, "voice")), Encoding(), TOOLS, Level(7.25, ceiling_db=-1.0)
    ),
    "sound-opus": lambda: sound(AudioClip("a", 0, 90, "voice"), codec="opus"),
    "silence": sound,
}


def readable(made: Command) -> str:
    """Return a command with one option a line, and the files it reads."""
    lines = ["# argv"]
    for word in made.argv:
        lines[-1:] = (
            [f"{lines[-1]} {word}"] if not word.startswith("-") and lines[-1].startswith("-") else [lines[-1], word]
        )
    parts = ["\n".join(lines)]
    parts += [f"# file {name}\n{text.rstrip()}" for name, text in made.files.items() if name != "fonts.conf"]
    parts += [f"# link {name} -> {src}" for name, src in made.links.items()]
    parts += [f"# font {font.family}" for font in made.fonts]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_a_command_is_what_it_was(name: str) -> None:
    made, file = readable(CASES[name]()), HERE / f"{name}.txt"
    if os.environ.get("RENDEROWL_GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8"), "if this is meant, run the test with RENDEROWL_GOLDEN=write"


def test_no_file_is_left_over() -> None:
    assert {file.stem for file in HERE.iterdir()} == set(CASES)


def test_a_command_knows_no_place_of_this_machine() -> None:
    for make in CASES.values():
        text = readable(make())
        assert str(Path.home()) not in text
        assert str(Path.cwd()) not in text
