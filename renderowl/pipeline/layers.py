"""From a segment's clips to one picture stream: every clip becomes a layer, drawn over the ones before it."""

from itertools import groupby

import msgspec

from renderowl.pipeline.course import course_of, has_course
from renderowl.pipeline.effects.highlight import highlighted
from renderowl.pipeline.effects.look import rotated_size
from renderowl.pipeline.effects.move import levels_of, moved, patch_of, seen_keys
from renderowl.pipeline.effects.place import placed, shifted
from renderowl.pipeline.effects.source import normalised, plain
from renderowl.pipeline.motion import after
from renderowl.pipeline.parts import Input as Input
from renderowl.pipeline.parts import Layers, clip_number, span_between, span_of
from renderowl.pipeline.pictures import drawn_of, is_translucent, pictures_of
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import (
    Clip,
    ColorContent,
    HighlightContent,
    ImageContent,
    VideoContent,
)
from renderowl.pipeline.writing import is_text, is_written, write


def segment_layers(segment: Segment) -> Layers:
    """Return the whole segment's picture: exactly `segment.frames` frames on the canvas."""
    canvas = segment.canvas
    clips = [clip for clip in segment.clips if clip.start < canvas.frames and clip.start + clip.frames > 0]
    layers = Layers(plain("background", canvas.background, canvas.width, canvas.height, canvas.frames, canvas.rate))
    bottom = _full_bottom(clips, segment)
    if bottom is not None:
        name = f"clip{clip_number(bottom, segment)}"
        layers.picture, _ = pictures_of(bottom, span_of(bottom, canvas), segment, layers, name, alpha=False)
        clips.remove(bottom)
    for straight, group in groupby(clips, key=is_written):
        if straight:
            write(layers, list(group), canvas)
        else:
            for clip in group:
                if isinstance(clip.content, HighlightContent):
                    _highlight(layers, clip, clip.content, segment)
                elif has_course(clip) or (is_text(clip) and clip.box.rotation):
                    _draw_moving(layers, clip, segment)
                else:
                    _draw(layers, clip, segment)
    layers.picture = normalised(layers.picture, alpha=False).then("trim", end_frame=canvas.frames)
    return layers


def _full_bottom(clips: list[Clip], segment: Segment) -> Clip | None:
    """Return the lowest clip when nothing can be seen below it: it then is the background and no overlay is needed."""
    canvas = segment.canvas
    for clip in clips[:1]:
        span, box = span_of(clip, canvas), clip.box
        whole = span.frames == canvas.frames and (box.width, box.height) == (canvas.width, canvas.height)
        centred = (box.center_x, box.center_y, box.rotation) == (canvas.width / 2, canvas.height / 2, 0)
        stays = whole and centred and not has_course(clip)
        if stays and not is_translucent(clip, segment) and _fills(clip, segment):
            return clip
    return None


def _fills(clip: Clip, segment: Segment) -> bool:
    match clip.content:
        case ColorContent():
            return True
        case VideoContent() | ImageContent():
            return drawn_of(clip, segment) == Size(clip.box.width, clip.box.height)
        case _:
            return False


def _draw(layers: Layers, clip: Clip, segment: Segment) -> None:
    """Draw a clip that stays where it is over what is there."""
    canvas, span = segment.canvas, span_of(clip, segment.canvas)
    alpha = is_translucent(clip, segment) or clip.box.rotation != 0
    name = f"clip{clip_number(clip, segment)}"
    layer, size = pictures_of(clip, span, segment, layers, name, alpha=alpha)
    if clip.box.rotation:
        size = rotated_size(size, clip.box.rotation)
    x, y = round(clip.box.center_x - size.width / 2), round(clip.box.center_y - size.height / 2)
    layer = shifted(layer, span.start, canvas.rate)
    layers.picture = placed(layers.picture, layer, x, y, span.start, span.end, canvas)


def _draw_moving(layers: Layers, clip: Clip, segment: Segment) -> None:
    """Draw a clip over what is there, wherever it is just then."""
    canvas, span = segment.canvas, span_of(clip, segment.canvas)
    frames, drawn = range(span.elapsed, span.elapsed + span.frames), drawn_of(clip, segment)
    course = course_of(clip, drawn, canvas)
    unturned = msgspec.structs.replace(clip, box=msgspec.structs.replace(clip.box, rotation=0.0))
    fixed = isinstance(clip.content, VideoContent | ImageContent) and clip.content.fit == "none"
    levels = {1.0: [frames]} if fixed else levels_of(course, drawn, frames)
    for number, (factor, runs) in enumerate(levels.items()):
        frames = range(runs[0].start, runs[-1].stop)
        span, patch = span_between(clip, frames.start, frames.stop), patch_of(course, drawn, frames, canvas)
        if patch is None:
            continue
        name = f"clip{clip_number(clip, segment)}-{number}"
        layer, size = pictures_of(unturned, span, segment, layers, name, alpha=True, factor=factor)
        seen = seen_keys(runs) if len(runs) > 1 else ()
        layer = shifted(moved(layer, size, drawn, course, patch, frames, seen), span.start, canvas.rate)
        at = after(seen, -clip.start)
        layers.picture = placed(layers.picture, layer, patch.x, patch.y, span.start, span.end, canvas, at)


def _highlight(layers: Layers, clip: Clip, content: HighlightContent, segment: Segment) -> None:
    """Change what is there for as long as the clip lasts."""
    canvas, span = segment.canvas, span_of(clip, segment.canvas)
    name = f"highlight{clip_number(clip, segment)}"
    below, layer = highlighted(layers.picture, content, clip.start, name, canvas)
    layers.picture = placed(below, layer, 0, 0, span.start, span.end, canvas)
