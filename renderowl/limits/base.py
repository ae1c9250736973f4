"""The limiter port: how often something may happen within a time that slides."""

from typing import Protocol

import msgspec


class Window(msgspec.Struct, frozen=True):
    """At most `amount` times within any `seconds`; `name` says what is counted."""

    name: str
    amount: int
    seconds: int


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands in a window after asking to be let in.

    `reset_s` is when the oldest that counts leaves the window: one more is let in then, if `remaining` is 0.
    """

    window: Window
    admitted: bool
    remaining: int
    reset_s: float


class LimiterUnavailable(ConnectionError):
    """Nothing can be counted now."""


class Limiter(Protocol):
    """Counts for all processes together. Raises LimiterUnavailable when it cannot."""

    async def hit(self, window: Window, whose: str) -> Standing:
        """Count one of somebody's, unless the window is full: who is refused is not counted."""
        ...

    async def forget(self, window: Window, whose: str) -> None:
        """Let somebody begin anew."""
        ...

    async def close(self) -> None:
        """Free connections."""
        ...
