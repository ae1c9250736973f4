"""Percent: weighted, monotonic, honest at the end."""

from hypothesis import given
from hypothesis import strategies as st

from renderowl.pipeline.percent import Percent


def test_steps_weigh_by_their_cost() -> None:
    percent = Percent({"a": 3, "b": 1})
    percent.advance("a", 0.5, 1)
    assert percent.value == 37.5
    percent.advance("b", 1, 2)
    assert percent.value == 62.5


def test_a_hundred_is_said_only_at_the_end() -> None:
    percent = Percent({"a": 1, "b": 1})
    percent.advance("a", 1, 1)
    percent.advance("b", 1, 1)
    assert percent.value == 99.9
    percent.complete()
    assert (percent.value, percent.eta_s) == (100.0, 0.0)


def test_the_time_left_waits_until_it_is_stable() -> None:
    percent = Percent({"a": 1})
    percent.advance("a", 0.5, 1.9)
    assert percent.eta_s is None
    percent.advance("a", 0.5, 4.0)
    assert percent.eta_s == 4.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1.5), st.floats(0, 100)), max_size=30))
def test_percent_never_falls_and_the_time_left_never_grows(moves: list[tuple[str, float, float]]) -> None:
    percent = Percent({"a": 5.0, "b": 0.0, "c": 1.0})
    before, left = 0.0, None
    for step, share, elapsed_s in moves:
        percent.advance(step, share, elapsed_s)
        assert before <= percent.value < 100
        assert left is None or (percent.eta_s is not None and percent.eta_s <= left)
        before, left = percent.value, percent.eta_s
