"""Projects in Postgres. Every read names the owner, so that nobody sees another's; None as owner is an administrator."""

import secrets
from typing import Any

from renderowl.db.database import Database, from_json, to_json
from renderowl.db.tables.media import Projects
from renderowl.domain.records import Project

_COLUMNS = ", ".join(Project.__struct_fields__)


async def insert(
    db: Database,
    *,
    project_id: str,
    owner_id: str,
    name: str,
    description: str | None,
    settings: dict[str, Any],
    handle: str | None = None,
) -> Project:
    """Store a new project; where the owner has one with this handle, that one is given.

    Its epoch is drawn here: a cursor of another database never fits it by chance.
    """
    row = Projects(
        id=project_id,
        owner_id=owner_id,
        created_by=owner_id,
        name=name,
        description=description,
        settings=to_json(settings),
        status="active",
        event_epoch=f"e{secrets.token_hex(3)}",
        event_seq=0,
        asset_count=0,
        render_count=0,
        handle=handle,
    )
    await db.run(Projects.insert(row).on_conflict(action="DO NOTHING"))
    known = project_id if handle is None else await find_by_handle(db, owner_id, handle)
    project = await get(db, known or project_id, owner_id=owner_id)
    assert project is not None
    return project


async def get(db: Database, project_id: str, *, owner_id: str | None) -> Project | None:
    """One project that is not being deleted."""
    row = await db.fetch_one(  # almost every request asks this: Piccolo needs as long to write the query as Postgres to answer
        f"SELECT {_COLUMNS} FROM projects WHERE id = $1 AND status <> 'deleting' AND ($2::text IS NULL OR owner_id = $2)",
        project_id,
        owner_id,
    )
    return None if row is None else Project(**{**row, "settings": from_json(row["settings"])})


async def find_by_handle(db: Database, owner_id: str, handle: str) -> str | None:
    """The id of the owner's project of this handle."""
    found: str | None = await db.fetch_value(
        "SELECT id FROM projects WHERE owner_id = $1 AND handle = $2 AND status <> 'deleting'", owner_id, handle
    )
    return found


async def owners(db: Database, project_ids: list[str]) -> dict[str, str]:
    """Whose these projects are, those being deleted left out."""
    rows = await db.fetch(
        "SELECT id, owner_id FROM projects WHERE id = ANY($1::text[]) AND status <> 'deleting'", project_ids
    )
    return {row["id"]: row["owner_id"] for row in rows}


async def list_page(db: Database, *, owner_id: str | None, before_id: str | None, limit: int) -> list[Project]:
    """Newest first, those before `before_id`."""
    query = Projects.select().where(Projects.status != "deleting").order_by(Projects.id, ascending=False).limit(limit)
    if owner_id is not None:
        query = query.where(Projects.owner_id == owner_id)
    if before_id is not None:
        query = query.where(Projects.id < before_id)
    return [Project(**row) for row in await db.run(query.output(load_json=True))]


async def update(db: Database, project_id: str, changes: dict[str, Any]) -> None:
    """Change name, description, settings or status."""
    values = {name: to_json(value) if name == "settings" else value for name, value in changes.items()}
    if values:
        await db.execute(
            "UPDATE projects SET updated_at = now(), "
            + ", ".join(f"{name} = ${n}{'::jsonb' if name == 'settings' else ''}" for n, name in enumerate(values, 2))
            + " WHERE id = $1",
            project_id,
            *values.values(),
        )


async def count(db: Database, project_id: str, *, assets: int = 0, renders: int = 0) -> None:
    """Add to the counters of a project."""
    await db.execute(
        "UPDATE projects SET asset_count = asset_count + $2, render_count = render_count + $3 WHERE id = $1",
        project_id,
        assets,
        renders,
    )


async def delete(db: Database, project_id: str) -> None:
    """Delete the row and, by the foreign keys, everything of the project."""
    await db.execute("DELETE FROM projects WHERE id = $1", project_id)


async def deleting(db: Database, *, limit: int = 10) -> list[str]:
    """Projects whose deletion was begun and not finished: what a crash left."""
    rows = await db.fetch(
        "SELECT id FROM projects WHERE status = 'deleting' AND updated_at < now() - interval '1 minute' LIMIT $1", limit
    )
    return [row["id"] for row in rows]
