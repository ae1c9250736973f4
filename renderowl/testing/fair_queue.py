"""The queue's order as a model of a few lines: what `db/admission.py` says in SQL, to be compared and reasoned about."""

import msgspec

from renderowl.domain.lifecycle import HIGHEST_BY_AGE


class Waiting(msgspec.Struct):
    """A queued step."""

    id: str
    project: str
    priority_class: int
    cost: float
    vtime: float

    @property
    def order(self) -> tuple[int, float, str]:
        """What the admission sorts by."""
        return (self.priority_class, self.vtime, self.id)


class FairQueue:
    """Weighted fair queuing by stored virtual time, with ageing."""

    def __init__(self, weights: dict[str, float] | None = None) -> None:
        self.waiting: list[Waiting] = []
        self._weights = weights or {}
        self._clock: dict[int, float] = {}
        self._last: dict[tuple[str, int], float] = {}

    def enqueue(self, id: str, project: str, priority_class: int, cost: float) -> None:
        """Put a step behind all that its project has in the class."""
        self.waiting.append(Waiting(id, project, priority_class, cost, self._next_vtime(project, priority_class, cost)))

    def admit(self, count: int) -> list[Waiting]:
        """Take out the best."""
        picked = sorted(self.waiting, key=lambda step: step.order)[:count]
        for step in picked:
            self.waiting.remove(step)
            known = self._clock.get(step.priority_class, 0.0)
            self._clock[step.priority_class] = max(known, step.vtime)
        return picked

    def age(self) -> None:
        """Raise everything that may be raised by one class."""
        for step in sorted(self.waiting, key=lambda step: (step.vtime, step.id)):
            if step.priority_class > HIGHEST_BY_AGE:
                step.priority_class -= 1
                step.vtime = self._next_vtime(step.project, step.priority_class, step.cost)

    def _next_vtime(self, project: str, priority_class: int, cost: float) -> float:
        last = self._last.get((project, priority_class), 0.0)
        vtime = max(self._clock.get(priority_class, 0.0), last) + cost / self._weights.get(project, 1.0)
        self._last[project, priority_class] = vtime
        return vtime
