"""Looks: what a clip's spec says of its filters, key and shape, in the words and pixels of the timeline."""

from collections.abc import Sequence
from math import cos, radians, sin

from renderowl.domain.spec import filters as spec
from renderowl.domain.spec.timeline import ShapeClip
from renderowl.pipeline.layout import Stage, plain_color
from renderowl.pipeline.timeline import ChromaKey, Filter, ShapeContent


def filters_of(asked: Sequence[spec.KnownFilter], stage: Stage) -> tuple[Filter, ...]:
    """Return the filters in the output's pixels."""
    return tuple(_filter_of(one, stage) for one in asked)


def _filter_of(asked: spec.KnownFilter, stage: Stage) -> Filter:
    name = asked.__struct_config__.tag
    match asked:
        case spec.Hue(degrees=amount):
            pass
        case spec.Blur(radius=radius):
            amount = round(radius * stage.scale, 3)
        case _:
            amount = asked.amount
    return Filter(name, amount)  # type: ignore[arg-type]  # the tags are the names


def key_of(asked: spec.ChromaKey | None) -> ChromaKey | None:
    """Return the key of a clip that has one."""
    return ChromaKey(plain_color(asked.color)[:7], asked.similarity, asked.blend) if asked else None


def shape_of(clip: ShapeClip, stage: Stage) -> ShapeContent:
    """Return the shape in the output's pixels; stars and regular polygons become the corners they have."""
    stroke = clip.stroke if clip.stroke is not None and clip.stroke.width > 0 else None
    fill = clip.fill or (None if stroke else "#ffffff")
    return ShapeContent(
        form="polygon" if clip.shape == "star" else clip.shape,
        fill=plain_color(fill) if fill else None,
        stroke_color=plain_color(stroke.color) if stroke else None,
        stroke_width=round(stroke.width * stage.scale, 3) if stroke else 0.0,
        radius=round(clip.radius * stage.scale, 3) if clip.shape == "rectangle" else 0.0,
        points=_points(clip),
    )


def _points(clip: ShapeClip) -> tuple[tuple[float, float], ...]:
    if clip.points:
        return tuple((point.x, point.y) for point in clip.points)
    match clip.shape:
        case "line":
            return (0.0, 0.5), (1.0, 0.5)
        case "polygon":
            return tuple(_on_circle(index / clip.sides, 0.5) for index in range(clip.sides))
        case "star":
            reaches = (0.5, 0.5 * clip.inner_radius)
            return tuple(_on_circle(index / (2 * clip.sides), reaches[index % 2]) for index in range(2 * clip.sides))
    return ()


def _on_circle(turn: float, radius: float) -> tuple[float, float]:
    """Return a point of a circle in the middle of the box, `turn` of the way round from the top."""
    angle = radians(360 * turn - 90)
    return round(0.5 + radius * cos(angle), 6), round(0.5 + radius * sin(angle), 6)
