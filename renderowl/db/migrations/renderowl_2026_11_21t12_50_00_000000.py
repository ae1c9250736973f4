"""Errands: what was sent to a remote endpoint, each attempt of a step once, and what it took there."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T12:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "errands: steps sent to a remote endpoint"

# No foreign keys: what was sent must be called back, and paid for, also when its project has been deleted.
SQL = """
CREATE TABLE errands (
    id TEXT PRIMARY KEY,
    step_id TEXT NOT NULL,
    step_attempt INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE,
    render_id TEXT NOT NULL,
    render_attempt INTEGER NOT NULL,
    project_id TEXT NOT NULL,
    key_id TEXT,
    held_by INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'recorded' CHECK (status IN ('recorded', 'submitted', 'lost', 'ended')),
    remote_id TEXT,
    blueprint JSONB,
    outcome TEXT,
    price_per_s DOUBLE PRECISION NOT NULL,
    delay_s DOUBLE PRECISION,
    execution_s DOUBLE PRECISION,
    hinted_at TIMESTAMPTZ,
    look_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    submitted_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    UNIQUE (step_id, step_attempt)
);
CREATE INDEX errands_open ON errands (look_at) WHERE status <> 'ended';
CREATE INDEX errands_render ON errands (render_id);
CREATE INDEX errands_key ON errands (key_id, ended_at) WHERE key_id IS NOT NULL;

ALTER TABLE renders ADD COLUMN remote JSONB;
"""

BACKWARDS = """
ALTER TABLE renders DROP COLUMN remote;
DROP TABLE errands;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
