"""A short storm on every run; `make storm` is the long one."""

import random
from pathlib import Path

import pytest

from renderowl.testing.storm import weather

SECONDS = 30.0


@pytest.mark.timeout(480)
async def test_whatever_is_killed_or_paused_every_render_ends_once_and_every_room_hears_it(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"SEED={seed}")
    verdict = await weather(seed, SECONDS, tmp_path, print)
    print(verdict.text())
    assert verdict.faults == []
