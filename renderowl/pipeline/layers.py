"""From a segment's clips to one picture stream: every clip becomes a layer, drawn over the ones before it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Final

from renderowl.domain.errors import LimitExceeded
from renderowl.pipeline.ass import Line, document
from renderowl.pipeline.clock import fraction_of, time_of
from renderowl.pipeline.effects.filters import filtered, is_moving
from renderowl.pipeline.effects.fit import Size, cropped, drawn_size, fitted
from renderowl.pipeline.effects.highlight import highlighted
from renderowl.pipeline.effects.key import keyed
from renderowl.pipeline.effects.look import faded, rotated, rotated_size, translucent
from renderowl.pipeline.effects.place import placed, shifted
from renderowl.pipeline.effects.shape import drawn
from renderowl.pipeline.effects.source import held, normalised, plain, preroll, retimed
from renderowl.pipeline.effects.text import caption_lines, text_lines
from renderowl.pipeline.effects.view import view_source, viewed
from renderowl.pipeline.fonts import Font, font_of, font_runs
from renderowl.pipeline.graph import Stream, input_stream
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.timeline import (
    Canvas,
    CaptionContent,
    Clip,
    ColorContent,
    Face,
    HighlightContent,
    ImageContent,
    Media,
    Rate,
    ShapeContent,
    TextContent,
    VideoContent,
)

_TAIL_S: Final = Fraction(1, 2)
"""Read past a clip's end, so that the last frame is there whatever the source's frame rate."""


MAX_SUBTITLE_CHARS: Final = 8_000_000
"""Animated captions are written out once a state: a bound on what one segment's texts may grow to."""


@dataclass(frozen=True)
class Input:
    """A file opened for one clip; `options` stand before its `-i`."""

    src: str
    options: tuple[str, ...] = ()


@dataclass
class Layers:
    """The picture of a segment and what it needs: inputs in order, text files by name, fonts."""

    picture: Stream
    inputs: list[Input] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    fonts: set[Font | Face] = field(default_factory=set)


@dataclass(frozen=True)
class _Span:
    """The part of a clip a segment shows: frames of the segment, and where in the clip that begins.

    `lead` frames before it are made as well and dropped when a cut went through a fade.
    """

    start: int
    frames: int
    elapsed: int
    lead: int

    @property
    def end(self) -> int:
        return self.start + self.frames


def segment_layers(segment: Segment) -> Layers:
    """Return the whole segment's picture: exactly `segment.frames` frames on the canvas."""
    canvas = segment.canvas
    clips = [clip for clip in segment.clips if clip.start < canvas.frames and clip.start + clip.frames > 0]
    inputs: list[Input] = []
    bottom = _full_bottom(clips, segment)
    if bottom is None:
        picture = plain("background", canvas.background, canvas.width, canvas.height, canvas.frames, canvas.rate)
        layers = Layers(picture, inputs)
    else:
        layers = Layers(_layer(bottom, _span(bottom, canvas), segment, inputs, {}, alpha=False), inputs)
        clips.remove(bottom)
    for is_text, group in groupby(clips, key=lambda clip: isinstance(clip.content, TextContent | CaptionContent)):
        if is_text:
            _write(layers, list(group), canvas)
        else:
            for clip in group:
                if isinstance(clip.content, HighlightContent):
                    _highlight(layers, clip, clip.content, segment)
                else:
                    _draw(layers, clip, segment)
    layers.picture = normalised(layers.picture, alpha=False).then("trim", end_frame=canvas.frames)
    return layers


def _full_bottom(clips: list[Clip], segment: Segment) -> Clip | None:
    """Return the lowest clip when nothing can be seen below it: it then is the background and no overlay is needed."""
    canvas = segment.canvas
    for clip in clips[:1]:
        span, box = _span(clip, canvas), clip.box
        whole = span.frames == canvas.frames and (box.width, box.height) == (canvas.width, canvas.height)
        centred = (box.center_x, box.center_y, box.rotation) == (canvas.width / 2, canvas.height / 2, 0)
        if whole and centred and not _is_translucent(clip, segment) and _fills(clip, segment):
            return clip
    return None


def _fills(clip: Clip, segment: Segment) -> bool:
    match clip.content:
        case ColorContent():
            return True
        case VideoContent() | ImageContent() as content:
            return _drawn(clip, segment.media[content.src]) == Size(clip.box.width, clip.box.height)
        case _:
            return False


