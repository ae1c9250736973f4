"""Texts and captions, drawn straight onto the picture where they stand, or on a layer of their own where they move."""

from typing import Final

import msgspec

from renderowl.domain.errors import LimitExceeded
from renderowl.pipeline.ass import Line, document
from renderowl.pipeline.course import has_course
from renderowl.pipeline.effects.text import caption_lines, text_lines
from renderowl.pipeline.effects.written import written
from renderowl.pipeline.fonts import font_of, font_runs
from renderowl.pipeline.graph import Stream
from renderowl.pipeline.parts import Layers
from renderowl.pipeline.size import Size, even
from renderowl.pipeline.timeline import Canvas, CaptionContent, Clip, Rate, TextContent

MAX_SUBTITLE_CHARS: Final = 8_000_000
"""Animated captions are written out once a state: a bound on what one segment's texts may grow to."""

_ROOM_LINES: Final = 1.35
"""Of the font's size, on each side: what a text may stand out of its box without being cut."""


def is_text(clip: Clip) -> bool:
    """Tell whether letters are what is seen of a clip."""
    return isinstance(clip.content, TextContent | CaptionContent)


def is_written(clip: Clip) -> bool:
    """True for a text that can be drawn straight onto the picture; every other clip is a layer of its own."""
    changes = clip.come is not None or clip.go is not None or bool(clip.opacity_keys)
    alone = has_course(clip) or changes or bool(clip.filters)
    return is_text(clip) and not alone


def write(layers: Layers, clips: list[Clip], canvas: Canvas) -> None:
    """Draw neighbouring texts and captions with one ASS file.

    ASS knows no time before zero, so when a cut went through a clip the file's clock is set forward by what has passed.
    """
    lead = max(0, *(-clip.start for clip in clips))
    name = _file(layers, clips, canvas, lead)
    rate = canvas.rate
    on_clock = layers.picture.then("settb", f"{rate.den}/{rate.num}").then("setpts", f"N+{lead}") if lead else None
    drawn = (on_clock or layers.picture).then("ass", filename=name, fontsdir="fonts", shaping="complex")
    layers.picture = drawn.then("setpts", "N") if on_clock else drawn


def roomy(clip: Clip) -> Size:
    """Return the size of a text's own layer: its box, and for a text some room around it."""
    room = 2 * round(clip.content.style.font_size * _ROOM_LINES) if isinstance(clip.content, TextContent) else 0
    return Size(even(clip.box.width + room), even(clip.box.height + room))


def written_layer(
    layers: Layers, clip: Clip, begun: int, frames: int, rate: Rate, name: str, factor: float
) -> tuple[Stream, Size]:
    """Return a text on nothing, `factor` times as large as it stands in its box, from frame `begun` of the clip on."""
    room, still = roomy(clip), isinstance(clip.content, TextContent)
    lead = 0 if still else begun
    page = Canvas(room.width, room.height, rate, frames)
    box = msgspec.structs.replace(clip.box, center_x=room.width / 2, center_y=room.height / 2)
    alone = msgspec.structs.replace(clip, start=-lead, box=box, fade_in=0, fade_out=0)
    size = Size(even(room.width * factor), even(room.height * factor))
    file = _file(layers, [alone], page, lead)
    return written(name, file, size, frames, rate, lead, still=still), size


def _file(layers: Layers, clips: list[Clip], canvas: Canvas, lead: int) -> str:
    """Add an ASS file with these clips, and the fonts it needs, and return its name."""
    lines: list[Line] = []
    size = 0
    for clip in clips:
        content, known = clip.content, len(lines)
        match content:
            case TextContent():
                lines += text_lines(clip, content, canvas)
                letters, style = content.text, content.style
            case CaptionContent():
                lines += caption_lines(clip, content, canvas)
                letters, style = content.letters, content.style.text
            case _:
                continue
        size += sum(len(line.body) for line in lines[known:])
        if size > MAX_SUBTITLE_CHARS:
            raise LimitExceeded(f"the texts shown within {canvas.frames} frames are too long to be drawn")
        layers.fonts |= {font_of(style), *(font for font, _ in font_runs(letters, font_of(style)))}
    name = f"text-{len(layers.files)}.ass"
    layers.files[name] = document(canvas, lines, lead)
    return name
