"""How `renderowl top` looks: an overview as lines and tables for a terminal."""

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from renderowl.db.overview import WorkerSeen
from renderowl.services.overview import Overview, RunningStep

_COLOURS = {"urgent": "bold red", "high": "yellow", "normal": "cyan", "low": "dim"}
_SILENT_S = 10.0
_WIDE = 110
"""Columns of a terminal that has room for everything."""


def view(seen: Overview, *, rows: int = 20, width: int = _WIDE) -> RenderableType:
    """Everything, with at most `rows` workers and as many running steps; without their bars where that would cut words off."""
    bars = width >= _WIDE
    parts: list[RenderableType] = [_head(seen), *(_pause_lines(seen)), Text(), _queue(seen)]
    parts += [Text(), _workers(seen, rows, bars=bars), Text(), _running(seen, rows, bars=bars)]
    return Group(*parts)


def _head(seen: Overview) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    renders = seen.renders
    active = f"{renders.get('processing', 0)} rendering, {renders.get('queued', 0)} queued"
    ended = ", ".join(f"{renders.get(name, 0)} {name}" for name in ("completed", "failed", "cancelled"))
    alive = [worker for worker in seen.workers if worker.status == "active"]
    head.add_row(
        Text("RenderOwl", style="bold"),
        Text(f"{seen.at:%H:%M:%S} UTC", style="dim"),
        Text(f"{len(alive)} worker{'s' if len(alive) != 1 else ''}"),
        _bar(seen.held, seen.slots),
        Text(f"{seen.held} of {seen.slots} slots"),
    )
    return Group(head, Text(f"renders: {active}; in the last hour {ended}"))


def _pause_lines(seen: Overview) -> list[Text]:
    return [
        Text(
            f"paused: {pause.scope} since {pause.paused_at:%H:%M:%S} UTC  {pause.reason}".rstrip(), style="bold yellow"
        )
        for pause in seen.pauses
    ]


def _queue(seen: Overview) -> Table:
    table = _table("Queue", "class", "waiting", "oldest", "to be retried")
    for one in seen.queue:
        table.add_row(
            Text(one.priority, style=_COLOURS[one.priority]),
            str(one.steps),
            _age(one.oldest_s) if one.steps else "",
            str(one.later or ""),
        )
    return table


def _workers(seen: Overview, rows: int, *, bars: bool) -> Table:
    table = _table("Workers", "worker", "host", "slots", *([""] if bars else []), "state", "heard of", "up", "offers")
    for worker in seen.workers[:rows]:
        table.add_row(
            _short(worker.id),
            Text(f"{worker.host}:{worker.pid}"),
            f"{worker.held}/{worker.slots}",
            *([_bar(worker.held, worker.slots)] if bars else []),
            _state(worker),
            f"{_age(worker.silent_s)} ago",
            _age((seen.at - worker.started_at).total_seconds()),
            Text(" ".join(offer for offer in worker.offers if not offer.startswith("ffmpeg:"))),
        )
    return _with_rest(table, len(seen.workers) - rows)


def _state(worker: WorkerSeen) -> Text:
    if worker.silent_s > _SILENT_S:
        return Text("silent", style="bold red")
    return Text(worker.status, style="green" if worker.status == "active" else "yellow")


def _running(seen: Overview, rows: int, *, bars: bool) -> Table:
    table = _table(
        *("Running", "render", "step", "class", "worker", "for"),
        *([""] if bars else []),
        *("done", "fps", "speed", "film", "left"),
        gap=2 if bars else 1,
    )
    for one in seen.running[:rows]:
        table.add_row(*_running_row(one, bars=bars))
    return _with_rest(table, len(seen.running) - rows)


def _running_row(one: RunningStep, *, bars: bool) -> list[RenderableType]:
    step, progress = one.step, one.progress
    name = f"{step.kind} {step.ordinal}" if step.kind == "segment" else step.kind
    if step.attempt > 1:
        name += f" (try {step.attempt})"
    return [
        _short(step.render_id),
        name,
        Text(step.priority, style=_COLOURS[step.priority]),
        _short(step.worker_id),
        _age(step.held_s) if step.status == "running" else Text("on its way", style="dim"),
        *([_bar(one.done or 0.0, 1.0)] if bars else []),
        "" if one.done is None else f"{100 * one.done:.0f}%",
        "" if progress is None or progress.fps is None else f"{progress.fps:.0f}",
        "" if progress is None or progress.speed is None else f"{progress.speed:.1f}x",
        "" if progress is None else f"{progress.percent:.0f}%",
        "" if progress is None or progress.eta_s is None else _age(progress.eta_s),
    ]


def _table(title: str, *columns: str, gap: int = 2) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, gap, 0, 0)
    )
    for column in columns:
        table.add_column(column, header_style="dim", no_wrap=True)
    return table


def _with_rest(table: Table, rest: int) -> Table:
    if rest > 0:
        table.add_row(Text(f"and {rest} more", style="dim"))
    return table


def _bar(part: float, whole: float) -> ProgressBar:
    return ProgressBar(total=max(whole, 1e-9), completed=part, width=16, complete_style="green", finished_style="green")


def _short(id: str) -> Text:
    """The end of an id: what tells it from its neighbours, which begin with the same time.

    A Text, as whatever workers say of themselves: rich would take brackets in a str for its own.
    """
    prefix, _, rest = id.partition("_")
    return Text(f"{prefix}_…{rest[-6:]}")


def _age(seconds: float) -> str:
    """Such as `4.2 s`, `3 min`, `2 h 5 min`."""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
