"""Fixtures of the tests on real servers."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from renderowl.client import Client
from renderowl.testing.farm import Farm, farm_settings, open_farm
from renderowl.testing.gateway import HURRIED, Gateway
from renderowl.testing.service import service
from renderowl.testing.serving import World, world
from renderowl.worker import main
from renderowl.worker.executor import Executor

__all__ = ["service", "world"]


@pytest.fixture
async def farm(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    storage_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Farm]:
    """A farm; with the parameter "step by step" one whose films are never short enough for a single step."""
    if getattr(request, "param", "") == "step by step":
        monkeypatch.setattr(main, "Executor", partial(Executor, short_cost=0.0))
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")) as opened:
        yield opened


@pytest.fixture
async def workers(world: World, farm: Farm) -> None:
    """Somebody who renders what is submitted."""


@pytest.fixture
async def gateway(world: World) -> Gateway:
    """A proxy before the served API."""
    return Gateway(urlsplit(world.http_url).port or 0)


@pytest.fixture
async def client(world: World, gateway: Gateway) -> AsyncIterator[Client]:
    """A client behind the gateway, in a hurry."""
    async with gateway.serve() as url, Client(url, world.key, timing=HURRIED) as client:
        yield client
