"""Showing a film while it is made: what a worker has finished is noted piece by piece, and the room told when it plays."""

from collections.abc import Sequence

import msgspec

from renderowl.db import pieces as piece_rows
from renderowl.domain.records import Claim, Piece, Screen, Track
from renderowl.pipeline.clock import fraction_of
from renderowl.pipeline.encoders import h264_level
from renderowl.pipeline.pieces import film_us
from renderowl.pipeline.plan import Plan
from renderowl.services.context import Context
from renderowl.services.publishing import record
from renderowl.services.views import PlayableBrief


def screen_of(film: Plan) -> Screen:
    """What the playlists of a film say of it."""
    canvas, has_sound = film.timeline.canvas, film.audio is not None
    level = round(10 * float(h264_level(canvas)))
    codecs = f"avc1.6400{level:02x}" + ",mp4a.40.2" * has_sound
    fps = round(float(fraction_of(canvas.rate)), 3)
    return Screen(canvas.width, canvas.height, fps, codecs, film_us(canvas.frames, canvas.rate), has_sound)


def pieces_prefix(project_id: str, render_id: str, attempt: int) -> str:
    """Below which the pieces of an attempt lie, whoever made them: equal pieces are equal bits."""
    return f"projects/{project_id}/renders/{render_id}/{attempt}-hls/"


def piece_name(track: Track, start_us: int) -> str:
    """What a piece is called there."""
    return f"{track}-{start_us:013}.ts"


async def open_screen(ctx: Context, claim: Claim, film: Plan) -> None:
    """Let a film be shown while it is made, if the claim still holds."""
    async with ctx.db.transaction():
        locked = await piece_rows.lock_render(ctx.db, claim)
        if locked is not None:
            await piece_rows.set_screen(ctx.db, locked[0], screen_of(film))


async def add_pieces(ctx: Context, claim: Claim, track: Track, pieces: Sequence[Piece]) -> None:
    """Note stored pieces, if the claim still holds; the one that lets the film begin is told to the room."""
    async with ctx.db.transaction() as tx:
        locked = await piece_rows.lock_render(ctx.db, claim)
        if locked is None:
            return
        render_id, project_id, attempt = locked
        await piece_rows.insert(ctx.db, render_id, attempt, track, pieces)
        screen = await piece_rows.set_playable(ctx.db, render_id, attempt)
        if screen is not None:
            told = PlayableBrief(round(screen.end_us / 1_000_000, 3), screen.has_sound)
            data = msgspec.to_builtins(told)
            await record(ctx, tx, project_id, "render.playable", data, render_id=render_id, attempt=attempt)
