"""`renderowl demo`: everything started, real media uploaded, two films rendered and watched over the WebSocket."""

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from signal import SIGTERM

import rich_click as click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from renderowl.cli import demo_films
from renderowl.cli.server_options import plainly
from renderowl.client import Asset, Client, Render, RoomFilter
from renderowl.domain.lifecycle import is_active
from renderowl.embedded.process import die_with_parent
from renderowl.pipeline.probe import Probed, probe_all
from renderowl.pipeline.tools import Toolchain, discover

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
WIDE = 100
"""Columns of a terminal that has room for everything."""


@click.command("demo")
@click.argument("media", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=".renderowl/demo",
    show_default=True,
    help="Where the demo keeps its servers' data, its media and its output.",
)
def command(media: tuple[Path, ...], data_dir: Path) -> None:
    """Start everything, upload MEDIA (or media made for it), render two films, watch them live, stop everything."""
    with plainly("the stack that was just started"):
        asyncio.run(_demo(media, data_dir.absolute()))


class _Stopwatch:
    """How long each part took, in order."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def time(self, part: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.parts.append((part, time.monotonic() - started))


async def _demo(media: Sequence[Path], data_dir: Path) -> None:
    console = Console(stderr=False, highlight=False)
    watch = _Stopwatch()
    with watch.time("media"):
        tools = await discover()
        paths = list(media) or await demo_films.make_media(tools, data_dir / "media")
        await _require_media(paths, tools)
    token = secrets.token_urlsafe(24)
    with watch.time("start: Postgres, Valkey, API, scheduler, worker"):
        console.print("[bold]Starting[/] Postgres, Valkey, the API, the scheduler and a worker")
        stack, url = await _start(data_dir / "stack", token)
    try:
        console.print(f"[green]ready[/] {url}")
        async with Client(url, token) as client:
            outputs = await _show(client, paths, data_dir / "output", console, watch)
    finally:
        with watch.time("stop"):
            await _stop(stack)
    console.print(_report(watch))
    for path, render in outputs:
        reused = (
            f", {render.cache['reused']} of {render.cache['segments']} segments from the cache" if render.cache else ""
        )
        console.print(f"[bold green]{path}[/]  {decimal(path.stat().st_size)}{reused}", soft_wrap=True)


async def _require_media(paths: Sequence[Path], tools: Toolchain) -> None:
    """Raise UsageError naming every file that no film can be made of, before anything is started."""
    found = await probe_all(paths, tools)
    bad = [f"{path}: {error.detail}" for path, error in zip(paths, found, strict=True) if isinstance(error, Exception)]
    if bad:
        raise click.UsageError("these files cannot be used\n" + "\n".join(bad))
    if all(isinstance(one, Probed) and one.kind == "audio" for one in found):
        raise click.UsageError("there must be a video or a picture among the files: sound alone makes no film")


async def _start(data_dir: Path, token: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start `renderowl up` on a free port; the process and the address it printed."""
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    with (data_dir / "up.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "renderowl", "up", "--port", "0", "--data-dir", str(data_dir)),
            env=os.environ | {"RENDEROWL_AUTH_TOKEN": token},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: we stop it when it is time
            preexec_fn=die_with_parent(SIGTERM),
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            async for line in process.stdout:
                word, _, url = line.decode().strip().partition(" ")
                if word == "ready":
                    return process, url
    except TimeoutError:
        await _stop(process)
    except asyncio.CancelledError:
        await _stop(process)
        raise
    said = (data_dir / "up.log").read_text(errors="replace").strip()
    raise click.ClickException(f"the stack did not start; it said:\n{said}\nIts logs are in {data_dir / 'logs'}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _show(
    client: Client, paths: Sequence[Path], output: Path, console: Console, watch: _Stopwatch
) -> list[tuple[Path, Render]]:
    project = await client.create_project("Demo")
    with watch.time(f"upload and probe {len(paths)} file{'s' if len(paths) != 1 else ''}"):
        console.print(f"[bold]Uploading[/] {', '.join(path.name for path in paths)}")
        uploaded = await asyncio.gather(*(client.upload(project.id, path) for path in paths))
        assets = await asyncio.gather(*(client.ready_asset(project.id, asset.id) for asset in uploaded))
    _describe(assets, console)
    films = demo_films.films(assets)
    with watch.time("render, watched over the WebSocket"):
        console.print(f"[bold]Rendering[/] {len(films)} films; the bars are fed by the project's room")
        renders = [
            await client.create_render(
                project.id, film.composition_id, film.input_props, output_settings=film.output_settings
            )
            for film in films
        ]
        titles = {render.id: film.title for render, film in zip(renders, films, strict=True)}
        async with asyncio.timeout(900):
            await _watch(client, project.id, titles, console)
    await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
    done: list[tuple[Path, Render]] = []
    with watch.time("download"):
        for render, film in zip(renders, films, strict=True):
            ended = await client.get_render(project.id, render.id)
            if ended.status != "completed":
                raise click.ClickException(f"{film.title} {ended.status}: {(ended.error or {}).get('message', '')}")
            name = film.output_settings["output_name"]
            done.append((await client.download(project.id, render.id, output / name), ended))
    return done


def _describe(assets: Sequence[Asset], console: Console) -> None:
    for asset in assets:
        facts = asset.metadata or {}
        size = f"{facts.get('width')}x{facts.get('height')}" if facts.get("width") else ""
        length = f"{facts['duration_s']:.1f} s" if facts.get("duration_s") else ""
        console.print(f"  [green]{asset.status}[/] {asset.name}: {asset.type} {size} {length}".rstrip())


async def _watch(client: Client, project_id: str, titles: dict[str, str], console: Console) -> None:
    """Follow the room until every render has ended, drawing a bar for each."""
    wide = console.width >= WIDE
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=36 if wide else 10),
        TextColumn("{task.percentage:5.1f} %"),
        TextColumn("{task.fields[said]}"),
        *((TextColumn("{task.fields[pictures]} pictures"), TimeElapsedColumn()) if wide else ()),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {
            render_id: bars.add_task(title, total=100.0, said="queued", pictures=0)
            for render_id, title in titles.items()
        }
        pictures = Counter[str]()
        open_ids = set(titles)
        async with contextlib.aclosing(_updates(client, project_id)) as updates:
            async for render_id, status, progress in updates:
                if render_id not in tasks:
                    continue
                if status == "preview":
                    pictures[render_id] += 1
                    bars.update(tasks[render_id], pictures=pictures[render_id])
                    continue
                _draw(bars, tasks[render_id], status, progress)
                if not is_active(status):  # type: ignore[arg-type]  # a word of the wire
                    open_ids.discard(render_id)
                if not open_ids:
                    return


