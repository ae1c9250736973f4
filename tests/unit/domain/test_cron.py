"""Cron expressions: what is refused, and that every due time comes once, also where clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderowl.domain import cron

SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
PARIS = "Europe/Paris"


def due_times(expression: str, zone: str, start: datetime, count: int) -> list[datetime]:
    """The due times after `start`, each asked for after the one before, as a scheduler does."""
    found = [start]
    for _ in range(count):
        found.append(cron.next_due(expression, zone, found[-1]))
    return found[1:]


def local(found: list[datetime], zone: str = PARIS) -> list[str]:
    return [due.astimezone(ZoneInfo(zone)).strftime("%d %H:%M") for due in found]


def test_a_fixed_time_that_is_skipped_in_spring_is_due_right_after_it() -> None:
    assert local(due_times("30 2 * * *", PARIS, SPRING, 3)) == ["29 03:00", "30 02:30", "31 02:30"]


def test_a_fixed_time_that_comes_twice_in_autumn_is_due_once() -> None:
    assert local(due_times("30 2 * * *", PARIS, AUTUMN, 2)) == ["25 02:30", "26 02:30"]
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert local(due_times("30 2 * * *", PARIS, second_pass, 1)) == ["26 02:30"]


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
def test_what_is_due_every_so_often_goes_by_the_time_that_passes(start: datetime) -> None:
    found = due_times("*/30 * * * *", PARIS, start, 96)
    assert {after - before for before, after in pairwise(found)} == {timedelta(minutes=30)}


ZONES = [
    "UTC",
    PARIS,
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kolkata",
    "Africa/Casablanca",
]
MINUTES = st.sampled_from(["*", "*/15", "0", "30", "5,35", "10-20/5", "59"])
HOURS = st.sampled_from(["*", "*/2", "0", "1", "2", "1-3", "2,3", "23"])


@settings(max_examples=60, deadline=None)
@given(MINUTES, HOURS, st.sampled_from(ZONES), st.integers(0, 365 * 24 * 60), st.integers(0, 50))
def test_whoever_asks_at_whatever_moments_hears_of_the_same_due_times(
    minute: str, hour: str, zone: str, begin_minutes: int, later_minutes: int
) -> None:
    expression = f"{minute} {hour} * * *"
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=begin_minutes)
    found = due_times(expression, zone, start, 12)
    assert all(before < after for before, after in pairwise(found))
    asked_between = found[4] + min(timedelta(minutes=later_minutes), (found[5] - found[4]) / 2)
    assert cron.next_due(expression, zone, asked_between) == found[5]


@pytest.mark.parametrize(
    "expression",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"),
        *(
            "0 0 31 2 *",
            "0 0 30 2 *",
            "@daily",
            "L * * * *",
            "0 0 L/a * *",
            "９ * * * *",
            "0 0 * * 9",
            "-1 * * * *",
        ),
        *("1" * 5000 + " * * * *", "* * * * *" + "," * 500),
    ],
)
def test_what_is_no_expression_is_refused_with_a_reason(expression: str) -> None:
    assert cron.expression_problem(expression)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789*/,-#LW SUNMON@", max_size=40))
def test_whatever_is_written_is_due_or_refused(expression: str) -> None:
    if cron.expression_problem(expression) is None:
        assert cron.next_due(expression, "UTC", SPRING) > SPRING
        assert cron.shortest_interval_s(expression) >= 60


@pytest.mark.parametrize(
    "zone", ["", "../etc/passwd", "/etc/localtime", "Europe", "Mars/Olympus", "a\x00b", "x" * 5000]
)
def test_what_is_no_zone_is_refused(zone: str) -> None:
    assert cron.zone_problem(zone)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        *(("* * * * *", 60), ("*/5 * * * *", 300), ("0,1 9 * * *", 60), ("0 9 * * *", 86_400)),
        *(("59 23,0 * * *", 3600), ("0 0 1 1 *", 86_400)),
    ],
)
def test_the_shortest_interval_is_that_within_a_day_and_over_midnight(expression: str, seconds: int) -> None:
    assert cron.shortest_interval_s(expression) == seconds
