"""Looks: filters, keys, shapes and watermarks, from the spec to the timeline."""

from typing import Any

import pytest

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.pipeline import compositions
from renderowl.pipeline.effects.shape import inset, outlines
from renderowl.pipeline.plan import make_plan
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import ChromaKey, Clip, Filter, ImageContent, Media, ShapeContent, Timeline

MEDIA = {
    "asset://v": Media("asset://v", "video", "hv", 640, 360, 8.0, 25.0, has_video=True),
    "asset://i": Media("asset://i", "image", "hi", 400, 200),
}


def compiled(*clips: dict[str, Any], **output: Any) -> Timeline:
    props = {"width": 1000, "height": 500, "tracks": [{"clips": [clip]} for clip in clips]}
    return compositions.compile(compositions.parse("timeline", props, output, Limits()), MEDIA)


def shape(**fields: Any) -> ShapeContent:
    content = compiled({"type": "shape", **fields}).clips[0].content
    assert isinstance(content, ShapeContent)
    return content


def problems(composition: str, props: dict[str, Any], **output: Any) -> dict[str, str]:
    try:
        compositions.compile(compositions.parse(composition, props, output, Limits()), MEDIA)
    except ValidationFailed as failed:
        return {error.path: error.message for error in failed.errors}
    return {}


def test_filters_become_numbers_in_the_pixels_of_the_output() -> None:
    asked = [{"type": "blur", "radius": 10}, {"type": "hue", "degrees": -30}, {"type": "sepia"}]
    (clip,) = compiled({"type": "image", "src": "asset://i", "filters": asked}, width=500).clips
    assert clip.filters == (Filter("blur", 5.0), Filter("hue", -30.0), Filter("sepia", 1.0))


def test_grain_goes_on_where_a_loop_or_a_cut_begins_anew() -> None:
    video = {"type": "video", "src": "asset://v", "loop": True, "duration": 20, "filters": [{"type": "noise"}]}
    clips = compiled(video).clips
    assert [one.filters[0].begun for one in clips] == [clip.start for clip in clips]
    assert len(clips) == 3
    (cut,) = compiled({**video, "loop": False, "duration": 8}, range={"start": 3}).clips
    assert cut.filters[0].begun == 90


def test_a_key_has_no_opacity_of_its_own() -> None:
    (clip,) = compiled({"type": "image", "src": "asset://i", "chroma_key": {"color": "#0f0"}}).clips
    assert isinstance(clip.content, ImageContent)
    assert clip.content.key == ChromaKey("#00ff00", 0.15, 0.05)


def test_a_shape_is_white_unless_it_says_otherwise() -> None:
    assert shape() == ShapeContent("rectangle", fill="#ffffff")
    assert shape(fill="#123").fill == "#112233"
    outline = shape(shape="circle", stroke={"color": "#ff0000", "width": 3})
    assert (outline.fill, outline.stroke_color, outline.stroke_width) == (None, "#ff0000", 3.0)


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1000, 500)),
        ({"height": 60}, (1000, 60)),
        ({"width": 60, "scale": 2}, (120, 1000)),
        ({"shape": "star", "width": 60}, (60, 60)),
        ({"shape": "circle"}, (500, 500)),
        ({"shape": "polygon", "width": 60, "height": 40}, (60, 40)),
    ],
)
def test_a_shape_is_as_large_as_it_says_and_else_as_the_canvas_or_regular(
    fields: dict[str, Any], size: tuple[int, int]
) -> None:
    (clip,) = compiled({"type": "shape", **fields}).clips
    assert (clip.box.width, clip.box.height) == size