async def _updates(client: Client, project_id: str) -> AsyncGenerator[tuple[str, str, dict[str, object]]]:
    """(render id, status, progress) of everything the room says; a preview picture has the status `preview`."""
    async for message in client.room(project_id, filter=RoomFilter(types=["state", "progress", "preview"])):
        if message.type == "snapshot":
            for render in message.renders:
                yield render["id"], render["status"], render["progress"]
        elif message.render_id is not None and message.type == "render.preview":
            yield message.render_id, "preview", message.data
        elif message.render_id is not None and message.type.startswith("render."):
            progress = message.data.get("progress", message.data)
            yield message.render_id, message.data.get("status", "processing"), progress


def _draw(bars: Progress, task: TaskID, status: str, progress: dict[str, object]) -> None:
    frames = f"{progress.get('current_frame', 0)}/{progress.get('total_frames', 0)} frames"
    fps = progress.get("fps")
    speed = f"{fps:.0f} fps" if isinstance(fps, float | int) and status == "processing" else ""
    stage = progress.get("stage") if status == "processing" else status
    percent = progress.get("percent")
    completed = float(percent) if isinstance(percent, float | int) else None
    bars.update(task, completed=completed, said=f"{stage} {frames} {speed}".rstrip())


def _report(watch: _Stopwatch) -> Table:
    table = Table("part", "seconds", show_edge=False, box=None, header_style="bold")
    table.columns[1].justify = "right"
    for part, seconds in watch.parts:
        table.add_row(part, f"{seconds:.1f}")
    table.add_row("[bold]all", f"[bold]{sum(seconds for _, seconds in watch.parts):.1f}")
    return table
