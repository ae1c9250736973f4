"""Copies of what specs name by URL."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from renderowl.db.script import run_script

ID = "2026-11-21T09:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "fetched sources"

SQL = """
CREATE TABLE fetched (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    content_hash TEXT NOT NULL,
    storage_key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    metadata JSONB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('fetching', 'ready', 'expired')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    used_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX fetched_url ON fetched (project_id, md5(url), id);
CREATE INDEX fetched_used ON fetched (used_at);
"""

BACKWARDS = """
DROP TABLE fetched;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="renderowl", description=DESCRIPTION)
    manager.add_raw(run_script(SQL))
    manager.add_raw_backwards(run_script(BACKWARDS))
    return manager
