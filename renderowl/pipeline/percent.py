"""How far a render is: weighted by cost over all its steps, never going back, 100 only at the very end."""

from collections.abc import Mapping
from math import exp
from typing import Final

_STABLE_SHARE: Final = 0.05
_STABLE_S: Final = 2.0
_BEFORE_THE_END: Final = 99.9
_CLOCK_S: Final = 0.25
_MEMORY_S: Final = 10.0


class Percent:
    """The progress of one render. `costs` names the steps that are really to be done, so what is cached weighs nothing."""

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._costs = {step: max(cost, 1e-9) for step, cost in costs.items()}
        self._total = sum(self._costs.values())
        self._shares = dict.fromkeys(costs, 0.0)
        self._value = 0.0
        self._eta_s: float | None = None
        self._rate = 0.0
        self._seen, self._seen_at_s = 0.0, 0.0

    @property
    def value(self) -> float:
        """Percent done, with one decimal."""
        return self._value

    @property
    def eta_s(self) -> float | None:
        """Seconds that are left; None until enough is done to tell."""
        return self._eta_s

    def advance(self, step: str, share: float, elapsed_s: float) -> None:
        """Note that a share (0 to 1) of a step is done, `elapsed_s` after the render began."""
        self._shares[step] = max(self._shares[step], min(1.0, share))
        done = sum(self._costs[name] * part for name, part in self._shares.items()) / self._total
        self._value = max(self._value, min(_BEFORE_THE_END, round(100 * done, 1)))
        self._estimate(done, elapsed_s)

    def complete(self) -> None:
        """Note that everything is done and published."""
        self._value, self._eta_s = 100.0, 0.0

    def _estimate(self, done: float, elapsed_s: float) -> None:
        """What is left at a rate that remembers about ten seconds: a render that gets slower is told so."""
        if done < _STABLE_SHARE or elapsed_s < _STABLE_S:
            return
        passed_s = elapsed_s - self._seen_at_s
        if self._rate and passed_s < _CLOCK_S:
            return
        fresh = (done - self._seen) / passed_s
        trust = 1 - exp(-passed_s / _MEMORY_S) if self._rate else 1.0
        self._rate += trust * (fresh - self._rate)
        self._seen, self._seen_at_s = done, elapsed_s
        self._eta_s = (1 - done) / self._rate if self._rate else self._eta_s
