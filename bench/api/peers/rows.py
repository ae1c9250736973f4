"""What both hand-written peers do in Postgres and Redis: as little as a poll and a render need, on RenderOwl's own tables."""

import hashlib
import os
import secrets
from typing import Any

import asyncpg
import redis.asyncio

_RENDER = "id, project_id, composition_id, status, priority, attempt, created_at, updated_at"


class Rows:
    """A pool of as many connections as RenderOwl's, and a client of Redis."""

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=10, ssl=False)
        self.redis = redis.asyncio.from_url(os.environ["REDIS_URL"])

    async def close(self) -> None:
        await self.pool.close()
        await self.redis.aclose()

    async def caller(self, authorization: str) -> str | None:
        """The user behind a bearer's key."""
        key_hash = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
        return await self.pool.fetchval(
            "SELECT user_id FROM api_keys WHERE key_hash = $1 AND (revoked_at IS NULL OR revoked_at > now())"
            " AND (expires_at IS NULL OR expires_at > now())",
            key_hash,
        )

    async def render(self, user_id: str, project_id: str, render_id: str) -> asyncpg.Record | None:
        """A render of the user's."""
        return await self.pool.fetchrow(
            "SELECT r.id, r.status, r.attempt, r.updated_at, r.error FROM renders r JOIN projects p ON p.id = r.project_id"
            " WHERE r.id = $1 AND p.id = $2 AND p.owner_id = $3",
            *(render_id, project_id, user_id),
        )

    async def progress(self, render_id: str) -> bytes:
        """Its newest progress, as JSON."""
        return await self.redis.hget(f"renderowl:progress:{render_id}", "newest") or b"null"

    async def create(self, user_id: str, project_id: str, asked: dict[str, Any], text: str) -> dict[str, Any] | None:
        """Store a render with its first step and its event, and tell the room; None when the project is not the user's."""
        render_id, step_id = (f"{kind}_{secrets.token_hex(13)}" for kind in ("rnd", "stp"))
        async with self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(
                "SELECT 1 FROM projects WHERE id = $1 AND owner_id = $2", project_id, user_id
            ):
                return None
            row = await connection.fetchrow(
                "INSERT INTO renders (id, project_id, composition_id, input_props, output_settings, created_by)"
                f" VALUES ($1, $2, $3, $4::jsonb, '{{}}', $5) RETURNING {_RENDER}",
                *(render_id, project_id, asked["composition_id"], text, user_id),
            )
            await connection.execute(
                "INSERT INTO steps (id, render_id, project_id, render_attempt, kind, status, priority_class, cost)"
                " VALUES ($1, $2, $3, 1, 'prepare', 'queued', 2, 1)",
                *(step_id, render_id, project_id),
            )
            seq = await connection.fetchval(
                "UPDATE projects SET event_seq = event_seq + 1, render_count = render_count + 1 WHERE id = $1"
                " RETURNING event_seq",
                project_id,
            )
            await connection.execute(
                "INSERT INTO events (project_id, seq, type, render_id, attempt, data, published_at)"
                " VALUES ($1, $2, 'render.queued', $3, 1, '{}', now())",
                *(project_id, seq, render_id),
            )
        await self.redis.publish(f"peer:room:{project_id}", render_id)
        made = dict(row)
        return {name: value.isoformat() if name.endswith("_at") else value for name, value in made.items()}