def test_stars_and_polygons_become_their_corners() -> None:
    assert shape(shape="polygon", sides=4).points == ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5))
    star = shape(shape="star", sides=5, inner_radius=0.5)
    assert star.form == "polygon"
    assert len(star.points) == 10
    assert star.points[5] == (0.5, 0.75), "the inner corner opposite the topmost point"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"shape": "line"}, "stroke"),
        ({"shape": "line", "fill": "#fff", "stroke": {}}, "fill"),
        ({"shape": "line", "stroke": {}, "points": [{"x": 0, "y": 0}]}, "points"),
        ({"shape": "polygon", "points": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}, "points"),
        ({"shape": "polygon", "points": [{"x": 0, "y": 0}] * 3}, "points"),
        ({"shape": "star", "points": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}, "points"),
        ({"shape": "polygon", "points": [{"x": 0, "y": 2}]}, "points/0/y"),
        ({"shape": "hexagon"}, "shape"),
        ({"sides": 2}, "sides"),
    ],
)
def test_what_a_shape_cannot_be_is_refused_where_it_is_said(fields: dict[str, Any], path: str) -> None:
    found = problems("timeline", {"tracks": [{"clips": [{"type": "shape", **fields}]}]})
    assert list(found) == [f"/input_props/tracks/0/clips/0/{path}"]


def test_a_stroke_lies_within_and_takes_all_when_there_is_no_room_for_more() -> None:
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    assert inset(square, 2) == [(2, 2), (8, 2), (8, 8), (2, 8)]
    assert inset(square[::-1], 2) == [(2, 8), (8, 8), (8, 2), (2, 2)]
    assert inset(square, 6) == []
    for form in ("rectangle", "ellipse", "circle"):
        thick = ShapeContent(form, stroke_color="#ffffff", stroke_width=60.0)  # type: ignore[arg-type]  # one of the forms
        assert outlines(thick, Size(100, 100))[1] == ""


def watermark(**fields: Any) -> Clip:
    clips = compiled({"type": "color", "color": "#000"}, watermark={"src": "asset://i", **fields}).clips
    assert clips[-1].frames == clips[0].frames
    return clips[-1]


def test_a_watermark_is_uppermost_and_keeps_away_from_the_edge_it_is_placed_by() -> None:
    mark = watermark(scale=0.2)
    assert isinstance(mark.content, ImageContent)
    assert (mark.box.width, mark.box.height) == (200, 100)
    assert (mark.box.center_x, mark.box.center_y) == (1000 - 15 - 100, 500 - 15 - 50)
    assert watermark(position="center").box.center_x == 500
    placed = watermark(scale=0.2, position={"x": 10, "y": 20, "anchor": "top_left"}).box
    assert (placed.center_x, placed.center_y) == (110, 70)


def test_a_watermark_is_never_higher_than_the_film() -> None:
    tall = {**MEDIA, "asset://i": Media("asset://i", "image", "hi", 10, 4000)}
    ask = compositions.parse("captioned_video", {"src": "asset://v"}, {"watermark": {"src": "asset://i"}}, Limits())
    assert compositions.compile(ask, tall).clips[-1].box.height <= 360


def test_a_watermark_that_is_no_picture_is_refused_for_every_composition() -> None:
    for composition in ("captioned_video", "overlay"):
        found = problems(composition, {"src": "asset://v"}, watermark={"src": "asset://v"})
        assert found == {"/output_settings/watermark/src": "must be a picture, and this source is of type video"}
    found = problems("overlay", {"src": "asset://v"}, watermark={"src": "ftp://x"})
    assert list(found) == ["/output_settings/watermark/src"]


def test_under_a_watermark_what_repeats_in_a_long_film_still_is_made_once() -> None:
    props = {"duration": 3600, "backgrounds": [{"type": "image", "src": "asset://i"}]}
    keys = []
    for output in ({}, {"watermark": {"src": "asset://i"}}):
        ask = compositions.parse("longform", props, output, Limits())
        plan = make_plan(compositions.compile(ask, MEDIA), ask.output, fingerprint="x")
        keys.append({segment.key for segment in plan.segments})
    assert len(keys[0]) == len(keys[1]) <= 3
    assert keys[0].isdisjoint(keys[1])


def test_a_watermark_is_among_the_sources() -> None:
    ask = compositions.parse("overlay", {"src": "asset://v"}, {"watermark": {"src": "asset://i"}}, Limits())
    assert compositions.sources(ask)["asset://i"] == ["/output_settings/watermark/src"]
