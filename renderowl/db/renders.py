"""Renders in Postgres. Every change of status is "set if it is still one of the states before it"."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.events import Progress
from renderowl.domain.lifecycle import ACTIVE_RENDER, RenderStatus, render_sources
from renderowl.domain.records import Render, Screen

_COLUMNS = ", ".join(Render.__struct_fields__)
_BRIEF_COLUMNS = _COLUMNS.replace(
    "input_props, output_settings", "'{}'::jsonb AS input_props, '{}'::jsonb AS output_settings"
)
"""Without what the caller sent, which may be a megabyte: who reads hundreds of renders at once, or one every second, does
not want it."""


async def insert(db: Database, render: Render) -> bool:
    """Store a new render; False when its project already has one with this idempotency key."""
    return bool(
        await db.execute(
            "INSERT INTO renders (id, project_id, composition_id, status, priority, attempt, input_props,"
            " output_settings, progress, metadata, webhook_url, supersede_key, idempotency_key, request_hash,"
            " created_by, created_at, updated_at, key_id, trace, requires, force) VALUES"
            " ($1,$2,$3,$4,$5,$6,$7::jsonb,$8::jsonb,$9::jsonb,$10::jsonb,$11,$12,$13,$14,$15,$16,$16,$17,$18,$19,$20)"
            " ON CONFLICT (project_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING",
            render.id,
            render.project_id,
            render.composition_id,
            render.status,
            render.priority,
            render.attempt,
            to_json(render.input_props),
            to_json(render.output_settings),
            to_json(render.progress),
            to_json(render.metadata),
            render.webhook_url,
            render.supersede_key,
            render.idempotency_key,
            render.request_hash,
            render.created_by,
            render.created_at,
            render.key_id,
            render.trace,
            render.requires,
            render.force,
        )
    )


async def get(
    db: Database, render_id: str, *, project_id: str | None = None, lock: bool = False, brief: bool = False
) -> Render | None:
    """One render, within a project when given; `lock` holds its row until the transaction ends.

    `brief` leaves out what the caller sent.
    """
    row = await db.fetch_one(
        f"SELECT {_BRIEF_COLUMNS if brief else _COLUMNS} FROM renders WHERE id = $1 AND ($2::text IS NULL OR project_id = $2)"
        + (" FOR UPDATE" if lock else ""),
        render_id,
        project_id,
    )
    return None if row is None else _render(row)


async def find_by_idempotency_key(db: Database, project_id: str, key: str) -> Render | None:
    """The render that this key made in this project."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM renders WHERE project_id = $1 AND idempotency_key = $2", project_id, key
    )
    return None if row is None else _render(row)


async def list_page(
    db: Database,
    project_id: str,
    *,
    before_id: str | None,
    limit: int,
    status: str | None = None,
    composition_id: str | None = None,
) -> list[Render]:
    """Newest first, those before `before_id`."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM renders WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR composition_id = $4)"
        " ORDER BY id DESC LIMIT $5",
        project_id,
        before_id,
        status,
        composition_id,
        limit,
    )
    return [_render(row) for row in rows]


async def list_page_of_owner(
    db: Database, owner_id: str, *, before_id: str | None, limit: int, status: str | None = None
) -> list[Render]:
    """Those of all projects of an owner, newest first; a project is read no further than the page is long."""
    rows = await db.fetch(
        f"SELECT found.* FROM projects CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM renders"
        " WHERE renders.project_id = projects.id AND ($2::text IS NULL OR renders.id < $2)"
        " AND ($3::text IS NULL OR renders.status = $3) ORDER BY renders.id DESC LIMIT $4) found"
        " WHERE projects.owner_id = $1 AND projects.status <> 'deleting' ORDER BY found.id DESC LIMIT $4",
        owner_id,
        before_id,
        status,
        limit,
    )
    return [_render(row) for row in rows]


async def list_of_session(db: Database, project_id: str, session_id: str, *, limit: int) -> list[Render]:
    """The renders of a session's edit list, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM renders WHERE project_id = $1 AND composition_id = 'edit_list'"
        " AND input_props->>'session_id' = $2 ORDER BY id DESC LIMIT $3",
        project_id,
        session_id,
        limit,
    )
    return [_render(row) for row in rows]


