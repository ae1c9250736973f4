"""The books' judge sees what is wrong: each promise broken by hand is named."""

from typing import Any

import msgspec
import pytest

from renderowl.testing.books import Books, EventRow, RenderRow, StepRow

RENDER = RenderRow("rnd_1", "prj_1", "processing", 1, 10.0, None, "")
STEP = StepRow("stp_1", "rnd_1", 1, "prepare", "running", 1, "token", "wrk_1", True, "")
TOLD = ("queued", "started")


def _books(render: RenderRow = RENDER, steps: tuple[StepRow, ...] = (STEP,), told: tuple[str, ...] = TOLD) -> Books:
    events = [EventRow("prj_1", n + 1, f"render.{one}", "rnd_1", 1) for n, one in enumerate(told)]
    return Books({render.id: render}, {step.id: step for step in steps}, events, {"prj_1": len(events)})


def _with(row: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(row, **changes)


def test_nothing_is_wrong_with_a_running_render() -> None:
    assert _books().faults() == []


ENDED = _with(RENDER, status="completed")
DONE = _with(STEP, status="completed", leased=False)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (_books(steps=()), "is lost"),
        (_books(steps=(_with(STEP, status="blocked", token=None, leased=False),)), "is lost"),
        (_books(steps=(_with(STEP, render_attempt=2),)), "of an earlier attempt"),
        (_books(steps=(_with(STEP, leased=False),)), "held without a lease"),
        (_books(steps=(_with(STEP, status="queued", leased=False),)), "waits, but has a token"),
        (_books(steps=(STEP, _with(STEP, id="stp_2"))), "has another's token"),
        (_books(ENDED, told=(*TOLD, "completed")), "are alive"),
        (_books(ENDED, (DONE,), TOLD), "told to end as None"),
        (_books(ENDED, (DONE,), (*TOLD, "cancelled")), "told to end as cancelled"),
        (_books(ENDED, (DONE,), (*TOLD, "completed", "completed")), "was told as"),
        (_books(ENDED, (DONE,), ("queued", "completed")), "never told to have started"),
        (_books(ENDED, (_with(DONE, status="failed"),), (*TOLD, "completed")), "over unfinished steps"),
        (_books(_with(ENDED, webhooks=2), (DONE,), (*TOLD, "completed")), "webhook is told 2 times"),
        (_with(_books(), last_seq={"prj_1": 3}), "but counts 3"),
    ],
)
def test_a_wrong_moment_is_named(wrong: Books, named: str) -> None:
    assert any(named in fault for fault in wrong.faults()), wrong.faults()


@pytest.mark.parametrize(
    ("later", "named"),
    [
        (_books(_with(RENDER, status="queued")), "became"),
        (_books(_with(RENDER, attempt=0)), "went back to"),
        (_books(_with(RENDER, percent=9.0)), "went back to 9.0 %"),
        (_books(steps=(_with(STEP, attempt=0),)), "became"),
        (_books(told=("queued",)), "was rewritten"),
    ],
)
def test_what_goes_back_is_named(later: Books, named: str) -> None:
    assert any(named in fault for fault in later.faults_since(_books()))


@pytest.mark.parametrize(
    ("later", "is_void"),
    [
        ({"status": "cancelled", "attempt": 1, "token": None}, True),
        ({"status": "cancelled", "attempt": 1}, False),
        ({"status": "cancelled", "attempt": 0, "token": None}, False),
        ({"status": "queued", "attempt": 1, "token": None}, False),
    ],
)
def test_only_a_dispatch_that_a_cancellation_did_not_see_takes_its_number_back(
    later: dict[str, Any], is_void: bool
) -> None:
    given = _with(STEP, status="dispatched", attempt=2)
    faults = _books(steps=(_with(given, leased=False, **later),)).faults_since(_books(steps=(given,)))
    assert (faults == []) == is_void


def test_an_end_does_not_change() -> None:
    ended = _books(ENDED, (DONE,), (*TOLD, "completed"))
    assert ended.faults_since(_books()) == []
    assert ended.faults_since(ended) == []
    again = _with(ended, renders={"rnd_1": _with(ENDED, status="queued", attempt=2)})
    assert any("was final" in fault for fault in again.faults_since(ended))
