"""Automations in Postgres: the rules of a project, and which schedules are due."""

from datetime import datetime
from typing import Any

import asyncpg

from renderowl.db.database import Database, from_json, to_json
from renderowl.domain.automations import Automation, TriggerType

_COLUMNS = ", ".join(Automation.__struct_fields__)


async def now(db: Database) -> datetime:
    """The one clock that schedules go by."""
    moment: datetime = await db.fetch_value("SELECT now()")
    return moment


async def insert(db: Database, automation: Automation, *, most: int) -> bool:
    """Store an automation in the caller's transaction; False when the project's owner has `most` already (0: no limit)."""
    # whoever makes one too many at the same moment waits here until the other's is counted
    owner_id = await db.fetch_value(
        "SELECT u.id FROM projects p JOIN users u ON u.id = p.owner_id WHERE p.id = $1 FOR NO KEY UPDATE OF u",
        automation.project_id,
    )
    return bool(
        await db.execute(
            "INSERT INTO automations (id, project_id, name, enabled, trigger, actions, next_due_at, created_by,"
            " created_at, updated_at) SELECT $1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, $9 WHERE $10 = 0 OR"
            " (SELECT count(*) FROM automations a JOIN projects p ON p.id = a.project_id WHERE p.owner_id = $11) < $10",
            automation.id,
            automation.project_id,
            automation.name,
            automation.enabled,
            to_json(automation.trigger),
            to_json(automation.actions),
            automation.next_due_at,
            automation.created_by,
            automation.created_at,
            most,
            owner_id,
        )
    )


async def get(
    db: Database, automation_id: str, *, project_id: str | None = None, lock: bool = False
) -> Automation | None:
    """One automation, within a project when given; `lock` holds its row until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM automations WHERE id = $1 AND ($2::text IS NULL OR project_id = $2)"
        + (" FOR UPDATE" if lock else ""),
        *(automation_id, project_id),
    )
    return None if row is None else _automation(row)


async def list_page(db: Database, project_id: str, *, before_id: str | None, limit: int) -> list[Automation]:
    """The project's automations, newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM automations WHERE project_id = $1 AND ($2::text IS NULL OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        *(project_id, before_id, limit),
    )
    return [_automation(row) for row in rows]


async def listening(db: Database, project_id: str, trigger_type: TriggerType) -> list[Automation]:
    """The enabled automations of a project with a trigger of this type, oldest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM automations WHERE project_id = $1 AND enabled AND trigger->>'type' = $2 ORDER BY id",
        *(project_id, trigger_type),
    )
    return [_automation(row) for row in rows]


async def lock_due(db: Database, moment: datetime, *, limit: int) -> list[Automation]:
    """Schedules that are due, the longest due first, held until the transaction ends; not those that another holds."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM automations WHERE enabled AND next_due_at <= $1 ORDER BY next_due_at LIMIT $2"
        " FOR UPDATE SKIP LOCKED",
        *(moment, limit),
    )
    return [_automation(row) for row in rows]


async def set_next_due(db: Database, automation_id: str, next_due_at: datetime | None) -> None:
    """Note when a schedule is due next."""
    await db.execute("UPDATE automations SET next_due_at = $2 WHERE id = $1", automation_id, next_due_at)


async def update(db: Database, automation_id: str, values: dict[str, Any]) -> Automation:
    """Set name, enabled, trigger, actions and next_due_at of an automation whose row the caller holds."""
    row = await db.fetch_one(
        "UPDATE automations SET name = $2, enabled = $3, trigger = $4::jsonb, actions = $5::jsonb, next_due_at = $6,"
        f" updated_at = now() WHERE id = $1 RETURNING {_COLUMNS}",
        *(automation_id, values["name"], values["enabled"], to_json(values["trigger"]), to_json(values["actions"])),
        values["next_due_at"],
    )
    assert row is not None
    return _automation(row)


async def delete(db: Database, automation_id: str) -> None:
    """Delete an automation with its executions and its secret."""
    await db.execute("DELETE FROM webhook_secrets WHERE owner_id = $1", automation_id)
    await db.execute("DELETE FROM automations WHERE id = $1", automation_id)


def _automation(row: asyncpg.Record) -> Automation:
    return Automation(**{**row, "trigger": from_json(row["trigger"]), "actions": from_json(row["actions"])})
