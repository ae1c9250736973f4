"""A value on its way from key to key: the expression says what was meant, however many keys there are, cut or not."""

import itertools
import math
import re
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.clock import fraction_of, time_of
from renderowl.pipeline.effects.path import Keys, clock, is_constant, path, thinned, value_at
from renderowl.pipeline.motion import Easing, Key, Motion
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
        "gte": lambda a, b: a >= b,
        "pow": pow,
        "cos": math.cos,
        "PI": math.pi,
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


eased = st.dictionaries(
    st.integers(-50, 300),
    st.tuples(st.floats(-100, 4000, allow_nan=False, width=16), st.sampled_from(get_args(Easing))),
    min_size=1,
    max_size=40,
).map(lambda found: tuple(Key(frame, *rest) for frame, rest in sorted(found.items())))


@given(keys=eased, frame=st.integers(-60, 310))
def test_ffmpeg_and_we_count_the_same_values(keys: tuple[Key, ...], frame: int) -> None:
    assert abs(value(path(keys, "n"), n=frame) - value_at(keys, frame)) < 1e-2


@pytest.mark.parametrize("easing", get_args(Easing))
def test_an_easing_begins_and_ends_at_its_keys_and_never_turns_back(easing: Easing) -> None:
    keys = (Key(0, 10.0, easing), Key(100, 20.0))
    way = [value_at(keys, frame) for frame in range(101)]
    assert (way[0], way[-1]) == pytest.approx((10, 20))
    assert way == sorted(way)
    halfway = {
        "linear": 15,
        "hold": 10,
        "ease_in": 12.5,
        "ease_out": 17.5,
        "ease_in_cubic": 11.25,
        "ease_out_cubic": 18.75,
    }
    assert way[50] == pytest.approx(halfway.get(easing, 15))


@given(keys=eased, first=st.integers(0, 200), length=st.integers(1, 100))
def test_a_motion_cut_out_moves_as_the_whole_does(keys: tuple[Key, ...], first: int, length: int) -> None:
    motion = Motion(x=keys, y=(Key(0, 3.0),), scale=keys)
    part = motion.between(first, first + length)
    for frame in range(length):
        assert value_at(part.x, frame) == value_at(keys, first + frame)
        assert value_at(part.scale, frame) == value_at(keys, first + frame)
    assert part.y == motion.y
    assert (part.x == (Key(0, part.x[0].value, part.x[0].easing),)) == (len(part.x) == 1)


@given(values=st.lists(st.floats(-500, 500, width=16), min_size=1, max_size=60), first=st.integers(-9, 9))
def test_fewer_keys_say_the_same_within_the_tolerance(values: list[float], first: int) -> None:
    keys = thinned(list(enumerate(values, first)), 0.25)
    assert len(keys) <= len(values)
    assert all(abs(value_at(keys, frame) - value) <= 0.251 for frame, value in enumerate(values, first))


def test_of_a_line_two_keys_are_left_and_of_a_bend_three() -> None:
    line = [(n, 3.0 * n) for n in range(50)]
    assert thinned(line, 0.01) == [Key(0, 0.0), Key(49, 147.0)]
    bend = [(n, 10.0 * max(n, 20)) for n in range(50)]
    assert [key.frame for key in thinned(bend, 0.01)] == [0, 20, 49]


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
