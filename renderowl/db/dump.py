"""A whole database as one file and back, by Postgres's own `pg_dump`, `pg_restore` and `psql`."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from renderowl.db.engine import connect_options
from renderowl.domain.errors import Unavailable

_AFTER_LOADING: Final = """
-- what lies in the segment cache is not part of a backup
DELETE FROM public.cache_entries;
-- events are numbered on from an older number: a cursor of before must not fit what comes now
UPDATE public.projects SET event_epoch = 'e' || substr(md5(random()::text), 1, 6);
-- nobody of before holds anything here
UPDATE public.workers SET status = 'gone';
"""


class DumpFailed(Unavailable):
    """One of Postgres's programs did not do what it was asked."""


async def dump(url: str, path: Path, *, programs: Path) -> None:
    """Write everything in the database, as of one moment, to `path`. `programs` is the folder of `pg_dump`."""
    await _run(programs / "pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")


async def load(url: str, path: Path, *, programs: Path) -> None:
    """Fill an empty database from a dump, all or nothing. `programs` is the folder of `pg_restore` and `psql`.

    Cursors that clients hold are void afterwards: they get a snapshot.
    """
    with tempfile.TemporaryDirectory() as folder:
        script, after = Path(folder, "dump.sql"), Path(folder, "after.sql")
        await _run(programs / "pg_restore", "", "--no-owner", "--no-privileges", f"--file={script}", str(path))
        await asyncio.to_thread(after.write_text, _AFTER_LOADING)
        once = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        await _run(programs / "psql", url, *once, f"--file={script}", f"--file={after}")


async def is_empty(url: str) -> bool:
    """Tell whether the database has no table."""
    connection = await asyncpg.connect(**connect_options(url))
    try:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM pg_tables WHERE schemaname = 'public'"))
    finally:
        await connection.close()


async def _run(program: Path, url: str, *arguments: str) -> None:
    """Run one of the programs, the password out of sight of who lists processes. Raises DumpFailed with its last words."""
    parts = urlsplit(url)
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "10"}
    target = []
    if url:
        shown = parts._replace(netloc=f"{parts.username or ''}@{parts.netloc.rpartition('@')[2]}")
        target = [f"--dbname={urlunsplit(shown)}"]
        if parts.password:
            environment["PGPASSWORD"] = unquote(parts.password)
    process = await asyncio.create_subprocess_exec(
        program, *target, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise DumpFailed(f"{program.name} failed: {said.decode(errors='replace').strip()[-2000:]}")
