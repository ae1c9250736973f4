"""`renderowl top` shows what matters and keeps to the screen."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import msgspec
from rich.console import Console

from renderowl.cli.top_view import view
from renderowl.db.overview import QueuedClass, StepSeen, WorkerSeen
from renderowl.db.pauses import Pause
from renderowl.domain.events import Progress
from renderowl.domain.ids import new_id
from renderowl.services.overview import Overview, RunningStep

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _worker(number: int, *, silent_s: float = 1.0) -> WorkerSeen:
    return WorkerSeen(
        f"wrk_{number:026}",
        f"host{number}",
        7,
        "active",
        4,
        2,
        silent_s,
        ["ffmpeg:abc", "gpu"],
        NOW - timedelta(hours=2),
    )


def _step(number: int, *, attempt: int = 1) -> StepSeen:
    return StepSeen(
        new_id("stp"),
        f"rnd_{number:026}",
        "prj",
        1,
        attempt,
        "segment",
        number,
        "running",
        "high",
        f"wrk_{0:026}",
        75.0,
    )


def _shown(seen: Overview, rows: int = 20, width: int = 150) -> str:
    out = StringIO()
    Console(file=out, width=width).print(view(seen, rows=rows, width=width))
    return out.getvalue()


def _overview(*, workers: list[WorkerSeen], running: list[RunningStep], pauses: list[Pause]) -> Overview:
    queue = [QueuedClass("urgent"), QueuedClass("high", 12, 400.0, 3), QueuedClass("normal"), QueuedClass("low")]
    return Overview(NOW, queue, pauses, workers, running, {"processing": 2, "failed": 1})


def test_what_workers_and_operators_say_is_shown_as_it_is() -> None:
    """A host name in brackets is no markup: it neither vanishes nor colours nor links."""
    worker = msgspec.structs.replace(
        _worker(1), host="[red]db1[/red]", offers=["[link=https://evil.example]gpu[/link]", "[/]"]
    )
    pause = Pause("project:[bold]x", "[blink]why[/blink]", NOW)
    shown = _shown(_overview(workers=[worker], running=[], pauses=[pause]), width=250)
    for text in ("[red]db1[/red]:7", "[link=https://evil.example]gpu[/link] [/]", "[bold]x", "[blink]why[/blink]"):
        assert text in shown


def test_it_names_pauses_ages_and_how_far_steps_are() -> None:
    running = [RunningStep(_step(3, attempt=2), 0.42, Progress(61.0, 10, 20, "encoding", 57.0, 1.9, 130.0))]
    seen = _overview(workers=[_worker(0)], running=running, pauses=[Pause("class:low", "new disks", NOW)])
    text = _shown(seen)
    for expected in (
        *("1 worker", "2 of 4 slots", "2 rendering, 0 queued", "1 failed", "paused: class:low", "new disks"),
        *("12", "7 min", "3", "gpu", "2 h 0 min", "segment 3 (try 2)", "1 min", "42%", "57", "1.9x", "61%", "2 min"),
    ):
        assert expected in text
    assert "ffmpeg:abc" not in text


def test_a_terminal_of_80_columns_cuts_no_word_off() -> None:
    running = [RunningStep(_step(12), 1.0, Progress(61.0, 10, 20, "encoding", 157.0, 11.9, 130.0))]
    text = _shown(_overview(workers=[_worker(0)], running=running, pauses=[]), width=80)
    for expected in ("segment 12", "high", "1 min", "100%", "157", "11.9x", "61%", "2 min", "active", "gpu"):
        assert expected in text
    assert "…" not in text.replace("rnd_…", "").replace("wrk_…", "")


def test_what_is_not_known_is_left_out() -> None:
    text = _shown(_overview(workers=[], running=[RunningStep(_step(0), None, None)], pauses=[]))
    assert "0 of 0 slots" in text
    assert "%" not in text


def test_a_worker_that_says_nothing_is_called_silent() -> None:
    assert "silent" in _shown(_overview(workers=[_worker(0, silent_s=14.0)], running=[], pauses=[]))


def test_more_than_fits_is_counted() -> None:
    running = [RunningStep(_step(number), 0.5, None) for number in range(30)]
    text = _shown(_overview(workers=[_worker(n) for n in range(9)], running=running, pauses=[]), rows=5)
    assert "and 4 more" in text
    assert "and 25 more" in text
