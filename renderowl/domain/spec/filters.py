"""Filters: what changes the colours and the sharpness of a clip's picture. Amounts mean what they mean in CSS."""

from typing import Annotated

from msgspec import Meta

from renderowl.domain.spec.fields import Color, Spec, Unit

Factor = Annotated[float, Meta(ge=0, le=4)]
"""Nothing at 0, as it is at 1."""


class Brightness(Spec, frozen=True, kw_only=True, tag_field="type", tag="brightness"):
    """The light times `amount`: 0 is black, 1 as it is."""

    amount: Factor


class Contrast(Spec, frozen=True, kw_only=True, tag_field="type", tag="contrast"):
    """The distance from middle grey times `amount`: 0 is grey, 1 as it is."""

    amount: Factor


class Saturation(Spec, frozen=True, kw_only=True, tag_field="type", tag="saturation"):
    """The colourfulness times `amount`: 0 is black and white, 1 as it is."""

    amount: Factor


class Hue(Spec, frozen=True, kw_only=True, tag_field="type", tag="hue"):
    """All colours turned by `degrees`: red goes over yellow towards green."""

    degrees: Annotated[float, Meta(ge=-360, le=360)]


class Grayscale(Spec, frozen=True, kw_only=True, tag_field="type", tag="grayscale"):
    """Black and white by `amount`."""

    amount: Unit = 1.0


class Sepia(Spec, frozen=True, kw_only=True, tag_field="type", tag="sepia"):
    """The brown of old photographs by `amount`."""

    amount: Unit = 1.0


class Invert(Spec, frozen=True, kw_only=True, tag_field="type", tag="invert"):
    """The negative by `amount`."""

    amount: Unit = 1.0


class Blur(Spec, frozen=True, kw_only=True, tag_field="type", tag="blur"):
    """Out of focus by a Gaussian of `radius` (its standard deviation), in canvas pixels."""

    radius: Annotated[float, Meta(gt=0, le=200)] = 8.0


class Sharpen(Spec, frozen=True, kw_only=True, tag_field="type", tag="sharpen"):
    """Edges stressed by `amount`."""

    amount: Annotated[float, Meta(gt=0, le=3)] = 1.0


class Vignette(Spec, frozen=True, kw_only=True, tag_field="type", tag="vignette"):
    """Corners darkened by `amount`: at 1 they are black."""

    amount: Unit = 0.5


class Noise(Spec, frozen=True, kw_only=True, tag_field="type", tag="noise"):
    """Film grain of strength `amount`, different in every frame."""

    amount: Unit = 0.2


class Denoise(Spec, frozen=True, kw_only=True, tag_field="type", tag="denoise"):
    """Noise smoothed away by `amount` where there are no edges."""

    amount: Unit = 0.5


KnownFilter = (
    Brightness | Contrast | Saturation | Hue | Grayscale | Sepia | Invert | Blur | Sharpen | Vignette | Noise | Denoise
)
Filters = Annotated[tuple[KnownFilter, ...], Meta(max_length=20)]
"""One after the other."""


class ChromaKey(Spec, frozen=True, kw_only=True):
    """What has the hue of `color` becomes transparent.

    `similarity` is how far from it a colour may be, `blend` over which further distance it comes back. Distances are
    those of hue and colourfulness: studio green (#00b140) lies 0.22 from grey, #00ff00 0.37.
    """

    color: Color
    similarity: Annotated[float, Meta(ge=0.001, le=1)] = 0.15
    blend: Unit = 0.05
