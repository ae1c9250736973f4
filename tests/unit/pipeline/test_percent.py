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
def test_percent_never_falls_and_the_time_left_is_never_unsaid(moves: list[tuple[str, float, float]]) -> None:
    percent = Percent({"a": 5.0, "b": 0.0, "c": 1.0})
    before, left, now_s = 0.0, None, 0.0
    for step, share, passed_s in moves:
        now_s += passed_s
        percent.advance(step, share, now_s)
        assert before <= percent.value < 100
        assert left is None or percent.eta_s is not None
        assert percent.eta_s is None or percent.eta_s >= 0
        before, left = percent.value, percent.eta_s


def test_the_time_left_counts_down_while_the_work_is_even() -> None:
    percent = Percent({"a": 1})
    for tenth in range(1, 100):
        percent.advance("a", tenth / 100, tenth)
        assert tenth < 5 or percent.eta_s is not None
        assert percent.eta_s is None or abs(percent.eta_s - (100 - tenth)) < 0.01


def test_a_render_that_gets_slower_is_said_to_take_longer() -> None:
    percent = Percent({"a": 1})
    percent.advance("a", 0.5, 5)
    assert percent.eta_s == 5
    for second in range(6, 40):
        percent.advance("a", 0.5 + (second - 5) * 0.005, second)
    assert percent.eta_s is not None
    assert percent.eta_s > 40
