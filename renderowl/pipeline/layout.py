"""Layout: from the composition's own canvas to the pixels of the output.

A composition is designed on a canvas of its own. When the output has another size, the design is scaled to fit into it
and centred; what fills the whole canvas fills the output's.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import msgspec

from renderowl.domain.spec.captions import CaptionLook, Style
from renderowl.domain.spec.fields import Anchor
from renderowl.domain.spec.output import OutputSettings
from renderowl.domain.spec.timeline import CropBox, Position, SeenClip, ShapeClip, TextClip
from renderowl.pipeline.clock import rate_of
from renderowl.pipeline.size import even
from renderowl.pipeline.timeline import Box, CaptionStyle, Crop, Rate, TextStyle

MAX_BOX_SIDE: Final = 8192
"""No clip is drawn larger, whatever its scale: an encoder's memory is not the caller's."""

_DEFAULT_FONT_SIZE: Final = 64.0
_CAPTION_SIZE: Final = 0.055
"""Of the shorter side of the picture."""

ANCHORS: Final[dict[Anchor, tuple[float, float]]] = {
    f"{down}{'_' * bool(down and across)}{across}" or "center": (x, y)  # type: ignore[misc]  # spelt as Anchor is
    for down, y in (("top", 0.0), ("", 0.5), ("bottom", 1.0))
    for across, x in (("left", 0.0), ("", 0.5), ("right", 1.0))
}
"""Where a box's anchors lie, in parts of its width and height."""


@dataclass(frozen=True)
class Stage:
    """The output's canvas, and how the composition's lies on it: scaled by `scale`, moved by the offsets."""

    width: int
    height: int
    rate: Rate
    background: str = "#000000"
    scale: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0

    @property
    def box(self) -> Box:
        """Where a clip is drawn that fills it."""
        return Box(self.width / 2, self.height / 2, self.width, self.height)


def stage_of(width: int, height: int, fps: float, background: str, output: OutputSettings) -> Stage:
    """Return the stage for a composition's canvas under the output's overrides; sides are rounded down to even."""
    out_width, out_height = _output_size(width, height, output)
    scale = min(out_width / width, out_height / height)
    return Stage(
        width=out_width,
        height=out_height,
        rate=rate_of(output.fps if output.fps is not None else fps),
        background=plain_color(background)[:7],
        scale=scale,
        offset_x=(out_width - width * scale) / 2,
        offset_y=(out_height - height * scale) / 2,
    )


def _output_size(width: int, height: int, output: OutputSettings) -> tuple[int, int]:
    ratio = output.ratio or Fraction(width, height)
    match output.width, output.height:
        case int(across), int(down):
            pass
        case int(across), None:
            down = round(across / ratio)
        case None, int(down):
            across = round(down * ratio)
        case _ if output.ratio is None:
            across, down = width, height
        case _:  # the largest picture of this ratio that is no longer and no broader than the composition's
            long, short = max(width, height), min(width, height)
            box = (long, short) if ratio >= 1 else (short, long)
            across, down = min(box[0], round(box[1] * ratio)), min(box[1], round(box[0] / ratio))
    return max(2, across - across % 2), max(2, down - down % 2)


def box_of(clip: SeenClip, stage: Stage, natural: tuple[int, int] | None = None) -> Box:
    """Return where a clip is drawn: the whole canvas unless it says otherwise.

    Of a clip with a `natural` size one side alone decides about the other; without one the other is the canvas'.
    """
    return _placed(clip, stage, *_size_of(clip, stage, natural))


def shape_box(clip: ShapeClip, stage: Stage) -> Box:
    """Return where a shape is drawn: what is regular is as wide as it is high unless both are said."""
    if clip.shape not in ("circle", "star") and not (clip.shape == "polygon" and not clip.points):
        return box_of(clip, stage)
    width, height = _size_of(clip, stage, (1, 1))
    if clip.width is None and clip.height is None:
        width = height = min(width, height)
    return _placed(clip, stage, width, height)


def text_box(clip: TextClip, stage: Stage, style: TextStyle) -> Box:
    """Return where a text is drawn: what the clip does not say is as wide as there is room, and as high as is needed."""
    across, down = ANCHORS[anchor_of(clip)]
    x, _ = point_of(clip, stage)
    width, height = _size_of(clip, stage, None)
    if clip.width is None and across != 0.5:
        width = even(stage.width - x if across == 0 else x)
    if clip.height is None and down != 0.5:
        height = _text_height(clip.text, style, width)
    return _placed(clip, stage, width, height)


def text_align(clip: TextClip) -> Literal["left", "center", "right"]:
    """Return the side a text is set against: the one it says, or the one it is placed by."""
    across, _ = ANCHORS[anchor_of(clip)]
    return clip.style.align or ("left" if across == 0 else "right" if across == 1 else "center")


