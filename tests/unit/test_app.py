"""The API's process as a whole."""

import asyncio
from typing import Any, cast

import uvicorn

from renderowl.actors.supervisor import Escalated
from renderowl.app import _Server
from renderowl.testing.signals import until


class QuietHub:
    """Rooms that have nobody to tell."""

    async def drain(self) -> None:
        """Tell nobody."""


async def test_the_api_ends_when_what_runs_beside_it_has_failed_for_good() -> None:
    server = _Server(uvicorn.Config("nothing:to_serve"), cast(Any, QuietHub()))

    async def fails() -> None:
        raise Escalated("the prober failed 6 times")

    server.end_with(asyncio.create_task(fails()))

    async def ending() -> bool:
        return server.should_exit

    await until(ending, timeout_s=30)


async def test_what_ends_by_itself_ends_no_api() -> None:
    server = _Server(uvicorn.Config("nothing:to_serve"), cast(Any, QuietHub()))

    async def returns() -> None:
        return

    done = asyncio.create_task(returns())
    server.end_with(done)
    await asyncio.wait({done})
    await asyncio.sleep(0)
    assert not server.should_exit
