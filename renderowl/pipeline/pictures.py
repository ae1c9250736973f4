"""A clip's own pictures: opened, fitted, changed by its filters, turned, and on their way in and out by their opacity."""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import msgspec

from renderowl.pipeline.clock import exact, fraction_of, time_of
from renderowl.pipeline.effects.filters import filtered, is_moving
from renderowl.pipeline.effects.fit import cropped, fitted
from renderowl.pipeline.effects.key import keyed
from renderowl.pipeline.effects.look import faded, rotated, translucent, varying
from renderowl.pipeline.effects.shape import drawn
from renderowl.pipeline.effects.source import held, normalised, plain, preroll, retimed, squared, toned
from renderowl.pipeline.effects.transition import masked, pixelized
from renderowl.pipeline.effects.view import view_source, viewed
from renderowl.pipeline.graph import Stream
from renderowl.pipeline.parts import Layers, Span
from renderowl.pipeline.plan import Segment
from renderowl.pipeline.size import Size, drawn_size, even
from renderowl.pipeline.timeline import (
    Canvas,
    CaptionContent,
    Clip,
    ColorContent,
    ImageContent,
    Media,
    Rate,
    ShapeContent,
    TextContent,
    VideoContent,
)
from renderowl.pipeline.writing import roomy, written_layer

_TAIL_S: Final = Fraction(1, 2)
"""Read past a clip's end, so that the last frame is there whatever the source's frame rate."""


def is_translucent(clip: Clip, segment: Segment) -> bool:
    """True when something below a clip may be seen through it."""
    comes_or_goes = clip.head > 0 or clip.tail > 0 or bool(clip.opacity_keys) or clip.opacity < 1
    match clip.content:
        case VideoContent(src=src, key=key) | ImageContent(src=src, key=key):
            return comes_or_goes or key is not None or segment.media[src].has_alpha
        case ColorContent(color=color):
            return comes_or_goes or len(color) == 9
        case _:
            return True


def drawn_of(clip: Clip, segment: Segment) -> Size:
    """Return the size of what is drawn in the middle of a clip's box, before it is turned."""
    box = Size(clip.box.width, clip.box.height)
    match clip.content:
        case VideoContent(src=src) | ImageContent(src=src) as content:
            source = _source_size(content, segment.media[src])
            return box if content.view else drawn_size(source, box, content.fit)
        case TextContent() | CaptionContent():
            return roomy(clip)
        case _:
            return box


def pictures_of(
    clip: Clip, span: Span, segment: Segment, layers: Layers, name: str, *, alpha: bool, factor: float = 1.0
) -> tuple[Stream, Size]:
    """Return a clip's own pictures, `span.frames` of them, and their size before they are turned.

    They are `factor` times as large as they are drawn.
    """
    rate, frames = segment.canvas.rate, span.frames + span.lead
    begun = span.elapsed - span.lead
    if isinstance(clip.content, TextContent | CaptionContent):
        layer, size = written_layer(layers, clip, begun, frames, rate, name, factor)
        layer = filtered(layer, _enlarged(clip, factor).filters, size, name, begun, frames, rate, alpha=True)
    else:
        clip = _enlarged(clip, factor)
        layer, size = _seen(clip, begun, frames, segment, layers, name, alpha=alpha), drawn_of(clip, segment)
    come, go, rest = clip.come if begun == 0 else None, clip.go, clip.frames - begun
    layer = pixelized(layer, come, go, rest, rate)
    layer = faded(layer, rest, clip.fade_in if begun == 0 else 0, clip.fade_out)
    layer = masked(layer, size, come, go, rest, name, rate)
    if clip.opacity_keys:
        layer = varying(layer, clip.opacity_keys, begun)
    if span.lead:
        layer = layer.then("trim", start_frame=span.lead).then("setpts", f"PTS-{span.lead}")
    return layer, size


def _enlarged(clip: Clip, factor: float) -> Clip:
    """Return a clip with all that is told in pixels multiplied."""
    if factor == 1:
        return clip
    box, content = clip.box, clip.content
    if isinstance(content, ShapeContent):
        stroke, radius = content.stroke_width * factor, content.radius * factor
        content = msgspec.structs.replace(content, stroke_width=stroke, radius=radius)
    return msgspec.structs.replace(
        clip,
        content=content,
        box=msgspec.structs.replace(box, width=even(box.width * factor), height=even(box.height * factor)),
        filters=tuple(
            msgspec.structs.replace(one, amount=one.amount * factor) if one.name == "blur" else one
            for one in clip.filters
        ),
    )


