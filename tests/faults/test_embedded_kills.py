"""kill -9 of the embedded servers and of the process that holds them: nothing is left, nothing is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import asyncpg
import psutil
import pytest

from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey

_HOLD = """
import signal, sys
from pathlib import Path
from renderowl.embedded.postgres import EmbeddedPostgres
from renderowl.embedded.valkey import EmbeddedValkey
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedValkey(folder / "valkey") as valkey:
    print(postgres.url, postgres.pid, valkey.pid, flush=True)
    signal.pause()
"""


def _value(url: str, statement: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url, ssl=False)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


async def test_a_killed_server_that_nobody_reaps_is_no_obstacle(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        first = psutil.Process(postgres.pid)
        os.kill(first.pid, signal.SIGKILL)
        while first.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0)
        again = EmbeddedPostgres(tmp_path / "postgres")
        again._lock = postgres._lock
        again.start()
        assert first.status() == psutil.STATUS_ZOMBIE
        again.stop()


@pytest.mark.parametrize("round_", range(3))
def test_killing_the_holder_kills_the_servers_and_a_second_start_has_every_commit(tmp_path: Path, round_: int) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        url, *pids = holder.stdout.readline().split()
        family = [psutil.Process(int(pid)) for pid in pids]
        family += family[0].children(recursive=True)
        _value(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        holder.kill()
    with EmbeddedPostgres(tmp_path / "postgres") as postgres, EmbeddedValkey(tmp_path / "valkey"):
        assert _value(postgres.url, "SELECT count(*) FROM kept") == 1000
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_killing_postgres_alone_loses_no_commit(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        _value(postgres.url, "CREATE TABLE kept (n int)")
        for n in range(5):
            _value(postgres.url, f"INSERT INTO kept VALUES ({n})")
            first = psutil.Process(postgres.pid)
            os.kill(postgres.pid, signal.SIGKILL)
            psutil.wait_procs([first], timeout=5)
            postgres.start()
            assert _value(postgres.url, "SELECT count(*) FROM kept") == n + 1


def test_a_start_from_another_thread_is_refused_because_the_server_would_die_with_the_thread(tmp_path: Path) -> None:
    errors: list[str] = []

    def start() -> None:
        try:
            EmbeddedValkey(tmp_path / "valkey").start()
        except EmbeddedError as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert errors == ["embedded servers must be started from the main thread"]
