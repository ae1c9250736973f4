"""A value on its way from key to key: the expression says what was meant, however many keys there are, cut or not."""

import itertools
import re
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.clock import fraction_of, time_of
from renderowl.pipeline.effects.path import Keys, clock, is_constant, path
from renderowl.pipeline.slice import slice_clip
from renderowl.pipeline.timeline import Box, Clip, Ellipse, EllipseKey, HighlightContent, Rate, VideoContent, ViewKey


def value(expression: str, **variables: float) -> float:
    """Evaluate the few functions of FFmpeg's expressions that paths use."""
    memory: dict[int, float] = {}
    names = {
        "st": memory.__setitem__,
        "ld": memory.__getitem__,
        "clip": lambda x, low, high: max(low, min(high, x)),
        "lt": lambda a, b: a < b,
        "choose": lambda condition, yes, no: yes if condition else no,
        **variables,
    }
    python = expression.replace("if(", "choose(")
    if found := re.fullmatch(r"\((st\(.*?\)\));(.*)\)", python):
        eval(found[1], names)
        python = found[2]
    return float(eval(python, names))


def meant(keys: Keys, frame: int) -> float:
    if frame <= keys[0][0]:
        return keys[0][1]
    for (start, a), (end, b) in itertools.pairwise(keys):
        if frame <= end:
            return a + (b - a) * (frame - start) / (end - start)
    return keys[-1][1]


paths = st.dictionaries(
    st.integers(-50, 300), st.floats(-100, 4000, allow_nan=False, width=16), min_size=1, max_size=40
)


@given(keys=paths.map(lambda found: sorted(found.items())), start=st.integers(-60, 60), frame=st.integers(0, 250))
def test_it_is_linear_between_keys_and_held_outside(keys: Keys, start: int, frame: int) -> None:
    wanted = meant(keys, frame - start)
    assert abs(value(path(keys, clock("n", start)), n=frame) - wanted) < 1e-3


def test_a_value_that_stays_is_a_number() -> None:
    assert is_constant([(0, 2.5), (9, 2.5)])
    assert path([(0, 2.5), (9, 2.5)], "n") == "2.5"


def test_five_thousand_keys_are_nested_no_deeper_than_thirteen() -> None:
    text = path([(n, float(n % 7)) for n in range(5000)], "n")
    depth = deepest = 0
    for part in re.findall(r"if\(|\(|\)", text):
        depth += -1 if part == ")" else 1
        deepest = max(deepest, depth)
    assert deepest <= 13 + 4


@given(
    keys=paths.map(lambda found: sorted(found.items())),
    cut=st.tuples(st.integers(0, 259), st.integers(1, 260)),
    speed=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_a_slice_of_a_view_moves_as_the_whole_does(keys: Keys, cut: tuple[int, int], speed: float) -> None:
    view = tuple(ViewKey(frame, x, x, 2.0, 2.0) for frame, x in keys)
    clip = Clip("c", 5, 260, VideoContent("v", speed=speed, view=view), Box(0, 0, 2, 2))
    first, last = cut[0], cut[0] + cut[1]
    part = slice_clip(clip, first, last, Rate(30))
    if part is None:
        return
    assert isinstance(part.content, VideoContent)
    for frame in range(max(first, 5), min(last, 265), 7):
        now = frame - first - part.start
        assert abs(meant([(key.frame, key.x) for key in part.content.view], now) - meant(keys, frame - 5)) < 1e-6
        assert fraction_of(part.content.start) + time_of(now, Rate(30)) * Fraction(speed) == (
            time_of(frame - 5, Rate(30)) * Fraction(speed)
        )


@given(
    keys=paths.map(lambda found: sorted(found.items())),
    spans=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=3),
    cut=st.tuples(st.integers(0, 259), st.integers(1, 260)),
)
def test_a_slice_of_a_highlight_moves_as_the_whole_does(
    keys: Keys, spans: list[tuple[int, int]], cut: tuple[int, int]
) -> None:
    made = tuple(EllipseKey(frame, x, x, 1.0, 1.0) for frame, x in keys)
    ellipses = tuple(Ellipse(start, start + length, made) for start, length in spans)
    clip = Clip("c", 5, 260, HighlightContent("dim", ellipses), Box(0, 0, 2, 2))
    first, last = cut[0], cut[0] + cut[1]
    part = slice_clip(clip, first, last, Rate(30))
    for frame in range(first, min(last, 265), 7):
        wanted = [ellipse for ellipse in ellipses if ellipse.start <= frame - 5 < ellipse.end]
        if part is None:
            assert not 5 <= frame < 265
            continue
        assert isinstance(part.content, HighlightContent)
        now = frame - first - part.start
        shown = [ellipse for ellipse in part.content.ellipses if ellipse.start <= now < ellipse.end]
        assert len(shown) == len(wanted)
        for ellipse in shown:
            assert abs(meant([(key.frame, key.x) for key in ellipse.keys], now) - meant(keys, frame - 5)) < 1e-6
