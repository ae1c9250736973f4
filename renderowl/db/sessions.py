"""Sessions and their edit decision lists in Postgres, always within a project."""

from typing import Any

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.records import EditList, Session

_SESSION = ", ".join(Session.__struct_fields__)
_EDIT_LIST = ", ".join(EditList.__struct_fields__)


async def insert(db: Database, session_id: str, project_id: str, name: str) -> Session:
    """Store a session."""
    row = await db.fetch_one(
        f"INSERT INTO sessions (id, project_id, name) VALUES ($1, $2, $3) RETURNING {_SESSION}",
        *(session_id, project_id, name),
    )
    assert row is not None
    return Session(**row)


async def get(db: Database, session_id: str, *, project_id: str | None = None) -> Session | None:
    """One session, within a project when given."""
    row = await db.fetch_one(
        f"SELECT {_SESSION} FROM sessions WHERE id = $1 AND ($2::text IS NULL OR project_id = $2)",
        *(session_id, project_id),
    )
    return None if row is None else Session(**row)


async def list_page(db: Database, project_id: str, *, before_id: str | None, limit: int) -> list[Session]:
    """The project's sessions, newest first."""
    rows = await db.fetch(
        f"SELECT {_SESSION} FROM sessions WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        *(project_id, before_id, limit),
    )
    return [Session(**row) for row in rows]


async def rename(db: Database, session_id: str, name: str) -> None:
    """Change a session's name."""
    await db.execute("UPDATE sessions SET name = $2, updated_at = now() WHERE id = $1", session_id, name)


async def delete(db: Database, session_id: str) -> None:
    """Delete a session with its edit list."""
    await db.execute("DELETE FROM sessions WHERE id = $1", session_id)


async def get_edit_list(db: Database, session_id: str) -> EditList | None:
    """A session's edit list."""
    return _edit_list(await db.fetch_one(f"SELECT {_EDIT_LIST} FROM edls WHERE session_id = $1", session_id))


async def put_draft(db: Database, session_id: str, document: dict[str, Any]) -> EditList | None:
    """Store an edit list as the next version; None when it is locked."""
    return _edit_list(
        await db.fetch_one(
            "INSERT INTO edls (session_id, document) VALUES ($1, $2::jsonb) ON CONFLICT (session_id) DO UPDATE"
            " SET document = excluded.document, version = edls.version + 1, updated_at = now()"
            f" WHERE edls.locked_at IS NULL RETURNING {_EDIT_LIST}",
            *(session_id, to_json(document)),
        )
    )


async def lock(db: Database, session_id: str, version: int) -> EditList | None:
    """Lock this version of an edit list, or leave it locked; None when there is another by now."""
    return _edit_list(
        await db.fetch_one(
            "UPDATE edls SET locked_at = coalesce(locked_at, now()), updated_at = now()"
            f" WHERE session_id = $1 AND version = $2 RETURNING {_EDIT_LIST}",
            *(session_id, version),
        )
    )


async def unlock(db: Database, session_id: str) -> EditList | None:
    """Make an edit list a draft again; None when there is none."""
    return _edit_list(
        await db.fetch_one(
            f"UPDATE edls SET locked_at = NULL, updated_at = now() WHERE session_id = $1 RETURNING {_EDIT_LIST}",
            session_id,
        )
    )


def _edit_list(row: asyncpg.Record | None) -> EditList | None:
    return None if row is None else EditList(**{**row, "document": from_json(row["document"])})
