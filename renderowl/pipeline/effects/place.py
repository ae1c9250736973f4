"""Putting a layer onto the picture below it."""

from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.timeline import Rate


def shifted(layer: Stream, start: int, rate: Rate) -> Stream:
    """Return a layer that begins at canvas frame `start`."""
    if not start:
        return layer
    return layer.then("settb", f"{rate.den}/{rate.num}").then("setpts", f"N+{start}")


def placed(below: Stream, layer: Stream, x: int, y: int, start: int, end: int, total: int) -> Stream:
    """Draw a layer with its top left corner at x, y, from frame `start` to before frame `end` of `total`."""
    when = {} if (start, end) == (0, total) else {"enable": f"between(n,{start},{end - 1})"}
    return combined("overlay", [below, layer], x=x, y=y, eof_action="pass", **when)
