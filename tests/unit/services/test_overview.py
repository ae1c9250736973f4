"""The queue's metrics are read now and then, not with every scrape."""

import asyncio
from typing import Any, cast

import pytest

from renderowl.domain.errors import Unavailable
from renderowl.services import overview
from renderowl.services.overview import FRESH_S, QueueGauges


class Postgres:
    """Counts how often it is asked; away when told so."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def observe(self, _db: object, *, alive_s: float) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("Postgres is away")


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    made = Postgres()
    monkeypatch.setattr(overview, "observe_queue", made.observe)
    return made


async def test_however_many_scrape_postgres_is_asked_once_in_a_while(postgres: Postgres) -> None:
    now = 100.0
    gauges = QueueGauges(cast(Any, None), alive_s=15, clock=lambda: now)
    await asyncio.gather(*(gauges.refresh() for _ in range(10)))
    assert postgres.asked == 1
    now += FRESH_S - 0.1
    await gauges.refresh()
    assert postgres.asked == 1
    now += 0.2
    await gauges.refresh()
    assert postgres.asked == 2


async def test_a_failure_is_not_kept(postgres: Postgres) -> None:
    gauges = QueueGauges(cast(Any, None), alive_s=15, clock=lambda: 100.0)
    postgres.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await gauges.refresh()
    postgres.away = False
    await gauges.refresh()
    assert postgres.asked == 3
