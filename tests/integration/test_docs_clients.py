"""`docs/sdk-python.md`: what it shows runs as it is shown."""

import asyncio
import re
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from renderowl.client import Client
from renderowl.testing.farm import farm_settings, open_farm
from renderowl.testing.media import MadeMedia
from renderowl.testing.serving import World
from renderowl.testing.signals import until

PAGE = (Path(__file__).parents[2] / "docs" / "sdk-python.md").read_text()
PROGRAM, ITERATION, COMMANDS, FILES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def snippet(code: str, **names: Any) -> Callable[[], Awaitable[None]]:
    """Code that stands within an async function of somebody who has these names."""
    exec(f"async def run():\n{textwrap.indent(code, '    ')}", names)
    run: Callable[[], Awaitable[None]] = names["run"]
    return run


async def test_the_program_renders_and_downloads_a_film(
    world: World, database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    async with open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(tmp_path / "program.py"), world.http_url, world.key, str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        printed, _ = await process.communicate()
    lines = printed.decode().splitlines()
    assert process.returncode == 0
    assert lines[-2:] == ["100.0 %", str(tmp_path / "blue.mp4")]
    assert (tmp_path / "blue.mp4").stat().st_size > 0


async def test_files_are_sent_and_shown(
    world: World, database_url: str, redis_url: str, storage_dir: Path, tmp_path: Path, media: MadeMedia
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes((await media.video(colors=["green"], size="64x36")).read_bytes())
    (tmp_path / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nOwls\n")
    names: dict[str, Any] = {}
    exec(FILES, names)
    async with (
        open_farm(farm_settings(database_url, redis_url, storage_dir, tmp_path / "work")),
        Client(world.http_url, world.key) as client,
    ):
        made = await names["captioned"](client, world.project.id, film, tmp_path / "words.srt")
    assert made.stat().st_size > 0


async def test_the_commands_are_carried_out(world: World) -> None:
    async with Client(world.http_url, world.key) as client:
        names: dict[str, Any] = {}
        exec(PROGRAM, names)
        running = asyncio.create_task(snippet(COMMANDS, client=client, project_id=world.project.id, **names)())
        await world.members(1)

        async def submitted() -> Any:
            return await world.ctx.db.fetch_value("SELECT id FROM renders")

        await world.happen("render.started", await until(submitted))
        await running
        assert await world.ctx.db.fetch_value("SELECT status FROM renders") == "cancelled"


async def test_the_iteration_understands_what_it_is_told(world: World) -> None:
    printed: list[tuple[Any, ...]] = []
    async with Client(world.http_url, world.key) as client:
        names = {"client": client, "project_id": world.project.id, "print": lambda *words: printed.append(words)}
        running = asyncio.create_task(snippet(ITERATION, **names)())
        await world.members(1)
        await world.progress(0.5)

        async def told() -> bool:
            return ("rnd_1", 50.0) in printed

        await until(told)
        running.cancel()
        await asyncio.wait([running])
