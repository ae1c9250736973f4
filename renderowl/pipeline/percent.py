"""How far a render is: weighted by cost over all its steps, never going back, 100 only at the very end."""

from collections.abc import Mapping
from typing import Final

_STABLE_SHARE: Final = 0.05
_STABLE_S: Final = 2.0
_BEFORE_THE_END: Final = 99.9


class Percent:
    """The progress of one render. `costs` names the steps that are really to be done, so what is cached weighs nothing."""

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._costs = {step: max(cost, 1e-9) for step, cost in costs.items()}
        self._total = sum(self._costs.values())
        self._shares = dict.fromkeys(costs, 0.0)
        self._value = 0.0
        self._eta_s: float | None = None

    @property
    def value(self) -> float:
        """Percent done, with one decimal."""
        return self._value

    @property
    def eta_s(self) -> float | None:
        """Seconds that are left; None until enough is done to tell, and never more than was said before."""
        return self._eta_s

    def advance(self, step: str, share: float, elapsed_s: float) -> None:
        """Note that a share (0 to 1) of a step is done, `elapsed_s` after the render began."""
        self._shares[step] = max(self._shares[step], min(1.0, share))
        done = sum(self._costs[name] * part for name, part in self._shares.items()) / self._total
        self._value = max(self._value, min(_BEFORE_THE_END, round(100 * done, 1)))
        if done >= _STABLE_SHARE and elapsed_s >= _STABLE_S:
            estimate = elapsed_s * (1 - done) / done
            self._eta_s = estimate if self._eta_s is None else min(self._eta_s, estimate)

    def complete(self) -> None:
        """Note that everything is done and published."""
        self._value, self._eta_s = 100.0, 0.0
