"""How a layer comes and goes other than by a fade: through a mask that opens, or in blocks.

Masks and blocks are those of FFmpeg's `xfade`, from nothing to the layer: what lies below is seen wherever the layer is not.
"""

from fractions import Fraction
from typing import Final

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.effects.fit import Size
from renderowl.pipeline.effects.source import held
from renderowl.pipeline.graph import Stream, combined, source
from renderowl.pipeline.motion import Passage
from renderowl.pipeline.timeline import Rate

MASKS: Final = ("wipe", "circle", "radial", "dissolve")


def masked(
    layer: Stream, size: Size, come: Passage | None, go: Passage | None, frames: int, name: str, rate: Rate
) -> Stream:
    """Return a layer of `frames` frames that appears within its first frames and disappears within its last."""
    comes, goes = come is not None and come.kind in MASKS, go is not None and go.kind in MASKS
    if not comes and not goes:
        return layer
    mask = _plain(f"{name}-shown", "white", size, frames, rate)
    if come is not None and comes:
        mask = _xfade(
            _plain(f"{name}-before", "black", size, frames, rate), mask, _word(come, opens=True), come.frames, 0, rate
        )
    if go is not None and goes:
        after = _plain(f"{name}-after", "black", size, frames, rate)
        mask = _xfade(mask, after, _word(go, opens=False), go.frames, frames - go.frames, rate)
    picture, alpha = layer.split()
    seen = combined("blend", [alpha.then("alphaextract"), mask], all_mode="multiply")
    return combined("alphamerge", [picture, seen])


def pixelized(layer: Stream, come: Passage | None, go: Passage | None, frames: int, rate: Rate) -> Stream:
    """Return a layer that is made of ever smaller blocks when it comes and of ever larger ones when it goes."""
    for end, start in ((come, 0), (go, frames - (go.frames if go else 0))):
        if end is not None and end.kind == "pixelize":
            first, second = layer.then("format", "yuva444p").split()
            if start:
                second = second.then("trim", start_frame=start).then("setpts", "PTS-STARTPTS")
            layer = _xfade(first, second, "pixelize", end.frames, start, rate).then("format", "yuva420p")
    return layer


def _word(passage: Passage, *, opens: bool) -> str:
    match passage.kind:
        case "wipe":
            return f"wipe{passage.direction}"
        case "circle":
            return "circleopen" if opens else "circleclose"
        case kind:
            return kind


def _xfade(first: Stream, second: Stream, word: str, frames: int, start: int, rate: Rate) -> Stream:
    duration, offset = (Fraction(count) / fraction_of(rate) for count in (frames, start))
    return combined(
        "xfade", [first, second], transition=word, duration=f"{float(duration):.6f}", offset=f"{float(offset):.6f}"
    )


def _plain(name: str, color: str, size: Size, frames: int, rate: Rate) -> Stream:
    """Return a grey plane of 0 or 255; from RGB, where black and white are that and not limited."""
    made = source(
        f"color@{name}",
        color=color,
        size=f"{size.width}x{size.height}",
        rate=f"{rate.num}/{rate.den}",
        duration=f"{float(2 / fraction_of(rate)):.6f}",
    )
    return held(made.then("format", "gbrp").then("extractplanes", "g"), frames, rate)
