"""`renderowl plan`: what a render would do, without doing it."""

import asyncio
import shlex
from pathlib import Path

import msgspec
import rich_click as click

from renderowl.cli.environment import read_settings
from renderowl.cli.spec_file import prepare, read_spec
from renderowl.pipeline.encode import EncodedAudio, EncodedSegment
from renderowl.pipeline.estimate import Estimate, Range, Sample, estimate
from renderowl.pipeline.hardware import equipped
from renderowl.pipeline.plan import Plan
from renderowl.pipeline.plan_svg import plan_svg
from renderowl.pipeline.planned import PlannedStep, planned_steps
from renderowl.pipeline.render_file import cores
from renderowl.pipeline.sampling import sample
from renderowl.pipeline.step_cache import StepCache
from renderowl.pipeline.tools import discover


class Shown(msgspec.Struct, frozen=True):
    """All there is to say of a plan; `cached` are the keys of what need not be encoded."""

    plan: Plan
    steps: list[PlannedStep]
    cached: frozenset[str]
    estimate: Estimate


@click.command("plan")
@click.argument("spec_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print everything as a JSON object.")
@click.option("--commands", is_flag=True, help="Print the commands and the files they read as well.")
@click.option(
    "--svg",
    "svg_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan as a picture to this file.",
)
@click.option(
    "--measure",
    is_flag=True,
    help="Encode a moment of a few segments, to tell how long all will take and how large it is.",
)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Mark what `renderowl render` would take from here.",
)
def command(
    spec_file: Path, as_json: bool, commands: bool, svg_file: Path | None, measure: bool, cache_dir: Path | None
) -> None:
    """Show the steps SPEC_FILE is cut into: segments, their keys and costs, and the exact FFmpeg commands."""
    shown = asyncio.run(_look(spec_file, cache_dir, measure=measure))
    if svg_file is not None:
        svg_file.write_text(plan_svg(shown.plan, shown.cached), encoding="utf-8")
    if as_json:
        click.echo(msgspec.json.encode(_told(shown)).decode())
    else:
        _show(shown, commands=commands)


async def _look(spec_file: Path, cache_dir: Path | None, *, measure: bool) -> Shown:
    settings = read_settings()
    tools = await equipped(await discover(settings.ffmpeg, settings.ffprobe), settings.hardware_encoder, trying=False)
    prepared = await prepare(spec_file, read_spec(spec_file), tools, settings)
    plan = prepared.plan
    cached = frozenset[str]() if cache_dir is None else _cached(plan, StepCache(cache_dir))
    samples: list[Sample] = await sample(plan, cached, prepared.inputs, tools, cores()) if measure else []
    steps = planned_steps(plan, tools)
    missing = [segment.cost for key, (_, segment) in plan.segments_once.items() if key not in cached]
    missing += [audio.cost for key, (_, audio) in plan.sounds_once.items() if key not in cached]
    return Shown(plan, steps, cached, estimate(plan, missing, samples, cores()))


def _cached(plan: Plan, cache: StepCache) -> frozenset[str]:
    segments = (key for key in plan.segments_once if cache.find(key, EncodedSegment))
    return frozenset([*segments, *(key for key in plan.sounds_once if cache.find(key, EncodedAudio))])


def _told(shown: Shown) -> dict[str, object]:
    steps = [msgspec.structs.asdict(step) | {"cached": step.key in shown.cached} for step in shown.steps]
    plan = shown.plan
    about = {"timeline": plan.timeline, "encoding": plan.encoding, "steps": steps, "cost": plan.cost}
    return about | {"estimate": shown.estimate}


def _show(shown: Shown, *, commands: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    plan, console = shown.plan, Console(highlight=False)
    canvas = plan.timeline.canvas
    fps = canvas.rate.num / canvas.rate.den
    console.print(f"{canvas.width}x{canvas.height}, {fps:g} fps, {canvas.frames} frames, {canvas.frames / fps:.2f} s")
    table = Table("step", "frames", "share of work", "key", "", box=None)
    for step in shown.steps:
        span = f"{step.start}..{step.start + step.frames}"
        there = "cached" if step.key in shown.cached else ""
        table.add_row(step.name, span, f"{100 * step.cost / plan.cost:.0f} %", step.key[:16], there)
    table.add_row("assemble", f"0..{canvas.frames}", f"{100 * plan.all_assemble_cost / plan.cost:.0f} %", "", "")
    console.print(table)
    for line in _expected(shown.estimate):
        console.print(line)
    for step in shown.steps if commands else ():
        click.echo(f"\n# {step.name}\n{shlex.join(step.argv)}")
        for name, text in step.files.items():
            click.echo(f"\n## {name}\n{text}")


def _expected(found: Estimate) -> list[str]:
    """Return what is expected, in words, as far as it was measured."""
    from rich.filesize import decimal

    lines = []
    if found.seconds is not None and found.wall_seconds is not None:
        lines.append(
            f"about {_span(found.wall_seconds)} s with {found.slots} at once, {_span(found.seconds)} s of one core"
        )
    if found.bytes is not None:
        lines.append(f"about {decimal(round(found.bytes.low))} to {decimal(round(found.bytes.high))}")
    return lines


def _span(seconds: Range) -> str:
    return f"{seconds.low:.3g} to {seconds.high:.3g}"
