"""A whole `renderowl up`, and its clients, for those who follow one of the source documents."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from renderowl.settings import PREFIX
from renderowl.testing.settings import UNLIMITED
from renderowl.testing.signals import until

TOKEN: Final = "a-token-of-the-test-of-enough-length"


@dataclass(frozen=True)
class Up:
    """Where it is served, and what opens it."""

    url: str
    token: str = TOKEN

    def http(self, token: str | None = TOKEN) -> httpx.AsyncClient:
        """A client with this credential."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=120)


async def ended(http: httpx.AsyncClient, path: str, is_over: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """What a GET of this path answers, once it says that the work is over."""

    async def look() -> dict[str, Any] | None:
        answer = await http.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found if is_over(found) else None

    return await until(look, timeout_s=120, every_s=0.2)


@pytest.fixture(scope="session")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    data_dir = tmp_path_factory.mktemp("up") / "stack"
    limits = {f"{PREFIX}{name.upper()}": str(value) for name, value in UNLIMITED.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "up", "--port", "0", "--data-dir", str(data_dir)),
        env=os.environ | limits | {f"{PREFIX}AUTH_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        word, url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert word == "ready"
        yield Up(url)
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def over() -> Callable[..., Any]:
    """Waits for the end of work: `ended`."""
    return ended
