"""Ken Burns: a slow zoom into a picture, out of it, or a pan across it, as a view that moves."""

from renderowl.domain.spec.timeline import KenBurns
from renderowl.pipeline.timeline import Box, Fit, ViewKey

View = tuple[float, float, float, float]
"""Left, top, width and height in source pixels."""


def ken_burns(asked: KenBurns, natural: tuple[int, int], box: Box, fit: Fit, frames: int) -> tuple[ViewKey, ...]:
    """Return the view at the first frame and at the last; raises ValueError when the fit leaves nothing to move in."""
    if fit not in ("cover", "contain", "fill"):
        raise ValueError(f"needs fit cover, contain or fill, not {fit}")
    whole = _middle((0.0, 0.0, float(natural[0]), float(natural[1])), box) if fit == "cover" else (0.0, 0.0, *natural)
    left, top, width, height = whole
    across, down = width / (1 + asked.amount), height / (1 + asked.amount)
    free_x, free_y = width - across, height - down
    close = (left + free_x / 2, top + free_y / 2, across, down)
    views: dict[str, tuple[View, View]] = {
        "in": (whole, close),
        "out": (close, whole),
        "left": ((left + free_x, close[1], across, down), (left, close[1], across, down)),
        "right": ((left, close[1], across, down), (left + free_x, close[1], across, down)),
        "up": ((close[0], top + free_y, across, down), (close[0], top, across, down)),
        "down": ((close[0], top, across, down), (close[0], top + free_y, across, down)),
    }
    first, last = (tuple(round(number, 3) for number in view) for view in views[asked.direction])
    return (ViewKey(0, *first),) if frames < 2 else (ViewKey(0, *first), ViewKey(frames - 1, *last))


def _middle(view: View, box: Box) -> View:
    """Return the largest part of the box's shape in the middle of a view."""
    left, top, width, height = view
    ratio = box.width / box.height
    across, down = min(width, height * ratio), min(height, width / ratio)
    return left + (width - across) / 2, top + (height - down) / 2, across, down
