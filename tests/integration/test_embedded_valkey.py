"""The embedded Valkey: private, without a trace on disk, back on the same port."""

import os
import stat
from pathlib import Path

import psutil
import pytest
import redis
import redis.asyncio

from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.valkey import EmbeddedValkey


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedValkey:
    return EmbeddedValkey(tmp_path / "valkey")


async def test_it_answers_redis_clients_with_the_url(server: EmbeddedValkey) -> None:
    with server:
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.set("key", "value")
            assert await client.get("key") == b"value"
            assert (await client.info())["valkey_version"].startswith("9.")


async def test_arq_works_on_it(server: EmbeddedValkey) -> None:
    from arq import create_pool
    from arq.connections import RedisSettings

    with server:
        pool = await create_pool(RedisSettings.from_dsn(server.url))
        job = await pool.enqueue_job("step", _queue_name="test")
        assert job is not None
        assert [one.function for one in await pool.queued_jobs(queue_name="test")] == ["step"]
        await pool.aclose()


def test_nobody_gets_in_without_the_password(server: EmbeddedValkey) -> None:
    with server:
        client = redis.Redis(port=server.port)
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        client.close()
        assert stat.S_IMODE((server.data_dir / "valkey.conf").stat().st_mode) == 0o600
        assert not any("requirepass" in word or len(word) == 32 for word in psutil.Process(server.pid).cmdline())


def test_it_comes_back_on_the_same_port_after_kill_9(server: EmbeddedValkey) -> None:
    with server:
        url, first = server.url, server.pid
        client = redis.Redis.from_url(url)
        client.set("key", "value")
        os.kill(first, 9)
        psutil.wait_procs([psutil.Process(first)], timeout=5)
        server.start()
        assert server.url == url
        assert server.pid != first
        assert client.get("key") is None, "nothing in it is durable"
        client.close()


def test_it_leaves_no_data_on_disk(server: EmbeddedValkey) -> None:
    with server:
        client = redis.Redis.from_url(server.url)
        client.set("key", "value")
        client.close()
    assert {path.name for path in server.data_dir.iterdir()} == {"lock", "valkey.conf", "valkey.log"}


def test_a_folder_with_spaces_and_unicode_is_fine(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / 'a "quoted" földer') as server:
        assert server.running


def test_two_on_one_directory_are_refused(server: EmbeddedValkey) -> None:
    with server, pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        EmbeddedValkey(server.data_dir).start()
