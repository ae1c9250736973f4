"""Whatever valid timeline is asked for, it compiles into clips within the film and a plan, or is refused for a reason."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.domain.errors import ValidationFailed
from renderowl.domain.spec.limits import Limits
from renderowl.domain.spec.speech import Speech
from renderowl.pipeline import compositions
from renderowl.pipeline.effects.shape import outlines
from renderowl.pipeline.layers import segment_layers
from renderowl.pipeline.plan import make_plan
from renderowl.pipeline.size import Size
from renderowl.pipeline.timeline import Media, ShapeContent

SAID = Speech("Hello owl")
MEDIA = {
    "asset://v": Media("asset://v", "video", "hv", 640, 360, 7.3, 25.0, has_video=True, has_audio=True),
    "asset://i": Media("asset://i", "image", "hi", 333, 777),
    "asset://a": Media("asset://a", "audio", "ha", duration_s=3.1, has_audio=True),
    SAID.src: Media(SAID.src, "audio", "hs", duration_s=2.2, has_audio=True, channels=1),
    "asset://unknown-length": Media("asset://unknown-length", "video", "hu", 640, 360, has_video=True),
}
short = st.floats(0, 12, allow_nan=False).map(lambda seconds: round(seconds, 3))
optional: dict[str, st.SearchStrategy[Any]] = {
    "start": st.just("auto") | short,
    "duration": st.sampled_from(["auto", "end"]) | short,
    "fade_in": st.floats(0, 1),
    "fade_out": st.floats(0, 1),
}
times = st.lists(st.floats(0, 12).map(lambda seconds: round(seconds, 2)), min_size=1, max_size=4, unique=True).map(
    sorted
)
moves = st.tuples(times, st.sampled_from(["x", "y", "scale", "rotation", "opacity"])).map(
    lambda found: [{"property": found[1], "time": at, "value": at % 1, "easing": "ease_in_out"} for at in found[0]]
)
ends = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["crossfade", "wipe", "push", "zoom", "circle", "pixelize", "none"]),
        "duration": st.floats(0, 1),
    }
)
seen: dict[str, st.SearchStrategy[Any]] = {
    **optional,
    "position": st.sampled_from(["center", "top_left", "bottom"]) | st.fixed_dictionaries({"x": short, "y": short}),
    "width": st.integers(2, 3000),
    "scale": st.floats(0.01, 3),
    "opacity": st.floats(0, 1),
    "keyframes": moves,
    "transition": st.fixed_dictionaries({}, optional={"in": ends, "out": ends}),
}
volumes = times.map(lambda found: [{"time": at, "value": at % 3, "easing": "hold"} for at in found])
played: dict[str, st.SearchStrategy[Any]] = {
    "trim": short | st.fixed_dictionaries({"start": short}, optional={"end": short}),
    "loop": st.booleans(),
    "speed": st.floats(0.1, 10),
    "preserve_pitch": st.booleans(),
    "volume": st.floats(0, 10) | volumes,
}


def clip(
    kind: str, required: dict[str, st.SearchStrategy[Any]], fields: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional=fields)


def adjusted(kind: str, name: str, low: float, high: float) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(kind), name: st.floats(low, high)})


unit = st.floats(0, 1)
filters = st.lists(
    st.one_of(
        adjusted("brightness", "amount", 0, 4), adjusted("hue", "degrees", -360, 360), st.just({"type": "noise"})
    ),
    max_size=3,
)
seen["filters"] = filters
shaped: dict[str, st.SearchStrategy[Any]] = {
    **seen,
    "shape": st.sampled_from(["rectangle", "ellipse", "circle", "polygon", "star", "line"]),
    "fill": st.sampled_from(["#fff", "#12345678"]),
    "stroke": st.fixed_dictionaries({"width": st.floats(0, 100)}),
    "radius": st.floats(0, 500),
    "sides": st.integers(3, 64),
    "inner_radius": st.floats(0.01, 1),
    "points": st.lists(st.fixed_dictionaries({"x": unit, "y": unit}), max_size=6),
}
pictured: dict[str, st.SearchStrategy[Any]] = {
    **seen,
    "fit": st.sampled_from(["cover", "contain", "fill"]),
    "ken_burns": st.fixed_dictionaries(
        {"direction": st.sampled_from(["in", "out", "left", "right", "up", "down"])},
        optional={"amount": st.floats(0.01, 2)},
    ),
    "chroma_key": st.fixed_dictionaries({"color": st.just("#0f0")}, optional={"similarity": st.floats(0.01, 1)}),
}
clips = st.one_of(
    clip("video", {"src": st.sampled_from(["asset://v", "asset://unknown-length"])}, {**pictured, **played}),
    clip("image", {"src": st.just("asset://i")}, pictured),
    clip("audio", {"src": st.sampled_from(["asset://a", "asset://v"])}, {**optional, **played, "crossfade": short}),
    clip("tts", {"text": st.just(SAID.text)}, {**optional, "crossfade": short, "volume": volumes}),
    clip(
        "text", {"text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)}, seen
    ),
    clip("shape", {}, shaped),
    clip("caption", {"text": st.just("one two three four five six seven")}, seen),
)
tracks = st.lists(st.fixed_dictionaries({"clips": st.lists(clips, max_size=3)}), min_size=1, max_size=3)
outputs = st.fixed_dictionaries(
    {},
    optional={
        "range": st.fixed_dictionaries({"start": short}, optional={"end": short}),
        "width": st.integers(16, 1920),
        "fps": st.sampled_from([12.5, 25, 29.97, 60]),
        "format": st.sampled_from(["mp4", "gif", "png", "wav"]),
    },
)


@given(tracks=tracks, output=outputs)
@settings(max_examples=60, deadline=None)
def test_it_compiles_or_is_refused(tracks: list[Any], output: dict[str, Any]) -> None:
    try:
        ask = compositions.parse("timeline", {"tracks": tracks}, output, Limits())
        timeline = compositions.compile(ask, MEDIA)
    except ValidationFailed:
        return
    frames = timeline.canvas.frames
    for piece in (*timeline.clips, *timeline.audio):
        assert piece.frames > 0
        assert piece.start < frames
        assert piece.start + piece.frames > 0
        assert "range" in output or (piece.start >= 0 and piece.start + piece.frames <= frames)
        assert piece.fade_in + piece.fade_out <= piece.frames
    for sound in timeline.audio:
        assert [key.frame for key in sound.envelope] == sorted({key.frame for key in sound.envelope})
    for shown in timeline.clips:
        assert shown.head + shown.tail <= shown.frames
        if isinstance(shown.content, ShapeContent):
            outer, inner = outlines(shown.content, Size(shown.box.width, shown.box.height))
            assert outer.startswith("m ")
            assert "nan" not in outer + inner
        for key in getattr(shown.content, "view", ()):
            media = MEDIA[shown.content.src]  # type: ignore[union-attr]  # only what has a source has a view
            assert min(key.x, key.y) >= 0
            assert key.x + key.width <= media.width + 0.01
            assert key.y + key.height <= media.height + 0.01
    plan = make_plan(timeline, ask.output, fingerprint="x")
    for segment in plan.segments[:1]:
        assert segment_layers(segment).picture
    assert sum(segment.frames for segment in plan.segments) == (0 if ask.output.format == "wav" else plan.total_frames)
