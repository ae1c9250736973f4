"""What a fair queue of many tenants needs: ageing, keys, weights, pauses; collecting what losers left; traces."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T06:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "fair queue"

SQL = """
ALTER TABLE renders ADD COLUMN key_id TEXT, ADD COLUMN trace TEXT, ADD COLUMN collected_at TIMESTAMPTZ;
CREATE INDEX renders_uncollected ON renders (completed_at)
    WHERE collected_at IS NULL AND status IN ('completed', 'failed', 'cancelled');

ALTER TABLE steps ADD COLUMN key_id TEXT, ADD COLUMN ages_at TIMESTAMPTZ,
    ADD COLUMN queued_at TIMESTAMPTZ NOT NULL DEFAULT now();
CREATE INDEX steps_encoded ON steps (finished_at DESC) WHERE kind = 'segment' AND status = 'completed';
CREATE INDEX steps_ageing ON steps (ages_at, id) WHERE status = 'queued' AND ages_at IS NOT NULL;

ALTER TABLE workers DROP CONSTRAINT workers_status_check,
    ADD CONSTRAINT workers_status_check CHECK (status IN ('active', 'full', 'draining', 'gone'));

CREATE TABLE project_weights (
    project_id TEXT PRIMARY KEY REFERENCES projects(id) ON DELETE CASCADE,
    weight DOUBLE PRECISION NOT NULL CHECK (weight > 0)
);

CREATE TABLE queue_pauses (
    scope TEXT PRIMARY KEY,
    reason TEXT NOT NULL DEFAULT '',
    paused_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
"""

BACKWARDS = """
ALTER TABLE workers DROP CONSTRAINT workers_status_check,
    ADD CONSTRAINT workers_status_check CHECK (status IN ('active', 'draining', 'gone'));
DROP TABLE queue_pauses, project_weights;
DROP INDEX steps_encoded, steps_ageing, renders_uncollected;
ALTER TABLE steps DROP COLUMN key_id, DROP COLUMN ages_at, DROP COLUMN queued_at;
ALTER TABLE renders DROP COLUMN key_id, DROP COLUMN trace, DROP COLUMN collected_at;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