async def list_active(db: Database, project_id: str, *, limit: int = 200) -> list[Render]:
    """Renders that are not at an end, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM renders WHERE project_id = $1 AND status = ANY($2::text[]) ORDER BY id DESC LIMIT $3",
        project_id,
        list(ACTIVE_RENDER),
        limit,
    )
    return [_render(row) for row in rows]


async def list_active_of(db: Database, project_ids: list[str], *, limit: int = 200) -> dict[str, list[Render]]:
    """The same of many projects, by project, without what their callers sent."""
    return await _list_of(db, project_ids, list(ACTIVE_RENDER), limit)


async def list_newest_of(db: Database, project_ids: list[str], *, limit: int) -> dict[str, list[Render]]:
    """The newest renders of many projects, by project, without what their callers sent."""
    return await _list_of(db, project_ids, None, limit)


async def _list_of(
    db: Database, project_ids: list[str], statuses: list[str] | None, limit: int
) -> dict[str, list[Render]]:
    rows = await db.fetch(
        f"SELECT found.* FROM unnest($1::text[]) AS asked(project_id) CROSS JOIN LATERAL (SELECT {_BRIEF_COLUMNS}"
        " FROM renders WHERE renders.project_id = asked.project_id AND ($2::text[] IS NULL OR status = ANY($2))"
        " ORDER BY id DESC LIMIT $3) found",
        project_ids,
        statuses,
        limit,
    )
    found: dict[str, list[Render]] = {}
    for row in rows:
        found.setdefault(row["project_id"], []).append(_render(row))
    return found


async def lock_superseded(db: Database, project_id: str, supersede_key: str, except_id: str) -> list[str]:
    """Lock the active renders that a newer one with the same `supersede_key` replaces, and return their ids.

    Two submissions with one key wait for each other here, so that the later one sees the earlier.
    """
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1 || ':' || $2, 0))", project_id, supersede_key)
    rows = await db.fetch(
        "SELECT id FROM renders WHERE project_id = $1 AND supersede_key = $2 AND id <> $3 AND status = ANY($4::text[])"
        " ORDER BY id FOR UPDATE",
        project_id,
        supersede_key,
        except_id,
        list(ACTIVE_RENDER),
    )
    return [row["id"] for row in rows]


async def set_status(
    db: Database,
    render_id: str,
    status: RenderStatus,
    *,
    attempt: int | None = None,
    error: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Render | None:
    """Move a render to `status` if it may go there (and is still in `attempt`, if given); None when it may not.

    Sets started_at, completed_at and the attempt's counter as the target says: `queued` is a retry.
    """
    row = await db.fetch_one(
        f"""
        UPDATE renders SET status = $2, updated_at = now(),
            attempt = attempt + CASE WHEN $2 = 'queued' THEN 1 ELSE 0 END,
            started_at = CASE $2 WHEN 'processing' THEN now() WHEN 'queued' THEN NULL ELSE started_at END,
            completed_at = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') THEN now() END,
            deadline_at = CASE WHEN $2 = 'processing' THEN deadline_at END,
            error = $4::jsonb, output = $5::jsonb,
            progress = coalesce($6::jsonb, progress), collected_at = NULL, logs_removed_at = NULL,
            cache = CASE WHEN $2 = 'queued' THEN '{{}}' ELSE cache END,
            cache_keys = CASE WHEN $2 IN ('completed', 'failed', 'cancelled') THEN '{{}}' ELSE cache_keys END,
            plan = CASE WHEN $2 = 'queued' THEN NULL ELSE plan END,
            preview = CASE WHEN $2 = 'queued' THEN NULL ELSE preview END
        WHERE id = $1 AND status = ANY($3::text[]) AND ($7::int IS NULL OR attempt = $7)
        RETURNING {_COLUMNS}
        """,
        render_id,
        status,
        list(render_sources(status)),
        None if error is None else to_json(error),
        None if output is None else to_json(output),
        None if progress is None else to_json(progress),
        attempt,
    )
    return None if row is None else _render(row)


async def set_deadline(db: Database, render_id: str, deadline_s: float) -> None:
    """Give the running attempt until `deadline_s` seconds from now."""
    await db.execute(
        "UPDATE renders SET deadline_at = now() + make_interval(secs => $2) WHERE id = $1", render_id, deadline_s
    )


async def set_plan(
    db: Database, render_id: str, attempt: int, plan: Mapping[str, Any], cache: Mapping[str, Any], progress: Progress
) -> bool:
    """Store what `prepare` made, if the render is still in this attempt and processing."""
    return bool(
        await db.execute(
            "UPDATE renders SET plan = $3::jsonb, cache = $4::jsonb, progress = $5::jsonb, updated_at = now()"
            " WHERE id = $1 AND attempt = $2 AND status = 'processing'",
            render_id,
            attempt,
            to_json(plan),
            to_json(cache),
            to_json(progress),
        )
    )


async def set_cache_keys(db: Database, render_id: str, keys: Sequence[str]) -> None:
    """Note which entries of the segment cache the render uses: they stay there until it ends."""
    await db.execute("UPDATE renders SET cache_keys = $2 WHERE id = $1", render_id, list(keys))


async def set_cache(db: Database, render_id: str, cache: object) -> None:
    """Say what came out of the cache and what did not."""
    await db.execute("UPDATE renders SET cache = $2::jsonb WHERE id = $1", render_id, to_json(cache))


async def get_plan(db: Database, render_id: str) -> dict[str, Any] | None:
    """The plan that `prepare` stored."""
    plan: dict[str, Any] | None = from_json(await db.fetch_value("SELECT plan FROM renders WHERE id = $1", render_id))
    return plan


async def set_progress(db: Database, render_id: str, attempt: int, progress: Progress) -> None:
    """Store the progress at a step's end, so that a poll without Redis is not far off. Never goes back."""
    await db.execute(
        "UPDATE renders SET progress = $3::jsonb, updated_at = now() WHERE id = $1 AND attempt = $2"
        " AND status = 'processing' AND coalesce((progress->>'percent')::float, 0) <= $4",
        render_id,
        attempt,
        to_json(progress),
        progress.percent,
    )


