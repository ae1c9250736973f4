"""A storm's weather: which part is killed, paused, stopped or emptied when, drawn from a seed. Pure."""

import random
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

Part = Literal["api", "scheduler", "worker 1", "worker 2", "redis", "postgres"]
Harm = Literal["kill", "pause", "stop", "flush"]

HARMS: Final[dict[Part, tuple[Harm, ...]]] = {
    "api": ("kill", "pause", "stop"),
    "scheduler": ("kill", "pause", "stop"),
    "worker 1": ("kill", "kill", "pause", "pause", "stop"),
    "worker 2": ("kill", "kill", "pause", "pause", "stop"),
    "redis": ("kill", "pause", "flush"),
    "postgres": ("kill", "pause"),
}
LONGEST_PAUSE_S: Final = 8.0
"""Twice a worker's lease in a storm: some pauses are slept through, others cost the claim."""


class Gust(msgspec.Struct, frozen=True):
    """At `at_s` this is done to that part; a paused one goes on, a killed one may start again, after `for_s`."""

    at_s: float
    part: Part
    harm: Harm
    for_s: float


def forecast(seed: int, seconds: float) -> list[Gust]:
    """All that happens in a storm, in order; the same for the same seed, and a shorter storm is the start of a longer."""
    chance = random.Random(seed)
    gusts: list[Gust] = []
    at_s = 1.0
    while at_s < seconds:
        part = chance.choice(list(HARMS))
        harm = chance.choice(HARMS[part])
        longest_s = LONGEST_PAUSE_S if harm == "pause" and part.startswith("worker") else LONGEST_PAUSE_S / 2
        for_s = chance.uniform(0.5, longest_s) if harm == "pause" else chance.uniform(0.0, 1.5)
        gusts.append(Gust(round(at_s, 2), part, harm, round(for_s, 2)))
        at_s += chance.uniform(0.5, 5.0)
    return gusts


class Felt(msgspec.Struct, frozen=True):
    """What was done, and from when (`time.monotonic`) until when its part was away for it."""

    part: Part
    harm: Harm
    began_s: float
    ended_s: float


UNKEPT_S: Final = 2.0
"""Progress is kept every second (`ws.keeping.KEEP_S`), and that takes a while on a busy machine."""
_ENDING_S: Final = 10.0
"""How long an API process may take to end when it is asked to."""
_HEARD_S: Final = 0.5
"""What was told by a process that was killed is heard so much later at most."""


def forgets(felt: Sequence[Felt], earlier_s: float, later_s: float) -> bool:
    """Tell whether progress that was told at the earlier time may be told lower at the later one (docs/realtime.md).

    Redis must have been emptied in between, and the API must have ended without having kept it: killed at once, or while
    Postgres was away. Whether a worker still knew of it is not asked.
    """
    emptied = any(
        one.part == "redis" and one.harm in ("kill", "flush") and one.ended_s >= earlier_s and one.began_s <= later_s
        for one in felt
    )
    ends = [one for one in felt if one.part == "api" and one.harm in ("kill", "stop") and one.began_s <= later_s]
    return emptied and any(since_s <= earlier_s <= until_s for since_s, until_s in (_unkept(felt, end) for end in ends))


def _unkept(felt: Sequence[Felt], end: Felt) -> tuple[float, float]:
    """Between which times nothing was kept of what an API process told before it ended; from infinity on if all was."""
    until_s = end.began_s + (_HEARD_S if end.harm == "kill" else _ENDING_S)
    since_s, reached_s = (end.began_s - UNKEPT_S if end.harm == "kill" else float("inf")), end.began_s
    for away in sorted(felt, key=lambda one: one.began_s, reverse=True):
        if away.part == "postgres" and away.began_s <= until_s and away.ended_s + UNKEPT_S >= reached_s:
            since_s = reached_s = away.began_s - UNKEPT_S
    return since_s, until_s


class Order(msgspec.Struct, frozen=True):
    """A film that somebody submits; `cancel_after_s` says when it is cancelled, if it is."""

    input_props: dict[str, Any]
    output_settings: dict[str, Any]
    priority: str
    supersede_key: str | None
    cancel_after_s: float | None


class Caller:
    """Somebody who submits one film after the other, each unlike all others."""

    def __init__(self, seed: int, number: int) -> None:
        self._chance = random.Random(f"{seed} {number}")
        self._number = number
        self._count = 0

    def next(self) -> tuple[str, Order]:
        """The next film and its idempotency key: mostly one made in one step, now and then one of several segments."""
        self._count += 1
        chance, title = self._chance, f"{self._number}.{self._count}"
        long = chance.random() < 0.2
        scenes, seconds, width, height = (2, 8, 1280, 720) if long else (1, 2, 320, 180)
        style = {"font_size": height // 3}
        clips = [{"type": "text", "text": f"{title} {n}", "duration": seconds, "style": style} for n in range(scenes)]
        order = Order(
            {"width": width, "height": height, "fps": 30, "tracks": [{"clips": clips}]},
            {"preset": "medium" if long else "ultrafast"},
            priority=chance.choice(["urgent", "high", "normal", "normal", "low"]),
            supersede_key=f"thing {self._number % 2}" if chance.random() < 0.15 else None,
            cancel_after_s=round(chance.uniform(0, 3), 2) if chance.random() < 0.15 else None,
        )
        return f"storm-{title}", order
