"""Nothing around a layer, so that its edges are interpolated like its inside when it is turned or moved."""

from renderowl.pipeline.graph import Stream
from renderowl.pipeline.size import Size


def with_margin(picture: Stream, size: Size, whole: Size) -> tuple[Stream, Stream]:
    """Return the layer's colours, around it those of its edges as none else may bleed in, and its alpha, around it none."""
    left, top = margins(size, whole)
    colors, alpha = picture.then("pad", whole.width, whole.height, left, top, color="black@0").split()
    right, bottom = whole.width - size.width - left, whole.height - size.height - top
    borders = {"left": left, "right": right, "top": top, "bottom": bottom}
    colors = colors.then("format", "yuv420p").then("fillborders", **borders, mode="smear")
    return colors, alpha.then("alphaextract")


def margins(size: Size, whole: Size) -> tuple[int, int]:
    """Return the margins left and above: alike on both sides, as `fillborders` fills no more than a half."""
    return (whole.width - size.width) // 4 * 2, (whole.height - size.height) // 4 * 2
