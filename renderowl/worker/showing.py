"""Showing a film while it is made: finished pieces of what is encoded are stored as they come, and the room is told.

Nothing here can fail a step: a piece that is lost only stops the playlist where it would have come.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from renderowl.domain import records
from renderowl.domain.records import Track
from renderowl.pipeline.hls import cut_segment, cut_sound
from renderowl.pipeline.pieces import Piece, pieces_of_segment
from renderowl.pipeline.plan import Plan, Segment
from renderowl.pipeline.run import Silent
from renderowl.services.screening import add_pieces, piece_name, pieces_prefix
from renderowl.services.stopping import end_tasks
from renderowl.worker.execution import Execution

log = structlog.get_logger(__name__)


class Showing:
    """The pieces of one track from one place of the film on, each stored once, in order."""

    def __init__(self, execution: Execution, track: Track) -> None:
        self._execution, self._track = execution, track
        self._fresh = asyncio.Event()
        self._stored = 0

    def look(self) -> None:
        """The encoder has got on: there may be a new piece."""
        self._fresh.set()

    @asynccontextmanager
    async def during(self, segment: Segment, work_dir: Path) -> AsyncIterator[None]:
        """Store the pieces of a segment while it is encoded in the block."""

        async def follow() -> None:
            while True:
                await self._fresh.wait()
                self._fresh.clear()
                await self.store(pieces_of_segment(work_dir, segment))

        following = asyncio.create_task(follow(), context=contextvars.Context())
        try:
            yield
        finally:
            await end_tasks([following])

    async def store(self, pieces: Sequence[Piece]) -> None:
        """Store those of the pieces, which are all there are by now, that are not stored yet."""
        work, track = self._execution.work, self._track
        prefix = pieces_prefix(work.render.project_id, work.render.id, work.render.attempt)
        try:
            told = []
            for piece in pieces[self._stored :]:
                key = prefix + piece_name(track, piece.start_us)
                info = await self._execution.ctx.storage.put_file(key, piece.path, content_type="video/mp2t")
                self._execution.watchdog.sign()
                told.append(records.Piece(piece.start_us, piece.end_us, info.size_bytes))
            if told:
                await add_pieces(self._execution.ctx, self._execution.claim, track, told)
            self._stored = len(pieces)
        except Exception as error:
            log.warning("pieces_not_shown", track=track, reason=str(error))


async def show_segment(execution: Execution, film: Plan, encoded: Path, segment: Segment, but: int = -1) -> None:
    """Cut a finished segment at every place of the film that shows it, `but` the one that begins at that frame."""
    for place in film.segments:
        if place.key == segment.key and place.start != but:
            work_dir = execution.new_folder(f"pieces-{place.index}")
            try:
                pieces = await cut_segment(
                    encoded, place, work_dir, execution.tools, _Quiet(execution), execution.limits
                )
            except Exception as error:
                log.warning("pieces_not_cut", reason=str(error))
                return
            await Showing(execution, "video").store(pieces)


async def show_sound(execution: Execution, encoded: Path) -> None:
    """Cut a finished sound track."""
    work_dir = execution.new_folder("pieces-of-sound")
    try:
        pieces = await cut_sound(encoded, work_dir, execution.tools, _Quiet(execution), execution.limits)
    except Exception as error:
        log.warning("pieces_not_cut", reason=str(error))
        return
    await Showing(execution, "audio").store(pieces)


class _Quiet(Silent):
    """Stops with the step and tells nothing."""

    def __init__(self, execution: Execution) -> None:
        self.stop = execution.signal.event
