"""Executions as an outbox: each occurrence of a trigger once, claimed with a lease, and what led to it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T10:35:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "executions of automations as an outbox"

SQL = """
DROP TABLE executions;
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    automation_id TEXT NOT NULL REFERENCES automations(id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    trigger_type TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'completed', 'failed', 'skipped')),
    input JSONB NOT NULL,
    actions JSONB NOT NULL,
    results JSONB NOT NULL DEFAULT '[]',
    error JSONB,
    chain TEXT[] NOT NULL,
    root_id TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    due_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    UNIQUE (automation_id, occurrence)
);
CREATE INDEX executions_automation ON executions (automation_id, id);
CREATE INDEX executions_root ON executions (root_id);
CREATE INDEX executions_waiting ON executions (next_attempt_at) WHERE status IN ('queued', 'running');
CREATE INDEX executions_age ON executions (created_at) WHERE status NOT IN ('queued', 'running');
"""

BACKWARDS = """
DROP TABLE executions;
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    automation_id TEXT NOT NULL REFERENCES automations(id) ON DELETE CASCADE,
    trigger_type TEXT NOT NULL,
    due_at TIMESTAMPTZ,
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'skipped')),
    input JSONB NOT NULL DEFAULT '{}',
    result JSONB,
    error JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    UNIQUE (automation_id, due_at)
);
CREATE INDEX executions_automation ON executions (automation_id, id);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