def _is_translucent(clip: Clip, segment: Segment) -> bool:
    faded_at_all = clip.opacity < 1 or clip.fade_in > 0 or clip.fade_out > 0
    match clip.content:
        case VideoContent(src=src, key=key) | ImageContent(src=src, key=key):
            return faded_at_all or key is not None or segment.media[src].has_alpha
        case ColorContent(color=color):
            return faded_at_all or len(color) == 9
        case _:
            return True


def _span(clip: Clip, canvas: Canvas) -> _Span:
    start, end = max(0, clip.start), min(canvas.frames, clip.start + clip.frames)
    elapsed = start - clip.start
    lead = 0
    if elapsed < clip.fade_in:
        lead = elapsed
    elif elapsed > clip.frames - clip.fade_out:
        lead = elapsed - (clip.frames - clip.fade_out)
    return _Span(start, end - start, elapsed, lead)


def _source_size(content: VideoContent | ImageContent, media: Media) -> Size:
    if content.crop is not None:
        return Size(content.crop.width, content.crop.height)
    return Size(media.width, media.height)


def _draw(layers: Layers, clip: Clip, segment: Segment) -> None:
    """Draw a picture clip over what is there."""
    canvas, span = segment.canvas, _span(clip, segment.canvas)
    alpha = _is_translucent(clip, segment) or clip.box.rotation != 0
    layer = _layer(clip, span, segment, layers.inputs, layers.files, alpha=alpha)
    size = Size(clip.box.width, clip.box.height)
    if isinstance(clip.content, VideoContent | ImageContent):
        size = _drawn(clip, segment.media[clip.content.src])
    if clip.box.rotation:
        size = rotated_size(size, clip.box.rotation)
    x, y = round(clip.box.center_x - size.width / 2), round(clip.box.center_y - size.height / 2)
    layer = shifted(layer, span.start, canvas.rate)
    layers.picture = placed(layers.picture, layer, x, y, span.start, span.end, canvas)


def _highlight(layers: Layers, clip: Clip, content: HighlightContent, segment: Segment) -> None:
    """Change what is there for as long as the clip lasts."""
    canvas, span = segment.canvas, _span(clip, segment.canvas)
    name = f"highlight{clip_number(clip, segment)}"
    below, layer = highlighted(layers.picture, content, clip.start, name, canvas)
    layers.picture = placed(below, layer, 0, 0, span.start, span.end, canvas)


def _layer(
    clip: Clip, span: _Span, segment: Segment, inputs: list[Input], files: dict[str, str], *, alpha: bool
) -> Stream:
    """Return a clip's own pictures, `span.frames` of them, fitted, turned and faded."""
    rate, frames = segment.canvas.rate, span.frames + span.lead
    begun = span.elapsed - span.lead
    box = Size(clip.box.width, clip.box.height)
    name = f"clip{clip_number(clip, segment)}"

    def looked(picture: Stream, size: Size) -> Stream:
        if isinstance(clip.content, VideoContent | ImageContent) and clip.content.key:
            picture = keyed(picture, clip.content.key)
        return filtered(picture, clip.filters, size, name, begun, frames, rate, alpha=alpha)

    match clip.content:
        case ImageContent() as content:
            media = segment.media[content.src]
            source = _source_size(content, media)
            picture = cropped(_open(inputs, content.src), content.crop)
            if content.view:
                whole = normalised(view_source(picture, content.view, source, box, moving=False), alpha)
                moved = viewed(held(whole, frames, rate), content.view, begun, source, box)
                layer = _shaped(looked(moved, box), clip, box)
            else:
                size = _drawn(clip, media)
                picture = normalised(fitted(picture, source, box, content.fit, moving=False), alpha)
                layer = _still(picture, clip, size, looked, frames, rate)
        case VideoContent() as content:
            media = segment.media[content.src]
            source = _source_size(content, media)
            picture = cropped(_play(inputs, content, media, begun, frames, segment.canvas), content.crop)
            if content.view:
                whole = normalised(view_source(picture, content.view, source, box, moving=True), alpha)
                picture = viewed(whole, content.view, begun, source, box)
            else:
                picture = normalised(fitted(picture, source, box, content.fit, moving=True), alpha)
            size = _drawn(clip, media)
            layer = _shaped(looked(picture, size), clip, size)
        case ColorContent(color=color):
            layer = plain(name, color, box.width, box.height, frames, rate)
            layer = _shaped(looked(normalised(layer, alpha), box), clip, box)
        case ShapeContent() as content:
            picture, drawings = drawn(content, box, name, rate)
            files.update(drawings)
            layer = _still(normalised(picture, alpha), clip, box, looked, frames, rate)
        case _:
            raise TypeError(f"{clip.content} has no pictures of its own")
    layer = faded(layer, clip.frames - begun, clip.fade_in if begun == 0 else 0, clip.fade_out)
    if span.lead:
        layer = layer.then("trim", start_frame=span.lead).then("setpts", f"PTS-{span.lead}")
    return layer


