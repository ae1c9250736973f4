"""How a running step is asked to stop: one signal with a reason, known to whoever gives it and whoever obeys."""

import asyncio
from typing import Literal

StopReason = Literal["cancelled", "lease_lost", "interrupted"]


class StopSignal:
    """Asks one running step to stop. `interrupted` must be reported; the other two Postgres knows already.

    A lost claim outweighs an interruption: there is nothing left to report.
    """

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        """Ask to stop; may be called again."""
        if self.reason in (None, "interrupted"):
            self.reason = reason
        self.event.set()
