"""Text as a layer of its own, for what a text drawn straight onto the picture cannot do: move, and come through a mask."""

from typing import Final

from renderowl.pipeline.effects.source import TO_BT709, colored, held, normalised
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Rate

_AROUND: Final = 6
"""Pixels."""


def written(name: str, file: str, size: Size, frames: int, rate: Rate, lead: int, *, still: bool) -> Stream:
    """Return what an ASS file draws, on nothing, beginning `lead` frames into it; a still one is drawn once.

    It is drawn on black and on white: what differs between the two is what can be seen through. Around the letters lies
    nothing, but in their colour: it is what their edges are mixed with when they are moved.
    """
    count = 1 if still else frames
    on_black, on_white = (
        _drawn(f"{name}-{color}", color, file, size, count, rate, lead) for color in ("black", "white")
    )
    colors, below = on_black.split()
    through = combined("blend", [on_white, below], all_mode="difference")
    cover, alpha = through.then("extractplanes", "g").then("negate").split()
    letters, around = combined("alphamerge", [colors, cover]).then("format", "gbrap").split()
    around = around.then("avgblur", _AROUND).then("unpremultiply", inplace=1).then("format", "gbrp")
    whole = combined("overlay", [around, letters.then("unpremultiply", inplace=1)], format="gbrp")
    layer = combined("alphamerge", [normalised(whole.then("scale", **TO_BT709), alpha=False), alpha])
    return held(layer, frames, rate) if still else layer


def _drawn(name: str, color: str, file: str, size: Size, frames: int, rate: Rate, lead: int) -> Stream:
    made = colored(name, color, size.width, size.height, rate).then("format", "gbrp")
    on_clock = held(made, frames, rate).then("setpts", f"N+{lead}")
    return on_clock.then("ass", filename=file, fontsdir="fonts", shaping="complex").then("setpts", "N")