def _still(
    picture: Stream, clip: Clip, size: Size, looked: Callable[[Stream, Size], Stream], frames: int, rate: Rate
) -> Stream:
    """Return a picture that stays: what is done to it is done once, unless it makes it move."""
    if is_moving(clip.filters):
        return _shaped(looked(held(picture, frames, rate), size), clip, size)
    return held(_shaped(looked(picture, size), clip, size), frames, rate)


def clip_number(clip: Clip, segment: Segment) -> int:
    """Return a clip's place in its segment: the same segment has the same numbers wherever it stands in the film."""
    return next(index for index, other in enumerate(segment.clips) if other is clip)


def _drawn(clip: Clip, media: Media) -> Size:
    assert isinstance(clip.content, VideoContent | ImageContent)
    box = Size(clip.box.width, clip.box.height)
    return box if clip.content.view else drawn_size(_source_size(clip.content, media), box, clip.content.fit)


def _shaped(picture: Stream, clip: Clip, size: Size) -> Stream:
    if clip.opacity < 1:
        picture = translucent(picture, clip.opacity)
    return rotated(picture, size, clip.box.rotation) if clip.box.rotation else picture


def _open(inputs: list[Input], src: str, *options: str) -> Stream:
    inputs.append(Input(src, options))
    return input_stream(len(inputs) - 1, "v")


def _play(inputs: list[Input], content: VideoContent, media: Media, begun: int, frames: int, canvas: Canvas) -> Stream:
    """Open a video where the clip stands `begun` frames after its start, and bring it onto the canvas' clock."""
    speed = Fraction(content.speed).limit_denominator(10_000)
    start = fraction_of(content.start) + time_of(begun, canvas.rate) * speed
    options: list[str] = []
    if content.loop and media.duration_s:
        start %= Fraction(media.duration_s).limit_denominator(1_000_000)
        options += ["-stream_loop", "-1"]
    early = preroll(start, media)
    if start > early:
        options += ["-ss", f"{float(start - early):.6f}"]
    if not content.loop:
        options += ["-t", f"{float(early + time_of(frames, canvas.rate) * speed + _TAIL_S):.6f}"]
    opened = _open(inputs, content.src, *options)
    return retimed(opened, early, float(speed), frames, canvas.rate)


def _write(layers: Layers, clips: list[Clip], canvas: Canvas) -> None:
    """Draw neighbouring texts and captions with one ASS file.

    ASS knows no time before zero, so when a cut went through a clip the file's clock is set forward by what has passed.
    """
    lead = max(0, *(-clip.start for clip in clips))
    lines: list[Line] = []
    size = 0
    for clip in clips:
        content, known = clip.content, len(lines)
        match content:
            case TextContent():
                lines += text_lines(clip, content, canvas)
                texts, style = content.text, content.style
            case CaptionContent():
                lines += caption_lines(clip, content, canvas)
                texts, style = content.text + "".join(word.text for word in content.words), content.style.text
            case _:
                continue
        size += sum(len(line.body) for line in lines[known:])
        if size > MAX_SUBTITLE_CHARS:
            raise LimitExceeded(f"the texts shown within {canvas.frames} frames are too long to be drawn")
        layers.fonts |= {font_of(style), *(font for font, _ in font_runs(texts, font_of(style)))}
    name = f"text-{len(layers.files)}.ass"
    layers.files[name] = document(canvas, lines, lead)
    rate = canvas.rate
    on_clock = layers.picture.then("settb", f"{rate.den}/{rate.num}").then("setpts", f"N+{lead}") if lead else None
    written = (on_clock or layers.picture).then("ass", filename=name, fontsdir="fonts", shaping="complex")
    layers.picture = written.then("setpts", "N") if on_clock else written
