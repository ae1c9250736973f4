"""Which transport to use and when to come back, without I/O: down when one does not work here, up when it may again."""

import enum
import random
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from renderowl.client.problem import Problem

Rung = Literal["socket", "stream", "poll"]
RUNGS: Final[tuple[Rung, ...]] = ("socket", "stream", "poll")
"""The best first."""

STRIKES: Final = 2
"""Breaks in a row after which a transport is taken not to work here."""
ABSENCES: Final = 3
"""Times in a row that the server was away after which it may be the transport after all."""


class Timing(msgspec.Struct, frozen=True):
    """How patient a client is. Backing off and climbing start with the first figure and end with the second."""

    open_s: float = 10.0
    first_byte_s: float = 5.0
    silence_s: float = 40.0
    look_s: float = 5.0
    """How often the clocks are looked at: a machine that slept is noticed this soon."""
    steady_s: float = 30.0
    backoff_s: tuple[float, float] = (0.1, 10.0)
    climb_s: tuple[float, float] = (10.0, 300.0)
    deploy_s: float = 5.0
    poll_wait_s: float = 25.0
    poll_every_s: float = 0.2
    refresh_s: float = 5.0
    """Tokens are refreshed at most this often, however soon they end."""


class Fault(enum.Enum):
    """Whose fault it is that a connection ended, which says what to do."""

    REFUSED = "the caller's: it is no use to come back"
    EXPIRED = "the token's: come back with another"
    TOLD = "nobody's: the server said to come back"
    AWAY = "the server's: it cannot be reached"
    BROKEN = "not known: the connection broke"
    UNFIT = "the transport's: it does not work here"


class End(msgspec.Struct, frozen=True):
    """How a connection ended; stay away for `least_s` at least, or for a part of Timing.deploy_s."""

    fault: Fault
    why: str
    problem: Problem | None = None
    least_s: float = 0.0
    deploying: bool = False


class Ladder:
    """The transport in use, how long to back off, and when to try a better one. Times are of one monotonic clock."""

    def __init__(self, timing: Timing, jitter: Callable[[float, float], float] = random.uniform) -> None:
        self._timing = timing
        self._jitter = jitter
        self._at = 0
        self._target = 0
        self._joined_at: float | None = None
        self._failures = 0
        self._strikes = 0
        self._absences = 0
        self._climb_s = timing.climb_s[0]
        self._climb_at = float("inf")

    @property
    def rung(self) -> Rung:
        """The transport to use."""
        return RUNGS[self._at]

    @property
    def climb_at(self) -> float:
        """When to try the transport `target`; never while the best is in use or none is joined."""
        return self._climb_at if self._at > 0 and self._joined_at is not None else float("inf")

    @property
    def target(self) -> Rung:
        """The better transport to try next."""
        return RUNGS[self._target]

    def joined(self, now: float) -> None:
        """The room is heard over `rung`."""
        self._joined_at = now
        self._absences = 0
        self._climb_at = now + self._climb_s

    def ended(self, end: End, now: float) -> float:
        """The connection has ended, or could not be made. Returns for how many seconds to stay away."""
        lasted_s = 0.0 if self._joined_at is None else now - self._joined_at
        self._joined_at = None
        if lasted_s >= self._timing.backoff_s[1]:
            self._failures = 0
        if lasted_s >= self._timing.steady_s:
            self._strikes = 0
            if self._at == 0:
                self._climb_s = self._timing.climb_s[0]
        at_once = False
        if end.fault is Fault.UNFIT:
            at_once = self._step_down()
        elif end.fault is Fault.BROKEN:
            self._strikes += 1
            if self._strikes >= STRIKES:
                self._step_down()
        elif end.fault is Fault.AWAY:
            self._absences += 1
            if self._absences >= ABSENCES:
                self._step_down()
        if at_once:
            return end.least_s
        return max(end.least_s, self._jitter(0, self._timing.deploy_s) if end.deploying else self._back_off())

    def climbed(self) -> None:
        """The better transport is used from now on, on probation; `joined` follows."""
        if self._target > 0:
            self._climb_later()
        self._at, self._target = self._target, 0
        self._strikes, self._absences = STRIKES - 1, 0

    def slipped(self, now: float) -> None:
        """The better transport does not work yet: try the next one at once, or the best again later."""
        self._target += 1
        if self._target >= self._at:
            self._target = 0
            self._climb_later()
            self._climb_at = now + self._climb_s

    def _climb_later(self) -> None:
        self._climb_s = min(self._timing.climb_s[1], self._climb_s * 2)

    def _step_down(self) -> bool:
        """Use the next transport; below the last is the first again. True when there was a next one."""
        self._at = (self._at + 1) % len(RUNGS)
        self._target = self._strikes = self._absences = 0
        return self._at > 0

    def _back_off(self) -> float:
        least_s, most_s = self._timing.backoff_s
        self._failures += 1
        return self._jitter(0.5, 1.0) * min(most_s, least_s * 2.0 ** min(self._failures - 1, 30))
