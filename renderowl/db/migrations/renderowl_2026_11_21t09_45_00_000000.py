"""Webhooks of projects, the generations of their secrets, and what became of their deliveries."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T09:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "webhooks"

SQL = """
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    events TEXT[] NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    disabled_reason TEXT,
    failing_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_project ON webhooks (project_id, id);

CREATE TABLE webhook_secrets (
    owner_id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    rotated_at TIMESTAMPTZ NOT NULL
);

ALTER TABLE deliveries ADD COLUMN webhook_id TEXT REFERENCES webhooks(id) ON DELETE CASCADE,
    ADD COLUMN last_attempt_at TIMESTAMPTZ, ADD COLUMN duration_ms INTEGER;
CREATE INDEX deliveries_project ON deliveries (project_id, id);
CREATE INDEX deliveries_webhook ON deliveries (webhook_id) WHERE webhook_id IS NOT NULL;
CREATE INDEX deliveries_settled ON deliveries (created_at) WHERE status <> 'pending';
"""

BACKWARDS = """
DROP INDEX deliveries_settled;
DROP INDEX deliveries_webhook;
DROP INDEX deliveries_project;
ALTER TABLE deliveries DROP COLUMN webhook_id, DROP COLUMN last_attempt_at, DROP COLUMN duration_ms;
DROP TABLE webhook_secrets, webhooks;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
