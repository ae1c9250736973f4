"""Which transport a client uses, and when: without any."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.client.ladder import RUNGS, End, Fault, Ladder, Timing

UNFIT, BROKEN, AWAY, TOLD = (End(fault, "") for fault in (Fault.UNFIT, Fault.BROKEN, Fault.AWAY, Fault.TOLD))


def ladder() -> Ladder:
    return Ladder(Timing(), jitter=lambda _, most: most)


def test_the_socket_comes_first_and_is_kept_while_it_lasts() -> None:
    rules = ladder()
    for minute in range(5):
        rules.joined(minute * 60.0)
        assert rules.ended(BROKEN, minute * 60 + 59.0) == 0.1
        assert rules.rung == "socket"


def test_a_refused_upgrade_leads_to_the_next_transport_at_once() -> None:
    rules = ladder()
    assert rules.ended(UNFIT, 0.0) == 0
    assert rules.rung == "stream"
    assert rules.ended(UNFIT, 0.0) == 0
    assert rules.rung == "poll"
    assert rules.ended(UNFIT, 0.0) > 0
    assert rules.rung == "socket"


def test_a_socket_that_breaks_twice_in_a_row_is_left() -> None:
    rules = ladder()
    rules.joined(0.0)
    rules.ended(BROKEN, 5.0)
    assert rules.rung == "socket"
    rules.joined(6.0)
    rules.ended(BROKEN, 10.0)
    assert rules.rung == "stream"


def test_a_server_that_is_away_is_no_fault_of_the_transport_until_the_third_time() -> None:
    rules = ladder()
    assert [rules.ended(AWAY, 0.0) for _ in range(2)] == [0.1, 0.2]
    assert rules.rung == "socket"
    rules.ended(AWAY, 0.0)
    assert rules.rung == "stream"


def test_backing_off_doubles_up_to_its_end_and_starts_anew_after_a_connection_that_lasted() -> None:
    rules = ladder()
    waits = [rules.ended(TOLD, 0.0) for _ in range(10)]
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 10.0
    rules.joined(100.0)
    assert rules.ended(TOLD, 101.0) == 10.0
    rules.joined(200.0)
    assert rules.ended(TOLD, 210.0) == 0.1


def test_a_deploy_spreads_the_clients_over_five_seconds_and_a_limit_is_waited_for() -> None:
    assert ladder().ended(End(Fault.TOLD, "", deploying=True), 0.0) == 5.0
    assert ladder().ended(End(Fault.TOLD, "", least_s=7.0), 0.0) == 7.0


def test_a_better_transport_is_tried_again_later_and_later() -> None:
    rules = ladder()
    rules.ended(UNFIT, 0.0)
    rules.joined(0.0)
    now, tried = 0.0, []
    for _ in range(7):
        now = rules.climb_at
        tried.append(now)
        assert rules.target == "socket"
        rules.slipped(now)
    assert [after - before for before, after in itertools.pairwise(tried)] == [20, 40, 80, 160, 300, 300]


def test_from_the_long_poll_the_socket_is_tried_and_then_the_stream() -> None:
    rules = ladder()
    rules.ended(UNFIT, 0.0)
    rules.ended(UNFIT, 0.0)
    rules.joined(0.0)
    assert (rules.climb_at, rules.target) == (10.0, "socket")
    rules.slipped(10.0)
    assert (rules.climb_at, rules.target) == (10.0, "stream")
    rules.climbed()
    rules.joined(10.0)
    assert (rules.rung, rules.climb_at, rules.target) == ("stream", 30.0, "socket")
    rules.climbed()
    rules.joined(30.0)
    assert (rules.rung, rules.climb_at) == ("socket", float("inf"))


def test_a_transport_that_was_climbed_to_is_on_probation() -> None:
    rules = ladder()
    rules.ended(UNFIT, 0.0)
    rules.joined(0.0)
    rules.climbed()
    rules.joined(10.0)
    rules.ended(BROKEN, 11.0)
    assert rules.rung == "stream"


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(["join", "climb", "slip", *Fault]), max_size=60), st.data())
def test_whatever_happens_there_is_a_transport_and_a_time(happened: list[str | Fault], data: st.DataObject) -> None:
    rules, now, joined = Ladder(Timing()), 0.0, False
    for what in happened:
        now += data.draw(st.floats(0, 100))
        match what:
            case "join":
                rules.joined(now)
                joined = True
            case "climb" | "slip":
                if now >= rules.climb_at:
                    assert RUNGS.index(rules.target) < RUNGS.index(rules.rung)
                    if what == "slip":
                        rules.slipped(now)
                        assert rules.climb_at > now or rules.target == "stream", "later, or the next one at once"
                    else:
                        rules.climbed()
                        rules.joined(now)
            case Fault():
                assert 0 <= rules.ended(End(what, ""), now) <= 10
                joined = False
        assert rules.rung in RUNGS
        assert joined or rules.climb_at == float("inf")


@pytest.mark.parametrize("lasted_s", [29.0, 30.0])
def test_only_a_socket_that_lasted_makes_climbing_soon_again(lasted_s: float) -> None:
    rules = ladder()
    rules.ended(UNFIT, 0.0)
    rules.joined(0.0)
    rules.slipped(10.0)
    rules.climbed()
    rules.joined(30.0)
    rules.ended(UNFIT, 30.0 + lasted_s)
    rules.joined(100.0)
    assert rules.climb_at == (110.0 if lasted_s >= 30 else 120.0)
