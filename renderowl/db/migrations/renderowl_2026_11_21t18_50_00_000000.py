"""Dispatches: steps given to workers that have not begun them, in narrow rows of their own (decision 37)."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T18:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "dispatches: steps given to workers that have not begun them"

# What says `dispatched` in steps stays: workers begin it and the reaper puts it back as before. No foreign key: it would
# lock and look up each step again; what a deleted step leaves behind is removed when its lease has run out. The table
# fills and empties all the time, so its dead rows are removed by their number and not by their share.
SQL = """
CREATE TABLE dispatches (
    step_id TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    token TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    lease_expires_at TIMESTAMPTZ NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 1000, vacuum_truncate = off);
"""

BACKWARDS = """
DROP TABLE dispatches;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
