"""A storm is repeated by its seed."""

import pytest

from renderowl.testing.weather import HARMS, Caller, Felt, Harm, Part, forecast, forgets


def test_a_seed_is_a_storm() -> None:
    assert forecast(7, 600) == forecast(7, 600)
    assert forecast(7, 600) != forecast(8, 600)


def test_a_shorter_storm_is_the_start_of_a_longer_one() -> None:
    assert forecast(7, 600)[: len(forecast(7, 30))] == forecast(7, 30)


def test_ten_minutes_do_every_harm_to_every_part() -> None:
    done = {(gust.part, gust.harm) for seed in range(3) for gust in forecast(seed, 600)}
    assert done == {(part, harm) for part, harms in HARMS.items() for harm in harms}


def test_a_seed_is_also_what_is_asked_for_and_no_film_is_asked_for_twice() -> None:
    first, again = Caller(7, 1), Caller(7, 1)
    orders = [first.next() for _ in range(50)]
    assert [again.next() for _ in range(50)] == orders
    assert len({key for key, _ in orders}) == 50
    assert len({str(order.input_props) for _, order in orders}) == 50


def _felt(part: Part, harm: Harm, began_s: float, ended_s: float) -> Felt:
    return Felt(part, harm, began_s, ended_s)


FLUSH = _felt("redis", "flush", 101, 101)
KILL = _felt("api", "kill", 100, 101)
STOP = _felt("api", "stop", 100, 100)
AWAY = _felt("postgres", "kill", 95, 99)


@pytest.mark.parametrize(
    ("felt", "told_s", "excused"),
    [
        ([KILL, FLUSH], 99, True),
        ([KILL, FLUSH], 97, False),  # it was kept
        ([KILL, FLUSH, AWAY], 94, True),
        ([KILL, FLUSH, AWAY], 92, False),
        ([KILL, FLUSH, _felt("postgres", "pause", 90, 96)], 94, False),  # Postgres was back in time
        ([KILL, FLUSH, AWAY, _felt("postgres", "pause", 88, 92)], 87, True),
        ([STOP, FLUSH], 99, False),  # it keeps before it ends
        ([STOP, FLUSH, AWAY], 99, True),
        ([KILL], 99, False),  # Redis knows
        ([KILL, _felt("redis", "pause", 101, 103)], 99, False),
        ([KILL, _felt("redis", "flush", 98, 98)], 99, False),  # told after it was emptied
        ([FLUSH], 99, False),  # the rooms know
        ([_felt("api", "pause", 98, 101), FLUSH], 99, False),
        ([KILL, FLUSH], 100.7, False),  # told by the next process
    ],
)
def test_progress_may_go_back_only_where_nobody_can_know_it(felt: list[Felt], told_s: float, excused: bool) -> None:
    assert forgets(felt, told_s, 110) is excused
    assert forgets(felt, told_s, 99.5) is False, "before any of it"
