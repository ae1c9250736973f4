"""Cron: when a five-field expression is due in a time zone, each moment once, whatever the clocks there do.

Daylight saving as Debian's cron has it: a fixed time that is skipped is due right after the gap, one that comes twice
is due once; what begins with a star goes by the time that passes.
"""

import functools
import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MAX_LENGTH: Final = 200
_DAY_MINUTES: Final = 24 * 60
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}")
_SOME_MOMENT: Final = datetime(2024, 1, 1, tzinfo=UTC)
# what CronSim raises for signs in places where it does not look for them
_NO_EXPRESSION: Final = (CronSimError, ValueError, TypeError, AssertionError)


def expression_problem(expression: str) -> str | None:
    """What is wrong with an expression, or None; one that is never due is wrong too."""
    if len(expression) > MAX_LENGTH or not expression.isascii() or len(expression.split()) != 5:
        return "must have five fields: minute, hour, day of the month, month, day of the week"
    try:
        next(CronSim(expression, _SOME_MOMENT))
    except StopIteration:
        return "is never due"
    except _NO_EXPRESSION as error:
        return f"is no cron expression: {error}"
    return None


def zone_problem(zone: str) -> str | None:
    """What is wrong with the name of a time zone, or None."""
    try:
        _zone(zone)
    except (KeyError, ValueError, OSError):
        return 'is no IANA time zone such as "Europe/Paris"'
    return None


def shortest_interval_s(expression: str) -> int:
    """The shortest time between two due times of one day, or of a day and the one after it."""
    simulated = CronSim(expression, _SOME_MOMENT)
    minutes = sorted(hour * 60 + minute for hour in simulated.hours for minute in simulated.minutes)
    following = [*minutes[1:], minutes[0] + _DAY_MINUTES]
    return 60 * min(later - earlier for earlier, later in zip(minutes, following, strict=True))


def next_due(expression: str, zone: str, after: datetime) -> datetime:
    """The first due time after this moment, in UTC."""
    for found in CronSim(expression, after.astimezone(_zone(zone))):
        due = found.astimezone(UTC)
        if due > after:  # an hour that comes twice is first simulated as its first pass
            return due
    raise ValueError(f"{expression} is never due")


@functools.cache
def _known(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def _zone(zone: str) -> ZoneInfo:
    if not _ZONE.fullmatch(zone) or len(zone) > 64:
        raise ValueError(zone)
    return _known(zone)
