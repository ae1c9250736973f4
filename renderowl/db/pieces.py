"""What of a film can be played while it is made, in Postgres: what its playlists must say, and the finished pieces."""

from collections.abc import Sequence

import msgspec

from renderowl.db.database import Database, to_json
from renderowl.domain.records import Claim, Piece, Screen, Track


async def lock_render(db: Database, claim: Claim) -> tuple[str, str, int] | None:
    """Lock the render of a running claim: (render id, project id, attempt), or None when the claim does not hold."""
    row = await db.fetch_one(
        "SELECT renders.id, renders.project_id, renders.attempt FROM renders JOIN steps ON steps.render_id = renders.id"
        " WHERE steps.id = $1 AND steps.attempt = $2 AND steps.token = $3 AND steps.status = 'running'"
        " AND steps.render_attempt = renders.attempt AND renders.status = 'processing' FOR UPDATE OF renders",
        claim.step_id,
        claim.attempt,
        claim.token,
    )
    return None if row is None else (row["id"], row["project_id"], row["attempt"])


async def set_screen(db: Database, render_id: str, screen: Screen) -> None:
    """Note what the playlists of the render's attempt say. One that plays already goes on playing."""
    await db.execute(
        "UPDATE renders SET preview = $2::jsonb WHERE id = $1 AND preview IS NULL", render_id, to_json(screen)
    )


async def insert(db: Database, render_id: str, attempt: int, track: Track, pieces: Sequence[Piece]) -> None:
    """Store pieces; one that is there already is the same piece, made by another worker."""
    for piece in pieces:
        await db.execute(
            "INSERT INTO preview_pieces (id, render_id, attempt, track, start_us, end_us, size_bytes)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
            f"{render_id}/{attempt}/{track}/{piece.start_us}",
            render_id,
            attempt,
            track,
            piece.start_us,
            piece.end_us,
            piece.size_bytes,
        )


async def set_playable(db: Database, render_id: str, attempt: int) -> Screen | None:
    """Note, once, that the film begins to play: its first pictures are there, and its sound if it has any."""
    row = await db.fetch_one(
        "UPDATE renders SET preview = preview || '{\"playable\": true}'::jsonb, updated_at = now()"
        " WHERE id = $1 AND attempt = $2 AND NOT (preview->>'playable')::boolean AND EXISTS (SELECT 1 FROM preview_pieces"
        " WHERE render_id = $1 AND attempt = $2 AND track = 'video' AND start_us = 0)"
        " AND (NOT (preview->>'has_sound')::boolean OR EXISTS (SELECT 1 FROM preview_pieces"
        " WHERE render_id = $1 AND attempt = $2 AND track = 'audio')) RETURNING preview",
        render_id,
        attempt,
    )
    return None if row is None else msgspec.json.decode(row["preview"], type=Screen)


async def list_of(db: Database, render_id: str, attempt: int, track: Track) -> list[Piece]:
    """The finished pieces of one track, in order, holes and all."""
    rows = await db.fetch(
        "SELECT start_us, end_us, size_bytes FROM preview_pieces WHERE render_id = $1 AND attempt = $2 AND track = $3"
        " ORDER BY start_us",
        render_id,
        attempt,
        track,
    )
    return [Piece(row["start_us"], row["end_us"], row["size_bytes"]) for row in rows]


async def forget(db: Database, render_id: str) -> None:
    """Forget a render's pieces, whose bytes are gone."""
    await db.execute("DELETE FROM preview_pieces WHERE render_id = $1", render_id)
    await db.execute("UPDATE renders SET preview = NULL WHERE id = $1", render_id)
