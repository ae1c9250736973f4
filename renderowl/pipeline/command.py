"""The complete argv of every step. All names in it are relative to a work directory, so no path of a caller gets in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from renderowl.pipeline.encoders import AUDIO_SUFFIX, audio_arguments, video_arguments
from renderowl.pipeline.fonts import Font
from renderowl.pipeline.formats import GUARD
from renderowl.pipeline.graph import Stream, compile_graph
from renderowl.pipeline.hardware import Family, family_of
from renderowl.pipeline.layers import Input, segment_layers
from renderowl.pipeline.loudness import Level, levelled, measured
from renderowl.pipeline.pieces import tee_arguments
from renderowl.pipeline.plan import AudioProgramme, Encoding, Preview, Segment
from renderowl.pipeline.sound import programme_sound, samples
from renderowl.pipeline.stems import Batch, stem_sound
from renderowl.pipeline.stillness import stands_still
from renderowl.pipeline.timeline import Face
from renderowl.pipeline.tools import Toolchain

GRAPH_FILE: Final = "graph.txt"
_ONE_THREAD: Final = ("-threads", "1")
_START: Final = (
    *("-hide_banner", "-y", "-nostats", "-loglevel", "warning", "-progress", "pipe:2", "-stats_period", "0.2"),
    *("-filter_threads", "1", "-filter_complex_threads", "1"),
)
_NO_FONTS: Final = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>\n'
"""Fonts come from our wheels and from callers: what is installed on a machine must not change a picture."""


class Command(msgspec.Struct, frozen=True):
    """What to run and what must lie in the work directory first: `files` with their text, `links` to existing files."""

    argv: tuple[str, ...]
    output: str
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    """Name to `src` for a caller's media."""
    fonts: tuple[Font | Face, ...] = ()

    def prepare(self, work_dir: Path, inputs: Mapping[str, Path]) -> None:
        """Write the files and make the links."""
        work_dir.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (work_dir / name).write_text(text, encoding="utf-8")
        for name, src in self.links.items():
            link(work_dir / name, inputs[src])
        for index, font in enumerate(self.fonts):
            (work_dir / "fonts").mkdir(exist_ok=True)
            for path in (inputs[font.src],) if isinstance(font, Face) else font.paths():
                link(work_dir / "fonts" / f"{index}-{path.name}", path)


def link(name: Path, target: Path) -> None:
    """Make a name in a work directory that stands for a file elsewhere."""
    name.unlink(missing_ok=True)
    name.symlink_to(target.absolute())


def start(tools: Toolchain) -> tuple[str, ...]:
    """Return how every one of our commands begins."""
    return (tools.ffmpeg, *_START)


def _opened(inputs: Sequence[Input]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the arguments that open the inputs, each guarded, and the links they need."""
    arguments: list[str] = []
    names: dict[str, str] = {}
    for entry in inputs:
        name = names.setdefault(entry.src, f"media-{len(names)}")
        arguments += [*GUARD, *_ONE_THREAD, *entry.options, "-i", name]
    return tuple(arguments), {name: src for src, name in names.items()}


def _uploaded(picture: Stream, family: Family) -> Stream:
    """The picture where the family's encoder takes it from."""
    for name, *arguments in family.upload:
        picture = picture.then(name, *arguments)
    return picture


def segment_command(
    segment: Segment, encoding: Encoding, preview: Preview, tools: Toolchain, output: str = "segment.nut"
) -> Command:
    """Return the command that encodes one segment, and small pictures of it to standard output when asked for."""
    layers = segment_layers(segment)
    opened, links = _opened(layers.inputs)
    family = family_of(tools, encoding.video_codec)
    if preview.frames:
        main, small = layers.picture.split()
        # Frames are counted, not timed: `fps=1` shows the last frame of the first half second as its first picture.
        small = small.then("framestep", preview.step_frames(segment.canvas.rate)).then(
            "scale", min(preview.width, segment.canvas.width), -2, out_range="pc", out_color_matrix="bt601"
        )
        graph = compile_graph(_uploaded(main, family), small.then("format", "yuvj420p"))
    else:
        graph = compile_graph(_uploaded(layers.picture, family))
    argv = (
        *start(tools),
        *family.device,
        *opened,
        *(tools.graph_option, GRAPH_FILE, "-map", graph.outputs[0], *_ONE_THREAD),
        *video_arguments(encoding, segment.canvas, tools, still=stands_still(segment.clips, segment.frames)),
        *("-frames:v", str(segment.frames)),
        *(tee_arguments(segment, output) if preview.hls else ("-f", "nut", output)),
    )
    if preview.frames:
        argv += ("-map", graph.outputs[1], *_ONE_THREAD, "-fps_mode", "passthrough")
        argv += ("-c:v", "mjpeg", "-q:v", "6", "-f", "mjpeg", "pipe:1")
    files = {GRAPH_FILE: graph.text, "fonts.conf": _NO_FONTS, **layers.files}
    fonts = tuple(sorted(layers.fonts, key=lambda font: font.family))
    return Command(argv, output, files, links, fonts)


def audio_command(
    programme: AudioProgramme, encoding: Encoding, tools: Toolchain, level: Level | None = None
) -> Command:
    """Return the command that makes the whole sound track, at the level that was found for its loudness if it has one."""
    sound, inputs = _at_level(programme, level, limited=level is None)
    output = f"audio{AUDIO_SUFFIX[encoding.audio_codec]}"
    return _sound_command(sound, inputs, tools, *audio_arguments(encoding, tools), output)


def loudness_command(programme: AudioProgramme, tools: Toolchain, level: Level | None = None) -> Command:
    """Return the command that measures how loud the programme is, as it is or at a level."""
    sound, inputs = _at_level(programme, level, limited=False)
    return _sound_command(measured(sound), inputs, tools, "-c:a", "pcm_s16le", "-f", "null", "measured.nut")


def stem_command(batch: Batch, programme: AudioProgramme, tools: Toolchain) -> Command:
    """Return the command that mixes one stem of a programme."""
    sound, inputs = stem_sound(batch, programme)
    output = f"{batch.stem.src.replace('://', '-')}.wav"
    return _sound_command(sound, inputs, tools, "-c:a", "pcm_f32le", "-rf64", "auto", output)


def _at_level(programme: AudioProgramme, level: Level | None, *, limited: bool) -> tuple[Stream, list[Input]]:
    sound, inputs = programme_sound(programme, limited=limited)
    return sound if level is None else levelled(sound, level, samples(programme.frames, programme.rate)), inputs


def _sound_command(sound: Stream, inputs: Sequence[Input], tools: Toolchain, *encoded: str) -> Command:
    """Return the command that makes a sound, `encoded` being how, and last the file's name."""
    opened, links = _opened(inputs)
    graph = compile_graph(sound)
    argv = (
        *start(tools),
        *opened,
        *(tools.graph_option, GRAPH_FILE, "-map", graph.outputs[0], *_ONE_THREAD),
        *encoded,
    )
    return Command(argv, encoded[-1], {GRAPH_FILE: graph.text}, links)
