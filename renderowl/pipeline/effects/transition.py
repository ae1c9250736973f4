"""How a layer comes and goes other than by a fade: through a mask that opens, or in blocks.

Masks and blocks are those of FFmpeg's `xfade`, from nothing to the layer: what lies below is seen wherever the layer is not.
"""

from typing import Final

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.effects.fit import Size
from renderowl.pipeline.effects.source import held
from renderowl.pipeline.graph import Stream, combined, source
from renderowl.pipeline.motion import Passage
from renderowl.pipeline.timeline import Rate

_MASKS: Final = ("wipe", "circle", "radial", "dissolve")
_CIRCLE_CONTRAST: Final = 16


def masked(
    layer: Stream, size: Size, come: Passage | None, go: Passage | None, frames: int, name: str, rate: Rate
) -> Stream:
    """Return a layer of `frames` frames that appears within its first frames and disappears within its last."""
    comes, goes = come is not None and come.kind in _MASKS, go is not None and go.kind in _MASKS
    if not comes and not goes:
        return layer
    mask = _plain(f"{name}-shown", "white", size, frames, rate)
    if come is not None and comes:
        mask = _opened(_plain(f"{name}-before", "black", size, frames, rate), mask, come, 0, rate, opens=True)
    if go is not None and goes:
        after = _plain(f"{name}-after", "black", size, frames, rate)
        mask = _opened(mask, after, go, frames - go.frames, rate, opens=False)
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


def _opened(first: Stream, second: Stream, passage: Passage, start: int, rate: Rate, *, opens: bool) -> Stream:
    """Return the one mask on its way to the other.

    The circle of `xfade` has a rim as wide as itself and opens in the middle third of its time: the rim is made narrow,
    and the time as long as it takes for that third to be the whole transition.
    """
    match passage.kind:
        case "wipe":
            return _xfade(first, second, f"wipe{passage.direction}", passage.frames, start, rate)
        case "circle":
            frames = passage.frames * 3 / (1 + 1 / _CIRCLE_CONTRAST)
            word = "circleopen" if opens else "circleclose"
            wide = _xfade(first, second, word, frames, start - (frames - passage.frames) / 2, rate)
            return wide.then("eq", contrast=_CIRCLE_CONTRAST)
        case kind:
            return _xfade(first, second, kind, passage.frames, start, rate)


def _xfade(first: Stream, second: Stream, word: str, frames: float, start: float, rate: Rate) -> Stream:
    duration, offset = (count / float(fraction_of(rate)) for count in (frames, start))
    return combined("xfade", [first, second], transition=word, duration=f"{duration:.6f}", offset=f"{offset:.6f}")


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
