"""What API keys are used for: counted in memory, written to Postgres every few seconds, read by day and route.

A process that is killed loses what it had not written: the counts are for charts, not for bills. What renders took at a
remote endpoint is read from the errands' own rows, which lose nothing.
"""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from renderowl.db import errands, quotas, usage
from renderowl.db.errands import DayCost
from renderowl.db.usage import RouteUse
from renderowl.domain.records import Principal
from renderowl.services import accounts
from renderowl.services.context import Context
from renderowl.services.views import RemoteView

KEPT_DAYS: Final = 400
"""For so long it is known what was used: a year can be compared with the one before."""

_Use = tuple[str, date, str]


class Tally:
    """The requests that this process has answered and not yet written, by key, day and route."""

    def __init__(self) -> None:
        self._requests: Counter[_Use] = Counter()
        self._errors: Counter[_Use] = Counter()

    def count(self, key_id: str, route: str, *, failed: bool) -> None:
        """Count one request."""
        use = key_id, datetime.now(UTC).date(), route
        self._requests[use] += 1
        if failed:
            self._errors[use] += 1

    async def write(self, ctx: Context) -> None:
        """Write what was counted and begin anew. Raises Unavailable, and keeps it all, while Postgres is away."""
        requests, errors = self._requests, self._errors
        self._requests, self._errors = Counter(), Counter()
        if not requests:
            return
        try:
            await usage.add(
                ctx.db,
                [
                    (key_id, RouteUse(day, route, count, errors[key_id, day, route]))
                    for (key_id, day, route), count in requests.items()
                ],
            )
        except BaseException:
            self._requests.update(requests)
            self._errors.update(errors)
            raise


class RouteCount(msgspec.Struct, frozen=True):
    """`errors` of the `requests` were answered with a status of 400 or more."""

    route: str
    requests: int
    errors: int


class DayUsage(msgspec.Struct, frozen=True):
    """A day's requests (UTC), the most used route first, and what ended at a remote endpoint."""

    day: date
    requests: int
    errors: int
    routes: list[RouteCount]
    remote: RemoteView


class KeyUsage(msgspec.Struct, frozen=True):
    """Every day from the first to today, those without a request too; about ten seconds behind."""

    key_id: str
    requests: int
    errors: int
    remote: RemoteView
    days: list[DayUsage]


async def of_key(ctx: Context, principal: Principal, key_id: str, *, days: int) -> KeyUsage:
    """What a key of the caller's, and the tokens it made, were used for in the last `days` days."""
    await accounts.own_key(ctx, principal, key_id)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    used = await usage.of_key(ctx.db, key_id, first, today)
    by_day = {day: list(uses) for day, uses in groupby(used, lambda use: use.day)}
    costs = {one.day: one for one in await errands.costs_of_key(ctx.db, key_id, first, today)}
    told = [_day(first + timedelta(days=n), by_day, costs) for n in range(days)]
    requests, errors = sum(one.requests for one in told), sum(one.errors for one in told)
    return KeyUsage(key_id, requests, errors, _remote(costs.values()), told)


async def forget(ctx: Context) -> int:
    """Drop what is older than is kept; the slow tick. Returns how many rows that were."""
    return sum([await of.forget(ctx.db, older_than_days=KEPT_DAYS) for of in (usage, quotas, errands)])


def _day(day: date, by_day: dict[date, list[RouteUse]], costs: dict[date, DayCost]) -> DayUsage:
    uses = by_day.get(day, [])
    routes = [RouteCount(use.route, use.requests, use.errors) for use in uses]
    remote = _remote([costs[day]] if day in costs else [])
    return DayUsage(day, sum(use.requests for use in uses), sum(use.errors for use in uses), routes, remote)


def _remote(costs: Collection[DayCost]) -> RemoteView:
    return RemoteView(
        submissions=sum(one.submissions for one in costs),
        execution_s=round(sum(one.execution_s for one in costs), 3),
        cost=round(sum(one.cost for one in costs), 6),
    )
