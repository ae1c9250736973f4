"""A storm is repeated by its seed."""

from renderowl.testing.weather import HARMS, Caller, forecast


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
