"""Watermark: a picture above everything a composition shows, from the first frame to the last."""

from typing import Final

import msgspec

from renderowl.domain.spec.output import Watermark
from renderowl.domain.spec.timeline import ImageClip
from renderowl.pipeline.layout import Stage, box_of
from renderowl.pipeline.timeline import Canvas, Clip, ImageContent, Media

_MARGIN: Final = 0.03
"""Of the shorter side of the film: how far it keeps from an edge it is placed by."""


def watermark_clip(asked: Watermark, media: Media, canvas: Canvas) -> Clip:
    """Return the watermark as the uppermost clip of a film."""
    margin = round(_MARGIN * min(canvas.width, canvas.height))
    within = Stage(
        canvas.width - 2 * margin, canvas.height - 2 * margin, canvas.rate, offset_x=-margin, offset_y=-margin
    )
    width = min(asked.scale * canvas.width, canvas.height * media.width / media.height)
    height = width * media.height / media.width
    clip = ImageClip(src=asked.src, position=asked.position, width=max(2, round(width)), height=max(2, round(height)))
    box = box_of(clip, within, (media.width, media.height))
    box = msgspec.structs.replace(box, center_x=box.center_x + margin, center_y=box.center_y + margin)
    return Clip("watermark", 0, canvas.frames, ImageContent(asked.src, "contain"), box, asked.opacity)