async def list_at_work(db: Database) -> list[Render]:
    """Every render that is processed, without what its caller sent."""
    return [_render(row) for row in await db.fetch(f"SELECT {_BRIEF_COLUMNS} FROM renders WHERE status = 'processing'")]


_TOLD_MORE = (
    "said JOIN renders ON renders.id = said.id AND renders.attempt = said.attempt AND status = 'processing'"
    " WHERE (renders.told IS NULL OR (renders.told->>0)::int < said.attempt OR"
    " ((renders.told->1->>'percent')::float <= (said.told->1->>'percent')::float"
    " AND (renders.told->1->>'current_frame')::int <= (said.told->1->>'current_frame')::int"
    " AND renders.told <> said.told))"
)


async def keep_told(db: Database, told: Mapping[str, tuple[int, Progress | msgspec.Raw]]) -> list[str]:
    """Keep what was told, (attempt, progress or its JSON) by render id; return those that somebody is changing just now.

    Nothing is kept of these, nor what is no more than what was.
    """
    rows = await db.fetch(
        "WITH said AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::int[], $3::jsonb[]) AS said(id, attempt, told)),"
        f" free AS (SELECT renders.id, said.told FROM {_TOLD_MORE} FOR UPDATE OF renders SKIP LOCKED),"
        " kept AS (UPDATE renders SET told = free.told FROM free WHERE renders.id = free.id RETURNING renders.id)"
        f" SELECT renders.id FROM {_TOLD_MORE} AND renders.id NOT IN (SELECT id FROM kept)",
        list(told),
        [attempt for attempt, _ in told.values()],
        [to_json(one) for one in told.values()],
    )
    return [row["id"] for row in rows]


async def past_deadline(db: Database, *, limit: int = 100) -> list[tuple[str, int]]:
    """(id, attempt) of renders whose attempt has taken too long."""
    rows = await db.fetch(
        "SELECT id, attempt FROM renders WHERE status = 'processing' AND deadline_at < now() LIMIT $1", limit
    )
    return [(row["id"], row["attempt"]) for row in rows]


async def uncollected(db: Database, *, ended_for_s: float, limit: int = 100) -> list[Render]:
    """Renders at an end for so long whose storage has not been tidied since, the longest ended first."""
    return await _ended_without(db, "collected_at", ended_for_s, limit)


async def set_collected(db: Database, render: Render) -> None:
    """Note that this end of a render has been tidied up after; a retry is an end of its own."""
    await _mark_end(db, "collected_at", render)


async def with_logs(db: Database, *, ended_for_s: float, limit: int = 100) -> list[Render]:
    """Renders at an end for so long whose encoders' logs have not been removed since, the longest ended first."""
    return await _ended_without(db, "logs_removed_at", ended_for_s, limit)


async def set_logs_removed(db: Database, render: Render) -> None:
    """Note that the logs of this end of a render are gone."""
    await _mark_end(db, "logs_removed_at", render)


async def _ended_without(db: Database, mark: str, ended_for_s: float, limit: int) -> list[Render]:
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM renders WHERE {mark} IS NULL AND status IN ('completed', 'failed', 'cancelled')"
        " AND completed_at <= now() - make_interval(secs => $1) ORDER BY completed_at LIMIT $2",
        ended_for_s,
        limit,
    )
    return [_render(row) for row in rows]


async def _mark_end(db: Database, mark: str, render: Render) -> None:
    await db.execute(
        f"UPDATE renders SET {mark} = now() WHERE id = $1 AND attempt = $2 AND status = $3",
        render.id,
        render.attempt,
        render.status,
    )


def _render(row: asyncpg.Record) -> Render:
    values = dict(row)
    for name in ("input_props", "output_settings", "output", "error", "cache", "metadata", "remote"):
        values[name] = from_json(values[name])
    values["progress"] = msgspec.json.decode(values["progress"], type=Progress)
    values["told"] = values["told"] and msgspec.json.decode(values["told"], type=tuple[int, Progress])
    values["preview"] = values["preview"] and msgspec.json.decode(values["preview"], type=Screen)
    return Render(**values)
