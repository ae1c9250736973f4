"""`renderowl render`: a spec file to a video, with nothing but FFmpeg, or by a server."""

import asyncio
import contextlib
import os
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.cli.environment import read_settings
from renderowl.cli.server_options import plainly, require_key, server_options
from renderowl.cli.spec_file import prepare, read_spec
from renderowl.domain.spec.file_names import name_problems
from renderowl.pipeline.assemble import OutputFile
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.render_file import RenderProgress, render_file
from renderowl.pipeline.tools import discover


@click.command("render")
@click.argument("spec_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: the spec's output_name."
)
@click.option("--parallel", type=click.IntRange(min=1), help="Encoders at once. Default: one a core.")
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep encoded segments here, and take them from here when a later render shows the same.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a progress bar.")
@server_options(required=False)
@click.option(
    "--watch", is_flag=True, help="With --server: render again whenever the spec or one of its files changes."
)
def command(
    spec_file: Path,
    output: Path | None,
    parallel: int | None,
    cache_dir: Path | None,
    as_json: bool,
    server: str | None,
    key: str | None,
    project_id: str | None,
    watch: bool,
) -> None:
    """Render SPEC_FILE, a JSON object with composition_id, input_props and output_settings.

    Sources in it are paths relative to the file. Needs no server; with --server that one renders, what has not changed
    out of its cache: files are uploaded and the film is fetched.
    """
    from rich.filesize import decimal

    if server is not None:
        _render_there(spec_file, output, server, require_key(key), project_id, watch=watch, as_json=as_json)
        return
    if watch or project_id is not None:
        raise click.UsageError(f"{'--watch' if watch else '--project'} wants a --server")
    made = asyncio.run(_render(spec_file, output, parallel or 0, cache_dir, quiet=as_json))
    if as_json:
        click.echo(msgspec.json.encode({"outputs": made}, enc_hook=str).decode())
    else:
        for file in made:
            click.echo(f"{file.path}  {decimal(file.size_bytes)}")


def _render_there(
    spec_file: Path, output: Path | None, server: str, key: str, project_id: str | None, *, watch: bool, as_json: bool
) -> None:
    from renderowl.cli.render_there import render_there

    def say(text: str) -> None:
        click.echo(text, err=True)

    with contextlib.suppress(KeyboardInterrupt) if watch else contextlib.nullcontext(), plainly(server):
        place = asyncio.run(
            render_there(
                server, key, project_id, spec_file, output, watch=watch, bar=lambda: _Bar(quiet=as_json), say=say
            )
        )
        click.echo(msgspec.json.encode({"output": str(place)}).decode() if as_json else str(place))


async def _render(
    spec_file: Path, output: Path | None, parallel: int, cache_dir: Path | None, *, quiet: bool
) -> list[OutputFile]:
    settings = read_settings()
    tools = await equipped(await discover(settings.ffmpeg, settings.ffprobe), settings.hardware_encoder)
    prepared = await prepare(spec_file, read_spec(spec_file), tools, settings)
    unseen = msgspec.structs.replace(
        prepared.plan.preview, frames=False, hls=False
    )  # nobody is there to be shown anything
    plan = msgspec.structs.replace(prepared.plan, preview=unseen)
    place = output or Path(plan.output_name)
    for problem in name_problems(place.name, plan.output_name.rpartition(".")[2]):
        raise click.BadParameter(f"{place.name} {problem} that the spec asks for", param_hint="--output")
    if place.name in {film.output_name for film in plan.further}:
        raise click.UsageError(f"{place.name} is also the name of another output of the spec")
    await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
    if not os.access(place.parent, os.W_OK | os.X_OK):  # else that would be found after the whole render
        raise click.BadParameter(f"the folder {place.parent.absolute()} is not writable", param_hint="--output")
    with _Bar(quiet) as bar:
        return await render_file(
            plan, prepared.inputs, place, tools, parallel=parallel, cache_dir=cache_dir, on_progress=bar.show
        )


class _Bar:
    """A progress bar on stderr, or nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.fields[step]:<12}"), BarColumn(), TextColumn("{task.percentage:5.1f} %"))
        left = TextColumn("{task.fields[left]}")
        self._bar = Progress(*columns, TimeElapsedColumn(), left, console=Console(stderr=True), disable=quiet)
        self._task = self._bar.add_task("render", total=100.0, step="starting", left="")

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, progress: RenderProgress) -> None:
        """Draw how far the render is."""
        left = "" if progress.eta_s is None else f"{progress.eta_s:.0f} s left"
        self._bar.update(self._task, completed=progress.percent, step=progress.step, left=left)
