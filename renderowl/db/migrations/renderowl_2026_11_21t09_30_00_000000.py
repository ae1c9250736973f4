"""The segment cache's catalogue; what a render uses of it; renders that bypass it; encoders' logs that were removed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T09:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "segment cache"

SQL = """
CREATE TABLE cache_entries (
    key TEXT PRIMARY KEY,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    facts JSONB NOT NULL,
    made_by TEXT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    used_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX cache_entries_used ON cache_entries (used_at, key);

ALTER TABLE renders ADD COLUMN force BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN cache_keys TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN logs_removed_at TIMESTAMPTZ;
CREATE INDEX renders_logged ON renders (completed_at)
    WHERE logs_removed_at IS NULL AND status IN ('completed', 'failed', 'cancelled');
"""

BACKWARDS = """
DROP INDEX renders_logged;
ALTER TABLE renders DROP COLUMN force, DROP COLUMN cache_keys, DROP COLUMN logs_removed_at;
DROP TABLE cache_entries;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