def anchor_of(clip: SeenClip) -> Anchor:
    """Return the point of its own that a clip is placed by."""
    return clip.position.anchor if isinstance(clip.position, Position) else clip.position


def point_of(clip: SeenClip, stage: Stage) -> tuple[float, float]:
    """Return where on the canvas the clip's anchor lies."""
    if isinstance(clip.position, Position):
        x = stage.width / 2 if clip.position.x is None else stage.offset_x + clip.position.x * stage.scale
        y = stage.height / 2 if clip.position.y is None else stage.offset_y + clip.position.y * stage.scale
        return x, y
    across, down = ANCHORS[clip.position]
    return stage.width * across, stage.height * down


def _placed(clip: SeenClip, stage: Stage, width: int, height: int) -> Box:
    (x, y), (across, down) = point_of(clip, stage), ANCHORS[anchor_of(clip)]
    return Box(
        center_x=round(x + (0.5 - across) * width, 3),
        center_y=round(y + (0.5 - down) * height, 3),
        width=width,
        height=height,
        rotation=clip.rotation,
    )


def _size_of(clip: SeenClip, stage: Stage, natural: tuple[int, int] | None) -> tuple[int, int]:
    scale = stage.scale * clip.scale
    if natural is None:
        width = stage.width * clip.scale if clip.width is None else clip.width * scale
        height = stage.height * clip.scale if clip.height is None else clip.height * scale
        return even(width), even(height)
    ratio = natural[0] / natural[1] if all(natural) else stage.width / stage.height
    if clip.width is not None and clip.height is not None:
        width, height = clip.width * scale, clip.height * scale
    elif clip.width is not None:
        width, height = clip.width * scale, clip.width * scale / ratio
    elif clip.height is not None:
        width, height = clip.height * scale * ratio, clip.height * scale
    else:
        width, height = stage.width * clip.scale, stage.height * clip.scale
    return even(width), even(height)


def crop_of(crop: CropBox | None, width: int, height: int) -> Crop | None:
    """Return the crop in whole source pixels; raises ValueError when it leaves the source."""
    if crop is None:
        return None
    if max(crop.x, crop.y, crop.width, crop.height) <= 1:
        x, y, across, down = crop.x * width, crop.y * height, crop.width * width, crop.height * height
    else:
        x, y, across, down = crop.x, crop.y, crop.width, crop.height
    if x + across > width + 0.5 or y + down > height + 0.5:
        raise ValueError(f"leaves the source, which is {width}x{height}")
    return whole_pixels(x, y, across, down, width, height)


def whole_pixels(x: float, y: float, across: float, down: float, width: int, height: int) -> Crop:
    """Return a rectangle that lies within a source of this size, to half a pixel, as its whole pixels."""
    left, top = min(round(x), width - 1), min(round(y), height - 1)
    return Crop(left, top, max(1, min(round(across), width - left)), max(1, min(round(down), height - top)))


def text_style(style: Style, stage: Stage, default_size: float | None = None) -> TextStyle:
    """Return a text style in the output's pixels."""
    size = style.font_size * stage.scale if style.font_size else default_size or _DEFAULT_FONT_SIZE * stage.scale
    return TextStyle(
        font_family=style.font_family,
        font_size=round(size, 2),
        bold=style.bold,
        italic=style.italic,
        color=plain_color(style.color),
        stroke_color=plain_color(style.stroke.color) if style.stroke else "#000000",
        stroke_width=round(style.stroke.width * stage.scale, 2) if style.stroke else 0.0,
        background=plain_color(style.background) if style.background else None,
        align=style.align or "center",
        padding=round(style.padding * stage.scale, 2),
    )


def caption_style(look: CaptionLook, stage: Stage) -> CaptionStyle:
    """Return a caption style in the output's pixels; unless said, sized by the picture and outlined to be readable."""
    size = max(12.0, _CAPTION_SIZE * min(stage.width, stage.height))
    text = text_style(look, stage, size)
    if look.stroke is None and look.background is None:
        text = msgspec.structs.replace(text, stroke_width=round(text.font_size * 0.08, 2))
    return CaptionStyle(
        text=text,
        animation=look.animation,
        active_color=plain_color(look.active.color),
        active_scale=look.active.scale,
        position=look.position,
    )


def _text_height(text: str, style: TextStyle, width: int) -> int:
    """Estimate the pixels a text needs when wrapped into `width`: enough to place it by an edge."""
    letters = max(1.0, (width - 2 * style.padding) / (style.font_size * 0.55))
    lines = sum(max(1, -(-len(line) // int(letters))) for line in text.splitlines() or [""])
    return even(lines * style.font_size * 1.35 + 2 * (style.padding + style.stroke_width))


def plain_color(color: str) -> str:
    """Return a colour as `#rrggbb` or `#rrggbbaa` in lower case."""
    digits = color[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)
