"""How a layer comes and goes other than by a fade: through a mask that opens, or in blocks.

Masks and blocks are those of FFmpeg's `xfade`, from nothing to the layer: what lies below is seen wherever the layer is not.
"""

from typing import Final

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.effects.source import colored, held
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.motion import Passage
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Rate

_MASKS: Final = ("wipe", "circle", "radial", "dissolve")
_CIRCLE_CONTRAST: Final = 16


def masked(
    layer: Stream, size: Size, come: Passage | None, go: Passage | None, frames: int, name: str, rate: Rate
) -> Stream:
    """Return a layer of `frames` frames that appears within its first frames and disappears within its last."""
    for end, start, opens in ((come, 0, True), (go, frames - (go.frames if go else 0), False)):
        if end is None or end.kind not in _MASKS:
            continue
        plains = [
            _plain(f"{name}-{'come' if opens else 'go'}-{color}", color, size, frames, rate)
            for color in (("black", "white") if opens else ("white", "black"))
        ]
        picture, alpha = layer.split()
        mask = _opened(plains[0], plains[1], end, start, rate, opens=opens)
        seen = combined("blend", [alpha.then("alphaextract"), mask], all_mode="multiply")
        layer = combined("alphamerge", [picture, seen])
    return layer


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
    made = colored(name, color, size.width, size.height, rate)
    return held(made.then("format", "gbrp").then("extractplanes", "g"), frames, rate)
