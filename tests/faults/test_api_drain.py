"""The API as a real process: what its sockets hear when it is told to stop."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from renderowl.client import Client
from renderowl.embedded.process import free_port
from renderowl.testing.signals import until

TOKEN = "the-bootstrap-token-of-this-test"


async def test_a_stopping_api_tells_its_sockets_to_come_back_and_exits(
    database_url: str, redis_url: str, storage_dir: Path
) -> None:
    port = free_port("127.0.0.1")
    variables = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STORAGE_URL": f"file://{storage_dir}",
        "SECRET_KEY": "a secret key of the tests, long enough",
        "AUTH_TOKEN": TOKEN,
        "PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "renderowl", "serve"),
        env=os.environ | {f"RENDEROWL_{name}": value for name, value in variables.items()},
    )
    try:

        async def listening() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until(listening, timeout_s=30)
        async with Client(f"http://127.0.0.1:{port}", TOKEN) as client:
            project = await client.create_project("p")
        url = f"ws://127.0.0.1:{port}/ws/projects/{project.id}/renders"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            connect(url, additional_headers=headers, subprotocols=["renderowl.v1"]) as joined,  # type: ignore[list-item]
            connect(url, additional_headers=headers, subprotocols=["renderowl.v1"]) as silent,  # type: ignore[list-item]
        ):
            await joined.send('{"type":"hello"}')
            assert '"welcome"' in str(await joined.recv())
            process.send_signal(signal.SIGTERM)
            for socket in (joined, silent):
                with pytest.raises(ConnectionClosed):
                    async with asyncio.timeout(10):
                        while True:
                            await socket.recv()
                assert socket.close_code == 1012
        assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
