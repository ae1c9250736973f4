"""`renderowl plan`: what a render would do, without doing it."""

import asyncio
import shlex
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.cli.environment import read_settings
from renderowl.cli.spec_file import prepare, read_spec
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.planned import PlannedStep, planned_steps
from renderowl.pipeline.tools import discover


@click.command("plan")
@click.argument("spec_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print everything as a JSON object.")
@click.option("--commands", is_flag=True, help="Print the commands and the files they read as well.")
def command(spec_file: Path, as_json: bool, commands: bool) -> None:
    """Show the steps SPEC_FILE is cut into: segments, their keys and costs, and the exact FFmpeg commands."""
    plan, steps = asyncio.run(_plan(spec_file))
    if as_json:
        told = {"timeline": plan.timeline, "encoding": plan.encoding, "steps": steps, "cost": plan.cost}
        click.echo(msgspec.json.encode(told).decode())
    else:
        _show(plan, steps, commands=commands)


async def _plan(spec_file: Path) -> tuple[Plan, list[PlannedStep]]:
    settings = read_settings()
    tools = await discover(settings.ffmpeg, settings.ffprobe)
    plan = (await prepare(spec_file, read_spec(spec_file), tools)).plan
    return plan, planned_steps(plan, tools)


def _show(plan: Plan, steps: list[PlannedStep], *, commands: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    canvas, console = plan.timeline.canvas, Console(highlight=False)
    fps = canvas.rate.num / canvas.rate.den
    console.print(f"{canvas.width}x{canvas.height}, {fps:g} fps, {canvas.frames} frames, {canvas.frames / fps:.2f} s")
    table = Table("step", "frames", "share of work", "key", box=None)
    for step in steps:
        span = f"{step.start}..{step.start + step.frames}"
        table.add_row(step.name, span, f"{100 * step.cost / plan.cost:.0f} %", step.key[:16])
    table.add_row("assemble", f"0..{canvas.frames}", f"{100 * plan.assemble_cost / plan.cost:.0f} %", "")
    console.print(table)
    for step in steps if commands else ():
        click.echo(f"\n# {step.name}\n{shlex.join(step.argv)}")
        for name, text in step.files.items():
            click.echo(f"\n## {name}\n{text}")