def _seen(clip: Clip, begun: int, frames: int, segment: Segment, layers: Layers, name: str, *, alpha: bool) -> Stream:
    """Return the pictures of all but texts, from frame `begun` of the clip on: fitted, filtered and turned."""
    rate, size = segment.canvas.rate, drawn_of(clip, segment)
    box = Size(clip.box.width, clip.box.height)

    def looked(picture: Stream, size: Size) -> Stream:
        if isinstance(clip.content, VideoContent | ImageContent) and clip.content.key:
            picture = normalised(keyed(picture, clip.content.key, size), alpha)
        return filtered(picture, clip.filters, size, name, begun, frames, rate, alpha=alpha)

    match clip.content:
        case ImageContent() as content:
            source = _source_size(content, segment.media[content.src])
            picture = cropped(layers.open(content.src), content.crop)
            if content.view:
                whole = normalised(view_source(picture, content.view, source, box, moving=False), alpha)
                moved = viewed(held(whole, frames, rate), content.view, begun, source, box)
                return _shaped(looked(moved, box), clip, box)
            picture = normalised(fitted(picture, source, box, content.fit, moving=False), alpha)
            return _still(picture, clip, size, looked, frames, rate)
        case VideoContent() as content:
            media = segment.media[content.src]
            source = _source_size(content, media)
            picture = cropped(_play(layers, content, media, begun, frames, segment.canvas), content.crop)
            if content.view:
                whole = normalised(view_source(picture, content.view, source, box, moving=True), alpha)
                picture = viewed(whole, content.view, begun, source, box)
            else:
                picture = normalised(fitted(picture, source, box, content.fit, moving=True), alpha)
            return _shaped(looked(picture, size), clip, size)
        case ColorContent(color=color):
            picture = plain(name, color, box.width, box.height, frames, rate)
            return _shaped(looked(normalised(picture, alpha), box), clip, box)
        case ShapeContent() as content:
            picture, drawings = drawn(content, box, name, rate)
            layers.files.update(drawings)
            return _still(normalised(picture, alpha), clip, box, looked, frames, rate)
        case _:
            raise TypeError(f"{clip.content} has no pictures of its own")


def _still(
    picture: Stream, clip: Clip, size: Size, looked: Callable[[Stream, Size], Stream], frames: int, rate: Rate
) -> Stream:
    """Return a picture that stays: what is done to it is done once, unless it makes it move."""
    if is_moving(clip.filters):
        return _shaped(looked(held(picture, frames, rate), size), clip, size)
    return held(_shaped(looked(picture, size), clip, size), frames, rate)


def _shaped(picture: Stream, clip: Clip, size: Size) -> Stream:
    if clip.opacity < 1:
        picture = translucent(picture, clip.opacity)
    return rotated(picture, size, clip.box.rotation) if clip.box.rotation else picture


def _source_size(content: VideoContent | ImageContent, media: Media) -> Size:
    if content.crop is not None:
        return Size(content.crop.width, content.crop.height)
    return Size(media.width, media.height)


def _play(layers: Layers, content: VideoContent, media: Media, begun: int, frames: int, canvas: Canvas) -> Stream:
    """Open a video where the clip stands `begun` frames after its start, and bring it onto the canvas' clock."""
    speed = exact(content.speed)
    start = fraction_of(content.start) + time_of(begun, canvas.rate) * speed
    options: list[str] = []
    if content.loop and media.duration_s:
        start %= exact(media.duration_s)
        options += ["-stream_loop", "-1"]
    early = preroll(start, media)
    if start > early:
        options += ["-ss", f"{float(start - early):.6f}"]
    if not content.loop:
        options += ["-t", f"{float(early + time_of(frames, canvas.rate) * speed + _TAIL_S):.6f}"]
    if media.decoder:
        options += ["-c:v", media.decoder]
    picture = retimed(layers.open(content.src, *options), early, float(speed), frames, canvas.rate)
    if media.transfer:
        picture = toned(picture, media.transfer)
    return squared(picture, media) if media.is_stretched else picture
