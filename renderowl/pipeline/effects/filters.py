"""Filters: what changes the colours and the sharpness of a picture, as the words mean in CSS.

Pictures come and go as limited BT.709. What is linear in RGB and treats its three channels alike is linear there too, so
most of it is one table a plane, without a way to RGB and back. None looks at any other frame: a cut changes nothing.
"""

from collections.abc import Callable, Sequence
from math import cos, pi, radians, sin
from typing import Final

from renderowl.pipeline.effects.source import TO_BT709, colored, held, normalised
from renderowl.pipeline.graph import Stream, combined
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Filter, Rate

_BLACK: Final = 16
_GREY: Final = 125.5
"""Luma of black and of middle grey."""
_GRAIN_MARGIN: Final = 64
"""Pixels the grain is larger than the picture: each frame shows another part of it."""


def brightness(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture with its light multiplied."""
    return _levels(picture, amount, _BLACK)


def contrast(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture with its distance from middle grey multiplied."""
    return _levels(picture, amount, _GREY)


def invert(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture on its way to its negative."""
    return _levels(picture, 1 - 2 * amount, _GREY)


def saturation(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture with its colourfulness multiplied."""
    chroma = f"round((val-128)*{amount:g}+128)"
    return picture.then("lutyuv", y="val", u=chroma, v=chroma)


def grayscale(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture on its way to black and white."""
    return saturation(picture, 1 - amount, alpha)


def hue(picture: Stream, degrees: float, alpha: bool) -> Stream:
    """Return the picture with its colours turned."""
    along, across = cos(radians(degrees)), sin(radians(degrees))
    still = ((0.213, 0.715, 0.072),) * 3
    turned = ((0.787, -0.715, -0.072), (-0.213, 0.285, -0.072), (-0.213, -0.715, 0.928))
    aside = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))
    rows = [
        tuple(a + along * b + across * c for a, b, c in zip(*row, strict=True))
        for row in zip(still, turned, aside, strict=True)
    ]
    return _mixed(picture, rows, alpha)


def sepia(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture on its way to the brown of old photographs."""
    brown = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
    rows = [
        tuple(amount * part + (1 - amount) * (column == row) for column, part in enumerate(parts))
        for row, parts in enumerate(brown)
    ]
    return _mixed(picture, rows, alpha)


def blur(picture: Stream, radius: float, alpha: bool) -> Stream:
    """Return the picture out of focus; what is transparent has no colour to bleed."""
    if not alpha:
        return picture.then("gblur", sigma=f"{radius:g}")
    solid = _to_rgb(picture, alpha).then("premultiply", inplace=1)
    blurred = solid.then("gblur", sigma=f"{radius:g}").then("unpremultiply", inplace=1)
    return blurred.then("scale", **TO_BT709)


def sharpen(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture with its edges stressed."""
    return _beside_alpha(picture, alpha, lambda part: part.then("unsharp", lx=5, ly=5, la=f"{amount:g}", ca=0))


def vignette(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture with darkened corners."""
    return _beside_alpha(picture, alpha, lambda part: part.then("vignette", angle=f"{amount * pi / 2:.5f}", dither=0))


def denoise(picture: Stream, amount: float, alpha: bool) -> Stream:
    """Return the picture smoothed where there are no edges."""
    space, light = f"{1 + 4 * amount:g}", f"{0.02 + 0.1 * amount:g}"
    return _beside_alpha(picture, alpha, lambda part: part.then("bilateral", sigmaS=space, sigmaR=light, planes=7))


def noise(
    picture: Stream, amount: float, alpha: bool, name: str, size: Size, begun: int, frames: int, rate: Rate
) -> Stream:
    """Return the picture with film grain: one large piece of it, of which every frame of the clip shows another part."""
    grain = (
        colored(name, "0x808080", size.width + _GRAIN_MARGIN, size.height + _GRAIN_MARGIN, rate)
        .then("format", "yuv420p")
        .then("lutyuv", y=128, u=128, v=128)
        .then("noise", c0s=round(40 * amount), c0_seed=7)
    )
    part = held(grain, frames, rate).then(
        "crop",
        size.width,
        size.height,
        f"2*mod((n+{begun})*13,{_GRAIN_MARGIN // 2})",
        f"2*mod((n+{begun})*7+floor((n+{begun})/{_GRAIN_MARGIN // 2})*3,{_GRAIN_MARGIN // 2})",
    )
    grained = {"c0_mode": "grainmerge", "c1_mode": "normal", "c2_mode": "normal"}
    return _beside_alpha(picture, alpha, lambda below: combined("blend", [below, part], **grained))


_EFFECTS: Final[dict[str, Callable[[Stream, float, bool], Stream]]] = {
    "brightness": brightness,
    "contrast": contrast,
    "saturation": saturation,
    "hue": hue,
    "grayscale": grayscale,
    "sepia": sepia,
    "invert": invert,
    "blur": blur,
    "sharpen": sharpen,
    "vignette": vignette,
    "denoise": denoise,
}


def is_moving(filters: Sequence[Filter]) -> bool:
    """True when some filter makes a still picture move."""
    return any(one.name == "noise" for one in filters)


def filtered(
    picture: Stream,
    filters: Sequence[Filter],
    size: Size,
    name: str,
    begun: int,
    frames: int,
    rate: Rate,
    *,
    alpha: bool,
) -> Stream:
    """Return `frames` pictures of a clip with its filters, one after the other; the first is number `begun` of the clip."""
    for index, one in enumerate(filters):
        if one.name == "noise":
            number = one.begun + begun
            picture = noise(picture, one.amount, alpha, f"{name}-noise{index}", size, number, frames, rate)
        else:
            picture = _EFFECTS[one.name](picture, one.amount, alpha)
        picture = normalised(picture, alpha)
    return picture


def _levels(picture: Stream, factor: float, middle: float) -> Stream:
    """Return all three channels of RGB stretched about one value of luma."""
    chroma = f"round((val-128)*{factor:g}+128)"
    return picture.then("lutyuv", y=f"round((val-{middle:g})*{factor:g}+{middle:g})", u=chroma, v=chroma)


def _mixed(picture: Stream, rows: Sequence[Sequence[float]], alpha: bool) -> Stream:
    """Return the picture with each of red, green and blue made of all three."""
    parts = {
        f"{out}{of}": f"{part:.4f}"
        for out, row in zip("rgb", rows, strict=True)
        for of, part in zip("rgb", row, strict=True)
    }
    return _to_rgb(picture, alpha).then("colorchannelmixer", **parts).then("scale", **TO_BT709)


def _to_rgb(picture: Stream, alpha: bool) -> Stream:
    return picture.then("scale", in_color_matrix="bt709", in_range="tv").then("format", "gbrap" if alpha else "gbrp")


def _beside_alpha(picture: Stream, alpha: bool, change: Callable[[Stream], Stream]) -> Stream:
    """Return the colours changed by filters that would lose the opacity."""
    if not alpha:
        return change(picture)
    colors, opacity = picture.split()
    changed = change(colors.then("format", "yuv420p"))
    return combined("alphamerge", [changed, opacity.then("alphaextract")])
