"""uvicorn's HTTP, dropping a peer that takes nothing of what it was sent: else it would hold on to it for ever."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

STUCK_S: Final = 60.0
"""How long a peer may take nothing of an answer."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to patience: a stream's seat and an answer's memory do not belong to who reads neither."""

    stuck_s = STUCK_S

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._dropping: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        super().pause_writing()
        self._dropping = asyncio.get_running_loop().call_later(self.stuck_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        super().resume_writing()
        self._keep()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        super().connection_lost(exc)
        self._keep()

    def _keep(self) -> None:
        if self._dropping is not None:
            self._dropping.cancel()
            self._dropping = None
