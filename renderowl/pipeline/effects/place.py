"""Putting a layer onto the picture below it."""

from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.effects.path import Keys, path
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.timeline import Canvas, Rate


def shifted(layer: Stream, start: int, rate: Rate) -> Stream:
    """Return a layer that begins at canvas frame `start`."""
    if not start:
        return layer
    return layer.then("settb", f"{rate.den}/{rate.num}").then("setpts", f"N+{start}")


def placed(
    below: Stream, layer: Stream, x: int, y: int, start: int, end: int, canvas: Canvas, seen: Keys = ()
) -> Stream:
    """Draw a layer with its top left corner at x, y, from frame `start` to before frame `end` of the canvas.

    Where it is `seen` is 1 in frames of the canvas, if that is not everywhere. By time, half a frame early: FFmpeg 5.1 counts `n`
    wrongly in an overlay.
    """
    when = []
    if (start, end) != (0, canvas.frames):
        begin_s, end_s = (float((2 * frame - 1) / (2 * fraction_of(canvas.rate))) for frame in (start, end))
        when.append(f"gte(t,{begin_s:.6f})*lt(t,{end_s:.6f})")
    if seen:
        when.append(path(seen, f"round(t*{canvas.rate.num}/{canvas.rate.den})"))
    return combined("overlay", [below, layer], x=x, y=y, **({"enable": "*".join(when)} if when else {}))
